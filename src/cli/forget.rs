//! `soundalike forget`: a voice out of indexes and lists.

use super::encryption::keys;
use super::output::plain;
use super::{Common, DONE, NOTHING, Outcome, audit, output};
use clap::Args;
use soundalike::encryption::AtRest;
use soundalike::library::forget::{Forget, Forgotten, forget};
use soundalike::library::index::MANIFEST;
use soundalike::{ErrorKind, Result};
use std::fmt::Write;
use std::path::PathBuf;

/// Take a voice, or one recording, out of indexes and lists of protected voices for good.
///
/// Embeddings are biometric data: whose voice it is may ask for their removal. The files that hold them are written
/// anew without them and the old ones removed. Not reached are the recordings themselves, results, reports, bundles,
/// audit logs, rows that `scan --cache` keeps elsewhere, copies and backups, and what a disk keeps of removed files;
/// look there by hand.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  soundalike forget anna --from voices.lib --from protected\n  soundalike forget --sha256 \
                  3b1f... --from voices.lib\n\nExit codes: 0 done; 2 nothing by that name was there, or it could not be \
                  removed."
)]
pub struct ForgetArgs {
    /// Name of the voice, as the index or the list has it
    #[arg(value_name = "VOICE", required_unless_present = "sha256")]
    voice: Option<String>,
    /// The recording with this SHA-256 in the place of a voice (`sha256sum FILE`)
    #[arg(long, value_name = "HASH", conflicts_with = "voice")]
    sha256: Option<String>,
    /// Index, or folder of protected voices, to forget it in; may be given again
    #[arg(long, required = true, value_name = "FOLDER")]
    from: Vec<PathBuf>,
    /// Change nothing: tell what would be removed
    #[arg(long)]
    dry_run: bool,
    /// Print what was removed as JSON (see `soundalike schema forget`)
    #[arg(long)]
    json: bool,
}

pub fn run(args: &ForgetArgs, common: &Common) -> Outcome {
    let what = what(args)?;
    let at_rest = AtRest { keys: keys(common)?, recipients: None };
    let mut all = Vec::new();
    for folder in &args.from {
        all.push(forget(&what, folder, args.dry_run, &at_rest)?);
        let manifest = folder.join(MANIFEST);
        if manifest.is_file() && !args.dry_run {
            audit::output(&manifest, audit::hash(&manifest));
        }
    }
    if args.json {
        output::print_json(&all)?;
    } else {
        output::print(&text(&all, args.dry_run))?;
    }
    Ok(if all.iter().all(|place| place.removed.is_empty()) { NOTHING } else { DONE })
}

fn what(args: &ForgetArgs) -> Result<Forget> {
    let Some(sha256) = &args.sha256 else { return Ok(Forget::Voice(args.voice.clone().unwrap_or_default())) };
    let sha256 = sha256.to_ascii_lowercase();
    if sha256.len() == 64 && sha256.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(Forget::Content(sha256));
    }
    let found = format!("\"{}\"", sha256.escape_debug());
    Err(ErrorKind::Setting { name: "sha256", found, expected: "64 hexadecimal digits".into() }.into())
}

/// Paths that are told of a place.
const SHOWN: usize = 10;

fn text(all: &[Forgotten], only_told: bool) -> String {
    let mut text = String::new();
    let word = if only_told { "would be removed" } else { "removed" };
    for place in all {
        let store = plain(&place.store);
        if place.removed.is_empty() {
            let _ = writeln!(text, "not there        {store} has nothing of it");
            if !place.similar.is_empty() {
                let _ = writeln!(text, "                 it has {}", plain(&place.similar.join(", ")));
            }
            continue;
        }
        let _ = writeln!(text, "{word:16} {} in {store}", place.removed.len());
        for path in place.removed.iter().take(SHOWN) {
            let _ = writeln!(text, "                 {}", plain(path));
        }
        if place.removed.len() > SHOWN {
            let _ = writeln!(text, "                 and {} more", place.removed.len() - SHOWN);
        }
        if !place.recordings_there.is_empty() {
            let n = place.recordings_there.len();
            let _ = writeln!(
                text,
                "still there      {n} of the recordings: remove them, or name them in .soundalikeignore, or the next \
                 soundalike index takes them in again"
            );
        }
    }
    text.push_str(
        "not reached      recordings, results, reports, bundles, audit logs, caches elsewhere, copies, backups, and what a disk keeps of \
         removed files\n",
    );
    text
}
