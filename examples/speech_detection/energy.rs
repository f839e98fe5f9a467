//! The rival that lost: speech by energy, between the noise floor and the peak of the seconds around each frame.

use soundalike::feature::FrameActivity;
use std::collections::VecDeque;

const SHIFT: usize = 160;
const LENGTH: usize = 400;

/// How the detector decides. Levels are in dB of full scale, after a first difference that holds back rumble.
#[derive(Clone, Debug, PartialEq)]
pub struct EnergySettings {
    /// Frames of 10 ms on either side from which the floor and the peak are taken.
    pub context_frames: usize,
    /// The floor is this quantile of the surrounding levels.
    pub floor_quantile: f64,
    /// The peak is this quantile of the surrounding levels.
    pub peak_quantile: f64,
    /// Speech lies at least this far above the floor, dB.
    pub rise_db: f32,
    /// Speech lies at least this share of the way from the floor to the peak.
    pub rise_share: f32,
    /// Speech lies at most this far under the peak, dB.
    pub depth_db: f32,
    /// What lies this far under the loudest speech heard before is not speech, dB. That memory fades by 0.2 dB a
    /// second.
    pub memory_db: f32,
    /// Frames of 10 ms that are kept on either side of speech.
    pub margin_frames: usize,
}

impl Default for EnergySettings {
    fn default() -> Self {
        EnergySettings {
            context_frames: 200,
            floor_quantile: 0.10,
            peak_quantile: 0.95,
            rise_db: 4.0,
            rise_share: 0.3,
            depth_db: 35.0,
            memory_db: 40.0,
            margin_frames: 20,
        }
    }
}

/// Finds speech in a stream of 16 kHz samples. Frame `t` covers samples `160 t .. 160 t + 400`, as the features' do.
#[derive(Debug)]
pub struct EnergyDetector {
    settings: EnergySettings,
    pending: Vec<f32>,
    previous: f32,
    /// Powers of the frames around the one to be decided on; `powers[0]` is frame `first`.
    powers: VecDeque<f32>,
    first: usize,
    /// Next frame whose threshold is due, and how many frames have been measured.
    next: usize,
    measured: usize,
    histogram: Histogram,
    loudest_db: f32,
    votes: VecDeque<bool>,
    decided: VecDeque<FrameActivity>,
    margin: Margin,
}

impl EnergyDetector {
    /// A detector for one clip after another.
    pub fn new(settings: &EnergySettings) -> Self {
        EnergyDetector {
            margin: Margin::new(settings.margin_frames),
            settings: settings.clone(),
            pending: Vec::new(),
            previous: 0.0,
            powers: VecDeque::new(),
            first: 0,
            next: 0,
            measured: 0,
            histogram: Histogram::default(),
            loudest_db: f32::MIN,
            votes: VecDeque::new(),
            decided: VecDeque::new(),
        }
    }

    /// Takes the next samples and hands out the frames that are decided, in order.
    pub fn push(&mut self, samples: &[f32], sink: &mut dyn FnMut(FrameActivity)) {
        self.pending.reserve(samples.len());
        for x in samples {
            self.pending.push(x - 0.97 * self.previous);
            self.previous = *x;
        }
        let mut used = 0;
        while let Some(frame) = self.pending.get(used..used + LENGTH) {
            let power = frame.iter().map(|x| x * x).sum::<f32>() / LENGTH as f32;
            self.measure(power);
            used += SHIFT;
            if self.measured > self.next + self.settings.context_frames {
                self.decide(sink);
            }
        }
        self.pending.drain(..used);
    }

    /// Ends the clip: hands out the last frames. Ready for the next clip afterwards.
    pub fn finish(&mut self, sink: &mut dyn FnMut(FrameActivity)) {
        while self.next < self.measured {
            self.decide(sink);
        }
        for _ in 0..VOTERS / 2 {
            self.vote(false, sink);
        }
        self.margin.finish(sink);
        *self = EnergyDetector::new(&self.settings);
    }

    fn measure(&mut self, power: f32) {
        self.powers.push_back(power);
        self.histogram.add(power);
        self.measured += 1;
    }

    /// Decides on frame `next`, whose surroundings are complete.
    fn decide(&mut self, sink: &mut dyn FnMut(FrameActivity)) {
        let s = &self.settings;
        while self.first + s.context_frames < self.next {
            if let Some(power) = self.powers.pop_front() {
                self.histogram.remove(power);
            }
            self.first += 1;
        }
        let floor = self.histogram.quantile(s.floor_quantile);
        let peak = self.histogram.quantile(s.peak_quantile);
        self.loudest_db = (self.loudest_db - 0.002).max(peak);
        let threshold = (floor + s.rise_db.max(s.rise_share * (peak - floor)))
            .max(peak - s.depth_db)
            .max(self.loudest_db - s.memory_db);
        let power = self.powers.get(self.next - self.first).copied().unwrap_or(0.0);
        let level = decibels(power);
        self.next += 1;
        self.decided.push_back(FrameActivity { speech: false, keep: false, power });
        let above = level > threshold && level > SILENCE_DB;
        if self.votes.is_empty() {
            self.votes.extend([false; VOTERS / 2]);
        }
        self.vote(above, sink);
    }

    /// A frame is speech where most of it and its neighbours are: single clicks do not count.
    fn vote(&mut self, above: bool, sink: &mut dyn FnMut(FrameActivity)) {
        self.votes.push_back(above);
        if self.votes.len() < VOTERS {
            return;
        }
        let speech = self.votes.iter().filter(|v| **v).count() * 2 > VOTERS;
        self.votes.pop_front();
        if let Some(frame) = self.decided.pop_front() {
            self.margin.push(FrameActivity { speech, ..frame }, sink);
        }
    }
}

/// Frames that vote on one.
const VOTERS: usize = 5;
/// Levels at or under this are digital silence, dB of full scale.
const SILENCE_DB: f32 = -100.0;

fn decibels(power: f32) -> f32 {
    10.0 * power.max(1e-12).log10()
}

/// Levels of the surrounding frames in steps of half a decibel from -120 dB.
#[derive(Debug)]
struct Histogram {
    counts: Vec<u32>,
    total: u32,
}

impl Default for Histogram {
    fn default() -> Self {
        Histogram { counts: vec![0; 300], total: 0 }
    }
}

impl Histogram {
    fn bin(power: f32) -> usize {
        ((decibels(power) + 120.0) * 2.0).clamp(0.0, 299.0) as usize
    }

    fn add(&mut self, power: f32) {
        if let Some(count) = self.counts.get_mut(Self::bin(power)) {
            *count += 1;
            self.total += 1;
        }
    }

    fn remove(&mut self, power: f32) {
        if let Some(count) = self.counts.get_mut(Self::bin(power)) {
            *count = count.saturating_sub(1);
            self.total = self.total.saturating_sub(1);
        }
    }

    /// Middle of the bin in which the quantile lies, dB.
    fn quantile(&self, quantile: f64) -> f32 {
        let rank = (quantile * f64::from(self.total)) as u32;
        let mut seen = 0;
        for (bin, count) in self.counts.iter().enumerate() {
            seen += count;
            if seen > rank {
                return bin as f32 * 0.5 - 119.75;
            }
        }
        -120.0
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
    }
}
