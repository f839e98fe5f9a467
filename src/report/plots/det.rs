//! Detection error trade-off: misses against false alarms at every threshold.

use super::{ScoredTrials, Sides, remark};
use crate::calibration::interval::normal_quantile as probit;
use crate::calibration::metrics::equal_error_rate;
use crate::report::chart::{Axis, Chart, QUIET, SQUARE, pen};
use crate::report::svg::{count, fixed, percent};

/// Rates that can be ticks, in per cent.
const TICKS: [f64; 23] = [
    0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0,
    80.0, 90.0, 95.0, 99.0,
];
/// Pieces in which the slant of a tie is drawn, for it is no straight line on probit axes.
const PIECES: u32 = 48;

/// The DET curves of systems (Martin and others, "The DET curve in assessment of detection task performance", 1997):
/// how many target trials each misses against how many non-target trials it accepts, at every threshold. On the probit
/// axes the curve of Gaussian scores is straight.
///
/// The curves are the steps of the data, without smoothing; only where targets and non-targets share a score is a step
/// slanted, for every mixture of its ends can be had. The marks on the diagonal are the equal error rates on the convex
/// hull, as [`equal_error_rate`] has them. The axes run from 0.1 % to 50 %, and farther where the data do; a rate of 0
/// is drawn on the edge.
pub fn det(systems: &[ScoredTrials<'_>]) -> String {
    let title = "Detection error trade-off";
    let about = "Rate of missed target trials against rate of false alarms among non-target trials, at every \
                 threshold, on probit axes.";
    let sides: Vec<Sides> = systems.iter().map(Sides::of).collect();
    let rates: Vec<Option<f64>> = sides.iter().map(equal_error).collect();
    if rates.iter().all(Option::is_none) {
        let why = sides.first().and_then(Sides::lacking).unwrap_or("no trials");
        return Chart::without_data(title, about, why);
    }
    let (low, high) = range(&sides, &rates);
    let mut chart =
        Chart::new(title, about, SQUARE, axis("False alarms (%)", low, high), axis("Misses (%)", low, high));
    chart.line([low, high].map(|rate| (probit(rate), probit(rate))).into_iter(), &QUIET);
    for (i, ((system, sides), rate)) in systems.iter().zip(&sides).zip(&rates).enumerate() {
        let pen = pen(i);
        let Some(rate) = rate else {
            chart.key(None, None, system.label, sides.lacking().unwrap_or_default());
            continue;
        };
        let place = |(false_alarms, misses): (f64, f64)| (probit(false_alarms.max(low)), probit(misses.max(low)));
        chart.line(operating_points(sides).map(place), &pen);
        let rate_text = format!("EER {}", percent(*rate));
        chart.mark(place((*rate, *rate)), pen.mark, pen.colour, &format!("{}: {rate_text}", system.label));
        let trials = format!("{} / {} trials", count(sides.targets.len()), count(sides.non_targets.len()));
        chart.key(Some(&pen), Some((pen.mark, pen.colour)), system.label, &format!("{rate_text}, {trials}"));
    }
    chart.note("Marks: equal error rate (EER) on the convex hull. Trials: targets / non-targets.");
    remark(&mut chart, sides.iter().map(|sides| sides.left_out).sum());
    chart.finish()
}

/// The equal error rate, where there are trials of both kinds.
fn equal_error(sides: &Sides) -> Option<f64> {
    // Only the order of scores matters, so the infinite ones may as well be huge.
    let finite = |scores: &[f64]| scores.iter().map(|score| score.clamp(f64::MIN, f64::MAX)).collect::<Vec<_>>();
    equal_error_rate(&finite(&sides.targets), &finite(&sides.non_targets)).ok()
}

/// False-alarm and miss rates of all thresholds, from accepting every trial to refusing every one.
fn operating_points(sides: &Sides) -> impl Iterator<Item = (f64, f64)> {
    let (all_targets, all_non_targets) = (sides.targets.len() as f64, sides.non_targets.len() as f64);
    let (mut missed, mut refused) = (0.0, 0.0);
    let steps = sides.ties().flat_map(move |tie| {
        let (from, targets, non_targets) = ((missed, refused), tie.targets as f64, tie.non_targets as f64);
        (missed, refused) = (missed + targets, refused + non_targets);
        let pieces = if tie.targets > 0 && tie.non_targets > 0 { PIECES } else { 1 };
        (1..=pieces).map(move |piece| {
            // Pieces are short near the ends, where probit axes stretch the most.
            let share = f64::from(piece) / f64::from(pieces);
            let share = share * share * (3.0 - 2.0 * share);
            (1.0 - (from.1 + share * non_targets) / all_non_targets, (from.0 + share * targets) / all_targets)
        })
    });
    std::iter::once((1.0, 0.0)).chain(steps)
}

/// Ends of both axes, as rates.
fn range(sides: &[Sides], rates: &[Option<f64>]) -> (f64, f64) {
    let best = rates.iter().flatten().copied().fold(0.5, f64::min);
    let worst = rates.iter().flatten().copied().fold(0.0, f64::max);
    let most = sides.iter().map(|sides| sides.targets.len().max(sides.non_targets.len())).max().unwrap_or(0);
    // Small rates need many trials to be more than chance.
    let low = match most {
        100_000.. if best < 0.002 => 1e-5,
        10_000.. if best < 0.02 => 1e-4,
        _ => 1e-3,
    };
    (low, if worst > 0.35 { 0.99 } else { 0.5 })
}

/// A probit axis over these rates.
fn axis(label: &str, low: f64, high: f64) -> Axis {
    let within = |rate: f64| (low * 0.999..=high * 1.001).contains(&rate);
    let tick = |rate: f64| {
        let decimals = (-rate.log10() - 1e-9).ceil().max(0.0) as usize;
        (probit(rate / 100.0), fixed(rate, decimals))
    };
    let ticks = TICKS.into_iter().filter(|rate| within(rate / 100.0)).map(tick).collect();
    Axis::new(label, probit(low), probit(high), ticks)
}

#[cfg(test)]
mod tests {
    use super::super::trials::Made;
    use super::*;

    #[test]
    fn operating_points_are_the_steps_of_the_data() {
        let trials = ScoredTrials { label: "", targets: &[1.0, 3.0], non_targets: &[0.0, 2.0] };
        let points: Vec<_> = operating_points(&Sides::of(&trials)).collect();
        assert_eq!(points, [(1.0, 0.0), (0.5, 0.0), (0.5, 0.5), (0.0, 0.5), (0.0, 1.0)]);
    }

    #[test]
    fn a_perfect_system_runs_along_the_edges() {
        let perfect = ScoredTrials { label: "perfect", targets: &[2.0, 3.0], non_targets: &[0.0, 1.0] };
        let svg = det(&[perfect]);
        assert!(svg.contains("EER 0.00\u{a0}%, 2 / 2 trials"), "{svg}");
        // From the right, beyond the frame, along the foot to the corner, and up.
        assert!(svg.contains("points=\"512.0,476.0 64.0,476.0 64.0,28.0\""), "{svg}");
    }

    #[test]
    fn a_useless_system_runs_from_corner_to_corner() {
        let useless = ScoredTrials { label: "useless", targets: &[1.0; 50], non_targets: &[1.0; 70] };
        let points: Vec<_> = operating_points(&Sides::of(&useless)).collect();
        assert!(points.iter().all(|(fa, miss)| (fa + miss - 1.0).abs() < 1e-12), "{points:?}");
        let svg = det(&[useless]);
        assert!(svg.contains("EER 50.0\u{a0}%") && svg.contains(">99</text>"), "{svg}");
    }

    #[test]
    fn a_system_without_trials_is_named_beside_the_others() {
        let made = Made::gaussian(100, 1000, 6.0, 1.0);
        let svg = det(&[made.named("A"), ScoredTrials { label: "B", targets: &[1.0], non_targets: &[] }]);
        assert!(svg.contains("B: no non-target trials.") && svg.contains("A: EER"), "{svg}");
    }
}
