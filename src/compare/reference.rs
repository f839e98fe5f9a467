//! The protected voice: a set of recordings, never one blind mean.
//!
//! Speakers have more than one style, and one bad recording must not hide in an average; so the exemplars stay apart
//! and every one is scored. The score against the reference as a whole is the cosine to the centroid: the mean of the
//! exemplars' embeddings, each first brought to length one.

use super::cosine::cosine;
use crate::encoder::{Embedding, Refusal};
use schemars::JsonSchema;
use serde::Serialize;

/// One recording of the protected voice.
#[derive(Clone, Debug, PartialEq)]
pub struct Exemplar {
    /// Where it came from, as shown to the user.
    pub path: String,
    /// Its embedding.
    pub embedding: Embedding,
}

/// A protected voice, ready to be compared with.
#[derive(Clone, Debug, PartialEq)]
pub struct VoiceModel {
    exemplars: Vec<Exemplar>,
    centroid: Vec<f32>,
    fingerprint: String,
}

/// A cosine against a reference. Not a probability: nothing maps it to one.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct CosineScore {
    /// Cosine to the reference as a whole (its centroid), -1 to 1.
    pub cosine: f64,
    /// Cosine distance, `1 - cosine`, 0 to 2.
    pub distance: f64,
    /// Cosine to the nearest exemplar.
    pub best: f64,
    /// Median of the cosines to the exemplars.
    pub median: f64,
    /// Cosine to each exemplar, in the order of the reference's clips.
    pub clips: Vec<ClipScore>,
}

/// The cosine to one exemplar.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct ClipScore {
    /// The exemplar's clip.
    pub path: String,
    /// Cosine to it, -1 to 1.
    pub cosine: f64,
}

impl VoiceModel {
    /// Makes a model of exemplars, which are put in the order of their paths so that the order of the arguments is of
    /// no consequence.
    ///
    /// # Errors
    /// [`Refusal::SettingsDiffer`] where the exemplars were not all made alike, [`Refusal::NoDirection`] where one of
    /// them is all zeros or there is none.
    pub fn new(mut exemplars: Vec<Exemplar>) -> Result<Self, Refusal> {
        exemplars.sort_by(|a, b| a.path.cmp(&b.path));
        let fingerprint = exemplars.first().map(|e| e.embedding.fingerprint.clone()).ok_or(Refusal::NoDirection)?;
        let mut sum = Vec::new();
        for exemplar in &exemplars {
            same_extractor(&exemplar.embedding.fingerprint, &fingerprint)?;
            let values = &exemplar.embedding.values;
            let norm = values.iter().map(|x| f64::from(*x) * f64::from(*x)).sum::<f64>().sqrt();
            if !(norm > 0.0 && norm.is_finite()) {
                return Err(Refusal::NoDirection);
            }
            sum.resize(values.len(), 0.0);
            sum.iter_mut().zip(values).for_each(|(s, x)| *s += f64::from(*x) / norm);
        }
        let n = exemplars.len() as f64;
        Ok(VoiceModel { centroid: sum.into_iter().map(|s| (s / n) as f32).collect(), exemplars, fingerprint })
    }

    /// The exemplars, in the order of their paths.
    pub fn exemplars(&self) -> &[Exemplar] {
        &self.exemplars
    }

    /// Compares a candidate's embedding with the voice.
    ///
    /// # Errors
    /// [`Refusal::SettingsDiffer`] where the two were not made alike, [`Refusal::NoDirection`] where no angle exists.
    pub fn score(&self, candidate: &Embedding) -> Result<CosineScore, Refusal> {
        same_extractor(&candidate.fingerprint, &self.fingerprint)?;
        let to = |values: &[f32]| cosine(&candidate.values, values).ok_or(Refusal::NoDirection);
        let whole = to(&self.centroid)?;
        let clips = self
            .exemplars
            .iter()
            .map(|exemplar| Ok(ClipScore { path: exemplar.path.clone(), cosine: to(&exemplar.embedding.values)? }));
        let clips: Vec<ClipScore> = clips.collect::<Result<_, Refusal>>()?;
        let mut sorted: Vec<f64> = clips.iter().map(|clip| clip.cosine).collect();
        sorted.sort_by(f64::total_cmp);
        let best = sorted.last().copied().ok_or(Refusal::NoDirection)?;
        let median = median(&sorted).ok_or(Refusal::NoDirection)?;
        Ok(CosineScore { cosine: whole, distance: 1.0 - whole, best, median, clips })
    }
}

fn same_extractor(candidate: &str, reference: &str) -> Result<(), Refusal> {
    if candidate == reference {
        return Ok(());
    }
    Err(Refusal::SettingsDiffer { candidate: candidate.into(), reference: reference.into() })
}

/// Middle of sorted values, or the mean of the two in the middle.
fn median(sorted: &[f64]) -> Option<f64> {
    let middle = sorted.len() / 2;
    let upper = *sorted.get(middle)?;
    if sorted.len() % 2 == 1 { Some(upper) } else { Some((sorted.get(middle - 1)? + upper) / 2.0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn embedding(values: &[f32], fingerprint: &str) -> Embedding {
        Embedding { values: values.into(), fingerprint: fingerprint.into() }
    }

    fn exemplar(path: &str, values: &[f32]) -> Exemplar {
        Exemplar { path: path.into(), embedding: embedding(values, "a") }
    }

    #[test]
    fn a_loud_exemplar_weighs_no_more_than_a_soft_one() {
        let model = VoiceModel::new(vec![exemplar("1", &[100.0, 0.0]), exemplar("2", &[0.0, 1.0])]).unwrap();
        let score = model.score(&embedding(&[3.0, 3.0], "a")).unwrap();
        assert!((score.cosine - 1.0).abs() < 1e-7 && score.distance.abs() < 1e-7);
        assert!((score.best - 0.5f64.sqrt()).abs() < 1e-7 && (score.median - score.best).abs() < 1e-7);
    }

    #[test]
    fn the_order_of_exemplars_is_of_no_consequence() {
        let clips = [exemplar("c", &[1.0, 0.3]), exemplar("a", &[0.2, 1.0]), exemplar("b", &[-0.1, 0.7])];
        let model = VoiceModel::new(clips.to_vec()).unwrap();
        let turned = VoiceModel::new(clips.iter().rev().cloned().collect()).unwrap();
        assert_eq!(model, turned);
        let score = model.score(&embedding(&[1.0, 0.0], "a")).unwrap();
        assert_eq!(score.clips.iter().map(|c| c.path.as_str()).collect::<Vec<_>>(), ["a", "b", "c"]);
        let mut cosines: Vec<f64> = score.clips.iter().map(|c| c.cosine).collect();
        cosines.sort_by(f64::total_cmp);
        assert_eq!((score.best, score.median), (cosines[2], cosines[1]));
    }

    #[test]
    fn other_settings_are_refused() {
        let model = VoiceModel::new(vec![exemplar("1", &[1.0])]).unwrap();
        assert!(matches!(model.score(&embedding(&[1.0], "b")), Err(Refusal::SettingsDiffer { .. })));
        assert_eq!(model.score(&embedding(&[0.0], "a")), Err(Refusal::NoDirection));
        let mixed = vec![exemplar("1", &[1.0]), Exemplar { path: "2".into(), embedding: embedding(&[1.0], "b") }];
        assert!(matches!(VoiceModel::new(mixed), Err(Refusal::SettingsDiffer { .. })));
        assert_eq!(VoiceModel::new(vec![]), Err(Refusal::NoDirection));
    }
}
