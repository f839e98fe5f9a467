//! Names chosen by who hands files in: whatever is not seen in them is written out in every text that is printed.

use crate::program::{CANDIDATE, MFCC, REFERENCE, Run, copy, folder, soundalike, word};
use soundalike::visible::is_visible;
use std::path::Path;

/// A character of each class in the name of a file.
const NAMES: [&str; 12] = [
    "turned\u{202e}gpj.wav",
    "isolated\u{2066}x\u{2069}.wav",
    "marked\u{200e}\u{200f}\u{61c}.wav",
    "narrow\u{200b}\u{200c}\u{200d}\u{2060}\u{feff}.wav",
    "tagged\u{e0041}\u{e007f}.wav",
    "varied\u{fe0f}\u{e0100}.wav",
    "lines\u{2028}\u{2029}\u{85}\n.wav",
    "terminal\u{1b}[2J\u{9b}31m\u{7}.wav",
    "soft\u{ad}\u{34f}\u{3164}.wav",
    "=formula.wav",
    "literal\\u{202e}.wav",
    "Жук 李 שלום.wav",
];

/// Asserts that a run printed nothing that is not seen, and gives what it printed.
#[track_caller]
fn printed(run: &Run) -> String {
    let all = format!("{}{}", run.stdout, run.stderr);
    let hidden: Vec<char> = all.chars().filter(|c| !is_visible(*c) && *c != '\n').collect();
    assert!(hidden.is_empty(), "{hidden:?} in {all}");
    all
}

fn library(folder: &Path) {
    NAMES.iter().for_each(|name| copy(CANDIDATE, &folder.join(name)));
}

#[test]
fn results_write_out_what_is_not_seen() {
    let folder = folder();
    let (clips, index) = (folder.path().join("cl\u{202e}ips"), folder.path().join("in\u{200b}dex"));
    std::fs::create_dir(&clips).unwrap();
    library(&clips);
    let store = folder.path().join("sto\u{2066}re");
    let encoded = soundalike(&["index", MFCC, word(&clips), "-o", word(&index)]).exits(0);
    printed(&encoded);
    soundalike(&["protect", "add", MFCC, "--store", word(&store), "nsh", REFERENCE]).exits(0);
    for arguments in [
        &["inspect", word(&clips)][..],
        &["check", MFCC, "--reference", REFERENCE, word(&clips)],
        &["protect", "check", "--fail-above=mfcc=0.5", "--store", word(&store), word(&clips)],
        &["scan", "--reference", REFERENCE, "--by=mfcc", word(&index)],
        &["index", "--check", "-o", word(&index)],
        &["locate", "--above=mfcc=0.5", MFCC, "--reference", REFERENCE, word(&clips)],
    ] {
        let all = printed(&soundalike(arguments));
        let names = ["turned\\u{202e}gpj.wav", "tagged\\u{e0041}\\u{e007f}.wav", "Жук 李 שלום.wav"];
        let shown = names.iter().filter(|name| all.contains(**name)).count();
        assert!(shown == 3 || arguments[0] == "index", "{arguments:?}: {all}");
    }
}

#[test]
fn a_table_writes_out_what_is_not_seen_so_that_it_can_be_read_again() {
    let folder = folder();
    library(folder.path());
    let arguments = ["scan", "-q", "--format=csv", "--top=all", "--by=mfcc", "--reference", REFERENCE];
    let run = soundalike(&[&arguments[..], &[word(folder.path())]].concat()).exits(0);
    printed(&run);
    let mut reader = csv::Reader::from_reader(run.stdout.as_bytes());
    let at = reader.headers().unwrap().iter().position(|name| name == "path").unwrap();
    let mut found: Vec<String> = reader.records().map(|record| record.unwrap()[at].to_string()).collect();
    let text = |cell: &str| {
        let mut parts = cell.split("\\u{");
        let first = parts.next().unwrap().to_string();
        parts.fold(first, |text, part| {
            let (number, rest) = part.split_once('}').unwrap();
            let c = char::from_u32(u32::from_str_radix(number, 16).unwrap()).unwrap();
            // A backslash that was escaped stands before the beginning of what looks like an escape.
            format!("{text}{c}{rest}")
        })
    };
    let before = format!("{}/", folder.path().display());
    found.iter_mut().for_each(|cell| *cell = text(cell).strip_prefix(&before).unwrap().into());
    found.sort();
    let mut names = NAMES.map(String::from);
    names.sort();
    assert_eq!(found, names);
}

#[test]
fn errors_write_out_what_is_not_seen() {
    let hostile = "x\u{202e}\u{1b}[2J\u{200b}\u{e0041}.wav";
    let option = format!("--{hostile}");
    let value = format!("--fail-above={hostile}");
    for arguments in [
        &["check", MFCC, "--reference", hostile, CANDIDATE][..],
        &["check", MFCC, "--reference", REFERENCE, hostile],
        &["check", MFCC, "--reference", REFERENCE, &value, CANDIDATE],
        &["check", &option],
        &[hostile],
        &["scan", "--reference", REFERENCE, hostile],
        &["protect", "remove", "--store", hostile, hostile],
        &["verify", hostile],
    ] {
        let all = printed(&soundalike(arguments).exits(2));
        // The parser of the command line leaves out what commands a terminal.
        let shown = ["\\u{202e}\\u{1b}[2J\\u{200b}\\u{e0041}", "\\u{202e}\\u{200b}\\u{e0041}"];
        assert!(shown.iter().any(|shown| all.contains(shown)), "{arguments:?}: {all}");
    }
}
