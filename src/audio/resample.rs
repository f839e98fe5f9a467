//! Any sampling rate to 16 kHz, as a stream.
//!
//! The work is rubato's: overlapping FFT blocks with a Blackman-Harris-squared low-pass. Blocks are long enough at
//! every rate that the pass-band is flat to 7 kHz (or to 87 % of a lower Nyquist frequency) and images and aliases
//! stay under -80 dB; the tests hold it to that. The delay is taken off, so sample 0 of the output lies at sample 0 of
//! the input.

use crate::error::{Error, ErrorKind};
use audioadapter_buffers::direct::InterleavedSlice;
use rubato::{Fft, FixedSync, Resampler as _, WindowFunction};
use std::path::Path;

/// Shortest transform on the side of the lower rate, samples; sets the width of the transition band.
const BLOCK: usize = 1366;

/// A stream from one rate to another; passes samples through where the two are equal.
pub(crate) struct Resampler {
    fft: Option<Fft<f32>>,
    input: Vec<f32>,
    output: Vec<f32>,
    /// Output samples still to be dropped: the delay.
    skip: usize,
    from_hz: u64,
    to_hz: u64,
    taken: u64,
    given: u64,
}

impl Resampler {
    pub fn new(from_hz: u32, to_hz: u32) -> Result<Self, Unserved> {
        let fft = if from_hz == to_hz { None } else { Some(transform(from_hz, to_hz)?) };
        let skip = fft.as_ref().map_or(0, |f| f.output_delay());
        Ok(Resampler {
            output: vec![0.0; fft.as_ref().map_or(0, |f| f.output_frames_max())],
            input: Vec::new(),
            fft,
            skip,
            from_hz: u64::from(from_hz),
            to_hz: u64::from(to_hz),
            taken: 0,
            given: 0,
        })
    }

    /// Takes the next samples and appends what is ready to `out`.
    pub fn push(&mut self, samples: &[f32], out: &mut Vec<f32>) -> Result<(), Unserved> {
        self.taken += samples.len() as u64;
        if self.fft.is_none() {
            out.extend_from_slice(samples);
            return Ok(());
        }
        self.input.extend_from_slice(samples);
        self.run(out)
    }

    /// Ends the stream: `ceil(input * to / from)` samples have then been given.
    pub fn finish(&mut self, out: &mut Vec<f32>) -> Result<(), Unserved> {
        let Some(block) = self.fft.as_ref().map(|fft| fft.input_frames_next()) else { return Ok(()) };
        let total = (self.taken * self.to_hz).div_ceil(self.from_hz);
        while self.given < total {
            let whole = self.input.len().next_multiple_of(block).max(block);
            self.input.resize(whole, 0.0);
            self.run(out)?;
        }
        let excess = (self.given - total) as usize;
        out.truncate(out.len().saturating_sub(excess));
        Ok(())
    }

    fn run(&mut self, out: &mut Vec<f32>) -> Result<(), Unserved> {
        let Some(fft) = self.fft.as_mut() else { return Ok(()) };
        let mut used = 0;
        loop {
            let need = fft.input_frames_next();
            let Some(input) = self.input.get(used..used + need) else { break };
            let room = self.output.len();
            let input = InterleavedSlice::new(input, 1, need).map_err(Unserved::of)?;
            let mut output = InterleavedSlice::new_mut(&mut self.output, 1, room).map_err(Unserved::of)?;
            let (taken, given) = fft.process_into_buffer(&input, &mut output, None).map_err(Unserved::of)?;
            used += taken;
            let drop = self.skip.min(given);
            self.skip -= drop;
            self.given += (given - drop) as u64;
            out.extend_from_slice(self.output.get(drop..given).unwrap_or(&[]));
        }
        self.input.drain(..used);
        Ok(())
    }
}

fn transform(from_hz: u32, to_hz: u32) -> Result<Fft<f32>, Unserved> {
    let (from, to) = (from_hz as usize, to_hz as usize);
    let block = (BLOCK * from).div_ceil(from.min(to).max(1));
    Fft::new_custom(from, to, block, 1, 1, WindowFunction::BlackmanHarris2, FixedSync::Input).map_err(Unserved::of)
}

/// Why a rate could not be served: the resampler refuses only sizes that this module computed of it.
#[derive(Debug)]
pub(crate) struct Unserved(String);

impl Unserved {
    fn of(reason: impl std::fmt::Display) -> Self {
        Unserved(reason.to_string())
    }

    /// As what is wrong with the file that has the rate.
    pub fn at(self, path: &Path) -> Error {
        let found = format!("a sampling rate that cannot be converted ({})", self.0);
        let expected = "a sampling rate of 4000 to 192000 Hz".into();
        ErrorKind::Unsupported { path: path.into(), found, expected }.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::TAU;

    const RATES: [u32; 9] = [4000, 8000, 11_025, 22_050, 32_000, 44_100, 48_000, 96_000, 192_000];

    fn tone(rate: u32, hz: f64, seconds: f64) -> Vec<f32> {
        let n = (f64::from(rate) * seconds) as usize;
        (0..n).map(|i| (0.5 * (TAU * hz * i as f64 / f64::from(rate)).sin()) as f32).collect()
    }

    fn resample(samples: &[f32], rate: u32, block: usize) -> Vec<f32> {
        let mut out = Vec::new();
        let mut resampler = Resampler::new(rate, 16_000).unwrap();
        for chunk in samples.chunks(block) {
            resampler.push(chunk, &mut out).unwrap();
        }
        resampler.finish(&mut out).unwrap();
        out
    }

    /// Amplitude (dB against the tone's) at `hz`, and of everything else, over the middle of the signal.
    fn at_and_beside(out: &[f32], hz: f64) -> (f64, f64) {
        let middle = &out[out.len() / 4..out.len() * 3 / 4];
        let (mut s, mut c) = (0.0, 0.0);
        let angle = |i: usize| TAU * hz * i as f64 / 16_000.0;
        for (i, x) in middle.iter().enumerate() {
            s += f64::from(*x) * angle(i).sin();
            c += f64::from(*x) * angle(i).cos();
        }
        let n = middle.len() as f64;
        let (s, c) = (2.0 * s / n, 2.0 * c / n);
        let rest: f64 = middle
            .iter()
            .enumerate()
            .map(|(i, x)| (f64::from(*x) - s * angle(i).sin() - c * angle(i).cos()).powi(2))
            .sum::<f64>();
        let rms = (rest / n).sqrt() * std::f64::consts::SQRT_2;
        (20.0 * (s.hypot(c) / 0.5).log10(), 20.0 * (rms / 0.5).max(1e-12).log10())
    }

    #[test]
    fn the_pass_band_is_flat_and_clean() {
        for rate in RATES {
            let top = 7000.0f64.min(0.875 * f64::from(rate) / 2.0);
            for hz in [100.0, 1000.0, 0.5 * top, 0.9 * top, top] {
                // A whole number of periods lies in the measured half second.
                let hz = (hz / 2.0).round() * 2.0;
                let (gain, rest) = at_and_beside(&resample(&tone(rate, hz, 1.0), rate, 4096), hz);
                assert!(gain.abs() < 0.1, "{rate} Hz, tone {hz} Hz: gain {gain:.3} dB");
                assert!(rest < -80.0, "{rate} Hz, tone {hz} Hz: {rest:.1} dB beside it");
            }
        }
    }

    #[test]
    fn what_cannot_be_kept_does_not_alias() {
        for rate in RATES.into_iter().filter(|rate| *rate > 17_000) {
            let top = 0.499 * f64::from(rate);
            for hz in [8100.0, 9000.0, 0.5 * (8100.0 + top), top] {
                let out = resample(&tone(rate, hz.min(top), 1.0), rate, 4096);
                let middle = &out[out.len() / 4..out.len() * 3 / 4];
                let peak = middle.iter().fold(0.0f32, |p, x| p.max(x.abs()));
                assert!(20.0 * (peak / 0.5).max(1e-9).log10() < -80.0, "{rate} Hz, tone {hz} Hz: {peak:e}");
            }
        }
    }

    #[test]
    fn length_and_delay_are_exact_whatever_the_blocks() {
        for rate in [8000, 11_025, 44_100, 48_000] {
            for n in [1usize, 10, 999, 44_100] {
                let mut x = vec![0.0; n];
                x[n / 2] = 1.0;
                let whole = resample(&x, rate, n);
                assert_eq!(whole.len(), (n * 16_000).div_ceil(rate as usize));
                assert_eq!(whole, resample(&x, rate, 77));
                let loudest = (0..whole.len()).max_by(|a, b| whole[*a].abs().total_cmp(&whole[*b].abs())).unwrap();
                let expected = (n / 2) as f64 * 16_000.0 / f64::from(rate);
                assert!((loudest as f64 - expected).abs() <= 1.0, "{rate} {n}: {loudest} {expected}");
            }
        }
    }

    #[test]
    fn equal_rates_pass_through() {
        let x = tone(16_000, 440.0, 0.1);
        assert_eq!(resample(&x, 16_000, 100), x);
    }

    #[test]
    fn a_rate_that_cannot_be_served_is_told_of_its_file() {
        let error = Resampler::new(0, 16_000).err().unwrap().at(Path::new("odd.wav"));
        assert!(error.is_undecodable() && !error.is_setting(), "{error}");
        assert_eq!(error.path(), Some(Path::new("odd.wav")));
        assert!(error.to_string().contains("4000 to 192000 Hz"), "{error}");
    }
}
