//! The library's errors as exceptions of the package (`python/soundalike/errors.py`).

use crate::encoder::Refusal;
use crate::error::{Error, ErrorKind};
use pyo3::prelude::*;

/// What becomes an exception.
pub(super) trait Raise<T> {
    /// The value, or the exception.
    fn raise(self, py: Python<'_>) -> PyResult<T>;
}

impl<T> Raise<T> for crate::error::Result<T> {
    fn raise(self, py: Python<'_>) -> PyResult<T> {
        self.map_err(|error| exception(py, &error))
    }
}

/// The exception's class, and what it carries: a word for its kind, then path, found, expected.
type Told = (&'static str, &'static str, Option<String>, Option<String>, Option<String>);

/// An error as its exception.
pub(super) fn exception(py: Python<'_>, error: &Error) -> PyErr {
    let (class, kind, path, found, expected) = told(error.kind());
    let errno = match error.kind() {
        ErrorKind::Io { source, .. } => source.raw_os_error(),
        _ => None,
    };
    made(py, class, (error.to_string(), kind, path, found, expected, errno))
}

/// The exception of a clip that can be read and has no embedding.
pub(super) fn refused(py: Python<'_>, clip: &str, refusal: &Refusal) -> PyErr {
    let (message, code) = (format!("{clip}: {refusal}"), refusal.code());
    made(py, "RefusedError", (message, code, Some(clip.to_string()), None::<String>, None::<String>, None::<i32>))
}

fn made<A>(py: Python<'_>, class: &str, arguments: A) -> PyErr
where
    A: for<'py> pyo3::call::PyCallArgs<'py>,
{
    let made = py.import("soundalike.errors").and_then(|module| module.getattr(class)?.call1(arguments));
    made.map_or_else(|failed| failed, PyErr::from_value)
}

fn told(kind: &ErrorKind) -> Told {
    let path = |path: &std::path::Path| Some(crate::path_text::text_of(path));
    let text = |text: &str| Some(text.to_string());
    match kind {
        ErrorKind::Io { path: at, action, source } => {
            ("FileError", "io", path(at), Some(format!("{source} (to {action})")), None)
        }
        ErrorKind::File { path: at, found, expected } => ("FileError", "file", path(at), text(found), text(expected)),
        ErrorKind::NotAudio { path: at, found } => ("AudioError", "not_audio", path(at), text(found), None),
        ErrorKind::Unsupported { path: at, found, expected } => {
            ("AudioError", "unsupported", path(at), text(found), text(expected))
        }
        ErrorKind::Malformed { path: at, found, expected } => {
            ("AudioError", "malformed", path(at), text(found), text(expected))
        }
        ErrorKind::NoAudio { path: at, found } => ("AudioError", "no_audio", path(at), text(found), None),
        ErrorKind::Changed { path: at, found } => ("FileError", "changed", path(at), text(found), None),
        ErrorKind::NothingFound { path: at, found } => ("FileError", "nothing_found", path(at), text(found), None),
        ErrorKind::Setting { name, found, expected } => {
            ("SettingError", "setting", text(name).filter(|name| !name.is_empty()), text(found), text(expected))
        }
        ErrorKind::Table { path: at, found, expected, .. } => {
            ("DocumentError", "table", path(at), text(found), text(expected))
        }
        ErrorKind::VoiceModel { path: at, found, expected } => {
            ("DocumentError", "voice_model", path(at), text(found), text(expected))
        }
        ErrorKind::Document { path: at, found, expected, .. } => {
            ("DocumentError", "document", path(at), text(found), text(expected))
        }
        ErrorKind::Insufficient { found, expected, .. } => ("Error", "insufficient", None, text(found), text(expected)),
        ErrorKind::Model { name, found, expected } => ("Error", "model", text(name), text(found), text(expected)),
        ErrorKind::Weights { path: at, found, expected } => {
            ("DocumentError", "weights", path(at), text(found), text(expected))
        }
        ErrorKind::KnownAnswer { name, found, expected } => {
            ("Error", "known_answer", text(name), Some(found.to_string()), Some(expected.to_string()))
        }
        ErrorKind::Typesetting { found } => ("Error", "typesetting", None, text(found), None),
        ErrorKind::Evidence { path: at, found, expected, .. } => {
            ("DocumentError", "evidence", path(at), text(found), text(expected))
        }
        ErrorKind::Encryption { path: at, found, expected, .. } => {
            ("DocumentError", "encryption", path(at), text(found), text(expected))
        }
    }
}
