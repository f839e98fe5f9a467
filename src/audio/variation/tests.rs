use super::*;
use crate::audio::{Channel, Waveform};
use std::path::PathBuf;

fn run(variation: &Variation, samples: &[f32], block: usize) -> Vec<f32> {
    let mut varied = Varied::new(variation).unwrap();
    let mut out = Vec::new();
    for part in samples.chunks(block) {
        let mut part = part.to_vec();
        varied.apply(&mut part);
        out.extend(part);
    }
    let mut rest = vec![9.0];
    varied.finish(&mut rest);
    out.extend(rest);
    out
}

fn behind(background: Background) -> Variation {
    Variation { background: Some(background), ..Default::default() }
}

fn in_room(rt60_s: f64) -> Variation {
    Variation { room: Some(Room { rt60_s, direct_to_reverberant_db: 3.0, seed: 4 }), ..Default::default() }
}

fn coded(codec: Codec) -> Variation {
    Variation { codec: Some(codec), ..Default::default() }
}

fn babble(voices: &[(&str, f64)]) -> Background {
    let voices = voices.iter().map(|(path, start_s)| BabbleVoice { path: PathBuf::from(path), start_s: *start_s });
    Background::Babble(Babble { level_dbfs: -30.0, voices: voices.collect() })
}

const VOICES: [(&str, f64); 3] = [
    ("fixtures/voices/nsh/real/01.wav", 0.5),
    ("fixtures/voices/librivox/real/01.wav", 0.0),
    ("fixtures/voices/carlo/real/01.wav", 100.25),
];

fn level(samples: &[f32]) -> f64 {
    10.0 * (samples.iter().map(|x| f64::from(x * x)).sum::<f64>() / samples.len() as f64).log10()
}

fn tone(hz: f64, length: usize) -> Vec<f32> {
    let sample = |n| 0.3 * (std::f64::consts::TAU * hz * n as f64 / f64::from(SAMPLE_RATE_HZ)).sin() as f32;
    (0..length).map(sample).collect()
}

#[test]
fn a_cut_is_the_same_for_any_blocks() {
    let samples: Vec<f32> = (0..16_000).map(|i| i as f32 / 16_000.0).collect();
    let variation = Variation { cut: Some((0.25, 0.5)), ..Default::default() };
    for block in [1000, 777, 16_000] {
        assert_eq!(run(&variation, &samples, block), samples[4000..12_000]);
    }
    assert_eq!(run(&Variation::default(), &samples, 999), samples);
    let beyond = Variation { cut: Some((2.0, 1.0)), ..Default::default() };
    assert!(run(&beyond, &samples, 500).is_empty());
}

#[test]
fn what_is_added_has_the_level_that_was_asked_for() {
    for pink in [false, true] {
        let out = run(&behind(Background::Noise(Noise { level_dbfs: -20.0, pink, seed: 5 })), &[0.0; 400_000], 1000);
        assert!((level(&out) + 20.0).abs() < 0.3, "{pink}");
    }
    for seed in 0..5 {
        let music = behind(Background::Music(Music { level_dbfs: -20.0, seed }));
        let out = run(&music, &[0.0; 480_000], 1000);
        assert!((level(&out) + 20.0).abs() < 1.0, "{seed} {}", level(&out));
    }
    let out = run(&behind(babble(&VOICES)), &[0.0; 320_000], 1000);
    assert!((level(&out) + 30.0).abs() < 0.7, "{}", level(&out));
}

#[test]
fn every_alteration_is_the_same_for_any_blocks_and_keeps_the_length() {
    let samples = Waveform::read(VOICES[0].0.as_ref(), Channel::Mix).unwrap().samples;
    let all = Variation {
        cut: Some((0.5, 1.5)),
        gain_db: -3.0,
        clip_at: Some(0.1),
        codec: Some(Codec::Transform { kbit_s: 24.0, filled: true }),
        ..in_room(0.3)
    };
    let variations = [
        behind(Background::Noise(Noise { level_dbfs: -20.0, pink: true, seed: 5 })),
        behind(Background::Music(Music { level_dbfs: -30.0, seed: 7 })),
        behind(babble(&VOICES)),
        in_room(0.6),
        coded(Codec::Telephone),
        coded(Codec::Transform { kbit_s: 12.0, filled: false }),
        all,
    ];
    for variation in variations {
        let whole = run(&variation, &samples, samples.len());
        let length = variation.cut.map_or(samples.len(), |(_, length)| (length * 16_000.0) as usize);
        assert_eq!(whole.len(), length);
        assert!(whole[..] != samples[..length], "{variation:?}");
        assert!(whole == run(&variation, &samples, 333) && whole == run(&variation, &samples, 4096), "{variation:?}");
        assert!(whole == variation.alter(samples.clone()).unwrap());
    }
}

#[test]
fn a_filter_keeps_what_it_lets_through_in_its_place() {
    let samples = tone(1000.0, 16_000);
    for (codec, least_db) in [(Codec::Telephone, 25.0), (Codec::Transform { kbit_s: 24.0, filled: true }, 10.0)] {
        let out = run(&coded(codec), &samples, 500);
        let error: Vec<f32> = samples.iter().zip(&out).map(|(x, y)| x - y).collect();
        let inner = 1000..15_000;
        let ratio = level(&samples[inner.clone()]) - level(&error[inner]);
        assert!(ratio > least_db, "{codec:?} {ratio}");
    }
    let mut click = vec![0.0; 8000];
    click[1000] = 1.0;
    let out = run(&in_room(0.5), &click, 700);
    assert!(out[..1000].iter().all(|x| x.abs() < 1e-6));
    assert!(out[1000] > 0.7 && out[1001..].iter().all(|x| x.abs() < 0.3));
}

#[test]
fn a_codec_leaves_out_what_its_band_does_not_hold() {
    for (codec, hz) in [
        (Codec::Telephone, 100.0),
        (Codec::Telephone, 3800.0),
        (Codec::Telephone, 6000.0),
        (Codec::Transform { kbit_s: 12.0, filled: false }, 5000.0),
    ] {
        let out = run(&coded(codec), &tone(hz, 16_000), 500);
        let lost = level(&tone(hz, 14_000)) - level(&out[1000..15_000]);
        assert!(lost > 30.0, "{codec:?} {hz} {lost}");
    }
}

#[test]
fn gain_rounds_and_a_limit_cuts_off() {
    let softer = Variation { gain_db: -60.0, ..Default::default() };
    assert_eq!(run(&softer, &[0.5, 0.01], 2), [16.0 / 32_768.0, 0.0]);
    let clipped = Variation { clip_at: Some(0.3), ..Default::default() };
    assert_eq!(run(&clipped, &[0.5, -0.4, 0.2], 2), [0.3, -0.3, 0.2]);
}

#[test]
fn values_outside_their_ranges_and_clips_that_are_not_there_are_errors() {
    let told = |variation: &Variation| variation.alter(vec![0.0; 10]).unwrap_err().to_string();
    assert!(told(&in_room(f64::NAN)).contains("decay time"));
    assert!(told(&in_room(100.0)).contains("0.05 to 5"));
    assert!(told(&coded(Codec::Transform { kbit_s: 1.0, filled: true })).contains("bit rate"));
    assert!(told(&behind(babble(&[]))).contains("voices"));
    assert!(told(&behind(babble(&[("none.wav", 0.0)]))).contains("none.wav"));
}
