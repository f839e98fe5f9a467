//! Altered copies of labelled clips, so that a calibration covers recordings that are short, soft or clipped, in noise, in
//! rooms, with music or other people behind the voice, and coded.
//!
//! Each clip is used as it is, and in five copies: two cuts of 1 to 5 s, and the whole clip spoilt in three ways: by noise,
//! level and clipping; by music or babble; by a room or a codec. Everything is drawn from a fixed seed and the clip's
//! content, and the voices of a babble from the clips beside it.

use crate::audio::{Babble, BabbleVoice, Background, Codec, Music, Noise, Room, Variation};
use crate::library::labels::Listed;
use crate::library::validate::scoring::EncodedClip;
use crate::random::SplitMix;

/// Length of a cut, seconds.
const CUT_S: [f64; 2] = [1.0, 5.0];
/// Signal-to-noise ratio of added noise, dB.
const SNR_DB: [f64; 2] = [5.0, 30.0];
/// Change of level, dB.
const GAIN_DB: [f64; 2] = [-30.0, -5.0];
/// Amplitude that is cut off, dB under the clip's peak.
const CLIP_DB: [f64; 2] = [-10.0, -2.0];
/// Level of speech to that of music or babble behind it, dB.
const BEHIND_DB: [f64; 2] = [0.0, 25.0];
/// Voices of a babble, and in how many draws they must be found.
const VOICES: [usize; 2] = [4, 6];
const DRAWS: usize = 100;
/// Decay time of a room, seconds.
const RT60_S: [f64; 2] = [0.2, 0.9];
/// Direct to reverberant sound, dB.
const DIRECT_DB: [f64; 2] = [0.0, 12.0];
/// Bit rate of a codec, kbit/s.
const KBIT_S: [f64; 2] = [12.0, 32.0];
/// Level of clips whose level is not known, dB of full scale.
const LEVEL_DBFS: f64 = -25.0;

/// A copy of a clip.
pub(crate) struct Copy {
    pub variation: Variation,
    pub made: Made,
}

/// What was done to a clip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Made {
    /// A part was cut out.
    Cut,
    /// Noise was added.
    Noise,
    /// It was made softer.
    Level,
    /// It was clipped.
    Clipping,
    /// Noise was added, and it was clipped.
    ClippedNoise,
    /// Music was added.
    Music,
    /// Other people's voices were added.
    Babble,
    /// It was put into a room.
    Room,
    /// It went over a telephone line.
    Telephone,
    /// It was coded at a low bit rate.
    Codec,
}

/// The copies of the clip at a place of some.
pub(crate) fn copies(place: usize, listed: &[Listed], clips: &[EncodedClip]) -> impl Iterator<Item = Copy> {
    let all = clips.get(place).into_iter().flat_map(move |clip| {
        let name = clip.sha256.as_deref().unwrap_or_default();
        let mut random = SplitMix::of(&["copies", name]);
        let cuts = [cut(clip, &mut random), cut(clip, &mut random)];
        let spoilt =
            [spoil(clip, &mut random), with_background(place, listed, clips, &mut random), through(&mut random)];
        cuts.into_iter().flatten().chain(spoilt)
    });
    all.map(|(made, variation)| Copy { variation, made })
}

fn between([low, high]: [f64; 2], random: &mut SplitMix) -> f64 {
    low + (high - low) * random.share()
}

/// A window of the clip; none where the clip is no longer than the length drawn.
fn cut(clip: &EncodedClip, random: &mut SplitMix) -> Option<(Made, Variation)> {
    let length = between(CUT_S, random);
    let start = (clip.duration_s - length) * random.share();
    let cut = Some((start, length));
    (clip.duration_s > length).then_some((Made::Cut, Variation { cut, ..Default::default() }))
}

fn spoil(clip: &EncodedClip, random: &mut SplitMix) -> (Made, Variation) {
    let which = random.below(10);
    let level = clip.quality.level_dbfs.map_or(LEVEL_DBFS, f64::from);
    let gain_db = between(GAIN_DB, random);
    let noise = Noise { level_dbfs: level - between(SNR_DB, random), pink: random.below(2) == 1, seed: random.next() };
    let background = Some(Background::Noise(noise));
    let limit = 10f64.powf((clip.peak_dbfs.map_or(0.0, f64::from) + between(CLIP_DB, random)) / 20.0) as f32;
    let (clip_at, plain) = (Some(limit), Variation::default());
    match which {
        0..6 => (Made::Noise, Variation { background, ..plain }),
        6..8 => (Made::Level, Variation { gain_db, ..plain }),
        8 => (Made::Clipping, Variation { clip_at, ..plain }),
        _ => (Made::ClippedNoise, Variation { background, clip_at, ..plain }),
    }
}

/// Music or babble behind the voice, half of the clips each; music where there are not enough other speakers.
fn with_background(place: usize, listed: &[Listed], clips: &[EncodedClip], random: &mut SplitMix) -> (Made, Variation) {
    let babble = random.below(2) == 1;
    let level_dbfs = clips.get(place).map_or(LEVEL_DBFS, speech_level_dbfs) - between(BEHIND_DB, random);
    let seed = random.next();
    let voices = if babble { other_voices(place, listed, clips, random) } else { None };
    let (made, background) = match voices {
        Some(voices) => (Made::Babble, Background::Babble(Babble { level_dbfs, voices })),
        None => (Made::Music, Background::Music(Music { level_dbfs, seed })),
    };
    (made, Variation { background: Some(background), ..Default::default() })
}

/// Level while somebody speaks, dB of full scale, as if the pauses were silent.
fn speech_level_dbfs(clip: &EncodedClip) -> f64 {
    let level = clip.quality.level_dbfs.map_or(LEVEL_DBFS, f64::from);
    let share = clip.quality.net_speech_s / clip.duration_s;
    if share > 0.0 && share < 1.0 { level - 10.0 * share.log10() } else { level }
}

/// Clips of as many other speakers as were drawn, no two of one; none where there are not so many.
fn other_voices(
    place: usize,
    listed: &[Listed],
    clips: &[EncodedClip],
    random: &mut SplitMix,
) -> Option<Vec<BabbleVoice>> {
    let mut speakers = vec![listed.get(place)?.speaker];
    let count = VOICES[0] + random.below(VOICES[1] - VOICES[0] + 1);
    let mut voices = Vec::new();
    for _ in 0..DRAWS {
        let drawn = random.below(listed.len());
        let (Some(other), Some(clip)) = (listed.get(drawn), clips.get(drawn)) else { continue };
        if voices.len() < count && !speakers.contains(&other.speaker) {
            speakers.push(other.speaker);
            voices.push(BabbleVoice { path: other.path.clone(), start_s: clip.duration_s * random.share() });
        }
    }
    (voices.len() == count).then_some(voices)
}

/// A room or a codec, half of the clips each; half of the codecs are telephones.
fn through(random: &mut SplitMix) -> (Made, Variation) {
    let (which, plain) = (random.below(4), Variation::default());
    let room = Room {
        rt60_s: between(RT60_S, random),
        direct_to_reverberant_db: between(DIRECT_DB, random),
        seed: random.next(),
    };
    let kbit_s = between(KBIT_S, random);
    match which {
        0..2 => (Made::Room, Variation { room: Some(room), ..plain }),
        2 => (Made::Telephone, Variation { codec: Some(Codec::Telephone), ..plain }),
        _ => (Made::Codec, Variation { codec: Some(Codec::Transform { kbit_s }), ..plain }),
    }
}
