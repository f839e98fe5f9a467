//! Frames to an embedding: one vector of numbers that stands for the voice of a clip.
//!
//! [`mfcc`] gives transparent statistics that anybody can recompute. [`WccnEncoder`] gives richer statistics through a
//! linear map that was fitted to labelled voices. The [`panel`] runs the encoders over a clip in one pass; each [`Embedding`] carries the fingerprint of everything that made it, and only
//! embeddings of one fingerprint are ever compared.

mod background;
mod embedding;
pub mod mfcc;
pub mod panel;
mod refusal;
mod wccn;

pub use background::Background;
pub use embedding::{Embedding, fingerprint};
pub use mfcc::MfccSettings;
pub use panel::{ClipAnalysis, MINIMUM_NET_SPEECH_S, Panel, PanelSettings};
pub use refusal::Refusal;
pub use wccn::{WccnEncoder, WccnTable};
