//! Runs the program itself, and makes the clips that no fixture holds.

use serde_json::Value;
use std::f64::consts::PI;
use std::fs::{self, File};
use std::io::{Read, Seek};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// No run takes longer than this; one that does has hung.
const LONGEST: Duration = Duration::from_secs(60);

/// The recordings of the protected voice, and a synthetic clip of it, from the folder of the fixtures.
pub const REFERENCE: &str = "voices/nsh/real";
pub const CANDIDATE: &str = "voices/nsh/tts/01.wav";

/// The encoders, and the numbers of values of their embeddings.
pub const ENCODERS: [(&str, usize); 4] = [("mfcc", 38), ("mfcc_lda", 79), ("ge2e", 256), ("campplus", 192)];
/// The argument for what holds whatever the encoder: it spares the networks' time.
pub const MFCC: &str = "--encoder=mfcc";

pub fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}

/// The greatest log10 LR that the calibration for synthetic candidates states, as messages print it.
pub fn greatest_log10_lr() -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/calibration_real_synthetic.json");
    let calibration: Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
    format!("{:.2}", calibration["wide"]["fusion"]["bounds"]["upper"].as_f64().unwrap() / std::f64::consts::LN_10)
}

/// What a run left behind.
#[derive(Debug)]
pub struct Run {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Run {
    /// Standard output, which must be one JSON document and nothing else.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {}\n{}", self.stdout, self.stderr))
    }

    /// Asserts the exit code.
    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, code, "stdout: {}\nstderr: {}", self.stdout, self.stderr);
        self
    }

    /// Asserts that nothing could be done, that nothing is on standard output, and that the error has these words.
    #[track_caller]
    pub fn fails(self, words: &[&str]) -> Self {
        let run = self.exits(2);
        assert_eq!(run.stdout, "", "{}", run.stderr);
        assert!(run.stderr.starts_with("error: "), "{}", run.stderr);
        for word in words {
            assert!(run.stderr.contains(word), "no \"{word}\" in: {}", run.stderr);
        }
        run
    }
}

/// The program: the one that was built with the tests, or that which `SOUNDALIKE_PROGRAM` names.
pub fn program() -> Command {
    Command::new(std::env::var_os("SOUNDALIKE_PROGRAM").unwrap_or_else(|| env!("CARGO_BIN_EXE_soundalike").into()))
}

/// Runs `soundalike` in the folder of the fixtures.
#[track_caller]
pub fn soundalike(arguments: &[&str]) -> Run {
    let mut command = program();
    command.current_dir(fixtures()).args(arguments);
    run(command)
}

/// Runs a command; it must neither hang, nor panic, nor be killed by a signal.
#[track_caller]
pub fn run(mut command: Command) -> Run {
    let (mut out, mut err) = (tempfile::tempfile().unwrap(), tempfile::tempfile().unwrap());
    command.stdin(Stdio::null()).stdout(out.try_clone().unwrap()).stderr(err.try_clone().unwrap());
    let mut child = command.spawn().unwrap();
    let started = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if started.elapsed() > LONGEST {
            child.kill().unwrap();
            child.wait().unwrap();
            panic!("{command:?} hung");
        }
        std::thread::sleep(Duration::from_millis(2));
    };
    let (stdout, stderr) = (text(&mut out), text(&mut err));
    assert!(!stderr.contains("panicked"), "{command:?}: {stderr}");
    let code = status.code().unwrap_or_else(|| panic!("{command:?}: {status}\n{stderr}"));
    Run { code, stdout, stderr }
}

fn text(file: &mut File) -> String {
    let mut bytes = Vec::new();
    file.rewind().unwrap();
    file.read_to_end(&mut bytes).unwrap();
    String::from_utf8(bytes).unwrap()
}

/// A path as an argument.
pub fn word(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// An empty folder that is gone after the test.
pub fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

/// Copies a fixture.
pub fn copy(fixture: &str, to: &Path) {
    fs::copy(fixtures().join(fixture), to).unwrap_or_else(|error| panic!("{fixture}: {error}"));
}

/// Asserts that a result has the shape that `soundalike schema` prints for the command.
#[track_caller]
pub fn assert_fits_schema(command: &str, result: &Value) {
    let schema = soundalike(&["schema", command]).exits(0).json();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let errors: Vec<String> =
        validator.iter_errors(result).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(errors.is_empty(), "{}", errors.join("\n"));
    // A schema that lets anything through would be of no use.
    for key in result.as_object().unwrap().keys() {
        let mut cut = result.clone();
        cut.as_object_mut().unwrap().remove(key);
        let required = schema["required"].as_array().unwrap().iter().any(|name| name == key);
        assert_eq!(validator.is_valid(&cut), !required, "{command} without {key}");
    }
}

/// Samples of a 16-bit mono fixture, full scale 1.
pub fn samples(fixture: &str) -> Vec<f64> {
    let mut reader = hound::WavReader::open(fixtures().join(fixture)).unwrap();
    assert_eq!((reader.spec().channels, reader.spec().bits_per_sample), (1, 16), "{fixture}");
    reader.samples::<i16>().map(|sample| f64::from(sample.unwrap()) / 32_768.0).collect()
}

/// The samples with white noise, the power of which lies so many dB under theirs; the same noise every time.
pub fn with_noise(samples: &[f64], snr_db: f64) -> Vec<f64> {
    let power = samples.iter().map(|x| x * x).sum::<f64>() / samples.len() as f64;
    // A uniform number between -1 and 1 has a power of a third.
    let amplitude = (3.0 * power / 10f64.powf(snr_db / 10.0)).sqrt();
    let mut state = 1u64;
    let mut noise = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    };
    samples.iter().map(|x| x + amplitude * noise()).collect()
}

/// Writes a 16 kHz fixture as a telephone would pass it on: up to 3.4 kHz, sampled at 8 kHz.
pub fn write_narrow(fixture: &str, to: &Path) {
    let narrow: Vec<f64> = low_pass(&samples(fixture), 3_400.0 / 16_000.0).into_iter().step_by(2).collect();
    write_wav(to, 8_000, &[&narrow]);
}

/// Cosine of two embeddings.
pub fn cosine(a: &[f32], b: &[f32]) -> f64 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum::<f64>();
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

/// Writes one channel as 32-bit float WAV at 16 kHz.
pub fn write_float_wav(path: &Path, samples: &[f64]) {
    let sample_format = hound::SampleFormat::Float;
    let spec = hound::WavSpec { channels: 1, sample_rate: 16_000, bits_per_sample: 32, sample_format };
    let mut writer = hound::WavWriter::create(path, spec).unwrap();
    samples.iter().for_each(|sample| writer.write_sample(*sample as f32).unwrap());
    writer.finalize().unwrap();
}

/// Writes channels of one length as 16-bit WAV.
pub fn write_wav(path: &Path, sample_rate: u32, channels: &[&[f64]]) {
    let sample_format = hound::SampleFormat::Int;
    let spec = hound::WavSpec { channels: channels.len() as u16, sample_rate, bits_per_sample: 16, sample_format };
    let mut writer = hound::WavWriter::create(path, spec).unwrap();
    for i in 0..channels[0].len() {
        for channel in channels {
            writer.write_sample((channel[i] * 32_768.0).round().clamp(-32_768.0, 32_767.0) as i16).unwrap();
        }
    }
    writer.finalize().unwrap();
}

/// Takes away what lies above `cutoff` (a share of the sampling rate): a windowed sinc of 511 taps (Blackman).
pub fn low_pass(samples: &[f64], cutoff: f64) -> Vec<f64> {
    const HALF: usize = 255;
    let taps: Vec<f64> = (0..=2 * HALF)
        .map(|n| {
            let t = n as f64 - HALF as f64;
            let sinc = if t == 0.0 { 2.0 * cutoff } else { (2.0 * PI * cutoff * t).sin() / (PI * t) };
            let phase = PI * n as f64 / HALF as f64;
            sinc * (0.42 - 0.5 * phase.cos() + 0.08 * (2.0 * phase).cos())
        })
        .collect();
    let mut padded = vec![0.0; HALF];
    padded.extend_from_slice(samples);
    padded.resize(samples.len() + 2 * HALF, 0.0);
    padded.windows(taps.len()).map(|window| window.iter().zip(&taps).map(|(x, tap)| x * tap).sum()).collect()
}
