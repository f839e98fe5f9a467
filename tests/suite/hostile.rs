//! Input that was made to do harm: headers that promise too much, bombs, nesting, paths without end; and everything
//! that the fuzz targets kept or once broke on, read again through the same functions.

use crate::program::{CANDIDATE, MFCC, REFERENCE, fixtures, folder, soundalike, word};
use soundalike::Error;
use soundalike::audio::{ClipSource, ReadOptions, Recording};
use soundalike::evidence::audit;
use soundalike::library::cohort::Cohort;
use soundalike::library::index::{Index, MANIFEST};
use soundalike::library::{LoadedCalibration, VoiceModelFile};
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

// Some of it is for the targets alone.
#[allow(dead_code)]
#[path = "../../fuzz/src/lib.rs"]
mod targets;

type Read = fn(&[u8]);

/// Every fuzz target with what it calls.
const TARGETS: [(&str, Read); 9] = [
    ("wav", targets::sound::read),
    ("container", targets::sound::read),
    ("index_segment", targets::index::read),
    ("voice_model", targets::voice::read),
    ("calibration", targets::calibration::read),
    ("report", targets::report::read),
    ("bundle", targets::bundle::read),
    ("trial_list", targets::trials::read),
    ("signature", targets::signature::read),
];

fn assert_returns(name: &str, read: Read, bytes: &[u8]) {
    assert!(catch_unwind(AssertUnwindSafe(|| read(bytes))).is_ok(), "{name} makes its reader panic");
}

#[test]
fn what_once_broke_a_reader_is_answered() {
    for (target, read) in TARGETS {
        let Ok(entries) = fs::read_dir(fixtures().join("malformed/found").join(target)) else { continue };
        for entry in entries {
            let path = entry.unwrap().path();
            assert_returns(word(&path), read, &fs::read(&path).unwrap());
        }
    }
}

#[test]
fn the_kept_corpora_are_answered() {
    for (target, read) in TARGETS {
        let path = fixtures().with_file_name("fuzz/corpus").join(format!("{target}.zip"));
        let mut corpus = zip::ZipArchive::new(fs::File::open(&path).unwrap()).unwrap();
        assert!(corpus.len() > 1, "{}: {} inputs", path.display(), corpus.len());
        for at in 0..corpus.len() {
            let mut bytes = Vec::new();
            let mut entry = corpus.by_index(at).unwrap();
            std::io::copy(&mut entry, &mut bytes).unwrap();
            let name = format!("{target}.zip: {}", entry.name().unwrap());
            drop(entry);
            assert_returns(&name, read, &bytes);
        }
    }
}

/// Reads bytes as a clip to its end, and gives the number of samples at 16 kHz.
fn samples(bytes: Vec<u8>) -> Result<usize, Error> {
    let clip = ClipSource::Memory { name: "clip".into(), bytes: Arc::new(bytes) };
    let mut recording = Recording::of(&clip, &ReadOptions { hash: false, ..Default::default() })?;
    let (mut block, mut count) = (Vec::new(), 0);
    while recording.next(&mut block)? {
        count += block.len();
    }
    recording.warnings().map(|_| count)
}

/// Asserts that a clip is refused with these words, and with what was expected in its place.
#[track_caller]
fn refused(bytes: Vec<u8>, words: &str) {
    let error = samples(bytes).unwrap_err();
    let text = error.to_string();
    assert!(error.is_undecodable() && text.starts_with("clip: found ") && text.contains("expected"), "{text}");
    assert!(text.contains(words), "no \"{words}\" in: {text}");
}

/// A RIFF file of one format chunk and half a second of sound; the numbers that depend on others are right.
fn riff(channels: u16, rate: u32) -> Vec<u8> {
    let mut out = b"RIFF\x24\x08\0\0WAVEfmt \x10\0\0\0\x01\0".to_vec();
    let align = channels.wrapping_mul(2);
    out.extend(channels.to_le_bytes());
    out.extend(rate.to_le_bytes());
    out.extend(rate.wrapping_mul(u32::from(align)).to_le_bytes());
    out.extend(align.to_le_bytes());
    out.extend([16, 0]);
    out.extend(b"data\0\x08\0\0");
    out.resize(out.len() + 2048, 1);
    out
}

/// A CAF file of 16-bit sound.
fn caf(channels: u32, rate: f64, data_bytes: i64) -> Vec<u8> {
    let mut out = b"caff\0\x01\0\0desc\0\0\0\0\0\0\0\x20".to_vec();
    out.extend(rate.to_be_bytes());
    out.extend(b"lpcm\0\0\0\0");
    for number in [channels.wrapping_mul(2), 1, channels, 16] {
        out.extend(number.to_be_bytes());
    }
    out.extend(b"data");
    out.extend(data_bytes.to_be_bytes());
    out.resize(out.len() + 4 + 2048, 1);
    out
}

/// An AIFF file of 16-bit sound; the rate is a power of two.
fn aiff(channels: u16, frames: u32, log2_rate: u16) -> Vec<u8> {
    let mut out = b"FORM\0\0\x08\x2eAIFFCOMM\0\0\0\x12".to_vec();
    out.extend(channels.to_be_bytes());
    out.extend(frames.to_be_bytes());
    out.extend([0, 16]);
    out.extend((16_383 + log2_rate).to_be_bytes());
    out.extend((1u64 << 63).to_be_bytes());
    out.extend(b"SSND\0\0\x08\x08\0\0\0\0\0\0\0\0");
    out.resize(out.len() + 2048, 1);
    out
}

#[test]
fn headers_that_promise_too_much_are_held_to_the_file_or_refused() {
    assert_eq!(samples(riff(1, 16_000)).unwrap(), 1024);
    assert_eq!(samples(caf(1, 16_000.0, 2052)).unwrap(), 1024);
    assert_eq!(samples(aiff(1, 1024, 14)).unwrap(), 1000);
    // 2^40 samples: what is there is read.
    let mut long = riff(1, 16_000);
    long.splice(12..12, *b"ds64\x1c\0\0\0\0\0\0\0\0\x02\0\0\0\0\0\0\0\x02\0\0\0\0\0\0\0\x01\0\0\0\0\0\0");
    long[..4].copy_from_slice(b"RF64");
    let at = long.len() - 2052;
    long[at..at + 4].fill(0xff);
    assert_eq!(samples(long).unwrap(), 1024);
    refused(caf(1, 16_000.0, 1 << 41), "found CAF that ends within its headers");
    assert_eq!(samples(aiff(1, u32::MAX, 14)).unwrap(), 1000);
    // Channels.
    refused(riff(65_535, 16_000), "found 65535 channels, expected 1 to 8 channels");
    refused(aiff(300, 1024, 14), "found 300 channels in AIFF, expected 1 to 8 channels");
    refused(caf(1_000_000, 16_000.0, 2052), "CAF");
    // Rates.
    let range = "expected 4000 to 192000 Hz";
    refused(riff(1, 0), "found a sampling rate of 0 Hz, expected 4000 to 192000 Hz");
    refused(riff(1, 4_000_000_000), "found a sampling rate of 4000000000 Hz, expected 4000 to 192000 Hz");
    refused(aiff(1, 1024, 31), range);
    refused(caf(1, 4e9, 2052), range);
    refused(caf(1, 0.0, 2052), "sample rate");
    refused(caf(1, f64::NAN, 2052), range);
}

#[test]
fn samples_beyond_any_sound_are_told_and_harm_nothing() {
    for (channels, rate) in [(1, 16_000), (1, 44_100), (2, 16_000), (2, 48_000)] {
        let mut clip = riff(channels, rate);
        clip[20] = 3;
        clip[32..36].copy_from_slice(&[4 * channels as u8, 0, 32, 0]);
        clip[28..32].copy_from_slice(&(rate * u32::from(channels) * 4).to_le_bytes());
        let loud: Vec<u8> = [3e38f32, -3e38, 1e30, 0.5].iter().flat_map(|x| x.to_le_bytes()).collect();
        // One in a hundred is replaced, more are an error.
        let sound = clip.len() - 2048;
        clip.resize(sound + 16_000, 0);
        let len = (clip.len() - sound) as u32;
        clip[40..44].copy_from_slice(&len.to_le_bytes());
        clip[sound..sound + loud.len()].copy_from_slice(&loud);
        assert!(samples(clip.clone()).unwrap() > 400);
        clip[sound..].chunks_exact_mut(loud.len()).for_each(|part| part.copy_from_slice(&loud));
        refused(clip, "samples that are no finite numbers, or beyond any sound");
    }
}

const DEEP: usize = 100_000;

#[test]
fn nesting_without_end_is_an_error_in_every_reader() {
    let folder = folder();
    let path = folder.path().join("deep");
    let lists = "[".repeat(DEEP) + &"]".repeat(DEEP);
    let tables = r#"{"a":"#.repeat(DEEP) + "1" + &"}".repeat(DEEP);
    for deep in [lists.as_str(), &tables, &"[".repeat(DEEP)] {
        // As the whole file, and as a value of a field that is read and of one that is not known.
        for text in [
            deep.into(),
            format!(r#"{{"format":{deep}}}"#),
            format!(r#"{{"format":"soundalike voice model","version":2,"exemplars":{deep}}}"#),
            format!(r#"{{"format":"soundalike calibration","version":1,"wide":{deep}}}"#),
            format!(r#"{{"format":"soundalike report","version":1,"program":"","case":{deep}}}"#),
            format!(r#"{{"format":"soundalike index","version":1,"segments":{deep}}}"#),
            format!(r#"{{"version":"0.1.0","request":{deep}}}"#),
            format!(r#"{{"record":"scan","version":"0.1.0","more":{deep}}}"#),
        ] {
            fs::write(&path, &text).unwrap();
            assert!(VoiceModelFile::parse(&path, text.as_bytes()).is_err());
            assert!(LoadedCalibration::read(&path).is_err() && Cohort::read(&path).is_err());
            assert!(!audit::check(&path, None).unwrap().intact);
            targets::report::read(text.as_bytes());
            targets::index::read(text.as_bytes());
        }
    }
    for command in [&["verify", "deep"][..], &["report", "deep", "-o", "x.html"]] {
        let [name, _, more @ ..] = command else { panic!("{command:?}") };
        fs::write(&path, format!(r#"{{"version":"0.1.0","request":{lists}}}"#)).unwrap();
        soundalike(&[&[*name, word(&path)], more].concat())
            .fails(&["deep: found JSON with another content", "expected what"]);
    }
    fs::write(&path, format!("number = {lists}")).unwrap();
    let report = folder.path().join("x.json");
    let arguments =
        ["check", MFCC, "--reference", REFERENCE, CANDIDATE, "--report", word(&report), "--case", word(&path)];
    let run = soundalike(&arguments).fails(&["deep: found", "in line 1", "expected a table with number"]);
    assert!(run.stderr.len() < 1000, "{}", run.stderr.len());
}

#[test]
fn paths_of_ten_thousand_characters_are_errors_that_say_so() {
    let long = "a".repeat(10_000);
    let output = format!("{long}.json");
    let told = ["File name too long", "give a shorter path"];
    for arguments in [
        &["check", MFCC, "--reference", &long, CANDIDATE][..],
        &["check", MFCC, "--reference", REFERENCE, CANDIDATE, "--report", &output],
        &["check", MFCC, "--reference", REFERENCE, CANDIDATE, "--calibration", &long],
        &["enrol", MFCC, REFERENCE, "-o", &long],
        &["index", MFCC, &long, "-o", "x"],
        &["index", MFCC, "voices/nsh/tts", "-o", &long],
        &["scan", &long, "--reference", REFERENCE],
        &["evaluate", "--manifest", &long],
        &["verify", &long],
        &["verify", "--audit", &long],
    ] {
        let run = soundalike(arguments).exits(2);
        told.iter().for_each(|word| assert!(run.stderr.contains(word), "{}", run.stderr.replace(&long, "...")));
    }
    for arguments in [&["check", MFCC, "--reference", REFERENCE, &long][..], &["inspect", &long]] {
        let run = soundalike(arguments).exits(2);
        told.iter().for_each(|word| assert!(run.stdout.contains(word), "{}", run.stdout.replace(&long, "...")));
    }
}

/// An index of one segment, as the program made it of fixtures.
fn seed(name: &str) -> Vec<u8> {
    fs::read(fixtures().with_file_name("fuzz/seeds/index").join(name)).unwrap()
}

#[track_caller]
fn fails(folder: &Path, words: &[&str]) {
    let outcome = Index::open(folder, &soundalike::encryption::Keys::none(), 1).and_then(|index| {
        let _ = (index.manifest().counts(), index.check(None, 1)?);
        index.manifest().segments.iter().try_for_each(|segment| index.rows(segment).map(drop))
    });
    let text = outcome.unwrap_err().to_string();
    words.iter().for_each(|word| assert!(text.contains(word), "no \"{word}\" in: {text}"));
}

#[test]
fn a_manifest_of_an_index_leads_nowhere_else_and_sizes_nothing() {
    let folder = folder();
    fs::write(folder.path().join("rows.parquet"), seed("rows.parquet")).unwrap();
    let manifest = String::from_utf8(seed("manifest.json")).unwrap();
    let with = |from: &str, to: &str| {
        assert!(manifest.contains(from), "{from}");
        fs::write(folder.path().join(MANIFEST), manifest.replace(from, to)).unwrap();
    };
    for name in ["../rows.parquet", "/etc/passwd", "a/rows.parquet", ".", "..", "", "rows.parquet/"] {
        with("rows.parquet", name);
        fails(folder.path(), &["found a segment", "expected the name of a file in the folder of the index"]);
    }
    let sha256 = manifest.split('"').find(|word| word.len() == 64).unwrap();
    with(sha256, "../../elsewhere/0000000000");
    fails(folder.path(), &["found the SHA-256", "64 hexadecimal digits"]);
    with("\"mfcc\": 38", "\"mfcc\": 18446744073709551615");
    fails(folder.path(), &["embeddings of 18446744073709551615 values by mfcc", "expected 1 to 4096"]);
    // Counts are told and held against the rows; they reserve nothing.
    let segment = manifest.find("\"segments\": [").unwrap() + "\"segments\": [".len();
    let one = manifest[segment..].trim_end().trim_end_matches('}').trim_end().trim_end_matches(']').trim();
    let two =
        format!("{}{one},{one}]}}", &manifest[..segment]).replace("\"rows\": 3", "\"rows\": 18446744073709551615");
    fs::write(folder.path().join(MANIFEST), two).unwrap();
    let index = Index::open(folder.path(), &soundalike::encryption::Keys::none(), 1).unwrap();
    assert_eq!(index.manifest().counts().rows, usize::MAX);
    assert!(!index.check(None, 1).unwrap().problems.is_empty());
}

#[test]
fn a_segment_that_states_more_rows_than_it_can_hold_is_refused() {
    let folder = folder();
    let rows = seed("rows.parquet");
    let footer = rows.len() - 8 - u32::from_le_bytes(rows[rows.len() - 8..][..4].try_into().unwrap()) as usize;
    // In the words of the footer (Thrift, compact): a field of 64 bits, and 3 in zigzag.
    let places: Vec<usize> = (footer..rows.len() - 8).filter(|at| rows[*at..].starts_with(b"\x16\x06")).collect();
    let mut told = 0;
    for at in places {
        // 2^40 in the place of 3.
        let mut more = [&rows[..=at], b"\x80\x80\x80\x80\x80\x40", &rows[at + 2..]].concat();
        let len = (more.len() - 8 - footer) as u32;
        let end = more.len() - 8;
        more[end..end + 4].copy_from_slice(&len.to_le_bytes());
        fs::write(folder.path().join("rows.parquet"), &more).unwrap();
        for own in [true, false] {
            let _ = fs::remove_file(folder.path().join(MANIFEST));
            if own {
                fs::write(folder.path().join(MANIFEST), seed("manifest.json")).unwrap();
            }
            let outcome = Index::open(folder.path(), &soundalike::encryption::Keys::none(), 1).and_then(|index| {
                index.manifest().segments.iter().try_for_each(|segment| index.rows(segment).map(drop))
            });
            let text = outcome.err().map(|error| error.to_string()).unwrap_or_default();
            told += usize::from(text.contains("found 1099511627776 rows by its own account, expected at most"));
        }
    }
    assert_eq!(told, 2, "both readers refuse the number of rows of the one row group");
}
