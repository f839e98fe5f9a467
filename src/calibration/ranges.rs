//! Where a ratio may be given: the qualities that a fit has seen, and what lies outside them.

use crate::compare::ReferenceQuality;
use crate::feature::{ClipQuality, Quantity};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A range of values, both ends part of it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Range {
    /// Least value.
    pub low: f64,
    /// Greatest value.
    pub high: f64,
}

impl Range {
    /// The range of some values without the outermost share on either side; none of no value.
    pub fn of(mut values: Vec<f64>, outermost: f64) -> Option<Self> {
        values.sort_by(f64::total_cmp);
        let last = values.len().checked_sub(1)?;
        let at = |share: f64| values.get((share * last as f64).round() as usize).copied();
        Some(Range { low: at(outermost)?, high: at(1.0 - outermost)? })
    }
}

/// The qualities that a fit has seen. Only the bad end of each refuses: more speech or less noise than seen does not.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Ranges {
    /// Net speech of a clip, seconds.
    pub net_speech_s: Range,
    /// Signal-to-noise ratio, dB.
    pub snr_db: Range,
    /// Bandwidth, Hz.
    pub bandwidth_hz: Range,
    /// Clipped samples, percent.
    pub clipping_percent: Range,
    /// Level, dB of full scale.
    pub level_dbfs: Range,
    /// Number of exemplars of a reference.
    pub exemplars: Range,
}

/// A quality outside what a calibration was fitted on.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct OutOfRange {
    /// Whether the reference is meant; else the candidate.
    pub reference: bool,
    /// What was measured.
    pub quantity: Quantity,
    /// The value; null where none could be measured.
    pub found: Option<f64>,
    /// The least or the greatest value that the calibration covers.
    pub limit: f64,
}

impl fmt::Display for OutOfRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (what, bound) = match self.quantity {
            Quantity::NetSpeechS => ("net speech", "at least"),
            Quantity::SnrDb => ("a signal-to-noise ratio", "at least"),
            Quantity::BandwidthHz => ("a bandwidth", "at least"),
            Quantity::ClippingPercent => ("clipped samples", "at most"),
            Quantity::LevelDbfs => ("a level", "at least"),
        };
        let side = if self.reference { "the reference" } else { "the candidate" };
        let (unit, decimals) = (self.quantity.unit(), self.quantity.decimals());
        let found = self.found.map_or_else(|| "no".into(), |x| format!("{x:.decimals$}"));
        let limit = if decimals == 0 { format!("{:.0}", self.limit) } else { format!("{:.2}", self.limit) };
        write!(f, "{side} has {what} of {found} {unit}; what was validated is {bound} {limit} {unit}")
    }
}

impl Ranges {
    /// Every range with the name of its quantity.
    pub(super) fn named(&self) -> [(&'static str, Range); 6] {
        [
            ("net_speech_s", self.net_speech_s),
            ("snr_db", self.snr_db),
            ("bandwidth_hz", self.bandwidth_hz),
            ("clipping_percent", self.clipping_percent),
            ("level_dbfs", self.level_dbfs),
            ("exemplars", self.exemplars),
        ]
    }

    /// The first quality of either side that is worse than what the fit has seen; none where all are covered.
    pub fn refuses(&self, candidate: &ClipQuality, reference: &ReferenceQuality) -> Option<OutOfRange> {
        self.refuses_candidate(candidate).or_else(|| self.refuses_reference(reference))
    }

    /// The same of the candidate alone.
    pub fn refuses_candidate(&self, c: &ClipQuality) -> Option<OutOfRange> {
        self.refuses_side(false, c.net_speech_s, c.snr_db, c.bandwidth_hz, c.clipping_percent, c.level_dbfs)
    }

    /// The same of the reference alone.
    pub fn refuses_reference(&self, r: &ReferenceQuality) -> Option<OutOfRange> {
        self.refuses_side(true, r.net_speech_s, r.snr_db, r.bandwidth_hz, r.clipping_percent, r.level_dbfs)
    }

    fn refuses_side(
        &self,
        reference: bool,
        speech: f64,
        snr: Option<f32>,
        bandwidth: Option<f32>,
        clipping: f32,
        level: Option<f32>,
    ) -> Option<OutOfRange> {
        let wide = |x: Option<f32>| x.map(f64::from);
        let low = |quantity, found: Option<f64>, range: Range| {
            // No number is as bad as a number below.
            let bad = !found.is_some_and(|x| x >= range.low);
            bad.then_some(OutOfRange { reference, quantity, found, limit: range.low })
        };
        let clipping = f64::from(clipping);
        let clipped = (clipping.is_nan() || clipping > self.clipping_percent.high).then_some(OutOfRange {
            reference,
            quantity: Quantity::ClippingPercent,
            found: Some(clipping),
            limit: self.clipping_percent.high,
        });
        low(Quantity::NetSpeechS, Some(speech), self.net_speech_s)
            .or_else(|| low(Quantity::SnrDb, wide(snr), self.snr_db))
            .or_else(|| low(Quantity::BandwidthHz, wide(bandwidth), self.bandwidth_hz))
            .or(clipped)
            .or_else(|| low(Quantity::LevelDbfs, wide(level), self.level_dbfs))
    }
}
