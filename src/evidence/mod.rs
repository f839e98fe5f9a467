//! Documents that can be trusted: computed again, bundled with their hashes, signed, and recorded in a log that shows
//! tampering.
//!
//! [`recompute`] reads what a check or a report tells, finds the files that it rests on, and computes everything again;
//! of a document of [`other_version`] it is the files alone that are compared.
//! [`bag`] puts files into one archive that proves itself (BagIt, RFC 8493), [`signature`] says who vouches for a file
//! (minisign, Ed25519), [`audit`] chains a line to each run, and [`verify`] asks all of them. [`name`] makes names safe
//! to unpack. Nothing here looks at the clock, asks for a password or prints: times and passwords are given by the
//! caller.

pub mod audit;
pub mod bag;
pub mod bundle;
mod case_file;
pub mod coverage;
mod document;
pub mod name;
pub mod other_version;
mod rebuilt;
pub mod recompute;
pub mod signature;
mod unmentioned;
pub mod verify;

pub use case_file::{CaseDocument, CaseFile};

use crate::error::{Error, ErrorKind, EvidenceFault};
pub(crate) use crate::hash::hex;
use std::path::Path;

/// An error about evidence.
pub(crate) fn fault(path: &Path, fault: EvidenceFault, found: impl Into<String>, expected: impl Into<String>) -> Error {
    ErrorKind::Evidence { path: path.into(), fault, found: found.into(), expected: expected.into() }.into()
}

/// True of 64 lower-case hexadecimal digits.
pub(crate) fn is_hash(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}
