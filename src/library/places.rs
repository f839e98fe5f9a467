//! Where files lie now that are told by other paths: a case that has moved to another folder or machine.
//!
//! A result tells files by the paths that they had. When it is computed again elsewhere, the files are read where they
//! lie now and still told by their old paths, so that order, numbers and text come out the same.

use super::batch::{self, BatchOptions};
use crate::encoder::{ClipAnalysis, Panel};
use crate::error::Result;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The present place of each file that is told by another path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Places {
    moved: BTreeMap<PathBuf, PathBuf>,
}

impl Places {
    /// Where a file lies that is told by this path.
    pub fn of<'a>(&'a self, told: &'a Path) -> &'a Path {
        self.moved.get(told).map_or(told, PathBuf::as_path)
    }

    /// Each path that a file is told by and where it lies, where the two differ.
    pub fn moved(&self) -> impl Iterator<Item = (&Path, &Path)> {
        self.moved.iter().map(|(told, place)| (told.as_path(), place.as_path()))
    }
}

impl FromIterator<(PathBuf, PathBuf)> for Places {
    fn from_iter<I: IntoIterator<Item = (PathBuf, PathBuf)>>(pairs: I) -> Self {
        Places { moved: pairs.into_iter().filter(|(told, place)| told != place).collect() }
    }
}

/// Passes over clips where they lie; the analyses tell them by the paths given.
pub(crate) fn analyse_at(
    panel: &Panel,
    told: &[PathBuf],
    places: &Places,
    options: &BatchOptions<'_>,
) -> Result<Vec<ClipAnalysis>> {
    let lying: Vec<PathBuf> = told.iter().map(|path| places.of(path).into()).collect();
    let analyses = batch::analyse(panel, &lying, options)?;
    Ok(analyses.into_iter().zip(told).map(|(analysis, path)| ClipAnalysis { path: path.clone(), ..analysis }).collect())
}
