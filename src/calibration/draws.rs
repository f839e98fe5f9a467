//! Which speakers each resample of a bootstrap holds: drawn with a fixed seed, before anything is computed.

use crate::random::SplitMix;

/// Number of resamples; the ends of a 95 % interval then rest on 25 each.
pub const RESAMPLES: usize = 1000;
/// Number of resamples where there are more than [`MANY_TRIALS`] trials: the first of the same ones. The ends of the
/// interval then rest on 5 each and are themselves uncertain, but every resample is still of every trial.
pub const FEWER_RESAMPLES: usize = 200;
/// Number of trials above which fewer resamples are made.
pub const MANY_TRIALS: usize = 2_000_000;
/// Start of the random numbers; a fixed one, so that a figure can be recomputed to the bit.
const SEED: u64 = 0x5eed_0f50_u64;

/// How often each speaker was drawn, resample by resample. Drawing is one sequence; what is computed from the draws
/// can be computed in any order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draws {
    speakers: usize,
    resamples: usize,
    /// `resamples` rows of `speakers` counts.
    counts: Vec<u16>,
}

impl Draws {
    /// As many draws of all speakers as so many trials can bear.
    pub fn new(speakers: usize, trials: usize) -> Self {
        Draws::of(speakers, if trials > MANY_TRIALS { FEWER_RESAMPLES } else { RESAMPLES })
    }

    /// As few draws of all speakers as are made of many trials.
    pub fn fewer(speakers: usize) -> Self {
        Draws::of(speakers, FEWER_RESAMPLES)
    }

    fn of(speakers: usize, resamples: usize) -> Self {
        let mut random = SplitMix(SEED);
        let mut counts = vec![0u16; speakers * resamples];
        for drawn in counts.chunks_exact_mut(speakers.max(1)) {
            for _ in 0..speakers {
                if let Some(count) = drawn.get_mut(random.below(speakers)) {
                    *count = count.saturating_add(1);
                }
            }
        }
        Draws { speakers, resamples, counts }
    }

    /// Number of speakers.
    pub fn speakers(&self) -> usize {
        self.speakers
    }

    /// Number of resamples.
    pub fn resamples(&self) -> usize {
        self.resamples
    }

    /// Number of groups of speakers that the jackknife leaves out, one at a time: every speaker is a group, except that
    /// there are no more groups than resamples.
    pub fn groups(&self) -> usize {
        self.speakers.min(self.resamples)
    }

    /// How often each speaker counts: in a resample, and beyond the last of them in the sample less one group of
    /// speakers. None beyond the last group.
    pub(crate) fn weights(&self, index: usize) -> Option<Vec<u16>> {
        if let Some(group) = index.checked_sub(self.resamples) {
            let (groups, left_out) = (self.groups(), group);
            let weight = |speaker: usize| u16::from(speaker % groups != left_out);
            return (group < groups).then(|| (0..self.speakers).map(weight).collect());
        }
        let start = index * self.speakers;
        self.counts.get(start..start + self.speakers).map(<[u16]>::to_vec)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_resample_draws_as_many_speakers_as_there_are() {
        let draws = Draws::new(7, 100);
        assert_eq!((draws.resamples(), draws.groups()), (1000, 7));
        for index in 0..1000 {
            assert_eq!(draws.weights(index).unwrap().iter().sum::<u16>(), 7);
        }
        assert_eq!(draws.weights(1002), Some(vec![1, 1, 0, 1, 1, 1, 1]));
        assert_eq!(draws.weights(1007), None);
        // The fewer resamples are the first of the same ones.
        let fewer = Draws::fewer(7);
        assert_eq!(fewer, Draws::new(7, MANY_TRIALS + 1));
        assert_eq!((fewer.resamples(), fewer.weights(199)), (FEWER_RESAMPLES, draws.weights(199)));
    }

    #[test]
    fn many_speakers_are_left_out_by_groups() {
        let draws = Draws::of(5, 2);
        assert_eq!([2, 3].map(|index| draws.weights(index).unwrap()), [vec![0, 1, 0, 1, 0], vec![1, 0, 1, 0, 1]]);
        assert_eq!(draws.weights(4), None);
        assert_eq!(Draws::new(0, 0).weights(0), Some(vec![]));
    }
}
