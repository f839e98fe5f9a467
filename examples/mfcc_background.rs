//! Computes the table that MFCC statistics are normalised by, from the real clips of two splits of a manifest.
//!
//! `cargo run --release --example mfcc_background -- $SOUNDALIKE_DATA/manifest.tsv > models/mfcc_background.json`

use soundalike::encoder::{Background, Panel, PanelSettings};
use soundalike::library::{Manifest, VoiceKind, batch};
use std::collections::BTreeSet;
use std::error::Error;
use std::path::Path;

/// The splits that are used; the test split is not among them.
const SPLITS: [&str; 2] = ["dev", "cohort"];
const SOURCE: &str = "adults and children reading English: speechocean762 (dev half) and LibriSpeech train-clean-100 \
                      (one clip a speaker)";

fn main() -> Result<(), Box<dyn Error>> {
    let manifest = std::env::args().nth(1).ok_or("give the manifest of the development data")?;
    let mut clips = Vec::new();
    for split in SPLITS {
        clips.extend(Manifest::read(Path::new(&manifest), None, Some(split))?.clips);
    }
    // The fixture voice must not be in its own background.
    clips.retain(|clip| clip.kind == VoiceKind::Real && clip.speaker != "nsh");
    let panel = Panel::raw(&PanelSettings::default())?;
    let paths: Vec<_> = clips.iter().map(|clip| clip.path.clone()).collect();
    let (mut speakers, mut embeddings) = (BTreeSet::new(), Vec::new());
    for (clip, analysis) in clips.iter().zip(batch::analyse(&panel, &paths, &Default::default())?) {
        if let Ok(embedding) = analysis.embedding {
            speakers.insert(&clip.speaker);
            embeddings.push(embedding.values);
        }
    }
    let background = Background::of(SOURCE, speakers.len(), &embeddings)?;
    println!("{}", serde_json::to_string_pretty(&background)?);
    Ok(())
}
