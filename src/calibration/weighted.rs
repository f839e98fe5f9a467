//! Numbers that count more or less: pairs of a score, or of a natural-log likelihood ratio, and a weight.

use crate::error::{Error, ErrorKind, Result, Shortage};

/// The same weight, 1, for each.
pub(crate) fn even(scores: &[f64]) -> Vec<(f64, f64)> {
    scores.iter().map(|score| (*score, 1.0)).collect()
}

/// Sum of the weights.
pub(super) fn total(trials: &[(f64, f64)]) -> f64 {
    trials.iter().map(|t| t.1).sum()
}

/// Refuses trials that a figure cannot be made of: a score that is not usable, a weight that is negative or not finite,
/// a kind without weight.
pub(super) fn check(
    figure: &'static str,
    targets: &[(f64, f64)],
    non_targets: &[(f64, f64)],
    usable: impl Fn(f64) -> bool,
) -> Result<()> {
    match fault(targets, &usable).or_else(|| fault(non_targets, &usable)) {
        Some(remark) => Err(refused(figure, targets, non_targets, remark)),
        None => Ok(()),
    }
}

/// Why trials of one kind cannot be used, to be set behind their number; none where they can.
pub(super) fn fault(trials: &[(f64, f64)], usable: impl Fn(f64) -> bool) -> Option<&'static str> {
    if !trials.iter().all(|t| usable(t.0)) {
        Some(", some scores not finite")
    } else if !trials.iter().all(|t| t.1.is_finite() && t.1 >= 0.0) {
        Some(", some weights negative or not finite")
    } else if total(trials) > 0.0 {
        None
    } else {
        Some("")
    }
}

/// The error about trials that a figure cannot be made of.
pub(super) fn refused(figure: &'static str, targets: &[(f64, f64)], non_targets: &[(f64, f64)], remark: &str) -> Error {
    let found = format!("{} target and {} non-target trials{remark}", targets.len(), non_targets.len());
    let expected = "at least one of each, with weight, and with finite scores and weights".into();
    ErrorKind::Insufficient { what: Shortage::Figure(figure), found, expected }.into()
}
