//! A case computed again from its inputs, and compared with what was told.
//!
//! The files are found by the paths that the result tells, or below a folder where the case has moved to, and are known
//! by their hashes. Then everything is computed again and compared value by value: a figure is the same where it has
//! the same bits. Between processors with other instruction sets the last digits of a figure may differ; a tolerance
//! for that is allowed where the person who verifies asks for it ([`Platform::Other`]), whatever the document states.

use super::case_file::CaseFile;
use super::coverage::{Coverage, How};
use super::document;
use crate::calibration::verbal::{self, Propositions};
use crate::encoder::{Models, Panel};
use crate::encryption::Keys;
use crate::error::{DocumentKind, Error, ErrorKind, Result};
use crate::library::batch::BatchOptions;
use crate::library::check::CheckSettings;
use crate::library::findings::{Examination, examination};
use crate::library::{Places, ReferenceSource, is_instruction_set};
use crate::path_text::{path_of, text_of};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use std::fmt;
use std::path::{Component, Path, PathBuf};

pub use crate::report::case::TOLERANCE;

/// Differences that are told; the first is what matters.
const MOST_DIFFERENCES: usize = 50;

/// What was told and what was found, at one place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Difference {
    /// The place: a file, or the way to a value in the result or in what stands behind it.
    pub place: String,
    /// What the document tells.
    pub told: String,
    /// What was found or computed.
    pub found: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Difference { place, told, found } = self;
        write!(f, "{place} is told as {told}, and is {found}")
    }
}

/// The outcome of computing a case again.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct CaseVerification {
    /// Whether everything is as the document tells it.
    pub same: bool,
    /// Whether every value was compared by its bits; else within `tolerance`.
    pub identical: bool,
    /// The share of its size within which a figure was compared; null where bits were.
    pub tolerance: Option<f64>,
    /// SHA-256 of the result's text.
    pub result_sha256: String,
    /// Files whose hash is as told.
    pub files: usize,
    /// Values that were computed again and compared.
    pub values: usize,
    /// What differs, the first first; at most 50.
    pub differences: Vec<Difference>,
    /// What else should be known of the comparison.
    pub remarks: Vec<String>,
    /// What was compared, what is taken as stated, and what nothing was compared with.
    #[serde(skip)]
    pub coverage: Coverage,
}

/// The platform on which a document may have been computed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Platform {
    /// This one: figures have the same bits.
    #[default]
    Same,
    /// Another one, where the document states so: figures are compared within [`TOLERANCE`].
    Other,
}

impl CaseVerification {
    pub(super) fn differ(&mut self, place: impl Into<String>, told: impl Into<String>, found: impl Into<String>) {
        self.same = false;
        if self.differences.len() < MOST_DIFFERENCES {
            self.differences.push(Difference { place: place.into(), told: told.into(), found: found.into() });
        }
    }
}

/// A case that was computed again.
#[derive(Clone, Debug)]
pub struct Recomputed {
    /// How it compares.
    pub verification: CaseVerification,
    /// The case as it was computed now; none where a file is missing or another than the one that is told, so that
    /// nothing could be computed.
    pub examination: Option<Examination>,
    /// The same with the figures of the document, from which texts and pages of it follow; none where something
    /// differs.
    pub document: Option<Examination>,
    /// Where its files lie.
    pub places: Places,
}

impl Recomputed {
    /// Why no document is made of this case; none where it was reproduced in full.
    pub fn refusal(&self) -> Option<String> {
        let case = &self.verification;
        if let Some(difference) = case.differences.first() {
            return Some(format!("could not be reproduced: {difference}"));
        }
        let not_covered = case.coverage.not_covered.first();
        not_covered.map(|item| format!("{}: found {}, expected {}", item.what, item.found, item.expected))
    }
}

/// Where the files of a case lie now.
#[derive(Clone, Copy, Debug)]
pub enum Root<'a> {
    /// Where they are told to lie, from the working folder or from that of the document.
    AsTold,
    /// Below this folder.
    Below(&'a Path),
    /// Where these places say.
    Places(&'a Places),
}

/// Computes a case again and compares; `keys` open voice models that are encrypted.
///
/// # Errors
/// Where the computation cannot be asked for: an encoder's weights cannot be had, or so many threads. What differs, or
/// is missing, is in the outcome.
pub fn recompute(
    case: &CaseFile,
    root: Root<'_>,
    models: &Models,
    keys: &Keys,
    platform: Platform,
    options: &BatchOptions<'_>,
) -> Result<Recomputed> {
    let mut verification = CaseVerification {
        same: true,
        identical: true,
        tolerance: None,
        result_sha256: case.result_sha256(),
        files: 0,
        values: 0,
        differences: Vec::new(),
        remarks: Vec::new(),
        coverage: Coverage::default(),
    };
    verification.coverage.statements(case);
    if let Some(program) = case.program.as_ref().filter(|program| *program != case.version()) {
        verification.differ("program", program, case.version());
    }
    if !is_instruction_set(&case.told.settings.instruction_set) {
        let told = &case.told.settings.instruction_set;
        verification.differ("result.settings.instruction_set", told, "none that this program knows");
    }
    names(case, &mut verification);
    if let Some(stated) = case.stated_sha256.as_ref().filter(|stated| **stated != verification.result_sha256) {
        let found = verification.result_sha256.clone();
        verification.differ("result_sha256", stated, found);
    }
    let places = match root {
        Root::Places(places) => places.clone(),
        _ => find(&case.path, &case.files(), root),
    };
    check_files(case, &places, &mut verification);
    if verification.same {
        // Weights that cannot be had say nothing of the case.
        let panel = case.panel(models)?;
        let examination = match again(case, &panel, &places, keys, options) {
            Ok(examination) => examination,
            // What cannot be asked again was not asked so.
            Err(error) if !error.is_threads() => {
                verification.differ("result", "a result", format!("no result ({error})"));
                return Ok(Recomputed { verification, examination: None, document: None, places });
            }
            Err(error) => return Err(error),
        };
        let found = compare(case, &examination, &places, platform, &mut verification)?;
        let document = match verification.same {
            true => Some(document::examination(case, &found, &examination)?),
            false => None,
        };
        return Ok(Recomputed { verification, examination: Some(examination), document, places });
    }
    Ok(Recomputed { verification, examination: None, document: None, places })
}

impl CaseFile {
    /// Places with those files found as well that they leave out: below a folder, or where they are told to lie.
    pub fn places_beyond(&self, places: &Places, root: Option<&Path>) -> Places {
        let found = find(&self.path, &self.files(), root.map_or(Root::AsTold, Root::Below));
        let known: Vec<&Path> = places.moved().map(|(told, _)| told).collect();
        let more = found.moved().filter(|(told, _)| !known.contains(told));
        places.moved().chain(more).map(|(told, place)| (told.into(), place.into())).collect()
    }
}

/// Whether the names that the reference was given by and the recordings that it is told to hold belong together.
fn names(case: &CaseFile, verification: &mut CaseVerification) {
    let told = &case.told;
    let files = told.reference.clips.iter().filter(|clip| clip.model.is_none()).chain(&told.reference.models);
    let pairs = [
        ("reference", &told.request.reference, files.map(|clip| clip.path.as_str()).collect::<Vec<&str>>()),
        ("candidates", &told.request.candidates, told.candidates.iter().map(|clip| clip.path.as_str()).collect()),
    ];
    for (what, named, files) in pairs {
        for name in named.iter().filter(|name| !files.iter().any(|file| stands_for(name, file))) {
            verification.differ(format!("result.request.{what}"), name, "no file of the case by that name");
        }
        for file in files.iter().filter(|file| !named.iter().any(|name| stands_for(name, file))) {
            verification.differ(
                *file,
                "a file of the case",
                format!("no name in result.request.{what} that stands for it"),
            );
        }
    }
}

/// Whether a name can stand for a file: it is the file, a folder above it, or a pattern.
fn stands_for(name: &str, file: &str) -> bool {
    let by_pattern = || {
        let named = normal(name);
        let pattern = named.to_str().filter(|name| name.contains(['*', '?', '[']));
        // A pattern may stand for folders, and takes what is not text in a name as one sign.
        let pattern = pattern.and_then(|pattern| glob::Pattern::new(pattern).ok());
        let file = path_of(file).to_string_lossy().into_owned();
        pattern.is_some_and(|pattern| normal(&file).ancestors().any(|above| pattern.matches_path(above)))
    };
    normal(file) == normal(name) || lies_in(name, file) || by_pattern()
}

/// Whether a file lies in the folder of a name, by their names alone.
fn lies_in(folder: &str, file: &str) -> bool {
    let (folder, file) = (normal(folder), normal(file));
    folder != file && file.starts_with(folder)
}

/// A path without the parts that mean nothing.
pub(super) fn normal(path: &str) -> PathBuf {
    Path::new(path).components().filter(|part| *part != Component::CurDir).collect()
}

/// Where each file of a document lies, told by path and hash.
pub(super) fn find(document: &Path, files: &[(&str, Option<&str>)], root: Root<'_>) -> Places {
    let beside = document.parent().unwrap_or(Path::new(""));
    let place = |told: &str, sha256: Option<&str>| -> PathBuf {
        let path = path_of(told);
        match root {
            Root::Below(folder) => below(folder, told, sha256),
            // The folder that the program runs in may hold another file of that name.
            _ => chosen(&[path.clone(), beside.join(&path)], sha256).unwrap_or(path),
        }
    };
    files.iter().map(|(told, sha256)| (path_of(told), place(told, *sha256))).collect()
}

/// The file below a folder that has the longest end of a path in common with the told one, the one with its hash first.
fn below(folder: &Path, told: &str, sha256: Option<&str>) -> PathBuf {
    // What leads out of the folder is left out of the way into it; told paths may be those of another system.
    let ends = |separators: &[char]| {
        let parts = told.split(separators).filter(|part| !matches!(*part, "" | "." | "..") && !part.ends_with(':'));
        let parts: Vec<PathBuf> = parts.map(path_of).collect();
        let end = |skip| folder.join(parts.iter().skip(skip).collect::<PathBuf>());
        (0..parts.len().max(1)).map(end).collect::<Vec<PathBuf>>()
    };
    // On Unix a backslash is a letter like any other, and begins a byte that is not text.
    let mut places = if cfg!(unix) { ends(&['/']) } else { Vec::new() };
    places.extend(ends(&['/', '\\']));
    chosen(&places, sha256).or(places.into_iter().next()).unwrap_or_else(|| folder.into())
}

/// The first of some places with a file of this hash, or else with a file.
fn chosen(places: &[PathBuf], sha256: Option<&str>) -> Option<PathBuf> {
    let existing: Vec<&PathBuf> = places.iter().filter(|path| path.is_file()).collect();
    let right = existing.iter().find(|path| crate::audio::file_sha256(path).ok().as_deref() == sha256);
    right.or(existing.first()).map(|path| path.to_path_buf())
}

/// Compares the hash of every file.
fn check_files(case: &CaseFile, places: &Places, verification: &mut CaseVerification) {
    for (told, sha256) in case.files() {
        match file_difference(told, sha256, &places.of_text(told)) {
            Some(Ok(())) => {
                verification.files += 1;
                verification.coverage.verified(told, How::Hash);
            }
            Some(Err(Difference { place, told, found })) => verification.differ(place, told, found),
            None => {}
        }
    }
}

/// Compares the hash of a file with the one that the document states; none where no file was used then and there is none
/// now.
pub(super) fn file_difference(
    told: &str,
    sha256: Option<&str>,
    place: &Path,
) -> Option<std::result::Result<(), Difference>> {
    let differ = |told_hash: String, found| Some(Err(Difference { place: told.into(), told: told_hash, found }));
    match (sha256, crate::audio::file_sha256(place)) {
        (Some(sha256), Ok(found)) if sha256 == found => Some(Ok(())),
        (Some(sha256), Ok(found)) => differ(format!("SHA-256 {sha256}"), format!("SHA-256 {found}")),
        (Some(sha256), Err(error)) => {
            differ(format!("SHA-256 {sha256}"), format!("no file that can be read ({error})"))
        }
        (None, Ok(found)) => differ("no file that could be read".into(), format!("SHA-256 {found}")),
        (None, Err(_)) => None,
    }
}

/// Computes the case from its files.
fn again(
    case: &CaseFile,
    panel: &Panel,
    places: &Places,
    keys: &Keys,
    options: &BatchOptions<'_>,
) -> Result<Examination> {
    let told = &case.told;
    let paths = |clips: &mut dyn Iterator<Item = &String>| clips.map(|path| path_of(path)).collect::<Vec<PathBuf>>();
    let recordings = told.reference.clips.iter().filter(|clip| clip.model.is_none());
    let clips = paths(&mut recordings.map(|clip| &clip.path));
    let model_files = paths(&mut told.reference.models.iter().map(|model| &model.path));
    let reference = ReferenceSource::again(&told.request.reference, &clips, &model_files, places, keys)?;
    let reference = reference.and_passed_over(told.reference.passed_over.clone());
    let (calibration, cohort) = (case.calibration(places)?, case.cohort(places)?);
    let filters = case.filters()?;
    let settings = CheckSettings {
        gates: &told.request.gates,
        calibration: calibration.as_ref(),
        cohort: cohort.as_ref(),
        cohort_filters: &filters,
        as_norm: told.request.as_norm,
        prior: told.request.prior,
        language: told.language.declared.clone(),
        force: told.request.force,
        places: Some(places),
        passed_over: Some(&told.passed_over),
    };
    let candidates = paths(&mut told.candidates.iter().map(|clip| &clip.path));
    let mut examination = examination(panel, &reference, &candidates, &settings, options)?;
    // What was named, folders and patterns, is told as it was.
    examination.report.request.candidates.clone_from(&told.request.candidates);
    Ok(examination)
}

/// What was computed now, in the form in which documents hold it, with the paths that the document tells.
pub(super) struct Found {
    pub result: Value,
    pub findings: Value,
}

/// Compares what was computed with what the document states, and gives the former.
fn compare(
    case: &CaseFile,
    examination: &Examination,
    places: &Places,
    platform: Platform,
    verification: &mut CaseVerification,
) -> Result<Found> {
    let told = value(&case.path, &case.result)?;
    let mut found = computed(&case.path, &examination.report)?;
    retold("", &mut found, places);
    membership_as_told(case, &told, &mut found, places, verification);
    if examination.report.settings.instruction_set != case.told.settings.instruction_set {
        elsewhere(case, examination, platform, (&told, &mut found), verification);
    }
    values("result", &told, &found, verification);
    verification.coverage.verified("result", How::Recomputed);
    let mut findings = computed(&case.path, &examination.findings)?;
    retold("", &mut findings, places);
    match &case.findings {
        Some(told) => {
            values("findings", &value(&case.path, told.get())?, &findings, verification);
            verification.coverage.verified("findings", How::Recomputed);
        }
        None => verification
            .remarks
            .push("this is a result and no report: there was nothing behind the figures to compare".into()),
    }
    if !verification.same {
        verification.coverage.verified.retain(|item| item.how != How::Recomputed);
    }
    Ok(Found { result: found, findings })
}

/// A document that states another platform: what is compared how.
fn elsewhere(
    case: &CaseFile,
    examination: &Examination,
    platform: Platform,
    (told, found): (&Value, &mut Value),
    verification: &mut CaseVerification,
) {
    let (there, here) = (&case.told.settings.instruction_set, &examination.report.settings.instruction_set);
    if platform == Platform::Same {
        let remark = format!(
            "the document states that it was computed on another platform ({there}; here it is {here}); it was compared \
             bit for bit. With --other-platform, figures are compared within {TOLERANCE} of their size, or of 1 where they \
             are smaller"
        );
        verification.remarks.push(remark);
        return;
    }
    (verification.identical, verification.tolerance) = (false, Some(TOLERANCE));
    let remark = format!(
        "the document states that it was computed with {there}, here it is {here}: figures were compared within \
         {TOLERANCE} of their size, or of 1 where they are smaller"
    );
    verification.remarks.push(remark);
    let why = "figures within the tolerance were accepted because of it, as --other-platform allows";
    verification.coverage.stated("result.settings.instruction_set", Some(there.as_str().into()), why);
    if let Some(found) = found.pointer_mut("/settings/instruction_set") {
        *found = there.as_str().into();
    }
    words_of_ratios(told, found);
}

/// A JSON text as a tree.
pub(super) fn value(path: &Path, text: &str) -> Result<Value> {
    serde_json::from_str(text).map_err(|error| no_tree(path, &error))
}

/// What was computed as a tree, with the numbers that its text has.
fn computed(path: &Path, of: &impl Serialize) -> Result<Value> {
    value(path, &serde_json::to_string(of).map_err(|error| no_tree(path, &error))?)
}

pub(super) fn no_tree(path: &Path, error: &serde_json::Error) -> Error {
    let expected = "JSON as soundalike writes it".into();
    ErrorKind::Document { path: path.into(), what: DocumentKind::Result, found: error.to_string(), expected }.into()
}

/// Words in which a file is named by where it lies now: it is told by where it lay.
const WORDS: [&str; 3] = ["message", "found", "reason"];

/// Puts the told paths into the words of what was computed.
fn retold(key: &str, value: &mut Value, places: &Places) {
    match value {
        Value::String(text) if WORDS.contains(&key) => {
            // Of places of which one begins as another does, the longer is meant.
            let pairs = places.moved().map(|(told, place)| (text_of(told), text_of(place)));
            let named = pairs.filter(|(_, place)| text.contains(place.as_str())).max_by_key(|(_, place)| place.len());
            if let Some((told, place)) = named {
                *text = text.replace(&place, &told);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| retold(key, item, places)),
        Value::Object(map) => map.iter_mut().for_each(|(key, item)| retold(key, item, places)),
        _ => {}
    }
}

/// The sentences that repeat a ratio follow the told one, where that may differ in its last digits: they must be what
/// the program says of just that ratio.
fn words_of_ratios(told: &Value, found: &mut Value) {
    let propositions = found.pointer("/calibration/propositions").cloned().unwrap_or_default();
    let (Some(first), Some(second)) =
        (propositions.get(0).and_then(Value::as_str), propositions.get(1).and_then(Value::as_str))
    else {
        return;
    };
    let rows = told.get("candidates").and_then(Value::as_array).map_or(0, Vec::len);
    for i in 0..rows {
        let at = format!("/candidates/{i}/evidence");
        let ratio = told.pointer(&at).and_then(|evidence| evidence.get("llr")).and_then(Value::as_f64);
        if let (Some(llr), Some(evidence)) = (ratio, found.pointer_mut(&at).and_then(Value::as_object_mut)) {
            evidence.insert("statement".into(), verbal::sentence(llr, Propositions { first, second }).into());
            evidence.insert("verbal".into(), verbal::support(llr).into());
        }
    }
}

/// Whether a candidate lay in the folder that was named as the reference follows from the names alone, where it can be
/// told at all: files that have moved do not say where they lay.
fn membership_as_told(
    case: &CaseFile,
    told: &Value,
    found: &mut Value,
    places: &Places,
    verification: &mut CaseVerification,
) {
    let rows = told.get("candidates").and_then(Value::as_array).cloned().unwrap_or_default();
    for (i, (row, clip)) in rows.iter().zip(&case.told.candidates).enumerate() {
        let Some(place) = found.pointer_mut(&format!("/candidates/{i}/in_reference")).filter(|place| place.is_null())
        else {
            continue;
        };
        let names = case.told.request.reference.iter();
        // Where nothing has moved, it was looked up.
        let moved = |name: &str| places.of_text(&clip.path) != path_of(&clip.path) || !path_of(name).is_dir();
        let above = names.clone().find(|name| lies_in(name, &clip.path) && moved(name));
        let membership = row.get("in_reference").cloned().unwrap_or_default();
        let by_folder = membership.get("code").and_then(Value::as_str) == Some("same_folder");
        match above {
            Some(name) if clip.sha256.is_some() || by_folder => {
                *place = serde_json::json!({ "code": "same_folder", "folder": name });
            }
            _ if by_folder => {
                let (what, why) = (format!("result.candidates[{i}].in_reference"), "a file does not say where it was");
                verification.coverage.stated(what, Some(membership.clone()), why);
                *place = membership;
            }
            _ => {}
        }
    }
}

/// Compares two trees value by value.
fn values(place: &str, told: &Value, found: &Value, verification: &mut CaseVerification) {
    match (told, found) {
        (Value::Object(a), Value::Object(b)) => {
            for (key, told) in a {
                let place = format!("{place}.{key}");
                match b.get(key) {
                    Some(found) => values(&place, told, found, verification),
                    None => {
                        let found = format!("a name that this program does not know, with {}", brief(told));
                        verification.coverage.not_covered(place, found, "the names of a report");
                    }
                }
            }
            for (key, found) in b.iter().filter(|(key, _)| !a.contains_key(*key)) {
                verification.differ(format!("{place}.{key}"), "nothing", brief(found));
            }
        }
        (Value::Array(a), Value::Array(b)) => {
            if a.len() != b.len() {
                verification.differ(format!("{place} (number of entries)"), a.len().to_string(), b.len().to_string());
            }
            for (i, (told, found)) in a.iter().zip(b).enumerate() {
                values(&format!("{place}[{i}]"), told, found, verification);
            }
        }
        (Value::Number(a), Value::Number(b)) => {
            verification.values += 1;
            let close = |tolerance: f64| {
                let whole = a.is_u64() || a.is_i64() || b.is_u64() || b.is_i64();
                let (a, b) = (a.as_f64().unwrap_or(f64::NAN), b.as_f64().unwrap_or(f64::NAN));
                !whole && is_computed(place) && (a - b).abs() <= tolerance * a.abs().max(b.abs()).max(1.0)
            };
            // As texts: a zero has a sign.
            if a.to_string() != b.to_string() && !verification.tolerance.is_some_and(close) {
                verification.differ(place, a.to_string(), b.to_string());
            }
        }
        (told, found) => {
            verification.values += 1;
            if told != found {
                verification.differ(place, brief(told), brief(found));
            }
        }
    }
}

/// Whether a figure is computed from sound; others are read from files and have no last digits to differ.
fn is_computed(place: &str) -> bool {
    let computed = [
        "result.reference",
        "result.candidates",
        "result.gate.clips",
        "findings.candidates",
        "findings.populations",
        "findings.voice",
    ];
    computed.iter().any(|computed| place.starts_with(computed))
}

/// A value in so many characters.
fn brief(value: &Value) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_string);
    match text.char_indices().nth(200) {
        Some((end, _)) => format!("{} …", text.get(..end).unwrap_or_default()),
        None => text,
    }
}
