//! Where speech lies, gently: long silences go, the pauses inside speech stay.
//!
//! Blocks of 16 ms are judged by the small network of the crate `earshot`; frames within a margin of what it calls
//! speech are kept too, so pauses shorter than twice that survive. (A hard gate that cuts every pause costs more than
//! the silence it removes.) On labelled mixtures it lost less speech in noise than a detector that follows the noise
//! floor by energy (`examples/speech_detection`, figures in ACCURACY.md). It works on a stream, looks ahead by the
//! margin, and holds a few hundred numbers, however long the recording. It says where speech is, not whose.

use super::math::sum_by;
use super::offset::{OFFSET_FILTER_SAMPLES, OffsetFilter};
use crate::error::{ErrorKind, Result};
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::VecDeque;

/// Distance from one frame to the next, samples: 10 ms at 16 kHz, as in the features.
const SHIFT: usize = 160;
/// Samples a frame covers: 25 ms.
const LENGTH: usize = 400;
/// Samples the network judges at a time.
const BLOCK: usize = 256;

/// Seconds from one frame to the next.
pub const FRAME_SECONDS: f64 = 0.01;

/// How the detector decides.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct SpeechSettings {
    /// The network's score above which a frame is speech, 0 to 1: the mean over three blocks of 16 ms.
    pub threshold: f32,
    /// Frames of 10 ms that are kept on either side of speech.
    pub margin_frames: usize,
    /// Time constant of the filter that takes a constant offset off in front of the network, samples at 16 kHz.
    pub offset_filter_samples: usize,
}

impl Default for SpeechSettings {
    fn default() -> Self {
        SpeechSettings { threshold: 0.5, margin_frames: 20, offset_filter_samples: OFFSET_FILTER_SAMPLES }
    }
}

impl SpeechSettings {
    /// Refuses settings outside their range.
    ///
    /// # Errors
    /// [`ErrorKind::Setting`] names the setting.
    pub fn check(&self) -> Result<()> {
        if !(0.0..1.0).contains(&self.threshold) {
            let (found, expected) = (self.threshold.to_string(), "0 or more and less than 1".into());
            return Err(ErrorKind::Setting { name: "threshold", found, expected }.into());
        }
        if self.margin_frames > 10_000 {
            let (found, expected) = (self.margin_frames.to_string(), "0 to 10000 frames of 10 ms".into());
            return Err(ErrorKind::Setting { name: "margin_frames", found, expected }.into());
        }
        if !(1..=1_000_000).contains(&self.offset_filter_samples) {
            let (found, expected) = (self.offset_filter_samples.to_string(), "1 to 1000000 samples".into());
            return Err(ErrorKind::Setting { name: "offset_filter_samples", found, expected }.into());
        }
        Ok(())
    }
}

/// What was found of one frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FrameActivity {
    /// The frame holds speech.
    pub speech: bool,
    /// The frame holds speech or lies within the margin of some.
    pub keep: bool,
    /// Mean square of the frame's samples without their mean, full scale ±1.
    pub power: f32,
}

/// Finds speech in a stream of 16 kHz samples. Frame `t` covers samples `160 t .. 160 t + 400`, as the features' do.
pub struct SpeechDetector {
    settings: SpeechSettings,
    network: Box<earshot::Detector>,
    offset: OffsetFilter,
    /// Samples not yet judged, and those not yet framed; both lists start at a position in the clip.
    pending: Vec<f32>,
    judged_to: usize,
    scores: VecDeque<f32>,
    first_score: usize,
    powers: VecDeque<f32>,
    next: usize,
    framed: usize,
    tail: Vec<f32>,
    margin: Margin,
}

impl SpeechDetector {
    /// A detector for one clip after another.
    pub fn new(settings: &SpeechSettings) -> Self {
        SpeechDetector {
            margin: Margin::new(settings.margin_frames),
            settings: settings.clone(),
            offset: OffsetFilter::new(settings.offset_filter_samples),
            network: earshot::Detector::default_boxed(),
            pending: Vec::new(),
            judged_to: 0,
            scores: VecDeque::new(),
            first_score: 0,
            powers: VecDeque::new(),
            next: 0,
            framed: 0,
            tail: Vec::new(),
        }
    }

    /// Takes the next samples and hands out the frames that are decided, in order.
    pub fn push(&mut self, samples: &[f32], sink: &mut dyn FnMut(FrameActivity)) {
        self.offset.apply(samples, &mut self.pending);
        self.judge();
        self.measure(samples);
        self.decide(1, sink);
    }

    /// Ends the clip: hands out the last frames. Ready for the next clip afterwards.
    pub fn finish(&mut self, sink: &mut dyn FnMut(FrameActivity)) {
        let missing = BLOCK - self.pending.len() % BLOCK;
        self.pending.extend_from_slice(&[0.0; BLOCK][..missing]);
        self.judge();
        self.offset.reset();
        self.decide(0, sink);
        self.margin.finish(sink);
        self.network.reset();
        self.pending.clear();
        self.tail.clear();
        self.scores.clear();
        self.powers.clear();
        (self.judged_to, self.first_score, self.next, self.framed) = (0, 0, 0, 0);
    }

    /// Scores the whole blocks that are pending. The network expects samples within full scale.
    fn judge(&mut self) {
        self.pending.iter_mut().for_each(|x| *x = x.clamp(-1.0, 1.0));
        let blocks = self.pending.chunks_exact(BLOCK);
        let rest = blocks.remainder().len();
        for block in blocks {
            self.scores.push_back(self.network.predict_f32(block));
            self.judged_to += BLOCK;
        }
        self.pending.drain(..self.pending.len() - rest);
    }

    /// Powers of the frames that are complete.
    fn measure(&mut self, samples: &[f32]) {
        self.tail.extend_from_slice(samples);
        let mut used = 0;
        while let Some(frame) = self.tail.get(used..used + LENGTH) {
            let mean = sum_by(frame, |x| x) / LENGTH as f32;
            self.powers.push_back(sum_by(frame, |x| (x - mean) * (x - mean)) / LENGTH as f32);
            self.framed += 1;
            used += SHIFT;
        }
        self.tail.drain(..used);
    }

    /// Hands on the frames whose centre has been judged and is followed by `ahead` more judged blocks. A frame's score
    /// is the mean over its block and the two beside it, so that a single stray block is no speech.
    fn decide(&mut self, ahead: usize, sink: &mut dyn FnMut(FrameActivity)) {
        while self.next < self.framed {
            let block = (self.next * SHIFT + LENGTH / 2) / BLOCK;
            if self.first_score + self.scores.len() <= block + ahead {
                break;
            }
            while self.first_score + 1 < block {
                self.scores.pop_front();
                self.first_score += 1;
            }
            let around = self.scores.iter().take(block + 2 - self.first_score);
            let score = around.clone().sum::<f32>() / around.len() as f32;
            let speech = score > self.settings.threshold;
            let power = self.powers.pop_front().unwrap_or(0.0);
            self.margin.push(FrameActivity { speech, keep: speech, power }, sink);
            self.next += 1;
        }
    }
}

/// Widens speech by a margin on either side, with as much delay.
#[derive(Debug)]
struct Margin {
    frames: usize,
    waiting: VecDeque<FrameActivity>,
    /// Frames since the last speech, counted up to one more than the margin.
    since: usize,
}

impl Margin {
    fn new(frames: usize) -> Self {
        Margin { frames, waiting: VecDeque::new(), since: frames + 1 }
    }

    fn push(&mut self, mut frame: FrameActivity, sink: &mut dyn FnMut(FrameActivity)) {
        if frame.speech {
            self.waiting.iter_mut().for_each(|waiting| waiting.keep = true);
            self.since = 0;
        } else {
            self.since = (self.since + 1).min(self.frames + 1);
        }
        frame.keep = self.since <= self.frames;
        self.waiting.push_back(frame);
        if self.waiting.len() > self.frames
            && let Some(frame) = self.waiting.pop_front()
        {
            sink(frame);
        }
    }

    fn finish(&mut self, sink: &mut dyn FnMut(FrameActivity)) {
        self.waiting.drain(..).for_each(sink);
        self.since = self.frames + 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn run(blocks: &[&[f32]]) -> Vec<FrameActivity> {
        let mut detector = SpeechDetector::new(&SpeechSettings::default());
        let mut frames = Vec::new();
        blocks.iter().for_each(|block| detector.push(block, &mut |f| frames.push(f)));
        detector.finish(&mut |f| frames.push(f));
        frames
    }

    fn voice() -> Vec<f32> {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/voices/nsh/real/01.wav");
        let mut reader = hound::WavReader::open(path).unwrap();
        reader.samples::<i16>().take(48_000).map(|s| f32::from(s.unwrap()) / 32_768.0).collect()
    }

    #[test]
    fn silence_around_speech_goes_and_a_margin_stays() {
        let mut clip = vec![0.0; 32_000];
        clip.extend(voice());
        clip.resize(clip.len() + 32_000, 0.0);
        let frames = run(&[&clip]);
        assert_eq!(frames.len(), 1 + (clip.len() - 400) / 160);
        assert!(frames[..170].iter().chain(&frames[frames.len() - 170..]).all(|f| !f.keep));
        let speech = frames.iter().filter(|f| f.speech).count();
        assert!(speech > 150, "{speech} frames of speech in 3 s");
        for (t, frame) in frames.iter().enumerate() {
            let near = frames[t.saturating_sub(20)..(t + 21).min(frames.len())].iter().any(|f| f.speech);
            assert_eq!(frame.keep, near, "frame {t}");
        }
    }

    #[test]
    fn silence_and_noise_hold_no_speech() {
        let mut seed = 1u32;
        let noise: Vec<f32> = (0..80_000)
            .map(|_| {
                seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                ((seed >> 8) as f32 / 8_388_608.0 - 1.0) * 0.1
            })
            .collect();
        for (name, clip) in [("silence", vec![0.0; 80_000]), ("offset", vec![0.25; 80_000]), ("noise", noise)] {
            let speech = run(&[&clip]).iter().filter(|f| f.speech).count();
            assert!(speech < 25, "{speech} of 498 frames of {name}");
        }
        assert!(run(&[&[]]).is_empty() && run(&[&[0.1; 399]]).is_empty());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]
        #[test]
        fn block_sizes_do_not_matter(cut in 0usize..48_000, step in 1usize..5000, length in 0usize..48_000) {
            let voice = voice();
            let voice = &voice[..length];
            let (head, tail) = voice.split_at(cut.min(length));
            let mut blocks = vec![head];
            blocks.extend(tail.chunks(step));
            prop_assert_eq!(run(&[voice]), run(&blocks));
        }
    }
}
