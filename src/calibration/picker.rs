//! A fusion in single precision, for many references at once. What it picks is scored anew by the fusion itself.

use super::fusion::{Fusion, QUALITY_TERMS, ln, noisiness};
use super::ranges::Range;
use crate::compare::ReferenceQuality;
use crate::encoder::Encoder;
use crate::feature::ClipQuality;

/// A fusion's sum for one candidate and many references at once, in single precision: to pick trials by, not to tell.
#[derive(Clone, Debug)]
pub(crate) struct Picker {
    encoders: Vec<Weighed>,
    intercept: f64,
    /// Coefficient and range of each quality term.
    terms: Vec<(f64, Range)>,
}

/// An encoder's weights in sound and in noisy trials, and what each product is held between.
#[derive(Clone, Copy, Debug)]
struct Weighed {
    encoder: Encoder,
    sound: f32,
    noisy: f32,
    seen_sound: [f32; 2],
    seen_noisy: [f32; 2],
}

/// What one side of a trial adds to the sum, and how noisy it is.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct PickerSide {
    pub constant: f32,
    pub noisiness: f32,
}

impl Picker {
    pub fn of(fusion: &Fusion) -> Self {
        let n = fusion.encoders().count();
        let coefficient = |i: usize| fusion.map.coefficients.get(i).copied().unwrap_or(0.0);
        let range = |i: usize| fusion.seen.get(i).copied().unwrap_or(Range { low: 0.0, high: 0.0 });
        let single = |range: Range| [range.low as f32, range.high as f32];
        let weighed = |(i, encoder)| Weighed {
            encoder,
            sound: coefficient(i) as f32,
            noisy: coefficient(n + i) as f32,
            seen_sound: single(range(i)),
            seen_noisy: single(range(n + i)),
        };
        Picker {
            encoders: fusion.encoders().enumerate().map(weighed).collect(),
            intercept: fusion.map.intercept,
            terms: (2 * n..2 * n + QUALITY_TERMS.len()).map(|i| (coefficient(i), range(i))).collect(),
        }
    }

    /// The encoders whose cosines it reads, in order.
    pub fn encoders(&self) -> impl Iterator<Item = Encoder> + '_ {
        self.encoders.iter().map(|weighed| weighed.encoder)
    }

    fn term(&self, place: usize, value: f64) -> f64 {
        self.terms.get(place).map_or(0.0, |(weight, seen)| weight * value.clamp(seen.low, seen.high))
    }

    pub fn candidate(&self, quality: &ClipQuality) -> PickerSide {
        let constant = self.term(0, ln(quality.net_speech_s)) as f32;
        PickerSide { constant, noisiness: noisiness(quality.snr_db) as f32 }
    }

    pub fn reference(&self, quality: &ReferenceQuality) -> PickerSide {
        let (speech, exemplars) = (ln(quality.net_speech_s), ln(quality.exemplars as f64));
        let constant = self.intercept + self.term(1, speech) + self.term(2, exemplars);
        PickerSide { constant: constant as f32, noisiness: noisiness(quality.snr_db) as f32 }
    }

    /// Sums of one candidate; `cosines` has a row an encoder, in the order of the encoders, and all rows are as long as
    /// `references` and `out`.
    pub fn sums(&self, candidate: PickerSide, references: &[PickerSide], cosines: &[&[f32]], out: &mut [f32]) {
        let (weight, seen) = self.terms.get(3).copied().unwrap_or((0.0, Range { low: 0.0, high: 0.0 }));
        let (weight, low, high) = (weight as f32, seen.low as f32, seen.high as f32);
        for (sum, reference) in out.iter_mut().zip(references) {
            let noisy = candidate.noisiness.max(reference.noisiness);
            *sum = candidate.constant + reference.constant + weight * noisy.max(low).min(high);
        }
        for (weighed, cosines) in self.encoders.iter().zip(cosines) {
            let ([a, b], [c, d]) = (weighed.seen_sound, weighed.seen_noisy);
            for ((sum, reference), cosine) in out.iter_mut().zip(references).zip(*cosines) {
                let noisy = candidate.noisiness.max(reference.noisiness);
                let sound = (cosine * (1.0 - noisy)).max(a).min(b);
                *sum += weighed.sound * sound + weighed.noisy * (cosine * noisy).max(c).min(d);
            }
        }
    }

    /// The most that a sum may be off where cosines may be off by `cosine`.
    pub fn margin(&self, cosine: f32) -> f32 {
        let weights = self.encoders.iter().map(|weighed| weighed.sound.abs() + weighed.noisy.abs()).sum::<f32>();
        let terms = self.terms.iter().map(|(weight, seen)| (weight * seen.low.abs().max(seen.high.abs())).abs());
        let size = weights + terms.sum::<f64>() as f32 + self.intercept.abs() as f32;
        // A sum of twenty numbers of this size, each rounded twice.
        weights * cosine + size * 40.0 * f32::EPSILON
    }
}
