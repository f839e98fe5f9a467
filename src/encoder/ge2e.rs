//! GE2E: a recurrent network that was trained to tell speakers apart, as the Resemblyzer package computes it.
//!
//! L. Wan, Q. Wang, A. Papir and I. Lopez Moreno, "Generalized end-to-end loss for speaker verification", ICASSP 2018.
//! The weights are Resemblyzer's (`models/README.md`). Three layers of 256 units with memory read windows of 1.6 s of a
//! 40-band mel power spectrum; the last output goes through a linear layer and a rectifier and is brought to length
//! one, and the mean over the windows is the voice. There is no logarithm, so the network hears how loud a recording
//! is; whoever calls it brings the level to [`LEVEL_DBFS`] first.

use super::kind::Encoder;
use super::models::{Models, WeightSource, hold_to_known_answer};
use super::network::kernel::Processor;
use super::network::lstm::{Linear, Panels, Recurrence};
use super::network::weights::WeightFile;
use crate::error::Result;

/// Mel bands of the input.
pub const BANDS: usize = 40;
/// Values of an embedding.
pub const WIDTH: usize = 256;
/// SHA-256 of the weight file.
pub const SHA256: &str = "3f2b9ca9f65fca1127e6b3d269f15d51387196963b43d930f077daf80e9bd71b";
/// Level that speech is brought to before, dB relative to full scale (a square wave has 0). Resemblyzer raises lower
/// clips to -30 dB, pauses counted, and leaves louder ones; a fixed level keeps volume out of the score. This one was
/// the best of three on the development data (docs/history/accuracy.md).
pub const LEVEL_DBFS: f64 = -25.0;
/// Frames of a window: 1.6 s.
pub const WINDOW: usize = 160;
/// Frames from one window to the next in Resemblyzer: 1.3 windows a second.
pub const RESEMBLYZER_STEP: usize = 77;
/// Frames that the last window needs of the recording; it is filled up with silence.
const LEAST: usize = 120;
/// Windows that go through the network together at most.
const BATCH: usize = 12;
/// Units of a layer.
const UNITS: usize = 256;

/// The network, ready to be used by any number of threads.
pub struct Ge2e {
    processor: Processor,
    layers: Vec<Layer>,
    linear: Panels,
}

struct Layer {
    input: Panels,
    recurrence: Panels,
}

/// What one thread needs to run the network.
#[derive(Default)]
pub struct Ge2eScratch {
    input: Vec<f32>,
    gates: Vec<f32>,
    hidden: Vec<f32>,
    cells: Vec<f32>,
    sums: Vec<f32>,
}

/// Where the windows of a recording of `frames` frames start; the last one may reach beyond its end.
fn windows(frames: usize, step: usize) -> impl Iterator<Item = usize> {
    let starts = (0..(frames + step + 1).saturating_sub(WINDOW).max(1)).step_by(step);
    // The last frame lies on the last sample or before it, so it does not count as recorded.
    starts.filter(move |start| *start == 0 || start + LEAST < frames)
}

impl Ge2e {
    /// Reads the weights and holds the network to its known answer.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Weights`] where a folder's file is not the one that belongs to this version,
    /// [`crate::ErrorKind::KnownAnswer`] where the answer is another, [`crate::ErrorKind::Setting`] where the program
    /// was built without weights, [`crate::ErrorKind::Io`] where their file cannot be read.
    pub fn load(models: &Models) -> Result<Self> {
        Self::on(Processor::detect(), &models.source(Encoder::Ge2e)?)
    }

    fn on(processor: Processor, source: &WeightSource) -> Result<Self> {
        let file = WeightFile::read(source, SHA256)?;
        let layer = |layer: usize| -> Result<Layer> {
            let inputs = if layer == 0 { BANDS } else { UNITS };
            let matrix = |name: &str, inputs| file.tensor(&format!("lstm.weight_{name}_l{layer}"), 4 * UNITS * inputs);
            let bias = |name: &str| file.tensor(&format!("lstm.bias_{name}_l{layer}"), 4 * UNITS);
            let bias: Vec<f32> = bias("ih")?.iter().zip(bias("hh")?).map(|(a, b)| a + b).collect();
            Ok(Layer {
                input: Panels::pack(&matrix("ih", inputs)?, bias),
                recurrence: Panels::pack(&matrix("hh", UNITS)?, vec![0.0; 4 * UNITS]),
            })
        };
        let linear = file.tensor("linear.weight", WIDTH * UNITS)?;
        let bias = file.tensor("linear.bias", WIDTH)?;
        let network =
            Ge2e { processor, layers: (0..3).map(layer).collect::<Result<_>>()?, linear: Panels::pack(&linear, bias) };
        hold_to_known_answer(Encoder::Ge2e, &network.answer())?;
        Ok(network)
    }

    /// The embedding of the known input: a short window made by a formula (`models/known_answers.json`).
    pub(crate) fn answer(&self) -> Vec<f32> {
        const FRAMES: usize = 16;
        let value = |i: usize| ((i as f64 * 0.37).sin().abs() * 0.1) as f32;
        let input: Vec<f32> = (0..FRAMES * BANDS).map(value).collect();
        let mut sum = vec![0.0; WIDTH];
        self.batch::<FRAMES>(input.as_chunks().0, &[0], 1.0, &mut sum, &mut Ge2eScratch::default());
        sum.into_iter().map(|x| x as f32).collect()
    }

    /// Sum of the windows' embeddings, each of length one, and their number, for rows `(frames, 40)` of
    /// [`crate::feature::librosa_mel40`] multiplied by `gain`, one window every `step` frames, 1 to 160.
    pub fn embed(&self, frames: &[f32], gain: f32, step: usize, scratch: &mut Ge2eScratch) -> (Vec<f64>, usize) {
        let (frames, _) = frames.as_chunks::<BANDS>();
        let windows: Vec<_> =
            if frames.is_empty() { Vec::new() } else { windows(frames.len(), step.clamp(1, WINDOW)).collect() };
        let mut sum = vec![0.0; WIDTH];
        let batches = windows.len().div_ceil(BATCH);
        for batch in 0..batches {
            let part = batch * windows.len() / batches..(batch + 1) * windows.len() / batches;
            self.batch::<WINDOW>(frames, &windows[part], gain, &mut sum, scratch);
        }
        (sum, windows.len())
    }

    /// Adds the embeddings of windows of `STEPS` frames.
    fn batch<const STEPS: usize>(
        &self,
        frames: &[[f32; BANDS]],
        windows: &[usize],
        gain: f32,
        sum: &mut [f64],
        s: &mut Ge2eScratch,
    ) {
        let batch = windows.len();
        s.input.clear();
        for step in 0..STEPS {
            for start in windows {
                let frame = frames.get(start + step).unwrap_or(&[0.0; BANDS]);
                s.input.extend(frame.iter().map(|x| x * gain));
            }
        }
        s.gates.resize(STEPS * batch * 4 * UNITS, 0.0);
        s.hidden.resize((STEPS + 1) * batch * UNITS, 0.0);
        s.cells.resize(batch * UNITS, 0.0);
        s.sums.resize(batch * 4 * UNITS, 0.0);
        s.hidden[..batch * UNITS].fill(0.0);
        for layer in &self.layers {
            self.processor.run(Linear { panels: &layer.input, input: &s.input, start: None, output: &mut s.gates });
            s.cells.fill(0.0);
            self.processor.run(Recurrence {
                panels: &layer.recurrence,
                gates: &s.gates,
                batch,
                hidden: &mut s.hidden,
                cells: &mut s.cells,
                sums: &mut s.sums,
            });
            s.input.clear();
            s.input.extend_from_slice(&s.hidden[batch * UNITS..]);
        }
        let last = &s.hidden[STEPS * batch * UNITS..];
        let output = &mut s.gates[..batch * WIDTH];
        self.processor.run(Linear { panels: &self.linear, input: last, start: None, output });
        for embedding in output.chunks_exact(WIDTH) {
            let rectified = || embedding.iter().map(|x| f64::from(x.max(0.0)));
            let norm = rectified().map(|x| x * x).sum::<f64>().sqrt();
            if norm > 0.0 {
                sum.iter_mut().zip(rectified()).for_each(|(sum, x)| *sum += x / norm);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::models::LEAST_COSINE;
    use super::super::network::golden;
    use super::*;
    use crate::encoder::cosine;
    use crate::feature::librosa_mel40;

    #[test]
    fn windows_are_those_of_the_package() {
        let starts = |frames| windows(frames, RESEMBLYZER_STEP).collect::<Vec<_>>();
        // compute_partial_slices(n, 1.3, 0.75) of Resemblyzer 0.1.4 for n = 160 (frames - 1) to 160 frames - 1.
        assert_eq!(starts(1), [0]);
        assert_eq!(starts(160), [0]);
        assert_eq!(starts(197), [0]);
        assert_eq!(starts(198), [0, 77]);
        assert_eq!(starts(274), [0, 77]);
        assert_eq!(starts(275), [0, 77, 154]);
        assert_eq!(starts(767), [0, 77, 154, 231, 308, 385, 462, 539, 616]);
    }

    #[test]
    fn every_window_but_the_first_holds_enough_of_the_recording() {
        for step in [1, 77, 159, WINDOW] {
            for frames in 1..=2 * WINDOW + 1 {
                let starts: Vec<usize> = windows(frames, step).collect();
                assert_eq!(starts[0], 0);
                for (number, start) in starts.iter().enumerate().skip(1) {
                    assert_eq!(*start, number * step);
                    assert!(frames.saturating_sub(1 + start) >= LEAST, "{frames} frames, step {step}: {start}");
                }
            }
        }
    }

    #[test]
    fn embeddings_are_those_of_the_original_code() {
        let network = Ge2e::load(&Models::BuiltIn).unwrap();
        let mut scratch = Ge2eScratch::default();
        let mut embed = |rows: &[f32]| {
            let (sum, windows) = network.embed(rows, 1.0, RESEMBLYZER_STEP, &mut scratch);
            (sum.iter().map(|x| *x as f32).collect::<Vec<_>>(), windows)
        };
        let golden = golden::read("ge2e_embeddings.json");
        for entry in &golden.analytic {
            let value = |i: usize| ((i as f64 * 0.37).sin().abs() * entry.scale) as f32;
            let rows: Vec<f32> = (0..entry.frames * BANDS).map(value).collect();
            let cosine = cosine(&embed(&rows).0, &entry.embedding().unwrap()).unwrap();
            assert!(cosine >= LEAST_COSINE, "{}: {cosine}", entry.scale);
        }
        let plan = librosa_mel40().plan().unwrap();
        for entry in &golden.speech {
            let rows = plan.extract(&entry.samples());
            let (got, windows) = embed(rows.as_slice().unwrap());
            let cosine = cosine(&got, &entry.embedding().unwrap()).unwrap();
            assert!(cosine >= LEAST_COSINE, "{} {}: {cosine}", entry.clip, entry.samples);
            assert_eq!(windows, entry.windows);
        }
        assert_eq!((golden.analytic.len(), golden.speech.len()), (2, 10));
    }

    #[test]
    fn the_shortest_inputs_and_silence_are_defined() {
        let network = Ge2e::load(&Models::BuiltIn).unwrap();
        let mut scratch = Ge2eScratch::default();
        assert_eq!(network.embed(&[], 1.0, RESEMBLYZER_STEP, &mut scratch), (vec![0.0; WIDTH], 0));
        for rows in [vec![0.1; BANDS], vec![0.0; 200 * BANDS]] {
            let (sum, windows) = network.embed(&rows, 1.0, RESEMBLYZER_STEP, &mut scratch);
            assert!(windows > 0 && sum.iter().all(|x| x.is_finite()));
        }
    }

    #[test]
    fn every_instruction_set_gives_the_same_bits() {
        let source = Models::BuiltIn.source(Encoder::Ge2e).unwrap();
        let answers: Vec<Vec<u32>> = Processor::each()
            .into_iter()
            .map(|p| Ge2e::on(p, &source).unwrap().answer().iter().map(|x| x.to_bits()).collect())
            .collect();
        assert!(answers.iter().all(|answer| *answer == answers[0]));
    }
}
