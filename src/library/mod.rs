//! Many clips: finding them, running the panel over them on all cores, and the jobs made of that.
//!
//! [`batch`] is the only place in the library that starts threads. Results come in the order of the input and are the
//! same bytes for any number of threads.

pub mod batch;
pub mod calibrate;
mod calibration_file;
pub mod catalogue;
pub mod check;
pub mod cohort;
mod copies;
pub mod descriptors;
pub mod enrol;
pub mod evaluate;
pub mod findings;
pub mod forget;
pub mod groups;
pub mod index;
pub mod inspect;
mod joined;
mod labelled;
mod labels;
pub mod locate;
mod manifest;
mod outcome;
mod places;
pub mod protect;
mod reference;
mod rule;
pub mod scan;
mod scoring;
mod selection;
mod threshold;
mod trial_list;
mod verdict;
mod voice_file;
mod voices;

pub use calibration_file::{
    BandFit, Calibration, CrossValidation, DEFAULT_CONDITION, FitCounts, LoadedCalibration, Validated, ValidatedRatios,
};
pub use labels::{LabelFiles, Labels, Pairs};
pub use manifest::{Manifest, ManifestClip, VoiceKind};
pub(crate) use outcome::is_instruction_set;
pub use outcome::{Reason, Settings, Status};
pub use places::Places;
pub use reference::{Reference, ReferenceClip, ReferenceModel, ReferenceSource};
pub use rule::{Rule, RuleResult};
pub use selection::{Filter, Selection};
pub use threshold::{Score, Threshold};
pub use trial_list::TrialList;
pub use verdict::{Controls, Evidence, PopulationScores, Posterior, WithoutClip};
pub use voice_file::{EnrolledClip, FORMAT, FORMAT_VERSION, VoiceModelFile};
pub use voices::VoiceSet;
