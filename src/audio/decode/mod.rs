//! Bytes to samples: the decoder is chosen by the content of the file, never by its name.
//!
//! A [`Decoder`] hands out interleaved blocks at the file's own rate, full scale ±1, and holds no more than one block,
//! so a file may be of any length. Mixing, resampling and judging the sound happen elsewhere in [`crate::audio`].
//!
//! WAVE files are read here, their headers checked by `hound`; everything else is taken apart by `symphonia` and, for
//! Opus, `ruopus`. A panic inside those crates ends the stream with an error and goes no further.

mod chunks;
mod engine;
mod fmt;
mod law;
mod opus;
mod packet;
mod sniff;
mod source;
mod structure;
mod vorbis;
mod wav;

pub use crate::audio::input::Input;
use crate::audio::stream::open_regular;
use crate::audio::{AudioFormat, Container, Coverage, Unheard, Warning};
use crate::error::{ErrorKind, IoContext, Result};
pub(in crate::audio) use chunks::fill;
use packet::Packets;
use sniff::Sniffed;
use std::path::Path;
use wav::{Opened, Wav};

/// One open sound file: hands out interleaved blocks.
pub struct Decoder {
    source: Source,
    /// The same bytes once more, and where the sound among them begins, for a look at what else the file holds.
    layout: (Input, Container, u64),
}

enum Source {
    Wav(Box<Wav>),
    Packets(Box<Packets>),
}

impl Decoder {
    /// Chooses the decoder by the content of a file or of memory, wherever it stands. `path` is only for messages.
    pub fn open(path: &Path, input: impl Into<Input>) -> Result<Decoder> {
        Self::open_track(path, input, None)
    }

    /// The same of an audio track by its number, from 1; none for the first that can be decoded.
    pub fn open_track(path: &Path, input: impl Into<Input>, track: Option<usize>) -> Result<Decoder> {
        let mut file = input.into();
        let file_len = file.len().at(path, "read")?;
        let (container, start) = match sniff::sniff(&mut file).at(path, "read")? {
            Sniffed::Audio { container, start } => (container, start),
            Sniffed::Unsupported(found) => return Err(fmt::unsupported(path, found, SUPPORTED)),
            Sniffed::Other(found) => return Err(ErrorKind::NotAudio { path: path.into(), found }.into()),
        };
        let wave = matches!(container, Container::Wav | Container::Rf64 | Container::W64);
        if wave && start > 0 {
            return Err(fmt::unsupported(path, format!("{container} behind an ID3 tag"), "a file that begins with it"));
        }
        let layout = (file.again(path)?, container, start);
        if wave {
            match Wav::open(path, file, container, file_len)? {
                Opened::Wav(wav) => return Ok(Decoder { source: Source::Wav(Box::new(wav)), layout }),
                Opened::Adpcm(adpcm) => file = adpcm,
            }
        }
        let packets = Packets::open(path, file, container, (start, file_len), track)?;
        Ok(Decoder { source: Source::Packets(Box::new(packets)), layout })
    }

    /// What was heard of the file, once [`Decoder::next_block`] has answered false. `distinct` are the channels that
    /// differ, and `lost` is the number of samples that were no numbers.
    pub(crate) fn coverage(&mut self, path: &Path, distinct: Vec<u16>, lost: u64) -> Result<Coverage> {
        let (input, container, start) = &mut self.layout;
        let end = match &self.source {
            Source::Wav(_) => input.len().at(path, "read")?,
            Source::Packets(packets) => packets.end(),
        };
        let structure = structure::examine(input, *container, *start, end).at(path, "read")?;
        let (track, tracks, heard) = match &self.source {
            Source::Wav(_) => (1, 1, Vec::new()),
            Source::Packets(packets) => packets.heard(&structure),
        };
        let mut unheard = structure.unheard;
        unheard.extend(heard);
        unheard.extend(self.warnings().iter().filter_map(lost_sound));
        if lost > 0 {
            unheard.push(Unheard::Damaged { found: format!("{lost} samples that are no finite numbers") });
        }
        Ok(Coverage { track, tracks, channels: self.format().channels, distinct, unheard })
    }

    /// What the file says of its sound.
    pub fn format(&self) -> &AudioFormat {
        match &self.source {
            Source::Wav(wav) => wav.format(),
            Source::Packets(packets) => packets.format(),
        }
    }

    /// Replaces the content of `block` by the next interleaved samples: a whole number of frames, at most 65 536
    /// values. False and an empty block at the end.
    pub fn next_block(&mut self, block: &mut Vec<f32>) -> Result<bool> {
        match &mut self.source {
            Source::Wav(wav) => wav.next_block(block),
            Source::Packets(packets) => packets.next_block(block),
        }
    }

    /// Remarks so far; complete once [`Decoder::next_block`] has answered false.
    pub fn warnings(&self) -> &[Warning] {
        match &self.source {
            Source::Wav(wav) => wav.warnings(),
            Source::Packets(packets) => packets.warnings(),
        }
    }

    /// The number of frames the file announces, where it does so and can be believed; for progress bars only.
    pub fn announced_frames(&self) -> Option<u64> {
        match &self.source {
            Source::Wav(wav) => Some(wav.frames()),
            Source::Packets(packets) => packets.announced_frames(),
        }
    }
}

/// The sound that a warning says was lost.
fn lost_sound(warning: &Warning) -> Option<Unheard> {
    match warning {
        Warning::CorruptPackets { count } => Some(Unheard::Damaged { found: format!("{count} damaged packets") }),
        Warning::BrokenOff { found } => Some(Unheard::Damaged { found: format!("the stream broke off ({found})") }),
        _ => None,
    }
}

/// Whether the content of a file is sound in any format that is known, decoded here or not. False where it cannot be
/// read.
pub fn looks_like_audio(path: &Path) -> bool {
    content_is_audio(path).unwrap_or(false)
}

/// The same of a file that must be one that can be read.
pub(crate) fn content_is_audio(path: &Path) -> Result<bool> {
    // To open a pipe would be to wait for whoever writes to it.
    let sniffed = sniff::sniff(&mut open_regular(path)?.into()).at(path, "read")?;
    Ok(matches!(sniffed, Sniffed::Audio { .. } | Sniffed::Unsupported(_)))
}

/// Whether a file that is not taken for sound may hold some all the same: an archive, bytes of no known kind, or what
/// cannot be read.
pub(crate) fn content_is_opaque(path: &Path) -> bool {
    match open_regular(path).ok().and_then(|file| sniff::sniff(&mut file.into()).ok()) {
        Some(Sniffed::Other(found)) => sniff::is_opaque(&found),
        Some(Sniffed::Audio { .. } | Sniffed::Unsupported(_)) | None => true,
    }
}

const SUPPORTED: &str = "WAV, RF64, W64, AIFF, CAF, FLAC, MP3, Ogg, M4A, MP4 or Matroska";

#[cfg(test)]
mod tests {
    use super::chunks::tests::{chunk, file, riff, w64, w64_chunk};
    use super::fmt::tests::{extensible, plain};
    use super::*;
    use crate::error::Error;
    use std::sync::Arc;

    /// One small file of each WAVE container, and of the layouts that differ most.
    fn small_files() -> Vec<Vec<u8>> {
        let data: Vec<u8> = (0..96).collect();
        let mut ds64 = 0u64.to_le_bytes().to_vec();
        ds64.extend(96u64.to_le_bytes());
        ds64.extend([0; 12]);
        let mut rf64 = riff(&[chunk(b"ds64", &ds64), chunk(b"fmt ", &plain(1, 2, 8000, 16)), chunk(b"data", &data)]);
        rf64[..4].copy_from_slice(b"RF64");
        let at = rf64.len() - 100;
        rf64[at..at + 4].fill(0xFF);
        vec![
            riff(&[chunk(b"fmt ", &plain(1, 1, 8000, 16)), chunk(b"LIST", b"odd"), chunk(b"data", &data)]),
            riff(&[chunk(b"fmt ", &extensible(1, 2, 8000, 32, 24)), chunk(b"data", &data)]),
            riff(&[chunk(b"fmt ", &plain(7, 1, 8000, 8)), chunk(b"data", &data), chunk(b"LIST", b"x")]),
            rf64,
            w64(&[w64_chunk(b"fmt ", &plain(3, 1, 8000, 32)), w64_chunk(b"data", &data)]),
        ]
    }

    fn drain(bytes: &[u8]) -> Result<u64> {
        let [of_file, of_memory] = [file(bytes), Input::Memory { bytes: Arc::new(bytes.into()), at: 0 }].map(|input| {
            let mut decoder = Decoder::open(Path::new("x.wav"), input)?;
            let (mut samples, mut block) = (Vec::new(), Vec::new());
            while decoder.next_block(&mut block)? {
                samples.extend(block.iter().map(|x| x.to_bits()));
            }
            Ok::<_, Error>((samples, decoder.format().channels))
        });
        let told = |outcome: &Result<_>| outcome.as_ref().map_or_else(ToString::to_string, |_| String::new());
        assert_eq!(told(&of_file), told(&of_memory));
        let ((samples, channels), again) = (of_file?, of_memory?);
        assert!((&samples, channels) == (&again.0, again.1));
        Ok(samples.len() as u64 / u64::from(channels))
    }

    #[test]
    fn every_cut_and_thousands_of_changes_end_in_sound_or_an_error() {
        let mut state = 1u64;
        let mut below = |limit: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as usize % limit
        };
        for whole in small_files() {
            let frames = drain(&whole).unwrap();
            for len in 0..whole.len() {
                if let Ok(got) = drain(&whole[..len]) {
                    assert!(got <= frames);
                }
            }
            for _ in 0..1500 {
                let mut bytes = whole.clone();
                for _ in 0..=below(4) {
                    let at = below(bytes.len());
                    bytes[at] = [0, 1, 0x7F, 0x80, 0xFF, below(256) as u8][below(6)];
                }
                match drain(&bytes) {
                    Ok(got) => assert!(got <= bytes.len() as u64),
                    Err(error) => assert!(error.is_undecodable(), "{error}"),
                }
            }
        }
    }
}
