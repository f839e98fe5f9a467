//! The gate of a whole library: every recording of an index is heard again where it is now, for an index holds one mix
//! of each, and no windows.

use super::judge::{Judge, decide};
use super::limits::check_limits;
use super::listen::hear_clips;
use super::result::{GateClip, GateOutcome, GateStatus};
use crate::audio::{ClipSource, looks_like_audio};
use crate::encoder::{Band, Panel, PerBand};
use crate::error::{DocumentKind, ErrorKind, Result};
use crate::library::batch::BatchOptions;
use crate::library::catalogue;
use crate::library::enrolled::voices::VoiceSet;
use crate::library::index::{ClipStatus, Index, NarrowRule};
use crate::library::scan::ScanSettings;
use crate::library::threshold::Threshold;
use crate::library::validate::calibration_file::LoadedCalibration;
use crate::path_text::{path_of, text_of};
use schemars::JsonSchema;
use serde::Serialize;
use std::path::{Path, PathBuf};

/// Clips that are heard before they are judged.
const AT_ONCE: usize = 256;

/// The result of a gate over a library.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct LibraryGate {
    /// Clips that were to be judged: those of the index whose files have not vanished.
    pub judged: usize,
    /// The limits, whether all passed, and every clip that did not.
    #[serde(flatten)]
    pub outcome: GateOutcome,
}

/// Refuses, before any clip is heard, a limit on the ratio that nothing could reach against these voices.
///
/// # Errors
/// [`ErrorKind::Setting`](crate::ErrorKind::Setting) with the greatest ratio that there can be.
pub fn check_library_limit(voices: &VoiceSet, limit: Threshold, calibration: &LoadedCalibration) -> Result<()> {
    let narrow = voices.has_narrow_model().then_some(Band::Narrow);
    [Some(Band::Wide), narrow].into_iter().flatten().try_for_each(|band| limit.check_reach("above", calibration, band))
}

/// Refuses an index that has sound files beside it: they would not be heard, whatever it says of itself.
fn check_alone(index: &Index) -> Result<()> {
    let Some(folder) = index.folder() else { return Ok(()) };
    let own = |file: &Path| {
        let name = file.strip_prefix(folder).unwrap_or(file);
        let is_segment = index.manifest().segments.iter().any(|segment| Path::new(&segment.file) == name);
        is_segment || name.as_os_str().as_encoded_bytes().starts_with(b"_")
    };
    match catalogue::files(folder).iter().find(|file| !own(file) && looks_like_audio(file)) {
        None => Ok(()),
        Some(file) => {
            let found = format!("a sound file beside the index, {}", text_of(file));
            let expected = "an index in a folder of its own, or a folder without one".into();
            Err(ErrorKind::Document { path: folder.into(), what: DocumentKind::Index, found, expected }.into())
        }
    }
}

/// Judges every clip of an index against every voice, at the threshold of `settings`. The clips are read from `root`.
///
/// # Errors
/// Where a voice cannot be enrolled or lacks an encoder that others have, the limit cannot be kept, the index cannot be
/// read, or the threads cannot be started.
pub fn gate_library(
    panel: &Panel,
    voices: &VoiceSet,
    (index, root): (&Index, &Path),
    settings: &ScanSettings<'_>,
    options: &BatchOptions<'_>,
) -> Result<LibraryGate> {
    voices.same_encoders()?;
    check_alone(index)?;
    check_limits("above", &[settings.threshold], panel, settings.calibration)?;
    let narrow_panel = panel.narrow()?;
    let panels = PerBand { wide: panel, narrow: &narrow_panel };
    let enrolled = voices.all(panels, options)?;
    let narrow = voices.has_narrow_model() || enrolled.iter().any(|voice| voice.is_narrow());
    let rule = if narrow { NarrowRule::All } else { NarrowRule::Auto };
    let limits = [settings.threshold];
    let judge = Judge { panels, voices: &enrolled, settings, limits: &limits };
    let (mut stopped, mut count, mut done): (Vec<GateClip>, usize, usize) = (Vec::new(), 0, 0);
    let all: usize = index.manifest().counts().rows;
    for segment in &index.manifest().segments {
        let rows = index.rows(segment)?;
        let there = rows.iter().filter(|row| row.status != ClipStatus::Vanished);
        let clips: Vec<(PathBuf, ClipSource)> =
            there.map(|row| root.join(path_of(&row.path))).map(|p| (p.clone(), ClipSource::File(p))).collect();
        for clips in clips.chunks(AT_ONCE) {
            let progress = |now: usize, _: usize| (options.progress)(done + now, all);
            let heard = hear_clips(panels, rule, clips, &BatchOptions { progress: &progress, ..*options })?;
            let judged = judge.judge(heard)?;
            count += judged.len();
            done += clips.len();
            stopped.extend(judged.into_iter().filter(|clip| clip.status != GateStatus::Passed));
        }
    }
    let outcome = decide(&limits, stopped);
    let passed = count > 0 && outcome.clips.is_empty();
    let outcome = GateOutcome { passed, ..outcome };
    let outcome = index.passed_over().map_or(outcome.clone(), |passed_over| outcome.beside(passed_over));
    Ok(LibraryGate { judged: count, outcome })
}
