//! The library that an index is made of: a folder, a list of files, or a manifest, as one ordered stream of files.
//!
//! A folder is walked in the order of the index, one directory at a time, so that ten million clips need no list in
//! memory. Lists and manifests are read whole and sorted.

use super::row::by_path;
use crate::audio::{ClipSource, looks_like_audio};
use crate::error::{DocumentKind, Error, ErrorKind, IoContext, Result};
use crate::library::catalogue::has_audio_extension;
use crate::library::labels::manifest::Manifest;
use crate::library::labels::selection::Selection;
use ignore::WalkBuilder;
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
    /// Where it lies, where the path in the index does not say it.
    file: Option<PathBuf>,
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
    /// A folder that could not be listed, as its path in the index with a closing `/`, and why.
    Unlisted(String, String),
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
            return Ok(LibrarySource { named: named.into(), root: named.into(), kind: Kind::Folder(walk) });
        }
        let folder = named.parent().unwrap_or(Path::new(""));
        let root = root.unwrap_or(folder);
        if metadata.is_file() && (has_audio_extension(named) || looks_like_audio(named)) {
            let name = named.file_name().unwrap_or_default().to_string_lossy().into_owned();
            return Ok(Self::of_files(named, folder, vec![(name, None)]));
        }
        const MOST_BYTES: u64 = 4 << 30;
        let table = |found: String, expected: &str| {
            Error::from(ErrorKind::Table { path: named.into(), line: None, found, expected: expected.into() })
        };
        let bytes = crate::regular_file::read(named, MOST_BYTES, "a list of files")?;
        let text = String::from_utf8(bytes).map_err(|_| table("bytes that are no text".into(), "a list of files"))?;
        if text.lines().next().is_some_and(|header| header.split('\t').any(|name| name.trim() == "path")) {
            let manifest = Manifest::read(named, Some(root), &Selection::default())?;
            let clips = manifest.clips.into_iter().map(|clip| {
                let path = clip.path.strip_prefix(root).unwrap_or(&clip.path);
                (path.to_string_lossy().into_owned(), Some(clip.speaker))
            });
            return Ok(Self::of_files(named, root, clips.collect()));
        }
        Self::of_list(named, &text, root)
    }

    /// The files of a list that was read already; `named` is what it is called in messages.
    ///
    /// # Errors
    /// [`ErrorKind::Table`] where it names no file.
    pub fn of_list(named: &Path, text: &str, root: &Path) -> Result<Self> {
        let lines = text.strip_prefix('\u{feff}').unwrap_or(text).lines().map(str::trim_end);
        let files = lines.filter(|line| !line.trim().is_empty() && !line.starts_with('#'));
        let files: Vec<_> = files.map(|line| (line.to_string(), None)).collect();
        if files.is_empty() {
            let expected = "the path of a sound file in each line".into();
            return Err(ErrorKind::Table { path: named.into(), line: None, found: "no file".into(), expected }.into());
        }
        Ok(Self::of_files(named, root, files))
    }

    /// These files, whatever their names are; a file that is named twice counts once. `named` is what they are called
    /// in messages.
    ///
    /// # Errors
    /// [`ErrorKind::Document`] where the names of two files are the same as text, so that one would hide the other.
    pub fn of_paths(named: &Path, files: Vec<PathBuf>) -> Result<Self> {
        let place = |file: PathBuf| {
            let path = inside(&file.to_string_lossy());
            Named {
                voice: voice_of(&path),
                path,
                file: Some(file.strip_prefix("./").map(Path::to_path_buf).unwrap_or(file)),
            }
        };
        let mut files: Vec<Named> = files.into_iter().map(place).collect();
        files.sort_by(|a, b| by_path(&a.path, &b.path).then_with(|| a.file.cmp(&b.file)));
        files.dedup();
        if let Some(same) =
            files.iter().zip(files.iter().skip(1)).find_map(|(a, b)| (a.path == b.path).then_some(&a.path))
        {
            let found = format!("two files that are {same} as text");
            let expected = "names that differ in more than bytes that are no text".into();
            return Err(ErrorKind::Document { path: named.into(), what: DocumentKind::Names, found, expected }.into());
        }
        Ok(LibrarySource { named: named.into(), root: PathBuf::new(), kind: Kind::Files(files) })
    }

    fn of_files(named: &Path, root: &Path, files: Vec<(String, Option<String>)>) -> Self {
        let place = |(path, voice): (String, Option<String>)| {
            let path = inside(&path);
            Named { voice: voice.unwrap_or_else(|| voice_of(&path)), path, file: None }
        };
        let mut files: Vec<Named> = files.into_iter().map(place).collect();
        files.sort_by(|a, b| by_path(&a.path, &b.path));
        files.dedup_by(|a, b| a.path == b.path);
        LibrarySource { named: named.into(), root: root.into(), kind: Kind::Files(files) }
    }

    /// Number of the files; none of a folder, which is walked to be counted.
    pub fn count(&self) -> Option<usize> {
        match &self.kind {
            Kind::Folder(_) => None,
            Kind::Files(files) => Some(files.len()),
        }
    }

    /// What was named.
    pub fn named(&self) -> &Path {
        &self.named
    }

    /// The folder that paths start from.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The files, in the order of the index.
    pub(crate) fn files(&self) -> Box<dyn Iterator<Item = Step> + '_> {
        match &self.kind {
            Kind::Folder(settings) => Box::new(walk(&self.root, *settings)),
            Kind::Files(files) => Box::new(files.iter().map(|Named { path, voice, file }| {
                let file = file.clone().unwrap_or_else(|| self.root.join(path));
                let (size, mtime_ns) = std::fs::metadata(&file).map(|m| stamp(&m)).unwrap_or_default();
                Step::File(Listed { path: path.clone(), voice: voice.clone(), file, size, mtime_ns, known: false })
            })),
        }
    }
}

fn walk(root: &Path, settings: WalkSettings) -> impl Iterator<Item = Step> + '_ {
    let mut builder = WalkBuilder::new(root);
    builder.standard_filters(false).hidden(true).follow_links(settings.follow_links);
    builder.sort_by_file_name(std::ffi::OsStr::cmp);
    if settings.obey_ignore_files {
        for name in IGNORE_FILES {
            builder.add_custom_ignore_filename(name);
        }
    }
    // An index that lies in its own library holds no clips.
    builder.filter_entry(|entry| !entry.path().join(super::manifest::MANIFEST).exists());
    builder.build().filter_map(move |entry| match entry {
        Ok(entry) => {
            let file = entry.path();
            if entry.file_type().is_none_or(|kind| kind.is_dir()) || !file.is_file() {
                return None;
            }
            if !has_audio_extension(file) && !looks_like_audio(file) {
                return None;
            }
            // A file that is gone again by now is not in the library.
            let (size, mtime_ns) = stamp(&std::fs::metadata(file).ok()?);
            let path = relative(root, file);
            Some(Step::File(Listed { voice: voice_of(&path), path, file: file.into(), size, mtime_ns, known: false }))
        }
        Err(error) => {
            let (path, why) = unlisted(&error)?;
            let inside = relative(root, path);
            Some(Step::Unlisted(if inside.is_empty() { inside } else { inside + "/" }, why))
        }
    })
}

/// The folder that could not be listed and why; none where it is another kind of mistake, such as in an ignore file.
fn unlisted(error: &ignore::Error) -> Option<(&Path, String)> {
    match error {
        ignore::Error::WithPath { path, err } => Some((path, err.to_string())),
        ignore::Error::WithDepth { err, .. } | ignore::Error::WithLineNumber { err, .. } => unlisted(err),
        ignore::Error::Loop { child, .. } => Some((child, "a loop of links".into())),
        _ => None,
    }
}

/// A path below the root, with `/` between folders.
fn relative(root: &Path, file: &Path) -> String {
    let inside = file.strip_prefix(root).unwrap_or(file);
    let names: Vec<String> = inside.components().map(|name| name.as_os_str().to_string_lossy().into_owned()).collect();
    names.join("/")
}

/// A path in the index of what was named.
fn inside(named: &str) -> String {
    named.strip_prefix("./").unwrap_or(named).to_string()
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
        let files = source.files().filter_map(|step| match step {
            Step::File(listed) => Some((listed.path, listed.file)),
            Step::Unlisted(..) => None,
        });
        files.collect()
    }

    #[test]
    fn files_that_are_given_as_paths_may_have_any_name() {
        let names = ["#x.wav", " x.wav", "x.wav", "x.wav ", "a\nb.wav", "\u{feff}x.wav", ""];
        let files = names.iter().chain(&["./x.wav"]).map(PathBuf::from).collect();
        let source = LibrarySource::of_paths(Path::new("candidates"), files).unwrap();
        let listed = listed(&source);
        assert_eq!((listed.len(), source.count()), (names.len(), Some(names.len())));
        for name in names {
            assert!(listed.contains(&(name.into(), name.into())), "{name:?} in {listed:?}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn names_that_are_no_text_lead_to_their_files_and_hide_none() {
        use std::ffi::OsStr;
        use std::os::unix::ffi::OsStrExt;
        let path = |bytes: &[u8]| PathBuf::from(OsStr::from_bytes(bytes));
        let source = |files| LibrarySource::of_paths(Path::new("candidates"), files);
        let one = source(vec![path(b"x\xff.wav")]).unwrap();
        assert_eq!(listed(&one), [("x\u{fffd}.wav".into(), path(b"x\xff.wav"))]);
        let error = source(vec![path(b"x\xff.wav"), path(b"x\xfe.wav")]).unwrap_err();
        assert!(error.to_string().contains("two files that are x\u{fffd}.wav"), "{error}");
    }
}
