//! How far a likelihood ratio may be believed: empirical bounds against extrapolation.
//!
//! With few trials, ratios far from 1 rest on the assumed shape of distributions and not on trials (Vergeer, van Es, de
//! Jongh, Alberink and Stoel, "Numerical likelihood ratios outputted by LR systems are often based on extrapolation:
//! When to stop extrapolating?", 2016).

use crate::error::{ErrorKind, Result, Shortage};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::f64::consts::LN_10;

/// Distance of the thresholds that are tried, in powers of 10, as in the authors' program.
const STEP: f64 = 0.01;
/// What ratios are at most and at least here, in powers of 10; infinite ones are this.
const EXTREME: f64 = 9.0;

/// The range in which log-likelihood ratios are supported by trials, in natural logarithms.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Bounds {
    /// The least ratio, 0 or below.
    pub lower: f64,
    /// The greatest ratio, 0 or above.
    pub upper: f64,
}

impl Bounds {
    /// The empirical lower and upper bound (ELUB) of a system, from its natural-log likelihood ratios on labelled
    /// trials: the widest range around 1 at whose thresholds the system decides no worse than a system that says
    /// nothing, even with one more trial of each kind that misleads by any amount. `lir` 1.3.1 does the same.
    ///
    /// # Errors
    /// [`ErrorKind::Insufficient`] without a target or a non-target, or where a ratio is not a number.
    pub fn elub(targets: &[f64], non_targets: &[f64]) -> Result<Self> {
        let [targets, non_targets] = [sorted(targets), sorted(non_targets)];
        let ends = |llrs: &[f64]| llrs.first().copied().zip(llrs.last().copied());
        let finite = targets.iter().chain(&non_targets).all(|llr| llr.is_finite());
        let (Some(a), Some(b), true) = (ends(&targets), ends(&non_targets), finite) else {
            let found = format!("{} target and {} non-target ratios", targets.len(), non_targets.len());
            let expected = "at least one of each, with a number for each".into();
            return Err(ErrorKind::Insufficient {
                what: Shortage::Figure("bounds of likelihood ratios"),
                found,
                expected,
            }
            .into());
        };
        // A ratio beyond the number of trials and one can never be supported.
        let most = |llrs: &[f64]| (llrs.len() as f64 + 1.0).log10();
        let lowest = steps_below(a.0.min(b.0).max(-most(&targets))).min(0);
        let highest = (steps_below(a.1.max(b.1).min(most(&non_targets))) + 1).max(0);
        let worse = |step: &i32| utility_ratio(&targets, &non_targets, f64::from(*step) * STEP) < 1.0;
        let lower = (lowest..=0).rev().find(worse).map_or(lowest, |step| (step + 1).min(0));
        let upper = (0..=highest).find(worse).map_or(highest, |step| (step - 1).max(0));
        let natural = |step: i32| f64::from(step) * STEP * LN_10;
        Ok(Bounds { lower: natural(lower), upper: natural(upper) })
    }

    /// The ratio, or the bound that it lies beyond.
    pub fn clip(&self, llr: f64) -> f64 {
        // Not by max and min, which would turn what is not a number into a bound.
        match llr {
            llr if llr < self.lower => self.lower,
            llr if llr > self.upper => self.upper,
            llr => llr,
        }
    }
}

/// Ratios in powers of 10, rising, without extremes.
fn sorted(llrs: &[f64]) -> Vec<f64> {
    let mut llrs: Vec<f64> =
        llrs.iter().map(|llr| if llr.is_nan() { f64::NAN } else { (llr / LN_10).clamp(-EXTREME, EXTREME) }).collect();
    llrs.sort_by(f64::total_cmp);
    llrs
}

/// Number of whole steps up to a value.
fn steps_below(value: f64) -> i32 {
    ((value - value.rem_euclid(STEP)) / STEP).round() as i32
}

/// What deciding without the system costs at a threshold, over what deciding with it costs, where the costs make that
/// threshold best: misses count 1, false alarms the threshold.
fn utility_ratio(targets: &[f64], non_targets: &[f64], threshold: f64) -> f64 {
    let odds = 10f64.powf(threshold);
    let accepted = |llrs: &[f64]| (llrs.len() - llrs.partition_point(|llr| *llr <= threshold)) as f64;
    let with_one_more = |accepted: f64, llrs: &[f64]| accepted / (llrs.len() as f64 + 1.0);
    let neutral = if threshold < 0.0 { odds } else { 1.0 };
    let misses = 1.0 - with_one_more(accepted(targets), targets);
    neutral / (misses + odds * with_one_more(accepted(non_targets) + 1.0, non_targets))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn separated_ratios_are_bounded_by_the_number_of_trials() {
        // 9 and 99 trials: a false alarm in 100 is worth a ratio below 100 at which no target is missed but the added
        // one of 10: 1 / (0.1 + LR / 100) >= 1 up to 90.
        let bounds = Bounds::elub(&[20.0; 9], &[-20.0; 99]).unwrap();
        assert!((bounds.upper - 90f64.ln()).abs() < STEP * LN_10, "{bounds:?}");
        // LR / (0.1 + LR / 100) >= 1 from 0.1 / 0.99 on.
        assert!((bounds.lower - (0.1f64 / 0.99).ln()).abs() < STEP * LN_10, "{bounds:?}");
        assert_eq!((bounds.clip(99.0), bounds.clip(-99.0), bounds.clip(0.5)), (bounds.upper, bounds.lower, 0.5));
        assert!(bounds.clip(f64::NAN).is_nan());
        let infinite = Bounds::elub(&[f64::INFINITY; 9], &[f64::NEG_INFINITY; 99]).unwrap();
        assert_eq!(infinite, Bounds::elub(&[25.0; 9], &[-25.0; 99]).unwrap());
    }

    #[test]
    fn a_bad_system_may_say_nothing() {
        assert_eq!(Bounds::elub(&[-3.0; 20], &[3.0; 20]).unwrap(), Bounds { lower: 0.0, upper: 0.0 });
        assert!(Bounds::elub(&[], &[0.0]).is_err() && Bounds::elub(&[f64::NAN], &[0.0]).is_err());
    }

    proptest! {
        #[test]
        fn bounds_lie_around_0(
            targets in prop::collection::vec(-5.0f64..9.0, 1..50),
            non_targets in prop::collection::vec(-9.0f64..5.0, 1..50),
        ) {
            let bounds = Bounds::elub(&targets, &non_targets).unwrap();
            prop_assert!(bounds.lower <= 0.0 && 0.0 <= bounds.upper);
            let most = |n: usize| (n as f64 + 1.0).ln() + STEP * LN_10;
            prop_assert!(-most(targets.len()) <= bounds.lower && bounds.upper <= most(non_targets.len()));
        }
    }
}
