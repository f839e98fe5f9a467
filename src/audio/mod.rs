//! Bytes of a file to a waveform: decoding, mixing to one channel, resampling to 16 kHz, and a judgement of the sound.
//!
//! What is speech is not decided here, and nothing is written: files are only read.

mod channel;
mod checked;
mod coverage;
pub mod decode;
mod format;
mod input;
mod resample;
mod sound;
mod steady;
mod stream;
mod variation;
mod warning;

pub use channel::Channel;
pub use coverage::{Coverage, Unheard, View};
pub use decode::looks_like_audio;
pub use format::{AudioFormat, Container};
pub use input::ClipSource;
pub use sound::NARROW_BAND_HZ;
pub use stream::{ReadOptions, Recording, Waveform, file_sha256};
pub use variation::{Babble, BabbleVoice, Background, Codec, Music, Noise, Room, Variation};
pub use warning::Warning;

/// The sampling rate that every recording is brought to, Hz.
pub const SAMPLE_RATE_HZ: u32 = 16_000;

pub(crate) use decode::{content_is_audio, content_is_opaque};
pub(crate) use sound::SoundMeter;
pub(crate) use stream::Seen;
pub(crate) use variation::Varied;
