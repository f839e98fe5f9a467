//! Cutting a signal into overlapping frames, as it arrives.
//!
//! [`FrameSettings`] says how, in milliseconds and hertz; [`Framer`] does it on a stream of any block sizes with a
//! buffer of a few frames, so the length of a recording costs no memory. The frames depend on the signal alone, never
//! on how it was cut into blocks. Windowing and the transform are in [`super::spectrum`].

use super::window::Window;
use crate::error::{ErrorKind, Result};
use schemars::JsonSchema;
use serde::Serialize;

/// Where frames lie at the edges of a signal of `N` samples (window `W`, transform `F`, shift `S`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Edges {
    /// Whole windows only: `1 + (N - W) / S` frames (Kaldi's `snip_edges`, HTK).
    Snip,
    /// `round(N / S)` frames centred on multiples of the shift, the signal mirrored at its edges with the edge sample
    /// repeated (Kaldi without `snip_edges`).
    Mirror,
    /// Whole transforms only, the window in the middle of each: `1 + (N - F) / S` frames (librosa, `center=False`).
    SnipTransform,
    /// `1 + N / S` frames, zeros beyond the edges (librosa, `center=True`).
    CentreZeros,
    /// `1 + N / S` frames, the signal reflected without repeating the edge sample (torchaudio).
    CentreReflect,
    /// As `Snip`, and the last partial window is filled with zeros: `1 + ceil((N - W) / S)` frames
    /// (python_speech_features).
    PadLast,
}

/// The first difference `x[n] - a x[n-1]` that lifts high frequencies.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PreEmphasis {
    /// None.
    Off,
    /// Within each frame, whose first sample becomes `(1 - a) x[0]` (Kaldi).
    PerFrame(f32),
    /// Over the whole signal, whose first sample is left alone (python_speech_features).
    WholeSignal(f32),
}

/// How a signal is cut into frames.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct FrameSettings {
    /// Sampling rate of the signal, Hz.
    pub sample_rate_hz: u32,
    /// Length of the window, milliseconds.
    pub length_ms: f32,
    /// Distance from one frame to the next, milliseconds.
    pub shift_ms: f32,
    /// Length of the Fourier transform, samples; the window is filled up with zeros to it.
    pub fft_length: usize,
    /// Shape of the window.
    pub window: Window,
    /// What happens at the edges of the signal.
    pub edges: Edges,
    /// Pre-emphasis.
    pub pre_emphasis: PreEmphasis,
    /// Whether the mean of each frame is taken off first.
    pub remove_dc: bool,
    /// Factor on the samples, whose full scale is 1: 32768 for libraries that work on 16-bit integers.
    pub sample_scale: f32,
}

impl FrameSettings {
    /// Length of the window, samples.
    pub fn window_length(&self) -> usize {
        (f64::from(self.length_ms) * 1e-3 * f64::from(self.sample_rate_hz)).round() as usize
    }

    /// Distance from one frame to the next, samples.
    pub fn shift(&self) -> usize {
        (f64::from(self.shift_ms) * 1e-3 * f64::from(self.sample_rate_hz)).round() as usize
    }

    /// Number of frames of a signal of `samples` samples.
    pub fn frame_count(&self, samples: u64) -> u64 {
        let (window, shift) = (self.window_length() as u64, self.shift() as u64);
        let whole = |length: u64| if samples < length { 0 } else { 1 + (samples - length) / shift };
        match self.edges {
            Edges::Snip => whole(window),
            Edges::SnipTransform => whole(self.fft_length as u64),
            Edges::Mirror => (samples + shift / 2) / shift,
            Edges::CentreZeros | Edges::CentreReflect if samples > 0 => 1 + samples / shift,
            Edges::PadLast if samples > 0 => 1 + samples.saturating_sub(window).div_ceil(shift),
            _ => 0,
        }
    }

    /// Position of the first sample of the first window; negative where it lies before the signal.
    fn first_sample(&self) -> i64 {
        let (window, shift, fft) = (self.window_length() as i64, self.shift() as i64, self.fft_length as i64);
        match self.edges {
            Edges::Snip | Edges::PadLast => 0,
            Edges::Mirror => shift / 2 - window / 2,
            Edges::SnipTransform => (fft - window) / 2,
            Edges::CentreZeros | Edges::CentreReflect => (fft - window) / 2 - fft / 2,
        }
    }

    /// Refuses settings that no signal can be framed with.
    pub(crate) fn check(&self) -> Result<()> {
        let setting = |name, found: String, expected: String| Err(ErrorKind::Setting { name, found, expected }.into());
        if !(4000..=192_000).contains(&self.sample_rate_hz) {
            return setting("sample_rate_hz", self.sample_rate_hz.to_string(), "4000 to 192000 Hz".into());
        }
        if !(self.fft_length.is_multiple_of(2) && (16..=65_536).contains(&self.fft_length)) {
            return setting("fft_length", self.fft_length.to_string(), "an even number, 16 to 65536".into());
        }
        if !(2..=self.fft_length).contains(&self.window_length()) {
            let limit = self.fft_length as f32 * 1e3 / self.sample_rate_hz as f32;
            return setting("length_ms", format!("{} ms", self.length_ms), format!("2 samples to {limit} ms"));
        }
        if !(1..=self.window_length()).contains(&self.shift()) {
            let expected = format!("1 sample to the window's {} ms", self.length_ms);
            return setting("shift_ms", format!("{} ms", self.shift_ms), expected);
        }
        if !(self.sample_scale.is_finite() && self.sample_scale > 0.0) {
            return setting("sample_scale", self.sample_scale.to_string(), "a positive number".into());
        }
        Ok(())
    }
}

/// Position that stands in for position `s` of a signal of `n` samples; `None` stands for a zero.
fn at_edge(edges: Edges, mut s: i64, n: i64) -> Option<i64> {
    if n <= 0 {
        return None;
    }
    while !(0..n).contains(&s) {
        s = match edges {
            Edges::Mirror if s < 0 => -s - 1,
            Edges::Mirror => 2 * n - 1 - s,
            Edges::CentreReflect if n == 1 => 0,
            Edges::CentreReflect if s < 0 => -s,
            Edges::CentreReflect => 2 * n - 2 - s,
            _ => return None,
        }
    }
    Some(s)
}

/// A run of frames that lie in one slice: frame `i` starts at `i * shift`.
pub(crate) struct FrameRun<'a> {
    pub samples: &'a [f32],
    pub count: usize,
}

/// Cuts a stream into frames. Runs hold an even number of frames until the last one, so that frames are paired for
/// the transform in the same way however the signal arrives.
#[derive(Debug)]
pub(crate) struct Framer {
    settings: FrameSettings,
    window: usize,
    shift: usize,
    first: i64,
    /// Samples at hand; `buffer[0]` is at position `start` of the signal.
    buffer: Vec<f32>,
    start: i64,
    received: u64,
    emitted: u64,
    previous: f32,
    padded: bool,
}

impl Framer {
    pub fn new(settings: &FrameSettings) -> Self {
        Framer {
            window: settings.window_length(),
            shift: settings.shift(),
            first: settings.first_sample(),
            settings: settings.clone(),
            buffer: Vec::new(),
            start: 0,
            received: 0,
            emitted: 0,
            previous: 0.0,
            padded: false,
        }
    }

    /// Takes the next samples and hands out the frames that are complete.
    pub fn push(&mut self, samples: &[f32], emit: &mut dyn FnMut(FrameRun<'_>)) {
        self.take(samples);
        let reach = self.reach() as u64;
        if !self.padded && self.received > reach {
            self.pad_front();
        }
        if self.padded {
            let end = self.start + self.buffer.len() as i64;
            let next = self.position(self.emitted);
            let length = self.window as i64 + self.tail();
            let complete = if end - next < length { 0 } else { 1 + (end - next - length) / self.shift as i64 };
            self.emit(complete as u64 & !1, emit);
        }
    }

    /// Ends the signal: hands out the frames that reach over its end, and starts anew.
    pub fn finish(&mut self, emit: &mut dyn FnMut(FrameRun<'_>)) {
        if !self.padded {
            self.pad_front();
        }
        let count = self.settings.frame_count(self.received);
        if count > self.emitted {
            let end = self.position(count - 1) + self.window as i64;
            let n = self.received as i64;
            for s in self.start + self.buffer.len() as i64..end {
                let value = at_edge(self.settings.edges, s, n).and_then(|s| usize::try_from(s - self.start).ok());
                let value = value.and_then(|i| self.buffer.get(i).copied()).unwrap_or(0.0);
                self.buffer.push(value);
            }
            self.emit(count - self.emitted, emit);
        }
        let buffer = std::mem::take(&mut self.buffer);
        *self = Framer::new(&self.settings);
        self.buffer = buffer;
        self.buffer.clear();
    }

    /// How far frames reach over an edge, samples.
    fn reach(&self) -> i64 {
        (-self.first).max(0).max(self.window as i64 / 2)
    }

    /// Samples that must follow a window for its frame to count.
    fn tail(&self) -> i64 {
        match self.settings.edges {
            Edges::SnipTransform => self.settings.fft_length as i64 - self.window as i64 - self.first,
            _ => 0,
        }
    }

    fn position(&self, frame: u64) -> i64 {
        self.first + (frame * self.shift as u64) as i64
    }

    /// Scales, emphasises where that is done over the whole signal, and stores.
    fn take(&mut self, samples: &[f32]) {
        let scale = self.settings.sample_scale;
        self.received += samples.len() as u64;
        match self.settings.pre_emphasis {
            PreEmphasis::WholeSignal(a) => {
                for x in samples {
                    let x = x * scale;
                    self.buffer.push(x - a * self.previous);
                    self.previous = x;
                }
            }
            _ if scale == 1.0 => self.buffer.extend_from_slice(samples),
            _ => self.buffer.extend(samples.iter().map(|x| x * scale)),
        }
    }

    /// Puts what stands for the samples before the signal in front of it.
    fn pad_front(&mut self) {
        self.padded = true;
        if self.first < 0 {
            let n = self.buffer.len() as i64;
            let edges = self.settings.edges;
            let value = |s| at_edge(edges, s, n).and_then(|s| self.buffer.get(s as usize).copied()).unwrap_or(0.0);
            let front: Vec<f32> = (self.first..0).map(value).collect();
            self.buffer.splice(0..0, front);
            self.start = self.first;
        }
    }

    fn emit(&mut self, count: u64, emit: &mut dyn FnMut(FrameRun<'_>)) {
        if count > 0 {
            let from = (self.position(self.emitted) - self.start) as usize;
            let to = from + (count as usize - 1) * self.shift + self.window;
            if let Some(samples) = self.buffer.get(from..to) {
                emit(FrameRun { samples, count: count as usize });
            }
            self.emitted += count;
        }
        let keep_from = self.position(self.emitted).min(self.start + self.buffer.len() as i64 - self.reach() - 1);
        let drop = (keep_from - self.start).max(0) as usize;
        self.buffer.drain(..drop.min(self.buffer.len()));
        self.start += drop as i64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn settings(edges: Edges, pre_emphasis: PreEmphasis) -> FrameSettings {
        FrameSettings {
            sample_rate_hz: 16_000,
            length_ms: 25.0,
            shift_ms: 10.0,
            fft_length: 512,
            window: Window::Rectangular,
            edges,
            pre_emphasis,
            remove_dc: false,
            sample_scale: 1.0,
        }
    }

    fn frames(settings: &FrameSettings, blocks: &[&[f32]]) -> Vec<Vec<f32>> {
        let mut framer = Framer::new(settings);
        let mut all = Vec::new();
        let mut emit = |run: FrameRun<'_>| {
            for i in 0..run.count {
                all.push(run.samples[i * 160..i * 160 + 400].to_vec());
            }
        };
        blocks.iter().for_each(|block| framer.push(block, &mut emit));
        framer.finish(&mut emit);
        all
    }

    const ALL: [Edges; 6] =
        [Edges::Snip, Edges::Mirror, Edges::SnipTransform, Edges::CentreZeros, Edges::CentreReflect, Edges::PadLast];

    #[test]
    fn frames_are_what_their_definition_says() {
        for edges in ALL {
            for n in [0usize, 1, 2, 159, 240, 399, 400, 401, 560, 720, 1000, 4001, 6400] {
                let settings = settings(edges, PreEmphasis::Off);
                let x: Vec<f32> = (0..n).map(|i| i as f32 + 1.0).collect();
                let got = frames(&settings, &[&x]);
                assert_eq!(got.len() as u64, settings.frame_count(n as u64), "{edges:?} {n}");
                for (f, frame) in got.iter().enumerate() {
                    for (i, value) in frame.iter().enumerate() {
                        let s = settings.first_sample() + (f * 160 + i) as i64;
                        let expected = at_edge(edges, s, n as i64).map_or(0.0, |s| x[s as usize]);
                        assert_eq!(*value, expected, "{edges:?} N={n} frame {f} sample {i}");
                    }
                }
            }
        }
    }

    proptest! {
        #[test]
        fn block_sizes_do_not_matter(n in 0usize..3000, cut in 0usize..3000, step in 1usize..700, which in 0usize..6) {
            let settings = settings(ALL[which], PreEmphasis::WholeSignal(0.97));
            let x: Vec<f32> = (0..n).map(|i| ((i * 7919) % 1009) as f32).collect();
            let (head, tail) = x.split_at(cut.min(n));
            let mut blocks = vec![head];
            blocks.extend(tail.chunks(step));
            prop_assert_eq!(frames(&settings, &[&x]), frames(&settings, &blocks));
        }
    }

    #[test]
    fn the_buffer_stays_small() {
        let mut framer = Framer::new(&settings(Edges::Mirror, PreEmphasis::Off));
        for _ in 0..1000 {
            framer.push(&[0.5; 1600], &mut |_| {});
            assert!(framer.buffer.len() < 4000);
        }
    }
}
