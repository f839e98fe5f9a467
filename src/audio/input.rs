//! Where the bytes of a recording lie: in a file, or in memory as a file would hold them.
//!
//! Both are read by the same decoders, so that a clip gives the same numbers from either.

use super::checked::CheckedFile;
use super::stream::open_regular;
use crate::error::{IoContext, Result};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A clip that can be read, also more than once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClipSource {
    /// A file.
    File(PathBuf),
    /// The content of a file in memory.
    Memory {
        /// What it is called in results and messages; nothing is read from there.
        name: PathBuf,
        /// The bytes of the file, header included.
        bytes: Arc<Vec<u8>>,
    },
}

impl ClipSource {
    /// What the clip is called.
    pub fn path(&self) -> &Path {
        match self {
            ClipSource::File(path) | ClipSource::Memory { name: path, .. } => path,
        }
    }

    /// Opens it from its beginning.
    pub(super) fn open(&self) -> Result<Input> {
        match self {
            ClipSource::File(path) => open_regular(path).map(Input::File),
            ClipSource::Memory { bytes, .. } => Ok(Input::Memory { bytes: Arc::clone(bytes), at: 0 }),
        }
    }

    /// SHA-256 of its bytes in lower-case hexadecimal.
    ///
    /// # Errors
    /// Where the file cannot be opened or read.
    pub fn sha256(&self) -> Result<String> {
        super::stream::sha256(self.path(), &mut self.open()?)
    }
}

impl From<PathBuf> for ClipSource {
    fn from(path: PathBuf) -> Self {
        ClipSource::File(path)
    }
}

/// An open clip.
#[derive(Debug)]
pub enum Input {
    /// A file.
    File(File),
    /// The content of a file in memory.
    Memory {
        /// The bytes.
        bytes: Arc<Vec<u8>>,
        /// Where the next one is read; it may lie behind the end.
        at: u64,
    },
    /// A file that was hashed, of which no other bytes are handed out than those.
    Checked(Box<CheckedFile>),
}

impl Input {
    /// Number of bytes.
    pub(super) fn len(&self) -> io::Result<u64> {
        match self {
            Input::File(file) => file.metadata().map(|metadata| metadata.len()),
            Input::Memory { bytes, .. } => Ok(bytes.len() as u64),
            Input::Checked(file) => Ok(file.len()),
        }
    }

    /// The same bytes once more; where the two stand may be one place or two, so each must seek before it reads.
    pub(super) fn again(&self, path: &Path) -> Result<Input> {
        match self {
            Input::File(file) => file.try_clone().at(path, "open").map(Input::File),
            Input::Memory { bytes, at } => Ok(Input::Memory { bytes: Arc::clone(bytes), at: *at }),
            Input::Checked(file) => file.again().at(path, "open").map(|file| Input::Checked(Box::new(file))),
        }
    }
}

impl From<File> for Input {
    fn from(file: File) -> Self {
        Input::File(file)
    }
}

impl Read for Input {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Input::File(file) => file.read(buffer),
            Input::Memory { bytes, at } => {
                let from = usize::try_from(*at).unwrap_or(usize::MAX).min(bytes.len());
                let rest = bytes.get(from..).unwrap_or_default();
                let count = rest.len().min(buffer.len());
                buffer.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
                *at += count as u64;
                Ok(count)
            }
            Input::Checked(file) => file.read(buffer),
        }
    }
}

impl Seek for Input {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        match self {
            Input::File(file) => file.seek(to),
            Input::Memory { bytes, at } => {
                let place = match to {
                    SeekFrom::Start(place) => Some(place),
                    SeekFrom::Current(by) => at.checked_add_signed(by),
                    SeekFrom::End(by) => (bytes.len() as u64).checked_add_signed(by),
                };
                *at = place.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
                Ok(*at)
            }
            Input::Checked(file) => file.seek(to),
        }
    }
}
