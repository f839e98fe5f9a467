//! Timeline of a search: where in a recording a voice was found, and by what score.
//!
//! It draws what it is given; windows and ranges are made in `library::locate`.

use crate::report::chart::{Axis, reduced};
use crate::report::marks::clock;
use crate::report::svg::{count, escaped, fixed, shortened, width};
use std::fmt::Write;

/// What a timeline shows, times in seconds from the start of the recording.
#[derive(Clone, Copy, Debug)]
pub struct Timeline<'a> {
    /// Name of the recording.
    pub title: &'a str,
    /// Length of the recording.
    pub duration_s: f64,
    /// Where there is speech, from and to.
    pub speech: &'a [(f64, f64)],
    /// Name of the score.
    pub score: &'a str,
    /// The score from each instant to the next; what has none is left out.
    pub steps: &'a [(f64, f64, f64)],
    /// The score from which on the voice is found.
    pub threshold: f64,
    /// Where it was found, and what is to be written there.
    pub ranges: &'a [(f64, f64, String)],
}

/// Width of the page and the edges of the strips, in pixels.
const WIDTH: f64 = 1000.0;
const LEFT: f64 = 52.0;
const RIGHT: f64 = 972.0;
/// Top of the first strip, and height of one with all that belongs to it.
const TOP: f64 = 64.0;
const STRIP: f64 = 170.0;
/// Where things lie in a strip: bars of ranges, the score, speech.
const BAR: f64 = 14.0;
const SCORE: (f64, f64) = (28.0, 122.0);
const SPEECH: (f64, f64) = (126.0, 133.0);
/// A strip shows at least so much where there is more than one, and there are at most so many.
const LEAST_S: f64 = 1800.0;
const MOST: f64 = 12.0;
/// No bar is narrower, in pixels.
const NARROWEST: f64 = 2.0;
/// Ranges that the description lists.
const LISTED: usize = 40;
/// Distances between ticks, seconds; the first that leaves few enough is taken.
const TICKS_S: [f64; 15] =
    [0.5, 1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1800.0, 3600.0, 7200.0];
/// Most ticks along a strip.
const MOST_TICKS: f64 = 14.0;

const FOUND: &str = "#004b7a";
const TINT: &str = "#d5e3ee";
const SPOKEN: &str = "#a8a8a8";

/// The timeline of a search: along the time axis the ranges that were found as bars, the score as a line with the
/// threshold, and speech as a grey band. More than half an hour is broken into strips. It is made to be read in print
/// and without colour.
pub fn timeline(facts: &Timeline<'_>) -> String {
    let duration_s = if facts.duration_s.is_finite() { facts.duration_s.max(0.1) } else { 0.1 };
    let length_s =
        if duration_s <= LEAST_S { duration_s } else { LEAST_S * (duration_s / MOST / LEAST_S).ceil().max(1.0) };
    let strips = (duration_s / length_s).ceil().clamp(1.0, MOST) as usize;
    let height = TOP + STRIP * strips as f64 + 12.0;
    let mut out = String::new();
    let _ = writeln!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" width=\"{WIDTH}\" height=\"{height}\" \
         viewBox=\"0 0 {WIDTH} {height}\" font-family=\"Helvetica,Arial,sans-serif\" font-size=\"11\" fill=\"#000\">\n\
         <title>{}</title>\n<desc>{}</desc>\n<rect width=\"{WIDTH}\" height=\"{height}\" fill=\"#fff\"/>",
        escaped(facts.title),
        escaped(&description(facts, duration_s)),
    );
    words(&mut out, (LEFT, 24.0), "font-size=\"13\" font-weight=\"bold\"", &shortened(facts.title, 100));
    key(&mut out, facts);
    let y = score_axis(facts);
    for strip in 0..strips {
        let from_s = strip as f64 * length_s;
        let place = Strip { from_s, to_s: from_s + length_s, end_s: duration_s, top: TOP + STRIP * strip as f64 };
        place.draw(&mut out, facts, &y);
    }
    out.push_str("</svg>\n");
    out
}

/// The picture in words.
fn description(facts: &Timeline<'_>, duration_s: f64) -> String {
    let mut text = format!(
        "{} of recording; the voice is found where the {} is at least {}: in {} ranges.",
        clock(duration_s, 0),
        facts.score,
        fixed(facts.threshold, 2),
        count(facts.ranges.len())
    );
    for (from_s, to_s, label) in facts.ranges.iter().take(LISTED) {
        let _ = write!(text, " {} to {}: {}.", clock(*from_s, 1), clock(*to_s, 1), shortened(label, 60));
    }
    if facts.ranges.len() > LISTED {
        let _ = write!(text, " And {} more.", facts.ranges.len() - LISTED);
    }
    text
}

/// What the signs mean, in one line under the title.
fn key(out: &mut String, facts: &Timeline<'_>) {
    let y = 44.0;
    let _ = writeln!(out, "<rect x=\"{LEFT}\" y=\"{:.1}\" width=\"24\" height=\"8\" fill=\"{FOUND}\"/>", y - 8.0);
    words(out, (LEFT + 30.0, y), "", "voice found");
    let x = LEFT + 120.0;
    let _ = writeln!(out, "<path d=\"M{x} {:.1}h24\" stroke=\"#000\" stroke-width=\"1.2\"/>", y - 4.0);
    words(out, (x + 30.0, y), "", &shortened(&format!("{} of the nearest window", facts.score), 44));
    let x = x + 320.0;
    let _ = writeln!(out, "<path d=\"M{x} {:.1}h24\" {THRESHOLD}/>", y - 4.0);
    words(out, (x + 30.0, y), "", &format!("threshold {}", fixed(facts.threshold, 2)));
    let x = x + 150.0;
    let _ = writeln!(out, "<rect x=\"{x}\" y=\"{:.1}\" width=\"24\" height=\"7\" fill=\"{SPOKEN}\"/>", y - 8.0);
    words(out, (x + 30.0, y), "", "speech");
}

const THRESHOLD: &str = "fill=\"none\" stroke=\"#000\" stroke-width=\"0.9\" stroke-dasharray=\"5 3\"";

/// The axis of the scores: at least around the threshold, at most where nearly all scores lie.
fn score_axis(facts: &Timeline<'_>) -> Axis {
    let mut scores: Vec<f64> = facts.steps.iter().map(|step| step.2).filter(|score| score.is_finite()).collect();
    scores.sort_unstable_by(f64::total_cmp);
    let cut = scores.len() / 200;
    let (low, high) = (scores.get(cut).copied(), scores.iter().rev().nth(cut).copied());
    let sane = |x: f64| if x.is_finite() { x.clamp(-1e6, 1e6) } else { 0.0 };
    let threshold = sane(facts.threshold);
    let (low, high) = (sane(low.unwrap_or(threshold)).min(threshold), sane(high.unwrap_or(threshold)).max(threshold));
    let step =
        [0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0].into_iter().find(|step| (high - low) / step <= 5.0).unwrap_or(50.0);
    let (first, last) = ((low / step - 1e-6).floor(), (high / step + 1e-6).ceil().max((low / step).floor() + 1.0));
    let decimals = if step >= 1.0 { 0 } else { 2 };
    let ticks = (0..=(last - first).clamp(1.0, 50.0) as u32).map(|i| (first + f64::from(i)) * step);
    Axis::new("", first * step, last * step, ticks.map(|tick| (tick, fixed(tick, decimals))).collect())
}

/// One strip: a stretch of time and its place on the page.
struct Strip {
    from_s: f64,
    to_s: f64,
    end_s: f64,
    top: f64,
}

impl Strip {
    fn x(&self, time_s: f64) -> f64 {
        LEFT + within((time_s - self.from_s) / (self.to_s - self.from_s)) * (RIGHT - LEFT)
    }

    fn shows(&self, from_s: f64, to_s: f64) -> bool {
        to_s > self.from_s && from_s < self.to_s
    }

    fn draw(&self, out: &mut String, facts: &Timeline<'_>, y: &Axis) {
        let (top, bottom) = (self.top + SCORE.0, self.top + SCORE.1);
        let right = self.x(self.end_s);
        for (from_s, to_s, _) in facts.ranges.iter().filter(|range| self.shows(range.0, range.1)) {
            let (x, width) = self.bar(*from_s, *to_s);
            let _ = writeln!(
                out,
                "<rect x=\"{x:.1}\" y=\"{top}\" width=\"{width:.1}\" height=\"{}\" fill=\"{TINT}\"/>",
                bottom - top
            );
        }
        self.axis().draw_across(out, (LEFT, RIGHT), (top, self.top + SPEECH.1));
        y.draw_upward(out, (LEFT, right), (top, bottom));
        self.speech(out, facts);
        self.score(out, facts, y);
        let threshold = bottom - within(y.share(facts.threshold)) * (bottom - top);
        if facts.threshold.is_finite() {
            let _ = writeln!(out, "<path d=\"M{LEFT} {threshold:.1}H{right:.1}\" {THRESHOLD}/>");
        }
        let _ = writeln!(
            out,
            "<rect x=\"{LEFT}\" y=\"{top}\" width=\"{:.1}\" height=\"{}\" fill=\"none\" stroke=\"#000\" stroke-width=\"0.8\"/>",
            (right - LEFT).max(1.0),
            bottom - top
        );
        self.ranges(out, facts);
    }

    fn axis(&self) -> Axis {
        let length_s = self.to_s - self.from_s;
        let step = TICKS_S.into_iter().find(|step| length_s / step <= MOST_TICKS).unwrap_or(length_s / MOST_TICKS);
        let first = (self.from_s / step - 1e-6).ceil();
        let ticks = (0..=MOST_TICKS as u32 + 1).map(|i| (first + f64::from(i)) * step);
        let shown = ticks.filter(|tick| *tick <= self.to_s.min(self.end_s) + 1e-6);
        let decimals = if step < 1.0 { 1 } else { 0 };
        Axis::new("", self.from_s, self.to_s, shown.map(|tick| (tick, clock(tick, decimals))).collect())
    }

    /// The band of speech; stretches that the eye cannot tell apart are one.
    fn speech(&self, out: &mut String, facts: &Timeline<'_>) {
        let mut bands: Vec<(f64, f64)> = Vec::new();
        for (from_s, to_s) in facts.speech.iter().filter(|segment| self.shows(segment.0, segment.1)) {
            let (from, to) = (self.x(*from_s), self.x(*to_s));
            match bands.last_mut().filter(|last| from - last.1 < 0.4) {
                Some(last) => last.1 = last.1.max(to),
                None => bands.push((from, to)),
            }
        }
        let (top, height) = (self.top + SPEECH.0, SPEECH.1 - SPEECH.0);
        if bands.is_empty() {
            return;
        }
        let _ = write!(out, "<path fill=\"{SPOKEN}\" d=\"");
        for (from, to) in bands {
            let _ = write!(out, "M{from:.1} {top}h{:.1}v{height}h{:.1}z", (to - from).max(0.5), -(to - from).max(0.5));
        }
        out.push_str("\"/>\n");
    }

    /// The line of the score, broken where there is none.
    fn score(&self, out: &mut String, facts: &Timeline<'_>, y: &Axis) {
        let (top, bottom) = (self.top + SCORE.0, self.top + SCORE.1);
        let mut lines: Vec<Vec<(f64, f64)>> = Vec::new();
        let mut last_s = f64::NEG_INFINITY;
        for (from_s, to_s, score) in facts.steps.iter().filter(|step| self.shows(step.0, step.1)) {
            if score.is_nan() {
                continue;
            }
            if *from_s > last_s || lines.is_empty() {
                lines.push(Vec::new());
            }
            last_s = *to_s;
            let place = bottom - within(y.share(*score)) * (bottom - top);
            if let Some(line) = lines.last_mut() {
                line.extend([(self.x(*from_s), place), (self.x(*to_s), place)]);
            }
        }
        if lines.is_empty() {
            return;
        }
        out.push_str("<path fill=\"none\" stroke=\"#000\" stroke-width=\"1.1\" stroke-linejoin=\"round\" d=\"");
        for line in lines {
            for (i, (x, y)) in reduced(line.into_iter()).into_iter().enumerate() {
                let _ = write!(out, "{}{x:.1} {y:.1}", if i == 0 { "M" } else { "L" });
            }
        }
        out.push_str("\"/>\n");
    }

    fn bar(&self, from_s: f64, to_s: f64) -> (f64, f64) {
        let (from, to) = (self.x(from_s), self.x(to_s));
        (from, (to - from).max(NARROWEST))
    }

    /// The bars of ranges, with what is to be written there where there is room.
    fn ranges(&self, out: &mut String, facts: &Timeline<'_>) {
        let mut free = LEFT - 4.0;
        for (from_s, to_s, label) in facts.ranges.iter().filter(|range| self.shows(range.0, range.1)) {
            let ((x, width_px), top) = (self.bar(*from_s, *to_s), self.top + BAR);
            let hint = format!("{} to {}: {label}", clock(*from_s, 1), clock(*to_s, 1));
            let _ = writeln!(
                out,
                "<rect x=\"{x:.1}\" y=\"{top}\" width=\"{width_px:.1}\" height=\"10\" fill=\"{FOUND}\"><title>{}</title></rect>",
                escaped(&hint)
            );
            let label = shortened(label, 24);
            let length = 5.6 * width(&label) as f64;
            let start = x.min(WIDTH - length - 4.0);
            if start >= free {
                words(out, (start, top - 3.0), "font-size=\"10\"", &label);
                free = start + length + 6.0;
            }
        }
    }
}

/// A share between 0 and 1; what is no number lies at 0.
fn within(share: f64) -> f64 {
    if share.is_nan() { 0.0 } else { share.clamp(0.0, 1.0) }
}

fn words(out: &mut String, (x, y): (f64, f64), style: &str, words: &str) {
    let space = if style.is_empty() { "" } else { " " };
    let _ = writeln!(out, "<text x=\"{x:.1}\" y=\"{y:.1}\"{space}{style}>{}</text>", escaped(words));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::svg::assert_well_formed;

    #[test]
    fn ranges_speech_and_score_are_shown_where_they_are() {
        let ranges = [(30.0, 60.0, "anna <1>".to_string())];
        let (speech, steps) = ([(10.0, 70.0)], [(10.0, 30.0, -2.0), (30.0, 60.0, 3.0), (60.0, 70.0, -2.0)]);
        let facts = Timeline {
            title: "a & b.wav",
            duration_s: 100.0,
            speech: &speech,
            score: "log10 LR",
            steps: &steps,
            threshold: 1.0,
            ranges: &ranges,
        };
        let svg = timeline(&facts);
        assert_well_formed(&svg);
        // 920 pixels for 100 s, from 52 on.
        assert!(svg.contains("<rect x=\"328.0\" y=\"78\" width=\"276.0\" height=\"10\""), "{svg}");
        assert!(svg.contains("M144.0 190h552.0"), "{svg}");
        assert!(svg.contains("0:00:30.0 to 0:01:00.0: anna &lt;1&gt;."), "{svg}");
        assert!(svg.contains(">0:01:40</text>") && !svg.contains(">0:01:50</text>"), "{svg}");
        assert_eq!(svg, timeline(&facts));
    }

    #[test]
    fn two_hours_make_four_strips_and_a_small_document() {
        let speech: Vec<(f64, f64)> = (0..1440).map(|i| (f64::from(i) * 5.0, f64::from(i) * 5.0 + 4.0)).collect();
        let step = |i: u32| (f64::from(i), f64::from(i) + 1.0, f64::from(i.wrapping_mul(2_654_435_761) % 100) / 20.0);
        let steps: Vec<_> = (0..7200).filter(|i| i % 5 < 4).map(step).collect();
        let ranges: Vec<_> =
            (0..300).map(|i| (f64::from(i) * 20.0, f64::from(i) * 20.0 + 9.0, "+2.5".into())).collect();
        let facts = Timeline {
            title: "film",
            duration_s: 7200.0,
            speech: &speech,
            score: "log10 LR",
            steps: &steps,
            threshold: 1.0,
            ranges: &ranges,
        };
        let svg = timeline(&facts);
        assert_well_formed(&svg);
        assert!(svg.contains("height=\"756\"") && svg.contains("And 260 more."), "{svg:.400}");
        assert!(svg.len() < 300_000, "{}", svg.len());
    }

    #[test]
    fn whatever_the_data_a_document_comes_back() {
        let odd = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 0.0, 1e300];
        for duration_s in odd {
            for x in odd {
                let (speech, steps, ranges) = ([(x, 1.0)], [(x, x, x), (0.0, 1.0, x)], [(x, x, "\u{202e}".into())]);
                let (title, score) = ("", "");
                let facts = Timeline {
                    title,
                    duration_s,
                    speech: &speech,
                    score,
                    steps: &steps,
                    threshold: x,
                    ranges: &ranges,
                };
                let svg = timeline(&facts);
                assert_well_formed(&svg);
                assert!(!svg.contains("NaN") && !svg.contains("inf"), "{duration_s} {x} {svg}");
            }
        }
    }
}
