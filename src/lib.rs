//! soundalike measures how close a synthetic voice is to a protected one.
//!
//! Sound enters at the top and leaves as a result at the bottom; each module uses only modules above it: `error`,
//! `hash`, `random`, [`regular_file`], [`whole_file`] and [`private_folder`] (how files are read and written),
//! [`visible`] (characters that are not seen), [`encryption`] (files at rest), [`audio`] (bytes to a
//! waveform), [`feature`] (waveform to frames of numbers), [`voice`] (what a lay reader understands of a voice: pitch,
//! formants, pace), [`encoder`] (frames to an embedding), [`compare`] (embedding against embedding), [`calibration`]
//! (what scores are worth), [`library`] (many clips, and the only place with threads), [`report`] (facts as documents),
//! [`evidence`] (documents that can be trusted). With the feature `python` the same becomes the native part of a Python
//! package.
//!
//! There are four encoders, each with scores of its own: two of MFCC statistics and two speaker networks.
//!
//! ```
//! use soundalike::encoder::{Panel, PanelSettings};
//! use soundalike::encryption::Keys;
//! use soundalike::library::{ReferenceSource, batch::BatchOptions, check::{CheckSettings, check}};
//!
//! let panel = Panel::new(&PanelSettings::default())?;
//! let reference = ReferenceSource::read(&["fixtures/voices/nsh/real".into()], &Keys::none())?;
//! let candidates = ["fixtures/voices/nsh/tts/01.wav".into()];
//! let report = check(&panel, &reference, &candidates, &CheckSettings::default(), &BatchOptions::default())?;
//! let scores = report.candidates[0].scores.as_ref();
//! for (encoder, score) in scores.into_iter().flat_map(|scores| scores.iter()) {
//!     println!("{}: {:.3}", encoder.label(), score.cosine);
//! }
//! assert!(scores.and_then(|scores| scores.campplus.as_ref()).is_some_and(|campplus| campplus.cosine > 0.5));
//! # Ok::<(), soundalike::Error>(())
//! ```
#![deny(unsafe_code)]

pub mod audio;
pub mod calibration;
pub mod compare;
pub mod encoder;
pub mod encryption;
mod error;
pub mod evidence;
pub mod feature;
mod hash;
pub mod library;
pub mod path_text;
pub mod private_folder;
#[cfg(feature = "python")]
mod python;
mod random;
pub mod regular_file;
pub mod report;
pub mod visible;
pub mod voice;
pub mod whole_file;

pub use error::{DocumentKind, EncryptionFault, Error, ErrorKind, EvidenceFault, Result, Shortage};

/// Version of the program, which every result tells.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The SHA-256 of every file in `models/` that figures depend on, as `sha256sum` writes them.
const MODELS: &str = include_str!("../models/SHA256SUMS");

static MODELS_VERSION: std::sync::LazyLock<String> =
    std::sync::LazyLock::new(|| hash::sha256_of(MODELS).chars().take(12).collect());

/// Version of the models, which every result tells beside [`VERSION`]: the first 12 hexadecimal digits of the SHA-256 of
/// `models/SHA256SUMS`. Two programs with the same one hold the same networks, tables, population and calibrations.
pub fn models_version() -> &'static str {
    &MODELS_VERSION
}
