//! A relevant population: where a score stands among other voices.
//!
//! "How close do other people's voices come to the protected one?" is answered by scoring every voice of a cohort
//! against the same reference. A candidate's likeness is a rank among those scores, never a probability. The same
//! cohort serves to normalise scores (AS-norm) and to say how unlike the case it is itself.

use super::binomial::clopper_pearson;
use crate::encoder::{Embedding, Encoder, PerEncoder, Vectors, cosine};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A voice of a population, in one band.
#[derive(Clone, Debug, PartialEq)]
pub struct CohortVoice {
    /// Its name, or an opaque one.
    pub name: String,
    /// What is known of it, by column: kind, sex, language, age.
    pub attributes: BTreeMap<String, String>,
    /// Mean of its clips' embeddings, each first brought to length one.
    pub embeddings: PerEncoder<Embedding>,
}

/// One number of several encoders' cosines, by which voices are ranked: their sum, each times its weight.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Measure {
    /// `fusion`, or the one encoder's name.
    pub name: String,
    /// Weight of each encoder's cosine.
    pub weights: PerEncoder<f64>,
}

impl Measure {
    /// The cosine of one encoder.
    pub fn of_encoder(encoder: Encoder) -> Self {
        Measure { name: encoder.name().into(), weights: [(encoder, 1.0)].into_iter().collect() }
    }

    /// The number; none where an encoder is missing.
    pub fn of(&self, cosines: &PerEncoder<f64>) -> Option<f64> {
        self.weights.iter().map(|(encoder, weight)| Some(weight * cosines.get(encoder)?)).sum()
    }
}

/// A population's scores against one reference.
#[derive(Clone, Debug)]
pub struct CohortScores<'a> {
    voices: Vec<(&'a CohortVoice, PerEncoder<f64>)>,
}

/// Where a candidate stands in a population.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Likeness {
    /// The candidate is closer to the protected voice than this share of the population, percent. A rank, not a
    /// probability.
    pub percentile: f64,
    /// Number of voices.
    pub n: usize,
    /// Lower end of the 95 % interval of the percentile (Clopper and Pearson), from the number of voices alone.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// The voices of the population that come closest to the protected one, the closest first.
    pub nearest: Vec<Neighbour>,
    /// What voices are ranked by.
    pub by: Measure,
    /// The percentile by each encoder alone.
    pub by_encoder: PerEncoder<f64>,
    /// The percentile by all encoders together, weighed as the calibration weighs them; null without a calibration.
    pub by_fusion: Option<f64>,
    /// The percentile in other parts of the cohort, by their kind.
    pub other_kinds: Vec<OtherKind>,
}

/// The rank in a part of the cohort that is not the population.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OtherKind {
    /// The kind of voices, for example `synthetic`.
    pub kind: String,
    /// Share of them that the candidate is closer than, percent.
    pub percentile: f64,
    /// Number of voices.
    pub n: usize,
}

/// A voice of the population beside the candidate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Neighbour {
    /// Its name in the cohort.
    pub name: String,
    /// Its score by the measure of the ranking.
    pub score: f64,
    /// Whether it is as close to the protected voice as the candidate, or closer.
    pub closer: bool,
}

/// Least, median and greatest of some cosines.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Spread {
    /// Least.
    pub low: f64,
    /// Median.
    pub median: f64,
    /// Greatest.
    pub high: f64,
    /// How many.
    pub n: usize,
}

impl Spread {
    /// The spread of some values; none of no value.
    pub fn of(mut values: Vec<f64>) -> Option<Self> {
        values.sort_by(f64::total_cmp);
        let median = super::reference::median(&values)?;
        Some(Spread { low: *values.first()?, median, high: *values.last()?, n: values.len() })
    }
}

/// Voices that are shown as the nearest.
const NEAREST: usize = 3;

impl<'a> CohortScores<'a> {
    /// Scores voices against a reference's centroids. A voice that lacks an encoder, or was made with another
    /// extractor, is left out.
    pub fn new(voices: impl Iterator<Item = &'a CohortVoice>, reference: &PerEncoder<Embedding>) -> Self {
        let scored = voices.filter_map(|voice| Some((voice, cosines(&voice.embeddings, reference)?)));
        CohortScores { voices: scored.collect() }
    }

    /// Number of voices.
    pub fn len(&self) -> usize {
        self.voices.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.voices.is_empty()
    }

    /// The spread of each encoder's cosines: what other people's voices reach.
    pub fn spread(&self, encoders: impl Iterator<Item = Encoder>) -> PerEncoder<Spread> {
        encoders.filter_map(|encoder| Some((encoder, Spread::of(self.by(encoder).collect())?))).collect()
    }

    /// One encoder's cosines, in the order of the voices.
    pub fn by(&self, encoder: Encoder) -> impl Iterator<Item = f64> + '_ {
        self.voices.iter().filter_map(move |(_, cosines)| cosines.get(encoder).copied())
    }

    /// Share of voices that a candidate's score lies above, percent.
    pub fn percentile(&self, cosines: &PerEncoder<f64>, measure: &Measure) -> Option<f64> {
        let (below, _) = self.below(cosines, measure)?;
        (!self.is_empty()).then(|| 100.0 * below as f64 / self.len() as f64)
    }

    fn below(&self, cosines: &PerEncoder<f64>, measure: &Measure) -> Option<(usize, f64)> {
        let score = measure.of(cosines)?;
        let below = self.voices.iter().filter(|(_, voice)| measure.of(voice).is_some_and(|other| other < score));
        Some((below.count(), score))
    }

    /// Where a candidate with these cosines stands; none without a voice or without a score.
    pub fn likeness(&self, cosines: &PerEncoder<f64>, measure: &Measure) -> Option<Likeness> {
        let n = self.len();
        let (below, score) = self.below(cosines, measure)?;
        let (low, high) = clopper_pearson(below as u64, n as u64)?;
        let mut nearest: Vec<Neighbour> = self
            .voices
            .iter()
            .filter_map(|(voice, cosines)| {
                let score_of_voice = measure.of(cosines)?;
                Some(Neighbour { name: voice.name.clone(), score: score_of_voice, closer: score_of_voice >= score })
            })
            .collect();
        nearest.sort_by(|a, b| b.score.total_cmp(&a.score).then_with(|| a.name.cmp(&b.name)));
        nearest.truncate(NEAREST);
        let alone = |encoder| Some((encoder, self.percentile(cosines, &Measure::of_encoder(encoder))?));
        Some(Likeness {
            percentile: 100.0 * below as f64 / n as f64,
            n,
            low: 100.0 * low,
            high: 100.0 * high,
            nearest,
            by: measure.clone(),
            by_encoder: cosines.encoders().filter_map(alone).collect(),
            by_fusion: None,
            other_kinds: Vec::new(),
        })
    }
}

/// The cosine of each encoder that the second side has; none where the first lacks one or they were made differently.
pub(crate) fn cosines(a: &PerEncoder<Embedding>, b: &PerEncoder<Embedding>) -> Option<PerEncoder<f64>> {
    let one = |encoder, b: &Embedding| {
        let a = a.get(encoder).filter(|a| a.fingerprint == b.fingerprint).ok_or(())?;
        cosine(&a.values, &b.values).ok_or(())
    };
    b.try_map(one).ok()
}

/// How far one side of a comparison lies from a population, by one encoder.
///
/// A side's neighbourhood is the mean of its greatest cosines to the population. How many deviations it lies above or
/// below the neighbourhoods that the population's own voices have among themselves says whether the side could be one
/// of them: a recording in another language, channel or style mostly lies lower.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CohortFit {
    /// The encoder that it is measured by.
    pub encoder: Encoder,
    /// Deviations of the candidate's neighbourhood from those of the population's own voices.
    pub candidate: f64,
    /// The same of the reference.
    pub reference: f64,
    /// Whether both lie within [`FIT_DEVIATIONS`].
    pub fits: bool,
}

/// A side further than this from a population's own voices does not belong to it: beyond about 99.7 % of them, were
/// they normally distributed.
pub const FIT_DEVIATIONS: f64 = 3.0;
/// Number of nearest voices that a neighbourhood is made of, and that scores are normalised by (AS-norm).
pub const NEAREST_VOICES: usize = 50;

/// Mean and standard deviation of the greatest [`NEAREST_VOICES`] values.
fn top(mut values: Vec<f64>) -> Option<(f64, f64)> {
    let greatest_first = |a: &f64, b: &f64| b.total_cmp(a);
    if values.len() > NEAREST_VOICES {
        values.select_nth_unstable_by(NEAREST_VOICES, greatest_first);
        values.truncate(NEAREST_VOICES);
    }
    values.sort_by(greatest_first);
    moments(&values)
}

fn moments(values: &[f64]) -> Option<(f64, f64)> {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let variance = values.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / n;
    (values.len() > 1 && variance > 0.0).then(|| (mean, variance.sqrt()))
}

/// The neighbourhoods of a population's own voices, by one encoder.
#[derive(Clone, Debug)]
pub struct Neighbourhoods<'a> {
    encoder: Encoder,
    voices: Vec<&'a Embedding>,
    mean: f64,
    deviation: f64,
}

impl<'a> Neighbourhoods<'a> {
    /// Measures every voice against all others; none where there are too few, or the lengths of their embeddings
    /// differ.
    pub fn new(voices: impl Iterator<Item = &'a CohortVoice>, encoder: Encoder) -> Option<Self> {
        let voices: Vec<&Embedding> = voices.filter_map(|voice| voice.embeddings.get(encoder)).collect();
        let all = Vectors::new(&voices.iter().map(|voice| voice.values.as_slice()).collect::<Vec<_>>())?;
        let own = |(i, this): (usize, &&Embedding)| {
            let cosines = all.cosines(&this.values).into_iter().enumerate();
            top(cosines.filter(|(j, _)| *j != i).filter_map(|(_, cosine)| cosine).collect()).map(|(mean, _)| mean)
        };
        let means: Vec<f64> = voices.iter().enumerate().filter_map(own).collect();
        let (mean, deviation) = moments(&means)?;
        Some(Neighbourhoods { encoder, voices, mean, deviation })
    }

    /// Deviations of a side's neighbourhood from the population's own; none where it cannot be compared.
    pub fn deviations(&self, side: &Embedding) -> Option<f64> {
        let cosines = self.voices.iter().filter(|voice| voice.fingerprint == side.fingerprint);
        let (mean, _) = top(cosines.filter_map(|voice| cosine(&side.values, &voice.values)).collect())?;
        Some((mean - self.mean) / self.deviation)
    }

    /// Whether candidate and reference could be of the population.
    pub fn fit(&self, candidate: &PerEncoder<Embedding>, reference: &PerEncoder<Embedding>) -> Option<CohortFit> {
        let side = |embeddings: &PerEncoder<Embedding>| self.deviations(embeddings.get(self.encoder)?);
        let (candidate, reference) = (side(candidate)?, side(reference)?);
        let fits = candidate.abs() <= FIT_DEVIATIONS && reference.abs() <= FIT_DEVIATIONS;
        Some(CohortFit { encoder: self.encoder, candidate, reference, fits })
    }
}

/// Adaptive symmetric score normalisation (AS-norm): the cosine in deviations from what each side's nearest voices of a
/// population reach, the mean of both sides (Matějka and others, "Analysis of score normalization in multilingual
/// speaker recognition", 2017). Not a cosine and not a probability; none where the population is too small.
pub fn as_norm(cosine: f64, candidate: Vec<f64>, reference: Vec<f64>) -> Option<f64> {
    let normalised = |side: Vec<f64>| top(side).map(|(mean, deviation)| (cosine - mean) / deviation);
    Some((normalised(candidate)? + normalised(reference)?) / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn by(values: &[f32]) -> PerEncoder<Embedding> {
        let embedding = Embedding { values: values.into(), fingerprint: "a".into() };
        [(Encoder::Campplus, embedding)].into_iter().collect()
    }

    /// Voices at every so many degrees from the first axis.
    fn voices(degrees: &[f32]) -> Vec<CohortVoice> {
        let voice = |d: &f32| {
            let (sin, cos) = d.to_radians().sin_cos();
            CohortVoice { name: format!("{d}"), attributes: BTreeMap::new(), embeddings: by(&[cos, sin]) }
        };
        degrees.iter().map(voice).collect()
    }

    fn cosine_of(value: f64) -> PerEncoder<f64> {
        [(Encoder::Campplus, value)].into_iter().collect()
    }

    #[test]
    fn a_rank_counts_the_voices_that_are_further_away() {
        let voices = voices(&[20.0, 40.0, 60.0, 80.0]);
        let scores = CohortScores::new(voices.iter(), &by(&[1.0, 0.0]));
        let measure = Measure::of_encoder(Encoder::Campplus);
        let likeness = scores.likeness(&cosine_of(0.7), &measure).unwrap();
        assert_eq!((likeness.percentile, likeness.n), (50.0, 4));
        assert!(likeness.low < 10.0 && likeness.high > 90.0, "four voices say little: {likeness:?}");
        let names: Vec<&str> = likeness.nearest.iter().map(|n| n.name.as_str()).collect();
        assert_eq!(names, ["20", "40", "60"]);
        assert_eq!(likeness.nearest.iter().map(|n| n.closer).collect::<Vec<_>>(), [true, true, false]);
        let tie = scores.likeness(&cosine_of(scores.by(Encoder::Campplus).next().unwrap()), &measure).unwrap();
        assert_eq!(tie.percentile, 75.0, "as close is not closer");
        assert_eq!(scores.likeness(&PerEncoder::default(), &measure), None);
    }

    #[test]
    fn voices_made_differently_are_left_out() {
        let mut voices = voices(&[20.0, 40.0]);
        voices[0].embeddings.campplus.as_mut().unwrap().fingerprint = "b".into();
        voices[1].embeddings = PerEncoder::default();
        let scores = CohortScores::new(voices.iter(), &by(&[1.0, 0.0]));
        assert!(scores.is_empty());
        assert_eq!(scores.likeness(&cosine_of(0.5), &Measure::of_encoder(Encoder::Campplus)), None);
    }

    #[test]
    fn a_side_far_from_the_population_does_not_fit() {
        let voices = voices(&(0..60).map(|i| i as f32 / 2.0).collect::<Vec<_>>());
        let neighbourhoods = Neighbourhoods::new(voices.iter(), Encoder::Campplus).unwrap();
        let inside = by(&[0.97, 0.25]);
        let fit = neighbourhoods.fit(&inside, &inside).unwrap();
        assert!(fit.fits && fit.candidate == fit.reference, "{fit:?}");
        let fit = neighbourhoods.fit(&by(&[-1.0, 0.3]), &inside).unwrap();
        assert!(!fit.fits && fit.candidate < -FIT_DEVIATIONS, "{fit:?}");
        assert!(Neighbourhoods::new(voices.iter().take(1), Encoder::Campplus).is_none());
    }

    #[test]
    fn normalised_scores_are_deviations_from_both_neighbourhoods() {
        let side = |mean: f64| vec![mean - 0.1, mean + 0.1];
        let score = as_norm(0.8, side(0.2), side(0.4)).unwrap();
        assert!((score - (6.0 + 4.0) / 2.0).abs() < 1e-9, "{score}");
        assert_eq!(as_norm(0.8, vec![], side(0.4)), None);
    }
}
