//! `soundalike check`: candidates against one protected voice.

use super::output::plain;
use super::{ChannelArg, Common, DONE, EncoderArg, GATE, NOTHING, Outcome, SOME_UNUSABLE, output, progress::Progress};
use clap::Args;
use soundalike::feature::{Quality, SNR_CEILING_DB};
use soundalike::library::check::{Candidate, CheckReport, Gate, GateResult, InReference, check};
use soundalike::library::{Reference, ReferenceSource, Status};
use std::fmt::Write;
use std::path::PathBuf;

/// Compare candidate clips with one protected voice.
///
/// Every clip needs at least 1 s of net speech; a candidate with less, or one that cannot be read, is refused with the
/// reason and stops nothing. Every encoder gives a cosine of its own: 1 is the same direction, 0 is unrelated, negative
/// is opposite. Cosines of different encoders are not on one scale. No score is a probability, and none says whether a
/// clip is synthetic.
#[derive(Args)]
#[command(
    after_help = "Encoders:\n  mfcc      mean and spread of cepstra over speech; anybody can recompute it; weak, not \
                  to be used alone\n  mfcc_lda  mean cepstra and spread of the mel bands, weighed by how steady each is \
                  within a voice\n  ge2e      GE2E, a small recurrent speaker network\n  campplus  CAM++, a speaker \
                  network of seven million parameters\n\nExamples:\n  soundalike check --reference voices/anna take1.wav take2.wav\n  soundalike check \
                  --reference 'anna/*.flac' --reference anna-phone.wav --json tts/ > result.json\n  soundalike check \
                  --reference anna --fail-above mfcc=0.9 new-voice.wav || echo stopped\n  soundalike check \
                  --reference anna.model new-voice.wav"
)]
pub struct CheckArgs {
    /// Recordings of the protected voice, or a voice model made by `enrol`: one file, folder or quoted pattern; give the
    /// option again for more
    #[arg(long, required = true, value_name = "PATH", num_args = 1)]
    reference: Vec<PathBuf>,
    /// Clips in question: files, folders or quoted patterns
    #[arg(required = true, value_name = "CANDIDATE")]
    candidates: Vec<PathBuf>,
    #[command(flatten)]
    channel: ChannelArg,
    #[command(flatten)]
    encoder: EncoderArg,
    /// Exit with 1 where a candidate's score is above X or cannot be had, for example mfcc=0.9 (an encoder's name and a
    /// cosine, -1 to 1); give the option again for a limit on another score
    #[arg(long, value_name = "SCORE=X")]
    fail_above: Vec<Gate>,
    /// Print the whole result as JSON (see `soundalike schema check`)
    #[arg(long)]
    json: bool,
}

pub fn run(args: &CheckArgs, common: &Common) -> Outcome {
    let reference = ReferenceSource::read(&args.reference)?;
    let panel = super::panel(&args.channel, &args.encoder, Some(&reference))?;
    let progress = Progress::new(common);
    let update = |done, all| progress.update(done, all);
    let report = check(&panel, &reference, &args.candidates, &args.fail_above, &common.batch(&update))?;
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

fn text(report: &CheckReport) -> String {
    let mut text = String::new();
    let _ = writeln!(text, "reference        {}\n", described_reference(&report.reference));
    for candidate in &report.candidates {
        block(&mut text, candidate);
    }
    if let Some(gate) = &report.gate {
        let _ = writeln!(text, "gate             {}", judgement(gate, report.candidates.len()));
    }
    text
}

fn judgement(gate: &GateResult, candidates: usize) -> String {
    let limits = gate.limits.iter().map(|gate| format!("{} cosine of {}", gate.score.label(), gate.limit));
    let limits = limits.collect::<Vec<_>>().join(", ");
    match (gate.passed, gate.above.len(), gate.refused.len()) {
        (true, ..) => format!("passed: none above the limit ({limits})"),
        (_, above, refused) => {
            format!("stopped: {above} of {candidates} above the limit ({limits}), {refused} refused")
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
    text
}

fn clips(n: usize) -> String {
    if n == 1 { "1 clip".into() } else { format!("{n} clips") }
}

fn block(text: &mut String, candidate: &Candidate) {
    let _ = writeln!(text, "candidate        {}{}", plain(&candidate.path), described(candidate.quality.as_ref()));
    match (&candidate.scores, &candidate.reason) {
        (Some(scores), _) => {
            for (encoder, score) in scores.iter() {
                let name = format!("{} cosine", encoder.label());
                let _ = writeln!(
                    text,
                    "{name:16} {:.3}  (distance {:.3}; best clip {:.3}, median clip {:.3})",
                    score.cosine, score.distance, score.best, score.median
                );
            }
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
