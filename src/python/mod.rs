//! The library for Python: the native part of the package `soundalike` (feature `python`).
//!
//! It computes nothing of its own: recordings, features, embeddings, checks, validations, rows of an index and scans
//! are those of the modules above, so that their numbers equal the command line's to the bit. What is told is handed
//! over as the JSON that the command line prints; arrays of the caller's are copied before they are read
//! (`source::copied`). While the library works, Python's lock is released. How it looks to a user (names, defaults, docstrings) is decided in the
//! Python files beside it, in `python/soundalike`.

mod fault;
mod features;
mod rows;
mod scanner;
mod source;
mod voice;

use crate::audio::Channel;
use crate::encoder::{EncoderSet, Models, Panel, PanelSettings};
use crate::error::Result;
use pyo3::prelude::*;
use std::sync::{Arc, Mutex, PoisonError};

/// A panel and its twin of the narrow band.
struct Panels {
    wide: Arc<Panel>,
    narrow: Arc<Panel>,
}

/// Panels that were made already: loading the networks takes a tenth of a second.
static MADE: Mutex<Vec<Arc<Panels>>> = Mutex::new(Vec::new());
/// Panels that are kept at most.
const KEPT: usize = 8;

impl Panels {
    /// The panels of these settings.
    fn of(channel: Channel, encoders: EncoderSet) -> Result<Arc<Panels>> {
        let made = || MADE.lock().unwrap_or_else(PoisonError::into_inner);
        let settings = PanelSettings { channel, encoders, ..Default::default() };
        let same = |panels: &&Arc<Panels>| panels.wide.settings() == &settings;
        if let Some(panels) = made().iter().find(same) {
            return Ok(Arc::clone(panels));
        }
        let wide = Panel::with_models(&settings, &Models::BuiltIn)?;
        let narrow = Arc::new(wide.narrow()?);
        let panels = Arc::new(Panels { wide: Arc::new(wide), narrow });
        let mut made = made();
        if made.len() >= KEPT {
            made.remove(0);
        }
        made.push(Arc::clone(&panels));
        Ok(panels)
    }
}

/// The encoders of a list of names, or those that run by default.
fn encoders(names: Option<&str>) -> Result<EncoderSet> {
    names.map_or_else(|| Ok(EncoderSet::default()), str::parse)
}

/// A result as the JSON that the command line prints.
fn json<T: serde::Serialize>(value: &T) -> PyResult<String> {
    serde_json::to_string(value).map_err(|error| pyo3::exceptions::PyRuntimeError::new_err(error.to_string()))
}

/// Names of the encoders, in the order of the columns of an index.
#[pyfunction]
fn encoder_names() -> Vec<&'static str> {
    crate::encoder::Encoder::ALL.iter().map(|encoder| encoder.name()).collect()
}

#[pymodule]
fn _native(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", crate::VERSION)?;
    module.add("MODELS_VERSION", crate::models_version())?;
    module.add("SAMPLE_RATE_HZ", crate::audio::SAMPLE_RATE_HZ)?;
    module.add_function(wrap_pyfunction!(encoder_names, module)?)?;
    module.add_function(wrap_pyfunction!(features::load, module)?)?;
    module.add_function(wrap_pyfunction!(features::mfcc, module)?)?;
    module.add_function(wrap_pyfunction!(features::fbank, module)?)?;
    module.add_function(wrap_pyfunction!(features::embed, module)?)?;
    module.add_function(wrap_pyfunction!(voice::check, module)?)?;
    module.add_function(wrap_pyfunction!(voice::evaluate, module)?)?;
    module.add_function(wrap_pyfunction!(rows::index_columns, module)?)?;
    module.add_function(wrap_pyfunction!(scanner::scan_columns, module)?)?;
    module.add_function(wrap_pyfunction!(scanner::posterior, module)?)?;
    module.add_class::<voice::VoiceReference>()?;
    module.add_class::<rows::Embedder>()?;
    module.add_class::<scanner::Scanner>()
}
