//! What a search tells, and the windows behind it. Plain data.

use crate::compare::Likeness;
use crate::encoder::{Band, PerEncoder};
use crate::feature::{ClipQuality, Quality};
use crate::library::check::{CalibrationSummary, CohortSummary, InReference, Remark};
use crate::library::enrolled::reference::Reference;
use crate::library::outcome::{Reason, Settings, Status};
use crate::library::passed_over::PassedOver;
use crate::library::threshold::{Limit, Score, Threshold, as_limit};
use crate::library::verdict::Evidence;
use schemars::JsonSchema;
use serde::Serialize;

/// The result of a search.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct LocateReport {
    /// Version of the program.
    pub version: String,
    /// Version of the models: see [`models_version`](crate::models_version).
    pub models_version: String,
    /// Every setting that the scores depend on.
    pub settings: Settings,
    /// Fingerprint of each encoder's extractor in the narrow band.
    pub narrow_fingerprints: PerEncoder<String>,
    /// How the voice was looked for.
    pub search: Search,
    /// The protected voice.
    pub reference: Reference,
    /// The recordings, in the order given.
    pub recordings: Vec<LocatedRecording>,
    /// What the folders of the recordings hold besides them.
    pub passed_over: PassedOver,
    /// What likelihood ratios rest on; null where none was asked for.
    pub calibration: Option<CalibrationSummary>,
    /// The population; null where none was asked for.
    pub cohort: Option<CohortSummary>,
    /// What should be known before any of it is relied on.
    pub remarks: Vec<Remark>,
}

/// How a voice was looked for.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Search {
    /// Length of a window, seconds; a shorter segment of speech is a window as it is.
    pub window_s: f64,
    /// Distance from one window to the next, seconds.
    pub hop_s: f64,
    /// A longer gap in speech ends a segment, seconds.
    pub bridged_s: f64,
    /// Ranges closer than this are one, seconds.
    pub joined_s: f64,
    /// The voice is found where the score of the window whose middle is nearest lies at or above this.
    #[serde(serialize_with = "as_limit")]
    #[schemars(with = "Limit")]
    pub above: Threshold,
}

/// A recording that was searched.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct LocatedRecording {
    /// Where it lies.
    pub path: String,
    /// SHA-256 of the file; null where it could not be read.
    pub sha256: Option<String>,
    /// What was measured of it as a whole; null where it could not be decoded.
    pub quality: Option<Quality>,
    /// `scored`, or `refused` where no window has the score that was asked for.
    pub status: Status,
    /// Why it was refused; null where it was scored.
    pub reason: Option<Reason>,
    /// The recording is itself part of the reference; null where it is not.
    pub in_reference: Option<InReference>,
    /// How many windows there were.
    pub windows: WindowCounts,
    /// Where the voice was found, in the order of time.
    pub ranges: Vec<FoundRange>,
    /// Length of the ranges together, seconds.
    pub found_s: f64,
    /// If the voice were nowhere in the recording, at most so many windows would be expected to reach the threshold by
    /// chance: their number by the threshold's ratio (or the greatest that the calibration supports); null where the
    /// threshold is no ratio.
    pub expected_false_windows_at_most: Option<f64>,
    /// Whether that is an upper bound: the calibration kept to it on the groups left out of its fits. False where it did
    /// not, or was not tested on groups: the number is then no more than about right. Null where the number is.
    pub expected_false_windows_bound_holds: Option<bool>,
}

/// How many windows a recording had.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct WindowCounts {
    /// All.
    pub all: usize,
    /// Those that have the score the voice is looked for by.
    pub scored: usize,
    /// Those with less speech than a score needs.
    pub too_little_speech: usize,
    /// Those with cosines, but without a ratio: their quality, or the reference's, was not validated.
    pub without_ratio: usize,
    /// Those that were compared in the narrow band.
    pub narrow_band: usize,
    /// Those at or above the threshold.
    pub at_threshold: usize,
}

/// A stretch in which the voice was found.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct FoundRange {
    /// Its start, seconds from that of the recording.
    pub start_s: f64,
    /// Its end.
    pub end_s: f64,
    /// Speech in it without pauses, seconds; of whom, is not said.
    pub net_speech_s: f64,
    /// Number of windows whose middle lies in it.
    pub windows: usize,
    /// Median of their scores, as those of the threshold.
    pub median_score: f64,
    /// The window among them with the greatest score: what the range is worth. A clip cut out there and given to
    /// `check` has the same scores.
    pub best: LocatedWindow,
}

/// A window, with all that is known of it.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct LocatedWindow {
    /// Its start, seconds from that of the recording.
    pub start_s: f64,
    /// Its end.
    pub end_s: f64,
    /// What was measured of it, at 16 kHz.
    pub quality: ClipQuality,
    /// How much of the spectrum was compared.
    pub band: Band,
    /// Cosine to the reference as a whole, by encoder.
    pub cosines: PerEncoder<f64>,
    /// Where it stands in the population; null without one.
    pub likeness: Option<Likeness>,
    /// The calibrated likelihood ratio; null where there is none.
    pub evidence: Option<Evidence>,
    /// Why there is no likelihood ratio; null where there is one or none was asked for.
    pub evidence_withheld: Option<Reason>,
}

/// A search with what its report leaves out.
#[derive(Clone, Debug)]
pub struct Located {
    /// The result.
    pub report: LocateReport,
    /// The windows of each recording, in the order of the report's.
    pub traces: Vec<Trace>,
}

/// The windows and the speech of one recording.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    /// Every window.
    pub windows: Vec<TracedWindow>,
    /// Segments of speech, from and to, seconds.
    pub segments: Vec<(f64, f64)>,
    /// The score by which the voice is looked for, of the window whose middle is nearest: from, to, seconds, and the
    /// score. What no window covers is left out.
    pub steps: Vec<(f64, f64, f64)>,
}

/// A window with its scores.
#[derive(Clone, Debug, PartialEq)]
pub struct TracedWindow {
    /// Its start, seconds.
    pub start_s: f64,
    /// Its end, seconds.
    pub end_s: f64,
    /// What was measured of it.
    pub quality: ClipQuality,
    /// How much of the spectrum was compared.
    pub band: Band,
    /// Cosine to the reference as a whole, by encoder; none where it was refused.
    pub cosines: Option<PerEncoder<f64>>,
    /// Decimal logarithm of the likelihood ratio before its bounds; none where there is none.
    pub log10_lr: Option<f64>,
    /// Why it was refused, or has no ratio.
    pub reason: Option<String>,
}

impl TracedWindow {
    /// The score that a voice is looked for by.
    pub fn by(&self, score: Score) -> Option<f64> {
        match score {
            Score::Log10Lr => self.log10_lr,
            Score::Cosine(encoder) => self.cosines.as_ref()?.get(encoder).copied(),
        }
    }
}
