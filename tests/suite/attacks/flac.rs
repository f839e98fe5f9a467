//! FLAC without compression: frames of verbatim samples, and where more of them can be hidden.

use super::sounds::{Sounds, le16};
use super::{Case, case};

/// Samples of a frame.
pub const BLOCK: usize = 4096;
/// Frames that may still be played although a checksum is wrong.
#[derive(Clone, Copy, PartialEq)]
enum Damage {
    None,
    Header,
    Frame,
}

/// The remainder of a polynomial division, as FLAC checks its frames.
fn remainder(bytes: &[u8], bits: u32, polynomial: u32) -> u32 {
    let top = 1 << (bits - 1);
    bytes.iter().fold(0, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte) << (bits - 8), |crc, _| {
            (crc << 1 ^ if crc & top == 0 { 0 } else { polynomial }) & (2 * top - 1)
        })
    })
}

/// A frame's number, as UTF-8 would write it.
fn number(frame: u32) -> Vec<u8> {
    char::from_u32(frame).unwrap().to_string().into_bytes()
}

fn frame(at: u32, channels: &[&[i16]], damage: Damage) -> Vec<u8> {
    // Fixed blocks, their length in 16 bits, 16 kHz, 16 bits.
    let mut out = vec![0xFF, 0xF8, 0x75, (channels.len() as u8 - 1) << 4 | 0x08];
    out.extend(number(at));
    out.extend((channels[0].len() as u16 - 1).to_be_bytes());
    out.push(remainder(&out, 8, 0x07) as u8 ^ u8::from(damage == Damage::Header));
    for channel in channels {
        out.push(0x02);
        out.extend(channel.iter().flat_map(|sample| sample.to_be_bytes()));
    }
    let check = remainder(&out, 16, 0x8005) as u16 ^ u16::from(damage == Damage::Frame);
    out.extend(check.to_be_bytes());
    out
}

/// Channels of one length as frames, the first of which has this number.
pub fn frames_from(first: u32, channels: &[&[i16]]) -> Vec<Vec<u8>> {
    damaged_frames(first, channels, Damage::None)
}

fn damaged_frames(first: u32, channels: &[&[i16]], damage: Damage) -> Vec<Vec<u8>> {
    let count = channels[0].len().div_ceil(BLOCK);
    let block = |i: usize| {
        let part = i * BLOCK..channels[0].len().min((i + 1) * BLOCK);
        channels.iter().map(|channel| &channel[part.clone()]).collect::<Vec<_>>()
    };
    (0..count).map(|i| frame(first + i as u32, &block(i), damage)).collect()
}

/// The 34 bytes of the stream's description.
pub fn stream_info(channels: usize, total: usize) -> Vec<u8> {
    let sizes = [BLOCK as u16; 2].map(u16::to_be_bytes).concat();
    let packed = 16_000u64 << 44 | (channels as u64 - 1) << 41 | 15 << 36 | total as u64;
    [&sizes[..], &[0; 6], &packed.to_be_bytes(), &[0; 16]].concat()
}

/// A metadata block of a kind.
pub fn block(kind: u8, is_last: bool, content: &[u8]) -> Vec<u8> {
    let header = (u32::from(kind) | u32::from(is_last) << 7) << 24 | content.len() as u32;
    [&header.to_be_bytes()[..], content].concat()
}

/// A stream with metadata blocks behind its description.
fn stream(total: usize, channels: usize, blocks: &[(u8, &[u8])], frames: &[Vec<u8>]) -> Vec<u8> {
    let mut out = b"fLaC".to_vec();
    out.extend(block(0, blocks.is_empty(), &stream_info(channels, total)));
    for (i, (kind, content)) in blocks.iter().enumerate() {
        out.extend(block(*kind, i + 1 == blocks.len(), content));
    }
    out.extend(frames.concat());
    out
}

/// A whole FLAC file.
pub fn flac(samples: &[i16]) -> Vec<u8> {
    stream(samples.len(), 1, &[], &frames_from(0, &[samples]))
}

/// An ID3v2 tag around some bytes.
pub fn id3(content: &[u8]) -> Vec<u8> {
    let size = [21, 14, 7, 0].map(|shift| (content.len() >> shift & 0x7F) as u8);
    [&b"ID3\x04\0\0"[..], &size, content].concat()
}

pub fn attacks(sounds: &Sounds) -> Vec<Case> {
    let (voice, stranger) = (&sounds.voice[..], &sounds.stranger[..]);
    let (heard, hidden) = (flac(stranger), flac(voice));
    let len = stranger.len();
    let next = len.div_ceil(BLOCK) as u32;
    let (first, second) = (frames_from(0, &[stranger]), frames_from(next, &[voice]));
    let behind = |damage| {
        let frames = [&first[..], &damaged_frames(next, &[voice], damage)].concat();
        stream(len + voice.len(), 1, &[], &frames)
    };
    let in_block = |kind, content: &[u8]| stream(len, 1, &[(kind, content)], &first);
    let picture = |content: &[u8]| {
        let numbers = |numbers: [u32; 2]| numbers.map(u32::to_be_bytes).concat();
        let size = (content.len() as u32).to_be_bytes();
        [&numbers([0, 9])[..], b"image/png", &[0; 4], &numbers([1, 1]), &numbers([24, 0]), &size, content].concat()
    };
    let junk = vec![0x55; 100_000];
    let wide = frames_from(next, &[stranger, voice]);
    vec![
        case("flac-two-streams.flac", "a second FLAC stream behind the first", [&heard[..], &hidden].concat()),
        case("flac-few-samples.flac", "more frames than STREAMINFO announces", {
            stream(len, 1, &[], &[&first[..], &second].concat())
        }),
        case("flac-in-application.flac", "a FLAC stream in an APPLICATION block", {
            in_block(2, &[&b"test"[..], &hidden].concat())
        }),
        case("flac-in-padding.flac", "a FLAC stream in a PADDING block", in_block(1, &hidden)),
        case("flac-in-picture.flac", "a FLAC stream in a PICTURE block", in_block(6, &picture(&hidden))),
        case("flac-in-id3.flac", "a FLAC stream in an ID3 tag in front", [id3(&hidden), heard.clone()].concat()),
        case("flac-id3-over-frames.flac", "an ID3 tag that covers the first frames", {
            [id3(&stream(0, 1, &[], &frames_from(0, &[voice]))), heard.clone()].concat()
        }),
        case("flac-samples-behind.flac", "samples behind the last frame", [&heard[..], &le16(voice)].concat()),
        case("flac-frames-behind-junk.flac", "100 kB of junk between two runs of frames", {
            stream(len + voice.len(), 1, &[], &[&first[..], &[junk], &second].concat())
        }),
        case("flac-wrong-header-check.flac", "frames whose header has a wrong checksum", behind(Damage::Header)),
        case("flac-wrong-frame-check.flac", "frames with a wrong checksum", behind(Damage::Frame)),
        case("flac-becomes-stereo.flac", "one channel that turns into two", {
            stream(len + stranger.len(), 1, &[], &[&first[..], &wide].concat())
        }),
        case("flac-numbers-repeat.flac", "frames whose numbers begin again", {
            stream(len + voice.len(), 1, &[], &[&first[..], &frames_from(0, &[voice])].concat())
        }),
    ]
}

pub fn harmless(sounds: &Sounds) -> Vec<Case> {
    let stranger = &sounds.stranger[..];
    let frames = frames_from(0, &[stranger, stranger]);
    vec![
        case("flac.flac", "FLAC", flac(stranger)),
        case("flac-stereo.flac", "FLAC of two equal channels", stream(stranger.len(), 2, &[], &frames)),
        case("flac-unknown-total.flac", "FLAC without a number of samples", {
            stream(0, 1, &[(1, &[0; 4000])], &frames_from(0, &[stranger]))
        }),
        case("flac-id3.flac", "FLAC behind an ID3 tag with a title", {
            [id3(b"TIT2\0\0\0\x06\0\0\x03Title"), flac(stranger)].concat()
        }),
    ]
}
