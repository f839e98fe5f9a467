//! `soundalike check`: candidates against one protected voice.

use super::output::plain;
use super::report::{Plan, ReportWords};
use super::{
    CalibrationArgs, ChannelArg, Common, DONE, EncoderArg, GATE, NOTHING, Outcome, PopulationArgs, SOME_UNUSABLE,
    audit, output, progress::Progress,
};
use clap::Args;
use soundalike::ErrorKind;
use soundalike::calibration::verbal::at_bound;
use soundalike::compare::{Likeness, Spread};
use soundalike::encoder::{Band, Encoder, NARROW_BAND_TOP_HZ, PerEncoder};
use soundalike::feature::{Quality, SNR_CEILING_DB};
use soundalike::library::check::{
    BandSummary, CalibrationSummary, Candidate, CheckReport, CheckSettings, GroupsLeftOut, InReference, check,
};
use soundalike::library::findings::examination;
use soundalike::library::gate::{GateOutcome, GateStatus};
use soundalike::library::{Controls, Evidence, RankConflict, Reference, ReferenceSource, Status, Threshold};
use soundalike::report::case::CaseInfo;
use std::collections::BTreeSet;
use std::f64::consts::LN_10;
use std::fmt::Write;
use std::path::PathBuf;

/// Compare candidate clips with one protected voice.
///
/// Every clip needs at least 1 s of net speech; a candidate with less, one whose quality was not validated, or one that
/// cannot be read, is refused with the reason and does not stop the others; with --fail-above it does not pass. Every encoder gives a cosine of its own: 1 is the same
/// direction, 0 is unrelated, negative is opposite. The likeness is a rank among the voices of a cohort; the evidence a
/// likelihood ratio for two propositions. None of these is a probability, and none says whether a clip is synthetic.
#[derive(Args)]
#[command(
    after_help = "Encoders:\n  mfcc      mean and spread of cepstra over speech; anybody can recompute it; weak, not \
                  to be used alone\n  mfcc_lda  mean cepstra and spread of the mel bands, weighed by how steady each is \
                  within a voice\n  ge2e      GE2E, a small recurrent speaker network\n  campplus  CAM++, a speaker \
                  network of seven million parameters\n\nExamples:\n  soundalike check --reference voices/anna take1.wav take2.wav\n  soundalike check \
                  --reference 'anna/*.flac' --reference anna-phone.wav --json tts/ > result.json\n  soundalike check \
                  --reference anna --fail-above mfcc=0.9 new-voice.wav || echo stopped\n  soundalike check \
                  --reference anna.model new-voice.wav\n  soundalike check --reference anna --condition real-real \
                  --cohort-filter sex=f --language en call.wav\n\nExit codes: 0 every candidate has scores; 1 a score is \
                  at a limit of --fail-above or above, or cannot be had; 2 nothing could be done; 3 some clips were \
                  unusable."
)]
pub struct CheckArgs {
    /// Recordings of the protected voice, or a voice model made by `enrol`: one file, folder or quoted pattern; give
    /// the option again for more
    #[arg(long, required = true, value_name = "PATH", num_args = 1)]
    reference: Vec<PathBuf>,
    /// Clips in question: files, folders or quoted patterns
    #[arg(required = true, value_name = "CANDIDATE")]
    candidates: Vec<PathBuf>,
    #[command(flatten)]
    channel: ChannelArg,
    #[command(flatten)]
    encoder: EncoderArg,
    /// Exit with 1 where a candidate's score is X or above or cannot be had, for example mfcc=0.9 (an encoder's name
    /// and a cosine, -1 to 1) or log10_lr=2; give the option again for a limit on another score
    #[arg(long, value_name = "SCORE=X")]
    fail_above: Vec<Threshold>,
    #[command(flatten)]
    calibration: CalibrationArgs,
    #[command(flatten)]
    population: PopulationArgs,
    /// Give scores normalised by the population too (AS-norm), where it fits the case
    #[arg(long)]
    as_norm: bool,
    /// Your own prior probability of the first proposition, above 0 and below 1: adds the posterior that follows from
    /// it
    #[arg(long, value_name = "P", allow_negative_numbers = true)]
    prior: Option<f64>,
    /// Language of the case, for example en; it is compared with the calibration's, never recognised
    #[arg(long, value_name = "LANGUAGE")]
    language: Option<String>,
    /// Give the raw scores of candidates that are refused for their quality, marked; no rank, ratio or gate rests on
    /// them
    #[arg(long)]
    force: bool,
    /// Print the whole result as JSON (see `soundalike schema check`)
    #[arg(long)]
    json: bool,
    /// Write a report for legal review too: a name that ends with .html, .pdf or .json; give the option again for more
    #[arg(long, value_name = "FILE")]
    report: Vec<PathBuf>,
    #[command(flatten, next_help_heading = "Options of --report")]
    words: ReportWords,
}

pub fn run(args: &CheckArgs, common: &Common) -> Outcome {
    let reference = ReferenceSource::read(&args.reference, &super::encryption::keys(common)?)?;
    let panel = super::panel(&args.channel, &args.encoder, Some(&reference))?;
    let calibration = args.calibration.read(None)?;
    let cohort = args.population.read()?;
    let settings = CheckSettings {
        gates: &args.fail_above,
        calibration: Some(&calibration),
        cohort: Some(&cohort),
        cohort_filters: &args.population.cohort_filter,
        as_norm: args.as_norm,
        prior: args.prior,
        language: args.language.clone(),
        force: args.force,
        places: None,
        passed_over: None,
    };
    let progress = Progress::new(common);
    let update = |done, all| progress.update(done, all);
    if args.report.is_empty() && !args.words.is_empty() {
        let (found, expected) = ("what belongs in a report, and no report".into(), "--report FILE beside it".into());
        return Err(ErrorKind::Setting { name: "report", found, expected }.into());
    }
    let plan = match args.report.is_empty() {
        true => None,
        false => Some(Plan::new(&args.report, &args.words, CaseInfo::default())?),
    };
    let report = match &plan {
        None => check(&panel, &reference, &args.candidates, &settings, &common.batch(&update))?,
        Some(plan) => {
            let found = examination(&panel, &reference, &args.candidates, &settings, &common.batch(&update))?;
            plan.write(&output::json(&found.report)?, &found)?;
            found.report
        }
    };
    drop(progress);
    audit::reference(&report.reference);
    report.candidates.iter().for_each(|candidate| audit::input(&candidate.path, candidate.sha256.as_deref()));
    warn(&report, common);
    if args.json {
        output::print_json(&report)?;
    } else {
        let written = plan.as_ref().map(Plan::told).unwrap_or_default();
        output::print(&(text(&report) + &written))?;
    }
    Ok(exit_code(&report))
}

fn exit_code(report: &CheckReport) -> u8 {
    let refused = report.candidates.iter().filter(|c| c.status != Status::Scored).count();
    let nothing = report.candidates.iter().all(|c| c.status == Status::Refused);
    let bad_reference = report.reference.clips.iter().any(|clip| clip.status == Status::Refused);
    match &report.gate {
        Some(gate) if !gate.passed => GATE,
        _ if nothing => NOTHING,
        _ if refused > 0 || bad_reference => SOME_UNUSABLE,
        _ => DONE,
    }
}

fn warn(report: &CheckReport, common: &Common) {
    warn_of_reference(&report.reference, common);
    for candidate in &report.candidates {
        warn_of_quality(&candidate.path, candidate.quality.as_ref(), common);
        match &candidate.in_reference {
            Some(InReference::SameContent { clip }) => {
                let message = format!("has the same bytes as the reference clip {clip}: it is compared with itself");
                output::warn(&candidate.path, message, common);
            }
            Some(InReference::SameFolder { folder }) => {
                let message = format!("lies in the reference folder {folder}: it may be part of the reference");
                output::warn(&candidate.path, message, common);
            }
            None => {}
        }
    }
    for remark in &report.remarks {
        output::warn(&remark.about, &remark.message, common);
    }
}

fn warn_of_quality(path: &str, quality: Option<&Quality>, common: &Common) {
    quality.iter().flat_map(|q| &q.warnings).for_each(|warning| output::warn(path, warning, common));
}

/// Warns of clips of a reference that are bad, twice there or left out.
pub fn warn_of_reference(reference: &Reference, common: &Common) {
    for clip in &reference.clips {
        warn_of_quality(&clip.path, clip.quality.as_ref(), common);
        match (&clip.status, &clip.reason) {
            (Status::Duplicate, _) => {
                output::warn(&clip.path, "the same bytes as another reference clip; it counts once", common);
            }
            (_, Some(reason)) => {
                let message = format!("left out of the reference: {}", own(&clip.path, &reason.message));
                output::warn(&clip.path, message, common);
            }
            _ => {}
        }
    }
}

/// A message without the path it begins with, where the path is shown already.
pub fn own<'a>(path: &str, message: &'a str) -> &'a str {
    message.strip_prefix(path).and_then(|rest| rest.strip_prefix(": ")).unwrap_or(message)
}

/// A result as it is printed.
pub fn text(report: &CheckReport) -> String {
    let mut text = String::new();
    let _ = writeln!(text, "reference        {}\n", described_reference(&report.reference));
    for candidate in &report.candidates {
        block(&mut text, candidate);
    }
    if report.candidates.iter().any(|candidate| candidate.likeness.is_some() || candidate.evidence.is_some()) {
        basis(&mut text, report);
    }
    text.push_str(&output::passed_over(&report.passed_over));
    if let Some(gate) = &report.gate {
        let stopped = gate.clips.iter().filter(|clip| clip.status != GateStatus::Passed);
        stopped.for_each(|clip| super::gate::gate_lines(&mut text, clip, false));
        let _ = writeln!(text, "gate             {}", judgement(gate, report.candidates.len()));
    }
    text
}

fn judgement(gate: &GateOutcome, candidates: usize) -> String {
    let limits = gate.limits.iter().map(|gate| format!("{} of {}", gate.score.label(), gate.value));
    let limits = limits.collect::<Vec<_>>().join(", ");
    match (gate.passed, gate.above.len(), gate.refused.len()) {
        (true, ..) => format!("passed: none at the limit or above ({limits})"),
        (_, above, refused) => {
            let unheard = if gate.unheard.is_empty() { "" } else { ", and what was passed over may hold sound" };
            format!("stopped: {above} of {candidates} at the limit or above ({limits}), {refused} refused{unheard}")
        }
    }
}

/// Number of clips, their speech, and how many more were left out.
pub fn described_reference(reference: &Reference) -> String {
    let mut text = format!("{}, {:.1} s speech", clips(reference.used), reference.net_speech_s);
    let left_out = reference.clips.len() - reference.used;
    if left_out > 0 {
        let _ = write!(text, " ({left_out} more left out)");
    }
    if reference.passed_over.entries > 0 {
        let _ = write!(text, "; passed over {}", reference.passed_over);
    }
    text
}

fn clips(n: usize) -> String {
    if n == 1 { "1 clip".into() } else { format!("{n} clips") }
}

fn block(text: &mut String, candidate: &Candidate) {
    let _ = writeln!(text, "candidate        {}{}", plain(&candidate.path), described(candidate.quality.as_ref()));
    if let Some(reason) = &candidate.reason {
        let word = if candidate.status == Status::Forced { "refused, forced" } else { "refused" };
        let _ = writeln!(text, "{word:16} {}", plain(own(&candidate.path, &reason.message)));
    }
    if candidate.band == Some(Band::Narrow) {
        let _ =
            writeln!(text, "band             narrow: both sides are read up to {} kHz", NARROW_BAND_TOP_HZ / 1000.0);
    }
    for (encoder, score) in candidate.scores.iter().flat_map(PerEncoder::iter) {
        let name = format!("{} cosine", encoder.label());
        let normalised = candidate.as_norm.as_ref().and_then(|scores| scores.get(encoder));
        let normalised = normalised.map_or(String::new(), |score| format!("; AS-norm {score:.2}"));
        let _ = writeln!(
            text,
            "{name:16} {:.3}  (distance {:.3}; best clip {:.3}, median clip {:.3}{normalised})",
            score.cosine, score.distance, score.best, score.median
        );
    }
    likeness(text, candidate);
    evidence(text, candidate);
    contradictions(text, candidate);
    if let Some(controls) = &candidate.controls {
        let encoder = candidate.scores.iter().flat_map(PerEncoder::encoders).last();
        encoder.into_iter().for_each(|encoder| shown_controls(text, controls, encoder));
    }
    if let Some(membership) = &candidate.in_reference {
        let _ = match membership {
            InReference::SameContent { clip } => writeln!(text, "in reference     same bytes as {}", plain(clip)),
            InReference::SameFolder { folder } => writeln!(text, "in reference     lies in {}", plain(folder)),
        };
    }
    text.push('\n');
}

/// A share of voices without more digits than it has, percent.
fn percent(x: f64) -> String {
    let text = format!("{x:.1}");
    text.strip_suffix(".0").map_or(text.clone(), str::to_string)
}

fn likeness(text: &mut String, candidate: &Candidate) {
    let Some(Likeness { percentile, n, low, high, nearest, by, other_kinds, .. }) = &candidate.likeness else {
        if let Some(reason) = &candidate.likeness_withheld {
            let _ = writeln!(text, "likeness         not given: {}", plain(&reason.message));
        }
        return;
    };
    let by = by.weights.encoders().next().map_or("", Encoder::label);
    let others: Vec<String> = other_kinds
        .iter()
        .map(|other| format!("; than {} % of {} {} ones", percent(other.percentile), other.n, plain(&other.kind)))
        .collect();
    let _ = writeln!(
        text,
        "likeness         closer than {} % of {n} cohort voices (95 % interval {}-{}) by {by}{}",
        percent(*percentile),
        percent(*low),
        percent(*high),
        others.concat()
    );
    let names = nearest.iter().map(|n| {
        let closer = if n.closer { ", as close or closer" } else { "" };
        format!("{} ({:.2}{closer})", plain(&n.name), n.score)
    });
    let _ = writeln!(text, "nearest others   {}", names.collect::<Vec<_>>().join(", "));
}

fn evidence(text: &mut String, candidate: &Candidate) {
    let Some(Evidence { log10_lr, low, high, unbounded_log10_lr, verbal, statement, posterior, .. }) =
        &candidate.evidence
    else {
        if let Some(reason) = &candidate.evidence_withheld {
            let _ = writeln!(text, "evidence         not given: {}", plain(&reason.message));
        }
        return;
    };
    let interval = interval(*low, *high, log10_lr != unbounded_log10_lr).map(|interval| format!(" ({interval})"));
    let bounded = at_bound(log10_lr * LN_10, unbounded_log10_lr * LN_10)
        .map(|ratio| format!(", LR {ratio}; log10 LR {unbounded_log10_lr:+.1} before the bound"));
    let [interval, bounded] = [interval, bounded].map(Option::unwrap_or_default);
    let _ =
        writeln!(text, "evidence         log10 LR {log10_lr:+.1}{interval}{bounded}: {statement}\n{:17}{verbal}", "");
    if let Some(posterior) = posterior {
        let _ = writeln!(
            text,
            "under your prior {} before the evidence, {:.4} after it, if that prior is right",
            posterior.prior, posterior.posterior
        );
    }
}

/// The 95 % interval of a log10 LR; none where the ratio is at a bound and both ends are that.
pub fn interval(low: f64, high: f64, at_bound: bool) -> Option<String> {
    let [low, high] = [low, high].map(|end| format!("{end:+.1}"));
    (!at_bound || low != high).then(|| format!("{low} to {high}"))
}

/// What stands in a table where [`interval`] gives none.
pub const AT_BOUND: &str = "at the bound";

/// The lines below a table that say which ratios the bounds are; of log10 LR and those before the bounds.
pub fn bounds(ratios: impl Iterator<Item = (f64, f64)>) -> String {
    let bounds: BTreeSet<String> =
        ratios.filter_map(|(lr, unbounded)| at_bound(lr * LN_10, unbounded * LN_10)).collect();
    bounds.iter().map(|ratio| format!("{:17}at the bound: LR {ratio}\n", "")).collect()
}

/// Encoders that contradict each other, and a rank and a ratio that do.
fn contradictions(text: &mut String, candidate: &Candidate) {
    if let Some((conflict, parts)) =
        candidate.evidence.as_ref().and_then(|evidence| evidence.conflict.zip(Some(&evidence.parts_log10_lr)))
    {
        let part = |encoder| parts.get(encoder).map_or(String::new(), |part| format!("{part:+.1}"));
        let _ = writeln!(
            text,
            "contradiction    {} supports one voice (log10 {}), {} two voices ({}): the two contradict each other, so the \
             ratio is drawn towards 1",
            conflict.in_favour.label(),
            part(conflict.in_favour),
            conflict.against.label(),
            part(conflict.against)
        );
    }
    if let Some((conflict, likeness)) = candidate.rank_conflict.zip(candidate.likeness.as_ref()) {
        let (only, ratio) = match conflict {
            RankConflict::HighRankRatioBelow1 => ("", "below 1"),
            RankConflict::LowRankRatioAbove10 => ("only ", "above 10"),
        };
        let _ = writeln!(
            text,
            "contradiction    by {} it is closer than {only}{} % of the cohort voices, but the ratio is {ratio}: rank and \
             ratio contradict each other, so rely on neither alone",
            likeness.by.weights.encoders().next().map_or("", Encoder::label),
            percent(likeness.percentile)
        );
    }
}

fn shown_controls(text: &mut String, controls: &Controls, encoder: Encoder) {
    let spread = |spreads: &Option<PerEncoder<Spread>>| {
        let spread = spreads.as_ref().and_then(|spreads| spreads.get(encoder));
        spread.map_or("not available".to_string(), |s| format!("{:.2} to {:.2}", s.low, s.high))
    };
    let _ = writeln!(
        text,
        "controls         {}: reference against itself {}, cohort against reference {}",
        encoder.label(),
        spread(&controls.ceiling),
        spread(&controls.floor)
    );
}

/// What rank and ratio rest on, once for all candidates.
fn basis(text: &mut String, report: &CheckReport) {
    if let Some(cohort) = &report.cohort {
        let sexes: Vec<String> = cohort.by_sex.iter().map(|(sex, n)| format!("{sex} {n}")).collect();
        let sexes = if sexes.is_empty() { String::new() } else { format!(" ({})", sexes.join(", ")) };
        let _ = writeln!(text, "population       {} voices{}: {}", cohort.n, plain(&sexes), plain(&cohort.source));
        let _ = writeln!(text, "                 {}", cohort.caution);
    }
    if let Some(calibration) = &report.calibration {
        let wide = report.candidates.iter().any(|row| row.band == Some(Band::Wide) && row.evidence.is_some());
        let validated = validated(calibration, wide);
        let _ = writeln!(text, "calibration      {validated}; language {}", report.language.checked.words());
    }
    text.push('\n');
}

/// A calibration with the headline of its validation in the bands whose fit gave ratios: on groups left out of the fit
/// where there were any, else on speakers; `wide` where the wide band's gave some.
pub fn validated(calibration: &CalibrationSummary, wide: bool) -> String {
    let figures = |fit: &BandSummary| {
        let validation = match &fit.groups_left_out {
            Some(GroupsLeftOut { column, groups, eer, cllr }) => format!(
                "validated on {groups} groups ({}) left out of the fit: EER {:.1} %, Cllr {cllr:.2}",
                plain(column),
                100.0 * eer
            ),
            None => format!("cross-validated Cllr {:.2}", fit.validation.bounded.cllr),
        };
        format!("{} speakers, {validation}", fit.trials.speakers)
    };
    let narrow = calibration.narrow.as_ref().map(|fit| format!("narrow band: {}", figures(fit)));
    let wide = (wide || narrow.is_none()).then(|| figures(&calibration.wide));
    let bands: Vec<String> = wide.into_iter().chain(narrow).collect();
    format!("{} ({}), {}", plain(&calibration.condition), plain(&calibration.origin), bands.join("; "))
}

fn described(quality: Option<&Quality>) -> String {
    let Some(q) = quality else { return String::new() };
    let snr = q.snr_db.map_or(String::new(), |db| match db {
        SNR_CEILING_DB.. => format!(", SNR over {SNR_CEILING_DB:.0} dB"),
        _ => format!(", SNR {db:.0} dB"),
    });
    format!("  {:.1} s speech{snr}, {} kHz", q.net_speech_s, f64::from(q.format.sample_rate_hz) / 1000.0)
}
