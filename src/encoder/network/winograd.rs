//! A 3 by 3 convolution with half the products.
//!
//! Winograd's minimal filtering F(4, 3) along the rows of groups (frequency): six products give the four sums of three
//! that would take twelve (A. Lavin and S. Gray, "Fast algorithms for convolutional neural networks", CVPR 2016). Along
//! time the taps stay as they are, so rows are read where they lie. Rounding errors grow by about ten, which is far
//! below what half-precision weights cost; every operation is rounded in a fixed order, so the bits are the same
//! everywhere.

use super::grid::Grid;
use super::kernel::{Processor, TILE_VECTORS, Weights, accumulate, tile_rows};
use pulp::{Simd, WithSimd};

/// Sums that one transform gives.
const SUMS: usize = 4;
/// Products that it takes.
const PRODUCTS: usize = 6;
/// What the filter's three taps weigh in each product.
const FILTER: [[f64; 3]; PRODUCTS] = [
    [1.0 / 4.0, 0.0, 0.0],
    [-1.0 / 6.0, -1.0 / 6.0, -1.0 / 6.0],
    [-1.0 / 6.0, 1.0 / 6.0, -1.0 / 6.0],
    [1.0 / 24.0, 1.0 / 12.0, 1.0 / 6.0],
    [1.0 / 24.0, -1.0 / 12.0, 1.0 / 6.0],
    [0.0, 0.0, 1.0],
];

/// Transformed weights of a convolution of as many channels as outputs.
#[derive(Clone, Debug)]
pub(crate) struct SquareWeights {
    products: Vec<Weights>,
    bias: Vec<f32>,
}

impl SquareWeights {
    /// Transforms `(outputs, band, channel, frame)` weights, band and frame of three taps each.
    pub fn pack(processor: Processor, matrix: &[f32], bias: Vec<f32>) -> Self {
        let outputs = bias.len();
        let inputs = matrix.len() / outputs.max(1);
        let third = inputs / 3;
        let product = |filter: &[f64; 3]| {
            let weight = |i: usize| {
                let (output, rest) = (i / third, i % third);
                let tap = |band: usize| filter[band] * f64::from(matrix[output * inputs + band * third + rest]);
                (tap(0) + tap(1) + tap(2)) as f32
            };
            let transformed: Vec<f32> = (0..outputs * third).map(weight).collect();
            Weights::pack(processor, &transformed, vec![0.0; outputs])
        };
        SquareWeights { products: FILTER.iter().map(product).collect(), bias }
    }
}

/// The convolution over bands of `channels` rows each, with a band of zeros before the first and after the last of
/// both grids. The number of bands is a multiple of four.
pub(crate) struct SquareConvolution<'a> {
    pub weights: &'a SquareWeights,
    pub input: &'a Grid,
    /// Added to the output.
    pub residual: Residual<'a>,
    pub output: &'a mut Grid,
    /// Kept for call after call.
    pub scratch: &'a mut SquareScratch,
}

/// What is added to an output.
#[derive(Clone, Copy)]
pub(crate) enum Residual<'a> {
    /// Nothing.
    None,
    /// What the output holds already.
    Output,
    /// The same place of another grid.
    Grid(&'a Grid),
}

/// What one thread needs for [`SquareConvolution`].
#[derive(Default)]
pub(crate) struct SquareScratch {
    transformed: Grid,
    products: Vec<f32>,
}

impl WithSimd for SquareConvolution<'_> {
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

impl SquareConvolution<'_> {
    #[inline(always)]
    fn run<S: Simd, const ROWS: usize>(mut self, simd: S) {
        let channels = self.weights.bias.len();
        let width = self.output.width();
        let bands = self.output.rows() / channels - 2;
        self.scratch.transformed.shape(PRODUCTS * channels, width);
        self.scratch.products.resize(PRODUCTS * ROWS * TILE_VECTORS * S::F32_LANES, 0.0);
        for band in (0..bands).step_by(SUMS) {
            self.transform(simd, band, channels);
            let mut column = 0;
            while column < width {
                for output in (0..channels).step_by(ROWS) {
                    match (width - column).div_ceil(S::F32_LANES) {
                        1 => self.tile::<S, ROWS, 1>(simd, band, column, output),
                        2 => self.tile::<S, ROWS, 2>(simd, band, column, output),
                        _ => self.tile::<S, ROWS, TILE_VECTORS>(simd, band, column, output),
                    }
                }
                column += TILE_VECTORS * S::F32_LANES;
            }
        }
        self.output.clear_tail(channels, bands * channels);
    }

    /// The six sums of the six input bands around four output bands.
    #[inline(always)]
    fn transform<S: Simd>(&mut self, simd: S, band: usize, channels: usize) {
        let vectors = self.input.width().div_ceil(S::F32_LANES) * S::F32_LANES;
        let (two, four, five) = (simd.splat_f32s(2.0), simd.splat_f32s(4.0), simd.splat_f32s(5.0));
        let stride = self.scratch.transformed.stride();
        for channel in 0..channels {
            let row = |i: usize| S::as_simd_f32s(&self.input.at((band + i) * channels + channel, 0)[..vectors]).0;
            let (d0, d1, d2) = (row(0), row(1), row(2));
            let (d3, d4, d5) = (row(3), row(4), row(5));
            let to = self.scratch.transformed.at_mut(channel, 0);
            for i in 0..d0.len() {
                let even = simd.negate_mul_add_f32s(four, d2[i], d4[i]);
                let odd = simd.negate_mul_add_f32s(four, d1[i], d3[i]);
                let even_step = simd.sub_f32s(d4[i], d2[i]);
                let odd_step = simd.sub_f32s(d3[i], d1[i]);
                let sums = [
                    simd.negate_mul_add_f32s(five, d2[i], simd.mul_add_f32s(four, d0[i], d4[i])),
                    simd.add_f32s(even, odd),
                    simd.sub_f32s(even, odd),
                    simd.mul_add_f32s(two, odd_step, even_step),
                    simd.negate_mul_add_f32s(two, odd_step, even_step),
                    simd.negate_mul_add_f32s(five, d3[i], simd.mul_add_f32s(four, d1[i], d5[i])),
                ];
                for product in 0..PRODUCTS {
                    let place = product * channels * stride + i * S::F32_LANES;
                    S::as_mut_simd_f32s(&mut to[place..place + S::F32_LANES]).0[0] = sums[product];
                }
            }
        }
    }

    /// Four output bands of a tile.
    #[inline(always)]
    fn tile<S: Simd, const ROWS: usize, const VECTORS: usize>(
        &mut self,
        simd: S,
        band: usize,
        column: usize,
        output: usize,
    ) {
        let (channels, span) = (self.weights.bias.len(), VECTORS * S::F32_LANES);
        let transformed = &self.scratch.transformed;
        for product in 0..PRODUCTS {
            let mut tile = [[simd.splat_f32s(0.0); VECTORS]; ROWS];
            let packed = self.weights.products[product].group(output);
            let from = transformed.at(product * channels, column as isize - 1);
            accumulate::<S, ROWS, VECTORS, 3>(simd, &mut tile, packed, from, transformed.stride(), 1, channels);
            let to = &mut self.scratch.products[product * ROWS * span..][..ROWS * span];
            let (to, _) = S::as_mut_simd_f32s(to);
            for i in 0..ROWS {
                for j in 0..VECTORS {
                    to[i * VECTORS + j] = tile[i][j];
                }
            }
        }
        let (two, four, eight) = (simd.splat_f32s(2.0), simd.splat_f32s(4.0), simd.splat_f32s(8.0));
        let (products, _) = S::as_simd_f32s(&self.scratch.products[..PRODUCTS * ROWS * span]);
        for i in 0..ROWS {
            let bias = simd.splat_f32s(self.weights.bias[output + i]);
            for j in 0..VECTORS {
                let at = i * VECTORS + j;
                let m0 = products[at];
                let m1 = products[ROWS * VECTORS + at];
                let m2 = products[2 * ROWS * VECTORS + at];
                let m3 = products[3 * ROWS * VECTORS + at];
                let m4 = products[4 * ROWS * VECTORS + at];
                let m5 = products[5 * ROWS * VECTORS + at];
                let (near, near_step) = (simd.add_f32s(m1, m2), simd.sub_f32s(m1, m2));
                let (far, far_step) = (simd.add_f32s(m3, m4), simd.sub_f32s(m3, m4));
                let sums = [
                    simd.add_f32s(simd.add_f32s(m0, near), far),
                    simd.mul_add_f32s(two, far_step, near_step),
                    simd.mul_add_f32s(four, far, near),
                    simd.add_f32s(simd.mul_add_f32s(eight, far_step, near_step), m5),
                ];
                for sum in 0..SUMS {
                    let row = (band + 1 + sum) * channels + output + i;
                    let column = (column + j * S::F32_LANES) as isize;
                    let mut value = simd.add_f32s(sums[sum], bias);
                    if let Residual::Grid(grid) = self.residual {
                        value = simd.add_f32s(value, get::<S>(grid.at(row, column)));
                    }
                    let to = S::as_mut_simd_f32s(&mut self.output.at_mut(row, column)[..S::F32_LANES]).0;
                    if let Residual::Output = self.residual {
                        value = simd.add_f32s(value, to[0]);
                    }
                    to[0] = simd.max_f32s(value, simd.splat_f32s(0.0));
                }
            }
        }
    }
}

#[inline(always)]
fn get<S: Simd>(from: &[f32]) -> S::f32s {
    S::as_simd_f32s(&from[..S::F32_LANES]).0[0]
}

#[cfg(test)]
mod tests {
    use super::super::kernel::tests::{at, grid, noise};
    use super::*;

    const CHANNELS: usize = 8;

    /// The channel of a band as it is, zeros in the bands around.
    fn bands(seed: u32, bands: usize, width: usize) -> Grid {
        let mut grid = grid(seed, (bands + 2) * CHANNELS, width);
        grid.clear_rows(0, CHANNELS);
        grid.clear_rows((bands + 1) * CHANNELS, CHANNELS);
        grid
    }

    #[test]
    fn it_is_the_plain_convolution_on_every_instruction_set() {
        let (matrix, bias) = (noise(4, CHANNELS * CHANNELS * 9), noise(5, CHANNELS));
        for (count, width) in [(4usize, 1usize), (4, 50), (8, 97)] {
            let (input, residual) = (bands(1, count, width), bands(2, count, width));
            for added in 0..3 {
                let outputs: Vec<Vec<f32>> = Processor::each()
                    .into_iter()
                    .map(|processor| {
                        let weights = SquareWeights::pack(processor, &matrix, bias.clone());
                        let mut output = residual.clone();
                        let residual =
                            [Residual::None, Residual::Output, Residual::Grid(&residual)].into_iter().nth(added);
                        processor.run(SquareConvolution {
                            weights: &weights,
                            input: &input,
                            residual: residual.unwrap(),
                            output: &mut output,
                            scratch: &mut SquareScratch::default(),
                        });
                        (0..(count + 2) * CHANNELS).flat_map(|row| output.row(row).to_vec()).collect()
                    })
                    .collect();
                assert!(outputs.iter().all(|output| *output == outputs[0]));
                for (band, output) in (0..count).flat_map(|b| (0..CHANNELS).map(move |o| (b, o))) {
                    let row = (band + 1) * CHANNELS + output;
                    for column in 0..width {
                        let mut sum = f64::from(bias[output]);
                        for k in 0..9 * CHANNELS {
                            let from = (band + k / 3 / CHANNELS) * CHANNELS + k / 3 % CHANNELS;
                            let x = at(&input, from, column as isize + k as isize % 3 - 1);
                            sum += f64::from(matrix[output * 9 * CHANNELS + k]) * x;
                        }
                        if added > 0 {
                            sum += at(&residual, row, column as isize);
                        }
                        let got = f64::from(outputs[0][row * width + column]);
                        assert!((got - sum.max(0.0)).abs() < 5e-5, "{band} {output} {column}: {got} {sum}");
                    }
                }
            }
        }
    }
}
