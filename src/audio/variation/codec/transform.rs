//! A lossy codec of our own: a modified discrete cosine transform (Princen, Johnson and Bradley 1987), bands that each
//! have a step of quantisation by their energy, and as coarse steps as it takes to stay within the bits of a frame.
//!
//! Nothing is packed: the bits are counted as the code would have them, exponential Golomb codes of order 0.

use super::super::framed::Filter;
use crate::audio::SAMPLE_RATE_HZ;
use crate::random::SplitMix;
use rustfft::num_complex::Complex64;
use rustfft::{Fft, FftPlanner};
use std::f64::consts::PI;
use std::sync::Arc;

/// Coefficients of a frame: 20 ms, under windows of 40 ms.
const N: usize = 320;
/// Width of a coefficient, Hz.
const BIN_HZ: f64 = SAMPLE_RATE_HZ as f64 / (2 * N) as f64;
/// Edges of the bands, coefficients of 25 Hz: about two critical bands each.
const EDGES: [usize; 18] = [0, 8, 16, 24, 32, 40, 50, 60, 70, 80, 94, 108, 126, 148, 176, 212, 256, 320];
/// The codec's top, Hz, is the first of these and the second for each kbit/s: 4 kHz at 12 kbit/s, 8 kHz at 32.
const TOP_HZ: [f64; 2] = [1600.0, 200.0];
/// Noise of quantisation follows the amplitude of the band by this power: 0 is the same noise everywhere, 1 the same
/// signal-to-noise ratio.
const SHAPING: f64 = 0.6;
/// Added before a coefficient is cut to a whole number of steps; less than half, since small values cost more bits.
const ROUNDING: f64 = 0.4;
/// Amplitude below which a band is silent.
const SILENCE: f64 = 1e-5;
/// Global steps, a quarter of a power of two each, that are tried, from the finest.
const GAINS: std::ops::Range<i32> = -80..80;

pub(super) struct Transform {
    mdct: Mdct,
    /// Bits of a frame.
    budget: u64,
    /// Coefficients below this are coded.
    top: usize,
    /// Of the bands below this at least the amplitude is coded.
    end: usize,
    /// What fills the gaps; none where they stay silent.
    filling: Option<SplitMix>,
    /// The frame before.
    before: Vec<f32>,
    /// What the frame before gives to the next.
    overlap: Vec<f64>,
}

impl Transform {
    pub fn new(kbit_s: f64, filled: bool) -> Self {
        let top = (((TOP_HZ[0] + TOP_HZ[1] * kbit_s) / BIN_HZ) as usize).min(N);
        Transform {
            mdct: Mdct::new(),
            budget: (kbit_s * 1000.0 * N as f64 / f64::from(SAMPLE_RATE_HZ)) as u64,
            top,
            end: if filled { N } else { top },
            filling: filled.then_some(SplitMix(0)),
            before: vec![0.0; N],
            overlap: vec![0.0; N],
        }
    }

    /// Replaces coefficients by those that are decoded; gives the number of bits.
    fn quantise(&mut self, coefficients: &mut [f64]) -> u64 {
        let (mut fine, mut coarse) = (GAINS.start, GAINS.end);
        // A gain whose code has no more bits than there are, beside a finer one that has more.
        while coarse - fine > 1 {
            let middle = (fine + coarse) / 2;
            if self.code(coefficients, middle, |_| ()) > self.budget { fine = middle } else { coarse = middle }
        }
        let mut filling = self.filling.take();
        let mut decoded = Vec::with_capacity(N);
        let bits = self.code(coefficients, coarse, |band| {
            for x in band.coefficients {
                let gap = filling.as_mut().map_or(0.0, |random| (2.0 * random.share() - 1.0) * band.gap());
                let steps = band.quantised(*x);
                decoded.push(if steps == 0 { gap } else { steps as f64 * band.step });
            }
        });
        self.filling = filling;
        decoded.resize(N, 0.0);
        coefficients.copy_from_slice(&decoded);
        bits
    }

    /// Codes the coefficients at a gain: gives the bands, and the number of bits: for each band its amplitude as the
    /// difference from the band below, one bit that says whether anything else is coded, and the coefficients. Where gaps
    /// stay silent, nothing of the bands above the top is coded, and else their amplitude alone.
    fn code<'a>(&self, coefficients: &'a [f64], gain: i32, mut each: impl FnMut(&Coded<'a>)) -> u64 {
        let (mut bits, mut below) = (GAINS.len().ilog2().into(), 0);
        for edges in EDGES.windows(2) {
            let &[from, to] = edges else { continue };
            let Some(band) = coefficients.get(from..to.min(self.end)).filter(|band| !band.is_empty()) else { break };
            let rms = (band.iter().map(|x| x * x).sum::<f64>() / band.len() as f64).sqrt().max(SILENCE);
            // In steps of 3 dB.
            let amplitude = (2.0 * rms.log2()).round() as i64;
            bits += golomb(amplitude - below) + 1;
            below = amplitude;
            let step = (amplitude as f64 / 2.0 * SHAPING + f64::from(gain) / 4.0).exp2();
            let mut coded = Coded { coefficients: band, rms: (amplitude as f64 / 2.0).exp2(), step };
            if rms > SILENCE && from < self.top && band.iter().any(|x| coded.quantised(*x) != 0) {
                bits += band.iter().map(|x| golomb(coded.quantised(*x))).sum::<u64>();
            } else {
                coded.step = f64::INFINITY;
            }
            each(&coded);
        }
        bits
    }
}

/// A band in a frame.
struct Coded<'a> {
    coefficients: &'a [f64],
    /// Its amplitude, as it is coded.
    rms: f64,
    /// The step of quantisation; infinite where no coefficient is coded.
    step: f64,
}

impl Coded<'_> {
    fn quantised(&self, x: f64) -> i64 {
        (x.signum() * (x.abs() / self.step + ROUNDING).floor()) as i64
    }

    /// Largest amplitude of the uniform noise that fills a gap: of the band's power, or within what is rounded to 0.
    fn gap(&self) -> f64 {
        (self.rms * 3f64.sqrt()).min(self.step * (1.0 - ROUNDING))
    }
}

/// Bits of a whole number in the exponential Golomb code of order 0, with a sign.
fn golomb(value: i64) -> u64 {
    let code = 2 * value.unsigned_abs().min(1 << 40) + u64::from(value <= 0);
    u64::from(2 * code.ilog2() + 1)
}

impl Filter for Transform {
    fn frame(&self) -> usize {
        N
    }

    fn delay(&self) -> usize {
        N
    }

    fn process(&mut self, frame: &mut [f32]) {
        let mut coefficients = self.mdct.forward(self.before.iter().chain(frame.iter()));
        self.before.copy_from_slice(frame);
        self.quantise(&mut coefficients);
        let both = self.mdct.inverse(&coefficients);
        let (now, later) = both.split_at(N);
        for ((x, y), before) in frame.iter_mut().zip(now).zip(&self.overlap) {
            *x = (y + before) as f32;
        }
        self.overlap.copy_from_slice(later);
    }
}

/// The transform of 2 N samples to N coefficients and back under a sine window, by a complex transform of 2 N.
///
/// `X[k] = sum x[n] w[n] cos(pi / N (n + 1/2 + N/2) (k + 1/2))`, times `sqrt(2 / N)` both ways.
struct Mdct {
    window: Vec<f64>,
    forward: Arc<dyn Fft<f64>>,
    inverse: Arc<dyn Fft<f64>>,
}

/// Where the cosines begin.
const PHASE: f64 = 0.5 + N as f64 / 2.0;

impl Mdct {
    fn new() -> Self {
        let mut planner = FftPlanner::new();
        let scale = (2.0 / N as f64).sqrt();
        Mdct {
            window: (0..2 * N).map(|n| scale * (PI * (n as f64 + 0.5) / (2 * N) as f64).sin()).collect(),
            forward: planner.plan_fft_forward(2 * N),
            inverse: planner.plan_fft_inverse(2 * N),
        }
    }

    fn forward<'a>(&self, samples: impl Iterator<Item = &'a f32>) -> Vec<f64> {
        let turned = samples.zip(&self.window).zip(0u32..);
        let mut z: Vec<Complex64> = turned
            .map(|((x, w), n)| Complex64::from_polar(f64::from(*x) * w, -PI * f64::from(n) / (2 * N) as f64))
            .collect();
        self.forward.process(&mut z);
        let back = |k: u32| Complex64::from_polar(1.0, -PI * PHASE * (f64::from(k) + 0.5) / N as f64);
        z.iter().take(N).zip(0u32..).map(|(z, k)| (z * back(k)).re).collect()
    }

    fn inverse(&self, coefficients: &[f64]) -> Vec<f64> {
        let turned = coefficients.iter().zip(0u32..);
        let mut z: Vec<Complex64> =
            turned.map(|(x, k)| Complex64::from_polar(1.0, PI * PHASE * f64::from(k) / N as f64) * x).collect();
        z.resize(2 * N, Complex64::default());
        self.inverse.process(&mut z);
        let back = |n: u32| Complex64::from_polar(1.0, PI * (f64::from(n) + PHASE) / (2 * N) as f64);
        z.iter().zip(&self.window).zip(0u32..).map(|((z, w), n)| (z * back(n)).re * w).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_transform_is_that_of_the_definition_and_has_an_inverse() {
        let samples: Vec<f32> =
            (0..4 * N).map(|i| (i as f32 * 0.37).sin() * 0.5 + (i as f32 * 0.011).cos() * 0.2).collect();
        let mdct = Mdct::new();
        let coefficients = mdct.forward(samples[..2 * N].iter());
        for k in [0, 1, 77, 319] {
            let term = |n: usize| {
                let angle = PI / N as f64 * (n as f64 + PHASE) * (k as f64 + 0.5);
                f64::from(samples[n]) * mdct.window[n] * angle.cos()
            };
            assert!((coefficients[k] - (0..2 * N).map(term).sum::<f64>()).abs() < 1e-9, "{k}");
        }
        let next = mdct.inverse(&mdct.forward(samples[N..3 * N].iter()));
        let this = mdct.inverse(&coefficients);
        for n in 0..N {
            assert!((this[N + n] + next[n] - f64::from(samples[N + n])).abs() < 1e-6, "{n}");
        }
    }

    #[test]
    fn a_frame_has_no_more_bits_than_the_rate_gives_it() {
        let mut random = SplitMix(1);
        for (kbit_s, filled) in [(8.0, false), (8.0, true), (12.0, false), (16.0, true), (32.0, false), (64.0, true)] {
            let mut transform = Transform::new(kbit_s, filled);
            for loudness in [1e-3, 0.1, 30.0] {
                let value = |k: usize| loudness * (random.share() - 0.5) / (1.0 + k as f64 / 20.0);
                let mut coded: Vec<f64> = (0..N).map(value).collect();
                let share = transform.quantise(&mut coded) as f64 / (20.0 * kbit_s);
                assert!((0.6..=1.0).contains(&share), "{kbit_s} {filled} {loudness} {share}");
                assert!(coded.iter().skip(transform.end).all(|x| *x == 0.0), "{kbit_s} {filled}");
                assert!(!filled || coded.iter().all(|x| *x != 0.0), "{kbit_s} {filled}");
            }
        }
    }
}
