//! Many clips: finding them, running the panel over them on all cores, and the jobs made of that.
//!
//! [`batch`] is the only place in the library that starts threads. Results come in the order of the input and are the
//! same bytes for any number of threads.

pub mod batch;
pub mod catalogue;
pub mod check;
pub mod cohort;
pub mod descriptors;
mod enrolled;
pub mod findings;
pub mod forget;
pub mod gate;
pub mod groups;
pub mod index;
pub mod inspect;
mod joined;
mod labels;
pub mod locate;
mod outcome;
mod passed_over;
mod places;
pub mod scan;
mod threshold;
mod validate;
mod verdict;
mod walk;

pub use enrolled::{
    EnrolledClip, FORMAT, FORMAT_VERSION, Reference, ReferenceClip, ReferenceModel, ReferenceSource, VoiceModelFile,
    VoiceSet, enrol, protect,
};
pub use labels::manifest::{Manifest, ManifestClip, VoiceKind};
pub use labels::selection::{Filter, Selection};
pub use labels::trial_list::TrialList;
pub use labels::{LabelFiles, Labels, Pairs};
pub(crate) use outcome::is_instruction_set;
pub use outcome::{Reason, Settings, Status};
pub use passed_over::{PassedOver, PassedOverEntry, PassedOverReason};
pub use places::Places;
pub use threshold::{Score, Threshold};
pub use validate::{
    BandFit, Calibration, CrossValidation, DEFAULT_CONDITION, FitCounts, GroupMeans, GroupValidation, LeftOutGroup,
    LeftOutRates, LoadedCalibration, Rule, RuleResult, Validated, ValidatedRatios, calibrate, evaluate,
};
pub use verdict::{Conflict, Controls, Evidence, PopulationScores, Posterior, RankConflict, WithoutClip};
