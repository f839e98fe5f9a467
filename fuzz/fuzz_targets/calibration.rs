//! Calibrations and populations.
#![no_main]

use libfuzzer_sys::fuzz_target;
use soundalike_fuzz::{calibration, quiet_panics};

fuzz_target!(init: quiet_panics(), |bytes: &[u8]| calibration::read(bytes));
