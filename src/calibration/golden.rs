//! Parity with lir 1.3.1, the Netherlands Forensic Institute's package, on the numbers of `tools/golden_lir.py`.

use super::bounds::Bounds;
use super::logistic::{LabelledRows, Logistic, LogisticSettings};
use super::metrics::{cllr, cllr_min};
use super::pav::{Pav, pav_llrs};
use super::weighted::even;
use serde::Deserialize;
use std::collections::BTreeMap;

const FILE: &str = include_str!("../../fixtures/golden/lir_metrics.json");

#[derive(Deserialize)]
struct Set {
    targets: Vec<f64>,
    non_targets: Vec<f64>,
    cllr: f64,
    cllr_min: f64,
    pav_targets: Vec<Option<f64>>,
    pav_non_targets: Vec<Option<f64>>,
    new_scores: Vec<f64>,
    pav_bounded: Vec<f64>,
    logistic: Vec<f64>,
    elub: [f64; 2],
}

fn sets() -> BTreeMap<String, Set> {
    let sets: BTreeMap<String, Set> = serde_json::from_str(FILE).unwrap();
    assert_eq!(sets.len(), 3);
    sets
}

#[track_caller]
fn close(name: &str, ours: f64, theirs: f64) {
    assert!((ours - theirs).abs() < 1e-6, "{name}: {ours} {theirs}");
}

#[test]
fn costs() {
    for (name, set) in sets() {
        close(&name, cllr(&set.targets, &set.non_targets).unwrap(), set.cllr);
        close(&name, cllr_min(&set.targets, &set.non_targets).unwrap(), set.cllr_min);
    }
}

#[test]
fn pooled_ratios() {
    for (name, set) in sets() {
        let (targets, non_targets) = pav_llrs(&set.targets, &set.non_targets).unwrap();
        let all = |ours: &[f64], theirs: &[Option<f64>], infinite: f64| {
            assert_eq!(ours.len(), theirs.len());
            for (ours, theirs) in ours.iter().zip(theirs) {
                match theirs {
                    Some(theirs) => close(&name, *ours, *theirs),
                    None => assert_eq!(*ours, infinite, "{name}"),
                }
            }
        };
        all(&targets, &set.pav_targets, f64::INFINITY);
        all(&non_targets, &set.pav_non_targets, f64::NEG_INFINITY);
        let pav = Pav::fit(&even(&set.targets), &even(&set.non_targets)).unwrap();
        for (score, theirs) in set.new_scores.iter().zip(&set.pav_bounded) {
            close(&name, pav.apply(*score).unwrap(), *theirs);
        }
    }
}

#[test]
fn logistic_ratios() {
    for (name, set) in sets() {
        let features = [&set.targets[..], &set.non_targets].concat();
        let labels = [vec![true; set.targets.len()], vec![false; set.non_targets.len()]].concat();
        // scikit-learn adds half the square of the slope to C = 1 times the sum of all losses, each kind weighted to
        // half the number of trials. Here the loss is a mean, and the slope that of a score with a deviation of 1.
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
        let middle = (mean(&set.targets) + mean(&set.non_targets)) / 2.0;
        let square = |scores: &[f64]| mean(&scores.iter().map(|x| (x - middle).powi(2)).collect::<Vec<_>>());
        let variance = (square(&set.targets) + square(&set.non_targets)) / 2.0;
        let ridge = 1.0 / (features.len() as f64 * variance);
        let rows = LabelledRows { features: &features, width: 1, targets: &labels, weights: None };
        let map = Logistic::fit(&rows, &LogisticSettings { ridge, ..Default::default() }).unwrap();
        for (score, theirs) in set.new_scores.iter().zip(&set.logistic) {
            close(&name, map.llr(&[*score]).unwrap(), *theirs);
        }
    }
}

#[test]
fn empirical_bounds() {
    for (name, set) in sets() {
        let bounds = Bounds::elub(&even(&set.targets), &even(&set.non_targets), f64::INFINITY).unwrap();
        close(&name, bounds.lower, set.elub[0]);
        close(&name, bounds.upper, set.elub[1]);
    }
}
