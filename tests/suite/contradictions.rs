//! What stands beside a likelihood ratio: what each encoder adds, who contradicts whom, the bounds, what the validation
//! left out, and whether a number of expected false alarms is an upper bound.

use crate::program::{CANDIDATE, REFERENCE, assert_fits_schema, fixtures, folder, soundalike, word, write_narrow};
use serde_json::{Value, json};
use std::f64::consts::LN_10;
use std::fs;
use std::path::Path;

const STRANGER: &str = "voices/librivox/real/01.wav";

/// The shipped calibration with another fit in both bands.
fn calibration(folder: &Path, change: impl Fn(&mut Value)) -> String {
    let shipped = fixtures().join("../models/calibration_real_synthetic.json");
    let mut file: Value = serde_json::from_str(&fs::read_to_string(shipped).unwrap()).unwrap();
    ["wide", "narrow"].iter().for_each(|band| change(&mut file[*band]));
    let path = folder.join("calibration.json");
    fs::write(&path, file.to_string()).unwrap();
    word(&path).to_string()
}

/// A map of GE2E and CAM++ by their neutral cosines and weights, with bounds in powers of 10.
fn map(fit: &mut Value, neutral: [f64; 2], weights: [f64; 2], bounds: [f64; 2]) {
    let fusion = &mut fit["fusion"];
    fusion["neutral"] = json!(neutral);
    fusion["map"] = json!({"intercept": 0.0, "coefficients": weights.map(|x| x * LN_10)});
    fusion["replicates"] = json!([]);
    fusion["bounds"] = json!({"lower": bounds[0] * LN_10, "upper": bounds[1] * LN_10});
}

/// The headline of the validation: the judged groups of a column, with how often ratios mislead on them.
fn groups(fit: &mut Value, misleading: f64) {
    let encoders = json!({"ge2e": 0.1, "campplus": 0.05});
    let means = json!({"groups": 7, "eer": 0.0312, "cllr": 0.145, "cllr_min": 0.1, "encoders": encoders, "worst": "x",
        "worst_eer": 0.2});
    fit["groups"] = json!([{"column": "page", "groups": [], "pooled": [], "means": means, "misleading": misleading}]);
}

#[track_caller]
fn check(calibration: &str, candidates: &[&str]) -> (Value, String) {
    let arguments = [&["check", "--reference", REFERENCE, "--calibration", calibration][..], candidates].concat();
    let result = soundalike(&[&arguments[..], &["--json"]].concat()).exits(0).json();
    assert_fits_schema("check", &result);
    (result, soundalike(&arguments).exits(0).stdout)
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("no number: {value}"))
}

#[test]
fn encoders_that_contradict_each_other_are_named() {
    let folder = folder();
    // CAM++ is at 0.88 and GE2E at 0.95: one far above its neutral cosine, the other below.
    let file = calibration(folder.path(), |fit| map(fit, [0.999, 0.3], [20.0, 6.0], [-3.0, 3.0]));
    let page = folder.path().join("page.html");
    let (result, text) = check(&file, &[CANDIDATE, "--report", word(&page)]);
    let evidence = &result["candidates"][0]["evidence"];
    let parts = &evidence["parts_log10_lr"];
    let (ge2e, campplus) = (number(&parts["ge2e"]), number(&parts["campplus"]));
    assert!(ge2e < -0.5 && campplus > 2.0, "{evidence}");
    assert_eq!(evidence["conflict"], json!({"in_favour": "campplus", "against": "ge2e"}));
    let agreement = (campplus + ge2e) / (campplus - ge2e);
    assert!((number(&evidence["agreement"]) - agreement).abs() < 1e-9 && agreement < 1.0, "{evidence}");
    let ratio = (campplus + ge2e) * agreement;
    assert!((number(&evidence["unbounded_log10_lr"]) - ratio).abs() < 1e-9, "{evidence}");
    let line = format!(
        "contradiction    CAM++ supports one voice (log10 {campplus:+.1}), GE2E two voices ({ge2e:+.1}): the two \
         contradict each other, so the ratio is drawn towards 1\n"
    );
    assert!(text.contains(&line), "{line}: {text}");
    let page = fs::read_to_string(page).unwrap();
    let words = format!("CAM++ supports one voice (+{campplus:.1} in log₁₀), GE2E two voices (−{:.1})", ge2e.abs());
    assert_eq!(page.matches(&words).count(), 2, "on the first page and among the results");

    let agreeing = calibration(folder.path(), |fit| map(fit, [0.7, 0.3], [20.0, 6.0], [-3.0, 3.0]));
    let (result, text) = check(&agreeing, &[CANDIDATE]);
    let evidence = &result["candidates"][0]["evidence"];
    assert_eq!((&evidence["conflict"], number(&evidence["agreement"])), (&Value::Null, 1.0));
    assert!(!text.contains("contradiction"), "{text}");
}

#[test]
fn a_rank_and_a_ratio_that_contradict_each_other_are_named() {
    let folder = folder();
    let page = folder.path().join("page.html");
    let neutral_above_all = |fit: &mut Value| map(fit, [0.95, 0.95], [0.0, 6.0], [-3.0, 3.0]);
    let (result, text) =
        check(&calibration(folder.path(), neutral_above_all), &[CANDIDATE, STRANGER, "--report", word(&page)]);
    let conflicts = |result: &Value| [0, 1].map(|i| result["candidates"][i]["rank_conflict"].clone());
    assert_eq!(conflicts(&result), ["high_rank_ratio_below_1".into(), Value::Null]);
    let words =
        "closer than 100 % of the cohort voices, but the ratio is below 1: rank and ratio contradict each other";
    assert_eq!(text.matches(words).count(), 1, "{text}");
    let page = fs::read_to_string(page).unwrap();
    assert_eq!(page.matches("but the ratio is below 1: rank and ratio contradict each other").count(), 2);

    let neutral_below_all = |fit: &mut Value| map(fit, [0.0, -0.4], [0.0, 6.0], [-3.0, 3.0]);
    let (result, text) = check(&calibration(folder.path(), neutral_below_all), &[CANDIDATE, STRANGER]);
    assert_eq!(conflicts(&result), [Value::Null, "low_rank_ratio_above_10".into()]);
    assert!(text.contains(" % of the cohort voices, but the ratio is above 10: rank and ratio"), "{text}");
}

#[test]
fn a_ratio_at_a_bound_is_the_most_or_the_least_and_has_no_interval_of_equal_ends() {
    let folder = folder();
    let page = folder.path().join("page.html");
    let bounds = [-85f64.log10(), 350f64.log10()];
    let file = calibration(folder.path(), |fit| map(fit, [0.7, 0.5], [10.0, 20.0], bounds));
    let (result, text) = check(&file, &[CANDIDATE, STRANGER, "--report", word(&page)]);
    let of = |i: usize, key: &str| number(&result["candidates"][i]["evidence"][key]);
    for (i, bound) in [(0, bounds[1]), (1, bounds[0])] {
        let figures = ["log10_lr", "low", "high"].map(|key| of(i, key));
        assert!(figures.iter().all(|x| (x - bound).abs() < 1e-9), "JSON keeps its numbers: {result}");
    }
    let (most, least) = (of(0, "unbounded_log10_lr"), of(1, "unbounded_log10_lr"));
    for line in [
        format!(
            "evidence         log10 LR +2.5, LR 350 (the most that the validation data supports); log10 LR {most:+.1} \
             before the bound: about 350 times more probable if"
        ),
        format!(
            "evidence         log10 LR -1.9, LR 1/85 (the least that the validation data supports); log10 LR {least:+.1} \
             before the bound: about 85 times more probable if"
        ),
    ] {
        assert!(text.contains(&line), "{line}: {text}");
    }
    let page = fs::read_to_string(page).unwrap();
    for words in ["LR 350 (the most that the validation data supports)", "LR 1/85 (the least that the"] {
        assert_eq!(page.matches(words).count(), 2, "{words}: on the first page and among the results");
    }
    assert!(!page.contains("+2.54 to +2.54") && !page.contains("+2.5 to +2.5"), "an interval of equal ends");

    let library = ["voices/nsh/tts", "--calibration", &file];
    let scan = soundalike(&[&["scan", "--reference", REFERENCE][..], &library].concat()).exits(0).stdout;
    assert!(scan.contains("  at the bound  ") && !scan.contains("+2.5 to +2.5"), "{scan}");
    assert!(
        scan.contains("\n                 at the bound: LR 350 (the most that the validation data supports)\n"),
        "{scan}"
    );
    let locate = ["locate", "--reference", REFERENCE, CANDIDATE, "--calibration", &file];
    let locate = soundalike(&locate).exits(0).stdout;
    assert!(locate.contains("+2.5 (at the bound)") && locate.contains(" at the bound: LR 350 (the most "), "{locate}");
}

#[test]
fn expected_false_alarms_are_at_most_so_many_only_where_groups_left_out_keep_to_it() {
    let folder = folder();
    let more = |fit: &mut Value| groups(fit, 1.2);
    let none = |fit: &mut Value| fit["groups"] = json!([]);
    let kept = |fit: &mut Value| groups(fit, 1.0);
    type Change<'a> = &'a dyn Fn(&mut Value);
    for (change, holds) in [(&more as Change<'_>, false), (&none, false), (&kept, true)] {
        let file = calibration(folder.path(), |fit| {
            map(fit, [0.7, 0.5], [10.0, 20.0], [-2.0, 2.5]);
            change(fit);
        });
        let words = if holds { "at most" } else { "about" };
        let with =
            |arguments: &[&str]| soundalike(&[arguments, &["--reference", REFERENCE, "--calibration", &file]].concat());
        let lines = with(&["scan", "voices/slt/tts", "--format", "jsonl"]).exits(0).stdout;
        let voice: Value = serde_json::from_str(lines.lines().nth(1).unwrap()).unwrap();
        assert_eq!(voice["false_alarms"]["bound_holds"], holds, "{voice}");
        let text = with(&["scan", "voices/slt/tts"]).exits(0).stdout;
        assert!(text.contains(&format!("false alarms     {words} ")), "{text}");
        let result = folder.path().join("scan.jsonl");
        fs::write(&result, &lines).unwrap();
        let page = folder.path().join("scan.html");
        soundalike(&["report", word(&result), "-o", word(&page)]).exits(0);
        assert!(fs::read_to_string(&page).unwrap().contains(&format!(">{words} 0.")), "{words}");

        let located = with(&["locate", STRANGER, "--json"]).exits(0).json();
        assert_eq!(located["recordings"][0]["expected_false_windows_bound_holds"], holds);
        let text = with(&["locate", STRANGER]).exits(0).stdout;
        assert!(text.contains(&format!("were the voice nowhere in it, {words} ")), "{text}");

        let gate = with(&["check", CANDIDATE, "--fail-above", "log10_lr=1"]).exits(1).stdout;
        assert!(gate.contains(&format!("{words} 0.")) && gate.contains(" expected at the limit by chance"), "{gate}");
        let gate = with(&["check", CANDIDATE, "--fail-above", "log10_lr=1", "--json"]).exits(1).json();
        let hit = &gate["gate"]["clips"][0]["hits"][0];
        assert_eq!(hit["expected_false_alarms_bound_holds"], holds, "{gate}");
    }
    // A threshold on a cosine has no such bound.
    let cosine = ["scan", "--reference", REFERENCE, "voices/slt/tts", "--above", "campplus=0.5", "--format", "jsonl"];
    let lines = soundalike(&cosine).exits(0).stdout;
    let voice: Value = serde_json::from_str(lines.lines().nth(1).unwrap()).unwrap();
    assert_eq!(voice["false_alarms"]["bound_holds"], Value::Null, "{voice}");
}

#[test]
fn the_validation_is_shown_by_its_headline_in_the_band_of_the_candidates() {
    let folder = folder();
    let file = calibration(folder.path(), |fit| groups(fit, 0.1));
    let (result, text) = check(&file, &[CANDIDATE]);
    let headline = json!({"column": "page", "groups": 7, "eer": 0.0312, "cllr": 0.145});
    assert_eq!(result["calibration"]["wide"]["groups_left_out"], headline);
    assert_eq!(result["calibration"]["narrow"], Value::Null, "no ratio comes from it");
    let words = " speakers, validated on 7 groups (page) left out of the fit: EER 3.1 %, Cllr 0.1";
    assert!(text.contains(words), "{text}");

    let narrow = folder.path().join("narrow.wav");
    write_narrow(CANDIDATE, &narrow);
    let (result, text) = check(&file, &[word(&narrow)]);
    assert_eq!(result["calibration"]["narrow"]["groups_left_out"], headline);
    assert!(text.contains("narrow band: ") && text.matches(words).count() == 1, "{text}");
    let (_, text) = check(&file, &[word(&narrow), CANDIDATE]);
    assert_eq!(text.matches(words).count(), 2, "each band with its own: {text}");

    let file = calibration(folder.path(), |fit| fit["groups"] = json!([]));
    let (result, text) = check(&file, &[CANDIDATE]);
    assert_eq!(result["calibration"]["wide"]["groups_left_out"], Value::Null);
    let cllr = number(&result["calibration"]["wide"]["validation"]["bounded"]["cllr"]);
    assert!(text.contains(&format!(" speakers, cross-validated Cllr {cllr:.2}")), "{text}");
}

#[test]
fn propositions_say_what_was_heard() {
    let folder = folder();
    let page = folder.path().join("page.html");
    let asked = ["check", "--json", "--reference", REFERENCE, CANDIDATE, "--report", word(&page)];
    soundalike(&[&asked[..], &["--condition", "real-real"]].concat()).exits(0);
    assert!(fs::read_to_string(&page).unwrap().contains("first, that the recording was spoken by the person of the"));
    let result = soundalike(&asked).exits(0).json();
    let statement = result["candidates"][0]["evidence"]["statement"].as_str().unwrap();
    let words = "more probable if it reproduces this voice than if it reproduces another voice of the population";
    assert!(statement.contains(words), "{statement}");
    let page = fs::read_to_string(page).unwrap();
    assert!(
        page.contains("first, that the recording reproduces this voice; second, that the recording reproduces another")
    );
}
