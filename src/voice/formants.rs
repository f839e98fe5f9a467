//! Resonances of the vocal tract, by linear prediction.
//!
//! Burg's method on windows of 25 ms (a Gaussian-like window of 50 ms), after pre-emphasis from 50 Hz, with two poles
//! for each of five formants below the ceiling, as Praat's "To Formant (burg)" documents it. The ceiling follows the
//! voice: shorter vocal tracts have their five formants below 5500 Hz, longer ones below 5000 Hz, and a median F0 of
//! [`HIGHER_VOICE_HZ`] parts the two.

use super::resample::downsample;
use super::roots::roots;
use rustfft::num_complex::Complex64;
use std::f64::consts::TAU;

/// From this median F0 on a voice counts as a higher one, Hz.
pub const HIGHER_VOICE_HZ: f64 = 160.0;
/// Number of formants that are told.
pub const FORMANTS: usize = 4;
/// Speed of sound in the vocal tract, cm/s.
const SPEED_CM_S: f64 = 35_400.0;
/// Two for each of five formants.
const POLES: usize = 10;
/// Length of the whole window, seconds; it works like a rectangle of half that.
const WINDOW_S: f64 = 0.05;
/// Pre-emphasis starts here, Hz.
const EMPHASIS_HZ: f64 = 50.0;
/// Resonances this close to 0 Hz or to the ceiling are none, Hz.
const MARGIN_HZ: f64 = 50.0;

/// The formant ceiling for a voice, Hz: 5500 for a higher one, else 5000.
pub fn formant_ceiling_hz(median_f0_hz: f64) -> f64 {
    if median_f0_hz >= HIGHER_VOICE_HZ { 5500.0 } else { 5000.0 }
}

/// Length of the vocal tract that would have these formants, cm: that of an even tube, closed at one end, whose
/// resonances `F_n = dF (2n - 1) / 2` fit best in the least squares; `c / (2 dF)`. None without a formant.
pub fn vocal_tract_cm(formants_hz: &[Option<f64>]) -> Option<f64> {
    let (mut product, mut square) = (0.0, 0.0);
    for (n, hz) in formants_hz.iter().enumerate() {
        let Some(hz) = hz else { continue };
        let odd = n as f64 + 0.5;
        product += odd * hz;
        square += odd * odd;
    }
    (product > 0.0).then(|| SPEED_CM_S * square / (2.0 * product))
}

/// The first formants of a frame, Hz; none where fewer were found.
pub(super) type Formants = [Option<f64>; FORMANTS];

/// A clip made ready for formants below one ceiling.
pub(super) struct FormantFinder {
    samples: Vec<f32>,
    rate_hz: f64,
    window: Vec<f64>,
    frame: Vec<f64>,
}

impl FormantFinder {
    pub fn new(samples: &[f32], ceiling_hz: f64) -> Self {
        let rate = (2.0 * ceiling_hz).round();
        let mut samples = downsample(samples, rate as u32);
        let factor = (-TAU * EMPHASIS_HZ / rate).exp() as f32;
        for i in (1..samples.len()).rev() {
            samples[i] -= factor * samples[i - 1];
        }
        let length = (WINDOW_S * rate + 1e-9) as usize;
        let edge = (-12f64).exp();
        let weight = |i: usize| {
            let away = (i as f64 + 0.5 - 0.5 * length as f64) / (length as f64 + 1.0);
            ((-48.0 * away * away).exp() - edge) / (1.0 - edge)
        };
        let window = (0..length).map(weight).collect();
        FormantFinder { samples, rate_hz: rate, window, frame: vec![0.0; length] }
    }

    /// The formants around an instant; nothing where the window reaches beyond the clip or holds no sound.
    pub fn at(&mut self, time_s: f64) -> Formants {
        let mut formants = [None; FORMANTS];
        let right = (time_s * self.rate_hz - 0.5).floor() as i64 + 1;
        let start = usize::try_from(right - self.window.len() as i64 / 2);
        let part = start.ok().and_then(|start| self.samples.get(start..start + self.window.len()));
        let Some(part) = part else { return formants };
        for ((out, x), w) in self.frame.iter_mut().zip(part).zip(&self.window) {
            *out = f64::from(*x) * w;
        }
        let Some(predictor) = burg(&self.frame) else { return formants };
        let found = resonances(&predictor, self.rate_hz);
        formants.iter_mut().zip(found).for_each(|(formant, hz)| *formant = Some(hz));
        formants
    }
}

/// Coefficients of the best linear prediction `x[t] = sum a[k] x[t - 1 - k]` (J. P. Burg 1967, after the recursion in
/// N. Andersen 1974); none where there is nothing to predict.
fn burg(x: &[f64]) -> Option<[f64; POLES]> {
    let n = x.len();
    let power: f64 = x.iter().map(|x| x * x).sum();
    if n <= POLES || power <= 0.0 || !power.is_finite() {
        return None;
    }
    let (mut forward, mut backward) = (x.get(1..)?.to_vec(), x.get(..n - 1)?.to_vec());
    let mut a = [0.0; POLES];
    for order in 0..POLES {
        let (mut product, mut squares) = (0.0, 0.0);
        for (f, b) in forward.iter().zip(&backward) {
            product += f * b;
            squares += f * f + b * b;
        }
        if squares <= 0.0 {
            break;
        }
        let reflection = 2.0 * product / squares;
        let old = a;
        for (k, a) in a.iter_mut().take(order).enumerate() {
            *a -= reflection * old[order - 1 - k];
        }
        a[order] = reflection;
        // Errors of the next order; the backward ones move on by a sample.
        let last = forward.len() - 1;
        for (f, b) in forward.iter_mut().zip(&mut backward) {
            (*f, *b) = (*f - reflection * *b, *b - reflection * *f);
        }
        forward.copy_within(1.., 0);
        forward.truncate(last);
        backward.truncate(last);
    }
    Some(a)
}

/// Frequencies of the predictor's resonances in rising order, Hz.
fn resonances(a: &[f64; POLES], rate_hz: f64) -> Vec<f64> {
    // z^p - a1 z^(p-1) - ... - ap
    let mut monic = [Complex64::default(); POLES];
    monic.iter_mut().zip(a.iter().rev()).for_each(|(c, a)| *c = Complex64::new(-a, 0.0));
    let frequency = |z: &Complex64| z.arg() * rate_hz / TAU;
    let inside = MARGIN_HZ..=0.5 * rate_hz - MARGIN_HZ;
    let mut found: Vec<f64> =
        roots(&monic).iter().filter(|z| z.im > 0.0).map(frequency).filter(|hz| inside.contains(hz)).collect();
    found.sort_by(f64::total_cmp);
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_even_tube_of_17_7_cm() {
        let tube = [500.0, 1500.0, 2500.0, 3500.0].map(Some);
        assert!((vocal_tract_cm(&tube).unwrap() - 17.7).abs() < 1e-12);
        assert!((vocal_tract_cm(&[Some(500.0), None, Some(2500.0), None]).unwrap() - 17.7).abs() < 1e-12);
        assert_eq!(vocal_tract_cm(&[None; 4]), None);
        assert_eq!((formant_ceiling_hz(159.9), formant_ceiling_hz(160.0)), (5000.0, 5500.0));
    }

    #[test]
    fn a_synthetic_vowel_has_its_formants() {
        let wanted = [(500.0, 60.0), (1500.0, 80.0), (2500.0, 110.0), (3500.0, 150.0), (4500.0, 200.0)];
        let vowel = crate::voice::vowel(100.0, &wanted, 1.0);
        let mut finder = FormantFinder::new(&vowel, 5000.0);
        let found = finder.at(0.5);
        for (found, (hz, _)) in found.iter().zip(wanted) {
            assert!((found.unwrap() / hz - 1.0).abs() < 0.04, "{found:?}: {hz}");
        }
        assert_eq!((finder.at(0.0), finder.at(1.0)), ([None; 4], [None; 4]));
        assert_eq!(FormantFinder::new(&[0.0; 16_000], 5000.0).at(0.5), [None; 4]);
    }
}
