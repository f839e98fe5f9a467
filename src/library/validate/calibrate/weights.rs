//! How much each trial counts: whatever groups, speakers and kinds of reference there are, their numbers of trials do
//! not matter.

use std::collections::BTreeMap;

/// Share of the weight that trials with a spoilt side have where there are sound ones: recordings of a case are mostly
/// sound.
const SPOILT: f64 = 0.05;

/// What a trial is balanced by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Cell {
    pub target: bool,
    /// The groups it belongs to, the widest first; then its speaker and the kind of its reference.
    pub levels: Vec<u32>,
    pub spoilt: bool,
}

/// The weights of trials: on every level each value counts the same within its value of the level above. Those of a kind
/// (target or non-target) add up to 1.
pub(super) fn balanced(cells: &[Cell]) -> Vec<f64> {
    let mut trials: BTreeMap<(bool, &[u32]), [f64; 2]> = BTreeMap::new();
    let mut values: BTreeMap<(bool, &[u32]), usize> = BTreeMap::new();
    for cell in cells {
        let counts = trials.entry((cell.target, cell.levels.as_slice())).or_default();
        if let Some(count) = counts.get_mut(usize::from(cell.spoilt)) {
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
        let [sound, spoilt] = trials.get(&(cell.target, levels)).copied().unwrap_or([1.0, 1.0]);
        let share = match cell.spoilt {
            true if sound > 0.0 => SPOILT / spoilt,
            false if spoilt > 0.0 => (1.0 - SPOILT) / sound,
            _ => 1.0 / (sound + spoilt),
        };
        share / parts.product::<f64>()
    };
    cells.iter().map(weight).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_of_a_level_counts_the_same() {
        let cell = |target, levels: &[u32], spoilt| Cell { target, levels: levels.into(), spoilt };
        // A group of one speaker with one trial, and one of two speakers with three trials and one.
        let cells = [
            cell(true, &[0, 0], false),
            cell(true, &[1, 1], false),
            cell(true, &[1, 1], false),
            cell(true, &[1, 1], true),
            cell(true, &[1, 2], true),
            cell(false, &[7, 7], false),
        ];
        let weights = balanced(&cells);
        let expected = [0.5, 0.25 * 0.475, 0.25 * 0.475, 0.25 * 0.05, 0.25, 1.0];
        for (found, expected) in weights.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-12, "{weights:?}");
        }
    }
}
