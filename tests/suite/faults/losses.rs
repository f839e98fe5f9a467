//! A disk without room, and folders that go while the program runs: an error that names the file, and the state of
//! before.

use super::{ANNA, BERT, Place, Tree};
use crate::program::{MFCC, Run, run, word};
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A folder with a little of everything that is written over.
fn written() -> Place {
    let place = Place::new();
    place.library(8);
    let steps: [&[&str]; 6] = [
        &["index", MFCC, "lib", "-o", "voices.lib"],
        &["protect", "add", "anna", MFCC, "lib/anna"],
        &["enrol", MFCC, "lib/anna", "-o", "anna.model"],
        &["cohort", MFCC, "lib", "--source", "two", "-o", "mine.cohort"],
        &["check", "-q", MFCC, "--reference", "lib/anna", "lib/bert/01.wav", "--report", "report.json"],
        &["bundle", "-q", "report.json", "-o", "case.zip"],
    ];
    steps.into_iter().for_each(|step| drop(place.run(step, 0)));
    place.clip(ANNA, 40, "lib/anna/40.wav");
    place
}

/// The program where no file may grow beyond half a kilobyte, which looks to it as a full disk does.
fn without_room(place: &Place, arguments: &[&str]) -> Run {
    let program = place.command(&[]).get_program().to_owned();
    let mut command = Command::new("sh");
    command.args(["-c", "trap '' XFSZ; ulimit -f 1; exec \"$0\" \"$@\""]).arg(program).args(arguments);
    command.current_dir(place.folder.path());
    run(command)
}

#[test]
fn without_room_everything_stays_as_it_was() {
    let place = written();
    let before = place.files("");
    let commands: [(&str, &[&str]); 8] = [
        ("voices.lib", &["index", MFCC, "lib", "-o", "voices.lib"]),
        ("voices.lib", &["index", "--encoder=mfcc_lda", "lib", "-o", "voices.lib", "--rebuild"]),
        ("anna.model", &["protect", "add", "anna", "--replace", MFCC, "lib/bert"]),
        ("anna.model", &["enrol", MFCC, "lib/bert", "-o", "anna.model"]),
        ("mine.cohort", &["cohort", MFCC, "lib", "--source", "two", "-o", "mine.cohort"]),
        ("report.html", &["report", "-q", "report.json", "-o", "report.html"]),
        ("case.zip", &["bundle", "-q", "report.json", "-o", "case.zip"]),
        ("hits.jsonl", &["scan", "--reference", "lib/anna", "voices.lib", "--format", "jsonl", "-o", "hits.jsonl"]),
    ];
    for (file, arguments) in commands {
        without_room(&place, arguments).fails(&[file, "could not write it", "too large"]);
        // Rows for a scan are kept where there is room, and the beginning of a new index is gone on with.
        let counts = |path: &str| !["voices.lib/_rows", "voices.lib/_rebuild"].iter().any(|own| path.starts_with(own));
        let left: Tree = place.files("").into_iter().filter(|(path, _)| counts(path)).collect();
        assert_eq!(left.keys().collect::<Vec<_>>(), before.keys().collect::<Vec<_>>(), "{arguments:?}");
        assert!(left == before, "{arguments:?} changed something");
    }
    assert!(place.run(&["index", "--check", "-o", "voices.lib"], 0).stdout.contains("nothing is wrong"));
    // Once there is room it goes on.
    commands.into_iter().for_each(|(_, arguments)| drop(place.run(arguments, 0)));
    place.run(&["index", "--check", "-o", "voices.lib", "lib"], 0);
    place.run(&["verify", "case.zip"], 0);
}

#[test]
fn a_line_that_finds_no_room_is_not_in_the_log() {
    let place = Place::new();
    place.clip(ANNA, 0, "take.wav");
    let inspect = ["inspect", "take.wav", "--audit", "case.log"];
    place.run(&inspect, 0);
    let line = fs::read(place.at("case.log")).unwrap();
    let short = without_room(&place, &inspect).exits(2);
    assert!(short.stderr.contains("case.log: could not write it"), "{}", short.stderr);
    assert_eq!(fs::read(place.at("case.log")).unwrap(), line, "nor a part of it");
    place.run(&inspect, 0);
    let outcome = place.run(&["verify", "--json", "--audit", "case.log"], 0).json();
    assert_eq!(outcome["audit"]["lines"], 2);
}

#[cfg(target_os = "linux")]
#[test]
fn output_that_finds_no_room_is_an_error() {
    let place = Place::new();
    place.clip(ANNA, 0, "ref/01.wav");
    place.clip(BERT, 0, "take.wav");
    for arguments in [
        &["check", MFCC, "--reference", "ref", "take.wav"][..],
        &["check", "--json", MFCC, "--reference", "ref", "take.wav"],
        &["scan", "--reference", "ref", ".", "--format", "csv"],
        &["inspect", "take.wav"],
    ] {
        let told = place.at("stderr");
        let full = fs::File::options().write(true).open("/dev/full").unwrap();
        let mut command = place.command(arguments);
        command.stdout(full).stderr(fs::File::create(&told).unwrap());
        assert_eq!(command.status().unwrap().code(), Some(2), "{arguments:?}");
        let told = fs::read_to_string(told).unwrap();
        assert!(told.contains("standard output: could not write to it: No space left"), "{told}");
    }
}

/// A run that waits until the test lets it go on: another process writes the index.
struct Waiting {
    child: Child,
    lock: fs::File,
}

fn waiting(place: &Place) -> Waiting {
    let lock = fs::File::options().write(true).open(place.at("voices.lib/_lock")).unwrap();
    lock.lock().unwrap();
    let stderr = fs::File::create(place.at("stderr")).unwrap();
    let mut command = place.command(&["index", MFCC, "lib", "-o", "voices.lib"]);
    let child = command.stdout(Stdio::null()).stderr(stderr).spawn().unwrap();
    let started = Instant::now();
    while !fs::read_to_string(place.at("stderr")).unwrap().contains("waiting") {
        assert!(started.elapsed() < Duration::from_secs(60), "it does not wait");
        std::thread::sleep(Duration::from_millis(5));
    }
    Waiting { child, lock }
}

impl Waiting {
    /// Lets it go on; its exit code, and what it said.
    fn go_on(mut self, place: &Place) -> (Option<i32>, String) {
        drop(self.lock);
        let code = self.child.wait().unwrap().code();
        let told = fs::read_to_string(place.at("stderr")).unwrap();
        assert!(!told.contains("panicked"), "{told}");
        (code, told)
    }
}

#[test]
fn an_index_whose_folder_goes_or_becomes_a_file_is_an_error() {
    for becomes_a_file in [false, true] {
        let place = written();
        let run = waiting(&place);
        fs::rename(place.at("voices.lib"), place.at("elsewhere.lib")).unwrap();
        if becomes_a_file {
            fs::write(place.at("voices.lib"), "a file").unwrap();
        }
        let before = place.files("elsewhere.lib");
        let (code, told) = run.go_on(&place);
        assert_eq!(code, Some(2), "{told}");
        assert!(told.contains("error: voices.lib"), "{told}");
        assert!(place.files("elsewhere.lib") == before);
        assert_eq!(place.at("voices.lib").exists(), becomes_a_file, "{told}");
    }
}

#[test]
fn a_library_that_goes_in_the_midst_marks_nothing_as_gone() {
    let place = written();
    let run = waiting(&place);
    fs::rename(place.at("lib"), place.at("elsewhere")).unwrap();
    let before: Tree = place.files("voices.lib").into_iter().filter(|(path, _)| path.ends_with(".parquet")).collect();
    let (code, told) = run.go_on(&place);
    assert_eq!(code, Some(3), "{told}");
    assert!(told.contains("could not be listed") && told.contains("stay as they were"), "{told}");
    let after: Tree = place.files("voices.lib").into_iter().filter(|(path, _)| path.ends_with(".parquet")).collect();
    assert!(after == before);
    fs::rename(place.at("elsewhere"), place.at("lib")).unwrap();
    place.run(&["index", MFCC, "lib", "-o", "voices.lib"], 0);
    place.run(&["index", "--check", "-o", "voices.lib", "lib"], 0);
}

#[test]
fn an_output_folder_that_goes_in_the_midst_is_an_error() {
    let place = Place::new();
    place.clip(ANNA, 0, "ref/01.wav");
    // Long enough that the folder goes before anything is written to it.
    let voice = crate::program::samples(ANNA);
    let long: Vec<f64> = voice.iter().copied().cycle().take(16_000 * 240).collect();
    crate::program::write_wav(&place.at("long.wav"), 16_000, &[&long]);
    for arguments in [
        &["enrol", MFCC, "long.wav", "-o", "out/anna.model"][..],
        &["check", "-q", MFCC, "--reference", "ref", "long.wav", "--report", "out/report.json"],
    ] {
        fs::create_dir(place.at("out")).unwrap();
        let stderr = fs::File::create(place.at("stderr")).unwrap();
        let mut child = place.command(arguments).stdout(Stdio::null()).stderr(stderr).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(30));
        fs::remove_dir_all(place.at("out")).unwrap();
        let code = child.wait().unwrap().code();
        let told = fs::read_to_string(place.at("stderr")).unwrap();
        assert_eq!(code, Some(2), "{told}");
        let file = arguments.last().unwrap();
        assert!(told.contains(file) && told.contains("its folder does not exist"), "{told}");
    }
}

#[test]
fn a_file_in_the_place_of_a_folder_is_an_error() {
    let place = written();
    fs::write(place.at("file"), "mine").unwrap();
    for arguments in [
        &["protect", "add", "anna", MFCC, "lib/anna", "--store", "file"][..],
        &["enrol", MFCC, "lib/anna", "-o", "file/anna.model"],
        &["bundle", "-q", "report.json", "-o", "file/case.zip"],
        &["index", MFCC, "lib", "-o", "file"],
    ] {
        let told = run(place.command(arguments)).exits(2).stderr;
        assert!(told.contains("file"), "{told}");
        assert_eq!(fs::read_to_string(place.at("file")).unwrap(), "mine");
    }
    assert!(Path::new(word(&place.at("file"))).is_file());
}
