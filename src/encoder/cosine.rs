//! The angle between two vectors.

use pulp::Arch;

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
    of_sums(dot, aa, bb)
}

/// A vector brought to length one; none where it has no direction.
pub(crate) fn unit(values: &[f32]) -> Option<Vec<f32>> {
    let norm = values.iter().map(|x| f64::from(*x) * f64::from(*x)).sum::<f64>().sqrt();
    (norm > 0.0 && norm.is_finite()).then(|| values.iter().map(|x| (f64::from(*x) / norm) as f32).collect())
}

fn of_sums(dot: f64, aa: f64, bb: f64) -> Option<f64> {
    let norm = (aa * bb).sqrt();
    (norm > 0.0 && norm.is_finite()).then(|| (dot / norm).clamp(-1.0, 1.0))
}

/// Vectors of one length, laid out so that another is compared with several of them at a time.
#[derive(Clone, Debug)]
pub(crate) struct Vectors {
    n: usize,
    width: usize,
    /// Group after group of [`LANES`] vectors, the values of a place side by side; the last group is filled with zeros.
    values: Vec<[f64; LANES]>,
    /// Sum of squares of each.
    squares: Vec<f64>,
}

const LANES: usize = 16;

impl Vectors {
    /// Lays out vectors; none where their lengths differ, or they have none.
    pub fn new(vectors: &[&[f32]]) -> Option<Self> {
        let width = vectors.first().map(|vector| vector.len()).filter(|width| *width > 0)?;
        if vectors.iter().any(|vector| vector.len() != width) {
            return None;
        }
        let mut values = vec![[0.0; LANES]; vectors.len().div_ceil(LANES) * width];
        for (group, places) in vectors.chunks(LANES).zip(values.chunks_exact_mut(width)) {
            for (lane, vector) in group.iter().enumerate() {
                for (place, x) in places.iter_mut().zip(*vector) {
                    if let Some(value) = place.get_mut(lane) {
                        *value = f64::from(*x);
                    }
                }
            }
        }
        let squares = vectors.iter().map(|vector| square(vector)).collect();
        Some(Vectors { n: vectors.len(), width, values, squares })
    }

    /// The [`cosine`] of a vector to each, to the bit.
    pub fn cosines(&self, vector: &[f32]) -> Vec<Option<f64>> {
        if vector.len() != self.width {
            return vec![None; self.n];
        }
        let mut dots = vec![[0.0; LANES]; self.n.div_ceil(LANES)];
        // Wider registers hold more of the lanes; what is added to what is the same.
        Arch::new().dispatch(|| products(&self.values, self.width, vector, &mut dots));
        let own = square(vector);
        dots.as_flattened().iter().zip(&self.squares).map(|(dot, square)| of_sums(*dot, own, *square)).collect()
    }
}

/// The sum of products of a vector with each lane of each group.
#[inline(always)]
fn products(values: &[[f64; LANES]], width: usize, vector: &[f32], dots: &mut [[f64; LANES]]) {
    for (places, dots) in values.chunks_exact(width).zip(dots) {
        let mut sums = [0.0; LANES];
        for (x, place) in vector.iter().zip(places) {
            let x = f64::from(*x);
            sums.iter_mut().zip(place).for_each(|(sum, y)| *sum += x * y);
        }
        *dots = sums;
    }
}

fn square(vector: &[f32]) -> f64 {
    vector.iter().map(|x| f64::from(*x)).fold(0.0, |sum, x| sum + x * x)
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
        fn many_at_a_time_are_the_same_bits(
            width in 1usize..70, n in 1usize..30, seed in proptest::collection::vec(-2.0f32..2.0, 64),
        ) {
            let value = |i: usize| seed[i % seed.len()] * (1.0 + (i % 13) as f32);
            let all: Vec<Vec<f32>> = (0..n).map(|i| (0..width).map(|j| value(i * 31 + j * 7)).collect()).collect();
            let vectors = Vectors::new(&all.iter().map(Vec::as_slice).collect::<Vec<_>>()).unwrap();
            for one in &all {
                let apart: Vec<Option<f64>> = all.iter().map(|other| cosine(one, other)).collect();
                prop_assert_eq!(vectors.cosines(one), apart);
            }
        }

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
