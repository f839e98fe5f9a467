//! How much of a file's sound one reading has heard, and what more there is to hear.
//!
//! A reading follows one track and makes one channel of it. Whoever must know that nothing else is in the file asks for
//! its [`Coverage`]: the other tracks, the channels that differ, and what no reading can hear.

use super::channel::Channel;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A part of a file that may hold sound and was not heard.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "code", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Unheard {
    /// An audio track that cannot be decoded.
    Track {
        /// What was found.
        found: String,
    },
    /// A further stream of sound beside or behind the one that was read: a chained stream, a second data chunk.
    Stream {
        /// What was found.
        found: String,
    },
    /// Bytes that belong neither to the sound nor to any tag that is known.
    Bytes {
        /// How many.
        bytes: u64,
        /// Where they are.
        place: String,
    },
    /// An edit list by which players leave out, repeat or reorder parts of the sound.
    Edits {
        /// What was found.
        found: String,
    },
    /// Sound that the file holds and tells players to leave out at its start or end.
    Trimmed {
        /// Its length, seconds.
        seconds: f64,
    },
    /// Sound that was lost: damaged packets, a stream that broke off, samples that are no numbers.
    Damaged {
        /// What was found.
        found: String,
    },
}

impl fmt::Display for Unheard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unheard::Track { found } => write!(f, "an audio track that cannot be decoded: {found}"),
            Unheard::Stream { found } => f.write_str(found),
            Unheard::Bytes { bytes, place } => {
                write!(f, "{bytes} bytes {place} that are neither sound nor a known tag")
            }
            Unheard::Edits { found } => write!(f, "an edit list: {found}"),
            Unheard::Trimmed { seconds } => write!(f, "{seconds:.2} s of sound that the file marks as left out"),
            Unheard::Damaged { found } => f.write_str(found),
        }
    }
}

/// One way to hear a file: a track, and what is made of its channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct View {
    /// Number of the audio track, from 1; none for the first that can be decoded.
    pub track: Option<usize>,
    /// The channel.
    pub channel: Channel,
}

/// What one reading has heard of a file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Coverage {
    /// Number of the track that was read, from 1.
    pub track: usize,
    /// Number of audio tracks in the file.
    pub tracks: usize,
    /// Number of channels of the track.
    pub channels: u16,
    /// The channels that hold sound and differ from every channel before them, from 1; empty where all channels are
    /// the same.
    pub distinct: Vec<u16>,
    /// What this reading could not hear and no other can.
    pub unheard: Vec<Unheard>,
}

impl Coverage {
    /// What must be heard of this track besides the mix of its channels: each channel that differs, and the difference
    /// of each two of them. Empty where the mix is all there is.
    pub fn more_channels(&self) -> Vec<Channel> {
        match self.distinct.as_slice() {
            [] => Vec::new(),
            // The others are silent.
            [one] => vec![Channel::Number(*one)],
            several => {
                let pairs = several
                    .iter()
                    .enumerate()
                    .flat_map(|(at, a)| several.iter().skip(at + 1).map(|b| Channel::Difference(*a, *b)));
                several.iter().copied().map(Channel::Number).chain(pairs).collect()
            }
        }
    }

    /// Whether the mix of this track is all the sound of the file.
    pub fn is_whole(&self) -> bool {
        self.tracks <= 1 && self.unheard.is_empty() && self.more_channels().is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(channels: u16, distinct: &[u16]) -> Coverage {
        Coverage { track: 1, tracks: 1, channels, distinct: distinct.into(), unheard: Vec::new() }
    }

    #[test]
    fn channels_that_differ_are_heard_alone_and_against_each_other() {
        use Channel::{Difference, Number};
        assert!(of(1, &[]).is_whole() && of(2, &[]).is_whole());
        assert_eq!(of(2, &[2]).more_channels(), [Number(2)]);
        assert_eq!(of(2, &[1, 2]).more_channels(), [Number(1), Number(2), Difference(1, 2)]);
        assert_eq!(of(8, &[1, 2, 6]).more_channels().len(), 6);
        assert!(!Coverage { tracks: 2, ..of(1, &[]) }.is_whole());
    }
}
