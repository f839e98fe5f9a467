//! How far a figure would move with other speakers: a bootstrap over speakers, with a fixed seed.
//!
//! Trials that share a speaker are not independent, so speakers are drawn with replacement, not trials. A pair of two
//! drawn speakers counts as often as both were drawn together. The trials are ranked once; each resample is then one
//! pass with other weights, which a caller with threads can compute in any order:
//!
//! ```
//! use soundalike::calibration::bootstrap::{Draws, Resampler, Trials};
//!
//! let trials = Trials { speakers: 2, targets: vec![(0.8, 0), (0.7, 1)], non_targets: vec![(0.3, 0, 1)] };
//! let draws = Draws::new(trials.speakers, trials.count());
//! let resampler = Resampler::of_scores(&trials, &draws)?;
//! let figures = (0..resampler.len()).map(|index| resampler.figures(index)).collect();
//! assert_eq!(resampler.collect(figures)?.error_rates().eer.point, 0.0);
//! # Ok::<(), soundalike::Error>(())
//! ```

pub use super::draws::{Draws, FEWER_RESAMPLES, MANY_TRIALS, RESAMPLES};
use super::hull::{RocHull, WeightedTrial};
use super::metrics::{ErrorRates, FusionRates, cost};
pub use super::resampled::{Figure, OF_LLRS, OF_SCORES, Resampled};
use crate::error::{ErrorKind, Result, Shortage};

/// Scored trials with the speakers they involve, numbered from 0.
#[derive(Clone, Debug, Default)]
pub struct Trials {
    /// Number of speakers.
    pub speakers: usize,
    /// Score and speaker of each pair of one voice.
    pub targets: Vec<(f64, u32)>,
    /// Score and speakers of each pair of two voices.
    pub non_targets: Vec<(f64, u32, u32)>,
}

impl Trials {
    /// Number of trials of both kinds.
    pub fn count(&self) -> usize {
        self.targets.len() + self.non_targets.len()
    }
}

/// Equal error rate, least detection cost and least Cllr of scores, each with the 95 % interval of one bootstrap over
/// speakers, computed one resample after the other.
///
/// # Errors
/// As [`Resampler::of_scores`].
pub fn error_rates(trials: &Trials) -> Result<ErrorRates> {
    let draws = Draws::new(trials.speakers, trials.count());
    Ok(Resampler::of_scores(trials, &draws)?.run().error_rates())
}

/// The same figures of natural-log likelihood ratios, with their Cllr.
///
/// # Errors
/// As [`Resampler::of_llrs`].
pub fn fusion_rates(trials: &Trials) -> Result<FusionRates> {
    let draws = Draws::new(trials.speakers, trials.count());
    Ok(Resampler::of_llrs(trials, &draws)?.run().fusion_rates())
}

/// The ranked trials of one system and the draws of its speakers: `N` figures of each resample, in any order and from
/// any thread. It holds 8 bytes a trial, and 16 where there are log-likelihood ratios.
#[derive(Clone, Debug)]
pub struct Resampler<'a, const N: usize> {
    draws: &'a Draws,
    /// By falling score.
    ranked: Vec<Ranked>,
    /// What each ranked trial costs; empty for scores.
    costs: Vec<f64>,
    point: [f64; N],
}

/// A trial without its score. The highest bit of `a` tells a target, that of `b` that the next score is another one.
#[derive(Clone, Copy, Debug)]
struct Ranked {
    a: u32,
    b: u32,
}

const MARK: u32 = 1 << 31;

impl Ranked {
    fn weighted(self, weights: &[u16]) -> WeightedTrial {
        let count = |speaker: u32| weights.get((speaker & !MARK) as usize).copied().map_or(0, u64::from);
        let target = self.a & MARK != 0;
        let weight = if target { count(self.a) } else { count(self.a) * count(self.b) };
        WeightedTrial { target, weight, ends: self.b & MARK != 0 }
    }
}

impl<'a> Resampler<'a, OF_SCORES> {
    /// Ranks scored trials.
    ///
    /// # Errors
    /// [`ErrorKind::Insufficient`] without a target or a non-target trial, where a score is not finite, or where the
    /// draws are of other speakers.
    pub fn of_scores(trials: &Trials, draws: &'a Draws) -> Result<Self> {
        check(trials, draws)?;
        let ranked = ranked(trials).into_iter().map(|(_, trial)| trial).collect();
        Resampler { draws, ranked, costs: Vec::new(), point: [0.0; OF_SCORES] }.with_point(trials)
    }
}

impl<'a> Resampler<'a, OF_LLRS> {
    /// Ranks trials that are scored by natural-log likelihood ratios.
    ///
    /// # Errors
    /// As [`Resampler::of_scores`].
    pub fn of_llrs(trials: &Trials, draws: &'a Draws) -> Result<Self> {
        check(trials, draws)?;
        let ranked = ranked(trials).into_iter().map(|(llr, trial)| (trial, cost(llr, trial.a & MARK != 0)));
        let (ranked, costs) = ranked.unzip();
        Resampler { draws, ranked, costs, point: [0.0; OF_LLRS] }.with_point(trials)
    }
}

impl<const N: usize> Resampler<'_, N> {
    /// The figures of the whole sample, in which every trial counts once.
    fn with_point(mut self, trials: &Trials) -> Result<Self> {
        self.point = self.weighted(&vec![1; trials.speakers]).ok_or_else(|| refused(trials, ""))?;
        Ok(self)
    }

    /// Number of resamples, and of samples less one group of speakers for the jackknife after them.
    #[allow(clippy::len_without_is_empty)]
    pub fn len(&self) -> usize {
        self.draws.resamples() + self.draws.groups()
    }

    /// The figures of one of [`len`](Self::len) samples, in the order of [`Figure`]; none where it holds no target or
    /// no non-target trial.
    pub fn figures(&self, index: usize) -> Option<[f64; N]> {
        self.weighted(&self.draws.weights(index)?)
    }

    /// The figures where each speaker counts so often.
    fn weighted(&self, weights: &[u16]) -> Option<[f64; N]> {
        // Sum of costs and of weights, of non-targets and of targets.
        let mut sums = [(0.0, 0u64); 2];
        let mut costs = self.costs.iter();
        let hull = RocHull::of(self.ranked.iter().map(|trial| {
            let trial = trial.weighted(weights);
            if let (Some(cost), [non_target, target]) = (costs.next(), &mut sums) {
                let (sum, count) = if trial.target { target } else { non_target };
                (*sum, *count) = (*sum + trial.weight as f64 * cost, *count + trial.weight);
            }
            trial
        }))?;
        let cllr = sums.iter().map(|(sum, count)| sum / *count as f64).sum::<f64>() / 2.0;
        let all: [f64; OF_LLRS] = [hull.equal_error_rate(), hull.min_dcf(), hull.cllr_min(), cllr];
        all.first_chunk().copied()
    }

    /// Puts the figures of all samples together, given by index.
    ///
    /// # Errors
    /// [`ErrorKind::Insufficient`] where they are not [`len`](Self::len).
    pub fn collect(&self, figures: Vec<Option<[f64; N]>>) -> Result<Resampled<N>> {
        if figures.len() != self.len() {
            let (found, expected) = (format!("{} samples", figures.len()), format!("all {}", self.len()));
            return Err(ErrorKind::Insufficient { what: Shortage::Figure("bootstrap"), found, expected }.into());
        }
        Ok(self.put_together(figures))
    }

    /// Computes one sample after the other.
    pub fn run(&self) -> Resampled<N> {
        self.put_together((0..self.len()).map(|index| self.figures(index)).collect())
    }

    fn put_together(&self, mut resamples: Vec<Option<[f64; N]>>) -> Resampled<N> {
        let left_out = resamples.split_off(self.draws.resamples().min(resamples.len()));
        Resampled::new(self.point, resamples, left_out)
    }
}

fn refused(trials: &Trials, remark: &str) -> crate::Error {
    let found = format!("{} target and {} non-target trials{remark}", trials.targets.len(), trials.non_targets.len());
    let expected = "at least one of each, with finite scores and the speakers that are drawn".into();
    ErrorKind::Insufficient { what: Shortage::Figure("error rates"), found, expected }.into()
}

fn check(trials: &Trials, draws: &Draws) -> Result<()> {
    let scores = trials.targets.iter().map(|t| t.0).chain(trials.non_targets.iter().map(|t| t.0));
    if !scores.into_iter().all(f64::is_finite) {
        return Err(refused(trials, ", some scores not finite"));
    }
    let speakers = trials.targets.iter().map(|t| t.1).chain(trials.non_targets.iter().flat_map(|t| [t.1, t.2]));
    let known = trials.speakers.min(MARK as usize);
    if draws.speakers() != trials.speakers || speakers.into_iter().any(|speaker| speaker as usize >= known) {
        return Err(refused(trials, &format!(" of other than the {} speakers drawn", draws.speakers())));
    }
    Ok(())
}

/// The trials by falling score.
fn ranked(trials: &Trials) -> Vec<(f64, Ranked)> {
    let mut sorted: Vec<(f64, Ranked)> = Vec::with_capacity(trials.count());
    sorted.extend(trials.targets.iter().map(|(x, s)| (*x, Ranked { a: *s | MARK, b: *s })));
    sorted.extend(trials.non_targets.iter().map(|(x, a, b)| (*x, Ranked { a: *a, b: *b })));
    sorted.sort_by(|a, b| b.0.total_cmp(&a.0));
    let mut next = None;
    for (score, trial) in sorted.iter_mut().rev() {
        if next != Some(*score) {
            trial.b |= MARK;
        }
        next = Some(*score);
    }
    sorted
}

#[cfg(test)]
mod tests {
    use super::super::metrics::{cllr, cllr_min, equal_error_rate, min_dcf};
    use super::*;
    use crate::random::SplitMix;

    /// Every pair of 30 speakers, with targets `gap` above non-targets.
    fn noisy(seed: u64, gap: f64) -> Trials {
        let mut random = SplitMix(seed);
        let mut noise = || random.below(1000) as f64 / 1000.0 - gap / 2.0;
        let mut trials = Trials { speakers: 30, ..Default::default() };
        for a in 0..30 {
            trials.targets.push((noise() + gap, a));
            for b in a + 1..30 {
                trials.non_targets.push((noise(), a, b));
            }
        }
        trials
    }

    #[test]
    fn the_interval_holds_the_point_and_is_the_same_every_time() {
        let trials = noisy(1, 0.4);
        let rates = error_rates(&trials).unwrap();
        for estimate in [rates.eer, rates.min_dcf, rates.cllr_min] {
            assert!(estimate.low < estimate.point && estimate.point < estimate.high, "{estimate:?}");
        }
        assert_eq!(rates, error_rates(&trials).unwrap());
        let fusion = fusion_rates(&trials).unwrap();
        assert_eq!((fusion.eer, fusion.min_dcf, fusion.cllr_min), (rates.eer, rates.min_dcf, rates.cllr_min));
        assert!(fusion.cllr.low < fusion.cllr.point && fusion.cllr.point < fusion.cllr.high, "{fusion:?}");
        let perfect = Trials { speakers: 2, targets: vec![(1.0, 0), (1.0, 1)], non_targets: vec![(0.0, 0, 1)] };
        let rates = error_rates(&perfect).unwrap();
        for estimate in [rates.eer, rates.min_dcf, rates.cllr_min] {
            assert_eq!((estimate.low, estimate.point, estimate.high), (0.0, 0.0, 0.0));
        }
    }

    #[test]
    fn a_weight_counts_a_trial_so_often() {
        let trials = noisy(2, 0.3);
        let draws = Draws::new(30, trials.count());
        let resampler = Resampler::of_llrs(&trials, &draws).unwrap();
        for index in [0, 7, 999, 1000, 1029] {
            let weights = draws.weights(index).unwrap();
            let times = |speaker: u32| usize::from(weights[speaker as usize]);
            let targets = trials.targets.iter().flat_map(|t| vec![t.0; times(t.1)]).collect::<Vec<_>>();
            let non_targets = trials.non_targets.iter().flat_map(|t| vec![t.0; times(t.1) * times(t.2)]);
            let non_targets = non_targets.collect::<Vec<_>>();
            let by_definition = [equal_error_rate, min_dcf, cllr_min, cllr].map(|f| f(&targets, &non_targets).unwrap());
            for (figure, expected) in resampler.figures(index).unwrap().iter().zip(by_definition) {
                assert!((figure - expected).abs() < 1e-12, "{index}: {figure} {expected}");
            }
        }
        assert!(resampler.figures(1030).is_none());
    }

    #[test]
    fn the_order_of_computing_changes_nothing() {
        let trials = noisy(3, 0.3);
        let draws = Draws::new(30, trials.count());
        let resampler = Resampler::of_scores(&trials, &draws).unwrap();
        let mut figures: Vec<_> = (0..resampler.len()).rev().map(|index| resampler.figures(index)).collect();
        figures.reverse();
        assert_eq!(resampler.collect(figures).unwrap(), resampler.run());
        assert!(resampler.collect(vec![]).is_err());
    }

    #[test]
    fn a_difference_is_narrower_than_its_parts() {
        let better = noisy(4, 0.5);
        // The same trials, made a little harder.
        let worse = Trials { targets: better.targets.iter().map(|t| (t.0 - 0.1, t.1)).collect(), ..better.clone() };
        let draws = Draws::new(30, better.count());
        let [a, b] = [&worse, &better].map(|trials| Resampler::of_llrs(trials, &draws).unwrap().run());
        let difference = a.difference(&b, Figure::Cllr).unwrap();
        let [x, y] = [&a, &b].map(|system| system.fusion_rates().cllr);
        assert_eq!(difference.point, x.point - y.point);
        assert!(0.0 < difference.low && difference.low < difference.high, "{difference:?}");
        assert!(difference.high - difference.low < (x.high - x.low) / 2.0, "{difference:?} {x:?}");
        let same = a.difference(&a, Figure::Eer).unwrap();
        assert_eq!((same.low, same.point, same.high), (0.0, 0.0, 0.0));
        let scores = Resampler::of_scores(&better, &draws).unwrap().run();
        assert!(scores.difference(&a, Figure::Eer).is_ok() && scores.difference(&a, Figure::Cllr).is_err());
        let other = Trials { speakers: 2, targets: vec![(1.0, 0)], non_targets: vec![(0.0, 0, 1)] };
        let draws = Draws::new(2, 2);
        assert!(a.difference(&Resampler::of_llrs(&other, &draws).unwrap().run(), Figure::Eer).is_err());
    }

    #[test]
    fn what_cannot_be_resampled_is_refused() {
        let good = Trials { speakers: 2, targets: vec![(1.0, 0)], non_targets: vec![(0.0, 0, 1)] };
        assert!(error_rates(&good).is_ok());
        for bad in [
            Trials { targets: vec![], ..good.clone() },
            Trials { non_targets: vec![], ..good.clone() },
            Trials { targets: vec![(f64::NAN, 0)], ..good.clone() },
            Trials { targets: vec![(1.0, 2)], ..good.clone() },
            Trials::default(),
        ] {
            assert!(error_rates(&bad).is_err() && fusion_rates(&bad).is_err(), "{bad:?}");
        }
        assert!(Resampler::of_scores(&good, &Draws::new(3, 2)).is_err());
    }
}
