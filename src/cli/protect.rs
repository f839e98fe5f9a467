//! `soundalike protect`: the standing list of protected voices, and the gate of a publishing pipeline.

use super::check::{described_reference, warn_of_reference};
use super::encryption::{EncryptArgs, keys};
use super::gate::gate_lines;
use super::output::{self, plain};
use super::progress::Progress;
use super::table::table;
use super::{
    CalibrationArgs, ChannelArg, Common, DONE, EncoderArg, GATE, ModelsArg, NOTHING, Outcome, PopulationArgs,
    SOME_UNUSABLE,
};
use clap::{Args, Subcommand};
use soundalike::Result;
use soundalike::encoder::{EncoderSet, Panel, PanelSettings};
use soundalike::encryption::AtRest;
use soundalike::library::gate::GateStatus;
use soundalike::library::protect::{ProtectReport, ProtectedVoices, check};
use soundalike::library::scan::{ScanSettings, Threshold};
use soundalike::library::{PassedOver, ReferenceSource, Status};
use std::fmt::Write as _;
use std::path::PathBuf;

/// Keep a list of protected voices, and check candidates against all of them.
///
/// The list is a folder with a voice model for each voice: embeddings and hashes, no sound.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  soundalike protect add anna voices/anna\n  soundalike protect check new-voice/*.wav || echo stopped\n\n\
                  Exit codes: 0 done, and every candidate passed; 1 check: a candidate is close to a protected voice or \
                  could not be judged; 2 nothing could be done; 3 add: some recordings were not used."
)]
pub struct ProtectArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Args)]
struct StoreArg {
    /// Folder of the list
    #[arg(long, default_value = "protected", value_name = "FOLDER")]
    store: PathBuf,
}

impl StoreArg {
    fn voices(&self, common: &Common) -> Result<ProtectedVoices> {
        let at_rest = AtRest { keys: keys(common)?, recipients: None };
        Ok(ProtectedVoices::of(&self.store, at_rest))
    }
}

#[derive(Subcommand)]
enum Action {
    Add(AddArgs),
    List(ListArgs),
    Remove(RemoveArgs),
    Check(CheckArgs),
}

/// Put a voice on the list.
///
/// Its recordings are listened to once and are not needed afterwards; the list keeps embeddings and hashes, no sound.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  soundalike protect add anna voices/anna\n  soundalike protect add anna 'new/*.flac' \
                  --replace\n  soundalike protect add anna anna.model --store protected\n\nExit codes: 0 all recordings \
                  were used; 3 some were not; 2 nothing was put there."
)]
struct AddArgs {
    /// Name of the voice
    name: String,
    /// Its recordings: files, folders or quoted patterns; voice models are taken in with their recordings
    #[arg(required = true, value_name = "REF")]
    references: Vec<PathBuf>,
    /// Replace the voice of that name
    #[arg(long)]
    replace: bool,
    #[command(flatten)]
    store: StoreArg,
    #[command(flatten)]
    channel: ChannelArg,
    #[command(flatten)]
    encoder: EncoderArg,
    #[command(flatten)]
    encrypt: EncryptArgs,
}

/// Print the voices on the list.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  soundalike protect list\n  soundalike protect list --store protected --json\n\nExit codes: \
                  0 every voice can be compared with, also where there is none; 3 one cannot; 2 the list cannot be read."
)]
struct ListArgs {
    #[command(flatten)]
    store: StoreArg,
    /// Print the list as JSON
    #[arg(long)]
    json: bool,
}

/// Take a voice off the list.
#[derive(Args)]
#[command(after_help = "Example:\n  soundalike protect remove anna\n\nExit codes: 0 done; 2 it is not on the list.")]
struct RemoveArgs {
    /// Name of the voice
    name: String,
    #[command(flatten)]
    store: StoreArg,
}

/// Check candidates against every voice on the list.
///
/// A candidate passes where it is close to none of them. One that cannot be judged, since it is too short, say, does
/// not pass either. Nor does a folder in which something was passed over that may hold sound: a hidden sound file, a
/// link to a folder, a folder that cannot be listed.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  soundalike protect check new-voice/*.wav || echo stopped\n  soundalike protect check \
                  --fail-above campplus=0.6 --json new-voice/ > gate.json\n\nExit codes: 0 every candidate passed; 1 one \
                  is close to a protected voice or could not be judged, or something that may hold sound was passed over; 2 \
                  nothing could be done."
)]
struct CheckArgs {
    /// Clips in question: files, folders or quoted patterns
    #[arg(required = true, value_name = "CANDIDATE")]
    candidates: Vec<PathBuf>,
    #[command(flatten)]
    store: StoreArg,
    /// A candidate at this score or above against any voice is stopped: log10_lr=X or an encoder's cosine
    #[arg(long, default_value = "log10_lr=2", value_name = "SCORE=X")]
    fail_above: Threshold,
    #[command(flatten)]
    calibration: CalibrationArgs,
    #[command(flatten)]
    population: PopulationArgs,
    #[command(flatten)]
    channel: ChannelArg,
    #[command(flatten)]
    models: ModelsArg,
    /// Print the result as JSON (see `soundalike schema protect`)
    #[arg(long)]
    json: bool,
}

pub fn run(args: &ProtectArgs, common: &Common) -> Outcome {
    match &args.action {
        Action::Add(args) => add(args, common),
        Action::List(args) => list(args, common),
        Action::Remove(args) => {
            let voices = args.store.voices(common)?;
            super::audit::input_files(voices.files_of(&args.name)?);
            voices.remove(&args.name)?;
            output::print(&format!("removed          {}\n", plain(&args.name)))?;
            Ok(DONE)
        }
        Action::Check(args) => gate(args, common),
    }
}

fn add(args: &AddArgs, common: &Common) -> Outcome {
    let store = ProtectedVoices::of(&args.store.store, args.encrypt.at_rest(common)?);
    let file = store.file_of(&args.name)?;
    let source = ReferenceSource::read(&args.references, &keys(common)?)?;
    let panel = super::panel(&args.channel, &args.encoder, Some(&source))?;
    let progress = Progress::new(common);
    let update = |done, all| progress.update(done, all);
    let enrolment = store.add(&args.name, &panel, &source, args.replace, &common.batch(&update))?;
    drop(progress);
    super::audit::reference(&enrolment.reference);
    warn_of_reference(&enrolment.reference, common);
    super::audit::output(&file, super::audit::hash(&file));
    output::print(&format!("protected        {}: {}\n", plain(&args.name), described_reference(&enrolment.reference)))?;
    let refused = enrolment.reference.clips.iter().any(|clip| clip.status == Status::Refused);
    Ok(if refused { SOME_UNUSABLE } else { DONE })
}

fn list(args: &ListArgs, common: &Common) -> Outcome {
    let store = args.store.voices(common)?;
    let voices = store.list()?;
    warn_of_others(&store.passed_over()?, common);
    if args.json {
        output::print_json(&voices)?;
    } else {
        let rows = voices.iter().map(|voice| {
            let encoders: Vec<&str> = voice.encoders.iter().map(|encoder| encoder.label()).collect();
            vec![
                plain(&voice.name),
                voice.clips.map_or("-".into(), |clips| clips.to_string()),
                voice.net_speech_s.map_or("-".into(), |speech| format!("{speech:.1}")),
                encoders.join(", "),
                plain(voice.problem.as_deref().unwrap_or_default()),
            ]
        });
        output::print(&table(&["voice", " clips", " speech s", "encoders", "problem"], &rows.collect::<Vec<_>>()))?;
    }
    Ok(if voices.iter().any(|voice| voice.problem.is_some()) { SOME_UNUSABLE } else { DONE })
}

/// Warns of what lies in the folder of a list and is not on the list.
pub fn warn_of_others(others: &PassedOver, common: &Common) {
    for entry in &others.first {
        output::warn(&entry.path, format!("passed over, and compared with nothing: {}", entry.reason.words()), common);
    }
    if others.entries > others.first.len() {
        let more = others.entries - others.first.len();
        output::warn("the list", format!("{more} more entries passed over"), common);
    }
}

fn gate(args: &CheckArgs, common: &Common) -> Outcome {
    let voices = args.store.voices(common)?.voices()?;
    warn_of_others(voices.passed_over(), common);
    let calibration = args.calibration.read(None)?;
    let cohort = args.population.read()?;
    let encoders = voices.encoders()?.unwrap_or_default();
    let panel = panel(args, encoders)?;
    super::audit::input_files([&args.store.store]);
    let progress = Progress::new(common);
    let update = |done, all| progress.update(done, all);
    let settings = ScanSettings {
        threshold: args.fail_above,
        calibration: Some(&calibration),
        cohort: Some(&cohort),
        cohort_filters: &args.population.cohort_filter,
        threads: common.threads,
        ..ScanSettings::default()
    };
    let report = check(&panel, &voices, &args.candidates, &settings, &common.batch(&update))?;
    drop(progress);
    report.candidates.iter().for_each(|clip| super::audit::input(&clip.path, clip.sha256.as_deref()));
    if args.json {
        output::print_json(&report)?;
    } else {
        output::print(&text(&report))?;
    }
    Ok(match &report {
        report if report.candidates.is_empty() => NOTHING,
        report if report.passed => DONE,
        _ => GATE,
    })
}

fn panel(args: &CheckArgs, encoders: EncoderSet) -> Result<Panel> {
    let settings = PanelSettings { channel: args.channel.channel, encoders, ..Default::default() };
    Panel::with_models(&settings, &args.models.models())
}

fn text(report: &ProtectReport) -> String {
    let mut text = String::new();
    let voices = if report.voices == 1 { "voice" } else { "voices" };
    let _ = writeln!(
        text,
        "protected        {} {voices}; stopped at {} or above",
        report.voices,
        report.threshold.in_words()
    );
    report.candidates.iter().for_each(|clip| gate_lines(&mut text, clip, true));
    text.push_str(&output::passed_over(&report.passed_over));
    let stopped = report.candidates.iter().filter(|candidate| candidate.status != GateStatus::Passed).count();
    let _ = match report.passed {
        true => writeln!(text, "gate             passed"),
        false => {
            let unheard =
                if report.passed_over.may_hold_sound() { ", and what was passed over may hold sound" } else { "" };
            writeln!(text, "gate             stopped: {stopped} of {} candidates{unheard}", report.candidates.len())
        }
    };
    text
}
