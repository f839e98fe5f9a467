//! What a gate reports of each clip. Plain data.

use crate::audio::{Channel, Unheard};
use crate::encoder::{Band, PerEncoder};
use crate::library::outcome::Reason;
use crate::library::passed_over::PassedOver;
use crate::library::threshold::{Limit, Threshold, as_limits};
use schemars::JsonSchema;
use serde::Serialize;
use std::fmt;

/// The result of a gate.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct GateOutcome {
    /// The limits.
    #[serde(serialize_with = "as_limits")]
    #[schemars(with = "Vec<Limit>")]
    pub limits: Vec<Threshold>,
    /// True where every clip passed and nothing that may hold sound was passed over; false where there is no clip.
    pub passed: bool,
    /// Clips of which a part is at a limit or above.
    pub above: Vec<String>,
    /// Clips that were not wholly heard, compared and judged: they never pass.
    pub refused: Vec<String>,
    /// The first entries of the clips' folders that were passed over and may hold sound: with one of them nothing passes.
    pub unheard: Vec<String>,
    /// Every clip, in the order given.
    pub clips: Vec<GateClip>,
}

/// What became of a clip at a gate.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct GateClip {
    /// Its path.
    pub path: String,
    /// SHA-256 of the file; null where it could not be read.
    pub sha256: Option<String>,
    /// `passed`, `hit` or `refused`.
    pub status: GateStatus,
    /// Why it was not wholly judged; empty where it was.
    pub reasons: Vec<Reason>,
    /// What of it was heard; null where it could not be decoded.
    pub heard: Option<Heard>,
    /// The voices whose limit it reaches, the closest first.
    pub hits: Vec<GateHit>,
    /// The voice that it comes closest to; null where none could be compared.
    pub nearest: Option<GateHit>,
}

/// Whether a clip passes a gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum GateStatus {
    /// All of it was heard and judged, and all of it stays under every limit.
    Passed,
    /// A part of it reaches a limit, or it is one of the protected voice's own recordings.
    Hit,
    /// It was not wholly heard or judged.
    Refused,
}

/// How much of a clip was heard.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Heard {
    /// Audio tracks in the file.
    pub tracks: usize,
    /// Channels of the track that has the most.
    pub channels: u16,
    /// Tracks, channels and differences of channels that were heard.
    pub views: usize,
    /// Windows that were heard in those of them that are long.
    pub windows: usize,
    /// Length of the longest track, seconds.
    pub seconds: f64,
    /// What may hold sound and was not heard.
    pub unheard: Vec<Unheard>,
}

/// A part of a clip that was compared as if it were a clip of its own.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Part {
    /// Number of the audio track, from 1.
    pub track: usize,
    /// The channel, the mix of all, or the difference of two.
    pub channel: Channel,
    /// Where the window begins, seconds; null where the whole length was compared.
    pub start_s: Option<f64>,
    /// Where it ends.
    pub end_s: Option<f64>,
}

/// A protected voice and the part of a clip that is closest to it.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct GateHit {
    /// The voice.
    pub voice: String,
    /// The part that the figures are of.
    pub part: Part,
    /// Parts of the clip that were compared with the voice.
    pub parts: usize,
    /// Were the voice nowhere in the clip, at most so many of these parts would be expected at the limit by chance;
    /// null where the limit is on a cosine.
    pub expected_false_alarms_at_most: Option<f64>,
    /// Whether that is an upper bound: the calibration kept to it on the groups left out of its fits. False where it did
    /// not, or was not tested on groups: the number is then no more than about right. Null where the number is.
    pub expected_false_alarms_bound_holds: Option<bool>,
    /// Whether the part is at a limit or above, or one of the voice's own recordings.
    pub reached: bool,
    /// Speech in the part, seconds.
    pub net_speech_s: f64,
    /// Its signal-to-noise ratio, dB; null where it cannot be measured.
    pub snr_db: Option<f32>,
    /// How much of the spectrum was compared.
    pub band: Band,
    /// Cosine of each encoder to the voice as a whole.
    pub cosines: PerEncoder<f64>,
    /// Base-10 logarithm of the likelihood ratio, within the bounds; null where there is none.
    pub log10_lr: Option<f64>,
    /// Lower end of its 95 % interval.
    pub log10_lr_low: Option<f64>,
    /// Upper end.
    pub log10_lr_high: Option<f64>,
    /// The same before the bounds.
    pub unbounded_log10_lr: Option<f64>,
    /// The share of the population that it is closer than, percent; null without one.
    pub likeness: Option<f64>,
}

impl GateOutcome {
    /// The same where this was passed over beside the clips: what may hold sound and was not heard does not pass.
    pub(crate) fn beside(self, passed_over: &PassedOver) -> Self {
        let unheard = passed_over.unheard().map(String::from).collect();
        GateOutcome { passed: self.passed && !passed_over.may_hold_sound(), unheard, ..self }
    }
}

impl GateStatus {
    /// The word in print.
    pub fn name(self) -> &'static str {
        match self {
            GateStatus::Passed => "passed",
            GateStatus::Hit => "hit",
            GateStatus::Refused => "refused",
        }
    }
}

impl Part {
    /// Whether a window is covered by other windows of the same view, which overlap: then all of it was judged.
    pub(super) fn is_covered_by(&self, others: &[Part]) -> bool {
        let Some((mut from, to)) = self.start_s.zip(self.end_s) else { return false };
        let same = others.iter().filter(|other| (other.track, other.channel) == (self.track, self.channel));
        let mut windows: Vec<(f64, f64)> = same.filter_map(|other| other.start_s.zip(other.end_s)).collect();
        windows.sort_by(|a, b| a.0.total_cmp(&b.0));
        for (start, end) in windows {
            if start <= from {
                from = from.max(end);
            }
        }
        from >= to
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let channel = match self.channel {
            Channel::Mix => "all channels".into(),
            Channel::Number(number) => format!("channel {number}"),
            Channel::Loudest => "the loudest channel".into(),
            Channel::Difference(a, b) => format!("the difference of channels {a} and {b}"),
        };
        match self.track {
            1 => f.write_str(&channel)?,
            track => write!(f, "track {track}, {channel}")?,
        }
        match self.start_s.zip(self.end_s) {
            Some((start, end)) => write!(f, ", {start:.1} to {end:.1} s"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_is_covered_where_others_overlap_all_of_it() {
        let window = |channel, start: f64| Part { track: 1, channel, start_s: Some(start), end_s: Some(start + 3.0) };
        let mix = |start| window(Channel::Mix, start);
        assert!(mix(5.0).is_covered_by(&[mix(6.0), mix(4.0)]));
        assert!(mix(5.0).is_covered_by(&[mix(3.0), mix(6.0)]));
        assert!(!mix(5.0).is_covered_by(&[mix(2.0), mix(6.0)]), "a second is missing");
        assert!(!mix(5.0).is_covered_by(&[window(Channel::Number(1), 4.0), mix(6.0)]), "of another channel");
        let whole = Part { track: 1, channel: Channel::Mix, start_s: None, end_s: None };
        assert!(!whole.is_covered_by(&[mix(0.0)]));
    }
}
