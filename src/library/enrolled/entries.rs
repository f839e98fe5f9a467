//! What a folder of protected voices holds: the one rule for what is a voice of it.
//!
//! Whoever lists, compares or removes voices asks here, so that none is listed and not compared. A file named
//! `NAME.model`, in upper or lower case and not hidden, is the model of a voice, also where it cannot be read. A folder
//! is a voice where recordings are taken too. Everything else is passed over and counted.

use super::voice_file::VoiceModelFile;
use crate::encryption::{FOLDER_KEY, Keys, is_encrypted_file};
use crate::error::{IoContext, Result};
use crate::library::catalogue;
use crate::library::passed_over::{PassedOver, PassedOverEntry, PassedOverReason};
use crate::path_text::text_of;
use crate::whole_file::{LOCK, TEMPORARY};
use std::path::{Path, PathBuf};

/// Ending of the models' files.
pub(super) const EXTENSION: &str = "model";

/// What a folder of protected voices holds, each in the order of the names.
#[derive(Clone, Debug, Default)]
pub(super) struct VoiceEntries {
    /// Voice models: the name of the voice, and the file.
    pub models: Vec<(String, PathBuf)>,
    /// Folders of recordings: the name of the voice, and the folder.
    pub folders: Vec<(String, PathBuf)>,
    /// Hidden files that hold a voice model, or that may: with one of them the list is not what it seems to be.
    pub hidden_models: Vec<PathBuf>,
    /// Everything else.
    pub passed_over: PassedOver,
}

impl VoiceEntries {
    /// Lists a folder; `keys` open hidden models that are encrypted.
    ///
    /// # Errors
    /// Where it cannot be listed.
    pub fn read(folder: &Path, with_folders: bool, keys: &Keys) -> Result<Self> {
        let mut paths = Vec::new();
        for entry in std::fs::read_dir(folder).at(folder, "list")? {
            paths.push(entry.at(folder, "list")?.path());
        }
        paths.sort_by_cached_key(|path| text_of(path));
        let mut entries = VoiceEntries::default();
        for path in paths {
            entries.take(path, with_folders, keys);
        }
        Ok(entries)
    }

    fn take(&mut self, path: PathBuf, with_folders: bool, keys: &Keys) {
        let file = path.file_name().unwrap_or_default().as_encoded_bytes();
        let is_temporary = file.starts_with(TEMPORARY.0.as_bytes()) && file.ends_with(TEMPORARY.1.as_bytes());
        if [FOLDER_KEY, LOCK].iter().any(|own| file == own.as_bytes()) || is_temporary {
            return;
        }
        let is_model = is_named_model(&path);
        let name = |part: Option<&std::ffi::OsStr>| text_of(part.unwrap_or_default().as_ref());
        let reason = match (file.starts_with(b"."), path.is_dir()) {
            (true, false) if is_model && may_be_model(&path, keys) => {
                self.hidden_models.push(path);
                return;
            }
            (true, _) => PassedOverReason::Hidden,
            (false, true) if with_folders => return self.folders.push((name(path.file_name()), path)),
            (false, false) if is_model => return self.models.push((name(path.file_stem()), path)),
            // By another name, or in a folder of its own, a voice would not be compared.
            (false, false) if path.is_file() && may_be_model(&path, keys) => return self.hidden_models.push(path),
            (false, true) => match catalogue::files(&path).into_iter().find(|file| is_named_model(file)) {
                Some(model) => return self.hidden_models.push(model),
                None => PassedOverReason::NotVoice,
            },
            _ => PassedOverReason::NotVoice,
        };
        self.passed_over.note(PassedOverEntry { path: text_of(&path), reason, may_hold_sound: false });
    }
}

fn is_named_model(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case(EXTENSION))
}

/// Whether a hidden file holds a voice model, or cannot be read to be sure that it does not.
fn may_be_model(path: &Path, keys: &Keys) -> bool {
    match VoiceModelFile::read(path, keys) {
        Ok(_) => true,
        Err(error) => error.is_io() || is_encrypted_file(path),
    }
}
