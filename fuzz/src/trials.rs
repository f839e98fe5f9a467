//! Tables that users write: lists of trials, manifests of labelled clips, lists of files.

use super::{folder, write};
use soundalike::library::index::{LibrarySource, WalkSettings};
use soundalike::library::{LabelFiles, Labels, Selection};
use std::path::Path;

/// Reads the bytes as each of them.
pub fn read(bytes: &[u8]) {
    let folder = folder();
    let path = write(&folder, "table.tsv", bytes);
    let root = Some(Path::new("root"));
    let lists = [
        LabelFiles { trials: Some(&path), root, ..Default::default() },
        LabelFiles { manifest: Some(&path), root, selection: Selection::of_split("test"), ..Default::default() },
        LabelFiles { manifest: Some(&path), trials: Some(&path), ..Default::default() },
    ];
    for files in &lists {
        let _ = Labels::read(files, &[], &["sex", "language"]);
    }
    let _ = LibrarySource::read(&path, root, WalkSettings::default());
}
