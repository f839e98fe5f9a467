//! A library of clips as an index: every clip's quality and embeddings, computed once and kept up to date.
//!
//! An index is a folder of Parquet files that other programs read as they are. [`update`] brings it in line with its
//! library: files that have not changed are not read again, moved ones are recognised by their content, those that are
//! gone are marked. It may be interrupted at any moment; run again, it goes on where it was and comes to the same rows.
//! [`Index`] reads, also folders of Parquet files that other programs wrote with the same columns, and rows in memory.
//! What clips are worth against a voice is not decided here but in [`scan`](crate::library::scan).

mod columns;
mod footer;
mod foreign;
mod forget;
mod leaf;
mod listen;
mod manifest;
mod pages;
mod reader;
mod row;
mod schema;
mod source;
mod store;
mod table;
mod thrift;
mod update;
mod write;

pub use crate::library::walk::WalkSettings;
pub use columns::{ColumnKind, ColumnValues, columns, values};
pub(crate) use forget::{GoneRows, forget_rows};
pub use listen::{ClipToIndex, embed};
pub(crate) use manifest::holds_index;
pub use manifest::{Counts, FORMAT, FORMAT_VERSION, IndexManifest, MANIFEST, NarrowRule, Segment};
pub use reader::{Index, IndexCheck, Problem};
pub use row::{ClipFormat, ClipStatus, IndexRow};
pub use source::{IGNORE_FILES, LibrarySource};
pub(crate) use store::ROWS;
pub use update::{IndexReport, IndexSettings, Progress, Refused, update, write};
