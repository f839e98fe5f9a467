//! What each choice of the trained linear encoder does to its error: statistics, fit, shrinkage, dimensions.
//!
//! `cargo run --release --example mfcc_wccn_variants -- $SOUNDALIKE_DATA/manifest.tsv`: equal error rates in percent.
//! The first column is a cross-validation over the speakers of dev: five parts, each scored by a fit to the other four.
//! The half dev-a is scored by a fit to dev-b, and dev-b by one to dev-a. With `dev-test` as a second argument, that
//! split is scored by the shipped form instead, and its forerunner; it is not for choosing.

#![allow(clippy::print_stdout)]

mod labelled;

use labelled::Clip;
use soundalike::calibration::bootstrap::{NonTargetTrial, TargetTrial, Trials, error_rates};
use soundalike::calibration::metrics::{Estimate, equal_error_rate};
use soundalike::compare::cosine;
use soundalike::encoder::{Background, MfccSettings, Panel, PanelSettings, WccnTable};
use soundalike::feature::{FirstCoefficient, kaldi_mfcc};
use soundalike::library::Pairs;
use soundalike::library::{VoiceKind, batch};
use std::collections::BTreeSet;
use std::error::Error;
use std::path::Path;

const PARTS: usize = 5;

/// The statistics that go in.
#[derive(Clone, Copy, PartialEq)]
enum Input {
    /// Mean and deviation of the first cepstra.
    Cepstra(usize),
    /// Mean of all cepstra.
    MeanAlone,
    /// Mean of all cepstra, deviation of the bands.
    Shipped,
}

/// The map that is fitted.
#[derive(Clone, Copy)]
enum Form {
    /// Each value by the background's mean and deviation.
    Normalised,
    /// The within-class covariance divided out, with so much shrinkage.
    Wccn(f64),
    /// The same, then so many directions in which voices differ most.
    Lda(f64, usize),
}

/// A clip with what the transparent encoder's statistics are, with 39 cepstra.
struct Both {
    clip: Clip,
    cepstra: Vec<f32>,
}

impl Both {
    fn input(&self, input: Input) -> Vec<f32> {
        let half = self.cepstra.len() / 2;
        match input {
            Input::Cepstra(n) => [&self.cepstra[..n], &self.cepstra[half..half + n]].concat(),
            Input::MeanAlone => self.clip.values[..half].to_vec(),
            Input::Shipped => self.clip.values.clone(),
        }
    }
}

fn read(manifest: &Path, splits: &[&'static str]) -> Result<Vec<Both>, Box<dyn Error>> {
    let clips = labelled::clips(manifest, splits, &Default::default())?;
    let feature = kaldi_mfcc(40, 40, FirstCoefficient::Cepstrum);
    let panel =
        Panel::raw(&PanelSettings { mfcc: MfccSettings { feature, deltas: false }, ..PanelSettings::default() })?;
    let paths: Vec<_> = clips.iter().map(|clip| clip.path.clone()).collect();
    let analyses = batch::analyse(&panel, &paths, &Default::default())?;
    let both = clips.into_iter().zip(analyses).filter_map(|(clip, analysis)| {
        let cepstra = analysis.embeddings.ok().or(analysis.short)?.mfcc?.values;
        Some(Both { clip, cepstra })
    });
    Ok(both.collect())
}

type Map = Box<dyn Fn(&[f32]) -> Vec<f32>>;

fn fit(clips: &[&Both], input: Input, form: Form) -> Result<Map, Box<dyn Error>> {
    let chosen: Vec<Clip> = clips
        .iter()
        .map(|both| Clip {
            path: both.clip.path.clone(),
            voice: both.clip.voice.clone(),
            values: both.input(input),
            ..both.clip
        })
        .collect();
    let chosen: Vec<&Clip> = chosen.iter().collect();
    let table = |shrinkage| labelled::fit("variant", &chosen, shrinkage);
    Ok(match form {
        Form::Normalised => {
            let adults = chosen.iter().filter(|clip| clip.adult && clip.enough);
            let background = Background::of("variant", 0, &adults.map(|c| c.values.clone()).collect::<Vec<_>>())?;
            Box::new(move |values| {
                let mut values = values.to_vec();
                background.normalise(&mut values);
                values
            })
        }
        Form::Wccn(shrinkage) => {
            let table = table(shrinkage)?;
            Box::new(move |values| table.apply(values))
        }
        Form::Lda(shrinkage, dimensions) => {
            let table = table(shrinkage)?;
            let axes = principal_axes(&table, &chosen, dimensions);
            Box::new(move |values| {
                let white = table.apply(values);
                let dot = |axis: &Vec<f64>| axis.iter().zip(&white).map(|(a, w)| a * f64::from(*w)).sum::<f64>() as f32;
                axes.iter().map(dot).collect()
            })
        }
    })
}

/// Where within-class variation is a sphere, the directions of linear discriminant analysis are the principal axes of
/// the total covariance. Jacobi's method.
fn principal_axes(table: &WccnTable, clips: &[&Clip], dimensions: usize) -> Vec<Vec<f64>> {
    let white: Vec<Vec<f32>> = clips.iter().filter(|c| c.enough).map(|clip| table.apply(&clip.values)).collect();
    let (n, count) = (table.mean.len(), white.len() as f64);
    let mean: Vec<f64> = (0..n).map(|j| white.iter().map(|x| f64::from(x[j])).sum::<f64>() / count).collect();
    let mut a = vec![vec![0.0f64; n]; n];
    for x in &white {
        for i in 0..n {
            for j in 0..n {
                a[i][j] += (f64::from(x[i]) - mean[i]) * (f64::from(x[j]) - mean[j]) / count;
            }
        }
    }
    let mut axes: Vec<Vec<f64>> = (0..n).map(|i| (0..n).map(|j| f64::from(u8::from(i == j))).collect()).collect();
    for _ in 0..30 {
        for p in 0..n {
            for q in p + 1..n {
                if a[p][q].abs() < 1e-14 {
                    continue;
                }
                let theta = (a[q][q] - a[p][p]) / (2.0 * a[p][q]);
                let t = theta.signum() / (theta.abs() + (theta * theta + 1.0).sqrt());
                let c = 1.0 / (t * t + 1.0).sqrt();
                let s = t * c;
                for row in &mut a {
                    (row[p], row[q]) = (c * row[p] - s * row[q], s * row[p] + c * row[q]);
                }
                for k in 0..n {
                    (a[p][k], a[q][k]) = (c * a[p][k] - s * a[q][k], s * a[p][k] + c * a[q][k]);
                    (axes[p][k], axes[q][k]) = (c * axes[p][k] - s * axes[q][k], s * axes[p][k] + c * axes[q][k]);
                }
            }
        }
    }
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|i, j| a[*j][*j].total_cmp(&a[*i][*i]));
    order.into_iter().take(dimensions).map(|i| axes[i].clone()).collect()
}

/// Adds all pairs of some clips, with speakers numbered by `voices`.
fn score(clips: &[&Both], input: Input, map: &Map, pairs: Pairs, voices: &BTreeSet<&str>, trials: &mut Trials) {
    let embedded: Vec<_> = clips.iter().map(|both| map(&both.input(input))).collect();
    let number = |both: &Both| voices.iter().position(|voice| *voice == both.clip.voice).unwrap_or(0);
    let numbers: Vec<u32> = clips.iter().map(|both| number(both) as u32).collect();
    for i in 0..clips.len() {
        for j in i + 1..clips.len() {
            let real = [i, j].map(|k| clips[k].clip.kind == VoiceKind::Real);
            let wanted = if pairs == Pairs::RealReal { real == [true; 2] } else { real[0] != real[1] };
            if let (true, Some(score)) = (wanted, cosine(&embedded[i], &embedded[j])) {
                match numbers[i] == numbers[j] {
                    true => trials.targets.push(TargetTrial { score, speaker: numbers[i], weight: 1.0 }),
                    false => {
                        let speakers = [numbers[i], numbers[j]];
                        trials.non_targets.push(NonTargetTrial { score, speakers, weight: 1.0 });
                    }
                }
            }
        }
    }
}

fn of_splits<'a>(all: &'a [Both], splits: &[&str]) -> Vec<&'a Both> {
    all.iter().filter(|both| splits.contains(&both.clip.split)).collect()
}

/// Trials of one split, by a fit to others.
fn held_out(
    all: &[Both],
    fitted: &[&Both],
    test: &str,
    input: Input,
    form: Form,
    pairs: Pairs,
) -> Result<Trials, Box<dyn Error>> {
    let clips = of_splits(all, &[test]);
    let voices: BTreeSet<&str> = clips.iter().map(|both| both.clip.voice.as_str()).collect();
    let mut trials = Trials { speakers: voices.len(), ..Trials::default() };
    score(&clips, input, &fit(fitted, input, form)?, pairs, &voices, &mut trials);
    Ok(trials)
}

/// Trials of dev: each part by a fit to the others and to `beside`.
fn cross_validated(all: &[Both], beside: &[&Both], input: Input, form: Form) -> Result<Trials, Box<dyn Error>> {
    let clips = of_splits(all, &["dev"]);
    let voices: BTreeSet<&str> = clips.iter().map(|both| both.clip.voice.as_str()).collect();
    let part = |both: &Both| voices.iter().position(|v| *v == both.clip.voice).map(|p| p % PARTS);
    let mut trials = Trials { speakers: voices.len(), ..Trials::default() };
    for i in 0..PARTS {
        let (test, mut fitted): (Vec<&Both>, Vec<&Both>) = clips.iter().partition(|both| part(both) == Some(i));
        fitted.extend(beside);
        score(&test, input, &fit(&fitted, input, form)?, Pairs::RealReal, &voices, &mut trials);
    }
    Ok(trials)
}

fn percent(trials: &Trials) -> Result<f64, Box<dyn Error>> {
    let targets: Vec<f64> = trials.targets.iter().map(|t| t.score).collect();
    let non_targets: Vec<f64> = trials.non_targets.iter().map(|t| t.score).collect();
    Ok(100.0 * equal_error_rate(&targets, &non_targets)?)
}

fn print_interval(name: &str, trials: &Trials) -> Result<(), Box<dyn Error>> {
    let Estimate { point, low, high } = error_rates(trials)?.eer;
    let (same, other) = (trials.targets.len(), trials.non_targets.len());
    println!("{name:44} {same:>6} {other:>7} {:>6.2} ({:.2} to {:.2})", 100.0 * point, 100.0 * low, 100.0 * high);
    Ok(())
}

const SHIPPED: (Input, Form) = (Input::Shipped, Form::Wccn(labelled::SHRINKAGE));
const FORERUNNER: (Input, Form) = (Input::Cepstra(19), Form::Normalised);

fn main() -> Result<(), Box<dyn Error>> {
    let manifest = std::env::args().nth(1).ok_or("give the manifest of the development data")?;
    let mut splits = vec!["dev", "cohort", "dev-a", "dev-b"];
    if std::env::args().nth(2).as_deref() == Some("dev-test") {
        splits.push("dev-test");
        let all = read(Path::new(&manifest), &splits)?;
        for (name, (input, form)) in [("shipped form", SHIPPED), ("19 cepstra, normalised", FORERUNNER)] {
            let fitted = of_splits(&all, &["dev", "cohort", "dev-a"]);
            print_interval(
                &format!("{name}, dev-test real"),
                &held_out(&all, &fitted, "dev-test", input, form, Pairs::RealReal)?,
            )?;
        }
        return Ok(());
    }
    let all = read(Path::new(&manifest), &splits)?;
    let variants = [
        ("19 cepstra, mean and deviation: normalised", Input::Cepstra(19), Form::Normalised, true),
        ("  LDA, 20 dimensions", Input::Cepstra(19), Form::Lda(0.1, 20), true),
        ("  LDA, 38 dimensions (WCCN)", Input::Cepstra(19), Form::Wccn(0.1), true),
        ("39 cepstra, mean and deviation: normalised", Input::Cepstra(39), Form::Normalised, true),
        ("  LDA, 40 dimensions", Input::Cepstra(39), Form::Lda(0.1, 40), true),
        ("  WCCN", Input::Cepstra(39), Form::Wccn(0.1), true),
        ("39 cepstra, mean alone: normalised", Input::MeanAlone, Form::Normalised, true),
        ("  WCCN", Input::MeanAlone, Form::Wccn(0.1), true),
        ("39 means, 40 band deviations: normalised", Input::Shipped, Form::Normalised, true),
        ("  LDA, 20 dimensions", Input::Shipped, Form::Lda(0.1, 20), true),
        ("  LDA, 40 dimensions", Input::Shipped, Form::Lda(0.1, 40), true),
        ("  LDA, 60 dimensions", Input::Shipped, Form::Lda(0.1, 60), true),
        ("  WCCN, shrinkage 0", Input::Shipped, Form::Wccn(0.0), true),
        ("  WCCN, shrinkage 0.02", Input::Shipped, Form::Wccn(0.02), true),
        ("  WCCN, shrinkage 0.1 (shipped)", SHIPPED.0, SHIPPED.1, true),
        ("  WCCN, shrinkage 0.3", Input::Shipped, Form::Wccn(0.3), true),
        ("  WCCN, shrinkage 0.7", Input::Shipped, Form::Wccn(0.7), true),
        ("  WCCN, fitted without clones", Input::Shipped, SHIPPED.1, false),
    ];
    println!("{:44} {:>8} {:>8} {:>8} {:>8} {:>8}", "variant", "dev", "a real", "b real", "a clones", "b clones");
    let beside = |split: &str, clones: bool| -> Vec<&Both> {
        let all = of_splits(&all, &["cohort", split]).into_iter();
        all.filter(|both| clones || both.clip.kind == VoiceKind::Real).collect()
    };
    for (name, input, form, clones) in variants {
        let mut figures = vec![percent(&cross_validated(&all, &beside("dev-a", clones), input, form)?)?];
        for pairs in [Pairs::RealReal, Pairs::RealSynthetic] {
            for (test, other) in [("dev-a", "dev-b"), ("dev-b", "dev-a")] {
                let mut fitted = beside(other, clones);
                fitted.extend(of_splits(&all, &["dev"]));
                figures.push(percent(&held_out(&all, &fitted, test, input, form, pairs)?)?);
            }
        }
        let figures: Vec<_> = figures.iter().map(|f| format!("{f:>8.2}")).collect();
        println!("{name:44} {}", figures.join(" "));
    }
    println!("\n{:44} {:>6} {:>7} {:>6} (95 % interval)", "test", "one", "two", "EER");
    for (name, (input, form)) in [("shipped form", SHIPPED), ("19 cepstra, normalised", FORERUNNER)] {
        print_interval(&format!("{name}, dev"), &cross_validated(&all, &beside("dev-a", true), input, form)?)?;
        for (pairs, word) in [(Pairs::RealReal, "real"), (Pairs::RealSynthetic, "clones")] {
            for (test, other) in [("dev-a", "dev-b"), ("dev-b", "dev-a")] {
                let fitted = of_splits(&all, &["dev", "cohort", other]);
                let trials = held_out(&all, &fitted, test, input, form, pairs)?;
                print_interval(&format!("{name}, {test} {word}"), &trials)?;
            }
        }
    }
    Ok(())
}
