//! Rows of an index as a Parquet file.
//!
//! The schema is fixed: every file has every column, with nulls where an encoder did not run. Embeddings are
//! `list<float32>`, the one form that Spark, DuckDB, pandas and Polars all read; that a list has its encoder's length
//! is checked here on reading. The same rows give the same bytes.

use super::row::{ClipFormat, ClipStatus, IndexRow};
use crate::encoder::{Band, Encoder, PerEncoder};
use crate::error::{Error, ErrorKind, IoContext, Result};
use crate::feature::ClipQuality;
use parquet::basic::{Compression, Encoding};
use parquet::column::reader::{ColumnReader, get_typed_column_reader};
use parquet::column::writer::ColumnWriter;
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DataType, DoubleType, FloatType, Int32Type, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::reader::{FileReader, RowGroupReader, SerializedFileReader};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::{ColumnPath, Type};
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

/// The columns before the fingerprints and the embeddings, in the words of Parquet's schema language.
const CLIP_COLUMNS: &str = "
    required binary path (STRING);
    required binary voice (STRING);
    optional binary sha256 (STRING);
    required int64 size;
    required int64 mtime_ns;
    optional binary codec (STRING);
    optional int32 sample_rate_hz;
    optional int32 channels;
    optional double seconds;
    optional double net_speech_s;
    optional float snr_db;
    optional float bandwidth_hz;
    optional float clipping_percent;
    optional float level_dbfs;
    optional boolean narrow_band;
    required binary status (STRING);
    optional binary reason (STRING);
    optional binary message (STRING);
    required binary channel (STRING);
";
/// Number of columns in [`CLIP_COLUMNS`].
const CLIP_WIDTH: usize = 19;
/// Columns that are read to compare an index with a library: path, voice, sha256, size, mtime_ns, status.
const STATUS: usize = 15;

/// What every row of an index has in common.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Common {
    /// The channel that was asked for.
    pub channel: String,
    /// Fingerprint of each encoder's extractor, by band.
    pub fingerprints: [PerEncoder<String>; 2],
    /// Length of each encoder's embedding, by band.
    pub widths: [PerEncoder<usize>; 2],
}

/// Prefix of a band's columns.
fn prefix(band: Band) -> &'static str {
    if band == Band::Narrow { "narrow_" } else { "" }
}

/// The columns of the embeddings, in their order.
fn embeddings() -> impl Iterator<Item = (Band, Encoder)> {
    Band::ALL.into_iter().flat_map(|band| Encoder::ALL.into_iter().map(move |encoder| (band, encoder)))
}

fn schema() -> std::result::Result<Arc<Type>, ParquetError> {
    let mut text = format!("message clip {{ {CLIP_COLUMNS}");
    for (band, encoder) in embeddings() {
        text.push_str(&format!("optional binary {}{encoder}_extractor (STRING);\n", prefix(band)));
    }
    for (band, encoder) in embeddings() {
        let name = format!("{}{encoder}", prefix(band));
        text.push_str(&format!(
            "optional group {name} (LIST) {{ repeated group list {{ required float element; }} }}\n"
        ));
    }
    text.push('}');
    parquet::schema::parser::parse_message_type(&text).map(Arc::new)
}

/// What a file says it is, under the key `soundalike` of its metadata.
const MARK: (&str, &str) = ("soundalike", "index 1");

fn properties() -> WriterProperties {
    let mut properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_created_by(format!("soundalike {}", super::super::outcome::VERSION))
        .set_max_row_group_row_count(None)
        .set_key_value_metadata(Some(vec![KeyValue { key: MARK.0.into(), value: Some(MARK.1.into()) }]));
    for (band, encoder) in embeddings() {
        let path = || ColumnPath::new(vec![format!("{}{encoder}", prefix(band)), "list".into(), "element".into()]);
        // Numbers of this kind do not compress, and their least and greatest say nothing.
        properties = properties
            .set_column_compression(path(), Compression::UNCOMPRESSED)
            .set_column_encoding(path(), Encoding::PLAIN)
            .set_column_dictionary_enabled(path(), false)
            .set_column_statistics_enabled(path(), EnabledStatistics::None);
    }
    properties.build()
}

/// Writes rows as one row group.
pub(crate) fn write(
    out: impl Write + Send,
    rows: &[IndexRow],
    common: &Common,
) -> std::result::Result<(), ParquetError> {
    let mut writer = SerializedFileWriter::new(out, schema()?, Arc::new(properties()))?;
    let mut group = writer.next_row_group()?;
    let mut at = 0;
    while let Some(mut column) = group.next_column()? {
        column_of(column.untyped(), at, rows, common)?;
        column.close()?;
        at += 1;
    }
    group.close()?;
    writer.close()?;
    Ok(())
}

fn column_of(
    column: &mut ColumnWriter<'_>,
    at: usize,
    rows: &[IndexRow],
    common: &Common,
) -> std::result::Result<(), ParquetError> {
    let text = |text: &str| ByteArray::from(text);
    let quality = |value: fn(&ClipQuality) -> Option<f32>| move |row: &IndexRow| row.quality.as_ref().and_then(value);
    let format = |row: &IndexRow| row.format.clone();
    match (column, at) {
        (ColumnWriter::ByteArrayColumnWriter(out), 0) => required(out, rows, |row| text(&row.path)),
        (ColumnWriter::ByteArrayColumnWriter(out), 1) => required(out, rows, |row| text(&row.voice)),
        (ColumnWriter::ByteArrayColumnWriter(out), 2) => optional(out, rows, |row| row.sha256.as_deref().map(text)),
        (ColumnWriter::Int64ColumnWriter(out), 3) => required(out, rows, |row| row.size as i64),
        (ColumnWriter::Int64ColumnWriter(out), 4) => required(out, rows, |row| row.mtime_ns),
        (ColumnWriter::ByteArrayColumnWriter(out), 5) => optional(out, rows, |row| Some(text(&format(row)?.codec))),
        (ColumnWriter::Int32ColumnWriter(out), 6) => {
            optional(out, rows, |row| Some(format(row)?.sample_rate_hz as i32))
        }
        (ColumnWriter::Int32ColumnWriter(out), 7) => optional(out, rows, |row| Some(format(row)?.channels as i32)),
        (ColumnWriter::DoubleColumnWriter(out), 8) => optional(out, rows, |row| row.seconds),
        (ColumnWriter::DoubleColumnWriter(out), 9) => optional(out, rows, |row| Some(row.quality?.net_speech_s)),
        (ColumnWriter::FloatColumnWriter(out), 10) => optional(out, rows, quality(|q| q.snr_db)),
        (ColumnWriter::FloatColumnWriter(out), 11) => optional(out, rows, quality(|q| q.bandwidth_hz)),
        (ColumnWriter::FloatColumnWriter(out), 12) => optional(out, rows, quality(|q| Some(q.clipping_percent))),
        (ColumnWriter::FloatColumnWriter(out), 13) => optional(out, rows, quality(|q| q.level_dbfs)),
        (ColumnWriter::BoolColumnWriter(out), 14) => optional(out, rows, |row| Some(row.quality?.is_narrow_band())),
        (ColumnWriter::ByteArrayColumnWriter(out), STATUS) => required(out, rows, |row| text(row.status.name())),
        (ColumnWriter::ByteArrayColumnWriter(out), 16) => {
            optional(out, rows, |row| row.reason.as_ref().map(|(code, _)| text(code)))
        }
        (ColumnWriter::ByteArrayColumnWriter(out), 17) => {
            optional(out, rows, |row| row.reason.as_ref().map(|(_, message)| text(message)))
        }
        (ColumnWriter::ByteArrayColumnWriter(out), 18) => required(out, rows, |_| text(&common.channel)),
        (ColumnWriter::ByteArrayColumnWriter(out), _) => {
            let print = embeddings().nth(at - CLIP_WIDTH);
            let print = print.and_then(|(band, encoder)| common.fingerprints[band as usize].get(encoder));
            optional(out, rows, |_| print.map(|print| text(print)))
        }
        (ColumnWriter::FloatColumnWriter(out), _) => {
            let column = embeddings().nth((at - CLIP_WIDTH).saturating_sub(embeddings().count()));
            lists(out, rows, |row| column.and_then(|(band, encoder)| row.of_band(band).get(encoder)))
        }
        _ => Err(ParquetError::General(format!("no value for column {at}"))),
    }
}

type Writer<'a, 'b, T> = &'b mut parquet::column::writer::ColumnWriterImpl<'a, T>;

fn required<T: DataType>(
    out: Writer<'_, '_, T>,
    rows: &[IndexRow],
    value: impl Fn(&IndexRow) -> T::T,
) -> std::result::Result<(), ParquetError> {
    let values: Vec<T::T> = rows.iter().map(value).collect();
    out.write_batch(&values, None, None).map(drop)
}

fn optional<T: DataType>(
    out: Writer<'_, '_, T>,
    rows: &[IndexRow],
    value: impl Fn(&IndexRow) -> Option<T::T>,
) -> std::result::Result<(), ParquetError> {
    let values: Vec<Option<T::T>> = rows.iter().map(value).collect();
    let levels: Vec<i16> = values.iter().map(|value| i16::from(value.is_some())).collect();
    let values: Vec<T::T> = values.into_iter().flatten().collect();
    out.write_batch(&values, Some(&levels), None).map(drop)
}

/// Level of definition of a value in a list.
const IN_LIST: i16 = 2;

fn lists<'r>(
    out: Writer<'_, '_, FloatType>,
    rows: &'r [IndexRow],
    value: impl Fn(&'r IndexRow) -> Option<&'r Vec<f32>>,
) -> std::result::Result<(), ParquetError> {
    let (mut values, mut definition, mut repetition) = (Vec::new(), Vec::new(), Vec::new());
    for row in rows {
        match value(row).filter(|list| !list.is_empty()) {
            Some(list) => {
                values.extend_from_slice(list);
                definition.resize(definition.len() + list.len(), IN_LIST);
                repetition.push(0);
                repetition.resize(definition.len(), 1);
            }
            None => {
                definition.push(0);
                repetition.push(0);
            }
        }
    }
    out.write_batch(&values, Some(&definition), Some(&repetition)).map(drop)
}

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

/// A file of rows that was opened and has the schema of an index.
pub(crate) struct Table<'a> {
    path: &'a Path,
    reader: SerializedFileReader<File>,
    common: &'a Common,
}

impl<'a> Table<'a> {
    /// Opens a file and holds its schema to that of an index.
    pub fn open(path: &'a Path, common: &'a Common) -> Result<Self> {
        let file = File::open(path).at(path, "open")?;
        let broken = |error: ParquetError| damaged(path, error.to_string(), "a whole Parquet file");
        let reader = SerializedFileReader::new(file).map_err(broken)?;
        let found = reader.metadata().file_metadata().schema_descr().root_schema_ptr();
        if found != schema().map_err(broken)? {
            let mut text = Vec::new();
            parquet::schema::printer::print_schema(&mut text, &found);
            let text = String::from_utf8_lossy(&text).split_whitespace().collect::<Vec<_>>().join(" ");
            let short: String = text.chars().take(200).collect();
            return Err(damaged(path, format!("the columns {short}"), "those of an index of version 1"));
        }
        Ok(Table { path, reader, common })
    }

    /// Reads what decides whether files have changed.
    pub fn known(&self) -> Result<Vec<Known>> {
        let mut all = Vec::new();
        self.groups(|columns| {
            let paths = columns.texts(0)?;
            let (voices, hashes) = (columns.texts(1)?, columns.texts(2)?);
            let (sizes, times) = (columns.of::<Int64Type>(3)?, columns.of::<Int64Type>(4)?);
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

    fn groups(&self, mut take: impl FnMut(&Columns<'_>) -> Result<()>) -> Result<()> {
        let broken = |error: ParquetError| damaged(self.path, error.to_string(), "a whole Parquet file");
        for group in 0..self.reader.num_row_groups() {
            let group = self.reader.get_row_group(group).map_err(broken)?;
            take(&Columns { group: group.as_ref(), path: self.path, common: self.common })?;
        }
        Ok(())
    }
}

/// The columns of one row group.
struct Columns<'a> {
    group: &'a dyn RowGroupReader,
    path: &'a Path,
    common: &'a Common,
}

impl Columns<'_> {
    fn broken(&self, found: impl ToString) -> Error {
        damaged(self.path, found.to_string(), "the rows of an index")
    }

    fn count(&self) -> usize {
        usize::try_from(self.group.metadata().num_rows()).unwrap_or(0)
    }

    fn reader(&self, at: usize) -> Result<ColumnReader> {
        self.group.get_column_reader(at).map_err(|error| self.broken(error))
    }

    /// The values of a column that has one or none a row.
    fn of<T: DataType>(&self, at: usize) -> Result<Vec<Option<T::T>>> {
        let mut reader = get_typed_column_reader::<T>(self.reader(at)?);
        let (mut values, mut levels) = (Vec::new(), Vec::new());
        let mut read = 0;
        while read < self.count() {
            let left = self.count() - read;
            let (records, ..) =
                reader.read_records(left, Some(&mut levels), None, &mut values).map_err(|error| self.broken(error))?;
            if records == 0 {
                return Err(self.broken(format!("{read} values in column {at} of {} rows", self.count())));
            }
            read += records;
        }
        // A column that must have a value in every row has no levels.
        if levels.is_empty() {
            return Ok(values.into_iter().map(Some).collect());
        }
        let mut values = values.into_iter();
        Ok(levels.into_iter().map(|level| if level == 1 { values.next() } else { None }).collect())
    }

    fn texts(&self, at: usize) -> Result<Vec<Option<String>>> {
        let text = |bytes: ByteArray| {
            let text = bytes.as_utf8().map(str::to_string);
            text.map_err(|_| self.broken(format!("a value in column {at} that is no text")))
        };
        self.of::<ByteArrayType>(at)?.into_iter().map(|value| value.map(text).transpose()).collect()
    }

    fn statuses(&self) -> Result<Vec<ClipStatus>> {
        let status = |word: Option<ByteArray>| {
            let word = word.unwrap_or_default();
            ClipStatus::of(word.data())
                .ok_or_else(|| self.broken(format!("the status \"{}\"", String::from_utf8_lossy(word.data()))))
        };
        self.of::<ByteArrayType>(STATUS)?.into_iter().map(status).collect()
    }

    /// The lists of a column, of `width` values each.
    fn lists(&self, at: usize, width: Option<usize>) -> Result<Vec<Option<Vec<f32>>>> {
        let mut reader = get_typed_column_reader::<FloatType>(self.reader(at)?);
        let (mut values, mut definition, mut repetition) = (Vec::new(), Vec::new(), Vec::new());
        let mut read = 0;
        while read < self.count() {
            let left = self.count() - read;
            let (records, ..) = reader
                .read_records(left, Some(&mut definition), Some(&mut repetition), &mut values)
                .map_err(|error| self.broken(error))?;
            if records == 0 {
                return Err(self.broken(format!("{read} lists in column {at} of {} rows", self.count())));
            }
            read += records;
        }
        let mut lists: Vec<Option<Vec<f32>>> = Vec::with_capacity(self.count());
        let mut values = values.into_iter();
        for (definition, repetition) in definition.into_iter().zip(repetition) {
            if repetition == 0 {
                lists.push((definition > 0).then(|| Vec::with_capacity(width.unwrap_or(0))));
            }
            if let (Some(Some(list)), IN_LIST) = (lists.last_mut(), definition) {
                list.extend(values.next());
            }
        }
        for list in lists.iter().flatten() {
            if Some(list.len()) != width || !list.iter().all(|x| x.is_finite()) || list.iter().all(|x| *x == 0.0) {
                let found = format!("an embedding of {} values in column {at}", list.len());
                let expected = format!("{} numbers, not all of them 0", width.unwrap_or(0));
                return Err(damaged(self.path, found, &expected));
            }
        }
        Ok(lists)
    }

    fn rows(&self, whole: bool) -> Result<Vec<IndexRow>> {
        let (paths, voices, hashes) = (self.texts(0)?, self.texts(1)?, self.texts(2)?);
        let (sizes, times) = (self.of::<Int64Type>(3)?, self.of::<Int64Type>(4)?);
        let (codecs, rates, channels) = (self.texts(5)?, self.of::<Int32Type>(6)?, self.of::<Int32Type>(7)?);
        let (seconds, speech) = (self.of::<DoubleType>(8)?, self.of::<DoubleType>(9)?);
        let (snr, bandwidth) = (self.of::<FloatType>(10)?, self.of::<FloatType>(11)?);
        let (clipping, level) = (self.of::<FloatType>(12)?, self.of::<FloatType>(13)?);
        let _narrow = self.of::<BoolType>(14)?;
        let (statuses, codes, messages) = (self.statuses()?, self.texts(16)?, self.texts(17)?);
        self.same(18, Some(&self.common.channel))?;
        let n = embeddings().count();
        let mut rows = Vec::with_capacity(self.count());
        let at = |values: &Vec<Option<String>>, i: usize| values.get(i).cloned().flatten();
        for (i, path) in paths.iter().enumerate() {
            let format = codecs.get(i).cloned().flatten().map(|codec| ClipFormat {
                codec,
                sample_rate_hz: rates.get(i).copied().flatten().unwrap_or(0) as u32,
                channels: channels.get(i).copied().flatten().unwrap_or(0) as u32,
            });
            let quality = speech.get(i).copied().flatten().map(|net_speech_s| ClipQuality {
                net_speech_s,
                snr_db: snr.get(i).copied().flatten(),
                bandwidth_hz: bandwidth.get(i).copied().flatten(),
                clipping_percent: clipping.get(i).copied().flatten().unwrap_or(0.0),
                level_dbfs: level.get(i).copied().flatten(),
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
        for (column, (band, encoder)) in embeddings().enumerate() {
            self.same(CLIP_WIDTH + column, self.common.fingerprints[band as usize].get(encoder))?;
            if !whole {
                continue;
            }
            let width = self.common.widths[band as usize].get(encoder).copied();
            let lists = self.lists(CLIP_WIDTH + n + column, width)?;
            for (row, list) in rows.iter_mut().zip(lists) {
                let side = if band == Band::Narrow { &mut row.narrow } else { &mut row.wide };
                list.into_iter().for_each(|list| side.set(encoder, list));
            }
        }
        Ok(rows)
    }

    /// Refuses a column that does not hold the one expected text in every row.
    fn same(&self, at: usize, expected: Option<&String>) -> Result<()> {
        let values = self.of::<ByteArrayType>(at)?;
        let expected = expected.map(String::as_bytes);
        match values.iter().find(|value| value.as_ref().map(ByteArray::data) != expected) {
            Some(other) => {
                let shown = |bytes: Option<&[u8]>| {
                    bytes.map_or("nothing".into(), |bytes| format!("\"{}\"", String::from_utf8_lossy(bytes)))
                };
                let found = format!("{} in column {at}", shown(other.as_ref().map(ByteArray::data)));
                Err(damaged(self.path, found, &format!("{}, as the index says", shown(expected))))
            }
            None => Ok(()),
        }
    }
}

/// A file of an index that is not what it should be.
pub(crate) fn damaged(path: &Path, found: String, expected: &str) -> Error {
    ErrorKind::Document { path: path.into(), what: "index", found, expected: expected.into() }.into()
}
