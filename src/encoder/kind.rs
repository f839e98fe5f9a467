//! Which encoders there are, which of them are asked for, and one value for each.
//!
//! What an encoder computes stands in its own module; here are their names, their order and sets of them.

use crate::error::{Error, ErrorKind, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// An encoder: a way from frames to the vector that stands for a voice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Encoder {
    /// Transparent statistics of cepstra.
    Mfcc,
    /// Richer statistics of the same frames, through a linear map that was fitted to labelled voices.
    MfccLda,
    /// GE2E, a small recurrent speaker network.
    Ge2e,
    /// CAM++, a speaker network of about seven million parameters.
    Campplus,
}

impl Encoder {
    /// All encoders, in the order in which they are shown.
    pub const ALL: [Encoder; 4] = [Encoder::Mfcc, Encoder::MfccLda, Encoder::Ge2e, Encoder::Campplus];

    /// The name in options and results: `mfcc`, `mfcc_lda`, `ge2e`, `campplus`.
    pub fn name(self) -> &'static str {
        match self {
            Encoder::Mfcc => "mfcc",
            Encoder::MfccLda => "mfcc_lda",
            Encoder::Ge2e => "ge2e",
            Encoder::Campplus => "campplus",
        }
    }

    /// The name in print, as the field writes it.
    pub fn label(self) -> &'static str {
        match self {
            Encoder::Mfcc => "MFCC",
            Encoder::MfccLda => "MFCC-LDA",
            Encoder::Ge2e => "GE2E",
            Encoder::Campplus => "CAM++",
        }
    }

    /// Whether it is a network that was trained to tell voices apart, whatever the recording.
    pub fn is_network(self) -> bool {
        matches!(self, Encoder::Ge2e | Encoder::Campplus)
    }

    /// Whether its embeddings all have length 1.
    pub(crate) fn has_unit_length(self) -> bool {
        self.is_network()
    }
}

impl fmt::Display for Encoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Encoder {
    type Err = Error;

    /// Reads the name of an encoder.
    fn from_str(word: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|encoder| encoder.name() == word).ok_or_else(|| unknown(word))
    }
}

fn unknown(word: &str) -> Error {
    let names: Vec<&str> = Encoder::ALL.iter().map(|encoder| encoder.name()).collect();
    let found = if word.is_empty() { "nothing".into() } else { word.into() };
    ErrorKind::Setting { name: "encoder", found, expected: format!("one of {}", names.join(", ")) }.into()
}

/// The encoders that follow the voice and not the recording: what a likelihood ratio is made of.
pub const VOICE_ENCODERS: [Encoder; 2] = [Encoder::Ge2e, Encoder::Campplus];

/// The encoders that are asked for: one or more, each once. Serialised as the list of their names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, JsonSchema)]
#[schemars(with = "Vec<Encoder>")]
pub struct EncoderSet {
    wanted: [bool; Encoder::ALL.len()],
}

impl EncoderSet {
    /// The encoders that run where none is asked for.
    pub const DEFAULT: &'static [Encoder] = &Encoder::ALL;

    /// A set of encoders.
    ///
    /// # Errors
    /// [`ErrorKind::Setting`] where there is none.
    pub fn of(encoders: impl IntoIterator<Item = Encoder>) -> Result<Self> {
        let mut wanted = [false; Encoder::ALL.len()];
        for encoder in encoders {
            for (wanted, known) in wanted.iter_mut().zip(Encoder::ALL) {
                *wanted |= known == encoder;
            }
        }
        if wanted.contains(&true) { Ok(EncoderSet { wanted }) } else { Err(unknown("")) }
    }

    /// Whether the encoder is asked for.
    pub fn contains(&self, encoder: Encoder) -> bool {
        self.iter().any(|wanted| wanted == encoder)
    }

    /// The encoders, in the order of [`Encoder::ALL`].
    pub fn iter(&self) -> impl Iterator<Item = Encoder> + '_ {
        Encoder::ALL.into_iter().zip(self.wanted).filter_map(|(encoder, wanted)| wanted.then_some(encoder))
    }
}

impl Default for EncoderSet {
    /// Those of [`EncoderSet::DEFAULT`].
    fn default() -> Self {
        EncoderSet { wanted: Encoder::ALL.map(|encoder| Self::DEFAULT.contains(&encoder)) }
    }
}

impl FromStr for EncoderSet {
    type Err = Error;

    /// Reads names separated by commas, or `all` for every encoder.
    fn from_str(list: &str) -> Result<Self> {
        if list == "all" {
            return Self::of(Encoder::ALL);
        }
        let encoders: Result<Vec<Encoder>> = list.split(',').map(|word| word.trim().parse()).collect();
        Self::of(encoders?)
    }
}

impl fmt::Display for EncoderSet {
    /// The names, separated by commas: what `--encoder` takes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.iter().map(Encoder::name).collect::<Vec<_>>().join(","))
    }
}

impl Serialize for EncoderSet {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

/// One value an encoder. In JSON an object by the encoders' names, in which an encoder that was not asked for is left
/// out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "PerEncoder_of_{T}")]
pub struct PerEncoder<T> {
    /// The transparent statistics of cepstra; left out where not asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mfcc: Option<T>,
    /// Trained linear statistics of the same frames; left out where not asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mfcc_lda: Option<T>,
    /// The recurrent speaker network GE2E; left out where not asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ge2e: Option<T>,
    /// The speaker network CAM++; left out where not asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub campplus: Option<T>,
}

impl<T> Default for PerEncoder<T> {
    /// No value for any encoder.
    fn default() -> Self {
        PerEncoder { mfcc: None, mfcc_lda: None, ge2e: None, campplus: None }
    }
}

impl<T> PerEncoder<T> {
    /// The value of an encoder, where it has one.
    pub fn get(&self, encoder: Encoder) -> Option<&T> {
        match encoder {
            Encoder::Mfcc => self.mfcc.as_ref(),
            Encoder::MfccLda => self.mfcc_lda.as_ref(),
            Encoder::Ge2e => self.ge2e.as_ref(),
            Encoder::Campplus => self.campplus.as_ref(),
        }
    }

    /// Gives an encoder a value, in place of one it may have.
    pub fn set(&mut self, encoder: Encoder, value: T) {
        *self.slot(encoder) = Some(value);
    }

    /// Takes the value of an encoder out.
    pub fn take(&mut self, encoder: Encoder) -> Option<T> {
        self.slot(encoder).take()
    }

    /// The value of an encoder, made where it has none.
    pub(crate) fn slot_or_default(&mut self, encoder: Encoder) -> &mut T
    where
        T: Default,
    {
        self.slot(encoder).get_or_insert_default()
    }

    fn slot(&mut self, encoder: Encoder) -> &mut Option<T> {
        match encoder {
            Encoder::Mfcc => &mut self.mfcc,
            Encoder::MfccLda => &mut self.mfcc_lda,
            Encoder::Ge2e => &mut self.ge2e,
            Encoder::Campplus => &mut self.campplus,
        }
    }

    /// The values with their encoders, in the order of [`Encoder::ALL`].
    pub fn iter(&self) -> impl Iterator<Item = (Encoder, &T)> {
        Encoder::ALL.into_iter().filter_map(|encoder| Some((encoder, self.get(encoder)?)))
    }

    /// The encoders that have a value, in the order of [`Encoder::ALL`].
    pub fn encoders(&self) -> impl Iterator<Item = Encoder> {
        self.iter().map(|(encoder, _)| encoder)
    }

    /// Whether no encoder has a value.
    pub fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }

    /// Another value in the place of each.
    pub fn map<'a, U>(&'a self, mut map: impl FnMut(Encoder, &'a T) -> U) -> PerEncoder<U> {
        self.iter().map(|(encoder, value)| (encoder, map(encoder, value))).collect()
    }

    /// Another value in the place of each, up to the first failure.
    ///
    /// # Errors
    /// What `map` gives.
    pub fn try_map<'a, U, E>(
        &'a self,
        mut map: impl FnMut(Encoder, &'a T) -> std::result::Result<U, E>,
    ) -> std::result::Result<PerEncoder<U>, E> {
        self.iter().map(|(encoder, value)| Ok((encoder, map(encoder, value)?))).collect()
    }
}

impl<T> FromIterator<(Encoder, T)> for PerEncoder<T> {
    fn from_iter<I: IntoIterator<Item = (Encoder, T)>>(values: I) -> Self {
        let mut all = PerEncoder::default();
        values.into_iter().for_each(|(encoder, value)| all.set(encoder, value));
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_they_are_written() {
        for encoder in Encoder::ALL {
            assert_eq!(encoder.to_string().parse::<Encoder>().unwrap(), encoder);
            assert_eq!(serde_json::to_string(&encoder).unwrap(), format!("\"{encoder}\""));
            let one: PerEncoder<u8> = [(encoder, 7)].into_iter().collect();
            assert_eq!(serde_json::to_string(&one).unwrap(), format!("{{\"{encoder}\":7}}"));
            assert_eq!((one.get(encoder), one.iter().count()), (Some(&7), 1));
        }
        assert!("MFCC".parse::<Encoder>().is_err());
    }

    #[test]
    fn an_unknown_name_is_refused_with_the_known_ones() {
        for list in ["", "mfcc,", "x-vector", "mfcc,x-vector"] {
            let message = list.parse::<EncoderSet>().unwrap_err().to_string();
            assert!(message.contains("expected one of mfcc, mfcc_lda, ge2e, campplus"), "{list}: {message}");
        }
        assert!(EncoderSet::of([]).is_err());
    }

    #[test]
    fn a_set_holds_each_encoder_once_in_one_order() {
        let set: EncoderSet = "mfcc, mfcc".parse().unwrap();
        assert_eq!((set.to_string().as_str(), set.contains(Encoder::Ge2e)), ("mfcc", false));
        assert_eq!(serde_json::to_string(&set).unwrap(), "[\"mfcc\"]");
        assert_eq!("all".parse::<EncoderSet>().unwrap().iter().collect::<Vec<_>>(), Encoder::ALL);
        assert_eq!(EncoderSet::default().iter().collect::<Vec<_>>(), EncoderSet::DEFAULT);
        let values: PerEncoder<u8> = Encoder::ALL.into_iter().rev().zip(1..).collect();
        assert_eq!(values.encoders().collect::<Vec<_>>(), Encoder::ALL);
        assert_eq!(values.try_map(|_, x| x.checked_sub(2).ok_or("too small")), Err("too small"));
    }
}
