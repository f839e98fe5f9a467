//! What every result says of itself: version, settings, and why a clip has no score.

use crate::encoder::{Panel, PanelSettings, PerEncoder, Refusal};
use schemars::JsonSchema;
use serde::Serialize;

/// Version of the program that made a result.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

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
    /// Instruction sets the processor offers that the arithmetic may use; results may differ in the last bits between
    /// machines where these differ.
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
            instruction_set: instruction_set().into(),
        }
    }
}

/// The widest of the instruction sets between which rustfft chooses.
fn instruction_set() -> &'static str {
    #[cfg(target_arch = "x86_64")]
    {
        if std::arch::is_x86_feature_detected!("avx") && std::arch::is_x86_feature_detected!("fma") {
            return "x86_64 avx+fma";
        }
        if std::arch::is_x86_feature_detected!("sse4.1") { "x86_64 sse4.1" } else { "x86_64 sse2" }
    }
    #[cfg(not(target_arch = "x86_64"))]
    std::env::consts::ARCH
}

/// Whether a clip has a score.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
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
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
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
