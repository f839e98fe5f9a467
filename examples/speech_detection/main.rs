//! Compares speech detectors on labelled mixtures: speech with silences around and inside it, in several noises.
//!
//! `cargo run --release --example speech_detection -- $SOUNDALIKE_DATA` prints, for each detector and condition, the
//! share of speech that is lost and the share of silence (more than 0.2 s away from speech) that is kept.

#![allow(clippy::print_stdout)]

mod energy;

use energy::{EnergyDetector, EnergySettings};
use soundalike::audio::{Channel, Waveform};
use soundalike::feature::{SpeechDetector, SpeechSettings};
use std::error::Error;
use std::path::Path;

/// Repeatable noise.
struct Noise(u64);

impl Noise {
    fn uniform(&mut self) -> f32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 40) as f32 / 8_388_608.0 - 1.0
    }

    /// White (colour 0), pink-like (colour 1) or humming (colour 2) noise of unit power.
    fn fill(&mut self, colour: usize, n: usize) -> Vec<f32> {
        let (mut low, mut lower) = (0.0f32, 0.0f32);
        let mut x: Vec<f32> = (0..n)
            .map(|i| {
                let white = self.uniform();
                low = 0.97 * low + white;
                lower = 0.7 * lower + white;
                match colour {
                    0 => white,
                    1 => 0.3 * low + lower,
                    _ => 3.0 * (i as f32 * 0.019_635).sin() + 2.0 * (i as f32 * 0.039_27).sin() + 0.3 * low,
                }
            })
            .collect();
        let power = x.iter().map(|v| v * v).sum::<f32>() / n.max(1) as f32;
        x.iter_mut().for_each(|v| *v /= power.sqrt());
        x
    }
}

/// A mixture and, for each frame of 10 ms, whether it is speech and whether it is silence far from speech.
struct Mixture {
    samples: Vec<f32>,
    speech: Vec<bool>,
    silence: Vec<bool>,
}

fn levels(x: &[f32]) -> Vec<f32> {
    x.windows(400).step_by(160).map(|f| 10.0 * (f.iter().map(|v| v * v).sum::<f32>() / 400.0 + 1e-10).log10()).collect()
}

/// Puts clips into silence and labels the frames by the clean clips' own levels.
fn compose(clips: &[Vec<f32>], noise: &mut Noise) -> Mixture {
    let (mut samples, mut labels) = (Vec::new(), Vec::new());
    for clip in clips {
        let gap = (1.0 + 1.5 * (noise.uniform() + 1.0)) * 16_000.0;
        let gap = gap as usize / 160 * 160;
        samples.resize(samples.len() + gap, 0.0);
        labels.resize(samples.len() / 160, false);
        let level = levels(clip);
        let mut sorted = level.clone();
        sorted.sort_by(f32::total_cmp);
        let (floor, peak) = (sorted[sorted.len() / 20], sorted[sorted.len() * 97 / 100]);
        let threshold = (peak - 30.0).max(floor + 0.25 * (peak - floor));
        labels.extend(level.iter().map(|l| *l > threshold));
        let whole = clip.len() / 160 * 160;
        samples.extend_from_slice(&clip[..whole]);
        labels.resize(samples.len() / 160, false);
    }
    samples.resize(samples.len() + 24_000, 0.0);
    labels.resize(samples.len() / 160, false);
    let near = |t: usize, d: usize| labels[t.saturating_sub(d)..(t + d + 1).min(labels.len())].iter().any(|l| *l);
    let silence = (0..labels.len()).map(|t| !near(t, 25)).collect();
    Mixture { samples, speech: labels, silence }
}

type Detector = dyn Fn(&[f32]) -> Vec<bool>;

fn by_energy(settings: &EnergySettings, x: &[f32]) -> Vec<bool> {
    let mut keep = Vec::new();
    let mut detector = EnergyDetector::new(settings);
    detector.push(x, &mut |f| keep.push(f.keep));
    detector.finish(&mut |f| keep.push(f.keep));
    keep
}

fn by_network(threshold: f32, x: &[f32]) -> Vec<bool> {
    let mut keep = Vec::new();
    let mut detector = SpeechDetector::new(&SpeechSettings { threshold, ..Default::default() });
    detector.push(x, &mut |f| keep.push(f.keep));
    detector.finish(&mut |f| keep.push(f.keep));
    keep
}

fn main() -> Result<(), Box<dyn Error>> {
    let root = std::env::args().nth(1).ok_or("give the folder of the development data")?;
    let root = Path::new(&root);
    let manifest = std::fs::read_to_string(root.join("manifest.tsv"))?;
    let mut clips = Vec::new();
    for line in manifest.lines().skip(1) {
        let fields: Vec<&str> = line.split('\t').collect();
        let wanted = fields[1] == "librispeech_singles" || (fields[1] == "speechocean762" && fields[8] == "dev");
        if wanted {
            clips.push(fields[0].to_string());
        }
    }
    let clips: Vec<String> = clips.into_iter().step_by(5).collect();
    let mut speech = Vec::new();
    for clip in &clips {
        let mut samples = Waveform::read(&root.join(clip), Channel::Mix)?.samples;
        let power = samples.iter().map(|v| v * v).sum::<f32>() / samples.len() as f32;
        samples.iter_mut().for_each(|v| *v *= 0.05 / power.sqrt());
        speech.push(samples);
    }
    let energy = |rise_db| EnergySettings { rise_db, ..Default::default() };
    let mut detectors: Vec<(String, Box<Detector>)> = Vec::new();
    for rise_db in [2.0, 4.0] {
        detectors.push((format!("energy {rise_db} dB"), Box::new(move |x: &[f32]| by_energy(&energy(rise_db), x))));
    }
    for threshold in [0.3, 0.5, 0.6, 0.7] {
        detectors.push((format!("earshot {threshold}"), Box::new(move |x: &[f32]| by_network(threshold, x))));
    }
    println!("{} clips; lost speech % / kept silence %", clips.len());
    print!("{:14}", "condition");
    detectors.iter().for_each(|(name, _)| print!("{name:>16}"));
    println!();
    let mut conditions: Vec<(String, Option<(usize, f32)>)> =
        vec![("clean".into(), None), ("clean, quiet".into(), None)];
    for (colour, name) in ["white", "pink", "hum"].iter().enumerate() {
        conditions.extend([20.0f32, 10.0, 5.0, 0.0].map(|snr| (format!("{name} {snr} dB"), Some((colour, snr)))));
    }
    for (name, condition) in conditions {
        let mut noise = Noise(7);
        let mut totals = vec![[0u64; 4]; detectors.len()];
        for group in speech.chunks(4) {
            let mut mixture = compose(group, &mut noise);
            let quieter = if name == "clean, quiet" { 0.03 } else { 1.0 };
            mixture.samples.iter_mut().for_each(|x| *x *= quieter);
            if let Some((colour, snr)) = condition {
                let gain = 0.05 * 10f32.powf(-snr / 20.0);
                let added = noise.fill(colour, mixture.samples.len());
                mixture.samples.iter_mut().zip(added).for_each(|(x, n)| *x += gain * n);
            }
            for ((_, detect), total) in detectors.iter().zip(&mut totals) {
                for (t, keep) in detect(&mixture.samples).iter().enumerate() {
                    total[0] += u64::from(mixture.speech[t]);
                    total[1] += u64::from(mixture.speech[t] && !keep);
                    total[2] += u64::from(mixture.silence[t]);
                    total[3] += u64::from(mixture.silence[t] && *keep);
                }
            }
        }
        print!("{name:14}");
        for t in totals {
            print!("{:>9.1} /{:5.1}", 100.0 * t[1] as f64 / t[0] as f64, 100.0 * t[3] as f64 / t[2] as f64);
        }
        println!();
    }
    Ok(())
}
