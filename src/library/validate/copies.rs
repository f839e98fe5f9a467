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
    let (kbit_s, filled) = (between(KBIT_S, random), random.below(2) == 1);
    match which {
        0..2 => (Made::Room, Variation { room: Some(room), ..plain }),
        2 => (Made::Telephone, Variation { codec: Some(Codec::Telephone), ..plain }),
        _ => (Made::Codec, Variation { codec: Some(Codec::Transform { kbit_s, filled }), ..plain }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feature::ClipQuality;

    /// So many clips, two of each speaker, of 6 s with 3 s of speech at -30 dB.
    fn labelled(count: u32) -> (Vec<Listed>, Vec<EncodedClip>) {
        let listed = |i: u32| Listed {
            path: format!("{i}.wav").into(),
            number: i,
            speaker: i / 2,
            kind: None,
            cells: Vec::new(),
        };
        let clip = |i: u32| {
            EncodedClip::unscored(
                &i.to_string(),
                6.0,
                ClipQuality {
                    net_speech_s: 3.0,
                    snr_db: Some(40.0),
                    bandwidth_hz: Some(8000.0),
                    clipping_percent: 0.0,
                    level_dbfs: Some(-30.0),
                },
            )
        };
        ((0..count).map(listed).collect(), (0..count).map(clip).collect())
    }

    #[test]
    fn each_clip_is_cut_and_spoilt_in_three_ways() {
        let (listed, clips) = labelled(400);
        let mut numbers: Vec<(Made, usize)> = Vec::new();
        for place in 0..clips.len() {
            let made: Vec<Made> = copies(place, &listed, &clips).map(|copy| copy.made).collect();
            let [Made::Cut, Made::Cut, a, b, c] = made[..] else { panic!("{made:?}") };
            assert!(matches!(a, Made::Noise | Made::Level | Made::Clipping | Made::ClippedNoise), "{a:?}");
            assert!(matches!(b, Made::Music | Made::Babble), "{b:?}");
            assert!(matches!(c, Made::Room | Made::Telephone | Made::Codec), "{c:?}");
            for made in made {
                match numbers.iter_mut().find(|(other, _)| *other == made) {
                    Some((_, number)) => *number += 1,
                    None => numbers.push((made, 1)),
                }
            }
        }
        let number = |made: Made| numbers.iter().find(|(other, _)| *other == made).unwrap().1;
        for (made, expected) in
            [(Made::Music, 200), (Made::Babble, 200), (Made::Room, 200), (Made::Telephone, 100), (Made::Codec, 100)]
        {
            assert!(number(made).abs_diff(expected) < 35, "{made:?} {}", number(made));
        }
    }

    #[test]
    fn a_babble_is_of_other_speakers_and_below_the_speech() {
        let (listed, clips) = labelled(100);
        let mut found = 0;
        for place in 0..clips.len() {
            for copy in copies(place, &listed, &clips) {
                let Some(Background::Babble(babble)) = &copy.variation.background else { continue };
                let speaker = |voice: &BabbleVoice| listed.iter().find(|clip| clip.path == voice.path).unwrap().speaker;
                let mut speakers: Vec<u32> = babble.voices.iter().map(speaker).collect();
                assert!((4..=6).contains(&speakers.len()) && !speakers.contains(&listed[place].speaker));
                speakers.sort_unstable();
                speakers.dedup();
                assert_eq!(speakers.len(), babble.voices.len());
                // Speech for half of the time is 3 dB above the whole.
                assert!((-52.0..=-26.9).contains(&babble.level_dbfs), "{}", babble.level_dbfs);
                found += 1;
            }
        }
        assert!(found > 30, "{found}");
        // Two speakers make no babble.
        let (listed, clips) = labelled(4);
        assert!((0..4).all(|place| copies(place, &listed, &clips).all(|copy| copy.made != Made::Babble)));
    }

    #[test]
    fn copies_follow_from_the_content_alone() {
        let (listed, clips) = labelled(40);
        let all = |place| copies(place, &listed, &clips).map(|copy| copy.variation).collect::<Vec<_>>();
        assert_eq!(all(3), all(3));
        assert_ne!(all(3), all(4));
    }
}
