//! A clip made worse on purpose: cut, softer, clipped or in noise.
//!
//! Calibration has to know what a score is worth on short, soft and noisy recordings too, and labelled ones are mostly
//! clean; so clips are altered on their way to the encoders, with random numbers that are the same every time. Nothing
//! here touches a clip whose score is asked for.

use super::SAMPLE_RATE_HZ;
use crate::random::SplitMix;

/// What is done to a clip, in this order. The default leaves it as it is.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
pub struct Variation {
    /// Where the cut begins and how long it is, seconds; the whole clip without one.
    pub cut: Option<(f64, f64)>,
    /// Change of the level, dB; the samples are then rounded to 16 bits, as a soft recording's are.
    pub gain_db: f64,
    /// Noise that is added.
    pub noise: Option<Noise>,
    /// Amplitude beyond which samples are cut off, full scale is 1.
    pub clip_at: Option<f32>,
}

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

/// A variation on its way through a clip at 16 kHz.
pub(crate) struct Varied {
    keep: std::ops::Range<u64>,
    at: u64,
    gain: Option<f32>,
    noise: Option<NoiseSource>,
    clip_at: Option<f32>,
}

impl Varied {
    pub fn new(variation: &Variation) -> Self {
        let samples = |seconds: f64| (seconds.max(0.0) * f64::from(SAMPLE_RATE_HZ)) as u64;
        let keep = variation.cut.map_or(0..u64::MAX, |(start, length)| samples(start)..samples(start + length));
        Varied {
            keep,
            at: 0,
            gain: (variation.gain_db != 0.0).then(|| 10f64.powf(variation.gain_db / 20.0) as f32),
            noise: variation.noise.map(|noise| NoiseSource::new(&noise)),
            clip_at: variation.clip_at,
        }
    }

    /// Alters the next samples in place; those outside the cut are taken away.
    pub fn apply(&mut self, block: &mut Vec<f32>) {
        let end = self.at + block.len() as u64;
        let inside = |position: u64| (position.clamp(self.at, end) - self.at) as usize;
        let (from, to) = (inside(self.keep.start), inside(self.keep.end));
        block.truncate(to);
        block.drain(..from.min(to));
        self.at = end;
        for x in block.iter_mut() {
            if let Some(gain) = self.gain {
                *x = (*x * gain * 32_768.0).round() / 32_768.0;
            }
            if let Some(noise) = &mut self.noise {
                *x += noise.next();
            }
            if let Some(limit) = self.clip_at {
                *x = x.clamp(-limit, limit);
            }
        }
    }
}

struct NoiseSource {
    random: SplitMix,
    scale: f32,
    /// The filter's memory; none for white noise.
    pink: Option<[f32; 3]>,
}

/// Root mean square of pink noise from uniform noise of root mean square 1, measured over two million samples.
const PINK_RMS: f64 = 2.96;

impl NoiseSource {
    fn new(noise: &Noise) -> Self {
        let rms = 10f64.powf(noise.level_dbfs / 20.0) / if noise.pink { PINK_RMS } else { 1.0 };
        // A uniform number between -1 and 1 has a root mean square of 1 / sqrt(3).
        let scale = (rms * 3f64.sqrt()) as f32;
        NoiseSource { random: SplitMix(noise.seed), scale, pink: noise.pink.then_some([0.0; 3]) }
    }

    fn next(&mut self) -> f32 {
        let white = (2.0 * self.random.share() - 1.0) as f32 * self.scale;
        let Some([a, b, c]) = &mut self.pink else { return white };
        // Three poles whose sum falls by 3 dB an octave within half a decibel (P. Kellet, "economy" filter).
        *a = 0.997_65 * *a + white * 0.099_046;
        *b = 0.963 * *b + white * 0.296_516_4;
        *c = 0.57 * *c + white * 1.052_691_3;
        *a + *b + *c + white * 0.1848
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(variation: &Variation, samples: &[f32], block: usize) -> Vec<f32> {
        let mut varied = Varied::new(variation);
        let mut out = Vec::new();
        for part in samples.chunks(block) {
            let mut part = part.to_vec();
            varied.apply(&mut part);
            out.extend(part);
        }
        out
    }

    #[test]
    fn a_cut_is_the_same_for_any_blocks() {
        let samples: Vec<f32> = (0..16_000).map(|i| i as f32 / 16_000.0).collect();
        let variation = Variation { cut: Some((0.25, 0.5)), ..Default::default() };
        for block in [1000, 777, 16_000] {
            assert_eq!(run(&variation, &samples, block), samples[4000..12_000]);
        }
        assert_eq!(run(&Variation::default(), &samples, 999), samples);
        let beyond = Variation { cut: Some((2.0, 1.0)), ..Default::default() };
        assert!(run(&beyond, &samples, 500).is_empty());
    }

    #[test]
    fn noise_has_the_level_that_was_asked_for() {
        for pink in [false, true] {
            let noise = Some(Noise { level_dbfs: -20.0, pink, seed: 5 });
            let out = run(&Variation { noise, ..Default::default() }, &[0.0; 400_000], 1000);
            let rms = (out.iter().map(|x| f64::from(x * x)).sum::<f64>() / out.len() as f64).sqrt();
            assert!((20.0 * rms.log10() + 20.0).abs() < 0.3, "{pink} {rms}");
            assert_eq!(out, run(&Variation { noise, ..Default::default() }, &[0.0; 400_000], 333));
        }
    }

    #[test]
    fn gain_rounds_and_a_limit_cuts_off() {
        let softer = Variation { gain_db: -60.0, ..Default::default() };
        assert_eq!(run(&softer, &[0.5, 0.01], 2), [16.0 / 32_768.0, 0.0]);
        let clipped = Variation { clip_at: Some(0.3), ..Default::default() };
        assert_eq!(run(&clipped, &[0.5, -0.4, 0.2], 2), [0.3, -0.3, 0.2]);
    }
}
