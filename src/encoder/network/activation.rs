//! Exponential, sigmoid and hyperbolic tangent in plain arithmetic.
//!
//! A C library chooses these by processor and version; here they are a fixed chain of additions, multiplications and
//! one division, so every machine gives the same bits. Each errs by less than 2e-7.

use super::grid::Grid;
use pulp::{Simd, WithSimd};

/// `exp(x)`; arguments beyond +-87 are taken as +-87. Reduction and polynomial are those of `expf` in Moshier's
/// Cephes library.
#[inline(always)]
pub(crate) fn exp<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    let splat = |x: f32| simd.splat_f32s(x);
    let x = simd.min_f32s(simd.max_f32s(x, splat(-87.0)), splat(87.0));
    // 1.5 * 2^23: adding it leaves the nearest whole number in the last bits of the sum.
    let shifter = splat(12_582_912.0);
    let shifted = simd.mul_add_f32s(x, splat(std::f32::consts::LOG2_E), shifter);
    let n = simd.sub_f32s(shifted, shifter);
    let r = simd.mul_add_f32s(n, splat(-0.693_359_4), x);
    let r = simd.mul_add_f32s(n, splat(2.121_944_4e-4), r);
    let mut p = splat(1.987_569_1e-4);
    for c in [1.398_199_9e-3, 8.333_452e-3, 4.166_579_6e-2, 1.666_666_5e-1, 0.5] {
        p = simd.mul_add_f32s(p, r, splat(c));
    }
    let y = simd.add_f32s(simd.mul_add_f32s(p, simd.mul_f32s(r, r), r), splat(1.0));
    // Times 2^n: n is added to the exponent's bits.
    let exponent = simd.wrapping_dyn_shl_u32s(simd.transmute_u32s_f32s(shifted), simd.splat_u32s(23));
    simd.transmute_f32s_u32s(simd.add_u32s(simd.transmute_u32s_f32s(y), exponent))
}

/// `1 / (1 + exp(-x))`.
#[inline(always)]
pub(crate) fn sigmoid<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    let one = simd.splat_f32s(1.0);
    simd.div_f32s(one, simd.add_f32s(one, exp(simd, simd.neg_f32s(x))))
}

/// `tanh(x) = 2 sigmoid(2 x) - 1`.
#[inline(always)]
pub(crate) fn tanh<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    let two = simd.splat_f32s(2.0);
    simd.sub_f32s(simd.mul_f32s(two, sigmoid(simd, simd.mul_f32s(two, x))), simd.splat_f32s(1.0))
}

/// The sigmoid of every value of the first `rows` rows, in place.
pub(crate) struct Sigmoid<'a> {
    pub grid: &'a mut Grid,
    pub rows: usize,
}

impl WithSimd for Sigmoid<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let width = self.grid.width();
        for row in 0..self.rows {
            let vectors = width.div_ceil(S::F32_LANES) * S::F32_LANES;
            let (values, _) = S::as_mut_simd_f32s(&mut self.grid.at_mut(row, 0)[..vectors]);
            for x in values {
                *x = sigmoid(simd, *x);
            }
        }
        self.grid.clear_tail(0, self.rows);
    }
}

#[cfg(test)]
mod tests {
    use super::super::kernel::Processor;
    use super::*;

    struct Each<'a>(&'a [f32], &'a mut [[f32; 3]]);

    impl WithSimd for Each<'_> {
        type Output = ();
        #[inline(always)]
        fn with_simd<S: Simd>(self, simd: S) {
            for (x, y) in self.0.iter().zip(self.1) {
                let x = simd.splat_f32s(*x);
                *y = [exp(simd, x), sigmoid(simd, x), tanh(simd, x)].map(|v| simd.reduce_max_f32s(v));
            }
        }
    }

    #[test]
    fn they_agree_with_double_precision_on_every_instruction_set() {
        let x: Vec<f32> = (-8800..8800).map(|i| i as f32 * 0.01).chain([0.0, 1e-6, -1e-6, 200.0, -200.0]).collect();
        let (mut fast, mut plain) = (vec![[0.0; 3]; x.len()], vec![[0.0; 3]; x.len()]);
        Processor::detect().run(Each(&x, &mut fast));
        Each(&x, &mut plain).with_simd(pulp::Scalar::new());
        assert_eq!(fast, plain);
        for (x, [exp, sigmoid, tanh]) in x.iter().zip(&fast) {
            let exact = f64::from(x.clamp(-87.0, 87.0));
            assert!((f64::from(*exp) / exact.exp() - 1.0).abs() < 2e-7, "exp({x}) {exp}");
            assert!((f64::from(*sigmoid) - 1.0 / (1.0 + (-exact).exp())).abs() < 2e-7, "sigmoid({x}) {sigmoid}");
            assert!((f64::from(*tanh) - exact.tanh()).abs() < 2e-7, "tanh({x}) {tanh}");
        }
    }
}
