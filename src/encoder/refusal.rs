//! Why a clip has no score. A refusal is a result, not a failure: it is reported with its reason, never as a number.
//!
//! Some reasons are found further up, where a calibration, a population or another clip is known. They stand here all
//! the same, since a clip has one kind of reason whoever found it, and results, indexes and tables tell it by one word.

use super::kind::Encoder;
use crate::audio::Unheard;
use crate::feature::Quantity;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The reason for which a clip has no score.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "code", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Refusal {
    /// The file could not be read or decoded.
    Unreadable {
        /// What was found, what was expected, and what to do.
        found: String,
    },
    /// No speech was found.
    NoSpeech {
        /// Length of the clip, seconds.
        duration_s: f64,
    },
    /// There is less speech than a score needs.
    TooLittleSpeech {
        /// Speech without pauses, seconds.
        net_speech_s: f64,
        /// The least that is scored, seconds.
        minimum_s: f64,
    },
    /// The two sides were not made by the same extractor with the same settings.
    SettingsDiffer {
        /// The encoder.
        encoder: Encoder,
        /// Fingerprint of the candidate's extractor.
        candidate: String,
        /// Fingerprint of the reference's extractor.
        reference: String,
    },
    /// The reference has no embedding of an encoder that the candidate, or another of its clips, was encoded by.
    NotEnrolled {
        /// The encoder.
        encoder: Encoder,
    },
    /// The same content was listed before, so a pair of the two would compare a clip with itself.
    Duplicate {
        /// The clip that was listed first.
        of: String,
    },
    /// The candidate has the bytes of a reference clip, so a ratio would be that of a clip against itself.
    PartOfReference {
        /// That clip.
        clip: String,
    },
    /// A side's quality is worse than what the calibration was validated on.
    OutsideValidated {
        /// Whether the reference is meant; else the candidate.
        reference: bool,
        /// What was measured.
        quantity: Quantity,
        /// The value; null where none could be measured.
        found: Option<f64>,
        /// The least or the greatest value that was validated.
        limit: f64,
        /// The condition.
        condition: String,
        /// The same in words.
        text: String,
    },
    /// No calibration fits the comparison, so there is no likelihood ratio.
    NoCalibration {
        /// The condition that was asked for.
        condition: String,
        /// What there was.
        found: String,
        /// What the calibration needs.
        expected: String,
    },
    /// A part of the file may hold sound and was not heard.
    NotHeard {
        /// The part.
        unheard: Unheard,
    },
    /// A part of the clip was heard and cannot be judged.
    PartNotJudged {
        /// Track, channel and time.
        part: String,
        /// Why not.
        found: String,
    },
    /// A part of the clip has no score against a protected voice, or none that a limit could be set on.
    NotCompared {
        /// The voice.
        voice: String,
        /// Track, channel and time.
        part: String,
        /// Why not.
        found: String,
    },
    /// There is no voice of a population to rank among.
    NoPopulation,
    /// The embedding has no direction (all values zero), so no angle to another can be measured.
    NoDirection,
}

impl Refusal {
    /// The word for the reason, as it stands in results and in an index.
    pub fn code(&self) -> &'static str {
        match self {
            Refusal::Unreadable { .. } => "unreadable",
            Refusal::NoSpeech { .. } => "no_speech",
            Refusal::TooLittleSpeech { .. } => "too_little_speech",
            Refusal::SettingsDiffer { .. } => "settings_differ",
            Refusal::NotEnrolled { .. } => "not_enrolled",
            Refusal::Duplicate { .. } => "duplicate",
            Refusal::PartOfReference { .. } => "part_of_reference",
            Refusal::OutsideValidated { .. } => "outside_validated",
            Refusal::NoCalibration { .. } => "no_calibration",
            Refusal::NotHeard { .. } => "not_heard",
            Refusal::PartNotJudged { .. } => "part_not_judged",
            Refusal::NotCompared { .. } => "not_compared",
            Refusal::NoPopulation => "no_population",
            Refusal::NoDirection => "no_direction",
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::Unreadable { found } => f.write_str(found),
            Refusal::NoSpeech { duration_s } => {
                write!(f, "no speech found in {duration_s:.2} s; give a clip in which the voice is heard")
            }
            Refusal::TooLittleSpeech { net_speech_s, minimum_s } => {
                write!(f, "found {net_speech_s:.2} s of speech, expected at least {minimum_s:.2} s; give a longer clip")
            }
            Refusal::SettingsDiffer { encoder, candidate, reference } => write!(
                f,
                "the {label} embedding was made with extractor {candidate}, the reference's with {reference}; \
                 extract both again with one version and the same settings",
                label = encoder.label()
            ),
            Refusal::NotEnrolled { encoder } => write!(
                f,
                "the reference has no {} embedding of every clip; enrol it again with {encoder} in --encoder, or \
                 leave {encoder} out",
                encoder.label()
            ),
            Refusal::Duplicate { of } => write!(f, "the same bytes as {of}, which counts; list each clip once"),
            Refusal::PartOfReference { clip } => write!(
                f,
                "the candidate has the same bytes as the reference clip {clip} and would be compared with itself; give \
                 another recording, or leave that clip out of the reference"
            ),
            Refusal::OutsideValidated { text, condition, .. } => {
                write!(
                    f,
                    "{text} (condition {condition}); give a better recording, or see the raw scores with --force (locate: --windows)"
                )
            }
            Refusal::NoCalibration { condition, found, expected } => write!(
                f,
                "no calibration of the condition {condition} for this: found {found}, expected {expected}; use all of \
                 its encoders, or fit a calibration with soundalike calibrate"
            ),
            Refusal::NotHeard { unheard } => {
                write!(f, "found {unheard}, expected nothing else than the sound that was heard; export the sound anew")
            }
            Refusal::PartNotJudged { part, found } => write!(f, "{part}: {found}"),
            Refusal::NotCompared { voice, part, found } => write!(f, "{part} against {voice}: {found}"),
            Refusal::NoPopulation => f.write_str(
                "no cohort voice to rank among that was made with these encoders and passes the filters; give another \
                 --cohort or --cohort-filter",
            ),
            Refusal::NoDirection => f.write_str("the embedding is all zeros; give another clip"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_is_the_one_in_results() {
        let (text, encoder) = (String::new, Encoder::Mfcc);
        let all = [
            Refusal::Unreadable { found: text() },
            Refusal::NoSpeech { duration_s: 1.0 },
            Refusal::TooLittleSpeech { net_speech_s: 1.0, minimum_s: 2.0 },
            Refusal::SettingsDiffer { encoder, candidate: text(), reference: text() },
            Refusal::NotEnrolled { encoder },
            Refusal::Duplicate { of: text() },
            Refusal::PartOfReference { clip: text() },
            Refusal::OutsideValidated {
                reference: false,
                quantity: Quantity::SnrDb,
                found: None,
                limit: 1.0,
                condition: text(),
                text: text(),
            },
            Refusal::NoCalibration { condition: text(), found: text(), expected: text() },
            Refusal::NotHeard { unheard: Unheard::Trimmed { seconds: 1.0 } },
            Refusal::PartNotJudged { part: text(), found: text() },
            Refusal::NotCompared { voice: text(), part: text(), found: text() },
            Refusal::NoPopulation,
            Refusal::NoDirection,
        ];
        for refusal in all {
            let told = serde_json::to_value(&refusal).unwrap();
            assert_eq!(told["code"], refusal.code());
            assert_eq!(serde_json::from_value::<Refusal>(told).unwrap(), refusal);
        }
    }
}
