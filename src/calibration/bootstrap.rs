//! How far a figure would move with other speakers: a bootstrap over speakers, with a fixed seed.
//!
//! Trials that share a speaker are not independent, so speakers are drawn with replacement, not trials. A pair of two
//! drawn speakers counts as often as both were drawn together.

use super::metrics::{ErrorRates, Estimate, RocHull, WeightedTrial, roc};
use crate::error::Result;

/// Number of resamples; the ends of a 95 % interval then rest on 25 each.
const RESAMPLES: usize = 1000;
/// Start of the random numbers; a fixed one, so that a figure can be recomputed to the bit.
const SEED: u64 = 0x5eed_0f50_u64;

/// Scored trials with the speakers they involve, numbered from 0.
#[derive(Clone, Debug, Default)]
pub struct Trials {
    /// Number of speakers.
    pub speakers: usize,
    /// Score and speaker of each pair of one voice.
    pub targets: Vec<(f64, usize)>,
    /// Score and speakers of each pair of two voices.
    pub non_targets: Vec<(f64, usize, usize)>,
}

/// A trial in the order of falling scores, without its score.
struct Ranked {
    target: bool,
    /// Whether the next score is another one.
    ends: bool,
    a: u32,
    b: u32,
}

/// Equal error rate and least detection cost, each with the 95 % percentile interval of one bootstrap over speakers.
/// Resamples without a target or a non-target trial are left out; where all are, the interval is 0 to 1.
///
/// # Errors
/// As [`equal_error_rate`](super::metrics::equal_error_rate).
pub fn error_rates(trials: &Trials) -> Result<ErrorRates> {
    let targets: Vec<f64> = trials.targets.iter().map(|t| t.0).collect();
    let non_targets: Vec<f64> = trials.non_targets.iter().map(|t| t.0).collect();
    let point = roc(&targets, &non_targets)?;
    let ranked = ranked(trials);
    let mut random = SplitMix(SEED);
    let (mut eer, mut min_dcf) = (Vec::with_capacity(RESAMPLES), Vec::with_capacity(RESAMPLES));
    let mut drawn = vec![0u32; trials.speakers];
    for _ in 0..RESAMPLES {
        drawn.fill(0);
        for _ in 0..trials.speakers {
            if let Some(count) = drawn.get_mut(random.below(trials.speakers)) {
                *count += 1;
            }
        }
        let count = |speaker: u32| drawn.get(speaker as usize).copied().map_or(0, u64::from);
        let weighted = ranked.iter().map(|trial| WeightedTrial {
            target: trial.target,
            weight: if trial.target { count(trial.a) } else { count(trial.a) * count(trial.b) },
            ends: trial.ends,
        });
        if let Some(hull) = RocHull::of(weighted) {
            eer.push(hull.equal_error_rate());
            min_dcf.push(hull.min_dcf());
        }
    }
    Ok(ErrorRates { eer: interval(point.equal_error_rate(), eer), min_dcf: interval(point.min_dcf(), min_dcf) })
}

/// The trials by falling score.
fn ranked(trials: &Trials) -> Vec<Ranked> {
    let mut sorted: Vec<(f64, bool, u32, u32)> = Vec::with_capacity(trials.targets.len() + trials.non_targets.len());
    sorted.extend(trials.targets.iter().map(|(x, s)| (*x, true, *s as u32, *s as u32)));
    sorted.extend(trials.non_targets.iter().map(|(x, a, b)| (*x, false, *a as u32, *b as u32)));
    sorted.sort_by(|a, b| b.0.total_cmp(&a.0));
    let next = sorted.iter().skip(1).map(|next| Some(next.0)).chain([None]);
    let ranked = sorted.iter().zip(next).map(|(&(score, target, a, b), next)| {
        let ends = next != Some(score);
        Ranked { target, ends, a, b }
    });
    ranked.collect()
}

fn interval(point: f64, mut resampled: Vec<f64>) -> Estimate {
    resampled.sort_by(f64::total_cmp);
    let at = |share: f64| resampled.get((share * resampled.len() as f64) as usize).copied();
    Estimate { point, low: at(0.025).unwrap_or(0.0), high: at(0.975).unwrap_or(1.0) }
}

/// SplitMix64 (Steele, Lea and Flood 2014): small, known, and the same everywhere.
struct SplitMix(u64);

impl SplitMix {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `n`; the bias of the multiplication is under `n / 2^64`.
    fn below(&mut self, n: usize) -> usize {
        ((u128::from(self.next()) * n as u128) >> 64) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_generator_gives_its_published_numbers() {
        let mut random = SplitMix(1_234_567);
        assert_eq!(random.next(), 6_457_827_717_110_365_317);
        assert_eq!(random.next(), 3_203_168_211_198_807_973);
    }

    #[test]
    fn the_interval_holds_the_point_and_is_the_same_every_time() {
        let mut random = SplitMix(1);
        let mut noise = || random.below(1000) as f64 / 1000.0;
        let mut trials = Trials { speakers: 30, ..Default::default() };
        for a in 0..30 {
            trials.targets.push((noise() + 0.4, a));
            for b in a + 1..30 {
                trials.non_targets.push((noise(), a, b));
            }
        }
        let rates = error_rates(&trials).unwrap();
        for estimate in [rates.eer, rates.min_dcf] {
            assert!(estimate.low < estimate.point && estimate.point < estimate.high, "{estimate:?}");
        }
        assert_eq!(rates, error_rates(&trials).unwrap());
        let perfect = Trials { speakers: 2, targets: vec![(1.0, 0), (1.0, 1)], non_targets: vec![(0.0, 0, 1)] };
        let rates = error_rates(&perfect).unwrap();
        for estimate in [rates.eer, rates.min_dcf] {
            assert_eq!((estimate.low, estimate.point, estimate.high), (0.0, 0.0, 0.0));
        }
    }
}
