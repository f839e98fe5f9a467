//! The rule of every gate: exit code 0 only where all was heard, compared and judged.

use crate::program::{CANDIDATE, REFERENCE, copy, folder, greatest_log10_lr, samples, soundalike, word, write_wav};
use serde_json::{Value, json};

const STRANGER: &str = "voices/slt/tts/01.wav";

/// A list with the protected voice, enrolled by all encoders.
fn list(folder: &std::path::Path) -> String {
    let store = word(folder).to_string() + "/list";
    soundalike(&["protect", "add", "nsh", REFERENCE, "--store", &store]).exits(0);
    store
}

#[test]
fn a_voice_with_fewer_encoders_does_not_disarm_the_list() {
    let folder = folder();
    let store = list(folder.path());
    let check = |more: &[&str]| soundalike(&[&["protect", "check", CANDIDATE, "--store", &store], more].concat());
    assert!(check(&[]).exits(1).stdout.contains("hit"), "the voice is close to itself");
    soundalike(&["protect", "add", "other", STRANGER, "--store", &store, "--encoder", "campplus"]).exits(0);
    check(&[]).fails(&["other", "campplus alone", "mfcc_lda"]);
    check(&["--fail-above", "campplus=0.5"]).fails(&["other", "campplus alone"]);
}

#[test]
fn a_limit_that_nothing_can_reach_is_refused_before_any_work() {
    let folder = folder();
    let store = list(folder.path());
    let limit = ["--fail-above", "log10_lr=3"];
    let gone = "no-such-clip.wav";
    let most = format!("at most {}", greatest_log10_lr());
    let words = ["log10_lr=3", &most, "wide band"];
    soundalike(&[&["check", "--reference", REFERENCE, gone], &limit[..]].concat()).fails(&words);
    soundalike(&[&["protect", "check", gone, "--store", &store], &limit[..]].concat()).fails(&words);
    let scan = ["scan", "--reference", REFERENCE, "voices/slt", "--fail", "--above", "log10_lr=3"];
    soundalike(&scan).fails(&["log10_lr=3", &most]);
    // Nor does a list pretend that nothing reaches what nothing could.
    soundalike(&["scan", "--reference", REFERENCE, "voices/nsh", "--above", "log10_lr=3"]).fails(&["above", &most]);
    soundalike(&["locate", "--reference", REFERENCE, CANDIDATE, "--above", "log10_lr=3"]).fails(&["above", &most]);
}

#[test]
fn a_gate_says_what_it_heard_and_which_part_came_close() {
    let folder = folder();
    let path = |name: &str| word(&folder.path().join(name)).to_string();
    let (voice, stranger) = (samples(CANDIDATE), samples(STRANGER));
    let length = voice.len().min(stranger.len());
    write_wav(folder.path().join("right.wav").as_path(), 16_000, &[&stranger[..length], &voice[..length]]);
    let long: Vec<f64> = stranger.iter().cycle().take(16_000 * 12).chain(&voice).copied().collect();
    write_wav(folder.path().join("late.wav").as_path(), 16_000, &[&long]);
    let both: Vec<f64> = stranger[..length].to_vec();
    write_wav(folder.path().join("same.wav").as_path(), 16_000, &[&both, &both]);
    copy("malformed/text.wav", &folder.path().join("text.wav"));
    let clips = ["right.wav", "late.wav", "same.wav", "text.wav"].map(path);
    let clips: Vec<&str> = clips.iter().map(String::as_str).collect();
    let arguments = ["check", "--json", "--reference", REFERENCE, "--encoder=campplus", "--fail-above", "campplus=0.5"];
    let result = soundalike(&[&arguments[..], &clips].concat()).exits(1).json();
    crate::program::assert_fits_schema("check", &result);
    let gate = result["gate"]["clips"].as_array().unwrap();
    let of = |at: usize, place: &str| gate[at].pointer(place).unwrap().clone();
    let statuses: Vec<Value> = (0..4).map(|at| of(at, "/status")).collect();
    assert_eq!(statuses, ["hit", "hit", "passed", "refused"]);
    assert_eq!(of(0, "/hits/0/part/channel"), json!({"number": 2}));
    // The mix, each channel, and their difference.
    assert_eq!(of(0, "/heard/views"), json!(4));
    let start_s = of(1, "/hits/0/part/start_s").as_f64().unwrap();
    assert!((11.0..15.0).contains(&start_s), "{start_s}");
    assert_eq!((of(2, "/heard/channels"), of(2, "/heard/views")), (json!(2), json!(1)), "one sound on two channels");
    assert_eq!(of(3, "/reasons/0/code"), "unreadable");
}

#[test]
fn files_of_no_known_kind_and_models_by_other_names_keep_a_gate_from_passing() {
    let folder = folder();
    let (clips, store) = (folder.path().join("clips"), word(folder.path()).to_string() + "/list");
    std::fs::create_dir(&clips).unwrap();
    copy(STRANGER, &clips.join("ok.wav"));
    for name in ["nsh", "carlo"] {
        let reference = format!("voices/{name}/real");
        soundalike(&["protect", "add", name, &reference, "--store", &store, "--encoder", "campplus"]).exits(0);
    }
    let limit = ["--fail-above", "campplus=0.5"];
    let gate = || soundalike(&[&["protect", "check", word(&clips), "--store", &store], &limit[..]].concat());
    gate().exits(0);
    std::fs::write(clips.join("notes.txt"), "text").unwrap();
    gate().exits(0);
    let raw: Vec<u8> = samples(CANDIDATE).iter().flat_map(|x| ((x * 32_000.0) as i16).to_le_bytes()).collect();
    for (name, bytes) in [("take.raw", raw), ("takes.zip", b"PK\x03\x04 and so on".to_vec())] {
        std::fs::write(clips.join(name), bytes).unwrap();
        assert!(gate().exits(1).stdout.contains("not audio"), "{name}");
        std::fs::remove_file(clips.join(name)).unwrap();
    }
    let (list, sub) = (std::path::Path::new(&store), std::path::Path::new(&store).join("sub"));
    std::fs::rename(list.join("nsh.model"), list.join("nsh.model.bak")).unwrap();
    gate().fails(&["nsh.model.bak", "expected voice models NAME.model"]);
    std::fs::create_dir(&sub).unwrap();
    std::fs::rename(list.join("nsh.model.bak"), sub.join("nsh.model")).unwrap();
    gate().fails(&["nsh.model", "expected voice models NAME.model"]);
}
