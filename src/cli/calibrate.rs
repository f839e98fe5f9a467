//! `soundalike calibrate`: from labelled clips to a calibration.

use super::output::{plain, write_file};
use super::table::table;
use super::{ChannelArg, Common, DONE, EncoderArg, LabelArgs, Outcome, SOME_UNUSABLE, output, progress::Progress};
use clap::Args;
use soundalike::calibration::fusion::Method;
use soundalike::encoder::{EncoderSet, VOICE_ENCODERS};
use soundalike::library::calibrate::{CalibrateSettings, Calibrated, Ridge, calibrate};
use soundalike::library::{BandFit, Calibration, GroupValidation, LeftOutGroup, Pairs, Validated};
use soundalike::path_text::text_of;
use soundalike::{Error, ErrorKind};
use std::fmt::Write;
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// Fit what turns scores into likelihood ratios, for a condition of your own, to labelled clips.
///
/// A calibration holds for one condition: what is compared with what, in which language, recorded how. References of
/// one, a few and all clips of a speaker are made, and cuts and spoilt copies of every clip, so that the range of the
/// ratio is covered. Speakers are kept apart in the cross-validation whose figures are printed and stored. The file
/// says what it was fitted on and where it holds; check refuses a ratio elsewhere.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  soundalike calibrate --manifest clips.tsv --condition german-clones -o german.json\n  \
                  soundalike calibrate --manifest clips.tsv --pairs real-real --condition phone --language de -o \
                  phone.json\n  soundalike check --reference anna --calibration german.json new-voice.wav\n\nThe \
                  manifest's column corpus, where it has one, names collections that count the same whatever their \
                  size.\n\nExit codes: 0 all clips were used; 3 some were not; 2 nothing could be fitted."
)]
pub struct CalibrateArgs {
    #[command(flatten)]
    labels: LabelArgs,
    /// Which clips are compared: real-real, real-synthetic or synthetic-synthetic
    #[arg(long, default_value = "real-synthetic", value_name = "KINDS")]
    pairs: Pairs,
    /// Name of the condition
    #[arg(long, value_name = "NAME")]
    condition: String,
    /// File to write
    #[arg(long, short, value_name = "FILE")]
    output: PathBuf,
    /// Language of the clips, for example en: check compares it with the language that is declared there
    #[arg(long, value_name = "LANGUAGE")]
    language: Option<String>,
    /// What the clips are, whence: shown with every result
    #[arg(long, value_name = "TEXT", default_value = "clips of the user's own")]
    source: String,
    /// What turns the encoders' weighted sum into the ratio: logistic, pav or bi-gaussian; all three are fitted and
    /// validated
    #[arg(long, default_value = "logistic", value_name = "METHOD")]
    method: Method,
    /// Probability of a target that trials are weighted to, above 0 and below 1
    #[arg(long, default_value_t = 0.5, value_name = "P", allow_negative_numbers = true)]
    weighted_to: f64,
    /// Column whose values (corpora, pages, systems) are left out one by one, each with all its speakers, and tested by
    /// a fit to the others: what the ratio is worth on recordings from elsewhere. Given again, all columns are; trials
    /// then count the same by each of them, and the first gives the headline and the bounds
    #[arg(long, value_name = "COLUMN")]
    group: Vec<String>,
    /// Column within whose values pairs of two voices are made [default: corpus, where there is one]
    #[arg(long, value_name = "COLUMN")]
    within: Option<String>,
    /// Weights of the regularisation by encoder, 0 or more [default: ge2e=5e-5,campplus=2e-5]
    #[arg(long, value_name = "ENCODER=X,...")]
    ridge: Option<Ridge>,
    /// Use the clips as they are only, without cuts and spoilt copies
    #[arg(long)]
    no_copies: bool,
    #[command(flatten)]
    channel: ChannelArg,
    #[command(flatten)]
    encoder: EncoderArg,
}

pub fn run(args: &CalibrateArgs, common: &Common) -> Outcome {
    let columns: Vec<&str> = args.group.iter().chain(&args.within).map(String::as_str).collect();
    let labels = args.labels.read(&columns, &["corpus"])?;
    // What follows the recording is no part of the ratio.
    let encoder = args.encoder.encoder.map_or_else(|| EncoderSet::of(VOICE_ENCODERS), Ok)?;
    let encoder = EncoderArg { encoder: Some(encoder), models: args.encoder.models.clone() };
    let panel = super::panel(&args.channel, &encoder, None)?;
    let settings = CalibrateSettings {
        condition: args.condition.clone(),
        pairs: args.pairs,
        source: args.source.clone(),
        language: args.language.clone(),
        method: args.method,
        prior: args.weighted_to,
        groups: args.group.clone(),
        within: Some(args.within.clone().unwrap_or_else(|| "corpus".into())),
        ridge: args.ridge.clone().unwrap_or_default(),
        copies: !args.no_copies,
    };
    let progress = Progress::new(common);
    let update = |done, all| progress.update(done, all);
    let Calibrated { calibration, left_out } = calibrate(&panel, &labels, &settings, &common.batch(&update))?;
    drop(progress);
    for clip in &left_out {
        output::warn(&clip.path, super::check::own(&clip.path, &clip.reason.message), common);
    }
    write_file(&args.output, &mut |out| {
        let failed = |source| Error::from(ErrorKind::Io { path: args.output.clone(), action: "write", source });
        serde_json::to_writer(&mut *out, &calibration).map_err(|error| failed(error.into()))?;
        out.write_all(b"\n").map_err(failed)
    })?;
    output::print(&text(&calibration, &args.output))?;
    Ok(if left_out.is_empty() { DONE } else { SOME_UNUSABLE })
}

fn text(calibration: &Calibration, file: &Path) -> String {
    let mut text = format!("condition        {}\n", plain(&calibration.condition));
    for (name, fit) in [("wide", &calibration.wide), ("narrow", &calibration.narrow)] {
        band(&mut text, name, fit);
    }
    let _ = writeln!(text, "\nwritten          {}", plain(&text_of(file)));
    text
}

fn band(text: &mut String, name: &str, fit: &BandFit) {
    let (trials, validation) = (&fit.trials, &fit.validation);
    let _ = writeln!(
        text,
        "\n{name} band{:pad$} {} clips and {} copies of {} speakers, {} trials of one voice, {} of two\n",
        "",
        trials.clips,
        trials.copies,
        trials.speakers,
        trials.target,
        trials.non_target,
        pad = 16usize.saturating_sub(name.len() + 5)
    );
    let row = |method: &str, figures: &Validated| {
        let mut row = vec![method.to_string()];
        row.extend([figures.cllr, figures.cllr_min].map(|x| format!("{x:.3}")));
        row.push(format!("{:.2}", 100.0 * figures.eer));
        row
    };
    let rows = [
        row("logistic", &validation.logistic),
        row("pav", &validation.pav),
        row("bi-gaussian", &validation.bi_gaussian),
        row("as used, bounded", &validation.bounded),
    ];
    *text += &table(&["cross-validated", " Cllr", " Cllr_min", " EER %"], &rows);
    let bounds = [fit.fusion.bounds.lower, fit.fusion.bounds.upper].map(|llr| llr / std::f64::consts::LN_10);
    let _ = writeln!(text, "bounds           log10 LR {:+.2} to {:+.2}", bounds[0], bounds[1]);
    for (name, noisiness) in [("sound", 0.0), ("noisy", 1.0)] {
        let weights = fit.fusion.weights(noisiness);
        let weights: Vec<String> = weights.iter().map(|(e, weight)| format!("{} {weight:.2}", e.label())).collect();
        let _ = writeln!(text, "weights, {name}   {}", weights.join(", "));
    }
    fit.groups.iter().for_each(|column| groups(text, column));
}

/// What the fits were worth on groups that they had not seen.
fn groups(text: &mut String, column: &GroupValidation) {
    let percent = |x: f64| format!("{:.2}", 100.0 * x);
    let row = |group: &LeftOutGroup| {
        let value = if group.judged { plain(&group.value) } else { format!("({})", plain(&group.value)) };
        let mut row = vec![value, group.speakers.to_string(), group.target.to_string(), group.non_target.to_string()];
        match &group.rates {
            None => row.extend(std::iter::repeat_n(String::new(), 5)),
            Some(rates) => {
                let eer = rates.against_best;
                row.push(percent(rates.eer.point));
                row.push(format!("{:+.2} ({:+.2} to {:+.2})", 100.0 * eer.point, 100.0 * eer.low, 100.0 * eer.high));
                row.push(rates.best.label().into());
                row.extend([rates.cllr.point, rates.cllr_min.point].map(|x| format!("{x:.3}")));
            }
        }
        row
    };
    let rows: Vec<Vec<String>> = column.groups.iter().map(row).collect();
    let heading = format!("{} left out", plain(&column.column));
    let columns = [heading.as_str(), " voices", " one", " two", " EER %", " less than", " best", " Cllr", " Cllr_min"];
    let _ = writeln!(text);
    *text += &table(&columns, &rows);
    if !column.pooled.is_empty() {
        let _ = writeln!(text, "other            {}", plain(&column.pooled.join(", ")));
    }
    if !column.not_fitted.is_empty() {
        let _ =
            writeln!(text, "not left out     {} (too little to fit to without)", plain(&column.not_fitted.join(", ")));
    }
    if let Some(means) = &column.means {
        let encoders: Vec<String> =
            means.encoders.iter().map(|(e, eer)| format!("{} {}", e.label(), percent(*eer))).collect();
        let (eer, worst) = (percent(means.eer), percent(means.worst_eer));
        let _ = writeln!(
            text,
            "mean of {:<8} EER {eer} % ({}), Cllr {:.3}, Cllr_min {:.3}; worst EER {worst} % ({})",
            means.groups,
            encoders.join(", "),
            means.cllr,
            means.cllr_min,
            plain(&means.worst)
        );
    }
}
