//! `soundalike index`: a library of clips to an index, and back in line with it.

use super::encryption::EncryptArgs;
use super::library::library;
use super::output::plain;
use super::progress::Pace;
use super::{ChannelArg, Common, DONE, EncoderArg, GATE, NOTHING, Outcome, SOME_UNUSABLE, audit, output};
use clap::{Args, ValueEnum};
use soundalike::library::index::{
    Counts, Index, IndexCheck, IndexReport, IndexSettings, LibrarySource, MANIFEST, NarrowRule, WalkSettings, update,
};
use soundalike::path_text::text_of;
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// Extract every clip of a library once, for scan and groups; run again, it takes up what has changed.
///
/// The index is a folder of Parquet files with one row a clip: path, hash, quality, status, reason, and the embeddings.
/// Unchanged files (same size and date) are not read again, moved ones are recognised by their content, those that are
/// gone are marked, and clips that cannot be used are rows with their reason. The run may be interrupted at any moment:
/// run again, it goes on where it was. Another program may read the index meanwhile with `soundalike scan`; a second
/// `index` of the same folder waits.
#[derive(Args)]
#[command(
    after_help = "Files named .ignore or .soundalikeignore say, as in .gitignore, what is left out; hidden files are. What was \
                  left out is counted in the result.\n\n\
                  Examples:\n  soundalike index voices/ -o voices.lib\n  find voices -name '*.wav' | soundalike index - -o voices.lib\n  \
                  soundalike index --check -o voices.lib voices/\n\nExit codes: 0 every clip can be used (with --check: nothing \
                  is wrong); 1 --check found something; 2 nothing could be done; 3 some clips cannot be used."
)]
pub struct IndexArgs {
    /// A folder, a list of files (one a line; - for standard input), or a tab-separated manifest with the columns path,
    /// speaker and kind; with --check it may be left out
    #[arg(value_name = "LIBRARY", required_unless_present = "check")]
    library: Option<PathBuf>,
    /// Folder of the index; it is made where there is none
    #[arg(long, short, value_name = "FOLDER")]
    output: PathBuf,
    /// Folder that the paths of a list or manifest start from (default: the one it lies in, or this one)
    #[arg(long, value_name = "FOLDER")]
    root: Option<PathBuf>,
    /// Follow links to folders
    #[arg(long)]
    follow_links: bool,
    /// Take files that .ignore and .soundalikeignore leave out too
    #[arg(long)]
    no_ignore: bool,
    /// Clips whose embeddings of the narrow band (up to 3.4 kHz) are made as well: all is needed to look for a voice of
    /// which there are only telephone recordings, and takes twice as long
    #[arg(long, value_enum, default_value_t = Narrow::Auto, value_name = "WHICH")]
    narrow: Narrow,
    /// Make the index anew, with these settings; the old one stays until the new one is whole
    #[arg(long)]
    rebuild: bool,
    /// Where another process writes this index, do not wait for it
    #[arg(long)]
    no_wait: bool,
    /// Change nothing: compare every segment with its hash, its schema and its counts; with LIBRARY also every clip
    /// with its hash
    #[arg(long, conflicts_with_all = ["rebuild", "no_wait"])]
    check: bool,
    #[command(flatten)]
    channel: ChannelArg,
    #[command(flatten)]
    encoder: EncoderArg,
    #[command(flatten)]
    encrypt: EncryptArgs,
    /// Print the summary as JSON (see `soundalike schema index`)
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Narrow {
    /// Those that are narrow-band themselves
    Auto,
    /// All
    All,
}

pub fn run(args: &IndexArgs, common: &Common) -> Outcome {
    let walk = WalkSettings { follow_links: args.follow_links, obey_ignore_files: !args.no_ignore };
    let source = args.library.as_ref().map(|named| library(named, args.root.as_deref(), walk)).transpose()?;
    if args.check {
        return check(args, source.as_ref(), common);
    }
    let Some(source) = source else { return Ok(NOTHING) };
    let panel = super::panel(&args.channel, &args.encoder, None)?;
    let pace = Pace::new(common);
    let report = update(
        &panel,
        &source,
        &args.output,
        &IndexSettings {
            narrow: if matches!(args.narrow, Narrow::All) { NarrowRule::All } else { NarrowRule::Auto },
            rebuild: args.rebuild,
            count_first: pace.is_shown(),
            at_rest: args.encrypt.at_rest(common)?,
            threads: common.threads,
            waiting: &|| {
                let what =
                    if args.no_wait { "another process writes it" } else { "another process writes it; waiting" };
                output::warn(text_of(&args.output), what, common);
                !args.no_wait
            },
            progress: &|progress| pace.update(progress),
        },
    )?;
    drop(pace);
    for folder in &report.unlisted {
        output::warn(
            &folder.path,
            format!("could not be listed ({}); its rows stay as they were", folder.message),
            common,
        );
    }
    let manifest = args.output.join(MANIFEST);
    audit::output(&manifest, audit::hash(&manifest));
    if args.json {
        output::print_json(&report)?;
    } else {
        output::print(&text(&report, &args.output))?;
    }
    Ok(match &report.holds {
        holds if holds.usable == 0 => NOTHING,
        holds if holds.refused > 0 || !report.unlisted.is_empty() => SOME_UNUSABLE,
        _ => DONE,
    })
}

fn check(args: &IndexArgs, source: Option<&LibrarySource>, common: &Common) -> Outcome {
    let index = Index::open(&args.output, &super::encryption::keys(common)?, common.threads)?;
    audit::input_index(&index);
    let report = index.check(source, common.threads)?;
    if args.json {
        output::print_json(&report)?;
    } else {
        output::print(&checked(&report))?;
    }
    Ok(if report.problems.is_empty() { DONE } else { GATE })
}

fn checked(report: &IndexCheck) -> String {
    let mut text = holds(&report.holds);
    let _ = writeln!(text, "segments         {}", report.segments);
    if report.files_compared > 0 {
        let _ = writeln!(text, "files compared   {}", report.files_compared);
    }
    if report.rows_by_others {
        text.push_str(output::BY_OTHERS);
    }
    for problem in &report.problems {
        let _ = writeln!(text, "problem          {}: {}", plain(&problem.path), plain(&problem.message));
    }
    if report.problems.is_empty() {
        text.push_str("check            nothing is wrong\n");
    }
    text
}

/// Clips that are named in the summary.
const NAMED: usize = 10;

fn text(report: &IndexReport, folder: &Path) -> String {
    let mut text = String::new();
    let _ = writeln!(
        text,
        "library          {}: {} new, {} changed, {} moved, {} unchanged, {} returned, {} vanished",
        plain(&report.library),
        report.new,
        report.changed,
        report.moved,
        report.unchanged,
        report.returned,
        report.vanished
    );
    text.push_str(&holds(&report.holds));
    for refused in report.refused.iter().take(NAMED) {
        let message = super::check::own(&refused.path, &refused.message);
        let _ = writeln!(text, "                 {}: {}", plain(&refused.path), plain(message));
    }
    if report.holds.refused > NAMED {
        let _ = writeln!(text, "                 and {} more, with status 'refused'", report.holds.refused - NAMED);
    }
    text.push_str(&output::passed_over(&report.passed_over));
    let _ = writeln!(text, "written          {}", plain(&text_of(folder)));
    text
}

fn holds(counts: &Counts) -> String {
    let hours = |seconds: f64| {
        let minutes = (seconds / 60.0).floor();
        format!("{:.0}:{:02.0}:{:02.0}", (minutes / 60.0).floor(), minutes % 60.0, seconds.floor() % 60.0)
    };
    let mut text = format!(
        "index            {} clips, {} usable with {} of sound and {} of speech",
        counts.rows,
        counts.usable,
        hours(counts.seconds),
        hours(counts.net_speech_s)
    );
    if counts.narrow_band > 0 {
        let _ = write!(text, "; {} of them narrow-band", counts.narrow_band);
    }
    text.push('\n');
    if counts.vanished > 0 {
        let _ = writeln!(text, "vanished         {} clips whose file is gone", counts.vanished);
    }
    if counts.refused > 0 {
        let reasons: Vec<String> = counts.reasons.iter().map(|(code, n)| format!("{code} {n}")).collect();
        let _ = writeln!(text, "unusable         {} clips: {}", counts.refused, plain(&reasons.join(", ")));
    }
    text
}
