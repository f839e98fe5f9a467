//! Indexes: manifests and Parquet segments.
#![no_main]

use libfuzzer_sys::fuzz_target;
use soundalike_fuzz::{index, quiet_panics};

fuzz_target!(init: quiet_panics(), |bytes: &[u8]| index::read(bytes));
