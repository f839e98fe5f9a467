//! A score and the value of it from which on something follows: a clip is flagged, stopped, or holds the voice.
//!
//! Every command that has such a limit reads it here, and everywhere it is part of what it limits. What follows from
//! it is for the command to say.

use crate::encoder::{Band, Encoder, EncoderSet};
use crate::error::{Error, ErrorKind, Result};
use crate::library::validate::calibration_file::LoadedCalibration;
use schemars::JsonSchema;
use serde::ser::SerializeStruct;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// The threshold of a scan where none is asked: a hundred times more probable under the first proposition.
pub const THRESHOLD_LOG10_LR: f64 = 2.0;

/// What clips are ranked by, and a threshold may be set on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Score {
    /// The calibrated likelihood ratio, to base 10.
    Log10Lr,
    /// An encoder's cosine to the reference as a whole.
    #[serde(untagged)]
    Cosine(Encoder),
}

impl Score {
    /// The name in print.
    pub fn label(self) -> String {
        match self {
            Score::Log10Lr => "log10 LR".into(),
            Score::Cosine(encoder) => format!("{} cosine", encoder.label()),
        }
    }
}

impl fmt::Display for Score {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Score::Log10Lr => f.write_str("log10_lr"),
            Score::Cosine(encoder) => encoder.fmt(f),
        }
    }
}

/// The score of a name; `more` is added to what is expected.
fn score(word: &str, more: &str) -> Result<Score> {
    if word == "log10_lr" {
        return Ok(Score::Log10Lr);
    }
    word.parse().map(Score::Cosine).map_err(|_| {
        let names: Vec<&str> = Encoder::ALL.iter().map(|encoder| encoder.name()).collect();
        let expected = format!("log10_lr or an encoder's name ({}){more}", names.join(", "));
        ErrorKind::Setting { name: "", found: format!("\"{word}\""), expected }.into()
    })
}

impl FromStr for Score {
    type Err = Error;

    fn from_str(word: &str) -> Result<Self> {
        score(word, "")
    }
}

/// A score and a value of it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Threshold {
    /// The score.
    pub score: Score,
    /// Its least value that reaches the threshold.
    pub value: f64,
}

impl Threshold {
    /// Whether a value of the score lies at the threshold or above.
    pub fn reached(&self, value: f64) -> bool {
        value >= self.value
    }

    /// Score and value in words, for example `log10_lr of 2`.
    pub fn in_words(&self) -> String {
        format!("{} of {}", self.score, self.value)
    }

    /// Refuses a score that is not computed; `name` is that of the setting.
    pub(super) fn check(&self, name: &'static str, encoders: EncoderSet) -> Result<()> {
        match self.score {
            Score::Cosine(encoder) if !encoders.contains(encoder) => {
                let expected = format!("a score that is computed (now {encoders}); add {encoder} to --encoder");
                Err(ErrorKind::Setting { name, found: self.to_string(), expected }.into())
            }
            _ => Ok(()),
        }
    }

    /// Refuses a threshold on the ratio that a calibration never gives in a band; `name` is that of the setting.
    pub(super) fn check_reach(&self, name: &'static str, loaded: &LoadedCalibration, band: Band) -> Result<()> {
        let greatest = loaded.calibration.greatest_log10_lr(band);
        if self.score != Score::Log10Lr || self.value <= greatest {
            return Ok(());
        }
        let band = if band == Band::Narrow { "narrow" } else { "wide" };
        let expected = format!(
            "at most {greatest:.2}, the greatest log10 LR that the calibration gives in the {band} band: nothing could \
             ever reach the limit"
        );
        Err(ErrorKind::Setting { name, found: self.to_string(), expected }.into())
    }
}

/// A threshold as results tell it in which it is a limit: score and `limit`.
#[derive(Deserialize, JsonSchema)]
pub(super) struct Limit {
    /// The score that is looked at.
    score: Score,
    /// Its least value that reaches the limit.
    limit: f64,
}

struct Limited<'a>(&'a Threshold);

impl Serialize for Limited<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let mut limit = serializer.serialize_struct("Limit", 2)?;
        limit.serialize_field("score", &self.0.score)?;
        limit.serialize_field("limit", &self.0.value)?;
        limit.end()
    }
}

pub(super) fn as_limit<S: Serializer>(threshold: &Threshold, serializer: S) -> std::result::Result<S::Ok, S::Error> {
    Limited(threshold).serialize(serializer)
}

pub(super) fn as_limits<S: Serializer>(limits: &[Threshold], serializer: S) -> std::result::Result<S::Ok, S::Error> {
    serializer.collect_seq(limits.iter().map(Limited))
}

pub(super) fn of_limits<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Vec<Threshold>, D::Error> {
    let limits = Vec::<Limit>::deserialize(deserializer)?;
    Ok(limits.into_iter().map(|Limit { score, limit }| Threshold { score, value: limit }).collect())
}

impl Default for Threshold {
    fn default() -> Self {
        Threshold { score: Score::Log10Lr, value: THRESHOLD_LOG10_LR }
    }
}

impl fmt::Display for Threshold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.score, self.value)
    }
}

impl FromStr for Threshold {
    type Err = Error;

    /// Reads `SCORE=X`, for example `log10_lr=2` or `campplus=0.5`; a cosine from -1 to 1.
    fn from_str(text: &str) -> Result<Self> {
        let wrong = || {
            let expected = "SCORE=X, for example mfcc=0.9, log10_lr=1.5 or campplus=0.6, a cosine from -1 to 1".into();
            Error::from(ErrorKind::Setting { name: "", found: format!("\"{text}\""), expected })
        };
        let (name, value) = text.split_once('=').ok_or_else(wrong)?;
        let value: f64 = value.trim().parse().map_err(|_| wrong())?;
        let score = score(name.trim(), ", for example mfcc=0.9")?;
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

    #[test]
    fn a_threshold_is_read_as_it_is_written() {
        for text in ["log10_lr=1.5", "log10_lr=-3", "campplus=0.6", "mfcc=-0.1"] {
            assert_eq!(text.parse::<Threshold>().unwrap().to_string(), text);
        }
        for text in ["", "log10_lr", "log10_lr=x", "log10_lr=inf", "campplus=1.1"] {
            let error = text.parse::<Threshold>().unwrap_err().to_string();
            assert!(error.contains("found") && error.contains("log10_lr=1.5"), "{error}");
        }
        let json = |score| serde_json::to_string(&Limited(&Threshold { score, value: 1.0 })).unwrap();
        assert_eq!(json(Score::Log10Lr), r#"{"score":"log10_lr","limit":1.0}"#);
        assert_eq!(json(Score::Cosine(Encoder::Ge2e)), r#"{"score":"ge2e","limit":1.0}"#);
    }
}
