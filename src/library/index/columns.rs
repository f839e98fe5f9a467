//! Rows of an index column by column, for programs that hold tables in memory; the columns are those of the files.
//!
//! It makes columns of rows and no files; `write` makes segments.

use super::row::IndexRow;
use super::schema::{Common, embeddings, schema};
use crate::encoder::Panel;
use crate::error::{DocumentKind, Error, ErrorKind, Result};
use parquet::basic::Type as Physical;
use parquet::schema::types::Type;

/// What the values of a column are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnKind {
    /// Text.
    Text,
    /// Whole numbers of 32 bits.
    Int,
    /// Whole numbers of 64 bits.
    Long,
    /// Numbers of single precision.
    Float,
    /// Numbers of double precision.
    Double,
    /// Yes or no.
    Flag,
    /// Lists of numbers of single precision.
    Lists,
}

/// The values of a column, row by row.
#[derive(Clone, Debug, PartialEq)]
pub enum ColumnValues {
    /// Text.
    Text(Vec<Option<String>>),
    /// Whole numbers of 32 bits.
    Int(Vec<Option<i32>>),
    /// Whole numbers of 64 bits.
    Long(Vec<i64>),
    /// Numbers of single precision.
    Float(Vec<Option<f32>>),
    /// Numbers of double precision.
    Double(Vec<Option<f64>>),
    /// Yes or no.
    Flag(Vec<Option<bool>>),
    /// Lists of numbers of single precision.
    Lists(Vec<Option<Vec<f32>>>),
}

/// The columns of an index in their order: name, kind, and whether a value may be missing.
///
/// # Errors
/// None that this version's schema could give.
pub fn columns() -> Result<Vec<(String, ColumnKind, bool)>> {
    let wrong = |found: String| {
        Error::from(ErrorKind::Document {
            path: "index".into(),
            what: DocumentKind::Index,
            found,
            expected: "its schema".into(),
        })
    };
    let schema = schema().map_err(|error| wrong(error.to_string()))?;
    let kind = |field: &Type| match field {
        Type::GroupType { .. } => Ok(ColumnKind::Lists),
        Type::PrimitiveType { physical_type, .. } => match physical_type {
            Physical::BYTE_ARRAY => Ok(ColumnKind::Text),
            Physical::INT32 => Ok(ColumnKind::Int),
            Physical::INT64 => Ok(ColumnKind::Long),
            Physical::FLOAT => Ok(ColumnKind::Float),
            Physical::DOUBLE => Ok(ColumnKind::Double),
            Physical::BOOLEAN => Ok(ColumnKind::Flag),
            other => Err(wrong(format!("a column of {other}"))),
        },
    };
    schema.get_fields().iter().map(|field| Ok((field.name().into(), kind(field)?, field.is_optional()))).collect()
}

/// The values of every column of [`columns`], in their order, of rows that a panel and its twin of the narrow band
/// made.
pub fn values(rows: &[IndexRow], panel: &Panel, narrow_panel: &Panel) -> Vec<ColumnValues> {
    let common = Common::of(panel, narrow_panel);
    let text = |of: &dyn Fn(&IndexRow) -> Option<String>| ColumnValues::Text(rows.iter().map(of).collect());
    let float = |of: &dyn Fn(&IndexRow) -> Option<f32>| ColumnValues::Float(rows.iter().map(of).collect());
    let double = |of: &dyn Fn(&IndexRow) -> Option<f64>| ColumnValues::Double(rows.iter().map(of).collect());
    let int = |of: &dyn Fn(&IndexRow) -> Option<u32>| {
        ColumnValues::Int(rows.iter().map(|row| of(row).map(|x| x as i32)).collect())
    };
    let mut all = vec![
        text(&|row| Some(row.path.clone())),
        text(&|row| Some(row.voice.clone())),
        text(&|row| row.sha256.clone()),
        ColumnValues::Long(rows.iter().map(|row| row.size as i64).collect()),
        ColumnValues::Long(rows.iter().map(|row| row.mtime_ns).collect()),
        text(&|row| Some(row.format.as_ref()?.codec.clone())),
        int(&|row| Some(row.format.as_ref()?.sample_rate_hz)),
        int(&|row| Some(row.format.as_ref()?.channels)),
        double(&|row| row.seconds),
        double(&|row| Some(row.quality?.net_speech_s)),
        float(&|row| row.quality?.snr_db),
        float(&|row| row.quality?.bandwidth_hz),
        float(&|row| Some(row.quality?.clipping_percent)),
        float(&|row| row.quality?.level_dbfs),
        ColumnValues::Flag(rows.iter().map(|row| Some(row.quality?.is_narrow_band())).collect()),
        text(&|row| Some(row.status.name().into())),
        text(&|row| Some(row.reason.as_ref()?.0.clone())),
        text(&|row| Some(row.reason.as_ref()?.1.clone())),
        text(&|_| Some(common.channel.clone())),
    ];
    all.extend(embeddings().map(|(band, encoder)| text(&|_| common.fingerprints[band].get(encoder).cloned())));
    let lists = |(band, encoder)| {
        let list = |row: &IndexRow| row.of_band(band).get(encoder).filter(|list| !list.is_empty()).cloned();
        ColumnValues::Lists(rows.iter().map(list).collect())
    };
    all.extend(embeddings().map(lists));
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encoder::{Encoder, PanelSettings};
    use crate::library::index::ClipStatus;

    #[test]
    fn values_stand_in_the_columns_that_files_have() {
        let settings = PanelSettings { encoders: "mfcc".parse().unwrap(), ..Default::default() };
        let panel = Panel::new(&settings).unwrap();
        let mut row = IndexRow {
            path: "a/b.wav".into(),
            voice: "a".into(),
            sha256: Some("0".repeat(64)),
            size: 7,
            mtime_ns: 9,
            format: None,
            seconds: Some(1.5),
            quality: None,
            status: ClipStatus::Usable,
            reason: None,
            wide: Default::default(),
            narrow: Default::default(),
        };
        row.wide.set(Encoder::Mfcc, vec![0.5; panel.width(Encoder::Mfcc).unwrap()]);
        let (columns, values) =
            (columns().unwrap(), values(std::slice::from_ref(&row), &panel, &panel.narrow().unwrap()));
        assert_eq!(columns.len(), values.len());
        for ((name, kind, optional), values) in columns.iter().zip(&values) {
            let (found, missing) = match values {
                ColumnValues::Text(v) => (ColumnKind::Text, v[0].is_none()),
                ColumnValues::Int(v) => (ColumnKind::Int, v[0].is_none()),
                ColumnValues::Long(_) => (ColumnKind::Long, false),
                ColumnValues::Float(v) => (ColumnKind::Float, v[0].is_none()),
                ColumnValues::Double(v) => (ColumnKind::Double, v[0].is_none()),
                ColumnValues::Flag(v) => (ColumnKind::Flag, v[0].is_none()),
                ColumnValues::Lists(v) => (ColumnKind::Lists, v[0].is_none()),
            };
            assert_eq!(found, *kind, "{name}");
            assert!(*optional || !missing, "{name}");
        }
        let at = |name: &str| values[columns.iter().position(|column| column.0 == name).unwrap()].clone();
        assert_eq!(at("mfcc"), ColumnValues::Lists(vec![row.wide.mfcc.clone()]));
        assert_eq!(at("narrow_mfcc"), ColumnValues::Lists(vec![None]));
        assert_eq!(at("status"), ColumnValues::Text(vec![Some("usable".into())]));
        assert!(matches!(at("mfcc_extractor"), ColumnValues::Text(v) if v[0].is_some()));
    }
}
