//! The clips of a scan as rows of a table: CSV and Parquet.

use super::table::harmless;
use parquet::basic::Compression;
use parquet::column::writer::ColumnWriter;
use parquet::data_type::ByteArray;
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use soundalike::encoder::Encoder;
use soundalike::library::scan::{Hit, VoiceScan};
use std::io::Write;
use std::sync::Arc;

/// A value of a column.
#[derive(Clone, Debug)]
enum Cell {
    Text(Option<String>),
    Number(Option<f64>),
    Whole(i64),
    Flag(bool),
}

/// A clip beside a voice, column by column.
pub struct HitRow(Vec<(String, Cell)>);

impl HitRow {
    pub fn of(voice: &VoiceScan, hit: &Hit, ranked: bool) -> Self {
        let list = if ranked { "hits" } else { "withheld" };
        let mut cells = vec![
            ("voice".to_string(), Cell::Text(Some(voice.voice.clone()))),
            ("list".into(), Cell::Text(Some(list.into()))),
            ("rank".into(), Cell::Whole(hit.rank as i64)),
            ("flagged".into(), Cell::Flag(hit.flagged)),
            ("path".into(), Cell::Text(Some(hit.path.clone()))),
            ("library_voice".into(), Cell::Text(Some(hit.library_voice.clone()))),
            ("sha256".into(), Cell::Text(hit.sha256.clone())),
            ("log10_lr".into(), Cell::Number(hit.log10_lr)),
            ("log10_lr_low".into(), Cell::Number(hit.log10_lr_low)),
            ("log10_lr_high".into(), Cell::Number(hit.log10_lr_high)),
            ("unbounded_log10_lr".into(), Cell::Number(hit.unbounded_log10_lr)),
            ("posterior".into(), Cell::Number(hit.posterior)),
            ("likeness".into(), Cell::Number(hit.likeness)),
            ("likeness_low".into(), Cell::Number(hit.likeness_low)),
            ("likeness_high".into(), Cell::Number(hit.likeness_high)),
        ];
        for encoder in Encoder::ALL {
            cells.push((encoder.name().into(), Cell::Number(hit.cosines.get(encoder).copied())));
        }
        cells.extend([
            ("band".into(), Cell::Text(Some(hit.band.to_string()))),
            ("seconds".into(), Cell::Number(hit.seconds)),
            ("net_speech_s".into(), Cell::Number(Some(hit.net_speech_s))),
            ("snr_db".into(), Cell::Number(hit.snr_db.map(f64::from))),
            ("reason".into(), Cell::Text(hit.reason.as_ref().map(|reason| reason.message.clone()))),
        ]);
        HitRow(cells)
    }

    /// The columns, in their order.
    fn columns() -> Vec<(String, Cell)> {
        let mut columns: Vec<(String, Cell)> = Vec::new();
        let mut add = |name: &str, cell: Cell| columns.push((name.into(), cell));
        let (text, number) = (Cell::Text(None), Cell::Number(None));
        add("voice", text.clone());
        add("list", text.clone());
        add("rank", Cell::Whole(0));
        add("flagged", Cell::Flag(false));
        ["path", "library_voice", "sha256"].iter().for_each(|name| add(name, text.clone()));
        let figures = ["log10_lr", "log10_lr_low", "log10_lr_high", "unbounded_log10_lr", "posterior"];
        figures.iter().for_each(|name| add(name, number.clone()));
        ["likeness", "likeness_low", "likeness_high"].iter().for_each(|name| add(name, number.clone()));
        Encoder::ALL.iter().for_each(|encoder| add(encoder.name(), number.clone()));
        add("band", text.clone());
        ["seconds", "net_speech_s", "snr_db"].iter().for_each(|name| add(name, number.clone()));
        add("reason", text);
        columns
    }
}

/// A line of CSV (RFC 4180, with line feeds).
fn line(cells: impl Iterator<Item = String>) -> String {
    let quoted = |cell: String| {
        if cell.contains([',', '"', '\n', '\r']) { format!("\"{}\"", cell.replace('"', "\"\"")) } else { cell }
    };
    cells.map(quoted).collect::<Vec<_>>().join(",") + "\n"
}

pub fn csv_header() -> String {
    line(HitRow::columns().into_iter().map(|(name, _)| name))
}

pub fn csv_row(row: &HitRow) -> String {
    line(row.0.iter().map(|(_, cell)| match cell {
        Cell::Text(text) => text.as_deref().map_or(String::new(), harmless),
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
        .set_created_by(format!("soundalike {}", env!("CARGO_PKG_VERSION")))
        .build();
    let mut writer = SerializedFileWriter::new(out, Arc::new(schema), Arc::new(properties))?;
    let mut group = writer.next_row_group()?;
    for at in 0..columns.len() {
        let cells = || rows.iter().filter_map(|row| row.0.get(at).map(|(_, cell)| cell));
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
