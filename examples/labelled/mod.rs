//! Clips of the development data with their labels and raw embeddings, and the fit of the linear encoder to them.

use soundalike::audio::{Channel, Waveform};
use soundalike::encoder::{Background, MfccSettings, PanelSettings, WccnEncoder, WccnTable};
use soundalike::feature::{FRAME_SECONDS, FeaturePlan, FeatureSettings, SpeechDetector, SpeechSettings};
use soundalike::library::{Manifest, Selection, VoiceKind};
use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::path::{Path, PathBuf};

/// Share of the covariance replaced by a sphere: on the flat bottom of the cross-validation (docs/history/accuracy.md).
#[allow(dead_code)]
pub const SHRINKAGE: f64 = 0.1;
const ADULT: f32 = 18.0;
/// A clip with less is not fitted on.
const LEAST_SPEECH_S: f64 = 1.0;

/// A clip with speech in it.
#[allow(dead_code)]
pub struct Clip {
    /// Where it lies.
    pub path: PathBuf,
    /// Split of the manifest.
    pub split: &'static str,
    /// Corpus and speaker.
    pub voice: String,
    /// Who spoke.
    pub kind: VoiceKind,
    /// A person's own recording, not known to be a child's.
    pub adult: bool,
    /// There is enough speech to fit on.
    pub enough: bool,
    /// The raw embedding.
    pub values: Vec<f32>,
}

/// The settings of the band that a word of the command line names; the wide one's without a word.
#[allow(dead_code)]
pub fn settings(word: Option<&str>) -> Result<PanelSettings, Box<dyn Error>> {
    match word {
        None | Some("wide") => Ok(PanelSettings::default()),
        Some("narrow") => Ok(PanelSettings::default().narrow()),
        Some(other) => Err(format!("found {other}, expected wide or narrow").into()),
    }
}

/// Rows of a feature, and whether each is speech.
pub fn rows(plan: &FeaturePlan, clip: &Path) -> Result<(Vec<f32>, Vec<bool>), Box<dyn Error>> {
    let waveform = Waveform::read(clip, Channel::Mix)?;
    let rows = plan.extract(&waveform.samples).iter().copied().collect();
    let mut keep = Vec::new();
    let mut detector = SpeechDetector::new(&SpeechSettings::default());
    detector.push(&waveform.samples, &mut |frame| keep.push(frame.keep));
    detector.finish(&mut |frame| keep.push(frame.keep));
    Ok((rows, keep))
}

/// The clips of some splits, but for the fixture voice, which must not be in its own fit, and synthesisers' own voices.
pub fn clips(manifest: &Path, splits: &[&'static str], settings: &MfccSettings) -> Result<Vec<Clip>, Box<dyn Error>> {
    let text = std::fs::read_to_string(manifest)?;
    let mut lines = text.lines().map(|line| line.split('\t').collect::<Vec<_>>());
    let header = lines.next().ok_or("an empty manifest")?;
    let column = |name| header.iter().position(|h| *h == name).ok_or(format!("no column {name}"));
    let (path, corpus, age) = (column("path")?, column("corpus")?, column("age")?);
    let folder = manifest.parent().unwrap_or(Path::new(""));
    let mut corpora = BTreeMap::new();
    for row in lines {
        let child = row.get(age).and_then(|a| a.parse::<f32>().ok()).is_some_and(|a| a < ADULT);
        let file = folder.join(row.get(path).ok_or("a short line")?);
        corpora.insert(file, (row.get(corpus).ok_or("a short line")?.to_string(), child));
    }
    let settings = settings.feature.clone();
    let encoder = WccnEncoder::new(&settings.filter_bank, None)?;
    let bank = FeatureSettings { cepstrum: None, ..settings }.plan()?;
    let mut clips = Vec::new();
    for split in splits {
        for clip in Manifest::read(manifest, None, &Selection::of_split(split))?.clips {
            let (corpus, child) = corpora.get(&clip.path).ok_or("a clip without a corpus")?;
            if ["nsh", "tts"].contains(&corpus.as_str()) {
                continue;
            }
            let (rows, keep) = rows(&bank, &clip.path)?;
            let Some(values) = encoder.encode(&rows, &keep) else { continue };
            let speech_s = keep.iter().filter(|keep| **keep).count() as f64 * FRAME_SECONDS;
            clips.push(Clip {
                path: clip.path,
                split,
                voice: clip.speaker,
                kind: clip.kind,
                adult: clip.kind == VoiceKind::Real && !child,
                enough: speech_s >= LEAST_SPEECH_S,
                values,
            });
        }
    }
    Ok(clips)
}

/// The table of some clips: its mean from adults' own recordings, its covariance from all.
#[allow(dead_code)]
pub fn fit(source: &str, clips: &[&Clip], shrinkage: f64) -> Result<WccnTable, Box<dyn Error>> {
    let (mut adults, mut population) = (BTreeSet::new(), Vec::new());
    let mut voices: BTreeMap<&str, Vec<Vec<f32>>> = BTreeMap::new();
    for clip in clips.iter().filter(|clip| clip.enough) {
        if clip.adult {
            adults.insert(&clip.voice);
            population.push(clip.values.clone());
        }
        voices.entry(&clip.voice).or_default().push(clip.values.clone());
    }
    let background = Background::of(source, adults.len(), &population)?;
    let voices: Vec<_> = voices.into_values().collect();
    Ok(WccnTable::of(source, &background, &voices, shrinkage)?)
}
