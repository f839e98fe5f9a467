//! CAM++: a densely connected time-delay network with context-aware masking, as 3D-Speaker defines it.
//!
//! H. Wang, S. Zheng, Y. Chen, L. Cheng and Q. Chen, "CAM++: a fast and efficient network for speaker verification
//! using context-aware masking", Interspeech 2023. The weights are those of 3D-Speaker's Chinese-English common model
//! (`models/README.md`). A small two-dimensional residual network reads the log mel filter bank, three blocks of dense
//! layers follow, each layer masked by the mean of its segment and of the clip, and the mean and deviation over time
//! become 192 values.
//!
//! Batch normalisation that follows a convolution is part of its weights here; the one that comes before a dense layer
//! is applied as the layer reads its input. Clips are taken through the two-dimensional part in stretches of
//! `STRETCH` frames, with as many frames around as it looks at, which bounds the memory of that part.

mod load;

use super::kind::Encoder;
use super::models::{Models, WeightSource, hold_to_known_answer};
use super::network::activation::Sigmoid;
use super::network::grid::Grid;
use super::network::kernel::{Convolution, Dense, Input, Processor, Taps, Weights};
use super::network::weights::WeightFile;
use super::network::winograd::{Residual, SquareConvolution, SquareScratch, SquareWeights};
use crate::error::Result;
use crate::feature::sum_by;

/// Mel bands of the input.
pub const BANDS: usize = 80;
/// Values of an embedding.
pub const WIDTH: usize = 192;
/// SHA-256 of the weight file.
pub const SHA256: &str = "31d3f13024de414c5ea56d367c003fdecc733231951ea2d44806975d058ee642";
/// Frames that go through the two-dimensional part together.
const STRETCH: usize = 480;
/// Frames on either side that it looks at: one a convolution.
const REACH: usize = 10;
/// Channels of the two-dimensional part.
const CHANNELS: usize = 32;
/// Bands that are left of it at its end.
const LAST_BANDS: usize = BANDS / 8;
/// Channels that a dense layer adds.
const GROWTH: usize = 32;
/// Channels inside a dense layer.
const BOTTLENECK: usize = 128;
/// Frames (of 20 ms) of a segment that masks its own frames.
const SEGMENT: usize = 100;
/// Layers and dilation of each dense block.
const BLOCKS: [(usize, usize); 3] = [(12, 1), (24, 2), (16, 2)];

/// The network, ready to be used by any number of threads.
pub struct Campplus {
    processor: Processor,
    first: Weights,
    residual: Vec<ResidualBlock>,
    last: Weights,
    tdnn: Weights,
    blocks: Vec<DenseBlock>,
    normalise: Affine,
    /// `(WIDTH, 2 channels)`.
    embedding: Vec<f32>,
    embedding_bias: Vec<f32>,
}

struct ResidualBlock {
    first: FirstOfBlock,
    second: SquareWeights,
}

enum FirstOfBlock {
    /// Every band.
    Whole(SquareWeights),
    /// Every second band, with what brings the block's input to as many.
    Half { weights: Weights, shortcut: Weights },
}

struct DenseBlock {
    layers: Vec<DenseLayer>,
    dilation: usize,
    transit_normalise: Affine,
    transit: Weights,
}

struct DenseLayer {
    normalise: Affine,
    bottleneck: Weights,
    local: Weights,
    context: Weights,
    mask: Weights,
}

/// A batch normalisation as one multiplication and one addition a channel.
struct Affine {
    scale: Vec<f32>,
    shift: Vec<f32>,
}

/// What one thread needs to run the network.
#[derive(Default)]
pub struct CampplusScratch {
    mean: Vec<f32>,
    input: Grid,
    /// The two-dimensional part's own: all bands first, then half and a quarter of them by turns; the last.
    turns: [Grid; 3],
    last: Grid,
    /// Even and odd frames of its output.
    halves: Grid,
    channels: [Grid; 2],
    bottleneck: Grid,
    context: [Grid; 3],
    panel: Grid,
    square: SquareScratch,
}

impl Campplus {
    /// Reads the weights and holds the network to its known answer.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Weights`] where a folder's file is not the one that belongs to this version,
    /// [`crate::ErrorKind::KnownAnswer`] where the answer is another, [`crate::ErrorKind::Setting`] where the program
    /// was built without weights, [`crate::ErrorKind::Io`] where their file cannot be read.
    pub fn load(models: &Models) -> Result<Self> {
        Self::on(Processor::detect(), &models.source(Encoder::Campplus)?)
    }

    fn on(processor: Processor, source: &WeightSource) -> Result<Self> {
        let file = WeightFile::read(source, SHA256)?;
        let network = load::Loader { file, processor }.network()?;
        hold_to_known_answer(Encoder::Campplus, &network.answer())?;
        Ok(network)
    }

    /// The embedding of the known input: a few frames made by a formula (`models/known_answers.json`).
    pub(crate) fn answer(&self) -> Vec<f32> {
        let input: Vec<f32> = (0..16 * BANDS).map(|i| (i as f64 * 0.37).sin() as f32).collect();
        self.embed(&input, &mut CampplusScratch::default()).unwrap_or_default()
    }

    /// The embedding of rows `(frames, 80)` of [`crate::feature::kaldi_fbank80`], as the network gives it: of any
    /// length. The mean of each band is taken off. None where there is no frame.
    pub fn embed(&self, frames: &[f32], scratch: &mut CampplusScratch) -> Option<Vec<f32>> {
        let (frames, _) = frames.as_chunks::<BANDS>();
        if frames.is_empty() {
            return None;
        }
        scratch.mean = mean(frames);
        Some(self.run(frames, scratch))
    }

    /// The embedding of rows from which `scratch.mean` is taken off.
    fn run(&self, frames: &[[f32; BANDS]], s: &mut CampplusScratch) -> Vec<f32> {
        let halved = frames.len().div_ceil(2);
        s.halves.shape(2 * LAST_BANDS * CHANNELS, halved);
        for start in (0..frames.len()).step_by(STRETCH) {
            self.two_dimensional(frames, start, s);
        }
        if frames.len() % 2 == 1 {
            // The odd frame that would follow the last one.
            (LAST_BANDS * CHANNELS..2 * LAST_BANDS * CHANNELS).for_each(|row| s.halves.row_mut(row)[halved - 1] = 0.0);
        }
        let rows = BLOCKS[0].0 * GROWTH + self.tdnn.outputs();
        s.channels[0].shape(rows, halved);
        self.processor.run(Convolution {
            taps: Taps::Three(1),
            rectify: true,
            ..Convolution::new(&self.tdnn, Input::all(&s.halves), &mut s.channels[0])
        });
        let mut channels = self.tdnn.outputs();
        for block in &self.blocks {
            for layer in &block.layers {
                self.dense_layer(layer, block.dilation, channels, s);
                channels += GROWTH;
            }
            let next = BLOCKS.iter().map(|(layers, _)| layers * GROWTH).max().unwrap_or(0) + block.transit.outputs();
            let [from, to] = &mut s.channels;
            to.shape(next, halved);
            self.processor.run(Dense {
                weights: &block.transit,
                scale: &block.transit_normalise.scale,
                shift: &block.transit_normalise.shift,
                input: from,
                rectify: false,
                output: to,
                panel: &mut s.panel,
            });
            s.channels.swap(0, 1);
            channels = block.transit.outputs();
        }
        self.pool(&s.channels[0])
    }

    /// One stretch of frames from the filter bank to the even and odd frames of 320 channels.
    fn two_dimensional(&self, frames: &[[f32; BANDS]], start: usize, s: &mut CampplusScratch) {
        let end = (start + STRETCH).min(frames.len());
        let (from, to) = (start.saturating_sub(REACH), (end + REACH).min(frames.len()));
        let width = to - from;
        s.input.shape(BANDS + 2, width);
        s.input.clear_rows(0, 1);
        s.input.clear_rows(BANDS + 1, 1);
        for (t, frame) in frames[from..to].iter().enumerate() {
            for (band, (x, mean)) in frame.iter().zip(&s.mean).enumerate() {
                s.input.row_mut(band + 1)[t] = x - mean;
            }
        }
        let [a, b, c] = &mut s.turns;
        bands(a, BANDS, width);
        bands(b, BANDS / 2, width);
        bands(c, BANDS / 2, width);
        s.last.shape(LAST_BANDS * CHANNELS, width);
        self.processor.run(Convolution {
            taps: Taps::Three(1),
            step: 1,
            groups: BANDS,
            rectify: true,
            first_output: CHANNELS,
            ..Convolution::new(&self.first, Input { grid: &s.input, first: 0, rows: 3 }, a)
        });
        // What has been read for the last time is written anew, so that three grids are enough.
        self.residual_block(&self.residual[0], a, b, c, &mut s.square);
        bands(a, BANDS / 2, width);
        self.residual_block(&self.residual[1], c, b, a, &mut s.square);
        bands(b, BANDS / 4, width);
        bands(c, BANDS / 4, width);
        self.residual_block(&self.residual[2], a, b, c, &mut s.square);
        bands(a, BANDS / 4, width);
        self.residual_block(&self.residual[3], c, b, a, &mut s.square);
        let input = Input { grid: a, first: 0, rows: 3 * CHANNELS };
        self.processor.run(Convolution {
            taps: Taps::Three(1),
            step: 2 * CHANNELS,
            groups: LAST_BANDS,
            rectify: true,
            ..Convolution::new(&self.last, input, &mut s.last)
        });
        let rows = LAST_BANDS * CHANNELS;
        for row in 0..rows {
            let values = &s.last.row(row)[start - from..end - from];
            for parity in 0..2 {
                // `STRETCH` is even, so the stretch starts with an even frame.
                let to = &mut s.halves.row_mut(row + parity * rows)[start / 2..];
                for (y, x) in to.iter_mut().zip(values.iter().skip(parity).step_by(2)) {
                    *y = *x;
                }
            }
        }
    }

    fn residual_block(
        &self,
        block: &ResidualBlock,
        input: &Grid,
        between: &mut Grid,
        output: &mut Grid,
        scratch: &mut SquareScratch,
    ) {
        let residual = match &block.first {
            FirstOfBlock::Whole(weights) => {
                let residual = Residual::None;
                self.processor.run(SquareConvolution { weights, input, residual, output: between, scratch });
                Residual::Grid(input)
            }
            FirstOfBlock::Half { weights, shortcut } => {
                let groups = output.rows() / CHANNELS - 2;
                let whole = Input { grid: input, first: 0, rows: 3 * CHANNELS };
                self.processor.run(Convolution {
                    taps: Taps::Three(1),
                    step: 2 * CHANNELS,
                    groups,
                    rectify: true,
                    first_output: CHANNELS,
                    ..Convolution::new(weights, whole, between)
                });
                let middle = Input { grid: input, first: CHANNELS, rows: CHANNELS };
                self.processor.run(Convolution {
                    step: 2 * CHANNELS,
                    groups,
                    first_output: CHANNELS,
                    ..Convolution::new(shortcut, middle, output)
                });
                Residual::Output
            }
        };
        let input = &*between;
        self.processor.run(SquareConvolution { weights: &block.second, input, residual, output, scratch });
    }

    /// Adds a layer's channels behind the `channels` there are.
    fn dense_layer(&self, layer: &DenseLayer, dilation: usize, channels: usize, s: &mut CampplusScratch) {
        let [x, _] = &mut s.channels;
        let width = x.width();
        s.bottleneck.shape(BOTTLENECK, width);
        self.processor.run(Dense {
            weights: &layer.bottleneck,
            scale: &layer.normalise.scale,
            shift: &layer.normalise.shift,
            input: x,
            rectify: true,
            output: &mut s.bottleneck,
            panel: &mut s.panel,
        });
        let [mean, hidden, mask] = &mut s.context;
        let segments = width.div_ceil(SEGMENT);
        mean.shape(BOTTLENECK, segments);
        hidden.shape(layer.context.outputs(), segments);
        mask.shape(GROWTH, segments);
        for row in 0..BOTTLENECK {
            let values = s.bottleneck.row(row);
            let means = mean.row_mut(row);
            let mut total = 0.0;
            for (mean, segment) in means.iter_mut().zip(values.chunks(SEGMENT)) {
                let sum = sum_by(segment, |x| x);
                *mean = sum / segment.len() as f32;
                total += sum;
            }
            means.iter_mut().for_each(|mean| *mean += total / width as f32);
        }
        self.processor.run(Convolution { rectify: true, ..Convolution::new(&layer.context, Input::all(mean), hidden) });
        self.processor.run(Convolution::new(&layer.mask, Input::all(hidden), mask));
        self.processor.run(Sigmoid { grid: mask, rows: GROWTH });
        self.processor.run(Convolution {
            taps: Taps::Three(dilation),
            first_output: channels,
            ..Convolution::new(&layer.local, Input::all(&s.bottleneck), x)
        });
        for row in 0..GROWTH {
            let masks = mask.row(row);
            for (values, mask) in x.row_mut(channels + row).chunks_mut(SEGMENT).zip(masks) {
                values.iter_mut().for_each(|x| *x *= mask);
            }
        }
    }

    /// Mean and deviation over time, and the last linear layer.
    fn pool(&self, x: &Grid) -> Vec<f32> {
        let n = x.width() as f64;
        let channels = self.normalise.scale.len();
        let mut statistics = vec![0.0; 2 * channels];
        for (row, (scale, shift)) in self.normalise.scale.iter().zip(&self.normalise.shift).enumerate() {
            let value = |x: &f32| f64::from(x.mul_add(*scale, *shift).max(0.0));
            let mean = x.row(row).iter().map(value).sum::<f64>() / n;
            let squares = x.row(row).iter().map(|x| (value(x) - mean).powi(2)).sum::<f64>();
            statistics[row] = mean;
            // A single frame does not deviate.
            statistics[channels + row] = (squares / (n - 1.0).max(1.0)).sqrt();
        }
        let dot = |row: &[f32]| row.iter().zip(&statistics).map(|(w, x)| f64::from(*w) * x).sum::<f64>();
        let rows = self.embedding.chunks_exact(2 * channels).zip(&self.embedding_bias);
        rows.map(|(row, bias)| (dot(row) + f64::from(*bias)) as f32).collect()
    }
}

/// A grid of `bands` bands of all channels with a band of zeros on either side.
fn bands(grid: &mut Grid, bands: usize, width: usize) {
    grid.shape((bands + 2) * CHANNELS, width);
    grid.clear_rows(0, CHANNELS);
    grid.clear_rows((bands + 1) * CHANNELS, CHANNELS);
}

/// Mean of each band over time.
fn mean(frames: &[[f32; BANDS]]) -> Vec<f32> {
    let mut sums = [0.0f64; BANDS];
    for frame in frames {
        sums.iter_mut().zip(frame).for_each(|(sum, x)| *sum += f64::from(*x));
    }
    sums.iter().map(|sum| (sum / frames.len() as f64) as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encoder::cosine;
    use crate::encoder::models::LEAST_COSINE;
    use crate::encoder::network::golden;
    use crate::feature::kaldi_fbank80;

    fn analytic(frames: usize) -> Vec<f32> {
        (0..frames * BANDS).map(|i| (i as f64 * 0.37).sin() as f32).collect()
    }

    #[test]
    fn embeddings_are_those_of_the_original_code() {
        let network = Campplus::load(&Models::BuiltIn).unwrap();
        let mut scratch = CampplusScratch::default();
        let golden = golden::read("campplus_embeddings.json");
        let mut compared = 0;
        for entry in &golden.analytic {
            // One and two frames make a single step, of which the original takes 0/0 for the deviation.
            let Some(expected) = entry.embedding() else {
                assert!(entry.frames <= 2);
                continue;
            };
            scratch.mean = vec![0.0; BANDS];
            let got = network.run(analytic(entry.frames).as_chunks().0, &mut scratch);
            let cosine = cosine(&got, &expected).unwrap();
            assert!(cosine >= LEAST_COSINE, "{} frames: {cosine}", entry.frames);
            compared += 1;
        }
        let plan = kaldi_fbank80().plan().unwrap();
        for entry in &golden.speech {
            let rows = plan.extract(&entry.samples());
            let got = network.embed(rows.as_slice().unwrap(), &mut scratch).unwrap();
            let cosine = cosine(&got, &entry.embedding().unwrap()).unwrap();
            assert!(cosine >= LEAST_COSINE, "{} {}: {cosine}", entry.clip, entry.samples);
            compared += 1;
        }
        assert_eq!(compared, 6 + 10);
    }

    #[test]
    fn the_shortest_inputs_are_defined() {
        let network = Campplus::load(&Models::BuiltIn).unwrap();
        let mut scratch = CampplusScratch::default();
        assert_eq!(network.embed(&[], &mut scratch), None);
        for frames in [1, 2, 3, 100, 199, 200, 201, 2 * STRETCH + 1] {
            let first = network.embed(&analytic(frames), &mut scratch).unwrap();
            assert!(first.iter().all(|x| x.is_finite()), "{frames} frames");
            // What the scratch went through before is of no consequence.
            assert_eq!(network.embed(&analytic(frames), &mut CampplusScratch::default()), Some(first));
        }
        let silence = network.embed(&[-15.9; 50 * BANDS], &mut scratch).unwrap();
        assert!(silence.iter().all(|x| x.is_finite()));
    }

    #[test]
    fn another_file_is_refused() {
        let mut source = Models::BuiltIn.source(Encoder::Campplus).unwrap();
        let middle = source.bytes.len() / 2;
        source.bytes.to_mut()[middle] ^= 1;
        let error = Campplus::on(Processor::detect(), &source).err().unwrap().to_string();
        assert!(error.contains("campplus") && error.contains(SHA256), "{error}");
    }

    #[test]
    fn every_instruction_set_gives_the_same_bits() {
        let source = Models::BuiltIn.source(Encoder::Campplus).unwrap();
        let answers: Vec<Vec<u32>> = Processor::each()
            .into_iter()
            .map(|p| Campplus::on(p, &source).unwrap().answer().iter().map(|x| x.to_bits()).collect())
            .collect();
        assert!(answers.iter().all(|answer| *answer == answers[0]));
    }
}
