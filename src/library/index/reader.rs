//! An index as it is read: its segments, and whether they are what they should be.

use super::row::{ClipStatus, IndexRow, by_path};
use super::source::{LibrarySource, Step};
use super::store::{Counts, IndexManifest, MANIFEST, Segment};
use super::table::{Common, Table, damaged};
use crate::audio::file_sha256;
use crate::error::{ErrorKind, Result};
use crate::library::batch;
use schemars::JsonSchema;
use serde::Serialize;
use std::path::{Path, PathBuf};

/// An index that is read.
#[derive(Clone, Debug)]
pub struct Index {
    folder: PathBuf,
    manifest: IndexManifest,
    common: Common,
}

/// What a check of an index found.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct IndexCheck {
    /// Number of segments.
    pub segments: usize,
    /// What the index holds by its own account.
    pub holds: Counts,
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
    /// Whether a path is a folder with an index in it.
    pub fn is_one(path: &Path) -> bool {
        path.join(MANIFEST).is_file()
    }

    /// Opens an index.
    ///
    /// # Errors
    /// Where the folder holds none, or one of another version.
    pub fn open(folder: &Path) -> Result<Self> {
        if !Self::is_one(folder) {
            let found = if folder.is_dir() { "a folder without an index" } else { "no folder" };
            return Err(damaged(folder, found.into(), "an index"));
        }
        let manifest = IndexManifest::read(folder)?;
        let common = manifest.common();
        Ok(Index { folder: folder.into(), manifest, common })
    }

    /// What the index is.
    pub fn manifest(&self) -> &IndexManifest {
        &self.manifest
    }

    /// Where the index lies.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The rows of a segment, in the order of their paths.
    ///
    /// # Errors
    /// Where its file cannot be read or is not what it should be.
    pub fn rows(&self, segment: &Segment) -> Result<Vec<IndexRow>> {
        Table::open(&self.file(segment)?, &self.common)?.rows()
    }

    fn file(&self, segment: &Segment) -> Result<PathBuf> {
        let path = self.folder.join(&segment.file);
        if path.is_file() {
            return Ok(path);
        }
        let found =
            "no such file, which the index names; it may have been brought up to date in the meantime: run again";
        Err(damaged(&path, found.into(), "a segment"))
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
                && by_path(&a.last, &b.first).is_ge()
            {
                problems.push(Problem { path: b.file.clone(), message: format!("begins before {} ends", a.file) });
            }
        }
        let mut files_compared = 0;
        if let Some(library) = library {
            for segment in segments {
                let rows = self.rows(segment).unwrap_or_default();
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
        Ok(IndexCheck { segments: segments.len(), holds: self.manifest.counts(), files_compared, problems })
    }

    /// That the library holds another number of files than the index.
    fn unlisted(&self, library: &LibrarySource) -> Result<Option<Problem>> {
        let files = library.files().filter(|step| matches!(step, Step::File(_))).count();
        let counts = self.manifest.counts();
        let rows = counts.rows - counts.vanished;
        let message = format!("holds {files} sound files, the index {rows}; bring it up to date with soundalike index");
        let path = library.named().to_string_lossy().into_owned();
        Ok((files != rows).then_some(Problem { path, message }))
    }

    fn problem_of(&self, segment: &Segment) -> Option<Problem> {
        let problem = |message: String| Some(Problem { path: segment.file.clone(), message });
        let path = match self.file(segment) {
            Ok(path) => path,
            Err(error) => return problem(error.to_string()),
        };
        match file_sha256(&path) {
            Ok(sha256) if sha256 == segment.sha256 => {}
            Ok(sha256) => return problem(format!("its SHA-256 is {sha256}, the index says {}", segment.sha256)),
            Err(error) => return problem(error.to_string()),
        }
        let rows = match self.rows(segment) {
            Ok(rows) => rows,
            Err(error) => return problem(error.to_string()),
        };
        if Counts::of(&rows) != segment.counts {
            return problem("its rows are not as many as the index says, or of other kinds".into());
        }
        if !rows.is_sorted_by(|a, b| by_path(&a.path, &b.path).is_lt()) {
            return problem("its rows are not in the order of their paths".into());
        }
        None
    }
}

/// What is wrong with a clip's file; none where it is the one that was indexed.
fn differs(row: &IndexRow, root: &Path) -> Option<Problem> {
    let problem = |message: String| Some(Problem { path: row.path.clone(), message });
    match file_sha256(&root.join(&row.path)) {
        Ok(sha256) if Some(&sha256) == row.sha256.as_ref() => None,
        Ok(_) => problem("its content is another than the one that was indexed".into()),
        Err(error) => match error.kind() {
            ErrorKind::Io { source, .. } => problem(format!("could not be read: {source}")),
            _ => problem(error.to_string()),
        },
    }
}
