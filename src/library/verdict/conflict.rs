//! Where the figures of one candidate contradict each other.

use super::Evidence;
use crate::compare::Likeness;
use crate::encoder::{Encoder, PerEncoder};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Smaller parts of a ratio contradict nothing, powers of 10.
const LEAST_PART: f64 = 0.5;
/// A rank above this is high, one below the second is low, percent.
const RANKS: [f64; 2] = [99.0, 90.0];

/// Two encoders that contradict each other: their parts of the ratio have different signs, and each is at least 0.5 in
/// log10. Where there are several of a sign, the one with the greatest part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Conflict {
    /// The encoder that supports the first proposition.
    pub in_favour: Encoder,
    /// The encoder that supports the second.
    pub against: Encoder,
}

impl Conflict {
    /// The contradiction in the parts of a ratio; none where there is none.
    pub(super) fn of(parts_log10_lr: &PerEncoder<f64>) -> Option<Self> {
        let (in_favour, most) = parts_log10_lr.iter().max_by(|a, b| a.1.total_cmp(b.1))?;
        let (against, least) = parts_log10_lr.iter().min_by(|a, b| a.1.total_cmp(b.1))?;
        (*most >= LEAST_PART && *least <= -LEAST_PART).then_some(Conflict { in_favour, against })
    }
}

/// How the rank in the population and the likelihood ratio contradict each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum RankConflict {
    /// The rank is above 99 %, and the ratio below 1.
    #[serde(rename = "high_rank_ratio_below_1")]
    HighRankRatioBelow1,
    /// The rank is below 90 %, and the ratio above 10.
    #[serde(rename = "low_rank_ratio_above_10")]
    LowRankRatioAbove10,
}

impl RankConflict {
    /// The contradiction of a rank and a ratio; none where there is none.
    pub(crate) fn of(likeness: &Likeness, evidence: &Evidence) -> Option<Self> {
        Self::between(likeness.percentile, evidence.log10_lr)
    }

    fn between(percentile: f64, log10_lr: f64) -> Option<Self> {
        let [high, low] = RANKS;
        match () {
            () if percentile > high && log10_lr < 0.0 => Some(RankConflict::HighRankRatioBelow1),
            () if percentile < low && log10_lr > 1.0 => Some(RankConflict::LowRankRatioAbove10),
            () => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(ge2e: f64, campplus: f64) -> Option<(Encoder, Encoder)> {
        let parts = [(Encoder::Ge2e, ge2e), (Encoder::Campplus, campplus)].into_iter().collect();
        Conflict::of(&parts).map(|conflict| (conflict.in_favour, conflict.against))
    }

    #[test]
    fn encoders_contradict_each_other_where_both_say_enough() {
        assert_eq!(of(-1.2, 3.1), Some((Encoder::Campplus, Encoder::Ge2e)));
        assert_eq!(of(0.5, -0.5), Some((Encoder::Ge2e, Encoder::Campplus)));
        assert_eq!([of(-0.49, 3.1), of(-3.0, 0.49), of(2.0, 3.0), of(-2.0, -3.0)], [None; 4]);
        assert_eq!(Conflict::of(&PerEncoder::default()), None);
        let three = [(Encoder::MfccLda, 0.6), (Encoder::Ge2e, 1.0), (Encoder::Campplus, -0.7)].into_iter().collect();
        assert_eq!(Conflict::of(&three).unwrap().in_favour, Encoder::Ge2e);
    }

    #[test]
    fn rank_and_ratio_contradict_each_other_at_their_ends() {
        let high = Some(RankConflict::HighRankRatioBelow1);
        assert_eq!([RankConflict::between(100.0, -0.1), RankConflict::between(99.1, -2.0)], [high; 2]);
        assert_eq!(RankConflict::between(89.9, 1.1), Some(RankConflict::LowRankRatioAbove10));
        for (percentile, log10_lr) in [(100.0, 0.0), (99.0, -1.0), (90.0, 2.0), (50.0, 1.0), (50.0, -2.0), (100.0, 3.0)]
        {
            assert_eq!(RankConflict::between(percentile, log10_lr), None, "{percentile} {log10_lr}");
        }
    }
}
