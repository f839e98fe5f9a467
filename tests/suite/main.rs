//! Behaviour tests, a module per area, in one binary.
// Clippy's `allow-unwrap-in-tests` knows functions with #[test], not the helpers of an integration test.
#![allow(clippy::unwrap_used)]

mod attacks;
mod audit;
mod calibrate;
mod check;
mod cohort;
mod command_line;
mod contradictions;
mod cookbook;
mod dependencies;
mod encryption;
mod enrol;
mod evaluate;
mod evidence;
mod faults;
mod features;
mod files;
mod foreign;
mod forgery;
mod formats;
mod gate;
mod golden;
mod hostile;
mod inaudible;
mod index;
mod inspect;
mod less_evidence;
mod locate;
mod manual;
mod names;
mod networks;
mod privacy;
mod program;
mod report;
mod reproducible;
mod scan;
mod verify;
mod walks;
