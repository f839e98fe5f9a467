//! The trials of one band as a table of numbers: their weights, the fit, and its cross-validation.
//!
//! It sees scores, labels and weights; which trials there are is for `material`.

use super::CalibrateSettings;
use super::material::{FitTrials, Material, OUTERMOST, State};
use crate::calibration::bootstrap::{Draws, NonTargetTrial, Resampler, TargetTrial, Trials};
use crate::calibration::bounds::Bounds;
use crate::calibration::fusion::{Fusion, Method};
use crate::calibration::gaussian::BiGaussian;
use crate::calibration::logistic::{LabelledRows, Logistic, LogisticSettings};
use crate::calibration::metrics::{FusionRates, cllr, cllr_min, equal_error_rate};
use crate::calibration::pav::Pav;
use crate::calibration::ranges::{Range, Ranges};
use crate::encoder::{Band, Encoder, PerEncoder};
use crate::error::{Error, ErrorKind, Result, Shortage};
use crate::library::batch;
use crate::library::validate::calibration_file::{BandFit, CrossValidation, FitCounts, Validated, ValidatedRatios};
use crate::library::validate::evaluate::ClipLeftOut;
use crate::library::validate::labelled::missing;
use crate::library::validate::scoring::Scorer;
use crate::random::SplitMix;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Parts that the speakers are divided into for cross-validation. Every two parts are left out together, so that each
/// trial of two speakers is scored by a fit that has seen neither.
const FOLDS: usize = 8;
/// Fewer speakers are no population to generalise from.
const LEAST_SPEAKERS: usize = 10;
/// Share of a speaker's weight that trials with a spoilt side have: recordings of a case are mostly sound.
const SPOILT: f64 = 0.05;

/// The numbers of all trials of one band.
pub(super) struct Table {
    features: Vec<f64>,
    width: usize,
    scores: usize,
    targets: Vec<bool>,
    weights: Vec<f64>,
    seen: Vec<Range>,
    /// Speakers of the model and the clip, numbered from 0.
    speakers: Vec<(u32, u32)>,
    /// Corpus of each speaker.
    corpora: Vec<String>,
    /// Both sides are as they are, and the reference is one clip.
    plain: Vec<bool>,
}

/// Some trials of a table: their sums and labels.
#[derive(Default)]
struct Sums {
    targets: Vec<(f64, f64)>,
    non_targets: Vec<(f64, f64)>,
}

impl Table {
    pub fn new(
        material: &Material,
        trials: &FitTrials,
        scorer: &Scorer<'_>,
        band: Band,
        encoders: &[Encoder],
    ) -> Result<Self> {
        let mut table = Table {
            features: Vec::new(),
            width: 0,
            scores: 2 * encoders.len(),
            targets: Vec::new(),
            weights: Vec::new(),
            seen: Vec::new(),
            speakers: Vec::new(),
            corpora: Vec::new(),
            plain: Vec::new(),
        };
        let mut numbers: HashMap<u32, u32> = HashMap::new();
        let mut cells: Vec<Cell> = Vec::new();
        for trial in &trials.trials {
            let (Some(model), Some(clip)) = (trials.models.get(trial.model as usize), material.listed(trial.clip))
            else {
                continue;
            };
            let row = scorer.terms(trial, band).and_then(|terms| terms.row(encoders.iter().copied()));
            let Some(row) = row else { continue };
            table.width = row.len();
            table.features.extend(row);
            table.targets.push(trial.target);
            let mut number = |speaker: u32, corpus: &str| {
                let next = numbers.len() as u32;
                *numbers.entry(speaker).or_insert_with(|| {
                    table.corpora.push(corpus.into());
                    next
                })
            };
            let enrolled = model.clips.first().and_then(|clip| material.listed(*clip));
            let a = number(model.speaker, enrolled.map(|clip| clip.group.as_str()).unwrap_or_default());
            let b = number(clip.speaker, &clip.group);
            table.speakers.push((a, b));
            let state = |clip: &u32| material.states.get(*clip as usize).copied().unwrap_or(State::AsItIs);
            let states = || model.clips.iter().chain([&trial.clip]).map(state);
            table.plain.push(model.clips.len() == 1 && states().all(|state| state == State::AsItIs));
            let spoilt = states().any(|state| state == State::Spoilt);
            let (target, several) = (trial.target, model.clips.len() > 1);
            cells.push(Cell { target, corpus: clip.group.clone(), speaker: b, several, spoilt });
        }
        table.weights = balanced(&cells);
        table.seen = table.clamp();
        let speakers = table.corpora.len();
        if speakers < LEAST_SPEAKERS {
            return Err(too_few(speakers, &material.left_out));
        }
        Ok(table)
    }

    /// Brings quality terms into the range that most trials have, and tells the range of every column.
    fn clamp(&mut self) -> Vec<Range> {
        let width = self.width.max(1);
        let column = |features: &[f64], j: usize| features.iter().skip(j).step_by(width).copied().collect::<Vec<f64>>();
        let seen: Vec<Range> = (0..self.width)
            .map(|j| {
                let outermost = if j < self.scores { 0.0 } else { OUTERMOST };
                Range::of(column(&self.features, j), outermost).unwrap_or(Range { low: 0.0, high: 0.0 })
            })
            .collect();
        for row in self.features.chunks_exact_mut(width) {
            row.iter_mut().zip(&seen).for_each(|(x, seen)| *x = x.clamp(seen.low, seen.high));
        }
        seen
    }

    fn map(&self, settings: &CalibrateSettings, weights: &[f64], start: Option<&Logistic>) -> Result<Logistic> {
        let rows = LabelledRows {
            features: &self.features,
            width: self.width,
            targets: &self.targets,
            weights: Some(weights),
        };
        let non_negative = (0..self.scores).collect();
        let logistic = LogisticSettings { prior: settings.prior, ridge: settings.ridge, non_negative };
        Logistic::fit_from(&rows, &logistic, start)
    }

    /// Sums of those trials that pass, with their weights.
    fn sums(&self, map: &Logistic, pass: impl Fn(usize) -> bool) -> Sums {
        let mut sums = Sums::default();
        let rows = self.features.chunks_exact(self.width.max(1));
        for (i, ((row, target), weight)) in rows.zip(&self.targets).zip(&self.weights).enumerate() {
            if let Some(sum) = map.llr(row).filter(|_| pass(i)) {
                if *target { &mut sums.targets } else { &mut sums.non_targets }.push((sum, *weight));
            }
        }
        sums
    }

    pub fn fit(
        &self,
        settings: &CalibrateSettings,
        fingerprints: PerEncoder<String>,
        ranges: Ranges,
        material: &Material,
        threads: usize,
    ) -> Result<BandFit> {
        let map = self.map(settings, &self.weights, None)?;
        let CrossValidated { validation, rates, ratios, bounds } = self.cross_validate(settings, &map, threads)?;
        let whole = self.sums(&map, |_| true);
        let draws = Draws::fewer(self.corpora.len());
        let replicates =
            batch::map(draws.resamples(), threads, |draw| {
                let drawn = draws.weights(draw)?;
                let times = |speaker: u32| drawn.get(speaker as usize).copied().map_or(0.0, f64::from);
                let weights =
                    self.speakers.iter().zip(&self.weights).zip(&self.targets).map(|(((a, b), weight), target)| {
                        weight * if *target { times(*b) } else { times(*a) * times(*b) }
                    });
                self.map(settings, &weights.collect::<Vec<f64>>(), Some(&map)).ok().map(rounded)
            })?;
        let fusion = Fusion {
            fingerprints,
            seen: self.seen.clone(),
            replicates: replicates.into_iter().flatten().collect(),
            method: settings.method,
            pav: Pav::fit(&whole.targets, &whole.non_targets)?,
            bi_gaussian: BiGaussian::fit(&whole.targets, &whole.non_targets)?,
            bounds,
            ranges,
            map,
        };
        let count = |target: bool| self.targets.iter().filter(|t| **t == target).count();
        Ok(BandFit {
            trials: FitCounts {
                clips: material.originals,
                copies: material.clips.len() - material.originals,
                speakers: self.corpora.len(),
                target: count(true),
                non_target: count(false),
            },
            validation,
            rates: Some(rates),
            ratios: Some(ratios),
            fusion,
        })
    }

    /// The part of each speaker: the speakers of a corpus go round all parts.
    fn folds(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.corpora.len()).collect();
        let key = |speaker: &usize| (self.corpora.get(*speaker), SplitMix(*speaker as u64).next());
        order.sort_by_key(key);
        let mut folds = vec![0; order.len()];
        for (place, speaker) in order.into_iter().enumerate() {
            if let Some(fold) = folds.get_mut(speaker) {
                *fold = place % FOLDS;
            }
        }
        folds
    }

    /// Ratios of speakers that a fit has not seen, by all methods; and the bounds that they support.
    fn cross_validate(&self, settings: &CalibrateSettings, start: &Logistic, threads: usize) -> Result<CrossValidated> {
        let folds = self.folds();
        let pairs: Vec<(usize, usize)> = (0..FOLDS).flat_map(|i| (i..FOLDS).map(move |j| (i, j))).collect();
        let parts = batch::map(pairs.len(), threads, |pair| {
            self.scored_by_others(settings, start, &folds, pairs.get(pair).copied().unwrap_or_default())
        })?;
        let parts = parts.into_iter().collect::<Result<Vec<Part>>>()?;
        let [targets, non_targets] = &llrs(&parts, |part| &part.unaltered, settings.method);
        let even = |llrs: &[f64]| llrs.iter().map(|llr| (*llr, 1.0)).collect::<Vec<_>>();
        let bounds = Bounds::elub(&even(targets), &even(non_targets), f64::INFINITY)?;
        let [logistic, pav, bi_gaussian] =
            [Method::Logistic, Method::Pav, Method::BiGaussian].map(|method| llrs(&parts, |part| &part.test, method));
        let used = match settings.method {
            Method::Logistic => &logistic,
            Method::Pav => &pav,
            Method::BiGaussian => &bi_gaussian,
        };
        let clipped = used.each_ref().map(|llrs| llrs.iter().map(|llr| bounds.clip(*llr)).collect::<Vec<f64>>());
        let [targets, non_targets] = &clipped;
        let validation = CrossValidation {
            folds: FOLDS,
            target: targets.len(),
            non_target: non_targets.len(),
            logistic: validated(&logistic)?,
            pav: validated(&pav)?,
            bi_gaussian: validated(&bi_gaussian)?,
            bounded: validated(&clipped)?,
        };
        let rates = rates(&self.bounded_trials(&parts, settings.method, &bounds), threads)?;
        Ok(CrossValidated { validation, rates, ratios: ValidatedRatios::of(targets, non_targets), bounds })
    }

    /// The trials whose speakers lie in two parts, by a fit that has seen neither part.
    fn scored_by_others(
        &self,
        settings: &CalibrateSettings,
        start: &Logistic,
        folds: &[usize],
        (first, second): (usize, usize),
    ) -> Result<Part> {
        let of = |speaker: u32| folds.get(speaker as usize).copied().unwrap_or(0);
        let left_out = |speaker: u32| [first, second].contains(&of(speaker));
        let apart = |i: usize| self.speakers.get(i).is_some_and(|(a, b)| !left_out(*a) && !left_out(*b));
        let inside = |i: usize| {
            let folds = self.speakers.get(i).map(|(a, b)| (of(*a).min(of(*b)), of(*a).max(of(*b))));
            folds == Some((first, second))
        };
        let weights = self.weights.iter().enumerate().map(|(i, weight)| if apart(i) { *weight } else { 0.0 });
        let map = self.map(settings, &weights.collect::<Vec<f64>>(), Some(start))?;
        let train = self.sums(&map, apart);
        let plain = |i: usize| inside(i) && self.plain.get(i) == Some(&true);
        Ok(Part {
            test: self.sums(&map, inside),
            unaltered: self.sums(&map, plain),
            tested: self.tested(&map, inside),
            pav: Pav::fit(&train.targets, &train.non_targets)?,
            bi_gaussian: BiGaussian::fit(&train.targets, &train.non_targets)?,
        })
    }

    /// All trials with their ratios within the bounds.
    fn bounded_trials(&self, parts: &[Part], method: Method, bounds: &Bounds) -> Trials {
        let mut trials = Trials { speakers: self.corpora.len(), ..Default::default() };
        for part in parts {
            for (sum, target, (a, b)) in &part.tested {
                match part.llr(method, *sum).map(|llr| bounds.clip(llr)) {
                    Some(score) if *target => trials.targets.push(TargetTrial { score, speaker: *b, weight: 1.0 }),
                    Some(score) => trials.non_targets.push(NonTargetTrial { score, speakers: [*a, *b], weight: 1.0 }),
                    None => {}
                }
            }
        }
        trials
    }

    /// Sum, kind and speakers of those trials that pass.
    fn tested(&self, map: &Logistic, pass: impl Fn(usize) -> bool) -> Vec<(f64, bool, (u32, u32))> {
        let rows = self.features.chunks_exact(self.width.max(1)).zip(&self.targets).zip(&self.speakers).enumerate();
        let passing = rows.filter(|(i, _)| pass(*i));
        passing.filter_map(|(_, ((row, target), speakers))| Some((map.llr(row)?, *target, *speakers))).collect()
    }
}

/// The trials of two parts, and what turns their sums into ratios, fitted on the other parts.
struct Part {
    test: Sums,
    /// Those with both sides as they are and a reference of one clip.
    unaltered: Sums,
    /// Sum, kind and speakers of each.
    tested: Vec<(f64, bool, (u32, u32))>,
    pav: Pav,
    bi_gaussian: BiGaussian,
}

impl Part {
    fn llr(&self, method: Method, sum: f64) -> Option<f64> {
        match method {
            Method::Logistic => Some(sum),
            Method::Pav => self.pav.apply(sum),
            Method::BiGaussian => self.bi_gaussian.apply(sum),
        }
    }
}

/// Ratios of targets and of non-targets, part after part.
fn llrs(parts: &[Part], of: impl Fn(&Part) -> &Sums, method: Method) -> [Vec<f64>; 2] {
    let side = |side: fn(&Sums) -> &Vec<(f64, f64)>| {
        parts.iter().flat_map(|part| side(of(part)).iter().filter_map(|(sum, _)| part.llr(method, *sum))).collect()
    };
    [side(|sums| &sums.targets), side(|sums| &sums.non_targets)]
}

/// What a cross-validation gave.
struct CrossValidated {
    validation: CrossValidation,
    rates: FusionRates,
    ratios: ValidatedRatios,
    bounds: Bounds,
}

/// Figures with their intervals over speakers.
fn rates(trials: &Trials, threads: usize) -> Result<FusionRates> {
    let draws = Draws::new(trials.speakers, trials.count());
    let resampler = Resampler::of_llrs(trials, &draws)?;
    let figures = batch::map(resampler.len(), threads, |index| resampler.figures(index))?;
    Ok(resampler.collect(figures)?.fusion_rates())
}

fn validated([targets, non_targets]: &[Vec<f64>; 2]) -> Result<Validated> {
    Ok(Validated {
        cllr: cllr(targets, non_targets)?,
        cllr_min: cllr_min(targets, non_targets)?,
        eer: equal_error_rate(targets, non_targets)?,
    })
}

/// What decides how much a trial counts.
struct Cell {
    target: bool,
    corpus: String,
    speaker: u32,
    /// The reference is made of several clips.
    several: bool,
    /// A side of it is spoilt.
    spoilt: bool,
}

/// Weights by which each kind of trial, in it each corpus, in it each speaker and there each size of reference count
/// the same, and spoilt trials [`SPOILT`] of it.
fn balanced(cells: &[Cell]) -> Vec<f64> {
    let mut corpora: BTreeMap<bool, BTreeSet<&str>> = BTreeMap::new();
    let mut speakers: BTreeMap<(bool, &str), BTreeSet<u32>> = BTreeMap::new();
    let mut sizes: BTreeMap<(bool, u32), BTreeSet<bool>> = BTreeMap::new();
    let mut trials: BTreeMap<(bool, u32, bool), [f64; 2]> = BTreeMap::new();
    for Cell { target, corpus, speaker, several, spoilt } in cells {
        corpora.entry(*target).or_default().insert(corpus);
        speakers.entry((*target, corpus)).or_default().insert(*speaker);
        sizes.entry((*target, *speaker)).or_default().insert(*several);
        let [sound, bad] = trials.entry((*target, *speaker, *several)).or_default();
        *if *spoilt { bad } else { sound } += 1.0;
    }
    let weight = |Cell { target, corpus, speaker, several, spoilt }: &Cell| {
        let corpora = corpora.get(target).map_or(1, BTreeSet::len);
        let speakers = speakers.get(&(*target, corpus.as_str())).map_or(1, BTreeSet::len);
        let sizes = sizes.get(&(*target, *speaker)).map_or(1, BTreeSet::len);
        let [sound, bad] = trials.get(&(*target, *speaker, *several)).copied().unwrap_or([1.0, 1.0]);
        let share = match *spoilt {
            true if sound > 0.0 => SPOILT / bad,
            false if bad > 0.0 => (1.0 - SPOILT) / sound,
            _ => 1.0 / (sound + bad),
        };
        share / (corpora * speakers * sizes) as f64
    };
    cells.iter().map(weight).collect()
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
