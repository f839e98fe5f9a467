//! Evidence bundles.
#![no_main]

use libfuzzer_sys::fuzz_target;
use soundalike_fuzz::{bundle, quiet_panics};

fuzz_target!(init: quiet_panics(), |bytes: &[u8]| bundle::read(bytes));
