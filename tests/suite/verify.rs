//! `soundalike verify` and `bundle`: what is as it was told passes, and the first thing that is not is named.

use crate::program::{CANDIDATE, MFCC, REFERENCE, Run, assert_fits_schema, copy, folder, run, soundalike, word};
use serde_json::{Value, json};
use soundalike::evidence::bag::{BagContent, BagEntry, write_bag};
use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

/// A case in a folder of its own: recordings of a reference, a candidate, and its report, made from within the folder.
struct Case {
    folder: tempfile::TempDir,
}

impl Case {
    fn new(arguments: &[&str]) -> Self {
        let case = Case { folder: folder() };
        fs::create_dir(case.at("anna")).unwrap();
        for clip in ["01.wav", "02.wav", "03.wav"] {
            copy(&format!("{REFERENCE}/{clip}"), &case.at("anna").join(clip));
        }
        copy(CANDIDATE, &case.at("take.wav"));
        let check =
            ["check", "-q", "--reference", "anna", "take.wav", "--report", "report.json", "--case-number", "1/26"];
        case.run(&[&check[..], arguments].concat()).exits(0);
        case
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn run(&self, arguments: &[&str]) -> Run {
        let mut command = Command::new(env!("CARGO_BIN_EXE_soundalike"));
        command.current_dir(self.folder.path()).args(arguments);
        run(command)
    }

    /// What `verify --json` says of the case.
    #[track_caller]
    fn verify(&self, what: &str, more: &[&str], code: i32) -> Value {
        let outcome = self.run(&[&["verify", "--json", what], more].concat()).exits(code).json();
        assert_fits_schema("verify", &outcome);
        assert_eq!(outcome["passed"], code == 0);
        outcome
    }

    /// The first difference of the report as it is now.
    #[track_caller]
    fn first_difference(&self, more: &[&str]) -> Value {
        self.verify("report.json", more, 1)["case"]["differences"][0].clone()
    }

    /// Changes the report.
    fn edit(&self, change: impl FnOnce(&mut Value)) {
        let mut report: Value = serde_json::from_str(&fs::read_to_string(self.at("report.json")).unwrap()).unwrap();
        change(&mut report);
        fs::write(self.at("report.json"), serde_json::to_string(&report).unwrap()).unwrap();
    }
}

/// The option by which the tolerance for another platform is asked for.
const OTHER: &[&str] = &["--other-platform"];

/// The hash of a result after a change to it, so that the change alone is found.
fn rehash(report: &mut Value) {
    use sha2::{Digest, Sha256};
    // The text of the result is that of a compact JSON file here.
    let text = serde_json::to_string(&report["result"]).unwrap() + "\n";
    let hash: String = Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
    report["result_sha256"] = hash.into();
}

#[test]
fn a_case_comes_out_the_same_with_any_number_of_threads() {
    let case =
        Case::new(&["--condition", "real-synthetic", "--prior", "0.01", "--as-norm", "--fail-above", "mfcc=0.999"]);
    for threads in ["1", "3"] {
        let outcome = case.verify("report.json", &["--threads", threads], 0);
        let again = &outcome["case"];
        assert_eq!((&again["same"], &again["identical"], &again["files"]), (&json!(true), &json!(true), &json!(4)));
        assert!(again["values"].as_u64().unwrap() > 1000, "{again}");
    }
    let text = case.run(&["verify", "report.json"]).exits(0).stdout;
    assert!(text.contains("equal to the bit"), "{text}");
}

#[test]
fn a_changed_recording_is_named_with_both_hashes() {
    let case = Case::new(&[MFCC]);
    let mut bytes = fs::read(case.at("anna/02.wav")).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(case.at("anna/02.wav"), bytes).unwrap();
    let difference = case.first_difference(&[]);
    assert_eq!(difference["place"], "anna/02.wav");
    assert!(difference["told"].as_str().unwrap().starts_with("SHA-256 ") && difference["told"] != difference["found"]);
    fs::remove_file(case.at("anna/02.wav")).unwrap();
    let text = case.run(&["verify", "report.json"]).exits(1).stdout;
    assert!(text.contains("anna/02.wav is told as SHA-256") && text.contains("no file that can be read"), "{text}");
}

#[test]
fn a_changed_figure_is_named_with_its_place() {
    let case = Case::new(&[MFCC]);
    case.edit(|report| {
        report["result"]["candidates"][0]["scores"]["mfcc"]["cosine"] = json!(0.5);
        rehash(report);
    });
    let difference = case.first_difference(&[]);
    assert_eq!(difference["place"], "result.candidates[0].scores.mfcc.cosine");
    assert_eq!(difference["told"], "0.5");

    let case = Case::new(&[MFCC]);
    case.edit(|report| {
        report["findings"]["candidates"][0]["without_clip"][1]["cosines"]["mfcc"] = json!(0.25);
        rehash(report);
    });
    assert_eq!(case.first_difference(&[])["place"], "findings.candidates[0].without_clip[1].cosines.mfcc");

    let case = Case::new(&[MFCC]);
    case.edit(|report| {
        report["findings"]["candidates"].as_array_mut().unwrap().clear();
        rehash(report);
    });
    assert_eq!(case.first_difference(&[])["place"], "findings.candidates (number of entries)");

    // A change of the result's text alone is found by its hash.
    let case = Case::new(&[MFCC]);
    let text = fs::read_to_string(case.at("report.json")).unwrap();
    fs::write(case.at("report.json"), text.replace("\"force\": false", "\"force\":  false")).unwrap();
    assert_eq!(case.first_difference(&[])["place"], "result_sha256");
}

#[test]
fn another_instruction_set_is_compared_within_a_tolerance_that_is_told() {
    let case = Case::new(&[MFCC]);
    let shift = |by: f64| {
        case.edit(|report| {
            report["result"]["settings"]["instruction_set"] = "x86_64 sse2, other".into();
            let cosine = report["result"]["candidates"][0]["scores"]["mfcc"]["cosine"].as_f64().unwrap();
            report["result"]["candidates"][0]["scores"]["mfcc"]["cosine"] = json!(cosine + by);
            rehash(report);
        });
    };
    shift(1e-6);
    // The person who verifies asks for the tolerance; the document cannot.
    let outcome = case.verify("report.json", &[], 1);
    assert_eq!((&outcome["case"]["identical"], &outcome["case"]["tolerance"]), (&json!(true), &Value::Null));
    let remarks = outcome["case"]["remarks"].to_string();
    assert!(remarks.contains("x86_64 sse2, other") && remarks.contains("--other-platform"), "{outcome}");
    let outcome = case.verify("report.json", OTHER, 0);
    assert_eq!((&outcome["case"]["identical"], &outcome["case"]["tolerance"]), (&json!(false), &json!(0.001)));
    let stated = outcome["coverage"]["stated"].as_array().unwrap().iter();
    let mut stated = stated.filter(|item| item["what"] == "result.settings.instruction_set");
    assert_eq!(stated.next().unwrap()["value"], "x86_64 sse2, other");
    shift(0.01);
    assert_eq!(case.first_difference(OTHER)["place"], "result.candidates[0].scores.mfcc.cosine");
    for command in ["report", "bundle"] {
        let refused = case.run(&[command, "report.json", "-o", "never.html"]).exits(1);
        assert!(refused.stderr.contains("could not be reproduced"), "{}", refused.stderr);
    }
    // What is read from files and what is counted has no last digits, and a machine that nobody has is none.
    let case = Case::new(&[MFCC]);
    case.edit(|report| {
        report["result"]["settings"]["instruction_set"] = "x86_64 sse2, other".into();
        assert_eq!(report["findings"]["validations"], json!([]), "the calibration fits no encoder alone");
        report["result"]["calibration"]["wide"]["validation"]["bounded"]["cllr"] = json!(0.3321);
        rehash(report);
    });
    assert_eq!(case.first_difference(OTHER)["place"], "result.calibration.wide.validation.bounded.cllr");
    case.edit(|report| {
        report["result"]["settings"]["instruction_set"] = "a better one".into();
        rehash(report);
    });
    assert_eq!(case.first_difference(OTHER)["place"], "result.settings.instruction_set");
}

/// What a document states of its making, in the place of what it stated.
fn made_by(report: &mut Value, version: &str, models: Option<&str>) {
    let result = report["result"].as_object_mut().unwrap();
    result.insert("version".into(), version.into());
    match models {
        Some(models) => drop(result.insert("models_version".into(), models.into())),
        None => drop(result.remove("models_version")),
    }
    report["program"] = version.into();
    rehash(report);
}

#[test]
fn of_a_report_of_another_version_the_recordings_are_compared_and_the_figures_are_not() {
    let case = Case::new(&[MFCC]);
    let (here, models) = (soundalike::VERSION, soundalike::models_version());
    for (version, told) in [("0.0.9", Some(models)), (here, Some("0123456789ab")), (here, None)] {
        case.edit(|report| {
            report["result"]["candidates"][0]["scores"]["mfcc"]["cosine"] = json!(0.5);
            report["result"]["candidates"][0]["of_that_version"] = json!("a name that this one does not know");
            made_by(report, version, told);
        });
        let outcome = case.verify("report.json", &[], 3);
        let other = &outcome["other_version"];
        assert_eq!(other["made_by"], json!({ "version": version, "models_version": told }));
        assert_eq!((&other["files"], &other["differences"]), (&json!(4), &json!([])));
        assert_eq!((&outcome["undecided"], &outcome["case"]), (&json!(true), &Value::Null));
        let told = format!("version {version} (models {})", told.unwrap_or("not stated"));
        let text = case.run(&["verify", "report.json"]).exits(3).stdout;
        for words in [
            format!("made by          {told}; this is version {here} (models {models})\n"),
            "recordings       the same: 4 files with the hash in the result\n".into(),
            format!("figures          not computed again: reproduce it with {told}\n"),
        ] {
            assert!(text.contains(&words), "no {words:?} in {text}");
        }
        assert!(!text.to_lowercase().contains("differs"), "{text}");
        // No document is made of it.
        for command in ["report", "bundle"] {
            case.run(&[command, "report.json", "-o", "never.html"]).fails(&[&told, "take the version that made it"]);
        }
    }
    // Where the case has moved, its files are found by their hashes too.
    fs::create_dir(case.at("moved")).unwrap();
    fs::rename(case.at("anna"), case.at("moved/anna")).unwrap();
    fs::rename(case.at("take.wav"), case.at("moved/take.wav")).unwrap();
    case.verify("report.json", &["--root", "moved"], 3);
    let outcome = case.verify("report.json", &[], 1);
    assert_eq!(outcome["other_version"]["differences"].as_array().unwrap().len(), 4);
}

#[test]
fn another_recording_is_told_whatever_version_made_the_report() {
    let case = Case::new(&[MFCC]);
    case.edit(|report| made_by(report, "0.0.9", None));
    let kept = fs::read(case.at("report.json")).unwrap();
    copy(CANDIDATE, &case.at("anna/02.wav"));
    let outcome = case.verify("report.json", &[], 1);
    assert_eq!(outcome["other_version"]["differences"][0]["place"], "anna/02.wav");
    assert_eq!((&outcome["other_version"]["files"], &outcome["undecided"]), (&json!(3), &json!(false)));
    let text = case.run(&["verify", "report.json"]).exits(1).stdout;
    for words in
        ["recordings       NOT THE SAME; 3 files", "anna/02.wav is told as SHA-256", "reproduce it with version 0.0.9"]
    {
        assert!(text.contains(words), "no {words:?} in {text}");
    }
    // A result that is another than its report states was changed, whoever made it.
    copy(&format!("{REFERENCE}/02.wav"), &case.at("anna/02.wav"));
    fs::write(case.at("report.json"), String::from_utf8(kept).unwrap().replace("\"force\":false", "\"force\": false"))
        .unwrap();
    let outcome = case.verify("report.json", &[], 1);
    assert_eq!(outcome["other_version"]["differences"][0]["place"], "result_sha256");
}

#[test]
fn patterns_and_folders_by_any_name_are_no_difference() {
    let case = Case::new(&[MFCC]);
    for named in ["./anna/*.wav", "anna/0[1-3].wav", "./anna/", "anna/../anna", "."] {
        let candidate = if named == "." { "./take.wav" } else { "take.wav" };
        case.run(&["check", "-q", MFCC, "--reference", named, candidate, "--report", "r.json"]).exits(0);
        case.verify("r.json", &[], 0);
    }
}

#[test]
fn weights_that_are_not_there_are_an_error_and_no_difference() {
    let case = Case::new(&[]);
    case.run(&["verify", "report.json", "--models", "none"]).fails(&["none"]);
}

#[test]
fn a_sentence_cannot_say_another_ratio_than_the_figure() {
    let case = Case::new(&[]);
    for machine in [None, Some("x86_64 sse2, other")] {
        case.edit(|report| {
            let evidence = &mut report["result"]["candidates"][0]["evidence"];
            evidence["statement"] = "about 1 000 000 times more probable if it reproduces this voice".into();
            machine.iter().for_each(|machine| report["result"]["settings"]["instruction_set"] = (*machine).into());
            rehash(report);
        });
        let more = if machine.is_some() { OTHER } else { &[] };
        assert_eq!(case.first_difference(more)["place"], "result.candidates[0].evidence.statement");
    }
}

#[test]
fn names_and_membership_cannot_be_changed() {
    let case = Case::new(&[MFCC]);
    copy(CANDIDATE, &case.at("anna/04.wav"));
    case.run(&["check", "-q", MFCC, "--reference", "anna", "anna/04.wav", "--report", "report.json"]).exits(0);
    case.verify("report.json", &[], 0);
    let differs = |change: &dyn Fn(&mut Value), place: &str| {
        let kept = fs::read(case.at("report.json")).unwrap();
        case.edit(|report| {
            change(report);
            rehash(report);
        });
        assert_eq!(case.first_difference(&[])["place"], place);
        fs::write(case.at("report.json"), kept).unwrap();
    };
    let hide = |report: &mut Value| report["result"]["candidates"][0]["in_reference"] = Value::Null;
    differs(&hide, "result.candidates[0].in_reference");
    differs(&|report| report["result"]["request"]["reference"] = json!(["bella"]), "result.request.reference");
    // A name that stands twice is read by nobody.
    let text = fs::read_to_string(case.at("report.json")).unwrap();
    let twice = text.replacen("\"hop_s\": 1.0", "\"hop_s\": 2.0, \"hop_s\": 1.0", 1);
    assert_ne!(text, twice);
    fs::write(case.at("twice.json"), twice).unwrap();
    case.run(&["verify", "twice.json"]).fails(&["twice.json", "\"hop_s\" twice"]);
}

#[test]
fn a_case_that_has_moved_is_found_below_a_folder() {
    let case = Case::new(&[MFCC]);
    let moved = folder();
    fs::create_dir_all(moved.path().join("old/anna")).unwrap();
    for clip in ["anna/01.wav", "anna/02.wav", "anna/03.wav", "take.wav"] {
        fs::rename(case.at(clip), moved.path().join("old").join(clip)).unwrap();
    }
    case.verify("report.json", &[], 1);
    let outcome = case.verify("report.json", &["--root", word(&moved.path().join("old"))], 0);
    assert_eq!(outcome["case"]["files"], 4);
    // The report is read where its recordings lie, from wherever.
    fs::copy(case.at("report.json"), moved.path().join("old/report.json")).unwrap();
    soundalike(&["verify", word(&moved.path().join("old/report.json"))]).exits(0);
    // A report is made of a moved case too.
    let page = case.at("moved.html");
    case.run(&["report", "report.json", "-o", word(&page), "--root", word(&moved.path().join("old"))]).exits(0);
    assert!(fs::read_to_string(page).unwrap().contains("take.wav"));
}

#[test]
fn a_candidate_in_the_folder_of_the_reference_and_one_that_is_broken_come_out_the_same() {
    let case = Case::new(&[MFCC]);
    copy(CANDIDATE, &case.at("anna/04.wav"));
    copy("malformed/bits-13.wav", &case.at("broken.wav"));
    let arguments = [
        "check",
        "-q",
        MFCC,
        "--reference",
        "anna",
        "anna/04.wav",
        "anna/01.wav",
        "broken.wav",
        "gone.wav",
        "--report",
        "r.json",
    ];
    case.run(&arguments).exits(3);
    let outcome = case.verify("r.json", &[], 0);
    let stated = outcome["coverage"]["stated"].to_string();
    assert!(stated.contains("result.request.candidates") && stated.contains("gone.wav"), "{outcome}");
    // Told by other paths they come out the same too, errors included.
    let moved = folder();
    fs::create_dir(moved.path().join("anna")).unwrap();
    for clip in ["anna/01.wav", "anna/02.wav", "anna/03.wav", "anna/04.wav", "broken.wav"] {
        fs::copy(case.at(clip), moved.path().join(clip)).unwrap();
    }
    case.verify("r.json", &["--root", word(moved.path())], 0);
}

#[test]
fn what_is_no_report_is_an_error() {
    let case = Case::new(&[MFCC]);
    fs::write(case.at("x.json"), "{\"format\": \"soundalike report\", \"version\": 99}").unwrap();
    case.run(&["verify", "x.json"]).fails(&["version 99", "version 1"]);
    fs::write(case.at("y.json"), "not JSON").unwrap();
    case.run(&["verify", "y.json"]).fails(&["y.json"]);
    case.run(&["verify", "gone.json"]).fails(&["gone.json"]);
    case.run(&["verify"]).fails(&["a report, a result or a bundle"]);
    case.run(&["verify", "report.json", "--public-key", "x.pub"]).fails(&["bundle"]);
}

#[test]
fn a_bundle_is_computed_again_wherever_it_is() {
    let case = Case::new(&[]);
    let first = case.run(&["bundle", "report.json", "-o", "case.zip"]).exits(0);
    assert!(first.stdout.contains("case.zip"), "{}", first.stdout);
    case.run(&["bundle", "report.json", "-o", "again.zip"]).exits(0);
    let elsewhere = folder();
    fs::copy(case.at("case.zip"), elsewhere.path().join("case.zip")).unwrap();
    // Nothing but the bundle is left.
    fs::remove_dir_all(case.at("anna")).unwrap();
    fs::remove_file(case.at("take.wav")).unwrap();
    let outcome = soundalike(&["verify", "--json", word(&elsewhere.path().join("case.zip"))]).exits(0).json();
    assert_fits_schema("verify", &outcome);
    assert_eq!((&outcome["bundle"]["intact"], &outcome["case"]["files"]), (&json!(true), &json!(4)));
    let names: Vec<String> = entries(&case.at("case.zip")).into_iter().map(|(name, _)| name).collect();
    for name in [
        "case/data/report.json",
        "case/data/report.html",
        "case/data/result.json",
        "case/data/files/take.wav",
        "case/data/fingerprints.json",
        "case/manifest-sha256.txt",
        "case/bagit.txt",
    ] {
        assert!(names.iter().any(|known| known == name), "no {name} in {names:?}");
    }
}

#[test]
fn a_bundle_without_recordings_has_their_hashes_and_finds_them_elsewhere() {
    let case = Case::new(&[MFCC]);
    case.run(&["bundle", "report.json", "-o", "hashes.zip", "--no-recordings"]).exits(0);
    assert!(!entries(&case.at("hashes.zip")).iter().any(|(name, _)| name.ends_with(".wav")));
    let outcome = case.verify("hashes.zip", &[], 0);
    assert_eq!(outcome["bundle"]["absent"].as_array().unwrap().len(), 4);
    let elsewhere = folder();
    fs::copy(case.at("hashes.zip"), elsewhere.path().join("hashes.zip")).unwrap();
    let zip = elsewhere.path().join("hashes.zip");
    soundalike(&["verify", word(&zip)]).exits(1);
    soundalike(&["verify", word(&zip), "--root", word(case.folder.path())]).exits(0);
}

#[test]
fn a_bundle_that_was_altered_is_found() {
    let case = Case::new(&[MFCC]);
    case.run(&["bundle", "report.json", "-o", "case.zip"]).exits(0);
    let all = entries(&case.at("case.zip"));
    // The recording is another, and the manifest says so or not.
    let altered = |name: &str| {
        let changed = all.iter().cloned().map(|(entry, mut bytes)| {
            if entry.ends_with(name) {
                *bytes.last_mut().unwrap() ^= 1;
            }
            (entry, bytes)
        });
        changed.collect::<Vec<_>>()
    };
    for name in ["files/take.wav", "report.json", "manifest-sha256.txt", "places.json"] {
        rezip(&case.at("bad.zip"), altered(name).into_iter());
        let outcome = case.verify("bad.zip", &[], 1);
        assert_eq!(outcome["bundle"]["intact"], false, "{name}");
        assert!(outcome["bundle"]["fault"].as_str().is_some_and(|fault| fault.contains("bad.zip")), "{outcome}");
    }
    rezip(&case.at("bad.zip"), all.iter().filter(|(name, _)| !name.ends_with("take.wav")).cloned());
    assert_eq!(case.verify("bad.zip", &[], 1)["bundle"]["intact"], false);
    let mut more = all.clone();
    more.push(("case/data/../../../escaped.txt".into(), b"x".to_vec()));
    rezip(&case.at("bad.zip"), more.into_iter());
    case.verify("bad.zip", &[], 1);
    assert!(!case.folder.path().parent().unwrap().join("escaped.txt").exists());
    // A page that says something else is found though every hash is right.
    let named = |name: &str| name.strip_prefix("case/data/").map(str::to_string);
    for (file, from, to) in
        [("report.html", "closer", "nearer"), ("result.json", "0.1.0", "0.1.1"), ("fingerprints.json", "mfcc", "mfc")]
    {
        let entries: Vec<BagEntry> = all
            .iter()
            .filter_map(|(name, bytes)| {
                let name = named(name)?;
                let content = match name == file {
                    true => String::from_utf8(bytes.clone()).unwrap().replacen(from, to, 1).into_bytes(),
                    false => bytes.clone(),
                };
                Some(BagEntry { name, content: BagContent::Bytes(content), sha256: None })
            })
            .collect();
        let mut out = fs::File::create(case.at("bad.zip")).unwrap();
        write_bag(&mut out, "case", &[], &entries).unwrap();
        let outcome = case.verify("bad.zip", &[], 1);
        assert_eq!(
            (&outcome["bundle"]["intact"], &outcome["case"]["differences"][0]["place"]),
            (&json!(true), &json!(file))
        );
    }
    // A case that does not come out the same is not bundled.
    case.edit(|report| {
        report["findings"]["hop_s"] = json!(2.0);
        rehash(report);
    });
    let refused = case.run(&["bundle", "report.json", "-o", "never.zip"]).exits(1);
    assert!(refused.stderr.contains("findings.hop_s") && !case.at("never.zip").exists(), "{}", refused.stderr);
}

#[test]
fn a_signature_says_whose_bundle_it_is() {
    let case = Case::new(&[MFCC]);
    let pair = |name: &str, password: Option<&str>| {
        let (public, secret) = soundalike::evidence::signature::key_pair(password).unwrap();
        fs::write(case.at(&format!("{name}.pub")), public).unwrap();
        fs::write(case.at(&format!("{name}.key")), secret).unwrap();
    };
    pair("us", None);
    pair("them", Some("secret"));
    let run = case.run(&["bundle", "report.json", "-o", "case.zip", "--sign", "us.key"]).exits(0);
    assert!(run.stdout.contains("case.zip.minisig"), "{}", run.stdout);
    let outcome = case.verify("case.zip", &["--public-key", "us.pub"], 0);
    assert_eq!(outcome["bundle"]["signature"]["valid"], true);
    let comment = outcome["bundle"]["signature"]["trusted_comment"].as_str().unwrap();
    assert!(comment.contains("file:case.zip"), "{comment}");
    let outcome = case.verify("case.zip", &["--public-key", "them.pub"], 1);
    assert_eq!(outcome["bundle"]["signature"]["valid"], false);
    // A key with a password is opened by the variable, and by nothing else.
    let sign = |password: Option<&str>| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_soundalike"));
        command.current_dir(case.folder.path()).args([
            "bundle",
            "report.json",
            "-o",
            "their.zip",
            "--sign",
            "them.key",
        ]);
        password.iter().for_each(|password| {
            command.env("SOUNDALIKE_KEY_PASSWORD", password);
        });
        crate::program::run(command)
    };
    sign(None).exits(2);
    sign(Some("wrong")).exits(2);
    sign(Some("secret")).exits(0);
    case.verify("their.zip", &["--public-key", "them.pub"], 0);
    case.run(&["bundle", "report.json", "-o", "x.zip", "--sign", "no.key"]).fails(&["no.key"]);
    for name in ["x.tar", "x.tar.GZ", "x.7z.age"] {
        case.run(&["bundle", "report.json", "-o", name]).fails(&["output", "a name that ends in .zip"]);
        assert!(!case.folder.path().join(name).exists());
    }
}

/// The entries of a zip, in their order.
fn entries(path: &Path) -> Vec<(String, Vec<u8>)> {
    let mut archive = zip::ZipArchive::new(fs::File::open(path).unwrap()).unwrap();
    (0..archive.len())
        .map(|i| {
            let mut entry = archive.by_index(i).unwrap();
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).unwrap();
            (entry.name().unwrap().into_owned(), bytes)
        })
        .collect()
}

fn rezip(path: &Path, entries: impl Iterator<Item = (String, Vec<u8>)>) {
    let mut archive = zip::ZipWriter::new(fs::File::create(path).unwrap());
    for (name, bytes) in entries {
        archive.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        archive.write_all(&bytes).unwrap();
    }
    archive.finish().unwrap();
}

#[test]
fn a_result_of_check_is_verified_as_it_is() {
    let folder = folder();
    let result = soundalike(&["check", "--json", MFCC, "--reference", REFERENCE, CANDIDATE]).exits(0).stdout;
    let path = folder.path().join("result.json");
    fs::write(&path, result).unwrap();
    let outcome = soundalike(&["verify", "--json", word(&path)]).exits(0).json();
    assert!(outcome["case"]["remarks"].to_string().contains("no report"), "{outcome}");
}
