//! Codecs: a telephone, and a transform codec of our own at low bit rates.

mod telephone;
mod transform;

use super::framed::Framed;
use super::within;
use crate::error::Result;

/// What a clip is coded and decoded by.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Codec {
    /// A telephone line: 300 to 3400 Hz, 8 kHz, 8 bits by the mu-law of ITU-T G.711.
    Telephone,
    /// A lossy transform codec of our own at low rates: bits go to the bands that have energy.
    Transform {
        /// Bit rate, kbit/s, 8 to 64.
        kbit_s: f64,
        /// Whether noise fills what is left without bits, as in Opus and newer forms of AAC; else it is silent and high
        /// bands are left out, as in MP3.
        filled: bool,
    },
}

pub(super) fn filter(codec: &Codec) -> Result<Framed> {
    Ok(match codec {
        Codec::Telephone => Framed::new(telephone::Telephone::new()),
        Codec::Transform { kbit_s, filled } => {
            let kbit_s = within("bit rate of a codec, kbit/s", *kbit_s, 8.0..=64.0)?;
            Framed::new(transform::Transform::new(kbit_s, *filled))
        }
    })
}
