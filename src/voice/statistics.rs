//! Frames in time, and the order statistics of what is measured in them.

/// Frames that lie evenly around the middle of a clip.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Grid {
    pub frames: usize,
    /// Middle of the first frame, seconds.
    pub first_s: f64,
    pub step_s: f64,
}

impl Grid {
    /// As many frames of so many seconds as fit into the samples.
    pub fn centred(samples: usize, rate_hz: f64, window_s: f64, step_s: f64) -> Self {
        let duration_s = samples as f64 / rate_hz;
        let room = (duration_s - window_s) / step_s;
        let frames = if room < 0.0 { 0 } else { room.floor() as usize + 1 };
        let first_s = 0.5 * (duration_s - frames.saturating_sub(1) as f64 * step_s);
        Grid { frames, first_s, step_s }
    }

    /// Middle of a frame, seconds.
    pub fn time(&self, frame: usize) -> f64 {
        self.first_s + frame as f64 * self.step_s
    }

    /// The frame whose middle is nearest; none outside.
    pub fn nearest(&self, time_s: f64) -> Option<usize> {
        let place = ((time_s - self.first_s) / self.step_s).round();
        (place >= 0.0 && place < self.frames as f64).then_some(place as usize)
    }
}

/// The value that so large a share of the sorted values lies under, interpolated (Hazen's definition, which is
/// Praat's).
pub(super) fn quantile(sorted: &[f64], share: f64) -> Option<f64> {
    let place = (share * sorted.len() as f64 - 0.5).clamp(0.0, sorted.len().checked_sub(1)? as f64);
    let (low, high) = (sorted.get(place.floor() as usize)?, sorted.get(place.ceil() as usize)?);
    Some(low + (high - low) * place.fract())
}

pub(super) fn sorted(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values
}

pub(super) fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    quantile(&sorted(values), 0.5)
}

/// Mean of values with weights; none without weight.
pub(super) fn mean(values: impl Iterator<Item = (f64, f64)>) -> Option<f64> {
    let (sum, weight) = values.fold((0.0, 0.0), |(sum, all), (value, weight)| (sum + value * weight, all + weight));
    (weight > 0.0).then(|| sum / weight)
}

/// Standard deviation of a sample (of n - 1); none of fewer than two values.
pub(super) fn deviation(values: &[f64]) -> Option<f64> {
    let n = values.len() as f64;
    let mean = mean(values.iter().map(|x| (*x, 1.0)))?;
    (values.len() > 1).then(|| (values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (n - 1.0)).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_statistics_by_hand() {
        let values = [1.0, 2.0, 3.0, 4.0];
        assert_eq!(
            (quantile(&values, 0.5), quantile(&values, 0.2), quantile(&values, 1.0)),
            (Some(2.5), Some(1.3), Some(4.0))
        );
        assert_eq!(
            (quantile(&[], 0.5), median([3.0, 1.0, 2.0].into_iter()), deviation(&[1.0])),
            (None, Some(2.0), None)
        );
        assert_eq!(
            (deviation(&[1.0, 3.0]), mean([(1.0, 1.0), (4.0, 3.0)].into_iter())),
            (Some(2f64.sqrt()), Some(3.25))
        );
        assert_eq!(mean(std::iter::empty()), None);
    }

    #[test]
    fn frames_lie_evenly() {
        let grid = Grid::centred(16_000, 16_000.0, 0.04, 0.01);
        assert_eq!((grid.frames, grid.nearest(0.5), grid.nearest(0.0), grid.nearest(2.0)), (97, Some(48), None, None));
        assert_eq!(Grid::centred(640, 16_000.0, 0.04, 0.01).frames, 1);
        assert_eq!(Grid::centred(639, 16_000.0, 0.04, 0.01).frames, 0);
    }
}
