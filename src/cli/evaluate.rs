//! `soundalike evaluate`: the error on labelled clips.

use super::table::table;
use super::{ChannelArg, Common, DONE, EncoderArg, Outcome, SOME_UNUSABLE, output, progress::Progress};
use clap::Args;
use soundalike::calibration::metrics::Estimate;
use soundalike::library::evaluate::{EvaluateReport, Pairs, evaluate};
use soundalike::library::{Filter, Manifest, Selection};
use std::fmt::Write;
use std::path::PathBuf;

/// Measure the error on labelled clips of your own: equal error rate, least detection cost and least Cllr over all pairs.
///
/// Each encoder is measured on the same pairs. minDCF is the detection cost at the best threshold for a target prior of
/// 0.01 and costs of 1, where 1 is no better than refusing everything. Cllr_min is what the score costs, in bits, once it is
/// calibrated as well as these pairs allow: 0 is perfect, 1 tells nothing. The interval is a bootstrap over speakers
/// (BCa, 95 %, fixed seed, 1000 resamples or, above two million pairs, 200). Clips shorter than `check` would accept are scored too and counted; only clips that
/// cannot be decoded or hold no speech are left out.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  soundalike evaluate --manifest clips.tsv\n  soundalike evaluate --manifest clips.tsv \
                  --split dev-test --pairs real-synthetic --json\n  soundalike evaluate --manifest clips.tsv --pairs \
                  real-synthetic --where 'corpus=vctk|libri' \\\n    --where-synthetic 'system!=VC:*'\n\nThe manifest \
                  is tab-separated with a header; the columns path, speaker and kind (real or synthetic)\nare read, \
                  and those that --split (the column split) and --where name."
)]
pub struct EvaluateArgs {
    /// Table of labelled clips
    #[arg(long, value_name = "FILE")]
    manifest: PathBuf,
    /// Folder that the manifest's paths start from (default: the manifest's own)
    #[arg(long, value_name = "DIR")]
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
    /// Which clips are paired: real-real, real-synthetic or synthetic-synthetic
    #[arg(long, default_value = "real-real", value_name = "KINDS")]
    pairs: Pairs,
    #[command(flatten)]
    channel: ChannelArg,
    #[command(flatten)]
    encoder: EncoderArg,
    /// Print the whole result as JSON (see `soundalike schema evaluate`)
    #[arg(long)]
    json: bool,
}

pub fn run(args: &EvaluateArgs, common: &Common) -> Outcome {
    let selection = Selection {
        splits: args.split.clone(),
        filters: args.filters.clone(),
        synthetic_filters: args.synthetic_filters.clone(),
    };
    let manifest = Manifest::read(&args.manifest, args.root.as_deref(), &selection)?;
    let panel = super::panel(&args.channel, &args.encoder, None)?;
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
    let figures = |estimate: &Estimate, factor: f64, decimals: usize| {
        let figure = |x: f64| format!("{:.decimals$}", factor * x);
        [figure(estimate.point), format!("{} to {}", figure(estimate.low), figure(estimate.high))]
    };
    let rows = report.encoders.iter().map(|(encoder, rates)| {
        let (eer, min_dcf) = (figures(&rates.eer, 100.0, 2), figures(&rates.min_dcf, 1.0, 3));
        let cllr_min = figures(&rates.cllr_min, 1.0, 3);
        [encoder.label().to_string()].into_iter().chain(eer).chain(min_dcf).chain(cllr_min).collect()
    });
    let rows: Vec<Vec<String>> = rows.collect();
    text.push('\n');
    let interval = " 95 % interval";
    text + &table(&["encoder", " EER %", interval, " minDCF", interval, " Cllr_min", interval], &rows)
}
