//! Long-term average spectrum and spectral tilt of the speech in a clip.

use crate::audio::SAMPLE_RATE_HZ;
use rustfft::num_complex::Complex64;
use rustfft::{Fft, FftPlanner};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::f64::consts::TAU;
use std::sync::Arc;

const RATE: f64 = SAMPLE_RATE_HZ as f64;
/// Hann window of 64 ms, each half a window on from the last.
const WINDOW: usize = 1024;
const BIN_HZ: f64 = RATE / WINDOW as f64;
/// Third-octave bands from 100 Hz to 8 kHz, as numbers of tenths of a decade from 1 kHz.
const BANDS: std::ops::RangeInclusive<i32> = -10..=9;
/// No lower level is told, dB.
const FLOOR_DB: f64 = -120.0;
/// The two bands of the alpha ratio part here, and it ends there, Hz.
const ALPHA_HZ: (f64, f64) = (1000.0, 5000.0);

/// A third-octave band of the long-term average spectrum.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LtasBand {
    /// Nominal middle of the band, Hz: `1000 * 10^(k / 10)`, the base-ten series of IEC 61260.
    pub centre_hz: f64,
    /// Power in the band against that of all speech up to 8 kHz, dB, at least -120. The last band ends at 8 kHz.
    pub level_db: f64,
}

/// Mean power of speech by frequency.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct LongTermSpectrum {
    power: Vec<f64>,
}

/// What does not depend on the clip.
pub(super) struct SpectrumPlan {
    forward: Arc<dyn Fft<f64>>,
    window: Vec<f64>,
}

impl SpectrumPlan {
    pub fn new() -> Self {
        let weight = |i: usize| 0.5 - 0.5 * (TAU * i as f64 / WINDOW as f64).cos();
        SpectrumPlan { forward: FftPlanner::new().plan_fft_forward(WINDOW), window: (0..WINDOW).map(weight).collect() }
    }

    /// Over the windows whose middle lies in speech; none without sound there.
    pub fn of(&self, samples: &[f32], is_speech: impl Fn(f64) -> bool) -> Option<LongTermSpectrum> {
        let mut transform = vec![Complex64::default(); WINDOW];
        let mut scratch = vec![Complex64::default(); self.forward.get_inplace_scratch_len()];
        let mut power = vec![0.0; WINDOW / 2 + 1];
        for start in (0..(samples.len() + 1).saturating_sub(WINDOW)).step_by(WINDOW / 2) {
            if !is_speech((start + WINDOW / 2) as f64 / RATE) {
                continue;
            }
            let part = samples.get(start..start + WINDOW)?;
            let mean = part.iter().map(|x| f64::from(*x)).sum::<f64>() / WINDOW as f64;
            for ((z, x), w) in transform.iter_mut().zip(part).zip(&self.window) {
                *z = Complex64::new((f64::from(*x) - mean) * w, 0.0);
            }
            self.forward.process_with_scratch(&mut transform, &mut scratch);
            power.iter_mut().zip(&transform).for_each(|(p, z)| *p += z.norm_sqr());
        }
        (power.iter().sum::<f64>() > 0.0).then_some(LongTermSpectrum { power })
    }
}

impl LongTermSpectrum {
    /// Power between two frequencies; a bin that a limit cuts counts in part.
    fn between(&self, low_hz: f64, high_hz: f64) -> f64 {
        let share = |i: usize| {
            let (from, to) = ((i as f64 - 0.5) * BIN_HZ, (i as f64 + 0.5) * BIN_HZ);
            ((to.min(high_hz) - from.max(low_hz)) / BIN_HZ).max(0.0)
        };
        self.power.iter().enumerate().map(|(i, power)| power * share(i)).sum()
    }

    /// Level of each third-octave band.
    pub fn bands(&self) -> Vec<LtasBand> {
        let all: f64 = self.between(0.0, 0.5 * RATE);
        let band = |k: i32| {
            let centre_hz = 1000.0 * 10f64.powf(f64::from(k) / 10.0);
            let half = 10f64.powf(0.05);
            let power = self.between(centre_hz / half, (centre_hz * half).min(0.5 * RATE));
            LtasBand { centre_hz, level_db: level(power / all) }
        };
        BANDS.map(band).collect()
    }

    /// `10 log10` of the power from 1 to 5 kHz over that from 0 to 1 kHz, dB; none where one of the two is nothing.
    pub fn alpha_ratio_db(&self) -> Option<f64> {
        let (low, high) = (self.between(0.0, ALPHA_HZ.0), self.between(ALPHA_HZ.0, ALPHA_HZ.1));
        (low > 0.0 && high > 0.0).then(|| 10.0 * (high / low).log10())
    }
}

fn level(share: f64) -> f64 {
    if share > 0.0 { (10.0 * share.log10()).max(FLOOR_DB) } else { FLOOR_DB }
}

/// The mean spectrum of several, as powers, each with a weight; empty where there is none.
pub(super) fn pooled(spectra: &[(&[LtasBand], f64)]) -> Vec<LtasBand> {
    let used: Vec<_> = spectra.iter().filter(|(bands, weight)| !bands.is_empty() && *weight > 0.0).collect();
    let all: f64 = used.iter().map(|(_, weight)| weight).sum();
    let Some((first, _)) = used.first() else { return Vec::new() };
    let mean = |i: usize| {
        let power = |bands: &[LtasBand]| bands.get(i).map_or(0.0, |band| 10f64.powf(band.level_db / 10.0));
        used.iter().map(|(bands, weight)| power(bands) * weight).sum::<f64>() / all
    };
    let band = |(i, band): (usize, &LtasBand)| LtasBand { centre_hz: band.centre_hz, level_db: level(mean(i)) };
    first.iter().enumerate().map(band).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_tones_have_their_bands_and_their_ratio() {
        let tone = |hz: f64, i: usize| (TAU * hz * i as f64 / RATE).sin();
        let samples: Vec<f32> = (0..32_000).map(|i| (0.5 * tone(500.0, i) + 0.05 * tone(2000.0, i)) as f32).collect();
        let spectrum = SpectrumPlan::new().of(&samples, |_| true).unwrap();
        assert!((spectrum.alpha_ratio_db().unwrap() + 20.0).abs() < 0.01, "{:?}", spectrum.alpha_ratio_db());
        let bands = spectrum.bands();
        let level = |hz: f64| bands.iter().find(|b| (b.centre_hz / hz - 1.0).abs() < 0.02).unwrap().level_db;
        assert!(level(500.0).abs() < 0.1 && (level(2000.0) + 20.0).abs() < 0.1 && level(5000.0) < -60.0, "{bands:?}");
        assert_eq!(bands.len(), 20);
        assert!(SpectrumPlan::new().of(&samples, |_| false).is_none());
        assert!(
            SpectrumPlan::new()
                .of(&[0.25; 16_000], |_| true)
                .is_none_or(|s| s.alpha_ratio_db().is_none_or(f64::is_finite))
        );
        assert!(SpectrumPlan::new().of(&samples[..1000], |_| true).is_none());
        assert_eq!(pooled(&[(&bands, 2.0), (&[], 1.0)]).len(), 20);
    }
}
