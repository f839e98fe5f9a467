//! Whether a file stayed as it was while it was read.
//!
//! The hash of a recording and its samples come from two passes over the file. Whoever writes to it in between would
//! get a score under the hash of other bytes. So size and dates are compared before and after, and where they leave
//! room for doubt the bytes are hashed once more.

use super::input::Input;
use super::stream::sha256;
use crate::error::{ErrorKind, IoContext, Result};
use std::fs::{File, Metadata};
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Dates of files come in steps of some milliseconds, and on some disks of two seconds: of a file that was changed this
/// short a time ago they would not tell a further change.
const UNSETTLED: Duration = Duration::from_secs(3);

/// An open file as it was when its reading began.
#[derive(Debug)]
pub(super) struct Watch {
    file: File,
    before: Stamp,
}

/// What tells that a file was written to.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Stamp {
    len: u64,
    modified: Option<SystemTime>,
    /// When content or attributes changed last, which no program can set.
    changed: Option<SystemTime>,
}

impl Watch {
    /// Looks at a file before it is hashed; none of a clip in memory, which cannot change.
    pub fn begin(path: &Path, input: &Input) -> Result<Option<Self>> {
        let Input::File(file) = input else { return Ok(None) };
        let before = Stamp::of(&file.metadata().at(path, "read")?);
        Ok(Some(Watch { file: file.try_clone().at(path, "open")?, before }))
    }

    /// Looks at it again after the last sample.
    ///
    /// # Errors
    /// [`ErrorKind::Changed`] where it does not hold the bytes of this hash any more.
    pub fn end(self, path: &Path, expected: &str) -> Result<()> {
        let after = Stamp::of(&self.file.metadata().at(path, "read")?);
        if after == self.before && self.before.is_settled() {
            return Ok(());
        }
        let changed = |found: String| Err(ErrorKind::Changed { path: path.into(), found }.into());
        if after.len != self.before.len {
            return changed(format!("{} bytes where there had been {}", after.len, self.before.len));
        }
        let found = sha256(path, &mut Input::File(self.file))?;
        if found == expected { Ok(()) } else { changed(format!("SHA-256 {found} where it had been {expected}")) }
    }
}

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        Stamp { len: metadata.len(), modified: metadata.modified().ok(), changed: changed(metadata) }
    }

    /// Whether a further change would bear another date.
    fn is_settled(&self) -> bool {
        let now = SystemTime::now();
        // A date ahead of the clock says nothing.
        let past = |date: Option<SystemTime>| date.and_then(|date| now.duration_since(date).ok());
        past(self.changed.or(self.modified)).is_some_and(|past| past > UNSETTLED)
    }
}

#[cfg(unix)]
fn changed(metadata: &Metadata) -> Option<SystemTime> {
    use std::os::unix::fs::MetadataExt;
    let seconds = Duration::from_secs(u64::try_from(metadata.ctime()).ok()?);
    UNIX_EPOCH.checked_add(seconds)?.checked_add(Duration::from_nanos(u64::try_from(metadata.ctime_nsec()).ok()?))
}

#[cfg(not(unix))]
fn changed(_: &Metadata) -> Option<SystemTime> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::io::Write;

    fn begun(path: &Path) -> (Watch, String) {
        let mut input = Input::File(File::open(path).unwrap());
        let watch = Watch::begin(path, &input).unwrap().unwrap();
        (watch, sha256(path, &mut input).unwrap())
    }

    #[test]
    fn what_was_written_in_between_is_found_whatever_its_date_and_size() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.wav");
        let old = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
        let dated = |path: &Path| File::options().write(true).open(path).unwrap().set_modified(old).unwrap();
        fs::write(&path, b"some bytes").unwrap();
        dated(&path);
        let (watch, hash) = begun(&path);
        watch.end(&path, &hash).unwrap();
        let (watch, hash) = begun(&path);
        dated(&path);
        watch.end(&path, &hash).unwrap();
        for change in [
            |path: &Path| fs::write(path, b"same size!").unwrap(),
            |path: &Path| {
                File::options().append(true).open(path).unwrap().write_all(b"+").unwrap();
            },
        ] {
            let (watch, hash) = begun(&path);
            change(&path);
            dated(&path);
            let error = watch.end(&path, &hash).unwrap_err();
            assert!(error.is_changed() && error.to_string().contains("x.wav"), "{error}");
        }
        // A file that took the name meanwhile is not the one that is read.
        let (watch, hash) = begun(&path);
        fs::write(folder.path().join("y"), b"another file").unwrap();
        fs::rename(folder.path().join("y"), &path).unwrap();
        watch.end(&path, &hash).unwrap();
    }
}
