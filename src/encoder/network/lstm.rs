//! A layer of long short-term memory over several sequences at once.
//!
//! Vectors hold neighbouring outputs, and a tile holds them for up to twelve sequences, so that the weights, which are
//! more than the near caches hold, pass by once a step. As in [`super::kernel`] each sum is taken in one fixed order:
//! the bias, the inputs, then the units of the step before.

use super::activation::exp;
use pulp::{Simd, WithSimd};

/// Outputs that lie together in the packed weights, whatever the width of vectors.
const PANEL: usize = 32;
/// Vectors of a tile.
const VECTORS: usize = 2;
/// Input, forget, cell and output gate (PyTorch's order).
const GATES: usize = 4;
/// Beyond this a sigmoid is 0 or 1 in single precision, and the product of two exponentials still is a number.
const SATURATED: f32 = 40.0;

/// A matrix of `(outputs, inputs)` packed in panels of [`PANEL`] outputs, with one bias an output.
#[derive(Clone, Debug)]
pub(crate) struct Panels {
    packed: Vec<f32>,
    bias: Vec<f32>,
    inputs: usize,
}

impl Panels {
    /// Packs a row-major matrix; the number of outputs is a multiple of [`PANEL`].
    pub fn pack(matrix: &[f32], bias: Vec<f32>) -> Self {
        let inputs = matrix.len() / bias.len().max(1);
        let mut packed = Vec::with_capacity(matrix.len());
        for first in (0..bias.len()).step_by(PANEL) {
            for input in 0..inputs {
                packed.extend((first..first + PANEL).map(|output| matrix[output * inputs + input]));
            }
        }
        Panels { packed, bias, inputs }
    }
}

/// `output[row] = start + matrix * input[row]`, row by row.
pub(crate) struct Linear<'a> {
    pub panels: &'a Panels,
    /// `(rows, inputs)`.
    pub input: &'a [f32],
    /// `(rows, outputs)`: what each sum starts from; the bias where there is none.
    pub start: Option<&'a [f32]>,
    /// `(rows, outputs)`.
    pub output: &'a mut [f32],
}

impl WithSimd for Linear<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Linear { panels, input, start, output } = self;
        products(simd, panels, input, start, output);
    }
}

#[inline(always)]
fn products<S: Simd>(simd: S, panels: &Panels, input: &[f32], start: Option<&[f32]>, output: &mut [f32]) {
    let rows = input.len() / panels.inputs.max(1);
    let batches = batches::<S>(rows);
    for column in (0..panels.bias.len()).step_by(VECTORS * S::F32_LANES) {
        for batch in 0..batches {
            let first = batch * rows / batches;
            let place = Place { column, first };
            match (batch + 1) * rows / batches - first {
                12 => tile::<S, 12>(simd, panels, input, start, output, place),
                11 => tile::<S, 11>(simd, panels, input, start, output, place),
                10 => tile::<S, 10>(simd, panels, input, start, output, place),
                9 => tile::<S, 9>(simd, panels, input, start, output, place),
                8 => tile::<S, 8>(simd, panels, input, start, output, place),
                7 => tile::<S, 7>(simd, panels, input, start, output, place),
                6 => tile::<S, 6>(simd, panels, input, start, output, place),
                5 => tile::<S, 5>(simd, panels, input, start, output, place),
                4 => tile::<S, 4>(simd, panels, input, start, output, place),
                3 => tile::<S, 3>(simd, panels, input, start, output, place),
                2 => tile::<S, 2>(simd, panels, input, start, output, place),
                _ => tile::<S, 1>(simd, panels, input, start, output, place),
            }
        }
    }
}

/// Number of batches of rows that fit the registers; they are as equal as can be.
#[inline(always)]
fn batches<S: Simd>(rows: usize) -> usize {
    // 24 sums in 32 registers, or 12 in 16.
    rows.div_ceil(if S::F32_LANES == 8 { 6 } else { 12 })
}

/// Where a tile lies.
#[derive(Clone, Copy)]
struct Place {
    column: usize,
    first: usize,
}

#[inline(always)]
fn tile<S: Simd, const ROWS: usize>(
    simd: S,
    panels: &Panels,
    input: &[f32],
    start: Option<&[f32]>,
    output: &mut [f32],
    Place { column, first }: Place,
) {
    let (inputs, outputs, span) = (panels.inputs, panels.bias.len(), VECTORS * S::F32_LANES);
    let mut tile = [get::<S>(&panels.bias[column..]); ROWS];
    if let Some(start) = start {
        for i in 0..ROWS {
            tile[i] = get::<S>(&start[(first + i) * outputs + column..]);
        }
    }
    let input = &input[first * inputs..];
    let mut rows = [&input[..inputs]; ROWS];
    for i in 1..ROWS {
        rows[i] = &input[i * inputs..(i + 1) * inputs];
    }
    let (panel, _) = panels.packed[column / PANEL * PANEL * inputs..].as_chunks::<PANEL>();
    let at = column % PANEL;
    for (k, weights) in panel[..inputs].iter().enumerate() {
        let weights = get::<S>(&weights[at..at + span]);
        for i in 0..ROWS {
            let x = simd.splat_f32s(rows[i][k]);
            for j in 0..VECTORS {
                tile[i][j] = simd.mul_add_f32s(x, weights[j], tile[i][j]);
            }
        }
    }
    for i in 0..ROWS {
        let to = &mut output[(first + i) * outputs + column..][..span];
        let (to, _) = S::as_mut_simd_f32s(to);
        to[..VECTORS].copy_from_slice(&tile[i]);
    }
}

#[inline(always)]
fn get<S: Simd>(from: &[f32]) -> [S::f32s; VECTORS] {
    let (from, _) = S::as_simd_f32s(&from[..VECTORS * S::F32_LANES]);
    [from[0], from[1]]
}

/// The recurrence of a layer over `steps` steps of `batch` sequences.
pub(crate) struct Recurrence<'a> {
    pub panels: &'a Panels,
    /// `(steps, batch, 4 units)`: what [`Linear`] made of the inputs.
    pub gates: &'a [f32],
    pub batch: usize,
    /// `(steps + 1, batch, units)`: the units' outputs; those before the first step are zeros.
    pub hidden: &'a mut [f32],
    /// `(batch, units)`: the cells, zeros at first.
    pub cells: &'a mut [f32],
    /// `(batch, 4 units)`: room for a step.
    pub sums: &'a mut [f32],
}

impl WithSimd for Recurrence<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Recurrence { panels, gates, batch, hidden, cells, sums } = self;
        let (units, outputs) = (panels.inputs, panels.bias.len());
        for (step, gates) in gates.chunks_exact(batch * outputs).enumerate() {
            let (before, after) = hidden[step * batch * units..].split_at_mut(batch * units);
            products(simd, panels, before, Some(gates), sums);
            for sequence in 0..batch {
                let (sums, _) = S::as_simd_f32s(&sums[sequence * outputs..(sequence + 1) * outputs]);
                let own = sequence * units..(sequence + 1) * units;
                let (cells, _) = S::as_mut_simd_f32s(&mut cells[own.clone()]);
                let (after, _) = S::as_mut_simd_f32s(&mut after[own]);
                let quarter = sums.len() / GATES;
                for unit in 0..quarter {
                    let (input, forget) = (sums[unit], sums[quarter + unit]);
                    let (cell, output) = (sums[2 * quarter + unit], sums[3 * quarter + unit]);
                    let one = simd.splat_f32s(1.0);
                    let kept = simd.div_f32s(cells[unit], simd.add_f32s(one, decay(simd, forget)));
                    cells[unit] = simd.add_f32s(kept, gated(simd, input, cell));
                    after[unit] = gated(simd, output, cells[unit]);
                }
            }
        }
    }
}

/// `exp(-x)` within bounds.
#[inline(always)]
fn decay<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    let bound = simd.splat_f32s(SATURATED);
    let x = simd.min_f32s(simd.max_f32s(x, simd.neg_f32s(bound)), bound);
    exp(simd, simd.neg_f32s(x))
}

/// `sigmoid(gate) * tanh(x) = (1 - e^-2x) / ((1 + e^-gate) (1 + e^-2x))`, with one division.
#[inline(always)]
fn gated<S: Simd>(simd: S, gate: S::f32s, x: S::f32s) -> S::f32s {
    let one = simd.splat_f32s(1.0);
    let (gate, x) = (decay(simd, gate), decay(simd, simd.add_f32s(x, x)));
    let below = simd.mul_f32s(simd.add_f32s(one, gate), simd.add_f32s(one, x));
    simd.div_f32s(simd.sub_f32s(one, x), below)
}

#[cfg(test)]
mod tests {
    use super::super::kernel::{Processor, tests::noise};
    use super::*;

    #[test]
    fn a_layer_is_what_its_definition_says_on_every_instruction_set() {
        let (units, inputs, steps) = (16, 5, 4);
        let (ih, hh) = (noise(1, 4 * units * inputs), noise(2, 4 * units * units));
        let bias = noise(3, 4 * units);
        for batch in [1usize, 2, 5, 7, 12] {
            let x = noise(4, steps * batch * inputs);
            let outputs: Vec<Vec<f32>> = Processor::each()
                .into_iter()
                .map(|processor| {
                    let input = Panels::pack(&ih, bias.clone());
                    let recurrence = Panels::pack(&hh, vec![0.0; 4 * units]);
                    let mut gates = vec![0.0; steps * batch * 4 * units];
                    processor.run(Linear { panels: &input, input: &x, start: None, output: &mut gates });
                    let mut hidden = vec![0.0; (steps + 1) * batch * units];
                    let mut cells = vec![0.0; batch * units];
                    let mut sums = vec![0.0; batch * 4 * units];
                    processor.run(Recurrence {
                        panels: &recurrence,
                        gates: &gates,
                        batch,
                        hidden: &mut hidden,
                        cells: &mut cells,
                        sums: &mut sums,
                    });
                    hidden
                })
                .collect();
            assert!(outputs.iter().all(|output| *output == outputs[0]));
            for sequence in 0..batch {
                let (mut hidden, mut cells) = (vec![0.0f64; units], vec![0.0f64; units]);
                for step in 0..steps {
                    let x = &x[(step * batch + sequence) * inputs..][..inputs];
                    let gate = |row: usize| {
                        let own = x.iter().zip(&ih[row * inputs..]).map(|(x, w)| f64::from(*x) * f64::from(*w));
                        let before = hidden.iter().zip(&hh[row * units..]).map(|(x, w)| x * f64::from(*w));
                        f64::from(bias[row]) + own.sum::<f64>() + before.sum::<f64>()
                    };
                    let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
                    let gates: Vec<[f64; 4]> = (0..units).map(|u| [0, 1, 2, 3].map(|g| gate(g * units + u))).collect();
                    for (unit, [input, forget, cell, output]) in gates.into_iter().enumerate() {
                        cells[unit] = sigmoid(forget) * cells[unit] + sigmoid(input) * cell.tanh();
                        hidden[unit] = sigmoid(output) * cells[unit].tanh();
                    }
                    let got = &outputs[0][((step + 1) * batch + sequence) * units..][..units];
                    for (got, expected) in got.iter().zip(&hidden) {
                        assert!((f64::from(*got) - expected).abs() < 2e-6, "{batch} {step}: {got} {expected}");
                    }
                }
            }
        }
    }
}
