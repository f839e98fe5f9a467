//! Labelled clips to a calibration: trials as the product makes them, the fit, and its cross-validation.
//!
//! Trials are made with one, a few and all of a speaker's clips as the reference and with altered copies of
//! both sides, so that the ratio knows what short, noisy and few recordings are worth. Each corpus counts the same, in
//! it each speaker, and for each speaker references of one and of several clips, whatever the numbers of trials.

use super::batch::{self, BatchOptions};
use super::calibration_file::{
    BandFit, Calibration, CrossValidation, FORMAT, FORMAT_VERSION, FitCounts, Validated, ValidatedRatios,
};
use super::copies::copies;
use super::evaluate::LeftOut;
use super::labelled::{Labelled, missing};
use super::labels::{Labels, Listed, Pairs};
use super::outcome::VERSION;
use super::scoring::{EncodedClip, Model, Narrow, Scorer, Trial, encode};
use crate::audio::NARROW_BAND_HZ;
use crate::calibration::bootstrap::{Draws, MANY_TRIALS, Resampler, Trials};
use crate::calibration::bounds::Bounds;
use crate::calibration::fusion::{Fusion, Method, Range, Ranges};
use crate::calibration::gaussian::BiGaussian;
use crate::calibration::logistic::{LabelledRows, Logistic, LogisticSettings};
use crate::calibration::metrics::{FusionRates, cllr, cllr_min, equal_error_rate};
use crate::calibration::pav::Pav;
use crate::encoder::{Band, Encoder, NARROW_BAND_TOP_HZ, Panel, Refusal};
use crate::error::{Error, ErrorKind, Result};
use crate::random::SplitMix;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Parts that the speakers are divided into for cross-validation. Every two parts are left out together, so that each
/// trial of two speakers is scored by a fit that has seen neither.
const FOLDS: usize = 8;
/// Fewer speakers are no population to generalise from.
const LEAST_SPEAKERS: usize = 10;
/// References of several clips that are drawn for each speaker and size.
const DRAWN_REFERENCES: usize = 4;
/// Pairs of two voices that are drawn for each reference of one clip, and of several.
const NON_TARGETS: [usize; 2] = [40, 120];
/// Share of clips at the bad end that does not make the range wider.
const OUTERMOST: f64 = 0.01;
/// Share of a speaker's weight that trials with a spoilt side have: recordings of a case are mostly sound.
const SPOILT: f64 = 0.05;
/// Clips and copies with less speech are not fitted on, seconds.
const LEAST_SPEECH_S: f64 = 0.5;

/// What a calibration is fitted for.
#[derive(Clone, Debug)]
pub struct CalibrateSettings {
    /// Name of the condition.
    pub condition: String,
    /// What is compared with what.
    pub pairs: Pairs,
    /// The trials, for the reader.
    pub source: String,
    /// Language of the speech.
    pub language: Option<String>,
    /// What turns the sum into the ratio.
    pub method: Method,
    /// Probability of a target that trials are weighted to.
    pub prior: f64,
    /// Weight of the regularisation.
    pub ridge: f64,
    /// Whether altered copies are used.
    pub copies: bool,
}

/// Weight of the regularisation where none is given: on the flat bottom between fits and tests of different corpora.
pub const RIDGE: f64 = 2e-4;

/// A calibration that was fitted, with what was left out of it.
#[derive(Clone, Debug)]
pub struct Calibrated {
    /// The calibration, to be written.
    pub calibration: Calibration,
    /// Clips that were not fitted to, and why.
    pub left_out: Vec<LeftOut>,
}

/// Fits a calibration.
///
/// # Errors
/// Where there are too few speakers or trials of a kind, a setting is outside its range, or so many threads cannot be
/// had.
pub fn calibrate(
    panel: &Panel,
    labels: &Labels,
    settings: &CalibrateSettings,
    options: &BatchOptions<'_>,
) -> Result<Calibrated> {
    if !(settings.prior > 0.0 && settings.prior < 1.0) {
        let (found, expected) = (settings.prior.to_string(), "above 0 and below 1".into());
        return Err(ErrorKind::Setting { name: "weighted-to", found, expected }.into());
    }
    let material = Material::gather(panel, labels, settings, options)?;
    let trials = material.trials(labels, settings.pairs);
    let scorer = Scorer::new(&material.clips, &trials.models);
    let fit = |band| {
        let fingerprints = match band {
            Band::Wide => panel.fingerprints().clone(),
            Band::Narrow => panel.narrow()?.fingerprints().clone(),
        };
        let encoders: Vec<Encoder> = fingerprints.encoders().collect();
        let table = Table::new(&material, &trials, &scorer, band, &encoders)?;
        let ranges = material.ranges(band, &trials.models);
        table.fit(settings, fingerprints, ranges, &material, options.threads)
    };
    let [first, second] = settings.pairs.propositions();
    let calibration = Calibration {
        format: FORMAT.into(),
        version: FORMAT_VERSION,
        program: VERSION.into(),
        condition: settings.condition.clone(),
        propositions: [first.into(), second.into()],
        pairs: settings.pairs,
        language: settings.language.clone(),
        source: settings.source.clone(),
        prior: settings.prior,
        ridge: settings.ridge,
        wide: fit(Band::Wide)?,
        narrow: fit(Band::Narrow)?,
    };
    Ok(Calibrated { calibration, left_out: material.left_out })
}

/// Encoded clips and copies with their labels.
struct Material {
    clips: Vec<EncodedClip>,
    /// Place of the listed clip that each is or was made of.
    sources: Vec<u32>,
    listed: Vec<Listed>,
    /// Number of clips that are no copies.
    originals: usize,
    /// What was done to each.
    states: Vec<State>,
    /// Clips that cannot be used.
    left_out: Vec<LeftOut>,
}

/// What was done to a clip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    AsItIs,
    Cut,
    Spoilt,
}

impl Material {
    fn gather(
        panel: &Panel,
        labels: &Labels,
        settings: &CalibrateSettings,
        options: &BatchOptions<'_>,
    ) -> Result<Self> {
        let gathered = Labelled::gather(panel, labels, settings.pairs, Narrow::Always, enough_speech, options)?;
        let originals = gathered.clips.len();
        let mut material = Material {
            sources: (0..originals as u32).collect(),
            states: vec![State::AsItIs; originals],
            clips: gathered.clips,
            listed: gathered.listed,
            originals,
            left_out: gathered.left_out,
        };
        if settings.copies {
            let (mut of, mut work) = (Vec::new(), Vec::new());
            for (place, (clip, encoded)) in (0u32..).zip(material.listed.iter().zip(&material.clips)) {
                for copy in copies(encoded) {
                    of.push((place, if copy.spoilt { State::Spoilt } else { State::Cut }));
                    work.push((clip.path.clone(), copy.variation));
                }
            }
            for ((place, state), encoded) in of.into_iter().zip(encode(panel, &work, Narrow::Always, options)?) {
                let Ok(encoded) = encoded.and_then(enough_speech) else { continue };
                material.sources.push(place);
                material.clips.push(encoded);
                material.states.push(state);
            }
        }
        Ok(material)
    }

    fn listed(&self, clip: u32) -> Option<&Listed> {
        self.listed.get(*self.sources.get(clip as usize)? as usize)
    }

    /// Clips and copies of each listed clip.
    fn by_source(&self) -> Vec<Vec<u32>> {
        let mut by_source = vec![Vec::new(); self.listed.len()];
        for (clip, source) in (0u32..).zip(&self.sources) {
            if let Some(all) = by_source.get_mut(*source as usize) {
                all.push(clip);
            }
        }
        by_source
    }

    fn trials(&self, labels: &Labels, pairs: Pairs) -> FitTrials {
        match labels {
            Labels::Manifest { .. } => self.drawn(pairs),
            Labels::Trials { .. } => self.named(labels, pairs),
        }
    }

    /// The trials of a list, with every combination of copies of the two sides that have one place: as it is with as it
    /// is, first copy with first copy, and each altered side with the other as it is.
    fn named(&self, labels: &Labels, pairs: Pairs) -> FitTrials {
        let clips: Vec<&Listed> = self.listed.iter().collect();
        let set = labels.trials(&clips, pairs, 1);
        let by_source = self.by_source();
        let copies = |clip: u32| by_source.get(clip as usize).map(Vec::as_slice).unwrap_or_default();
        let models = (0u32..).zip(&self.sources).map(|(clip, source)| Model {
            clips: vec![clip],
            speaker: clips.get(*source as usize).map_or(0, |clip| clip.speaker),
        });
        let mut trials = Vec::new();
        for trial in &set.trials {
            let (a, b) = (copies(trial.model), copies(trial.clip));
            let (Some(first_a), Some(first_b)) = (a.first(), b.first()) else { continue };
            let mut add = |model: u32, clip: u32| trials.push(Trial { model, clip, target: trial.target });
            a.iter().zip(b).for_each(|(a, b)| add(*a, *b));
            a.iter().skip(1).for_each(|a| add(*a, *first_b));
            b.iter().skip(1).for_each(|b| add(*first_a, *b));
        }
        FitTrials { models: models.collect(), trials }
    }

    /// References of one, a few and all of a speaker's clips, each against every clip and copy of the speaker's that it
    /// was not made of, and against others that are drawn.
    fn drawn(&self, pairs: Pairs) -> FitTrials {
        let (enrolled, tested) = (pairs.enrolled(), pairs.tested());
        let by_source = self.by_source();
        let copies = |source: u32| by_source.get(source as usize).map(Vec::as_slice).unwrap_or_default();
        let mut by_speaker: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        for (source, clip) in (0u32..).zip(&self.listed).filter(|(_, clip)| clip.kind == Some(enrolled)) {
            by_speaker.entry(clip.speaker).or_default().push(source);
        }
        let mut models: Vec<Model> = Vec::new();
        for (speaker, sources) in &by_speaker {
            let mut random = SplitMix::of(&["references", &speaker.to_string()]);
            let single = sources.iter().flat_map(|source| copies(*source));
            models.extend(single.map(|clip| Model { clips: vec![*clip], speaker: *speaker }));
            // Where the same clips are tested, one must be left to test.
            let most = sources.len() - usize::from(enrolled == tested && sources.len() > 1);
            let sizes: BTreeSet<usize> = [most.min(3), most].into_iter().filter(|size| *size > 1).collect();
            for size in sizes {
                for _ in 0..DRAWN_REFERENCES {
                    let mut order = sources.clone();
                    random.shuffle(&mut order);
                    let chosen = order.iter().take(size).filter_map(|source| {
                        let copies = copies(*source);
                        // Half of the clips as they are.
                        let which = random.below(2 * copies.len().max(1));
                        copies.get(which).or(copies.first()).copied()
                    });
                    models.push(Model { clips: chosen.collect(), speaker: *speaker });
                }
            }
        }
        let candidates: Vec<u32> = (0..self.clips.len() as u32)
            .filter(|clip| self.listed(*clip).is_some_and(|listed| listed.kind == Some(tested)))
            .collect();
        let mut trials = Vec::new();
        for (number, model) in (0u32..).zip(&models) {
            let sources: BTreeSet<u32> =
                model.clips.iter().filter_map(|c| self.sources.get(*c as usize).copied()).collect();
            let speaker_of = |clip: u32| self.listed(clip).map(|listed| listed.speaker);
            let own = candidates.iter().filter(|clip| {
                let source = self.sources.get(**clip as usize);
                speaker_of(**clip) == Some(model.speaker) && source.is_none_or(|source| !sources.contains(source))
            });
            trials.extend(own.map(|clip| Trial { model: number, clip: *clip, target: true }));
            let mut random = SplitMix::of(&["non-targets", &number.to_string()]);
            for _ in 0..NON_TARGETS[usize::from(model.clips.len() > 1)] {
                let Some(clip) = candidates.get(random.below(candidates.len().max(1))) else { break };
                if speaker_of(*clip) != Some(model.speaker) {
                    trials.push(Trial { model: number, clip: *clip, target: false });
                }
            }
        }
        FitTrials { models, trials }
    }

    /// The qualities of the clips and copies.
    fn ranges(&self, band: Band, models: &[Model]) -> Ranges {
        let of = |value: &dyn Fn(&EncodedClip) -> Option<f64>| {
            let values: Vec<f64> = self.clips.iter().filter_map(value).collect();
            Range::of(values, OUTERMOST).unwrap_or(Range { low: 0.0, high: 0.0 })
        };
        let bandwidth = of(&|clip| clip.quality.bandwidth_hz.map(f64::from));
        let sizes = models.iter().map(|model| model.clips.len() as f64).collect();
        Ranges {
            net_speech_s: of(&|clip| Some(clip.quality.net_speech_s)),
            snr_db: of(&|clip| clip.quality.snr_db.map(f64::from)),
            bandwidth_hz: match band {
                Band::Wide => Range { low: f64::from(NARROW_BAND_HZ), high: bandwidth.high },
                // All that is read there; the measurement is coarse.
                Band::Narrow => Range { low: NARROW_BAND_TOP_HZ - 400.0, high: bandwidth.high },
            },
            clipping_percent: of(&|clip| Some(f64::from(clip.quality.clipping_percent))),
            level_dbfs: of(&|clip| clip.quality.level_dbfs.map(f64::from)),
            exemplars: Range::of(sizes, 0.0).unwrap_or(Range { low: 1.0, high: 1.0 }),
        }
    }
}

/// A clip or copy with enough speech to be fitted to.
fn enough_speech(clip: EncodedClip) -> std::result::Result<EncodedClip, Refusal> {
    match clip.quality.net_speech_s {
        net_speech_s if net_speech_s >= LEAST_SPEECH_S => Ok(clip),
        net_speech_s => Err(Refusal::TooLittleSpeech { net_speech_s, minimum_s: LEAST_SPEECH_S }),
    }
}

/// Says how many speakers there are, and why clips of others are missing.
fn too_few(speakers: usize, left_out: &[LeftOut]) -> Error {
    let found = format!("{speakers} speakers in pairs{}", missing(left_out));
    let expected = format!("at least {LEAST_SPEAKERS}");
    ErrorKind::Insufficient { what: "calibration", found, expected }.into()
}

struct FitTrials {
    models: Vec<Model>,
    trials: Vec<Trial>,
}

/// The numbers of all trials of one band.
struct Table {
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

impl Sums {
    fn llrs(side: &[(f64, f64)], map: impl Fn(f64) -> Option<f64>) -> Vec<f64> {
        side.iter().filter_map(|(sum, _)| map(*sum)).collect()
    }
}

impl Table {
    fn new(
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

    fn fit(
        &self,
        settings: &CalibrateSettings,
        fingerprints: crate::encoder::PerEncoder<String>,
        ranges: Ranges,
        material: &Material,
        threads: usize,
    ) -> Result<BandFit> {
        let map = self.map(settings, &self.weights, None)?;
        let CrossValidated { mut validation, rates, ratios, bounds } = self.cross_validate(settings, &map, threads)?;
        let whole = self.sums(&map, |_| true);
        let draws = Draws::new(self.corpora.len(), MANY_TRIALS + 1);
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
        validation.folds = FOLDS;
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
        let of = |speaker: u32| folds.get(speaker as usize).copied().unwrap_or(0);
        let pairs: Vec<(usize, usize)> = (0..FOLDS).flat_map(|i| (i..FOLDS).map(move |j| (i, j))).collect();
        let parts = batch::map(pairs.len(), threads, |pair| {
            let (first, second) = pairs.get(pair).copied().unwrap_or_default();
            let left_out = |speaker: u32| [first, second].contains(&of(speaker));
            let apart = |i: usize| self.speakers.get(i).is_some_and(|(a, b)| !left_out(*a) && !left_out(*b));
            let inside = |i: usize| {
                let folds = self.speakers.get(i).map(|(a, b)| (of(*a).min(of(*b)), of(*a).max(of(*b))));
                folds == Some((first, second))
            };
            let weights = self.weights.iter().enumerate().map(|(i, weight)| if apart(i) { *weight } else { 0.0 });
            let map = self.map(settings, &weights.collect::<Vec<f64>>(), Some(start))?;
            let train = self.sums(&map, apart);
            let pav = Pav::fit(&train.targets, &train.non_targets)?;
            let gaussian = BiGaussian::fit(&train.targets, &train.non_targets)?;
            let plain = |i: usize| inside(i) && self.plain.get(i) == Some(&true);
            let tested = self.tested(&map, inside);
            Ok::<_, crate::Error>((self.sums(&map, inside), self.sums(&map, plain), tested, pav, gaussian))
        })?;
        let parts = parts.into_iter().collect::<Result<Vec<_>>>()?;
        let mut methods: [[Vec<f64>; 2]; 3] = Default::default();
        let mut plain: [Vec<f64>; 2] = Default::default();
        let mut trials = Trials { speakers: self.corpora.len(), ..Default::default() };
        for (test, unaltered, tested, pav, gaussian) in &parts {
            let maps: [&dyn Fn(f64) -> Option<f64>; 3] = [&Some, &|sum| pav.apply(sum), &|sum| gaussian.apply(sum)];
            for ([targets, non_targets], map) in methods.iter_mut().zip(maps) {
                targets.extend(Sums::llrs(&test.targets, map));
                non_targets.extend(Sums::llrs(&test.non_targets, map));
            }
            let map = maps[settings.method as usize];
            let [targets, non_targets] = &mut plain;
            targets.extend(Sums::llrs(&unaltered.targets, map));
            non_targets.extend(Sums::llrs(&unaltered.non_targets, map));
            for (sum, target, (a, b)) in tested {
                match map(*sum) {
                    Some(llr) if *target => trials.targets.push((llr, *b)),
                    Some(llr) => trials.non_targets.push((llr, *a, *b)),
                    None => {}
                }
            }
        }
        let [targets, non_targets] = &plain;
        let bounds = Bounds::elub(targets, non_targets)?;
        let used = &methods[settings.method as usize];
        let clipped = used.each_ref().map(|llrs| llrs.iter().map(|llr| bounds.clip(*llr)).collect::<Vec<f64>>());
        let [logistic, pav, bi_gaussian] = &methods;
        let validation = CrossValidation {
            folds: FOLDS,
            target: used[0].len(),
            non_target: used[1].len(),
            logistic: validated(logistic)?,
            pav: validated(pav)?,
            bi_gaussian: validated(bi_gaussian)?,
            bounded: validated(&clipped)?,
        };
        trials.targets.iter_mut().for_each(|(llr, _)| *llr = bounds.clip(*llr));
        trials.non_targets.iter_mut().for_each(|(llr, ..)| *llr = bounds.clip(*llr));
        let [targets, non_targets] = &clipped;
        let ratios = ValidatedRatios::of(targets, non_targets);
        Ok(CrossValidated { validation, rates: rates(&trials, threads)?, ratios, bounds })
    }

    /// Sum, kind and speakers of those trials that pass.
    fn tested(&self, map: &Logistic, pass: impl Fn(usize) -> bool) -> Vec<(f64, bool, (u32, u32))> {
        let rows = self.features.chunks_exact(self.width.max(1)).zip(&self.targets).zip(&self.speakers).enumerate();
        let passing = rows.filter(|(i, _)| pass(*i));
        passing.filter_map(|(_, ((row, target), speakers))| Some((map.llr(row)?, *target, *speakers))).collect()
    }
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
