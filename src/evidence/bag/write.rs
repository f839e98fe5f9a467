//! Files to a bundle. Each is read once: hashed as it is packed.

use super::super::name::{SafeNames, is_safe};
use super::super::{fault, hex, is_hash};
use super::{AGENT, BagFile, DATA, DECLARATION, DECLARED, INFO, MANIFEST, OXUM, TAG_MANIFEST, beyond_limits};
use crate::error::{Error, ErrorKind, EvidenceFault, IoContext, Result, Shortage};
use sha2::{Digest, Sha256};
use std::io::{self, Read, Seek, Write};
use std::mem::ManuallyDrop;
use std::path::{Path, PathBuf};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, System, ZipWriter};

/// A file that goes into a bundle.
#[derive(Clone, Debug)]
pub struct BagEntry {
    /// Its name below `data/`, with `/` between folders; as [`SafeNames::take`](crate::evidence::name::SafeNames::take)
    /// gives it.
    pub name: String,
    /// What is in it.
    pub content: BagContent,
    /// The SHA-256 that it had when it was used, where known; another one now is an error.
    pub sha256: Option<String>,
}

/// What is in a file of a bundle.
#[derive(Clone, Debug)]
pub enum BagContent {
    /// What is in this file.
    File(PathBuf),
    /// These bytes.
    Bytes(Vec<u8>),
}

/// Writes a bundle and says what is in it, in the order of the names.
///
/// `top` is the name of the one folder in the zip. `info` are lines of `bag-info.txt` (`Bagging-Date`, say, which is
/// only there where it is given); the program and the payload's size are added. The same input gives the same bytes:
/// the entries are sorted, and have the time 1980-01-01 and the mode 644. Reading back with
/// [`Bag::open`](super::Bag::open) what was written is up to the caller, and advised.
///
/// # Errors
/// [`ErrorKind::Setting`] of a name that is not safe or occurs twice, or of a line of `info` that cannot be written;
/// [`ErrorKind::Evidence`] of a file that changed while it was read, or since its hash was taken, and of too many or
/// too large files; [`ErrorKind::Io`] where a file cannot be read or the bundle (named by `top`) not be written.
pub fn write_bag(
    out: &mut (impl Write + Seek),
    top: &str,
    info: &[(String, String)],
    entries: &[BagEntry],
) -> Result<Vec<BagFile>> {
    let entries = sorted(top, entries)?;
    check_info(info)?;
    // Dropped unfinished, it would finish the archive all the same, and print where it cannot.
    let mut packer = ManuallyDrop::new(Packer { zip: ZipWriter::new(out), top });
    packer.tag(DECLARATION, DECLARED)?;
    let mut files = Vec::with_capacity(entries.len());
    let mut bytes = 0u64;
    for entry in entries {
        let file = packer.payload(entry)?;
        bytes = bytes.saturating_add(file.bytes);
        within_limits(top, files.len() + 1, bytes, None)?;
        files.push(file);
    }
    for (name, text) in tags(info, &files).iter().filter(|(name, _)| *name != DECLARATION) {
        packer.tag(name, text)?;
    }
    let packer = ManuallyDrop::into_inner(packer);
    let written = packer.zip.finish().map_err(|error| unwritten(top, error))?.stream_position();
    within_limits(top, files.len(), bytes, Some(written.at(Path::new(top), "write")?))?;
    Ok(files)
}

fn within_limits(top: &str, files: usize, bytes: u64, zipped: Option<u64>) -> Result<()> {
    match beyond_limits(files, bytes.into(), zipped) {
        Some((found, expected)) => Err(fault(Path::new(top), EvidenceFault::Limit, found, expected)),
        None => Ok(()),
    }
}

fn setting(name: &'static str, found: String, expected: &str) -> Error {
    ErrorKind::Setting { name, found, expected: expected.into() }.into()
}

/// The entries in the order of their names, which must be safe and different on every system.
fn sorted<'a>(top: &str, entries: &'a [BagEntry]) -> Result<Vec<&'a BagEntry>> {
    if top.contains('/') || !is_safe(top) {
        return Err(setting("bundle", format!("{top:?}"), "a name that is safe for a folder on every system"));
    }
    if entries.is_empty() {
        let (found, expected) = ("no files".into(), "at least one".into());
        return Err(ErrorKind::Insufficient { what: Shortage::Bundle, found, expected }.into());
    }
    let mut entries: Vec<&BagEntry> = entries.iter().collect();
    entries.sort_by(|a, b| a.name.cmp(&b.name));
    let mut names = SafeNames::new();
    match entries.iter().find(|entry| !names.claim(&entry.name)) {
        Some(entry) => {
            let expected = "names that are safe and different on every system";
            Err(setting("bundle", format!("{:?}", entry.name), expected))
        }
        None => Ok(entries),
    }
}

fn check_info(info: &[(String, String)]) -> Result<()> {
    for (label, value) in info {
        let ours = [OXUM, AGENT].iter().any(|own| own.eq_ignore_ascii_case(label));
        let sound = !label.is_empty() && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        if ours || !sound || value.trim().is_empty() || value.chars().any(char::is_control) {
            let expected = "a label of letters, digits and hyphens, and a value of one line";
            return Err(setting("bundle information", format!("{label:?}: {value:?}"), expected));
        }
    }
    Ok(())
}

/// The texts beside `data/` of a bundle of these files, by their names, in the order in which they are written.
pub(crate) fn tags(info: &[(String, String)], files: &[BagFile]) -> Vec<(&'static str, String)> {
    let mut lines = format!("{AGENT}: soundalike {}\n", crate::VERSION);
    info.iter().for_each(|(label, value)| lines += &format!("{label}: {}\n", value.trim()));
    let bytes = files.iter().fold(0u64, |sum, file| sum.saturating_add(file.bytes));
    lines += &format!("{OXUM}: {bytes}.{}\n", files.len());
    let manifest = files.iter().map(|file| format!("{}  {DATA}{}\n", file.sha256, file.name)).collect();
    let mut texts = vec![(DECLARATION, DECLARED.to_string()), (INFO, lines), (MANIFEST, manifest)];
    let hashes = texts.iter().map(|(name, text)| format!("{}  {name}\n", hex(Sha256::digest(text)))).collect();
    texts.push((TAG_MANIFEST, hashes));
    texts
}

fn unwritten(top: &str, error: impl Into<io::Error>) -> Error {
    ErrorKind::Io { path: top.into(), action: "write", source: error.into() }.into()
}

struct Packer<'a, W: Write + Seek> {
    zip: ZipWriter<&'a mut W>,
    top: &'a str,
}

impl<W: Write + Seek> Packer<'_, W> {
    fn tag(&mut self, name: &str, text: &str) -> Result<()> {
        self.pack(name, Path::new(name), &mut text.as_bytes(), text.len() as u64).map(drop)
    }

    fn payload(&mut self, entry: &BagEntry) -> Result<BagFile> {
        let name = format!("{DATA}{}", entry.name);
        let (path, (bytes, sha256)) = match &entry.content {
            BagContent::Bytes(content) => {
                let path = Path::new(&entry.name);
                (path, self.pack(&name, path, &mut content.as_slice(), content.len() as u64)?)
            }
            BagContent::File(path) => (path.as_path(), self.file(&name, path)?),
        };
        if let Some(expected) = entry.sha256.as_ref().filter(|expected| **expected != sha256) {
            let expected = if is_hash(expected) { expected.clone() } else { format!("{expected:?}") };
            let expected = format!("{expected}, which it had when it was used");
            return Err(fault(path, EvidenceFault::Altered, format!("SHA-256 {sha256}"), expected));
        }
        Ok(BagFile { name: entry.name.clone(), bytes, sha256 })
    }

    fn file(&mut self, name: &str, path: &Path) -> Result<(u64, String)> {
        let mut file = crate::regular_file::open_or(path, |found| fault(path, EvidenceFault::Unsafe, found, "a file"))?;
        let before = file.metadata().at(path, "open")?;
        let (bytes, sha256) = self.pack(name, path, &mut file, before.len())?;
        let after = file.metadata().at(path, "open")?;
        if bytes != before.len() || after.len() != before.len() || after.modified().ok() != before.modified().ok() {
            let found = format!("{bytes} bytes where there had been {}, or another date", before.len());
            return Err(fault(path, EvidenceFault::Altered, found, "a file that does not change while it is read"));
        }
        Ok((bytes, sha256))
    }

    /// Packs what a reader gives, and says how much that was, and its hash.
    fn pack(&mut self, name: &str, path: &Path, reader: &mut dyn Read, size: u64) -> Result<(u64, String)> {
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .compression_level(Some(6))
            .last_modified_time(DateTime::default())
            .unix_permissions(0o644)
            .system(System::Unix)
            // A size from 4 GiB on takes other fields; incompressible content grows a little.
            .large_file(size >= u64::from(u32::MAX) - (16 << 20));
        let started = self.zip.start_file(format!("{}/{name}", self.top), options);
        started.map_err(|error| unwritten(self.top, error))?;
        let (mut hash, mut buffer, mut bytes) = (Sha256::new(), vec![0; 1 << 16], 0u64);
        loop {
            let n = reader.read(&mut buffer).at(path, "read")?;
            let Some(portion) = buffer.get(..n).filter(|portion| !portion.is_empty()) else { break };
            hash.update(portion);
            self.zip.write_all(portion).map_err(|error| unwritten(self.top, error))?;
            bytes += n as u64;
        }
        Ok((bytes, hex(hash.finalize())))
    }
}
