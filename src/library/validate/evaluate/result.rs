//! What a validation tells. Plain data.

use crate::calibration::metrics::{ErrorRates, Estimate, FusionRates};
use crate::encoder::{Encoder, PerEncoder};
use crate::library::labels::Pairs;
use crate::library::labels::selection::Selection;
use crate::library::outcome::{Reason, Settings};
use crate::library::validate::rule::RuleResult;
use schemars::JsonSchema;
use serde::Serialize;

/// The result of a validation.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct EvaluateReport {
    /// Version of the program.
    pub version: String,
    /// Version of the models: see [`models_version`](crate::models_version).
    pub models_version: String,
    /// Every setting that the scores depend on.
    pub settings: Settings,
    /// Which clips were paired; null for a list of trials.
    pub pairs: Option<Pairs>,
    /// Number of clips that a reference was made of; 0 for all that there were.
    pub enrol: usize,
    /// Which lines of the manifest were used.
    pub selection: Selection,
    /// Counts of clips.
    pub clips: ClipCounts,
    /// Number of speakers in the trials. Where a list of trials does not name them, clips that it calls one voice are
    /// of one speaker.
    pub speakers: usize,
    /// Counts of trials.
    pub trials: TrialCounts,
    /// Error by encoder.
    pub encoders: PerEncoder<ErrorRates>,
    /// Error of the same scores normalised by a population (AS-norm); null where it was not asked for.
    pub as_norm: Option<PerEncoder<ErrorRates>>,
    /// Figures of the calibrated ratio over the encoders, before its bounds; null without a calibration that fits.
    pub fusion: Option<FusionRates>,
    /// Cllr of the ratio within its bounds, as `check` states it; null without one.
    pub bounded_cllr: Option<f64>,
    /// The calibration; null where none was used.
    pub calibration: Option<CalibrationUsed>,
    /// Why there is no ratio; null where there is one.
    pub fusion_refused: Option<String>,
    /// How much the ratio's equal error rate lies above that of the encoder that errs least; null without a ratio.
    pub against_best: Option<AgainstBest>,
    /// Figures by the values of a column; empty where none was named.
    pub by: Vec<Group>,
    /// What became of the rules.
    pub rules: Vec<RuleResult>,
    /// Clips that were left out, with the reason.
    pub left_out: Vec<ClipLeftOut>,
}

/// The calibration behind ratios.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct CalibrationUsed {
    /// Its condition.
    pub condition: String,
    /// `built in`, or the file.
    pub origin: String,
    /// SHA-256 of the file.
    pub sha256: String,
}

/// The ratio against the best encoder, on the same trials and the same resamples of speakers.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
pub struct AgainstBest {
    /// The encoder with the least equal error rate.
    pub encoder: Encoder,
    /// Equal error rate of the ratio less that of the encoder, with its paired interval; below 0 the ratio is better.
    pub eer: Estimate,
}

/// Figures of the trials of one value of a column: that of the tested clip. Where both sides are of one kind and have
/// different values, the trial belongs to none.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Group {
    /// The column.
    pub column: String,
    /// Its value.
    pub value: String,
    /// Pairs of one voice.
    pub target: usize,
    /// Pairs of two voices.
    pub non_target: usize,
    /// Error by encoder; null where a kind of trial is missing.
    pub encoders: Option<PerEncoder<ErrorRates>>,
    /// Figures of the ratio; null without one, or where a kind of trial is missing.
    pub fusion: Option<FusionRates>,
}

/// Counts of clips.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ClipCounts {
    /// Named by the manifest or the list, of the kinds that the pairs need.
    pub listed: usize,
    /// With an embedding: every one of these is scored.
    pub scored: usize,
    /// Among them, with less net speech than `check` would accept.
    pub below_minimum: usize,
    /// Among those that are scored, clips that the calibration was fitted on, by the bytes of their files: figures of the
    /// ratio are better than on new clips. Null without a calibration, or where it does not tell what it was fitted on.
    pub in_fit: Option<usize>,
}

/// Counts of trials.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct TrialCounts {
    /// Pairs of one voice.
    pub target: usize,
    /// Pairs of two voices.
    pub non_target: usize,
    /// Among both, outside the calibration's ranges; null without a calibration.
    pub out_of_range: Option<usize>,
    /// Among both, with a narrow-band side and scored in the narrow band.
    pub narrow_band: usize,
    /// Trials of a list that were not scored, because a clip of theirs has no embedding.
    pub left_out: usize,
}

/// A clip without an embedding.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct ClipLeftOut {
    /// Where it lies.
    pub path: String,
    /// Why.
    pub reason: Reason,
}

/// A validation with the scores behind it, for plots.
#[derive(Clone, Debug)]
pub struct Evaluation {
    /// The result.
    pub report: EvaluateReport,
    /// Scores of targets and of non-targets by encoder.
    pub scores: PerEncoder<[Vec<f64>; 2]>,
    /// Natural-log likelihood ratios of targets and of non-targets, before the bounds; none without a calibration.
    pub llrs: Option<[Vec<f64>; 2]>,
    /// What each speaker's trials came to; empty without a calibration.
    pub speakers: Vec<SpeakerMeans>,
}

/// Means of one speaker's log-likelihood ratios.
#[derive(Clone, Debug, PartialEq)]
pub struct SpeakerMeans {
    /// The speaker, or its number in a list of trials.
    pub speaker: String,
    /// Mean over its pairs of one voice.
    pub target_mean: f64,
    /// Mean over pairs of it and another voice.
    pub non_target_mean: f64,
    /// Number of pairs of one voice.
    pub targets: usize,
    /// Number of pairs of two.
    pub non_targets: usize,
}
