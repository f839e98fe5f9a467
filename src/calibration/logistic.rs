//! Logistic regression of several scores to one log-likelihood ratio, weighted by a prior and regularised.
//!
//! The loss is that of Brümmer and du Preez ("Application-independent evaluation of speaker detection", 2006): with the
//! prior odds added, the ratio's posterior is scored by its logarithm, targets with the weight of the prior in all and
//! non-targets with the rest, whatever their numbers. The prior's log odds are no part of the intercept, so what comes
//! out *is* a log-likelihood ratio. All sums run over the trials in their order.

mod newton;
mod scale;

use crate::error::{Error, ErrorKind, Result, Shortage};
use newton::{Objective, minimise};
use scale::Scale;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Labelled trials, each with the same number of features.
#[derive(Clone, Copy, Debug)]
pub struct LabelledRows<'a> {
    /// The features, trial by trial.
    pub features: &'a [f64],
    /// Number of features a trial.
    pub width: usize,
    /// Whether each trial is a target.
    pub targets: &'a [bool],
    /// How much each trial counts within its kind, 0 or more; without it every trial counts the same.
    pub weights: Option<&'a [f64]>,
}

/// How a regression is fitted.
#[derive(Clone, Debug, PartialEq)]
pub struct LogisticSettings {
    /// Prior probability of a target trial, above 0 and below 1.
    pub prior: f64,
    /// Weight of half the sum of squares of the coefficients, 0 or more. The coefficients are those of features with a
    /// standard deviation of 1, and the loss is a mean, so that it means the same for any scale and any number of
    /// trials. The intercept is free.
    pub ridge: f64,
    /// Weight of half the square of each plain coefficient, 0 or more, by column; empty for none. Where all features
    /// are cosines it holds back those that need large coefficients because they spread little.
    pub plain_ridge: Vec<f64>,
    /// The columns whose coefficient must not be negative, as a higher score must never count against its proposition.
    pub non_negative: Vec<usize>,
}

impl Default for LogisticSettings {
    /// Even odds, a ridge of 0.0001, no column bound.
    fn default() -> Self {
        LogisticSettings { prior: 0.5, ridge: 1e-4, plain_ridge: Vec::new(), non_negative: Vec::new() }
    }
}

/// A linear map of features to a natural-log likelihood ratio.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Logistic {
    /// The ratio where all features are 0.
    pub intercept: f64,
    /// What each feature adds for each unit.
    pub coefficients: Vec<f64>,
}

impl Logistic {
    /// Fits the map by Newton's method, from a start without any knowledge.
    ///
    /// # Errors
    /// [`ErrorKind::Insufficient`] without weight on a target or on a non-target trial, where lengths do not fit or a
    /// number is not finite, and where no least loss is found. [`ErrorKind::Setting`] for a prior, ridge or column
    /// outside its range.
    ///
    /// Separable trials have a least loss only with a ridge; without one the map is as steep as the tolerance of the
    /// method lets it be.
    pub fn fit(rows: &LabelledRows<'_>, settings: &LogisticSettings) -> Result<Self> {
        Self::fit_from(rows, settings, None)
    }

    /// The same from a map nearby, which takes fewer steps: for the refits of a bootstrap. The result is the same
    /// within the tolerance of the method.
    ///
    /// # Errors
    /// As [`fit`](Self::fit).
    pub fn fit_from(rows: &LabelledRows<'_>, settings: &LogisticSettings, start: Option<&Logistic>) -> Result<Self> {
        check_settings(rows, settings)?;
        let totals = totals(rows)?;
        let scale = Scale::of(rows, settings.prior, totals);
        let bound = |column: usize| settings.non_negative.contains(&column) || scale.constant(column);
        let ridges = scale.factor.iter().enumerate().map(|(column, factor)| {
            settings.ridge + settings.plain_ridge.get(column).map_or(0.0, |ridge| ridge * factor * factor)
        });
        let ridges = ridges.collect();
        let objective = Objective { rows, scale: &scale, prior: settings.prior, ridges, totals };
        let bounds: Vec<bool> = std::iter::once(false).chain((0..rows.width).map(bound)).collect();
        let first = scale.standardised(start, &bounds);
        let found = minimise(&objective, &bounds, first);
        let fitted = found.map(|standardised| scale.plain(&standardised));
        let finite = |map: &Logistic| map.intercept.is_finite() && map.coefficients.iter().all(|w| w.is_finite());
        let no_least = || refused("a loss without a least value", "a ridge above 0 where trials are separable");
        fitted.filter(finite).ok_or_else(no_least)
    }

    /// The natural-log likelihood ratio of one trial; none for another number of features.
    pub fn llr(&self, features: &[f64]) -> Option<f64> {
        let products = self.coefficients.iter().zip(features).map(|(w, x)| w * x);
        (features.len() == self.coefficients.len()).then(|| self.intercept + products.sum::<f64>())
    }
}

fn refused(found: impl Into<String>, expected: impl Into<String>) -> Error {
    ErrorKind::Insufficient {
        what: Shortage::Figure("logistic regression"),
        found: found.into(),
        expected: expected.into(),
    }
    .into()
}

fn check_settings(rows: &LabelledRows<'_>, settings: &LogisticSettings) -> Result<()> {
    let setting =
        |name, found: String, expected: &str| Err(ErrorKind::Setting { name, found, expected: expected.into() }.into());
    if !(settings.prior > 0.0 && settings.prior < 1.0) {
        return setting("prior", settings.prior.to_string(), "above 0 and below 1");
    }
    let ridges = || std::iter::once(&settings.ridge).chain(&settings.plain_ridge);
    if let Some(wrong) = ridges().find(|ridge| !(**ridge >= 0.0 && ridge.is_finite())) {
        return setting("ridge", wrong.to_string(), "0 or more");
    }
    match settings.non_negative.iter().find(|column| **column >= rows.width) {
        Some(column) => setting("non_negative", column.to_string(), "columns that there are"),
        None => Ok(()),
    }
}

/// Total weight of non-targets and of targets.
fn totals(rows: &LabelledRows<'_>) -> Result<[f64; 2]> {
    let trials = rows.targets.len();
    if rows.features.len() != trials * rows.width || rows.weights.is_some_and(|weights| weights.len() != trials) {
        let weights = rows.weights.map_or(trials, <[f64]>::len);
        let found = format!("{} features and {weights} weights for {trials} trials", rows.features.len());
        return Err(refused(found, format!("{} features and a weight a trial", rows.width)));
    }
    let usable = |weight: &f64| weight.is_finite() && *weight >= 0.0;
    if !rows.features.iter().all(|x| x.is_finite()) || !rows.weights.is_none_or(|w| w.iter().all(usable)) {
        return Err(refused("features or weights that are not finite, or negative weights", "finite ones"));
    }
    let total = |target: bool| rows.trials().filter(|trial| trial.target == target).map(|trial| trial.weight).sum();
    let [non_targets, targets]: [f64; 2] = [total(false), total(true)];
    if !(non_targets > 0.0 && targets > 0.0 && (non_targets + targets).is_finite()) {
        let found = format!("a weight of {targets} on target and {non_targets} on non-target trials");
        return Err(refused(found, "some on both"));
    }
    Ok([non_targets, targets])
}

struct Trial<'a> {
    features: &'a [f64],
    target: bool,
    weight: f64,
}

impl<'a> LabelledRows<'a> {
    fn trials(&self) -> impl Iterator<Item = Trial<'a>> + use<'a> {
        let (features, width) = (self.features, self.width);
        let weights = self.weights.map_or(&[][..], |weights| weights).iter().copied();
        let weights = weights.chain(std::iter::repeat(1.0));
        self.targets.iter().zip(weights).enumerate().map(move |(i, (target, weight))| {
            let features = features.get(i * width..(i + 1) * width).unwrap_or_default();
            Trial { features, target: *target, weight }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::metrics::cllr;
    use super::*;
    use crate::random::SplitMix;

    fn uniform(random: &mut SplitMix) -> f64 {
        random.below(1 << 53) as f64 / (1u64 << 53) as f64
    }

    /// Rows of uniform features, the first twice as wide and shifted, with labels drawn from the logistic model.
    fn drawn(trials: usize, truth: &[f64], intercept: f64) -> (Vec<f64>, Vec<bool>) {
        let mut random = SplitMix(9);
        let (mut features, mut targets) = (Vec::new(), Vec::new());
        for _ in 0..trials {
            let row: Vec<f64> = truth.iter().map(|_| 4.0 * uniform(&mut random) - 1.0).collect();
            let odds = intercept + row.iter().zip(truth).map(|(x, w)| x * w).sum::<f64>();
            targets.push(uniform(&mut random) < 1.0 / (1.0 + (-odds).exp()));
            features.extend(row);
        }
        (features, targets)
    }

    fn rows<'a>(features: &'a [f64], width: usize, targets: &'a [bool]) -> LabelledRows<'a> {
        LabelledRows { features, width, targets, weights: None }
    }

    fn plain() -> LogisticSettings {
        LogisticSettings { ridge: 0.0, ..Default::default() }
    }

    fn close(a: &Logistic, b: &Logistic, tolerance: f64) {
        let all = |map: &Logistic| [&[map.intercept], &map.coefficients[..]].concat();
        for (x, y) in all(a).iter().zip(all(b)) {
            assert!((x - y).abs() < tolerance, "{a:?} {b:?}");
        }
    }

    #[test]
    fn known_coefficients_are_recovered() {
        let truth = [1.5, -0.7, 0.0];
        let (features, targets) = drawn(200_000, &truth, -1.0);
        let share = targets.iter().filter(|t| **t).count() as f64 / targets.len() as f64;
        // With the prior of the sample the weights are equal; the log odds of that prior are no part of the ratio.
        for prior in [share, 0.5] {
            let map = Logistic::fit(&rows(&features, 3, &targets), &LogisticSettings { prior, ..plain() }).unwrap();
            let expected = Logistic { intercept: -1.0 - (share / (1.0 - share)).ln(), coefficients: truth.to_vec() };
            close(&map, &expected, 0.05);
        }
    }

    #[test]
    fn a_feature_with_two_values_has_a_closed_form() {
        // 6 of 8 targets and 1 of 4 non-targets have a 1: the ratios are 0.75 / 0.25 and 0.25 / 0.75.
        let features: Vec<f64> = [vec![1.0; 6], vec![0.0; 2], vec![1.0], vec![0.0; 3]].concat();
        let targets: Vec<bool> = [vec![true; 8], vec![false; 4]].concat();
        for prior in [0.5, 0.01, 0.9] {
            let map = Logistic::fit(&rows(&features, 1, &targets), &LogisticSettings { prior, ..plain() }).unwrap();
            close(&map, &Logistic { intercept: -3f64.ln(), coefficients: vec![2.0 * 3f64.ln()] }, 1e-8);
            assert!((map.llr(&[1.0]).unwrap() - 3f64.ln()).abs() < 1e-8);
        }
        assert_eq!(Logistic { intercept: 0.0, coefficients: vec![1.0] }.llr(&[1.0, 2.0]), None);
    }

    #[test]
    fn weights_are_repetitions() {
        let (features, targets) = drawn(60, &[1.0, 0.5], 0.0);
        let times: Vec<usize> = (0..60).map(|i| i % 4).collect();
        let weights: Vec<f64> = times.iter().map(|n| *n as f64).collect();
        let repeated: Vec<f64> = features.chunks(2).zip(&times).flat_map(|(row, n)| row.repeat(*n)).collect();
        let labels: Vec<bool> = targets.iter().zip(&times).flat_map(|(t, n)| vec![*t; *n]).collect();
        let weighted = LabelledRows { weights: Some(&weights), ..rows(&features, 2, &targets) };
        let settings = LogisticSettings { ridge: 0.1, ..Default::default() };
        let map = Logistic::fit(&weighted, &settings).unwrap();
        close(&map, &Logistic::fit(&rows(&repeated, 2, &labels), &settings).unwrap(), 1e-8);
        // From a start nearby, and from a bad one.
        for start in
            [Logistic { intercept: 0.1, ..map.clone() }, Logistic { intercept: 9.0, coefficients: vec![-9.0; 2] }]
        {
            close(&map, &Logistic::fit_from(&weighted, &settings, Some(&start)).unwrap(), 1e-8);
        }
    }

    #[test]
    fn units_change_nothing() {
        let (features, targets) = drawn(500, &[1.0, 0.5], 0.0);
        let other: Vec<f64> = features.chunks(2).flat_map(|row| [1000.0 * row[0] + 7.0, row[1]]).collect();
        let settings = LogisticSettings { ridge: 0.1, ..Default::default() };
        let [a, b] = [&features, &other].map(|x| Logistic::fit(&rows(x, 2, &targets), &settings).unwrap());
        for (x, y) in features.chunks(2).zip(other.chunks(2)) {
            assert!((a.llr(x).unwrap() - b.llr(y).unwrap()).abs() < 1e-7);
        }
    }

    #[test]
    fn separable_trials_stay_finite() {
        let features = [0.0, 1.0, 5.0, 6.0];
        let targets = [false, false, true, true];
        for ridge in [0.0, 1e-6, 1e-2] {
            let settings = LogisticSettings { ridge, non_negative: vec![0], ..Default::default() };
            let map = Logistic::fit(&rows(&features, 1, &targets), &settings).unwrap();
            assert!(map.coefficients[0] > 0.0 && map.intercept.is_finite(), "{map:?}");
        }
    }

    #[test]
    fn bound_coefficients_are_the_least_loss_among_those_allowed() {
        let truth = [1.0, -0.5, -0.8, 0.6];
        let (features, targets) = drawn(4000, &truth, 0.0);
        let all = rows(&features, 4, &targets);
        let settings = LogisticSettings { non_negative: vec![0, 1, 2, 3], ..Default::default() };
        let bound = Logistic::fit(&all, &settings).unwrap();
        assert_eq!(bound.coefficients[1..3], [0.0, 0.0], "{bound:?}");
        // The same as without those columns, and from any start.
        let fewer: Vec<f64> = features.chunks(4).flat_map(|row| [row[0], row[3]]).collect();
        let free = Logistic::fit(&rows(&fewer, 2, &targets), &LogisticSettings::default()).unwrap();
        let expected = vec![free.coefficients[0], 0.0, 0.0, free.coefficients[1]];
        close(&bound, &Logistic { intercept: free.intercept, coefficients: expected }, 1e-8);
        let start = Logistic { intercept: 1.0, coefficients: vec![0.0, 2.0, 1.0, 0.0] };
        close(&bound, &Logistic::fit_from(&all, &settings, Some(&start)).unwrap(), 1e-8);
        // A bound that nothing presses against changes nothing.
        let [a, b] = [vec![], vec![0, 3]]
            .map(|non_negative| Logistic::fit(&all, &LogisticSettings { non_negative, ..Default::default() }).unwrap());
        close(&a, &b, 1e-8);
    }

    #[test]
    fn a_column_that_says_nothing_gets_no_weight() {
        let (features, targets) = drawn(500, &[1.0], 0.3);
        let with: Vec<f64> = features.iter().flat_map(|x| [*x, 0.1, *x]).collect();
        let map = Logistic::fit(&rows(&with, 3, &targets), &LogisticSettings::default()).unwrap();
        assert_eq!(map.coefficients[1], 0.0);
        // Two equal columns share the weight, and without a ridge the loss is as low.
        assert!((map.coefficients[0] - map.coefficients[2]).abs() < 1e-6, "{map:?}");
        let loss = |map: &Logistic, features: &[f64], width| {
            let llrs = |target| -> Vec<f64> {
                let trials = features.chunks(width).zip(&targets).filter(|(_, t)| **t == target);
                trials.map(|(row, _)| map.llr(row).unwrap()).collect()
            };
            cllr(&llrs(true), &llrs(false)).unwrap()
        };
        let one = Logistic::fit(&rows(&features, 1, &targets), &plain()).unwrap();
        let three = Logistic::fit(&rows(&with, 3, &targets), &plain()).unwrap();
        assert!((loss(&one, &features, 1) - loss(&three, &with, 3)).abs() < 1e-9);
    }

    #[test]
    fn what_cannot_be_fitted_is_refused() {
        let fails = |features: &[f64], targets: &[bool], weights: Option<&[f64]>| {
            let rows = LabelledRows { features, width: 1, targets, weights };
            let error = Logistic::fit(&rows, &LogisticSettings::default()).unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::Insufficient { .. }), "{error}");
        };
        fails(&[0.0, 1.0], &[true, true], None);
        fails(&[0.0, 1.0], &[true, false], Some(&[0.0, 1.0]));
        fails(&[0.0, 1.0], &[true, false], Some(&[-1.0, 1.0]));
        fails(&[0.0, 1.0], &[true, false], Some(&[1.0]));
        fails(&[0.0, f64::NAN], &[true, false], None);
        fails(&[0.0], &[true, false], None);
        fails(&[], &[], None);
        let rows = rows(&[0.0, 1.0], 1, &[true, false]);
        for settings in [
            LogisticSettings { prior: 1.0, ..plain() },
            LogisticSettings { ridge: -1.0, ..plain() },
            LogisticSettings { non_negative: vec![1], ..plain() },
        ] {
            assert!(Logistic::fit(&rows, &settings).unwrap_err().is_setting());
        }
    }
}
