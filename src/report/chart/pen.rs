//! How series look: told apart by dash and mark first, then by grey level, then by colour.

use super::curve::Point;

/// How a line is drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::report) struct Pen {
    /// Colour.
    pub colour: &'static str,
    /// Dash pattern; empty for a line without gaps.
    pub dash: &'static str,
    /// Width in pixels.
    pub width: f64,
    /// Mark of the series.
    pub mark: Mark,
}

/// The line of target trials: dark, without gaps.
pub(in crate::report) const TARGETS: Pen = Pen { colour: "#004b7a", dash: "", width: 1.7, mark: Mark::Circle };
/// The line of non-target trials: lighter, dashed.
pub(in crate::report) const NON_TARGETS: Pen = Pen { colour: "#d55e00", dash: "6 2.5", width: 1.7, mark: Mark::Square };
/// Lines to compare with: thin and grey.
pub(in crate::report) const QUIET: Pen = Pen { colour: "#777", dash: "1.5 2.5", width: 1.0, mark: Mark::Cross };

/// Lines of systems that share a chart, in their order. The hues can be told apart by colour-blind eyes (Okabe and
/// Ito 2008); their grey levels differ where the dashes resemble each other.
const PENS: [Pen; 6] = [
    Pen { colour: "#111111", dash: "", width: 1.7, mark: Mark::Circle },
    Pen { colour: "#0072b2", dash: "7 3", width: 1.7, mark: Mark::Square },
    Pen { colour: "#d55e00", dash: "9 3 1.5 3", width: 1.7, mark: Mark::Diamond },
    Pen { colour: "#007a5a", dash: "2 2.2", width: 1.9, mark: Mark::Up },
    Pen { colour: "#b86594", dash: "", width: 2.3, mark: Mark::Down },
    Pen { colour: "#a87400", dash: "14 3", width: 1.7, mark: Mark::Cross },
];

/// The pen of the series with this number; they come round again after the sixth.
pub(in crate::report) fn pen(number: usize) -> Pen {
    let [first, ..] = PENS;
    PENS.get(number % PENS.len()).copied().unwrap_or(first)
}

impl Pen {
    /// The attributes of a line.
    pub fn stroke(&self) -> String {
        let dash = if self.dash.is_empty() { String::new() } else { format!(" stroke-dasharray=\"{}\"", self.dash) };
        format!("stroke=\"{}\" stroke-width=\"{}\" stroke-linejoin=\"round\"{dash}", self.colour, self.width)
    }
}

/// Shape of a mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::report) enum Mark {
    /// A dot, filled.
    Dot,
    /// A circle.
    Circle,
    /// A square.
    Square,
    /// A square on its corner.
    Diamond,
    /// A triangle that points up.
    Up,
    /// A triangle that points down.
    Down,
    /// Two strokes that cross.
    Cross,
}

impl Mark {
    /// The attributes of a mark: only a dot is filled.
    pub fn style(self, colour: &str) -> String {
        match self {
            Mark::Dot => format!("fill=\"{colour}\""),
            Mark::Cross => format!("fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.5\""),
            _ => format!("fill=\"#fff\" stroke=\"{colour}\" stroke-width=\"1.4\""),
        }
    }

    /// The path of a mark with its middle at a place.
    pub fn path(self, (x, y): Point) -> String {
        match self {
            Mark::Dot => format!("M{:.1} {y:.1}a2 2 0 1 0 4 0a2 2 0 1 0 -4 0z", x - 2.0),
            Mark::Circle => format!("M{:.1} {y:.1}a4 4 0 1 0 8 0a4 4 0 1 0 -8 0z", x - 4.0),
            Mark::Square => format!("M{:.1} {:.1}h7v7h-7z", x - 3.5, y - 3.5),
            Mark::Diamond => format!("M{x:.1} {:.1}l4.8 4.8l-4.8 4.8l-4.8 -4.8z", y - 4.8),
            Mark::Up => format!("M{x:.1} {:.1}l4.6 8h-9.2z", y - 5.2),
            Mark::Down => format!("M{x:.1} {:.1}l4.6 -8h-9.2z", y + 5.2),
            Mark::Cross => format!("M{0:.1} {1:.1}l7 7m0 -7l-7 7", x - 3.5, y - 3.5),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn series_of_one_chart_differ_without_colour() {
        for i in 0..PENS.len() {
            for j in 0..i {
                assert_ne!(pen(i).mark, pen(j).mark);
                assert_ne!(pen(i).colour, pen(j).colour);
            }
        }
        assert_eq!(pen(6), pen(0));
    }
}
