//! Zoo plot: whom a system serves badly, and how.

use super::super::chart::{Axis, Chart, Mark, QUIET, SQUARE};
use super::super::svg::{count, fixed, log10, shortened};
use std::collections::BTreeMap;

/// Most animals of a group that are named.
const NAMED: usize = 6;
/// Longest name, in characters.
const NAME: usize = 18;
/// Width of a character of a name and height of its line, in pixels.
const CHARACTER: f64 = 5.6;
const LINE: f64 = 11.0;
/// Animals of one group in the same cell of this size, in pixels, are one mark, where there are many.
const CELL: f64 = 2.0;
/// Number of animals from which on cells are used.
const MANY: usize = 1000;
/// Ink of the animals in the corners and of the others.
const INK: &str = "#004b7a";
const GREY: &str = "#999";

/// One speaker's trials.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ZooAnimal<'a> {
    /// Name.
    pub speaker: &'a str,
    /// Mean log-likelihood ratio, as a natural logarithm, of the pairs of this speaker's own clips.
    pub target_mean: f64,
    /// The same of the pairs with other speakers.
    pub non_target_mean: f64,
    /// Number of pairs of the speaker's own clips.
    pub targets: usize,
    /// Number of pairs with other speakers.
    pub non_targets: usize,
}

/// A corner of the zoo.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Group {
    Dove,
    Chameleon,
    Phantom,
    Worm,
}

impl Group {
    const ALL: [Group; 4] = [Group::Dove, Group::Phantom, Group::Chameleon, Group::Worm];

    /// Plural, and what it means for the system.
    fn words(self) -> (&'static str, &'static str) {
        match self {
            Group::Dove => ("Doves", "like themselves, unlike others"),
            Group::Phantom => ("Phantoms", "unlike themselves and unlike others"),
            Group::Chameleon => ("Chameleons", "like themselves and like others"),
            Group::Worm => ("Worms", "unlike themselves, like others"),
        }
    }

    fn mark(self) -> Mark {
        match self {
            Group::Dove => Mark::Circle,
            Group::Phantom => Mark::Up,
            Group::Chameleon => Mark::Diamond,
            Group::Worm => Mark::Square,
        }
    }
}

/// The zoo plot (Yager and Dunstone, "The biometric menagerie", 2010): each speaker's mean log10 LR with own clips
/// against that with the clips of others, the latter falling upward, so that those whom the system serves well lie at
/// the upper right. Lines mark the quartiles. Speakers in the outer quarter of both are named where few: doves,
/// phantoms, chameleons and worms.
///
/// A speaker without trials of both kinds has no place and is counted under the chart.
pub fn zoo(animals: &[ZooAnimal<'_>]) -> String {
    let title = "Zoo plot";
    let about = "Mean log10 likelihood ratio (LR) of each speaker's target trials against that of the speaker's \
                 non-target trials; the second axis falls upward, so that the upper right is best.";
    let placed: Vec<&ZooAnimal<'_>> = animals.iter().filter(|animal| is_placed(animal)).collect();
    let sorted = |value: fn(&ZooAnimal<'_>) -> f64| {
        let mut values: Vec<f64> = placed.iter().map(|animal| log10(value(animal))).collect();
        values.sort_unstable_by(f64::total_cmp);
        values
    };
    let (targets, non_targets) = (sorted(|a| a.target_mean), sorted(|a| a.non_target_mean));
    let (Some(x), Some(y)) = (Quartiles::of(&targets), Quartiles::of(&non_targets)) else {
        return Chart::without_data(title, about, "no speakers with trials of both kinds");
    };
    let across = axis("Mean log₁₀ LR of target trials", &targets);
    let upward = axis("Mean log₁₀ LR of non-target trials (falling)", &non_targets).reversed();
    let mut chart = Chart::new(title, about, SQUARE, across, upward);
    for quartile in [x.low, x.high] {
        chart.line([(quartile, -1e9), (quartile, 1e9)].into_iter(), &QUIET);
    }
    for quartile in [y.low, y.high] {
        chart.line([(-1e9, quartile), (1e9, quartile)].into_iter(), &QUIET);
    }
    let group = |animal: &ZooAnimal<'_>| group((log10(animal.target_mean), log10(animal.non_target_mean)), &x, &y);
    let others: Vec<&ZooAnimal<'_>> = placed.iter().copied().filter(|animal| group(animal).is_none()).collect();
    dots(&mut chart, &others, Mark::Dot, GREY);
    let groups = Group::ALL.map(|kind| {
        let members: Vec<&ZooAnimal<'_>> = placed.iter().copied().filter(|a| group(a) == Some(kind)).collect();
        (kind, members)
    });
    for (kind, members) in &groups {
        dots(&mut chart, members, kind.mark(), INK);
    }
    name(&mut chart, &groups);
    for (kind, members) in &groups {
        let (label, meaning) = kind.words();
        chart.key(None, Some((kind.mark(), INK)), label, &format!("{}: {meaning}", count(members.len())));
    }
    chart.key(None, Some((Mark::Dot, GREY)), "Other speakers", &count(others.len()));
    chart.note("Dotted lines: quartiles. The named corners are the outer quarter of both axes.");
    if placed.len() < animals.len() {
        let left_out = count(animals.len() - placed.len());
        chart.note(&format!("Without trials of both kinds and left out: {left_out} speakers."));
    }
    chart.finish()
}

fn is_placed(animal: &ZooAnimal<'_>) -> bool {
    animal.targets > 0 && animal.non_targets > 0 && !animal.target_mean.is_nan() && !animal.non_target_mean.is_nan()
}

/// Values that a quarter of all lie below, and above.
struct Quartiles {
    low: f64,
    high: f64,
}

impl Quartiles {
    /// By linear interpolation between the rising values.
    fn of(sorted: &[f64]) -> Option<Self> {
        let at = |share: f64| {
            let place = share * sorted.len().checked_sub(1)? as f64;
            let (below, above) = (*sorted.get(place.floor() as usize)?, *sorted.get(place.ceil() as usize)?);
            // Between two infinite values, or on one, there is nothing to interpolate.
            Some(if below == above { below } else { below + place.fract() * (above - below) })
        };
        Some(Quartiles { low: at(0.25)?, high: at(0.75)? })
    }
}

/// The corner in which an animal lies, if it is one.
fn group((target, non_target): (f64, f64), x: &Quartiles, y: &Quartiles) -> Option<Group> {
    let side = |value: f64, quartiles: &Quartiles| match value {
        _ if quartiles.low == quartiles.high => None,
        value if value <= quartiles.low => Some(false),
        value if value >= quartiles.high => Some(true),
        _ => None,
    };
    Some(match (side(target, x)?, side(non_target, y)?) {
        (true, false) => Group::Dove,
        (true, true) => Group::Chameleon,
        (false, false) => Group::Phantom,
        (false, true) => Group::Worm,
    })
}

/// An axis over the finite ones of rising values, with room at both ends.
fn axis(label: &str, sorted: &[f64]) -> Axis {
    let finite = || sorted.iter().copied().filter(|value| value.is_finite());
    let (low, high) = (finite().next().unwrap_or(-1.0), finite().next_back().unwrap_or(1.0));
    let room = (0.06 * (high - low)).max(0.1);
    Axis::round(label, (low - room).max(-300.0), (high + room).min(300.0))
}

/// Where an animal is drawn: its place, or the edge next to it.
fn spot(chart: &Chart, animal: &ZooAnimal<'_>) -> (f64, f64) {
    let (left, top, right, bottom) = chart.frame();
    let (x, y) = chart.place((log10(animal.target_mean), log10(animal.non_target_mean)));
    (x.clamp(left + 4.0, right - 4.0), y.clamp(top + 4.0, bottom - 4.0))
}

/// Draws animals, one mark for those that hide each other where there are many.
fn dots(chart: &mut Chart, animals: &[&ZooAnimal<'_>], mark: Mark, colour: &str) {
    let spots = animals.iter().map(|animal| spot(chart, animal));
    let spots: Vec<(f64, f64)> = if animals.len() < MANY {
        spots.collect()
    } else {
        let cell = |(x, y): (f64, f64)| ((x / CELL) as i32, (y / CELL) as i32);
        spots.map(|spot| (cell(spot), spot)).rev().collect::<BTreeMap<_, _>>().into_values().collect()
    };
    chart.marks_at(&spots, mark, colour, "");
}

/// Names the animals of small groups beside their marks, where the names do not lie on each other.
fn name(chart: &mut Chart, groups: &[(Group, Vec<&ZooAnimal<'_>>)]) {
    let (left, _, right, _) = chart.frame();
    let mut taken: Vec<(f64, f64, f64)> = Vec::new();
    for (kind, members) in groups.iter().filter(|(_, members)| members.len() <= NAMED) {
        for animal in members {
            let (x, y) = spot(chart, animal);
            let means = [animal.target_mean, animal.non_target_mean].map(|mean| fixed(log10(mean), 2));
            let [target, non_target] = means;
            chart.tell(&format!(
                "{}: {}, {target} over {} target trials, {non_target} over {} non-target trials.",
                kind.words().0,
                animal.speaker,
                count(animal.targets),
                count(animal.non_targets)
            ));
            let name = shortened(animal.speaker, NAME);
            let width = CHARACTER * name.chars().count() as f64;
            let free = |from: f64| {
                from >= left + 2.0
                    && from + width <= right - 2.0
                    && taken.iter().all(|(a, b, line)| (line - y).abs() >= LINE || from > *b || from + width < *a)
            };
            let side = [("start", x + 8.0, x + 8.0), ("end", x - 8.0, x - 8.0 - width)];
            if let Some((anchor, at, from)) = side.into_iter().find(|(_, _, from)| free(*from)) {
                taken.push((from, from + width, y));
                chart.words((at, y + 3.5), anchor, &name);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::svg::assert_well_formed;
    use super::*;
    use std::f64::consts::LN_10;

    fn animal(speaker: &str, target: f64, non_target: f64) -> ZooAnimal<'_> {
        ZooAnimal {
            speaker,
            target_mean: target * LN_10,
            non_target_mean: non_target * LN_10,
            targets: 9,
            non_targets: 90,
        }
    }

    #[test]
    fn animals_in_the_corners_are_named() {
        let animals = [
            animal("dove", 4.0, -4.0),
            animal("chameleon", 4.0, 0.0),
            animal("phantom", 1.0, -4.0),
            animal("<worm>", 1.0, 0.0),
            animal("sheep", 2.5, -2.0),
        ];
        let svg = zoo(&animals);
        assert_well_formed(&svg);
        for words in
            ["Doves: dove, 4.00 over 9", "Chameleons: chameleon,", "Phantoms: phantom,", "Worms: &lt;worm&gt;,"]
        {
            assert!(svg.contains(words), "{words}: {svg}");
        }
        assert!(svg.contains(">dove</text>") && !svg.contains("sheep"), "{svg}");
    }

    #[test]
    fn animals_without_a_place_are_counted() {
        let lone = ZooAnimal { targets: 0, ..animal("lone", 0.0, 0.0) };
        let svg = zoo(&[animal("a", 1.0, -1.0), animal("b", f64::NAN, -1.0), lone]);
        assert!(svg.contains("left out: 2 speakers."), "{svg}");
        for animals in [&[][..], &[lone][..]] {
            let svg = zoo(animals);
            assert_well_formed(&svg);
            assert!(svg.contains("no speakers with trials of both kinds"), "{svg}");
        }
    }

    #[test]
    fn infinite_means_lie_on_the_edge() {
        let (up, down) = (f64::INFINITY, f64::NEG_INFINITY);
        for animals in [
            vec![animal("a", up, down), animal("b", down, up), animal("c", 1.0, -1.0)],
            vec![animal("a", up, up), animal("b", up, up)],
            vec![animal("a", 1e300, -1e300), animal("b", -1e300, 1e300)],
        ] {
            let svg = zoo(&animals);
            assert_well_formed(&svg);
            assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
        }
    }

    #[test]
    fn a_large_zoo_is_a_small_document() {
        let grid = |i: u32| f64::from(i.wrapping_mul(2_654_435_761) % 10_007) / 2_000.0;
        let animals: Vec<_> = (0..200_000).map(|i| animal("x", grid(i), -grid(i ^ 0x5555))).collect();
        let svg = zoo(&animals);
        assert!(svg.len() < 2_500_000, "{}", svg.len());
    }
}
