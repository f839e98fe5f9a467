//! How a mistake on the command line is told: by the option as it is written, and by the help that explains it.

use super::Cli;
use clap::error::{ContextKind, ContextValue};
use clap::{Command, CommandFactory};
use soundalike::{Error, ErrorKind};
use std::error::Error as _;

/// An error as a user of the command line reads it; `command` is the command's name, such as `protect add`.
pub fn told(error: &Error, command: &str) -> String {
    match error.kind() {
        ErrorKind::Setting { name, found, expected } => {
            let help = format!("see soundalike {command} --help");
            match written(name, command) {
                Some(name) => format!("{name}: found {found}, expected {expected}; {help}"),
                None => format!("found {found}, expected {expected}; {help}"),
            }
        }
        _ => error.to_string(),
    }
}

/// What the library says of a value that it refuses, by the option that the value was given to.
pub fn of_value(error: &clap::Error) -> Option<String> {
    let refused = error.source()?.downcast_ref::<Error>()?;
    match (refused.kind(), error.get(ContextKind::InvalidArg)) {
        (ErrorKind::Setting { found, expected, .. }, Some(ContextValue::String(option))) => {
            Some(format!("{option}: found {found}, expected {expected}; see --help"))
        }
        _ => None,
    }
}

/// A setting as the command line writes it: an option with its dashes, an argument in its brackets.
fn written(name: &str, command: &str) -> Option<String> {
    if name.is_empty() {
        return None;
    }
    let program = Cli::command();
    let inner = |outer: Command, name: &str| outer.find_subcommand(name).cloned().unwrap_or(outer);
    let command = command.split(' ').fold(program.clone(), inner);
    let mut arguments = command.get_arguments().chain(program.get_arguments());
    let argument = arguments.find(|argument| match argument.get_long() {
        Some(long) => long == name,
        None => argument.get_id() == name,
    });
    Some(match argument {
        Some(argument) if argument.is_positional() => format!("<{}>", name.to_uppercase()),
        Some(_) => format!("--{name}"),
        None => name.into(),
    })
}
