//! Music by a formula: four bars of chords, bass, melody and drums, again and again.
//!
//! Every tone is a sum of harmonics that decay, the higher the faster, as those of plucked and struck strings do.

use super::{LEVEL_DBFS, Loop, SAMPLE_RATE_HZ, between, within};
use crate::error::Result;
use crate::random::SplitMix;
use std::f64::consts::TAU;

/// Music whose key, tempo, chords, rhythm and timbres are drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Music {
    /// Its root mean square, dB of full scale.
    pub level_dbfs: f64,
    /// Start of its random numbers.
    pub seed: u64,
}

const RATE: f64 = SAMPLE_RATE_HZ as f64;
/// Semitones of the major and the natural minor scale.
const SCALES: [[i32; 7]; 2] = [[0, 2, 4, 5, 7, 9, 11], [0, 2, 3, 5, 7, 8, 10]];
/// Steps of the scale that the chords of the four bars stand on.
const CHORDS: [[i32; 4]; 5] = [[0, 4, 5, 3], [0, 5, 3, 4], [0, 3, 4, 3], [5, 3, 0, 4], [0, 2, 3, 4]];
/// Beats a minute.
const TEMPO: [f64; 2] = [70.0, 150.0];
/// Parts of a bar.
const EIGHTHS: usize = 8;
/// Harmonics end here, Hz.
const TOP_HZ: f64 = 7500.0;

/// The loop, which starts where the random numbers say.
pub(super) fn looped(music: &Music) -> Result<Loop> {
    let level = within("music level, dB of full scale", music.level_dbfs, LEVEL_DBFS)?;
    let mut random = SplitMix(music.seed);
    let samples = Piece::draw(&mut random).play(&mut random);
    let at = random.below(samples.len());
    Ok(Loop::at_level(samples, level, at))
}

/// What is drawn once for a piece.
struct Piece {
    scale: [i32; 7],
    /// Frequency of the lowest tone of the scale, Hz.
    key_hz: f64,
    chords: [i32; 4],
    /// Length of an eighth, samples.
    eighth: usize,
    chord: Timbre,
    melody: Timbre,
    bass: Timbre,
    drums: bool,
}

/// How a tone sounds.
struct Timbre {
    /// Amplitudes of the harmonics fall by this power of their number.
    slope: f64,
    /// Time in which the first decays by 60 dB, seconds.
    decay_s: f64,
    loudness: f64,
}

impl Timbre {
    fn draw(loudness: f64, random: &mut SplitMix) -> Self {
        Timbre { slope: between(0.8, 2.0, random), decay_s: between(0.5, 2.0, random), loudness }
    }
}

impl Piece {
    fn draw(random: &mut SplitMix) -> Self {
        Piece {
            scale: SCALES[random.below(SCALES.len())],
            // From E2 to E3.
            key_hz: 82.41 * (random.below(12) as f64 / 12.0).exp2(),
            chords: CHORDS[random.below(CHORDS.len())],
            eighth: (RATE * 30.0 / between(TEMPO[0], TEMPO[1], random)) as usize,
            chord: Timbre::draw(0.3, random),
            melody: Timbre::draw(0.5, random),
            bass: Timbre { slope: 2.0, ..Timbre::draw(0.7, random) },
            drums: random.below(4) > 0,
        }
    }

    /// Frequency of a step of the scale, Hz; the octave is every seventh.
    fn hz(&self, step: i32) -> f64 {
        let semitone = self.scale.get(step.rem_euclid(7) as usize).copied().unwrap_or_default();
        self.key_hz * (f64::from(semitone + 12 * step.div_euclid(7)) / 12.0).exp2()
    }

    fn play(&self, random: &mut SplitMix) -> Vec<f32> {
        let mut sheet = Sheet { samples: vec![0.0; self.chords.len() * EIGHTHS * self.eighth] };
        let rhythm: Vec<bool> = (0..EIGHTHS).map(|i| i == 0 || random.below(3) == 0).collect();
        let mut melody = 14;
        for (bar, root) in self.chords.iter().enumerate() {
            for (i, strum) in rhythm.iter().enumerate() {
                let at = (bar * EIGHTHS + i) * self.eighth;
                if *strum {
                    [0, 2, 4].into_iter().for_each(|third| sheet.tone(at, self.hz(7 + root + third), &self.chord));
                }
                if i % 4 == 0 || random.below(6) == 0 {
                    sheet.tone(at, self.hz(*root), &self.bass);
                }
                if random.below(5) < 3 {
                    melody = (melody + random.below(5) as i32 - 2).clamp(10, 21);
                    sheet.tone(at, self.hz(melody), &self.melody);
                }
                if self.drums {
                    sheet.drums(at, i, random);
                }
            }
        }
        sheet.samples
    }
}

/// The loop as it is written: what lasts beyond its end goes on at its beginning.
struct Sheet {
    samples: Vec<f32>,
}

impl Sheet {
    fn add(&mut self, at: usize, sound: impl Iterator<Item = f64>) {
        let at = at.min(self.samples.len());
        let (head, tail) = self.samples.split_at_mut(at);
        tail.iter_mut().chain(head).zip(sound).for_each(|(sample, x)| *sample += x as f32);
    }

    /// Harmonics as damped oscillations, each a complex number that turns and shrinks.
    fn tone(&mut self, at: usize, hz: f64, timbre: &Timbre) {
        let mut harmonic = 1.0;
        while harmonic * hz < TOP_HZ {
            let decay_s = timbre.decay_s / f64::sqrt(harmonic);
            let amplitude = timbre.loudness * f64::powf(harmonic, -timbre.slope);
            let (sin, cos) = (TAU * harmonic * hz / RATE).sin_cos();
            let shrink = shrink(decay_s);
            let (mut x, mut y) = (amplitude, 0.0);
            let turns = (0..(decay_s * RATE) as usize).map(|_| {
                (x, y) = (shrink * (x * cos - y * sin), shrink * (x * sin + y * cos));
                y
            });
            self.add(at, turns);
            harmonic += 1.0;
        }
    }

    /// Kick on the first and third beat, snare on the second and fourth, cymbal on every eighth.
    fn drums(&mut self, at: usize, eighth: usize, random: &mut SplitMix) {
        let mut noise = |decay_s: f64, amplitude: f64| {
            let mut before = 0.0;
            let burst = decaying(decay_s, amplitude).map(|envelope| {
                let white = 2.0 * random.share() - 1.0;
                // The difference of two samples has little of what is low.
                envelope * (white - std::mem::replace(&mut before, white))
            });
            burst.collect::<Vec<f64>>()
        };
        let cymbal = noise(0.08, 0.25);
        let snare = if eighth % 4 == 2 { noise(0.25, 0.6) } else { Vec::new() };
        self.add(at, cymbal.into_iter());
        self.add(at, snare.into_iter());
        if eighth.is_multiple_of(4) {
            let mut phase = 0.0;
            let kick = decaying(0.3, 1.5).zip(decaying(0.1, 100.0)).map(|(envelope, above_hz)| {
                phase += TAU * (50.0 + above_hz) / RATE;
                envelope * f64::sin(phase)
            });
            self.add(at, kick);
        }
    }
}

/// Factor by which each sample is smaller than the one before, to decay by 60 dB.
fn shrink(decay_s: f64) -> f64 {
    (-(1000f64.ln()) / (decay_s * RATE)).exp()
}

/// An envelope that falls by 60 dB and ends.
fn decaying(decay_s: f64, from: f64) -> impl Iterator<Item = f64> {
    let shrink = shrink(decay_s);
    (0..(decay_s * RATE) as usize).scan(from, move |level, _| {
        *level *= shrink;
        Some(*level)
    })
}
