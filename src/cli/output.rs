//! Standard output, standard error, and files that appear whole or not at all.

use super::{Common, audit};
use serde::Serialize;
use soundalike::library::PassedOver;
use soundalike::visible::visible;
use soundalike::whole_file::{Access, sync_folder, temporary};
use soundalike::{Error, ErrorKind, Result, regular_file};
use std::fmt::Display;
use std::fs::File;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use tempfile::NamedTempFile;

/// What temporary files begin and end with.
const TEMPORARY: (&str, &str) = (".soundalike-", ".part");

/// Whether a result is coloured: at a terminal, unless the user wants none.
static COLOUR: OnceLock<bool> = OnceLock::new();

/// Decides it, once, before anything is printed.
pub fn set_colour(common: &Common) {
    let _ = COLOUR.set(wants_colour(common) && io::stdout().is_terminal());
}

/// Writes a result as text to standard output; whatever in it is not seen is written out.
pub fn print(text: &str) -> Result<()> {
    emit(&visible(text, &['\n', '\t']))
}

fn emit(text: &str) -> Result<()> {
    let mut out = stdout();
    let written = match COLOUR.get() {
        // The audit log hashes what is said, not its colours.
        Some(true) => out.0.write_all(coloured(text).as_bytes()).map(|()| audit::printed(text.as_bytes())),
        _ => out.write_all(text.as_bytes()),
    };
    written.and_then(|()| out.flush()).map_err(stdout_error)
}

/// Width of the words that lines of a result begin with.
const LABEL: usize = 17;

/// A result with the words that its lines begin with in bold, and those that tell a bad end in red, a good one in
/// green.
fn coloured(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 4);
    for line in text.split_inclusive('\n') {
        let label = line.get(..LABEL).filter(|label| label.ends_with(' ') && !label.starts_with(' '));
        let Some((label, rest)) = label.map(|label| (label.trim_end(), line.get(LABEL - 1..).unwrap_or_default()))
        else {
            out.push_str(line);
            continue;
        };
        let bad = ["hit", "refused", "DIFFERS", "problem"].contains(&label)
            || [" stopped", " NOT ", " failed"].iter().any(|word| rest.starts_with(word));
        let good = label == "passed"
            || [" passed", " same:", " intact", " nothing is wrong"].iter().any(|w| rest.starts_with(w));
        let colour = if bad {
            "31;1"
        } else if good {
            "32;1"
        } else {
            "1"
        };
        let gap = LABEL - 1 - label.len();
        out.push_str(&format!("\x1b[{colour}m{label}\x1b[0m{:gap$}{rest}", ""));
    }
    out
}

/// Writes a result as indented JSON to standard output.
pub fn print_json(value: &impl Serialize) -> Result<()> {
    emit(&json(value)?)
}

/// A result as indented JSON, as it is printed.
pub fn json(value: &impl Serialize) -> Result<String> {
    serde_json::to_string_pretty(value).map(|text| text + "\n").map_err(|error| stdout_error(error.into()))
}

/// Standard output; what goes there is hashed for the audit log. Results are written through this alone.
pub fn stdout() -> Printer {
    Printer(io::stdout().lock())
}

/// See [`stdout`].
pub struct Printer(io::StdoutLock<'static>);

impl Write for Printer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.0.write(bytes)?;
        audit::printed(bytes.get(..written).unwrap_or_default());
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

pub fn stdout_error(source: io::Error) -> Error {
    ErrorKind::Io { path: "standard output".into(), action: "write to", source }.into()
}

/// True where the reader of the output went away, which is its right.
pub fn is_broken_pipe(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Io { source, .. } if source.kind() == io::ErrorKind::BrokenPipe)
}

/// Text from outside (a file's name, say) with its control and invisible characters written out, so that it can neither
/// forge a line of the result, nor command the terminal, nor look like another text.
pub fn plain(text: &str) -> String {
    visible(text, &[])
}

/// What is said of rows that another program wrote.
pub const BY_OTHERS: &str = "rows             written by another program, without a checksum of soundalike: damage to a row \
                             may not show\n";

/// The lines of a result that say what was passed over in folders; none where nothing was.
pub fn passed_over(over: &PassedOver) -> String {
    if over.entries == 0 {
        return String::new();
    }
    let mut text = format!("passed over      {over}\n");
    for entry in over.first.iter().filter(|entry| entry.may_hold_sound) {
        text += &format!("                 {}: {}\n", plain(&entry.path), entry.reason.words());
    }
    text
}

/// A warning on standard error.
pub fn warn(about: impl Display, message: impl Display, common: &Common) {
    if !common.quiet {
        let line = plain(&format!("{about}: {message}"));
        let _ = writeln!(io::stderr(), "{} {line}", paint("warning:", "33", common));
    }
}

/// An error on standard error.
pub fn error(told: &str, common: &Common) {
    let _ = writeln!(io::stderr(), "{} {}", paint("error:", "31", common), plain(told));
}

/// An error in the options themselves, before it is known what they want.
pub fn mistake(told: &str) {
    let _ = writeln!(io::stderr(), "error: {}", plain(told));
}

/// What clap says of the command line, which may hold any characters.
pub fn misuse(error: &clap::Error) {
    let told = error.render().to_string();
    let shown = visible(&told, &['\n', '\t']);
    // clap colours what it prints; that is not to be lost where there is nothing to escape.
    if shown == told {
        drop(error.print());
    } else {
        let _ = write!(io::stderr(), "{shown}");
    }
}

/// A clip that cannot be used, where it was the only one, on standard error.
pub fn refusal(clip: &str, message: &str, common: &Common) {
    let _ = writeln!(io::stderr(), "{} {}", paint("error:", "31", common), plain(&format!("{clip}: {message}")));
}

/// Whether the user wants colour, where there is a terminal.
fn wants_colour(common: &Common) -> bool {
    let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    !(common.no_color || dumb || std::env::var_os("NO_COLOR").is_some_and(|v| !v.is_empty()))
}

fn paint(word: &str, colour: &str, common: &Common) -> String {
    if !wants_colour(common) || !io::stderr().is_terminal() {
        word.into()
    } else {
        format!("\x1b[{colour};1m{word}\x1b[0m")
    }
}

/// Reads a text file that the user wrote.
pub fn read_text(path: &Path) -> Result<String> {
    const MOST_BYTES: u64 = 1 << 20;
    regular_file::read_text(path, MOST_BYTES, "a text")
}

/// Refuses a place where no file can be written, before a long run.
pub fn check_writable(path: &Path) -> Result<()> {
    let failed = |source| Err(Error::from(ErrorKind::Io { path: path.into(), action: "write", source }));
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    match () {
        () if path.is_dir() => failed(io::Error::from(io::ErrorKind::IsADirectory)),
        () if !folder.is_dir() => failed(io::Error::new(io::ErrorKind::NotFound, "its folder does not exist")),
        () => match tempfile::tempfile_in(folder) {
            Ok(_) => Ok(()),
            Err(error) => failed(error.kind().into()),
        },
    }
}

/// Writes a file through a temporary one in the same folder, which takes its name only when all is written.
pub fn write_file(path: &Path, write: &mut dyn FnMut(&mut BufWriter<&File>) -> Result<()>) -> Result<()> {
    prepare(path, Access::AsSet, write)?.put()
}

/// The same of a file with recordings or embeddings in it, which this user alone may read.
pub fn write_private(path: &Path, write: &mut dyn FnMut(&mut BufWriter<&File>) -> Result<()>) -> Result<()> {
    prepare(path, Access::Private, write)?.put()
}

/// A file that is written and lacks only its name.
pub struct Prepared {
    temporary: NamedTempFile,
    given: PathBuf,
    path: PathBuf,
}

/// Writes a temporary file that is to become `path`. One that is replaced keeps its rights, unless it is private now.
pub fn prepare(
    path: &Path,
    access: Access,
    write: &mut dyn FnMut(&mut BufWriter<&File>) -> Result<()>,
) -> Result<Prepared> {
    let given = path.to_path_buf();
    let failed = |action, source| Error::from(ErrorKind::Io { path: given.clone(), action, source });
    // A link stays a link: what it points to is replaced.
    let path = path.canonicalize().unwrap_or_else(|_| path.into());
    if path.is_dir() {
        return Err(failed("write", io::Error::from(io::ErrorKind::IsADirectory)));
    }
    // The operating system's own message would name the temporary file.
    let replaced = if access == Access::Private { None } else { std::fs::metadata(&path).ok() };
    let first = if replaced.is_some() { Access::Private } else { access };
    let temporary = temporary(&path, TEMPORARY, first).map_err(|e| match e.kind() {
        io::ErrorKind::NotFound => failed("create", io::Error::new(e.kind(), "its folder does not exist")),
        kind => failed("create", kind.into()),
    })?;
    let mut out = BufWriter::with_capacity(1 << 16, temporary.as_file());
    write(&mut out).map_err(|error| error.of_writing(&given))?;
    out.flush().map_err(|e| failed("write", e))?;
    drop(out);
    #[cfg(unix)]
    if let Some(replaced) = replaced {
        use std::os::unix::fs::PermissionsExt;
        let permissions = std::fs::Permissions::from_mode(replaced.permissions().mode() & 0o777);
        temporary.as_file().set_permissions(permissions).map_err(|e| failed("write", e))?;
    }
    temporary.as_file().sync_all().map_err(|e| failed("write", e))?;
    Ok(Prepared { temporary, given, path })
}

impl Prepared {
    /// Where the bytes lie until then.
    pub fn path(&self) -> &Path {
        self.temporary.path()
    }

    /// Gives the file its name, in the place of what has it.
    pub fn put(self) -> Result<()> {
        let Prepared { temporary, given, path } = self;
        let sha256 = audit::hash(temporary.path());
        let failed = |source| Error::from(ErrorKind::Io { path: given.clone(), action: "write", source });
        temporary.persist(&path).map_err(|e| failed(e.error))?;
        sync_folder(&path);
        audit::output(&given, sha256);
        Ok(())
    }
}
