//! A track: one stream of features and what collects its rows, beside the speech detector.
//!
//! Rows run ahead of the detector's decisions or behind them; each collector holds back what has no partner yet. Several
//! encoders can live on one track, where they take the same rows.

use super::kind::{Encoder, PerEncoder};
use super::mfcc::{MfccCollector, MfccEncoder};
use crate::feature::FeatureStream;

/// What one thread needs to make the embeddings of one kind of feature.
pub(crate) struct Track<'a> {
    features: FeatureStream<'a>,
    collector: Collector<'a>,
}

/// What becomes of a track's rows.
enum Collector<'a> {
    /// Statistics of cepstra.
    Mfcc(&'a MfccEncoder, MfccCollector),
}

impl<'a> Track<'a> {
    /// The track of the transparent encoder.
    pub fn mfcc(encoder: &'a MfccEncoder) -> Self {
        Track { features: encoder.plan.stream(), collector: Collector::Mfcc(encoder, encoder.collector()) }
    }

    /// Takes the next samples of the clip.
    pub fn push(&mut self, block: &[f32]) {
        let collector = &mut self.collector;
        self.features.push(block, &mut |rows| collector.push_rows(rows));
    }

    /// Takes the end of the clip's samples; decisions may still come.
    pub fn end(&mut self) {
        let collector = &mut self.collector;
        self.features.finish(&mut |rows| collector.push_rows(rows));
    }

    /// Takes the decision on the next frame.
    pub fn push_decision(&mut self, keep: bool) {
        match &mut self.collector {
            Collector::Mfcc(_, collector) => collector.push_decision(keep),
        }
    }

    /// Uses the rows on which a decision has come.
    pub fn drain(&mut self) {
        match &mut self.collector {
            Collector::Mfcc(_, collector) => collector.drain(),
        }
    }

    /// Ends the clip and sets the values of the track's encoders; none where no frame was kept. Ready for the next clip
    /// afterwards.
    pub fn finish(&mut self, values: &mut PerEncoder<Vec<f32>>) {
        match &mut self.collector {
            Collector::Mfcc(encoder, collector) => {
                if let Some(mfcc) = encoder.embed(&collector.finish()) {
                    values.set(Encoder::Mfcc, mfcc);
                }
            }
        }
    }
}

impl Collector<'_> {
    fn push_rows(&mut self, rows: &[f32]) {
        match self {
            Collector::Mfcc(_, collector) => collector.push_rows(rows),
        }
    }
}
