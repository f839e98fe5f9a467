//! `soundalike calibrate`: from labelled clips to a calibration.

use super::output::{plain, write_file};
use super::table::table;
use super::{ChannelArg, Common, DONE, EncoderArg, LabelArgs, Outcome, SOME_UNUSABLE, output, progress::Progress};
use clap::Args;
use soundalike::calibration::fusion::Method;
use soundalike::library::calibrate::{CalibrateSettings, Calibrated, RIDGE, calibrate};
use soundalike::library::{BandFit, Calibration, Pairs, Validated};
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
    /// Weight of the regularisation, 0 or more
    #[arg(long, default_value_t = RIDGE, value_name = "X", allow_negative_numbers = true)]
    ridge: f64,
    /// Use the clips as they are only, without cuts and spoilt copies
    #[arg(long)]
    no_copies: bool,
    #[command(flatten)]
    channel: ChannelArg,
    #[command(flatten)]
    encoder: EncoderArg,
}

pub fn run(args: &CalibrateArgs, common: &Common) -> Outcome {
    let labels = args.labels.read(None, &["corpus"])?;
    let panel = super::panel(&args.channel, &args.encoder, None)?;
    let settings = CalibrateSettings {
        condition: args.condition.clone(),
        pairs: args.pairs,
        source: args.source.clone(),
        language: args.language.clone(),
        method: args.method,
        prior: args.weighted_to,
        ridge: args.ridge,
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
}
