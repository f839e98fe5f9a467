//! Rows of an index into a Parquet file. The same rows give the same bytes.

use super::row::IndexRow;
use super::schema::{Common, MARK, column, embeddings, prefix, schema};
use crate::feature::ClipQuality;
use parquet::basic::{Compression, Encoding};
use parquet::column::writer::ColumnWriter;
use parquet::data_type::{ByteArray, DataType, FloatType};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::ColumnPath;
use std::io::Write;
use std::sync::Arc;

fn properties() -> WriterProperties {
    let mut properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_created_by(format!("soundalike {}", crate::VERSION))
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
        (ColumnWriter::ByteArrayColumnWriter(out), column::PATH) => required(out, rows, |row| text(&row.path)),
        (ColumnWriter::ByteArrayColumnWriter(out), column::VOICE) => required(out, rows, |row| text(&row.voice)),
        (ColumnWriter::ByteArrayColumnWriter(out), column::SHA256) => {
            optional(out, rows, |row| row.sha256.as_deref().map(text))
        }
        (ColumnWriter::Int64ColumnWriter(out), column::SIZE) => required(out, rows, |row| row.size as i64),
        (ColumnWriter::Int64ColumnWriter(out), column::MTIME_NS) => required(out, rows, |row| row.mtime_ns),
        (ColumnWriter::ByteArrayColumnWriter(out), column::CODEC) => {
            optional(out, rows, |row| Some(text(&format(row)?.codec)))
        }
        (ColumnWriter::Int32ColumnWriter(out), column::SAMPLE_RATE_HZ) => {
            optional(out, rows, |row| Some(format(row)?.sample_rate_hz as i32))
        }
        (ColumnWriter::Int32ColumnWriter(out), column::CHANNELS) => {
            optional(out, rows, |row| Some(format(row)?.channels as i32))
        }
        (ColumnWriter::DoubleColumnWriter(out), column::SECONDS) => optional(out, rows, |row| row.seconds),
        (ColumnWriter::DoubleColumnWriter(out), column::NET_SPEECH_S) => {
            optional(out, rows, |row| Some(row.quality?.net_speech_s))
        }
        (ColumnWriter::FloatColumnWriter(out), column::SNR_DB) => optional(out, rows, quality(|q| q.snr_db)),
        (ColumnWriter::FloatColumnWriter(out), column::BANDWIDTH_HZ) => {
            optional(out, rows, quality(|q| q.bandwidth_hz))
        }
        (ColumnWriter::FloatColumnWriter(out), column::CLIPPING_PERCENT) => {
            optional(out, rows, quality(|q| Some(q.clipping_percent)))
        }
        (ColumnWriter::FloatColumnWriter(out), column::LEVEL_DBFS) => optional(out, rows, quality(|q| q.level_dbfs)),
        (ColumnWriter::BoolColumnWriter(out), column::NARROW_BAND) => {
            optional(out, rows, |row| Some(row.quality?.is_narrow_band()))
        }
        (ColumnWriter::ByteArrayColumnWriter(out), column::STATUS) => {
            required(out, rows, |row| text(row.status.name()))
        }
        (ColumnWriter::ByteArrayColumnWriter(out), column::REASON) => {
            optional(out, rows, |row| row.reason.as_ref().map(|(code, _)| text(code)))
        }
        (ColumnWriter::ByteArrayColumnWriter(out), column::MESSAGE) => {
            optional(out, rows, |row| row.reason.as_ref().map(|(_, message)| text(message)))
        }
        (ColumnWriter::ByteArrayColumnWriter(out), column::CHANNEL) => required(out, rows, |_| text(&common.channel)),
        (ColumnWriter::ByteArrayColumnWriter(out), _) => {
            let print = embeddings().nth(at - column::WIDTH);
            let print = print.and_then(|(band, encoder)| common.fingerprints[band].get(encoder));
            optional(out, rows, |_| print.map(|print| text(print)))
        }
        (ColumnWriter::FloatColumnWriter(out), _) => {
            let column = embeddings().nth((at - column::WIDTH).saturating_sub(embeddings().count()));
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
