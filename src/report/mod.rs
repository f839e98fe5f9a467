//! Results as documents: pure functions from plain data to text.
//!
//! [`plots`] draws the figures by which a validation is judged, and the timeline of a search; [`audacity_labels`] and
//! [`rttm`] give the stretches that it found to other programs. Nothing here reads or writes a file, starts a thread,
//! looks at the clock or takes a decision: the same facts give the same bytes, and where a document is kept, and what
//! follows from it, is for the caller to say.

pub mod case;
mod chart;
pub mod document;
mod html;
mod marks;
#[cfg(feature = "pdf")]
pub mod pdf;
pub mod plots;
pub mod scan;
mod svg;
pub mod texts;

pub use html::html;
pub use marks::{Mark, audacity_labels, clock, rttm};
