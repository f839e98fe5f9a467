//! `soundalike locate`: where in a long recording a protected voice occurs.

use super::check::{AT_BOUND, bounds, described_reference, interval, own, validated, warn_of_reference};
use super::gate::at_most;
use super::output::plain;
use super::table::{csv_line, csv_text, table};
use super::{
    CalibrationArgs, ChannelArg, Common, DONE, EncoderArg, GATE, NOTHING, Outcome, PopulationArgs, SOME_UNUSABLE,
    audit, output, progress::Progress,
};
use clap::Args;
use soundalike::compare::Likeness;
use soundalike::library::locate::{
    FoundRange, HOP_S, LOCATE_THRESHOLD, LocateOptions, LocateReport, LocateSettings, Located, LocatedRecording, Trace,
    WINDOW_S, WindowCounts, locate,
};
use soundalike::library::{Evidence, ReferenceSource, Score, Status, Threshold, catalogue};
use soundalike::report::plots::{Timeline, timeline};
use soundalike::report::{Mark, audacity_labels, clock, rttm};
use soundalike::{Error, ErrorKind, Result};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// Find where in long recordings a protected voice occurs.
///
/// A film's track, a podcast or a call is heard once, in memory that does not grow with its length. Overlapping windows
/// inside its speech are scored as `check` scores a clip, and the voice is found where the window whose middle is
/// nearest reaches the threshold. What a range is worth is what its best window is worth, never a sum: windows share
/// samples and a speaker. A long recording has many windows, so some reach a threshold by chance; their expected number
/// is stated. None of the figures is a probability, and none says whether the speech is synthetic.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  soundalike locate --reference voices/anna film.mkv\n  soundalike locate --reference anna.model \
                  podcast.mp3 --labels found.txt --timeline found.svg\n  soundalike locate --reference anna --above \
                  log10_lr=2 --rttm found.rttm --fail calls/\n\nThe sound track of MP4, MOV and Matroska files is read \
                  where its codec is AAC, ALAC, MP3, FLAC, Vorbis, Opus or \
                  PCM.\n\nExit codes: 0 done; 1 the voice was found and --fail was given; 2 nothing could be done; 3 \
                  done, but some files were unusable."
)]
pub struct LocateArgs {
    /// Recordings of the protected voice, or a voice model made by `enrol`: one file, folder or quoted pattern; give
    /// the option again for more
    #[arg(long, required = true, value_name = "PATH", num_args = 1)]
    reference: Vec<PathBuf>,
    /// Recordings to search: files, folders or quoted patterns
    #[arg(required = true, value_name = "LONGFILE")]
    recordings: Vec<PathBuf>,
    /// Length of a window, 1 to 60 s
    #[arg(long, default_value_t = WINDOW_S, value_name = "SECONDS", allow_negative_numbers = true)]
    window: f64,
    /// Distance from one window to the next, 0.1 s to the length of a window
    #[arg(long, default_value_t = HOP_S, value_name = "SECONDS", allow_negative_numbers = true)]
    hop: f64,
    /// Threshold at which the voice is found: log10_lr (the likelihood ratio's decimal logarithm before its bounds) or
    /// an encoder's cosine (-1 to 1), for example campplus=0.6
    #[arg(long, default_value_t = LOCATE_THRESHOLD, value_name = "SCORE=X")]
    above: Threshold,
    /// Name of the voice in labels and turns
    #[arg(long, default_value = "protected", value_name = "NAME")]
    name: String,
    #[command(flatten)]
    channel: ChannelArg,
    #[command(flatten)]
    encoder: EncoderArg,
    #[command(flatten)]
    calibration: CalibrationArgs,
    #[command(flatten)]
    population: PopulationArgs,
    /// File for the ranges as a label track of Audacity (one recording only)
    #[arg(long, value_name = "FILE")]
    labels: Option<PathBuf>,
    /// File for the ranges as speaker turns (RTTM), for diarisation tools
    #[arg(long, value_name = "FILE")]
    rttm: Option<PathBuf>,
    /// File for the timeline as SVG: ranges, scores and speech (one recording only)
    #[arg(long, value_name = "FILE")]
    timeline: Option<PathBuf>,
    /// File for every window with its scores, as CSV, also those that have no ratio
    #[arg(long, value_name = "FILE")]
    windows: Option<PathBuf>,
    /// Exit with 1 where the voice is found
    #[arg(long)]
    fail: bool,
    /// Print the whole result as JSON (see `soundalike schema locate`)
    #[arg(long)]
    json: bool,
}

pub fn run(args: &LocateArgs, common: &Common) -> Outcome {
    check_outputs(args)?;
    let reference = ReferenceSource::read(&args.reference, &super::encryption::keys(common)?)?;
    let panel = super::panel(&args.channel, &args.encoder, Some(&reference))?;
    let calibration = args.calibration.read(None)?;
    let cohort = args.population.read()?;
    let settings = LocateSettings {
        window_s: args.window,
        hop_s: args.hop,
        above: args.above,
        calibration: Some(&calibration),
        cohort: Some(&cohort),
        cohort_filters: &args.population.cohort_filter,
    };
    let progress = Progress::new(common);
    let options = LocateOptions { threads: common.threads, progress: &|heard, all| progress.heard(heard, all) };
    let located = locate(&panel, &reference, &args.recordings, &settings, &options)?;
    drop(progress);
    audit::reference(&located.report.reference);
    let recordings = &located.report.recordings;
    recordings.iter().for_each(|recording| audit::input(&recording.path, recording.sha256.as_deref()));
    warn(&located.report, common);
    write_files(args, &located)?;
    if args.json {
        output::print_json(&located.report)?;
    } else {
        output::print(&text(&located.report))?;
    }
    Ok(exit_code(&located.report, args.fail))
}

/// Refuses files that could not be written, before the long run.
fn check_outputs(args: &LocateArgs) -> Result<()> {
    let single = [("labels", &args.labels), ("timeline", &args.timeline)];
    for (name, path) in single.into_iter().filter_map(|(name, path)| Some((name, path.as_ref()?))) {
        let recordings = catalogue::expand_each(&args.recordings).clips.len();
        if recordings > 1 {
            let found = format!("{recordings} recordings");
            let expected = "one recording; --rttm and --windows hold several".into();
            return Err(ErrorKind::Setting { name, found, expected }.into());
        }
        output::check_writable(path)?;
    }
    [&args.rttm, &args.windows].into_iter().flatten().try_for_each(|path| output::check_writable(path))
}

fn exit_code(report: &LocateReport, fail: bool) -> u8 {
    let refused = report.recordings.iter().filter(|recording| recording.status == Status::Refused).count();
    let bad_reference = report.reference.clips.iter().any(|clip| clip.status == Status::Refused);
    match () {
        () if fail && report.recordings.iter().any(|recording| !recording.ranges.is_empty()) => GATE,
        () if refused == report.recordings.len() => NOTHING,
        () if refused > 0 || bad_reference => SOME_UNUSABLE,
        () => DONE,
    }
}

fn warn(report: &LocateReport, common: &Common) {
    warn_of_reference(&report.reference, common);
    for recording in &report.recordings {
        let warnings = recording.quality.iter().flat_map(|quality| &quality.warnings);
        warnings.for_each(|warning| output::warn(&recording.path, warning, common));
        if recording.in_reference.is_some() {
            output::warn(&recording.path, "is part of the reference: it may be compared with itself", common);
        }
    }
    for remark in &report.remarks {
        output::warn(&remark.about, &remark.message, common);
    }
}

fn write_files(args: &LocateArgs, located: &Located) -> Result<()> {
    let recordings = &located.report.recordings;
    if let Some(path) = &args.labels {
        let label = |range: &FoundRange| format!("{}: {}", args.name, worth(range, args.above.score));
        let marks: Vec<Mark> = recordings.iter().flat_map(|recording| marks(recording, &label)).collect();
        write(path, audacity_labels(&marks).as_bytes())?;
    }
    if let Some(path) = &args.rttm {
        let turns = recordings.iter().zip(names(recordings));
        let turns = turns.map(|(recording, name)| rttm(&name, &marks(recording, &|_| args.name.clone())));
        write(path, turns.collect::<String>().as_bytes())?;
    }
    if let (Some(path), [recording], [trace]) = (&args.timeline, recordings.as_slice(), located.traces.as_slice()) {
        write(path, drawn(recording, trace, args).as_bytes())?;
    }
    if let Some(path) = &args.windows {
        write(path, windows(located).as_bytes())?;
    }
    Ok(())
}

fn drawn(recording: &LocatedRecording, trace: &Trace, args: &LocateArgs) -> String {
    let ranges = recording.ranges.iter().map(|range| (range.start_s, range.end_s, worth(range, args.above.score)));
    timeline(&Timeline {
        title: &format!("{} in {}", args.name, recording.path),
        duration_s: recording.quality.as_ref().map_or(0.0, |quality| quality.duration_s),
        speech: &trace.segments,
        score: &args.above.score.label(),
        steps: &trace.steps,
        threshold: args.above.value,
        ranges: &ranges.collect::<Vec<_>>(),
    })
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let failed = |source| Error::from(ErrorKind::Io { path: path.into(), action: "write", source });
    output::write_file(path, &mut |out| out.write_all(bytes).map_err(failed))
}

fn marks(recording: &LocatedRecording, label: &dyn Fn(&FoundRange) -> String) -> Vec<Mark> {
    let mark = |range: &FoundRange| Mark { start_s: range.start_s, end_s: range.end_s, label: label(range) };
    recording.ranges.iter().map(mark).collect()
}

/// What diarisation tools call a recording: its file's name without the ending, or its path where two share that.
fn names(recordings: &[LocatedRecording]) -> Vec<String> {
    let stem = |recording: &LocatedRecording| {
        let stem = Path::new(&recording.path).file_stem();
        stem.map_or_else(|| recording.path.clone(), |stem| stem.to_string_lossy().into_owned())
    };
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    recordings.iter().for_each(|recording| *seen.entry(stem(recording)).or_default() += 1);
    let name = |recording: &LocatedRecording| match seen.get(&stem(recording)) {
        Some(1) => stem(recording),
        _ => recording.path.clone(),
    };
    recordings.iter().map(name).collect()
}

/// A row a window: where it lies, its quality and its scores.
fn windows(located: &Located) -> String {
    let encoders = located.report.settings.fingerprints.encoders().collect::<Vec<_>>();
    let mut header = vec!["path", "start_s", "end_s", "net_speech_s", "snr_db", "band"];
    header.extend(encoders.iter().map(|encoder| encoder.name()));
    header.extend(["log10_lr_unbounded", "reason"]);
    let mut out = csv_line(header.into_iter().map(String::from));
    for (recording, trace) in located.report.recordings.iter().zip(&located.traces) {
        for window in &trace.windows {
            let number = |x: Option<f64>| x.map_or_else(String::new, |x| format!("{x:.6}"));
            let quality = &window.quality;
            let mut row = vec![
                csv_text(&recording.path),
                format!("{:.6}", window.start_s),
                format!("{:.6}", window.end_s),
                format!("{:.2}", quality.net_speech_s),
                quality.snr_db.map_or_else(String::new, |db| format!("{db:.2}")),
                window.band.name().into(),
            ];
            let cosine = |encoder| window.cosines.as_ref().and_then(|cosines| cosines.get(encoder)).copied();
            row.extend(encoders.iter().map(|encoder| number(cosine(*encoder))));
            row.extend([number(window.log10_lr), csv_text(window.reason.as_deref().unwrap_or_default())]);
            out += &csv_line(row.into_iter());
        }
    }
    out
}

/// The score of a range's best window, and what it is.
fn worth(range: &FoundRange, score: Score) -> String {
    match (&range.best.evidence, score) {
        (Some(evidence), Score::Log10Lr) => format!("log10 LR {:+.1}", evidence.log10_lr),
        (_, Score::Cosine(encoder)) => {
            let cosine = range.best.cosines.get(encoder).map_or(String::new(), |cosine| format!(" {cosine:.2}"));
            format!("{} cosine{cosine}", encoder.label())
        }
        (None, Score::Log10Lr) => "log10 LR not given".into(),
    }
}

fn text(report: &LocateReport) -> String {
    let mut text = String::new();
    let _ = writeln!(text, "reference        {}", described_reference(&report.reference));
    let (search, above) = (&report.search, &report.search.above);
    let _ = writeln!(
        text,
        "search           windows of {} s every {} s inside speech; found from a {} of {} on\n",
        search.window_s,
        search.hop_s,
        above.score.label(),
        above.value
    );
    for recording in &report.recordings {
        block(&mut text, recording, report);
    }
    text.push_str(&output::passed_over(&report.passed_over));
    basis(&mut text, report);
    text
}

fn block(text: &mut String, recording: &LocatedRecording, report: &LocateReport) {
    let quality = recording.quality.as_ref().map_or(String::new(), |q| {
        let (length, speech) = (clock(q.duration_s, 1), clock(q.net_speech_s, 1));
        let (format, kilohertz) = (&q.format, f64::from(q.format.sample_rate_hz) / 1000.0);
        let channels = if format.channels == 1 { "mono".into() } else { format!("{} channels", format.channels) };
        format!("  {length} with {speech} speech; {} {}, {kilohertz} kHz, {channels}", format.container, format.codec)
    });
    let _ = writeln!(text, "recording        {}{quality}", plain(&recording.path));
    if recording.windows.all > 0 {
        let _ = writeln!(text, "windows          {}", counted(&recording.windows));
    }
    if let Some(reason) = &recording.reason {
        let _ = writeln!(text, "refused          {}\n", plain(own(&recording.path, &reason.message)));
        return;
    }
    let above = &report.search.above;
    if recording.ranges.is_empty() {
        let _ = writeln!(text, "found            nowhere");
    } else {
        let n = recording.ranges.len();
        let ranges = if n == 1 { "1 range".into() } else { format!("{n} ranges") };
        let _ = writeln!(text, "found            {ranges}, {:.1} s\n", recording.found_s);
        *text += &found(&recording.ranges, above);
        let evidence = recording.ranges.iter().filter_map(|range| range.best.evidence.as_ref());
        *text += &bounds(evidence.map(|evidence| (evidence.log10_lr, evidence.unbounded_log10_lr)));
        text.push('\n');
    }
    if let Some(expected) = recording.expected_false_windows_at_most {
        let _ = writeln!(
            text,
            "chance           were the voice nowhere in it, {} {expected:.1} of the {} windows would be expected to \
             reach the\n{:17}threshold; {} did",
            at_most(recording.expected_false_windows_bound_holds),
            recording.windows.scored,
            "",
            recording.windows.at_threshold
        );
    }
    text.push('\n');
}

fn counted(windows: &WindowCounts) -> String {
    let mut text = format!("{}, {} scored", windows.all, windows.scored);
    for (n, what) in [
        (windows.too_little_speech, "with too little speech"),
        (windows.without_ratio, "without a ratio, as their quality was not validated"),
        (windows.narrow_band, "in the narrow band"),
    ] {
        if n > 0 {
            let _ = write!(text, "; {n} {what}");
        }
    }
    text
}

/// The ranges as a table.
fn found(ranges: &[FoundRange], above: &Threshold) -> String {
    let rows = ranges.iter().map(|range| {
        let best = &range.best;
        let likeness = best.likeness.as_ref().map(|Likeness { percentile, .. }| format!("{percentile:.1} %"));
        let ratio = best.evidence.as_ref().map(ratio);
        let cosine = best.cosines.iter().last().map(|(_, cosine)| format!("{cosine:.2}"));
        let dash = |text: Option<String>| text.unwrap_or_else(|| "-".into());
        vec![
            clock(range.start_s, 1),
            clock(range.end_s, 1),
            format!("{:.1} s", range.net_speech_s),
            range.windows.to_string(),
            format!("{:+.2}", range.median_score),
            format!("{} +{:.1} s", clock(best.start_s, 2), best.end_s - best.start_s),
            dash(ratio),
            dash(cosine),
            dash(likeness),
        ]
    });
    let median = format!(" median {}", above.score.label());
    let strongest = ranges.first().and_then(|range| range.best.cosines.encoders().last());
    let cosine = format!(" {} cosine", strongest.map_or("", |encoder| encoder.label()));
    let header =
        [" from", " to", " speech", " windows", &median, " best window", " its log10 LR", &cosine, " closer than"];
    table(&header, &rows.collect::<Vec<_>>())
}

/// A log10 LR with its interval, or the word that it is at a bound.
fn ratio(evidence: &Evidence) -> String {
    let at_bound = evidence.log10_lr != evidence.unbounded_log10_lr;
    let interval = interval(evidence.low, evidence.high, at_bound).unwrap_or_else(|| AT_BOUND.into());
    format!("{:+.1} ({interval})", evidence.log10_lr)
}

/// What ranks and ratios rest on, once for all recordings.
fn basis(text: &mut String, report: &LocateReport) {
    if let Some(cohort) = &report.cohort {
        let _ = writeln!(text, "population       {} voices: {}", cohort.n, plain(&cohort.source));
        let _ = writeln!(text, "                 {}", cohort.caution);
    }
    if let Some(calibration) = &report.calibration {
        let wide = report.recordings.iter().any(|row| row.windows.all > row.windows.narrow_band);
        let validated = validated(calibration, wide);
        let _ = writeln!(text, "calibration      {validated}; a range is worth what its best window is");
    }
}
