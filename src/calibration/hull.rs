//! The convex hull of a ROC, from which the error rates, the detection cost and Cllr_min all follow.

use super::metrics::detection_cost;
use super::weighted::{check, refused};
use crate::error::Result;
use std::f64::consts::LN_2;

/// The upper-left convex hull of a ROC: false-alarm and miss rates of the thresholds that some prior and cost make
/// best, from refusing every trial to accepting every one.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct RocHull(Vec<(f64, f64)>);

impl RocHull {
    /// The hull of weighted trials in the order of falling scores; none where all weight is on one side.
    pub fn of(trials: impl Iterator<Item = WeightedTrial>) -> Option<Self> {
        let mut hull: Vec<(f64, f64)> = vec![(0.0, 0.0)];
        let (mut hits, mut false_alarms, mut last) = (0.0, 0.0, 0.0);
        for WeightedTrial { target, weight, ends } in trials {
            if target {
                hits += weight;
            } else {
                false_alarms += weight;
            }
            // Without a hit since the last point, the new one lies straight to the right of it: never a corner.
            if ends && hits > last {
                extend(&mut hull, (false_alarms, hits));
                last = hits;
            }
        }
        if false_alarms == 0.0 || hits == 0.0 {
            return None;
        }
        if hull.last() != Some(&(false_alarms, hits)) {
            extend(&mut hull, (false_alarms, hits));
        }
        hull.iter_mut().for_each(|(fa, hit)| (*fa, *hit) = (*fa / false_alarms, 1.0 - *hit / hits));
        Some(RocHull(hull))
    }

    /// Where misses and false alarms are equal on the hull, 0 to 0.5.
    pub fn equal_error_rate(&self) -> f64 {
        let crossing = self.0.windows(2).find_map(|edge| {
            let [(fa0, miss0), (fa1, miss1)] = [*edge.first()?, *edge.get(1)?];
            // On the edge, miss - false alarm falls from d0 >= 0 to d1; the rates are equal where it is 0.
            let (d0, d1) = (miss0 - fa0, miss1 - fa1);
            (d1 <= 0.0).then(|| fa0 + d0 / (d0 - d1) * (fa1 - fa0))
        });
        crossing.unwrap_or(0.5)
    }

    /// Least normalised detection cost, 0 to 1; see [`min_dcf`](super::metrics::min_dcf).
    pub fn min_dcf(&self) -> f64 {
        self.0.iter().map(|(fa, miss)| detection_cost(*fa, *miss)).fold(f64::INFINITY, f64::min)
    }

    /// Least Cllr, 0 to 1; see [`cllr_min`](super::metrics::cllr_min). Each edge of the hull is a block that pooling
    /// adjacent violators makes (Fawcett and Niculescu-Mizil, "PAV and the ROC convex hull", 2007): the trials on it
    /// have the ratio `hits / false alarms`, as shares of all targets and of all non-targets.
    pub fn cllr_min(&self) -> f64 {
        let edges = self.0.windows(2).filter_map(|edge| {
            let [(fa0, miss0), (fa1, miss1)] = [*edge.first()?, *edge.get(1)?];
            Some((miss0 - miss1, fa1 - fa0))
        });
        let bits = |share: f64, other: f64| if share > 0.0 { share * (other / share).ln_1p() / LN_2 } else { 0.0 };
        edges.map(|(hits, alarms)| bits(hits, alarms) + bits(alarms, hits)).sum::<f64>() / 2.0
    }
}

/// A trial on its way into a hull.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WeightedTrial {
    /// Whether it compares two clips of one voice.
    pub target: bool,
    /// How much it counts, 0 or more.
    pub weight: f64,
    /// Whether the next score is another one, so that a threshold fits between.
    pub ends: bool,
}

/// Adds a corner, taking away those that it makes hollow.
fn extend(hull: &mut Vec<(f64, f64)>, point: (f64, f64)) {
    while let [.., a, b] = hull[..] {
        if (b.0 - a.0) * (point.1 - a.1) < (b.1 - a.1) * (point.0 - a.0) {
            break;
        }
        hull.pop();
    }
    hull.push(point);
}

/// The hull of scores with their weights.
pub(crate) fn roc(targets: &[(f64, f64)], non_targets: &[(f64, f64)]) -> Result<RocHull> {
    const FIGURE: &str = "error rates";
    check(FIGURE, targets, non_targets, f64::is_finite)?;
    let mut trials: Vec<(f64, bool, f64)> = targets.iter().map(|(score, weight)| (*score, true, *weight)).collect();
    trials.extend(non_targets.iter().map(|(score, weight)| (*score, false, *weight)));
    trials.sort_by(|a, b| b.0.total_cmp(&a.0));
    let next = trials.iter().skip(1).map(|next| Some(next.0)).chain([None]);
    let weighted = trials.iter().zip(next).map(|((score, target, weight), next)| WeightedTrial {
        target: *target,
        weight: *weight,
        ends: next != Some(*score),
    });
    RocHull::of(weighted).ok_or_else(|| refused(FIGURE, targets, non_targets, ""))
}
