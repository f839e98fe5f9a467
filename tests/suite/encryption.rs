//! Encrypted models, indexes, lists and bundles: they give what unencrypted ones give, to whoever has the key and to
//! nobody else, and what is to be forgotten is gone.

use crate::program::{CANDIDATE, MFCC, REFERENCE, Run, copy, fixtures, folder, run, soundalike, word};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Made once by age-keygen, for these tests alone.
const SECRET: &str = "AGE-SECRET-KEY-1VPF8ZQU3FUV3M8PTPV22A648M75WXK4W00ZPX4VMSUN8KV3C88NQSZZXMQ";
const PUBLIC: &str = "age18zudu7nlvfgdzmyxv0j6ckzs0sqx3pxpwf7r9cgcqf2d8vplzvmqd35h85";
const PASSPHRASE: &str = "four quite ordinary words";

/// Runs the program with a passphrase in its environment.
fn with_passphrase(passphrase: &str, arguments: &[&str]) -> Run {
    let mut command = Command::new(env!("CARGO_BIN_EXE_soundalike"));
    command.current_dir(fixtures()).args(arguments).env("SOUNDALIKE_PASSPHRASE", passphrase);
    run(command)
}

fn identity(folder: &Path) -> PathBuf {
    let path = folder.join("key.txt");
    fs::write(&path, format!("# public key: {PUBLIC}\n{SECRET}\n")).unwrap();
    path
}

#[track_caller]
fn is_encrypted(path: &Path) {
    let bytes = fs::read(path).unwrap();
    assert!(bytes.starts_with(b"age-encryption.org/v1\n"), "{}", path.display());
}

/// A small library of two voices.
fn library(folder: &Path) -> PathBuf {
    let library = folder.join("library");
    for (voice, clip) in [("nsh", "01.wav"), ("nsh", "02.wav"), ("slt", "01.wav")] {
        fs::create_dir_all(library.join(voice)).unwrap();
        copy(&format!("voices/{voice}/tts/{clip}"), &library.join(voice).join(clip));
    }
    library
}

#[test]
fn an_encrypted_model_scores_as_an_open_one_for_those_who_have_the_key() {
    let folder = folder();
    let (open, closed, key) =
        (folder.path().join("open.model"), folder.path().join("closed.model"), identity(folder.path()));
    soundalike(&["enrol", MFCC, REFERENCE, "-o", word(&open)]).exits(0);
    soundalike(&["enrol", MFCC, REFERENCE, "-o", word(&closed), "--recipient", PUBLIC]).exits(0);
    is_encrypted(&closed);
    let check =
        |model: &Path, more: &[&str]| soundalike(&[&["check", "--reference", word(model), CANDIDATE], more].concat());
    let scores = check(&open, &[]).exits(0).stdout;
    assert_eq!(check(&closed, &["--identity", word(&key)]).exits(0).stdout, scores);
    check(&closed, &[]).fails(&["closed.model", "encrypted", "--identity"]);
    fs::write(&key, format!("{}\n", SECRET.replace("ZXMQ", "ZXMP"))).unwrap();
    let wrong = check(&closed, &["--identity", word(&key)]).fails(&["key.txt", "no secret key"]);
    assert!(!wrong.stderr.contains("VPF8Z"), "{}", wrong.stderr);
}

#[test]
fn an_encrypted_index_is_kept_up_to_date_scanned_and_checked() {
    let folder = folder();
    let (library, index, key) = (library(folder.path()), folder.path().join("voices.lib"), identity(folder.path()));
    let (key, index_name) = (word(&key), word(&index));
    let update =
        |more: &[&str]| soundalike(&[&["index", MFCC, word(&library), "-o", index_name, "--json"], more].concat());
    let scan = |more: &[&str]| {
        soundalike(
            &[&["scan", "-q", "--reference", REFERENCE, index_name, "--by", "mfcc", "--above", "mfcc=0.9"], more]
                .concat(),
        )
    };
    update(&[]).exits(0);
    let open = scan(&[]).exits(0).stdout;
    // What was there in the open is encrypted too, and what a scan had kept of it goes.
    update(&["--recipient", PUBLIC]).exits(0);
    for entry in fs::read_dir(&index).unwrap() {
        let path = entry.unwrap().path();
        match path.file_name().unwrap().to_str().unwrap() {
            "_lock" => assert_eq!(fs::metadata(&path).unwrap().len(), 0),
            _ => is_encrypted(&path),
        }
    }
    scan(&[]).fails(&["_key.age", "--identity"]);
    for _ in 0..2 {
        assert_eq!(scan(&["--identity", key]).exits(0).stdout, open);
    }
    is_encrypted(&fs::read_dir(index.join("_rows")).unwrap().next().unwrap().unwrap().path());
    soundalike(&["index", "--check", "-o", index_name, word(&library), "--identity", key]).exits(0);
    // It stays encrypted without being asked to.
    copy("voices/rms/tts/01.wav", &library.join("slt/02.wav"));
    update(&[]).fails(&["_key.age"]);
    let report = update(&["--identity", key]).exits(0).json();
    assert_eq!((&report["new"], &report["unchanged"]), (&1.into(), &3.into()));
    let segments = fs::read_dir(&index).unwrap().map(|entry| entry.unwrap().path());
    let segments: Vec<PathBuf> = segments.filter(|path| path.extension().is_some_and(|end| end == "parquet")).collect();
    assert_eq!(segments.len(), 1);
    is_encrypted(&segments[0]);
    // Damage is told.
    let mut bytes = fs::read(&segments[0]).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&segments[0], bytes).unwrap();
    let checked = soundalike(&["index", "--check", "-o", index_name, "--identity", key]).exits(1);
    assert!(checked.stdout.contains("damaged"), "{}", checked.stdout);
}

#[test]
fn an_encrypted_bundle_is_verified_by_those_it_is_for() {
    let folder = folder();
    let (key, report, bundle) =
        (identity(folder.path()), folder.path().join("r.json"), folder.path().join("case.zip.age"));
    let key = word(&key);
    let model = folder.path().join("nsh.model");
    soundalike(&["enrol", MFCC, REFERENCE, "-o", word(&model), "--recipient", PUBLIC]).exits(0);
    let opened = ["--identity", key];
    let check = ["check", "-q", "--reference", word(&model), CANDIDATE, "--report", word(&report)];
    soundalike(&[&check[..], &opened].concat()).exits(0);
    soundalike(&["verify", word(&report)]).exits(1);
    soundalike(&[&["verify", word(&report)], &opened[..]].concat()).exits(0);
    let pack = ["bundle", "-q", word(&report), "-o", word(&bundle), "--recipient", PUBLIC];
    soundalike(&[&pack[..], &opened].concat()).exits(0);
    is_encrypted(&bundle);
    soundalike(&["verify", word(&bundle)]).fails(&["case.zip.age", "--identity"]);
    let verified = soundalike(&["verify", word(&bundle), "--identity", key]).exits(0);
    assert!(verified.stdout.contains("intact") && verified.stdout.contains("equal to the bit"), "{}", verified.stdout);
    let files: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(files.len(), 4, "{files:?}");
}

#[test]
fn a_list_of_protected_voices_has_one_passphrase() {
    let folder = folder();
    let store = folder.path().join("protected");
    let add = |name: &str, more: &[&str]| {
        let voice = format!("voices/{name}/tts/01.wav");
        let arguments = ["protect", "add", MFCC, name, &voice, "--store", word(&store)];
        with_passphrase(PASSPHRASE, &[&arguments[..], more].concat())
    };
    add("slt", &[]).exits(0);
    add("rms", &["--encrypt"]).exits(0);
    is_encrypted(&store.join("slt.model"));
    is_encrypted(&store.join("rms.model"));
    let gate = ["protect", "check", "voices/slt/tts/02.wav", "--store", word(&store), "--fail-above", "mfcc=0.99"];
    let passed = with_passphrase(PASSPHRASE, &gate).exits(0);
    assert!(passed.stdout.contains("2 voices"), "{}", passed.stdout);
    with_passphrase("another", &gate).fails(&["_key.age", "does not open it"]);
    soundalike(&gate).fails(&["_key.age", "passphrase"]);
    // Without a terminal nobody can be asked for a new one.
    soundalike(&["enrol", MFCC, CANDIDATE, "-o", word(&folder.path().join("x.model")), "--encrypt"])
        .fails(&["SOUNDALIKE_PASSPHRASE"]);
    let args = with_passphrase(PASSPHRASE, &["enrol", "--help"]).stdout;
    assert!(!args.contains("--passphrase"), "a passphrase has no place on the command line");
}

#[test]
fn a_voice_that_is_to_be_forgotten_is_gone_from_every_file() {
    let folder = folder();
    let (library, index, store) =
        (library(folder.path()), folder.path().join("voices.lib"), folder.path().join("protected"));
    soundalike(&["index", MFCC, word(&library), "-o", word(&index)]).exits(0);
    soundalike(&["scan", "-q", "--reference", REFERENCE, word(&index), "--by", "mfcc"]).exits(0);
    soundalike(&["protect", "add", MFCC, "nsh", word(&library.join("nsh")), "--store", word(&store)]).exits(0);
    let sha256 =
        soundalike(&["inspect", "--json", "voices/nsh/tts/01.wav"]).exits(0).json()["clips"][0]["sha256"].clone();
    let holds = |words: &str| {
        let mut found = Vec::new();
        for entry in [&index, &store].iter().flat_map(|folder| fs::read_dir(folder).unwrap()) {
            let path = entry.unwrap().path();
            if path.is_file() && fs::read(&path).unwrap().windows(words.len()).any(|part| part == words.as_bytes()) {
                found.push(path);
            }
        }
        found.len()
    };
    let content = sha256.as_str().unwrap();
    assert_eq!(holds(content), 2);
    let from = ["--from", word(&index), "--from", word(&store)];
    let told = soundalike(&[&["forget", "nsh", "--dry-run", "--json"], &from[..]].concat()).exits(0).json();
    assert_eq!(told[0]["removed"], serde_json::json!(["nsh/01.wav", "nsh/02.wav"]));
    assert_eq!(told[0]["recordings_there"], told[0]["removed"]);
    assert_eq!(holds(content), 2);
    assert_fits_schema_of_places(&told);
    // One recording, by its content.
    let one = soundalike(&[&["forget", "--sha256", content], &from[..]].concat()).exits(0);
    assert!(one.stdout.contains("removed          1 in"), "{}", one.stdout);
    assert_eq!(holds(content), 0);
    assert!(!index.join("_rows").exists());
    // The whole voice.
    let rest = soundalike(&[&["forget", "nsh"], &from[..]].concat()).exits(0);
    assert!(rest.stdout.contains("still there") && rest.stdout.contains("not reached"), "{}", rest.stdout);
    assert_eq!(holds("nsh"), 0);
    soundalike(&["index", "--check", "-o", word(&index)]).exits(0);
    let nothing = soundalike(&["forget", "sl", "--from", word(&index)]).exits(2);
    assert!(nothing.stdout.contains("it has slt"), "{}", nothing.stdout);
    soundalike(&["forget", "nsh", "--from", word(&library)]).exits(2);
    soundalike(&["forget", "nsh", "--from", "no/such"]).fails(&["no/such"]);
    soundalike(&["forget", "--sha256", "12", "--from", word(&index)]).fails(&["sha256", "64 hexadecimal"]);
}

/// Each place fits the schema.
fn assert_fits_schema_of_places(told: &serde_json::Value) {
    let schema = soundalike(&["schema", "forget"]).exits(0).json();
    assert!(jsonschema::validator_for(&schema).unwrap().is_valid(told), "{told}");
}
