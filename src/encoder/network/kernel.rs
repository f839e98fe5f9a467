//! The one inner loop of the networks: sums of products, for a tile of outputs that stays in registers.
//!
//! Every output starts from its bias and takes its products one after another with a fused multiply-add, in the order
//! of the inputs. Vectors hold neighbouring outputs, never parts of one sum, so every instruction set gives the same
//! bits, whatever its width, and so would a pocket calculator that rounds once per step. Tests hold them to it.
//!
//! A convolution reads its input where it lies: a tap is a shifted read of the same row, and no patch is ever copied.

use super::grid::Grid;
use pulp::{Arch, Simd, WithSimd};

/// Vectors side by side in a tile.
pub(crate) const TILE_VECTORS: usize = 3;

/// Rows of outputs in a tile, by the number of values in a vector: as many as leave room in the registers.
pub(crate) const fn tile_rows(lanes: usize) -> usize {
    // 32 registers with AVX-512 and NEON, 16 with AVX2.
    if lanes == 8 { 4 } else { 8 }
}

/// The instruction set that this processor runs the networks with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Processor {
    arch: Arch,
    tile_rows: usize,
}

impl Processor {
    /// Asks the processor.
    pub fn detect() -> Self {
        struct Lanes;
        impl WithSimd for Lanes {
            type Output = usize;
            #[inline(always)]
            fn with_simd<S: Simd>(self, _: S) -> usize {
                S::F32_LANES
            }
        }
        let arch = Arch::new();
        Processor { arch, tile_rows: tile_rows(arch.dispatch(Lanes)) }
    }

    /// Every instruction set that this processor has, the plainest first.
    #[cfg(test)]
    pub fn each() -> Vec<Self> {
        #[allow(unused_mut)]
        let mut all = vec![Processor { arch: Arch::Scalar, tile_rows: tile_rows(1) }];
        #[cfg(target_arch = "x86_64")]
        {
            all.extend(pulp::x86::V3::try_new().map(|v| Processor { arch: Arch::V3(v), tile_rows: tile_rows(8) }));
            all.extend(pulp::x86::V4::try_new().map(|v| Processor { arch: Arch::V4(v), tile_rows: tile_rows(16) }));
        }
        #[cfg(not(target_arch = "x86_64"))]
        all.push(Self::detect());
        all
    }

    /// Runs `op` compiled for the processor.
    #[inline(always)]
    pub fn run<Op: WithSimd>(self, op: Op) -> Op::Output {
        self.arch.dispatch(op)
    }
}

/// Weights `(outputs, inputs)` in the order in which tiles read them: for each group of outputs, input by input.
#[derive(Clone, Debug)]
pub(crate) struct Weights {
    packed: Vec<f32>,
    bias: Vec<f32>,
    inputs: usize,
}

impl Weights {
    /// Packs a row-major matrix; `bias` has one value an output. The number of outputs is a multiple of 8.
    pub fn pack(processor: Processor, matrix: &[f32], bias: Vec<f32>) -> Self {
        let outputs = bias.len();
        let inputs = matrix.len() / outputs.max(1);
        let mut packed = Vec::with_capacity(matrix.len());
        for group in (0..outputs).step_by(processor.tile_rows) {
            for input in 0..inputs {
                packed.extend((group..group + processor.tile_rows).map(|output| matrix[output * inputs + input]));
            }
        }
        Weights { packed, bias, inputs }
    }

    pub fn outputs(&self) -> usize {
        self.bias.len()
    }

    /// The weights of a tile's outputs, the first of which is `output`.
    #[inline(always)]
    pub fn group(&self, output: usize) -> &[f32] {
        &self.packed[output * self.inputs..]
    }
}

/// Input rows of a convolution over time: `rows` of them from `first` on.
#[derive(Clone, Copy)]
pub(crate) struct Input<'a> {
    pub grid: &'a Grid,
    pub first: usize,
    pub rows: usize,
}

/// A convolution over time with 1 or 3 taps, in groups: group `g` reads its input `g * step` rows further down and
/// writes as many rows as there are outputs. Two-dimensional convolutions are groups of one frequency each.
pub(crate) struct Convolution<'a> {
    pub weights: &'a Weights,
    pub input: Input<'a>,
    pub taps: Taps,
    /// Rows from a group's input to the next group's.
    pub step: usize,
    pub groups: usize,
    /// Whether negative outputs become zero.
    pub rectify: bool,
    pub output: &'a mut Grid,
    pub first_output: usize,
}

impl<'a> Input<'a> {
    /// Every row of `grid` that a layer reads.
    pub fn all(grid: &'a Grid) -> Self {
        Input { grid, first: 0, rows: grid.rows() }
    }
}

impl<'a> Convolution<'a> {
    /// One group, one tap, nothing added, negative outputs kept, the first rows of `output` written.
    pub fn new(weights: &'a Weights, input: Input<'a>, output: &'a mut Grid) -> Self {
        Convolution { weights, input, taps: Taps::One, step: 0, groups: 1, rectify: false, output, first_output: 0 }
    }
}

/// The columns that a convolution reads around its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Taps {
    /// Its own only.
    One,
    /// Its own and one at this distance on either side.
    Three(usize),
}

impl WithSimd for Convolution<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        if const { tile_rows(S::F32_LANES) == 8 } {
            self.run::<S, 8>(simd);
        } else {
            self.run::<S, 4>(simd);
        }
    }
}

impl Convolution<'_> {
    #[inline(always)]
    fn run<S: Simd, const ROWS: usize>(mut self, simd: S) {
        let width = self.output.width();
        for group in 0..self.groups {
            let mut column = 0;
            while column < width {
                match (width - column).div_ceil(S::F32_LANES) {
                    1 => self.column_of_tiles::<S, ROWS, 1>(simd, group, column),
                    2 => self.column_of_tiles::<S, ROWS, 2>(simd, group, column),
                    _ => self.column_of_tiles::<S, ROWS, TILE_VECTORS>(simd, group, column),
                }
                column += TILE_VECTORS * S::F32_LANES;
            }
        }
        self.output.clear_tail(self.first_output, self.groups * self.weights.outputs());
    }

    /// All outputs of a group for a few columns.
    #[inline(always)]
    fn column_of_tiles<S: Simd, const ROWS: usize, const VECTORS: usize>(
        &mut self,
        simd: S,
        group: usize,
        column: usize,
    ) {
        let Convolution { weights, input, step, .. } = *self;
        let outputs = weights.outputs();
        for output in (0..outputs).step_by(ROWS) {
            let mut tile = self.start::<S, ROWS, VECTORS>(simd, output);
            let packed = weights.group(output);
            let (first, stride) = (input.first + group * step, input.grid.stride());
            match self.taps {
                Taps::One => {
                    let from = input.grid.at(first, column as isize);
                    accumulate::<S, ROWS, VECTORS, 1>(simd, &mut tile, packed, from, stride, 0, input.rows);
                }
                Taps::Three(reach) => {
                    let from = input.grid.at(first, column as isize - reach as isize);
                    accumulate::<S, ROWS, VECTORS, 3>(simd, &mut tile, packed, from, stride, reach, input.rows);
                }
            }
            let first = self.first_output + group * outputs + output;
            for (i, vectors) in tile.iter().enumerate() {
                let to = &mut self.output.at_mut(first + i, column as isize)[..VECTORS * S::F32_LANES];
                store(simd, to, vectors, self.rectify);
            }
        }
    }

    /// What a tile's sums start from: the bias.
    #[inline(always)]
    fn start<S: Simd, const ROWS: usize, const VECTORS: usize>(
        &self,
        simd: S,
        output: usize,
    ) -> [[S::f32s; VECTORS]; ROWS] {
        let bias = &self.weights.bias[output..][..ROWS];
        std::array::from_fn(|i| [simd.splat_f32s(bias[i]); VECTORS])
    }
}

/// Adds the products of weights and inputs to a tile.
#[inline(always)]
pub(crate) fn accumulate<S: Simd, const ROWS: usize, const VECTORS: usize, const TAPS: usize>(
    simd: S,
    tile: &mut [[S::f32s; VECTORS]; ROWS],
    packed: &[f32],
    input: &[f32],
    stride: usize,
    reach: usize,
    rows: usize,
) {
    let (weights, _) = packed.as_chunks::<ROWS>();
    for (row, weights) in (0..rows).zip(weights.chunks_exact(TAPS)) {
        let at = row * stride;
        for (tap, weights) in weights.iter().enumerate() {
            let from = at + tap * reach;
            let (x, _) = S::as_simd_f32s(&input[from..from + VECTORS * S::F32_LANES]);
            for i in 0..ROWS {
                let weight = simd.splat_f32s(weights[i]);
                for j in 0..VECTORS {
                    tile[i][j] = simd.mul_add_f32s(weight, x[j], tile[i][j]);
                }
            }
        }
    }
}

#[inline(always)]
fn store<S: Simd, const VECTORS: usize>(simd: S, to: &mut [f32], vectors: &[S::f32s; VECTORS], rectify: bool) {
    let (to, _) = S::as_mut_simd_f32s(to);
    let zero = simd.splat_f32s(0.0);
    for j in 0..VECTORS {
        to[j] = if rectify { simd.max_f32s(vectors[j], zero) } else { vectors[j] };
    }
}

/// `output = weights * max(input * scale + shift, 0) + bias`, column by column: normalisation, rectifier and linear
/// layer in one pass over the input.
pub(crate) struct Dense<'a> {
    pub weights: &'a Weights,
    pub scale: &'a [f32],
    pub shift: &'a [f32],
    pub input: &'a Grid,
    pub rectify: bool,
    pub output: &'a mut Grid,
    /// Kept for call after call.
    pub panel: &'a mut Grid,
}

impl WithSimd for Dense<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        if const { tile_rows(S::F32_LANES) == 8 } {
            self.run::<S, 8>(simd);
        } else {
            self.run::<S, 4>(simd);
        }
    }
}

impl Dense<'_> {
    #[inline(always)]
    fn run<S: Simd, const ROWS: usize>(mut self, simd: S) {
        let width = self.output.width();
        let mut column = 0;
        while column < width {
            match (width - column).div_ceil(S::F32_LANES) {
                1 => self.column_of_tiles::<S, ROWS, 1>(simd, column),
                2 => self.column_of_tiles::<S, ROWS, 2>(simd, column),
                _ => self.column_of_tiles::<S, ROWS, TILE_VECTORS>(simd, column),
            }
            column += TILE_VECTORS * S::F32_LANES;
        }
        self.output.clear_tail(0, self.weights.outputs());
    }

    #[inline(always)]
    fn column_of_tiles<S: Simd, const ROWS: usize, const VECTORS: usize>(&mut self, simd: S, column: usize) {
        let (lanes, zero) = (S::F32_LANES, simd.splat_f32s(0.0));
        let rows = self.weights.inputs;
        self.panel.shape(1, rows * TILE_VECTORS * lanes);
        let panel = self.panel.row_mut(0);
        for (row, to) in panel.chunks_exact_mut(VECTORS * lanes).take(rows).enumerate() {
            let (scale, shift) = (simd.splat_f32s(self.scale[row]), simd.splat_f32s(self.shift[row]));
            let (from, _) = S::as_simd_f32s(&self.input.at(row, column as isize)[..VECTORS * lanes]);
            let (to, _) = S::as_mut_simd_f32s(to);
            for j in 0..VECTORS {
                to[j] = simd.max_f32s(simd.mul_add_f32s(from[j], scale, shift), zero);
            }
        }
        for output in (0..self.weights.outputs()).step_by(ROWS) {
            let bias = &self.weights.bias[output..output + ROWS];
            let mut tile = [[simd.splat_f32s(0.0); VECTORS]; ROWS];
            for i in 0..ROWS {
                tile[i] = [simd.splat_f32s(bias[i]); VECTORS];
            }
            let packed = self.weights.group(output);
            accumulate::<S, ROWS, VECTORS, 1>(simd, &mut tile, packed, self.panel.row(0), VECTORS * lanes, 0, rows);
            for (i, vectors) in tile.iter().enumerate() {
                let to = &mut self.output.at_mut(output + i, column as isize)[..VECTORS * lanes];
                store(simd, to, vectors, self.rectify);
            }
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::super::grid::MARGIN;
    use super::*;

    /// The same numbers every time, -1 to 1.
    pub(crate) fn noise(seed: u32, count: usize) -> Vec<f32> {
        let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(12_345);
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / 8_388_608.0 - 1.0
        };
        (0..count).map(|_| next()).collect()
    }

    /// A grid of noise.
    pub(crate) fn grid(seed: u32, rows: usize, width: usize) -> Grid {
        let mut grid = Grid::default();
        grid.shape(rows, width);
        for row in 0..rows {
            grid.row_mut(row).copy_from_slice(&noise(seed + row as u32, width));
        }
        grid
    }

    /// The value at a column, 0 outside.
    pub(crate) fn at(grid: &Grid, row: usize, column: isize) -> f64 {
        usize::try_from(column).ok().and_then(|c| grid.row(row).get(c)).map_or(0.0, |x| f64::from(*x))
    }

    fn rows(grid: &Grid) -> Vec<Vec<f32>> {
        (0..grid.rows()).map(|row| grid.row(row).to_vec()).collect()
    }

    #[test]
    fn a_convolution_is_what_its_definition_says_on_every_instruction_set() {
        const OUTPUTS: usize = 16;
        for width in [1usize, 2, 15, 16, 33, 48, 50, 97] {
            let input = grid(1, 12, width);
            let (matrix, bias) = (noise(90, OUTPUTS * 5 * 3), noise(92, OUTPUTS));
            for reach in [1usize, 2] {
                let outputs: Vec<Vec<Vec<f32>>> = Processor::each()
                    .into_iter()
                    .map(|processor| {
                        let weights = Weights::pack(processor, &matrix, bias.clone());
                        let mut output = grid(0, 2 * OUTPUTS + 1, width);
                        processor.run(Convolution {
                            taps: Taps::Three(reach),
                            step: 6,
                            groups: 2,
                            rectify: true,
                            first_output: 1,
                            ..Convolution::new(&weights, Input { grid: &input, first: 1, rows: 5 }, &mut output)
                        });
                        assert!(output.at(3, width as isize)[..MARGIN].iter().all(|x| *x == 0.0));
                        rows(&output)
                    })
                    .collect();
                assert!(outputs.iter().all(|output| *output == outputs[0]), "width {width}");
                for (row, column) in (0..2 * OUTPUTS).flat_map(|r| (0..width).map(move |c| (r, c))) {
                    let (group, output) = (row / OUTPUTS, row % OUTPUTS);
                    let mut sum = f64::from(bias[output]);
                    for k in 0..15 {
                        let column = column as isize + (k as isize % 3 - 1) * reach as isize;
                        sum += f64::from(matrix[output * 15 + k]) * at(&input, 1 + 6 * group + k / 3, column);
                    }
                    let got = f64::from(outputs[0][row + 1][column]);
                    assert!((got - sum.max(0.0)).abs() < 1e-5, "{row} {column}: {got} {sum}");
                }
            }
        }
    }

    #[test]
    fn a_dense_layer_normalises_and_rectifies_its_input() {
        let (width, inputs) = (37, 20);
        let input = grid(3, inputs, width);
        let (matrix, bias) = (noise(7, 8 * inputs), noise(8, 8));
        let (scale, shift) = (noise(9, inputs), noise(10, inputs));
        let outputs: Vec<Vec<Vec<f32>>> = Processor::each()
            .into_iter()
            .map(|processor| {
                let weights = Weights::pack(processor, &matrix, bias.clone());
                let (mut output, mut panel) = (grid(0, 8, width), Grid::default());
                processor.run(Dense {
                    weights: &weights,
                    scale: &scale,
                    shift: &shift,
                    input: &input,
                    rectify: false,
                    output: &mut output,
                    panel: &mut panel,
                });
                rows(&output)
            })
            .collect();
        assert!(outputs.iter().all(|output| *output == outputs[0]));
        for (row, column) in (0..8).flat_map(|r| (0..width).map(move |c| (r, c))) {
            let value = |k: usize| at(&input, k, column as isize) * f64::from(scale[k]) + f64::from(shift[k]);
            let products = (0..inputs).map(|k| f64::from(matrix[row * inputs + k]) * value(k).max(0.0));
            let sum = f64::from(bias[row]) + products.sum::<f64>();
            assert!((f64::from(outputs[0][row][column]) - sum).abs() < 1e-5);
        }
    }
}
