//! Validation on labelled clips or a list of trials: how often each encoder errs, what the calibrated ratio is worth.
//!
//! Every clip is encoded once, however many trials name it, and every trial whose clips have embeddings is scored;
//! those outside the calibration's ranges are counted apart, never left out.

use super::batch::{self, BatchOptions};
use super::calibration_file::LoadedCalibration;
use super::cohort::Cohort;
use super::labelled::{Labelled, missing};
use super::labels::{Labels, Listed};
use super::outcome::{Reason, Settings, VERSION};
use super::rule::{Rule, RuleResult};
use super::scoring::{Narrow, Scorer, Scores, Trial};
use super::selection::Selection;
use crate::calibration::bootstrap::{Draws, Figure, OF_LLRS, OF_SCORES, Resampled, Resampler, Trials};
use crate::calibration::metrics::{ErrorRates, Estimate, FusionRates, cllr};
use crate::encoder::{Band, Encoder, Panel, PerEncoder};
use crate::error::{Error, ErrorKind, Result};
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;

pub use super::labels::Pairs;

/// What is asked of a validation.
#[derive(Clone, Debug)]
pub struct EvaluateSettings<'a> {
    /// What turns scores into ratios; without it encoders are measured alone.
    pub calibration: Option<&'a LoadedCalibration>,
    /// Which clips of a manifest are paired.
    pub pairs: Pairs,
    /// Number of clips that a reference is made of; 0 for all that a speaker has. A list of trials has one.
    pub enrol: usize,
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
            enrol: 1,
            by: None,
            as_norm: None,
            match_bands: true,
            rules: &[],
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
    /// Which clips were paired; null for a list of trials.
    pub pairs: Option<Pairs>,
    /// Number of clips that a reference was made of; 0 for all that there were.
    pub enrol: usize,
    /// Which lines of the manifest were used.
    pub selection: Selection,
    /// Counts of clips.
    pub clips: ClipCounts,
    /// Number of speakers in the trials. Where a list of trials does not name them, clips that it calls one voice are
    /// of one speaker.
    pub speakers: usize,
    /// Counts of trials.
    pub trials: TrialCounts,
    /// Error by encoder.
    pub encoders: PerEncoder<ErrorRates>,
    /// Error of the same scores normalised by a population (AS-norm); null where it was not asked for.
    pub as_norm: Option<PerEncoder<ErrorRates>>,
    /// Figures of the calibrated ratio over the encoders, before its bounds; null without a calibration that fits.
    pub fusion: Option<FusionRates>,
    /// Cllr of the ratio within its bounds, as `check` states it; null without one.
    pub bounded_cllr: Option<f64>,
    /// The calibration; null where none was used.
    pub calibration: Option<CalibrationUsed>,
    /// Why there is no ratio; null where there is one.
    pub fusion_refused: Option<String>,
    /// How much the ratio's equal error rate lies above that of the encoder that errs least; null without a ratio.
    pub against_best: Option<AgainstBest>,
    /// Figures by the values of a column; empty where none was named.
    pub by: Vec<Group>,
    /// What became of the rules.
    pub rules: Vec<RuleResult>,
    /// Clips that were left out, with the reason.
    pub left_out: Vec<LeftOut>,
}

/// The calibration behind ratios.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct CalibrationUsed {
    /// Its condition.
    pub condition: String,
    /// `built in`, or the file.
    pub origin: String,
    /// SHA-256 of the file.
    pub sha256: String,
}

/// The ratio against the best encoder, on the same trials and the same resamples of speakers.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
pub struct AgainstBest {
    /// The encoder with the least equal error rate.
    pub encoder: Encoder,
    /// Equal error rate of the ratio less that of the encoder, with its paired interval; below 0 the ratio is better.
    pub eer: Estimate,
}

/// Figures of the trials of one value of a column: that of the tested clip. Where both sides are of one kind and have
/// different values, the trial belongs to none.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Group {
    /// The column.
    pub column: String,
    /// Its value.
    pub value: String,
    /// Pairs of one voice.
    pub target: usize,
    /// Pairs of two voices.
    pub non_target: usize,
    /// Error by encoder; null where a kind of trial is missing.
    pub encoders: Option<PerEncoder<ErrorRates>>,
    /// Figures of the ratio; null without one, or where a kind of trial is missing.
    pub fusion: Option<FusionRates>,
}

/// Counts of clips.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ClipCounts {
    /// Named by the manifest or the list, of the kinds that the pairs need.
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
    /// Among both, outside the calibration's ranges; null without a calibration.
    pub out_of_range: Option<usize>,
    /// Among both, with a narrow-band side and scored in the narrow band.
    pub narrow_band: usize,
    /// Trials of a list that were not scored, because a clip of theirs has no embedding.
    pub left_out: usize,
}

/// A clip without an embedding.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct LeftOut {
    /// Where it lies.
    pub path: String,
    /// Why.
    pub reason: Reason,
}

/// A validation with the scores behind it, for plots.
#[derive(Clone, Debug)]
pub struct Evaluation {
    /// The result.
    pub report: EvaluateReport,
    /// Scores of targets and of non-targets by encoder.
    pub scores: PerEncoder<[Vec<f64>; 2]>,
    /// Natural-log likelihood ratios of targets and of non-targets, before the bounds; none without a calibration.
    pub llrs: Option<[Vec<f64>; 2]>,
    /// What each speaker's trials came to; empty without a calibration.
    pub speakers: Vec<SpeakerMeans>,
}

/// Means of one speaker's log-likelihood ratios.
#[derive(Clone, Debug, PartialEq)]
pub struct SpeakerMeans {
    /// The speaker, or its number in a list of trials.
    pub speaker: String,
    /// Mean over its pairs of one voice.
    pub target_mean: f64,
    /// Mean over pairs of it and another voice.
    pub non_target_mean: f64,
    /// Number of pairs of one voice.
    pub targets: usize,
    /// Number of pairs of two.
    pub non_targets: usize,
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
    let fusions = calibration.map(|loaded| Band::ALL.map(|band| &loaded.calibration.of_band(band).fusion));
    let scores = scorer.score(&set.trials, &encoders, fusions, options.threads)?;
    let sides = Sides::new(&set.trials, &set.models, &kept);
    let whole = Measured::new(&scores, &sides, None, options.threads)?;
    let as_norm = match settings.as_norm {
        Some(cohort) => {
            let population = cohort.population(Band::Wide, &[]);
            let rates = encoders.iter().map(|encoder| {
                let normalised = scorer.as_normalised(&set.trials, *encoder, &population, options.threads)?;
                Ok((*encoder, sides.rates_of_scores(&normalised, None, options.threads)?.error_rates()))
            });
            Some(rates.collect::<Result<PerEncoder<ErrorRates>>>()?)
        }
        None => None,
    };
    let by = match &settings.by {
        Some(column) => groups(column, &kept, &set.trials, &set.models, &scores, &sides, options.threads)?,
        None => Vec::new(),
    };
    let encoders = whole.encoders.map(|_, resampled| resampled.error_rates());
    let fusion = whole.fusion.as_ref().map(Resampled::fusion_rates);
    let split = |values: &Vec<f64>| {
        let of = |target: bool| {
            let pairs = set.trials.iter().zip(values).filter(move |(trial, _)| trial.target == target);
            pairs.map(|(_, x)| *x).collect::<Vec<f64>>()
        };
        [of(true), of(false)]
    };
    let bounded_cllr = match scores.bounded.is_empty() {
        true => None,
        false => {
            let [targets, non_targets] = split(&scores.bounded);
            Some(cllr(&targets, &non_targets)?)
        }
    };
    let rules = settings.rules.iter().map(|rule| rule.judge(&encoders, fusion.as_ref())).collect::<Result<_>>()?;
    let report = EvaluateReport {
        version: VERSION.into(),
        settings: Settings::of(panel),
        pairs: labels.is_manifest().then_some(settings.pairs),
        enrol: if labels.is_manifest() { settings.enrol } else { 1 },
        selection: labels.selection(),
        clips: ClipCounts {
            listed: listed.len() + left_out.len(),
            scored: clips.len(),
            below_minimum: clips.iter().filter(|clip| clip.short).count(),
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
        encoders,
        as_norm,
        fusion,
        bounded_cllr,
        calibration: calibration.map(used),
        fusion_refused,
        by,
        rules,
        left_out,
    };
    Ok(Evaluation {
        report,
        scores: scores.cosines.map(|_, cosines| split(cosines)),
        llrs: (!scores.llrs.is_empty()).then(|| split(&scores.llrs)),
        speakers: if scores.llrs.is_empty() { Vec::new() } else { sides.means(&scores.llrs, labels) },
    })
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
    match super::verdict::unfit(loaded, panel) {
        None => Ok((Some(loaded), None)),
        Some(refusal) => Ok((None, Some(refusal.to_string()))),
    }
}

/// Says how many trials there are, and why clips are missing from them.
fn too_few(target: usize, non_target: usize, left_out: &[LeftOut]) -> Error {
    let found = format!("{target} pairs of one voice and {non_target} of two{}", missing(left_out));
    let expected = "at least one of each: two clips of one speaker, and two speakers".into();
    ErrorKind::Insufficient { what: "trials", found, expected }.into()
}

/// Whose trials these are.
struct Sides<'a> {
    trials: &'a [Trial],
    /// The speakers of each trial's model and clip, numbered anew from 0.
    speakers: Vec<(u32, u32)>,
    /// The numbers that they had.
    numbers: Vec<u32>,
}

impl<'a> Sides<'a> {
    fn new(trials: &'a [Trial], models: &[super::scoring::Model], clips: &[&Listed]) -> Self {
        let mut anew: BTreeMap<u32, u32> = BTreeMap::new();
        let of = |trial: &Trial| {
            let model = models.get(trial.model as usize).map_or(0, |model| model.speaker);
            (model, clips.get(trial.clip as usize).map_or(0, |clip| clip.speaker))
        };
        for (a, b) in trials.iter().map(of) {
            anew.extend([(a, 0), (b, 0)]);
        }
        anew.values_mut().zip(0..).for_each(|(new, number)| *new = number);
        let new = |old: u32| anew.get(&old).copied().unwrap_or(0);
        let speakers = trials.iter().map(of).map(|(a, b)| (new(a), new(b))).collect();
        Sides { trials, speakers, numbers: anew.into_keys().collect() }
    }

    fn speakers(&self) -> usize {
        self.numbers.len()
    }

    /// The scored trials, of a part of them where one is given.
    fn trials(&self, scores: &[f64], part: Option<&[bool]>) -> Trials {
        let mut all = Trials { speakers: self.speakers(), targets: Vec::new(), non_targets: Vec::new() };
        for (i, ((trial, speakers), score)) in self.trials.iter().zip(&self.speakers).zip(scores).enumerate() {
            if part.is_some_and(|part| part.get(i) != Some(&true)) {
                continue;
            }
            match trial.target {
                true => all.targets.push((*score, speakers.1)),
                false => all.non_targets.push((*score, speakers.0, speakers.1)),
            }
        }
        all
    }

    fn rates_of_scores(&self, scores: &[f64], part: Option<&[bool]>, threads: usize) -> Result<Resampled<OF_SCORES>> {
        let trials = self.trials(scores, part);
        let draws = Draws::new(trials.speakers, trials.count());
        let resampler = Resampler::of_scores(&trials, &draws)?;
        drop(trials);
        resampler.collect(batch::map(resampler.len(), threads, |index| resampler.figures(index))?)
    }

    fn rates_of_llrs(&self, llrs: &[f64], part: Option<&[bool]>, threads: usize) -> Result<Resampled<OF_LLRS>> {
        let trials = self.trials(llrs, part);
        let draws = Draws::new(trials.speakers, trials.count());
        let resampler = Resampler::of_llrs(&trials, &draws)?;
        drop(trials);
        resampler.collect(batch::map(resampler.len(), threads, |index| resampler.figures(index))?)
    }

    /// What each speaker's trials came to, of those with both kinds.
    fn means(&self, llrs: &[f64], labels: &Labels) -> Vec<SpeakerMeans> {
        let mut sums = vec![[(0.0, 0usize); 2]; self.speakers()];
        let mut add = |speaker: u32, kind: usize, llr: f64| {
            if let Some((sum, n)) = sums.get_mut(speaker as usize).and_then(|sums| sums.get_mut(kind)) {
                (*sum, *n) = (*sum + llr, *n + 1);
            }
        };
        for ((trial, (a, b)), llr) in self.trials.iter().zip(&self.speakers).zip(llrs) {
            add(*a, usize::from(!trial.target), *llr);
            if a != b {
                add(*b, usize::from(!trial.target), *llr);
            }
        }
        let mean = |(sum, n): (f64, usize)| sum / n as f64;
        let both = sums.iter().zip(&self.numbers).filter(|([t, n], _)| t.1 > 0 && n.1 > 0);
        both.map(|([t, n], number)| SpeakerMeans {
            speaker: labels.speaker(*number),
            target_mean: mean(*t),
            non_target_mean: mean(*n),
            targets: t.1,
            non_targets: n.1,
        })
        .collect()
    }
}

/// All figures of some trials with their resamples.
struct Measured {
    encoders: PerEncoder<Resampled<OF_SCORES>>,
    fusion: Option<Resampled<OF_LLRS>>,
}

impl Measured {
    fn new(scores: &Scores, sides: &Sides<'_>, part: Option<&[bool]>, threads: usize) -> Result<Self> {
        let fusion = match scores.llrs.is_empty() {
            true => None,
            false => Some(sides.rates_of_llrs(&scores.llrs, part, threads)?),
        };
        let encoders = scores.cosines.try_map(|_, cosines| sides.rates_of_scores(cosines, part, threads))?;
        Ok(Measured { encoders, fusion })
    }

    fn against_best(&self) -> Result<Option<AgainstBest>> {
        let Some(fusion) = &self.fusion else { return Ok(None) };
        let eer = |resampled: &Resampled<OF_SCORES>| resampled.error_rates().eer.point;
        let Some((encoder, best)) = self.encoders.iter().min_by(|(_, a), (_, b)| eer(a).total_cmp(&eer(b))) else {
            return Ok(None);
        };
        Ok(Some(AgainstBest { encoder, eer: fusion.difference(best, Figure::Eer)? }))
    }
}

/// Figures by the values of a column.
fn groups(
    column: &str,
    clips: &[&Listed],
    trials: &[Trial],
    models: &[super::scoring::Model],
    scores: &Scores,
    sides: &Sides<'_>,
    threads: usize,
) -> Result<Vec<Group>> {
    let cell = |clip: u32| clips.get(clip as usize).map(|clip| clip.group.as_str()).unwrap_or_default();
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
