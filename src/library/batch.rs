//! The panel over many clips, on several threads: the only place that starts any.

use crate::audio::Variation;
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
    over_clips(panel, paths, options, |worker, path| worker.analyse(path))
}

/// The same of clips that are altered on their way.
///
/// # Errors
/// As [`analyse`].
pub fn analyse_varied(
    panel: &Panel,
    clips: &[(PathBuf, Variation)],
    options: &BatchOptions<'_>,
) -> Result<Vec<ClipAnalysis>> {
    let altered = |variation: &Variation| *variation != Variation::default();
    over_clips(panel, clips, options, |worker, (path, variation)| {
        worker.analyse_varied(path, Some(variation).filter(|variation| altered(variation)))
    })
}

fn over_clips<T: Sync>(
    panel: &Panel,
    clips: &[T],
    options: &BatchOptions<'_>,
    analyse: impl Fn(&mut PanelWorker<'_>, &T) -> ClipAnalysis + Sync,
) -> Result<Vec<ClipAnalysis>> {
    let done = AtomicUsize::new(0);
    // Workers go from clip to clip, so that what they hold is allocated once a thread and not once a clip.
    let idle: Mutex<Vec<PanelWorker<'_>>> = Mutex::new(Vec::new());
    let idle = || idle.lock().unwrap_or_else(PoisonError::into_inner);
    map(clips.len(), options.threads, |index| {
        let waiting = idle().pop();
        let mut worker = waiting.unwrap_or_else(|| panel.worker());
        let analysis = clips.get(index).map(|clip| analyse(&mut worker, clip));
        idle().push(worker);
        (options.progress)(done.fetch_add(1, Ordering::Relaxed) + 1, clips.len());
        analysis
    })
    .map(|analyses| analyses.into_iter().flatten().collect())
}

/// What `compute` gives for each number below `count`, in their order, computed on several threads.
///
/// # Errors
/// Where so many threads cannot be had.
pub fn map<T: Send>(count: usize, threads: usize, compute: impl Fn(usize) -> T + Sync) -> Result<Vec<T>> {
    let refused = |found: String| ErrorKind::Setting {
        name: "threads",
        found,
        expected: format!("0 (one a core) to {MOST_THREADS}, as many as the system grants"),
    };
    if threads > MOST_THREADS {
        return Err(refused(threads.to_string()).into());
    }
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads.min(count.max(1))).build();
    let pool = pool.map_err(|error| refused(format!("{threads} ({error})")))?;
    Ok(pool.install(|| (0..count).into_par_iter().with_max_len(1).map(&compute).collect()))
}
