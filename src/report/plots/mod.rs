//! The figures by which a validation is judged, each a function from scored trials to an SVG document.
//!
//! [`det()`] compares systems by their errors. [`tippett()`], [`ece()`] and [`reliability()`] ask of log-likelihood
//! ratios how often they mislead, what they are worth at each prior, and whether they mean what they say. [`zoo()`]
//! shows whom the system serves badly. [`timeline()`] shows where in a recording a search has found a voice. The others
//! show a case: [`population()`], [`validation()`], [`waveform()`], [`exemplars()`], [`spectrogram()`], and of two
//! voices [`pitch()`], [`formants()`] and [`spectra()`].
//!
//! Log-likelihood ratios come as natural logarithms and are shown as decimal ones. Whatever the data, a document comes
//! back: scores that are not numbers are left out and counted, infinite ones lie beyond the axes, and without trials
//! the chart says so. Every chart has its key figures in words, as its description.

mod det;
mod ece;
mod exemplars;
mod population;
mod reliability;
mod spectrogram;
mod timeline;
mod tippett;
mod validation;
mod voices;
mod waveform;
mod zoo;

pub use det::det;
pub use ece::ece;
pub use exemplars::{Exemplar, Exemplars, exemplars};
pub use population::{KeyText, Population, population};
pub use reliability::reliability;
pub use spectrogram::{SpectrogramFacts, spectrogram};
pub use timeline::{Timeline, timeline};
pub use tippett::tippett;
pub use validation::{ValidationCurves, validation};
pub use voices::{VoicesText, formants, pitch, spectra};
pub use waveform::{Waveform, waveform};
pub use zoo::{ZooAnimal, zoo};

use crate::report::chart::Chart;
pub use crate::report::chart::Drawing;
use crate::report::svg::{count, log10};

/// One system's scores on labelled trials, in any order.
#[derive(Clone, Copy, Debug)]
pub struct ScoredTrials<'a> {
    /// Name of the system, such as "CAM++".
    pub label: &'a str,
    /// Scores, or log-likelihood ratios as natural logarithms, of pairs of one voice.
    pub targets: &'a [f64],
    /// The same of pairs of two voices.
    pub non_targets: &'a [f64],
}

/// The scores of both kinds, rising, without those that are not numbers.
struct Sides {
    targets: Vec<f64>,
    non_targets: Vec<f64>,
    /// How many were not numbers.
    left_out: usize,
}

/// The trials that share one score.
struct Tie {
    score: f64,
    targets: usize,
    non_targets: usize,
}

impl Sides {
    fn of(trials: &ScoredTrials<'_>) -> Self {
        let sorted = |scores: &[f64]| {
            let mut sorted: Vec<f64> = scores.iter().copied().filter(|score| !score.is_nan()).collect();
            sorted.sort_unstable_by(f64::total_cmp);
            sorted
        };
        let (targets, non_targets) = (sorted(trials.targets), sorted(trials.non_targets));
        let left_out = trials.targets.len() + trials.non_targets.len() - targets.len() - non_targets.len();
        Sides { targets, non_targets, left_out }
    }

    /// What is missing for a curve.
    fn lacking(&self) -> Option<&'static str> {
        match (self.targets.is_empty(), self.non_targets.is_empty()) {
            (true, true) => Some("no trials"),
            (true, false) => Some("no target trials"),
            (false, true) => Some("no non-target trials"),
            (false, false) => None,
        }
    }

    /// The distinct scores, rising, with their trials.
    fn ties(&self) -> impl Iterator<Item = Tie> {
        let (mut targets, mut non_targets) = (self.targets.as_slice(), self.non_targets.as_slice());
        std::iter::from_fn(move || {
            let score = match (targets.first(), non_targets.first()) {
                (Some(a), Some(b)) => a.min(*b),
                (Some(only), None) | (None, Some(only)) => *only,
                (None, None) => return None,
            };
            let take = |rest: &mut &[f64]| {
                let number = rest.iter().take_while(|other| **other <= score).count();
                *rest = rest.get(number..).unwrap_or_default();
                number
            };
            Some(Tie { score, targets: take(&mut targets), non_targets: take(&mut non_targets) })
        })
    }

    /// The decimal log-likelihood ratios between which all but one in a thousand of each kind lie on either side, and
    /// at least from -1 to 1 and at most from -20 to 20.
    fn spread(&self) -> (f64, f64) {
        let sides = [&self.targets, &self.non_targets];
        let low = sides.into_iter().filter_map(|sorted| sorted.get(sorted.len() / 1000));
        let high = sides.into_iter().filter_map(|sorted| sorted.iter().rev().nth(sorted.len() / 1000));
        (
            low.map(|llr| log10(*llr)).fold(-1.0, f64::min).max(-20.0),
            high.map(|llr| log10(*llr)).fold(1.0, f64::max).min(20.0),
        )
    }

    /// "12 target and 340 non-target trials".
    fn counts(&self) -> String {
        format!("{} target and {} non-target trials", count(self.targets.len()), count(self.non_targets.len()))
    }
}

/// Says how many scores were left out, if any were.
fn remark(chart: &mut Chart, left_out: usize) {
    if left_out > 0 {
        chart.note(&format!("Not numbers and left out: {} scores.", count(left_out)));
    }
}

/// Trials for tests: Gaussian log-likelihood ratios that are perfectly calibrated where `stretch` is 1.
#[cfg(test)]
mod trials {
    use super::ScoredTrials;

    pub struct Made {
        pub targets: Vec<f64>,
        pub non_targets: Vec<f64>,
    }

    impl Made {
        /// Non-targets have the mean `-variance / 2`, targets its opposite.
        pub fn gaussian(targets: usize, non_targets: usize, variance: f64, stretch: f64) -> Self {
            let mut seed = 7u64;
            let mut gauss = |number: usize, mean: f64| -> Vec<f64> {
                let mut uniform = || {
                    seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                    ((seed >> 11) as f64 + 0.5) / (1u64 << 53) as f64
                };
                let mut draw = || (-2.0 * uniform().ln()).sqrt() * (std::f64::consts::TAU * uniform()).cos();
                (0..number).map(|_| stretch * (mean + variance.sqrt() * draw())).collect()
            };
            Made { targets: gauss(targets, variance / 2.0), non_targets: gauss(non_targets, -variance / 2.0) }
        }

        pub fn named<'a>(&'a self, label: &'a str) -> ScoredTrials<'a> {
            ScoredTrials { label, targets: &self.targets, non_targets: &self.non_targets }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::trials::Made;
    use super::*;
    use crate::report::svg::assert_well_formed;

    const ODD: [f64; 6] = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 0.0, -0.0, f64::MAX];

    /// All charts of scores.
    fn charts(label: &str, targets: &[f64], non_targets: &[f64]) -> Vec<String> {
        let trials = ScoredTrials { label, targets, non_targets };
        vec![det(&[trials, trials]), tippett(&trials), ece(&trials, &trials), reliability(&trials)]
    }

    #[test]
    fn whatever_the_data_a_document_comes_back() {
        let (empty, one) = ([], [1.0]);
        let sides: [&[f64]; 7] =
            [&empty, &one, &ODD, &[f64::NAN], &[f64::INFINITY], &[f64::NEG_INFINITY], &[1e300, -1e300]];
        for targets in sides {
            for non_targets in sides {
                for svg in charts("a <b> & \"c\" \u{1b}[0m \u{202e}", targets, non_targets) {
                    assert_well_formed(&svg);
                    assert!(!svg.contains("NaN") && !svg.contains("inf,") && !svg.contains(",inf"), "{svg}");
                    assert!(!svg.contains("<b>"), "{svg}");
                }
            }
        }
        assert_well_formed(&det(&[]));
    }

    #[test]
    fn what_is_missing_is_said() {
        for (targets, non_targets, says) in [
            (&[][..], &[][..], "no trials"),
            (&[][..], &[1.0][..], "no target trials"),
            (&[1.0][..], &[f64::NAN][..], "no non-target trials"),
        ] {
            for svg in charts("x", targets, non_targets) {
                assert!(svg.contains(says), "{svg}");
            }
        }
        for svg in charts("x", &ODD, &ODD) {
            let systems = if svg.contains("Detection") { 2 } else { 1 };
            assert!(svg.contains(&format!("Not numbers and left out: {} scores.", 2 * systems)), "{svg}");
        }
    }

    #[test]
    fn the_order_of_trials_is_nothing_to_a_chart() {
        let made = Made::gaussian(300, 2000, 8.0, 1.0);
        let reversed = |scores: &[f64]| scores.iter().rev().copied().collect::<Vec<_>>();
        let again = charts("x", &reversed(&made.targets), &reversed(&made.non_targets));
        assert_eq!(charts("x", &made.targets, &made.non_targets), again);
    }

    #[test]
    fn a_million_trials_make_small_documents() {
        let made = Made::gaussian(50_000, 950_000, 8.0, 1.0);
        for svg in charts("x", &made.targets, &made.non_targets) {
            assert!(svg.len() < 40_000, "{}", svg.len());
        }
    }

    #[test]
    fn ties_are_told_apart_by_kind() {
        let trials = ScoredTrials { label: "", targets: &[2.0, 0.0, 2.0], non_targets: &[2.0, -0.0, 1.0] };
        let ties: Vec<_> = Sides::of(&trials).ties().map(|tie| (tie.score, tie.targets, tie.non_targets)).collect();
        assert_eq!(ties, [(0.0, 1, 1), (1.0, 0, 1), (2.0, 2, 1)]);
    }
}
