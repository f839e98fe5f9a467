//! What clips are ranked by, and the value at which they are flagged.

use crate::encoder::Encoder;
use crate::error::{Error, ErrorKind, Result};
use schemars::JsonSchema;
use serde::Serialize;
use std::fmt;
use std::str::FromStr;

/// The threshold where none is asked: a hundred times more probable under the first proposition.
pub const THRESHOLD_LOG10_LR: f64 = 2.0;

/// What clips are ranked by, and a threshold may be set on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Score {
    /// The calibrated likelihood ratio, to base 10.
    Log10Lr,
    /// An encoder's cosine to the reference as a whole.
    #[serde(untagged)]
    Cosine(Encoder),
}

impl fmt::Display for Score {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Score::Log10Lr => f.write_str("log10_lr"),
            Score::Cosine(encoder) => encoder.fmt(f),
        }
    }
}

impl FromStr for Score {
    type Err = Error;

    fn from_str(word: &str) -> Result<Self> {
        if word == "log10_lr" {
            return Ok(Score::Log10Lr);
        }
        word.parse().map(Score::Cosine).map_err(|_| {
            let names: Vec<&str> = Encoder::ALL.iter().map(|encoder| encoder.name()).collect();
            let expected = format!("log10_lr or an encoder's name ({})", names.join(", "));
            ErrorKind::Setting { name: "", found: format!("\"{word}\""), expected }.into()
        })
    }
}

/// A score and a value of it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Threshold {
    /// The score.
    pub score: Score,
    /// A clip at this value or above is flagged.
    pub value: f64,
}

impl Default for Threshold {
    fn default() -> Self {
        Threshold { score: Score::Log10Lr, value: THRESHOLD_LOG10_LR }
    }
}

impl fmt::Display for Threshold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.score, self.value)
    }
}

impl FromStr for Threshold {
    type Err = Error;

    /// Reads `SCORE=X`, for example `log10_lr=2` or `campplus=0.5`.
    fn from_str(text: &str) -> Result<Self> {
        let wrong = || {
            let expected = "SCORE=X, for example log10_lr=2 or campplus=0.5, a cosine from -1 to 1".into();
            Error::from(ErrorKind::Setting { name: "", found: format!("\"{text}\""), expected })
        };
        let (score, value) = text.split_once('=').ok_or_else(wrong)?;
        let value: f64 = value.trim().parse().map_err(|_| wrong())?;
        let score: Score = score.trim().parse()?;
        let can_be = match score {
            Score::Log10Lr => value.is_finite(),
            Score::Cosine(_) => (-1.0..=1.0).contains(&value),
        };
        if can_be { Ok(Threshold { score, value }) } else { Err(wrong()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_threshold_that_no_clip_can_reach_is_refused() {
        let value = |text: &str| text.parse::<Threshold>().map(|threshold| threshold.value);
        for (text, expected) in [("campplus=1", 1.0), ("mfcc=-1", -1.0), ("log10_lr = -30", -30.0), ("ge2e= 0.5", 0.5)]
        {
            assert_eq!(value(text).unwrap(), expected);
        }
        for bad in ["campplus=30", "mfcc=1.01", "ge2e=-1.5", "mfcc=NaN", "log10_lr=inf", "log10_lr=", "campplus", "x=1"]
        {
            assert!(value(bad).unwrap_err().is_setting(), "{bad}");
        }
    }
}
