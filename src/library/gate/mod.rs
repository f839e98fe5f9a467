//! One rule for every gate: a clip passes only where all of its sound was heard, all of that was compared with every
//! protected voice by every encoder that a limit needs, and none of it came close.
//!
//! `listen` hears a clip: each track, each channel that differs, the difference of each two, and in long clips each
//! window. `judge` compares what was heard. Whatever could not be heard or judged is a reason for which a clip does not
//! pass; there is no other way to [`GateStatus::Passed`] than [`GateClip::status`] of a clip without reasons and hits.

mod judge;
mod library;
mod limits;
mod listen;
mod result;

pub(crate) use judge::{Judge, decide};
pub use library::{LibraryGate, check_library_limit, gate_library};
pub(crate) use limits::check_limits;
pub(crate) use listen::{HeardClip, hear_clips};
pub use listen::{LONG_S, WINDOW_HOP_S, WINDOW_S};
pub use result::{GateClip, GateHit, GateOutcome, GateStatus, Heard, Part};
