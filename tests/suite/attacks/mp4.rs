//! MP4 and QuickTime: more tracks than one, edit lists, fragments, sound that no table names.

use super::flac::{BLOCK, block, flac, frames_from, stream_info};
use super::sounds::{Sounds, le16};
use super::{Case, case};

fn atom(kind: &[u8; 4], content: &[u8]) -> Vec<u8> {
    [&(content.len() as u32 + 8).to_be_bytes()[..], kind, content].concat()
}

/// An atom with a version of 0 and flags.
fn full(kind: &[u8; 4], flags: u32, content: &[u8]) -> Vec<u8> {
    atom(kind, &[&flags.to_be_bytes()[..], content].concat())
}

fn numbers(numbers: &[u32]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_be_bytes()).collect()
}

/// One audio track: what its tables say of sound that is in the file.
#[derive(Clone)]
struct Track {
    id: u32,
    is_enabled: bool,
    handler: [u8; 4],
    /// The codec's name and the atoms behind the fixed fields.
    codec: ([u8; 4], Vec<u8>),
    packets: Vec<Vec<u8>>,
    /// Frames of each packet.
    frames: Vec<u32>,
    /// Packets that the tables name.
    named: usize,
    /// Pieces of the track in the order in which they are played: their length and their start in frames.
    edits: Option<Vec<(u32, i32)>>,
}

impl Track {
    /// Samples as packets of FLAC.
    fn flac(id: u32, samples: &[i16]) -> Track {
        let packets = frames_from(0, &[samples]);
        let info = full(b"dfLa", 0, &block(0, true, &stream_info(1, samples.len())));
        let frames = samples.chunks(BLOCK).map(|chunk| chunk.len() as u32).collect();
        Track {
            id,
            is_enabled: true,
            handler: *b"soun",
            codec: (*b"fLaC", info),
            named: packets.len(),
            packets,
            frames,
            edits: None,
        }
    }

    /// Samples as they are, a frame a packet.
    fn plain(id: u32, samples: &[i16]) -> Track {
        let packets: Vec<Vec<u8>> = samples.iter().map(|sample| sample.to_le_bytes().to_vec()).collect();
        Track {
            codec: (*b"sowt", Vec::new()),
            named: packets.len(),
            frames: vec![1; packets.len()],
            packets,
            ..Track::flac(id, &[])
        }
    }

    fn length(&self) -> u32 {
        self.frames.iter().sum()
    }

    fn entry(&self) -> Vec<u8> {
        let (name, more) = &self.codec;
        let sound = [&[0; 6][..], &[0, 1], &[0; 8], &[0, 1, 0, 16], &[0; 4], &numbers(&[16_000 << 16]), more].concat();
        atom(name, &sound)
    }

    /// The track's atom, with its sound at an offset in the file.
    fn atom(&self, offset: u32) -> Vec<u8> {
        let frames = &self.frames[..self.named];
        let times: Vec<u32> = frames.chunk_by(|a, b| a == b).flat_map(|run| [run.len() as u32, run[0]]).collect();
        let count = self.named as u32;
        let sizes: Vec<u32> = self.packets[..self.named].iter().map(|packet| packet.len() as u32).collect();
        let sizes = match sizes.iter().all(|size| *size == sizes[0]) {
            true => numbers(&[sizes.first().copied().unwrap_or_default(), count]),
            false => numbers(&[&[0, count], &sizes[..]].concat()),
        };
        let (chunks, offsets) = ([1, 1, count, 1], [1, offset]);
        let table = [
            full(b"stsd", 0, &[&numbers(&[1])[..], &self.entry()].concat()),
            full(b"stts", 0, &[numbers(&[times.len() as u32 / 2]), numbers(&times)].concat()),
            full(b"stsc", 0, &numbers(if count > 0 { &chunks } else { &[0] })),
            full(b"stsz", 0, &sizes),
            full(b"stco", 0, &numbers(if count > 0 { &offsets } else { &[0] })),
        ];
        let reference = full(b"dref", 0, &[numbers(&[1]), full(b"url ", 1, &[])].concat());
        let information = [full(b"smhd", 0, &[0; 4]), atom(b"dinf", &reference), atom(b"stbl", &table.concat())];
        let length = frames.iter().sum();
        let media = [
            full(b"mdhd", 0, &[numbers(&[0, 0, 16_000, length]), vec![0x55, 0xC4, 0, 0]].concat()),
            full(b"hdlr", 0, &[&[0; 4], &self.handler[..], &[0; 13]].concat()),
            atom(b"minf", &information.concat()),
        ];
        let played = self.edits.as_ref().map_or(length, |edits| edits.iter().map(|(length, _)| length).sum());
        let matrix = numbers(&[0x1_0000, 0, 0, 0, 0x1_0000, 0, 0, 0, 0x4000_0000, 0, 0]);
        let header = [numbers(&[0, 0, self.id, 0, played, 0, 0, 0]), vec![1, 0, 0, 0], matrix].concat();
        let mut parts = vec![full(b"tkhd", if self.is_enabled { 7 } else { 6 }, &header)];
        if let Some(edits) = &self.edits {
            let pieces = edits.iter().flat_map(|(length, from)| [*length, *from as u32, 0x1_0000]);
            let list = [numbers(&[edits.len() as u32]), numbers(&pieces.collect::<Vec<_>>())].concat();
            parts.push(atom(b"edts", &full(b"elst", 0, &list)));
        }
        parts.push(atom(b"mdia", &media.concat()));
        atom(b"trak", &parts.concat())
    }
}

/// Tracks as a movie, with their sound at these offsets.
fn movie(tracks: &[Track], offsets: &[u32], more: &[u8]) -> Vec<u8> {
    let longest = tracks.iter().map(Track::length).max().unwrap_or_default();
    let matrix = numbers(&[0x1_0000, 0, 0, 0, 0x1_0000, 0, 0, 0, 0x4000_0000]);
    let header = [numbers(&[0, 0, 16_000, longest, 0x1_0000]), vec![1, 0], vec![0; 10], matrix, vec![0; 24]];
    let next = numbers(&[tracks.len() as u32 + 1]);
    let mut parts = vec![full(b"mvhd", 0, &[header.concat(), next].concat())];
    parts.extend(tracks.iter().zip(offsets).map(|(track, offset)| track.atom(*offset)));
    parts.push(more.to_vec());
    atom(b"moov", &parts.concat())
}

/// The type of the file, and its sound; then where each track's sound is.
fn beginning(tracks: &[Track], unnamed: &[u8]) -> (Vec<u8>, Vec<u32>) {
    let kind = atom(b"ftyp", b"isom\0\0\0\0isomqt  ");
    let (mut sound, mut offsets) = (Vec::new(), Vec::new());
    for track in tracks {
        offsets.push((kind.len() + 8 + sound.len()) as u32);
        sound.extend(track.packets.concat());
    }
    sound.extend(unnamed);
    ([kind, atom(b"mdat", &sound)].concat(), offsets)
}

fn file(tracks: &[Track]) -> Vec<u8> {
    file_with(tracks, &[])
}

/// A file with sound behind that of its tracks.
fn file_with(tracks: &[Track], unnamed: &[u8]) -> Vec<u8> {
    let (start, offsets) = beginning(tracks, unnamed);
    [start, movie(tracks, &offsets, &[])].concat()
}

/// A file whose movie comes first, with fragments behind it.
fn fragmented(track: &Track, in_fragments: &Track) -> Vec<u8> {
    let extends = atom(b"mvex", &full(b"trex", 0, &numbers(&[1, 1, 0, 0, 0])));
    let (start, offsets) = beginning(std::slice::from_ref(track), &[]);
    let sizes = in_fragments.frames.iter().zip(&in_fragments.packets);
    let runs: Vec<u32> = sizes.flat_map(|(frames, packet)| [*frames, packet.len() as u32]).collect();
    let fragment = |data_offset: u32| {
        let count = in_fragments.packets.len() as u32;
        let run = full(b"trun", 0x301, &[numbers(&[count, data_offset]), numbers(&runs)].concat());
        let time = full(b"tfdt", 0, &numbers(&[track.length()]));
        let header = full(b"tfhd", 0x2_0000, &numbers(&[1]));
        let parts = [full(b"mfhd", 0, &numbers(&[1])), atom(b"traf", &[header, time, run].concat())];
        atom(b"moof", &parts.concat())
    };
    let offset = fragment(0).len() as u32 + 8;
    let sound = atom(b"mdat", &in_fragments.packets.concat());
    [start, movie(std::slice::from_ref(track), &offsets, &extends), fragment(offset), sound].concat()
}

/// The voice and the stranger in slices of a tenth of a second, of which an edit list plays the voice's only.
fn sliced(sounds: &Sounds) -> Track {
    const SLICE: usize = 1600;
    let pairs = sounds.stranger.chunks(SLICE).zip(sounds.voice.chunks(SLICE));
    let both: Vec<i16> = pairs.flat_map(|(stranger, voice)| [stranger, voice].concat()).collect();
    let slices = both.len() / SLICE / 2;
    let edits = (0..slices).map(|i| (SLICE as u32, ((2 * i + 1) * SLICE) as i32)).collect();
    Track { edits: Some(edits), ..Track::plain(1, &both) }
}

pub fn attacks(sounds: &Sounds) -> Vec<Case> {
    let (heard, hidden) = (Track::flac(1, &sounds.stranger), Track::flac(2, &sounds.voice));
    let (len, both) = (sounds.stranger.len() as i32, Track::flac(1, &sounds.one_after_the_other()));
    let disabled = |track: &Track| Track { is_enabled: false, ..track.clone() };
    let edited = |edits: Vec<(u32, i32)>| file(&[Track { edits: Some(edits), ..both.clone() }]);
    let alone = file(std::slice::from_ref(&heard));
    let (start, offsets) = beginning(&[heard.clone(), hidden.clone()], &[]);
    let [first, second] = [0, 1].map(|i| movie(&[[&heard, &hidden][i].clone()], &offsets[i..=i], &[]));
    let few = Track { named: heard.packets.len(), ..both.clone() };
    let unknown = Track { codec: (*b"zzzz", Vec::new()), ..hidden.clone() };
    let none = Track { named: 0, packets: Vec::new(), frames: Vec::new(), ..heard.clone() };
    vec![
        case("mp4-two-tracks.mp4", "a second audio track", file(&[heard.clone(), hidden.clone()])),
        case("mp4-two-plain-tracks.mov", "a second audio track of PCM", {
            file(&[Track::plain(1, &sounds.stranger), Track::plain(2, &sounds.voice)])
        }),
        case("mp4-second-is-default.mp4", "a second audio track, the only one that is enabled", {
            file(&[disabled(&heard), hidden.clone()])
        }),
        case("mp4-disabled.mp4", "a second audio track that is not enabled", file(&[heard.clone(), disabled(&hidden)])),
        case("mp4-other-handler.mp4", "a second audio track that calls itself a text", {
            file(&[heard.clone(), Track { handler: *b"text", ..hidden.clone() }])
        }),
        case("mp4-unknown-codec.mp4", "a second audio track in a codec that is not decoded", {
            file(&[heard.clone(), unknown])
        }),
        case("mp4-edit-hides.mp4", "an edit list that ends before the voice", edited(vec![(len as u32, 0)])),
        case("mp4-edit-begins-late.mp4", "an edit list that plays the voice only", edited(vec![(len as u32, len)])),
        case("mp4-edit-empty.mp4", "an edit list that plays nothing", edited(vec![(len as u32, -1)])),
        case("mp4-edit-joins.mov", "an edit list that joins slices of the voice", file(&[sliced(sounds)])),
        case("mp4-second-movie.mp4", "a second moov atom", [&start[..], &first, &second].concat()),
        case("mp4-fragment-behind.mp4", "a fragment behind the movie", fragmented(&heard, &hidden)),
        case("mp4-fragment-only.mp4", "the voice in a fragment only", fragmented(&none, &hidden)),
        case("mp4-few-packets.mp4", "packets that no table names", file(&[few])),
        case("mp4-unnamed-flac.mp4", "a FLAC file that no table names", {
            file_with(std::slice::from_ref(&heard), &flac(&sounds.voice))
        }),
        case("mp4-second-data.mp4", "a second mdat that no table names", {
            [alone.clone(), atom(b"mdat", &le16(&sounds.voice))].concat()
        }),
        case(
            "mp4-in-free.mp4",
            "samples in a free atom",
            [alone.clone(), atom(b"free", &le16(&sounds.voice))].concat(),
        ),
        case("mp4-in-uuid.mp4", "a FLAC file in a uuid atom", {
            [alone.clone(), atom(b"uuid", &[&[7; 16], &flac(&sounds.voice)[..]].concat())].concat()
        }),
        case("mp4-behind-the-end.mp4", "a FLAC file behind the last atom", [alone, flac(&sounds.voice)].concat()),
    ]
}

pub fn harmless(sounds: &Sounds) -> Vec<Case> {
    let [one, other] = [1, 2].map(|id| Track::flac(id, &sounds.stranger));
    let whole = vec![(one.length(), 0)];
    let none = Track { named: 0, packets: Vec::new(), frames: Vec::new(), ..one.clone() };
    vec![
        case("mp4.mp4", "FLAC in MP4", file(std::slice::from_ref(&one))),
        case("mp4-plain.mov", "PCM in QuickTime", file(&[Track::plain(1, &sounds.stranger)])),
        case("mp4-tracks-of-one-voice.mp4", "two tracks of one voice", file(&[one.clone(), other.clone()])),
        case("mp4-edit-of-all.mp4", "an edit list that plays the whole track", {
            file(&[Track { edits: Some(whole), ..one.clone() }])
        }),
        case("mp4-fragments.mp4", "one voice in a fragment", fragmented(&none, &other)),
        case("mp4-free.mp4", "zeros in a free atom", [file(&[one]), atom(b"free", &[0; 4000])].concat()),
    ]
}
