//! Cross-validation by speakers: ratios of speakers that a fit has not seen, by every method.

use super::CalibrateSettings;
use super::table::{Fitted, Table};
use crate::calibration::bounds::Bounds;
use crate::calibration::fusion::Method;
use crate::calibration::metrics::{weighted_cllr, weighted_cllr_min, weighted_equal_error_rate};
use crate::error::{Error, Result};
use crate::library::batch;
use crate::library::validate::calibration_file::{CrossValidation, Validated};
use crate::random::SplitMix;

/// Parts that the speakers are divided into. Every two parts are left out together, so that each trial of two speakers
/// is scored by a fit that has seen neither.
const FOLDS: usize = 8;

/// A trial whose ratio comes from a fit that has not seen its speakers.
pub(super) struct Unseen {
    pub target: bool,
    /// Natural-log ratio before bounds, by method.
    llrs: [f64; 3],
    pub weight: f64,
    /// Speakers of the reference and the tested clip.
    pub sides: [u32; 2],
    /// Both sides are as they are, and the reference is one clip.
    pub plain: bool,
}

impl Unseen {
    pub fn llr(&self, method: Method) -> f64 {
        let [logistic, pav, bi_gaussian] = self.llrs;
        match method {
            Method::Logistic => logistic,
            Method::Pav => pav,
            Method::BiGaussian => bi_gaussian,
        }
    }
}

/// The ratios of all trials, each by a fit to the speakers of other parts.
pub(super) fn unseen(
    table: &Table,
    settings: &CalibrateSettings,
    start: &Fitted,
    threads: usize,
) -> Result<Vec<Unseen>> {
    let folds = folds(table.speakers.len());
    let pairs: Vec<(usize, usize)> = (0..FOLDS).flat_map(|i| (i..FOLDS).map(move |j| (i, j))).collect();
    let parts = batch::map(pairs.len(), threads, |pair| {
        let (first, second) = pairs.get(pair).copied().unwrap_or_default();
        let of = |speaker: u32| folds.get(speaker as usize).copied().unwrap_or(0);
        let apart = |[a, b]: &[u32; 2]| ![*a, *b].iter().any(|speaker| [first, second].contains(&of(*speaker)));
        let inside = |[a, b]: &[u32; 2]| (of(*a).min(of(*b)), of(*a).max(of(*b))) == (first, second);
        let trials = table.sides.iter().zip(&table.weights);
        let weights: Vec<f64> = trials.map(|(sides, weight)| if apart(sides) { *weight } else { 0.0 }).collect();
        let fitted = table.fit(settings, &weights, Some(start))?;
        let tested = table.sums(&fitted, |i| table.sides.get(i).is_some_and(inside));
        let unseen = |(i, sum): (usize, f64)| {
            let llr = |method| fitted.ratio(method, sum);
            Some(Unseen {
                target: *table.targets.get(i)?,
                llrs: [llr(Method::Logistic)?, llr(Method::Pav)?, llr(Method::BiGaussian)?],
                weight: *table.weights.get(i)?,
                sides: *table.sides.get(i)?,
                plain: *table.plain.get(i)?,
            })
        };
        Ok::<_, Error>(tested.into_iter().filter_map(unseen).collect::<Vec<Unseen>>())
    })?;
    let mut all = Vec::new();
    for part in parts {
        all.extend(part?);
    }
    Ok(all)
}

/// The part of each speaker, in an order of chance.
fn folds(speakers: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..speakers).collect();
    order.sort_by_key(|speaker| SplitMix(*speaker as u64).next());
    let mut folds = vec![0; speakers];
    for (place, speaker) in order.into_iter().enumerate() {
        folds.iter_mut().skip(speaker).take(1).for_each(|fold| *fold = place % FOLDS);
    }
    folds
}

/// The figures of all methods, and of the one that is used within its bounds.
pub(super) fn figures(unseen: &[Unseen], method: Method, bounds: &Bounds) -> Result<CrossValidation> {
    let of = |llr: &dyn Fn(&Unseen) -> f64| {
        let side = |target: bool| {
            let trials = unseen.iter().filter(|trial| trial.target == target);
            trials.map(|trial| (llr(trial), trial.weight)).collect::<Vec<(f64, f64)>>()
        };
        validated(&side(true), &side(false))
    };
    let count = |target: bool| unseen.iter().filter(|trial| trial.target == target).count();
    Ok(CrossValidation {
        folds: FOLDS,
        target: count(true),
        non_target: count(false),
        logistic: of(&|trial| trial.llr(Method::Logistic))?,
        pav: of(&|trial| trial.llr(Method::Pav))?,
        bi_gaussian: of(&|trial| trial.llr(Method::BiGaussian))?,
        bounded: of(&|trial| bounds.clip(trial.llr(method)))?,
    })
}

/// The figures of ratios with weights.
pub(super) fn validated(targets: &[(f64, f64)], non_targets: &[(f64, f64)]) -> Result<Validated> {
    Ok(Validated {
        cllr: weighted_cllr(targets, non_targets)?,
        cllr_min: weighted_cllr_min(targets, non_targets)?,
        eer: weighted_equal_error_rate(targets, non_targets)?,
    })
}
