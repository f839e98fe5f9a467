//! What holds for every command: help, usage, standard output against standard error, options of all.

use crate::program::{CANDIDATE, MFCC, REFERENCE, fixtures, run, soundalike};
use serde_json::Value;
use std::process::Command;

const COMMON: [&str; 6] = ["--threads", "--quiet", "--no-color", "--identity", "--audit", "--help"];

const COMMANDS: [(&str, &[&str]); 21] = [
    (
        "check",
        &[
            "--reference",
            "--channel",
            "--encoder",
            "--models",
            "--fail-above",
            "--condition",
            "--calibration",
            "--cohort",
            "--cohort-filter",
            "--as-norm",
            "--prior",
            "--language",
            "--force",
            "--report",
            "--case",
            "--no-audio",
            "mfcc_lda mean cepstra",
            "GE2E, a small",
            "CAM++, a speaker",
            "--json",
            "<CANDIDATE>",
            "[default: mix]",
            "mfcc=0.9",
        ],
    ),
    (
        "locate",
        &[
            "--reference",
            "--window",
            "--hop",
            "--above",
            "--name",
            "--labels",
            "--rttm",
            "--timeline",
            "--windows",
            "--fail",
            "--json",
            "[default: log10_lr=1]",
            "campplus=0.6",
            "<LONGFILE>",
            "Exit codes: 0",
        ],
    ),
    ("enrol", &["<REF>", "--output", "--channel", "--encoder", "--models", "Exit codes: 0", "voice model"]),
    ("inspect", &["--channel", "--voice", "--json", "<CLIP>", "Exit codes: 0"]),
    (
        "features",
        &[
            "--kind",
            "--preset",
            "--output",
            "--channel",
            "--encoder",
            "--models",
            "mfcc, fbank, embedding",
            "librosa-htk",
            "<CLIP>",
        ],
    ),
    (
        "evaluate",
        &[
            "--manifest",
            "--trials",
            "--root",
            "--split",
            "--where",
            "--where-synthetic",
            "--pairs",
            "--enrol",
            "--by",
            "--condition",
            "--calibration",
            "--as-norm",
            "--cohort",
            "--no-band-matching",
            "--rule",
            "--plots",
            "--encoder",
            "--models",
            "error by encoder",
            "speaker",
            "Exit codes: 0 done; 1 a rule does not hold",
        ],
    ),
    (
        "cohort",
        &[
            "[FOLDER]",
            "--manifest",
            "--root",
            "--split",
            "--where",
            "--source",
            "--opaque",
            "--output",
            "--encoder",
            "--models",
            "the voices that a candidate is ranked among",
            "Exit codes: 0 all clips were used; 3",
        ],
    ),
    (
        "calibrate",
        &[
            "--manifest",
            "--trials",
            "--pairs",
            "--condition",
            "--language",
            "--source",
            "--method",
            "logistic, pav or bi-gaussian",
            "--no-copies",
            "--output",
            "--encoder",
            "--models",
            "Exit codes: 0 all clips were used; 3",
        ],
    ),
    (
        "index",
        &[
            "[LIBRARY]",
            "--output",
            "--root",
            "--follow-links",
            "--no-ignore",
            "--narrow",
            "--rebuild",
            "--no-wait",
            "--check",
            "--channel",
            "--encoder",
            "--models",
            "--json",
            ".soundalikeignore",
            "Extract every clip of a library once",
        ],
    ),
    (
        "scan",
        &[
            "<LIBRARY>",
            "--reference",
            "--reference-set",
            "--top",
            "--above",
            "--by",
            "--expected-clips",
            "--condition",
            "--calibration",
            "--cohort",
            "--format",
            "--output",
            "--fail",
            "--cache",
            "Rank a whole library",
        ],
    ),
    (
        "groups",
        &["<LIBRARY>", "--above", "--band", "--cohort", "--json", "Find voices of a library that resemble each other"],
    ),
    ("protect", &["add", "list", "remove", "check", "Keep a list of protected voices"]),
    (
        "schema",
        &[
            "check, index, scan, groups, protect, inspect, evaluate, enrol, selftest, calibrate, cohort, locate, report, verify, forget",
            "[default: check]",
        ],
    ),
    (
        "report",
        &[
            "[RESULT]",
            "--output",
            "--case",
            "--case-number",
            "--client",
            "--analyst",
            "--question",
            "--date",
            "--no-audio",
            "--texts",
            "--root",
            "--models",
            "--print-texts",
            ".html, .pdf or .json",
            "Exit codes: 0 done; 1 the result could not be reproduced",
        ],
    ),
    (
        "bundle",
        &[
            "<REPORT>",
            "--output",
            "--no-recordings",
            "--sign",
            "--date",
            "--root",
            "--models",
            "SOUNDALIKE_KEY_PASSWORD",
            "minisign",
            "Exit codes: 0 done; 1 the case could not be reproduced",
        ],
    ),
    ("forget", &["[VOICE]", "--sha256", "--from", "--dry-run", "--json", "Exit codes: 0 done; 2"]),
    ("demo", &["--to", "Exit codes: 0 done; 2"]),
    ("completions", &["<SHELL>", "bash, elvish, fish, powershell, zsh"]),
    ("man", &["[COMMAND]", "--output"]),
    ("selftest", &["--models", "--json", "known answer", "Exit codes: 0 passed; 1"]),
    (
        "verify",
        &[
            "[WHAT]",
            "--root",
            "--public-key",
            "--other-platform",
            "--allow-uncovered",
            "--models",
            "--last",
            "--json",
            "Verify that evidence is as it was recorded",
            "Exit codes: 0 all is as it was recorded; 1",
            "3 another version made it",
        ],
    ),
];

#[test]
fn every_command_explains_itself() {
    for (command, words) in COMMANDS {
        for form in [[command, "--help"], [command, "-h"], ["help", command]] {
            let help = soundalike(&form).exits(0);
            assert_eq!(help.stderr, "");
            for word in words.iter().chain(&COMMON).chain(&["Usage: soundalike", "Example", "Exit codes: 0"]) {
                // Long lines are wrapped.
                let text = help.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
                assert!(text.contains(word), "{form:?} does not mention {word}: {}", help.stdout);
            }
            assert!(help.stdout.contains(&format!("\n  soundalike {command} ")), "{}", help.stdout);
        }
    }
    let help = soundalike(&["--help"]).exits(0).stdout;
    for (command, _) in COMMANDS {
        assert!(help.contains(&format!("\n  {command} ")), "{help}");
    }
    let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        help.contains(
            "Exit codes: 0 done; 1 a gate was hit, a rule does not hold, or the self-test or a verification failed; 2"
        ),
        "{help}"
    );
    let version = soundalike(&["--version"]).exits(0);
    let models = soundalike::models_version();
    assert_eq!(version.stdout, format!("soundalike {}\nmodels {models}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn one_thing_has_one_name_in_all_help_texts() {
    let helps: Vec<String> =
        COMMANDS.iter().map(|(command, _)| soundalike(&[command, "--help"]).exits(0).stdout).collect();
    for (option, named) in
        [("--models", "<FOLDER>"), ("--root", "<FOLDER>"), ("--cohort", "<NAME|FILE>"), ("--date", "<DATE>")]
    {
        let lines = helps.iter().flat_map(|help| help.lines()).map(str::trim_start);
        let lines: Vec<&str> = lines.filter(|line| line.starts_with(&format!("{option} <"))).collect();
        assert!(lines.len() > 1, "{option}: {lines:?}");
        assert!(lines.iter().all(|line| line.starts_with(&format!("{option} {named}"))), "{option}: {lines:?}");
    }
}

#[test]
fn texts_tell_the_narrow_band_as_it_is_computed() {
    let told = format!("p to {} kHz", soundalike::encoder::NARROW_BAND_TOP_HZ / 1000.0);
    for arguments in [&["index", "--help"][..], &["groups", "--help"], &["report", "--print-texts"]] {
        let text = soundalike(arguments).exits(0).stdout;
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(text.contains(&told), "no \"{told}\" in: {text}");
    }
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    assert!(readme.contains(&told));
}

#[test]
fn usage_mistakes_are_told_on_standard_error() {
    for (arguments, words) in [
        (&["frobnicate"][..], &["unrecognized subcommand 'frobnicate'", "--help"][..]),
        (&["chek"], &["check"]),
        (&["check"], &["--reference <PATH>", "<CANDIDATE>...", "Usage: soundalike check"]),
        (&["check", CANDIDATE], &["--reference <PATH>"]),
        (&["check", "--reference", REFERENCE], &["<CANDIDATE>..."]),
        (&["check", "--reference"], &["--reference <PATH>"]),
        (&["inspect"], &["<CLIP>..."]),
        (&["inspect", "--jsn", CANDIDATE], &["--jsn", "--json"]),
        (&["features", CANDIDATE], &["--kind <KIND>"]),
        (&["features", CANDIDATE, "--kind", "plp"], &["plp", "mfcc, fbank"]),
        (&["features", CANDIDATE, "--kind", "mfcc", "--preset", "sox"], &["sox", "librosa-htk"]),
        (&["report", "x.json"], &["--output <FILE>"]),
        (&["report", "-o", "x.html"], &["<RESULT>"]),
        (&["bundle", "x.json"], &["--output <FILE>"]),
        (&["verify"], &["a report, a result or a bundle, or --audit FILE"]),
        (&["evaluate"], &["--manifest <FILE>"]),
        (&["enrol", REFERENCE], &["--output <FILE>"]),
        (&["enrol", "-o", "x.model"], &["<REF>..."]),
        (&["cohort", "voices"], &["--output <FILE>"]),
        (&["cohort", "-o", "x.cohort"], &["<FOLDER>"]),
        (&["calibrate", "--manifest", "x.tsv", "-o", "x.json"], &["--condition <NAME>"]),
        (&["calibrate", "--condition", "x", "-o", "x.json"], &["--manifest <FILE>"]),
        (&["evaluate", "--manifest", "x.tsv", "--enrol", "none"], &["--enrol <N>", "a number from 1, or all"]),
        (&["check", "--reference", REFERENCE, CANDIDATE, "--prior", "half"], &["--prior <P>", "half"]),
        (&["schema", "features"], &["features", "check, index, scan"]),
        (&["inspect", CANDIDATE, "--threads", "many"], &["--threads <N>", "many"]),
        (
            &["inspect", CANDIDATE, "--threads", "5000"],
            &["--threads: found 5000", "1024", "see soundalike inspect --help"],
        ),
        (&["inspect", CANDIDATE, "--threads", "-1"], &["invalid value '-1' for '--threads <N>'"]),
        (
            &["enrol", REFERENCE, "-o", "x.model", "--encoder", "cam++"],
            &["error: --encoder <LIST>: found cam++, expected one of mfcc, mfcc_lda, ge2e, campplus; see --help"],
        ),
        (
            &["locate", MFCC, "--reference", REFERENCE, CANDIDATE, "--window", "0"],
            &["error: --window: found 0 s, expected 1 to 60 s; see soundalike locate --help"],
        ),
        (
            &["protect", "remove", "anna", "--store", "no/such"],
            &["error: <NAME>: found \"anna\", expected one", "see soundalike protect remove --help"],
        ),
        (
            &["check", "--reference", REFERENCE, CANDIDATE, "--report", "report.txt"],
            &["error: found report.txt, expected a name that ends with", "see soundalike check --help"],
        ),
        (
            &["scan", "--reference", REFERENCE, "no/such.lib"],
            &["no/such.lib: found nothing of this name", "soundalike index"],
        ),
        (&["index", "voices", "-o", CANDIDATE], &["could not create it", "there is a file of this one"]),
        (&["scan", "--reference-set", CANDIDATE, "voices"], &["could not list it", "name a folder"]),
    ] {
        soundalike(arguments).fails(words);
    }
    let bare = soundalike(&[]).exits(2);
    assert!(bare.stdout.is_empty() && bare.stderr.contains("Usage: soundalike"), "{}", bare.stderr);
}

#[test]
fn the_result_alone_is_on_standard_output() {
    let arguments = ["--json", "malformed", CANDIDATE, "--no-color"];
    let checked = soundalike(&[&["check", MFCC, "--reference", REFERENCE], &arguments[..]].concat()).exits(3);
    let inspected = soundalike(&[&["inspect"], &arguments[..]].concat()).exits(3);
    for run in [checked, inspected] {
        assert!(matches!(run.json(), Value::Object(_)));
        assert!(run.stdout.ends_with("}\n"));
        assert!(run.stderr.lines().count() > 5, "{}", run.stderr);
        assert!(run.stderr.lines().all(|line| line.starts_with("warning: malformed/")), "{}", run.stderr);
    }
    for command in ["check", "inspect", "evaluate", "enrol", "selftest", "calibrate", "cohort", "verify", "report"] {
        let schema = soundalike(&["schema", command]).exits(0);
        assert_eq!(schema.json()["$schema"], "https://json-schema.org/draft/2020-12/schema");
        assert_eq!(schema.stderr, "");
    }
    assert_eq!(soundalike(&["schema"]).exits(0).stdout, soundalike(&["schema", "check"]).exits(0).stdout);
}

#[test]
fn quiet_keeps_warnings_back_but_not_errors_nor_results() {
    for place in [["--quiet", "inspect", "malformed"], ["inspect", "malformed", "-q"]] {
        let (quiet, loud) = (soundalike(&place).exits(3), soundalike(&["inspect", "malformed"]).exits(3));
        assert_eq!((quiet.stderr.as_str(), quiet.stdout), ("", loud.stdout));
        assert!(!loud.stderr.is_empty());
    }
    let truncated = ["features", "malformed/truncated-data.wav", "--kind", "mfcc"];
    assert!(soundalike(&truncated).exits(0).stderr.starts_with("warning: "));
    assert_eq!(soundalike(&[&truncated[..], &["-q"]].concat()).exits(0).stderr, "");
    soundalike(&["-q", "check", "--reference", "no/such", CANDIDATE]).fails(&["no/such"]);
    soundalike(&["-q", "evaluate", "--manifest", "no/such.tsv"]).fails(&["no/such.tsv"]);
}

#[test]
fn nothing_is_coloured_where_there_is_no_terminal_or_none_is_wanted() {
    for variable in [None, Some("1"), Some("")] {
        for arguments in
            [&["inspect", "malformed"][..], &["inspect"], &["--help"], &["--no-color", "inspect", "no/such"]]
        {
            let mut command = Command::new(env!("CARGO_BIN_EXE_soundalike"));
            command.current_dir(fixtures()).args(arguments).env_remove("NO_COLOR").env("TERM", "xterm-256color");
            command.envs(variable.map(|value| ("NO_COLOR", value)));
            let run = run(command);
            assert!(!run.stdout.contains('\x1b') && !run.stderr.contains('\x1b'), "{arguments:?}: {}", run.stderr);
        }
    }
}

#[test]
fn the_folder_the_program_runs_in_changes_only_the_paths() {
    let score = |folder: &str, prefix: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_soundalike"));
        let (reference, candidate) = (format!("{prefix}real"), format!("{prefix}tts/01.wav"));
        let arguments = ["check", "--json", MFCC, "--reference", &reference, &candidate];
        command.current_dir(fixtures().join(folder)).args(arguments);
        run(command).exits(0).stdout.replace(prefix, "")
    };
    assert_eq!(score("", "voices/nsh/"), score("voices/slt", "../nsh/"));
}

#[test]
fn the_readme_shows_what_its_first_command_prints() {
    let readme = std::fs::read_to_string(fixtures().with_file_name("README.md")).unwrap();
    let mut lines = readme.lines().skip_while(|line| !line.starts_with("    cargo run --release -- check ")).peekable();
    let command = lines.next().unwrap().trim();
    let arguments: Vec<String> =
        command.split(' ').skip_while(|word| *word != "check").map(|w| w.replace("fixtures/", "")).collect();
    let shown: Vec<&str> = lines
        .skip(1)
        .take_while(|line| line.is_empty() || line.starts_with("    "))
        .map(|line| line.strip_prefix("    ").unwrap_or(line))
        .filter(|line| !line.is_empty())
        .collect();
    let run = soundalike(&arguments.iter().map(String::as_str).collect::<Vec<_>>()).exits(0);
    let printed = run.stdout.replace("candidate        voices", "candidate        fixtures/voices");
    let printed: Vec<&str> = printed.lines().filter(|line| !line.is_empty()).collect();
    assert_eq!(shown, printed);
}
