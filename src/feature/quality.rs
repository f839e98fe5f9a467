//! What a user should know of a clip before its score: length, speech, level, noise, clipping, bandwidth.
//!
//! The figures of the sound are measured in [`crate::audio`] at the file's own rate; net speech and noise follow from
//! the speech detector. Nothing here decides whether a clip may be scored; that is the encoder's to say.

use super::speech::{FRAME_SECONDS, FrameActivity};
use crate::audio::{AudioFormat, NARROW_BAND_HZ, Seen, Warning};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Noise is measured in pauses where they last this long in all, frames of 10 ms; else in the quietest frames.
const ENOUGH_PAUSE: u64 = 20;
/// Share of frames that count as the quietest.
const QUIETEST: f64 = 0.05;
/// Below this estimate a warning is due, dB.
const LOW_SNR_DB: f32 = 10.0;
/// No larger ratio is reported: about the range of 16-bit samples, dB.
pub const SNR_CEILING_DB: f32 = 90.0;
/// Below this level a warning is due, dB of full scale: 16-bit samples then have few steps left for the voice.
const LOW_LEVEL_DBFS: f32 = -55.0;
/// Lowest level that is told apart from silence, dB of full scale.
const LEVEL_FLOOR_DB: f64 = -120.0;
/// Width of the steps in which frames are counted by their level, dB.
const LEVEL_DB: f64 = 0.5;
/// Their number: up to 30 dB above full scale.
const LEVELS: usize = 300;

/// What was measured of a clip.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Quality {
    /// Container, codec, sampling rate, channels.
    pub format: AudioFormat,
    /// Channel that was used, counted from 1; null for the mix of several.
    pub channel: Option<u16>,
    /// Length of the clip, seconds.
    pub duration_s: f64,
    /// Speech in it without pauses, seconds.
    pub net_speech_s: f64,
    /// Root mean square, dB of full scale (a square wave at full scale is 0 dB); null for digital silence.
    pub level_dbfs: Option<f32>,
    /// Largest sample, dB of full scale; null for digital silence.
    pub peak_dbfs: Option<f32>,
    /// Estimated ratio of the power of speech to the power of noise, dB, at most 90; null without speech.
    pub snr_db: Option<f32>,
    /// Share of samples in runs of three or more at the clip's own peak, percent.
    pub clipping_percent: f32,
    /// Mean of the samples, full scale is 1.
    pub dc_offset: f32,
    /// Highest frequency with speech in it, Hz: where the long-term spectrum falls off a cliff, or lies 60 dB under its
    /// loudest band; null without sound.
    pub bandwidth_hz: Option<f32>,
    /// Remarks.
    pub warnings: Vec<Warning>,
}

/// The part of a clip's quality that decides what its score is worth.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClipQuality {
    /// Speech without pauses, seconds.
    pub net_speech_s: f64,
    /// Estimated ratio of the power of speech to the power of noise, dB; null without speech.
    pub snr_db: Option<f32>,
    /// Highest frequency with speech in it, Hz; null without sound.
    pub bandwidth_hz: Option<f32>,
    /// Share of clipped samples, percent.
    pub clipping_percent: f32,
    /// Root mean square, dB of full scale; null for digital silence.
    pub level_dbfs: Option<f32>,
}

/// What of a clip's quality can be worse than a score bears.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Quantity {
    /// Speech without pauses.
    NetSpeechS,
    /// Ratio of the power of speech to the power of noise.
    SnrDb,
    /// Highest frequency with speech in it.
    BandwidthHz,
    /// Share of clipped samples.
    ClippingPercent,
    /// Root mean square.
    LevelDbfs,
}

impl Quantity {
    /// What it is measured in.
    pub fn unit(self) -> &'static str {
        match self {
            Quantity::NetSpeechS => "s",
            Quantity::SnrDb => "dB",
            Quantity::BandwidthHz => "Hz",
            Quantity::ClippingPercent => "%",
            Quantity::LevelDbfs => "dB of full scale",
        }
    }

    /// Decimals that a value is told with.
    pub fn decimals(self) -> usize {
        match self {
            Quantity::NetSpeechS | Quantity::SnrDb | Quantity::LevelDbfs => 1,
            Quantity::BandwidthHz => 0,
            Quantity::ClippingPercent => 2,
        }
    }
}

impl ClipQuality {
    /// Whether the recording ends at a telephone's bandwidth.
    pub fn is_narrow_band(&self) -> bool {
        self.bandwidth_hz.is_some_and(|hz| hz < NARROW_BAND_HZ)
    }
}

impl Quality {
    /// What decides what a score is worth.
    pub fn brief(&self) -> ClipQuality {
        ClipQuality {
            net_speech_s: self.net_speech_s,
            snr_db: self.snr_db,
            bandwidth_hz: self.bandwidth_hz,
            clipping_percent: self.clipping_percent,
            level_dbfs: self.level_dbfs,
        }
    }

    /// False where every sample has the same value: silence, or an offset alone.
    pub fn has_sound(&self) -> bool {
        !self.warnings.iter().any(|w| matches!(w, Warning::DigitalSilence | Warning::DcOnly { .. }))
    }
}

/// Adds up what the speech detector says of a clip's frames.
#[derive(Debug)]
pub(crate) struct SpeechMeter {
    speech: Tally,
    pause: Tally,
    levels: Vec<u64>,
    frames: u64,
}

#[derive(Debug, Default)]
struct Tally {
    frames: u64,
    power: f64,
}

impl Tally {
    fn mean(&self) -> f64 {
        if self.frames == 0 { 0.0 } else { self.power / self.frames as f64 }
    }
}

impl Default for SpeechMeter {
    fn default() -> Self {
        SpeechMeter { speech: Tally::default(), pause: Tally::default(), levels: vec![0; LEVELS], frames: 0 }
    }
}

impl SpeechMeter {
    pub fn add(&mut self, frame: FrameActivity) {
        let power = f64::from(frame.power);
        self.frames += 1;
        let tally = match frame {
            FrameActivity { speech: true, .. } => Some(&mut self.speech),
            FrameActivity { keep: false, .. } => Some(&mut self.pause),
            _ => None,
        };
        if let Some(tally) = tally {
            tally.frames += 1;
            tally.power += power;
        }
        let bin = ((decibels(power) - LEVEL_FLOOR_DB) / LEVEL_DB).clamp(0.0, (LEVELS - 1) as f64) as usize;
        if let Some(count) = self.levels.get_mut(bin) {
            *count += 1;
        }
    }

    /// Speech without pauses, seconds.
    pub fn net_speech_s(&self) -> f64 {
        self.speech.frames as f64 * FRAME_SECONDS
    }

    fn noise(&self) -> f64 {
        if self.pause.frames >= ENOUGH_PAUSE {
            return self.pause.mean();
        }
        let rank = (self.frames as f64 * QUIETEST) as u64;
        let mut seen = 0;
        let bin = self.levels.iter().position(|count| {
            seen += count;
            seen > rank
        });
        bin.map_or(0.0, |bin| 10f64.powf((LEVEL_FLOOR_DB + (bin as f64 + 0.5) * LEVEL_DB) / 10.0))
    }

    fn snr_db(&self) -> Option<f32> {
        if self.speech.frames == 0 {
            return None;
        }
        let (speech, noise) = (self.speech.mean(), self.noise());
        let signal = (speech - noise).max(speech * 1e-3);
        Some((10.0 * (signal / noise.max(1e-12)).log10() as f32).min(SNR_CEILING_DB))
    }

    /// Joins what was seen of the sound with what was found of speech.
    pub fn quality(&self, seen: Seen) -> Quality {
        let mut warnings = seen.warnings;
        let snr_db = self.snr_db();
        let constant = warnings.iter().any(|w| matches!(w, Warning::DigitalSilence | Warning::DcOnly { .. }));
        if let Some(snr_db) = snr_db.filter(|db| *db < LOW_SNR_DB && !constant) {
            warnings.push(Warning::LowSnr { snr_db });
        }
        let sound = seen.sound.as_ref();
        let level = |amplitude: f64| {
            let db = 20.0 * amplitude.max(1e-12).log10();
            (db > LEVEL_FLOOR_DB).then_some(db as f32)
        };
        let level_dbfs = sound.and_then(|s| level(s.rms));
        if let Some(level_dbfs) = level_dbfs.filter(|db| *db < LOW_LEVEL_DBFS && !constant) {
            warnings.push(Warning::LowLevel { level_dbfs });
        }
        Quality {
            duration_s: seen.frames as f64 / f64::from(seen.format.sample_rate_hz.max(1)),
            format: seen.format,
            channel: seen.channel,
            net_speech_s: if constant { 0.0 } else { self.net_speech_s() },
            level_dbfs,
            peak_dbfs: sound.and_then(|s| level(f64::from(s.peak))),
            snr_db: snr_db.filter(|_| !constant),
            clipping_percent: sound.map_or(0.0, |s| s.clipping_percent),
            dc_offset: sound.map_or(0.0, |s| s.dc_offset as f32),
            bandwidth_hz: sound.and_then(|s| s.bandwidth_hz),
            warnings,
        }
    }
}

fn decibels(power: f64) -> f64 {
    10.0 * power.max(1e-12).log10()
}
