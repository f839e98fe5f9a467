//! Clocks that turn back or stand wrong: what has changed is seen by a date that is another, later or earlier.

use super::{ANNA, BERT, CARL, Place};
use crate::program::MFCC;
use serde_json::Value;
use soundalike::evidence::audit::{AuditEntry, append, check};
use std::fs;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

fn date(place: &Place, name: &str, date: SystemTime) {
    fs::File::options().write(true).open(place.at(name)).unwrap().set_modified(date).unwrap();
}

fn index(place: &Place, code: i32) -> Value {
    place.run(&["index", "--json", MFCC, "lib", "-o", "voices.lib"], code).json()
}

fn counts(report: &Value) -> [u64; 4] {
    ["new", "changed", "moved", "unchanged"].map(|name| report[name].as_u64().unwrap())
}

#[test]
fn an_index_sees_changes_whatever_their_dates() {
    let place = Place::new();
    for (name, fixture) in [("ahead", ANNA), ("old", BERT), ("before", CARL), ("now", ANNA)] {
        place.clip(fixture, 3, &format!("lib/{name}.wav"));
    }
    place.clip(BERT, 7, "lib/now.wav");
    let year = Duration::from_secs(365 * 86_400);
    let (ahead, old, before) = (UNIX_EPOCH + 130 * year, UNIX_EPOCH + 40 * year, UNIX_EPOCH - year / 2);
    date(&place, "lib/ahead.wav", ahead);
    date(&place, "lib/old.wav", old);
    date(&place, "lib/before.wav", before);
    assert_eq!(counts(&index(&place, 0)), [4, 0, 0, 0]);
    assert_eq!(counts(&index(&place, 0)), [0, 0, 0, 4]);
    // Other bytes of the same size with an earlier date, one still ahead of the clock, one before 1970.
    for (name, date_then) in
        [("ahead", ahead - year), ("old", old - year), ("before", before - year / 4), ("now", UNIX_EPOCH)]
    {
        let file = format!("lib/{name}.wav");
        let size = fs::metadata(place.at(&file)).unwrap().len();
        place.clip(ANNA, 11 + name.len(), &file);
        assert_eq!(fs::metadata(place.at(&file)).unwrap().len(), size);
        date(&place, &file, date_then);
    }
    assert_eq!(counts(&index(&place, 0)), [0, 4, 0, 0]);
    place.run(&["index", "--check", "-o", "voices.lib", "lib"], 0);
    // Another date alone: the content is known.
    date(&place, "lib/ahead.wav", old);
    assert_eq!(counts(&index(&place, 0)), [0, 0, 1, 3]);
    // The same date and the same size: not looked at, as is told, but found by a check.
    place.clip(CARL, 30, "lib/old.wav");
    date(&place, "lib/old.wav", old - year);
    assert_eq!(counts(&index(&place, 0)), [0, 0, 0, 4]);
    let told = place.run(&["index", "--check", "-o", "voices.lib", "lib"], 1).stdout;
    assert!(told.contains("old.wav"), "{told}");
}

#[test]
fn a_log_stays_whole_where_the_clock_turns_back() {
    let place = Place::new();
    place.clip(ANNA, 0, "take.wav");
    let log = place.at("case.log");
    for time in ["2099-12-31T23:59:59Z", "1970-01-01T00:00:00Z", "2030-06-01T00:00:00Z"] {
        append(&log, &AuditEntry { time: time.into(), command: "check".into(), ..Default::default() }).unwrap();
    }
    place.run(&["inspect", "take.wav", "--audit", "case.log"], 0);
    let outcome = check(&log, None).unwrap();
    assert_eq!((outcome.intact, outcome.lines), (true, 4));
    place.run(&["verify", "--audit", "case.log"], 0);
}
