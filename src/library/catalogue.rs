//! From what a user names (a file, a folder, a pattern) to the list of sound files it stands for.

use crate::audio::looks_like_audio;
use crate::error::{Error, ErrorKind, IoContext, Result};
use std::path::{Path, PathBuf};
use walkdir::WalkDir;

/// Names that stand for sound files. A folder's files with other names are taken where their content is sound.
const EXTENSIONS: [&str; 23] = [
    "wav", "wave", "rf64", "w64", "bwf", "flac", "mp3", "ogg", "oga", "opus", "m4a", "m4b", "mp4", "mov", "aac", "aif",
    "aiff", "aifc", "caf", "mkv", "mka", "webm", "alac",
];

/// The sound files that `named` stands for: itself, those in the folder and its sub-folders, or those that match the
/// pattern (`*`, `?`, `[...]`, `**`). Folders and patterns give paths in the order of their bytes; hidden files are
/// left out, links to folders are not followed.
///
/// # Errors
/// Where nothing of that name exists, nothing matches, or a folder holds no sound file or cannot be read.
pub fn expand(named: &Path) -> Result<Vec<PathBuf>> {
    if named.is_dir() {
        return folder(named);
    }
    match std::fs::symlink_metadata(named) {
        Ok(_) => Ok(vec![named.into()]),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => match named.to_str() {
            Some(text) if text.contains(['*', '?', '[']) => pattern(text),
            _ => Err(error).at(named, "open"),
        },
        Err(error) => Err(error).at(named, "open"),
    }
}

/// The files that each of `named` stands for, in the order given; what stands for nothing keeps its place with its
/// error.
pub fn expand_each(named: &[PathBuf]) -> Vec<std::result::Result<PathBuf, (PathBuf, Error)>> {
    let mut files = Vec::new();
    for name in named {
        match expand(name) {
            Ok(paths) => files.extend(paths.into_iter().map(Ok)),
            Err(error) => files.push(Err((name.clone(), error))),
        }
    }
    files
}

fn folder(root: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let hidden = |name: &std::ffi::OsStr| name.as_encoded_bytes().starts_with(b".");
    let walk = WalkDir::new(root).into_iter().filter_entry(|e| e.depth() == 0 || !hidden(e.file_name()));
    for entry in walk {
        let entry = entry.map_err(|error| {
            let path = error.path().unwrap_or(root).to_path_buf();
            let source = error.into_io_error().unwrap_or_else(|| std::io::Error::other("a loop of links"));
            Error::from(ErrorKind::Io { path, action: "list", source })
        })?;
        let path = entry.path();
        if path.is_file() && (has_audio_extension(path) || looks_like_audio(path)) {
            files.push(entry.into_path());
        }
    }
    files.sort();
    if files.is_empty() {
        return Err(ErrorKind::NothingFound { path: root.into(), found: "a folder without sound files".into() }.into());
    }
    Ok(files)
}

fn pattern(text: &str) -> Result<Vec<PathBuf>> {
    let nothing = |found: String| Error::from(ErrorKind::NothingFound { path: text.into(), found });
    let paths = glob::glob(text).map_err(|error| nothing(format!("a pattern with a mistake in it ({error})")))?;
    let mut files = Vec::new();
    for path in paths {
        let path = path.map_err(|error| {
            let path = error.path().to_path_buf();
            Error::from(ErrorKind::Io { path, action: "list", source: error.into() })
        })?;
        if path.is_dir() {
            files.extend(folder(&path)?);
        } else {
            files.push(path);
        }
    }
    files.sort();
    files.dedup();
    if files.is_empty() { Err(nothing("no file that matches".into())) } else { Ok(files) }
}

pub(crate) fn has_audio_extension(path: &Path) -> bool {
    let extension = path.extension().and_then(|e| e.to_str()).unwrap_or("");
    EXTENSIONS.iter().any(|known| known.eq_ignore_ascii_case(extension))
}
