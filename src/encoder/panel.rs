//! One pass over a clip: decode, judge, detect speech, run the encoders.
//!
//! A [`Panel`] is the immutable plan of all that; a [`PanelWorker`] holds what one thread needs. The clip streams
//! through in blocks, so a recording of ten hours takes no more memory than one of ten seconds.

use super::background::Background;
use super::embedding::{Embedding, fingerprint};
use super::mfcc::{MfccCollector, MfccEncoder, MfccSettings};
use super::refusal::Refusal;
use crate::audio::{Channel, ReadOptions, Recording};
use crate::error::Result;
use crate::feature::{FeatureStream, Quality, SpeechDetector, SpeechMeter, SpeechSettings};
use schemars::JsonSchema;
use serde::Serialize;
use std::path::{Path, PathBuf};

/// The least net speech that is scored, seconds. Shorter clips give embeddings of a few syllables, which follow the
/// words more than the voice.
pub const MINIMUM_NET_SPEECH_S: f64 = 1.0;

/// Everything that decides what an embedding is.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct PanelSettings {
    /// The channel that is used.
    pub channel: Channel,
    /// How speech is found.
    pub speech: SpeechSettings,
    /// The transparent encoder.
    pub mfcc: MfccSettings,
    /// The least net speech that is scored, seconds.
    pub minimum_net_speech_s: f64,
}

impl Default for PanelSettings {
    fn default() -> Self {
        PanelSettings {
            channel: Channel::Mix,
            speech: SpeechSettings::default(),
            mfcc: MfccSettings::default(),
            minimum_net_speech_s: MINIMUM_NET_SPEECH_S,
        }
    }
}

/// The plan of a pass. Immutable; share it between threads.
pub struct Panel {
    settings: PanelSettings,
    /// None where clips are only inspected.
    mfcc: Option<MfccEncoder>,
    fingerprint: String,
}

/// What a pass over one clip gave.
#[derive(Clone, Debug)]
pub struct ClipAnalysis {
    /// The clip.
    pub path: PathBuf,
    /// SHA-256 of the file; none where it could not be read.
    pub sha256: Option<String>,
    /// What was measured; none where it could not be decoded.
    pub quality: Option<Quality>,
    /// The embedding, or why there is none or it must not be used.
    pub embedding: std::result::Result<Embedding, Refusal>,
    /// The embedding of a clip that has some speech but less than the minimum: not for a verdict, only for validation.
    pub short: Option<Embedding>,
}

impl Panel {
    /// A panel that measures and encodes, normalised by the background that ships.
    ///
    /// # Errors
    /// Where a setting is outside its range.
    pub fn new(settings: &PanelSettings) -> Result<Self> {
        Self::build(settings, Some(Some(Background::built_in()?)))
    }

    /// A panel that measures and encodes, normalised by a background of the caller's.
    ///
    /// # Errors
    /// Where a setting is outside its range, or the background is of another length than the embeddings.
    pub fn with_background(settings: &PanelSettings, background: Background) -> Result<Self> {
        Self::build(settings, Some(Some(background)))
    }

    /// A panel whose MFCC embeddings are raw: what a background is computed from.
    ///
    /// # Errors
    /// Where a setting is outside its range.
    pub fn raw(settings: &PanelSettings) -> Result<Self> {
        Self::build(settings, Some(None))
    }

    /// A panel that only measures; every embedding it gives is empty.
    ///
    /// # Errors
    /// Where a setting is outside its range.
    pub fn inspecting(settings: &PanelSettings) -> Result<Self> {
        Self::build(settings, None)
    }

    /// `background`: outer none for no encoder at all, inner none for raw embeddings.
    fn build(settings: &PanelSettings, background: Option<Option<Background>>) -> Result<Self> {
        settings.speech.check()?;
        let encoded = (&settings.speech, &settings.mfcc, &background);
        let fingerprint = fingerprint(&encoded);
        let mfcc = background.map(|background| MfccEncoder::new(&settings.mfcc, background)).transpose()?;
        Ok(Panel { settings: settings.clone(), mfcc, fingerprint })
    }

    /// The settings the panel was made from.
    pub fn settings(&self) -> &PanelSettings {
        &self.settings
    }

    /// Fingerprint of what makes the embeddings: speech detection, features and background, not the channel.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// What one thread needs for one clip after another.
    pub fn worker(&self) -> PanelWorker<'_> {
        PanelWorker {
            panel: self,
            features: self.mfcc.as_ref().map(|mfcc| mfcc.plan.stream()),
            detector: SpeechDetector::new(&self.settings.speech),
            collector: self.mfcc.as_ref().map(MfccEncoder::collector),
            block: Vec::new(),
        }
    }
}

/// What one thread needs to run a [`Panel`].
pub struct PanelWorker<'a> {
    panel: &'a Panel,
    features: Option<FeatureStream<'a>>,
    detector: SpeechDetector,
    collector: Option<MfccCollector>,
    block: Vec<f32>,
}

impl PanelWorker<'_> {
    /// Passes over a clip. Whatever is wrong with it is in the result.
    pub fn analyse(&mut self, path: &Path) -> ClipAnalysis {
        match self.pass(path) {
            Ok(analysis) => analysis,
            Err(error) => {
                // What a broken clip left behind in the streams belongs to no other clip.
                *self = self.panel.worker();
                ClipAnalysis {
                    path: path.into(),
                    sha256: crate::audio::file_sha256(path).ok(),
                    quality: None,
                    embedding: Err(Refusal::Unreadable { found: error.to_string() }),
                    short: None,
                }
            }
        }
    }

    fn pass(&mut self, path: &Path) -> Result<ClipAnalysis> {
        let options = ReadOptions { channel: self.panel.settings.channel, hash: true, measure: true };
        let mut recording = Recording::open(path, &options)?;
        let mut meter = SpeechMeter::default();
        while recording.next(&mut self.block)? {
            self.encode(true);
            let (collector, block) = (&mut self.collector, &self.block);
            self.detector.push(block, &mut |frame| {
                meter.add(frame);
                collector.iter_mut().for_each(|c| c.push_decision(frame.keep));
            });
            self.collector.iter_mut().for_each(MfccCollector::drain);
        }
        self.encode(false);
        let collector = &mut self.collector;
        self.detector.finish(&mut |frame| {
            meter.add(frame);
            collector.iter_mut().for_each(|c| c.push_decision(frame.keep));
        });
        let statistics = self.collector.as_mut().map(MfccCollector::finish);
        let mut seen = recording.finish()?;
        let sha256 = seen.sha256.take();
        let quality = meter.quality(seen);
        let values = match (&self.panel.mfcc, &statistics) {
            (Some(mfcc), Some(statistics)) => mfcc.embed(statistics),
            _ => Some(Vec::new()),
        };
        let embedding = values.map(|values| Embedding { values, fingerprint: self.panel.fingerprint.clone() });
        let (embedding, short) = self.admit(embedding, &quality);
        Ok(ClipAnalysis { path: path.into(), sha256, quality: Some(quality), embedding, short })
    }

    /// Runs the features over the block at hand, or ends them.
    fn encode(&mut self, more: bool) {
        if let (Some(features), Some(collector)) = (&mut self.features, &mut self.collector) {
            let mut sink = |rows: &[f32]| collector.push_rows(rows);
            if more {
                features.push(&self.block, &mut sink);
            } else {
                features.finish(&mut sink);
            }
        }
    }

    /// Refuses an embedding of too little speech.
    fn admit(
        &self,
        embedding: Option<Embedding>,
        quality: &Quality,
    ) -> (std::result::Result<Embedding, Refusal>, Option<Embedding>) {
        let (net_speech_s, minimum_s) = (quality.net_speech_s, self.panel.settings.minimum_net_speech_s);
        match embedding.filter(|_| quality.has_sound()) {
            Some(embedding) if net_speech_s >= minimum_s && net_speech_s > 0.0 => (Ok(embedding), None),
            Some(embedding) if net_speech_s > 0.0 => {
                (Err(Refusal::TooLittleSpeech { net_speech_s, minimum_s }), Some(embedding))
            }
            _ => (Err(Refusal::NoSpeech { duration_s: quality.duration_s }), None),
        }
    }
}
