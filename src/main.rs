//! The command line of soundalike; everything it does is in the library.
//!
//! A panic inside a decoder is caught by the library and told as an error of its file, so panics are not printed where
//! they happen; one that gets this far is a defect of the program and is shown.
#![forbid(unsafe_code)]

mod cli;

use soundalike::visible::visible;
use std::io::Write;
use std::panic;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};

fn main() -> ExitCode {
    let last = Arc::new(Mutex::new(String::new()));
    let seen = Arc::clone(&last);
    panic::set_hook(Box::new(move |info| *seen.lock().unwrap_or_else(PoisonError::into_inner) = info.to_string()));
    panic::catch_unwind(cli::run).unwrap_or_else(|_| {
        let message = visible(&last.lock().unwrap_or_else(PoisonError::into_inner), &[]);
        let _ = writeln!(std::io::stderr(), "error: a defect in soundalike itself: {message}; please report it");
        ExitCode::from(2)
    })
}
