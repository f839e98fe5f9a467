//! Known voices: what a reference is made of, voice models as files, and the list of protected voices.
//!
//! Nothing is compared here; that is for [`check`](crate::library::check) and [`scan`](crate::library::scan).

pub mod enrol;
mod entries;
pub mod protect;
pub(in crate::library) mod reference;
mod voice_file;
pub(in crate::library) mod voices;

pub use reference::{Reference, ReferenceClip, ReferenceModel, ReferenceSource};
pub use voice_file::{EnrolledClip, FORMAT, FORMAT_VERSION, VoiceModelFile};
pub use voices::VoiceSet;
