//! `soundalike selftest`: known answers.

use super::{Common, DONE, GATE, ModelsArg, Outcome, output};
use clap::Args;
use soundalike::encoder::selftest;
use std::fmt::Write;

/// Check that the program computes what it should on this machine: weights, tables and known answers.
///
/// Every start that uses a speaker network holds it to its known answer first; this is the whole test. The networks'
/// known answers come from their original code; their bits are the same on every processor.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  soundalike selftest\n  soundalike selftest --models weights/ --json\n\nExit codes: 0 \
                  passed; 1 something differs."
)]
pub struct SelftestArgs {
    #[command(flatten)]
    models: ModelsArg,
    /// Print the whole result as JSON (see `soundalike schema selftest`)
    #[arg(long)]
    json: bool,
}

pub fn run(args: &SelftestArgs, _: &Common) -> Outcome {
    let result = selftest(&args.models.models());
    if args.json {
        output::print_json(&result)?;
    } else {
        let mut text = String::new();
        for check in &result.checks {
            let outcome = if check.passed { "passed" } else { "FAILED" };
            let _ = writeln!(text, "{outcome}  {:9} {:28} {}", check.encoder.label(), check.what, check.found);
            if !check.passed {
                let _ = writeln!(text, "{:47}expected {}", "", check.expected);
            }
        }
        let _ = writeln!(
            text,
            "{}",
            if result.passed { "all passed" } else { "no score may be taken from this program with these weights" }
        );
        output::print(&text)?;
    }
    Ok(if result.passed { DONE } else { GATE })
}
