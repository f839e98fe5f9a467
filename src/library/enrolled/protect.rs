//! The standing list of protected voices: a folder with one voice model for each.
//!
//! The list is what a publishing pipeline checks every clip against. The folder holds files `NAME.model` and nothing
//! that is not in them, so that it can be copied, kept under version control, or given to `scan` as a set of voices.

use crate::encoder::{Encoder, Panel, PerBand};
use crate::encryption::{AtRest, is_encrypted_file};
use crate::error::{DocumentKind, Error, ErrorKind, IoContext, Result};
use crate::library::batch::BatchOptions;
use crate::library::catalogue::{self, CatalogueOfEach};
use crate::library::check::hear_listed;
use crate::library::enrolled::enrol::{Enrolment, enrol};
use crate::library::enrolled::entries::{EXTENSION, VoiceEntries};
use crate::library::enrolled::reference::ReferenceSource;
use crate::library::enrolled::voice_file::VoiceModelFile;
use crate::library::enrolled::voices::VoiceSet;
use crate::library::forget::Forget;
use crate::library::gate::{GateClip, GateOutcome, Judge, check_limits, decide};
use crate::library::index::NarrowRule;
use crate::library::outcome::{VERSION, models_version};
use crate::library::passed_over::PassedOver;
use crate::library::places::Places;
use crate::library::scan::{ScanSettings, Score, Threshold};
use crate::path_text::text_of;
use crate::whole_file::{create_private_folder, lock_file, remove_leftover, write_new, write_whole};
use schemars::JsonSchema;
use serde::Serialize;
use std::path::{Path, PathBuf};

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
    /// Version of the models: see [`models_version`].
    pub models_version: String,
    /// Number of voices on the list.
    pub voices: usize,
    /// The threshold that a candidate must stay under against every voice.
    pub threshold: Threshold,
    /// The candidates, in the order of their paths.
    pub candidates: Vec<GateClip>,
    /// What the folders of the candidates hold besides them.
    pub passed_over: PassedOver,
    /// What the folder of the list holds besides voices.
    pub list_passed_over: PassedOver,
    /// Whether every candidate could be judged and stays under the threshold, and nothing that may hold sound was passed
    /// over.
    pub passed: bool,
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
        let protected_already = || {
            let (found, expected) = (format!("\"{name}\", which is protected already"), "another name, or --replace");
            Error::from(ErrorKind::Setting { name: "name", found, expected: expected.into() })
        };
        if self.file_of(name)?.exists() && !replace {
            return Err(protected_already());
        }
        let enrolment = enrol(panel, source, options)?;
        create_private_folder(&self.folder).at(&self.folder, "create")?;
        let _lock = self.lock()?;
        // Enrolment takes long; another process may have put a voice of that name there.
        if !self.write(name, &enrolment.model, replace)? {
            return Err(protected_already());
        }
        Ok(enrolment)
    }

    /// Waits until no other process changes the list, and keeps others waiting as long as the file is open.
    fn lock(&self) -> Result<std::fs::File> {
        let file = lock_file(&self.folder)?;
        file.lock().at(&self.folder, "lock")?;
        Ok(file)
    }

    /// Writes a voice's file, encrypted where the list has a key or is to have one. False where there is one and
    /// `replace` is false. The list must be locked.
    fn write(&self, name: &str, model: &VoiceModelFile, replace: bool) -> Result<bool> {
        let file = self.file_of(name)?;
        if !replace && file.exists() {
            return Ok(false);
        }
        let bytes = self.sealed(&file, model)?;
        if replace { write_whole(&file, &bytes).map(|()| true) } else { write_new(&file, &bytes) }
    }

    /// The bytes of a voice's file; what was there before the list had a key is encrypted too.
    fn sealed(&self, file: &Path, model: &VoiceModelFile) -> Result<Vec<u8>> {
        let bytes = model.to_bytes().map_err(std::io::Error::from).at(file, "write")?;
        let Some(key) = self.at_rest.folder_key(&self.folder)? else { return Ok(bytes) };
        for plain in self.files()?.into_iter().filter(|file| file.is_file() && !is_encrypted_file(file)) {
            let bytes = VoiceModelFile::bytes(&plain)?;
            write_whole(&plain, &key.encrypt(&bytes).at(&plain, "encrypt")?)?;
        }
        key.encrypt(&bytes).at(file, "encrypt")
    }

    /// What the folder holds; nothing where it is not there.
    fn entries(&self) -> Result<VoiceEntries> {
        if !self.folder.try_exists().at(&self.folder, "open")? {
            return Ok(VoiceEntries::default());
        }
        VoiceEntries::read(&self.folder, false, &self.at_rest.keys)
    }

    /// The files of the voice models.
    fn files(&self) -> Result<Vec<PathBuf>> {
        Ok(self.entries()?.models.into_iter().map(|(_, file)| file).collect())
    }

    /// What the folder holds besides voices.
    ///
    /// # Errors
    /// Where it cannot be listed.
    pub fn passed_over(&self) -> Result<PassedOver> {
        Ok(self.entries()?.passed_over)
    }

    /// The files of the voice of this name, as they are spelled in the folder.
    ///
    /// # Errors
    /// Where there is none, or the folder cannot be listed.
    pub fn files_of(&self, name: &str) -> Result<Vec<PathBuf>> {
        let voices = self.entries()?.models;
        let files: Vec<PathBuf> =
            voices.iter().filter(|(voice, _)| voice == name).map(|(_, file)| file.clone()).collect();
        if files.is_empty() {
            let names: Vec<String> = voices.into_iter().map(|(name, _)| name).collect();
            let expected = if names.is_empty() { "one that is protected; none is".into() } else { names.join(", ") };
            return Err(ErrorKind::Setting { name: "name", found: format!("\"{name}\""), expected }.into());
        }
        Ok(files)
    }

    /// Takes a voice off the list.
    ///
    /// # Errors
    /// Where there is none by that name, or its file cannot be removed.
    pub fn remove(&self, name: &str) -> Result<()> {
        // Nothing is made where there is no list.
        let _lock = self.folder.is_dir().then(|| self.lock()).transpose()?;
        self.files_of(name)?.iter().try_for_each(|file| take_off(file))
    }

    /// Takes off what is to be forgotten: a voice by its name, or the recording of a content in whatever voice it is,
    /// whose model is written anew without it, or removed where it was the last. Gives the names of the voices.
    ///
    /// # Errors
    /// Where the list cannot be opened or written.
    pub fn forget(&self, what: &Forget, only_tell: bool) -> Result<Vec<String>> {
        let mut touched = Vec::new();
        let _lock = (!only_tell && self.folder.is_dir()).then(|| self.lock()).transpose()?;
        let VoiceEntries { models, hidden_models, .. } = self.entries()?;
        // What is hidden holds a voice no less.
        let hidden =
            hidden_models.into_iter().map(|file| (text_of(file.file_stem().unwrap_or_default().as_ref()), file));
        for (voice, file) in models.into_iter().chain(hidden) {
            let (is_meant, left) = match what {
                Forget::Voice(name) => (voice == *name, None),
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
                Some(model) => write_whole(&file, &self.sealed(&file, &model)?)?,
                None => take_off(&file)?,
            }
            touched.push(voice);
        }
        Ok(touched)
    }

    /// The voices, in the order of their names; none where the folder is not there.
    ///
    /// # Errors
    /// Where the folder cannot be listed.
    pub fn list(&self) -> Result<Vec<ProtectedVoice>> {
        let VoiceEntries { models, hidden_models, .. } = self.entries()?;
        let voice = |(name, path): (String, PathBuf)| {
            let file = VoiceModelFile::read(&path, &self.at_rest.keys);
            let empty = ProtectedVoice { name, clips: None, net_speech_s: None, encoders: Vec::new(), problem: None };
            match file {
                Ok(file) => ProtectedVoice {
                    clips: Some(file.exemplars.len()),
                    net_speech_s: Some(file.exemplars.iter().map(|clip| clip.quality.net_speech_s).sum()),
                    encoders: file.fingerprints.encoders().collect(),
                    ..empty
                },
                Err(error) => ProtectedVoice { problem: Some(error.to_string()), ..empty },
            }
        };
        let hidden = |path: PathBuf| ProtectedVoice {
            name: text_of(path.file_name().unwrap_or_default().as_ref()),
            clips: None,
            net_speech_s: None,
            encoders: Vec::new(),
            problem: Some(hidden_model(&path).to_string()),
        };
        let mut voices: Vec<ProtectedVoice> = models.into_iter().map(voice).collect();
        voices.extend(hidden_models.into_iter().map(hidden));
        voices.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(voices)
    }

    /// The voices as a set to compare with.
    ///
    /// # Errors
    /// Where there is none, or the file of one cannot be used: a gate that passes over a protected voice is open.
    pub fn voices(&self) -> Result<VoiceSet> {
        let entries = self.entries()?;
        if let Some(hidden) = entries.hidden_models.first() {
            return Err(hidden_model(hidden));
        }
        if entries.models.is_empty() {
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
        for (_, file) in &entries.models {
            VoiceModelFile::read(file, &self.at_rest.keys)?;
        }
        VoiceSet::models(&self.folder, &self.at_rest.keys)
    }
}

/// The error of a voice model that is in the folder of a list and not on the list.
fn hidden_model(path: &Path) -> Error {
    let found = "a voice model that is hidden, in a folder or not named .model".into();
    let expected =
        "voice models NAME.model in the folder itself, so that each is compared: rename it, or remove it".into();
    ErrorKind::Document { path: path.into(), what: DocumentKind::ProtectedVoices, found, expected }.into()
}

/// Removes a voice's file, and what a killed run left half written of it.
fn take_off(file: &Path) -> Result<()> {
    remove_leftover(file);
    std::fs::remove_file(file).at(file, "remove")
}

/// Checks candidates against all protected voices; `settings` say how scores become ratios, and its threshold is the
/// limit.
///
/// # Errors
/// Where a protected voice cannot be enrolled or lacks an encoder that others have, the limit cannot be kept, or the
/// threads cannot be started.
pub fn check(
    panel: &Panel,
    voices: &VoiceSet,
    candidates: &[PathBuf],
    settings: &ScanSettings<'_>,
    options: &BatchOptions<'_>,
) -> Result<ProtectReport> {
    let narrow_panel = panel.narrow()?;
    let panels = PerBand { wide: panel, narrow: &narrow_panel };
    voices.same_encoders()?;
    let limits = [settings.threshold];
    check_threshold(panel, settings.threshold)?;
    check_limits("fail-above", &limits, panel, settings.calibration)?;
    if voices.has_narrow_model() {
        check_limits("fail-above", &limits, &narrow_panel, settings.calibration)?;
    }
    let enrolled = voices.all(panels, options)?;
    let rule = if voices.has_narrow_model() { NarrowRule::All } else { NarrowRule::Auto };
    let CatalogueOfEach { clips: mut listed, passed_over } = catalogue::expand_each(candidates);
    let path = |file: &std::result::Result<PathBuf, (PathBuf, Error)>| match file {
        Ok(path) | Err((path, _)) => path.clone(),
    };
    listed.sort_by_key(path);
    listed.dedup_by_key(|file| path(file));
    let heard = hear_listed(panels, rule, &listed, &Places::default(), options)?;
    let judge = Judge { panels, voices: &enrolled, settings, limits: &limits };
    let GateOutcome { passed, clips, .. } = decide(&limits, judge.judge(heard)?).beside(&passed_over);
    Ok(ProtectReport {
        version: VERSION.into(),
        models_version: models_version().into(),
        voices: enrolled.len(),
        threshold: settings.threshold,
        candidates: clips,
        passed_over,
        list_passed_over: voices.passed_over().clone(),
        passed,
    })
}

/// Refuses a threshold on a score that is not computed.
fn check_threshold(panel: &Panel, threshold: Threshold) -> Result<()> {
    let encoders = panel.settings().encoders;
    match threshold.score {
        Score::Cosine(encoder) if !encoders.contains(encoder) => {
            let expected = format!("log10_lr or an encoder of the protected voices ({encoders})");
            Err(ErrorKind::Setting { name: "fail-above", found: threshold.to_string(), expected }.into())
        }
        _ => Ok(()),
    }
}
