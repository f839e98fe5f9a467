//! Several encoders' scores and the quality of both sides to one log-likelihood ratio.
//!
//! A [`Fusion`] is fitted to labelled trials of one band: a map of the cosines and of a few quality terms
//! ([`super::logistic`]) in which each cosine has two weights, one for sound recordings and one for noisy ones, between
//! which the trial's signal-to-noise ratio mixes; coefficient vectors of a bootstrap over speakers for its interval,
//! two other calibrators of the same sum ([`Pav`], [`BiGaussian`]), bounds against extrapolation, and the ranges of
//! quality it was fitted on ([`super::ranges`]), outside which the ratio is not to be used.

use super::bounds::Bounds;
use super::gaussian::BiGaussian;
use super::logistic::Logistic;
use super::pav::Pav;
use super::ranges::{Range, Ranges};
use crate::compare::ReferenceQuality;
use crate::encoder::{Encoder, PerEncoder};
use crate::error::{Error, ErrorKind, Result};
use crate::feature::ClipQuality;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::str::FromStr;

/// What is known of a trial.
#[derive(Clone, Debug)]
pub struct TrialTerms {
    /// Cosine to the reference as a whole, by encoder.
    pub cosines: PerEncoder<f64>,
    /// The candidate.
    pub candidate: ClipQuality,
    /// The reference.
    pub reference: ReferenceQuality,
}

/// Names of the quality terms, in the order in which they follow the cosines.
pub const QUALITY_TERMS: [&str; 4] =
    ["ln net speech of the candidate", "ln net speech of the reference", "ln number of exemplars", "noisiness"];

/// Signal-to-noise ratios between which a trial goes from noisy to sound, dB.
const NOISY_TO_SOUND_DB: [f64; 2] = [5.0, 30.0];

impl TrialTerms {
    /// How noisy the worse side is, from 0 (sound) to 1.
    pub fn noisiness(&self) -> f64 {
        noisiness(self.candidate.snr_db).max(noisiness(self.reference.snr_db))
    }

    /// The numbers that the map reads: the cosines of `encoders` times how sound the trial is, the same times how noisy
    /// it is, then the quality terms. None where a cosine is missing.
    pub fn row(&self, encoders: impl Iterator<Item = Encoder>) -> Option<Vec<f64>> {
        let cosines: Option<Vec<f64>> = encoders.map(|encoder| self.cosines.get(encoder).copied()).collect();
        let (cosines, noisy) = (cosines?, self.noisiness());
        let mut row: Vec<f64> = cosines.iter().map(|cosine| cosine * (1.0 - noisy)).collect();
        row.extend(cosines.iter().map(|cosine| cosine * noisy));
        row.extend([
            ln(self.candidate.net_speech_s),
            ln(self.reference.net_speech_s),
            ln(self.reference.exemplars as f64),
            noisy,
        ]);
        Some(row)
    }
}

/// How noisy a recording of this signal-to-noise ratio is, from 0 (sound) to 1; one of which none is known counts as
/// noisy.
pub(super) fn noisiness(snr_db: Option<f32>) -> f64 {
    let [noisy, sound] = NOISY_TO_SOUND_DB;
    ((sound - snr_db.map_or(noisy, f64::from)) / (sound - noisy)).clamp(0.0, 1.0)
}

/// Natural logarithm of an amount, of nothing that of a thousandth.
pub(super) fn ln(amount: f64) -> f64 {
    amount.max(1e-3).ln()
}

/// What turns the weighted sum into the ratio.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// The regression itself: the sum is the ratio.
    #[default]
    Logistic,
    /// Pool adjacent violators.
    Pav,
    /// Bi-Gaussianised calibration.
    BiGaussian,
}

impl FromStr for Method {
    type Err = Error;

    fn from_str(word: &str) -> Result<Self> {
        match word {
            "logistic" => Ok(Method::Logistic),
            "pav" => Ok(Method::Pav),
            "bi-gaussian" => Ok(Method::BiGaussian),
            _ => {
                let expected = "logistic, pav or bi-gaussian".into();
                Err(ErrorKind::Setting { name: "method", found: word.into(), expected }.into())
            }
        }
    }
}

/// A fitted map of one band.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Fusion {
    /// Fingerprint of each encoder's extractor; cosines of any other are not on the scale of the map.
    pub fingerprints: PerEncoder<String>,
    /// Intercept, then a coefficient for each encoder's cosine in sound trials, for each in noisy ones, and for each
    /// quality term.
    pub map: Logistic,
    /// Least and greatest value of each number that the map reads; values beyond count as the nearest end.
    pub seen: Vec<Range>,
    /// The maps of resamples of speakers.
    pub replicates: Vec<Logistic>,
    /// What turns the sum into the ratio.
    pub method: Method,
    /// The map by pooling.
    pub pav: Pav,
    /// The bi-Gaussianised map.
    pub bi_gaussian: BiGaussian,
    /// Bounds against extrapolation, natural-log LLR.
    pub bounds: Bounds,
    /// The qualities that it was fitted on.
    pub ranges: Ranges,
}

/// A log-likelihood ratio with its interval, in natural logarithms.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Llr {
    /// Within the bounds.
    pub llr: f64,
    /// Before the bounds.
    pub unbounded: f64,
    /// Lower end of the 95 % interval over resamples of speakers, within the bounds.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

impl Fusion {
    /// The encoders whose cosines it reads, in order.
    pub fn encoders(&self) -> impl Iterator<Item = Encoder> + '_ {
        self.fingerprints.encoders()
    }

    /// Weight of each encoder's cosine where a trial is so noisy, 0 (sound) to 1.
    pub fn weights(&self, noisiness: f64) -> PerEncoder<f64> {
        let sound = self.map.coefficients.iter();
        let noisy = self.map.coefficients.iter().skip(self.encoders().count());
        let mixed = sound.zip(noisy).map(|(sound, noisy)| (1.0 - noisiness) * sound + noisiness * noisy);
        self.encoders().zip(mixed).collect()
    }

    /// The numbers of a trial, each within what was seen; none where a cosine is missing.
    pub fn row(&self, terms: &TrialTerms) -> Option<Vec<f64>> {
        let mut row = terms.row(self.encoders())?;
        row.iter_mut().zip(&self.seen).for_each(|(x, seen)| *x = x.clamp(seen.low, seen.high));
        (row.len() == self.seen.len()).then_some(row)
    }

    /// The ratio of a row without bounds, by the method.
    pub fn unbounded(&self, sum: f64) -> Option<f64> {
        match self.method {
            Method::Logistic => Some(sum),
            Method::Pav => self.pav.apply(sum),
            Method::BiGaussian => self.bi_gaussian.apply(sum),
        }
    }

    /// The ratio of a trial before the bounds; none where a cosine is missing.
    pub fn point(&self, terms: &TrialTerms) -> Option<f64> {
        self.unbounded(self.map.llr(&self.row(terms)?)?)
    }

    /// The ratio of a trial with its interval; none where a cosine is missing.
    pub fn llr(&self, terms: &TrialTerms) -> Option<Llr> {
        let row = self.row(terms)?;
        let ratio = |map: &Logistic| self.unbounded(map.llr(&row)?);
        let unbounded = ratio(&self.map)?;
        let llr = self.bounds.clip(unbounded);
        let mut resampled: Vec<f64> = self.replicates.iter().filter_map(ratio).collect();
        resampled.sort_by(f64::total_cmp);
        let at = |share: f64| resampled.get((share * resampled.len() as f64) as usize).copied().unwrap_or(unbounded);
        let (low, high) = (at(0.025).min(unbounded), at(0.975).max(unbounded));
        Some(Llr { llr, unbounded, low: self.bounds.clip(low), high: self.bounds.clip(high) })
    }

    /// Found and expected of the first value that cannot be right.
    pub fn check(&self) -> std::result::Result<(), (String, String)> {
        let width = 2 * self.encoders().count() + QUALITY_TERMS.len();
        let sound = |map: &Logistic| {
            let numbers = map.coefficients.iter().chain([&map.intercept]).all(|x| x.is_finite());
            map.coefficients.len() == width && numbers
        };
        if self.fingerprints.is_empty() || !sound(&self.map) || !self.replicates.iter().all(sound) {
            let expected = format!("an intercept and {width} coefficients, all finite, in every map");
            return Err(("a map of another shape".into(), expected));
        }
        let range = |range: &Range| range.low.is_finite() && range.high.is_finite() && range.low <= range.high;
        if self.seen.len() != width || !self.seen.iter().all(range) {
            return Err((format!("{} ranges of terms", self.seen.len()), format!("{width}, from low to high")));
        }
        if let Some((name, wrong)) = self.ranges.named().into_iter().find(|(_, of)| !range(of)) {
            let found = format!("a range of {name} from {} to {}", wrong.low, wrong.high);
            return Err((found, "one from low to high".into()));
        }
        let bounds = (self.bounds.lower, self.bounds.upper);
        if !(bounds.0 <= 0.0 && bounds.1 >= 0.0) {
            return Err((format!("bounds from {} to {}", bounds.0, bounds.1), "bounds around 0".into()));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::picker::Picker;
    use super::*;
    use crate::feature::Quantity;

    fn clip(net_speech_s: f64, snr_db: f32) -> ClipQuality {
        let (bandwidth_hz, level_dbfs) = (Some(8000.0), Some(-20.0));
        ClipQuality { net_speech_s, snr_db: Some(snr_db), bandwidth_hz, clipping_percent: 0.0, level_dbfs }
    }

    fn terms(cosine: f64, candidate: ClipQuality) -> TrialTerms {
        let reference = ReferenceQuality::of([clip(5.0, 30.0), clip(7.0, 20.0)].iter());
        TrialTerms { cosines: [(Encoder::Campplus, cosine)].into_iter().collect(), candidate, reference }
    }

    fn fusion(method: Method) -> Fusion {
        let map =
            |slope: f64| Logistic { intercept: -slope / 2.0, coefficients: vec![slope, slope, 0.5, 0.0, 0.0, 0.0] };
        let targets: Vec<(f64, f64)> = (0..50).map(|i| (f64::from(i) * 0.2 - 2.0, 1.0)).collect();
        let others: Vec<(f64, f64)> = targets.iter().map(|(x, w)| (x - 5.0, *w)).collect();
        let full = Range { low: -100.0, high: 100.0 };
        let ranges = Ranges {
            net_speech_s: Range { low: 1.0, high: 20.0 },
            snr_db: Range { low: 8.0, high: 60.0 },
            bandwidth_hz: Range { low: 5000.0, high: 8000.0 },
            clipping_percent: Range { low: 0.0, high: 1.0 },
            level_dbfs: Range { low: -50.0, high: -5.0 },
            exemplars: Range { low: 1.0, high: 5.0 },
        };
        let mut seen = vec![full; 6];
        seen[2] = Range { low: 0.0, high: f64::ln(10.0) };
        Fusion {
            fingerprints: [(Encoder::Campplus, "a".to_string())].into_iter().collect(),
            map: map(10.0),
            seen,
            replicates: (0..40).map(|i| map(9.0 + f64::from(i) * 0.05)).collect(),
            method,
            pav: Pav::fit(&targets, &others).unwrap(),
            bi_gaussian: BiGaussian::fit(&targets, &others).unwrap(),
            bounds: Bounds { lower: -3.0, upper: 4.0 },
            ranges,
        }
    }

    #[test]
    fn the_sum_is_the_ratio_and_bounds_cut_it() {
        let fusion = fusion(Method::Logistic);
        let llr = fusion.llr(&terms(0.7, clip(1.0, 30.0))).unwrap();
        assert!((llr.llr - 2.0).abs() < 1e-12 && llr.llr == llr.unbounded, "{llr:?}");
        assert!(llr.low < 2.0 && 2.0 < llr.high && (llr.low - 1.8).abs() < 0.03, "{llr:?}");
        let far = fusion.llr(&terms(1.0, clip(1.0, 30.0))).unwrap();
        assert_eq!((far.llr, far.unbounded, far.high), (4.0, 5.0, 4.0));
        // More speech than was seen counts as the most that was.
        let (ten, hundred) = (terms(0.5, clip(10.0, 30.0)), terms(0.5, clip(100.0, 30.0)));
        assert_eq!(fusion.llr(&ten), fusion.llr(&hundred));
        assert_eq!(fusion.llr(&TrialTerms { cosines: PerEncoder::default(), ..ten }), None);
    }

    #[test]
    fn noise_moves_the_weights_from_those_of_sound_trials_to_those_of_noisy_ones() {
        let mut fusion = fusion(Method::Logistic);
        fusion.map.coefficients[1] = 2.0;
        let weight = |noisiness| fusion.weights(noisiness).campplus.unwrap();
        assert_eq!((weight(0.0), weight(0.5), weight(1.0)), (10.0, 6.0, 2.0));
        let noisiness = |snr| terms(0.5, clip(2.0, snr)).noisiness();
        assert_eq!((noisiness(60.0), noisiness(5.0), noisiness(-3.0)), (0.2, 1.0, 1.0), "the reference has 25 dB");
        let slope = |snr| {
            let at = |cosine| fusion.map.llr(&fusion.row(&terms(cosine, clip(2.0, snr))).unwrap()).unwrap();
            at(0.6) - at(0.5)
        };
        assert!((slope(5.0) - 0.2).abs() < 1e-9 && (slope(60.0) - 0.84).abs() < 1e-9);
    }

    #[test]
    fn every_method_rises_with_the_cosine() {
        for method in [Method::Logistic, Method::Pav, Method::BiGaussian] {
            let fusion = fusion(method);
            let at = |cosine| fusion.point(&terms(cosine, clip(2.0, 30.0))).unwrap();
            assert!(at(0.2) < at(0.5) && at(0.5) <= at(0.8), "{method:?}");
        }
        assert!("platt".parse::<Method>().unwrap_err().to_string().contains("bi-gaussian"));
    }

    #[test]
    fn what_was_not_seen_is_refused_with_the_value() {
        let ranges = fusion(Method::Logistic).ranges;
        let reference = ReferenceQuality::of([clip(5.0, 30.0)].iter());
        assert_eq!(ranges.refuses(&clip(2.0, 20.0), &reference), None);
        assert_eq!(ranges.refuses(&clip(500.0, 90.0), &reference), None, "better than seen is no reason");
        let noisy = ranges.refuses(&clip(2.0, 3.0), &reference).unwrap();
        assert_eq!((noisy.quantity, noisy.reference, noisy.limit), (Quantity::SnrDb, false, 8.0));
        let text = noisy.to_string();
        assert!(text.contains("candidate") && text.contains("3.0 dB") && text.contains("at least 8.00 dB"), "{text}");
        let bad = ReferenceQuality::of([clip(0.5, 30.0)].iter());
        assert!(ranges.refuses(&clip(2.0, 20.0), &bad).unwrap().reference);
        let clipped = ClipQuality { clipping_percent: 2.0, ..clip(2.0, 20.0) };
        assert!(ranges.refuses(&clipped, &reference).unwrap().to_string().contains("at most 1.00 %"));
    }

    #[test]
    fn a_pick_lies_within_its_margin_of_the_sum() {
        let mut fusion = fusion(Method::Logistic);
        fusion.map.coefficients = vec![12.0, 7.0, 0.5, -0.3, 0.8, -1.5];
        (fusion.seen[0], fusion.seen[1]) = (Range { low: -0.1, high: 0.8 }, Range { low: -0.05, high: 0.3 });
        let picker = Picker::of(&fusion);
        for (cosine, speech, snr) in [(0.9, 0.4, 50.0), (-0.4, 3.0, 18.0), (0.5, 700.0, 2.0), (0.31, 5.0, 27.3)] {
            let terms = terms(cosine, clip(speech, snr));
            let exact = fusion.map.llr(&fusion.row(&terms).unwrap()).unwrap();
            let (side, mut sum) = (picker.reference(&terms.reference), [0.0]);
            picker.sums(picker.candidate(&terms.candidate), &[side], &[&[cosine as f32]], &mut sum);
            assert!((f64::from(sum[0]) - exact).abs() < f64::from(picker.margin(1e-7)), "{sum:?} {exact}");
        }
        assert!(picker.margin(1e-5) < 3e-3, "{}", picker.margin(1e-5));
    }

    #[test]
    fn a_map_of_another_shape_is_found() {
        let mut wrong = fusion(Method::Logistic);
        assert_eq!(wrong.check(), Ok(()));
        wrong.map.coefficients.pop();
        assert!(wrong.check().unwrap_err().1.contains("6 coefficients"));
        let json = serde_json::to_string(&fusion(Method::Pav)).unwrap();
        assert_eq!(serde_json::from_str::<Fusion>(&json).unwrap(), fusion(Method::Pav));
    }
}
