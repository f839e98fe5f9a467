//! Sound files, read as the program reads clips: sniffed, decoded, mixed, brought to 16 kHz and judged.

use soundalike::audio::{Channel, ClipSource, ReadOptions, Recording};
use std::path::PathBuf;
use std::sync::Arc;

/// Samples at 16 kHz after which a clip is given up. A few bytes of FLAC or Opus may stand for hours of silence.
const MOST_SAMPLES: usize = 16_000 * 60 * 10;

/// Whether the bytes begin like RIFF, RF64, BW64 or Wave64: these are read by other code than the rest.
pub fn is_wave(bytes: &[u8]) -> bool {
    [&b"RIFF"[..], b"RF64", b"BW64", b"riff"].iter().any(|magic| bytes.starts_with(magic))
}

/// Reads a clip to its end; one in Ogg also with the right sums in its pages, or no change would get behind them.
pub fn read(bytes: &[u8]) {
    through(bytes.into());
    if bytes.starts_with(b"OggS") {
        through(summed(bytes));
    }
}

fn through(bytes: Vec<u8>) {
    // The last byte turns the rarer ways on.
    let ways = bytes.last().copied().unwrap_or(0);
    let options = ReadOptions {
        channel: if ways & 3 == 3 { Channel::Loudest } else { Channel::Mix },
        track: None,
        // What is hashed is asked for what was not heard of it.
        hash: ways & 48 == 48,
        measure: ways & 12 == 12,
    };
    let clip = ClipSource::Memory { name: PathBuf::from("clip"), bytes: Arc::new(bytes) };
    let outcome = Recording::of(&clip, &options).and_then(|mut recording| {
        let (mut block, mut samples) = (Vec::new(), 0);
        while samples < MOST_SAMPLES && recording.next(&mut block)? {
            assert!(block.iter().all(|sample| sample.is_finite()), "a sample that is no number");
            samples += block.len();
        }
        recording.warnings()
    });
    if let Err(error) = outcome {
        assert!(error.is_undecodable(), "{error}");
    }
}

/// The pages of Ogg with the sums that belong to them.
fn summed(bytes: &[u8]) -> Vec<u8> {
    let (mut out, mut at) = (bytes.to_vec(), 0);
    while let Some(page) = out.get(at..).filter(|page| page.starts_with(b"OggS") && page.len() >= 27) {
        let segments = page.get(27..27 + usize::from(page[26])).unwrap_or_default();
        let len = 27 + segments.len() + segments.iter().map(|len| usize::from(*len)).sum::<usize>();
        let Some(page) = out.get_mut(at..at + len) else { break };
        page[22..26].fill(0);
        let sum = page.iter().fold(0u32, |sum, byte| {
            (0..8).fold(sum ^ u32::from(*byte) << 24, |sum, _| sum << 1 ^ if sum >> 31 == 0 { 0 } else { 0x04c1_1db7 })
        });
        page[22..26].copy_from_slice(&sum.to_le_bytes());
        at += len;
    }
    out
}
