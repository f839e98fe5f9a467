//! Labelled clips to a calibration: trials as the product makes them, the fit, and its validation.
//!
//! Trials are made with one, a few and all of a speaker's clips as the reference and with altered copies of
//! both sides. Groups (pages, systems, corpora) count the same, in them each speaker, and for each speaker references of
//! one and of several clips, whatever the numbers of trials. The fit is judged on groups and speakers that it has not
//! seen.

mod groups;
mod material;
mod speakers;
mod table;
mod weights;

use crate::calibration::bootstrap::{Draws, NonTargetTrial, Resampler, TargetTrial, Trials};
use crate::calibration::bounds::Bounds;
use crate::calibration::fusion::{Fusion, Method};
use crate::calibration::metrics::FusionRates;
use crate::encoder::{Band, Encoder, Panel, PerEncoder};
use crate::error::{Error, ErrorKind, Result, Shortage};
use crate::library::batch::BatchOptions;
use crate::library::labels::{Labels, Pairs};
use crate::library::outcome::VERSION;
use crate::library::validate::calibration_file::{
    BandFit, Calibration, FORMAT, FORMAT_VERSION, FitCounts, ValidatedRatios,
};
use crate::library::validate::evaluate::ClipLeftOut;
use crate::library::validate::scoring::Scorer;
use groups::{Bench, Column, LeftOut, resampled};
use material::{FitTrials, Material};
use speakers::Unseen;
use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;
use table::Table;

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
    /// Columns of the manifest whose values are left out one by one and count the same, the widest first.
    pub groups: Vec<String>,
    /// The column of the manifest within whose values pairs of two voices are made; all clips without one.
    pub within: Option<String>,
    /// What turns the sum into the ratio.
    pub method: Method,
    /// Probability of a target that trials are weighted to.
    pub prior: f64,
    /// Weight of the regularisation.
    pub ridge: Ridge,
    /// Whether altered copies are used.
    pub copies: bool,
}

/// Weight of half the square of each encoder's weight in the loss of the regression: an encoder with more is held back.
/// Written as `ge2e=5e-5,campplus=2e-5`; what is not named has the default.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Ridge {
    encoders: PerEncoder<f64>,
}

impl Ridge {
    /// That of an encoder. The defaults were chosen by groups left out (docs/history/accuracy.md): the strongest encoder is held back
    /// less than the others.
    pub fn of(&self, encoder: Encoder) -> f64 {
        let default = if encoder == Encoder::Campplus { 2e-5 } else { 5e-5 };
        self.encoders.get(encoder).copied().unwrap_or(default)
    }
}

impl FromStr for Ridge {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let mut encoders = PerEncoder::default();
        for part in text.split(',') {
            let wrong = || {
                let expected = "ENCODER=X with numbers of 0 or more, for example ge2e=5e-5,campplus=2e-5".into();
                Error::from(ErrorKind::Setting { name: "ridge", found: text.into(), expected })
            };
            let (name, number) = part.split_once('=').ok_or_else(wrong)?;
            let number: f64 = number.trim().parse().map_err(|_| wrong())?;
            if !(number >= 0.0 && number.is_finite()) {
                return Err(wrong());
            }
            encoders.set(name.trim().parse()?, number);
        }
        Ok(Ridge { encoders })
    }
}

/// A calibration that was fitted, with what was left out of it.
#[derive(Clone, Debug)]
pub struct Calibrated {
    /// The calibration, to be written.
    pub calibration: Calibration,
    /// Clips that were not fitted to, and why.
    pub left_out: Vec<ClipLeftOut>,
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
    let encoders = voice_encoders(panel)?;
    let material = Material::gather(panel, labels, settings, options)?;
    let trials = material.trials(labels, settings.pairs);
    let scorer = Scorer::new(&material.clips, &trials.models);
    let place = |column: &String| {
        let wrong = || {
            let expected = "a column that the labels were read with".into();
            Error::from(ErrorKind::Setting { name: "group", found: column.clone(), expected })
        };
        labels.place(column).ok_or_else(wrong)
    };
    let columns: Vec<usize> = settings.groups.iter().map(place).collect::<Result<_>>()?;
    let fit = |band| {
        let fingerprints = match band {
            Band::Wide => panel.fingerprints().clone(),
            Band::Narrow => panel.narrow()?.fingerprints().clone(),
        };
        let table = Table::new(&material, &trials, &scorer, band, encoders.clone(), &columns)?;
        let threads = options.threads;
        let bench = Bench { material: &material, settings, table: &table, band, columns: &columns, threads };
        fit_band(&bench, &trials, fingerprints)
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
        ridge: encoders.iter().map(|encoder| (*encoder, settings.ridge.of(*encoder))).collect(),
        fitted_on: Calibration::told_clips(material.hashes()),
        wide: fit(Band::Wide)?,
        narrow: fit(Band::Narrow)?,
    };
    Ok(Calibrated { calibration, left_out: material.left_out })
}

/// The encoders that a ratio is made of: networks follow the voice, statistics of cepstra follow the recording as much,
/// so the two are not summed.
fn voice_encoders(panel: &Panel) -> Result<Vec<Encoder>> {
    let encoders: Vec<Encoder> = panel.fingerprints().encoders().collect();
    let networks = encoders.iter().filter(|encoder| encoder.is_network()).count();
    if networks > 0 && networks < encoders.len() {
        let names: Vec<&str> = encoders.iter().map(|encoder| encoder.name()).collect();
        let expected = "encoders that follow the voice (ge2e, campplus), or statistics of cepstra alone".into();
        return Err(ErrorKind::Setting { name: "encoder", found: names.join(","), expected }.into());
    }
    Ok(encoders)
}

/// The fit of a band with its validation.
fn fit_band(bench: &Bench<'_>, trials: &FitTrials, fingerprints: PerEncoder<String>) -> Result<BandFit> {
    let Bench { material, settings, table, band, threads, .. } = *bench;
    let fitted = table.fit(settings, &table.weights, None)?;
    let unseen = speakers::unseen(table, settings, &fitted, threads)?;
    let columns = bench.columns.iter().map(|place| bench.leave_out(*place, &fitted));
    let columns = columns.collect::<Result<Vec<Column>>>()?;
    // The headline: groups of the first column, or without one the speakers.
    let headline = match columns.first() {
        Some(column) => judged(column, settings)?,
        None => plain(&unseen, settings.method),
    };
    let bounds = bounds(&headline)?;
    let told = |(column, name): (Column, &String)| column.told(name, &bounds);
    let groups = columns.into_iter().zip(&settings.groups).map(told).collect::<Result<Vec<_>>>()?;
    let bounded = |target: bool| {
        let trials = headline.iter().filter(|trial| trial.target == target);
        trials.map(|trial| (bounds.clip(trial.llr), trial.weight)).collect::<Vec<(f64, f64)>>()
    };
    let count = |target: bool| table.targets.iter().filter(|t| **t == target).count();
    Ok(BandFit {
        trials: FitCounts {
            clips: material.originals,
            copies: material.clips.len() - material.originals,
            speakers: table.speakers.len(),
            target: count(true),
            non_target: count(false),
        },
        validation: speakers::figures(&unseen, settings.method, &bounds)?,
        groups,
        rates: rates(&headline, &bounds, threads)?,
        ratios: ValidatedRatios::of(&bounded(true), &bounded(false)),
        fusion: Fusion {
            fingerprints,
            replicates: table.replicates(settings, &fitted, threads)?,
            method: settings.method,
            bounds,
            ranges: material.ranges(band, &trials.models),
            neutral: fitted.neutral,
            pav: fitted.pav,
            bi_gaussian: fitted.bi_gaussian,
            map: fitted.map,
        },
    })
}

/// The trials of the groups that could be left out.
fn judged(column: &Column, settings: &CalibrateSettings) -> Result<Vec<LeftOut>> {
    let has = |target: bool| column.trials.iter().any(|trial| trial.target == target);
    if has(true) && has(false) {
        return Ok(column.trials.clone());
    }
    let name = settings.groups.first().map_or("", String::as_str);
    let found = format!("no value of the column {name} that can be left out and has pairs of one voice and of two");
    let expected =
        "values with at least 10 speakers, 40 pairs of one voice and 200 of two, and others to fit to".into();
    Err(ErrorKind::Insufficient { what: Shortage::Calibration, found, expected }.into())
}

/// The trials of unseen speakers whose two sides are as they are and whose reference is one clip.
fn plain(unseen: &[Unseen], method: Method) -> Vec<LeftOut> {
    let trials = unseen.iter().filter(|trial| trial.plain);
    let plain = |trial: &Unseen| LeftOut {
        target: trial.target,
        llr: trial.llr(method),
        weight: trial.weight,
        sides: trial.sides,
        group: 0,
    };
    trials.map(plain).collect()
}

/// Bounds that count speakers, and pairs of speakers, once each, and go no further than so many speakers support.
fn bounds(trials: &[LeftOut]) -> Result<Bounds> {
    let key = |trial: &LeftOut| (trial.target, trial.group, trial.sides);
    let mut counts: BTreeMap<(bool, usize, [u32; 2]), f64> = BTreeMap::new();
    trials.iter().for_each(|trial| *counts.entry(key(trial)).or_default() += 1.0);
    let side = |target: bool| {
        let trials = trials.iter().filter(|trial| trial.target == target);
        trials.map(|trial| (trial.llr, counts.get(&key(trial)).map_or(1.0, |n| 1.0 / n))).collect::<Vec<(f64, f64)>>()
    };
    let speakers: BTreeSet<(usize, u32)> =
        trials.iter().flat_map(|trial| trial.sides.map(|speaker| (trial.group, speaker))).collect();
    Bounds::elub(&side(true), &side(false), speakers.len() as f64)
}

/// Figures of the bounded ratios, each group counting the same, with intervals over groups and speakers.
fn rates(trials: &[LeftOut], bounds: &Bounds, threads: usize) -> Result<FusionRates> {
    let mut numbers: BTreeMap<(usize, u32), u32> = BTreeMap::new();
    for trial in trials {
        numbers.extend(trial.sides.map(|speaker| ((trial.group, speaker), 0)));
    }
    numbers.values_mut().zip(0..).for_each(|(number, place)| *number = place);
    let of = |trial: &LeftOut, speaker: u32| numbers.get(&(trial.group, speaker)).copied().unwrap_or(0);
    let mut all = Trials { speakers: numbers.len(), ..Default::default() };
    for trial in trials {
        let (score, weight, [a, b]) = (bounds.clip(trial.llr), trial.weight, trial.sides);
        match trial.target {
            true => all.targets.push(TargetTrial { score, speaker: of(trial, b), weight }),
            false => all.non_targets.push(NonTargetTrial { score, speakers: [of(trial, a), of(trial, b)], weight }),
        }
    }
    let groups: Vec<u32> = numbers.keys().map(|(group, _)| *group as u32).collect();
    let draws = Draws::grouped(&groups, all.count());
    Ok(resampled(&Resampler::of_llrs(&all, &draws)?, threads)?.fusion_rates())
}
