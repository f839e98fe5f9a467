//! One pass over a clip: decode, judge, detect speech, run the encoders.
//!
//! A [`Panel`] is the immutable plan of all that; a [`PanelWorker`] holds what one thread needs. The clip streams
//! through in blocks, so a recording of ten hours takes no more memory than one of ten seconds.

use super::background::Background;
use super::embedding::{Embedding, fingerprint};
use super::kind::{Encoder, EncoderSet, PerEncoder};
use super::mfcc::{MfccEncoder, MfccSettings};
use super::refusal::Refusal;
use super::track::Track;
use crate::audio::{Channel, ReadOptions, Recording};
use crate::error::Result;
use crate::feature::{Quality, SpeechDetector, SpeechMeter, SpeechSettings};
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
    /// The encoders that run.
    pub encoders: EncoderSet,
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
            encoders: EncoderSet::default(),
            speech: SpeechSettings::default(),
            mfcc: MfccSettings::default(),
            minimum_net_speech_s: MINIMUM_NET_SPEECH_S,
        }
    }
}

/// The plan of a pass. Immutable; share it between threads.
pub struct Panel {
    settings: PanelSettings,
    /// One for each encoder that runs; empty where clips are only inspected.
    fingerprints: PerEncoder<String>,
    /// None where no encoder needs its statistics.
    mfcc: Option<MfccEncoder>,
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
    /// The embedding of each encoder, or why there is none or they must not be used.
    pub embeddings: std::result::Result<PerEncoder<Embedding>, Refusal>,
    /// The embeddings of a clip that has some speech but less than the minimum: not for a verdict, only for validation.
    pub short: Option<PerEncoder<Embedding>>,
}

impl Panel {
    /// A panel that measures and encodes, normalised by the background that ships.
    ///
    /// # Errors
    /// Where a setting is outside its range.
    pub fn new(settings: &PanelSettings) -> Result<Self> {
        Self::build(settings, Some(Background::built_in()?))
    }

    /// A panel that measures and encodes, normalised by a background of the caller's.
    ///
    /// # Errors
    /// Where a setting is outside its range, or the background is of another length than the embeddings.
    pub fn with_background(settings: &PanelSettings, background: Background) -> Result<Self> {
        Self::build(settings, Some(background))
    }

    /// A panel of the MFCC encoder alone, whose embeddings are raw: what a background is computed from.
    ///
    /// # Errors
    /// Where a setting is outside its range.
    pub fn raw(settings: &PanelSettings) -> Result<Self> {
        let encoders = EncoderSet::of([Encoder::Mfcc])?;
        Self::build(&PanelSettings { encoders, ..settings.clone() }, None)
    }

    /// A panel that only measures; it runs no encoder.
    ///
    /// # Errors
    /// Where a setting is outside its range.
    pub fn inspecting(settings: &PanelSettings) -> Result<Self> {
        settings.speech.check()?;
        Ok(Panel { settings: settings.clone(), fingerprints: PerEncoder::default(), mfcc: None })
    }

    fn build(settings: &PanelSettings, background: Option<Background>) -> Result<Self> {
        let mut panel = Self::inspecting(settings)?;
        for encoder in settings.encoders.iter() {
            let fingerprint = match encoder.available()? {
                Encoder::Mfcc => fingerprint(&(&settings.speech, &settings.mfcc, &background)),
                // Never reached while they are not available.
                Encoder::MfccLda | Encoder::Ge2e | Encoder::Campplus => continue,
            };
            panel.fingerprints.set(encoder, fingerprint);
        }
        if settings.encoders.contains(Encoder::Mfcc) {
            panel.mfcc = Some(MfccEncoder::new(&settings.mfcc, background)?);
        }
        Ok(panel)
    }

    /// The settings the panel was made from.
    pub fn settings(&self) -> &PanelSettings {
        &self.settings
    }

    /// Fingerprint of what makes each encoder's embeddings: speech detection and the encoder's own settings and tables,
    /// not the channel. Empty where clips are only inspected.
    pub fn fingerprints(&self) -> &PerEncoder<String> {
        &self.fingerprints
    }

    /// The population that MFCC statistics are normalised by; none where they are raw or not computed.
    pub fn background(&self) -> Option<&Background> {
        self.mfcc.as_ref()?.background()
    }

    /// Number of values of an encoder's embedding; none where the encoder does not run.
    pub fn width(&self, encoder: Encoder) -> Option<usize> {
        self.fingerprints.get(encoder)?;
        match encoder {
            Encoder::Mfcc => self.mfcc.as_ref().map(MfccEncoder::width),
            Encoder::MfccLda | Encoder::Ge2e | Encoder::Campplus => None,
        }
    }

    /// What one thread needs for one clip after another.
    pub fn worker(&self) -> PanelWorker<'_> {
        PanelWorker {
            panel: self,
            tracks: self.mfcc.iter().map(Track::mfcc).collect(),
            detector: SpeechDetector::new(&self.settings.speech),
            block: Vec::new(),
        }
    }
}

/// What one thread needs to run a [`Panel`].
pub struct PanelWorker<'a> {
    panel: &'a Panel,
    tracks: Vec<Track<'a>>,
    detector: SpeechDetector,
    block: Vec<f32>,
}

/// The embeddings of a clip or why there are none, and beside a refusal those of a clip that is only too short.
type Admitted = (std::result::Result<PerEncoder<Embedding>, Refusal>, Option<PerEncoder<Embedding>>);

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
                    embeddings: Err(Refusal::Unreadable { found: error.to_string() }),
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
            let (tracks, block) = (&mut self.tracks, &self.block);
            tracks.iter_mut().for_each(|track| track.push(block));
            self.detector.push(block, &mut |frame| {
                meter.add(frame);
                tracks.iter_mut().for_each(|track| track.push_decision(frame.keep));
            });
            tracks.iter_mut().for_each(Track::drain);
        }
        let tracks = &mut self.tracks;
        tracks.iter_mut().for_each(Track::end);
        self.detector.finish(&mut |frame| {
            meter.add(frame);
            tracks.iter_mut().for_each(|track| track.push_decision(frame.keep));
        });
        let mut values = PerEncoder::default();
        tracks.iter_mut().for_each(|track| track.finish(&mut values));
        let mut seen = recording.finish()?;
        let sha256 = seen.sha256.take();
        let quality = meter.quality(seen);
        let (embeddings, short) = self.admit(values, &quality);
        Ok(ClipAnalysis { path: path.into(), sha256, quality: Some(quality), embeddings, short })
    }

    /// Refuses the embeddings of too little speech, and all of them where one encoder found nothing to encode.
    fn admit(&self, mut values: PerEncoder<Vec<f32>>, quality: &Quality) -> Admitted {
        let (net_speech_s, minimum_s) = (quality.net_speech_s, self.panel.settings.minimum_net_speech_s);
        let embeddings = self.panel.fingerprints.try_map(|encoder, fingerprint| {
            let values = values.take(encoder).ok_or(())?;
            Ok::<_, ()>(Embedding { values, fingerprint: fingerprint.clone() })
        });
        match embeddings.ok().filter(|_| quality.has_sound()) {
            Some(embeddings) if net_speech_s >= minimum_s && net_speech_s > 0.0 => (Ok(embeddings), None),
            Some(embeddings) if net_speech_s > 0.0 => {
                (Err(Refusal::TooLittleSpeech { net_speech_s, minimum_s }), Some(embeddings))
            }
            _ => (Err(Refusal::NoSpeech { duration_s: quality.duration_s }), None),
        }
    }
}
