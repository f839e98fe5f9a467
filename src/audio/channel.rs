//! Many channels to one, and what is seen of the samples on the way: level, offset, clipping, cancellation.

use super::warning::Warning;
use crate::error::{Error, ErrorKind};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// Which channel of a recording is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// The mean of all channels.
    #[default]
    Mix,
    /// The channel with this number, counted from 1.
    Number(u16),
    /// The channel with the greatest power over the whole clip (the first of equals); costs a second pass.
    Loudest,
    /// Half the difference of two channels, counted from 1: what a mix of the two cancels.
    Difference(u16, u16),
}

impl FromStr for Channel {
    type Err = Error;

    fn from_str(word: &str) -> Result<Self, Error> {
        match word {
            "mix" => Ok(Channel::Mix),
            "left" => Ok(Channel::Number(1)),
            "right" => Ok(Channel::Number(2)),
            "loudest" => Ok(Channel::Loudest),
            _ => {
                let number = |word: &str| word.parse().ok().filter(|number| *number > 0);
                let difference = || {
                    let (a, b) = word.split_once('-')?;
                    let (a, b) = (number(a)?, number(b)?);
                    (a != b).then_some(Channel::Difference(a, b))
                };
                number(word).map(Channel::Number).or_else(difference).ok_or_else(|| {
                    let expected = "mix, left, right, loudest, a number from 1, or two of them as in 1-2".into();
                    ErrorKind::Setting { name: "channel", found: word.into(), expected }.into()
                })
            }
        }
    }
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Channel::Mix => f.write_str("mix"),
            Channel::Number(number) => write!(f, "{number}"),
            Channel::Loudest => f.write_str("loudest"),
            Channel::Difference(a, b) => write!(f, "{a}-{b}"),
        }
    }
}

/// A channel that is silent is one this far under the loudest, dB.
const SILENT_DB: f64 = 60.0;
/// The mix is said to cancel where it is this far under what unrelated channels would give, dB.
const CANCEL_DB: f64 = 6.0;
/// Largest sample that is believed, in full scales: that of 32-bit integers that were written as they are, and some
/// more. Beyond it sums and squares could come to infinity on the way.
const LARGEST: f32 = 4_294_967_296.0;

/// What becomes of the channels; indices count from 0 and lie below their number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Take {
    /// Their mean.
    Mix,
    /// One of them.
    One(usize),
    /// Half the difference of two.
    Difference(usize, usize),
}

/// Makes one channel of interleaved blocks, keeps each channel's power and notices which channels are the same.
#[derive(Debug)]
pub(crate) struct Mixer {
    channels: usize,
    take: Take,
    power: Vec<f64>,
    /// For each channel the channels before it that have been the same so far.
    same: Vec<Vec<usize>>,
    mix_power: f64,
    non_finite: u64,
    /// Samples of one channel of the block.
    one: Vec<f32>,
}

/// Replaces `one` by a channel of an interleaved block, whole frames only.
fn apart(block: &[f32], channels: usize, channel: usize, one: &mut Vec<f32>) {
    one.clear();
    if channels == 2 {
        one.extend(block.as_chunks::<2>().0.iter().map(|[left, right]| if channel == 0 { *left } else { *right }));
    } else {
        one.extend(block.chunks_exact(channels).map(|frame| frame.get(channel).copied().unwrap_or(0.0)));
    }
}

/// Eight sums side by side, one of every eighth sample, and the sum of these.
fn sum_of_squares(samples: &[f32]) -> f64 {
    let (eights, rest) = samples.as_chunks::<8>();
    let mut sums = [0.0; 8];
    for eight in eights {
        sums.iter_mut().zip(eight).for_each(|(sum, x)| *sum += f64::from(x * x));
    }
    sums.iter_mut().zip(rest).for_each(|(sum, x)| *sum += f64::from(x * x));
    sums.iter().sum()
}

impl Mixer {
    /// A mixer of so many channels.
    pub fn new(channels: usize, take: Take) -> Self {
        let channels = channels.max(1);
        let same = (0..channels).map(|channel| (0..channel).collect()).collect();
        Mixer { channels, take, power: vec![0.0; channels], same, mix_power: 0.0, non_finite: 0, one: Vec::new() }
    }

    /// Replaces `mono` by the block's one channel. Samples that are not finite or beyond any sound are zeroed first;
    /// what the block holds afterwards is of no use.
    pub fn mix(&mut self, block: &mut Vec<f32>, mono: &mut Vec<f32>) {
        // A fold without a way out is checked many samples at a time.
        let is_sound = |x: &f32| x.abs() <= LARGEST;
        if block.iter().fold(false, |found, x| found | !is_sound(x)) {
            for x in block.iter_mut().filter(|x| !is_sound(x)) {
                *x = 0.0;
                self.non_finite += 1;
            }
        }
        mono.clear();
        if self.channels == 1 {
            std::mem::swap(block, mono);
            return;
        }
        self.compare(block);
        // Channel by channel, so that many frames are added at a time; every frame's sum is in the order of its
        // channels.
        let frames = block.len() / self.channels;
        mono.resize(frames, 0.0);
        for (channel, power) in self.power.iter_mut().enumerate() {
            apart(block, self.channels, channel, &mut self.one);
            *power += sum_of_squares(&self.one);
            let add = |mono: &mut Vec<f32>| mono.iter_mut().zip(&self.one).for_each(|(sum, x)| *sum += x);
            match self.take {
                Take::One(only) if only == channel => mono.copy_from_slice(&self.one),
                Take::Difference(_, b) if b == channel => {
                    mono.iter_mut().zip(&self.one).for_each(|(sum, x)| *sum -= x);
                }
                Take::Difference(a, _) if a == channel => add(mono),
                Take::One(_) | Take::Difference(..) => {}
                Take::Mix => add(mono),
            }
        }
        let scale = match self.take {
            Take::Mix => 1.0 / self.channels as f32,
            Take::Difference(..) => 0.5,
            Take::One(_) => 1.0,
        };
        if scale != 1.0 {
            mono.iter_mut().for_each(|x| *x *= scale);
        }
        self.mix_power += sum_of_squares(mono);
    }

    /// Notes which channels are no longer the same.
    fn compare(&mut self, block: &[f32]) {
        let at = |frame: &[f32], channel: usize| frame.get(channel).copied();
        for (channel, same) in self.same.iter_mut().enumerate() {
            same.retain(|before| block.chunks_exact(self.channels).all(|f| at(f, channel) == at(f, *before)));
        }
    }

    /// Numbers, from 1, of the channels that hold sound and differ from every channel before them; none where all
    /// channels are the same.
    pub fn distinct(&self) -> Vec<u16> {
        if self.same.iter().skip(1).all(|same| same.contains(&0)) {
            return Vec::new();
        }
        let channels = self.power.iter().zip(&self.same).zip(1..);
        let distinct = channels.filter(|((power, same), _)| **power > 0.0 && same.is_empty());
        distinct.map(|(_, number)| number).collect()
    }

    /// Index of the channel with the greatest power.
    pub fn loudest(&self) -> usize {
        let mut best = 0;
        for (i, power) in self.power.iter().enumerate() {
            if *power > self.power.get(best).copied().unwrap_or(0.0) {
                best = i;
            }
        }
        best
    }

    /// Number of samples, of any channel, that were not finite or beyond any sound.
    pub fn non_finite(&self) -> u64 {
        self.non_finite
    }

    /// What the user should know of the channels.
    pub fn warnings(&self) -> Vec<Warning> {
        let mut warnings = Vec::new();
        if self.non_finite > 0 {
            warnings.push(Warning::NonFinite { count: self.non_finite });
        }
        let loudest = self.power.get(self.loudest()).copied().unwrap_or(0.0);
        let decibels = |ratio: f64| 10.0 * ratio.max(1e-12).log10();
        match self.take {
            _ if self.channels == 1 || loudest <= 0.0 => {}
            Take::Difference(..) => {}
            Take::One(channel) => {
                let power = self.power.get(channel).copied().unwrap_or(0.0);
                if decibels(power / loudest) < -SILENT_DB {
                    warnings.push(Warning::ChannelSilent { channel: channel as u16 + 1 });
                }
            }
            Take::Mix => {
                let count = self.channels as f64;
                let mean = self.power.iter().sum::<f64>() / count;
                if decibels(self.mix_power * count / mean) < -CANCEL_DB {
                    warnings.push(Warning::ChannelsCancel { loss_db: decibels(self.mix_power / mean) as f32 });
                }
            }
        }
        warnings
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mixed(frames: &[[f32; 2]], take: Take) -> (Vec<f32>, Vec<Warning>) {
        let mut block: Vec<f32> = frames.iter().flatten().copied().collect();
        let (mut mixer, mut mono) = (Mixer::new(2, take), Vec::new());
        mixer.mix(&mut block, &mut mono);
        (mono, mixer.warnings())
    }

    #[test]
    fn words_name_channels() {
        assert_eq!("left".parse::<Channel>().unwrap(), Channel::Number(1));
        assert_eq!("3".parse::<Channel>().unwrap(), Channel::Number(3));
        assert_eq!("1-2".parse::<Channel>().unwrap(), Channel::Difference(1, 2));
        assert_eq!(Channel::Difference(3, 1).to_string(), "3-1");
        for word in ["0", "-1", "up", "", "1-1", "0-1", "1-2-3"] {
            let message = word.parse::<Channel>().unwrap_err().to_string();
            assert!(message.contains("mix, left, right, loudest"), "{message}");
        }
    }

    #[test]
    fn the_mix_is_the_mean_and_opposite_channels_are_told() {
        assert_eq!(mixed(&[[0.5, 0.1], [0.25, -0.75]], Take::Mix).0, [0.3, -0.25]);
        let opposite: Vec<[f32; 2]> = (0..100).map(|i| [(i as f32).sin(), -(i as f32).sin() * 0.9]).collect();
        assert!(matches!(mixed(&opposite, Take::Mix).1[..], [Warning::ChannelsCancel { loss_db }] if loss_db < -20.0));
        let unrelated: Vec<[f32; 2]> = (0..100).map(|i| [(i as f32).sin(), (i as f32 * 1.7).cos()]).collect();
        assert_eq!(mixed(&unrelated, Take::Mix).1, []);
    }

    #[test]
    fn a_silent_channel_is_told_where_another_is_not() {
        assert_eq!(mixed(&[[0.0, 0.5]], Take::One(0)).1, [Warning::ChannelSilent { channel: 1 }]);
        assert_eq!(mixed(&[[0.0, 0.0]], Take::One(0)).1, []);
        assert_eq!(mixed(&[[0.0, 0.5]], Take::One(1)), (vec![0.5], vec![]));
    }

    #[test]
    fn samples_that_are_no_numbers_become_zero_and_are_counted() {
        let (mono, warnings) = mixed(&[[f32::NAN, 0.5], [f32::INFINITY, f32::NEG_INFINITY]], Take::Mix);
        assert_eq!(mono, [0.25, 0.0]);
        assert_eq!(warnings, [Warning::NonFinite { count: 3 }]);
        let (mono, warnings) = mixed(&[[f32::MAX, 0.5], [-1e10, LARGEST]], Take::Mix);
        assert_eq!(mono, [0.25, LARGEST / 2.0]);
        assert_eq!(warnings, [Warning::NonFinite { count: 2 }]);
    }

    #[test]
    fn what_a_mix_cancels_is_the_difference() {
        assert_eq!(mixed(&[[0.75, -0.25], [0.5, 0.5]], Take::Difference(0, 1)).0, [0.5, 0.0]);
        assert_eq!(mixed(&[[0.75, -0.25]], Take::Difference(1, 0)).0, [-0.5]);
    }

    #[test]
    fn channels_are_distinct_where_they_hold_sound_of_their_own() {
        let distinct = |frames: &[[f32; 3]]| {
            let mut mixer = Mixer::new(3, Take::Mix);
            for frame in frames {
                mixer.mix(&mut frame.to_vec(), &mut Vec::new());
            }
            mixer.distinct()
        };
        assert!(distinct(&[[0.5, 0.5, 0.5], [0.1, 0.1, 0.1]]).is_empty());
        assert_eq!(distinct(&[[0.5, 0.5, 0.5], [0.1, 0.2, 0.1]]), [1, 2]);
        assert_eq!(distinct(&[[0.0, 0.0, 0.5]]), [3]);
        assert_eq!(distinct(&[[0.0, 0.5, -0.5]]), [2, 3]);
        assert!(distinct(&[[0.0, 0.0, 0.0]]).is_empty());
        assert!(Mixer::new(1, Take::Mix).distinct().is_empty());
    }
}
