//! From log filter-bank energies to cepstra: the DCT-II and the lifter, folded into one matrix.

use schemars::JsonSchema;
use serde::Serialize;
use std::f64::consts::PI;

/// The weighting of cepstra by their index `n`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Lifter {
    /// None.
    Off,
    /// `1 + L/2 sin(pi n / L)` (HTK, Kaldi, python_speech_features).
    Htk(f32),
    /// `1 + L/2 sin(pi (n + 1) / L)` (librosa).
    Librosa(f32),
}

impl Lifter {
    fn weight(self, n: usize) -> f64 {
        match self {
            Lifter::Off => 1.0,
            Lifter::Htk(l) => 1.0 + f64::from(l) / 2.0 * (PI * n as f64 / f64::from(l)).sin(),
            Lifter::Librosa(l) => 1.0 + f64::from(l) / 2.0 * (PI * (n + 1) as f64 / f64::from(l)).sin(),
        }
    }
}

/// The matrix `(coefficients, bands)`, row-major, of the orthonormal DCT-II followed by the lifter.
pub(crate) fn dct_matrix(coefficients: usize, bands: usize, lifter: Lifter) -> Vec<f32> {
    let b = bands as f64;
    let mut matrix = Vec::with_capacity(coefficients * bands);
    for n in 0..coefficients {
        let norm = if n == 0 { (1.0 / b).sqrt() } else { (2.0 / b).sqrt() };
        for j in 0..bands {
            let angle = PI * n as f64 * (j as f64 + 0.5) / b;
            matrix.push((norm * angle.cos() * lifter.weight(n)) as f32);
        }
    }
    matrix
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_full_matrix_is_orthonormal() {
        let m = dct_matrix(26, 26, Lifter::Off);
        for a in 0..26 {
            for b in 0..26 {
                let dot: f32 = (0..26).map(|j| m[a * 26 + j] * m[b * 26 + j]).sum();
                assert!((dot - if a == b { 1.0 } else { 0.0 }).abs() < 1e-6);
            }
        }
    }

    #[test]
    fn lifters_follow_their_formulas() {
        assert_eq!(Lifter::Htk(22.0).weight(0), 1.0);
        assert!((Lifter::Htk(22.0).weight(11) - 12.0).abs() < 1e-12);
        assert!((Lifter::Librosa(22.0).weight(10) - 12.0).abs() < 1e-12);
    }
}
