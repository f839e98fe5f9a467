//! A fusion in single precision, for many references at once. What it picks is scored anew by the fusion itself.

use super::fusion::{Fusion, noisiness, reliance};
use crate::encoder::Encoder;

/// A fusion's sum for one candidate and many references at once, in single precision: to pick trials by, not to tell.
#[derive(Clone, Debug)]
pub(crate) struct Picker {
    encoders: Vec<Weighed>,
    intercept: f32,
}

/// An encoder's weight and neutral cosine.
#[derive(Clone, Copy, Debug)]
struct Weighed {
    encoder: Encoder,
    weight: f32,
    neutral: f32,
}

impl Picker {
    pub fn of(fusion: &Fusion) -> Self {
        let numbers = fusion.map.coefficients.iter().zip(&fusion.neutral);
        let weighed = |(encoder, (weight, neutral)): (Encoder, (&f64, &f64))| Weighed {
            encoder,
            weight: *weight as f32,
            neutral: *neutral as f32,
        };
        let encoders = fusion.encoders().zip(numbers).map(weighed).collect();
        Picker { encoders, intercept: fusion.map.intercept as f32 }
    }

    /// The encoders whose cosines it reads, in order.
    pub fn encoders(&self) -> impl Iterator<Item = Encoder> + '_ {
        self.encoders.iter().map(|weighed| weighed.encoder)
    }

    /// How noisy a side is, 0 to 1.
    pub fn noisiness(snr_db: Option<f32>) -> f32 {
        noisiness(snr_db) as f32
    }

    /// Sums of one candidate, how noisy it and each reference is given; `cosines` has a row an encoder, in the order of
    /// the encoders, and all rows are as long as `references`, `sizes` (scratch) and `out`.
    pub fn sums(&self, candidate: f32, references: &[f32], cosines: &[&[f32]], sizes: &mut [f32], out: &mut [f32]) {
        let n = self.encoders.len();
        out.fill(0.0);
        sizes.fill(0.0);
        for (i, (weighed, cosines)) in self.encoders.iter().zip(cosines).enumerate() {
            let Weighed { weight, neutral, .. } = *weighed;
            // The reliance on an encoder falls evenly with the noise, from 1 by so much.
            let fall = 1.0 - reliance(i, n, 1.0) as f32;
            let intercept = if i + 1 == n { self.intercept } else { 0.0 };
            let sums = out.iter_mut().zip(sizes.iter_mut());
            for ((sum, size), (cosine, reference)) in sums.zip(cosines.iter().zip(references)) {
                let reliance = 1.0 - fall * candidate.max(*reference);
                let part = weight * (cosine - neutral) * reliance + intercept;
                *sum += part;
                *size += part.abs();
            }
        }
        for (sum, size) in out.iter_mut().zip(sizes) {
            // Of nothing but zeros the agreement is none; what is not a number stays so.
            *sum = if *size == 0.0 { 0.0 } else { *sum * (sum.abs() / *size) };
        }
    }

    /// The most that a sum may be off where cosines may be off by `cosine`: three times as much as the parts, for the
    /// agreement changes with them.
    pub fn margin(&self, cosine: f32) -> f32 {
        let weights = self.encoders.iter().map(|weighed| weighed.weight.abs()).sum::<f32>();
        // A sum of ten numbers of this size, each rounded twice.
        3.0 * (weights * cosine + (2.0 * weights + self.intercept.abs()) * 20.0 * f32::EPSILON)
    }
}
