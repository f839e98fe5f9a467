//! Whether evidence is as it was recorded: a case, the bundle that it lies in with its signature, and the log.
//!
//! [`verify`] asks each of them and holds the rule of what counts as passed. It computes nothing itself: see
//! [`recompute`](super::recompute), [`bundle`](super::bundle), [`signature`] and
//! [`audit`].

use super::audit::{self, AuditCheck};
use super::bundle::unpack;
use super::case_file::CaseFile;
use super::recompute::{CaseVerification, Root, recompute};
use super::signature::{self, Key};
use crate::encoder::Models;
use crate::encryption::{Keys, is_encrypted_file};
use crate::error::{ErrorKind, IoContext, Result};
use crate::library::batch::BatchOptions;
use crate::regular_file;
use schemars::JsonSchema;
use serde::Serialize;
use std::io::Read;
use std::path::Path;

/// What is verified, and by what.
#[derive(Clone, Copy, Debug)]
pub struct VerifySettings<'a> {
    /// A report, a result or a bundle; none where the log alone is.
    pub what: Option<&'a Path>,
    /// Folder below which the recordings lie, where the case has moved.
    pub root: Option<&'a Path>,
    /// Public key (a file or its 56 digits) of whoever signed the bundle.
    pub public_key: Option<&'a str>,
    /// Where the encoders' weights are.
    pub models: &'a Models,
    /// What opens voice models and bundles that are encrypted.
    pub keys: &'a Keys,
    /// The audit log.
    pub log: Option<&'a Path>,
    /// Hash of a line that must be in the log.
    pub last: Option<&'a str>,
}

/// What was verified, and how it came out.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Verification {
    /// Version of the program that verified.
    pub version: String,
    /// True where all that was verified is as it was recorded.
    pub passed: bool,
    /// The case that was computed again; null where none was asked for.
    pub case: Option<CaseVerification>,
    /// The bundle that it lay in; null where it lay in none.
    pub bundle: Option<BundleCheck>,
    /// The audit log; null where none was asked for.
    pub audit: Option<AuditCheck>,
}

/// What was found of a bundle.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct BundleCheck {
    /// The bundle.
    pub path: String,
    /// Whether it is what its manifest states.
    pub intact: bool,
    /// What is wrong with it; null where nothing is.
    pub fault: Option<String>,
    /// Number of files in it.
    pub files: usize,
    /// Files of the case that it leaves out: they were looked for elsewhere.
    pub absent: Vec<String>,
    /// The signature; null where no public key was given.
    pub signature: Option<SignatureCheck>,
}

/// What was found of a signature.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct SignatureCheck {
    /// Whether it is that of the bundle by the key that was given.
    pub valid: bool,
    /// What is wrong with it; null where nothing is.
    pub fault: Option<String>,
    /// The comment that was signed with it; null where it is not valid.
    pub trusted_comment: Option<String>,
    /// Identifier of the key; null where it is not valid.
    pub key_id: Option<String>,
}

impl Verification {
    /// Whether all that was verified is as it was recorded.
    fn all_as_recorded(&self) -> bool {
        let bundle = self.bundle.as_ref();
        let signed = bundle.and_then(|bundle| bundle.signature.as_ref()).is_none_or(|signature| signature.valid);
        self.case.as_ref().is_none_or(|case| case.same)
            && bundle.is_none_or(|bundle| bundle.intact)
            && signed
            && self.audit.as_ref().is_none_or(|audit| audit.intact)
    }
}

/// Verifies all that is asked for. What is not as it was recorded is in the outcome.
///
/// # Errors
/// [`ErrorKind::Setting`] where nothing is asked for, or a key for what is no bundle; [`ErrorKind::Io`],
/// [`ErrorKind::Document`] and [`ErrorKind::Encryption`] where it cannot be read; as [`recompute`].
pub fn verify(settings: &VerifySettings<'_>, options: &BatchOptions<'_>) -> Result<Verification> {
    if settings.what.is_none() && settings.log.is_none() {
        let (found, expected) = ("nothing to verify".into(), "a report, a result or a bundle, or --audit FILE".into());
        return Err(ErrorKind::Setting { name: "verify", found, expected }.into());
    }
    let mut outcome =
        Verification { version: crate::VERSION.into(), passed: true, case: None, bundle: None, audit: None };
    if let Some(what) = settings.what {
        if is_zip(what)? || is_encrypted_file(what) {
            let (bundle, case) = bundle_and_case(what, settings, options)?;
            (outcome.bundle, outcome.case) = (Some(bundle), case);
        } else if settings.public_key.is_some() {
            let found = format!("a public key for {}", what.display());
            let expected = "a bundle: only those are signed".into();
            return Err(ErrorKind::Setting { name: "public-key", found, expected }.into());
        } else {
            let case = CaseFile::read(what)?;
            let root = settings.root.map_or(Root::AsTold, Root::Below);
            outcome.case = Some(recompute(&case, root, settings.models, settings.keys, options)?.verification);
        }
    }
    if let Some(log) = settings.log {
        outcome.audit = Some(audit::check(log, settings.last)?);
    }
    outcome.passed = outcome.all_as_recorded();
    Ok(outcome)
}

/// Whether a file begins as a zip does.
fn is_zip(path: &Path) -> Result<bool> {
    let mut head = Vec::new();
    regular_file::open(path)?.take(4).read_to_end(&mut head).at(path, "read")?;
    Ok(head.starts_with(b"PK"))
}

/// Checks a bundle, and computes the case in it again where nothing is wrong with it.
fn bundle_and_case(
    path: &Path,
    settings: &VerifySettings<'_>,
    options: &BatchOptions<'_>,
) -> Result<(BundleCheck, Option<CaseVerification>)> {
    let mut check = BundleCheck {
        path: path.display().to_string(),
        intact: true,
        fault: None,
        files: 0,
        absent: Vec::new(),
        signature: settings.public_key.map(|key| signature_of(path, key)),
    };
    match unpack(path, settings.keys) {
        Ok(unpacked) => {
            (check.files, check.absent) = (unpacked.files, unpacked.absent.clone());
            let places = unpacked.case.places_beyond(&unpacked.places, settings.root);
            let mut again = recompute(&unpacked.case, Root::Places(&places), settings.models, settings.keys, options)?;
            let exact = again.verification.identical;
            let case = &mut again.verification;
            match again.examination.as_ref().filter(|_| exact) {
                Some(examination) => {
                    let (differences, unknown) = unpacked.compare(examination)?;
                    case.same &= differences.is_empty();
                    case.differences.extend(differences);
                    case.remarks.extend(unknown.iter().map(|name| format!("{name} in the bundle was not compared")));
                }
                None => case.remarks.push("what the bundle holds beside report.json was not compared with it".into()),
            }
            Ok((check, Some(again.verification)))
        }
        Err(error) if error.is_evidence() => {
            (check.intact, check.fault) = (false, Some(error.to_string()));
            Ok((check, None))
        }
        Err(error) => Err(error),
    }
}

fn signature_of(path: &Path, key: &str) -> SignatureCheck {
    let mut beside = path.as_os_str().to_os_string();
    beside.push(signature::SUFFIX);
    match signature::verify(path, Path::new(&beside), &Key::named(key)) {
        Ok(verified) => SignatureCheck {
            valid: true,
            fault: None,
            trusted_comment: Some(verified.trusted_comment),
            key_id: Some(verified.key_id),
        },
        Err(error) => {
            SignatureCheck { valid: false, fault: Some(error.to_string()), trusted_comment: None, key_id: None }
        }
    }
}
