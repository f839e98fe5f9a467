//! The chunk structure of the three WAVE containers: RIFF, RF64 (and BW64) and Sony Wave64.
//!
//! One walker finds the format chunk and the data chunk of all three. It trusts no length: every length is held
//! against the size of the file, and none is used to allocate more than a few hundred bytes.

use super::super::Container;
use crate::audio::input::Input;
use crate::error::{ErrorKind, IoContext, Result};
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::Path;

/// Format chunks longer than this are cut: no field that is read here lies beyond.
const FMT_LIMIT: u64 = 256;
/// A file with more chunks than this before its sound is no recording.
const CHUNK_LIMIT: usize = 10_000;
/// What a 32-bit length says when it does not know, or when `ds64` knows better.
const UNKNOWN_32: u64 = 0xFFFF_FFFF;
/// The last twelve bytes of the chunk identifiers of Wave64 (all but `riff`).
const W64_TAIL: [u8; 12] = [0xF3, 0xAC, 0xD3, 0x11, 0x8C, 0xD1, 0x00, 0xC0, 0x4F, 0x8E, 0xDB, 0x8A];

/// Where the sound of a WAVE file lies.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Chunks {
    /// The content of the format chunk, at most its first 256 bytes.
    pub fmt: Vec<u8>,
    /// Offset of the first byte of sound.
    pub data_offset: u64,
    /// Bytes of sound the header announces.
    pub declared: u64,
    /// Bytes of sound that are there, never beyond the end of the file.
    pub found: u64,
    /// True where the announced length is one of those written by programs that stream.
    pub length_unknown: bool,
}

/// One chunk header.
pub(super) struct Header {
    pub id: [u8; 4],
    /// Offset of the content.
    pub content: u64,
    /// Length of the content as written.
    pub len: u64,
    /// Offset of the next chunk.
    pub next: u64,
}

/// Reads the headers of `file`, which is `file_len` bytes long.
pub(super) fn walk(path: &Path, file: &mut Input, container: Container, file_len: u64) -> Result<Chunks> {
    let mut walker = Walker { reader: BufReader::with_capacity(4096, file), container, file_len, pos: 0 };
    let mut fmt = None;
    let mut ds64_data = None;
    let mut names = Vec::new();
    walker.reader.rewind().at(path, "read")?;
    walker.jump(if container == Container::W64 { 40 } else { 12 }).at(path, "read")?;
    for _ in 0..CHUNK_LIMIT {
        let Some(header) = walker.header().at(path, "read")? else { break };
        match &header.id {
            b"ds64" if container == Container::Rf64 => ds64_data = walker.ds64(&header).at(path, "read")?,
            b"fmt " if fmt.is_none() => fmt = Some(walker.content(&header, FMT_LIMIT).at(path, "read")?),
            b"data" => {
                let Some(fmt) = fmt else {
                    return malformed(path, "a data chunk with no fmt chunk before it", "a fmt chunk, then data");
                };
                let len = if header.len == UNKNOWN_32 { ds64_data.unwrap_or(header.len) } else { header.len };
                return walker.data(path, fmt, &header, len);
            }
            _ => {}
        }
        if names.len() < 8 {
            names.push(printable(&header.id));
        }
        if walker.jump(header.next).at(path, "read")? >= file_len {
            break;
        }
    }
    let found = if names.is_empty() { "no chunks".into() } else { format!("the chunks {}", names.join(", ")) };
    malformed(path, &format!("{found} and no data chunk"), "a fmt chunk and a data chunk")
}

/// Goes from chunk to chunk.
pub(super) struct Walker<'a> {
    reader: BufReader<&'a mut Input>,
    container: Container,
    file_len: u64,
    pos: u64,
}

impl<'a> Walker<'a> {
    /// One that stands at a place.
    pub fn at(input: &'a mut Input, container: Container, file_len: u64, place: u64) -> std::io::Result<Self> {
        let mut walker = Walker { reader: BufReader::with_capacity(64, input), container, file_len, pos: 0 };
        walker.reader.rewind()?;
        walker.jump(place)?;
        Ok(walker)
    }
}

impl Walker<'_> {
    fn jump(&mut self, to: u64) -> std::io::Result<u64> {
        let to = to.min(self.file_len);
        match i64::try_from(to).ok().zip(i64::try_from(self.pos).ok()) {
            Some((to, pos)) => self.reader.seek_relative(to - pos)?,
            None => drop(self.reader.seek(SeekFrom::Start(to))?),
        }
        self.pos = to;
        Ok(to)
    }

    /// Fills `buffer` as far as the file goes and says how far.
    fn fill(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let filled = fill(&mut self.reader, buffer)?;
        self.pos += filled as u64;
        Ok(filled)
    }

    /// The chunk header at the present place, or nothing where the file ends.
    pub fn header(&mut self) -> std::io::Result<Option<Header>> {
        let start = self.pos;
        if self.container == Container::W64 {
            let mut raw = [0; 24];
            if self.fill(&mut raw)? < raw.len() {
                return Ok(None);
            }
            let mut id = [0; 4];
            id.copy_from_slice(&raw[..4]);
            if raw[4..16] != W64_TAIL {
                id = *b"????";
            }
            let size = u64_at(&raw, 16).unwrap_or(0);
            // The size counts its own header of 24 bytes and chunks begin at multiples of eight.
            let len = size.saturating_sub(24);
            let next = start.saturating_add(size.max(24)).checked_next_multiple_of(8).unwrap_or(u64::MAX);
            return Ok(Some(Header { id, content: start + 24, len, next }));
        }
        let mut raw = [0; 8];
        if self.fill(&mut raw)? < raw.len() {
            return Ok(None);
        }
        let mut id = [0; 4];
        id.copy_from_slice(&raw[..4]);
        let len = u64::from(u32_at(&raw, 4).unwrap_or(0));
        Ok(Some(Header { id, content: start + 8, len, next: start + 8 + len + (len & 1) }))
    }

    /// At most `limit` bytes of a chunk's content.
    pub fn content(&mut self, header: &Header, limit: u64) -> std::io::Result<Vec<u8>> {
        let room = self.file_len.saturating_sub(header.content);
        let mut bytes = vec![0; header.len.min(limit).min(room) as usize];
        let filled = self.fill(&mut bytes)?;
        bytes.truncate(filled);
        Ok(bytes)
    }

    /// The length of the data chunk as a `ds64` chunk gives it.
    pub fn ds64(&mut self, header: &Header) -> std::io::Result<Option<u64>> {
        Ok(u64_at(&self.content(header, 28)?, 8))
    }

    fn data(&mut self, path: &Path, fmt: Vec<u8>, header: &Header, declared: u64) -> Result<Chunks> {
        let there = self.file_len.saturating_sub(header.content);
        let all_ones = match self.container {
            Container::W64 => declared >= u64::MAX - 24,
            _ => declared == UNKNOWN_32 || declared == u64::MAX,
        };
        let length_unknown = all_ones || (declared == 0 && there > 0);
        if declared == 0 && (there == 0 || self.only_chunks_follow(header.content).at(path, "read")?) {
            return Err(ErrorKind::NoAudio { path: path.into(), found: "a data chunk of 0 bytes".into() }.into());
        }
        let found = if length_unknown { there } else { declared.min(there) };
        Ok(Chunks { fmt, data_offset: header.content, declared, found, length_unknown })
    }

    /// True where the bytes from `start` on are well-formed chunks up to the very end of the file.
    fn only_chunks_follow(&mut self, start: u64) -> std::io::Result<bool> {
        self.jump(start)?;
        for _ in 0..CHUNK_LIMIT {
            if self.pos >= self.file_len {
                return Ok(true);
            }
            let Some(header) = self.header()? else { return Ok(false) };
            let end = header.content.saturating_add(header.len);
            let named = header.id.iter().all(|byte| byte.is_ascii_graphic() || *byte == b' ');
            if !named || header.id == *b"????" || end > self.file_len {
                return Ok(false);
            }
            self.jump(header.next)?;
        }
        Ok(false)
    }
}

/// Reads until `bytes` is full or the file ends, and says how far it came.
pub(in crate::audio) fn fill(file: &mut impl Read, bytes: &mut [u8]) -> std::io::Result<usize> {
    let mut filled = 0;
    while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match file.read(rest) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

fn malformed<T>(path: &Path, found: &str, expected: &str) -> Result<T> {
    Err(ErrorKind::Malformed { path: path.into(), found: found.into(), expected: expected.into() }.into())
}

/// The name of a chunk in quotes.
pub(super) fn printable(id: &[u8; 4]) -> String {
    format!("\"{}\"", id.escape_ascii())
}

/// The little-endian number of two bytes at `at`.
pub(super) fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(bytes.get(at..at.checked_add(2)?)?.try_into().ok()?))
}

/// The little-endian number of four bytes at `at`.
pub(super) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?))
}

/// The little-endian number of eight bytes at `at`.
pub(super) fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(bytes.get(at..at.checked_add(8)?)?.try_into().ok()?))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use std::io::Write;

    /// A chunk with its padding.
    pub fn chunk(id: &[u8; 4], content: &[u8]) -> Vec<u8> {
        let mut out = id.to_vec();
        out.extend((content.len() as u32).to_le_bytes());
        out.extend(content);
        out.resize(out.len() + content.len() % 2, 0);
        out
    }

    /// A file of chunks; lengths of the file itself are right.
    pub fn riff(chunks: &[Vec<u8>]) -> Vec<u8> {
        let body = chunks.concat();
        let mut out = b"RIFF".to_vec();
        out.extend((body.len() as u32 + 4).to_le_bytes());
        out.extend(b"WAVE");
        out.extend(body);
        out
    }

    /// A Wave64 chunk with its padding.
    pub fn w64_chunk(id: &[u8; 4], content: &[u8]) -> Vec<u8> {
        let mut out = id.to_vec();
        out.extend(W64_TAIL);
        out.extend((content.len() as u64 + 24).to_le_bytes());
        out.extend(content);
        out.resize(out.len().next_multiple_of(8), 0);
        out
    }

    /// A Wave64 file of chunks.
    pub fn w64(chunks: &[Vec<u8>]) -> Vec<u8> {
        let body = chunks.concat();
        let mut out = b"riff".to_vec();
        out.extend([0x2E, 0x91, 0xCF, 0x11, 0xA5, 0xD6, 0x28, 0xDB, 0x04, 0xC1, 0x00, 0x00]);
        out.extend((body.len() as u64 + 40).to_le_bytes());
        out.extend(b"wave");
        out.extend(W64_TAIL);
        out.extend(body);
        out
    }

    /// The bytes as an open file that stands at its end.
    pub fn file(bytes: &[u8]) -> Input {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        file.into()
    }

    fn walk_bytes(container: Container, bytes: &[u8]) -> Result<Chunks> {
        walk(Path::new("x.wav"), &mut file(bytes), container, bytes.len() as u64)
    }

    #[test]
    fn odd_chunks_before_and_after_the_data_are_stepped_over() {
        let bytes = riff(&[
            chunk(b"LIST", b"odd"),
            chunk(b"fmt ", &[7; 16]),
            chunk(b"fact", b""),
            chunk(b"data", &[1; 6]),
            chunk(b"LIST", b"xyz"),
        ]);
        let got = walk_bytes(Container::Wav, &bytes).unwrap();
        assert_eq!(got, Chunks { fmt: vec![7; 16], data_offset: 64, declared: 6, found: 6, length_unknown: false },);
    }

    #[test]
    fn rf64_takes_the_length_from_ds64() {
        let mut ds64 = 0u64.to_le_bytes().to_vec();
        ds64.extend(6u64.to_le_bytes());
        ds64.extend([0; 12]);
        let mut bytes = riff(&[chunk(b"ds64", &ds64), chunk(b"fmt ", &[7; 16]), chunk(b"data", &[1; 6])]);
        let at = bytes.len() - 10;
        bytes[at..at + 4].copy_from_slice(&[0xFF; 4]);
        bytes[..4].copy_from_slice(b"RF64");
        let got = walk_bytes(Container::Rf64, &bytes).unwrap();
        assert_eq!((got.declared, got.found, got.length_unknown), (6, 6, false));
        // The same file without ds64 is one whose length is unknown.
        bytes[12..16].copy_from_slice(b"JUNK");
        let got = walk_bytes(Container::Rf64, &bytes).unwrap();
        assert_eq!((got.declared, got.found, got.length_unknown), (UNKNOWN_32, 6, true));
    }

    #[test]
    fn w64_counts_its_own_headers_and_aligns_to_eight() {
        let bytes = w64(&[w64_chunk(b"fmt ", &[7; 18]), w64_chunk(b"junk", &[0; 3]), w64_chunk(b"data", &[1; 6])]);
        let got = walk_bytes(Container::W64, &bytes).unwrap();
        assert_eq!(got, Chunks { fmt: vec![7; 18], data_offset: 144, declared: 6, found: 6, length_unknown: false });
    }

    #[test]
    fn lies_about_the_length_are_held_against_the_file() {
        let mut bytes = riff(&[chunk(b"fmt ", &[7; 16]), chunk(b"data", &[0x91; 6])]);
        for (written, found, unknown) in [(6u32, 6, false), (4, 4, false), (600, 6, false), (0, 6, true), (!0, 6, true)]
        {
            bytes[40..44].copy_from_slice(&written.to_le_bytes());
            let got = walk_bytes(Container::Wav, &bytes).unwrap();
            assert_eq!((got.declared, got.found, got.length_unknown), (u64::from(written), found, unknown));
        }
    }

    #[test]
    fn an_empty_data_chunk_is_no_audio_even_with_chunks_behind() {
        for tail in [vec![], chunk(b"LIST", b"abc"), [chunk(b"LIST", b"abcd"), chunk(b"id3 ", b"")].concat()] {
            let bytes = riff(&[chunk(b"fmt ", &[7; 16]), chunk(b"data", b""), tail]);
            let error = walk_bytes(Container::Wav, &bytes).unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::NoAudio { .. }), "{error}");
        }
    }

    #[test]
    fn missing_chunks_are_named() {
        let error = walk_bytes(Container::Wav, &riff(&[chunk(b"fmt ", &[7; 16]), chunk(b"LIST", b"")])).unwrap_err();
        assert_eq!(
            error.to_string(),
            "x.wav: found the chunks \"fmt \", \"LIST\" and no data chunk, expected a fmt chunk and a data chunk; \
             copy the file again from its source, or export it again"
        );
        for chunks in [vec![], vec![chunk(b"data", &[1; 6])], vec![chunk(b"data", &[1; 6]), chunk(b"fmt ", &[7; 16])]] {
            let error = walk_bytes(Container::Wav, &riff(&chunks)).unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::Malformed { .. }), "{error}");
        }
    }
}
