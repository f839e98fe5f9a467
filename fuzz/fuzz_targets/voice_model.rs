//! Voice models.
#![no_main]

use libfuzzer_sys::fuzz_target;
use soundalike_fuzz::{quiet_panics, voice};

fuzz_target!(init: quiet_panics(), |bytes: &[u8]| voice::read(bytes));
