//! Clips to the rows of an index, and such rows taken in again, column by column.
//!
//! Columns cross over as Python lists and NumPy arrays; the Python files make Arrow arrays of them.

use super::fault::{Raise, exception};
use super::source::copied;
use super::{Panels, encoders};
use crate::audio::ClipSource;
use crate::encoder::PerEncoder;
use crate::error::{DocumentKind, Error, ErrorKind};
use crate::feature::ClipQuality;
use crate::library::index::{
    ClipStatus, ClipToIndex, ColumnKind, ColumnValues, IndexRow, NarrowRule, columns, embed, values,
};
use crate::path_text::path_of;
use numpy::{PyArray1, PyReadonlyArray1};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList};
use std::path::PathBuf;
use std::sync::Arc;

/// The columns of an index in their order: name, kind (`string`, `int32`, `int64`, `float`, `double`, `bool` or
/// `list<float>`), and whether a value may be missing.
#[pyfunction]
pub(super) fn index_columns(py: Python<'_>) -> PyResult<Vec<(String, &'static str, bool)>> {
    let kind = |kind| match kind {
        ColumnKind::Text => "string",
        ColumnKind::Int => "int32",
        ColumnKind::Long => "int64",
        ColumnKind::Float => "float",
        ColumnKind::Double => "double",
        ColumnKind::Flag => "bool",
        ColumnKind::Lists => "list<float>",
    };
    let columns = columns().raise(py)?;
    Ok(columns.into_iter().map(|(name, of, optional)| (name, kind(of), optional)).collect())
}

/// A clip of the caller's: path in the index, voice, the file that holds it, its bytes, why neither could be had, and
/// time of the last change.
type GivenClip<'py> =
    (String, Option<String>, Option<PathBuf>, Option<Bound<'py, PyBytes>>, Option<String>, Option<i64>);

fn clip(given: GivenClip<'_>) -> ClipToIndex {
    let (path, voice, file, bytes, fault, mtime_ns) = given;
    let mut clip = match (bytes, file, fault) {
        (_, _, Some(fault)) => ClipToIndex { path, voice, size: 0, mtime_ns: 0, clip: Err(fault) },
        (Some(bytes), ..) => {
            let bytes = Arc::new(bytes.as_bytes().to_vec());
            let (name, size) = (path_of(&path), bytes.len() as u64);
            ClipToIndex { path, voice, size, mtime_ns: 0, clip: Ok(ClipSource::Memory { name, bytes }) }
        }
        (None, Some(file), None) => ClipToIndex::of_file(path, voice, &file),
        (None, None, None) => {
            let fault = Err("neither a path nor bytes".into());
            ClipToIndex { path, voice, size: 0, mtime_ns: 0, clip: fault }
        }
    };
    clip.mtime_ns = mtime_ns.unwrap_or(clip.mtime_ns);
    clip
}

/// Makes rows of clips.
#[pyclass(module = "soundalike._native", frozen)]
pub(super) struct Embedder {
    panels: Arc<Panels>,
    rule: NarrowRule,
    threads: usize,
}

#[pymethods]
impl Embedder {
    #[new]
    fn new(py: Python<'_>, names: Option<&str>, channel: &str, narrow: &str, threads: usize) -> PyResult<Self> {
        let rule = match narrow {
            "auto" => Ok(NarrowRule::Auto),
            "all" => Ok(NarrowRule::All),
            _ => {
                let (found, expected) = (format!("\"{narrow}\""), "auto or all".into());
                Err(Error::from(ErrorKind::Setting { name: "narrow", found, expected }))
            }
        };
        let panels = py.detach(|| Panels::of(channel.parse()?, encoders(names)?));
        Ok(Embedder { panels: panels.raise(py)?, rule: rule.raise(py)?, threads })
    }

    /// The rows of clips, column by column in the order of an index: a list, or for lists of numbers an array of all
    /// numbers beside an array of the lengths, -1 where there is none.
    fn rows<'py>(&self, py: Python<'py>, clips: Vec<GivenClip<'py>>) -> PyResult<Bound<'py, PyList>> {
        let clips: Vec<ClipToIndex> = clips.into_iter().map(clip).collect();
        let Panels { wide, narrow } = &*self.panels;
        let columns = py.detach(|| {
            let rows = embed(wide, narrow, self.rule, &clips, self.threads)?;
            Ok(values(&rows, wide, narrow))
        });
        let columns = columns.raise(py)?.into_iter().map(|column| handed(py, column));
        PyList::new(py, columns.collect::<PyResult<Vec<_>>>()?)
    }
}

fn handed(py: Python<'_>, column: ColumnValues) -> PyResult<Bound<'_, PyAny>> {
    match column {
        ColumnValues::Text(values) => values.into_pyobject(py),
        ColumnValues::Int(values) => values.into_pyobject(py),
        ColumnValues::Long(values) => values.into_pyobject(py),
        ColumnValues::Float(values) => values.into_pyobject(py),
        ColumnValues::Double(values) => values.into_pyobject(py),
        ColumnValues::Flag(values) => values.into_pyobject(py),
        ColumnValues::Lists(lists) => {
            let lengths: Vec<i64> =
                lists.iter().map(|list| list.as_ref().map_or(-1, |list| list.len() as i64)).collect();
            let numbers: Vec<f32> = lists.into_iter().flatten().flatten().collect();
            Ok((PyArray1::from_vec(py, numbers), PyArray1::from_vec(py, lengths)).into_pyobject(py)?.into_any())
        }
    }
}

/// The usable rows of a table that has the columns of an index; of the others nothing is needed. `columns` holds lists
/// by name, and for a column of lists the array of all numbers beside the offsets at which each row's begin, with one
/// more at the end; rows without a list have an empty one.
pub(super) fn usable_rows(panels: &Panels, columns: &Bound<'_, PyDict>) -> PyResult<Vec<IndexRow>> {
    let frame = Frame { columns };
    let usable = frame.usable()?;
    frame.check(&usable, panels)?;
    let mut rows = frame.described(&usable)?;
    for (panel, prefix) in [(&panels.wide, ""), (&panels.narrow, "narrow_")] {
        for (encoder, print) in panel.fingerprints().iter() {
            let name = format!("{prefix}{encoder}");
            frame.made_by(&usable, &name, print)?;
            type Lists<'py> = (PyReadonlyArray1<'py, f32>, PyReadonlyArray1<'py, i64>);
            let (values, offsets) = frame.column(&name)?.extract::<(Bound<'_, PyAny>, Bound<'_, PyAny>)>()?;
            let (values, offsets): Lists<'_> = (copied(&values)?.extract()?, copied(&offsets)?.extract()?);
            let (values, offsets) = (values.as_slice()?, offsets.as_slice()?);
            for (row, &i) in rows.iter_mut().zip(&usable) {
                let end = |at: usize| offsets.get(at).and_then(|at| usize::try_from(*at).ok());
                let list = end(i).zip(end(i + 1)).and_then(|(from, to)| values.get(from..to)).unwrap_or_default();
                if !list.is_empty() {
                    let band = if prefix.is_empty() { &mut row.wide } else { &mut row.narrow };
                    band.set(encoder, list.to_vec());
                }
            }
        }
    }
    Ok(rows)
}

/// A table of the caller's.
struct Frame<'a, 'py> {
    columns: &'a Bound<'py, PyDict>,
}

impl<'py> Frame<'_, 'py> {
    fn column(&self, name: &str) -> PyResult<Bound<'py, PyAny>> {
        let missing = || wrong(format!("no column {name}"), "the columns of an index");
        self.columns.get_item(name)?.ok_or_else(missing).raise(self.columns.py())
    }

    fn texts(&self, name: &str) -> PyResult<Vec<Option<String>>> {
        self.column(name)?.extract()
    }

    /// The numbers of a column. No number is a missing one, as frames of some programs have it.
    fn numbers(&self, name: &str) -> PyResult<Vec<Option<f64>>> {
        let numbers: Vec<Option<f64>> = self.column(name)?.extract()?;
        if numbers.iter().flatten().any(|x| x.is_infinite()) {
            return Err(self.refuse(format!("an infinite number in column {name}"), "numbers"));
        }
        Ok(numbers.into_iter().map(|number| number.filter(|x| !x.is_nan())).collect())
    }

    fn refuse(&self, found: String, expected: &str) -> PyErr {
        exception(self.columns.py(), &wrong(found, expected))
    }

    /// The places of the usable rows.
    fn usable(&self) -> PyResult<Vec<usize>> {
        let mut usable: Vec<usize> = Vec::new();
        for (i, status) in self.texts("status")?.iter().enumerate() {
            match status.as_deref() {
                Some("usable") => usable.push(i),
                Some("refused" | "vanished") => {}
                other => {
                    let found = format!("the status \"{}\"", other.unwrap_or_default());
                    return Err(self.refuse(found, "usable, refused or vanished"));
                }
            }
        }
        Ok(usable)
    }

    /// Refuses usable rows without a path or a quality, or of another channel than that of the voices.
    fn check(&self, usable: &[usize], panels: &Panels) -> PyResult<()> {
        let (paths, speech) = (self.texts("path")?, self.numbers("net_speech_s")?);
        let unnamed = |i: &usize| paths.get(*i).is_none_or(|path| path.as_deref().is_none_or(str::is_empty));
        if usable.iter().any(unnamed) {
            return Err(self.refuse("a usable clip without a path".into(), "the path of every usable clip"));
        }
        let silent = usable.iter().find(|i| speech.get(**i).copied().flatten().is_none());
        if let Some(path) = silent.and_then(|i| paths.get(*i)) {
            let found = format!("no net_speech_s of \"{}\", which is usable", path.as_deref().unwrap_or_default());
            return Err(self.refuse(found, "the quality of every usable clip"));
        }
        let channel = panels.wide.settings().channel.to_string();
        let channels = self.texts("channel")?;
        let other = usable.iter().filter_map(|i| channels.get(*i)).find(|found| found.as_ref() != Some(&channel));
        if let Some(other) = other {
            let found = format!("clips of which the channel \"{}\" was used", other.as_deref().unwrap_or_default());
            return Err(self.refuse(found, &format!("\"{channel}\", as of the voices (channel)")));
        }
        Ok(())
    }

    /// Those rows without their embeddings.
    fn described(&self, usable: &[usize]) -> PyResult<Vec<IndexRow>> {
        let (paths, voices, hashes) = (self.texts("path")?, self.texts("voice")?, self.texts("sha256")?);
        let (seconds, speech) = (self.numbers("seconds")?, self.numbers("net_speech_s")?);
        let (snr, bandwidth) = (self.numbers("snr_db")?, self.numbers("bandwidth_hz")?);
        let (clipping, level) = (self.numbers("clipping_percent")?, self.numbers("level_dbfs")?);
        let number = |of: &[Option<f64>], i: usize| of.get(i).copied().flatten();
        let single = |of: &[Option<f64>], i: usize| number(of, i).map(|x| x as f32);
        let text = |of: &[Option<String>], i: usize| of.get(i).cloned().flatten();
        let row = |&i: &usize| IndexRow {
            path: text(&paths, i).unwrap_or_default(),
            voice: text(&voices, i).unwrap_or_default(),
            sha256: text(&hashes, i),
            size: 0,
            mtime_ns: 0,
            format: None,
            seconds: number(&seconds, i),
            quality: number(&speech, i).map(|net_speech_s| ClipQuality {
                net_speech_s,
                snr_db: single(&snr, i),
                bandwidth_hz: single(&bandwidth, i),
                clipping_percent: single(&clipping, i).unwrap_or(0.0),
                level_dbfs: single(&level, i),
            }),
            status: ClipStatus::Usable,
            reason: None,
            wide: PerEncoder::default(),
            narrow: PerEncoder::default(),
        };
        Ok(usable.iter().map(row).collect())
    }

    /// Refuses usable rows whose embeddings another extractor made.
    fn made_by(&self, usable: &[usize], name: &str, print: &String) -> PyResult<()> {
        let prints = self.texts(&format!("{name}_extractor"))?;
        let other = usable.iter().filter_map(|i| prints.get(*i)).find(|found| found.as_ref() != Some(print));
        if let Some(other) = other {
            let found = format!("embeddings of {name} by extractor {}", other.as_deref().unwrap_or("none"));
            return Err(self.refuse(found, &format!("{print}, as this version makes them")));
        }
        Ok(())
    }
}

fn wrong(found: String, expected: &str) -> Error {
    ErrorKind::Document { path: "table".into(), what: DocumentKind::Table, found, expected: expected.into() }.into()
}
