//! What can go wrong, and how it is told.
//!
//! There is one public [`Error`]; its [`ErrorKind`] carries the data of the failure by name, so that a caller can
//! act on it and a message can say four things: which file, what was found, what was expected, and what to do.
//! A clip that can be read but must not be scored (no speech, too short) is *not* an error: it is a typed
//! [`Refusal`](crate::encoder::Refusal) in the result. Remarks on a clip that can be used are
//! [`Warning`](crate::audio::Warning)s.

use crate::path_text::text_of;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// The result of every fallible call of this library.
pub type Result<T> = std::result::Result<T, Error>;

/// A failure, with the file it concerns and what to do about it.
#[derive(Debug)]
pub struct Error(Box<ErrorKind>);

/// What a file or a table should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DocumentKind {
    /// A calibration.
    Calibration,
    /// A population.
    Cohort,
    /// The result of a check, or a report made of it.
    Result,
    /// A report.
    Report,
    /// The result of a scan.
    Scan,
    /// An index.
    Index,
    /// A library: an index, or clips.
    Library,
    /// A file of rows that another program wrote.
    Rows,
    /// A table of rows in memory.
    Table,
    /// A folder of a kind.
    Folder,
    /// A list of protected voices.
    ProtectedVoices,
    /// What the user states of a case.
    CaseFile,
    /// The texts of a report.
    Texts,
}

impl DocumentKind {
    fn advice(self) -> &'static str {
        match self {
            DocumentKind::Calibration => "give a file that soundalike calibrate of this version wrote",
            DocumentKind::Cohort => "give a file that soundalike cohort of this version wrote",
            DocumentKind::Result => "give what soundalike check --json or report wrote",
            DocumentKind::Report => "give a file that soundalike report of this version wrote",
            DocumentKind::Scan => "give a file that soundalike scan of this version wrote",
            DocumentKind::Index => "name another folder, or make it anew with soundalike index --rebuild",
            DocumentKind::Library => {
                "check the spelling of the path, or make the index with soundalike index LIBRARY -o FOLDER"
            }
            DocumentKind::Rows => "write the file again, or take it out of the folder",
            DocumentKind::Table => "mend the rows, or embed their clips again",
            DocumentKind::Folder => "name another folder",
            DocumentKind::ProtectedVoices => "name another folder, or put voices there with soundalike protect add",
            DocumentKind::CaseFile | DocumentKind::Texts => "mend the file and run again",
        }
    }
}

/// The kinds of failure, each with its data.
#[derive(Debug)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The operating system refused to read or write.
    Io {
        /// The file or folder concerned.
        path: PathBuf,
        /// What was tried, as a verb: "open", "read", "write".
        action: &'static str,
        /// What the operating system answered.
        source: io::Error,
    },
    /// A file is not regular (a folder, a pipe, a device), or larger than what is read of its kind.
    File {
        /// The file concerned.
        path: PathBuf,
        /// What was found.
        found: String,
        /// What was expected.
        expected: String,
    },
    /// The content is no audio format that is known here.
    NotAudio {
        /// The file concerned.
        path: PathBuf,
        /// What the first bytes look like.
        found: String,
    },
    /// The format is known, but this form of it cannot be decoded.
    Unsupported {
        /// The file concerned.
        path: PathBuf,
        /// The form that was found.
        found: String,
        /// The forms that can be decoded.
        expected: String,
    },
    /// The format is known, but the content breaks its rules.
    Malformed {
        /// The file concerned.
        path: PathBuf,
        /// What was found.
        found: String,
        /// What the format demands.
        expected: String,
    },
    /// The file is well formed and holds no sound.
    NoAudio {
        /// The file concerned.
        path: PathBuf,
        /// What was found in the place of sound.
        found: String,
    },
    /// A path, folder or pattern stands for no audio file.
    NothingFound {
        /// The path or the pattern as it was given.
        path: PathBuf,
        /// What was found instead.
        found: String,
    },
    /// A setting is outside its range.
    Setting {
        /// The setting's name, as the user writes it; empty where a word was read that several settings take.
        name: &'static str,
        /// The value that was given.
        found: String,
        /// The values that are allowed.
        expected: String,
    },
    /// A line of a manifest or another table cannot be used.
    Table {
        /// The file concerned.
        path: PathBuf,
        /// The line, counted from 1; none where the whole file is meant.
        line: Option<u64>,
        /// What was found.
        found: String,
        /// What was expected.
        expected: String,
    },
    /// A file is no voice model, or one that does not fit.
    VoiceModel {
        /// The file concerned.
        path: PathBuf,
        /// What was found.
        found: String,
        /// What was expected.
        expected: String,
    },
    /// A file that this program writes, such as a calibration or a cohort, is none or has values that cannot be right.
    Document {
        /// The file concerned.
        path: PathBuf,
        /// What it should be.
        what: DocumentKind,
        /// What was found.
        found: String,
        /// What was expected.
        expected: String,
    },
    /// There is not enough material for a figure that was asked for.
    Insufficient {
        /// What was to be computed.
        what: Shortage,
        /// What there was.
        found: String,
        /// What it takes.
        expected: String,
    },
    /// A table or model shipped with the program does not fit it: the build itself is at fault.
    Model {
        /// The model's name.
        name: &'static str,
        /// What was found.
        found: String,
        /// What was expected.
        expected: String,
    },
    /// A network's weight file is another than the one that belongs to this version.
    Weights {
        /// The file concerned.
        path: PathBuf,
        /// What was found.
        found: String,
        /// What was expected.
        expected: String,
    },
    /// A network with the right weights does not give its known answer: the program or the machine computes wrongly.
    KnownAnswer {
        /// The network's name.
        name: &'static str,
        /// Cosine between what it gave and the known answer.
        found: f64,
        /// The least cosine.
        expected: f64,
    },
    /// A document cannot be set as a PDF file.
    Typesetting {
        /// What stands in the way.
        found: String,
    },
    /// A file was written to while it was read: no figure of it belongs to its hash.
    Changed {
        /// The file concerned.
        path: PathBuf,
        /// What was found.
        found: String,
    },
    /// A bundle, a signature, a key or an audit log is not what it should be.
    Evidence {
        /// The file concerned.
        path: PathBuf,
        /// In what way.
        fault: EvidenceFault,
        /// What was found.
        found: String,
        /// What was expected.
        expected: String,
    },
    /// An encrypted file cannot be opened, or a key is none.
    Encryption {
        /// The file concerned.
        path: PathBuf,
        /// In what way.
        fault: EncryptionFault,
        /// What was found.
        found: String,
        /// What was expected.
        expected: String,
    },
}

/// In what way an encrypted file cannot be opened, or a key is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EncryptionFault {
    /// No key or passphrase at hand opens it.
    Locked,
    /// It is not as it was written, or asks for more work than is done.
    Broken,
    /// A file of keys holds something else.
    NoKey,
}

/// In what way a bundle, a signature, a key or an audit log is not what it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EvidenceFault {
    /// Its form is not that of what it should be.
    Broken,
    /// Its form is right and its content is another than was recorded or signed.
    Altered,
    /// It has a name or an entry that could do harm when unpacked.
    Unsafe,
    /// It is larger than what is read or written.
    Limit,
    /// A secret key needs a password, or another one.
    Password,
    /// It was signed with another key.
    OtherKey,
}

impl Error {
    /// The kind of failure with its data.
    pub fn kind(&self) -> &ErrorKind {
        &self.0
    }

    /// The file the failure concerns, where there is one.
    pub fn path(&self) -> Option<&Path> {
        match self.kind() {
            ErrorKind::Io { path, .. }
            | ErrorKind::File { path, .. }
            | ErrorKind::NotAudio { path, .. }
            | ErrorKind::Unsupported { path, .. }
            | ErrorKind::Malformed { path, .. }
            | ErrorKind::NoAudio { path, .. }
            | ErrorKind::NothingFound { path, .. }
            | ErrorKind::VoiceModel { path, .. }
            | ErrorKind::Document { path, .. }
            | ErrorKind::Weights { path, .. }
            | ErrorKind::Changed { path, .. }
            | ErrorKind::Evidence { path, .. }
            | ErrorKind::Encryption { path, .. }
            | ErrorKind::Table { path, .. } => Some(path),
            ErrorKind::Setting { .. }
            | ErrorKind::Insufficient { .. }
            | ErrorKind::Model { .. }
            | ErrorKind::KnownAnswer { .. }
            | ErrorKind::Typesetting { .. } => None,
        }
    }

    /// The same failure told of the file that was to be written, where what failed was a write to it by another name.
    #[must_use]
    pub fn of_writing(mut self, written: &Path) -> Self {
        if let ErrorKind::Io { path, action: "write", .. } = &mut *self.0 {
            *path = written.into();
        }
        self
    }

    /// True where the operating system refused to read or write.
    pub fn is_io(&self) -> bool {
        matches!(self.kind(), ErrorKind::Io { .. })
    }

    /// True where there is no file of that name.
    pub(crate) fn is_not_found(&self) -> bool {
        matches!(self.kind(), ErrorKind::Io { source, .. } if source.kind() == io::ErrorKind::NotFound)
    }

    /// True where the content cannot be decoded: no audio, an unsupported form, broken rules, or no sound in it.
    pub fn is_undecodable(&self) -> bool {
        matches!(
            self.kind(),
            ErrorKind::NotAudio { .. }
                | ErrorKind::Unsupported { .. }
                | ErrorKind::Malformed { .. }
                | ErrorKind::NoAudio { .. }
        )
    }

    /// True where a file was written to while it was read.
    pub fn is_changed(&self) -> bool {
        matches!(self.kind(), ErrorKind::Changed { .. })
    }

    /// True where a setting was outside its range.
    pub fn is_setting(&self) -> bool {
        matches!(self.kind(), ErrorKind::Setting { .. })
    }

    /// True where so many threads cannot be had.
    pub fn is_threads(&self) -> bool {
        matches!(self.kind(), ErrorKind::Setting { name: "threads", .. })
    }

    /// True where a bundle, a signature, a key or an audit log is not what it should be.
    pub fn is_evidence(&self) -> bool {
        matches!(self.kind(), ErrorKind::Evidence { .. })
    }

    /// True where an encrypted file cannot be opened, or a key is none.
    pub fn is_encryption(&self) -> bool {
        matches!(self.kind(), ErrorKind::Encryption { .. })
    }

    /// True where evidence is another than was recorded or signed.
    pub fn is_altered(&self) -> bool {
        matches!(self.kind(), ErrorKind::Evidence { fault: EvidenceFault::Altered, .. })
    }

    /// True where there were too few trials, speakers or clips for what was asked.
    pub fn is_insufficient(&self) -> bool {
        matches!(self.kind(), ErrorKind::Insufficient { .. })
    }

    /// True where something was larger than what is read or written.
    pub fn is_limit(&self) -> bool {
        matches!(self.kind(), ErrorKind::Evidence { fault: EvidenceFault::Limit, .. })
    }

    /// What the user can do, as a short sentence without its final stop.
    pub fn advice(&self) -> String {
        match self.kind() {
            ErrorKind::Io { source, action, .. } => match (source.kind(), *action) {
                (io::ErrorKind::NotFound, _) => "check the spelling of the path".into(),
                (
                    io::ErrorKind::PermissionDenied,
                    "append to" | "create" | "encrypt" | "lock" | "move" | "remove" | "write" | "write to",
                ) => "give this user the right to write there, for example with chmod".into(),
                (io::ErrorKind::PermissionDenied, _) => {
                    "give this user the right to read it, for example with chmod".into()
                }
                (io::ErrorKind::InvalidFilename, _) => {
                    "give a shorter path, or one without characters that no name can have".into()
                }
                (io::ErrorKind::NotADirectory, _) => "name a folder; there is a file in its place".into(),
                (io::ErrorKind::IsADirectory, _) => "name a file; there is a folder in its place".into(),
                (io::ErrorKind::AlreadyExists, _) => "give another name; there is a file of this one".into(),
                (io::ErrorKind::StorageFull, _) => "free some room and run again".into(),
                _ => "check the file and the disk it lies on".into(),
            },
            ErrorKind::File { .. } => "check the path; write what a pipe or a device gives to a file first".into(),
            ErrorKind::NotAudio { .. } => {
                "give a WAV, RF64, W64, AIFF, CAF, FLAC, MP3, Ogg, M4A, MP4 or Matroska file".into()
            }
            ErrorKind::Unsupported { .. } => "convert it, for example with ffmpeg -i IN -c:a pcm_s16le OUT.wav".into(),
            ErrorKind::Malformed { .. } => "copy the file again from its source, or export it again".into(),
            ErrorKind::NoAudio { .. } => "record or export the clip again".into(),
            ErrorKind::NothingFound { .. } => {
                "give an audio file, a folder that holds some, or a quoted pattern such as 'voices/*.wav'".into()
            }
            ErrorKind::Setting { .. } => "see --help for the ranges and the defaults".into(),
            ErrorKind::VoiceModel { .. } => "make the voice model again with soundalike enrol".into(),
            ErrorKind::Document { what, .. } => what.advice().into(),
            ErrorKind::Table { .. } => "mend the line and run again".into(),
            ErrorKind::Insufficient { what, .. } => what.advice().into(),
            ErrorKind::Model { .. } => "build the program again from a clean checkout".into(),
            ErrorKind::Weights { .. } => "copy it again from the folder models of this version".into(),
            ErrorKind::KnownAnswer { .. } => {
                "believe no score of this program on this machine, and run soundalike selftest".into()
            }
            ErrorKind::Typesetting { .. } => "take the HTML form, which says the same, and report this".into(),
            ErrorKind::Encryption { fault, .. } => match fault {
                EncryptionFault::Locked => {
                    "give a file with the secret key by --identity, or the passphrase when asked or by SOUNDALIKE_PASSPHRASE"
                }
                EncryptionFault::Broken => "copy it again from its source, or write it again",
                EncryptionFault::NoKey => "give a file that age-keygen wrote, or the public keys that it printed",
            }
            .into(),
            ErrorKind::Changed { .. } => "run again once nothing writes to it any more".into(),
            ErrorKind::Evidence { fault, .. } => match fault {
                EvidenceFault::Broken => "copy it again from its source".into(),
                EvidenceFault::Altered => "do not rely on it, and compare it with another copy".into(),
                EvidenceFault::Unsafe => "do not unpack it, and ask where it comes from".into(),
                EvidenceFault::Limit => "divide it into smaller ones".into(),
                EvidenceFault::Password => "give the password of the key".into(),
                EvidenceFault::OtherKey => "give the public key of whoever signed it".into(),
            },
        }
    }
}

/// What there was too little of, or too much, to compute something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Shortage {
    /// Clips of a protected voice.
    Reference,
    /// Voices of a population.
    Cohort,
    /// Clips that MFCC statistics are normalised by.
    Background,
    /// Clips of voices that vary within themselves.
    Covariance,
    /// Trials of an evaluation.
    Trials,
    /// Speakers that a calibration is fitted on.
    Calibration,
    /// Voices to be grouped.
    Groups,
    /// Voices that are joined with each other: too many for one group.
    JoinedVoices,
    /// Protected voices that a gate compares with.
    ProtectedVoices,
    /// Candidates that a gate looked at.
    Candidates,
    /// Rows of an index, in their order.
    Index,
    /// Files of a bundle.
    Bundle,
    /// Values of the statistical figure of this name.
    Figure(&'static str),
}

impl Shortage {
    fn name(self) -> &'static str {
        match self {
            Shortage::Reference => "reference",
            Shortage::Cohort => "cohort",
            Shortage::Background => "background population",
            Shortage::Covariance => "within-class covariance",
            Shortage::Trials => "trials",
            Shortage::Calibration => "calibration",
            Shortage::Groups | Shortage::JoinedVoices => "groups",
            Shortage::ProtectedVoices => "protected voices",
            Shortage::Candidates => "candidates",
            Shortage::Index => "index",
            Shortage::Bundle => "bundle",
            Shortage::Figure(name) => name,
        }
    }

    fn advice(self) -> &'static str {
        match self {
            Shortage::Reference | Shortage::Cohort | Shortage::Background | Shortage::Covariance => {
                "add clips with enough speech"
            }
            Shortage::Trials | Shortage::Calibration => "add speakers with two clips or more of enough speech",
            Shortage::Groups => "index more voices",
            Shortage::JoinedVoices => "give a higher --above",
            Shortage::ProtectedVoices | Shortage::Candidates => {
                "let nothing pass until all were compared: mend what is named and run again"
            }
            Shortage::Index => "give the rows in the order of their paths, to a folder without an index",
            Shortage::Bundle => "name what it is to hold",
            Shortage::Figure(_) => "give more finite values of both kinds, of one speaker and of two",
        }
    }
}

impl fmt::Display for Shortage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl From<ErrorKind> for Error {
    fn from(kind: ErrorKind) -> Self {
        Error(Box::new(kind))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind() {
            ErrorKind::Io { path, action, source } => write!(f, "{}: could not {action} it: {source}", text_of(path))?,
            ErrorKind::NotAudio { path, found } => {
                write!(f, "{}: found {found}, expected an audio file", text_of(path))?
            }
            ErrorKind::File { path, found, expected }
            | ErrorKind::Unsupported { path, found, expected }
            | ErrorKind::Malformed { path, found, expected }
            | ErrorKind::VoiceModel { path, found, expected }
            | ErrorKind::Document { path, found, expected, .. }
            | ErrorKind::Evidence { path, found, expected, .. }
            | ErrorKind::Encryption { path, found, expected, .. }
            | ErrorKind::Weights { path, found, expected } => {
                write!(f, "{}: found {found}, expected {expected}", text_of(path))?
            }
            ErrorKind::Changed { path, found } => {
                write!(f, "{}: found {found}, expected a file that stays as it is while it is read", text_of(path))?
            }
            ErrorKind::NoAudio { path, found } => {
                write!(f, "{}: found {found}, expected recorded sound", text_of(path))?
            }
            ErrorKind::NothingFound { path, found } => {
                write!(f, "{}: found {found}, expected at least one audio file", text_of(path))?
            }
            ErrorKind::Setting { name: "", found, expected } => write!(f, "found {found}, expected {expected}")?,
            ErrorKind::Setting { name, found, expected } => write!(f, "{name}: found {found}, expected {expected}")?,
            ErrorKind::Table { path, line: None, found, expected } => {
                write!(f, "{}: found {found}, expected {expected}", text_of(path))?
            }
            ErrorKind::Table { path, line: Some(line), found, expected } => {
                write!(f, "{}, line {line}: found {found}, expected {expected}", text_of(path))?
            }
            ErrorKind::Insufficient { what, found, expected } => {
                write!(f, "{what}: found {found}, expected {expected}")?
            }
            ErrorKind::Model { name, found, expected } => {
                write!(f, "the built-in model {name}: found {found}, expected {expected}")?
            }
            ErrorKind::KnownAnswer { name, found, expected } => write!(
                f,
                "the network {name}: found a cosine of {found} to its known answer, expected at least {expected}"
            )?,
            ErrorKind::Typesetting { found } => {
                write!(f, "the PDF: found {found}, expected a document that can be set as PDF/A-3")?
            }
        }
        write!(f, "; {}", self.advice())
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self.kind() {
            ErrorKind::Io { source, .. } => Some(source),
            _ => None,
        }
    }
}

/// Attaches a path and a verb to the operating system's answer.
pub(crate) trait IoContext<T> {
    /// `action` is a verb such as "open" or "read".
    fn at(self, path: &Path, action: &'static str) -> Result<T>;
}

impl<T> IoContext<T> for io::Result<T> {
    fn at(self, path: &Path, action: &'static str) -> Result<T> {
        self.map_err(|source| ErrorKind::Io { path: path.into(), action, source }.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_advice_on_a_right_that_is_lacking_is_the_one_that_was_needed() {
        let advice = |action| {
            let refused: io::Result<()> = Err(io::ErrorKind::PermissionDenied.into());
            refused.at(Path::new("x"), action).unwrap_err().advice()
        };
        for (actions, right) in [
            (&["open", "read", "list", "decrypt"][..], "the right to read it"),
            (
                &["append to", "create", "encrypt", "lock", "move", "remove", "write", "write to"],
                "the right to write there",
            ),
        ] {
            assert!(actions.iter().all(|action| advice(action).contains(right)), "{right}");
        }
    }

    #[test]
    fn a_word_that_several_settings_take_has_no_name() {
        let told = |name| Error::from(ErrorKind::Setting { name, found: "x".into(), expected: "y".into() }).to_string();
        assert!(told("above").starts_with("above: found x, expected y; see"), "{}", told("above"));
        assert!(told("").starts_with("found x, expected y; see"), "{}", told(""));
    }
}
