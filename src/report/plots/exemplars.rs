//! The recordings of a reference, one a row: how each looks, the score against it alone, and the score without it.

use crate::report::chart::{Drawing, Mark, NON_TARGETS, TARGETS};
use crate::report::svg::{escaped, fixed, shortened};
use std::fmt::Write;

/// What the picture shows.
#[derive(Clone, Debug)]
pub struct Exemplars<'a> {
    /// Title.
    pub title: &'a str,
    /// What it shows, as the beginning of its description.
    pub about: &'a str,
    /// What the two marks stand for.
    pub keys: [&'a str; 2],
    /// Under the picture; empty for nothing.
    pub note: &'a str,
    /// The recordings.
    pub rows: &'a [Exemplar<'a>],
}

/// A recording of the reference.
#[derive(Clone, Debug)]
pub struct Exemplar<'a> {
    /// Its name.
    pub name: &'a str,
    /// Least and greatest sample of equal parts; empty where the recording was not at hand.
    pub outline: &'a [(f32, f32)],
    /// Cosine to it alone.
    pub alone: f64,
    /// Cosine to the rest of the reference without it; none where there is no rest.
    pub without: Option<f64>,
}

const WIDTH: f64 = 520.0;
const NAMES: f64 = 10.0;
const WAVES: (f64, f64) = (138.0, 258.0);
const SCALE: (f64, f64) = (272.0, 500.0);
const TOP: f64 = 66.0;
const ROW: f64 = 26.0;

/// The scale of the scores.
struct Scale {
    low: f64,
    high: f64,
}

impl Scale {
    fn of(rows: &[Exemplar<'_>]) -> Self {
        let scores = rows.iter().flat_map(|row| [Some(row.alone), row.without]).flatten();
        let scores: Vec<f64> = scores.filter(|x| x.is_finite()).collect();
        let least = scores.iter().copied().fold(1.0, f64::min).max(-1.0);
        let greatest = scores.iter().copied().fold(-1.0, f64::max).min(1.0);
        let low = ((least - 0.02) * 10.0).floor() / 10.0;
        Scale { low, high: (((greatest + 0.02) * 10.0).ceil() / 10.0).max(low + 0.2) }
    }

    fn x(&self, score: f64) -> f64 {
        SCALE.0 + ((score - self.low) / (self.high - self.low)).clamp(0.0, 1.0) * (SCALE.1 - SCALE.0)
    }

    fn draw(&self, out: &mut String, bottom: f64) {
        let mut tick = self.low;
        while tick <= self.high + 1e-9 {
            let at = self.x(tick);
            let _ = writeln!(
                out,
                "<path fill=\"none\" stroke=\"#ccc\" stroke-width=\"0.5\" d=\"M{at:.1} {:.1}V{bottom:.1}\"/>\
                 <text x=\"{at:.1}\" y=\"{:.1}\" text-anchor=\"middle\" font-size=\"10.5\">{}</text>",
                TOP - 4.0,
                bottom + 14.0,
                fixed(tick, 1)
            );
            tick += 0.1 * ((self.high - self.low) / 0.8).ceil().max(1.0);
        }
    }
}

/// Draws the recordings of a reference one under the other.
pub fn exemplars(facts: &Exemplars<'_>) -> Drawing {
    let scale = Scale::of(facts.rows);
    let bottom = TOP + ROW * facts.rows.len().max(1) as f64;
    let height = bottom + if facts.note.is_empty() { 24.0 } else { 42.0 };
    let mut alternative = facts.about.to_string();
    let mut body = String::new();
    scale.draw(&mut body, bottom);
    for (i, exemplar) in facts.rows.iter().enumerate() {
        row(&mut body, exemplar, TOP + ROW * (i as f64 + 0.5), &scale);
        let without =
            exemplar.without.map_or(String::new(), |score| format!("; {} {}", facts.keys[1], fixed(score, 3)));
        let _ = write!(alternative, " {}: {} {}{without}.", exemplar.name, facts.keys[0], fixed(exemplar.alone, 3));
    }
    let mut svg = String::new();
    head(&mut svg, facts, height, &alternative);
    svg.push_str(&body);
    if !facts.note.is_empty() {
        let (y, note) = (bottom + 34.0, escaped(&shortened(facts.note, 100)));
        let _ = writeln!(svg, "<text x=\"{NAMES}\" y=\"{y:.1}\" font-size=\"10\" fill=\"#444\">{note}</text>");
    }
    svg.push_str("</svg>\n");
    Drawing { svg, alternative }
}

/// One recording: its name, how it looks, and its scores.
fn row(out: &mut String, row: &Exemplar<'_>, middle: f64, scale: &Scale) {
    let _ = writeln!(
        out,
        "<text x=\"{NAMES}\" y=\"{:.1}\">{}</text><path fill=\"none\" stroke=\"#ddd\" d=\"M{:.1} {middle:.1}H{:.1}\"/>",
        middle + 4.0,
        escaped(&tail(row.name, 20)),
        SCALE.0,
        SCALE.1
    );
    wave(out, row.outline, middle);
    let alone = Mark::Circle.path((scale.x(row.alone), middle));
    let _ = writeln!(out, "<path {} d=\"{alone}\"/>", Mark::Circle.style(TARGETS.colour));
    if let Some(without) = row.without {
        let path = Mark::Square.path((scale.x(without), middle));
        let _ = writeln!(out, "<path {} d=\"{path}\"/>", Mark::Square.style(NON_TARGETS.colour));
    }
}

/// The beginning of the picture, with its title and its key.
fn head(svg: &mut String, facts: &Exemplars<'_>, height: f64, alternative: &str) {
    let _ = writeln!(
        svg,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" width=\"{WIDTH}\" height=\"{height}\" viewBox=\"0 0 \
         {WIDTH} {height}\" font-family=\"Helvetica,Arial,sans-serif\" font-size=\"11\" fill=\"#000\">\n<title>{}</title>\n\
         <desc>{}</desc>\n<rect width=\"{WIDTH}\" height=\"{height}\" fill=\"#fff\"/>\n<text x=\"{NAMES}\" y=\"20.0\" \
         font-size=\"13\" font-weight=\"bold\">{}</text>",
        escaped(facts.title),
        escaped(alternative),
        escaped(&shortened(facts.title, 70))
    );
    for (mark, colour, key, at) in
        [(Mark::Circle, TARGETS.colour, facts.keys[0], 16.0), (Mark::Square, NON_TARGETS.colour, facts.keys[1], 200.0)]
    {
        let _ = writeln!(
            svg,
            "<path {} d=\"{}\"/><text x=\"{:.1}\" y=\"44.0\">{}</text>",
            mark.style(colour),
            mark.path((at, 40.0)),
            at + 10.0,
            escaped(&shortened(key, 60))
        );
    }
}

/// The end of a name, which tells files of one folder apart.
fn tail(name: &str, most: usize) -> String {
    let length = name.chars().count();
    if length <= most {
        name.into()
    } else {
        name.chars().skip(length - most + 1).fold("…".into(), |text, c| text + c.encode_utf8(&mut [0; 4]))
    }
}

fn wave(out: &mut String, outline: &[(f32, f32)], middle: f64) {
    if outline.is_empty() {
        return;
    }
    let loudest = outline.iter().map(|(low, high)| f64::from(high.max(-low))).fold(0.0, f64::max).max(1e-6);
    let part = outline.len().div_ceil(120);
    out.push_str("<path fill=\"none\" stroke=\"#555\" stroke-width=\"0.9\" d=\"");
    let parts = outline.chunks(part);
    let step = (WAVES.1 - WAVES.0) / parts.len() as f64;
    for (i, part) in parts.enumerate() {
        let (low, high) = part.iter().fold((0.0f32, 0.0f32), |(a, b), (low, high)| (a.min(*low), b.max(*high)));
        let y = |sample: f32| middle - f64::from(sample) / loudest * (ROW / 2.0 - 3.0);
        let _ = write!(out, "M{:.1} {:.1}V{:.1}", WAVES.0 + step * (i as f64 + 0.5), y(high), y(low) + 0.4);
    }
    out.push_str("\"/>\n");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::svg::assert_well_formed;

    #[test]
    fn each_recording_has_its_row_and_its_words() {
        let outline = [(-0.5, 0.5); 400];
        let row = |name, alone, without| Exemplar { name, outline: &outline, alone, without };
        let rows = [row("a/01.wav", 0.84, Some(0.88)), row("<script>alert(1)</script>.wav", -2.0, None)];
        let facts = Exemplars { title: "T", about: "A.", keys: ["alone", "without"], note: "n & m", rows: &rows };
        let drawing = exemplars(&facts);
        assert_well_formed(&drawing.svg);
        assert!(drawing.alternative.starts_with("A. a/01.wav: alone 0.840; without 0.880."), "{}", drawing.alternative);
        assert_well_formed(&exemplars(&Exemplars { rows: &[], ..facts }).svg);
    }
}
