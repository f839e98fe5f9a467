//! Waveform to frames x numbers: framing, windows, power spectrum, mel filters, cepstra, deltas, speech activity.
//!
//! Frames are what encoders and descriptors are made of; nothing here knows of voices or scores.

mod cepstrum;
mod delta;
mod filterbank;
mod frame;
mod math;
mod mel;
mod mfcc;
mod offset;
mod preset;
mod quality;
mod simd;
mod spectrum;
mod speech;
mod window;

pub use cepstrum::Lifter;
pub(crate) use cepstrum::dct_matrix;
pub use delta::{DELTA_WINDOW, Deltas};
pub use filterbank::{FilterBankSettings, Log};
pub use frame::{Edges, FrameSettings, PreEmphasis};
pub(crate) use math::sum_by;
pub use mel::{MelScale, MelSettings, MelShape};
pub use mfcc::{CepstrumSettings, FeaturePlan, FeatureSettings, FeatureStream, FirstCoefficient};
pub use offset::{OFFSET_FILTER_SAMPLES, OffsetFilter};
pub use preset::{Preset, kaldi_fbank80, kaldi_mfcc, librosa_mel40};
pub(crate) use quality::SpeechMeter;
pub use quality::{ClipQuality, Quality, Quantity, SNR_CEILING_DB};
pub use speech::{FRAME_SECONDS, FrameActivity, SpeechDetector, SpeechSettings};
pub use window::Window;
