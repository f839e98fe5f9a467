//! What the targets call: one function a target, which takes any bytes and must return.
//!
//! The tests of the main package include this module as well, and give it the kept corpora.

#![allow(clippy::expect_used)]

pub mod bundle;
pub mod calibration;
pub mod index;
pub mod report;
pub mod signature;
pub mod sound;
pub mod trials;
pub mod voice;

/// Lets a panic be caught, as the program does around the decoders of others; libFuzzer would end at each. One that is
/// caught nowhere still ends the run.
pub fn quiet_panics() {
    std::panic::set_hook(Box::new(|_| {}));
}

/// A folder for what can only be read from a path; gone when it is dropped. Set TMPDIR to one in memory.
fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

/// Writes a file of a folder.
fn write(folder: &tempfile::TempDir, name: &str, bytes: &[u8]) -> std::path::PathBuf {
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).expect("room in the temporary folder");
    path
}
