//! Curves of millions of steps, reduced to what the eye can tell apart.

/// A place on the page: pixels from the left, pixels from the top.
pub(in crate::report) type Point = (f64, f64);

/// Points closer than this to the one before are one with it, in pixels.
const NEAR: f64 = 0.3;
/// How far the reduced curve may lie beside the other, in pixels.
const TOLERANCE: f64 = 0.1;
/// Most points of a reduced curve.
const MOST: usize = 600;

/// The curve with at most [`MOST`] points, its ends among them.
///
/// Points too close together are dropped as they come, so that the curve is never held as a whole. Of the rest, those
/// stay without which the curve would lie elsewhere by more than a tolerance (Douglas and Peucker 1973), which is
/// doubled until few enough stay.
pub(in crate::report) fn reduced(points: impl Iterator<Item = Point>) -> Vec<Point> {
    let apart = apart(points);
    let mut tolerance = TOLERANCE;
    loop {
        let simple = simplified(&apart, tolerance);
        if simple.len() <= MOST {
            return simple;
        }
        tolerance *= 2.0;
    }
}

/// The points without those that lie close to the last one kept; the last of all is always kept.
fn apart(points: impl Iterator<Item = Point>) -> Vec<Point> {
    let mut kept: Vec<Point> = Vec::new();
    let mut dropped = None;
    for point in points {
        if kept.last().is_none_or(|last| (last.0 - point.0).hypot(last.1 - point.1) >= NEAR) {
            kept.push(point);
            dropped = None;
        } else {
            dropped = Some(point);
        }
    }
    kept.extend(dropped);
    kept
}

/// The points that keep the curve within the tolerance of all of them.
fn simplified(points: &[Point], tolerance: f64) -> Vec<Point> {
    let mut kept: Vec<Point> = points.first().copied().into_iter().collect();
    let mut stretches = vec![points];
    while let Some(stretch) = stretches.pop() {
        let [first, inner @ .., last] = stretch else { continue };
        let distances = inner.iter().map(|point| distance(*point, *first, *last));
        match distances.enumerate().max_by(|a, b| a.1.total_cmp(&b.1)) {
            Some((i, distance)) if distance > tolerance => {
                stretches.extend(stretch.get(i + 1..));
                stretches.extend(stretch.get(..=i + 1));
            }
            _ => kept.push(*last),
        }
    }
    kept
}

/// How far a point lies from the straight line between two others.
fn distance(point: Point, from: Point, to: Point) -> f64 {
    let (dx, dy) = (to.0 - from.0, to.1 - from.1);
    let length = dx.hypot(dy);
    if length == 0.0 {
        return (point.0 - from.0).hypot(point.1 - from.1);
    }
    ((point.0 - from.0) * dy - (point.1 - from.1) * dx).abs() / length
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn corners_stay_and_what_lies_between_them_goes() {
        let along = (0..=200).map(|i| (f64::from(i) * 0.5, 0.0));
        let up = (1..=200).map(|i| (100.0, f64::from(i) * 0.5));
        assert_eq!(reduced(along.chain(up)), [(0.0, 0.0), (100.0, 0.0), (100.0, 100.0)]);
    }

    #[test]
    fn a_long_curve_keeps_its_ends_and_its_shape() {
        let at = |i: i32| (f64::from(i) * 4e-4, 200.0 + 150.0 * (f64::from(i) * 1e-5).sin());
        let curve = reduced((0..=1_000_000).map(at));
        assert!(curve.len() <= MOST, "{}", curve.len());
        assert_eq!((curve.first().copied(), curve.last().copied()), (Some(at(0)), Some(at(1_000_000))));
        for pair in curve.windows(2) {
            let middle = ((pair[0].0 + pair[1].0) / 2.0, (pair[0].1 + pair[1].1) / 2.0);
            let true_height = 200.0 + 150.0 * (middle.0 / 40.0).sin();
            assert!((middle.1 - true_height).abs() < 0.5, "{middle:?} {true_height}");
        }
    }

    #[test]
    fn noise_is_bounded_too() {
        let noise = (0..100_000u32).map(|i| (f64::from(i) * 0.004, f64::from(i.wrapping_mul(2_654_435_761) % 400)));
        assert!(reduced(noise).len() <= MOST);
        assert!(reduced(std::iter::empty()).is_empty());
        assert_eq!(reduced([(1.0, 2.0)].into_iter()), [(1.0, 2.0)]);
    }
}
