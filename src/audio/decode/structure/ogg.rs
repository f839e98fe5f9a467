//! Ogg page by page (RFC 3533): one physical stream, every page whole, nothing between them.

use super::{Structure, bytes_at, stray};
use crate::audio::Unheard;
use crate::audio::input::Input;
use std::io;

/// Bytes of a page's header without its table of segments.
const HEAD: usize = 27;
/// Bits of a page's flags: it begins a logical stream.
const BEGINS: u8 = 0x02;
/// How the first packets of audio begin.
const AUDIO: [&[u8]; 6] = [b"\x01vorbis", b"OpusHead", b"\x7FFLAC", b"Speex   ", b"PCM     ", b"CELT    "];
/// How the first packets of what is certainly no audio begin.
const OTHER: [&[u8]; 6] = [b"\x80theora", b"fishead\0", b"\x80kate\0\0\0", b"BBCD\0", b"OVP80", b"CMML\0\0\0\0"];

/// Follows the pages from `start` to `end`.
pub(super) fn pages(input: &mut Input, start: u64, end: u64) -> io::Result<Structure> {
    let mut structure = Structure { tracks: Some(0), ..Structure::default() };
    let table = crc_table();
    let (mut at, mut begun, mut damaged) = (start, false, 0u64);
    while at < end {
        let Some(page) = page_at(input, at, end)? else {
            structure.unheard.extend(stray(input, at, end, "that are no page of Ogg")?);
            break;
        };
        at += page.len() as u64;
        damaged += u64::from(!is_right(&page, &table));
        let flags = page.get(5).copied().unwrap_or(0);
        if flags & BEGINS == 0 {
            begun = true;
            continue;
        }
        if begun {
            let found = format!("a further stream chained behind the first, from byte {}", at - page.len() as u64);
            structure.unheard.push(Unheard::Stream { found });
            break;
        }
        let body = page.get(HEAD + usize::from(page.get(26).copied().unwrap_or(0))..).unwrap_or_default();
        if AUDIO.iter().any(|audio| body.starts_with(audio)) {
            structure.tracks = structure.tracks.map(|tracks| tracks + 1);
        } else if !OTHER.iter().any(|other| body.starts_with(other)) {
            structure.unheard.push(Unheard::Track { found: "a stream of an unknown kind in Ogg".into() });
        }
    }
    if damaged > 0 {
        structure.unheard.push(Unheard::Damaged { found: format!("{damaged} pages of Ogg with a wrong checksum") });
    }
    Ok(structure)
}

/// The whole page that begins at a place; none where there is none.
fn page_at(input: &mut Input, at: u64, end: u64) -> io::Result<Option<Vec<u8>>> {
    let mut page = bytes_at(input, at, HEAD + 255)?;
    let segments = page.get(26).map_or(0, |count| usize::from(*count));
    let Some(lengths) = page.get(HEAD..HEAD + segments).filter(|_| page.starts_with(b"OggS\0")) else {
        return Ok(None);
    };
    let len = HEAD + segments + lengths.iter().map(|length| usize::from(*length)).sum::<usize>();
    if at + len as u64 > end {
        return Ok(None);
    }
    if page.len() < len {
        page = bytes_at(input, at, len)?;
    }
    page.truncate(len);
    Ok((page.len() == len).then_some(page))
}

/// The remainders of all bytes by the polynomial of Ogg, 0x04C11DB7.
fn crc_table() -> [u32; 256] {
    let mut table = [0; 256];
    for (byte, remainder) in (0u32..).zip(&mut table) {
        *remainder = (0..8).fold(byte << 24, |crc, _| crc << 1 ^ if crc >> 31 == 1 { 0x04C1_1DB7 } else { 0 });
    }
    table
}

/// Whether a page has the checksum that it states.
fn is_right(page: &[u8], table: &[u32; 256]) -> bool {
    let Some(stated) = super::super::chunks::u32_at(page, 22) else { return false };
    let found = page.iter().enumerate().fold(0u32, |crc, (at, byte)| {
        let byte = if (22..26).contains(&at) { 0 } else { *byte };
        let remainder = table.get((crc >> 24) as usize ^ usize::from(byte)).copied().unwrap_or(0);
        crc << 8 ^ remainder
    });
    found == stated
}
