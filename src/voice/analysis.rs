//! Samples to descriptors.
//!
//! Speech is found and measured block by block, and every measure is given to its module; only what lies on the way
//! between them is kept. Where a voice stands among others is not told here.

use super::cepstral::CepstralPlan;
use super::descriptors::Descriptors;
use super::formants::{FORMANTS, FormantFinder, formant_ceiling_hz};
use super::perturbation::{jitter, shimmer};
use super::pitch::{PitchPlan, Voiced};
use super::pulses::pulses;
use super::spectrum::SpectrumPlan;
use super::statistics::Grid;
use super::syllables::pace;
use crate::audio::SAMPLE_RATE_HZ;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

const RATE: f64 = SAMPLE_RATE_HZ as f64;

/// At most so much of a clip is described, seconds: its first ten minutes. So memory is bounded, and more would hardly
/// move a median.
pub const MOST_SECONDS: usize = 600;

/// A voice's descriptors and the tracks behind them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct VoiceAnalysis {
    /// The figures.
    pub descriptors: Descriptors,
    /// F0 and formants in time.
    pub tracks: VoiceTracks,
}

/// Fundamental frequency and formants in time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VoiceTracks {
    /// Middle of the first frame, seconds.
    pub first_s: f64,
    /// Seconds from one frame to the next, 0.01.
    pub step_s: f64,
    /// Fundamental frequency of each frame, Hz; null where it is not voiced or not speech.
    pub f0_hz: Vec<Option<f64>>,
    /// The first four formants of each frame, Hz; null where it is not voiced speech or fewer were found.
    pub formants_hz: Vec<[Option<f64>; FORMANTS]>,
}

/// What does not depend on the clip: windows and transforms. Immutable; share it between threads.
pub struct VoicePlan {
    pitch: PitchPlan,
    cepstral: CepstralPlan,
    spectrum: SpectrumPlan,
}

impl Default for VoicePlan {
    fn default() -> Self {
        Self::new()
    }
}

impl VoicePlan {
    /// A plan for one clip after another.
    pub fn new() -> Self {
        VoicePlan { pitch: PitchPlan::new(), cepstral: CepstralPlan::new(), spectrum: SpectrumPlan::new() }
    }

    /// Describes the voice in mono samples at 16 kHz, full scale ±1, of which these stretches (from, to, seconds) are
    /// speech. Samples that are no finite numbers count as 0; of more than [`MOST_SECONDS`] the beginning is described.
    pub fn describe(&self, samples: &[f32], speech: &[(f64, f64)]) -> VoiceAnalysis {
        let most = MOST_SECONDS * SAMPLE_RATE_HZ as usize;
        let is_cut = samples.len() > most;
        let samples = finite(samples.get(..most).unwrap_or(samples));
        let speech = Stretches::new(speech);
        let (grid, mut frames) = self.pitch.track(&samples);
        let is_speech: Vec<bool> = (0..grid.frames).map(|frame| speech.contains(grid.time(frame))).collect();
        frames.iter_mut().zip(&is_speech).filter(|(_, speech)| !**speech).for_each(|(frame, _)| *frame = None);
        let analysed_s = samples.len() as f64 / RATE;
        let mut descriptors = Descriptors {
            analysed_s,
            is_cut,
            speech_s: is_speech.iter().filter(|speech| **speech).count() as f64 * grid.step_s,
            ..Descriptors::default()
        };
        descriptors.set_f0(frames.iter().flatten().map(|frame| frame.hz));
        descriptors.hnr_db = mean_harmonicity(&frames);
        let instants = || frames.iter().enumerate().map(|(i, frame)| frame.map(|_| grid.time(i)));
        descriptors.cpp_db = self.cepstral.prominence(&samples, instants());
        set_perturbation(&mut descriptors, &samples, grid, &frames);
        let formants = set_formants(&mut descriptors, &samples, instants());
        if let Some(spectrum) = self.spectrum.of(&samples, |time_s| speech.contains(time_s)) {
            descriptors.ltas = spectrum.bands();
            descriptors.alpha_ratio_db = spectrum.alpha_ratio_db();
        }
        let is_voiced = |time_s| grid.nearest(time_s).and_then(|i| frames.get(i)).is_some_and(Option::is_some);
        if let Some(pace) = pace(&samples, is_voiced) {
            (descriptors.syllables, descriptors.pauses) = (pace.syllables, pace.pauses);
            (descriptors.phonation_s, descriptors.pause_s) = (pace.phonation_s, pace.pause_s);
            descriptors.set_pace();
        }
        let f0_hz = frames.iter().map(|frame| frame.map(|frame| frame.hz)).collect();
        let tracks = VoiceTracks { first_s: grid.first_s, step_s: grid.step_s, f0_hz, formants_hz: formants };
        VoiceAnalysis { descriptors, tracks }
    }
}

/// Describes the voice in mono samples at 16 kHz, full scale ±1; see [`VoicePlan::describe`].
pub fn describe(samples: &[f32], speech: &[(f64, f64)]) -> VoiceAnalysis {
    VoicePlan::new().describe(samples, speech)
}

/// Samples of which every one is a number that can be squared.
fn finite(samples: &[f32]) -> Cow<'_, [f32]> {
    /// No sound is as loud; beyond it a product may overflow.
    const MOST: f32 = 1e6;
    let usable = |x: f32| x.is_finite() && x.abs() <= MOST;
    if samples.iter().all(|x| usable(*x)) {
        return Cow::Borrowed(samples);
    }
    samples.iter().map(|x| if x.is_finite() { x.clamp(-MOST, MOST) } else { 0.0 }).collect()
}

/// Harmonics-to-noise ratio of an autocorrelation of `r` at one period, dB: `10 log10(r / (1 - r))`, within ±150 dB.
pub fn harmonicity_db(r: f64) -> f64 {
    const EDGE: f64 = 1e-15;
    let r = r.clamp(EDGE, 1.0 - EDGE);
    10.0 * (r / (1.0 - r)).log10()
}

fn mean_harmonicity(frames: &[Option<Voiced>]) -> Option<f64> {
    super::statistics::mean(frames.iter().flatten().map(|frame| (harmonicity_db(frame.strength), 1.0)))
}

fn set_perturbation(descriptors: &mut Descriptors, samples: &[f32], grid: Grid, frames: &[Option<Voiced>]) {
    let pulses = pulses(samples, grid, frames);
    let jitter = jitter(&pulses);
    descriptors.jitter_percent = jitter.map(|jitter| jitter.percent);
    descriptors.period_pairs = jitter.map_or(0, |jitter| jitter.pairs);
    descriptors.shimmer_percent = shimmer(samples, &pulses).map(|shimmer| shimmer.percent);
}

/// Formants of the voiced frames, below the ceiling that fits the voice.
fn set_formants(
    descriptors: &mut Descriptors,
    samples: &[f32],
    instants: impl Iterator<Item = Option<f64>>,
) -> Vec<[Option<f64>; FORMANTS]> {
    let ceiling_hz = descriptors.f0_median_hz.map(formant_ceiling_hz);
    let mut finder = ceiling_hz.map(|ceiling_hz| FormantFinder::new(samples, ceiling_hz));
    let at = |instant: Option<f64>| match (&mut finder, instant) {
        (Some(finder), Some(instant)) => finder.at(instant),
        _ => [None; FORMANTS],
    };
    let formants: Vec<[Option<f64>; FORMANTS]> = instants.map(at).collect();
    descriptors.formant_ceiling_hz = ceiling_hz;
    descriptors.set_formants(formants.iter());
    formants
}

/// Stretches of time in order, without overlap.
struct Stretches(Vec<(f64, f64)>);

impl Stretches {
    fn new(stretches: &[(f64, f64)]) -> Self {
        let mut given: Vec<(f64, f64)> = stretches.iter().copied().filter(|(from, to)| from < to).collect();
        given.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut joined: Vec<(f64, f64)> = Vec::new();
        for (from, to) in given {
            match joined.last_mut() {
                Some(last) if from <= last.1 => last.1 = last.1.max(to),
                _ => joined.push((from, to)),
            }
        }
        Stretches(joined)
    }

    fn contains(&self, time_s: f64) -> bool {
        let after = self.0.partition_point(|(from, _)| *from <= time_s);
        after.checked_sub(1).and_then(|i| self.0.get(i)).is_some_and(|(_, to)| time_s < *to)
    }
}

/// Stretches of speech from the decision on each frame of the speech detector, in order.
#[derive(Clone, Debug, Default)]
pub struct SpeechStretches {
    stretches: Vec<(f64, f64)>,
    frames: usize,
}

impl SpeechStretches {
    /// Takes the next frame's decision.
    pub fn push(&mut self, is_speech: bool) {
        use crate::feature::FRAME_SECONDS;
        let from = self.frames as f64 * FRAME_SECONDS;
        self.frames += 1;
        if !is_speech {
            return;
        }
        // A frame covers 25 ms.
        let to = from + 2.5 * FRAME_SECONDS;
        match self.stretches.last_mut() {
            Some(last) if from <= last.1 => last.1 = to,
            _ => self.stretches.push((from, to)),
        }
    }

    /// The stretches, seconds.
    pub fn as_slice(&self) -> &[(f64, f64)] {
        &self.stretches
    }
}
