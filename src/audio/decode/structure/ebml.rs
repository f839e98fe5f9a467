//! Matroska and WebM (RFC 8794, RFC 9559): one segment, and how many of its tracks are audio.

use super::mpeg::hides_stream;
use super::{Structure, big_endian, bytes_at, stray};
use crate::audio::Unheard;
use crate::audio::input::Input;
use std::io;

const EBML: u64 = 0x1A45_DFA3;
const SEGMENT: u64 = 0x1853_8067;
const TRACKS: u64 = 0x1654_AE6B;
const VOID: u64 = 0xEC;
const ATTACHMENTS: u64 = 0x1941_A469;
const TAGS: u64 = 0x1254_C367;
const TRACK_ENTRY: u64 = 0xAE;
const TRACK_TYPE: u64 = 0x83;
/// The value of [`TRACK_TYPE`] of audio.
const AUDIO: u64 = 2;
/// Elements that are followed at one level.
const ELEMENTS_MOST: usize = 1_000_000;

/// An element: its name, and where its content begins and ends; none where its length is not known.
#[derive(Clone, Copy)]
struct Element {
    id: u64,
    from: u64,
    to: Option<u64>,
}

/// Follows the elements of a file.
pub(super) fn matroska(input: &mut Input, file_len: u64) -> io::Result<Structure> {
    let mut structure = Structure { tracks: Some(0), ..Structure::default() };
    let (mut at, mut segments) = (0, 0);
    while at < file_len {
        let Some(element) =
            element_at(input, at, file_len)?.filter(|element| [EBML, SEGMENT, VOID].contains(&element.id))
        else {
            structure.unheard.extend(stray(input, at, file_len, "behind the segment")?);
            break;
        };
        let to = element.to.unwrap_or(file_len);
        if element.id == SEGMENT {
            segments += 1;
            if segments > 1 {
                structure.unheard.push(Unheard::Stream { found: "a further segment behind the first".into() });
                break;
            }
            let parts = children(input, element.from, to)?;
            structure.tracks = Some(audio_tracks(input, &parts, to)?);
            for part in &parts {
                structure.unheard.extend(without_sound(input, part, to)?);
            }
        }
        at = to;
    }
    Ok(structure)
}

/// The element that begins at a place; none where there is none.
fn element_at(input: &mut Input, at: u64, end: u64) -> io::Result<Option<Element>> {
    let head = bytes_at(input, at, 12)?;
    let Some(width) = head.first().map(|byte| byte.leading_zeros() as usize + 1).filter(|width| *width <= 4) else {
        return Ok(None);
    };
    let Some((id, rest)) = head.split_at_checked(width) else { return Ok(None) };
    let Some(size_width) = rest.first().map(|byte| byte.leading_zeros() as usize + 1).filter(|width| *width <= 8)
    else {
        return Ok(None);
    };
    let Some(size) = rest.get(..size_width) else { return Ok(None) };
    let mask = (1u64 << (7 * size_width)) - 1;
    let (size, from) = (big_endian(size) & mask, at + (width + size_width) as u64);
    let to = (size != mask).then(|| from.saturating_add(size).min(end));
    Ok(Some(Element { id: big_endian(id), from, to }))
}

/// Sound in a part of a segment that holds none.
fn without_sound(input: &mut Input, part: &Element, end: u64) -> io::Result<Option<Unheard>> {
    let to = part.to.unwrap_or(end);
    match part.id {
        VOID => stray(input, part.from, to, "in a Void element"),
        ATTACHMENTS | TAGS if hides_stream(input, part.from, to)? => {
            Ok(Some(Unheard::Stream { found: "a stream of sound in an attachment or a tag".into() }))
        }
        _ => Ok(None),
    }
}

/// Number of audio tracks of a segment.
fn audio_tracks(input: &mut Input, parts: &[Element], to: u64) -> io::Result<usize> {
    let mut count = 0;
    for tracks in parts.iter().filter(|element| element.id == TRACKS) {
        let entries = children(input, tracks.from, tracks.to.unwrap_or(to))?;
        for entry in entries.into_iter().filter(|element| element.id == TRACK_ENTRY) {
            let fields = children(input, entry.from, entry.to.unwrap_or(to))?;
            for field in fields.into_iter().filter(|element| element.id == TRACK_TYPE) {
                let len = field.to.unwrap_or(field.from).saturating_sub(field.from).min(8);
                count += usize::from(big_endian(&bytes_at(input, field.from, len as usize)?) == AUDIO);
            }
        }
    }
    Ok(count)
}

/// The elements from one place to another, up to one whose length is not known.
fn children(input: &mut Input, from: u64, to: u64) -> io::Result<Vec<Element>> {
    let (mut all, mut at) = (Vec::new(), from);
    while at < to && all.len() < ELEMENTS_MOST {
        let Some(element) = element_at(input, at, to)? else { break };
        all.push(element);
        match element.to {
            Some(next) if next > at => at = next,
            _ => break,
        }
    }
    Ok(all)
}
