//! Bytes of a file to a waveform: decoding, mixing to one channel, resampling to 16 kHz, and a judgement of the sound.

pub mod decode;
mod format;
mod warning;

pub use format::{AudioFormat, Container};
pub use warning::Warning;
