//! Remarks on a clip that can be used, but whose user should know something about it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A remark on a clip: it was used, and this should be known when its score is read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "code", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Warning {
    /// The file ends before the sound its header announces; what is there was read.
    Truncated {
        /// Length the header announces, in bytes of sound data where the container counts bytes.
        declared_bytes: u64,
        /// Length found, in bytes.
        found_bytes: u64,
    },
    /// The header gives no usable length (0 or all ones, as written by programs that stream); the sound was read to
    /// the end of the file.
    LengthUnknown {
        /// Length the header announces, in bytes.
        declared_bytes: u64,
        /// Length found, in bytes.
        found_bytes: u64,
    },
    /// Packets that could not be decoded were left out.
    CorruptPackets {
        /// How many.
        count: u64,
    },
    /// The stream of packets broke off with an error before its announced end; what came before was read.
    BrokenOff {
        /// What the decoder found.
        found: String,
    },
    /// The stream goes on beyond the length its header announces, as in files that were joined; all of it was read.
    LongerThanAnnounced {
        /// Frames the header announces.
        announced_frames: u64,
        /// Frames found.
        found_frames: u64,
    },
    /// The file holds more audio tracks than the one that was read.
    OtherTracks {
        /// How many more.
        count: usize,
    },
    /// A part of the file may hold sound and was not read.
    NotHeard {
        /// The part.
        found: String,
    },
    /// Samples that are no number, infinite, or beyond 2^32 full scales were replaced by zero.
    NonFinite {
        /// How many samples of any channel.
        count: u64,
    },
    /// Channels that are in opposite phase cancel in the mix.
    ChannelsCancel {
        /// Power of the mix against the mean power of the channels, dB.
        loss_db: f32,
    },
    /// The file holds several channels and one of them was asked for that is silent while another is not.
    ChannelSilent {
        /// The channel that was read, counted from 1.
        channel: u16,
    },
    /// Runs of samples at full scale.
    Clipping {
        /// Share of all samples that lie in such runs, percent.
        percent: f32,
    },
    /// A constant offset that is large against the sound.
    DcOffset {
        /// Mean of the samples, full scale is 1.
        offset: f32,
    },
    /// All samples are zero.
    DigitalSilence,
    /// All samples have one value that is not zero.
    DcOnly {
        /// That value, full scale is 1.
        value: f32,
    },
    /// The spectrum ends far below half the sampling rate, as after a telephone or a strong codec.
    NarrowBand {
        /// Highest frequency with speech in it, Hz.
        bandwidth_hz: f32,
    },
    /// The sound is so soft that its quantisation is heard in the features.
    LowLevel {
        /// Root mean square, dB of full scale.
        level_dbfs: f32,
    },
    /// Speech stands little above the noise.
    LowSnr {
        /// Estimated signal-to-noise ratio, dB.
        snr_db: f32,
    },
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Warning::Truncated { declared_bytes, found_bytes } => write!(
                f,
                "the file is cut short: found {found_bytes} bytes of sound, expected {declared_bytes}; \
                 what is there was used, copy the file again if you can"
            ),
            Warning::LengthUnknown { declared_bytes, found_bytes } => write!(
                f,
                "the header announces {declared_bytes} bytes of sound, found {found_bytes}; \
                 the sound was read to the end of the file"
            ),
            Warning::CorruptPackets { count } => {
                write!(f, "{count} damaged packets were left out; copy the file again if you can")
            }
            Warning::BrokenOff { found } => {
                write!(f, "the stream broke off ({found}); what came before was used, copy the file again if you can")
            }
            Warning::LongerThanAnnounced { announced_frames, found_frames } => write!(
                f,
                "the header announces {announced_frames} frames, found {found_frames}; all of them were used, \
                 check whether several recordings were joined"
            ),
            Warning::OtherTracks { count } => {
                write!(f, "{count} more audio tracks in the file were not read; export each track to a file of its own")
            }
            Warning::NotHeard { found } => write!(f, "{found} was not read; export the sound to a plain file"),
            Warning::NonFinite { count } => {
                write!(
                    f,
                    "{count} samples were not finite or beyond any sound and were replaced by zero; export the clip again"
                )
            }
            Warning::ChannelsCancel { loss_db } => write!(
                f,
                "the channels cancel each other: the mix is {loss_db:.1} dB against the channels' mean power; \
                 use --channel left, right or loudest"
            ),
            Warning::ChannelSilent { channel } => write!(
                f,
                "channel {channel} is silent while another is not; use --channel loudest or name another channel"
            ),
            Warning::Clipping { percent } => {
                write!(f, "{percent:.2} % of the samples are clipped; use a recording at a lower level if there is one")
            }
            Warning::DcOffset { offset } => {
                write!(f, "a constant offset of {offset:+.4} of full scale; it does not change the score")
            }
            Warning::DigitalSilence => {
                write!(f, "every sample is zero; check that the right file or channel was given")
            }
            Warning::DcOnly { value } => {
                write!(f, "every sample is {value:+.4}: no sound; check that the right file or channel was given")
            }
            Warning::NarrowBand { bandwidth_hz } => write!(
                f,
                "the sound ends at about {bandwidth_hz:.0} Hz, as after a telephone or a strong codec; \
                 compare it with recordings of the same bandwidth"
            ),
            Warning::LowLevel { level_dbfs } => write!(
                f,
                "the level is only {level_dbfs:.0} dB of full scale: quantisation lowers the score; use a recording at \
                 a higher level"
            ),
            Warning::LowSnr { snr_db } => write!(
                f,
                "speech stands only about {snr_db:.0} dB above the noise; use a cleaner recording if there is one"
            ),
        }
    }
}
