//! A recording's waveform with its speech and the score of each window under it.

use super::population::KeyText;
use crate::report::chart::{Axis, Chart, Drawing, Mark, Pen, QUIET, TARGETS};
use std::fmt::Write;

/// What the picture shows, times in seconds.
#[derive(Clone, Debug)]
pub struct Waveform<'a> {
    /// Title.
    pub title: &'a str,
    /// What it shows, as the beginning of its description.
    pub about: &'a str,
    /// Names of the axes: time, and the score.
    pub axes: [&'a str; 2],
    /// Length of what is shown.
    pub duration_s: f64,
    /// Least and greatest sample of equal parts.
    pub outline: &'a [(f32, f32)],
    /// Where there is speech, from and to.
    pub speech: &'a [(f64, f64)],
    /// The windows: from, to, score.
    pub windows: &'a [(f64, f64, f64)],
    /// Their row in the key.
    pub windows_key: KeyText<'a>,
    /// The score of the whole recording, with its row in the key.
    pub whole: Option<(f64, KeyText<'a>)>,
}

/// Height of the frame, pixels; the waveform has its upper part.
const HEIGHT: f64 = 250.0;
/// Share of the frame that the waveform takes.
const UPPER: f64 = 0.42;

/// Draws the waveform over the scores of its windows, on one axis of time.
pub fn waveform(facts: &Waveform<'_>) -> Drawing {
    let duration_s = if facts.duration_s.is_finite() { facts.duration_s.max(0.1) } else { 0.1 };
    let scores = facts.windows.iter().map(|w| w.2).chain(facts.whole.iter().map(|(x, _)| *x));
    let (low, high) = scores.filter(|x| x.is_finite()).fold((0.0f64, 1.0f64), |(a, b), x| (a.min(x), b.max(x)));
    // The scores have the lower part: the axis goes on above them, without ticks.
    let scale = Axis::round("", low, high);
    let top = scale.low + (scale.high - scale.low) / (1.0 - UPPER);
    let [time, score] = facts.axes;
    let y = Axis::new(score, scale.low, top, scale.ticks().to_vec());
    let mut chart = Chart::new(facts.title, facts.about, HEIGHT, Axis::seconds(time, duration_s), y);
    let (_, frame_top, _, frame_bottom) = chart.frame();
    let upper = (frame_bottom - frame_top) * UPPER;
    let mut under = String::new();
    for (from, to) in facts.speech {
        let ((left, _), (right, _)) = (chart.place((*from, 0.0)), chart.place((*to, 0.0)));
        let (width, height) = ((right - left).max(0.5), frame_bottom - frame_top);
        let _ = writeln!(
            under,
            "<rect x=\"{left:.1}\" y=\"{frame_top:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" fill=\"#ececec\"/>"
        );
    }
    let middle = frame_top + upper / 2.0;
    let loudest = facts.outline.iter().map(|(low, high)| f64::from(high.max(-low))).fold(0.0, f64::max).max(1e-6);
    under.push_str("<path fill=\"none\" stroke=\"#444\" stroke-width=\"0.7\" d=\"");
    for (i, (low, high)) in facts.outline.iter().enumerate() {
        let (x, _) = chart.place((duration_s * (i as f64 + 0.5) / facts.outline.len() as f64, 0.0));
        let y = |sample: f32| middle - f64::from(sample) / loudest * (upper / 2.0 - 6.0);
        let _ = write!(under, "M{x:.1} {:.1}V{:.1}", y(*high), y(*low) + 0.4);
    }
    under.push_str("\"/>\n");
    chart.draw(&under);
    let line = frame_top + upper;
    chart.draw(&format!("<path stroke=\"#999\" stroke-width=\"0.8\" d=\"M0 {line:.1}H2000\"/>\n"));
    let points = facts.windows.iter().filter(|w| w.2.is_finite()).map(|(from, to, score)| ((from + to) / 2.0, *score));
    chart.line(points.clone(), &TARGETS);
    let places: Vec<_> = points.map(|point| chart.place(point)).collect();
    chart.marks_at(&places, Mark::Circle, TARGETS.colour, "");
    chart.key(
        Some(&TARGETS),
        Some((Mark::Circle, TARGETS.colour)),
        &facts.windows_key.name,
        &facts.windows_key.figures,
    );
    if let Some((whole, key)) = &facts.whole {
        let pen = Pen { colour: "#000", dash: "6 3", width: 1.2, ..QUIET };
        chart.line([(0.0, *whole), (duration_s, *whole)].into_iter(), &pen);
        chart.key(Some(&pen), None, &key.name, &key.figures);
    }
    chart.drawn()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::svg::assert_well_formed;

    #[test]
    fn whatever_the_recording_a_picture_comes_back() {
        let key = || KeyText::new("<windows>", "1 to 2");
        for (outline, windows) in [
            (vec![(-0.5, 0.5); 300], vec![(0.0, 3.0, 1.5), (1.0, 4.0, f64::NAN), (2.0, 5.0, -1e12)]),
            (vec![], vec![]),
            (vec![(f32::NAN, f32::INFINITY)], vec![(f64::NAN, 1.0, 1.0)]),
        ] {
            let facts = Waveform {
                title: "T",
                about: "A.",
                axes: ["s", "LR"],
                duration_s: 5.0,
                outline: &outline,
                speech: &[(0.5, 4.5)],
                windows: &windows,
                windows_key: key(),
                whole: Some((2.5, key())),
            };
            let drawing = waveform(&facts);
            assert_well_formed(&drawing.svg);
            assert!(drawing.alternative.contains("<windows>: 1 to 2."), "{}", drawing.alternative);
        }
    }
}
