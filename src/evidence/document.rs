//! The data of a document as the texts and pages of a case are written from it.
//!
//! On another platform the figures of a document may differ from those computed here in their last digits, and texts
//! round them. So texts are written from the figures of the document, once these were compared; what is not computed
//! from sound is the same on both sides, and what is in no document (pictures, excerpts) comes from the recordings.

use super::case_file::CaseFile;
use super::recompute::{Found, no_tree, value};
use crate::error::Result;
use crate::library::findings::Examination;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// The case with the figures of the document in place of those that were `computed`; `found` are the latter as a
/// document holds them. Names that only the document knows are left out.
///
/// # Errors
/// [`ErrorKind::Document`](crate::ErrorKind::Document) where a value has another form than this program writes.
pub(super) fn examination(case: &CaseFile, found: &Found, computed: &Examination) -> Result<Examination> {
    let mut document = computed.clone();
    let result = known(&value(&case.path, &case.result)?, &found.result);
    let (report, findings) = (&mut document.report, &mut document.findings);
    report.settings.instruction_set.clone_from(&case.told.settings.instruction_set);
    report.reference = field(case, &result, "reference")?;
    report.candidates = field(case, &result, "candidates")?;
    report.remarks = field(case, &result, "remarks")?;
    // A result has none of its own.
    let told = case.findings.as_ref().map(|told| value(&case.path, told.get())).transpose()?;
    let told = known(told.as_ref().unwrap_or(&found.findings), &found.findings);
    findings.voice = field(case, &told, "voice")?;
    findings.candidates = field(case, &told, "candidates")?;
    findings.populations = field(case, &told, "populations")?;
    Ok(document)
}

fn field<T: DeserializeOwned>(case: &CaseFile, of: &Value, name: &str) -> Result<T> {
    let value = of.get(name).cloned().unwrap_or(Value::Null);
    serde_json::from_value(value).map_err(|error| no_tree(&case.path, &error))
}

/// A tree without the names that another does not have.
fn known(told: &Value, found: &Value) -> Value {
    match (told, found) {
        (Value::Object(a), Value::Object(b)) => {
            let fields = a.iter().filter_map(|(name, told)| Some((name.clone(), known(told, b.get(name)?))));
            fields.collect()
        }
        (Value::Array(a), Value::Array(b)) => a.iter().zip(b).map(|(told, found)| known(told, found)).collect(),
        (told, _) => told.clone(),
    }
}
