//! The interval of a share that was counted: how well `k` of `n` is known.

use statrs::function::beta::beta_reg;

/// The exact 95 % interval of a share of which `k` of `n` were counted (Clopper and Pearson, "The use of confidence or
/// fiducial limits", 1934), both ends 0 to 1: the shares for which as few as `k`, or as many, have a probability of
/// 0.025. None where `n` is 0 or less than `k`.
pub fn clopper_pearson(k: u64, n: u64) -> Option<(f64, f64)> {
    if n == 0 || k > n {
        return None;
    }
    let (some, rest) = (k as f64, (n - k) as f64);
    // The probability of k and more is the beta distribution's I(p; k, n - k + 1).
    let low = if k == 0 { 0.0 } else { share_where(|p| beta_reg(some, rest + 1.0, p), 0.025) };
    let high = if k == n { 1.0 } else { share_where(|p| beta_reg(some + 1.0, rest, p), 0.975) };
    Some((low, high))
}

/// Where a function that rises from 0 to 1 has a value, by bisection to the last digit.
fn share_where(function: impl Fn(f64) -> f64, value: f64) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..64 {
        let middle = (low + high) / 2.0;
        if function(middle) < value { low = middle } else { high = middle }
    }
    (low + high) / 2.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_answers() {
        // By SciPy 1.17.1's beta.ppf.
        let known = [
            (314, 315, 0.982_440_063_464_881_4, 0.999_919_629_236_302),
            (1, 2, 0.012_579_117_093_425_05, 0.987_420_882_906_574_9),
            (5, 10, 0.187_086_028_447_398_55, 0.812_913_971_552_601_5),
            (300, 1000, 0.271_721_112_129_144_46, 0.329_461_678_697_366),
            (1, 100_000, 2.531_780_477_933_314e-7, 5.571_516_034_774_275e-5),
            (600, 612, 0.965_999_733_173_246_1, 0.989_828_303_734_973_7),
        ];
        for (k, n, low, high) in known {
            let share = clopper_pearson(k, n).unwrap();
            assert!((share.0 - low).abs() < 1e-8 && (share.1 - high).abs() < 1e-8, "{k} of {n}: {share:?}");
            let mirrored = clopper_pearson(n - k, n).unwrap();
            assert!((mirrored.0 + share.1 - 1.0).abs() < 1e-8, "{share:?} {mirrored:?}");
        }
    }

    #[test]
    fn none_and_all_have_a_closed_form() {
        for n in [1, 10, 315] {
            let limit = 0.025f64.powf(1.0 / n as f64);
            let (none, all) = (clopper_pearson(0, n).unwrap(), clopper_pearson(n, n).unwrap());
            assert!(none.0 == 0.0 && (none.1 - (1.0 - limit)).abs() < 1e-10, "{none:?}");
            assert!(all.1 == 1.0 && (all.0 - limit).abs() < 1e-10, "{all:?}");
        }
        assert_eq!((clopper_pearson(0, 0), clopper_pearson(2, 1)), (None, None));
    }
}
