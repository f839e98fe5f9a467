//! `soundalike evaluate`: the error on labelled clips or a list of trials.

use super::table::table;
use super::{
    CalibrationArgs, ChannelArg, Common, DONE, EncoderArg, GATE, LabelArgs, Outcome, SOME_UNUSABLE, output,
    progress::Progress,
};
use clap::Args;
use soundalike::calibration::metrics::{ErrorRates, Estimate, FusionRates};
use soundalike::calibration::pav::pav_llrs;
use soundalike::encoder::PerEncoder;
use soundalike::library::evaluate::{Enrol, EvaluateReport, EvaluateSettings, Evaluation, evaluate};
use soundalike::library::{Pairs, Rule};
use soundalike::report::plots::{self, ScoredTrials, ZooAnimal};
use soundalike::{Error, ErrorKind, Result};
use std::fmt::Write;
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// Validate on labelled clips or trials of your own: error by encoder, and what the calibrated ratio is worth.
///
/// Each encoder is measured on the same trials. EER is the equal error rate on the convex hull of the ROC; minDCF the
/// detection cost at the best threshold for a target prior of 0.01 and costs of 1, where 1 is no better than refusing
/// everything; Cllr what the likelihood ratios cost as they are (0 is perfect, 1 says nothing, more misleads), Cllr_min
/// what they would cost if perfectly calibrated. Intervals are a bootstrap over speakers (1000 resamples, fixed seed,
/// 95 %); where no trial errs, their upper end is the exact limit of so many speakers without an error. Every trial
/// whose clips have embeddings is scored, also those outside the calibration's ranges, which are counted; only clips that
/// cannot be decoded or hold no speech are left out. Where clips were in the calibration's own fit, by the bytes of their files, a
/// warning says how many.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  soundalike evaluate --manifest clips.tsv\n  soundalike evaluate --trials trials.txt --root \
                  voxceleb/ --condition real-real --rule 'cllr<0.2'\n  soundalike evaluate --manifest clips.tsv \
                  --split dev-test --pairs real-synthetic --enrol 3 --by system --plots plots/\n\nThe manifest is \
                  tab-separated with a header; the columns path, speaker and kind (real or synthetic)\nare read, and \
                  those that --split (the column split), --where and --by name.\n\nExit codes: 0 done; 1 a rule does not \
                  hold; 2 nothing could be done; 3 done, but some clips were\nunusable."
)]
pub struct EvaluateArgs {
    #[command(flatten)]
    labels: LabelArgs,
    /// Which clips of the manifest are paired: real-real, real-synthetic or synthetic-synthetic
    #[arg(long, default_value = "real-real", value_name = "KINDS")]
    pairs: Pairs,
    /// Number of clips that a reference is made of; all for all of a speaker's (a list of trials has one)
    #[arg(long, default_value = "1", value_name = "N", value_parser = enrol_size)]
    enrol: Enrol,
    /// Figures by the values of this column of the manifest too (of the tested clip)
    #[arg(long, value_name = "COLUMN")]
    by: Option<String>,
    #[command(flatten)]
    calibration: CalibrationArgs,
    /// Measure the scores normalised by the cohort too (AS-norm)
    #[arg(long)]
    as_norm: bool,
    /// Cohort for --as-norm: a file made by `cohort` [default: the one in the program]
    #[arg(long, value_name = "NAME|FILE")]
    cohort: Option<PathBuf>,
    /// Score narrow-band trials as they are, without matching the two sides' bandwidth
    #[arg(long)]
    no_band_matching: bool,
    /// A rule that the 95 % interval of a figure must keep to, for example 'cllr<0.2' or 'campplus.eer<0.05'; exit with
    /// 1 where it does not; give the option again for more
    #[arg(long, value_name = "RULE")]
    rule: Vec<Rule>,
    /// Folder to write plots to, as SVG: det, tippett, ece, reliability, zoo
    #[arg(long, value_name = "FOLDER")]
    plots: Option<PathBuf>,
    #[command(flatten)]
    channel: ChannelArg,
    #[command(flatten)]
    encoder: EncoderArg,
    /// Print the whole result as JSON (see `soundalike schema evaluate`)
    #[arg(long)]
    json: bool,
}

fn enrol_size(word: &str) -> std::result::Result<Enrol, String> {
    match word {
        "all" => Ok(Enrol::All),
        _ => match word.parse() {
            Ok(n) => Ok(Enrol::Of(n)),
            Err(_) => Err("expected a number from 1, or all".into()),
        },
    }
}

pub fn run(args: &EvaluateArgs, common: &Common) -> Outcome {
    let labels = args.labels.read(&args.by.as_deref().into_iter().collect::<Vec<_>>(), &[])?;
    let panel = super::panel(&args.channel, &args.encoder, None)?;
    // The condition that goes with the pairs; a list of trials does not say what they are.
    let condition = if args.labels.is_list() { None } else { args.pairs.condition() };
    let calibration = args.calibration.read(condition)?;
    let cohort = args
        .as_norm
        .then(|| super::cohort_named(args.cohort.as_deref().unwrap_or(Path::new("default"))))
        .transpose()?;
    if let Some(folder) = &args.plots {
        let failed = |source| Error::from(ErrorKind::Io { path: folder.clone(), action: "create", source });
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    let settings = EvaluateSettings {
        calibration: Some(&calibration),
        pairs: args.pairs,
        enrol: args.enrol,
        by: args.by.clone(),
        as_norm: cohort.as_ref(),
        match_bands: !args.no_band_matching,
        rules: &args.rule,
    };
    let progress = Progress::new(common);
    let update = |done, all| progress.update(done, all);
    let evaluation = evaluate(&panel, &labels, &settings, &common.batch(&update))?;
    drop(progress);
    let report = &evaluation.report;
    for clip in &report.left_out {
        output::warn(&clip.path, super::check::own(&clip.path, &clip.reason.message), common);
    }
    if let (Some(used), Some(flatter)) = (&report.calibration, in_fit(report)) {
        output::warn(&used.origin, flatter, common);
    }
    if let Some(folder) = &args.plots {
        write_plots(&evaluation, folder)?;
    }
    if args.json {
        output::print_json(report)?;
    } else {
        output::print(&text(report))?;
    }
    Ok(match report.rules.iter().all(|rule| rule.holds) {
        false => GATE,
        true if report.left_out.is_empty() => DONE,
        true => SOME_UNUSABLE,
    })
}

fn write_plots(evaluation: &Evaluation, folder: &Path) -> Result<()> {
    let write = |name: &str, svg: String| {
        let path = folder.join(name);
        super::output::write_file(&path, &mut |out| {
            let failed = |source| Error::from(ErrorKind::Io { path: path.clone(), action: "write", source });
            out.write_all(svg.as_bytes()).map_err(failed)
        })
    };
    let mut systems: Vec<ScoredTrials<'_>> = evaluation
        .scores
        .iter()
        .map(|(encoder, [targets, non_targets])| ScoredTrials { label: encoder.label(), targets, non_targets })
        .collect();
    let Some([targets, non_targets]) = &evaluation.llrs else { return write("det.svg", plots::det(&systems)) };
    let all = ScoredTrials { label: "all together", targets, non_targets };
    systems.push(all);
    write("det.svg", plots::det(&systems))?;
    write("tippett.svg", plots::tippett(&all))?;
    let (best_targets, best_others) = pav_llrs(targets, non_targets)?;
    let best = ScoredTrials { label: "after PAV", targets: &best_targets, non_targets: &best_others };
    write("ece.svg", plots::ece(&all, &best))?;
    write("reliability.svg", plots::reliability(&all))?;
    let animals: Vec<ZooAnimal<'_>> = evaluation
        .speakers
        .iter()
        .map(|speaker| ZooAnimal {
            speaker: &speaker.speaker,
            target_mean: speaker.target_mean,
            non_target_mean: speaker.non_target_mean,
            targets: speaker.targets,
            non_targets: speaker.non_targets,
        })
        .collect();
    write("zoo.svg", plots::zoo(&animals))
}

fn figures(estimate: &Estimate, factor: f64, decimals: usize) -> [String; 2] {
    let figure = |x: f64| format!("{:.decimals$}", factor * x);
    [figure(estimate.point), format!("{} to {}", figure(estimate.low), figure(estimate.high))]
}

/// That clips of the test were in the calibration's fit, where they were.
fn in_fit(report: &EvaluateReport) -> Option<String> {
    let clips = &report.clips;
    let n = clips.in_fit.filter(|n| *n > 0)?;
    Some(format!("{n} of {} clips were in the fit of this calibration: the figures of its ratio flatter", clips.scored))
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
    if trials.narrow_band > 0 {
        let _ = writeln!(text, "          {} in the narrow band", trials.narrow_band);
    }
    if trials.left_out > 0 {
        let _ = writeln!(text, "          {} more left out, for want of a clip", trials.left_out);
    }
    if let (Some(used), Some(outside)) = (&report.calibration, trials.out_of_range) {
        let _ = writeln!(text, "condition {} ({}), {outside} trials outside its range", used.condition, used.origin);
        let told = match clips.in_fit {
            None => "it does not tell which clips it was fitted on: they may be among these".into(),
            Some(_) => in_fit(report).unwrap_or_else(|| "none of the clips was in its fit".into()),
        };
        let _ = writeln!(text, "          {told}");
    }
    text.push('\n');
    text += &rates(&report.encoders, report.fusion.as_ref());
    if let Some(bounded) = report.bounded_cllr {
        let _ = writeln!(
            text,
            "\nthe ratio is measured before its bounds; within them, as check states it, Cllr is {bounded:.3}"
        );
    }
    if let Some(normalised) = &report.as_norm {
        text += "\nnormalised by the cohort (AS-norm)\n";
        text += &rates(normalised, None);
    }
    if let Some(refused) = &report.fusion_refused {
        let _ = writeln!(text, "\nno likelihood ratios: {refused}");
    }
    if let Some(against) = &report.against_best {
        let [point, interval] = figures(&against.eer, 100.0, 2);
        let best = against.encoder.label();
        let _ = writeln!(text, "\nall together less {best}, EER %: {point} ({interval})");
    }
    for group in &report.by {
        let _ = writeln!(
            text,
            "\n{} {}: {} trials of one voice, {} of two",
            group.column,
            if group.value.is_empty() { "(empty)" } else { &group.value },
            group.target,
            group.non_target
        );
        if let Some(encoders) = &group.encoders {
            text += &rates(encoders, group.fusion.as_ref());
        }
    }
    for rule in &report.rules {
        let word = if rule.holds { "holds" } else { "DOES NOT HOLD" };
        let way = if rule.end < rule.found { "down" } else { "up" };
        let (found, end) = (rule.found, rule.end);
        let _ = writeln!(text, "\nrule      {} {word}: found {found:.4}, 95 % interval {way} to {end:.4}", rule.rule);
    }
    text
}

fn rates(encoders: &PerEncoder<ErrorRates>, fusion: Option<&FusionRates>) -> String {
    let row = |label: &str, eer: &Estimate, min_dcf: &Estimate, cllr_min: &Estimate, cllr: Option<&Estimate>| {
        let [a, b] = figures(eer, 100.0, 2);
        let [c, d] = figures(min_dcf, 1.0, 3);
        let [e, f] = figures(cllr_min, 1.0, 3);
        let [g, h] = cllr.map_or_else(Default::default, |cllr| figures(cllr, 1.0, 3));
        vec![label.to_string(), a, b, c, d, e, f, g, h]
    };
    let mut rows: Vec<Vec<String>> =
        encoders.iter().map(|(e, r)| row(e.label(), &r.eer, &r.min_dcf, &r.cllr_min, None)).collect();
    rows.extend(fusion.map(|r| row("all together", &r.eer, &r.min_dcf, &r.cllr_min, Some(&r.cllr))));
    let mut header =
        vec!["encoder", " EER %", " 95 % interval", " minDCF", " 95 % interval", " Cllr_min", " 95 % interval"];
    if fusion.is_some() {
        header.extend([" Cllr", " 95 % interval"]);
    }
    table(&header, &rows)
}
