//! Many processes at once on one list or one index: nothing that one of them wrote is lost.

use super::{ANNA, Place};
use crate::program::MFCC;
use std::fs;
use std::process::{Child, Command, Stdio};

/// Processes at once.
const PROCESSES: usize = 20;
/// Made once by age-keygen, for these tests alone.
const SECRET: &str = "AGE-SECRET-KEY-1VPF8ZQU3FUV3M8PTPV22A648M75WXK4W00ZPX4VMSUN8KV3C88NQSZZXMQ";
const PUBLIC: &str = "age18zudu7nlvfgdzmyxv0j6ckzs0sqx3pxpwf7r9cgcqf2d8vplzvmqd35h85";

fn place() -> Place {
    let place = Place::new();
    place.clip(ANNA, 0, "a.wav");
    fs::write(place.at("key.txt"), format!("{SECRET}\n")).unwrap();
    place
}

fn start(mut command: Command) -> Child {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Codes and standard errors of processes that run at once.
fn outcomes(commands: impl IntoIterator<Item = Command>) -> Vec<(i32, String)> {
    let running: Vec<Child> = commands.into_iter().map(start).collect();
    let ended = running.into_iter().map(|child| child.wait_with_output().unwrap());
    ended.map(|out| (out.status.code().unwrap(), String::from_utf8(out.stderr).unwrap())).collect()
}

fn add<'a>(name: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let words = ["protect", "add", MFCC, "--threads", "1", "--identity", "key.txt", name, "a.wav"];
    [&words[..], more].concat()
}

/// The names on the list, all of which must be readable.
fn names(place: &Place) -> Vec<String> {
    let list = place.run(&["protect", "list", "--json", "--identity", "key.txt"], 0).json();
    let name = |voice: &serde_json::Value| {
        assert!(voice["problem"].is_null() && voice["clips"] == 1, "{voice}");
        voice["name"].as_str().unwrap().to_string()
    };
    list.as_array().unwrap().iter().map(name).collect()
}

#[test]
fn voices_that_are_added_at_once_to_a_new_encrypted_list_are_all_readable() {
    let place = place();
    let wanted: Vec<String> = (0..PROCESSES).map(|n| format!("voice-{n:02}")).collect();
    let commands = wanted.iter().map(|name| place.command(&add(name, &["--recipient", PUBLIC])));
    for (code, stderr) in outcomes(commands) {
        assert_eq!(code, 0, "{stderr}");
    }
    assert_eq!(names(&place), wanted);
    for name in &wanted {
        let bytes = fs::read(place.at(&format!("protected/{name}.model"))).unwrap();
        assert!(bytes.starts_with(b"age-encryption.org/v1\n"), "{name}");
    }
}

#[test]
fn a_list_that_is_encrypted_while_others_add_to_it_holds_all_and_in_the_open_none() {
    let place = place();
    let wanted: Vec<String> = (0..8).map(|n| format!("voice-{n}")).collect();
    let commands = wanted
        .iter()
        .enumerate()
        .map(|(n, name)| place.command(&add(name, if n % 2 == 0 { &["--recipient", PUBLIC] } else { &[] })));
    for (code, stderr) in outcomes(commands) {
        assert_eq!(code, 0, "{stderr}");
    }
    assert_eq!(names(&place), wanted);
    place.run(&add("last", &["--recipient", PUBLIC]), 0);
    for entry in fs::read_dir(place.at("protected")).unwrap() {
        let path = entry.unwrap().path();
        let open = !fs::read(&path).unwrap().starts_with(b"age-encryption.org/v1\n");
        assert!(!open || path.ends_with("_lock"), "{}", path.display());
    }
}

#[test]
fn of_many_that_add_one_name_one_does() {
    for more in [&[][..], &["--recipient", PUBLIC]] {
        let place = place();
        let outcomes = outcomes((0..PROCESSES).map(|_| place.command(&add("anna", more))));
        assert_eq!(outcomes.iter().filter(|(code, _)| *code == 0).count(), 1, "{outcomes:?}");
        for (_, stderr) in outcomes.iter().filter(|(code, _)| *code != 0) {
            assert!(stderr.contains("\"anna\", which is protected already"), "{stderr}");
        }
        assert_eq!(names(&place), ["anna"]);
    }
}

#[test]
fn voices_are_removed_and_added_at_once_without_a_loss() {
    let place = place();
    for n in 0..4 {
        place.run(&add(&format!("old-{n}"), &["--recipient", PUBLIC]), 0);
    }
    let (old, new): (Vec<String>, Vec<String>) = (0..4).map(|n| (format!("old-{n}"), format!("new-{n}"))).unzip();
    let remove = old.iter().map(|name| place.command(&["protect", "remove", name, "--identity", "key.txt"]));
    for (code, stderr) in outcomes(remove.chain(new.iter().map(|name| place.command(&add(name, &[]))))) {
        assert_eq!(code, 0, "{stderr}");
    }
    assert_eq!(names(&place), new);
}

#[test]
fn processes_that_make_one_encrypted_index_at_once_leave_one_that_is_whole() {
    let place = Place::new();
    place.library(4);
    fs::write(place.at("key.txt"), format!("{SECRET}\n")).unwrap();
    let index = ["index", MFCC, "lib", "-o", "lib.index", "--recipient", PUBLIC, "--identity", "key.txt"];
    for (code, stderr) in outcomes((0..4).map(|_| place.command(&index))) {
        assert_eq!(code, 0, "{stderr}");
    }
    place.run(&["index", "--check", "-o", "lib.index", "lib", "--identity", "key.txt"], 0);
    let scan = ["scan", "lib.index", "--reference", "lib/anna", "--by", "mfcc", "--identity", "key.txt"];
    place.run(&scan, 0);
}
