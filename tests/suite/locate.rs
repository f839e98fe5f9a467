//! `soundalike locate`: where it finds a voice in composed recordings, where it finds none, and what it writes.

use crate::program::{
    MFCC, REFERENCE, Run, assert_fits_schema, folder, samples, soundalike, with_noise, word, write_float_wav, write_wav,
};
use serde_json::Value;
use std::f64::consts::PI;
use std::fs;
use std::path::Path;

/// A composed recording at 16 kHz, with the stretches in which the protected voice speaks, seconds.
#[derive(Default)]
struct Composed {
    samples: Vec<f64>,
    truth: Vec<(f64, f64)>,
}

impl Composed {
    fn now(&self) -> f64 {
        self.samples.len() as f64 / 16_000.0
    }

    fn silence(mut self, seconds: f64) -> Self {
        self.samples.resize(self.samples.len() + (16_000.0 * seconds) as usize, 0.0);
        self
    }

    fn other(mut self, fixture: &str) -> Self {
        self.samples.extend(samples(&format!("voices/{fixture}")));
        self
    }

    fn protected(mut self, fixture: &str) -> Self {
        let from = self.now();
        self.samples.extend(samples(&format!("voices/nsh/{fixture}")));
        self.truth.push((from, self.now()));
        self
    }
}

/// Other voices and two turns of the protected one: one after a pause, one in the middle of other speech.
fn film() -> Composed {
    let start = Composed::default().silence(1.0).other("slt/tts/01.wav").silence(1.5).protected("tts/01.wav");
    start.other("awb/tts/02.wav").protected("tts/02.wav").silence(2.0)
}

#[track_caller]
fn locate(arguments: &[&str], code: i32) -> Run {
    soundalike(&[&["locate", "--reference", REFERENCE], arguments].concat()).exits(code)
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value}"))
}

/// The ranges of the only recording.
fn ranges(result: &Value) -> Vec<(f64, f64)> {
    let recordings = result["recordings"].as_array().unwrap();
    assert_eq!(recordings.len(), 1);
    let ranges = recordings[0]["ranges"].as_array().unwrap();
    ranges.iter().map(|range| (number(&range["start_s"]), number(&range["end_s"]))).collect()
}

/// Asserts that the ranges are the true stretches, but for so many seconds at either end.
#[track_caller]
fn assert_found(found: &[(f64, f64)], truth: &[(f64, f64)], seconds: f64) {
    assert_eq!(found.len(), truth.len(), "{found:?} {truth:?}");
    for (found, truth) in found.iter().zip(truth) {
        let near = (found.0 - truth.0).abs() < seconds && (found.1 - truth.1).abs() < seconds;
        assert!(near, "{found:?} {truth:?}");
    }
}

#[test]
fn the_voice_is_found_where_it_speaks_and_every_file_says_so() {
    let folder = folder();
    let (film, path) = (film(), folder.path().join("a film.wav"));
    write_wav(&path, 16_000, &[&film.samples]);
    let files = ["labels", "rttm", "windows", "timeline"];
    let run = |threads: &str| {
        let to = folder.path().join(threads);
        fs::create_dir(&to).unwrap();
        let options: Vec<String> = files.iter().map(|name| format!("--{name}={}", word(&to.join(name)))).collect();
        let mut arguments = vec!["--json", "--threads", threads, "--name", "the voice", word(&path)];
        arguments.extend(options.iter().map(String::as_str));
        let mut texts = vec![locate(&arguments, 0).stdout];
        texts.extend(files.iter().map(|name| fs::read_to_string(to.join(name)).unwrap()));
        texts
    };
    let texts = run("1");
    for threads in ["2", "7"] {
        assert!(run(threads) == texts, "1 and {threads} threads");
    }

    let result: Value = serde_json::from_str(&texts[0]).unwrap();
    assert_fits_schema("locate", &result);
    let found = ranges(&result);
    assert_found(&found, &film.truth, 1.5);
    let recording = &result["recordings"][0];
    let counts = &recording["windows"];
    assert_eq!(counts["all"], counts["scored"]);
    let expected = number(&counts["scored"]) * 0.1;
    assert!((number(&recording["expected_false_windows_at_most"]) - expected).abs() < 1e-9);
    let length: f64 = found.iter().map(|(from, to)| to - from).sum();
    assert!((number(&recording["found_s"]) - length).abs() < 1e-9);
    for range in recording["ranges"].as_array().unwrap() {
        let speech = number(&range["net_speech_s"]);
        assert!(speech > 2.0 && speech < number(&range["end_s"]) - number(&range["start_s"]), "{range}");
        assert!(
            number(&range["best"]["evidence"]["log10_lr"]) > 2.0 && range["best"]["likeness"].is_object(),
            "{range}"
        );
    }

    let times = |from: &str, to: &str| (from.parse::<f64>().unwrap(), to.parse::<f64>().unwrap());
    let labels = texts[1].lines().map(|line| {
        let fields: Vec<&str> = line.split('\t').collect();
        assert!(fields.len() == 3 && fields[2].starts_with("the voice: log10 LR +2."), "{line}");
        times(fields[0], fields[1])
    });
    assert_found(&labels.collect::<Vec<_>>(), &found, 1e-5);
    let turns = texts[2].lines().map(|line| {
        let fields: Vec<&str> = line.split(' ').collect();
        assert_eq!((fields.len(), fields[0], fields[1], fields[7]), (10, "SPEAKER", "a_film", "the_voice"), "{line}");
        let (onset, length) = times(fields[3], fields[4]);
        (onset, onset + length)
    });
    assert_found(&turns.collect::<Vec<_>>(), &found, 2e-3);
    let rows: Vec<&str> = texts[3].lines().collect();
    assert!(rows[0].starts_with("path,start_s,end_s,net_speech_s,snr_db,band,mfcc,"), "{}", rows[0]);
    assert_eq!(rows.len() as u64 - 1, counts["all"].as_u64().unwrap());
    assert!(texts[4].starts_with("<svg ") && texts[4].contains("in 2 ranges."), "{}", texts[4]);
}

#[test]
fn a_window_cut_out_and_checked_has_the_same_scores() {
    let folder = folder();
    let (film, path, cut) = (film(), folder.path().join("film.wav"), folder.path().join("cut.wav"));
    write_wav(&path, 16_000, &[&film.samples]);
    let result = locate(&["--json", word(&path)], 0).json();
    let best = &result["recordings"][0]["ranges"][1]["best"];
    let place = |key: &str| (number(&best[key]) * 16_000.0).round() as usize;
    write_wav(&cut, 16_000, &[&film.samples[place("start_s")..place("end_s")]]);
    let checked = soundalike(&["check", "--json", "--reference", REFERENCE, word(&cut)]).exits(0).json();
    let row = &checked["candidates"][0];
    for (encoder, cosine) in best["cosines"].as_object().unwrap() {
        let other = number(&row["scores"][encoder]["cosine"]);
        assert!((number(cosine) - other).abs() < 1e-6, "{encoder}: {cosine} {other}");
    }
    for path in ["/evidence/unbounded_log10_lr", "/likeness/percentile", "/quality/net_speech_s", "/quality/snr_db"] {
        let (own, other) = (number(best.pointer(path).unwrap()), number(row.pointer(path).unwrap()));
        assert!((own - other).abs() < 1e-4, "{path}: {own} {other}");
    }
}

/// Samples at 44.1 kHz by straight lines between those at 16 kHz.
fn at_44100(samples: &[f64]) -> Vec<f64> {
    let at = |i: usize| samples.get(i).copied().unwrap_or(0.0);
    let place = |n: usize| n as f64 * 16_000.0 / 44_100.0;
    let value = |x: f64| at(x as usize) * (1.0 - x.fract()) + at(x as usize + 1) * x.fract();
    (0..samples.len() * 441 / 160).map(|n| value(place(n))).collect()
}

/// Another voice, and the protected one after a pause.
fn podcast() -> Composed {
    Composed::default().other("slt/tts/02.wav").silence(1.0).protected("tts/03.wav").silence(1.0)
}

#[test]
fn a_chord_and_a_second_voice_in_stereo_do_not_hide_it() {
    let folder = folder();
    let (podcast, path) = (podcast(), folder.path().join("podcast.wav"));
    let mut mixed = podcast.samples.clone();
    // Another voice speaks under the protected one, 20 dB down, and a chord sounds all the time.
    let [from, to] = [podcast.truth[0].0, podcast.truth[0].1].map(|seconds| (16_000.0 * seconds) as usize);
    let under = samples("voices/carlo/real/01.wav");
    mixed[from..to].iter_mut().zip(under).for_each(|(x, other)| *x += 0.1 * other);
    for (n, x) in mixed.iter_mut().enumerate() {
        let tone = |hz: f64| (2.0 * PI * hz * n as f64 / 16_000.0).sin();
        *x += 0.005 * (tone(220.0) + tone(277.2) + tone(329.6));
    }
    let mixed = at_44100(&mixed);
    let left: Vec<f64> = mixed.iter().map(|x| 0.7 * x).collect();
    write_wav(&path, 44_100, &[&left, &mixed]);
    let result = locate(&["--json", word(&path)], 0).json();
    assert_found(&ranges(&result), &podcast.truth, 1.5);
}

#[test]
fn in_white_noise_it_is_found_by_the_strongest_network() {
    let folder = folder();
    let (podcast, path) = (podcast(), folder.path().join("noise.wav"));
    write_wav(&path, 16_000, &[&with_noise(&podcast.samples, 15.0)]);
    let result = locate(&["--json", "--encoder=campplus", "--above=campplus=0.5", word(&path)], 0).json();
    assert_found(&ranges(&result), &podcast.truth, 1.5);
}

#[test]
fn other_voices_are_not_found_and_the_gate_lets_them_pass() {
    let folder = folder();
    let (others, own) = (folder.path().join("others.wav"), folder.path().join("own.wav"));
    let recording = Composed::default().other("rms/tts/01.wav").other("ivrvoice/real/01.wav").other("awb/tts/01.wav");
    write_wav(&others, 16_000, &[&recording.samples]);
    let text = locate(&["--fail", word(&others)], 0).stdout;
    assert!(text.contains("found            nowhere") && text.contains("were the voice nowhere in it"), "{text}");
    write_wav(&own, 16_000, &[&Composed::default().protected("tts/04.wav").samples]);
    let text = locate(&["--fail", word(&own)], 1).stdout;
    assert!(text.contains("found            1 range,"), "{text}");
}

#[test]
fn the_sound_track_of_mp4_and_matroska_is_searched() {
    // Each holds 1.5 s of another recording of the reference's speaker.
    let reference = format!("{REFERENCE}/01.wav");
    let tracks = ["aac-lc-32k-16kHz-mono.mp4", "aac-lc-32k-16kHz-mono.mkv", "opus-16k-48kHz-mono.webm"];
    let tracks = tracks.map(|name| format!("formats/{name}"));
    let mut arguments = vec!["locate", "--json", "--reference", &reference, "--condition", "real-real"];
    arguments.extend(tracks.iter().map(String::as_str));
    let result = soundalike(&arguments).exits(0).json();
    for (recording, track) in result["recordings"].as_array().unwrap().iter().zip(&tracks) {
        assert_eq!(recording["path"], track.as_str());
        let ranges = recording["ranges"].as_array().unwrap();
        assert_eq!(ranges.len(), 1, "{recording}");
        assert!(number(&ranges[0]["start_s"]) < 0.3 && number(&ranges[0]["end_s"]) > 1.2, "{recording}");
    }
}

#[test]
fn what_cannot_be_searched_is_refused_with_its_reason() {
    let folder = folder();
    let silent = folder.path().join("silent.wav");
    write_wav(&silent, 16_000, &[&vec![0.0; 320_000]]);
    let by_mfcc = [MFCC, "--above=mfcc=0.8"];
    let run = locate(&[&by_mfcc[..], &["--json", word(&silent)]].concat(), 2);
    let recording = &run.json()["recordings"][0];
    assert_eq!((&recording["status"], &recording["reason"]["code"]), (&"refused".into(), &"no_speech".into()));
    assert_eq!(number(&recording["reason"]["duration_s"]), 20.0);
    assert!(run.stderr.contains("every sample is zero"), "{}", run.stderr);

    let files = [word(&silent), "voices/nsh/tts/01.wav", "malformed/text.wav", "no/such/film.mkv"];
    let result = locate(&[&by_mfcc[..], &["--json"], &files].concat(), 3).json();
    assert_fits_schema("locate", &result);
    let codes: Vec<&Value> =
        result["recordings"].as_array().unwrap().iter().map(|recording| &recording["reason"]["code"]).collect();
    assert_eq!(codes, [&"no_speech".into(), &Value::Null, &"unreadable".into(), &"unreadable".into()]);

    // Speech, but never as much as a score needs.
    let short = folder.path().join("short.wav");
    let word_of = &samples("voices/slt/tts/01.wav")[4_000..12_000];
    write_wav(&short, 16_000, &[&[&vec![0.0; 24_000], word_of, &vec![0.0; 24_000]].concat()]);
    let text = locate(&[&by_mfcc[..], &[word(&short)]].concat(), 2).stdout;
    assert!(text.contains("refused          found 0.") && text.contains("expected at least 1.00 s"), "{text}");
}

#[test]
fn a_ratio_is_withheld_where_the_quality_was_not_validated() {
    let folder = folder();
    let path = folder.path().join("faint.wav");
    let faint: Vec<f64> = samples("voices/nsh/tts/01.wav").iter().map(|x| x * 0.02).collect();
    write_float_wav(&path, &faint);
    let run = locate(&["--json", word(&path)], 2);
    let result = run.json();
    let recording = &result["recordings"][0];
    assert_eq!(
        (&recording["reason"]["code"], &recording["reason"]["quantity"]),
        (&"outside_validated".into(), &"level_dbfs".into())
    );
    assert_eq!(recording["windows"]["without_ratio"], recording["windows"]["all"]);
    // The cosines are there all the same, and the voice can be found by one.
    let result = locate(&["--json", "--above", "campplus=0.6", word(&path)], 0).json();
    let range = &result["recordings"][0]["ranges"][0];
    assert!(number(&range["best"]["cosines"]["campplus"]) > 0.6 && range["best"]["evidence"].is_null(), "{range}");
    assert_eq!(range["best"]["evidence_withheld"]["code"], "outside_validated");
    assert_eq!(result["recordings"][0]["expected_false_windows_at_most"], Value::Null);
}

#[test]
fn a_recording_that_is_the_reference_has_no_ratio() {
    let clip = format!("{REFERENCE}/02.wav");
    let run = locate(&["--json", &clip], 2);
    let recording = &run.json()["recordings"][0];
    assert_eq!(recording["in_reference"]["code"], "same_content");
    assert_eq!(recording["reason"]["code"], "part_of_reference");
    assert!(run.stderr.contains("is part of the reference"), "{}", run.stderr);
}

#[test]
fn what_cannot_work_is_refused_before_the_long_run() {
    let folder = folder();
    let nowhere = folder.path().join("no/such/labels.txt");
    let fails = |arguments: &[&str], words: &[&str]| {
        soundalike(&[&["locate", "--reference", REFERENCE], arguments].concat()).fails(words);
    };
    let clip = "voices/nsh/tts/01.wav";
    fails(&["--labels", word(&nowhere), clip], &["labels.txt", "its folder does not exist"]);
    fails(&["--rttm", word(folder.path()), clip], &["could not write it"]);
    let timeline = folder.path().join("timeline.svg");
    fails(
        &["--timeline", word(&timeline), "voices/nsh/tts"],
        &["timeline: found 4 recordings, expected one recording"],
    );
    fails(&[MFCC, clip], &["above: found log10_lr=1, expected an encoder's name", "campplus=0.6"]);
    fails(&[MFCC, "--above", "campplus=0.6", clip], &["add campplus to --encoder"]);
    fails(&["--window", "0.5", clip], &["window: found 0.5 s, expected 1 to 60 s"]);
    fails(&["--hop", "4", clip], &["hop: found 4 s, expected 0.1 s to the length of a window, 3 s"]);
    assert!(!Path::new(&timeline).exists());
    let usage = soundalike(&["locate", "--reference", REFERENCE, "--above", "campplus=2", clip]).exits(2).stderr;
    assert!(usage.contains("log10_lr=1.5 or campplus=0.6"), "{usage}");
}

#[test]
fn turns_of_several_recordings_are_told_apart() {
    let folder = folder();
    let turns = folder.path().join("turns.rttm");
    let files = ["voices/nsh/tts/01.wav", "voices/slt/tts/01.wav", "voices/nsh/tts/02.wav"];
    let out = format!("--rttm={}", word(&turns));
    locate(&[&[MFCC, "--above=mfcc=0.9", "--window=2", "--hop=2", &out], &files[..]].concat(), 0);
    let turns = fs::read_to_string(&turns).unwrap();
    let names: Vec<&str> = turns.lines().filter_map(|line| line.split(' ').nth(1)).collect();
    assert!(names.contains(&files[0]) && names.contains(&"02") && !names.contains(&files[1]), "{turns}");
}
