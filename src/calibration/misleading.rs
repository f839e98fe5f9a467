//! Whether false alarms are as rare as the ratios promise.
//!
//! Of non-targets, at most one in `x` has a likelihood ratio of `x` or more, if the ratios are what they say (Good,
//! "Probability and the weighing of evidence", 1950, after Turing; Royall, "On the probability of observing misleading
//! statistical evidence", 2000).

use super::weighted::{fault, total};
use crate::error::{ErrorKind, Result, Shortage};

/// How many times more non-targets mislead than ratios promise: the greatest, over the thresholds `x` of 1 and more at
/// which there is a ratio, of `x` times the weighted share of the non-targets with a ratio of `x` or more.
///
/// `non_targets` are natural-log likelihood ratios with their weights, 0 or more. Ratios that are what they say have at
/// most 1, but for the chance of a sample: a single non-target with a ratio above their number already has more. 0
/// where no ratio is 1 or more, infinite where one is.
///
/// # Errors
/// [`ErrorKind::Insufficient`] without weight on a non-target, where a ratio is not a
/// number, or a weight is negative or not finite.
pub fn misleading_excess(non_targets: &[(f64, f64)]) -> Result<f64> {
    if let Some(remark) = fault(non_targets, |llr| !llr.is_nan()) {
        let found = format!("{} non-target trials{remark}", non_targets.len());
        let expected = "at least one, with weight, and with finite scores and weights".into();
        return Err(ErrorKind::Insufficient { what: Shortage::Figure("misleading ratios"), found, expected }.into());
    }
    let mut falling: Vec<(f64, f64)> = non_targets.iter().copied().filter(|t| t.0 >= 0.0 && t.1 > 0.0).collect();
    falling.sort_by(|a, b| b.0.total_cmp(&a.0));
    let mut above = 0.0;
    // Before the last of equal ratios the sum is too small, which the greatest does not mind.
    let excess = falling.iter().map(|(llr, weight)| {
        above += weight;
        llr.exp() * above
    });
    Ok(excess.fold(0.0, f64::max) / total(non_targets))
}

#[cfg(test)]
mod tests {
    use super::super::interval::normal_quantile;
    use super::super::weighted::even;
    use super::*;

    /// The quantiles of non-target ratios of an ideal system with this variance, `times` as strong.
    fn gaussian(s2: f64, times: f64) -> Vec<(f64, f64)> {
        let quantile = |i: u32| normal_quantile((f64::from(i) + 0.5) / 20_000.0);
        (0..20_000).map(|i| (times * (-s2 / 2.0 + s2.sqrt() * quantile(i)), 1.0)).collect()
    }

    #[test]
    fn calibrated_ratios_mislead_no_more_than_they_say() {
        for s2 in [1.0, 4.0, 9.0, 16.0] {
            let calibrated = misleading_excess(&gaussian(s2, 1.0)).unwrap();
            assert!(0.0 < calibrated && calibrated < 1.0, "{s2}: {calibrated}");
            assert!(misleading_excess(&gaussian(s2, 0.5)).unwrap() <= calibrated, "too weak is not misleading");
            let overstated = misleading_excess(&gaussian(s2, 2.0)).unwrap();
            assert!(overstated > 1.5 * calibrated, "{s2}: {overstated}");
            // Ratios near 1 stay below it even so: most of their non-targets are far from what they would need.
            assert_eq!(overstated > 1.0, s2 > 1.0, "{s2}: {overstated}");
        }
    }

    #[test]
    fn known_answers() {
        let of = |ratios: &[f64]| misleading_excess(&even(&ratios.iter().map(|x| x.ln()).collect::<Vec<_>>())).unwrap();
        // At 8, one of four: 2. At 3, three of four: 9 / 4.
        assert!((of(&[8.0, 3.0, 3.0, 0.1]) - 2.25).abs() < 1e-12);
        assert_eq!((of(&[0.5, 0.9]), of(&[1.0, 0.5]), of(&[f64::INFINITY, 0.5])), (0.0, 0.5, f64::INFINITY));
        // Half of the weight at 8.
        let weighted = misleading_excess(&[(8f64.ln(), 3.0), (-1.0, 2.0), (-2.0, 1.0), (9.0, 0.0)]).unwrap();
        assert!((weighted - 4.0).abs() < 1e-12);
        for bad in [vec![], vec![(1.0, 0.0)], vec![(f64::NAN, 1.0)], vec![(1.0, -1.0)], vec![(1.0, f64::NAN)]] {
            assert!(misleading_excess(&bad).is_err(), "{bad:?}");
        }
    }
}
