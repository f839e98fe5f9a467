//! A telephone line: band, 8 kHz and mu-law, and back to 16 kHz.

use super::super::framed::Filter;
use crate::audio::SAMPLE_RATE_HZ;
use std::f64::consts::{PI, TAU};

/// Band of a telephone, Hz.
const BAND_HZ: [f64; 2] = [300.0, 3400.0];
/// Where the filter behind the line ends, Hz: what lies above 4 kHz are images.
const TOP_HZ: f64 = 3900.0;
/// Taps before and after the middle of the two filters.
const HALF: [usize; 2] = [128, 64];
/// Even, since every second sample goes over the line.
const FRAME: usize = 256;

pub(super) struct Telephone {
    before: Fir,
    after: Fir,
}

impl Telephone {
    pub fn new() -> Self {
        let gain = |taps: Vec<f32>, gain: f32| taps.into_iter().map(|x| x * gain).collect();
        Telephone {
            before: Fir::new(band_pass(BAND_HZ, HALF[0])),
            // Every second sample is zero before it.
            after: Fir::new(gain(band_pass([0.0, TOP_HZ], HALF[1]), 2.0)),
        }
    }
}

impl Filter for Telephone {
    fn frame(&self) -> usize {
        FRAME
    }

    fn delay(&self) -> usize {
        HALF.iter().sum()
    }

    fn process(&mut self, frame: &mut [f32]) {
        self.before.process(frame);
        for pair in frame.chunks_exact_mut(2) {
            if let [line, between] = pair {
                (*line, *between) = (mu_law(*line), 0.0);
            }
        }
        self.after.process(frame);
    }
}

/// A sample after coding and decoding by the mu-law of ITU-T G.711: 14 bits to 8 and back. A segment holds 16 steps, and
/// those of the next are twice as wide.
fn mu_law(x: f32) -> f32 {
    const BIAS: u32 = 33;
    let magnitude = ((x.abs() * 8192.0).round() as u32).min(8158) + BIAS;
    let segment = magnitude.ilog2().saturating_sub(5);
    let step = (magnitude >> (segment + 1)) & 15;
    let decoded = ((2 * step + BIAS) << segment) - BIAS;
    (decoded as f32 / 8192.0).copysign(x)
}

/// Taps of a band-pass of linear phase: sines of both edges under a Hamming window.
fn band_pass([low_hz, high_hz]: [f64; 2], half: usize) -> Vec<f32> {
    let rate = f64::from(SAMPLE_RATE_HZ);
    let low_pass = |hz: f64, m: f64| if m == 0.0 { 2.0 * hz / rate } else { (TAU * hz / rate * m).sin() / (PI * m) };
    let tap = |n: usize| {
        let m = n as f64 - half as f64;
        let window = 0.54 + 0.46 * (PI * m / half as f64).cos();
        ((low_pass(high_hz, m) - low_pass(low_hz, m)) * window) as f32
    };
    (0..=2 * half).map(tap).collect()
}

/// A filter by its taps, which read the same from both ends.
struct Fir {
    taps: Vec<f32>,
    past: Vec<f32>,
}

impl Fir {
    fn new(taps: Vec<f32>) -> Self {
        Fir { past: vec![0.0; taps.len() - 1], taps }
    }

    fn process(&mut self, frame: &mut [f32]) {
        self.past.extend_from_slice(frame);
        for (y, window) in frame.iter_mut().zip(self.past.windows(self.taps.len())) {
            *y = window.iter().zip(&self.taps).map(|(x, tap)| x * tap).sum();
        }
        self.past.drain(..frame.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mu_law_gives_the_values_of_the_standard() {
        // Table 2a of G.711: the first decision values and outputs, and the last.
        let coded = |x: f32| mu_law(x / 8192.0) * 8192.0;
        assert_eq!(
            [0.0, 1.0, 2.0, 3.0, 30.0, 31.0, 34.0, 35.0].map(coded),
            [0.0, 2.0, 2.0, 4.0, 30.0, 33.0, 33.0, 37.0]
        );
        assert_eq!([8158.0, 20_000.0, -20_000.0].map(coded), [8031.0, 8031.0, -8031.0]);
    }
}
