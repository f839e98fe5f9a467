//! What a verification covers: what was compared, what is taken as stated, and what it says nothing about.
//!
//! Whoever reads "verified" must know of what. A file or a value of a document is in one of three lists: it was compared
//! with what this program computes or writes, it is a statement that no computation can confirm, or nothing was compared
//! with it. A document with something in the third list does not pass unless the person who verifies allows it.

use super::case_file::CaseFile;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

/// What a verification covers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
pub struct Coverage {
    /// What was compared and is the same.
    pub verified: Vec<Verified>,
    /// What is taken as stated: it cannot be computed, and whoever writes a document can state something else.
    pub stated: Vec<Stated>,
    /// What nothing was compared with.
    pub not_covered: Vec<NotCovered>,
}

/// A file or value that was compared and is the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Verified {
    /// The file or value.
    pub what: String,
    /// What it was compared with.
    pub how: How,
}

/// What a file or value was compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum How {
    /// Computed again from the recordings and compared value by value.
    Recomputed,
    /// Written again from the data of the document and compared byte for byte.
    Rebuilt,
    /// Its SHA-256 is the one in the result, and it was used in the computation.
    Hash,
    /// Its SHA-256 is the one in the result; nothing was computed from it, for another version made the document.
    HashAlone,
    /// A folder or pattern: the result has a row for every recording in it.
    Listed,
    /// Checked with the public key.
    Signature,
}

/// A statement that no computation can confirm.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Stated {
    /// What is stated.
    pub what: String,
    /// The statement; null where it is one by omission.
    pub value: Option<Value>,
    /// Why it cannot be verified.
    pub why: String,
}

/// A file or value that nothing was compared with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct NotCovered {
    /// The file or value.
    pub what: String,
    /// What was found.
    pub found: String,
    /// What was expected.
    pub expected: String,
}

impl Coverage {
    pub(super) fn verified(&mut self, what: impl Into<String>, how: How) {
        self.verified.push(Verified { what: what.into(), how });
    }

    pub(super) fn stated(&mut self, what: impl Into<String>, value: Option<Value>, why: impl Into<String>) {
        self.stated.push(Stated { what: what.into(), value, why: why.into() });
    }

    pub(super) fn not_covered(
        &mut self,
        what: impl Into<String>,
        found: impl Into<String>,
        expected: impl Into<String>,
    ) {
        self.not_covered.push(NotCovered { what: what.into(), found: found.into(), expected: expected.into() });
    }

    /// What every result and report states.
    pub(super) fn statements(&mut self, case: &CaseFile) {
        let told = &case.told;
        if case.findings.is_some() {
            let value = serde_json::to_value(&case.case).ok();
            self.stated("case", value, "the author of the document states it; it is not in the recordings");
        }
        let names = |names: &[String]| Some(Value::from(names.to_vec()));
        let why = "another name, or none, can be written here and in the rest of the document alike";
        self.stated("result.request.reference", names(&told.request.reference), why);
        self.stated("result.request.candidates", names(&told.request.candidates), why);
        let gates: Vec<String> = told.request.gates.iter().map(ToString::to_string).collect();
        let why = "the gate was computed again with these limits; another limit, or none, can be requested instead";
        self.stated("result.request.gates", names(&gates), why);
        let why = "the figures were computed again with this choice; another choice gives other figures";
        self.stated(
            "choice of encoders, channel, calibration, population, filters, prior, language, AS-norm and force",
            None,
            why,
        );
        let why = "it was used as it is; what it was made from was not computed again";
        let models = told.reference.models.iter().map(|model| model.path.as_str());
        for name in models.chain(case.tables()) {
            self.stated(format!("content of {name}"), None, why);
        }
        for (name, _) in case.files().iter().filter(|(_, sha256)| sha256.is_none()) {
            let why = "a file that is not there now may have been one that could be read";
            self.stated(format!("that {name} could not be read"), None, why);
        }
        for name in &case.unknown {
            self.not_covered(name, "a name that this program does not know", "the names of a report");
        }
    }
}
