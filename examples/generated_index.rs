//! Writes an index of so many clips with generated embeddings, to measure scans of large libraries.
//!
//!     cargo run --release --example generated_index ROWS FOLDER
//!
//! Embeddings are random directions; every hundredth clip is a telephone recording. The same number of rows gives the
//! same index. The folder must not hold an index already.
#![allow(clippy::print_stderr, clippy::exit)]

use soundalike::encoder::{Encoder, Panel, PanelSettings, PerEncoder};
use soundalike::feature::ClipQuality;
use soundalike::library::index::{ClipFormat, ClipStatus, IndexRow, LibrarySource, write};
use std::path::Path;

struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> f32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 40) as f32 / 8_388_608.0 - 1.0
    }
}

fn embeddings(panel: &Panel, numbers: &mut Numbers) -> PerEncoder<Vec<f32>> {
    let values = |encoder: Encoder| {
        let width = panel.width(encoder)?;
        Some((encoder, (0..width).map(|_| numbers.next() + numbers.next()).collect()))
    };
    Encoder::ALL.into_iter().filter_map(values).collect()
}

fn main() -> soundalike::Result<()> {
    let words: Vec<String> = std::env::args().collect();
    let (Some(count), Some(folder)) = (words.get(1).and_then(|word| word.parse::<usize>().ok()), words.get(2)) else {
        eprintln!("usage: generated_index ROWS FOLDER");
        std::process::exit(2);
    };
    let panel = Panel::new(&PanelSettings::default())?;
    let narrow_panel = panel.narrow()?;
    let library = LibrarySource::of_list(Path::new("generated"), "clip", Path::new("generated"))?;
    let mut rows = (0..count).map(|i| {
        let mut numbers = Numbers(i as u64);
        for _ in 0..4 {
            numbers.next();
        }
        let narrow_band = i % 100 == 99;
        IndexRow {
            path: format!("{:06}/{:08}.wav", i / 50, i),
            voice: format!("{:06}", i / 50),
            sha256: Some(format!("{i:064x}")),
            size: 160_044,
            mtime_ns: 0,
            format: Some(ClipFormat { codec: "wav pcm_s16le".into(), sample_rate_hz: 16_000, channels: 1 }),
            seconds: Some(5.0),
            quality: Some(ClipQuality {
                net_speech_s: f64::from(2.0 + numbers.next().abs() * 3.0),
                snr_db: Some(20.0 + 30.0 * numbers.next().abs()),
                bandwidth_hz: Some(if narrow_band { 3400.0 } else { 8000.0 }),
                clipping_percent: 0.0,
                level_dbfs: Some(-20.0),
            }),
            status: ClipStatus::Usable,
            reason: None,
            wide: embeddings(&panel, &mut numbers),
            narrow: if narrow_band { embeddings(&narrow_panel, &mut numbers) } else { PerEncoder::default() },
        }
    });
    write(&panel, &library, Path::new(folder), &mut rows)
}
