//! The transparent encoder: how a voice's cepstra lie and move, and nothing learned.
//!
//! The embedding is the mean and the standard deviation over speech of the cepstra (c0, the loudness, left out), each
//! normalised by a background population. Anybody can recompute it. It does not know the words apart from the voice,
//! nor the microphone from the throat. Statistics of the deltas can be added; they are off, because they follow how
//! smoothly a synthesiser moves and not whose voice it imitates: with them the error between people and their clones
//! was far higher (docs/history/accuracy.md).

use super::background::Background;
use crate::error::{ErrorKind, Result};
use crate::feature::{Deltas, FeaturePlan, FeatureSettings, FirstCoefficient, Log, kaldi_mfcc};
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::VecDeque;

/// The step of 16-bit samples, full scale being 1. Power that they cannot hold counts as none: Kaldi's own floor lies
/// 60 to 100 dB lower, and what no ear hears and no such file keeps would decide the score.
pub(super) const STEP: f32 = 1.0 / 32_768.0;

/// What the encoder computes.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct MfccSettings {
    /// The cepstra; the first is not used.
    pub feature: FeatureSettings,
    /// Whether the statistics cover the deltas too.
    pub deltas: bool,
}

impl Default for MfccSettings {
    fn default() -> Self {
        let mut feature = kaldi_mfcc(40, 20, FirstCoefficient::Cepstrum);
        feature.filter_bank.log = Log::NaturalOverRounding { step: STEP };
        MfccSettings { feature, deltas: false }
    }
}

/// The encoder, ready to be used by any number of threads.
pub struct MfccEncoder {
    pub(crate) plan: FeaturePlan,
    deltas: bool,
    background: Option<Background>,
}

impl MfccEncoder {
    /// Checks the settings. Without a background the embeddings are raw, as a background is made of.
    ///
    /// # Errors
    /// Where a setting is outside its range, or the background is of another length than the embeddings.
    pub fn new(settings: &MfccSettings, background: Option<Background>) -> Result<Self> {
        let encoder = MfccEncoder { plan: settings.feature.plan()?, deltas: settings.deltas, background };
        if encoder.plan.width() < 2 {
            let (found, expected) = ("1".into(), "2 or more, of which the first is not used".into());
            return Err(ErrorKind::Setting { name: "coefficients", found, expected }.into());
        }
        if let Some(background) = &encoder.background {
            let lengths = [background.mean.len(), background.deviation.len()];
            if lengths != [encoder.width(); 2] {
                let (found, expected) = (format!("{lengths:?} values"), format!("{} values", encoder.width()));
                return Err(ErrorKind::Model { name: "mfcc_background", found, expected }.into());
            }
        }
        Ok(encoder)
    }

    /// Number of values of an embedding.
    pub fn width(&self) -> usize {
        2 * self.row_width()
    }

    /// The population that the embeddings are normalised by; none where they are raw.
    pub fn background(&self) -> Option<&Background> {
        self.background.as_ref()
    }

    /// Number of values of a row that statistics are taken of.
    fn row_width(&self) -> usize {
        (self.plan.width() - 1) * if self.deltas { 2 } else { 1 }
    }

    /// A collector for one clip after another.
    pub(crate) fn collector(&self) -> MfccCollector {
        MfccCollector {
            deltas: self.deltas.then(Deltas::default),
            ..MfccCollector::new(self.plan.width(), 1, self.row_width())
        }
    }

    /// The embedding of the statistics; none where no frame was kept.
    pub(crate) fn embed(&self, statistics: &Statistics) -> Option<Vec<f32>> {
        let mut values = statistics.means_and_deviations()?;
        if let Some(background) = &self.background {
            background.normalise(&mut values);
        }
        Some(values)
    }
}

/// Rows of features on their way to the statistics, held back until the speech detector has decided on their frames.
#[derive(Debug)]
pub(crate) struct MfccCollector {
    coefficients: usize,
    /// Number of values at the start of a row that are not used.
    skipped: usize,
    row_width: usize,
    deltas: Option<Deltas>,
    rows: VecDeque<f32>,
    decisions: VecDeque<bool>,
    statistics: Statistics,
}

impl MfccCollector {
    /// A collector of rows of `coefficients` values, of which the first `skipped` are not used; `row_width` values a
    /// row reach the statistics.
    pub fn new(coefficients: usize, skipped: usize, row_width: usize) -> Self {
        MfccCollector {
            coefficients,
            skipped,
            row_width,
            deltas: None,
            rows: VecDeque::new(),
            decisions: VecDeque::new(),
            statistics: Statistics::default(),
        }
    }

    /// Takes rows.
    pub fn push_rows(&mut self, rows: &[f32]) {
        let held = &mut self.rows;
        for row in rows.chunks_exact(self.coefficients) {
            let row = row.get(self.skipped..).unwrap_or(&[]);
            match &mut self.deltas {
                Some(deltas) => deltas.push(row, &mut |row| held.extend(row)),
                None => held.extend(row),
            }
        }
    }

    /// Takes the decision on the next frame.
    pub fn push_decision(&mut self, keep: bool) {
        self.decisions.push_back(keep);
    }

    /// Adds the rows on which a decision has come.
    pub fn drain(&mut self) {
        while self.rows.len() >= self.row_width {
            let Some(keep) = self.decisions.pop_front() else { break };
            let row = self.rows.drain(..self.row_width);
            if keep {
                self.statistics.add(row, self.row_width);
            }
        }
    }

    /// Ends the clip and hands out its statistics. Ready for the next clip afterwards.
    pub fn finish(&mut self) -> Statistics {
        if let Some(deltas) = &mut self.deltas {
            let held = &mut self.rows;
            deltas.finish(&mut |row| held.extend(row));
        }
        self.drain();
        self.rows.clear();
        self.decisions.clear();
        std::mem::take(&mut self.statistics)
    }
}

/// Running sums over rows.
#[derive(Debug, Default)]
pub(crate) struct Statistics {
    rows: u64,
    sum: Vec<f64>,
    squares: Vec<f64>,
}

impl Statistics {
    fn add(&mut self, row: impl Iterator<Item = f32>, length: usize) {
        self.sum.resize(length, 0.0);
        self.squares.resize(length, 0.0);
        for ((sum, squares), x) in self.sum.iter_mut().zip(&mut self.squares).zip(row) {
            let x = f64::from(x);
            *sum += x;
            *squares += x * x;
        }
        self.rows += 1;
    }

    /// Means of all values, then their standard deviations (of the clip as a population).
    pub fn means_and_deviations(&self) -> Option<Vec<f32>> {
        if self.rows == 0 {
            return None;
        }
        let n = self.rows as f64;
        let means = self.sum.iter().map(|s| s / n);
        let deviations = self.sum.iter().zip(&self.squares).map(|(s, q)| (q / n - (s / n) * (s / n)).max(0.0).sqrt());
        Some(means.chain(deviations).map(|x| x as f32).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(deltas: bool) -> MfccSettings {
        MfccSettings { feature: kaldi_mfcc(23, 2, FirstCoefficient::Cepstrum), deltas }
    }

    fn collect(deltas: bool) -> Statistics {
        let mut collector = MfccEncoder::new(&settings(deltas), None).unwrap().collector();
        // Two cepstra a row, the first of which is c0.
        collector.push_rows(&[9.0, 1.0, 9.0, 3.0, 9.0, 100.0, 9.0, 5.0]);
        [true, true, false, true].into_iter().for_each(|keep| collector.push_decision(keep));
        collector.finish()
    }

    #[test]
    fn statistics_cover_kept_rows_only() {
        let statistics = collect(false);
        assert_eq!(statistics.rows, 3);
        let values = statistics.means_and_deviations().unwrap();
        assert_eq!(values[0], 3.0);
        assert!((values[1] - (8.0f32 / 3.0).sqrt()).abs() < 1e-6);
    }

    #[test]
    fn deltas_are_taken_before_frames_are_dropped() {
        let values = collect(true).means_and_deviations().unwrap();
        assert_eq!((values.len(), values[0]), (4, 3.0));
        // Slopes over 1, 1, [1], 3, 100 and so on; the third row is not kept.
        let slopes = [(3.0 - 1.0 + 2.0 * 99.0) / 10.0, (99.0 + 2.0 * 4.0) / 10.0, (5.0 - 100.0 + 2.0 * 2.0) / 10.0];
        let mean = slopes.iter().sum::<f32>() / 3.0;
        assert!((values[1] - mean).abs() < 1e-5, "{} {mean}", values[1]);
    }

    #[test]
    fn no_rows_no_embedding() {
        let encoder = MfccEncoder::new(&MfccSettings::default(), None).unwrap();
        assert_eq!(encoder.embed(&Statistics::default()), None);
    }

    #[test]
    fn a_background_of_another_length_is_refused() {
        let background =
            Background { source: String::new(), clips: 2, speakers: 2, mean: vec![0.0], deviation: vec![1.0] };
        let error = MfccEncoder::new(&MfccSettings::default(), Some(background)).err().unwrap();
        assert!(error.to_string().contains("[1, 1] values"), "{error}");
    }
}
