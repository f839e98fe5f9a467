//! A voice model as a file: the embeddings of a protected voice, so that its recordings need not be kept at hand.
//!
//! The file is JSON. It holds no sound and no path but the one shown at enrolment; the numbers are written so that they
//! are read back to the same bit. The same clips give the same bytes.

use crate::audio::Channel;
use crate::compare::{Exemplar, VoiceModel};
use crate::encoder::{Embedding, Encoder, Panel, PerEncoder};
use crate::error::{Error, ErrorKind, IoContext, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::io::Read;
use std::path::Path;

/// What the file says it is.
pub const FORMAT: &str = "soundalike voice model";
/// The version of the format that is written and read.
pub const FORMAT_VERSION: u32 = 1;
/// Larger files are refused, bytes. A clip takes about 10 kB.
const MOST_BYTES: u64 = 256 << 20;

/// A voice model as it is written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VoiceModelFile {
    /// Always `soundalike voice model`.
    pub format: String,
    /// Version of the format, 1.
    pub version: u32,
    /// Version of the program that wrote it.
    pub program: String,
    /// Fingerprint of the extractor behind each encoder's embeddings.
    pub fingerprints: PerEncoder<String>,
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
    /// Speech without pauses, seconds.
    pub net_speech_s: f64,
    /// The values of each encoder's embedding, single precision.
    pub embeddings: PerEncoder<Vec<f32>>,
}

/// The part of the file that decides whether the rest can be understood.
#[derive(Deserialize)]
struct Header {
    format: Option<String>,
    version: Option<u64>,
    program: Option<String>,
}

impl VoiceModelFile {
    /// The file of a voice model.
    pub fn of(model: &VoiceModel) -> Self {
        let clip = |exemplar: &Exemplar| EnrolledClip {
            path: exemplar.path.clone(),
            sha256: exemplar.sha256.clone(),
            channel: exemplar.channel,
            net_speech_s: exemplar.net_speech_s,
            embeddings: exemplar.embeddings.map(|_, embedding| embedding.values.clone()),
        };
        let first = model.exemplars().first().map(|e| e.embeddings.map(|_, e| e.fingerprint.clone()));
        VoiceModelFile {
            format: FORMAT.into(),
            version: FORMAT_VERSION,
            program: super::outcome::VERSION.into(),
            fingerprints: first.unwrap_or_default(),
            exemplars: model.exemplars().iter().map(clip).collect(),
        }
    }

    /// Whether a file is meant to be a voice model: JSON by its first character, or by name and no sound.
    pub fn looks_like_one(path: &Path) -> bool {
        if !path.is_file() {
            return false;
        }
        let mut start = [0u8; 64];
        let read = std::fs::File::open(path).and_then(|mut file| file.read(&mut start)).unwrap_or(0);
        let start = start.get(..read).unwrap_or_default();
        let first = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start).trim_ascii_start().first();
        let named = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("model"));
        first == Some(&b'{') || (named && !crate::audio::looks_like_audio(path))
    }

    /// Reads and checks a voice model.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] where it cannot be read, [`ErrorKind::VoiceModel`] where it is no voice model of this version
    /// or one of its values cannot be right.
    pub fn read(path: &Path) -> Result<Self> {
        let wrong = |found: String, expected: &str| VoiceModelFile::wrong(path, found, expected);
        let size = std::fs::metadata(path).at(path, "open")?.len();
        if size > MOST_BYTES {
            return Err(wrong(format!("{size} bytes"), &format!("a voice model of at most {MOST_BYTES} bytes")));
        }
        let bytes = std::fs::read(path).at(path, "read")?;
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
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

    /// Found and expected of the first value that cannot be right.
    fn check(&self) -> std::result::Result<(), (String, String)> {
        let wrong = |found: String, expected: &str| Err((found, expected.to_string()));
        if self.exemplars.is_empty() || self.fingerprints.is_empty() {
            return wrong("no exemplar or no encoder".into(), "at least one of each");
        }
        let Some(widths) = self.exemplars.first().map(|clip| clip.embeddings.map(|_, values| values.len())) else {
            return Ok(());
        };
        for clip in &self.exemplars {
            let name = &clip.path;
            if !clip.embeddings.encoders().eq(self.fingerprints.encoders()) {
                let found = names(&clip.embeddings);
                return wrong(format!("embeddings of {found} of \"{name}\""), &names(&self.fingerprints));
            }
            let digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
            if clip.sha256.len() != 64 || !clip.sha256.bytes().all(digit) {
                return wrong(format!("the SHA-256 \"{}\" of \"{name}\"", clip.sha256), "64 hexadecimal digits");
            }
            if !(clip.net_speech_s.is_finite() && clip.net_speech_s > 0.0) {
                return wrong(format!("{} s of speech in \"{name}\"", clip.net_speech_s), "more than 0 s");
            }
            for (encoder, values) in clip.embeddings.iter() {
                let width = widths.get(encoder).copied().unwrap_or(0);
                if values.len() != width {
                    let found = format!("{} values of {encoder} of \"{name}\"", values.len());
                    return wrong(found, &format!("{width}, as of the first clip"));
                }
                if !values.iter().all(|x| x.is_finite()) || values.iter().all(|x| *x == 0.0) {
                    return wrong(format!("values of {encoder} of \"{name}\" that are infinite or all 0"), "numbers");
                }
            }
        }
        Ok(())
    }

    /// Refuses a file that lacks an encoder of the panel, or whose embeddings were made with other settings.
    pub(crate) fn check_fit(&self, path: &Path, panel: &Panel) -> Result<()> {
        for (encoder, expected) in panel.fingerprints().iter() {
            let Some(found) = self.fingerprints.get(encoder) else {
                let expected = format!("{encoder} too (--encoder {})", panel.settings().encoders);
                return Err(Self::wrong(path, format!("embeddings of {}", names(&self.fingerprints)), &expected));
            };
            let width = self.exemplars.first().and_then(|clip| clip.embeddings.get(encoder)).map(Vec::len);
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

    /// The exemplars with the embeddings of the panel's encoders.
    ///
    /// # Errors
    /// As [`VoiceModelFile::check_fit`].
    pub(crate) fn exemplars(&self, path: &Path, panel: &Panel) -> Result<Vec<Exemplar>> {
        self.check_fit(path, panel)?;
        let exemplar = |clip: &EnrolledClip| Exemplar {
            path: clip.path.clone(),
            sha256: clip.sha256.clone(),
            channel: clip.channel,
            net_speech_s: clip.net_speech_s,
            embeddings: panel.fingerprints().map(|encoder, fingerprint| {
                let values = clip.embeddings.get(encoder).cloned().unwrap_or_default();
                Embedding { values, fingerprint: fingerprint.clone() }
            }),
        };
        Ok(self.exemplars.iter().map(exemplar).collect())
    }

    pub(crate) fn wrong(path: &Path, found: String, expected: &str) -> Error {
        ErrorKind::VoiceModel { path: path.into(), found, expected: expected.into() }.into()
    }
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
            let clip = EnrolledClip { path, sha256, channel, net_speech_s: s, embeddings };
            let back: EnrolledClip = serde_json::from_slice(&serde_json::to_vec(&clip).unwrap()).unwrap();
            prop_assert_eq!(back.channel, channel);
            prop_assert_eq!(back.net_speech_s.to_bits(), s.to_bits());
            let back = back.embeddings.mfcc.unwrap();
            prop_assert!(back.iter().map(|x| x.to_bits()).eq(values.iter().map(|x| x.to_bits())));
        }
    }
}
