//! Behaviour tests, a module per area, in one binary.
// Clippy's `allow-unwrap-in-tests` knows functions with #[test], not the helpers of an integration test.
#![allow(clippy::unwrap_used)]

mod audit;
mod calibrate;
mod check;
mod cohort;
mod command_line;
mod enrol;
mod evaluate;
mod evidence;
mod features;
mod foreign;
mod formats;
mod golden;
mod hostile;
mod index;
mod inspect;
mod locate;
mod networks;
mod program;
mod report;
mod scan;
mod verify;
