//! A recording on its way into scored windows: one decoding on the calling thread, the panel over the windows on
//! several.
//!
//! What a window is worth, and which windows make a range, is decided behind it.

use super::LocateOptions;
use super::cut::{Cut, Cutter, Stretch, seconds};
use crate::audio::{AudioFormat, NARROW_BAND_HZ, ReadOptions, Recording, SAMPLE_RATE_HZ, SoundMeter};
use crate::encoder::{Band, Panel, PanelWorker, PerEncoder, Refusal};
use crate::error::Result;
use crate::feature::{ClipQuality, Quality, SpeechDetector, SpeechMeter};
use crate::library::Score;
use crate::library::batch;
use crate::library::verdict::{Case, band_of};
use std::collections::VecDeque;
use std::path::Path;

/// Windows that may wait for their turn, a thread.
const WAITING: usize = 4;

/// A window with its scores.
#[derive(Clone, Debug)]
pub(super) struct Scored {
    pub stretch: Stretch,
    pub quality: ClipQuality,
    pub band: Band,
    /// Cosine to the reference as a whole, by encoder; none where it was refused.
    pub cosines: Option<PerEncoder<f64>>,
    /// Before its bounds; none where it was refused or withheld.
    pub log10_lr: Option<f64>,
    /// Why there are no cosines, or no ratio.
    pub reason: Option<Refusal>,
}

impl Scored {
    /// The score by which the voice is looked for.
    pub fn by(&self, score: Score) -> Option<f64> {
        match score {
            Score::Log10Lr => self.log10_lr,
            Score::Cosine(encoder) => self.cosines.as_ref()?.get(encoder).copied(),
        }
    }
}

/// What was heard of a recording.
pub(super) struct Heard {
    pub sha256: Option<String>,
    pub quality: Quality,
    pub windows: Vec<Scored>,
    pub segments: Vec<Stretch>,
    pub speech: Vec<Stretch>,
}

/// The reference in one band.
pub(super) struct Side<'a> {
    pub panel: &'a Panel,
    pub case: &'a Case<'a>,
}

/// The reference in both bands.
pub(super) struct Sides<'a> {
    pub wide: Side<'a>,
    pub narrow: Side<'a>,
}

impl Sides<'_> {
    pub fn of(&self, band: Band) -> &Side<'_> {
        if band == Band::Narrow { &self.narrow } else { &self.wide }
    }
}

/// What one thread needs; each panel's part is made where a window asks for it.
#[derive(Default)]
struct Workers<'a> {
    wide: Option<PanelWorker<'a>>,
    narrow: Option<PanelWorker<'a>>,
}

/// Hears a recording to its end. `itself` withholds every ratio, for a recording that is part of the reference.
pub(super) fn hear(
    path: &Path,
    sides: &Sides<'_>,
    cutter: Cutter,
    itself: impl Fn(Option<&str>) -> Option<Refusal>,
    options: &LocateOptions<'_>,
) -> Result<Heard> {
    let settings = sides.wide.panel.settings();
    let recording = Recording::open(
        path,
        &ReadOptions { channel: settings.channel, hash: true, measure: true, ..ReadOptions::default() },
    )?;
    let (format, announced_s) = (recording.format().clone(), recording.announced_s());
    let itself = itself(recording.sha256());
    let mut listener = Listener {
        recording,
        detector: SpeechDetector::new(&settings.speech),
        meter: SpeechMeter::default(),
        cutter,
        ready: VecDeque::new(),
        block: Vec::new(),
        heard: 0,
        ended: false,
    };
    let mut windows = Vec::new();
    let threads = if options.threads == 0 { batch::cores() } else { options.threads };
    batch::stream(
        options.threads,
        threads.saturating_mul(WAITING),
        &mut || {
            let next = listener.next()?;
            (options.progress)(seconds(listener.heard), announced_s);
            Ok(next)
        },
        Workers::default,
        |workers, cut| score(workers, sides, &format, itself.as_ref(), &cut),
        &mut |window| {
            windows.push(window);
            Ok(())
        },
    )?;
    let Listener { recording, meter, cutter, .. } = listener;
    let mut seen = recording.finish()?;
    let sha256 = seen.sha256.take();
    let Cutter { segments, speech, .. } = cutter;
    Ok(Heard { sha256, quality: meter.quality(seen), windows, segments, speech })
}

/// A recording, the speech detector and what they have given so far.
struct Listener {
    recording: Recording,
    detector: SpeechDetector,
    meter: SpeechMeter,
    cutter: Cutter,
    ready: VecDeque<Cut>,
    block: Vec<f32>,
    heard: u64,
    ended: bool,
}

impl Listener {
    /// The next window; none once there are no more.
    fn next(&mut self) -> Result<Option<Cut>> {
        while self.ready.is_empty() && !self.ended {
            let (meter, cutter, ready) = (&mut self.meter, &mut self.cutter, &mut self.ready);
            let more = self.recording.next(&mut self.block)?;
            self.heard += self.block.len() as u64;
            cutter.hold(&self.block);
            let mut frame = |frame: crate::feature::FrameActivity| {
                meter.add(frame);
                cutter.frame(frame.speech, frame.keep, &mut |cut| ready.push_back(cut));
            };
            if more {
                self.detector.push(&self.block, &mut frame);
            } else {
                self.detector.finish(&mut frame);
                cutter.finish(&mut |cut| ready.push_back(cut));
                self.ended = true;
            }
        }
        Ok(self.ready.pop_front())
    }
}

/// Scores a window as `check` would score a clip that holds nothing else.
fn score<'a>(
    workers: &mut Workers<'a>,
    sides: &'a Sides<'a>,
    format: &AudioFormat,
    itself: Option<&Refusal>,
    cut: &Cut,
) -> Scored {
    let mut meter = SoundMeter::new(SAMPLE_RATE_HZ);
    meter.push(&cut.samples);
    let narrow = meter.finish().0.bandwidth_hz.is_some_and(|hz| hz < NARROW_BAND_HZ);
    // The panel is chosen before the encoders run; a reference that is narrow-band wants it whatever the window.
    let band = if narrow || sides.wide.case.is_narrow_band() { Band::Narrow } else { Band::Wide };
    let side = sides.of(band);
    let worker = if band == Band::Narrow { &mut workers.narrow } else { &mut workers.wide };
    let worker = worker.get_or_insert_with(|| side.panel.worker());
    let (quality, embeddings) = worker.analyse_samples(&cut.samples, format);
    let (quality, stretch) = (quality.brief(), cut.stretch);
    debug_assert_eq!(band, band_of(&quality, side.case.model));
    match embeddings.and_then(|embeddings| side.case.model.score(&embeddings)) {
        Ok(scores) => {
            let cosines = scores.map(|_, score| score.cosine);
            let reason = itself.cloned().or_else(|| side.case.outside(&quality, band));
            let log10_lr = match reason {
                None => side.case.unbounded_log10_lr(&cosines, quality),
                Some(_) => None,
            };
            let reason = reason.or_else(|| side.case.without_ratio());
            Scored { stretch, quality, band, cosines: Some(cosines), log10_lr, reason }
        }
        Err(refusal) => Scored { stretch, quality, band, cosines: None, log10_lr: None, reason: Some(refusal) },
    }
}
