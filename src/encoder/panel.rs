//! One pass over a clip: decode, judge, detect speech, run the encoders.
//!
//! A [`Panel`] is the immutable plan of all that; a [`PanelWorker`] holds what one thread needs. The clip streams
//! through in blocks, so a recording of ten hours takes no more memory than one of ten seconds.

use super::background::Background;
use super::band::Band;
use super::campplus::{self, Campplus};
use super::embedding::{Embedding, fingerprint};
use super::ge2e::{self, Ge2e};
use super::kind::{Encoder, EncoderSet, PerEncoder};
use super::mfcc::{MfccEncoder, MfccSettings};
use super::models::Models;
use super::pieces::{Network, NetworkSettings, Pieces};
use super::refusal::Refusal;
use super::track::Track;
use super::wccn::{WccnEncoder, WccnTable};
use crate::audio::{
    AudioFormat, Channel, ClipSource, Coverage, ReadOptions, Recording, SAMPLE_RATE_HZ, Seen, SoundMeter, Variation,
    Varied, View,
};
use crate::error::{Error, Result};
use crate::feature::{FeaturePlan, Quality, SpeechDetector, SpeechMeter, SpeechSettings};
use schemars::JsonSchema;
use serde::Serialize;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The least net speech that is scored, seconds. Shorter clips give embeddings of a few syllables, which follow the
/// words more than the voice.
pub const MINIMUM_NET_SPEECH_S: f64 = 1.0;

/// Samples in memory are passed on in blocks of this length, as those of a file are.
const BLOCK: usize = 4096;

/// Everything that decides what an embedding is.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct PanelSettings {
    /// The channel that is used.
    pub channel: Channel,
    /// The encoders that run.
    pub encoders: EncoderSet,
    /// How much of the spectrum they read.
    pub band: Band,
    /// How speech is found.
    pub speech: SpeechSettings,
    /// The transparent encoder; the trained linear one reads the filter bank of the same frames.
    pub mfcc: MfccSettings,
    /// What the network GE2E is fed with.
    pub ge2e: NetworkSettings,
    /// What the network CAM++ is fed with.
    pub campplus: NetworkSettings,
    /// The least net speech that is scored, seconds.
    pub minimum_net_speech_s: f64,
}

impl Default for PanelSettings {
    fn default() -> Self {
        PanelSettings {
            channel: Channel::Mix,
            encoders: EncoderSet::default(),
            band: Band::Wide,
            speech: SpeechSettings::default(),
            mfcc: MfccSettings::default(),
            ge2e: NetworkSettings::ge2e(),
            campplus: NetworkSettings::campplus(),
            minimum_net_speech_s: MINIMUM_NET_SPEECH_S,
        }
    }
}

/// The plan of a pass. Immutable; share it between threads.
pub struct Panel {
    settings: PanelSettings,
    /// One for each encoder that runs; empty where clips are only inspected.
    fingerprints: PerEncoder<String>,
    /// The MFCC frames; none where no encoder reads them.
    frames: Option<FeaturePlan>,
    mfcc: Option<MfccEncoder>,
    mfcc_lda: Option<WccnEncoder>,
    ge2e: Option<(FeaturePlan, Arc<Ge2e>)>,
    campplus: Option<(FeaturePlan, Arc<Campplus>)>,
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
    /// What was heard of the file and what was not; none where it could not be decoded.
    pub coverage: Option<Coverage>,
}

impl ClipAnalysis {
    /// That of a clip that could not be read.
    pub(crate) fn unreadable(path: PathBuf, sha256: Option<String>, error: &Error) -> Self {
        let embeddings = Err(Refusal::Unreadable { found: error.to_string() });
        ClipAnalysis { path, sha256, quality: None, embeddings, short: None, coverage: None }
    }
}

impl Panel {
    /// A panel that measures and encodes, with the tables and weights that ship.
    ///
    /// # Errors
    /// Where a setting is outside its range, or a network does not give its known answer.
    pub fn new(settings: &PanelSettings) -> Result<Self> {
        Self::with_models(settings, &Models::BuiltIn)
    }

    /// The same with weights from elsewhere. They are the same weights: others are refused.
    ///
    /// # Errors
    /// As [`new`](Self::new), and where a weight file cannot be read or is another than the one that belongs to this
    /// version.
    pub fn with_models(settings: &PanelSettings, models: &Models) -> Result<Self> {
        let load = |encoder| settings.encoders.contains(encoder);
        let ge2e = load(Encoder::Ge2e).then(|| Ge2e::load(models).map(Arc::new)).transpose()?;
        let campplus = load(Encoder::Campplus).then(|| Campplus::load(models).map(Arc::new)).transpose()?;
        Self::with_networks(settings, ge2e, campplus)
    }

    /// The same panel for the narrow band; the networks' weights are shared.
    ///
    /// # Errors
    /// Where a setting is outside its range in the narrow band.
    pub fn narrow(&self) -> Result<Self> {
        let ge2e = self.ge2e.as_ref().map(|(_, n)| Arc::clone(n));
        let campplus = self.campplus.as_ref().map(|(_, n)| Arc::clone(n));
        Self::with_networks(&self.settings.narrow(), ge2e, campplus)
    }

    fn with_networks(
        settings: &PanelSettings,
        ge2e: Option<Arc<Ge2e>>,
        campplus: Option<Arc<Campplus>>,
    ) -> Result<Self> {
        let (asked, band) = (|encoder| settings.encoders.contains(encoder), settings.band);
        let background = asked(Encoder::Mfcc).then(|| Background::built_in(band)).transpose()?;
        let table = asked(Encoder::MfccLda).then(|| WccnTable::built_in(band)).transpose()?;
        let mut panel = Self::statistics(settings, background, table)?;
        let network = |settings: &NetworkSettings, bands, sha256| {
            let plan = settings.plan(bands)?;
            Ok::<_, Error>((plan, fingerprint(&(&panel.settings.speech, settings, sha256))))
        };
        if let Some(ge2e) = ge2e {
            let (plan, fingerprint) = network(&settings.ge2e, ge2e::BANDS, ge2e::SHA256)?;
            panel.fingerprints.set(Encoder::Ge2e, fingerprint);
            panel.ge2e = Some((plan, ge2e));
        }
        if let Some(campplus) = campplus {
            let (plan, fingerprint) = network(&settings.campplus, campplus::BANDS, campplus::SHA256)?;
            panel.fingerprints.set(Encoder::Campplus, fingerprint);
            panel.campplus = Some((plan, campplus));
        }
        Ok(panel)
    }

    /// A panel of the MFCC encoder alone, normalised by a background of the caller's.
    ///
    /// # Errors
    /// Where a setting is outside its range, or the background is of another length than the embeddings.
    pub fn with_background(settings: &PanelSettings, background: Background) -> Result<Self> {
        let encoders = EncoderSet::of([Encoder::Mfcc])?;
        Self::statistics(&PanelSettings { encoders, ..settings.clone() }, Some(background), None)
    }

    /// A panel of the two MFCC encoders, whose embeddings are raw: what a background and a table are computed from.
    ///
    /// # Errors
    /// Where a setting is outside its range.
    pub fn raw(settings: &PanelSettings) -> Result<Self> {
        let encoders = EncoderSet::of([Encoder::Mfcc, Encoder::MfccLda])?;
        Self::statistics(&PanelSettings { encoders, ..settings.clone() }, None, None)
    }

    /// A panel that only measures; it runs no encoder.
    ///
    /// # Errors
    /// Where a setting is outside its range.
    pub fn inspecting(settings: &PanelSettings) -> Result<Self> {
        settings.speech.check()?;
        Ok(Panel {
            settings: settings.clone(),
            fingerprints: PerEncoder::default(),
            frames: None,
            mfcc: None,
            mfcc_lda: None,
            ge2e: None,
            campplus: None,
        })
    }

    /// A panel of those encoders that need no network.
    fn statistics(settings: &PanelSettings, background: Option<Background>, table: Option<WccnTable>) -> Result<Self> {
        let mut panel = Self::inspecting(settings)?;
        let (speech, mfcc) = (&settings.speech, &settings.mfcc);
        if settings.encoders.contains(Encoder::Mfcc) {
            panel.fingerprints.set(Encoder::Mfcc, fingerprint(&(speech, mfcc, &background)));
            panel.mfcc = Some(MfccEncoder::new(mfcc, background)?);
        }
        if settings.encoders.contains(Encoder::MfccLda) {
            let bank = &mfcc.feature.filter_bank;
            panel.fingerprints.set(Encoder::MfccLda, fingerprint(&(speech, bank, &table)));
            panel.mfcc_lda = Some(WccnEncoder::new(bank, table)?);
        }
        if panel.mfcc.is_some() || panel.mfcc_lda.is_some() {
            panel.frames = Some(mfcc.feature.plan()?);
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
            Encoder::MfccLda => self.mfcc_lda.as_ref().map(WccnEncoder::width),
            Encoder::Ge2e => Some(ge2e::WIDTH),
            Encoder::Campplus => Some(campplus::WIDTH),
        }
    }

    /// What one thread needs for one clip after another.
    pub fn worker(&self) -> PanelWorker<'_> {
        PanelWorker {
            panel: self,
            tracks: self.tracks(),
            detector: SpeechDetector::new(&self.settings.speech),
            block: Vec::new(),
            short: false,
        }
    }

    fn tracks(&self) -> Vec<Track<'_>> {
        let statistics = self.frames.as_ref().map(|plan| {
            let (mfcc, bands) = (self.mfcc.as_ref(), self.mfcc_lda.as_ref());
            Track::statistics(plan.stream(), mfcc, bands)
        });
        let ge2e = self.ge2e.as_ref().map(|(plan, network)| {
            let pieces = Pieces::new(Network::Ge2e(network, Box::default()), &self.settings.ge2e);
            Track::network(plan.stream(), Encoder::Ge2e, pieces, self.settings.ge2e.offset_filter())
        });
        let campplus = self.campplus.as_ref().map(|(plan, network)| {
            let pieces = Pieces::new(Network::Campplus(network, Box::default()), &self.settings.campplus);
            Track::network(plan.stream(), Encoder::Campplus, pieces, self.settings.campplus.offset_filter())
        });
        [statistics, ge2e, campplus].into_iter().flatten().collect()
    }
}

/// What one thread needs to run a [`Panel`].
pub struct PanelWorker<'a> {
    panel: &'a Panel,
    tracks: Vec<Track<'a>>,
    detector: SpeechDetector,
    block: Vec<f32>,
    /// Whether clips with less than the minimum of speech are encoded too.
    short: bool,
}

/// The embeddings of a clip or why there are none, and beside a refusal those of a clip that is only too short.
type Admitted = (std::result::Result<PerEncoder<Embedding>, Refusal>, Option<PerEncoder<Embedding>>);

impl PanelWorker<'_> {
    /// The same worker, which gives the embeddings of clips with less than the minimum of speech too
    /// ([`ClipAnalysis::short`]). Otherwise no network runs over such a clip.
    #[must_use]
    pub fn encoding_short(self, short: bool) -> Self {
        PanelWorker { short, ..self }
    }

    /// Passes over a clip. Whatever is wrong with it is in the result.
    pub fn analyse(&mut self, path: &Path) -> ClipAnalysis {
        self.analyse_varied(path, None)
    }

    /// Passes over a clip that is altered on its way; what is measured is measured of what is left.
    pub fn analyse_varied(&mut self, path: &Path, variation: Option<&Variation>) -> ClipAnalysis {
        self.analyse_clip(&ClipSource::File(path.into()), variation)
    }

    /// The same of a clip that may lie in memory.
    pub fn analyse_clip(&mut self, clip: &ClipSource, variation: Option<&Variation>) -> ClipAnalysis {
        self.analyse_view(clip, None, variation)
    }

    /// The same of an audio track and a channel of it; none for those of the panel.
    pub(crate) fn analyse_view(
        &mut self,
        clip: &ClipSource,
        view: Option<View>,
        variation: Option<&Variation>,
    ) -> ClipAnalysis {
        match self.pass(clip, view, variation) {
            Ok(analysis) => analysis,
            Err(error) => {
                // What a broken clip left behind in the streams belongs to no other clip.
                *self = self.panel.worker().encoding_short(self.short);
                // A hash of what is being written would be that of other bytes.
                let sha256 = if error.is_changed() { None } else { clip.sha256().ok() };
                ClipAnalysis::unreadable(clip.path().into(), sha256, &error)
            }
        }
    }

    fn pass(&mut self, clip: &ClipSource, view: Option<View>, variation: Option<&Variation>) -> Result<ClipAnalysis> {
        let channel = view.map_or(self.panel.settings.channel, |view| view.channel);
        let track = view.and_then(|view| view.track);
        let options = ReadOptions { channel, track, hash: true, measure: variation.is_none() };
        let mut recording = Recording::of(clip, &options)?;
        let varied = variation.map(Varied::new).transpose()?;
        let mut varied = varied.map(|varied| (varied, SoundMeter::new(SAMPLE_RATE_HZ), 0));
        let (mut meter, mut block) = (SpeechMeter::default(), std::mem::take(&mut self.block));
        loop {
            let more = recording.next(&mut block)?;
            if let Some((varied, sound, samples)) = &mut varied {
                if more {
                    varied.apply(&mut block)
                } else {
                    varied.finish(&mut block)
                }
                sound.push(&block);
                *samples += block.len() as u64;
            }
            self.push(&block, &mut meter);
            if !more {
                break;
            }
        }
        self.block = block;
        let values = self.end(&mut meter);
        let mut seen = recording.finish()?;
        let (sha256, coverage) = (seen.sha256.take(), seen.coverage.take());
        if let Some((_, sound, samples)) = varied {
            let (sound, warnings) = sound.finish();
            seen.sound = Some(sound);
            seen.warnings.extend(warnings);
            seen.frames = samples * u64::from(seen.format.sample_rate_hz) / u64::from(SAMPLE_RATE_HZ);
        }
        let quality = meter.quality(seen);
        let (embeddings, short) = self.admit(values, &quality);
        Ok(ClipAnalysis { path: clip.path().into(), sha256, quality: Some(quality), embeddings, short, coverage })
    }

    /// Passes over samples in memory, mono at 16 kHz, as over a clip that holds nothing else: what was measured of
    /// them, and their embeddings or why there are none. `format` is that of the file they were cut out of.
    pub fn analyse_samples(
        &mut self,
        samples: &[f32],
        format: &AudioFormat,
    ) -> (Quality, std::result::Result<PerEncoder<Embedding>, Refusal>) {
        let (mut meter, mut sound) = (SpeechMeter::default(), SoundMeter::new(SAMPLE_RATE_HZ));
        for block in samples.chunks(BLOCK) {
            sound.push(block);
            self.push(block, &mut meter);
        }
        let values = self.end(&mut meter);
        let (sound, warnings) = sound.finish();
        let frames = samples.len() as u64 * u64::from(format.sample_rate_hz) / u64::from(SAMPLE_RATE_HZ);
        let (format, sound) = (format.clone(), Some(sound));
        let quality =
            meter.quality(Seen { format, sha256: None, frames, channel: None, sound, warnings, coverage: None });
        let (embeddings, _) = self.admit(values, &quality);
        (quality, embeddings)
    }

    /// Takes the next samples of a clip.
    fn push(&mut self, block: &[f32], meter: &mut SpeechMeter) {
        let tracks = &mut self.tracks;
        tracks.iter_mut().for_each(|track| track.push(block));
        self.detector.push(block, &mut |frame| {
            meter.add(frame);
            tracks.iter_mut().for_each(|track| track.push_decision(frame));
        });
        tracks.iter_mut().for_each(Track::drain);
    }

    /// Ends a clip and gives the values of each encoder; ready for the next clip afterwards.
    fn end(&mut self, meter: &mut SpeechMeter) -> PerEncoder<Vec<f32>> {
        let tracks = &mut self.tracks;
        tracks.iter_mut().for_each(Track::end);
        self.detector.finish(&mut |frame| {
            meter.add(frame);
            tracks.iter_mut().for_each(|track| track.push_decision(frame));
        });
        let mut values = PerEncoder::default();
        match self.short || meter.net_speech_s() >= self.panel.settings.minimum_net_speech_s {
            true => tracks.iter_mut().for_each(|track| track.finish(&mut values)),
            false => tracks.iter_mut().for_each(Track::discard),
        }
        values
    }

    /// Refuses the embeddings of too little speech, and all of them where one encoder found nothing to encode.
    fn admit(&self, mut values: PerEncoder<Vec<f32>>, quality: &Quality) -> Admitted {
        let (net_speech_s, minimum_s) = (quality.net_speech_s, self.panel.settings.minimum_net_speech_s);
        let embeddings = self.panel.fingerprints.try_map(|encoder, fingerprint| {
            let values = values.take(encoder).ok_or(())?;
            Ok::<_, ()>(Embedding { values, fingerprint: fingerprint.clone() })
        });
        let has_speech = quality.has_sound() && net_speech_s > 0.0;
        match embeddings.ok() {
            Some(embeddings) if has_speech && net_speech_s >= minimum_s => (Ok(embeddings), None),
            short if has_speech && net_speech_s < minimum_s => {
                (Err(Refusal::TooLittleSpeech { net_speech_s, minimum_s }), short)
            }
            _ => (Err(Refusal::NoSpeech { duration_s: quality.duration_s }), None),
        }
    }
}
