//! What a caller names as a recording: a path, the bytes of a file, or samples.

use super::fault::Raise;
use crate::audio::{AudioFormat, ClipSource, Container, SAMPLE_RATE_HZ};
use crate::error::{Error, ErrorKind, Result};
use numpy::{PyReadonlyArray1, PyReadonlyArray2, PyUntypedArray, PyUntypedArrayMethods};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};
use std::path::PathBuf;
use std::sync::Arc;

/// A copy of an array, which NumPy makes and nobody else has, with its values in a row.
///
/// Another thread of the caller's may write to an array while Python's lock is released, by this module or by NumPy. No
/// reference to the memory of such an array is made here: what was written by then is in the copy or is not, and what is
/// written later changes nothing.
pub(super) fn copied<'py>(array: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let options = PyDict::new(array.py());
    options.set_item("copy", true)?;
    options.set_item("order", "C")?;
    options.set_item("subok", false)?;
    array.py().import("numpy")?.call_method("array", (array,), Some(&options))
}

/// A recording of the caller's; samples are a copy of the caller's array.
pub(super) enum Given<'py> {
    /// A file or, where several are meant, a folder or a pattern.
    Path(PathBuf),
    /// The content of a file.
    Bytes(Arc<Vec<u8>>),
    /// Samples of one channel, with their rate.
    Mono(PyReadonlyArray1<'py, f32>, u32),
    /// Samples `(frames, channels)`, with their rate.
    Many(PyReadonlyArray2<'py, f32>, u32),
}

impl<'py> Given<'py> {
    /// Takes what the Python files hand over: a path, `bytes`, or a `float32` array of one or two dimensions beside its
    /// rate.
    pub fn of(source: &Bound<'py, PyAny>, sample_rate: Option<u32>) -> PyResult<Self> {
        let rate = || {
            let missing = "samples need their rate: sample_rate=16000, or whatever it is in Hz";
            sample_rate.ok_or_else(|| PyTypeError::new_err(missing))
        };
        if let Ok(bytes) = source.cast::<PyBytes>() {
            return Ok(Given::Bytes(Arc::new(bytes.as_bytes().to_vec())));
        }
        if source.cast::<PyUntypedArray>().is_ok() {
            let own = copied(source)?;
            if let Ok(array) = own.extract::<PyReadonlyArray1<'py, f32>>() {
                return Ok(Given::Mono(array, rate()?));
            }
            if let Ok(array) = own.extract::<PyReadonlyArray2<'py, f32>>() {
                return Ok(Given::Many(array, rate()?));
            }
        }
        match source.extract::<PathBuf>() {
            Ok(path) => Ok(Given::Path(path)),
            Err(_) => {
                let found = source.get_type().name()?;
                let expected = "a path, the bytes of a sound file, or a NumPy array of samples";
                Err(PyTypeError::new_err(format!("found {found}, expected {expected}")))
            }
        }
    }

    /// The samples where they need neither mixing nor resampling: one channel at 16 kHz of finite numbers.
    pub fn ready(&self) -> Option<&[f32]> {
        match self {
            Given::Mono(array, SAMPLE_RATE_HZ) => {
                array.as_slice().ok().filter(|samples| !samples.is_empty() && samples.iter().all(|x| x.is_finite()))
            }
            _ => None,
        }
    }

    /// The recording as a clip of this name; a path keeps its own. Samples become the bytes of a WAV file of 32-bit
    /// floating point, so that they are read, and their hash is taken, as if they had been saved so.
    pub fn clip(&self, py: Python<'_>, name: &str) -> PyResult<ClipSource> {
        let bytes = match self {
            Given::Path(path) => return Ok(ClipSource::File(path.clone())),
            Given::Bytes(bytes) => Arc::clone(bytes),
            Given::Mono(array, rate) => {
                let samples = array.as_array();
                Arc::new(wav(samples.len(), 1, *rate, samples.iter()).raise(py)?)
            }
            Given::Many(array, rate) => {
                let (samples, channels) = (array.as_array(), array.shape().get(1).copied().unwrap_or(0));
                Arc::new(wav(samples.len(), channels, *rate, samples.iter()).raise(py)?)
            }
        };
        Ok(ClipSource::Memory { name: name.into(), bytes })
    }
}

/// What samples in memory are, told as the format of a file.
pub(super) fn format_of_samples() -> AudioFormat {
    AudioFormat {
        container: Container::Wav,
        codec: "pcm_f32".into(),
        sample_rate_hz: SAMPLE_RATE_HZ,
        channels: 1,
        bits_per_sample: Some(32),
    }
}

/// A WAV file of 32-bit floating point (WAVE_FORMAT_IEEE_FLOAT, 3).
fn wav<'a>(count: usize, channels: usize, rate: u32, samples: impl Iterator<Item = &'a f32>) -> Result<Vec<u8>> {
    let wrong = |name, found: String, expected: &str| {
        Error::from(ErrorKind::Setting { name, found, expected: expected.into() })
    };
    let size = count.checked_mul(4).and_then(|bytes| u32::try_from(bytes).ok()).filter(|size| *size < u32::MAX - 36);
    let size = size.ok_or_else(|| wrong("samples", count.to_string(), "less than 2^30"))?;
    let width = u16::try_from(channels).ok().filter(|channels| (1..=4096).contains(channels));
    let width = width.ok_or_else(|| wrong("samples", format!("{channels} channels"), "an array (frames, channels)"))?;
    let frame = u32::from(width) * 4;
    let second = rate.checked_mul(frame).filter(|_| rate > 0);
    let second = second.ok_or_else(|| wrong("sample_rate", rate.to_string(), "a rate in Hz"))?;
    let mut bytes = Vec::with_capacity(44 + size as usize);
    bytes.extend(b"RIFF");
    bytes.extend((size + 36).to_le_bytes());
    bytes.extend(b"WAVEfmt \x10\0\0\0\x03\0");
    bytes.extend(width.to_le_bytes());
    bytes.extend(rate.to_le_bytes());
    bytes.extend(second.to_le_bytes());
    bytes.extend((frame as u16).to_le_bytes());
    bytes.extend(b"\x20\0data");
    bytes.extend(size.to_le_bytes());
    bytes.extend(samples.flat_map(|sample| sample.to_le_bytes()));
    Ok(bytes)
}
