//! Reliability of likelihood ratios: what they state against what the labels support.

use super::tippett::titled;
use super::{ScoredTrials, Sides, remark};
use crate::report::chart::{Axis, Chart, Mark, Pen, QUIET, SQUARE, TARGETS};
use crate::report::svg::{count, fixed};

/// Most bins.
const BINS: usize = 12;
/// Trials of the rarer kind that there should be for each bin.
const FOR_EACH_BIN: usize = 10;
/// Quantile of the normal distribution for an interval of 95 %.
const NORMAL_95: f64 = 1.96;

/// A reliability diagram: the stated log10 LR of a bin against the one that the labels support there, which is the
/// share of all targets that lie in the bin over the share of all non-targets. Calibrated likelihood ratios lie on the
/// diagonal; above it they understate the support for one voice, below it they overstate it.
///
/// Bins have equal weight, targets as a whole counting as much as non-targets, and equal ratios are never parted. The
/// stated LR of a bin is its posterior odds at even priors, from the mean of the posteriors: that mean, unlike one of
/// logarithms, is what the labels of calibrated ratios come out at, however wide the bin. A bin with only one kind of
/// trial supports any LR up to or from some value; it is drawn at the edge as a triangle. The bars are 95 % intervals
/// as if trials were independent, which those that share a speaker are not.
pub fn reliability(llrs: &ScoredTrials<'_>) -> String {
    let title = titled("Reliability of the LR", llrs.label);
    let about = "Stated log10 likelihood ratio (LR) against the one that the labels support, in bins of equal weight. \
                 Calibrated ratios lie on the diagonal.";
    let sides = Sides::of(llrs);
    if let Some(why) = sides.lacking() {
        return Chart::without_data(&title, about, why);
    }
    let all = (sides.targets.len() as f64, sides.non_targets.len() as f64);
    let bins = bins(&sides);
    let (low, high) = range(&bins, all);
    let axis = |label: &str| Axis::round(label, low, high);
    let mut chart = Chart::new(&title, about, SQUARE, axis("Stated log₁₀ LR"), axis("Supported log₁₀ LR"));
    chart.line([(-99.0, -99.0), (99.0, 99.0)].into_iter(), &QUIET);
    chart.line([(0.0, -99.0), (0.0, 99.0)].into_iter(), &QUIET);
    chart.line([(-99.0, 0.0), (99.0, 0.0)].into_iter(), &QUIET);
    let supported = bins.iter().filter(|bin| bin.supported(all).is_finite());
    chart.line(supported.map(|bin| (bin.stated(), bin.supported(all))), &TARGETS);
    let mut last_words = f64::NEG_INFINITY;
    for bin in &bins {
        draw(&mut chart, bin, all, &mut last_words);
    }
    chart.key(Some(&TARGETS), Some((Mark::Circle, TARGETS.colour)), "Bins of trials", &sides.counts());
    chart.key(Some(&QUIET), None, "Calibrated", "stated and supported LR agree");
    if bins.iter().any(|bin| !bin.supported(all).is_finite()) {
        let colour = TARGETS.colour;
        chart.key(None, Some((Mark::Up, colour)), "Bin of one kind only", "supported LR open-ended, drawn at the edge");
    }
    chart.note("Small figures: targets / non-targets in the bin. Bars: 95 % intervals as if trials were independent.");
    remark(&mut chart, sides.left_out);
    chart.finish()
}

/// Trials with neighbouring likelihood ratios.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Bin {
    targets: usize,
    non_targets: usize,
    /// Sums of the posterior probabilities of one voice and of two, at even priors, by weight.
    one: f64,
    two: f64,
}

impl Bin {
    /// Stated log10 LR.
    fn stated(&self) -> f64 {
        self.one.log10() - self.two.log10()
    }

    /// Supported log10 LR: infinite where a kind is missing.
    fn supported(&self, (targets, non_targets): (f64, f64)) -> f64 {
        (self.targets as f64 / targets).log10() - (self.non_targets as f64 / non_targets).log10()
    }

    /// The 95 % interval of the supported log10 LR; a kind that is missing might, with that confidence, have been
    /// seen up to three times.
    fn interval(&self, all: (f64, f64)) -> (f64, f64) {
        let three = |bin: Bin| bin.supported(all);
        match (self.targets, self.non_targets) {
            (0, _) => (f64::NEG_INFINITY, three(Bin { targets: 3, ..*self })),
            (_, 0) => (three(Bin { non_targets: 3, ..*self }), f64::INFINITY),
            (targets, non_targets) => {
                let (targets, non_targets) = (targets as f64, non_targets as f64);
                let variance = 1.0 / targets - 1.0 / all.0 + 1.0 / non_targets - 1.0 / all.1;
                let half = NORMAL_95 * variance.max(0.0).sqrt() / std::f64::consts::LN_10;
                (self.supported(all) - half, self.supported(all) + half)
            }
        }
    }
}

/// Bins of equal weight, rising.
fn bins(sides: &Sides) -> Vec<Bin> {
    let (targets, non_targets) = (sides.targets.len(), sides.non_targets.len());
    let number = (targets.min(non_targets) / FOR_EACH_BIN).clamp(1, BINS) as f64;
    // The weight of a trial is such that each kind weighs 1.
    let weight = |t: usize, n: usize| t as f64 / targets as f64 + n as f64 / non_targets as f64;
    let mut bins: Vec<Bin> = Vec::new();
    let (mut bin, mut passed) = (Bin::default(), 0.0);
    for tie in sides.ties() {
        let tie_weight = weight(tie.targets, tie.non_targets);
        bin.targets += tie.targets;
        bin.non_targets += tie.non_targets;
        bin.one += tie_weight / (1.0 + (-tie.score).exp());
        bin.two += tie_weight / (1.0 + tie.score.exp());
        passed += tie_weight;
        // Rounding must not leave the last trials in a bin of their own.
        if passed >= 2.0 * (bins.len() + 1) as f64 / number - 1e-9 {
            bins.push(std::mem::take(&mut bin));
        }
    }
    if bin != Bin::default() {
        bins.push(bin);
    }
    bins
}

/// Ends of both axes: what is stated and supported, and at least from -1 to 1 and at most from -10 to 10.
fn range(bins: &[Bin], all: (f64, f64)) -> (f64, f64) {
    let values = bins.iter().flat_map(|bin| {
        let (low, high) = bin.interval(all);
        [bin.stated(), bin.supported(all), low, high]
    });
    let finite: Vec<f64> = values.filter(|value| value.is_finite()).collect();
    let low = finite.iter().copied().fold(-1.0, f64::min).max(-10.0);
    let high = finite.iter().copied().fold(1.0, f64::max).min(10.0);
    (low, high)
}

/// Draws the mark of a bin, its interval and its counts.
fn draw(chart: &mut Chart, bin: &Bin, all: (f64, f64), last_words: &mut f64) {
    let (left, top, right, bottom) = chart.frame();
    let (stated, supported, (low, high)) = (bin.stated(), bin.supported(all), bin.interval(all));
    let bar = Pen { width: 1.0, ..TARGETS };
    chart.line([(stated, low), (stated, high)].into_iter(), &bar);
    let mark = match supported {
        f64::NEG_INFINITY => Mark::Down,
        f64::INFINITY => Mark::Up,
        _ => Mark::Circle,
    };
    let (x, y) = chart.place((stated, supported));
    let (x, y) = (x.clamp(left + 6.0, right - 6.0), y.clamp(top + 7.0, bottom - 7.0));
    let counts = format!("{} / {}", count(bin.targets), count(bin.non_targets));
    let hint = format!("stated {}, supported {}: {counts}", fixed(stated, 2), fixed(supported, 2));
    chart.marks_at(&[(x, y)], mark, TARGETS.colour, &hint);
    chart.tell(&format!("Bin: {hint}."));
    // Words lie beside the mark, away from the curve; where they would lie on each other, the hint must do.
    if (y - *last_words).abs() >= 11.0 {
        *last_words = y;
        if x < right - 90.0 {
            chart.words((x + 9.0, (y + 9.0).min(bottom - 5.0)), "start", &counts)
        } else {
            chart.words((x - 9.0, (y - 6.0).max(top + 12.0)), "end", &counts)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::trials::Made;
    use super::*;

    fn bins_of(made: &Made) -> (Vec<Bin>, (f64, f64)) {
        (bins(&Sides::of(&made.named(""))), (made.targets.len() as f64, made.non_targets.len() as f64))
    }

    #[test]
    fn calibrated_ratios_lie_on_the_diagonal() {
        let (bins, all) = bins_of(&Made::gaussian(100_000, 100_000, 6.0, 1.0));
        assert_eq!(bins.len(), BINS);
        for bin in bins {
            assert!((bin.stated() - bin.supported(all)).abs() < 0.12, "{bin:?}");
            let (low, high) = bin.interval(all);
            assert!(low < bin.supported(all) && bin.supported(all) < high);
        }
    }

    #[test]
    fn overstated_ratios_lie_below_it_on_the_right_and_above_it_on_the_left() {
        let (bins, all) = bins_of(&Made::gaussian(20_000, 50_000, 6.0, 2.0));
        let (first, last) = (bins.first().unwrap(), bins.last().unwrap());
        assert!(first.stated() < first.supported(all) - 0.5, "{first:?}");
        assert!(last.stated() > last.supported(all) + 0.5, "{last:?}");
    }

    #[test]
    fn bins_have_equal_weight_and_hold_every_trial() {
        let made = Made::gaussian(1_000, 30_000, 6.0, 1.0);
        let (bins, all) = bins_of(&made);
        assert_eq!(bins.len(), BINS);
        assert_eq!(bins.iter().map(|bin| bin.targets).sum::<usize>(), made.targets.len());
        assert_eq!(bins.iter().map(|bin| bin.non_targets).sum::<usize>(), made.non_targets.len());
        for bin in bins {
            let weight = bin.targets as f64 / all.0 + bin.non_targets as f64 / all.1;
            assert!((weight - 2.0 / BINS as f64).abs() < 0.003, "{weight}");
        }
    }

    #[test]
    fn equal_ratios_share_a_bin() {
        let trials = ScoredTrials { label: "", targets: &[1.0; 500], non_targets: &[1.0; 500] };
        assert_eq!(bins(&Sides::of(&trials)).len(), 1);
    }

    #[test]
    fn bins_of_one_kind_are_open_ended() {
        let targets: Vec<f64> = (0..100).map(|i| 1.0 + f64::from(i) * 0.01).collect();
        let non_targets: Vec<f64> = targets.iter().map(|llr| -llr).collect();
        let svg = reliability(&ScoredTrials { label: "x", targets: &targets, non_targets: &non_targets });
        assert!(svg.contains("Bin of one kind only") && svg.contains("supported −∞: 0 / "), "{svg}");
        assert!(svg.contains("supported ∞"), "{svg}");
    }
}
