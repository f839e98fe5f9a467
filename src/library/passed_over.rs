//! What a folder holds besides clips, counted: nothing in it is left out in silence.

use crate::path_text::text_of;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

/// Entries that are listed of each kind, those that may hold sound and the others.
const LISTED: usize = 20;

/// Why an entry of a folder is not a clip.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PassedOverReason {
    /// Its name, or that of a folder around it, begins with a dot.
    Hidden,
    /// Neither its name nor its content is that of a sound file.
    NotAudio,
    /// An ignore file leaves it out.
    Ignored,
    /// It is part of an index or of a list of protected voices.
    OfProgram,
    /// In a folder of protected voices: it is neither a voice model nor recordings of a voice.
    NotVoice,
    /// It is a link to a folder, and such links are not followed.
    LinkToFolder,
    /// It is a folder that could not be listed.
    UnreadableFolder,
}

impl PassedOverReason {
    /// The words in results.
    pub fn words(self) -> &'static str {
        match self {
            PassedOverReason::Hidden => "hidden",
            PassedOverReason::NotAudio => "not audio",
            PassedOverReason::Ignored => "ignored",
            PassedOverReason::OfProgram => "part of an index or list",
            PassedOverReason::NotVoice => "not a voice model",
            PassedOverReason::LinkToFolder => "links to folders",
            PassedOverReason::UnreadableFolder => "folders that could not be listed",
        }
    }
}

/// An entry that was passed over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PassedOverEntry {
    /// Its path.
    pub path: String,
    /// Why.
    pub reason: PassedOverReason,
    /// Whether there may be sound in it: its content is sound, an archive, of no known kind or could not be read, or it
    /// is a folder that was not entered.
    pub may_hold_sound: bool,
}

impl PassedOverEntry {
    /// A folder that could not be listed, which may hold anything.
    pub(crate) fn unlisted(folder: &Path) -> Self {
        PassedOverEntry { path: text_of(folder), reason: PassedOverReason::UnreadableFolder, may_hold_sound: true }
    }
}

/// What was passed over in the folders that were named, or in a folder of protected voices. Every entry below them that is not itself a folder is a clip of
/// the result or is counted here.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PassedOver {
    /// Number of entries.
    pub entries: usize,
    /// The same by reason.
    pub reasons: BTreeMap<PassedOverReason, usize>,
    /// How many of them may hold sound.
    pub may_hold_sound: usize,
    /// The first 20 of those that may hold sound, and the first 20 of the others, in the order in which they were found.
    pub first: Vec<PassedOverEntry>,
}

impl PassedOver {
    /// Whether anything that was passed over may hold sound: a gate that did not hear it does not pass.
    pub fn may_hold_sound(&self) -> bool {
        self.may_hold_sound > 0
    }

    /// Paths of the first entries that may hold sound.
    pub fn unheard(&self) -> impl Iterator<Item = &str> {
        self.first.iter().filter(|entry| entry.may_hold_sound).map(|entry| entry.path.as_str())
    }

    pub(crate) fn note(&mut self, entry: PassedOverEntry) {
        self.entries += 1;
        self.may_hold_sound += usize::from(entry.may_hold_sound);
        *self.reasons.entry(entry.reason).or_default() += 1;
        self.list(entry);
    }

    fn list(&mut self, entry: PassedOverEntry) {
        if self.first.iter().filter(|listed| listed.may_hold_sound == entry.may_hold_sound).count() < LISTED {
            self.first.push(entry);
        }
    }

    /// Adds what was passed over elsewhere.
    pub(crate) fn add(&mut self, other: PassedOver) {
        self.entries += other.entries;
        self.may_hold_sound += other.may_hold_sound;
        for (reason, n) in other.reasons {
            *self.reasons.entry(reason).or_default() += n;
        }
        other.first.into_iter().for_each(|entry| self.list(entry));
    }
}

/// In words, such as "3 files: 2 hidden, 1 not audio".
impl fmt::Display for PassedOver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reasons: Vec<String> = self.reasons.iter().map(|(reason, n)| format!("{n} {}", reason.words())).collect();
        let entries = if self.entries == 1 { "entry" } else { "entries" };
        write!(f, "{} {entries}: {}", self.entries, reasons.join(", "))?;
        match self.may_hold_sound {
            0 => Ok(()),
            n => write!(f, "; {n} may hold sound"),
        }
    }
}
