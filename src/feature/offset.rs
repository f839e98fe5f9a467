//! Taking a constant offset off a signal as it arrives.

/// The time constant that detector and encoders use, samples at 16 kHz: a corner at 5 Hz, far below any voice. Of 64 to
/// 4096 it moved the embeddings of clips without an offset about the least.
pub const OFFSET_FILTER_SAMPLES: usize = 512;

/// Below this the running mean counts as zero: digital silence must not lead to numbers that processors are slow with.
const SMALLEST: f64 = 1e-30;

/// A first-order high-pass, `y[n] = x[n] - m[n-1]` with the running mean `m[n] = m[n-1] + (x[n] - m[n-1]) / T`.
///
/// The mean starts at the signal's first sample, so an offset is gone from the first sample on: a signal and the same
/// signal plus a constant give the same samples but for rounding. What follows does not depend on blocks. The corner
/// is `rate / (2 pi T)` Hz.
#[derive(Clone, Debug)]
pub struct OffsetFilter {
    step: f64,
    mean: Option<f64>,
}

impl OffsetFilter {
    /// A filter with a time constant of `T` samples, 1 or more.
    pub fn new(time_constant: usize) -> Self {
        OffsetFilter { step: 1.0 / time_constant.max(1) as f64, mean: None }
    }

    /// Takes the next samples and appends as many to `out`.
    pub fn apply(&mut self, samples: &[f32], out: &mut Vec<f32>) {
        let Some(first) = samples.first() else { return };
        let mut mean = self.mean.unwrap_or(f64::from(*first));
        out.extend(samples.iter().map(|x| {
            let y = f64::from(*x) - mean;
            mean += y * self.step;
            if mean.abs() < SMALLEST {
                mean = 0.0;
            }
            y as f32
        }));
        self.mean = Some(mean);
    }

    /// Ends the signal; the next sample is the first of another one.
    pub fn reset(&mut self) {
        self.mean = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filtered(samples: &[f32], block: usize) -> Vec<f32> {
        let (mut filter, mut out) = (OffsetFilter::new(OFFSET_FILTER_SAMPLES), Vec::new());
        samples.chunks(block).for_each(|block| filter.apply(block, &mut out));
        out
    }

    fn sine(hz: f64) -> Vec<f32> {
        (0..32_000).map(|n| (0.3 + 0.5 * (std::f64::consts::TAU * hz * n as f64 / 16_000.0).cos()) as f32).collect()
    }

    #[test]
    fn an_offset_is_gone_from_the_first_sample_and_blocks_do_not_matter() {
        let plain: Vec<f32> = sine(97.0).iter().map(|x| (x * 4096.0).round() / 32_768.0).collect();
        let offset: Vec<f32> = plain.iter().map(|x| x + 0.25).collect();
        let whole = filtered(&plain, plain.len());
        assert_eq!(filtered(&plain, 333), whole);
        let worst = filtered(&offset, 4096).iter().zip(&whole).fold(0.0f32, |worst, (x, y)| worst.max((x - y).abs()));
        assert!(worst < 1e-8, "{worst}");
        assert!(filtered(&[0.7; 5000], 77).iter().all(|x| *x == 0.0));
    }

    #[test]
    fn the_corner_lies_at_five_hertz_and_voices_pass() {
        for (hz, gain) in [(4.97, 0.707), (50.0, 0.995), (200.0, 1.0)] {
            let late = filtered(&sine(hz), 4096).split_off(16_000);
            let power = late.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>() / late.len() as f64;
            assert!(((2.0 * power).sqrt() / 0.5 - gain).abs() < 0.01, "{hz} Hz: {power}");
        }
    }

    #[test]
    fn silence_after_sound_ends_in_zeros() {
        let mut samples = sine(100.0);
        samples.resize(200_000, 0.0);
        let out = filtered(&samples, 4096);
        assert!(out.iter().all(|x| *x == 0.0 || x.is_normal()) && out.last() == Some(&0.0));
    }
}
