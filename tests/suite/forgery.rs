//! Forged bundles and reports: each is a small change to a real one, made by somebody who also corrects every hash and
//! manifest, so that only the comparison with what the data give can find it.

use crate::program::{CANDIDATE, MFCC, REFERENCE, Run, assert_fits_schema, copy, folder, run};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

/// A bundle as a forger holds it: what is below `data/`, and the texts beside it.
#[derive(Clone)]
struct Bundle {
    files: BTreeMap<String, Vec<u8>>,
    tags: BTreeMap<String, String>,
    folders: Vec<String>,
}

/// A bundle of two candidates of a folder, with a gate; and the same of a case with the first candidate alone.
static REAL: LazyLock<Bundle> = LazyLock::new(|| Bundle::made(&["a.wav", "b.wav"], "mfcc=0.9", &[]));
static OF_ONE: LazyLock<Bundle> = LazyLock::new(|| Bundle::made(&["a.wav"], "mfcc=0.9", &[]));

/// The result in a report, as text.
#[derive(Deserialize)]
struct Report {
    result: Box<RawValue>,
}

fn program(folder: &Path, arguments: &[&str]) -> Run {
    let mut command = Command::new(env!("CARGO_BIN_EXE_soundalike"));
    command.current_dir(folder).args(arguments);
    run(command)
}

/// Makes the case in a folder: reference, candidates, report.
fn make_case(folder: &Path, candidates: &[&str], gate: &str) {
    fs::create_dir(folder.join("anna")).unwrap();
    fs::create_dir(folder.join("takes")).unwrap();
    for clip in ["01.wav", "02.wav"] {
        copy(&format!("{REFERENCE}/{clip}"), &folder.join("anna").join(clip));
    }
    for (name, fixture) in [("a.wav", CANDIDATE), ("b.wav", "voices/rms/tts/01.wav")] {
        if candidates.contains(&name) {
            copy(fixture, &folder.join("takes").join(name));
        }
    }
    let check = ["check", "-q", MFCC, "--reference", "anna", "takes", "--case-number", "1/26", "--client", "A. Client"];
    program(folder, &[&check[..], &["--fail-above", gate, "--report", "report.json"]].concat()).exits(1);
}

impl Bundle {
    fn made(candidates: &[&str], gate: &str, more: &[&str]) -> Self {
        let folder = folder();
        make_case(folder.path(), candidates, gate);
        let bundle = ["bundle", "report.json", "-o", "case.zip", "--date", "2026-01-02"];
        program(folder.path(), &[&bundle[..], more].concat()).exits(0);
        Self::read(&folder.path().join("case.zip"))
    }

    fn read(path: &Path) -> Self {
        let mut archive = zip::ZipArchive::new(fs::File::open(path).unwrap()).unwrap();
        let mut bundle = Bundle { files: BTreeMap::new(), tags: BTreeMap::new(), folders: Vec::new() };
        for i in 0..archive.len() {
            let mut entry = archive.by_index(i).unwrap();
            let name = entry.name().unwrap().strip_prefix("case/").unwrap().to_string();
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).unwrap();
            match name.strip_prefix("data/") {
                Some(name) => drop(bundle.files.insert(name.into(), bytes)),
                None => drop(bundle.tags.insert(name, String::from_utf8(bytes).unwrap())),
            }
        }
        bundle
    }

    fn text(&self, file: &str) -> String {
        String::from_utf8(self.files[file].clone()).unwrap()
    }

    /// Replaces the first `from` in a file.
    #[track_caller]
    fn edit(&mut self, file: &str, from: &str, to: &str) -> &mut Self {
        let text = self.text(file);
        assert!(text.contains(from), "no {from:?} in {file}");
        self.files.insert(file.into(), text.replacen(from, to, 1).into_bytes());
        self
    }

    /// Replaces every `from` in a file, which may hold none.
    fn edit_all(&mut self, file: &str, from: &str, to: &str) -> &mut Self {
        let text = self.text(file).replace(from, to);
        self.files.insert(file.into(), text.into_bytes());
        self
    }

    /// Replaces the first `from` in the result, wherever the bundle holds it, and corrects its hash everywhere.
    #[track_caller]
    fn edit_result(&mut self, from: &str, to: &str) -> &mut Self {
        let hash = |text: &str| sum(format!("{text}\n").as_bytes());
        let old = serde_json::from_str::<Report>(&self.text("report.json")).unwrap().result.get().to_string();
        assert!(old.contains(from), "no {from:?} in the result");
        let new = old.replacen(from, to, 1);
        self.edit("report.json", &old, &new).edit("result.json", &old, &new);
        let (old, new) = (hash(&old), hash(&new));
        self.edit("report.json", &old, &new).edit_all("report.html", &old, &new);
        self.edit_all("report.html", &old[..16], &new[..16])
    }

    /// Replaces the first `from` in a text beside the files.
    #[track_caller]
    fn edit_tag(&mut self, name: &str, from: &str, to: &str) -> &mut Self {
        let text = self.tags.get_mut(name).unwrap();
        assert!(text.contains(from), "no {from:?} in {name}");
        *text = text.replacen(from, to, 1);
        self
    }

    fn add(&mut self, file: &str, bytes: &[u8]) -> &mut Self {
        self.files.insert(file.into(), bytes.into());
        self
    }

    /// Writes it with manifests and sizes that fit.
    fn write(&self, path: &Path) {
        let mut tags = self.tags.clone();
        let bytes: usize = self.files.values().map(Vec::len).sum();
        let oxum = format!("Payload-Oxum: {bytes}.{}", self.files.len());
        let info: Vec<&str> = tags["bag-info.txt"].lines().collect();
        let info = info.iter().map(|line| if line.starts_with("Payload-Oxum") { oxum.as_str() } else { line });
        let info = info.map(|line| format!("{line}\n")).collect();
        tags.insert("bag-info.txt".into(), info);
        let lines = self.files.iter().map(|(name, bytes)| format!("{}  data/{name}\n", sum(bytes)));
        tags.insert("manifest-sha256.txt".into(), lines.collect());
        tags.remove("tagmanifest-sha256.txt");
        // In the order in which the program writes them, with others at the end.
        let known = ["bagit.txt", "bag-info.txt", "manifest-sha256.txt"];
        let others = tags.keys().map(String::as_str).filter(|name| !known.contains(name));
        let lines = known.into_iter().chain(others).map(|name| format!("{}  {name}\n", sum(tags[name].as_bytes())));
        let lines: String = lines.collect();
        tags.insert("tagmanifest-sha256.txt".into(), lines);
        let mut zip = zip::ZipWriter::new(fs::File::create(path).unwrap());
        let options = zip::write::SimpleFileOptions::default;
        for name in &self.folders {
            zip.add_directory(format!("case/{name}"), options()).unwrap();
        }
        let tags = tags.iter().map(|(name, text)| (name.clone(), text.as_bytes()));
        for (name, bytes) in tags.chain(self.files.iter().map(|(name, bytes)| (format!("data/{name}"), &bytes[..]))) {
            zip.start_file(format!("case/{name}"), options()).unwrap();
            zip.write_all(bytes).unwrap();
        }
        zip.finish().unwrap();
    }

    /// What `verify --json` says of it, with its exit code.
    #[track_caller]
    fn verify(&self, more: &[&str], code: i32) -> Value {
        let folder = folder();
        self.write(&folder.path().join("case.zip"));
        verified(folder.path(), "case.zip", more, code)
    }

    /// Asserts that the place differs.
    #[track_caller]
    fn differs_at(&self, place: &str, more: &[&str]) {
        let outcome = self.verify(more, 1);
        assert_eq!(outcome["bundle"]["intact"], true, "the forger corrects every hash: {outcome}");
        assert!(places(&outcome).contains(&place.into()), "{place}: {:#}", outcome["case"]);
        // Nobody can ask for it to be passed over.
        if !more.contains(&ALLOW) {
            self.verify(&[more, &[ALLOW]].concat(), 1);
        }
    }

    /// Asserts that everything else is the same and just these are not covered, which can be allowed.
    #[track_caller]
    fn is_not_covered(&self, what: &[&str]) {
        let outcome = self.verify(&[], 1);
        assert_eq!(uncovered(&outcome), what, "{:#}", outcome["case"]);
        assert_eq!(outcome["case"]["same"], true, "{:#}", outcome["case"]);
        assert_eq!(uncovered(&self.verify(&[ALLOW], 0)), what);
    }
}

const ALLOW: &str = "--allow-uncovered";
const OTHER: &str = "--other-platform";

fn sum(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[track_caller]
fn verified(folder: &Path, what: &str, more: &[&str], code: i32) -> Value {
    let outcome = program(folder, &[&["verify", "--json", what], more].concat()).exits(code).json();
    assert_fits_schema("verify", &outcome);
    assert_eq!(outcome["passed"], code == 0);
    outcome
}

fn strings(items: &Value, name: &str) -> Vec<String> {
    items.as_array().unwrap().iter().map(|item| item[name].as_str().unwrap().into()).collect()
}

fn places(outcome: &Value) -> Vec<String> {
    strings(&outcome["case"]["differences"], "place")
}

fn uncovered(outcome: &Value) -> Vec<String> {
    strings(&outcome["coverage"]["not_covered"], "what")
}

/// The value of a statement; none where it is not stated.
fn stated(outcome: &Value, what: &str) -> Option<Value> {
    let stated = outcome["coverage"]["stated"].as_array().unwrap();
    stated.iter().find(|item| item["what"] == what).map(|item| item["value"].clone())
}

/// Another instruction set than any that tests run on.
fn claim_another_platform(bundle: &mut Bundle) {
    let report: Value = serde_json::from_str(&bundle.text("report.json")).unwrap();
    let here = report["result"]["settings"]["instruction_set"].as_str().unwrap();
    bundle.edit_result(here, "x86_64 sse2, other");
    bundle.edit_all("report.html", here, "x86_64 sse2, other");
    bundle.edit("fingerprints.json", here, "x86_64 sse2, other");
}

#[test]
fn every_file_of_a_real_bundle_is_in_one_list() {
    let outcome = REAL.verify(&[], 0);
    let verified = strings(&outcome["coverage"]["verified"], "what");
    for name in REAL.files.keys().chain(REAL.tags.keys()) {
        assert_eq!(verified.iter().filter(|what| *what == name).count(), 1, "{name}: {verified:?}");
    }
    assert_eq!(uncovered(&outcome), [] as [String; 0]);
    let gates = stated(&outcome, "result.request.gates").unwrap();
    assert_eq!(gates, json!(["mfcc=0.9"]));
    assert_eq!(stated(&outcome, "case").unwrap()["client"], "A. Client");
    assert_eq!(stated(&outcome, "date of the bundle").unwrap(), "2026-01-02");
    let folder = folder();
    REAL.write(&folder.path().join("case.zip"));
    let text = program(folder.path(), &["verify", "case.zip"]).exits(0).stdout;
    for words in [
        "verified         written again from the data, equal byte for byte: README.txt",
        "report.html",
        "taken as stated  case",
    ] {
        assert!(text.contains(words), "no {words:?} in {text}");
    }
    assert!(!text.contains("NOT COVERED"), "{text}");
}

/// Whatever a report can hold is written again from its data: all encoders, both bands, refusals, raw scores, a voice
/// model, normalised scores, a posterior.
#[test]
fn a_bundle_of_everything_is_written_again_from_its_data() {
    let folder = folder();
    make_case(folder.path(), &["a.wav", "b.wav"], "mfcc=0.9");
    crate::program::write_narrow("voices/rms/tts/01.wav", &folder.path().join("takes/narrow.wav"));
    copy("malformed/bits-13.wav", &folder.path().join("broken.wav"));
    copy("voices/nsh/real/03.wav", &folder.path().join("03.wav"));
    program(folder.path(), &["enrol", "03.wav", "-o", "03.model"]).exits(0);
    let check = ["check", "-q", "--reference", "anna", "--reference", "03.model", "takes", "broken.wav", "gone.wav"];
    let options = ["--prior", "0.1", "--as-norm", "--force", "--language", "de", "--fail-above", "log10_lr=1"];
    program(folder.path(), &[&check[..], &options, &["--report", "report.json"]].concat()).exits(1);
    program(folder.path(), &["bundle", "report.json", "-o", "case.zip"]).exits(0);
    let outcome = verified(folder.path(), "case.zip", &[], 0);
    for what in ["that gone.wav could not be read", "content of 03.model"] {
        assert!(stated(&outcome, what).is_some(), "{what}: {outcome}");
    }
    // From the result alone it is the same bundle, but for what is known of the case.
    let result = serde_json::from_str::<Report>(&fs::read_to_string(folder.path().join("report.json")).unwrap());
    fs::write(folder.path().join("result.json"), result.unwrap().result.get()).unwrap();
    program(folder.path(), &["bundle", "result.json", "-o", "again/case.zip"]).exits(2);
    fs::create_dir(folder.path().join("again")).unwrap();
    program(folder.path(), &["bundle", "result.json", "-o", "again/case.zip"]).exits(0);
    let read = |name: &str| fs::read(folder.path().join(name)).unwrap();
    assert!(read("case.zip") == read("again/case.zip"));
}

#[test]
fn a_changed_page_is_found_whatever_the_bundle_says_of_it() {
    // A sentence, a figure.
    let mut sentence = REAL.clone();
    sentence.edit("report.html", "closer", "nearer").differs_at("report.html", &[]);
    let mut figure = REAL.clone();
    let report: Value = serde_json::from_str(&figure.text("report.json")).unwrap();
    let cosine = report["result"]["candidates"][0]["scores"]["mfcc"]["cosine"].as_f64().unwrap();
    figure.edit("report.html", &format!("{cosine:.3}"), "0.123").differs_at("report.html", &[]);
    // Named as a file of the case.
    let mut listed = sentence.clone();
    listed.edit("places.json", "\"files\": {", "\"files\": {\n    \"anna/0.wav\": \"report.html\",");
    listed.differs_at("report.html", &[]);
    listed.differs_at("places.json", &[]);
    // Under the name of a recording.
    let mut swapped = sentence.clone();
    swapped.edit("places.json", "files/takes/b.wav", "report.html").differs_at("report.html", &[]);
    // Of another platform, with the tolerance and without.
    let mut elsewhere = sentence.clone();
    claim_another_platform(&mut elsewhere);
    elsewhere.differs_at("result.settings.instruction_set", &[]);
    elsewhere.differs_at("report.html", &[OTHER]);
    // Pictures of another platform may differ in their last digits: they are not covered then, and the words are.
    let mut picture = REAL.clone();
    claim_another_platform(&mut picture);
    picture.edit("report.html", "</svg>", "<text>It is her voice.</text></svg>");
    let outcome = picture.verify(&[OTHER], 1);
    assert_eq!(uncovered(&outcome), ["report.html, its pictures and excerpts"]);
    picture.verify(&[OTHER, ALLOW], 0);
    // Left out.
    let mut without = REAL.clone();
    without.files.remove("report.html");
    without.differs_at("report.html", &[]);
}

/// The version in the result of a bundle, and another.
fn of_another_version(bundle: &Bundle) -> Bundle {
    let (mut bundle, here) = (bundle.clone(), soundalike::VERSION);
    bundle.edit_result(&format!("\"version\": \"{here}\""), "\"version\": \"0.0.9\"");
    bundle
}

#[test]
fn of_a_bundle_of_another_version_the_recordings_are_compared_and_no_text_is() {
    let mut bundle = of_another_version(&REAL);
    bundle.edit("report.html", "closer", "nearer").edit("bundle.json", "{", "{\"of_that_version\": 1,");
    let outcome = bundle.verify(&[], 3);
    assert_eq!((&outcome["bundle"]["intact"], &outcome["other_version"]["files"]), (&json!(true), &json!(4)));
    assert_eq!((&outcome["undecided"], &outcome["bundle"]["absent"]), (&json!(true), &json!([])));
    assert_eq!(outcome["other_version"]["made_by"]["version"], "0.0.9");
    // A recording that is another, with every hash of the bundle corrected.
    let mut other = bundle.clone();
    other.add("files/takes/a.wav", b"RIFF");
    let outcome = other.verify(&[], 1);
    assert_eq!(outcome["other_version"]["differences"][0]["place"], "takes/a.wav");
    // One that states a signature needs it, and one that is not what its manifest states is told so.
    let mut signed = bundle.clone();
    signed.edit("bundle.json", "\"signed_by\": null", "\"signed_by\": \"0123456789ABCDEF\"");
    assert_eq!(signed.verify(&[], 1)["bundle"]["signature"]["valid"], false);
}

#[test]
fn a_bundle_of_another_platform_passes_only_where_that_is_asked_for() {
    let mut elsewhere = REAL.clone();
    claim_another_platform(&mut elsewhere);
    let outcome = elsewhere.verify(&[], 1);
    assert_eq!(places(&outcome), ["result.settings.instruction_set"]);
    assert!(outcome["case"]["remarks"].to_string().contains("--other-platform"), "{outcome}");
    let outcome = elsewhere.verify(&[OTHER], 0);
    assert_eq!(outcome["case"]["tolerance"], json!(0.001));
    assert_eq!(stated(&outcome, "result.settings.instruction_set").unwrap(), "x86_64 sse2, other");
    // A last digit is within the tolerance; the page is compared with one of the document's figures.
    let report: Value = serde_json::from_str(&elsewhere.text("report.json")).unwrap();
    let cosine = &report["result"]["candidates"][0]["scores"]["mfcc"]["best"];
    let shifted = json!(cosine.as_f64().unwrap() + 1e-9).to_string();
    elsewhere.edit_result(&format!("\"best\": {cosine}"), &format!("\"best\": {shifted}"));
    let outcome = elsewhere.verify(&[OTHER], 0);
    assert_eq!(uncovered(&outcome), [] as [String; 0]);
    elsewhere.verify(&[], 1);
    // The option changes nothing for a document of this platform.
    assert_eq!(REAL.verify(&[OTHER], 0)["case"]["identical"], true);
}

#[test]
fn changed_texts_are_found() {
    let change = |file: &str, from: &str, to: &str| {
        let mut bundle = REAL.clone();
        bundle.edit(file, from, to).differs_at(file, &[]);
    };
    change("README.txt", "was not signed", "was signed");
    change("fingerprints.json", "mfcc", "mfc");
    change("result.json", "0.1.0", "0.1.1");
    change("places.json", "files/takes/b.wav", "files/takes/a.wav");
    change("bundle.json", "\n", "\n\n");
    // The description of the bag, with the manifest of the texts corrected.
    let describe = |from: &str, to: &str| {
        let mut bundle = REAL.clone();
        bundle.edit_tag("bag-info.txt", from, to).differs_at("bag-info.txt", &[]);
    };
    describe("External-Description: ", "Contact-Name: The Court\nExternal-Description: ");
    describe("Evidence bundle of a", "Certified bundle of a");
    describe("External-Identifier: 1/26", "External-Identifier: 2/26");
    describe("Bagging-Date: 2026-01-02", "Bagging-Date: 2025-01-02");
    describe("soundalike 0.1.0", "soundalike 9.9.9");
    let mut ends = REAL.clone();
    ends.edit_tag("bagit.txt", "\n", "\r\n").differs_at("bagit.txt", &[]);
}

#[test]
fn what_is_added_to_a_bundle_is_not_covered() {
    let mut more = REAL.clone();
    more.add("opinion.txt", b"It is her voice.\n").is_not_covered(&["opinion.txt"]);
    let mut recording = REAL.clone();
    let clip = recording.files["files/takes/a.wav"].clone();
    recording.add("files/takes/c.wav", &clip).is_not_covered(&["files/takes/c.wav"]);
    let mut tag = REAL.clone();
    tag.tags.insert("opinion.txt".into(), "It is her voice.\n".into());
    tag.is_not_covered(&["opinion.txt"]);
    let mut empty = REAL.clone();
    empty.folders.push("data/It is her voice".into());
    empty.is_not_covered(&["data/It is her voice/"]);
    // Listed as a file of the case, it is no more one of them.
    more.edit("places.json", "\"files\": {", "\"files\": {\n    \"opinion.txt\": \"opinion.txt\",");
    more.differs_at("places.json", &[]);
    assert_eq!(uncovered(&more.verify(&[], 1)), ["opinion.txt"]);
}

#[test]
fn names_that_no_report_has_are_not_covered_at_any_depth() {
    let in_result = [
        ("\"cosine\": ", "result.candidates[0].scores.mfcc.note"),
        ("\"gate\": {", "result.gate.note"),
        ("\"reference\": {", "result.reference.note"),
        ("\"request\": {", "result.request.note"),
        ("\"settings\": {", "result.settings.note"),
    ];
    for value in ["null", "\"It is her voice.\""] {
        let mut bundle = REAL.clone();
        for (at, _) in in_result {
            let note = format!("\"note\": {value}, ");
            let to = if at.ends_with('{') { format!("{at}{note}") } else { format!("{note}{at}") };
            bundle.edit_result(at, &to);
        }
        bundle.is_not_covered(&in_result.map(|(_, place)| place));
    }
    // Beside the result they are in the form of the report as well.
    let beside = [("{", "note"), ("\"case\": {", "case.note"), ("\"findings\": {", "findings.note")];
    let mut bundle = REAL.clone();
    for (at, _) in beside {
        bundle.edit("report.json", at, &format!("{at}\"note\": null, "));
    }
    bundle.is_not_covered(&["case.note", "note", "findings.note", "report.json"]);
    let mut settings = REAL.clone();
    settings.edit("bundle.json", "{", "{\"note\": null,");
    assert_eq!(settings.verify(&[], 1)["bundle"]["intact"], false);
    // The same values in another form.
    let mut form = REAL.clone();
    form.edit("report.json", "\"version\": 1", "\"version\":    1").is_not_covered(&["report.json"]);
}

#[test]
fn a_gate_cannot_be_removed_or_loosened() {
    let report: Value = serde_json::from_str(&REAL.text("report.json")).unwrap();
    assert_eq!(report["result"]["gate"]["passed"], false);
    let gate = |bundle: &Bundle| {
        #[derive(Deserialize)]
        struct Gate {
            gate: Box<RawValue>,
        }
        serde_json::from_str::<Gate>(&bundle.text("result.json")).unwrap().gate.get().to_string()
    };
    let mut removed = REAL.clone();
    let all = gate(&removed);
    removed.edit_result(&all, "null").differs_at("result.gate", &[]);
    let mut passed = REAL.clone();
    let won = all.replacen("\"passed\": false", "\"passed\": true", 1);
    passed.edit_result(&all, &won).differs_at("result.gate.passed", &[]);
    let mut raised = REAL.clone();
    let higher = won.replacen("\"limit\": 0.9", "\"limit\": 0.999", 1);
    raised.edit_result(&all, &higher).differs_at("result.gate.limits[0].limit", &[]);
    // In the request as well, it is a case with another limit: the figures of the gate follow, and the limit is stated.
    let mut everywhere = REAL.clone();
    everywhere.edit_result("\"limit\": 0.9", "\"limit\": 0.91");
    let all = gate(&everywhere);
    everywhere.edit_result(&all, &all.replacen("0.9", "0.91", 1));
    let outcome = everywhere.verify(&[], 1);
    assert_eq!(stated(&outcome, "result.request.gates").unwrap(), json!(["mfcc=0.91"]));
    // Without a gate in the request, or without the field.
    let request = serde_json::from_str::<Value>(&REAL.text("result.json")).unwrap()["request"]["gates"].clone();
    assert_eq!(request[0]["limit"], 0.9, "{request}");
    let mut none = REAL.clone();
    none.edit_result("\"gates\": [", "\"gate\": [").differs_at("result.request.gates", &[]);
}

#[test]
fn a_dropped_candidate_is_found_where_its_recording_is_left() {
    // The most consistent forgery there is: the bundle of a check without the candidate.
    let outcome = OF_ONE.verify(&[], 0);
    assert_eq!(stated(&outcome, "result.request.candidates").unwrap(), json!(["takes"]));
    assert!(stated(&outcome, "that takes held no other recordings").is_some(), "{outcome}");
    let mut left = OF_ONE.clone();
    let clip = &REAL.files["files/takes/b.wav"];
    left.add("files/takes/b.wav", clip).is_not_covered(&["files/takes/b.wav"]);
    // From the rows alone, with its recording or without.
    #[derive(Deserialize)]
    struct Rows {
        candidates: Vec<Box<RawValue>>,
    }
    let mut dropped = REAL.clone();
    let rows = serde_json::from_str::<Rows>(&dropped.text("result.json")).unwrap().candidates;
    let text = dropped.text("result.json");
    let (start, end) = (text.find(rows[0].get()).unwrap(), text.find(rows[1].get()).unwrap() + rows[1].get().len());
    let both = text[start..end].to_string();
    dropped.edit_result(&both, rows[0].get()).verify(&[], 1);
    dropped.files.remove("files/takes/b.wav");
    dropped.verify(&[], 1);
    // And a report beside its folders: those still stand for the recordings.
    let folder = folder();
    make_case(folder.path(), &["a.wav"], "mfcc=0.9");
    let outcome = verified(folder.path(), "report.json", &[], 0);
    let listed = outcome["coverage"]["verified"].as_array().unwrap().iter().filter(|item| item["how"] == "listed");
    assert_eq!(listed.map(|item| item["what"].as_str().unwrap()).collect::<Vec<_>>(), ["anna", "takes"]);
    for name in ["takes/b.wav", "anna/03.wav"] {
        let more = folder.path().join(name);
        fs::write(&more, clip).unwrap();
        assert_eq!(uncovered(&verified(folder.path(), "report.json", &[], 1)), [name]);
        verified(folder.path(), "report.json", &[ALLOW], 0);
        // Where the case has moved, and from another folder too.
        let elsewhere = crate::program::folder();
        for root in [folder.path().to_path_buf(), PathBuf::from(".")] {
            let (from, report) = match root.is_absolute() {
                true => (elsewhere.path(), folder.path().join("report.json")),
                false => (folder.path(), "report.json".into()),
            };
            let arguments = [report.to_str().unwrap(), "--root", root.to_str().unwrap()];
            let outcome = verified(from, arguments[0], &arguments[1..], 1);
            assert!(uncovered(&outcome)[0].ends_with(name), "{outcome}");
        }
        fs::remove_file(more).unwrap();
    }
}

#[test]
fn recordings_are_those_of_the_result() {
    let mut without = REAL.clone();
    without.files.remove("files/takes/b.wav");
    without.differs_at("takes/b.wav", &[]);
    // Another recording under all the hashes of the first: its figures are others.
    let mut other = REAL.clone();
    let clip = fs::read(crate::program::fixtures().join("voices/slt/tts/01.wav")).unwrap();
    let (old, new) = (sum(&other.files["files/takes/b.wav"]), sum(&clip));
    other.add("files/takes/b.wav", &clip);
    while other.text("result.json").contains(&old) {
        other.edit_result(&old, &new);
    }
    other.edit_all("report.json", &old, &new).edit_all("report.html", &old, &new);
    let found = places(&other.verify(&[], 1));
    assert!(found.iter().any(|place| place.starts_with("result.candidates[1].scores")), "{found:?}");
    // The hashes alone, of a bundle that has the recordings.
    let mut hashes = REAL.clone();
    hashes.edit("bundle.json", "\"recordings\": true", "\"recordings\": false");
    hashes.verify(&[], 1);
}

#[test]
fn figures_and_words_of_the_result_follow_from_the_recordings() {
    let report: Value = serde_json::from_str(&REAL.text("report.json")).unwrap();
    let cosine = &report["result"]["candidates"][0]["scores"]["mfcc"]["cosine"];
    let mut figure = REAL.clone();
    figure.edit_result(&format!("\"cosine\": {cosine}"), "\"cosine\": 0.5");
    figure.differs_at("result.candidates[0].scores.mfcc.cosine", &[]);
    let mut words = REAL.clone();
    words.edit_result("soundalike cohort\"", "soundalike cohort.\"").differs_at("result.cohort.caution", &[]);
    let mut finding = REAL.clone();
    finding.edit("report.json", "\"hop_s\": 1.0", "\"hop_s\": 2.0").differs_at("findings.hop_s", &[]);
    let mut hash = REAL.clone();
    hash.edit("report.json", "\"force\": false", "\"force\":  false").differs_at("result_sha256", &[]);
}

#[test]
fn the_case_is_taken_as_stated_and_said_to_be() {
    let mut client = REAL.clone();
    client.edit("report.json", "A. Client", "B. Client").differs_at("report.html", &[]);
    // On the page as well it is a statement like any other: only a signature stands for it.
    client.edit_all("report.html", "A. Client", "B. Client");
    let outcome = client.verify(&[], 0);
    assert_eq!(stated(&outcome, "case").unwrap()["client"], "B. Client");
    // So is the date, where it is changed in both places.
    let mut date = REAL.clone();
    date.edit("bundle.json", "2026-01-02", "2025-01-02");
    date.edit_tag("bag-info.txt", "2026-01-02", "2025-01-02");
    assert_eq!(stated(&date.verify(&[], 0), "date of the bundle").unwrap(), "2025-01-02");
}

#[test]
fn a_bundle_that_was_signed_needs_its_signature() {
    let folder = folder();
    let at = |name: &str| folder.path().join(name);
    for name in ["us", "them"] {
        let (public, secret) = soundalike::evidence::signature::key_pair(None).unwrap();
        fs::write(at(&format!("{name}.pub")), public).unwrap();
        fs::write(at(&format!("{name}.key")), secret).unwrap();
    }
    make_case(folder.path(), &["a.wav"], "mfcc=0.9");
    program(folder.path(), &["bundle", "report.json", "-o", "case.zip", "--sign", "us.key"]).exits(0);
    let verify = |what: &str, key: Option<&str>, code: i32| {
        let key: Vec<&str> = key.iter().flat_map(|key| ["--public-key", key]).collect();
        verified(folder.path(), what, &[&key[..], &[ALLOW]].concat(), code)
    };
    let fault = |outcome: &Value| outcome["bundle"]["signature"]["fault"].as_str().unwrap().to_string();
    let outcome = verify("case.zip", Some("us.pub"), 0);
    let key = outcome["bundle"]["signed_by"].as_str().unwrap().to_string();
    assert_eq!(outcome["bundle"]["signature"]["key_id"], *key);
    assert!(outcome["coverage"]["verified"].to_string().contains("signature"), "{outcome}");
    // Without the key, by another one, without the signature.
    let outcome = verify("case.zip", None, 1);
    assert!(fault(&outcome).contains("no public key") && fault(&outcome).contains(&key), "{outcome}");
    let text = program(folder.path(), &["verify", "case.zip"]).exits(1).stdout;
    assert!(text.contains("NOT VALID") && text.contains(&key), "{text}");
    assert!(fault(&verify("case.zip", Some("them.pub"), 1)).contains(&key));
    fs::copy(at("case.zip"), at("stripped.zip")).unwrap();
    assert!(fault(&verify("stripped.zip", Some("us.pub"), 1)).contains("stripped.zip.minisig"));
    verify("stripped.zip", None, 1);
    // Signed anew by another key, whose holder gives that key out as the right one.
    let comment = "soundalike 0.1.0 file:stripped.zip";
    let theirs = soundalike::evidence::signature::sign(&at("stripped.zip"), &at("them.key"), None, comment).unwrap();
    fs::write(at("stripped.zip.minisig"), theirs).unwrap();
    let outcome = verify("stripped.zip", Some("them.pub"), 1);
    assert!(fault(&outcome).contains("a signature by the key") && fault(&outcome).contains(&key), "{outcome}");
    // The statement removed in one place, then in two.
    let signed = Bundle::read(&at("case.zip"));
    let mut unsigned = signed.clone();
    unsigned.edit_tag("bag-info.txt", &format!("Signed-By: minisign key {key}\n"), "");
    let outcome = unsigned.verify(&[], 1);
    assert!(places(&outcome).contains(&"bag-info.txt".into()), "{outcome}");
    unsigned.edit("bundle.json", &format!("\"{key}\""), "null");
    let outcome = unsigned.verify(&[], 1);
    assert_eq!(places(&outcome), ["README.txt"]);
    // Removed everywhere it is a bundle that was never signed. It says so, and whoever has the key notices.
    let mut never = OF_ONE.clone();
    assert_eq!(never.verify(&[], 0)["bundle"]["signed_by"], Value::Null);
    assert!(stated(&never.verify(&[], 0), "that the bundle was not signed").is_some());
    never.add("x", b"").write(&at("never.zip"));
    assert!(fault(&verify("never.zip", Some("us.pub"), 1)).contains("never.zip.minisig"));
}
