//! `soundalike cohort`: what a population is made of, who is in it, and how candidates are ranked among its voices.

use crate::program::{CANDIDATE, MFCC, REFERENCE, Run, assert_fits_schema, copy, fixtures, folder, soundalike, word};
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};

/// Voices with the kind and the number of their clips, and their sex where it is known.
const VOICES: [(&str, &str, usize, &str); 9] = [
    ("awb", "tts", 4, "m"),
    ("carlo", "real", 5, "m"),
    ("heart", "tts", 4, ""),
    ("ivrvoice", "real", 5, "f"),
    ("kal16", "tts", 4, "m"),
    ("librivox", "real", 4, "m"),
    ("nsh", "real", 5, "m"),
    ("rms", "tts", 4, "m"),
    ("slt", "tts", 4, "f"),
];

fn manifest(folder: &Path) -> PathBuf {
    let mut text = String::from("path\tspeaker\tkind\tsex\tlanguage\tremark\n");
    for (voice, kind, count, sex) in VOICES {
        let label = if kind == "tts" { "synthetic" } else { kind };
        for n in 1..=count {
            text += &format!("voices/{voice}/{kind}/0{n}.wav\t{voice}\t{label}\t{sex}\t\tof no use\n");
        }
    }
    let path = folder.join("clips.tsv");
    fs::write(&path, text).unwrap();
    path
}

/// Makes a cohort by the transparent encoder.
#[track_caller]
fn make(arguments: &[&str], output: &Path, code: i32) -> Run {
    soundalike(&[&["cohort", MFCC, "-o", word(output)], arguments].concat()).exits(code)
}

/// The cohort of the manifest.
fn made(folder: &Path, arguments: &[&str]) -> PathBuf {
    let path = folder.join("mine.cohort");
    let (manifest, root) = (manifest(folder), fixtures());
    make(&[&["--manifest", word(&manifest), "--root", word(&root)], arguments].concat(), &path, 0);
    path
}

/// What the file says of its voices.
fn description(path: &Path) -> Value {
    let bytes = fs::read(path).unwrap();
    let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let header: Value = serde_json::from_slice(&bytes[8..8 + length]).unwrap();
    let description = serde_json::from_str(header["__metadata__"]["cohort"].as_str().unwrap()).unwrap();
    assert_fits_schema("cohort", &description);
    description
}

/// Header of a file and where its numbers begin.
fn header(bytes: &[u8]) -> (Value, usize) {
    let end = 8 + u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    (serde_json::from_slice(&bytes[8..end]).unwrap(), end)
}

/// The numbers of a matrix.
fn matrix(bytes: &[u8], name: &str) -> Vec<f32> {
    let (header, start) = header(bytes);
    let [from, to] = [0, 1].map(|i| start + header[name]["data_offsets"][i].as_u64().unwrap() as usize);
    bytes[from..to].chunks_exact(4).map(|bytes| f32::from_le_bytes(bytes.try_into().unwrap())).collect()
}

fn names(path: &Path) -> Vec<String> {
    let description = description(path);
    let voices = description["voices"].as_array().unwrap().iter();
    voices.map(|voice| voice["name"].as_str().unwrap().to_string()).collect()
}

/// The first row of a check in a cohort, by the transparent encoder, with the whole result.
#[track_caller]
fn check(cohort: &Path, arguments: &[&str]) -> (Value, Value) {
    let fixed = ["check", "--json", MFCC, "--reference", REFERENCE, "--cohort", word(cohort)];
    let result = soundalike(&[&fixed[..], arguments].concat()).exits(0).json();
    assert_fits_schema("check", &result);
    (result["candidates"][0].clone(), result)
}

#[test]
fn every_folder_of_a_folder_is_a_voice() {
    let folder = folder();
    let path = folder.path().join("mine.cohort");
    let run = make(&["voices", "--source", "voices of the fixtures"], &path, 0);
    assert!(run.stdout.starts_with("voices           9 of 9\nkind             not known 9\n"), "{}", run.stdout);
    assert!(run.stdout.ends_with(&format!("written          {}\n", word(&path))), "{}", run.stdout);
    assert_eq!(run.stderr, "");
    assert_eq!(names(&path), VOICES.map(|(name, ..)| name));
    let description = description(&path);
    assert_eq!(description["source"], "voices of the fixtures");
    assert_eq!((&description["format"], &description["version"]), (&json!("soundalike cohort"), &json!(1)));
    let of = |name: &str| {
        let voices = description["voices"].as_array().unwrap();
        voices.iter().find(|voice| voice["name"] == name).unwrap().clone()
    };
    // Recordings and synthetic clips lie in folders of the voice's folder.
    assert_eq!((&of("nsh")["clips"], &of("slt")["clips"]), (&json!(9), &json!(4)));
    assert!(of("slt")["net_speech_s"].as_f64().unwrap() > 10.0, "{description}");

    let first = fs::read(&path).unwrap();
    for threads in ["1", "2", "7"] {
        make(&["voices", "--source", "voices of the fixtures", "--threads", threads], &path, 0);
        assert!(fs::read(&path).unwrap() == first, "{threads} threads");
    }
    // A row of descriptors a voice: its median F0 is the first.
    let columns: Vec<&str> =
        description["descriptors"].as_array().unwrap().iter().map(|d| d.as_str().unwrap()).collect();
    assert_eq!((columns.len(), columns[0], columns[9]), (21, "f0_median_hz", "vocal_tract_cm"));
    let f0 = matrix(&first, "descriptors").iter().step_by(columns.len()).copied().collect::<Vec<f32>>();
    for (voice, hz) in [("nsh", 120.0..160.0), ("ivrvoice", 200.0..240.0), ("kal16", 80.0..100.0)] {
        let row = VOICES.iter().position(|(name, ..)| *name == voice).unwrap();
        assert!(hz.contains(&f0[row]), "{voice}: {}", f0[row]);
    }
    // No sound and no path.
    assert!(!first.windows(7).any(|window| window == b"voices/"), "a path is in the file");
    assert!(first.len() < 20_000, "{} bytes", first.len());
}

#[test]
fn a_candidate_is_ranked_among_the_voices_of_the_file() {
    let folder = folder();
    let path = folder.path().join("mine.cohort");
    make(&["voices"], &path, 0);
    let (row, result) = check(&path, &[CANDIDATE]);
    assert_eq!((&row["likeness"]["n"], &result["cohort"]["n"]), (&json!(9), &json!(9)));
    assert_eq!((&result["cohort"]["origin"], &result["cohort"]["by_sex"]), (&json!(path), &json!({})));
    let nearest = row["likeness"]["nearest"].as_array().unwrap();
    let nearest: Vec<&str> = nearest.iter().map(|voice| voice["name"].as_str().unwrap()).collect();
    // The protected voice is in it, which spoils the rank, and is told.
    assert_eq!(nearest[0], "nsh");
    assert!(nearest.iter().all(|name| VOICES.iter().any(|(voice, ..)| voice == name)), "{nearest:?}");
    let remarks = result["remarks"].as_array().unwrap();
    let like: Vec<&Value> = remarks.iter().filter(|r| r["code"] == "cohort_voice_like_the_reference").collect();
    assert!(like.len() == 1 && like[0]["about"] == "nsh", "{remarks:?}");
    let text = ["check", MFCC, "--reference", REFERENCE, "--cohort", word(&path), CANDIDATE];
    let text = soundalike(&text).exits(0);
    assert!(text.stdout.contains("nearest others   nsh (0."), "{}", text.stdout);
    assert!(text.stderr.contains("warning: nsh: comes as close to the reference"), "{}", text.stderr);

    // Every other voice comes less close than a clip of its own, and a voice that is in the cohort is near itself.
    let (own, _) = check(&path, &["voices/nsh/real/02.wav"]);
    let (other, _) = check(&path, &["voices/slt/tts/01.wav"]);
    let percentile = |row: &Value| row["likeness"]["percentile"].as_f64().unwrap();
    assert!(percentile(&own) >= 100.0 * 8.0 / 9.0 - 1e-9 && percentile(&other) < percentile(&own), "{own} {other}");
}

#[test]
fn real_voices_are_the_population_and_other_kinds_come_second() {
    let folder = folder();
    let path = made(folder.path(), &["--where", "speaker!=nsh"]);
    assert_eq!(names(&path), ["carlo", "ivrvoice", "librivox", "awb", "heart", "kal16", "rms", "slt"]);
    let voices = description(&path)["voices"].clone();
    assert_eq!(voices[1]["attributes"], json!({"kind": "real", "sex": "f"}), "an empty cell is not known");
    let (row, result) = check(&path, &[CANDIDATE]);
    assert_eq!((&row["likeness"]["n"], &result["cohort"]["by_sex"]), (&json!(3), &json!({"f": 1, "m": 2})));
    let others = &row["likeness"]["other_kinds"];
    assert_eq!(
        (&others[0]["kind"], &others[0]["n"], others.as_array().unwrap().len()),
        (&json!("synthetic"), &json!(5), 1)
    );
    let arguments = ["check", MFCC, "--reference", REFERENCE, "--cohort", word(&path)];
    let text = |more: &[&str]| soundalike(&[&arguments[..], more].concat()).exits(0).stdout;
    assert!(text(&[CANDIDATE]).contains("; than 100 % of 5 synthetic ones\n"), "{}", text(&[CANDIDATE]));
    assert!(text(&[CANDIDATE]).contains("population       3 voices (f 1, m 2): "), "{}", text(&[CANDIDATE]));
    // A filter on the kind takes its place.
    let n = |filters: &[&str]| {
        let mut arguments = vec![CANDIDATE];
        filters.iter().for_each(|filter| arguments.extend(["--cohort-filter", filter]));
        let (row, result) = check(&path, &arguments);
        assert_eq!(result["cohort"]["filters"], json!(filters));
        (row["likeness"]["n"].clone(), row["likeness"]["other_kinds"].clone(), row["likeness_withheld"].clone())
    };
    assert_eq!(n(&["kind=synthetic"]), (json!(5), json!([]), Value::Null));
    assert_eq!(n(&["kind=*"]), (json!(8), json!([]), Value::Null));
    let (women, synthetic, _) = n(&["sex=f"]);
    assert_eq!((women, &synthetic[0]["n"]), (json!(1), &json!(1)));
    assert_eq!(n(&["sex=m", "kind=synthetic"]).0, json!(3), "all must hold");
    assert_eq!(n(&["sex!=f", "kind=*"]).0, json!(6));
    // Where nobody passes there is no rank, and the reason in its place.
    for nobody in ["sex=x", "language=fr"] {
        let (n, _, withheld) = n(&[nobody]);
        assert_eq!((n, &withheld["code"]), (Value::Null, &json!("no_population")));
        assert!(withheld["message"].as_str().unwrap().contains("--cohort-filter"), "{withheld}");
    }
    let shown = text(&[CANDIDATE, "--cohort-filter", "sex=x"]);
    assert!(shown.contains("likeness         not given: no cohort voice to rank among"), "{shown}");
    assert!(shown.contains("cohort against reference not available\n"), "{shown}");
    soundalike(&[&arguments[..], &[CANDIDATE, "--cohort-filter", "sex"]].concat())
        .fails(&["--cohort-filter", "COLUMN=PATTERN"]);
    // A column that no cohort has would let nobody pass, or with != everybody.
    soundalike(&[&arguments[..], &[CANDIDATE, "--cohort-filter", "sexx!=f"]].concat())
        .fails(&["--cohort-filter <COLUMN=PATTERN>: found the column \"sexx\", expected kind, sex, language or age"]);
}

#[test]
fn a_cohort_of_other_encoders_ranks_nobody() {
    let folder = folder();
    let path = made(folder.path(), &[]);
    let arguments = ["check", "--json", "--encoder=mfcc,mfcc_lda", "--reference", REFERENCE, "--cohort", word(&path)];
    let result = soundalike(&[&arguments[..], &[CANDIDATE]].concat()).exits(0).json();
    let row = &result["candidates"][0];
    assert_eq!((&row["likeness"], &row["likeness_withheld"]["code"]), (&Value::Null, &json!("no_population")));
    assert!(row["likeness_withheld"]["message"].as_str().unwrap().contains("made with these encoders"), "{row}");
}

#[test]
fn a_file_from_before_there_were_descriptors_is_read() {
    let folder = folder();
    let (path, older) = (made(folder.path(), &["--where", "speaker!=nsh"]), folder.path().join("older.cohort"));
    let bytes = fs::read(&path).unwrap();
    let (mut header, start) = header(&bytes);
    let mut description = description(&path);
    description.as_object_mut().unwrap().remove("descriptors");
    header["__metadata__"]["cohort"] = description.to_string().into();
    let gone = header.as_object_mut().unwrap().remove("descriptors").unwrap();
    let [from, to] = [0, 1].map(|i| gone["data_offsets"][i].as_u64().unwrap());
    for (_, tensor) in header.as_object_mut().unwrap().iter_mut().filter(|(name, _)| *name != "__metadata__") {
        for i in [0, 1] {
            let offset = tensor["data_offsets"][i].as_u64().unwrap();
            tensor["data_offsets"][i] = (if offset >= to { offset - (to - from) } else { offset }).into();
        }
    }
    let text = header.to_string();
    let numbers = [&bytes[start..start + from as usize], &bytes[start + to as usize..]].concat();
    fs::write(&older, [&(text.len() as u64).to_le_bytes()[..], text.as_bytes(), &numbers].concat()).unwrap();
    assert_eq!(check(&older, &[CANDIDATE]).0, check(&path, &[CANDIDATE]).0);

    // Where they are named they must be there, and be numbers or not be there.
    let at = start + from as usize;
    let mut infinite = bytes.clone();
    infinite[at..at + 4].copy_from_slice(&f32::INFINITY.to_le_bytes());
    fs::write(&older, &infinite).unwrap();
    let arguments = ["check", MFCC, "--reference", REFERENCE, "--cohort", word(&older), CANDIDATE];
    soundalike(&arguments).fails(&["older.cohort: found other descriptors than named"]);
    let mut absent = bytes;
    absent[at..at + 4].copy_from_slice(&f32::NAN.to_le_bytes());
    fs::write(&older, &absent).unwrap();
    check(&older, &[CANDIDATE]);
}

#[test]
fn a_manifest_chooses_who_is_in_it() {
    let folder = folder();
    let path = made(folder.path(), &["--where", "sex=f"]);
    assert_eq!(names(&path), ["ivrvoice", "slt"]);
    let (manifest, root) = (manifest(folder.path()), fixtures());
    let fails = |arguments: &[&str], words: &[&str]| {
        let output = folder.path().join("no.cohort");
        soundalike(&[&["cohort", MFCC, "-o", word(&output)], arguments].concat()).fails(words);
        assert!(!output.exists());
    };
    let fixed = ["--manifest", word(&manifest), "--root", word(&root)];
    fails(&[&fixed[..], &["--where", "sex=x"]].concat(), &["clips.tsv", "no clip with sex=x"]);
    fails(&[&fixed[..], &["--split", "a"]].concat(), &["clips.tsv, line 1", "split is missing"]);
    fails(&[&fixed[..], &["voices"]].concat(), &["--manifest", "cannot be used with"]);
    fails(&[], &["<FOLDER>"]);
    fails(&["no/such"], &["no/such", "check the spelling"]);
    fails(
        &["voices/nsh/real"],
        &["voices/nsh/real", "a folder without folders, where each should be a voice", "voices/anna/1.wav"],
    );
    fails(&[CANDIDATE], &[CANDIDATE, "list"]);
}

#[test]
fn voices_can_be_numbered_in_the_place_of_their_names() {
    let folder = folder();
    let path = made(folder.path(), &["--opaque"]);
    let real = (1..=4).map(|n| format!("real-00{n}"));
    let numbered: Vec<String> = real.chain((1..=5).map(|n| format!("synthetic-00{n}"))).collect();
    assert_eq!(names(&path), numbered);
    let bytes = fs::read(&path).unwrap();
    for (voice, ..) in VOICES {
        assert!(!bytes.windows(voice.len()).any(|window| window == voice.as_bytes()), "{voice} is in the file");
    }
    let (row, _) = check(&path, &[CANDIDATE]);
    assert_eq!(row["likeness"]["nearest"][0]["name"], "real-004");
    let of_folder = folder.path().join("folder.cohort");
    make(&["voices", "--opaque"], &of_folder, 0);
    assert_eq!(names(&of_folder)[8], "voice-009");
}

#[test]
fn clips_that_cannot_be_used_are_named_and_a_voice_without_any_is_left_out() {
    let folder = folder();
    let voices = folder.path().join("voices");
    for (voice, clips) in [
        ("anna", &["voices/ivrvoice/real/01.wav", "malformed/text.wav"][..]),
        ("bert", &["voices/carlo/real/01.wav", "voices/carlo/real/02.wav"]),
        ("carl", &["malformed/digital-silence.wav"]),
    ] {
        fs::create_dir_all(voices.join(voice)).unwrap();
        for (n, clip) in clips.iter().enumerate() {
            copy(clip, &voices.join(voice).join(format!("{n}.wav")));
        }
    }
    // Neither a clip beside the voices nor a hidden folder is a voice.
    copy(CANDIDATE, &voices.join("loose.wav"));
    fs::create_dir_all(voices.join(".git")).unwrap();
    let path = folder.path().join("mine.cohort");
    let run = make(&[word(&voices)], &path, 3);
    assert!(run.stdout.starts_with("voices           2 of 3\n"), "{}", run.stdout);
    assert_eq!(names(&path), ["anna", "bert"]);
    let clips = description(&path)["voices"].as_array().unwrap().iter().map(|v| v["clips"].clone()).collect::<Vec<_>>();
    assert_eq!(clips, [1, 2]);
    let (text, silence) = (voices.join("anna/1.wav"), voices.join("carl/0.wav"));
    for (clip, words) in [(&text, "found text, expected an audio file"), (&silence, "no speech found")] {
        assert!(run.stderr.contains(&format!("warning: {}: {words}", word(clip))), "{}", run.stderr);
    }
    assert_eq!(run.stderr.lines().count(), 2, "{}", run.stderr);

    fs::write(&path, "what was there before").unwrap();
    let alone = folder.path().join("alone");
    fs::create_dir_all(alone.join("carl")).unwrap();
    copy("malformed/digital-silence.wav", &alone.join("carl/0.wav"));
    soundalike(&["cohort", MFCC, "-o", word(&path), word(&alone)])
        .fails(&["cohort: found 1 voices, none with a clip that can be used", "expected at least one voice"]);
    assert_eq!(fs::read_to_string(&path).unwrap(), "what was there before");
}

#[test]
fn a_cohort_serves_all_encoders_and_both_bands() {
    let folder = folder();
    let voices = folder.path().join("voices");
    for (voice, clip) in [("anna", "voices/ivrvoice/real/01.wav"), ("bert", "voices/carlo/real/01.wav")] {
        fs::create_dir_all(voices.join(voice)).unwrap();
        copy(clip, &voices.join(voice).join("1.wav"));
    }
    let path = folder.path().join("mine.cohort");
    soundalike(&["cohort", word(&voices), "-o", word(&path)]).exits(0);
    let narrow = folder.path().join("narrow.wav");
    crate::program::write_narrow(CANDIDATE, &narrow);
    let arguments = ["check", "--json", "--reference", "voices/nsh/real/01.wav", "--cohort", word(&path)];
    let result = soundalike(&[&arguments[..], &[CANDIDATE, word(&narrow)]].concat()).exits(0).json();
    for (row, band) in result["candidates"].as_array().unwrap().iter().zip(["wide", "narrow"]) {
        assert_eq!(
            (&row["band"], &row["likeness"]["n"], &row["likeness"]["percentile"]),
            (&json!(band), &json!(2), &json!(100.0))
        );
        assert_eq!(row["likeness"]["by_encoder"].as_object().unwrap().len(), 4, "{row}");
        assert_eq!(row["likeness"]["nearest"].as_array().unwrap().len(), 2);
    }
    // So few voices leave a rank wide open.
    let low = result["candidates"][0]["likeness"]["low"].as_f64().unwrap();
    assert!(low < 20.0, "{low}");
}
