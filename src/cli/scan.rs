//! `soundalike scan`: a library against one or many protected voices.

use super::check::{AT_BOUND, bounds, interval};
use super::library::Library;
use super::output::{self, plain, write_file};
use super::progress::Pace;
use super::scan_table::{csv_header, csv_row, parquet};
use super::{CalibrationArgs, Common, DONE, GATE, ModelsArg, NOTHING, Outcome, PopulationArgs, SOME_UNUSABLE, audit};
use clap::{Args, ValueEnum};
use soundalike::encoder::Encoder;
use soundalike::library::VoiceSet;
use soundalike::library::gate::{LibraryGate, check_library_limit, gate_library};
use soundalike::library::index::Progress;
use soundalike::library::scan::{
    DEFAULT_TOP, FalseAlarms, Hit, HitRow, ScanHead, ScanRecord, ScanSettings, Score, Threshold, VoiceScan,
    default_cache, scan,
};
use soundalike::path_text::path_of;
use soundalike::{Error, ErrorKind, Result};
use std::fmt::Write as _;
use std::io::{self, Write};
use std::path::PathBuf;
use std::str::FromStr;

/// Rank a whole library against one or many protected voices.
///
/// Every clip is compared with every voice; nothing is approximated. Clips are ranked by the likelihood ratio where a
/// calibration applies, else by a named score; those of a quality that was not validated are ranked apart. For each
/// voice the result says how many false alarms to expect at the threshold among so many clips, and what a ratio makes
/// of the number of clips of the voice that you expected beforehand. A folder is indexed on the way and forgotten; for
/// more than one scan make an index first.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  soundalike scan --reference voices/anna library/\n  soundalike scan --reference-set protected/ \
                  voices.lib --above log10_lr=2 --format csv -o hits.csv\n\nExit codes: 0 done, and with \
                  --fail every clip was heard, judged and stays under the threshold; 1 a clip is flagged and --fail was \
                  given; 2 nothing could be done; 3 done, but a voice could not be enrolled, or with --fail a clip could \
                  not be judged."
)]
pub struct ScanArgs {
    /// Recordings of a protected voice, or a voice model made by `enrol`: one file, folder or quoted pattern; give the
    /// option again for more of the same voice
    #[arg(long, value_name = "PATH", num_args = 1, required_unless_present = "reference_set")]
    reference: Vec<PathBuf>,
    /// Folder of protected voices: each folder in it is a voice by that name, and each voice model (.model)
    #[arg(long, value_name = "FOLDER")]
    reference_set: Vec<PathBuf>,
    /// An index made by `index`, a folder of Parquet files with the same columns, or a folder, list or manifest of
    /// clips
    #[arg(value_name = "LIBRARY")]
    library: PathBuf,
    /// Most clips that are listed of each voice, or all [default: 20; with --above all]
    #[arg(long, value_name = "N|all")]
    top: Option<Top>,
    /// List only clips at this score or above, and flag at it (beside a ratio also the closest clips that have none):
    /// log10_lr=X or an encoder's cosine, for example campplus=0.5 [default: list the closest, flag at log10_lr=2]
    #[arg(long, value_name = "SCORE=X")]
    above: Option<Threshold>,
    /// What clips are ranked by: log10_lr or an encoder's name [default: that of --above, else log10_lr, else the
    /// strongest encoder]
    #[arg(long, value_name = "SCORE")]
    by: Option<Score>,
    /// Clips of each voice that you expect in the library before looking: the prior of the posterior that is given.
    /// More than half of the library's clips are taken as half
    #[arg(long, value_name = "N", default_value_t = 1.0, allow_negative_numbers = true)]
    expected_clips: f64,
    #[command(flatten)]
    calibration: CalibrationArgs,
    #[command(flatten)]
    population: PopulationArgs,
    /// Form of the result
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
    /// File to write the result to [default: standard output]
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Make the scan a gate: every recording is heard again in all its parts; exit with 1 where a clip reaches the
    /// threshold, and with 3 where one could not be wholly heard and judged
    #[arg(long)]
    fail: bool,
    /// Folder for the index's embeddings in a form that is fast to read; it can be made again at any time [default:
    /// _rows in the index]
    #[arg(long, value_name = "FOLDER")]
    cache: Option<PathBuf>,
    #[command(flatten)]
    models: ModelsArg,
}

/// A number of clips, or all.
#[derive(Clone, Copy)]
struct Top(Option<usize>);

impl FromStr for Top {
    type Err = Error;

    fn from_str(word: &str) -> Result<Self> {
        if word == "all" {
            return Ok(Top(None));
        }
        let top = word.parse().ok().filter(|top| *top > 0);
        let wrong = || ErrorKind::Setting { name: "top", found: word.into(), expected: "1 or more, or all".into() };
        top.map(|top| Top(Some(top))).ok_or_else(|| wrong().into())
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Table,
    /// A line a clip, with a header
    Csv,
    /// A JSON object a line: the scan, then each voice with its clips (see `soundalike schema scan`)
    Jsonl,
    /// A Parquet file with a row a clip
    Parquet,
}

pub fn run(args: &ScanArgs, common: &Common) -> Outcome {
    if args.format == Format::Parquet && args.output.is_none() {
        let (found, expected) = ("parquet on standard output".into(), "--output FILE".into());
        return Err(ErrorKind::Setting { name: "format", found, expected }.into());
    }
    let voices = voices(&args.reference, &args.reference_set, common)?;
    super::protect::warn_of_others(voices.passed_over(), common);
    audit::input_files(args.reference.iter().chain(&args.reference_set));
    let calibration = args.calibration.read(None)?;
    let cohort = args.population.read()?;
    if args.fail {
        check_library_limit(&voices, args.above.unwrap_or_default(), &calibration)?;
    }
    let opened = Library::open(&args.library, Some(&voices), &args.models, common)?;
    let cache = match (&opened.temporary, &args.cache) {
        (Some(_), _) => None,
        (None, Some(folder)) => Some(folder.clone()),
        (None, None) => Some(default_cache(&args.library)),
    };
    let pace = Pace::new(common);
    let shared = std::sync::Mutex::new(pace);
    // Whoever asks for what lies above a score wants all of it.
    let top = args.top.unwrap_or(Top(if args.above.is_some() { None } else { Some(DEFAULT_TOP) })).0;
    let settings = ScanSettings {
        top,
        threshold: args.above.unwrap_or_default(),
        only_above: args.above.is_some(),
        own_too: false,
        by: args.by,
        expected_clips: args.expected_clips,
        calibration: Some(&calibration),
        cohort: Some(&cohort),
        cohort_filters: &args.population.cohort_filter,
        cache,
        progress: &|clips, all| {
            if let Ok(pace) = shared.lock() {
                pace.update(&Progress { clips, all: Some(all), ..Default::default() });
            }
        },
        threads: common.threads,
    };
    let mut tally = Tally::default();
    match &args.output {
        None => {
            let mut out = io::BufWriter::new(output::stdout());
            let failed = output::stdout_error;
            write_scan(args, &opened, &voices, &settings, &mut out, &failed, common, &mut tally)?;
            out.flush().map_err(failed)?;
        }
        Some(path) => write_file(path, &mut |out| {
            let failed = |source| Error::from(ErrorKind::Io { path: path.clone(), action: "write", source });
            tally = Tally::default();
            write_scan(args, &opened, &voices, &settings, out, &failed, common, &mut tally)
        })?,
    }
    Ok(match tally {
        Tally { flagged, .. } if flagged > 0 && args.fail => GATE,
        Tally { stopped: Some((above, _)), .. } if above > 0 => GATE,
        // A gate that did not judge everything is not open.
        Tally { stopped: Some(_), passed: false, .. } => SOME_UNUSABLE,
        Tally { compared: 0, .. } => NOTHING,
        Tally { left_out, .. } if left_out > 0 => SOME_UNUSABLE,
        _ => DONE,
    })
}

/// The protected voices that two options name.
pub fn voices(reference: &[PathBuf], sets: &[PathBuf], common: &Common) -> Result<VoiceSet> {
    let keys = &super::encryption::keys(common)?;
    let mut all = if reference.is_empty() { None } else { Some(VoiceSet::one(reference, keys)?) };
    for folder in sets {
        let set = VoiceSet::folder(folder, keys)?;
        all = Some(match all {
            Some(voices) => voices.and(set),
            None => set,
        });
    }
    all.ok_or_else(|| {
        let (found, expected) = ("none".into(), "--reference or --reference-set".into());
        ErrorKind::Setting { name: "reference", found, expected }.into()
    })
}

/// What decides the exit code.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    flagged: usize,
    compared: usize,
    left_out: usize,
    /// Where there is a gate: clips that reach the limit, and clips that were not judged.
    stopped: Option<(usize, usize)>,
    passed: bool,
}

/// Hears every clip of the library again, in all its parts.
fn library_gate(
    library: &Library,
    voices: &VoiceSet,
    settings: &ScanSettings<'_>,
    common: &Common,
) -> Result<LibraryGate> {
    let progress = super::progress::Progress::new(common);
    let update = |done, all| progress.update(done, all);
    let root = path_of(&library.index.manifest().library);
    gate_library(&library.panel, voices, (&library.index, &root), settings, &common.batch(&update))
}

fn told_gate(gate: &LibraryGate) -> String {
    let mut text = String::new();
    let outcome = &gate.outcome;
    outcome.clips.iter().for_each(|clip| super::gate::gate_lines(&mut text, clip, false));
    let limits: Vec<String> = outcome.limits.iter().map(Threshold::in_words).collect();
    let _ = match outcome.passed {
        true => {
            writeln!(text, "gate             passed: all {} clips heard, none at {}", gate.judged, limits.join(", "))
        }
        false => writeln!(
            text,
            "gate             stopped: {} of {} clips at {} or above, {} not judged",
            outcome.above.len(),
            gate.judged,
            limits.join(", "),
            outcome.refused.len()
        ),
    };
    text
}

#[allow(clippy::too_many_arguments)]
fn write_scan(
    args: &ScanArgs,
    library: &Library,
    voices: &VoiceSet,
    settings: &ScanSettings<'_>,
    out: &mut dyn Write,
    failed: &dyn Fn(io::Error) -> Error,
    common: &Common,
    tally: &mut Tally,
) -> Result<()> {
    let out = std::cell::RefCell::new(out);
    let write = |text: &str| out.borrow_mut().write_all(text.as_bytes()).map_err(failed);
    let json = |value: serde_json::Result<String>| write(&(value.map_err(|e| failed(e.into()))? + "\n"));
    let mut rows: Vec<HitRow> = Vec::new();
    let left_out = std::cell::Cell::new(0);
    scan(
        &library.panel,
        voices,
        &library.index,
        settings,
        &mut |head| {
            left_out.set(head.left_out.len());
            for voice in &head.left_out {
                output::warn(&voice.voice, format!("left out: {}", voice.message), common);
            }
            match args.format {
                Format::Table => write(&about(head)),
                Format::Csv => write(&csv_header()),
                Format::Jsonl => json(serde_json::to_string(&ScanRecord::Scan(Box::new(head.clone())))),
                Format::Parquet => Ok(()),
            }
        },
        &mut |voice| {
            tally.flagged += voice.flagged;
            tally.compared += voice.compared;
            match args.format {
                Format::Table => write(&table(voice)),
                Format::Csv => {
                    let hits = voice.hits.iter().map(|hit| (true, hit));
                    let mut all = hits.chain(voice.withheld.iter().map(|hit| (false, hit)));
                    all.try_for_each(|(ranked, hit)| write(&csv_row(&HitRow::of(voice, hit, ranked))))
                }
                Format::Jsonl => json(serde_json::to_string(&ScanRecord::Voice(Box::new(voice.clone())))),
                Format::Parquet => {
                    rows.extend(voice.hits.iter().map(|hit| HitRow::of(voice, hit, true)));
                    rows.extend(voice.withheld.iter().map(|hit| HitRow::of(voice, hit, false)));
                    Ok(())
                }
            }
        },
    )?;
    tally.left_out = left_out.get();
    if args.fail {
        let gate = library_gate(library, voices, settings, common)?;
        tally.stopped = Some((gate.outcome.above.len(), gate.outcome.refused.len()));
        tally.passed = gate.outcome.passed;
        match args.format {
            Format::Table => write(&told_gate(&gate))?,
            Format::Jsonl => json(serde_json::to_string(&ScanRecord::Gate(Box::new(gate))))?,
            Format::Csv | Format::Parquet => output::warn("gate", told_gate(&gate), common),
        }
    }
    if args.format == Format::Parquet {
        let mut bytes = Vec::new();
        parquet(&mut bytes, &rows).map_err(|error| failed(io::Error::other(error.to_string())))?;
        out.borrow_mut().write_all(&bytes).map_err(failed)?;
    }
    Ok(())
}

fn about(head: &ScanHead) -> String {
    let mut text = String::new();
    let holds = &head.holds;
    let _ = writeln!(
        text,
        "library          {}: {} usable clips, {} unusable, {} vanished",
        plain(&head.library),
        holds.usable,
        holds.refused,
        holds.vanished
    );
    if head.rows_by_others {
        text.push_str(output::BY_OTHERS);
    }
    text.push_str(&head.passed_over.as_ref().map(output::passed_over).unwrap_or_default());
    let _ = match (&head.condition, &head.evidence_withheld) {
        (Some(condition), _) => writeln!(text, "calibration      {}", plain(condition)),
        (None, Some(reason)) => writeln!(text, "calibration      none: {}", plain(&reason.message)),
        (None, None) => writeln!(text, "calibration      none"),
    };
    let _ =
        writeln!(text, "ranked by        {}; flagged (*) at {} or above", head.ranked_by, head.threshold.in_words());
    if head.ranked_by == Score::Log10Lr {
        text.push_str(
            "                 a ratio is no probability; the posterior is, if the stated number of expected clips is right\n",
        );
    }
    text.push('\n');
    text
}

fn table(voice: &VoiceScan) -> String {
    let mut text = String::new();
    let narrow = if voice.narrow_band { ", narrow-band" } else { "" };
    let clips = if voice.exemplars == 1 { "clip" } else { "clips" };
    let _ = writeln!(
        text,
        "voice            {}: {} {clips}, {:.1} s speech{narrow}",
        plain(&voice.voice),
        voice.exemplars,
        voice.net_speech_s
    );
    let _ = writeln!(text, "compared         {} clips{}", voice.compared, not_all(voice));
    let _ = writeln!(text, "false alarms     {}", alarms(&voice.false_alarms));
    let listed = voice.hits.len() + voice.withheld.len();
    let _ = writeln!(text, "flagged          {} of {listed} listed", voice.flagged);
    if !voice.hits.is_empty() {
        text.push_str(&list(&voice.hits));
    }
    if !voice.withheld.is_empty() {
        text.push_str("without a ratio  the closest of the clips that were not validated\n");
        text.push_str(&list(&voice.withheld));
    }
    text.push('\n');
    text
}

fn not_all(voice: &VoiceScan) -> String {
    let mut parts = Vec::new();
    if voice.judged < voice.compared {
        parts.push(format!("{} without a ratio", voice.compared - voice.judged));
    }
    if voice.not_comparable > 0 {
        parts.push(format!("{} more lack embeddings of the narrow band: index --narrow all", voice.not_comparable));
    }
    if voice.in_reference > 0 {
        parts.push(format!("{} of the closest are recordings of the reference and not listed", voice.in_reference));
    }
    if parts.is_empty() { String::new() } else { format!(", {}", parts.join(", ")) }
}

fn alarms(alarms: &FalseAlarms) -> String {
    let number = |x: f64| {
        if x < 0.095 {
            format!("{x:.1e}")
        } else if x < 9.95 {
            format!("{x:.1}")
        } else {
            format!("{x:.0}")
        }
    };
    match (alarms.at_most, alarms.modelled, &alarms.by_cohort) {
        (Some(at_most), modelled, _) => {
            let modelled =
                modelled.map_or(String::new(), |x| format!("; about {} by the calibration's model", number(x)));
            format!(
                "{} {} expected at the threshold among {} clips of other voices{modelled}",
                super::gate::at_most(alarms.bound_holds),
                number(at_most),
                alarms.clips
            )
        }
        (None, _, Some(cohort)) => format!(
            "{} expected at the threshold among {} clips of other voices ({} to {}): {} of {} cohort voices reach it",
            number(cohort.expected),
            alarms.clips,
            number(cohort.low),
            number(cohort.high),
            cohort.reached,
            cohort.voices
        ),
        _ => "not known: no calibration and no cohort".into(),
    }
}

fn list(hits: &[Hit]) -> String {
    let mut encoders: Vec<Encoder> = hits.iter().flat_map(|hit| hit.cosines.encoders()).collect();
    encoders.sort();
    encoders.dedup();
    let names: Vec<String> = encoders.iter().map(|encoder| format!(" {}", encoder.label())).collect();
    let mut header = vec![" rank", " log10 LR", " (95 %)", " posterior", " likeness %"];
    header.extend(names.iter().map(String::as_str));
    header.extend([" speech s", "clip", "note"]);
    let dash = || "-".to_string();
    let signed = |x: Option<f64>| x.map_or_else(dash, |x| format!("{x:+.1}"));
    let rows = hits.iter().map(|hit| {
        let ends = hit.log10_lr_low.zip(hit.log10_lr_high);
        let at_bound = hit.log10_lr != hit.unbounded_log10_lr;
        let interval = ends.map(|(low, high)| interval(low, high, at_bound).unwrap_or_else(|| AT_BOUND.into()));
        let mut row = vec![
            format!("{}{}", if hit.flagged { "*" } else { "" }, hit.rank),
            signed(hit.log10_lr),
            interval.unwrap_or_else(dash),
            hit.posterior.map_or_else(dash, |p| format!("{p:.4}")),
            hit.likeness.map_or_else(dash, |x| format!("{x:.1}")),
        ];
        row.extend(encoders.iter().map(|encoder| hit.cosines.get(*encoder).map_or_else(dash, |x| format!("{x:.3}"))));
        row.extend([format!("{:.1}", hit.net_speech_s), plain(&hit.path), plain(&note(hit))]);
        row
    });
    let ratios = hits.iter().filter_map(|hit| hit.log10_lr.zip(hit.unbounded_log10_lr));
    super::table::table(&header, &rows.collect::<Vec<_>>()) + &bounds(ratios)
}

/// Why there is no ratio, without what to do about it.
fn note(hit: &Hit) -> String {
    let reason = hit.reason.as_ref().and_then(|reason| reason.message.split(';').next());
    reason.unwrap_or_default().into()
}
