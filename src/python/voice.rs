//! A protected voice, what candidates are worth against it, and the validation of such figures.

use super::fault::Raise;
use super::source::Given;
use super::{Panels, encoders, json};
use crate::audio::ClipSource;
use crate::encoder::EncoderSet;
use crate::encryption::Keys;
use crate::error::{ErrorKind, Result};
use crate::library::batch::BatchOptions;
use crate::library::check::CheckSettings;
use crate::library::cohort::Cohort;
use crate::library::enrol::enrol;
use crate::library::evaluate::{Enrol, EvaluateSettings};
use crate::library::{
    DEFAULT_CONDITION, Filter, LabelFiles, Labels, LoadedCalibration, Pairs, PassedOver, Places, ReferenceSource, Rule,
    Selection, Threshold, catalogue,
};
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// A recording of the caller's: its source, its rate where it is samples, and its name where it lies in memory.
pub(super) type Named<'py> = (Bound<'py, PyAny>, Option<u32>, String);

/// Recordings by path and in memory.
pub(super) fn clips(py: Python<'_>, given: &[Named<'_>]) -> PyResult<Vec<ClipSource>> {
    given.iter().map(|(source, rate, name)| Given::of(source, *rate)?.clip(py, name)).collect()
}

/// What stands for a protected voice: files, folders, patterns and voice models by their paths, and what lies in
/// memory.
pub(super) fn reference_of(clips: Vec<ClipSource>) -> Result<ReferenceSource> {
    let (mut paths, mut held) = (Vec::new(), Vec::new());
    for clip in clips {
        match clip {
            ClipSource::File(path) => paths.push(path),
            ClipSource::Memory { name, bytes } => held.push((name, bytes)),
        }
    }
    let mut reference = ReferenceSource::read(&paths, &Keys::none())?;
    for (name, bytes) in held {
        if reference.clips().contains(&name) {
            return Err(taken(&name));
        }
        reference = reference.and_held(name, bytes);
    }
    Ok(reference)
}

/// A name that two recordings have, of which the one would be taken for the other.
fn taken(name: &Path) -> crate::Error {
    let found = format!("\"{}\", which another recording is called too", name.display());
    ErrorKind::Setting { name: "name", found, expected: "a name of its own for every recording in memory".into() }
        .into()
}

/// The calibration that was asked for.
pub(super) fn calibration(file: Option<&Path>, condition: Option<&str>) -> Result<LoadedCalibration> {
    match file {
        Some(file) => LoadedCalibration::read(file),
        None => LoadedCalibration::built_in(condition.unwrap_or(DEFAULT_CONDITION)),
    }
}

/// The population that was asked for.
pub(super) fn cohort(file: Option<&Path>) -> Result<Cohort> {
    file.map_or_else(Cohort::built_in, Cohort::read)
}

/// Values of options, read from their words.
pub(super) fn parsed<T: FromStr<Err = crate::Error>>(words: &[String]) -> Result<Vec<T>> {
    words.iter().map(|word| word.parse()).collect()
}

/// A voice model in memory.
#[pyclass(name = "Reference", module = "soundalike._native", frozen)]
pub(super) struct VoiceReference {
    /// What it is called in results.
    name: String,
    /// The bytes of its file.
    bytes: Vec<u8>,
    /// The reference as it was enrolled; of one that was read, nothing but the model.
    told: Option<String>,
    source: ReferenceSource,
}

impl VoiceReference {
    /// The voice model as what stands for a voice.
    pub(super) fn source(&self) -> ReferenceSource {
        self.source.clone()
    }
}

#[pymethods]
impl VoiceReference {
    /// Enrols recordings.
    #[staticmethod]
    fn enrol(
        py: Python<'_>,
        recordings: Vec<Named<'_>>,
        name: String,
        names: Option<&str>,
        channel: &str,
        threads: usize,
    ) -> PyResult<Self> {
        let clips = clips(py, &recordings)?;
        let channel = channel.parse().raise(py)?;
        let enrolled = py.detach(|| {
            let source = reference_of(clips)?;
            let held: Option<EncoderSet> = if names.is_some() { None } else { source.encoders()? };
            let panels = Panels::of(channel, held.map_or_else(|| encoders(names), Ok)?)?;
            enrol(&panels.wide, &source, &BatchOptions { threads, ..Default::default() })
        });
        let enrolled = enrolled.raise(py)?;
        let wrong = |error: serde_json::Error| pyo3::exceptions::PyRuntimeError::new_err(error.to_string());
        let bytes = enrolled.model.to_bytes().map_err(wrong)?;
        let source = ReferenceSource::of_model(&name, &bytes).raise(py)?;
        Ok(VoiceReference { name, bytes, told: Some(json(&enrolled.reference)?), source })
    }

    /// Reads the bytes of a voice model's file.
    #[staticmethod]
    fn of_bytes(py: Python<'_>, bytes: &[u8], name: String) -> PyResult<Self> {
        let source = ReferenceSource::of_model(&name, bytes).raise(py)?;
        Ok(VoiceReference { name, bytes: bytes.into(), told: None, source })
    }

    /// The bytes of the voice model's file.
    fn to_bytes<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.bytes)
    }

    /// What it is called in results.
    #[getter]
    fn name(&self) -> &str {
        &self.name
    }

    /// What was told of its recordings at enrolment, as JSON.
    #[getter]
    fn told(&self) -> Option<&str> {
        self.told.as_deref()
    }

    /// The names of the encoders that it holds.
    #[getter]
    fn encoders(&self, py: Python<'_>) -> PyResult<Vec<&'static str>> {
        let held = self.source.encoders().raise(py)?.unwrap_or_default();
        Ok(held.iter().map(|encoder| encoder.name()).collect())
    }
}

/// Candidates against a protected voice: the result of `soundalike check --json`.
#[pyfunction]
#[pyo3(signature = (reference, candidates, *, names, channel, condition, calibration_file, cohort_file, cohort_filter,
                    as_norm, prior, language, force, fail_above, threads))]
#[allow(clippy::too_many_arguments)]
pub(super) fn check(
    py: Python<'_>,
    reference: &Bound<'_, PyAny>,
    candidates: Vec<Named<'_>>,
    names: Option<&str>,
    channel: &str,
    condition: Option<&str>,
    calibration_file: Option<PathBuf>,
    cohort_file: Option<PathBuf>,
    cohort_filter: Vec<String>,
    as_norm: bool,
    prior: Option<f64>,
    language: Option<String>,
    force: bool,
    fail_above: Vec<String>,
    threads: usize,
) -> PyResult<String> {
    let enrolled = reference.cast::<VoiceReference>().ok();
    let source = match enrolled {
        Some(reference) => Ok(reference.get().source()),
        None => reference_of(clips(py, &reference.extract::<Vec<Named<'_>>>()?)?),
    };
    let source = source.raise(py)?;
    let candidates = clips(py, &candidates)?;
    let channel = channel.parse().raise(py)?;
    let report = py.detach(|| {
        let held = if names.is_some() { None } else { source.encoders()? };
        let panels = Panels::of(channel, held.map_or_else(|| encoders(names), Ok)?)?;
        let (calibration, cohort) =
            (calibration(calibration_file.as_deref(), condition)?, cohort(cohort_file.as_deref())?);
        let gates: Vec<Threshold> = parsed(&fail_above)?;
        let filters: Vec<Filter> = parsed(&cohort_filter)?;
        let (told, places, passed_over) = listed(candidates, &source)?;
        let settings = CheckSettings {
            gates: &gates,
            calibration: Some(&calibration),
            cohort: Some(&cohort),
            cohort_filters: &filters,
            as_norm,
            prior,
            language,
            force,
            places: places.as_ref(),
            passed_over: Some(&passed_over),
        };
        let options = BatchOptions { threads, ..Default::default() };
        crate::library::check::check(&panels.wide, &source, &told, &settings, &options)
    });
    json(&report.raise(py)?)
}

/// Candidates by name and, where one lies in memory, the place of each; the files that the others stand for are then
/// listed here, for places name single clips.
///
/// # Errors
/// Where a recording in memory has the name of another recording.
fn listed(candidates: Vec<ClipSource>, source: &ReferenceSource) -> Result<(Vec<PathBuf>, Option<Places>, PassedOver)> {
    let in_memory = |clip: &ClipSource| matches!(clip, ClipSource::Memory { .. });
    if !candidates.iter().any(in_memory) && !source.places().holds_any() {
        let told = candidates.iter().map(|clip| clip.path().to_path_buf()).collect();
        return Ok((told, None, PassedOver::default()));
    }
    let (mut told, mut places, mut passed_over) = (Vec::new(), source.places().clone(), PassedOver::default());
    let (held, files): (Vec<_>, Vec<_>) = candidates.into_iter().enumerate().partition(|(_, clip)| in_memory(clip));
    for (at, clip) in files {
        let path = clip.path();
        let listed = catalogue::expand_each(&[path.to_path_buf()]);
        passed_over.add(listed.passed_over);
        let files: Vec<PathBuf> = listed.clips.into_iter().map(|file| file.unwrap_or_else(|(path, _)| path)).collect();
        if let Some(path) = files.iter().find(|path| places.holds(path)) {
            return Err(taken(path));
        }
        told.extend(files.into_iter().map(|path| (at, path)));
    }
    for (at, clip) in held {
        let ClipSource::Memory { name, bytes } = clip else { continue };
        if places.holds(&name) || source.clips().contains(&name) || told.iter().any(|(_, path)| *path == name) {
            return Err(taken(&name));
        }
        places.hold(name.clone(), bytes);
        told.push((at, name));
    }
    told.sort_by_key(|(at, _)| *at);
    Ok((told.into_iter().map(|(_, path)| path).collect(), Some(places), passed_over))
}

/// A validation on labelled clips: the result of `soundalike evaluate --json`.
#[pyfunction]
#[pyo3(signature = (*, manifest, trials, root, split, filters, synthetic_filters, pairs, enrol, by, condition,
                    calibration_file, as_norm, cohort_file, match_bands, rules, names, channel, threads))]
#[allow(clippy::too_many_arguments)]
pub(super) fn evaluate(
    py: Python<'_>,
    manifest: Option<PathBuf>,
    trials: Option<PathBuf>,
    root: Option<PathBuf>,
    split: Vec<String>,
    filters: Vec<String>,
    synthetic_filters: Vec<String>,
    pairs: &str,
    enrol: usize,
    by: Option<String>,
    condition: Option<&str>,
    calibration_file: Option<PathBuf>,
    as_norm: bool,
    cohort_file: Option<PathBuf>,
    match_bands: bool,
    rules: Vec<String>,
    names: Option<&str>,
    channel: &str,
    threads: usize,
) -> PyResult<String> {
    let report = py.detach(|| {
        let pairs: Pairs = pairs.parse()?;
        let selection =
            Selection { splits: split, filters: parsed(&filters)?, synthetic_filters: parsed(&synthetic_filters)? };
        let files =
            LabelFiles { manifest: manifest.as_deref(), trials: trials.as_deref(), root: root.as_deref(), selection };
        let labels = Labels::read(&files, &by.as_deref().into_iter().collect::<Vec<_>>(), &[])?;
        let panels = Panels::of(channel.parse()?, encoders(names)?)?;
        let condition = condition.or_else(|| if trials.is_some() { None } else { pairs.condition() });
        let calibration = calibration(calibration_file.as_deref(), condition)?;
        let cohort = as_norm.then(|| cohort(cohort_file.as_deref())).transpose()?;
        let rules: Vec<Rule> = parsed(&rules)?;
        let settings = EvaluateSettings {
            calibration: Some(&calibration),
            pairs,
            enrol: Enrol::of(enrol),
            by,
            as_norm: cohort.as_ref(),
            match_bands,
            rules: &rules,
        };
        let options = BatchOptions { threads, ..Default::default() };
        Ok(crate::library::evaluate::evaluate(&panels.wide, &labels, &settings, &options)?.report)
    });
    json(&report.raise(py)?)
}
