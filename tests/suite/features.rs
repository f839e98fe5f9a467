//! `soundalike features`: the same numbers in every form and in the library, and files that are whole or not there.

use crate::program::{CANDIDATE, ENCODERS, MFCC, Run, copy, fixtures, folder, soundalike, word};
use soundalike::audio::{Channel, Waveform};
use soundalike::encoder::{Encoder, Panel, PanelSettings};
use soundalike::feature::{FeatureSettings, Preset, kaldi_fbank80};
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Command, Stdio};

type Matrix = Vec<Vec<f32>>;

const PRESETS: [(&str, Preset); 6] = [
    ("kaldi", Preset::Kaldi),
    ("librosa", Preset::Librosa),
    ("librosa-htk", Preset::LibrosaHtk),
    ("torchaudio", Preset::Torchaudio),
    ("htk", Preset::Htk),
    ("python-speech-features", Preset::PythonSpeechFeatures),
];

#[track_caller]
fn features(arguments: &[&str]) -> Run {
    soundalike(&[&["features"], arguments].concat())
}

fn csv(text: &str) -> (Vec<&str>, Matrix) {
    let mut lines = text.lines();
    let header = lines.next().unwrap().split(',').collect();
    (header, lines.map(|line| line.split(',').map(|x| x.parse().unwrap()).collect()).collect())
}

fn json(path: &Path) -> (serde_json::Value, Matrix) {
    let result: serde_json::Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    let frames = result["frames"].as_array().unwrap().iter();
    let row = |row: &serde_json::Value| row.as_array().unwrap().iter().map(|x| x.as_f64().unwrap() as f32).collect();
    let matrix = frames.map(row).collect();
    (result, matrix)
}

/// Reads what NumPy would: magic, version, length of the header, the header, the data.
fn npy(path: &Path) -> Matrix {
    let bytes = fs::read(path).unwrap();
    assert_eq!(&bytes[..8], b"\x93NUMPY\x01\x00");
    let length = usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    let start = 10 + length;
    assert_eq!(start % 64, 0, "data starts at a multiple of 64 bytes");
    let header = std::str::from_utf8(&bytes[10..start]).unwrap();
    assert!(header.starts_with('{') && header.ends_with('\n'), "{header}");
    assert!(header.contains("'descr': '<f4'") && header.contains("'fortran_order': False"), "{header}");
    let shape = header.split("'shape': (").nth(1).and_then(|rest| rest.split(')').next()).unwrap();
    let shape: Vec<usize> = shape.split(", ").map(|n| n.parse().unwrap()).collect();
    let values: Vec<f32> =
        bytes[start..].chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
    assert_eq!((shape.len(), shape[0] * shape[1]), (2, values.len()), "{header}");
    assert_eq!(bytes.len(), start + 4 * values.len());
    values.chunks_exact(shape[1]).map(<[f32]>::to_vec).collect()
}

fn library(clip: &str, settings: &FeatureSettings) -> Matrix {
    let waveform = Waveform::read(&fixtures().join(clip), Channel::Mix).unwrap();
    let matrix = settings.plan().unwrap().extract(&waveform.samples);
    matrix.rows().into_iter().map(|row| row.to_vec()).collect()
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn every_form_has_the_numbers_of_the_library() {
    let folder = folder();
    let kinds = |preset: Preset| [("mfcc", preset.mfcc()), ("fbank", preset.fbank())];
    let mut cases: Vec<(&str, &str, FeatureSettings)> = PRESETS
        .iter()
        .flat_map(|(name, preset)| kinds(*preset).map(|(kind, settings)| (*name, kind, settings)))
        .collect();
    cases.push(("kaldi80", "fbank", kaldi_fbank80()));
    for (preset, kind, settings) in cases {
        let run = features(&[CANDIDATE, "--kind", kind, "--preset", preset]).exits(0);
        let (header, table) = csv(&run.stdout);
        let expected = library(CANDIDATE, &settings);
        assert!(expected.len() > 500 && expected.iter().flatten().all(|x| x.is_finite()), "{preset} {kind}");
        assert!(table == expected, "{preset} {kind}: the table differs from the library");
        assert_eq!(header.len(), expected[0].len());
        assert_eq!(header[1], if kind == "mfcc" { "c1" } else { "band1" });

        let (array, document) = (folder.path().join("x.npy"), folder.path().join("x.json"));
        for path in [&array, &document] {
            let run = features(&[CANDIDATE, "--kind", kind, "--preset", preset, "-o", word(path)]).exits(0);
            assert_eq!((run.stdout.as_str(), run.stderr.as_str()), ("", ""));
        }
        assert!(npy(&array) == expected, "{preset} {kind}: the array differs from the library");
        let (document, frames) = json(&document);
        assert!(frames == expected, "{preset} {kind}: the JSON differs from the library");
        assert_eq!(document["clip"], CANDIDATE);
        let written: serde_json::Value = serde_json::from_str(&serde_json::to_string(&settings).unwrap()).unwrap();
        assert_eq!(document["settings"], written);
    }
    let table = folder.path().join("x.CSV");
    features(&[CANDIDATE, "--kind", "mfcc", "--output", word(&table)]).exits(0);
    let standard = features(&[CANDIDATE, "--kind", "mfcc"]).exits(0).stdout;
    assert_eq!(fs::read_to_string(&table).unwrap(), standard);
    assert_eq!(names(folder.path()), ["x.CSV", "x.json", "x.npy"], "no temporary file is left behind");

    features(&[CANDIDATE, "--kind", "mfcc", "--preset", "kaldi80"]).fails(&["kind", "fbank with kaldi80"]);
}

#[test]
fn embeddings_are_those_that_check_compares() {
    let folder = folder();
    let analysis = Panel::new(&PanelSettings::default()).unwrap().worker().analyse(&fixtures().join(CANDIDATE));
    let all = analysis.embeddings.unwrap();
    let plain = features(&[CANDIDATE, "--kind", "embedding"]).exits(0).stdout;
    let (header, rows) = csv(&plain);
    let names: Vec<String> = ENCODERS.iter().flat_map(|(name, n)| (0..*n).map(move |i| format!("{name}{i}"))).collect();
    assert_eq!(header, names);
    let values: Vec<f32> = all.iter().flat_map(|(_, embedding)| embedding.values.clone()).collect();
    assert_eq!(rows, [values]);
    let whole = folder.path().join("all.json");
    features(&[CANDIDATE, "--kind", "embedding", "-o", word(&whole)]).exits(0);
    let whole: serde_json::Value = serde_json::from_slice(&fs::read(&whole).unwrap()).unwrap();
    for (name, _) in ENCODERS {
        let embedding = all.get(name.parse::<Encoder>().unwrap()).unwrap();
        assert_eq!(whole["fingerprints"][name], embedding.fingerprint.as_str());
        let values = whole["embeddings"][name].as_array().unwrap().iter().map(|x| x.as_f64().unwrap() as f32);
        assert!(values.eq(embedding.values.iter().copied()), "{name}");
    }
    let array = folder.path().join("all.npy");
    features(&[CANDIDATE, "--kind", "embedding", "-o", word(&array)])
        .fails(&["encoder: found mfcc,mfcc_lda,ge2e,campplus", "one encoder for .npy"]);
    let expected = all.mfcc.unwrap();
    let plain = features(&[CANDIDATE, "--kind", "embedding", MFCC]).exits(0).stdout;

    let path = |name: &str| folder.path().join(name);
    let (table, document, array) = (path("x.csv"), path("x.json"), path("x.npy"));
    for file in [&table, &document, &array] {
        let run = features(&[CANDIDATE, "--kind", "embedding", "--encoder", "mfcc", "-o", word(file)]).exits(0);
        assert_eq!((run.stdout.as_str(), run.stderr.as_str()), ("", ""));
    }
    assert_eq!(fs::read_to_string(&table).unwrap(), plain);
    let document: serde_json::Value = serde_json::from_slice(&fs::read(&document).unwrap()).unwrap();
    assert_eq!(
        (&document["clip"], &document["fingerprints"]["mfcc"]),
        (&CANDIDATE.into(), &expected.fingerprint.into())
    );
    let values = document["embeddings"]["mfcc"].as_array().unwrap().iter().map(|x| x.as_f64().unwrap() as f32);
    assert!(values.eq(expected.values.iter().copied()));
    let bytes = fs::read(&array).unwrap();
    assert!(std::str::from_utf8(&bytes[10..128]).unwrap().contains("'shape': (38,), }"));
    let values = bytes[128..].chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]));
    assert!(values.eq(expected.values));

    let kept = path("kept.csv");
    fs::write(&kept, "what was there before").unwrap();
    for (clip, words) in [
        ("malformed/truncated-data.wav", "expected at least 1.00 s; give a longer clip"),
        ("malformed/digital-silence.wav", "no speech found"),
        ("malformed/text.wav", "expected an audio file"),
        ("no/such.wav", "check the spelling"),
    ] {
        for arguments in [&[][..], &["-o", word(&kept)]] {
            let run = features(&[&[clip, "--kind", "embedding", "-q", MFCC], arguments].concat()).fails(&[clip, words]);
            assert_eq!(run.stderr.matches(clip).count(), 1, "{}", run.stderr);
        }
        assert_eq!(fs::read_to_string(&kept).unwrap(), "what was there before");
    }
    features(&[CANDIDATE, "--kind", "embedding", "--preset", "htk"]).fails(&["preset", "--kind embedding"]);
    features(&[CANDIDATE, "--kind", "mfcc", "--encoder", "mfcc"]).fails(&["encoder", "--kind embedding"]);
    features(&[CANDIDATE, "--kind", "embedding", "--encoder", "plp"]).fails(&["--encoder", "one of mfcc"]);
}

#[test]
fn the_librosa_preset_gives_the_numbers_of_librosa() {
    let run = features(&["golden/chirp.wav", "--kind", "mfcc", "--preset", "librosa"]).exits(0);
    let (_, got) = csv(&run.stdout);
    let golden = fs::read(fixtures().join("golden/librosa_default_slaney.json")).unwrap();
    let golden: serde_json::Value = serde_json::from_slice(&golden).unwrap();
    let expected = golden["clips"]["chirp"]["data"].as_array().unwrap();
    assert_eq!((got.len(), got[0].len()), (expected.len(), 13));
    for (frame, (row, expected)) in got.iter().zip(expected).enumerate() {
        for (n, value) in row.iter().enumerate() {
            let error = (f64::from(*value) - expected[n].as_f64().unwrap()).abs();
            assert!(error <= 2e-4, "frame {frame} c{n}: {error:.2e}");
        }
    }
}

#[test]
fn another_ending_is_refused_before_anything_is_written() {
    let folder = folder();
    for name in ["x.txt", "x", "x.csv.gz", ".csv"] {
        let path = folder.path().join(name);
        features(&[CANDIDATE, "--kind", "mfcc", "-o", word(&path)]).fails(&["output", name, ".csv, .npy or .json"]);
        // The clip is not even looked for.
        features(&["no/such.wav", "--kind", "mfcc", "-o", word(&path)]).fails(&[".csv, .npy or .json"]);
    }
    assert_eq!(names(folder.path()), [""; 0]);
}

#[test]
fn a_file_appears_whole_or_not_at_all() {
    let folder = folder();
    let missing = folder.path().join("no such folder/x.npy");
    features(&[CANDIDATE, "--kind", "mfcc", "-o", word(&missing)]).fails(&[
        word(&missing),
        "could not create it: its folder does not exist",
        "check the spelling",
    ]);
    for name in ["x.csv", "x.npy", "x.json"] {
        let path = folder.path().join(name);
        features(&["malformed/text.wav", "--kind", "mfcc", "-o", word(&path)]).fails(&["malformed/text.wav"]);
        assert_eq!(names(folder.path()), [""; 0], "{name}");
    }
    let kept = folder.path().join("kept.csv");
    fs::write(&kept, "what was there before").unwrap();
    for bad in ["malformed/text.wav", "no/such.wav", "malformed/float-all-nan.wav", "malformed/zero-frames.wav"] {
        features(&[bad, "--kind", "mfcc", "-o", word(&kept)]).fails(&[bad]);
        assert_eq!(fs::read_to_string(&kept).unwrap(), "what was there before", "{bad}");
    }
    features(&[CANDIDATE, "--kind", "mfcc", "-o", word(&kept)]).exits(0);
    assert!(fs::read_to_string(&kept).unwrap().starts_with("c0,c1,"));
    assert_eq!(names(folder.path()), ["kept.csv"]);
}

#[cfg(unix)]
#[test]
fn a_written_file_keeps_the_rights_of_the_one_it_replaces() {
    use std::os::unix::fs::PermissionsExt;
    let folder = folder();
    let path = folder.path().join("x.npy");
    let mode = || fs::metadata(&path).unwrap().permissions().mode() & 0o777;
    let write = || features(&[CANDIDATE, "--kind", "mfcc", "-o", word(&path)]).exits(0);
    write();
    assert_eq!(mode() & 0o600, 0o600);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    write();
    assert_eq!(mode(), 0o600);
}

#[test]
fn clips_that_give_no_frame_are_errors_and_damaged_ones_are_told() {
    let folder = folder();
    let short = folder.path().join("short.wav");
    crate::program::write_wav(&short, 16_000, &[&[0.1; 200]]);
    let run = features(&[word(&short), "--kind", "mfcc"]).exits(2);
    assert!(run.stderr.contains("less than one frame of 25 ms"), "{}", run.stderr);
    for path in ["/dev/zero", "voices", "no/such.wav", "malformed/empty.wav"] {
        // Nothing on standard output, not even a header.
        let run = features(&[path, "--kind", "mfcc"]).fails(&[path]);
        assert!(run.stderr.starts_with(&format!("error: {path}: ")), "{}", run.stderr);
    }
    let run = features(&["malformed/truncated-data.wav", "--kind", "mfcc"]).exits(0);
    assert_eq!(csv(&run.stdout).1.len(), (12_000 - 400) / 160 + 1);
    assert!(run.stderr.starts_with("warning: malformed/truncated-data.wav: the file is cut short"), "{}", run.stderr);
    // The same samples in another container have the same features.
    let flac = folder.path().join("same.flac");
    copy("formats/flac-s16-16kHz-mono.flac", &flac);
    let wav = features(&["formats/pcm-s16-16kHz-mono.wav", "--kind", "mfcc"]).exits(0).stdout;
    assert_eq!(features(&[word(&flac), "--kind", "mfcc"]).exits(0).stdout, wav);
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_soundalike"));
    command.current_dir(fixtures()).args(["features", CANDIDATE, "--kind", "fbank", "--preset", "kaldi80"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    // Far more than a pipe holds is to come when the reader leaves.
    BufReader::with_capacity(16, child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert!(line.starts_with("band0,band1,"), "{line}");
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!((child.wait().unwrap().code(), said.as_str()), (Some(0), ""));
}
