//! Glottal pulses: one instant a period of the voice.
//!
//! As Praat's manual describes "Sound & Pitch: To PointProcess (cc)": in each voiced stretch the first pulse is the
//! extremum of the sound within one period around the middle, and from there the next lies where the sound of one
//! period around it resembles that around the last most, 0.8 to 1.25 periods on, to the left and to the right. Places
//! that resemble too little give no pulse; one more may lie beyond the edge. The manual names the limits of
//! correlation; the reach of 1.25 periods and the least peaks are not in it and follow what Praat does.

use super::interpolate::vertex;
use super::pitch::Voiced;
use super::statistics::Grid;
use crate::audio::SAMPLE_RATE_HZ;
use std::ops::Range;

const RATE: f64 = SAMPLE_RATE_HZ as f64;
/// Where the next pulse is looked for, periods away.
const REACH: (f64, f64) = (0.8, 1.25);
/// The least correlation of a pulse with the last one, and of one beyond the edge.
const LEAST_CORRELATION: (f64, f64) = (0.3, 0.7);
/// The least peak around a pulse against that of the clip, and around one beyond the edge.
const LEAST_PEAK: (f64, f64) = (0.01, 0.023_333);

/// What the search works on.
struct Search<'a> {
    samples: &'a [f32],
    grid: Grid,
    frames: &'a [Option<Voiced>],
    /// Largest sample of the clip.
    peak: f64,
}

/// A place that resembles another.
struct Match {
    time_s: f64,
    correlation: f64,
    /// Largest sample around it.
    peak: f64,
}

/// The instants of all pulses, seconds, in order.
pub(super) fn pulses(samples: &[f32], grid: Grid, frames: &[Option<Voiced>]) -> Vec<f64> {
    let peak = samples.iter().fold(0.0f64, |peak, x| peak.max(f64::from(x.abs())));
    let search = Search { samples, grid, frames, peak };
    let mut found: Vec<f64> = Vec::new();
    for stretch in stretches(frames) {
        let edges = search.edges(&stretch);
        let after = found.last().copied().unwrap_or(f64::NEG_INFINITY);
        let Some(first) = search.first(edges) else { continue };
        let mut left = search.walk(first, edges, -1.0, after);
        left.reverse();
        found.extend(left);
        // The first pulse itself may lie too near to the last of the stretch before.
        if search.period(first).is_some_and(|period| first - found.last().copied().unwrap_or(after) > REACH.0 * period)
        {
            found.push(first);
        }
        found.extend(search.walk(first, edges, 1.0, after));
    }
    found
}

/// Runs of voiced frames.
fn stretches(frames: &[Option<Voiced>]) -> Vec<Range<usize>> {
    let mut runs: Vec<Range<usize>> = Vec::new();
    for (i, _) in frames.iter().enumerate().filter(|(_, frame)| frame.is_some()) {
        match runs.last_mut() {
            Some(run) if run.end == i => run.end = i + 1,
            _ => runs.push(i..i + 1),
        }
    }
    runs
}

impl Search<'_> {
    /// A stretch in time: half a step beyond the middles of its first and last frame.
    fn edges(&self, stretch: &Range<usize>) -> (f64, f64) {
        let half = 0.5 * self.grid.step_s;
        let end = self.samples.len() as f64 / RATE;
        let (left, right) = (self.grid.time(stretch.start) - half, self.grid.time(stretch.end - 1) + half);
        (left.max(0.0), right.min(end))
    }

    /// The period at an instant, interpolated between frames; none where the nearest frame is unvoiced.
    fn period(&self, time_s: f64) -> Option<f64> {
        let place = (time_s - self.grid.first_s) / self.grid.step_s;
        let near = self.grid.nearest(time_s)?;
        let hz = self.frames.get(near).copied().flatten()?.hz;
        let far = if place < near as f64 { near.checked_sub(1) } else { Some(near + 1) };
        let share = (place - near as f64).abs();
        let other = far.and_then(|far| self.frames.get(far).copied().flatten());
        Some(1.0 / other.map_or(hz, |other| hz + share * (other.hz - hz)))
    }

    /// The extremum within a period around the middle of a stretch.
    fn first(&self, (left, right): (f64, f64)) -> Option<f64> {
        let middle = 0.5 * (left + right);
        let half = 0.5 * self.period(middle)?;
        let start = place(middle - half).floor().max(0.0) as usize;
        let part = self.samples.get(start..(place(middle + half).ceil() as usize + 1).min(self.samples.len()))?;
        let values: Vec<f64> = part.iter().map(|x| f64::from(*x)).collect();
        let away = |i: &usize| values.get(*i).map_or(0.0, |x| x.abs());
        let at = (0..values.len()).max_by(|a, b| away(a).total_cmp(&away(b)).then(b.cmp(a)))?;
        Some(time(start as f64 + at as f64 + vertex(&values, at).0))
    }

    /// Pulses from one on, in the direction `way`, until the edge. None lies close behind `after`.
    fn walk(&self, from: f64, (left, right): (f64, f64), way: f64, after: f64) -> Vec<f64> {
        let mut found = Vec::new();
        let mut at = from;
        while let Some(period) = self.period(at) {
            let ends = (at + way * REACH.0 * period, at + way * REACH.1 * period);
            let best = self.most_alike(at, period, (ends.0.min(ends.1), ends.0.max(ends.1)));
            let best = best.unwrap_or(Match { time_s: at + way * period, correlation: -1.0, peak: 0.0 });
            at = best.time_s;
            let free = way > 0.0 || at - after > REACH.0 * period;
            if at < left || at > right {
                let clear = best.correlation > LEAST_CORRELATION.1 && best.peak > LEAST_PEAK.1 * self.peak;
                if clear && free {
                    found.push(at);
                }
                break;
            }
            let loud = best.peak == 0.0 || best.peak > LEAST_PEAK.0 * self.peak;
            if best.correlation > LEAST_CORRELATION.0 && loud && free {
                found.push(at);
            }
        }
        found
    }

    /// The place between two instants around which the sound resembles that around `at` most.
    fn most_alike(&self, at: f64, width_s: f64, (from, to): (f64, f64)) -> Option<Match> {
        let half = 0.5 * width_s;
        let own = place(at - half).round() as i64..place(at + half).round() as i64 + 1;
        let length = (own.end - own.start) as usize;
        let window = |start: i64| {
            let start = usize::try_from(start).ok()?;
            self.samples.get(start..start + length)
        };
        let own_sound = window(own.start)?;
        let own_power = power(own_sound);
        let starts = place(from - half).floor() as i64..place(to - half).ceil() as i64 + 1;
        let correlation = |start: i64| {
            let Some(sound) = window(start) else { return 0.0 };
            let product: f64 = sound.iter().zip(own_sound).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum();
            let norm = (own_power * power(sound)).sqrt();
            if norm > 0.0 { product / norm } else { 0.0 }
        };
        // Before the first place stands a 0, so that the curve may peak there.
        let curve: Vec<f64> = std::iter::once(0.0).chain(starts.clone().map(correlation)).collect();
        let local = |i: &usize| curve[*i] >= curve[*i - 1] && curve[*i] >= curve[*i + 1];
        let inner = (1..curve.len().saturating_sub(1)).filter(local);
        let best = inner.max_by(|a, b| curve[*a].total_cmp(&curve[*b]).then(b.cmp(a)))?;
        let (offset, height) = vertex(&curve, best);
        let start = starts.start + best as i64 - 1;
        let shift = (start - own.start) as f64 + offset;
        let sound = window(start).unwrap_or_default();
        let peak = sound.iter().fold(0.0f64, |peak, x| peak.max(f64::from(x.abs())));
        Some(Match { time_s: at + shift / RATE, correlation: height, peak })
    }
}

fn power(sound: &[f32]) -> f64 {
    sound.iter().map(|x| f64::from(*x) * f64::from(*x)).sum()
}

/// Sample number of an instant; a sample stands for the middle of its own span.
fn place(time_s: f64) -> f64 {
    time_s * RATE - 0.5
}

fn time(place: f64) -> f64 {
    (place + 0.5) / RATE
}
