//! Bi-Gaussianised calibration (Morrison, "Bi-Gaussianized calibration of likelihood ratios", 2024).
//!
//! Perfectly calibrated log-likelihood ratios that are Gaussian have the variance `s2` for targets and non-targets
//! alike and the means `s2 / 2` and `-s2 / 2`: one number tells all. The map takes the score with a given share of the
//! trials below it to the ratio with the same share of that ideal distribution below it. The labels serve only to
//! choose `s2` (so that the ideal system has the Cllr of the training scores after logistic calibration) and to give
//! both kinds the same weight; so the map is smooth where pooling is coarse, and bends where logistic regression
//! cannot.

use super::interval::normal_cdf;
use super::logistic::{LabelledRows, Logistic, LogisticSettings};
use super::metrics::{softplus, weighted_cllr};
use super::table::Table;
use super::weighted::total;
use crate::error::{Error, ErrorKind, Result, Shortage};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::f64::consts::{LN_2, PI};

/// Most knots of the map.
const KNOTS: usize = 200;
/// Largest standard deviation of the ideal ratios; their Cllr is then below 1e-14.
const MOST_DEVIATION: f64 = 16.0;

/// A calibrator whose ratios are distributed as those of an ideal system. Between knots the map is linear.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BiGaussian {
    /// Variance of the ideal ratios of each kind.
    pub variance: f64,
    /// The map, flat beyond the lowest and the highest score it was fitted on.
    pub table: Table,
}

impl BiGaussian {
    /// Fits the map to scores with their weights, 0 or more. Each kind of trial has the same weight in all.
    ///
    /// # Errors
    /// [`ErrorKind::Insufficient`] without weight on a target or a non-target, where a number is not finite, and where
    /// the scores do not tell targets from non-targets.
    pub fn fit(targets: &[(f64, f64)], non_targets: &[(f64, f64)]) -> Result<Self> {
        let calibrated = logistic_cllr(targets, non_targets)?;
        let deviation = deviation_of(calibrated).ok_or_else(|| {
            let found = format!("scores with a Cllr of {calibrated:.4} after logistic calibration");
            refused(found, "scores that are higher for targets than for non-targets")
        })?;
        let ideal = Ideal { deviation };
        let knots = knots(&shares(targets, non_targets), &ideal);
        Ok(BiGaussian { variance: deviation * deviation, table: Table::try_from(knots)? })
    }

    /// Share of non-targets whose natural-log ratio an ideal system puts at `llr` or above.
    pub fn false_alarm_rate(&self, llr: f64) -> f64 {
        let deviation = self.variance.sqrt().max(f64::MIN_POSITIVE);
        normal_cdf(-(llr + self.variance / 2.0) / deviation)
    }

    /// The natural-log likelihood ratio of a score; none where it is not a number.
    pub fn apply(&self, score: f64) -> Option<f64> {
        self.table.around(score).map(|(low, high, share)| low + share * (high - low))
    }
}

fn refused(found: String, expected: &str) -> Error {
    ErrorKind::Insufficient { what: Shortage::Figure("bi-Gaussianised calibration"), found, expected: expected.into() }
        .into()
}

/// Cllr of the scores once a rising logistic map is fitted to them; 1 where none helps.
fn logistic_cllr(targets: &[(f64, f64)], non_targets: &[(f64, f64)]) -> Result<f64> {
    let (features, weights): (Vec<f64>, Vec<f64>) = targets.iter().chain(non_targets).copied().unzip();
    let labels: Vec<bool> = (0..features.len()).map(|i| i < targets.len()).collect();
    let rows = LabelledRows { features: &features, width: 1, targets: &labels, weights: Some(&weights) };
    let map = Logistic::fit(&rows, &LogisticSettings { non_negative: vec![0], ..Default::default() })?;
    let llrs = |trials: &[(f64, f64)]| -> Vec<(f64, f64)> {
        trials.iter().map(|(score, weight)| (map.llr(&[*score]).unwrap_or_default(), *weight)).collect()
    };
    weighted_cllr(&llrs(targets), &llrs(non_targets))
}

/// Perfectly calibrated Gaussian ratios, as many of targets as of non-targets.
struct Ideal {
    deviation: f64,
}

impl Ideal {
    /// Share of the ratios below one.
    fn below(&self, llr: f64) -> f64 {
        let mean = self.deviation * self.deviation / 2.0;
        (normal_cdf((llr - mean) / self.deviation) + normal_cdf((llr + mean) / self.deviation)) / 2.0
    }

    /// The ratio with this share below it, by bisection. The distribution is symmetric, and the lower half keeps the
    /// digits of small shares.
    fn quantile(&self, Share { below, above }: Share) -> f64 {
        if below > above {
            return -self.quantile(Share { below: above, above: below });
        }
        // Beyond 38 deviations a share is smaller than any number.
        let (mut low, mut high) = (-self.deviation * (self.deviation / 2.0 + 39.0), 0.0);
        for _ in 0..60 {
            let middle = (low + high) / 2.0;
            if self.below(middle) < below { low = middle } else { high = middle }
        }
        (low + high) / 2.0
    }
}

/// Cllr of perfectly calibrated Gaussian ratios: the mean of `log2(1 + exp(-x))` over the targets, by the trapezoidal
/// rule, which is exact to rounding for a function that dies away so fast. Non-targets mirror the targets.
fn ideal_cllr(deviation: f64) -> f64 {
    const STEPS: i32 = 1200;
    let width = 12.0 / f64::from(STEPS);
    let at = |i: i32| {
        let z = f64::from(i) * width;
        (-z * z / 2.0).exp() * softplus(-deviation * (deviation / 2.0 + z))
    };
    (-STEPS..=STEPS).map(at).sum::<f64>() * width / (2.0 * PI).sqrt() / LN_2
}

/// The deviation of the ideal ratios with this Cllr, which falls as it grows. None for a Cllr of 1 and more.
fn deviation_of(cllr: f64) -> Option<f64> {
    let (mut low, mut high) = (0.0, MOST_DEVIATION);
    for _ in 0..60 {
        let middle = (low + high) / 2.0;
        if ideal_cllr(middle) > cllr { low = middle } else { high = middle }
    }
    let deviation = (low + high) / 2.0;
    (cllr < 1.0 && deviation > 1e-3).then_some(deviation)
}

/// Shares of all trials below and above a score, half of those at it on either side.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Share {
    below: f64,
    above: f64,
}

/// Each score once, rising, with the shares of the trials around it; targets are half of all trials.
fn shares(targets: &[(f64, f64)], non_targets: &[(f64, f64)]) -> Vec<(f64, Share)> {
    let halved = |trials: &[(f64, f64)]| -> Vec<(f64, f64)> {
        let total = total(trials);
        trials.iter().filter(|t| t.1 > 0.0).map(|(score, weight)| (*score, 0.5 * weight / total)).collect()
    };
    let mut all = halved(targets);
    all.extend(halved(non_targets));
    all.sort_by(|a, b| a.0.total_cmp(&b.0));
    all.dedup_by(|next, kept| {
        let same = next.0 == kept.0;
        kept.1 += if same { next.1 } else { 0.0 };
        same
    });
    let mut shares: Vec<(f64, Share)> = Vec::with_capacity(all.len());
    let mut below = 0.0;
    for (score, weight) in &all {
        shares.push((*score, Share { below: below + weight / 2.0, above: 0.0 }));
        below += weight;
    }
    let mut above = 0.0;
    for ((_, weight), (_, share)) in all.iter().zip(&mut shares).rev() {
        share.above = above + weight / 2.0;
        above += weight;
    }
    shares
}

/// The map at no more than [`KNOTS`] scores: the lowest, the highest, and those whose ratios are spread most evenly.
fn knots(shares: &[(f64, Share)], ideal: &Ideal) -> Vec<[f64; 2]> {
    let llr = |index: usize| shares.get(index).map(|(score, share)| [*score, ideal.quantile(*share)]);
    let last = shares.len().saturating_sub(1);
    let indices: Vec<usize> = if shares.len() <= KNOTS {
        (0..shares.len()).collect()
    } else {
        let (low, high) = (llr(0).map_or(0.0, |k| k[1]), llr(last).map_or(0.0, |k| k[1]));
        let level = |k: usize| ideal.below(low + (high - low) * k as f64 / (KNOTS - 1) as f64);
        let nearest = |k: usize| shares.partition_point(|(_, share)| share.below < level(k)).min(last);
        let inner = (1..KNOTS - 1).map(nearest);
        let mut indices: Vec<usize> = std::iter::once(0).chain(inner).chain([last]).collect();
        indices.dedup();
        indices
    };
    let mut knots: Vec<[f64; 2]> = indices.into_iter().filter_map(llr).collect();
    // Rounding of a bisection must not make the map fall.
    let mut highest = f64::NEG_INFINITY;
    for [_, llr] in &mut knots {
        highest = highest.max(*llr);
        *llr = highest;
    }
    knots
}

#[cfg(test)]
mod tests {
    use super::super::interval::normal_quantile;
    use super::super::metrics::{cllr, cllr_min};
    use super::*;
    use proptest::prelude::*;

    /// The quantiles of a Gaussian, each with the same weight.
    fn gaussian(count: usize, mean: f64, deviation: f64) -> Vec<(f64, f64)> {
        let quantile = |i: usize| normal_quantile((i as f64 + 0.5) / count as f64);
        (0..count).map(|i| (mean + deviation * quantile(i), 1.0)).collect()
    }

    fn applied(map: &BiGaussian, trials: &[(f64, f64)]) -> Vec<f64> {
        trials.iter().map(|t| map.apply(t.0).unwrap()).collect()
    }

    #[test]
    fn the_cllr_of_ideal_ratios_is_known() {
        assert!((ideal_cllr(0.0) - 1.0).abs() < 1e-12);
        // By adaptive quadrature in SciPy 1.17.1.
        let known = [
            (0.5, 0.956_270_037_055_690_8),
            (1.0, 0.839_252_780_203_583_3),
            (2.0, 0.514_055_845_867_064_7),
            (4.0, 0.087_177_714_225_517_84),
            (8.0, 0.000_134_942_591_773_683_78),
        ];
        for (deviation, expected) in known {
            assert!((ideal_cllr(deviation) / expected - 1.0).abs() < 1e-9, "{deviation}: {}", ideal_cllr(deviation));
            assert!((deviation_of(expected).unwrap() - deviation).abs() < 1e-8);
        }
        assert_eq!((deviation_of(1.0), deviation_of(2.0)), (None, None));
    }

    #[test]
    fn ideal_ratios_stay_as_they_are() {
        for s2 in [2.0f64, 9.0] {
            let (targets, non_targets) = (gaussian(4000, s2 / 2.0, s2.sqrt()), gaussian(1000, -s2 / 2.0, s2.sqrt()));
            let map = BiGaussian::fit(&targets, &non_targets).unwrap();
            assert!((map.variance / s2 - 1.0).abs() < 0.02, "{}", map.variance);
            assert!(map.table.knots().len() <= KNOTS && map.table.knots().len() > 150);
            for x in [-2.0, -1.0, 0.0, 0.5, 2.0] {
                assert!((map.apply(x).unwrap() - x).abs() < 0.05, "{x}: {:?}", map.apply(x));
            }
        }
    }

    #[test]
    fn a_bent_score_is_made_straight() {
        // The cube of the ideal ratio: logistic regression cannot bend it back.
        let s2 = 6.0f64;
        let cubed = |trials: Vec<(f64, f64)>| trials.into_iter().map(|(x, w)| (x * x * x, w)).collect::<Vec<_>>();
        let (targets, non_targets) =
            (cubed(gaussian(2000, s2 / 2.0, s2.sqrt())), cubed(gaussian(2000, -s2 / 2.0, s2.sqrt())));
        let map = BiGaussian::fit(&targets, &non_targets).unwrap();
        let (a, b) = (applied(&map, &targets), applied(&map, &non_targets));
        let [all, least] = [cllr(&a, &b).unwrap(), cllr_min(&a, &b).unwrap()];
        let logistic = logistic_cllr(&targets, &non_targets).unwrap();
        assert!(all < logistic && all - least < 0.01, "{all} {least} {logistic}");
    }

    #[test]
    fn scores_that_tell_nothing_are_refused() {
        let (high, low) = (gaussian(50, 1.0, 1.0), gaussian(50, -1.0, 1.0));
        assert!(BiGaussian::fit(&high, &low).is_ok());
        for (targets, non_targets) in [(&low, &high), (&high, &high), (&high, &vec![]), (&vec![(f64::NAN, 1.0)], &low)]
        {
            assert!(BiGaussian::fit(targets, non_targets).is_err());
        }
        let map = BiGaussian::fit(&[(1.0, 1.0), (2.0, 1.0)], &[(0.0, 1.0)]).unwrap();
        assert!(map.apply(99.0).unwrap().is_finite(), "separable");
        let json = serde_json::to_string(&map).unwrap();
        assert_eq!(serde_json::from_str::<BiGaussian>(&json).unwrap(), map);
    }

    proptest! {
        #[test]
        fn the_map_rises_and_is_finite(
            targets in prop::collection::vec((-1.0f64..9.0, 0.1f64..2.0), 2..40),
            non_targets in prop::collection::vec((-9.0f64..1.0, 0.1f64..2.0), 2..40),
        ) {
            if let Ok(map) = BiGaussian::fit(&targets, &non_targets) {
                let llrs: Vec<f64> = (-100..100).map(|x| map.apply(f64::from(x) / 10.0).unwrap()).collect();
                prop_assert!(llrs.is_sorted() && llrs.iter().all(|x| x.is_finite()));
            }
        }
    }
}
