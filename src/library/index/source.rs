//! The library that an index is made of: a folder, a list of files, or a manifest, as one ordered stream of files.
//!
//! A folder is walked in the order of the index, one directory at a time, so that ten million clips need no list in
//! memory. Lists and manifests are read whole and sorted.

use super::row::by_path;
use crate::audio::{ClipSource, looks_like_audio};
use crate::error::{Error, ErrorKind, IoContext, Result};
use crate::library::labels::manifest::Manifest;
use crate::library::labels::selection::Selection;
use crate::library::passed_over::{PassedOver, PassedOverEntry};
use crate::library::walk::{Found, Walk, WalkSettings, has_audio_extension};
use crate::path_text::{path_of_bytes, text_of};
use std::fs::Metadata;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

/// Files of these names say, in the manner of `.gitignore`, which files of a folder are left out.
pub const IGNORE_FILES: [&str; 2] = [".ignore", ".soundalikeignore"];

/// Where the clips of a library come from.
#[derive(Clone, Debug)]
pub struct LibrarySource {
    named: PathBuf,
    root: PathBuf,
    kind: Kind,
    passed_over: PassedOver,
}

#[derive(Clone, Debug)]
enum Kind {
    Folder(WalkSettings),
    /// In the order of the index.
    Files(Vec<Named>),
}

/// A file that was named.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Named {
    /// Path in the index.
    path: String,
    voice: String,
    /// Where it lies.
    file: PathBuf,
}

/// A file of a library.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Listed {
    pub path: String,
    pub voice: String,
    pub file: PathBuf,
    pub size: u64,
    pub mtime_ns: i64,
    /// The index has a row of this path already.
    pub known: bool,
}

impl Listed {
    /// The file as a clip.
    pub fn clip(&self) -> ClipSource {
        ClipSource::File(self.file.clone())
    }
}

/// What a walk comes to.
pub(crate) enum Step {
    File(Listed),
    /// An entry of a folder that is no clip.
    PassedOver(PassedOverEntry),
    /// A folder that could not be listed, its path in the index with a closing `/`, and why.
    Unlisted(PathBuf, String, String),
}

impl LibrarySource {
    /// Finds out what `named` is: a folder, a sound file, a manifest (a tab-separated table with the columns path,
    /// speaker and kind), or a list of files, one a line, in which empty lines and those that begin with `#` say
    /// nothing. Paths in a list or a manifest start from `root`, or from the folder that it lies in.
    ///
    /// # Errors
    /// Where there is nothing of that name, or a list or manifest cannot be read or is empty.
    pub fn read(named: &Path, root: Option<&Path>, walk: WalkSettings) -> Result<Self> {
        let metadata = std::fs::metadata(named).at(named, "open")?;
        if metadata.is_dir() {
            let (kind, passed_over) = (Kind::Folder(walk), PassedOver::default());
            return Ok(LibrarySource { named: named.into(), root: named.into(), kind, passed_over });
        }
        let folder = named.parent().unwrap_or(Path::new(""));
        let root = root.unwrap_or(folder);
        if metadata.is_file() && (has_audio_extension(named) || looks_like_audio(named)) {
            let name = named.file_name().unwrap_or_default().into();
            return Ok(Self::of_files(named, folder, vec![(name, None)]));
        }
        const MOST_BYTES: u64 = 4 << 30;
        let bytes = crate::regular_file::read(named, MOST_BYTES, "a list of files")?;
        let header = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
        if header.split(|byte| *byte == b'\t').any(|name| name.trim_ascii() == b"path") {
            let manifest = Manifest::read(named, Some(root), &Selection::default())?;
            let clips = manifest.clips.into_iter().map(|clip| {
                let path = clip.path.strip_prefix(root).unwrap_or(&clip.path);
                (path.to_path_buf(), Some(clip.speaker))
            });
            return Ok(Self::of_files(named, root, clips.collect()));
        }
        Self::of_list(named, &bytes, root)
    }

    /// The files of a list that was read already: the bytes of a path in each line, as `find` prints them; `named` is
    /// what it is called in messages.
    ///
    /// # Errors
    /// [`ErrorKind::Table`] where it names no file or is none.
    pub fn of_list(named: &Path, list: impl AsRef<[u8]>, root: &Path) -> Result<Self> {
        let list = list.as_ref();
        let table = |found: &str| {
            let expected = "the path of a sound file in each line".into();
            Error::from(ErrorKind::Table { path: named.into(), line: None, found: found.into(), expected })
        };
        if list.contains(&0) {
            return Err(table("bytes that are neither text nor a list of files"));
        }
        let list = list.strip_prefix("\u{feff}".as_bytes()).unwrap_or(list);
        let lines = list.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii_end);
        let files = lines.filter(|line| !line.trim_ascii().is_empty() && !line.starts_with(b"#"));
        let files: Vec<_> = files.map(|line| (path_of_bytes(line), None)).collect();
        if files.is_empty() {
            return Err(table("no file"));
        }
        Ok(Self::of_files(named, root, files))
    }

    /// These files, whatever their names are; a file that is named twice counts once. `named` is what they are called
    /// in messages.
    pub fn of_paths(named: &Path, files: Vec<PathBuf>) -> Self {
        Self::of_files(named, Path::new(""), files.into_iter().map(|file| (file, None)).collect())
    }

    /// The same with what was passed over where they were looked for.
    #[must_use]
    pub fn and_passed_over(mut self, passed_over: PassedOver) -> Self {
        self.passed_over.add(passed_over);
        self
    }

    fn of_files(named: &Path, root: &Path, files: Vec<(PathBuf, Option<String>)>) -> Self {
        let place = |(file, voice): (PathBuf, Option<String>)| {
            let inside = file.strip_prefix("./").unwrap_or(&file);
            let path = text_of(inside);
            Named { voice: voice.unwrap_or_else(|| voice_of(&path)), path, file: root.join(inside) }
        };
        let mut files: Vec<Named> = files.into_iter().map(place).collect();
        files.sort_by(|a, b| by_path(&a.path, &b.path));
        files.dedup_by(|a, b| a.path == b.path);
        LibrarySource {
            passed_over: PassedOver::default(),
            named: named.into(),
            root: root.into(),
            kind: Kind::Files(files),
        }
    }

    /// Number of the files; none of a folder, which is walked to be counted.
    pub fn count(&self) -> Option<usize> {
        match &self.kind {
            Kind::Folder(_) => None,
            Kind::Files(files) => Some(files.len()),
        }
    }

    /// What was passed over where its files were looked for; what a folder holds besides clips is found on the way.
    pub(crate) fn passed_over(&self) -> &PassedOver {
        &self.passed_over
    }

    /// What was named.
    pub fn named(&self) -> &Path {
        &self.named
    }

    /// The folder that paths start from.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The files, in the order of the index; `written` is the folder of the index that is being written.
    pub(crate) fn files(&self, written: Option<&Path>) -> Box<dyn Iterator<Item = Step> + '_> {
        match &self.kind {
            Kind::Folder(settings) => Box::new(walk(&self.root, Walk::beside(&self.root, *settings, written))),
            Kind::Files(files) => Box::new(
                files.iter().map(|Named { path, voice, file }| listed(path.clone(), voice.clone(), file.clone())),
            ),
        }
    }
}

/// The clips of a folder with their paths below it.
fn walk(root: &Path, walk: Walk) -> impl Iterator<Item = Step> + '_ {
    walk.map(move |found| match found {
        Found::Clip(file) => {
            let path = relative(root, &file);
            listed(path.clone(), voice_of(&path), file)
        }
        Found::PassedOver(entry) => Step::PassedOver(entry),
        Found::Unlisted(folder, why) => {
            let inside = relative(root, &folder);
            Step::Unlisted(folder, if inside.is_empty() { inside } else { inside + "/" }, why.to_string())
        }
    })
}

/// A file with its size and date. One that has none is dangling, or gone by now; it is refused when it is read.
fn listed(path: String, voice: String, file: PathBuf) -> Step {
    let (size, mtime_ns) = std::fs::metadata(&file).map(|metadata| stamp(&metadata)).unwrap_or_default();
    Step::File(Listed { path, voice, file, size, mtime_ns, known: false })
}

/// A path below the root, with `/` between folders.
fn relative(root: &Path, file: &Path) -> String {
    let inside = file.strip_prefix(root).unwrap_or(file);
    let names: Vec<String> = inside.components().map(|name| text_of(name.as_os_str().as_ref())).collect();
    names.join("/")
}

/// The voice that a file belongs to by where it lies.
pub(super) fn voice_of(path: &str) -> String {
    match path.rsplit_once('/') {
        Some((folder, _)) => folder.into(),
        None => path.rsplit_once('.').map_or(path, |(stem, _)| stem).into(),
    }
}

/// Size and time of the last change, nanoseconds since 1970.
pub(crate) fn stamp(metadata: &Metadata) -> (u64, i64) {
    let ns = |time: std::time::SystemTime| match time.duration_since(UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_nanos()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_nanos()).map_or(i64::MIN, |ns| -ns),
    };
    (metadata.len(), metadata.modified().map(ns).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(source: &LibrarySource) -> Vec<(String, PathBuf)> {
        let files = source.files(None).filter_map(|step| match step {
            Step::File(listed) => Some((listed.path, listed.file)),
            Step::PassedOver(_) | Step::Unlisted(..) => None,
        });
        files.collect()
    }

    #[test]
    fn files_that_are_given_as_paths_may_have_any_name() {
        let names = ["#x.wav", " x.wav", "x.wav", "x.wav ", "a\nb.wav", "\u{feff}x.wav", ""];
        let files = names.iter().chain(&["./x.wav"]).map(PathBuf::from).collect();
        let source = LibrarySource::of_paths(Path::new("candidates"), files);
        let listed = listed(&source);
        assert_eq!((listed.len(), source.count()), (names.len(), Some(names.len())));
        for name in names {
            assert!(listed.contains(&(name.into(), name.into())), "{name:?} in {listed:?}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn names_that_are_not_text_lead_to_their_files_and_hide_none() {
        use std::ffi::OsStr;
        use std::os::unix::ffi::OsStrExt;
        let path = |bytes: &[u8]| PathBuf::from(OsStr::from_bytes(bytes));
        let names = [&b"x\xfe.wav"[..], b"x\xff.wav", b"x\\xFF.wav"];
        let expected = [
            ("x\\x5CxFF.wav".to_string(), path(names[2])),
            ("x\\xFE.wav".to_string(), path(names[0])),
            ("x\\xFF.wav".to_string(), path(names[1])),
        ];
        let source = LibrarySource::of_paths(Path::new("candidates"), names.map(path).into());
        assert_eq!(listed(&source), expected);
        let source = LibrarySource::of_list(Path::new("list"), names.join(&b"\n"[..]), Path::new("")).unwrap();
        assert_eq!(listed(&source), expected);
    }
}
