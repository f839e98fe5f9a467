//! `soundalike cohort`: a relevant population from clips of the user's own.

use super::output::{plain, write_private};
use super::{ChannelArg, Common, DONE, EncoderArg, Outcome, SOME_UNUSABLE, output, progress::Progress};
use clap::Args;
use soundalike::library::cohort::{Cohort, VoiceClips};
use soundalike::library::{Filter, Manifest, Selection, VoiceKind, catalogue};
use soundalike::path_text::text_of;
use soundalike::{DocumentKind, Error, ErrorKind, Result};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// Make a relevant population of clips of your own: the voices that a candidate is ranked among.
///
/// Take voices that could really be in question: the language, sex, age, style and recording of the case. A folder
/// holds one voice in each of its folders; a manifest names the speaker of each clip, and may have the columns sex,
/// language and age. The file holds one embedding a voice and encoder, no sound; the same clips give the same bytes.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  soundalike cohort voices/ -o german.cohort\n  soundalike cohort --manifest clips.tsv \
                  --where language=de -o german.cohort\n  soundalike check --reference anna --cohort german.cohort \
                  --cohort-filter sex=f new-voice.wav\n\nExit codes: 0 all clips were used; 3 some were not; 2 no voice \
                  is left."
)]
pub struct CohortArgs {
    /// Folder with one voice in each of its folders
    #[arg(value_name = "FOLDER", required_unless_present = "manifest", conflicts_with = "manifest")]
    folder: Option<PathBuf>,
    /// Tab-separated table of clips with the columns path, speaker and kind, and sex, language and age where known
    #[arg(long, value_name = "FILE")]
    manifest: Option<PathBuf>,
    /// Folder that the manifest's paths start from (default: the manifest's own)
    #[arg(long, value_name = "FOLDER")]
    root: Option<PathBuf>,
    /// Use only the manifest's lines whose column `split` has this value; give the option again for more values
    #[arg(long, value_name = "NAME")]
    split: Vec<String>,
    /// Use only the manifest's lines whose COLUMN is like PATTERN, or with != is not; given again, all must hold
    #[arg(long = "where", value_name = "COLUMN=PATTERN")]
    filters: Vec<Filter>,
    /// Who the voices are, whence, and under which licence: shown with every result
    #[arg(long, value_name = "TEXT", default_value = "clips of the user's own")]
    source: String,
    /// Number the voices in the place of their names
    #[arg(long)]
    opaque: bool,
    /// File to write
    #[arg(long, short, value_name = "FILE")]
    output: PathBuf,
    #[command(flatten)]
    channel: ChannelArg,
    #[command(flatten)]
    encoder: EncoderArg,
}

/// With fewer voices a rank among them says little.
const FEWEST: usize = 30;

/// Columns of a manifest that a cohort keeps.
pub const COLUMNS: [&str; 3] = ["sex", "language", "age"];

pub fn run(args: &CohortArgs, common: &Common) -> Outcome {
    let mut voices = match (&args.folder, &args.manifest) {
        (_, Some(manifest)) => of_manifest(args, manifest)?,
        (Some(folder), None) => of_folder(folder)?,
        // clap asks for one of the two.
        (None, None) => Vec::new(),
    };
    if args.opaque {
        number(&mut voices);
    }
    super::audit::input_files(args.manifest.iter().chain(voices.iter().flat_map(|voice| &voice.clips)));
    let panel = super::panel(&args.channel, &args.encoder, None)?;
    let progress = Progress::new(common);
    let update = |done, all| progress.update(done, all);
    let made = Cohort::make(&panel, &args.source, &voices, &common.batch(&update))?;
    drop(progress);
    for (path, reason) in &made.left_out {
        let shown = text_of(path);
        output::warn(&shown, super::check::own(&shown, reason), common);
    }
    write_private(&args.output, &mut |out| {
        let failed = |source| Error::from(ErrorKind::Io { path: args.output.clone(), action: "write", source });
        out.write_all(&made.bytes).map_err(failed)
    })?;
    output::print(&text(&made.cohort, voices.len(), &args.output))?;
    Ok(if made.left_out.is_empty() { DONE } else { SOME_UNUSABLE })
}

fn of_manifest(args: &CohortArgs, manifest: &Path) -> Result<Vec<VoiceClips>> {
    let selection =
        Selection { splits: args.split.clone(), filters: args.filters.clone(), synthetic_filters: Vec::new() };
    let manifest = Manifest::read_with(manifest, args.root.as_deref(), &selection, &[], &COLUMNS)?;
    let mut voices: BTreeMap<(VoiceKind, String), VoiceClips> = BTreeMap::new();
    for clip in manifest.clips {
        let voice = voices.entry((clip.kind, clip.speaker.clone())).or_insert_with(|| {
            let kind = if clip.kind == VoiceKind::Real { "real" } else { "synthetic" };
            let known = clip.cells.into_iter().filter(|(_, cell)| !cell.is_empty());
            let attributes = known.chain([("kind".to_string(), kind.to_string())]).collect();
            VoiceClips { name: clip.speaker, attributes, clips: Vec::new() }
        });
        voice.clips.push(clip.path);
    }
    Ok(voices.into_values().collect())
}

fn of_folder(folder: &Path) -> Result<Vec<VoiceClips>> {
    let failed = |source| Error::from(ErrorKind::Io { path: folder.into(), action: "list", source });
    let entries = std::fs::read_dir(folder).map_err(failed)?;
    let mut folders: Vec<PathBuf> = Vec::new();
    for entry in entries {
        let path = entry.map_err(failed)?.path();
        let hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        if path.is_dir() && !hidden {
            folders.push(path);
        }
    }
    folders.sort();
    if folders.is_empty() {
        let found = "a folder without folders, where each should be a voice".to_string();
        let expected = "a folder for each voice, as in voices/anna/1.wav, or --manifest".to_string();
        return Err(ErrorKind::Document { path: folder.into(), what: DocumentKind::Folder, found, expected }.into());
    }
    let voice = |path: PathBuf| {
        let name = text_of(path.file_name().unwrap_or_default().as_ref());
        Ok(VoiceClips { name, attributes: BTreeMap::new(), clips: catalogue::expand(&path)?.clips })
    };
    folders.into_iter().map(voice).collect()
}

/// Numbers in the place of names, by kind.
fn number(voices: &mut [VoiceClips]) {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for voice in voices {
        let kind = voice.attributes.get("kind").cloned().unwrap_or_else(|| "voice".into());
        let count = counts.entry(kind.clone()).or_default();
        *count += 1;
        voice.name = format!("{kind}-{count:03}");
    }
}

fn text(cohort: &Cohort, asked: usize, output: &Path) -> String {
    let voices = &cohort.description.voices;
    let mut text = format!("voices           {} of {asked}\n", voices.len());
    for column in ["kind", "sex", "language"] {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for voice in voices {
            *counts.entry(voice.attributes.get(column).map_or("not known", String::as_str)).or_default() += 1;
        }
        let counts: Vec<String> = counts.iter().map(|(value, n)| format!("{} {n}", plain(value))).collect();
        let _ = writeln!(text, "{column:16} {}", counts.join(", "));
    }
    if voices.len() < FEWEST {
        let _ = writeln!(
            text,
            "note             a rank among fewer than {FEWEST} voices says little; add folders or lines"
        );
    }
    let _ = writeln!(text, "written          {}", plain(&text_of(output)));
    text
}
