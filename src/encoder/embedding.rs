//! The vector that stands for a voice, and the fingerprint of what made it.

use serde::Serialize;
use sha2::{Digest, Sha256};

/// The vector that an encoder made of a clip.
#[derive(Clone, Debug, PartialEq)]
pub struct Embedding {
    /// The values.
    pub values: Vec<f32>,
    /// Fingerprint of the extractor's settings and tables.
    pub fingerprint: String,
}

/// A short fingerprint of settings: the first 16 hexadecimal digits of the SHA-256 of their JSON.
pub fn fingerprint(settings: &impl Serialize) -> String {
    let json = serde_json::to_vec(settings).unwrap_or_default();
    Sha256::digest(&json).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}
