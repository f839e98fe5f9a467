//! A file that is hashed once and then read as often as a decoder likes, with the same bytes each time.
//!
//! A small file is read into memory. Of a larger one a short hash of each block is kept, with a seed that nobody knows,
//! and a block that has another one when it is read again is an error: what is decoded is what was hashed, whatever is
//! done to the file meanwhile.

use super::input::Input;
use crate::error::{ErrorKind, IoContext, Result};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use twox_hash::XxHash3_128;

/// Files up to this size are held in memory while they are read, bytes.
const HELD_MOST: u64 = 4 << 20;
/// Bytes of a block.
const BLOCK: usize = 1 << 16;

/// An open file with the hash of each of its blocks.
#[derive(Debug)]
pub struct CheckedFile {
    file: File,
    len: u64,
    seed: u64,
    blocks: Arc<Vec<u128>>,
    /// Set once a block was another.
    changed: Arc<AtomicBool>,
    at: u64,
    /// The block that was read last, and its number.
    held: Vec<u8>,
    number: Option<usize>,
}

/// Hashes a clip and gives it as it was hashed, with its SHA-256 in lower-case hexadecimal.
///
/// # Errors
/// Where it cannot be read, or grows while it is.
pub(super) fn hashed(path: &Path, input: Input) -> Result<(Input, String)> {
    let mut file = match input {
        Input::File(file) => file,
        mut other => {
            let sha256 = super::stream::sha256(path, &mut other)?;
            return Ok((other, sha256));
        }
    };
    let len = file.metadata().at(path, "read")?.len();
    file.rewind().at(path, "read")?;
    let (mut sha256, mut held, mut blocks, mut read) = (Sha256::new(), Vec::new(), Vec::new(), 0u64);
    let seed = RandomState::new().build_hasher().finish();
    let mut block = vec![0; BLOCK];
    loop {
        let count = super::decode::fill(&mut file, &mut block).at(path, "read")?;
        let Some(bytes) = block.get(..count).filter(|bytes| !bytes.is_empty()) else { break };
        read += count as u64;
        if read > len {
            let found = format!("more than the {len} bytes that it had");
            return Err(ErrorKind::Changed { path: path.into(), found }.into());
        }
        sha256.update(bytes);
        match len <= HELD_MOST {
            true => held.extend_from_slice(bytes),
            false => blocks.push(XxHash3_128::oneshot_with_seed(seed, bytes)),
        }
    }
    let sha256 = crate::hash::hex(sha256.finalize());
    if len <= HELD_MOST {
        return Ok((Input::Memory { bytes: Arc::new(held), at: 0 }, sha256));
    }
    let (blocks, changed) = (Arc::new(blocks), Arc::default());
    let checked = CheckedFile { file, len: read, seed, blocks, changed, at: 0, held: Vec::new(), number: None };
    Ok((Input::Checked(Box::new(checked)), sha256))
}

impl CheckedFile {
    /// Number of bytes that were hashed.
    pub(super) fn len(&self) -> u64 {
        self.len
    }

    /// Whether other bytes were met than those that were hashed.
    pub(super) fn changed(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.changed)
    }

    /// The same file once more.
    pub(super) fn again(&self) -> io::Result<Self> {
        Ok(CheckedFile {
            file: self.file.try_clone()?,
            blocks: Arc::clone(&self.blocks),
            changed: Arc::clone(&self.changed),
            held: Vec::new(),
            number: None,
            ..*self
        })
    }

    /// Reads a block and compares it with what was hashed.
    fn hold(&mut self, number: usize) -> io::Result<()> {
        if self.number == Some(number) {
            return Ok(());
        }
        self.number = None;
        self.held.resize(BLOCK, 0);
        self.file.seek(SeekFrom::Start(number as u64 * BLOCK as u64))?;
        let count = super::decode::fill(&mut self.file, &mut self.held)?;
        self.held.truncate(count);
        let found = XxHash3_128::oneshot_with_seed(self.seed, &self.held);
        if self.blocks.get(number) != Some(&found) {
            self.changed.store(true, Ordering::Relaxed);
            return Err(io::Error::new(io::ErrorKind::InvalidData, "other bytes than those that were hashed"));
        }
        self.number = Some(number);
        Ok(())
    }
}

impl Read for CheckedFile {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.at >= self.len || buffer.is_empty() {
            return Ok(0);
        }
        let (number, inside) = ((self.at / BLOCK as u64) as usize, (self.at % BLOCK as u64) as usize);
        self.hold(number)?;
        let mut rest = self.held.get(inside..).unwrap_or(&[]);
        let count = rest.read(buffer)?;
        self.at += count as u64;
        Ok(count)
    }
}

impl Seek for CheckedFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let place = match to {
            SeekFrom::Start(place) => Some(place),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
            SeekFrom::End(by) => self.len.checked_add_signed(by),
        };
        self.at = place.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        Ok(self.at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn of(bytes: &[u8]) -> (tempfile::TempDir, std::path::PathBuf, Input, String) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.wav");
        std::fs::write(&path, bytes).unwrap();
        let (input, sha256) = hashed(&path, Input::File(File::open(&path).unwrap())).unwrap();
        (folder, path, input, sha256)
    }

    #[test]
    fn a_file_reads_as_it_was_hashed_or_not_at_all() {
        let big: Vec<u8> = (0..HELD_MOST + 100_001).map(|at| (at % 251) as u8).collect();
        for bytes in [&big[..1000], &big] {
            let (_folder, path, mut input, sha256) = of(bytes);
            assert_eq!(sha256, crate::audio::file_sha256(&path).unwrap());
            let mut read = Vec::new();
            input.read_to_end(&mut read).unwrap();
            assert!(read == bytes);
            assert_eq!(input.seek(SeekFrom::End(-3)).unwrap(), bytes.len() as u64 - 3);
            let mut file = File::options().write(true).open(&path).unwrap();
            file.seek(SeekFrom::Start(500)).unwrap();
            file.write_all(b"other bytes").unwrap();
            let mut again = input.again(&path).unwrap();
            again.rewind().unwrap();
            let mut first = vec![0; 1000];
            match (again.read_exact(&mut first), input) {
                (Ok(()), Input::Memory { .. }) => assert!(first == bytes[..1000]),
                (Err(_), Input::Checked(file)) => assert!(file.changed().load(Ordering::Relaxed)),
                (outcome, _) => panic!("{outcome:?}"),
            }
        }
    }
}
