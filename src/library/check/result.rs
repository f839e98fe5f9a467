//! What a check is asked and what it tells. Plain data.

use crate::calibration::metrics::FusionRates;
use crate::compare::{CohortFit, CosineScore, Likeness};
use crate::encoder::{Band, PerEncoder};
use crate::feature::Quality;
use crate::library::cohort::Cohort;
use crate::library::enrolled::reference::Reference;
use crate::library::gate::GateOutcome;
use crate::library::labels::selection::Filter;
use crate::library::outcome::{Reason, Settings, Status};
use crate::library::passed_over::PassedOver;
use crate::library::places::Places;
use crate::library::threshold::{Limit, Threshold, as_limits, of_limits};
use crate::library::validate::calibration_file::{CrossValidation, FitCounts, LoadedCalibration};
use crate::library::verdict::{Controls, Evidence, RankConflict};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What a check is asked besides the cosines. The default asks for nothing but those.
#[derive(Clone, Debug, Default)]
pub struct CheckSettings<'a> {
    /// Limits that turn the check into a gate.
    pub gates: &'a [Threshold],
    /// What turns scores into likelihood ratios, and says which qualities were validated.
    pub calibration: Option<&'a LoadedCalibration>,
    /// The population that candidates are ranked in.
    pub cohort: Option<&'a Cohort>,
    /// Which voices of the cohort are the population.
    pub cohort_filters: &'a [Filter],
    /// Whether scores are normalised by the population too, where it fits.
    pub as_norm: bool,
    /// The user's own prior probability of the first proposition.
    pub prior: Option<f64>,
    /// Language of the case as the user declares it.
    pub language: Option<String>,
    /// Whether raw scores are given where there is a reason against them.
    pub force: bool,
    /// Where files lie now that are told by other paths; candidates are then taken one by one as they are named.
    pub places: Option<&'a Places>,
    /// What was passed over where the candidates were looked for, where they are given one by one with their places.
    pub passed_over: Option<&'a PassedOver>,
}

/// What was asked, so that it can be asked again. What else was asked for stands with the settings, the calibration,
/// the cohort and the language.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Request {
    /// What was named as the reference, in the order of the names.
    pub reference: Vec<String>,
    /// What was named as candidates.
    pub candidates: Vec<String>,
    /// Whether scores were to be normalised by the population too.
    pub as_norm: bool,
    /// The user's own prior; null where none was stated.
    pub prior: Option<f64>,
    /// Whether raw scores were wanted in spite of reasons.
    pub force: bool,
    /// The limits that were asked for; empty where no gate was. A result of which the gate was removed still asks for it
    /// here.
    #[serde(default, serialize_with = "as_limits", deserialize_with = "of_limits")]
    #[schemars(with = "Vec<Limit>", required)]
    pub gates: Vec<Threshold>,
}

/// The result of a check.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct CheckReport {
    /// Version of the program.
    pub version: String,
    /// Version of the models: see [`models_version`](crate::models_version).
    pub models_version: String,
    /// What was asked.
    pub request: Request,
    /// Every setting that the scores depend on.
    pub settings: Settings,
    /// Fingerprint of each encoder's extractor in the narrow band; null where no comparison was made in it.
    pub narrow_fingerprints: Option<PerEncoder<String>>,
    /// The protected voice.
    pub reference: Reference,
    /// The candidates, in the order given.
    pub candidates: Vec<Candidate>,
    /// What the folders of the candidates hold besides them.
    pub passed_over: PassedOver,
    /// What likelihood ratios rest on; null where none was asked for.
    pub calibration: Option<CalibrationSummary>,
    /// The population; null where none was asked for.
    pub cohort: Option<CohortSummary>,
    /// The language of the case.
    pub language: Language,
    /// What should be known before any of it is relied on.
    pub remarks: Vec<Remark>,
    /// What the gates let through; null where none was asked for.
    pub gate: Option<GateOutcome>,
}

/// A recording in question.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Candidate {
    /// Where it lies.
    pub path: String,
    /// SHA-256 of the file; null where it could not be read.
    pub sha256: Option<String>,
    /// What was measured; null where it could not be decoded.
    pub quality: Option<Quality>,
    /// How much of the spectrum was compared: `narrow` where a side is narrow-band; null where refused.
    pub band: Option<Band>,
    /// The score by each encoder; null where refused.
    pub scores: Option<PerEncoder<CosineScore>>,
    /// The scores normalised by the population (AS-norm); null where it was not asked for or the population does not
    /// fit.
    pub as_norm: Option<PerEncoder<f64>>,
    /// Where the candidate stands in the population; null where refused.
    pub likeness: Option<Likeness>,
    /// Why there is no likeness; null where there is one or the candidate was refused.
    pub likeness_withheld: Option<Reason>,
    /// The calibrated likelihood ratio; null where refused.
    pub evidence: Option<Evidence>,
    /// Why there is no likelihood ratio; null where there is one or the candidate was refused.
    pub evidence_withheld: Option<Reason>,
    /// How rank and likelihood ratio contradict each other; null where they do not, or one is missing.
    pub rank_conflict: Option<RankConflict>,
    /// What the reference itself and other people's voices reach; null where refused.
    pub controls: Option<Controls>,
    /// How far both sides lie from the population; null where refused or without one.
    pub cohort_fit: Option<CohortFit>,
    /// `scored`, `refused`, or `forced` where raw scores are given in spite of the reason.
    pub status: Status,
    /// Why it was refused; null where it was scored.
    pub reason: Option<Reason>,
    /// The candidate is itself part of the reference; null where it is not.
    pub in_reference: Option<InReference>,
}

/// What likelihood ratios rest on.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct CalibrationSummary {
    /// Name of the condition.
    pub condition: String,
    /// `built in`, or the file.
    pub origin: String,
    /// SHA-256 of the file.
    pub sha256: String,
    /// The two propositions.
    pub propositions: [String; 2],
    /// The trials that it was fitted on.
    pub source: String,
    /// The fit of the wide band.
    pub wide: BandSummary,
    /// The fit of the narrow band; null where no ratio came from it.
    pub narrow: Option<BandSummary>,
}

/// What the likelihood ratios of a band rest on.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct BandSummary {
    /// How many trials it was fitted on.
    pub trials: FitCounts,
    /// How it did on speakers that it had not seen.
    pub validation: CrossValidation,
    /// How it did on groups that it had not seen, in short: the headline; null where no groups were left out or none
    /// could be judged.
    pub groups_left_out: Option<GroupsLeftOut>,
    /// The figures of the ratios as they are used, with 95 % intervals: over the groups and their speakers, or without
    /// groups over speakers.
    pub rates: FusionRates,
}

/// How a calibration did on the groups of its first column, each left out of the fit that it was tested with.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct GroupsLeftOut {
    /// The column of the manifest whose values are the groups, for example `page`.
    pub column: String,
    /// Number of groups that were judged.
    pub groups: usize,
    /// Their mean equal error rate, fraction of 1.
    pub eer: f64,
    /// Their mean Cllr: 0 is perfect, 1 says nothing.
    pub cllr: f64,
}

/// Who the population is.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct CohortSummary {
    /// `built in`, or the file.
    pub origin: String,
    /// SHA-256 of the file.
    pub sha256: String,
    /// Who the voices are.
    pub source: String,
    /// The filters that were asked for.
    pub filters: Vec<Filter>,
    /// Number of voices in the population.
    pub n: usize,
    /// Number of them by sex, where it is known.
    pub by_sex: BTreeMap<String, usize>,
    /// Why the population may not fit the case.
    pub caution: String,
}

/// The language of the case: declared by the user, never recognised.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Language {
    /// What the user declared; null where nothing was, and nothing was checked.
    pub declared: Option<String>,
    /// The calibration's; null where it states none.
    pub calibration: Option<String>,
    /// How the two compare.
    pub checked: LanguageCheck,
}

/// Whether the language of a case is that of the calibration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub enum LanguageCheck {
    /// One of them was not stated.
    #[serde(rename = "not checked")]
    NotChecked,
    /// It is.
    #[serde(rename = "same")]
    Same,
    /// It is another.
    #[serde(rename = "differs")]
    Differs,
}

impl LanguageCheck {
    /// The words in results.
    pub fn words(self) -> &'static str {
        match self {
            LanguageCheck::NotChecked => "not checked",
            LanguageCheck::Same => "same",
            LanguageCheck::Differs => "differs",
        }
    }
}

/// Something that should be known before a result is relied on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Remark {
    /// What it is about.
    pub code: RemarkCode,
    /// The clip, voice or setting that is meant.
    pub about: String,
    /// The remark as a sentence.
    pub message: String,
}

/// What a remark is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RemarkCode {
    /// A clip of the reference is less like the others than a stranger's.
    ExemplarUnlikeTheOthers,
    /// A voice of the population may be that of the reference.
    CohortVoiceLikeTheReference,
    /// A candidate or the reference lies where the population has no voices.
    CohortDoesNotFit,
    /// The calibration was fitted on another language.
    LanguageDiffers,
}

/// How a candidate belongs to the reference it is compared with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum InReference {
    /// It has the bytes of a reference clip.
    SameContent {
        /// That clip.
        clip: String,
    },
    /// It lies in a folder that was named as the reference.
    SameFolder {
        /// That folder.
        folder: String,
    },
}
