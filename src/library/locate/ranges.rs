//! From the scores of overlapping windows to ranges of time.
//!
//! The score of an instant is that of the window whose middle is nearest; instants at or above the threshold make
//! ranges, and ranges closer than [`JOINED_S`] are one. So each end of a range is an end of a window's middle part, and
//! every window that reaches the threshold is in some range. (On composed recordings the mean or the median of all the
//! windows over an instant found as much at as few false seconds, within one in a hundred; the greatest found more and
//! was wrong twice as often.)

use super::cut::{Stretch, samples};

/// Ranges closer than this are one, seconds.
pub const JOINED_S: f64 = 1.0;

/// The stretches in which the voice is found. `scored` are the windows that have a score, in the order of their starts.
pub(super) fn found(scored: &[(Stretch, f64)], limit: f64) -> Vec<Stretch> {
    let mut ranges: Vec<Stretch> = Vec::new();
    let joined = samples(JOINED_S);
    for (step, score) in steps(scored) {
        if score < limit {
            continue;
        }
        match ranges.last_mut().filter(|range| step.start < range.end + joined) {
            Some(range) => range.end = step.end,
            None => ranges.push(step),
        }
    }
    ranges
}

/// The stretch in which each window is the nearest, with its score, in the order of the windows: neighbours that
/// overlap meet in the middle of what they share. What no window covers is left out.
pub(super) fn steps(scored: &[(Stretch, f64)]) -> Vec<(Stretch, f64)> {
    let meet = |before: Option<&(Stretch, f64)>, after: Option<&(Stretch, f64)>| {
        let (before, after) = (before?.0, after?.0);
        (after.start < before.end).then_some(u64::midpoint(after.start, before.end))
    };
    let step = |(place, window): (usize, &(Stretch, f64))| {
        let before = place.checked_sub(1).and_then(|before| scored.get(before));
        let start = meet(before, Some(window)).unwrap_or(window.0.start);
        let end = meet(Some(window), scored.get(place + 1)).unwrap_or(window.0.end);
        (Stretch { start, end }, window.1)
    };
    scored.iter().enumerate().map(step).collect()
}

/// The places of the windows whose middle lies in a range.
pub(super) fn windows_of(range: Stretch, windows: impl Iterator<Item = Stretch>) -> Vec<usize> {
    let inside = |window: &Stretch| (range.start..=range.end).contains(&u64::midpoint(window.start, window.end));
    windows.enumerate().filter(|(_, window)| inside(window)).map(|(place, _)| place).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Windows of 3 s from these seconds on, with their scores.
    fn windows(scores: &[(u64, f64)]) -> Vec<(Stretch, f64)> {
        scores.iter().map(|(s, score)| (Stretch { start: 16_000 * s, end: 16_000 * (s + 3) }, *score)).collect()
    }

    fn seconds(stretch: &Stretch) -> (u64, u64) {
        (stretch.start / 16_000, stretch.end / 16_000)
    }

    #[test]
    fn an_instant_has_the_score_of_the_nearest_window() {
        let steps = steps(&windows(&[(0, 3.0), (1, 0.0), (2, -3.0), (9, 1.0)]));
        let told: Vec<_> = steps.iter().map(|(stretch, score)| (seconds(stretch), *score)).collect();
        assert_eq!(told, [((0, 2), 3.0), ((2, 3), 0.0), ((3, 5), -3.0), ((9, 12), 1.0)]);
        // The last window of a segment lies closer.
        let mut close = windows(&[(0, 1.0), (1, 2.0), (1, 3.0)]);
        close[2].0 = Stretch { start: 20_000, end: 68_000 };
        let ends: Vec<_> = super::steps(&close).iter().map(|(s, _)| (s.start, s.end)).collect();
        assert_eq!(ends, [(0, 32_000), (32_000, 42_000), (42_000, 68_000)]);
        assert!(super::steps(&[]).is_empty());
    }

    #[test]
    fn near_ranges_are_one_and_far_ones_are_not() {
        let found = |scores: &[(u64, f64)]| super::found(&windows(scores), 1.0).iter().map(seconds).collect::<Vec<_>>();
        assert_eq!(found(&[(0, 3.0), (1, 0.0), (2, -3.0), (9, 1.0)]), [(0, 2), (9, 12)]);
        assert_eq!(found(&[(0, 2.0), (3, 2.0)]), [(0, 6)]);
        assert_eq!(found(&[(0, 2.0), (4, 2.0)]), [(0, 3), (4, 7)]);
        assert_eq!(found(&[(0, 0.9)]), []);
        let mut close = windows(&[(0, 2.0), (4, 2.0)]);
        close[1].0.start -= 1;
        assert_eq!(super::found(&close, 1.0).len(), 1);
    }

    #[test]
    fn every_window_at_the_threshold_is_in_a_range() {
        let all = windows(&[(0, 2.0), (1, 2.0), (2, 0.0), (3, 0.0), (4, 2.0), (9, 2.0)]);
        let ranges = super::found(&all, 1.0);
        let inside = ranges.iter().map(|range| windows_of(*range, all.iter().map(|(s, _)| *s)));
        assert_eq!(inside.collect::<Vec<_>>(), [vec![0, 1], vec![4], vec![5]]);
    }
}
