//! `soundalike inspect`: what it measures, what it warns of, and files that are no clips at all.

use crate::program::{
    MFCC, Run, assert_fits_schema, copy, fixtures, folder, low_pass, run, samples, soundalike, word, write_wav,
};
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::Command;

const CLIP: &str = "voices/nsh/real/01.wav";

/// The only row of an inspection of one clip, and the run.
#[track_caller]
fn inspect(clip: &str, code: i32) -> (Value, Run) {
    let run = soundalike(&["inspect", "--json", clip]).exits(code);
    let mut result = run.json();
    let rows = result["clips"].as_array_mut().unwrap();
    assert_eq!(rows.len(), 1);
    (rows.remove(0), run)
}

fn warnings(row: &Value) -> Vec<&str> {
    row["quality"]["warnings"].as_array().unwrap().iter().map(|w| w["code"].as_str().unwrap()).collect()
}

fn number(row: &Value, key: &str) -> f64 {
    row["quality"][key].as_f64().unwrap_or_else(|| panic!("{key}: {row}"))
}

fn message(row: &Value) -> &str {
    row["reason"]["message"].as_str().unwrap_or_else(|| panic!("{row}"))
}

#[test]
fn the_table_has_a_row_a_clip_and_units_in_its_header() {
    let text = soundalike(&["inspect", "voices/nsh"]).exits(0).stdout;
    let lines: Vec<&str> = text.lines().collect();
    for word in ["clip", "rate Hz", "length s", "speech s", "level dBFS", "SNR dB", "clipped %", "band Hz", "use"] {
        assert!(lines[0].contains(word), "{word}: {}", lines[0]);
    }
    assert_eq!(lines.len(), 1 + 9, "{text}");
    assert!(lines[1].starts_with("voices/nsh/real/01.wav  WAV pcm_s16"), "{text}");
    assert!(lines[1..].iter().all(|line| line.ends_with("  yes")), "{text}");
    // Figures stand under their heads, to the right.
    let end = |line: &str, word: &str| line.find(word).unwrap() + word.len();
    assert_eq!(end(lines[0], "rate Hz"), end(lines[1], "16000"));
}

#[test]
fn the_exit_code_says_whether_all_some_or_none_can_be_used() {
    soundalike(&["inspect", CLIP]).exits(0);
    let text = soundalike(&["inspect", CLIP, "malformed/text.wav"]).exits(3).stdout;
    let row = text.lines().nth(2).unwrap();
    assert!(row.starts_with("malformed/text.wav ") && row.contains("no: found text, expected"), "{text}");
    soundalike(&["inspect", "malformed/text.wav", "malformed/empty.wav"]).exits(2);
}

#[test]
fn the_result_has_the_figures_of_each_clip() {
    let given =
        [CLIP, "malformed/text.wav", "no/such.wav", "malformed/clipped-speech-x20.wav", "malformed/dc-only.wav"];
    let result = soundalike(&[&["inspect", "--json"], &given[..]].concat()).exits(3).json();
    assert_fits_schema("inspect", &result);
    assert_eq!((&result["version"], &result["minimum_net_speech_s"]), (&env!("CARGO_PKG_VERSION").into(), &1.0.into()));
    assert_eq!(result["models_version"], soundalike::models_version());
    let rows = result["clips"].as_array().unwrap();
    assert_eq!(rows.iter().map(|row| row["path"].as_str().unwrap()).collect::<Vec<_>>(), given);
    let row = &rows[0];
    let sound = samples(CLIP);
    let power = sound.iter().map(|x| x * x).sum::<f64>() / sound.len() as f64;
    let peak = sound.iter().fold(0.0f64, |peak, x| peak.max(x.abs()));
    assert_eq!(number(row, "duration_s"), sound.len() as f64 / 16_000.0);
    assert!((number(row, "level_dbfs") - 10.0 * power.log10()).abs() < 0.01, "{row}");
    assert!((number(row, "peak_dbfs") - 20.0 * peak.log10()).abs() < 0.01, "{row}");
    assert!((number(row, "dc_offset") - sound.iter().sum::<f64>() / sound.len() as f64).abs() < 1e-6, "{row}");
    assert!((3.0..number(row, "duration_s")).contains(&number(row, "net_speech_s")), "{row}");
    assert!(number(row, "snr_db") > 20.0 && number(row, "clipping_percent") == 0.0, "{row}");
    assert_eq!(row["sha256"].as_str().unwrap().len(), 64);
    assert!(rows[1]["quality"].is_null() && rows[1]["sha256"].is_string(), "{}", rows[1]);
    assert!(rows[2]["quality"].is_null() && rows[2]["sha256"].is_null(), "{}", rows[2]);
}

#[test]
fn the_voice_is_described_where_it_is_asked_for() {
    assert!(inspect(CLIP, 0).0["voice"].is_null());
    let given = [CLIP, "voices/ivrvoice/real/01.wav", "malformed/digital-silence.wav", "malformed/text.wav"];
    let result = soundalike(&[&["inspect", "--voice", "--json"], &given[..]].concat()).exits(3).json();
    assert_fits_schema("inspect", &result);
    let voice = |i: usize| &result["clips"][i]["voice"];
    let number = |i: usize, key: &str| voice(i)[key].as_f64().unwrap_or_else(|| panic!("{key}: {}", voice(i)));
    // A man and a woman.
    for (i, f0, ceiling) in [(0, 100.0..160.0, 5000.0), (1, 180.0..260.0, 5500.0)] {
        assert!(f0.contains(&number(i, "f0_median_hz")) && number(i, "formant_ceiling_hz") == ceiling, "{}", voice(i));
        let formants = ["f1_hz", "f2_hz", "f3_hz", "f4_hz"].map(|key| number(i, key));
        assert!(formants.windows(2).all(|pair| pair[0] + 300.0 < pair[1]), "{formants:?}");
        assert!(
            (13.0..20.0).contains(&number(i, "vocal_tract_cm")) && (2.0..7.0).contains(&number(i, "speaking_rate"))
        );
        assert_eq!(voice(i)["ltas"].as_array().unwrap().len(), 20);
        assert_eq!((&voice(i)["is_cut"], number(i, "analysed_s")), (&false.into(), number_of(&result, i)));
    }
    assert!(number(0, "vocal_tract_cm") > number(1, "vocal_tract_cm"));
    assert!(voice(2)["f0_median_hz"].is_null() && voice(2)["ltas"].as_array().unwrap().is_empty(), "{}", voice(2));
    assert!(voice(3).is_null());
}

fn number_of(result: &Value, i: usize) -> f64 {
    result["clips"][i]["quality"]["duration_s"].as_f64().unwrap()
}

#[test]
fn the_table_of_a_voice_has_units_and_what_the_channel_does() {
    let text = soundalike(&["inspect", "--voice", CLIP, "malformed/text.wav"]).exits(3).stdout;
    let block: Vec<&str> = text.lines().skip_while(|line| *line != CLIP).collect();
    assert!(block[1].starts_with("voice ") && block[1].ends_with("  moved by the channel"), "{text}");
    assert_eq!(block.len(), 2 + 21 + 1, "{text}");
    for (start, end) in [
        ("pitch (F0), median ", "  Hz           low"),
        ("first formant (F1), median ", "  Hz           high"),
        ("jitter (local) ", "  %            moderate"),
        ("speaking rate ", "  syllables/s  low"),
    ] {
        assert!(block.iter().any(|line| line.starts_with(start) && line.ends_with(end)), "{start}: {text}");
    }
    assert!(block[23].starts_with("over ") && block[23].ends_with("formants below 5000 Hz"), "{text}");
}

#[test]
fn the_bytes_do_not_depend_on_the_number_of_threads() {
    for form in [
        &["voices", "malformed", "formats", "--json"][..],
        &["voices", "malformed", "formats"],
        &["voices/nsh", "voices/slt", "malformed", "--voice", "--json"],
    ] {
        let run = |threads| {
            let run = soundalike(&[&["inspect", "--threads", threads], form].concat()).exits(3);
            (run.stdout, run.stderr)
        };
        let one = run("1");
        assert!(run("2") == one && run("7") == one, "{form:?}");
    }
}

#[test]
fn a_telephone_band_is_recognised_at_any_rate() {
    let folder = folder();
    let at_16k = folder.path().join("telephone at 16 kHz.wav");
    write_wav(&at_16k, 16_000, &[&low_pass(&samples(CLIP), 3_300.0 / 16_000.0)]);
    for (clip, code) in [(word(&at_16k), 0), ("formats/pcm-s16-8kHz-mono.wav", 0)] {
        let (row, run) = inspect(clip, code);
        assert!((3_000.0..4_400.0).contains(&number(&row, "bandwidth_hz")), "{row}");
        assert_eq!(warnings(&row), ["narrow_band"], "{row}");
        assert!(run.stderr.starts_with(&format!("warning: {clip}: the sound ends at about ")), "{}", run.stderr);
    }
    let wide = soundalike(&["inspect", "--json", "voices"]).exits(0);
    assert_eq!(wide.stderr, "");
    for row in wide.json()["clips"].as_array().unwrap() {
        assert!(number(row, "bandwidth_hz") > 6_000.0 && warnings(row).is_empty(), "{row}");
    }
}

#[test]
fn clipping_silence_and_values_that_are_no_numbers_are_told() {
    let (clipped, run) = inspect("malformed/clipped-speech-x20.wav", 0);
    assert!(number(&clipped, "clipping_percent") > 1.0 && warnings(&clipped).contains(&"clipping"), "{clipped}");
    assert!(run.stderr.contains("% of the samples are clipped"), "{}", run.stderr);

    let (some, run) = inspect("malformed/float-some-nan-and-infinity.wav", 2);
    assert!(warnings(&some).contains(&"non_finite") && run.stderr.contains("4 samples were not finite"), "{some}");
    let (all, _) = inspect("malformed/float-all-nan.wav", 2);
    assert!(message(&all).contains("8000 of 8000 samples that are no finite numbers"), "{all}");

    let (silent, _) = inspect("malformed/digital-silence.wav", 2);
    assert_eq!((warnings(&silent), &silent["reason"]["code"]), (vec!["digital_silence"], &"no_speech".into()));
    assert_eq!(silent["quality"]["level_dbfs"], Value::Null);
    let (constant, _) = inspect("malformed/dc-only.wav", 2);
    assert!(warnings(&constant).contains(&"dc_only") && number(&constant, "dc_offset") == 0.25, "{constant}");

    let (cancelling, _) = inspect("formats/pcm-s16-16kHz-stereo-cancelling.wav", 2);
    assert!(warnings(&cancelling).contains(&"channels_cancel"), "{cancelling}");
}

#[test]
fn a_constant_offset_is_told_and_changes_neither_level_nor_score() {
    let folder = folder();
    let path = folder.path().join("offset.wav");
    let sound = samples(CLIP);
    write_wav(&path, 16_000, &[&sound.iter().map(|x| x + 0.15).collect::<Vec<f64>>()]);
    let ((plain, _), (offset, run)) = (inspect(CLIP, 0), inspect(word(&path), 0));
    let mean = sound.iter().sum::<f64>() / sound.len() as f64;
    assert!((number(&offset, "dc_offset") - 0.15 - mean).abs() < 1e-5 && warnings(&offset).contains(&"dc_offset"));
    assert!((number(&offset, "level_dbfs") - number(&plain, "level_dbfs")).abs() < 0.01, "{offset}");
    assert!(run.stderr.contains("it does not change the score"), "{}", run.stderr);
    let checked = soundalike(&["check", "--json", MFCC, "--reference", "voices/nsh/real/02.wav", CLIP, word(&path)]);
    let checked = checked.exits(0).json();
    let cosine = |i: usize| checked["candidates"][i]["scores"]["mfcc"]["cosine"].as_f64().unwrap();
    assert!((cosine(0) - cosine(1)).abs() < 0.005, "{} and {}", cosine(0), cosine(1));
}

#[test]
fn a_truncated_clip_is_used_with_a_warning() {
    let folder = folder();
    let path = folder.path().join("cut.wav");
    let bytes = fs::read(fixtures().join(CLIP)).unwrap();
    fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    let (row, run) = inspect(word(&path), 0);
    assert_eq!((warnings(&row), &row["status"]), (vec!["truncated"], &"usable".into()));
    assert_eq!(row["quality"]["warnings"][0]["declared_bytes"], bytes.len() - 44);
    assert_eq!(row["quality"]["warnings"][0]["found_bytes"], bytes.len() / 2 - 44);
    assert!((number(&row, "duration_s") - (bytes.len() / 2 - 44) as f64 / 32_000.0).abs() < 1e-4, "{row}");
    assert!(run.stderr.contains("the file is cut short"), "{}", run.stderr);
}

#[test]
fn every_malformed_file_is_measured_or_refused_with_a_message() {
    let files = |folder: &str| {
        let entries = fs::read_dir(fixtures().join(folder)).into_iter().flatten().map(Result::unwrap);
        let files = entries.filter(|entry| entry.file_type().unwrap().is_file());
        files.map(|entry| format!("{folder}/{}", entry.file_name().into_string().unwrap())).collect::<Vec<_>>()
    };
    // Those that other readers broke on are for those.
    let mut names = ["malformed", "malformed/found/wav", "malformed/found/container"].map(files).concat();
    names.sort();
    assert!(names.len() >= 29, "{}", names.len());
    for name in &names {
        let run = soundalike(&["inspect", name]);
        let row = run.stdout.lines().nth(1).unwrap_or_else(|| panic!("{name}: {}", run.stderr));
        assert!(row.starts_with(name.as_str()), "{row}");
        match run.code {
            0 => assert!(row.ends_with("  yes"), "{row}"),
            2 => assert!(row.contains("  no: ") && row.contains("; "), "{row}"),
            code => panic!("{name}: exit code {code}"),
        }
        let checked = soundalike(&["check", MFCC, "--reference", name, "voices/nsh/tts/01.wav", "--force"]);
        if run.code == 0 {
            // Scored, or forced where it is clipped so that nothing was validated there.
            assert!([0, 3].contains(&checked.code) && checked.stdout.contains("\nMFCC cosine "), "{name}");
        } else {
            checked.fails(&[name]);
        }
    }
    let all = soundalike(&["inspect", "malformed", "--json"]).exits(3).json();
    assert_fits_schema("inspect", &all);
    let rows = all["clips"].as_array().unwrap();
    let found: Vec<&str> = rows.iter().map(|row| row["path"].as_str().unwrap()).collect();
    assert_eq!(found, names);
    for row in rows.iter().filter(|row| row["quality"].is_null()) {
        assert!(message(row).starts_with(row["path"].as_str().unwrap()), "{row}");
    }
}

#[test]
fn what_is_no_file_is_refused_and_never_waited_for() {
    let folder = folder();
    let empty = word(folder.path());
    let (row, _) = inspect(empty, 2);
    assert!(message(&row).contains("a folder without sound files"), "{row}");
    let (row, _) = inspect("no/such.wav", 2);
    assert!(message(&row).starts_with("no/such.wav: ") && message(&row).contains("check the spelling"), "{row}");
    #[cfg(unix)]
    {
        let pipe = folder.path().join("pipe.wav");
        assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        for path in [word(&pipe), "/dev/zero", "/dev/null"] {
            let (row, _) = inspect(path, 2);
            assert!(message(&row).contains("found a pipe or a device"), "{row}");
            soundalike(&["check", MFCC, "--reference", path, CLIP]).fails(&[path, "a pipe or a device"]);
        }
    }
}

#[cfg(unix)]
#[test]
fn a_file_that_may_not_be_read_is_refused_with_advice() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    use std::os::unix::process::CommandExt;
    let folder = folder();
    let mode = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    let (locked, open, program) =
        (folder.path().join("locked.wav"), folder.path().join("open.wav"), folder.path().join("soundalike"));
    copy(CLIP, &locked);
    copy(CLIP, &open);
    mode(&locked, 0o000);
    mode(&open, 0o644);
    mode(folder.path(), 0o755);
    let mut command;
    if fs::metadata(&locked).unwrap().uid() == 0 {
        // The administrator may read anything, so somebody else asks, with a program that is within reach.
        fs::copy(env!("CARGO_BIN_EXE_soundalike"), &program).unwrap();
        mode(&program, 0o755);
        command = Command::new(&program);
        command.uid(65_534);
    } else {
        command = Command::new(env!("CARGO_BIN_EXE_soundalike"));
    }
    command.current_dir(folder.path()).args(["inspect", "--json", word(&locked), word(&open)]);
    let result = run(command).exits(3).json();
    let (refused, used) = (&result["clips"][0], &result["clips"][1]);
    assert!(message(refused).contains("Permission denied") && message(refused).contains("chmod"), "{refused}");
    assert!(message(refused).starts_with(word(&locked)) && refused["sha256"].is_null(), "{refused}");
    assert_eq!(used["status"], "usable");
}
