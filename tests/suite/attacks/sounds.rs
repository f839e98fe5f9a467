//! The two voices that the files are made from, and how they are laid out over channels and time.

use super::wave::wav;
use super::{Case, case};

/// Samples at 16 kHz.
pub struct Sounds {
    /// A clip that imitates the protected voice.
    pub voice: Vec<i16>,
    /// Another voice.
    pub stranger: Vec<i16>,
}

impl Sounds {
    /// The stranger, then the voice.
    pub fn one_after_the_other(&self) -> Vec<i16> {
        [&self.stranger[..], &self.voice].concat()
    }
}

/// Samples as bytes, the low one first.
pub fn le16(samples: &[i16]) -> Vec<u8> {
    samples.iter().flat_map(|sample| sample.to_le_bytes()).collect()
}

/// Samples as bytes, the high one first.
pub fn be16(samples: &[i16]) -> Vec<u8> {
    samples.iter().flat_map(|sample| sample.to_be_bytes()).collect()
}

/// `a` times the one plus `b` times the other.
pub fn mixed(one: &[i16], a: f64, other: &[i16], b: f64) -> Vec<i16> {
    one.iter().zip(other).map(|(x, y)| (a * f64::from(*x) + b * f64::from(*y)).round() as i16).collect()
}

/// The samples so many later, in the same length.
fn late(samples: &[i16], by: usize) -> Vec<i16> {
    [&vec![0; by][..], &samples[..samples.len() - by]].concat()
}

/// The voice where a mix of the channels does not hold it, or hardly.
pub fn channels(sounds: &Sounds) -> Vec<Case> {
    let (voice, stranger) = (&sounds.voice[..], &sounds.stranger[..]);
    let silence = vec![0; voice.len()];
    let [plus, minus] = [0.5, -0.5].map(|share| mixed(stranger, 0.5, voice, share));
    let nearly = mixed(stranger, 0.5, voice, -0.4995);
    let [front, back] = [1.0, -1.0].map(|sign| mixed(voice, 0.5, stranger, 0.5 * sign));
    let mut eight = [stranger; 8];
    eight[5] = voice;
    let mut five = [stranger; 6];
    five[3] = voice;
    let quiet = mixed(voice, 0.1, voice, 0.0);
    let (first, second) = ([stranger, &silence].concat(), [&silence[..], voice].concat());
    let delayed = mixed(stranger, 0.5, &late(voice, 160), -0.5);
    let stereo = |name, what, left: &[i16], right: &[i16]| case(name, what, wav(&[left, right], 16));
    vec![
        stereo("channel-left.wav", "the voice in the left channel only", voice, stranger),
        stereo("channel-right.wav", "the voice in the right channel only", stranger, voice),
        stereo("channel-right-quiet.wav", "the voice in the right channel at -20 dB", stranger, &quiet),
        stereo("channel-difference.wav", "the voice in the difference of two channels only", &plus, &minus),
        stereo("channel-difference-nearly.wav", "the voice in phase opposition at 0.999", &plus, &nearly),
        stereo("channel-sum.wav", "the voice in the sum of two channels only", &front, &back),
        case("channel-six-of-eight.wav", "the voice in channel 6 of 8", wav(&eight, 16)),
        case("channel-lfe.wav", "the voice in the low-frequency channel of 5.1", wav(&five, 16)),
        stereo("channel-delayed.wav", "the voice in opposition, 10 ms late", &plus, &delayed),
        stereo("channel-turns.wav", "the voice in the right channel after the left one ends", &first, &second),
    ]
}

/// The same voice in both or one of the channels, for which nothing is to be feared.
pub fn harmless_channels(sounds: &Sounds) -> Vec<Case> {
    let (stranger, silence) = (&sounds.stranger[..], vec![0; sounds.stranger.len()]);
    let half = mixed(stranger, 0.5, stranger, 0.0);
    let mut eight = [&silence[..]; 8];
    eight[5] = stranger;
    let stereo = |name, what, left: &[i16], right: &[i16]| case(name, what, wav(&[left, right], 16));
    vec![
        stereo("stereo.wav", "one voice in both channels", stranger, stranger),
        stereo("stereo-panned.wav", "one voice, at half in the right channel", stranger, &half),
        stereo("stereo-left.wav", "one voice in the left channel and silence in the right", stranger, &silence),
        case("channel-six-alone.wav", "one voice in channel 6 of 8 and silence in the others", wav(&eight, 16)),
    ]
}

/// The voice in a part of the time only.
pub fn times(sounds: &Sounds, voices: &[i16], strangers: &[i16]) -> Vec<Case> {
    const SECOND: usize = 16_000;
    let mono = |name, what, parts: &[&[i16]]| case(name, what, wav(&[&parts.concat()], 16));
    let (own, other) = (&voices[..8 * SECOND], &strangers[..23 * SECOND]);
    let half = other.len() / 2;
    let turn = |i: usize| [&other[i * 8 * SECOND..(i + 1) * 8 * SECOND], &own[i * 4 * SECOND..(i + 1) * 4 * SECOND]];
    let turns: Vec<&[i16]> = (0..2).flat_map(turn).collect();
    let silence = vec![0; 60 * SECOND];
    let middle = [&other[..half], &sounds.voice, &other[half..]];
    let quiet = mixed(&sounds.voice, 0.05, &sounds.voice, 0.0);
    let late = [&other[..8 * SECOND], &silence, &sounds.voice];
    vec![
        mono("time-second-half.wav", "8 s of the voice behind 23 s of a stranger", &[other, own]),
        mono("time-first-half.wav", "8 s of the voice before 23 s of a stranger", &[own, other]),
        mono("time-middle.wav", "4 s of the voice in the middle of 23 s of a stranger", &middle),
        mono("time-after-silence.wav", "4 s of the voice behind 8 s of a stranger and 60 s of silence", &late),
        mono("time-turns.wav", "a stranger for 8 s and the voice for 4 s in turn", &turns),
        mono("time-behind.wav", "4 s of the voice behind 4 s of a stranger", &[&sounds.stranger, &sounds.voice]),
        mono(
            "time-two-of-six.wav",
            "2 s of the voice behind 4 s of a stranger",
            &[&sounds.stranger, &sounds.voice[..2 * SECOND]],
        ),
        mono("time-quiet.wav", "4 s of the voice at -26 dB behind 8 s of a stranger", &[&other[..8 * SECOND], &quiet]),
        mono("time-halves.wav", "20 s of the voice behind 23 s of a stranger", &[other, &voices[..20 * SECOND]]),
    ]
}

/// One voice for as long.
pub fn harmless_times(sounds: &Sounds, strangers: &[i16]) -> Vec<Case> {
    let silent = [&sounds.stranger[..], &vec![0; 5 * 16_000], &sounds.stranger].concat();
    vec![
        case("time-one-voice.wav", "23 s of one voice", wav(&[strangers], 16)),
        case("time-pause.wav", "one voice with a pause of 5 s", wav(&[&silent], 16)),
    ]
}
