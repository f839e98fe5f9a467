//! What else a file holds beside the stream that was decoded: the layout of each container, followed to the last byte.
//!
//! Demuxers look for sound and step over the rest in silence. Here the rest is accounted for: further streams, tracks
//! that the demuxer does not know, bytes behind the end, edit lists. Nothing is decoded, and no length is trusted.

mod boxes;
mod chunks;
mod ebml;
mod mpeg;
mod ogg;

use crate::audio::input::Input;
use crate::audio::{Container, Unheard};
use std::io::{self, Read, Seek, SeekFrom};

/// Bytes without a meaning that are left alone: padding, and the short tags of old programs.
const STRAY_MOST: u64 = 1024;

/// What the layout of a file says.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Structure {
    /// Number of audio tracks by the container's own account; none where it has no such thing.
    pub tracks: Option<usize>,
    /// Bytes that the packets of all tracks must add up to; none where that cannot be said.
    pub payload: Option<u64>,
    /// What the decoder cannot have heard.
    pub unheard: Vec<Unheard>,
}

/// Follows the layout of a file whose sound begins at `start` and ends at `end`; what lies outside are tags.
///
/// # Errors
/// Where the file cannot be read.
pub(super) fn examine(input: &mut Input, container: Container, start: u64, end: u64) -> io::Result<Structure> {
    let file_len = input.len()?;
    let mut structure = match container {
        Container::Wav | Container::Rf64 | Container::W64 => chunks::wave(input, container, file_len)?,
        Container::Aiff => chunks::aiff(input, file_len)?,
        Container::Caf => chunks::caf(input, file_len)?,
        Container::Flac => mpeg::flac(input, start, end)?,
        Container::Mp3 => Structure { payload: Some(end.saturating_sub(start)), ..Structure::default() },
        Container::Adts => mpeg::adts(input, start, end)?,
        Container::Ogg => ogg::pages(input, start, end)?,
        Container::Mp4 => boxes::movie(input, file_len)?,
        Container::Mkv => ebml::matroska(input, file_len)?,
    };
    for (place, from, to) in [("in a tag before the sound", 0, start), ("in a tag behind the sound", end, file_len)] {
        if mpeg::hides_stream(input, from, to)? {
            let found = format!("a stream of sound {place}");
            structure.unheard.push(Unheard::Stream { found });
        }
    }
    Ok(structure)
}

/// Reads up to `most` bytes from a place on.
fn bytes_at(input: &mut Input, at: u64, most: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    input.seek(SeekFrom::Start(at))?;
    input.by_ref().take(most as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// What bytes without a meaning are: nothing where they are few or all zero.
fn stray(input: &mut Input, from: u64, to: u64, place: &str) -> io::Result<Option<Unheard>> {
    let bytes = to.saturating_sub(from);
    if bytes <= STRAY_MOST {
        return Ok(None);
    }
    input.seek(SeekFrom::Start(from))?;
    let (mut rest, mut buffer) = (input.by_ref().take(bytes), vec![0; 1 << 16]);
    loop {
        match crate::hash::portion(&mut rest, &mut buffer)? {
            [] => return Ok(None),
            read if read.iter().all(|byte| *byte == 0) => {}
            _ => return Ok(Some(Unheard::Bytes { bytes, place: place.into() })),
        }
    }
}

/// The big-endian number of these bytes, at most eight of them.
fn big_endian(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::super::Decoder;
    use super::super::chunks::tests::file;
    use std::path::{Path, PathBuf};

    fn fixtures() -> Vec<PathBuf> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/formats");
        let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let mut files: Vec<PathBuf> =
            files.filter(|path| path.extension().is_some_and(|end| end != "tsv" && end != "md")).collect();
        files.sort();
        files
    }

    fn coverage(name: &Path, bytes: &[u8]) -> Option<crate::audio::Coverage> {
        let mut decoder = Decoder::open(name, file(bytes)).ok()?;
        let mut block = Vec::new();
        while decoder.next_block(&mut block).ok()? {}
        Some(decoder.coverage(name, Vec::new(), 0).unwrap())
    }

    #[test]
    fn ordinary_files_are_heard_whole() {
        let mut seen = 0;
        for path in fixtures() {
            let Some(coverage) = coverage(&path, &std::fs::read(&path).unwrap()) else { continue };
            assert_eq!((coverage.tracks, &coverage.unheard), (1, &vec![]), "{}", path.display());
            seen += 1;
        }
        assert!(seen > 20, "{seen}");
    }

    #[test]
    fn a_whole_file_behind_another_is_never_missed() {
        for path in fixtures() {
            let bytes = std::fs::read(&path).unwrap();
            let Some(alone) = coverage(&path, &bytes) else { continue };
            let joined = coverage(&path, &[bytes.clone(), bytes].concat());
            // Streams without a header of their own simply go on.
            let goes_on = ["mp3", "aac", "flac"].iter().any(|end| path.extension().is_some_and(|found| found == *end));
            assert!(goes_on || joined.is_none_or(|joined| joined.unheard != alone.unheard), "{}", path.display());
        }
    }
}
