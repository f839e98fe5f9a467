//! The angle between two vectors.

/// Cosine of the angle between `a` and `b`, -1 to 1; none where one of them has no direction or the lengths differ.
///
/// Sums are in double precision and in the order of the values.
pub fn cosine(a: &[f32], b: &[f32]) -> Option<f64> {
    if a.len() != b.len() {
        return None;
    }
    let (mut dot, mut aa, mut bb) = (0.0f64, 0.0f64, 0.0f64);
    for (x, y) in a.iter().zip(b) {
        let (x, y) = (f64::from(*x), f64::from(*y));
        dot += x * y;
        aa += x * x;
        bb += y * y;
    }
    let norm = (aa * bb).sqrt();
    (norm > 0.0 && norm.is_finite()).then(|| (dot / norm).clamp(-1.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_angles() {
        assert_eq!(cosine(&[1.0, 0.0], &[0.0, 2.0]), Some(0.0));
        assert_eq!(cosine(&[1.0, 2.0], &[-2.0, -4.0]), Some(-1.0));
        assert!((cosine(&[1.0, 0.0], &[1.0, 1.0]).unwrap() - 0.5f64.sqrt()).abs() < 1e-15);
        assert_eq!(cosine(&[0.0, 0.0], &[1.0, 1.0]), None);
        assert_eq!(cosine(&[1.0], &[1.0, 1.0]), None);
    }

    proptest! {
        #[test]
        fn symmetric_bounded_and_blind_to_scale(pairs in prop::collection::vec((-1e3f32..1e3, -1e3f32..1e3), 1..20)) {
            let (a, b): (Vec<f32>, Vec<f32>) = pairs.into_iter().unzip();
            let c = cosine(&a, &b);
            prop_assert_eq!(c, cosine(&b, &a));
            if let Some(c) = c {
                prop_assert!((-1.0..=1.0).contains(&c));
                let doubled: Vec<f32> = a.iter().map(|x| 2.0 * x).collect();
                prop_assert!((cosine(&doubled, &b).unwrap() - c).abs() < 1e-12);
            }
        }
    }
}
