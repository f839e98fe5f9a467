//! What a user names as the protected voice, recordings or voice models or both, and the model made of it.
//!
//! A name is told apart by what lies there, a folder, a recording or a model. Models are written in `enrol`, and lists
//! of many voices are kept in `protect`.

use crate::audio::Channel;
use crate::compare::{Exemplar, VoiceModel};
use crate::encoder::{ClipAnalysis, Encoder, EncoderSet, Panel, Refusal};
use crate::encryption::Keys;
use crate::error::{ErrorKind, Result, Shortage};
use crate::feature::Quality;
use crate::library::batch::BatchOptions;
use crate::library::catalogue;
use crate::library::enrolled::voice_file::VoiceModelFile;
use crate::library::outcome::{Reason, Status};
use crate::library::passed_over::PassedOver;
use crate::library::places::{Places, analyse_at};
use crate::path_text::{path_of, text_of};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The protected voice.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Reference {
    /// Its recordings, in the order of their paths.
    pub clips: Vec<ReferenceClip>,
    /// The voice models that were read, in the order of their paths.
    pub models: Vec<ReferenceModel>,
    /// Number of clips that the scores rest on.
    pub used: usize,
    /// Net speech in them, seconds.
    pub net_speech_s: f64,
    /// What the folders that were named hold besides recordings.
    pub passed_over: PassedOver,
}

/// A recording of the protected voice.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReferenceClip {
    /// Where it lies, or lay when it was enrolled.
    pub path: String,
    /// SHA-256 of the file; null where it could not be read.
    pub sha256: Option<String>,
    /// The channel that was asked for when it was read.
    pub channel: Channel,
    /// What was measured; null where it could not be decoded, or comes from a voice model.
    pub quality: Option<Quality>,
    /// Speech without pauses, seconds; null where the clip is not used.
    pub net_speech_s: Option<f64>,
    /// The voice model it comes from; null where the recording itself was read.
    pub model: Option<String>,
    /// `usable`, `enrolled`, `duplicate` or `refused`.
    pub status: Status,
    /// Why it was refused; null where it was not.
    pub reason: Option<Reason>,
}

/// A file with a voice model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReferenceModel {
    /// Where it lies.
    pub path: String,
    /// SHA-256 of the file.
    pub sha256: String,
    /// Version of the program that wrote it.
    pub program: String,
}

/// The files that stand for a protected voice, found but not yet listened to.
#[derive(Clone, Debug)]
pub struct ReferenceSource {
    clips: Vec<PathBuf>,
    models: Vec<(PathBuf, ReferenceModel, VoiceModelFile)>,
    /// Folders that were named, in their canonical form and as they were named.
    folders: Vec<(PathBuf, String)>,
    /// What was named.
    named: Vec<String>,
    /// Where the recordings lie now.
    places: Places,
    /// What else the folders that were named hold.
    passed_over: PassedOver,
}

impl ReferenceSource {
    /// Finds the recordings and reads the voice models that `named` stands for: files, folders or patterns. Every file
    /// counts once; a voice model is recognised by its content, and `keys` open encrypted ones.
    ///
    /// # Errors
    /// Where a name stands for nothing, or a voice model cannot be read or is none.
    pub fn read(named: &[PathBuf], keys: &Keys) -> Result<Self> {
        let (mut files, mut passed_over) = (Vec::new(), PassedOver::default());
        for name in named {
            let found = catalogue::expand(name)?;
            files.extend(found.clips);
            passed_over.add(found.passed_over);
        }
        files.sort();
        let mut seen = BTreeSet::new();
        files.retain(|file| seen.insert(file.canonicalize().unwrap_or_else(|_| file.clone())));
        let (models, clips) = files.into_iter().partition::<Vec<_>, _>(|file| VoiceModelFile::looks_like_one(file));
        let models = models.into_iter().map(|path| read_model(path, &Places::default(), keys));
        let folders = named.iter().filter_map(|name| folder(name));
        Ok(ReferenceSource {
            models: models.collect::<Result<_>>()?,
            clips,
            folders: folders.collect(),
            // In one order, whatever that of the arguments.
            named: named.iter().map(|name| text_of(name)).collect::<BTreeSet<_>>().into_iter().collect(),
            places: Places::default(),
            passed_over,
        })
    }

    /// The same recordings and voice models as those of an earlier result, which named them so, read where they lie
    /// now.
    ///
    /// # Errors
    /// Where a voice model cannot be read or is none.
    pub fn again(
        named: &[String],
        clips: &[PathBuf],
        models: &[PathBuf],
        places: &Places,
        keys: &Keys,
    ) -> Result<Self> {
        let models = models.iter().map(|path| read_model(path.clone(), places, keys));
        let mut clips = clips.to_vec();
        clips.sort();
        Ok(ReferenceSource {
            models: models.collect::<Result<_>>()?,
            clips,
            folders: named.iter().filter_map(|name| folder(&path_of(name))).collect(),
            named: named.into(),
            places: places.clone(),
            passed_over: PassedOver::default(),
        })
    }

    /// A voice model in memory that is told by `name`, given as the bytes of its file.
    ///
    /// # Errors
    /// [`ErrorKind::VoiceModel`] where it is none.
    pub fn of_model(name: &str, bytes: &[u8]) -> Result<Self> {
        let file = VoiceModelFile::parse(Path::new(name), bytes)?;
        let sha256 = crate::hash::hex(Sha256::digest(bytes));
        let model = ReferenceModel { path: name.into(), sha256, program: file.program.clone() };
        Ok(ReferenceSource {
            clips: Vec::new(),
            models: vec![(name.into(), model, file)],
            folders: Vec::new(),
            named: vec![name.into()],
            places: Places::default(),
            passed_over: PassedOver::default(),
        })
    }

    /// The same with a clip that lies in memory and is told by `name`.
    #[must_use]
    pub fn and_held(mut self, name: PathBuf, bytes: Arc<Vec<u8>>) -> Self {
        self.named.push(text_of(&name));
        self.clips.push(name.clone());
        self.clips.sort();
        self.places.hold(name, bytes);
        self
    }

    /// The same with what was passed over where its recordings were looked for.
    #[must_use]
    pub fn and_passed_over(mut self, passed_over: PassedOver) -> Self {
        self.passed_over.add(passed_over);
        self
    }

    /// What was named as the reference, in the order of the names.
    pub fn named(&self) -> &[String] {
        &self.named
    }

    /// Where the recordings lie now.
    pub(crate) fn places(&self) -> &Places {
        &self.places
    }

    /// Passes over the recordings.
    pub(crate) fn analyse(&self, panel: &Panel, options: &BatchOptions<'_>) -> Result<Vec<ClipAnalysis>> {
        analyse_at(panel, &self.clips, &self.places, options)
    }

    /// The encoders that every voice model holds; none without a voice model.
    ///
    /// # Errors
    /// [`ErrorKind::VoiceModel`] where there is no such encoder.
    pub fn encoders(&self) -> Result<Option<EncoderSet>> {
        let Some((path, ..)) = self.models.first() else { return Ok(None) };
        let held = |encoder: &Encoder| self.models.iter().all(|(.., file)| file.fingerprints.get(*encoder).is_some());
        let common = Encoder::ALL.into_iter().filter(held);
        EncoderSet::of(common).map(Some).map_err(|_| {
            let names: Vec<&str> = Encoder::ALL.iter().map(|encoder| encoder.name()).collect();
            let expected = format!("one of {} in every voice model", names.join(", "));
            VoiceModelFile::wrong(path, "no encoder in common".into(), &expected)
        })
    }

    /// Whether one of its voice models holds a narrow-band recording.
    pub(crate) fn has_narrow_model(&self) -> bool {
        self.models.iter().flat_map(|(.., file)| &file.exemplars).any(|clip| clip.quality.is_narrow_band())
    }

    /// The recordings, in the order of their paths.
    pub fn clips(&self) -> &[PathBuf] {
        &self.clips
    }

    /// Folders that were named, in their canonical form and as they were named.
    pub(crate) fn folders(&self) -> &[(PathBuf, String)] {
        &self.folders
    }

    /// Refuses voice models that do not fit the panel, before any recording is listened to.
    pub(crate) fn check(&self, panel: &Panel) -> Result<()> {
        self.models.iter().try_for_each(|(path, _, file)| file.check_fit(path, panel))
    }

    /// The reference and the model of what can be used of it, from the analyses of [`ReferenceSource::clips`].
    ///
    /// # Errors
    /// Where nothing can be used, or a voice model does not fit the panel.
    pub(crate) fn enrol(&self, panel: &Panel, analyses: Vec<ClipAnalysis>) -> Result<(Reference, VoiceModel)> {
        let channel = panel.settings().channel;
        let rows = analyses.into_iter().map(|analysis| read(analysis, channel));
        let mut rows: Vec<(ReferenceClip, Option<Exemplar>)> = rows.collect();
        for (path, model, file) in &self.models {
            let exemplars = file.exemplars(path, panel)?;
            rows.extend(exemplars.into_iter().map(|exemplar| enrolled(&model.path, exemplar)));
        }
        rows.sort_by(|(a, _), (b, _)| (&a.path, &a.sha256).cmp(&(&b.path, &b.sha256)));
        let (mut clips, mut exemplars, mut seen) = (Vec::new(), Vec::new(), BTreeSet::new());
        for (mut clip, exemplar) in rows {
            let twin = clip.sha256.as_ref().is_some_and(|sha| !seen.insert(sha.clone()));
            match exemplar {
                Some(_) if twin => (clip.status, clip.net_speech_s) = (Status::Duplicate, None),
                exemplar => exemplars.extend(exemplar),
            }
            clips.push(clip);
        }
        let used = exemplars.len();
        let model = VoiceModel::new(exemplars).map_err(|refusal| nothing_usable(&clips, used, &refusal))?;
        let reference = Reference {
            used,
            net_speech_s: clips.iter().filter_map(|clip| clip.net_speech_s).sum(),
            models: self.models.iter().map(|(_, model, _)| model.clone()).collect(),
            passed_over: self.passed_over.clone(),
            clips,
        };
        Ok((reference, model))
    }
}

/// A folder that was named: its canonical form, and its name.
fn folder(name: &Path) -> Option<(PathBuf, String)> {
    Some((name.is_dir().then(|| name.canonicalize().ok())??, text_of(name)))
}

fn read_model(path: PathBuf, places: &Places, keys: &Keys) -> Result<(PathBuf, ReferenceModel, VoiceModelFile)> {
    let place = places.of(&path);
    let (file, sha256) = VoiceModelFile::read_hashed(place, keys)?;
    let model = ReferenceModel { path: text_of(&path), sha256, program: file.program.clone() };
    Ok((path, model, file))
}

/// The row of a recording that was read.
fn read(analysis: ClipAnalysis, channel: Channel) -> (ReferenceClip, Option<Exemplar>) {
    let ClipAnalysis { sha256, quality, .. } = analysis;
    let path = text_of(&analysis.path);
    let net_speech_s = quality.as_ref().map(|quality| quality.net_speech_s);
    let (status, reason, exemplar) = match (analysis.embeddings, &quality) {
        (Ok(embeddings), Some(quality)) => {
            let (sha256, quality) = (sha256.clone().unwrap_or_default(), quality.brief());
            (Status::Usable, None, Some(Exemplar { path: path.clone(), sha256, channel, quality, embeddings }))
        }
        (embeddings, _) => (Status::Refused, embeddings.err().map(Reason::from), None),
    };
    let net_speech_s = net_speech_s.filter(|_| exemplar.is_some());
    (ReferenceClip { path, sha256, channel, quality, net_speech_s, model: None, status, reason }, exemplar)
}

/// The row of a recording that a voice model holds.
fn enrolled(model: &str, exemplar: Exemplar) -> (ReferenceClip, Option<Exemplar>) {
    let clip = ReferenceClip {
        path: exemplar.path.clone(),
        sha256: Some(exemplar.sha256.clone()),
        channel: exemplar.channel,
        quality: None,
        net_speech_s: Some(exemplar.quality.net_speech_s),
        model: Some(model.into()),
        status: Status::Enrolled,
        reason: None,
    };
    (clip, Some(exemplar))
}

fn nothing_usable(clips: &[ReferenceClip], used: usize, refusal: &Refusal) -> crate::Error {
    let reasons = clips.iter().filter_map(|clip| {
        let reason = clip.reason.as_ref()?;
        Some(if reason.message.starts_with(&clip.path) {
            reason.message.clone()
        } else {
            format!("{}: {}", clip.path, reason.message)
        })
    });
    let found = match used {
        0 => format!("no usable clip ({})", reasons.collect::<Vec<_>>().join("; ")),
        _ => format!("{used} clips that make no model ({refusal})"),
    };
    let expected = "at least one clip of the protected voice with enough speech".into();
    ErrorKind::Insufficient { what: Shortage::Reference, found, expected }.into()
}
