//! Fundamental frequency by autocorrelation.
//!
//! P. Boersma (1993), "Accurate short-term analysis of the fundamental frequency and the harmonics-to-noise ratio of a
//! sampled sound", Proceedings of the Institute of Phonetic Sciences 17, 97-110: the autocorrelation of a windowed
//! frame divided by that of the window, its maxima found by sinc interpolation, and the cheapest path through them.
//! Settings are those of Praat's "To Pitch (ac)" with the range 75 to 600 Hz.

use super::interpolate::peak_near;
use super::interpolate::value_at;
use super::path::cheapest_path;
use super::statistics::Grid;
use crate::audio::SAMPLE_RATE_HZ;
use rustfft::num_complex::Complex64;
use rustfft::{Fft, FftPlanner};
use std::f64::consts::TAU;
use std::sync::Arc;

/// Lowest fundamental frequency that is looked for, Hz.
pub const PITCH_FLOOR_HZ: f64 = 75.0;
/// Highest fundamental frequency that is looked for, Hz.
pub const PITCH_CEILING_HZ: f64 = 600.0;
/// Seconds from one frame to the next: three quarters of the longest period.
pub const TIME_STEP_S: f64 = 0.75 / PITCH_FLOOR_HZ;
/// Candidates a frame, the unvoiced one among them.
const MOST_CANDIDATES: usize = 15;
/// A frame this quiet against the clip's peak is silent.
pub(super) const SILENCE: f64 = 0.03;
/// Strength of the unvoiced candidate.
pub(super) const VOICING: f64 = 0.45;
/// What a candidate an octave lower costs.
pub(super) const OCTAVE_COST: f64 = 0.01;
const RATE: f64 = SAMPLE_RATE_HZ as f64;
/// The window: three of the longest periods, less two samples so that it lies evenly around a frame's middle.
const HALF_WINDOW: usize = 319;
/// One of the longest periods, samples.
const PERIOD: usize = 213;
/// Transform: the window and half of it again, to keep the autocorrelation from wrapping around.
const TRANSFORM: usize = 1024;
/// Lags from here on are no longer looked at, samples.
const LAST_LAG: usize = 2 * HALF_WINDOW / 3 + 2;
/// Samples on either side that a first and a final estimate rest on.
const DEPTHS: (usize, usize) = (30, 70);

/// A possible fundamental frequency of a frame.
#[derive(Clone, Copy, Debug)]
pub(super) struct Candidate {
    /// Hz; 0 for unvoiced.
    pub hz: f64,
    /// Height of the autocorrelation there, 0 to 1.
    pub strength: f64,
}

/// A frame's candidates, the unvoiced one first.
#[derive(Clone, Debug)]
pub(super) struct PitchFrame {
    /// Peak of the frame against that of the clip, 0 to 1.
    pub intensity: f64,
    pub candidates: Vec<Candidate>,
}

/// A voiced frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Voiced {
    /// Fundamental frequency, Hz.
    pub hz: f64,
    /// Autocorrelation at one period: the periodic share of the frame's power.
    pub strength: f64,
}

/// What does not depend on the clip.
pub(super) struct PitchPlan {
    forward: Arc<dyn Fft<f64>>,
    window: Vec<f64>,
    /// Autocorrelation of the window, 1 at lag 0.
    window_r: Vec<f64>,
}

impl PitchPlan {
    pub fn new() -> Self {
        let length = 2 * HALF_WINDOW;
        let window: Vec<f64> = (1..=length).map(|i| 0.5 - 0.5 * (TAU * i as f64 / (length + 1) as f64).cos()).collect();
        let mut plan =
            PitchPlan { forward: FftPlanner::new().plan_fft_forward(TRANSFORM), window, window_r: Vec::new() };
        let mut work = Work::new(&plan);
        work.transform.iter_mut().zip(&plan.window).for_each(|(z, w)| z.re = *w);
        plan.autocorrelate(&mut work);
        let power = work.transform.first().map_or(1.0, |z| z.re);
        plan.window_r = work.transform.iter().take(HALF_WINDOW + 1).map(|z| z.re / power).collect();
        plan
    }

    /// Turns the real signal in `work` into its autocorrelation. A power spectrum is even, so that the transform
    /// forward serves as the one back.
    fn autocorrelate(&self, work: &mut Work) {
        self.forward.process_with_scratch(&mut work.transform, &mut work.scratch);
        work.transform.iter_mut().for_each(|z| *z = Complex64::new(z.norm_sqr(), 0.0));
        self.forward.process_with_scratch(&mut work.transform, &mut work.scratch);
    }

    /// The fundamental frequency of each frame; none where it is unvoiced.
    pub fn track(&self, samples: &[f32]) -> (Grid, Vec<Option<Voiced>>) {
        let grid = Grid::centred(samples.len(), RATE, 3.0 / PITCH_FLOOR_HZ, TIME_STEP_S);
        let mean = samples.iter().map(|x| f64::from(*x)).sum::<f64>() / samples.len().max(1) as f64;
        let peak = samples.iter().fold(0.0f64, |peak, x| peak.max((f64::from(*x) - mean).abs()));
        if peak <= 0.0 {
            return (grid, vec![None; grid.frames]);
        }
        let mut work = Work::new(self);
        let frames: Vec<PitchFrame> =
            (0..grid.frames).map(|frame| self.candidates(samples, grid.time(frame), peak, &mut work)).collect();
        let path = cheapest_path(&frames);
        let chosen = frames.iter().zip(path).map(|(frame, index)| {
            let candidate = frame.candidates.get(index)?;
            let voiced = candidate.hz > 0.0 && candidate.hz < PITCH_CEILING_HZ;
            voiced.then_some(Voiced { hz: candidate.hz, strength: candidate.strength })
        });
        let chosen = chosen.collect();
        (grid, chosen)
    }

    fn candidates(&self, samples: &[f32], time_s: f64, peak: f64, work: &mut Work) -> PitchFrame {
        let mut candidates = vec![Candidate { hz: 0.0, strength: 0.0 }];
        let right = (time_s * RATE - 0.5).floor() as usize + 1;
        let around = |half: usize| samples.get(right.saturating_sub(half)..(right + half).min(samples.len()));
        let near = around(PERIOD).unwrap_or_default();
        let mean = near.iter().map(|x| f64::from(*x)).sum::<f64>() / near.len().max(1) as f64;
        work.transform.fill(Complex64::default());
        let frame = around(HALF_WINDOW).unwrap_or_default();
        for ((z, x), w) in work.transform.iter_mut().zip(frame).zip(&self.window) {
            z.re = (f64::from(*x) - mean) * w;
        }
        let middle = HALF_WINDOW - (PERIOD / 2 + 1)..HALF_WINDOW + PERIOD / 2 + 1;
        let loudest = work.transform.get(middle).unwrap_or_default().iter().fold(0.0f64, |m, z| m.max(z.re.abs()));
        let intensity = (loudest / peak).min(1.0);
        self.autocorrelate(work);
        let power = work.transform.first().map_or(0.0, |z| z.re);
        if intensity > 0.0 && power > 0.0 {
            work.fold(power, &self.window_r);
            find(&work.r, &mut candidates);
        }
        PitchFrame { intensity, candidates }
    }
}

/// Buffers of one pass.
struct Work {
    transform: Vec<Complex64>,
    scratch: Vec<Complex64>,
    /// The normalised autocorrelation from lag -[`HALF_WINDOW`] to lag [`HALF_WINDOW`].
    r: Vec<f64>,
}

impl Work {
    fn new(plan: &PitchPlan) -> Self {
        Work {
            transform: vec![Complex64::default(); TRANSFORM],
            scratch: vec![Complex64::default(); plan.forward.get_inplace_scratch_len()],
            r: vec![0.0; 2 * HALF_WINDOW + 1],
        }
    }

    fn fold(&mut self, power: f64, window_r: &[f64]) {
        for (lag, (z, w)) in self.transform.iter().zip(window_r).enumerate() {
            let r = z.re / (power * w);
            self.r[HALF_WINDOW + lag] = r;
            self.r[HALF_WINDOW - lag] = r;
        }
    }
}

/// Adds the maxima of an autocorrelation. Where there are too many, the strongest stay, lower frequencies at a slight
/// loss.
fn find(r: &[f64], candidates: &mut Vec<Candidate>) {
    let at = |lag: usize| r.get(HALF_WINDOW + lag).copied().unwrap_or(0.0);
    let mut lags = Vec::with_capacity(MOST_CANDIDATES);
    for lag in 2..LAST_LAG.min(HALF_WINDOW) {
        let (before, here, after) = (at(lag - 1), at(lag), at(lag + 1));
        if here <= 0.5 * VOICING || here <= before || here < after {
            continue;
        }
        let place = lag as f64 + 0.5 * (after - before) / (2.0 * here - before - after);
        let strength = folded(value_at(r, HALF_WINDOW as f64 + place, DEPTHS.0));
        lags.push((strength - OCTAVE_COST * (PITCH_FLOOR_HZ * place / RATE).log2(), lag));
    }
    if lags.len() >= MOST_CANDIDATES {
        lags.sort_by(|a, b| b.0.total_cmp(&a.0));
        lags.truncate(MOST_CANDIDATES - 1);
    }
    for (_, lag) in lags {
        let (place, height) = peak_near(r, HALF_WINDOW + lag, DEPTHS.1);
        let lag = place - HALF_WINDOW as f64;
        candidates.push(Candidate { hz: RATE / lag, strength: folded(height) });
    }
}

/// Interpolation may pass 1 for a short period; such heights are folded back.
fn folded(height: f64) -> f64 {
    if height > 1.0 { 1.0 / height } else { height }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sine_has_its_frequency_and_next_to_no_noise() {
        for hz in [80.0, 123.4, 220.0, 440.0, 580.0] {
            let sine: Vec<f32> = (0..16_000).map(|i| (0.3 * (TAU * hz * i as f64 / RATE).sin()) as f32).collect();
            let (grid, frames) = PitchPlan::new().track(&sine);
            assert_eq!(frames.len(), 97);
            assert!((grid.time(48) - 0.5).abs() < 1e-9);
            for frame in frames {
                let frame = frame.unwrap();
                assert!((frame.hz / hz - 1.0).abs() < 1e-3 && frame.strength > 0.995, "{hz}: {frame:?}");
            }
        }
    }

    #[test]
    fn silence_noise_and_next_to_nothing_have_none() {
        let mut seed = 7u32;
        let noise: Vec<f32> = (0..16_000)
            .map(|_| {
                seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (seed >> 8) as f32 / 8_388_608.0 - 1.0
            })
            .collect();
        let voiced = |x: &[f32]| PitchPlan::new().track(x).1.iter().flatten().count();
        assert!(voiced(&noise) < 5, "{}", voiced(&noise));
        assert_eq!((voiced(&[0.0; 16_000]), voiced(&[0.25; 16_000]), voiced(&[]), voiced(&[0.5; 639])), (0, 0, 0, 0));
    }
}
