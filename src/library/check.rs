//! One or more candidates against one protected voice: the main job.

use super::batch::{self, BatchOptions};
use super::catalogue;
use super::outcome::{Reason, Settings, Status, VERSION};
use crate::compare::{CosineScore, Exemplar, VoiceModel};
use crate::encoder::{ClipAnalysis, Panel, Refusal};
use crate::error::{Error, ErrorKind, Result};
use crate::feature::Quality;
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
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
    /// The gate, where one was asked for.
    pub gate: Option<GateResult>,
}

/// The protected voice.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Reference {
    /// Its recordings, in the order of their paths.
    pub clips: Vec<ReferenceClip>,
    /// Number of clips that the scores rest on.
    pub used: usize,
    /// Net speech in them, seconds.
    pub net_speech_s: f64,
}

/// A recording of the protected voice.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct ReferenceClip {
    /// Where it lies.
    pub path: String,
    /// SHA-256 of the file; null where it could not be read.
    pub sha256: Option<String>,
    /// What was measured; null where it could not be decoded.
    pub quality: Option<Quality>,
    /// `usable`, `duplicate` or `refused`.
    pub status: Status,
    /// Why it was refused; null where it was not.
    pub reason: Option<Reason>,
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
    /// The scores; null where refused.
    pub scores: Option<Scores>,
    /// `scored` or `refused`.
    pub status: Status,
    /// Why it was refused; null where it was scored.
    pub reason: Option<Reason>,
    /// The candidate is itself part of the reference; null where it is not.
    pub in_reference: Option<InReference>,
}

/// One score an encoder.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Scores {
    /// The transparent statistics of cepstra.
    pub mfcc: CosineScore,
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
    /// The score that is looked at.
    pub score: GateScore,
    /// A candidate whose score is above this is stopped.
    pub limit: f64,
}

/// The scores that a gate can look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum GateScore {
    /// MFCC cosine to the reference as a whole.
    Mfcc,
}

impl std::str::FromStr for Gate {
    type Err = Error;

    /// Reads `SCORE=X`, for example `mfcc=0.9`.
    fn from_str(text: &str) -> Result<Self> {
        let value = text.strip_prefix("mfcc=").and_then(|x| x.parse::<f64>().ok());
        match value.filter(|x| (-1.0..=1.0).contains(x)) {
            Some(limit) => Ok(Gate { score: GateScore::Mfcc, limit }),
            None => Err(ErrorKind::Setting {
                name: "fail-above",
                found: format!("\"{text}\""),
                expected: "a score's name and a cosine from -1 to 1, for example mfcc=0.9".into(),
            }
            .into()),
        }
    }
}

/// What a gate let through.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct GateResult {
    /// The limit.
    #[serde(flatten)]
    pub gate: Gate,
    /// True where every candidate was scored and none lay above the limit.
    pub passed: bool,
    /// Candidates that lay above the limit.
    pub above: Vec<String>,
    /// Candidates that were refused: they never pass.
    pub refused: Vec<String>,
}

/// Compares candidates with a protected voice.
///
/// `references` and `candidates` are files, folders or patterns. A candidate that cannot be used is refused in its own
/// row.
///
/// # Errors
/// Where a reference does not exist or no clip of it can be used, or so many threads cannot be had.
pub fn check(
    panel: &Panel,
    references: &[PathBuf],
    candidates: &[PathBuf],
    gate: Option<Gate>,
    options: &BatchOptions<'_>,
) -> Result<CheckReport> {
    let reference_paths = reference_files(references)?;
    let listed = catalogue::expand_each(candidates);
    let mut paths = reference_paths.clone();
    paths.extend(listed.iter().filter_map(|file| file.as_ref().ok().cloned()));
    let mut analyses = batch::analyse(panel, &paths, options)?;
    let mut candidate_analyses = analyses.split_off(reference_paths.len().min(analyses.len())).into_iter();

    let (clips, model) = enrol(analyses)?;
    let folders: Vec<PathBuf> = references.iter().filter_map(|r| r.is_dir().then(|| r.canonicalize().ok())?).collect();
    let membership = Membership { by_hash: hashes(&clips), folders };
    let rows = listed.into_iter().filter_map(|file| match file {
        Ok(_) => candidate_analyses.next().map(|analysis| candidate(analysis, &model, &membership)),
        Err((path, error)) => Some(unreadable(&path, &error)),
    });
    let candidates: Vec<Candidate> = rows.collect();
    let usable = clips.iter().filter(|clip| clip.status == Status::Usable);
    Ok(CheckReport {
        version: VERSION.into(),
        settings: Settings::of(panel)?,
        reference: Reference {
            used: usable.clone().count(),
            net_speech_s: usable.filter_map(|clip| clip.quality.as_ref()).map(|q| q.net_speech_s).sum(),
            clips,
        },
        gate: gate.map(|gate| gate.judge(&candidates)),
        candidates,
    })
}

impl Gate {
    fn judge(self, candidates: &[Candidate]) -> GateResult {
        let names = |test: &dyn Fn(&Candidate) -> bool| {
            candidates.iter().filter(|c| test(c)).map(|c| c.path.clone()).collect::<Vec<_>>()
        };
        let GateScore::Mfcc = self.score;
        let above = names(&|c| c.scores.as_ref().is_some_and(|s| s.mfcc.cosine > self.limit));
        let refused = names(&|c| c.scores.is_none());
        GateResult { gate: self, passed: above.is_empty() && refused.is_empty(), above, refused }
    }
}

/// Every reference file once, in the order of the paths.
fn reference_files(references: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for named in references {
        files.extend(catalogue::expand(named)?);
    }
    files.sort();
    let mut seen = BTreeSet::new();
    files.retain(|file| seen.insert(file.canonicalize().unwrap_or_else(|_| file.clone())));
    Ok(files)
}

/// The reference's rows and the model of those that can be used.
fn enrol(analyses: Vec<ClipAnalysis>) -> Result<(Vec<ReferenceClip>, VoiceModel)> {
    let (mut clips, mut exemplars, mut seen) = (Vec::new(), Vec::new(), BTreeSet::new());
    for analysis in analyses {
        let path = shown(&analysis.path);
        let twin = analysis.sha256.as_ref().is_some_and(|sha| !seen.insert(sha.clone()));
        let (status, reason) = match analysis.embedding {
            Ok(_) if twin => (Status::Duplicate, None),
            Ok(embedding) => {
                exemplars.push(Exemplar { path: path.clone(), embedding });
                (Status::Usable, None)
            }
            Err(refusal) => (Status::Refused, Some(Reason::from(refusal))),
        };
        clips.push(ReferenceClip { path, sha256: analysis.sha256, quality: analysis.quality, status, reason });
    }
    match VoiceModel::new(exemplars) {
        Ok(model) => Ok((clips, model)),
        Err(_) => {
            let reasons = clips.iter().filter_map(|clip| {
                let reason = clip.reason.as_ref()?;
                Some(if reason.message.starts_with(&clip.path) {
                    reason.message.clone()
                } else {
                    format!("{}: {}", clip.path, reason.message)
                })
            });
            let found = format!("no usable clip ({})", reasons.collect::<Vec<_>>().join("; "));
            let expected = "at least one clip of the protected voice with enough speech".into();
            Err(ErrorKind::Insufficient { what: "reference", found, expected }.into())
        }
    }
}

struct Membership {
    by_hash: BTreeMap<String, String>,
    folders: Vec<PathBuf>,
}

impl Membership {
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

fn candidate(analysis: ClipAnalysis, model: &VoiceModel, membership: &Membership) -> Candidate {
    let in_reference = membership.of(&analysis);
    let scores = analysis.embedding.and_then(|embedding| Ok(Scores { mfcc: model.score(&embedding)? }));
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
