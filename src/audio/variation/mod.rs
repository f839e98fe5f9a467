//! A clip made worse on purpose: cut, in a room, with noise, music or voices behind it, softer, clipped or coded.
//!
//! Calibration has to know what a score is worth on such recordings too, and labelled ones are mostly clean; so clips
//! are altered on their way to the encoders, with random numbers that are the same every time. Nothing here touches a
//! clip whose score is asked for.

mod babble;
mod codec;
mod framed;
mod music;
mod noise;
mod room;

pub use babble::{Babble, BabbleVoice};
pub use codec::Codec;
pub use music::Music;
pub use noise::Noise;
pub use room::Room;

use super::SAMPLE_RATE_HZ;
use crate::error::{ErrorKind, Result};
use crate::random::SplitMix;
use framed::Framed;
use noise::NoiseSource;
use std::ops::RangeInclusive;

/// What is done to a clip, in this order: a voice in a room, with something behind it, recorded at a level, clipped and
/// coded. The default leaves it as it is. Only the cut changes how long it is: a room's echo of the last sound is cut off.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Variation {
    /// Where the cut begins and how long it is, seconds; the whole clip without one.
    pub cut: Option<(f64, f64)>,
    /// The room that the voice is in.
    pub room: Option<Room>,
    /// What is added.
    pub background: Option<Background>,
    /// Change of the level, dB; the samples are then rounded to 16 bits, as a soft recording's are.
    pub gain_db: f64,
    /// Amplitude beyond which samples are cut off, full scale is 1.
    pub clip_at: Option<f32>,
    /// The codec that it goes through.
    pub codec: Option<Codec>,
}

/// What is behind a voice.
#[derive(Clone, Debug, PartialEq)]
pub enum Background {
    /// Steady noise.
    Noise(Noise),
    /// Music.
    Music(Music),
    /// Several people who speak at once.
    Babble(Babble),
}

impl Variation {
    /// Alters a clip in memory, mono at 16 kHz, full scale ±1.
    ///
    /// # Errors
    /// Where a value is outside its range, or a clip of the babble cannot be read.
    pub fn alter(&self, mut samples: Vec<f32>) -> Result<Vec<f32>> {
        let mut varied = Varied::new(self)?;
        varied.apply(&mut samples);
        let mut rest = Vec::new();
        varied.finish(&mut rest);
        samples.append(&mut rest);
        Ok(samples)
    }
}

/// A variation on its way through a clip at 16 kHz.
pub(crate) struct Varied {
    keep: std::ops::Range<u64>,
    at: u64,
    room: Option<Framed>,
    behind: Option<Behind>,
    gain: Option<f32>,
    clip_at: Option<f32>,
    codec: Option<Framed>,
}

impl Varied {
    pub fn new(variation: &Variation) -> Result<Self> {
        let samples = |seconds: f64| (seconds.max(0.0) * f64::from(SAMPLE_RATE_HZ)) as u64;
        let keep = variation.cut.map_or(0..u64::MAX, |(start, length)| samples(start)..samples(start + length));
        Ok(Varied {
            keep,
            at: 0,
            room: variation.room.as_ref().map(room::filter).transpose()?,
            behind: variation.background.as_ref().map(Behind::new).transpose()?,
            gain: (variation.gain_db != 0.0).then(|| 10f64.powf(variation.gain_db / 20.0) as f32),
            clip_at: variation.clip_at,
            codec: variation.codec.as_ref().map(codec::filter).transpose()?,
        })
    }

    /// Alters the next samples in place; those outside the cut are taken away, and some may come later.
    pub fn apply(&mut self, block: &mut Vec<f32>) {
        let end = self.at + block.len() as u64;
        let inside = |position: u64| (position.clamp(self.at, end) - self.at) as usize;
        let (from, to) = (inside(self.keep.start), inside(self.keep.end));
        block.truncate(to);
        block.drain(..from.min(to));
        self.at = end;
        if let Some(room) = &mut self.room {
            room.push(block);
        }
        self.record(block);
        if let Some(codec) = &mut self.codec {
            codec.push(block);
        }
    }

    /// Replaces `block` by the last samples, once all have been applied.
    pub fn finish(&mut self, block: &mut Vec<f32>) {
        block.clear();
        if let Some(room) = &mut self.room {
            room.finish(block);
        }
        self.record(block);
        if let Some(codec) = &mut self.codec {
            codec.push(block);
            codec.finish(block);
        }
    }

    /// What needs no other sample than each.
    fn record(&mut self, block: &mut [f32]) {
        for x in block {
            if let Some(behind) = &mut self.behind {
                *x += behind.next();
            }
            if let Some(gain) = self.gain {
                *x = (*x * gain * 32_768.0).round() / 32_768.0;
            }
            if let Some(limit) = self.clip_at {
                *x = x.clamp(-limit, limit);
            }
        }
    }
}

/// What is added, sample by sample.
enum Behind {
    Noise(NoiseSource),
    Loops(Vec<Loop>),
}

impl Behind {
    fn new(background: &Background) -> Result<Self> {
        Ok(match background {
            Background::Noise(noise) => Behind::Noise(NoiseSource::new(noise)?),
            Background::Music(music) => Behind::Loops(vec![music::looped(music)?]),
            Background::Babble(babble) => Behind::Loops(babble::looped(babble)?),
        })
    }

    fn next(&mut self) -> f32 {
        match self {
            Behind::Noise(noise) => noise.next(),
            Behind::Loops(loops) => loops.iter_mut().map(Loop::next).sum(),
        }
    }
}

/// Samples that come again and again.
struct Loop {
    samples: Vec<f32>,
    at: usize,
}

impl Loop {
    fn next(&mut self) -> f32 {
        let Some(sample) = self.samples.get(self.at) else { return 0.0 };
        self.at = (self.at + 1) % self.samples.len();
        *sample
    }

    /// Brings the root mean square to a level, dB of full scale; what is silent stays so.
    fn at_level(mut samples: Vec<f32>, level_dbfs: f64, at: usize) -> Self {
        let power = samples.iter().map(|x| f64::from(x * x)).sum::<f64>() / samples.len().max(1) as f64;
        if power > 0.0 {
            let scale = (amplitude(level_dbfs) / power.sqrt()) as f32;
            samples.iter_mut().for_each(|x| *x *= scale);
        }
        let at = at % samples.len().max(1);
        Loop { samples, at }
    }
}

/// Root mean square at a level, dB of full scale.
fn amplitude(level_dbfs: f64) -> f64 {
    10f64.powf(level_dbfs / 20.0)
}

fn between(low: f64, high: f64, random: &mut SplitMix) -> f64 {
    low + (high - low) * random.share()
}

/// Levels that something can be added at, dB of full scale.
const LEVEL_DBFS: RangeInclusive<f64> = -200.0..=20.0;

/// Refuses a value outside its range.
fn within(name: &'static str, value: f64, range: RangeInclusive<f64>) -> Result<f64> {
    match range.contains(&value) {
        true => Ok(value),
        false => {
            let expected = format!("{} to {}", range.start(), range.end());
            Err(ErrorKind::Setting { name, found: value.to_string(), expected }.into())
        }
    }
}

#[cfg(test)]
mod tests;
