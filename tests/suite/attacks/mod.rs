//! Files in which a voice is where a careless reader does not look, as attacks on the gates.
//!
//! Each is written here, byte by byte. Every one of them holds a stranger that is heard and the protected voice besides:
//! a gate must find the voice or refuse the file. Their harmless twins are laid out alike and hold the stranger only: a
//! gate lets them pass.

mod flac;
mod mkv;
mod mp4;
mod mpeg;
mod ogg;
mod sounds;
mod wave;

use crate::program::{REFERENCE, fixtures, folder, low_pass, soundalike, word};
use serde_json::Value;
use sounds::Sounds;
use std::fs;
use std::path::Path;

const MP3: &str = "mp3-48k-cbr-16kHz-mono.mp3";
const ADTS: &str = "aac-lc-32k-16kHz-mono.aac";

/// A file and what there is to it.
pub struct Case {
    name: &'static str,
    /// What hides the voice, or what is harmless.
    what: &'static str,
    bytes: Vec<u8>,
}

/// A Matroska file with two tracks of one stranger.
pub fn two_harmless_tracks() -> Vec<u8> {
    let all = mkv::harmless(&sounds());
    all.into_iter().find(|case| case.name == "mkv-tracks-of-one-voice.mkv").unwrap().bytes
}

fn case(name: &'static str, what: &'static str, bytes: Vec<u8>) -> Case {
    Case { name, what, bytes }
}

fn samples(fixture: &str) -> Vec<i16> {
    hound::WavReader::open(fixtures().join(fixture)).unwrap().samples().map(|sample| sample.unwrap()).collect()
}

/// Four seconds of each voice.
fn sounds() -> Sounds {
    let [voice, stranger] = ["nsh", "rms"].map(|name| samples(&format!("voices/{name}/tts/01.wav"))[..64_000].to_vec());
    Sounds { voice, stranger }
}

/// All clips of a voice.
fn all_of(name: &str) -> Vec<i16> {
    (1..=4).flat_map(|i| samples(&format!("voices/{name}/tts/0{i}.wav"))).collect()
}

fn format(name: &str) -> Vec<u8> {
    fs::read(fixtures().join("formats").join(name)).unwrap()
}

/// The results of both gates on files in a folder: the exit code, and of each file whether it passed.
struct Gates {
    check: Value,
    protect: Value,
}

impl Gates {
    fn run(cases: &[Case], code: i32) -> Gates {
        let folder = folder();
        let (clips, store) = (folder.path().join("clips"), folder.path().join("protected"));
        fs::create_dir(&clips).unwrap();
        cases.iter().for_each(|case| fs::write(clips.join(case.name), &case.bytes).unwrap());
        let paths: Vec<_> = cases.iter().map(|case| clips.join(case.name)).collect();
        let paths: Vec<&str> = paths.iter().map(|path| word(path)).collect();
        let run = |arguments: &[&str]| soundalike(&[arguments, &paths].concat()).exits(code).json();
        let limit = "--fail-above=campplus=0.5";
        let check = run(&["check", "--json", "--encoder=campplus", limit, "--reference", REFERENCE]);
        soundalike(&["protect", "add", "--encoder=campplus", "--store", word(&store), "nsh", REFERENCE]).exits(0);
        let protect = run(&["protect", "check", "--json", limit, "--store", word(&store)]);
        Gates { check, protect }
    }

    /// What the gates say of a file, where one of them lets it pass.
    fn passes(&self, name: &str) -> Vec<String> {
        let is_it = |path: &Value| Path::new(path.as_str().unwrap()).file_name().unwrap() == name;
        let gate = &self.check["gate"];
        let stopped = ["above", "refused"].iter().any(|list| gate[list].as_array().unwrap().iter().any(is_it));
        let candidates = self.protect["candidates"].as_array().unwrap();
        let status = candidates.iter().find(|row| is_it(&row["path"])).map(|row| row["status"].clone());
        let mut out = Vec::new();
        if !stopped {
            out.push("check".into());
        }
        if status.as_ref().is_none_or(|status| status == "passed") {
            out.push(format!("protect check ({status:?})"));
        }
        out
    }
}

/// Asserts that no gate lets any of the files pass, alone or together.
#[track_caller]
fn assert_stopped(cases: &[Case]) {
    let gates = Gates::run(cases, 1);
    let open: Vec<String> = cases
        .iter()
        .filter_map(|case| {
            let passes = gates.passes(case.name);
            (!passes.is_empty()).then(|| format!("{}, {}: {}", case.name, case.what, passes.join(", ")))
        })
        .collect();
    assert!(open.is_empty(), "{} of {} pass:\n{}", open.len(), cases.len(), open.join("\n"));
}

/// Asserts that each gate lets all the files pass.
#[track_caller]
fn assert_passed(cases: &[Case]) {
    let gates = Gates::run(cases, 0);
    let stopped: Vec<&str> =
        cases.iter().filter(|case| gates.passes(case.name).len() < 2).map(|case| case.name).collect();
    assert!(stopped.is_empty(), "{stopped:?}");
}

fn ogg_attacks(sounds: &Sounds) -> Vec<Case> {
    let [voice, stranger] = [&sounds.voice, &sounds.stranger].map(|clip| ogg::opus(clip, low_pass));
    ogg::attacks(sounds, &voice, &stranger, &format("vorbis-16kHz-mono.ogg"))
}

fn mpeg_attacks(sounds: &Sounds) -> Vec<Case> {
    mpeg::attacks(sounds, &format(MP3), &format(ADTS))
}

fn times() -> Vec<Case> {
    sounds::times(&sounds(), &all_of("nsh"), &all_of("rms"))
}

fn harmless() -> Vec<Case> {
    let sounds = sounds();
    let groups = [
        wave::harmless(&sounds),
        flac::harmless(&sounds),
        ogg::harmless(&sounds, &ogg::opus(&sounds.stranger, low_pass)),
        mp4::harmless(&sounds),
        mkv::harmless(&sounds),
        mpeg::harmless(&format(MP3), &format(ADTS)),
        sounds::harmless_channels(&sounds),
        sounds::harmless_times(&sounds, &all_of("rms")),
    ];
    groups.into_iter().flatten().collect()
}

/// All the attacks, by the kind of file.
fn attacks() -> Vec<Vec<Case>> {
    let sounds = sounds();
    vec![
        wave::attacks(&sounds),
        flac::attacks(&sounds),
        ogg_attacks(&sounds),
        mp4::attacks(&sounds),
        mkv::attacks(&sounds),
        mpeg_attacks(&sounds),
        sounds::channels(&sounds),
        times(),
    ]
}

/// Asserts that the program says of each file what it holds, or why it cannot, and gives the lengths.
fn inspected(cases: &[Case]) -> Vec<Option<f64>> {
    let folder = folder();
    cases.iter().for_each(|case| fs::write(folder.path().join(case.name), &case.bytes).unwrap());
    let paths: Vec<_> = cases.iter().map(|case| folder.path().join(case.name)).collect();
    let paths: Vec<&str> = paths.iter().map(|path| word(path)).collect();
    let result = soundalike(&[&["inspect", "--json"], &paths[..]].concat()).json();
    let clips = result["clips"].as_array().unwrap();
    let told: Vec<&str> = clips.iter().map(|clip| clip["path"].as_str().unwrap()).collect();
    assert_eq!(told, paths);
    assert!(clips.iter().all(|clip| clip["quality"].is_object() || clip["reason"].is_object()), "{clips:?}");
    clips.iter().map(|clip| clip["quality"]["duration_s"].as_f64()).collect()
}

#[test]
fn every_file_is_read_or_refused_and_the_harmless_ones_are_whole() {
    let attacks = attacks();
    assert!(attacks.iter().flatten().count() >= 120);
    attacks.iter().for_each(|cases| drop(inspected(cases)));
    let cases = harmless();
    for (case, seconds) in cases.iter().zip(inspected(&cases)) {
        // MP3 and AAC hold 1.5 s of 16 kHz three times, at 12 kHz and with what the encoders add.
        let (least, most) = match case.name {
            "time-one-voice.wav" => (23.0, 24.0),
            "time-pause.wav" => (13.0, 13.0),
            name if name.ends_with("mp3") || name.ends_with("aac") => (6.0, 6.5),
            _ => (3.99, 8.01),
        };
        let seconds = seconds.unwrap_or_else(|| panic!("{}, {}: not read", case.name, case.what));
        assert!((least..=most).contains(&seconds), "{}, {}: {seconds} s", case.name, case.what);
    }
}

#[test]
fn harmless_files_pass_every_gate() {
    assert_passed(&harmless());
}

#[test]
fn sound_that_wave_files_hide_does_not_pass() {
    assert_stopped(&wave::attacks(&sounds()));
}

#[test]
fn sound_that_flac_hides_does_not_pass() {
    assert_stopped(&flac::attacks(&sounds()));
}

#[test]
fn sound_that_ogg_hides_does_not_pass() {
    assert_stopped(&ogg_attacks(&sounds()));
}

#[test]
fn sound_that_mp4_hides_does_not_pass() {
    assert_stopped(&mp4::attacks(&sounds()));
}

#[test]
fn sound_that_matroska_hides_does_not_pass() {
    assert_stopped(&mkv::attacks(&sounds()));
}

#[test]
fn sound_that_mpeg_streams_hide_does_not_pass() {
    assert_stopped(&mpeg_attacks(&sounds()));
}

#[test]
fn a_voice_in_some_channels_does_not_pass() {
    assert_stopped(&sounds::channels(&sounds()));
}

#[test]
fn a_voice_for_some_of_the_time_does_not_pass() {
    assert_stopped(&times());
}

#[test]
fn a_ratio_stops_a_voice_for_some_of_the_time_and_no_other_voice() {
    let folder = folder();
    let store = folder.path().join("protected");
    soundalike(&["protect", "add", "--store", word(&store), "nsh", REFERENCE]).exits(0);
    let check = |clips: &[&str], code: i32| -> Vec<Value> {
        let arguments = ["protect", "check", "--json", "--store", word(&store)];
        let report = soundalike(&[&arguments, clips].concat()).exits(code).json();
        report["candidates"].as_array().unwrap().iter().map(|clip| clip["status"].clone()).collect()
    };
    let hidden = ["time-second-half.wav", "time-middle.wav", "time-two-of-six.wav"];
    let cases: Vec<Case> = times().into_iter().filter(|case| hidden.contains(&case.name)).collect();
    cases.iter().for_each(|case| fs::write(folder.path().join(case.name), &case.bytes).unwrap());
    let paths = hidden.map(|name| folder.path().join(name));
    assert_eq!(check(&paths.each_ref().map(|path| word(path)), 1), ["hit"; 3]);
    assert_eq!(check(&["voices/rms/tts", "voices/slt/tts"], 0), ["passed"; 8]);
}
