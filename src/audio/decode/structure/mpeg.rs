//! Streams of frames: where FLAC's begin, and whether a tag hides a stream.

use super::super::sniff::{adts_frame, mpeg_frame};
use super::{Structure, big_endian, bytes_at};
use crate::audio::Unheard;
use crate::audio::input::Input;
use std::io;

/// Whole frames of MPEG in a row that no picture and no text comes to by chance.
const CHAIN: usize = 4;
/// Bytes of a tag that are looked through at a time, and what two such parts share: some frames.
const PART: u64 = 1 << 20;
const SHARED: u64 = 1 << 14;
/// How streams in a container of their own begin, or nearly begin.
const BEGINNINGS: [&[u8]; 5] = [b"fLaC\0\0\0\x22", b"fLaC\x80\0\0\x22", b"OggS\0\x02", b"WAVEfmt ", b"AIFFCOMM"];

/// The frames of a FLAC stream that begins at `start`: all that follows its blocks of metadata.
pub(super) fn flac(input: &mut Input, start: u64, end: u64) -> io::Result<Structure> {
    let mut at = start.saturating_add(4);
    while at < end {
        let head = bytes_at(input, at, 4)?;
        let (Some(kind), Some(len)) = (head.first(), head.get(1..4)) else { break };
        at = at.saturating_add(4).saturating_add(big_endian(len));
        if kind & 0x80 != 0 {
            break;
        }
    }
    let mut structure = Structure { payload: Some(end.saturating_sub(at)), ..Structure::default() };
    if hides_stream(input, start.saturating_add(4), at)? {
        structure.unheard.push(Unheard::Stream { found: "a stream of sound in the metadata of FLAC".into() });
    }
    // A demuxer may take a further stream for the rest of the last frame.
    if any_part(input, at, end, &|bytes| begins(bytes))? {
        structure.unheard.push(Unheard::Stream { found: "a further stream of sound among the frames of FLAC".into() });
    }
    Ok(structure)
}

/// The frames of an ADTS stream, which must stay of one profile, rate and number of channels.
pub(super) fn adts(input: &mut Input, start: u64, end: u64) -> io::Result<Structure> {
    let mut structure = Structure { payload: Some(end.saturating_sub(start)), ..Structure::default() };
    let kind = |head: &[u8]| Some((head.get(2)? & 0xFD, head.get(3)? & 0xC0));
    let (mut at, mut first) = (start, None);
    while at < end {
        let head = bytes_at(input, at, 9)?;
        // What is no frame is missing from the bytes of the packets.
        let Some(len) = adts_frame(&head) else { break };
        if *first.get_or_insert(kind(&head)) != kind(&head) {
            let found = format!("a stream of another rate or other channels from byte {at}");
            structure.unheard.push(Unheard::Stream { found });
            break;
        }
        at += len as u64;
    }
    Ok(structure)
}

/// Whether the bytes from one place to another hold a stream of sound.
pub(super) fn hides_stream(input: &mut Input, from: u64, to: u64) -> io::Result<bool> {
    any_part(input, from, to, &|bytes| begins(bytes) || is_chain(bytes, &mpeg_frame) || is_chain(bytes, &adts_kind))
}

/// Whether a test holds of the bytes from some place on.
fn any_part(input: &mut Input, from: u64, to: u64, test: &dyn Fn(&[u8]) -> bool) -> io::Result<bool> {
    let can_begin = |byte: u8| matches!(byte, 0xFF | b'f' | b'O' | b'W' | b'A');
    let mut at = from;
    while at < to {
        let bytes = bytes_at(input, at, (to - at).min(PART + SHARED) as usize)?;
        if bytes.is_empty() {
            break;
        }
        let holds = |at: usize| test(bytes.get(at..).unwrap_or_default());
        if bytes.iter().enumerate().any(|(at, byte)| can_begin(*byte) && holds(at)) {
            return Ok(true);
        }
        at += PART;
    }
    Ok(false)
}

/// Whether bytes begin as a container does.
fn begins(bytes: &[u8]) -> bool {
    BEGINNINGS.iter().any(|beginning| bytes.starts_with(beginning))
}

/// The kind of an ADTS frame and its length, as [`mpeg_frame`] gives those of others.
fn adts_kind(head: &[u8]) -> Option<(u16, usize)> {
    let len = adts_frame(head)?;
    Some((u16::from(head.get(2)? & 0xFD) << 8 | u16::from(head.get(3)? & 0xC0), len))
}

/// The kind and the length of the frame that begins some bytes.
type Frame<'a> = dyn Fn(&[u8]) -> Option<(u16, usize)> + 'a;

/// Whether whole frames of one kind follow each other.
fn is_chain(bytes: &[u8], frame: &Frame<'_>) -> bool {
    let (mut at, mut first) = (0, None);
    for _ in 0..CHAIN {
        let rest = bytes.get(at..).unwrap_or_default();
        let Some((kind, len)) = frame(rest).filter(|(_, len)| rest.len() >= *len && *len > 0) else {
            return false;
        };
        if *first.get_or_insert(kind) != kind {
            return false;
        }
        at += len;
    }
    true
}
