//! Tippett plot: how often a log-likelihood ratio is greater than a value, by what is true.

use super::{ScoredTrials, Sides, remark};
use crate::report::chart::{Axis, Chart, LANDSCAPE, NON_TARGETS, Pen, QUIET, TARGETS};
use crate::report::svg::{count, log10, percent, shortened};

/// The Tippett plot (Evett and Buckleton 1996; Meuwly 2001): the share of trials whose log10 LR is greater than the
/// value on the axis, for targets and for non-targets. The key states the rates of misleading evidence: targets with
/// an LR below 1, non-targets with one above.
pub fn tippett(llrs: &ScoredTrials<'_>) -> String {
    let title = titled("Tippett plot", llrs.label);
    let about = "Share of trials whose log10 likelihood ratio (LR) is greater than the value on the axis.";
    let sides = Sides::of(llrs);
    if let Some(why) = sides.lacking() {
        return Chart::without_data(&title, about, why);
    }
    let (low, high) = sides.spread();
    let x = Axis::round("log₁₀ LR", low, high);
    let (low, high) = (x.low, x.high);
    let mut chart = Chart::new(&title, about, LANDSCAPE, x, Axis::round("Share with a greater LR", 0.0, 1.0));
    chart.line([(0.0, 0.0), (0.0, 1.0)].into_iter(), &Pen { colour: "#333", ..QUIET });
    chart.line(greater(&sides.targets), &TARGETS);
    chart.line(greater(&sides.non_targets), &NON_TARGETS);

    let below = sides.targets.partition_point(|llr| *llr < 0.0);
    let above = sides.non_targets.len() - sides.non_targets.partition_point(|llr| *llr <= 0.0);
    let figures = |misleading: usize, all: &[f64], side: &str| {
        let rate = percent(misleading as f64 / all.len() as f64);
        format!("{rate} misleading (LR {side} 1): {} of {}", count(misleading), count(all.len()))
    };
    chart.key(Some(&TARGETS), None, "Targets: one voice", &figures(below, &sides.targets, "below"));
    chart.key(Some(&NON_TARGETS), None, "Non-targets: two voices", &figures(above, &sides.non_targets, "above"));
    let outside = |sorted: &[f64]| {
        sorted.partition_point(|llr| log10(*llr) < low) + sorted.len()
            - sorted.partition_point(|llr| log10(*llr) <= high)
    };
    let outside = outside(&sides.targets) + outside(&sides.non_targets);
    chart.note("Dotted line: an LR of 1, which supports neither.");
    if outside > 0 {
        chart.note(&format!("Beyond the axis, and counted in the shares: {} of {}.", count(outside), sides.counts()));
    }
    remark(&mut chart, sides.left_out);
    chart.finish()
}

/// A title with the system's name.
pub(super) fn titled(title: &str, label: &str) -> String {
    if label.is_empty() { title.into() } else { format!("{title}: {}", shortened(label, 40)) }
}

/// Corners of the curve: a decimal log-likelihood ratio with the share of greater ones, before and after each step.
fn greater(sorted: &[f64]) -> impl Iterator<Item = (f64, f64)> {
    let share = |passed: usize| 1.0 - passed as f64 / sorted.len() as f64;
    let corners = sorted.iter().enumerate().flat_map(move |(i, llr)| {
        let x = log10(*llr);
        [(x, share(i)), (x, share(i + 1))]
    });
    std::iter::once((f64::NEG_INFINITY, 1.0)).chain(corners).chain([(f64::INFINITY, 0.0)])
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::LN_10;

    #[test]
    fn the_curve_passes_through_known_points() {
        let corners: Vec<_> = greater(&[-LN_10, 0.0, 0.0, 2.0 * LN_10]).collect();
        let inner = corners.get(1..corners.len() - 1).unwrap();
        let expected =
            [(-1.0, 1.0), (-1.0, 0.75), (0.0, 0.75), (0.0, 0.5), (0.0, 0.5), (0.0, 0.25), (2.0, 0.25), (2.0, 0.0)];
        assert_eq!(inner, expected);
    }

    #[test]
    fn misleading_evidence_is_counted() {
        // A likelihood ratio of exactly 1 misleads nobody.
        let llrs =
            ScoredTrials { label: "x", targets: &[-1.0, 0.0, 1.0, 90.0], non_targets: &[-1.0, 0.0, 2.0, -2.0, 3.0] };
        let svg = tippett(&llrs);
        assert!(svg.contains("25.0\u{a0}% misleading (LR below 1): 1 of 4"), "{svg}");
        assert!(svg.contains("40.0\u{a0}% misleading (LR above 1): 2 of 5"), "{svg}");
        assert!(
            svg.contains("Beyond the axis, and counted in the shares: 1 of 4 target and 5 non-target trials."),
            "{svg}"
        );
    }

    #[test]
    fn infinite_ratios_count_at_both_ends() {
        let ends = [f64::NEG_INFINITY, f64::INFINITY];
        let svg = tippett(&ScoredTrials { label: "x", targets: &ends, non_targets: &ends });
        // Half the targets have a greater LR than any value on the axis, so the curve is level at the middle.
        assert!(svg.contains("52.0,185.0 512.0,185.0"), "{svg}");
    }
}
