//! From a stream of samples and what the speech detector says of its frames to overlapping windows inside speech.
//!
//! Frames that are kept make segments; a gap of at most [`BRIDGED_S`] does not end one. Windows of one length follow
//! each other inside a segment at one distance, and the last ends where the segment ends; a segment shorter than a
//! window is one window. Only the samples that a window may still need are held: a window, a gap and what the detector
//! looks ahead.

use crate::audio::SAMPLE_RATE_HZ;

/// A longer gap in speech ends a segment, seconds.
pub const BRIDGED_S: f64 = 0.5;

/// Samples from one frame of the speech detector to the next, and in a frame.
const SHIFT: u64 = 160;
const LENGTH: u64 = 400;

/// A stretch of a recording: the first sample at 16 kHz, and the one after the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::library) struct Stretch {
    pub start: u64,
    pub end: u64,
}

impl Stretch {
    /// How many samples two stretches share.
    pub fn shared(self, other: Stretch) -> u64 {
        self.end.min(other.end).saturating_sub(self.start.max(other.start))
    }
}

/// A number of samples for a time, and back.
pub(in crate::library) fn samples(seconds: f64) -> u64 {
    (seconds * f64::from(SAMPLE_RATE_HZ)).round() as u64
}

/// The time of a sample.
pub(in crate::library) fn seconds(samples: u64) -> f64 {
    samples as f64 / f64::from(SAMPLE_RATE_HZ)
}

/// A window, cut out.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::library) struct Cut {
    pub stretch: Stretch,
    pub samples: Vec<f32>,
}

/// The segment that is being heard.
#[derive(Clone, Copy, Debug)]
struct Open {
    start: u64,
    /// End of the last frame that was kept.
    end: u64,
    /// Start of the next window.
    next: u64,
    /// End of the last window; where there is none, the segment's start.
    covered: u64,
}

/// Cuts windows out of a stream.
#[derive(Debug)]
pub(in crate::library) struct Cutter {
    window: u64,
    hop: u64,
    bridged: u64,
    held: Vec<f32>,
    /// Position of the first sample that is held.
    first: u64,
    frames: u64,
    open: Option<Open>,
    /// The segments that have ended.
    pub segments: Vec<Stretch>,
    /// Runs of frames with speech, without margins and pauses.
    pub speech: Vec<Stretch>,
}

impl Cutter {
    /// A cutter of windows of such a length at such a distance, seconds.
    pub fn new(window_s: f64, hop_s: f64) -> Self {
        Cutter {
            window: samples(window_s),
            hop: samples(hop_s).max(1),
            bridged: samples(BRIDGED_S),
            held: Vec::new(),
            first: 0,
            frames: 0,
            open: None,
            segments: Vec::new(),
            speech: Vec::new(),
        }
    }

    /// Takes the next samples; what is said of their frames may come later.
    pub fn hold(&mut self, block: &[f32]) {
        self.held.extend_from_slice(block);
    }

    /// Takes what was found of the next frame and hands out the windows that it completes.
    pub fn frame(&mut self, speech: bool, keep: bool, sink: &mut dyn FnMut(Cut)) {
        let start = self.frames * SHIFT;
        self.frames += 1;
        if speech {
            match self.speech.last_mut().filter(|run| run.end == start) {
                Some(run) => run.end += SHIFT,
                None => self.speech.push(Stretch { start, end: start + SHIFT }),
            }
        }
        if keep {
            let end = start + LENGTH;
            let mut open = self.open.unwrap_or(Open { start, end, next: start, covered: start });
            open.end = end;
            while open.next + self.window <= open.end {
                open.covered = open.next + self.window;
                self.cut(Stretch { start: open.next, end: open.covered }, sink);
                open.next += self.hop;
            }
            self.open = Some(open);
        } else if self.open.is_some_and(|open| start + LENGTH > open.end + self.bridged) {
            self.close(sink);
        }
        self.forget();
    }

    /// Ends the stream and hands out the last window.
    pub fn finish(&mut self, sink: &mut dyn FnMut(Cut)) {
        self.close(sink);
        self.held.clear();
    }

    fn close(&mut self, sink: &mut dyn FnMut(Cut)) {
        let Some(open) = self.open.take() else { return };
        self.segments.push(Stretch { start: open.start, end: open.end });
        if open.covered < open.end {
            let start = open.end.saturating_sub(self.window).max(open.start);
            self.cut(Stretch { start, end: open.end }, sink);
        }
    }

    fn cut(&self, stretch: Stretch, sink: &mut dyn FnMut(Cut)) {
        let place = |position: u64| position.saturating_sub(self.first) as usize;
        if let Some(samples) = self.held.get(place(stretch.start)..place(stretch.end)) {
            sink(Cut { stretch, samples: samples.to_vec() });
        }
    }

    /// Lets go of what no window can need, a second or more at a time.
    fn forget(&mut self) {
        let needed = match self.open {
            Some(open) => open.next.min(open.end.saturating_sub(self.window).max(open.start)),
            None => self.frames * SHIFT,
        };
        let unneeded = needed.saturating_sub(self.first);
        if unneeded >= u64::from(SAMPLE_RATE_HZ)
            && self.held.drain(..(unneeded as usize).min(self.held.len())).len() > 0
        {
            self.first += unneeded;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Cuts a stream in which these frames are kept; every sample is its own position.
    fn cut(keep: &[bool], window_s: f64, hop_s: f64) -> (Vec<Cut>, Vec<Stretch>, usize) {
        let mut cutter = Cutter::new(window_s, hop_s);
        let (mut cuts, mut most) = (Vec::new(), 0);
        let all: Vec<f32> = (0..keep.len() * 160 + 240).map(|i| i as f32).collect();
        cutter.hold(&all[..240]);
        for (frame, keep) in keep.iter().enumerate() {
            cutter.hold(&all[240 + frame * 160..400 + frame * 160]);
            cutter.frame(*keep, *keep, &mut |cut| cuts.push(cut));
            most = most.max(cutter.held.len());
        }
        cutter.finish(&mut |cut| cuts.push(cut));
        (cuts, cutter.segments, most)
    }

    /// Frames, kept or not in turn, each so many times.
    fn frames(counts: &[usize]) -> Vec<bool> {
        counts.iter().enumerate().flat_map(|(i, n)| std::iter::repeat_n(i % 2 == 1, *n)).collect()
    }

    fn times(cuts: &[Cut]) -> Vec<(f64, f64)> {
        cuts.iter().map(|cut| (seconds(cut.stretch.start), seconds(cut.stretch.end))).collect()
    }

    #[test]
    fn windows_follow_each_other_and_the_last_ends_with_the_segment() {
        // Kept from 1 s to 6.515 s.
        let (cuts, segments, _) = cut(&frames(&[100, 550, 100]), 3.0, 1.0);
        assert_eq!(times(&cuts), [(1.0, 4.0), (2.0, 5.0), (3.0, 6.0), (3.515, 6.515)]);
        assert_eq!(segments, [Stretch { start: 16_000, end: 104_240 }]);
        for cut in &cuts {
            assert!(cut.samples.iter().map(|x| *x as u64).eq(cut.stretch.start..cut.stretch.end));
        }
    }

    #[test]
    fn a_short_segment_is_one_window_and_a_short_gap_no_end() {
        let (cuts, segments, _) = cut(&frames(&[0, 100, 80, 150]), 3.0, 1.0);
        assert_eq!(times(&cuts), [(0.0, 1.015), (1.8, 3.315)]);
        assert_eq!(segments.len(), 2);
        let (cuts, segments, _) = cut(&frames(&[0, 100, 40, 150]), 3.0, 1.0);
        assert_eq!((segments.len(), cuts.len()), (1, 1));
        assert!(cut(&frames(&[500]), 3.0, 1.0).0.is_empty() && cut(&[], 3.0, 1.0).0.is_empty());
    }

    proptest! {
        #[test]
        fn windows_cover_every_segment_and_little_is_held(
            counts in prop::collection::vec(0usize..900, 0..12), window in 1u32..40, hop in 1u32..40
        ) {
            let (window_s, hop_s) = (f64::from(window) / 10.0, f64::from(hop.min(window)) / 10.0);
            let (cuts, segments, most) = cut(&frames(&counts), window_s, hop_s);
            prop_assert!(most as f64 <= 16_000.0 * (window_s + hop_s + BRIDGED_S + 2.0), "{}", most);
            for cut in &cuts {
                prop_assert!(cut.samples.iter().map(|x| *x as u64).eq(cut.stretch.start..cut.stretch.end));
            }
            for segment in &segments {
                let inside = cuts.iter().map(|cut| cut.stretch).filter(|s| segment.shared(*s) > 0);
                let mut covered = segment.start;
                for stretch in inside {
                    prop_assert!(segment.shared(stretch) == stretch.end - stretch.start && stretch.start <= covered);
                    let length = samples(window_s).min(segment.end - segment.start);
                    prop_assert_eq!(stretch.end - stretch.start, length);
                    covered = covered.max(stretch.end);
                }
                prop_assert_eq!(covered, segment.end);
            }
        }
    }
}
