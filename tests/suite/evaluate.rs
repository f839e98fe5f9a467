//! `soundalike evaluate`: counts, splits, mistakes in the manifest, and the error on the fixtures.

use crate::program::{
    ENCODERS, MFCC, assert_fits_schema, copy, fixtures, folder, samples, soundalike, with_noise, word, write_wav,
};
use serde_json::{Value, json};
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
    assert_eq!(real["models_version"], soundalike::models_version());
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
        (eer(&split)[..2].to_vec(), rate("mfcc", &split, "min_dcf"), rate("mfcc", &split, "cllr_min")),
        (vec![0.0; 2], [0.0, 0.0, 1.0], [0.0, 0.0, 1.0]),
        "the pair and librivox are far apart, which proves nothing of others"
    );
    // One speaker has a pair of one voice: 1 - 0.025.
    assert!((eer(&split)[2] - 0.975).abs() < 1e-12, "{split}");
    // 24 synthetic clips in groups of 4.
    let synthetic = evaluate(&manifest, &["--pairs", "synthetic-synthetic"], 0);
    assert_eq!(counts(&synthetic), [24, 24, 6, 6 * 6, 24 * 23 / 2 - 36]);

    let root = fixtures();
    let fixed = ["evaluate", "--manifest", word(&manifest), "--root", word(&root)];
    let text = soundalike(&fixed).exits(0).stdout;
    assert!(text.contains("clips     19 scored of 19") && text.contains("4 speakers"), "{text}");
    assert!(text.contains("trials    36 of one voice, 135 of two voices"), "{text}");
    let table: Vec<&str> =
        text.lines().skip_while(|line| !line.starts_with("encoder ")).take_while(|line| !line.is_empty()).collect();
    assert_eq!(table.len(), 1 + 4 + 1, "one line an encoder, and one of the ratio: {text}");
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

/// The clips of the kinds `real` or `tts` with their voices.
fn listed(kind: &str) -> Vec<(&'static str, String)> {
    let of_kind = VOICES.into_iter().filter(|(_, found, _)| *found == kind);
    of_kind
        .flat_map(|(voice, kind, n)| (1..=n).map(move |n| (voice, format!("voices/{voice}/{kind}/0{n}.wav"))))
        .collect()
}

/// Every two real clips as a list of trials in the format of VoxCeleb.
fn real_pairs() -> String {
    let clips = listed("real");
    let mut text = String::new();
    for (i, (voice, clip)) in clips.iter().enumerate() {
        for (other, tested) in &clips[i + 1..] {
            text += &format!("{} {clip} {tested}\n", u8::from(voice == other));
        }
    }
    text
}

/// Evaluates a list of trials by the transparent encoder.
#[track_caller]
fn evaluate_list(list: &Path, arguments: &[&str], code: i32) -> Value {
    let root = fixtures();
    let fixed = ["evaluate", "--json", MFCC, "--trials", word(list), "--root", word(&root)];
    let result = soundalike(&[&fixed[..], arguments].concat()).exits(code).json();
    assert_fits_schema("evaluate", &result);
    result
}

#[test]
fn a_list_of_trials_gives_the_figures_of_the_same_pairs_of_a_manifest() {
    let folder = folder();
    let list = write(folder.path(), "trials.txt", &real_pairs());
    let (named, paired) = (evaluate_list(&list, &[], 0), evaluate(&manifest(folder.path()), &[], 0));
    assert_eq!(counts(&named), [19, 19, 4, 36, 135]);
    assert_eq!((&named["pairs"], &named["enrol"], &named["trials"]["left_out"]), (&Value::Null, &1.into(), &0.into()));
    assert_eq!(named["encoders"], paired["encoders"], "figures and their intervals");
    // Tabs, words, empty lines and line ends of Windows are the same list.
    let mut turned = String::from("\u{feff}\r\n");
    for line in real_pairs().lines() {
        let mut words = line.split(' ');
        let label = if words.next() == Some("1") { "target" } else { "nontarget" };
        turned += &format!("{label}\t{}\r\n", words.collect::<Vec<_>>().join("\t"));
    }
    let turned = write(folder.path(), "turned.txt", &turned);
    assert_eq!(evaluate_list(&turned, &["--threads", "3"], 0)["encoders"], named["encoders"]);
    // With a table beside it the list still says what is compared; the table tells more of the clips.
    let mut table = String::from("path\tspeaker\tkind\tsex\n");
    for (voice, clip) in listed("real") {
        table += &format!("{clip}\t{voice}\treal\t{}\n", if voice == "ivrvoice" { "f" } else { "m" });
    }
    let table = write(folder.path(), "clips.tsv", &table);
    let by = evaluate_list(&list, &["--manifest", word(&table), "--by", "sex"], 0);
    assert_eq!(by["encoders"], named["encoders"]);
    let groups: Vec<[&Value; 3]> =
        by["by"].as_array().unwrap().iter().map(|g| [&g["value"], &g["target"], &g["non_target"]]).collect();
    // Of two men each, 14 clips of 3 voices; no pair of two women.
    let [women, men] = [[&json!("f"), &json!(10), &json!(0)], [&json!("m"), &json!(26), &json!(14 * 13 / 2 - 26)]];
    assert_eq!(groups, [women, men]);
    let fixed = ["evaluate", MFCC, "--trials", word(&list), "--by", "sex"];
    soundalike(&fixed).fails(&["by: found sex", "expected --manifest with that column beside --trials"]);
    for (option, value) in [("split", "a"), ("where", "sex=f"), ("where-synthetic", "sex=f")] {
        let option_word = format!("--{option}");
        soundalike(&[&fixed[..4], &[&option_word, value]].concat())
            .fails(&[&format!("{option}: found {value}"), "expected --manifest with that column"]);
    }
}

#[test]
fn mistakes_in_a_list_of_trials_are_told_with_their_line() {
    let folder = folder();
    let root = fixtures();
    let fails = |text: &str, words: &[&str]| {
        let list = write(folder.path(), "bad.txt", text);
        soundalike(&["evaluate", MFCC, "--trials", word(&list), "--root", word(&root)]).fails(words);
    };
    let (a, b) = ("voices/nsh/real/01.wav", "voices/nsh/real/02.wav");
    let expected = "expected a line such as \"1 enrol.wav test.wav\", 1 for one voice and 0 for two";
    fails(&format!("1 {a} {b}\n2 {a} {b}\n"), &["bad.txt, line 2: found \"2 ", expected, "mend the line"]);
    fails(&format!("1 {a} {b}\n\n1 {a}\n"), &["bad.txt, line 3", expected]);
    fails(&format!("{a} {b} 1\n"), &["bad.txt, line 1", expected]);
    fails("1 two words.wav another.wav\n", &["bad.txt, line 1", "tabs where a path has spaces"]);
    fails("", &["bad.txt: found no trial"]);
    fails(&format!("1 {a} {b}\n"), &["trials: found 1 pairs of one voice and 0 of two", "two speakers"]);
    fs::write(folder.path().join("bad.txt"), b"1 a.wav b.wav\n0 \xff\xfe c.wav\n").unwrap();
    let list = folder.path().join("bad.txt");
    soundalike(&["evaluate", "--trials", word(&list)]).fails(&["bad.txt, line 2", "no UTF-8"]);
    soundalike(&["evaluate", "--trials", word(folder.path())]).fails(&["found a folder"]);
    soundalike(&["evaluate", "--trials", "no/such.txt"]).fails(&["no/such.txt", "check the spelling"]);
}

#[test]
fn trials_that_lost_a_clip_are_counted() {
    let folder = folder();
    let mut text = real_pairs();
    text += "1 voices/nsh/real/01.wav no/such.wav\n0 voices/carlo/real/01.wav no/such.wav\n";
    text += "0 malformed/digital-silence.wav voices/nsh/real/01.wav\n";
    let list = write(folder.path(), "trials.txt", &text);
    let result = evaluate_list(&list, &[], 3);
    assert_eq!(counts(&result), [21, 19, 4, 36, 135]);
    assert_eq!(result["trials"]["left_out"], 3);
    assert_eq!(result["left_out"].as_array().unwrap().len(), 2);
    assert_eq!(result["encoders"], evaluate_list(&write(folder.path(), "good.txt", &real_pairs()), &[], 0)["encoders"]);
    let root = fixtures();
    let text = soundalike(&["evaluate", MFCC, "--trials", word(&list), "--root", word(&root)]).exits(3);
    assert!(text.stdout.contains("          3 more left out, for want of a clip\n"), "{}", text.stdout);
    assert!(text.stderr.contains("no/such.wav: ") && text.stderr.contains("no speech found"), "{}", text.stderr);
}

#[test]
fn references_of_several_clips_lack_the_clip_that_is_tested() {
    let folder = folder();
    let manifest = manifest(folder.path());
    let of = |enrol: &str, pairs: &str| {
        let result = evaluate(&manifest, &["--enrol", enrol, "--pairs", pairs], 0);
        let [.., target, non_target] = counts(&result);
        (result["enrol"].as_u64().unwrap(), target, non_target, eer(&result)[1])
    };
    // Two blocks of each voice: two of four clips are left for each, of five three.
    let (enrol, target, non_target, two) = of("2", "real-real");
    assert_eq!((enrol, target), (2, 2 * (3 + 3 + 2 + 3)));
    assert_eq!(non_target, 2 * (14 + 14 + 15 + 14));
    // Whole voices against the others' clips, and each clip against the rest of its voice.
    let (enrol, target, non_target, _) = of("all", "real-real");
    assert_eq!((enrol, target, non_target), (0, 19, 14 + 14 + 15 + 14));
    let (_, target, non_target, all) = of("all", "real-synthetic");
    assert_eq!((target, non_target), (4, 4 * 24 - 4));
    let (_, target, non_target, one) = of("1", "real-synthetic");
    assert_eq!((target, non_target), (20, 19 * 24 - 20));
    assert!(all <= one + 0.05 && two < 0.3, "more clips do no harm: {all} {one} {two}");
    let root = fixtures();
    for bad in ["0", "-1", "some", "1.5", ""] {
        let argument = format!("--enrol={bad}");
        soundalike(&["evaluate", "--manifest", word(&manifest), "--root", word(&root), &argument])
            .fails(&["--enrol", "a number from 1, or all"]);
    }
}

#[test]
fn figures_are_given_by_the_values_of_a_column_too() {
    let folder = folder();
    let mut text = String::from("path\tspeaker\tkind\tsystem\n");
    listed("real").iter().for_each(|(voice, clip)| text += &format!("{clip}\t{voice}\treal\t\n"));
    for (voice, clip) in listed("tts") {
        let system = match voice {
            "nsh" => "festival",
            "heart" => "kokoro",
            _ => "flite",
        };
        text += &format!("{clip}\t{voice}\tsynthetic\t{system}\n");
    }
    let manifest = write(folder.path(), "systems.tsv", &text);
    let result = evaluate(&manifest, &["--pairs", "real-synthetic", "--by", "system"], 0);
    let groups = result["by"].as_array().unwrap();
    let told: Vec<(&str, u64, u64)> = groups
        .iter()
        .map(|group| {
            assert_eq!(group["column"], "system");
            let count = |key: &str| group[key].as_u64().unwrap();
            (group["value"].as_str().unwrap(), count("target"), count("non_target"))
        })
        .collect();
    assert_eq!(told, [("festival", 20, 14 * 4), ("flite", 0, 19 * 16), ("kokoro", 0, 19 * 4)]);
    assert_eq!(told.iter().map(|group| group.1 + group.2).sum::<u64>(), 20 + 19 * 24 - 20, "all are in a group");
    let festival = &groups[0]["encoders"]["mfcc"]["eer"];
    assert!(festival["point"].as_f64().unwrap() < 0.1 && festival["high"].is_number(), "{festival}");
    // Without a pair of one voice there is nothing to measure.
    assert_eq!((&groups[1]["encoders"], &groups[1]["fusion"]), (&Value::Null, &Value::Null));
    let root = fixtures();
    let fixed = ["evaluate", MFCC, "--manifest", word(&manifest), "--root", word(&root), "--pairs", "real-synthetic"];
    let text = soundalike(&[&fixed[..], &["--by", "system"]].concat()).exits(0).stdout;
    assert!(text.contains("\nsystem festival: 20 trials of one voice, 56 of two\nencoder "), "{text}");
    assert!(text.contains("\nsystem flite: 0 trials of one voice, 304 of two\n"), "{text}");
    soundalike(&[&fixed[..], &["--by", "corpus"]].concat()).fails(&["systems.tsv, line 1", "corpus is missing"]);
}

/// The manifest's clips of two voices, enough for the calibrated ratio and soon encoded by all encoders.
const FEW: [&str; 4] = ["--where", "speaker=nsh|librivox|slt", "--pairs", "real-synthetic"];

#[test]
fn the_calibrated_ratio_is_measured_with_the_condition_of_the_pairs() {
    let folder = folder();
    let manifest = manifest(folder.path());
    let mixed = evaluate_by_all(&manifest, &FEW, 0);
    assert_eq!(mixed["calibration"]["condition"], "real-synthetic");
    assert_eq!(
        (&mixed["calibration"]["origin"], mixed["calibration"]["sha256"].as_str().unwrap().len()),
        (&json!("built in"), 64)
    );
    assert_eq!(mixed["fusion_refused"], Value::Null);
    let estimate = |name: &str| {
        let figure = &mixed["fusion"][name];
        let [low, point, high] = ["low", "point", "high"].map(|key| figure[key].as_f64().unwrap());
        assert!(0.0 <= low && low <= point && point <= high, "{name}: {figure}");
        point
    };
    let [eer, min_dcf, cllr, cllr_min] = ["eer", "min_dcf", "cllr", "cllr_min"].map(estimate);
    assert!(eer <= 0.5 && min_dcf <= 1.0 && cllr_min <= cllr, "{mixed}");
    assert!(cllr < 0.5, "the ratios of so different voices say a lot: {mixed}");
    assert_eq!((&mixed["trials"]["out_of_range"], &mixed["trials"]["narrow_band"]), (&json!(0), &json!(0)));
    let best = &mixed["against_best"];
    let least = ENCODERS.map(|(encoder, _)| rate(encoder, &mixed, "eer")[1]).into_iter().fold(1.0, f64::min);
    assert_eq!(rate(best["encoder"].as_str().unwrap(), &mixed, "eer")[1], least);
    assert!((best["eer"]["point"].as_f64().unwrap() - (eer - least)).abs() < 1e-12, "{best}");

    let [voices, chosen] = [FEW[0], FEW[1]];
    let real = evaluate_by_all(&manifest, &[voices, chosen], 0);
    assert_eq!(real["calibration"]["condition"], "real-real", "recordings are compared with recordings");
    let other = evaluate_by_all(&manifest, &[voices, chosen, "--condition", "real-synthetic"], 0);
    assert_eq!(other["calibration"]["condition"], "real-synthetic");
    assert_eq!(other["encoders"], real["encoders"]);
    assert_ne!(other["fusion"]["cllr"], real["fusion"]["cllr"]);

    let root = fixtures();
    let fixed = ["evaluate", "--manifest", word(&manifest), "--root", word(&root)];
    let text = soundalike(&[&fixed[..], &FEW].concat()).exits(0).stdout;
    assert!(text.contains("\ncondition real-synthetic (built in), 0 trials outside its range\n"), "{text}");
    let line = text.lines().find(|line| line.starts_with("all together ")).unwrap();
    let (eer, cllr) = (format!(" {:.2} ", 100.0 * eer), format!(" {cllr:.3} "));
    assert!(line.contains(&eer) && line.contains(&cllr), "{line}");
    let one = soundalike(&[&fixed[..], &FEW, &["--json", "--threads", "1"]].concat()).exits(0).json();
    assert_eq!(one, mixed, "for any number of threads");
}

#[test]
fn without_its_encoders_there_is_no_ratio_but_the_reason() {
    let folder = folder();
    let result = evaluate(&manifest(folder.path()), &[], 0);
    for absent in ["fusion", "calibration", "against_best", "as_norm"] {
        assert_eq!(result[absent], Value::Null, "{absent}");
    }
    assert_eq!(result["trials"]["out_of_range"], Value::Null);
    let refused = result["fusion_refused"].as_str().unwrap();
    for words in ["real-real", "found scores of mfcc, expected scores of ge2e,campplus"] {
        assert!(refused.contains(words), "{refused}");
    }
    let (manifest, root) = (manifest(folder.path()), fixtures());
    let text = soundalike(&["evaluate", MFCC, "--manifest", word(&manifest), "--root", word(&root)]).exits(0).stdout;
    assert!(text.contains(&format!("\nno likelihood ratios: {refused}\n")) && !text.contains("all together"), "{text}");
}

#[test]
fn what_lies_outside_the_validated_range_is_counted_and_scored_all_the_same() {
    let folder = folder();
    let noisy = folder.path().join("noisy.wav");
    let samples: Vec<f64> = with_noise(&samples("voices/nsh/tts/01.wav"), 0.0).into_iter().map(|x| 0.5 * x).collect();
    write_wav(&noisy, 16_000, &[&samples]);
    let mut text = String::from("path\tspeaker\tkind\n");
    for (voice, clip) in [("nsh", "nsh/real/01"), ("nsh", "nsh/real/02"), ("librivox", "librivox/real/01")] {
        text += &format!("voices/{clip}.wav\t{voice}\treal\n");
    }
    text += &format!("voices/nsh/tts/02.wav\tnsh\tsynthetic\n{}\tnsh\tsynthetic\n", word(&noisy));
    let manifest = write(folder.path(), "noisy.tsv", &text);
    let result = evaluate_by_all(&manifest, &["--pairs", "real-synthetic"], 0);
    assert_eq!(counts(&result), [5, 5, 2, 4, 2]);
    assert_eq!(result["trials"]["out_of_range"], 3, "each of three recordings with the noisy clip");
    assert!(result["fusion"]["cllr"]["point"].is_number());
}

#[test]
fn narrow_band_trials_are_scored_in_their_band_unless_that_is_not_wanted() {
    let folder = folder();
    let narrow = folder.path().join("narrow.wav");
    crate::program::write_narrow("voices/nsh/tts/01.wav", &narrow);
    let mut text = fs::read_to_string(manifest(folder.path())).unwrap();
    text += &format!("nsh\t\tsynthetic\tother\t{}\n", word(&narrow));
    let manifest = write(folder.path(), "narrow.tsv", &text);
    let pairs = ["--pairs", "real-synthetic"];
    let result = evaluate(&manifest, &pairs, 0);
    assert_eq!(result["trials"]["narrow_band"], 19);
    let as_they_are = evaluate(&manifest, &[&pairs[..], &["--no-band-matching"]].concat(), 0);
    assert_eq!(as_they_are["trials"]["narrow_band"], 0);
    assert_eq!(counts(&as_they_are), counts(&result));
    assert_ne!(as_they_are["encoders"], result["encoders"]);
    let root = fixtures();
    let fixed = ["evaluate", MFCC, "--manifest", word(&manifest), "--root", word(&root)];
    let text = soundalike(&[&fixed[..], &pairs].concat()).exits(0).stdout;
    assert!(text.contains("\n          19 in the narrow band\n"), "{text}");
}

#[test]
fn scores_are_normalised_by_a_cohort_where_it_is_asked_for() {
    let folder = folder();
    let manifest = manifest(folder.path());
    let cohort = folder.path().join("mine.cohort");
    soundalike(&["cohort", MFCC, "voices", "-o", word(&cohort)]).exits(0);
    let plain = evaluate(&manifest, &[], 0);
    let built_in = evaluate(&manifest, &["--as-norm"], 0);
    let own = evaluate(&manifest, &["--as-norm", "--cohort", word(&cohort)], 0);
    for result in [&built_in, &own] {
        assert_eq!(result["encoders"], plain["encoders"]);
        let [low, point, high] =
            ["low", "point", "high"].map(|key| result["as_norm"]["mfcc"]["eer"][key].as_f64().unwrap());
        assert!(0.0 <= low && low <= point && point <= high && point <= 0.5, "{result}");
    }
    assert_ne!(built_in["as_norm"], own["as_norm"]);
    let root = fixtures();
    let fixed = ["evaluate", MFCC, "--manifest", word(&manifest), "--root", word(&root)];
    let text = soundalike(&[&fixed[..], &["--as-norm"]].concat()).exits(0).stdout;
    assert!(text.contains("\nnormalised by the cohort (AS-norm)\nencoder "), "{text}");
    let text = write(folder.path(), "text.cohort", "a letter");
    soundalike(&[&fixed[..], &["--as-norm", "--cohort", word(&text)]].concat())
        .fails(&["text.cohort: found ", "soundalike cohort"]);
}

#[test]
fn a_rule_that_does_not_hold_is_told_and_ends_the_run_with_one() {
    let folder = folder();
    let manifest = manifest(folder.path());
    let of = |rules: &[&str], code: i32| {
        let mut arguments = Vec::new();
        rules.iter().for_each(|rule| arguments.extend(["--rule", rule]));
        evaluate(&manifest, &arguments, code)
    };
    let result = of(&["mfcc.eer<0.61", "mfcc.min_dcf <= 1"], 0);
    let ([_, rate_found, rate_high], [_, cost_found, cost_high]) = (eer(&result), rate("mfcc", &result, "min_dcf"));
    let held = json!([{"rule": "mfcc.eer<0.61", "found": rate_found, "end": rate_high, "holds": true},
        {"rule": "mfcc.min_dcf<=1", "found": cost_found, "end": cost_high, "holds": true}]);
    assert_eq!(result["rules"], held);
    // A limit within the interval is not shown to hold.
    let within = format!("mfcc.eer<{}", (rate_found + rate_high) / 2.0);
    let result = of(&["mfcc.eer<0.61", &within, "mfcc.eer>0.5"], 1);
    assert_eq!([0, 1, 2].map(|i| result["rules"][i]["holds"].clone()), [true, false, false].map(Value::from));
    assert!(result["rules"][1]["found"].as_f64().unwrap() < rate_high && result["rules"][2]["end"] == eer(&result)[0]);
    assert!(result["encoders"]["mfcc"]["eer"]["point"].is_number(), "the figures are given all the same");
    let root = fixtures();
    let fixed = ["evaluate", "--manifest", word(&manifest), "--root", word(&root)];
    let run = |arguments: &[&str]| soundalike(&[&fixed[..], arguments].concat());
    let text = run(&[MFCC, "--rule", "mfcc.cllr_min<=0"]).exits(1).stdout;
    assert!(text.contains("\nrule      mfcc.cllr_min<=0 DOES NOT HOLD: found 0."), "{text}");
    let text = run(&[MFCC, "--rule", "mfcc.eer<1"]).exits(0).stdout;
    assert!(text.contains("\nrule      mfcc.eer<1 holds: found 0.") && text.contains(", 95 % interval up to 0."));
    // The ratio's own figures.
    run(&[&FEW[..], &["--rule", "cllr<2", "--rule", "fusion.eer<0.98"]].concat()).exits(0);
    run(&[&FEW[..], &["--rule", "cllr>1"]].concat()).exits(1);
    for bad in ["cllr", "cllr=0.2", "auc<0.2", "mfcc.cllr<1", "cllr<x", ""] {
        run(&["--rule", bad]).fails(&["--rule", "for example 'cllr<0.2'"]);
    }
    run(&[MFCC, "--rule", "cllr<0.2"]).fails(&["rule: found cllr<0.2", "no calibration fits these encoders"]);
    run(&[MFCC, "--rule", "ge2e.eer<0.2"]).fails(&["rule: found ge2e.eer<0.2", "the encoder does not run"]);
}

/// An SVG's text; every element in it must be closed in its order.
fn svg(folder: &Path, name: &str) -> String {
    let text = fs::read_to_string(folder.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    assert!(text.contains("<svg ") && text.contains("xmlns=\"http://www.w3.org/2000/svg\""), "{name}");
    let mut open = Vec::new();
    for tag in text.split('<').skip(1) {
        let (tag, after) = tag.split_once('>').unwrap_or_else(|| panic!("{name}: an open tag"));
        assert!(!after.contains('>') && tag.matches('"').count() % 2 == 0, "{name}: {tag}");
        match tag {
            _ if tag.starts_with(['?', '!']) || tag.ends_with('/') => {}
            _ if tag.starts_with('/') => assert_eq!(open.pop(), Some(&tag[1..]), "{name}"),
            _ => open.push(tag.split_whitespace().next().unwrap()),
        }
    }
    assert!(open.is_empty(), "{name}: {open:?}");
    for bad in ["NaN", "inf", "<script", "href"] {
        assert!(!text.contains(bad), "{name}: {bad}");
    }
    text
}

/// An equal error rate as the plot prints it.
fn shown_eer(rate: f64) -> String {
    let decimals = if rate < 0.1 { 2 } else { 1 };
    format!("EER {:.decimals$}\u{a0}%", 100.0 * rate)
}

#[test]
fn plots_are_drawn_of_the_figures_that_are_printed() {
    let folder = folder();
    let (manifest, plots) = (manifest(folder.path()), folder.path().join("new/plots"));
    let result = evaluate_by_all(&manifest, &[&FEW[..], &["--plots", word(&plots)]].concat(), 0);
    let names = ["det.svg", "tippett.svg", "ece.svg", "reliability.svg", "zoo.svg"];
    let mut found: Vec<String> =
        fs::read_dir(&plots).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    found.sort();
    let mut expected = names.to_vec();
    expected.sort_unstable();
    assert_eq!(found, expected);
    let texts = names.map(|name| svg(&plots, name));
    for label in ["MFCC", "MFCC-LDA", "GE2E", "CAM++", "all together"] {
        assert!(texts[0].contains(label), "{label}");
    }
    for (encoder, _) in ENCODERS {
        let shown = shown_eer(rate(encoder, &result, "eer")[1]);
        assert!(texts[0].contains(&shown), "{encoder}: {shown}");
    }
    assert!(texts[4].contains("Other speakers: 1"), "one voice has pairs of both kinds: {}", texts[4]);
    // The same bytes again.
    let again = folder.path().join("again");
    evaluate_by_all(&manifest, &[&FEW[..], &["--plots", word(&again), "--threads", "1"]].concat(), 0);
    assert!(names.iter().zip(&texts).all(|(name, text)| svg(&again, name) == *text));

    // Without a ratio there is the trade-off of the encoders alone.
    let alone = folder.path().join("alone");
    let result = evaluate(&manifest, &["--plots", word(&alone)], 0);
    assert_eq!(fs::read_dir(&alone).unwrap().count(), 1);
    let shown = shown_eer(eer(&result)[1]);
    assert!(svg(&alone, "det.svg").contains(&shown), "{shown}");
    let file = write(folder.path(), "a file", "");
    let root = fixtures();
    soundalike(&["evaluate", MFCC, "--manifest", word(&manifest), "--root", word(&root), "--plots", word(&file)])
        .fails(&["a file: could not create it"]);
}
