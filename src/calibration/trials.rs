//! The trials that a bootstrap resamples.

use super::draws::Draws;
use super::interval::Independent;
use crate::error::{Error, ErrorKind, Result, Shortage};

/// Scored trials with the speakers they involve, numbered from 0.
#[derive(Clone, Debug, Default)]
pub struct Trials {
    /// Number of speakers.
    pub speakers: usize,
    /// Pairs of one voice.
    pub targets: Vec<TargetTrial>,
    /// Pairs of two voices.
    pub non_targets: Vec<NonTargetTrial>,
}

/// A pair of one voice.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TargetTrial {
    /// Its score or natural-log likelihood ratio.
    pub score: f64,
    /// Whose voice it is.
    pub speaker: u32,
    /// How much it counts among the targets: above 0, in any unit; 1 where all count the same.
    pub weight: f64,
}

/// A pair of two voices.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NonTargetTrial {
    /// Its score or natural-log likelihood ratio.
    pub score: f64,
    /// Whose voices they are, of the reference and of the clip that is compared with it.
    pub speakers: [u32; 2],
    /// How much it counts among the non-targets: above 0, in any unit; 1 where all count the same.
    pub weight: f64,
}

impl Trials {
    /// Number of trials of both kinds.
    pub fn count(&self) -> usize {
        self.targets.len() + self.non_targets.len()
    }

    /// The error about trials without figures.
    pub(super) fn refused(&self, remark: &str) -> Error {
        let found = format!("{} target and {} non-target trials{remark}", self.targets.len(), self.non_targets.len());
        let expected = "at least one of each, with finite scores, positive weights and the speakers that are drawn";
        ErrorKind::Insufficient { what: Shortage::Figure("error rates"), found, expected: expected.into() }.into()
    }

    /// Refuses trials whose numbers cannot be used, or with speakers beyond the draws or from `limit` on.
    pub(super) fn check(&self, draws: &Draws, limit: u32) -> Result<()> {
        let targets = self.targets.iter().map(|t| (t.score, t.weight));
        let mut numbers = targets.chain(self.non_targets.iter().map(|t| (t.score, t.weight)));
        if !numbers.all(|(score, weight)| score.is_finite() && weight.is_finite() && weight > 0.0) {
            return Err(self.refused(", some scores not finite or weights not positive"));
        }
        let targets = self.targets.iter().map(|t| t.speaker);
        let mut speakers = targets.chain(self.non_targets.iter().flat_map(|t| t.speakers));
        let known = self.speakers.min(limit as usize);
        if draws.speakers() != self.speakers || speakers.any(|speaker| speaker as usize >= known) {
            return Err(self.refused(&format!(" of other than the {} speakers drawn", draws.speakers())));
        }
        Ok(())
    }

    /// How many speakers have trials of either kind.
    pub(super) fn independent(&self) -> Independent {
        let count = |speakers: &mut dyn Iterator<Item = u32>| {
            let mut seen = vec![false; self.speakers];
            speakers.for_each(|speaker| seen.iter_mut().skip(speaker as usize).take(1).for_each(|seen| *seen = true));
            seen.into_iter().filter(|seen| *seen).count()
        };
        Independent {
            targets: count(&mut self.targets.iter().map(|t| t.speaker)),
            non_targets: count(&mut self.non_targets.iter().flat_map(|t| t.speakers)),
        }
    }
}
