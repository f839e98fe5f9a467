//! Mel-frequency cepstral coefficients and log filter banks, on whole clips and on streams.
//!
//! [`FeatureSettings`] describe a feature completely; [`FeatureSettings::plan`] checks them into a [`FeaturePlan`],
//! which is immutable and shared by threads. A [`FeatureStream`] holds what one thread needs and takes a clip in
//! blocks of any size; [`FeaturePlan::extract`] is the convenience over it for a waveform in memory. Presets whose
//! numbers equal other libraries' are in [`super::preset`].

use super::cepstrum::{Lifter, dct_matrix};
use super::filterbank::{EnergyOf, FilterBank, FilterBankScratch, FilterBankSettings, Log, Peak};
use super::frame::{FrameRun, Framer};
use super::math::{LANES, Lanes};
use super::simd;
use crate::error::{ErrorKind, Result};
use ndarray::Array2;
use schemars::JsonSchema;
use serde::Serialize;

/// What the first coefficient of an MFCC is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FirstCoefficient {
    /// The cepstrum of order 0, orthonormal.
    Cepstrum,
    /// The cepstrum of order 0 with the norm of the others, `sqrt(2 / bands)` (HTK).
    CepstrumHtk,
    /// The natural logarithm of the frame's energy before emphasis and window (Kaldi's `use_energy`).
    FrameEnergy,
    /// The natural logarithm of the energy of the power spectrum (python_speech_features' `appendEnergy`).
    SpectrumEnergy,
}

/// The cosine transform that makes cepstra of a filter bank.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct CepstrumSettings {
    /// Number of coefficients, the first included.
    pub coefficients: usize,
    /// Weighting of the coefficients.
    pub lifter: Lifter,
    /// What the first coefficient is.
    pub first: FirstCoefficient,
}

/// Settings of a feature: a log mel filter bank, or the cepstra of one.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct FeatureSettings {
    /// The filter bank.
    pub filter_bank: FilterBankSettings,
    /// The cosine transform; none for the log filter bank itself.
    pub cepstrum: Option<CepstrumSettings>,
}

impl FeatureSettings {
    /// Checks the settings and computes every table they need.
    ///
    /// # Errors
    /// [`ErrorKind::Setting`] names the first setting outside its range.
    pub fn plan(&self) -> Result<FeaturePlan> {
        let bank = FilterBank::new(&self.filter_bank)?;
        let dct = match &self.cepstrum {
            None => Vec::new(),
            Some(c) if (1..=bank.bands()).contains(&c.coefficients) => {
                let mut matrix = dct_matrix(c.coefficients, bank.bands(), c.lifter);
                if c.first == FirstCoefficient::CepstrumHtk {
                    matrix.iter_mut().take(bank.bands()).for_each(|d| *d *= std::f32::consts::SQRT_2);
                }
                matrix
            }
            Some(c) => {
                let expected = format!("1 to the number of bands, {}", bank.bands());
                let found = c.coefficients.to_string();
                return Err(ErrorKind::Setting { name: "coefficients", found, expected }.into());
            }
        };
        Ok(FeaturePlan { settings: self.clone(), bank, dct })
    }
}

/// A feature, ready to be computed. Immutable; share it between threads.
pub struct FeaturePlan {
    settings: FeatureSettings,
    bank: FilterBank,
    /// `(coefficients, bands)`, empty for a filter bank.
    dct: Vec<f32>,
}

impl FeaturePlan {
    /// The settings this plan was made from.
    pub fn settings(&self) -> &FeatureSettings {
        &self.settings
    }

    /// Number of values a frame.
    pub fn width(&self) -> usize {
        self.settings.cepstrum.as_ref().map_or(self.bank.bands(), |c| c.coefficients)
    }

    /// Whether a clip has to be passed over once by [`FeatureStream::measure`] before its features are known.
    pub fn needs_peak(&self) -> bool {
        matches!(self.settings.filter_bank.log, Log::Decibel { .. })
    }

    /// Starts a stream: everything one thread needs for one clip after another.
    pub fn stream(&self) -> FeatureStream<'_> {
        FeatureStream {
            plan: self,
            framer: Framer::new(&self.settings.filter_bank.frame),
            worker: self.worker(),
            peak: Peak::Unknown,
        }
    }

    pub(super) fn worker(&self) -> Worker {
        Worker {
            bank: self.bank.scratch(),
            cepstra: vec![[0.0; LANES]; self.width()],
            rows: Vec::with_capacity(LANES * self.width()),
            bands: Vec::new(),
            peak_db: f32::MIN,
        }
    }

    /// The features `(frames, coefficients)` of a waveform in memory: mono, full scale ±1, at the settings' rate.
    pub fn extract(&self, waveform: &[f32]) -> Array2<f32> {
        let mut stream = self.stream();
        if self.needs_peak() {
            stream.measure(waveform);
            stream.finish_measuring();
        }
        let mut values = Vec::new();
        stream.push(waveform, &mut |rows| values.extend_from_slice(rows));
        stream.finish(&mut |rows| values.extend_from_slice(rows));
        let frames = values.len() / self.width();
        Array2::from_shape_vec((frames, self.width()), values).unwrap_or_else(|_| Array2::zeros((0, self.width())))
    }

    /// Features of a batch, into the worker's rows; the part that is compiled for several instruction sets.
    #[inline(always)]
    pub(super) fn batch(&self, run: &FrameRun<'_>, peak: Peak, worker: &mut Worker) {
        let first = self.settings.cepstrum.as_ref().map_or(FirstCoefficient::Cepstrum, |c| c.first);
        let energy = match first {
            FirstCoefficient::SpectrumEnergy => EnergyOf::Spectrum,
            _ => EnergyOf::Samples,
        };
        self.bank.batch(run, energy, peak, &mut worker.bank);
        let bands = self.bank.bands();
        let lanes: &[Lanes] = if self.dct.is_empty() {
            &worker.bank.log_mel
        } else {
            for (row, out) in self.dct.chunks_exact(bands).zip(&mut worker.cepstra) {
                let mut sum = [0.0; LANES];
                for (d, log_mel) in row.iter().zip(&worker.bank.log_mel) {
                    for (s, l) in sum.iter_mut().zip(log_mel) {
                        *s += d * l;
                    }
                }
                *out = sum;
            }
            let energy_first = matches!(first, FirstCoefficient::FrameEnergy | FirstCoefficient::SpectrumEnergy);
            if let (true, Some(c0)) = (energy_first, worker.cepstra.first_mut()) {
                *c0 = worker.bank.log_energy;
            }
            &worker.cepstra
        };
        worker.rows.clear();
        for lane in 0..run.count.min(LANES) {
            worker.rows.extend(lanes.iter().map(|values| values[lane]));
        }
    }
}

/// What one thread computes in.
pub(super) struct Worker {
    bank: FilterBankScratch,
    cepstra: Vec<Lanes>,
    /// `(frames of the batch, width)`, row-major.
    pub rows: Vec<f32>,
    /// `(frames of the batch, bands)`, row-major; filled on demand.
    bands: Vec<f32>,
    peak_db: f32,
}

/// A feature being computed on a clip that arrives in blocks. Memory does not grow with the clip.
pub struct FeatureStream<'a> {
    plan: &'a FeaturePlan,
    framer: Framer,
    worker: Worker,
    peak: Peak,
}

impl FeatureStream<'_> {
    /// Takes the next samples (mono, full scale ±1) and hands out complete frames as `(frames, coefficients)`,
    /// row-major, a few at a time.
    pub fn push(&mut self, samples: &[f32], sink: &mut dyn FnMut(&[f32])) {
        let (plan, worker, peak) = (self.plan, &mut self.worker, self.peak);
        self.framer.push(samples, &mut |run| each_batch(plan, &run, peak, worker, &mut |w| sink(&w.rows)));
    }

    /// Ends the clip: hands out the last frames. The stream is then ready for the next clip.
    pub fn finish(&mut self, sink: &mut dyn FnMut(&[f32])) {
        let (plan, worker, peak) = (self.plan, &mut self.worker, self.peak);
        self.framer.finish(&mut |run| each_batch(plan, &run, peak, worker, &mut |w| sink(&w.rows)));
        self.peak = Peak::Unknown;
        self.worker.peak_db = f32::MIN;
    }

    /// As [`push`](Self::push), handing out for the same frames the log filter bank `(frames, bands)` too, from which
    /// the cepstra were computed.
    pub fn push_with_bands(&mut self, samples: &[f32], sink: &mut dyn FnMut(&[f32], &[f32])) {
        let (plan, worker, peak) = (self.plan, &mut self.worker, self.peak);
        let mut then = |w: &mut Worker| {
            w.gather_bands();
            sink(&w.rows, &w.bands);
        };
        self.framer.push(samples, &mut |run| each_batch(plan, &run, peak, worker, &mut then));
    }

    /// As [`finish`](Self::finish), handing out the log filter bank too.
    pub fn finish_with_bands(&mut self, sink: &mut dyn FnMut(&[f32], &[f32])) {
        let (plan, worker, peak) = (self.plan, &mut self.worker, self.peak);
        let mut then = |w: &mut Worker| {
            w.gather_bands();
            sink(&w.rows, &w.bands);
        };
        self.framer.finish(&mut |run| each_batch(plan, &run, peak, worker, &mut then));
        self.peak = Peak::Unknown;
        self.worker.peak_db = f32::MIN;
    }

    /// First pass over a clip, for a plan that [`needs_peak`](FeaturePlan::needs_peak).
    pub fn measure(&mut self, samples: &[f32]) {
        let (plan, worker) = (self.plan, &mut self.worker);
        self.framer.push(samples, &mut |run| each_batch(plan, &run, Peak::Unknown, worker, &mut Worker::raise_peak));
    }

    /// Ends the first pass; the clip can now be pushed.
    pub fn finish_measuring(&mut self) {
        let (plan, worker) = (self.plan, &mut self.worker);
        self.framer.finish(&mut |run| each_batch(plan, &run, Peak::Unknown, worker, &mut Worker::raise_peak));
        self.peak = Peak::Known(self.worker.peak_db);
    }
}

impl Worker {
    fn gather_bands(&mut self) {
        let frames = self.rows.len() / self.cepstra.len().max(1);
        self.bands.clear();
        for lane in 0..frames.min(LANES) {
            self.bands.extend(self.bank.log_mel.iter().map(|values| values[lane]));
        }
    }

    fn raise_peak(&mut self) {
        let width = self.cepstra.len().max(1);
        let frames = self.rows.len() / width;
        for lanes in &self.bank.log_mel {
            self.peak_db = lanes.iter().take(frames).fold(self.peak_db, |peak, x| peak.max(*x));
        }
    }
}

fn each_batch(
    plan: &FeaturePlan,
    run: &FrameRun<'_>,
    peak: Peak,
    worker: &mut Worker,
    then: &mut dyn FnMut(&mut Worker),
) {
    let frame = &plan.settings.filter_bank.frame;
    let (shift, window) = (frame.shift(), frame.window_length());
    for first in (0..run.count).step_by(LANES) {
        let count = LANES.min(run.count - first);
        let end = (first + count - 1) * shift + window;
        if let Some(samples) = run.samples.get(first * shift..end) {
            simd::batch(plan, &FrameRun { samples, count }, peak, worker);
            then(worker);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feature::{FirstCoefficient, kaldi_mfcc};

    #[test]
    fn bands_beside_the_cepstra_are_the_filter_bank() {
        let settings = kaldi_mfcc(40, 20, FirstCoefficient::Cepstrum);
        let samples: Vec<f32> = (0..5000).map(|t| (t as f32 * t as f32 * 1e-4).sin() * 0.3).collect();
        let plan = settings.plan().unwrap();
        let (mut cepstra, mut bands) = (Vec::new(), Vec::new());
        let mut stream = plan.stream();
        for _ in 0..2 {
            cepstra.clear();
            bands.clear();
            let mut sink = |c: &[f32], b: &[f32]| {
                assert_eq!(c.len() / 20, b.len() / 40);
                cepstra.extend_from_slice(c);
                bands.extend_from_slice(b);
            };
            samples.chunks(777).for_each(|block| stream.push_with_bands(block, &mut sink));
            stream.finish_with_bands(&mut sink);
        }
        assert_eq!(cepstra, plan.extract(&samples).into_raw_vec_and_offset().0);
        let bank = FeatureSettings { cepstrum: None, ..settings }.plan().unwrap();
        assert_eq!(bands, bank.extract(&samples).into_raw_vec_and_offset().0);
    }
}
