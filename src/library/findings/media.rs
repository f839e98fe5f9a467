//! What the recordings of a case look and sound like: outlines, spectrograms, and excerpts to listen to.
//!
//! It is shown beside the figures so that a reader can look and listen; no figure rests on it. Only the beginning of a
//! long recording is kept.

use super::spectrogram::Spectrogram;
use crate::audio::{Channel, SAMPLE_RATE_HZ};
use crate::encoder::Panel;
use crate::error::Result;
use crate::feature::{FRAME_SECONDS, SpeechSettings};
use crate::library::batch::{self, BatchOptions};
use crate::library::check::CheckReport;
use crate::library::descriptors::Beginning;
use crate::library::outcome::Status;
use crate::library::places::Places;
use crate::voice::{VoiceAnalysis, VoicePlan};
use std::collections::BTreeSet;
use std::path::Path;

/// Recordings of each side of which an excerpt is kept, from the first on, besides those that come closest to a
/// candidate.
const MOST_EXCERPTS: usize = 24;
/// More of a recording is not shown, seconds.
const MOST_S: usize = crate::voice::MOST_SECONDS;
/// Columns of an outline.
const COLUMNS: usize = 800;
/// Length of an excerpt, seconds.
pub const EXCERPT_S: f64 = 6.0;

/// The recordings of a case as they look and sound.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Media {
    /// The reference's recordings that were read and used, in the order of its clips.
    pub reference: Vec<ClipMedia>,
    /// The candidates that could be read, in their order.
    pub candidates: Vec<ClipMedia>,
}

/// A recording as it looks and sounds.
#[derive(Clone, Debug, PartialEq)]
pub struct ClipMedia {
    /// The recording, as the check tells it.
    pub path: String,
    /// Length of what is shown, seconds.
    pub duration_s: f64,
    /// Least and greatest sample in each of up to 800 equal parts, full scale ±1.
    pub outline: Vec<(f32, f32)>,
    /// Where there is speech, from and to, seconds.
    pub speech: Vec<(f64, f64)>,
    /// The voice in it.
    pub voice: VoiceAnalysis,
    /// The stretch with most speech, to look at and to listen to; none where there are many recordings and this is not
    /// one of those that matter most.
    pub excerpt: Option<Excerpt>,
}

/// A stretch of a recording.
#[derive(Clone, Debug, PartialEq)]
pub struct Excerpt {
    /// Its start, seconds.
    pub start_s: f64,
    /// Its end.
    pub end_s: f64,
    /// Its spectrogram; none of a scrap.
    pub spectrogram: Option<Spectrogram>,
    /// The stretch as a WAV file: 16 kHz, one channel, 16 bits.
    pub wav: Vec<u8>,
}

/// Looks at the recordings of a check. One that can no longer be read is left out.
pub(super) fn gather(
    panel: &Panel,
    report: &CheckReport,
    places: &Places,
    options: &BatchOptions<'_>,
) -> Result<Media> {
    let own = report.reference.clips.iter().filter(|clip| clip.status == Status::Usable).map(|clip| &clip.path);
    let candidates = report.candidates.iter().filter(|row| row.quality.is_some()).map(|row| &row.path);
    let mut paths: Vec<&String> = own.collect();
    let first_candidate = paths.len();
    paths.extend(candidates);
    let closest = closest(report);
    let (settings, plan) = (panel.settings(), VoicePlan::new());
    let mut shown = batch::map(paths.len(), options.threads, |i| {
        let path = *paths.get(i)?;
        let place = if i < first_candidate { i } else { i - first_candidate };
        let wanted = place < MOST_EXCERPTS || closest.contains(path.as_str());
        show(path, &places.of_text(path), settings.channel, &settings.speech, &plan, wanted).ok()
    })?;
    let candidates = shown.split_off(first_candidate.min(shown.len()));
    Ok(Media {
        reference: shown.into_iter().flatten().collect(),
        candidates: candidates.into_iter().flatten().collect(),
    })
}

/// The recordings of the reference that come closest to a candidate, by any encoder.
fn closest(report: &CheckReport) -> BTreeSet<&str> {
    let scores = report.candidates.iter().filter_map(|row| row.scores.as_ref()).flat_map(|scores| scores.iter());
    let best = scores.filter_map(|(_, score)| score.clips.iter().max_by(|a, b| a.cosine.total_cmp(&b.cosine)));
    best.map(|clip| clip.path.as_str()).collect()
}

/// Reads a recording, or its beginning, and looks at it.
fn show(
    told: &str,
    path: &Path,
    channel: Channel,
    speech: &SpeechSettings,
    plan: &VoicePlan,
    with_excerpt: bool,
) -> Result<ClipMedia> {
    let Beginning { mut samples, frames, stretches, .. } = Beginning::read(path, channel, speech)?;
    let voice = plan.describe(&samples, stretches.as_slice());
    samples.truncate(MOST_S * SAMPLE_RATE_HZ as usize);
    Ok(ClipMedia {
        path: told.into(),
        duration_s: samples.len() as f64 / f64::from(SAMPLE_RATE_HZ),
        outline: outline(&samples),
        voice,
        excerpt: with_excerpt.then(|| excerpt(&samples, &frames)),
        speech: stretches.as_slice().to_vec(),
    })
}

/// Least and greatest sample of equal parts.
fn outline(samples: &[f32]) -> Vec<(f32, f32)> {
    let part = samples.len().div_ceil(COLUMNS).max(1);
    let ends = |part: &[f32]| part.iter().fold((0.0f32, 0.0f32), |(low, high), x| (low.min(*x), high.max(*x)));
    samples.chunks(part).map(ends).collect()
}

/// The stretch with most speech; the first of several.
fn excerpt(samples: &[f32], frames: &[bool]) -> Excerpt {
    let length = (EXCERPT_S / FRAME_SECONDS).round() as usize;
    let speech: Vec<usize> = std::iter::once(0)
        .chain(frames.iter().scan(0, |sum, speech| {
            *sum += usize::from(*speech);
            Some(*sum)
        }))
        .collect();
    let within = |start: usize| {
        let end = (start + length).min(frames.len());
        speech.get(end).copied().unwrap_or(0).saturating_sub(speech.get(start).copied().unwrap_or(0))
    };
    let last = frames.len().saturating_sub(length);
    let best = (0..=last).rev().max_by_key(|start| within(*start)).unwrap_or(0);
    let shift = (FRAME_SECONDS * f64::from(SAMPLE_RATE_HZ)) as usize;
    let (from, to) = (best * shift, ((best + length) * shift).min(samples.len()));
    let part = samples.get(from.min(to)..to).unwrap_or_default();
    let seconds = |samples: usize| samples as f64 / f64::from(SAMPLE_RATE_HZ);
    Excerpt { start_s: seconds(from), end_s: seconds(to), spectrogram: Spectrogram::of(part), wav: wav(part) }
}

/// Samples as a WAV file of 16 bits.
fn wav(samples: &[f32]) -> Vec<u8> {
    let size = 2 * samples.len() as u32;
    let mut bytes = Vec::with_capacity(44 + size as usize);
    bytes.extend_from_slice(b"RIFF");
    bytes.extend_from_slice(&(36 + size).to_le_bytes());
    bytes.extend_from_slice(b"WAVEfmt ");
    bytes.extend_from_slice(&16u32.to_le_bytes());
    // PCM, one channel.
    bytes.extend_from_slice(&1u16.to_le_bytes());
    bytes.extend_from_slice(&1u16.to_le_bytes());
    bytes.extend_from_slice(&SAMPLE_RATE_HZ.to_le_bytes());
    bytes.extend_from_slice(&(2 * SAMPLE_RATE_HZ).to_le_bytes());
    bytes.extend_from_slice(&2u16.to_le_bytes());
    bytes.extend_from_slice(&16u16.to_le_bytes());
    bytes.extend_from_slice(b"data");
    bytes.extend_from_slice(&size.to_le_bytes());
    for x in samples {
        bytes.extend_from_slice(&((x.clamp(-1.0, 1.0) * 32_767.0).round() as i16).to_le_bytes());
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_excerpt_is_the_stretch_with_most_speech() {
        let mut frames = vec![false; 2000];
        frames.iter_mut().skip(900).take(500).for_each(|frame| *frame = true);
        let found = excerpt(&vec![0.1; 320_000], &frames);
        assert_eq!((found.start_s, found.end_s), (8.0, 14.0));
        assert_eq!(found.wav.len(), 44 + 2 * 96_000);
        let scrap = excerpt(&[0.5; 100], &[]);
        assert_eq!((scrap.start_s, scrap.end_s), (0.0, 100.0 / 16_000.0));
        assert!(excerpt(&[], &[]).wav.len() == 44);
    }

    #[test]
    fn an_excerpt_is_a_file_that_others_read() {
        let bytes = wav(&[0.0, 0.5, -1.0, 2.0]);
        let mut reader = hound::WavReader::new(std::io::Cursor::new(bytes)).unwrap();
        assert_eq!(reader.spec().sample_rate, 16_000);
        let samples: Vec<i16> = reader.samples::<i16>().map(|s| s.unwrap()).collect();
        assert_eq!(samples, [0, 16_384, -32_767, 32_767]);
    }

    #[test]
    fn an_outline_holds_the_extremes_of_equal_parts() {
        assert_eq!(outline(&[0.5, -0.25, 0.0]), [(0.0, 0.5), (-0.25, 0.0), (0.0, 0.0)]);
    }
}
