//! `soundalike check`: what it scores, what it refuses, what it marks, and how it exits.

use crate::program::{
    CANDIDATE, ENCODERS, MFCC, REFERENCE, Run, assert_fits_schema, copy, fixtures, folder, greatest_log10_lr, low_pass,
    samples, soundalike, word, write_wav,
};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::fs;

/// Checks candidates against the reference and gives the result as JSON.
#[track_caller]
fn check_by_all(arguments: &[&str], code: i32) -> (Value, Run) {
    let run = soundalike(&[&["check", "--json", "--reference", REFERENCE], arguments].concat()).exits(code);
    (run.json(), run)
}

/// The same by the transparent encoder alone.
#[track_caller]
fn check(arguments: &[&str], code: i32) -> (Value, Run) {
    check_by_all(&[&[MFCC], arguments].concat(), code)
}

fn rows(result: &Value) -> &[Value] {
    result["candidates"].as_array().unwrap()
}

fn cosine(row: &Value) -> f64 {
    cosine_by("mfcc", row)
}

fn cosine_by(encoder: &str, row: &Value) -> f64 {
    row["scores"][encoder]["cosine"].as_f64().unwrap_or_else(|| panic!("{row}"))
}

fn texts<'a>(rows: &'a [Value], key: &str) -> Vec<&'a str> {
    rows.iter().map(|row| row[key].as_str().unwrap()).collect()
}

fn sha256(path: &std::path::Path) -> String {
    Sha256::digest(fs::read(path).unwrap()).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn the_pair_ranks_above_every_other_voice() {
    let (result, _) = check_by_all(&["voices"], 0);
    for (encoder, margin) in [("mfcc", 0.1), ("mfcc_lda", 0.2), ("ge2e", 0.1), ("campplus", 0.3)] {
        let (mut own, mut others) = (Vec::new(), Vec::new());
        for row in rows(&result) {
            let (path, cosine) = (row["path"].as_str().unwrap(), cosine_by(encoder, row));
            match path {
                _ if path.starts_with("voices/nsh/tts/") => own.push((cosine, path)),
                _ if path.starts_with("voices/nsh/real/") => assert!(cosine > 0.9, "{encoder}: {row}"),
                _ => others.push((cosine, path)),
            }
        }
        assert_eq!((own.len(), others.len()), (4, 34));
        own.sort_by(|a, b| a.0.total_cmp(&b.0));
        others.sort_by(|a, b| b.0.total_cmp(&a.0));
        assert!(own[0].0 > others[0].0 + margin, "{encoder}: {:?} against {:?}", own[0], others[0]);
    }
}

#[test]
fn candidates_keep_the_order_given_one_row_each() {
    let given = ["voices/slt/tts/02.wav", CANDIDATE, "voices/awb/tts/01.wav", CANDIDATE];
    let (result, _) = check_by_all(&given, 0);
    assert_eq!(texts(rows(&result), "path"), given);
    assert_eq!(rows(&result)[1], rows(&result)[3]);

    let text = soundalike(&[&["check", "--reference", REFERENCE], &given[..]].concat()).exits(0).stdout;
    let shown: Vec<&str> = text.lines().filter_map(|l| l.strip_prefix("candidate        ")).collect();
    assert_eq!(shown.len(), given.len(), "{text}");
    for ((line, path), row) in shown.iter().zip(given).zip(rows(&result)) {
        assert!(line.starts_with(path), "{line}");
        let block = text.split("\n\n").find(|block| block.contains(line)).unwrap();
        for (encoder, name) in [("mfcc", "MFCC"), ("mfcc_lda", "MFCC-LDA"), ("ge2e", "GE2E"), ("campplus", "CAM++")] {
            let line = format!("\n{:16} {:.3}  (distance ", format!("{name} cosine"), cosine_by(encoder, row));
            assert_eq!(block.matches(&line).count(), 1, "{line}: {text}");
        }
    }
}

#[test]
fn the_bytes_depend_neither_on_the_number_of_threads_nor_on_the_order_of_the_reference() {
    let candidates = ["voices/nsh/tts", "voices/slt/tts/01.wav", "malformed/text.wav", "voices/nsh/real/03.wav"];
    let clips: Vec<String> = [3, 5, 1, 4, 2].map(|n| format!("{REFERENCE}/0{n}.wav")).into();
    let turned: Vec<&str> = clips.iter().flat_map(|clip| ["--reference", clip]).collect();
    let run = |threads, arguments: &[&str]| {
        let run = soundalike(&[&["check", "--threads", threads], arguments, &candidates[..]].concat()).exits(3);
        (run.stdout, run.stderr)
    };
    let mut sorted: Vec<&String> = clips.iter().collect();
    sorted.sort();
    let whole: Vec<&str> = sorted.iter().flat_map(|clip| ["--reference", clip.as_str()]).chain(["--json"]).collect();
    let one = run("1", &whole);
    let scores = &serde_json::from_str::<Value>(&one.0).unwrap()["candidates"][0]["scores"];
    assert!(ENCODERS.iter().all(|(encoder, _)| scores[encoder]["cosine"].is_number()), "{scores}");
    assert!(run("2", &whole) == one, "2 threads");
    assert!(run("5", &[&turned[..], &["--json"]].concat()) == one, "5 threads, another order of the reference");
    let text = [MFCC, "--reference", REFERENCE];
    let one = run("1", &text);
    for threads in ["2", "5", "0"] {
        assert!(run(threads, &text) == one, "{threads} threads");
    }
}

#[test]
fn a_reference_is_a_file_a_folder_a_pattern_or_several_in_any_order() {
    let run = |references: &[&str]| {
        let mut arguments = vec!["check", "--json", MFCC, CANDIDATE];
        references.iter().for_each(|reference| arguments.extend(["--reference", reference]));
        let mut result = soundalike(&arguments).exits(0).json();
        // What was named is told as it was named; nothing else differs.
        result.as_object_mut().unwrap().remove("request").unwrap();
        result.to_string()
    };
    let clips: Vec<String> = (1..=5).map(|n| format!("{REFERENCE}/0{n}.wav")).collect();
    let clips: Vec<&str> = clips.iter().map(String::as_str).collect();
    let whole = run(&[REFERENCE]);
    assert_eq!(run(&["voices/nsh/real/*.wav"]), whole);
    assert_eq!(run(&["voices/nsh/real/0[1-5].wav"]), whole);
    assert_eq!(run(&clips), whole);
    let turned: Vec<&str> = clips.iter().rev().copied().collect();
    assert_eq!(run(&turned), whole);
    assert_eq!(run(&[turned.as_slice(), &[clips[2]]].concat()), whole, "a clip named twice counts once");

    let alone: Value = serde_json::from_str(&run(&clips[..1])).unwrap();
    assert_eq!(alone["reference"]["used"], 1);
    let scores = &alone["candidates"][0]["scores"]["mfcc"];
    let close = |key: &str| (scores[key].as_f64().unwrap() - cosine(&alone["candidates"][0])).abs() < 1e-6;
    assert!(close("best") && close("median"), "{scores}");
}

#[test]
fn a_reference_takes_one_path_and_what_follows_is_a_candidate() {
    let first = format!("{REFERENCE}/01.wav");
    let second = format!("{REFERENCE}/02.wav");
    let result = soundalike(&["check", "--json", MFCC, "--reference", &first, &second, CANDIDATE]).exits(0).json();
    assert_eq!(texts(result["reference"]["clips"].as_array().unwrap(), "path"), [&first]);
    assert_eq!(texts(rows(&result), "path"), [&second, CANDIDATE]);
}

#[test]
fn the_result_says_all_that_the_scores_rest_on() {
    let (result, run) = check_by_all(&[CANDIDATE, "voices/slt/tts/01.wav"], 0);
    assert_eq!(run.stderr, "");
    assert_eq!(result["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(result["models_version"], soundalike::models_version());
    assert_eq!(result["gate"], Value::Null);
    let settings = &result["settings"];
    let names = ENCODERS.map(|(encoder, _)| encoder);
    assert_eq!(settings["encoders"], serde_json::json!(names));
    let mut fingerprints = names.map(|name| settings["fingerprints"][name].as_str().unwrap().to_string()).to_vec();
    fingerprints.sort();
    fingerprints.dedup();
    assert!(fingerprints.len() == 4 && fingerprints.iter().all(|print| print.len() >= 16), "{fingerprints:?}");
    assert_eq!(settings["sample_rate_hz"], 16_000);
    assert_eq!(settings["minimum_net_speech_s"], 1.0);
    assert_eq!(settings["channel"], "mix");
    assert!(settings["background"]["speakers"].as_u64().unwrap() > 100, "{settings}");

    let clips = result["reference"]["clips"].as_array().unwrap();
    assert_eq!((clips.len(), result["reference"]["used"].as_u64()), (5, Some(5)));
    let mut speech = 0.0;
    for clip in clips {
        assert_eq!(clip["sha256"].as_str().unwrap(), sha256(&fixtures().join(clip["path"].as_str().unwrap())));
        assert_eq!((&clip["status"], &clip["reason"]), (&Value::from("usable"), &Value::Null));
        speech += clip["quality"]["net_speech_s"].as_f64().unwrap();
    }
    assert!((result["reference"]["net_speech_s"].as_f64().unwrap() - speech).abs() < 1e-6);

    for row in rows(&result) {
        assert_eq!(row["sha256"].as_str().unwrap(), sha256(&fixtures().join(row["path"].as_str().unwrap())));
        assert_eq!((&row["status"], &row["reason"]), (&Value::from("scored"), &Value::Null));
        assert_eq!(row["in_reference"], Value::Null);
        assert_eq!(row["quality"]["format"]["sample_rate_hz"], 16_000);
        assert_eq!(row["scores"].as_object().unwrap().keys().count(), 4);
        for name in names {
            let score = &row["scores"][name];
            assert_eq!(score["distance"].as_f64().unwrap(), 1.0 - cosine_by(name, row));
            let single = score["clips"].as_array().unwrap();
            assert_eq!(texts(single, "path"), texts(clips, "path"));
            let mut single: Vec<f64> = single.iter().map(|clip| clip["cosine"].as_f64().unwrap()).collect();
            single.sort_by(f64::total_cmp);
            assert_eq!(
                (score["best"].as_f64(), score["median"].as_f64()),
                (Some(single[4]), Some(single[2])),
                "{name}"
            );
        }
    }
}

#[test]
fn a_candidate_that_is_part_of_the_reference_is_marked() {
    let folder = folder();
    let (reference, copied) = (folder.path().join("anna"), folder.path().join("another name.wav"));
    fs::create_dir(&reference).unwrap();
    copy("voices/nsh/real/01.wav", &reference.join("01.wav"));
    copy("voices/nsh/real/01.wav", &copied);
    // Not taken into the reference, as a hidden file, but lying there.
    copy(CANDIDATE, &reference.join(".hidden.wav"));
    let first = reference.join("01.wav");
    let candidates = [word(&first), word(&copied), word(&reference.join(".hidden.wav")), CANDIDATE].map(str::to_owned);
    let mut arguments = vec!["check", MFCC, "--reference", word(&reference)];
    arguments.extend(candidates.iter().map(String::as_str));

    let text = soundalike(&arguments).exits(0);
    assert_eq!(text.stdout.matches("in reference     ").count(), 3, "{}", text.stdout);
    let warned: Vec<&str> = text.stderr.lines().collect();
    assert_eq!(warned.len(), 3, "{}", text.stderr);
    for (line, path) in warned.iter().zip(&candidates) {
        assert!(line.starts_with(&format!("warning: {path}: ")), "{line}");
    }

    arguments.push("--json");
    let run = soundalike(&arguments).exits(0);
    let result = run.json();
    let marks: Vec<&Value> = rows(&result).iter().map(|row| &row["in_reference"]).collect();
    for same in &marks[..2] {
        assert_eq!((&same["code"], &same["clip"]), (&Value::from("same_content"), &Value::from(word(&first))));
    }
    assert_eq!(marks[2]["code"], "same_folder");
    assert_eq!(marks[3], &Value::Null);
    assert!((cosine(&rows(&result)[1]) - 1.0).abs() < 1e-6);
}

#[test]
fn a_file_twice_in_the_reference_counts_once() {
    let folder = folder();
    copy("voices/nsh/real/01.wav", &folder.path().join("01.wav"));
    copy("voices/nsh/real/02.wav", &folder.path().join("02.wav"));
    let run = || soundalike(&["check", "--json", MFCC, "--reference", word(folder.path()), CANDIDATE]).exits(0);
    let once = run().json();
    copy("voices/nsh/real/01.wav", &folder.path().join("03.wav"));
    let twice = run();
    assert!(twice.stderr.contains("03.wav: the same bytes as another reference clip"), "{}", twice.stderr);
    let twice = twice.json();
    assert_eq!(texts(twice["reference"]["clips"].as_array().unwrap(), "status"), ["usable", "usable", "duplicate"]);
    assert_eq!(twice["reference"]["used"], 2);
    assert_eq!(twice["reference"]["net_speech_s"], once["reference"]["net_speech_s"]);
    assert_eq!(twice["candidates"], once["candidates"]);
}

#[test]
fn each_unusable_candidate_is_refused_for_its_own_reason_and_harms_no_other() {
    let refused = [
        ("malformed/digital-silence.wav", "no_speech", "give a clip in which the voice is heard"),
        ("malformed/dc-only.wav", "no_speech", "no speech found in 2.00 s"),
        ("malformed/text.wav", "unreadable", "found text, expected an audio file"),
        ("malformed/empty.wav", "unreadable", "found an empty file, expected an audio file"),
        ("malformed/truncated-data.wav", "too_little_speech", "of speech, expected at least 1.00 s; give a longer"),
        ("no/such/clip.wav", "unreadable", "check the spelling of the path"),
        ("no/such/*.wav", "unreadable", "no file that matches"),
    ];
    let (alone, _) = check(&[CANDIDATE, "voices/slt/tts/01.wav"], 0);
    let mut arguments = vec![CANDIDATE];
    arguments.extend(refused.iter().map(|(path, ..)| *path));
    arguments.push("voices/slt/tts/01.wav");
    let (result, _) = check(&arguments, 3);
    assert_eq!(texts(rows(&result), "path"), arguments);
    assert_eq!(rows(&result).first(), rows(&alone).first());
    assert_eq!(rows(&result).last(), rows(&alone).last());
    let mut messages = Vec::new();
    for ((path, code, words), row) in refused.iter().zip(&rows(&result)[1..]) {
        assert_eq!((&row["status"], &row["scores"]), (&Value::from("refused"), &Value::Null), "{row}");
        let message = row["reason"]["message"].as_str().unwrap();
        assert_eq!(row["reason"]["code"], *code, "{row}");
        assert!(message.contains(words), "{path}: {message}");
        messages.push(message.trim_start_matches(path));
    }
    messages.sort_unstable();
    messages.dedup();
    // Silence and an offset alone are refused alike; their warnings tell them apart.
    assert_eq!(messages.len(), refused.len() - 1);
    let short = &rows(&result)[5]["reason"];
    let found = short["net_speech_s"].as_f64().unwrap();
    assert!(short["minimum_s"] == 1.0 && (0.1..1.0).contains(&found), "{short}");
    assert!(short["message"].as_str().unwrap().starts_with(&format!("found {found:.2} s of speech")), "{short}");

    let bad: Vec<&str> = refused.iter().map(|(path, ..)| *path).collect();
    let (result, _) = check(&bad, 2);
    assert!(rows(&result).iter().all(|row| row["status"] == "refused"));
    let text = soundalike(&[&["check", "--reference", REFERENCE], &bad[..]].concat()).exits(2).stdout;
    for (path, _, words) in refused {
        let row = text.split("candidate        ").find(|row| row.starts_with(path)).unwrap_or_else(|| panic!("{text}"));
        assert!(row.contains("refused          ") && row.contains(words) && !row.contains("cosine"), "{row}");
    }
}

#[test]
fn a_reference_of_which_nothing_can_be_used_ends_the_run() {
    let folder = folder();
    let empty = word(folder.path());
    let fails = |reference: &str, words: &[&str]| {
        let run = soundalike(&["check", MFCC, "--reference", reference, CANDIDATE]);
        run.fails(&[&[reference], words].concat())
    };
    fails("no/such/voice", &["No such file", "check the spelling of the path"]);
    fails("no/such/*.wav", &["no file that matches", "give an audio file"]);
    fails(empty, &["a folder without sound files", "give an audio file, a folder"]);
    fails("malformed/text.wav", &["found text", "give a WAV"]);
    fails("malformed/digital-silence.wav", &["no speech found", "give a clip in which the voice is heard"]);
    fails("malformed/truncated-data.wav", &["expected at least 1.00 s", "give a longer clip"]);
    // One of two that does not exist is a mistake of the user's, not a smaller reference.
    soundalike(&["check", "--reference", REFERENCE, "--reference", "no/such/voice", CANDIDATE])
        .fails(&["no/such/voice", "check the spelling"]);
}

#[test]
fn a_bad_clip_in_the_reference_is_left_out_and_told() {
    let (good, _) = check(&[CANDIDATE], 0);
    let (result, run) = check(&["--reference", "malformed/text.wav", CANDIDATE], 3);
    assert!(run.stderr.contains("malformed/text.wav: left out of the reference: found text"), "{}", run.stderr);
    let clip = &result["reference"]["clips"][0];
    assert_eq!((&clip["path"], &clip["status"]), (&Value::from("malformed/text.wav"), &Value::from("refused")));
    assert_eq!(clip["reason"]["code"], "unreadable");
    assert_eq!(result["reference"]["used"], 5);
    assert_eq!(rows(&result), rows(&good));
    let arguments = ["check", MFCC, "--reference", REFERENCE, "--reference", "malformed/text.wav", CANDIDATE];
    let text = soundalike(&arguments).exits(3).stdout;
    assert!(text.starts_with("reference        5 clips") && text.contains("(1 more left out)"), "{text}");
}

#[test]
fn the_gate_stops_what_is_above_it_and_what_has_no_score() {
    let (own, other) = (CANDIDATE, "voices/slt/tts/01.wav");
    let gate = |candidates: &[&str], limit: &str, code| {
        let (result, _) = check(&[candidates, &["--fail-above", limit]].concat(), code);
        result
    };
    let stopped = gate(&[other, own], "mfcc=0.9", 1);
    assert_eq!(stopped["gate"]["passed"], false);
    assert_eq!(stopped["gate"]["above"].as_array().unwrap(), &[Value::from(own)]);
    assert_eq!(stopped["gate"]["limits"], serde_json::json!([{"score": "mfcc", "limit": 0.9}]));
    let passed = gate(&[other], "mfcc=0.9", 0);
    assert_eq!(passed["gate"]["passed"], true);
    let refused = gate(&[other, "malformed/text.wav"], "mfcc=0.9", 1);
    assert_eq!(refused["gate"]["refused"].as_array().unwrap(), &[Value::from("malformed/text.wav")]);
    assert_eq!(refused["gate"]["above"].as_array().unwrap(), &[] as &[Value]);
    gate(&["malformed/text.wav"], "mfcc=1", 1);

    // As in every other gate, a score exactly at the limit is stopped; under the next larger limit it passes.
    let score = cosine(&rows(&stopped)[1]);
    gate(&[own], &format!("mfcc={score}"), 1);
    gate(&[own], &format!("mfcc={}", score.next_up()), 0);
    gate(&[other], "mfcc=-1", 1);

    let text = |candidates: &[&str]| {
        soundalike(&[&["check", MFCC, "--reference", REFERENCE, "--fail-above", "mfcc=0.9"], candidates].concat())
    };
    assert!(text(&[other]).exits(0).stdout.contains("gate             passed"));
    assert!(text(&[own]).exits(1).stdout.contains("gate             stopped"));
    // Of several limits the first that is passed stops.
    let two = |limits: [&str; 2], code| check(&[own, "--fail-above", limits[0], "--fail-above", limits[1]], code).0;
    two(["mfcc=0.99", "mfcc=0.98"], 0);
    for limits in [["mfcc=0.99", "mfcc=0.5"], ["mfcc=0.5", "mfcc=0.99"]] {
        assert_eq!(two(limits, 1)["gate"]["above"], serde_json::json!([own]));
    }
    for bad in ["0.9", "x-vector=0.5", "mfcc=2", "mfcc=-1.5", "mfcc=nan", "mfcc=inf", "mfcc=", "mfcc=0,9", ""] {
        let run = soundalike(&["check", "--reference", REFERENCE, own, "--fail-above", bad]);
        run.fails(&["--fail-above", "for example mfcc=0.9"]);
    }
    // Limits on several scores: one that is passed stops.
    for (limits, above) in [(["ge2e=0.99", "campplus=0.99"], false), (["ge2e=0.99", "campplus=0.6"], true)] {
        let arguments = [own, "--encoder=ge2e,campplus", "--fail-above", limits[0], "--fail-above", limits[1]];
        assert_eq!(check_by_all(&arguments, i32::from(above)).0["gate"]["above"].as_array().unwrap().len() == 1, above);
    }
    let run = soundalike(&["check", "--reference", REFERENCE, own, MFCC, "--fail-above", "ge2e=0.5"]);
    run.fails(&["fail-above: found ge2e=0.5", "now mfcc", "add ge2e to --encoder"]);
}

#[test]
fn the_gate_may_look_at_the_ratio_and_stops_what_has_none() {
    let (own, other, gate) = (CANDIDATE, "voices/slt/tts/01.wav", ["--fail-above", "log10_lr=2"]);
    let result = check_by_all(&[&[own, other], &gate[..]].concat(), 1).0;
    assert_fits_schema("check", &result);
    let gate_of = |result: &Value| {
        let mut gate = result["gate"].clone();
        gate.as_object_mut().unwrap().remove("clips").unwrap()
    };
    let statuses: Vec<Value> = gate_of(&result).as_array().unwrap().iter().map(|clip| clip["status"].clone()).collect();
    assert_eq!(statuses, ["hit", "passed"]);
    let told = [&result["gate"]["limits"], &result["gate"]["above"], &result["gate"]["refused"]];
    let limits = serde_json::json!([{"score": "log10_lr", "limit": 2.0}]);
    assert_eq!(told, [&limits, &serde_json::json!([own]), &serde_json::json!([])]);
    assert_eq!(check_by_all(&[&[other], &gate[..]].concat(), 0).0["gate"]["passed"], true);
    // There is no calibration for one encoder alone, and none that reaches every limit.
    let refused = |more: &[&str], words: &[&str]| {
        soundalike(&[&["check", "--reference", REFERENCE, other], more].concat()).fails(words);
    };
    refused(
        &[MFCC, "--fail-above", "log10_lr=2"],
        &["fail-above: found log10_lr=2", "expected scores of ge2e,campplus"],
    );
    let most = format!("at most {}", greatest_log10_lr());
    refused(&["--fail-above", "log10_lr=3"], &["fail-above: found log10_lr=3", &most, "wide band"]);
}

#[test]
fn the_result_has_the_shape_of_its_schema_with_and_without_a_gate() {
    let given = [CANDIDATE, "voices/nsh/real/01.wav", "malformed/text.wav", "malformed/dc-only.wav"];
    let (plain, _) = check_by_all(&[&["--reference", "malformed/text.wav"], &given[..]].concat(), 3);
    assert_fits_schema("check", &plain);
    let (gated, _) = check(&[&given[..], &["--fail-above", "mfcc=0.9"]].concat(), 1);
    assert_fits_schema("check", &gated);
    assert_eq!(gated["gate"]["limits"][0]["limit"], 0.9);
}

#[test]
fn encoders_are_chosen_by_name() {
    let (all, run) = check_by_all(&[CANDIDATE], 0);
    assert_eq!(check_by_all(&["--encoder", "all", CANDIDATE], 0).1.stdout, run.stdout, "all are the default");
    for (asked, names) in [
        ("mfcc", &["mfcc"][..]),
        ("mfcc,mfcc", &["mfcc"]),
        ("mfcc_lda", &["mfcc_lda"]),
        ("ge2e", &["ge2e"]),
        ("campplus, mfcc_lda", &["campplus", "mfcc_lda"]),
    ] {
        let (result, _) = check_by_all(&["--encoder", asked, CANDIDATE], 0);
        let scores = rows(&result)[0]["scores"].as_object().unwrap();
        let mut found: Vec<&str> = scores.keys().map(String::as_str).collect();
        found.sort_unstable();
        assert_eq!(found, names, "what was not asked for is left out");
        for name in names {
            assert_eq!(scores[*name], rows(&all)[0]["scores"][name], "the others are of no consequence to {name}");
            assert_eq!(result["settings"]["fingerprints"][name], all["settings"]["fingerprints"][name]);
        }
    }
    for bad in ["x-vector", "MFCC", "mfcc;mfcc", "mfcc,", ""] {
        let run = soundalike(&["check", "--reference", REFERENCE, CANDIDATE, &format!("--encoder={bad}")]);
        run.fails(&["--encoder", "expected one of mfcc, mfcc_lda, ge2e, campplus"]);
    }
}

#[test]
fn the_channel_that_is_used_decides_the_score() {
    let folder = folder();
    let (speech, stranger) = (samples(CANDIDATE), samples("voices/slt/tts/01.wav"));
    let length = speech.len().min(stranger.len());
    let soft: Vec<f64> = stranger[..length].iter().map(|x| x * 0.25).collect();
    let (clip, voice) = (folder.path().join("clip.wav"), folder.path().join("voice.wav"));
    let real = samples("voices/nsh/real/01.wav");
    write_wav(&clip, 16_000, &[&soft, &speech[..length]]);
    write_wav(&voice, 16_000, &[&real, &real]);
    let score = |channel: &str| {
        let arguments = ["check", "--json", MFCC, "--reference", word(&voice), word(&clip), "--channel", channel];
        let result = soundalike(&arguments).exits(0).json();
        let row = &rows(&result)[0];
        (row["quality"]["channel"].as_u64(), cosine(row))
    };
    let (left, right) = (score("left"), score("right"));
    assert_eq!((left.0, right.0), (Some(1), Some(2)));
    assert!(right.1 > left.1 + 0.3, "{left:?} {right:?}");
    assert_eq!((score("2"), score("loudest"), score("1")), (right, right, left));
    assert_eq!(score("mix").0, None);

    for bad in ["0", "-1", "both", "1.5", ""] {
        let argument = format!("--channel={bad}");
        soundalike(&["check", "--reference", REFERENCE, CANDIDATE, &argument])
            .fails(&["--channel", "mix, left, right, loudest, a number from 1, or two of them"]);
    }
    // Files of one channel are used as they are; a clip of several without the channel is refused, the others are not
    // harmed.
    let arguments = ["check", "--json", MFCC, "--reference", REFERENCE, word(&clip), CANDIDATE, "--channel", "3"];
    let result = soundalike(&arguments).exits(3).json();
    let (plain, _) = check(&[CANDIDATE], 0);
    assert_eq!(rows(&result)[1]["scores"], rows(&plain)[0]["scores"]);
    let reason = rows(&result)[0]["reason"]["message"].as_str().unwrap();
    assert!(reason.starts_with(word(&clip)) && reason.contains("expected channel 3"), "{reason}");
}

#[test]
fn volume_rate_and_container_hardly_change_the_score() {
    let folder = folder();
    let path = |name: &str| folder.path().join(name);
    let speech = samples(CANDIDATE);
    let half: Vec<f64> = speech.iter().map(|x| x * 0.5).collect();
    write_wav(&path("half.wav"), 16_000, &[&half]);
    write_wav(&path("stereo.wav"), 16_000, &[&speech, &speech]);
    let mut spread = vec![0.0; speech.len() * 3];
    speech.iter().enumerate().for_each(|(i, x)| spread[3 * i] = 3.0 * x);
    write_wav(&path("48k.wav"), 48_000, &[&low_pass(&spread, 7_700.0 / 48_000.0)]);
    let (half, stereo, up) = (path("half.wav"), path("stereo.wav"), path("48k.wav"));
    let (result, _) = check(&[CANDIDATE, word(&half), word(&stereo), word(&up)], 0);
    let scores: Vec<f64> = rows(&result).iter().map(cosine).collect();
    assert!((scores[1] - scores[0]).abs() < 0.01, "half the amplitude: {scores:?}");
    assert_eq!(scores[2], scores[0], "two equal channels");
    assert!((scores[3] - scores[0]).abs() < 0.01, "48 kHz: {scores:?}");

    let lossless = ["wav", "rf64.wav", "w64", "caf"].map(|end| format!("formats/pcm-s16-16kHz-mono.{end}"));
    let more = ["flac-s16-16kHz-mono.flac", "alac-s16-16kHz-mono.m4a", "pcm-s16be-16kHz-mono.aiff"];
    let lossy = ["opus-16k-48kHz-mono.opus", "mp3-48k-cbr-16kHz-mono.mp3", "vorbis-16kHz-mono.ogg"];
    let named: Vec<String> = more.iter().chain(&lossy).map(|name| format!("formats/{name}")).collect();
    let all: Vec<&str> = lossless.iter().chain(&named).map(String::as_str).collect();
    let (result, _) = check(&all, 0);
    let scores: Vec<f64> = rows(&result).iter().map(cosine).collect();
    assert!(scores[..7].iter().all(|score| *score == scores[0]), "the same samples: {scores:?}");
    assert!(scores[7..].iter().all(|score| (score - scores[0]).abs() < 0.15), "lossy: {scores:?}");
}

#[test]
fn names_are_taken_as_they_are() {
    let folder = folder();
    for name in ["a[1].wav", "what?.wav", "-x.wav", "grüße 語.wav", "no ending"] {
        copy(CANDIDATE, &folder.path().join(name));
    }
    let (whole, _) = check(&[word(folder.path())], 0);
    assert_eq!(rows(&whole).len(), 5, "sound without an ending is found too");
    let (bracket, wide) = (folder.path().join("a[1].wav"), folder.path().join("grüße 語.wav"));
    let (result, _) = check(&[word(&bracket), word(&wide)], 0);
    assert_eq!(texts(rows(&result), "path"), [word(&bracket), word(&wide)]);
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_soundalike"));
    let reference = fixtures().join(REFERENCE);
    command.current_dir(folder.path()).args(["check", "--json", MFCC, "--reference", word(&reference), "--", "-x.wav"]);
    let result = crate::program::run(command).exits(0).json();
    assert_eq!(texts(rows(&result), "path"), ["-x.wav"]);
}

/// Lengths at and around the header, then all over the file; the same ones every time.
#[test]
fn no_truncation_of_a_clip_causes_a_panic() {
    let folder = folder();
    let bytes = fs::read(fixtures().join("voices/nsh/real/01.wav")).unwrap();
    let mut random = 1u64;
    let mut lengths = vec![0, 1, 4, 11, 12, 20, 36, 43, 44, 45, bytes.len() - 1];
    while lengths.len() < 30 {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        lengths.push((random >> 33) as usize % bytes.len());
    }
    let path = folder.path().join("cut.wav");
    for length in lengths {
        fs::write(&path, &bytes[..length]).unwrap();
        let run = soundalike(&["check", "--json", MFCC, "--reference", "voices/nsh/real/02.wav", word(&path)]);
        let result = run.json();
        let row = &rows(&result)[0];
        assert_eq!(row["sha256"].as_str().unwrap(), sha256(&path));
        match run.code {
            0 => {
                assert!(cosine(row).abs() <= 1.0, "{length}: {row}");
                assert_eq!(row["quality"]["warnings"][0]["code"], "truncated", "{length}: {row}");
            }
            2 => assert!(row["scores"].is_null() && row["reason"]["message"].is_string(), "{length}: {row}"),
            code => panic!("{length} bytes: exit code {code}"),
        }
    }
}

#[test]
fn a_file_name_cannot_forge_a_line_of_the_result() {
    let folder = folder();
    let name = "x\nMFCC cosine      0.999\u{1b}[31m.wav";
    copy(CANDIDATE, &folder.path().join(name));
    let run = soundalike(&["check", MFCC, "--reference", REFERENCE, word(folder.path())]).exits(0);
    assert_eq!(run.stdout.lines().filter(|line| line.starts_with("MFCC cosine")).count(), 1, "{}", run.stdout);
    assert!(
        !run.stdout.contains('\u{1b}') && run.stdout.contains("\\u{a}MFCC cosine      0.999\\u{1b}"),
        "{}",
        run.stdout
    );
}

#[test]
fn a_constant_offset_changes_neither_score_nor_noise_estimate() {
    let folder = folder();
    let path = folder.path().join("offset.wav");
    write_wav(&path, 16_000, &[&samples(CANDIDATE).iter().map(|x| 0.8 * x + 0.15).collect::<Vec<_>>()]);
    let (result, _) = check(&[CANDIDATE, word(&path)], 0);
    let [plain, offset] = rows(&result) else { panic!("two rows") };
    assert!((cosine(plain) - cosine(offset)).abs() < 0.01);
    let snr = |row: &Value| row["quality"]["snr_db"].as_f64().unwrap();
    assert!((snr(plain) - snr(offset)).abs() < 3.0, "{} {}", snr(plain), snr(offset));
}
