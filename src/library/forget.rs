//! A voice taken out of what the program keeps: the rows of an index, the models of a list of protected voices.
//!
//! Whoever's voice it is may ask for that. Files are written anew without the voice and the old ones removed, and so
//! are the rows that a scan keeps. What lies elsewhere is not reached: recordings, results, reports, bundles, audit
//! logs, copies, and blocks of a disk that were written once.

use crate::encryption::AtRest;
use crate::error::{DocumentKind, ErrorKind, Result};
use crate::library::enrolled::protect::ProtectedVoices;
use crate::library::index::{ClipStatus, GoneRows, MANIFEST, forget_rows};
use crate::path_text::path_of;
use schemars::JsonSchema;
use serde::Serialize;
use std::path::Path;

/// What is to be forgotten.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Forget {
    /// Every clip of a voice, by the name that the index or the list has for it.
    Voice(String),
    /// The clips with this content, whatever they are called: the SHA-256 of the file, 64 hexadecimal digits.
    Content(String),
}

/// What was found and taken away in one place.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Forgotten {
    /// The index or list.
    pub store: String,
    /// Paths of the rows of an index, or names of the voices of a list.
    pub removed: Vec<String>,
    /// Those of them whose recordings lie where they did, so that the next `index` takes them in again.
    pub recordings_there: Vec<String>,
    /// Names that resemble the one that was given, where nothing was found by it.
    pub similar: Vec<String>,
}

/// Forgets in an index or in a list of protected voices, whichever the folder is; with `only_tell` nothing is changed.
///
/// # Errors
/// Where the folder is neither, cannot be opened or written, or another process writes it.
pub fn forget(what: &Forget, folder: &Path, only_tell: bool, at_rest: &AtRest) -> Result<Forgotten> {
    let store = crate::path_text::text_of(folder);
    if folder.join(MANIFEST).is_file() {
        let GoneRows { library, rows, voices } = forget_rows(what, folder, only_tell, at_rest)?;
        let there =
            rows.iter().filter(|row| row.status != ClipStatus::Vanished && library.join(path_of(&row.path)).exists());
        let recordings_there = there.map(|row| row.path.clone()).collect();
        let removed: Vec<String> = rows.into_iter().map(|row| row.path).collect();
        let similar = similar(what, &removed, voices);
        return Ok(Forgotten { store, removed, recordings_there, similar });
    }
    if !folder.is_dir() {
        let found = "no folder with an index or protected voices".into();
        return Err(ErrorKind::Document {
            path: folder.into(),
            what: DocumentKind::Folder,
            found,
            expected: "one".into(),
        }
        .into());
    }
    let list = ProtectedVoices::of(folder, at_rest.clone());
    let removed = list.forget(what, only_tell)?;
    let similar = similar(what, &removed, list.list()?.into_iter().map(|voice| voice.name));
    Ok(Forgotten { store, removed, recordings_there: Vec::new(), similar })
}

/// Names that hold the one that was given, where nothing was found by it.
fn similar(what: &Forget, removed: &[String], voices: impl IntoIterator<Item = String>) -> Vec<String> {
    const MOST: usize = 10;
    let Forget::Voice(name) = what else { return Vec::new() };
    let like = |voice: &String| voice.to_lowercase().contains(&name.to_lowercase());
    if removed.is_empty() { voices.into_iter().filter(like).take(MOST).collect() } else { Vec::new() }
}
