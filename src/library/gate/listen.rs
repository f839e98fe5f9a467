//! A clip in all its parts: each track, each channel that differs, the difference of each two, and the windows of
//! whatever is long.

use super::result::{Heard, Part};
use crate::audio::{
    Channel, ClipSource, NARROW_BAND_HZ, ReadOptions, Recording, SAMPLE_RATE_HZ, SoundMeter, Unheard, View,
};
use crate::encoder::{ClipAnalysis, Embedding, Panel, PanelWorker, PerBand, PerEncoder, Refusal};
use crate::error::Result;
use crate::feature::{Quality, SpeechDetector, SpeechSettings};
use crate::library::batch::{self, BatchOptions};
use crate::library::check::other_bytes;
use crate::library::index::{ClipStatus, IndexRow, NarrowRule};
use crate::library::locate::{Cut, Cutter, seconds};
use crate::path_text::text_of;
use std::path::{Path, PathBuf};

/// A view with more speech than this is heard window by window too, seconds: it could hold a window of one voice beside
/// more of another.
pub const LONG_S: f64 = WINDOW_S + WINDOW_HOP_S;
/// Length of a window, seconds.
pub const WINDOW_S: f64 = crate::library::locate::WINDOW_S;
/// Distance from one window to the next, seconds.
pub const WINDOW_HOP_S: f64 = crate::library::locate::HOP_S;

/// What a codec leaves of one channel in another is this far under the mix, dB.
const RESIDUE_DB: f32 = 30.0;

/// What was heard of a clip, ready to be compared.
#[derive(Clone, Debug)]
pub(crate) struct HeardClip {
    pub path: String,
    pub sha256: Option<String>,
    pub heard: Option<Heard>,
    /// Why it cannot pass, whatever is compared.
    pub reasons: Vec<Refusal>,
    /// What can be compared. The rows' paths are not set.
    pub parts: Vec<(Part, IndexRow)>,
}

impl HeardClip {
    /// Whether a part of it can be compared in the narrow band.
    pub fn has_narrow(&self) -> bool {
        self.parts.iter().any(|(_, row)| !row.narrow.is_empty())
    }

    /// One that could not be opened at all.
    pub fn unread(path: &Path, refusal: Refusal) -> Self {
        HeardClip { path: text_of(path), sha256: None, heard: None, reasons: vec![refusal], parts: Vec::new() }
    }
}

/// Hears clips, in their order; each is given with the path under which it is reported.
///
/// # Errors
/// Where the threads cannot be started. What is wrong with a clip is among its reasons.
pub(crate) fn hear_clips(
    panels: PerBand<&Panel>,
    rule: NarrowRule,
    clips: &[(PathBuf, ClipSource)],
    options: &BatchOptions<'_>,
) -> Result<Vec<HeardClip>> {
    let (mut all, mut next) = (Vec::with_capacity(clips.len()), clips.iter());
    let mut sink = |heard| {
        all.push(heard);
        (options.progress)(all.len(), clips.len());
        Ok(())
    };
    let listener = || Listener { wide: panels.wide.worker(), narrow: panels.narrow.worker(), panels, rule };
    let work = |listener: &mut Listener<'_>, (told, clip): &(PathBuf, ClipSource)| listener.hear(told, clip);
    batch::stream(options.threads, WAITING, &mut || Ok(next.next()), listener, work, &mut sink)?;
    Ok(all)
}

/// Clips that are under way at a time.
const WAITING: usize = 64;

/// What one thread hears with.
struct Listener<'a> {
    wide: PanelWorker<'a>,
    narrow: PanelWorker<'a>,
    panels: PerBand<&'a Panel>,
    rule: NarrowRule,
}

impl Listener<'_> {
    fn hear(&mut self, told: &Path, clip: &ClipSource) -> HeardClip {
        let first = self.analyse(clip, View { track: None, channel: Channel::Mix });
        let mut heard = HeardClip {
            path: text_of(told),
            sha256: first.sha256.clone(),
            heard: None,
            reasons: Vec::new(),
            parts: Vec::new(),
        };
        let Some(coverage) = first.coverage.clone() else {
            heard.reasons.extend(first.embeddings.err());
            return heard;
        };
        heard.heard = Some(Heard {
            tracks: coverage.tracks,
            channels: 0,
            views: 0,
            windows: 0,
            seconds: 0.0,
            unheard: Vec::new(),
        });
        let silent = first.embeddings.as_ref().err().cloned();
        self.track(clip, coverage.track, first, &mut heard);
        for track in (1..=coverage.tracks).filter(|track| *track != coverage.track) {
            let analysis = self.analyse(clip, View { track: Some(track), channel: Channel::Mix });
            self.track(clip, track, analysis, &mut heard);
        }
        if heard.parts.is_empty() && heard.reasons.is_empty() {
            heard.reasons.extend(silent);
        }
        let unheard = heard.heard.iter().flat_map(|heard| heard.unheard.clone());
        let unheard: Vec<Refusal> = unheard.map(|unheard| Refusal::NotHeard { unheard }).collect();
        heard.reasons.extend(unheard);
        heard
    }

    fn analyse(&mut self, clip: &ClipSource, view: View) -> ClipAnalysis {
        self.wide.analyse_view(clip, Some(view), None)
    }

    /// Hears a track, of which the mix was analysed already.
    fn track(&mut self, clip: &ClipSource, track: usize, mix: ClipAnalysis, heard: &mut HeardClip) {
        let Some(coverage) = mix.coverage.clone() else {
            let found = mix.embeddings.err().map_or_else(String::new, |refusal| refusal.to_string());
            heard.unheard(Unheard::Track { found });
            return;
        };
        if let Some(summary) = &mut heard.heard {
            summary.channels = summary.channels.max(coverage.channels);
            let seconds = mix.quality.as_ref().map_or(0.0, |quality| quality.duration_s);
            summary.seconds = summary.seconds.max(seconds);
        }
        coverage.unheard.iter().for_each(|unheard| heard.unheard(unheard.clone()));
        let level_dbfs = mix.quality.as_ref().and_then(|quality| quality.level_dbfs);
        self.view(clip, (track, Channel::Mix), mix, heard);
        for channel in coverage.more_channels() {
            let analysis = self.analyse(clip, View { track: Some(track), channel });
            match is_residue(&analysis, level_dbfs) {
                true => heard.heard.iter_mut().for_each(|summary| summary.views += 1),
                false => self.view(clip, (track, channel), analysis, heard),
            }
        }
    }

    /// Takes in a view that was analysed, and hears its windows where it is long.
    fn view(
        &mut self,
        clip: &ClipSource,
        (track, channel): (usize, Channel),
        analysis: ClipAnalysis,
        heard: &mut HeardClip,
    ) {
        if let Some(summary) = &mut heard.heard {
            summary.views += 1;
        }
        if analysis.sha256 != heard.sha256 {
            return heard.changed(clip, analysis.sha256.as_ref());
        }
        let part = Part { track, channel, start_s: None, end_s: None };
        let speech_s = analysis.quality.as_ref().map_or(0.0, |quality| quality.net_speech_s);
        match (analysis.embeddings, &analysis.quality) {
            (Ok(wide), Some(quality)) => {
                let view = View { track: Some(track), channel };
                let narrow = self.needs_narrow(quality).then(|| self.narrow.analyse_view(clip, Some(view), None));
                if let Some(again) = narrow.as_ref().filter(|again| again.sha256 != heard.sha256) {
                    return heard.changed(clip, again.sha256.as_ref());
                }
                let narrow = narrow.and_then(|analysis| analysis.embeddings.ok());
                heard.parts.push((part, row(heard.sha256.clone(), quality, &wide, narrow.as_ref())));
            }
            // It was heard, and nobody speaks there.
            (Err(Refusal::NoSpeech { .. }), _) => {}
            (Err(refusal), _) => {
                heard.reasons.push(Refusal::PartNotJudged { part: part.to_string(), found: refusal.to_string() })
            }
            (Ok(_), None) => heard.reasons.push(Refusal::NoDirection),
        }
        if speech_s > LONG_S
            && let Err(error) = self.windows(clip, part, heard)
        {
            heard.reasons.push(Refusal::Unreadable { found: error.to_string() });
        }
    }

    fn needs_narrow(&self, quality: &Quality) -> bool {
        self.rule == NarrowRule::All || quality.brief().is_narrow_band()
    }

    /// Hears a long view window by window.
    fn windows(&mut self, clip: &ClipSource, whole: Part, heard: &mut HeardClip) -> Result<()> {
        let options = ReadOptions { channel: whole.channel, track: Some(whole.track), hash: true, measure: false };
        let mut recording = Recording::of(clip, &options)?;
        let format = recording.format().clone();
        let settings: &SpeechSettings = &self.panels.wide.settings().speech;
        let (mut detector, mut cutter) = (SpeechDetector::new(settings), Cutter::new(WINDOW_S, WINDOW_HOP_S));
        let (mut block, mut cuts, mut more) = (Vec::new(), Vec::new(), true);
        while more {
            more = recording.next(&mut block)?;
            cutter.hold(&block);
            let mut frame = |frame: crate::feature::FrameActivity| {
                cutter.frame(frame.speech, frame.keep, &mut |cut| cuts.push(cut));
            };
            if more {
                detector.push(&block, &mut frame);
            } else {
                detector.finish(&mut frame);
                cutter.finish(&mut |cut| cuts.push(cut));
            }
            for cut in cuts.drain(..) {
                self.window(&cut, &format, whole, heard);
            }
        }
        match recording.finish()?.sha256 {
            sha256 if sha256 == heard.sha256 => {}
            sha256 => heard.changed(clip, sha256.as_ref()),
        }
        Ok(())
    }

    /// Takes in a window. One with less speech than is scored is part of others and of the whole.
    fn window(&mut self, cut: &Cut, format: &crate::audio::AudioFormat, whole: Part, heard: &mut HeardClip) {
        let mut meter = SoundMeter::new(SAMPLE_RATE_HZ);
        meter.push(&cut.samples);
        let is_narrow = meter.finish().0.bandwidth_hz.is_some_and(|hz| hz < NARROW_BAND_HZ);
        let (quality, wide) = self.wide.analyse_samples(&cut.samples, format);
        let (start_s, end_s) = (Some(seconds(cut.stretch.start)), Some(seconds(cut.stretch.end)));
        let part = Part { start_s, end_s, ..whole };
        let wide = match wide {
            Ok(wide) => wide,
            Err(Refusal::NoSpeech { .. } | Refusal::TooLittleSpeech { .. }) => return,
            Err(refusal) => {
                let (part, found) = (part.to_string(), refusal.to_string());
                return heard.reasons.push(Refusal::PartNotJudged { part, found });
            }
        };
        let narrow = is_narrow || self.rule == NarrowRule::All;
        let narrow = narrow.then(|| self.narrow.analyse_samples(&cut.samples, format).1.ok()).flatten();
        if let Some(summary) = &mut heard.heard {
            summary.windows += 1;
        }
        let row = row(heard.sha256.clone(), &quality, &wide, narrow.as_ref());
        heard.parts.push((part, row));
    }
}

impl HeardClip {
    /// Notes what was not heard; what two tracks have in common counts once.
    fn unheard(&mut self, unheard: Unheard) {
        if let Some(heard) = self.heard.as_mut().filter(|heard| !heard.unheard.contains(&unheard)) {
            heard.unheard.push(unheard);
        }
    }

    /// Notes that a reading met other bytes than the first one.
    fn changed(&mut self, clip: &ClipSource, found: Option<&String>) {
        let error = other_bytes(clip.path(), self.sha256.as_ref(), found);
        self.reasons.push(Refusal::Unreadable { found: error.to_string() });
    }
}

/// Whether a channel, or the difference of two, is what a codec leaves of the others: so soft beside the mix, and with
/// less speech than is ever judged.
fn is_residue(analysis: &ClipAnalysis, mix_dbfs: Option<f32>) -> bool {
    let level_dbfs = analysis.quality.as_ref().and_then(|quality| quality.level_dbfs);
    let is_soft = level_dbfs.zip(mix_dbfs).is_some_and(|(level, mix)| level < mix - RESIDUE_DB);
    is_soft && matches!(analysis.embeddings, Err(Refusal::TooLittleSpeech { .. }))
}

/// A part as a row that can be searched.
fn row(
    sha256: Option<String>,
    quality: &Quality,
    wide: &PerEncoder<Embedding>,
    narrow: Option<&PerEncoder<Embedding>>,
) -> IndexRow {
    let values = |embeddings: &PerEncoder<Embedding>| embeddings.map(|_, embedding| embedding.values.clone());
    let mut row = IndexRow {
        path: String::new(),
        voice: String::new(),
        sha256,
        size: 0,
        mtime_ns: 0,
        format: None,
        seconds: None,
        quality: None,
        status: ClipStatus::Usable,
        reason: None,
        wide: values(wide),
        narrow: narrow.map(values).unwrap_or_default(),
    };
    row.measured(quality);
    row
}
