//! Computes the table that MFCC statistics are normalised by, from the real clips of adults in two splits of a
//! manifest.
//!
//! `cargo run --release --example mfcc_background -- $SOUNDALIKE_DATA/manifest.tsv > models/mfcc_background.json`, and
//! with `narrow` behind the manifest the one of the narrow band, `models/mfcc_background_narrow.json`

#![allow(clippy::print_stdout)]

use soundalike::encoder::{Background, Panel, PanelSettings};
use soundalike::library::{Manifest, Selection, VoiceKind, batch};
use std::collections::BTreeSet;
use std::error::Error;
use std::path::{Path, PathBuf};

/// The splits that are used; the test split is not among them.
const SPLITS: [&str; 2] = ["dev", "cohort"];
const SOURCE: &str = "adults reading English: LibriSpeech train-clean-100 (one clip a speaker) and the adults of the \
                      dev half of speechocean762";
const ADULT: f32 = 18.0;

/// Paths of the manifest's clips whose column `age` says a child.
fn children(manifest: &Path) -> Result<BTreeSet<PathBuf>, Box<dyn Error>> {
    let text = std::fs::read_to_string(manifest)?;
    let mut lines = text.lines().map(|line| line.split('\t').collect::<Vec<_>>());
    let header = lines.next().ok_or("an empty manifest")?;
    let column = |name| header.iter().position(|h| *h == name).ok_or(format!("no column {name}"));
    let (path, age) = (column("path")?, column("age")?);
    let child = |row: &Vec<&str>| row.get(age).and_then(|a| a.parse::<f32>().ok()).is_some_and(|a| a < ADULT);
    let folder = manifest.parent().unwrap_or(Path::new(""));
    Ok(lines.filter(child).filter_map(|row| Some(folder.join(row.get(path)?))).collect())
}

fn main() -> Result<(), Box<dyn Error>> {
    let manifest = std::env::args().nth(1).ok_or("give the manifest of the development data")?;
    let mut clips = Vec::new();
    for split in SPLITS {
        clips.extend(Manifest::read(Path::new(&manifest), None, &Selection::of_split(split))?.clips);
    }
    // The fixture voice must not be in its own background.
    let children = children(Path::new(&manifest))?;
    clips.retain(|clip| {
        clip.kind == VoiceKind::Real && !clip.speaker.ends_with("nsh") && !children.contains(&clip.path)
    });
    let settings = match std::env::args().nth(2).as_deref() {
        None | Some("wide") => PanelSettings::default(),
        Some("narrow") => PanelSettings::default().narrow(),
        Some(other) => return Err(format!("found {other}, expected wide or narrow").into()),
    };
    let panel = Panel::raw(&settings)?;
    let paths: Vec<_> = clips.iter().map(|clip| clip.path.clone()).collect();
    let (mut speakers, mut embeddings) = (BTreeSet::new(), Vec::new());
    for (clip, analysis) in clips.iter().zip(batch::analyse(&panel, &paths, &Default::default())?) {
        if let Some(embedding) = analysis.embeddings.ok().and_then(|embeddings| embeddings.mfcc) {
            speakers.insert(&clip.speaker);
            embeddings.push(embedding.values);
        }
    }
    let background = Background::of(SOURCE, speakers.len(), &embeddings)?;
    println!("{}", serde_json::to_string_pretty(&background)?);
    Ok(())
}
