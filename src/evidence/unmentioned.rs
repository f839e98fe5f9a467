//! Recordings that a document should mention and does not.
//!
//! A result from which a candidate was dropped is in itself consistent. But a folder or pattern that it names as its
//! candidates or its reference still stands for the recording, as long as that is there.

use super::case_file::CaseFile;
use super::coverage::{Coverage, How};
use super::recompute::{Root, normal};
use crate::library::{Places, catalogue};
use crate::path_text::{path_of, text_of};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Looks into the folders and patterns of the request, where the files of the case are: what a document does not
/// mention is not covered; a folder that is not there is taken as stated, as are all where the places of the files are
/// given.
pub(super) fn unmentioned(case: &CaseFile, root: Root<'_>, places: &Places, coverage: &mut Coverage) {
    let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.into());
    let mentioned: BTreeSet<PathBuf> =
        case.files().into_iter().map(|(told, _)| real(places.of(&path_of(told)))).collect();
    let files: BTreeSet<PathBuf> = case.files().into_iter().map(|(told, _)| normal(told)).collect();
    let request = &case.told.request;
    for (what, names) in [("reference", &request.reference), ("candidates", &request.candidates)] {
        for name in names.iter().filter(|name| !files.contains(&normal(name))) {
            let held = match root {
                Root::Places(_) => None,
                _ => stands_for(case, root, name, &|path| mentioned.contains(&real(path))),
            };
            let Some(held) = held else {
                let why = "the folder or pattern is not there to compare with";
                coverage.stated(format!("that {name} held no other recordings"), None, why);
                continue;
            };
            let others: Vec<&PathBuf> = held.iter().filter(|path| !mentioned.contains(&real(path))).collect();
            if others.is_empty() {
                coverage.verified(name, How::Listed);
            }
            for path in others {
                let found = format!("a recording that {name} stands for and the result does not mention");
                coverage.not_covered(text_of(path), found, format!("a row of it in result.{what}"));
            }
        }
    }
}

/// The recordings that a name stands for, where it stands for one of the case; where the case has moved, the name is
/// looked for there.
fn stands_for(case: &CaseFile, root: Root<'_>, name: &str, is_of_case: &dyn Fn(&Path) -> bool) -> Option<Vec<PathBuf>> {
    // The folder is no part of the pattern.
    let below = |folder: &Path, name: &Path| match name.to_string_lossy().contains(['*', '?', '[']) {
        true => Path::new(&glob::Pattern::escape(&folder.to_string_lossy())).join(name),
        false => folder.join(name),
    };
    let names: Vec<PathBuf> = match root {
        Root::Below(folder) => {
            let path = normal(name);
            let parts: Vec<&std::ffi::OsStr> = path.iter().filter(|part| *part != "/").collect();
            let ends = (0..parts.len().max(1)).map(|skip| parts.iter().skip(skip).collect::<PathBuf>());
            ends.map(|end| below(folder, &end)).collect()
        }
        _ => vec![path_of(name), below(case.path.parent().unwrap_or(Path::new("")), &path_of(name))],
    };
    let mut held = names.iter().filter_map(|name| catalogue::expand(name).ok().map(|found| found.clips));
    held.find(|held| held.iter().any(|path| is_of_case(path)))
}
