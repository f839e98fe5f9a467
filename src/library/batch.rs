//! The panel over many clips, on several threads: the only place that starts any.

use crate::encoder::{ClipAnalysis, Panel, PanelWorker};
use crate::error::{ErrorKind, Result};
use rayon::prelude::*;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// How a batch runs.
pub struct BatchOptions<'a> {
    /// Number of threads; 0 for one a core.
    pub threads: usize,
    /// Called after each clip with the number done and the number in all, from any thread.
    pub progress: &'a (dyn Fn(usize, usize) + Sync),
}

impl Default for BatchOptions<'_> {
    fn default() -> Self {
        BatchOptions { threads: 0, progress: &|_, _| {} }
    }
}

/// Most threads that can be asked for.
pub const MOST_THREADS: usize = 1024;

/// Passes over every clip. The result has the order of `paths`, and the same content for any number of threads.
///
/// # Errors
/// Where so many threads cannot be had. What is wrong with a clip is in its own analysis.
pub fn analyse(panel: &Panel, paths: &[PathBuf], options: &BatchOptions<'_>) -> Result<Vec<ClipAnalysis>> {
    let refused = |found: String| ErrorKind::Setting {
        name: "threads",
        found,
        expected: format!("0 (one a core) to {MOST_THREADS}, as many as the system grants"),
    };
    if options.threads > MOST_THREADS {
        return Err(refused(options.threads.to_string()).into());
    }
    let threads = options.threads.min(paths.len().max(1));
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
    let pool = pool.map_err(|error| refused(format!("{} ({error})", options.threads)))?;
    let done = AtomicUsize::new(0);
    // Workers go from clip to clip, so that what they hold is allocated once a thread and not once a clip.
    let idle: Mutex<Vec<PanelWorker<'_>>> = Mutex::new(Vec::new());
    let idle = || idle.lock().unwrap_or_else(PoisonError::into_inner);
    Ok(pool.install(|| {
        let clips = paths.par_iter().with_max_len(1).map(|path| {
            let waiting = idle().pop();
            let mut worker = waiting.unwrap_or_else(|| panel.worker());
            let analysis = worker.analyse(path);
            idle().push(worker);
            (options.progress)(done.fetch_add(1, Ordering::Relaxed) + 1, paths.len());
            analysis
        });
        clips.collect()
    }))
}
