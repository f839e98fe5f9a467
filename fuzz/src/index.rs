//! Indexes: the manifest (JSON) and the segments (Parquet), of this program and of others.

use super::{folder, write};
use soundalike::library::index::{Index, MANIFEST};

/// A manifest of an index of this program, whose one segment is `rows.parquet`.
const OWN: &[u8] = include_bytes!("../seeds/index/manifest.json");
/// Its segment.
const ROWS: &[u8] = include_bytes!("../seeds/index/rows.parquet");

/// Reads a manifest beside a segment that is whole, or a segment both as one of this program and as one of others.
pub fn read(bytes: &[u8]) {
    if bytes.trim_ascii_start().first() == Some(&b'{') {
        open(&[(MANIFEST, bytes), ("rows.parquet", ROWS)]);
    } else {
        open(&[(MANIFEST, OWN), ("rows.parquet", bytes)]);
        open(&[("rows.parquet", bytes)]);
    }
}

fn open(files: &[(&str, &[u8])]) {
    let folder = folder();
    for (name, bytes) in files {
        write(&folder, name, bytes);
    }
    let Ok(index) = Index::open(folder.path(), &soundalike::encryption::Keys::none(), 1) else { return };
    let _ = index.manifest().counts();
    let _ = index.check(None, 1);
    for segment in index.manifest().segments.iter().take(4) {
        let _ = index.rows(segment);
    }
}
