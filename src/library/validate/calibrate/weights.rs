//! How much each trial counts: whatever groups, speakers and kinds of reference there are, their numbers of trials do
//! not matter.

use std::collections::BTreeMap;

use super::material::State;

/// Shares of the weight of trials as they are, with a cut side, and with a spoilt side: recordings of a case are mostly
/// sound and mostly whole. Where some of these are missing, the others share all of it.
const SHARES: [f64; 3] = [0.7, 0.25, 0.05];

/// What a trial is balanced by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Cell {
    pub target: bool,
    /// The groups it belongs to, the widest first; then its speaker and the kind of its reference.
    pub levels: Vec<u32>,
    /// The worse of what was done to its sides.
    pub state: State,
}

/// The weights of trials: on every level each value counts the same within its value of the level above. Those of a kind
/// (target or non-target) add up to 1.
pub(super) fn balanced(cells: &[Cell]) -> Vec<f64> {
    let mut trials: BTreeMap<(bool, &[u32]), [f64; 3]> = BTreeMap::new();
    let mut values: BTreeMap<(bool, &[u32]), usize> = BTreeMap::new();
    for cell in cells {
        let counts = trials.entry((cell.target, cell.levels.as_slice())).or_default();
        if let Some(count) = counts.get_mut(cell.state as usize) {
            *count += 1.0;
        }
    }
    // How many values each prefix has on the next level.
    for (target, levels) in trials.keys() {
        let mut above: Option<&[u32]> = None;
        for depth in 0..=levels.len() {
            let prefix = levels.get(..depth).unwrap_or_default();
            let known = values.contains_key(&(*target, prefix));
            if !known {
                values.insert((*target, prefix), 0);
                above.iter().for_each(|above| *values.entry((*target, above)).or_default() += 1);
            }
            above = Some(prefix);
        }
    }
    let weight = |cell: &Cell| {
        let levels = cell.levels.as_slice();
        let parts = (0..levels.len()).map(|depth| {
            let prefix = levels.get(..depth).unwrap_or_default();
            values.get(&(cell.target, prefix)).map_or(1.0, |n| *n as f64)
        });
        let counts = trials.get(&(cell.target, levels)).copied().unwrap_or([1.0; 3]);
        let there: f64 = SHARES.iter().zip(counts).filter(|(_, n)| *n > 0.0).map(|(share, _)| share).sum();
        let own = SHARES.iter().zip(counts).nth(cell.state as usize).map_or(0.0, |(share, n)| share / n);
        own / there / parts.product::<f64>()
    };
    cells.iter().map(weight).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_of_a_level_counts_the_same() {
        let cell = |target, levels: &[u32], state| Cell { target, levels: levels.into(), state };
        // A group of one speaker with one trial, and one of two speakers with three trials and one.
        let cells = [
            cell(true, &[0, 0], State::AsItIs),
            cell(true, &[1, 1], State::AsItIs),
            cell(true, &[1, 1], State::AsItIs),
            cell(true, &[1, 1], State::Spoilt),
            cell(true, &[1, 2], State::Cut),
            cell(false, &[7, 7], State::AsItIs),
        ];
        let weights = balanced(&cells);
        let (sound, spoilt) = (0.7 / 0.75, 0.05 / 0.75);
        let expected = [0.5, 0.125 * sound, 0.125 * sound, 0.25 * spoilt, 0.25, 1.0];
        for (found, expected) in weights.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-12, "{weights:?}");
        }
    }
}
