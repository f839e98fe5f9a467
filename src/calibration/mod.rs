//! Scores with labels to statements about error and to likelihood ratios. This part never sees audio.

pub mod bootstrap;
pub mod bounds;
mod draws;
pub mod fusion;
pub mod gaussian;
#[cfg(test)]
mod golden;
mod hull;
pub(crate) mod interval;
pub mod logistic;
pub mod metrics;
pub mod misleading;
pub mod pav;
pub(crate) mod picker;
pub mod ranges;
mod resampled;
mod table;
mod trials;
pub mod verbal;
mod weighted;

pub use table::Table;
