//! What stands behind the figures of a check: the material of a report.
//!
//! A [`CheckReport`] says what came out. A reader who has to rely on it wants to know more: where in the candidate the
//! likeness lies, which recordings of the reference carry it, where the population's scores lie, how the calibration
//! did on recordings left out of its fit, and what the recordings look and sound like. All that is computed here from
//! the same inputs, by the same functions, so that it can be computed again; nothing here changes a figure of the check.

mod media;
mod spectrogram;

use crate::calibration::bounds::Bounds;
use crate::calibration::fusion::{Fusion, Method};
use crate::calibration::metrics::FusionRates;
use crate::calibration::ranges::Ranges;
use crate::encoder::{Band, Encoder, Panel, PerEncoder};
use crate::error::Result;
use crate::library::batch::BatchOptions;
use crate::library::check::{Candidate, CheckReport, CheckSettings, Examined, check_unchanged, examine, same_bytes};
use crate::library::descriptors::{DescriptorComparison, compare};
use crate::library::enrolled::reference::ReferenceSource;
use crate::library::locate::{HOP_S, LOCATE_THRESHOLD, LocateOptions, LocateSettings, Trace, WINDOW_S, locate};
use crate::library::outcome::Status;
use crate::library::places::Places;
use crate::library::threshold::{Score, Threshold};
use crate::library::validate::calibration_file::{
    CrossValidation, FitCounts, GroupValidation, LoadedCalibration, ValidatedRatios,
};
use crate::library::verdict::{PopulationScores, WithoutClip, strongest};
use crate::voice::{Descriptors, VoiceAnalysis, pooled};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::f64::consts::LN_10;
use std::path::PathBuf;

pub use media::{ClipMedia, Excerpt, Media};
pub use spectrogram::Spectrogram;

/// What stands behind the figures of a check.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Findings {
    /// Length of the windows in which candidates were looked at, seconds; a shorter segment of speech is a window as it
    /// is.
    pub window_s: f64,
    /// Distance from one window to the next, seconds.
    pub hop_s: f64,
    /// Every file that the result rests on.
    pub items: Vec<Item>,
    /// The voice of the reference, over all of its recordings that were read; null where they come from a voice model.
    pub voice: Option<Descriptors>,
    /// The candidates, in the order of the check's.
    pub candidates: Vec<CandidateFindings>,
    /// The population's scores against the reference, in each band in which candidates were compared.
    pub populations: Vec<PopulationScores>,
    /// How the calibration did on recordings left out of its fit, in each band in which candidates have a ratio.
    pub validations: Vec<Validation>,
}

/// A file that the result rests on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Item {
    /// What it is.
    pub role: Role,
    /// Where it lies, or `built in`.
    pub path: String,
    /// SHA-256 of its bytes; null where it could not be read.
    pub sha256: Option<String>,
    /// Its size, bytes; null where it could not be read or is built in.
    pub size_bytes: Option<u64>,
}

/// What a file is in a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// A recording of the protected voice.
    Reference,
    /// A voice model of the protected voice.
    VoiceModel,
    /// A recording in question.
    Candidate,
    /// What turns scores into likelihood ratios.
    Calibration,
    /// The population.
    Cohort,
}

/// What stands behind the figures of a candidate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CandidateFindings {
    /// The candidate.
    pub path: String,
    /// How it would have scored without each of the reference's clips; empty where it was not scored or the reference
    /// has one clip.
    pub without_clip: Vec<WithoutClip>,
    /// Its scores in windows of its speech; empty where it was not scored.
    pub segments: Vec<Segment>,
    /// The voice in it; null where it could not be read.
    pub voice: Option<Descriptors>,
    /// Its voice beside that of the reference, in the population; empty where one of them is missing.
    pub descriptors: Vec<DescriptorComparison>,
}

/// A window of a candidate with its scores.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Segment {
    /// Its start, seconds from that of the recording.
    pub start_s: f64,
    /// Its end.
    pub end_s: f64,
    /// Speech in it without pauses, seconds.
    pub net_speech_s: f64,
    /// How much of the spectrum was compared: a dull window may be compared in the narrow band though the recording is
    /// not.
    pub band: Band,
    /// Cosine to the reference as a whole, by encoder; null where it has too little speech.
    pub cosines: Option<PerEncoder<f64>>,
    /// Decimal logarithm of the likelihood ratio of the window alone, before its bounds; null where there is none.
    pub log10_lr: Option<f64>,
    /// Why it has no ratio; null where it has one.
    pub reason: Option<String>,
}

impl Segment {
    /// The cosine by an encoder.
    pub fn cosine(&self, encoder: Encoder) -> Option<f64> {
        self.cosines.as_ref()?.get(encoder).copied()
    }
}

/// How a calibration did, in one band.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Validation {
    /// The band.
    pub band: Band,
    /// What it was fitted on.
    pub trials: FitCounts,
    /// How cosines become a ratio.
    pub terms: RatioTerms,
    /// What fits were worth on groups (pages, systems, corpora) left out of them, a column after the other; empty where
    /// none was named. The first is the headline.
    pub groups: Vec<GroupValidation>,
    /// Figures of the ratios within their bounds, with 95 % intervals: on the groups of the first column, or without
    /// one on speakers left out of the fit.
    pub rates: FusionRates,
    /// The ratios behind these figures, as quantiles.
    pub ratios: ValidatedRatios,
    /// For comparison: figures by all methods where parts of the speakers are left out.
    pub cross_validation: CrossValidation,
    /// Least and greatest decimal logarithm of a ratio that its trials support.
    pub bounds_log10_lr: [f64; 2],
    /// The qualities that it was fitted and validated on.
    pub ranges: Ranges,
}

/// How cosines become a ratio ([`Fusion`]), in decimal logarithms.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct RatioTerms {
    /// For each encoder the cosine at which it speaks neither for nor against one voice.
    pub neutral: PerEncoder<f64>,
    /// For each encoder what a cosine 1 above its neutral one adds to the decimal logarithm of the ratio.
    pub weights_log10_lr: PerEncoder<f64>,
    /// What is added to the part of the last encoder.
    pub intercept_log10_lr: f64,
    /// What turns the sum of the parts, times their agreement, into the ratio.
    pub method: Method,
}

impl RatioTerms {
    fn of(fusion: &Fusion) -> Self {
        RatioTerms {
            neutral: fusion.encoders().zip(fusion.neutral.iter().copied()).collect(),
            weights_log10_lr: fusion.weights(0.0).map(|_, weight| weight / LN_10),
            intercept_log10_lr: fusion.map.intercept / LN_10,
            method: fusion.method,
        }
    }
}

/// A check with what stands behind it.
#[derive(Clone, Debug)]
pub struct Examination {
    /// The result, as [`check`](crate::library::check::check) gives it.
    pub report: CheckReport,
    /// What stands behind its figures.
    pub findings: Findings,
    /// What the recordings look and sound like.
    pub media: Media,
}

/// Compares candidates with a protected voice as [`check`](crate::library::check::check) does, and gathers what a
/// report needs.
///
/// # Errors
/// As `check`, and where a recording was written to meanwhile.
pub fn examination(
    panel: &Panel,
    reference: &ReferenceSource,
    candidates: &[PathBuf],
    settings: &CheckSettings<'_>,
    options: &BatchOptions<'_>,
) -> Result<Examination> {
    let examined = examine(panel, reference, candidates, settings, options, true)?;
    let no_places = Places::default();
    let places = settings.places.unwrap_or(&no_places);
    let traces = traces(panel, reference, &examined, settings, options, places)?;
    let media = media::gather(panel, &examined.report, places, options)?;
    let items = items(&examined.report, places);
    let findings = Findings {
        items,
        ..findings(examined.left_out, examined.populations, &examined.report, &traces, settings.calibration)
    };
    let findings = with_voices(findings, &media, settings);
    check_unchanged(&examined.report, settings.places.unwrap_or(reference.places()))?;
    Ok(Examination { report: examined.report, findings, media })
}

/// Every file that a result rests on.
fn items(report: &CheckReport, places: &Places) -> Vec<Item> {
    let size = |path: &str| std::fs::metadata(places.of_text(path)).ok().map(|file| file.len());
    let item = |role, path: &str, sha256: Option<&String>| Item {
        role,
        path: path.into(),
        sha256: sha256.cloned(),
        size_bytes: if path == BUILT_IN { None } else { size(path) },
    };
    let recordings = report.reference.clips.iter().filter(|clip| clip.model.is_none());
    let recordings = recordings.map(|clip| item(Role::Reference, &clip.path, clip.sha256.as_ref()));
    let models = report.reference.models.iter().map(|model| item(Role::VoiceModel, &model.path, Some(&model.sha256)));
    let candidates = report.candidates.iter().map(|row| item(Role::Candidate, &row.path, row.sha256.as_ref()));
    let calibration = report.calibration.iter().map(|c| item(Role::Calibration, &c.origin, Some(&c.sha256)));
    let cohort = report.cohort.iter().map(|cohort| item(Role::Cohort, &cohort.origin, Some(&cohort.sha256)));
    recordings.chain(models).chain(candidates).chain(calibration).chain(cohort).collect()
}

/// What is told in the place of a path where a calibration or population is that of the program.
pub const BUILT_IN: &str = "built in";

/// The windows of each candidate; none of one that was not scored.
fn traces(
    panel: &Panel,
    reference: &ReferenceSource,
    examined: &Examined,
    settings: &CheckSettings<'_>,
    options: &BatchOptions<'_>,
    places: &Places,
) -> Result<Vec<Option<Trace>>> {
    let rows = &examined.report.candidates;
    let scored = |row: &&Candidate| row.status == Status::Scored;
    let with_ratio = rows.iter().any(|row| row.evidence.is_some());
    let Some(strongest) = strongest(panel.fingerprints().encoders()) else { return Ok(vec![None; rows.len()]) };
    let above = match with_ratio {
        true => LOCATE_THRESHOLD,
        // Nothing is looked for; the scores of the windows are wanted.
        false => Threshold { score: Score::Cosine(strongest), value: 1.0 },
    };
    let calibration = settings.calibration.filter(|_| with_ratio);
    let search = LocateSettings { above, calibration, ..Default::default() };
    let paths: Vec<PathBuf> = rows.iter().filter(scored).map(|row| places.of_text(&row.path)).collect();
    if paths.is_empty() {
        return Ok(vec![None; rows.len()]);
    }
    let options = LocateOptions { threads: options.threads, ..Default::default() };
    let located = locate(panel, reference, &paths, &search, &options)?;
    for (row, again) in rows.iter().filter(scored).zip(&located.report.recordings) {
        if again.sha256.is_some() {
            let sha256 = again.sha256.as_ref().filter(|_| again.quality.is_some());
            same_bytes(&places.of_text(&row.path), row.sha256.as_ref(), sha256)?;
        }
    }
    let mut traces = located.traces.into_iter();
    Ok(rows.iter().map(|row| if scored(&row) { traces.next() } else { None }).collect())
}

fn findings(
    left_out: Vec<Vec<WithoutClip>>,
    populations: Vec<PopulationScores>,
    report: &CheckReport,
    traces: &[Option<Trace>],
    calibration: Option<&LoadedCalibration>,
) -> Findings {
    let rows = report.candidates.iter().zip(left_out).zip(traces);
    let candidates = rows.map(|((row, without_clip), trace)| CandidateFindings {
        path: row.path.clone(),
        without_clip,
        segments: trace.iter().flat_map(|trace| trace.windows.iter().map(segment)).collect(),
        voice: None,
        descriptors: Vec::new(),
    });
    let used = |band: &Band| report.candidates.iter().any(|row| row.band == Some(*band) && row.evidence.is_some());
    let validation = |band: Band| {
        let fit = calibration?.calibration.of_band(band);
        let Bounds { lower, upper, .. } = fit.fusion.bounds;
        Some(Validation {
            band,
            trials: fit.trials,
            terms: RatioTerms::of(&fit.fusion),
            groups: fit.groups.clone(),
            rates: fit.rates,
            ratios: fit.ratios.clone(),
            cross_validation: fit.validation,
            bounds_log10_lr: [lower / LN_10, upper / LN_10],
            ranges: fit.fusion.ranges,
        })
    };
    Findings {
        window_s: WINDOW_S,
        hop_s: HOP_S,
        items: Vec::new(),
        voice: None,
        candidates: candidates.collect(),
        populations,
        validations: Band::ALL.into_iter().filter(used).filter_map(validation).collect(),
    }
}

/// The findings with what was measured of the voices.
fn with_voices(mut findings: Findings, media: &Media, settings: &CheckSettings<'_>) -> Findings {
    let clips: Vec<VoiceAnalysis> = media.reference.iter().map(|clip| clip.voice.clone()).collect();
    let reference = (!clips.is_empty()).then(|| pooled(&clips));
    let population = settings.cohort.map(|cohort| cohort.descriptors(settings.cohort_filters));
    let population = population.unwrap_or_default();
    for row in &mut findings.candidates {
        let clip = media.candidates.iter().find(|clip| clip.path == row.path);
        row.voice = clip.map(|clip| clip.voice.descriptors.clone());
        if let (Some(reference), Some(candidate)) = (&reference, &row.voice) {
            row.descriptors = compare(reference, candidate, &population);
        }
    }
    Findings { voice: reference, ..findings }
}

fn segment(window: &crate::library::locate::TracedWindow) -> Segment {
    Segment {
        start_s: window.start_s,
        end_s: window.end_s,
        net_speech_s: window.quality.net_speech_s,
        band: window.band,
        cosines: window.cosines.clone(),
        log10_lr: window.log10_lr,
        reason: window.reason.clone(),
    }
}
