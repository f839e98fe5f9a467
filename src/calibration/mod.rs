//! Scores with labels to statements about error and to likelihood ratios. This part never sees audio.

pub mod bootstrap;
mod draws;
pub mod gaussian;
mod hull;
mod interval;
pub mod logistic;
pub mod metrics;
pub mod pav;
mod resampled;
mod table;

pub use table::Table;
