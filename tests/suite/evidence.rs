//! What `soundalike check` says of a score: the rank in a population, the likelihood ratio and the controls, and when
//! it says none of them.

use crate::program::{
    CANDIDATE, MFCC, REFERENCE, Run, assert_fits_schema, copy, folder, samples, soundalike, with_noise, word,
    write_narrow, write_wav,
};
use serde_json::{Value, json};
use std::f64::consts::LN_10;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

/// Synthetic clips of other voices than the reference's.
const STRANGERS: [&str; 5] = ["slt", "awb", "rms", "kal16", "heart"];

fn stranger(voice: &str) -> String {
    format!("voices/{voice}/tts/01.wav")
}

/// Checks against the reference.
#[track_caller]
fn run(arguments: &[&str], code: i32) -> Run {
    soundalike(&[&["check", "--reference", REFERENCE], arguments].concat()).exits(code)
}

#[track_caller]
fn check(arguments: &[&str], code: i32) -> Value {
    let result = run(&[&["--json"], arguments].concat(), code).json();
    assert_fits_schema("check", &result);
    result
}

/// The result of the pair alone, which many others are held against.
static PAIR: LazyLock<Value> = LazyLock::new(|| check(&[CANDIDATE], 0));

fn pair() -> &'static Value {
    &rows(&PAIR)[0]
}

fn rows(result: &Value) -> &[Value] {
    result["candidates"].as_array().unwrap()
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("no number: {value}"))
}

fn llr(row: &Value) -> f64 {
    number(&row["evidence"]["llr"])
}

/// A row without anything that a score would mean.
#[track_caller]
fn assert_says_nothing(row: &Value) {
    let meanings =
        ["likeness", "likeness_withheld", "evidence", "evidence_withheld", "controls", "cohort_fit", "as_norm"];
    for key in meanings {
        assert_eq!(row[key], Value::Null, "{key}: {row}");
    }
}

/// A clip of the pair in noise as loud as itself.
fn noisy(folder: &Path) -> PathBuf {
    let path = folder.join("noisy.wav");
    let noisy: Vec<f64> = with_noise(&samples(CANDIDATE), 0.0).into_iter().map(|x| 0.5 * x).collect();
    write_wav(&path, 16_000, &[&noisy]);
    path
}

#[test]
fn the_pair_ranks_high_among_the_cohort_and_other_voices_do_not() {
    let strangers = STRANGERS.map(stranger);
    let mut candidates = vec![CANDIDATE, "voices/nsh/tts/02.wav"];
    candidates.extend(strangers.iter().map(String::as_str));
    let result = check(&candidates, 0);
    let cohort = &result["cohort"];
    assert_eq!(cohort["origin"], "built in");
    assert!(cohort["sha256"].as_str().unwrap().len() == 64 && !cohort["source"].as_str().unwrap().is_empty());
    assert!(cohort["caution"].as_str().unwrap().contains("soundalike cohort"), "{cohort}");
    let sexes: u64 = cohort["by_sex"].as_object().unwrap().values().map(|n| n.as_u64().unwrap()).sum();
    assert!(sexes > 0 && sexes <= cohort["n"].as_u64().unwrap(), "{cohort}");
    for row in rows(&result) {
        let likeness = &row["likeness"];
        let [percentile, low, high] = ["percentile", "low", "high"].map(|key| number(&likeness[key]));
        assert!(0.0 <= low && low <= percentile && percentile <= high && high <= 100.0, "{likeness}");
        assert!(high - low < 20.0, "so many voices leave the rank less open: {likeness}");
        assert_eq!(likeness["n"], cohort["n"]);
        // A rank is a number of voices.
        let below = percentile * number(&likeness["n"]) / 100.0;
        assert!((below - below.round()).abs() < 1e-6, "{likeness}");
        let nearest = likeness["nearest"].as_array().unwrap();
        let scores: Vec<f64> = nearest.iter().map(|voice| number(&voice["score"])).collect();
        assert!(scores.len() == 3 && scores.is_sorted_by(|a, b| a >= b), "{likeness}");
        let closer = nearest.iter().filter(|voice| voice["closer"] == true).count() as f64;
        assert_eq!(closer, (number(&likeness["n"]) - below.round()).min(3.0), "{likeness}");
        assert!(nearest.iter().all(|voice| !voice["name"].as_str().unwrap().is_empty()), "{likeness}");
        assert_eq!(
            (&likeness["by"]["name"], likeness["by_encoder"].as_object().unwrap().len()),
            (&json!("campplus"), 4)
        );
        assert_eq!(row["likeness_withheld"], Value::Null);
    }
    let percentile = |row: &Value| number(&row["likeness"]["percentile"]);
    let (own, others) = rows(&result).split_at(2);
    for own in own {
        assert!(percentile(own) > 99.0, "{own}");
        assert!(others.iter().all(|other| percentile(other) < percentile(own)), "{result}");
    }
    // The shown rank is the same.
    let text = run(&candidates[..2], 0).stdout;
    let n = &cohort["n"];
    assert_eq!(text.matches(&format!(" % of {n} cohort voices (95 % interval ")).count(), 2, "{text}");
    assert!(text.contains("likeness         closer than 100 % of ") && text.contains("nearest others   "), "{text}");
    assert_eq!(text.matches(&format!("population       {n} voices")).count(), 1, "{text}");
}

#[test]
fn the_ratio_supports_the_first_proposition_for_the_pair_and_the_second_for_other_voices() {
    let strangers = STRANGERS.map(stranger);
    let own = ["voices/nsh/tts/01.wav", "voices/nsh/tts/02.wav", "voices/nsh/tts/03.wav", "voices/nsh/tts/04.wav"];
    let mut candidates = own.to_vec();
    candidates.extend(strangers.iter().map(String::as_str));
    let result = check(&candidates, 0);
    let calibration = &result["calibration"];
    assert_eq!((&calibration["condition"], &calibration["origin"]), (&json!("real-synthetic"), &json!("built in")));
    let propositions = [0, 1].map(|i| calibration["propositions"][i].as_str().unwrap());
    for (i, row) in rows(&result).iter().enumerate() {
        let evidence = &row["evidence"];
        let of = |key: &str| number(&evidence[key]);
        let log10 = of("log10_lr");
        assert!((log10 - llr(row) / LN_10).abs() < 1e-12, "{evidence}");
        assert!(of("low") <= log10 && log10 <= of("high"), "{evidence}");
        let [least, most] = [0, 1].map(|i| number(&evidence["bounds_log10_lr"][i]));
        assert!(least < 0.0 && 0.0 < most, "{evidence}");
        for value in [log10, of("low"), of("high")] {
            assert!((least..=most).contains(&value), "{evidence}");
        }
        assert!((of("unbounded_log10_lr").clamp(least, most) - log10).abs() < 1e-12, "{evidence}");
        assert_eq!(
            (&evidence["condition"], &evidence["calibration"]),
            (&json!("real-synthetic"), &calibration["sha256"])
        );
        assert_eq!((&evidence["verbal_scale"], &evidence["posterior"]), (&json!("ENFSI 2015"), &Value::Null));
        let statement = evidence["statement"].as_str().unwrap();
        for words in [propositions[0], propositions[1], "times more probable if", "not the probability"] {
            assert!(statement.contains(words), "{words}: {statement}");
        }
        let verbal = evidence["verbal"].as_str().unwrap();
        let (first, second) = (statement.find(propositions[0]).unwrap(), statement.find(propositions[1]).unwrap());
        if i < own.len() {
            assert!(log10 > 0.5 && first < second && verbal.ends_with("for the first proposition"), "{evidence}");
        } else {
            assert!(log10 < -0.5 && second < first && verbal.ends_with("for the second proposition"), "{evidence}");
        }
        assert_eq!(row["evidence_withheld"], Value::Null);
    }
    let text = run(&candidates[3..5], 0).stdout;
    for row in &rows(&result)[3..5] {
        let evidence = &row["evidence"];
        let line = format!("evidence         log10 LR {:+.1}", number(&evidence["log10_lr"]));
        assert!(text.contains(&line) && text.contains(evidence["statement"].as_str().unwrap()), "{line}: {text}");
    }
    assert_eq!(text.matches("\ncalibration      real-synthetic (built in), ").count(), 1, "{text}");
}

#[test]
fn the_condition_decides_the_propositions() {
    let of = |condition: &str| check(&["--condition", condition, "voices/nsh/tts/01.wav"], 0);
    let (named, real) = (of("real-synthetic"), of("real-real"));
    assert_eq!(*PAIR, named);
    assert_eq!(real["calibration"]["condition"], "real-real");
    assert_eq!(rows(&real)[0]["scores"], rows(&named)[0]["scores"]);
    assert_ne!(real["calibration"]["sha256"], named["calibration"]["sha256"]);
    assert_ne!(real["calibration"]["propositions"], named["calibration"]["propositions"]);
    let spoken = real["calibration"]["propositions"][0].as_str().unwrap();
    assert!(rows(&real)[0]["evidence"]["statement"].as_str().unwrap().contains(spoken), "{real}");
    soundalike(&["check", "--reference", REFERENCE, CANDIDATE, "--condition", "telephone"]).fails(&[
        "condition: found \"telephone\"",
        "expected real-synthetic or real-conversion or real-real, or a file of your own by --calibration",
    ]);
    soundalike(&["check", "--reference", REFERENCE, CANDIDATE, "--condition", "real-real", "--calibration", "x.json"])
        .fails(&["--condition <NAME>", "--calibration <FILE>"]);
}

#[test]
fn without_the_encoders_of_the_calibration_there_is_a_rank_by_the_strongest_and_no_ratio() {
    for (encoders, strongest, label) in [("mfcc", "mfcc", "MFCC"), ("mfcc,ge2e", "ge2e", "GE2E")] {
        let result = check(&["--encoder", encoders, CANDIDATE], 0);
        let row = &rows(&result)[0];
        let (likeness, withheld) = (&row["likeness"], &row["evidence_withheld"]);
        assert_eq!((&row["evidence"], &withheld["code"]), (&Value::Null, &json!("no_calibration")));
        let message = withheld["message"].as_str().unwrap();
        let scores = format!("found scores of {encoders}, expected scores of ge2e,campplus");
        for words in [&scores[..], "real-synthetic", "soundalike calibrate"] {
            assert!(message.contains(words), "{message}");
        }
        assert_eq!(likeness["by"], json!({"name": strongest, "weights": {strongest: 1.0}}));
        assert_eq!(likeness["percentile"], likeness["by_encoder"][strongest], "{likeness}");
        assert!(row["controls"]["floor"][strongest].is_object(), "{row}");
        let text = run(&["--encoder", encoders, CANDIDATE], 0).stdout;
        assert!(
            text.contains(&format!(") by {label}; than ")) && text.contains("evidence         not given: "),
            "{text}"
        );
    }
}

#[test]
fn controls_say_what_the_reference_itself_and_other_voices_reach() {
    let result = &*PAIR;
    let controls = &pair()["controls"];
    for encoder in ["mfcc", "mfcc_lda", "ge2e", "campplus"] {
        let (ceiling, floor) = (&controls["ceiling"][encoder], &controls["floor"][encoder]);
        for spread in [ceiling, floor] {
            let [low, median, high] = ["low", "median", "high"].map(|key| number(&spread[key]));
            assert!(-1.0 <= low && low <= median && median <= high && high <= 1.0, "{encoder}: {spread}");
        }
        assert_eq!((&ceiling["n"], &floor["n"]), (&json!(5), &result["cohort"]["n"]));
        assert!(number(&ceiling["median"]) > number(&floor["median"]), "{encoder}: {controls}");
    }
    let lines = |text: &str| {
        let found: Vec<String> = text.lines().filter(|l| l.starts_with("controls ")).map(str::to_string).collect();
        assert_eq!(found.len(), 1, "{text}");
        found[0].clone()
    };
    let text = run(&[CANDIDATE], 0).stdout;
    assert!(lines(&text).starts_with("controls         CAM++: reference against itself 0."), "{text}");

    // One recording cannot be held against itself, but a candidate can be held against it.
    let one = ["check", "--reference", "voices/nsh/real/01.wav", CANDIDATE, "voices/slt/tts/01.wav"];
    let alone = soundalike(&[&one[..], &["--json"]].concat()).exits(0).json();
    assert_fits_schema("check", &alone);
    for row in rows(&alone) {
        assert_eq!(row["controls"]["ceiling"], Value::Null);
        assert!(row["controls"]["floor"]["campplus"].is_object() && row["likeness"].is_object(), "{row}");
    }
    let [own, other] = rows(&alone) else { panic!("two rows") };
    assert!(llr(own) > 0.0 && llr(other) < 0.0, "{alone}");
    let text = soundalike(&one[..4]).exits(0).stdout;
    assert!(lines(&text).contains("reference against itself not available, cohort against reference"), "{text}");
}

#[test]
fn a_refused_candidate_means_nothing() {
    let refused = ["malformed/text.wav", "malformed/dc-only.wav", "malformed/truncated-data.wav", "no/such.wav"];
    let result = check(&[&refused[..], &[MFCC]].concat(), 2);
    for row in rows(&result) {
        assert_eq!((&row["status"], &row["scores"], &row["band"]), (&json!("refused"), &Value::Null, &Value::Null));
        assert_says_nothing(row);
    }
    let text = run(&[&refused[..], &[MFCC]].concat(), 2).stdout;
    for words in ["likeness ", "evidence ", "controls ", "population ", "calibration ", "cosine"] {
        assert!(!text.contains(words), "{words}: {text}");
    }
}

#[test]
fn a_candidate_of_a_quality_that_was_not_validated_is_refused() {
    let folder = folder();
    let path = noisy(folder.path());
    let result = check(&[CANDIDATE, word(&path)], 3);
    let row = &rows(&result)[1];
    let reason = &row["reason"];
    assert_eq!((&row["status"], &row["scores"], &row["band"]), (&json!("refused"), &Value::Null, &Value::Null));
    assert_says_nothing(row);
    assert_eq!((&reason["code"], &reason["quantity"]), (&json!("outside_validated"), &json!("snr_db")), "{reason}");
    assert_eq!((&reason["reference"], &reason["condition"]), (&json!(false), &json!("real-synthetic")));
    let (found, limit) = (number(&reason["found"]), number(&reason["limit"]));
    assert!(found < limit && (found - number(&row["quality"]["snr_db"])).abs() < 1e-3, "{reason}");
    let message = reason["message"].as_str().unwrap();
    for words in [
        &format!("the candidate has a signal-to-noise ratio of {found:.1} dB")[..],
        &format!("what was validated is at least {limit:.2} dB"),
        "a better recording",
        "--force",
    ] {
        assert!(message.contains(words), "{words}: {message}");
    }
    assert_eq!(rows(&result)[0], *pair(), "it stops nothing");
    let text = run(&[word(&path)], 2).stdout;
    assert!(text.contains("\nrefused          the candidate has a signal-to-noise ratio of "), "{text}");
    // A noisy reference spoils every candidate.
    let arguments = ["check", "--json", MFCC, "--reference", word(&path), CANDIDATE];
    let result = soundalike(&arguments).exits(2).json();
    let reason = &rows(&result)[0]["reason"];
    assert_eq!((&reason["code"], &reason["reference"]), (&json!("outside_validated"), &json!(true)), "{result}");
    assert!(reason["message"].as_str().unwrap().starts_with("the reference has a signal-to-noise ratio"), "{reason}");
}

#[test]
fn raw_scores_of_a_refused_candidate_can_be_forced_and_mean_nothing() {
    let folder = folder();
    let path = noisy(folder.path());
    let result = check(&["--force", word(&path), CANDIDATE], 3);
    let row = &rows(&result)[0];
    assert_eq!((&row["status"], &row["reason"]["code"]), (&json!("forced"), &json!("outside_validated")));
    for encoder in ["mfcc", "mfcc_lda", "ge2e", "campplus"] {
        assert!(row["scores"][encoder]["cosine"].is_number(), "{row}");
    }
    assert_says_nothing(row);
    assert_eq!(rows(&result)[1], *pair(), "what needs no force is as it was");
    let text = run(&["--force", word(&path)], 3).stdout;
    assert!(text.contains("\nrefused, forced  the candidate has ") && text.contains("\nCAM++ cosine     "), "{text}");
    for words in ["likeness ", "evidence ", "controls "] {
        assert!(!text.contains(words), "{words}: {text}");
    }
    // What is too short has scores too; what cannot be decoded has none.
    let forced = check(&["--force", MFCC, "malformed/truncated-data.wav", "malformed/text.wav"], 3);
    let [short, text] = rows(&forced) else { panic!("two rows") };
    assert_eq!((&short["status"], &short["reason"]["code"]), (&json!("forced"), &json!("too_little_speech")));
    assert!(short["scores"]["mfcc"]["cosine"].is_number());
    assert_eq!((&text["status"], &text["scores"]), (&json!("refused"), &Value::Null));

    // The gate takes a forced score for what it is.
    let gated = check(&["--force", MFCC, word(&path), "--fail-above", "mfcc=1"], 1);
    let gate = &gated["gate"];
    assert_eq!((&gate["passed"], &gate["above"]), (&json!(false), &json!([])));
    assert_eq!(gate["refused"], json!([word(&path)]));
}

#[test]
fn a_telephone_recording_is_compared_in_its_band_on_both_sides() {
    let folder = folder();
    let path = |name: &str| folder.path().join(name);
    let (own, other) = (path("own.wav"), path("other.wav"));
    write_narrow(CANDIDATE, &own);
    write_narrow("voices/slt/tts/01.wav", &other);
    let candidates = [word(&own), CANDIDATE, word(&other)];
    let result = check(&candidates, 0);
    let bands: Vec<&str> = rows(&result).iter().map(|row| row["band"].as_str().unwrap()).collect();
    assert_eq!(bands, ["narrow", "wide", "narrow"]);
    assert_eq!(rows(&result)[1], *pair(), "the others are of no consequence");
    let (wide, narrow) = (&result["settings"]["fingerprints"], &result["narrow_fingerprints"]);
    for encoder in ["mfcc", "mfcc_lda", "ge2e", "campplus"] {
        assert!(narrow[encoder].is_string() && narrow[encoder] != wide[encoder], "{narrow}");
    }
    assert_eq!(check(&[CANDIDATE, MFCC], 0)["narrow_fingerprints"], Value::Null);
    let [own_row, _, other_row] = rows(&result) else { panic!("three rows") };
    assert!(llr(own_row) > 0.0 && llr(other_row) < 0.0, "{result}");
    assert!(number(&own_row["likeness"]["percentile"]) > number(&other_row["likeness"]["percentile"]), "{result}");
    let warnings = own_row["quality"]["warnings"].as_array().unwrap();
    assert!(warnings.iter().any(|warning| warning["code"] == "narrow_band"), "{own_row}");
    let text = run(&candidates, 0).stdout;
    assert_eq!(text.matches("\nband             narrow: both sides").count(), 2, "{text}");

    // A voice model holds what it takes.
    let model = path("nsh.model");
    soundalike(&["enrol", REFERENCE, "-o", word(&model)]).exits(0);
    let arguments = [&["check", "--json", "--reference", word(&model)], &candidates[..]].concat();
    let enrolled = soundalike(&arguments).exits(0).json();
    assert_eq!(enrolled["narrow_fingerprints"], *narrow);
    for (a, b) in rows(&result).iter().zip(rows(&enrolled)) {
        for key in ["band", "scores", "likeness", "evidence", "controls"] {
            assert_eq!(a[key], b[key], "{key}");
        }
    }
    // And a narrow-band reference makes every comparison narrow.
    let arguments =
        ["check", "--json", MFCC, "--reference", REFERENCE, "--reference", word(&own), "voices/nsh/tts/02.wav"];
    let result = soundalike(&arguments).exits(0).json();
    assert_eq!(rows(&result)[0]["band"], "narrow");
}

#[test]
fn the_language_is_what_the_user_says_it_is() {
    let of = |arguments: &[&str]| {
        let arguments = [&["--json", MFCC, CANDIDATE], arguments].concat();
        let run = run(&arguments, 0);
        let remarks = run.json()["remarks"].as_array().unwrap().clone();
        let differs = remarks.into_iter().find(|remark| remark["code"] == "language_differs");
        assert_eq!(differs.is_some(), run.stderr.contains("warning: language: "), "{}", run.stderr);
        (run.json()["language"].clone(), differs)
    };
    let (language, remark) = of(&[]);
    let fitted = language["calibration"].as_str().unwrap().to_string();
    assert_eq!(language, json!({"declared": null, "calibration": fitted, "checked": "not checked"}));
    assert_eq!((remark, fitted.as_str()), (None, "en"));
    for same in ["en", "EN"] {
        let (language, remark) = of(&["--language", same]);
        assert_eq!((&language["checked"], remark), (&json!("same"), None));
    }
    let (language, remark) = of(&["--language", "de"]);
    assert_eq!((&language["declared"], &language["checked"]), (&json!("de"), &json!("differs")));
    let message = remark.unwrap()["message"].as_str().unwrap().to_string();
    for words in ["declared to be in de", "fitted on en", "not validated"] {
        assert!(message.contains(words), "{message}");
    }
    let text = run(&[MFCC, CANDIDATE, "--language", "de"], 0).stdout;
    assert!(text.contains("; language differs\n"), "{text}");
}

#[test]
fn a_posterior_follows_from_the_users_own_prior_and_is_given_only_then() {
    for prior in [0.5, 0.001] {
        let result = check(&["--prior", &prior.to_string(), CANDIDATE], 0);
        for row in rows(&result) {
            let posterior = &row["evidence"]["posterior"];
            assert_eq!(number(&posterior["prior"]), prior);
            let odds = prior / (1.0 - prior) * llr(row).exp();
            assert!((number(&posterior["posterior"]) - odds / (1.0 + odds)).abs() < 1e-12, "{posterior}");
        }
    }
    let text = run(&["--prior", "0.5", CANDIDATE], 0).stdout;
    assert!(text.contains("under your prior 0.5 before the evidence, 0."), "{text}");
    assert!(text.contains(" after it, if that prior is right\n"), "{text}");
    assert_eq!(pair()["evidence"]["posterior"], Value::Null);
    for bad in ["0", "1", "-0.5", "1.5", "nan", "inf"] {
        soundalike(&["check", MFCC, "--reference", REFERENCE, CANDIDATE, &format!("--prior={bad}")])
            .fails(&["prior: found ", "expected a probability above 0 and below 1"]);
    }
    soundalike(&["check", MFCC, "--reference", REFERENCE, CANDIDATE, "--prior", "x"]).fails(&["--prior <P>", "'x'"]);
}

#[test]
fn scores_are_normalised_by_the_population_where_it_fits_and_where_it_is_asked_for() {
    let candidates = [CANDIDATE, "voices/librivox/real/01.wav", "voices/kal16/tts/01.wav"];
    let result = check(&[&candidates[..], &["--as-norm"]].concat(), 0);
    assert_eq!((&pair()["as_norm"], &pair()["scores"]), (&Value::Null, &rows(&result)[0]["scores"]));
    for row in rows(&result) {
        let fit = &row["cohort_fit"];
        assert!(fit["candidate"].is_number() && fit["reference"].is_number(), "{fit}");
        let within = ["candidate", "reference"].iter().all(|side| number(&fit[side]).abs() <= 3.0);
        assert_eq!(fit["fits"], within, "{fit}");
        assert_eq!(row["as_norm"].is_object(), within, "{row}");
        let told = |remark: &Value| remark["code"] == "cohort_does_not_fit" && remark["about"] == row["path"];
        assert_eq!(result["remarks"].as_array().unwrap().iter().any(told), !within, "{result}");
    }
}

#[test]
fn a_strangers_clip_in_the_reference_is_named() {
    let folder = folder();
    let reference = folder.path().join("anna");
    fs::create_dir(&reference).unwrap();
    for n in 1..=5 {
        copy(&format!("{REFERENCE}/0{n}.wav"), &reference.join(format!("0{n}.wav")));
    }
    let unlike = |code| {
        let run = soundalike(&["check", "--json", "--reference", word(&reference), CANDIDATE]).exits(code);
        let remarks = run.json()["remarks"].as_array().unwrap().clone();
        // The others are not taken for voices of the population on its account.
        assert!(remarks.iter().all(|remark| remark["code"] != "cohort_voice_like_the_reference"), "{remarks:?}");
        let unlike: Vec<Value> =
            remarks.into_iter().filter(|remark| remark["code"] == "exemplar_unlike_the_others").collect();
        (unlike, run.stderr)
    };
    assert_eq!(unlike(0).0, [] as [Value; 0]);
    let strange = reference.join("06.wav");
    copy("voices/slt/tts/01.wav", &strange);
    let (named, warned) = unlike(0);
    assert_eq!(named.len(), 1, "{named:?}");
    assert_eq!(named[0]["about"], word(&strange));
    assert!(named[0]["message"].as_str().unwrap().contains("leave it out if it does not belong"), "{named:?}");
    assert!(
        warned.contains(&format!("warning: {}: is closer to the other reference clips", word(&strange))),
        "{warned}"
    );
}

#[test]
fn a_candidate_that_is_a_clip_of_the_reference_has_a_rank_and_no_ratio() {
    let folder = folder();
    let copied = folder.path().join("another name.wav");
    copy("voices/nsh/real/02.wav", &copied);
    let result = check(&["voices/nsh/real/03.wav", word(&copied)], 0);
    for (row, clip) in rows(&result).iter().zip(["voices/nsh/real/03.wav", "voices/nsh/real/02.wav"]) {
        assert_eq!((&row["evidence"], &row["status"]), (&Value::Null, &json!("scored")));
        let withheld = &row["evidence_withheld"];
        assert_eq!((&withheld["code"], &withheld["clip"]), (&json!("part_of_reference"), &json!(clip)));
        assert!(withheld["message"].as_str().unwrap().contains("compared with itself"), "{withheld}");
        assert_eq!(row["in_reference"]["code"], "same_content");
        assert!(row["likeness"].is_object(), "{row}");
    }
    let text = run(&[word(&copied)], 0).stdout;
    assert!(
        text.contains(
            "evidence         not given: the candidate has the same bytes as the reference clip voices/nsh/real/02.wav"
        ),
        "{text}"
    );
}

#[test]
fn a_calibration_that_cannot_be_right_is_refused_with_what_is_wrong() {
    let folder = folder();
    let path = folder.path().join("mine.json");
    let text = fs::read_to_string(shipped("calibration_real_synthetic.json")).unwrap();
    let fails = |bytes: &[u8], words: &[&str]| {
        fs::write(&path, bytes).unwrap();
        let words = [&["mine.json: found ", "expected ", "soundalike calibrate"], words].concat();
        soundalike(&["check", MFCC, "--reference", REFERENCE, "--calibration", word(&path), CANDIDATE]).fails(&words);
    };
    let changed = |change: &dyn Fn(&mut Value), words: &[&str]| {
        let mut file: Value = serde_json::from_str(&text).unwrap();
        change(&mut file);
        fails(&serde_json::to_vec(&file).unwrap(), words);
    };
    fails(b"", &["an empty file"]);
    fails(b"a letter", &["broken JSON"]);
    fails(&text.as_bytes()[..text.len() / 2], &["cut short"]);
    fails(b"{\"scores\": []}", &["JSON of another kind", "the format \"soundalike calibration\""]);
    fails(b"[1, 2]", &["the fields of a calibration"]);
    changed(&|file| file["format"] = json!("soundalike voice model"), &["the format \"soundalike voice model\""]);
    changed(&|file| file["version"] = json!(9), &["version 9", "version 2 of the format"]);
    changed(&|file| drop(file.as_object_mut().unwrap().remove("version")), &["no version"]);
    changed(&|file| drop(file.as_object_mut().unwrap().remove("wide")), &["missing field `wide`"]);
    changed(&|file| file["more"] = json!(1), &["unknown field `more`"]);
    changed(&|file| file["wide"]["fusion"]["map"]["coefficients"] = json!([1.0]), &["a map of another shape"]);
    changed(&|file| file["narrow"]["fusion"]["neutral"] = json!([2.0, 0.0]), &["the neutral cosines"]);
    changed(&|file| file["wide"]["fusion"]["bounds"]["lower"] = json!(1.0), &["bounds from 1 to "]);
    changed(&|file| file["wide"]["fusion"]["ranges"]["snr_db"] = json!({"low": 9.0, "high": 1.0}), &["snr_db"]);
    // A good one under another name is a calibration like any other.
    fs::write(&path, &text).unwrap();
    let result = check(&["--calibration", word(&path), CANDIDATE], 0);
    assert_eq!(result["calibration"]["origin"], word(&path));
    assert_eq!(rows(&result)[0]["evidence"], pair()["evidence"]);
    let none = folder.path().join("none.json");
    soundalike(&["check", "--reference", REFERENCE, "--calibration", word(&none), CANDIDATE]).fails(&[
        "none.json",
        "No such file",
        "check the spelling",
    ]);
    // A calibration for another extractor is left alone, with the reason.
    let mut other: Value = serde_json::from_str(&text).unwrap();
    other["wide"]["fusion"]["fingerprints"]["ge2e"] = json!("0123456789abcdef");
    fs::write(&path, serde_json::to_vec(&other).unwrap()).unwrap();
    let result = check(&["--calibration", word(&path), CANDIDATE], 0);
    let withheld = &rows(&result)[0]["evidence_withheld"];
    assert_eq!(withheld["code"], "no_calibration");
    assert!(withheld["message"].as_str().unwrap().contains("extractor 0123456789abcdef"), "{withheld}");
}

fn shipped(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("models").join(name)
}

#[test]
fn a_cohort_that_cannot_be_right_is_refused_with_what_is_wrong() {
    let folder = folder();
    let path = folder.path().join("mine.cohort");
    let good = fs::read(shipped("cohort.safetensors")).unwrap();
    let fails = |bytes: &[u8], words: &[&str]| {
        fs::write(&path, bytes).unwrap();
        let words = [&["mine.cohort: found ", "expected ", "soundalike cohort"], words].concat();
        soundalike(&["check", MFCC, "--reference", REFERENCE, "--cohort", word(&path), CANDIDATE]).fails(&words);
    };
    fails(b"", &["an empty file"]);
    fails(b"a letter to somebody", &["a whole safetensors file"]);
    fails(&good[..good.len() / 2], &["a whole safetensors file"]);
    fails(&good[..good.len() - 4], &["a whole safetensors file"]);
    fails(b"{\"format\": \"soundalike voice model\"}", &["a whole safetensors file"]);
    fails(&fs::read(shipped("ge2e.safetensors")).unwrap(), &["no description"]);
    // The same length, so that the rest of the header still holds.
    let at = |needle: &[u8]| good.windows(needle.len()).position(|window| window == needle).unwrap();
    let mut other = good.clone();
    let version = at(b"\\\"version\\\":1,");
    other[version + b"\\\"version\\\":".len()] = b'9';
    fails(&other, &["version 9", "version 1"]);
    let mut unlike = good.clone();
    let end = unlike.len();
    unlike[end - 4..].copy_from_slice(&f32::NAN.to_le_bytes());
    fails(&unlike, &["that are infinite or all 0"]);
    let none = folder.path().join("none.cohort");
    soundalike(&["check", "--reference", REFERENCE, "--cohort", word(&none), CANDIDATE]).fails(&[
        "none.cohort",
        "No such file",
        "check the spelling",
    ]);
    // The same bytes under another name are the same population.
    fs::write(&path, &good).unwrap();
    let result = check(&["--cohort", word(&path), MFCC, CANDIDATE], 0);
    let built_in = check(&["--cohort", "default", MFCC, CANDIDATE], 0);
    assert_eq!(result["cohort"]["origin"], word(&path));
    assert_eq!(result["cohort"]["sha256"], built_in["cohort"]["sha256"]);
    assert_eq!(result["candidates"], built_in["candidates"]);
}

#[test]
fn no_word_says_more_than_the_numbers_do() {
    let folder = folder();
    let path = noisy(folder.path());
    let candidates = [CANDIDATE, "voices/slt/tts/01.wav", "voices/nsh/real/01.wav", "malformed/text.wav", word(&path)];
    let options = ["--prior", "0.5", "--language", "de", "--as-norm", "--force", "--fail-above", "campplus=0.5"];
    for form in [&[][..], &["--json"]] {
        let run = run(&[&candidates[..], &options, form].concat(), 1);
        let said = format!("{}{}", run.stdout, run.stderr).to_lowercase();
        for word in ["match", "identif", "same person", "% likely", "confidence", "voiceprint", "identity"] {
            let at = said.find(word);
            let near = at.map(|at| said.get(at.saturating_sub(80)..(at + 80).min(said.len())));
            assert_eq!(at, None, "{word}: {near:?}");
        }
        assert!(said.contains("not the probability"), "{said}");
    }
}

#[test]
fn rank_ratio_and_controls_are_the_same_for_any_number_of_threads() {
    let folder = folder();
    let narrow = folder.path().join("narrow.wav");
    write_narrow("voices/rms/tts/01.wav", &narrow);
    let candidates = [CANDIDATE, word(&narrow), "voices/slt/tts/01.wav", "--as-norm", "--prior", "0.1"];
    let of = |threads: &str| {
        let run = run(&[&["--json", "--threads", threads], &candidates[..]].concat(), 0);
        (run.stdout, run.stderr)
    };
    let one = of("1");
    assert!(of("3") == one);
}
