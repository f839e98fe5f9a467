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
mod groups;
mod index;
mod inspect;
mod locate;
mod manual;
mod output;
mod progress;
mod protect;
mod report;
mod scan;
mod scan_table;
mod schema;
mod selftest;
mod table;
mod verify;

use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand};
use soundalike::Result;
use soundalike::audio::Channel;
use soundalike::encoder::{Encoder, EncoderSet, Models, Panel, PanelSettings};
use soundalike::library::batch::BatchOptions;
use soundalike::library::cohort::Cohort;
use soundalike::library::{
    DEFAULT_CONDITION, Filter, LabelFiles, Labels, LoadedCalibration, ReferenceSource, Selection,
};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

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
    max_term_width = 110,
    after_help = "Exit codes: 0 done; 1 a gate was hit, a rule does not hold, or the self-test or a verification failed; 2 nothing could be done (usage, unreadable reference, no \
                  speech); 3 done, but some clips were unusable.\nOn its own no score proves who spoke, and none says \
                  whether a clip is synthetic."
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    common: Common,
}

/// Options of every command.
#[derive(Args)]
struct Common {
    /// Number of threads; 0 is one a core. The output is the same bytes for any number
    #[arg(long, global = true, default_value_t = 0, value_name = "N")]
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
        BatchOptions { threads: self.threads, progress }
    }
}

/// Which channel of a recording is read.
#[derive(Args)]
struct ChannelArg {
    /// Channel that is used: mix (mean of all), left, right, a number from 1, or loudest (a second pass); files with
    /// one channel are used as they are
    #[arg(long, default_value = "mix", value_name = "CHANNEL")]
    channel: Channel,
}

/// Which encoders run.
#[derive(Args)]
struct EncoderArg {
    #[arg(long, value_name = "LIST", help = encoder_help())]
    encoder: Option<EncoderSet>,
    #[command(flatten)]
    models: ModelsArg,
}

/// Where the networks' weights are.
#[derive(Args)]
struct ModelsArg {
    /// Folder of the speaker networks' weights, ge2e.safetensors and campplus.safetensors of this version [default:
    /// those in the program]
    #[arg(long, value_name = "FOLDER")]
    models: Option<PathBuf>,
}

impl ModelsArg {
    fn models(&self) -> Models {
        self.models.clone().map_or(Models::BuiltIn, Models::Folder)
    }
}

/// Where labels come from.
#[derive(Args)]
struct LabelArgs {
    /// Tab-separated table of labelled clips
    #[arg(long, value_name = "FILE", required_unless_present = "trials")]
    manifest: Option<PathBuf>,
    /// List of trials in the format of VoxCeleb, `1 enrol.wav test.wav` a line (1 one voice, 0 two); with --manifest the
    /// table tells more of its clips
    #[arg(long, value_name = "FILE")]
    trials: Option<PathBuf>,
    /// Folder that the paths start from (default: that of the table or list)
    #[arg(long, value_name = "FOLDER")]
    root: Option<PathBuf>,
    /// Use only the lines whose column `split` has this value; give the option again for more values
    #[arg(long, value_name = "NAME")]
    split: Vec<String>,
    /// Use only the lines whose COLUMN is like PATTERN, or with != is not: * ? and [...] are wildcards, | separates
    /// alternatives; given again, all must hold
    #[arg(long = "where", value_name = "COLUMN=PATTERN")]
    filters: Vec<Filter>,
    /// The same for synthetic lines only; real ones are not asked
    #[arg(long = "where-synthetic", value_name = "COLUMN=PATTERN")]
    synthetic_filters: Vec<Filter>,
}

impl LabelArgs {
    /// Whether there is a list of trials.
    fn is_list(&self) -> bool {
        self.trials.is_some()
    }

    /// Reads the labels, with the cells of a column that must be there and of one that may.
    fn read(&self, column: Option<&str>, wanted: &[&str]) -> Result<Labels> {
        let labels = self.read_labels(column, wanted)?;
        audit::labels(self, &labels);
        Ok(labels)
    }

    fn read_labels(&self, column: Option<&str>, wanted: &[&str]) -> Result<Labels> {
        let selection = Selection {
            splits: self.split.clone(),
            filters: self.filters.clone(),
            synthetic_filters: self.synthetic_filters.clone(),
        };
        let files = LabelFiles {
            manifest: self.manifest.as_deref(),
            trials: self.trials.as_deref(),
            root: self.root.as_deref(),
            selection,
        };
        Labels::read(&files, column, wanted)
    }
}

/// Which calibration is used.
#[derive(Args)]
struct CalibrationArgs {
    /// Condition whose calibration is used: real-synthetic (a synthetic candidate against recordings of a person) or
    /// real-real [default: real-synthetic; of evaluate: that of the pairs]
    #[arg(long, value_name = "NAME", conflicts_with = "calibration")]
    condition: Option<String>,
    /// Calibration of your own, made by `calibrate`, in the place of one in the program
    #[arg(long, value_name = "FILE")]
    calibration: Option<PathBuf>,
}

impl CalibrationArgs {
    /// The calibration that was asked for; `condition` where none was.
    fn read(&self, condition: Option<&str>) -> Result<LoadedCalibration> {
        let loaded = match &self.calibration {
            Some(file) => LoadedCalibration::read(file),
            None => {
                let asked = self.condition.as_deref().or(condition);
                LoadedCalibration::built_in(asked.unwrap_or(DEFAULT_CONDITION))
            }
        }?;
        audit::input(&format!("calibration: {}", loaded.origin), Some(&loaded.sha256));
        Ok(loaded)
    }
}

/// The population that candidates are ranked in.
#[derive(Args)]
struct PopulationArgs {
    /// Population that candidates are ranked in: a file made by `cohort`, or default for the one in the program
    #[arg(long, default_value = "default", value_name = "NAME|FILE")]
    cohort: PathBuf,
    /// Use only the cohort's voices whose COLUMN (kind, sex, language, age) is like PATTERN, or with != is not; given
    /// again, all must hold. Without a filter on kind the real voices are the population
    #[arg(long, value_name = "COLUMN=PATTERN")]
    cohort_filter: Vec<Filter>,
}

impl PopulationArgs {
    fn read(&self) -> Result<Cohort> {
        cohort_named(&self.cohort)
    }
}

/// A cohort by its name in an option.
fn cohort_named(named: &Path) -> Result<Cohort> {
    let cohort = if named.as_os_str() == "default" { Cohort::built_in() } else { Cohort::read(named) }?;
    audit::input(&format!("cohort: {}", cohort.origin), Some(&cohort.sha256));
    Ok(cohort)
}

fn encoder_help() -> String {
    let names: Vec<&str> = Encoder::ALL.iter().map(|encoder| encoder.name()).collect();
    format!(
        "Encoders that are used: names separated by commas (of {}), or all [default: those of the reference's voice \
         model, or {}]",
        names.join(", "),
        EncoderSet::default()
    )
}

/// The panel of the encoders that are asked for, or of those that the reference's voice models hold.
fn panel(channel: &ChannelArg, encoder: &EncoderArg, reference: Option<&ReferenceSource>) -> Result<Panel> {
    let held = match (encoder.encoder, reference) {
        (None, Some(reference)) => reference.encoders()?,
        (asked, _) => asked,
    };
    let encoders = held.unwrap_or_default();
    let settings = PanelSettings { channel: channel.channel, encoders, ..Default::default() };
    Panel::with_models(&settings, &encoder.models.models())
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
    let (cli, name) = match parsed() {
        Ok(parsed) => parsed,
        Err(error) => {
            // clap prints help and version on standard output, mistakes on standard error.
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { NOTHING } else { DONE });
        }
    };
    let common = &cli.common;
    output::set_colour(common);
    // The log that is verified is no log of the verification.
    let log = common.audit.as_deref().filter(|_| !matches!(cli.command, Command::Verify(_)));
    if let Some(Err(error)) = log.map(audit::start) {
        output::error(&error, common);
        return ExitCode::from(NOTHING);
    }
    let (code, error) = match execute(&cli.command, common) {
        Ok(code) => (code, None),
        Err(error) if output::is_broken_pipe(&error) => (DONE, None),
        Err(error) => {
            output::error(&error, common);
            (NOTHING, Some(error.to_string()))
        }
    };
    if let Some(Err(error)) = log.map(|log| audit::finish(log, &name, code, error)) {
        output::error(&error, common);
        return ExitCode::from(NOTHING);
    }
    ExitCode::from(code)
}

/// The arguments, and the name of the command.
fn parsed() -> std::result::Result<(Cli, String), clap::Error> {
    let mut matches = Cli::command().try_get_matches()?;
    let name = matches.subcommand_name().unwrap_or_default().to_string();
    let cli = Cli::from_arg_matches_mut(&mut matches).map_err(|error| error.format(&mut Cli::command()))?;
    Ok((cli, name))
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
