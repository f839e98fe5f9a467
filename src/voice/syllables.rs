//! Speaking rate and pauses without a transcript.
//!
//! N. H. de Jong and T. Wempe (2009), "Praat script to detect syllable nuclei and measure speech rate automatically",
//! Behavior Research Methods 41, 385-390, in version 2 of their script (2010): nuclei are voiced peaks of the intensity
//! (pitch floor 50 Hz) above a threshold of 25 dB under its 99 % quantile, each followed by a dip of more than 2 dB;
//! a pause is at least 0.3 s under the threshold between sounds of at least 0.1 s. One thing differs: the dip behind
//! the last peak is looked for up to the end of the clip, where the script never counts that peak.

use super::statistics::{Grid, quantile, sorted};
use crate::audio::SAMPLE_RATE_HZ;
use std::f64::consts::PI;
use std::ops::Range;

const RATE: f64 = SAMPLE_RATE_HZ as f64;
/// Pitch floor of the intensity, Hz; its window is 6.4 and its step 0.8 of its period.
const FLOOR_HZ: f64 = 50.0;
/// Threshold under the 99 % quantile, dB.
const SILENCE_DB: f64 = -25.0;
/// The least dip behind a peak, dB.
const DIP_DB: f64 = 2.0;
/// The shortest pause, seconds.
pub const PAUSE_S: f64 = 0.3;
/// The shortest sound, seconds.
const SOUND_S: f64 = 0.1;
/// Powers under this are taken for it.
const LEAST_POWER: f64 = 1e-30;

/// What was counted in a clip.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Pace {
    pub syllables: usize,
    /// Time in sounds, seconds.
    pub phonation_s: f64,
    /// Pauses between the first and the last sound, and their time, seconds.
    pub pauses: usize,
    pub pause_s: f64,
}

/// Counts syllables and pauses; `is_voiced` tells of an instant. None of a clip shorter than the intensity's window.
pub(super) fn pace(samples: &[f32], is_voiced: impl Fn(f64) -> bool) -> Option<Pace> {
    let (grid, intensity) = intensity(samples);
    let levels = sorted(intensity.iter().copied());
    let threshold = (quantile(&levels, 0.99)? + SILENCE_DB).max(*levels.first()?);
    let sounds = sounds(&grid, &intensity, threshold, samples.len() as f64 / RATE);
    let gaps = || sounds.windows(2).map(|pair| pair[1].start - pair[0].end);
    let nuclei = nuclei(&grid, &intensity, threshold);
    let counts = |time: &&f64| is_voiced(**time) && sounds.iter().any(|sound| sound.contains(*time));
    Some(Pace {
        syllables: nuclei.iter().filter(counts).count(),
        phonation_s: sounds.iter().map(|sound| sound.end - sound.start).sum(),
        pauses: gaps().count(),
        pause_s: gaps().fold(0.0, |sum, gap| sum + gap),
    })
}

/// Power under a Kaiser window, the window's own mean taken off, dB.
fn intensity(samples: &[f32]) -> (Grid, Vec<f64>) {
    let grid = Grid::centred(samples.len(), RATE, 6.4 / FLOOR_HZ, 0.8 / FLOOR_HZ);
    let half = (3.2 / FLOOR_HZ * RATE) as i64;
    let weight = |k: i64| {
        let x = k as f64 / half as f64;
        bessel((2.0 * PI * PI + 0.5) * (1.0 - x * x).max(0.0).sqrt())
    };
    let window: Vec<f64> = (-half..=half).map(weight).collect();
    let all: f64 = window.iter().sum();
    let level = |frame: usize| {
        let start = (grid.time(frame) * RATE - 0.5).round() as i64 - half;
        let from = start.max(0) as usize;
        let part = samples.get(from..((start + 2 * half + 1) as usize).min(samples.len())).unwrap_or_default();
        let mean = part.iter().map(|x| f64::from(*x)).sum::<f64>() / part.len().max(1) as f64;
        let weighted = part.iter().zip(window.iter().skip((from as i64 - start) as usize));
        let power: f64 = weighted.map(|(x, w)| (f64::from(*x) - mean).powi(2) * w).sum();
        10.0 * (power / all).max(LEAST_POWER).log10()
    };
    (grid, (0..grid.frames).map(level).collect())
}

/// Modified Bessel function of the first kind and order 0, by its power series.
fn bessel(x: f64) -> f64 {
    let (mut term, mut sum) = (1.0, 1.0);
    for k in 1..80 {
        term *= (0.5 * x / f64::from(k)).powi(2);
        sum += term;
    }
    sum
}

/// Stretches over the threshold: short ones left out, then those with short silences between them joined.
fn sounds(grid: &Grid, intensity: &[f64], threshold: f64, end_s: f64) -> Vec<Range<f64>> {
    let half = 0.5 * grid.step_s;
    let mut runs: Vec<Range<f64>> = Vec::new();
    for (i, _) in intensity.iter().enumerate().filter(|(_, level)| **level >= threshold) {
        let from = if i == 0 { 0.0 } else { grid.time(i) - half };
        let to = if i + 1 == intensity.len() { end_s } else { grid.time(i) + half };
        match runs.last_mut() {
            Some(run) if from - run.end < 0.5 * half => run.end = to,
            _ => runs.push(from..to),
        }
    }
    runs.retain(|run| run.end - run.start >= SOUND_S);
    let mut joined: Vec<Range<f64>> = Vec::new();
    for run in runs {
        match joined.last_mut() {
            Some(last) if run.start - last.end < PAUSE_S => last.end = run.end,
            // A short silence before the first sound belongs to it, as one behind the last does.
            None if run.start < PAUSE_S => joined.push(0.0..run.end),
            _ => joined.push(run),
        }
    }
    if let Some(last) = joined.last_mut().filter(|last| end_s - last.end < PAUSE_S) {
        last.end = end_s;
    }
    joined
}

/// Instants of peaks over the threshold with a dip behind them.
fn nuclei(grid: &Grid, intensity: &[f64], threshold: f64) -> Vec<f64> {
    let is_peak = |i: &usize| {
        let here = intensity[*i];
        here > threshold && here > intensity[*i - 1] && here >= intensity[*i + 1]
    };
    let peaks: Vec<usize> = (1..intensity.len().saturating_sub(1)).filter(is_peak).collect();
    let nexts = peaks.iter().skip(1).copied().chain([intensity.len().saturating_sub(1)]);
    let dips = peaks.iter().zip(nexts).filter(|(peak, next)| {
        let dip = intensity[**peak..=*next].iter().copied().fold(f64::INFINITY, f64::min);
        intensity[**peak] - dip > DIP_DB
    });
    dips.map(|(peak, _)| grid.time(*peak)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bursts of a tone, so many seconds long, at these instants.
    fn bursts(at: &[f64], length: f64, seconds: f64) -> Vec<f32> {
        let n = (seconds * RATE) as usize;
        let sample = |i: usize| {
            let t = i as f64 / RATE;
            let near = at.iter().find(|at| (t - **at).abs() < 0.5 * length);
            let swell = near.map_or(0.0, |at| (PI * (t - at) / length).cos().powi(2));
            (swell * (2.0 * PI * 150.0 * t).sin()) as f32
        };
        (0..n).map(sample).collect()
    }

    #[test]
    fn bursts_are_syllables_and_gaps_are_pauses() {
        let at = [0.5, 0.75, 1.0, 1.25, 2.5, 2.75, 3.0, 3.25];
        let pace = pace(&bursts(&at, 0.24, 4.0), |_| true).unwrap();
        assert_eq!((pace.syllables, pace.pauses), (8, 1), "{pace:?}");
        assert!((pace.pause_s - 1.0).abs() < 0.15 && (pace.phonation_s - 2.0).abs() < 0.3, "{pace:?}");
        let unvoiced = super::pace(&bursts(&at, 0.24, 4.0), |_| false).unwrap();
        assert_eq!(unvoiced.syllables, 0);
        assert_eq!(super::pace(&[0.0; 1000], |_| true), None);
        assert_eq!(super::pace(&[0.0; 16_000], |_| true).map(|pace| pace.syllables), Some(0));
    }
}
