//! Rows taken out of an index for good.

use super::row::{ClipStatus, IndexRow};
use super::store::{Change, Store};
use crate::encryption::AtRest;
use crate::error::Result;
use crate::library::forget::Forget;
use crate::path_text::path_of;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// What was taken out of an index.
pub(crate) struct GoneRows {
    /// The folder of its library.
    pub library: PathBuf,
    pub rows: Vec<GoneRow>,
    /// The voices that it had.
    pub voices: BTreeSet<String>,
}

/// A row that was taken out.
pub(crate) struct GoneRow {
    pub path: String,
    pub status: ClipStatus,
}

/// Takes rows out of the index in a folder: writes their segments anew and removes the old ones, and all rows that a
/// scan has kept.
///
/// # Errors
/// Where there is no index, it cannot be opened or written, or another process writes it.
pub(crate) fn forget_rows(what: &Forget, folder: &Path, only_tell: bool, at_rest: &AtRest) -> Result<GoneRows> {
    let mut store = Store::open_as_it_is(folder, at_rest, &|| false)?;
    if !only_tell {
        let kept = store.kept()?;
        store.seal(kept)?;
    }
    let is_meant = |row: &IndexRow| match what {
        Forget::Voice(name) => row.voice == *name,
        Forget::Content(sha256) => row.sha256.as_ref() == Some(sha256),
    };
    let (mut gone, mut voices) = (Vec::new(), BTreeSet::new());
    for segment in &store.manifest.segments {
        let rows = store.table(&folder.join(&segment.file))?.described()?;
        voices.extend(rows.iter().map(|row| row.voice.clone()));
        let mine = rows.into_iter().filter(is_meant);
        gone.extend(mine.map(|row| GoneRow { path: row.path, status: row.status }));
    }
    let library = path_of(&store.manifest.library);
    if !only_tell && !gone.is_empty() {
        store.seal(gone.iter().map(|row| Change::Drop(row.path.clone())).collect())?;
        store.remove_rows()?;
        store.clean()?;
    }
    Ok(GoneRows { library, rows: gone, voices })
}
