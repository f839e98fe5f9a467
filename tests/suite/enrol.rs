//! `soundalike enrol`: the model gives the scores of its recordings, and a file that cannot be right is refused.

use crate::program::{
    CANDIDATE, ENCODERS, MFCC, REFERENCE, Run, assert_fits_schema, copy, fixtures, folder, samples, soundalike, word,
    write_wav,
};
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};

/// Enrols by all encoders.
#[track_caller]
fn enrol_by_all(references: &[&str], output: &Path, code: i32) -> Run {
    soundalike(&[&["enrol", "-o", word(output)], references].concat()).exits(code)
}

/// Enrols by the transparent encoder alone.
#[track_caller]
fn enrol(references: &[&str], output: &Path, code: i32) -> Run {
    enrol_by_all(&[&[MFCC], references].concat(), output, code)
}

/// Checks against references by the transparent encoder alone and gives the result.
#[track_caller]
fn check(references: &[&str], candidates: &[&str], code: i32) -> Value {
    check_by(&[MFCC], references, candidates, code)
}

#[track_caller]
fn check_by(encoder: &[&str], references: &[&str], candidates: &[&str], code: i32) -> Value {
    let mut arguments = [&["check", "--json"], encoder].concat();
    references.iter().for_each(|reference| arguments.extend(["--reference", reference]));
    soundalike(&[&arguments[..], candidates].concat()).exits(code).json()
}

fn read(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

/// The model of the reference in a folder.
fn model(folder: &Path) -> PathBuf {
    let path = folder.join("nsh.model");
    enrol(&[REFERENCE], &path, 0);
    path
}

#[test]
fn a_model_scores_as_its_recordings_do() {
    let folder = folder();
    let path = folder.path().join("nsh.model");
    let run = enrol_by_all(&[REFERENCE], &path, 0);
    assert!(run.stdout.starts_with("reference        5 clips, 25.7 s speech\n"), "{}", run.stdout);
    assert!(run.stdout.contains("encoders         MFCC, MFCC-LDA, GE2E, CAM++\n"), "{}", run.stdout);
    assert_eq!(run.stderr, "");
    // Candidates of all sorts, one of them part of the reference.
    let candidates = [CANDIDATE, "voices/slt/tts/01.wav", "voices/nsh/real/03.wav", "malformed/text.wav"];
    let clips = check_by(&[], &[REFERENCE], &candidates, 3);
    let enrolled = check_by(&[], &[word(&path)], &candidates, 3);
    assert_fits_schema("check", &enrolled);
    for (a, b) in clips["candidates"].as_array().unwrap().iter().zip(enrolled["candidates"].as_array().unwrap()) {
        assert_eq!(a["scores"].to_string(), b["scores"].to_string(), "to the last digit");
    }
    for (encoder, _) in ENCODERS {
        assert!(enrolled["candidates"][0]["scores"][encoder]["cosine"].is_number(), "{encoder}: {enrolled}");
    }
    let own = &enrolled["candidates"][2]["in_reference"];
    assert_eq!((&own["code"], &own["clip"]), (&json!("same_content"), &json!("voices/nsh/real/03.wav")));

    let (named, reference) = (&clips["reference"], &enrolled["reference"]);
    assert_eq!((&reference["used"], &reference["net_speech_s"]), (&json!(5), &named["net_speech_s"]));
    let rows = named["clips"].as_array().unwrap().iter().zip(reference["clips"].as_array().unwrap());
    for (named, row) in rows {
        assert_eq!([&row["path"], &row["sha256"]], [&named["path"], &named["sha256"]]);
        assert_eq!(row["net_speech_s"], named["quality"]["net_speech_s"]);
        assert_eq!([&row["status"], &row["quality"], &row["model"]], [&json!("enrolled"), &Value::Null, &json!(path)]);
    }
    assert_eq!(reference["models"][0]["path"], json!(path));
    assert_eq!(reference["models"][0]["program"], env!("CARGO_PKG_VERSION"));
    let text = |reference| soundalike(&["check", MFCC, "--reference", reference, CANDIDATE]).exits(0).stdout;
    assert_eq!(text(word(&path)), text(REFERENCE));
}

#[test]
fn a_model_is_the_same_bytes_again_and_fits_its_schema() {
    let folder = folder();
    let (first, again) = (folder.path().join("nsh.model"), folder.path().join("again.json"));
    enrol_by_all(&[REFERENCE, "--threads", "1"], &first, 0);
    let clips: Vec<String> = (1..=5).rev().map(|n| format!("{REFERENCE}/0{n}.wav")).collect();
    let mut arguments = vec!["--threads", "7", "--encoder", "campplus,ge2e,mfcc_lda,mfcc"];
    arguments.extend(clips.iter().map(String::as_str));
    enrol_by_all(&arguments, &again, 0);
    assert!(fs::read(&again).unwrap() == fs::read(&first).unwrap(), "order and threads are of no consequence");
    let model = read(&again);
    assert_fits_schema("enrol", &model);
    assert_eq!((&model["format"], &model["version"]), (&json!("soundalike voice model"), &json!(2)));
    assert_eq!(model["exemplars"].as_array().unwrap().len(), 5);
    for exemplar in model["exemplars"].as_array().unwrap() {
        for band in ["embeddings", "narrow"] {
            assert_eq!(exemplar[band].as_object().unwrap().len(), 4);
        }
        for (encoder, width) in ENCODERS {
            assert_eq!(exemplar["embeddings"][encoder].as_array().unwrap().len(), width, "{encoder}");
            let narrow = exemplar["narrow"][encoder].as_array().unwrap();
            assert!(!narrow.is_empty() && narrow.len() <= width, "{encoder}");
            assert_ne!(exemplar["narrow"][encoder], exemplar["embeddings"][encoder], "{encoder}");
            assert_ne!(model["narrow_fingerprints"][encoder], model["fingerprints"][encoder], "{encoder}");
        }
        let quality = exemplar["quality"].as_object().unwrap();
        assert!(quality.len() == 5 && quality.values().all(Value::is_number), "{quality:?}");
    }
}

#[test]
fn models_and_recordings_are_one_reference() {
    let folder = folder();
    let (first, second) = (folder.path().join("a.model"), folder.path().join("b.model"));
    let clip = |n: usize| format!("{REFERENCE}/0{n}.wav");
    enrol(&[&clip(1), &clip(2)], &first, 0);
    enrol(&[&clip(3)], &second, 0);
    let whole = check(&[REFERENCE], &[CANDIDATE], 0);
    let mixed = check(&[&clip(5), word(&first), &clip(4), word(&second)], &[CANDIDATE], 0);
    assert_eq!(mixed["candidates"], whole["candidates"]);
    let status = |result: &Value| {
        let clips = result["reference"]["clips"].as_array().unwrap();
        clips.iter().map(|clip| clip["status"].as_str().unwrap().to_string()).collect::<Vec<_>>()
    };
    assert_eq!(status(&mixed), ["enrolled", "enrolled", "enrolled", "usable", "usable"]);
    // A recording that the model holds counts once, under whatever name.
    let copied = folder.path().join("copied.wav");
    copy(&clip(1), &copied);
    let twice = check(&[word(&first), word(&copied)], &[CANDIDATE], 0);
    assert_eq!(twice["reference"]["used"], 2);
    assert!(status(&twice).contains(&"duplicate".to_string()), "{twice}");
    // A model grows by being enrolled again.
    enrol(&[word(&first), word(&second), &clip(4), &clip(5)], &first, 0);
    assert!(fs::read(&first).unwrap() == fs::read(model(folder.path())).unwrap());
}

#[test]
fn recordings_that_cannot_be_used_are_told() {
    let folder = folder();
    let path = folder.path().join("x.model");
    let run = enrol(&["malformed/text.wav", REFERENCE], &path, 3);
    assert!(run.stderr.contains("malformed/text.wav: left out of the reference: found text"), "{}", run.stderr);
    assert!(run.stdout.contains("5 clips, 25.7 s speech (1 more left out)"), "{}", run.stdout);
    assert!(fs::read(&path).unwrap() == fs::read(model(folder.path())).unwrap(), "only what was used is in the model");

    fs::write(&path, "what was there before").unwrap();
    let fails = |references: &[&str], output: &Path, words: &[&str]| {
        soundalike(&[&["enrol", "-o", word(output)], references].concat()).fails(words);
    };
    fails(&["malformed/text.wav", "malformed/dc-only.wav"], &path, &["no usable clip", "found text", "no speech"]);
    fails(&[REFERENCE, "no/such"], &path, &["no/such", "check the spelling"]);
    fails(&[REFERENCE, "--encoder=x-vector"], &path, &["--encoder", "one of mfcc"]);
    assert_eq!(fs::read_to_string(&path).unwrap(), "what was there before");
    fails(&[REFERENCE], &folder.path().join("no such folder/x.model"), &["its folder does not exist"]);
    // A slip of the hand must not cost a recording.
    let clip = folder.path().join("clip.wav");
    copy(CANDIDATE, &clip);
    fails(&[word(&clip)], &clip, &["one of the recordings"]);
    assert!(fs::read(&clip).unwrap() == fs::read(fixtures().join(CANDIDATE)).unwrap());
}

#[test]
fn a_model_that_cannot_be_right_is_refused_with_what_is_wrong() {
    let folder = folder();
    let good = model(folder.path());
    let text = fs::read_to_string(&good).unwrap();
    let path = folder.path().join("bad.model");
    let fails = |bytes: &[u8], words: &[&str]| {
        fs::write(&path, bytes).unwrap();
        let words = [&["bad.model: found ", "enrol"], words].concat();
        soundalike(&["check", MFCC, "--reference", word(&path), CANDIDATE]).fails(&words);
    };
    let changed = |change: &dyn Fn(&mut Value), words: &[&str]| {
        let mut model: Value = serde_json::from_str(&text).unwrap();
        change(&mut model);
        fails(&serde_json::to_vec(&model).unwrap(), words);
    };
    fails(b"", &["an empty file"]);
    fails(b"a letter", &["broken JSON"]);
    fails(b"[1, 2]", &["voice model"]);
    fails(&text.as_bytes()[..text.len() / 2], &["cut short"]);
    fails(b"{\"format\":\"soundalike voice model\",\"version\":2", &["cut short"]);
    fails(text.replacen(',', ";", 1).as_bytes(), &["broken JSON"]);
    fails(text.replacen("\"mfcc\":[", "\"mfcc\":[1e99,", 1).as_bytes(), &["out of range"]);
    fails(&[text.as_bytes(), b"more"].concat(), &["broken JSON"]);
    fails(b"{\"scores\": []}", &["JSON of another kind", "the format \"soundalike voice model\""]);
    changed(&|m| m["format"] = json!("another"), &["the format \"another\""]);
    for other in [1, 3] {
        let found = format!("version {other} of the format, written by soundalike 0.");
        changed(&|m| m["version"] = json!(other), &[&found, "expected version 2"]);
    }
    changed(&|m| drop(m.as_object_mut().unwrap().remove("version")), &["no version"]);
    changed(&|m| m["unknown"] = json!(1), &["unknown field"]);
    changed(&|m| m["exemplars"] = json!([]), &["no exemplar"]);
    changed(&|m| m["exemplars"][1]["sha256"] = json!("abc"), &["the SHA-256 \"abc\" of \"voices/nsh/real/02.wav\""]);
    changed(&|m| m["exemplars"][1]["quality"]["net_speech_s"] = json!(-1.0), &["-1 s of speech"]);
    changed(&|m| m["exemplars"][1]["embeddings"] = json!({}), &["no encoder of \"voices/nsh/real/02.wav\"", "mfcc"]);
    changed(&|m| m["exemplars"][1]["narrow"] = json!({}), &["no encoder of \"voices/nsh/real/02.wav\"", "mfcc"]);
    changed(&|m| drop(m["exemplars"][1].as_object_mut().unwrap().remove("narrow")), &["missing field `narrow`"]);
    changed(&|m| drop(m["exemplars"][1].as_object_mut().unwrap().remove("quality")), &["missing field `quality`"]);
    let values = |m: &mut Value, n: usize| m["exemplars"][n]["embeddings"]["mfcc"].as_array_mut().unwrap().clone();
    changed(
        &|m| m["exemplars"][1]["embeddings"]["mfcc"] = json!(values(m, 1)[1..]),
        &["37 values of mfcc of \"voices/nsh/real/02.wav\"", "38"],
    );
    changed(
        &|m| (0..5).for_each(|n| m["exemplars"][n]["embeddings"]["mfcc"] = json!(values(m, n)[1..])),
        &["mfcc embeddings of 37 values", "38 values"],
    );
    changed(&|m| m["exemplars"][1]["embeddings"]["mfcc"][3] = Value::Null, &["null"]);
    changed(&|m| m["exemplars"][1]["embeddings"]["mfcc"] = json!(vec![0.0; 38]), &["all 0"]);
    let mine = read(&good)["fingerprints"]["mfcc"].as_str().unwrap().to_string();
    changed(&|m| m["fingerprints"]["mfcc"] = json!("0123456789abcdef"), &["extractor 0123456789abcdef", &mine]);

    // Content decides, not the name.
    let renamed = folder.path().join("voice.wav");
    fs::copy(&good, &renamed).unwrap();
    check(&[word(&renamed)], &[CANDIDATE], 0);
    let sound = folder.path().join("sound.model");
    copy("voices/nsh/real/01.wav", &sound);
    assert_eq!(check(&[word(&sound)], &[CANDIDATE], 0)["reference"]["clips"][0]["status"], "usable");
}

#[test]
fn a_model_says_which_channel_was_enrolled() {
    let folder = folder();
    let path = folder.path().join("x.model");
    let (clip, speech) = (folder.path().join("stereo.wav"), samples("voices/nsh/real/01.wav"));
    write_wav(&clip, 16_000, &[&speech, &speech]);
    enrol(&[word(&clip), "--channel", "right"], &path, 0);
    let result = check(&[word(&path), REFERENCE], &[CANDIDATE], 0);
    let clips = result["reference"]["clips"].as_array().unwrap();
    let channels: Vec<&Value> = clips.iter().map(|clip| &clip["channel"]).collect();
    assert_eq!((channels[0], channels[1]), (&json!({"number": 2}), &json!("mix")));
}

#[test]
fn an_encoder_that_a_model_lacks_is_named() {
    let folder = folder();
    let path = folder.path().join("nsh.model");
    enrol_by_all(&["--encoder", "mfcc_lda,ge2e", REFERENCE], &path, 0);
    // Where none is asked for, those of the model are used.
    let result = check_by(&[], &[word(&path)], &[CANDIDATE], 0);
    assert_eq!(result["settings"]["encoders"], json!(["mfcc_lda", "ge2e"]));
    for (asked, named) in [("mfcc", "mfcc"), ("ge2e,campplus", "campplus"), ("all", "mfcc")] {
        let run = soundalike(&["check", "--reference", word(&path), CANDIDATE, "--encoder", asked]);
        run.fails(&[
            &format!("nsh.model: found wide-band embeddings of mfcc_lda, ge2e, expected {named} too"),
            "make the voice model again with soundalike enrol",
        ]);
    }
}
