//! Altered copies of labelled clips, so that a calibration covers short, noisy, soft and clipped recordings.
//!
//! Each clip is used as it is, and in three copies: two cuts of 1 to 5 s, and the whole clip spoilt. To spoil is to add
//! noise, to turn down, to clip, or two of these. Everything is drawn from a fixed seed and the clip's content.

use crate::audio::{Noise, Variation};
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

/// A copy of a clip.
pub(crate) struct Copy {
    pub variation: Variation,
    /// It is more than a cut.
    pub spoilt: bool,
}

/// The copies of a clip.
pub(crate) fn copies(clip: &EncodedClip) -> impl Iterator<Item = Copy> {
    let name = clip.sha256.as_deref().unwrap_or_default();
    let mut random = SplitMix::of(&["copies", name]);
    let cuts = [cut(clip, &mut random), cut(clip, &mut random)];
    let cuts = cuts.into_iter().flatten().map(|window| {
        let variation = Variation { cut: Some(window), ..Default::default() };
        Copy { variation, spoilt: false }
    });
    cuts.chain([Copy { variation: spoil(clip, &mut random), spoilt: true }])
}

fn between([low, high]: [f64; 2], random: &mut SplitMix) -> f64 {
    low + (high - low) * random.share()
}

/// A window of the clip; none where the clip is no longer than the length drawn.
fn cut(clip: &EncodedClip, random: &mut SplitMix) -> Option<(f64, f64)> {
    let length = between(CUT_S, random);
    let start = (clip.duration_s - length) * random.share();
    (clip.duration_s > length).then_some((start, length))
}

fn spoil(clip: &EncodedClip, random: &mut SplitMix) -> Variation {
    let which = random.below(10);
    let level = clip.quality.level_dbfs.map_or(-25.0, f64::from);
    let gain_db = between(GAIN_DB, random);
    let noise = Noise { level_dbfs: level - between(SNR_DB, random), pink: random.below(2) == 1, seed: random.next() };
    let limit = 10f64.powf((clip.peak_dbfs.map_or(0.0, f64::from) + between(CLIP_DB, random)) / 20.0) as f32;
    let plain = Variation::default();
    match which {
        0..6 => Variation { noise: Some(noise), ..plain },
        6..8 => Variation { gain_db, ..plain },
        8 => Variation { clip_at: Some(limit), ..plain },
        _ => Variation { clip_at: Some(limit), noise: Some(noise), ..plain },
    }
}
