//! Values between samples, by a sinc under a raised cosine.

use std::f64::consts::PI;

/// The value of `samples` at the place `x` (0 is the first sample), from up to `depth` samples on either side.
pub(super) fn value_at(samples: &[f64], x: f64, depth: usize) -> f64 {
    let last = samples.len().saturating_sub(1);
    let x = x.clamp(0.0, last as f64);
    let left = (x.floor() as usize).min(last);
    let offset = x - left as f64;
    if offset < 1e-12 || left == last {
        return samples.get(left).copied().unwrap_or(0.0);
    }
    let depth = depth.min(left + 1).min(last - left);
    let (before, after) = samples.split_at(left + 1);
    side(before.iter().rev().take(depth), offset, depth) + side(after.iter().take(depth), 1.0 - offset, depth)
}

/// One side's part: the nearest sample lies `distance` away, the others each one further.
fn side<'a>(samples: impl Iterator<Item = &'a f64>, distance: f64, depth: usize) -> f64 {
    let mut sign = (PI * distance).sin() / PI;
    let step = PI / (distance + depth as f64);
    // The window's cosine, turned on by a step each sample.
    let (turn_sin, turn_cos) = step.sin_cos();
    let (mut sin, mut cos) = (step * distance).sin_cos();
    let mut sum = 0.0;
    let mut away = distance;
    for sample in samples {
        sum += sample * sign / away * (0.5 + 0.5 * cos);
        (sin, cos) = (sin * turn_cos + cos * turn_sin, cos * turn_cos - sin * turn_sin);
        sign = -sign;
        away += 1.0;
    }
    sum
}

/// The peak near the local maximum `samples[at]`: its place and height on the interpolated curve, looked for between
/// the neighbouring samples by golden section and, once close, by a parabola.
pub(super) fn peak_near(samples: &[f64], at: usize, depth: usize) -> (f64, f64) {
    const SECTION: f64 = 0.381_966_011_250_105;
    let value = |x| value_at(samples, x, depth);
    let (mut low, mut high) = (at as f64 - 1.0, at as f64 + 1.0);
    let (mut left, mut right) = (low + SECTION * 2.0, high - SECTION * 2.0);
    let (mut at_left, mut at_right) = (value(left), value(right));
    while high - low > 0.02 {
        if at_left > at_right {
            (high, right, at_right) = (right, left, at_left);
            left = low + SECTION * (high - low);
            at_left = value(left);
        } else {
            (low, left, at_left) = (left, right, at_right);
            right = high - SECTION * (high - low);
            at_right = value(right);
        }
    }
    let (middle, h) = (0.5 * (low + high), 0.5 * (high - low));
    let around = [value(middle - h), value(middle), value(middle + h)];
    let x = middle + h * vertex(&around, 1).0;
    (x, value(x))
}

/// Vertex of the parabola through a local extremum and its neighbours: offset from `at`, and value.
pub(super) fn vertex(samples: &[f64], at: usize) -> (f64, f64) {
    let get = |i: usize| samples.get(i).copied().unwrap_or(0.0);
    let middle = get(at);
    if at == 0 || at + 1 >= samples.len() {
        return (0.0, middle);
    }
    let (slope, bend) = (0.5 * (get(at + 1) - get(at - 1)), 2.0 * middle - get(at - 1) - get(at + 1));
    if bend.abs() < f64::MIN_POSITIVE {
        return (0.0, middle);
    }
    ((slope / bend).clamp(-1.0, 1.0), middle + 0.5 * slope * slope / bend)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sine_between_samples_and_its_peak() {
        let wave = |x: f64| (0.3 * (x - 100.37)).cos();
        let samples: Vec<f64> = (0..201).map(|i| wave(f64::from(i))).collect();
        for x in [60.0, 80.25, 100.37, 119.9] {
            assert!((value_at(&samples, x, 30) - wave(x)).abs() < 1e-3, "{x}");
            assert!((value_at(&samples, x, 70) - wave(x)).abs() < 2e-4, "{x}");
        }
        let (x, height) = peak_near(&samples, 100, 70);
        assert!((x - 100.37).abs() < 1e-3 && (height - 1.0).abs() < 2e-4, "{x} {height}");
        assert_eq!(value_at(&[], 3.0, 5), 0.0);
        assert_eq!(value_at(&[7.0], 3.0, 5), 7.0);
    }
}
