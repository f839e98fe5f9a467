//! Matroska: more tracks than one, chapters that skip, padding that is dropped, a second segment.

use super::flac::flac;
use super::sounds::{Sounds, le16};
use super::{Case, case};

/// Frames of a block, a tenth of a second.
const BLOCK: usize = 1600;
const SEGMENT: u32 = 0x1853_8067;

/// An element; its length takes eight bytes.
fn element(id: u32, content: &[u8]) -> Vec<u8> {
    let id = id.to_be_bytes();
    let from = id.iter().position(|byte| *byte > 0).unwrap();
    [&id[from..], &(1u64 << 56 | content.len() as u64).to_be_bytes(), content].concat()
}

fn number(id: u32, value: u64) -> Vec<u8> {
    element(id, &value.to_be_bytes())
}

/// One audio track of PCM.
#[derive(Clone)]
struct Track {
    number: u8,
    codec: &'static str,
    is_default: bool,
    is_enabled: bool,
    /// Whether the list of tracks has it.
    is_listed: bool,
    /// Nanoseconds at the start that are not played.
    delay: u64,
    samples: Vec<i16>,
    /// Nanoseconds at the end of each block that are not played.
    padding: Option<i64>,
}

impl Track {
    fn new(number: u8, samples: &[i16]) -> Track {
        let samples = samples.to_vec();
        let (is_default, is_enabled, is_listed) = (true, true, true);
        Track { number, codec: "A_PCM/INT/LIT", is_default, is_enabled, is_listed, delay: 0, samples, padding: None }
    }

    fn entry(&self) -> Vec<u8> {
        let audio = [element(0xB5, &16_000f64.to_be_bytes()), number(0x9F, 1), number(0x6264, 16)];
        let parts = [
            number(0xD7, self.number.into()),
            number(0x73C5, self.number.into()),
            number(0x83, 2),
            number(0x88, self.is_default.into()),
            number(0xB9, self.is_enabled.into()),
            number(0x9C, 0),
            element(0x86, self.codec.as_bytes()),
            number(0x56AA, self.delay),
            element(0xE1, &audio.concat()),
        ];
        element(0xAE, &parts.concat())
    }

    /// The block of a tenth of a second.
    fn block(&self, tenth: usize) -> Vec<u8> {
        let samples = self.samples.chunks(BLOCK).nth(tenth).unwrap_or_default();
        if samples.is_empty() {
            return Vec::new();
        }
        let head = [&[0x80 | self.number][..], &(tenth as i16 * 100).to_be_bytes()].concat();
        match self.padding {
            None => element(0xA3, &[&head[..], &[0x80], &le16(samples)].concat()),
            Some(padding) => {
                let block = element(0xA1, &[&head[..], &[0], &le16(samples)].concat());
                element(0xA0, &[block, element(0x75A2, &padding.to_be_bytes())].concat())
            }
        }
    }
}

fn head() -> Vec<u8> {
    let versions = [(0x4286, 1), (0x42F7, 1), (0x42F2, 4), (0x42F3, 8), (0x4287, 4), (0x4285, 2)];
    let versions = versions.map(|(id, version)| number(id, version)).concat();
    element(0x1A45_DFA3, &[versions, element(0x4282, b"matroska")].concat())
}

/// A segment with elements between its tracks and its sound.
fn segment(tracks: &[Track], between: &[u8]) -> Vec<u8> {
    let tenths = |track: &Track| track.samples.len().div_ceil(BLOCK);
    let longest = tracks.iter().map(tenths).max().unwrap();
    let length = element(0x4489, &(longest as f64 * 100.0).to_be_bytes());
    let names = [0x4D80, 0x5741].map(|id| element(id, b"test")).concat();
    let info = element(0x1549_A966, &[number(0x2A_D7B1, 1_000_000), length, names].concat());
    let entries = element(
        0x1654_AE6B,
        &tracks.iter().filter(|track| track.is_listed).flat_map(Track::entry).collect::<Vec<u8>>(),
    );
    let blocks = (0..longest).flat_map(|tenth| tracks.iter().flat_map(move |track| track.block(tenth)));
    let cluster = element(0x1F43_B675, &[number(0xE7, 0), blocks.collect()].concat());
    element(SEGMENT, &[&info[..], &entries, between, &cluster].concat())
}

fn file(tracks: &[Track]) -> Vec<u8> {
    [head(), segment(tracks, &[])].concat()
}

/// Ordered chapters: the parts that are played, in seconds.
fn chapters(parts: &[(u64, u64)]) -> Vec<u8> {
    let chapter = |(i, (from, to)): (usize, &(u64, u64))| {
        let times = [number(0x91, from * 1_000_000_000), number(0x92, to * 1_000_000_000)];
        element(0xB6, &[number(0x73C4, i as u64 + 1), times.concat()].concat())
    };
    let edition = [number(0x45BC, 1), number(0x45DB, 1), number(0x45DD, 1)].concat();
    let parts: Vec<u8> = parts.iter().enumerate().flat_map(chapter).collect();
    element(0x1043_A770, &element(0x45B9, &[edition, parts].concat()))
}

/// A file within the file.
fn attachment(content: &[u8]) -> Vec<u8> {
    let parts = [element(0x466E, b"a.flac"), element(0x4660, b"audio/flac"), element(0x465C, content)];
    element(0x1941_A469, &element(0x61A7, &[parts.concat(), number(0x46AE, 1)].concat()))
}

pub fn attacks(sounds: &Sounds) -> Vec<Case> {
    let (heard, hidden) = (Track::new(1, &sounds.stranger), Track::new(2, &sounds.voice));
    let [one, other] = [&heard, &hidden].map(std::slice::from_ref);
    let both = Track::new(1, &sounds.one_after_the_other());
    let turned = Track::new(1, &[&sounds.voice[..], &sounds.stranger].concat());
    let with = |track: &Track, between: &[u8]| [head(), segment(std::slice::from_ref(track), between)].concat();
    let ns = |samples: &[i16]| samples.len() as u64 * 62_500;
    let trimmed = |track: &Track, padding| Track { padding: Some(padding), ..track.clone() };
    let seconds = sounds.stranger.len() as u64 / 16_000;
    vec![
        case("mkv-two-tracks.mkv", "a second audio track", file(&[heard.clone(), hidden.clone()])),
        case("mkv-second-is-default.mkv", "a second audio track, the default one", {
            file(&[Track { is_default: false, ..heard.clone() }, hidden.clone()])
        }),
        case("mkv-disabled.mkv", "a second audio track that is not enabled", {
            file(&[heard.clone(), Track { is_enabled: false, is_default: false, ..hidden.clone() }])
        }),
        case("mkv-unknown-codec.mkv", "a second audio track in a codec that is not decoded", {
            file(&[heard.clone(), Track { codec: "A_REAL/28_8", ..hidden.clone() }])
        }),
        case("mkv-chapters-skip.mkv", "ordered chapters that play the stranger only", {
            with(&both, &chapters(&[(0, seconds)]))
        }),
        case("mkv-chapters-begin-late.mkv", "ordered chapters that play the voice only", {
            with(&both, &chapters(&[(seconds, 2 * seconds)]))
        }),
        case("mkv-second-segment.mkv", "a second segment", [file(one), segment(other, &[])].concat()),
        case("mkv-second-file-behind.mkv", "a second Matroska file behind the first", {
            [file(one), file(other)].concat()
        }),
        case("mkv-codec-delay.mkv", "a codec delay that covers the voice", {
            file(&[Track { delay: ns(&sounds.voice), ..turned }])
        }),
        case("mkv-discard.mkv", "blocks of the voice that are to be discarded", {
            file(&[heard.clone(), trimmed(&hidden, 100_000_000)])
        }),
        case("mkv-discard-all.mkv", "blocks that are to be discarded, in the only track", {
            file(&[trimmed(&both, 100_000_000)])
        }),
        case("mkv-attachment.mkv", "a FLAC file as an attachment", with(&heard, &attachment(&flac(&sounds.voice)))),
        case("mkv-in-void.mkv", "samples in a Void element", with(&heard, &element(0xEC, &le16(&sounds.voice)))),
        case("mkv-track-without-entry.mkv", "blocks of a track that is not listed", {
            file(&[heard.clone(), Track { is_listed: false, ..hidden }])
        }),
        case("mkv-behind-the-end.mkv", "samples behind the segment", [file(&[heard]), le16(&sounds.voice)].concat()),
    ]
}

pub fn harmless(sounds: &Sounds) -> Vec<Case> {
    let [one, other] = [1, 2].map(|number| Track::new(number, &sounds.stranger));
    let seconds = sounds.stranger.len() as u64 / 16_000;
    let all = chapters(&[(0, seconds)]);
    vec![
        case("mkv.mkv", "PCM in Matroska", file(std::slice::from_ref(&one))),
        case("mkv-tracks-of-one-voice.mkv", "two tracks of one voice", file(&[one.clone(), other])),
        case(
            "mkv-chapters.mkv",
            "ordered chapters that play all",
            [head(), segment(std::slice::from_ref(&one), &all)].concat(),
        ),
        case("mkv-void.mkv", "zeros in a Void element", [head(), segment(&[one], &element(0xEC, &[0; 4000]))].concat()),
    ]
}
