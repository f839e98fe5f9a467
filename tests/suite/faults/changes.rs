//! Clips that change while they are read, and clips that are none: no score under the hash of other bytes, and no
//! waiting for a pipe.

use super::{ANNA, BERT, CARL, Place};
use crate::program::{MFCC, run, samples, word, write_narrow, write_wav};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Does something to a file over and over while the other thing is done.
fn meanwhile<T>(mut disturb: impl FnMut(usize) + Send, done: impl FnOnce() -> T) -> T {
    /// Also where the other thing panics.
    struct Over<'a>(&'a AtomicBool);
    impl Drop for Over<'_> {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Relaxed);
        }
    }
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let _over = Over(&over);
        scope.spawn(|| {
            let mut n = 0;
            while !over.load(Ordering::Relaxed) {
                disturb(n);
                n += 1;
                std::thread::sleep(Duration::from_micros(300));
            }
        });
        done()
    })
}

/// A minute of a voice.
fn long(place: &Place, name: &str) {
    let minute: Vec<f64> = samples(BERT).into_iter().cycle().take(16_000 * 60).collect();
    write_wav(&place.at(name), 16_000, &[&minute]);
}

fn check(place: &Place, more: &[&str], code: i32) -> Value {
    place.run(&[&["check", "--json", MFCC, "--reference", "ref", "take.wav"], more].concat(), code).json()
}

fn appended(path: &Path) -> impl FnMut(usize) + Send + use<> {
    let mut file = File::options().append(true).open(path).unwrap();
    move |_| file.write_all(&[0; 32]).unwrap()
}

fn overwritten(path: &Path) -> impl FnMut(usize) + Send + use<> {
    let mut file = File::options().write(true).open(path).unwrap();
    let length = file.metadata().unwrap().len();
    move |n| {
        file.seek(SeekFrom::Start(length - 64)).unwrap();
        file.write_all(&n.to_le_bytes()).unwrap();
    }
}

#[test]
fn a_clip_that_is_written_to_while_it_is_read_has_no_score() {
    let place = Place::new();
    place.clip(ANNA, 0, "ref/01.wav");
    place.clip(ANNA, 9, "ref/02.wav");
    for kind in ["appended", "overwritten"] {
        long(&place, "take.wav");
        let path = place.at("take.wav");
        let disturb: Box<dyn FnMut(usize) + Send> =
            if kind == "appended" { Box::new(appended(&path)) } else { Box::new(overwritten(&path)) };
        let result = meanwhile(disturb, || check(&place, &[], 2));
        let row = &result["candidates"][0];
        assert_eq!((&row["sha256"], &row["scores"]), (&Value::Null, &Value::Null), "{kind}: {row}");
        let message = row["reason"]["message"].as_str().unwrap();
        assert!(message.contains("stays as it is while it is read") && message.contains("run again"), "{message}");
        // Once nothing writes to it, it is a clip like any other.
        let row = &check(&place, &[], 0)["candidates"][0];
        assert!(row["sha256"].is_string() && row["scores"]["mfcc"]["cosine"].is_number(), "{row}");
    }
}

#[test]
fn a_report_is_not_made_of_a_recording_that_is_written_to() {
    let place = Place::new();
    place.clip(ANNA, 0, "ref/01.wav");
    long(&place, "take.wav");
    let disturb = overwritten(&place.at("take.wav"));
    let arguments = ["check", "-q", MFCC, "--reference", "ref", "take.wav"];
    let result = place.run(&[&arguments[..], &["--json"]].concat(), 0).stdout;
    fs::write(place.at("result.json"), result).unwrap();
    meanwhile(disturb, || {
        place.run(&["report", "-q", "result.json", "-o", "report.html"], 1);
        place.run(&["bundle", "-q", "result.json", "-o", "case.zip"], 1);
    });
    assert!(!place.at("report.html").exists() && !place.at("case.zip").exists());
    // Nor after it was, under the hash that it had.
    let told = place.run(&["report", "result.json", "-o", "report.html"], 1).stderr;
    assert!(told.contains("take.wav is told as SHA-256"), "{told}");
    let told = place.run(&["bundle", "result.json", "-o", "case.zip"], 1).stderr;
    assert!(told.contains("take.wav is told as SHA-256"), "{told}");
    assert!(!place.at("report.html").exists() && !place.at("case.zip").exists());
}

#[test]
fn an_index_takes_up_a_clip_once_nothing_writes_to_it() {
    let place = Place::new();
    place.library(2);
    long(&place, "lib/long.wav");
    let index = ["index", "--json", MFCC, "lib", "-o", "voices.lib"];
    let report = meanwhile(overwritten(&place.at("lib/long.wav")), || place.run(&index, 3).json());
    assert_eq!((&report["new"], &report["refused"][0]["path"]), (&3.into(), &"long.wav".into()), "{report}");
    let message = report["refused"][0]["message"].as_str().unwrap();
    assert!(message.starts_with("long.wav: found SHA-256"), "{message}");
    let report = place.run(&index, 0).json();
    assert_eq!((&report["changed"], &report["holds"]["usable"]), (&1.into(), &3.into()), "{report}");
    place.run(&["index", "--check", "-o", "voices.lib", "lib"], 0);
}

/// Names in turns what is read: each time another file takes the name, whole.
fn swapped(place: &Place, from: [&str; 2], to: &str) -> impl FnMut(usize) + Send + use<> {
    let (sources, to) = (from.map(|name| place.at(name)), place.at(to));
    let mut next = to.clone();
    next.set_extension("next");
    move |n| {
        fs::copy(&sources[n % 2], &next).unwrap();
        fs::rename(&next, &to).unwrap();
    }
}

#[test]
fn a_clip_that_another_takes_the_place_of_has_the_score_of_its_hash() {
    let place = Place::new();
    place.clip(ANNA, 0, "ref/01.wav");
    place.clip(ANNA, 9, "ref/02.wav");
    place.clip(BERT, 3, "b.wav");
    place.clip(CARL, 3, "c.wav");
    write_narrow(ANNA, &place.at("n.wav"));
    write_narrow(CARL, &place.at("m.wav"));
    for (pair, narrow) in [(["b.wav", "c.wav"], false), (["n.wav", "m.wav"], true), (["b.wav", "n.wav"], true)] {
        let mut known = BTreeMap::new();
        for name in pair {
            fs::copy(place.at(name), place.at("take.wav")).unwrap();
            let row = check(&place, &[], 0)["candidates"][0].clone();
            known.insert(row["sha256"].to_string(), row["scores"].clone());
        }
        assert_eq!(known.len(), 2);
        meanwhile(swapped(&place, pair, "take.wav"), || {
            for _ in 0..8 {
                let arguments = ["check", "--json", MFCC, "--reference", "ref", "take.wav"];
                let run = run(place.command(&arguments));
                let row = run.json()["candidates"][0].clone();
                if run.code == 2 && narrow {
                    // It is read once more for the narrow band.
                    let message = row["reason"]["message"].as_str().unwrap();
                    assert!(message.contains("take.wav: found SHA-256") && row["scores"].is_null(), "{row}");
                    continue;
                }
                assert_eq!(run.code, 0, "{}", run.stderr);
                assert_eq!(known.get(&row["sha256"].to_string()), Some(&row["scores"]), "{pair:?}");
            }
        });
    }
}

/// A telephone clip is read for the whole band and again for the narrow one.
#[test]
fn a_clip_that_changes_between_two_readings_is_refused_and_the_others_are_scored() {
    use soundalike::encoder::{Encoder, EncoderSet, Panel, PanelSettings};
    use soundalike::library::ReferenceSource;
    use soundalike::library::Status;
    use soundalike::library::batch::BatchOptions;
    use soundalike::library::check::{CheckSettings, check};
    let place = Place::new();
    place.clip(ANNA, 0, "ref/01.wav");
    place.clip(ANNA, 9, "ref/02.wav");
    write_narrow(ANNA, &place.at("a.wav"));
    write_narrow(CARL, &place.at("c.wav"));
    let (changing, other) = (place.at("a.wav"), place.at("other.wav"));
    write_narrow(BERT, &other);
    // The fourth clip is the last of the first reading.
    let progress = |done: usize, _: usize| {
        if done == 4 {
            let _ = fs::rename(&other, &changing);
        }
    };
    let encoders = EncoderSet::of([Encoder::Mfcc]).unwrap();
    let panel = Panel::new(&PanelSettings { encoders, ..Default::default() }).unwrap();
    let reference = ReferenceSource::read(&[place.at("ref")], &soundalike::encryption::Keys::none()).unwrap();
    let candidates = [place.at("a.wav"), place.at("c.wav")];
    let options = BatchOptions { threads: 1, progress: &progress, ..Default::default() };
    let report = check(&panel, &reference, &candidates, &CheckSettings::default(), &options).unwrap();
    let [a, c] = &report.candidates[..] else { panic!("{report:?}") };
    let message = &a.reason.as_ref().unwrap().message;
    assert!(message.contains("a.wav: found SHA-256"), "{message}");
    assert_eq!((a.status, &a.sha256, &a.quality, &a.scores), (Status::Refused, &None, &None, &None));
    assert_eq!((c.status, c.scores.is_some()), (Status::Scored, true));
}

#[test]
fn pipes_and_devices_are_refused_and_not_waited_for() {
    let place = Place::new();
    place.library(2);
    place.clip(ANNA, 0, "ref/01.wav");
    let pipes = ["lib/pipe.wav", "pipe", "lib/pipe"].map(|name| place.at(name));
    for pipe in &pipes {
        assert!(Command::new("mkfifo").arg(pipe).status().unwrap().success());
    }
    let check = ["check", MFCC, "--reference"];
    for clip in ["pipe", "lib/pipe.wav", "/dev/zero", "/dev/null"] {
        run(place.command(&[&check[..], &["ref", clip]].concat())).exits(2);
        run(place.command(&[&check[..], &[clip, "ref/01.wav"]].concat())).exits(2);
        run(place.command(&["enrol", MFCC, clip, "-o", "x.model"])).exits(2);
        run(place.command(&["locate", "--reference", "ref", clip])).exits(2);
        run(place.command(&["features", clip, "--kind", "embedding", MFCC])).exits(2);
    }
    assert!(!place.at("x.model").exists());
    // In a folder and in a list they are clips that cannot be used.
    let report = place.run(&["index", "--json", MFCC, "lib", "-o", "voices.lib"], 3).json();
    assert_eq!((&report["holds"]["refused"], &report["holds"]["usable"]), (&2.into(), &2.into()), "{report}");
    fs::write(place.at("list.txt"), "pipe\nlib/anna/00.wav\n/dev/zero\n").unwrap();
    let report = place.run(&["index", "--json", MFCC, "list.txt", "-o", "list.lib"], 3).json();
    assert_eq!((&report["holds"]["refused"], &report["holds"]["usable"]), (&2.into(), &1.into()), "{report}");
    fs::write(place.at("clips.tsv"), "path\tspeaker\tkind\npipe\ta\treal\nlib/anna/00.wav\tb\treal\n").unwrap();
    run(place.command(&["index", MFCC, "clips.tsv", "-o", "manifest.lib"])).exits(3);
    run(place.command(&["scan", "--reference", "ref", "lib"])).exits(0);
    assert!(pipes.iter().all(|pipe| !word(pipe).is_empty() && pipe.exists()));
}
