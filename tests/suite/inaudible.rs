//! What no ear hears moves no score: a constant offset, and what 16 bits cannot hold.

use crate::program::{low_pass, samples};
use soundalike::audio::{AudioFormat, Container};
use soundalike::encoder::{Embedding, Encoder, EncoderSet, Panel, PanelSettings, PerEncoder, cosine};
use soundalike::feature::{Quality, SpeechDetector, SpeechSettings};

const CLIPS: [&str; 6] =
    ["nsh/real/02", "librivox/real/01", "carlo/real/01", "heart/tts/01", "slt/tts/01", "kal16/tts/01"];

fn panel(encoders: &[Encoder]) -> Panel {
    let encoders = EncoderSet::of(encoders.iter().copied()).unwrap();
    Panel::new(&PanelSettings { encoders, ..PanelSettings::default() }).unwrap()
}

/// A clip at half its level, so that an offset leaves it within full scale.
fn half(clip: &str) -> Vec<f64> {
    samples(&format!("voices/{clip}.wav")).iter().map(|x| 0.5 * x).collect()
}

fn in_16_bits(samples: &[f64]) -> Vec<f64> {
    samples.iter().map(|x| (x * 32_768.0).round() / 32_768.0).collect()
}

fn float(samples: &[f64]) -> Vec<f32> {
    samples.iter().map(|x| *x as f32).collect()
}

fn analyse(panel: &Panel, samples: &[f64]) -> (Quality, PerEncoder<Embedding>) {
    let (container, codec) = (Container::Wav, "pcm_f32".into());
    let format = AudioFormat { container, codec, sample_rate_hz: 16_000, channels: 1, bits_per_sample: None };
    let (quality, embeddings) = panel.worker().analyse_samples(&float(samples), &format);
    (quality, embeddings.unwrap())
}

fn decisions(samples: &[f64]) -> Vec<(bool, bool)> {
    let (mut detector, mut frames) = (SpeechDetector::new(&SpeechSettings::default()), Vec::new());
    detector.push(&float(samples), &mut |frame| frames.push((frame.speech, frame.keep)));
    detector.finish(&mut |frame| frames.push((frame.speech, frame.keep)));
    frames
}

/// The cosine of each encoder's two embeddings.
fn cosines(panel: &Panel, a: &PerEncoder<Embedding>, b: &PerEncoder<Embedding>) -> Vec<(&'static str, f64)> {
    let both = |encoder: Encoder| Some((encoder, a.get(encoder)?, b.get(encoder)?));
    let pairs = panel.settings().encoders.iter().filter_map(both);
    pairs.map(|(encoder, a, b)| (encoder.name(), cosine(&a.values, &b.values).unwrap())).collect()
}

#[test]
fn a_constant_offset_changes_no_embedding_no_decision_and_no_figure() {
    let panel = panel(&Encoder::ALL);
    for clip in CLIPS {
        for plain in [half(clip), in_16_bits(&half(clip))] {
            let (quality, embeddings) = analyse(&panel, &plain);
            for offset in [0.01, 0.1, -0.3] {
                // Of 16-bit samples a whole number of steps.
                let offset = (offset * 32_768.0f64).round() / 32_768.0;
                let moved: Vec<f64> = plain.iter().map(|x| x + offset).collect();
                assert!(decisions(&moved) == decisions(&plain), "{clip} {offset}");
                let (with, moved) = analyse(&panel, &moved);
                for (encoder, found) in cosines(&panel, &embeddings, &moved) {
                    assert!(found >= 0.9999, "{clip} {offset} {encoder}: {found}");
                }
                let near = |a: Option<f32>, b: Option<f32>| (a.unwrap() - b.unwrap()).abs() < 0.01;
                assert!(near(with.level_dbfs, quality.level_dbfs) && near(with.snr_db, quality.snr_db), "{clip}");
                assert_eq!(with.bandwidth_hz, quality.bandwidth_hz, "{clip} {offset}");
                assert!((with.clipping_percent - quality.clipping_percent).abs() < 0.01, "{clip} {offset}");
            }
        }
    }
}

#[test]
fn what_16_bits_cannot_hold_hardly_moves_the_statistics() {
    let panel = panel(&[Encoder::Mfcc, Encoder::MfccLda]);
    let mut state = 7u64;
    let mut uniform = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1u64 << 53) as f64 - 0.5
    };
    for clip in CLIPS {
        let plain = half(clip);
        // Nothing above 3.9 kHz, and pauses 80 dB lower.
        let low = low_pass(&plain, 3_900.0 / 16_000.0);
        let peak = plain.iter().fold(0.0f64, |peak, x| peak.max(x.abs()));
        let quiet = |block: &[f64]| block.iter().all(|x| x.abs() < 0.02 * peak);
        let gain = |block: &[f64]| if quiet(block) { 1e-4 } else { 1.0 };
        let gated: Vec<f64> =
            plain.chunks(160).flat_map(|b| b.iter().map(|x| gain(b) * x).collect::<Vec<_>>()).collect();
        for (what, sound) in [("low-passed", low), ("gated", gated)] {
            let (_, before) = analyse(&panel, &sound);
            let dithered: Vec<f64> = sound.iter().map(|x| x + (uniform() + uniform()) / 32_768.0).collect();
            for (how, sound) in [("rounded", &sound), ("dithered", &dithered)] {
                for (encoder, found) in cosines(&panel, &before, &analyse(&panel, &in_16_bits(sound)).1) {
                    assert!(found >= 0.995, "{clip} {what} {how} {encoder}: {found}");
                }
            }
        }
    }
}
