//! The voice in clips by its descriptors, and two voices side by side in a population.
//!
//! [`describe_clips`] reads clips and describes the voice in each; the sound is not kept. [`compare`] puts the
//! descriptors of a reference and a candidate beside what the population's voices have: a rank for each, and their
//! difference in the population's standard deviations. None of it is a score, and none of it enters one.

use crate::audio::{Channel, ReadOptions, Recording, SAMPLE_RATE_HZ};
use crate::error::Result;
use crate::feature::{FrameActivity, SpeechDetector, SpeechSettings};
use crate::library::batch::{self, BatchOptions};
use crate::voice::{
    ChannelSensitivity, Descriptor, Descriptors, MOST_SECONDS, SpeechStretches, VoiceAnalysis, VoicePlan, pooled,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

/// A descriptor of two voices, in a population.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DescriptorComparison {
    /// The descriptor.
    pub descriptor: Descriptor,
    /// What it is called in a table.
    pub label: String,
    /// Unit of both values and of the difference.
    pub unit: String,
    /// The reference's value; null where it could not be measured.
    pub reference: Option<f64>,
    /// The candidate's value; null where it could not be measured.
    pub candidate: Option<f64>,
    /// Candidate less reference; null where one is.
    pub difference: Option<f64>,
    /// Share of the population's voices with a smaller value than the reference, percent; those with the same count
    /// half. Null without voices.
    pub reference_percentile: Option<f64>,
    /// The same of the candidate.
    pub candidate_percentile: Option<f64>,
    /// The difference in standard deviations of the population; null with fewer than two voices.
    pub difference_sd: Option<f64>,
    /// Voices of the population with a value.
    pub n: usize,
    /// How far the recording channel alone can move it.
    pub channel_sensitivity: ChannelSensitivity,
    /// Why, in a sentence.
    pub channel_reason: String,
}

/// Every descriptor of two voices beside what the voices of a population have, in the order of [`Descriptor::ALL`].
pub fn compare(
    reference: &Descriptors,
    candidate: &Descriptors,
    population: &[BTreeMap<Descriptor, f64>],
) -> Vec<DescriptorComparison> {
    let compare_one = |descriptor: Descriptor| {
        let values: Vec<f64> = population.iter().filter_map(|voice| voice.get(&descriptor).copied()).collect();
        let (reference, candidate) = (reference.get(descriptor), candidate.get(descriptor));
        let difference = reference.zip(candidate).map(|(reference, candidate)| candidate - reference);
        DescriptorComparison {
            descriptor,
            label: descriptor.label().into(),
            unit: descriptor.unit().into(),
            reference,
            candidate,
            difference,
            reference_percentile: reference.and_then(|value| percentile(&values, value)),
            candidate_percentile: candidate.and_then(|value| percentile(&values, value)),
            difference_sd: difference.zip(deviation(&values)).map(|(difference, sd)| difference / sd),
            n: values.len(),
            channel_sensitivity: descriptor.channel_sensitivity(),
            channel_reason: descriptor.channel_reason().into(),
        }
    };
    Descriptor::ALL.map(compare_one).to_vec()
}

fn percentile(values: &[f64], value: f64) -> Option<f64> {
    let (below, same) = values.iter().fold((0.0, 0.0), |(below, same), other| match other.total_cmp(&value) {
        std::cmp::Ordering::Less => (below + 1.0, same),
        std::cmp::Ordering::Equal => (below, same + 1.0),
        std::cmp::Ordering::Greater => (below, same),
    });
    (!values.is_empty()).then(|| 100.0 * (below + 0.5 * same) / values.len() as f64)
}

/// Standard deviation of a sample (of n - 1); none where it is 0.
fn deviation(values: &[f64]) -> Option<f64> {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let square = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>();
    (square > 0.0).then(|| (square / (n - 1.0)).sqrt())
}

/// Describes the voice in each clip: the outcome of each, in the order of `paths`, the same for any number of threads.
/// The sound is read, described and forgotten.
///
/// # Errors
/// Where so many threads cannot be had. What is wrong with a clip is in its own outcome.
pub fn describe_clips(
    paths: &[PathBuf],
    channel: Channel,
    speech: &SpeechSettings,
    options: &BatchOptions<'_>,
) -> Result<Vec<Result<VoiceAnalysis>>> {
    let (plan, done) = (VoicePlan::new(), AtomicUsize::new(0));
    let outcomes = batch::map(paths.len(), options.threads, |index| {
        let outcome = paths.get(index).map(|path| describe_clip(&plan, path, channel, speech));
        (options.progress)(done.fetch_add(1, Ordering::Relaxed) + 1, paths.len());
        outcome
    })?;
    Ok(outcomes.into_iter().flatten().collect())
}

/// The descriptors of voices from their clips, one voice after another on each thread. Clips that cannot be read are
/// passed over.
pub(super) fn describe_voices(
    voices: &[Vec<PathBuf>],
    channel: Channel,
    speech: &SpeechSettings,
    options: &BatchOptions<'_>,
) -> Result<Vec<Descriptors>> {
    let (plan, done) = (VoicePlan::new(), AtomicUsize::new(0));
    batch::map(voices.len(), options.threads, |index| {
        let clips = voices.get(index).into_iter().flatten();
        let analyses: Vec<VoiceAnalysis> =
            clips.filter_map(|path| describe_clip(&plan, path, channel, speech).ok()).collect();
        (options.progress)(done.fetch_add(1, Ordering::Relaxed) + 1, voices.len());
        pooled(&analyses)
    })
}

/// Decodes a clip, or its beginning where it is long, finds its speech and describes the voice.
fn describe_clip(plan: &VoicePlan, path: &Path, channel: Channel, speech: &SpeechSettings) -> Result<VoiceAnalysis> {
    let beginning = Beginning::read(path, channel, speech)?;
    beginning.recording.finish()?;
    Ok(plan.describe(&beginning.samples, beginning.stretches.as_slice()))
}

/// As much of a recording as a voice is described by, and a little more where it goes on, so that the figures know.
pub(super) struct Beginning {
    pub recording: Recording,
    pub samples: Vec<f32>,
    /// Whether each frame is speech.
    pub frames: Vec<bool>,
    pub stretches: SpeechStretches,
}

impl Beginning {
    /// Decodes it and finds its speech.
    pub fn read(path: &Path, channel: Channel, speech: &SpeechSettings) -> Result<Self> {
        let mut recording =
            Recording::open(path, &ReadOptions { channel, hash: false, measure: false, ..ReadOptions::default() })?;
        let mut detector = SpeechDetector::new(speech);
        let (mut samples, mut block) = (Vec::new(), Vec::new());
        let (mut frames, mut stretches) = (Vec::new(), SpeechStretches::default());
        let mut take = |frame: FrameActivity| {
            frames.push(frame.speech);
            stretches.push(frame.speech);
        };
        while samples.len() <= MOST_SECONDS * SAMPLE_RATE_HZ as usize && recording.next(&mut block)? {
            detector.push(&block, &mut take);
            samples.extend_from_slice(&block);
        }
        detector.finish(&mut take);
        Ok(Beginning { recording, samples, frames, stretches })
    }
}

/// The row of a voice in a cohort's matrix: a value for each descriptor, not a number where there is none.
pub(super) fn row(descriptors: &Descriptors) -> impl Iterator<Item = f32> {
    Descriptor::ALL.into_iter().map(|descriptor| descriptors.get(descriptor).map_or(f32::NAN, |value| value as f32))
}

/// The values of a row by their columns; those that are not there are left out.
pub(super) fn of_row(columns: &[Descriptor], row: &[f32]) -> BTreeMap<Descriptor, f64> {
    let there = columns.iter().zip(row).filter(|(_, value)| !value.is_nan());
    there.map(|(column, value)| (*column, f64::from(*value))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    #[test]
    fn a_difference_by_hand() {
        let population = [100.0, 120.0, 140.0, 160.0].map(|f0| [(Descriptor::F0Median, f0)].into());
        let of = |hz| Descriptors { f0_median_hz: Some(hz), ..Descriptors::default() };
        let rows = compare(&of(120.0), &of(150.0), &population);
        assert_eq!(rows.len(), Descriptor::ALL.len());
        let row = &rows[0];
        assert_eq!((row.descriptor, row.difference, row.n), (Descriptor::F0Median, Some(30.0), 4));
        assert_eq!((row.reference_percentile, row.candidate_percentile), (Some(37.5), Some(75.0)));
        // Their standard deviation is the root of 2000 / 3.
        assert!((row.difference_sd.unwrap() - 30.0 / (2000.0f64 / 3.0).sqrt()).abs() < 1e-12);
        assert_eq!((rows[5].reference, rows[5].difference_sd, rows[5].n), (None, None, 0));
        let alone = compare(&of(120.0), &of(150.0), &[]);
        assert_eq!((alone[0].reference_percentile, alone[0].difference_sd), (None, None));
    }

    #[test]
    fn a_voice_is_described_by_the_speech_that_the_settings_find() {
        let clip = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/voices/nsh/real/01.wav");
        let of = |threshold| {
            let speech = SpeechSettings { threshold, ..Default::default() };
            let found = describe_clips(std::slice::from_ref(&clip), Channel::Mix, &speech, &BatchOptions::default());
            found.unwrap().remove(0).unwrap().descriptors
        };
        assert_ne!(of(0.5), of(0.95));
        let voices = [vec![clip.clone()]];
        let speech = SpeechSettings { threshold: 0.95, ..Default::default() };
        let voice = describe_voices(&voices, Channel::Mix, &speech, &BatchOptions::default()).unwrap().remove(0);
        assert_ne!(voice, of(0.5));
    }

    #[test]
    fn a_row_keeps_what_is_there() {
        let given = Descriptors { f0_median_hz: Some(120.5), cpp_db: Some(9.25), ..Descriptors::default() };
        let row: Vec<f32> = row(&given).collect();
        let read = of_row(&Descriptor::ALL, &row);
        assert_eq!(read, [(Descriptor::F0Median, 120.5), (Descriptor::CepstralPeak, 9.25)].into());
    }
}
