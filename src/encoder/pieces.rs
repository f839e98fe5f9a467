//! A clip on its way to a speaker network: kept frames, gathered into pieces of bounded length.
//!
//! A network reads a recording in pieces: all of it up to twice [`NetworkSettings::piece_frames`], so that a clip of
//! less than 20 s is never cut; of a longer one a piece of 10 s each time 20 s are at hand, and what is left, 10 to
//! 20 s, at its end. The embedding is the mean over the pieces, weighted by their frames (CAM++) or windows (GE2E). So
//! a recording of ten hours takes the memory of one of twenty seconds.

use super::campplus::{self, Campplus, CampplusScratch};
use super::ge2e::{self, Ge2e, Ge2eScratch};
use super::mfcc::STEP;
use crate::error::{ErrorKind, Result};
use crate::feature::{
    FeaturePlan, FeatureSettings, FrameActivity, Log, OFFSET_FILTER_SAMPLES, OffsetFilter, kaldi_fbank80, librosa_mel40,
};
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::VecDeque;

/// What a speaker network is fed with.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct NetworkSettings {
    /// The rows it reads.
    pub feature: FeatureSettings,
    /// Time constant of the filter that takes a constant offset off in front of the feature, samples at 16 kHz; left
    /// out where the feature itself takes off the mean of each frame.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offset_filter_samples: Option<usize>,
    /// Which of a clip's frames it reads.
    pub frames: FramesRead,
    /// What is done to the level before.
    pub level: Level,
    /// Length of a piece, frames.
    pub piece_frames: usize,
    /// Frames from one window to the next; null where a piece is read whole.
    pub window_step_frames: Option<usize>,
    /// Mel bands that end above this are not read, Hz; left out where all are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top_hz: Option<f64>,
}

/// Which of a clip's frames are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FramesRead {
    /// Those with speech, and the margin around it.
    Speech,
    /// Every one, pauses too.
    All,
}

/// What is done to the level of a piece. Levels are the mean power of the frames that are read, dB relative to full
/// scale.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Nothing.
    AsIs,
    /// A lower one is raised to this, dB; a higher one is left (Resemblyzer).
    RaisedTo(f64),
    /// It is brought to this, dB, so that volume is of no consequence.
    BroughtTo(f64),
}

/// Number of bands below the top whose mean the ones above it follow.
const HIGHEST: usize = 16;

/// Frames of a piece: 10 s.
const PIECE: usize = 1000;

impl NetworkSettings {
    /// Checks the settings and plans the feature, whose rows must be as wide as the network reads them.
    pub(crate) fn plan(&self, bands: usize) -> Result<FeaturePlan> {
        let setting = |name, found: String, expected: String| Err(ErrorKind::Setting { name, found, expected }.into());
        if !(100..=100_000).contains(&self.piece_frames) {
            let expected = "100 to 100000 frames of 10 ms".into();
            return setting("piece_frames", self.piece_frames.to_string(), expected);
        }
        let steps = 1..=ge2e::WINDOW;
        if let Some(step) = self.window_step_frames.filter(|step| !steps.contains(step)) {
            return setting("window_step_frames", step.to_string(), format!("1 to {} frames of 10 ms", ge2e::WINDOW));
        }
        if let Some(samples) = self.offset_filter_samples.filter(|samples| !(1..=1_000_000).contains(samples)) {
            return setting("offset_filter_samples", samples.to_string(), "1 to 1000000 samples".into());
        }
        if let Level::RaisedTo(level) | Level::BroughtTo(level) = self.level
            && !(-100.0..=0.0).contains(&level)
        {
            return setting("level", format!("{level} dB"), "-100 to 0 dB relative to full scale".into());
        }
        let plan = self.feature.plan()?;
        if plan.width() != bands {
            return setting("feature", format!("rows of {} values", plan.width()), format!("rows of {bands}"));
        }
        Ok(plan)
    }

    /// The filter in front of the feature, for one clip after another.
    pub(crate) fn offset_filter(&self) -> Option<OffsetFilter> {
        self.offset_filter_samples.map(OffsetFilter::new)
    }

    /// Number of mel bands that are read; the others are zero.
    fn bands_read(&self) -> usize {
        let mel = &self.feature.filter_bank.mel;
        self.top_hz.map_or(mel.bands, |top| mel.bands_below(top))
    }

    /// What GE2E is fed with.
    pub fn ge2e() -> Self {
        NetworkSettings {
            feature: librosa_mel40(),
            offset_filter_samples: Some(OFFSET_FILTER_SAMPLES),
            frames: FramesRead::Speech,
            level: Level::BroughtTo(ge2e::LEVEL_DBFS),
            piece_frames: PIECE,
            window_step_frames: Some(ge2e::RESEMBLYZER_STEP),
            top_hz: None,
        }
    }

    /// What CAM++ is fed with.
    pub fn campplus() -> Self {
        let mut feature = kaldi_fbank80();
        feature.filter_bank.log = Log::NaturalOverRounding { step: STEP };
        NetworkSettings {
            feature,
            offset_filter_samples: None,
            frames: FramesRead::Speech,
            level: Level::AsIs,
            piece_frames: PIECE,
            window_step_frames: None,
            top_hz: None,
        }
    }
}

/// A network and what one thread needs to run it.
pub(crate) enum Network<'a> {
    Ge2e(&'a Ge2e, Box<Ge2eScratch>),
    Campplus(&'a Campplus, Box<CampplusScratch>),
}

impl Network<'_> {
    fn bands(&self) -> usize {
        match self {
            Network::Ge2e(..) => ge2e::BANDS,
            Network::Campplus(..) => campplus::BANDS,
        }
    }

    /// Frames whose rows come before the first frame of the speech detector: GE2E's rows are centred on multiples of
    /// the shift, the first one before the clip begins.
    fn lead(&self) -> usize {
        match self {
            Network::Ge2e(..) => 1,
            Network::Campplus(..) => 0,
        }
    }

    /// What stands for the bands that are not read. GE2E reads power, and there is none. CAM++ takes off each band's
    /// mean over time and has never heard bands that stand still: they move half as much as the highest bands that are
    /// read, which halves the error of narrow-band pairs against zeros (docs/history/accuracy.md).
    fn above(&self, read: &[f32]) -> f32 {
        match self {
            Network::Ge2e(..) => 0.0,
            Network::Campplus(..) => {
                let highest = read.get(read.len().saturating_sub(HIGHEST)..).unwrap_or_default();
                0.5 * highest.iter().sum::<f32>() / highest.len().max(1) as f32
            }
        }
    }

    /// The sum of a piece's embeddings, each of length one, and their weight.
    fn embed(&mut self, rows: &[f32], gain: f32, settings: &NetworkSettings) -> (Vec<f64>, f64) {
        match self {
            Network::Ge2e(network, scratch) => {
                let step = settings.window_step_frames.unwrap_or(ge2e::RESEMBLYZER_STEP);
                let (sum, windows) = network.embed(rows, gain, step, scratch);
                (sum, windows as f64)
            }
            Network::Campplus(network, scratch) => {
                let values = network.embed(rows, scratch).unwrap_or_default();
                let norm = values.iter().map(|x| f64::from(*x) * f64::from(*x)).sum::<f64>().sqrt();
                let weight = (rows.len() / campplus::BANDS) as f64;
                let scale = if norm > 0.0 { weight / norm } else { 0.0 };
                (values.iter().map(|x| f64::from(*x) * scale).collect(), weight)
            }
        }
    }
}

/// Rows on their way to a network, held back until the speech detector has decided on their frames.
pub(crate) struct Pieces<'a> {
    network: Network<'a>,
    settings: &'a NetworkSettings,
    bands_read: usize,
    rows: VecDeque<f32>,
    decisions: VecDeque<FrameActivity>,
    last: Option<FrameActivity>,
    kept: Vec<f32>,
    powers: Vec<f32>,
    sum: Vec<f64>,
    weight: f64,
}

impl<'a> Pieces<'a> {
    pub fn new(network: Network<'a>, settings: &'a NetworkSettings) -> Self {
        Pieces {
            network,
            bands_read: settings.bands_read(),
            settings,
            rows: VecDeque::new(),
            decisions: VecDeque::new(),
            last: None,
            kept: Vec::new(),
            powers: Vec::new(),
            sum: Vec::new(),
            weight: 0.0,
        }
    }

    /// Takes rows of the network's feature.
    pub fn push_rows(&mut self, rows: &[f32]) {
        self.rows.extend(rows);
    }

    /// Takes what was found of the next frame.
    pub fn push_decision(&mut self, frame: FrameActivity) {
        if self.last.is_none() {
            self.decisions.extend(std::iter::repeat_n(frame, self.network.lead()));
        }
        self.last = Some(frame);
        self.decisions.push_back(frame);
    }

    /// Uses the rows on which a decision has come.
    pub fn drain(&mut self) {
        let bands = self.network.bands();
        while self.rows.len() >= bands {
            let Some(frame) = self.decisions.pop_front() else { break };
            self.take(frame, bands);
        }
    }

    fn take(&mut self, frame: FrameActivity, bands: usize) {
        if frame.keep || self.settings.frames == FramesRead::All {
            let start = self.kept.len();
            self.kept.extend(self.rows.drain(..bands));
            if let Some((read, above)) =
                self.kept.get_mut(start..).and_then(|row| row.split_at_mut_checked(self.bands_read))
            {
                above.fill(self.network.above(read));
            }
            self.powers.push(frame.power);
        } else {
            self.rows.drain(..bands);
        }
        if self.powers.len() == 2 * self.settings.piece_frames {
            self.encode(self.settings.piece_frames);
        }
    }

    /// Runs the network over the first `frames` frames.
    fn encode(&mut self, frames: usize) {
        let (bands, frames) = (self.network.bands(), frames.min(self.powers.len()));
        let power = self.powers.iter().take(frames).map(|p| f64::from(*p)).sum::<f64>() / frames.max(1) as f64;
        let wanted = |level: f64| 10f64.powf(level / 10.0) / power;
        let gain = match self.settings.level {
            _ if power <= 0.0 => 1.0,
            Level::AsIs => 1.0,
            Level::RaisedTo(level) => wanted(level).max(1.0),
            Level::BroughtTo(level) => wanted(level),
        };
        let rows = self.kept.get(..frames * bands).unwrap_or(&[]);
        let (sum, weight) = self.network.embed(rows, gain as f32, self.settings);
        self.sum.resize(sum.len(), 0.0);
        self.sum.iter_mut().zip(sum).for_each(|(total, x)| *total += x);
        self.weight += weight;
        self.kept.drain(..frames * bands);
        self.powers.drain(..frames);
    }

    /// Ends the clip without an embedding. Ready for the next clip afterwards.
    pub fn discard(&mut self) {
        self.rows.clear();
        self.decisions.clear();
        self.last = None;
        self.kept.clear();
        self.powers.clear();
        self.sum.clear();
        self.weight = 0.0;
    }

    /// Ends the clip and hands out its embedding, of length one; none where no frame was kept. Ready for the next clip
    /// afterwards.
    pub fn finish(&mut self) -> Option<Vec<f32>> {
        self.drain();
        // Rows behind the last frame of the detector go with it.
        if let Some(last) = self.last.take() {
            while self.rows.len() >= self.network.bands() {
                self.take(last, self.network.bands());
            }
        }
        if !self.powers.is_empty() {
            self.encode(usize::MAX);
        }
        self.rows.clear();
        self.decisions.clear();
        let (sum, weight) = (std::mem::take(&mut self.sum), std::mem::take(&mut self.weight));
        let norm = sum.iter().map(|x| x * x).sum::<f64>().sqrt();
        let scale = if norm > 0.0 { 1.0 / norm } else { 0.0 };
        (weight > 0.0).then(|| sum.iter().map(|x| (x * scale) as f32).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::super::models::Models;
    use super::*;
    use crate::encoder::cosine;
    use crate::feature::FeatureSettings;

    fn voice() -> Vec<f32> {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/voices/librivox/real/01.wav");
        let mut reader = hound::WavReader::open(path).unwrap();
        reader.samples::<i16>().map(|x| f32::from(x.unwrap()) / 32_768.0).collect()
    }

    fn rows(feature: &FeatureSettings, samples: &[f32]) -> Vec<f32> {
        feature.plan().unwrap().extract(samples).iter().copied().collect()
    }

    /// Runs rows through, `keep` of a hundred frames kept.
    fn run(pieces: &mut Pieces<'_>, rows: &[f32], frames: usize, keep: usize, power: f32) -> Option<Vec<f32>> {
        pieces.push_rows(rows);
        for t in 0..frames {
            pieces.push_decision(FrameActivity { speech: true, keep: t % 100 < keep, power });
            if t % 7 == 0 {
                pieces.drain();
            }
        }
        pieces.finish()
    }

    #[test]
    fn settings_that_the_networks_cannot_be_fed_with_are_refused() {
        let ge2e = NetworkSettings::ge2e();
        assert!(ge2e.plan(ge2e::BANDS).is_ok() && NetworkSettings::campplus().plan(campplus::BANDS).is_ok());
        for (name, wrong) in [
            ("feature", NetworkSettings::campplus()),
            ("piece_frames", NetworkSettings { piece_frames: 99, ..ge2e.clone() }),
            ("offset_filter_samples", NetworkSettings { offset_filter_samples: Some(0), ..ge2e.clone() }),
            ("window_step_frames", NetworkSettings { window_step_frames: Some(161), ..ge2e.clone() }),
            ("level", NetworkSettings { level: Level::BroughtTo(f64::NAN), ..ge2e.clone() }),
        ] {
            let error = wrong.plan(ge2e::BANDS).err().unwrap().to_string();
            assert!(error.starts_with(name) && error.contains("expected"), "{name}: {error}");
        }
    }

    #[test]
    fn a_long_recording_is_the_weighted_mean_of_its_pieces() {
        let network = Campplus::load(&Models::BuiltIn).unwrap();
        let settings = NetworkSettings { piece_frames: 200, ..NetworkSettings::campplus() };
        let rows = rows(&settings.feature, &voice());
        let frames = rows.len() / 80;
        let mut pieces = Pieces::new(Network::Campplus(&network, Box::default()), &settings);
        let whole = run(&mut pieces, &rows, frames, 100, 1.0).unwrap();
        let mut sum = vec![0.0; whole.len()];
        let mut from = 0;
        while from < frames {
            let left = frames - from;
            let length = if left >= 400 { 200 } else { left };
            let part = network.embed(&rows[from * 80..(from + length) * 80], &mut CampplusScratch::default()).unwrap();
            let norm = part.iter().map(|x| x * x).sum::<f32>().sqrt();
            sum.iter_mut().zip(&part).for_each(|(s, x)| *s += x / norm * length as f32);
            from += length;
        }
        assert!(frames > 600, "{frames}");
        assert!(cosine(&whole, &sum).unwrap() > 0.999_999_9);
        let length: f32 = whole.iter().map(|x| x * x).sum();
        assert!((length - 1.0).abs() < 1e-6);
        // Ready for the next clip, and blind to what was before.
        assert_eq!(run(&mut pieces, &rows, frames, 100, 1.0), Some(whole));
    }

    #[test]
    fn only_kept_frames_are_read_unless_all_are_wanted() {
        let network = Campplus::load(&Models::BuiltIn).unwrap();
        let settings = NetworkSettings::campplus();
        let rows = rows(&settings.feature, &voice());
        let frames = rows.len() / 80;
        let all = NetworkSettings { frames: FramesRead::All, ..settings.clone() };
        let of = |settings, keep| {
            let mut pieces = Pieces::new(Network::Campplus(&network, Box::default()), settings);
            run(&mut pieces, &rows, frames, keep, 1.0)
        };
        let kept = of(&settings, 50).unwrap();
        assert_ne!(of(&settings, 100), Some(kept.clone()));
        assert_eq!(of(&all, 50), of(&settings, 100));
        assert_eq!(of(&settings, 0), None);
        let half: Vec<f32> =
            rows.chunks(80).enumerate().filter(|(t, _)| t % 100 < 50).flat_map(|(_, r)| r.to_vec()).collect();
        let direct = network.embed(&half, &mut CampplusScratch::default()).unwrap();
        assert!(cosine(&kept, &direct).unwrap() > 0.999_999_9);
    }

    #[test]
    fn volume_is_of_no_consequence_to_ge2e() {
        let network = Ge2e::load(&Models::BuiltIn).unwrap();
        let settings = NetworkSettings::ge2e();
        let samples = voice();
        let mut pieces = Pieces::new(Network::Ge2e(&network, Box::default()), &settings);
        let mut of = |gain: f32| {
            let samples: Vec<f32> = samples.iter().map(|x| x * gain).collect();
            let power = samples.iter().map(|x| x * x).sum::<f32>() / samples.len() as f32;
            let rows = rows(&settings.feature, &samples);
            // The detector's frames are two or three fewer than these rows.
            run(&mut pieces, &rows, (samples.len() - 400) / 160 + 1, 100, power).unwrap()
        };
        let (loud, soft) = (of(1.0), of(0.01));
        assert!(cosine(&loud, &soft).unwrap() > 0.999_999);
    }
}
