//! A library as it is named on the command line: an index, or clips that one is made of.

use super::progress::Pace;
use super::{Common, ModelsArg, audit, output};
use soundalike::encoder::{Panel, PanelSettings};
use soundalike::encryption::AtRest;
use soundalike::library::VoiceSet;
use soundalike::library::index::{Index, IndexSettings, LibrarySource, NarrowRule, WalkSettings, update};
use soundalike::library::scan::panel_of;
use soundalike::private_folder::{PrivateFolder, private_folder};
use soundalike::{DocumentKind, Error, ErrorKind, Result};
use std::io::Read;
use std::path::Path;

/// A longer list on standard input is refused, bytes.
const MOST_BYTES: u64 = 4 << 30;

/// A library as an index, made on the way where it is none.
pub struct Library {
    pub index: Index,
    pub panel: Panel,
    pub temporary: Option<PrivateFolder>,
}

impl Library {
    pub fn open(named: &Path, voices: Option<&VoiceSet>, models: &ModelsArg, common: &Common) -> Result<Self> {
        if Index::is_one(named) {
            let index = Index::open(named, &super::encryption::keys(common)?, common.threads)?;
            audit::input_index(&index);
            let panel = panel_of(&index, &models.models())?;
            return Ok(Library { index, panel, temporary: None });
        }
        let there = named.try_exists();
        let there =
            there.map_err(|source| Error::from(ErrorKind::Io { path: named.into(), action: "open", source }))?;
        if named.as_os_str() != "-" && !there {
            let expected = "an index, or a folder, list or manifest of clips".into();
            let (path, found) = (named.into(), "nothing of this name".into());
            return Err(ErrorKind::Document { path, what: DocumentKind::Library, found, expected }.into());
        }
        let source = library(named, None, WalkSettings::default())?;
        let encoders = voices.map(VoiceSet::encoders).transpose()?.flatten().unwrap_or_default();
        let panel = Panel::with_models(&PanelSettings { encoders, ..Default::default() }, &models.models())?;
        Self::of(&source, panel, voices, common)
    }

    /// Listens to a library and keeps nothing of it afterwards.
    pub fn of(source: &LibrarySource, panel: Panel, voices: Option<&VoiceSet>, common: &Common) -> Result<Self> {
        // What a killed run leaves can be read by nobody: the key is in memory alone.
        let (temporary, at_rest) = (private_folder()?, AtRest::of_this_process());
        let pace = Pace::new(common);
        let narrow = voices.is_some_and(VoiceSet::has_narrow_model);
        let settings = IndexSettings {
            narrow: if narrow { NarrowRule::All } else { NarrowRule::Auto },
            count_first: pace.is_shown(),
            at_rest: at_rest.clone(),
            threads: common.threads,
            progress: &|progress| pace.update(progress),
            ..Default::default()
        };
        let report = update(&panel, source, temporary.path(), &settings)?;
        drop(pace);
        for refused in &report.refused {
            let message = super::check::own(&refused.path, &refused.message);
            output::warn(&refused.path, format!("not compared: {message}"), common);
        }
        if report.holds.refused > report.refused.len() {
            let more = report.holds.refused - report.refused.len();
            output::warn(&report.library, format!("{more} more clips not compared"), common);
        }
        let index = Index::open(temporary.path(), &at_rest.keys, common.threads)?.called(source.named());
        let sha256 = audit::hash_of(|| index.manifest().to_bytes());
        audit::input(&format!("index of {}", report.library), sha256.transpose()?.as_deref());
        let index = index.and_passed_over(report.passed_over);
        Ok(Library { index, panel, temporary: Some(temporary) })
    }
}

/// Names a library, reading a list from standard input where it is `-`.
pub fn library(named: &Path, root: Option<&Path>, walk: WalkSettings) -> Result<LibrarySource> {
    if named.as_os_str() != "-" {
        return LibrarySource::read(named, root, walk);
    }
    let name = Path::new("standard input");
    let mut list = Vec::new();
    let read = std::io::stdin().lock().take(MOST_BYTES + 1).read_to_end(&mut list);
    read.map_err(|source| Error::from(ErrorKind::Io { path: name.into(), action: "read", source }))?;
    if list.len() as u64 > MOST_BYTES {
        let (found, expected) = (format!("more than {MOST_BYTES} bytes"), "a list of files".into());
        return Err(ErrorKind::File { path: name.into(), found, expected }.into());
    }
    LibrarySource::of_list(name, &list, root.unwrap_or(Path::new("")))
}
