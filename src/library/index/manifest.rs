//! `_index.json`: what an index is, which of its segments count, and what their rows are.
//!
//! Here it is read and checked; `store` writes it.

use super::row::{ClipStatus, IndexRow};
use super::schema::{Common, MOST_VALUES};
use super::store::opened;
use super::table::damaged;
use crate::encoder::{PerBand, PerEncoder};
use crate::encryption::{FolderKey, is_encrypted_file};
use crate::error::{IoContext, Result};
use crate::feature::ClipQuality;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Component, Path};

/// What `_index.json` says it is.
pub const FORMAT: &str = "soundalike index";
/// The version of the format that is written and read.
pub const FORMAT_VERSION: u32 = 1;
/// Name of the file that says which segments count.
pub const MANIFEST: &str = "_index.json";

/// What an index is: its settings and its segments.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IndexManifest {
    /// Always `soundalike index`.
    pub format: String,
    /// Version of the format, 1.
    pub version: u32,
    /// Version of the program that wrote it last.
    pub program: String,
    /// The library as it was named last; the rows' paths start from it.
    pub library: String,
    /// The channel that is used of every clip.
    pub channel: String,
    /// For which clips the narrow band is computed: `auto` for narrow-band ones, or `all`.
    pub narrow: NarrowRule,
    /// Fingerprint of each encoder's extractor.
    pub fingerprints: PerEncoder<String>,
    /// The same of the narrow band.
    pub narrow_fingerprints: PerEncoder<String>,
    /// Length of each encoder's embeddings.
    pub widths: PerEncoder<usize>,
    /// The same of the narrow band.
    pub narrow_widths: PerEncoder<usize>,
    /// The segments, in the order of their rows' paths.
    pub segments: Vec<Segment>,
}

/// For which clips embeddings of the narrow band are computed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum NarrowRule {
    /// For clips that are narrow-band themselves: enough for references that are not.
    #[default]
    Auto,
    /// For all, so that narrow-band references can be looked for too; takes twice as long.
    All,
}

/// A file of an index and what is in it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Segment {
    /// Its name, which comes from its SHA-256.
    pub file: String,
    /// SHA-256 of the file before it was encrypted, if it was; 64 hexadecimal digits.
    pub sha256: String,
    /// Size of the file before it was encrypted, bytes.
    pub bytes: u64,
    /// Path of the first row.
    pub first: String,
    /// Path of the last row.
    pub last: String,
    /// What its rows are.
    #[serde(flatten)]
    pub counts: Counts,
}

/// What rows are.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Counts {
    /// Number of rows.
    pub rows: usize,
    /// Clips with embeddings.
    pub usable: usize,
    /// Clips without.
    pub refused: usize,
    /// Clips whose file is not there any more.
    pub vanished: usize,
    /// Usable clips that are narrow-band.
    pub narrow_band: usize,
    /// Usable clips with embeddings of the narrow band.
    pub with_narrow: usize,
    /// Length of the usable clips, seconds.
    pub seconds: f64,
    /// Speech in the usable clips, seconds.
    pub net_speech_s: f64,
    /// Number of refused clips by the code of the reason.
    pub reasons: BTreeMap<String, usize>,
}

impl Counts {
    pub(crate) fn of(rows: &[IndexRow]) -> Self {
        Self::rounded(rows, |seconds| seconds)
    }

    /// The same with lengths that are rounded before they are added.
    pub(super) fn rounded(rows: &[IndexRow], rounded: fn(f64) -> f64) -> Self {
        let mut counts = Counts::default();
        for row in rows {
            let code = row.reason.as_ref().map(|(code, _)| code.as_str());
            counts.count(row.status, row.seconds, row.quality, !row.narrow.is_empty(), code, rounded);
        }
        counts
    }

    /// Counts one row.
    pub(super) fn count(
        &mut self,
        status: ClipStatus,
        seconds: Option<f64>,
        quality: Option<ClipQuality>,
        with_narrow: bool,
        code: Option<&str>,
        rounded: fn(f64) -> f64,
    ) {
        match status {
            ClipStatus::Vanished => self.vanished += 1,
            ClipStatus::Refused => {
                self.refused += 1;
                *self.reasons.entry(code.unwrap_or_default().into()).or_insert(0) += 1;
            }
            ClipStatus::Usable => {
                self.usable += 1;
                self.narrow_band += usize::from(quality.is_some_and(|q| q.is_narrow_band()));
                self.with_narrow += usize::from(with_narrow);
                self.seconds += rounded(seconds.unwrap_or(0.0));
                self.net_speech_s += rounded(quality.map_or(0.0, |q| q.net_speech_s));
            }
        }
        self.rows += 1;
    }

    /// Adds the counts of other rows.
    pub fn add(&mut self, other: &Counts) {
        for (sum, n) in [
            (&mut self.rows, other.rows),
            (&mut self.usable, other.usable),
            (&mut self.refused, other.refused),
            (&mut self.vanished, other.vanished),
            (&mut self.narrow_band, other.narrow_band),
            (&mut self.with_narrow, other.with_narrow),
        ] {
            *sum = sum.saturating_add(n);
        }
        self.seconds += other.seconds;
        self.net_speech_s += other.net_speech_s;
        for (code, n) in &other.reasons {
            let sum = self.reasons.entry(code.clone()).or_insert(0);
            *sum = sum.saturating_add(*n);
        }
    }
}

/// Whether a folder is an index: it holds a manifest that this program wrote, or one that is encrypted.
pub(crate) fn holds_index(folder: &Path) -> bool {
    const MOST_BYTES: u64 = 1 << 30;
    let path = folder.join(MANIFEST);
    let is_file = path.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.len() <= MOST_BYTES);
    is_file && (is_encrypted_file(&path) || IndexManifest::read(folder, None).is_ok())
}

impl IndexManifest {
    /// The bytes of the file, before it is encrypted.
    ///
    /// # Errors
    /// None that numbers and texts in memory could give.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let mut bytes = serde_json::to_vec_pretty(self).map_err(std::io::Error::from).at(MANIFEST.as_ref(), "write")?;
        bytes.push(b'\n');
        Ok(bytes)
    }

    /// Reads and checks the manifest of an index; `key` is that of the folder.
    pub(crate) fn read(folder: &Path, key: Option<&FolderKey>) -> Result<Self> {
        let path = folder.join(MANIFEST);
        let bytes = opened(&path, key)?;
        let manifest: IndexManifest = serde_json::from_slice(&bytes)
            .map_err(|error| damaged(&path, format!("broken JSON ({error})"), "the manifest of an index"))?;
        if manifest.format != FORMAT || manifest.version != FORMAT_VERSION {
            let found = format!("\"{}\" version {}", manifest.format, manifest.version);
            return Err(damaged(&path, found, "a soundalike index of version 1"));
        }
        manifest.check().map_err(|(found, expected)| damaged(&path, found, expected))?;
        Ok(manifest)
    }

    /// Found and expected of the first value that cannot be right. Names become paths, and files of these paths are
    /// moved and removed: none may lead out of the folder.
    fn check(&self) -> std::result::Result<(), (String, &'static str)> {
        let plain = |name: &str| {
            let mut parts = Path::new(name).components();
            matches!((parts.next(), parts.next()), (Some(Component::Normal(part)), None) if part == name)
        };
        for Segment { file, sha256, .. } in &self.segments {
            if !plain(file) {
                return Err((format!("a segment {file:?}"), "the name of a file in the folder of the index"));
            }
            if sha256.len() != 64 || !sha256.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                return Err((format!("the SHA-256 {sha256:?} of {file:?}"), "64 hexadecimal digits"));
            }
        }
        let widths = self.widths.iter().chain(self.narrow_widths.iter());
        match widths.map(|(encoder, width)| (encoder, *width)).find(|(_, width)| !(1..=MOST_VALUES).contains(width)) {
            Some((encoder, width)) => Err((format!("embeddings of {width} values by {encoder}"), "1 to 4096")),
            None => Ok(()),
        }
    }

    pub(crate) fn common(&self) -> Common {
        Common {
            channel: self.channel.clone(),
            fingerprints: PerBand { wide: self.fingerprints.clone(), narrow: self.narrow_fingerprints.clone() },
            widths: PerBand { wide: self.widths.clone(), narrow: self.narrow_widths.clone() },
        }
    }

    /// What all rows are.
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        self.segments.iter().for_each(|segment| counts.add(&segment.counts));
        counts
    }
}
