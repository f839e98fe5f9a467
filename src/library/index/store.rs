//! The folder of an index: which of its files count, how they are replaced, and who may write.
//!
//! `_index.json` names the segments, sorted files of rows whose names come from their content; nothing else in the
//! folder counts. A change writes new segments first, then a new `_index.json` in one rename, and only then takes the
//! old segments away; whoever is killed in between leaves either the old index or the new one. Rows of clips that were
//! just listened to wait in `_parts` until they are sorted in. An index that is made anew grows in `_rebuild`, an index
//! itself, and takes the place of the old one in that rename too. Names that begin with `_` are passed over by readers
//! of folders of Parquet files.

use super::manifest::{Counts, IndexManifest, MANIFEST, NarrowRule, Segment};
use super::row::{IndexRow, by_path};
use super::schema::Common;
use super::table::{Table, damaged};
use super::write::write;
use crate::encryption::{AtRest, FolderKey, is_encrypted, is_encrypted_file};
use crate::error::{DocumentKind, Error, ErrorKind, IoContext, Result};
use crate::regular_file;
use crate::whole_file::{TEMPORARY, create_private_folder, lock_file, write_whole};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

const PARTS: &str = "_parts";
const RETIRED: &str = "_retired";
/// Folder inside an index that a scan keeps the embeddings in as it wants them, made of the segments.
pub(crate) const ROWS: &str = "_rows";
const REBUILD: &str = "_rebuild";
/// Larger files of an index are not read whole, bytes.
pub(super) const MOST_BYTES: u64 = 4 << 30;
/// Rows of a segment that is filled up; a segment in the middle may grow to twice as many before it is divided.
#[cfg(not(test))]
pub(crate) const SEGMENT_ROWS: usize = 8192;
/// Few, so that tests come to know many segments.
#[cfg(test)]
pub(crate) const SEGMENT_ROWS: usize = 8;

/// What becomes of a row of a path.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    /// There is this row now, in the place of one there may have been.
    Put(Box<IndexRow>),
    /// The row stays, of this voice, and its file is there or not.
    Touch { path: String, voice: Option<String>, there: bool },
    /// The row goes.
    Drop(String),
}

impl Change {
    fn path(&self) -> &str {
        match self {
            Change::Put(row) => &row.path,
            Change::Touch { path, .. } | Change::Drop(path) => path,
        }
    }
}

/// An index that may be written: there is only one at a time of each folder.
pub(crate) struct Store {
    folder: PathBuf,
    pub manifest: IndexManifest,
    common: Common,
    next_part: u32,
    /// By which its files are encrypted; none where they are not.
    key: Option<FolderKey>,
    /// The index that this one is to take the place of.
    replaces: Option<PathBuf>,
    _lock: File,
}

impl Store {
    /// Opens an index for writing, or makes a new one, once no other process writes. `waiting` is called where one
    /// does; its answer says whether to wait. An index that has no key is given one where `at_rest` names recipients.
    /// Where there is an index and `fresh` is true, a new one is made that takes its place when it is
    /// [finished](Self::finish); one that was begun with the same settings is gone on with.
    ///
    /// # Errors
    /// Where the folder holds something else, cannot be written, cannot be opened by the keys at hand, or holds an
    /// index of other settings and `fresh` is false.
    pub fn open(
        folder: &Path,
        wanted: IndexManifest,
        fresh: bool,
        at_rest: &AtRest,
        waiting: &dyn Fn() -> bool,
    ) -> Result<Self> {
        create_private_folder(folder).at(folder, "create")?;
        refuse_strangers(folder)?;
        let lock = locked(folder, waiting)?;
        let key = at_rest.folder_key(folder)?;
        let common = wanted.common();
        let known = folder.join(MANIFEST).exists();
        let mut store =
            Store { folder: folder.into(), manifest: wanted, common, next_part: 0, key, replaces: None, _lock: lock };
        if known && fresh {
            store.replaces = Some(std::mem::replace(&mut store.folder, folder.join(REBUILD)));
        }
        let begun = match (known, fresh) {
            (true, false) => Some(IndexManifest::read(folder, store.key.as_ref())?),
            (true, true) => store.begun(),
            (false, _) => None,
        };
        match begun {
            Some(manifest) => {
                refuse_other_settings(folder, &manifest, &store.manifest)?;
                store.manifest = manifest;
            }
            None => {
                if store.replaces.is_some() {
                    remove_all(&store.folder)?;
                    create_private_folder(&store.folder).at(&store.folder, "create")?;
                }
                store.remove_parts()?;
                store.write_manifest()?;
            }
        }
        store.encrypt()?;
        store.clean()?;
        Ok(store)
    }

    /// Opens an index that is there for writing, whatever its settings.
    ///
    /// # Errors
    /// As [`Store::open`], and where there is none.
    pub fn open_as_it_is(folder: &Path, at_rest: &AtRest, waiting: &dyn Fn() -> bool) -> Result<Self> {
        let manifest = IndexManifest::read(folder, at_rest.keys.of_folder(folder)?.as_ref())?;
        Self::open(folder, manifest, false, at_rest, waiting)
    }

    /// What a run with the same settings that was interrupted has made of a new index.
    fn begun(&self) -> Option<IndexManifest> {
        let begun = IndexManifest::read(&self.folder, self.key.as_ref()).ok()?;
        let same = IndexManifest { segments: Vec::new(), ..begun.clone() } == self.manifest;
        let whole = begun.segments.iter().all(|segment| self.folder.join(&segment.file).exists());
        (same && whole).then_some(begun)
    }

    /// Takes the place of the index that this one was made for, and leaves nothing that does not count.
    pub fn finish(&mut self) -> Result<()> {
        if let Some(old) = self.replaces.take() {
            // Rows that were kept for the old index are of its settings.
            remove_all(&old.join(PARTS))?;
            for segment in &self.manifest.segments {
                give(&self.folder.join(&segment.file), &old.join(&segment.file))?;
            }
            let new = std::mem::replace(&mut self.folder, old);
            self.write_manifest()?;
            // Without it, what is left of the folder is no index.
            let manifest = new.join(MANIFEST);
            fs::remove_file(&manifest).at(&manifest, "remove")?;
            if self.key.is_some() {
                // What a scan kept may be older than the key.
                self.remove_rows()?;
            }
        }
        self.clean()
    }

    /// Encrypts what lies there unencrypted, where the index has a key.
    fn encrypt(&self) -> Result<()> {
        if self.key.is_none() {
            return Ok(());
        }
        let segments = self.manifest.segments.iter().map(|segment| self.folder.join(&segment.file));
        let parts = parquet_files(&self.folder.join(PARTS))?;
        let plain = segments.chain(parts).chain([self.folder.join(MANIFEST)]);
        let plain: Vec<PathBuf> = plain.filter(|path| path.is_file() && !is_encrypted_file(path)).collect();
        if !plain.is_empty() {
            self.remove_rows()?;
        }
        for path in plain {
            self.write(&path, &regular_file::read(&path, MOST_BYTES, "a file of an index")?)?;
        }
        Ok(())
    }

    /// Takes away what a scan has kept; it makes it of the segments again.
    pub fn remove_rows(&self) -> Result<()> {
        remove_all(&self.folder.join(ROWS))
    }

    /// Writes a file of the index, encrypted where it has a key.
    fn write(&self, path: &Path, bytes: &[u8]) -> Result<()> {
        match &self.key {
            Some(key) => write_whole(path, &key.encrypt(bytes).at(path, "encrypt")?),
            None => write_whole(path, bytes),
        }
    }

    /// Opens a file of rows.
    pub fn table<'a>(&'a self, path: &'a Path) -> Result<Table<'a>> {
        Table::open(path, &self.common, self.key.as_ref())
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where a segment's file lies, also one that was replaced in this run.
    pub fn file_of(&self, segment: &str) -> PathBuf {
        let live = self.folder.join(segment);
        if live.exists() { live } else { self.folder.join(RETIRED).join(segment) }
    }

    /// Keeps rows that belong to the index but are not sorted in yet.
    pub fn keep(&mut self, rows: &[IndexRow]) -> Result<()> {
        let parts = self.folder.join(PARTS);
        create_private_folder(&parts).at(&parts, "create")?;
        let path = parts.join(format!("part-{:06}.parquet", self.next_part));
        self.next_part += 1;
        self.write(&path, &encoded(&path, rows, &self.common)?)
    }

    /// Rows that were kept and not sorted in, by this run or by one that was interrupted.
    pub fn kept(&mut self) -> Result<Vec<Change>> {
        let parts = self.folder.join(PARTS);
        let mut rows: BTreeMap<String, IndexRow> = BTreeMap::new();
        for path in parquet_files(&parts)? {
            rows.extend(self.table(&path)?.rows()?.into_iter().map(|row| (row.path.clone(), row)));
            self.next_part += 1;
        }
        Ok(rows.into_values().map(|row| Change::Put(Box::new(row))).collect())
    }

    /// Sorts changes into the segments. Afterwards the index holds them, and what was kept is done with.
    pub fn seal(&mut self, mut changes: Vec<Change>) -> Result<()> {
        if changes.is_empty() {
            return self.remove_parts();
        }
        changes.sort_by(|a, b| by_path(a.path(), b.path()));
        let old = self.manifest.segments.clone();
        let (mut segments, mut retired) = (Vec::new(), Vec::new());
        let mut changes = changes.into_iter().peekable();
        for (at, segment) in old.iter().enumerate() {
            let next = old.get(at + 1);
            let mut mine = Vec::new();
            while let Some(change) =
                changes.next_if(|change| next.is_none_or(|n| by_path(change.path(), &n.first).is_lt()))
            {
                mine.push(change);
            }
            if mine.is_empty() {
                segments.push(segment.clone());
                continue;
            }
            let appended = mine.iter().all(|change| by_path(change.path(), &segment.last).is_gt());
            if appended && segment.counts.rows >= SEGMENT_ROWS {
                segments.push(segment.clone());
                self.write_segments(merged(Vec::new(), mine), next.is_none(), &mut segments)?;
                continue;
            }
            let path = self.folder.join(&segment.file);
            let rows = self.table(&path)?.rows()?;
            self.write_segments(merged(rows, mine), next.is_none(), &mut segments)?;
            retired.push(segment.file.clone());
        }
        let rest: Vec<Change> = changes.collect();
        if !rest.is_empty() {
            self.write_segments(merged(Vec::new(), rest), true, &mut segments)?;
        }
        retired.retain(|file| segments.iter().all(|segment| &segment.file != file));
        self.manifest.segments = segments;
        self.write_manifest()?;
        self.retire(&retired)?;
        self.remove_parts()
    }

    /// Writes rows as segments: at the end of the index full ones with the rest last, elsewhere halves of what is too
    /// much for one.
    fn write_segments(&self, rows: Vec<IndexRow>, last: bool, segments: &mut Vec<Segment>) -> Result<()> {
        let most = if last || rows.len() <= 2 * SEGMENT_ROWS {
            if last { SEGMENT_ROWS } else { 2 * SEGMENT_ROWS }
        } else {
            rows.len().div_ceil(rows.len().div_ceil(SEGMENT_ROWS))
        };
        for rows in rows.chunks(most) {
            let bytes = encoded(&self.folder, rows, &self.common)?;
            let sha256 = crate::hash::hex(Sha256::digest(&bytes));
            let file = format!("clips-{}.parquet", sha256.get(..16).unwrap_or_default());
            let path = self.folder.join(&file);
            self.write(&path, &bytes)?;
            let (Some(first), Some(last)) = (rows.first(), rows.last()) else { continue };
            segments.push(Segment {
                file,
                sha256,
                bytes: bytes.len() as u64,
                first: first.path.clone(),
                last: last.path.clone(),
                counts: Counts::of(rows),
            });
        }
        Ok(())
    }

    /// Writes what the index is.
    pub fn write_manifest(&self) -> Result<()> {
        self.write(&self.folder.join(MANIFEST), &self.manifest.to_bytes()?)
    }

    /// Puts replaced segments aside: a moved clip's row may still be copied from one.
    fn retire(&self, files: &[String]) -> Result<()> {
        let retired = self.folder.join(RETIRED);
        for file in files {
            create_private_folder(&retired).at(&retired, "create")?;
            let from = self.folder.join(file);
            fs::rename(&from, retired.join(file)).at(&from, "move")?;
        }
        Ok(())
    }

    fn remove_parts(&mut self) -> Result<()> {
        self.next_part = 0;
        remove_all(&self.folder.join(PARTS))
    }

    /// Takes away what does not count: replaced segments, and what an interrupted run left half written.
    pub fn clean(&self) -> Result<()> {
        remove_all(&self.folder.join(RETIRED))?;
        remove_all(&self.folder.join(REBUILD))?;
        let live = |name: &str| self.manifest.segments.iter().any(|segment| segment.file == name);
        for folder in [self.folder.clone(), self.folder.join(PARTS)] {
            let Ok(entries) = fs::read_dir(&folder) else { continue };
            for entry in entries.flatten() {
                let name = entry.file_name().to_string_lossy().into_owned();
                let orphan = name.starts_with("clips-") && name.ends_with(".parquet") && !live(&name);
                if orphan || (name.starts_with(TEMPORARY.0) && name.ends_with(TEMPORARY.1)) {
                    fs::remove_file(entry.path()).at(&entry.path(), "remove")?;
                }
            }
        }
        Ok(())
    }
}

/// Waits until no other process writes the index, or refuses where `waiting` says not to.
fn locked(folder: &Path, waiting: &dyn Fn() -> bool) -> Result<File> {
    let lock = lock_file(folder)?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) if waiting() => lock.lock().at(folder, "lock")?,
        Err(TryLockError::WouldBlock) => {
            let source = io::Error::new(io::ErrorKind::WouldBlock, "another process is writing this index");
            return Err(ErrorKind::Io { path: folder.into(), action: "write", source }.into());
        }
        Err(TryLockError::Error(source)) => {
            return Err(ErrorKind::Io { path: folder.into(), action: "lock", source }.into());
        }
    }
    Ok(lock)
}

/// What a file of the index says; `key` is that of its folder.
pub(super) fn opened(path: &Path, key: Option<&FolderKey>) -> Result<Vec<u8>> {
    let bytes = regular_file::read(path, MOST_BYTES, "a file of an index")?;
    let keys = key.map_or_else(Default::default, FolderKey::keys);
    if is_encrypted(&bytes) { keys.decrypt(path, &bytes) } else { Ok(bytes) }
}

/// Rows with changes made to them; both in the order of their paths.
fn merged(rows: Vec<IndexRow>, changes: Vec<Change>) -> Vec<IndexRow> {
    let mut all = Vec::with_capacity(rows.len() + changes.len());
    let mut rows = rows.into_iter().peekable();
    for change in changes {
        while let Some(row) = rows.next_if(|row| by_path(&row.path, change.path()).is_lt()) {
            all.push(row);
        }
        let same = rows.next_if(|row| row.path == change.path());
        match (change, same) {
            (Change::Put(row), _) => all.push(*row),
            (Change::Touch { voice, there, .. }, Some(mut row)) => {
                row.voice = voice.unwrap_or(row.voice);
                all.push(row.there(there));
            }
            (Change::Touch { .. }, None) | (Change::Drop(_), _) => {}
        }
    }
    all.extend(rows);
    all
}

/// The bytes of a file of rows.
fn encoded(path: &Path, rows: &[IndexRow], common: &Common) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let failed = |error: parquet::errors::ParquetError| {
        Error::from(ErrorKind::Io { path: path.into(), action: "write", source: io::Error::other(error.to_string()) })
    };
    write(&mut bytes, rows, common).map_err(failed)?;
    Ok(bytes)
}

/// Puts a segment into another folder too, in the place of what has its name there: that should be the same, and may be
/// what was to be mended.
fn give(from: &Path, to: &Path) -> Result<()> {
    match fs::hard_link(from, to) {
        Ok(()) => Ok(()),
        // The name is taken, or the disk knows no links.
        Err(_) => write_whole(to, &regular_file::read(from, MOST_BYTES, "a file of an index")?),
    }
}

fn remove_all(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error).at(folder, "remove"),
        _ => Ok(()),
    }
}

fn parquet_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.at(folder, "list")?,
    };
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.at(folder, "list")?.path();
        if path.extension().is_some_and(|extension| extension == "parquet") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// Refuses a folder that holds something and is no index.
fn refuse_strangers(folder: &Path) -> Result<()> {
    let ours = |name: &str| name.starts_with('_') || name == ".DS_Store";
    if folder.join(MANIFEST).exists() {
        return Ok(());
    }
    for entry in fs::read_dir(folder).at(folder, "list")? {
        let name = entry.at(folder, "list")?.file_name().to_string_lossy().into_owned();
        if !ours(&name) {
            let found = format!("a folder with other things in it, such as \"{name}\"");
            let mut expected = "an index, an empty folder, or none".to_string();
            if name.ends_with(".parquet") {
                expected += "; scan and groups read Parquet files of other programs as they are, index writes its own";
            }
            return Err(ErrorKind::Document { path: folder.into(), what: DocumentKind::Folder, found, expected }.into());
        }
    }
    Ok(())
}

/// Refuses to mix rows that were not made alike.
fn refuse_other_settings(folder: &Path, found: &IndexManifest, wanted: &IndexManifest) -> Result<()> {
    let told = |manifest: &IndexManifest| {
        let prints = manifest.fingerprints.iter().map(|(encoder, print)| format!("{encoder} {print}"));
        let prints = prints.collect::<Vec<_>>().join(", ");
        let narrow = if manifest.narrow == NarrowRule::All { "all clips" } else { "narrow-band clips" };
        format!("channel {}, narrow band of {narrow}, extractors {prints}", manifest.channel)
    };
    if found.common() == wanted.common() && found.narrow == wanted.narrow {
        return Ok(());
    }
    let expected = format!("{}; give the options it was made with, or --rebuild to make it anew", told(wanted));
    Err(damaged(folder, format!("an index of {}", told(found)), &expected))
}

#[cfg(test)]
mod tests {
    use super::super::manifest::{FORMAT, FORMAT_VERSION};
    use super::super::row::ClipStatus;
    use super::*;
    use crate::encoder::PerEncoder;
    use crate::random::SplitMix;

    fn manifest() -> IndexManifest {
        let widths: PerEncoder<usize> = [(crate::encoder::Encoder::Mfcc, 2)].into_iter().collect();
        let prints: PerEncoder<String> = [(crate::encoder::Encoder::Mfcc, "a".to_string())].into_iter().collect();
        IndexManifest {
            format: FORMAT.into(),
            version: FORMAT_VERSION,
            program: "x".into(),
            library: "lib".into(),
            channel: "mix".into(),
            narrow: NarrowRule::Auto,
            fingerprints: prints.clone(),
            narrow_fingerprints: prints,
            widths: widths.clone(),
            narrow_widths: widths,
            segments: Vec::new(),
        }
    }

    fn open(folder: &Path) -> Store {
        Store::open(folder, manifest(), false, &AtRest::default(), &|| false).unwrap()
    }

    fn row(number: usize, value: f32) -> IndexRow {
        let usable = !number.is_multiple_of(5);
        let values = if usable {
            [(crate::encoder::Encoder::Mfcc, vec![value, 1.0])].into_iter().collect()
        } else {
            PerEncoder::default()
        };
        IndexRow {
            path: format!("{}/{number}", number % 7),
            voice: "v".into(),
            sha256: Some(format!("{number:064}")),
            size: number as u64,
            mtime_ns: -3,
            format: None,
            seconds: usable.then_some(1.5),
            quality: None,
            status: if usable { ClipStatus::Usable } else { ClipStatus::Refused },
            reason: (!usable).then(|| ("no_speech".into(), "none".into())),
            wide: values,
            narrow: PerEncoder::default(),
        }
    }

    fn rows(store: &Store) -> Vec<IndexRow> {
        let rows = |segment: &Segment| store.table(&store.folder.join(&segment.file)).unwrap().rows().unwrap();
        store.manifest.segments.iter().flat_map(rows).collect()
    }

    fn changes(random: &mut SplitMix) -> Vec<Change> {
        let mut numbers: Vec<usize> = (0..120).collect();
        random.shuffle(&mut numbers);
        let count = 1 + random.below(60);
        let change = |number: usize| {
            let path = row(number, 0.0).path;
            match random.below(5) {
                0 => Change::Drop(path),
                1 => Change::Touch { path, voice: Some("w".into()), there: random.below(2) == 0 },
                _ => Change::Put(Box::new(row(number, 1.0 + random.below(9) as f32))),
            }
        };
        numbers.into_iter().take(count).map(change).collect()
    }

    fn model(rows: &mut Vec<IndexRow>, changes: &[Change]) {
        for change in changes {
            let at = rows.iter().position(|row| row.path == change.path());
            match (change, at) {
                (Change::Put(row), Some(at)) => rows[at] = (**row).clone(),
                (Change::Put(row), None) => rows.push((**row).clone()),
                (Change::Touch { voice, there, .. }, Some(at)) => {
                    let row = rows.remove(at).there(*there);
                    rows.push(IndexRow { voice: voice.clone().unwrap(), ..row });
                }
                (Change::Drop(_), Some(at)) => drop(rows.remove(at)),
                (_, None) => {}
            }
        }
        rows.sort_by(|a, b| by_path(&a.path, &b.path));
    }

    #[test]
    fn any_changes_in_any_order_come_to_the_rows_they_say() {
        for seed in 0..40 {
            let folder = tempfile::tempdir().unwrap();
            let mut random = SplitMix(seed);
            let mut expected = Vec::new();
            for _ in 0..6 {
                let changes = changes(&mut random);
                model(&mut expected, &changes);
                // Every time as a process of its own.
                let mut store = open(folder.path());
                store.seal(changes).unwrap();
                assert_eq!(rows(&store), expected, "seed {seed}");
                let segments = &store.manifest.segments;
                assert!(segments.iter().all(|segment| (1..=2 * SEGMENT_ROWS).contains(&segment.counts.rows)));
                assert!(segments.windows(2).all(|pair| by_path(&pair[0].last, &pair[1].first).is_lt()));
                assert_eq!(store.manifest.counts(), Counts::of(&expected));
            }
        }
    }

    #[test]
    fn rows_in_order_fill_segments_whatever_the_portions() {
        let mut all: Vec<IndexRow> = (0..100).map(|number| row(number, 1.0)).collect();
        all.sort_by(|a, b| by_path(&a.path, &b.path));
        let files = |portion: usize| {
            let folder = tempfile::tempdir().unwrap();
            for rows in all.chunks(portion) {
                open(folder.path()).seal(rows.iter().map(|row| Change::Put(Box::new(row.clone()))).collect()).unwrap();
            }
            let store = open(folder.path());
            assert_eq!(rows(&store), all);
            store.manifest.segments
        };
        let whole = files(100);
        assert_eq!(whole.len(), 100usize.div_ceil(SEGMENT_ROWS));
        for portion in [1, 3, 7, 8, 9, 20, 50] {
            assert_eq!(files(portion), whole, "{portion} at a time");
        }
    }

    #[test]
    fn what_was_kept_is_sorted_in_by_the_next_process() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = open(folder.path());
        store.seal((0..20).map(|number| Change::Put(Box::new(row(number, 1.0)))).collect()).unwrap();
        store.keep(&[row(3, 9.0), row(50, 1.0)]).unwrap();
        store.keep(&[row(4, 9.0)]).unwrap();
        drop(store);
        let mut store = open(folder.path());
        let kept = store.kept().unwrap();
        assert_eq!(kept.len(), 3);
        store.seal(kept).unwrap();
        let changed = rows(&store).into_iter().filter(|row| row.wide.mfcc.as_ref().is_some_and(|v| v[0] == 9.0));
        assert_eq!((rows(&store).len(), changed.count(), store.kept().unwrap().len()), (21, 2, 0));
    }
}
