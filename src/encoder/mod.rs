//! Frames to an embedding: one vector of numbers that stands for the voice of a clip.
//!
//! Today there is one encoder, [`mfcc`]: transparent statistics that anybody can recompute. The [`panel`] runs the
//! encoders over a clip in one pass; each [`Embedding`] carries the fingerprint of everything that made it, and only
//! embeddings of one fingerprint are ever compared.

mod background;
mod campplus;
mod embedding;
mod ge2e;
pub mod mfcc;
mod network;
pub mod panel;
mod refusal;

pub use background::Background;
pub use embedding::{Embedding, fingerprint};
pub use mfcc::MfccSettings;
pub use panel::{ClipAnalysis, MINIMUM_NET_SPEECH_S, Panel, PanelSettings};
pub use refusal::Refusal;
