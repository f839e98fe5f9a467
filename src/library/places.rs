//! Where clips lie that are told by other names: files of a case that has moved to another folder or machine, and clips
//! in memory.
//!
//! A result tells files by the paths that they had. When it is computed again elsewhere, the files are read where they
//! lie now and still told by their old paths, so that order, numbers and text come out the same.

use crate::audio::ClipSource;
use crate::encoder::{ClipAnalysis, Panel};
use crate::error::Result;
use crate::library::batch::{self, BatchOptions};
use crate::path_text::path_of;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The present place of each clip that is told by another name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Places {
    moved: BTreeMap<PathBuf, PathBuf>,
    held: BTreeMap<PathBuf, Arc<Vec<u8>>>,
}

impl Places {
    /// Where a file lies that is told by this path.
    pub fn of<'a>(&'a self, told: &'a Path) -> &'a Path {
        self.moved.get(told).map_or(told, PathBuf::as_path)
    }

    /// The same by the text of the path.
    pub fn of_text(&self, told: &str) -> PathBuf {
        self.of(&path_of(told)).to_path_buf()
    }

    /// Holds the bytes of a clip that lies in no file and is told by `name`.
    pub fn hold(&mut self, name: PathBuf, bytes: Arc<Vec<u8>>) {
        self.held.insert(name, bytes);
    }

    /// Whether any clip lies in memory.
    pub fn holds_any(&self) -> bool {
        !self.held.is_empty()
    }

    /// Whether a clip of this name lies in memory.
    pub(crate) fn holds(&self, name: &Path) -> bool {
        self.held.contains_key(name)
    }

    /// The clip that is told by this name.
    pub(crate) fn clip(&self, told: &Path) -> ClipSource {
        match self.held.get(told) {
            Some(bytes) => ClipSource::Memory { name: told.into(), bytes: Arc::clone(bytes) },
            None => ClipSource::File(self.of(told).into()),
        }
    }

    /// Each path that a file is told by and where it lies, where the two differ.
    pub fn moved(&self) -> impl Iterator<Item = (&Path, &Path)> {
        self.moved.iter().map(|(told, place)| (told.as_path(), place.as_path()))
    }
}

impl FromIterator<(PathBuf, PathBuf)> for Places {
    fn from_iter<I: IntoIterator<Item = (PathBuf, PathBuf)>>(pairs: I) -> Self {
        let moved = pairs.into_iter().filter(|(told, place)| told != place).collect();
        Places { moved, held: BTreeMap::new() }
    }
}

/// Passes over clips where they lie; the analyses tell them by the paths given.
pub(crate) fn analyse_at(
    panel: &Panel,
    told: &[PathBuf],
    places: &Places,
    options: &BatchOptions<'_>,
) -> Result<Vec<ClipAnalysis>> {
    let lying: Vec<ClipSource> = told.iter().map(|path| places.clip(path)).collect();
    let analyses = batch::analyse_clips(panel, &lying, options)?;
    Ok(analyses.into_iter().zip(told).map(|(analysis, path)| ClipAnalysis { path: path.clone(), ..analysis }).collect())
}
