//! How fast voices are described, on one thread: `cargo run --release --example voice_speed -- CLIP...`. The clips'
//! sound is joined first, so that decoding and speech detection are not part of it; all of it counts as speech.

use soundalike::audio::{Channel, Waveform};
use soundalike::voice::{MOST_SECONDS, VoicePlan};
use std::time::Instant;

#[allow(clippy::print_stdout)]
fn main() -> soundalike::Result<()> {
    let mut samples = Vec::new();
    for path in std::env::args().skip(1) {
        samples.extend(Waveform::read(path.as_ref(), Channel::Mix)?.samples);
    }
    let plan = VoicePlan::new();
    let mut best = f64::INFINITY;
    for _ in 0..5 {
        let start = Instant::now();
        let analysis = plan.describe(&samples, &[(0.0, MOST_SECONDS as f64)]);
        best = best.min(start.elapsed().as_secs_f64());
        assert!(analysis.descriptors.analysed_s > 0.0, "no sound");
    }
    let seconds = samples.len() as f64 / 16_000.0;
    println!("{seconds:.1} s of sound in {best:.3} s: {:.0} times real time", seconds / best);
    Ok(())
}
