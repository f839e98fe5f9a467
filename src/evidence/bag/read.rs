//! A bundle, verified whole before it is believed.
//!
//! No entry is handed out before every hash was compared and every name found safe. What the case says is computed
//! again in `recompute`, not here.

use super::super::name::{SafeNames, is_safe};
use super::super::{fault, hex, is_hash};
use super::{BagFile, DATA, DECLARATION, DECLARED, INFO, MANIFEST, MAX_TAG_BYTES, OXUM, TAG_MANIFEST, beyond_limits};
use crate::error::{Error, ErrorKind, EvidenceFault, IoContext, Result};
use crate::whole_file::{create_private_folder, private_options};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use zip::ZipArchive;
use zip::result::ZipError;

/// A bundle whose structure, names and hashes were found right.
#[derive(Debug)]
pub struct Bag {
    path: PathBuf,
    archive: ZipArchive<BufReader<File>>,
    top: String,
    info: Vec<(String, String)>,
    files: Vec<BagFile>,
    /// Folders that the archive names, below its one folder.
    folders: Vec<String>,
    /// Where each file and text is in the archive, by its name below the one folder.
    places: BTreeMap<String, Place>,
}

#[derive(Clone, Copy, Debug)]
struct Place {
    index: usize,
    bytes: u64,
}

impl Bag {
    /// Opens a bundle and verifies all of it: one folder; `bagit.txt`; every file in the manifest and every line of the
    /// manifest a file; every hash; the texts' own hashes; the size of the payload; limits; names. The first difference
    /// is the error.
    ///
    /// # Errors
    /// [`ErrorKind::Evidence`] says what differs, and in what way ([`EvidenceFault`]); [`ErrorKind::Io`] where the file
    /// cannot be read.
    pub fn open(path: &Path) -> Result<Self> {
        Self::of(path, crate::regular_file::open(path)?)
    }

    /// The same of a file that was opened already; `path` is told in errors.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn of(path: &Path, file: File) -> Result<Self> {
        let mut bag = Bag {
            path: path.into(),
            archive: opened(path, file)?,
            top: String::new(),
            info: Vec::new(),
            files: Vec::new(),
            folders: Vec::new(),
            places: BTreeMap::new(),
        };
        bag.survey()?;
        bag.verify_texts()?;
        bag.verify_payload()?;
        Ok(bag)
    }

    /// Name of the one folder in it.
    pub fn top(&self) -> &str {
        &self.top
    }

    /// The lines of `bag-info.txt`, labels and values.
    pub fn info(&self) -> &[(String, String)] {
        &self.info
    }

    /// Its files in the order of their names.
    pub fn files(&self) -> &[BagFile] {
        &self.files
    }

    /// The texts beside `data/`, by their names.
    ///
    /// # Errors
    /// As [`content`](Self::content).
    pub fn tags(&mut self) -> Result<Vec<(String, String)>> {
        let names: Vec<String> = self.places.keys().filter(|name| !name.starts_with(DATA)).cloned().collect();
        names.into_iter().map(|name| self.text(&name).map(|text| (name, text))).collect()
    }

    /// Folders in the archive that hold no file.
    pub fn empty_folders(&self) -> Vec<&str> {
        let holds = |folder: &str| {
            let inside = format!("{folder}/");
            self.places.range(inside.clone()..).next().is_some_and(|(name, _)| name.starts_with(&inside))
        };
        self.folders.iter().map(String::as_str).filter(|folder| !folder.is_empty() && !holds(folder)).collect()
    }

    /// The content of a file, by its name below `data/`; verified again as it is read.
    ///
    /// # Errors
    /// [`ErrorKind::Evidence`] where there is no such file, or it is larger than `most` bytes.
    pub fn content(&mut self, name: &str, most: u64) -> Result<Vec<u8>> {
        let Some(file) = self.files.iter().find(|file| file.name == name).cloned() else {
            return Err(self.broken(format!("no file {name:?}"), "one"));
        };
        if file.bytes > most {
            let found = format!("{name:?} of {} bytes", file.bytes);
            return Err(fault(&self.path, EvidenceFault::Limit, found, format!("at most {most} bytes")));
        }
        let mut content = Vec::new();
        self.unpack(&file, &mut content, Path::new(name))?;
        Ok(content)
    }

    /// Unpacks it into a folder that is empty or not there, and gives the path of its one folder in it.
    ///
    /// # Errors
    /// [`ErrorKind::Evidence`] where the folder holds something; [`ErrorKind::Io`] where it cannot be written.
    pub fn extract_to(&mut self, folder: &Path) -> Result<PathBuf> {
        create_private_folder(folder).at(folder, "create")?;
        if fs::read_dir(folder).at(folder, "list")?.next().is_some() {
            return Err(fault(folder, EvidenceFault::Unsafe, "a folder with something in it", "an empty one, or none"));
        }
        // Only names that were found safe are joined.
        let top = folder.join(&self.top);
        create_private_folder(&top).at(&top, "create")?;
        for name in self.places.keys().filter(|name| !name.starts_with(DATA)).cloned().collect::<Vec<_>>() {
            let path = top.join(&name);
            let text = self.text(&name)?;
            let mut out = private_options().write(true).create_new(true).open(&path).at(&path, "create")?;
            out.write_all(text.as_bytes()).at(&path, "write")?;
        }
        for file in self.files.clone() {
            let path = top.join("data").join(&file.name);
            if let Some(above) = path.parent() {
                create_private_folder(above).at(above, "create")?;
            }
            let mut out = private_options().write(true).create_new(true).open(&path).at(&path, "create")?;
            self.unpack(&file, &mut out, &path)?;
        }
        Ok(top)
    }

    fn broken(&self, found: impl Into<String>, expected: impl Into<String>) -> Error {
        fault(&self.path, EvidenceFault::Broken, found, expected)
    }

    fn altered(&self, found: impl Into<String>, expected: impl Into<String>) -> Error {
        fault(&self.path, EvidenceFault::Altered, found, expected)
    }

    /// Looks at every entry without reading its content: kinds, names, the one folder.
    fn survey(&mut self) -> Result<()> {
        let (mut payload, mut texts) = (SafeNames::new(), SafeNames::new());
        for index in 0..self.archive.len() {
            let (name, bytes, is_folder) = self.entry(index)?;
            let (top, below) = name.split_once('/').unwrap_or((&name, ""));
            if self.top.is_empty() {
                self.top = top.into();
            }
            if top != self.top || (below.is_empty() && !is_folder) {
                return Err(self.broken(format!("an entry {name:?}"), format!("one folder, {:?}", self.top)));
            }
            if is_folder {
                self.folders.push(below.into());
                continue;
            }
            let is_free = match below.strip_prefix(DATA) {
                Some(file) => payload.claim(file),
                None => texts.claim(below) && !below.eq_ignore_ascii_case("data"),
            };
            if !is_free || !is_safe(top) {
                let expected = "names that are safe and different on every system";
                return Err(fault(&self.path, EvidenceFault::Unsafe, format!("an entry {name:?}"), expected));
            }
            self.places.insert(below.into(), Place { index, bytes });
        }
        Ok(())
    }

    /// Name, size and kind of an entry; those that are neither file nor folder are refused.
    fn entry(&self, index: usize) -> Result<(String, u64, bool)> {
        let refused = |name: &str, what: &str| {
            fault(&self.path, EvidenceFault::Unsafe, format!("an entry {name:?} that is {what}"), "files only")
        };
        let entry = self.archive.by_index_data(index).map_err(|error| broken(&self.path, error))?;
        let raw = entry.name_raw();
        let Ok(name) = std::str::from_utf8(raw) else {
            return Err(refused(&String::from_utf8_lossy(raw), "not named in UTF-8"));
        };
        let (folder, kind) = (name.ends_with('/'), entry.unix_mode().unwrap_or(0) & 0o170_000);
        let is_plain = matches!((kind, folder), (0, _) | (0o100_000, false) | (0o040_000, true));
        if entry.is_symlink() || !is_plain {
            return Err(refused(name, "a link, a device, or not what its name says"));
        }
        if entry.encrypted() {
            return Err(refused(name, "encrypted"));
        }
        let trimmed = name.trim_end_matches('/');
        if folder && (entry.size() > 0 || !trimmed.split('/').all(is_safe)) {
            return Err(refused(name, "a folder with content or with a harmful name"));
        }
        Ok((trimmed.into(), entry.size(), folder))
    }

    /// Verifies the texts beside `data/`.
    fn verify_texts(&mut self) -> Result<()> {
        let declaration = self.text(DECLARATION)?;
        if declaration.replace("\r\n", "\n").trim_end() != DECLARED.trim_end() {
            return Err(self.broken(format!("{DECLARATION} {:?}", start(&declaration)), format!("{DECLARED:?}")));
        }
        let mut lines = self.manifest(TAG_MANIFEST)?;
        let texts: Vec<String> = self.places.keys().filter(|name| !name.starts_with(DATA)).cloned().collect();
        for name in texts.iter().filter(|name| *name != TAG_MANIFEST) {
            // What is not read is not verified: fetch.txt and manifests of other hashes are no part of these bundles.
            if name == "fetch.txt" || (name.starts_with("manifest-") && name != MANIFEST) {
                return Err(self.broken(format!("{name:?}"), format!("only {MANIFEST}, and all files in the bundle")));
            }
            let Some(expected) = lines.remove(name) else {
                return Err(self.altered(format!("{name:?} that {TAG_MANIFEST} does not name"), "only files it names"));
            };
            let found = hex(Sha256::digest(self.text(name)?));
            if found != expected {
                return Err(self.altered(format!("{name:?} with SHA-256 {found}"), expected));
            }
        }
        if let Some(name) = lines.keys().next() {
            return Err(self.altered(format!("no {name:?}"), format!("every file that {TAG_MANIFEST} names")));
        }
        self.info = info(&self.text(INFO)?).map_err(|line| self.broken(line, "lines of bag-info.txt"))?;
        Ok(())
    }

    /// Verifies the files against the manifest, and their hashes.
    fn verify_payload(&mut self) -> Result<()> {
        let mut lines = self.manifest(MANIFEST)?;
        let mut files = Vec::new();
        for (name, place) in self.places.iter().filter(|(name, _)| name.starts_with(DATA)) {
            let Some(sha256) = lines.remove(name) else {
                return Err(self.altered(format!("{name:?} that {MANIFEST} does not name"), "only files it names"));
            };
            let name = name.strip_prefix(DATA).unwrap_or(name).to_string();
            files.push(BagFile { name, bytes: place.bytes, sha256 });
        }
        if let Some(name) = lines.keys().next() {
            return Err(self.altered(format!("no {name:?}"), format!("every file that {MANIFEST} names")));
        }
        let oxum = format!("{}.{}", files.iter().map(|file| file.bytes).sum::<u64>(), files.len());
        match self.info.iter().find(|(label, _)| label.eq_ignore_ascii_case(OXUM)) {
            Some((_, stated)) if *stated == oxum => {}
            Some((_, stated)) => return Err(self.altered(format!("{OXUM} {oxum}"), format!("{stated}, as it states"))),
            None => return Err(self.broken(format!("no {OXUM}"), format!("one in {INFO}"))),
        }
        for file in &files {
            self.unpack(file, &mut io::sink(), Path::new(&file.name))?;
        }
        self.files = files;
        Ok(())
    }

    /// A text beside `data/`.
    fn text(&mut self, name: &str) -> Result<String> {
        let Some(place) = self.places.get(name).copied() else {
            return Err(self.broken(format!("no {name}"), "one"));
        };
        if place.bytes > MAX_TAG_BYTES {
            let found = format!("{name} of {} bytes", place.bytes);
            return Err(fault(&self.path, EvidenceFault::Limit, found, format!("at most {MAX_TAG_BYTES}")));
        }
        let mut bytes = Vec::new();
        self.stream(place, name, &mut bytes, Path::new(name))?;
        String::from_utf8(bytes).map_err(|_| self.broken(format!("{name} that is not UTF-8"), "text"))
    }

    /// The hashes of a manifest by name.
    fn manifest(&mut self, name: &str) -> Result<BTreeMap<String, String>> {
        let text = self.text(name)?;
        let mut lines = BTreeMap::new();
        for (number, line) in (1..).zip(text.lines()) {
            let (sha256, file) = line.split_once([' ', '\t']).unwrap_or((line, ""));
            let (sha256, file) = (sha256.to_ascii_lowercase(), file.trim_start_matches([' ', '\t']));
            let file = file.replace("%0A", "\n").replace("%0D", "\r").replace("%25", "%");
            let sound = is_hash(&sha256) && !file.is_empty() && file.starts_with(DATA) == (name == MANIFEST);
            if !sound || lines.insert(file, sha256).is_some() {
                let found = format!("{:?} in line {number} of {name}", start(line));
                return Err(self.broken(found, "a SHA-256 and the name of a file, each file once"));
            }
        }
        Ok(lines)
    }

    /// Streams a file to `out` and compares it with its hash. `to` is what is written, for the error.
    pub(super) fn unpack(&mut self, file: &BagFile, out: &mut dyn Write, to: &Path) -> Result<()> {
        let name = format!("{DATA}{}", file.name);
        let Some(place) = self.places.get(&name).copied() else {
            return Err(self.broken(format!("no {name:?}"), "one"));
        };
        let sha256 = self.stream(place, &name, out, to)?;
        if sha256 == file.sha256 {
            return Ok(());
        }
        Err(self.altered(format!("{name:?} with SHA-256 {sha256}"), file.sha256.clone()))
    }

    /// Streams an entry to `out`, no more of it than the directory states, and gives its hash.
    fn stream(&mut self, place: Place, name: &str, out: &mut dyn Write, to: &Path) -> Result<String> {
        let Bag { path, archive, .. } = self;
        let entry = archive.by_index(place.index).map_err(|error| broken(path, error))?;
        let mut entry = entry.take(place.bytes.saturating_add(1));
        let (mut hash, mut buffer, mut bytes) = (Sha256::new(), vec![0; 1 << 16], 0u64);
        loop {
            let portion = crate::hash::portion(&mut entry, &mut buffer).map_err(|error| {
                let found = format!("{name:?} that cannot be unpacked ({error})");
                fault(path, EvidenceFault::Altered, found, "content that fits its checksum")
            })?;
            if portion.is_empty() {
                break;
            }
            bytes += portion.len() as u64;
            hash.update(portion);
            out.write_all(portion).at(to, "write")?;
        }
        if bytes != place.bytes {
            let found = format!("{name:?} of {bytes} bytes or more");
            return Err(fault(path, EvidenceFault::Altered, found, format!("{} bytes", place.bytes)));
        }
        Ok(hex(hash.finalize()))
    }
}

/// Opens a zip within the limits, of which every program sees the same: nothing before or after it, its headers
/// consistent.
fn opened(path: &Path, mut file: File) -> Result<ZipArchive<BufReader<File>>> {
    const END_BYTES: usize = 22;
    let metadata = file.metadata().at(path, "open")?;
    if !metadata.is_file() {
        return Err(fault(path, EvidenceFault::Broken, "no file", "a bundle, a zip"));
    }
    let mut end = [0; END_BYTES];
    let at = metadata.len().checked_sub(END_BYTES as u64);
    let at = at.ok_or_else(|| fault(path, EvidenceFault::Broken, "a file that is too short for a zip", "a bundle"))?;
    file.seek(SeekFrom::Start(at)).and_then(|_| file.read_exact(&mut end)).at(path, "read")?;
    if !end.starts_with(b"PK\x05\x06") {
        let found = "no end of a zip at its end";
        return Err(fault(path, EvidenceFault::Broken, found, "a bundle, a zip that is whole and ends there"));
    }
    file.rewind().at(path, "read")?;
    let mut archive = ZipArchive::new(BufReader::new(file)).map_err(|error| broken(path, error))?;
    if archive.offset() != 0 || !archive.comment().is_empty() {
        return Err(fault(path, EvidenceFault::Unsafe, "bytes before or after the zip", "a zip and nothing else"));
    }
    if archive.has_duplicate_names() {
        return Err(fault(path, EvidenceFault::Unsafe, "two entries of one name", "every name once"));
    }
    let Some(bytes) = archive.decompressed_size() else {
        return Err(fault(path, EvidenceFault::Broken, "entries of unknown size", "sizes before the content"));
    };
    if let Some((found, expected)) = beyond_limits(archive.len(), bytes, Some(metadata.len())) {
        return Err(fault(path, EvidenceFault::Limit, found, expected));
    }
    archive.validate_header_consistency().map_err(|error| broken(path, error))?;
    Ok(archive)
}

fn broken(path: &Path, error: ZipError) -> Error {
    match error {
        ZipError::Io(source) if source.raw_os_error().is_some() => {
            ErrorKind::Io { path: path.into(), action: "read", source }.into()
        }
        error => fault(path, EvidenceFault::Broken, format!("a zip that is not right ({error})"), "a bundle"),
    }
}

/// The beginning of a text, for an error.
fn start(text: &str) -> String {
    text.chars().take(120).collect()
}

/// Labels and values; a line that begins with space goes on with the value above.
fn info(text: &str) -> std::result::Result<Vec<(String, String)>, String> {
    let mut info: Vec<(String, String)> = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        match (line.split_once(':'), info.last_mut()) {
            (_, Some((_, value))) if line.starts_with([' ', '\t']) => *value = format!("{value} {}", line.trim()),
            (Some((label, value)), _) => info.push((label.into(), value.trim().into())),
            _ => return Err(format!("{:?} in line {number}", start(line))),
        }
    }
    Ok(info)
}
