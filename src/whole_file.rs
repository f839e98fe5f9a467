//! Files that appear whole or not at all.
//!
//! A file is written under another name in the folder that it will lie in, brought to the disk, and takes its name only
//! then. Whoever is killed in between leaves the old file, and a temporary one that the folder's next writer takes away.

use crate::error::{Error, ErrorKind, Result};
use std::fs;
use std::io::{self, Write};
use std::path::Path;

/// What temporary files begin and end with.
pub(crate) const TEMPORARY: (&str, &str) = ("_writing-", ".part");

/// Writes a file that appears whole or not at all, and is on the disk when this returns.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    builder.prefix(TEMPORARY.0).suffix(TEMPORARY.1);
    let failed = |source: io::Error| {
        // The message of the temporary file would name that file.
        let source = source.raw_os_error().map_or(source.kind().into(), io::Error::from_raw_os_error);
        Error::from(ErrorKind::Io { path: path.into(), action: "write", source })
    };
    let mut file = builder.tempfile_in(folder).map_err(failed)?;
    // The lock goes when the process goes, however it does: see `remove_leftovers`. Where there are none, none is held.
    let _ = file.as_file().try_lock();
    file.write_all(bytes).map_err(failed)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        file.as_file().set_permissions(fs::Permissions::from_mode(0o644)).map_err(failed)?;
    }
    file.as_file().sync_all().map_err(failed)?;
    file.persist(path).map_err(|error| failed(error.error))?;
    #[cfg(unix)]
    fs::File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed)?;
    Ok(())
}

/// Takes away what killed writers left half written in a folder; what a living one writes is locked.
pub(crate) fn remove_leftovers(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with(TEMPORARY.0) && name.ends_with(TEMPORARY.1) {
            let held = fs::File::open(entry.path()).is_ok_and(|file| file.try_lock().is_err());
            if !held {
                let _ = fs::remove_file(entry.path());
            }
        }
    }
}
