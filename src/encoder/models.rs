//! Where the networks' weights come from, and the known answers that a network must give before it scores anybody.

use super::kind::{Encoder, PerEncoder};
use crate::encoder::cosine;
use crate::error::{Error, ErrorKind, Result};
use serde::Deserialize;
use std::borrow::Cow;
use std::path::PathBuf;

/// Least cosine between what a network gives for a known input and what its original code gave. Weights rounded to 16
/// bits leave about 7e-6 below one; a wrong weight, layer or instruction leaves far more.
pub(crate) const LEAST_COSINE: f64 = 0.999_99;

/// Where the weights come from.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub enum Models {
    /// They are part of the program.
    #[default]
    BuiltIn,
    /// They lie in a folder, as `ge2e.safetensors` and `campplus.safetensors`.
    Folder(PathBuf),
}

/// Larger files of weights are refused, bytes.
const MOST_BYTES: u64 = 1 << 30;

/// What an encoder's original code gave for an input made by a formula (`tools/golden_embeddings.py`).
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct KnownAnswer {
    /// The answer; the formula stands beside it in the file.
    pub values: Vec<f32>,
}

#[derive(Deserialize)]
struct KnownAnswers {
    mfcc: KnownAnswer,
    ge2e: KnownAnswer,
    campplus: KnownAnswer,
}

/// A weight file's content, and what an error about it names.
pub(crate) struct WeightSource {
    /// The network it belongs to.
    pub network: Encoder,
    /// None where the weights are part of the program.
    pub path: Option<PathBuf>,
    /// The content.
    pub bytes: Cow<'static, [u8]>,
}

impl WeightSource {
    /// The error that blames it.
    pub fn wrong(&self, found: String, expected: String) -> Error {
        match self.path.clone() {
            Some(path) => ErrorKind::Weights { path, found, expected }.into(),
            None => ErrorKind::Model { name: self.network.name(), found, expected }.into(),
        }
    }
}

impl Models {
    /// The weight file of a network.
    ///
    /// # Errors
    /// Where the file cannot be read, or the program was built without weights.
    pub(crate) fn source(&self, network: Encoder) -> Result<WeightSource> {
        let (path, bytes) = match self {
            Models::Folder(folder) => {
                let path = folder.join(format!("{network}.safetensors"));
                let bytes = crate::regular_file::read(&path, MOST_BYTES, "the weights of a network")?;
                (Some(path), Cow::Owned(bytes))
            }
            Models::BuiltIn => (None, Cow::Borrowed(built_in(network)?)),
        };
        Ok(WeightSource { network, path, bytes })
    }
}

#[cfg(feature = "embedded-models")]
fn built_in(network: Encoder) -> Result<&'static [u8]> {
    match network {
        Encoder::Ge2e => Ok(include_bytes!("../../models/ge2e.safetensors")),
        _ => Ok(include_bytes!("../../models/campplus.safetensors")),
    }
}

#[cfg(not(feature = "embedded-models"))]
fn built_in(network: Encoder) -> Result<&'static [u8]> {
    let found = format!("no folder, and a program built without the weights of {network}");
    let expected = "the folder that holds ge2e.safetensors and campplus.safetensors".into();
    Err(ErrorKind::Setting { name: "models", found, expected }.into())
}

/// The known answer of an encoder; the statistics' stands for both MFCC encoders.
///
/// # Errors
/// [`ErrorKind::Model`] where the table that was built in is none.
pub(crate) fn known_answer(encoder: Encoder) -> Result<KnownAnswer> {
    let text = include_str!("../../models/known_answers.json");
    let answers: KnownAnswers = serde_json::from_str(text).map_err(|error| {
        let expected = "a table of known answers".into();
        ErrorKind::Model { name: "known_answers", found: error.to_string(), expected }
    })?;
    Ok(match encoder {
        Encoder::Mfcc | Encoder::MfccLda => answers.mfcc,
        Encoder::Ge2e => answers.ge2e,
        Encoder::Campplus => answers.campplus,
    })
}

/// Compares what a network gave for its known input with the known answer, and returns their cosine.
///
/// # Errors
/// [`ErrorKind::KnownAnswer`] where they are too far apart: nothing that this network says may be believed.
pub(crate) fn hold_to_known_answer(network: Encoder, values: &[f32]) -> Result<f64> {
    let found = cosine(values, &known_answer(network)?.values).unwrap_or(-1.0);
    if found >= LEAST_COSINE {
        return Ok(found);
    }
    Err(ErrorKind::KnownAnswer { name: network.name(), found, expected: LEAST_COSINE }.into())
}
/// SHA-256 of the weight file of each network, of this version.
pub fn weight_hashes() -> PerEncoder<&'static str> {
    let hashes = [(Encoder::Ge2e, super::ge2e::SHA256), (Encoder::Campplus, super::campplus::SHA256)];
    hashes.into_iter().collect()
}
