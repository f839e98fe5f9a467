//! One or more candidates against one protected voice: the main job.

use super::batch::{self, BatchOptions};
use super::catalogue;
use super::outcome::{Reason, Settings, Status, VERSION};
use super::reference::{Reference, ReferenceClip, ReferenceSource};
use crate::compare::{CosineScore, VoiceModel};
use crate::encoder::{ClipAnalysis, Encoder, Panel, PerEncoder, Refusal};
use crate::error::{Error, ErrorKind, Result};
use crate::feature::Quality;
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The result of a check.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct CheckReport {
    /// Version of the program.
    pub version: String,
    /// Every setting that the scores depend on.
    pub settings: Settings,
    /// The protected voice.
    pub reference: Reference,
    /// The candidates, in the order given.
    pub candidates: Vec<Candidate>,
    /// What the gates let through; null where none was asked for.
    pub gate: Option<GateResult>,
}

/// A recording in question.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Candidate {
    /// Where it lies.
    pub path: String,
    /// SHA-256 of the file; null where it could not be read.
    pub sha256: Option<String>,
    /// What was measured; null where it could not be decoded.
    pub quality: Option<Quality>,
    /// The score by each encoder; null where refused.
    pub scores: Option<PerEncoder<CosineScore>>,
    /// `scored` or `refused`.
    pub status: Status,
    /// Why it was refused; null where it was scored.
    pub reason: Option<Reason>,
    /// The candidate is itself part of the reference; null where it is not.
    pub in_reference: Option<InReference>,
}

/// How a candidate belongs to the reference it is compared with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum InReference {
    /// It has the bytes of a reference clip.
    SameContent {
        /// That clip.
        clip: String,
    },
    /// It lies in a folder that was named as the reference.
    SameFolder {
        /// That folder.
        folder: String,
    },
}

/// A limit that turns a check into a gate.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Gate {
    /// The encoder whose cosine to the reference as a whole is looked at.
    pub score: Encoder,
    /// A candidate whose score is above this is stopped.
    pub limit: f64,
}

impl std::str::FromStr for Gate {
    type Err = Error;

    /// Reads `SCORE=X`, for example `mfcc=0.9`.
    fn from_str(text: &str) -> Result<Self> {
        let gate = text.split_once('=').and_then(|(score, limit)| {
            let limit = limit.parse::<f64>().ok().filter(|x| (-1.0..=1.0).contains(x))?;
            Some(Gate { score: score.parse().ok()?, limit })
        });
        gate.ok_or_else(|| {
            let expected = "an encoder's name and a cosine from -1 to 1, for example mfcc=0.9".into();
            ErrorKind::Setting { name: "fail-above", found: format!("\"{text}\""), expected }.into()
        })
    }
}

/// What the gates let through.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct GateResult {
    /// The limits.
    pub limits: Vec<Gate>,
    /// True where every candidate was scored and none lay above a limit.
    pub passed: bool,
    /// Candidates that lay above a limit.
    pub above: Vec<String>,
    /// Candidates that were refused: they never pass.
    pub refused: Vec<String>,
}

/// Compares candidates with a protected voice.
///
/// `candidates` are files, folders or patterns. A candidate that cannot be used is refused in its own row. A candidate
/// passes the `gates` where it lies above none of them.
///
/// # Errors
/// Where no clip of the reference can be used, a voice model does not fit the panel, a gate looks at an encoder that
/// the panel does not run, or so many threads cannot be had.
pub fn check(
    panel: &Panel,
    reference: &ReferenceSource,
    candidates: &[PathBuf],
    gates: &[Gate],
    options: &BatchOptions<'_>,
) -> Result<CheckReport> {
    check_gates(panel, gates)?;
    reference.check(panel)?;
    let listed = catalogue::expand_each(candidates);
    let mut paths = reference.clips().to_vec();
    paths.extend(listed.iter().filter_map(|file| file.as_ref().ok().cloned()));
    let mut analyses = batch::analyse(panel, &paths, options)?;
    let mut candidate_analyses = analyses.split_off(reference.clips().len().min(analyses.len())).into_iter();

    let folders = reference.folders();
    let (reference, model) = reference.enrol(panel, analyses)?;
    let membership = Membership { by_hash: hashes(&reference.clips), folders };
    let rows = listed.into_iter().filter_map(|file| match file {
        Ok(_) => candidate_analyses.next().map(|analysis| candidate(analysis, &model, &membership)),
        Err((path, error)) => Some(unreadable(&path, &error)),
    });
    let candidates: Vec<Candidate> = rows.collect();
    Ok(CheckReport {
        version: VERSION.into(),
        settings: Settings::of(panel),
        reference,
        gate: (!gates.is_empty()).then(|| judge(gates, &candidates)),
        candidates,
    })
}

/// Refuses a gate on a score that will not be computed.
fn check_gates(panel: &Panel, gates: &[Gate]) -> Result<()> {
    let encoders = panel.settings().encoders;
    match gates.iter().find(|gate| !encoders.contains(gate.score)) {
        Some(Gate { score, limit }) => {
            let expected = format!("a score that is computed (now {encoders}); add {score} to --encoder");
            Err(ErrorKind::Setting { name: "fail-above", found: format!("{score}={limit}"), expected }.into())
        }
        None => Ok(()),
    }
}

fn judge(gates: &[Gate], candidates: &[Candidate]) -> GateResult {
    let names = |test: &dyn Fn(&Candidate) -> bool| {
        candidates.iter().filter(|c| test(c)).map(|c| c.path.clone()).collect::<Vec<_>>()
    };
    let above = |scores: &PerEncoder<CosineScore>| {
        gates.iter().any(|gate| scores.get(gate.score).is_some_and(|score| score.cosine > gate.limit))
    };
    let above = names(&|c| c.scores.as_ref().is_some_and(above));
    let refused = names(&|c| c.scores.is_none());
    GateResult { limits: gates.into(), passed: above.is_empty() && refused.is_empty(), above, refused }
}

struct Membership<'a> {
    by_hash: BTreeMap<String, String>,
    folders: &'a [PathBuf],
}

impl Membership<'_> {
    fn of(&self, analysis: &ClipAnalysis) -> Option<InReference> {
        if let Some(clip) = analysis.sha256.as_ref().and_then(|sha| self.by_hash.get(sha)) {
            return Some(InReference::SameContent { clip: clip.clone() });
        }
        let path = analysis.path.canonicalize().ok()?;
        let folder = self.folders.iter().find(|folder| path.starts_with(folder))?;
        Some(InReference::SameFolder { folder: shown(folder) })
    }
}

fn hashes(clips: &[ReferenceClip]) -> BTreeMap<String, String> {
    clips.iter().rev().filter_map(|clip| Some((clip.sha256.clone()?, clip.path.clone()))).collect()
}

fn candidate(analysis: ClipAnalysis, model: &VoiceModel, membership: &Membership<'_>) -> Candidate {
    let in_reference = membership.of(&analysis);
    let scores = analysis.embeddings.and_then(|embeddings| model.score(&embeddings));
    let (scores, status, reason) = match scores {
        Ok(scores) => (Some(scores), Status::Scored, None),
        Err(refusal) => (None, Status::Refused, Some(refusal.into())),
    };
    let (sha256, quality) = (analysis.sha256, analysis.quality);
    Candidate { path: shown(&analysis.path), sha256, quality, scores, status, reason, in_reference }
}

fn unreadable(path: &Path, error: &Error) -> Candidate {
    Candidate {
        path: shown(path),
        sha256: None,
        quality: None,
        scores: None,
        status: Status::Refused,
        reason: Some(Refusal::Unreadable { found: error.to_string() }.into()),
        in_reference: None,
    }
}

/// A path as text; bytes that are no text are replaced.
pub(crate) fn shown(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}
