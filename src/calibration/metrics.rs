//! Error rates of a score on labelled trials.

use crate::error::{ErrorKind, Result};
use schemars::JsonSchema;
use serde::Serialize;

/// Equal error rate on the convex hull of the ROC, as a fraction of 1.
///
/// A *target* trial compares two clips of one voice, a *non-target* trial two voices. The hull joins the operating
/// points that some prior and cost make best; the rate is where misses and false alarms are equal on it (Brümmer and
/// de Villiers, "The BOSARIS toolkit", 2011). Unlike a crossing of steps it is well defined for any number of trials
/// and ties.
///
/// # Errors
/// [`ErrorKind::Insufficient`] without a target or a non-target trial, or where a score is not a number.
pub fn equal_error_rate(targets: &[f64], non_targets: &[f64]) -> Result<f64> {
    Ok(roc(targets, non_targets)?.equal_error_rate())
}

/// A figure and the interval in which it lies with 95 % confidence.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
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
    Ok(roc(targets, non_targets)?.min_dcf())
}

/// The upper-left convex hull of a ROC: false-alarm and miss rates of the thresholds that some prior and cost make
/// best, from refusing every trial to accepting every one.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct RocHull(Vec<(f64, f64)>);

impl RocHull {
    /// The hull of weighted trials in the order of falling scores; none where all weight is on one side.
    pub fn of(trials: impl Iterator<Item = WeightedTrial>) -> Option<Self> {
        let mut hull: Vec<(f64, f64)> = vec![(0.0, 0.0)];
        let (mut hits, mut false_alarms, mut last) = (0u64, 0u64, 0u64);
        for WeightedTrial { target, weight, ends } in trials {
            if target {
                hits += weight;
            } else {
                false_alarms += weight;
            }
            // Without a hit since the last point, the new one lies straight to the right of it: never a corner.
            if ends && hits > last {
                extend(&mut hull, (false_alarms as f64, hits as f64));
                last = hits;
            }
        }
        if false_alarms == 0 || hits == 0 {
            return None;
        }
        let (false_alarms, hits) = (false_alarms as f64, hits as f64);
        if hull.last() != Some(&(false_alarms, hits)) {
            extend(&mut hull, (false_alarms, hits));
        }
        hull.iter_mut().for_each(|(fa, hit)| (*fa, *hit) = (*fa / false_alarms, 1.0 - *hit / hits));
        Some(RocHull(hull))
    }

    /// Where misses and false alarms are equal on the hull, 0 to 0.5.
    pub fn equal_error_rate(&self) -> f64 {
        let crossing = self.0.windows(2).find_map(|edge| {
            let [(fa0, miss0), (fa1, miss1)] = [*edge.first()?, *edge.get(1)?];
            // On the edge, miss - false alarm falls from d0 >= 0 to d1; the rates are equal where it is 0.
            let (d0, d1) = (miss0 - fa0, miss1 - fa1);
            (d1 <= 0.0).then(|| fa0 + d0 / (d0 - d1) * (fa1 - fa0))
        });
        crossing.unwrap_or(0.5)
    }

    /// Least normalised detection cost, 0 to 1; see [`min_dcf`].
    pub fn min_dcf(&self) -> f64 {
        let cost = |(fa, miss): &(f64, f64)| TARGET_PRIOR * miss + (1.0 - TARGET_PRIOR) * fa;
        self.0.iter().map(cost).fold(f64::INFINITY, f64::min) / TARGET_PRIOR.min(1.0 - TARGET_PRIOR)
    }
}

/// A trial on its way into a hull.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WeightedTrial {
    /// Whether it compares two clips of one voice.
    pub target: bool,
    /// How often it counts.
    pub weight: u64,
    /// Whether the next score is another one, so that a threshold fits between.
    pub ends: bool,
}

/// Adds a corner, taking away those that it makes hollow.
fn extend(hull: &mut Vec<(f64, f64)>, point: (f64, f64)) {
    while let [.., a, b] = hull[..] {
        if (b.0 - a.0) * (point.1 - a.1) < (b.1 - a.1) * (point.0 - a.0) {
            break;
        }
        hull.pop();
    }
    hull.push(point);
}

/// The hull of plain scores.
pub(crate) fn roc(targets: &[f64], non_targets: &[f64]) -> Result<RocHull> {
    let count = format!("{} target and {} non-target trials", targets.len(), non_targets.len());
    let refused = |found| {
        let expected = "at least one of each, with finite scores".into();
        Err(ErrorKind::Insufficient { what: "error rates", found, expected }.into())
    };
    if !targets.iter().chain(non_targets).all(|score| score.is_finite()) {
        return refused(format!("{count}, some scores not finite"));
    }
    let mut trials: Vec<(f64, bool)> =
        targets.iter().map(|s| (*s, true)).chain(non_targets.iter().map(|s| (*s, false))).collect();
    trials.sort_by(|a, b| b.0.total_cmp(&a.0));
    let next = trials.iter().skip(1).map(|next| Some(next.0)).chain([None]);
    let weighted = trials.iter().zip(next).map(|((score, target), next)| WeightedTrial {
        target: *target,
        weight: 1,
        ends: next != Some(*score),
    });
    RocHull::of(weighted).map_or_else(|| refused(count), Ok)
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
    fn too_little_is_refused() {
        for (targets, non_targets) in [(vec![], vec![1.0]), (vec![1.0], vec![]), (vec![f64::NAN], vec![1.0])] {
            assert!(equal_error_rate(&targets, &non_targets).is_err());
            assert!(min_dcf(&targets, &non_targets).is_err());
        }
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
            let map = |x: &[f64]| x.iter().map(|v| v.exp()).collect::<Vec<_>>();
            prop_assert!((rate - equal_error_rate(&map(&targets), &map(&non_targets)).unwrap()).abs() < 1e-12);
            let minus = |x: &[f64]| x.iter().map(|v| -v).collect::<Vec<_>>();
            prop_assert!((rate - equal_error_rate(&minus(&non_targets), &minus(&targets)).unwrap()).abs() < 1e-9);
        }
    }
}
