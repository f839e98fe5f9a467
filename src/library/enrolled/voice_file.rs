//! A voice model as a file: the embeddings of a protected voice, so that its recordings need not be kept at hand.
//!
//! The file is JSON. It holds no sound and no path but the one shown at enrolment; the numbers are written so that they
//! are read back to the same bit. The same clips give the same bytes.

use crate::audio::Channel;
use crate::compare::{Exemplar, VoiceModel};
use crate::encoder::{Band, Embedding, Encoder, Panel, PerEncoder};
use crate::encryption::{Keys, is_encrypted};
use crate::error::{Error, ErrorKind, Result};
use crate::feature::ClipQuality;
use crate::regular_file;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::io::Read;
use std::path::Path;

/// What the file says it is.
pub const FORMAT: &str = "soundalike voice model";
/// The version of the format that is written and read.
pub const FORMAT_VERSION: u32 = 2;
/// Larger files are refused, bytes. A clip takes about 10 kB.
const MOST_BYTES: u64 = 256 << 20;

/// A voice model as it is written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VoiceModelFile {
    /// Always `soundalike voice model`.
    pub format: String,
    /// Version of the format, 2.
    pub version: u32,
    /// Version of the program that wrote it.
    pub program: String,
    /// Fingerprint of the extractor behind each encoder's embeddings.
    pub fingerprints: PerEncoder<String>,
    /// The same of the narrow band, in which the voice is compared with narrow-band recordings.
    pub narrow_fingerprints: PerEncoder<String>,
    /// The recordings, in the order of their paths.
    pub exemplars: Vec<EnrolledClip>,
}

/// One recording of the protected voice.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EnrolledClip {
    /// Where it lay, as shown at enrolment.
    pub path: String,
    /// SHA-256 of the file, 64 hexadecimal digits.
    pub sha256: String,
    /// The channel that was used.
    pub channel: Channel,
    /// What was measured of it.
    pub quality: ClipQuality,
    /// The values of each encoder's embedding, single precision.
    pub embeddings: PerEncoder<Vec<f32>>,
    /// The same of the narrow band.
    pub narrow: PerEncoder<Vec<f32>>,
}

impl EnrolledClip {
    fn of_band(&self, band: Band) -> &PerEncoder<Vec<f32>> {
        if band == Band::Narrow { &self.narrow } else { &self.embeddings }
    }
}

/// The part of the file that decides whether the rest can be understood.
#[derive(Deserialize)]
struct Header {
    format: Option<String>,
    version: Option<u64>,
    program: Option<String>,
}

impl VoiceModelFile {
    /// The file of a voice's models of the wide and of the narrow band.
    pub fn of(wide: &VoiceModel, narrow: &VoiceModel) -> Self {
        let values = |exemplar: &Exemplar| exemplar.embeddings.map(|_, embedding| embedding.values.clone());
        let twin = |exemplar: &Exemplar| {
            let same = |other: &&Exemplar| (&other.path, &other.sha256) == (&exemplar.path, &exemplar.sha256);
            narrow.exemplars().iter().find(same).map(values).unwrap_or_default()
        };
        let clip = |exemplar: &Exemplar| EnrolledClip {
            path: exemplar.path.clone(),
            sha256: exemplar.sha256.clone(),
            channel: exemplar.channel,
            quality: exemplar.quality,
            embeddings: values(exemplar),
            narrow: twin(exemplar),
        };
        let prints = |model: &VoiceModel| model.centroids().map(|_, centroid| centroid.fingerprint.clone());
        VoiceModelFile {
            format: FORMAT.into(),
            version: FORMAT_VERSION,
            program: crate::library::outcome::VERSION.into(),
            fingerprints: prints(wide),
            narrow_fingerprints: prints(narrow),
            exemplars: wide.exemplars().iter().map(clip).collect(),
        }
    }

    fn fingerprints_of(&self, band: Band) -> &PerEncoder<String> {
        if band == Band::Narrow { &self.narrow_fingerprints } else { &self.fingerprints }
    }

    /// Whether a file is meant to be a voice model: JSON by its first character, encrypted, or by name and no sound.
    pub fn looks_like_one(path: &Path) -> bool {
        let Ok(file) = regular_file::open(path) else { return false };
        let mut start = Vec::new();
        // What cannot be read is for the reader of recordings to report.
        if file.take(64).read_to_end(&mut start).is_err() {
            return false;
        }
        let start = start.as_slice();
        let first = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start).trim_ascii_start().first();
        let named = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("model"));
        let is_json = first == Some(&b'{');
        is_json || is_encrypted(start) || (named && !crate::audio::looks_like_audio(path))
    }

    /// Reads and checks a voice model; `keys` open an encrypted one.
    ///
    /// # Errors
    /// As [`Keys::plain`], [`ErrorKind::Io`] where it cannot be read, [`ErrorKind::VoiceModel`] where it is no voice
    /// model of this version or one of its values cannot be right.
    pub fn read(path: &Path, keys: &Keys) -> Result<Self> {
        Self::read_hashed(path, keys).map(|(file, _)| file)
    }

    /// The same with the SHA-256 of the bytes that were read.
    pub(in crate::library) fn read_hashed(path: &Path, keys: &Keys) -> Result<(Self, String)> {
        let bytes = Self::bytes(path)?;
        let file = Self::parse(path, &keys.plain(path, &bytes)?)?;
        Ok((file, crate::hash::hex(Sha256::digest(&bytes))))
    }

    /// The bytes of a file that is no larger than a voice model may be, encrypted or not.
    pub(in crate::library) fn bytes(path: &Path) -> Result<Vec<u8>> {
        regular_file::read(path, MOST_BYTES, "a voice model")
    }

    /// The same of a file that was read already; `path` is what it is called in messages.
    ///
    /// # Errors
    /// [`ErrorKind::VoiceModel`] where it is no voice model of this version or one of its values cannot be right.
    pub fn parse(path: &Path, bytes: &[u8]) -> Result<Self> {
        let wrong = |found: String, expected: &str| VoiceModelFile::wrong(path, found, expected);
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let json = |error: serde_json::Error| match error.classify() {
            _ if bytes.trim_ascii().is_empty() => wrong("an empty file".into(), "a voice model"),
            serde_json::error::Category::Eof => wrong(format!("a file cut short ({error})"), "a whole voice model"),
            serde_json::error::Category::Data => wrong(error.to_string(), "the fields of a voice model"),
            _ => wrong(format!("broken JSON ({error})"), "a voice model"),
        };
        let header: Header = serde_json::from_slice(bytes).map_err(json)?;
        if header.format.as_deref() != Some(FORMAT) {
            let found =
                header.format.map_or("JSON of another kind".into(), |format| format!("the format \"{format}\""));
            return Err(wrong(found, &format!("the format \"{FORMAT}\"")));
        }
        if header.version != Some(u64::from(FORMAT_VERSION)) {
            let version = header.version.map_or("no version".into(), |version| format!("version {version}"));
            let program = header.program.map_or(String::new(), |program| format!(", written by soundalike {program}"));
            return Err(wrong(format!("{version} of the format{program}"), &format!("version {FORMAT_VERSION}")));
        }
        let file: VoiceModelFile = serde_json::from_slice(bytes).map_err(json)?;
        file.check().map_err(|(found, expected)| wrong(found, &expected))?;
        Ok(file)
    }

    /// The bytes of the file.
    ///
    /// # Errors
    /// None that a model of [`VoiceModelFile::of`] could give.
    pub fn to_bytes(&self) -> serde_json::Result<Vec<u8>> {
        let mut bytes = serde_json::to_vec(self)?;
        bytes.push(b'\n');
        Ok(bytes)
    }

    /// Found and expected of the first value that cannot be right.
    fn check(&self) -> std::result::Result<(), (String, String)> {
        let wrong = |found: String, expected: &str| Err((found, expected.to_string()));
        if self.exemplars.is_empty() || self.fingerprints.is_empty() {
            return wrong("no exemplar or no encoder".into(), "at least one of each");
        }
        let Some(first) = self.exemplars.first() else { return Ok(()) };
        for clip in &self.exemplars {
            let name = &clip.path;
            let digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
            if clip.sha256.len() != 64 || !clip.sha256.bytes().all(digit) {
                return wrong(format!("the SHA-256 \"{}\" of \"{name}\"", clip.sha256), "64 hexadecimal digits");
            }
            let speech_s = clip.quality.net_speech_s;
            if !(speech_s.is_finite() && speech_s > 0.0) {
                return wrong(format!("{speech_s} s of speech in \"{name}\""), "more than 0 s");
            }
            for band in Band::ALL {
                let (values, prints) = (clip.of_band(band), self.fingerprints_of(band));
                check_values(name, values, prints, first.of_band(band))?;
            }
        }
        Ok(())
    }

    /// Refuses a file that lacks an encoder of the panel, or whose embeddings were made with other settings.
    pub(crate) fn check_fit(&self, path: &Path, panel: &Panel) -> Result<()> {
        let band = panel.settings().band;
        for (encoder, expected) in panel.fingerprints().iter() {
            let Some(found) = self.fingerprints_of(band).get(encoder) else {
                let expected = format!("{encoder} too (--encoder {})", panel.settings().encoders);
                let held = names(self.fingerprints_of(band));
                return Err(Self::wrong(path, format!("{band}-band embeddings of {held}"), &expected));
            };
            let clip = self.exemplars.first();
            let width = clip.and_then(|clip| clip.of_band(band).get(encoder)).map(Vec::len);
            if found != expected || width != panel.width(encoder) {
                let made = |fingerprint: &str, width: Option<usize>| {
                    format!("{} values by extractor {fingerprint}", width.unwrap_or(0))
                };
                let found = format!("{encoder} embeddings of {}", made(found, width));
                return Err(Self::wrong(path, found, &made(expected, panel.width(encoder))));
            }
        }
        Ok(())
    }

    /// The exemplars with the embeddings of the panel's encoders, in its band.
    ///
    /// # Errors
    /// As [`VoiceModelFile::check_fit`].
    pub(crate) fn exemplars(&self, path: &Path, panel: &Panel) -> Result<Vec<Exemplar>> {
        self.check_fit(path, panel)?;
        let exemplar = |clip: &EnrolledClip| Exemplar {
            path: clip.path.clone(),
            sha256: clip.sha256.clone(),
            channel: clip.channel,
            quality: clip.quality,
            embeddings: panel.fingerprints().map(|encoder, fingerprint| {
                let values = clip.of_band(panel.settings().band).get(encoder).cloned().unwrap_or_default();
                Embedding { values, fingerprint: fingerprint.clone() }
            }),
        };
        Ok(self.exemplars.iter().map(exemplar).collect())
    }

    pub(crate) fn wrong(path: &Path, found: String, expected: &str) -> Error {
        ErrorKind::VoiceModel { path: path.into(), found, expected: expected.into() }.into()
    }
}

/// Found and expected of the first of a clip's values that cannot be right: they must be of the encoders that have
/// `prints`, and as many as of the `first` clip.
fn check_values(
    name: &str,
    values: &PerEncoder<Vec<f32>>,
    prints: &PerEncoder<String>,
    first: &PerEncoder<Vec<f32>>,
) -> std::result::Result<(), (String, String)> {
    if !values.encoders().eq(prints.encoders()) {
        return Err((format!("embeddings of {} of \"{name}\"", names(values)), names(prints)));
    }
    for (encoder, values) in values.iter() {
        let width = first.get(encoder).map_or(0, Vec::len);
        if values.len() != width {
            let found = format!("{} values of {encoder} of \"{name}\"", values.len());
            return Err((found, format!("{width}, as of the first clip")));
        }
        if !values.iter().all(|x| x.is_finite()) || values.iter().all(|x| *x == 0.0) {
            let found = format!("values of {encoder} of \"{name}\" that are infinite or all 0");
            return Err((found, "numbers".into()));
        }
    }
    Ok(())
}

/// The encoders' names, for a message.
fn names<T>(values: &PerEncoder<T>) -> String {
    let names: Vec<&str> = values.encoders().map(Encoder::name).collect();
    if names.is_empty() { "no encoder".into() } else { names.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn numbers_are_read_back_to_the_bit(bits in prop::collection::vec(any::<u32>(), 1..50), s in 0.0f64..1e5) {
            let finite = |bits| Some(f32::from_bits(bits)).filter(|x| x.is_finite());
            let values: Vec<f32> = bits.into_iter().filter_map(finite).collect();
            let embeddings: PerEncoder<Vec<f32>> = [(Encoder::Mfcc, values.clone())].into_iter().collect();
            let (path, sha256, channel) = (String::new(), String::new(), Channel::Number(2));
            let (snr_db, bandwidth_hz, level_dbfs) = (Some(31.7), None, Some(-20.1));
            let quality = ClipQuality { net_speech_s: s, snr_db, bandwidth_hz, clipping_percent: 0.3, level_dbfs };
            let clip = EnrolledClip { path, sha256, channel, quality, embeddings: embeddings.clone(), narrow: embeddings };
            let back: EnrolledClip = serde_json::from_slice(&serde_json::to_vec(&clip).unwrap()).unwrap();
            prop_assert_eq!(back.channel, channel);
            prop_assert_eq!(back.quality, clip.quality);
            prop_assert_eq!(back.quality.net_speech_s.to_bits(), s.to_bits());
            let back = back.embeddings.mfcc.unwrap();
            prop_assert!(back.iter().map(|x| x.to_bits()).eq(values.iter().map(|x| x.to_bits())));
        }
    }
}
