//! 16 kHz to the lower rate that formants are looked for at.
//!
//! A sinc under a raised cosine of 50 zero crossings on either side. The stream's own resampler would fall off from 87
//! % of the new band on, which bends the highest formants; this one stays flat to within about 100 Hz of its end.

use crate::audio::SAMPLE_RATE_HZ;
use std::f64::consts::PI;

/// Zero crossings of the sinc on either side.
const CROSSINGS: usize = 50;

/// Samples at `rate_hz`, which divides into 16 kHz in whole numbers of at most 16 (10 000, 11 000). The first sample of
/// both lies half a sample after the start, as Praat has it.
pub(super) fn downsample(samples: &[f32], rate_hz: u32) -> Vec<f32> {
    let ratio = f64::from(SAMPLE_RATE_HZ) / f64::from(rate_hz);
    let count = (samples.len() as f64 / ratio).round() as usize;
    let reach = (CROSSINGS as f64 * ratio).ceil();
    // The places repeat after as many samples as the new rate has in the greatest common divisor.
    let phases = (rate_hz / greatest_divisor(SAMPLE_RATE_HZ, rate_hz)) as usize;
    let place = |i: usize| (i as f64 + 0.5) * ratio - 0.5;
    let taps: Vec<(f64, Vec<f32>)> = (0..phases.min(count))
        .map(|phase| {
            let first = place(phase).floor() - reach + 1.0;
            let weight = |k: usize| kernel((first + k as f64 - place(phase)) / ratio) / ratio;
            (first, (0..2 * reach as usize).map(|k| weight(k) as f32).collect())
        })
        .collect();
    let turn = (phases as f64 * ratio).round() as i64;
    (0..count)
        .map(|i| {
            let Some((first, taps)) = taps.get(i % phases) else { return 0.0 };
            let start = *first as i64 + (i / phases) as i64 * turn;
            let skip = usize::try_from(-start).unwrap_or(0);
            let from = usize::try_from(start).unwrap_or(0);
            let part = samples.get(from..).unwrap_or_default();
            dot(taps.get(skip..).unwrap_or_default(), part)
        })
        .collect()
}

/// Sum of products in eight partial sums, so that it can be done side by side in a fixed order.
fn dot(taps: &[f32], samples: &[f32]) -> f32 {
    let n = taps.len().min(samples.len());
    let (taps, samples) = (&taps[..n], &samples[..n]);
    let mut sums = [0.0f32; 8];
    let (a, b) = (taps.chunks_exact(8), samples.chunks_exact(8));
    let rest: f32 = a.remainder().iter().zip(b.remainder()).map(|(x, y)| x * y).sum();
    for (x, y) in a.zip(b) {
        for ((sum, x), y) in sums.iter_mut().zip(x).zip(y) {
            *sum += x * y;
        }
    }
    sums.iter().sum::<f32>() + rest
}

/// The sinc at a distance in new samples.
fn kernel(x: f64) -> f64 {
    let reach = CROSSINGS as f64;
    if x.abs() >= reach {
        return 0.0;
    }
    let sinc = if x.abs() < 1e-12 { 1.0 } else { (PI * x).sin() / (PI * x) };
    sinc * (0.5 + 0.5 * (PI * x / reach).cos())
}

fn greatest_divisor(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { greatest_divisor(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tones_below_the_new_band_stay_and_those_above_go() {
        let tone = |hz: f64, rate: f64, n: usize| -> Vec<f64> {
            (0..n).map(|i| (2.0 * PI * hz * (i as f64 + 0.5) / rate).sin()).collect()
        };
        for rate in [10_000u32, 11_000] {
            for hz in [100.0, 1000.0, 0.46 * f64::from(rate)] {
                let input: Vec<f32> = tone(hz, 16_000.0, 8000).iter().map(|x| *x as f32).collect();
                let output = downsample(&input, rate);
                assert_eq!(output.len(), rate as usize / 2);
                let expected = tone(hz, f64::from(rate), output.len());
                for (i, (a, b)) in output.iter().zip(&expected).enumerate().skip(200).take(output.len() - 400) {
                    assert!((f64::from(*a) - b).abs() < 2e-3, "{rate} {hz} {i}: {a} {b}");
                }
            }
            let above: Vec<f32> = tone(0.54 * f64::from(rate), 16_000.0, 8000).iter().map(|x| *x as f32).collect();
            let output = downsample(&above, rate);
            assert!(output[200..output.len() - 200].iter().all(|x| x.abs() < 2e-3), "{rate}");
        }
        assert!(downsample(&[], 10_000).is_empty());
    }
}
