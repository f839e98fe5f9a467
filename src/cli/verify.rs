//! `soundalike verify`: whether evidence is as it was recorded.

use super::output::plain;
use super::report::differing;
use super::{Common, DONE, GATE, ModelsArg, Outcome, output, progress::Progress};
use clap::Args;
use schemars::JsonSchema;
use serde::Serialize;
use soundalike::encryption::is_encrypted_file;
use soundalike::evidence::CaseFile;
use soundalike::evidence::audit::{self, AuditCheck, AuditFaultKind};
use soundalike::evidence::bundle::unpack;
use soundalike::evidence::recompute::{Recomputed, Root, Verification as CaseVerification, recompute};
use soundalike::evidence::signature::{self, Key};
use soundalike::{ErrorKind, Result};
use std::fmt::Write;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Verify that evidence is as it was recorded.
///
/// WHAT is a report.json, a result of `check --json`, or a bundle. The hash of every file is compared first; then
/// everything is computed again from the files and compared value by value, to the bit where this processor offers the
/// instruction set that the document was computed with, else within a stated tolerance. Of a bundle the manifest and
/// every hash in it are checked, and with --public-key the signature that lies beside it.
///
/// With --audit the log is gone through from its first line: each must have the hash that it states, and state the hash
/// of the one before. That shows lines that were changed, removed, inserted, moved or repeated. It cannot show that
/// lines at the end were taken away, nor that the whole log was written anew, unless the hash of a line was kept
/// elsewhere and is given by --last.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  soundalike verify report.json\n  soundalike verify report.json --root /mnt/case\n  soundalike \
                  verify case.zip --public-key us.pub\n  soundalike check --audit case.log --reference anna take1.wav\n  soundalike verify --audit \
                  case.log\n  soundalike verify --audit case.log --last 3b1f...\n\nExit codes: 0 all is as it was \
                  recorded; 1 something is not; 2 it could not be read."
)]
pub struct VerifyArgs {
    /// Report, result or bundle
    #[arg(value_name = "WHAT")]
    what: Option<PathBuf>,
    /// Folder below which the recordings lie, where the case has moved; also for what a bundle leaves out
    #[arg(long, value_name = "FOLDER", requires = "what")]
    root: Option<PathBuf>,
    /// Public key (a file or its 56 digits) of whoever signed the bundle; the signature is looked for beside it, under
    /// its name and .minisig
    #[arg(long, value_name = "KEY", requires = "what")]
    public_key: Option<String>,
    #[command(flatten)]
    models: ModelsArg,
    /// Hash of a line of the log, as it was noted elsewhere (64 hexadecimal digits): the line must be there
    #[arg(long, value_name = "HASH", requires = "audit")]
    last: Option<String>,
    /// Print the outcome as JSON (see `soundalike schema verify`)
    #[arg(long)]
    json: bool,
}

/// What was verified, and how it came out.
#[derive(Serialize, JsonSchema)]
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
#[derive(Serialize, JsonSchema)]
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
#[derive(Serialize, JsonSchema)]
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

pub fn run(args: &VerifyArgs, common: &Common) -> Outcome {
    if args.what.is_none() && common.audit.is_none() {
        let (found, expected) = ("nothing to verify".into(), "a report, a result or a bundle, or --audit FILE".into());
        return Err(ErrorKind::Setting { name: "verify", found, expected }.into());
    }
    let mut outcome =
        Verification { version: soundalike::VERSION.into(), passed: true, case: None, bundle: None, audit: None };
    if let Some(what) = &args.what {
        if is_zip(what)? || is_encrypted_file(what) {
            verify_bundle(what, args, common, &mut outcome)?;
        } else if args.public_key.is_some() {
            let found = format!("a public key for {}", what.display());
            let expected = "a bundle: only those are signed".into();
            return Err(ErrorKind::Setting { name: "public-key", found, expected }.into());
        } else {
            let case = CaseFile::read(what)?;
            let root = args.root.as_deref().map_or(Root::AsTold, Root::Below);
            outcome.case = Some(again(&case, root, args, common)?.verification);
        }
    }
    if let Some(log) = &common.audit {
        outcome.audit = Some(audit::check(log, args.last.as_deref())?);
    }
    let bundle = outcome.bundle.as_ref();
    let signed = bundle.and_then(|bundle| bundle.signature.as_ref()).is_none_or(|signature| signature.valid);
    outcome.passed = outcome.case.as_ref().is_none_or(|case| case.same)
        && bundle.is_none_or(|bundle| bundle.intact)
        && signed
        && outcome.audit.as_ref().is_none_or(|audit| audit.intact);
    if args.json {
        output::print_json(&outcome)?;
    } else {
        output::print(&words(&outcome))?;
    }
    Ok(if outcome.passed { DONE } else { GATE })
}

/// Whether a file begins as a zip does.
fn is_zip(path: &Path) -> Result<bool> {
    let failed = |source| ErrorKind::Io { path: path.into(), action: "open", source };
    let mut head = Vec::new();
    std::fs::File::open(path).and_then(|file| file.take(4).read_to_end(&mut head)).map_err(failed)?;
    Ok(head.starts_with(b"PK"))
}

fn again(case: &CaseFile, root: Root<'_>, args: &VerifyArgs, common: &Common) -> Result<Recomputed> {
    let progress = Progress::new(common);
    let update = |done, all| progress.update(done, all);
    recompute(case, root, &args.models.models(), &super::encryption::keys(common)?, &common.batch(&update))
}

/// Checks a bundle, and computes the case in it again where nothing is wrong with it.
fn verify_bundle(path: &Path, args: &VerifyArgs, common: &Common, outcome: &mut Verification) -> Result<()> {
    let folder = output::private_folder()?;
    let mut check = BundleCheck {
        path: path.display().to_string(),
        intact: true,
        fault: None,
        files: 0,
        absent: Vec::new(),
        signature: args.public_key.as_ref().map(|key| signature_of(path, key)),
    };
    match unpack(path, &super::encryption::keys(common)?, &folder.path().join("bundle")) {
        Ok(unpacked) => {
            (check.files, check.absent) = (unpacked.files, unpacked.absent.clone());
            let places = unpacked.case.places_beyond(&unpacked.places, args.root.as_deref());
            let mut again = again(&unpacked.case, Root::Places(&places), args, common)?;
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
            outcome.case = Some(again.verification);
        }
        Err(error) if error.is_evidence() => (check.intact, check.fault) = (false, Some(error.to_string())),
        Err(error) => return Err(error),
    }
    outcome.bundle = Some(check);
    Ok(())
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

fn words(outcome: &Verification) -> String {
    let mut words = String::new();
    if let Some(bundle) = &outcome.bundle {
        let _ = match &bundle.fault {
            None => writeln!(words, "bundle           intact: {} files with the hashes of its manifest", bundle.files),
            Some(fault) => writeln!(words, "bundle           NOT INTACT: {}", plain(fault)),
        };
        if !bundle.absent.is_empty() {
            let _ = writeln!(words, "left out of it   {} files, looked for elsewhere", bundle.absent.len());
        }
        match &bundle.signature {
            Some(SignatureCheck { valid: true, trusted_comment, key_id, .. }) => {
                let (key, comment) = (key_id.as_deref().unwrap_or(""), trusted_comment.as_deref().unwrap_or(""));
                let _ = writeln!(words, "signature        valid, by the key {}: {}", plain(key), plain(comment));
            }
            Some(SignatureCheck { fault, .. }) => {
                let _ = writeln!(words, "signature        NOT VALID: {}", plain(fault.as_deref().unwrap_or("")));
            }
            None => {
                let _ = writeln!(words, "signature        not asked for (--public-key)");
            }
        }
    }
    outcome.case.iter().for_each(|case| case_words(&mut words, case));
    outcome.audit.iter().for_each(|log| words.push_str(&text(log)));
    words
}

fn case_words(words: &mut String, case: &CaseVerification) {
    let _ = writeln!(words, "result           SHA-256 {}", case.result_sha256);
    let _ = writeln!(words, "files            {} with the hash that is told", case.files);
    let _ = match (case.same, case.tolerance) {
        (true, None) => {
            writeln!(words, "figures          same: {} values computed again, equal to the bit", case.values)
        }
        (true, Some(tolerance)) => {
            writeln!(words, "figures          same: {} values computed again, equal within {tolerance}", case.values)
        }
        (false, _) if case.values == 0 => writeln!(words, "figures          not computed again"),
        (false, _) => writeln!(words, "figures          {} values computed again", case.values),
    };
    for (i, difference) in case.differences.iter().take(SHOWN).enumerate() {
        let name = if i == 0 { "DIFFERS" } else { "" };
        let _ = writeln!(words, "{name:16} {}", plain(&differing(difference)));
    }
    if case.differences.len() > SHOWN {
        let _ = writeln!(words, "{:16} and more (see --json)", "");
    }
    if !case.same && case.told_version != case.version {
        let _ = writeln!(
            words,
            "note             the document was made by version {}, this is {}: take that version",
            plain(&case.told_version),
            case.version
        );
    }
    case.remarks.iter().for_each(|remark| {
        let _ = writeln!(words, "note             {}", plain(remark));
    });
}

/// Differences that are shown.
const SHOWN: usize = 5;

fn text(outcome: &AuditCheck) -> String {
    let lines = if outcome.lines == 1 { "1 line".into() } else { format!("{} lines", outcome.lines) };
    let word = if outcome.intact { "intact" } else { "intact, and then:" };
    let mut text = format!("audit log        {}: {lines} {word}\n", plain(&outcome.path));
    if let Some(fault) = &outcome.fault {
        let what = match fault.kind {
            AuditFaultKind::Changed => "CHANGED",
            AuditFaultKind::OutOfChain => {
                "OUT OF CHAIN (lines before it were removed, or it was inserted, moved or repeated)"
            }
            AuditFaultKind::CutShort => "CUT SHORT",
            AuditFaultKind::Missing => "MISSING (lines at the end were removed, or the log was written anew)",
        };
        let _ = writeln!(text, "line {:<11} {what}", fault.line);
        let _ = writeln!(text, "                 found {}", plain(&fault.found));
        let _ = writeln!(text, "                 expected {}", plain(&fault.expected));
    }
    let _ = writeln!(text, "last hash        {}", outcome.last);
    let _ = match outcome.known_line {
        Some(line) => writeln!(text, "known hash       is that of line {line}"),
        None if outcome.intact => {
            writeln!(
                text,
                "not shown        whether lines at the end were removed; keep the last hash elsewhere and give it by --last"
            )
        }
        None => Ok(()),
    };
    text
}
