//! What folders hold and what results say of it: every entry is judged, or refused, or counted, whatever its name.
#![cfg(target_os = "linux")]

use crate::program::{MFCC, REFERENCE, Run, folder, program, run, samples, soundalike, word, write_wav};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, TestRunner};
use serde_json::Value;
use soundalike::path_text::text_of;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;

/// A limit that no clip of another voice comes near.
const LIMIT: &str = "mfcc=0.9999";
/// Different recordings of another voice, long enough to be scored.
static SPOKEN: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let all = samples("voices/slt/tts/01.wav");
    let cut = |start: usize| {
        let file = tempfile::NamedTempFile::new().unwrap();
        write_wav(file.path(), 16_000, &[&all[start..start + 48_000]]);
        fs::read(file.path()).unwrap()
    };
    [0, 8_000, 16_000, 24_000].map(cut).into()
});

fn spoken(to: &Path) {
    fs::write(to, &SPOKEN[0]).unwrap();
}

fn fifo(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

/// A name, and what makes an entry of it.
type Made<'a> = (&'a str, &'a dyn Fn(&Path));

/// A list of one protected voice, by one encoder.
fn list(folder: &Path) -> PathBuf {
    let store = folder.join("protected");
    soundalike(&["protect", "add", "anna", MFCC, REFERENCE, "--store", word(&store)]).exits(0);
    store
}

/// Runs the program with a path that need not be text as the last argument.
fn on(arguments: &[&str], last: &Path) -> Run {
    let mut command = program();
    command.current_dir(crate::program::fixtures()).args(arguments).arg(last);
    run(command)
}

fn check(library: &Path) -> Run {
    on(&["check", MFCC, "--reference", REFERENCE, "--fail-above", LIMIT, "--json", "--quiet"], library)
}

fn gate(store: &Path, library: &Path) -> Run {
    on(&["protect", "check", "--store", word(store), "--fail-above", LIMIT, "--json", "--quiet"], library)
}

/// The lines of a scan of everything.
fn scan(store: &Path, library: &Path) -> Vec<Value> {
    let set = ["scan", "--reference-set", word(store), "--top", "all", "--by", "mfcc", "--format", "jsonl", "--quiet"];
    let run = on(&[&set[..], &["--above", LIMIT]].concat(), library);
    assert!([0, 3].contains(&run.code), "{}", run.stderr);
    run.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn index(library: &Path, output: &Path, more: &[&str]) -> Value {
    let run = on(&[&["index", MFCC, "--json", "--quiet", "-o", word(output)], more].concat(), library);
    assert!([0, 3].contains(&run.code), "{}", run.stderr);
    run.json()
}

fn paths(rows: &Value) -> Vec<&str> {
    rows.as_array().unwrap().iter().map(|row| row["path"].as_str().unwrap()).collect()
}

fn raw(name: &[u8]) -> PathBuf {
    OsStr::from_bytes(name).into()
}

#[test]
fn five_files_whose_names_differ_in_bytes_that_are_not_text_are_five_rows() {
    let folder = folder();
    let (store, library) = (list(folder.path()), folder.path().join("clips"));
    fs::create_dir(&library).unwrap();
    let names = [&b"x\xFB.wav"[..], b"x\xFC.wav", b"x\xFD.wav", b"x\xFE.wav", b"x\xFF.wav"].map(raw);
    names.iter().for_each(|name| spoken(&library.join(name)));
    let expected: Vec<String> = (0xFB..=0xFF).map(|byte| format!("{}/x\\x{byte:02X}.wav", word(&library))).collect();
    let inside: Vec<&str> = expected.iter().map(|path| path.rsplit('/').next().unwrap()).collect();
    assert_eq!(inside, names.iter().map(|name| text_of(name)).collect::<Vec<_>>());

    let report = check(&library).exits(0).json();
    assert_eq!(paths(&report["candidates"]), expected);
    assert_eq!(paths(&gate(&store, &library).exits(0).json()["candidates"]), expected);
    let inspected = on(&["inspect", "--json"], &library).exits(0).json();
    assert_eq!(paths(&inspected["clips"]), expected);
    let located = on(&["locate", MFCC, "--reference", REFERENCE, "--above", LIMIT, "--json"], &library).json();
    assert_eq!(paths(&located["recordings"]), expected);
    let lines = scan(&store, &library);
    assert_eq!((&lines[0]["holds"]["usable"], &lines[1]["compared"]), (&5.into(), &5.into()));
    // An index of them leads back to the files: nothing has vanished, nothing differs.
    let output = folder.path().join("voices.lib");
    assert_eq!(index(&library, &output, &[])["new"], 5);
    let again = index(&library, &output, &[]);
    assert_eq!((&again["unchanged"], &again["vanished"]), (&5.into(), &0.into()));
    on(&["index", "--check", "-o", word(&output)], &library).exits(0);
    assert_eq!(scan(&store, &output)[1]["compared"], 5);

    // A pattern finds them, and a list on standard input names them by their bytes.
    let pattern = on(&["inspect", "--json"], &library.join("x?.wav")).exits(0).json();
    assert_eq!(paths(&pattern["clips"]), expected);
    let lines: Vec<u8> = names.iter().flat_map(|name| [name.as_os_str().as_bytes(), b"\n"].concat()).collect();
    let listed = folder.path().join("list.txt");
    fs::write(&listed, lines).unwrap();
    let mut command = program();
    command.current_dir(&library).args(["index", MFCC, "--json", "-", "-o", word(&folder.path().join("list.lib"))]);
    let stdin = Stdio::from(fs::File::open(&listed).unwrap());
    let made = command.stdin(stdin).output().unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&made.stdout).unwrap()["holds"]["usable"], 5);
}

#[test]
fn a_result_and_a_bundle_of_names_that_are_not_text_are_verified() {
    let folder = folder();
    let library = folder.path().join("clips");
    fs::create_dir(&library).unwrap();
    for name in [&b"x\xFE.wav"[..], b"x\xFF.wav", b"x\\xFF.wav"].map(raw) {
        spoken(&library.join(name));
    }
    spoken(&library.join(".hidden.wav"));
    let report = folder.path().join("case.json");
    on(&["check", MFCC, "--reference", REFERENCE, "--report", word(&report)], &library).exits(0);
    soundalike(&["verify", word(&report)]).exits(0);
    let bundle = folder.path().join("case.zip");
    soundalike(&["bundle", word(&report), "-o", word(&bundle)]).exits(0);
    fs::remove_dir_all(&library).unwrap();
    soundalike(&["verify", word(&bundle)]).exits(0);
}

#[test]
fn what_may_hold_sound_and_was_not_heard_stops_a_gate() {
    let folder = folder();
    let (store, library) = (list(folder.path()), folder.path().join("clips"));
    fs::create_dir(&library).unwrap();
    spoken(&library.join("good.wav"));
    fs::write(library.join("notes.txt"), "not a clip").unwrap();
    fs::write(library.join("._good.wav"), b"\x00\x05\x16\x07\x00\x02\x00\x00Mac OS X").unwrap();
    let report = check(&library).exits(0).json();
    assert_eq!(report["passed_over"]["reasons"], serde_json::json!({"hidden": 1, "not_audio": 1}));
    assert_eq!(gate(&store, &library).exits(0).json()["passed_over"], report["passed_over"]);
    let text = on(&["protect", "check", "--store", word(&store), "--fail-above", LIMIT], &library).exits(0).stdout;
    assert!(text.contains("passed over      2 entries: 1 hidden, 1 not audio\n"), "{text}");

    fs::create_dir(folder.path().join("elsewhere")).unwrap();
    fs::create_dir(library.join(".cache")).unwrap();
    let unheard: [Made<'_>; 3] = [
        (".hidden.wav", &spoken),
        (".cache/copy", &spoken),
        ("linked", &|path| symlink("../elsewhere", path).unwrap()),
    ];
    for (name, make) in unheard {
        let path = library.join(name);
        make(&path);
        let report = check(&library).exits(1).json();
        assert_eq!(report["gate"]["unheard"], serde_json::json!([text_of(&path)]));
        assert_eq!(report["passed_over"]["may_hold_sound"], 1);
        let run = gate(&store, &library).exits(1);
        assert_eq!((run.json()["passed"].as_bool(), paths(&run.json()["candidates"]).len()), (Some(false), 1));
        fs::remove_file(&path).unwrap();
    }
    check(&library).exits(0);
    // What was written to say what to leave out is for indexes, and for no gate.
    fs::write(library.join(".ignore"), "*.wav\n").unwrap();
    assert_eq!(paths(&check(&library).exits(0).json()["candidates"]).len(), 1);
    let run = on(&["index", MFCC, "-o", word(&folder.path().join("voices.lib"))], &library);
    run.fails(&["a library without sound files", "1 ignored", "1 may hold sound"]);
}

#[test]
fn what_cannot_be_opened_is_a_refused_row() {
    let folder = folder();
    let (store, library) = (list(folder.path()), folder.path().join("clips"));
    fs::create_dir(&library).unwrap();
    spoken(&library.join("good.wav"));
    let makers: [Made<'_>; 4] = [
        ("dangling.wav", &|path| symlink("nowhere.wav", path).unwrap()),
        ("dangling", &|path| symlink("nowhere", path).unwrap()),
        ("pipe", &fifo),
        ("foreign", &|path| fs::write(path, b".snd\0\0\0\x18\0\0\0\x10\0\0\0\x03").unwrap()),
    ];
    for (name, make) in makers {
        let path = library.join(name);
        make(&path);
        let report = check(&library).exits(1).json();
        assert_eq!(report["gate"]["refused"], serde_json::json!([text_of(&path)]), "{name}");
        let run = gate(&store, &library).exits(1).json();
        let refused = run["candidates"].as_array().unwrap().iter().filter(|row| row["status"] == "refused").count();
        assert_eq!(refused, 1, "{name}");
        assert_eq!(scan(&store, &library)[0]["holds"]["refused"], 1, "{name}");
        fs::remove_file(&path).unwrap();
    }
}

#[test]
fn an_index_that_was_planted_hides_no_clip() {
    let folder = folder();
    let (store, library) = (list(folder.path()), folder.path().join("clips"));
    let planted = library.join("sub");
    fs::create_dir_all(&planted).unwrap();
    spoken(&library.join("good.wav"));
    spoken(&planted.join("hidden.wav"));
    spoken(&planted.join("_rows"));
    let counts = |reasons: Value| {
        assert_eq!(check(&library).exits(0).json()["passed_over"]["reasons"], reasons);
        assert_eq!(paths(&gate(&store, &library).exits(0).json()["candidates"]).len(), 3);
        assert_eq!(scan(&store, &library)[0]["holds"]["usable"], 3);
    };
    fs::write(planted.join("_index.json"), "").unwrap();
    counts(serde_json::json!({"not_audio": 1}));
    // A real one hides none either.
    let index_folder = folder.path().join("voices.lib");
    index(&library, &index_folder, &[]);
    fs::copy(index_folder.join("_index.json"), planted.join("_index.json")).unwrap();
    counts(serde_json::json!({"of_program": 1}));
}

#[test]
fn one_rule_says_what_is_a_protected_voice() {
    let folder = folder();
    let (store, clips) = (list(folder.path()), folder.path().join("clips"));
    fs::create_dir(&clips).unwrap();
    spoken(&clips.join("good.wav"));
    let protect = |arguments: &[&str]| soundalike(&[&["protect"], arguments, &["--store", word(&store)]].concat());
    let names = || -> Vec<String> {
        let listed = protect(&["list", "--json"]).json();
        listed.as_array().unwrap().iter().map(|voice| voice["name"].as_str().unwrap().into()).collect()
    };
    // Upper case is a voice for every command.
    fs::copy(store.join("anna.model"), store.join("Bert.MODEL")).unwrap();
    assert_eq!(names(), ["Bert", "anna"]);
    assert_eq!(gate(&store, &clips).exits(0).json()["voices"], 2);
    assert_eq!(scan(&store, &clips).len(), 3);
    protect(&["remove", "Bert"]).exits(0);
    // What another system leaves beside a file is no voice and in nobody's way.
    fs::write(store.join("._anna.model"), b"\x00\x05\x16\x07\x00\x02\x00\x00Mac OS X").unwrap();
    fs::write(store.join("notes.txt"), "who is who").unwrap();
    assert_eq!(names(), ["anna"]);
    let report = gate(&store, &clips).exits(0).json();
    assert_eq!(report["list_passed_over"]["reasons"], serde_json::json!({"hidden": 1, "not_voice": 1}));
    let warned = protect(&["list"]).exits(0).stderr;
    assert!(warned.contains("._anna.model: passed over") && warned.contains("notes.txt: passed over"), "{warned}");
    let forget = |what: &[&str]| soundalike(&[&["forget", "--from", word(&store), "--dry-run"], what].concat());
    forget(&["anna"]).exits(0);
    forget(&["--sha256", &"0".repeat(64)]).exits(2);
    // A voice model that is hidden is no voice of the list, and a list with it is none.
    let hidden = store.join(".carl.model");
    fs::copy(store.join("anna.model"), &hidden).unwrap();
    gate(&store, &clips).fails(&[".carl.model", "a voice model that is hidden"]);
    assert!(protect(&["list"]).exits(3).stdout.contains(".carl.model"));
    assert_eq!(scan(&store, &clips)[0]["left_out"].as_array().unwrap().len(), 1);
    forget(&[".carl"]).exits(0);
    fs::remove_file(&hidden).unwrap();
    // One that cannot be opened is a voice that cannot be compared.
    let broken: [&dyn Fn(&Path); 2] = [&fifo, &|path| symlink("nowhere.model", path).unwrap()];
    for make in broken {
        let path = store.join("carl.model");
        make(&path);
        gate(&store, &clips).fails(&["carl.model"]);
        assert_eq!(names(), ["anna", "carl"]);
        assert_eq!(scan(&store, &clips)[0]["left_out"].as_array().unwrap().len(), 1);
        fs::remove_file(&path).unwrap();
    }
    gate(&store, &clips).exits(0);
}

/// What a folder of the property test holds; further kinds need a line here, in `make` and, where a gate may pass,
/// in `is_harmless`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Good,
    Duplicate,
    WithoutEnding,
    Truncated,
    TextNamedWav,
    Text,
    Foreign,
    Link,
    Dangling,
    Pipe,
    LinkToFolder,
    EmptyIndex,
    AppleDouble,
    /// Two channels that differ.
    Stereo,
    TwoTracks,
    /// Sound behind the sound.
    SecondChunk,
}

const KINDS: [Kind; 16] = [
    Kind::Good,
    Kind::Duplicate,
    Kind::WithoutEnding,
    Kind::Truncated,
    Kind::TextNamedWav,
    Kind::Text,
    Kind::Foreign,
    Kind::Link,
    Kind::Dangling,
    Kind::Pipe,
    Kind::LinkToFolder,
    Kind::EmptyIndex,
    Kind::AppleDouble,
    Kind::Stereo,
    Kind::TwoTracks,
    Kind::SecondChunk,
];

impl Kind {
    /// Whether it keeps no gate from passing.
    fn is_harmless(self) -> bool {
        use Kind::{AppleDouble, Duplicate, EmptyIndex, Good, Link, Stereo, Text, TwoTracks, WithoutEnding};
        let sound = matches!(self, Good | Duplicate | WithoutEnding | Link | Stereo | TwoTracks);
        sound || matches!(self, Text | EmptyIndex | AppleDouble)
    }

    /// Makes the entry with this name, or with one that its kind asks for.
    fn make(self, folder: &Path, name: &OsStr, which: usize, elsewhere: &Path) {
        let with = |ending: &str| folder.join([name, OsStr::new(ending)].concat());
        match self {
            Kind::Good => fs::write(with(".wav"), &SPOKEN[which % SPOKEN.len()]).unwrap(),
            Kind::Duplicate => fs::write(with(".WAV"), &SPOKEN[0]).unwrap(),
            Kind::WithoutEnding => fs::write(with(""), &SPOKEN[which % SPOKEN.len()]).unwrap(),
            Kind::Truncated => fs::write(with(".wav"), &SPOKEN[0][..60_001]).unwrap(),
            Kind::TextNamedWav => fs::write(with(".wav"), "no sound at all").unwrap(),
            Kind::Text => fs::write(with(".txt"), "no sound at all").unwrap(),
            Kind::Foreign => fs::write(with(".au"), b".snd\0\0\0\x18\0\0\0\x10\0\0\0\x03").unwrap(),
            Kind::Link => symlink(elsewhere.join("real.wav"), with("")).unwrap(),
            Kind::Dangling => symlink("nowhere", with(".wav")).unwrap(),
            Kind::Pipe => fifo(&with("")),
            Kind::LinkToFolder => symlink(elsewhere, with("")).unwrap(),
            Kind::EmptyIndex => {
                let planted = with("-planted");
                fs::create_dir(&planted).unwrap();
                fs::write(planted.join("_index.json"), "").unwrap();
                fs::write(planted.join("_lock.wav"), &SPOKEN[0]).unwrap();
            }
            Kind::Stereo => {
                let one = samples("voices/slt/tts/01.wav");
                let other: Vec<f64> = one[8_000..56_000].iter().map(|x| x * 0.5).collect();
                write_wav(&with(".wav"), 16_000, &[&one[..48_000], &other]);
            }
            Kind::TwoTracks => fs::write(with(".mkv"), crate::attacks::two_harmless_tracks()).unwrap(),
            Kind::SecondChunk => {
                let second = [&b"data"[..], &40_000u32.to_le_bytes(), &SPOKEN[0][44..40_044]].concat();
                fs::write(with(".wav"), [&SPOKEN[0][..], &second].concat()).unwrap();
            }
            Kind::AppleDouble => {
                fs::write(folder.join([OsStr::new("._"), name].concat()), b"\x00\x05\x16\x07").unwrap()
            }
        }
    }
}

trait Concat {
    fn concat(&self) -> OsString;
}

impl<const N: usize> Concat for [&OsStr; N] {
    fn concat(&self) -> OsString {
        OsString::from_vec(self.iter().flat_map(|part| part.as_bytes().to_vec()).collect())
    }
}

/// Folders that entries are in: one of them is hidden, and one is left out by an ignore file.
const FOLDERS: [&str; 5] = ["", "a", "a/b", ".hidden", "ignored"];

/// An entry: its kind, its folder, and the beginning of its name.
type Entry = (Kind, &'static str, Vec<u8>);

/// Folders of anything, and as many in which nothing keeps a gate from passing.
fn entries() -> impl Strategy<Value = Vec<Entry>> {
    let names = [&b"x"[..], b"x\xFF", b"x\xFE", b"x\\xFF", "Gr\u{fc}\u{df}e".as_bytes(), b".x"].map(<[u8]>::to_vec);
    let harmless: Vec<Kind> = KINDS.into_iter().filter(|kind| kind.is_harmless()).collect();
    let of = |kinds: Vec<Kind>, folders: usize, names: Vec<Vec<u8>>| {
        prop::collection::vec((select(kinds), select(&FOLDERS[..folders]), select(names)), 1..7)
    };
    prop_oneof![of(harmless, 3, names[..5].to_vec()), of(KINDS.to_vec(), FOLDERS.len(), names.to_vec())]
}

/// What a plain walk finds below a folder.
#[derive(Debug, Default, PartialEq)]
struct Walked {
    clips: BTreeSet<String>,
    passed_over: usize,
    may_hold_sound: usize,
}

impl Walked {
    /// Everything below `root`; `obey` leaves out what the ignore file names.
    fn of(root: &Path, obey: bool) -> Self {
        let mut walked = Walked::default();
        let entries = walkdir::WalkDir::new(root).min_depth(1).into_iter().map(|entry| entry.unwrap());
        for entry in entries.filter(|entry| !entry.file_type().is_dir()) {
            let inside = entry.path().strip_prefix(root).unwrap();
            let hidden = inside.iter().any(|part| part.as_bytes().starts_with(b"."));
            let ignored = obey && inside.starts_with("ignored");
            let target = fs::metadata(entry.path());
            let (is_file, is_folder) = target.map_or((false, false), |target| (target.is_file(), target.is_dir()));
            let content = if is_file { fs::read(entry.path()).unwrap() } else { Vec::new() };
            let sounds = [&b"RIFF"[..], b".snd", b"\x1A\x45\xDF\xA3"].iter().any(|start| content.starts_with(start));
            let named = inside.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("wav"));
            let is_clip = !is_folder && (!is_file || sounds || named);
            if is_clip && !hidden && !ignored {
                walked.clips.insert(text_of(entry.path()));
            } else {
                walked.passed_over += 1;
                walked.may_hold_sound += usize::from(sounds || is_folder);
            }
        }
        walked
    }

    /// The same as a result says it.
    #[track_caller]
    fn is_in(&self, passed_over: &Value, what: &str) {
        assert_eq!(passed_over["entries"], self.passed_over, "{what}: {passed_over}");
        assert_eq!(passed_over["may_hold_sound"], self.may_hold_sound, "{what}: {passed_over}");
        let reasons: BTreeMap<String, usize> = serde_json::from_value(passed_over["reasons"].clone()).unwrap();
        assert_eq!(reasons.values().sum::<usize>(), self.passed_over, "{what}: {passed_over}");
        assert_eq!(paths(&passed_over["first"]).len(), self.passed_over, "{what}: fewer than 20 are all listed");
    }
}

/// Makes a folder of these entries; gives the kinds that came to be.
fn make(entries: &[Entry], library: &Path, elsewhere: &Path) -> BTreeSet<Kind> {
    FOLDERS.iter().for_each(|folder| fs::create_dir_all(library.join(folder)).unwrap());
    fs::write(library.join(".ignore"), "ignored/\n").unwrap();
    for (at, (kind, place, name)) in entries.iter().enumerate() {
        // Numbered, so that no two have one name but for the bytes that are not text.
        let name = [OsStr::from_bytes(name), OsStr::new(&at.to_string())].concat();
        let name = if at % 2 == 0 { raw(&entries[at].2).into_os_string() } else { name };
        let taken = fs::read_dir(library.join(place))
            .unwrap()
            .any(|entry| entry.unwrap().file_name().as_bytes().starts_with(name.as_bytes()));
        if !taken {
            kind.make(&library.join(place), &name, at, elsewhere);
        }
    }
    entries.iter().map(|(kind, ..)| *kind).collect()
}

/// Whether `check` passes a folder of these entries, after everything that is said of it was compared.
fn adds_up(entries: &[Entry], store: &Path) -> bool {
    let folder = folder();
    let (library, elsewhere) = (folder.path().join("clips"), folder.path().join("elsewhere"));
    fs::create_dir(&elsewhere).unwrap();
    spoken(&elsewhere.join("real.wav"));
    let kinds = make(entries, &library, &elsewhere);
    let all = Walked::of(&library, false);
    let heard = all.may_hold_sound == 0;
    let clean = heard && !all.clips.is_empty() && kinds.iter().all(|kind| kind.is_harmless());

    let run = check(&library);
    let (report, passed) = (run.json(), run.code == 0);
    let rows: BTreeSet<String> = paths(&report["candidates"]).into_iter().map(String::from).collect();
    let none: BTreeSet<String> = [text_of(&library)].into();
    let expected = if all.clips.is_empty() { &none } else { &all.clips };
    assert_eq!((&rows, rows.len()), (expected, paths(&report["candidates"]).len()), "check");
    all.is_in(&report["passed_over"], "check");
    let scored = report["candidates"].as_array().unwrap().iter().all(|row| row["status"] == "scored");
    assert!(run.code != 0 || scored && heard, "check passed {report}");
    assert!(run.code == 0 || !clean, "check stopped {report}");

    let run = gate(store, &library);
    if run.code == 2 {
        assert!(all.clips.is_empty(), "{}", run.stderr);
    }
    let report = run.json();
    assert_eq!(paths(&report["candidates"]).into_iter().map(String::from).collect::<BTreeSet<_>>(), *expected);
    all.is_in(&report["passed_over"], "protect check");
    let judged = report["candidates"].as_array().unwrap().iter().all(|row| row["status"] == "passed");
    assert!(run.code != 0 || judged && heard, "protect check passed {report}");
    assert!(run.code == 0 || !clean, "protect check stopped {report}");

    let kept = Walked::of(&library, true);
    let output = folder.path().join("voices.lib");
    if kept.clips.is_empty() {
        on(&["index", MFCC, "-o", word(&output)], &library).fails(&["a library without sound files"]);
        return passed;
    }
    let run = on(&["index", MFCC, "--json", "--quiet", "-o", word(&output)], &library);
    let report = run.json();
    assert_eq!((&report["new"], &report["holds"]["rows"]), (&kept.clips.len().into(), &kept.clips.len().into()));
    kept.is_in(&report["passed_over"], "index");
    if report["holds"]["usable"] == 0 {
        return passed;
    }
    let lines = scan(store, &library);
    let (head, voice) = (&lines[0], &lines[1]);
    kept.is_in(&head["passed_over"], "scan");
    assert_eq!(head["holds"], report["holds"]);
    assert_eq!(voice["compared"], head["holds"]["usable"]);
    passed
}

#[test]
fn rows_and_counts_add_up_to_what_a_plain_walk_finds() {
    let folder = folder();
    let store = list(folder.path());
    let config = Config { cases: 12, failure_persistence: None, ..Config::default() };
    let passed = std::cell::Cell::new(0);
    let mut runner = TestRunner::new_with_rng(
        config,
        proptest::test_runner::TestRng::deterministic_rng(proptest::test_runner::RngAlgorithm::ChaCha),
    );
    runner
        .run(&entries(), |entries| {
            passed.set(passed.get() + usize::from(adds_up(&entries, &store)));
            Ok(())
        })
        .unwrap();
    assert!((2..=10).contains(&passed.get()), "{} of 12 passed: a test of one side alone", passed.get());
}

#[test]
fn a_folder_of_each_kind_adds_up() {
    let folder = folder();
    let store = list(folder.path());
    let entries: Vec<Entry> = KINDS.into_iter().map(|kind| (kind, "", b"x\xFF".to_vec())).collect();
    assert!(!adds_up(&entries, &store));
}
