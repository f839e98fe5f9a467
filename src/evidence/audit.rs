//! The audit log: a line a run, each chained to the one before by its hash.
//!
//! The log is JSON Lines. A line is an [`AuditEntry`]'s fields in the order in which they are declared, then
//! `previous`, the hash of the line before (64 zeros in the first), then `hash`. That hash is the SHA-256 of the line's
//! bytes without `,"hash":"..."`, that is of a JSON object that ends with `previous`; no line feed is part of it. So
//! `sha256sum` recomputes it, and no two programs can differ over how the JSON is to be written.
//!
//! **What the chain shows**: a line that was changed, removed, inserted, moved or repeated anywhere but at the end.
//! **What it cannot show**: that lines at the end were taken away, unless the hash of the last line is kept elsewhere
//! ([`check`] takes it); and that the whole log was written anew by somebody who can compute hashes, unless one of its
//! hashes is. Nor does it show that what was logged is true: times come from the machine's clock, and whoever runs
//! the program can run it without a log.

use super::{fault, hex, is_hash};
use crate::error::{Error, ErrorKind, EvidenceFault, IoContext, Result};
use crate::path_text::text_of;
use crate::regular_file;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::Path;

/// What stands in the place of the hash before in the first line.
pub const NONE_BEFORE: &str = "0000000000000000000000000000000000000000000000000000000000000000";
/// Longest line: 256 MiB, a run over more than a million clips.
pub const MAX_LINE_BYTES: u64 = 256 << 20;
/// Bytes of `,"hash":"` and of what follows with the hash.
const HASH_START: &str = ",\"hash\":\"";
const HASH_END: &str = "\"}";
const TAIL_BYTES: usize = HASH_START.len() + 64 + HASH_END.len();

/// What a run did: a line of the log without what chains it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AuditEntry {
    /// When it ended, RFC 3339 in UTC.
    pub time: String,
    /// The command, such as `check`.
    pub command: String,
    /// All arguments as they were given; what is not UTF-8 is replaced.
    pub arguments: Vec<String>,
    /// The folder that relative paths start from.
    pub folder: String,
    /// Version of the program.
    pub version: String,
    /// What was read.
    pub inputs: Vec<AuditFile>,
    /// What was written, and `standard output`.
    pub outputs: Vec<AuditFile>,
    /// The exit code.
    pub exit_code: u8,
    /// Why nothing could be done, where that is so.
    pub error: Option<String>,
}

/// A file and its hash.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AuditFile {
    /// The path as it was given, `standard output`, or what it is, such as `calibration: built in`.
    pub path: String,
    /// SHA-256 of its content, 64 hexadecimal digits; null where it could not be read.
    pub sha256: Option<String>,
}

/// What chains a line; a later version may write more fields than this one knows.
#[derive(Deserialize)]
struct Line {
    previous: String,
    hash: String,
}

/// Whether a log is whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct AuditCheck {
    /// The log.
    pub path: String,
    /// True where every line is as it was written and follows the one before.
    pub intact: bool,
    /// Number of lines that are right, up to the first that is not.
    pub lines: u64,
    /// Hash of the last of them; 64 zeros where there is none. Kept elsewhere, it shows later whether lines at the end
    /// were taken away.
    pub last: String,
    /// The line whose hash was given as the one to be found, where it is there.
    pub known_line: Option<u64>,
    /// The first line that is wrong.
    pub fault: Option<AuditFault>,
}

/// The first line of a log that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct AuditFault {
    /// The line, counted from 1.
    pub line: u64,
    /// In what way it is wrong.
    pub kind: AuditFaultKind,
    /// What was found.
    pub found: String,
    /// What was expected.
    pub expected: String,
}

/// In what way a log is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AuditFaultKind {
    /// The line is not as it was written.
    Changed,
    /// The line is as it was written and does not follow the one before: lines were removed, inserted, moved or
    /// repeated.
    OutOfChain,
    /// The line has no end.
    CutShort,
    /// The line whose hash was given is not there: lines at the end were removed, or the log was written anew.
    Missing,
}

/// Appends an entry, as one line that is on the disk when this returns, and gives its hash.
///
/// Other processes that append wait meanwhile. Nothing that is there is changed; where the last line is not intact,
/// nothing is appended. A log that is not there is begun.
///
/// # Errors
/// [`ErrorKind::Evidence`] where the last line is not intact; [`ErrorKind::Io`] where the log cannot be read or
/// written.
pub fn append(path: &Path, entry: &AuditEntry) -> Result<String> {
    let mut file = opened(path)?;
    let (length, previous) = end(&mut file, path)?;
    let (line, hash) = line_of(entry, &previous).map_err(|source| unwritten(path, source))?;
    if line.len() as u64 > MAX_LINE_BYTES {
        let found = format!("a line of {} bytes", line.len());
        return Err(fault(path, EvidenceFault::Limit, found, format!("at most {MAX_LINE_BYTES}")));
    }
    let written = file.write_all(line.as_bytes()).and_then(|()| file.sync_all());
    if written.is_err() {
        // Of a line that could not be written whole (the disk is full, say) no part must stay.
        let _ = file.set_len(length);
    }
    written.at(path, "write")?;
    Ok(hash)
}

/// Finds out before a long run whether a line can be appended; a log that is not there is begun.
///
/// # Errors
/// As [`append`].
pub fn check_appendable(path: &Path) -> Result<()> {
    end(&mut opened(path)?, path).map(|_| ())
}

/// Goes through a whole log and names the first line that is wrong.
///
/// `known` is the hash of a line that was kept elsewhere: where no line has it, that is a fault too.
///
/// # Errors
/// [`ErrorKind::Io`] where it cannot be read; [`ErrorKind::Evidence`] where a line is longer than any that is written;
/// [`ErrorKind::Setting`] where `known` is no hash. A log that is wrong is no error but the result.
pub fn check(path: &Path, known: Option<&str>) -> Result<AuditCheck> {
    let known = known.map(|hash| hash.trim().to_ascii_lowercase());
    if let Some(found) = known.clone().filter(|hash| !is_hash(hash)) {
        let expected = "64 hexadecimal digits".into();
        return Err(ErrorKind::Setting { name: "last", found: format!("{found:?}"), expected }.into());
    }
    let mut reader = BufReader::with_capacity(1 << 16, regular_file::open(path)?);
    let mut outcome = AuditCheck {
        path: text_of(path),
        intact: true,
        lines: 0,
        last: NONE_BEFORE.into(),
        known_line: known.as_deref().filter(|hash| *hash == NONE_BEFORE).map(|_| 0),
        fault: None,
    };
    let mut line = Vec::new();
    while outcome.fault.is_none() && next_line(&mut reader, path, &mut line)? {
        match link(&line, outcome.lines + 1, Some(&outcome.last)) {
            Ok(hash) => {
                outcome.lines += 1;
                if known.as_ref() == Some(&hash) {
                    outcome.known_line = Some(outcome.lines);
                }
                outcome.last = hash;
            }
            Err(fault) => outcome.fault = Some(fault),
        }
    }
    if let (None, None, Some(known)) = (&outcome.fault, outcome.known_line, known) {
        outcome.fault = Some(AuditFault {
            line: outcome.lines + 1,
            kind: AuditFaultKind::Missing,
            found: format!("the end after line {} with the hash {}", outcome.lines, outcome.last),
            expected: format!("a line with the hash {known}"),
        });
    }
    outcome.intact = outcome.fault.is_none();
    Ok(outcome)
}

/// The log, opened to append and locked until it is closed.
fn opened(path: &Path) -> Result<File> {
    let other = || fault(path, EvidenceFault::Broken, "a folder, a pipe or a device", "a file");
    let file = match regular_file::options().read(true).append(true).create(true).open(path) {
        Err(_) if path.is_dir() => return Err(other()),
        file => file.at(path, "append to")?,
    };
    if !file.metadata().at(path, "append to")?.is_file() {
        return Err(other());
    }
    file.lock().at(path, "lock")?;
    Ok(file)
}

/// Length of a log and hash of its last line, which must be intact.
fn end(file: &mut File, path: &Path) -> Result<(u64, String)> {
    let length = file.metadata().at(path, "read")?.len();
    if length == 0 {
        return Ok((0, NONE_BEFORE.into()));
    }
    // The last line begins after the last but one line feed: looked for backwards.
    let (mut from, mut line) = (length, Vec::new());
    while from > 0 && !line.get(..line.len().saturating_sub(1)).unwrap_or_default().contains(&b'\n') {
        if length - from > MAX_LINE_BYTES {
            let found = "a last line without end";
            return Err(fault(path, EvidenceFault::Limit, found, format!("at most {MAX_LINE_BYTES} bytes")));
        }
        // Doubled, so that a long line is not put together over and over.
        let portion = (length - from).max(1 << 16).min(from);
        from -= portion;
        let mut before = vec![0; usize::try_from(portion).unwrap_or(0)];
        file.seek(SeekFrom::Start(from)).and_then(|_| file.read_exact(&mut before)).at(path, "read")?;
        before.append(&mut line);
        line = before;
    }
    let body = line.get(..line.len().saturating_sub(1)).unwrap_or_default();
    let start = body.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    match link(line.get(start..).unwrap_or_default(), 1, None) {
        Ok(hash) => Ok((length, hash)),
        Err(AuditFault { found, expected, .. }) => {
            let found = format!("a last line that is not intact: {found}");
            let expected = format!("{expected}; see verify --audit, keep this log, and begin another");
            Err(fault(path, EvidenceFault::Altered, found, expected))
        }
    }
}

/// The line of an entry with its line feed, and its hash.
fn line_of(entry: &AuditEntry, previous: &str) -> serde_json::Result<(String, String)> {
    #[derive(Serialize)]
    struct Chained<'a> {
        #[serde(flatten)]
        entry: &'a AuditEntry,
        previous: &'a str,
    }
    let hashed = serde_json::to_string(&Chained { entry, previous })?;
    let hash = hex(Sha256::digest(&hashed));
    let open = hashed.strip_suffix('}').unwrap_or(&hashed);
    Ok((format!("{open}{HASH_START}{hash}{HASH_END}\n"), hash))
}

/// The hash of a line that is as it was written and follows the one with the hash `previous`.
fn link(line: &[u8], number: u64, previous: Option<&str>) -> std::result::Result<String, AuditFault> {
    let wrong = |kind, found: String, expected: String| Err(AuditFault { line: number, kind, found, expected });
    let Some(line) = line.strip_suffix(b"\n") else {
        let found = format!("{} bytes without a line feed", line.len());
        return wrong(AuditFaultKind::CutShort, found, "a whole line".into());
    };
    let changed = |found: &str| wrong(AuditFaultKind::Changed, found.into(), "an entry that ends with its hash".into());
    let Some((open, tail)) = line.len().checked_sub(TAIL_BYTES).and_then(|at| line.split_at_checked(at)) else {
        return changed(if line.is_empty() { "an empty line" } else { "a line that is too short" });
    };
    let tail = std::str::from_utf8(tail).ok();
    let stated = tail.and_then(|tail| tail.strip_prefix(HASH_START)?.strip_suffix(HASH_END));
    let Some(stated) = stated.filter(|hash| is_hash(hash)) else { return changed("a line without a hash at its end") };
    let mut hash = Sha256::new();
    hash.update(open);
    hash.update(b"}");
    let hash = hex(hash.finalize());
    if hash != stated {
        let found = format!("a line whose SHA-256 is {hash}");
        return wrong(AuditFaultKind::Changed, found, format!("{stated}, as it states"));
    }
    let Some(before) = serde_json::from_slice::<Line>(line).ok().filter(|line| line.hash == stated) else {
        return changed("a line that is no JSON object with previous and hash");
    };
    match previous {
        Some(previous) if before.previous != previous => {
            let found = format!("a line that follows the one with the hash {:?}", before.previous);
            wrong(AuditFaultKind::OutOfChain, found, follows(number, previous))
        }
        _ => Ok(hash),
    }
}

fn follows(number: u64, previous: &str) -> String {
    if number == 1 {
        format!("the first line, which follows {NONE_BEFORE}")
    } else {
        format!("one that follows {previous}, line {}", number - 1)
    }
}

/// Reads the next line with its line feed; false at the end.
fn next_line(reader: &mut impl BufRead, path: &Path, line: &mut Vec<u8>) -> Result<bool> {
    line.clear();
    let read = reader.take(MAX_LINE_BYTES + 1).read_until(b'\n', line).at(path, "read")?;
    if read as u64 > MAX_LINE_BYTES {
        let found = "a line without end";
        return Err(fault(path, EvidenceFault::Limit, found, format!("at most {MAX_LINE_BYTES} bytes")));
    }
    Ok(read > 0)
}

fn unwritten(path: &Path, error: serde_json::Error) -> Error {
    ErrorKind::Io { path: path.into(), action: "write", source: error.into() }.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::fs;
    use std::path::PathBuf;

    fn entry(n: usize) -> AuditEntry {
        AuditEntry {
            time: format!("2026-01-02T03:04:{n:02}Z"),
            command: "check".into(),
            arguments: vec!["check".into(), "a\n\"b\"\u{1b}[2J\u{2028}\u{e9}".into()],
            folder: "/cases".into(),
            version: "0.1.0".into(),
            inputs: vec![AuditFile { path: format!("{n}.wav"), sha256: Some("a".repeat(64)) }],
            outputs: vec![AuditFile { path: "standard output".into(), sha256: None }],
            exit_code: 2,
            error: Some("x".into()),
        }
    }

    struct Log {
        folder: tempfile::TempDir,
    }

    impl Log {
        fn of(bytes: &[u8]) -> Self {
            let log = Log { folder: tempfile::tempdir().unwrap() };
            fs::write(log.path(), bytes).unwrap();
            log
        }

        fn path(&self) -> PathBuf {
            self.folder.path().join("audit.jsonl")
        }

        fn check(&self, known: Option<&str>) -> AuditCheck {
            check(&self.path(), known).unwrap()
        }
    }

    fn written(lines: usize) -> Vec<u8> {
        let log = Log::of(b"");
        (0..lines).for_each(|n| drop(append(&log.path(), &entry(n)).unwrap()));
        fs::read(log.path()).unwrap()
    }

    fn faults(bytes: &[u8]) -> Option<(u64, AuditFaultKind)> {
        Log::of(bytes).check(None).fault.map(|fault| (fault.line, fault.kind))
    }

    #[test]
    fn each_line_follows_the_one_before() {
        let log = Log::of(b"");
        assert_eq!((log.check(None).intact, log.check(None).lines), (true, 0));
        let hashes: Vec<String> = (0..3).map(|n| append(&log.path(), &entry(n)).unwrap()).collect();
        let text = fs::read_to_string(log.path()).unwrap();
        assert_eq!(text.lines().count(), 3);
        let mut previous = NONE_BEFORE.to_string();
        for (n, line) in text.lines().enumerate() {
            let value: serde_json::Value = serde_json::from_str(line).unwrap();
            assert_eq!(value["previous"], previous.as_str());
            let hashed = line.replace(&format!(",\"hash\":\"{}\"", hashes[n]), "");
            assert_eq!(hex(Sha256::digest(hashed.as_bytes())), hashes[n]);
            assert!(line.starts_with("{\"time\":\"2026-") && line.ends_with(&format!(",\"hash\":\"{}\"}}", hashes[n])));
            previous = hashes[n].clone();
        }
        let outcome = log.check(Some(&hashes[1].to_uppercase()));
        assert_eq!((outcome.lines, outcome.known_line, &outcome.last), (3, Some(2), &hashes[2]));
        check_appendable(&log.path()).unwrap();
        assert_eq!(fs::read_to_string(log.path()).unwrap(), text);
    }

    #[test]
    fn what_was_done_to_a_log_is_named_with_its_line() {
        use AuditFaultKind::{Changed, CutShort, OutOfChain};
        let bytes = written(4);
        let lines: Vec<&[u8]> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
        let with = |order: &[usize]| faults(&order.iter().flat_map(|n| lines[*n]).copied().collect::<Vec<u8>>());
        assert_eq!(with(&[0, 1, 2, 3]), None);
        assert_eq!(with(&[1, 2, 3]), Some((1, OutOfChain)));
        assert_eq!(with(&[0, 2, 3]), Some((2, OutOfChain)));
        assert_eq!(with(&[0, 2, 1, 3]), Some((2, OutOfChain)));
        assert_eq!(with(&[0, 1, 1, 2, 3]), Some((3, OutOfChain)));
        assert_eq!(faults(&bytes[..bytes.len() - 1]), Some((4, CutShort)));
        assert_eq!(faults(&bytes[..bytes.len() - 9]), Some((4, CutShort)));
        assert_eq!(faults(&[&bytes, &b"\n"[..]].concat()), Some((5, Changed)));
        assert_eq!(
            faults(&String::from_utf8(bytes.clone()).unwrap().replacen("2.wav", "9.wav", 1).into_bytes()),
            Some((3, Changed))
        );
        // Lines at the end: only who kept a hash knows.
        let last = Log::of(&bytes).check(None).last;
        let shorter = Log::of(&lines[..3].concat());
        assert!(shorter.check(None).intact);
        let fault = shorter.check(Some(&last)).fault.unwrap();
        assert_eq!((fault.line, fault.kind), (4, AuditFaultKind::Missing));
        assert!(check(&shorter.path(), Some("abc")).unwrap_err().is_setting());
    }

    #[test]
    fn nothing_is_appended_to_a_log_whose_end_is_not_intact() {
        let bytes = written(2);
        let mut changed = bytes.clone();
        let at = bytes.len() - 200;
        changed[at] ^= 1;
        for bytes in [&bytes[..bytes.len() - 1], &changed, b"not a log\n", b"\n", b"x"] {
            let log = Log::of(bytes);
            let error = append(&log.path(), &entry(3)).unwrap_err();
            assert!(error.is_altered() && error.to_string().contains("begin another"), "{error}");
            assert!(check_appendable(&log.path()).is_err());
            assert_eq!(fs::read(log.path()).unwrap(), bytes);
        }
        let folder = tempfile::tempdir().unwrap();
        assert!(append(folder.path(), &entry(0)).is_err());
        assert!(append(&folder.path().join("no/such"), &entry(0)).unwrap_err().is_io());
        assert!(check(&folder.path().join("none"), None).unwrap_err().is_io());
    }

    #[test]
    fn long_lines_are_found_from_the_end() {
        let log = Log::of(b"");
        for n in [0, 70_000, 10, 400_000, 65_000] {
            let folder = "x".repeat(n);
            append(&log.path(), &AuditEntry { folder, ..entry(1) }).unwrap();
        }
        assert_eq!((log.check(None).intact, log.check(None).lines), (true, 5));
    }

    #[test]
    fn those_who_append_at_once_wait_for_each_other() {
        let log = Log::of(b"");
        let (path, each) = (log.path(), 20);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..each).for_each(|n| drop(append(&path, &entry(n)).unwrap())));
            }
        });
        assert_eq!((log.check(None).intact, log.check(None).lines), (true, 80));
    }

    proptest! {
        #[test]
        fn any_changed_byte_is_found(at in 0..10_000usize, byte in any::<u8>()) {
            let mut bytes = written(3);
            let at = at % bytes.len();
            prop_assume!(bytes[at] != byte);
            let line = bytes[..at].iter().filter(|byte| **byte == b'\n').count() as u64 + 1;
            bytes[at] = byte;
            let fault = faults(&bytes);
            prop_assert_eq!(fault.map(|fault| fault.0), Some(line));
        }

        #[test]
        fn any_inserted_or_removed_byte_is_found(at in 0..10_000usize, byte in prop::option::of(any::<u8>())) {
            let mut bytes = written(3);
            let at = at % bytes.len();
            match byte {
                Some(byte) => bytes.insert(at, byte),
                None => drop(bytes.remove(at)),
            }
            prop_assert!(faults(&bytes).is_some());
        }

        #[test]
        fn any_other_order_than_a_beginning_is_found(order in prop::collection::vec(0..4usize, 1..6)) {
            let bytes = written(4);
            let lines: Vec<&[u8]> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
            let turned: Vec<u8> = order.iter().flat_map(|n| lines[*n]).copied().collect();
            let beginning = order.iter().copied().eq(0..order.len());
            prop_assert_eq!(faults(&turned).is_none(), beginning);
        }
    }
}
