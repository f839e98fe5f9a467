//! `soundalike schema`: the shape of the JSON results.

use super::{DONE, Outcome, output};
use clap::{Args, ValueEnum};
use schemars::schema_for;
use soundalike::encoder::SelfTest;
use soundalike::evidence::verify::Verification;
use soundalike::library::check::CheckReport;
use soundalike::library::cohort::CohortDescription;
use soundalike::library::evaluate::EvaluateReport;
use soundalike::library::forget::Forgotten;
use soundalike::library::groups::GroupReport;
use soundalike::library::index::IndexReport;
use soundalike::library::inspect::InspectReport;
use soundalike::library::locate::LocateReport;
use soundalike::library::protect::ProtectReport;
use soundalike::library::scan::ScanRecord;
use soundalike::library::{Calibration, VoiceModelFile};
use soundalike::report::case::CaseReport;

/// Print the JSON Schema (draft 2020-12) of what a command prints with --json, or of the file that enrol, calibrate or
/// cohort (its description) writes.
#[derive(Args)]
#[command(
    after_help = "Example:\n  soundalike schema check > check.schema.json\n\nExit codes: 0 done; 2 there is no such schema."
)]
pub struct SchemaArgs {
    /// The command whose result is described
    #[arg(value_enum, default_value_t = ResultOf::Check)]
    command: ResultOf,
}

#[derive(Clone, Copy, ValueEnum)]
enum ResultOf {
    Check,
    Index,
    Scan,
    Groups,
    Protect,
    Inspect,
    Evaluate,
    Enrol,
    Selftest,
    Calibrate,
    Cohort,
    Locate,
    Report,
    Verify,
    Forget,
}

pub fn run(args: &SchemaArgs) -> Outcome {
    output::print_json(&match args.command {
        ResultOf::Check => schema_for!(CheckReport),
        ResultOf::Index => schema_for!(IndexReport),
        ResultOf::Scan => schema_for!(ScanRecord),
        ResultOf::Groups => schema_for!(GroupReport),
        ResultOf::Protect => schema_for!(ProtectReport),
        ResultOf::Inspect => schema_for!(InspectReport),
        ResultOf::Evaluate => schema_for!(EvaluateReport),
        ResultOf::Enrol => schema_for!(VoiceModelFile),
        ResultOf::Selftest => schema_for!(SelfTest),
        ResultOf::Calibrate => schema_for!(Calibration),
        ResultOf::Cohort => schema_for!(CohortDescription),
        ResultOf::Locate => schema_for!(LocateReport),
        ResultOf::Report => schema_for!(CaseReport),
        ResultOf::Forget => schema_for!(Vec<Forgotten>),
        ResultOf::Verify => schema_for!(Verification),
    })?;
    Ok(DONE)
}
