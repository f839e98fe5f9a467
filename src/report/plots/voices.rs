//! Two voices side by side: fundamental frequency, formants, long-term spectrum.

use crate::report::chart::{Axis, Chart, Drawing, Mark, NON_TARGETS, Pen, TARGETS};

/// Words of a picture of two voices.
#[derive(Clone, Copy, Debug)]
pub struct VoicesText<'a> {
    /// Title.
    pub title: &'a str,
    /// What it shows, as the beginning of its description.
    pub about: &'a str,
    /// Names of the axes.
    pub axes: [&'a str; 2],
    /// Names of the two voices: reference, candidate.
    pub names: [&'a str; 2],
}

/// The lines of the two voices: the reference's has gaps.
const PENS: [Pen; 2] = [Pen { mark: Mark::Square, ..NON_TARGETS }, Pen { mark: Mark::Circle, ..TARGETS }];
/// Height of a frame, pixels.
const HEIGHT: f64 = 210.0;
/// Frequencies that are written on a logarithmic axis of F0, Hz.
const PITCH_TICKS: [f64; 8] = [75.0, 100.0, 150.0, 200.0, 250.0, 300.0, 400.0, 600.0];
/// The same of a spectrum, Hz.
const SPECTRUM_TICKS: [f64; 8] = [63.0, 125.0, 250.0, 500.0, 1000.0, 2000.0, 4000.0, 8000.0];
/// Width of a column of the histogram of F0, octaves: a semitone.
const SEMITONE: f64 = 1.0 / 12.0;

/// An axis of octaves between two frequencies.
fn octaves(label: &str, low: f64, high: f64, ticks: &[f64], unit: f64) -> Axis {
    let named = |hz: &f64| {
        let shown = hz / unit;
        (hz.log2(), if shown < 1.0 { format!("{shown:.3}").trim_end_matches('0').into() } else { format!("{shown}") })
    };
    Axis::new(label, low.log2(), high.log2(), ticks.iter().map(named).collect())
}

/// How often each voice has which fundamental frequency: a histogram of its voiced frames by semitones. `f0_hz` holds
/// the frames of the reference and of the candidate, `figures` what is written beside each in the key.
pub fn pitch(text: &VoicesText<'_>, f0_hz: [&[f64]; 2], figures: [&str; 2]) -> Drawing {
    let (low, high) = (70.0f64, 620.0f64);
    let columns = ((high / low).log2() / SEMITONE).ceil() as usize;
    let shares = f0_hz.map(|values| {
        let mut counts = vec![0usize; columns];
        for hz in values.iter().filter(|hz| hz.is_finite() && **hz >= low) {
            if let Some(count) = counts.get_mut(((hz / low).log2() / SEMITONE) as usize) {
                *count += 1;
            }
        }
        let all = counts.iter().sum::<usize>().max(1) as f64;
        counts.into_iter().map(|count| 100.0 * count as f64 / all).collect::<Vec<f64>>()
    });
    let most = shares.iter().flatten().copied().fold(1.0, f64::max);
    let [x, y] = text.axes;
    let x = octaves(x, low, high, &PITCH_TICKS, 1.0);
    let mut chart = Chart::new(text.title, text.about, HEIGHT, x, Axis::round(y, 0.0, 1.05 * most));
    for (((shares, pen), name), figures) in shares.iter().zip(&PENS).zip(text.names).zip(figures) {
        let steps = shares.iter().enumerate().flat_map(|(i, share)| {
            let from = low.log2() + i as f64 * SEMITONE;
            [(from, *share), (from + SEMITONE, *share)]
        });
        chart.line(steps, pen);
        chart.key(Some(pen), None, name, figures);
    }
    chart.drawn()
}

/// Lower quartile, median and upper quartile of each formant, for both voices: a bar over the middle half with a mark
/// at the median.
pub fn formants(text: &VoicesText<'_>, quartiles: [&[[f64; 3]]; 2], figures: [&str; 2]) -> Drawing {
    let highest = quartiles.iter().flat_map(|all| all.iter()).map(|q| q[2]).filter(|hz| hz.is_finite());
    let x = Axis::round(text.axes[0], 0.0, highest.fold(4000.0, f64::max));
    let mut chart = Chart::new(text.title, text.about, 110.0, x, Axis::new("", 0.0, 3.0, Vec::new()));
    for ((((all, pen), name), at), figures) in quartiles.iter().zip(&PENS).zip(text.names).zip([2.0, 1.0]).zip(figures)
    {
        for [low, middle, high] in *all {
            let bar = Pen { width: 5.0, dash: "", ..*pen };
            chart.line([(*low, at), (*high, at)].into_iter(), &bar);
            chart.mark((*middle, at), pen.mark, pen.colour, name);
        }
        let bar = Pen { width: 5.0, dash: "", ..*pen };
        chart.key(Some(&bar), Some((pen.mark, pen.colour)), name, figures);
    }
    chart.drawn()
}

/// The long-term spectra of both voices: middle of each band (Hz) and its level (dB).
pub fn spectra(text: &VoicesText<'_>, bands: [&[(f64, f64)]; 2], figures: [&str; 2]) -> Drawing {
    let levels = || bands.iter().flat_map(|all| all.iter()).map(|band| band.1).filter(|db| db.is_finite());
    let (low, high) = (levels().fold(0.0, f64::min).max(-120.0), levels().fold(0.0, f64::max).min(60.0));
    let [x, y] = text.axes;
    let x = octaves(x, 50.0, 8000.0, &SPECTRUM_TICKS, 1000.0);
    let mut chart = Chart::new(text.title, text.about, HEIGHT, x, Axis::round(y, low.min(-10.0), high.max(5.0)));
    for (((all, pen), name), figures) in bands.iter().zip(&PENS).zip(text.names).zip(figures) {
        chart.line(all.iter().filter(|band| band.0 > 0.0).map(|(hz, db)| (hz.log2(), *db)), pen);
        chart.key(Some(pen), None, name, figures);
    }
    chart.drawn()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::svg::assert_well_formed;

    #[test]
    fn whatever_the_voices_a_picture_comes_back() {
        let text = VoicesText { title: "<T>", about: "A.", axes: ["x", "y"], names: ["reference", "in question"] };
        let odd = [f64::NAN, f64::INFINITY, -1.0, 0.0, 120.0, 1e9];
        let pairs: Vec<(f64, f64)> = odd.iter().map(|x| (*x, *x)).collect();
        let quartiles: Vec<[f64; 3]> = odd.iter().map(|x| [*x, *x, *x]).collect();
        for drawing in [
            pitch(&text, [&odd, &[]], ["119 Hz", ""]),
            formants(&text, [&quartiles, &[]], ["119 Hz", ""]),
            spectra(&text, [&pairs, &[]], ["119 Hz", ""]),
        ] {
            assert_well_formed(&drawing.svg);
            assert!(!drawing.svg.contains("NaN") && !drawing.svg.contains("inf"), "{}", drawing.svg);
            assert!(drawing.alternative.contains("reference: 119 Hz."), "{}", drawing.alternative);
        }
    }
}
