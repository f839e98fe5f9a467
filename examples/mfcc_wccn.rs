//! Fits the table of the trained linear encoder to the clips of a manifest.
//!
//! `cargo run --release --example mfcc_wccn -- $SOUNDALIKE_DATA/manifest.tsv > models/mfcc_wccn.json`

#![allow(clippy::print_stdout)]

use soundalike::audio::{Channel, Waveform};
use soundalike::encoder::{Background, MfccSettings, WccnEncoder, WccnTable};
use soundalike::feature::{FRAME_SECONDS, FeatureSettings, SpeechDetector, SpeechSettings};
use soundalike::library::{Manifest, VoiceKind};
use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::path::{Path, PathBuf};

/// The splits that are used; dev-test and dev-b are for tests.
const SPLITS: [&str; 3] = ["dev", "cohort", "dev-a"];
const SOURCE: &str = "mean: adults' own recordings; covariance: all voices with two clips or more, their clones \
                      included. LibriSpeech train-clean-100 (one clip a speaker), the dev half of speechocean762, and \
                      the dev-a half of the clones of VCTK and LibriTTS voices with their originals";
/// Share of the covariance replaced by a sphere: the flat bottom of the cross-validation in ACCURACY.md.
const SHRINKAGE: f64 = 0.1;
const ADULT: f32 = 18.0;
const LEAST_SPEECH_S: f64 = 1.0;

/// Corpus by path, and the paths whose column `age` says a child.
type Columns = (BTreeMap<PathBuf, String>, BTreeSet<PathBuf>);

fn columns(manifest: &Path) -> Result<Columns, Box<dyn Error>> {
    let text = std::fs::read_to_string(manifest)?;
    let mut lines = text.lines().map(|line| line.split('\t').collect::<Vec<_>>());
    let header = lines.next().ok_or("an empty manifest")?;
    let column = |name| header.iter().position(|h| *h == name).ok_or(format!("no column {name}"));
    let (path, corpus, age) = (column("path")?, column("corpus")?, column("age")?);
    let folder = manifest.parent().unwrap_or(Path::new(""));
    let (mut corpora, mut children) = (BTreeMap::new(), BTreeSet::new());
    for row in lines {
        let file = folder.join(row.get(path).ok_or("a short line")?);
        if row.get(age).and_then(|a| a.parse::<f32>().ok()).is_some_and(|a| a < ADULT) {
            children.insert(file.clone());
        }
        corpora.insert(file, row.get(corpus).ok_or("a short line")?.to_string());
    }
    Ok((corpora, children))
}

/// The raw embedding of a clip; none where there is too little speech.
fn raw(encoder: &WccnEncoder, settings: &FeatureSettings, clip: &Path) -> Result<Option<Vec<f32>>, Box<dyn Error>> {
    let waveform = Waveform::read(clip, Channel::Mix)?;
    let bank = FeatureSettings { cepstrum: None, ..settings.clone() }.plan()?.extract(&waveform.samples);
    let mut keep = Vec::new();
    let mut detector = SpeechDetector::new(&SpeechSettings::default());
    detector.push(&waveform.samples, &mut |frame| keep.push(frame.keep));
    detector.finish(&mut |frame| keep.push(frame.keep));
    let speech_s = keep.iter().filter(|keep| **keep).count() as f64 * FRAME_SECONDS;
    let rows: Vec<f32> = bank.iter().copied().collect();
    Ok(encoder.encode(&rows, &keep).filter(|_| speech_s >= LEAST_SPEECH_S))
}

fn main() -> Result<(), Box<dyn Error>> {
    let manifest = std::env::args().nth(1).ok_or("give the manifest of the development data")?;
    let manifest = Path::new(&manifest);
    let (corpora, children) = columns(manifest)?;
    let settings = MfccSettings::default().feature;
    let encoder = WccnEncoder::new(&settings.filter_bank, None)?;
    let (mut adults, mut adult_clips) = (BTreeSet::new(), Vec::new());
    let mut voices: BTreeMap<(String, String), Vec<Vec<f32>>> = BTreeMap::new();
    for split in SPLITS {
        for clip in Manifest::read(manifest, None, Some(split))?.clips {
            let corpus = corpora.get(&clip.path).ok_or("a clip without a corpus")?;
            // The fixture voices must not be in their own fit; tts has other synthesisers' own voices.
            if corpus == "nsh" || corpus == "tts" {
                continue;
            }
            let Some(values) = raw(&encoder, &settings, &clip.path)? else { continue };
            let voice = (corpus.clone(), clip.speaker);
            if clip.kind == VoiceKind::Real && !children.contains(&clip.path) {
                adults.insert(voice.clone());
                adult_clips.push(values.clone());
            }
            voices.entry(voice).or_default().push(values);
        }
    }
    let background = Background::of(SOURCE, adults.len(), &adult_clips)?;
    let voices: Vec<_> = voices.into_values().collect();
    let table = serde_json::to_string(&WccnTable::of(SOURCE, &background, &voices, SHRINKAGE)?)?;
    // A line for each row of the matrix.
    println!("{}", table.replace("[[", "[\n[").replace("],[", "],\n["));
    Ok(())
}
