//! Empirical cross-entropy: what the likelihood ratios leave unknown, at every prior.

use super::tippett::titled;
use super::{ScoredTrials, Sides, remark};
use crate::calibration::metrics::softplus;
use crate::report::chart::{Axis, Chart, LANDSCAPE, NON_TARGETS, Pen, QUIET, TARGETS};
use crate::report::svg::fixed;
use std::f64::consts::{LN_2, LN_10};

/// Prior log10 odds run from `-RANGE` to `RANGE`.
const RANGE: f64 = 2.5;
/// Points of a curve on either side of the middle.
const HALF: i32 = 50;
/// Log-likelihood ratios this close together, as natural logarithms, share their mean. The entropy changes by less
/// than a millionth of a bit, and ten million trials become a few thousand.
const CELL: f64 = 1.0 / 256.0;

/// The empirical cross-entropy in bits against the prior odds (Ramos and Gonzalez-Rodriguez, "Reliable support:
/// measuring calibration of likelihood ratios", 2013), of the likelihood ratios as they are, of the same after PAV
/// (`pav`, the best that any monotone calibration could have made of them), and of an LR that is always 1. At even odds
/// it is Cllr. Where the first curve lies above the last, the likelihood ratios do harm.
pub fn ece(llrs: &ScoredTrials<'_>, pav: &ScoredTrials<'_>) -> String {
    let title = titled("Empirical cross-entropy", llrs.label);
    let about = "Empirical cross-entropy in bits against prior log10 odds from -2.5 to 2.5: what is still unknown \
                 once the likelihood ratios are heard. Less is better.";
    let sides = Sides::of(llrs);
    if let Some(why) = sides.lacking() {
        return Chart::without_data(&title, about, why);
    }
    let best = Sides::of(pav);
    let stated = Entropy::of(&sides);
    let best_entropy = best.lacking().is_none().then(|| Entropy::of(&best));
    let highest = stated.curve().map(|point| point.1).filter(|bits| bits.is_finite()).fold(1.0, f64::max);
    let ticks = (-5..=5).map(|i| f64::from(i) * RANGE / 5.0).map(|odds| (odds, fixed(odds, 1))).collect();
    let x = Axis::new("Prior log₁₀ odds", -RANGE, RANGE, ticks);
    let mut chart = Chart::new(&title, about, LANDSCAPE, x, Axis::round("Cross-entropy (bits)", 0.0, highest.min(2.0)));
    chart.line([(0.0, 0.0), (0.0, 9.0)].into_iter(), &Pen { colour: "#333", ..QUIET });
    let always_one = Pen { colour: "#555", ..QUIET };
    let nothing = Entropy { targets: vec![(0.0, 1.0)], non_targets: vec![(0.0, 1.0)] };
    chart.line(nothing.curve(), &always_one);
    if let Some(best) = &best_entropy {
        chart.line(best.curve(), &NON_TARGETS);
    }
    chart.line(stated.curve(), &TARGETS);

    let cllr = stated.at(0.0);
    chart.key(Some(&TARGETS), None, "LR as stated", &format!("Cllr {} bits", fixed(cllr, 3)));
    match &best_entropy {
        Some(best) => {
            let least = best.at(0.0);
            let loss =
                if cllr.is_finite() { format!(", calibration loss {}", fixed(cllr - least, 3)) } else { String::new() };
            chart.key(Some(&NON_TARGETS), None, "After PAV", &format!("Cllr min {} bits{loss}", fixed(least, 3)));
        }
        None => chart.key(None, None, "After PAV", "no trials"),
    }
    chart.key(Some(&always_one), None, "LR always 1", "1.000 bits: what is unknown without the LR");
    if highest > 2.0 || !cllr.is_finite() {
        chart.note("The curve of the stated LR leaves the frame.");
    }
    chart.note(&format!("Figures are for even prior odds (the vertical line); {}.", sides.counts()));
    remark(&mut chart, sides.left_out.max(best.left_out));
    chart.finish()
}

/// Log-likelihood ratios of both kinds in cells, each with its share of the trials.
struct Entropy {
    targets: Vec<(f64, f64)>,
    non_targets: Vec<(f64, f64)>,
}

impl Entropy {
    fn of(sides: &Sides) -> Self {
        Entropy { targets: cells(&sides.targets), non_targets: cells(&sides.non_targets) }
    }

    /// Empirical cross-entropy in bits at these natural log odds.
    fn at(&self, odds: f64) -> f64 {
        let prior = 1.0 / (1.0 + (-odds).exp());
        let targets: f64 = self.targets.iter().map(|(llr, share)| share * softplus(-llr - odds)).sum();
        let non_targets: f64 = self.non_targets.iter().map(|(llr, share)| share * softplus(llr + odds)).sum();
        (prior * targets + (1.0 - prior) * non_targets) / LN_2
    }

    /// The curve over the range, against decimal log odds.
    fn curve(&self) -> impl Iterator<Item = (f64, f64)> + Clone {
        (-HALF..=HALF).map(|i| RANGE * f64::from(i) / f64::from(HALF)).map(|odds| (odds, self.at(odds * LN_10)))
    }
}

/// Means of rising values that lie within one cell, each with its share of all values.
fn cells(sorted: &[f64]) -> Vec<(f64, f64)> {
    let mut cells = Vec::new();
    let mut rest = sorted;
    while let Some(first) = rest.first() {
        let number = rest.partition_point(|value| *value <= first + CELL).max(1);
        let (cell, others) = rest.split_at_checked(number).unwrap_or((rest, &[]));
        // Differences from the first, for the sum of huge values may be infinite; so may the first itself.
        let beyond: f64 = cell.iter().filter(|value| *value != first).map(|value| value - first).sum();
        cells.push((first + beyond / number as f64, number as f64 / sorted.len() as f64));
        rest = others;
    }
    cells
}

#[cfg(test)]
mod tests {
    use super::super::trials::Made;
    use super::*;

    fn entropy(llrs: &ScoredTrials<'_>) -> Entropy {
        Entropy::of(&Sides::of(llrs))
    }

    /// The definition of Cllr, term by term.
    fn cllr(llrs: &ScoredTrials<'_>) -> f64 {
        let mean = |llrs: &[f64], sign: f64| {
            llrs.iter().map(|llr| (1.0 + (sign * llr).exp()).log2()).sum::<f64>() / llrs.len() as f64
        };
        (mean(llrs.targets, -1.0) + mean(llrs.non_targets, 1.0)) / 2.0
    }

    #[test]
    fn at_even_odds_it_is_cllr() {
        let few = ScoredTrials { label: "", targets: &[0.3, 2.0, -1.0], non_targets: &[-0.5, -3.0] };
        assert!((entropy(&few).at(0.0) - cllr(&few)).abs() < 1e-12);
        let made = Made::gaussian(3_000, 20_000, 9.0, 1.0);
        assert!((entropy(&made.named("")).at(0.0) - cllr(&made.named(""))).abs() < 1e-6);
    }

    #[test]
    fn the_definition_at_other_odds() {
        let llrs = ScoredTrials { label: "", targets: &[1.0, -0.2], non_targets: &[-2.0, 0.4, 0.1] };
        let odds: f64 = 0.2;
        let prior = odds / (1.0 + odds);
        let targets = llrs.targets.iter().map(|l| (1.0 + 1.0 / (l.exp() * odds)).log2()).sum::<f64>() / 2.0;
        let others = llrs.non_targets.iter().map(|l| (1.0 + l.exp() * odds).log2()).sum::<f64>() / 3.0;
        assert!((entropy(&llrs).at(odds.ln()) - prior * targets - (1.0 - prior) * others).abs() < 1e-12);
    }

    #[test]
    fn an_lr_of_one_leaves_the_entropy_of_the_prior() {
        let one = entropy(&ScoredTrials { label: "", targets: &[0.0], non_targets: &[0.0] });
        assert!((one.at(0.0) - 1.0).abs() < 1e-12);
        assert!((one.at(9f64.ln()) - 0.468_995_6).abs() < 1e-6);
    }

    #[test]
    fn certain_and_right_costs_nothing_certain_and_wrong_everything() {
        let infinite = f64::INFINITY;
        assert_eq!(entropy(&ScoredTrials { label: "", targets: &[infinite], non_targets: &[-infinite] }).at(1.0), 0.0);
        let wrong = ScoredTrials { label: "x", targets: &[-infinite, 1.0], non_targets: &[-1.0] };
        assert_eq!(entropy(&wrong).at(1.0), infinite);
        let svg = ece(&wrong, &wrong);
        assert!(svg.contains("Cllr ∞ bits") && svg.contains("leaves the frame"), "{svg}");
    }

    #[test]
    fn the_figures_are_stated() {
        let made = Made::gaussian(20_000, 20_000, 6.0, 1.0);
        let off = Made::gaussian(20_000, 20_000, 6.0, 3.0);
        let svg = ece(&off.named("x"), &made.named("x"));
        let figures = format!(
            "Cllr min {} bits, calibration loss {}",
            fixed(cllr(&made.named("")), 3),
            fixed(cllr(&off.named("")) - cllr(&made.named("")), 3)
        );
        assert!(svg.contains(&figures), "{figures} {svg}");
    }
}
