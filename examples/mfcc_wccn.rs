//! Fits the table of the trained linear encoder to the clips of a manifest.
//!
//! `cargo run --release --example mfcc_wccn -- $SOUNDALIKE_DATA/manifest.tsv > models/mfcc_wccn.json`, and with
//! `narrow` behind the manifest the one of the narrow band, `models/mfcc_wccn_narrow.json`

#![allow(clippy::print_stdout)]

mod labelled;

use std::error::Error;
use std::path::Path;

/// The splits that are used; dev-test and dev-b are for tests.
const SPLITS: [&str; 3] = ["dev", "cohort", "dev-a"];
const SOURCE: &str = "mean: adults' own recordings; covariance: all voices with two clips or more, their clones \
                      included. LibriSpeech train-clean-100 (one clip a speaker), the dev half of speechocean762, and \
                      the dev-a half of the clones of VCTK and LibriTTS voices with their originals";

fn main() -> Result<(), Box<dyn Error>> {
    let manifest = std::env::args().nth(1).ok_or("give the manifest of the development data")?;
    let settings = labelled::settings(std::env::args().nth(2).as_deref())?.mfcc;
    let clips = labelled::clips(Path::new(&manifest), &SPLITS, &settings)?;
    let table = labelled::fit(SOURCE, &clips.iter().collect::<Vec<_>>(), labelled::SHRINKAGE)?;
    // A line for each row of the matrix.
    println!("{}", serde_json::to_string(&table)?.replace("[[", "[\n[").replace("],[", "],\n["));
    Ok(())
}
