//! A progress line on standard error, for work that takes longer than a second at a terminal.

use super::Common;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use soundalike::library::index::Progress as IndexProgress;
use soundalike::report::clock;
use std::cell::Cell;
use std::io::{IsTerminal, Write};
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

/// The pace of work on a library: a line that is redrawn at a terminal, a new line every ten seconds elsewhere.
pub struct Pace {
    bar: ProgressBar,
    started: Instant,
    told: Cell<Instant>,
    shown: Shown,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Shown {
    Bar,
    Lines,
    Nothing,
}

impl Pace {
    pub fn new(common: &Common) -> Self {
        let shown = match (common.quiet, std::io::stderr().is_terminal()) {
            (true, _) => Shown::Nothing,
            (_, true) => Shown::Bar,
            (_, false) => Shown::Lines,
        };
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
        if shown == Shown::Bar {
            bar.set_draw_target(ProgressDrawTarget::stderr());
        }
        bar.set_style(ProgressStyle::with_template("{msg}").unwrap_or_else(|_| ProgressStyle::default_bar()));
        Pace { bar, started: Instant::now(), told: Cell::new(Instant::now()), shown }
    }

    /// Whether anything is told.
    pub fn is_shown(&self) -> bool {
        self.shown != Shown::Nothing
    }

    pub fn update(&self, progress: &IndexProgress) {
        let pause = Duration::from_millis(if self.shown == Shown::Lines { 10_000 } else { 250 });
        if !self.is_shown() || self.told.get().elapsed() < pause {
            return;
        }
        self.told.set(Instant::now());
        let line = paced(progress, self.started.elapsed().as_secs_f64());
        match self.shown {
            Shown::Bar => self.bar.set_message(line),
            _ => drop(writeln!(std::io::stderr(), "{line}")),
        }
    }
}

impl Drop for Pace {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// Clips done, their rate, their multiple of real time, and the time to go.
fn paced(progress: &IndexProgress, elapsed_s: f64) -> String {
    let mut line = match progress.all {
        Some(all) => format!("{} of {all} clips", progress.clips),
        None => format!("{} clips", progress.clips),
    };
    let elapsed_s = elapsed_s.max(1e-3);
    if progress.listened > 0 {
        let (rate, share) = (progress.listened as f64 / elapsed_s, progress.seconds / elapsed_s);
        line.push_str(&format!(", {rate:.1} clips a second, {share:.0} times real time"));
    }
    let left = progress.all.map(|all| all.saturating_sub(progress.clips));
    if let Some(left) = left.filter(|_| progress.clips > 0) {
        let seconds = (left as f64 * elapsed_s / progress.clips as f64) as u64;
        line.push_str(&format!(", {}:{:02}:{:02} to go", seconds / 3600, seconds / 60 % 60, seconds % 60));
    }
    line
}
