//! From the scores of overlapping windows to ranges of time.
//!
//! The score of an instant is the mean of the scores of the windows that cover it; it changes where a window starts or
//! ends. Instants at or above the threshold make ranges, and ranges closer than [`JOINED_S`] are one. The mean, and not
//! the greatest, because a window that only reaches into the voice is carried by its neighbours' verdict and not by its
//! own.

use super::cut::{Stretch, samples};
use crate::encoder::{Encoder, EncoderSet};
use crate::error::{Error, ErrorKind, Result};
use schemars::JsonSchema;
use serde::Serialize;
use std::fmt;

/// Ranges closer than this are one, seconds.
pub const JOINED_S: f64 = 1.0;

/// What a voice is found by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LocateScore {
    /// The decimal logarithm of the likelihood ratio, before its bounds.
    Log10Lr,
    /// The cosine of an encoder.
    #[serde(untagged)]
    Cosine(Encoder),
}

impl LocateScore {
    /// The name in options and results: `log10_lr` or the encoder's.
    pub fn name(self) -> &'static str {
        match self {
            LocateScore::Log10Lr => "log10_lr",
            LocateScore::Cosine(encoder) => encoder.name(),
        }
    }

    /// The name in print.
    pub fn label(self) -> String {
        match self {
            LocateScore::Log10Lr => "log10 LR".into(),
            LocateScore::Cosine(encoder) => format!("{} cosine", encoder.label()),
        }
    }
}

/// A threshold: the voice is where the score lies at or above it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Above {
    /// The score that is looked at.
    pub score: LocateScore,
    /// The least score at which the voice is found.
    pub limit: f64,
}

impl Above {
    /// The threshold where none is asked for.
    pub const DEFAULT: Above = Above { score: LocateScore::Log10Lr, limit: 1.0 };

    /// Refuses a score that the panel does not compute.
    pub(super) fn check(&self, encoders: EncoderSet) -> Result<()> {
        match self.score {
            LocateScore::Cosine(encoder) if !encoders.contains(encoder) => {
                let expected = format!("a score that is computed (now {encoders}); add {encoder} to --encoder");
                Err(ErrorKind::Setting { name: "above", found: self.to_string(), expected }.into())
            }
            _ => Ok(()),
        }
    }
}

impl fmt::Display for Above {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.score.name(), self.limit)
    }
}

impl std::str::FromStr for Above {
    type Err = Error;

    /// Reads `SCORE=X`, for example `log10_lr=1.5` or `campplus=0.6`.
    fn from_str(text: &str) -> Result<Self> {
        let above = text.split_once('=').and_then(|(score, limit)| {
            let limit = limit.parse::<f64>().ok().filter(|limit| limit.is_finite())?;
            let score = match score {
                "log10_lr" => LocateScore::Log10Lr,
                encoder => LocateScore::Cosine(encoder.parse().ok()?),
            };
            let cosine = score != LocateScore::Log10Lr;
            (!cosine || (-1.0..=1.0).contains(&limit)).then_some(Above { score, limit })
        });
        above.ok_or_else(|| {
            let expected = "log10_lr and a number, or an encoder's name and a cosine from -1 to 1, for example \
                            log10_lr=1.5 or campplus=0.6"
                .into();
            ErrorKind::Setting { name: "above", found: format!("\"{text}\""), expected }.into()
        })
    }
}

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

/// Stretches of one score, in their order: between each start or end of a window and the next. What no window covers
/// is left out.
pub(super) fn steps(scored: &[(Stretch, f64)]) -> Vec<(Stretch, f64)> {
    let mut places: Vec<u64> = scored.iter().flat_map(|(stretch, _)| [stretch.start, stretch.end]).collect();
    places.sort_unstable();
    places.dedup();
    let (mut steps, mut waiting) = (Vec::new(), scored.iter().peekable());
    let mut covering: Vec<&(Stretch, f64)> = Vec::new();
    for pair in places.windows(2) {
        let [start, end] = *pair else { continue };
        covering.retain(|(stretch, _)| stretch.end > start);
        while let Some(window) = waiting.next_if(|(stretch, _)| stretch.start <= start) {
            covering.push(window);
        }
        if !covering.is_empty() {
            let mean = covering.iter().map(|(_, score)| score).sum::<f64>() / covering.len() as f64;
            steps.push((Stretch { start, end }, mean));
        }
    }
    steps
}

/// The windows of a range: those that share at least half of themselves, or of the range, with it; where there is none,
/// all that reach into it.
pub(super) fn windows_of(range: Stretch, windows: impl Iterator<Item = Stretch> + Clone) -> Vec<usize> {
    let shares = |window: &Stretch| 2 * range.shared(*window) >= window.length().min(range.length());
    let places = |test: &dyn Fn(&Stretch) -> bool| {
        windows.clone().enumerate().filter(|(_, window)| test(window)).map(|(i, _)| i).collect::<Vec<usize>>()
    };
    let most = places(&shares);
    if most.is_empty() { places(&|window| range.shared(*window) > 0) } else { most }
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
    fn an_instant_has_the_mean_of_the_windows_over_it() {
        let steps = steps(&windows(&[(0, 3.0), (1, 0.0), (2, -3.0), (9, 1.0)]));
        let told: Vec<_> = steps.iter().map(|(stretch, score)| (seconds(stretch), *score)).collect();
        assert_eq!(told, [((0, 1), 3.0), ((1, 2), 1.5), ((2, 3), 0.0), ((3, 4), -1.5), ((4, 5), -3.0), ((9, 12), 1.0)]);
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
    fn a_range_has_the_windows_that_lie_in_it_by_half() {
        let range = Stretch { start: 16_000, end: 5 * 16_000 };
        let all = windows(&[(0, 0.0), (1, 0.0), (2, 0.0), (3, 0.0), (4, 0.0), (9, 0.0)]);
        assert_eq!(windows_of(range, all.iter().map(|(s, _)| *s)), [0, 1, 2, 3]);
        let short = Stretch { start: 24_000, end: 25_000 };
        assert_eq!(windows_of(short, all.iter().map(|(s, _)| *s)), [0, 1]);
    }

    #[test]
    fn a_threshold_is_read_as_it_is_written() {
        for text in ["log10_lr=1.5", "log10_lr=-3", "campplus=0.6", "mfcc=-0.1"] {
            assert_eq!(text.parse::<Above>().unwrap().to_string(), text);
        }
        for text in ["", "log10_lr", "log10_lr=x", "log10_lr=inf", "campplus=1.1", "x-vector=0.5"] {
            let error = text.parse::<Above>().unwrap_err().to_string();
            assert!(error.contains("above: found") && error.contains("log10_lr=1.5"), "{error}");
        }
        let json = |score| serde_json::to_string(&Above { score, limit: 1.0 }).unwrap();
        assert_eq!(json(LocateScore::Log10Lr), r#"{"score":"log10_lr","limit":1.0}"#);
        assert_eq!(json(LocateScore::Cosine(Encoder::Ge2e)), r#"{"score":"ge2e","limit":1.0}"#);
    }
}
