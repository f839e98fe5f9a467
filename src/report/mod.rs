//! Results as documents: pure functions from plain data to text.
//!
//! [`plots`] draws the figures by which a validation is judged. Nothing here reads or writes a file, starts a thread,
//! looks at the clock or takes a decision: the same facts give the same bytes, and where a document is kept, and what
//! follows from it, is for the caller to say.

mod chart;
pub mod plots;
mod svg;
