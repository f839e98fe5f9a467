//! How far a likelihood ratio may be believed: empirical bounds against extrapolation.
//!
//! With few trials, ratios far from 1 rest on the assumed shape of distributions and not on trials (Vergeer, van Es, de
//! Jongh, Alberink and Stoel, "Numerical likelihood ratios outputted by LR systems are often based on extrapolation:
//! When to stop extrapolating?", 2016).

use super::weighted::{check, refused};
use crate::error::Result;
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
    /// Each ratio has a weight, 0 or more; the misleading trial has the weight 1. So the weights of a kind must add up
    /// to the number of its *independent* units: many trials of one speaker, or of one pair of speakers, are hardly more
    /// support than one, and have weights that add up to 1. Where all weights are 1, trials are the units.
    ///
    /// Neither bound lies farther from 1 than a ratio of `units + 1`: a limit for where even those units are fewer than
    /// they seem, as pairs are that share a speaker; infinite for none.
    ///
    /// # Errors
    /// [`ErrorKind::Insufficient`](crate::ErrorKind::Insufficient) without weight on a target or a non-target, where a
    /// ratio or `units` is not a number, a weight is not finite, or one of both is negative.
    pub fn elub(targets: &[(f64, f64)], non_targets: &[(f64, f64)], units: f64) -> Result<Self> {
        const FIGURE: &str = "bounds of likelihood ratios";
        check(FIGURE, targets, non_targets, |llr| !llr.is_nan())?;
        let [sums, others] = [Accepted::of(targets), Accepted::of(non_targets)];
        let (Some(a), Some(b), true) = (sums.ends(), others.ends(), units >= 0.0) else {
            return Err(refused(FIGURE, targets, non_targets, &format!(", {units} units")));
        };
        // A ratio beyond the number of units and one can never be supported.
        let most = |side: &Accepted| (side.all + 1.0).log10();
        let lowest = steps_below(a.0.min(b.0).max(-most(&sums))).min(0);
        let highest = (steps_below(a.1.max(b.1).min(most(&others))) + 1).max(0);
        let worse = |step: &i32| utility_ratio(&sums, &others, f64::from(*step) * STEP) < 1.0;
        let lower = (lowest..=0).rev().find(worse).map_or(lowest, |step| (step + 1).min(0));
        let upper = (0..=highest).find(worse).map_or(highest, |step| (step - 1).max(0));
        let natural = |step: i32| f64::from(step) * STEP * LN_10;
        let limit = units.ln_1p();
        Ok(Bounds { lower: natural(lower).max(-limit), upper: natural(upper).min(limit) })
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

/// The ratios of one kind of trial, and how much weight lies above a threshold.
struct Accepted {
    /// Powers of 10, falling, without extremes, each with the weight of all up to it.
    falling: Vec<(f64, f64)>,
    /// All weight.
    all: f64,
}

impl Accepted {
    fn of(llrs: &[(f64, f64)]) -> Self {
        let weighted = llrs.iter().filter(|t| t.1 > 0.0);
        let mut falling: Vec<(f64, f64)> =
            weighted.map(|(llr, weight)| ((llr / LN_10).clamp(-EXTREME, EXTREME), *weight)).collect();
        falling.sort_by(|a, b| b.0.total_cmp(&a.0));
        let mut all = 0.0;
        for (_, weight) in &mut falling {
            all += *weight;
            *weight = all;
        }
        Accepted { falling, all }
    }

    /// The least ratio and the greatest.
    fn ends(&self) -> Option<(f64, f64)> {
        self.falling.last().zip(self.falling.first()).map(|(low, high)| (low.0, high.0))
    }

    /// Weight of the ratios above a threshold.
    fn above(&self, threshold: f64) -> f64 {
        let count = self.falling.partition_point(|t| t.0 > threshold);
        count.checked_sub(1).and_then(|last| self.falling.get(last)).map_or(0.0, |t| t.1)
    }
}

/// Number of whole steps up to a value.
fn steps_below(value: f64) -> i32 {
    ((value - value.rem_euclid(STEP)) / STEP).round() as i32
}

/// What deciding without the system costs at a threshold, over what deciding with it costs, where the costs make that
/// threshold best: misses count 1, false alarms the threshold.
fn utility_ratio(targets: &Accepted, non_targets: &Accepted, threshold: f64) -> f64 {
    let odds = 10f64.powf(threshold);
    let neutral = if threshold < 0.0 { odds } else { 1.0 };
    let misses = 1.0 - targets.above(threshold) / (targets.all + 1.0);
    let false_alarms = (non_targets.above(threshold) + 1.0) / (non_targets.all + 1.0);
    neutral / (misses + odds * false_alarms)
}

#[cfg(test)]
mod tests {
    use super::super::weighted::even;
    use super::*;
    use proptest::prelude::*;

    const NONE: f64 = f64::INFINITY;

    fn elub(targets: &[f64], non_targets: &[f64]) -> Result<Bounds> {
        Bounds::elub(&even(targets), &even(non_targets), NONE)
    }

    #[test]
    fn separated_ratios_are_bounded_by_the_number_of_trials() {
        // 9 and 99 trials: a false alarm in 100 is worth a ratio below 100 at which no target is missed but the added
        // one of 10: 1 / (0.1 + LR / 100) >= 1 up to 90.
        let bounds = elub(&[20.0; 9], &[-20.0; 99]).unwrap();
        assert!((bounds.upper - 90f64.ln()).abs() < STEP * LN_10, "{bounds:?}");
        // LR / (0.1 + LR / 100) >= 1 from 0.1 / 0.99 on.
        assert!((bounds.lower - (0.1f64 / 0.99).ln()).abs() < STEP * LN_10, "{bounds:?}");
        assert_eq!((bounds.clip(99.0), bounds.clip(-99.0), bounds.clip(0.5)), (bounds.upper, bounds.lower, 0.5));
        assert!(bounds.clip(f64::NAN).is_nan());
        let infinite = elub(&[f64::INFINITY; 9], &[f64::NEG_INFINITY; 99]).unwrap();
        assert_eq!(infinite, elub(&[25.0; 9], &[-25.0; 99]).unwrap());
    }

    #[test]
    fn a_bad_system_may_say_nothing() {
        assert_eq!(elub(&[-3.0; 20], &[3.0; 20]).unwrap(), Bounds { lower: 0.0, upper: 0.0 });
        assert!(elub(&[], &[0.0]).is_err() && elub(&[f64::NAN], &[0.0]).is_err());
    }

    #[test]
    fn many_trials_of_one_speaker_support_no_more_than_one() {
        // The same 9 and 99 units, of 50 trials each.
        let repeated = |llr: f64, units: usize| vec![(llr, 1.0 / 50.0); 50 * units];
        let by_unit = Bounds::elub(&repeated(20.0, 9), &repeated(-20.0, 99), NONE).unwrap();
        let one_each = elub(&[20.0; 9], &[-20.0; 99]).unwrap();
        assert!((by_unit.lower - one_each.lower).abs() < 1.5 * STEP * LN_10, "{by_unit:?}");
        assert!((by_unit.upper - one_each.upper).abs() < 1.5 * STEP * LN_10, "{by_unit:?}");
        let by_trial = elub(&[20.0; 9 * 50], &[-20.0; 99 * 50]).unwrap();
        assert!(by_trial.upper > one_each.upper + 3.0 && by_trial.lower < one_each.lower - 3.0);
        // Ratios without weight are no trials.
        let more = [repeated(20.0, 9), vec![(-20.0, 0.0); 500]].concat();
        assert_eq!(Bounds::elub(&more, &repeated(-20.0, 99), NONE).unwrap(), by_unit);
    }

    #[test]
    fn no_bound_lies_beyond_the_units() {
        let of = |units| Bounds::elub(&even(&[20.0; 1000]), &even(&[-20.0; 1000]), units);
        assert_eq!(of(30.0).unwrap(), Bounds { lower: -31f64.ln(), upper: 31f64.ln() });
        assert_eq!(of(0.0).unwrap(), Bounds { lower: 0.0, upper: 0.0 });
        assert!(of(NONE).unwrap().upper > 900f64.ln() && of(1e6).unwrap() == of(NONE).unwrap());
        assert!(of(f64::NAN).is_err() && of(-1.0).is_err());
        assert!(Bounds::elub(&[(1.0, f64::NAN)], &[(0.0, 1.0)], NONE).is_err());
        assert!(Bounds::elub(&[(1.0, 0.0)], &[(0.0, 1.0)], NONE).is_err());
    }

    proptest! {
        #[test]
        fn bounds_lie_around_0(
            targets in prop::collection::vec(-5.0f64..9.0, 1..50),
            non_targets in prop::collection::vec(-9.0f64..5.0, 1..50),
        ) {
            let bounds = elub(&targets, &non_targets).unwrap();
            prop_assert!(bounds.lower <= 0.0 && 0.0 <= bounds.upper);
            let most = |n: usize| (n as f64 + 1.0).ln() + STEP * LN_10;
            prop_assert!(-most(targets.len()) <= bounds.lower && bounds.upper <= most(non_targets.len()));
        }
    }
}
