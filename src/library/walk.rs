//! What lies in a folder: the one rule for what is a clip and what is passed over.
//!
//! Every entry below a folder that is not itself a folder comes out once, in the order of an index. It is a clip, to be
//! judged or refused with a reason, or it is passed over for a reason of [`PassedOverReason`]. Hidden and ignored
//! folders are entered too: only so can a gate know whether they hold sound.

use super::enrolled::VoiceModelFile;
use super::index::{IGNORE_FILES, holds_index};
use super::passed_over::{PassedOverEntry, PassedOverReason};
use crate::audio::{content_is_audio, content_is_opaque};
use crate::encryption::FOLDER_KEY;
use crate::path_text::text_of;
use crate::whole_file::LOCK;
use ignore::gitignore::{Gitignore, GitignoreBuilder};
use std::ffi::OsString;
use std::fs::FileType;
use std::io;
use std::path::{Path, PathBuf};

/// Names that stand for sound files. A folder's files with other names are taken where their content is sound.
const EXTENSIONS: [&str; 23] = [
    "wav", "wave", "rf64", "w64", "bwf", "flac", "mp3", "ogg", "oga", "opus", "m4a", "m4b", "mp4", "mov", "aac", "aif",
    "aiff", "aifc", "caf", "mkv", "mka", "webm", "alac",
];

pub(crate) fn has_audio_extension(path: &Path) -> bool {
    let extension = path.extension().and_then(|e| e.to_str()).unwrap_or("");
    EXTENSIONS.iter().any(|known| known.eq_ignore_ascii_case(extension))
}

/// How a folder is walked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WalkSettings {
    /// Whether links to folders are followed.
    pub follow_links: bool,
    /// Whether the files of [`IGNORE_FILES`] are obeyed.
    pub obey_ignore_files: bool,
}

impl Default for WalkSettings {
    fn default() -> Self {
        WalkSettings { follow_links: false, obey_ignore_files: true }
    }
}

/// What a walk finds.
#[derive(Debug)]
pub(crate) enum Found {
    /// A file to be judged. It need not be one that can be opened: a dangling link or a pipe is refused when it is read.
    Clip(PathBuf),
    /// An entry that is not judged.
    PassedOver(PassedOverEntry),
    /// A folder that could not be listed, or not to its end, and why.
    Unlisted(PathBuf, io::Error),
}

/// Walks a folder, one folder at a time.
pub(crate) struct Walk {
    settings: WalkSettings,
    /// The folder of the index that is being written, beyond all links.
    written: Option<PathBuf>,
    /// The folders that are under way, each inside the one before it.
    levels: Vec<Level>,
    /// Why the root, or the folder that was entered last, could not be listed.
    unlisted: Option<(PathBuf, io::Error)>,
}

/// A folder that is under way.
struct Level {
    path: PathBuf,
    /// Names that are still to come, the next one last.
    names: Vec<(OsString, io::Result<FileType>)>,
    /// Why everything in it is passed over; none where it is not.
    reason: Option<PassedOverReason>,
    ignore: Option<Gitignore>,
    /// It is an index, or a folder of one.
    is_index: bool,
    /// What the folder is beyond all links; none where they are not followed.
    canonical: Option<PathBuf>,
}

impl Walk {
    /// Walks `root`, which may be a link to a folder.
    pub fn new(root: &Path, settings: WalkSettings) -> Self {
        Self::beside(root, settings, None)
    }

    /// The same while the index in the folder `written` is made, whose files come and go meanwhile.
    pub fn beside(root: &Path, settings: WalkSettings, written: Option<&Path>) -> Self {
        let written = written.and_then(|folder| folder.canonicalize().ok());
        let mut walk = Walk { settings, written, levels: Vec::new(), unlisted: None };
        walk.enter(root.into(), None);
        walk
    }

    fn enter(&mut self, path: PathBuf, reason: Option<PassedOverReason>) {
        let canonical = if self.settings.follow_links { path.canonicalize().ok() } else { None };
        if canonical.is_some() && self.levels.iter().any(|level| level.canonical == canonical) {
            self.unlisted = Some((path, io::Error::other("a loop of links")));
            return;
        }
        let mut names = Vec::new();
        match std::fs::read_dir(&path) {
            Err(error) => self.unlisted = Some((path.clone(), error)),
            Ok(entries) => {
                for entry in entries {
                    match entry {
                        Ok(entry) => names.push((entry.file_name(), entry.file_type())),
                        Err(error) => self.unlisted = Some((path.clone(), error)),
                    }
                }
            }
        }
        names.sort_by_cached_key(|(name, _)| std::cmp::Reverse(text_of(name.as_ref())));
        let in_index = self.levels.last().is_some_and(|level| level.is_index)
            && path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"_"));
        let ignore = if self.settings.obey_ignore_files { ignore_rules(&path) } else { None };
        let is_written = || {
            let written = self.written.as_ref().filter(|written| written.file_name() == path.file_name());
            written.is_some_and(|written| path.canonicalize().is_ok_and(|path| path == *written))
        };
        let is_index = in_index || is_written() || holds_index(&path);
        self.levels.push(Level { path, names, reason, ignore, is_index, canonical });
    }

    /// Why an entry of the folder that is under way is passed over, by its name alone.
    fn left_out(&self, level: &Level, path: &Path, name: &OsString, is_folder: bool) -> Option<PassedOverReason> {
        if level.reason.is_some() {
            return level.reason;
        }
        if name.as_encoded_bytes().starts_with(b".") {
            return Some(PassedOverReason::Hidden);
        }
        let rules = self.levels.iter().rev().filter_map(|level| level.ignore.as_ref());
        let decided = rules.map(|rules| rules.matched(path, is_folder)).find(|decided| !decided.is_none());
        decided.filter(ignore::Match::is_ignore).map(|_| PassedOverReason::Ignored)
    }

    /// Whether the content of a file in the folder that is under way is sound. What cannot be read may be anything, but
    /// for what an index has removed meanwhile.
    fn may_be_audio(&self, path: &Path) -> bool {
        let is_index = self.levels.last().is_some_and(|level| level.is_index);
        content_is_audio(path).unwrap_or_else(|_| !is_index || path.symlink_metadata().is_ok())
    }

    /// What an entry is; none where it is a folder, which is entered.
    fn entry(&mut self, path: PathBuf, name: &OsString, kind: io::Result<FileType>) -> Option<Found> {
        let level = self.levels.last()?;
        let kind = Kind::of(&path, kind);
        let reason = self.left_out(level, &path, name, matches!(kind, Kind::Folder | Kind::FolderLink));
        let is_own = level.is_index || is_of_program(&path, name);
        let over = |reason, may_hold_sound| PassedOverEntry { path: text_of(&path), reason, may_hold_sound };
        let over = match (kind, reason) {
            (Kind::Folder, reason) => {
                self.enter(path, reason);
                return None;
            }
            (Kind::FolderLink, reason) if self.settings.follow_links => {
                self.enter(path, reason);
                return None;
            }
            (Kind::FolderLink, reason) => over(reason.unwrap_or(PassedOverReason::LinkToFolder), true),
            (Kind::NoFile, None) if self.may_be_audio(&path) => return Some(Found::Clip(path)),
            (Kind::NoFile, None) => over(PassedOverReason::OfProgram, false),
            (Kind::NoFile, Some(reason)) => over(reason, false),
            (Kind::File, Some(reason)) => over(reason, self.may_be_audio(&path)),
            (Kind::File, None) if has_audio_extension(&path) || self.may_be_audio(&path) => {
                return Some(Found::Clip(path));
            }
            (Kind::File, None) if is_own => over(PassedOverReason::OfProgram, false),
            (Kind::File, None) => over(PassedOverReason::NotAudio, content_is_opaque(&path)),
        };
        Some(Found::PassedOver(over))
    }
}

impl Iterator for Walk {
    type Item = Found;

    fn next(&mut self) -> Option<Found> {
        loop {
            if let Some((folder, why)) = self.unlisted.take() {
                return Some(Found::Unlisted(folder, why));
            }
            let level = self.levels.last_mut()?;
            let Some((name, kind)) = level.names.pop() else {
                self.levels.pop();
                continue;
            };
            let path = level.path.join(&name);
            if let Some(found) = self.entry(path, &name, kind) {
                return Some(found);
            }
        }
    }
}

/// What an entry is on the disk.
enum Kind {
    Folder,
    FolderLink,
    /// A file, or a link to one.
    File,
    /// A dangling link, a pipe, a socket, a device.
    NoFile,
}

impl Kind {
    fn of(path: &Path, kind: io::Result<FileType>) -> Self {
        match kind {
            Ok(kind) if kind.is_dir() => Kind::Folder,
            Ok(kind) if kind.is_file() => Kind::File,
            _ => match std::fs::metadata(path) {
                Ok(target) if target.is_dir() => Kind::FolderLink,
                Ok(target) if target.is_file() => Kind::File,
                _ => Kind::NoFile,
            },
        }
    }
}

/// The rules of the ignore files in a folder. A line in them that is none is as if it were not there.
fn ignore_rules(folder: &Path) -> Option<Gitignore> {
    let files: Vec<PathBuf> = IGNORE_FILES.iter().map(|name| folder.join(name)).filter(|file| file.is_file()).collect();
    if files.is_empty() {
        return None;
    }
    let mut builder = GitignoreBuilder::new(folder);
    for file in files {
        builder.add(file);
    }
    builder.build().ok()
}

/// Whether a file that holds no sound is one that this program keeps beside voice models.
fn is_of_program(path: &Path, name: &OsString) -> bool {
    name == FOLDER_KEY
        || name == LOCK
        || (path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("model"))
            && VoiceModelFile::looks_like_one(path))
}
