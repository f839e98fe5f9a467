//! The same bytes for any number of threads and any order in which inputs are named: of whole folders and of every form
//! of a result. `check`, `evaluate`, `locate`, `calibrate`, `cohort`, `enrol` and `inspect` are held to it in their own
//! modules.

use crate::program::{CANDIDATE, MFCC, REFERENCE, fixtures, folder, program, run, soundalike, word};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// One thread, as many as cores are common, and more than there are clips of a voice.
const THREADS: [&str; 3] = ["1", "2", "7"];
/// Whether the inputs are named in another order.
const TURNED: [bool; 3] = [false, true, false];

/// Every file below a folder, but for the one that is only locked.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let walk = walkdir::WalkDir::new(folder).into_iter().map(|entry| entry.unwrap());
    let files = walk.filter(|entry| entry.file_type().is_file() && entry.file_name() != "_lock");
    files
        .map(|entry| {
            let name = entry.path().strip_prefix(folder).unwrap().to_string_lossy().into_owned();
            (name, fs::read(entry.path()).unwrap())
        })
        .collect()
}

fn assert_same(one: &BTreeMap<String, Vec<u8>>, other: &BTreeMap<String, Vec<u8>>, what: &str) {
    assert_eq!(one.keys().collect::<Vec<_>>(), other.keys().collect::<Vec<_>>(), "{what}");
    for (name, bytes) in one {
        assert!(other.get(name) == Some(bytes), "{what}: {name} has other bytes");
    }
}

/// Words in their order, or turned about the middle.
fn ordered<'a>(words: &[&'a str], turned: bool) -> Vec<&'a str> {
    let mut words = words.to_vec();
    if turned {
        let middle = words.len() / 2;
        words.rotate_left(middle);
        words.reverse();
    }
    words
}

#[test]
fn an_index_and_what_is_found_in_it_have_the_same_bytes() {
    let mut clips = Vec::new();
    for entry in walkdir::WalkDir::new(fixtures().join("voices")).sort_by_file_name() {
        let entry = entry.unwrap();
        if entry.path().extension().is_some_and(|extension| extension == "wav") {
            clips.push(entry.path().strip_prefix(fixtures()).unwrap().to_string_lossy().into_owned());
        }
    }
    clips.push("malformed/bits-13.wav".into());
    let clips: Vec<&str> = clips.iter().map(String::as_str).collect();
    let references = ["voices/nsh/real/04.wav", "voices/nsh/real/01.wav", "voices/nsh/real/02.wav"];
    let mut first = None;
    for (threads, turned) in THREADS.into_iter().zip(TURNED) {
        let out = folder();
        let at = |name: &str| out.path().join(name);
        // The list has the same name each time, for an index tells it.
        fs::create_dir(at("given")).unwrap();
        fs::write(at("given/clips.txt"), ordered(&clips, turned).join("\n")).unwrap();
        let here = |arguments: &[&str], code| {
            let mut command = program();
            command.current_dir(at("given")).args(arguments).args(["--quiet", "--threads", threads]);
            run(command).exits(code).stdout
        };
        let root = fixtures();
        here(&["index", MFCC, "clips.txt", "--root", word(&root), "-o", "../voices.lib"], 3);
        let named: Vec<String> =
            ordered(&references, turned).iter().map(|clip| word(&root.join(clip)).into()).collect();
        let named: Vec<&str> = named.iter().flat_map(|clip| ["--reference", clip]).collect();
        for format in ["csv", "jsonl", "parquet"] {
            let output = format!("../hits.{format}");
            here(&[&["scan", "../voices.lib", "--format", format, "-o", &output], &named[..]].concat(), 0);
        }
        fs::write(at("groups.json"), here(&["groups", "../voices.lib", "--json", "--above", "mfcc=0.7"], 0)).unwrap();
        fs::remove_dir_all(at("given")).unwrap();
        let files = files(out.path());
        assert!(files.len() >= 7, "{:?}", files.keys());
        assert_same(first.get_or_insert(files.clone()), &files, &format!("{threads} threads"));
    }
}

#[test]
fn a_report_and_a_bundle_have_the_same_bytes() {
    let clips: Vec<String> = (1..=4).map(|n| format!("{REFERENCE}/0{n}.wav")).collect();
    let clips: Vec<&str> = clips.iter().map(String::as_str).collect();
    let mut first = None;
    for (threads, turned) in THREADS.into_iter().zip(TURNED) {
        let out = folder();
        let at = |name: &str| out.path().join(name);
        let named: Vec<&str> = ordered(&clips, turned).into_iter().flat_map(|clip| ["--reference", clip]).collect();
        let (page, data, again, bundle) = (at("report.html"), at("report.json"), at("again.html"), at("case.zip"));
        let fixed = ["--quiet", "--threads", threads];
        let check = ["check", CANDIDATE, "voices/slt/tts/01.wav", "--report", word(&page), "--report", word(&data)];
        soundalike(&[&check[..], &named, &fixed].concat()).exits(0);
        soundalike(&[&["report", word(&data), "-o", word(&again)], &fixed[..]].concat()).exits(0);
        soundalike(&[&["bundle", word(&data), "-o", word(&bundle)], &fixed[..]].concat()).exits(0);
        let files = files(out.path());
        assert_eq!(files.len(), 4);
        assert!(files["report.html"] == files["again.html"], "a page made of the data");
        assert_same(first.get_or_insert(files.clone()), &files, &format!("{threads} threads"));
    }
}
