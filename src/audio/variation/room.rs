//! A room: its impulse response is made by a formula, and the clip is convolved with it.

use super::framed::{Filter, Framed};
use super::{SAMPLE_RATE_HZ, between, within};
use crate::error::Result;
use crate::random::SplitMix;
use rustfft::num_complex::Complex64;
use rustfft::{Fft, FftPlanner};
use std::f64::consts::TAU;
use std::sync::Arc;

/// A room by its decay. The direct sound comes first, then Gaussian noise that decays exponentially and faster in higher
/// bands. The level of white noise stays as it was.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Room {
    /// Time in which the sound around 1 kHz decays by 60 dB, seconds, 0.05 to 5.
    pub rt60_s: f64,
    /// Energy of the direct sound to that of the rest, dB, -40 to 60.
    pub direct_to_reverberant_db: f64,
    /// Start of its random numbers.
    pub seed: u64,
}

/// Centre of the lowest octave band, Hz; each further one is twice that.
const LOWEST_BAND_HZ: f64 = 125.0;
/// Decay time of the octave bands from 125 Hz to 8 kHz, as a share of that at 1 kHz: walls and air take more of what is
/// high. Our own round figures, as of a furnished room.
const DECAY: [f64; 7] = [1.1, 1.05, 1.0, 1.0, 0.85, 0.7, 0.5];
/// Time between the direct sound and what comes first after it, seconds.
const GAP_S: [f64; 2] = [0.001, 0.01];

pub(super) fn filter(room: &Room) -> Result<Framed> {
    Ok(Framed::new(Convolution::new(&impulse_response(room)?)))
}

/// The impulse response at 16 kHz: the direct sound at sample 0, energy 1, as long as the decay time.
fn impulse_response(room: &Room) -> Result<Vec<f64>> {
    let rt60_s = within("decay time, s", room.rt60_s, 0.05..=5.0)?;
    let ratio_db = within("direct-to-reverberant ratio, dB", room.direct_to_reverberant_db, -40.0..=60.0)?;
    let rate = f64::from(SAMPLE_RATE_HZ);
    let mut random = SplitMix(room.seed);
    let gap = (between(GAP_S[0], GAP_S[1], &mut random) * rate) as usize;
    let length = (rt60_s * rate) as usize;
    let mut response = decaying_noise(rt60_s, length, &mut random);
    response.iter_mut().take(gap).for_each(|x| *x = 0.0);
    let energy: f64 = response.iter().map(|x| x * x).sum();
    let direct = 10f64.powf(ratio_db / 20.0) * energy.sqrt();
    if let Some(first) = response.first_mut() {
        *first = direct;
    }
    let whole = (energy + direct * direct).sqrt();
    response.iter_mut().for_each(|x| *x /= whole);
    Ok(response)
}

/// Gaussian noise whose octave bands decay each in its time. The bands are triangles over the logarithm of the frequency,
/// so that their sum before the decay is the noise itself.
fn decaying_noise(rt60_s: f64, length: usize, random: &mut SplitMix) -> Vec<f64> {
    let n = length.next_power_of_two();
    let rate = f64::from(SAMPLE_RATE_HZ);
    let mut planner = FftPlanner::new();
    let (forward, inverse) = (planner.plan_fft_forward(n), planner.plan_fft_inverse(n));
    let mut noise: Vec<Complex64> = (0..n).map(|_| Complex64::new(gaussian(random), 0.0)).collect();
    forward.process(&mut noise);
    let mut sum = vec![0.0; length];
    for (band, share) in DECAY.iter().enumerate() {
        let mut part: Vec<Complex64> = (0..n)
            .zip(&noise)
            .map(|(k, x)| {
                let hz = k.min(n - k) as f64 * rate / n as f64;
                let octave = (hz / LOWEST_BAND_HZ).log2().clamp(0.0, DECAY.len() as f64 - 1.0);
                x * (1.0 - (octave - band as f64).abs()).max(0.0) / n as f64
            })
            .collect();
        inverse.process(&mut part);
        // 60 dB are a factor of 1000.
        let slower = (-(1000f64.ln()) / (rt60_s * share * rate)).exp();
        let mut decay = 1.0;
        for (sum, x) in sum.iter_mut().zip(part) {
            *sum += x.re * decay;
            decay *= slower;
        }
    }
    sum
}

/// A number of the standard normal distribution (Box and Muller 1958).
fn gaussian(random: &mut SplitMix) -> f64 {
    let radius = (-2.0 * (1.0 - random.share()).ln()).sqrt();
    radius * (TAU * random.share()).cos()
}

/// Convolution by overlap and add, in double precision.
struct Convolution {
    forward: Arc<dyn Fft<f64>>,
    inverse: Arc<dyn Fft<f64>>,
    /// Of the impulse response, over two frames.
    spectrum: Vec<Complex64>,
    work: Vec<Complex64>,
    /// What earlier frames give to the next.
    overlap: Vec<f64>,
}

impl Convolution {
    fn new(response: &[f64]) -> Self {
        let frame = response.len().next_power_of_two();
        let mut planner = FftPlanner::new();
        let (forward, inverse) = (planner.plan_fft_forward(2 * frame), planner.plan_fft_inverse(2 * frame));
        let mut spectrum = vec![Complex64::default(); 2 * frame];
        for (z, x) in spectrum.iter_mut().zip(response) {
            z.re = x / (2 * frame) as f64;
        }
        forward.process(&mut spectrum);
        Convolution { forward, inverse, work: spectrum.clone(), spectrum, overlap: vec![0.0; frame] }
    }
}

impl Filter for Convolution {
    fn frame(&self) -> usize {
        self.overlap.len()
    }

    fn delay(&self) -> usize {
        0
    }

    fn process(&mut self, frame: &mut [f32]) {
        self.work.fill(Complex64::default());
        for (z, x) in self.work.iter_mut().zip(frame.iter()) {
            z.re = f64::from(*x);
        }
        self.forward.process(&mut self.work);
        self.work.iter_mut().zip(&self.spectrum).for_each(|(z, h)| *z *= h);
        self.inverse.process(&mut self.work);
        let (now, later) = self.work.split_at(self.overlap.len());
        for ((x, z), before) in frame.iter_mut().zip(now).zip(&self.overlap) {
            *x = (z.re + before) as f32;
        }
        self.overlap.iter_mut().zip(later).for_each(|(x, z)| *x = z.re);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Decay time by the slope of the backward integral from -5 to -25 dB (Schroeder 1965; ISO 3382).
    fn measured_s(response: &[f64]) -> f64 {
        let mut left = response.iter().map(|x| x * x).sum::<f64>();
        let (all, mut below) = (left, [0usize; 2]);
        for (i, x) in response.iter().enumerate() {
            left -= x * x;
            for (place, db) in below.iter_mut().zip([-5.0, -25.0]) {
                if *place == 0 && 10.0 * (left / all).log10() < db {
                    *place = i;
                }
            }
        }
        3.0 * (below[1] - below[0]) as f64 / f64::from(SAMPLE_RATE_HZ)
    }

    /// The part of a response around a frequency: an octave of its spectrum.
    fn octave(response: &[f64], hz: f64) -> Vec<f64> {
        let n = 2 * response.len().next_power_of_two();
        let mut z: Vec<Complex64> = response.iter().map(|x| Complex64::new(*x, 0.0)).collect();
        z.resize(n, Complex64::default());
        FftPlanner::new().plan_fft_forward(n).process(&mut z);
        for (k, z) in z.iter_mut().enumerate() {
            let at = k.min(n - k) as f64 * f64::from(SAMPLE_RATE_HZ) / n as f64;
            if !(hz / 1.41..hz * 1.41).contains(&at) {
                *z = Complex64::default();
            }
        }
        FftPlanner::new().plan_fft_inverse(n).process(&mut z);
        z.iter().take(response.len()).map(|z| z.re).collect()
    }

    #[test]
    fn a_room_has_the_decay_and_the_ratio_that_were_asked_for() {
        for (rt60_s, ratio_db, seed) in [(0.2, 0.0, 1), (0.5, 6.0, 2), (0.9, 12.0, 3)] {
            let response = impulse_response(&Room { rt60_s, direct_to_reverberant_db: ratio_db, seed }).unwrap();
            let rest: f64 = response[1..].iter().map(|x| x * x).sum();
            assert!((response[0] * response[0] + rest - 1.0).abs() < 1e-9);
            assert!((10.0 * (response[0] * response[0] / rest).log10() - ratio_db).abs() < 1e-6);
            let late = |hz| measured_s(&octave(&response[200..], hz));
            let (middle, high) = (late(1000.0), late(6000.0));
            assert!((middle / rt60_s - 1.0).abs() < 0.15, "{rt60_s} {middle}");
            assert!((0.45..0.75).contains(&(high / middle)), "{rt60_s} {high}");
        }
    }

    #[test]
    fn the_convolution_is_that_of_the_definition() {
        let response = [0.5, 0.25, 0.0, -0.125, 0.0625];
        let samples: Vec<f32> = (0..40).map(|i| (i as f32 * 0.7).sin()).collect();
        let mut framed = Framed::new(Convolution::new(&response));
        let mut out = samples.clone();
        framed.push(&mut out);
        framed.finish(&mut out);
        for (n, y) in out.iter().enumerate() {
            let expected: f64 = (0..=n.min(4)).map(|k| response[k] * f64::from(samples[n - k])).sum();
            assert!((f64::from(*y) - expected).abs() < 1e-6, "{n}");
        }
        assert_eq!(out.len(), samples.len());
    }
}
