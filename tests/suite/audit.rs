//! The audit log: what runs write to it, and what `soundalike verify --audit` finds.

use crate::program::{
    CANDIDATE, MFCC, REFERENCE, Run, assert_fits_schema, copy, fixtures, folder, run, soundalike, word,
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::fs;
use std::path::Path;
use std::process::Command;

/// A short run with a log.
#[track_caller]
fn check(log: &Path, arguments: &[&str], code: i32) -> Run {
    soundalike(&[&["check", MFCC, "--reference", REFERENCE, "--audit", word(log)], arguments].concat()).exits(code)
}

#[track_caller]
fn verify(log: &Path, arguments: &[&str], code: i32) -> Value {
    let outcome = soundalike(&[&["verify", "--json", "--audit", word(log)], arguments].concat()).exits(code).json();
    assert_fits_schema("verify", &outcome);
    assert_eq!(outcome["passed"], outcome["audit"]["intact"]);
    outcome["audit"].clone()
}

fn lines(log: &Path) -> Vec<Value> {
    let text = fs::read_to_string(log).unwrap();
    assert!(text.ends_with('\n'));
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn sha256(path: &Path) -> String {
    hex(&fs::read(path).unwrap())
}

fn printed_hash(run: &Run) -> String {
    hex(run.stdout.as_bytes())
}

fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn hash_of<'a>(files: &'a Value, path: &str) -> &'a Value {
    let found = files.as_array().unwrap().iter().find(|file| file["path"] == path);
    found.map_or(&Value::Null, |file| &file["sha256"])
}

#[test]
fn runs_are_chained_with_the_hashes_of_what_they_read_and_gave() {
    let folder = folder();
    let (log, model) = (folder.path().join("case.log"), folder.path().join("anna.model"));
    let json = check(&log, &["--json", CANDIDATE], 0);
    let text = check(&log, &[CANDIDATE, "--fail-above", "mfcc=-1"], 1);
    soundalike(&["check", "--reference", "no/such", CANDIDATE, "--audit", word(&log)]).fails(&["no/such"]);
    soundalike(&["enrol", MFCC, REFERENCE, "-o", word(&model), "--audit", word(&log)]).exits(0);
    let lines = lines(&log);
    assert_eq!(lines.len(), 4);
    assert_eq!(lines[0]["previous"], "0".repeat(64));
    for pair in lines.windows(2) {
        assert_eq!(pair[1]["previous"], pair[0]["hash"]);
    }
    for (line, (command, code)) in lines.iter().zip([("check", 0), ("check", 1), ("check", 2), ("enrol", 0)]) {
        assert_eq!((&line["command"], &line["exit_code"]), (&json!(command), &json!(code)));
        assert_eq!(line["folder"], word(&fixtures()));
        let time = line["time"].as_str().unwrap();
        assert!(time.len() == 20 && time.starts_with("20") && time.ends_with('Z'), "{time}");
    }
    for (line, run) in lines.iter().zip([&json, &text]) {
        assert_eq!(hash_of(&line["outputs"], "standard output"), &json!(printed_hash(run)));
        assert_eq!(hash_of(&line["inputs"], CANDIDATE), &json!(sha256(&fixtures().join(CANDIDATE))));
        let clip = format!("{REFERENCE}/01.wav");
        assert_eq!(hash_of(&line["inputs"], &clip), &json!(sha256(&fixtures().join(&clip))));
        for built_in in ["calibration", "cohort"] {
            let hash = hash_of(&line["inputs"], &format!("{built_in}: built in"));
            assert_eq!(hash, &json.json()[built_in]["sha256"].as_str().map_or(hash.clone(), Value::from));
            assert!(hash.is_string(), "{built_in}: {line}");
        }
    }
    assert!(lines[0]["arguments"].as_array().unwrap().contains(&json!(CANDIDATE)));
    assert!(lines[2]["error"].as_str().unwrap().contains("no/such") && lines[0]["error"].is_null());
    assert_eq!(hash_of(&lines[3]["outputs"], word(&model)), &json!(sha256(&model)));
    let outcome = verify(&log, &["--last", lines[1]["hash"].as_str().unwrap()], 0);
    assert_eq!(
        (&outcome["lines"], &outcome["known_line"], &outcome["last"]),
        (&json!(4), &json!(2), &lines[3]["hash"])
    );
    let text = soundalike(&["verify", "--audit", word(&log)]).exits(0).stdout;
    assert!(text.contains("4 lines intact") && text.contains("keep the last hash elsewhere"), "{text}");
    assert_eq!(self::lines(&log).len(), 4, "a verification is not logged");
}

#[test]
fn tampering_is_told_with_the_line() {
    let folder = folder();
    let log = folder.path().join("case.log");
    for _ in 0..3 {
        soundalike(&["inspect", CANDIDATE, "--audit", word(&log)]).exits(0);
    }
    let text = fs::read_to_string(&log).unwrap();
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let last = self::lines(&log)[2]["hash"].as_str().unwrap().to_string();
    for (tampered, line, kind) in [
        (
            text.replacen("\"exit_code\":0", "\"exit_code\":3", 2).replacen("\"exit_code\":3", "\"exit_code\":0", 1),
            2,
            "changed",
        ),
        ([lines[0], lines[2]].concat(), 2, "out_of_chain"),
        ([lines[1], lines[2]].concat(), 1, "out_of_chain"),
        ([lines[0], lines[1], lines[1], lines[2]].concat(), 3, "out_of_chain"),
        (text[..text.len() - 30].to_string(), 3, "cut_short"),
    ] {
        fs::write(&log, tampered).unwrap();
        let outcome = verify(&log, &[], 1);
        assert_eq!((&outcome["fault"]["line"], &outcome["fault"]["kind"]), (&json!(line), &json!(kind)));
        let told = soundalike(&["verify", "--audit", word(&log)]).exits(1).stdout;
        assert!(told.contains(&format!("line {line} ")) && told.contains("expected"), "{told}");
    }
    fs::write(&log, lines[..2].concat()).unwrap();
    verify(&log, &[], 0);
    assert_eq!(verify(&log, &["--last", &last], 1)["fault"]["kind"], "missing");
    soundalike(&["verify", "--audit", word(&log), "--last", "3b1f"]).fails(&["last: found \"3b1f\"", "64"]);
    soundalike(&["verify", "--audit", "no/such.log"]).fails(&["no/such.log"]);
    soundalike(&["verify"]).fails(&["--audit FILE"]);
}

#[test]
fn a_log_that_cannot_be_continued_stops_the_run_before_it_begins() {
    let folder = folder();
    let (log, model) = (folder.path().join("case.log"), folder.path().join("anna.model"));
    fs::write(&log, "{\"not\": \"a line of a log\"}\n").unwrap();
    for log in [log.as_path(), folder.path(), &folder.path().join("no/such/log")] {
        soundalike(&["enrol", MFCC, REFERENCE, "-o", word(&model), "--audit", word(log)]).fails(&[word(log)]);
        assert!(!model.exists());
    }
    assert_eq!(fs::read_to_string(&log).unwrap(), "{\"not\": \"a line of a log\"}\n");
}

#[test]
fn processes_at_once_append_a_line_each() {
    let folder = folder();
    let log = folder.path().join("case.log");
    let start = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_soundalike"));
        command.current_dir(fixtures()).args(["inspect", CANDIDATE, "--audit", word(&log)]);
        command.stdout(std::process::Stdio::null()).spawn().unwrap()
    };
    let mut runs: Vec<_> = (0..6).map(|_| start()).collect();
    assert!(runs.iter_mut().all(|run| run.wait().unwrap().success()));
    assert_eq!(verify(&log, &[], 0)["lines"], 6);
}

#[cfg(unix)]
#[test]
fn hostile_names_stay_one_line_and_command_no_terminal() {
    let folder = folder();
    let name = "a\n{\"time\":\"\"}\n\u{1b}[2J\"'\u{2028}.wav";
    let (clip, log) = (folder.path().join(name), folder.path().join("lo\ng\u{1b}[31m"));
    copy(CANDIDATE, &clip);
    check(&log, &[word(&clip)], 0);
    let lines = lines(&log);
    assert_eq!(lines.len(), 1);
    assert_eq!(hash_of(&lines[0]["inputs"], word(&clip)), &json!(sha256(&clip)));
    assert!(!fs::read_to_string(&log).unwrap().contains('\u{1b}'));
    verify(&log, &[], 0);
    let told = soundalike(&["verify", "--audit", word(&log)]).exits(0).stdout;
    assert!(told.starts_with("audit log") && !told.contains('\u{1b}') && told.contains("lo\\u{a}g"), "{told}");
}

#[test]
fn every_command_that_makes_evidence_leaves_a_line() {
    let folder = folder();
    let at = |name: &str| folder.path().join(name);
    let (log, index, cohort) = (at("case.log"), at("voices.lib"), at("x.cohort"));
    let (library, list) = (at("library"), at("list"));
    for (voice, clip) in [("slt", "voices/slt/tts/01.wav"), ("nsh", CANDIDATE)] {
        fs::create_dir_all(library.join(voice)).unwrap();
        copy(clip, &library.join(voice).join("01.wav"));
    }
    let hits = at("hits.csv");
    let commands: [&[&str]; 7] = [
        &["index", MFCC, word(&library), "-o", word(&index)],
        &["scan", "--reference", REFERENCE, word(&index), "--format", "csv", "-o", word(&hits)],
        &["scan", "--reference", REFERENCE, word(&index)],
        &["locate", MFCC, "--reference", REFERENCE, CANDIDATE, "--above", "mfcc=0.5"],
        &["cohort", MFCC, word(&library), "-o", word(&cohort)],
        &["protect", "add", "anna", MFCC, REFERENCE, "--store", word(&list)],
        &["protect", "check", CANDIDATE, "--store", word(&list), "--fail-above", "mfcc=0.99"],
    ];
    let mut printed = Vec::new();
    for arguments in commands {
        let mut command = Command::new(env!("CARGO_BIN_EXE_soundalike"));
        command.current_dir(fixtures()).args(arguments).args(["--audit", word(&log)]);
        let run = run(command);
        assert!(run.code != 2, "{arguments:?}: {}", run.stderr);
        printed.push((run.code, (!run.stdout.is_empty()).then(|| printed_hash(&run))));
    }
    let lines = lines(&log);
    assert_eq!(lines.len(), commands.len());
    for ((line, arguments), (code, hash)) in lines.iter().zip(commands).zip(&printed) {
        assert_eq!((&line["command"], &line["exit_code"]), (&json!(arguments[0]), &json!(code)), "{line}");
        assert_eq!(hash_of(&line["outputs"], "standard output"), &json!(hash), "{line}");
        let hashed = |files: &Value| files.as_array().unwrap().iter().all(|file| file["sha256"].is_string());
        assert!(hashed(&line["inputs"]) && hashed(&line["outputs"]), "{line}");
    }
    let manifest = index.join("_index.json");
    assert_eq!(hash_of(&lines[0]["outputs"], word(&manifest)), &json!(sha256(&manifest)));
    assert_eq!(hash_of(&lines[1]["inputs"], word(&manifest)), &json!(sha256(&manifest)));
    assert_eq!(hash_of(&lines[1]["outputs"], word(&hits)), &json!(sha256(&hits)));
    assert_eq!(hash_of(&lines[4]["outputs"], word(&cohort)), &json!(sha256(&cohort)));
    assert_eq!(hash_of(&lines[6]["inputs"], CANDIDATE), &json!(sha256(&fixtures().join(CANDIDATE))));
    verify(&log, &[], 0);
}
