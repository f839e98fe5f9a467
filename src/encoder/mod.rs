//! Frames to an embedding: one vector of numbers that stands for the voice of a clip.
//!
//! [`Encoder`] names them all. [`mfcc`] is transparent statistics that anybody can recompute; [`WccnEncoder`] gives
//! richer ones through a linear map that was fitted to labelled voices; GE2E and CAM++ are speaker networks, whose
//! weights come from [`Models`]. The [`panel`] runs the encoders that are asked for over a clip in one pass; each
//! [`Embedding`] carries the fingerprint of everything that made it, and only embeddings of one encoder and one
//! fingerprint are ever compared.

mod background;
mod band;
pub mod campplus;
mod cosine;
mod embedding;
pub mod ge2e;
mod kind;
pub mod mfcc;
mod models;
mod network;
pub mod panel;
mod pieces;
mod refusal;
mod selftest;
mod track;
mod wccn;

pub use background::Background;
pub(crate) use band::PerBand;
pub use band::{Band, NARROW_BAND_TOP_HZ};
pub use cosine::cosine;
pub(crate) use cosine::{Vectors, unit};
pub use embedding::{Embedding, fingerprint};
pub use kind::{Encoder, EncoderSet, PerEncoder, VOICE_ENCODERS};
pub use mfcc::MfccSettings;
pub use models::{Models, weight_hashes};
pub use panel::{ClipAnalysis, MINIMUM_NET_SPEECH_S, Panel, PanelSettings, PanelWorker};
pub use pieces::{FramesRead, Level, NetworkSettings};
pub use refusal::Refusal;
pub use selftest::{SelfTest, SelfTestCheck, selftest};
pub use wccn::{WccnEncoder, WccnTable};
