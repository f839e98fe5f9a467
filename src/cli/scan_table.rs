//! The clips of a scan as rows of a table: CSV and Parquet.

use super::table::{csv_line, csv_text};
use parquet::basic::Compression;
use parquet::column::writer::ColumnWriter;
use parquet::data_type::ByteArray;
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use soundalike::library::scan::{Cell, HitRow};
use std::io::Write;
use std::sync::Arc;

pub fn csv_header() -> String {
    csv_line(HitRow::columns().into_iter().map(|(name, _)| name))
}

pub fn csv_row(row: &HitRow) -> String {
    csv_line(row.cells().iter().map(|(_, cell)| match cell {
        Cell::Text(text) => text.as_deref().map_or(String::new(), csv_text),
        Cell::Number(number) => number.map_or(String::new(), |number| number.to_string()),
        Cell::Whole(number) => number.to_string(),
        Cell::Flag(flag) => flag.to_string(),
    }))
}

/// Writes rows as a Parquet file.
pub fn parquet(out: impl Write + Send, rows: &[HitRow]) -> Result<(), ParquetError> {
    let columns = HitRow::columns();
    let fields = columns.iter().map(|(name, cell)| match cell {
        Cell::Text(_) => format!("optional binary {name} (STRING);"),
        Cell::Number(_) => format!("optional double {name};"),
        Cell::Whole(_) => format!("required int64 {name};"),
        Cell::Flag(_) => format!("required boolean {name};"),
    });
    let schema = parse_message_type(&format!("message hit {{ {} }}", fields.collect::<String>()))?;
    let properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_created_by(format!("soundalike {}", soundalike::VERSION))
        .build();
    let mut writer = SerializedFileWriter::new(out, Arc::new(schema), Arc::new(properties))?;
    let mut group = writer.next_row_group()?;
    for at in 0..columns.len() {
        let cells = || rows.iter().filter_map(|row| row.cells().get(at).map(|(_, cell)| cell));
        let Some(mut column) = group.next_column()? else { break };
        match column.untyped() {
            ColumnWriter::ByteArrayColumnWriter(column) => {
                let texts = cells().map(|cell| if let Cell::Text(text) = cell { text.as_deref() } else { None });
                let (levels, values) = split(texts.map(|text| text.map(ByteArray::from)));
                column.write_batch(&values, Some(&levels), None)?;
            }
            ColumnWriter::DoubleColumnWriter(column) => {
                let numbers = cells().map(|cell| if let Cell::Number(number) = cell { *number } else { None });
                let (levels, values) = split(numbers);
                column.write_batch(&values, Some(&levels), None)?;
            }
            ColumnWriter::Int64ColumnWriter(column) => {
                let numbers = cells().map(|cell| if let Cell::Whole(number) = cell { *number } else { 0 });
                column.write_batch(&numbers.collect::<Vec<i64>>(), None, None)?;
            }
            ColumnWriter::BoolColumnWriter(column) => {
                let flags = cells().map(|cell| matches!(cell, Cell::Flag(true)));
                column.write_batch(&flags.collect::<Vec<bool>>(), None, None)?;
            }
            _ => return Err(ParquetError::General(format!("no value for column {at}"))),
        }
        column.close()?;
    }
    group.close()?;
    writer.close()?;
    Ok(())
}

/// Levels of definition and the values that are there.
fn split<T>(values: impl Iterator<Item = Option<T>>) -> (Vec<i16>, Vec<T>) {
    let (mut levels, mut there) = (Vec::new(), Vec::new());
    for value in values {
        levels.push(i16::from(value.is_some()));
        there.extend(value);
    }
    (levels, there)
}
