//! Whether evidence is as it was recorded: a case, the bundle that it lies in with its signature, and the log.
//!
//! [`verify`] asks each of them and has the rule of what passes: everything is the same, nothing is left uncovered, and
//! what was signed has its signature. It computes nothing itself: see [`recompute`](super::recompute),
//! [`bundle`](super::bundle), [`signature`] and [`audit`].

use super::audit::{self, AuditCheck};
use super::bundle::{Bundled, Unpacked, unpack};
use super::case_file::{CaseDocument, CaseFile};
use super::coverage::{Coverage, How};
use super::other_version::OtherVersion;
use super::recompute::{CaseVerification, Platform, Root, recompute};
use super::signature::{self, Key};
use super::unmentioned::unmentioned;
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
    /// Whether a document may state another platform than this one, so that figures are compared within a tolerance.
    pub platform: Platform,
    /// Whether a document passes that has something in it with which nothing was compared.
    pub allow_uncovered: bool,
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
    /// Version of the models: see [`models_version`](crate::models_version).
    pub models_version: String,
    /// True where all that was verified is as it was recorded, and nothing is left uncovered that was not allowed.
    pub passed: bool,
    /// True where nothing that was compared differs, but another version made the document, so that its figures were not
    /// computed again: it neither passed nor failed.
    pub undecided: bool,
    /// What was verified, what is taken as stated, and what nothing was compared with.
    pub coverage: Coverage,
    /// The case that was computed again; null where none was asked for, or another version made it.
    pub case: Option<CaseVerification>,
    /// What was compared of a document of another version; null where this version made it.
    pub other_version: Option<OtherVersion>,
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
    /// Identifier of the key that the bundle states it was signed with; null where it states none.
    pub signed_by: Option<String>,
    /// The signature; null where the bundle states none and no public key was given.
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
    /// Whether all that was compared is as it was recorded.
    fn all_as_recorded(&self, allow_uncovered: bool) -> bool {
        let bundle = self.bundle.as_ref();
        let signed = bundle.and_then(|bundle| bundle.signature.as_ref()).is_none_or(|signature| signature.valid);
        (allow_uncovered || self.coverage.not_covered.is_empty())
            && self.case.as_ref().is_none_or(|case| case.same)
            && self.other_version.as_ref().is_none_or(|other| other.differences.is_empty())
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
    let mut outcome = Verification {
        version: crate::VERSION.into(),
        models_version: crate::models_version().into(),
        passed: true,
        undecided: false,
        coverage: Coverage::default(),
        case: None,
        other_version: None,
        bundle: None,
        audit: None,
    };
    if let Some(what) = settings.what {
        if is_zip(what)? || is_encrypted_file(what) {
            let bundle = bundle_and_case(what, settings, options, &mut outcome)?;
            outcome.bundle = Some(bundle);
        } else if settings.public_key.is_some() {
            let found = format!("a public key for {}", what.display());
            let expected = "a bundle: only those are signed".into();
            return Err(ErrorKind::Setting { name: "public-key", found, expected }.into());
        } else {
            let root = settings.root.map_or(Root::AsTold, Root::Below);
            match CaseDocument::read(what)? {
                CaseDocument::This(case) => outcome.case = Some(case_alone(&case, root, settings, options)?),
                CaseDocument::Other(other) => {
                    outcome.other_version = Some(other.compare(root, &[], &mut outcome.coverage));
                }
            }
        }
    }
    if let Some(case) = &mut outcome.case {
        outcome.coverage = std::mem::take(&mut case.coverage);
    }
    match outcome.bundle.as_ref().map(|bundle| bundle.signature.as_ref()) {
        Some(Some(SignatureCheck { valid: true, key_id: Some(key), .. })) => {
            outcome.coverage.verified(format!("the bundle as a whole, by the key {key}"), How::Signature);
        }
        Some(None) => {
            let why = "a signature and the statement that there was one can be removed together; ask the maker of the \
                       bundle for their public key";
            outcome.coverage.stated("that the bundle was not signed", None, why);
        }
        _ => {}
    }
    if let Some(log) = settings.log {
        outcome.audit = Some(audit::check(log, settings.last)?);
    }
    let as_recorded = outcome.all_as_recorded(settings.allow_uncovered);
    outcome.undecided = as_recorded && outcome.other_version.is_some();
    outcome.passed = as_recorded && !outcome.undecided;
    Ok(outcome)
}

/// Whether a file begins as a zip does.
fn is_zip(path: &Path) -> Result<bool> {
    let mut head = Vec::new();
    regular_file::open(path)?.take(4).read_to_end(&mut head).at(path, "read")?;
    Ok(head.starts_with(b"PK"))
}

/// Computes a case again that lies in no bundle.
fn case_alone(
    case: &CaseFile,
    root: Root<'_>,
    settings: &VerifySettings<'_>,
    options: &BatchOptions<'_>,
) -> Result<CaseVerification> {
    let mut again = recompute(case, root, settings.models, settings.keys, settings.platform, options)?;
    // A folder that a document names is looked into only where the document is right about its files.
    if again.verification.same {
        unmentioned(case, root, &again.places, &mut again.verification.coverage);
    }
    Ok(again.verification)
}

/// Checks a bundle and, where nothing is wrong with it, the case in it.
fn bundle_and_case(
    path: &Path,
    settings: &VerifySettings<'_>,
    options: &BatchOptions<'_>,
    outcome: &mut Verification,
) -> Result<BundleCheck> {
    let mut check = BundleCheck {
        path: path.display().to_string(),
        intact: true,
        fault: None,
        files: 0,
        absent: Vec::new(),
        signed_by: None,
        signature: None,
    };
    match unpack(path, settings.keys) {
        Ok(Bundled::This(unpacked)) => {
            (check.files, check.absent) = (unpacked.files.len(), unpacked.absent.clone());
            check.signed_by.clone_from(&unpacked.settings.signed_by);
            outcome.case = Some(case_of(&unpacked, settings, options)?);
        }
        Ok(Bundled::Other(bundle)) => {
            (check.files, check.absent) = (bundle.files.len(), bundle.case.absent(&bundle.files));
            check.signed_by = bundle.signed_by;
            let root = settings.root.map_or(Root::AsTold, Root::Below);
            outcome.other_version = Some(bundle.case.compare(root, &bundle.files, &mut outcome.coverage));
        }
        Err(error) if error.is_evidence() => (check.intact, check.fault) = (false, Some(error.to_string())),
        Err(error) => return Err(error),
    }
    check.signature = signature_of(path, settings.public_key, check.signed_by.as_deref());
    Ok(check)
}

/// Computes the case of a bundle again, and compares what follows from it with the other files of the bundle.
fn case_of(unpacked: &Unpacked, settings: &VerifySettings<'_>, options: &BatchOptions<'_>) -> Result<CaseVerification> {
    let (case, platform) = (&unpacked.case, settings.platform);
    let places = case.places_beyond(&unpacked.places, settings.root);
    let mut again = recompute(case, Root::Places(&places), settings.models, settings.keys, platform, options)?;
    let verification = &mut again.verification;
    // Of a bundle that holds its recordings, what is in it decides, not what is on this machine.
    let root = match (unpacked.settings.recordings, settings.root) {
        (true, _) => Root::Places(&places),
        (false, root) => root.map_or(Root::AsTold, Root::Below),
    };
    match &again.document {
        Some(document) => {
            unmentioned(case, root, &places, &mut verification.coverage);
            unpacked.compare(document, platform, verification)?;
        }
        None => verification.remarks.push("the other files of the bundle were not compared".into()),
    }
    Ok(again.verification)
}

/// The signature of a bundle that states to be signed with a key, or for which a public key was given.
fn signature_of(path: &Path, given: Option<&str>, stated: Option<&str>) -> Option<SignatureCheck> {
    let failed =
        |fault: String| SignatureCheck { valid: false, fault: Some(fault), trusted_comment: None, key_id: None };
    let Some(given) = given else {
        return stated.map(|stated| {
            let name = path.display();
            failed(format!("{name}: found no public key to check the signature with; expected that of the key {stated}, with which the bundle states it was signed"))
        });
    };
    let mut beside = path.as_os_str().to_os_string();
    beside.push(signature::SUFFIX);
    Some(match signature::verify(path, Path::new(&beside), &Key::named(given)) {
        Ok(verified) if stated.is_some_and(|stated| stated != verified.key_id) => failed(format!(
            "{}: found a signature by the key {}; expected one by the key {}, with which the bundle states it was signed",
            path.display(),
            verified.key_id,
            stated.unwrap_or("")
        )),
        Ok(verified) => SignatureCheck {
            valid: true,
            fault: None,
            trusted_comment: Some(verified.trusted_comment),
            key_id: Some(verified.key_id),
        },
        Err(error) => failed(error.to_string()),
    })
}
