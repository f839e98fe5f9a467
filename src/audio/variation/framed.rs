//! Filters that work on frames of one length, as streams of blocks of any length.

/// A filter of frames that follow one another.
pub(super) trait Filter {
    /// Length of a frame, samples; never 0.
    fn frame(&self) -> usize;
    /// Samples by which what leaves is later than what came in.
    fn delay(&self) -> usize;
    /// Replaces the next frame by what leaves.
    fn process(&mut self, frame: &mut [f32]);
}

/// A filter as a stream: as many samples leave it as came in, without its delay, and the same for any blocks.
pub(super) struct Framed {
    filter: Box<dyn Filter>,
    waiting: Vec<f32>,
    /// Samples still to be dropped: the delay.
    skip: usize,
    /// Samples that came in and have not left.
    owed: usize,
}

impl Framed {
    pub fn new(filter: impl Filter + 'static) -> Self {
        Framed { skip: filter.delay(), filter: Box::new(filter), waiting: Vec::new(), owed: 0 }
    }

    /// Replaces the next samples by those that are ready.
    pub fn push(&mut self, block: &mut Vec<f32>) {
        self.owed += block.len();
        self.waiting.append(block);
        self.run(block);
    }

    /// Appends the rest.
    pub fn finish(&mut self, out: &mut Vec<f32>) {
        let mut rest = Vec::new();
        while self.owed > 0 {
            self.waiting.resize(self.filter.frame(), 0.0);
            self.run(&mut rest);
        }
        out.append(&mut rest);
    }

    fn run(&mut self, out: &mut Vec<f32>) {
        let length = self.filter.frame();
        let whole = self.waiting.len() / length * length;
        for frame in self.waiting.chunks_exact_mut(length) {
            self.filter.process(frame);
            let dropped = self.skip.min(length);
            self.skip -= dropped;
            let ready = frame.get(dropped..).unwrap_or_default();
            let ready = ready.get(..self.owed.min(ready.len())).unwrap_or_default();
            out.extend_from_slice(ready);
            self.owed -= ready.len();
        }
        self.waiting.drain(..whole);
    }
}
