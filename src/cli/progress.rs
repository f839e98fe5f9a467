//! A progress line on standard error, for work that takes longer than a second at a terminal.

use super::Common;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use soundalike::report::clock;
use std::io::IsTerminal;
use std::time::{Duration, Instant};

/// Shows how many clips are done, or how much of a recording.
pub struct Progress {
    bar: ProgressBar,
    started: Instant,
}

impl Progress {
    pub fn new(common: &Common) -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
        if !common.quiet && std::io::stderr().is_terminal() {
            bar.set_draw_target(ProgressDrawTarget::stderr());
        }
        let style = ProgressStyle::with_template("{pos} of {len} clips, {elapsed} gone, {eta} to go");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        Progress { bar, started: Instant::now() }
    }

    /// Takes the seconds of a recording that are heard, and those that it announces.
    pub fn heard(&self, heard_s: f64, announced_s: Option<f64>) {
        let gone = self.started.elapsed();
        if gone > Duration::from_secs(1) {
            let announced = announced_s.filter(|all_s| *all_s >= heard_s);
            let of = announced.map_or(String::new(), |all_s| format!(" of {}", clock(all_s, 0)));
            self.bar.set_style(ProgressStyle::with_template("{msg}").unwrap_or_else(|_| ProgressStyle::default_bar()));
            self.bar.set_message(format!("{}{of} heard, {} gone", clock(heard_s, 0), clock(gone.as_secs_f64(), 0)));
        }
    }

    /// Takes the numbers of clips done and in all; draws nothing in the first second.
    pub fn update(&self, done: usize, all: usize) {
        if self.started.elapsed() > Duration::from_secs(1) {
            self.bar.set_length(all as u64);
            self.bar.set_position(done as u64);
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
