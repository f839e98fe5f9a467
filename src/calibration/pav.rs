//! Pooling adjacent violators: the rising map of scores to log-likelihood ratios that fits labelled trials best.
//!
//! Trials are sorted by score and put together in blocks until the share of targets rises from block to block; a
//! block's ratio is that of its shares of all targets and of all non-targets (Zadrozny and Elkan 2002; Brümmer and du
//! Preez 2006). Nothing is assumed of the shape of the map, which makes it the yardstick of calibration ([`pav_llrs`])
//! and, with few trials, a coarse calibrator ([`Pav`]).

use super::table::Table;
use super::weighted::{check, even, total};
use crate::error::Result;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A calibrator with bounded ratios.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Pav(Table);

impl Pav {
    /// Fits the map to scores with their weights, 0 or more. Each kind of trial has the same weight in all.
    ///
    /// A block with one kind of trial only would have an infinite ratio. So one misleading trial of each kind is added,
    /// a non-target above all scores and a target below, with the mean weight of its kind: with `n` trials of a kind a
    /// ratio can reach about `n + 1`. This is what `lir`'s `IsotonicCalibrator(add_misleading=1)` does.
    ///
    /// # Errors
    /// [`ErrorKind::Insufficient`](crate::ErrorKind::Insufficient) without weight on a target or a non-target, or where a number is not finite.
    pub fn fit(targets: &[(f64, f64)], non_targets: &[(f64, f64)]) -> Result<Self> {
        let mut trials = sorted(targets, non_targets)?;
        let mean = |trials: &[(f64, f64)]| total(trials) / trials.len() as f64;
        let ends = trials.first().zip(trials.last()).map(|(first, last)| (first.score, last.score));
        if let Some((low, high)) = ends {
            let target = WeightedScore { score: low - 1.0, target: mean(targets), non_target: 0.0 };
            trials.insert(0, target);
            trials.push(WeightedScore { score: high + 1.0, target: 0.0, non_target: mean(non_targets) });
        }
        let mut knots: Vec<[f64; 2]> = Vec::new();
        for block in blocks(&trials) {
            knots.push([block.first, block.llr]);
            if block.first < block.last {
                knots.push([block.last, block.llr]);
            }
        }
        Ok(Pav(Table::try_from(knots)?))
    }

    /// The natural-log likelihood ratio of a score; none where it is not a number. Within a block it is that of the
    /// block; between two, the probability of a target at even odds is interpolated, as `lir` does.
    pub fn apply(&self, score: f64) -> Option<f64> {
        let (low, high, share) = self.0.around(score)?;
        if low == high {
            return Some(low);
        }
        let probability = |llr: f64| 1.0 / (1.0 + (-llr).exp());
        // Both sides by themselves: a probability close to 1 has lost the digits of its complement.
        let mix = |sign: f64| (1.0 - share) * probability(sign * low) + share * probability(sign * high);
        Some((mix(1.0) / mix(-1.0)).ln())
    }

    /// The corners of the map.
    pub fn table(&self) -> &Table {
        &self.0
    }
}

/// The ratios that pooling gives the trials themselves, in their order, in natural logarithms: the best that a rising
/// map could have made of these scores. Infinite where all trials of one kind lie beyond all of the other. Their Cllr
/// is [`cllr_min`](super::metrics::cllr_min).
///
/// # Errors
/// [`ErrorKind::Insufficient`](crate::ErrorKind::Insufficient) without a target or a non-target, or where a score is not finite.
pub fn pav_llrs(targets: &[f64], non_targets: &[f64]) -> Result<(Vec<f64>, Vec<f64>)> {
    let blocks = blocks(&sorted(&even(targets), &even(non_targets))?);
    let llr = |score: &f64| {
        let index = blocks.partition_point(|block| block.last < *score);
        blocks.get(index).map_or(0.0, |block| block.llr)
    };
    Ok((targets.iter().map(llr).collect(), non_targets.iter().map(llr).collect()))
}

/// The weight of each kind at one score.
struct WeightedScore {
    score: f64,
    target: f64,
    non_target: f64,
}

/// All scores that have weight, each once, rising.
fn sorted(targets: &[(f64, f64)], non_targets: &[(f64, f64)]) -> Result<Vec<WeightedScore>> {
    check("pooling of adjacent violators", targets, non_targets, f64::is_finite)?;
    let target = targets.iter().map(|(score, w)| WeightedScore { score: *score, target: *w, non_target: 0.0 });
    let other = non_targets.iter().map(|(score, w)| WeightedScore { score: *score, target: 0.0, non_target: *w });
    let mut all: Vec<WeightedScore> = target.chain(other).filter(|t| t.target + t.non_target > 0.0).collect();
    all.sort_by(|a, b| a.score.total_cmp(&b.score));
    all.dedup_by(|next, kept| {
        let same = next.score == kept.score;
        if same {
            (kept.target, kept.non_target) = (kept.target + next.target, kept.non_target + next.non_target);
        }
        same
    });
    Ok(all)
}

/// Scores with one ratio.
struct Block {
    first: f64,
    last: f64,
    llr: f64,
}

/// Pools sorted scores.
fn blocks(trials: &[WeightedScore]) -> Vec<Block> {
    struct Pool {
        first: f64,
        last: f64,
        target: f64,
        non_target: f64,
    }
    let mut pools: Vec<Pool> = Vec::new();
    for trial in trials {
        let (target, non_target) = (trial.target, trial.non_target);
        let mut next = Pool { first: trial.score, last: trial.score, target, non_target };
        // While the block before has no smaller share of targets.
        while let Some(before) =
            pools.pop_if(|before| before.target * next.non_target >= next.target * before.non_target)
        {
            next.first = before.first;
            next.target += before.target;
            next.non_target += before.non_target;
        }
        pools.push(next);
    }
    let (targets, non_targets) = trials.iter().fold((0.0, 0.0), |sum, t| (sum.0 + t.target, sum.1 + t.non_target));
    let llr = |pool: &Pool| (pool.target / targets).ln() - (pool.non_target / non_targets).ln();
    // Rounding must not make a ratio fall where two blocks have the same.
    let mut highest = f64::NEG_INFINITY;
    let block = |pool: &Pool| {
        highest = highest.max(llr(pool));
        Block { first: pool.first, last: pool.last, llr: highest }
    };
    pools.iter().map(block).collect()
}

#[cfg(test)]
mod tests {
    use super::super::metrics::{cllr, cllr_min};
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_blocks() {
        let infinite = f64::INFINITY;
        // A pair in the wrong order is pooled: one of three targets and one of three non-targets.
        let (targets, non_targets) = pav_llrs(&[2.0, 4.0, 5.0], &[0.0, 3.0, 1.0]).unwrap();
        assert_eq!((targets, non_targets), (vec![0.0, infinite, infinite], vec![-infinite, 0.0, -infinite]));
        // Ties: two of three targets against one of two non-targets at 1.
        let (targets, non_targets) = pav_llrs(&[1.0, 1.0, 2.0], &[1.0, 0.0]).unwrap();
        assert!((targets[0] - (4.0f64 / 3.0).ln()).abs() < 1e-15 && targets[0] == targets[1]);
        assert_eq!((targets[2], non_targets[0], non_targets[1]), (infinite, targets[0], -infinite));
        // All in the wrong order: one block that says nothing.
        assert_eq!(pav_llrs(&[0.0, 1.0], &[2.0, 3.0]).unwrap(), (vec![0.0; 2], vec![0.0; 2]));
    }

    #[test]
    fn one_misleading_trial_of_each_kind_bounds_the_map() {
        let pav = Pav::fit(&even(&[2.0, 3.0, 4.0]), &even(&[0.0, 1.0])).unwrap();
        // Below: one of four targets, two of three non-targets. Above: three of four and one of three.
        let (low, high) = ((0.25f64 / (2.0 / 3.0)).ln(), (0.75f64 * 3.0).ln());
        for (score, llr) in [(-9.0, low), (0.0, low), (1.0, low), (2.0, high), (4.0, high), (99.0, high)] {
            assert!((pav.apply(score).unwrap() - llr).abs() < 1e-14, "{score}");
        }
        assert_eq!(pav.table().knots().len(), 4);
        let probability = |llr: f64| 1.0 / (1.0 + (-llr).exp());
        let middle = probability(pav.apply(1.25).unwrap());
        assert!((middle - (0.75 * probability(low) + 0.25 * probability(high))).abs() < 1e-14);
        assert_eq!(pav.apply(f64::NAN), None);
        let json = serde_json::to_string(&pav).unwrap();
        assert_eq!(serde_json::from_str::<Pav>(&json).unwrap(), pav);
    }

    #[test]
    fn what_cannot_be_pooled_is_refused() {
        assert!(Pav::fit(&[], &even(&[1.0])).is_err() && Pav::fit(&even(&[1.0]), &[(0.0, 0.0)]).is_err());
        assert!(
            Pav::fit(&even(&[f64::NAN]), &even(&[1.0])).is_err() && Pav::fit(&[(1.0, -1.0)], &even(&[1.0])).is_err()
        );
        assert!(pav_llrs(&[], &[1.0]).is_err() && pav_llrs(&[1.0], &[f64::INFINITY]).is_err());
    }

    proptest! {
        #[test]
        fn blocks_are_the_edges_of_the_hull_and_cost_least(
            targets in prop::collection::vec((-3i8..6).prop_map(f64::from), 1..40),
            non_targets in prop::collection::vec((-6i8..3).prop_map(f64::from), 1..40),
            by in 0.1f64..9.0,
        ) {
            let (a, b) = pav_llrs(&targets, &non_targets).unwrap();
            let least = cllr_min(&targets, &non_targets).unwrap();
            prop_assert!((cllr(&a, &b).unwrap() - least).abs() < 1e-12);
            // The map rises, is bounded by the numbers of trials, and does not depend on the unit of weight.
            let pav = Pav::fit(&even(&targets), &even(&non_targets)).unwrap();
            let most = |n: usize| (n as f64 + 1.0).ln() + 1e-12;
            let llrs: Vec<f64> = (-80..80).map(|x| pav.apply(f64::from(x) / 10.0).unwrap()).collect();
            prop_assert!(llrs.is_sorted_by(|a, b| *a <= *b + 1e-12));
            prop_assert!(llrs.iter().all(|x| -most(targets.len()) <= *x && *x <= most(non_targets.len())));
            let heavy = |scores: &[f64]| scores.iter().map(|score| (*score, by)).collect::<Vec<_>>();
            let scaled = Pav::fit(&heavy(&targets), &heavy(&non_targets)).unwrap();
            for x in targets.iter().chain(&non_targets) {
                prop_assert!((scaled.apply(*x).unwrap() - pav.apply(*x).unwrap()).abs() < 1e-9);
            }
        }
    }
}
