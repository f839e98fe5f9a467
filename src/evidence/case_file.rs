//! A result or a report as it was written: enough of it to ask the same again.
//!
//! Only what decides the computation is read here; everything else is compared as plain JSON afterwards. Of a document
//! that another version made, no more is read than the files that it rests on.

use super::other_version::{MadeBy, OtherCase};
use crate::audio::Channel;
use crate::encoder::{Encoder, EncoderSet, Models, Panel, PanelSettings};
use crate::error::{DocumentKind, Error, ErrorKind, Result};
use crate::library::check::Request;
use crate::library::cohort::Cohort;
use crate::library::findings::BUILT_IN;
use crate::library::{Filter, LoadedCalibration, PassedOver, Places};
use crate::report::case::{CaseInfo, FORMAT, FORMAT_VERSION, result_sha256};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Larger files are refused, bytes.
const MOST_BYTES: u64 = 512 << 20;

/// A result or a report, read from a file.
#[derive(Clone, Debug)]
pub enum CaseDocument {
    /// This version of the program made it, with these models.
    This(Box<CaseFile>),
    /// Another one did.
    Other(Box<OtherCase>),
}

/// A result or a report that this version of the program made, read from a file.
#[derive(Clone, Debug)]
pub struct CaseFile {
    /// The file.
    pub path: PathBuf,
    /// The text of the file.
    pub text: String,
    /// The result's text, as `check --json` printed it.
    pub result: String,
    /// What is known of the case; empty in a result.
    pub case: CaseInfo,
    /// What the report says stood behind the figures; none in a result.
    pub findings: Option<Box<RawValue>>,
    /// The hash of the result that the report states; none in a result.
    pub stated_sha256: Option<String>,
    /// Version of the program that wrote the report; none in a result.
    pub program: Option<String>,
    /// Names in the report, beside the result and the findings, that this program does not know.
    pub(super) unknown: Vec<String>,
    pub(super) told: Told,
    files: ToldFiles,
}

#[derive(Deserialize)]
struct Header {
    format: Option<String>,
    version: Option<Value>,
    result: Option<Box<RawValue>>,
    result_sha256: Option<Value>,
}

#[derive(Deserialize)]
struct ReportFile {
    program: String,
    case: Value,
    result_sha256: String,
    result: Box<RawValue>,
    findings: Box<RawValue>,
}

/// The names of a report's own fields.
const FIELDS: [&str; 7] = ["format", "version", "program", "case", "result_sha256", "result", "findings"];

/// What is known of a case, and the names in it that this program does not know.
fn case_info(mut case: Value) -> serde_json::Result<(CaseInfo, Vec<String>)> {
    let known = serde_json::to_value(CaseInfo::default())?;
    let mut unknown = Vec::new();
    if let Some(fields) = case.as_object_mut() {
        unknown.extend(fields.keys().filter(|name| known.get(name).is_none()).map(|name| format!("case.{name}")));
        fields.retain(|name, _| known.get(name).is_some());
    }
    Ok((serde_json::from_value(case)?, unknown))
}

/// Any JSON in which no name stands twice in one object: of two equal names one reader takes the first and another the
/// last.
struct Once;

impl<'de> Deserialize<'de> for Once {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        deserializer.deserialize_any(OnceVisitor)
    }
}

struct OnceVisitor;

impl<'de> serde::de::Visitor<'de> for OnceVisitor {
    type Value = Once;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("JSON in which every name stands once in its object")
    }

    fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> std::result::Result<Once, A::Error> {
        let mut names = std::collections::BTreeSet::new();
        while let Some(name) = map.next_key::<String>()? {
            map.next_value::<Once>()?;
            if let Some(name) = names.replace(name) {
                return Err(serde::de::Error::custom(format!("the name {name:?} twice in one object")));
            }
        }
        Ok(Once)
    }

    fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut items: A) -> std::result::Result<Once, A::Error> {
        while items.next_element::<Once>()?.is_some() {}
        Ok(Once)
    }

    fn visit_bool<E>(self, _: bool) -> std::result::Result<Once, E> {
        Ok(Once)
    }

    fn visit_i64<E>(self, _: i64) -> std::result::Result<Once, E> {
        Ok(Once)
    }

    fn visit_u64<E>(self, _: u64) -> std::result::Result<Once, E> {
        Ok(Once)
    }

    fn visit_f64<E>(self, _: f64) -> std::result::Result<Once, E> {
        Ok(Once)
    }

    fn visit_str<E>(self, _: &str) -> std::result::Result<Once, E> {
        Ok(Once)
    }

    fn visit_unit<E>(self) -> std::result::Result<Once, E> {
        Ok(Once)
    }
}

/// The parts of a check's result that decide its computation.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Told {
    pub version: String,
    pub request: Request,
    pub settings: ToldSettings,
    pub calibration: Option<ToldCalibration>,
    pub cohort: Option<ToldCohort>,
    pub language: ToldLanguage,
    pub reference: ToldReference,
    pub candidates: Vec<ToldClip>,
    pub passed_over: PassedOver,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct ToldSettings {
    pub channel: Channel,
    pub encoders: Vec<Encoder>,
    pub instruction_set: String,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct ToldCalibration {
    pub condition: String,
    pub origin: String,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct ToldCohort {
    pub origin: String,
    pub filters: Vec<String>,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct ToldLanguage {
    pub declared: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct ToldReference {
    pub clips: Vec<ToldClip>,
    pub models: Vec<ToldClip>,
    pub passed_over: PassedOver,
}

/// A file by its path and hash.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct ToldClip {
    pub path: String,
    pub sha256: Option<String>,
    /// The voice model that holds the clip; none of a recording that was read.
    #[serde(default)]
    pub model: Option<String>,
}

/// The files that a result rests on, as every version tells them.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct ToldFiles {
    reference: FilesOfReference,
    candidates: Vec<ToldClip>,
    calibration: Option<ToldTable>,
    cohort: Option<ToldTable>,
}

#[derive(Clone, Debug, Deserialize)]
struct FilesOfReference {
    clips: Vec<ToldClip>,
    #[serde(default)]
    models: Vec<ToldClip>,
}

#[derive(Clone, Debug, Deserialize)]
struct ToldTable {
    origin: String,
    sha256: String,
}

impl ToldFiles {
    /// The files by path and hash, in the order of the result. What is built in is left out.
    pub fn list(&self) -> Vec<(&str, Option<&str>)> {
        let recordings = self.reference.clips.iter().filter(|clip| clip.model.is_none());
        let clips = recordings.chain(&self.reference.models).chain(&self.candidates);
        let clips = clips.map(|clip| (clip.path.as_str(), clip.sha256.as_deref()));
        let tables = self.calibration.iter().chain(&self.cohort).filter(|table| table.origin != BUILT_IN);
        clips.chain(tables.map(|table| (table.origin.as_str(), Some(table.sha256.as_str())))).collect()
    }
}

impl CaseDocument {
    /// Reads what `check --json` printed, or a report that was made of it.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] where it cannot be read, [`ErrorKind::Document`] where it is neither.
    pub fn read(path: &Path) -> Result<Self> {
        let text = crate::regular_file::read_text(path, MOST_BYTES, "a result or report")?;
        Self::parse(path, &text)
    }

    /// The same from text; `path` is told in errors.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn parse(path: &Path, text: &str) -> Result<Self> {
        let expected = || "what soundalike check --json prints, or a report.json made of it".to_string();
        if text.trim().is_empty() {
            return Err(wrong(path, "an empty file".into(), expected()));
        }
        let json = |error: serde_json::Error| {
            let found = match text.trim_start().chars().next() {
                Some('{') => format!("JSON with another content ({error})"),
                Some('<') => "a page".into(),
                _ => "no JSON".into(),
            };
            wrong(path, found, expected())
        };
        let header: Header = serde_json::from_str(text).map_err(json)?;
        let is_report = header.format.is_some();
        let known = header.format.as_deref().is_none_or(|format| format == FORMAT);
        if known && let Some(other) = other(path, text, &header) {
            serde_json::from_str::<Once>(text).map_err(json)?;
            return Ok(CaseDocument::Other(Box::new(other)));
        }
        let version = header.version.unwrap_or_default();
        if let Some(format) = header.format.filter(|_| !known || version != FORMAT_VERSION) {
            let found = format!("the format \"{format}\", version {version}");
            return Err(wrong(path, found, format!("the format \"{FORMAT}\", version {FORMAT_VERSION}")));
        }
        serde_json::from_str::<Once>(text).map_err(json)?;
        let case = if is_report { CaseFile::of_report(path, text) } else { CaseFile::of_result(path, text) };
        case.map(|case| CaseDocument::This(Box::new(case))).map_err(json)
    }
}

/// The document, where another version made it and says so as every version does.
fn other(path: &Path, text: &str, header: &Header) -> Option<OtherCase> {
    let result = if header.format.is_some() { header.result.as_ref()?.get() } else { text.trim() };
    let made_by: MadeBy = serde_json::from_str(result).ok().filter(|made_by| *made_by != MadeBy::this())?;
    // How another format hashes is not known.
    let stated = header.result_sha256.as_ref().filter(|_| header.version == Some(FORMAT_VERSION.into()));
    Some(OtherCase {
        path: path.into(),
        made_by,
        result_sha256: result_sha256(result),
        stated_sha256: stated.and_then(Value::as_str).map(String::from),
        files: serde_json::from_str(result).ok()?,
    })
}

impl CaseFile {
    /// Reads a result or report that this version of the program made.
    ///
    /// # Errors
    /// As [`CaseDocument::read`], and [`ErrorKind::Document`] where another version made it.
    pub fn read(path: &Path) -> Result<Self> {
        match CaseDocument::read(path)? {
            CaseDocument::This(case) => Ok(*case),
            CaseDocument::Other(other) => Err(other.refusal()),
        }
    }

    fn of_result(path: &Path, text: &str) -> serde_json::Result<Self> {
        let result = text.trim().to_string();
        Ok(CaseFile {
            path: path.into(),
            text: text.into(),
            told: serde_json::from_str(&result)?,
            files: serde_json::from_str(&result)?,
            result,
            case: CaseInfo::default(),
            findings: None,
            stated_sha256: None,
            program: None,
            unknown: Vec::new(),
        })
    }

    fn of_report(path: &Path, text: &str) -> serde_json::Result<Self> {
        let report: ReportFile = serde_json::from_str(text)?;
        let result = report.result.get().to_string();
        let (case, mut unknown) = case_info(report.case)?;
        let fields: BTreeMap<String, IgnoredAny> = serde_json::from_str(text)?;
        unknown.extend(fields.into_keys().filter(|name| !FIELDS.contains(&name.as_str())));
        Ok(CaseFile {
            path: path.into(),
            text: text.into(),
            told: serde_json::from_str(&result)?,
            files: serde_json::from_str(&result)?,
            result,
            case,
            unknown,
            findings: Some(report.findings),
            stated_sha256: Some(report.result_sha256),
            program: Some(report.program),
        })
    }

    /// SHA-256 of the result as `check --json` prints it.
    pub fn result_sha256(&self) -> String {
        result_sha256(&self.result)
    }

    /// Version of the program that made the result.
    pub fn version(&self) -> &str {
        &self.told.version
    }

    /// Paths of those files that are no recordings and no voice models: calibration and population, where they are not
    /// built in.
    pub fn tables(&self) -> Vec<&str> {
        let calibration = self.told.calibration.iter().map(|told| told.origin.as_str());
        let cohort = self.told.cohort.iter().map(|told| told.origin.as_str());
        calibration.chain(cohort).filter(|origin| *origin != BUILT_IN).collect()
    }

    /// The files that the result rests on, by path and hash, in the order of the result. What is built in is
    /// left out.
    pub fn files(&self) -> Vec<(&str, Option<&str>)> {
        self.files.list()
    }

    /// The panel that the result was computed by.
    pub(super) fn panel(&self, models: &Models) -> Result<Panel> {
        let settings = &self.told.settings;
        let encoders = EncoderSet::of(settings.encoders.iter().copied())?;
        Panel::with_models(&PanelSettings { channel: settings.channel, encoders, ..Default::default() }, models)
    }

    pub(super) fn calibration(&self, places: &Places) -> Result<Option<LoadedCalibration>> {
        let Some(told) = &self.told.calibration else { return Ok(None) };
        if told.origin == BUILT_IN {
            return LoadedCalibration::built_in(&told.condition).map(Some);
        }
        let read = LoadedCalibration::read(&places.of_text(&told.origin))?;
        Ok(Some(LoadedCalibration { origin: told.origin.clone(), ..read }))
    }

    pub(super) fn cohort(&self, places: &Places) -> Result<Option<Cohort>> {
        let Some(told) = &self.told.cohort else { return Ok(None) };
        if told.origin == BUILT_IN {
            return Cohort::built_in().map(Some);
        }
        let mut read = Cohort::read(&places.of_text(&told.origin))?;
        read.origin.clone_from(&told.origin);
        Ok(Some(read))
    }

    pub(super) fn filters(&self) -> Result<Vec<Filter>> {
        self.told.cohort.iter().flat_map(|cohort| &cohort.filters).map(|filter| filter.parse()).collect()
    }
}

pub(super) fn wrong(path: &Path, found: String, expected: String) -> Error {
    ErrorKind::Document { path: path.into(), what: DocumentKind::Result, found, expected }.into()
}
