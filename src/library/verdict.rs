//! What a score means: its rank in a population, a calibrated ratio, and the controls beside both, or the reason why
//! not.
//!
//! A [`Case`] is one reference in one band with everything that its candidates are judged by.

use crate::calibration::fusion::{Fusion, TrialTerms};
use crate::calibration::verbal::{self, SCALE};
use crate::compare::{
    CohortFit, CohortScores, CosineScore, Likeness, Measure, Neighbourhoods, OtherKind, Spread, VoiceModel, as_norm,
    cosines,
};
use crate::encoder::{Band, Embedding, Encoder, Panel, PerEncoder, Refusal};
use crate::feature::ClipQuality;
use crate::library::cohort::Population;
use crate::library::validate::calibration_file::LoadedCalibration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::f64::consts::LN_10;

mod conflict;
pub use conflict::{Conflict, RankConflict};

/// How much more probable the evidence is under one proposition than under the other.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Evidence {
    /// Natural logarithm of the likelihood ratio, within the calibration's bounds. Not a probability.
    pub llr: f64,
    /// The same to base 10.
    pub log10_lr: f64,
    /// Lower end of the 95 % interval of `log10_lr`, over resamples of the calibration's groups and speakers.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// `log10_lr` before the bounds.
    pub unbounded_log10_lr: f64,
    /// Least and greatest `log10_lr` that the calibration's trials support.
    pub bounds_log10_lr: [f64; 2],
    /// What each encoder adds to the ratio, powers of 10; before the bounds the ratio is their sum times `agreement`
    /// (for a calibration by another method than the regression, what that makes of it).
    pub parts_log10_lr: PerEncoder<f64>,
    /// How far the encoders agree, from 0 (their parts cancel out) to 1 (all have one sign).
    pub agreement: f64,
    /// Two encoders that contradict each other; null where none do.
    pub conflict: Option<Conflict>,
    /// Verbal equivalent.
    pub verbal: String,
    /// The table that it comes from.
    pub verbal_scale: String,
    /// The ratio as a sentence with both propositions.
    pub statement: String,
    /// Name of the condition that the calibration was fitted for.
    pub condition: String,
    /// SHA-256 of the calibration.
    pub calibration: String,
    /// The posterior under a prior that the user stated; null where none was.
    pub posterior: Option<Posterior>,
}

/// A posterior: the user's prior and the evidence together.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Posterior {
    /// The probability of the first proposition before the evidence, as the user stated it.
    pub prior: f64,
    /// The probability of the first proposition after it, if that prior is right.
    pub posterior: f64,
}

/// What the reference itself and other people's voices reach.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Controls {
    /// Each exemplar against the others; null with one exemplar.
    pub ceiling: Option<PerEncoder<Spread>>,
    /// Each voice of the population against the reference; null without a population.
    pub floor: Option<PerEncoder<Spread>>,
}

/// How a candidate would have scored without one clip of the reference: what that clip alone contributes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct WithoutClip {
    /// The clip that is left out.
    pub path: String,
    /// Cosine to the rest of the reference as a whole, by encoder.
    pub cosines: PerEncoder<f64>,
    /// Decimal logarithm of the likelihood ratio, within its bounds; null where the candidate has none.
    pub log10_lr: Option<f64>,
    /// The same before the bounds.
    pub unbounded_log10_lr: Option<f64>,
}

/// The cosines of the population's voices to the reference, rising, by encoder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PopulationScores {
    /// The band in which they were compared.
    pub band: Band,
    /// The cosines.
    pub scores: PerEncoder<Vec<f64>>,
}

/// What was found of one candidate.
#[derive(Clone, Debug, Default)]
pub(crate) struct Verdict {
    pub likeness: Option<Likeness>,
    pub likeness_withheld: Option<Refusal>,
    pub evidence: Option<Evidence>,
    pub evidence_withheld: Option<Refusal>,
    pub controls: Option<Controls>,
    pub cohort_fit: Option<CohortFit>,
    pub as_norm: Option<PerEncoder<f64>>,
    pub rank_conflict: Option<RankConflict>,
}

/// A candidate that was scored.
pub(crate) struct Scored<'a> {
    pub embeddings: &'a PerEncoder<Embedding>,
    pub scores: &'a PerEncoder<CosineScore>,
    pub quality: ClipQuality,
}

/// One reference in one band.
pub(crate) struct Case<'a> {
    pub model: &'a VoiceModel,
    calibration: Option<&'a LoadedCalibration>,
    unfit: Option<Refusal>,
    fusion: Option<&'a Fusion>,
    measure: Option<Measure>,
    population: &'a Population,
    scores: CohortScores<'a>,
    others: Vec<(String, CohortScores<'a>)>,
    neighbourhoods: Option<&'a Neighbourhoods<'a>>,
    controls: Controls,
    wants_as_norm: bool,
    prior: Option<f64>,
}

/// What a case is judged by.
pub(crate) struct CaseSettings<'a> {
    pub calibration: Option<&'a LoadedCalibration>,
    pub population: &'a Population,
    /// Those of the population by the strongest encoder; none where there are too few voices.
    pub neighbourhoods: Option<&'a Neighbourhoods<'a>>,
    pub as_norm: bool,
    pub prior: Option<f64>,
}

/// The strongest encoder that ran, by which voices are ranked and compared where there is no calibration.
pub(crate) fn strongest(encoders: impl Iterator<Item = Encoder>) -> Option<Encoder> {
    encoders.last()
}

/// The neighbourhoods of a population by the strongest of a panel's encoders.
pub(crate) fn neighbourhoods<'a>(panel: &Panel, population: &'a Population) -> Option<Neighbourhoods<'a>> {
    let strongest = strongest(panel.fingerprints().encoders())?;
    Neighbourhoods::new(population.voices.iter(), strongest)
}

/// The cosines as a calibration weighs them.
fn by_fusion(fusion: &Fusion, noisiness: f64) -> Measure {
    Measure { name: "fusion".into(), weights: fusion.weights(noisiness) }
}

/// Why a calibration does not fit a panel; none where it does.
pub(crate) fn unfit(loaded: &LoadedCalibration, panel: &Panel) -> Option<Refusal> {
    let (fitted, found) = (loaded.calibration.fingerprints(panel.settings().band), panel.fingerprints());
    let names = |prints: &PerEncoder<String>| {
        let names: Vec<&str> = prints.encoders().map(Encoder::name).collect();
        if names.is_empty() { "none".into() } else { names.join(",") }
    };
    if !fitted.encoders().all(|encoder| found.get(encoder).is_some()) {
        return Some(Refusal::NoCalibration {
            condition: loaded.calibration.condition.clone(),
            found: format!("scores of {}", names(found)),
            expected: format!("scores of {}", names(fitted)),
        });
    }
    let differs = fitted.iter().find(|(encoder, print)| found.get(*encoder) != Some(*print));
    differs.map(|(encoder, print)| Refusal::NoCalibration {
        condition: loaded.calibration.condition.clone(),
        found: format!("{encoder} by extractor {}", found.get(encoder).map_or("none", String::as_str)),
        expected: format!("{encoder} by extractor {print}, as the calibration was fitted with"),
    })
}

impl<'a> Case<'a> {
    pub fn new(panel: &Panel, model: &'a VoiceModel, settings: &CaseSettings<'a>) -> Self {
        let band = panel.settings().band;
        let encoders = || panel.fingerprints().encoders();
        let unfit = settings.calibration.and_then(|loaded| unfit(loaded, panel));
        let calibration = settings.calibration.filter(|_| unfit.is_none());
        let fusion = calibration.map(|loaded| &loaded.calibration.of_band(band).fusion);
        let measure = strongest(encoders()).map(Measure::of_encoder);
        let population = settings.population;
        let scores = CohortScores::new(population.voices.iter(), model.centroids());
        let others = population
            .others
            .iter()
            .map(|(kind, voices)| (kind.clone(), CohortScores::new(voices.iter(), model.centroids())));
        let held_out = model.held_out();
        let ceiling = encoders().filter_map(|encoder| {
            let cosines = held_out.iter().filter_map(|cosines| cosines.get(encoder).copied());
            Some((encoder, Spread::of(cosines.collect())?))
        });
        let ceiling: PerEncoder<Spread> = ceiling.collect();
        let floor = scores.spread(encoders());
        Case {
            model,
            calibration,
            unfit,
            fusion,
            measure,
            population,
            others: others.collect(),
            neighbourhoods: settings.neighbourhoods,
            controls: Controls {
                ceiling: (!ceiling.is_empty()).then_some(ceiling),
                floor: (!floor.is_empty()).then_some(floor),
            },
            scores,
            wants_as_norm: settings.as_norm,
            prior: settings.prior,
        }
    }

    /// Voices of the population that could be compared.
    pub fn voices(&self) -> usize {
        self.scores.len()
    }

    /// Voices of the population whose cosine by an encoder reaches a value, and all of them.
    pub fn reached(&self, encoder: Encoder, value: f64) -> (usize, usize) {
        let reached = self.scores.by(encoder).filter(|cosine| *cosine >= value).count();
        (reached, self.scores.by(encoder).count())
    }

    /// Judges a candidate. `itself` is the reference clip that has its bytes.
    pub fn judge(&self, candidate: &Scored<'_>, itself: Option<&str>) -> Verdict {
        let cosines = candidate.scores.map(|_, score| score.cosine);
        let terms = self.terms(&cosines, candidate.quality);
        let likeness = self.likeness(&terms);
        let evidence = match itself {
            Some(clip) => Err(Refusal::PartOfReference { clip: clip.into() }),
            None => self.evidence(&terms),
        };
        let cohort_fit = self.neighbourhoods;
        let cohort_fit = cohort_fit.and_then(|near| near.fit(candidate.embeddings, self.model.centroids()));
        let fits = cohort_fit.as_ref().is_some_and(|fit| fit.fits);
        let (evidence, evidence_withheld) = split(evidence);
        let (likeness, likeness_withheld) = split(likeness);
        let both = likeness.as_ref().zip(evidence.as_ref());
        Verdict {
            rank_conflict: both.and_then(|(likeness, evidence)| RankConflict::of(likeness, evidence)),
            likeness,
            likeness_withheld,
            evidence,
            evidence_withheld,
            controls: Some(self.controls.clone()),
            as_norm: (self.wants_as_norm && fits).then(|| self.as_norm(candidate.embeddings, &cosines)),
            cohort_fit,
        }
    }

    /// What is known of a trial against this reference.
    fn terms(&self, cosines: &PerEncoder<f64>, candidate: ClipQuality) -> TrialTerms {
        TrialTerms { cosines: cosines.clone(), candidate, reference: self.model.quality() }
    }

    /// Rank and ratio of a candidate whose cosines are known.
    pub fn worth(
        &self,
        cosines: &PerEncoder<f64>,
        candidate: ClipQuality,
    ) -> (Result<Likeness, Refusal>, Result<Evidence, Refusal>) {
        let terms = self.terms(cosines, candidate);
        (self.likeness(&terms), self.evidence(&terms))
    }

    /// The decimal logarithm of the ratio before its bounds; none without a calibration that fits.
    pub fn unbounded_log10_lr(&self, cosines: &PerEncoder<f64>, candidate: ClipQuality) -> Option<f64> {
        self.fusion?.point(&self.terms(cosines, candidate)).map(|llr| llr / LN_10)
    }

    /// The greatest decimal logarithm of a ratio that the calibration's trials support; none without one that fits.
    pub fn greatest_log10_lr(&self) -> Option<f64> {
        self.fusion.map(|fusion| fusion.bounds.upper / LN_10)
    }

    /// Whether the reference ends at a telephone's bandwidth, so that every comparison is made in the narrow band.
    pub fn is_narrow_band(&self) -> bool {
        self.model.exemplars().iter().any(|exemplar| exemplar.quality.is_narrow_band())
    }

    /// Why there is no ratio in this case, whatever the candidate; none where there can be one.
    pub fn without_ratio(&self) -> Option<Refusal> {
        match self.fusion {
            Some(_) => None,
            None => Some(self.unfit.clone().unwrap_or_else(no_calibration)),
        }
    }

    /// Why a candidate lies outside what the calibration was validated on; none where it does not, or without one.
    pub fn outside(&self, candidate: &ClipQuality, band: Band) -> Option<Refusal> {
        outside(self.calibration?, band, candidate, self.model)
    }

    /// The rank by the strongest encoder, which follows the voice more than the recording; that by all scores together
    /// stands beside it.
    fn likeness(&self, terms: &TrialTerms) -> Result<Likeness, Refusal> {
        let (cosines, measure) = (&terms.cosines, self.measure.as_ref());
        let likeness = measure.and_then(|measure| self.scores.likeness(cosines, measure));
        let mut likeness = likeness.ok_or(Refusal::NoPopulation)?;
        let by_fusion = self.fusion.map(|fusion| by_fusion(fusion, terms.noisiness()));
        likeness.by_fusion = by_fusion.and_then(|measure| self.scores.percentile(cosines, &measure));
        let other = |(kind, scores): &(String, CohortScores<'_>)| {
            let percentile = scores.percentile(cosines, measure?)?;
            Some(OtherKind { kind: kind.clone(), percentile, n: scores.len() })
        };
        likeness.other_kinds = self.others.iter().filter_map(other).collect();
        Ok(likeness)
    }

    fn evidence(&self, terms: &TrialTerms) -> Result<Evidence, Refusal> {
        let Some((loaded, fusion)) = self.calibration.zip(self.fusion) else {
            return Err(self.unfit.clone().unwrap_or_else(no_calibration));
        };
        let ratio = fusion.llr(terms).ok_or_else(no_calibration)?;
        let (parts, agreement) = fusion.parts(terms).zip(fusion.agreement(terms)).ok_or_else(no_calibration)?;
        let log10 = |llr: f64| llr / LN_10;
        let parts_log10_lr = parts.map(|_, part| log10(*part));
        let posterior = |prior: f64| {
            let log_odds = ratio.llr + (prior / (1.0 - prior)).ln();
            Posterior { prior, posterior: 1.0 / (1.0 + (-log_odds).exp()) }
        };
        Ok(Evidence {
            llr: ratio.llr,
            log10_lr: log10(ratio.llr),
            low: log10(ratio.low),
            high: log10(ratio.high),
            unbounded_log10_lr: log10(ratio.unbounded),
            bounds_log10_lr: [log10(fusion.bounds.lower), log10(fusion.bounds.upper)],
            conflict: Conflict::of(&parts_log10_lr),
            parts_log10_lr,
            agreement,
            verbal: verbal::support(ratio.llr),
            verbal_scale: SCALE.into(),
            statement: verbal::sentence(ratio.llr, loaded.calibration.propositions()),
            condition: loaded.calibration.condition.clone(),
            calibration: loaded.sha256.clone(),
            posterior: self.prior.map(posterior),
        })
    }

    fn as_norm(&self, candidate: &PerEncoder<Embedding>, scores: &PerEncoder<f64>) -> PerEncoder<f64> {
        let normalised = scores.iter().filter_map(|(encoder, cosine)| {
            let side = |side: &Embedding| -> Vec<f64> {
                let voices = self.population.voices.iter().filter_map(|voice| voice.embeddings.get(encoder));
                let same = voices.filter(|voice| voice.fingerprint == side.fingerprint);
                same.filter_map(|voice| crate::compare::cosine(&side.values, &voice.values)).collect()
            };
            let reference = self.model.centroids().get(encoder)?;
            Some((encoder, as_norm(*cosine, side(candidate.get(encoder)?), side(reference))?))
        });
        normalised.collect()
    }

    /// The cosines of the population's voices to the reference, rising.
    pub fn population_scores(&self) -> PerEncoder<Vec<f64>> {
        let sorted = |encoder| {
            let mut scores: Vec<f64> = self.scores.by(encoder).collect();
            scores.sort_unstable_by(f64::total_cmp);
            (encoder, scores)
        };
        self.model.centroids().encoders().map(sorted).collect()
    }

    /// How a candidate would have scored without each of the reference's clips; empty where there is one clip.
    pub fn without_each_clip(
        &self,
        candidate: &PerEncoder<Embedding>,
        quality: ClipQuality,
        with_ratio: bool,
    ) -> Vec<WithoutClip> {
        let exemplars = self.model.exemplars();
        let one = |left_out: usize| {
            let others = exemplars.iter().enumerate().filter(|(i, _)| *i != left_out).map(|(_, other)| other.clone());
            let others = VoiceModel::new(others.collect()).ok()?;
            let cosines = others.score(candidate).ok()?.map(|_, score| score.cosine);
            let terms = TrialTerms { cosines: cosines.clone(), candidate: quality, reference: others.quality() };
            let ratio = self.fusion.filter(|_| with_ratio).and_then(|fusion| fusion.llr(&terms));
            let path = exemplars.get(left_out)?.path.clone();
            Some(WithoutClip {
                path,
                cosines,
                log10_lr: ratio.map(|ratio| ratio.llr / LN_10),
                unbounded_log10_lr: ratio.map(|ratio| ratio.unbounded / LN_10),
            })
        };
        if exemplars.len() < 2 { Vec::new() } else { (0..exemplars.len()).filter_map(one).collect() }
    }

    /// Exemplars that are further from the others than other people's voices are: the share of the population that the
    /// exemplar is closer than, percent, by its place among the exemplars.
    pub fn strangers(&self) -> Vec<(usize, f64)> {
        let Some(measure) = &self.measure else { return Vec::new() };
        let exemplars = self.model.exemplars();
        if exemplars.len() < 2 {
            return Vec::new();
        }
        let strange = |(left_out, held_out): (usize, PerEncoder<f64>)| {
            let others = exemplars.iter().enumerate().filter(|(i, _)| *i != left_out).map(|(_, e)| e.clone());
            let others = VoiceModel::new(others.collect()).ok()?;
            let scores = CohortScores::new(self.population.voices.iter(), others.centroids());
            let percentile = scores.percentile(&held_out, measure)?;
            (percentile < STRANGER_PERCENTILE).then_some((left_out, percentile))
        };
        self.model.held_out().into_iter().enumerate().filter_map(strange).collect()
    }

    /// Voices of the population that come as close to the reference as its own exemplars mostly do: perhaps the same
    /// voice. The median, so that one exemplar of another voice does not make doubles of everybody.
    pub fn doubles(&self) -> Vec<String> {
        let Some((measure, held_out)) = self.measure.as_ref().zip(Some(self.model.held_out())) else {
            return Vec::new();
        };
        let own = Spread::of(held_out.iter().filter_map(|cosines| measure.of(cosines)).collect());
        let Some(own) = own else { return Vec::new() };
        let close = |voice: &&crate::compare::CohortVoice| {
            let score = cosines(&voice.embeddings, self.model.centroids()).and_then(|cosines| measure.of(&cosines));
            score.is_some_and(|score| score >= own.median)
        };
        self.population.voices.iter().filter(close).map(|voice| voice.name.clone()).collect()
    }
}

/// An exemplar that is closer to the others than less than this share of the population is suspect, percent.
pub(crate) const STRANGER_PERCENTILE: f64 = 95.0;

fn no_calibration() -> Refusal {
    Refusal::NoCalibration {
        condition: "none".into(),
        found: "no calibration".into(),
        expected: "one that fits the case".into(),
    }
}

/// Why a candidate, or the reference, lies outside what a calibration was validated on; none where neither does.
pub(crate) fn outside(
    loaded: &LoadedCalibration,
    band: Band,
    candidate: &ClipQuality,
    model: &VoiceModel,
) -> Option<Refusal> {
    let ranges = &loaded.calibration.of_band(band).fusion.ranges;
    let out = ranges.refuses(candidate, &model.quality())?;
    Some(Refusal::OutsideValidated {
        text: out.to_string(),
        reference: out.reference,
        quantity: out.quantity,
        found: out.found,
        limit: out.limit,
        condition: loaded.calibration.condition.clone(),
    })
}

/// A result as a value or a reason.
pub(crate) fn split<T>(result: Result<T, Refusal>) -> (Option<T>, Option<Refusal>) {
    match result {
        Ok(value) => (Some(value), None),
        Err(refusal) => (None, Some(refusal)),
    }
}

/// The band that a comparison is made in.
pub(crate) fn band_of(candidate: &ClipQuality, model: &VoiceModel) -> Band {
    let narrow = candidate.is_narrow_band() || model.exemplars().iter().any(|e| e.quality.is_narrow_band());
    if narrow { Band::Narrow } else { Band::Wide }
}
