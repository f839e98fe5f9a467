//! `soundalike verify`: whether evidence is as it was recorded.

use super::output::plain;
use super::{Common, DONE, GATE, Outcome, output};
use clap::Args;
use schemars::JsonSchema;
use serde::Serialize;
use soundalike::ErrorKind;
use soundalike::evidence::audit::{self, AuditCheck, AuditFaultKind};
use std::fmt::Write;

/// Verify that evidence is as it was recorded.
///
/// With --audit the log is gone through from its first line: each must have the hash that it states, and state the hash
/// of the one before. That shows lines that were changed, removed, inserted, moved or repeated. It cannot show that lines
/// at the end were taken away, nor that the whole log was written anew, unless the hash of a line was kept elsewhere and is
/// given by --last.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  soundalike check --audit case.log --reference anna take1.wav\n  soundalike verify --audit \
                  case.log\n  soundalike verify --audit case.log --last 3b1f...\n\nExit codes: 0 all is as it was \
                  recorded; 1 something is not; 2 it could not be read."
)]
pub struct VerifyArgs {
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
    /// The audit log.
    pub audit: Option<AuditCheck>,
}

pub fn run(args: &VerifyArgs, common: &Common) -> Outcome {
    let Some(log) = &common.audit else {
        let (found, expected) = ("nothing to verify".into(), "--audit FILE".into());
        return Err(ErrorKind::Setting { name: "verify", found, expected }.into());
    };
    let outcome = audit::check(log, args.last.as_deref())?;
    let passed = outcome.intact;
    if args.json {
        let version = env!("CARGO_PKG_VERSION").into();
        output::print_json(&Verification { version, passed, audit: Some(outcome) })?;
    } else {
        output::print(&text(&outcome))?;
    }
    Ok(if passed { DONE } else { GATE })
}

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
