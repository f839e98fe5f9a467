//! What each choice of the transparent encoder does to its error: features, deltas, speech detection.
//!
//! `cargo run --release --example mfcc_variants -- $SOUNDALIKE_DATA/manifest.tsv`: equal error rates in percent. The
//! background of every variant is the split `cohort`, none of whose speakers is tested; the test split is not touched.

#![allow(clippy::print_stdout)]

use soundalike::encoder::{Background, Encoder, EncoderSet, MfccSettings, Panel, PanelSettings};
use soundalike::feature::{FirstCoefficient, SpeechSettings, kaldi_mfcc};
use soundalike::library::batch::{self, BatchOptions};
use soundalike::library::evaluate::{EvaluateSettings, evaluate};
use soundalike::library::{Labels, Manifest, Pairs, Selection, VoiceKind};
use std::error::Error;
use std::path::Path;

fn background(settings: &PanelSettings, manifest: &Path) -> Result<Background, Box<dyn Error>> {
    let cohort = Manifest::read(manifest, None, &Selection::of_split("cohort"))?;
    let paths: Vec<_> = cohort.clips.iter().map(|clip| clip.path.clone()).collect();
    let analyses = batch::analyse(&Panel::raw(settings)?, &paths, &BatchOptions::default())?;
    let embeddings: Vec<_> = analyses.into_iter().filter_map(|a| a.embeddings.ok()?.mfcc).map(|e| e.values).collect();
    Ok(Background::of("cohort", embeddings.len(), &embeddings)?)
}

fn main() -> Result<(), Box<dyn Error>> {
    let manifest = std::env::args().nth(1).ok_or("give the manifest of the development data")?;
    let manifest = Path::new(&manifest);
    let mfcc = |bands, coefficients, deltas| PanelSettings {
        mfcc: MfccSettings { feature: kaldi_mfcc(bands, coefficients, FirstCoefficient::Cepstrum), deltas },
        ..Default::default()
    };
    let speech = |threshold, margin_frames| PanelSettings {
        speech: SpeechSettings { threshold, margin_frames, ..Default::default() },
        ..Default::default()
    };
    let variants = [
        ("as shipped: 20 of 40 bands", PanelSettings::default()),
        ("13 of 23 bands", mfcc(23, 13, false)),
        ("30 of 40 bands", mfcc(40, 30, false)),
        ("20 of 40 bands, with deltas", mfcc(40, 20, true)),
        ("13 of 23 bands, with deltas", mfcc(23, 13, true)),
        ("margin 0.05 s", speech(0.5, 5)),
        ("threshold 0.7", speech(0.7, 20)),
        ("everything kept", speech(0.5, 10_000)),
    ];
    println!("{:30} {:>10} {:>14} {:>14}", "variant", "dev real", "dev-a clones", "dev-b clones");
    for (name, settings) in variants {
        let settings = PanelSettings { encoders: EncoderSet::of([Encoder::Mfcc])?, ..settings };
        let panel = Panel::with_background(&settings, background(&settings, manifest)?)?;
        let mut figures = Vec::new();
        for (split, pairs) in
            [("dev", Pairs::RealReal), ("dev-a", Pairs::RealSynthetic), ("dev-b", Pairs::RealSynthetic)]
        {
            let mut clips = Manifest::read(manifest, None, &Selection::of_split(split))?;
            clips.clips.retain(|clip| pairs == Pairs::RealSynthetic || clip.kind == VoiceKind::Real);
            let labels = Labels::Manifest { manifest: clips, columns: Vec::new() };
            let settings = EvaluateSettings { pairs, match_bands: false, ..Default::default() };
            let report = evaluate(&panel, &labels, &settings, &BatchOptions::default())?.report;
            figures.push(report.encoders.mfcc.map_or(f64::NAN, |rates| 100.0 * rates.eer.point));
        }
        println!("{name:30} {:>10.2} {:>14.2} {:>14.2}", figures[0], figures[1], figures[2]);
    }
    Ok(())
}
