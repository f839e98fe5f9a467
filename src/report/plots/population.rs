//! Where a recording stands among other voices: the distribution of their scores with its own and the reference's.

use crate::report::chart::{Axis, Chart, Drawing, Mark, NON_TARGETS, Pen, QUIET, TARGETS};
use crate::report::svg::{count, shortened};

/// What the picture shows.
#[derive(Clone, Debug)]
pub struct Population<'a> {
    /// Title.
    pub title: &'a str,
    /// What it shows, as the beginning of its description.
    pub about: &'a str,
    /// Name of the score.
    pub score: &'a str,
    /// Name of the other axis.
    pub voices: &'a str,
    /// Whether it shares a page with much else, and is to be low.
    pub low: bool,
    /// The scores of the population.
    pub scores: &'a [f64],
    /// Its row in the key.
    pub scores_key: KeyText<'a>,
    /// Least and greatest score of the reference against itself, with its row in the key.
    pub own: Option<(f64, f64, KeyText<'a>)>,
    /// The score of each recording in question, with its row in the key.
    pub candidates: Vec<(f64, KeyText<'a>)>,
}

/// A name in the key and the figures beside it.
#[derive(Clone, Debug)]
pub struct KeyText<'a> {
    /// The name.
    pub name: std::borrow::Cow<'a, str>,
    /// The figures.
    pub figures: std::borrow::Cow<'a, str>,
}

impl KeyText<'_> {
    /// A row of the key.
    pub fn new(name: impl Into<String>, figures: impl Into<String>) -> Self {
        KeyText { name: std::borrow::Cow::Owned(name.into()), figures: std::borrow::Cow::Owned(figures.into()) }
    }
}

/// Height of the frame, pixels, and of a low one.
const HEIGHT: f64 = 200.0;
const LOW: f64 = 130.0;
/// Columns of the histogram, about.
const COLUMNS: f64 = 30.0;
/// Recordings that are drawn.
const MOST: usize = 4;

/// Draws the distribution of a population's scores as steps, the recordings in question as lines from top to bottom,
/// and the range of the reference against itself as a bar.
pub fn population(facts: &Population<'_>) -> Drawing {
    let own = facts.own.as_ref().map(|(low, high, _)| [*low, *high]);
    let drawn = facts.candidates.iter().take(MOST);
    let all = facts.scores.iter().copied().chain(own.into_iter().flatten()).chain(drawn.clone().map(|(x, _)| *x));
    let (low, high) = all.filter(|x| x.is_finite()).fold((0.0f64, 1.0f64), |(a, b), x| (a.min(x), b.max(x)));
    let x = Axis::round(facts.score, low, high);
    let width = (x.high - x.low) / COLUMNS;
    let (first, mut columns) = (x.low, vec![0usize; COLUMNS as usize]);
    for score in facts.scores.iter().filter(|x| x.is_finite()) {
        let place = (((score - first) / width) as usize).min(columns.len() - 1);
        if let Some(column) = columns.get_mut(place) {
            *column += 1;
        }
    }
    let most = columns.iter().copied().max().unwrap_or(0).max(1) as f64;
    let mut chart = Chart::new(
        facts.title,
        facts.about,
        if facts.low { LOW } else { HEIGHT },
        x,
        Axis::round(facts.voices, 0.0, 1.15 * most),
    );
    let steps = columns.iter().enumerate().flat_map(|(i, n)| {
        let (from, to) = (first + i as f64 * width, first + (i + 1) as f64 * width);
        [(from, *n as f64), (to, *n as f64)]
    });
    chart.line(std::iter::once((first, 0.0)).chain(steps).chain([(first + COLUMNS * width, 0.0)]), &NON_TARGETS);
    chart.key(Some(&NON_TARGETS), None, &facts.scores_key.name, &facts.scores_key.figures);
    if let Some((low, high, key)) = &facts.own {
        let pen = Pen { colour: "#333", dash: "", width: 5.0, ..QUIET };
        let at = 1.05 * most;
        chart.line([(*low, at), (*high, at)].into_iter(), &pen);
        chart.key(Some(&pen), None, &key.name, &key.figures);
    }
    for (i, (score, key)) in drawn.enumerate() {
        let mark = [Mark::Down, Mark::Diamond, Mark::Up, Mark::Square].get(i).copied().unwrap_or(Mark::Down);
        chart.line([(*score, 0.0), (*score, 2.0 * most)].into_iter(), &TARGETS);
        chart.mark((*score, 0.9 * most), mark, TARGETS.colour, &shortened(&key.name, 60));
        chart.key(Some(&TARGETS), Some((mark, TARGETS.colour)), &key.name, &key.figures);
    }
    if facts.candidates.len() > MOST {
        chart.note(&format!("+ {}", count(facts.candidates.len() - MOST)));
    }
    chart.drawn()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::svg::assert_well_formed;

    #[test]
    fn the_picture_tells_its_figures_in_words() {
        let scores: Vec<f64> = (0..300).map(|i| f64::from(i) / 1000.0 - 0.1).collect();
        let facts = Population {
            title: "Other voices",
            about: "About.",
            score: "cosine",
            voices: "voices",
            low: false,
            scores: &scores,
            scores_key: KeyText::new("population", "300 voices"),
            own: Some((0.8, 0.9, KeyText::new("itself", "0.80 to 0.90"))),
            candidates: vec![(0.87, KeyText::new("<b>.wav", "0.87"))],
        };
        let drawing = population(&facts);
        assert_well_formed(&drawing.svg);
        assert_eq!(drawing.alternative, "About. population: 300 voices. itself: 0.80 to 0.90. <b>.wav: 0.87.");
        let odd = [f64::NAN, f64::INFINITY, -1e300];
        for scores in [&odd[..], &[]] {
            let drawing = population(&Population { scores, own: None, candidates: Vec::new(), ..facts.clone() });
            assert_well_formed(&drawing.svg);
            assert!(!drawing.svg.contains("NaN") && !drawing.svg.contains("inf"), "{}", drawing.svg);
        }
    }
}
