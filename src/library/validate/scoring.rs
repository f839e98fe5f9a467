//! Many trials over a few clips: every clip is encoded once, and trials are scored from what is kept of it.
//!
//! It gives scores alone. Error rates, costs and intervals of them are computed in `evaluate` and `calibration`.

use crate::audio::Variation;
use crate::calibration::fusion::{Fusion, TrialTerms};
use crate::compare::{ReferenceQuality, as_norm};
use crate::encoder::{Band, ClipAnalysis, Encoder, Panel, PerBand, PerEncoder, Refusal, unit};
use crate::error::Result;
use crate::feature::ClipQuality;
use crate::library::batch::{self, BatchOptions};
use crate::library::cohort::Population;
use crate::library::labels::{Model, Trial};
use std::path::PathBuf;

/// Trials that one task scores.
const CHUNK: usize = 1 << 14;

/// A clip that trials name, encoded.
#[derive(Clone, Debug)]
pub(crate) struct EncodedClip {
    pub quality: ClipQuality,
    /// Length of the clip, seconds.
    pub duration_s: f64,
    /// Largest sample, dB of full scale.
    pub peak_dbfs: Option<f32>,
    /// It has less speech than `check` accepts.
    pub short: bool,
    pub sha256: Option<String>,
    /// Embeddings brought to length one, in the wide band and, where it was asked for, in the narrow one.
    wide: PerEncoder<Vec<f32>>,
    narrow: PerEncoder<Vec<f32>>,
}

impl EncodedClip {
    /// A clip of which no embedding is asked for.
    #[cfg(test)]
    pub fn unscored(sha256: &str, duration_s: f64, quality: ClipQuality) -> Self {
        let (wide, narrow) = Default::default();
        EncodedClip { quality, duration_s, peak_dbfs: None, short: false, sha256: Some(sha256.into()), wide, narrow }
    }

    fn of_band(&self, band: Band) -> &PerEncoder<Vec<f32>> {
        if band == Band::Narrow { &self.narrow } else { &self.wide }
    }
}

/// For which clips the narrow band is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Narrow {
    /// For none: bandwidths are not matched.
    Never,
    /// For all, where one of them is narrow-band.
    IfNeeded,
    /// For all.
    Always,
}

/// Encodes clips, each altered as it says. A clip without speech, or of which an encoder makes nothing but zeros, is
/// refused, so that every encoder is measured on the same trials.
pub(crate) fn encode(
    panel: &Panel,
    clips: &[(PathBuf, Variation)],
    narrow: Narrow,
    options: &BatchOptions<'_>,
) -> Result<Vec<std::result::Result<EncodedClip, Refusal>>> {
    let wide = batch::analyse_varied(panel, clips, options)?;
    let needed =
        || wide.iter().any(|clip| clip.quality.as_ref().is_some_and(|quality| quality.brief().is_narrow_band()));
    let narrow = match narrow {
        Narrow::Never => None,
        Narrow::IfNeeded if !needed() => None,
        _ => Some(batch::analyse_varied(&panel.narrow()?, clips, options)?),
    };
    let mut narrow = narrow.map(Vec::into_iter);
    let encoded = wide.into_iter().map(|analysis| {
        let narrow = narrow.as_mut().and_then(Iterator::next);
        let short = analysis.embeddings.is_err();
        let sha256 = analysis.sha256.clone();
        let told = analysis.quality.as_ref().map(|quality| (quality.brief(), quality.duration_s, quality.peak_dbfs));
        let wide = units(analysis)?;
        let narrow = narrow.map(units).transpose()?.unwrap_or_default();
        let (quality, duration_s, peak_dbfs) = told.ok_or(Refusal::NoDirection)?;
        Ok(EncodedClip { quality, duration_s, peak_dbfs, short, sha256, wide, narrow })
    });
    Ok(encoded.collect())
}

/// The embeddings of a clip, those of a short one too, brought to length one.
fn units(analysis: ClipAnalysis) -> std::result::Result<PerEncoder<Vec<f32>>, Refusal> {
    let embeddings = match (analysis.embeddings, analysis.short) {
        (Ok(embeddings), _) | (Err(_), Some(embeddings)) => embeddings,
        (Err(refusal), None) => return Err(refusal),
    };
    embeddings.try_map(|_, embedding| unit(&embedding.values).ok_or(Refusal::NoDirection))
}

/// Product of two vectors of length one: their cosine. Eight running sums in double precision, in a fixed order.
fn product(a: &[f32], b: &[f32]) -> f64 {
    let (a, a_rest) = a.as_chunks::<8>();
    let (b, b_rest) = b.as_chunks::<8>();
    let mut sums = [0.0f64; 8];
    for (a, b) in a.iter().zip(b) {
        for ((sum, x), y) in sums.iter_mut().zip(a).zip(b) {
            *sum += f64::from(*x) * f64::from(*y);
        }
    }
    let rest: f64 = a_rest.iter().zip(b_rest).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum();
    (sums.iter().sum::<f64>() + rest).clamp(-1.0, 1.0)
}

/// Encoded clips and the models made of them, ready to be scored.
pub(crate) struct Scorer<'a> {
    clips: &'a [EncodedClip],
    models: Vec<ScoredModel>,
}

struct ScoredModel {
    /// The one clip, or the centroids by band.
    clip: Option<u32>,
    centroids: PerBand<PerEncoder<Vec<f32>>>,
    quality: ReferenceQuality,
    narrow: bool,
}

impl<'a> Scorer<'a> {
    pub fn new(clips: &'a [EncodedClip], models: &[Model]) -> Self {
        let of = |number: &u32| clips.get(*number as usize);
        let models = models.iter().map(|model| {
            let members: Vec<&EncodedClip> = model.clips.iter().filter_map(of).collect();
            let single = match model.clips[..] {
                [clip] => Some(clip),
                _ => None,
            };
            ScoredModel {
                clip: single,
                centroids: if single.is_some() {
                    Default::default()
                } else {
                    PerBand::from_fn(|b| centroid(&members, b))
                },
                quality: ReferenceQuality::of(members.iter().map(|clip| &clip.quality)),
                narrow: members.iter().any(|clip| clip.quality.is_narrow_band() && !clip.narrow.is_empty()),
            }
        });
        Scorer { clips, models: models.collect() }
    }

    /// The band that a trial is scored in: the narrow one where a side is narrow-band and both have been encoded in it.
    pub fn band(&self, trial: &Trial) -> Option<Band> {
        let (model, clip) = (self.models.get(trial.model as usize)?, self.clips.get(trial.clip as usize)?);
        let narrow = model.narrow || (clip.quality.is_narrow_band() && !clip.narrow.is_empty());
        Some(if narrow { Band::Narrow } else { Band::Wide })
    }

    /// What is known of a trial, in a band.
    pub fn terms(&self, trial: &Trial, band: Band) -> Option<TrialTerms> {
        let (model, clip) = (self.models.get(trial.model as usize)?, self.clips.get(trial.clip as usize)?);
        let reference = self.vectors(model, band)?;
        let cosines =
            clip.of_band(band).try_map(|encoder, values| Ok(product(values, reference.get(encoder).ok_or(())?)));
        let cosines: std::result::Result<_, ()> = cosines;
        Some(TrialTerms { cosines: cosines.ok()?, candidate: clip.quality, reference: model.quality })
    }

    fn vectors<'b>(&'b self, model: &'b ScoredModel, band: Band) -> Option<&'b PerEncoder<Vec<f32>>> {
        match model.clip {
            Some(clip) => Some(self.clips.get(clip as usize)?.of_band(band)),
            None => Some(&model.centroids[band]),
        }
    }

    /// Scores all trials, in their order.
    pub fn score(
        &self,
        trials: &[Trial],
        encoders: &[Encoder],
        fusions: Option<PerBand<&Fusion>>,
        threads: usize,
    ) -> Result<Scores> {
        let chunks: Vec<&[Trial]> = trials.chunks(CHUNK).collect();
        let parts = batch::map(chunks.len(), threads, |index| {
            let mut part = Scores::default();
            for trial in chunks.get(index).copied().unwrap_or_default() {
                let band = self.band(trial).unwrap_or_default();
                let terms = self.terms(trial, band);
                part.narrow += usize::from(band == Band::Narrow);
                for encoder in encoders {
                    let cosine = terms.as_ref().and_then(|terms| terms.cosines.get(*encoder)).copied();
                    part.column(*encoder).push(cosine.unwrap_or(f64::NAN));
                }
                let Some((fusion, terms)) = fusions.map(|both| both[band]).zip(terms.as_ref()) else {
                    continue;
                };
                let llr = fusion.point(terms).unwrap_or(f64::NAN);
                part.llrs.push(llr);
                part.bounded.push(fusion.bounds.clip(llr));
                part.outside.push(fusion.ranges.refuses(&terms.candidate, &terms.reference).is_some());
            }
            part
        })?;
        let mut all = Scores::default();
        for part in parts {
            all.narrow += part.narrow;
            all.llrs.extend(part.llrs);
            all.bounded.extend(part.bounded);
            all.outside.extend(part.outside);
            for (encoder, cosines) in part.cosines.iter() {
                all.column(encoder).extend(cosines);
            }
        }
        Ok(all)
    }

    /// The same trials' cosines of an encoder, normalised by a population's (AS-norm), in the wide band.
    pub fn as_normalised(
        &self,
        trials: &[Trial],
        encoder: Encoder,
        population: &Population,
        threads: usize,
    ) -> Result<Vec<f64>> {
        let voices: Vec<Vec<f32>> =
            population.voices.iter().filter_map(|voice| unit(&voice.embeddings.get(encoder)?.values)).collect();
        let against = |values: Option<&Vec<f32>>| -> Vec<f64> {
            values.map(|values| voices.iter().map(|voice| product(values, voice)).collect()).unwrap_or_default()
        };
        let clips =
            batch::map(self.clips.len(), threads, |i| against(self.clips.get(i).and_then(|c| c.wide.get(encoder))))?;
        let models = batch::map(self.models.len(), threads, |i| {
            against(self.models.get(i).and_then(|model| self.vectors(model, Band::Wide)?.get(encoder)))
        })?;
        let score = |trial: &Trial| {
            let cosine = self.terms(trial, Band::Wide)?.cosines.get(encoder).copied()?;
            as_norm(cosine, clips.get(trial.clip as usize)?.clone(), models.get(trial.model as usize)?.clone())
        };
        batch::map(trials.len(), threads, |i| trials.get(i).and_then(score).unwrap_or(f64::NAN))
    }
}

fn centroid(members: &[&EncodedClip], band: Band) -> PerEncoder<Vec<f32>> {
    let Some(first) = members.first() else { return PerEncoder::default() };
    let mean = first.of_band(band).try_map(|encoder, values| {
        let mut sum = vec![0.0f64; values.len()];
        for values in members.iter().filter_map(|clip| clip.of_band(band).get(encoder)) {
            sum.iter_mut().zip(values).for_each(|(s, x)| *s += f64::from(*x));
        }
        let norm = sum.iter().map(|x| x * x).sum::<f64>().sqrt();
        if norm > 0.0 { Ok(sum.iter().map(|x| (x / norm) as f32).collect()) } else { Err(()) }
    });
    mean.unwrap_or_default()
}

/// The scores of trials, in their order.
#[derive(Default)]
pub(crate) struct Scores {
    /// Cosines by encoder.
    pub cosines: PerEncoder<Vec<f64>>,
    /// Natural-log likelihood ratios before the bounds; empty without a calibration.
    pub llrs: Vec<f64>,
    /// The same within the bounds.
    pub bounded: Vec<f64>,
    /// Whether a trial lies outside the calibration's ranges; empty without a calibration.
    pub outside: Vec<bool>,
    /// Number of trials that were scored in the narrow band.
    pub narrow: usize,
}

impl Scores {
    fn column(&mut self, encoder: Encoder) -> &mut Vec<f64> {
        self.cosines.slot_or_default(encoder)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encoder::cosine;

    #[test]
    fn the_product_of_unit_vectors_is_their_cosine() {
        for n in [1usize, 7, 8, 38, 192] {
            let a: Vec<f32> = (0..n).map(|i| (i as f32 * 0.7).sin() + 0.1).collect();
            let b: Vec<f32> = (0..n).map(|i| (i as f32 * 0.3).cos() - 0.2).collect();
            let found = product(&unit(&a).unwrap(), &unit(&b).unwrap());
            assert!((found - cosine(&a, &b).unwrap()).abs() < 1e-6, "{n}");
        }
        assert_eq!(unit(&[0.0, 0.0]), None);
    }
}
