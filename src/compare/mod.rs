//! Embedding against embedding: cosines, and a reference that stays a set of recordings.

mod cosine;
mod reference;

pub use cosine::cosine;
pub use reference::{ClipScore, CosineScore, Exemplar, VoiceModel};
