//! soundalike measures how close a synthetic voice is to a protected one.
#![forbid(unsafe_code)]

pub mod audio;
pub mod encoder;
mod error;
pub mod feature;

pub use error::{Error, ErrorKind, Result};
