//! Reports, results, scans and the TOML files beside them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use soundalike_fuzz::{quiet_panics, report};

fuzz_target!(init: quiet_panics(), |bytes: &[u8]| report::read(bytes));
