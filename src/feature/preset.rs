//! Named settings whose numbers equal those of other libraries at 16 kHz.
//!
//! Each preset was compared with matrices that the library itself computed (`fixtures/golden`, tests in
//! `tests/suite/golden.rs`, where the tolerance of each is stated). No preset adds dither.

use super::cepstrum::Lifter;
use super::filterbank::{FilterBankSettings, Log};
use super::frame::{Edges, FrameSettings, PreEmphasis};
use super::mel::{MelScale, MelSettings, MelShape};
use super::mfcc::{CepstrumSettings, FeatureSettings, FirstCoefficient};
use super::window::Window;
use crate::audio::SAMPLE_RATE_HZ;
use crate::error::{Error, ErrorKind, Result};
use schemars::JsonSchema;
use serde::Serialize;
use std::str::FromStr;

/// A named set of feature settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Preset {
    /// Kaldi: 13 cepstra of 23 bands, log energy in the place of c0 (`compute-mfcc-feats`, kaldi-native-fbank).
    Kaldi,
    /// librosa's defaults on 26 bands: Slaney scale and area, decibels, no pre-emphasis, `center=False`.
    Librosa,
    /// librosa with `htk=True, mel_norm=None`.
    LibrosaHtk,
    /// torchaudio's `MFCC` transform on 26 bands: HTK scale, decibels, centred frames.
    Torchaudio,
    /// HTK's own chain as openSMILE computes it: Hamming, 26 bands, lifter 22; c0 stands first here, last in HTK's
    /// files.
    Htk,
    /// python_speech_features: whole-signal pre-emphasis, bins rounded down, log energy in the place of c0.
    PythonSpeechFeatures,
}

impl FromStr for Preset {
    type Err = Error;

    fn from_str(word: &str) -> Result<Self> {
        Preset::ALL.into_iter().find(|preset| preset.name() == word).ok_or_else(|| {
            let names: Vec<&str> = Preset::ALL.iter().map(|preset| preset.name()).collect();
            let expected = format!("one of {}", names.join(", "));
            ErrorKind::Setting { name: "preset", found: format!("\"{word}\""), expected }.into()
        })
    }
}

impl Preset {
    /// Every preset, in the order of the documentation.
    pub const ALL: [Preset; 6] = [
        Preset::Kaldi,
        Preset::Librosa,
        Preset::LibrosaHtk,
        Preset::Torchaudio,
        Preset::Htk,
        Preset::PythonSpeechFeatures,
    ];

    /// The name, as it is given.
    pub fn name(self) -> &'static str {
        match self {
            Preset::Kaldi => "kaldi",
            Preset::Librosa => "librosa",
            Preset::LibrosaHtk => "librosa-htk",
            Preset::Torchaudio => "torchaudio",
            Preset::Htk => "htk",
            Preset::PythonSpeechFeatures => "python-speech-features",
        }
    }

    /// The preset's MFCC settings.
    pub fn mfcc(self) -> FeatureSettings {
        match self {
            Preset::Kaldi => kaldi_mfcc(23, 13, FirstCoefficient::FrameEnergy),
            Preset::Librosa => decibel_mfcc(MelScale::Slaney, MelShape::LinearInHzUnitArea, Edges::SnipTransform),
            Preset::LibrosaHtk => decibel_mfcc(MelScale::Htk, MelShape::LinearInHz, Edges::SnipTransform),
            Preset::Torchaudio => decibel_mfcc(MelScale::Htk, MelShape::LinearInHz, Edges::CentreReflect),
            Preset::Htk => htk_mfcc(),
            Preset::PythonSpeechFeatures => psf_mfcc(),
        }
    }

    /// The preset's log filter bank: the same chain without the cosine transform.
    pub fn fbank(self) -> FeatureSettings {
        FeatureSettings { cepstrum: None, ..self.mfcc() }
    }
}

/// Kaldi's chain with `bands` filters from 20 Hz to 8 kHz and `coefficients` cepstra.
pub fn kaldi_mfcc(bands: usize, coefficients: usize, first: FirstCoefficient) -> FeatureSettings {
    FeatureSettings {
        filter_bank: FilterBankSettings {
            frame: FrameSettings {
                window: Window::Povey,
                pre_emphasis: PreEmphasis::PerFrame(0.97),
                remove_dc: true,
                sample_scale: 32_768.0,
                ..frames(Edges::Snip)
            },
            mel: MelSettings {
                bands,
                low_hz: 20.0,
                high_hz: 8000.0,
                scale: MelScale::Htk,
                shape: MelShape::LinearInMel,
            },
            power_per_bin: false,
            log: Log::Natural { floor: f32::EPSILON },
        },
        cepstrum: Some(CepstrumSettings { coefficients, lifter: Lifter::Htk(22.0), first }),
    }
}

/// The 80-band Kaldi log filter bank that speaker networks are fed with.
pub fn kaldi_fbank80() -> FeatureSettings {
    FeatureSettings { cepstrum: None, ..kaldi_mfcc(80, 13, FirstCoefficient::Cepstrum) }
}

/// The 40-band mel power spectrum that GE2E networks are fed with: `librosa.feature.melspectrogram` with a window and a
/// transform of 25 ms, no logarithm (Resemblyzer's `wav_to_mel_spectrogram`).
pub fn librosa_mel40() -> FeatureSettings {
    FeatureSettings {
        filter_bank: FilterBankSettings {
            frame: FrameSettings { fft_length: 400, ..frames(Edges::CentreZeros) },
            mel: MelSettings {
                bands: 40,
                low_hz: 0.0,
                high_hz: 8000.0,
                scale: MelScale::Slaney,
                shape: MelShape::LinearInHzUnitArea,
            },
            power_per_bin: false,
            log: Log::Off,
        },
        cepstrum: None,
    }
}

/// 25 ms every 10 ms, 512-point transform, periodic Hann, no conditioning.
fn frames(edges: Edges) -> FrameSettings {
    FrameSettings {
        sample_rate_hz: SAMPLE_RATE_HZ,
        length_ms: 25.0,
        shift_ms: 10.0,
        fft_length: 512,
        window: Window::HannPeriodic,
        edges,
        pre_emphasis: PreEmphasis::Off,
        remove_dc: false,
        sample_scale: 1.0,
    }
}

fn mel26(scale: MelScale, shape: MelShape) -> MelSettings {
    MelSettings { bands: 26, low_hz: 0.0, high_hz: 8000.0, scale, shape }
}

fn decibel_mfcc(scale: MelScale, shape: MelShape, edges: Edges) -> FeatureSettings {
    FeatureSettings {
        filter_bank: FilterBankSettings {
            frame: frames(edges),
            mel: mel26(scale, shape),
            power_per_bin: false,
            log: Log::Decibel { floor: 1e-10, range_db: 80.0 },
        },
        cepstrum: Some(CepstrumSettings { coefficients: 13, lifter: Lifter::Off, first: FirstCoefficient::Cepstrum }),
    }
}

fn htk_mfcc() -> FeatureSettings {
    FeatureSettings {
        filter_bank: FilterBankSettings {
            frame: FrameSettings {
                window: Window::Hamming,
                pre_emphasis: PreEmphasis::PerFrame(0.97),
                sample_scale: 32_767.0,
                ..frames(Edges::Snip)
            },
            mel: mel26(MelScale::Htk, MelShape::LinearInMel),
            power_per_bin: false,
            log: Log::Natural { floor: 1.0 },
        },
        cepstrum: Some(CepstrumSettings {
            coefficients: 13,
            lifter: Lifter::Htk(22.0),
            first: FirstCoefficient::CepstrumHtk,
        }),
    }
}

fn psf_mfcc() -> FeatureSettings {
    FeatureSettings {
        filter_bank: FilterBankSettings {
            frame: FrameSettings {
                window: Window::Rectangular,
                pre_emphasis: PreEmphasis::WholeSignal(0.97),
                sample_scale: 32_768.0,
                ..frames(Edges::PadLast)
            },
            mel: mel26(MelScale::Htk, MelShape::WholeBins),
            power_per_bin: true,
            log: Log::NaturalUnlessZero { zero: f64::EPSILON as f32 },
        },
        cepstrum: Some(CepstrumSettings {
            coefficients: 13,
            lifter: Lifter::Htk(22.0),
            first: FirstCoefficient::SpectrumEnergy,
        }),
    }
}
