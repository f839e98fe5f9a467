//! Scores with labels to statements about error. This part never sees audio.

pub mod bootstrap;
pub mod metrics;
