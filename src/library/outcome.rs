//! What every result says of itself: version, settings, and why a clip has no score.

use crate::encoder::{Panel, PanelSettings, PerEncoder, Refusal};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(crate) use crate::{VERSION, models_version};

/// Every setting that a score depends on.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Settings {
    /// Fingerprint of each encoder's extractor: speech detection, features, tables and weights.
    pub fingerprints: PerEncoder<String>,
    /// Sampling rate that every clip is brought to, Hz.
    pub sample_rate_hz: u32,
    /// Channel, encoders, speech detection, features, limits.
    #[serde(flatten)]
    pub panel: PanelSettings,
    /// The population that MFCC statistics are normalised by; null where there are none.
    pub background: Option<BackgroundSummary>,
    /// Instruction set of the processor that the arithmetic uses, and the system whose logarithms it uses; results may
    /// differ in the last bits between machines where these differ.
    pub instruction_set: String,
}

/// The background population, in short.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct BackgroundSummary {
    /// Who they are.
    pub source: String,
    /// Number of clips.
    pub clips: usize,
    /// Number of speakers.
    pub speakers: usize,
}

impl Settings {
    pub(crate) fn of(panel: &Panel) -> Self {
        let background = panel.background().map(|background| BackgroundSummary {
            source: background.source.clone(),
            clips: background.clips,
            speakers: background.speakers,
        });
        Settings {
            fingerprints: panel.fingerprints().clone(),
            sample_rate_hz: crate::audio::SAMPLE_RATE_HZ,
            panel: panel.settings().clone(),
            background,
            instruction_set: instruction_set(),
        }
    }
}

/// Instruction sets between which rustfft chooses.
const INSTRUCTION_SETS: [&str; 5] = ["x86_64 avx+fma", "x86_64 sse4.1", "x86_64 sse2", "aarch64", "other"];
/// Systems whose libraries of mathematics may round the last digit of a logarithm or a sine each in its own way.
const SYSTEMS: [&str; 5] = ["linux gnu", "linux musl", "macos", "windows", "other"];

/// The widest of the instruction sets between which rustfft chooses, and the system whose logarithms are used.
fn instruction_set() -> String {
    #[cfg(target_arch = "x86_64")]
    let set = match () {
        () if std::arch::is_x86_feature_detected!("avx") && std::arch::is_x86_feature_detected!("fma") => 0,
        () if std::arch::is_x86_feature_detected!("sse4.1") => 1,
        () => 2,
    };
    #[cfg(not(target_arch = "x86_64"))]
    let set = if cfg!(target_arch = "aarch64") { 3 } else { 4 };
    let system = match () {
        () if cfg!(all(target_os = "linux", target_env = "gnu")) => 0,
        () if cfg!(all(target_os = "linux", target_env = "musl")) => 1,
        () if cfg!(target_os = "macos") => 2,
        () if cfg!(windows) => 3,
        () => 4,
    };
    format!("{}, {}", INSTRUCTION_SETS[set], SYSTEMS[system])
}

/// Whether a text is one that [`Settings::instruction_set`] can be.
pub(crate) fn is_instruction_set(text: &str) -> bool {
    text.split_once(", ").is_some_and(|(set, system)| INSTRUCTION_SETS.contains(&set) && SYSTEMS.contains(&system))
}

/// Whether a clip has a score.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// The candidate was scored.
    Scored,
    /// The clip is part of the reference, or can be used.
    Usable,
    /// The clip is part of the reference and comes from a voice model.
    Enrolled,
    /// The reference holds the same file twice; it counts once.
    Duplicate,
    /// The clip was not used; the reason says why.
    Refused,
    /// The candidate was scored although there is a reason against it, because the user forced it: raw scores only.
    Forced,
}

/// Why a clip was refused, for programs (`code` and its data) and for people (`message`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Reason {
    /// The reason with its data.
    #[serde(flatten)]
    pub refusal: Refusal,
    /// The same as a sentence.
    pub message: String,
}

impl From<Refusal> for Reason {
    fn from(refusal: Refusal) -> Self {
        Reason { message: refusal.to_string(), refusal }
    }
}
