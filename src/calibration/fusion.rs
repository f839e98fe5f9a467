//! Several encoders' cosines to one log-likelihood ratio.
//!
//! A [`Fusion`] is fitted to labelled trials of one band. Each encoder speaks for one voice as far as its cosine lies
//! above the cosine at which it is neutral, and against it as far as it lies below; the weights come from a logistic
//! regression ([`super::logistic`]). Two kinds of doubt draw the sum towards 0 and never past it: in noise the encoders
//! beside the strongest count less, and where encoders contradict each other the sum is multiplied by their agreement.
//! So the ratio never rises while all cosines fall. Beside the map stand coefficient vectors of a bootstrap for its
//! interval, two other calibrators of the same sum ([`Pav`], [`BiGaussian`]), bounds against extrapolation, and the
//! ranges of quality it was fitted on ([`super::ranges`]), outside which the ratio is not to be used.

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

/// Signal-to-noise ratios between which a trial goes from noisy to sound, dB.
pub(crate) const NOISY_TO_SOUND_DB: [f64; 2] = [10.0, 25.0];

impl TrialTerms {
    /// How noisy the worse side is, from 0 (sound) to 1.
    pub fn noisiness(&self) -> f64 {
        noisiness(self.candidate.snr_db).max(noisiness(self.reference.snr_db))
    }

    /// The numbers that the map reads, one an encoder: how far its cosine lies above its neutral one, times how far the
    /// encoder can be relied on. None where a cosine is missing.
    pub(crate) fn row(&self, encoders: &[Encoder], neutral: &[f64]) -> Option<Vec<f64>> {
        let noisiness = self.noisiness();
        let number = |(i, (encoder, neutral)): (usize, (&Encoder, &f64))| {
            Some((self.cosines.get(*encoder)? - neutral) * reliance(i, encoders.len(), noisiness))
        };
        encoders.iter().zip(neutral).enumerate().map(number).collect()
    }
}

/// How far the encoder at a place among so many can be relied on in noise, 0 to 1: the last is the strongest and holds
/// out, the others hear the noise as well as the voice (docs/history/accuracy.md).
pub(crate) fn reliance(place: usize, encoders: usize, noisiness: f64) -> f64 {
    if place + 1 == encoders { 1.0 } else { 1.0 - noisiness }
}

/// What each encoder adds to the sum; the intercept belongs to the last. None for a row of another length.
pub(crate) fn parts(map: &Logistic, row: &[f64]) -> Option<Vec<f64>> {
    let mut parts: Vec<f64> = map.coefficients.iter().zip(row).map(|(weight, x)| weight * x).collect();
    *parts.last_mut()? += map.intercept;
    (row.len() == map.coefficients.len()).then_some(parts)
}

/// The sum of the parts times their agreement. It rises with every part.
pub(crate) fn agreed(parts: &[f64]) -> f64 {
    parts.iter().sum::<f64>() * agreement(parts)
}

/// How far parts agree, 0 to 1: the size of their sum over the sum of their sizes, 1 where all have one sign (or are 0)
/// and 0 where they cancel out.
fn agreement(parts: &[f64]) -> f64 {
    let (sum, sizes) = parts.iter().fold((0.0, 0.0), |(sum, sizes), x| (sum + x, sizes + x.abs()));
    if sizes > 0.0 { f64::abs(sum) / sizes } else { 1.0 }
}

/// How noisy a recording of this signal-to-noise ratio is, from 0 (sound) to 1; one of which none is known counts as
/// noisy.
pub(super) fn noisiness(snr_db: Option<f32>) -> f64 {
    let [noisy, sound] = NOISY_TO_SOUND_DB;
    ((sound - snr_db.map_or(noisy, f64::from)) / (sound - noisy)).clamp(0.0, 1.0)
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
    /// For each encoder the cosine at which it speaks neither for nor against one voice.
    pub neutral: Vec<f64>,
    /// Intercept, and the weight of each encoder's distance from its neutral cosine.
    pub map: Logistic,
    /// The maps of resamples, of groups and of speakers at once.
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
    /// Lower end of the 95 % interval over resamples of groups and speakers, within the bounds.
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
        let n = self.map.coefficients.len();
        let weights = self.map.coefficients.iter().enumerate().map(|(i, weight)| weight * reliance(i, n, noisiness));
        self.encoders().zip(weights).collect()
    }

    /// What each encoder adds to the ratio, natural logarithms, before its agreement with the others and the bounds;
    /// none where a cosine is missing.
    pub fn parts(&self, terms: &TrialTerms) -> Option<PerEncoder<f64>> {
        Some(self.encoders().zip(parts(&self.map, &self.row(terms)?)?).collect())
    }

    /// How far the encoders agree on a trial, from 0 (their parts cancel out) to 1 (all have one sign): what the sum of
    /// the parts is multiplied by; none where a cosine is missing.
    pub fn agreement(&self, terms: &TrialTerms) -> Option<f64> {
        Some(agreement(&parts(&self.map, &self.row(terms)?)?))
    }

    /// The numbers of a trial; none where a cosine is missing.
    fn row(&self, terms: &TrialTerms) -> Option<Vec<f64>> {
        terms.row(&self.encoders().collect::<Vec<_>>(), &self.neutral)
    }

    /// The sum of what the encoders say of a trial, times their agreement; none where a cosine is missing.
    pub(crate) fn sum(&self, terms: &TrialTerms) -> Option<f64> {
        Some(agreed(&parts(&self.map, &self.row(terms)?)?))
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
        self.unbounded(self.sum(terms)?)
    }

    /// The ratio of a trial with its interval; none where a cosine is missing.
    pub fn llr(&self, terms: &TrialTerms) -> Option<Llr> {
        let row = self.row(terms)?;
        let ratio = |map: &Logistic| self.unbounded(agreed(&parts(map, &row)?));
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
        let width = self.encoders().count();
        let sound = |map: &Logistic| {
            let numbers = map.coefficients.iter().chain([&map.intercept]).all(|x| x.is_finite());
            map.coefficients.len() == width && numbers
        };
        if self.fingerprints.is_empty() || !sound(&self.map) || !self.replicates.iter().all(sound) {
            let expected = format!("an intercept and {width} coefficients, all finite, in every map");
            return Err(("a map of another shape".into(), expected));
        }
        let in_reach = |cosine: &f64| (-1.0..=1.0).contains(cosine);
        if self.neutral.len() != width || !self.neutral.iter().all(in_reach) {
            let found = format!("the neutral cosines {:?}", self.neutral);
            return Err((found, format!("{width} of them, from -1 to 1")));
        }
        let range = |range: &Range| range.low.is_finite() && range.high.is_finite() && range.low <= range.high;
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
    use proptest::prelude::*;

    fn clip(net_speech_s: f64, snr_db: f32) -> ClipQuality {
        let (bandwidth_hz, level_dbfs) = (Some(8000.0), Some(-20.0));
        ClipQuality { net_speech_s, snr_db: Some(snr_db), bandwidth_hz, clipping_percent: 0.0, level_dbfs }
    }

    fn terms(ge2e: f64, campplus: f64, candidate: ClipQuality) -> TrialTerms {
        let reference = ReferenceQuality::of([clip(5.0, 30.0), clip(7.0, 20.0)].iter());
        let cosines = [(Encoder::Ge2e, ge2e), (Encoder::Campplus, campplus)].into_iter().collect();
        TrialTerms { cosines, candidate, reference }
    }

    fn fusion(method: Method) -> Fusion {
        let map = |slope: f64| Logistic { intercept: -1.0, coefficients: vec![slope / 2.0, slope] };
        let targets: Vec<(f64, f64)> = (0..50).map(|i| (f64::from(i) * 0.2 - 2.0, 1.0)).collect();
        let others: Vec<(f64, f64)> = targets.iter().map(|(x, w)| (x - 5.0, *w)).collect();
        let ranges = Ranges {
            net_speech_s: Range { low: 1.0, high: 20.0 },
            snr_db: Range { low: 8.0, high: 60.0 },
            bandwidth_hz: Range { low: 5000.0, high: 8000.0 },
            clipping_percent: Range { low: 0.0, high: 1.0 },
            level_dbfs: Range { low: -50.0, high: -5.0 },
            exemplars: Range { low: 1.0, high: 5.0 },
        };
        Fusion {
            fingerprints: [(Encoder::Ge2e, "g".to_string()), (Encoder::Campplus, "c".into())].into_iter().collect(),
            neutral: vec![0.6, 0.2],
            map: map(10.0),
            replicates: (0..40).map(|i| map(9.0 + f64::from(i) * 0.05)).collect(),
            method,
            pav: Pav::fit(&targets, &others).unwrap(),
            bi_gaussian: BiGaussian::fit(&targets, &others).unwrap(),
            bounds: Bounds { lower: -3.0, upper: 5.0 },
            ranges,
        }
    }

    #[test]
    fn the_sum_of_what_encoders_say_is_the_ratio_and_bounds_cut_it() {
        let fusion = fusion(Method::Logistic);
        let sound = terms(0.8, 0.5, clip(1.0, 30.0));
        assert_eq!(sound.noisiness(), 0.0, "the reference has 25 dB");
        let llr = fusion.llr(&sound).unwrap();
        assert!((llr.llr - 3.0).abs() < 1e-12 && llr.llr == llr.unbounded, "{llr:?}");
        assert!(llr.low < 3.0 && 3.0 < llr.high && (llr.low - 2.6).abs() < 0.05, "{llr:?}");
        let parts = fusion.parts(&sound).unwrap();
        assert!((parts.ge2e.unwrap() - 1.0).abs() < 1e-12 && (parts.campplus.unwrap() - 2.0).abs() < 1e-12);
        let far = fusion.llr(&terms(0.9, 0.9, clip(1.0, 30.0))).unwrap();
        assert_eq!((far.llr, far.high), (5.0, 5.0));
        assert_eq!(fusion.llr(&TrialTerms { cosines: PerEncoder::default(), ..sound }), None);
    }

    #[test]
    fn in_noise_the_strongest_encoder_speaks_alone() {
        let fusion = fusion(Method::Logistic);
        let parts = |snr| fusion.parts(&terms(0.8, 0.5, clip(2.0, snr))).unwrap();
        let close = |a: Option<f64>, b: f64| (a.unwrap() - b).abs() < 1e-6;
        assert!(close(parts(17.5).ge2e, 0.5) && close(parts(10.0).ge2e, 0.0) && close(parts(-3.0).ge2e, 0.0));
        assert!(close(parts(17.5).campplus, 2.0) && close(parts(-3.0).campplus, 2.0));
        assert_eq!(fusion.weights(0.5).iter().map(|(_, weight)| *weight).collect::<Vec<_>>(), [2.5, 10.0]);
    }

    #[test]
    fn a_contradiction_draws_towards_0_and_not_past_it() {
        let fusion = fusion(Method::Logistic);
        let at = |ge2e, campplus| fusion.point(&terms(ge2e, campplus, clip(2.0, 30.0))).unwrap();
        // 2 for and 1 against: their sum of 1 by an agreement of a third.
        assert!((at(0.4, 0.5) - 1.0 / 3.0).abs() < 1e-9, "{}", at(0.4, 0.5));
        let agreement_of = fusion.agreement(&terms(0.4, 0.5, clip(2.0, 30.0))).unwrap();
        assert!((agreement_of - 1.0 / 3.0).abs() < 1e-9, "{agreement_of}");
        assert!((at(0.7, 0.0) + 2.5 * 2.5 / 3.5).abs() < 1e-9, "{}", at(0.7, 0.0));
        assert_eq!(agreed(&[2.0, -2.0]), 0.0);
        assert_eq!(agreed(&[0.0, 0.0]), 0.0);
        assert_eq!([agreement(&[2.0, -1.0]), agreement(&[2.0, -2.0]), agreement(&[-2.0, -1.0])], [1.0 / 3.0, 0.0, 1.0]);
    }

    proptest! {
        #[test]
        fn the_ratio_never_rises_while_all_cosines_fall(
            parts in prop::collection::vec(-20.0f64..20.0, 1..4),
            falls in prop::collection::vec(0.0f64..10.0, 4),
        ) {
            let fallen: Vec<f64> = parts.iter().zip(&falls).map(|(x, fall)| x - fall).collect();
            prop_assert!(agreed(&fallen) <= agreed(&parts) + 1e-9);
            let sum: f64 = parts.iter().sum();
            prop_assert!(agreed(&parts).abs() <= sum.abs() + 1e-12 && agreed(&parts) * sum >= 0.0);
        }
    }

    #[test]
    fn every_method_rises_with_the_cosine() {
        for method in [Method::Logistic, Method::Pav, Method::BiGaussian] {
            let fusion = fusion(method);
            let at = |cosine| fusion.point(&terms(0.6, cosine, clip(2.0, 30.0))).unwrap();
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
        let fusion = fusion(Method::Logistic);
        let picker = Picker::of(&fusion);
        for (ge2e, campplus, snr) in [(0.9, 0.9, 50.0), (0.1, 0.8, 18.0), (0.5, 0.5, 2.0), (0.61, 0.19, 27.3)] {
            let terms = terms(ge2e, campplus, clip(2.0, snr));
            let exact = fusion.sum(&terms).unwrap();
            let (side, mut sum) = (Picker::noisiness(terms.reference.snr_db), [0.0]);
            let cosines: [&[f32]; 2] = [&[ge2e as f32], &[campplus as f32]];
            picker.sums(Picker::noisiness(terms.candidate.snr_db), &[side], &cosines, &mut [0.0], &mut sum);
            assert!((f64::from(sum[0]) - exact).abs() < f64::from(picker.margin(1e-7)), "{sum:?} {exact}");
        }
        assert!(picker.margin(1e-5) < 3e-3, "{}", picker.margin(1e-5));
    }

    #[test]
    fn a_map_of_another_shape_is_found() {
        let mut wrong = fusion(Method::Logistic);
        assert_eq!(wrong.check(), Ok(()));
        wrong.map.coefficients.pop();
        assert!(wrong.check().unwrap_err().1.contains("2 coefficients"));
        let wrong = Fusion { neutral: vec![0.6, 2.0], ..fusion(Method::Logistic) };
        assert!(wrong.check().unwrap_err().0.contains("neutral cosines"));
        let json = serde_json::to_string(&fusion(Method::Pav)).unwrap();
        assert_eq!(serde_json::from_str::<Fusion>(&json).unwrap(), fusion(Method::Pav));
    }
}
