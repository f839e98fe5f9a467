//! Containers of chunks: the three of WAVE, AIFF and Core Audio.

use super::super::chunks::{Walker, printable};
use super::mpeg::hides_stream;
use super::{Structure, big_endian, bytes_at, stray};
use crate::audio::input::Input;
use crate::audio::{Container, Unheard};
use std::io;

/// Chunks that are followed; a file of more is no recording.
const CHUNKS_MOST: usize = 10_000;

/// Bytes of one text or label in a list; more is something else.
const TEXT_MOST: u32 = 1 << 14;

/// Bytes of a chunk of text that are looked at; a longer one is none.
const TEXT_READ: usize = 1 << 20;

/// One chunk: name, place of its content, its length, and where the next begins.
struct Chunk {
    id: [u8; 4],
    content: u64,
    len: u64,
    next: u64,
}

/// What is wrong with the chunks behind the first one that holds sound.
#[derive(Default)]
struct Balance {
    sounds: usize,
    formats: usize,
    unheard: Vec<Unheard>,
}

impl Balance {
    /// Takes in a chunk; `sound` is the name of those that hold sound, `format` of those that say how it is coded.
    fn add(&mut self, chunk: &Chunk, sound: &[u8; 4], format: &[u8; 4]) {
        let mut further = |found: String| self.unheard.push(Unheard::Stream { found });
        match &chunk.id {
            id if id == sound => {
                self.sounds += 1;
                if self.sounds > 1 && chunk.len > 0 {
                    further(format!("a further {} chunk of {} bytes", printable(sound), chunk.len));
                }
            }
            id if id == format => {
                self.formats += 1;
                if self.formats > 1 {
                    further(format!("a further {} chunk", printable(format)));
                }
            }
            b"RIFF" | b"RF64" | b"BW64" | b"FORM" | b"caff" | b"fLaC" | b"OggS" | b"riff" | b"wavl" | b"slnt" => {
                further(format!("a further {} of {} bytes", printable(&chunk.id), chunk.len));
            }
            _ => {}
        }
    }
}

/// What is not followed of a file of very many chunks.
fn too_many(at: u64, end: u64) -> Unheard {
    Unheard::Bytes { bytes: end.saturating_sub(at), place: format!("behind {CHUNKS_MOST} chunks") }
}

/// Sound in a chunk that should hold none: padding that is not empty, a list that is no list, a stream in any other.
fn filled(input: &mut Input, chunk: &Chunk, file_len: u64, wave: bool) -> io::Result<Option<Unheard>> {
    let end = chunk.content.saturating_add(chunk.len).min(file_len);
    let place = format!("in a {} chunk", printable(&chunk.id));
    match &chunk.id {
        b"JUNK" | b"junk" | b"PAD " | b"pad " | b"FLLR" | b"fllr" | b"free" | b"Free" => {
            stray(input, chunk.content, end, &place)
        }
        b"iXML" | b"_PMX" | b"axml" | b"aXML" if !is_text(input, chunk.content, end)? => {
            stray(input, chunk.content, end, &place)
        }
        b"LIST" if wave && !is_list(input, chunk.content, end)? => stray(input, chunk.content, end, &place),
        b"data" | b"SSND" => Ok(None),
        _ => {
            let found = format!("a stream of sound {place}");
            Ok(hides_stream(input, chunk.content, end)?.then_some(Unheard::Stream { found }))
        }
    }
}

/// Whether a chunk that holds a text does.
fn is_text(input: &mut Input, from: u64, to: u64) -> io::Result<bool> {
    let bytes = bytes_at(input, from, usize::try_from(to.saturating_sub(from)).unwrap_or(TEXT_READ).min(TEXT_READ))?;
    // Writers pad with zeros.
    let padding = bytes.iter().rev().take_while(|byte| **byte == 0).count();
    let text = bytes.get(..bytes.len() - padding).unwrap_or_default();
    Ok(to.saturating_sub(from) <= TEXT_READ as u64 && std::str::from_utf8(text).is_ok() && !text.contains(&0))
}

/// Whether the bytes of a list are a name and chunks of the size of texts up to their end.
fn is_list(input: &mut Input, from: u64, to: u64) -> io::Result<bool> {
    let mut at = from + 4;
    for _ in 0..CHUNKS_MOST {
        if at.saturating_add(8) > to {
            return Ok(true);
        }
        let head = bytes_at(input, at, 8)?;
        let id = head.get(..4).and_then(|id| id.try_into().ok());
        let Some(len) = super::super::chunks::u32_at(&head, 4).filter(|_| id.is_some_and(|id| is_name(&id))) else {
            return Ok(false);
        };
        if len > TEXT_MOST {
            return Ok(false);
        }
        at = at.saturating_add(8).saturating_add(u64::from(len)).saturating_add(u64::from(len & 1));
    }
    Ok(false)
}

/// Whether this can be the name of a chunk.
fn is_name(id: &[u8; 4]) -> bool {
    id.iter().all(|byte| byte.is_ascii_graphic() || *byte == b' ')
}

/// The chunks of a WAVE file.
pub(super) fn wave(input: &mut Input, container: Container, file_len: u64) -> io::Result<Structure> {
    let mut balance = Balance::default();
    let mut ds64 = None;
    let mut at = if container == Container::W64 { 40 } else { 12 };
    for number in 0.. {
        if number == CHUNKS_MOST {
            balance.unheard.push(too_many(at, file_len));
            break;
        }
        let mut walker = Walker::at(input, container, file_len, at)?;
        let Some(header) = walker.header()? else { break };
        if header.id == *b"ds64" && container == Container::Rf64 {
            ds64 = walker.ds64(&header)?;
        }
        if header.id == *b"LIST" && walker.content(&header, 4)? == b"wavl" {
            balance.unheard.push(Unheard::Stream { found: format!("a list of sounds of {} bytes", header.len) });
        }
        if !is_name(&header.id) || header.id == *b"????" {
            balance.unheard.extend(stray(input, at, file_len, "behind the last chunk")?);
            break;
        }
        let unknown = header.len == u64::from(u32::MAX) || header.len >= u64::MAX - 24;
        let len = if unknown { ds64.unwrap_or(u64::MAX) } else { header.len };
        let chunk = Chunk { id: header.id, content: header.content, len, next: 0 };
        balance.add(&chunk, b"data", b"fmt ");
        balance.unheard.extend(filled(input, &chunk, file_len, true)?);
        // A length of nothing or of all ones stands for the rest of the file, and that was read.
        if header.id == *b"data" && balance.sounds == 1 && (unknown && ds64.is_none() || len == 0) {
            break;
        }
        at = if len == header.len { header.next } else { header.content.saturating_add(len).saturating_add(len & 1) };
        if at >= file_len {
            break;
        }
    }
    Ok(Structure { unheard: balance.unheard, ..Structure::default() })
}

/// The chunks of an AIFF file.
pub(super) fn aiff(input: &mut Input, file_len: u64) -> io::Result<Structure> {
    let form = bytes_at(input, 0, 8)?;
    let end = big_endian(form.get(4..).unwrap_or_default()).saturating_add(8).min(file_len);
    let chunk = |at: u64, head: &[u8]| {
        let len = big_endian(head.get(4..8)?);
        let content = at + 8;
        Some(Chunk { id: head.get(..4)?.try_into().ok()?, content, len, next: content + len + (len & 1) })
    };
    let mut structure = followed(input, (12, end), 8, (b"SSND", b"COMM"), chunk)?;
    structure.unheard.extend(stray(input, end, file_len, "behind the end of the form")?);
    Ok(structure)
}

/// The chunks of a Core Audio file.
pub(super) fn caf(input: &mut Input, file_len: u64) -> io::Result<Structure> {
    let chunk = |at: u64, head: &[u8]| {
        let len = big_endian(head.get(4..12)?);
        let content = at + 12;
        // All ones: to the end of the file.
        Some(Chunk { id: head.get(..4)?.try_into().ok()?, content, len, next: content.saturating_add(len) })
    };
    followed(input, (8, file_len), 12, (b"data", b"desc"), chunk)
}

/// Follows chunks from one place to another.
fn followed(
    input: &mut Input,
    (mut at, end): (u64, u64),
    head: usize,
    (sound, format): (&[u8; 4], &[u8; 4]),
    chunk: impl Fn(u64, &[u8]) -> Option<Chunk>,
) -> io::Result<Structure> {
    let mut balance = Balance::default();
    for number in 0.. {
        if at.saturating_add(head as u64) > end {
            break;
        }
        if number == CHUNKS_MOST {
            balance.unheard.push(too_many(at, end));
            break;
        }
        match chunk(at, &bytes_at(input, at, head)?) {
            Some(chunk) if is_name(&chunk.id) => {
                debug_assert!(chunk.content > at);
                balance.add(&chunk, sound, format);
                balance.unheard.extend(filled(input, &chunk, end, false)?);
                at = chunk.next.max(chunk.content);
            }
            _ => {
                balance.unheard.extend(stray(input, at, end, "behind the last chunk")?);
                break;
            }
        }
    }
    Ok(Structure { unheard: balance.unheard, ..Structure::default() })
}

#[cfg(test)]
mod tests {
    use super::super::super::chunks::tests::{chunk, file, riff};
    use super::super::super::fmt::tests::plain;
    use super::*;

    #[test]
    fn what_is_behind_very_many_chunks_is_not_taken_as_heard() {
        let mut chunks = vec![chunk(b"fmt ", &plain(1, 1, 8000, 16)), chunk(b"data", &[1; 8])];
        let whole = riff(&chunks);
        assert!(wave(&mut file(&whole), Container::Wav, whole.len() as u64).unwrap().unheard.is_empty());
        chunks.extend((0..CHUNKS_MOST).map(|_| chunk(b"note", b"")));
        chunks.push(chunk(b"data", &[1; 8]));
        let many = riff(&chunks);
        assert_eq!(wave(&mut file(&many), Container::Wav, many.len() as u64).unwrap().unheard.len(), 1);
    }
}
