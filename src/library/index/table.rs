//! Rows of an index read from a Parquet file.
//!
//! The schema is fixed: every file has every column, with nulls where an encoder did not run. Embeddings are
//! `list<float32>`, the one form that Spark, DuckDB, pandas and Polars all read; that a list has its encoder's length
//! is checked here on reading.
//!
//! Files of other programs are read too ([`Table::open_other`]): their columns are found by name (`leaf`), whatever
//! their order, and what our schema rules out beforehand is checked row by row.

use super::footer;
use super::leaf::{Leaf, Leaves};
use super::pages::{self, Pages, guarded, most_rows, most_text};
use super::row::{ClipFormat, ClipStatus, IndexRow};
use super::schema::{Common, MOST_VALUES, column, embeddings, prefix, schema};
use super::store::MOST_BYTES;
use crate::encoder::{Band, PerEncoder};
use crate::encryption::{FolderKey, is_encrypted_file};
use crate::error::{DocumentKind, Error, ErrorKind, IoContext, Result};
use crate::feature::ClipQuality;
use crate::hash::{hex, sha256};
use crate::regular_file;
use bytes::Bytes;
use parquet::basic::Type as PhysicalType;
use parquet::column::reader::{ColumnReader, ColumnReaderImpl, get_column_reader, get_typed_column_reader};
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DataType, DoubleType, FloatType, Int32Type, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, RowGroupReader, SerializedFileReader};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{Cursor, Seek};
use std::path::Path;

/// What is read of a row to see whether its file has changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Known {
    pub path: String,
    pub voice: String,
    pub sha256: Option<String>,
    pub size: u64,
    pub mtime_ns: i64,
    pub status: ClipStatus,
}

/// Who wrote a file of rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    /// This program.
    Own,
    /// Another one.
    Other,
}

impl By {
    /// A file that is not what it should be.
    fn damaged(self, path: &Path, found: String, expected: &str) -> Error {
        match self {
            By::Own => damaged(path, found, expected),
            By::Other => unfit(path, found, expected),
        }
    }
}

/// A file of rows that was opened and has the columns of an index.
pub(crate) struct Table<'a> {
    path: &'a Path,
    reader: Box<dyn FileReader>,
    leaves: Leaves,
    by: By,
    common: &'a Common,
    file: Opened,
}

impl<'a> Table<'a> {
    /// Opens a file of this program and holds its schema to that of an index; `key` is that of its folder.
    pub fn open(path: &'a Path, common: &'a Common, key: Option<&FolderKey>) -> Result<Self> {
        let broken = |error: ParquetError| damaged(path, error.to_string(), "a whole Parquet file");
        let (reader, file) = opened(path, By::Own, key)?;
        let ours = schema().map_err(broken)?;
        let descriptor = reader.metadata().file_metadata().schema_descr();
        let found = descriptor.root_schema_ptr();
        if found != ours {
            let mut text = Vec::new();
            parquet::schema::printer::print_schema(&mut text, &found);
            let text = String::from_utf8_lossy(&text).split_whitespace().collect::<Vec<_>>().join(" ");
            let short: String = text.chars().take(200).collect();
            return Err(damaged(path, format!("the columns {short}"), "those of an index of version 1"));
        }
        let leaves = Leaves::find(descriptor, &ours, path)?;
        Ok(Table { path, reader, leaves, by: By::Own, common, file })
    }

    /// Opens a file of another program, in which the columns of an index may lie in any order, beside others.
    pub fn open_other(path: &'a Path, common: &'a Common) -> Result<Self> {
        let broken = |error: ParquetError| unfit(path, error.to_string(), "a whole Parquet file");
        let (reader, file) = opened(path, By::Other, None)?;
        let ours = schema().map_err(broken)?;
        let leaves = Leaves::find(reader.metadata().file_metadata().schema_descr(), &ours, path)?;
        leaves.check(path)?;
        leaves.check_compression(reader.metadata(), path)?;
        Ok(Table { path, reader, leaves, by: By::Other, common, file })
    }

    /// SHA-256 of the file that was opened, whatever is at its path by now.
    pub fn sha256(&self) -> Result<String> {
        match &self.file.source {
            Source::File(file) => {
                let mut file = file;
                file.rewind().at(self.path, "read")?;
                sha256(&mut file).at(self.path, "read")
            }
            Source::Memory(plain) => Ok(hex(Sha256::digest(plain))),
        }
    }

    /// Bytes of the file that was opened.
    pub fn bytes(&self) -> u64 {
        self.file.bytes
    }

    /// What the file says of itself.
    pub fn metadata(&self) -> &parquet::file::metadata::FileMetaData {
        self.reader.metadata().file_metadata()
    }

    /// Reads what decides whether files have changed.
    pub fn known(&self) -> Result<Vec<Known>> {
        let mut all = Vec::new();
        self.groups(|columns| {
            let paths = columns.texts(column::PATH)?;
            let (voices, hashes) = (columns.texts(column::VOICE)?, columns.texts(column::SHA256)?);
            let (sizes, times) = (columns.integers(column::SIZE)?, columns.integers(column::MTIME_NS)?);
            let statuses = columns.statuses()?;
            let rest = voices.into_iter().zip(hashes).zip(sizes.into_iter().zip(times)).zip(statuses);
            for (path, (((voice, sha256), (size, mtime)), status)) in paths.into_iter().zip(rest) {
                all.push(Known {
                    path: path.unwrap_or_default(),
                    voice: voice.unwrap_or_default(),
                    sha256,
                    size: size.unwrap_or_default() as u64,
                    mtime_ns: mtime.unwrap_or_default(),
                    status,
                });
            }
            Ok(())
        })?;
        Ok(all)
    }

    /// Reads the rows whole.
    pub fn rows(&self) -> Result<Vec<IndexRow>> {
        self.read(true)
    }

    /// Reads the rows without their embeddings.
    pub fn described(&self) -> Result<Vec<IndexRow>> {
        self.read(false)
    }

    fn read(&self, whole: bool) -> Result<Vec<IndexRow>> {
        let mut all = Vec::new();
        self.groups(|columns| {
            let rows = columns.rows(whole)?;
            all.extend(rows);
            Ok(())
        })?;
        Ok(all)
    }

    /// Goes through the row groups.
    pub fn groups(&self, mut take: impl FnMut(&Columns<'_>) -> Result<()>) -> Result<()> {
        let broken = |error: ParquetError| self.by.damaged(self.path, error.to_string(), "a whole Parquet file");
        for group in 0..self.reader.num_row_groups() {
            let group = guarded(|| self.reader.get_row_group(group)).map_err(broken)?;
            let (group, leaves, by, file) = (group.as_ref(), &self.leaves, self.by, &self.file);
            take(&Columns { group, path: self.path, leaves, by, common: self.common, file })?;
        }
        Ok(())
    }
}

/// Where the bytes of a file lie.
enum Source {
    /// In the file.
    File(File),
    /// In memory, decrypted.
    Memory(Bytes),
}

/// A file beside the reader of it.
struct Opened {
    source: Source,
    bytes: u64,
}

/// Opens a file and refuses one that states more rows than a file of its size can hold; `key` is that of its folder.
fn opened(path: &Path, by: By, key: Option<&FolderKey>) -> Result<(Box<dyn FileReader>, Opened)> {
    let source = if by == By::Own && is_encrypted_file(path) {
        let keys = key.map_or_else(Default::default, FolderKey::keys);
        let plain = keys.decrypt(path, &regular_file::read(path, MOST_BYTES, "a segment")?)?;
        Source::Memory(Bytes::from(plain))
    } else {
        Source::File(regular_file::open(path)?)
    };
    let bytes = match &source {
        Source::File(file) => file.metadata().at(path, "read")?.len(),
        Source::Memory(plain) => plain.len() as u64,
    };
    let refusal = match &source {
        Source::File(file) => footer::refusal(&mut &*file, bytes),
        Source::Memory(plain) => footer::refusal(&mut Cursor::new(plain), bytes),
    };
    if let Some(found) = refusal.at(path, "read")? {
        return Err(by.damaged(path, found, "a whole Parquet file of clips"));
    }
    let reader = guarded(|| {
        Ok(match &source {
            Source::File(file) => Box::new(SerializedFileReader::new(file.try_clone()?)?) as Box<dyn FileReader>,
            Source::Memory(plain) => Box::new(SerializedFileReader::new(plain.clone())?),
        })
    });
    let reader = reader.map_err(|error| by.damaged(path, error.to_string(), "a whole Parquet file"))?;
    let rows = reader.metadata().row_groups().iter().map(|group| u64::try_from(group.num_rows()).unwrap_or(u64::MAX));
    let (rows, most) = (rows.fold(0, u64::saturating_add), most_rows(bytes));
    if rows > most {
        let expected = format!("at most {most} in a file of {bytes} bytes");
        return Err(by.damaged(path, format!("{rows} rows by its own account"), &expected));
    }
    Ok((reader, Opened { source, bytes }))
}

/// The columns of one row group. They are named by their number in an index's own files.
pub(crate) struct Columns<'a> {
    group: &'a dyn RowGroupReader,
    path: &'a Path,
    leaves: &'a Leaves,
    by: By,
    common: &'a Common,
    file: &'a Opened,
}

/// Definition levels, repetition levels and values of a column of lists.
type Levels = (Vec<i16>, Vec<i16>, Vec<f32>);

impl Columns<'_> {
    fn broken(&self, found: impl ToString) -> Error {
        self.wrong(found.to_string(), "the rows of an index")
    }

    /// The file is not what it should be.
    pub fn wrong(&self, found: String, expected: &str) -> Error {
        self.by.damaged(self.path, found, expected)
    }

    /// Number of rows.
    pub fn count(&self) -> usize {
        usize::try_from(self.group.metadata().num_rows()).unwrap_or(0)
    }

    fn reader(&self, leaf: Leaf) -> Result<ColumnReader> {
        let range = guarded(|| Ok(self.group.metadata().column(leaf.column).byte_range()));
        let (start, len) = range.map_err(|error| self.broken(error))?;
        let end = start.saturating_add(len).min(self.file.bytes);
        let refusal = match &self.file.source {
            Source::File(file) => pages::refusal(&mut &*file, start, end),
            Source::Memory(plain) => pages::refusal(&mut Cursor::new(plain), start, end),
        };
        if let Some(found) = refusal.at(self.path, "read")? {
            return Err(self.broken(found));
        }
        let pages = guarded(|| self.group.get_column_page_reader(leaf.column)).map_err(|error| self.broken(error))?;
        let described = self.group.metadata().schema_descr().column(leaf.column);
        Ok(get_column_reader(described, Box::new(Pages::new(pages, self.file.bytes))))
    }

    /// Refuses a column with nulls in it.
    pub fn whole<T>(&self, at: usize, values: &[Option<T>]) -> Result<()> {
        match values.iter().position(Option::is_none) {
            Some(row) => {
                let found = format!("no value in column {} of row {}", self.leaves.name(at), row + 1);
                Err(self.wrong(found, "one in every row"))
            }
            None => Ok(()),
        }
    }

    /// The values of a column that has one or none a row.
    pub fn of<T: DataType>(&self, at: usize) -> Result<Vec<Option<T::T>>> {
        let Some(leaf) = self.leaves.get(at) else { return Ok(vec![None; self.count()]) };
        let mut reader = get_typed_column_reader::<T>(self.reader(leaf)?);
        let (mut values, mut levels) = (Vec::new(), Vec::new());
        let mut read = 0;
        while read < self.count() {
            let left = self.count() - read;
            let read_on = || reader.read_records(left, Some(&mut levels), None, &mut values);
            let (records, ..) = guarded(read_on).map_err(|error| self.broken(error))?;
            if records == 0 {
                return Err(self.short(at, read));
            }
            read += records;
        }
        // A column that must have a value in every row has no levels.
        if levels.is_empty() {
            return Ok(values.into_iter().map(Some).collect());
        }
        let mut values = values.into_iter();
        Ok(levels.into_iter().map(|level| if level == leaf.whole { values.next() } else { None }).collect())
    }

    fn short(&self, at: usize, read: usize) -> Error {
        self.broken(format!("{read} values in column {} of {} rows", self.leaves.name(at), self.count()))
    }

    fn kind(&self, at: usize) -> Option<PhysicalType> {
        self.leaves.get(at).map(|leaf| leaf.kind)
    }

    /// The integers of a column; other programs write them as other numbers where some are missing.
    pub fn integers(&self, at: usize) -> Result<Vec<Option<i64>>> {
        if self.kind(at).is_none_or(|kind| kind == PhysicalType::INT64) {
            return self.of::<Int64Type>(at);
        }
        let integer = |x: f64| {
            let whole = x.fract() == 0.0 && x.abs() < 9.0e15;
            let found = || self.broken(format!("{x}, which is no integer, in column {}", self.leaves.name(at)));
            if whole { Ok(x as i64) } else { Err(found()) }
        };
        self.numbers(at)?.into_iter().map(|x| x.map(integer).transpose()).collect()
    }

    /// The numbers of a column; one that is no number is none.
    pub fn numbers(&self, at: usize) -> Result<Vec<Option<f64>>> {
        fn wide<T: Copy + Into<f64>>(values: Vec<Option<T>>) -> Vec<Option<f64>> {
            values.into_iter().map(|x| x.map(Into::into)).collect()
        }
        let mut values = match self.kind(at) {
            Some(PhysicalType::FLOAT) => wide(self.of::<FloatType>(at)?),
            Some(PhysicalType::INT32) => wide(self.of::<Int32Type>(at)?),
            Some(PhysicalType::INT64) => self.of::<Int64Type>(at)?.into_iter().map(|x| x.map(|x| x as f64)).collect(),
            _ => self.of::<DoubleType>(at)?,
        };
        for value in &mut values {
            *value = value.filter(|x| !x.is_nan());
            if value.is_some_and(f64::is_infinite) {
                return Err(self.broken(format!("an infinite number in column {}", self.leaves.name(at))));
            }
        }
        Ok(values)
    }

    fn texts(&self, at: usize) -> Result<Vec<Option<String>>> {
        let text = |bytes: ByteArray| {
            let text = bytes.as_utf8().map(str::to_string);
            text.map_err(|_| self.broken(format!("a value in column {} that is no text", self.leaves.name(at))))
        };
        let values = self.of::<ByteArrayType>(at)?;
        let (bytes, most) =
            (values.iter().flatten().map(|value| value.len() as u64).sum::<u64>(), most_text(values.len()));
        if bytes > most {
            let found = format!("texts of {bytes} bytes in column {}", self.leaves.name(at));
            return Err(self.wrong(found, &format!("at most {most} in {} rows", values.len())));
        }
        values.into_iter().map(|value| value.map(text).transpose()).collect()
    }

    /// The statuses.
    pub fn statuses(&self) -> Result<Vec<ClipStatus>> {
        let status = |word: Option<ByteArray>| {
            let word = word.unwrap_or_default();
            ClipStatus::of(word.data())
                .ok_or_else(|| self.broken(format!("the status \"{}\"", String::from_utf8_lossy(word.data()))))
        };
        let words = self.of::<ByteArrayType>(column::STATUS)?;
        self.whole(column::STATUS, &words)?;
        words.into_iter().map(status).collect()
    }

    /// Reads at most so many of a column's lists on.
    fn levels<T: DataType>(
        &self,
        at: usize,
        reader: &mut ColumnReaderImpl<T>,
        most: usize,
        (definition, repetition): (&mut Vec<i16>, &mut Vec<i16>),
        values: &mut Vec<T::T>,
    ) -> Result<usize> {
        let read_on = || reader.read_records(most, Some(definition), Some(repetition), values);
        let (records, ..) = guarded(read_on).map_err(|error| self.broken(error))?;
        if records == 0 { Err(self.short(at, 0)) } else { Ok(records) }
    }

    /// Goes through a column of lists in portions of so many rows, until `take` has had enough.
    fn portions(&self, at: usize, most: usize, take: &mut dyn FnMut(Leaf, Levels) -> Result<bool>) -> Result<()> {
        fn through<T: DataType>(
            columns: &Columns<'_>,
            (at, leaf, most): (usize, Leaf, usize),
            single: impl Fn(Vec<T::T>) -> Vec<f32>,
            take: &mut dyn FnMut(Leaf, Levels) -> Result<bool>,
        ) -> Result<()> {
            let mut reader = get_typed_column_reader::<T>(columns.reader(leaf)?);
            let mut left = columns.count();
            while left > 0 {
                let (mut values, mut definition, mut repetition) = (Vec::new(), Vec::new(), Vec::new());
                let levels = (&mut definition, &mut repetition);
                let records = columns.levels(at, &mut reader, most.min(left), levels, &mut values)?;
                left -= records.min(left);
                if !take(leaf, (definition, repetition, single(values)))? {
                    break;
                }
            }
            Ok(())
        }
        let Some(leaf) = self.leaves.get(at) else { return Ok(()) };
        match leaf.kind {
            PhysicalType::DOUBLE => {
                let single = |values: Vec<f64>| values.into_iter().map(|x| x as f32).collect();
                through::<DoubleType>(self, (at, leaf, most), single, take)
            }
            _ => through::<FloatType>(self, (at, leaf, most), |values| values, take),
        }
    }

    /// Length of the first list of a column; none where it has none.
    pub fn first_width(&self, at: usize) -> Result<Option<usize>> {
        let mut width = None;
        self.portions(at, 64, &mut |leaf, (definition, repetition, _)| {
            let levels = definition.iter().zip(&repetition);
            let mut from = levels.skip_while(|(definition, _)| **definition < leaf.listed).peekable();
            if from.peek().is_some() {
                width = Some(1 + from.skip(1).take_while(|(_, repetition)| **repetition > 0).count());
            }
            Ok(width.is_none())
        })?;
        Ok(width)
    }

    /// Whether each row has a list in a column.
    pub fn has_list(&self, at: usize) -> Result<Vec<bool>> {
        let mut all = Vec::with_capacity(self.count());
        self.portions(at, 4096, &mut |leaf, (definition, repetition, _)| {
            let rows = definition.iter().zip(&repetition).filter(|(_, repetition)| **repetition == 0);
            all.extend(rows.map(|(definition, _)| *definition >= leaf.listed));
            Ok(true)
        })?;
        all.resize(self.count(), false);
        Ok(all)
    }

    /// The lists of a column, of `width` values each.
    fn lists(&self, at: usize, width: Option<usize>) -> Result<Vec<Option<Vec<f32>>>> {
        let mut lists: Vec<Option<Vec<f32>>> = Vec::with_capacity(self.count());
        let room = width.unwrap_or(0).min(MOST_VALUES);
        self.portions(at, self.count(), &mut |leaf, (definition, repetition, values)| {
            // To other programs an empty list may stand for none.
            let there = if self.by == By::Own { 1 } else { leaf.listed };
            let mut values = values.into_iter();
            for (definition, repetition) in definition.into_iter().zip(repetition) {
                if repetition == 0 {
                    lists.push((definition >= there).then(|| Vec::with_capacity(room.min(values.len()))));
                }
                match lists.last_mut() {
                    Some(Some(list)) if definition == leaf.whole => list.extend(values.next()),
                    Some(Some(_)) if definition >= leaf.listed => {
                        let found = format!("an embedding with a null in it in column {}", self.leaves.name(at));
                        return Err(self.wrong(found, &format!("{} numbers", width.unwrap_or(0))));
                    }
                    _ => {}
                }
            }
            Ok(true)
        })?;
        for list in lists.iter().flatten() {
            if Some(list.len()) != width || !list.iter().all(|x| x.is_finite()) || list.iter().all(|x| *x == 0.0) {
                let found = format!("an embedding of {} values in column {}", list.len(), self.leaves.name(at));
                let expected = format!("{} numbers, not all of them 0", width.unwrap_or(0));
                return Err(self.wrong(found, &expected));
            }
        }
        Ok(lists)
    }

    fn rows(&self, whole: bool) -> Result<Vec<IndexRow>> {
        let (paths, voices, hashes) =
            (self.texts(column::PATH)?, self.texts(column::VOICE)?, self.texts(column::SHA256)?);
        let (sizes, times) = (self.integers(column::SIZE)?, self.integers(column::MTIME_NS)?);
        self.whole(column::PATH, &paths)?;
        self.whole(column::VOICE, &voices)?;
        self.whole(column::SIZE, &sizes)?;
        self.whole(column::MTIME_NS, &times)?;
        let (codecs, rates, channels) =
            (self.texts(column::CODEC)?, self.integers(column::SAMPLE_RATE_HZ)?, self.integers(column::CHANNELS)?);
        let (seconds, speech) = (self.numbers(column::SECONDS)?, self.numbers(column::NET_SPEECH_S)?);
        let (snr, bandwidth) = (self.numbers(column::SNR_DB)?, self.numbers(column::BANDWIDTH_HZ)?);
        let (clipping, level) = (self.numbers(column::CLIPPING_PERCENT)?, self.numbers(column::LEVEL_DBFS)?);
        let _narrow = self.of::<BoolType>(column::NARROW_BAND)?;
        let (statuses, codes, messages) = (self.statuses()?, self.texts(column::REASON)?, self.texts(column::MESSAGE)?);
        self.same(column::CHANNEL, Some(&self.common.channel))?;
        let n = embeddings().count();
        let mut rows = Vec::with_capacity(self.count());
        let at = |values: &Vec<Option<String>>, i: usize| values.get(i).cloned().flatten();
        let single = |values: &Vec<Option<f64>>, i: usize| values.get(i).copied().flatten().map(|x| x as f32);
        for (i, path) in paths.iter().enumerate() {
            let format = codecs.get(i).cloned().flatten().map(|codec| ClipFormat {
                codec,
                sample_rate_hz: rates.get(i).copied().flatten().unwrap_or(0) as u32,
                channels: channels.get(i).copied().flatten().unwrap_or(0) as u32,
            });
            let quality = speech.get(i).copied().flatten().map(|net_speech_s| ClipQuality {
                net_speech_s,
                snr_db: single(&snr, i),
                bandwidth_hz: single(&bandwidth, i),
                clipping_percent: single(&clipping, i).unwrap_or(0.0),
                level_dbfs: single(&level, i),
            });
            rows.push(IndexRow {
                path: path.clone().unwrap_or_default(),
                voice: at(&voices, i).unwrap_or_default(),
                sha256: at(&hashes, i),
                size: sizes.get(i).copied().flatten().unwrap_or(0) as u64,
                mtime_ns: times.get(i).copied().flatten().unwrap_or(0),
                format,
                seconds: seconds.get(i).copied().flatten(),
                quality,
                status: statuses.get(i).copied().unwrap_or(ClipStatus::Refused),
                reason: at(&codes, i).zip(at(&messages, i)),
                wide: PerEncoder::default(),
                narrow: PerEncoder::default(),
            });
        }
        for (at, (band, encoder)) in embeddings().enumerate() {
            let made_by = self.made_by(column::WIDTH + at, self.common.fingerprints[band].get(encoder))?;
            if !whole {
                continue;
            }
            let width = self.common.widths[band].get(encoder).copied();
            let lists = self.lists(column::WIDTH + n + at, width)?;
            if self.by == By::Other && encoder.has_unit_length() {
                self.of_unit_length(column::WIDTH + n + at, &lists)?;
            }
            for (i, (row, list)) in rows.iter_mut().zip(lists).enumerate() {
                let side = if band == Band::Narrow { &mut row.narrow } else { &mut row.wide };
                if list.is_some() && made_by.as_ref().is_some_and(|named| named.get(i) != Some(&true)) {
                    let name = self.leaves.name(column::WIDTH + at);
                    let found = format!("an embedding of \"{}\" without a value in column {name}", row.path);
                    return Err(self.wrong(found, "the fingerprint of the extractor that made it"));
                }
                list.into_iter().for_each(|list| side.set(encoder, list));
            }
        }
        if whole {
            rows.iter().try_for_each(|row| self.complete(row))?;
        }
        Ok(rows)
    }

    /// Refuses an embedding of another length than 1, where its encoder makes all of length 1. Nothing else would show
    /// that a value was damaged in a file that another program wrote.
    fn of_unit_length(&self, at: usize, lists: &[Option<Vec<f32>>]) -> Result<()> {
        /// What single precision leaves of a length of 1 is a thousandth of this.
        const TOLERANCE: f64 = 1e-5;
        for (row, list) in lists.iter().enumerate() {
            let Some(list) = list else { continue };
            let length = list.iter().map(|x| f64::from(*x) * f64::from(*x)).sum::<f64>().sqrt();
            if (length - 1.0).abs() > TOLERANCE {
                let (name, row) = (self.leaves.name(at), row + 1);
                let found = format!("an embedding of length {length:.6} in column {name} of row {row}");
                return Err(self.wrong(found, "length 1, as the encoder makes them; write the file again"));
            }
        }
        Ok(())
    }

    /// Refuses a row that lacks an embedding.
    fn complete(&self, row: &IndexRow) -> Result<()> {
        match lacking(row, self.common) {
            Some(lacking) => Err(self.wrong(format!("\"{}\" {lacking}", row.path), COMPLETE)),
            None => Ok(()),
        }
    }

    /// Holds a column of fingerprints to the expected one. In files of other programs rows may have none; which of them
    /// have one is then told.
    fn made_by(&self, at: usize, expected: Option<&String>) -> Result<Option<Vec<bool>>> {
        if self.by == By::Own {
            return self.same(at, expected).map(|()| None);
        }
        let values = self.of::<ByteArrayType>(at)?;
        let expected = expected.map(String::as_bytes);
        match values.iter().flatten().find(|value| Some(value.data()) != expected) {
            Some(other) => Err(self.another(at, Some(other.data()), expected)),
            None => Ok(Some(values.iter().map(Option::is_some).collect())),
        }
    }

    /// Refuses a column that does not hold the one expected text in every row.
    fn same(&self, at: usize, expected: Option<&String>) -> Result<()> {
        let values = self.of::<ByteArrayType>(at)?;
        let expected = expected.map(String::as_bytes);
        match values.iter().find(|value| value.as_ref().map(ByteArray::data) != expected) {
            Some(other) => Err(self.another(at, other.as_ref().map(ByteArray::data), expected)),
            None => Ok(()),
        }
    }

    /// A column holds another text than it should.
    fn another(&self, at: usize, found: Option<&[u8]>, expected: Option<&[u8]>) -> Error {
        let shown = |bytes: Option<&[u8]>| {
            bytes.map_or("nothing".into(), |bytes| format!("\"{}\"", String::from_utf8_lossy(bytes)))
        };
        let found = format!("{} in column {}", shown(found), self.leaves.name(at));
        self.wrong(found, &format!("{}, as the index says", shown(expected)))
    }
}

/// What rows with embeddings should have.
pub(super) const COMPLETE: &str =
    "embeddings of all encoders of the index for every usable clip, and all or none in the narrow band";

/// What a row lacks that an index needs of it; none where it is complete.
pub(super) fn lacking(row: &IndexRow, common: &Common) -> Option<String> {
    if row.status == ClipStatus::Usable && row.wide.is_empty() {
        return Some("is usable and has no embeddings".into());
    }
    for band in Band::ALL.into_iter().filter(|band| !row.of_band(*band).is_empty()) {
        let mut wanted = common.fingerprints[band].encoders();
        if let Some(encoder) = wanted.find(|encoder| row.of_band(band).get(*encoder).is_none()) {
            return Some(format!("has no embedding in column {}{encoder}", prefix(band)));
        }
    }
    None
}

/// A file of an index that is not what it should be.
pub(crate) fn damaged(path: &Path, found: String, expected: &str) -> Error {
    ErrorKind::Document { path: path.into(), what: DocumentKind::Index, found, expected: expected.into() }.into()
}

/// A file of rows that another program wrote and that cannot be used.
pub(super) fn unfit(path: &Path, found: String, expected: &str) -> Error {
    ErrorKind::Document { path: path.into(), what: DocumentKind::Rows, found, expected: expected.into() }.into()
}
