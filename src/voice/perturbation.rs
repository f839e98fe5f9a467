//! How unsteady the voice is from one period to the next, in time (jitter) and in amplitude (shimmer).
//!
//! Both are the local measures of Praat's voice report: mean absolute difference of neighbours over the mean.

use super::pitch::{PITCH_CEILING_HZ, PITCH_FLOOR_HZ};
use super::statistics::mean;
use crate::audio::SAMPLE_RATE_HZ;
use std::f64::consts::PI;

const RATE: f64 = SAMPLE_RATE_HZ as f64;
/// Shortest and longest distance of two pulses that is a period, seconds.
const PERIODS_S: (f64, f64) = (0.8 / PITCH_CEILING_HZ, 1.25 / PITCH_FLOOR_HZ);
/// Largest ratio of neighbouring periods.
const MOST_PERIOD_RATIO: f64 = 1.3;
/// Largest ratio of neighbouring amplitudes.
const MOST_AMPLITUDE_RATIO: f64 = 1.6;
/// Reach of the amplitude's window on either side, periods.
const AMPLITUDE_REACH: f64 = 0.2;
/// Fewer pairs of neighbours give no figure.
const FEWEST: usize = 3;

/// A measure in percent, and how many pairs of neighbours it rests on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Perturbation {
    pub percent: f64,
    pub pairs: usize,
}

fn is_period(period: f64) -> bool {
    (PERIODS_S.0..=PERIODS_S.1).contains(&period)
}

fn ratio(a: f64, b: f64) -> f64 {
    if a > b { a / b } else { b / a }
}

/// Mean absolute difference of consecutive periods over the mean period.
pub(super) fn jitter(pulses: &[f64]) -> Option<Perturbation> {
    let periods: Vec<f64> = pulses.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let fits = |a: f64, b: f64| is_period(a) && is_period(b) && ratio(a, b) <= MOST_PERIOD_RATIO;
    let differences = || periods.windows(2).filter(|p| fits(p[0], p[1])).map(|p| ((p[0] - p[1]).abs(), 1.0));
    // A period counts for the mean where it fits to one of its neighbours.
    let counts = |i: usize| {
        let before = i.checked_sub(1).and_then(|before| periods.get(before));
        [before, periods.get(i + 1)].into_iter().flatten().any(|other| fits(*other, periods[i]))
    };
    let period = mean((0..periods.len()).filter(|i| counts(*i)).map(|i| (periods[i], 1.0)))?;
    result(mean(differences())? / period, differences().count())
}

/// Mean absolute difference of the amplitudes of consecutive periods over the mean amplitude.
pub(super) fn shimmer(samples: &[f32], pulses: &[f64]) -> Option<Perturbation> {
    let amplitudes: Vec<(f64, f64)> = pulses
        .windows(3)
        .filter_map(|p| {
            let (left, right) = (p[1] - p[0], p[2] - p[1]);
            let fits = is_period(left) && is_period(right) && ratio(left, right) <= MOST_PERIOD_RATIO;
            let amplitude = weighted_rms(samples, p[1], AMPLITUDE_REACH * left, AMPLITUDE_REACH * right);
            (fits && amplitude > 0.0).then_some((p[1], amplitude))
        })
        .collect();
    let pairs = || {
        amplitudes.windows(2).filter(|p| is_period(p[1].0 - p[0].0) && ratio(p[0].1, p[1].1) <= MOST_AMPLITUDE_RATIO)
    };
    let amplitude = mean(amplitudes.iter().rev().skip(1).map(|(_, amplitude)| (*amplitude, 1.0)))?;
    result(mean(pairs().map(|p| ((p[0].1 - p[1].1).abs(), 1.0)))? / amplitude, pairs().count())
}

fn result(share: f64, pairs: usize) -> Option<Perturbation> {
    (pairs >= FEWEST && share.is_finite()).then_some(Perturbation { percent: 100.0 * share, pairs })
}

/// Root mean square around an instant, under a Hann window that reaches so many seconds to each side.
fn weighted_rms(samples: &[f32], at: f64, left: f64, right: f64) -> f64 {
    let from = ((at - left) * RATE - 0.5).ceil().max(0.0) as usize;
    let to = (((at + right) * RATE - 0.5).floor().max(-1.0) + 1.0) as usize;
    let (mut sum, mut weight) = (0.0, 0.0);
    for (i, x) in samples.get(from..to.min(samples.len())).unwrap_or_default().iter().enumerate() {
        let away = ((from + i) as f64 + 0.5) / RATE - at;
        let w = 0.5 + 0.5 * (PI * away / if away < 0.0 { left } else { right }).cos();
        sum += (f64::from(*x) * w).powi(2);
        weight += w * w;
    }
    if weight > 0.0 { (sum / weight).sqrt() } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_train_of_known_jitter_has_it() {
        // Periods of 9.9 and 10.1 ms in turn: a difference of 0.2 ms each time, of 10 ms.
        let mut pulses = vec![0.0];
        (0..100usize).for_each(|i| pulses.push(pulses[i] + if i.is_multiple_of(2) { 0.0099 } else { 0.0101 }));
        let found = jitter(&pulses).unwrap();
        assert!((found.percent - 2.0).abs() < 1e-9 && found.pairs == 99, "{found:?}");
        // A jump of more than 1.3 is no period of the voice and counts for nothing.
        pulses.extend((1..50).map(|i| 5.0 + f64::from(i) * 0.01));
        assert!(jitter(&pulses).unwrap().percent < 2.0);
        assert_eq!((jitter(&[]), jitter(&[0.0, 0.01, 0.02]), jitter(&[0.0, 1.0, 2.0, 3.0])), (None, None, None));
    }

    #[test]
    fn pulses_of_known_shimmer_have_it() {
        // Steps of 10 ms, each flat around its pulse, of amplitude 0.9 and 1.1 in turn.
        let samples: Vec<f32> = (0..16_000).map(|i| if (i / 160usize).is_multiple_of(2) { 0.9 } else { 1.1 }).collect();
        let pulses: Vec<f64> = (0..100).map(|i| 0.005 + f64::from(i) * 0.01).collect();
        let found = shimmer(&samples, &pulses).unwrap();
        assert!((found.percent - 20.0).abs() < 0.3, "{found:?}");
        assert_eq!(shimmer(&[0.0; 16_000], &pulses), None);
    }
}
