//! The standing list of protected voices: a folder with one voice model for each.
//!
//! The list is what a publishing pipeline checks every clip against. The folder holds files `NAME.model` and nothing
//! that is not in them, so that it can be copied, kept under version control, or given to `scan` as a set of voices.

use crate::encoder::{Encoder, Panel};
use crate::encryption::{AtRest, is_encrypted_file};
use crate::error::{DocumentKind, Error, ErrorKind, IoContext, Result, Shortage};
use crate::library::batch::BatchOptions;
use crate::library::enrolled::enrol::{Enrolment, enrol};
use crate::library::enrolled::reference::ReferenceSource;
use crate::library::enrolled::voice_file::VoiceModelFile;
use crate::library::enrolled::voices::VoiceSet;
use crate::library::forget::Forget;
use crate::library::index::{ClipStatus, Index};
use crate::library::outcome::{Reason, VERSION};
use crate::library::scan::{Hit, ScanSettings, Score, Threshold, VoiceScan, scan};
use crate::whole_file::{remove_leftover, write_whole};
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Ending of the files.
const EXTENSION: &str = "model";

/// A folder of protected voices.
#[derive(Clone, Debug)]
pub struct ProtectedVoices {
    folder: PathBuf,
    at_rest: AtRest,
}

/// A voice of the list.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct ProtectedVoice {
    /// Its name.
    pub name: String,
    /// Number of its recordings; null where the file cannot be read.
    pub clips: Option<usize>,
    /// Speech in them, seconds.
    pub net_speech_s: Option<f64>,
    /// The encoders it was enrolled by.
    pub encoders: Vec<Encoder>,
    /// Why it cannot be used; null where it can.
    pub problem: Option<String>,
}

/// The result of a check against all protected voices.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct ProtectReport {
    /// Version of the program.
    pub version: String,
    /// Number of voices on the list.
    pub voices: usize,
    /// The threshold that a candidate must stay under against every voice.
    pub threshold: Threshold,
    /// The candidates, in the order of their paths.
    pub candidates: Vec<ProtectCandidate>,
    /// Whether every candidate could be judged and stays under the threshold.
    pub passed: bool,
}

/// A candidate against all protected voices.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct ProtectCandidate {
    /// Where it lies.
    pub path: String,
    /// `passed`, `hit` or `refused`.
    pub status: ProtectStatus,
    /// The voices whose threshold it reaches, the closest first.
    pub hits: Vec<ProtectHit>,
    /// The voice that it comes closest to; null where none could be compared.
    pub nearest: Option<ProtectHit>,
    /// Why it could not be judged; null where it could.
    pub reason: Option<Reason>,
    /// The same as a sentence where there is no more than that.
    pub message: Option<String>,
}

/// How a candidate came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ProtectStatus {
    /// It stays under the threshold against every voice.
    Passed,
    /// It reaches the threshold of a voice, or is one of its recordings.
    Hit,
    /// It cannot be judged.
    Refused,
}

/// A protected voice beside a candidate.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct ProtectHit {
    /// The voice.
    pub voice: String,
    /// The figures.
    #[serde(flatten)]
    pub figures: Hit,
}

impl ProtectedVoices {
    /// The list in a folder, which need not be there yet; `at_rest` opens it where it is encrypted, and says for whom
    /// it is.
    pub fn of(folder: &Path, at_rest: AtRest) -> Self {
        ProtectedVoices { folder: folder.into(), at_rest }
    }

    /// Where a voice's file lies, or will.
    ///
    /// # Errors
    /// Where the name cannot be a file's.
    pub fn file_of(&self, name: &str) -> Result<PathBuf> {
        let bad = |c: char| matches!(c, '/' | '\\' | ':') || c.is_control();
        if name.is_empty() || name.starts_with(['.', '-', ' ']) || name.contains(bad) || name.len() > 200 {
            let expected =
                "1 to 200 bytes without / \\ : and control characters, that begin with no dot, dash or space";
            let found = format!("\"{}\"", name.escape_debug());
            return Err(ErrorKind::Setting { name: "name", found, expected: expected.into() }.into());
        }
        Ok(self.folder.join(format!("{name}.{EXTENSION}")))
    }

    /// Enrols a voice and puts it on the list.
    ///
    /// # Errors
    /// Where there is one by that name already and `replace` is false, the list cannot be opened or written, or as
    /// [`enrol`].
    pub fn add(
        &self,
        name: &str,
        panel: &Panel,
        source: &ReferenceSource,
        replace: bool,
        options: &BatchOptions<'_>,
    ) -> Result<Enrolment> {
        if self.file_of(name)?.exists() && !replace {
            let (found, expected) = (format!("\"{name}\", which is protected already"), "another name, or --replace");
            return Err(ErrorKind::Setting { name: "name", found, expected: expected.into() }.into());
        }
        let enrolment = enrol(panel, source, options)?;
        self.write(name, &enrolment.model)?;
        Ok(enrolment)
    }

    /// Writes a voice's file, encrypted where the list has a key or is to have one.
    fn write(&self, name: &str, model: &VoiceModelFile) -> Result<()> {
        let file = self.file_of(name)?;
        std::fs::create_dir_all(&self.folder).at(&self.folder, "create")?;
        let bytes = model.to_bytes().map_err(std::io::Error::from).at(&file, "write")?;
        let Some(key) = self.at_rest.folder_key(&self.folder)? else { return write_whole(&file, &bytes) };
        // What was there before the list had a key.
        for plain in self.files()?.into_iter().filter(|file| !is_encrypted_file(file)) {
            let bytes = std::fs::read(&plain).at(&plain, "read")?;
            write_whole(&plain, &key.encrypt(&bytes).at(&plain, "encrypt")?)?;
        }
        write_whole(&file, &key.encrypt(&bytes).at(&file, "encrypt")?)
    }

    /// The files of the voices.
    fn files(&self) -> Result<Vec<PathBuf>> {
        if !self.folder.exists() {
            return Ok(Vec::new());
        }
        let mut files = Vec::new();
        for entry in std::fs::read_dir(&self.folder).at(&self.folder, "list")? {
            let path = entry.at(&self.folder, "list")?.path();
            if path.extension().is_some_and(|extension| extension == EXTENSION) {
                files.push(path);
            }
        }
        Ok(files)
    }

    /// Takes a voice off the list.
    ///
    /// # Errors
    /// Where there is none by that name, or its file cannot be removed.
    pub fn remove(&self, name: &str) -> Result<()> {
        let file = self.file_of(name)?;
        if !file.exists() {
            let names: Vec<String> = self.list()?.into_iter().map(|voice| voice.name).collect();
            let expected = if names.is_empty() { "one that is protected; none is".into() } else { names.join(", ") };
            return Err(ErrorKind::Setting { name: "name", found: format!("\"{name}\""), expected }.into());
        }
        take_off(&file)
    }

    /// Takes off what is to be forgotten: a voice by its name, or the recording of a content in whatever voice it is,
    /// whose model is written anew without it, or removed where it was the last. Gives the names of the voices.
    ///
    /// # Errors
    /// Where the list cannot be opened or written.
    pub fn forget(&self, what: &Forget, only_tell: bool) -> Result<Vec<String>> {
        let mut touched = Vec::new();
        for voice in self.list()? {
            let file = self.file_of(&voice.name)?;
            let (is_meant, left) = match what {
                Forget::Voice(name) => (voice.name == *name, None),
                Forget::Content(sha256) => {
                    let mut model = VoiceModelFile::read(&file, &self.at_rest.keys)?;
                    let before = model.exemplars.len();
                    model.exemplars.retain(|clip| clip.sha256 != *sha256);
                    (model.exemplars.len() < before, Some(model).filter(|model| !model.exemplars.is_empty()))
                }
            };
            if !is_meant {
                continue;
            }
            match left {
                _ if only_tell => {}
                Some(model) => self.write(&voice.name, &model)?,
                None => take_off(&file)?,
            }
            touched.push(voice.name);
        }
        Ok(touched)
    }

    /// The voices, in the order of their names; none where the folder is not there.
    ///
    /// # Errors
    /// Where the folder cannot be listed.
    pub fn list(&self) -> Result<Vec<ProtectedVoice>> {
        let mut voices = Vec::new();
        for path in self.files()? {
            let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            voices.push(match VoiceModelFile::read(&path, &self.at_rest.keys) {
                Ok(file) => ProtectedVoice {
                    name,
                    clips: Some(file.exemplars.len()),
                    net_speech_s: Some(file.exemplars.iter().map(|clip| clip.quality.net_speech_s).sum()),
                    encoders: file.fingerprints.encoders().collect(),
                    problem: None,
                },
                Err(error) => ProtectedVoice {
                    name,
                    clips: None,
                    net_speech_s: None,
                    encoders: Vec::new(),
                    problem: Some(error.to_string()),
                },
            });
        }
        voices.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(voices)
    }

    /// The voices as a set to compare with.
    ///
    /// # Errors
    /// Where there is none, or the file of one cannot be used: a gate that passes over a protected voice is open.
    pub fn voices(&self) -> Result<VoiceSet> {
        let listed = self.list()?;
        if listed.is_empty() {
            let (found, expected) =
                ("no protected voice".into(), "one that soundalike protect add has put there".into());
            return Err(ErrorKind::Document {
                path: self.folder.clone(),
                what: DocumentKind::ProtectedVoices,
                found,
                expected,
            }
            .into());
        }
        for voice in &listed {
            if voice.problem.is_some() {
                VoiceModelFile::read(&self.file_of(&voice.name)?, &self.at_rest.keys)?;
            }
        }
        VoiceSet::models(&self.folder, &self.at_rest.keys)
    }
}

/// Removes a voice's file, and what a killed run left half written of it.
fn take_off(file: &Path) -> Result<()> {
    remove_leftover(file);
    std::fs::remove_file(file).at(file, "remove")
}

/// Checks the clips of an index against all protected voices.
///
/// # Errors
/// As [`scan`], and where a protected voice cannot be enrolled.
pub fn check(panel: &Panel, voices: &VoiceSet, index: &Index, settings: &ScanSettings<'_>) -> Result<ProtectReport> {
    check_threshold(panel, settings.threshold)?;
    let mut candidates: BTreeMap<String, ProtectCandidate> = BTreeMap::new();
    let root = PathBuf::from(&index.manifest().library);
    for segment in &index.manifest().segments {
        for row in index.rows(segment)?.iter() {
            let path = crate::library::check::shown(&root.join(&row.path));
            let refused = row.status == ClipStatus::Refused;
            let message = row.reason.as_ref().filter(|_| refused).map(|(_, message)| message.clone());
            let status = if refused { ProtectStatus::Refused } else { ProtectStatus::Passed };
            let candidate =
                ProtectCandidate { path: path.clone(), status, hits: Vec::new(), nearest: None, reason: None, message };
            candidates.insert(path, candidate);
        }
    }
    let (mut left_out, mut passed_over): (Option<String>, Option<String>) = (None, None);
    let mut compared = 0;
    scan(
        panel,
        voices,
        index,
        &ScanSettings { top: None, only_above: false, own_too: true, cache: None, ..*settings },
        &mut |head| {
            left_out = head.left_out.first().map(|voice| format!("{}: {}", voice.voice, voice.message));
            Ok(())
        },
        &mut |voice| {
            compared += 1;
            if voice.not_comparable > 0 {
                let n = voice.not_comparable;
                passed_over
                    .get_or_insert_with(|| format!("{n} candidates that {} cannot be compared with", voice.voice));
            }
            take(voice, &mut candidates);
            Ok(())
        },
    )?;
    if let Some(found) = left_out.or(passed_over) {
        let expected = "every protected voice to be compared with".into();
        return Err(Error::from(ErrorKind::Insufficient { what: Shortage::ProtectedVoices, found, expected }));
    }
    let mut candidates: Vec<ProtectCandidate> = candidates.into_values().collect();
    for candidate in &mut candidates {
        candidate.hits.sort_by(|a, b| closer(b, a));
        if candidate.status == ProtectStatus::Passed && candidate.nearest.is_none() {
            candidate.status = ProtectStatus::Refused;
            candidate.message = Some("could not be compared with any voice".into());
        }
    }
    let passed = candidates.iter().all(|candidate| candidate.status == ProtectStatus::Passed);
    Ok(ProtectReport { version: VERSION.into(), voices: compared, threshold: settings.threshold, candidates, passed })
}

/// Refuses a threshold on a score that is not computed.
fn check_threshold(panel: &Panel, threshold: Threshold) -> Result<()> {
    let encoders = panel.settings().encoders;
    match threshold.score {
        Score::Cosine(encoder) if !encoders.contains(encoder) => {
            let found = format!("{encoder}={}", threshold.value);
            let expected = format!("log10_lr or an encoder of the protected voices ({encoders})");
            Err(ErrorKind::Setting { name: "fail-above", found, expected }.into())
        }
        _ => Ok(()),
    }
}

/// Takes in what was found of one voice.
fn take(voice: &VoiceScan, candidates: &mut BTreeMap<String, ProtectCandidate>) {
    let judged = voice.hits.iter().map(|hit| (hit, true)).chain(voice.withheld.iter().map(|hit| (hit, false)));
    for (figures, judged) in judged {
        let Some(candidate) = candidates.get_mut(&figures.path) else { continue };
        let hit = ProtectHit { voice: voice.voice.clone(), figures: figures.clone() };
        if figures.flagged {
            candidate.status = ProtectStatus::Hit;
            candidate.hits.push(hit.clone());
        } else if !judged && candidate.status == ProtectStatus::Passed {
            candidate.status = ProtectStatus::Refused;
            candidate.reason.clone_from(&figures.reason);
        }
        if candidate.nearest.as_ref().is_none_or(|nearest| closer(&hit, nearest).is_gt()) {
            candidate.nearest = Some(hit);
        }
    }
}

/// Which of two is closer to its voice.
fn closer(a: &ProtectHit, b: &ProtectHit) -> std::cmp::Ordering {
    let key = |hit: &ProtectHit| {
        let cosine = hit.figures.cosines.iter().last().map_or(-1.0, |(_, cosine)| *cosine);
        (hit.figures.unbounded_log10_lr.unwrap_or(f64::NEG_INFINITY), cosine)
    };
    let (a_key, b_key) = (key(a), key(b));
    let by_ratio = a_key.0.total_cmp(&b_key.0).then_with(|| a_key.1.total_cmp(&b_key.1));
    by_ratio.then_with(|| b.voice.cmp(&a.voice))
}
