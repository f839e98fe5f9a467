//! `soundalike calibrate`: what is fitted to labelled clips, what the file says of itself, and how `check` uses it.

use crate::program::{
    CANDIDATE, MFCC, REFERENCE, Run, assert_fits_schema, fixtures, folder, samples, soundalike, word, write_wav,
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::fs;
use std::path::{Path, PathBuf};

/// Folders of three clips and more, each of one voice.
const VOICES: [&str; 9] = [
    "awb/tts",
    "carlo/real",
    "heart/tts",
    "ivrvoice/real",
    "kal16/tts",
    "librivox/real",
    "nsh/real",
    "rms/tts",
    "slt/tts",
];

/// Three clips each of twelve voices: those of the fixtures, and three of them played slower or faster, which makes
/// other voices of them.
fn clips(folder: &Path) -> Vec<(String, Vec<PathBuf>)> {
    let fixture = |voice: &str, n| fixtures().join(format!("voices/{voice}/0{n}.wav"));
    let mut voices: Vec<(String, Vec<PathBuf>)> = VOICES
        .iter()
        .map(|voice| (voice.split('/').next().unwrap().to_string(), (1..=3).map(|n| fixture(voice, n)).collect()))
        .collect();
    for (voice, sample_rate) in [("carlo/real", 12_800), ("slt/tts", 13_200), ("rms/tts", 20_000)] {
        let name = voice.replace('/', "-") + "-played";
        let clip = |n| {
            let path = folder.join(format!("{name}-{n}.wav"));
            write_wav(&path, sample_rate, &[&samples(&format!("voices/{voice}/0{n}.wav"))]);
            path
        };
        voices.push((name.clone(), (1..=3).map(clip).collect()));
    }
    voices
}

/// A table in which all are called recordings, so that every two clips can be compared.
fn manifest(folder: &Path, speakers: usize) -> PathBuf {
    let mut text = String::from("path\tspeaker\tkind\n");
    for (voice, clips) in clips(folder).into_iter().take(speakers) {
        clips.iter().for_each(|clip| text += &format!("{}\t{voice}\treal\n", word(clip)));
    }
    let path = folder.join("clips.tsv");
    fs::write(&path, text).unwrap();
    path
}

/// Fits by the transparent encoder, to the clips as they are.
#[track_caller]
fn fit(labels: &[&str], output: &Path, arguments: &[&str], code: i32) -> Run {
    let fixed = ["calibrate", MFCC, "--pairs", "real-real", "--condition", "mine", "--no-copies", "-o", word(output)];
    soundalike(&[&fixed[..], labels, arguments].concat()).exits(code)
}

fn read(path: &Path) -> Value {
    let file: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    assert_fits_schema("calibrate", &file);
    file
}

fn sha256(path: &Path) -> String {
    Sha256::digest(fs::read(path).unwrap()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Checks with a calibration, by the transparent encoder.
#[track_caller]
fn check(calibration: &Path, arguments: &[&str], code: i32) -> Value {
    let fixed = ["check", "--json", "--reference", REFERENCE, "--calibration", word(calibration)];
    let result = soundalike(&[&fixed[..], arguments].concat()).exits(code).json();
    assert_fits_schema("check", &result);
    result
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("no number: {value}"))
}

#[test]
fn a_calibration_of_ones_own_is_the_same_bytes_again_and_check_uses_it() {
    let folder = folder();
    let manifest = manifest(folder.path(), 12);
    let labels = ["--manifest", word(&manifest)];
    let path = folder.path().join("mine.json");
    let told = ["--language", "ru", "--source", "clips of the fixtures"];
    let run = fit(&labels, &path, &told, 0);
    let first = fs::read(&path).unwrap();
    for threads in ["1", "5"] {
        fit(&labels, &path, &[&told[..], &["--threads", threads]].concat(), 0);
        assert!(fs::read(&path).unwrap() == first, "{threads} threads");
    }
    let file = read(&path);
    assert_eq!(
        (&file["condition"], &file["language"], &file["pairs"]),
        (&json!("mine"), &json!("ru"), &json!("real-real"))
    );
    assert_eq!(
        (&file["source"], &file["program"]),
        (&json!("clips of the fixtures"), &json!(env!("CARGO_PKG_VERSION")))
    );
    for band in ["wide", "narrow"] {
        let (trials, fusion) = (&file[band]["trials"], &file[band]["fusion"]);
        assert_eq!((&trials["clips"], &trials["copies"], &trials["speakers"]), (&json!(36), &json!(0), &json!(12)));
        // Three clips a voice: each against the two others, and references of two against the third.
        assert_eq!(trials["target"], 12 * (3 * 2 + 4), "{trials}");
        assert!(trials["non_target"].as_u64().unwrap() > 1000, "{trials}");
        assert_eq!((&fusion["method"], &fusion["fingerprints"].as_object().unwrap().len()), (&json!("logistic"), &1));
        assert_eq!(fusion["ranges"]["exemplars"], json!({"low": 1.0, "high": 2.0}));
        let (lower, upper) = (number(&fusion["bounds"]["lower"]), number(&fusion["bounds"]["upper"]));
        assert!(lower < 0.0 && 0.0 < upper, "{fusion}");
        let validation = &file[band]["validation"];
        assert_eq!(validation["folds"], 8);
        for method in ["logistic", "pav", "bi_gaussian", "bounded"] {
            let figures = &validation[method];
            let [cllr, cllr_min, eer] = ["cllr", "cllr_min", "eer"].map(|key| number(&figures[key]));
            assert!(0.0 <= cllr_min && cllr_min <= cllr && (0.0..=0.5).contains(&eer), "{method}: {figures}");
        }
        // Voices so unlike are told apart by any encoder.
        assert!(number(&validation["bounded"]["cllr"]) < 0.8, "{validation}");
    }
    for words in
        ["condition        mine\n", "wide band", "narrow band", "36 clips and 0 copies of 12 speakers", "Cllr_min"]
    {
        assert!(run.stdout.contains(words), "{words}: {}", run.stdout);
    }

    let result = check(&path, &[MFCC, CANDIDATE, "voices/slt/tts/02.wav", "--language", "ru"], 0);
    let [own, other] = result["candidates"].as_array().unwrap().as_slice() else { panic!("two rows") };
    for row in [own, other] {
        let evidence = &row["evidence"];
        assert_eq!((&evidence["condition"], &evidence["calibration"]), (&json!("mine"), &json!(sha256(&path))));
        assert_eq!((&row["likeness"]["by"]["name"], row["likeness"]["by_fusion"].is_number()), (&json!("mfcc"), true));
        let [low, log10, high] = ["low", "log10_lr", "high"].map(|key| number(&evidence[key]));
        assert!(low <= log10 && log10 <= high, "{evidence}");
        assert!(
            evidence["statement"].as_str().unwrap().contains("spoken by the person of the reference"),
            "{evidence}"
        );
    }
    assert!(number(&own["evidence"]["llr"]) > number(&other["evidence"]["llr"]), "{result}");
    assert!(number(&other["evidence"]["llr"]) < 0.0, "{result}");
    let summary = &result["calibration"];
    assert_eq!((&summary["origin"], &summary["sha256"]), (&json!(path), &json!(sha256(&path))));
    let wide = &summary["wide"];
    assert_eq!((&wide["trials"], &wide["validation"]), (&file["wide"]["trials"], &file["wide"]["validation"]));
    assert_eq!(result["language"], json!({"declared": "ru", "calibration": "ru", "checked": "same"}));
    // More encoders do no harm, others do.
    let more = check(&path, &["--encoder=mfcc,mfcc_lda", CANDIDATE], 0);
    assert_eq!(more["candidates"][0]["evidence"], own["evidence"]);
    let row = &check(&path, &["--encoder=mfcc_lda", CANDIDATE], 0)["candidates"][0];
    assert_eq!((&row["evidence"], &row["evidence_withheld"]["code"]), (&Value::Null, &json!("no_calibration")));
    let message = row["evidence_withheld"]["message"].as_str().unwrap();
    assert!(message.contains("of the condition mine") && message.contains("expected scores of mfcc"), "{message}");

    // It is as good for a validation.
    let arguments = ["evaluate", "--json", MFCC, "--manifest", word(&manifest), "--calibration", word(&path)];
    let result = soundalike(&arguments).exits(0).json();
    assert_eq!(result["calibration"], json!({"condition": "mine", "origin": path, "sha256": sha256(&path)}));
    assert!(number(&result["fusion"]["cllr"]["point"]) < 1.0 && result["fusion_refused"].is_null(), "{result}");
}

#[test]
fn a_validation_says_how_many_of_its_clips_the_calibration_was_fitted_on() {
    let folder = folder();
    let manifest = manifest(folder.path(), 12);
    let calibration = folder.path().join("mine.json");
    fit(&["--manifest", word(&manifest)], &calibration, &[], 0);
    let table = fs::read_to_string(&manifest).unwrap();
    let clips: Vec<PathBuf> = table.lines().skip(1).map(|line| line.split('\t').next().unwrap().into()).collect();
    let mut told: Vec<String> = clips.iter().map(|clip| sha256(clip)[..16].into()).collect();
    told.sort();
    assert_eq!(read(&calibration)["fitted_on"], json!(told));

    // Three voices of fixtures by clips of the fit, and two that were not in it, of each.
    let others = |voices: &[(&str, usize, usize)]| {
        let mut text = String::from("path\tspeaker\tkind\n");
        for (voice, first, last) in voices {
            for n in *first..=*last {
                text += &format!("{}\t{voice}\treal\n", word(&fixtures().join(format!("voices/{voice}/0{n}.wav"))));
            }
        }
        let path = folder.path().join("test.tsv");
        fs::write(&path, text).unwrap();
        path
    };
    let evaluate = |manifest: &Path, calibration: &Path, form: &str| {
        let files = ["--manifest", word(manifest), "--calibration", word(calibration)];
        soundalike(&[&["evaluate", MFCC, form], &files[..]].concat()).exits(0)
    };
    let overlapping = others(&[("carlo/real", 2, 5), ("nsh/real", 4, 5), ("ivrvoice/real", 1, 2)]);
    let run = evaluate(&overlapping, &calibration, "--json");
    let result = run.json();
    assert_fits_schema("evaluate", &result);
    assert_eq!((&result["clips"]["scored"], &result["clips"]["in_fit"]), (&json!(8), &json!(4)));
    let warning = "4 of 8 clips were in the fit of this calibration: the figures of its ratio flatter";
    assert!(run.stderr.contains(warning), "{}", run.stderr);
    let text = evaluate(&overlapping, &calibration, "--no-color");
    assert!(text.stdout.contains(warning), "{}", text.stdout);

    // Other clips of the same voices: none.
    let disjoint = others(&[("carlo/real", 4, 5), ("nsh/real", 4, 5), ("ivrvoice/real", 4, 5)]);
    let run = evaluate(&disjoint, &calibration, "--no-color");
    assert_eq!(run.stderr, "");
    assert!(run.stdout.contains("none of the clips was in its fit"), "{}", run.stdout);
    assert_eq!(evaluate(&disjoint, &calibration, "--json").json()["clips"]["in_fit"], 0);

    // A calibration of before does not tell, and without one there is nothing to tell.
    let mut file = read(&calibration);
    file.as_object_mut().unwrap().remove("fitted_on");
    let old = folder.path().join("old.json");
    fs::write(&old, file.to_string()).unwrap();
    assert_eq!(evaluate(&overlapping, &old, "--json").json()["clips"]["in_fit"], Value::Null);
    let text = evaluate(&overlapping, &old, "--no-color").stdout;
    assert!(text.contains("does not tell which clips it was fitted on"), "{text}");
}

#[test]
fn copies_widen_the_range_that_a_calibration_covers() {
    let folder = folder();
    let manifest = manifest(folder.path(), 10);
    let (plain, spoilt) = (folder.path().join("plain.json"), folder.path().join("spoilt.json"));
    fit(&["--manifest", word(&manifest)], &plain, &[], 0);
    let arguments = ["calibrate", MFCC, "--pairs", "real-real", "--condition", "mine", "-o", word(&spoilt)];
    soundalike(&[&arguments[..], &["--manifest", word(&manifest)]].concat()).exits(0);
    let (plain, spoilt) = (read(&plain), read(&spoilt));
    let trials = &spoilt["wide"]["trials"];
    assert!(trials["clips"] == 30 && trials["copies"].as_u64().unwrap() > 60, "{trials}");
    let low = |file: &Value, quantity: &str| number(&file["wide"]["fusion"]["ranges"][quantity]["low"]);
    for quantity in ["net_speech_s", "snr_db", "level_dbfs"] {
        assert!(low(&spoilt, quantity) < low(&plain, quantity), "{quantity}");
    }
    // A short clip lies outside the one and inside the other.
    let length = (low(&spoilt, "net_speech_s"), low(&plain, "net_speech_s"));
    assert!(length.0 < 1.5 && length.1 > 2.0, "{length:?}");
    let cut = folder.path().join("cut.wav");
    write_wav(&cut, 16_000, &[&samples(CANDIDATE)[16_000..16_000 + 32_000]]);
    let (plain, spoilt) = (folder.path().join("plain.json"), folder.path().join("spoilt.json"));
    let row = &check(&plain, &[MFCC, word(&cut)], 2)["candidates"][0];
    let reason = &row["reason"];
    assert_eq!((&reason["code"], &reason["quantity"]), (&json!("outside_validated"), &json!("net_speech_s")), "{row}");
    assert_eq!(reason["condition"], "mine");
    let row = &check(&spoilt, &[MFCC, word(&cut)], 0)["candidates"][0];
    assert!(row["evidence"].is_object(), "{row}");
}

#[test]
fn every_method_is_fitted_and_the_one_that_was_asked_for_is_used() {
    let folder = folder();
    let manifest = manifest(folder.path(), 12);
    let of = |method: &str| {
        let path = folder.path().join(format!("{method}.json"));
        fit(&["--manifest", word(&manifest)], &path, &["--method", method], 0);
        let file = read(&path);
        assert_eq!(file["wide"]["fusion"]["method"], method);
        let result = check(&path, &[MFCC, CANDIDATE, "voices/slt/tts/02.wav"], 0);
        let llrs = [0, 1].map(|i| number(&result["candidates"][i]["evidence"]["llr"]));
        assert!(llrs[0] >= llrs[1] && llrs[1] < 0.0, "{method}: {llrs:?}");
        let validation = file["wide"]["validation"].clone();
        (file["wide"]["fusion"]["map"].clone(), ["logistic", "pav", "bi_gaussian"].map(|m| validation[m].clone()), llrs)
    };
    let (logistic, pav, gaussian) = (of("logistic"), of("pav"), of("bi-gaussian"));
    for other in [&pav, &gaussian] {
        assert_eq!((&other.0, &other.1), (&logistic.0, &logistic.1), "all three are fitted and validated alike");
        assert_ne!(other.2, logistic.2);
    }
    let output = folder.path().join("x.json");
    let fails = |arguments: &[&str], words: &[&str]| {
        let fixed = ["calibrate", MFCC, "-o", word(&output), "--manifest", word(&manifest), "--pairs", "real-real"];
        soundalike(&[&fixed[..], arguments].concat()).fails(words);
        assert!(!output.exists());
    };
    fails(&["--condition", "x", "--method", "svm"], &["--method", "logistic, pav or bi-gaussian"]);
    fails(&["--condition", "x", "--weighted-to", "1"], &["weighted-to: found 1"]);
    fails(&["--condition", "x", "--ridge=-1"], &["ridge", "found -1"]);
    fails(&[], &["--condition <NAME>"]);
}

#[test]
fn a_list_of_trials_is_fitted_to_as_it_stands() {
    let folder = folder();
    let voices = clips(folder.path());
    let mut text = String::new();
    for (i, (_, own)) in voices.iter().enumerate() {
        for (a, b) in [(0, 1), (0, 2), (1, 2)] {
            text += &format!("1\t{}\t{}\n", word(&own[a]), word(&own[b]));
        }
        for (_, other) in &voices[i + 1..] {
            (0..3).for_each(|n| text += &format!("0\t{}\t{}\n", word(&own[n]), word(&other[n])));
        }
    }
    let list = folder.path().join("trials.txt");
    fs::write(&list, &text).unwrap();
    let path = folder.path().join("mine.json");
    fit(&["--trials", word(&list)], &path, &[], 0);
    let trials = &read(&path)["wide"]["trials"];
    let counts = ["clips", "speakers", "target", "non_target"].map(|key| trials[key].as_u64().unwrap());
    assert_eq!(counts, [36, 12, 12 * 3, 12 * 11 / 2 * 3]);
    let first = fs::read(&path).unwrap();
    fit(&["--trials", word(&list)], &path, &["--threads", "3"], 0);
    assert!(fs::read(&path).unwrap() == first);
    let row = &check(&path, &[MFCC, "voices/slt/tts/02.wav"], 0)["candidates"][0];
    assert!(number(&row["evidence"]["llr"]) < 0.0, "{row}");
    // A list says itself what is compared: a clip with the bytes of another keeps its trials, as in a validation.
    let twin = folder.path().join("twin.wav");
    fs::copy(&voices[0].1[1], &twin).unwrap();
    text += &format!("1\t{}\t{}\n", word(&voices[0].1[0]), word(&twin));
    fs::write(&list, text).unwrap();
    fit(&["--trials", word(&list)], &path, &[], 0);
    let trials = &read(&path)["wide"]["trials"];
    assert_eq!((&trials["clips"], &trials["target"]), (&json!(37), &json!(12 * 3 + 1)));
}

#[test]
fn too_few_speakers_are_no_calibration() {
    let folder = folder();
    let path = folder.path().join("mine.json");
    let fails = |manifest: &Path, words: &[&str]| {
        let fixed = ["calibrate", MFCC, "--pairs", "real-real", "--condition", "mine", "--no-copies"];
        soundalike(&[&fixed[..], &["-o", word(&path), "--manifest", word(manifest)]].concat()).fails(words);
        assert!(!path.exists(), "nothing is written");
    };
    fails(
        &manifest(folder.path(), 9),
        &["calibration: found 9 speakers in pairs, expected at least 10", "add speakers"],
    );
    fails(&manifest(folder.path(), 1), &["calibration: found "]);
    let missing = folder.path().join("none.tsv");
    fails(&missing, &["none.tsv", "No such file"]);
    // Recordings alone make no pairs with synthetic clips.
    let manifest = manifest(folder.path(), 12);
    let arguments = ["calibrate", MFCC, "--condition", "mine", "-o", word(&path), "--manifest", word(&manifest)];
    soundalike(&arguments).fails(&["calibration: found "]);
    soundalike(&["calibrate", MFCC, "--condition", "mine", "-o", word(&path)]).fails(&["--manifest <FILE>"]);
}

#[test]
fn clips_that_cannot_be_fitted_to_are_named() {
    let folder = folder();
    let manifest = manifest(folder.path(), 12);
    let path = folder.path().join("mine.json");
    fit(&["--manifest", word(&manifest)], &path, &[], 0);
    let good = fs::read(&path).unwrap();
    let mut text = fs::read_to_string(&manifest).unwrap();
    let (bad, twin) = (fixtures().join("malformed/text.wav"), fixtures().join("voices/nsh/real/01.wav"));
    text += &format!("{}\tnsh\treal\n{}\tnsh\treal\n", word(&bad), word(&twin));
    fs::write(&manifest, text).unwrap();
    let run = fit(&["--manifest", word(&manifest)], &path, &[], 3);
    for (clip, words) in [(&bad, "found text, expected an audio file"), (&twin, "the same bytes as ")] {
        assert!(run.stderr.contains(&format!("warning: {}: {words}", word(clip))), "{}", run.stderr);
    }
    assert_eq!(run.stderr.lines().count(), 2, "{}", run.stderr);
    assert!(fs::read(&path).unwrap() == good, "they are of no consequence");
}

/// Four clips each of the voices of the fixtures, as they are and played slower and faster, ten voices a page and one on
/// a page of its own.
fn pages(folder: &Path) -> PathBuf {
    let mut text = String::from("path\tspeaker\tkind\tpage\tnumber\n");
    let played = [16_000, 12_800, 20_000].into_iter().flat_map(|rate| VOICES.map(|voice| (rate, voice)));
    for (number, (rate, voice)) in played.take(21).enumerate() {
        let page = ["a", "b", "c"][number / 10];
        for n in 1..=4 {
            let path = folder.join(format!("{number}-{n}.wav"));
            write_wav(&path, rate, &[&samples(&format!("voices/{voice}/0{n}.wav"))]);
            text += &format!("{}\t{number}\treal\t{page}\t{number}\n", word(&path));
        }
    }
    let path = folder.join("pages.tsv");
    fs::write(&path, text).unwrap();
    path
}

#[test]
fn groups_are_left_out_one_by_one_and_every_value_is_accounted_for() {
    let folder = folder();
    let manifest = pages(folder.path());
    let labels = ["--manifest", word(&manifest)];
    let path = folder.path().join("mine.json");
    let run = fit(&labels, &path, &["--group", "page"], 0);
    let first = fs::read(&path).unwrap();
    fit(&labels, &path, &["--group", "page", "--threads", "1"], 0);
    assert!(fs::read(&path).unwrap() == first, "1 thread");
    let file = read(&path);
    for band in ["wide", "narrow"] {
        let column = &file[band]["groups"][0];
        assert_eq!((&column["column"], &column["pooled"]), (&json!("page"), &json!(["c"])));
        let groups = column["groups"].as_array().unwrap();
        let counts = |group: &Value| ["value", "speakers", "target", "judged"].map(|name| group[name].clone());
        let expected = [
            [json!("a"), json!(10), json!(60), json!(true)],
            [json!("b"), json!(10), json!(60), json!(true)],
            [json!("other"), json!(1), json!(6), json!(false)],
        ];
        assert_eq!(groups.iter().map(counts).collect::<Vec<_>>(), expected, "{column}");
        assert_eq!(groups[0]["non_target"], 40 * 36 / 2, "every pair of two voices of the page");
        let rates = &groups[0]["rates"];
        let excess = number(&rates["eer"]["point"]) - number(&rates["encoders"]["mfcc"]["point"]);
        assert!((excess - number(&rates["against_best"]["point"])).abs() < 1e-12, "{rates}");
        assert_eq!((&groups[2]["rates"], &column["means"]["groups"]), (&Value::Null, &json!(2)));
        let mean = (number(&groups[0]["rates"]["eer"]["point"]) + number(&groups[1]["rates"]["eer"]["point"])) / 2.0;
        assert!((mean - number(&column["means"]["eer"])).abs() < 1e-12, "{column}");
        // So many speakers support no more.
        let bounds = &file[band]["fusion"]["bounds"];
        let most = (21.0f64 + 1.0).ln() + 1e-9;
        assert!(number(&bounds["upper"]) <= most && -number(&bounds["lower"]) <= most, "{bounds}");
    }
    for words in ["page left out", "(other)", "other            c\n", "mean of 2 "] {
        assert!(run.stdout.contains(words), "{words}: {}", run.stdout);
    }
    // Every value is too small, and without all of them nothing is left to fit to.
    let none = folder.path().join("none.json");
    let refused = fit(&labels, &none, &["--group", "number"], 2);
    for words in ["no value of the column number", "at least 10 speakers"] {
        assert!(refused.stderr.contains(words), "{}", refused.stderr);
    }
    assert!(!none.exists());
    let missing = fit(&labels, &none, &["--group", "cave"], 2);
    assert!(missing.stderr.contains("cave is missing"), "{}", missing.stderr);
}

#[test]
fn statistics_of_the_recording_are_not_summed_with_networks() {
    let folder = folder();
    let manifest = manifest(folder.path(), 12);
    let out = folder.path().join("mine.json");
    let fixed = ["calibrate", "--encoder", "mfcc,campplus", "--condition", "x", "-o", word(&out)];
    soundalike(&[&fixed[..], &["--manifest", word(&manifest)]].concat()).fails(&["mfcc,campplus", "ge2e, campplus"]);
}
