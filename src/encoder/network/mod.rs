//! What the speaker networks are built of: layers, activations, weight files.
//!
//! This is no framework: it holds the few layers that GE2E and CAM++ need, on one thread, for inference, with results
//! that are the same bits on every processor.

// Tiles are small arrays in registers: several of them are walked by one index.
#![allow(clippy::needless_range_loop)]

pub(crate) mod activation;
#[cfg(test)]
pub(crate) mod golden;
pub(crate) mod grid;
pub(crate) mod kernel;
pub(crate) mod lstm;
pub(crate) mod weights;
pub(crate) mod winograd;
