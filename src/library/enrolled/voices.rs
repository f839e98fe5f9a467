//! One protected voice or thousands of them, enrolled in one pass.
//!
//! A voice that cannot be enrolled is left out with its reason; one of them never ends the pass for the others.

use crate::compare::VoiceModel;
use crate::encoder::{Encoder, EncoderSet, Panel, PerBand};
use crate::encryption::Keys;
use crate::error::{DocumentKind, Error, ErrorKind, Result, Shortage};
use crate::library::batch::{self, BatchOptions};
use crate::library::enrolled::entries::VoiceEntries;
use crate::library::enrolled::reference::{Reference, ReferenceSource};
use crate::library::passed_over::PassedOver;
use crate::path_text::text_of;
use std::path::{Path, PathBuf};

/// Recordings that are encoded at a time.
const CHUNK: usize = 1024;

/// Protected voices, found but not yet listened to, in the order of their names.
#[derive(Clone, Debug, Default)]
pub struct VoiceSet {
    voices: Vec<(String, ReferenceSource)>,
    /// What was found where a voice was expected, and why it is none.
    left_out: Vec<(String, String)>,
    /// What else the folders of voices hold.
    passed_over: PassedOver,
}

/// A protected voice that can be compared with.
#[derive(Clone, Debug)]
pub(crate) struct EnrolledVoice {
    pub name: String,
    pub reference: Reference,
    pub wide: VoiceModel,
    /// The same in the narrow band; none where it was not asked for.
    pub narrow: Option<VoiceModel>,
}

impl EnrolledVoice {
    /// Whether one of its recordings is narrow-band, so that everything is compared with it in the narrow band.
    pub fn is_narrow(&self) -> bool {
        self.wide.exemplars().iter().any(|exemplar| exemplar.quality.is_narrow_band())
    }

    /// Whether a recording of this content is one of its own.
    pub fn holds(&self, sha256: &str) -> bool {
        self.reference.clips.iter().any(|clip| clip.sha256.as_deref() == Some(sha256))
    }
}

impl VoiceSet {
    /// One voice, of the recordings and voice models that `named` stands for.
    ///
    /// # Errors
    /// As [`ReferenceSource::read`].
    pub fn one(named: &[PathBuf], keys: &Keys) -> Result<Self> {
        // In one order, whatever that of the arguments.
        let names: std::collections::BTreeSet<String> = named.iter().map(|path| text_of(path)).collect();
        let name = names.into_iter().collect::<Vec<_>>().join(", ");
        Ok(VoiceSet { voices: vec![(name, ReferenceSource::read(named, keys)?)], ..VoiceSet::default() })
    }

    /// Voices by name, in the order of their names.
    pub fn named(voices: Vec<(String, ReferenceSource)>) -> Self {
        let mut voices = voices;
        voices.sort_by(|a, b| a.0.cmp(&b.0));
        VoiceSet { voices, ..VoiceSet::default() }
    }

    /// The voices of a folder: each of its folders is one by that name, and each voice model in it.
    ///
    /// # Errors
    /// Where it cannot be listed, or holds no voice.
    pub fn folder(folder: &Path, keys: &Keys) -> Result<Self> {
        Self::of_folder(folder, true, keys)
    }

    /// The voice models of a folder alone.
    pub(crate) fn models(folder: &Path, keys: &Keys) -> Result<Self> {
        Self::of_folder(folder, false, keys)
    }

    fn of_folder(folder: &Path, recordings: bool, keys: &Keys) -> Result<Self> {
        let entries = VoiceEntries::read(folder, recordings, keys)?;
        let mut set = VoiceSet { passed_over: entries.passed_over, ..VoiceSet::default() };
        for (name, path) in entries.folders.into_iter().chain(entries.models) {
            match ReferenceSource::read(&[path], keys) {
                Ok(source) => set.voices.push((name, source)),
                Err(error) => set.left_out.push((name, error.to_string())),
            }
        }
        for path in entries.hidden_models {
            set.left_out.push((
                text_of(&path),
                "a voice model that is hidden, in a folder or not named .model, which is not compared".into(),
            ));
        }
        set.voices.sort_by(|a, b| a.0.cmp(&b.0));
        match set.voices.is_empty() {
            false => Ok(set),
            true => {
                let found = match set.left_out.first() {
                    Some((name, why)) => format!("no usable voice ({name}: {why})"),
                    None => "a folder without voices".into(),
                };
                let expected = "a folder of recordings, or a voice model, for each voice".into();
                Err(ErrorKind::Document { path: folder.into(), what: DocumentKind::ProtectedVoices, found, expected }
                    .into())
            }
        }
    }

    /// Both together. Voices of one name stay two.
    pub fn and(mut self, other: Self) -> Self {
        self.voices.extend(other.voices);
        self.left_out.extend(other.left_out);
        self.passed_over.add(other.passed_over);
        self
    }

    /// What the folders of voices hold besides voices.
    pub fn passed_over(&self) -> &PassedOver {
        &self.passed_over
    }

    /// The names of the voices.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.voices.iter().map(|(name, _)| name.as_str())
    }

    /// Whether a voice model holds a narrow-band recording, so that everything is compared with it in the narrow band.
    pub fn has_narrow_model(&self) -> bool {
        self.voices.iter().any(|(_, source)| source.has_narrow_model())
    }

    /// The encoders that every voice model holds; none without a voice model.
    ///
    /// # Errors
    /// Where there is no such encoder.
    pub fn encoders(&self) -> Result<Option<EncoderSet>> {
        let mut common: Option<EncoderSet> = None;
        for (_, source) in &self.voices {
            common = match (common, source.encoders()?) {
                (Some(a), Some(b)) => Some(EncoderSet::of(a.iter().filter(|encoder| b.contains(*encoder)))?),
                (a, b) => a.or(b),
            };
        }
        Ok(common)
    }

    /// All voices in both bands, for a gate: none may be left out, and each must have the encoders that any has.
    ///
    /// # Errors
    /// Where one cannot be enrolled or lacks an encoder, or the threads cannot be started.
    pub(crate) fn all(&self, panels: PerBand<&Panel>, options: &BatchOptions<'_>) -> Result<Vec<EnrolledVoice>> {
        self.same_encoders()?;
        let options = BatchOptions { threads: options.threads, ..Default::default() };
        let (enrolled, left_out) = self.enrol(panels.wide, Some(panels.narrow), &options)?;
        match left_out.first() {
            None => Ok(enrolled),
            Some((name, why)) => {
                let (found, expected) =
                    (format!("{name}: {why}"), "every voice of the list to be compared with".into());
                Err(ErrorKind::Insufficient { what: Shortage::ProtectedVoices, found, expected }.into())
            }
        }
    }

    /// Refuses a list in which one voice has fewer encoders than another.
    ///
    /// # Errors
    /// [`ErrorKind::Insufficient`] with the voice and what it has.
    pub(crate) fn same_encoders(&self) -> Result<()> {
        let mut held = Vec::new();
        for (name, source) in &self.voices {
            held.extend(source.encoders()?.map(|encoders| (name, encoders)));
        }
        let all: Vec<Encoder> =
            Encoder::ALL.into_iter().filter(|encoder| held.iter().any(|(_, set)| set.contains(*encoder))).collect();
        let lacking = held.iter().find(|(_, set)| !all.iter().all(|encoder| set.contains(*encoder)));
        let Some((name, set)) = lacking else { return Ok(()) };
        let found = format!("{name} with embeddings of {set} alone");
        let expected = format!("{} of every voice, as others of the list have", EncoderSet::of(all)?);
        Err(ErrorKind::Insufficient { what: Shortage::ProtectedVoices, found, expected }.into())
    }

    /// Listens to all recordings. A voice of which nothing can be used is left out with the reason, unless it is the
    /// only one.
    ///
    /// # Errors
    /// Where no voice is left, or so many threads cannot be had.
    pub(crate) fn enrol(
        &self,
        panel: &Panel,
        narrow: Option<&Panel>,
        options: &BatchOptions<'_>,
    ) -> Result<EnrolledVoices> {
        let (mut enrolled, mut left_out) = (Vec::new(), self.left_out.clone());
        let mut last: Option<Error> = None;
        let mut rest = self.voices.as_slice();
        while !rest.is_empty() {
            let mut clips = 0;
            let fits = |(_, source): &&(String, ReferenceSource)| {
                clips += source.clips().len();
                clips <= CHUNK
            };
            let (chunk, after) = rest.split_at(rest.iter().take_while(fits).count().max(1));
            rest = after;
            let wide = models(chunk, panel, options)?;
            let narrow = narrow.map(|panel| models(chunk, panel, options)).transpose()?;
            let mut narrow = narrow.map(Vec::into_iter);
            for ((name, _), wide) in chunk.iter().zip(wide) {
                let narrow = narrow.as_mut().and_then(Iterator::next);
                match (wide, narrow.transpose()) {
                    (Ok((reference, wide)), Ok(narrow)) => {
                        let narrow = narrow.map(|(_, model)| model);
                        enrolled.push(EnrolledVoice { name: name.clone(), reference, wide, narrow });
                    }
                    (Err(error), _) | (_, Err(error)) => {
                        left_out.push((name.clone(), error.to_string()));
                        last = Some(error);
                    }
                }
            }
        }
        left_out.sort();
        match (enrolled.is_empty(), last) {
            (true, Some(error)) => Err(error),
            _ => Ok((enrolled, left_out)),
        }
    }
}

/// Voices, and the names of those left out with the reason.
pub(crate) type EnrolledVoices = (Vec<EnrolledVoice>, Vec<(String, String)>);

type Enrolled = Result<(Reference, VoiceModel)>;

/// The models of voices by one panel.
fn models(voices: &[(String, ReferenceSource)], panel: &Panel, options: &BatchOptions<'_>) -> Result<Vec<Enrolled>> {
    let clips: Vec<PathBuf> = voices.iter().flat_map(|(_, source)| source.clips().iter().cloned()).collect();
    let mut analyses = batch::analyse(panel, &clips, options)?.into_iter();
    let enrol = |(_, source): &(String, ReferenceSource)| {
        let mine = analyses.by_ref().take(source.clips().len()).collect();
        source.check(panel)?;
        source.enrol(panel, mine)
    };
    Ok(voices.iter().map(enrol).collect())
}
