//! Speed of the speaker networks, to set beside other programs' (`benches/peers`).
//!
//! `cargo run --release --example network_speed -- campplus [FRAMES]` runs CAM++ alone on rows in memory and prints the
//! least and the median of ten runs. `... -- LIST FOLDER [THREADS] [CLIPS]` takes CLIPS files of a folder, spread
//! evenly, from file to the embeddings of the encoders in LIST (as `--encoder`) and prints the seconds of the whole
//! pass.

#![allow(clippy::print_stdout)]

use soundalike::encoder::campplus::{BANDS, Campplus, CampplusScratch};
use soundalike::encoder::{Models, Panel, PanelSettings};
use soundalike::library::batch::{self, BatchOptions};
use std::error::Error;
use std::hint::black_box;
use std::path::PathBuf;
use std::time::Instant;

fn alone(frames: usize) -> Result<(), Box<dyn Error>> {
    let network = Campplus::load(&Models::BuiltIn)?;
    let rows: Vec<f32> = (0..frames * BANDS).map(|i| (i as f64 * 0.37).sin() as f32).collect();
    let mut scratch = CampplusScratch::default();
    let mut times: Vec<f64> = Vec::new();
    for _ in 0..13 {
        let start = Instant::now();
        black_box(network.embed(black_box(&rows), &mut scratch));
        times.push(1e3 * start.elapsed().as_secs_f64());
    }
    times.drain(..3);
    times.sort_by(f64::total_cmp);
    println!("soundalike CAM++ frames {frames}: min {:.1} median {:.1} ms", times[0], times[5]);
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let encoders = arguments.next().ok_or("give encoders and a folder of sound files, or campplus alone")?;
    let folder = arguments.next().unwrap_or_else(|| "998".into());
    if let Ok(frames) = folder.parse() {
        return alone(frames);
    }
    let threads: usize = arguments.next().map_or(Ok(1), |n| n.parse())?;
    let mut files: Vec<PathBuf> = std::fs::read_dir(&folder)?.map(|e| e.map(|e| e.path())).collect::<Result<_, _>>()?;
    files.sort();
    let clips: usize = arguments.next().map_or(Ok(files.len()), |n| n.parse())?;
    let every = (files.len() / clips.max(1)).max(1);
    let files: Vec<PathBuf> = files.into_iter().step_by(every).take(clips).collect();
    let panel = Panel::new(&PanelSettings { encoders: encoders.parse()?, ..Default::default() })?;
    let options = BatchOptions { threads, ..Default::default() };
    batch::analyse(&panel, &files[..files.len().min(threads)], &options)?;
    let start = Instant::now();
    let analyses = batch::analyse(&panel, &files, &options)?;
    let wall = start.elapsed().as_secs_f64();
    let seconds: f64 = analyses.iter().filter_map(|a| a.quality.as_ref()).map(|q| q.duration_s).sum();
    let embedded = analyses.iter().filter(|a| a.embeddings.is_ok()).count();
    println!(
        "soundalike {encoders} threads={threads} files={} embedded={embedded} med {wall:.4} s, {:.0}x real time",
        files.len(),
        seconds / wall
    );
    Ok(())
}
