//! WAV, RF64, Wave64, AIFF and CAF that hold more sound than their first data chunk.

use super::flac::{flac, id3};
use super::sounds::{Sounds, be16, le16};
use super::{Case, case};

const W64_TAIL: [u8; 12] = [0xF3, 0xAC, 0xD3, 0x11, 0x8C, 0xD1, 0x00, 0xC0, 0x4F, 0x8E, 0xDB, 0x8A];
const W64_RIFF: &[u8; 16] = b"riff\x2E\x91\xCF\x11\xA5\xD6\x28\xDB\x04\xC1\x00\x00";

/// A RIFF chunk, padded to a whole number of 16-bit words.
pub fn chunk(id: &[u8; 4], content: &[u8]) -> Vec<u8> {
    chunk_that_says(id, content.len() as u32, content)
}

/// A chunk whose header gives another length than that of its content.
fn chunk_that_says(id: &[u8; 4], len: u32, content: &[u8]) -> Vec<u8> {
    let mut out = [&id[..], &len.to_le_bytes(), content].concat();
    out.resize(out.len().next_multiple_of(2), 0);
    out
}

/// Chunks as a WAVE file.
pub fn riff(chunks: &[Vec<u8>]) -> Vec<u8> {
    chunk(b"RIFF", &[&b"WAVE"[..], &chunks.concat()].concat())
}

/// The content of a format chunk of integers.
pub fn format(channels: usize, rate: u32, bits: u16) -> Vec<u8> {
    let frame = channels as u16 * bits / 8;
    let words = [1u16, channels as u16].map(u16::to_le_bytes).concat();
    let rates = [rate, rate * u32::from(frame)].map(u32::to_le_bytes).concat();
    [words, rates, [frame, bits].map(u16::to_le_bytes).concat()].concat()
}

/// Channels of one length as interleaved little-endian integers of 8, 16, 24 or 32 bits.
fn interleaved(channels: &[&[i16]], bits: u16) -> Vec<u8> {
    let frames = (0..channels[0].len()).flat_map(|i| channels.iter().map(move |channel| channel[i]));
    frames
        .flat_map(|sample| match bits {
            8 => vec![((sample >> 8) + 128) as u8],
            bits => (i32::from(sample) << (bits - 16)).to_le_bytes()[..usize::from(bits / 8)].to_vec(),
        })
        .collect()
}

/// A whole WAVE file at 16 kHz.
pub fn wav(channels: &[&[i16]], bits: u16) -> Vec<u8> {
    let format = chunk(b"fmt ", &format(channels.len(), 16_000, bits));
    riff(&[format, chunk(b"data", &interleaved(channels, bits))])
}

/// A WAVE file of 64-bit lengths whose `ds64` chunk gives `len` bytes of sound.
fn rf64(len: u64, data: &[u8]) -> Vec<u8> {
    let ds64 = [&[0; 8][..], &len.to_le_bytes(), &[0; 12]].concat();
    let data = chunk_that_says(b"data", u32::MAX, data);
    let mut out = riff(&[chunk(b"ds64", &ds64), chunk(b"fmt ", &format(1, 16_000, 16)), data]);
    out[..8].copy_from_slice(b"RF64\xFF\xFF\xFF\xFF");
    let size = out.len() as u64 - 8;
    out[20..28].copy_from_slice(&size.to_le_bytes());
    out
}

fn w64_chunk(id: &[u8; 4], content: &[u8]) -> Vec<u8> {
    let mut out = [&id[..], &W64_TAIL, &(content.len() as u64 + 24).to_le_bytes(), content].concat();
    out.resize(out.len().next_multiple_of(8), 0);
    out
}

fn w64(chunks: &[Vec<u8>]) -> Vec<u8> {
    let body = chunks.concat();
    [&W64_RIFF[..], &(body.len() as u64 + 40).to_le_bytes(), b"wave", &W64_TAIL, &body].concat()
}

fn iff_chunk(id: &[u8; 4], content: &[u8]) -> Vec<u8> {
    let mut out = [&id[..], &(content.len() as u32).to_be_bytes(), content].concat();
    out.resize(out.len().next_multiple_of(2), 0);
    out
}

/// AIFF of one channel that announces so many frames, with sound chunks.
fn aiff(frames: usize, sounds: &[&[i16]]) -> Vec<u8> {
    // 16 000 as an 80-bit number: 1.953125 times 2 to the 13th.
    let rate = [0x40, 0x0C, 0xFA, 0, 0, 0, 0, 0, 0, 0];
    let common = [&1u16.to_be_bytes()[..], &(frames as u32).to_be_bytes(), &16u16.to_be_bytes(), &rate].concat();
    let sounds = sounds.iter().map(|sound| iff_chunk(b"SSND", &[&[0; 8][..], &be16(sound)].concat()));
    let chunks: Vec<Vec<u8>> = [iff_chunk(b"COMM", &common)].into_iter().chain(sounds).collect();
    iff_chunk(b"FORM", &[&b"AIFF"[..], &chunks.concat()].concat())
}

fn caf_chunk(id: &[u8; 4], content: &[u8]) -> Vec<u8> {
    [&id[..], &(content.len() as u64).to_be_bytes(), content].concat()
}

fn caf(chunks: &[Vec<u8>]) -> Vec<u8> {
    let rate = 16_000f64.to_be_bytes();
    let numbers = [2u32, 2, 1, 1, 16].map(u32::to_be_bytes).concat();
    let description = caf_chunk(b"desc", &[&rate[..], b"lpcm", &numbers].concat());
    [&b"caff\0\x01\0\0"[..], &description, &chunks.concat()].concat()
}

fn caf_data(sound: &[i16]) -> Vec<u8> {
    caf_chunk(b"data", &[&[0; 4][..], &le16(sound)].concat())
}

/// A packet table that calls so many frames at the beginning and at the end no part of the sound.
fn packet_table(frames: usize, priming: usize, remainder: usize) -> Vec<u8> {
    let valid = (frames - priming - remainder) as u64;
    let ends = [priming as u32, remainder as u32].map(u32::to_be_bytes).concat();
    caf_chunk(b"pakt", &[&(frames as u64).to_be_bytes()[..], &valid.to_be_bytes(), &ends].concat())
}

/// One format chunk of 32-bit samples, the upper halves of which are the stranger, and one of 16-bit samples in two
/// channels, the left of which is then the voice.
fn two_formats(sounds: &Sounds) -> Vec<u8> {
    let halves = sounds.voice.iter().zip(&sounds.stranger);
    let data: Vec<u8> = halves.flat_map(|(low, high)| [low.to_le_bytes(), high.to_le_bytes()].concat()).collect();
    let formats = [format(1, 16_000, 32), format(2, 16_000, 16)].map(|format| chunk(b"fmt ", &format));
    riff(&[&formats[..], &[chunk(b"data", &data)]].concat())
}

pub fn attacks(sounds: &Sounds) -> Vec<Case> {
    let (voice, stranger) = (le16(&sounds.voice), le16(&sounds.stranger));
    let format = || chunk(b"fmt ", &format(1, 16_000, 16));
    let (heard, hidden) = (chunk(b"data", &stranger), chunk(b"data", &voice));
    let plain = riff(&[format(), heard.clone()]);
    let longer = chunk_that_says(b"data", stranger.len() as u32, &[&stranger[..], &voice].concat());
    let (list, silence) = (|chunks: &[Vec<u8>]| chunk(b"LIST", &chunks.concat()), chunk(b"slnt", &[0, 8, 0, 0]));
    let wave_list = list(&[b"wavl".to_vec(), hidden.clone(), silence.clone()]);
    let only_list = list(&[b"wavl".to_vec(), heard.clone(), silence, hidden.clone()]);
    let w64_format = || w64_chunk(b"fmt ", &self::format(1, 16_000, 16));
    let w64_heard = w64(&[w64_format(), w64_chunk(b"data", &stranger)]);
    let frames = sounds.stranger.len();
    let both = sounds.one_after_the_other();
    vec![
        case("wav-data-twice.wav", "a second data chunk", riff(&[format(), heard.clone(), hidden.clone()])),
        case(
            "wav-format-and-data-twice.wav",
            "a second format chunk and a second data chunk",
            riff(&[
                format(),
                heard.clone(),
                chunk(b"fmt ", &self::format(1, 16_000, 8)),
                chunk(b"data", &interleaved(&[&sounds.voice], 8)),
            ]),
        ),
        case("wav-two-formats.wav", "two format chunks that read one data chunk differently", two_formats(sounds)),
        case("wav-behind-the-end.wav", "samples behind the end of the RIFF chunk", [&plain[..], &voice].concat()),
        case(
            "wav-second-file-behind.wav",
            "a whole WAV file behind the end",
            [plain.clone(), wav(&[&sounds.voice], 16)].concat(),
        ),
        case("wav-data-longer-than-said.wav", "a data chunk longer than it says", riff(&[format(), longer])),
        case(
            "wav-in-list.wav",
            "samples in a LIST chunk",
            riff(&[format(), list(&[b"INFOISFT".to_vec(), voice.clone()]), heard.clone()]),
        ),
        case("wav-in-junk.wav", "samples in a junk chunk", riff(&[format(), chunk(b"junk", &voice), heard.clone()])),
        case("wav-in-pad.wav", "samples in a PAD chunk", riff(&[format(), heard.clone(), chunk(b"PAD ", &voice)])),
        case("wav-in-id3.wav", "a FLAC stream in an ID3 chunk", {
            riff(&[format(), heard.clone(), chunk(b"id3 ", &id3(&flac(&sounds.voice)))])
        }),
        case("wav-wave-list.wav", "a LIST of wave data before the data chunk", riff(&[format(), wave_list, heard])),
        case("wav-wave-list-alone.wav", "a LIST of wave data and silence, no data chunk", riff(&[format(), only_list])),
        case(
            "rf64-short-ds64.wav",
            "an RF64 data chunk longer than ds64 says",
            rf64(stranger.len() as u64, &[&stranger[..], &voice].concat()),
        ),
        case(
            "w64-data-twice.w64",
            "a second data chunk in Wave64",
            w64(&[w64_format(), w64_chunk(b"data", &stranger), w64_chunk(b"data", &voice)]),
        ),
        case("w64-behind-the-end.w64", "samples behind the end of Wave64", [&w64_heard[..], &voice].concat()),
        case(
            "aiff-sound-twice.aiff",
            "a second sound chunk in AIFF",
            aiff(2 * frames, &[&sounds.stranger, &sounds.voice]),
        ),
        case("aiff-few-frames.aiff", "an AIFF sound chunk longer than the frames announced", aiff(frames, &[&both])),
        case(
            "aiff-behind-the-end.aiff",
            "samples behind the end of AIFF",
            [aiff(frames, &[&sounds.stranger]), be16(&sounds.voice)].concat(),
        ),
        case(
            "caf-data-twice.caf",
            "a second data chunk in CAF",
            caf(&[caf_data(&sounds.stranger), caf_data(&sounds.voice)]),
        ),
        case("caf-behind-the-end.caf", "bytes behind the last chunk of CAF", {
            [&caf(&[caf_data(&sounds.stranger)])[..], &voice].concat()
        }),
        case("caf-in-free.caf", "samples in a free chunk of CAF", {
            caf(&[caf_chunk(b"free", &voice), caf_data(&sounds.stranger)])
        }),
        case("caf-remainder.caf", "a CAF packet table that calls the voice remainder", {
            caf(&[packet_table(both.len(), 0, sounds.voice.len()), caf_data(&both)])
        }),
        case("caf-priming.caf", "a CAF packet table that calls the voice priming", {
            let both = [&sounds.voice[..], &sounds.stranger].concat();
            caf(&[packet_table(both.len(), sounds.voice.len(), 0), caf_data(&both)])
        }),
    ]
}

pub fn harmless(sounds: &Sounds) -> Vec<Case> {
    let stranger = &sounds.stranger;
    let data = le16(stranger);
    let format = || chunk(b"fmt ", &format(1, 16_000, 16));
    let info = chunk(b"LIST", &[&b"INFO"[..], &chunk(b"ISFT", b"a program")].concat());
    vec![
        case("wav-8-bits.wav", "8 bits", wav(&[stranger], 8)),
        case("wav-16-bits.wav", "16 bits", wav(&[stranger], 16)),
        case("wav-24-bits.wav", "24 bits", wav(&[stranger], 24)),
        case("wav-32-bits.wav", "32 bits", wav(&[stranger], 32)),
        case("wav-info.wav", "a text behind the sound", riff(&[format(), chunk(b"data", &data), info])),
        case("wav-padding.wav", "zeros for padding", {
            riff(&[chunk(b"JUNK", &[0; 64]), format(), chunk(b"data", &data), chunk(b"PAD ", &[0; 4000])])
        }),
        case("rf64.wav", "RF64", rf64(data.len() as u64, &data)),
        case("w64.w64", "Wave64", {
            w64(&[w64_chunk(b"fmt ", &self::format(1, 16_000, 16)), w64_chunk(b"data", &data)])
        }),
        case("aiff.aiff", "AIFF", aiff(stranger.len(), &[stranger])),
        case("caf.caf", "CAF", caf(&[caf_data(stranger)])),
        case("caf-free.caf", "CAF with zeros for padding", caf(&[caf_chunk(b"free", &[0; 4000]), caf_data(stranger)])),
    ]
}
