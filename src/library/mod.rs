//! Many clips: finding them, running the panel over them on all cores, and the jobs made of that.
//!
//! [`batch`] is the only place in the library that starts threads. Results come in the order of the input and are the
//! same bytes for any number of threads.

pub mod batch;
pub mod catalogue;
pub mod check;
pub mod enrol;
pub mod evaluate;
pub mod inspect;
mod manifest;
mod outcome;
mod reference;
mod selection;
mod voice_file;

pub use manifest::{Manifest, ManifestClip, VoiceKind};
pub use outcome::{Reason, Settings, Status};
pub use reference::{Reference, ReferenceClip, ReferenceModel, ReferenceSource};
pub use selection::{Filter, Selection};
pub use voice_file::{EnrolledClip, FORMAT, FORMAT_VERSION, VoiceModelFile};
