//! The one transcendental function of the frame loop, in plain arithmetic.
//!
//! A C library chooses its logarithm by processor, so its last bit may differ between machines. This one uses only
//! addition, multiplication and bit operations in a fixed order: every machine gives the same bits, and the compiler
//! can keep several frames in one vector register.

/// Number of frames that go through the frame loop side by side.
pub(crate) const LANES: usize = 16;

/// One value for each of [`LANES`] frames.
pub(crate) type Lanes = [f32; LANES];

/// Natural logarithm of a positive, normal `x`; error at most 2 units in the last place.
///
/// Zero, negative, subnormal and non-finite arguments are for the caller to exclude. Polynomial and reduction are
/// those of `logf` in Moshier's Cephes library.
#[inline(always)]
pub(crate) fn ln(x: f32) -> f32 {
    const SQRT_HALF: u32 = 0x3f35_04f3;
    let exponent = (x.to_bits().wrapping_sub(SQRT_HALF) as i32) >> 23;
    let mantissa = f32::from_bits(x.to_bits().wrapping_sub((exponent << 23) as u32));
    let z = mantissa - 1.0;
    let e = exponent as f32;
    let mut p = 7.037_684e-2;
    p = p * z - 1.151_461e-1;
    p = p * z + 1.167_699_9e-1;
    p = p * z - 1.242_014_1e-1;
    p = p * z + 1.424_932_3e-1;
    p = p * z - 1.666_805_8e-1;
    p = p * z + 2.000_071_5e-1;
    p = p * z - 2.499_999_4e-1;
    p = p * z + 3.333_333e-1;
    let zz = z * z;
    let y = p * z * zz - 2.121_944_4e-4 * e - 0.5 * zz;
    z + y + 0.693_359_4 * e
}

/// Sum of `f(x)` in [`LANES`] partial sums, so that the order of additions is the same for every vector width.
#[inline(always)]
pub(crate) fn sum_by(x: &[f32], f: impl Fn(f32) -> f32) -> f32 {
    let mut partial: Lanes = [0.0; LANES];
    let (blocks, rest) = x.as_chunks::<LANES>();
    for block in blocks {
        for (p, v) in partial.iter_mut().zip(block) {
            *p += f(*v);
        }
    }
    for (p, v) in partial.iter_mut().zip(rest) {
        *p += f(*v);
    }
    partial.iter().sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ln_agrees_with_double_precision() {
        let mut x = 1.2e-38f32;
        while x < 3.0e38 {
            let exact = f64::from(x).ln();
            let tolerance = 2.0 * (exact.abs().max(f64::from(f32::MIN_POSITIVE)) * f64::from(f32::EPSILON));
            let near_one = 1.5e-7 * (f64::from(x) - 1.0).abs().max(1e-7);
            assert!((f64::from(ln(x)) - exact).abs() <= tolerance.max(near_one), "ln({x}) = {}, {exact}", ln(x));
            x *= 1.000_37;
        }
        assert_eq!(ln(1.0), 0.0);
    }

    #[test]
    fn sum_by_counts_every_value_once() {
        for n in 0..70 {
            let x: Vec<f32> = (1..=n).map(|v| v as f32).collect();
            assert_eq!(sum_by(&x, |v| v), (n * (n + 1) / 2) as f32);
        }
    }
}
