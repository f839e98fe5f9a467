//! Cepstral peak prominence: how far the peak of the voice's period stands out of the cepstrum.
//!
//! The smoothed variant of J. Hillenbrand and R. Houde (1996), laid out as Praat's PowerCepstrogram: a Gaussian-like
//! window of 100 ms, pre-emphasis from 50 Hz, the level spectrum in dB up to 5 kHz, its cepstrum's power averaged over
//! three frames of 10 ms and five quefrencies (0.5 ms), then in dB. The peak is looked for between one period of the
//! highest and of the lowest fundamental frequency; from it is taken the value, at the same quefrency, of the straight
//! line fitted by least squares from 1 to 50 ms. Only frames in voiced speech count, where Praat's "Get CPPS" averages
//! over the whole file.

use super::interpolate::vertex;
use super::pitch::{PITCH_CEILING_HZ, PITCH_FLOOR_HZ};
use crate::audio::SAMPLE_RATE_HZ;
use rustfft::num_complex::Complex64;
use rustfft::{Fft, FftPlanner};
use std::collections::VecDeque;
use std::f64::consts::TAU;
use std::sync::Arc;

const RATE: f64 = SAMPLE_RATE_HZ as f64;
/// Window: three periods of 60 Hz, and as much again for its tails; samples.
const WINDOW: usize = 1600;
const TRANSFORM: usize = 2048;
/// The spectrum is used up to here, bins and Hz.
const TOP: (usize, f64) = (640, 5000.0);
/// Quefrencies per second.
const QUEFRENCIES: f64 = 2.0 * TOP.1;
/// The trend line is fitted over these, seconds.
const TREND_S: (f64, f64) = (0.001, 0.05);
const EMPHASIS_HZ: f64 = 50.0;
/// Quefrencies to each side that are averaged.
const SMOOTH: usize = 2;
/// Powers under this are taken for it, so that digital silence has a logarithm.
const LEAST_POWER: f64 = 1e-30;

/// What does not depend on the clip.
pub(super) struct CepstralPlan {
    forward: Arc<dyn Fft<f64>>,
    back: Arc<dyn Fft<f64>>,
    window: Vec<f64>,
}

impl CepstralPlan {
    pub fn new() -> Self {
        let mut planner = FftPlanner::new();
        let edge = (-12f64).exp();
        let weight = |i: usize| {
            let away = (i as f64 + 0.5 - 0.5 * WINDOW as f64) / (WINDOW as f64 + 1.0);
            ((-48.0 * away * away).exp() - edge) / (1.0 - edge)
        };
        CepstralPlan {
            forward: planner.plan_fft_forward(TRANSFORM),
            back: planner.plan_fft_forward(2 * TOP.0),
            window: (0..WINDOW).map(weight).collect(),
        }
    }

    /// Mean prominence over frames at these instants (none where a frame is not voiced speech), dB.
    pub fn prominence(&self, samples: &[f32], instants: impl Iterator<Item = Option<f64>>) -> Option<f64> {
        let mut work = Work::new(self);
        let (mut sum, mut count) = (0.0, 0.0);
        let mut around: VecDeque<Option<Vec<f64>>> = [None, None].into();
        for instant in instants.chain([None]) {
            around.push_back(instant.and_then(|instant| self.cepstrum(samples, instant, &mut work)));
            if around.get(1).is_some_and(Option::is_some)
                && let Some(db) = prominence_of(&smoothed(around.iter().flatten()))
            {
                sum += db;
                count += 1.0;
            }
            around.pop_front();
        }
        (count > 0.0).then(|| sum / count)
    }

    /// Power of the cepstrum up to the end of the trend line.
    fn cepstrum(&self, samples: &[f32], instant: f64, work: &mut Work) -> Option<Vec<f64>> {
        let right = (instant * RATE - 0.5).floor() as i64 + 1;
        let start = usize::try_from(right - WINDOW as i64 / 2).ok()?;
        let part = samples.get(start..start + WINDOW)?;
        let factor = (-TAU * EMPHASIS_HZ / RATE).exp();
        let mut last = start.checked_sub(1).and_then(|i| samples.get(i)).map_or(0.0, |x| f64::from(*x));
        work.spectrum.fill(Complex64::default());
        for ((z, x), w) in work.spectrum.iter_mut().zip(part).zip(&self.window) {
            let x = f64::from(*x);
            z.re = (x - factor * last) * w;
            last = x;
        }
        self.forward.process_with_scratch(&mut work.spectrum, &mut work.scratch);
        let n = work.cepstrum.len();
        for (i, z) in work.spectrum.iter().take(TOP.0 + 1).enumerate() {
            let level = Complex64::new(10.0 * z.norm_sqr().max(LEAST_POWER).log10(), 0.0);
            work.cepstrum[i] = level;
            work.cepstrum[(n - i) % n] = level;
        }
        self.back.process_with_scratch(&mut work.cepstrum, &mut work.scratch);
        let kept = (TREND_S.1 * QUEFRENCIES) as usize + 1 + SMOOTH;
        Some(work.cepstrum.iter().take(kept).map(|z| (z.re / n as f64).powi(2)).collect())
    }
}

struct Work {
    spectrum: Vec<Complex64>,
    cepstrum: Vec<Complex64>,
    scratch: Vec<Complex64>,
}

impl Work {
    fn new(plan: &CepstralPlan) -> Self {
        let scratch = plan.forward.get_inplace_scratch_len().max(plan.back.get_inplace_scratch_len());
        Work {
            spectrum: vec![Complex64::default(); TRANSFORM],
            cepstrum: vec![Complex64::default(); 2 * TOP.0],
            scratch: vec![Complex64::default(); scratch],
        }
    }
}

/// Mean power of some cepstra, averaged over neighbouring quefrencies, in dB.
fn smoothed<'a>(cepstra: impl Iterator<Item = &'a Vec<f64>>) -> Vec<f64> {
    let (mut sum, mut count) = (Vec::new(), 0.0);
    for cepstrum in cepstra {
        sum.resize(cepstrum.len(), 0.0);
        sum.iter_mut().zip(cepstrum).for_each(|(sum, power): (&mut f64, _)| *sum += power);
        count += 1.0;
    }
    let level = |i: usize| {
        let near = &sum[i.saturating_sub(SMOOTH)..=i + SMOOTH];
        10.0 * (near.iter().sum::<f64>() / (near.len() as f64 * count)).max(LEAST_POWER).log10()
    };
    (0..sum.len().saturating_sub(SMOOTH)).map(level).collect()
}

/// Peak less trend line, dB.
fn prominence_of(levels: &[f64]) -> Option<f64> {
    let from = (QUEFRENCIES / PITCH_CEILING_HZ).ceil() as usize;
    let to = (QUEFRENCIES / PITCH_FLOOR_HZ).floor() as usize;
    let at = |i: &usize| levels.get(*i).copied().unwrap_or(f64::NEG_INFINITY);
    let best = (from..=to).max_by(|a, b| at(a).total_cmp(&at(b)).then(b.cmp(a)))?;
    let (offset, height) = vertex(levels, best);
    let (slope, level) = line(levels, (TREND_S.0 * QUEFRENCIES) as usize)?;
    Some(height - level - slope * (best as f64 + offset))
}

/// Least-squares line through the values from an index on: slope and value at index 0.
fn line(values: &[f64], from: usize) -> Option<(f64, f64)> {
    let part = values.get(from..)?;
    let n = part.len() as f64;
    let (mx, my) = (from as f64 + 0.5 * (n - 1.0), part.iter().sum::<f64>() / n);
    let (mut xy, mut xx) = (0.0, 0.0);
    for (i, y) in part.iter().enumerate() {
        let x = (from + i) as f64 - mx;
        xy += x * (y - my);
        xx += x * x;
    }
    (xx > 0.0).then(|| (xy / xx, my - xy / xx * mx))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(samples: &[f32]) -> Option<f64> {
        CepstralPlan::new().prominence(samples, (0..80).map(|i| Some(0.1 + 0.01 * f64::from(i))))
    }

    #[test]
    fn a_vowel_stands_out_and_noise_does_not() {
        let vowel = crate::voice::vowel(120.0, &[(650.0, 60.0), (1200.0, 80.0), (2500.0, 110.0)], 1.0);
        let mut seed = 3u32;
        let noise: Vec<f32> = (0..16_000)
            .map(|_| {
                seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (seed >> 8) as f32 / 8_388_608.0 - 1.0
            })
            .collect();
        let mixed: Vec<f32> = vowel.iter().zip(&noise).map(|(x, n)| x + 0.03 * n).collect();
        let (clear, hoarse, none) = (of(&vowel).unwrap(), of(&mixed).unwrap(), of(&noise).unwrap());
        assert!(clear > hoarse && hoarse > none + 2.0 && none < 8.0, "{clear} {hoarse} {none}");
        assert!(of(&[0.0; 16_000]).is_some_and(f64::is_finite) && of(&[]).is_none());
    }

    #[test]
    fn a_straight_line_is_its_own_trend() {
        let (slope, level) = line(&[9.0, 9.0, 7.0, 6.0, 5.0], 2).unwrap();
        assert!((slope + 1.0).abs() < 1e-12 && (level - 9.0).abs() < 1e-12);
        assert_eq!(line(&[1.0], 0), None);
    }
}
