//! Validation on labelled clips: how often the score errs, over all pairs.

use super::batch::{self, BatchOptions};
use super::check::shown;
use super::manifest::{Manifest, VoiceKind};
use super::outcome::{Reason, Settings, VERSION};
use super::selection::Selection;
use crate::calibration::bootstrap::{Trials, error_rates};
use crate::calibration::metrics::ErrorRates;
use crate::compare::cosine;
use crate::encoder::{Embedding, Encoder, Panel, PerEncoder, Refusal};
use crate::error::{Error, ErrorKind, Result};
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::PathBuf;
use std::str::FromStr;

/// Which clips are paired.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Pairs {
    /// Every two recordings of people.
    #[default]
    RealReal,
    /// Every recording of a person with every synthetic clip.
    RealSynthetic,
    /// Every two synthetic clips.
    SyntheticSynthetic,
}

impl Pairs {
    /// Whether clips of this kind are needed.
    fn needs(self, kind: VoiceKind) -> bool {
        match self {
            Pairs::RealReal => kind == VoiceKind::Real,
            Pairs::RealSynthetic => true,
            Pairs::SyntheticSynthetic => kind == VoiceKind::Synthetic,
        }
    }

    /// Whether two clips of kinds that are needed make a pair.
    fn pairs(self, a: VoiceKind, b: VoiceKind) -> bool {
        self != Pairs::RealSynthetic || a != b
    }
}

impl FromStr for Pairs {
    type Err = Error;

    fn from_str(word: &str) -> Result<Self> {
        match word {
            "real-real" => Ok(Pairs::RealReal),
            "real-synthetic" => Ok(Pairs::RealSynthetic),
            "synthetic-synthetic" => Ok(Pairs::SyntheticSynthetic),
            _ => {
                let expected = "real-real, real-synthetic or synthetic-synthetic".into();
                Err(ErrorKind::Setting { name: "pairs", found: word.into(), expected }.into())
            }
        }
    }
}

/// The result of a validation.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct EvaluateReport {
    /// Version of the program.
    pub version: String,
    /// Every setting that the scores depend on.
    pub settings: Settings,
    /// Which clips were paired.
    pub pairs: Pairs,
    /// Which lines of the manifest were used.
    pub selection: Selection,
    /// Counts of clips.
    pub clips: ClipCounts,
    /// Number of speakers with a clip that has an embedding.
    pub speakers: usize,
    /// Counts of trials.
    pub trials: TrialCounts,
    /// Error by encoder.
    pub encoders: PerEncoder<ErrorRates>,
    /// Clips that were left out, with the reason.
    pub left_out: Vec<LeftOut>,
}

/// Counts of clips.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ClipCounts {
    /// In the manifest, of the kinds that the pairs need.
    pub listed: usize,
    /// With an embedding: every one of these is scored.
    pub scored: usize,
    /// Among them, with less net speech than `check` would accept.
    pub below_minimum: usize,
}

/// Counts of trials.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct TrialCounts {
    /// Pairs of one voice.
    pub target: usize,
    /// Pairs of two voices.
    pub non_target: usize,
}

/// A clip without an embedding.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct LeftOut {
    /// Where it lies.
    pub path: String,
    /// Why.
    pub reason: Reason,
}

/// Scores all pairs of a manifest's clips.
///
/// # Errors
/// Where there is no pair of one voice or none of two, or so many threads cannot be had.
pub fn evaluate(
    panel: &Panel,
    manifest: &Manifest,
    pairs: Pairs,
    options: &BatchOptions<'_>,
) -> Result<EvaluateReport> {
    let listed: Vec<_> = manifest.clips.iter().filter(|clip| pairs.needs(clip.kind)).collect();
    let paths: Vec<PathBuf> = listed.iter().map(|clip| clip.path.clone()).collect();
    let analyses = batch::analyse(panel, &paths, options)?;
    let mut names = BTreeMap::new();
    let (mut clips, mut left_out, mut below_minimum) = (Vec::new(), Vec::new(), 0);
    let mut seen: BTreeMap<String, String> = BTreeMap::new();
    for (clip, analysis) in listed.iter().zip(analyses) {
        if let Some(sha256) = analysis.sha256.clone() {
            match seen.entry(sha256) {
                Entry::Vacant(entry) => drop(entry.insert(shown(&clip.path))),
                Entry::Occupied(entry) => {
                    let reason = Refusal::Duplicate { of: entry.get().clone() }.into();
                    left_out.push(LeftOut { path: shown(&clip.path), reason });
                    continue;
                }
            }
        }
        let short = analysis.embeddings.is_err();
        let embeddings = match (analysis.embeddings, analysis.short) {
            (Ok(embeddings), _) | (Err(_), Some(embeddings)) => with_direction(embeddings),
            (Err(refusal), None) => Err(refusal),
        };
        let embeddings = match embeddings {
            Ok(embeddings) => embeddings,
            Err(refusal) => {
                left_out.push(LeftOut { path: shown(&clip.path), reason: refusal.into() });
                continue;
            }
        };
        below_minimum += usize::from(short);
        let next = names.len() as u32;
        let speaker = *names.entry(clip.speaker.as_str()).or_insert(next);
        clips.push(Clip { speaker, kind: clip.kind, embeddings });
    }
    let trials = panel.fingerprints().map(|encoder, _| all_pairs(&clips, pairs, names.len(), encoder));
    let counts = trials.iter().next().map(|(_, trials)| (trials.targets.len(), trials.non_targets.len()));
    let (target, non_target) = counts.unwrap_or_default();
    if target == 0 || non_target == 0 {
        return Err(too_few(target, non_target, &left_out));
    }
    Ok(EvaluateReport {
        version: VERSION.into(),
        settings: Settings::of(panel),
        pairs,
        selection: manifest.selection.clone(),
        clips: ClipCounts { listed: listed.len(), scored: clips.len(), below_minimum },
        speakers: names.len(),
        trials: TrialCounts { target, non_target },
        encoders: trials.try_map(|_, trials| error_rates(trials))?,
        left_out,
    })
}

/// Says how many trials there are, and why clips are missing from them.
fn too_few(target: usize, non_target: usize, left_out: &[LeftOut]) -> Error {
    let mut found = format!("{target} pairs of one voice and {non_target} of two");
    if let Some(first) = left_out.first() {
        let n = left_out.len();
        found += &format!(" ({n} clips left out; the first, {}, because: {})", first.path, first.reason.message);
    }
    let expected = "at least one of each: two clips of one speaker, and two speakers".into();
    ErrorKind::Insufficient { what: "trials", found, expected }.into()
}

struct Clip {
    speaker: u32,
    kind: VoiceKind,
    embeddings: PerEncoder<Embedding>,
}

/// Refuses a clip of which an encoder made nothing but zeros, so that every encoder is measured on the same trials.
fn with_direction(embeddings: PerEncoder<Embedding>) -> std::result::Result<PerEncoder<Embedding>, Refusal> {
    let directed = embeddings.iter().all(|(_, embedding)| cosine(&embedding.values, &embedding.values).is_some());
    if directed { Ok(embeddings) } else { Err(Refusal::NoDirection) }
}

fn all_pairs(clips: &[Clip], pairs: Pairs, speakers: usize, encoder: Encoder) -> Trials {
    let mut trials = Trials { speakers, targets: Vec::new(), non_targets: Vec::new() };
    for (i, a) in clips.iter().enumerate() {
        for b in clips.iter().skip(i + 1) {
            if !pairs.pairs(a.kind, b.kind) {
                continue;
            }
            let Some((a_values, b_values)) = a.embeddings.get(encoder).zip(b.embeddings.get(encoder)) else { continue };
            let Some(score) = cosine(&a_values.values, &b_values.values) else { continue };
            if a.speaker == b.speaker {
                trials.targets.push((score, a.speaker));
            } else {
                trials.non_targets.push((score, a.speaker, b.speaker));
            }
        }
    }
    trials
}
