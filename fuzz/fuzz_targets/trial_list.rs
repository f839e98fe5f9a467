//! Lists of trials, manifests and lists of files.
#![no_main]

use libfuzzer_sys::fuzz_target;
use soundalike_fuzz::{quiet_panics, trials};

fuzz_target!(init: quiet_panics(), |bytes: &[u8]| trials::read(bytes));
