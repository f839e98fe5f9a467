//! Evidence bundles: files with their hashes in one zip that proves itself, as BagIt 1.0 (RFC 8493) says.
//!
//! A bundle is one folder in a zip: the files below `data/`, and beside it four files of text: what it is, who made it
//! of what, the SHA-256 of every file, and the SHA-256 of these texts. Whoever has `unzip` and `sha256sum -c` can
//! verify it without this program. [`write_bag`] makes one, the same bytes of the same files; [`Bag::open`] verifies
//! one whole before anything of it is believed or unpacked.
//!
//! Zips come from others. So there are limits on what is read, every name must be one that
//! [`safe_name`](super::name::safe_name) leaves alone, and an archive of which two programs could see different things
//! (two entries of one name, entries that overlap or differ from the directory, bytes before or after) is refused.

mod held;
mod read;
#[cfg(test)]
mod tests;
mod write;

pub use held::{HeldFiles, MOST_UNNAMED};
pub use read::Bag;
pub(crate) use write::tags;
pub use write::{BagContent, BagEntry, write_bag};

use serde::Serialize;

/// Most files in a bundle.
pub const MAX_FILES: usize = 100_000;
/// Most bytes of all files of a bundle together: 64 GiB.
pub const MAX_BYTES: u64 = 64 << 30;
/// Most bytes of one of the texts beside `data/`: 64 MiB.
pub const MAX_TAG_BYTES: u64 = 64 << 20;
/// Most bytes of content for each byte of the zip; sound seldom comes to 10, digital silence to 1000.
pub const MAX_RATIO: u64 = 200;
/// Bytes of content that are read whatever the ratio: 256 MiB.
pub const RATIO_FREE_BYTES: u64 = 256 << 20;

const DECLARATION: &str = "bagit.txt";
const INFO: &str = "bag-info.txt";
const MANIFEST: &str = "manifest-sha256.txt";
pub(super) const TAG_MANIFEST: &str = "tagmanifest-sha256.txt";
const DATA: &str = "data/";
const DECLARED: &str = "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n";
const OXUM: &str = "Payload-Oxum";
const AGENT: &str = "Bag-Software-Agent";

/// A file of a bundle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BagFile {
    /// Its name below `data/`.
    pub name: String,
    /// Its size.
    pub bytes: u64,
    /// SHA-256 of its content, 64 hexadecimal digits.
    pub sha256: String,
}

/// Why so many files or bytes are too many, where they are.
fn beyond_limits(files: usize, bytes: u128, zipped: Option<u64>) -> Option<(String, String)> {
    if files > MAX_FILES {
        return Some((format!("{files} files"), format!("at most {MAX_FILES}")));
    }
    if bytes > u128::from(MAX_BYTES) {
        return Some((format!("{bytes} bytes of content"), format!("at most {MAX_BYTES}")));
    }
    let zipped = zipped?;
    let most = u128::from(zipped).saturating_mul(u128::from(MAX_RATIO)).max(u128::from(RATIO_FREE_BYTES));
    (bytes > most).then(|| {
        let expected = format!("at most {MAX_RATIO} times the size of the zip, or {RATIO_FREE_BYTES} bytes");
        (format!("{bytes} bytes of content in a zip of {zipped} bytes"), expected)
    })
}
