//! The chain that every feature shares: frames, power spectrum, mel filters, logarithm.
//!
//! [`FilterBank`] is the immutable plan; [`FilterBankScratch`] belongs to one thread. Frames travel side by side in
//! batches of [`LANES`], so each loop below runs over frames and keeps its order of additions for any vector width.

use super::frame::{FrameRun, FrameSettings};
use super::math::{LANES, Lanes, ln};
use super::mel::{MelRow, MelSettings};
use super::spectrum::{PowerSpectrum, SpectrumScratch};
use crate::error::{ErrorKind, Result};
use schemars::JsonSchema;
use serde::Serialize;

/// How filter-bank energies become logarithms.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Log {
    /// `ln(max(x, floor))`.
    Natural {
        /// Smallest energy told apart from zero.
        floor: f32,
    },
    /// `ln(max(x, r))`, `r` being the power that dithered rounding to whole steps leaves in the filter at hand: what
    /// such samples cannot hold counts as nothing. The noise is white, of variance `step^2 / 4`: `step^2 / 12` of the
    /// rounding itself, `step^2 / 6` of triangular dither of one step to either side (S. Lipshitz, R. Wannamaker and
    /// J. Vanderkooy, "Quantization and dither: a theoretical survey", 1992). Through the window `w`, the pre-emphasis
    /// `a` of each frame, a transform of `F` points and the weights `W` of a filter it becomes
    /// `r = step^2 / 4 * sum_n w[n]^2 * sum_k W[k] |1 - a exp(-2 pi i k / F)|^2`.
    NaturalOverRounding {
        /// The step, full scale of the samples being 1: `2^-15` for 16 bits.
        step: f32,
    },
    /// `ln(x)`, an energy of exactly zero being replaced by `zero` (python_speech_features).
    NaturalUnlessZero {
        /// What stands in for zero.
        zero: f32,
    },
    /// `10 log10(max(x, floor))`, and nothing lower than `range_db` under the clip's loudest value (librosa,
    /// torchaudio). The loudest value must be known first, so a clip is passed over twice.
    Decibel {
        /// Smallest energy told apart from zero.
        floor: f32,
        /// Dynamic range below the clip's maximum, dB.
        range_db: f32,
    },
    /// None: the filters' power itself (GE2E networks).
    Off,
}

/// Settings of the log mel filter bank.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct FilterBankSettings {
    /// How the signal is cut into frames.
    pub frame: FrameSettings,
    /// The filters.
    pub mel: MelSettings,
    /// Whether the power spectrum is divided by the transform length.
    pub power_per_bin: bool,
    /// The logarithm.
    pub log: Log,
}

impl FilterBankSettings {
    fn check(&self) -> Result<()> {
        self.frame.check()?;
        self.mel.check(self.frame.sample_rate_hz)?;
        let floor = match self.log {
            Log::Natural { floor } | Log::Decibel { floor, .. } => floor,
            Log::NaturalUnlessZero { zero } => zero,
            Log::NaturalOverRounding { step } => step,
            Log::Off => return Ok(()),
        };
        if !(floor.is_normal() && floor > 0.0) {
            let (found, expected) = (floor.to_string(), "a positive number".into());
            return Err(ErrorKind::Setting { name: "floor", found, expected }.into());
        }
        Ok(())
    }
}

/// The plan of a log mel filter bank.
pub(crate) struct FilterBank {
    pub settings: FilterBankSettings,
    spectrum: PowerSpectrum,
    rows: Vec<MelRow>,
    power_scale: f32,
    /// The lowest energy of each filter; used by [`Log::NaturalOverRounding`].
    floors: Vec<f32>,
}

/// What one thread needs to run a filter bank.
pub(crate) struct FilterBankScratch {
    spectrum: SpectrumScratch,
    /// `(bands, LANES)`: log energies of a batch.
    pub log_mel: Vec<Lanes>,
    /// Natural logarithm of the energy of each frame (see [`FilterBank::batch`]).
    pub log_energy: Lanes,
}

/// What a run over a clip knows of its loudest filter energy, for [`Log::Decibel`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Peak {
    /// The clip is being measured; logarithms are not limited.
    Unknown,
    /// The largest filter energy of the clip, dB.
    Known(f32),
}

/// Which energy of a frame is wanted besides the filter bank.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EnergyOf {
    /// Of its samples, before emphasis and window.
    Samples,
    /// Of its power spectrum.
    Spectrum,
}

impl FilterBank {
    pub fn new(settings: &FilterBankSettings) -> Result<Self> {
        settings.check()?;
        let frame = &settings.frame;
        let power_scale = if settings.power_per_bin { 1.0 / frame.fft_length as f32 } else { 1.0 };
        let mut rows = settings.mel.rows(frame.fft_length, frame.sample_rate_hz);
        rows.iter_mut().flat_map(|row| &mut row.weights).for_each(|w| *w *= power_scale);
        let spectrum = PowerSpectrum::new(frame);
        let floors = match settings.log {
            Log::NaturalOverRounding { step } => {
                let variance = (f64::from(step) * f64::from(frame.sample_scale)).powi(2) / 4.0;
                let noise = spectrum.of_white_noise(variance);
                rows.iter().map(|row| row.of(&noise)).collect()
            }
            _ => Vec::new(),
        };
        Ok(FilterBank { spectrum, rows, power_scale, floors, settings: settings.clone() })
    }

    pub fn bands(&self) -> usize {
        self.rows.len()
    }

    pub fn scratch(&self) -> FilterBankScratch {
        FilterBankScratch {
            spectrum: self.spectrum.scratch(),
            log_mel: vec![[0.0; LANES]; self.bands()],
            log_energy: [0.0; LANES],
        }
    }

    /// Log energies of a run of at most [`LANES`] frames, into the scratch.
    #[inline(always)]
    pub fn batch(&self, run: &FrameRun<'_>, energy: EnergyOf, peak: Peak, scratch: &mut FilterBankScratch) {
        let spectrum = &mut scratch.spectrum;
        self.spectrum.batch(run.samples, self.settings.frame.shift(), run.count.min(LANES), spectrum);
        for (row, out) in self.rows.iter().zip(&mut scratch.log_mel) {
            let mut sum = [0.0; LANES];
            let powers = spectrum.power.get(row.first..).unwrap_or(&[]);
            for (weight, power) in row.weights.iter().zip(powers) {
                for (s, p) in sum.iter_mut().zip(power) {
                    *s += weight * p;
                }
            }
            *out = sum;
        }
        if energy == EnergyOf::Spectrum {
            spectrum.energy = [0.0; LANES];
            for power in &spectrum.power {
                for (e, p) in spectrum.energy.iter_mut().zip(power) {
                    *e += p * self.power_scale;
                }
            }
        }
        for (out, e) in scratch.log_energy.iter_mut().zip(&spectrum.energy) {
            *out = self.log_energy(*e);
        }
        self.logarithms(peak, &mut scratch.log_mel);
    }

    #[inline(always)]
    fn log_energy(&self, energy: f32) -> f32 {
        ln(match self.settings.log {
            Log::Natural { floor } | Log::Decibel { floor, .. } => bounded(energy, floor),
            Log::NaturalOverRounding { .. } => bounded(energy, f32::MIN_POSITIVE),
            Log::NaturalUnlessZero { zero } => bounded(if energy == 0.0 { zero } else { energy }, f32::MIN_POSITIVE),
            Log::Off => return bounded(energy, 0.0),
        })
    }

    #[inline(always)]
    fn logarithms(&self, peak: Peak, log_mel: &mut [Lanes]) {
        let each = |log_mel: &mut [Lanes], f: &dyn Fn(f32) -> f32| {
            log_mel.iter_mut().flatten().for_each(|x| *x = f(*x));
        };
        match self.settings.log {
            Log::Natural { floor } => {
                for lanes in log_mel {
                    for x in lanes {
                        *x = ln(bounded(*x, floor));
                    }
                }
            }
            Log::NaturalOverRounding { .. } => {
                for (lanes, floor) in log_mel.iter_mut().zip(&self.floors) {
                    for x in lanes {
                        *x = ln(bounded(*x, *floor));
                    }
                }
            }
            Log::NaturalUnlessZero { zero } => {
                each(log_mel, &|x| ln(bounded(if x == 0.0 { zero } else { x }, f32::MIN_POSITIVE)));
            }
            Log::Decibel { floor, range_db } => {
                let lowest = match peak {
                    Peak::Unknown => f32::MIN,
                    Peak::Known(peak) => peak - range_db,
                };
                each(log_mel, &|x| (10.0 * std::f32::consts::LOG10_E * ln(bounded(x, floor))).max(lowest));
            }
            Log::Off => each(log_mel, &|x| bounded(x, 0.0)),
        }
    }
}

/// `x` where it lies between `floor` and the largest number; energies that overflowed count as the largest.
#[inline(always)]
fn bounded(x: f32, floor: f32) -> f32 {
    if x > floor { x.min(f32::MAX) } else { floor }
}

#[cfg(test)]
mod tests {
    use super::super::mfcc::FeatureSettings;
    use super::super::preset::kaldi_fbank80;
    use super::*;

    #[test]
    fn the_floor_is_the_power_of_dithered_rounding() {
        const STEP: f32 = 1.0 / 32_768.0;
        let with = |log| {
            let mut settings: FeatureSettings = kaldi_fbank80();
            settings.filter_bank.log = log;
            settings.plan().unwrap()
        };
        let floor = with(Log::NaturalOverRounding { step: STEP }).extract(&[0.0; 400]);
        let mut seed = 5u64;
        let mut uniform = || {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (seed >> 40) as f32 / 16_777_216.0 - 0.5
        };
        // A level between two steps, dithered and rounded.
        let noise: Vec<f32> = (0..160_000).map(|_| (0.3 + uniform() + uniform()).round() * STEP).collect();
        let power = with(Log::Off).extract(&noise);
        // The lowest filters hold what the emphasis leaves of the edges of the window.
        for (band, column) in power.columns().into_iter().enumerate().skip(5) {
            let ratio = column.mean().unwrap() / floor[[0, band]].exp();
            assert!((ratio - 1.0).abs() < 0.15, "band {band}: {ratio}");
        }
        let wrong = FilterBankSettings { log: Log::NaturalOverRounding { step: 0.0 }, ..kaldi_fbank80().filter_bank };
        assert!(FilterBank::new(&wrong).is_err());
    }
}
