//! Signatures, public keys and audit logs.
#![no_main]

use libfuzzer_sys::fuzz_target;
use soundalike_fuzz::{quiet_panics, signature};

fuzz_target!(init: quiet_panics(), |bytes: &[u8]| signature::read(bytes));
