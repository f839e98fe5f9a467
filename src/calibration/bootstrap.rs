//! How far a figure would move with other speakers: a bootstrap over speakers, with a fixed seed.
//!
//! Trials that share a speaker are not independent, so speakers are drawn with replacement, not trials. A pair of two
//! drawn speakers counts as often as both were drawn together. The trials are ranked once; each resample is then one
//! pass with other weights, which a caller with threads can compute in any order:
//!
//! ```
//! use soundalike::calibration::bootstrap::{Draws, NonTargetTrial, Resampler, TargetTrial, Trials};
//!
//! let targets = [(0.8, 0), (0.7, 1)].map(|(score, speaker)| TargetTrial { score, speaker, weight: 1.0 });
//! let non_targets = vec![NonTargetTrial { score: 0.3, speakers: [0, 1], weight: 1.0 }];
//! let trials = Trials { speakers: 2, targets: targets.into(), non_targets };
//! let draws = Draws::new(trials.speakers, trials.count());
//! let resampler = Resampler::of_scores(&trials, &draws)?;
//! let figures = (0..resampler.len()).map(|index| resampler.figures(index)).collect();
//! assert_eq!(resampler.collect(figures)?.error_rates().eer.point, 0.0);
//! # Ok::<(), soundalike::Error>(())
//! ```

pub use super::draws::{Draws, FEWER_RESAMPLES, MANY_TRIALS, RESAMPLES};
use super::hull::{RocHull, WeightedTrial};
use super::interval::Independent;
use super::metrics::{ErrorRates, FusionRates, cost};
pub use super::resampled::{Figure, OF_LLRS, OF_SCORES, Resampled};
pub use super::trials::{NonTargetTrial, TargetTrial, Trials};
use crate::error::{ErrorKind, Result, Shortage};

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
/// any thread. It holds 8 bytes a trial, 8 more where there are log-likelihood ratios and 8 more where not every trial
/// counts the same.
#[derive(Clone, Debug)]
pub struct Resampler<'a, const N: usize> {
    draws: &'a Draws,
    /// By falling score.
    ranked: Vec<Ranked>,
    /// How much each ranked trial counts; empty where all have the weight 1.
    weights: Vec<f64>,
    /// What each ranked trial costs; empty for scores.
    costs: Vec<f64>,
    independent: Independent,
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
    fn is_target(self) -> bool {
        self.a & MARK != 0
    }

    /// The trial with its own weight, as often as its speakers were drawn.
    fn weighted(self, weight: f64, drawn: &[u16]) -> WeightedTrial {
        let count = |speaker: u32| drawn.get((speaker & !MARK) as usize).copied().map_or(0, u32::from);
        let target = self.is_target();
        // Two counts of 16 bits have a product of 32.
        let times = if target { count(self.a) } else { count(self.a) * count(self.b) };
        WeightedTrial { target, weight: weight * f64::from(times), ends: self.b & MARK != 0 }
    }
}

impl<'a> Resampler<'a, OF_SCORES> {
    /// Ranks scored trials.
    ///
    /// # Errors
    /// [`ErrorKind::Insufficient`] without a target or a non-target trial, where a score is not finite, a weight not
    /// positive and finite, or where the draws are of other speakers.
    pub fn of_scores(trials: &Trials, draws: &'a Draws) -> Result<Self> {
        Resampler::new(trials, draws, |_| None)
    }
}

impl<'a> Resampler<'a, OF_LLRS> {
    /// Ranks trials that are scored by natural-log likelihood ratios.
    ///
    /// # Errors
    /// As [`Resampler::of_scores`].
    pub fn of_llrs(trials: &Trials, draws: &'a Draws) -> Result<Self> {
        Resampler::new(trials, draws, |trial| Some(cost(trial.score, trial.ranked.is_target())))
    }
}

impl<'a, const N: usize> Resampler<'a, N> {
    /// Ranks trials and computes the figures of the whole sample, in which every speaker counts once.
    fn new(trials: &Trials, draws: &'a Draws, cost: impl Fn(&Scored) -> Option<f64>) -> Result<Self> {
        trials.check(draws, MARK)?;
        let scored = scored(trials);
        let weighted = scored.iter().any(|trial| trial.weight != 1.0);
        let mut resampler = Resampler {
            draws,
            weights: scored.iter().filter(|_| weighted).map(|trial| trial.weight).collect(),
            costs: scored.iter().filter_map(cost).collect(),
            ranked: scored.into_iter().map(|trial| trial.ranked).collect(),
            independent: trials.independent(),
            point: [0.0; N],
        };
        resampler.point = resampler.weighted(&vec![1; trials.speakers]).ok_or_else(|| trials.refused(""))?;
        Ok(resampler)
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
    fn weighted(&self, drawn: &[u16]) -> Option<[f64; N]> {
        // Sum of costs and of weights, of non-targets and of targets.
        let mut sums = [(0.0, 0.0); 2];
        let (mut costs, mut weights) = (self.costs.iter(), self.weights.iter());
        let hull = RocHull::of(self.ranked.iter().map(|trial| {
            let trial = trial.weighted(weights.next().copied().unwrap_or(1.0), drawn);
            if let (Some(cost), [non_target, target]) = (costs.next(), &mut sums) {
                let (sum, count) = if trial.target { target } else { non_target };
                (*sum, *count) = (*sum + trial.weight * cost, *count + trial.weight);
            }
            trial
        }))?;
        let cllr = sums.iter().map(|(sum, count)| sum / count).sum::<f64>() / 2.0;
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
        Resampled::new(self.point, resamples, left_out, self.independent)
    }
}

/// A trial while trials are ranked.
struct Scored {
    score: f64,
    weight: f64,
    ranked: Ranked,
}

/// The trials by falling score.
fn scored(trials: &Trials) -> Vec<Scored> {
    let mut sorted: Vec<Scored> = Vec::with_capacity(trials.count());
    sorted.extend(trials.targets.iter().map(|t| {
        let ranked = Ranked { a: t.speaker | MARK, b: t.speaker };
        Scored { score: t.score, weight: t.weight, ranked }
    }));
    sorted.extend(trials.non_targets.iter().map(|t| {
        let [a, b] = t.speakers;
        Scored { score: t.score, weight: t.weight, ranked: Ranked { a, b } }
    }));
    sorted.sort_by(|a, b| b.score.total_cmp(&a.score));
    let mut next = None;
    for trial in sorted.iter_mut().rev() {
        if next != Some(trial.score) {
            trial.ranked.b |= MARK;
        }
        next = Some(trial.score);
    }
    sorted
}

#[cfg(test)]
mod tests {
    use super::super::metrics::{cllr, cllr_min, equal_error_rate, min_dcf};
    use super::*;
    use crate::random::SplitMix;

    fn target((score, speaker): (f64, u32)) -> TargetTrial {
        TargetTrial { score, speaker, weight: 1.0 }
    }

    fn non_target((score, a, b): (f64, u32, u32)) -> NonTargetTrial {
        NonTargetTrial { score, speakers: [a, b], weight: 1.0 }
    }

    fn trials(speakers: usize, targets: &[(f64, u32)], non_targets: &[(f64, u32, u32)]) -> Trials {
        let targets = targets.iter().copied().map(target).collect();
        Trials { speakers, targets, non_targets: non_targets.iter().copied().map(non_target).collect() }
    }

    /// Every pair of 30 speakers, with targets `gap` above non-targets.
    fn noisy(seed: u64, gap: f64) -> Trials {
        let mut random = SplitMix(seed);
        let mut noise = || random.below(1000) as f64 / 1000.0 - gap / 2.0;
        let mut trials = Trials { speakers: 30, ..Default::default() };
        for a in 0..30 {
            trials.targets.push(target((noise() + gap, a)));
            for b in a + 1..30 {
                trials.non_targets.push(non_target((noise(), a, b)));
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
    }

    #[test]
    fn a_weight_counts_a_trial_so_often() {
        let trials = noisy(2, 0.3);
        let draws = Draws::new(30, trials.count());
        let resampler = Resampler::of_llrs(&trials, &draws).unwrap();
        for index in [0, 7, 999, 1000, 1029] {
            let weights = draws.weights(index).unwrap();
            let times = |speaker: u32| usize::from(weights[speaker as usize]);
            let targets = trials.targets.iter().flat_map(|t| vec![t.score; times(t.speaker)]).collect::<Vec<_>>();
            let pairs = trials.non_targets.iter().flat_map(|t| vec![t.score; t.speakers.map(times).iter().product()]);
            let non_targets = pairs.collect::<Vec<_>>();
            let by_definition = [equal_error_rate, min_dcf, cllr_min, cllr].map(|f| f(&targets, &non_targets).unwrap());
            for (figure, expected) in resampler.figures(index).unwrap().iter().zip(by_definition) {
                assert!((figure - expected).abs() < 1e-12, "{index}: {figure} {expected}");
            }
        }
        assert!(resampler.figures(1030).is_none());
    }

    #[test]
    fn trials_without_an_error_do_not_prove_that_there_is_none() {
        // Eight speakers with two trials each, and all 28 pairs of them.
        let mut perfect = Trials { speakers: 8, ..Default::default() };
        for a in 0..8 {
            perfect.targets.extend([target((1.0, a)), target((2.0, a))]);
            perfect.non_targets.extend((a + 1..8).map(|b| non_target((-1.0, a, b))));
        }
        // 1 - 0.025^(1/8): by the speakers, not by the trials.
        let limit = 1.0 - 0.025f64.powf(1.0 / 8.0);
        let rates = fusion_rates(&perfect).unwrap();
        assert_eq!((rates.eer.low, rates.eer.point, rates.min_dcf.low, rates.cllr_min.low), (0.0, 0.0, 0.0, 0.0));
        assert!((rates.eer.high - limit).abs() < 1e-12 && rates.min_dcf.high == 1.0, "{rates:?}");
        assert!((0.95..0.951).contains(&rates.cllr_min.high) && rates.cllr.high == rates.cllr_min.high, "{rates:?}");
        assert!(rates.cllr.point < 0.4, "{rates:?}");
        let of_scores = error_rates(&perfect).unwrap();
        assert_eq!([of_scores.eer, of_scores.min_dcf, of_scores.cllr_min], [rates.eer, rates.min_dcf, rates.cllr_min]);
        // Where only two of them are in pairs of one voice, two is the number.
        perfect.targets.truncate(4);
        assert!((error_rates(&perfect).unwrap().eer.high - (1.0 - 0.025f64.sqrt())).abs() < 1e-12);
        // A difference of two systems on the same speakers is as it was.
        let draws = Draws::new(8, 1);
        let same = Resampler::of_llrs(&perfect, &draws).unwrap().run();
        let difference = same.difference(&same, Figure::Eer).unwrap();
        assert_eq!((difference.low, difference.high), (0.0, 0.0));
    }

    #[test]
    fn a_trial_of_weight_2_is_two_trials() {
        let (mut weighted, mut repeated) = (noisy(5, 0.3), noisy(5, 0.3));
        for t in weighted.targets.iter_mut().step_by(3) {
            t.weight = 2.0;
            repeated.targets.push(*t);
        }
        for t in weighted.non_targets.iter_mut().step_by(5) {
            t.weight = 2.0;
            repeated.non_targets.push(*t);
        }
        repeated.targets.iter_mut().for_each(|t| t.weight = 1.0);
        repeated.non_targets.iter_mut().for_each(|t| t.weight = 1.0);
        let draws = Draws::new(30, 1);
        let [a, b] = [&weighted, &repeated].map(|trials| Resampler::of_llrs(trials, &draws).unwrap());
        for index in [0, 7, 999, 1000] {
            for (x, y) in a.figures(index).unwrap().iter().zip(b.figures(index).unwrap()) {
                assert!((x - y).abs() < 1e-12, "{index}: {x} {y}");
            }
        }
        // The unit of the weights is of no consequence, only their shares within a kind.
        weighted.targets.iter_mut().for_each(|t| t.weight *= 0.125);
        assert_eq!(Resampler::of_llrs(&weighted, &draws).unwrap().run().fusion_rates(), a.run().fusion_rates());
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
        let harder = |t: &TargetTrial| TargetTrial { score: t.score - 0.1, ..*t };
        let worse = Trials { targets: better.targets.iter().map(harder).collect(), ..better.clone() };
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
        let other = trials(2, &[(1.0, 0)], &[(0.0, 0, 1)]);
        let draws = Draws::new(2, 2);
        assert!(a.difference(&Resampler::of_llrs(&other, &draws).unwrap().run(), Figure::Eer).is_err());
    }

    #[test]
    fn what_cannot_be_resampled_is_refused() {
        let good = trials(2, &[(1.0, 0)], &[(0.0, 0, 1)]);
        assert!(error_rates(&good).is_ok());
        for bad in [
            Trials { targets: vec![], ..good.clone() },
            Trials { non_targets: vec![], ..good.clone() },
            Trials { targets: vec![target((f64::NAN, 0))], ..good.clone() },
            Trials { targets: vec![target((1.0, 2))], ..good.clone() },
            Trials { targets: vec![TargetTrial { weight: 0.0, ..target((1.0, 0)) }], ..good.clone() },
            Trials { targets: vec![TargetTrial { weight: f64::INFINITY, ..target((1.0, 0)) }], ..good.clone() },
            Trials { non_targets: vec![NonTargetTrial { weight: -1.0, ..non_target((1.0, 0, 1)) }], ..good.clone() },
            Trials::default(),
        ] {
            assert!(error_rates(&bad).is_err() && fusion_rates(&bad).is_err(), "{bad:?}");
        }
        assert!(Resampler::of_scores(&good, &Draws::new(3, 2)).is_err());
    }
}
