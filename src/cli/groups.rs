//! `soundalike groups`: voices of a library that resemble each other.

use super::output::{self, plain};
use super::{Common, DONE, ModelsArg, Outcome};
use clap::{Args, ValueEnum};
use soundalike::encoder::Band;
use soundalike::library::groups::{GROUP_THRESHOLD, GroupReport, GroupSettings, groups};
use soundalike::library::scan::{Score, Threshold};
use soundalike::{ErrorKind, Result};
use std::fmt::Write;
use std::path::PathBuf;

/// Find voices of a library that resemble each other, for example clones of one donor under many names.
///
/// A voice is a folder of clips, or a speaker of the manifest that the index was made of. Voices are joined while the
/// mean cosine between their members is at the threshold or above (average linkage). Beside the groups stands how many
/// pairs of different people's voices reach the threshold by chance. A group says that voices are alike, not that they
/// are one person.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  soundalike groups voices.lib\n  soundalike groups library/ --above campplus=0.7 --json\n\n\
                  Exit codes: 0 done, whether or not there are groups; 2 nothing could be done."
)]
pub struct GroupsArgs {
    /// An index made by `index`, a folder of Parquet files with the same columns, or a folder, list or manifest of
    /// clips
    #[arg(value_name = "LIBRARY")]
    library: PathBuf,
    /// Threshold: an encoder's name and the least mean cosine [default: the strongest encoder of the index and 0.6]
    #[arg(long, value_name = "ENCODER=X")]
    above: Option<Threshold>,
    /// How much of the spectrum is compared; narrow needs an index made with --narrow all
    #[arg(long, value_enum, default_value_t = BandArg::Wide)]
    band: BandArg,
    /// Population that tells how often voices are alike by chance: a file made by `cohort`, or default
    #[arg(long, default_value = "default", value_name = "NAME|FILE")]
    cohort: PathBuf,
    #[command(flatten)]
    models: ModelsArg,
    /// Print the result as JSON (see `soundalike schema groups`)
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum BandArg {
    /// All of it; narrow-band clips have no part
    Wide,
    /// Up to 3.4 kHz
    Narrow,
}

pub fn run(args: &GroupsArgs, common: &Common) -> Outcome {
    let (encoder, threshold) = threshold(args.above)?;
    let cohort = super::cohort_named(&args.cohort)?;
    let library = super::library::Library::open(&args.library, None, &args.models, common)?;
    let band = if matches!(args.band, BandArg::Narrow) { Band::Narrow } else { Band::Wide };
    let settings = GroupSettings { encoder, threshold, band, cohort: Some(&cohort), threads: common.threads };
    let report = groups(&library.index, &settings)?;
    if args.json {
        output::print_json(&report)?;
    } else {
        output::print(&text(&report))?;
    }
    Ok(DONE)
}

fn threshold(above: Option<Threshold>) -> Result<(Option<soundalike::encoder::Encoder>, f64)> {
    match above {
        None => Ok((None, GROUP_THRESHOLD)),
        Some(Threshold { score: Score::Cosine(encoder), value }) => Ok((Some(encoder), value)),
        Some(Threshold { score: Score::Log10Lr, value }) => {
            let expected = "an encoder's cosine, for example campplus=0.6".into();
            Err(ErrorKind::Setting { name: "above", found: format!("log10_lr={value}"), expected }.into())
        }
    }
}

fn text(report: &GroupReport) -> String {
    let mut text = String::new();
    let left_out = match report.left_out {
        0 => String::new(),
        n => format!(", {n} more without a clip that can be compared in the {} band", report.band),
    };
    let _ = writeln!(text, "library          {}: {} voices{left_out}", plain(&report.library), report.voices);
    if report.rows_by_others {
        text.push_str(output::BY_OTHERS);
    }
    let label = report.encoder.label();
    let _ =
        writeln!(text, "threshold        mean {label} cosine of {} between the members of a group", report.threshold);
    let by_chance = report.by_chance.as_ref().map_or(String::new(), |chance| {
        format!(
            "; {:.1} to be expected among voices of different people ({} of {} pairs of the cohort)",
            chance.expected, chance.reached, chance.of
        )
    });
    let _ = writeln!(text, "pairs            {} at the threshold or above{by_chance}", report.pairs);
    let grouped: usize = report.groups.iter().map(|group| group.members.len()).sum();
    let _ = writeln!(text, "groups           {} of {grouped} voices", report.groups.len());
    for (at, group) in report.groups.iter().enumerate() {
        let _ = writeln!(text, "\ngroup {:<10} mean cosine {:.3}, least {:.3}", at + 1, group.mean, group.least);
        let rows = group.members.iter().map(|member| {
            vec![
                plain(&member.voice),
                member.clips.to_string(),
                format!("{:.1}", member.net_speech_s),
                format!("{:.3}", member.mean),
                format!("{:.3}", member.to_nearest.get(report.encoder).copied().unwrap_or(0.0)),
                plain(&member.nearest),
            ]
        });
        let header = ["voice", " clips", " speech s", " mean", " nearest", "which"];
        text.push_str(&super::table::table(&header, &rows.collect::<Vec<_>>()));
    }
    text
}
