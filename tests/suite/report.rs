//! `soundalike report` and `check --report`: the document says what the result says, and nothing else.

use crate::program::{CANDIDATE, MFCC, REFERENCE, copy, fixtures, folder, run, soundalike, word, write_narrow};
use serde_json::{Value, json};
use soundalike::encoder::Band;
use soundalike::report::document::{Block, Document};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const STRANGER: &str = "voices/librivox/real/01.wav";

/// Text of a page without its tags.
fn words(page: &str) -> String {
    let mut text = String::new();
    for part in page.split('<') {
        text.push(' ');
        text.push_str(part.split_once('>').map_or(part, |(_, after)| after));
    }
    let text = text.replace("&quot;", "\"").replace("&#39;", "'").replace("&lt;", "<").replace("&gt;", ">");
    text.replace("&amp;", "&").split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A figure as a report writes it.
fn figure(x: &Value, decimals: usize) -> String {
    let x = x.as_f64().unwrap();
    let digits = format!("{:.decimals$}", x.abs());
    if x < 0.0 { format!("−{digits}") } else { digits }
}

#[test]
fn the_page_says_what_the_result_says() {
    let folder = folder();
    let [page, data] = ["report.html", "report.json"].map(|name| folder.path().join(name));
    let asked = [
        "check",
        "--json",
        "--reference",
        REFERENCE,
        CANDIDATE,
        STRANGER,
        "--report",
        word(&page),
        "--report",
        word(&data),
        "--case-number",
        "12/26 <b>",
        "--client",
        "A. Client",
        "--question",
        "Who is meant? \"She\" & 'he'",
    ];
    let result = soundalike(&asked).exits(0);
    let (page, data) = (fs::read_to_string(page).unwrap(), fs::read_to_string(data).unwrap());

    // The data hold the result as it was printed, to the byte.
    assert!(data.contains(result.stdout.trim()), "the result is not in report.json as it is");
    let report: Value = serde_json::from_str(&data).unwrap();
    crate::program::assert_fits_schema("report", &report);
    assert_eq!(report["result"], result.json());
    assert_eq!(report["case"]["number"], "12/26 <b>");

    let text = words(&page);
    for words in ["12/26 <b>", "A. Client", "Who is meant? \"She\" & 'he'", report["result_sha256"].as_str().unwrap()] {
        assert!(text.contains(words), "no {words:?} in {text}");
    }
    let made_by = format!("soundalike {} (models {})", soundalike::VERSION, soundalike::models_version());
    assert!(text.contains(&made_by), "no {made_by:?} in {text}");
    for candidate in result.json()["candidates"].as_array().unwrap() {
        for encoder in ["mfcc", "mfcc_lda", "ge2e", "campplus"] {
            assert!(text.contains(&figure(&candidate["scores"][encoder]["cosine"], 3)), "{encoder}");
            assert!(text.contains(&figure(&candidate["scores"][encoder]["distance"], 3)), "{encoder}");
        }
        let evidence = &candidate["evidence"];
        assert!(text.contains(evidence["statement"].as_str().unwrap()), "{evidence}");
        assert!(text.contains(evidence["verbal"].as_str().unwrap()));
        assert!(text.contains(&figure(&evidence["log10_lr"], 2)));
        assert!(text.contains(candidate["sha256"].as_str().unwrap()));
    }
    for clip in result.json()["reference"]["clips"].as_array().unwrap() {
        assert!(text.contains(clip["sha256"].as_str().unwrap()));
    }
    // The voice is described as inspect describes it.
    let inspected = soundalike(&["inspect", "--voice", "--json", CANDIDATE]).exits(0).json();
    assert_eq!(report["findings"]["candidates"][0]["voice"], inspected["clips"][0]["voice"]);
    let validation = &report["findings"]["validations"][0];
    let cllr = &validation["rates"]["cllr"];
    let [point, low, high] = ["point", "low", "high"].map(|end| figure(&cllr[end], 3));
    assert!(
        text.contains(&format!("Cllr {point} {low} … {high}")),
        "value and interval are of the same trials: {cllr}"
    );
    assert!(text.contains(&format!("Cllr {}", figure(&validation["cross_validation"]["bounded"]["cllr"], 3))));
    // Nothing runs on the page and nothing is loaded from elsewhere.
    assert!(!page.contains("<script") && !page.contains(" src=\"http") && !page.contains(" href=\"http"));
    assert_eq!(page.matches("<audio").count(), 4, "reference and candidate, for both");
    assert_eq!(page.matches("<svg").count(), page.matches("</svg>").count());
}

#[test]
fn a_report_of_a_result_is_that_of_the_check() {
    let folder = folder();
    let at = |name: &str| folder.path().join(name);
    let check = |more: &[&str]| {
        let asked = ["check", "--json", "--threads=1", "--reference", REFERENCE, CANDIDATE];
        soundalike(&[&asked[..], more].concat()).exits(0).stdout
    };
    let names = [at("a.html"), at("a.json")];
    let result = check(&["--report", word(&names[0]), "--report", word(&names[1])]);
    assert_eq!(result, check(&[]), "a report changes nothing in the result");
    fs::write(at("result.json"), &result).unwrap();
    let again = [at("b.html"), at("b.json"), at("c.html"), at("silent.html")];
    let [page, data, third, silent] = again.each_ref().map(|path| word(path));
    let made = soundalike(&["report", word(&at("result.json")), "-o", page, "-o", data, "--threads=3"]).exits(0);
    assert_eq!(made.stdout, format!("written          {page}\nwritten          {data}\n"));
    soundalike(&["verify", page]).fails(&["found a page, expected what soundalike check --json prints"]);
    assert_eq!(fs::read(&names[0]).unwrap(), fs::read(page).unwrap());
    assert_eq!(fs::read(&names[1]).unwrap(), fs::read(data).unwrap());
    // A report is made of a report too; what it was told of the case stays.
    soundalike(&["report", data, "-o", third]).exits(0);
    assert_eq!(fs::read(page).unwrap(), fs::read(third).unwrap());
    soundalike(&["report", data, "-o", silent, "--no-audio"]).exits(0);
    let silent = fs::read_to_string(silent).unwrap();
    assert!(!silent.contains("<audio") && silent.contains("<svg"));
}

#[test]
fn the_case_is_told_by_a_file_and_options_go_before_it() {
    let folder = folder();
    let at = |name: &str| folder.path().join(name);
    fs::write(
        at("case.toml"),
        "number = \"7/26\"\nanalyst = \"B. Analyst\"\ndate = \"26 November 2026\"\n\
         population = \"adults, for the voice is an adult's\"\n",
    )
    .unwrap();
    let asked = |case: &str, page: &str| {
        soundalike(&[
            "check",
            "-q",
            MFCC,
            "--reference",
            REFERENCE,
            CANDIDATE,
            "--report",
            page,
            "--case",
            case,
            "--case-number",
            "8/26",
        ])
    };
    asked(word(&at("case.toml")), word(&at("r.html"))).exits(0);
    let text = words(&fs::read_to_string(at("r.html")).unwrap());
    assert!(text.contains("8/26") && !text.contains("7/26"), "{text:.500}");
    for stated in ["B. Analyst", "26 November 2026", "adults, for the voice is an adult's"] {
        assert!(text.contains(stated), "no {stated:?} in {text}");
    }
    fs::write(at("bad.toml"), "nummer = \"7/26\"\n").unwrap();
    asked(word(&at("bad.toml")), word(&at("s.html"))).fails(&[
        "bad.toml",
        "nummer",
        "number, client, analyst, question",
    ]);
    assert!(!at("s.html").exists());
}

#[test]
fn what_cannot_be_made_is_said_before_anything_is_computed() {
    let folder = folder();
    let at = |name: &str| folder.path().join(name);
    let check =
        |report: &Path| soundalike(&["check", MFCC, "--reference", REFERENCE, CANDIDATE, "--report", word(report)]);
    check(&at("report.docx")).fails(&["report.docx", ".html, .pdf or .json"]);
    check(&at("none/report.html")).fails(&["none/report.html"]);
    if !cfg!(feature = "pdf") {
        check(&at("report.pdf")).fails(&["--features pdf", ".html"]);
    }
    fs::write(at("other.json"), "{\"a\": 1}").unwrap();
    let page = at("x.html");
    soundalike(&["report", word(&at("other.json")), "-o", word(&page)]).fails(&["other.json", "check --json"]);
    soundalike(&["report", word(&at("gone.json")), "-o", word(&page)]).fails(&["gone.json"]);
    fs::write(at("empty.json"), "").unwrap();
    soundalike(&["report", word(&at("empty.json")), "-o", word(&page)]).fails(&["empty file"]);
    assert!(!page.exists());
}

#[test]
fn no_report_is_made_of_a_result_that_does_not_come_out_the_same() {
    let folder = folder();
    let at = |name: &str| folder.path().join(name);
    let result = soundalike(&["check", "--json", MFCC, "--reference", REFERENCE, CANDIDATE]).exits(0);
    let mut told = result.json();
    told["candidates"][0]["scores"]["mfcc"]["cosine"] = 0.999.into();
    fs::write(at("result.json"), serde_json::to_string(&told).unwrap()).unwrap();
    let run = soundalike(&["report", word(&at("result.json")), "-o", word(&at("r.html"))]).exits(1);
    assert!(run.stderr.contains("result.candidates[0].scores.mfcc.cosine is told as 0.999"), "{}", run.stderr);
    assert!(!at("r.html").exists());
}

#[test]
fn hostile_names_stay_names() {
    let folder = folder();
    let names =
        ["<script>alert(1)<", "a\"onload=\"x.wav", "=cmd|' !A0.wav", "\u{1b}[31mred\u{202e}gpj.wav", "line\nbreak.wav"];
    let names = names.map(|name| name.replace('/', "_"));
    let mut arguments = vec!["check".to_string(), "--json".into(), MFCC.into(), "--reference".into()];
    arguments.push(fixtures().join(REFERENCE).to_str().unwrap().into());
    for name in &names {
        copy(CANDIDATE, &folder.path().join(name));
        arguments.push(folder.path().join(name).to_str().unwrap().into());
    }
    let at = |name: &str| folder.path().join(name);
    let (page, data) = (at("r.html"), at("r.json"));
    arguments.extend(["--report", word(&page), "--report", word(&data)].map(String::from));
    arguments
        .extend(["--client", "<img src=x onerror=alert(1)>", "--question", "</blockquote><script>"].map(String::from));
    let mut command = Command::new(env!("CARGO_BIN_EXE_soundalike"));
    command.args(&arguments);
    run(command).exits(0);
    let text = fs::read_to_string(&page).unwrap();
    assert!(
        !text.contains("<script") && !text.contains("<img") && !text.contains('\u{1b}') && !text.contains('\u{202e}')
    );
    assert!(words(&text).contains("<script>alert(1)<"), "the name is told as it is");
    let mut command = Command::new(env!("CARGO_BIN_EXE_soundalike"));
    command.args(["verify", word(&data)]);
    run(command).exits(0);
}

#[test]
fn a_refused_candidate_a_telephone_and_a_single_recording_have_their_report() {
    let folder = folder();
    let at = |name: &str| folder.path().join(name);
    write_narrow(CANDIDATE, &at("phone.wav"));
    copy("malformed/bits-13.wav", &at("broken.wav"));
    let single = fixtures().join(REFERENCE).join("01.wav");
    let page = at("r.html");
    soundalike(&[
        "check",
        "-q",
        "--reference",
        word(&single),
        word(&at("phone.wav")),
        word(&at("broken.wav")),
        "--report",
        word(&page),
    ])
    .exits(3);
    let text = words(&fs::read_to_string(&page).unwrap());
    assert!(text.contains("was not compared"), "{text:.2000}");
    assert!(text.contains("up to 3.4 kHz"), "the narrow band is told");
    assert!(text.contains("The reference is a single recording"));
}

/// The words of a page's section on the validation.
fn validation_of(page: &Path) -> String {
    let page = fs::read_to_string(page).unwrap();
    let section = page.split_once("<section id=\"validation\"").unwrap().1;
    words(section.split_once("</section>").unwrap().0)
}

#[test]
fn the_validation_is_that_of_the_bands_that_candidates_were_compared_in() {
    let folder = folder();
    let at = |name: &str| folder.path().join(name);
    write_narrow(CANDIDATE, &at("phone.wav"));
    copy(CANDIDATE, &at("take.wav"));
    fs::create_dir(at("telephone")).unwrap();
    for n in 1..=3 {
        write_narrow(&format!("{REFERENCE}/0{n}.wav"), &at(&format!("telephone/0{n}.wav")));
    }
    let calibration = soundalike::library::LoadedCalibration::built_in("real-synthetic").unwrap().calibration;
    let rates = |band| calibration.of_band(band).rates.cllr;
    let cllr = |band| format!("Cllr {:.3} {:.3} … {:.3}", rates(band).point, rates(band).low, rates(band).high);
    let (wide, narrow) = (cllr(Band::Wide), cllr(Band::Narrow));
    assert_ne!(wide, narrow);
    let telephone = at("telephone");
    for (reference, candidates, bands) in [
        (REFERENCE, vec!["phone.wav"], [false, true]),
        (word(&telephone), vec!["take.wav"], [false, true]),
        (REFERENCE, vec!["take.wav"], [true, false]),
        (REFERENCE, vec!["phone.wav", "take.wav"], [true, true]),
    ] {
        let (page, data) = (at("r.html"), at("r.json"));
        let paths: Vec<PathBuf> = candidates.iter().map(|name| at(name)).collect();
        let options = ["--report", word(&page), "--report", word(&data)];
        let check = ["check", "-q", "--reference", reference];
        let run =
            soundalike(&[&check[..], &paths.iter().map(|path| word(path)).collect::<Vec<_>>(), &options].concat());
        let text = run.exits(0).stdout;
        let section = validation_of(&page);
        for (band, name, figures, used) in
            [(Band::Wide, "wide", &wide, bands[0]), (Band::Narrow, "narrow", &narrow, bands[1])]
        {
            assert_eq!(section.contains(figures), used, "{candidates:?}, {name}: {section}");
            for words in [
                format!("figures, {name} band"),
                format!("Validation, {name} band: Tippett plot"),
                format!("validated on, {name} band"),
            ] {
                assert_eq!(section.contains(&words), used, "{candidates:?}, {words}: {section}");
            }
            // The line of the text, and the data.
            let means = calibration.of_band(band).groups[0].means.as_ref().unwrap();
            let short = format!("EER {:.1} %, Cllr {:.2}", 100.0 * means.eer, means.cllr);
            assert_eq!(text.contains(&short), used, "{candidates:?}, {short}: {text}");
        }
        let report: Value = serde_json::from_str(&fs::read_to_string(&data).unwrap()).unwrap();
        let told = &report["result"]["calibration"]["narrow"];
        match bands[1] {
            true => assert_eq!(told["trials"], serde_json::to_value(calibration.narrow.trials).unwrap()),
            false => assert_eq!(*told, Value::Null),
        }
        let method = words(&fs::read_to_string(&page).unwrap());
        assert_eq!(method.contains("The fit of the narrow band rests on"), bands[1]);
        assert_eq!(method.contains("The fit of the wide band rests on"), bands[0]);
        for name in candidates {
            assert!(section.contains(name), "{name}: {section}");
        }
    }
}

/// The section on the validation and the whole page, with these groups in the place of the shipped calibration's.
fn validated_on(groups: &Value) -> [String; 2] {
    let folder = folder();
    let [page, path] = ["r.html", "calibration.json"].map(|name| folder.path().join(name));
    let shipped = fixtures().join("../models/calibration_real_synthetic.json");
    let mut calibration: Value = serde_json::from_str(&fs::read_to_string(shipped).unwrap()).unwrap();
    calibration["wide"]["groups"] = groups.clone();
    fs::write(&path, calibration.to_string()).unwrap();
    let files = ["--calibration", word(&path), "--report", word(&page)];
    soundalike(&[&["check", "-q", "--reference", REFERENCE, CANDIDATE][..], &files].concat()).exits(0);
    [validation_of(&page), words(&fs::read_to_string(&page).unwrap())]
}

#[test]
fn the_validation_says_what_was_left_out_and_how_each_group_did() {
    let range = |point: f64, low: f64, high: f64| json!({"point": point, "low": low, "high": high});
    let rates = json!({
        "eer": range(0.03, 0.01, 0.05), "cllr": range(0.12, 0.1, 0.3), "cllr_min": range(0.09, 0.05, 0.2),
        "calibration_loss": range(0.03, 0.0, 0.1), "best": "campplus", "against_best": range(-0.01, -0.015, 0.002),
        "encoders": {"ge2e": range(0.06, 0.02, 0.1), "campplus": range(0.04, 0.02, 0.08)},
    });
    let group = |value: &str, judged: bool, target: usize, rates: &Value| {
        json!({"value": value, "speakers": 12, "target": target, "non_target": 300, "judged": judged, "rates": rates,
            "non_target_misleading": 0.05})
    };
    let means = json!({"groups": 1, "eer": 0.03, "cllr": 0.12, "cllr_min": 0.09, "worst": "north", "worst_eer": 0.03,
        "encoders": {"ge2e": 0.06, "campplus": 0.04}});
    let rows = [group("north", true, 60, &rates), group("other", false, 0, &Value::Null)];
    let column = |name: &str, misleading: f64| json!({"column": name, "groups": rows, "pooled": ["east", "west"], "means": means, "misleading": misleading});

    let [section, page] = validated_on(&json!([column("page", 1.203), column("studio", 0.4)]));
    for words in [
        "each web page or corpus that recordings were taken from was left out in turn, with all its speakers",
        "north 12 60 300 3.00 4.00 CAM++ −1.00 (−1.50 … +0.20) 0.120 (0.100 … 0.300) 0.090",
        "(other) 12 0 300 – – – – –",
        "mean of 1 – – – 3.00 4.00 −1.00 0.120 0.090",
        "fewer than 10 speakers, 40 trials of one voice or 200 of two",
        "tested together as “other”: east, west",
        "60 trials in which the first proposition is true, 600 in which the second is",
        "with each page left out up to 1.21 times as many did",
        "with one value of studio was left out in the same way",
        "GE2E 6.00 %, CAM++ 4.00 %",
    ] {
        assert!(section.contains(words), "no {words:?}: {section}");
    }
    assert!(!section.contains("with each studio left out up to"), "{section}");
    assert!(page.contains("errors on groups (page) left out of the fit"), "the first page");

    let [section, page] = validated_on(&json!([]));
    assert!(section.contains("the speakers were divided into 8 parts") && section.contains("with speakers left out"));
    for words in ["mean of", "(page)", "left out in turn", "over groups"] {
        assert!(!section.contains(words), "{words:?}: {section}");
    }
    assert!(page.contains("errors on speakers left out of the fit"), "the first page");
}

#[test]
fn a_voice_model_makes_a_report_without_its_recordings() {
    let folder = folder();
    let at = |name: &str| folder.path().join(name);
    soundalike(&["enrol", REFERENCE, "-o", word(&at("nsh.model"))]).exits(0);
    let (page, data, model) = (at("r.html"), at("r.json"), at("nsh.model"));
    let asked =
        ["check", "-q", "--reference", word(&model), CANDIDATE, "--report", word(&page), "--report", word(&data)];
    soundalike(&asked).exits(0);
    let text = words(&fs::read_to_string(&page).unwrap());
    assert!(text.contains("from voice model") && text.contains("could not be described"), "{text:.3000}");
    soundalike(&["verify", word(&data)]).exits(0);
}

#[test]
fn a_scan_has_a_summary_and_a_page_for_each_clip_at_the_threshold() {
    let folder = folder();
    let at = |name: &str| folder.path().join(name);
    for (voice, clip) in
        [("nina", "voices/nsh/tts/01.wav"), ("nina", "voices/nsh/tts/02.wav"), ("rms", "voices/rms/tts/01.wav")]
    {
        fs::create_dir_all(at("lib").join(voice)).unwrap();
        copy(clip, &at("lib").join(voice).join(clip.rsplit('/').next().unwrap()));
    }
    let scan = soundalike(&["scan", "-q", "--format=jsonl", "--reference", REFERENCE, word(&at("lib"))]).exits(0);
    fs::write(at("scan.jsonl"), &scan.stdout).unwrap();
    let page = at("scan.html");
    soundalike(&["report", word(&at("scan.jsonl")), "-o", word(&page), "--case-number", "9/26"]).exits(0);
    let page = fs::read_to_string(&page).unwrap();
    let text = words(&page);
    assert_eq!(page.matches("<section id=\"clip-").count(), 2, "{text}");
    assert!(text.contains("9/26") && text.contains("nina/01.wav") && text.contains("rms/01.wav"));
    let voice: Value = serde_json::from_str(scan.stdout.lines().nth(1).unwrap()).unwrap();
    assert!(text.contains(&figure(&voice["hits"][0]["cosines"]["campplus"], 3)));
    assert!(text.contains(voice["hits"][0]["sha256"].as_str().unwrap()));
    assert_no_claim(&text, "the report of a scan");
    soundalike(&["report", word(&at("scan.jsonl")), "-o", word(&at("scan.json"))]).fails(&["its own result"]);
}

#[test]
fn a_translation_is_a_file() {
    let folder = folder();
    let at = |name: &str| folder.path().join(name);
    let english = soundalike(&["report", "--print-texts"]).exits(0).stdout;
    let german = english.replace("title = \"In short\"", "title = \"Kurz gesagt\"").replace("\"en\"", "\"de\"");
    fs::write(at("de.toml"), german).unwrap();
    let page = at("r.html");
    let check = |texts: &str| {
        let asked =
            ["check", "-q", MFCC, "--reference", REFERENCE, CANDIDATE, "--report", word(&page), "--texts", texts];
        soundalike(&asked)
    };
    check(word(&at("de.toml"))).exits(0);
    let text = fs::read_to_string(&page).unwrap();
    assert!(text.contains("<html lang=\"de\">") && text.contains("Kurz gesagt"));
    fs::write(at("cut.toml"), english.replace("{percentile}", "")).unwrap();
    check(word(&at("cut.toml"))).fails(&["cut.toml", "percentile"]);
}

/// Words that a report must not use of its own accord, in lower case: it weighs evidence, and does not decide.
const CLAIMS: [&str; 17] = [
    "match",
    "matches",
    "matched",
    "matching",
    "identified",
    "identifies",
    "identify",
    "identification",
    "identity",
    "same person",
    "proves",
    "proven",
    "proof",
    "voiceprint",
    "doubtless",
    "conclusively",
    "guilty",
];

/// Sentences that turn a likelihood ratio into a probability of a proposition.
const PROBABILITIES: [&str; 10] = [
    "% likely",
    "% probable",
    "% certain",
    "% sure",
    "probability that",
    "likelihood that",
    "chance that",
    "is probably",
    "most likely",
    "confidence",
];

#[track_caller]
fn assert_no_claim(text: &str, place: &str) {
    let text = text.to_lowercase();
    let tokens: Vec<&str> = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let plain = tokens.join(" ");
    for claim in CLAIMS {
        let found = format!(" {plain} ").contains(&format!(" {claim} "));
        assert!(!found, "{place} says {claim:?}: {text}");
    }
    for words in PROBABILITIES {
        assert!(!text.contains(words), "{place} says {words:?}: {text}");
    }
}

/// The document of a check with the program's own functions.
fn document_of(candidates: &[&str], force: bool) -> Document {
    use soundalike::encoder::{Panel, PanelSettings};
    use soundalike::library::check::CheckSettings;
    use soundalike::library::cohort::Cohort;
    use soundalike::library::findings::examination;
    use soundalike::library::{LoadedCalibration, ReferenceSource};
    use soundalike::report::case::{CaseFacts, CaseInfo, document};
    let panel = Panel::new(&PanelSettings::default()).unwrap();
    let reference =
        ReferenceSource::read(&[fixtures().join(REFERENCE)], &soundalike::encryption::Keys::none()).unwrap();
    let (calibration, cohort) = (LoadedCalibration::built_in("real-synthetic").unwrap(), Cohort::built_in().unwrap());
    let settings = CheckSettings {
        calibration: Some(&calibration),
        cohort: Some(&cohort),
        prior: Some(0.01),
        as_norm: true,
        language: Some("de".into()),
        force,
        ..Default::default()
    };
    let paths: Vec<_> = candidates.iter().map(|path| fixtures().join(path)).collect();
    let examination = examination(&panel, &reference, &paths, &settings, &Default::default()).unwrap();
    let case = CaseInfo::default();
    let facts = CaseFacts { case: &case, result_sha256: &"0".repeat(64), examination: &examination, sounds: true };
    document(&facts, &soundalike::report::texts::Texts::english().unwrap())
}

#[test]
fn a_report_weighs_evidence_and_claims_nothing() {
    assert_no_claim(soundalike::report::texts::ENGLISH, "the table of texts");
    let clips =
        [&[CANDIDATE][..], &[STRANGER], &[CANDIDATE, STRANGER, "voices/nsh/real/01.wav", "malformed/bits-13.wav"]];
    for candidates in clips {
        let document = document_of(candidates, candidates.len() > 2);
        for (text, own) in document.texts() {
            if own {
                assert_no_claim(text, "the document");
            }
        }
        // What should be known before the answer is relied on stands on its page.
        let warned = document.sections[0]
            .blocks
            .iter()
            .any(|block| matches!(block, Block::Caution { text } if text.contains("declared to be in de")));
        assert!(warned, "the first page does not say that the language differs");
        // A ratio is never told without what it is not.
        let told = document.texts().into_iter().filter(|(text, _)| text.contains("times more probable"));
        for (text, _) in told {
            assert!(text.contains("not the probability of either proposition"), "{text}");
        }
        // Every picture says in words what it shows.
        for block in document.sections.iter().flat_map(|section| &section.blocks) {
            if let Block::Figures { figures } = block {
                assert!(figures.iter().all(|figure| figure.alternative.len() > 40), "{figures:?}");
            }
        }
    }
}
