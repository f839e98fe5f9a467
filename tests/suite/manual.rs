//! The demo, the manual pages and the completions: what a newcomer meets first.

use crate::program::{CANDIDATE, MFCC, REFERENCE, fixtures, folder, run, soundalike, word};
use std::fs;
use std::process::Command;

#[test]
fn the_demo_needs_nothing_but_the_program() {
    let folder = folder();
    let mut command = Command::new(env!("CARGO_BIN_EXE_soundalike"));
    command.current_dir(folder.path()).arg("demo");
    let shown = run(command).exits(0);
    assert_eq!(shown.stderr, "");
    for words in ["synthetic.wav", "another-person.wav", "CAM++ cosine", "evidence ", "What to do next"] {
        assert!(shown.stdout.contains(words), "{}", shown.stdout);
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    // From files it comes out the same.
    let to = folder.path().join("demo");
    soundalike(&["demo", "--to", word(&to)]).exits(0);
    let (reference, one, two) = (to.join("reference"), to.join("another-person.wav"), to.join("synthetic.wav"));
    let checked = soundalike(&["check", "-q", "--reference", word(&reference), word(&one), word(&two)]).exits(0);
    let from_files = checked.stdout.replace(&format!("{}/", word(&to)), "");
    assert!(shown.stdout.contains(from_files.trim()), "{from_files}\n{}", shown.stdout);
    soundalike(&["demo", "--to", word(&to)]).fails(&["already"]);
}

#[test]
fn every_command_has_a_manual_page_with_its_options_and_examples() {
    let folder = folder();
    soundalike(&["man", "--output", word(folder.path())]).exits(0);
    let help = soundalike(&["--help"]).exits(0).stdout;
    let commands = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let commands = commands.take_while(|line| !line.is_empty()).filter_map(|line| line.strip_prefix("  "));
    let commands: Vec<&str> =
        commands.filter_map(|line| line.split(' ').next()).filter(|name| !name.is_empty()).collect();
    assert!(commands.len() > 15, "{commands:?}");
    for command in commands.into_iter().filter(|command| *command != "help") {
        let page = fs::read_to_string(folder.path().join(format!("soundalike-{command}.1"))).unwrap();
        assert!(page.contains(&format!(".TH soundalike-{command} 1")), "{page}");
        assert!(page.contains(".SH EXAMPLES\n") && page.contains("Exit codes: 0"), "{command}: {page}");
        assert_eq!(soundalike(&["man", command]).exits(0).stdout, page);
        for option in ["quiet", "threads", "identity"] {
            assert!(page.contains(&format!("\\-\\-{option}")), "{command}: {option}");
        }
    }
    assert!(folder.path().join("soundalike.1").exists() && folder.path().join("soundalike-protect-add.1").exists());
    for action in ["add", "list", "remove", "check"] {
        let page = soundalike(&["man", &format!("protect-{action}")]).exits(0).stdout;
        assert!(page.contains("Example") && page.contains("Exit codes: 0"), "{page}");
    }
    soundalike(&["man", "nothing"]).fails(&["\"nothing\"", "check"]);
}

#[test]
fn completions_know_the_commands_and_their_options() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = soundalike(&["completions", shell]).exits(0).stdout;
        assert!(script.contains("protect") && script.contains("reference-set"), "{shell}");
    }
    // What bash makes of it: the rest of a command and of an option.
    let folder = folder();
    let script = folder.path().join("soundalike.bash");
    fs::write(&script, soundalike(&["completions", "bash"]).exits(0).stdout).unwrap();
    for (words, expected) in [("soundalike che", "check"), ("soundalike check --refer", "--reference")] {
        let last = words.rsplit(' ').next().unwrap();
        let count = words.split(' ').count();
        let line = format!(
            "source {}; COMP_WORDS=({words}); COMP_CWORD={}; _soundalike soundalike {last} x; echo ${{COMPREPLY[*]}}",
            word(&script),
            count - 1
        );
        let mut command = Command::new("bash");
        command.args(["-c", &line]);
        assert_eq!(run(command).exits(0).stdout.trim(), expected);
    }
}

#[test]
fn a_terminal_is_given_colours_unless_the_user_wants_none() {
    let check = format!("check -q {MFCC} --reference {REFERENCE} {CANDIDATE}");
    let shown = |arguments: &str, no_color: Option<&str>| {
        let line = format!("{} {arguments}", env!("CARGO_BIN_EXE_soundalike"));
        let mut command = Command::new("script");
        command.args(["-qec", &line, "/dev/null"]).current_dir(fixtures());
        command.env("TERM", "xterm").env_remove("NO_COLOR").envs(no_color.map(|value| ("NO_COLOR", value)));
        run(command).exits(0).stdout
    };
    let at_terminal = |more: &str, no_color: Option<&str>| shown(&format!("{check} {more}"), no_color);
    let coloured = at_terminal("", None);
    assert!(coloured.contains("\x1b[1mcandidate\x1b[0m        voices"), "{coloured}");
    assert!(!at_terminal("", Some("1")).contains('\x1b'));
    assert!(!at_terminal("--no-color", None).contains('\x1b'));
    assert!(shown("--help", None).contains('\x1b') && !shown("--help --no-color", None).contains('\x1b'));
}
