//! Steady noise, white or pink.

use super::{LEVEL_DBFS, amplitude, within};
use crate::error::Result;
use crate::random::SplitMix;

/// Noise of one power.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Noise {
    /// Its root mean square, dB of full scale.
    pub level_dbfs: f64,
    /// Whether it is pink (power falls by 3 dB an octave); else it is white.
    pub pink: bool,
    /// Start of its random numbers.
    pub seed: u64,
}

pub(super) struct NoiseSource {
    random: SplitMix,
    scale: f32,
    /// The filter's memory; none for white noise.
    pink: Option<[f32; 3]>,
}

/// Root mean square of pink noise from uniform noise of root mean square 1, measured over two million samples.
const PINK_RMS: f64 = 2.96;

impl NoiseSource {
    pub fn new(noise: &Noise) -> Result<Self> {
        let level = within("noise level, dB of full scale", noise.level_dbfs, LEVEL_DBFS)?;
        let rms = amplitude(level) / if noise.pink { PINK_RMS } else { 1.0 };
        // A uniform number between -1 and 1 has a root mean square of 1 / sqrt(3).
        let scale = (rms * 3f64.sqrt()) as f32;
        Ok(NoiseSource { random: SplitMix(noise.seed), scale, pink: noise.pink.then_some([0.0; 3]) })
    }

    pub fn next(&mut self) -> f32 {
        let white = (2.0 * self.random.share() - 1.0) as f32 * self.scale;
        let Some([a, b, c]) = &mut self.pink else { return white };
        // Three poles whose sum falls by 3 dB an octave within half a decibel (P. Kellet, "economy" filter).
        *a = 0.997_65 * *a + white * 0.099_046;
        *b = 0.963 * *b + white * 0.296_516_4;
        *c = 0.57 * *c + white * 1.052_691_3;
        *a + *b + *c + white * 0.1848
    }
}
