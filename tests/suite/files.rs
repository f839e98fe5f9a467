//! Files that are none, in the place of every file that is named: a device without end, a pipe that nobody writes to, a
//! folder, a link to nothing. Each is refused at once, by name, in little memory. And who may read what is written.
#![cfg(target_os = "linux")]

use crate::program::{CANDIDATE, MFCC, REFERENCE, Run, copy, fixtures, folder, program, run, soundalike, word};
use std::ffi::CString;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// A refusal takes no longer than this, on a machine that does other things too.
const LONGEST: Duration = Duration::from_secs(15);
/// Address space of a run, kB; a file that was read whole would not fit.
const MEMORY_KB: &str = "3000000";

/// What can be in the place of a file.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Device,
    Pipe,
    Folder,
    DanglingLink,
}

fn make(kind: Kind, path: &Path) {
    match kind {
        Kind::Device => std::os::unix::fs::symlink("/dev/zero", path).unwrap(),
        Kind::Pipe => {
            let name = CString::new(word(path)).unwrap();
            // SAFETY: a call of the system with a string that ends in 0.
            assert_eq!(unsafe { libc::mkfifo(name.as_ptr(), 0o600) }, 0);
        }
        Kind::Folder => fs::create_dir(path).unwrap(),
        Kind::DanglingLink => std::os::unix::fs::symlink("nowhere", path).unwrap(),
    }
}

/// Runs the program with little memory.
fn limited(arguments: &[&str]) -> Run {
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -v $1; shift; exec \"$0\" \"$@\""]).arg(program().get_program()).arg(MEMORY_KB);
    command.current_dir(fixtures()).args(arguments);
    run(command)
}

/// `FILE` is what is no file, `OUT` a name that may be written, `REPORT` the report of a case.
const COMMANDS: [&[&str]; 29] = [
    &["check", MFCC, "--reference", "FILE", CANDIDATE],
    &["check", MFCC, "--reference", REFERENCE, "FILE"],
    &["check", MFCC, "--reference", REFERENCE, CANDIDATE, "--calibration", "FILE"],
    &["check", MFCC, "--reference", REFERENCE, CANDIDATE, "--cohort", "FILE"],
    &["check", MFCC, "--reference", REFERENCE, CANDIDATE, "--identity", "FILE"],
    &["check", MFCC, "--reference", REFERENCE, CANDIDATE, "--audit", "FILE"],
    &["check", MFCC, "--reference", REFERENCE, CANDIDATE, "--report", "OUT.html", "--case", "FILE"],
    &["check", MFCC, "--reference", REFERENCE, CANDIDATE, "--report", "OUT.html", "--texts", "FILE"],
    &["enrol", MFCC, "FILE", "-o", "OUT"],
    &["enrol", MFCC, CANDIDATE, "-o", "OUT", "--recipient", "FILE"],
    &["protect", "add", MFCC, "anna", "FILE", "--store", "OUT"],
    &["protect", "add", MFCC, "anna", CANDIDATE, "--store", "OUT", "--recipient", "FILE"],
    &["inspect", "FILE"],
    &["features", "FILE", "--kind", "mfcc"],
    &["locate", MFCC, "--reference", REFERENCE, "FILE", "--above", "mfcc=0.9"],
    &["locate", MFCC, "--reference", "FILE", CANDIDATE, "--above", "mfcc=0.9"],
    &["scan", "FILE", "--reference", REFERENCE, "--by", "mfcc"],
    &["scan", "voices/slt", "--reference", "FILE", "--by", "mfcc"],
    &["groups", "FILE"],
    &["index", MFCC, "FILE", "-o", "OUT"],
    &["index", "--check", "-o", "FILE"],
    &["evaluate", MFCC, "--manifest", "FILE"],
    &["evaluate", MFCC, "--trials", "FILE"],
    &["calibrate", MFCC, "--manifest", "FILE", "--condition", "x", "-o", "OUT"],
    &["cohort", MFCC, "--manifest", "FILE", "--source", "x", "-o", "OUT"],
    &["report", "FILE", "-o", "OUT.html"],
    &["bundle", "FILE", "-o", "OUT"],
    &["bundle", "REPORT", "-o", "OUT", "--sign", "FILE"],
    &["verify", "FILE"],
];

fn are_refused(kind: Kind) {
    let place = folder();
    let (file, report) = (place.path().join("no-such-thing"), place.path().join("report.json"));
    make(kind, &file);
    soundalike(&["check", "-q", MFCC, "--reference", REFERENCE, CANDIDATE, "--report", word(&report)]).exits(0);
    let mut wrong = Vec::new();
    for (number, arguments) in COMMANDS.iter().enumerate() {
        let out = |ending: &str| word(&place.path().join(format!("out-{number}{ending}"))).to_string();
        let put = |argument: &&str| match *argument {
            "FILE" => word(&file).to_string(),
            "REPORT" => word(&report).to_string(),
            "OUT" => out(""),
            "OUT.html" => out(".html"),
            other => other.to_string(),
        };
        let arguments: Vec<String> = arguments.iter().map(put).collect();
        // Where there is no log, one is made.
        if kind == Kind::DanglingLink && arguments.contains(&"--audit".into()) {
            continue;
        }
        let started = Instant::now();
        let run = limited(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
        let said = format!("{}{}", run.stdout, run.stderr);
        let in_time = started.elapsed() < LONGEST;
        if run.code != 2 || !in_time || !said.contains("no-such-thing") || said.len() > 5000 {
            wrong.push(format!("{arguments:?} exits with {} (in time: {in_time}): {said}", run.code));
        }
    }
    assert!(wrong.is_empty(), "{kind:?}: {}", wrong.join("\n"));
    let log = limited(&["verify", "--audit", word(&file)]);
    assert!(log.code == 2 && log.stderr.contains("no-such-thing"), "{}{}", log.stdout, log.stderr);
}

#[test]
fn a_device_without_end_is_refused_by_every_command() {
    are_refused(Kind::Device);
}

#[test]
fn a_pipe_that_nobody_writes_to_is_refused_by_every_command() {
    are_refused(Kind::Pipe);
}

#[test]
fn a_folder_in_the_place_of_a_file_is_refused_by_every_command() {
    are_refused(Kind::Folder);
}

#[test]
fn a_link_to_nothing_is_refused_by_every_command() {
    are_refused(Kind::DanglingLink);
}

#[test]
fn files_inside_folders_that_are_none_are_refused_too() {
    for kind in [Kind::Device, Kind::Pipe, Kind::DanglingLink] {
        let place = folder();
        let (store, models, index) =
            (place.path().join("protected"), place.path().join("models"), place.path().join("lib.index"));
        fs::create_dir(&models).unwrap();
        make(kind, &models.join("campplus.safetensors"));
        let run = limited(&[
            "features",
            CANDIDATE,
            "--kind",
            "embedding",
            "--encoder",
            "campplus",
            "--models",
            word(&models),
        ]);
        assert!(run.code == 2 && run.stderr.contains("campplus.safetensors"), "{kind:?}: {}", run.stderr);
        soundalike(&["protect", "add", MFCC, "nsh", CANDIDATE, "--store", word(&store)]).exits(0);
        fs::remove_file(store.join("nsh.model")).unwrap();
        make(kind, &store.join("nsh.model"));
        let run = limited(&["protect", "check", CANDIDATE, "--store", word(&store), "--fail-above", "mfcc=0.9"]);
        assert!(run.code == 2 && run.stderr.contains("nsh.model"), "{kind:?}: {}", run.stderr);
        soundalike(&["index", MFCC, "voices/slt", "-o", word(&index)]).exits(0);
        for name in ["_index.json", "_key.age", "_lock"] {
            let path = index.join(name);
            let held = fs::read(&path).ok();
            let _ = fs::remove_file(&path);
            make(kind, &path);
            if name == "_lock" && kind == Kind::DanglingLink {
                continue;
            }
            let run = limited(&["index", MFCC, "voices/slt", "-o", word(&index)]);
            let dangling_key = name == "_key.age" && kind == Kind::DanglingLink;
            assert!(run.code == 2 || dangling_key, "{kind:?} {name}: {}{}", run.stdout, run.stderr);
            fs::remove_file(&path).unwrap();
            held.iter().for_each(|bytes| fs::write(&path, bytes).unwrap());
        }
    }
}

/// Runs the program with a umask that takes nothing away.
fn with_open_umask(arguments: &[&str]) -> Run {
    let mut command = Command::new("sh");
    command.args(["-c", "umask 000; exec \"$0\" \"$@\""]).arg(program().get_program());
    command.current_dir(fixtures()).args(arguments);
    run(command).exits(0)
}

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap_or_else(|error| panic!("{}: {error}", path.display())).permissions().mode()
        & 0o777
}

/// Everything in a folder, itself included.
fn modes(folder: &Path) -> Vec<(PathBuf, u32)> {
    let entries = walkdir::WalkDir::new(folder).into_iter().map(|entry| entry.unwrap().into_path());
    entries.map(|path| (path.clone(), mode(&path))).collect()
}

#[test]
fn what_holds_embeddings_or_recordings_is_readable_by_its_user_alone() {
    let place = folder();
    let at = |name: &str| place.path().join(name);
    fs::create_dir(at("lib")).unwrap();
    for name in ["a.wav", "b.wav"] {
        copy(CANDIDATE, &at("lib").join(name));
    }
    let (model, index, store) = (at("x.model"), at("lib.index"), at("protected"));
    // Files that are replaced and were open to all.
    for path in [&model, &at("e.csv"), &at("case.zip")] {
        fs::write(path, "old").unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o666)).unwrap();
    }
    with_open_umask(&["enrol", MFCC, CANDIDATE, "-o", word(&model)]);
    with_open_umask(&["features", CANDIDATE, "--kind", "embedding", MFCC, "-o", word(&at("e.csv"))]);
    with_open_umask(&["check", "-q", MFCC, "--reference", REFERENCE, CANDIDATE, "--report", word(&at("r.json"))]);
    with_open_umask(&["bundle", "-q", word(&at("r.json")), "-o", word(&at("case.zip"))]);
    for path in [&model, &at("e.csv"), &at("case.zip")] {
        assert_eq!(mode(path), 0o600, "{}", path.display());
    }
    with_open_umask(&["protect", "add", MFCC, "nsh", CANDIDATE, "--store", word(&store)]);
    with_open_umask(&["index", MFCC, word(&at("lib")), "-o", word(&index)]);
    with_open_umask(&["scan", "-q", "--reference", REFERENCE, word(&index), "--by", "mfcc", "-o", word(&at("s.csv"))]);
    assert!(modes(&index).iter().any(|(path, _)| path.ends_with("_rows")));
    for (path, mode) in [modes(&store), modes(&index)].concat() {
        assert_eq!(mode, if path.is_dir() { 0o700 } else { 0o600 }, "{}", path.display());
    }
    // Results are as open as other new files, and one that is replaced keeps its rights.
    for name in ["r.json", "s.csv"] {
        assert_eq!(mode(&at(name)), 0o666, "{name}");
    }
    fs::set_permissions(at("r.json"), fs::Permissions::from_mode(0o640)).unwrap();
    with_open_umask(&["check", "-q", MFCC, "--reference", REFERENCE, CANDIDATE, "--report", word(&at("r.json"))]);
    assert_eq!(mode(&at("r.json")), 0o640);
}
