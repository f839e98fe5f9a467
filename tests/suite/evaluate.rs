//! `soundalike evaluate`: counts, splits, mistakes in the manifest, and the error on the fixtures.

use crate::program::{ENCODERS, MFCC, assert_fits_schema, copy, fixtures, folder, soundalike, word};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

/// Folders of real recordings and of synthetic speech, by voice.
const VOICES: [(&str, &str, usize); 10] = [
    ("carlo", "real", 5),
    ("ivrvoice", "real", 5),
    ("librivox", "real", 4),
    ("nsh", "real", 5),
    ("nsh", "tts", 4),
    ("awb", "tts", 4),
    ("heart", "tts", 4),
    ("kal16", "tts", 4),
    ("rms", "tts", 4),
    ("slt", "tts", 4),
];

/// A manifest of all voices with a column too many; nsh and librivox are the split `dev-test`.
fn manifest(folder: &Path) -> PathBuf {
    let mut text = String::from("speaker\tremark\tkind\tsplit\tpath\n");
    for (voice, kind, count) in VOICES {
        let split = if ["nsh", "librivox"].contains(&voice) { "dev-test" } else { "other" };
        let label = if kind == "tts" { "synthetic" } else { kind };
        for n in 1..=count {
            text += &format!("{voice}\t\"a remark, of no use\t{label}\t{split}\tvoices/{voice}/{kind}/0{n}.wav\n");
        }
    }
    write(folder, "clips.tsv", &text)
}

fn write(folder: &Path, name: &str, text: &str) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, text).unwrap();
    path
}

/// Evaluates the transparent encoder alone.
#[track_caller]
fn evaluate(manifest: &Path, arguments: &[&str], code: i32) -> Value {
    evaluate_by_all(manifest, &[&[MFCC], arguments].concat(), code)
}

#[track_caller]
fn evaluate_by_all(manifest: &Path, arguments: &[&str], code: i32) -> Value {
    let root = fixtures();
    let fixed = ["evaluate", "--json", "--manifest", word(manifest), "--root", word(&root)];
    let result = soundalike(&[&fixed[..], arguments].concat()).exits(code).json();
    assert_fits_schema("evaluate", &result);
    result
}

fn counts(result: &Value) -> [u64; 5] {
    let number = |value: &Value| value.as_u64().unwrap_or_else(|| panic!("{result}"));
    let (clips, trials) = (&result["clips"], &result["trials"]);
    [&clips["listed"], &clips["scored"], &result["speakers"], &trials["target"], &trials["non_target"]].map(number)
}

fn eer(result: &Value) -> [f64; 3] {
    rate("mfcc", result, "eer")
}

fn rate(encoder: &str, result: &Value, name: &str) -> [f64; 3] {
    let rate = &result["encoders"][encoder][name];
    ["low", "point", "high"].map(|key| rate[key].as_f64().unwrap_or_else(|| panic!("{result}")))
}

#[test]
fn trials_are_all_pairs() {
    let folder = folder();
    let manifest = manifest(folder.path());
    // 5, 5, 4 and 5 real clips: 10 + 10 + 6 + 10 pairs of one voice among 19 * 18 / 2.
    let real = evaluate_by_all(&manifest, &[], 0);
    assert_eq!(counts(&real), [19, 19, 4, 36, 171 - 36]);
    assert_eq!((&real["pairs"], &real["clips"]["below_minimum"]), (&"real-real".into(), &0.into()));
    assert_eq!((&real["version"], &real["left_out"]), (&env!("CARGO_PKG_VERSION").into(), &Value::Array(vec![])));
    // 24 synthetic clips with each of the 19; only nsh's 4 have real clips of their voice, 5.
    let mixed = evaluate(&manifest, &["--pairs", "real-synthetic"], 0);
    assert_eq!(counts(&mixed), [43, 43, 9, 20, 19 * 24 - 20]);
    for (result, encoders) in [(&real, &ENCODERS[..]), (&mixed, &ENCODERS[..1])] {
        assert_eq!(result["encoders"].as_object().unwrap().len(), encoders.len());
        for (encoder, _) in encoders {
            let [low, point, high] = rate(encoder, result, "eer");
            assert!(0.0 <= low && low <= point && point <= high && high <= 1.0 && point <= 0.5, "{result}");
            for name in ["min_dcf", "cllr_min"] {
                let [low, point, high] = rate(encoder, result, name);
                assert!(0.0 <= low && low <= point && point <= high && high <= 1.0, "{name}: {result}");
            }
        }
    }
    // 4 librivox and 5 nsh.
    let split = evaluate(&manifest, &["--split", "dev-test"], 0);
    assert_eq!(counts(&split), [9, 9, 2, 6 + 10, 20]);
    let split = evaluate(&manifest, &["--split", "dev-test", "--pairs", "real-synthetic"], 0);
    assert_eq!(counts(&split), [13, 13, 2, 20, 16]);
    assert_eq!(
        (eer(&split)[1], rate("mfcc", &split, "min_dcf"), rate("mfcc", &split, "cllr_min")),
        (0.0, [0.0; 3], [0.0; 3]),
        "the pair and librivox are far apart"
    );
    // 24 synthetic clips in groups of 4.
    let synthetic = evaluate(&manifest, &["--pairs", "synthetic-synthetic"], 0);
    assert_eq!(counts(&synthetic), [24, 24, 6, 6 * 6, 24 * 23 / 2 - 36]);

    let root = fixtures();
    let fixed = ["evaluate", "--manifest", word(&manifest), "--root", word(&root)];
    let text = soundalike(&fixed).exits(0).stdout;
    assert!(text.contains("clips     19 scored of 19") && text.contains("4 speakers"), "{text}");
    assert!(text.contains("trials    36 of one voice, 135 of two voices"), "{text}");
    let table: Vec<&str> = text.lines().skip_while(|line| !line.starts_with("encoder ")).collect();
    assert_eq!(table.len(), 1 + 4, "one line an encoder: {text}");
    for ((line, name), (encoder, _)) in table[1..].iter().zip(["MFCC", "MFCC-LDA", "GE2E", "CAM++"]).zip(ENCODERS) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [low, point, high] = rate(encoder, &real, "eer").map(|x| format!("{:.2}", 100.0 * x));
        let [least, cost, most] = rate(encoder, &real, "min_dcf").map(|x| format!("{x:.3}"));
        let [few, bits, many] = rate(encoder, &real, "cllr_min").map(|x| format!("{x:.3}"));
        let [rates, costs] = [[&point, &low, "to", &high], [&cost, &least, "to", &most]];
        assert_eq!(words, [&[name], &rates[..], &costs, &[&bits, &few, "to", &many]].concat(), "{text}");
    }
    for form in [&[][..], &["--json"]] {
        let run = |threads| soundalike(&[&fixed[..], &[MFCC, "--threads", threads], form].concat()).exits(0).stdout;
        let one = run("1");
        assert!(run("2") == one && run("7") == one, "{form:?}");
    }
}

#[test]
fn lines_are_chosen_by_split_and_by_any_column() {
    let folder = folder();
    let manifest = manifest(folder.path());
    let chosen = |arguments: &[&str]| {
        let result = evaluate(&manifest, arguments, 0);
        (counts(&result), result["selection"].clone())
    };
    let (both, selection) = chosen(&["--split", "dev-test", "--split", "other"]);
    assert_eq!((both, &selection["splits"]), ([19, 19, 4, 36, 135], &serde_json::json!(["dev-test", "other"])));
    // 5 and 5 clips.
    let (two, selection) = chosen(&["--where", "speaker=nsh|carlo"]);
    assert_eq!((two, &selection["filters"]), ([10, 10, 2, 20, 25], &serde_json::json!(["speaker=nsh|carlo"])));
    assert_eq!(chosen(&["--where", "speaker=carlo|l*|nsh", "--where", "speaker!=libri*"]).0, two, "all must hold");
    // One protected voice against its own synthetic voice among all the others.
    let rank = ["--pairs", "real-synthetic", "--where", "path=voices/nsh/real/*|*/tts/*"];
    assert_eq!(chosen(&rank).0, [29, 29, 6, 5 * 4, 5 * 20]);
    let half = [&rank[..], &["--where-synthetic", "speaker=nsh|[s-z]*"]].concat();
    assert_eq!(chosen(&half).0, [13, 13, 2, 5 * 4, 5 * 4], "the real clips are not asked");

    let root = fixtures();
    let fails = |arguments: &[&str], words: &[&str]| {
        let fixed = ["evaluate", "--manifest", word(&manifest), "--root", word(&root)];
        soundalike(&[&fixed[..], arguments].concat()).fails(words);
    };
    fails(&["--where", "corpus=x"], &["clips.tsv, line 1", "corpus is missing"]);
    fails(&["--where-synthetic", "corpus=x"], &["clips.tsv, line 1", "corpus is missing"]);
    fails(&["--where", "speaker=nobody"], &["no clip with speaker=nobody"]);
    fails(&["--where", "speaker"], &["--where", "for example corpus=anna"]);
    fails(&["--where", "speaker=[a"], &["--where", "for example corpus=anna"]);
}

#[test]
fn paths_start_at_the_folder_of_the_manifest() {
    let folder = folder();
    for (from, to) in [("nsh/real/01", "a1"), ("nsh/real/02", "a2"), ("carlo/real/01", "b1")] {
        copy(&format!("voices/{from}.wav"), &folder.path().join(format!("{to}.wav")));
    }
    // A byte order mark, line ends of Windows and an absolute path, as spreadsheets write them.
    let absolute = fixtures().join("voices/carlo/real/02.wav");
    let text = format!(
        "\u{feff}path\tspeaker\tkind\r\na1.wav\ta\treal\r\na2.wav\ta\treal\r\nb1.wav\tb\treal\r\n{}\tb\treal\r\n",
        word(&absolute)
    );
    let manifest = write(folder.path(), "clips.tsv", &text);
    let result = soundalike(&["evaluate", "--json", MFCC, "--manifest", word(&manifest)]).exits(0).json();
    assert_eq!(counts(&result), [4, 4, 2, 2, 4]);
}

#[test]
fn a_clip_that_cannot_be_used_is_left_out_and_told() {
    let folder = folder();
    let mut text = fs::read_to_string(manifest(folder.path())).unwrap();
    let bad = ["malformed/text.wav", "malformed/digital-silence.wav", "no/such.wav"];
    bad.iter().for_each(|path| text += &format!("nsh\t\treal\tdev-test\t{path}\n"));
    // Too short for a verdict, but scored here: it is counted.
    text += "librivox\t\treal\tdev-test\tmalformed/truncated-data.wav\n";
    let manifest = write(folder.path(), "bad.tsv", &text);
    let result = evaluate(&manifest, &["--split", "dev-test"], 3);
    assert_eq!(counts(&result), [13, 10, 2, 10 + 10, 25]);
    assert_eq!(result["clips"]["below_minimum"], 1);
    let left_out = result["left_out"].as_array().unwrap();
    assert_eq!(left_out.len(), bad.len());
    for (row, path) in left_out.iter().zip(bad) {
        assert!(row["path"].as_str().unwrap().ends_with(path) && row["reason"]["message"].is_string(), "{row}");
    }
    let root = fixtures();
    let run = soundalike(&["evaluate", MFCC, "--manifest", word(&manifest), "--root", word(&root)]).exits(3);
    for (line, path) in run.stderr.lines().filter(|line| line.starts_with("warning: ")).zip(bad) {
        assert!(line.contains(&format!("{path}: ")), "{}", run.stderr);
    }
    assert_eq!(run.stderr.lines().count(), bad.len(), "{}", run.stderr);
}

#[test]
fn mistakes_in_a_manifest_are_told_with_their_line() {
    let folder = folder();
    let good = manifest(folder.path());
    let root = fixtures();
    let fails = |path: &Path, arguments: &[&str], words: &[&str]| {
        let fixed = ["evaluate", MFCC, "--manifest", word(path), "--root", word(&root)];
        soundalike(&[&fixed[..], arguments].concat()).fails(words)
    };
    let table = |text: &str| write(folder.path(), "bad.tsv", text);
    fails(&folder.path().join("none.tsv"), &[], &["none.tsv", "No such file", "check the spelling"]);
    fails(&good, &["--split", "no such"], &["clips.tsv", "no clip of the split \"no such\""]);
    fails(&good, &["--pairs", "real"], &["--pairs", "real-real, real-synthetic or synthetic-synthetic"]);
    fails(&table("path\tspeaker\nx.wav\ta\n"), &[], &["bad.tsv, line 1", "columns path, speaker", "kind is missing"]);
    fails(&table("path,speaker,kind\nx.wav,a,real\n"), &[], &["line 1", "tab-separated"]);
    let kinds = "path\tspeaker\tkind\nvoices/nsh/real/01.wav\tnsh\treal\nvoices/nsh/tts/01.wav\tnsh\tclone\n";
    fails(&table(kinds), &[], &["line 3", "the kind \"clone\"", "real or synthetic"]);
    fails(&table(kinds), &["--split", "a"], &["line 1", "split is missing"]);
    fails(&table("path\tspeaker\tkind\n\tnsh\treal\n"), &[], &["line 2", "no path"]);
    fails(&table("path\tspeaker\tkind\nx.wav\n"), &[], &["line 2", "no kind"]);
    fails(&table("path\tspeaker\tkind\n"), &[], &["no clips", "at least one line below the header"]);
    fails(&table(""), &[], &["bad.tsv", "an empty file"]);
    let one = "path\tspeaker\tkind\nvoices/nsh/real/01.wav\tnsh\treal\nvoices/nsh/real/02.wav\tnsh\treal\n";
    fails(&table(one), &[], &["1 pairs of one voice and 0 of two", "two speakers"]);
    let missing = "path\tspeaker\tkind\nno-such.wav\ta\treal\nvoices/nsh/real/01.wav\tnsh\treal\n";
    fails(&table(missing), &[], &["1 clips left out", "no-such.wav", "No such file"]);
    fails(folder.path(), &[], &["found a folder"]);
    fs::write(folder.path().join("bad.tsv"), b"path\tspeaker\tkind\n\xff\xfe\ta\treal\n").unwrap();
    fails(&folder.path().join("bad.tsv"), &[], &["bad.tsv, line 2", "tab-separated"]);
}

#[test]
fn a_clip_that_is_listed_twice_counts_once() {
    let folder = folder();
    let mut text = fs::read_to_string(manifest(folder.path())).unwrap();
    let twin = text.lines().nth(1).unwrap().to_string() + "\n";
    let once = evaluate(&write(folder.path(), "once.tsv", &text), &[], 0);
    text += &twin;
    let twice = evaluate(&write(folder.path(), "twice.tsv", &text), &[], 3);
    assert_eq!(once["encoders"], twice["encoders"]);
    assert_eq!(once["trials"], twice["trials"]);
    assert_eq!(twice["left_out"][0]["reason"]["code"], "duplicate");
}
