//! Labelled clips: a tab-separated table with a header, of which the columns path, speaker and kind are read, corpus
//! where there is one, and those that a selection looks at.

use crate::error::{Error, ErrorKind, IoContext, Result};
use crate::library::labels::selection::Selection;
use crate::path_text::path_of;
use csv::StringRecord;
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Take};
use std::path::{Path, PathBuf};

/// Larger tables are refused, bytes.
const MOST_BYTES: u64 = 4 << 30;

/// Whether a person or a machine spoke.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum VoiceKind {
    /// A person.
    Real,
    /// A machine; the speaker is the person it imitates, or the machine's own voice.
    Synthetic,
}

/// A line of a manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManifestClip {
    /// The clip, joined to the root.
    pub path: PathBuf,
    /// Whose voice it is; with its collection before it, as `corpus/speaker`, where the table has a column `corpus`,
    /// for collections number their speakers without regard to each other.
    pub speaker: String,
    /// Who spoke.
    pub kind: VoiceKind,
    /// Cells of the further columns that were asked for; empty ones too.
    pub cells: BTreeMap<String, String>,
}

/// Labelled clips.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// The clips, in the order of the table.
    pub clips: Vec<ManifestClip>,
    /// Which lines of the table these are.
    pub selection: Selection,
}

impl Manifest {
    /// Reads a manifest. Paths in it are taken from `root`, or from the manifest's own folder. `selection`
    /// says which lines are used.
    ///
    /// # Errors
    /// [`ErrorKind::Table`] names the line; [`ErrorKind::Io`] where it cannot be read.
    pub fn read(file: &Path, root: Option<&Path>, selection: &Selection) -> Result<Self> {
        Self::read_with(file, root, selection, &[], &[])
    }

    /// The same with the cells of further columns: of those that are `required`, and of those that are `wanted` where
    /// the table has them.
    ///
    /// # Errors
    /// As [`read`](Self::read), and where a required column is missing.
    pub fn read_with(
        file: &Path,
        root: Option<&Path>,
        selection: &Selection,
        required: &[&str],
        wanted: &[&str],
    ) -> Result<Self> {
        let mut reader = open(file)?;
        let header = reader.headers().map_err(|e| table(file, Some(1), e.to_string(), "a header of text"))?.clone();
        let columns = Columns::find(file, &header, selection, required, wanted)?;
        let root = root.or_else(|| file.parent()).unwrap_or(Path::new(""));
        let mut clips = Vec::new();
        for record in reader.records() {
            let record = record.map_err(|error| {
                let line = error.position().map(csv::Position::line);
                table(file, line, error.to_string(), "text in tab-separated columns")
            })?;
            clips.extend(columns.clip(file, root, &record, selection)?);
        }
        if clips.is_empty() {
            let asked = selection.to_string();
            let found = if asked.is_empty() { "no clips".into() } else { format!("no clip {asked}") };
            return Err(table(file, None, found, "at least one line below the header"));
        }
        Ok(Manifest { clips, selection: selection.clone() })
    }
}

fn table(file: &Path, line: Option<u64>, found: String, expected: &str) -> Error {
    ErrorKind::Table { path: file.into(), line, found, expected: expected.into() }.into()
}

fn open(file: &Path) -> Result<csv::Reader<Take<File>>> {
    let refused = |found: String| table(file, None, found, "a tab-separated table with a header");
    let handle = crate::regular_file::open_or(file, |found| refused(found.into()))?;
    let size = handle.metadata().at(file, "open")?.len();
    if size == 0 || size > MOST_BYTES {
        let found = if size == 0 { "an empty file".into() } else { format!("{size} bytes, more than {MOST_BYTES}") };
        return Err(refused(found));
    }
    // No further than it was when it was opened.
    let handle = handle.take(size);
    Ok(csv::ReaderBuilder::new().delimiter(b'\t').quoting(false).flexible(true).from_reader(handle))
}

/// Where the columns lie that are read.
struct Columns<'a> {
    path: usize,
    speaker: usize,
    kind: usize,
    corpus: Option<usize>,
    /// Those that a selection looks at.
    asked: BTreeMap<&'a str, usize>,
    /// Those whose cells are kept.
    further: Vec<(&'a str, usize)>,
}

impl<'a> Columns<'a> {
    fn find(
        file: &Path,
        header: &StringRecord,
        selection: &'a Selection,
        required: &[&'a str],
        wanted: &[&'a str],
    ) -> Result<Self> {
        let column = |name: &str| header.iter().position(|h| h.trim() == name);
        let need = |name: &str| {
            column(name).ok_or_else(|| {
                let found = format!("the columns {}", header.iter().take(12).collect::<Vec<_>>().join(", "));
                let more = if ["path", "speaker", "kind"].contains(&name) { "" } else { ", and those asked for" };
                table(
                    file,
                    Some(1),
                    found,
                    &format!("tab-separated columns path, speaker and kind{more}; {name} is missing"),
                )
            })
        };
        let (path, speaker, kind) = (need("path")?, need("speaker")?, need("kind")?);
        let asked = selection.columns().map(|name| Ok((name, need(name)?))).collect::<Result<_>>()?;
        let required = required.iter().map(|name| Ok((*name, need(name)?))).collect::<Result<Vec<_>>>()?;
        let wanted = wanted.iter().filter_map(|name| Some((*name, column(name)?)));
        let further = required.into_iter().chain(wanted).collect();
        Ok(Columns { path, speaker, kind, corpus: column("corpus"), asked, further })
    }

    /// The clip of a line; none where the selection leaves it out.
    fn clip(
        &self,
        file: &Path,
        root: &Path,
        record: &StringRecord,
        selection: &Selection,
    ) -> Result<Option<ManifestClip>> {
        let line = record.position().map(csv::Position::line);
        let field = |index: usize, name: &str| match record.get(index).map(str::trim) {
            Some(text) if !text.is_empty() => Ok(text),
            _ => Err(table(file, line, format!("no {name}"), "a path, a speaker and a kind in every line")),
        };
        let cell = |name: &str| self.asked.get(name).and_then(|index| record.get(*index)).unwrap_or("").trim();
        if !selection.takes(&cell) {
            return Ok(None);
        }
        let kind = match field(self.kind, "kind")? {
            "real" => VoiceKind::Real,
            "synthetic" => VoiceKind::Synthetic,
            other => return Err(table(file, line, format!("the kind \"{other}\""), "real or synthetic")),
        };
        if !selection.takes_kind(kind, &cell) {
            return Ok(None);
        }
        let text = |index: usize| record.get(index).unwrap_or("").trim().to_string();
        let name = field(self.speaker, "speaker")?;
        let corpus = self.corpus.map(text).filter(|corpus| !corpus.is_empty());
        Ok(Some(ManifestClip {
            path: root.join(path_of(field(self.path, "path")?)),
            speaker: corpus.map_or_else(|| name.into(), |corpus| format!("{corpus}/{name}")),
            kind,
            cells: self.further.iter().map(|(name, index)| (name.to_string(), text(*index))).collect(),
        }))
    }
}
