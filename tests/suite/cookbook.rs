//! The cookbook's commands, as a reader would copy them.

use crate::program::{fixtures, folder, run, soundalike};
use std::fs;
use std::path::Path;
use std::process::Command;

/// The command lines of the cookbook.
fn commands() -> Vec<String> {
    let text = fs::read_to_string(fixtures().with_file_name("docs").join("cookbook.md")).unwrap();
    let lines = text.lines().filter(|line| line.starts_with("    ")).map(|line| line.trim().to_string());
    lines.filter(|line| line.contains("soundalike ")).collect()
}

/// Whether a line works on what the lines before it have made.
fn is_whole(line: &str) -> bool {
    let made = ["demo", "voices.lib", "report.json", "case.zip", "protect list"];
    line.starts_with("soundalike ") && made.iter().any(|name| line.contains(name)) && !line.contains("clips ")
}

#[test]
fn what_can_be_copied_runs() {
    let folder = folder();
    let program = Path::new(env!("CARGO_BIN_EXE_soundalike")).parent().unwrap();
    let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap());
    let lines: Vec<String> = commands().into_iter().filter(|line| is_whole(line)).collect();
    assert!(lines.len() >= 13, "{lines:?}");
    for line in lines {
        let mut command = Command::new("bash");
        command.args(["-c", &line]).current_dir(folder.path()).env("PATH", &path);
        let run = run(command);
        // The demo's recordings hold the voice that is looked for.
        assert!(run.code == 0, "{line}: {}\n{}\n{}", run.code, run.stdout, run.stderr);
    }
}

#[test]
fn what_cannot_names_commands_and_options_that_there_are() {
    for line in commands() {
        for part in line.split("soundalike ").skip(1) {
            let part = part.split(['|', '&', '>']).next().unwrap();
            let mut words = part.split_whitespace();
            let mut name = vec![words.next().unwrap()];
            if name[0] == "protect" {
                name.push(words.next().unwrap());
            }
            let help = soundalike(&[&name[..], &["--help"]].concat()).exits(0).stdout;
            for word in words.filter(|word| word.starts_with('-')) {
                assert!(help.contains(word), "{line}: {name:?} has no {word}");
            }
        }
    }
}
