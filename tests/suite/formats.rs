//! Every format of `fixtures/formats` against what ffmpeg makes of it, every file of `fixtures/malformed` against its
//! verdict, and damaged copies of all of them against panics.

use soundalike::audio::decode::Decoder;
use soundalike::audio::{AudioFormat, Warning};
use soundalike::{Error, ErrorKind};
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

struct Decoded {
    format: AudioFormat,
    frames: usize,
    /// RMS of the mean over the channels.
    rms: f64,
    warnings: Vec<Warning>,
}

fn fixtures(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(folder)
}

fn decode(path: &Path, file: File) -> Result<Decoded, Error> {
    let mut decoder = Decoder::open(path, file)?;
    let channels = usize::from(decoder.format().channels);
    let (mut frames, mut energy, mut block) = (0, 0.0, Vec::new());
    while decoder.next_block(&mut block)? {
        assert!(!block.is_empty() && block.len() <= 65536 && block.len() % channels == 0, "{}", path.display());
        frames += block.len() / channels;
        for frame in block.chunks_exact(channels) {
            let mix = frame.iter().map(|sample| f64::from(*sample)).sum::<f64>() / channels as f64;
            energy += mix * mix;
        }
    }
    assert!(block.is_empty() && !decoder.next_block(&mut block)?, "{}: the end is the end", path.display());
    let rms = (energy / frames as f64).sqrt();
    Ok(Decoded { format: decoder.format().clone(), frames, rms, warnings: decoder.warnings().to_vec() })
}

fn decode_path(path: &Path) -> Result<Decoded, Error> {
    decode(path, File::open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
}

/// Frames where ours are not ffmpeg's, and why.
const OTHER_FRAMES: [(&str, usize); 5] = [
    // The edit list that hides the first 1024 frames, which the AAC encoder adds, is not read.
    ("aac-lc-32k-16kHz-mono.m4a", 25_600),
    ("aac-lc-32k-16kHz-mono.mp4", 25_600),
    // 76 packets of 960 frames less the 312 that OpusHead drops; ffmpeg counts these at 16 kHz in MP4, and reads from
    // Matroska how many frames to drop at the end, which the demuxer does not tell us.
    ("opus-16k-48kHz-mono.mp4", 72_648),
    ("opus-16k-48kHz-mono.mkv", 72_648),
    ("opus-16k-48kHz-mono.webm", 72_648),
];

#[test]
fn every_format_decodes_as_ffmpeg_decodes_it() {
    let table = fs::read_to_string(fixtures("formats/expected.tsv")).unwrap();
    let (mut wrong, mut count) = (Vec::new(), 0);
    for line in table.lines().skip(1) {
        let fields: Vec<&str> = line.split('\t').collect();
        let [name, _, codec, rate, channels, frames, rms] = fields[..] else { panic!("{line}") };
        let (frames, rms): (usize, f64) = (frames.parse().unwrap(), rms.parse().unwrap());
        let other = OTHER_FRAMES.iter().find(|(other, _)| *other == name).map(|(_, frames)| *frames);
        // Frames that are more than ffmpeg's are silent: the energy is the same.
        let rms = rms * other.map_or(1.0, |other| (frames as f64 / other as f64).sqrt());
        count += 1;
        match decode_path(&fixtures("formats").join(name)) {
            Err(error) => wrong.push(error.to_string()),
            Ok(got) => {
                let same = got.format.sample_rate_hz.to_string() == rate
                    && got.format.channels.to_string() == channels
                    && got.frames == other.unwrap_or(frames)
                    && (got.rms - rms).abs() <= 1e-6 + 1e-3 * rms
                    && ours(codec) == got.format.codec
                    && got.warnings.is_empty();
                if !same {
                    let Decoded { format, frames, rms, warnings } = got;
                    wrong.push(format!("{line}\n    found {format:?}, {frames} frames, rms {rms:.6}, {warnings:?}"));
                }
            }
        }
    }
    assert!(count >= 39, "{count} formats");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Our word for ffmpeg's name of a codec.
fn ours(codec: &str) -> &str {
    match codec {
        "pcm_alaw" => "alaw",
        "pcm_mulaw" => "mulaw",
        "adpcm_ima_wav" => "adpcm_ima",
        name if name.starts_with("pcm_") => name.trim_end_matches("le").trim_end_matches("be"),
        name => name,
    }
}

/// What becomes of a file: the number of frames and its warnings, or an error of a kind with words in it.
enum Verdict {
    Reads(usize, Vec<Warning>),
    Fails(&'static str, &'static str),
}

#[test]
fn every_malformed_file_has_its_verdict() {
    use Verdict::{Fails, Reads};
    let broken_off = |found: &str| vec![Warning::BrokenOff { found: found.into() }];
    let unknown = |declared_bytes| vec![Warning::LengthUnknown { declared_bytes, found_bytes: 16_000 }];
    let cut = |declared_bytes, found_bytes| vec![Warning::Truncated { declared_bytes, found_bytes }];
    let middle = "the file ends in the middle of the stream";
    let table = [
        ("bits-13.wav", Fails("Unsupported", "found samples of 13 bits")),
        ("block-align-wrong.wav", Fails("Unsupported", "found integers of 16 bits in 3 bytes a sample")),
        ("channels-zero.wav", Fails("Malformed", "found 0 channels, expected 1 to 8 channels")),
        ("clipped-speech-x20.wav", Reads(24_000, vec![])),
        ("data-size-ffffffff.wav", Reads(8000, unknown(0xFFFF_FFFF))),
        ("data-size-larger-than-file.wav", Reads(8000, cut(1_016_000, 16_000))),
        ("data-size-zero-with-data.wav", Reads(8000, unknown(0))),
        ("dc-only.wav", Reads(32_000, vec![])),
        ("digital-silence.wav", Reads(32_000, vec![])),
        ("empty.wav", Fails("NotAudio", "found an empty file")),
        ("float-all-nan.wav", Reads(8000, vec![])),
        ("float-some-nan-and-infinity.wav", Reads(8000, vec![])),
        ("garbage-after-riff-wave.wav", Fails("Malformed", "no data chunk")),
        ("no-data-chunk.wav", Fails("Malformed", "found the chunks \"fmt \" and no data chunk")),
        ("no-fmt-chunk.wav", Fails("Malformed", "found a data chunk with no fmt chunk before it")),
        ("png-image.wav", Fails("NotAudio", "found a PNG image")),
        ("riff-only.wav", Fails("NotAudio", "found a file of 4 bytes")),
        ("sample-rate-zero.wav", Fails("Malformed", "found a sampling rate of 0 Hz")),
        ("text.wav", Fails("NotAudio", "found text")),
        ("three-bytes.wav", Fails("NotAudio", "found a file of 3 bytes")),
        ("truncated-data.wav", Reads(12_000, cut(48_000, 24_000))),
        ("truncated-no-moov.m4a", Fails("Malformed", "missing moov atom")),
        ("truncated.flac", Reads(6912, broken_off(middle))),
        ("truncated.mp3", Reads(10_991, broken_off("10991 of 24000 announced frames"))),
        ("truncated.ogg", Reads(3072, broken_off(middle))),
        ("truncated.opus", Reads(28_488, broken_off(middle))),
        ("valid-odd-chunks-around-data.wav", Reads(8000, vec![])),
        ("valid-odd-data-u8-then-list.wav", Reads(7999, vec![])),
        ("zero-frames.wav", Fails("NoAudio", "found a data chunk of 0 bytes")),
    ];
    for (name, verdict) in table {
        match (verdict, decode_path(&fixtures("malformed").join(name))) {
            (Reads(frames, warnings), Ok(got)) => assert_eq!((got.frames, got.warnings), (frames, warnings), "{name}"),
            (Fails(kind, words), Err(error)) => {
                assert_eq!(kind, kind_name(&error), "{error}");
                assert!(error.to_string().contains(words), "{error}");
            }
            (Reads(..), Err(error)) => panic!("{error}"),
            (Fails(..), Ok(got)) => panic!("{name}: {} frames of {:?}", got.frames, got.format),
        }
    }
}

fn kind_name(error: &Error) -> &'static str {
    match error.kind() {
        ErrorKind::NotAudio { .. } => "NotAudio",
        ErrorKind::Unsupported { .. } => "Unsupported",
        ErrorKind::Malformed { .. } => "Malformed",
        ErrorKind::NoAudio { .. } => "NoAudio",
        _ => "another kind",
    }
}

/// A small generator of the same numbers every time.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit.max(1)
    }
}

/// A damaged copy: bytes changed (mostly in the headers), a stretch cut out, doubled or overwritten, or the end cut.
fn damaged(bytes: &[u8], numbers: &mut Numbers) -> Vec<u8> {
    let mut out = bytes.to_vec();
    for _ in 0..=numbers.below(4) {
        if out.is_empty() {
            break;
        }
        let reach = if numbers.below(3) > 0 { out.len().min(256) } else { out.len() };
        let at = numbers.below(reach);
        let end = (at + 1 + numbers.below(64)).min(out.len());
        match numbers.below(8) {
            0 => out.truncate(at),
            1 => drop(out.drain(at..end)),
            2 => {
                let part = out[at..end].to_vec();
                out.splice(at..at, part);
            }
            3 => out[at..end].fill([0, 0xFF, 0x7F, 0x80][numbers.below(4)]),
            4 => out[at] ^= 1 << numbers.below(8),
            _ => out[at] = numbers.below(256) as u8,
        }
    }
    out
}

/// Copies of every fixture; `SOUNDALIKE_MUTATIONS` sets how many of each, for a long search.
#[test]
fn damaged_copies_never_panic() {
    let each = std::env::var("SOUNDALIKE_MUTATIONS").ok().and_then(|text| text.parse().ok()).unwrap_or(25);
    let mut paths: Vec<PathBuf> = ["formats", "malformed"]
        .iter()
        .flat_map(|folder| fs::read_dir(fixtures(folder)).unwrap())
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file())
        .collect();
    paths.sort();
    let mut numbers = Numbers(1);
    for path in paths {
        let bytes = fs::read(&path).unwrap();
        for _ in 0..each {
            let copy = damaged(&bytes, &mut numbers);
            let mut file = tempfile::tempfile().unwrap();
            file.write_all(&copy).unwrap();
            if let Err(error) = decode(&path, file) {
                assert!(error.is_undecodable(), "{error}");
            }
        }
    }
}
