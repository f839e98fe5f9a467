//! The names of the animals in the corners, where there is room for them.

use super::group::Group;
use super::{ZooAnimal, spot};
use crate::report::chart::Chart;
use crate::report::svg::{count, fixed, log10, shortened, width};

/// Most animals of a group that are named.
const NAMED: usize = 8;
/// Longest name, in characters.
const NAME: usize = 18;
/// The same in the description.
const LONG_NAME: usize = 120;
/// Width of a character of a name and height of its line, in pixels.
const CHARACTER: f64 = 5.6;
const LINE: f64 = 11.0;

/// Names the animals of small groups: all in the description, and beside their marks where a name hides nothing.
pub(super) fn name(chart: &mut Chart, groups: &[(Group, Vec<&ZooAnimal<'_>>)], others: &[&ZooAnimal<'_>]) {
    let (left, _, right, _) = chart.frame();
    let everybody = groups.iter().flat_map(|(_, members)| members).chain(others);
    let mut taken: Vec<Span> = everybody.map(|animal| Span::around(spot(chart, animal))).collect();
    for (kind, members) in groups.iter().filter(|(_, members)| members.len() <= NAMED) {
        for animal in members {
            chart.tell(&told(*kind, animal));
            let name = shortened(animal.speaker, NAME);
            let (width, (x, y)) = (CHARACTER * width(&name) as f64, spot(chart, animal));
            // To the right, to the left, above, below.
            let places = [(x + 9.0, y), (x - 9.0 - width, y), (x - width / 2.0, y - 12.0), (x - width / 2.0, y + 12.0)];
            let spans = places.map(|(from, y)| Span { from, to: from + width, y });
            let free =
                |span: &Span| span.from > left && span.to < right && !taken.iter().any(|other| other.hides(span));
            if let Some(span) = spans.into_iter().find(free) {
                chart.words((span.from, span.y + 3.5), "start", &name);
                taken.push(span);
            }
        }
    }
}

/// A stretch of a line that is written on or drawn on, in pixels.
struct Span {
    from: f64,
    to: f64,
    y: f64,
}

impl Span {
    fn around((x, y): (f64, f64)) -> Self {
        Span { from: x - 5.0, to: x + 5.0, y }
    }

    fn hides(&self, other: &Span) -> bool {
        (self.y - other.y).abs() < LINE && self.from < other.to && other.from < self.to
    }
}

/// A sentence about one animal.
fn told(kind: Group, animal: &ZooAnimal<'_>) -> String {
    let side = |mean: f64, trials: usize| format!("{} over {}", fixed(log10(mean), 2), count(trials));
    format!(
        "{}: {}, {} target trials, {} non-target trials.",
        kind.words().0,
        shortened(animal.speaker, LONG_NAME),
        side(animal.target_mean, animal.targets),
        side(animal.non_target_mean, animal.non_targets),
    )
}
