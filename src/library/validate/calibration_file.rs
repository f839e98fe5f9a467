//! A calibration as a file: what turns scores into likelihood ratios for one named condition.
//!
//! The file is JSON. It names the trials it was fitted on, the encoders with their fingerprints and the ranges of
//! quality it holds for, so that nobody can apply it elsewhere unawares. Two conditions ship with the program.

use crate::calibration::fusion::Fusion;
use crate::calibration::metrics::{Estimate, FusionRates};
use crate::calibration::verbal::Propositions;
use crate::encoder::{Band, Encoder, PerEncoder};
use crate::error::{DocumentKind, Error, ErrorKind, Result};
use crate::library::labels::Pairs;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::path::Path;

/// What the file says it is.
pub const FORMAT: &str = "soundalike calibration";
/// The version of the format that is written and read.
pub const FORMAT_VERSION: u32 = 2;
/// Larger files are refused, bytes.
const MOST_BYTES: u64 = 64 << 20;
/// The condition that is used where none is named.
pub const DEFAULT_CONDITION: &str = "real-synthetic";

/// A calibration as it is written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Calibration {
    /// Always `soundalike calibration`.
    pub format: String,
    /// Version of the format, 2.
    pub version: u32,
    /// Version of the program that fitted it.
    pub program: String,
    /// The name of the condition.
    pub condition: String,
    /// The two propositions, as clauses that follow "more probable if".
    pub propositions: [String; 2],
    /// What was compared with what.
    pub pairs: Pairs,
    /// Language of the speech; null where it was not stated.
    pub language: Option<String>,
    /// The trials, for the reader.
    pub source: String,
    /// Probability of a target that trials were weighted to.
    pub prior: f64,
    /// Weight of the regularisation of each encoder's weight.
    pub ridge: PerEncoder<f64>,
    /// The clips that it was fitted on: of each the first 16 hexadecimal digits of the SHA-256 of its file, sorted.
    /// Empty in files that were made before it was told.
    #[serde(default)]
    pub fitted_on: Vec<String>,
    /// The fit of the wide band.
    pub wide: BandFit,
    /// The fit of the narrow band.
    pub narrow: BandFit,
}

/// Digits of a hash that a clip is recognised by.
const RECOGNISED_BY: usize = 16;

/// The fit of one band.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BandFit {
    /// The trials.
    pub trials: FitCounts,
    /// How the fit did on speakers that it had not seen.
    pub validation: CrossValidation,
    /// How it did on groups that it had not seen, a column after the other; empty where no column was named. The first
    /// is the headline.
    pub groups: Vec<GroupValidation>,
    /// The figures of the ratios as they are used, each with its 95 % interval: on the groups of the first column, or
    /// without one on the speakers, that the fit had not seen.
    pub rates: FusionRates,
    /// The ratios behind these figures, as quantiles.
    pub ratios: ValidatedRatios,
    /// The fit.
    pub fusion: Fusion,
}

/// What a fit rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FitCounts {
    /// Recordings.
    pub clips: usize,
    /// Recordings with the altered copies of them (cuts, noise, level, clipping, music and voices behind, rooms, codecs).
    pub copies: usize,
    /// Speakers.
    pub speakers: usize,
    /// Trials of one voice.
    pub target: usize,
    /// Trials of two voices.
    pub non_target: usize,
}

/// Cross-validation with disjoint speakers: every ratio comes from a fit that had seen neither of its speakers.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CrossValidation {
    /// Number of parts that the speakers were divided into.
    pub folds: usize,
    /// Trials of one voice.
    pub target: usize,
    /// Trials of two voices.
    pub non_target: usize,
    /// The logistic regression itself.
    pub logistic: Validated,
    /// Pooled adjacent violators of its sum.
    pub pav: Validated,
    /// The bi-Gaussianised sum.
    pub bi_gaussian: Validated,
    /// The method that is used, within its bounds.
    pub bounded: Validated,
}

/// Cross-validated ratios in short: what a Tippett plot is drawn from, without a score of any single clip.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ValidatedRatios {
    /// Decimal logarithms of the ratios of trials of one voice, within the bounds: the least, 199 quantiles evenly
    /// apart, and the greatest.
    pub target: Vec<f64>,
    /// The same of trials of two voices.
    pub non_target: Vec<f64>,
    /// Share of trials of one voice whose ratio is below 1, fraction of 1.
    pub target_misleading: f64,
    /// Share of trials of two voices whose ratio is above 1, fraction of 1.
    pub non_target_misleading: f64,
}

/// How fits did on groups that they had not seen: for each group all its speakers were left out, wherever else they
/// occur, and the fit to the others was tested on every pair of the group's recordings as they are, references of one
/// clip.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GroupValidation {
    /// The column of the manifest whose values are the groups.
    pub column: String,
    /// The groups.
    pub groups: Vec<LeftOutGroup>,
    /// Values with fewer than 10 speakers, 40 trials of one voice or 200 of two, which are judged as one, `other`.
    pub pooled: Vec<String>,
    /// Values that could not be left out, because the others have too few trials to fit to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_fitted: Vec<String>,
    /// Means over the judged groups; null where none has trials of both kinds.
    pub means: Option<GroupMeans>,
    /// The greatest product of a ratio of 1 or more and the share of trials of two voices that reach it, each group
    /// counting the same. At most 1 where `ratio x share` never exceeds what the ratio promises.
    pub misleading: f64,
}

/// One group that was left out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LeftOutGroup {
    /// The value of the column; `other` for the small ones together.
    pub value: String,
    /// Its speakers.
    pub speakers: usize,
    /// Trials of one voice.
    pub target: usize,
    /// Trials of two voices.
    pub non_target: usize,
    /// Whether it has 10 speakers, 40 trials of one voice and 200 of two, and counts in the means.
    pub judged: bool,
    /// Its figures; null where a kind of trial is missing.
    pub rates: Option<LeftOutRates>,
    /// Share of trials of two voices whose ratio is above 1, fraction of 1.
    pub non_target_misleading: f64,
}

/// Figures of a group, before bounds, systems and speakers counting the same. Intervals are over its speakers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LeftOutRates {
    /// Equal error rate of the ratio, fraction of 1.
    pub eer: Estimate,
    /// Cllr of the ratio.
    pub cllr: Estimate,
    /// The least Cllr that any rising map of the same ratios could have.
    pub cllr_min: Estimate,
    /// The difference of the two.
    pub calibration_loss: Estimate,
    /// The encoder with the least equal error rate.
    pub best: Encoder,
    /// Equal error rate of the ratio less that of this encoder, paired.
    pub against_best: Estimate,
    /// Equal error rate of each encoder's cosine.
    pub encoders: PerEncoder<Estimate>,
}

/// Means over judged groups.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GroupMeans {
    /// Number of groups.
    pub groups: usize,
    /// Equal error rate of the ratio.
    pub eer: f64,
    /// Its Cllr.
    pub cllr: f64,
    /// Its least Cllr.
    pub cllr_min: f64,
    /// Equal error rate of each encoder's cosine.
    pub encoders: PerEncoder<f64>,
    /// The group with the greatest equal error rate of the ratio.
    pub worst: String,
    /// That rate.
    pub worst_eer: f64,
}

impl LeftOutGroup {
    /// Speakers, trials of one voice and trials of two from which on a group is judged alone.
    pub const LEAST: [usize; 3] = [10, 40, 200];
}

impl GroupValidation {
    /// Mean over the judged groups of the equal error rate of the ratio less that of the better encoder of the group;
    /// none where none has trials of both kinds.
    pub fn mean_against_best(&self) -> Option<f64> {
        let judged = self.groups.iter().filter(|group| group.judged).filter_map(|group| group.rates.as_ref());
        let (n, sum) = judged.fold((0.0, 0.0), |(n, sum), rates| (n + 1.0, sum + rates.against_best.point));
        (n > 0.0).then_some(sum / n)
    }
}

impl ValidatedRatios {
    /// Number of steps from the least ratio to the greatest.
    const STEPS: usize = 200;

    /// Ratios in short, from their natural logarithms and weights.
    pub(crate) fn of(targets: &[(f64, f64)], non_targets: &[(f64, f64)]) -> Self {
        let total = |trials: &[(f64, f64)]| trials.iter().map(|trial| trial.1).sum::<f64>();
        let quantiles = |trials: &[(f64, f64)]| {
            let mut sorted = trials.to_vec();
            sorted.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
            let (total, mut below, mut trial) = (total(trials), 0.0, 0);
            let place = |step: usize| {
                let share = total * step as f64 / Self::STEPS as f64;
                while let Some((_, weight)) = sorted.get(trial).filter(|(_, weight)| below + weight < share) {
                    (below, trial) = (below + weight, trial + 1);
                }
                sorted.get(trial).or(sorted.last()).map(|(llr, _)| *llr)
            };
            let rounded = |llr: f64| (llr / std::f64::consts::LN_10 * 1e4).round() / 1e4;
            (0..=Self::STEPS).filter_map(place).map(rounded).collect()
        };
        let share = |trials: &[(f64, f64)], misleads: &dyn Fn(f64) -> bool| {
            trials.iter().filter(|(llr, _)| misleads(*llr)).map(|(_, weight)| weight).sum::<f64>() / total(trials)
        };
        ValidatedRatios {
            target: quantiles(targets),
            non_target: quantiles(non_targets),
            target_misleading: share(targets, &|llr| llr < 0.0),
            non_target_misleading: share(non_targets, &|llr| llr > 0.0),
        }
    }
}

/// Figures of log-likelihood ratios.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Validated {
    /// Cllr: 0 is perfect, 1 says nothing, more misleads.
    pub cllr: f64,
    /// The least Cllr that any rising map of the same ratios could have.
    pub cllr_min: f64,
    /// Equal error rate, fraction of 1.
    pub eer: f64,
}

/// A calibration with where it came from.
#[derive(Clone, Debug, PartialEq)]
pub struct LoadedCalibration {
    /// `built in`, or the file.
    pub origin: String,
    /// SHA-256 of the file.
    pub sha256: String,
    /// The calibration.
    pub calibration: Calibration,
}

/// The part of a file that decides whether the rest can be understood.
#[derive(Deserialize)]
struct Header {
    format: Option<String>,
    version: Option<u64>,
}

impl Calibration {
    /// The greatest decimal logarithm of a ratio that it gives in a band.
    pub(crate) fn greatest_log10_lr(&self, band: Band) -> f64 {
        self.of_band(band).fusion.bounds.upper / std::f64::consts::LN_10
    }

    /// The fit of a band.
    pub fn of_band(&self, band: Band) -> &BandFit {
        if band == Band::Narrow { &self.narrow } else { &self.wide }
    }

    /// Clips as [`fitted_on`](Self::fitted_on) tells them, from the hashes of their files; each once.
    pub(crate) fn told_clips<'a>(sha256: impl Iterator<Item = &'a str>) -> Vec<String> {
        let clips: BTreeSet<String> = sha256.map(|hash| hash.chars().take(RECOGNISED_BY).collect()).collect();
        clips.into_iter().collect()
    }

    /// How many of some clips, by the hashes of their files, it was fitted on; none where it does not tell its own. A
    /// clip in another format or cut is another one here.
    pub fn in_fit<'a>(&self, sha256: impl Iterator<Item = &'a str>) -> Option<usize> {
        let fitted_on: BTreeSet<&str> = self.fitted_on.iter().map(String::as_str).collect();
        let is_in = |hash: &&str| hash.get(..RECOGNISED_BY).is_some_and(|digits| fitted_on.contains(digits));
        (!fitted_on.is_empty()).then(|| sha256.filter(is_in).count())
    }

    /// Whether in these bands at most one in x non-target trials of groups left out reached a ratio of x, for any x: only
    /// then is the number of clips over x an upper bound of the false alarms. False without groups.
    pub fn bound_holds(&self, bands: impl IntoIterator<Item = Band>) -> bool {
        let holds = |band| self.of_band(band).groups.first().is_some_and(|groups| groups.misleading <= 1.0);
        bands.into_iter().all(holds)
    }

    /// The propositions.
    pub fn propositions(&self) -> Propositions<'_> {
        let [first, second] = &self.propositions;
        Propositions { first, second }
    }

    /// The encoders whose scores it reads, by their fingerprints in a band.
    pub fn fingerprints(&self, band: Band) -> &PerEncoder<String> {
        &self.of_band(band).fusion.fingerprints
    }

    fn parse(bytes: &[u8], wrong: &dyn Fn(String, String) -> Error) -> Result<Self> {
        let json = |error: serde_json::Error| {
            use serde_json::error::Category;
            let (found, expected) = match error.classify() {
                _ if bytes.trim_ascii().is_empty() => ("an empty file".into(), "a calibration"),
                Category::Eof => (format!("a file cut short ({error})"), "a whole calibration"),
                Category::Data => (error.to_string(), "the fields of a calibration"),
                _ => (format!("broken JSON ({error})"), "a calibration"),
            };
            wrong(found, expected.into())
        };
        let header: Header = serde_json::from_slice(bytes).map_err(json)?;
        if header.format.as_deref() != Some(FORMAT) {
            let found =
                header.format.map_or("JSON of another kind".into(), |format| format!("the format \"{format}\""));
            return Err(wrong(found, format!("the format \"{FORMAT}\"")));
        }
        if header.version != Some(u64::from(FORMAT_VERSION)) {
            let version = header.version.map_or("no version".into(), |version| format!("version {version}"));
            return Err(wrong(version, format!("version {FORMAT_VERSION} of the format")));
        }
        let calibration: Calibration = serde_json::from_slice(bytes).map_err(json)?;
        for fit in [&calibration.wide, &calibration.narrow] {
            fit.fusion.check().map_err(|(found, expected)| wrong(found, expected))?;
        }
        Ok(calibration)
    }
}

impl LoadedCalibration {
    /// Reads and checks a file.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] where it cannot be read, [`ErrorKind::Document`] where it is no calibration of this version or
    /// one of its values cannot be right.
    pub fn read(path: &Path) -> Result<Self> {
        let wrong = |found: String, expected: String| {
            Error::from(ErrorKind::Document { path: path.into(), what: DocumentKind::Calibration, found, expected })
        };
        let bytes = crate::regular_file::read(path, MOST_BYTES, "a calibration")?;
        let calibration = Calibration::parse(&bytes, &wrong)?;
        Ok(LoadedCalibration { origin: crate::path_text::text_of(path), sha256: hex(&bytes), calibration })
    }

    /// The calibration of a condition that ships with the program.
    ///
    /// # Errors
    /// [`ErrorKind::Setting`] for a condition without one, [`ErrorKind::Model`] where the file that was built in is
    /// none.
    pub fn built_in(condition: &str) -> Result<Self> {
        let text = BUILT_IN.iter().find(|(name, _)| *name == condition).map(|(_, text)| *text).ok_or_else(|| {
            let names: Vec<&str> = BUILT_IN.iter().map(|(name, _)| *name).collect();
            let expected = format!("{}, or a file of your own by --calibration", names.join(" or "));
            ErrorKind::Setting { name: "condition", found: format!("\"{condition}\""), expected }
        })?;
        let wrong = |found, expected| Error::from(ErrorKind::Model { name: "calibration", found, expected });
        let calibration = Calibration::parse(text.as_bytes(), &wrong)?;
        Ok(LoadedCalibration { origin: "built in".into(), sha256: hex(text.as_bytes()), calibration })
    }
}

/// The conditions that ship.
const BUILT_IN: [(&str, &str); 3] = [
    ("real-synthetic", include_str!("../../../models/calibration_real_synthetic.json")),
    ("real-conversion", include_str!("../../../models/calibration_real_conversion.json")),
    ("real-real", include_str!("../../../models/calibration_real_real.json")),
];

fn hex(bytes: &[u8]) -> String {
    crate::hash::hex(Sha256::digest(bytes))
}
