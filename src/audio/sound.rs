//! What is measured of the sound itself, at the file's own rate: level, peak, offset, clipping, effective bandwidth.
//!
//! [`SoundMeter`] watches the one channel that is used, block by block, in constant memory. What depends on where
//! speech lies (net speech, signal-to-noise ratio) is measured by the speech detector in [`crate::feature`].

use super::warning::Warning;
use rustfft::num_complex::Complex32;
use rustfft::{Fft, FftPlanner};
use std::f64::consts::TAU;
use std::sync::Arc;

/// Samples this close to the clip's peak count as being at it: 0.05 %.
const AT_PEAK: f32 = 0.9995;
/// So many samples in a row at the peak are clipped.
const CLIPPED_RUN: u32 = 3;
/// A peak below this is too low to tell clipping from coarse quantisation: -20 dB of full scale.
const LOWEST_CLIPPED_PEAK: f32 = 0.1;
/// Width of the bands in which the effective bandwidth is looked for, Hz.
const BAND_HZ: f64 = 200.0;
/// Bands this far under the loudest hold no speech, dB.
const BANDWIDTH_DROP_DB: f64 = 60.0;
/// A fall of the spectrum by this much within 600 Hz is a cut, dB; speech itself falls by less. On 573 development
/// clips of wide-band speech and 60 that had gone through an 8 kHz mu-law channel it told all apart, but for one voice
/// that is narrow-band.
const CLIFF_DB: f64 = 25.0;
/// Lowest frequency at which a cut is looked for, Hz: below it voices have steep falls of their own.
const LOWEST_CUT_HZ: f64 = 2500.0;

/// Below this bandwidth a recording is narrow-band, Hz: telephone speech ends at 3.4 to 4 kHz, its filters' images a
/// little above.
pub const NARROW_BAND_HZ: f32 = 4800.0;

/// Figures of a clip's sound.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Sound {
    pub samples: u64,
    /// Root mean square without the offset, full scale ±1.
    pub rms: f64,
    pub peak: f32,
    pub dc_offset: f64,
    /// Share of samples in clipped runs, percent.
    pub clipping_percent: f32,
    /// Highest frequency with speech in it, Hz; none without sound.
    pub bandwidth_hz: Option<f32>,
}

/// Measures a clip that arrives in blocks.
pub(crate) struct SoundMeter {
    samples: u64,
    sum: f64,
    squares: f64,
    first: Option<f32>,
    constant: bool,
    clipping: ClipCounter,
    spectrum: LongTermSpectrum,
}

impl SoundMeter {
    pub fn new(sample_rate_hz: u32) -> Self {
        SoundMeter {
            samples: 0,
            sum: 0.0,
            squares: 0.0,
            first: None,
            constant: true,
            clipping: ClipCounter::default(),
            spectrum: LongTermSpectrum::new(sample_rate_hz),
        }
    }

    pub fn push(&mut self, samples: &[f32]) {
        let Some(first) = samples.first() else { return };
        let first = *self.first.get_or_insert(*first);
        self.samples += samples.len() as u64;
        self.constant = self.constant && samples.iter().all(|x| *x == first);
        for chunk in samples.chunks(1024) {
            let (mut sum, mut squares) = ([0.0f64; 8], [0.0f64; 8]);
            for (i, x) in chunk.iter().enumerate() {
                let x = f64::from(*x);
                sum[i % 8] += x;
                squares[i % 8] += x * x;
            }
            self.sum += sum.iter().sum::<f64>();
            self.squares += squares.iter().sum::<f64>();
            self.clipping.push(chunk);
        }
        self.spectrum.push(samples);
    }

    /// The figures and what the user should know of them.
    pub fn finish(mut self) -> (Sound, Vec<Warning>) {
        let n = self.samples.max(1) as f64;
        let mean = self.sum / n;
        let sound = Sound {
            samples: self.samples,
            rms: (self.squares / n - mean * mean).max(0.0).sqrt(),
            peak: self.clipping.peak(),
            dc_offset: mean,
            clipping_percent: if self.constant { 0.0 } else { (100.0 * self.clipping.total() as f64 / n) as f32 },
            bandwidth_hz: if self.constant { None } else { self.spectrum.bandwidth_hz() },
        };
        let mut warnings = Vec::new();
        match self.first {
            Some(0.0) if self.constant => warnings.push(Warning::DigitalSilence),
            Some(value) if self.constant => warnings.push(Warning::DcOnly { value }),
            _ => sound.remark(&mut warnings),
        }
        (sound, warnings)
    }
}

impl Sound {
    /// Above this share of clipped samples a warning is due, percent.
    const CLIPPING_WARNING_PERCENT: f32 = 0.1;
    fn remark(&self, warnings: &mut Vec<Warning>) {
        if self.clipping_percent >= Self::CLIPPING_WARNING_PERCENT {
            warnings.push(Warning::Clipping { percent: self.clipping_percent });
        }
        if self.dc_offset.abs() > 0.01 && self.dc_offset.abs() > 0.1 * self.rms {
            warnings.push(Warning::DcOffset { offset: self.dc_offset as f32 });
        }
        if let Some(bandwidth_hz) = self.bandwidth_hz.filter(|hz| *hz < NARROW_BAND_HZ) {
            warnings.push(Warning::NarrowBand { bandwidth_hz });
        }
    }
}

/// Counts samples that lie in runs at the clip's own highest and lowest value, so that clipping is seen after a change
/// of level or offset too.
#[derive(Debug, Default)]
struct ClipCounter {
    highest: Extreme,
    /// Of the samples turned upside down.
    lowest: Extreme,
}

impl ClipCounter {
    fn push(&mut self, chunk: &[f32]) {
        self.highest.push(chunk, 1.0);
        self.lowest.push(chunk, -1.0);
    }

    /// The largest magnitude.
    fn peak(&self) -> f32 {
        [self.highest.value, self.lowest.value].into_iter().flatten().fold(0.0, |peak, x| peak.max(x.abs()))
    }

    fn total(&self) -> u64 {
        let range = self.highest.value.unwrap_or(0.0) + self.lowest.value.unwrap_or(0.0);
        if range < 2.0 * LOWEST_CLIPPED_PEAK { 0 } else { self.highest.clipped + self.lowest.clipped }
    }
}

/// The largest of the values so far, and how many lie in runs at it.
#[derive(Debug, Default)]
struct Extreme {
    value: Option<f32>,
    run: u32,
    clipped: u64,
}

impl Extreme {
    fn push(&mut self, chunk: &[f32], sign: f32) {
        let least = |peak: f32| peak - (1.0 - AT_PEAK) * peak.abs();
        let largest = chunk.iter().fold(f32::NEG_INFINITY, |largest, x| largest.max(sign * x));
        if self.value.is_some_and(|peak| largest < least(peak)) {
            self.run = 0;
            return;
        }
        for x in chunk.iter().map(|x| sign * x) {
            let peak = self.value.unwrap_or(f32::NEG_INFINITY);
            if x > peak {
                if peak < least(x) {
                    (self.clipped, self.run) = (0, 0);
                }
                self.value = Some(x);
            }
            // Zeros are silence.
            if x >= least(peak.max(x)) && x != 0.0 {
                self.run += 1;
                match self.run {
                    CLIPPED_RUN => self.clipped += u64::from(CLIPPED_RUN),
                    run if run > CLIPPED_RUN => self.clipped += 1,
                    _ => {}
                }
            } else {
                self.run = 0;
            }
        }
    }
}

/// Mean power spectrum of a clip: Hann-weighted transforms of about 32 ms without their mean, side by side.
struct LongTermSpectrum {
    sample_rate_hz: f64,
    fft: Arc<dyn Fft<f32>>,
    window: Vec<f32>,
    pending: Vec<f32>,
    transform: Vec<Complex32>,
    scratch: Vec<Complex32>,
    power: Vec<f64>,
    blocks: u64,
}

impl LongTermSpectrum {
    fn new(sample_rate_hz: u32) -> Self {
        let length = (sample_rate_hz as usize * 32 / 1000).next_power_of_two();
        let fft = FftPlanner::new().plan_fft_forward(length);
        LongTermSpectrum {
            sample_rate_hz: f64::from(sample_rate_hz),
            window: (0..length).map(|n| (0.5 - 0.5 * (TAU * n as f64 / length as f64).cos()) as f32).collect(),
            pending: Vec::with_capacity(2 * length),
            transform: vec![Complex32::default(); length],
            scratch: vec![Complex32::default(); fft.get_inplace_scratch_len()],
            power: vec![0.0; length / 2 + 1],
            blocks: 0,
            fft,
        }
    }

    fn push(&mut self, mut samples: &[f32]) {
        let length = self.window.len();
        while self.pending.len() + samples.len() >= 2 * length {
            let (head, tail) = samples.split_at(2 * length - self.pending.len());
            self.pending.extend_from_slice(head);
            samples = tail;
            self.add();
        }
        self.pending.extend_from_slice(samples);
    }

    /// Adds two blocks, as the real and the imaginary part of one transform; their powers add up by symmetry.
    fn add(&mut self) {
        let (a, b) = self.pending.split_at(self.window.len());
        let (mean_a, mean_b) = (mean(a), mean(b));
        for (((z, a), b), w) in self.transform.iter_mut().zip(a).zip(b).zip(&self.window) {
            *z = Complex32::new((a - mean_a) * w, (b - mean_b) * w);
        }
        self.fft.process_with_scratch(&mut self.transform, &mut self.scratch);
        let mirrored = self.transform.iter().skip(1).rev();
        for ((p, x), y) in self.power.iter_mut().skip(1).zip(self.transform.iter().skip(1)).zip(mirrored) {
            *p += f64::from(x.norm_sqr() + y.norm_sqr());
        }
        self.pending.clear();
        self.blocks += 2;
    }

    fn bandwidth_hz(&mut self) -> Option<f32> {
        if !self.pending.is_empty() {
            let mean = mean(&self.pending);
            self.pending.resize(2 * self.window.len(), mean);
            self.add();
        }
        let bin_hz = self.sample_rate_hz / self.window.len() as f64;
        let bins = ((BAND_HZ / bin_hz).round() as usize).max(1);
        let bands: Vec<f64> =
            self.power.get(1..)?.chunks(bins).map(|b| b.iter().sum::<f64>() / b.len() as f64).collect();
        let last = last_band(&bands, bins as f64 * bin_hz)?;
        Some((((last + 1) * bins) as f64 * bin_hz).min(self.sample_rate_hz / 2.0) as f32)
    }
}

fn mean(samples: &[f32]) -> f32 {
    (samples.iter().map(|x| f64::from(*x)).sum::<f64>() / samples.len().max(1) as f64) as f32
}

/// Index of the highest band with speech in it; `width` is that of a band, Hz.
///
/// Everything quieter than [`BANDWIDTH_DROP_DB`] under the loudest band is left out. A telephone's or a codec's cut
/// often leaves more than that above it (images of a soft filter, quantisation noise), so a cliff is looked for too:
/// the first place from [`LOWEST_CUT_HZ`] on where three bands stand at least [`CLIFF_DB`] above all that lies three
/// bands further up.
fn last_band(bands: &[f64], width: f64) -> Option<usize> {
    let loudest = bands.iter().copied().fold(0.0, f64::max);
    let limit = loudest * 10f64.powf(-BANDWIDTH_DROP_DB / 10.0);
    let last = bands.iter().rposition(|power| *power > limit && *power > 0.0)?;
    let fall = 10f64.powf(-CLIFF_DB / 10.0);
    let lowest = ((LOWEST_CUT_HZ / width) as usize).max(3);
    let cut = (lowest..bands.len().saturating_sub(4)).find_map(|i| {
        let below = bands.get(i - 3..i)?.iter().sum::<f64>() / 3.0;
        let above = bands.get(i + 3..)?.iter().copied().fold(0.0, f64::max);
        if above > below * fall {
            return None;
        }
        // The cut lies where the level has fallen all the way.
        bands.get(i..)?.iter().position(|power| *power <= below * fall).map(|k| (i + k).saturating_sub(1))
    });
    Some(cut.map_or(last, |cut| cut.min(last)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// White noise between 0 Hz and `top` at 16 kHz, over noise 40 dB lower: a cut that does not reach silence.
    fn cut_noise(top: f64) -> Vec<f32> {
        let mut seed = 3u64;
        let mut uniform = move || {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (seed >> 40) as f64 / 8_388_608.0 - 1.0
        };
        let taps: Vec<f64> = (-200i32..=200)
            .map(|n| {
                let x = f64::from(n) * TAU * top / 16_000.0;
                let sinc = if n == 0 { 1.0 } else { x.sin() / x };
                sinc * 2.0 * top / 16_000.0 * (0.5 + 0.5 * (TAU * f64::from(n) / 402.0).cos())
            })
            .collect();
        let white: Vec<f64> = (0..32_000 + taps.len()).map(|_| uniform()).collect();
        let filtered = |i: usize| white[i..].iter().zip(&taps).map(|(x, t)| x * t).sum::<f64>();
        (0..32_000).map(|i| (0.3 * filtered(i) + 0.003 * uniform()) as f32).collect()
    }

    fn measure(samples: &[f32], blocks: usize) -> (Sound, Vec<Warning>) {
        let mut meter = SoundMeter::new(16_000);
        samples.chunks(blocks).for_each(|block| meter.push(block));
        meter.finish()
    }

    #[test]
    fn a_cut_is_found_though_noise_lies_above_it() {
        for top in [3400.0, 4000.0, 5500.0, 7000.0] {
            let (sound, warnings) = measure(&cut_noise(top), 1000);
            let found = f64::from(sound.bandwidth_hz.unwrap());
            assert!((found - top).abs() < 500.0, "{found} {top}");
            assert_eq!(warnings.iter().any(|w| matches!(w, Warning::NarrowBand { .. })), top < 4500.0);
        }
    }

    #[test]
    fn figures_do_not_depend_on_blocks_and_clipping_is_seen_below_full_scale() {
        let sine = |gain: f64, limit: f64| -> Vec<f32> {
            (0..16_000).map(|i| (gain * (f64::from(i) * 0.05).sin()).clamp(-limit, limit) as f32).collect()
        };
        let clipped = sine(1.0, 0.5);
        let (sound, warnings) = measure(&clipped, 16_000);
        let (other, _) = measure(&clipped, 333);
        assert_eq!((sound.peak, sound.clipping_percent), (other.peak, other.clipping_percent));
        assert!((sound.rms - other.rms).abs() < 1e-12 && sound.bandwidth_hz == other.bandwidth_hz);
        // Two thirds of the time a sine lies beyond half its height.
        assert!((sound.clipping_percent - 66.7).abs() < 1.0, "{}", sound.clipping_percent);
        assert!(warnings.iter().any(|w| matches!(w, Warning::Clipping { .. })));
        for offset in [0.1, -0.3] {
            let moved: Vec<f32> = clipped.iter().map(|x| x + offset).collect();
            let (moved, _) = measure(&moved, 1000);
            assert!((moved.clipping_percent - sound.clipping_percent).abs() < 0.1, "{}", moved.clipping_percent);
            assert!((moved.rms - sound.rms).abs() < 1e-6 && moved.bandwidth_hz == sound.bandwidth_hz);
        }
        let (sound, _) = measure(&sine(0.5, 1.0), 1000);
        assert!(sound.clipping_percent < 3.0 && (sound.rms - 0.5 * 0.5f64.sqrt()).abs() < 1e-3);
    }

    #[test]
    fn silence_and_an_offset_are_named() {
        assert_eq!(measure(&[0.0; 5000], 512).1, [Warning::DigitalSilence]);
        assert_eq!(measure(&[0.25; 5000], 512).1, [Warning::DcOnly { value: 0.25 }]);
        assert_eq!(measure(&[], 512).0.bandwidth_hz, None);
    }
}
