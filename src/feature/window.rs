//! Analysis windows: the weights a frame is multiplied by before the transform.

use schemars::JsonSchema;
use serde::Serialize;
use std::f64::consts::TAU;

/// The shape of the analysis window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Window {
    /// Symmetric Hann to the power 0.85, Kaldi's own.
    Povey,
    /// `0.54 - 0.46 cos(2 pi n / (N - 1))`, symmetric.
    Hamming,
    /// `0.5 - 0.5 cos(2 pi n / N)`, periodic, as for short-time Fourier transforms.
    HannPeriodic,
    /// All ones.
    Rectangular,
}

impl Window {
    /// The `length` weights.
    pub fn weights(self, length: usize) -> Vec<f32> {
        let symmetric = (length.max(2) - 1) as f64;
        let weight = |n: usize| match self {
            Window::Povey => (0.5 - 0.5 * (TAU * n as f64 / symmetric).cos()).powf(0.85),
            Window::Hamming => 0.54 - 0.46 * (TAU * n as f64 / symmetric).cos(),
            Window::HannPeriodic => 0.5 - 0.5 * (TAU * n as f64 / length as f64).cos(),
            Window::Rectangular => 1.0,
        };
        (0..length).map(|n| weight(n) as f32).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_have_their_textbook_values() {
        assert_eq!(Window::Rectangular.weights(3), [1.0, 1.0, 1.0]);
        assert_eq!(Window::HannPeriodic.weights(4), [0.0, 0.5, 1.0, 0.5]);
        let hamming = Window::Hamming.weights(5);
        assert!((hamming[0] - 0.08).abs() < 1e-7 && (hamming[2] - 1.0).abs() < 1e-7);
        let povey = Window::Povey.weights(5);
        assert!(povey[0] == 0.0 && (povey[1] - 0.5f32.powf(0.85)).abs() < 1e-7);
    }
}
