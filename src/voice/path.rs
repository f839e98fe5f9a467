//! The cheapest path through the candidates of all frames (Boersma 1993, equations 24 to 27), by dynamic programming.

use super::pitch::{Candidate, OCTAVE_COST, PITCH_CEILING_HZ, PitchFrame, SILENCE, TIME_STEP_S, VOICING};

/// What a jump of an octave from one frame to the next costs.
const OCTAVE_JUMP_COST: f64 = 0.35;
/// What a change between voiced and unvoiced costs.
const VOICING_CHANGE_COST: f64 = 0.14;
/// Costs of change are meant for frames 10 ms apart.
const STEP_CORRECTION: f64 = 0.01 / TIME_STEP_S;

/// Index of the chosen candidate of each frame.
pub(super) fn cheapest_path(frames: &[PitchFrame]) -> Vec<usize> {
    let mut origins: Vec<Vec<u8>> = Vec::with_capacity(frames.len());
    let (mut worth, mut next) = (Vec::new(), Vec::new());
    let mut before: &[Candidate] = &[];
    for frame in frames {
        let mut origin = Vec::with_capacity(frame.candidates.len());
        next.clear();
        for candidate in &frame.candidates {
            let (from, reached) = best_origin(before, &worth, candidate);
            origin.push(from as u8);
            next.push(reached + merit(frame, candidate));
        }
        origins.push(origin);
        std::mem::swap(&mut worth, &mut next);
        before = &frame.candidates;
    }
    let mut place = best(worth.iter().copied()).0;
    let mut path: Vec<usize> = origins
        .iter()
        .rev()
        .map(|origin| {
            let here = place;
            place = usize::from(origin.get(here).copied().unwrap_or(0));
            here
        })
        .collect();
    path.reverse();
    path
}

/// Which candidate of the frame before leads here best, and what the way there is worth.
fn best_origin(before: &[Candidate], worth: &[f64], candidate: &Candidate) -> (usize, f64) {
    if before.is_empty() {
        return (0, 0.0);
    }
    best(before.iter().zip(worth).map(|(origin, worth)| worth - change(origin, candidate)))
}

/// The first of the greatest.
fn best(values: impl Iterator<Item = f64>) -> (usize, f64) {
    values.enumerate().fold((0, f64::NEG_INFINITY), |best, (i, value)| if value > best.1 { (i, value) } else { best })
}

fn is_voiced(candidate: &Candidate) -> bool {
    candidate.hz > 0.0 && candidate.hz < PITCH_CEILING_HZ
}

fn merit(frame: &PitchFrame, candidate: &Candidate) -> f64 {
    if is_voiced(candidate) {
        candidate.strength - OCTAVE_COST * (PITCH_CEILING_HZ / candidate.hz).log2()
    } else {
        VOICING + (2.0 - frame.intensity / (SILENCE / (1.0 + VOICING))).max(0.0)
    }
}

fn change(from: &Candidate, to: &Candidate) -> f64 {
    match (is_voiced(from), is_voiced(to)) {
        (true, true) => STEP_CORRECTION * OCTAVE_JUMP_COST * (from.hz / to.hz).log2().abs(),
        (false, false) => 0.0,
        _ => STEP_CORRECTION * VOICING_CHANGE_COST,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(candidates: &[(f64, f64)]) -> PitchFrame {
        let candidates = candidates.iter().map(|(hz, strength)| Candidate { hz: *hz, strength: *strength }).collect();
        PitchFrame { intensity: 1.0, candidates }
    }

    #[test]
    fn a_stray_octave_is_passed_over_and_silence_is_unvoiced() {
        let mut frames = vec![frame(&[(0.0, 0.0), (100.0, 0.9), (200.0, 0.85)]); 9];
        frames[4] = frame(&[(0.0, 0.0), (100.0, 0.85), (200.0, 0.95)]);
        assert_eq!(cheapest_path(&frames), [1; 9]);
        frames.iter_mut().for_each(|frame| frame.intensity = 0.001);
        assert_eq!(cheapest_path(&frames), [0; 9]);
        assert!(cheapest_path(&[]).is_empty());
    }
}
