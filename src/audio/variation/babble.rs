//! Several people who speak at once, from other clips.

use super::{LEVEL_DBFS, Loop, within};
use crate::audio::{Channel, ClipSource, ReadOptions, Recording, SAMPLE_RATE_HZ};
use crate::error::{ErrorKind, Result};
use std::path::{Path, PathBuf};

/// Other people's clips, each brought to the same root mean square and repeated without end.
#[derive(Clone, Debug, PartialEq)]
pub struct Babble {
    /// Root mean square of the sum, dB of full scale, for clips that have nothing in common.
    pub level_dbfs: f64,
    /// The voices, 1 to 16; fewer than four are heard one by one.
    pub voices: Vec<BabbleVoice>,
}

/// One voice of a babble.
#[derive(Clone, Debug, PartialEq)]
pub struct BabbleVoice {
    /// A clip of it, of which the first 20 s are used.
    pub path: PathBuf,
    /// Where in these it begins, seconds.
    pub start_s: f64,
}

const LONGEST_S: usize = 20;
const MOST_VOICES: f64 = 16.0;

pub(super) fn looped(babble: &Babble) -> Result<Vec<Loop>> {
    let count = within("voices of a babble", babble.voices.len() as f64, 1.0..=MOST_VOICES)?;
    let level = within("babble level, dB of full scale", babble.level_dbfs, LEVEL_DBFS)? - 10.0 * count.log10();
    let voice = |voice: &BabbleVoice| {
        let start = (voice.start_s.max(0.0) * f64::from(SAMPLE_RATE_HZ)) as usize;
        Ok(Loop::at_level(beginning(&voice.path)?, level, start))
    };
    babble.voices.iter().map(voice).collect()
}

/// The first seconds of a clip.
fn beginning(path: &Path) -> Result<Vec<f32>> {
    let options = ReadOptions { channel: Channel::Mix, hash: false, measure: false, ..ReadOptions::default() };
    let mut recording = Recording::of(&ClipSource::File(path.into()), &options)?;
    let (mut samples, mut block) = (Vec::new(), Vec::new());
    let most = LONGEST_S * SAMPLE_RATE_HZ as usize;
    while samples.len() < most && recording.next(&mut block)? {
        samples.extend_from_slice(&block);
    }
    samples.truncate(most);
    match samples.iter().any(|x| *x != 0.0) {
        true => Ok(samples),
        false => {
            Err(ErrorKind::NoAudio { path: path.into(), found: "silence, where a voice was expected".into() }.into())
        }
    }
}
