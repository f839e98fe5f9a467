//! From what a user names (a file, a folder, a pattern) to the list of sound files it stands for.

use super::passed_over::{PassedOver, PassedOverEntry, PassedOverReason};
use super::walk::{Found, Walk, WalkSettings};
use crate::error::{Error, ErrorKind, IoContext, Result};
use crate::path_text::{path_of, text_of};
use glob::Pattern;
use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

/// The sound files that names stand for, and what was passed over in their folders.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Catalogue {
    /// The files. One in a folder need not be one that can be opened: it is refused when it is read.
    pub clips: Vec<PathBuf>,
    /// Everything else in the folders.
    pub passed_over: PassedOver,
}

/// The same of several names; what stands for nothing keeps its place with its error.
#[derive(Debug, Default)]
pub struct CatalogueOfEach {
    /// The files, in the order of the names.
    pub clips: Vec<std::result::Result<PathBuf, (PathBuf, Error)>>,
    /// Everything else in the folders.
    pub passed_over: PassedOver,
}

/// The sound files that `named` stands for: itself, those in the folder and its sub-folders, or those that match the
/// pattern (`*`, `?`, `[...]`, `**`). Folders give paths in the order of an index, patterns in that of their bytes. In
/// folders hidden files are passed over and links to folders are not followed.
///
/// # Errors
/// Where nothing of that name exists, nothing matches, or a folder holds no sound file or cannot be read.
pub fn expand(named: &Path) -> Result<Catalogue> {
    let catalogue = listed(named)?;
    if catalogue.clips.is_empty() { Err(nothing_in(named, &catalogue.passed_over)) } else { Ok(catalogue) }
}

/// The files that each of `named` stands for, in the order given.
pub fn expand_each(named: &[PathBuf]) -> CatalogueOfEach {
    let mut all = CatalogueOfEach::default();
    for name in named {
        match listed(name) {
            Ok(Catalogue { clips, passed_over }) => {
                if clips.is_empty() {
                    all.clips.push(Err((name.clone(), nothing_in(name, &passed_over))));
                }
                all.clips.extend(clips.into_iter().map(Ok));
                all.passed_over.add(passed_over);
            }
            Err(error) => all.clips.push(Err((name.clone(), error))),
        }
    }
    all
}

/// The regular files in a folder and its folders, whatever they are, in the order of an index.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let walk = Walk::new(folder, WalkSettings { follow_links: false, obey_ignore_files: false });
    let paths = walk.filter_map(|found| match found {
        Found::Clip(path) => Some(path),
        Found::PassedOver(entry) => Some(path_of(&entry.path)),
        Found::Unlisted(..) => None,
    });
    paths.filter(|path| path.symlink_metadata().is_ok_and(|metadata| metadata.is_file())).collect()
}

fn nothing_in(named: &Path, passed_over: &PassedOver) -> Error {
    let mut found = "a folder without sound files".to_string();
    if passed_over.entries > 0 {
        found = format!("{found} (passed over {passed_over})");
    }
    ErrorKind::NothingFound { path: named.into(), found }.into()
}

/// What a name stands for, which may be nothing.
fn listed(named: &Path) -> Result<Catalogue> {
    let mut listing = Listing::default();
    if named.is_dir() {
        listing.folder(named)?;
        return Ok(listing.catalogue());
    }
    match std::fs::symlink_metadata(named) {
        Ok(_) => listing.clips.push(named.into()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => match named.to_str() {
            Some(text) if is_pattern(text) => return pattern(text),
            _ => return Err(error).at(named, "open"),
        },
        Err(error) => return Err(error).at(named, "open"),
    }
    Ok(listing.catalogue())
}

fn is_pattern(name: &str) -> bool {
    name.contains(['*', '?', '['])
}

/// The files and folders that match a pattern.
fn pattern(text: &str) -> Result<Catalogue> {
    let nothing = |found: String| Error::from(ErrorKind::NothingFound { path: text.into(), found });
    let (mut listing, mut matches) = (Listing::default(), vec![PathBuf::new()]);
    let mut parts = Path::new(text).components().peekable();
    while let Some(part) = parts.next() {
        let name = match part {
            Component::Normal(name) => text_of(name.as_ref()),
            _ => {
                matches.iter_mut().for_each(|path| path.push(part));
                continue;
            }
        };
        let wrong = |error| nothing(format!("a pattern with a mistake in it ({error})"));
        let pattern = Pattern::new(&name).map_err(wrong)?;
        for folder in std::mem::take(&mut matches) {
            match name.as_str() {
                // A folder stands for what is below it anyway.
                "**" if parts.peek().is_none() => matches.push(folder),
                "**" => listing.folders(folder, &mut matches),
                name if is_pattern(name) => {
                    // What is not text in a name is one sign, as `?` stands for it.
                    let fits =
                        |path: &PathBuf| path.file_name().is_some_and(|name| pattern.matches(&name.to_string_lossy()));
                    matches.extend(listing.inside(&folder).into_iter().filter(fits));
                }
                _ => matches.extend(Some(folder.join(part)).filter(|path| path.symlink_metadata().is_ok())),
            }
        }
    }
    if matches.is_empty() && listing.passed_over.is_empty() {
        return Err(nothing("no file that matches".into()));
    }
    for path in matches {
        if path.is_dir() { listing.folder(&path)? } else { listing.clips.push(path) }
    }
    Ok(listing.once().catalogue())
}

/// What names stand for, as it is found.
#[derive(Default)]
struct Listing {
    clips: Vec<PathBuf>,
    passed_over: Vec<PassedOverEntry>,
}

impl Listing {
    fn catalogue(self) -> Catalogue {
        let mut passed_over = PassedOver::default();
        self.passed_over.into_iter().for_each(|entry| passed_over.note(entry));
        Catalogue { clips: self.clips, passed_over }
    }

    /// Each entry once, though a pattern may match it and a folder above it. A hidden file that it matches is named.
    fn once(self) -> Self {
        let clips: BTreeSet<PathBuf> = self.clips.into_iter().collect();
        let mut passed_over = self.passed_over;
        passed_over.sort_by(|a, b| a.path.cmp(&b.path));
        passed_over.dedup_by(|a, b| a.path == b.path);
        passed_over.retain(|entry| !clips.contains(&path_of(&entry.path)));
        Listing { clips: clips.into_iter().collect(), passed_over }
    }

    fn folder(&mut self, root: &Path) -> Result<()> {
        for found in Walk::new(root, WalkSettings { follow_links: false, obey_ignore_files: false }) {
            match found {
                Found::Clip(path) => self.clips.push(path),
                Found::PassedOver(entry) => self.passed_over.push(entry),
                Found::Unlisted(path, source) if path == root => return Err(source).at(root, "list"),
                Found::Unlisted(path, _) => self.passed_over.push(PassedOverEntry::unlisted(&path)),
            }
        }
        Ok(())
    }

    /// The entries of a folder; none of what is no folder.
    fn inside(&mut self, folder: &Path) -> Vec<PathBuf> {
        let place = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        if !place.is_dir() {
            return Vec::new();
        }
        let entries = std::fs::read_dir(place).and_then(Iterator::collect::<std::io::Result<Vec<_>>>);
        let Ok(entries) = entries else {
            self.passed_over.push(PassedOverEntry::unlisted(folder));
            return Vec::new();
        };
        entries.into_iter().map(|entry| folder.join(entry.file_name())).collect()
    }

    /// A folder and all folders below it, as `**` stands for them; links are not followed.
    fn folders(&mut self, folder: PathBuf, into: &mut Vec<PathBuf>) {
        for path in self.inside(&folder) {
            match path.symlink_metadata() {
                Ok(entry) if entry.is_dir() => self.folders(path, into),
                Ok(entry) if entry.is_symlink() && path.is_dir() => self.passed_over.push(PassedOverEntry {
                    path: text_of(&path),
                    reason: PassedOverReason::LinkToFolder,
                    may_hold_sound: true,
                }),
                _ => {}
            }
        }
        into.push(folder);
    }
}
