//! Validation on labelled clips or a list of trials: how often each encoder errs, what the calibrated ratio is worth.
//!
//! Every clip is encoded once, however many trials name it, and every trial whose clips have embeddings is scored;
//! those outside the calibration's ranges are counted apart, never left out.

mod measured;
mod result;

use crate::calibration::bootstrap::Resampled;
use crate::calibration::metrics::{ErrorRates, cllr};
use crate::encoder::{Band, Encoder, Panel, PerBand, PerEncoder};
use crate::error::{Error, ErrorKind, Result, Shortage};
use crate::library::batch::BatchOptions;
use crate::library::cohort::Cohort;
use crate::library::labels::{Labels, Listed, Model, Trial};
use crate::library::outcome::{Settings, VERSION, models_version};
use crate::library::validate::calibration_file::LoadedCalibration;
use crate::library::validate::labelled::{Labelled, missing};
use crate::library::validate::rule::Rule;
use crate::library::validate::scoring::{Narrow, Scorer, Scores};
use measured::{Measured, Sides};

pub use crate::library::labels::{Enrol, Pairs};
pub use result::{
    AgainstBest, CalibrationUsed, ClipCounts, ClipLeftOut, EvaluateReport, Evaluation, Group, SpeakerMeans, TrialCounts,
};

/// What is asked of a validation.
#[derive(Clone, Debug)]
pub struct EvaluateSettings<'a> {
    /// What turns scores into ratios; without it encoders are measured alone.
    pub calibration: Option<&'a LoadedCalibration>,
    /// Which clips of a manifest are paired.
    pub pairs: Pairs,
    /// Number of clips that a reference is made of. A list of trials has one.
    pub enrol: Enrol,
    /// A column of the manifest by whose values figures are given too.
    pub by: Option<String>,
    /// Normalises scores by this population too.
    pub as_norm: Option<&'a Cohort>,
    /// Whether narrow-band trials are scored in the narrow band, as `check` does.
    pub match_bands: bool,
    /// Rules that were set before looking.
    pub rules: &'a [Rule],
}

impl Default for EvaluateSettings<'_> {
    fn default() -> Self {
        EvaluateSettings {
            calibration: None,
            pairs: Pairs::default(),
            enrol: Enrol::ONE,
            by: None,
            as_norm: None,
            match_bands: true,
            rules: &[],
        }
    }
}

/// Scores all trials of labelled clips.
///
/// # Errors
/// Where there is no pair of one voice or none of two, a rule looks at a figure that there is none of, or so many
/// threads cannot be had.
pub fn evaluate(
    panel: &Panel,
    labels: &Labels,
    settings: &EvaluateSettings<'_>,
    options: &BatchOptions<'_>,
) -> Result<Evaluation> {
    let (calibration, fusion_refused) = usable(panel, settings.calibration)?;
    let narrow = if settings.match_bands { Narrow::IfNeeded } else { Narrow::Never };
    let Labelled { clips, listed, left_out } = Labelled::gather(panel, labels, settings.pairs, narrow, Ok, options)?;
    let kept: Vec<&Listed> = listed.iter().collect();
    let set = labels.trials(&kept, settings.pairs, settings.enrol);
    let count = |target: bool| set.trials.iter().filter(|trial| trial.target == target).count();
    let (target, non_target) = (count(true), count(false));
    if target == 0 || non_target == 0 {
        return Err(too_few(target, non_target, &left_out));
    }
    let scorer = Scorer::new(&clips, &set.models);
    let encoders: Vec<Encoder> = panel.fingerprints().encoders().collect();
    let fusions = calibration.map(|loaded| PerBand::from_fn(|band| &loaded.calibration.of_band(band).fusion));
    let scores = scorer.score(&set.trials, &encoders, fusions, options.threads)?;
    let sides = Sides::new(&set.trials, &set.models, &kept);
    let whole = Measured::new(&scores, &sides, None, options.threads)?;
    let by = match &settings.by {
        Some(column) => groups(column, &kept, &set.trials, &set.models, &scores, &sides, options.threads)?,
        None => Vec::new(),
    };
    let rates = whole.encoders.map(|_, resampled| resampled.error_rates());
    let fusion = whole.fusion.as_ref().map(Resampled::fusion_rates);
    let rules = settings.rules.iter().map(|rule| rule.judge(&rates, fusion.as_ref())).collect::<Result<_>>()?;
    let report = EvaluateReport {
        version: VERSION.into(),
        models_version: models_version().into(),
        settings: Settings::of(panel),
        pairs: labels.is_manifest().then_some(settings.pairs),
        enrol: if labels.is_manifest() { settings.enrol.number() } else { 1 },
        selection: labels.selection(),
        clips: ClipCounts {
            listed: listed.len() + left_out.len(),
            scored: clips.len(),
            below_minimum: clips.iter().filter(|clip| clip.short).count(),
            in_fit: calibration
                .and_then(|loaded| loaded.calibration.in_fit(clips.iter().filter_map(|clip| clip.sha256.as_deref()))),
        },
        speakers: sides.speakers(),
        trials: TrialCounts {
            target,
            non_target,
            out_of_range: fusion.is_some().then(|| scores.outside.iter().filter(|outside| **outside).count()),
            narrow_band: scores.narrow,
            left_out: set.left_out,
        },
        against_best: whole.against_best()?,
        as_norm: as_norm(&scorer, &set.trials, &encoders, &sides, settings.as_norm, options.threads)?,
        encoders: rates,
        fusion,
        bounded_cllr: bounded_cllr(&set.trials, &scores)?,
        calibration: calibration.map(used),
        fusion_refused,
        by,
        rules,
        left_out,
    };
    Ok(Evaluation {
        report,
        scores: scores.cosines.map(|_, cosines| split(&set.trials, cosines)),
        llrs: (!scores.llrs.is_empty()).then(|| split(&set.trials, &scores.llrs)),
        speakers: if scores.llrs.is_empty() { Vec::new() } else { sides.means(&scores.llrs, labels) },
    })
}

/// Values of targets and of non-targets.
fn split(trials: &[Trial], values: &[f64]) -> [Vec<f64>; 2] {
    [true, false].map(|target| {
        let pairs = trials.iter().zip(values).filter(|(trial, _)| trial.target == target);
        pairs.map(|(_, x)| *x).collect()
    })
}

/// Error of the scores normalised by a population, where there is one.
fn as_norm(
    scorer: &Scorer<'_>,
    trials: &[Trial],
    encoders: &[Encoder],
    sides: &Sides<'_>,
    cohort: Option<&Cohort>,
    threads: usize,
) -> Result<Option<PerEncoder<ErrorRates>>> {
    let Some(cohort) = cohort else { return Ok(None) };
    let population = cohort.population(Band::Wide, encoders.iter().copied(), &[]);
    let rates = encoders.iter().map(|encoder| {
        let normalised = scorer.as_normalised(trials, *encoder, &population, threads)?;
        Ok((*encoder, sides.rates_of_scores(&normalised, None, threads)?.error_rates()))
    });
    rates.collect::<Result<_>>().map(Some)
}

/// Cllr of the ratio within its bounds, where there is one.
fn bounded_cllr(trials: &[Trial], scores: &Scores) -> Result<Option<f64>> {
    if scores.bounded.is_empty() {
        return Ok(None);
    }
    let [targets, non_targets] = split(trials, &scores.bounded);
    cllr(&targets, &non_targets).map(Some)
}

fn used(loaded: &LoadedCalibration) -> CalibrationUsed {
    CalibrationUsed {
        condition: loaded.calibration.condition.clone(),
        origin: loaded.origin.clone(),
        sha256: loaded.sha256.clone(),
    }
}

/// The calibration, where it reads the panel's encoders; else why it does not.
fn usable<'a>(
    panel: &Panel,
    calibration: Option<&'a LoadedCalibration>,
) -> Result<(Option<&'a LoadedCalibration>, Option<String>)> {
    let Some(loaded) = calibration else { return Ok((None, Some("no calibration was asked for".into()))) };
    match crate::library::verdict::unfit(loaded, panel) {
        None => Ok((Some(loaded), None)),
        Some(refusal) => Ok((None, Some(refusal.to_string()))),
    }
}

/// Says how many trials there are, and why clips are missing from them.
fn too_few(target: usize, non_target: usize, left_out: &[ClipLeftOut]) -> Error {
    let found = format!("{target} pairs of one voice and {non_target} of two{}", missing(left_out));
    let expected = "at least one of each: two clips of one speaker, and two speakers".into();
    ErrorKind::Insufficient { what: Shortage::Trials, found, expected }.into()
}

/// Figures by the values of a column.
fn groups(
    column: &str,
    clips: &[&Listed],
    trials: &[Trial],
    models: &[Model],
    scores: &Scores,
    sides: &Sides<'_>,
    threads: usize,
) -> Result<Vec<Group>> {
    let cell = |clip: u32| {
        clips.get(clip as usize).and_then(|clip| clip.cells.first()).map(String::as_str).unwrap_or_default()
    };
    let kind = |clip: u32| clips.get(clip as usize).and_then(|clip| clip.kind);
    let value = |trial: &Trial| {
        let tested = cell(trial.clip);
        let enrolled = models.get(trial.model as usize).map(|model| model.clips.as_slice()).unwrap_or_default();
        let alike = enrolled.iter().all(|clip| kind(*clip) != kind(trial.clip) || cell(*clip) == tested);
        alike.then_some(tested)
    };
    let values: Vec<Option<&str>> = trials.iter().map(value).collect();
    let mut names: Vec<&str> = values.iter().flatten().copied().collect();
    names.sort_unstable();
    names.dedup();
    let group = |name: &&str| {
        let part: Vec<bool> = values.iter().map(|value| value == &Some(*name)).collect();
        let count = |target: bool| {
            trials.iter().zip(&part).filter(|(trial, inside)| **inside && trial.target == target).count()
        };
        let (target, non_target) = (count(true), count(false));
        let measured = match target > 0 && non_target > 0 {
            true => Some(Measured::new(scores, sides, Some(&part), threads)?),
            false => None,
        };
        Ok(Group {
            column: column.into(),
            value: name.to_string(),
            target,
            non_target,
            encoders: measured.as_ref().map(|m| m.encoders.map(|_, resampled| resampled.error_rates())),
            fusion: measured.and_then(|m| m.fusion.as_ref().map(Resampled::fusion_rates)),
        })
    };
    names.iter().map(group).collect()
}
