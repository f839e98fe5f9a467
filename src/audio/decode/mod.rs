//! Bytes to samples: the decoder is chosen by the content of the file, never by its name.
//!
//! A [`Decoder`] hands out interleaved blocks at the file's own rate, full scale ±1, and holds no more than one
//! block, so a file may be of any length. Mixing, resampling and judging the sound happen elsewhere in [`crate::audio`].
