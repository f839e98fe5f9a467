//! One recording to samples, features or embeddings.

use super::fault::{Raise, refused};
use super::source::{Given, format_of_samples};
use super::{Panels, encoders};
use crate::audio::{Channel, ReadOptions, Recording, Waveform};
use crate::error::Result;
use crate::feature::{FeatureSettings, Preset, kaldi_fbank80};
use numpy::{PyArray1, PyArray2, ToPyArray};
use pyo3::prelude::*;
use pyo3::types::PyDict;

/// What a recording without a name is called.
const UNNAMED: &str = "recording";

/// The samples of a recording: mono, 16 kHz.
#[pyfunction]
pub(super) fn load<'py>(
    py: Python<'py>,
    source: &Bound<'py, PyAny>,
    sample_rate: Option<u32>,
    channel: &str,
) -> PyResult<Bound<'py, PyAny>> {
    let channel: Channel = channel.parse().raise(py)?;
    let given = Given::of(source, sample_rate)?;
    if let (Given::Mono(array, _), Some(_)) = (&given, given.ready()) {
        return Ok(array.as_any().clone());
    }
    let clip = given.clip(py, UNNAMED)?;
    let waveform = py.detach(|| Waveform::of(&clip, channel)).raise(py)?;
    Ok(PyArray1::from_vec(py, waveform.samples).into_any())
}

fn features<'py>(
    source: &Bound<'py, PyAny>,
    sample_rate: Option<u32>,
    channel: &str,
    settings: impl FnOnce() -> Result<FeatureSettings>,
) -> PyResult<Bound<'py, PyArray2<f32>>> {
    let py = source.py();
    let channel: Channel = channel.parse().raise(py)?;
    let plan = settings().and_then(|settings| settings.plan()).raise(py)?;
    let given = Given::of(source, sample_rate)?;
    let rows = match given.ready() {
        Some(samples) => py.detach(|| plan.extract(samples)),
        None => {
            let clip = given.clip(py, UNNAMED)?;
            py.detach(|| Ok(plan.extract(&Waveform::of(&clip, channel)?.samples))).raise(py)?
        }
    };
    Ok(PyArray2::from_owned_array(py, rows))
}

/// Cepstra `(frames, coefficients)`.
#[pyfunction]
pub(super) fn mfcc<'py>(
    source: &Bound<'py, PyAny>,
    sample_rate: Option<u32>,
    channel: &str,
    preset: &str,
) -> PyResult<Bound<'py, PyArray2<f32>>> {
    features(source, sample_rate, channel, || Ok(preset.parse::<Preset>()?.mfcc()))
}

/// The log mel filter bank `(frames, bands)`.
#[pyfunction]
pub(super) fn fbank<'py>(
    source: &Bound<'py, PyAny>,
    sample_rate: Option<u32>,
    channel: &str,
    preset: &str,
) -> PyResult<Bound<'py, PyArray2<f32>>> {
    features(source, sample_rate, channel, || match preset {
        "kaldi80" => Ok(kaldi_fbank80()),
        _ => Ok(preset.parse::<Preset>()?.fbank()),
    })
}

/// The embedding of each encoder, by its name.
#[pyfunction]
pub(super) fn embed<'py>(
    source: &Bound<'py, PyAny>,
    sample_rate: Option<u32>,
    channel: &str,
    names: Option<&str>,
) -> PyResult<Bound<'py, PyDict>> {
    let py = source.py();
    let panels = py.detach(|| Panels::of(channel.parse()?, encoders(names)?)).raise(py)?;
    let given = Given::of(source, sample_rate)?;
    let (name, embeddings) = match given.ready() {
        Some(samples) => {
            let embeddings = py.detach(|| panels.wide.worker().analyse_samples(samples, &format_of_samples()).1);
            (UNNAMED.to_string(), embeddings)
        }
        None => {
            let clip = given.clip(py, UNNAMED)?;
            // What cannot be opened is the caller's mistake and told as such.
            let options = ReadOptions {
                channel: panels.wide.settings().channel,
                hash: false,
                measure: false,
                ..ReadOptions::default()
            };
            Recording::of(&clip, &options).raise(py)?;
            let embeddings = py.detach(|| panels.wide.worker().analyse_clip(&clip, None).embeddings);
            (crate::path_text::text_of(clip.path()), embeddings)
        }
    };
    let embeddings = embeddings.map_err(|refusal| refused(py, &name, &refusal))?;
    let by_name = PyDict::new(py);
    for (encoder, embedding) in embeddings.iter() {
        by_name.set_item(encoder.name(), embedding.values.to_pyarray(py))?;
    }
    Ok(by_name)
}
