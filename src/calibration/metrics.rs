//! What a score or a log-likelihood ratio is worth on labelled trials: error rates and the cost Cllr.
//!
//! Everything but Cllr itself looks only at the order of the scores, so that it follows from one convex hull.
//!
//! The functions whose names begin with `weighted` take pairs of a score (or a natural-log likelihood ratio) and its
//! weight, 0 or more, in any unit: a rate is then a share of the weight of its kind of trial, a mean a weighted mean.

use super::hull::roc;
use super::weighted::{check, even, total};
use crate::error::Result;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::f64::consts::LN_2;

/// Equal error rate on the convex hull of the ROC, as a fraction of 1.
///
/// A *target* trial compares two clips of one voice, a *non-target* trial two voices. The hull joins the operating
/// points that some prior and cost make best; the rate is where misses and false alarms are equal on it (Brümmer and
/// de Villiers, "The BOSARIS toolkit", 2011). Unlike a crossing of steps it is well defined for any number of trials
/// and ties.
///
/// # Errors
/// [`ErrorKind::Insufficient`](crate::ErrorKind::Insufficient) without a target or a non-target trial, or where a score is not a number.
pub fn equal_error_rate(targets: &[f64], non_targets: &[f64]) -> Result<f64> {
    weighted_equal_error_rate(&even(targets), &even(non_targets))
}

/// [`equal_error_rate`] of weighted scores.
///
/// # Errors
/// [`ErrorKind::Insufficient`](crate::ErrorKind::Insufficient) without weight on a target or a non-target trial, where a
/// score is not a number, or a weight is negative or not finite.
pub fn weighted_equal_error_rate(targets: &[(f64, f64)], non_targets: &[(f64, f64)]) -> Result<f64> {
    Ok(roc(targets, non_targets)?.equal_error_rate())
}

/// A figure and the interval in which it lies with 95 % confidence.
///
/// Where the trials hold no error at some threshold, their resamples hold none either; there the upper end of a rate or
/// cost is the exact limit (Clopper and Pearson 1934) of so many speakers without an error, if that is higher.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Estimate {
    /// The figure.
    pub point: f64,
    /// Lower end of the interval.
    pub low: f64,
    /// Upper end of the interval.
    pub high: f64,
}

/// Error rates of a score, each with its interval, as fractions of 1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
pub struct ErrorRates {
    /// Equal error rate on the convex hull of the ROC.
    pub eer: Estimate,
    /// Least detection cost over all thresholds: `(p miss + (1 - p) false alarm) / min(p, 1 - p)` with a target prior
    /// `p` of 0.01 and both costs 1. 0 is perfect, 1 no better than refusing (or accepting) every trial.
    pub min_dcf: Estimate,
    /// Least Cllr over all monotone maps of the score to log-likelihood ratios: what the score could tell at best, 0
    /// to 1, in bits. It is optimistic, for the map is chosen on the trials it is measured on.
    pub cllr_min: Estimate,
}

/// Error rates and costs of log-likelihood ratios, each with its interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FusionRates {
    /// Equal error rate on the convex hull of the ROC, as a fraction of 1.
    pub eer: Estimate,
    /// Least detection cost over all thresholds, as in [`ErrorRates`].
    pub min_dcf: Estimate,
    /// Cost of the log-likelihood ratios as they are, in bits: 0 is perfect, 1 what a ratio of 1 for every trial costs,
    /// more is worse than saying nothing.
    pub cllr: Estimate,
    /// The part of it that no monotone map could take away. The rest is lost to calibration.
    pub cllr_min: Estimate,
}

/// Prior probability of a target trial in the detection cost, as in the speaker recognition evaluations of NIST.
pub const TARGET_PRIOR: f64 = 0.01;

/// Least normalised detection cost, 0 to 1, with a target prior of [`TARGET_PRIOR`] and costs of 1.
///
/// The least cost over the operating points and over their convex hull is the same number, for a cost is linear in the
/// two rates and has its minimum at a corner of the hull, which is an operating point.
///
/// # Errors
/// As [`equal_error_rate`].
pub fn min_dcf(targets: &[f64], non_targets: &[f64]) -> Result<f64> {
    weighted_min_dcf(&even(targets), &even(non_targets))
}

/// [`min_dcf`] of weighted scores.
///
/// # Errors
/// As [`weighted_equal_error_rate`].
pub fn weighted_min_dcf(targets: &[(f64, f64)], non_targets: &[(f64, f64)]) -> Result<f64> {
    Ok(roc(targets, non_targets)?.min_dcf())
}

/// The normalised detection cost of two rates, with a target prior of [`TARGET_PRIOR`] and costs of 1.
pub(super) fn detection_cost(false_alarm: f64, miss: f64) -> f64 {
    (TARGET_PRIOR * miss + (1.0 - TARGET_PRIOR) * false_alarm) / TARGET_PRIOR.min(1.0 - TARGET_PRIOR)
}

/// Cost of natural-log likelihood ratios, in bits: the mean of `log2(1 + 1 / LR)` over targets and that of
/// `log2(1 + LR)` over non-targets, halved (Brümmer and du Preez, "Application-independent evaluation of speaker
/// detection", 2006).
///
/// An infinite ratio on the wrong side costs infinitely much, one on the right side nothing.
///
/// # Errors
/// [`ErrorKind::Insufficient`](crate::ErrorKind::Insufficient) without a target or a non-target trial, or where a ratio is not a number.
pub fn cllr(targets: &[f64], non_targets: &[f64]) -> Result<f64> {
    weighted_cllr(&even(targets), &even(non_targets))
}

/// [`cllr`] of weighted ratios.
///
/// # Errors
/// [`ErrorKind::Insufficient`](crate::ErrorKind::Insufficient) without weight on a target or a non-target trial, where a
/// ratio is not a number (it may be infinite), or a weight is negative or not finite.
pub fn weighted_cllr(targets: &[(f64, f64)], non_targets: &[(f64, f64)]) -> Result<f64> {
    check("Cllr", targets, non_targets, |llr| !llr.is_nan())?;
    let mean = |llrs: &[(f64, f64)], target| {
        // What has no weight costs nothing, be it infinite.
        let costs = llrs.iter().filter(|t| t.1 > 0.0).map(|(llr, weight)| weight * cost(*llr, target));
        costs.sum::<f64>() / total(llrs)
    };
    Ok((mean(targets, true) + mean(non_targets, false)) / 2.0)
}

/// Least Cllr over all monotone maps of the scores, 0 to 1; the one of the ratios that pooling adjacent violators
/// gives (Brümmer and du Preez 2006).
///
/// # Errors
/// As [`equal_error_rate`].
pub fn cllr_min(targets: &[f64], non_targets: &[f64]) -> Result<f64> {
    weighted_cllr_min(&even(targets), &even(non_targets))
}

/// [`cllr_min`] of weighted scores.
///
/// # Errors
/// As [`weighted_equal_error_rate`].
pub fn weighted_cllr_min(targets: &[(f64, f64)], non_targets: &[(f64, f64)]) -> Result<f64> {
    Ok(roc(targets, non_targets)?.cllr_min())
}

/// What one natural-log likelihood ratio costs, in bits.
pub(crate) fn cost(llr: f64, target: bool) -> f64 {
    softplus(if target { -llr } else { llr }) / LN_2
}

/// `ln(1 + exp(x))`, without overflow and without loss where `exp(x)` is small.
pub(crate) fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_answers() {
        assert_eq!(equal_error_rate(&[2.0, 3.0], &[0.0, 1.0]).unwrap(), 0.0);
        assert_eq!(equal_error_rate(&[0.0, 1.0], &[2.0, 3.0]).unwrap(), 0.5);
        assert_eq!(equal_error_rate(&[1.0], &[1.0]).unwrap(), 0.5);
        // One of four targets below one of four non-targets: the hull runs from (0, 1/4) to (1/4, 0).
        let rate = equal_error_rate(&[2.0, 4.0, 5.0, 6.0], &[3.0, 0.0, 0.1, 0.2]).unwrap();
        assert!((rate - 0.125).abs() < 1e-12, "{rate}");
    }

    #[test]
    fn known_detection_costs() {
        let cost = |targets: &[f64], non_targets: &[f64]| min_dcf(targets, non_targets).unwrap();
        assert_eq!(cost(&[2.0, 3.0], &[0.0, 1.0]), 0.0, "perfect");
        assert_eq!(cost(&[0.0, 1.0], &[2.0, 3.0]), 1.0, "worse than useless: refuse everything");
        assert_eq!(cost(&[1.0], &[1.0]), 1.0, "a tie cannot be told apart");
        // One of four targets lies below a non-target; at p = 0.01 a false alarm in four costs 99 / 4, a miss 1 / 4.
        assert!((cost(&[2.0, 4.0, 5.0, 6.0], &[3.0, 0.0, 0.1, 0.2]) - 0.25).abs() < 1e-12);
        // Nine of ten targets below one of a thousand non-targets: that false alarm costs 0.099, nine misses 0.9.
        let mut targets = vec![2.0; 9];
        targets.push(4.0);
        let mut non_targets = vec![0.0; 999];
        non_targets.push(3.0);
        assert!((cost(&targets, &non_targets) - 0.099).abs() < 1e-12);
    }

    #[test]
    fn two_gaussians_two_deviations_apart() {
        // Sums of twelve uniform numbers are close enough to Gaussian.
        let mut seed = 1u64;
        let mut uniform = || {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (seed >> 11) as f64 / (1u64 << 53) as f64
        };
        let mut gauss = |mean: f64| (0..20_000).map(|_| (0..12).map(|_| uniform()).sum::<f64>() - 6.0 + mean).collect();
        let (targets, non_targets): (Vec<f64>, Vec<f64>) = (gauss(2.0), gauss(0.0));
        // Phi(-1) = 0.1587
        let rate = equal_error_rate(&targets, &non_targets).unwrap();
        assert!((rate - 0.1587).abs() < 0.005, "{rate}");
    }

    #[test]
    fn known_costs_of_ratios() {
        let of = |targets: &[f64], non_targets: &[f64]| cllr(targets, non_targets).unwrap();
        assert_eq!(of(&[0.0; 3], &[0.0; 5]), 1.0, "ratios of 1 say nothing");
        // log2(1 + 1/3) for the target, log2(1 + 1) for the non-target.
        assert!((of(&[3f64.ln()], &[0.0]) - ((4.0 / 3.0f64).log2() + 1.0) / 2.0).abs() < 1e-15);
        assert_eq!(of(&[f64::INFINITY], &[f64::NEG_INFINITY]), 0.0);
        assert_eq!(of(&[f64::INFINITY], &[f64::INFINITY]), f64::INFINITY);
        assert_eq!(of(&[f64::NEG_INFINITY, 1.0], &[-1.0]), f64::INFINITY);
        assert!((of(&[-1e4], &[-1e4]) - 1e4 / LN_2 / 2.0).abs() < 1e-9, "no overflow");
        assert!((of(&[40.0], &[-40.0]) / ((-40f64).exp() / LN_2) - 1.0).abs() < 1e-12, "no loss");

        let least = |targets: &[f64], non_targets: &[f64]| cllr_min(targets, non_targets).unwrap();
        assert_eq!(least(&[2.0, 3.0], &[0.0, 1.0]), 0.0);
        assert_eq!(least(&[0.0, 1.0], &[2.0, 3.0]), 1.0);
        assert_eq!(least(&[1.0], &[1.0]), 1.0);
        // Two blocks are pure; in the middle lie one target of four and one non-target of four, with a ratio of 1.
        assert!((least(&[2.0, 4.0, 5.0, 6.0], &[3.0, 0.0, 0.1, 0.2]) - 0.25).abs() < 1e-15);
    }

    #[test]
    fn calibrated_gaussian_ratios_lose_nothing() {
        // Targets with mean s2 / 2 and non-targets with mean -s2 / 2, both with variance s2: the ratio of the ratio is
        // the ratio (van Leeuwen and Brümmer 2013). Here at the quantiles of the distribution.
        let quantiles = |mean: f64, sd: f64| -> Vec<f64> {
            let quantile = |i| -(2f64.sqrt()) * statrs::function::erf::erfc_inv(2.0 * (f64::from(i) + 0.5) / 20_000.0);
            (0..20_000).map(|i| mean + sd * quantile(i)).collect()
        };
        for s2 in [1.0f64, 4.0, 16.0] {
            let (targets, non_targets) = (quantiles(s2 / 2.0, s2.sqrt()), quantiles(-s2 / 2.0, s2.sqrt()));
            let (all, least) = (cllr(&targets, &non_targets).unwrap(), cllr_min(&targets, &non_targets).unwrap());
            assert!(least <= all && all - least < 1e-3, "{s2}: {least} {all}");
            let scaled = |x: &[f64]| x.iter().map(|x| 2.0 * x).collect::<Vec<_>>();
            assert!(cllr(&scaled(&targets), &scaled(&non_targets)).unwrap() > all + 1e-3, "overstated ratios cost");
        }
    }

    #[test]
    fn too_little_is_refused() {
        for (targets, non_targets) in [(vec![], vec![1.0]), (vec![1.0], vec![]), (vec![f64::NAN], vec![1.0])] {
            assert!(equal_error_rate(&targets, &non_targets).is_err());
            assert!(min_dcf(&targets, &non_targets).is_err());
            assert!(cllr_min(&targets, &non_targets).is_err() && cllr(&targets, &non_targets).is_err());
        }
    }

    #[test]
    fn a_weight_counts_a_trial_so_often() {
        let (targets, non_targets) = ([(2.0, 1.0), (0.5, 3.0), (4.0, 2.0)], [(1.0, 2.0), (-1.0, 1.0), (3.0, 1.0)]);
        let repeated = |trials: &[(f64, f64)]| -> Vec<f64> {
            trials.iter().flat_map(|(score, weight)| vec![*score; *weight as usize]).collect()
        };
        let (a, b) = (repeated(&targets), repeated(&non_targets));
        type Pair = (fn(&[(f64, f64)], &[(f64, f64)]) -> Result<f64>, fn(&[f64], &[f64]) -> Result<f64>);
        let figures: [Pair; 4] = [
            (weighted_equal_error_rate, equal_error_rate),
            (weighted_min_dcf, min_dcf),
            (weighted_cllr, cllr),
            (weighted_cllr_min, cllr_min),
        ];
        for (weighted, plain) in figures {
            let expected = plain(&a, &b).unwrap();
            assert!((weighted(&targets, &non_targets).unwrap() - expected).abs() < 1e-15);
            // The unit of a kind's weights is of no consequence, nor is a trial without weight.
            let scaled = [targets.map(|(score, weight)| (score, weight / 7.0)).to_vec(), vec![(-9.0, 0.0)]].concat();
            assert!((weighted(&scaled, &non_targets).unwrap() - expected).abs() < 1e-14);
            for bad in [vec![], vec![(1.0, 0.0)], vec![(1.0, -1.0)], vec![(1.0, f64::INFINITY)], vec![(f64::NAN, 1.0)]]
            {
                assert!(weighted(&bad, &non_targets).is_err() && weighted(&targets, &bad).is_err(), "{bad:?}");
            }
        }
        assert!(weighted_cllr(&[(f64::NEG_INFINITY, 0.0), (1.0, 1.0)], &non_targets).unwrap().is_finite());
    }

    /// The definition, threshold by threshold, without a hull.
    fn least_cost_over_all_thresholds(targets: &[f64], non_targets: &[f64]) -> f64 {
        let share = |scores: &[f64], test: &dyn Fn(f64) -> bool| {
            scores.iter().filter(|score| test(**score)).count() as f64 / scores.len() as f64
        };
        let cost = |limit: f64| share(targets, &|s| s < limit) + 99.0 * share(non_targets, &|s| s >= limit);
        targets.iter().chain(non_targets).copied().chain([f64::INFINITY]).map(cost).fold(f64::INFINITY, f64::min)
    }

    proptest! {
        #[test]
        fn blind_to_monotone_maps_and_mirrored_by_sign(
            targets in prop::collection::vec(-3.0f64..5.0, 1..40),
            non_targets in prop::collection::vec(-5.0f64..3.0, 1..40),
        ) {
            let rate = equal_error_rate(&targets, &non_targets).unwrap();
            prop_assert!((0.0..=0.5 + 1e-12).contains(&rate));
            let cost = min_dcf(&targets, &non_targets).unwrap();
            prop_assert!((cost - least_cost_over_all_thresholds(&targets, &non_targets)).abs() < 1e-12);
            let least = cllr_min(&targets, &non_targets).unwrap();
            prop_assert!(least <= 1.0 + 1e-12 && least <= cllr(&targets, &non_targets).unwrap() + 1e-12);
            let map = |x: &[f64]| x.iter().map(|v| v.exp()).collect::<Vec<_>>();
            prop_assert!((rate - equal_error_rate(&map(&targets), &map(&non_targets)).unwrap()).abs() < 1e-12);
            prop_assert!((least - cllr_min(&map(&targets), &map(&non_targets)).unwrap()).abs() < 1e-12);
            let minus = |x: &[f64]| x.iter().map(|v| -v).collect::<Vec<_>>();
            prop_assert!((rate - equal_error_rate(&minus(&non_targets), &minus(&targets)).unwrap()).abs() < 1e-9);
        }
    }
}
