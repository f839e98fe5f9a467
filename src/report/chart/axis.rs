//! An axis: its range, its ticks and its name.

use super::text;
use crate::report::svg::fixed;
use std::fmt::Write;

/// Ticks that a range of round numbers has, about.
const TICKS: f64 = 9.0;
/// Lines of the grid: thin enough to lie behind everything.
const HAIR: &str = "fill=\"none\" stroke=\"#ccc\" stroke-width=\"0.5\"";
/// Tick labels.
const SMALL: &str = "font-size=\"10.5\"";
/// Width of a character of a tick label, in pixels.
const CHARACTER: f64 = 6.0;

/// An axis with a linear scale; `low` lies left or at the foot and may be the greater of the two.
pub(in crate::report) struct Axis {
    /// Name, with the unit; none draws nothing.
    pub label: String,
    /// Value at the left or at the foot.
    pub low: f64,
    /// Value at the right or at the top.
    pub high: f64,
    ticks: Vec<(f64, String)>,
}

impl Axis {
    /// An axis with these ticks.
    pub fn new(label: &str, low: f64, high: f64, ticks: Vec<(f64, String)>) -> Self {
        Axis { label: label.into(), low, high, ticks }
    }

    /// An axis with nothing on it.
    pub fn bare() -> Self {
        Axis::new("", 0.0, 1.0, Vec::new())
    }

    /// An axis over this range, widened to round numbers.
    pub fn round(label: &str, low: f64, high: f64) -> Self {
        let sound = low.is_finite() && high.is_finite() && high > low;
        let (low, high) = if sound { (low, high) } else { (-1.0, 1.0) };
        let rough = (high - low) / TICKS;
        let power = rough.log10().floor();
        let unit = 10f64.powf(power);
        let step = [1.0, 2.0, 5.0, 10.0].map(|m| m * unit).into_iter().find(|s| *s >= rough).unwrap_or(unit * 10.0);
        let decimals = if step >= 1.0 { 0 } else { (-step.log10() - 1e-9).ceil() as usize };
        // A hair's breadth off a round number is rounding, not a reason for another step.
        let (first, last) = ((low / step + 1e-9).floor() as i64, (high / step - 1e-9).ceil() as i64);
        let ticks = (first..=last).map(|i| i as f64 * step).map(|value| (value, fixed(value, decimals))).collect();
        Axis::new(label, first as f64 * step, last as f64 * step, ticks)
    }

    /// An axis over just this range, with round ticks inside of it.
    pub fn stretch(label: &str, low: f64, high: f64) -> Self {
        let round = Axis::round(label, low, high);
        let sound = low.is_finite() && high.is_finite() && high > low;
        let (low, high) = if sound { (low, high) } else { (round.low, round.high) };
        let ticks = round.ticks.into_iter().filter(|(value, _)| (low..=high).contains(value)).collect();
        Axis::new(label, low, high, ticks)
    }

    /// An axis of time from 0 to this many seconds.
    pub fn seconds(label: &str, duration_s: f64) -> Self {
        Axis::stretch(label, 0.0, duration_s)
    }

    /// Its ticks.
    pub fn ticks(&self) -> &[(f64, String)] {
        &self.ticks
    }

    /// The same axis from the other end.
    pub fn reversed(self) -> Self {
        Axis { low: self.high, high: self.low, ..self }
    }

    /// Where a value lies, from 0 at `low` to 1 at `high`.
    pub fn share(&self, value: f64) -> f64 {
        (value - self.low) / (self.high - self.low)
    }

    /// Draws the axis along the foot of a frame.
    pub fn draw_across(&self, out: &mut String, (left, right): (f64, f64), (top, bottom): (f64, f64)) {
        let mut free = f64::NEG_INFINITY;
        for (value, label) in self.in_order() {
            let x = left + self.share(*value) * (right - left);
            let _ = writeln!(out, "<path {HAIR} d=\"M{x:.1} {top}V{bottom}\"/>");
            let half = CHARACTER * label.chars().count() as f64 / 2.0;
            if x - half >= free {
                text(out, (x, bottom + 15.0), "middle", SMALL, label);
                free = x + half + 3.0;
            }
        }
        if !self.label.is_empty() {
            text(out, ((left + right) / 2.0, bottom + 33.0), "middle", "font-size=\"12\"", &self.label);
        }
    }

    /// Draws the axis along the left side of a frame.
    pub fn draw_upward(&self, out: &mut String, (left, right): (f64, f64), (top, bottom): (f64, f64)) {
        let mut free = f64::INFINITY;
        for (value, label) in self.in_order() {
            let y = bottom + self.share(*value) * (top - bottom);
            let _ = writeln!(out, "<path {HAIR} d=\"M{left} {y:.1}H{right}\"/>");
            if y <= free {
                text(out, (left - 6.0, y + 3.5), "end", SMALL, label);
                free = y - 11.0;
            }
        }
        if !self.label.is_empty() {
            let (x, y) = (left - 44.0, (top + bottom) / 2.0);
            let turned = format!("font-size=\"12\" transform=\"rotate(-90 {x:.1} {y:.1})\"");
            text(out, (x, y), "middle", &turned, &self.label);
        }
    }

    /// The ticks from the low end to the high end.
    fn in_order(&self) -> Box<dyn Iterator<Item = &(f64, String)> + '_> {
        if self.low <= self.high { Box::new(self.ticks.iter()) } else { Box::new(self.ticks.iter().rev()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(axis: &Axis) -> Vec<&str> {
        axis.ticks.iter().map(|t| t.1.as_str()).collect()
    }

    #[test]
    fn a_range_is_widened_to_round_numbers() {
        let axis = Axis::round("x", -2.3, 3.1);
        assert_eq!((axis.low, axis.high), (-3.0, 4.0));
        assert_eq!(labels(&axis), ["−3", "−2", "−1", "0", "1", "2", "3", "4"]);
        assert_eq!(labels(&Axis::round("x", 0.0, 1.0)), ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        assert_eq!((axis.share(-3.0), axis.share(4.0)), (0.0, 1.0));
        let reversed = axis.reversed();
        assert_eq!((reversed.share(-3.0), reversed.share(4.0)), (1.0, 0.0));
    }

    #[test]
    fn a_range_that_is_none_is_replaced() {
        for (low, high) in [(f64::NAN, 1.0), (1.0, 1.0), (2.0, 1.0), (f64::NEG_INFINITY, 0.0)] {
            let axis = Axis::round("x", low, high);
            assert_eq!((axis.low, axis.high), (-1.0, 1.0));
        }
    }
}
