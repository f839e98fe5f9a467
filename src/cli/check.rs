//! `soundalike check`: candidates against one protected voice.

use super::output::plain;
use super::{ChannelArg, Common, DONE, GATE, NOTHING, Outcome, SOME_UNUSABLE, output, progress::Progress};
use clap::Args;
use soundalike::encoder::{Panel, PanelSettings};
use soundalike::feature::{Quality, SNR_CEILING_DB};
use soundalike::library::Status;
use soundalike::library::check::{Candidate, CheckReport, Gate, InReference, check};
use std::fmt::Write;
use std::path::PathBuf;

/// Compare candidate clips with one protected voice.
///
/// Every clip needs at least 1 s of net speech; a candidate with less, or one that cannot be read, is refused with the
/// reason and stops nothing. The MFCC cosine compares the mean and spread of the cepstra of two voices, each
/// normalised by a background population: 1 is the same direction, 0 is unrelated, negative is opposite. It is
/// transparent and weak; it is not a probability, and it does not say whether a clip is synthetic.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  soundalike check --reference voices/anna take1.wav take2.wav\n  soundalike check \
                  --reference 'anna/*.flac' --reference anna-phone.wav --json tts/ > result.json\n  soundalike check \
                  --reference anna --fail-above mfcc=0.9 new-voice.wav || echo stopped"
)]
pub struct CheckArgs {
    /// A recording of the protected voice: one file, folder or quoted pattern; give the option again for more
    #[arg(long, required = true, value_name = "PATH", num_args = 1)]
    reference: Vec<PathBuf>,
    /// Clips in question: files, folders or quoted patterns
    #[arg(required = true, value_name = "CANDIDATE")]
    candidates: Vec<PathBuf>,
    #[command(flatten)]
    channel: ChannelArg,
    /// Exit with 1 where a candidate's score is above X or cannot be had, for example mfcc=0.9 (a cosine, -1 to 1)
    #[arg(long, value_name = "SCORE=X")]
    fail_above: Option<Gate>,
    /// Print the whole result as JSON (see `soundalike schema check`)
    #[arg(long)]
    json: bool,
}

pub fn run(args: &CheckArgs, common: &Common) -> Outcome {
    let panel = Panel::new(&PanelSettings { channel: args.channel.channel, ..Default::default() })?;
    let progress = Progress::new(common);
    let update = |done, all| progress.update(done, all);
    let report = check(&panel, &args.reference, &args.candidates, args.fail_above, &common.batch(&update))?;
    drop(progress);
    warn(&report, common);
    if args.json {
        output::print_json(&report)?;
    } else {
        output::print(&text(&report))?;
    }
    Ok(exit_code(&report))
}

fn exit_code(report: &CheckReport) -> u8 {
    let refused = report.candidates.iter().filter(|c| c.status == Status::Refused).count();
    let bad_reference = report.reference.clips.iter().any(|clip| clip.status == Status::Refused);
    match &report.gate {
        Some(gate) if !gate.passed => GATE,
        _ if refused == report.candidates.len() => NOTHING,
        _ if refused > 0 || bad_reference => SOME_UNUSABLE,
        _ => DONE,
    }
}

fn warn(report: &CheckReport, common: &Common) {
    let quality = |path: &str, quality: &Option<Quality>| {
        quality.iter().flat_map(|q| &q.warnings).for_each(|warning| output::warn(path, warning, common));
    };
    for clip in &report.reference.clips {
        quality(&clip.path, &clip.quality);
        match (&clip.status, &clip.reason) {
            (Status::Duplicate, _) => {
                output::warn(&clip.path, "the same bytes as another reference clip; it counts once", common);
            }
            (_, Some(reason)) => {
                output::warn(
                    &clip.path,
                    format!("left out of the reference: {}", own(&clip.path, &reason.message)),
                    common,
                );
            }
            _ => {}
        }
    }
    for candidate in &report.candidates {
        quality(&candidate.path, &candidate.quality);
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
}

/// A message without the path it begins with, where the path is shown already.
pub fn own<'a>(path: &str, message: &'a str) -> &'a str {
    message.strip_prefix(path).and_then(|rest| rest.strip_prefix(": ")).unwrap_or(message)
}

fn text(report: &CheckReport) -> String {
    let mut text = String::new();
    let reference = &report.reference;
    let left_out = reference.clips.len() - reference.used;
    let _ = write!(text, "reference        {}, {:.1} s speech", clips(reference.used), reference.net_speech_s);
    if left_out > 0 {
        let _ = write!(text, " ({left_out} more left out)");
    }
    text.push_str("\n\n");
    for candidate in &report.candidates {
        block(&mut text, candidate);
    }
    if let Some(gate) = &report.gate {
        let limit = gate.gate.limit;
        let _ = match (gate.passed, gate.above.len(), gate.refused.len()) {
            (true, ..) => writeln!(text, "gate             passed: no MFCC cosine above {limit}"),
            (_, above, refused) => writeln!(
                text,
                "gate             stopped: {above} of {} above an MFCC cosine of {limit}, {refused} refused",
                report.candidates.len()
            ),
        };
    }
    text
}

fn clips(n: usize) -> String {
    if n == 1 { "1 clip".into() } else { format!("{n} clips") }
}

fn block(text: &mut String, candidate: &Candidate) {
    let _ = writeln!(text, "candidate        {}{}", plain(&candidate.path), described(candidate.quality.as_ref()));
    match (&candidate.scores, &candidate.reason) {
        (Some(scores), _) => {
            let mfcc = &scores.mfcc;
            let _ = writeln!(
                text,
                "MFCC cosine      {:.3}  (distance {:.3}; best clip {:.3}, median clip {:.3})",
                mfcc.cosine, mfcc.distance, mfcc.best, mfcc.median
            );
        }
        (None, Some(reason)) => {
            let _ = writeln!(text, "refused          {}", plain(own(&candidate.path, &reason.message)));
        }
        _ => {}
    }
    if let Some(membership) = &candidate.in_reference {
        let _ = match membership {
            InReference::SameContent { clip } => writeln!(text, "in reference     same bytes as {}", plain(clip)),
            InReference::SameFolder { folder } => writeln!(text, "in reference     lies in {}", plain(folder)),
        };
    }
    text.push('\n');
}

fn described(quality: Option<&Quality>) -> String {
    let Some(q) = quality else { return String::new() };
    let snr = q.snr_db.map_or(String::new(), |db| match db {
        SNR_CEILING_DB.. => format!(", SNR over {SNR_CEILING_DB:.0} dB"),
        _ => format!(", SNR {db:.0} dB"),
    });
    format!("  {:.1} s speech{snr}, {} kHz", q.net_speech_s, f64::from(q.format.sample_rate_hz) / 1000.0)
}
