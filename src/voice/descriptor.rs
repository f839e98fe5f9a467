//! The scalar descriptors: their names, units, and how far the recording channel alone moves them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A figure that describes a voice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub enum Descriptor {
    /// Median of the fundamental frequency, Hz.
    #[serde(rename = "f0_median_hz")]
    F0Median,
    /// Mean of the fundamental frequency, Hz.
    #[serde(rename = "f0_mean_hz")]
    F0Mean,
    /// Standard deviation of the fundamental frequency, semitones.
    #[serde(rename = "f0_sd_semitones")]
    F0Deviation,
    /// The fundamental frequency that a fifth of the voiced frames lie under, Hz.
    #[serde(rename = "f0_p20_hz")]
    F0Low,
    /// The fundamental frequency that four fifths of the voiced frames lie under, Hz.
    #[serde(rename = "f0_p80_hz")]
    F0High,
    /// Median of the first formant, Hz.
    #[serde(rename = "f1_hz")]
    F1,
    /// Median of the second formant, Hz.
    #[serde(rename = "f2_hz")]
    F2,
    /// Median of the third formant, Hz.
    #[serde(rename = "f3_hz")]
    F3,
    /// Median of the fourth formant, Hz.
    #[serde(rename = "f4_hz")]
    F4,
    /// Apparent length of the vocal tract, cm.
    #[serde(rename = "vocal_tract_cm")]
    VocalTract,
    /// Jitter (local), percent.
    #[serde(rename = "jitter_percent")]
    Jitter,
    /// Shimmer (local), percent.
    #[serde(rename = "shimmer_percent")]
    Shimmer,
    /// Harmonics-to-noise ratio, dB.
    #[serde(rename = "hnr_db")]
    HarmonicsToNoise,
    /// Cepstral peak prominence, dB.
    #[serde(rename = "cpp_db")]
    CepstralPeak,
    /// Alpha ratio, dB.
    #[serde(rename = "alpha_ratio_db")]
    AlphaRatio,
    /// Share of voiced frames in speech, percent.
    #[serde(rename = "voiced_percent")]
    Voiced,
    /// Syllables a second of the clip.
    #[serde(rename = "speaking_rate")]
    SpeakingRate,
    /// Syllables a second of phonation.
    #[serde(rename = "articulation_rate")]
    ArticulationRate,
    /// Pauses a minute.
    #[serde(rename = "pauses_per_minute")]
    Pauses,
    /// Share of time in pauses, percent.
    #[serde(rename = "pause_percent")]
    PauseShare,
    /// Mean length of a pause, seconds.
    #[serde(rename = "pause_mean_s")]
    PauseMean,
}

/// How far the recording channel (microphone, room, telephone, codec, noise) alone can move a descriptor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChannelSensitivity {
    /// Hardly: differences are the voice's or the speaking style's.
    Low,
    /// Somewhat: small differences may be the channel's.
    Moderate,
    /// Strongly: compare only recordings of the same kind.
    High,
}

impl ChannelSensitivity {
    /// `low`, `moderate` or `high`.
    pub fn name(self) -> &'static str {
        match self {
            ChannelSensitivity::Low => "low",
            ChannelSensitivity::Moderate => "moderate",
            ChannelSensitivity::High => "high",
        }
    }
}

impl Descriptor {
    /// All, in the order they are shown in: those that listeners judge likeness by come first.
    pub const ALL: [Descriptor; 21] = [
        Descriptor::F0Median,
        Descriptor::F0Mean,
        Descriptor::F0Deviation,
        Descriptor::F0Low,
        Descriptor::F0High,
        Descriptor::F1,
        Descriptor::F2,
        Descriptor::F3,
        Descriptor::F4,
        Descriptor::VocalTract,
        Descriptor::Jitter,
        Descriptor::Shimmer,
        Descriptor::HarmonicsToNoise,
        Descriptor::CepstralPeak,
        Descriptor::AlphaRatio,
        Descriptor::Voiced,
        Descriptor::SpeakingRate,
        Descriptor::ArticulationRate,
        Descriptor::Pauses,
        Descriptor::PauseShare,
        Descriptor::PauseMean,
    ];

    /// Its key: the name of its field in [`Descriptors`](super::Descriptors) and in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Descriptor::F0Median => "f0_median_hz",
            Descriptor::F0Mean => "f0_mean_hz",
            Descriptor::F0Deviation => "f0_sd_semitones",
            Descriptor::F0Low => "f0_p20_hz",
            Descriptor::F0High => "f0_p80_hz",
            Descriptor::F1 => "f1_hz",
            Descriptor::F2 => "f2_hz",
            Descriptor::F3 => "f3_hz",
            Descriptor::F4 => "f4_hz",
            Descriptor::VocalTract => "vocal_tract_cm",
            Descriptor::Jitter => "jitter_percent",
            Descriptor::Shimmer => "shimmer_percent",
            Descriptor::HarmonicsToNoise => "hnr_db",
            Descriptor::CepstralPeak => "cpp_db",
            Descriptor::AlphaRatio => "alpha_ratio_db",
            Descriptor::Voiced => "voiced_percent",
            Descriptor::SpeakingRate => "speaking_rate",
            Descriptor::ArticulationRate => "articulation_rate",
            Descriptor::Pauses => "pauses_per_minute",
            Descriptor::PauseShare => "pause_percent",
            Descriptor::PauseMean => "pause_mean_s",
        }
    }

    /// What it is called in a table.
    pub fn label(self) -> &'static str {
        match self {
            Descriptor::F0Median => "pitch (F0), median",
            Descriptor::F0Mean => "pitch (F0), mean",
            Descriptor::F0Deviation => "pitch (F0), standard deviation",
            Descriptor::F0Low => "pitch (F0), 20 % lie below",
            Descriptor::F0High => "pitch (F0), 80 % lie below",
            Descriptor::F1 => "first formant (F1), median",
            Descriptor::F2 => "second formant (F2), median",
            Descriptor::F3 => "third formant (F3), median",
            Descriptor::F4 => "fourth formant (F4), median",
            Descriptor::VocalTract => "apparent vocal-tract length",
            Descriptor::Jitter => "jitter (local)",
            Descriptor::Shimmer => "shimmer (local)",
            Descriptor::HarmonicsToNoise => "harmonics-to-noise ratio",
            Descriptor::CepstralPeak => "cepstral peak prominence",
            Descriptor::AlphaRatio => "spectral tilt (alpha ratio)",
            Descriptor::Voiced => "voiced share of speech",
            Descriptor::SpeakingRate => "speaking rate",
            Descriptor::ArticulationRate => "articulation rate",
            Descriptor::Pauses => "pauses of 0.3 s and more",
            Descriptor::PauseShare => "time in pauses",
            Descriptor::PauseMean => "pause, mean length",
        }
    }

    /// Its unit.
    pub fn unit(self) -> &'static str {
        match self {
            Descriptor::F0Median | Descriptor::F0Mean | Descriptor::F0Low | Descriptor::F0High => "Hz",
            Descriptor::F1 | Descriptor::F2 | Descriptor::F3 | Descriptor::F4 => "Hz",
            Descriptor::F0Deviation => "semitones",
            Descriptor::VocalTract => "cm",
            Descriptor::Jitter | Descriptor::Shimmer | Descriptor::Voiced | Descriptor::PauseShare => "%",
            Descriptor::HarmonicsToNoise | Descriptor::CepstralPeak | Descriptor::AlphaRatio => "dB",
            Descriptor::SpeakingRate | Descriptor::ArticulationRate => "syllables/s",
            Descriptor::Pauses => "pauses/min",
            Descriptor::PauseMean => "s",
        }
    }

    /// Digits behind the point that a reader can use.
    pub fn decimals(self) -> usize {
        match self {
            Descriptor::F0Median | Descriptor::F0Mean | Descriptor::F0Low | Descriptor::F0High => 1,
            Descriptor::F1 | Descriptor::F2 | Descriptor::F3 | Descriptor::F4 => 0,
            Descriptor::VocalTract
            | Descriptor::HarmonicsToNoise
            | Descriptor::CepstralPeak
            | Descriptor::AlphaRatio
            | Descriptor::Pauses
            | Descriptor::PauseShare
            | Descriptor::Voiced => 1,
            _ => 2,
        }
    }

    /// How far the recording channel alone can move it.
    pub fn channel_sensitivity(self) -> ChannelSensitivity {
        use ChannelSensitivity::{High, Low, Moderate};
        match self {
            Descriptor::F0Median
            | Descriptor::F0Mean
            | Descriptor::F0Deviation
            | Descriptor::F0Low
            | Descriptor::F0High
            | Descriptor::SpeakingRate
            | Descriptor::ArticulationRate => Low,
            Descriptor::F2
            | Descriptor::F3
            | Descriptor::VocalTract
            | Descriptor::Jitter
            | Descriptor::CepstralPeak
            | Descriptor::Voiced
            | Descriptor::Pauses
            | Descriptor::PauseShare
            | Descriptor::PauseMean => Moderate,
            Descriptor::F1
            | Descriptor::F4
            | Descriptor::Shimmer
            | Descriptor::HarmonicsToNoise
            | Descriptor::AlphaRatio => High,
        }
    }

    /// Why, in a sentence.
    pub fn channel_reason(self) -> &'static str {
        match self {
            Descriptor::F0Median
            | Descriptor::F0Mean
            | Descriptor::F0Deviation
            | Descriptor::F0Low
            | Descriptor::F0High => {
                "The period of the voice survives telephones and codecs; only strong noise hides it."
            }
            Descriptor::F1 => "A telephone's lower band edge pushes the first formant up.",
            Descriptor::F2 | Descriptor::F3 => {
                "The middle formants lie inside a telephone's band, but codecs and reverberation shift them."
            }
            Descriptor::F4 => "The fourth formant lies at or beyond the upper edge of a telephone's band.",
            Descriptor::VocalTract => "It follows from the formants and shares what moves them.",
            Descriptor::Jitter => "Noise and codecs shift the instants of pulses.",
            Descriptor::Shimmer => "Noise, reverberation and automatic gain change amplitudes from period to period.",
            Descriptor::HarmonicsToNoise => "Background noise and reverberation count as noise of the voice.",
            Descriptor::CepstralPeak => "Noise flattens the spectrum's ripple that it measures.",
            Descriptor::AlphaRatio => "The microphone's and the channel's frequency response adds to it directly.",
            Descriptor::Voiced => "Noise hides weakly voiced sounds.",
            Descriptor::SpeakingRate | Descriptor::ArticulationRate => {
                "Peaks of loudness survive most channels; strong noise and reverberation fill the dips between them."
            }
            Descriptor::Pauses | Descriptor::PauseShare | Descriptor::PauseMean => {
                "Noise less than 25 dB under the speech fills pauses, and cutting removes them."
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_different_and_reasons_are_sentences() {
        let names: std::collections::BTreeSet<&str> = Descriptor::ALL.iter().map(|d| d.name()).collect();
        assert_eq!(names.len(), Descriptor::ALL.len());
        for (i, descriptor) in Descriptor::ALL.into_iter().enumerate() {
            assert_eq!(descriptor as usize, i);
            assert_eq!(serde_json::to_value(descriptor).unwrap(), descriptor.name());
            assert!(descriptor.channel_reason().ends_with('.') && !descriptor.unit().is_empty());
        }
    }
}
