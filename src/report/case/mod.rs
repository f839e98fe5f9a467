//! The report of a case: what a check found, what stands behind it, and who asked, as a document.
//!
//! [`CaseReport`] is the one data model: it is the JSON file, and it holds the result of the check unchanged.
//! [`document`] makes the tree of sections of it that the page and the PDF are drawn from. Nothing here computes a
//! figure of the case; it chooses, words and arranges what [`crate::library::findings`] gathered.

mod closing;
mod drivers;
mod items;
mod method;
mod quality;
mod results;
mod summary;
mod validation;
mod voice;
pub(super) mod words;

pub use closing::TOLERANCE;

use super::document::{Document, Pair, Section};
use super::texts::{Texts, fill};
use crate::encoder::Band;
use crate::error::{DocumentKind, Error, ErrorKind, Result};
use crate::library::check::{CalibrationSummary, Candidate, CheckReport};
use crate::library::findings::{CandidateFindings, ClipMedia, Examination, Findings, Media};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};
use std::path::Path;

/// What the file says it is.
pub const FORMAT: &str = "soundalike report";
/// The version of the format that is written and read.
pub const FORMAT_VERSION: u32 = 1;

/// What is known of a case besides its recordings: stated by the user, repeated by the report.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CaseInfo {
    /// Number or name of the case.
    pub number: Option<String>,
    /// Who asked.
    pub client: Option<String>,
    /// Who made the report.
    pub analyst: Option<String>,
    /// The question in the words of who asked.
    pub question: Option<String>,
    /// Date of the report, as it is to be printed; the program reads no clock.
    pub date: Option<String>,
    /// Why the population fits the case.
    pub population: Option<String>,
}

impl CaseInfo {
    /// Reads the TOML text of a case file: `number`, `client`, `analyst`, `question`, `date`, `population`, each of
    /// them optional. `path` is told in errors.
    ///
    /// # Errors
    /// [`ErrorKind::Document`] where it is no such text.
    pub fn parse(path: &Path, text: &str) -> Result<Self> {
        toml::from_str(text).map_err(|error| {
            let found = crate::report::texts::told(&error, text);
            let expected = "a table with number, client, analyst, question, date and population, each a text".into();
            ErrorKind::Document { path: path.into(), what: DocumentKind::CaseFile, found, expected }.into()
        })
    }

    /// The same with what another states in the place of its own.
    pub fn with(self, other: Self) -> Self {
        CaseInfo {
            number: other.number.or(self.number),
            client: other.client.or(self.client),
            analyst: other.analyst.or(self.analyst),
            question: other.question.or(self.question),
            date: other.date.or(self.date),
            population: other.population.or(self.population),
        }
    }
}

/// The report of a case as it is written to a JSON file.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct CaseReport {
    /// Always `soundalike report`.
    pub format: String,
    /// Version of the format, 1.
    pub version: u32,
    /// Version of the program that wrote it.
    pub program: String,
    /// What is known of the case.
    pub case: CaseInfo,
    /// SHA-256 of the result as `check --json` prints it, with the line end behind it.
    pub result_sha256: String,
    /// What `check --json` printed, unchanged.
    #[schemars(with = "CheckReport")]
    pub result: Box<RawValue>,
    /// What stands behind its figures.
    pub findings: Findings,
}

impl CaseReport {
    /// The report of an examination; `result` is the text that `check --json` prints of it.
    ///
    /// # Errors
    /// [`ErrorKind::Document`] where the text is not JSON.
    pub fn new(case: CaseInfo, result: &str, findings: Findings) -> Result<Self> {
        let raw = RawValue::from_string(result.trim().to_string()).map_err(|error| {
            let expected = "JSON as check --json prints it".into();
            let path = "the result".into();
            Error::from(ErrorKind::Document { path, what: DocumentKind::Result, found: error.to_string(), expected })
        })?;
        Ok(CaseReport {
            format: FORMAT.into(),
            version: FORMAT_VERSION,
            program: crate::VERSION.into(),
            case,
            result_sha256: result_sha256(raw.get()),
            result: raw,
            findings,
        })
    }

    /// The bytes of the file.
    ///
    /// # Errors
    /// [`ErrorKind::Document`] where it cannot be written as JSON.
    pub fn to_json(&self) -> Result<Vec<u8>> {
        let mut bytes = serde_json::to_vec_pretty(self).map_err(|error| {
            let (path, expected) = ("the report".into(), "what can be written as JSON".into());
            Error::from(ErrorKind::Document { path, what: DocumentKind::Report, found: error.to_string(), expected })
        })?;
        bytes.push(b'\n');
        Ok(bytes)
    }
}

/// SHA-256 of a result as `check --json` prints it: its text and a line end.
pub fn result_sha256(result: &str) -> String {
    crate::hash::hex(Sha256::new().chain_update(result.trim()).chain_update("\n").finalize())
}

/// What a document of a case is made of.
#[derive(Clone, Copy, Debug)]
pub struct CaseFacts<'a> {
    /// What is known of the case.
    pub case: &'a CaseInfo,
    /// SHA-256 of the result's text.
    pub result_sha256: &'a str,
    /// The check with what stands behind it.
    pub examination: &'a Examination,
    /// Whether recordings can be listened to in the document.
    pub sounds: bool,
}

/// The report of a case as a document.
pub fn document(facts: &CaseFacts<'_>, texts: &Texts) -> Document {
    let Examination { report, findings, media } = facts.examination;
    let make = Make { facts, report, findings, media, texts };
    let sections = [
        Some(make.summary()),
        Some(make.items()),
        Some(make.propositions()),
        Some(make.method()),
        Some(make.results()),
        Some(make.controls()),
        make.drivers(),
        Some(make.voice()),
        make.listen(),
        Some(make.quality()),
        Some(make.validation()),
        Some(make.limits()),
        Some(make.rerun()),
        Some(make.appendix()),
    ];
    let names = &texts.document;
    let stated = |text: &Option<String>| text.clone().unwrap_or_else(|| names.not_stated.clone());
    let case = facts.case;
    let short = facts.result_sha256.get(..16).unwrap_or(facts.result_sha256);
    Document {
        language: texts.language.clone(),
        title: names.title.clone(),
        facts: vec![
            Pair::new(&names.case_number, stated(&case.number)),
            Pair::new(&names.client, stated(&case.client)),
            Pair::new(&names.analyst, stated(&case.analyst)),
            Pair::new(&names.date, stated(&case.date)),
            Pair::new(&names.reference, report.request.reference.join(", ")),
            Pair::new(&names.candidates, listed(&report.request.candidates, 3)),
            Pair::new(&names.program, made_by(texts, &report.version, &report.models_version)),
            Pair::new(&names.result, facts.result_sha256),
        ],
        footer: fill(
            &names.footer,
            &[
                ("version", &report.version),
                ("models", &report.models_version),
                ("case", case.number.as_deref().unwrap_or(&names.no_case)),
                ("hash", short),
            ],
        ),
        contents: names.contents.clone(),
        sections: sections.into_iter().flatten().collect(),
    }
}

/// The program that made a result, with the version of its models.
pub(super) fn made_by(texts: &Texts, version: &str, models: &str) -> String {
    fill(&texts.document.made_by, &[("version", version), ("models", models)])
}

/// The first few of some names, and how many more there are.
fn listed(names: &[String], most: usize) -> String {
    let shown = names.iter().take(most).cloned().collect::<Vec<_>>().join(", ");
    if names.len() > most { format!("{shown} … (+{})", names.len() - most) } else { shown }
}

/// Candidates of which pictures are drawn, from the first on.
const MOST_PICTURED: usize = 24;

/// A document in the making.
struct Make<'a> {
    facts: &'a CaseFacts<'a>,
    report: &'a CheckReport,
    findings: &'a Findings,
    media: &'a Media,
    texts: &'a Texts,
}

impl<'a> Make<'a> {
    fn section(&self, id: &str, title: &str, blocks: Vec<super::document::Block>) -> Section {
        Section { id: id.into(), title: title.into(), new_page: false, blocks }
    }

    /// The candidates with what stands behind each.
    fn rows(&self) -> impl Iterator<Item = (&'a Candidate, &'a CandidateFindings)> {
        self.report.candidates.iter().zip(&self.findings.candidates)
    }

    /// Whether pictures are drawn of a candidate: of many, the first alone have some.
    fn is_pictured(&self, path: &str) -> bool {
        self.report.candidates.iter().take(MOST_PICTURED).any(|row| row.path == path)
    }

    /// The calibration, where a candidate has a ratio by it.
    fn calibration(&self) -> Option<&'a CalibrationSummary> {
        let with_ratio = self.report.candidates.iter().any(|row| row.evidence.is_some());
        self.report.calibration.as_ref().filter(|_| with_ratio)
    }

    /// The name of a band.
    fn band(&self, band: Band) -> &'a str {
        let texts = &self.texts.validation;
        if band == Band::Narrow { &texts.narrow_band } else { &texts.wide }
    }

    /// How a recording looks and sounds, where it could be read.
    fn media_of(&self, clips: &'a [ClipMedia], path: &str) -> Option<&'a ClipMedia> {
        clips.iter().find(|clip| clip.path == path)
    }
}
