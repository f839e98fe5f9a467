//! Documents that can be trusted: a case computed again and compared.
//!
//! [`recompute`] reads what a check or a report tells, finds the files that it rests on, and computes everything again.

pub mod recompute;
mod told;

pub use told::CaseFile;
