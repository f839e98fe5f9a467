//! Many clips: finding them, running the panel over them on all cores, and the jobs made of that.
//!
//! [`batch`] is the only place in the library that starts threads. Results come in the order of the input and are the
//! same bytes for any number of threads.

pub mod batch;
pub mod catalogue;
pub mod check;
pub mod evaluate;
pub mod inspect;
mod manifest;
mod outcome;
mod selection;

pub use manifest::{Manifest, ManifestClip, VoiceKind};
pub use outcome::{Reason, Settings, Status};
pub use selection::{Filter, Selection};
