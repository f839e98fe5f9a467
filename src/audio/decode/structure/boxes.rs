//! MP4 and MOV: the boxes of ISO 14496-12 that say which sound there is and which of it players leave out.

use super::mpeg::hides_stream;
use super::{Structure, big_endian, bytes_at, stray};
use crate::audio::Unheard;
use crate::audio::input::Input;
use std::io;

/// Boxes that are followed at one level; more is no recording.
const BOXES_MOST: usize = 100_000;
/// Bytes of a box that are read at most.
const READ_MOST: usize = 1 << 20;
/// An edit may leave out what an encoder adds at the start, and as much at the end, seconds.
const EDIT_MOST_S: f64 = 0.25;

/// A box: its name, and where its content begins and ends.
#[derive(Clone, Copy)]
struct Box {
    name: [u8; 4],
    from: u64,
    to: u64,
}

/// What is known of the track that is read.
#[derive(Default)]
struct TrackBoxes {
    handler: [u8; 4],
    /// Ticks a second, and length in ticks.
    media: Option<(u64, u64)>,
    edits: Option<Vec<Edit>>,
}

/// An edit: its length in ticks of the movie, and where it begins in ticks of the media; -1 for nothing.
struct Edit {
    length: u64,
    start: i64,
}

/// Follows the boxes of a file.
pub(super) fn movie(input: &mut Input, file_len: u64) -> io::Result<Structure> {
    let mut structure = Structure { tracks: Some(0), payload: Some(0), ..Structure::default() };
    let mut movies = 0;
    let (top, end) = children(input, 0, file_len)?;
    for found in top {
        match &found.name {
            b"mdat" => structure.payload = structure.payload.map(|bytes| bytes + (found.to - found.from)),
            b"moov" => {
                movies += 1;
                if movies > 1 {
                    structure.unheard.push(Unheard::Stream { found: "a further movie in the file".into() });
                    continue;
                }
                tracks(input, found, &mut structure)?;
            }
            b"free" | b"skip" | b"wide" => {
                structure.unheard.extend(stray(input, found.from, found.to, "in a box for free space")?);
            }
            _ => {}
        }
        if found.name != *b"mdat" && hides_stream(input, found.from, found.to)? {
            let found = format!("a stream of sound in a box \"{}\"", found.name.escape_ascii());
            structure.unheard.push(Unheard::Stream { found });
        }
    }
    structure.unheard.extend(stray(input, end, file_len, "behind the last box")?);
    Ok(structure)
}

/// The boxes from one place to another, and where the last of them ends.
fn children(input: &mut Input, from: u64, to: u64) -> io::Result<(Vec<Box>, u64)> {
    let (mut all, mut at) = (Vec::new(), from);
    while at + 8 <= to && all.len() < BOXES_MOST {
        let head = bytes_at(input, at, 16)?;
        let (Some(size), Some(name)) = (head.get(..4), head.get(4..8)) else { break };
        let (content, size) = match big_endian(size) {
            0 => (at + 8, to - at),
            1 => (at + 16, big_endian(head.get(8..16).unwrap_or_default())),
            size => (at + 8, size),
        };
        let end = at.saturating_add(size);
        let named = name.iter().all(|byte| byte.is_ascii_graphic() || *byte == b' ' || *byte == 0xA9);
        if !named || end < content || content > to {
            break;
        }
        let mut box_name = [0; 4];
        box_name.copy_from_slice(name);
        all.push(Box { name: box_name, from: content, to: end.min(to) });
        at = end.min(to);
    }
    Ok((all, at))
}

/// The content of a box, as far as it is read.
fn content(input: &mut Input, found: &Box) -> io::Result<Vec<u8>> {
    bytes_at(input, found.from, usize::try_from(found.to - found.from).unwrap_or(READ_MOST).min(READ_MOST))
}

/// Counts the audio tracks of a movie and looks at their edit lists.
fn tracks(input: &mut Input, movie: Box, structure: &mut Structure) -> io::Result<()> {
    let mut ticks = 0;
    for found in children(input, movie.from, movie.to)?.0 {
        match &found.name {
            b"mvhd" => ticks = clock(&content(input, &found)?).map_or(0, |(ticks, _)| ticks),
            b"trak" => {
                let mut track = TrackBoxes::default();
                track.read(input, found)?;
                if track.handler == *b"soun" {
                    structure.tracks = structure.tracks.map(|tracks| tracks + 1);
                    structure.unheard.extend(track.edited(ticks).map(|found| Unheard::Edits { found }));
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// Ticks a second and length of a `mvhd` or `mdhd` box.
fn clock(content: &[u8]) -> Option<(u64, u64)> {
    let (ticks, length) = if content.first()? == &1 { (20..24, 24..32) } else { (12..16, 16..20) };
    Some((big_endian(content.get(ticks)?), big_endian(content.get(length)?)))
}

impl TrackBoxes {
    fn read(&mut self, input: &mut Input, parent: Box) -> io::Result<()> {
        for found in children(input, parent.from, parent.to)?.0 {
            match &found.name {
                b"mdia" | b"edts" => self.read(input, found)?,
                b"mdhd" => self.media = clock(&content(input, &found)?),
                b"hdlr" => {
                    let content = content(input, &found)?;
                    content.get(8..12).into_iter().for_each(|name| self.handler.copy_from_slice(name));
                }
                b"elst" => self.edits = Some(edits(&content(input, &found)?)),
                _ => {}
            }
        }
        Ok(())
    }

    /// What the edits leave out, repeat or reorder; none where players play all of the track once. `ticks` are those
    /// of the movie a second.
    fn edited(&self, ticks: u64) -> Option<String> {
        let edits = self.edits.as_ref()?;
        let played: Vec<&Edit> = edits.iter().filter(|edit| edit.start != -1).collect();
        let Some((media_ticks, length)) = self.media.filter(|(media, _)| *media > 0 && ticks > 0) else {
            return (!played.is_empty()).then(|| "edits of a track without a clock".into());
        };
        match played.as_slice() {
            [] => None,
            [edit] => {
                let start_s = edit.start as f64 / media_ticks as f64;
                let all_s = length as f64 / media_ticks as f64;
                let end_s = start_s + edit.length as f64 / ticks as f64;
                // A length of nothing stands for all, as in fragmented files.
                let cut = edit.length > 0 && length > 0 && end_s < all_s - EDIT_MOST_S;
                (!(0.0..=EDIT_MOST_S).contains(&start_s) || cut)
                    .then(|| format!("{start_s:.2} to {end_s:.2} s of {all_s:.2} s are played"))
            }
            several => Some(format!("{} parts are played", several.len())),
        }
    }
}

/// The edits of an `elst` box.
fn edits(content: &[u8]) -> Vec<Edit> {
    let wide = content.first() == Some(&1);
    let entries = content.get(8..).unwrap_or_default();
    let number = |bytes: &[u8]| big_endian(bytes);
    entries
        .chunks_exact(if wide { 20 } else { 12 })
        .filter_map(|entry| match wide {
            true => Some(Edit { length: number(entry.get(..8)?), start: number(entry.get(8..16)?) as i64 }),
            false => {
                let start = i32::from_be_bytes(entry.get(4..8)?.try_into().ok()?);
                Some(Edit { length: number(entry.get(..4)?), start: start.into() })
            }
        })
        .collect()
}
