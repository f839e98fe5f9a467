//! Files that appear whole or not at all.
//!
//! A file is written under another name in the folder that it will lie in, brought to the disk, and takes its name only
//! then. Whoever is killed in between leaves the old file, and a temporary one. That is locked while it is written, and
//! the lock goes when the process goes, however it does: so the next run that writes the same file knows what a killed
//! one left there, and takes it away.
//!
//! What this library keeps for itself (files of an index, voice models, keys) holds biometric data or opens it, and is
//! readable by this user alone, whatever a file had that it replaces.

use crate::error::{Error, ErrorKind, IoContext, Result};
use crate::regular_file;
use sha2::{Digest, Sha256};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use tempfile::{Builder, NamedTempFile};

/// What temporary files of this library begin and end with.
pub(crate) const TEMPORARY: (&str, &str) = ("_writing-", ".part");
/// Name of the file in a folder by whose lock it has one writer at a time.
pub(crate) const LOCK: &str = "_lock";
/// So often the name that follows from the file's is tried; another run may be at work on the same.
const TRIES: usize = 3;

/// Who may read a file that is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// This user alone.
    Private,
    /// Those whom the settings of the process (umask) let read new files.
    AsSet,
}

/// An empty temporary file in the folder of `path`, locked as long as it is open; its name begins and ends as given.
/// What a killed run left of the same file is taken away first.
///
/// # Errors
/// Where no file can be made there.
pub fn temporary(path: &Path, (start, end): (&str, &str), access: Access) -> io::Result<NamedTempFile> {
    let folder = folder_of(path);
    let left = leftover(path, (start, end));
    let name = left.file_name().unwrap_or_default().to_string_lossy().into_owned();
    for _ in 0..TRIES {
        match builder(access).prefix(&name).rand_bytes(0).tempfile_in(folder) {
            Ok(file) if is_held(file.as_file(), file.path()) => return Ok(file),
            // Another run has taken it for a leftover before it was locked, and removes it.
            Ok(file) => drop(file.keep()),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                if !remove(&left) {
                    break;
                }
            }
            Err(error) => return Err(error),
        }
    }
    // Another run writes the same file now, or locks are unknown here.
    builder(access).prefix(start).suffix(end).tempfile_in(folder)
}

/// Makes temporary files of this access; without another word they are private.
fn builder<'a>(access: Access) -> Builder<'a, 'a> {
    #[cfg_attr(not(unix), allow(unused_mut))]
    let mut builder = Builder::new();
    #[cfg(unix)]
    if access == Access::AsSet {
        use std::os::unix::fs::PermissionsExt;
        // The system takes away what the umask says.
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    #[cfg(not(unix))]
    let _ = access;
    builder
}

/// Options by which new files are readable by this user alone; opening a pipe does not block.
pub(crate) fn private_options() -> OpenOptions {
    #[cfg_attr(not(unix), allow(unused_mut))]
    let mut options = regular_file::options();
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    options
}

/// Makes a folder that only this user can look into, and those above it; one that is there stays as it is.
pub(crate) fn create_private_folder(path: &Path) -> io::Result<()> {
    #[cfg_attr(not(unix), allow(unused_mut))]
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt;
        builder.mode(0o700);
    }
    builder.create(path)
}

/// Opens the file by whose lock a folder has one writer at a time.
pub(crate) fn lock_file(folder: &Path) -> Result<File> {
    let path = folder.join(LOCK);
    let file = private_options().write(true).create(true).truncate(false).open(&path).at(&path, "create")?;
    if !file.metadata().at(&path, "create")?.is_file() {
        let (found, expected) = ("a pipe or a device".into(), "a regular file".into());
        return Err(ErrorKind::File { path, found, expected }.into());
    }
    Ok(file)
}

/// Takes away what a killed run left half written of a file of this library; what a living one writes stays.
pub(crate) fn remove_leftover(path: &Path) {
    remove(&leftover(path, TEMPORARY));
}

/// The temporary file that is to become `path`.
fn leftover(path: &Path, (start, end): (&str, &str)) -> PathBuf {
    let name = path.file_name().unwrap_or_default().as_encoded_bytes();
    let digits: String = Sha256::digest(name).iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    folder_of(path).join(format!("{start}{digits}{end}"))
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Locks a file; false where another process has the lock, or the name is no longer that of this file.
pub(crate) fn is_held(file: &File, path: &Path) -> bool {
    match file.try_lock() {
        Ok(()) => is_named(file, path),
        // Where there are no locks nobody removes anything.
        Err(fs::TryLockError::Error(_)) => true,
        Err(fs::TryLockError::WouldBlock) => false,
    }
}

/// Removes a temporary file that no process holds.
fn remove(path: &Path) -> bool {
    // Neither a link nor a pipe is one; nothing is opened that was not made here.
    if !fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_file()) {
        return false;
    }
    let Ok(file) = File::options().read(true).write(true).open(path) else { return false };
    file.try_lock().is_ok() && is_named(&file, path) && fs::remove_file(path).is_ok()
}

/// Whether a name is that of an open file.
#[cfg(unix)]
pub(crate) fn is_named(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let named = fs::symlink_metadata(path).map(|metadata| (metadata.dev(), metadata.ino()));
    let open = file.metadata().map(|metadata| (metadata.dev(), metadata.ino()));
    matches!((named, open), (Ok(named), Ok(open)) if named == open)
}

/// Elsewhere a file that is open cannot lose its name.
#[cfg(not(unix))]
pub(crate) fn is_named(_: &File, path: &Path) -> bool {
    path.exists()
}

/// Sees to it that the name of a file is on the disk too, where that can be asked for: its content is.
pub fn sync_folder(path: &Path) {
    #[cfg(unix)]
    {
        let _ = File::open(folder_of(path)).and_then(|folder| folder.sync_all());
    }
    #[cfg(not(unix))]
    let _ = path;
}

/// Writes a private file that appears whole or not at all, and is on the disk when this returns.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    whole(path, bytes)?.persist(path).map_err(|error| unwritten(path, error.error))?;
    sync_folder(path);
    Ok(())
}

/// The same of a file that is not there yet; false where one has that name by then, which stays as it is.
pub(crate) fn write_new(path: &Path, bytes: &[u8]) -> Result<bool> {
    match whole(path, bytes)?.persist_noclobber(path) {
        Ok(_) => {
            sync_folder(path);
            Ok(true)
        }
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(unwritten(path, error.error)),
    }
}

/// A temporary file that is written and on the disk, and lacks only its name.
fn whole(path: &Path, bytes: &[u8]) -> Result<NamedTempFile> {
    let mut file = temporary(path, TEMPORARY, Access::Private).map_err(|error| unwritten(path, error))?;
    file.write_all(bytes).and_then(|()| file.as_file().sync_all()).map_err(|error| unwritten(path, error))?;
    Ok(file)
}

fn unwritten(path: &Path, source: io::Error) -> Error {
    // The message of the temporary file would name that file.
    let source = source.raw_os_error().map_or(source.kind().into(), io::Error::from_raw_os_error);
    ErrorKind::Io { path: path.into(), action: "write", source }.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn what_a_killed_run_left_is_taken_away_and_what_a_living_one_writes_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.json");
        // Left behind: the lock went with the process.
        let leave = || {
            let (file, place) = temporary(&path, TEMPORARY, Access::Private).unwrap().keep().unwrap();
            drop(file);
            place
        };
        leave();
        remove_leftover(&path);
        assert!(names(folder.path()).is_empty());
        let place = leave();
        let mut first = temporary(&path, TEMPORARY, Access::Private).unwrap();
        assert_eq!((first.path(), names(folder.path()).len()), (place.as_path(), 1));
        first.write_all(b"one").unwrap();
        let second = temporary(&path, TEMPORARY, Access::Private).unwrap();
        assert_ne!(second.path(), place, "the other is at work on it");
        first.persist(&path).unwrap();
        drop(second);
        assert_eq!(names(folder.path()), ["out.json"]);
        assert_eq!(fs::read(&path).unwrap(), b"one");
    }

    #[cfg(unix)]
    #[test]
    fn a_link_by_the_name_of_one_is_neither_followed_nor_removed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.json");
        let place = temporary(&path, TEMPORARY, Access::Private).unwrap().path().to_path_buf();
        let other = folder.path().join("other");
        fs::write(&other, "mine").unwrap();
        std::os::unix::fs::symlink(&other, &place).unwrap();
        assert_ne!(temporary(&path, TEMPORARY, Access::Private).unwrap().path(), place);
        assert_eq!(fs::read(&other).unwrap(), b"mine");
        assert!(place.is_symlink());
    }
}
