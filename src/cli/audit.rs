//! What a run read and gave, collected for its line in the audit log. Commands say what they read; what is printed and
//! written is noted where that is done. Without `--audit` nothing is collected and nothing is hashed. This is where the
//! program looks at the clock.

use super::LabelArgs;
use sha2::{Digest, Sha256};
use soundalike::Result;
use soundalike::audio::file_sha256;
use soundalike::evidence::audit::{self, AuditEntry, AuditFile};
use soundalike::library::index::{Index, MANIFEST};
use soundalike::library::{Labels, Reference, catalogue};
use soundalike::path_text::text_of;
use std::borrow::Borrow;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

/// One run is one process, and output is written from many places.
static COLLECTED: Mutex<Option<Collected>> = Mutex::new(None);

#[derive(Default)]
struct Collected {
    printed: Sha256,
    any_printed: bool,
    inputs: Vec<AuditFile>,
    outputs: Vec<AuditFile>,
}

/// Begins to collect; refuses a log that no line could be appended to, before the run.
pub fn start(log: &Path) -> Result<()> {
    audit::check_appendable(log)?;
    *COLLECTED.lock().unwrap_or_else(PoisonError::into_inner) = Some(Collected::default());
    Ok(())
}

/// Appends the line of this run.
pub fn finish(log: &Path, command: &str, exit_code: u8, error: Option<String>) -> Result<()> {
    let taken = COLLECTED.lock().unwrap_or_else(PoisonError::into_inner).take();
    let Collected { printed, any_printed, inputs, mut outputs } = taken.unwrap_or_default();
    if any_printed {
        outputs.insert(0, AuditFile { path: "standard output".into(), sha256: Some(hex(&printed.finalize())) });
    }
    let mut seen = BTreeSet::new();
    let inputs = inputs.into_iter().filter(|file| seen.insert(file.clone())).collect();
    let entry = AuditEntry {
        time: now(),
        command: command.into(),
        arguments: std::env::args_os().skip(1).map(|word| text_of(word.as_ref())).collect(),
        folder: std::env::current_dir().map(|folder| text_of(&folder)).unwrap_or_default(),
        version: soundalike::VERSION.into(),
        inputs,
        outputs,
        exit_code,
        error,
    };
    audit::append(log, &entry).map(drop)
}

fn note(what: impl FnOnce(&mut Collected)) {
    if let Some(collected) = COLLECTED.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
        what(collected);
    }
}

fn is_on() -> bool {
    COLLECTED.lock().unwrap_or_else(PoisonError::into_inner).is_some()
}

/// Bytes that went to standard output.
pub fn printed(bytes: &[u8]) {
    note(|collected| {
        collected.printed.update(bytes);
        collected.any_printed |= !bytes.is_empty();
    });
}

/// The hash of a file, where a log is kept and the file can be read.
pub fn hash(path: &Path) -> Option<String> {
    if is_on() { file_sha256(path).ok() } else { None }
}

/// The hash of what would be written, where a log is kept.
pub fn hash_of(bytes: impl FnOnce() -> Result<Vec<u8>>) -> Option<Result<String>> {
    is_on().then(|| bytes().map(|bytes| hex(&Sha256::digest(&bytes))))
}

/// A file that was written.
pub fn output(path: &Path, sha256: Option<String>) {
    note(|collected| collected.outputs.push(AuditFile { path: text_of(path), sha256 }));
}

/// Something that was read, and the hash that it had then.
pub fn input(path: &str, sha256: Option<&str>) {
    note(|collected| collected.inputs.push(AuditFile { path: path.into(), sha256: sha256.map(str::to_string) }));
}

/// A file that is read, where the result does not hold its hash: it is read once more.
pub fn input_file(path: &Path) {
    input(&text_of(path), hash(path).as_deref());
}

/// The same of an index: the file that names the hashes of its segments, or else each segment with its hash.
pub fn input_index(index: &Index) {
    let Some(folder) = index.folder() else { return };
    if !index.is_of_others() {
        return input_file(&folder.join(MANIFEST));
    }
    for segment in &index.manifest().segments {
        input(&text_of(&folder.join(&segment.file)), Some(&segment.sha256));
    }
}

/// The same of files, folders and patterns; a folder stands for what is in it.
pub fn input_files(named: impl IntoIterator<Item = impl Borrow<PathBuf>>) {
    if !is_on() {
        return;
    }
    for path in named {
        let path: &PathBuf = path.borrow();
        let files = if path.is_dir() { catalogue::files(path) } else { Vec::new() };
        if !files.is_empty() {
            files.iter().for_each(|file| input_file(file));
            continue;
        }
        for file in catalogue::expand_each(std::slice::from_ref(path)).clips {
            match file {
                Ok(file) | Err((file, _)) => input_file(&file),
            }
        }
    }
}

/// The clips of a reference, and the voice models that hold them.
pub fn reference(reference: &Reference) {
    for model in &reference.models {
        input(&model.path, Some(&model.sha256));
    }
    for clip in &reference.clips {
        input(&clip.path, clip.sha256.as_deref());
    }
}

/// Labelled clips, and the tables that name them.
pub(super) fn labels(args: &LabelArgs, labels: &Labels) {
    if !is_on() {
        return;
    }
    args.manifest.iter().chain(&args.trials).for_each(|table| input_file(table));
    match labels {
        Labels::Manifest { manifest, .. } => manifest.clips.iter().for_each(|clip| input_file(&clip.path)),
        Labels::Trials { list, .. } => list.clips.iter().for_each(|clip| input_file(clip)),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn now() -> String {
    // A clock that stands before 1970 is shown as 1970.
    rfc3339(SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()))
}

/// Seconds since 1970 as a date and time in UTC.
fn rfc3339(seconds: u64) -> String {
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    // Days are counted from 1 March of the year 0 on, so that a leap day is the last of its year.
    let days = days + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let year = era * 400 + year + u64::from(month <= 2);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

#[cfg(test)]
mod tests {
    use super::rfc3339;

    #[test]
    fn seconds_become_dates() {
        for (seconds, date) in [
            (0, "1970-01-01T00:00:00Z"),
            (86_399, "1970-01-01T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (951_868_800, "2000-03-01T00:00:00Z"),
            (1_709_164_799, "2024-02-28T23:59:59Z"),
            (1_709_251_199, "2024-02-29T23:59:59Z"),
            (1_735_689_599, "2024-12-31T23:59:59Z"),
            (1_735_689_600, "2025-01-01T00:00:00Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
            (253_402_300_799, "9999-12-31T23:59:59Z"),
        ] {
            assert_eq!(rfc3339(seconds), date);
        }
    }
}
