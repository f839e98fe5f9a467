//! The spectrogram of a stretch of sound, as a picture is drawn from it. No score rests on it.

use rustfft::FftPlanner;
use rustfft::num_complex::Complex;
use std::f64::consts::TAU;

/// Samples of a frame: 32 ms at 16 kHz, so that single harmonics of a voice can be told apart.
const LENGTH: usize = 512;
/// Bands that a picture has; the two lines of each are put together.
const BANDS: usize = LENGTH / 4;
/// Samples from one column to the next where the stretch is short.
const LEAST_SHIFT: usize = 128;
/// Most columns of a picture.
const MOST_COLUMNS: usize = 480;
/// Range of levels that is shown, dB under the greatest.
pub const RANGE_DB: f64 = 60.0;

/// Levels over time and frequency: 0 is 60 dB or more under the greatest level, 255 that level itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spectrogram {
    /// Number of columns, in the order of time.
    pub columns: usize,
    /// Number of bands of equal width from 0 Hz up to half the sampling rate.
    pub bands: usize,
    /// The levels, `(columns, bands)`.
    pub levels: Vec<u8>,
}

impl Spectrogram {
    /// The spectrogram of samples at 16 kHz; a Hann window. None of less than a frame.
    pub fn of(samples: &[f32]) -> Option<Self> {
        let room = samples.len().checked_sub(LENGTH)?;
        let shift = LEAST_SHIFT.max(room.div_ceil(MOST_COLUMNS));
        let fft = FftPlanner::<f64>::new().plan_fft_forward(LENGTH);
        let window: Vec<f64> = (0..LENGTH).map(|i| 0.5 - 0.5 * (TAU * i as f64 / LENGTH as f64).cos()).collect();
        let mut frame = vec![Complex::new(0.0, 0.0); LENGTH];
        let mut powers = Vec::new();
        for start in (0..=room).step_by(shift) {
            let part = samples.get(start..start + LENGTH)?;
            for ((out, x), w) in frame.iter_mut().zip(part).zip(&window) {
                *out = Complex::new(f64::from(*x) * w, 0.0);
            }
            fft.process(&mut frame);
            let (pairs, _) = frame.as_chunks::<2>();
            powers.extend(pairs.iter().take(BANDS).map(|[a, b]| a.norm_sqr().max(b.norm_sqr())));
        }
        let greatest = powers.iter().copied().fold(0.0, f64::max);
        let level = |power: f64| {
            let under_db = if power > 0.0 && greatest > 0.0 { 10.0 * (power / greatest).log10() } else { -RANGE_DB };
            (255.0 * (1.0 + under_db / RANGE_DB).clamp(0.0, 1.0)).round() as u8
        };
        let levels: Vec<u8> = powers.into_iter().map(level).collect();
        Some(Spectrogram { columns: levels.len() / BANDS, bands: BANDS, levels })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tone_stands_in_its_band_and_nowhere_else() {
        let tone: Vec<f32> = (0..16_000).map(|i| (TAU * 1000.0 * f64::from(i) / 16_000.0).sin() as f32).collect();
        let picture = Spectrogram::of(&tone).unwrap();
        assert_eq!((picture.bands, picture.levels.len()), (128, picture.columns * 128));
        for column in picture.levels.chunks(128) {
            // 1 kHz is line 32 of 256, in the sixteenth pair.
            assert!(column[16] >= 254, "{column:?}");
            assert_eq!((column[5], column[40], column[127]), (0, 0, 0));
        }
    }

    #[test]
    fn silence_and_scraps_are_no_trouble() {
        assert_eq!(Spectrogram::of(&[0.0; 100]), None);
        assert!(Spectrogram::of(&[0.0; 5000]).unwrap().levels.iter().all(|level| *level == 0));
        assert!(Spectrogram::of(&vec![0.1; 16_000 * 60]).unwrap().columns <= MOST_COLUMNS + 1);
    }
}
