//! What each choice of what the speaker networks are fed with does to their error: pauses, level, the filter bank's
//! floor, the length of pieces.
//!
//! `cargo run --release --example network_variants -- $SOUNDALIKE_DATA/manifest.tsv [WORD]`: equal error rates in
//! percent, of the variants with WORD in their name. The test split is not touched.

#![allow(clippy::print_stdout)]

use soundalike::encoder::{Encoder, EncoderSet, FramesRead, Level, NetworkSettings, Panel, PanelSettings};
use soundalike::feature::{SpeechSettings, kaldi_fbank80};
use soundalike::library::batch::BatchOptions;
use soundalike::library::evaluate::{EvaluateSettings, evaluate};
use soundalike::library::{Labels, Manifest, Pairs, Selection};
use std::error::Error;
use std::path::Path;

fn main() -> Result<(), Box<dyn Error>> {
    let manifest = std::env::args().nth(1).ok_or("give the manifest of the development data")?;
    let manifest = Path::new(&manifest);
    let wanted = std::env::args().nth(2).unwrap_or_default();
    let encoders = EncoderSet::of([Encoder::Ge2e, Encoder::Campplus])?;
    let shipped = PanelSettings { encoders, ..Default::default() };
    let both = |change: &dyn Fn(&mut NetworkSettings)| {
        let mut settings = shipped.clone();
        change(&mut settings.ge2e);
        change(&mut settings.campplus);
        settings
    };
    let level = |level| PanelSettings { ge2e: NetworkSettings { level, ..NetworkSettings::ge2e() }, ..shipped.clone() };
    let step = |frames| PanelSettings {
        ge2e: NetworkSettings { window_step_frames: Some(frames), ..NetworkSettings::ge2e() },
        ..shipped.clone()
    };
    let mut unit = kaldi_fbank80();
    unit.filter_bank.frame.sample_scale = 1.0;
    let variants = [
        ("as shipped", shipped.clone()),
        ("pauses too", both(&|settings| settings.frames = FramesRead::All)),
        (
            "margin 0.1 s",
            PanelSettings { speech: SpeechSettings { margin_frames: 10, ..Default::default() }, ..shipped.clone() },
        ),
        ("pieces of 3 s", both(&|settings| settings.piece_frames = 300)),
        ("GE2E: a window every 1 s", step(100)),
        ("GE2E: a window every 1.2 s", step(120)),
        ("GE2E: a window every 1.6 s", step(160)),
        ("GE2E: level as it is", level(Level::AsIs)),
        ("GE2E: raised to -30 dB", level(Level::RaisedTo(-30.0))),
        ("GE2E: brought to -30 dB", level(Level::BroughtTo(-30.0))),
        ("GE2E: brought to -20 dB", level(Level::BroughtTo(-20.0))),
        (
            "CAM++: full scale 1",
            PanelSettings {
                campplus: NetworkSettings { feature: unit, ..NetworkSettings::campplus() },
                ..shipped.clone()
            },
        ),
    ];
    let tests = [
        ("dev real", "dev", Pairs::RealReal, ""),
        ("dev-a clones", "dev-a", Pairs::RealSynthetic, "system!=VC:*"),
        ("dev-a conversions", "dev-a", Pairs::RealSynthetic, "system=VC:*"),
        ("dev-b clones", "dev-b", Pairs::RealSynthetic, "system!=VC:*"),
        ("dev-b conversions", "dev-b", Pairs::RealSynthetic, "system=VC:*"),
    ];
    let names: Vec<String> = tests.iter().map(|(name, ..)| format!("{name:>20}")).collect();
    println!("{:26}{}\n{:26}{}", "", names.concat(), "variant", "      GE2E     CAM++".repeat(tests.len()));
    for (name, settings) in variants.into_iter().filter(|(name, _)| name.contains(&wanted)) {
        let panel = Panel::new(&settings)?;
        let mut line = format!("{name:26}");
        for (_, split, pairs, synthetic) in &tests {
            let mut selection = Selection::of_split(split);
            if !synthetic.is_empty() {
                selection.synthetic_filters.push(synthetic.parse()?);
            }
            let clips = Manifest::read(manifest, None, &selection)?;
            let labels = Labels::Manifest { manifest: clips, columns: Vec::new() };
            let settings = EvaluateSettings { pairs: *pairs, ..Default::default() };
            let report = evaluate(&panel, &labels, &settings, &BatchOptions::default())?.report;
            for rates in [report.encoders.ge2e, report.encoders.campplus] {
                line += &format!("{:>10.2}", rates.map_or(f64::NAN, |rates| 100.0 * rates.eer.point));
            }
        }
        println!("{line}");
    }
    Ok(())
}
