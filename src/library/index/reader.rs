//! An index as it is read: its segments, and whether they are what they should be.
//!
//! Nothing is written here: `update` makes and changes an index, and `store` is where its files change places.

use super::foreign::{self, in_any_order};
use super::manifest::{Counts, IndexManifest, MANIFEST, NarrowRule, Segment};
use super::row::{ClipStatus, IndexRow, by_path};
use super::schema::Common;
use super::source::{LibrarySource, Step};
use super::store::opened;
use super::table::{Table, damaged, lacking};
use super::update::blank;
use crate::audio::file_sha256;
use crate::encoder::{Band, Panel};
use crate::encryption::{FolderKey, Keys};
use crate::error::{DocumentKind, ErrorKind, Result};
use crate::library::batch;
use crate::library::passed_over::PassedOver;
use crate::path_text::{path_of, text_of};
use schemars::JsonSchema;
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// An index that is read.
#[derive(Clone, Debug)]
pub struct Index {
    rows: Rows,
    manifest: IndexManifest,
    common: Common,
    /// See [`called`](Index::called).
    name: Option<String>,
    /// See [`passed_over`](Index::passed_over).
    passed_over: Option<PassedOver>,
}

/// Where the rows of an index lie.
#[derive(Clone, Debug)]
enum Rows {
    /// In a folder that this program wrote.
    Own(PathBuf, Option<FolderKey>),
    /// In a folder of Parquet files that other programs wrote.
    Others(PathBuf),
    /// In memory, by the names of the segments.
    Memory(Arc<BTreeMap<String, Vec<IndexRow>>>),
}

/// What a check of an index found.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct IndexCheck {
    /// Number of segments.
    pub segments: usize,
    /// What the index holds by its own account.
    pub holds: Counts,
    /// True where another program wrote the rows: they have no checksum of this program, so damage to one may not show.
    pub rows_by_others: bool,
    /// Clips whose file was read again and compared; 0 where no library was given.
    pub files_compared: usize,
    /// What is wrong; empty where nothing is.
    pub problems: Vec<Problem>,
}

/// Something that is wrong with an index.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Problem {
    /// The file or clip.
    pub path: String,
    /// What is wrong with it.
    pub message: String,
}

impl Index {
    /// Whether a path is a folder with an index in it: one that this program wrote, or Parquet files with no sound
    /// files among them.
    pub fn is_one(path: &Path) -> bool {
        path.join(MANIFEST).is_file() || (path.is_dir() && foreign::files(path).is_ok_and(|files| !files.is_empty()))
    }

    /// Opens an index. A folder without `_index.json` is read as one too where it holds Parquet files with the columns
    /// of an index, whatever wrote them: rows in any order, in any number of files, also in folders inside. Nothing is
    /// written there. `keys` open an encrypted one. Files of other programs are read by so many threads; 0 is one a
    /// core.
    ///
    /// # Errors
    /// Where the folder holds none, one of another version, or one that the keys do not open. Of Parquet files of other
    /// programs: where a column is missing or of another type, a value is missing that every row must have, files were
    /// not made alike, a path occurs twice, or so many threads cannot be had.
    pub fn open(folder: &Path, keys: &Keys, threads: usize) -> Result<Self> {
        if folder.join(MANIFEST).is_file() {
            let key = keys.of_folder(folder)?;
            let manifest = IndexManifest::read(folder, key.as_ref())?;
            let common = manifest.common();
            return Ok(Index { rows: Rows::Own(folder.into(), key), manifest, common, name: None, passed_over: None });
        }
        let files = if folder.is_dir() { foreign::files(folder)? } else { Vec::new() };
        if files.is_empty() {
            let found = if folder.is_dir() { "a folder without an index" } else { "no folder" };
            return Err(damaged(folder, found.into(), "an index"));
        }
        let manifest = foreign::manifest(folder, &files, threads)?;
        let common = manifest.common();
        Ok(Index { rows: Rows::Others(folder.into()), manifest, common, name: None, passed_over: None })
    }

    /// An index of rows in memory, made by the encoders of `panel` and, in the narrow band, of `narrow_panel`. Each of
    /// `segments` is worked through by one thread.
    ///
    /// # Errors
    /// Where a path occurs twice, or a row lacks an embedding or has one of another length.
    pub fn of_rows(panel: &Panel, narrow_panel: &Panel, segments: Vec<Vec<IndexRow>>) -> Result<Self> {
        let mut manifest = blank(panel, narrow_panel, String::new(), NarrowRule::Auto);
        let common = manifest.common();
        let mut seen = BTreeSet::new();
        for row in segments.iter().flatten() {
            let lacking = lacking(row, &common).or_else(|| misfit(row, &common));
            let lacking = lacking.or_else(|| (!seen.insert(&row.path)).then(|| "occurs twice".into()));
            if let Some(lacking) = lacking {
                let found = format!("\"{}\", which {lacking}", row.path);
                let expected = "each path once, with every embedding it needs".into();
                return Err(
                    ErrorKind::Document { path: IN_MEMORY.into(), what: DocumentKind::Table, found, expected }.into()
                );
            }
        }
        let mut rows = BTreeMap::new();
        for (at, segment) in segments.into_iter().enumerate() {
            let (Some(first), Some(last)) = (segment.first(), segment.last()) else { continue };
            let (first, last) = (first.path.clone(), last.path.clone());
            let file = format!("part {at}");
            let counts = Counts::of(&segment);
            manifest.segments.push(Segment {
                file: file.clone(),
                sha256: String::new(),
                bytes: 0,
                first,
                last,
                counts,
            });
            rows.insert(file, segment);
        }
        let counts = manifest.counts();
        if counts.usable > 0 && counts.with_narrow == counts.usable {
            manifest.narrow = NarrowRule::All;
        }
        Ok(Index { rows: Rows::Memory(Arc::new(rows)), manifest, common, name: None, passed_over: None })
    }

    /// What the index is. Where this program did not write it, this was gathered from its rows, and the name of the
    /// library is empty.
    pub fn manifest(&self) -> &IndexManifest {
        &self.manifest
    }

    /// Where the index lies; none where its rows lie in memory.
    pub fn folder(&self) -> Option<&Path> {
        match &self.rows {
            Rows::Own(folder, _) | Rows::Others(folder) => Some(folder),
            Rows::Memory(_) => None,
        }
    }

    /// The key by which its files are encrypted; none where they are not.
    pub(crate) fn key(&self) -> Option<&FolderKey> {
        match &self.rows {
            Rows::Own(_, key) => key.as_ref(),
            Rows::Others(_) | Rows::Memory(_) => None,
        }
    }

    /// Whether it is a folder of Parquet files that other programs wrote, without a checksum by which damage to a row
    /// would show.
    pub fn is_of_others(&self) -> bool {
        matches!(self.rows, Rows::Others(_))
    }

    /// What to call the library: the folder that its paths start from, or else the name that it was given, or else the
    /// folder of the index.
    pub fn library(&self) -> String {
        match (&self.name, self.folder()) {
            _ if !self.manifest.library.is_empty() => self.manifest.library.clone(),
            (Some(name), _) => name.clone(),
            (None, Some(folder)) => text_of(folder),
            (None, None) => IN_MEMORY.into(),
        }
    }

    /// The same index by a name of its own, for one whose folder nobody has named.
    #[must_use]
    pub fn called(mut self, name: &Path) -> Self {
        self.name = Some(text_of(name));
        self
    }

    /// The same index with what was passed over where its clips were looked for.
    #[must_use]
    pub fn and_passed_over(mut self, passed_over: PassedOver) -> Self {
        self.passed_over = Some(passed_over);
        self
    }

    /// What was passed over where its clips were looked for; none where it was opened as it is on the disk, for that
    /// is in the result of the `index` that wrote it.
    pub fn passed_over(&self) -> Option<&PassedOver> {
        self.passed_over.as_ref()
    }

    /// The rows of a segment: of an index that this program wrote in the order of their paths, else as they lie there.
    ///
    /// # Errors
    /// Where its file cannot be read or is not what it should be.
    pub fn rows(&self, segment: &Segment) -> Result<Cow<'_, [IndexRow]>> {
        match &self.rows {
            Rows::Own(folder, key) => {
                Table::open(&own_file(folder, segment)?, &self.common, key.as_ref())?.rows().map(Cow::Owned)
            }
            Rows::Others(folder) => {
                foreign::opened(folder, segment, &self.common, |table| table.rows()).map(Cow::Owned)
            }
            Rows::Memory(rows) => Ok(Cow::Borrowed(rows.get(&segment.file).map(Vec::as_slice).unwrap_or_default())),
        }
    }

    /// Reads everything and compares it with what the index says of itself; with a library, also each clip's file with
    /// the hash in its row. The first hundred problems are told.
    ///
    /// # Errors
    /// Where so many threads cannot be had.
    pub fn check(&self, library: Option<&LibrarySource>, threads: usize) -> Result<IndexCheck> {
        const MOST: usize = 100;
        let segments = &self.manifest.segments;
        let found = batch::map(segments.len(), threads, |at| segments.get(at).map(|segment| self.problem_of(segment)))?;
        let mut problems: Vec<Problem> = found.into_iter().flatten().flatten().collect();
        for pair in segments.windows(2) {
            if let [a, b] = pair
                && self.is_ordered()
                && by_path(&a.last, &b.first).is_ge()
            {
                problems.push(Problem { path: b.file.clone(), message: format!("begins before {} ends", a.file) });
            }
        }
        let mut files_compared = 0;
        if let Some(library) = library {
            for segment in segments {
                let rows = self.rows(segment).unwrap_or(Cow::Borrowed(&[]));
                let there = |row: &&IndexRow| row.status != ClipStatus::Vanished && row.sha256.is_some();
                let rows: Vec<&IndexRow> = rows.iter().filter(there).collect();
                files_compared += rows.len();
                let compared = batch::map(rows.len(), threads, |at| differs(rows.get(at)?, library.root()))?;
                problems.extend(compared.into_iter().flatten());
                if problems.len() >= MOST {
                    break;
                }
            }
            problems.extend(self.unlisted(library)?);
        }
        problems.truncate(MOST);
        let (segments, holds, rows_by_others) = (segments.len(), self.manifest.counts(), self.is_of_others());
        Ok(IndexCheck { segments, holds, rows_by_others, files_compared, problems })
    }

    /// That the library holds another number of files than the index.
    fn unlisted(&self, library: &LibrarySource) -> Result<Option<Problem>> {
        let files = library.files(self.folder()).filter(|step| matches!(step, Step::File(_))).count();
        let counts = self.manifest.counts();
        let rows = counts.rows.saturating_sub(counts.vanished);
        let message = format!("holds {files} sound files, the index {rows}; bring it up to date with soundalike index");
        let path = text_of(library.named());
        Ok((files != rows).then_some(Problem { path, message }))
    }

    /// Whether rows lie in the order of their paths.
    fn is_ordered(&self) -> bool {
        matches!(self.rows, Rows::Own(..))
    }

    fn problem_of(&self, segment: &Segment) -> Option<Problem> {
        let problem = |message: String| Some(Problem { path: segment.file.clone(), message });
        let sha256 = match &self.rows {
            Rows::Own(folder, key) => own_file(folder, segment).and_then(|path| match key {
                Some(_) => opened(&path, key.as_ref()).map(|bytes| crate::hash::hex(Sha256::digest(&bytes))),
                None => file_sha256(&path),
            }),
            // Compared whenever the rows are read.
            Rows::Others(_) | Rows::Memory(_) => Ok(segment.sha256.clone()),
        };
        match sha256 {
            Ok(sha256) if sha256 != segment.sha256 => {
                return problem(format!("its SHA-256 is {sha256}, the index says {}", segment.sha256));
            }
            Ok(_) => {}
            Err(error) => return problem(error.to_string()),
        }
        let rows = match self.rows(segment) {
            Ok(rows) => rows,
            Err(error) => return problem(error.to_string()),
        };
        let counts = if self.is_of_others() { Counts::rounded(&rows, in_any_order) } else { Counts::of(&rows) };
        if counts != segment.counts {
            return problem("its rows are not as many as the index says, or of other kinds".into());
        }
        if self.is_ordered() && !rows.is_sorted_by(|a, b| by_path(&a.path, &b.path).is_lt()) {
            return problem("its rows are not in the order of their paths".into());
        }
        None
    }
}

/// What an index of rows in memory is called.
const IN_MEMORY: &str = "rows in memory";

/// What of a row's embeddings has another length than it should, or no direction.
fn misfit(row: &IndexRow, common: &Common) -> Option<String> {
    let each = Band::ALL.into_iter().flat_map(|band| row.of_band(band).iter().map(move |all| (band, all)));
    let mut each = each.map(|(band, (encoder, values))| (common.widths[band].get(encoder), encoder, values));
    let bad = each.find(|(width, _, values)| {
        *width != Some(&values.len()) || !values.iter().all(|x| x.is_finite()) || values.iter().all(|x| *x == 0.0)
    });
    bad.map(|(width, encoder, values)| {
        let expected = width.copied().unwrap_or(0);
        format!("has {} values of {encoder}, not {expected} numbers that are not all 0", values.len())
    })
}

/// The file of a segment in a folder that this program wrote.
fn own_file(folder: &Path, segment: &Segment) -> Result<PathBuf> {
    let path = folder.join(&segment.file);
    if path.is_file() {
        return Ok(path);
    }
    let found = "no such file, which the index names; it may have been brought up to date in the meantime: run again";
    Err(damaged(&path, found.into(), "a segment"))
}

/// What is wrong with a clip's file; none where it is the one that was indexed.
fn differs(row: &IndexRow, root: &Path) -> Option<Problem> {
    let problem = |message: String| Some(Problem { path: row.path.clone(), message });
    match file_sha256(&root.join(path_of(&row.path))) {
        Ok(sha256) if Some(&sha256) == row.sha256.as_ref() => None,
        Ok(_) => problem("its content is another than the one that was indexed".into()),
        Err(error) => match error.kind() {
            ErrorKind::Io { source, .. } => problem(format!("could not be read: {source}")),
            _ => problem(error.to_string()),
        },
    }
}
