//! Tippett plot of a calibration's cross-validation, from quantiles, with the ratio of a case in it.

use super::population::KeyText;
use crate::report::chart::{Axis, Chart, Drawing, LANDSCAPE, NON_TARGETS, Pen, QUIET, TARGETS, pen};

/// What the picture shows. Ratios are decimal logarithms.
#[derive(Clone, Debug)]
pub struct ValidationCurves<'a> {
    /// Title.
    pub title: &'a str,
    /// What it shows, as the beginning of its description.
    pub about: &'a str,
    /// Names of the axes.
    pub axes: [&'a str; 2],
    /// Quantiles of the ratios of trials of one voice, evenly apart from the least to the greatest.
    pub targets: &'a [f64],
    /// The same of trials of two voices.
    pub non_targets: &'a [f64],
    /// Their rows in the key.
    pub keys: [KeyText<'a>; 2],
    /// The ratios of a case, with their rows in the key.
    pub cases: Vec<(f64, KeyText<'a>)>,
}

/// Draws the share of trials with a greater ratio than each, as in a Tippett plot.
pub fn validation(facts: &ValidationCurves<'_>) -> Drawing {
    let all = facts.targets.iter().chain(facts.non_targets).copied().chain(facts.cases.iter().map(|(x, _)| *x));
    let (low, high) = all.filter(|x| x.is_finite()).fold((-1.0f64, 1.0f64), |(a, b), x| (a.min(x), b.max(x)));
    let [x, y] = facts.axes;
    let x = Axis::round(x, low.max(-20.0), high.min(20.0));
    let mut chart = Chart::new(facts.title, facts.about, LANDSCAPE, x, Axis::round(y, 0.0, 1.0));
    chart.line([(0.0, 0.0), (0.0, 1.0)].into_iter(), &Pen { colour: "#333", ..QUIET });
    let [targets, non_targets] = &facts.keys;
    for (quantiles, pen, key) in [(facts.targets, TARGETS, targets), (facts.non_targets, NON_TARGETS, non_targets)] {
        chart.line(greater(quantiles), &pen);
        chart.key(Some(&pen), None, &key.name, &key.figures);
    }
    for (i, (ratio, key)) in facts.cases.iter().take(4).enumerate() {
        let pen = Pen { colour: "#000", width: 1.2, ..pen(i + 1) };
        chart.line([(*ratio, 0.0), (*ratio, 1.0)].into_iter(), &pen);
        chart.mark((*ratio, 0.5), pen.mark, "#000", &key.name);
        chart.key(Some(&pen), Some((pen.mark, "#000")), &key.name, &key.figures);
    }
    chart.drawn()
}

/// The share of greater ratios at each quantile.
fn greater(quantiles: &[f64]) -> impl Iterator<Item = (f64, f64)> + '_ {
    let steps = quantiles.len().saturating_sub(1).max(1) as f64;
    let inner = quantiles.iter().enumerate().map(move |(i, ratio)| (*ratio, 1.0 - i as f64 / steps));
    std::iter::once((f64::NEG_INFINITY, 1.0)).chain(inner).chain([(f64::INFINITY, 0.0)])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::svg::assert_well_formed;

    #[test]
    fn quantiles_make_the_curve_of_their_trials() {
        let points: Vec<_> = greater(&[-1.0, 0.0, 3.0]).collect();
        assert_eq!(points.get(1..4).unwrap(), [(-1.0, 1.0), (0.0, 0.5), (3.0, 0.0)]);
        for (targets, non_targets) in [(&[][..], &[][..]), (&[f64::NAN][..], &[f64::INFINITY][..])] {
            let keys = ["a", "b"].map(|name| KeyText::new(name, "1 %"));
            let axes = ["x", "y"];
            let facts = ValidationCurves { title: "T", about: "A.", axes, targets, non_targets, keys, cases: vec![] };
            let drawing = validation(&facts);
            assert_well_formed(&drawing.svg);
            assert!(!drawing.svg.contains("NaN") && !drawing.svg.contains("inf"), "{}", drawing.svg);
        }
    }
}
