//! Scores of trials to figures with their intervals over speakers.

use super::result::{AgainstBest, SpeakerMeans};
use crate::calibration::bootstrap::{
    Draws, Figure, NonTargetTrial, OF_LLRS, OF_SCORES, Resampled, Resampler, TargetTrial, Trials,
};
use crate::encoder::PerEncoder;
use crate::error::Result;
use crate::library::batch;
use crate::library::labels::{Labels, Listed, Model, Trial};
use crate::library::validate::scoring::Scores;
use std::collections::BTreeMap;

/// Whose trials these are.
pub(super) struct Sides<'a> {
    trials: &'a [Trial],
    /// The speakers of each trial's model and clip, numbered anew from 0.
    speakers: Vec<(u32, u32)>,
    /// The numbers that they had.
    numbers: Vec<u32>,
}

impl<'a> Sides<'a> {
    pub fn new(trials: &'a [Trial], models: &[Model], clips: &[&Listed]) -> Self {
        let mut anew: BTreeMap<u32, u32> = BTreeMap::new();
        let of = |trial: &Trial| {
            let model = models.get(trial.model as usize).map_or(0, |model| model.speaker);
            (model, clips.get(trial.clip as usize).map_or(0, |clip| clip.speaker))
        };
        for (a, b) in trials.iter().map(of) {
            anew.extend([(a, 0), (b, 0)]);
        }
        anew.values_mut().zip(0..).for_each(|(new, number)| *new = number);
        let new = |old: u32| anew.get(&old).copied().unwrap_or(0);
        let speakers = trials.iter().map(of).map(|(a, b)| (new(a), new(b))).collect();
        Sides { trials, speakers, numbers: anew.into_keys().collect() }
    }

    pub fn speakers(&self) -> usize {
        self.numbers.len()
    }

    /// The scored trials, of a part of them where one is given.
    fn trials(&self, scores: &[f64], part: Option<&[bool]>) -> Trials {
        let mut all = Trials { speakers: self.speakers(), targets: Vec::new(), non_targets: Vec::new() };
        for (i, ((trial, (a, b)), score)) in self.trials.iter().zip(&self.speakers).zip(scores).enumerate() {
            if part.is_some_and(|part| part.get(i) != Some(&true)) {
                continue;
            }
            match trial.target {
                true => all.targets.push(TargetTrial { score: *score, speaker: *b, weight: 1.0 }),
                false => all.non_targets.push(NonTargetTrial { score: *score, speakers: [*a, *b], weight: 1.0 }),
            }
        }
        all
    }

    pub fn rates_of_scores(
        &self,
        scores: &[f64],
        part: Option<&[bool]>,
        threads: usize,
    ) -> Result<Resampled<OF_SCORES>> {
        let trials = self.trials(scores, part);
        let draws = Draws::new(trials.speakers, trials.count());
        let resampler = Resampler::of_scores(&trials, &draws)?;
        drop(trials);
        resampler.collect(batch::map(resampler.len(), threads, |index| resampler.figures(index))?)
    }

    fn rates_of_llrs(&self, llrs: &[f64], part: Option<&[bool]>, threads: usize) -> Result<Resampled<OF_LLRS>> {
        let trials = self.trials(llrs, part);
        let draws = Draws::new(trials.speakers, trials.count());
        let resampler = Resampler::of_llrs(&trials, &draws)?;
        drop(trials);
        resampler.collect(batch::map(resampler.len(), threads, |index| resampler.figures(index))?)
    }

    /// What each speaker's trials came to, of those with both kinds.
    pub fn means(&self, llrs: &[f64], labels: &Labels) -> Vec<SpeakerMeans> {
        let mut sums = vec![[(0.0, 0usize); 2]; self.speakers()];
        let mut add = |speaker: u32, kind: usize, llr: f64| {
            if let Some((sum, n)) = sums.get_mut(speaker as usize).and_then(|sums| sums.get_mut(kind)) {
                (*sum, *n) = (*sum + llr, *n + 1);
            }
        };
        for ((trial, (a, b)), llr) in self.trials.iter().zip(&self.speakers).zip(llrs) {
            add(*a, usize::from(!trial.target), *llr);
            if a != b {
                add(*b, usize::from(!trial.target), *llr);
            }
        }
        let mean = |(sum, n): (f64, usize)| sum / n as f64;
        let both = sums.iter().zip(&self.numbers).filter(|([t, n], _)| t.1 > 0 && n.1 > 0);
        both.map(|([t, n], number)| SpeakerMeans {
            speaker: labels.speaker(*number),
            target_mean: mean(*t),
            non_target_mean: mean(*n),
            targets: t.1,
            non_targets: n.1,
        })
        .collect()
    }
}

/// All figures of some trials with their resamples.
pub(super) struct Measured {
    pub encoders: PerEncoder<Resampled<OF_SCORES>>,
    pub fusion: Option<Resampled<OF_LLRS>>,
}

impl Measured {
    pub fn new(scores: &Scores, sides: &Sides<'_>, part: Option<&[bool]>, threads: usize) -> Result<Self> {
        let fusion = match scores.llrs.is_empty() {
            true => None,
            false => Some(sides.rates_of_llrs(&scores.llrs, part, threads)?),
        };
        let encoders = scores.cosines.try_map(|_, cosines| sides.rates_of_scores(cosines, part, threads))?;
        Ok(Measured { encoders, fusion })
    }

    pub fn against_best(&self) -> Result<Option<AgainstBest>> {
        let Some(fusion) = &self.fusion else { return Ok(None) };
        let eer = |resampled: &Resampled<OF_SCORES>| resampled.error_rates().eer.point;
        let Some((encoder, best)) = self.encoders.iter().min_by(|(_, a), (_, b)| eer(a).total_cmp(&eer(b))) else {
            return Ok(None);
        };
        Ok(Some(AgainstBest { encoder, eer: fusion.difference(best, Figure::Eer)? }))
    }
}
