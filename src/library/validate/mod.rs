//! The labelled half: error rates and calibrations on clips of which it is known who speaks.
//!
//! A case is judged elsewhere ([`check`](crate::library::check), [`scan`](crate::library::scan)), with a calibration
//! that was made here and with the rates that were measured here.

pub mod calibrate;
pub(in crate::library) mod calibration_file;
mod copies;
pub mod evaluate;
mod labelled;
mod rule;
mod scoring;

pub use calibration_file::{
    BandFit, Calibration, CrossValidation, DEFAULT_CONDITION, FitCounts, GroupMeans, GroupValidation, LeftOutGroup,
    LeftOutRates, LoadedCalibration, Validated, ValidatedRatios,
};
pub use rule::{Rule, RuleResult};
