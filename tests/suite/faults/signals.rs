//! Runs that a signal ends: no recording that was decrypted and no embedding is left that anybody could read.
#![cfg(target_os = "linux")]

use crate::program::{CANDIDATE, REFERENCE, fixtures, folder, program, run, soundalike, word};
use std::fs;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Made once by age-keygen, for these tests alone.
const SECRET: &str = "AGE-SECRET-KEY-1VPF8ZQU3FUV3M8PTPV22A648M75WXK4W00ZPX4VMSUN8KV3C88NQSZZXMQ";
const PUBLIC: &str = "age18zudu7nlvfgdzmyxv0j6ckzs0sqx3pxpwf7r9cgcqf2d8vplzvmqd35h85";
/// Signals that end a program, of which the last cannot be caught.
const SIGNALS: [i32; 4] = [libc::SIGTERM, libc::SIGHUP, libc::SIGINT, libc::SIGKILL];

fn command(temporary: &Path, arguments: &[&str]) -> Command {
    let mut command = program();
    command.current_dir(fixtures()).env("TMPDIR", temporary).args(arguments);
    command
}

fn start(mut command: Command) -> Child {
    // Whoever runs the tests may ignore a signal, and a program takes that over.
    // SAFETY: calls of the system with numbers, between fork and exec.
    unsafe {
        command.pre_exec(|| {
            [libc::SIGTERM, libc::SIGHUP, libc::SIGINT].iter().for_each(|signal| {
                libc::signal(*signal, libc::SIG_DFL);
            });
            Ok(())
        });
    }
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// Waits until something holds of a running program.
#[track_caller]
fn wait(child: &mut Child, holds: impl Fn(&Child) -> bool) {
    let started = Instant::now();
    while !holds(child) {
        assert!(child.try_wait().unwrap().is_none(), "the run ended before the signal");
        assert!(started.elapsed() < Duration::from_secs(60));
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn send(child: &Child, signal: i32) {
    // SAFETY: a call of the system with two numbers.
    assert_eq!(unsafe { libc::kill(i32::try_from(child.id()).unwrap(), signal) }, 0);
}

/// Every file below a folder.
fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let walk = walkdir::WalkDir::new(folder).into_iter().flatten();
    walk.filter(|entry| entry.file_type().is_file()).map(|entry| entry.into_path()).collect()
}

/// Files without a name that a process has open in a folder.
fn unnamed(child: &Child, folder: &Path) -> usize {
    let links = fs::read_dir(format!("/proc/{}/fd", child.id())).into_iter().flatten().flatten();
    let targets = links.filter_map(|link| fs::read_link(link.path()).ok());
    targets.filter(|to| to.starts_with(folder) && to.to_string_lossy().ends_with("(deleted)")).count()
}

#[test]
fn a_verification_that_is_ended_leaves_nothing_of_an_encrypted_bundle() {
    let place = folder();
    let (key, report, bundle) =
        (place.path().join("key.txt"), place.path().join("r.json"), place.path().join("case.zip.age"));
    fs::write(&key, format!("{SECRET}\n")).unwrap();
    soundalike(&["check", "-q", "--reference", REFERENCE, CANDIDATE, "--report", word(&report)]).exits(0);
    soundalike(&["bundle", "-q", word(&report), "-o", word(&bundle), "--recipient", PUBLIC]).exits(0);
    let temporary = folder();
    let verify = ["verify", "-q", word(&bundle), "--identity", word(&key)];
    for signal in SIGNALS {
        let mut child = start(command(temporary.path(), &verify));
        // The zip and some of its recordings.
        wait(&mut child, |child| unnamed(child, temporary.path()) > 3);
        assert_eq!(files(temporary.path()), Vec::<std::path::PathBuf>::new(), "nothing has a name");
        send(&child, signal);
        assert_eq!(child.wait().unwrap().signal(), Some(signal));
        assert_eq!(fs::read_dir(temporary.path()).unwrap().count(), 0, "after signal {signal}");
    }
    run(command(temporary.path(), &verify)).exits(0);
    assert_eq!(fs::read_dir(temporary.path()).unwrap().count(), 0);
}

/// A scan of clips without an index, which keeps embeddings in a temporary folder.
fn scan(temporary: &Path) -> Command {
    command(temporary, &["scan", "-q", "--reference", REFERENCE, "voices"])
}

fn is_at_work(temporary: &Path) -> bool {
    files(temporary).iter().any(|path| path.ends_with("_index.json"))
}

#[test]
fn a_scan_that_is_ended_leaves_no_folder() {
    let temporary = folder();
    for signal in &SIGNALS[..3] {
        let mut child = start(scan(temporary.path()));
        wait(&mut child, |_| is_at_work(temporary.path()));
        send(&child, *signal);
        assert_eq!(child.wait().unwrap().signal(), Some(*signal));
        assert_eq!(fs::read_dir(temporary.path()).unwrap().count(), 0, "after signal {signal}");
    }
}

#[test]
fn what_a_killed_scan_leaves_nobody_can_read_and_the_next_removes() {
    let temporary = folder();
    let mut child = start(scan(temporary.path()));
    wait(&mut child, |_| is_at_work(temporary.path()));
    send(&child, libc::SIGKILL);
    assert_eq!(child.wait().unwrap().signal(), Some(libc::SIGKILL));
    let left = files(temporary.path());
    assert!(left.iter().any(|path| path.ends_with("_key.age")), "{left:?}");
    for path in left {
        let bytes = fs::read(&path).unwrap();
        let begun = path.to_string_lossy().ends_with(".part");
        assert!(bytes.is_empty() || begun || bytes.starts_with(b"age-encryption.org/v1\n"), "{}", path.display());
        assert!(!bytes.windows(4).any(|part| part == b"PAR1"), "{}", path.display());
    }
    let next = ["scan", "-q", "--reference", REFERENCE, "voices/nsh/tts", "--by", "mfcc"];
    run(command(temporary.path(), &next)).exits(0);
    assert_eq!(fs::read_dir(temporary.path()).unwrap().count(), 0);
}

#[test]
fn a_hangup_that_is_ignored_ends_nothing() {
    let temporary = folder();
    let mut command = Command::new("sh");
    let program = program();
    let words = ["-c", "trap '' HUP; exec \"$0\" scan -q --reference \"$1\" voices/slt --by mfcc"];
    command.args(words).arg(program.get_program()).arg(REFERENCE);
    command.current_dir(fixtures()).env("TMPDIR", temporary.path());
    let mut child = start(command);
    wait(&mut child, |_| is_at_work(temporary.path()));
    send(&child, libc::SIGHUP);
    assert_eq!(child.wait().unwrap().code(), Some(0));
}
