//! Zoo plot: whom a system serves badly, and how.

mod group;
mod names;

use crate::report::chart::{Axis, Chart, Mark, QUIET, SQUARE};
use crate::report::svg::{count, log10};
use group::{Group, Quartiles, group};
use std::collections::BTreeMap;

/// Animals of one group in the same cell of this size, in pixels, are one mark, where there are many.
const CELL: f64 = 2.0;
/// Number of animals from which on the zoo is crowded.
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
    corners(&mut chart, &x, &y);
    let group = |animal: &ZooAnimal<'_>| group((log10(animal.target_mean), log10(animal.non_target_mean)), &x, &y);
    let others: Vec<&ZooAnimal<'_>> = placed.iter().copied().filter(|animal| group(animal).is_none()).collect();
    dots(&mut chart, &others, Mark::Dot, GREY);
    // In a crowd the corner itself must tell the group.
    let mark = |kind: Group| if placed.len() < MANY { kind.mark() } else { Mark::Dot };
    let groups = Group::ALL.map(|kind| {
        let members: Vec<&ZooAnimal<'_>> = placed.iter().copied().filter(|a| group(a) == Some(kind)).collect();
        (kind, members)
    });
    for (kind, members) in &groups {
        dots(&mut chart, members, mark(*kind), INK);
    }
    names::name(&mut chart, &groups, &others);
    for (kind, members) in &groups {
        let (label, meaning) = kind.words();
        chart.key(None, Some((mark(*kind), INK)), label, &format!("{}: {meaning}", count(members.len())));
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

/// Draws the quartiles and writes the name of each group in its corner.
fn corners(chart: &mut Chart, x: &Quartiles, y: &Quartiles) {
    for quartile in [x.low, x.high] {
        chart.line([(quartile, -1e9), (quartile, 1e9)].into_iter(), &QUIET);
    }
    for quartile in [y.low, y.high] {
        chart.line([(-1e9, quartile), (1e9, quartile)].into_iter(), &QUIET);
    }
    let (left, top, right, bottom) = chart.frame();
    for kind in Group::ALL {
        let (x, anchor) = if kind.is_right() { (right - 7.0, "end") } else { (left + 7.0, "start") };
        let y = if kind.is_top() { top + 14.0 } else { bottom - 7.0 };
        chart.words((x, y), anchor, kind.words().0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::svg::assert_well_formed;
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
