//! What a scan tells: of itself, of each protected voice, and of each clip beside it. Plain data.

use crate::encoder::{Band, PerEncoder};
use crate::library::gate::LibraryGate;
use crate::library::index::Counts;
use crate::library::outcome::{Reason, Settings};
use crate::library::passed_over::PassedOver;
use crate::library::threshold::{Score, Threshold};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a scan says of itself before its voices.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct ScanHead {
    /// Version of the program.
    pub version: String,
    /// Version of the models: see [`models_version`](crate::models_version).
    pub models_version: String,
    /// Every setting that the scores depend on.
    pub settings: Settings,
    /// The library as it was named when it was indexed, or else the folder of the index.
    pub library: String,
    /// What the index holds.
    pub holds: Counts,
    /// True where another program wrote the rows: they have no checksum of this program, so damage to one may not show.
    pub rows_by_others: bool,
    /// Name of the calibration's condition; null without one, or where it does not fit.
    pub condition: Option<String>,
    /// SHA-256 of the calibration.
    pub calibration: Option<String>,
    /// The two propositions that ratios compare, as clauses that follow "more probable if"; null without a calibration.
    pub propositions: Option<[String; 2]>,
    /// Why there is no ratio; null where there is one or none was asked for.
    pub evidence_withheld: Option<Reason>,
    /// What clips are ranked by.
    pub ranked_by: Score,
    /// The threshold that flags clips.
    pub threshold: Threshold,
    /// Clips of each voice that were expected in the library before looking, as the user stated; the posteriors take no
    /// more than half of the library's clips.
    pub expected_clips: f64,
    /// Number of voices in the population; null without one.
    pub cohort_voices: Option<usize>,
    /// SHA-256 of the cohort.
    pub cohort: Option<String>,
    /// Voices that could not be enrolled, and why.
    pub left_out: Vec<VoiceLeftOut>,
    /// What the folders of the library hold besides clips; null where an index was given: what was passed over for that
    /// is in the result of `index`.
    pub passed_over: Option<PassedOver>,
    /// What the folders of protected voices hold besides voices.
    pub list_passed_over: PassedOver,
}

/// A line of a scan's result: the scan itself first, then each voice.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(tag = "record", rename_all = "snake_case")]
pub enum ScanRecord {
    /// What the scan says of itself.
    Scan(Box<ScanHead>),
    /// What was found of one voice.
    Voice(Box<VoiceScan>),
    /// Whether every clip passed, last, where that was asked for.
    Gate(Box<LibraryGate>),
}

/// A protected voice that could not be enrolled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct VoiceLeftOut {
    /// Its name.
    pub voice: String,
    /// Why.
    pub message: String,
}

/// What was found of one protected voice.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct VoiceScan {
    /// Its name.
    pub voice: String,
    /// Number of its recordings that the scores rest on.
    pub exemplars: usize,
    /// Speech in them, seconds.
    pub net_speech_s: f64,
    /// Whether everything was compared in the narrow band, because one of them is narrow-band.
    pub narrow_band: bool,
    /// Clips that were compared.
    pub compared: usize,
    /// Clips that there is a ratio of.
    pub judged: usize,
    /// Usable clips that could not be compared: the index lacks their embeddings of the narrow band.
    pub not_comparable: usize,
    /// How many false alarms to expect.
    pub false_alarms: FalseAlarms,
    /// Clips among the closest that have the bytes of a recording of the reference; they are not listed.
    pub in_reference: usize,
    /// Number of listed clips that are flagged.
    pub flagged: usize,
    /// The closest clips, the closest first.
    pub hits: Vec<Hit>,
    /// The closest of those that there is no ratio of, the closest first; empty where clips are ranked by a cosine.
    pub withheld: Vec<Hit>,
}

/// How many clips of other voices are to be expected at the threshold or above, in a library of this size.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FalseAlarms {
    /// Clips that can raise one.
    pub clips: usize,
    /// The most that the meaning of a likelihood ratio allows: among clips of other voices a ratio of x or more has at
    /// most the probability 1/x. Null where the threshold is on a cosine.
    pub at_most: Option<f64>,
    /// Whether `at_most` is an upper bound: the calibration kept to it on the groups left out of its fits. False where it
    /// did not, or was not tested on groups: `at_most` is then no more than about right. Null where `at_most` is.
    pub bound_holds: Option<bool>,
    /// Were the ratios distributed as those of an ideal system with the calibration's cost (bi-Gaussian). Null where
    /// the threshold is on a cosine.
    pub modelled: Option<f64>,
    /// What the population's own share at the threshold makes of it. Null where the threshold is on a ratio, or without
    /// a population.
    pub by_cohort: Option<CohortAlarms>,
}

/// False alarms by the share of a population that reaches the threshold.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CohortAlarms {
    /// Voices that reach it.
    pub reached: usize,
    /// Voices in all.
    pub voices: usize,
    /// Clips to be expected.
    pub expected: f64,
    /// Lower end of the 95 % interval (Clopper and Pearson).
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// A clip beside a protected voice.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Hit {
    /// Place in its list, from 1.
    pub rank: usize,
    /// Where it lies.
    pub path: String,
    /// The voice that the library counts it to.
    pub library_voice: String,
    /// SHA-256 of the file.
    pub sha256: Option<String>,
    /// Length, seconds.
    pub seconds: Option<f64>,
    /// Speech in it, seconds.
    pub net_speech_s: f64,
    /// Signal-to-noise ratio, dB.
    pub snr_db: Option<f32>,
    /// How much of the spectrum was compared.
    pub band: Band,
    /// Cosine of each encoder to the reference as a whole.
    pub cosines: PerEncoder<f64>,
    /// Base-10 logarithm of the likelihood ratio, within the bounds; null where there is none.
    pub log10_lr: Option<f64>,
    /// Lower end of its 95 % interval.
    pub log10_lr_low: Option<f64>,
    /// Upper end.
    pub log10_lr_high: Option<f64>,
    /// The same before the bounds.
    pub unbounded_log10_lr: Option<f64>,
    /// The share of the population that it is closer than, percent; null without one.
    pub likeness: Option<f64>,
    /// Lower end of its 95 % interval.
    pub likeness_low: Option<f64>,
    /// Upper end.
    pub likeness_high: Option<f64>,
    /// The probability that follows from the ratio and the stated number of expected clips.
    pub posterior: Option<f64>,
    /// Whether it is at the threshold or above.
    pub flagged: bool,
    /// Why there is no ratio.
    pub reason: Option<Reason>,
}
