//! Where the columns of an index lie in a file, found by their names.
//!
//! Engines differ in how they write one table: the order of columns, whether they may hold nulls, what the inside of a
//! list is called, and a column that holds nothing but nulls may have lost its type. What counts here is the name of a
//! column, and that its values can be read as what it holds.

use super::schema::{column, embeddings, prefix};
use super::table::unfit;
use crate::error::Result;
use parquet::basic::{Compression, ConvertedType, LogicalType, Repetition, Type as PhysicalType};
use parquet::file::metadata::ParquetMetaData;
use parquet::schema::types::{SchemaDescriptor, Type};
use std::collections::BTreeSet;
use std::path::Path;

/// A column with values.
#[derive(Clone, Copy, Debug)]
pub(super) struct Leaf {
    /// Its number in the file.
    pub column: usize,
    /// What its values are stored as.
    pub kind: PhysicalType,
    /// Level of definition of a value.
    pub whole: i16,
    /// Level of definition from which on a list has an element, be it null.
    pub listed: i16,
}

/// A column of an index in a file.
#[derive(Clone, Copy, Debug)]
enum Place {
    Leaf(Leaf),
    /// It holds nothing but nulls.
    Empty,
    Missing,
}

/// The columns of an index in a file, by their number in an index's own files.
#[derive(Debug)]
pub(super) struct Leaves(Vec<(String, Place)>);

impl Leaves {
    /// Finds the columns of `ours` by name.
    ///
    /// # Errors
    /// Where one is there twice or of another type.
    pub fn find(theirs: &SchemaDescriptor, ours: &Type, path: &Path) -> Result<Self> {
        let mut all = Vec::with_capacity(ours.get_fields().len());
        for field in ours.get_fields() {
            let name = field.name();
            let mut columns = (0..theirs.num_columns()).filter(|at| theirs.get_column_root(*at).name() == name);
            let place = match (columns.next(), columns.next()) {
                (None, _) => Place::Missing,
                (Some(column), None) => place(theirs, column, field).ok_or_else(|| {
                    let mut text = Vec::new();
                    parquet::schema::printer::print_schema(&mut text, theirs.get_column_root(column));
                    let text = String::from_utf8_lossy(&text).split_whitespace().collect::<Vec<_>>().join(" ");
                    unfit(
                        path,
                        format!("the column {}", text.trim_end_matches(';')),
                        &format!("{name} as {}", told(field)),
                    )
                })?,
                (Some(_), Some(_)) => {
                    let found = format!("more than one column {name}, or one with columns in it");
                    return Err(unfit(path, found, "one"));
                }
            };
            all.push((name.to_string(), place));
        }
        Ok(Leaves(all))
    }

    /// The name of a column.
    pub fn name(&self, at: usize) -> &str {
        self.0.get(at).map_or("", |(name, _)| name)
    }

    /// A column; none where the file has nothing in it.
    pub fn get(&self, at: usize) -> Option<Leaf> {
        match self.0.get(at) {
            Some((_, Place::Leaf(leaf))) => Some(*leaf),
            _ => None,
        }
    }

    fn is_missing(&self, at: usize) -> bool {
        self.0.get(at).is_none_or(|(_, place)| matches!(place, Place::Missing))
    }

    /// Refuses a file without the columns that describe clips, or without embeddings and who made them.
    pub fn check(&self, path: &Path) -> Result<()> {
        let n = embeddings().count();
        let missing = |at: usize| {
            let name = self.name(at);
            let partition = path.iter().any(|part| part.to_string_lossy().starts_with(&format!("{name}=")));
            let found = if partition {
                format!("no column {name}, which is in the name of a folder alone")
            } else {
                format!("no column {name}")
            };
            Err(unfit(path, found, "the columns of an index, as soundalike index writes them"))
        };
        if let Some(at) = (0..column::WIDTH).find(|at| self.is_missing(*at)) {
            return missing(at);
        }
        let pairs = (column::WIDTH..column::WIDTH + n).map(|at| (self.is_missing(at), self.is_missing(at + n)));
        let pairs: Vec<(bool, bool)> = pairs.collect();
        match pairs.iter().position(|(extractor, list)| extractor != list) {
            Some(at) if pairs.get(at) == Some(&(true, false)) => return missing(column::WIDTH + at),
            Some(at) => return missing(column::WIDTH + n + at),
            None => {}
        }
        if pairs.iter().take(n / 2).all(|(extractor, _)| *extractor) {
            let names: Vec<String> =
                embeddings().take(n / 2).map(|(band, encoder)| format!("{}{encoder}", prefix(band))).collect();
            let expected = format!("one of {} at least, each with who made it in NAME_extractor", names.join(", "));
            return Err(unfit(path, "no column of embeddings".into(), &expected));
        }
        Ok(())
    }

    /// Refuses columns that are compressed in a way that is not read.
    pub fn check_compression(&self, metadata: &ParquetMetaData, path: &Path) -> Result<()> {
        let read = |compression: Compression| {
            matches!(compression, Compression::UNCOMPRESSED | Compression::SNAPPY | Compression::GZIP(_))
        };
        let ours =
            |at: &usize| self.0.iter().any(|(_, place)| matches!(place, Place::Leaf(leaf) if leaf.column == *at));
        let columns = metadata.row_groups().iter().flat_map(|group| group.columns().iter().enumerate());
        let others = columns.filter(|(at, column)| ours(at) && !read(column.compression()));
        let names = others.map(|(_, column)| {
            let name = format!("{}", column.compression());
            name.split('(').next().unwrap_or_default().to_lowercase()
        });
        let names: BTreeSet<String> = names.collect();
        if names.is_empty() {
            return Ok(());
        }
        let found = format!("columns compressed with {}", names.into_iter().collect::<Vec<_>>().join(" and "));
        Err(unfit(
            path,
            found,
            "snappy, gzip or no compression, for example compression='snappy' of pyarrow and polars",
        ))
    }
}

/// What a column of ours holds, in words.
fn told(field: &Type) -> &'static str {
    match kind(field) {
        None => "a list of float or double",
        Some(PhysicalType::BYTE_ARRAY) => "strings",
        Some(PhysicalType::BOOLEAN) => "booleans",
        Some(_) => "numbers",
    }
}

/// What a column of ours is stored as; none for a list.
fn kind(field: &Type) -> Option<PhysicalType> {
    field.is_primitive().then(|| field.get_physical_type())
}

/// Where a column lies that is to hold what one of ours does; none where it cannot.
fn place(theirs: &SchemaDescriptor, column: usize, ours: &Type) -> Option<Place> {
    let leaf = theirs.column(column);
    if matches!(leaf.logical_type_ref(), Some(LogicalType::Unknown)) {
        return Some(Place::Empty);
    }
    let number = |kind: PhysicalType| {
        use PhysicalType::{DOUBLE, FLOAT, INT32, INT64};
        matches!(kind, INT32 | INT64 | FLOAT | DOUBLE)
    };
    let found = leaf.physical_type();
    let fits = match kind(ours) {
        None => matches!(found, PhysicalType::FLOAT | PhysicalType::DOUBLE) && leaf.max_rep_level() == 1,
        Some(_) if leaf.max_rep_level() != 0 || leaf.path().parts().len() != 1 => false,
        Some(kind) if number(kind) => number(found) && leaf.converted_type() != ConvertedType::DECIMAL,
        Some(kind) => kind == found,
    };
    fits.then(|| {
        let (whole, listed) = (leaf.max_def_level(), listed(theirs.get_column_root(column)));
        Place::Leaf(Leaf { column, kind: found, whole, listed })
    })
}

/// The level of definition from which on a list has an element.
fn listed(root: &Type) -> i16 {
    let (mut at, mut level) = (root, 0);
    loop {
        let repetition =
            if at.get_basic_info().has_repetition() { at.get_basic_info().repetition() } else { Repetition::REQUIRED };
        level += i16::from(repetition != Repetition::REQUIRED);
        if repetition == Repetition::REPEATED || at.is_primitive() {
            return level;
        }
        let Some(inner) = at.get_fields().first() else { return level };
        at = inner;
    }
}
