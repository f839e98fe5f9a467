//! A chart: a frame with two axes, what is drawn in it, and a key with the figures underneath.
//!
//! It is made for paper as much as for a screen: series differ by dash and mark and not by colour alone, the key lies
//! below the frame where it can hide nothing, and the description says in words what the picture shows.

mod axis;
mod curve;
mod pen;

pub(super) use axis::Axis;
pub(super) use curve::reduced;
pub(super) use pen::{Mark, NON_TARGETS, Pen, QUIET, TARGETS, pen};

use crate::report::svg::{escaped, shortened, wrapped};
use curve::Point;
use std::fmt::Write;

/// Width of every chart, in pixels: at 96 to the inch it fills a printed column and a half.
const WIDTH: f64 = 520.0;
/// Left, right and upper edge of the frame.
const LEFT: f64 = 64.0;
const RIGHT: f64 = 500.0;
const TOP: f64 = 40.0;
/// How far beyond the frame a point may lie; what is farther out is drawn there, where it cannot be seen.
const BEYOND: f64 = 12.0;
/// Longest label in the key, in characters.
const LABEL: usize = 30;
/// Longest label in the description, in characters.
const LONG_LABEL: usize = 120;
/// Longest line of a note, in characters.
const NOTE: usize = 104;

/// Height of a frame whose axes have one scale.
pub(super) const SQUARE: f64 = RIGHT - LEFT;
/// Height of a frame whose axes have not.
pub(super) const LANDSCAPE: f64 = 290.0;

/// A chart in the making.
pub(super) struct Chart {
    title: String,
    description: String,
    bottom: f64,
    x: Axis,
    y: Axis,
    /// Lines, cut off at the frame.
    lines: String,
    /// Marks and words, on top of all lines.
    marks: String,
    key: Vec<KeyRow>,
    notes: Vec<String>,
}

/// A picture and the same in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drawing {
    /// The picture, an SVG document.
    pub svg: String,
    /// What it shows, for who cannot see it.
    pub alternative: String,
}

/// One row of the key.
struct KeyRow {
    pen: Option<Pen>,
    mark: Option<(Mark, &'static str)>,
    label: String,
    figures: String,
}

impl Chart {
    /// An empty chart; `about` opens its description.
    pub fn new(title: &str, about: &str, height: f64, x: Axis, y: Axis) -> Self {
        Chart {
            title: title.into(),
            description: about.into(),
            bottom: TOP + height,
            x,
            y,
            lines: String::new(),
            marks: String::new(),
            key: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// A chart that says why there is nothing to see.
    pub fn without_data(title: &str, about: &str, why: &str) -> String {
        let mut chart = Chart::new(title, about, LANDSCAPE, Axis::bare(), Axis::bare());
        let middle = ((LEFT + RIGHT) / 2.0, TOP + LANDSCAPE / 2.0);
        text(&mut chart.marks, middle, "middle", "fill=\"#444\" font-size=\"13\"", why);
        chart.tell(&format!("Nothing is drawn: {why}."));
        chart.finish()
    }

    /// Where a pair of values lies on the page.
    pub fn place(&self, (x, y): (f64, f64)) -> Point {
        let place = |share: f64, from: f64, to: f64| {
            let (low, high) = (from.min(to) - BEYOND, from.max(to) + BEYOND);
            // A value that is not a number has no place; it is put out of sight.
            if share.is_nan() { high } else { (from + share * (to - from)).clamp(low, high) }
        };
        (place(self.x.share(x), LEFT, RIGHT), place(self.y.share(y), self.bottom, TOP))
    }

    /// A line through these values, reduced to what the eye can tell apart.
    pub fn line(&mut self, values: impl Iterator<Item = (f64, f64)>, pen: &Pen) {
        let points = curve::reduced(values.map(|value| self.place(value)));
        let _ = write!(self.lines, "<polyline fill=\"none\" {} points=\"", pen.stroke());
        for (i, (x, y)) in points.iter().enumerate() {
            let _ = write!(self.lines, "{}{x:.1},{y:.1}", if i == 0 { "" } else { " " });
        }
        self.lines.push_str("\"/>\n");
    }

    /// A mark at a pair of values, with words that a screen shows when pointed at.
    pub fn mark(&mut self, value: (f64, f64), mark: Mark, colour: &str, hint: &str) {
        self.marks_at(&[self.place(value)], mark, colour, hint);
    }

    /// One kind of mark at many places on the page.
    pub fn marks_at(&mut self, places: &[Point], mark: Mark, colour: &str, hint: &str) {
        if places.is_empty() {
            return;
        }
        let _ = write!(self.marks, "<path {} d=\"", mark.style(colour));
        places.iter().for_each(|place| self.marks.push_str(&mark.path(*place)));
        if hint.is_empty() {
            self.marks.push_str("\"/>\n");
        } else {
            let _ = writeln!(self.marks, "\"><title>{}</title></path>", escaped(hint));
        }
    }

    /// Small words at a place on the page.
    pub fn words(&mut self, place: Point, anchor: &str, words: &str) {
        // A white edge keeps the words legible on lines.
        let style = "font-size=\"10\" fill=\"#333\" stroke=\"#fff\" stroke-width=\"3\" paint-order=\"stroke\"";
        text(&mut self.marks, place, anchor, style, words);
    }

    /// A row of the key with its figures, which the description repeats.
    pub fn key(&mut self, pen: Option<&Pen>, mark: Option<(Mark, &'static str)>, label: &str, figures: &str) {
        self.tell(&format!("{}: {figures}.", shortened(label, LONG_LABEL)));
        let label = shortened(label, LABEL);
        self.key.push(KeyRow { pen: pen.copied(), mark, label, figures: figures.into() });
    }

    /// A sentence under the key, which the description repeats.
    pub fn note(&mut self, sentence: &str) {
        self.tell(sentence);
        self.notes.extend(wrapped(sentence, NOTE));
    }

    /// A sentence for the description only.
    pub fn tell(&mut self, sentence: &str) {
        self.description.push(' ');
        self.description.push_str(sentence);
    }

    /// The chart as a document, with what it shows in words.
    pub fn drawn(self) -> Drawing {
        let alternative = self.description.clone();
        Drawing { svg: self.finish(), alternative }
    }

    /// Something of the caller's own between the grid and the marks, cut off at the frame.
    pub fn draw(&mut self, svg: &str) {
        self.lines.push_str(svg);
    }

    /// Edges of the frame: left, top, right, bottom.
    pub fn frame(&self) -> (f64, f64, f64, f64) {
        (LEFT, TOP, RIGHT, self.bottom)
    }

    /// The chart as a document.
    pub fn finish(self) -> String {
        let under = if self.x.label.is_empty() { self.bottom + 8.0 } else { self.bottom + 44.0 };
        let notes = under + 18.0 * self.key.len() as f64 + 4.0;
        let height = notes + 14.0 * self.notes.len() as f64 + 8.0;
        let mut out = String::with_capacity(self.lines.len() + self.marks.len() + 8192);
        let _ = writeln!(
            out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" width=\"{WIDTH}\" height=\"{height}\" \
             viewBox=\"0 0 {WIDTH} {height}\" font-family=\"Helvetica,Arial,sans-serif\" font-size=\"11\" fill=\"#000\">\n\
             <title>{}</title>\n<desc>{}</desc>\n<rect width=\"{WIDTH}\" height=\"{height}\" fill=\"#fff\"/>",
            escaped(&self.title),
            escaped(&self.description),
        );
        text(&mut out, (LEFT, TOP - 16.0), "start", "font-size=\"13\" font-weight=\"bold\"", &self.title);
        self.x.draw_across(&mut out, (LEFT, RIGHT), (TOP, self.bottom));
        self.y.draw_upward(&mut out, (LEFT, RIGHT), (TOP, self.bottom));
        // An inner viewport cuts lines off at the frame and, unlike a clip path, needs no name that could clash where
        // several charts share a page.
        let (x, y, w, h) = (LEFT - 1.0, TOP - 1.0, RIGHT - LEFT + 2.0, self.bottom - TOP + 2.0);
        let _ = write!(
            out,
            "<svg x=\"{x}\" y=\"{y}\" width=\"{w}\" height=\"{h}\" viewBox=\"{x} {y} {w} {h}\">\n{}</svg>\n",
            self.lines
        );
        let (w, h) = (RIGHT - LEFT, self.bottom - TOP);
        let _ = writeln!(
            out,
            "<rect x=\"{LEFT}\" y=\"{TOP}\" width=\"{w}\" height=\"{h}\" fill=\"none\" stroke=\"#000\" stroke-width=\"0.8\"/>"
        );
        out.push_str(&self.marks);
        for (i, row) in self.key.iter().enumerate() {
            row.draw(&mut out, under + 18.0 * i as f64 + 10.0);
        }
        for (i, line) in self.notes.iter().enumerate() {
            let style = "font-size=\"10\" fill=\"#444\"";
            text(&mut out, (LEFT - 44.0, notes + 14.0 * i as f64 + 10.0), "start", style, line);
        }
        out.push_str("</svg>\n");
        out
    }
}

impl KeyRow {
    fn draw(&self, out: &mut String, y: f64) {
        let (from, to) = (LEFT - 44.0, LEFT - 8.0);
        if let Some(pen) = &self.pen {
            let _ = writeln!(out, "<path fill=\"none\" {} d=\"M{from} {}H{to}\"/>", pen.stroke(), y - 4.0);
        }
        if let Some((mark, colour)) = self.mark {
            let place = mark.path(((from + to) / 2.0, y - 4.0));
            let _ = writeln!(out, "<path {} d=\"{place}\"/>", mark.style(colour));
        }
        text(out, (LEFT, y), "start", "", &self.label);
        text(out, (RIGHT, y), "end", "fill=\"#222\"", &self.figures);
    }
}

/// A line of text; the words are escaped, the style is not.
fn text(out: &mut String, (x, y): Point, anchor: &str, style: &str, words: &str) {
    let space = if style.is_empty() { "" } else { " " };
    let _ = writeln!(
        out,
        "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\"{space}{style}>{}</text>",
        escaped(words)
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::svg::assert_well_formed;

    #[test]
    fn a_chart_is_one_document_with_words_for_what_it_shows() {
        let axis = |label: &str| Axis::round(label, -1.0, 1.0);
        let mut chart = Chart::new("A <title>", "About & so on.", SQUARE, axis("x \"quoted\""), axis("y"));
        chart.line([(-1.0, -1.0), (f64::NAN, 0.0), (f64::INFINITY, f64::NEG_INFINITY)].into_iter(), &TARGETS);
        chart.mark((0.0, 0.0), Mark::Circle, "#000", "the <middle>");
        chart.words((100.0, 100.0), "middle", "a & b");
        chart.key(Some(&TARGETS), Some((Mark::Square, "#000")), "<series>", "1 of 2");
        chart.note("A note.");
        let svg = chart.finish();
        assert_well_formed(&svg);
        assert!(svg.contains("<desc>About &amp; so on. &lt;series&gt;: 1 of 2. A note.</desc>"), "{svg}");
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
    }

    #[test]
    fn a_chart_without_data_says_so() {
        let svg = Chart::without_data("Title", "About.", "no trials");
        assert_well_formed(&svg);
        assert!(svg.contains(">no trials</text>") && svg.contains("Nothing is drawn: no trials."), "{svg}");
    }
}
