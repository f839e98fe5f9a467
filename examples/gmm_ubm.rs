//! The rival of the trained linear encoder: a Gaussian mixture as universal background model, its means adapted to each
//! clip (Reynolds, Quatieri and Dunn, "Speaker verification using adapted Gaussian mixture models", 2000).
//!
//! `cargo run --release --example gmm_ubm -- $SOUNDALIKE_DATA/manifest.tsv [dev-test]`: equal error rates in percent,
//! on the trials and fits of `mfcc_wccn_variants`, by the cosine of the adapted means (each in its Gaussian's
//! deviations, weighted by the root of its weight) and by the log-likelihood ratio in its linear form (Glembek and
//! others, 2009), averaged over both directions; beside them the linear encoder, and the mean of the two cosines. No
//! tested clip is in the fit that it is scored with.

#![allow(clippy::print_stdout)]

mod labelled;

use labelled::Clip;
use soundalike::calibration::metrics::equal_error_rate;
use soundalike::compare::cosine;
use soundalike::encoder::WccnTable;
use soundalike::feature::{Deltas, FirstCoefficient, kaldi_mfcc};
use soundalike::library::VoiceKind;
use std::collections::BTreeSet;
use std::error::Error;
use std::path::Path;

const PARTS: usize = 5;
const ITERATIONS: usize = 12;
/// Frames the mixture is fitted to, evenly spaced in what there is.
const FRAMES: usize = 60_000;
/// Frames that the background's mean counts for in the adaptation.
const RELEVANCE: f64 = 16.0;

/// A mixture of Gaussians with diagonal covariances.
struct Mixture {
    weights: Vec<f64>,
    means: Vec<Vec<f64>>,
    variances: Vec<Vec<f64>>,
}

impl Mixture {
    fn fit(frames: &[&[f32]], gaussians: usize) -> Self {
        let (n, width) = (frames.len() as f64, frames[0].len());
        let column = |j: usize| frames.iter().map(move |x| f64::from(x[j]));
        let mean: Vec<f64> = (0..width).map(|j| column(j).sum::<f64>() / n).collect();
        let variance: Vec<f64> =
            (0..width).map(|j| column(j).map(|x| (x - mean[j]).powi(2)).sum::<f64>() / n).collect();
        let start = |g: usize| frames[(2 * g + 1) * frames.len() / (2 * gaussians)];
        let mut mixture = Mixture {
            weights: vec![1.0 / gaussians as f64; gaussians],
            means: (0..gaussians).map(|g| start(g).iter().map(|x| f64::from(*x)).collect()).collect(),
            variances: vec![variance.clone(); gaussians],
        };
        for _ in 0..ITERATIONS {
            let mut zeroth = vec![0.0; gaussians];
            let mut first = vec![vec![0.0; width]; gaussians];
            let mut second = first.clone();
            let constants = mixture.constants();
            for x in frames {
                for (g, p) in mixture.posteriors(&constants, x).into_iter().enumerate().filter(|(_, p)| *p > 1e-6) {
                    zeroth[g] += p;
                    for (j, x) in x.iter().enumerate() {
                        let x = f64::from(*x);
                        first[g][j] += p * x;
                        second[g][j] += p * x * x;
                    }
                }
            }
            for g in 0..gaussians {
                let count = zeroth[g].max(1.0);
                mixture.weights[g] = (zeroth[g] / n).max(1e-9);
                for j in 0..width {
                    let m = first[g][j] / count;
                    mixture.means[g][j] = m;
                    mixture.variances[g][j] = (second[g][j] / count - m * m).max(0.01 * variance[j]);
                }
            }
        }
        mixture
    }

    fn constants(&self) -> Vec<f64> {
        let log = |(w, v): (&f64, &Vec<f64>)| w.ln() - 0.5 * v.iter().map(|v| v.ln()).sum::<f64>();
        self.weights.iter().zip(&self.variances).map(log).collect()
    }

    fn posteriors(&self, constants: &[f64], x: &[f32]) -> Vec<f64> {
        let mut log: Vec<f64> = Vec::with_capacity(constants.len());
        for ((c, mean), variance) in constants.iter().zip(&self.means).zip(&self.variances) {
            let square = |((x, m), v): ((&f32, &f64), &f64)| (f64::from(*x) - m).powi(2) / v;
            log.push(c - 0.5 * x.iter().zip(mean).zip(variance).map(square).sum::<f64>());
        }
        let top = log.iter().copied().fold(f64::MIN, f64::max);
        log.iter_mut().for_each(|l| *l = (*l - top).exp());
        let sum: f64 = log.iter().sum();
        log.iter_mut().for_each(|l| *l /= sum);
        log
    }

    /// Of a clip, in the Gaussians' deviations: its adapted means, the same weighted, and its mean offset a frame.
    fn adapt(&self, frames: &[f32]) -> [Vec<f64>; 3] {
        let width = self.means[0].len();
        let mut zeroth = vec![0.0; self.weights.len()];
        let mut offset = vec![vec![0.0; width]; self.weights.len()];
        let constants = self.constants();
        for x in frames.chunks_exact(width) {
            for (g, p) in self.posteriors(&constants, x).into_iter().enumerate() {
                zeroth[g] += p;
                for j in 0..width {
                    offset[g][j] += p * (f64::from(x[j]) - self.means[g][j]) / self.variances[g][j].sqrt();
                }
            }
        }
        let count = (frames.len() / width) as f64;
        let each = |scale: &dyn Fn(usize) -> f64| -> Vec<f64> {
            offset
                .iter()
                .enumerate()
                .flat_map(|(g, row)| row.iter().map(move |x| (g, x)))
                .map(|(g, x)| x * scale(g))
                .collect()
        };
        [
            each(&|g| 1.0 / (zeroth[g] + RELEVANCE)),
            each(&|g| self.weights[g].sqrt() / (zeroth[g] + RELEVANCE)),
            each(&|_| 1.0 / count),
        ]
    }
}

struct Framed {
    clip: Clip,
    /// Frames of speech.
    frames: Vec<f32>,
}

fn read(manifest: &Path, splits: &[&'static str], cepstra: usize, deltas: bool) -> Result<Vec<Framed>, Box<dyn Error>> {
    let plan = kaldi_mfcc(40, cepstra + 1, FirstCoefficient::Cepstrum).plan()?;
    let mut framed = Vec::new();
    for clip in labelled::clips(manifest, splits, &Default::default())? {
        let (rows, keep) = labelled::rows(&plan, &clip.path)?;
        let mut all = Vec::new();
        let mut slopes = Deltas::default();
        for row in rows.chunks_exact(cepstra + 1) {
            match deltas {
                true => slopes.push(&row[1..], &mut |row| all.extend_from_slice(row)),
                false => all.extend_from_slice(&row[1..]),
            }
        }
        slopes.finish(&mut |row| all.extend_from_slice(row));
        let rows = all.chunks_exact(cepstra * (1 + usize::from(deltas)));
        let frames = rows.zip(keep).filter(|(_, keep)| *keep).flat_map(|(row, _)| row.iter().copied()).collect();
        framed.push(Framed { clip, frames });
    }
    Ok(framed)
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Scores of one method: pairs of one voice, then of two.
type Scores = [Vec<f64>; 2];

/// Adds the scores of all pairs of some clips: the cosine of the adapted means, the ratio, the cosine of the linear
/// encoder, and the mean of the two cosines.
fn score(mixture: &Mixture, table: &WccnTable, clips: &[&Framed], clones: bool, scores: &mut [Scores; 4]) {
    let adapted: Vec<_> = clips.iter().map(|framed| mixture.adapt(&framed.frames)).collect();
    let linear: Vec<_> = clips.iter().map(|framed| table.apply(&framed.clip.values)).collect();
    for i in 0..clips.len() {
        for j in i + 1..clips.len() {
            let real = [i, j].map(|k| clips[k].clip.kind == VoiceKind::Real);
            if !(if clones { real[0] != real[1] } else { real == [true; 2] }) {
                continue;
            }
            let ([means_a, weighted_a, offset_a], [means_b, weighted_b, offset_b]) = (&adapted[i], &adapted[j]);
            let norm = (dot(weighted_a, weighted_a) * dot(weighted_b, weighted_b)).sqrt();
            let adapted = dot(weighted_a, weighted_b) / norm;
            let ratio = dot(means_a, offset_b) + dot(means_b, offset_a);
            let linear = cosine(&linear[i], &linear[j]).unwrap_or(0.0);
            let same = usize::from(clips[i].clip.voice != clips[j].clip.voice);
            for (to, x) in scores.iter_mut().zip([adapted, ratio, linear, (adapted + linear) / 2.0]) {
                to[same].push(x);
            }
        }
    }
}

/// The mixture and the linear table of some clips: the former from people's own recordings, the latter from all.
fn fit(clips: &[&Framed], gaussians: usize, width: usize) -> Result<(Mixture, WccnTable), Box<dyn Error>> {
    let real = clips.iter().filter(|f| f.clip.kind == VoiceKind::Real && f.clip.enough);
    let frames: Vec<&[f32]> = real.flat_map(|framed| framed.frames.chunks_exact(width)).collect();
    let step = frames.len().div_ceil(FRAMES);
    let frames: Vec<&[f32]> = frames.into_iter().step_by(step).collect();
    let clips: Vec<&Clip> = clips.iter().map(|framed| &framed.clip).collect();
    Ok((Mixture::fit(&frames, gaussians), labelled::fit("rival", &clips, labelled::SHRINKAGE)?))
}

fn main() -> Result<(), Box<dyn Error>> {
    let manifest = std::env::args().nth(1).ok_or("give the manifest of the development data")?;
    let last = std::env::args().nth(2).as_deref() == Some("dev-test");
    // What is tested, and with which splits behind the fit; dev is behind itself in parts.
    let tests: &[(&str, bool, &[&str])] = match last {
        true => &[("dev-test", false, &["dev", "cohort", "dev-a"])],
        false => &[
            ("dev", false, &["dev", "cohort", "dev-a"]),
            ("dev-a", false, &["dev", "cohort", "dev-b"]),
            ("dev-b", false, &["dev", "cohort", "dev-a"]),
            ("dev-a", true, &["dev", "cohort", "dev-b"]),
            ("dev-b", true, &["dev", "cohort", "dev-a"]),
        ],
    };
    let mut splits = vec!["dev", "cohort", "dev-a", "dev-b"];
    if last {
        splits.push("dev-test");
    }
    println!("{:60} {:>8} {:>8} {:>8} {:>8}", "mixture; test", "means", "ratio", "linear", "both");
    for (cepstra, deltas, gaussians) in [(19, false, 64), (19, true, 64), (39, false, 16), (39, false, 64)] {
        let all = read(Path::new(&manifest), &splits, cepstra, deltas)?;
        let width = cepstra * (1 + usize::from(deltas));
        for (split, clones, behind) in tests {
            let tested: Vec<&Framed> = all.iter().filter(|framed| framed.clip.split == *split).collect();
            let voices: BTreeSet<&str> = tested.iter().map(|framed| framed.clip.voice.as_str()).collect();
            let part = |framed: &Framed| voices.iter().position(|v| *v == framed.clip.voice).map(|p| p % PARTS);
            let mut scores: [Scores; 4] = Default::default();
            for i in 0..if *split == "dev" { PARTS } else { 1 } {
                let is_tested = |f: &Framed| f.clip.split == *split && (*split != "dev" || part(f) == Some(i));
                let test: Vec<&Framed> = all.iter().filter(|f| is_tested(f)).collect();
                let fitted = all.iter().filter(|f| behind.contains(&f.clip.split) && !is_tested(f));
                let (mixture, table) = fit(&fitted.collect::<Vec<_>>(), gaussians, width)?;
                score(&mixture, &table, &test, *clones, &mut scores);
            }
            let errors = scores.iter().map(|[same, other]| equal_error_rate(same, other));
            let errors: Vec<String> =
                errors.map(|e| e.map(|e| format!("{:>8.2}", 100.0 * e))).collect::<Result<_, _>>()?;
            let (with, pairs) = (if deltas { " and deltas" } else { "" }, if *clones { "clones" } else { "real" });
            let name = format!("{gaussians} Gaussians, {cepstra} cepstra{with}; {split} {pairs}");
            println!("{name:60} {}", errors.join(" "));
        }
    }
    Ok(())
}
