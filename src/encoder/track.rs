//! A track: one stream of features and what collects its rows, beside the speech detector.
//!
//! Rows run ahead of the detector's decisions or behind them; each collector holds back what has no partner yet.
//! Several encoders can live on one track, where they take the same rows.

use super::kind::{Encoder, PerEncoder};
use super::mfcc::{MfccCollector, MfccEncoder};
use super::pieces::Pieces;
use super::wccn::WccnEncoder;
use crate::feature::{FeatureStream, FrameActivity, OffsetFilter};

/// What one thread needs to make the embeddings of one kind of feature.
pub(crate) struct Track<'a> {
    features: FeatureStream<'a>,
    /// What takes a constant offset off in front of the features, and the block without it.
    offset: Option<OffsetFilter>,
    block: Vec<f32>,
    collector: Collector<'a>,
}

/// What becomes of a track's rows.
enum Collector<'a> {
    /// Statistics of cepstra, and of the log mel bands that they were made from.
    Statistics {
        mfcc: Option<(&'a MfccEncoder, Box<MfccCollector>)>,
        bands: Option<(&'a WccnEncoder, Box<MfccCollector>)>,
    },
    /// A speaker network.
    Network(Encoder, Box<Pieces<'a>>),
}

impl<'a> Track<'a> {
    /// The track of the encoders that are statistics of MFCC frames.
    pub fn statistics(
        features: FeatureStream<'a>,
        mfcc: Option<&'a MfccEncoder>,
        bands: Option<&'a WccnEncoder>,
    ) -> Self {
        let mfcc = mfcc.map(|encoder| (encoder, Box::new(encoder.collector())));
        let bands = bands.map(|encoder| (encoder, Box::new(encoder.collector())));
        Track { features, offset: None, block: Vec::new(), collector: Collector::Statistics { mfcc, bands } }
    }

    /// The track of a speaker network; `offset` is the filter in front of its features.
    pub fn network(
        features: FeatureStream<'a>,
        encoder: Encoder,
        pieces: Pieces<'a>,
        offset: Option<OffsetFilter>,
    ) -> Self {
        Track { features, offset, block: Vec::new(), collector: Collector::Network(encoder, Box::new(pieces)) }
    }

    /// Takes the next samples of the clip.
    pub fn push(&mut self, block: &[f32]) {
        let block = match &mut self.offset {
            Some(filter) => {
                self.block.clear();
                filter.apply(block, &mut self.block);
                &self.block
            }
            None => block,
        };
        match &mut self.collector {
            Collector::Statistics { mfcc, bands: None } => {
                self.features.push(block, &mut |rows| mfcc.iter_mut().for_each(|(_, c)| c.push_rows(rows)));
            }
            Collector::Statistics { mfcc, bands } => self.features.push_with_bands(block, &mut |rows, banks| {
                mfcc.iter_mut().for_each(|(_, c)| c.push_rows(rows));
                bands.iter_mut().for_each(|(_, c)| c.push_rows(banks));
            }),
            Collector::Network(_, pieces) => self.features.push(block, &mut |rows| pieces.push_rows(rows)),
        }
    }

    /// Takes the end of the clip's samples; decisions may still come.
    pub fn end(&mut self) {
        self.offset.iter_mut().for_each(OffsetFilter::reset);
        match &mut self.collector {
            Collector::Statistics { mfcc, bands } => self.features.finish_with_bands(&mut |rows, banks| {
                mfcc.iter_mut().for_each(|(_, c)| c.push_rows(rows));
                bands.iter_mut().for_each(|(_, c)| c.push_rows(banks));
            }),
            Collector::Network(_, pieces) => self.features.finish(&mut |rows| pieces.push_rows(rows)),
        }
    }

    /// Takes what was found of the next frame.
    pub fn push_decision(&mut self, frame: FrameActivity) {
        match &mut self.collector {
            Collector::Statistics { mfcc, bands } => {
                mfcc.iter_mut().for_each(|(_, c)| c.push_decision(frame.keep));
                bands.iter_mut().for_each(|(_, c)| c.push_decision(frame.keep));
            }
            Collector::Network(_, pieces) => pieces.push_decision(frame),
        }
    }

    /// Uses the rows on which a decision has come.
    pub fn drain(&mut self) {
        match &mut self.collector {
            Collector::Statistics { mfcc, bands } => {
                mfcc.iter_mut().for_each(|(_, c)| c.drain());
                bands.iter_mut().for_each(|(_, c)| c.drain());
            }
            Collector::Network(_, pieces) => pieces.drain(),
        }
    }

    /// Ends the clip without an embedding. Ready for the next clip afterwards.
    pub fn discard(&mut self) {
        match &mut self.collector {
            Collector::Statistics { mfcc, bands } => {
                mfcc.iter_mut().for_each(|(_, c)| drop(c.finish()));
                bands.iter_mut().for_each(|(_, c)| drop(c.finish()));
            }
            Collector::Network(_, pieces) => pieces.discard(),
        }
    }

    /// Ends the clip and sets the values of the track's encoders; none where no frame was kept. Ready for the next clip
    /// afterwards.
    pub fn finish(&mut self, values: &mut PerEncoder<Vec<f32>>) {
        let mut set = |encoder, embedding: Option<Vec<f32>>| {
            if let Some(embedding) = embedding {
                values.set(encoder, embedding);
            }
        };
        match &mut self.collector {
            Collector::Statistics { mfcc, bands } => {
                mfcc.iter_mut().for_each(|(encoder, c)| set(Encoder::Mfcc, encoder.embed(&c.finish())));
                bands.iter_mut().for_each(|(encoder, c)| set(Encoder::MfccLda, encoder.embed(&c.finish())));
            }
            Collector::Network(encoder, pieces) => set(*encoder, pieces.finish()),
        }
    }
}
