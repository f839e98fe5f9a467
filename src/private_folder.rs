//! Temporary folders that only this user can look into, and that do not outlive the run.
//!
//! A folder is removed when it is dropped. A front end that catches signals removes all of them by
//! [`remove_private_folders`] before it ends. Whatever ends the process otherwise leaves its folder behind, but not its
//! lock: the next run that makes such a folder removes those of this user that nobody holds.

use crate::error::{IoContext, Result};
use crate::whole_file::{is_held, is_named, private_options};
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

const PREFIX: &str = "soundalike-";
/// File in a folder that is locked while the folder is in use.
const LOCK: &str = "in-use.lock";
/// Folder in it for the files.
const FILES: &str = "files";
/// A folder is made so often before another run's removal of it is an error.
const TRIES: usize = 8;

/// Those of this process.
static IN_USE: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

/// A temporary folder; see the [module](self).
#[derive(Debug)]
pub struct PrivateFolder {
    folder: PathBuf,
    files: PathBuf,
    lock: Option<File>,
}

/// Makes a folder, and removes those that killed runs left.
///
/// # Errors
/// [`ErrorKind::Io`](crate::ErrorKind::Io) where none can be made.
pub fn private_folder() -> Result<PrivateFolder> {
    let above = std::env::temp_dir();
    let mut builder = tempfile::Builder::new();
    builder.prefix(PREFIX);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(fs::Permissions::from_mode(0o700));
    }
    let mut tries = 0;
    loop {
        tries += 1;
        let folder = builder.tempdir_in(&above).at(&above, "make a folder in")?.keep();
        in_use(|all| all.insert(folder.clone()));
        let (files, path) = (folder.join(FILES), folder.join(LOCK));
        let mut made = PrivateFolder { folder, files, lock: None };
        let lock = private_options().write(true).create_new(true).open(&path);
        match lock.and_then(|lock| fs::create_dir(&made.files).map(|()| lock)) {
            Ok(lock) if is_held(&lock, &path) => {
                made.lock = Some(lock);
                remove_leftovers(&above, &made.folder);
                return Ok(made);
            }
            // Another run has taken it for a leftover before it was locked.
            Ok(_) if tries < TRIES => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && tries < TRIES => {}
            Ok(_) => return Err(std::io::ErrorKind::WouldBlock.into()).at(&made.folder, "lock"),
            Err(error) => return Err(error).at(&made.folder, "make a file in"),
        }
    }
}

impl PrivateFolder {
    /// Where its files go.
    pub fn path(&self) -> &Path {
        &self.files
    }
}

impl Drop for PrivateFolder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.files);
        // Some systems remove no open file.
        self.lock = None;
        let _ = fs::remove_dir_all(&self.folder);
        in_use(|all| all.remove(&self.folder));
    }
}

/// Removes the folders of this process, whatever threads still write to them: for a front end that is ended by a
/// signal.
pub fn remove_private_folders() {
    for folder in in_use(|all| all.clone()) {
        for _ in 0..100 {
            // A thread may put a file there in between.
            if fs::remove_dir_all(&folder).is_ok() || !folder.exists() {
                break;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

fn in_use<T>(change: impl FnOnce(&mut BTreeSet<PathBuf>) -> T) -> T {
    change(&mut IN_USE.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Removes the folders beside `own` that belong to the same user and that no process holds.
fn remove_leftovers(above: &Path, own: &Path) {
    for entry in fs::read_dir(above).into_iter().flatten().flatten() {
        let (name, folder) = (entry.file_name(), entry.path());
        if !name.to_string_lossy().starts_with(PREFIX) || folder == own || !is_same_users(&folder, own) {
            continue;
        }
        let path = folder.join(LOCK);
        if !fs::symlink_metadata(&path).is_ok_and(|metadata| metadata.is_file()) {
            continue;
        }
        let Ok(lock) = private_options().write(true).open(&path) else { continue };
        if lock.try_lock().is_ok() && is_named(&lock, &path) {
            let _ = fs::remove_dir_all(&folder);
        }
    }
}

/// Whether a path is a folder, not a link to one, of the user who owns another.
fn is_same_users(folder: &Path, own: &Path) -> bool {
    let (Ok(folder), Ok(own)) = (fs::symlink_metadata(folder), fs::symlink_metadata(own)) else { return false };
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        folder.is_dir() && folder.uid() == own.uid()
    }
    // Elsewhere the folder for temporary files is the user's own.
    #[cfg(not(unix))]
    {
        folder.is_dir() && own.is_dir()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_killed_run_left_is_removed_and_what_a_living_one_uses_is_not() {
        let above = tempfile::tempdir().unwrap();
        let make = |name: &str| {
            let folder = above.path().join(name);
            fs::create_dir_all(folder.join(FILES)).unwrap();
            fs::write(folder.join(FILES).join("x"), "x").unwrap();
            (File::create(folder.join(LOCK)).unwrap(), folder)
        };
        let (own_lock, own) = make("soundalike-own");
        let (living_lock, living) = make("soundalike-living");
        own_lock.lock().unwrap();
        living_lock.lock().unwrap();
        let (_, dead) = make("soundalike-dead");
        let (_, other) = make("another");
        let unlocked = above.path().join("soundalike-older");
        fs::create_dir(&unlocked).unwrap();
        remove_leftovers(above.path(), &own);
        assert!(!dead.exists());
        assert!(own.exists() && living.exists() && other.exists() && unlocked.exists());
    }

    #[test]
    fn a_folder_is_gone_once_it_is_dropped() {
        let folder = private_folder().unwrap();
        let path = folder.path().to_path_buf();
        fs::write(path.join("x"), "x").unwrap();
        assert!(in_use(|all| all.contains(&folder.folder)));
        drop(folder);
        assert!(!path.exists() && !path.parent().unwrap().exists());
    }
}
