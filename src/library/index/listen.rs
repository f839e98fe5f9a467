//! A clip to its row: listened to in both bands where the rule says so.

use super::manifest::NarrowRule;
use super::row::{ClipStatus, IndexRow};
use super::source::{Listed, stamp, voice_of};
use crate::audio::ClipSource;
use crate::encoder::{ClipAnalysis, Panel, PanelWorker, PerEncoder, Refusal};
use crate::error::Result;
use crate::library::batch;
use crate::library::check::other_bytes;
use crate::path_text::{path_of, text_of};
use std::path::Path;

/// A clip that is to become a row of an index, wherever it comes from.
#[derive(Clone, Debug)]
pub struct ClipToIndex {
    /// Its path in the index, with `/` between folders.
    pub path: String,
    /// The voice it belongs to; none for the folder it lies in, or its own name.
    pub voice: Option<String>,
    /// Size of its file, bytes.
    pub size: u64,
    /// When its file was last changed, nanoseconds since 1970 (UTC); 0 where that is not known.
    pub mtime_ns: i64,
    /// The clip, or why it could not be had.
    pub clip: std::result::Result<ClipSource, String>,
}

impl ClipToIndex {
    /// A file, with its size and date where it has any.
    pub fn of_file(path: String, voice: Option<String>, file: &Path) -> Self {
        let (size, mtime_ns) = std::fs::metadata(file).map(|metadata| stamp(&metadata)).unwrap_or_default();
        ClipToIndex { path, voice, size, mtime_ns, clip: Ok(ClipSource::File(file.into())) }
    }
}

/// Listens to clips and gives their rows, in their order; what is wrong with a clip is in its row. This is how programs
/// that keep their own tables make the rows of an index.
///
/// # Errors
/// Where so many threads cannot be had.
pub fn embed(
    panel: &Panel,
    narrow_panel: &Panel,
    rule: NarrowRule,
    clips: &[ClipToIndex],
    threads: usize,
) -> Result<Vec<IndexRow>> {
    let mut rows = Vec::with_capacity(clips.len());
    let mut clips = clips.iter();
    let mut sink = |row| {
        rows.push(row);
        Ok(())
    };
    let worker = || Listener::new(panel, narrow_panel, rule);
    batch::stream(threads, WINDOW, &mut || Ok(clips.next()), worker, |listener, clip| listener.row(clip), &mut sink)?;
    Ok(rows)
}

/// Clips that are under way at a time.
const WINDOW: usize = 64;

/// What one thread listens with.
pub(crate) struct Listener<'a> {
    wide: PanelWorker<'a>,
    narrow: PanelWorker<'a>,
    rule: NarrowRule,
}

impl<'a> Listener<'a> {
    /// Works with a panel and its twin of the narrow band.
    pub fn new(panel: &'a Panel, narrow: &'a Panel, rule: NarrowRule) -> Self {
        Listener { wide: panel.worker(), narrow: narrow.worker(), rule }
    }

    fn row(&mut self, clip: &ClipToIndex) -> IndexRow {
        let voice = clip.voice.clone().unwrap_or_else(|| voice_of(&clip.path));
        let file = clip.clip.as_ref().map_or_else(|_| path_of(&clip.path), |clip| clip.path().into());
        let (path, size, mtime_ns) = (clip.path.clone(), clip.size, clip.mtime_ns);
        let listed = Listed { path, voice, file, size, mtime_ns, known: false };
        match &clip.clip {
            Ok(clip) => self.listen(&listed, clip),
            Err(found) => {
                let refusal = Refusal::Unreadable { found: found.clone() };
                IndexRow { reason: Some((refusal.code().into(), refusal.to_string())), ..unread(&listed) }
            }
        }
    }

    /// The row of a clip, which may lie elsewhere than what was listed says.
    pub fn listen(&mut self, listed: &Listed, clip: &ClipSource) -> IndexRow {
        let analysis = self.wide.analyse_clip(clip, None);
        let narrow = analysis.quality.as_ref().is_some_and(|quality| quality.brief().is_narrow_band());
        let again = analysis.embeddings.is_ok() && (narrow || self.rule == NarrowRule::All);
        let again = again.then(|| self.narrow.analyse_clip(clip, None));
        match again.as_ref().filter(|again| again.sha256 != analysis.sha256) {
            Some(again) => heard(listed, changed(&analysis, again), None),
            None => heard(listed, analysis, again),
        }
    }
}

/// What is known of a clip whose second reading found other bytes: nothing, and no hash, so that it is read anew.
fn changed(first: &ClipAnalysis, second: &ClipAnalysis) -> ClipAnalysis {
    let error = other_bytes(&first.path, first.sha256.as_ref(), second.sha256.as_ref());
    ClipAnalysis::unreadable(first.path.clone(), None, &error)
}

/// The row of a clip that nothing is known of.
pub(super) fn unread(listed: &Listed) -> IndexRow {
    IndexRow {
        path: listed.path.clone(),
        voice: listed.voice.clone(),
        sha256: None,
        size: listed.size,
        mtime_ns: listed.mtime_ns,
        format: None,
        seconds: None,
        quality: None,
        status: ClipStatus::Refused,
        reason: None,
        wide: PerEncoder::default(),
        narrow: PerEncoder::default(),
    }
}

fn heard(listed: &Listed, wide: ClipAnalysis, narrow: Option<ClipAnalysis>) -> IndexRow {
    let mut row = unread(listed);
    row.sha256 = wide.sha256;
    wide.quality.iter().for_each(|quality| row.measured(quality));
    match wide.embeddings {
        Ok(embeddings) => {
            row.status = ClipStatus::Usable;
            row.wide = embeddings.map(|_, embedding| embedding.values.clone());
            let narrow = narrow.and_then(|analysis| analysis.embeddings.ok());
            row.narrow = narrow.map(|e| e.map(|_, embedding| embedding.values.clone())).unwrap_or_default();
        }
        Err(refusal) => row.reason = Some(reason(&refusal, &text_of(&listed.file), &listed.path)),
    }
    row
}

/// Code and sentence of a refusal; a sentence that begins with the file's path begins with its path in the library.
fn reason(refusal: &Refusal, file: &str, path: &str) -> (String, String) {
    let message = refusal.to_string();
    let message = message.strip_prefix(file).map_or(message.clone(), |rest| format!("{path}{rest}"));
    (refusal.code().into(), message)
}
