//! Mel filter banks: triangles on a perceptual frequency scale, stored as sparse rows.

use crate::error::{ErrorKind, Result};
use schemars::JsonSchema;
use serde::Serialize;

/// A frequency scale close to the ear's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MelScale {
    /// `2595 log10(1 + f / 700)`, which is `1127 ln(1 + f / 700)` to four digits (HTK, Kaldi, torchaudio).
    Htk,
    /// Linear below 1 kHz (200/3 Hz a mel), logarithmic above (27 mels for a factor of 6.4); Slaney's Auditory
    /// Toolbox, librosa's default.
    Slaney,
}

impl MelScale {
    /// Hertz to mel.
    pub fn mel(self, hz: f64) -> f64 {
        match self {
            MelScale::Htk => 2595.0 * (1.0 + hz / 700.0).log10(),
            MelScale::Slaney if hz < 1000.0 => hz * 3.0 / 200.0,
            MelScale::Slaney => 15.0 + (hz / 1000.0).ln() * 27.0 / 6.4f64.ln(),
        }
    }

    /// Mel to hertz.
    pub fn hz(self, mel: f64) -> f64 {
        match self {
            MelScale::Htk => 700.0 * (10f64.powf(mel / 2595.0) - 1.0),
            MelScale::Slaney if mel < 15.0 => mel * 200.0 / 3.0,
            MelScale::Slaney => 1000.0 * ((mel - 15.0) * 6.4f64.ln() / 27.0).exp(),
        }
    }
}

/// The shape of the filters between their corner frequencies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MelShape {
    /// Straight flanks over the mel scale, Nyquist bin left out (Kaldi).
    LinearInMel,
    /// Straight flanks over hertz (librosa, torchaudio).
    LinearInHz,
    /// Straight flanks over hertz, each filter scaled to an area of one: `2 / width in Hz` (librosa's `slaney` norm).
    LinearInHzUnitArea,
    /// Corners rounded down to transform bins, `floor((F + 1) f / rate)` (python_speech_features).
    WholeBins,
}

/// A mel filter bank.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct MelSettings {
    /// Number of filters.
    pub bands: usize,
    /// Lower corner of the first filter, Hz.
    pub low_hz: f32,
    /// Upper corner of the last filter, Hz.
    pub high_hz: f32,
    /// Frequency scale on which the filters are equally wide.
    pub scale: MelScale,
    /// Shape of the filters.
    pub shape: MelShape,
}

/// The non-zero part of one filter.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct MelRow {
    /// Transform bin of the first weight.
    pub first: usize,
    pub weights: Vec<f32>,
}

impl MelRow {
    /// The filter's share of a power spectrum, at least the smallest normal number.
    pub fn of(&self, power: &[f64]) -> f32 {
        let powers = power.get(self.first..).unwrap_or(&[]);
        let sum: f64 = self.weights.iter().zip(powers).map(|(w, p)| f64::from(*w) * p).sum();
        (sum as f32).max(f32::MIN_POSITIVE)
    }
}

impl MelSettings {
    pub(crate) fn check(&self, sample_rate_hz: u32) -> Result<()> {
        if !(1..=512).contains(&self.bands) {
            let (found, expected) = (self.bands.to_string(), "1 to 512".into());
            return Err(ErrorKind::Setting { name: "bands", found, expected }.into());
        }
        if !(self.low_hz >= 0.0 && self.low_hz < self.high_hz && self.high_hz * 2.0 <= sample_rate_hz as f32) {
            let found = format!("{} to {} Hz", self.low_hz, self.high_hz);
            let expected = format!("0 <= low < high <= {} Hz", sample_rate_hz / 2);
            return Err(ErrorKind::Setting { name: "low_hz, high_hz", found, expected }.into());
        }
        Ok(())
    }

    /// Number of filters whose upper corner lies at `hz` or below it.
    pub fn bands_below(&self, hz: f64) -> usize {
        let (low, high) = (self.scale.mel(f64::from(self.low_hz)), self.scale.mel(f64::from(self.high_hz)));
        let corners = (self.scale.mel(hz) - low) / (high - low) * (self.bands + 1) as f64;
        // Filter `j` ends at corner `j + 2`; rounding must not lose the one that ends right here.
        ((corners + 1e-9).max(0.0) as usize).saturating_sub(1).min(self.bands)
    }

    /// The filters over the `fft_length / 2 + 1` bins of a power spectrum. A filter narrower than a bin may be empty.
    pub(crate) fn rows(&self, fft_length: usize, sample_rate_hz: u32) -> Vec<MelRow> {
        let bins = fft_length / 2 + 1;
        let width = f64::from(sample_rate_hz) / fft_length as f64;
        let (low, high) = (self.scale.mel(f64::from(self.low_hz)), self.scale.mel(f64::from(self.high_hz)));
        let corner = |i: usize| low + (high - low) * i as f64 / (self.bands + 1) as f64;
        (0..self.bands)
            .map(|j| {
                let mels = [corner(j), corner(j + 1), corner(j + 2)];
                let hz = mels.map(|m| self.scale.hz(m));
                let weight = |bin: usize| {
                    let f = bin as f64 * width;
                    match self.shape {
                        MelShape::LinearInMel if bin + 1 == bins => 0.0,
                        MelShape::LinearInMel => triangle(self.scale.mel(f), mels),
                        MelShape::LinearInHz => triangle(f, hz),
                        MelShape::LinearInHzUnitArea => triangle(f, hz) * 2.0 / (hz[2] - hz[0]),
                        MelShape::WholeBins => {
                            let edge = |f: f64| ((fft_length + 1) as f64 * f / f64::from(sample_rate_hz)).floor();
                            whole_bins(bin as f64, hz.map(edge))
                        }
                    }
                };
                sparse((0..bins).map(|bin| weight(bin) as f32))
            })
            .collect()
    }
}

/// Height at `x` of the triangle with corners at `left`, `centre`, `right`.
fn triangle(x: f64, [left, centre, right]: [f64; 3]) -> f64 {
    ((x - left) / (centre - left)).min((right - x) / (right - centre)).max(0.0)
}

/// python_speech_features: rising over `left..centre`, falling over `centre..right`, corners being whole bins.
fn whole_bins(bin: f64, [left, centre, right]: [f64; 3]) -> f64 {
    if left <= bin && bin < centre {
        (bin - left) / (centre - left)
    } else if centre <= bin && bin < right {
        (right - bin) / (right - centre)
    } else {
        0.0
    }
}

fn sparse(weights: impl Iterator<Item = f32>) -> MelRow {
    let weights: Vec<f32> = weights.collect();
    let first = weights.iter().position(|w| *w > 0.0).unwrap_or(0);
    let end = weights.iter().rposition(|w| *w > 0.0).map_or(first, |last| last + 1);
    MelRow { first, weights: weights[first..end].to_vec() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scales_are_inverse_to_each_other_and_have_their_known_points() {
        for scale in [MelScale::Htk, MelScale::Slaney] {
            for hz in [0.0, 20.0, 440.0, 999.0, 1000.0, 4000.0, 8000.0] {
                assert!((scale.hz(scale.mel(hz)) - hz).abs() < 1e-9);
            }
        }
        assert!((MelScale::Htk.mel(1000.0) - 999.985_537_1).abs() < 1e-6);
        assert_eq!(MelScale::Slaney.mel(1000.0), 15.0);
        assert!((MelScale::Slaney.mel(6400.0) - 42.0).abs() < 1e-12);
    }

    #[test]
    fn filters_below_a_frequency_end_there() {
        let (low_hz, high_hz, scale, shape) = (20.0, 8000.0, MelScale::Htk, MelShape::LinearInMel);
        let settings = MelSettings { bands: 80, low_hz, high_hz, scale, shape };
        assert_eq!((settings.bands_below(8000.0), settings.bands_below(20.0), settings.bands_below(0.0)), (80, 0, 0));
        let rows = settings.rows(65_536, 16_000);
        for top in [1000.0, 3400.0, 4000.0] {
            let bin = (top / 16_000.0 * 65_536.0) as usize;
            let below = rows.iter().filter(|row| row.first + row.weights.len() <= bin + 1).count();
            assert_eq!(settings.bands_below(top), below, "{top}");
        }
    }

    #[test]
    fn unit_area_filters_have_unit_area() {
        let settings = MelSettings {
            bands: 20,
            low_hz: 0.0,
            high_hz: 8000.0,
            scale: MelScale::Slaney,
            shape: MelShape::LinearInHzUnitArea,
        };
        for row in settings.rows(65_536, 16_000) {
            let area: f32 = row.weights.iter().sum::<f32>() * 16_000.0 / 65_536.0;
            assert!((area - 1.0).abs() < 1e-4, "{area}");
        }
    }
}
