//! A row of an index: a clip with what was measured of it and its embeddings, or why there are none.

use crate::encoder::{Band, PerEncoder};
use crate::feature::{ClipQuality, Quality};
use std::cmp::Ordering;

/// Whether a clip of an index can be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClipStatus {
    /// It has embeddings.
    Usable,
    /// It has none; the reason says why.
    Refused,
    /// Its file was not there any more when the library was last looked through. What was known of it is kept.
    Vanished,
}

impl ClipStatus {
    /// The word in the column `status`.
    pub fn name(self) -> &'static str {
        match self {
            ClipStatus::Usable => "usable",
            ClipStatus::Refused => "refused",
            ClipStatus::Vanished => "vanished",
        }
    }

    pub(super) fn of(word: &[u8]) -> Option<Self> {
        [ClipStatus::Usable, ClipStatus::Refused, ClipStatus::Vanished]
            .into_iter()
            .find(|status| status.name().as_bytes() == word)
    }
}

/// The format of a clip's file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClipFormat {
    /// Container and codec, for example `WAV pcm_s16`.
    pub codec: String,
    /// Sampling rate, Hz.
    pub sample_rate_hz: u32,
    /// Number of channels.
    pub channels: u32,
}

/// A clip of an index.
#[derive(Clone, Debug, PartialEq)]
pub struct IndexRow {
    /// Where it lies below the library, with `/` between folders.
    pub path: String,
    /// The voice it belongs to: the speaker of a manifest, else the folder it lies in, else its own name.
    pub voice: String,
    /// SHA-256 of the file, 64 hexadecimal digits; none where it could not be read.
    pub sha256: Option<String>,
    /// Size of the file, bytes.
    pub size: u64,
    /// When the file was last changed, nanoseconds since 1970 (UTC).
    pub mtime_ns: i64,
    /// The format; none where it could not be decoded.
    pub format: Option<ClipFormat>,
    /// Length, seconds; none where it could not be decoded.
    pub seconds: Option<f64>,
    /// What a score's worth depends on; none where it could not be decoded.
    pub quality: Option<ClipQuality>,
    /// Whether it can be compared.
    pub status: ClipStatus,
    /// Why it has no embeddings, as a code and as a sentence; none where it has some.
    pub reason: Option<(String, String)>,
    /// The embeddings by encoder; empty where it has none.
    pub wide: PerEncoder<Vec<f32>>,
    /// The embeddings of the narrow band; empty where they were not computed.
    pub narrow: PerEncoder<Vec<f32>>,
}

impl IndexRow {
    /// The embeddings of a band.
    pub fn of_band(&self, band: Band) -> &PerEncoder<Vec<f32>> {
        if band == Band::Narrow { &self.narrow } else { &self.wide }
    }

    /// The same row where the file is there again, or is not there any more.
    pub(super) fn there(mut self, there: bool) -> Self {
        self.status = match (there, self.wide.is_empty()) {
            (false, _) => ClipStatus::Vanished,
            (true, true) => ClipStatus::Refused,
            (true, false) => ClipStatus::Usable,
        };
        self
    }

    /// Takes over what was measured.
    pub(in crate::library) fn measured(&mut self, quality: &Quality) {
        let format = &quality.format;
        self.format = Some(ClipFormat {
            codec: format!("{} {}", format.container, format.codec),
            sample_rate_hz: format.sample_rate_hz,
            channels: u32::from(format.channels),
        });
        self.seconds = Some(quality.duration_s);
        self.quality = Some(quality.brief());
    }
}

/// The order of an index: folder by folder, names in the order of their bytes.
pub(super) fn by_path(a: &str, b: &str) -> Ordering {
    a.split('/').cmp(b.split('/'))
}
