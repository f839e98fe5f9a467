//! Streams of frames: where FLAC's begin, and whether a tag hides a stream.

use super::super::sniff::mpeg_frame;
use super::{Structure, big_endian, bytes_at};
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
    Ok(Structure { payload: Some(end.saturating_sub(at)), ..Structure::default() })
}

/// Whether the bytes from one place to another hold a stream of sound.
pub(super) fn hides_stream(input: &mut Input, from: u64, to: u64) -> io::Result<bool> {
    let mut at = from;
    while at < to {
        let bytes = bytes_at(input, at, (to - at).min(PART + SHARED) as usize)?;
        if bytes.is_empty() || holds_stream(&bytes) {
            return Ok(!bytes.is_empty());
        }
        at += PART;
    }
    Ok(false)
}

fn holds_stream(bytes: &[u8]) -> bool {
    let begins = |at: usize| {
        let rest = bytes.get(at..).unwrap_or_default();
        BEGINNINGS.iter().any(|beginning| rest.starts_with(beginning)) || is_chain(rest)
    };
    let can_begin = |byte: u8| matches!(byte, 0xFF | b'f' | b'O' | b'W' | b'A');
    bytes.iter().enumerate().any(|(at, byte)| can_begin(*byte) && begins(at))
}

/// Whether whole frames of one kind follow each other.
fn is_chain(bytes: &[u8]) -> bool {
    let (mut at, mut first) = (0, None);
    for _ in 0..CHAIN {
        let rest = bytes.get(at..).unwrap_or_default();
        let Some((kind, len)) = mpeg_frame(rest).filter(|(_, len)| rest.len() >= *len && *len > 0) else {
            return false;
        };
        if *first.get_or_insert(kind) != kind {
            return false;
        }
        at += len;
    }
    true
}
