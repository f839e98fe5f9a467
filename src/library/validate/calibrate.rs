//! Labelled clips to a calibration: trials as the product makes them, the fit, and its cross-validation.
//!
//! Trials are made with one, a few and all of a speaker's clips as the reference and with altered copies of
//! both sides, so that the ratio knows what short, noisy and few recordings are worth. Each corpus counts the same, in
//! it each speaker, and for each speaker references of one and of several clips, whatever the numbers of trials.

mod material;
mod table;

use crate::calibration::fusion::Method;
use crate::encoder::{Band, Encoder, Panel};
use crate::error::{ErrorKind, Result};
use crate::library::batch::BatchOptions;
use crate::library::labels::{Labels, Pairs};
use crate::library::outcome::VERSION;
use crate::library::validate::calibration_file::{Calibration, FORMAT, FORMAT_VERSION};
use crate::library::validate::evaluate::ClipLeftOut;
use crate::library::validate::scoring::Scorer;
use material::Material;
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
