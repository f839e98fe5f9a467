//! Weight files: safetensors, known by their SHA-256.
//!
//! A network is what its weights are. A file that is not, bit for bit, the one that figures and limits were measured
//! with is refused before a single number is computed from it.

use crate::encoder::models::WeightSource;
use crate::error::{Error, Result};
use half::f16;
use half::slice::HalfFloatSliceExt;
use safetensors::{Dtype, SafeTensors};
use sha2::{Digest, Sha256};

/// The tensors of one network.
pub(crate) struct WeightFile<'a> {
    source: &'a WeightSource,
    tensors: SafeTensors<'a>,
}

impl<'a> WeightFile<'a> {
    /// Reads the file, whose SHA-256 must be `sha256`.
    ///
    /// # Errors
    /// [`WeightSource::wrong`] where it is another file.
    pub fn read(source: &'a WeightSource, sha256: &'static str) -> Result<Self> {
        let bytes = &source.bytes;
        let found = crate::hash::hex(Sha256::digest(bytes));
        if found != sha256 {
            let found = format!("{} bytes with the SHA-256 {found}", bytes.len());
            return Err(source.wrong(found, format!("the SHA-256 {sha256}")));
        }
        let tensors = SafeTensors::deserialize(bytes);
        let tensors = tensors.map_err(|error| source.wrong(error.to_string(), "a safetensors file".into()))?;
        Ok(WeightFile { source, tensors })
    }

    /// The values of a tensor of `length` values, in row-major order.
    ///
    /// # Errors
    /// [`WeightSource::wrong`] where there is none of that name, type and length.
    pub fn tensor(&self, tensor: &str, length: usize) -> Result<Vec<f32>> {
        let wrong = |found: String| -> Error { self.source.wrong(found, format!("{length} numbers in {tensor}")) };
        let view = self.tensors.tensor(tensor).map_err(|error| wrong(error.to_string()))?;
        let values = match view.dtype() {
            Dtype::F16 => {
                let (pairs, _) = view.data().as_chunks::<2>();
                let halves: Vec<f16> = pairs.iter().map(|pair| f16::from_le_bytes(*pair)).collect();
                let mut values = vec![0.0; halves.len()];
                halves.convert_to_f32_slice(&mut values);
                values
            }
            Dtype::F32 => {
                let (words, _) = view.data().as_chunks::<4>();
                words.iter().map(|word| f32::from_le_bytes(*word)).collect()
            }
            other => return Err(wrong(format!("the type {other:?}"))),
        };
        if values.len() == length { Ok(values) } else { Err(wrong(format!("{} numbers", values.len()))) }
    }
}
