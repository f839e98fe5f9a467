//! What a file says of its sound: container, codec, sampling rate, channels. Plain data, no reading.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The file format that wraps the sound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Container {
    /// RIFF WAVE.
    Wav,
    /// RIFF WAVE with 64-bit sizes (EBU Tech 3306), also BW64.
    Rf64,
    /// Sony Wave64.
    W64,
    /// AIFF and AIFF-C.
    Aiff,
    /// Core Audio Format.
    Caf,
    /// Native FLAC.
    Flac,
    /// MPEG audio elementary stream.
    Mp3,
    /// AAC in ADTS frames.
    Adts,
    /// Ogg.
    Ogg,
    /// MP4, M4A, MOV.
    Mp4,
    /// Matroska and WebM.
    Mkv,
}

impl fmt::Display for Container {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Container::Wav => "WAV",
            Container::Rf64 => "RF64",
            Container::W64 => "W64",
            Container::Aiff => "AIFF",
            Container::Caf => "CAF",
            Container::Flac => "FLAC",
            Container::Mp3 => "MP3",
            Container::Adts => "ADTS",
            Container::Ogg => "Ogg",
            Container::Mp4 => "MP4",
            Container::Mkv => "Matroska",
        })
    }
}

/// What the first audio track of a file is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AudioFormat {
    /// The file format.
    pub container: Container,
    /// The codec in the field's short word: `pcm_s16`, `pcm_f32`, `alaw`, `mulaw`, `adpcm_ima`, `flac`, `mp3`,
    /// `vorbis`, `opus`, `aac`, `alac` ...
    pub codec: String,
    /// Samples a second of each channel.
    pub sample_rate_hz: u32,
    /// Number of channels.
    pub channels: u16,
    /// Significant bits of a sample, where the codec has such a number.
    pub bits_per_sample: Option<u16>,
}
