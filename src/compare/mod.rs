//! Embedding against embedding: cosines, a reference that stays a set of recordings, and its place in a population.
//!
//! Cosines and ranks are given, never likelihood ratios, and no file is read: calibrations and cohorts come from
//! outside.

mod binomial;
mod cohort;
mod reference;
pub mod search;

pub use crate::encoder::cosine;
pub use binomial::clopper_pearson;
pub(crate) use cohort::cosines;
pub use cohort::{
    CohortFit, CohortScores, CohortVoice, FIT_DEVIATIONS, Likeness, Measure, NEAREST_VOICES, Neighbour, Neighbourhoods,
    OtherKind, Spread, as_norm,
};
pub use reference::{ClipScore, CosineScore, Exemplar, ReferenceQuality, VoiceModel};
pub(crate) use reference::{add_direction, median};
