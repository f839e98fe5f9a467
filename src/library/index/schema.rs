//! The columns of an index: their order, names and types, and what all rows have in common.
//!
//! It neither writes nor reads them: see `write` and `table`.

use crate::encoder::{Band, Encoder, Panel, PerBand, PerEncoder};
use parquet::errors::ParquetError;
use parquet::schema::types::Type;
use std::sync::Arc;

/// The columns before the fingerprints and the embeddings, in the words of Parquet's schema language.
const CLIP_COLUMNS: &str = "
    required binary path (STRING);
    required binary voice (STRING);
    optional binary sha256 (STRING);
    required int64 size;
    required int64 mtime_ns;
    optional binary codec (STRING);
    optional int32 sample_rate_hz;
    optional int32 channels;
    optional double seconds;
    optional double net_speech_s;
    optional float snr_db;
    optional float bandwidth_hz;
    optional float clipping_percent;
    optional float level_dbfs;
    optional boolean narrow_band;
    required binary status (STRING);
    optional binary reason (STRING);
    optional binary message (STRING);
    required binary channel (STRING);
";

/// Numbers of the columns before the fingerprints and the embeddings.
pub(super) mod column {
    pub const PATH: usize = 0;
    pub const VOICE: usize = 1;
    pub const SHA256: usize = 2;
    pub const SIZE: usize = 3;
    pub const MTIME_NS: usize = 4;
    pub const CODEC: usize = 5;
    pub const SAMPLE_RATE_HZ: usize = 6;
    pub const CHANNELS: usize = 7;
    pub const SECONDS: usize = 8;
    pub const NET_SPEECH_S: usize = 9;
    pub const SNR_DB: usize = 10;
    pub const BANDWIDTH_HZ: usize = 11;
    pub const CLIPPING_PERCENT: usize = 12;
    pub const LEVEL_DBFS: usize = 13;
    pub const NARROW_BAND: usize = 14;
    pub const STATUS: usize = 15;
    pub const REASON: usize = 16;
    pub const MESSAGE: usize = 17;
    pub const CHANNEL: usize = 18;
    /// How many they are.
    pub const WIDTH: usize = 19;
}

/// Most values of an embedding; the longest of this version has 256.
pub(super) const MOST_VALUES: usize = 4096;

/// What every row of an index has in common.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Common {
    /// The channel that was asked for.
    pub channel: String,
    /// Fingerprint of each encoder's extractor, by band.
    pub fingerprints: PerBand<PerEncoder<String>>,
    /// Length of each encoder's embedding, by band.
    pub widths: PerBand<PerEncoder<usize>>,
}

impl Common {
    /// What the rows that a panel and its twin of the narrow band make have in common.
    pub fn of(panel: &Panel, narrow: &Panel) -> Self {
        let panels = PerBand { wide: panel, narrow };
        let widths = |panel: &Panel| {
            panel.fingerprints().encoders().filter_map(|encoder| Some((encoder, panel.width(encoder)?))).collect()
        };
        Common {
            channel: panel.settings().channel.to_string(),
            fingerprints: panels.map(|panel| panel.fingerprints().clone()),
            widths: panels.map(widths),
        }
    }
}

/// Prefix of a band's columns.
pub(super) fn prefix(band: Band) -> &'static str {
    if band == Band::Narrow { "narrow_" } else { "" }
}

/// The columns of the embeddings, in their order.
pub(super) fn embeddings() -> impl Iterator<Item = (Band, Encoder)> {
    Band::ALL.into_iter().flat_map(|band| Encoder::ALL.into_iter().map(move |encoder| (band, encoder)))
}

pub(super) fn schema() -> std::result::Result<Arc<Type>, ParquetError> {
    let mut text = format!("message clip {{ {CLIP_COLUMNS}");
    for (band, encoder) in embeddings() {
        text.push_str(&format!("optional binary {}{encoder}_extractor (STRING);\n", prefix(band)));
    }
    for (band, encoder) in embeddings() {
        let name = format!("{}{encoder}", prefix(band));
        text.push_str(&format!(
            "optional group {name} (LIST) {{ repeated group list {{ required float element; }} }}\n"
        ));
    }
    text.push('}');
    parquet::schema::parser::parse_message_type(&text).map(Arc::new)
}

/// What a file says it is, under the key `soundalike` of its metadata.
pub(super) const MARK: (&str, &str) = ("soundalike", "index 1");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_those_of_the_columns() {
        let schema = schema().unwrap();
        let fields = schema.get_fields();
        for (at, name) in [
            (column::PATH, "path"),
            (column::VOICE, "voice"),
            (column::SHA256, "sha256"),
            (column::SIZE, "size"),
            (column::MTIME_NS, "mtime_ns"),
            (column::CODEC, "codec"),
            (column::SAMPLE_RATE_HZ, "sample_rate_hz"),
            (column::CHANNELS, "channels"),
            (column::SECONDS, "seconds"),
            (column::NET_SPEECH_S, "net_speech_s"),
            (column::SNR_DB, "snr_db"),
            (column::BANDWIDTH_HZ, "bandwidth_hz"),
            (column::CLIPPING_PERCENT, "clipping_percent"),
            (column::LEVEL_DBFS, "level_dbfs"),
            (column::NARROW_BAND, "narrow_band"),
            (column::STATUS, "status"),
            (column::REASON, "reason"),
            (column::MESSAGE, "message"),
            (column::CHANNEL, "channel"),
        ] {
            assert_eq!(fields[at].name(), name);
        }
        assert_eq!(fields[column::WIDTH].name(), "mfcc_extractor");
        assert_eq!(fields.len(), column::WIDTH + 2 * embeddings().count());
    }
}
