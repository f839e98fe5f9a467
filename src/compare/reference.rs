//! The protected voice: a set of recordings, never one blind mean.
//!
//! Speakers have more than one style, and one bad recording must not hide in an average; so the exemplars stay apart
//! and every one is scored. The score against the reference as a whole is the cosine to the centroid: the mean of the
//! exemplars' embeddings, each first brought to length one.

use crate::audio::Channel;
use crate::encoder::{Embedding, Encoder, PerEncoder, Refusal, cosine};
use crate::feature::ClipQuality;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One recording of the protected voice.
#[derive(Clone, Debug, PartialEq)]
pub struct Exemplar {
    /// Where it came from, as shown to the user.
    pub path: String,
    /// SHA-256 of the file.
    pub sha256: String,
    /// The channel that was used.
    pub channel: Channel,
    /// What was measured of it.
    pub quality: ClipQuality,
    /// Its embedding by each encoder.
    pub embeddings: PerEncoder<Embedding>,
}

/// A protected voice, ready to be compared with.
#[derive(Clone, Debug, PartialEq)]
pub struct VoiceModel {
    exemplars: Vec<Exemplar>,
    centroids: PerEncoder<Embedding>,
}

/// A cosine against a reference. Not a probability: nothing maps it to one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
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
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
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
    /// [`Refusal::SettingsDiffer`] where the exemplars were not all made alike, [`Refusal::NotEnrolled`] where one of
    /// them lacks an encoder that another has, [`Refusal::NoDirection`] where one of them is all zeros or there is
    /// none.
    pub fn new(mut exemplars: Vec<Exemplar>) -> Result<Self, Refusal> {
        exemplars.sort_by(|a, b| (&a.path, &a.sha256).cmp(&(&b.path, &b.sha256)));
        let present = exemplars.iter().flat_map(|exemplar| exemplar.embeddings.iter());
        let encoders: PerEncoder<()> = present.map(|(encoder, _)| (encoder, ())).collect();
        if encoders.is_empty() {
            return Err(Refusal::NoDirection);
        }
        let centroids = encoders.try_map(|encoder, ()| mean(encoder, exemplars.iter()))?;
        Ok(VoiceModel { exemplars, centroids })
    }

    /// The exemplars, in the order of their paths.
    pub fn exemplars(&self) -> &[Exemplar] {
        &self.exemplars
    }

    /// Compares a candidate's embeddings with the voice: one score for each of the candidate's encoders. What else the
    /// voice is enrolled by is left aside.
    ///
    /// # Errors
    /// [`Refusal::SettingsDiffer`] where an encoder's two sides were not made alike, [`Refusal::NotEnrolled`] where the
    /// voice lacks one of the encoders, [`Refusal::NoDirection`] where no angle exists.
    pub fn score(&self, candidate: &PerEncoder<Embedding>) -> Result<PerEncoder<CosineScore>, Refusal> {
        candidate.try_map(|encoder, embedding| self.score_by(encoder, embedding))
    }

    /// The centroid of each encoder.
    pub fn centroids(&self) -> &PerEncoder<Embedding> {
        &self.centroids
    }

    /// Each exemplar against the others: its cosine to the centroid of those, in the order of the exemplars. Empty with
    /// one exemplar, which has no other.
    pub fn held_out(&self) -> Vec<PerEncoder<f64>> {
        if self.exemplars.len() < 2 {
            return Vec::new();
        }
        let one = |left_out: usize| {
            let others = || self.exemplars.iter().enumerate().filter(move |(i, _)| *i != left_out).map(|(_, e)| e);
            let exemplar = self.exemplars.get(left_out)?;
            let cosines = exemplar.embeddings.try_map(|encoder, embedding| {
                let centre = mean(encoder, others()).map_err(drop)?;
                cosine(&embedding.values, &centre.values).ok_or(())
            });
            cosines.ok()
        };
        (0..self.exemplars.len()).filter_map(one).collect()
    }

    /// What the voice's exemplars are as a whole.
    pub fn quality(&self) -> ReferenceQuality {
        ReferenceQuality::of(self.exemplars.iter().map(|exemplar| &exemplar.quality))
    }

    fn score_by(&self, encoder: Encoder, candidate: &Embedding) -> Result<CosineScore, Refusal> {
        let centroid = self.centroids.get(encoder).ok_or(Refusal::NotEnrolled { encoder })?;
        same_extractor(encoder, &candidate.fingerprint, &centroid.fingerprint)?;
        let to = |values: &[f32]| cosine(&candidate.values, values).ok_or(Refusal::NoDirection);
        let whole = to(&centroid.values)?;
        let clips = self.exemplars.iter().map(|exemplar| {
            let embedding = exemplar.embeddings.get(encoder).ok_or(Refusal::NotEnrolled { encoder })?;
            Ok(ClipScore { path: exemplar.path.clone(), cosine: to(&embedding.values)? })
        });
        let clips: Vec<ClipScore> = clips.collect::<Result<_, Refusal>>()?;
        let mut sorted: Vec<f64> = clips.iter().map(|clip| clip.cosine).collect();
        sorted.sort_by(f64::total_cmp);
        let best = sorted.last().copied().ok_or(Refusal::NoDirection)?;
        let median = median(&sorted).ok_or(Refusal::NoDirection)?;
        Ok(CosineScore { cosine: whole, distance: 1.0 - whole, best, median, clips })
    }
}

/// What a reference's exemplars are as a whole, as far as it decides what a score is worth.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
pub struct ReferenceQuality {
    /// Number of exemplars.
    pub exemplars: usize,
    /// Speech in all of them, seconds.
    pub net_speech_s: f64,
    /// Mean of their signal-to-noise ratios, dB; null where none is known.
    pub snr_db: Option<f32>,
    /// The narrowest bandwidth among them, Hz; null where none is known.
    pub bandwidth_hz: Option<f32>,
    /// The greatest share of clipped samples among them, percent.
    pub clipping_percent: f32,
    /// The lowest level among them, dB of full scale; null where none is known.
    pub level_dbfs: Option<f32>,
}

impl ReferenceQuality {
    /// The whole of some exemplars.
    pub fn of<'a>(exemplars: impl Iterator<Item = &'a ClipQuality>) -> Self {
        let all: Vec<&ClipQuality> = exemplars.collect();
        let least = |value: fn(&ClipQuality) -> Option<f32>| all.iter().filter_map(|q| value(q)).reduce(f32::min);
        let ratios: Vec<f64> = all.iter().filter_map(|q| q.snr_db.map(f64::from)).collect();
        let mean = (!ratios.is_empty()).then(|| (ratios.iter().sum::<f64>() / ratios.len() as f64) as f32);
        ReferenceQuality {
            exemplars: all.len(),
            net_speech_s: all.iter().map(|q| q.net_speech_s).sum(),
            snr_db: mean,
            bandwidth_hz: least(|q| q.bandwidth_hz),
            clipping_percent: all.iter().map(|q| q.clipping_percent).fold(0.0, f32::max),
            level_dbfs: least(|q| q.level_dbfs),
        }
    }
}

/// Mean of exemplars' embeddings, each first brought to length one.
fn mean<'a>(encoder: Encoder, exemplars: impl Iterator<Item = &'a Exemplar>) -> Result<Embedding, Refusal> {
    let mut fingerprint: Option<&str> = None;
    let (mut sum, mut n) = (Vec::new(), 0.0);
    for exemplar in exemplars {
        let embedding = exemplar.embeddings.get(encoder).ok_or(Refusal::NotEnrolled { encoder })?;
        same_extractor(encoder, &embedding.fingerprint, fingerprint.get_or_insert(&embedding.fingerprint))?;
        add_direction(&mut sum, &embedding.values).ok_or(Refusal::NoDirection)?;
        n += 1.0;
    }
    let values = sum.into_iter().map(|s: f64| (s / n) as f32).collect();
    Ok(Embedding { values, fingerprint: fingerprint.unwrap_or_default().into() })
}

/// Adds a vector, brought to length one, to a sum; none where it has no direction.
pub(crate) fn add_direction(sum: &mut Vec<f64>, values: &[f32]) -> Option<()> {
    let norm = values.iter().map(|x| f64::from(*x) * f64::from(*x)).sum::<f64>().sqrt();
    if !(norm > 0.0 && norm.is_finite()) {
        return None;
    }
    sum.resize(values.len(), 0.0);
    sum.iter_mut().zip(values).for_each(|(s, x)| *s += f64::from(*x) / norm);
    Some(())
}

fn same_extractor(encoder: Encoder, candidate: &str, reference: &str) -> Result<(), Refusal> {
    if candidate == reference {
        return Ok(());
    }
    Err(Refusal::SettingsDiffer { encoder, candidate: candidate.into(), reference: reference.into() })
}

/// Middle of sorted values, or the mean of the two in the middle.
pub(crate) fn median(sorted: &[f64]) -> Option<f64> {
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

    fn by(encoder: Encoder, values: &[f32], fingerprint: &str) -> PerEncoder<Embedding> {
        [(encoder, embedding(values, fingerprint))].into_iter().collect()
    }

    fn mfcc(values: &[f32]) -> PerEncoder<Embedding> {
        by(Encoder::Mfcc, values, "a")
    }

    fn exemplar(path: &str, values: &[f32]) -> Exemplar {
        let (path, sha256, channel) = (path.into(), path.into(), Channel::Mix);
        let quality = ClipQuality {
            net_speech_s: 2.0,
            snr_db: Some(30.0),
            bandwidth_hz: None,
            clipping_percent: 0.0,
            level_dbfs: None,
        };
        Exemplar { path, sha256, channel, quality, embeddings: mfcc(values) }
    }

    #[test]
    fn a_loud_exemplar_weighs_no_more_than_a_soft_one() {
        let model = VoiceModel::new(vec![exemplar("1", &[100.0, 0.0]), exemplar("2", &[0.0, 1.0])]).unwrap();
        let score = model.score(&mfcc(&[3.0, 3.0])).unwrap().mfcc.unwrap();
        assert!((score.cosine - 1.0).abs() < 1e-7 && score.distance.abs() < 1e-7);
        assert!((score.best - 0.5f64.sqrt()).abs() < 1e-7 && (score.median - score.best).abs() < 1e-7);
    }

    #[test]
    fn the_order_of_exemplars_is_of_no_consequence() {
        let clips = [exemplar("c", &[1.0, 0.3]), exemplar("a", &[0.2, 1.0]), exemplar("b", &[-0.1, 0.7])];
        let model = VoiceModel::new(clips.to_vec()).unwrap();
        let turned = VoiceModel::new(clips.iter().rev().cloned().collect()).unwrap();
        assert_eq!(model, turned);
        let score = model.score(&mfcc(&[1.0, 0.0])).unwrap().mfcc.unwrap();
        assert_eq!(score.clips.iter().map(|c| c.path.as_str()).collect::<Vec<_>>(), ["a", "b", "c"]);
        let mut cosines: Vec<f64> = score.clips.iter().map(|c| c.cosine).collect();
        cosines.sort_by(f64::total_cmp);
        assert_eq!((score.best, score.median), (cosines[2], cosines[1]));
    }

    #[test]
    fn other_settings_are_refused_with_the_encoder() {
        let model = VoiceModel::new(vec![exemplar("1", &[1.0])]).unwrap();
        let encoder = Encoder::Mfcc;
        let differ = Refusal::SettingsDiffer { encoder, candidate: "b".into(), reference: "a".into() };
        assert_eq!(model.score(&by(encoder, &[1.0], "b")), Err(differ));
        assert_eq!(model.score(&mfcc(&[0.0])), Err(Refusal::NoDirection));
        let mixed =
            vec![exemplar("1", &[1.0]), Exemplar { embeddings: by(encoder, &[1.0], "b"), ..exemplar("2", &[]) }];
        assert!(matches!(VoiceModel::new(mixed), Err(Refusal::SettingsDiffer { .. })));
        assert_eq!(VoiceModel::new(vec![]), Err(Refusal::NoDirection));
    }

    #[test]
    fn encoders_are_scored_apart_and_none_is_passed_over() {
        let mut first = exemplar("1", &[1.0, 0.0]);
        first.embeddings.set(Encoder::Ge2e, embedding(&[0.0, 0.0, 1.0], "g"));
        let model = VoiceModel::new(vec![first.clone()]).unwrap();
        let mut candidate = mfcc(&[1.0, 0.0]);
        assert!(model.score(&candidate).unwrap().ge2e.is_none(), "what the candidate lacks is left aside");
        candidate.set(Encoder::Ge2e, embedding(&[0.0, 1.0, 0.0], "g"));
        let scores = model.score(&candidate).unwrap();
        assert_eq!(scores.map(|_, score| score.cosine).iter().collect::<Vec<_>>().len(), 2);
        assert_eq!((scores.mfcc.unwrap().cosine, scores.ge2e.unwrap().cosine), (1.0, 0.0));
        candidate.set(Encoder::Campplus, embedding(&[1.0], "c"));
        assert_eq!(model.score(&candidate), Err(Refusal::NotEnrolled { encoder: Encoder::Campplus }));
        let uneven = VoiceModel::new(vec![first, exemplar("2", &[1.0, 0.0])]);
        assert_eq!(uneven, Err(Refusal::NotEnrolled { encoder: Encoder::Ge2e }));
    }
}
