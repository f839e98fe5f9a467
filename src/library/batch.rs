//! The panel over many clips, on several threads: the only place that starts any.

use crate::audio::{ClipSource, Variation};
use crate::encoder::{ClipAnalysis, Panel, PanelWorker};
use crate::error::{Error, ErrorKind, Result};
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::num::NonZero;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError, mpsc};

/// How a batch runs.
pub struct BatchOptions<'a> {
    /// Number of threads; 0 for one a core.
    pub threads: usize,
    /// Called after each clip with the number done and the number in all, from any thread.
    pub progress: &'a (dyn Fn(usize, usize) + Sync),
    /// Whether clips with less than the minimum of speech are encoded too.
    pub short: bool,
}

impl Default for BatchOptions<'_> {
    fn default() -> Self {
        BatchOptions { threads: 0, progress: &|_, _| {}, short: false }
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

/// The same of clips that may lie in memory.
///
/// # Errors
/// As [`analyse`].
pub fn analyse_clips(panel: &Panel, clips: &[ClipSource], options: &BatchOptions<'_>) -> Result<Vec<ClipAnalysis>> {
    over_clips(panel, clips, options, |worker, clip| worker.analyse_clip(clip, None))
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
    // What a short clip gives is part of what is validated.
    let options = &BatchOptions { short: true, ..*options };
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
        let mut worker = waiting.unwrap_or_else(|| panel.worker().encoding_short(options.short));
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
    check_threads(threads)?;
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads.min(count.max(1))).build();
    let pool = pool.map_err(|error| refused(format!("{threads} ({error})")))?;
    Ok(pool.install(|| (0..count).into_par_iter().with_max_len(1).map(&compute).collect()))
}

fn check_threads(threads: usize) -> Result<()> {
    if threads > MOST_THREADS { Err(refused(threads.to_string())) } else { Ok(()) }
}

fn refused(found: String) -> Error {
    let expected = format!("0 (one a core) to {MOST_THREADS}, as many as the system grants");
    ErrorKind::Setting { name: "threads", found, expected }.into()
}

/// Threads that run where none are asked for.
pub(crate) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, NonZero::get)
}

/// Works through items that come one after another, of which only so many may be held at once: `source` gives the next
/// until there is none, `work` turns it into a result on one of several threads, and `sink` takes the results in the
/// order of the items. `source` and `sink` run on the calling thread; `worker` makes what one thread works with, on
/// that thread. At most `window` items have left the source and not reached the sink. With one thread everything runs
/// on the calling one.
///
/// # Errors
/// The first error of `source` or `sink`, after which neither is called again, or where so many threads cannot be had.
pub fn stream<T: Send, R: Send, W>(
    threads: usize,
    window: usize,
    source: &mut dyn FnMut() -> Result<Option<T>>,
    worker: impl Fn() -> W + Sync,
    work: impl Fn(&mut W, T) -> R + Sync,
    sink: &mut dyn FnMut(R) -> Result<()>,
) -> Result<()> {
    check_threads(threads)?;
    let (asked, window) = (if threads == 0 { cores() } else { threads }, window.max(1));
    if asked.min(window) == 1 {
        let mut worker = worker();
        while let Some(item) = source()? {
            sink(work(&mut worker, item))?;
        }
        return Ok(());
    }
    let stopped = AtomicBool::new(false);
    let (jobs, waiting) = mpsc::channel::<(usize, T)>();
    let (done, results) = mpsc::channel();
    let waiting = Mutex::new(waiting);
    let run = |done: mpsc::Sender<(usize, std::thread::Result<R>)>| {
        // A panic is handed on: a result that never came would be waited for without end.
        let mut held = None;
        let next = || waiting.lock().unwrap_or_else(PoisonError::into_inner).recv();
        while let Ok((index, item)) = next() {
            if stopped.load(Ordering::Relaxed) {
                break;
            }
            let result = catch_unwind(AssertUnwindSafe(|| work(held.get_or_insert_with(&worker), item)));
            if done.send((index, result)).is_err() {
                break;
            }
        }
    };
    std::thread::scope(|scope| {
        // Owned here, so that the threads see the end of both channels however this ends.
        let (jobs, results) = (jobs, results);
        for _ in 0..asked.min(window) {
            let (run, done) = (&run, done.clone());
            let started = std::thread::Builder::new().spawn_scoped(scope, move || run(done));
            started.map_err(|error| refused(format!("{threads} ({error})")))?;
        }
        let outcome = in_order(window, source, &jobs, &results, sink);
        stopped.store(true, Ordering::Relaxed);
        outcome
    })
}

/// The calling thread's part of [`stream`]: keeps the threads in work and puts their results in order.
fn in_order<T, R>(
    window: usize,
    source: &mut dyn FnMut() -> Result<Option<T>>,
    jobs: &mpsc::Sender<(usize, T)>,
    results: &mpsc::Receiver<(usize, std::thread::Result<R>)>,
    sink: &mut dyn FnMut(R) -> Result<()>,
) -> Result<()> {
    let (mut taken, mut given, mut ended) = (0, 0, false);
    let mut early = BTreeMap::new();
    loop {
        while !ended && taken - given < window {
            match source()? {
                // The threads outlive this loop, so there is someone to take it.
                Some(item) => _ = jobs.send((taken, item)),
                None => ended = true,
            }
            taken += usize::from(!ended);
        }
        if taken == given {
            return Ok(());
        }
        let Ok((index, result)) = results.recv() else { return Ok(()) };
        early.insert(index, result.unwrap_or_else(|panic| resume_unwind(panic)));
        while let Some(result) = early.remove(&given) {
            sink(result)?;
            given += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;
    use std::time::Duration;

    /// Counts to `count` through `stream`; some items take longer than those after them.
    fn count(threads: usize, window: usize, count: usize) -> (Vec<usize>, usize) {
        let (taken, given, most) = (Cell::new(0), Cell::new(0), Cell::new(0));
        let mut results = Vec::new();
        let mut source = || {
            if taken.get() == count {
                return Ok(None);
            }
            taken.set(taken.get() + 1);
            most.set(most.get().max(taken.get() - given.get()));
            Ok(Some(taken.get() - 1))
        };
        let work = |runs: &mut usize, item: usize| {
            *runs += 1;
            std::thread::sleep(Duration::from_micros(if item.is_multiple_of(7) { 2000 } else { 10 }));
            assert!(*runs <= count);
            item * 3
        };
        let mut sink = |result| {
            results.push(result);
            given.set(given.get() + 1);
            Ok(())
        };
        stream(threads, window, &mut source, || 0, work, &mut sink).unwrap();
        (results, most.get())
    }

    #[test]
    fn results_keep_the_order_and_no_more_than_the_window_is_held() {
        let expected: Vec<usize> = (0..200).map(|i| i * 3).collect();
        for threads in [0, 1, 2, 8] {
            for window in [0, 1, 3, 16, 1000] {
                let (results, most) = count(threads, window, 200);
                assert_eq!(results, expected, "{threads} threads, window {window}");
                assert!(most <= window.max(1), "{threads} threads, window {window}: {most}");
            }
            assert!(count(threads, 4, 0).0.is_empty());
        }
    }

    #[test]
    fn an_error_of_either_end_stops_both() {
        let error = || Error::from(ErrorKind::Setting { name: "test", found: "x".into(), expected: "y".into() });
        for threads in [1, 2, 8] {
            let (taken, given) = (Cell::new(0), Cell::new(0));
            let run = |source_ends: usize, sink_ends: usize| {
                taken.set(0);
                given.set(0);
                let mut source = || {
                    taken.set(taken.get() + 1);
                    if taken.get() > source_ends { Err(error()) } else { Ok(Some(taken.get())) }
                };
                let mut sink = |_| {
                    given.set(given.get() + 1);
                    if given.get() == sink_ends { Err(error()) } else { Ok(()) }
                };
                stream(threads, 4, &mut source, || (), |(), item| item, &mut sink).unwrap_err()
            };
            run(usize::MAX - 1, 10);
            assert!(given.get() == 10 && taken.get() <= 14, "{threads}: {given:?} {taken:?}");
            run(10, usize::MAX);
            assert!(taken.get() == 11 && given.get() <= 10, "{threads}: {given:?} {taken:?}");
        }
    }

    #[test]
    fn a_panic_of_the_work_is_not_waited_for() {
        let mut items = 0..50;
        let work = |(): &mut (), item| assert!(item != 20, "item 20");
        let run = || stream(3, 8, &mut || Ok(items.next()), || (), work, &mut |()| Ok(()));
        assert!(catch_unwind(AssertUnwindSafe(run)).is_err());
    }

    #[test]
    fn too_many_threads_are_refused() {
        let run = stream(MOST_THREADS + 1, 4, &mut || Ok(None::<()>), || (), |(), ()| (), &mut |()| Ok(()));
        assert!(run.unwrap_err().to_string().contains("threads"));
    }
}
