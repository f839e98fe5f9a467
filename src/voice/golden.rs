//! Descriptors against Praat's, on clips of the fixtures (`fixtures/golden/praat.json`, made by
//! `tools/golden_praat.py`).

use super::{VoiceAnalysis, describe};
use crate::audio::{Channel, Waveform};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::Path;

#[derive(Deserialize)]
struct Golden {
    clips: BTreeMap<String, Clip>,
}

/// What Praat says of a clip.
#[derive(Deserialize)]
struct Clip {
    first_s: f64,
    f0_hz: Vec<f64>,
    hnr_db: f64,
    hnr_cc_db: f64,
    pulses: usize,
    jitter_percent: f64,
    shimmer_percent: f64,
    formant_ceiling_hz: f64,
    formants_hz: Vec<f64>,
    cpp_db: f64,
    cpps_db: f64,
    syllables: i64,
    pauses: i64,
    phonation_s: f64,
}

/// Differences, ours less Praat's.
#[derive(Debug, Default)]
struct Differences {
    /// Largest relative difference where both are voiced, percent.
    f0_percent: f64,
    /// Frames on which both agree whether they are voiced, percent.
    voicing_percent: f64,
    hnr_db: f64,
    hnr_cc_db: f64,
    jitter_points: f64,
    jitter_percent: f64,
    shimmer_points: f64,
    shimmer_percent: f64,
    /// Relative difference of the medians, percent.
    formants_percent: [f64; 4],
    cpp_db: f64,
    cpps_db: f64,
    syllables: i64,
    pauses: i64,
    phonation_s: f64,
}

fn path(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name)
}

fn golden() -> Golden {
    serde_json::from_str(&std::fs::read_to_string(path("golden/praat.json")).unwrap()).unwrap()
}

fn ours(clip: &str) -> VoiceAnalysis {
    let samples = Waveform::read(&path(&format!("voices/{clip}.wav")), Channel::Mix).unwrap().samples;
    describe(&samples, &[(0.0, f64::INFINITY)])
}

fn differences(ours: &VoiceAnalysis, praat: &Clip) -> Differences {
    let (d, tracks) = (&ours.descriptors, &ours.tracks);
    assert!((tracks.first_s - praat.first_s).abs() < 1e-5 && tracks.f0_hz.len() == praat.f0_hz.len());
    assert_eq!(d.formant_ceiling_hz, Some(praat.formant_ceiling_hz));
    let frames = || tracks.f0_hz.iter().zip(&praat.f0_hz);
    let agree = frames().filter(|(ours, praat)| ours.is_some() == (**praat > 0.0)).count();
    let f0 =
        frames().filter_map(|(ours, praat)| ours.filter(|_| *praat > 0.0).map(|hz| 100.0 * (hz / praat - 1.0).abs()));
    let formants = [d.f1_hz, d.f2_hz, d.f3_hz, d.f4_hz];
    let relative = |n: usize| 100.0 * (formants[n].unwrap() / praat.formants_hz[n] - 1.0);
    let (jitter, shimmer) = (d.jitter_percent.unwrap(), d.shimmer_percent.unwrap());
    Differences {
        f0_percent: f0.fold(0.0, f64::max),
        voicing_percent: 100.0 * agree as f64 / praat.f0_hz.len() as f64,
        hnr_db: d.hnr_db.unwrap() - praat.hnr_db,
        hnr_cc_db: d.hnr_db.unwrap() - praat.hnr_cc_db,
        jitter_points: jitter - praat.jitter_percent,
        jitter_percent: 100.0 * (jitter / praat.jitter_percent - 1.0),
        shimmer_points: shimmer - praat.shimmer_percent,
        shimmer_percent: 100.0 * (shimmer / praat.shimmer_percent - 1.0),
        formants_percent: [0, 1, 2, 3].map(relative),
        cpp_db: d.cpp_db.unwrap() - praat.cpp_db,
        cpps_db: d.cpp_db.unwrap() - praat.cpps_db,
        syllables: d.syllables as i64 - praat.syllables,
        pauses: d.pauses as i64 - praat.pauses,
        phonation_s: d.phonation_s - praat.phonation_s,
    }
}

impl Differences {
    /// Every tolerance, of which the first is broken where a message comes back.
    fn broken(&self) -> Option<&'static str> {
        let either = |percent: f64, points: f64| percent.abs() <= 15.0 || points.abs() <= 0.2;
        [
            (self.f0_percent <= 1.0, "F0 within 1 % on frames that both call voiced"),
            (self.voicing_percent >= 95.0, "voicing alike on 95 % of the frames"),
            (self.hnr_db.abs() <= 1.0, "HNR within 1 dB"),
            (either(self.jitter_percent, self.jitter_points), "jitter within 15 % or 0.2 points"),
            (either(self.shimmer_percent, self.shimmer_points), "shimmer within 15 % or 0.2 points"),
            (self.formants_percent.iter().take(3).all(|x| x.abs() <= 5.0), "F1 to F3 within 5 %"),
            (self.formants_percent[3].abs() <= 5.0 && self.cpp_db.abs() <= 2.0, "F4 within 5 %, CPP within 2 dB"),
            (self.syllables.abs() <= 1 && self.pauses == 0, "syllables within 1, pauses alike"),
            (self.phonation_s.abs() <= 0.05, "phonation within 0.05 s"),
        ]
        .into_iter()
        .find_map(|(holds, what)| (!holds).then_some(what))
    }

    fn figures(&self) -> [(&'static str, f64); 15] {
        let [f1, f2, f3, f4] = self.formants_percent;
        [
            ("F0, largest of a frame, %", self.f0_percent),
            ("voicing not alike, % of frames", 100.0 - self.voicing_percent),
            ("HNR, dB", self.hnr_db),
            ("HNR against To Harmonicity (cc), dB", self.hnr_cc_db),
            ("jitter, points", self.jitter_points),
            ("jitter, %", self.jitter_percent),
            ("shimmer, points", self.shimmer_points),
            ("shimmer, %", self.shimmer_percent),
            ("F1, %", f1),
            ("F2, %", f2),
            ("F3, %", f3),
            ("F4, %", f4),
            ("CPP, dB", self.cpp_db),
            ("CPP against Get CPPS of the file, dB", self.cpps_db),
            ("phonation, s", self.phonation_s),
        ]
    }
}

#[test]
#[allow(clippy::print_stdout)]
fn the_figures_are_praats() {
    let golden = golden();
    assert!(golden.clips.len() >= 8);
    let mut worst: Vec<(&str, f64)> = Vec::new();
    for (name, praat) in &golden.clips {
        let found = differences(&ours(name), praat);
        assert_eq!(found.broken(), None, "{name}, {} pulses: {found:?}", praat.pulses);
        let figures = found.figures();
        worst.resize(figures.len(), ("", 0.0));
        for (worst, figure) in worst.iter_mut().zip(figures) {
            *worst = if figure.1.abs() >= worst.1.abs() { figure } else { *worst };
        }
    }
    // Shown by cargo test --lib voice::golden -- --nocapture, for ACCURACY.md.
    worst.iter().for_each(|(what, difference)| println!("{what}: {difference:+.4}"));
}
