//! Protected voices against the rows of an index as they come.

use super::fault::Raise;
use super::rows::usable_rows;
use super::voice::{Named, VoiceReference, calibration, clips, cohort, parsed, reference_of};
use super::{Panels, encoders};
use crate::library::VoiceSet;
use crate::library::scan::{Cell, Hit, HitRow, PartOptions, PartScan, Score, Threshold};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

/// The columns of a scan's table in their order: name and kind (`string`, `double`, `int64` or `bool`).
#[pyfunction]
pub(super) fn scan_columns() -> Vec<(String, &'static str)> {
    let kind = |cell| match cell {
        Cell::Text(_) => "string",
        Cell::Number(_) => "double",
        Cell::Whole(_) => "int64",
        Cell::Flag(_) => "bool",
    };
    HitRow::columns().into_iter().map(|(name, cell)| (name, kind(cell))).collect()
}

/// The posterior of each ratio; none of a clip that has none.
#[pyfunction]
pub(super) fn posterior(log10_lr: Vec<Option<f64>>, clips: Vec<usize>, expected_clips: f64) -> Vec<Option<f64>> {
    let posterior = |(ratio, clips): (Option<f64>, usize)| {
        ratio.map(|ratio| crate::library::scan::posterior(ratio, clips, expected_clips))
    };
    log10_lr.into_iter().zip(clips).map(posterior).collect()
}

/// A scan that is given its rows part by part.
#[pyclass(module = "soundalike._native", frozen)]
pub(super) struct Scanner {
    panels: Arc<Panels>,
    scan: Mutex<PartScan>,
}

#[pymethods]
impl Scanner {
    /// Voices by name, each a `Reference` or recordings.
    #[new]
    #[pyo3(signature = (voices, *, names, channel, top, above, by, condition, calibration_file, cohort_file,
                        cohort_filter, threads))]
    #[allow(clippy::too_many_arguments)]
    fn new(
        py: Python<'_>,
        voices: Vec<(String, Bound<'_, PyAny>)>,
        names: Option<&str>,
        channel: &str,
        top: Option<usize>,
        above: Option<&str>,
        by: Option<&str>,
        condition: Option<&str>,
        calibration_file: Option<PathBuf>,
        cohort_file: Option<PathBuf>,
        cohort_filter: Vec<String>,
        threads: usize,
    ) -> PyResult<Self> {
        let mut sources = Vec::with_capacity(voices.len());
        for (name, voice) in voices {
            let source = match voice.cast::<VoiceReference>() {
                Ok(reference) => reference.get().source(),
                Err(_) => reference_of(clips(py, &voice.extract::<Vec<Named<'_>>>()?)?).raise(py)?,
            };
            sources.push((name, source));
        }
        let voices = VoiceSet::named(sources);
        let made = py.detach(|| {
            let held = if names.is_some() { None } else { voices.encoders()? };
            let panels = Panels::of(channel.parse()?, held.map_or_else(|| encoders(names), Ok)?)?;
            let above: Option<Threshold> = above.map(str::parse).transpose()?;
            let by: Option<Score> = by.map(str::parse).transpose()?;
            let options = PartOptions {
                top,
                threshold: above.unwrap_or_default(),
                only_above: above.is_some(),
                by,
                cohort_filters: parsed(&cohort_filter)?,
                threads,
            };
            let calibration = calibration(calibration_file.as_deref(), condition)?;
            let both = [Arc::clone(&panels.wide), Arc::clone(&panels.narrow)];
            let scan = PartScan::new(both, &voices, calibration, cohort(cohort_file.as_deref())?, options)?;
            Ok((panels, scan))
        });
        let (panels, scan) = made.raise(py)?;
        Ok(Scanner { panels, scan: Mutex::new(scan) })
    }

    /// Voices that could not be enrolled, and why.
    #[getter]
    fn left_out(&self) -> Vec<(String, String)> {
        let scan = self.scan.lock().unwrap_or_else(PoisonError::into_inner);
        scan.left_out().iter().map(|left| (left.voice.clone(), left.message.clone())).collect()
    }

    /// Voices that are compared in the narrow band alone.
    #[getter]
    fn narrow_band(&self) -> Vec<String> {
        let scan = self.scan.lock().unwrap_or_else(PoisonError::into_inner);
        scan.narrow_band().map(str::to_string).collect()
    }

    /// Takes the rows of a part, column by column.
    fn push(&self, py: Python<'_>, columns: &Bound<'_, PyDict>) -> PyResult<()> {
        let rows = usable_rows(&self.panels, columns)?;
        py.detach(|| self.scan.lock().unwrap_or_else(PoisonError::into_inner).push(rows)).raise(py)
    }

    /// What was found since the last time. First the clips that can be listed, each a value that it is ranked by and
    /// the cells of its row; then for each voice its name and the numbers of clips that were compared and that have
    /// ratios.
    #[allow(clippy::type_complexity)]
    fn take<'py>(&self, py: Python<'py>) -> PyResult<(Vec<(f64, Bound<'py, PyList>)>, Vec<(String, usize, usize)>)> {
        let found = py.detach(|| self.scan.lock().unwrap_or_else(PoisonError::into_inner).take());
        let (mut hits, mut counts) = (Vec::new(), Vec::new());
        for (voice, found) in found {
            let mut add = |listed: Vec<(f64, Hit)>, ranked| -> PyResult<()> {
                for (key, hit) in listed {
                    hits.push((key, cells(py, &HitRow::of_voice(&voice, &hit, ranked))?));
                }
                Ok(())
            };
            add(found.ranked, true)?;
            add(found.rest, false)?;
            counts.push((voice, found.compared, found.judged));
        }
        Ok((hits, counts))
    }
}

fn cells<'py>(py: Python<'py>, row: &HitRow) -> PyResult<Bound<'py, PyList>> {
    let cell = |(_, cell): &(String, Cell)| -> PyResult<Bound<'py, PyAny>> {
        Ok(match cell {
            Cell::Text(text) => text.into_pyobject(py)?,
            Cell::Number(number) => number.into_pyobject(py)?,
            Cell::Whole(number) => number.into_pyobject(py)?.into_any(),
            Cell::Flag(flag) => flag.into_pyobject(py)?.to_owned().into_any(),
        })
    };
    PyList::new(py, row.cells().iter().map(cell).collect::<PyResult<Vec<_>>>()?)
}
