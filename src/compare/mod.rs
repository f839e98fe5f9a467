//! Embedding against embedding: cosines, and a reference that stays a set of recordings.

mod reference;

pub use crate::encoder::cosine;
pub use reference::{ClipScore, CosineScore, Exemplar, VoiceModel};
