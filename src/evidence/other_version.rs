//! A document that another version of the program made, or the same with other models.
//!
//! Its figures are those of that version: computing them again here would compare two programs, and a difference would
//! say nothing of the document. So only what does not depend on the version is compared, the hashes of the files that
//! it rests on, and the outcome says by what it can be reproduced. A document that does not state the version of its
//! models counts as one of others.

use super::bag::BagFile;
use super::case_file::{ToldFiles, wrong};
use super::coverage::{Coverage, How};
use super::recompute::{Difference, Root, file_difference, find};
use crate::error::Error;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::PathBuf;

/// What made a document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MadeBy {
    /// Version of the program.
    pub version: String,
    /// Version of the models; null in documents that do not state it.
    #[serde(default)]
    pub models_version: Option<String>,
}

impl MadeBy {
    /// This program.
    pub fn this() -> Self {
        MadeBy { version: crate::VERSION.into(), models_version: Some(crate::models_version().into()) }
    }
}

impl fmt::Display for MadeBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A document may state any text.
        let short = |text: &str| text.chars().take(40).collect::<String>();
        let models = self.models_version.as_deref().unwrap_or("not stated");
        write!(f, "version {} (models {})", short(&self.version), short(models))
    }
}

/// A result or report of another version.
#[derive(Clone, Debug)]
pub struct OtherCase {
    /// The file.
    pub path: PathBuf,
    /// What made it.
    pub made_by: MadeBy,
    /// SHA-256 of the result's text.
    pub result_sha256: String,
    /// The hash of the result that the report states; none in a result, and in a report of another format.
    pub(super) stated_sha256: Option<String>,
    pub(super) files: ToldFiles,
}

/// What was compared of a document of another version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct OtherVersion {
    /// What made the document, and what can reproduce it.
    pub made_by: MadeBy,
    /// SHA-256 of the result's text.
    pub result_sha256: String,
    /// Files whose hash is as told.
    pub files: usize,
    /// Files that are another or cannot be read, and a result that has another hash than its report states.
    pub differences: Vec<Difference>,
}

impl OtherCase {
    /// Compares the hashes of the files that it rests on; those that are `held` by a bundle are there. Nothing is
    /// computed.
    pub fn compare(&self, root: Root<'_>, held: &[BagFile], coverage: &mut Coverage) -> OtherVersion {
        let mut outcome = OtherVersion {
            made_by: self.made_by.clone(),
            result_sha256: self.result_sha256.clone(),
            files: 0,
            differences: Vec::new(),
        };
        if let Some(stated) = self.stated_sha256.as_ref().filter(|stated| **stated != self.result_sha256) {
            let (place, found) = ("result_sha256".into(), self.result_sha256.clone());
            outcome.differences.push(Difference { place, told: stated.clone(), found });
        }
        let files = self.files.list();
        let places = find(&self.path, &files, root);
        for (told, sha256) in files {
            let compared = match is_held(held, sha256) {
                true => Some(Ok(())),
                false => file_difference(told, sha256, &places.of_text(told)),
            };
            match compared {
                Some(Ok(())) => {
                    outcome.files += 1;
                    coverage.verified(told, How::HashAlone);
                }
                Some(Err(difference)) => outcome.differences.push(difference),
                None => {}
            }
        }
        let why = "another version made the document: nothing was computed again, and no text was written again";
        coverage.stated("every figure and word of the document", None, why);
        outcome
    }

    /// Paths of its files that are not among those of a bundle.
    pub(super) fn absent(&self, held: &[BagFile]) -> Vec<String> {
        let absent = self.files.list().into_iter().filter(|(_, sha256)| sha256.is_some() && !is_held(held, *sha256));
        absent.map(|(told, _)| told.to_string()).collect()
    }

    /// Why this version makes no document of it.
    pub(super) fn refusal(&self) -> Error {
        let expected = format!("one by {}, which this is; take the version that made it", MadeBy::this());
        wrong(&self.path, format!("a document by {}", self.made_by), expected)
    }
}

fn is_held(held: &[BagFile], sha256: Option<&str>) -> bool {
    held.iter().any(|file| Some(file.sha256.as_str()) == sha256)
}
