//! The trials of one band as a table of numbers, and a fit to some of them.
//!
//! It sees cosines, labels and weights; which trials there are is for `material`, which of them test a fit for
//! `speakers` and `groups`.

use super::CalibrateSettings;
use super::material::{FitTrials, Material, State};
use super::weights::{Cell, balanced};
use crate::calibration::bootstrap::Draws;
use crate::calibration::fusion::{Method, TrialTerms, agreed, parts, reliance};
use crate::calibration::gaussian::BiGaussian;
use crate::calibration::logistic::{LabelledRows, Logistic, LogisticSettings};
use crate::calibration::pav::Pav;
use crate::encoder::{Band, Encoder};
use crate::error::{Error, ErrorKind, Result, Shortage};
use crate::library::batch;
use crate::library::validate::evaluate::ClipLeftOut;
use crate::library::validate::labelled::missing;
use crate::library::validate::scoring::Scorer;
use crate::random::SplitMix;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Fewer speakers are no population to generalise from.
const LEAST_SPEAKERS: usize = 10;

/// The numbers of all trials of one band.
pub(super) struct Table {
    encoders: Vec<Encoder>,
    /// Cosines, a row a trial with a number an encoder.
    cosines: Vec<f64>,
    /// How noisy the worse side of each trial is, 0 to 1.
    noisiness: Vec<f64>,
    pub targets: Vec<bool>,
    pub weights: Vec<f64>,
    /// Speakers of the model and the clip, as numbered in `speakers`.
    pub sides: Vec<[u32; 2]>,
    /// The numbers that the speakers have in the labels.
    pub speakers: Vec<u32>,
    /// The group of each trial by the first column of groups, numbered from 0; all 0 without one.
    groups: Vec<u32>,
    /// The reference's first clip and the tested clip of each trial.
    pub clips: Vec<[u32; 2]>,
    /// Both sides are as they are, and the reference is one clip.
    pub plain: Vec<bool>,
}

/// What a fit gives, without bounds, interval and ranges.
#[derive(Clone, Debug)]
pub(super) struct Fitted {
    pub neutral: Vec<f64>,
    pub map: Logistic,
    pub pav: Pav,
    pub bi_gaussian: BiGaussian,
}

impl Fitted {
    /// A sum as a ratio by a method.
    pub fn ratio(&self, method: Method, sum: f64) -> Option<f64> {
        match method {
            Method::Logistic => Some(sum),
            Method::Pav => self.pav.apply(sum),
            Method::BiGaussian => self.bi_gaussian.apply(sum),
        }
    }

    /// The sum of a trial that is none of the table.
    pub fn sum(&self, encoders: &[Encoder], terms: &TrialTerms) -> Option<f64> {
        Some(agreed(&parts(&self.map, &terms.row(encoders, &self.neutral)?)?))
    }
}

impl Table {
    pub fn new(
        material: &Material,
        trials: &FitTrials,
        scorer: &Scorer<'_>,
        band: Band,
        encoders: Vec<Encoder>,
        groups: &[usize],
    ) -> Result<Self> {
        let mut table = Table {
            encoders,
            cosines: Vec::new(),
            noisiness: Vec::new(),
            targets: Vec::new(),
            weights: Vec::new(),
            sides: Vec::new(),
            speakers: Vec::new(),
            groups: Vec::new(),
            clips: Vec::new(),
            plain: Vec::new(),
        };
        let mut numbers: HashMap<u32, u32> = HashMap::new();
        let mut names: HashMap<(usize, &str), u32> = HashMap::new();
        let mut cells: Vec<Cell> = Vec::new();
        for trial in &trials.trials {
            let Some(model) = trials.models.get(trial.model as usize) else { continue };
            let (Some(first), Some(listed)) = (model.clips.first(), material.listed(trial.clip)) else { continue };
            let Some(terms) = scorer.terms(trial, band) else { continue };
            let cosines: Option<Vec<f64>> = table.encoders.iter().map(|e| terms.cosines.get(*e).copied()).collect();
            let Some(cosines) = cosines else { continue };
            table.cosines.extend(cosines);
            table.noisiness.push(terms.noisiness());
            table.targets.push(trial.target);
            let mut number = |speaker: u32| {
                *numbers.entry(speaker).or_insert_with(|| {
                    table.speakers.push(speaker);
                    table.speakers.len() as u32 - 1
                })
            };
            let sides = [number(model.speaker), number(listed.speaker)];
            table.sides.push(sides);
            table.clips.push([*first, trial.clip]);
            let state = |clip: &u32| material.states.get(*clip as usize).copied().unwrap_or(State::AsItIs);
            let states = || model.clips.iter().chain([&trial.clip]).map(state);
            table.plain.push(model.clips.len() == 1 && states().all(|state| state == State::AsItIs));
            let mut levels: Vec<u32> = Vec::new();
            for place in groups {
                let next = names.len() as u32;
                levels.push(*names.entry((*place, material.cell(trial.clip, *place))).or_insert(next));
            }
            table.groups.push(levels.first().copied().unwrap_or(0));
            levels.extend([sides[1], u32::from(model.clips.len() > 1)]);
            cells.push(Cell { target: trial.target, levels, state: states().max().unwrap_or(State::AsItIs) });
        }
        table.weights = balanced(&cells);
        if table.speakers.len() < LEAST_SPEAKERS {
            return Err(too_few(table.speakers.len(), &material.left_out));
        }
        Ok(table)
    }

    fn width(&self) -> usize {
        self.encoders.len().max(1)
    }

    /// The cosine at which an encoder alone is neutral, by a fit to trials with these weights.
    fn neutral(&self, settings: &CalibrateSettings, place: usize, weights: &[f64]) -> Result<f64> {
        let cosines: Vec<f64> = self.cosines.iter().skip(place).step_by(self.width()).copied().collect();
        let map = self.logistic(settings, &cosines, &[place], weights, None)?;
        match map.coefficients.first() {
            Some(weight) if *weight > 0.0 => Ok((-map.intercept / weight).clamp(-1.0, 1.0)),
            _ => Ok(0.0),
        }
    }

    /// A regression of these features, of the encoders at `places`.
    fn logistic(
        &self,
        settings: &CalibrateSettings,
        features: &[f64],
        places: &[usize],
        weights: &[f64],
        start: Option<&Logistic>,
    ) -> Result<Logistic> {
        let width = places.len();
        let rows = LabelledRows { features, width, targets: &self.targets, weights: Some(weights) };
        let ridge = |place: &usize| self.encoders.get(*place).map_or(0.0, |encoder| settings.ridge.of(*encoder));
        let logistic = LogisticSettings {
            prior: settings.prior,
            ridge: 0.0,
            plain_ridge: places.iter().map(ridge).collect(),
            non_negative: (0..width).collect(),
        };
        Logistic::fit_from(&rows, &logistic, start)
    }

    /// The numbers that a map reads, a row a trial.
    fn features(&self, neutral: &[f64]) -> Vec<f64> {
        let n = self.width();
        let rows = self.cosines.chunks_exact(n).zip(&self.noisiness);
        let row = |(cosines, noisiness): (&[f64], &f64)| {
            let numbers = cosines.iter().zip(neutral).enumerate();
            let number =
                |(i, (cosine, neutral)): (usize, (&f64, &f64))| (cosine - neutral) * reliance(i, n, *noisiness);
            numbers.map(number).collect::<Vec<f64>>()
        };
        rows.flat_map(row).collect()
    }

    /// A fit to trials with these weights; those of weight 0 are not seen.
    pub fn fit(&self, settings: &CalibrateSettings, weights: &[f64], start: Option<&Fitted>) -> Result<Fitted> {
        let places: Vec<usize> = (0..self.width()).collect();
        let neutral = places.iter().map(|place| self.neutral(settings, *place, weights)).collect::<Result<Vec<_>>>()?;
        let features = self.features(&neutral);
        let map = self.logistic(settings, &features, &places, weights, start.map(|fitted| &fitted.map))?;
        let mut sums = [Vec::new(), Vec::new()];
        for (i, (weight, row)) in weights.iter().zip(features.chunks_exact(self.width())).enumerate() {
            let target = self.targets.get(i) == Some(&true);
            let [targets, non_targets] = &mut sums;
            if let Some(parts) = parts(&map, row).filter(|_| *weight > 0.0) {
                if target { targets } else { non_targets }.push((agreed(&parts), *weight));
            }
        }
        let [targets, non_targets] = &sums;
        let (pav, bi_gaussian) = (Pav::fit(targets, non_targets)?, BiGaussian::fit(targets, non_targets)?);
        Ok(Fitted { neutral, map, pav, bi_gaussian })
    }

    /// Maps of resamples: of groups and of speakers at once, each with replacement, so that a trial counts as often as
    /// its group and its speakers were drawn together (Owen, "The pigeonhole bootstrap", 2007).
    pub fn replicates(&self, settings: &CalibrateSettings, fitted: &Fitted, threads: usize) -> Result<Vec<Logistic>> {
        let features = self.features(&fitted.neutral);
        let places: Vec<usize> = (0..self.width()).collect();
        let groups: BTreeSet<u32> = self.groups.iter().copied().collect();
        let groups: Vec<u32> = groups.into_iter().collect();
        let draws = Draws::fewer(self.speakers.len());
        let maps = batch::map(draws.resamples(), threads, |draw| {
            let drawn = draws.weights(draw)?;
            let times = |speaker: u32| drawn.get(speaker as usize).copied().map_or(0.0, f64::from);
            let of_group = drawn_groups(&groups, draw);
            let trials = self.sides.iter().zip(&self.groups).zip(&self.weights).zip(&self.targets);
            let weights = trials.map(|((([a, b], group), weight), target)| {
                let group = of_group.get(group).copied().unwrap_or(0.0);
                weight * group * if *target { times(*b) } else { times(*a) * times(*b) }
            });
            let weights: Vec<f64> = weights.collect();
            self.logistic(settings, &features, &places, &weights, Some(&fitted.map)).ok().map(rounded)
        })?;
        Ok(maps.into_iter().flatten().collect())
    }

    /// Sums of those trials that pass.
    pub fn sums(&self, fitted: &Fitted, pass: impl Fn(usize) -> bool) -> Vec<(usize, f64)> {
        let n = self.width();
        let rows = self.cosines.chunks_exact(n).zip(&self.noisiness).enumerate().filter(|(i, _)| pass(*i));
        let sum = |(i, (cosines, noisiness)): (usize, (&[f64], &f64))| {
            let numbers = cosines.iter().zip(&fitted.neutral).enumerate();
            let row: Vec<f64> =
                numbers.map(|(i, (cosine, neutral))| (cosine - neutral) * reliance(i, n, *noisiness)).collect();
            Some((i, agreed(&parts(&fitted.map, &row)?)))
        };
        rows.filter_map(sum).collect()
    }

    pub fn encoders(&self) -> &[Encoder] {
        &self.encoders
    }
}

/// How often each group was drawn; one group is there every time.
fn drawn_groups(groups: &[u32], draw: usize) -> BTreeMap<u32, f64> {
    if groups.len() < 2 {
        return groups.iter().map(|group| (*group, 1.0)).collect();
    }
    let mut random = SplitMix::of(&["groups", &draw.to_string()]);
    let mut times: BTreeMap<u32, f64> = BTreeMap::new();
    for _ in groups {
        groups.get(random.below(groups.len())).iter().for_each(|group| *times.entry(**group).or_default() += 1.0);
    }
    times
}

/// Six decimals are more than a resample is worth.
fn rounded(map: Logistic) -> Logistic {
    let round = |x: f64| (x * 1e6).round() / 1e6;
    Logistic { intercept: round(map.intercept), coefficients: map.coefficients.into_iter().map(round).collect() }
}

/// Says how many speakers there are, and why clips of others are missing.
fn too_few(speakers: usize, left_out: &[ClipLeftOut]) -> Error {
    let found = format!("{speakers} speakers in pairs{}", missing(left_out));
    let expected = format!("at least {LEAST_SPEAKERS}");
    ErrorKind::Insufficient { what: Shortage::Calibration, found, expected }.into()
}
