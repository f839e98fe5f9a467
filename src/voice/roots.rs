//! All roots of a polynomial at once (Aberth's method).

use rustfft::num_complex::Complex64;
use std::f64::consts::TAU;

/// More steps are not taken; ten or so are the rule.
const MOST_STEPS: usize = 60;
/// A step this small ends the search.
const TOLERANCE: f64 = 1e-11;

/// Roots of `z^N + c[N-1] z^(N-1) + ... + c[0]`.
pub(super) fn roots<const N: usize>(coefficients: &[Complex64; N]) -> [Complex64; N] {
    // Within the unit circle, unevenly, so that no two steps are mirror images.
    let start = |k: usize| Complex64::from_polar(0.9, TAU * k as f64 / N as f64 + 0.35);
    let mut z: [Complex64; N] = std::array::from_fn(start);
    for _ in 0..MOST_STEPS {
        let mut largest = 0.0f64;
        for k in 0..N {
            let (value, slope) = evaluate(coefficients, z[k]);
            if value.norm_sqr() == 0.0 {
                continue;
            }
            let ratio = value / slope;
            let others: Complex64 = (0..N).filter(|j| *j != k).map(|j| (z[k] - z[j]).inv()).sum();
            let step = ratio / (Complex64::new(1.0, 0.0) - ratio * others);
            if step.re.is_finite() && step.im.is_finite() {
                z[k] -= step;
                largest = largest.max(step.norm_sqr());
            }
        }
        if largest < TOLERANCE * TOLERANCE {
            break;
        }
    }
    z
}

/// Value and derivative, by Horner's rule.
fn evaluate<const N: usize>(coefficients: &[Complex64; N], z: Complex64) -> (Complex64, Complex64) {
    let (mut value, mut slope) = (Complex64::new(1.0, 0.0), Complex64::default());
    for c in coefficients.iter().rev() {
        slope = slope * z + value;
        value = value * z + c;
    }
    (value, slope)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roots_that_are_known() {
        let wanted: [Complex64; 6] = [(0.9, 0.3), (0.9, 1.1), (0.99, 2.0), (0.9, -0.3), (0.9, -1.1), (0.99, -2.0)]
            .map(|(r, angle)| Complex64::from_polar(r, angle));
        let mut coefficients = vec![Complex64::new(1.0, 0.0)];
        for root in wanted {
            let mut next = vec![Complex64::default(); coefficients.len() + 1];
            for (i, c) in coefficients.iter().enumerate() {
                next[i + 1] += c;
                next[i] -= c * root;
            }
            coefficients = next;
        }
        let found = roots::<6>(&coefficients[..6].try_into().unwrap());
        for root in wanted {
            assert!(found.iter().any(|z| (z - root).norm() < 1e-9), "{root}: {found:?}");
        }
    }
}
