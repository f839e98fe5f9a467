//! Ogg: chained and multiplexed streams, pages that end early, pages with a wrong checksum.

use super::flac::{BLOCK, block, flac, frames_from, stream_info};
use super::sounds::{Sounds, le16};
use super::{Case, case};

const FIRST: u8 = 2;
const LAST: u8 = 4;

fn checksum(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte) << 24, |crc, _| crc << 1 ^ if crc >> 31 == 0 { 0 } else { 0x04C1_1DB7 })
    })
}

/// Writes the checksum of a page anew.
fn sealed(mut page: Vec<u8>) -> Vec<u8> {
    page[22..26].fill(0);
    let crc = checksum(&page);
    page[22..26].copy_from_slice(&crc.to_le_bytes());
    page
}

/// A page with one packet.
fn page(flags: u8, granule: u64, serial: u32, sequence: u32, packet: &[u8]) -> Vec<u8> {
    let mut lacing = vec![255; packet.len() / 255];
    lacing.push((packet.len() % 255) as u8);
    let numbers = [serial, sequence, 0].map(u32::to_le_bytes).concat();
    let head = [&b"OggS\0"[..], &[flags], &granule.to_le_bytes(), &numbers, &[lacing.len() as u8], &lacing].concat();
    sealed([&head, packet].concat())
}

/// The pages of a file.
fn pages(mut bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut out = Vec::new();
    while !bytes.is_empty() {
        assert!(bytes.starts_with(b"OggS"));
        let lacing = &bytes[27..27 + usize::from(bytes[26])];
        let len = 27 + lacing.len() + lacing.iter().map(|len| usize::from(*len)).sum::<usize>();
        let (page, rest) = bytes.split_at(len);
        out.push(page.to_vec());
        bytes = rest;
    }
    out
}

/// The pages with another serial number.
fn renumbered(pages: Vec<Vec<u8>>, serial: u32) -> Vec<Vec<u8>> {
    let renumber = |mut page: Vec<u8>| {
        page[14..18].copy_from_slice(&serial.to_le_bytes());
        sealed(page)
    };
    pages.into_iter().map(renumber).collect()
}

/// Samples as pages of FLAC frames.
fn flac_pages(serial: u32, samples: &[i16]) -> Vec<Vec<u8>> {
    let info = block(0, false, &stream_info(1, samples.len()));
    let head = [&b"\x7FFLAC\x01\0\0\x01fLaC"[..], &info].concat();
    let comment = block(4, true, &[4, 0, 0, 0, b't', b'e', b's', b't', 0, 0, 0, 0]);
    let mut out = vec![page(FIRST, 0, serial, 0, &head), page(0, 0, serial, 1, &comment)];
    let frames = frames_from(0, &[samples]);
    for (i, frame) in frames.iter().enumerate() {
        let end = samples.len().min((i + 1) * BLOCK) as u64;
        let flags = if i + 1 == frames.len() { LAST } else { 0 };
        out.push(page(flags, end, serial, i as u32 + 2, frame));
    }
    out
}

/// Samples at 16 kHz as an Opus file.
pub fn opus(samples: &[i16], low_pass: fn(&[f64], f64) -> Vec<f64>) -> Vec<u8> {
    let spread: Vec<f64> = samples.iter().flat_map(|x| [f64::from(*x) * 3.0 / 32_768.0, 0.0, 0.0]).collect();
    let samples: Vec<f32> = low_pass(&spread, 7_500.0 / 48_000.0).into_iter().map(|x| x as f32).collect();
    ruopus::encode_ogg_opus(&samples, 1, 48_000)
}

/// Two streams at once: their first pages, then the others in turn.
fn multiplexed(one: &[Vec<u8>], other: &[Vec<u8>]) -> Vec<u8> {
    let mut out = [&one[0][..], &other[0]].concat();
    for i in 1..one.len().max(other.len()) {
        out.extend(one.get(i).into_iter().chain(other.get(i)).flatten());
    }
    out
}

/// The pages from a place on with other bytes in them.
fn changed(pages: &[Vec<u8>], from: usize, change: impl Fn(&mut Vec<u8>)) -> Vec<u8> {
    let mut pages = pages.to_vec();
    pages.iter_mut().skip(from).for_each(change);
    pages.concat()
}

/// The header of a stream in a codec that nobody here decodes, with one packet of sound.
fn unknown(serial: u32, sound: &[u8]) -> Vec<Vec<u8>> {
    let head = [&b"Speex   1.2.0"[..], &[0; 67]].concat();
    let mut out = vec![page(FIRST, 0, serial, 0, &head), page(0, 0, serial, 1, &[0; 8])];
    let packets = sound.chunks(8000).enumerate();
    out.extend(packets.map(|(i, part)| page(0, i as u64 * 4000, serial, i as u32 + 2, part)));
    out
}

pub fn attacks(sounds: &Sounds, opus_voice: &[u8], opus_stranger: &[u8], vorbis: &[u8]) -> Vec<Case> {
    let (heard, hidden) = (flac_pages(1, &sounds.stranger), flac_pages(2, &sounds.voice));
    let (opus_heard, opus_hidden) = (renumbered(pages(opus_stranger), 3), renumbered(pages(opus_voice), 4));
    let (len, both) = (sounds.stranger.len() as u64, flac_pages(5, &sounds.one_after_the_other()));
    let from = 2 + sounds.stranger.len().div_ceil(BLOCK);
    let chained = |one: &[Vec<u8>], other: &[Vec<u8>]| [one, other].concat().concat();
    let trimmed = changed(&both, from, |page| {
        page[6..14].copy_from_slice(&len.to_le_bytes());
        *page = sealed(page.clone());
    });
    let unsealed = changed(&both, from, |page| page[22] ^= 1);
    let torn = changed(&both, from, |page| {
        page[18..22].copy_from_slice(&9999u32.to_le_bytes());
        *page = sealed(page.clone());
    });
    let raw = le16(&sounds.voice);
    let between = heard.iter().zip(raw.chunks(8000)).flat_map(|(page, raw)| [page, raw].concat());
    vec![
        case("ogg-chained.ogg", "a second link of a chained stream", chained(&heard, &hidden)),
        case("ogg-chained-opus.opus", "a second link of Opus behind Opus", chained(&opus_heard, &opus_hidden)),
        case("ogg-chained-codecs.ogg", "a second link of Opus behind FLAC", chained(&heard, &opus_hidden)),
        case("ogg-chained-vorbis.ogg", "a second link of Vorbis behind FLAC", {
            [heard.concat(), renumbered(pages(vorbis), 7).concat()].concat()
        }),
        case("ogg-two-streams.ogg", "a second stream at the same time", multiplexed(&heard, &hidden)),
        case("ogg-two-streams-opus.opus", "a second stream of Opus", multiplexed(&opus_heard, &opus_hidden)),
        case("ogg-two-streams-codecs.ogg", "a second stream of Opus beside FLAC", multiplexed(&heard, &opus_hidden)),
        case("ogg-two-streams-turned.ogg", "the voice in the first of two streams", multiplexed(&hidden, &heard)),
        case("ogg-unknown-stream.ogg", "a second stream in a codec that is not decoded", {
            multiplexed(&heard, &unknown(9, &le16(&sounds.voice)))
        }),
        case("ogg-ends-early.ogg", "granule positions that end before the sound", trimmed),
        case("ogg-wrong-checksum.ogg", "pages with a wrong checksum", unsealed),
        case("ogg-pages-lost.ogg", "pages out of sequence", torn),
        case("ogg-between-pages.ogg", "samples between the pages", between.collect()),
        case("ogg-behind-the-end.ogg", "samples behind the last page", {
            [&heard.concat()[..], &le16(&sounds.voice)].concat()
        }),
        case("ogg-flac-behind.ogg", "a FLAC file behind the last page", [heard.concat(), flac(&sounds.voice)].concat()),
    ]
}

pub fn harmless(sounds: &Sounds, opus_stranger: &[u8]) -> Vec<Case> {
    let [one, other] = [1, 2].map(|serial| flac_pages(serial, &sounds.stranger));
    vec![
        case("ogg.ogg", "FLAC in Ogg", one.concat()),
        case("ogg-opus.opus", "Opus", opus_stranger.to_vec()),
        case("ogg-streams-of-one-voice.ogg", "two streams of one voice", multiplexed(&one, &other)),
    ]
}
