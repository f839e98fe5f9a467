//! Runs that are killed at any moment: what was whole stays whole, and the next run comes to what one that was left
//! alone comes to.
//!
//! Each scene lays out a folder as it is before a command, and has the command run once to its end. Then the folder is
//! laid out again, the command begun and killed after a part of that time, as often as `SOUNDALIKE_KILLS` says; what
//! the kills met is then told on standard error. `SOUNDALIKE_KILLS=calls` has Debian's `strace` kill it before each
//! call by which the program changes something on the disk, one after another.

use super::{ANNA, BERT, CARL, Place, Tree, copy_folder};
use crate::program::{MFCC, run};
use serde_json::Value;
use soundalike::library::index::Index;
use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::os::unix::process::ExitStatusExt;
use std::process::Stdio;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

/// Kills of each scene where nothing else is said.
const KILLS: usize = 4;
/// What a kill may leave beside the files that count; the next run takes it away.
const LEFTOVERS: [(&str, &str); 6] = [
    (".soundalike-", ".part"),
    ("_writing-", ".part"),
    ("part-", ".parquet"),
    ("clips-", ".parquet"),
    ("_index.json", ""),
    ("_lock", ""),
];

/// A command that is killed.
struct Scene<'a> {
    name: &'a str,
    /// Lays out the folder.
    before: &'a dyn Fn(&Place),
    arguments: &'a [&'a str],
    code: i32,
    /// The folders and files that the command writes.
    products: &'a [&'a str],
    /// What was found after a kill, where it is not compared by bytes.
    judge: Option<&'a dyn Fn(&Place) -> State>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum State {
    Old,
    New,
    /// Of several files each is the old or the new one; of an index, rows that are one or the other.
    Partly,
}

/// When a run is killed.
enum Blow {
    /// After this time.
    After(Duration),
    /// Before the nth call of a name.
    Before(&'static str, usize),
}

/// The calls by which something on a disk comes to be another.
const CALLS: [&str; 13] = [
    "write",
    "rename",
    "renameat",
    "renameat2",
    "link",
    "linkat",
    "unlink",
    "unlinkat",
    "mkdir",
    "rmdir",
    "fsync",
    "ftruncate",
    "fchmod",
];
/// So many of one name are looked at in a run.
const MOST_CALLS: usize = 60;

/// What the kills of a scene met.
#[derive(Default)]
struct Met {
    delivered: usize,
    late: usize,
    states: BTreeMap<State, usize>,
    leftovers: BTreeMap<String, usize>,
}

impl Scene<'_> {
    fn is_product(&self, path: &str) -> bool {
        self.products.iter().any(|product| path == *product || path.starts_with(&format!("{product}/")))
    }

    fn play(&self) {
        let kills = std::env::var("SOUNDALIKE_KILLS").ok();
        let origin = Place::new();
        (self.before)(&origin);
        let laid_out = || {
            let place = Place::new();
            copy_folder(origin.folder.path(), &place.at("work"));
            place
        };
        let (before, mut whole) = (origin.files(""), Duration::MAX);
        let mut after = Tree::new();
        for _ in 0..2 {
            let place = laid_out();
            let started = Instant::now();
            self.run(&place);
            whole = whole.min(started.elapsed());
            after = work(&place);
        }
        let mut met = Met::default();
        let mut strike = |blow: &Blow| {
            let place = laid_out();
            if !self.kill(&place, blow) {
                met.late += 1;
                return false;
            }
            met.delivered += 1;
            let found = self.found(&place, &before, &after, &mut met);
            *met.states.entry(found).or_default() += 1;
            self.run(&place);
            self.is_as(&work(&place), &after);
            assert_eq!(self.judge.map_or(State::New, |judge| judge(&place)), State::New, "{}", self.name);
            true
        };
        if kills.as_deref() == Some("calls") {
            for call in CALLS {
                (1..=MOST_CALLS).take_while(|n| strike(&Blow::Before(call, *n))).for_each(drop);
            }
        } else {
            // The same delays every time, but where they hit depends on the machine.
            let (mut state, mut delivered) = (7u64, 0);
            let wanted = kills.as_ref().map_or(KILLS, |kills| kills.parse().unwrap());
            for _ in 0..3 * wanted {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let delay = whole.mul_f64((state >> 11) as f64 / (1u64 << 53) as f64);
                delivered += usize::from(strike(&Blow::After(delay)));
                if delivered == wanted {
                    break;
                }
            }
        }
        assert!(met.delivered > 0, "{}: no kill hit a living process", self.name);
        if kills.is_some() {
            let (name, Met { delivered, late, states, leftovers }) = (self.name, met);
            let line = format!("{name}: {delivered} killed, {late} too late; found {states:?}; left {leftovers:?}\n");
            std::io::stderr().write_all(line.as_bytes()).unwrap();
        }
    }

    fn run(&self, place: &Place) {
        let mut command = place.command(self.arguments);
        command.current_dir(place.at("work")).env("TMPDIR", private(place));
        run(command).exits(self.code);
    }

    /// Kills a run; false where it ended before.
    fn kill(&self, place: &Place, blow: &Blow) -> bool {
        let mut command = place.command(self.arguments);
        if let Blow::Before(call, n) = blow {
            let program = command.get_program().to_owned();
            let inject = format!("inject={call}:signal=KILL:when={n}");
            command = std::process::Command::new("strace");
            command.args(["-f", "-qqq", "-o", "/dev/null", "-e", &inject]).arg(program).args(self.arguments);
        }
        command.current_dir(place.at("work")).env("TMPDIR", private(place)).stdin(Stdio::null());
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        if let Blow::After(delay) = blow {
            std::thread::sleep(*delay);
            child.kill().unwrap();
        }
        let status = child.wait().unwrap();
        assert!(status.signal() == Some(9) || status.code() == Some(self.code), "{}: {status}", self.name);
        status.signal() == Some(9)
    }

    /// What a killed run left: the state, and files that do not count.
    fn found(&self, place: &Place, before: &Tree, after: &Tree, met: &mut Met) -> State {
        let found = work(place);
        for (path, bytes) in &found {
            // What the command does not write, it leaves alone.
            assert!(
                self.is_product(path) || before.get(path) == Some(bytes) || is_leftover(path),
                "{path} was touched"
            );
        }
        for path in found.keys().filter(|path| !before.contains_key(*path) && !after.contains_key(*path)) {
            assert!(is_leftover(path), "{}: {path} was left behind", self.name);
            let name = path.rsplit('/').next().unwrap();
            let kind = LEFTOVERS.iter().find(|(start, _)| name.starts_with(start)).unwrap();
            *met.leftovers.entry(format!("{}*{}", kind.0, kind.1)).or_default() += 1;
        }
        if place.at("private").read_dir().unwrap().next().is_some() {
            *met.leftovers.entry("in the temporary folder".into()).or_default() += 1;
        }
        if let Some(judge) = self.judge {
            return judge(place);
        }
        let mut states = Vec::new();
        for path in before.keys().chain(after.keys()).filter(|path| self.is_product(path)) {
            let [old, new, now] = [before, after, &found].map(|tree| tree.get(path));
            assert!(now == old || now == new, "{}: {path} is neither the old one nor the new one", self.name);
            if old != new {
                states.push(if now == old { State::Old } else { State::New });
            }
        }
        match (states.contains(&State::Old), states.contains(&State::New)) {
            (true, true) => State::Partly,
            (false, true) => State::New,
            _ => State::Old,
        }
    }

    /// The next run comes to the same files, and leaves no others.
    fn is_as(&self, found: &Tree, after: &Tree) {
        assert_eq!(found.keys().collect::<Vec<_>>(), after.keys().collect::<Vec<_>>(), "{}", self.name);
        // A log tells the time, and no signature is like another.
        let fixed = |path: &str| !path.ends_with(".log") && !path.ends_with(".minisig");
        for (path, bytes) in found.iter().filter(|(path, _)| fixed(path)) {
            assert!(after.get(path) == Some(bytes), "{}: {path} is not as without a kill", self.name);
        }
    }
}

/// The place of temporary files that are nobody's business.
fn private(place: &Place) -> std::path::PathBuf {
    let private = place.at("private");
    fs::create_dir_all(&private).unwrap();
    private
}

fn work(place: &Place) -> Tree {
    let files = place.files("work").into_iter();
    files.map(|(path, bytes)| (path.strip_prefix("work/").unwrap().to_string(), bytes)).collect()
}

fn is_leftover(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap();
    LEFTOVERS.iter().any(|(start, end)| name.starts_with(start) && name.ends_with(end))
}

/// An index after a kill: whole by its own account, with rows that are those of before or of after, and none lost.
fn judged_index(before: &dyn Fn(&Place), after: &dyn Fn(&Place)) -> impl Fn(&Place) -> State {
    let [old, new] = [before, after].map(|lay_out| {
        let place = Place::new();
        lay_out(&place);
        rows(&place, "voices.lib")
    });
    move |place| {
        if place.at("work/voices.lib/_index.json").exists() {
            let mut check = place.command(&["index", "--check", "-o", "work/voices.lib"]);
            check.current_dir(place.folder.path());
            run(check).exits(0);
        }
        let found = rows(place, "work/voices.lib");
        if found == old || found == new {
            return if found == new { State::New } else { State::Old };
        }
        for (path, row) in &found {
            let known = [&old, &new].iter().any(|rows| rows.get(path).is_some_and(|other| same(row, other)));
            assert!(known, "a row that is neither old nor new: {row}");
        }
        for (path, row) in old.iter().filter(|(path, row)| new.get(*path) == Some(row)) {
            assert_eq!(found.get(path), Some(row), "a row was lost");
        }
        State::Partly
    }
}

/// The same content; that its file is gone may be known of one only.
fn same(a: &str, b: &str) -> bool {
    let plain = |row: &str| row.replace("Vanished", "Usable");
    plain(a) == plain(b)
}

/// Rows by path, without the dates of their files: each folder has its own.
fn rows(place: &Place, index: &str) -> BTreeMap<String, String> {
    let path = place.at(index);
    if !path.join("_index.json").exists() {
        return BTreeMap::new();
    }
    let index = Index::open(&path, &soundalike::encryption::Keys::none(), 1).unwrap();
    let rows = index.manifest().segments.iter().flat_map(|segment| index.rows(segment).unwrap().into_owned());
    let rows = rows.map(|row| soundalike::library::index::IndexRow { mtime_ns: 0, ..row });
    rows.map(|row| (row.path.clone(), format!("{row:?}"))).collect()
}

const CLIPS: usize = 24;
const INDEX: [&str; 5] = ["index", MFCC, "lib", "-o", "voices.lib"];

fn indexed(place: &Place) {
    place.library(CLIPS);
    place.run(&INDEX, 0);
}

/// New, changed, moved and removed clips.
fn changed(place: &Place) {
    indexed(place);
    for n in 0..6 {
        place.clip(CARL, n, &format!("lib/carl/{n:02}.wav"));
    }
    place.clip(CARL, 9, "lib/anna/02.wav");
    fs::rename(place.at("lib/bert/03.wav"), place.at("lib/anna/03.wav")).unwrap();
    fs::remove_file(place.at("lib/bert/05.wav")).unwrap();
}

#[test]
fn a_first_index_is_not_there_or_whole() {
    let before = |place: &Place| place.library(CLIPS);
    let judge = judged_index(&before, &indexed);
    let products = &["voices.lib"];
    Scene { name: "index, first", before: &before, arguments: &INDEX, code: 0, products, judge: Some(&judge) }.play();
}

#[test]
fn an_index_that_is_brought_up_to_date_loses_no_row() {
    let after = |place: &Place| {
        changed(place);
        place.run(&INDEX, 0);
    };
    let judge = judged_index(&changed, &after);
    let products = &["voices.lib"];
    Scene { name: "index, again", before: &changed, arguments: &INDEX, code: 0, products, judge: Some(&judge) }.play();
}

#[test]
fn an_index_that_is_made_anew_is_the_old_one_until_it_is_the_new_one() {
    let before = |place: &Place| {
        place.library(CLIPS);
        place.run(&["index", "--encoder=mfcc_lda", "lib", "-o", "voices.lib"], 0);
        place.clip(CARL, 9, "lib/anna/02.wav");
    };
    let arguments = [&INDEX[..], &["--rebuild"]].concat();
    let after = |place: &Place| {
        before(place);
        place.run(&arguments, 0);
    };
    let whole = judged_index(&before, &after);
    let judge = |place: &Place| {
        let state = whole(place);
        assert_ne!(state, State::Partly, "settings are not mixed");
        state
    };
    let products = &["voices.lib"];
    let arguments = &arguments[..];
    Scene { name: "index --rebuild", before: &before, arguments, code: 0, products, judge: Some(&judge) }.play();
}

#[test]
fn a_protected_voice_is_the_old_one_or_the_new_one_or_gone() {
    let before = |place: &Place| {
        place.library(6);
        for voice in ["anna", "bert"] {
            place.run(&["protect", "add", voice, MFCC, &format!("lib/{voice}")], 0);
        }
    };
    let products = &["protected"];
    for (name, arguments) in [
        ("protect add --replace", &["protect", "add", "anna", "--replace", MFCC, "lib/bert"][..]),
        ("protect add", &["protect", "add", "carl", "--replace", MFCC, "lib/bert"][..]),
    ] {
        Scene { name, before: &before, arguments, code: 0, products, judge: None }.play();
    }
    // What is removed cannot be removed again.
    let judge = |place: &Place| {
        let anna = place.at("work/protected/anna.model");
        let state = if anna.exists() { State::Old } else { State::New };
        assert!(place.at("work/protected/bert.model").exists());
        if state == State::New {
            fs::copy(place.at("work/protected/bert.model"), anna).unwrap();
        }
        state
    };
    let arguments = &["protect", "remove", "anna"];
    Scene { name: "protect remove", before: &before, arguments, code: 0, products, judge: Some(&judge) }.play();
}

#[test]
fn a_voice_model_a_population_and_a_list_of_hits_are_old_or_new() {
    let before = |place: &Place| {
        indexed(place);
        place.run(&["enrol", MFCC, "lib/anna", "-o", "anna.model"], 0);
        place.clip(CARL, 1, "lib/carl/01.wav");
        place.run(&["cohort", MFCC, "lib", "--source", "two", "-o", "mine.cohort"], 0);
        place.clip(CARL, 2, "lib/dora/01.wav");
        let scan = ["scan", "--reference", "lib/bert", "voices.lib", "--format", "csv", "-o", "hits.csv"];
        place.run(&scan, 0);
    };
    let enrol = &["enrol", MFCC, "lib/bert", "-o", "anna.model"][..];
    let cohort = &["cohort", MFCC, "lib", "--source", "three", "-o", "mine.cohort"][..];
    let scan = &["scan", "--reference", "lib/anna", "voices.lib", "--format", "csv", "-o", "hits.csv"][..];
    for (name, arguments, product) in
        [("enrol", enrol, "anna.model"), ("cohort", cohort, "mine.cohort"), ("scan -o", scan, "hits.csv")]
    {
        Scene { name, before: &before, arguments, code: 0, products: &[product, "voices.lib"], judge: None }.play();
    }
}

/// A public and a secret key; a bundle states the key that it is signed with, so the same in every place.
static KEYS: LazyLock<(String, String)> = LazyLock::new(|| soundalike::evidence::signature::key_pair(None).unwrap());

/// A case of which there is a report, another result and another bundle.
fn case(place: &Place) {
    place.clip(ANNA, 0, "ref/01.wav");
    place.clip(ANNA, 9, "ref/02.wav");
    place.clip(ANNA, 20, "take.wav");
    place.clip(BERT, 1, "other.wav");
    let check = ["check", "-q", MFCC, "--reference", "ref"];
    let reports = ["--report", "report.html", "--report", "report.json"];
    place.run(&[&check[..], &["other.wav"], &reports].concat(), 0);
    let (public, secret) = &*KEYS;
    fs::write(place.at("us.pub"), public).unwrap();
    fs::write(place.at("us.key"), secret).unwrap();
    place.run(&["bundle", "report.json", "-o", "case.zip", "--sign", "us.key"], 0);
    let result = place.run(&[&check[..], &["--json", "take.wav"]].concat(), 0).stdout;
    fs::write(place.at("result.json"), result).unwrap();
}

#[test]
fn a_report_is_the_old_one_or_the_new_one() {
    let products = &["report.html", "report.json"];
    let check = [&["check", "-q", MFCC, "--reference", "ref", "take.wav"][..], &REPORTS].concat();
    let report = &["report", "-q", "result.json", "-o", "report.html", "-o", "report.json"][..];
    for (name, arguments) in [("check --report", &check[..]), ("report", report)] {
        Scene { name, before: &case, arguments, code: 0, products, judge: None }.play();
    }
}

#[test]
fn a_bundle_is_the_old_one_or_the_new_one_and_so_is_its_signature() {
    let arguments = &["bundle", "-q", "result.json", "-o", "case.zip", "--sign", "us.key"];
    let known = Place::new();
    case(&known);
    let old = fs::read(known.at("case.zip")).unwrap();
    known.run(arguments, 0);
    let new = fs::read(known.at("case.zip")).unwrap();
    let judge = |place: &Place| {
        let bundle = fs::read(place.at("work/case.zip")).unwrap();
        let mut verify = place.command(&["verify", "case.zip", "--public-key", "us.pub"]);
        verify.current_dir(place.at("work"));
        match run(verify).code {
            0 if bundle == old => State::Old,
            0 if bundle == new => State::New,
            // Killed between the two names: it is found out.
            1 if bundle == new => State::Partly,
            code => panic!("exit code {code}"),
        }
    };
    let products = &["case.zip", "case.zip.minisig"];
    Scene { name: "bundle --sign", before: &case, arguments, code: 0, products, judge: Some(&judge) }.play();
}

const REPORTS: [&str; 4] = ["--report", "report.html", "--report", "report.json"];

#[test]
fn a_log_has_the_line_of_a_killed_run_or_has_it_not() {
    let before = |place: &Place| {
        place.clip(ANNA, 0, "take.wav");
        for _ in 0..2 {
            place.run(&["inspect", "take.wav", "--audit", "case.log"], 0);
        }
    };
    let judge = |place: &Place| {
        let mut verify = place.command(&["verify", "--json", "--audit", "work/case.log"]);
        verify.current_dir(place.folder.path());
        let outcome: Value = run(verify).exits(0).json();
        match outcome["audit"]["lines"].as_u64() {
            Some(2) => State::Old,
            Some(3 | 4) => State::New,
            lines => panic!("{lines:?} lines"),
        }
    };
    let arguments = &["inspect", "take.wav", "--audit", "case.log"];
    let products = &["case.log"];
    Scene { name: "--audit", before: &before, arguments, code: 0, products, judge: Some(&judge) }.play();
}
