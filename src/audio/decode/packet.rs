//! Everything that comes in packets: compressed sound, and plain sound in containers that are not WAVE.
//!
//! [`super::engine`] yields the samples of one packet at a time. Here they are gathered into blocks, held against what
//! the file announced, and whatever went wrong on the way is told: by a warning where sound was read, by an error
//! where none was.

use super::engine::{CODECS, Engine, Pulled, Refusal, guard};
use super::fmt::{check_ranges, malformed, unsupported};
use super::source::{self, Window};
use super::structure::Structure;
use crate::audio::input::Input;
use crate::audio::{AudioFormat, Container, Unheard, Warning};
use crate::error::{Error, ErrorKind, IoContext, Result};
use std::path::{Path, PathBuf};
use symphonia::core::errors::Error as Fault;
use symphonia::core::io::MediaSourceStream;

/// Frames that the announced number may differ by: two long packets, and what encoders add at the ends.
pub(super) const TOLERANCE: u64 = 4608;
/// Sound that a file may mark as left out: the delay of an encoder and the rest of its last packets, seconds.
const TRIMMED_MOST_S: f64 = 0.25;
/// Bytes of a packet at least, where the bytes between packets are weighed.
const STRAY_LEAST: u64 = 256;
/// Values gathered before a block is handed out.
const BLOCK_LEAST: usize = 8 * 1024;
/// Values of a block at most.
const BLOCK_MOST: usize = 64 * 1024;
/// Packets in a row that cannot be decoded before the rest of the stream is given up.
const DAMAGED_MOST: u64 = 10_000;
/// Packets in a row that yield nothing before the rest of the stream is given up.
const EMPTY_MOST: u64 = 1_000_000;
/// Hours of compressed sound that are read: a few bytes of silence may stand for any number of them.
const HOURS_MOST: u64 = 48;
/// The same in seconds.
#[cfg(not(test))]
const SECONDS_MOST: u64 = HOURS_MOST * 3600;
/// Few, so that tests come to the end of them.
#[cfg(test)]
const SECONDS_MOST: u64 = 20;

/// An open file of packets.
pub(super) struct Packets {
    path: PathBuf,
    engine: Engine,
    /// Where the sound ends and tags may follow.
    end: u64,
    format: AudioFormat,
    announced: Option<u64>,
    /// True where the announced number is a count and not an estimate.
    counted: bool,
    /// Samples that were decoded and not yet handed out, from `taken` on.
    pending: Vec<f32>,
    taken: usize,
    state: Progress,
    warnings: Vec<Warning>,
}

/// How far the stream was read.
#[derive(Default)]
struct Progress {
    ended: bool,
    /// Frames that were kept.
    frames: u64,
    /// Frames that were decoded and left out, as the file says.
    left_out: u64,
    good: u64,
    damaged: u64,
    damaged_in_a_row: u64,
    empty_in_a_row: u64,
    broken: Option<String>,
}

impl Packets {
    /// Opens the sound of `file` that begins at `start`, and decodes its first packet. `track` is the number of an audio
    /// track, from 1; none for the first that can be decoded.
    pub fn open(
        path: &Path,
        mut file: Input,
        container: Container,
        (start, file_len): (u64, u64),
        track: Option<usize>,
    ) -> Result<Packets> {
        let mpeg = container == Container::Mp3;
        let end = if mpeg { source::mpeg_end(&mut file, start, file_len).at(path, "read")? } else { file_len };
        let counted = match container {
            Container::Mp3 => source::mpeg_counts_frames(&mut file, start).at(path, "read")?,
            Container::Adts => false,
            _ => true,
        };
        let window = Window::new(file, start, end).at(path, "read")?;
        let window = if container == Container::Aiff { window.without_id3() } else { window };
        let mut engine = guard(|| {
            let stream = MediaSourceStream::new(Box::new(window), Default::default());
            Engine::open(stream, container, track)
        })
        .ok_or_else(|| panicked(path, container))?
        .map_err(|refusal| refused(path, container, refusal))?;
        engine.counted = counted;
        // Packets of silence take some bytes as well: a number beyond this is no count.
        let believable = file_len.saturating_mul(4096);
        let announced = engine.total.filter(|total| (1..=believable).contains(total));
        let mut packets = Packets {
            path: path.into(),
            format: engine.format(container, 0, 0),
            engine,
            end,
            announced,
            counted,
            pending: Vec::new(),
            taken: 0,
            state: Progress::default(),
            warnings: Vec::new(),
        };
        packets.gather(1)?;
        if packets.pending.is_empty() {
            return Err(packets.no_sound());
        }
        packets.refuse_endless(packets.announced.unwrap_or(0))?;
        Ok(packets)
    }

    /// Where the sound ends; what follows are tags.
    pub fn end(&self) -> u64 {
        self.end
    }

    /// Number of the track that was read, how many audio tracks there are, and what was not heard of the packets.
    pub fn heard(&self, structure: &Structure) -> (usize, usize, Vec<Unheard>) {
        let mut unheard = Vec::new();
        let tracks = self.engine.audio_tracks;
        if let Some(all) = structure.tracks.filter(|all| *all > tracks) {
            let found = format!("{} of {all} audio tracks in {}", all - tracks, self.format.container);
            unheard.push(Unheard::Track { found });
        }
        let rest = structure.payload.map(|payload| payload.saturating_sub(self.engine.bytes));
        // What a header frame, a last frame that is cut and alignment come to.
        if let Some(bytes) = rest.filter(|bytes| *bytes > 2 * self.engine.largest.max(STRAY_LEAST)) {
            unheard.push(Unheard::Bytes { bytes, place: "among the packets".into() });
        }
        let rate = f64::from(self.format.sample_rate_hz.max(1));
        let seconds = self.engine.trimmed_s + self.state.left_out as f64 / rate;
        if seconds > TRIMMED_MOST_S {
            unheard.push(Unheard::Trimmed { seconds });
        }
        (self.engine.number, tracks, unheard)
    }

    /// What the file says of its sound.
    pub fn format(&self) -> &AudioFormat {
        &self.format
    }

    /// Remarks so far.
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// The number of frames the file announces or lets one estimate.
    pub fn announced_frames(&self) -> Option<u64> {
        self.announced
    }

    /// Replaces `block` by the next samples; false at the end.
    pub fn next_block(&mut self, block: &mut Vec<f32>) -> Result<bool> {
        block.clear();
        self.gather(BLOCK_LEAST)?;
        let channels = usize::from(self.format.channels).max(1);
        let most = BLOCK_MOST - BLOCK_MOST % channels;
        let rest = self.pending.get(self.taken..).unwrap_or_default();
        let part = rest.get(..most).unwrap_or(rest);
        block.extend_from_slice(part);
        self.taken += part.len();
        if self.taken == self.pending.len() {
            self.pending.clear();
            self.taken = 0;
        }
        Ok(!block.is_empty())
    }

    /// Decodes until `least` values are pending or the stream is over.
    fn gather(&mut self, least: usize) -> Result<()> {
        while !self.state.ended && self.pending.len() - self.taken < least {
            if self.taken > 0 {
                self.pending.drain(..self.taken);
                self.taken = 0;
            }
            let outcome = self.step().and_then(|()| if self.state.ended { self.finish() } else { Ok(()) });
            if outcome.is_err() {
                // Nothing more comes from a stream that failed.
                self.state.ended = true;
                self.pending.clear();
                return outcome;
            }
        }
        Ok(())
    }

    /// Takes one packet.
    fn step(&mut self) -> Result<()> {
        let Some(pulled) = guard(|| self.engine.pull()) else {
            return Err(panicked(&self.path, self.format.container));
        };
        match pulled {
            Pulled::Samples(rate, channels) => self.keep(rate, channels)?,
            Pulled::Elsewhere => self.state.empty_in_a_row += 1,
            Pulled::Damaged => self.damaged(),
            Pulled::Stumbled(found) => {
                self.damaged();
                // A demuxer that does not move on would stumble for ever.
                if self.state.damaged_in_a_row > 100 {
                    self.broken(found);
                }
            }
            Pulled::End => self.state.ended = true,
            Pulled::Broken(found) => self.broken(found),
            Pulled::Io(source) => return Err(source).at(&self.path, "read"),
        }
        if self.state.damaged_in_a_row >= DAMAGED_MOST || self.state.empty_in_a_row >= EMPTY_MOST {
            self.broken("a long run of packets without sound".into());
        }
        Ok(())
    }

    /// Takes over the samples of the packet that was just decoded.
    fn keep(&mut self, rate: u32, channels: usize) -> Result<()> {
        self.state.good += 1;
        self.state.damaged_in_a_row = 0;
        if self.engine.samples.is_empty() {
            self.state.empty_in_a_row += 1;
            return Ok(());
        }
        self.state.empty_in_a_row = 0;
        if self.format.channels == 0 {
            check_ranges(&self.path, rate, channels)?;
            self.format.sample_rate_hz = rate;
            self.format.channels = u16::try_from(channels).unwrap_or(u16::MAX);
        }
        let (had_rate, had) = (self.format.sample_rate_hz, usize::from(self.format.channels));
        if rate != had_rate || channels != had {
            self.broken(format!("{had} channels at {had_rate} Hz turn into {channels} at {rate} Hz"));
            return Ok(());
        }
        let frames = (self.engine.samples.len() / had) as u64;
        let skip = self.engine.skip.min(frames);
        self.engine.skip -= skip;
        let room = self.engine.limit.map_or(u64::MAX, |limit| limit.saturating_sub(self.state.frames));
        let kept = (frames - skip).min(room);
        self.state.left_out += frames - kept;
        let (from, to) = (skip as usize * had, (skip + kept) as usize * had);
        self.pending.extend_from_slice(self.engine.samples.get(from..to).unwrap_or_default());
        self.state.frames += kept;
        self.refuse_endless(self.state.frames)
    }

    /// Refuses more sound than is read.
    fn refuse_endless(&self, frames: u64) -> Result<()> {
        if frames <= SECONDS_MOST * u64::from(self.format.sample_rate_hz) {
            return Ok(());
        }
        let found = format!("more than {HOURS_MOST} hours of {} in {}", self.format.codec, self.format.container);
        Err(unsupported(&self.path, found, format!("at most {HOURS_MOST} hours in one file, or uncompressed sound")))
    }

    fn damaged(&mut self) {
        self.state.damaged += 1;
        self.state.damaged_in_a_row += 1;
    }

    fn broken(&mut self, found: String) {
        self.state.ended = true;
        self.state.broken = Some(found);
    }

    /// Draws the balance at the end of the stream.
    fn finish(&mut self) -> Result<()> {
        let Progress { frames, good, damaged, .. } = self.state;
        if frames == 0 {
            return Ok(());
        }
        if good + damaged >= 20 && damaged > good {
            let found = format!("{damaged} damaged packets of {}", good + damaged);
            return Err(malformed(&self.path, found, "at most half of them damaged"));
        }
        if damaged > 0 {
            self.warnings.push(Warning::CorruptPackets { count: damaged });
        }
        let announced = self.announced.filter(|_| self.counted);
        let allowed = TOLERANCE * (1 + damaged);
        if let Some(found) = self.state.broken.take() {
            self.warnings.push(Warning::BrokenOff { found });
        } else if let Some(announced) = announced.filter(|announced| frames + allowed < *announced) {
            let found = format!("{frames} of {announced} announced frames");
            self.warnings.push(Warning::BrokenOff { found });
        }
        if let Some(announced_frames) = announced.filter(|announced| *announced + TOLERANCE < frames) {
            self.warnings.push(Warning::LongerThanAnnounced { announced_frames, found_frames: frames });
        }
        Ok(())
    }

    /// The error for a stream that ended without a frame.
    fn no_sound(&self) -> Error {
        let damaged = self.state.damaged;
        let what = format!("{} in {}", self.format.codec, self.format.container);
        match &self.state.broken {
            Some(found) => malformed(&self.path, format!("{what} of which nothing decodes ({found})"), "sound"),
            None if damaged > 0 => {
                malformed(&self.path, format!("{what} whose {damaged} packets are all damaged"), "sound")
            }
            None => ErrorKind::NoAudio { path: self.path.clone(), found: format!("{what} of 0 frames") }.into(),
        }
    }
}

fn panicked(path: &Path, container: Container) -> Error {
    malformed(path, format!("{container} content that makes the decoder fail"), "content that keeps to the format")
}

fn refused(path: &Path, container: Container, refusal: Refusal) -> Error {
    match refusal {
        Refusal::NoTrack => {
            ErrorKind::NoAudio { path: path.into(), found: format!("{container} without an audio track") }.into()
        }
        Refusal::Codec(found, expected) => unsupported(path, format!("{found} in {container}"), expected),
        Refusal::Fault(Fault::Unsupported(found)) if found.contains("missing") => {
            malformed(path, format!("{container} that is incomplete ({found})"), "a whole file")
        }
        Refusal::Fault(Fault::Unsupported(found)) => unsupported(path, format!("{container} with {found}"), CODECS),
        Refusal::Fault(Fault::IoError(error)) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            malformed(path, format!("{container} that ends within its headers"), "headers and sound")
        }
        Refusal::Fault(Fault::IoError(source)) if source.raw_os_error().is_some() => {
            ErrorKind::Io { path: path.into(), action: "read", source }.into()
        }
        Refusal::Fault(fault) => {
            malformed(path, format!("{container} headers that break off ({fault})"), "whole headers")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Decoder;
    use super::super::chunks::tests::file;
    use super::*;

    const BLOCK: u16 = 4096;
    const RATE: u64 = 16_000;

    /// The remainder of a polynomial division, as FLAC checks its frames.
    fn remainder(bytes: &[u8], bits: u32, polynomial: u32) -> u32 {
        let top = 1 << (bits - 1);
        bytes.iter().fold(0, |crc, byte| {
            (0..8).fold(crc ^ u32::from(*byte) << (bits - 8), |crc, _| {
                (crc << 1 ^ if crc & top == 0 { 0 } else { polynomial }) & (2 * top - 1)
            })
        })
    }

    /// FLAC of silence in 13 bytes a block, that announces so many samples.
    fn silence(blocks: u8, announced: u64) -> Vec<u8> {
        let mut out = b"fLaC\x80\0\0\x22".to_vec();
        out.extend([BLOCK, BLOCK].map(u16::to_be_bytes).concat());
        out.extend([0; 6]);
        out.extend((RATE << 44 | 15 << 36 | announced).to_be_bytes());
        out.extend([0; 16]);
        for block in 0..blocks {
            let mut frame = vec![0xFF, 0xF8, 0x70, 0x08, block];
            frame.extend((BLOCK - 1).to_be_bytes());
            frame.push(remainder(&frame, 8, 0x07) as u8);
            frame.extend([0, 0, 0]);
            frame.extend((remainder(&frame, 16, 0x8005) as u16).to_be_bytes());
            out.extend(frame);
        }
        out
    }

    fn frames(bytes: &[u8]) -> Result<usize> {
        let mut decoder = Decoder::open(Path::new("x.flac"), file(bytes))?;
        let (mut block, mut count) = (Vec::new(), 0);
        while decoder.next_block(&mut block)? {
            assert!(block.len() <= BLOCK_MOST);
            count += block.len();
        }
        Ok(count)
    }

    #[test]
    fn silence_without_end_in_a_few_bytes_is_read_up_to_a_limit() {
        let most = (SECONDS_MOST * RATE / u64::from(BLOCK)) as u8;
        assert_eq!(frames(&silence(most, 0)).unwrap(), usize::from(most) * usize::from(BLOCK));
        let whole = silence(most + 1, 0);
        assert!(whole.len() < 1200);
        for bytes in [whole, silence(most, u64::from(most + 1) * u64::from(BLOCK))] {
            let error = frames(&bytes).unwrap_err().to_string();
            assert!(
                error.starts_with("x.flac: found more than 48 hours of flac in FLAC, expected at most 48"),
                "{error}"
            );
            assert!(error.contains("uncompressed sound; convert it"), "{error}");
        }
    }
}
