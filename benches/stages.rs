//! One benchmark a stage, each alone and on one thread: `cargo bench --bench stages [-- NAME]`.
//!
//! The sound is made by the formulas below, so it is the same on every machine. Plans, tables and streams are made
//! before the clock starts, as a program does that goes through many clips; a fresh `Recording` a file is part of its
//! stage.

use criterion::{BenchmarkId, Criterion, Throughput};
use soundalike::audio::{Channel, ReadOptions, Recording, file_sha256};
use soundalike::compare::cosine;
use soundalike::encoder::{Encoder, EncoderSet, Panel, PanelSettings};
use soundalike::feature::{
    FeatureSettings, FirstCoefficient, Preset, SpeechDetector, SpeechSettings, kaldi_fbank80, kaldi_mfcc,
};
use std::error::Error;
use std::f64::consts::TAU;
use std::path::{Path, PathBuf};
use std::time::Duration;

type Outcome = Result<(), Box<dyn Error>>;

/// Length of every clip, seconds.
const SECONDS: u32 = 10;

/// Syllables of a buzz with a moving pitch, over a little noise: full scale ±1, the same numbers every time.
fn sound(rate: u32, seed: u32) -> Vec<f32> {
    let (mut phase, mut noise) = (0.0f64, seed);
    (0..SECONDS * rate)
        .map(|i| {
            let t = f64::from(i) / f64::from(rate);
            phase += (120.0 + 25.0 * (TAU * 0.4 * t).sin()) / f64::from(rate);
            let buzz: f64 = (1..=24)
                .map(|k| {
                    let (k, formant) = (f64::from(k), 600.0 + 300.0 * (TAU * 1.3 * t).sin());
                    (TAU * k * phase).sin() / (1.0 + ((k * 120.0 - formant) / 400.0).powi(2))
                })
                .sum();
            noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let hiss = f64::from(noise) / f64::from(u32::MAX) - 0.5;
            (0.08 * buzz * (TAU * 3.0 * t).sin().max(0.0) + 0.002 * hiss) as f32
        })
        .collect()
}

/// The sound as a file of 16-bit samples, the same on all channels.
fn wav(folder: &Path, rate: u32, channels: u16) -> Result<PathBuf, Box<dyn Error>> {
    let path = folder.join(format!("{rate}-{channels}.wav"));
    let spec =
        hound::WavSpec { channels, sample_rate: rate, bits_per_sample: 16, sample_format: hound::SampleFormat::Int };
    let mut writer = hound::WavWriter::create(&path, spec)?;
    for x in sound(rate, 1) {
        for _ in 0..channels {
            writer.write_sample((32_767.0 * x) as i16)?;
        }
    }
    writer.finalize()?;
    Ok(path)
}

/// Reads a file to its end: decoding, mixing, resampling, and measuring where asked for.
fn read(path: &Path, block: &mut Vec<f32>, measure: bool) -> soundalike::Result<usize> {
    let mut recording =
        Recording::open(path, &ReadOptions { channel: Channel::Mix, hash: false, measure, ..ReadOptions::default() })?;
    let mut samples = 0;
    while recording.next(block)? {
        samples += block.len();
    }
    Ok(samples)
}

fn audio(c: &mut Criterion, folder: &Path) -> Outcome {
    let (mono, stereo) = (wav(folder, 16_000, 1)?, wav(folder, 44_100, 2)?);
    let mut block = Vec::new();
    let cases = [
        ("decode 16 kHz mono", &mono, false),
        ("decode and measure 16 kHz mono", &mono, true),
        ("decode, mix and resample 44.1 kHz stereo", &stereo, false),
    ];
    let mut group = c.benchmark_group("audio, 10 s");
    for (name, path, measure) in cases {
        assert_eq!(read(path, &mut block, measure)?, 160_000, "{name}");
        group.throughput(Throughput::Bytes(std::fs::metadata(path)?.len()));
        group.bench_function(name, |b| b.iter(|| read(path, &mut block, measure)));
    }
    file_sha256(&stereo)?;
    group.bench_function("SHA-256 of the stereo file", |b| b.iter(|| file_sha256(&stereo)));
    group.finish();
    Ok(())
}

fn features(c: &mut Criterion) -> Outcome {
    let samples = sound(16_000, 2);
    let mut group = c.benchmark_group("feature, 10 s");
    group.throughput(Throughput::Elements(samples.len() as u64));
    let named = |(name, settings): (&str, FeatureSettings)| (name.to_string(), settings);
    let own = [
        ("MFCC kaldi 13 of 26", kaldi_mfcc(26, 13, FirstCoefficient::Cepstrum)),
        ("MFCC kaldi 20 of 40", kaldi_mfcc(40, 20, FirstCoefficient::Cepstrum)),
        ("log mel 80", kaldi_fbank80()),
    ];
    let presets = Preset::ALL.map(|preset| (format!("MFCC preset {preset:?}"), preset.mfcc()));
    for (name, settings) in own.map(named).into_iter().chain(presets) {
        let plan = settings.plan()?;
        let mut stream = plan.stream();
        group.bench_function(name, |b| {
            b.iter(|| {
                let mut sum = 0.0;
                let mut add = |rows: &[f32]| sum += rows.first().copied().unwrap_or(0.0);
                if plan.needs_peak() {
                    stream.measure(&samples);
                    stream.finish_measuring();
                }
                stream.push(&samples, &mut add);
                stream.finish(&mut add);
                sum
            });
        });
    }
    let mut detector = SpeechDetector::new(&SpeechSettings::default());
    group.bench_function("speech detection", |b| {
        b.iter(|| {
            let mut kept = 0u32;
            let mut count = |frame: soundalike::feature::FrameActivity| kept += u32::from(frame.keep);
            detector.push(&samples, &mut count);
            detector.finish(&mut count);
            kept
        });
    });
    group.finish();
    Ok(())
}

/// What `check` does to a file: hash, decode, measure, detect speech, encode.
fn whole(c: &mut Criterion, folder: &Path) -> Outcome {
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/voices/librivox/real/01.wav");
    let clips = [
        ("10 s, 16 kHz mono", wav(folder, 16_000, 1)?),
        ("10 s, 44.1 kHz stereo", wav(folder, 44_100, 2)?),
        ("fixture librivox 01", fixture),
    ];
    let panel = Panel::new(&PanelSettings { encoders: EncoderSet::of([Encoder::Mfcc])?, ..Default::default() })?;
    let mut worker = panel.worker();
    let mut group = c.benchmark_group("whole pass");
    for (name, path) in &clips {
        if let Some(quality) = worker.analyse(path).quality {
            group.throughput(Throughput::Elements((16_000.0 * quality.duration_s) as u64));
        } else {
            return Err(format!("{} could not be read", path.display()).into());
        }
        group.bench_with_input(BenchmarkId::from_parameter(name), path, |b, path| b.iter(|| worker.analyse(path)));
    }
    group.finish();
    Ok(())
}

fn compare(c: &mut Criterion) {
    let vector = |seed| sound(16_000, seed).into_iter().skip(4000).step_by(997).take(40).collect::<Vec<f32>>();
    let (a, b) = (vector(3), vector(4));
    assert!(cosine(&a, &b).is_some());
    c.bench_function("cosine of 40 values", |bench| {
        bench.iter(|| cosine(std::hint::black_box(&a), std::hint::black_box(&b)));
    });
}

fn main() -> Outcome {
    let mut criterion = Criterion::default()
        .sample_size(30)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .configure_from_args();
    let folder = tempfile::tempdir()?;
    audio(&mut criterion, folder.path())?;
    features(&mut criterion)?;
    whole(&mut criterion, folder.path())?;
    compare(&mut criterion);
    criterion.final_summary();
    Ok(())
}
