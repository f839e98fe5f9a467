//! Times the search for the ten greatest products in a gallery of a million rows of 256 values.
//!
//!     cargo run --release --example search_speed [THREADS [QUERIES ...]]
//!
//! Prints the least wall seconds of seven searches; `benches/compare.sh 2 search` puts faiss beside it.
#![allow(clippy::print_stdout)]

use rayon::prelude::*;
use soundalike::compare::search::{Best, Queries};
use std::time::Instant;

const ROWS: usize = 1_000_000;
const WIDTH: usize = 256;
const K: usize = 10;
/// More than 256 rounded products and sums of values of rows of length one can be off.
const MARGIN: f32 = 2.0 * 256.0 / 16_777_216.0;

/// Rows of about normal numbers, of length one.
fn unit_rows(seed: u64, rows: usize) -> Vec<f32> {
    let mut all = vec![0.0f32; rows * WIDTH];
    all.par_chunks_exact_mut(WIDTH).enumerate().for_each(|(i, row)| {
        let mut state = seed ^ (i as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let mut next = || {
            state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
            let mut z = state;
            z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            ((z ^ (z >> 31)) >> 40) as f32 / 16_777_216.0
        };
        row.iter_mut().for_each(|x| *x = (0..12).map(|_| next()).sum::<f32>() - 6.0);
        let norm = row.iter().map(|x| x * x).sum::<f32>().sqrt();
        row.iter_mut().for_each(|x| *x /= norm);
    });
    all
}

fn search(queries: &Queries, gallery: &[f32], threads: usize) -> Vec<Vec<(u64, f32)>> {
    let part = ROWS.div_ceil(threads);
    let scan = |(i, rows): (usize, &[f32])| {
        let mut best = Best::new(queries.count(), K, MARGIN);
        best.push_block(queries, rows, WIDTH, 0, (i * part) as u64);
        best
    };
    let parts: Vec<Best> = match threads {
        1 => gallery.chunks(part * WIDTH).enumerate().map(scan).collect(),
        _ => gallery.par_chunks(part * WIDTH).enumerate().map(scan).collect(),
    };
    let mut all = Best::new(queries.count(), K, MARGIN);
    parts.into_iter().for_each(|part| all.merge(part));
    all.finish()
}

fn main() {
    let mut numbers = std::env::args().skip(1).filter_map(|word| word.parse::<usize>().ok());
    let threads = numbers.next().unwrap_or(1);
    let counts: Vec<usize> = numbers.collect();
    let counts = if counts.is_empty() { vec![1, 10, 100] } else { counts };
    let (gallery, many) = (unit_rows(1, ROWS), unit_rows(2, 1000));
    for count in counts {
        let once = || {
            let start = Instant::now();
            let queries = Queries::new(WIDTH, many.chunks_exact(WIDTH).take(count));
            let found: usize = search(&queries, &gallery, threads).iter().map(Vec::len).sum();
            (start.elapsed().as_secs_f64(), found)
        };
        let (least, found) = (0..7).map(|_| once()).fold((f64::INFINITY, 0), |a, b| (a.0.min(b.0), b.1));
        println!("Q={count} threads={threads} min {least:.4} s, {found} candidates");
    }
}
