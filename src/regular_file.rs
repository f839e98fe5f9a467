//! Files that are read: regular ones, and no more of them than a limit.
//!
//! What a user names may be a pipe that nobody writes to, a device without end, or a file that grows while it is read.
//! So a file is opened without waiting for a writer, judged by the handle and not by its name, and read no further than
//! its limit.

use crate::error::{Error, ErrorKind, IoContext, Result};
use std::fs::{File, FileType, OpenOptions};
use std::io::{self, Read};
use std::path::Path;

/// Opens a regular file. Opening a pipe does not block.
///
/// # Errors
/// [`ErrorKind::Io`] where it cannot be opened, [`ErrorKind::File`] where it is no regular file.
pub fn open(path: &Path) -> Result<File> {
    open_or(path, |found| irregular(path, found))
}

/// The same with an error of the caller's for what is no regular file, which is called "a folder", "a pipe", "a device"
/// or "a socket".
pub(crate) fn open_or(path: &Path, error: impl FnOnce(&'static str) -> Error) -> Result<File> {
    let file = options().read(true).open(path);
    // Elsewhere than on Unix a folder cannot be opened at all.
    let file = match file {
        Err(_) if path.is_dir() => return Err(error("a folder")),
        file => file.at(path, "open")?,
    };
    match kind(file.metadata().at(path, "open")?.file_type()) {
        None => Ok(file),
        Some(found) => Err(error(found)),
    }
}

/// Options to open a file by which do not wait for the other end of a pipe.
pub(crate) fn options() -> OpenOptions {
    #[cfg_attr(not(unix), allow(unused_mut))]
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY);
    }
    options
}

/// Reads a regular file of at most `most` bytes; `what` is what it should be, for the error.
///
/// # Errors
/// As [`open`], and [`ErrorKind::File`] where it is larger.
pub fn read(path: &Path, most: u64, what: &str) -> Result<Vec<u8>> {
    let larger = |found: String| Error::from(ErrorKind::File { path: path.into(), found, expected: limit(what, most) });
    let file = open(path)?;
    let size = file.metadata().at(path, "open")?.len();
    if size > most {
        return Err(larger(format!("{size} bytes")));
    }
    let mut bytes = Vec::new();
    let room = usize::try_from(size).map_err(|_| io::ErrorKind::OutOfMemory.into());
    room.and_then(|room| bytes.try_reserve_exact(room).map_err(io::Error::from)).at(path, "read")?;
    file.take(most.saturating_add(1)).read_to_end(&mut bytes).at(path, "read")?;
    // A file may grow, and those of the system state no size.
    if bytes.len() as u64 > most {
        return Err(larger(format!("more than {most} bytes")));
    }
    Ok(bytes)
}

/// The same of a text in UTF-8.
///
/// # Errors
/// As [`read`], and [`ErrorKind::File`] where it is no text.
pub fn read_text(path: &Path, most: u64, what: &str) -> Result<String> {
    String::from_utf8(read(path, most, what)?).map_err(|_| {
        let found = "bytes that are not UTF-8".into();
        ErrorKind::File { path: path.into(), found, expected: format!("{what} in UTF-8") }.into()
    })
}

fn limit(what: &str, most: u64) -> String {
    format!("{what} of at most {most} bytes")
}

fn irregular(path: &Path, found: &str) -> Error {
    ErrorKind::File { path: path.into(), found: found.into(), expected: "a regular file".into() }.into()
}

/// What a file is that is not regular.
fn kind(kind: FileType) -> Option<&'static str> {
    if kind.is_file() {
        return None;
    }
    if kind.is_dir() {
        return Some("a folder");
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;
        if kind.is_fifo() {
            return Some("a pipe");
        }
        if kind.is_socket() {
            return Some("a socket");
        }
    }
    Some("a device")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_up_to_its_limit_and_not_beyond() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        std::fs::write(&path, "12345").unwrap();
        assert_eq!(read(&path, 5, "digits").unwrap(), b"12345");
        assert_eq!(read_text(&path, 5, "digits").unwrap(), "12345");
        let message = read(&path, 4, "digits").unwrap_err().to_string();
        assert!(message.contains("x: found 5 bytes, expected digits of at most 4 bytes"), "{message}");
        std::fs::write(&path, b"\xff").unwrap();
        let message = read_text(&path, 4, "digits").unwrap_err().to_string();
        assert!(message.contains("expected digits in UTF-8"), "{message}");
        let message = read(folder.path(), 4, "digits").unwrap_err().to_string();
        assert!(message.contains("found a folder, expected a regular file"), "{message}");
        assert!(read(&folder.path().join("y"), 4, "digits").unwrap_err().is_io());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn what_is_no_regular_file_is_refused_at_once_and_what_states_no_size_is_bounded() {
        for (path, word) in [("/dev/zero", "a device"), ("/proc/self", "a folder")] {
            let message = read(Path::new(path), u64::MAX, "x").unwrap_err().to_string();
            assert!(message.contains(word), "{message}");
        }
        // States a size of 0 and has more.
        let message = read(Path::new("/proc/self/status"), 10, "x").unwrap_err().to_string();
        assert!(message.contains("found more than 10 bytes"), "{message}");
    }
}
