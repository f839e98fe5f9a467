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
    let finite = targets.iter().chain(non_targets).all(|score| score.is_finite());
    if targets.is_empty() || non_targets.is_empty() || !finite {
        let count = format!("{} target and {} non-target trials", targets.len(), non_targets.len());
        let found = if finite { count } else { format!("{count}, some scores not finite") };
        let expected = "at least one of each, with finite scores".into();
        return Err(ErrorKind::Insufficient { what: "equal error rate", found, expected }.into());
    }
    let mut trials: Vec<(f64, bool)> =
        targets.iter().map(|s| (*s, true)).chain(non_targets.iter().map(|s| (*s, false))).collect();
    trials.sort_by(|a, b| b.0.total_cmp(&a.0));
    Ok(eer_of_sorted(trials.into_iter().map(|(score, target)| (score, target, 1.0))).unwrap_or(0.5))
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

/// Equal error rate of weighted trials `(score, target, weight)` in the order of falling scores; none where all weight
/// is on one side.
pub(crate) fn eer_of_sorted(trials: impl Iterator<Item = (f64, bool, f64)>) -> Option<f64> {
    let hull = roc_hull(trials);
    let (false_alarms, hits) = hull.last().copied()?;
    if !(false_alarms > 0.0 && hits > 0.0) {
        return None;
    }
    let rates = |(fa, hit): (f64, f64)| (fa / false_alarms, 1.0 - hit / hits);
    hull.windows(2).find_map(|edge| {
        let [(fa0, miss0), (fa1, miss1)] = [rates(*edge.first()?), rates(*edge.get(1)?)];
        // On the edge, miss - false alarm falls from d0 >= 0 to d1; the rates are equal where it is 0.
        let (d0, d1) = (miss0 - fa0, miss1 - fa1);
        (d1 <= 0.0).then(|| fa0 + d0 / (d0 - d1) * (fa1 - fa0))
    })
}

/// Upper-left convex hull of the accumulated weights (non-targets, targets) above a threshold, from (0, 0) to all.
fn roc_hull(trials: impl Iterator<Item = (f64, bool, f64)>) -> Vec<(f64, f64)> {
    let mut hull: Vec<(f64, f64)> = vec![(0.0, 0.0)];
    let (mut hits, mut false_alarms) = (0.0, 0.0);
    let mut trials = trials.peekable();
    while let Some((score, target, weight)) = trials.next() {
        if target {
            hits += weight
        } else {
            false_alarms += weight
        }
        if trials.peek().is_some_and(|next| next.0 == score) {
            continue;
        }
        let point = (false_alarms, hits);
        while let [.., a, b] = hull[..] {
            if (b.0 - a.0) * (point.1 - a.1) < (b.1 - a.1) * (point.0 - a.0) {
                break;
            }
            hull.pop();
        }
        if hull.last() != Some(&point) {
            hull.push(point);
        }
    }
    hull
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
        }
    }

    proptest! {
        #[test]
        fn blind_to_monotone_maps_and_mirrored_by_sign(
            targets in prop::collection::vec(-3.0f64..5.0, 1..40),
            non_targets in prop::collection::vec(-5.0f64..3.0, 1..40),
        ) {
            let rate = equal_error_rate(&targets, &non_targets).unwrap();
            prop_assert!((0.0..=0.5 + 1e-12).contains(&rate));
            let map = |x: &[f64]| x.iter().map(|v| v.exp()).collect::<Vec<_>>();
            prop_assert!((rate - equal_error_rate(&map(&targets), &map(&non_targets)).unwrap()).abs() < 1e-12);
            let minus = |x: &[f64]| x.iter().map(|v| -v).collect::<Vec<_>>();
            prop_assert!((rate - equal_error_rate(&minus(&non_targets), &minus(&targets)).unwrap()).abs() < 1e-9);
        }
    }
}
