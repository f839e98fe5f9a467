//! Nothing leaves the machine, and nothing is left lying about: no socket is opened, and temporary files are the user's
//! alone and gone in the end.

use crate::program::{CANDIDATE, MFCC, REFERENCE, fixtures, folder, run, soundalike, word};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

/// Commands of every kind, and the code that each exits with.
const RUNS: [(&[&str], i32); 9] = [
    (&["check", "--reference", REFERENCE, CANDIDATE], 0),
    (&["scan", MFCC, "--reference", REFERENCE, "voices/slt"], 2),
    (&["scan", "--reference", REFERENCE, "voices/slt", "--by", "mfcc"], 0),
    (&["inspect", "--voice", "malformed", CANDIDATE], 3),
    (&["features", CANDIDATE, "--kind", "embedding"], 0),
    (&["selftest"], 0),
    (&["demo"], 0),
    (&["man", "check"], 0),
    (&["completions", "zsh"], 0),
];

#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
mod sockets {
    use super::*;
    use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, apply_filter};
    use std::os::unix::process::{CommandExt, ExitStatusExt};

    /// Kills the process that asks for a socket, or for a ring of the kernel that could open one.
    fn without_sockets(command: &mut Command) {
        let calls = [libc::SYS_socket, libc::SYS_socketpair, libc::SYS_connect, libc::SYS_io_uring_setup];
        let rules = calls.into_iter().map(|call| (call, Vec::new())).collect();
        let arch = std::env::consts::ARCH.try_into().unwrap();
        let filter = SeccompFilter::new(rules, SeccompAction::Allow, SeccompAction::KillProcess, arch).unwrap();
        let program: BpfProgram = filter.try_into().unwrap();
        // SAFETY: between fork and exec only two system calls are made.
        unsafe {
            command.pre_exec(move || apply_filter(&program).map_err(|_| std::io::ErrorKind::PermissionDenied.into()));
        }
    }

    #[test]
    fn no_command_opens_a_socket() {
        for (arguments, code) in RUNS {
            let mut command = Command::new(env!("CARGO_BIN_EXE_soundalike"));
            command.current_dir(fixtures()).args(arguments);
            without_sockets(&mut command);
            run(command).exits(code);
        }
    }

    #[test]
    fn a_program_that_opens_one_is_killed_by_the_same_filter() {
        let mut command = Command::new("bash");
        command.args(["-c", ": > /dev/tcp/127.0.0.1/9"]).stderr(Stdio::null());
        without_sockets(&mut command);
        assert_eq!(command.status().unwrap().signal(), Some(libc::SIGSYS));
    }
}

#[test]
fn temporary_files_are_the_users_alone_and_gone_in_the_end() {
    let temporary = folder();
    let place = temporary.path();
    let mut command = Command::new(env!("CARGO_BIN_EXE_soundalike"));
    command.current_dir(fixtures()).env("TMPDIR", place).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.args(["scan", "--reference", REFERENCE, "voices", "--by", "mfcc"]).spawn().unwrap();
    let mut modes = Vec::new();
    while child.try_wait().unwrap().is_none() {
        let entries = fs::read_dir(place).unwrap().filter_map(|entry| entry.ok()?.metadata().ok());
        modes.extend(entries.map(|metadata| metadata.permissions().mode() & 0o777));
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    assert!(!modes.is_empty() && modes.iter().all(|mode| mode & 0o077 == 0), "{modes:?}");
    assert_eq!(fs::read_dir(place).unwrap().count(), 0);
}

#[test]
fn the_report_of_a_case_names_no_address_that_is_fetched() {
    let folder = folder();
    let page = folder.path().join("r.html");
    soundalike(&["check", "-q", MFCC, "--reference", REFERENCE, CANDIDATE, "--report", word(&page)]).exits(0);
    let page = fs::read_to_string(page).unwrap();
    for word in ["src=\"http", "href=\"http", "url(http", "@import", "<script src", "<link"] {
        assert!(!page.contains(word), "{word}");
    }
}
