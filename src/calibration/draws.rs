//! Which speakers each resample of a bootstrap holds: drawn with a fixed seed, before anything is computed.

use crate::random::SplitMix;
use std::collections::BTreeMap;

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
    /// What each speaker belongs to that the jackknife leaves out as a whole: its group, or, where all are of one, the
    /// speaker itself. Numbered from 0.
    units: Vec<usize>,
}

impl Draws {
    /// As many draws of all speakers as so many trials can bear.
    pub fn new(speakers: usize, trials: usize) -> Self {
        Draws::grouped(&vec![0; speakers], trials)
    }

    /// As few draws of all speakers as are made of many trials.
    pub fn fewer(speakers: usize) -> Self {
        Draws::fewer_grouped(&vec![0; speakers])
    }

    /// As many draws as so many trials can bear, in two stages, of speakers that come from groups such as corpora:
    /// `groups` has the group of each speaker, any numbers.
    ///
    /// Speakers of one group resemble each other, so that the spread between groups is larger than that between
    /// speakers. Each resample therefore draws as many groups as there are, with replacement, and in every drawn group
    /// as many of its speakers as it has, with replacement, anew for each time that it was drawn (Davison and Hinkley,
    /// "Bootstrap methods and their application", 1997, section 3.8). With one group this is [`new`](Self::new).
    pub fn grouped(groups: &[u32], trials: usize) -> Self {
        Draws::of(groups, if trials > MANY_TRIALS { FEWER_RESAMPLES } else { RESAMPLES })
    }

    /// As few draws in two stages as are made of many trials.
    pub fn fewer_grouped(groups: &[u32]) -> Self {
        Draws::of(groups, FEWER_RESAMPLES)
    }

    fn of(groups: &[u32], resamples: usize) -> Self {
        let speakers = groups.len();
        let mut members: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
        for (speaker, group) in groups.iter().enumerate() {
            members.entry(*group).or_default().push(speaker);
        }
        let (names, members): (Vec<u32>, Vec<Vec<usize>>) = members.into_iter().unzip();
        let units = match members.len() {
            0 | 1 => (0..speakers).collect(),
            _ => groups.iter().map(|group| names.partition_point(|name| name < group)).collect(),
        };
        let mut random = SplitMix(SEED);
        let mut counts = vec![0u16; speakers * resamples];
        for drawn in counts.chunks_exact_mut(speakers.max(1)) {
            for _ in 0..members.len() {
                // Of one group nothing is drawn.
                let group = if members.len() == 1 { 0 } else { random.below(members.len()) };
                let group = members.get(group).map(Vec::as_slice).unwrap_or_default();
                for _ in group {
                    let speaker = group.get(random.below(group.len()));
                    if let Some(count) = speaker.and_then(|speaker| drawn.get_mut(*speaker)) {
                        *count = count.saturating_add(1);
                    }
                }
            }
        }
        Draws { speakers, resamples, counts, units }
    }

    /// Number of speakers.
    pub fn speakers(&self) -> usize {
        self.speakers
    }

    /// Number of resamples.
    pub fn resamples(&self) -> usize {
        self.resamples
    }

    /// Number of groups of speakers that the jackknife leaves out, one at a time: the groups that are drawn, or, where
    /// all speakers are of one, each speaker; except that there are no more of them than resamples.
    pub fn groups(&self) -> usize {
        self.units.iter().max().map_or(0, |last| last + 1).min(self.resamples)
    }

    /// How often each speaker counts: in a resample, and beyond the last of them in the sample less one group of
    /// speakers. None beyond the last group.
    pub(crate) fn weights(&self, index: usize) -> Option<Vec<u16>> {
        if let Some(group) = index.checked_sub(self.resamples) {
            let (groups, left_out) = (self.groups(), group);
            let weight = |unit: &usize| u16::from(unit % groups != left_out);
            return (group < groups).then(|| self.units.iter().map(weight).collect());
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
        let draws = Draws::of(&[0; 5], 2);
        assert_eq!([2, 3].map(|index| draws.weights(index).unwrap()), [vec![0, 1, 0, 1, 0], vec![1, 0, 1, 0, 1]]);
        assert_eq!(draws.weights(4), None);
        assert_eq!(Draws::new(0, 0).weights(0), Some(vec![]));
    }

    #[test]
    fn one_group_is_drawn_as_ever() {
        assert_eq!(Draws::grouped(&[9; 7], 100), Draws::new(7, 100));
        assert_eq!(Draws::fewer_grouped(&[3; 7]), Draws::fewer(7));
        // The numbers that were drawn before there were groups.
        assert_eq!(Draws::new(7, 100).weights(0), Some(vec![2, 0, 1, 1, 1, 1, 1]));
    }

    #[test]
    fn groups_are_drawn_and_then_their_speakers() {
        // Groups of 2, 1 and 3 speakers, numbered as they like.
        let groups = [7, 4, 7, 9, 9, 9];
        let draws = Draws::grouped(&groups, 100);
        assert_eq!((draws.speakers(), draws.resamples(), draws.groups()), (6, 1000, 3));
        let mut sums = [0u32; 6];
        let mut times_drawn = [0u32; 4];
        for index in 0..1000 {
            let weights = draws.weights(index).unwrap();
            // In each drawn copy of a group, as many speakers as it has.
            let of = |group: u32| weights.iter().zip(groups).filter(|(_, g)| *g == group).map(|(w, _)| *w).sum::<u16>();
            let (two, one, three) = (of(7), of(4), of(9));
            assert!(two % 2 == 0 && three % 3 == 0 && two / 2 + one + three / 3 == 3, "{weights:?}");
            sums.iter_mut().zip(&weights).for_each(|(sum, weight)| *sum += u32::from(*weight));
            times_drawn[usize::from(one)] += 1;
        }
        // Every speaker counts once on average: the deviation of the mean of 1000 is below 0.06.
        assert!(sums.iter().all(|sum| sum.abs_diff(1000) < 200), "{sums:?}");
        // A group is missing from (2/3)^3 = 30 % of the resamples, far more than a speaker of six would be on its own.
        assert!(times_drawn[0].abs_diff(296) < 60 && times_drawn[3] > 10, "{times_drawn:?}");
        // The jackknife leaves out whole groups, by their numbers.
        let left_out = [1000, 1001, 1002, 1003].map(|index| draws.weights(index));
        assert_eq!(left_out[0], Some(vec![1, 0, 1, 1, 1, 1]));
        assert_eq!(left_out[1], Some(vec![0, 1, 0, 1, 1, 1]));
        assert_eq!((&left_out[2], &left_out[3]), (&Some(vec![1, 1, 1, 0, 0, 0]), &None));
        assert_eq!(draws, Draws::grouped(&groups, 100), "the same every time");
    }
}
