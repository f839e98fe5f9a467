//! `soundalike scan`, `groups` and `protect`: the figures are those of `check`, and nothing is missed.

use crate::program::{
    MFCC, REFERENCE, assert_fits_schema, copy, fixtures, folder, run, samples, soundalike, with_noise, word,
    write_narrow, write_wav,
};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A library of four voices, with a telephone call, a noisy clip and a broken one.
fn library(folder: &Path) -> PathBuf {
    let root = folder.join("lib");
    for (voice, from) in [("nina", "nsh/tts"), ("carlo", "carlo/real"), ("rms", "rms/tts"), ("slt", "slt/tts")] {
        fs::create_dir_all(root.join(voice)).unwrap();
        for clip in ["01.wav", "02.wav"] {
            copy(&format!("voices/{from}/{clip}"), &root.join(voice).join(clip));
        }
    }
    write_narrow("voices/nsh/tts/03.wav", &root.join("nina/phone.wav"));
    write_wav(&root.join("nina/noisy.wav"), 16_000, &[&with_noise(&samples("voices/nsh/tts/02.wav"), -3.0)]);
    copy("malformed/bits-13.wav", &root.join("broken.wav"));
    copy("voices/nsh/real/02.wav", &root.join("own.wav"));
    root
}

/// An index of all encoders.
pub fn indexed(folder: &Path) -> (PathBuf, PathBuf) {
    let (library, index) = (library(folder), folder.join("voices.lib"));
    soundalike(&["index", "--quiet", word(&library), "-o", word(&index)]).exits(3);
    (library, index)
}

/// The lines of a scan: itself, then each voice.
pub fn scan(arguments: &[&str], code: i32) -> (String, Vec<Value>) {
    let run = soundalike(&[&["scan", "--format=jsonl"], arguments].concat()).exits(code);
    let lines = run.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    (run.stdout, lines)
}

pub fn names(hits: &Value) -> Vec<String> {
    let name = |hit: &Value| hit["path"].as_str().unwrap().rsplit("/lib/").next().unwrap().to_string();
    hits.as_array().unwrap().iter().map(name).collect()
}

#[test]
fn every_figure_is_that_of_a_check() {
    let folder = folder();
    let (library, index) = indexed(folder.path());
    let (text, lines) = scan(&["--reference", REFERENCE, word(&index)], 0);
    for line in &lines {
        let schema = soundalike(&["schema", "scan"]).exits(0).json();
        assert!(jsonschema::validator_for(&schema).unwrap().is_valid(line), "{line}");
    }
    let (head, voice) = (&lines[0], &lines[1]);
    assert_eq!((&head["ranked_by"], &head["holds"]["usable"]), (&"log10_lr".into(), &11.into()));
    assert_eq!(head["models_version"], soundalike::models_version());
    assert_eq!(
        (&voice["compared"], &voice["judged"], &voice["in_reference"]),
        (&11.into(), &10.into(), &1.into()),
        "{voice}"
    );
    assert!(!text.contains("voices.lib"), "the name of the index is of no consequence");
    let hits = names(&voice["hits"]);
    assert_eq!(hits.len(), 9, "{hits:?}");
    assert!(hits[..3].iter().all(|name| name.starts_with("nina/")), "{hits:?}");
    assert_eq!(names(&voice["withheld"]), ["nina/noisy.wav"]);
    assert_eq!(voice["withheld"][0]["reason"]["code"], "outside_validated");
    assert_eq!(voice["flagged"], 3);
    let alarms = &voice["false_alarms"];
    assert_eq!(
        (alarms["clips"].as_u64(), alarms["at_most"].as_f64().map(|x| (x * 1e6).round())),
        (Some(10), Some(1e5))
    );

    let check = soundalike(&["check", "--json", "--quiet", "--reference", REFERENCE, word(&library)]).exits(3).json();
    for hit in voice["hits"].as_array().unwrap().iter().chain(voice["withheld"].as_array().unwrap()) {
        let candidates = check["candidates"].as_array().unwrap();
        let twin = candidates.iter().find(|candidate| candidate["path"] == hit["path"]).unwrap();
        if twin["status"] == "refused" {
            assert_eq!((&hit["log10_lr"], &hit["reason"]), (&Value::Null, &twin["reason"]));
            continue;
        }
        for encoder in ["mfcc", "mfcc_lda", "ge2e", "campplus"] {
            assert_eq!(hit["cosines"][encoder], twin["scores"][encoder]["cosine"], "{}", hit["path"]);
        }
        for (here, there) in [
            ("log10_lr", "log10_lr"),
            ("log10_lr_low", "low"),
            ("log10_lr_high", "high"),
            ("unbounded_log10_lr", "unbounded_log10_lr"),
        ] {
            assert_eq!(hit[here], twin["evidence"][there], "{here} of {}", hit["path"]);
        }
        assert_eq!(hit["likeness"], twin["likeness"]["percentile"]);
        assert_eq!(hit["band"], twin["band"]);
        assert_eq!(hit["sha256"], twin["sha256"]);
    }
    // One of the ten clips is the voice, before looking: odds of one to nine.
    let hit = &voice["hits"][0];
    let odds = 10f64.powf(hit["log10_lr"].as_f64().unwrap()) / 9.0;
    assert!((hit["posterior"].as_f64().unwrap() - odds / (1.0 + odds)).abs() < 1e-12);
}

#[test]
fn the_same_bytes_from_index_folder_threads_and_rows_that_were_lost() {
    let folder = folder();
    let (library, index) = indexed(folder.path());
    let of = |more: &[&str]| scan(&[&["--quiet", "--reference", REFERENCE], more].concat(), 0).0;
    let first = of(&[word(&index)]);
    assert_eq!(of(&[word(&index), "--threads=1"]), first);
    // A scan of a folder knows besides what was passed over there.
    let (nothing, unknown) = (
        r#""passed_over":{"entries":0,"reasons":{},"may_hold_sound":0,"first":[]},"list"#,
        r#""passed_over":null,"list"#,
    );
    assert_eq!(of(&[word(&library)]).replace(nothing, unknown), first, "a folder that was not indexed");
    let rows = index.join("_rows");
    let file = fs::read_dir(&rows).unwrap().next().unwrap().unwrap().path();
    let good = fs::read(&file).unwrap();
    for at in [0, 20, 50, 100, good.len() / 2, good.len() - 1] {
        let mut bad = good.clone();
        bad[at] ^= 0x40;
        fs::write(&file, bad).unwrap();
        assert_eq!(of(&[word(&index)]), first, "byte {at}");
        assert_eq!(fs::read(&file).unwrap(), good, "made again");
    }
    fs::write(&file, &good[..good.len() / 3]).unwrap();
    assert_eq!(of(&[word(&index)]), first);
    fs::remove_dir_all(&rows).unwrap();
    assert_eq!(of(&[word(&index), "--cache", word(&folder.path().join("elsewhere"))]), first);
    assert!(!rows.exists() && folder.path().join("elsewhere").exists());
    fs::write(folder.path().join("elsewhere/mine.rows"), "not of an index").unwrap();
    assert_eq!(of(&[word(&index), "--cache", word(&folder.path().join("elsewhere"))]), first);
    assert!(folder.path().join("elsewhere/mine.rows").exists(), "what is not the index's own stays");
    // Where nothing can be written it takes longer, and that is all.
    assert_eq!(of(&[word(&index), "--cache", "/proc/rows"]), first);
}

#[test]
fn lists_are_as_long_and_ranked_as_asked() {
    let folder = folder();
    let (_, index) = indexed(folder.path());
    let of = |more: &[&str]| scan(&[&["--reference", REFERENCE, word(&index)], more].concat(), 0).1.remove(1);
    let all = names(&of(&["--top=all"])["hits"]);
    for top in 1..4 {
        assert_eq!(names(&of(&[&format!("--top={top}")])["hits"]), all[..top]);
    }
    let above = of(&["--above=log10_lr=2"]);
    assert!(above["hits"].as_array().unwrap().iter().all(|hit| hit["flagged"] == true), "{above}");
    assert_eq!(names(&above["hits"]), all[..3]);
    let by = of(&["--by=campplus", "--top=all"]);
    let cosines: Vec<f64> =
        by["hits"].as_array().unwrap().iter().map(|hit| hit["cosines"]["campplus"].as_f64().unwrap()).collect();
    assert!(cosines.is_sorted_by(|a, b| a >= b) && cosines.len() == 10, "{cosines:?}");
    assert_eq!((&by["compared"], &by["judged"], &by["false_alarms"]["clips"]), (&11.into(), &10.into(), &10.into()));
    let above = of(&["--above=campplus=0.5"]);
    let close = cosines.iter().filter(|cosine| **cosine >= 0.5).count();
    assert_eq!(above["hits"].as_array().unwrap().len(), close);
    let alarms = &above["false_alarms"];
    assert!(alarms["at_most"].is_null() && alarms["by_cohort"]["voices"] == 314, "{alarms}");
    assert_eq!(alarms["clips"], 11);

    let bad = |more: &[&str], words: &[&str]| {
        soundalike(&[&["scan", "--reference", REFERENCE, word(&index)], more].concat()).exits(2).stderr_has(words)
    };
    bad(&["--above=0.5"], &["SCORE=X"]);
    bad(&["--above=llr=2"], &["log10_lr or an encoder's name"]);
    bad(&["--top=0"], &["1 or more, or all"]);
    bad(&["--expected-clips=0"], &["expected-clips", "a number above 0"]);
    bad(&["--format=parquet"], &["--output FILE"]);
    soundalike(&["scan", "--reference", REFERENCE, "--fail", word(&index)]).exits(1);
    let stranger = word(&fixtures().join("voices/heart/tts")).to_string();
    // One clip cannot be read, and another is too noisy for a ratio: no gate passes them.
    let run = soundalike(&["scan", "--reference", &stranger, "--fail", word(&index)]).exits(3);
    assert!(
        run.stdout.contains("gate             stopped: 0 of 12 clips") && run.stdout.contains("2 not judged"),
        "{run:?}"
    );
    let (folder, good) = (crate::program::folder(), ["rms", "slt"]);
    good.iter()
        .for_each(|voice| copy(&format!("voices/{voice}/tts/01.wav"), &folder.path().join(format!("{voice}.wav"))));
    let run = soundalike(&["scan", "--reference", &stranger, "--fail", word(folder.path())]).exits(0);
    assert!(run.stdout.contains("gate             passed: all 2 clips heard"), "{run:?}");
}

impl crate::program::Run {
    #[track_caller]
    fn stderr_has(self, words: &[&str]) {
        words.iter().for_each(|word| assert!(self.stderr.contains(word), "no \"{word}\" in: {}", self.stderr));
    }
}

#[test]
fn the_closest_of_many_are_found_wherever_they_lie() {
    use soundalike::encoder::{Encoder, EncoderSet, Panel, PanelSettings, PerEncoder};
    use soundalike::feature::ClipQuality;
    use soundalike::library::index::{ClipStatus, IndexRow, LibrarySource, write};
    let folder = folder();
    let index = folder.path().join("many.lib");
    let encoders = EncoderSet::of([Encoder::Mfcc]).unwrap();
    let panel = Panel::new(&PanelSettings { encoders, ..Default::default() }).unwrap();
    let mut state = 1u64;
    let mut number = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / 8_388_608.0 - 1.0
    };
    let quality = ClipQuality {
        net_speech_s: 3.0,
        snr_db: Some(30.0),
        bandwidth_hz: Some(8000.0),
        clipping_percent: 0.0,
        level_dbfs: Some(-20.0),
    };
    let mut rows = (0..20_000).map(|i| IndexRow {
        path: format!("{i:05}.wav"),
        voice: "x".into(),
        sha256: Some(format!("{i:064x}")),
        size: 1,
        mtime_ns: 0,
        format: None,
        seconds: Some(3.0),
        quality: Some(quality),
        status: ClipStatus::Usable,
        reason: None,
        wide: [(Encoder::Mfcc, (0..38).map(|_| number()).collect())].into_iter().collect(),
        narrow: PerEncoder::default(),
    });
    let library = LibrarySource::of_list(Path::new("many"), "x", Path::new("many")).unwrap();
    write(&panel, &library, &index, &mut rows).unwrap();
    let of =
        |more: &[&str]| scan(&[&["--quiet", "--reference", REFERENCE, word(&index)], more].concat(), 0).1.remove(1);
    let all = of(&["--top=all"]);
    let hits = all["hits"].as_array().unwrap();
    let cosine = |hit: &Value| hit["cosines"]["mfcc"].as_f64().unwrap();
    assert!(hits.len() == 20_000 && hits.is_sorted_by(|a, b| cosine(a) >= cosine(b)));
    for (top, threads) in [(1, "1"), (7, "2"), (100, "2"), (3000, "3")] {
        let some = of(&[&format!("--top={top}"), &format!("--threads={threads}")]);
        assert_eq!(some["hits"].as_array().unwrap()[..], hits[..top], "{top}");
    }
    let floor = cosine(&hits[500]);
    let above = of(&[&format!("--above=mfcc={floor}")]);
    assert_eq!(names(&above["hits"]).len(), 501);
}

#[test]
fn many_voices_at_once_are_what_they_are_one_by_one() {
    let folder = folder();
    let (_, index) = indexed(folder.path());
    let set = folder.path().join("set");
    for (voice, from) in [("anna", "nsh/real"), ("bert", "carlo/real")] {
        fs::create_dir_all(set.join(voice)).unwrap();
        (3..5).for_each(|i| copy(&format!("voices/{from}/0{i}.wav"), &set.join(voice).join(format!("0{i}.wav"))));
    }
    soundalike(&["enrol", "voices/kal16/tts", "-o", word(&set.join("kal.model"))]).exits(0);
    fs::create_dir(set.join("nobody")).unwrap();
    copy("malformed/empty.wav", &set.join("nobody/empty.wav"));
    let run = soundalike(&["scan", "--format=jsonl", "--reference-set", word(&set), word(&index)]).exits(3);
    assert!(run.stderr.contains("nobody: left out"), "{}", run.stderr);
    let lines: Vec<Value> = run.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let voices: Vec<&str> = lines[1..].iter().map(|voice| voice["voice"].as_str().unwrap()).collect();
    assert_eq!(voices, ["anna", "bert", "kal"]);
    assert_eq!(lines[0]["left_out"][0]["voice"], "nobody");
    for voice in &lines[1..] {
        let name = voice["voice"].as_str().unwrap();
        let path = if name == "kal" { set.join("kal.model") } else { set.join(name) };
        let mut alone = scan(&["--reference", word(&path), word(&index)], 0).1.remove(1);
        alone["voice"] = name.into();
        assert_eq!(&alone, voice);
    }
}

#[test]
fn a_telephone_voice_is_looked_for_where_the_index_has_that_band() {
    let folder = folder();
    let (library, index) = indexed(folder.path());
    let phone = folder.path().join("phone.wav");
    write_narrow("voices/nsh/real/04.wav", &phone);
    let (_, lines) = scan(&["--reference", word(&phone), word(&index)], 0);
    let voice = &lines[1];
    assert_eq!(
        (&voice["narrow_band"], &voice["compared"], &voice["not_comparable"]),
        (&true.into(), &1.into(), &10.into())
    );
    assert_eq!(names(&voice["hits"]), ["nina/phone.wav"]);
    let all = folder.path().join("all.lib");
    soundalike(&["index", "--quiet", "--narrow=all", word(&library), "-o", word(&all)]).exits(3);
    let voice = &scan(&["--reference", word(&phone), word(&all)], 0).1[1];
    assert_eq!((&voice["compared"], &voice["not_comparable"]), (&11.into(), &0.into()));
    assert!(voice["hits"].as_array().unwrap().iter().all(|hit| hit["band"] == "narrow"));
}

#[test]
fn a_list_is_told_by_its_name() {
    let folder = folder();
    copy("voices/nsh/tts/01.wav", &folder.path().join("a.wav"));
    fs::write(folder.path().join("clips.txt"), "a.wav\n").unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_soundalike"));
    let reference = fixtures().join(REFERENCE);
    command.current_dir(folder.path()).args(["scan", "--reference", word(&reference), "clips.txt"]);
    let shown = run(command).exits(0).stdout;
    assert!(shown.starts_with("library          clips.txt: 1 usable clips"), "{shown}");
}

#[test]
fn a_table_goes_to_csv_and_parquet_with_the_same_rows() {
    use parquet::file::reader::{FileReader, SerializedFileReader};
    use parquet::record::RowAccessor;
    let folder = folder();
    let (_, index) = indexed(folder.path());
    let csv = soundalike(&["scan", "--format=csv", "--reference", REFERENCE, word(&index)]).exits(0).stdout;
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    let header = reader.headers().unwrap().clone();
    let records: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    assert_eq!((records.len(), &header[0], &header[7]), (10, "voice", "log10_lr"));
    let file = folder.path().join("hits.parquet");
    let to = ["scan", "--format=parquet", "--reference", REFERENCE, "-o", word(&file), word(&index)];
    assert_eq!(soundalike(&to).exits(0).stdout, "");
    let reader = SerializedFileReader::new(fs::File::open(&file).unwrap()).unwrap();
    let rows: Vec<_> = reader.get_row_iter(None).unwrap().map(Result::unwrap).collect();
    assert_eq!(rows.len(), records.len());
    for (row, record) in rows.iter().zip(&records) {
        assert_eq!(row.get_string(4).unwrap(), &record[4]);
        assert_eq!(row.get_double(7).map_or(String::new(), |x| x.to_string()), record[7]);
        assert_eq!(row.get_bool(3).unwrap().to_string(), record[3]);
    }
}

#[test]
fn without_all_encoders_there_is_a_ranking_and_the_reason_why_no_ratio() {
    let folder = folder();
    let (library, index) = (library(folder.path()), folder.path().join("voices.lib"));
    soundalike(&["index", "--quiet", MFCC, word(&library), "-o", word(&index)]).exits(3);
    let (_, lines) = scan(&["--reference", REFERENCE, word(&index)], 0);
    assert_eq!(
        (&lines[0]["ranked_by"], &lines[0]["evidence_withheld"]["code"]),
        (&"mfcc".into(), &"no_calibration".into())
    );
    assert_eq!(lines[1]["hits"].as_array().unwrap().len(), 10, "all but the reference's own");
    let run = soundalike(&["scan", "--by=log10_lr", "--reference", REFERENCE, word(&index)]).exits(2);
    assert!(run.stderr.contains("there is no ratio"), "{}", run.stderr);
}

#[test]
fn voices_that_are_alike_are_a_group() {
    let folder = folder();
    let index = folder.path().join("voices.lib");
    let voices = fixtures().join("voices");
    soundalike(&["index", "--quiet", word(&voices), "-o", word(&index)]).exits(0);
    let report = soundalike(&["groups", "--json", word(&index)]).exits(0).json();
    assert_fits_schema("groups", &report);
    let members = |group: &Value| -> Vec<String> {
        group["members"].as_array().unwrap().iter().map(|m| m["voice"].as_str().unwrap().into()).collect()
    };
    assert_eq!((&report["voices"], report["groups"].as_array().unwrap().len()), (&10.into(), 1));
    assert_eq!(members(&report["groups"][0]), ["nsh/real", "nsh/tts"]);
    assert!(report["groups"][0]["members"][0]["to_nearest"]["ge2e"].as_f64().unwrap() > 0.9);
    // The lower the threshold, the fewer and the larger the groups, and the mean holds.
    let mut largest = 2;
    for threshold in ["0.4", "0.2", "-1"] {
        let report =
            soundalike(&["groups", "--json", "--above", &format!("campplus={threshold}"), word(&index)]).json();
        let groups = report["groups"].as_array().unwrap();
        assert!(groups.iter().all(|group| group["mean"].as_f64().unwrap() >= threshold.parse::<f64>().unwrap()));
        assert!(members(&groups[0]).len() >= largest);
        largest = members(&groups[0]).len();
    }
    assert_eq!(largest, 10);
    let chance = &report["by_chance"];
    assert_eq!(chance["of"], 314 * 313 / 2);
    let folder_too = soundalike(&["groups", "--json", "--quiet", "--threads=1", word(&voices)]).exits(0).json();
    assert_eq!(folder_too, report);
    soundalike(&["groups", "--above=log10_lr=2", word(&index)]).fails(&["an encoder's cosine"]);
    soundalike(&["groups", "--above=campplus=3", word(&index)]).fails(&["a cosine from -1 to 1"]);
    soundalike(&["groups", "--band=narrow", word(&index)]).fails(&["0 voices", "two voices or more"]);
}

#[test]
fn the_list_of_protected_voices_is_a_gate() {
    let folder = folder();
    let store = folder.path().join("list");
    let protect = |arguments: &[&str]| soundalike(&[&["protect"], arguments, &["--store", word(&store)]].concat());
    protect(&["check", "voices/nsh/tts/01.wav"]).fails(&["no protected voice", "protect add"]);
    assert_eq!(protect(&["list", "--json"]).exits(0).json(), serde_json::json!([]));
    protect(&["add", "anna", REFERENCE]).exits(0);
    protect(&["add", "bert", "voices/carlo/real"]).exits(0);
    protect(&["add", "anna", "voices/slt/tts"]).fails(&["protected already", "--replace"]);
    for bad in ["../x", "", "a/b", ".x"] {
        protect(&["add", bad, REFERENCE]).fails(&["<NAME>"]);
    }
    let listed = protect(&["list", "--json"]).exits(0).json();
    assert_eq!(
        (&listed[0]["name"], &listed[0]["clips"], &listed[1]["name"]),
        (&"anna".into(), &5.into(), &"bert".into())
    );

    let report = protect(&["check", "--json", "voices/nsh/tts/01.wav", "voices/slt/tts/01.wav"]).exits(1).json();
    assert_fits_schema("protect", &report);
    let status = |i: usize| report["candidates"][i]["status"].as_str().unwrap().to_string();
    assert_eq!((status(0), status(1), &report["passed"]), ("hit".into(), "passed".into(), &false.into()));
    assert_eq!(report["candidates"][0]["hits"][0]["voice"], "anna");
    let run = protect(&["check", "voices/nsh/tts"]).exits(1);
    assert!(run.stdout.contains("anna: log10 LR +2.") && run.stdout.contains("stopped: 4 of 4"), "{}", run.stdout);
    let run = protect(&["check", "voices/slt/tts/01.wav"]).exits(0);
    assert!(run.stdout.contains("passed"), "{}", run.stdout);
    // A protected recording itself, one that cannot be read, and one that is not there do not pass.
    for bad in ["voices/carlo/real/01.wav", "malformed/empty.wav", "nowhere.wav"] {
        protect(&["check", "--quiet", bad]).exits(1);
    }
    protect(&["check", "--quiet", "--fail-above=campplus=0.99", "voices/nsh/tts/01.wav"]).exits(0);
    // A threshold that no cosine reaches would let everything through.
    for bad in ["campplus=30", "mfcc=1.01", "ge2e=-1.5", "campplus=NaN", "log10_lr=inf"] {
        protect(&["check", "--fail-above", bad, "voices/nsh/tts/01.wav"]).fails(&["--fail-above", "SCORE=X", bad]);
    }

    // A voice known from the telephone alone is compared in that band, and not passed over.
    let phone = folder.path().join("phone.wav");
    write_narrow("voices/rms/tts/02.wav", &phone);
    protect(&["add", "rms", word(&phone)]).exits(0);
    let report = protect(&["check", "--json", "--quiet", "voices/rms/tts/01.wav"]).json();
    let nearest = &report["candidates"][0]["nearest"];
    assert_eq!((&nearest["voice"], &nearest["band"]), (&"rms".into(), &"narrow".into()), "{report}");
    protect(&["remove", "rms"]).exits(0);

    // A list that cannot be read whole lets nothing through.
    fs::write(store.join("carl.model"), "{}").unwrap();
    protect(&["check", "voices/slt/tts/01.wav"]).fails(&["carl.model"]);
    assert!(protect(&["list"]).exits(3).stdout.contains("carl"));
    protect(&["remove", "carl"]).exits(0);
    protect(&["remove", "carl"]).fails(&["\"carl\"", "anna, bert"]);
    protect(&["check", "--quiet", "voices/slt/tts/01.wav"]).exits(0);
}

#[test]
fn mistakes_are_told_of_the_option_that_was_typed() {
    let folder = folder();
    let (store, library) = (folder.path().join("list"), fixtures().join("voices/slt/tts"));
    soundalike(&["protect", "add", "anna", MFCC, REFERENCE, "--store", word(&store)]).exits(0);
    let protect = ["protect", "check", "voices/slt/tts/01.wav", "--store", word(&store)];
    let model = store.join("anna.model");
    let scan = ["scan", "-q", "--reference", word(&model), word(&library)];
    for (command, option, value, words) in [
        (&scan[..], "--by", "foo", "--by <SCORE>: found \"foo\", expected log10_lr or"),
        (&scan[..], "--above", "foo=1", "--above <SCORE=X>: found \"foo\", expected log10_lr or"),
        (&scan[..], "--by", "ge2e", "--by: found ge2e, expected an encoder of the index (mfcc)"),
        (&protect[..], "--fail-above", "foo", "--fail-above <SCORE=X>: found \"foo\", expected SCORE=X"),
        (&protect[..], "--fail-above", "ge2e=0.5", "--fail-above: found ge2e=0.5, expected log10_lr or an encoder"),
        (&protect[..], "--cohort-filter", "foo", "--cohort-filter <COLUMN=PATTERN>: found \"foo\", expected COLUMN="),
    ] {
        soundalike(&[command, &[option, value]].concat()).fails(&[words]);
    }
}

#[test]
fn the_gate_looks_at_every_candidate_whatever_its_name() {
    let folder = folder();
    let gate = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_soundalike"));
        command.current_dir(folder.path()).arg("protect").args(arguments);
        run(command)
    };
    gate(&["add", "anna", word(&fixtures().join(REFERENCE))]).exits(0);
    copy("voices/slt/tts/01.wav", &folder.path().join("other.wav"));
    for name in ["#clip.wav", "clip.wav ", "a\nb.wav", "#"] {
        copy("voices/nsh/tts/01.wav", &folder.path().join(name));
        let report = gate(&["check", "--json", name, "other.wav"]).exits(1).json();
        let candidates = report["candidates"].as_array().unwrap();
        let statuses: Vec<_> = candidates.iter().map(|clip| (&clip["path"], &clip["status"])).collect();
        assert_eq!(statuses.len(), 2, "{report}");
        assert!(statuses.contains(&(&name.into(), &"hit".into())), "{report}");
        assert!(statuses.contains(&(&"other.wav".into(), &"passed".into())), "{report}");
    }
}

#[test]
fn names_that_a_spreadsheet_would_compute_are_text() {
    let folder = folder();
    let library = folder.path().join("lib");
    let names = ["=cmd|' !A0.wav", "+1.wav", "-2.wav", "@SUM(A1).wav"];
    for name in names {
        fs::create_dir_all(library.join(name)).unwrap();
        copy("voices/nsh/tts/01.wav", &library.join(name).join("01.wav"));
    }
    let arguments = ["scan", "-q", "--format=csv", "--top=all", "--reference", REFERENCE, word(&library)];
    let table = soundalike(&arguments).exits(0).stdout;
    let mut reader = csv::Reader::from_reader(table.as_bytes());
    let mut rows = 0;
    for row in reader.records() {
        let row = row.unwrap();
        for cell in row.iter().filter(|cell| cell.parse::<f64>().is_err()) {
            assert!(!cell.starts_with(['=', '+', '-', '@', '\t', '\r']), "{cell:?} in {row:?}");
        }
        assert!(names.iter().any(|name| row.iter().any(|cell| cell == format!("'{name}"))), "{row:?}");
        rows += 1;
    }
    assert_eq!(rows, names.len());
}
