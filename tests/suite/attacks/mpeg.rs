//! MP3 and AAC streams: tags over frames, joined streams, counts that are too small.
//!
//! The fixtures hold the protected voice only. The same packets, said to be of 12 kHz, are a stranger: the pitch of the
//! voice falls by five semitones, and the tables of the codecs are those of 16 kHz.

use super::flac::{flac, id3};
use super::sounds::Sounds;
use super::wave::wav;
use super::{Case, case};

/// Bytes of an MP3 frame before its main data: the header, and the side information of one channel.
const SIDE: usize = 4 + 9;

/// The frames of the MP3 fixture, without its tag and the frame that counts them.
fn mp3_frames(file: &[u8]) -> Vec<Vec<u8>> {
    let info = file.windows(4).position(|bytes| bytes == b"Info").unwrap();
    let frames = &file[info - SIDE..];
    // 48 kbit/s at 16 kHz.
    let frames: Vec<Vec<u8>> = frames.chunks_exact(216).skip(1).map(<[u8]>::to_vec).collect();
    assert!(frames.len() > 40 && frames.iter().all(|frame| frame.starts_with(b"\xFF\xF3")));
    frames
}

/// Bits of the main data of a frame, as its side information gives them.
fn main_data_bits(frame: &[u8]) -> usize {
    let bit = |at: usize| usize::from(frame[4 + at / 8] >> (7 - at % 8) & 1);
    (0..12).fold(0, |length, i| length << 1 | bit(9 + i))
}

/// The frames in the larger ones of 40 kbit/s at 12 kHz (MPEG 2.5); the main data of each is laid behind that of the one
/// before.
fn slowed(frames: &[Vec<u8>]) -> Vec<Vec<u8>> {
    const NEW: usize = 240;
    let (old_room, room) = (216 - SIDE, NEW - SIDE);
    let old: Vec<u8> = frames.iter().flat_map(|frame| frame[SIDE..].to_vec()).collect();
    let mut new = vec![0; frames.len() * room];
    let (mut heads, mut end) = (Vec::new(), 0);
    for (i, frame) in frames.iter().enumerate() {
        let len = main_data_bits(frame).div_ceil(8);
        let from = i * old_room - usize::from(frame[4]);
        let begin = (i * room).saturating_sub(255).max(end).min(i * room);
        assert!(begin >= end, "the frames grow faster than their data");
        end = begin + len;
        new[begin..end].copy_from_slice(&old[from..from + len]);
        heads.push([&[0xFF, 0xE3, 0x54, frame[3]][..], &[(i * room - begin) as u8], &frame[5..SIDE]].concat());
    }
    heads.into_iter().zip(new.chunks(room)).map(|(head, data)| [&head[..], data].concat()).collect()
}

/// A frame of no sound that counts so many frames, and says how many samples to drop at both ends.
fn counting(first: &[u8], frames: u32, delay: u32, padding: u32) -> Vec<u8> {
    let mut out = [&first[..4], &[0; SIDE - 4], b"Info\0\0\0\x01", &frames.to_be_bytes()].concat();
    out.extend(b"LAME3.100");
    out.extend([0; 12]);
    out.extend(&(delay << 12 | padding).to_be_bytes()[1..]);
    out.resize(first.len(), 0);
    out
}

/// An APEv2 tag around some bytes.
fn ape(content: &[u8]) -> Vec<u8> {
    let item = [&(content.len() as u32).to_le_bytes()[..], &[2, 0, 0, 0], b"Data\0", content].concat();
    let numbers = |flags: u32| [2000, item.len() as u32 + 32, 1, flags].map(u32::to_le_bytes).concat();
    let edge = |flags| [&b"APETAGEX"[..], &numbers(flags), &[0; 8]].concat();
    [edge(0xA000_0000), item.clone(), edge(0x8000_0000)].concat()
}

/// The ADTS frames of a stream, said to be of 12 kHz.
fn slowed_adts(stream: &[u8]) -> Vec<u8> {
    let (mut out, mut at) = (stream.to_vec(), 0);
    while at < out.len() {
        let length = usize::from(out[at + 3] & 3) << 11 | usize::from(out[at + 4]) << 3 | usize::from(out[at + 5] >> 5);
        out[at + 2] = out[at + 2] & !0x3C | 9 << 2;
        at += length;
    }
    out
}

pub fn attacks(sounds: &Sounds, mp3: &[u8], adts: &[u8]) -> Vec<Case> {
    let frames = mp3_frames(mp3);
    let slow = slowed(&frames);
    let (voice, stranger) = (frames.concat().repeat(3), slow.concat().repeat(3));
    let (aac, slow_aac) = (adts.repeat(3), slowed_adts(adts).repeat(3));
    let heard = flac(&sounds.stranger);
    let joined = |parts: &[&[u8]]| parts.concat();
    let count = |frames, delay, padding| counting(&slow[0], frames, delay, padding);
    let junk = vec![0; 200_000];
    let few = slow.len() as u32 * 3;
    vec![
        case("mp3-joined.mp3", "an MP3 stream of another rate behind the first", joined(&[&stranger, &voice])),
        case("mp3-counted.mp3", "a count of frames that ends before the voice", {
            joined(&[&count(few, 0, 0), &stranger, &voice])
        }),
        case("mp3-behind-junk.mp3", "200 kB of zeros between two MP3 streams", joined(&[&stranger, &junk, &voice])),
        case("mp3-in-id3.mp3", "an ID3 tag that covers MP3 frames", joined(&[&id3(&voice), &stranger])),
        case("mp3-in-id3-behind.mp3", "an ID3 tag behind the sound that covers frames", {
            joined(&[&stranger, &id3(&voice)])
        }),
        case("mp3-in-ape.mp3", "an APE tag that covers MP3 frames", joined(&[&stranger, &ape(&voice)])),
        case("mp3-all-dropped.mp3", "a count of frames that drops all samples", {
            joined(&[&counting(&frames[0], 1, 4095, 4095), &frames.concat()])
        }),
        case(
            "mp3-in-id3-of-flac.flac",
            "an ID3 tag before FLAC that covers MP3 frames",
            joined(&[&id3(&voice), &heard]),
        ),
        case("mp3-behind-flac.flac", "an MP3 stream behind FLAC", joined(&[&heard, &voice])),
        case("mp3-behind-wav.wav", "an MP3 stream behind WAV", joined(&[&wav(&[&sounds.stranger], 16), &voice])),
        case("flac-behind-mp3.mp3", "a FLAC stream behind MP3", joined(&[&stranger, &flac(&sounds.voice)])),
        case("adts-joined.aac", "an AAC stream of another rate behind the first", joined(&[&slow_aac, &aac])),
        case("adts-behind-junk.aac", "200 kB of zeros between two AAC streams", joined(&[&slow_aac, &junk, &aac])),
        case("adts-in-id3.aac", "an ID3 tag that covers AAC frames", joined(&[&id3(&aac), &slow_aac])),
        case("adts-behind-flac.flac", "an AAC stream behind FLAC", joined(&[&heard, &aac])),
        case("flac-behind-adts.aac", "a FLAC stream behind AAC", joined(&[&slow_aac, &flac(&sounds.voice)])),
    ]
}

pub fn harmless(mp3: &[u8], adts: &[u8]) -> Vec<Case> {
    let slow = slowed(&mp3_frames(mp3));
    let frames = slow.concat().repeat(3);
    let count = counting(&slow[0], slow.len() as u32 * 3, 0, 0);
    let mut tag = b"TAGTitle".to_vec();
    tag.resize(128, 0);
    vec![
        case("mp3.mp3", "MP3", frames.clone()),
        case("mp3-tags.mp3", "MP3 with a count of frames and tags with a title", {
            [id3(b"TIT2\0\0\0\x06\0\0\x03Title"), count, frames.clone(), ape(b"Title"), tag].concat()
        }),
        case("adts.aac", "AAC", slowed_adts(adts).repeat(3)),
    ]
}
