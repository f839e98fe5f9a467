//! Throughput from file to MFCC over a folder of WAV files, to set beside other libraries' (`benches/peers`).
//!
//! `cargo run --release --example mfcc_mean -- FOLDER [THREADS] [REPETITIONS] [plain|full|read]` prints one line:
//! `plain` is what the peers do (read, 13 MFCC of 26 bands, mean over frames), `full` is the whole pass of `check` over
//! each clip (hash, quality, speech detection, the encoder's own features, statistics), `read` decodes, mixes and
//! resamples only.

#![allow(clippy::print_stdout)]

use soundalike::audio::{Channel, ReadOptions, Recording};
use soundalike::encoder::{Encoder, EncoderSet, Panel, PanelSettings};
use soundalike::feature::{FeatureStream, FirstCoefficient, kaldi_mfcc};
use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::Instant;

const WIDTH: usize = 13;

/// Mean of the cepstra of a file, and its number of frames.
fn mean(
    path: &Path,
    stream: &mut FeatureStream<'_>,
    block: &mut Vec<f32>,
) -> soundalike::Result<([f64; WIDTH], usize)> {
    let options = ReadOptions { channel: Channel::Mix, hash: false, measure: false, ..ReadOptions::default() };
    let mut recording = Recording::open(path, &options)?;
    let (mut sum, mut frames) = ([0.0; WIDTH], 0);
    let mut add = |rows: &[f32]| {
        for row in rows.chunks_exact(WIDTH) {
            sum.iter_mut().zip(row).for_each(|(s, x)| *s += f64::from(*x));
            frames += 1;
        }
    };
    while recording.next(block)? {
        stream.push(block, &mut add);
    }
    stream.finish(&mut add);
    Ok((sum.map(|s| s / frames.max(1) as f64), frames))
}

/// Last magnitude of each block of a file at 16 kHz, summed, and the number of samples; the peers look at no more.
fn read(path: &Path, block: &mut Vec<f32>) -> soundalike::Result<(f64, usize)> {
    let mut recording = Recording::open(
        path,
        &ReadOptions { channel: Channel::Mix, hash: false, measure: false, ..ReadOptions::default() },
    )?;
    let (mut sum, mut samples) = (0.0, 0);
    while recording.next(block)? {
        sum += block.last().map_or(0.0, |x| f64::from(x.abs()));
        samples += block.len();
    }
    Ok((sum, samples))
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().ok_or("give a folder of WAV files")?;
    let threads: usize = arguments.next().map_or(Ok(1), |n| n.parse())?;
    let repetitions: usize = arguments.next().map_or(Ok(5), |n| n.parse())?;
    let mode = arguments.next().unwrap_or_else(|| "plain".into());
    let mode = mode.as_str();
    let mut files: Vec<PathBuf> = std::fs::read_dir(&folder)?.map(|e| e.map(|e| e.path())).collect::<Result<_, _>>()?;
    files.sort();
    let settings = kaldi_mfcc(26, WIDTH, FirstCoefficient::Cepstrum);
    let plan = settings.plan()?;
    let panel = Panel::new(&PanelSettings { encoders: EncoderSet::of([Encoder::Mfcc])?, ..Default::default() })?;
    let mut walls = Vec::new();
    let (mut checksum, mut seconds) = (0.0, 0.0);
    for _ in 0..=repetitions {
        let start = Instant::now();
        let parts: Vec<(f64, f64)> = std::thread::scope(|scope| {
            let workers: Vec<_> = files
                .chunks(files.len().div_ceil(threads))
                .map(|chunk| {
                    let (plan, panel) = (&plan, &panel);
                    scope.spawn(move || {
                        let (mut stream, mut block) = (plan.stream(), Vec::new());
                        let mut worker = panel.worker();
                        let mut total = (0.0, 0.0);
                        for file in chunk {
                            if mode == "read" {
                                if let Ok((sum, samples)) = read(file, &mut block) {
                                    total.0 += sum / samples.max(1) as f64;
                                    total.1 += samples as f64 / 16_000.0;
                                }
                            } else if mode == "full" {
                                let analysis = worker.analyse(file);
                                let mfcc = analysis.embeddings.ok().and_then(|embeddings| embeddings.mfcc);
                                total.0 += mfcc.map_or(0.0, |e| e.values.iter().map(|x| f64::from(x.abs())).sum());
                                total.1 += analysis.quality.map_or(0.0, |q| q.duration_s);
                            } else if let Ok((mean, frames)) = mean(file, &mut stream, &mut block) {
                                total.0 += mean.iter().map(|x| x.abs()).sum::<f64>() / WIDTH as f64;
                                total.1 += (frames as f64 + 1.5) * 0.01;
                            }
                        }
                        total
                    })
                })
                .collect();
            workers.into_iter().filter_map(|w| w.join().ok()).collect()
        });
        walls.push(start.elapsed().as_secs_f64());
        checksum = parts.iter().map(|p| p.0).sum::<f64>() / files.len() as f64;
        seconds = parts.iter().map(|p| p.1).sum();
    }
    walls.remove(0);
    walls.sort_by(f64::total_cmp);
    let (least, median) = (walls[0], walls[walls.len() / 2]);
    println!(
        "soundalike {mode} threads={threads} files={} min {least:.4} med {median:.4} s, {:.0}x real time, checksum {checksum:.4}",
        files.len(),
        seconds / median
    );
    Ok(())
}
