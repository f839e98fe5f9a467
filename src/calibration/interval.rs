//! The 95 % interval of a figure from its resamples: bias-corrected and accelerated where that is defined; and what its
//! upper end is at least where the trials hold no error, for then their resamples have none either.

use super::metrics::{Estimate, detection_cost};
use statrs::function::erf::{erfc, erfc_inv};
use std::f64::consts::SQRT_2;

/// Share of the distribution below the interval, and above it.
const TAIL: f64 = 0.025;

/// The BCa interval (Efron, "Better bootstrap confidence intervals", 1987): the quantiles of the resampled figures at
/// levels that allow for the bias of the figure and for a spread that depends on it. The bias comes from the share of
/// resamples below the point (half of those equal to it count), the spread from the figures `left_out` of the
/// jackknife.
///
/// Where that is not defined (all resamples on one side, no jackknife or one without spread) it is the percentile
/// interval, and without a resample it is `range`. It always holds the point.
pub(super) fn interval(point: f64, mut resampled: Vec<f64>, left_out: Option<&[f64]>, range: (f64, f64)) -> Estimate {
    resampled.sort_by(f64::total_cmp);
    let levels = left_out.and_then(|left_out| levels(point, &resampled, left_out)).unwrap_or((TAIL, 1.0 - TAIL));
    let at = |share: f64| {
        let index = (share * resampled.len() as f64) as usize;
        resampled.get(index.min(resampled.len().saturating_sub(1))).copied()
    };
    let (low, high) = (at(levels.0).unwrap_or(range.0), at(levels.1).unwrap_or(range.1));
    Estimate { point, low: low.min(point), high: high.max(point) }
}

/// The levels at which the sorted resamples are read; none where they are not defined.
fn levels(point: f64, resampled: &[f64], left_out: &[f64]) -> Option<(f64, f64)> {
    // Where all are equal there is nothing to correct.
    if resampled.first() == resampled.last() {
        return None;
    }
    let below = resampled.partition_point(|x| *x < point);
    let equal = resampled.partition_point(|x| *x <= point) - below;
    let bias = normal_quantile((below as f64 + 0.5 * equal as f64) / resampled.len() as f64);
    let acceleration = acceleration(left_out)?;
    let level = |z: f64| {
        let shifted = bias + z;
        let scale = 1.0 - acceleration * shifted;
        (bias.is_finite() && scale > 0.0).then(|| normal_cdf(bias + shifted / scale))
    };
    let end = normal_quantile(TAIL);
    Some((level(end)?, level(-end)?))
}

/// A sixth of the skewness of the jackknife's figures, turned round (Efron and Tibshirani 1993, equation 14.15).
fn acceleration(left_out: &[f64]) -> Option<f64> {
    let mean = left_out.iter().sum::<f64>() / left_out.len() as f64;
    let sum = |power: i32| left_out.iter().map(|x| (mean - x).powi(power)).sum::<f64>();
    let acceleration = sum(3) / (6.0 * sum(2).powf(1.5));
    acceleration.is_finite().then_some(acceleration)
}

/// How many speakers have trials of either kind. Trials that share a speaker are not independent, so that these are
/// what an exact limit counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Independent {
    /// Speakers in pairs of one voice.
    pub targets: usize,
    /// Speakers in pairs of two voices, on either side.
    pub non_targets: usize,
}

/// What the upper ends of the equal error rate, of the least detection cost and of Cllr_min are at least, each 0 to 1:
/// those of a system that made no error with any of so many speakers.
///
/// The rate is the limit at the smaller number of speakers; the cost is that of a miss and a false alarm rate at their
/// limits; Cllr_min is that of a system that errs with the rate on both sides and says no more than on which side of
/// its threshold a score lies, the binary entropy of the rate.
pub(super) fn least_upper_ends(speakers: Independent) -> [f64; 3] {
    let rate = no_error_limit(speakers.targets.min(speakers.non_targets));
    let cost = detection_cost(no_error_limit(speakers.non_targets), no_error_limit(speakers.targets));
    [rate, cost.min(1.0), binary_entropy(rate.min(0.5))]
}

/// Upper end of the exact 95 % interval of a rate, where `n` independent units showed no error: the rate at which that
/// has a probability of 0.025 (Clopper and Pearson, "The use of confidence or fiducial limits illustrated in the case of
/// the binomial", Biometrika 26, 1934). 1 for no unit.
fn no_error_limit(n: usize) -> f64 {
    // 1 - 0.025^(1 / n), without loss where it is small.
    -(TAIL.ln() / n as f64).exp_m1()
}

/// Entropy of an event with this probability, in bits.
fn binary_entropy(rate: f64) -> f64 {
    let term = |p: f64| if p > 0.0 { -p * p.log2() } else { 0.0 };
    term(rate) + term(1.0 - rate)
}

/// Share of the standard normal distribution below `x`.
pub(super) fn normal_cdf(x: f64) -> f64 {
    0.5 * erfc(-x / SQRT_2)
}

/// The standard normal distribution's quantile: infinite at 0 and 1.
pub(crate) fn normal_quantile(share: f64) -> f64 {
    -SQRT_2 * erfc_inv(2.0 * share)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ends(estimate: Estimate) -> (f64, f64) {
        (estimate.low, estimate.high)
    }

    #[test]
    fn the_normal_distribution_has_its_known_values() {
        assert!((normal_cdf(1.959_963_984_540_054) - 0.975).abs() < 1e-10);
        assert!((normal_quantile(0.025) + 1.959_963_984_540_054).abs() < 1e-10);
        assert_eq!((normal_quantile(0.0), normal_quantile(1.0)), (f64::NEG_INFINITY, f64::INFINITY));
    }

    #[test]
    fn no_error_in_a_few_is_not_no_error() {
        // qbeta(0.975, 1, n), the limit of Clopper and Pearson, is 1 - 0.025^(1/n) in closed form.
        for (n, expected) in [(1, 0.975), (8, 1.0 - 0.025f64.powf(0.125)), (0, 1.0)] {
            assert!((no_error_limit(n) - expected).abs() < 1e-15, "{n}");
        }
        assert!((no_error_limit(8) - 0.3694).abs() < 5e-5);
        // The rule of three, at 97.5 %: 3.69 / n.
        assert!((no_error_limit(1_000_000) * 1e6 - 3.688_88).abs() < 1e-4);
        let of = |targets, non_targets| least_upper_ends(Independent { targets, non_targets });
        let [rate, cost, least] = of(8, 1000);
        assert_eq!((rate, of(1000, 8)[0]), (no_error_limit(8), rate));
        assert!((cost - (rate + 99.0 * no_error_limit(1000))).abs() < 1e-12, "{cost}");
        assert!((least - 0.9503).abs() < 5e-4, "{least}");
        assert_eq!(of(8, 8)[1], 1.0);
        assert_eq!((of(2, 2)[2], of(0, 9)), (1.0, [1.0; 3]), "a rate above one half tells nothing");
    }

    #[test]
    fn the_entropy_is_the_least_cllr_of_errors_on_both_sides() {
        // One error in eight on both sides.
        let scores = |high: usize| [vec![1.0; high], vec![0.0; 8 - high]].concat();
        let least = crate::calibration::metrics::cllr_min(&scores(7), &scores(1)).unwrap();
        assert!((binary_entropy(0.125) - least).abs() < 1e-15, "{least}");
    }

    #[test]
    fn without_bias_and_skewness_it_is_the_percentile_interval() {
        let resampled: Vec<f64> = (0..1000).map(f64::from).collect();
        let percentile = interval(499.5, resampled.clone(), None, (0.0, 1.0));
        assert_eq!(ends(percentile), (25.0, 975.0));
        let corrected = interval(499.5, resampled, Some(&[1.0, 2.0, 3.0]), (0.0, 1.0));
        assert!((corrected.low - 25.0).abs() <= 1.0 && (corrected.high - 975.0).abs() <= 1.0, "{corrected:?}");
    }

    #[test]
    fn bias_and_skewness_move_both_ends() {
        // 0.6 of the resamples below: z0 = 0.253347. The figures 1, 1, 4: a = -0.068041. By the formula in SciPy 1.17.1
        // the levels are 0.046724 and 0.985258.
        let resampled: Vec<f64> = (0..10_000).map(f64::from).collect();
        let estimate = interval(5999.5, resampled, Some(&[1.0, 1.0, 4.0]), (0.0, 1.0));
        assert_eq!(ends(estimate), (467.0, 9852.0));
    }

    #[test]
    fn where_it_is_not_defined_the_percentiles_stand() {
        let resampled = vec![1.0, 2.0, 3.0, 4.0];
        for (point, left_out) in [(0.0, Some(&[1.0, 2.0][..])), (2.5, Some(&[1.0, 1.0])), (2.5, Some(&[])), (2.5, None)]
        {
            assert_eq!(ends(interval(point, resampled.clone(), left_out, (0.0, 9.0))), (point.min(1.0), 4.0));
        }
        assert_eq!(ends(interval(2.0, vec![2.0; 9], Some(&[1.0, 2.0]), (0.0, 9.0))), (2.0, 2.0));
        assert_eq!(ends(interval(0.5, vec![], Some(&[1.0, 2.0]), (0.0, 1.0))), (0.0, 1.0), "no resample");
    }
}
