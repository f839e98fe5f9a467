//! From the weight file's tensors to the layers of CAM++: batch normalisations folded into weights or brought to one
//! multiplication and one addition, inputs put into the order in which the layers read them.

use super::{
    Affine, BLOCKS, BOTTLENECK, CHANNELS, Campplus, DenseBlock, DenseLayer, FirstOfBlock, GROWTH, LAST_BANDS,
    ResidualBlock, WIDTH,
};
use crate::encoder::network::kernel::{Processor, Weights};
use crate::encoder::network::weights::WeightFile;
use crate::encoder::network::winograd::SquareWeights;
use crate::error::Result;

/// Added to a variance before its root (PyTorch's default).
const EPSILON: f64 = 1e-5;

/// A matrix whose columns are put into another order.
fn ordered(matrix: &[f32], inputs: usize, order: impl Fn(usize) -> usize) -> Vec<f32> {
    matrix.chunks_exact(inputs).flat_map(|row| (0..inputs).map(|k| row[order(k)]).collect::<Vec<_>>()).collect()
}

/// PyTorch's place (channel, band, frame) of a 3 by 3 convolution's inputs in the order band, channel, frame.
fn by_band(channels: usize) -> impl Fn(usize) -> usize {
    move |k| {
        let (row, tap) = (k / 3, k % 3);
        let (band, channel) = (row / channels, row % channels);
        channel * 9 + band * 3 + tap
    }
}

/// Tensors to layers.
pub(super) struct Loader<'a> {
    pub file: WeightFile<'a>,
    pub processor: Processor,
}

impl Loader<'_> {
    pub fn network(&self) -> Result<Campplus> {
        let mut residual = Vec::new();
        for layer in ["layer1", "layer2"] {
            for block in 0..2 {
                let name = |part: &str| format!("head.{layer}.{block}.{part}");
                let (first, norm) = (name("conv1"), name("bn1"));
                let first = match block {
                    0 => FirstOfBlock::Half {
                        weights: self.square(&first, &norm, CHANNELS)?,
                        shortcut: self.folded(&name("shortcut.0"), &name("shortcut.1"), CHANNELS, CHANNELS)?,
                    },
                    _ => FirstOfBlock::Whole(self.winograd(&first, &norm)?),
                };
                residual.push(ResidualBlock { first, second: self.winograd(&name("conv2"), &name("bn2"))? });
            }
        }
        let mut channels = 128;
        let mut blocks = Vec::new();
        for (i, (layers, dilation)) in BLOCKS.into_iter().enumerate() {
            let mut block = Vec::new();
            for layer in 0..layers {
                let name = |part: &str| format!("xvector.block{}.tdnnd{}.{part}", i + 1, layer + 1);
                block.push(self.dense_layer(&name, channels)?);
                channels += GROWTH;
            }
            let name = |part: &str| format!("xvector.transit{}.{part}", i + 1);
            let half = channels / 2;
            blocks.push(DenseBlock {
                layers: block,
                dilation,
                transit_normalise: self.batch_norm(&name("nonlinear.batchnorm"), channels)?,
                transit: self.plain(&name("linear"), half, channels, false)?,
            });
            channels = half;
        }
        let normalise = self.batch_norm("xvector.out_nonlinear.batchnorm", channels)?;
        let (embedding, embedding_bias) = self.embedding(2 * channels)?;
        Ok(Campplus {
            processor: self.processor,
            first: self.square("head.conv1", "head.bn1", 1)?,
            residual,
            last: self.square("head.conv2", "head.bn2", CHANNELS)?,
            tdnn: self.tdnn()?,
            blocks,
            normalise,
            embedding,
            embedding_bias,
        })
    }

    fn dense_layer(&self, name: &dyn Fn(&str) -> String, channels: usize) -> Result<DenseLayer> {
        let half = BOTTLENECK / 2;
        let local = self.file.tensor(&name("cam_layer.linear_local.weight"), GROWTH * BOTTLENECK * 3)?;
        Ok(DenseLayer {
            normalise: self.batch_norm(&name("nonlinear1.batchnorm"), channels)?,
            bottleneck: self.folded(&name("linear1"), &name("nonlinear2.batchnorm"), BOTTLENECK, channels)?,
            local: Weights::pack(self.processor, &local, vec![0.0; GROWTH]),
            context: self.plain(&name("cam_layer.linear1"), half, BOTTLENECK, true)?,
            mask: self.plain(&name("cam_layer.linear2"), GROWTH, half, true)?,
        })
    }

    /// A 3 by 3 convolution to 32 channels with its normalisation; inputs in the order band, channel, frame.
    fn square(&self, convolution: &str, norm: &str, channels: usize) -> Result<Weights> {
        let (matrix, bias) = self.fold(convolution, norm, CHANNELS, 9 * channels)?;
        Ok(Weights::pack(self.processor, &ordered(&matrix, 9 * channels, by_band(channels)), bias))
    }

    /// The same for all bands at once.
    fn winograd(&self, convolution: &str, norm: &str) -> Result<SquareWeights> {
        let (matrix, bias) = self.fold(convolution, norm, CHANNELS, 9 * CHANNELS)?;
        Ok(SquareWeights::pack(self.processor, &ordered(&matrix, 9 * CHANNELS, by_band(CHANNELS)), bias))
    }

    /// The convolution of 5 taps and stride 2 as one of 3 taps and stride 1 over even and odd frames.
    fn tdnn(&self) -> Result<Weights> {
        let inputs = LAST_BANDS * CHANNELS;
        let (matrix, bias) = self.fold("xvector.tdnn.linear", "xvector.tdnn.nonlinear.batchnorm", 128, 5 * inputs)?;
        let mut spread = Vec::with_capacity(128 * 6 * inputs);
        for output in matrix.chunks_exact(5 * inputs) {
            for row in 0..2 * inputs {
                let (odd, band, channel) = (row / inputs, row % inputs / CHANNELS, row % CHANNELS);
                let taps = &output[(channel * LAST_BANDS + band) * 5..][..5];
                spread.extend(if odd == 0 { [taps[0], taps[2], taps[4]] } else { [taps[1], taps[3], 0.0] });
            }
        }
        Ok(Weights::pack(self.processor, &spread, bias))
    }

    /// The last layer, whose normalisation has neither weight nor bias.
    fn embedding(&self, inputs: usize) -> Result<(Vec<f32>, Vec<f32>)> {
        let mut matrix = self.file.tensor("xvector.dense.linear.weight", WIDTH * inputs)?;
        let mean = self.file.tensor("xvector.dense.nonlinear.batchnorm.running_mean", WIDTH)?;
        let variance = self.file.tensor("xvector.dense.nonlinear.batchnorm.running_var", WIDTH)?;
        let scale = |variance: &f32| 1.0 / (f64::from(*variance) + EPSILON).sqrt();
        for (row, variance) in matrix.chunks_exact_mut(inputs).zip(&variance) {
            row.iter_mut().for_each(|w| *w = (f64::from(*w) * scale(variance)) as f32);
        }
        let bias = mean.iter().zip(&variance).map(|(mean, variance)| (-f64::from(*mean) * scale(variance)) as f32);
        Ok((matrix, bias.collect()))
    }

    /// A layer without normalisation.
    fn plain(&self, name: &str, outputs: usize, inputs: usize, with_bias: bool) -> Result<Weights> {
        let matrix = self.file.tensor(&format!("{name}.weight"), outputs * inputs)?;
        let bias = match with_bias {
            true => self.file.tensor(&format!("{name}.bias"), outputs)?,
            false => vec![0.0; outputs],
        };
        Ok(Weights::pack(self.processor, &matrix, bias))
    }

    /// A layer with the normalisation that follows it.
    fn folded(&self, linear: &str, norm: &str, outputs: usize, inputs: usize) -> Result<Weights> {
        let (matrix, bias) = self.fold(linear, norm, outputs, inputs)?;
        Ok(Weights::pack(self.processor, &matrix, bias))
    }

    fn fold(&self, linear: &str, norm: &str, outputs: usize, inputs: usize) -> Result<(Vec<f32>, Vec<f32>)> {
        let mut matrix = self.file.tensor(&format!("{linear}.weight"), outputs * inputs)?;
        let Affine { scale, shift } = self.batch_norm(norm, outputs)?;
        for (row, scale) in matrix.chunks_exact_mut(inputs).zip(&scale) {
            row.iter_mut().for_each(|w| *w *= scale);
        }
        Ok((matrix, shift))
    }

    fn batch_norm(&self, name: &str, channels: usize) -> Result<Affine> {
        let tensor = |part: &str| self.file.tensor(&format!("{name}.{part}"), channels);
        let (weight, bias) = (tensor("weight")?, tensor("bias")?);
        let (mean, variance) = (tensor("running_mean")?, tensor("running_var")?);
        let scale = weight.iter().zip(&variance).map(|(w, v)| f64::from(*w) / (f64::from(*v) + EPSILON).sqrt());
        let scale: Vec<f64> = scale.collect();
        let shift = bias.iter().zip(&mean).zip(&scale).map(|((b, m), s)| (f64::from(*b) - f64::from(*m) * s) as f32);
        Ok(Affine { shift: shift.collect(), scale: scale.iter().map(|s| *s as f32).collect() })
    }
}
