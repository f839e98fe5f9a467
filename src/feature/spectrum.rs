//! Power spectra of frames, two frames in one complex transform.
//!
//! A real frame needs half a complex transform, so two frames travel as the real and the imaginary part of one and
//! are told apart afterwards by symmetry. Rounding lets a trace of the louder frame into the quieter (about 1e-7 of its
//! amplitude), so frames that differ by more than [`LOUDNESS_RATIO`] in energy go separately.

use super::frame::{FrameSettings, PreEmphasis};
use super::math::{LANES, Lanes, sum_by};
use rustfft::num_complex::Complex32;
use rustfft::{Fft, FftPlanner};
use std::f64::consts::TAU;
use std::sync::Arc;

/// Energy ratio above which two frames do not share a transform: 60 dB.
const LOUDNESS_RATIO: f32 = 1e6;

/// The plan: window, transform and what is done to a frame before. Immutable, shared by threads.
pub(crate) struct PowerSpectrum {
    window: Vec<f32>,
    pre_emphasis: f32,
    remove_dc: bool,
    fft: Arc<dyn Fft<f32>>,
}

/// What one thread needs to compute spectra.
pub(crate) struct SpectrumScratch {
    frames: [Vec<f32>; 2],
    transform: Vec<Complex32>,
    fft: Vec<Complex32>,
    /// `(bins, LANES)`: power of each bin for each frame of the batch, `|X|^2`.
    pub power: Vec<Lanes>,
    /// Energy of each frame: sum of squares after the mean is taken off, before pre-emphasis and window.
    pub energy: Lanes,
}

impl PowerSpectrum {
    pub fn new(settings: &FrameSettings) -> Self {
        PowerSpectrum {
            window: settings.window.weights(settings.window_length()),
            pre_emphasis: match settings.pre_emphasis {
                PreEmphasis::PerFrame(a) => a,
                _ => 0.0,
            },
            remove_dc: settings.remove_dc,
            fft: FftPlanner::new().plan_fft_forward(settings.fft_length),
        }
    }

    /// The expected power of each bin for white noise of a variance; pre-emphasis over the whole signal is not counted.
    pub fn of_white_noise(&self, variance: f64) -> Vec<f64> {
        let window: f64 = self.window.iter().map(|w| f64::from(*w).powi(2)).sum();
        let a = f64::from(self.pre_emphasis);
        let step = TAU / self.fft.len() as f64;
        let emphasis = |k: usize| 1.0 + a * a - 2.0 * a * (step * k as f64).cos();
        (0..self.bins()).map(|k| variance * window * emphasis(k)).collect()
    }

    pub fn bins(&self) -> usize {
        self.fft.len() / 2 + 1
    }

    pub fn scratch(&self) -> SpectrumScratch {
        SpectrumScratch {
            frames: [vec![0.0; self.window.len()], vec![0.0; self.window.len()]],
            transform: vec![Complex32::default(); self.fft.len()],
            fft: vec![Complex32::default(); self.fft.get_inplace_scratch_len()],
            power: vec![[0.0; LANES]; self.bins()],
            energy: [0.0; LANES],
        }
    }

    /// Spectra of up to [`LANES`] frames, frame `i` at `samples[i * shift..]`.
    #[inline(always)]
    pub fn batch(&self, samples: &[f32], shift: usize, count: usize, scratch: &mut SpectrumScratch) {
        let frame = |i: usize| samples.get(i * shift..i * shift + self.window.len()).unwrap_or(&[]);
        for lane in (0..count).step_by(2) {
            let [a, b] = &mut scratch.frames;
            let (energy_a, power_a) = self.prepare(frame(lane), a);
            scratch.energy[lane] = energy_a;
            if lane + 1 == count {
                self.transform(scratch, Pair::First);
                single(&scratch.transform, lane, &mut scratch.power);
                continue;
            }
            let (energy_b, power_b) = self.prepare(frame(lane + 1), b);
            scratch.energy[lane + 1] = energy_b;
            if power_a.max(power_b) > LOUDNESS_RATIO * power_a.min(power_b) {
                self.transform(scratch, Pair::First);
                single(&scratch.transform, lane, &mut scratch.power);
                self.transform(scratch, Pair::Second);
                single(&scratch.transform, lane + 1, &mut scratch.power);
            } else {
                self.transform(scratch, Pair::Both);
                split(&scratch.transform, lane, &mut scratch.power);
            }
        }
    }

    /// Mean, pre-emphasis, window. Returns the energy before and the power after emphasis and window.
    #[inline(always)]
    fn prepare(&self, frame: &[f32], out: &mut [f32]) -> (f32, f32) {
        if frame.len() != out.len() {
            out.fill(0.0);
            return (0.0, 0.0);
        }
        let mean = if self.remove_dc { sum_by(frame, |x| x) / frame.len() as f32 } else { 0.0 };
        let energy = sum_by(frame, |x| (x - mean) * (x - mean));
        if self.pre_emphasis == 0.0 {
            for ((y, x), w) in out.iter_mut().zip(frame).zip(&self.window) {
                *y = (x - mean) * w;
            }
        } else {
            let a = self.pre_emphasis;
            if let (Some((first, later)), Some((y, out)), Some((w, window))) =
                (frame.split_first(), out.split_first_mut(), self.window.split_first())
            {
                *y = (first - mean) * (1.0 - a) * w;
                for (((y, x), before), w) in out.iter_mut().zip(later).zip(frame).zip(window) {
                    *y = ((x - mean) - a * (before - mean)) * w;
                }
            }
        }
        (energy, sum_by(out, |x| x * x))
    }

    #[inline(always)]
    fn transform(&self, scratch: &mut SpectrumScratch, which: Pair) {
        let [a, b] = &scratch.frames;
        let (head, tail) = scratch.transform.split_at_mut(a.len());
        match which {
            Pair::Both => {
                for ((z, a), b) in head.iter_mut().zip(a).zip(b) {
                    *z = Complex32::new(*a, *b);
                }
            }
            Pair::First | Pair::Second => {
                let frame = if matches!(which, Pair::First) { a } else { b };
                for (z, x) in head.iter_mut().zip(frame) {
                    *z = Complex32::new(*x, 0.0);
                }
            }
        }
        tail.fill(Complex32::default());
        self.fft.process_with_scratch(&mut scratch.transform, &mut scratch.fft);
    }
}

/// Which of the two prepared frames a transform carries.
enum Pair {
    First,
    Second,
    Both,
}

/// Power of the one frame in `z`.
#[inline(always)]
fn single(z: &[Complex32], lane: usize, power: &mut [Lanes]) {
    for (p, x) in power.iter_mut().zip(z) {
        p[lane] = x.norm_sqr();
    }
}

/// Powers of the two frames in `z`: `X_a[k] = (Z[k] + Z*[N-k]) / 2`, `X_b[k] = (Z[k] - Z*[N-k]) / 2i`.
#[inline(always)]
fn split(z: &[Complex32], lane: usize, power: &mut [Lanes]) {
    let (Some((p, power)), Some((x, z))) = (power.split_first_mut(), z.split_first()) else { return };
    p[lane] = x.re * x.re;
    p[lane + 1] = x.im * x.im;
    // z[k] from the front meets z[N - k] from the back.
    for ((p, x), y) in power.iter_mut().zip(z).zip(z.iter().rev()) {
        let (a_re, a_im) = (x.re + y.re, x.im - y.im);
        let (b_re, b_im) = (x.im + y.im, y.re - x.re);
        p[lane] = 0.25 * (a_re * a_re + a_im * a_im);
        p[lane + 1] = 0.25 * (b_re * b_re + b_im * b_im);
    }
}

#[cfg(test)]
mod tests {
    use super::super::frame::Edges;
    use super::super::window::Window;
    use super::*;
    use std::f64::consts::TAU;

    fn settings() -> FrameSettings {
        FrameSettings {
            sample_rate_hz: 16_000,
            length_ms: 25.0,
            shift_ms: 10.0,
            fft_length: 512,
            window: Window::Hamming,
            edges: Edges::Snip,
            pre_emphasis: PreEmphasis::Off,
            remove_dc: false,
            sample_scale: 1.0,
        }
    }

    /// `|X[k]|^2` by the definition, in double precision.
    fn naive(frame: &[f32], window: &[f32], k: usize) -> f64 {
        let (mut re, mut im) = (0.0, 0.0);
        for (n, (x, w)) in frame.iter().zip(window).enumerate() {
            let angle = TAU * (k * n) as f64 / 512.0;
            re += f64::from(x * w) * angle.cos();
            im -= f64::from(x * w) * angle.sin();
        }
        re * re + im * im
    }

    #[test]
    fn batches_of_every_size_agree_with_the_naive_transform() {
        let plan = PowerSpectrum::new(&settings());
        let mut seed = 1u32;
        let mut noise = || {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (seed >> 8) as f32 / 8_388_608.0 - 1.0
        };
        let samples: Vec<f32> = (0..400 + 15 * 160).map(|_| noise()).collect();
        for count in 1..=LANES {
            let mut scratch = plan.scratch();
            plan.batch(&samples, 160, count, &mut scratch);
            for lane in 0..count {
                let frame = &samples[lane * 160..lane * 160 + 400];
                let total: f64 = (0..257).map(|k| naive(frame, &plan.window, k)).sum();
                for k in (0..257).step_by(16) {
                    let expected = naive(frame, &plan.window, k);
                    let error = (f64::from(scratch.power[k][lane]) - expected).abs();
                    assert!(error < 1e-6 * (total / 257.0 * expected).sqrt() + 1e-10 * total, "{count} {lane} {k}");
                }
            }
        }
    }

    #[test]
    fn a_silent_frame_beside_a_loud_one_stays_silent() {
        let plan = PowerSpectrum::new(&FrameSettings { shift_ms: 25.0, ..settings() });
        let mut samples = vec![0.9f32; 400];
        samples.resize(800, 0.0);
        let mut scratch = plan.scratch();
        plan.batch(&samples, 400, 2, &mut scratch);
        assert!(scratch.power[0][0] > 1e4);
        assert!(scratch.power.iter().all(|p| p[1] == 0.0));
    }
}
