//! `soundalike completions` and `soundalike man`: what shells and manual readers are told, made of the same words as
//! `--help`.

use super::{Cli, DONE, Outcome, output};
use clap::{Args, Command, CommandFactory};
use clap_complete::Shell;
use clap_mangen::Man;
use soundalike::{Error, ErrorKind, Result};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Print what makes a shell complete the program's commands and options.
#[derive(Args)]
#[command(after_help = "Examples (each makes its folder first; then open a new shell):\n  \
                  mkdir -p ~/.local/share/bash-completion/completions\n  \
                  soundalike completions bash > ~/.local/share/bash-completion/completions/soundalike\n\n  \
                  mkdir -p ~/.zfunc\n  \
                  soundalike completions zsh > ~/.zfunc/_soundalike\n\n  \
                  mkdir -p ~/.config/fish/completions\n  \
                  soundalike completions fish > ~/.config/fish/completions/soundalike.fish\n\n\
                  bash reads that folder where its package bash-completion is installed; elsewhere put the line\n  \
                  source ~/.local/share/bash-completion/completions/soundalike\ninto ~/.bashrc. zsh reads its folder \
                  where ~/.zshrc says\n  fpath=(~/.zfunc $fpath); autoload -U compinit; compinit\n\n\
                  Exit codes: 0 done; 2 there is no such shell.")]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

/// Print the manual page of a command, or write all manual pages to a folder.
#[derive(Args)]
#[command(after_help = "Examples:\n  soundalike man check | man -l -\n  soundalike man --output \
                        ~/.local/share/man/man1 && man soundalike-check\n\nExit codes: 0 done; 2 there is no such \
                        command, or the pages could not be written.")]
pub struct ManArgs {
    /// The command; none for the program as a whole
    #[arg(value_name = "COMMAND", conflicts_with = "output")]
    command: Option<String>,
    /// Write every page to this folder, as soundalike.1, soundalike-check.1 and so on; it is made where there is none
    #[arg(long, short, value_name = "FOLDER")]
    output: Option<PathBuf>,
}

pub fn completions(args: &CompletionsArgs) -> Outcome {
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "soundalike", &mut text);
    let mut out = output::stdout();
    out.write_all(&text).and_then(|()| out.flush()).map_err(output::stdout_error)?;
    Ok(DONE)
}

pub fn man(args: &ManArgs) -> Outcome {
    let pages = pages();
    if let Some(folder) = &args.output {
        let made = std::fs::create_dir_all(folder);
        made.map_err(|source| Error::from(ErrorKind::Io { path: folder.clone(), action: "create", source }))?;
        pages.iter().try_for_each(|(name, page)| write(&folder.join(format!("{name}.1")), page))?;
        output::print(&format!("written          {} pages in {}\n", pages.len(), folder.display()))?;
        return Ok(DONE);
    }
    let name = args.command.as_ref().map_or("soundalike".into(), |command| format!("soundalike-{command}"));
    let Some((_, page)) = pages.iter().find(|(known, _)| *known == name) else {
        let found = format!("\"{}\"", args.command.as_deref().unwrap_or_default().escape_debug());
        let mut names: Vec<&str> = pages.iter().filter_map(|(name, _)| name.strip_prefix("soundalike-")).collect();
        names.sort_unstable();
        let expected = names.join(", ");
        return Err(ErrorKind::Setting { name: "command", found, expected }.into());
    };
    let mut out = output::stdout();
    out.write_all(&roff(page).map_err(output::stdout_error)?)
        .and_then(|()| out.flush())
        .map_err(output::stdout_error)?;
    Ok(DONE)
}

/// The program and its commands, by the names of their pages.
fn pages() -> Vec<(String, Command)> {
    let mut program = Cli::command();
    program.build();
    let mut pages = Vec::new();
    gather(program, "soundalike".into(), &mut pages);
    pages
}

fn gather(command: Command, name: String, pages: &mut Vec<(String, Command)>) {
    for inner in command.get_subcommands().filter(|inner| inner.get_name() != "help") {
        gather(inner.clone(), format!("{name}-{}", inner.get_name()), pages);
    }
    pages.push((name, command));
}

fn roff(page: &Command) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    Man::new(page.clone()).render(&mut text)?;
    // What clap calls extra are the examples, or where there are none the remarks.
    let text = String::from_utf8_lossy(&text);
    let heading = if text.contains("\nExample") { ".SH EXAMPLES" } else { ".SH NOTES" };
    Ok(text.replace(".SH EXTRA", heading).into_bytes())
}

fn write(path: &Path, page: &Command) -> Result<()> {
    output::write_file(path, &mut |out| {
        let written = roff(page).and_then(|text| out.write_all(&text));
        written.map_err(|source| ErrorKind::Io { path: path.into(), action: "write", source }.into())
    })
}
