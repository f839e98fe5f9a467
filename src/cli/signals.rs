//! What happens when a signal ends the program (SIGTERM, SIGHUP, SIGINT): temporary folders are removed first.
//!
//! Then the signal does what it does to any program, so a shell reports 128 and its number, and a loop in a shell ends.
//! A signal that whoever started the program has it ignore (`nohup`) stays ignored.

#[cfg(not(unix))]
pub fn watch() {}

#[cfg(not(unix))]
pub fn settle() {}

#[cfg(unix)]
pub use unix::{settle, watch};

#[cfg(unix)]
mod unix {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    use signal_hook::low_level;
    use soundalike::private_folder::remove_private_folders;
    use std::io::Read;
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
    use std::sync::{Arc, OnceLock};
    use std::thread;

    /// Set while a signal ends the program.
    static ENDING: OnceLock<Arc<AtomicBool>> = OnceLock::new();

    /// Watches for signals from now on. Where that cannot be done they end the program at once, and the next run removes
    /// what is left.
    pub fn watch() {
        let ending = ENDING.get_or_init(Arc::default);
        let caught = Arc::new(AtomicUsize::new(0));
        let Ok((mut reader, writer)) = std::io::pipe() else { return };
        let ignored = ignored();
        for signal in [SIGTERM, SIGHUP, SIGINT].into_iter().filter(|signal| !is_in(ignored, *signal)) {
            let Ok(writer) = writer.try_clone() else { continue };
            let number = usize::try_from(signal).unwrap_or(usize::MAX);
            // In this order: what is noted comes before the thread is woken.
            let _ = signal_hook::flag::register_usize(signal, Arc::clone(&caught), number);
            let _ = signal_hook::flag::register(signal, Arc::clone(ending));
            let _ = low_level::pipe::register(signal, writer);
        }
        let end = move || {
            if reader.read_exact(&mut [0]).is_ok() {
                remove_private_folders();
                let signal = i32::try_from(caught.load(Ordering::SeqCst)).unwrap_or(SIGTERM);
                let _ = low_level::emulate_default_handler(signal);
            }
        };
        let _ = thread::Builder::new().name("signals".into()).spawn(end);
    }

    /// Waits for the end where a signal ends the program: what went wrong since, since its folders went, is not said.
    pub fn settle() {
        while ENDING.get().is_some_and(|ending| ending.load(Ordering::SeqCst)) {
            thread::park();
        }
    }

    /// The signals that are ignored, a bit each from that of signal 1 on. Where the system does not say, a hangup is taken
    /// to be: a program that was started to outlive its terminal must.
    fn ignored() -> u64 {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
        line.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(bit(SIGHUP))
    }

    fn is_in(signals: u64, signal: i32) -> bool {
        signals & bit(signal) != 0
    }

    fn bit(signal: i32) -> u64 {
        1 << (signal - 1)
    }
}
