//! What clips are good for, before any score: format, speech, level, noise, clipping, bandwidth.

use crate::encoder::{Panel, Refusal};
use crate::error::Result;
use crate::feature::Quality;
use crate::library::batch::{self, BatchOptions};
use crate::library::catalogue::{self, CatalogueOfEach};
use crate::library::descriptors::describe_clips;
use crate::library::outcome::{Reason, Status, VERSION, models_version};
use crate::library::passed_over::PassedOver;
use crate::path_text::text_of;
use crate::voice::Descriptors;
use schemars::JsonSchema;
use serde::Serialize;
use std::path::PathBuf;

/// The result of an inspection.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct InspectReport {
    /// Version of the program.
    pub version: String,
    /// Version of the models: see [`models_version`].
    pub models_version: String,
    /// The least net speech that a score needs, seconds.
    pub minimum_net_speech_s: f64,
    /// The clips, in the order given.
    pub clips: Vec<InspectedClip>,
    /// What the folders that were named hold besides clips.
    pub passed_over: PassedOver,
}

/// A clip and what was measured of it.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct InspectedClip {
    /// Where it lies.
    pub path: String,
    /// SHA-256 of the file; null where it could not be read.
    pub sha256: Option<String>,
    /// What was measured; null where it could not be decoded.
    pub quality: Option<Quality>,
    /// Acoustic-phonetic descriptors of the voice; null where they were not asked for or the clip could not be decoded.
    pub voice: Option<Descriptors>,
    /// `usable` or `refused`.
    pub status: Status,
    /// Why it would be refused; null where it can be used.
    pub reason: Option<Reason>,
}

/// Inspects files, folders and patterns. A clip that cannot be used keeps its row with the reason.
///
/// # Errors
/// Where so many threads cannot be had.
pub fn inspect(panel: &Panel, named: &[PathBuf], options: &BatchOptions<'_>) -> Result<InspectReport> {
    Ok(with_paths(panel, named, options)?.0)
}

/// The same, and the voice in each clip is described: a second pass over those that can be decoded.
///
/// # Errors
/// As [`inspect`].
pub fn inspect_voices(panel: &Panel, named: &[PathBuf], options: &BatchOptions<'_>) -> Result<InspectReport> {
    let (mut report, paths) = with_paths(panel, named, options)?;
    let (mut clips, mut decoded) = (Vec::new(), Vec::new());
    for (clip, path) in report.clips.iter_mut().zip(paths).filter(|(clip, _)| clip.quality.is_some()) {
        clips.push(clip);
        decoded.push(path);
    }
    let settings = panel.settings();
    let described = describe_clips(&decoded, settings.channel, &settings.speech, options)?;
    for (clip, analysis) in clips.into_iter().zip(described) {
        clip.voice = analysis.ok().map(|analysis| analysis.descriptors);
    }
    Ok(report)
}

/// The inspection, and the path of each of its clips.
fn with_paths(panel: &Panel, named: &[PathBuf], options: &BatchOptions<'_>) -> Result<(InspectReport, Vec<PathBuf>)> {
    let CatalogueOfEach { clips: files, passed_over } = catalogue::expand_each(named);
    let paths: Vec<PathBuf> = files.iter().filter_map(|file| file.as_ref().ok().cloned()).collect();
    let all = files.iter().map(|file| file.as_ref().map_or_else(|(path, _)| path.clone(), PathBuf::clone)).collect();
    let mut analyses = batch::analyse(panel, &paths, options)?.into_iter();
    let clips = files.into_iter().filter_map(|file| match file {
        Ok(_) => analyses.next().map(|analysis| {
            let reason = analysis.embeddings.err().map(Reason::from);
            let status = if reason.is_some() { Status::Refused } else { Status::Usable };
            let (path, quality) = (text_of(&analysis.path), analysis.quality);
            InspectedClip { path, sha256: analysis.sha256, quality, voice: None, status, reason }
        }),
        Err((path, error)) => Some(InspectedClip {
            path: text_of(&path),
            sha256: None,
            quality: None,
            voice: None,
            status: Status::Refused,
            reason: Some(Refusal::Unreadable { found: error.to_string() }.into()),
        }),
    });
    let report = InspectReport {
        version: VERSION.into(),
        models_version: models_version().into(),
        minimum_net_speech_s: panel.settings().minimum_net_speech_s,
        clips: clips.collect(),
        passed_over,
    };
    Ok((report, all))
}
