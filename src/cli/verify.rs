//! `soundalike verify`: whether evidence is as it was recorded.

use super::output::plain;
use super::{Common, DONE, GATE, ModelsArg, Outcome, SOME_UNUSABLE, output, progress::Progress};
use clap::Args;
use soundalike::evidence::audit::{AuditCheck, AuditFaultKind};
use soundalike::evidence::coverage::{Coverage, How};
use soundalike::evidence::other_version::{MadeBy, OtherVersion};
use soundalike::evidence::recompute::{CaseVerification, Difference, Platform};
use soundalike::evidence::verify::{SignatureCheck, Verification, VerifySettings, verify};
use std::fmt::Write;
use std::path::PathBuf;

/// Verify that evidence is as it was recorded.
///
/// WHAT is a report.json, a result of `check --json`, or a bundle. The hash of every file is compared first; then
/// everything is computed again from the files and compared value by value, bit for bit. A document of another kind of
/// machine may differ in last digits: --other-platform compares it within a tolerance.
///
/// Of a document that another version of the program made, or other models (see `soundalike --version`), the recordings
/// alone are compared, by their hashes; where they are the same, the exit code is 3, and the version that can reproduce
/// the figures is named.
///
/// Of a bundle the manifest and every hash are checked; then its page, its texts and its description are made again
/// from its data and compared byte for byte, and its recordings with the hashes in the result, whatever the bundle says
/// of itself. A bundle that states it was signed passes only with its signature next to it (its name and .minisig) and
/// --public-key.
///
/// Everything in a document is printed in one of three lists: verified; taken as stated (no computation can confirm it,
/// and whoever writes a document can state something else: case data, the names of the candidates, the limits of the
/// gate); not covered (an unknown name, an extra file, a recording that the result does not mention). What is not
/// covered does not pass unless --allow-uncovered is given.
///
/// With --audit the log is gone through from its first line: each must have the hash that it states, and state the hash
/// of the one before. That shows lines that were changed, removed, inserted, moved or repeated. It cannot show that
/// lines at the end were taken away, nor that the whole log was written anew, unless the hash of a line was kept
/// elsewhere and is given by --last.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  soundalike verify report.json\n  soundalike verify report.json --root /mnt/case\n  soundalike verify report.json --other-platform\n  soundalike \
                  verify case.zip --public-key us.pub\n  soundalike check --audit case.log --reference anna take1.wav\n  soundalike verify --audit \
                  case.log\n  soundalike verify --audit case.log --last 3b1f...\n\nExit codes: 0 all is as it was \
                  recorded; 1 something differs, is not covered, or lacks its signature; 2 it could not be read; 3 another version made it: the recordings are the same, and the figures were not computed again."
)]
pub struct VerifyArgs {
    /// Report, result or bundle
    #[arg(value_name = "WHAT")]
    what: Option<PathBuf>,
    /// Folder below which the recordings lie, where the case has moved; also for what a bundle leaves out
    #[arg(long, value_name = "FOLDER", requires = "what")]
    root: Option<PathBuf>,
    /// Public key (a file or its 56 digits) of whoever signed the bundle; the signature is looked for next to it, under
    /// its name and .minisig
    #[arg(long, value_name = "KEY", requires = "what")]
    public_key: Option<String>,
    /// Compare figures within a tolerance where the document states another platform (instruction set, system); without
    /// it every document is compared bit for bit
    #[arg(long, requires = "what")]
    other_platform: bool,
    /// Let a document pass that has something in it with which nothing was compared; it is listed all the same
    #[arg(long, requires = "what")]
    allow_uncovered: bool,
    #[command(flatten)]
    models: ModelsArg,
    /// Hash of a line of the log, as it was noted elsewhere (64 hexadecimal digits): the line must be there
    #[arg(long, value_name = "HASH", requires = "audit")]
    last: Option<String>,
    /// Print the outcome as JSON (see `soundalike schema verify`)
    #[arg(long)]
    json: bool,
}

pub fn run(args: &VerifyArgs, common: &Common) -> Outcome {
    let (models, keys) = (args.models.models(), super::encryption::keys(common)?);
    let settings = VerifySettings {
        what: args.what.as_deref(),
        root: args.root.as_deref(),
        public_key: args.public_key.as_deref(),
        platform: if args.other_platform { Platform::Other } else { Platform::Same },
        allow_uncovered: args.allow_uncovered,
        models: &models,
        keys: &keys,
        log: common.audit.as_deref(),
        last: args.last.as_deref(),
    };
    let progress = Progress::new(common);
    let update = |done, all| progress.update(done, all);
    let outcome = verify(&settings, &common.batch(&update))?;
    drop(progress);
    if args.json {
        output::print_json(&outcome)?;
    } else {
        output::print(&words(&outcome))?;
    }
    Ok(match (outcome.passed, outcome.undecided) {
        (true, _) => DONE,
        (false, true) => SOME_UNUSABLE,
        (false, false) => GATE,
    })
}

fn words(outcome: &Verification) -> String {
    let mut words = String::new();
    if let Some(bundle) = &outcome.bundle {
        let _ = match &bundle.fault {
            None => writeln!(words, "bundle           intact: {} files with the hashes of its manifest", bundle.files),
            Some(fault) => writeln!(words, "bundle           NOT INTACT: {}", plain(fault)),
        };
        if !bundle.absent.is_empty() {
            let _ = writeln!(words, "not in it        {} files, looked for elsewhere", bundle.absent.len());
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
                let _ = writeln!(words, "signature        none stated, and no --public-key given");
            }
        }
    }
    outcome.case.iter().for_each(|case| case_words(&mut words, case));
    outcome.other_version.iter().for_each(|other| other_version_words(&mut words, other));
    coverage_words(&mut words, &outcome.coverage);
    outcome.audit.iter().for_each(|log| words.push_str(&text(log)));
    words
}

fn case_words(words: &mut String, case: &CaseVerification) {
    let _ = writeln!(words, "result           SHA-256 {}", case.result_sha256);
    let _ = writeln!(words, "files            {} with the hash in the result", case.files);
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
    difference_words(words, &case.differences);
    case.remarks.iter().for_each(|remark| {
        let _ = writeln!(words, "note             {}", plain(remark));
    });
}

fn difference_words(words: &mut String, differences: &[Difference]) {
    for (i, difference) in differences.iter().take(SHOWN).enumerate() {
        let name = if i == 0 { "DIFFERS" } else { "" };
        let _ = writeln!(words, "{name:16} {}", plain(&difference.to_string()));
    }
    if differences.len() > SHOWN {
        let _ = writeln!(words, "{:16} and more (see --json)", "");
    }
}

fn other_version_words(words: &mut String, other: &OtherVersion) {
    let made_by = plain(&other.made_by.to_string());
    let _ = writeln!(words, "made by          {made_by}; this is {}", MadeBy::this());
    let _ = writeln!(words, "result           SHA-256 {}", other.result_sha256);
    let _ = match other.differences.is_empty() {
        true => writeln!(words, "recordings       the same: {} files with the hash in the result", other.files),
        false => writeln!(words, "recordings       NOT THE SAME; {} files with the hash in the result", other.files),
    };
    difference_words(words, &other.differences);
    let _ = writeln!(words, "figures          not computed again: reproduce it with {made_by}");
}

fn coverage_words(words: &mut String, coverage: &Coverage) {
    for how in [How::Recomputed, How::Hash, How::HashAlone, How::Rebuilt, How::Listed, How::Signature] {
        let items: Vec<String> =
            coverage.verified.iter().filter(|item| item.how == how).map(|item| plain(&item.what)).collect();
        let more = items.len().saturating_sub(NAMED);
        let named = items.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
        let more = if more > 0 { format!(" and {more} more (see --json)") } else { String::new() };
        if !items.is_empty() {
            let _ = writeln!(words, "verified         {}: {named}{more}", how_words(how));
        }
    }
    for item in &coverage.stated {
        let value = item.value.as_ref().map_or_else(String::new, |value| format!(" {value}"));
        let _ = writeln!(words, "taken as stated  {}{}: {}", plain(&item.what), plain(&value), item.why);
    }
    for item in coverage.not_covered.iter().take(SHOWN) {
        let (found, expected) = (plain(&item.found), plain(&item.expected));
        let _ = writeln!(words, "NOT COVERED      {}: found {found}; expected {expected}", plain(&item.what));
    }
    if coverage.not_covered.len() > SHOWN {
        let _ = writeln!(words, "{:16} and {} more (see --json)", "", coverage.not_covered.len() - SHOWN);
    }
}

fn how_words(how: How) -> &'static str {
    match how {
        How::Recomputed => "computed again from the recordings",
        How::Hash => "by SHA-256, and used in the computation",
        How::HashAlone => "by SHA-256",
        How::Rebuilt => "written again from the data, equal byte for byte",
        How::Listed => "every recording in it is in the result",
        How::Signature => "by its signature",
    }
}

/// Files that are named in a list.
const NAMED: usize = 12;
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
