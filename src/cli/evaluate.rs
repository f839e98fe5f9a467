//! `soundalike evaluate`: the error on labelled clips.

use super::{ChannelArg, Common, DONE, Outcome, SOME_UNUSABLE, output, progress::Progress};
use clap::Args;
use soundalike::encoder::{Panel, PanelSettings};
use soundalike::library::Manifest;
use soundalike::library::evaluate::{EvaluateReport, Pairs, evaluate};
use std::fmt::Write;
use std::path::PathBuf;

/// Measure the error on labelled clips of your own: the equal error rate over all pairs.
///
/// The interval is a bootstrap over speakers (1000 resamples, fixed seed, 95 %). Clips shorter than `check` would
/// accept are scored too and counted; only clips that cannot be decoded or hold no speech are left out.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  soundalike evaluate --manifest clips.tsv\n  soundalike evaluate --manifest clips.tsv \
                  --split dev-test --pairs real-synthetic --json\n\nThe manifest is tab-separated with a header; the \
                  columns path, speaker, kind (real or synthetic) and,\nfor --split, split are read, others ignored."
)]
pub struct EvaluateArgs {
    /// Table of labelled clips
    #[arg(long, value_name = "FILE")]
    manifest: PathBuf,
    /// Folder that the manifest's paths start from (default: the manifest's own)
    #[arg(long, value_name = "DIR")]
    root: Option<PathBuf>,
    /// Use only the lines whose column `split` has this value
    #[arg(long, value_name = "NAME")]
    split: Option<String>,
    /// Which clips are paired: real-real or real-synthetic
    #[arg(long, default_value = "real-real", value_name = "KINDS")]
    pairs: Pairs,
    #[command(flatten)]
    channel: ChannelArg,
    /// Print the whole result as JSON (see `soundalike schema evaluate`)
    #[arg(long)]
    json: bool,
}

pub fn run(args: &EvaluateArgs, common: &Common) -> Outcome {
    let manifest = Manifest::read(&args.manifest, args.root.as_deref(), args.split.as_deref())?;
    let panel = Panel::new(&PanelSettings { channel: args.channel.channel, ..Default::default() })?;
    let progress = Progress::new(common);
    let update = |done, all| progress.update(done, all);
    let report = evaluate(&panel, &manifest, args.pairs, &common.batch(&update))?;
    drop(progress);
    for clip in &report.left_out {
        output::warn(&clip.path, super::check::own(&clip.path, &clip.reason.message), common);
    }
    if args.json {
        output::print_json(&report)?;
    } else {
        output::print(&text(&report))?;
    }
    Ok(if report.left_out.is_empty() { DONE } else { SOME_UNUSABLE })
}

fn text(report: &EvaluateReport) -> String {
    let mut text = String::new();
    let (clips, trials) = (&report.clips, &report.trials);
    let _ = writeln!(
        text,
        "clips     {} scored of {} ({} with less speech than check accepts), {} speakers",
        clips.scored, clips.listed, clips.below_minimum, report.speakers
    );
    let _ = writeln!(text, "trials    {} of one voice, {} of two voices", trials.target, trials.non_target);
    let eer = &report.encoders.mfcc.eer;
    let percent = |x: f64| 100.0 * x;
    let _ = writeln!(
        text,
        "MFCC      equal error rate {:.2} % (95 % interval {:.2} to {:.2} %)",
        percent(eer.point),
        percent(eer.low),
        percent(eer.high)
    );
    text
}
