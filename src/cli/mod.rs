//! Words to calls. Each sub-command is one thin file: it reads arguments, calls the library, and shows the result.
//! Standard output is the result, standard error the progress and the warnings.

mod audit;
mod bundle;
mod calibrate;
mod check;
mod cohort;
mod demo;
mod embedding;
mod encryption;
mod enrol;
mod evaluate;
mod features;
mod forget;
mod gate;
mod groups;
mod index;
mod inspect;
mod library;
mod locate;
mod manual;
mod mistake;
mod options;
mod output;
mod progress;
mod protect;
mod report;
mod scan;
mod scan_table;
mod schema;
mod selftest;
mod signals;
mod table;
mod verify;

use clap::{Args, ColorChoice, CommandFactory, FromArgMatches, Parser, Subcommand};
use options::{CalibrationArgs, ChannelArg, EncoderArg, LabelArgs, ModelsArg, PopulationArgs, cohort_named, panel};
use soundalike::Result;
use soundalike::library::batch::BatchOptions;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::LazyLock;

/// Done.
const DONE: u8 = 0;
/// The gate that was asked for was hit.
const GATE: u8 = 1;
/// Nothing could be done.
const NOTHING: u8 = 2;
/// Done, but some clips were unusable.
const SOME_UNUSABLE: u8 = 3;

/// Measures how close a synthetic voice is to a protected one, offline, with evidence that can be recomputed.
#[derive(Parser)]
#[command(
    version,
    long_version = long_version(),
    max_term_width = 110,
    after_help = "Exit codes: 0 done; 1 a gate was hit, a rule does not hold, or the self-test or a verification failed; 2 nothing could be done (usage, unreadable reference, no \
                  speech); 3 done, but some clips were unusable, or what was to be verified is of another version.\nOn its own no score proves who spoke, and none says \
                  whether a clip is synthetic."
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    common: Common,
}

/// The versions of program and models, a line each.
fn long_version() -> &'static str {
    static VERSIONS: LazyLock<String> =
        LazyLock::new(|| format!("{}\nmodels {}", soundalike::VERSION, soundalike::models_version()));
    &VERSIONS
}

/// Options of every command.
#[derive(Args)]
#[command(next_help_heading = "Options of every command")]
struct Common {
    /// Number of threads; 0 is one a core. The output is the same bytes for any number
    #[arg(long, global = true, default_value_t = 0, value_name = "N", allow_negative_numbers = true)]
    threads: usize,
    /// No progress and no warnings on standard error; errors are still told
    #[arg(long, short, global = true)]
    quiet: bool,
    /// No colour, as with the variable NO_COLOR or when the output is no terminal
    #[arg(long, global = true)]
    no_color: bool,
    /// File with secret keys of age (made by age-keygen), to open encrypted models, indexes and bundles; may be given
    /// again. A passphrase is asked for, or read from the variable SOUNDALIKE_PASSPHRASE
    #[arg(long, global = true, value_name = "FILE")]
    identity: Vec<PathBuf>,
    /// Audit log: a line on this run, with the hashes of what it read and gave, is appended to it (`verify` checks the
    /// log instead)
    #[arg(long, global = true, value_name = "FILE")]
    audit: Option<PathBuf>,
}

impl Common {
    fn batch<'a>(&self, progress: &'a (dyn Fn(usize, usize) + Sync)) -> BatchOptions<'a> {
        BatchOptions { threads: self.threads, progress, ..Default::default() }
    }
}

/// What each does stands with its arguments.
#[derive(Subcommand)]
enum Command {
    Check(check::CheckArgs),
    Index(index::IndexArgs),
    Scan(scan::ScanArgs),
    Groups(groups::GroupsArgs),
    Protect(protect::ProtectArgs),
    Locate(locate::LocateArgs),
    Report(report::ReportArgs),
    Bundle(bundle::BundleArgs),
    Cohort(cohort::CohortArgs),
    Calibrate(calibrate::CalibrateArgs),
    Enrol(enrol::EnrolArgs),
    Inspect(inspect::InspectArgs),
    Features(features::FeaturesArgs),
    Evaluate(evaluate::EvaluateArgs),
    Forget(forget::ForgetArgs),
    Schema(schema::SchemaArgs),
    Selftest(selftest::SelftestArgs),
    Verify(verify::VerifyArgs),
    Demo(demo::DemoArgs),
    Completions(manual::CompletionsArgs),
    Man(manual::ManArgs),
}

/// Runs the program.
pub fn run() -> ExitCode {
    let (cli, words) = match parsed() {
        Ok(parsed) => parsed,
        Err(error) => {
            // A value that the library refuses is told as the library tells it.
            match mistake::of_value(&error) {
                Some(told) => output::mistake(&told),
                // clap prints help and version on standard output, mistakes on standard error.
                None => output::misuse(&error),
            }
            return ExitCode::from(if error.use_stderr() { NOTHING } else { DONE });
        }
    };
    let common = &cli.common;
    signals::watch();
    output::set_colour(common);
    // The log that is verified is no log of the verification.
    let log = common.audit.as_deref().filter(|_| !matches!(cli.command, Command::Verify(_)));
    if let Some(Err(error)) = log.map(audit::start) {
        output::error(&error.to_string(), common);
        return ExitCode::from(NOTHING);
    }
    let outcome = execute(&cli.command, common);
    signals::settle();
    let (code, error) = match outcome {
        Ok(code) => (code, None),
        Err(error) if output::is_broken_pipe(&error) => (DONE, None),
        Err(error) => {
            let told = mistake::told(&error, &words.join(" "));
            output::error(&told, common);
            (NOTHING, Some(told))
        }
    };
    let name = words.first().map_or("", String::as_str);
    if let Some(Err(error)) = log.map(|log| audit::finish(log, name, code, error)) {
        output::error(&error.to_string(), common);
        return ExitCode::from(NOTHING);
    }
    ExitCode::from(code)
}

/// The arguments, and the name of the command, a word each.
fn parsed() -> std::result::Result<(Cli, Vec<String>), clap::Error> {
    // Help and mistakes are printed before the options are known.
    let plain = std::env::args_os().any(|word| word == "--no-color");
    let colour = if plain { ColorChoice::Never } else { ColorChoice::Auto };
    let mut matches = Cli::command().color(colour).try_get_matches()?;
    let mut words = Vec::new();
    let mut inner = &matches;
    while let Some((name, more)) = inner.subcommand() {
        words.push(name.to_string());
        inner = more;
    }
    let cli = Cli::from_arg_matches_mut(&mut matches).map_err(|error| error.format(&mut Cli::command()))?;
    Ok((cli, words))
}

fn execute(command: &Command, common: &Common) -> Outcome {
    match command {
        Command::Check(args) => check::run(args, common),
        Command::Index(args) => index::run(args, common),
        Command::Scan(args) => scan::run(args, common),
        Command::Groups(args) => groups::run(args, common),
        Command::Protect(args) => protect::run(args, common),
        Command::Locate(args) => locate::run(args, common),
        Command::Report(args) => report::run(args, common),
        Command::Bundle(args) => bundle::run(args, common),
        Command::Cohort(args) => cohort::run(args, common),
        Command::Calibrate(args) => calibrate::run(args, common),
        Command::Enrol(args) => enrol::run(args, common),
        Command::Inspect(args) => inspect::run(args, common),
        Command::Features(args) => features::run(args, common),
        Command::Evaluate(args) => evaluate::run(args, common),
        Command::Forget(args) => forget::run(args, common),
        Command::Schema(args) => schema::run(args),
        Command::Selftest(args) => selftest::run(args, common),
        Command::Verify(args) => verify::run(args, common),
        Command::Demo(args) => demo::run(args, common),
        Command::Completions(args) => manual::completions(args),
        Command::Man(args) => manual::man(args),
    }
}

type Outcome = Result<u8>;
