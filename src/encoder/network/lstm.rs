//! A layer of long short-term memory over several sequences at once.
//!
//! Vectors hold neighbouring units, and a tile holds the four gates of those units for a few sequences, so the cell is
//! brought forward without leaving the registers. As in [`super::kernel`] each sum is taken in one fixed order: the
//! bias, the inputs, then the units of the step before.

use super::activation::{sigmoid, tanh};
use pulp::{Simd, WithSimd};

/// Units that lie together in the packed weights, whatever the width of vectors.
const BLOCK: usize = 16;
/// Input, forget, cell and output gate (PyTorch's order).
const GATES: usize = 4;
/// Values of a block: its units' four gates.
const PANEL: usize = BLOCK * GATES;

/// A matrix of `(outputs, inputs)` packed in panels of [`PANEL`] outputs, with one bias an output.
#[derive(Clone, Debug)]
pub(crate) struct Panels {
    packed: Vec<f32>,
    bias: Vec<f32>,
    inputs: usize,
}

impl Panels {
    /// Packs a row-major matrix. `order` gives the row that stands at each place of the panels.
    pub fn pack(matrix: &[f32], bias: &[f32], order: &[usize]) -> Self {
        let inputs = matrix.len() / order.len().max(1);
        let mut packed = Vec::with_capacity(matrix.len());
        for rows in order.chunks(PANEL) {
            for input in 0..inputs {
                packed.extend(rows.iter().map(|row| matrix[row * inputs + input]));
            }
        }
        Panels { packed, bias: order.iter().map(|row| bias[*row]).collect(), inputs }
    }

    fn outputs(&self) -> usize {
        self.bias.len()
    }

    fn panel(&self, panel: usize) -> &[f32] {
        &self.packed[panel * PANEL * self.inputs..(panel + 1) * PANEL * self.inputs]
    }
}

/// Where the row of PyTorch's gate matrix (gate by gate) lies that comes at each place of the panels (block by block).
pub(crate) fn gate_order(units: usize) -> Vec<usize> {
    let place = |i: usize| (i % PANEL) / BLOCK * units + i / PANEL * BLOCK + i % BLOCK;
    (0..GATES * units).map(place).collect()
}

/// `output[row] = bias + matrix * input[row]`, row by row.
pub(crate) struct Linear<'a> {
    pub panels: &'a Panels,
    /// `(rows, inputs)`.
    pub input: &'a [f32],
    /// `(rows, outputs)`.
    pub output: &'a mut [f32],
}

impl WithSimd for Linear<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let rows = self.input.len() / self.panels.inputs.max(1);
        for panel in 0..self.panels.outputs() / PANEL {
            for part in 0..BLOCK / S::F32_LANES {
                for batch in 0..batches::<S>(rows) {
                    let (first, count) = batch_of::<S>(batch, rows);
                    match count {
                        6 => self.rows::<S, 6>(simd, panel, part, first),
                        5 => self.rows::<S, 5>(simd, panel, part, first),
                        4 => self.rows::<S, 4>(simd, panel, part, first),
                        3 => self.rows::<S, 3>(simd, panel, part, first),
                        2 => self.rows::<S, 2>(simd, panel, part, first),
                        _ => self.rows::<S, 1>(simd, panel, part, first),
                    }
                }
            }
        }
    }
}

impl Linear<'_> {
    #[inline(always)]
    fn rows<S: Simd, const ROWS: usize>(&mut self, simd: S, panel: usize, part: usize, first: usize) {
        let (inputs, outputs) = (self.panels.inputs, self.panels.outputs());
        let bias = gates_at::<S>(&self.panels.bias[panel * PANEL..], part);
        let mut tile = [bias; ROWS];
        let input = &self.input[first * inputs..];
        accumulate::<S, ROWS>(simd, &mut tile, self.panels.panel(panel), part, input, inputs);
        for (i, gates) in tile.iter().enumerate() {
            let output = &mut self.output[(first + i) * outputs + panel * PANEL..][..PANEL];
            for (gate, values) in gates.iter().enumerate() {
                put::<S>(&mut output[gate * BLOCK + part * S::F32_LANES..], *values);
            }
        }
    }
}

/// The recurrence of a layer over `steps` steps of `batch` sequences.
pub(crate) struct Recurrence<'a> {
    pub panels: &'a Panels,
    /// `(steps, batch, 4 units)` in the order of the panels: what [`Linear`] made of the inputs.
    pub gates: &'a [f32],
    pub batch: usize,
    /// `(steps + 1, batch, units)`: the units' outputs; those before the first step are zeros.
    pub hidden: &'a mut [f32],
    /// `(batch, units)`: the cells, zeros at first.
    pub cells: &'a mut [f32],
}

impl WithSimd for Recurrence<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let (units, batch) = (self.panels.inputs, self.batch);
        let steps = self.gates.len() / (batch * self.panels.outputs()).max(1);
        for step in 0..steps {
            for block in 0..units / BLOCK {
                for part in 0..BLOCK / S::F32_LANES {
                    for group in 0..batches::<S>(batch) {
                        let (first, count) = batch_of::<S>(group, batch);
                        match count {
                            6 => self.units::<S, 6>(simd, step, block, part, first),
                            5 => self.units::<S, 5>(simd, step, block, part, first),
                            4 => self.units::<S, 4>(simd, step, block, part, first),
                            3 => self.units::<S, 3>(simd, step, block, part, first),
                            2 => self.units::<S, 2>(simd, step, block, part, first),
                            _ => self.units::<S, 1>(simd, step, block, part, first),
                        }
                    }
                }
            }
        }
    }
}

impl Recurrence<'_> {
    /// One step of a vector of units for `ROWS` sequences.
    #[inline(always)]
    fn units<S: Simd, const ROWS: usize>(&mut self, simd: S, step: usize, block: usize, part: usize, first: usize) {
        let (units, outputs) = (self.panels.inputs, self.panels.outputs());
        let (before, after) = self.hidden.split_at_mut((step + 1) * self.batch * units);
        let before = &before[(step * self.batch + first) * units..];
        let gates = &self.gates[(step * self.batch + first) * outputs + block * PANEL..];
        let mut tile = [gates_at::<S>(gates, part); ROWS];
        for i in 1..ROWS {
            tile[i] = gates_at::<S>(&gates[i * outputs..], part);
        }
        accumulate::<S, ROWS>(simd, &mut tile, self.panels.panel(block), part, before, units);
        for (i, [input, forget, cell, output]) in tile.into_iter().enumerate() {
            let place = (first + i) * units + block * BLOCK + part * S::F32_LANES;
            let kept = simd.mul_f32s(sigmoid(simd, forget), get::<S>(&self.cells[place..]));
            let state = simd.mul_add_f32s(sigmoid(simd, input), tanh(simd, cell), kept);
            put::<S>(&mut self.cells[place..], state);
            put::<S>(&mut after[place..], simd.mul_f32s(sigmoid(simd, output), tanh(simd, state)));
        }
    }
}

/// Number of batches of rows that fit the registers.
#[inline(always)]
fn batches<S: Simd>(rows: usize) -> usize {
    // 24 sums in 32 registers, or 8 in 16.
    rows.div_ceil(if S::F32_LANES == 8 { 2 } else { 6 })
}

/// First row and number of rows of a batch; batches are as equal as can be.
#[inline(always)]
fn batch_of<S: Simd>(batch: usize, rows: usize) -> (usize, usize) {
    let batches = batches::<S>(rows);
    let first = batch * rows / batches;
    (first, (batch + 1) * rows / batches - first)
}

/// Adds a panel's products with `ROWS` inputs of `inputs` values each, to the part of its gates.
#[inline(always)]
fn accumulate<S: Simd, const ROWS: usize>(
    simd: S,
    tile: &mut [[S::f32s; GATES]; ROWS],
    panel: &[f32],
    part: usize,
    input: &[f32],
    inputs: usize,
) {
    let mut rows = [&input[..inputs]; ROWS];
    for i in 1..ROWS {
        rows[i] = &input[i * inputs..(i + 1) * inputs];
    }
    let (panel, _) = panel.as_chunks::<PANEL>();
    for (k, weights) in panel.iter().enumerate().take(inputs) {
        let weights = gates_at::<S>(weights, part);
        for i in 0..ROWS {
            let x = simd.splat_f32s(rows[i][k]);
            for gate in 0..GATES {
                tile[i][gate] = simd.mul_add_f32s(x, weights[gate], tile[i][gate]);
            }
        }
    }
}

/// The part's vector of each gate of a panel.
#[inline(always)]
fn gates_at<S: Simd>(panel: &[f32], part: usize) -> [S::f32s; GATES] {
    let at = part * S::F32_LANES;
    [
        get::<S>(&panel[at..]),
        get::<S>(&panel[BLOCK + at..]),
        get::<S>(&panel[2 * BLOCK + at..]),
        get::<S>(&panel[3 * BLOCK + at..]),
    ]
}

#[inline(always)]
fn get<S: Simd>(from: &[f32]) -> S::f32s {
    S::as_simd_f32s(&from[..S::F32_LANES]).0[0]
}

#[inline(always)]
fn put<S: Simd>(to: &mut [f32], values: S::f32s) {
    S::as_mut_simd_f32s(&mut to[..S::F32_LANES]).0[0] = values;
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
                    let order = gate_order(units);
                    let input = Panels::pack(&ih, &bias, &order);
                    let recurrence = Panels::pack(&hh, &vec![0.0; 4 * units], &order);
                    let mut gates = vec![0.0; steps * batch * 4 * units];
                    processor.run(Linear { panels: &input, input: &x, output: &mut gates });
                    let mut hidden = vec![0.0; (steps + 1) * batch * units];
                    let mut cells = vec![0.0; batch * units];
                    let (gates, panels) = (&gates, &recurrence);
                    processor.run(Recurrence { panels, gates, batch, hidden: &mut hidden, cells: &mut cells });
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
