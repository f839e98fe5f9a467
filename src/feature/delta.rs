//! Deltas: the slope of each coefficient over time.

use std::collections::VecDeque;

/// Frames on either side that a delta looks at.
pub const DELTA_WINDOW: usize = 2;

/// Appends deltas to a stream of rows.
///
/// The slope is the regression `sum(k (x[t+k] - x[t-k])) / (2 sum(k^2))`, `k` from 1 to [`DELTA_WINDOW`]; rows before
/// the first and after the last are taken to equal them (HTK, Kaldi).
#[derive(Debug, Default)]
pub struct Deltas {
    window: VecDeque<Vec<f32>>,
    spare: Vec<Vec<f32>>,
    output: Vec<f32>,
}

impl Deltas {
    /// Takes the next row and hands out the row that is now complete: its values, then their deltas.
    pub fn push(&mut self, row: &[f32], sink: &mut dyn FnMut(&[f32])) {
        if self.window.is_empty() {
            for _ in 0..DELTA_WINDOW {
                self.store(row);
            }
        }
        self.store(row);
        self.emit(sink);
    }

    /// Ends the stream: hands out the last rows. Ready for the next stream afterwards.
    pub fn finish(&mut self, sink: &mut dyn FnMut(&[f32])) {
        if let Some(last) = self.window.back().cloned() {
            for _ in 0..DELTA_WINDOW {
                self.store(&last);
                self.emit(sink);
            }
        }
        self.spare.extend(self.window.drain(..));
    }

    fn store(&mut self, row: &[f32]) {
        let mut slot = self.spare.pop().unwrap_or_default();
        slot.clear();
        slot.extend_from_slice(row);
        self.window.push_back(slot);
    }

    fn emit(&mut self, sink: &mut dyn FnMut(&[f32])) {
        let rows = 2 * DELTA_WINDOW + 1;
        if self.window.len() < rows {
            return;
        }
        let norm: usize = (1..=DELTA_WINDOW).map(|k| 2 * k * k).sum();
        let row = |offset: usize| self.window.get(offset).map_or(&[][..], Vec::as_slice);
        let centre = row(DELTA_WINDOW);
        self.output.clear();
        self.output.extend_from_slice(centre);
        for i in 0..centre.len() {
            let slope: f32 = (1..=DELTA_WINDOW)
                .map(|k| {
                    let value = |o: usize| row(o).get(i).copied().unwrap_or(0.0);
                    k as f32 * (value(DELTA_WINDOW + k) - value(DELTA_WINDOW - k))
                })
                .sum();
            self.output.push(slope / norm as f32);
        }
        sink(&self.output);
        self.spare.extend(self.window.pop_front());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deltas(rows: &[f32]) -> Vec<(f32, f32)> {
        let mut out = Vec::new();
        let mut deltas = Deltas::default();
        rows.iter().for_each(|x| deltas.push(&[*x], &mut |r| out.push((r[0], r[1]))));
        deltas.finish(&mut |r| out.push((r[0], r[1])));
        out
    }

    #[test]
    fn a_ramp_has_its_slope_and_a_constant_has_none() {
        let ramp: Vec<f32> = (0..9).map(|t| 3.0 * t as f32).collect();
        assert!(deltas(&ramp)[2..7].iter().all(|(_, d)| *d == 3.0));
        assert!(deltas(&[5.0; 4]).iter().all(|(x, d)| *x == 5.0 && *d == 0.0));
    }

    #[test]
    fn every_row_comes_out_once_with_edges_repeated() {
        assert_eq!(deltas(&[]), []);
        assert_eq!(deltas(&[2.0]), [(2.0, 0.0)]);
        // t = 0: (1 (3 - 1) + 2 (3 - 1)) / 10
        assert_eq!(deltas(&[1.0, 3.0]), [(1.0, 0.6), (3.0, 0.6)]);
    }
}
