//! An index brought in line with its library.
//!
//! Library and index are streams in one order; where they differ, clips are listened to on all cores, and their rows
//! wait in small files until there are enough to be sorted in. So an interruption costs no more than the rows not yet
//! kept, and what is held in memory does not grow with the library, but for 16 bytes a row that moved clips are
//! recognised by.

use super::listen::{Listener, unread};
use super::manifest::{Counts, FORMAT, FORMAT_VERSION, IndexManifest, NarrowRule, Segment};
use super::row::{ClipStatus, IndexRow, by_path};
use super::schema::Common;
use super::source::{LibrarySource, Listed, Step};
use super::store::{Change, SEGMENT_ROWS, Store};
use super::table::Known;
use crate::audio::file_sha256;
use crate::encoder::Panel;
use crate::encryption::AtRest;
use crate::error::{ErrorKind, Result, Shortage};
use crate::library::batch;
use crate::library::outcome::{VERSION, models_version};
use crate::library::passed_over::{PassedOver, PassedOverEntry};
use crate::path_text::text_of;
use schemars::JsonSchema;
use serde::Serialize;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

/// Rows that are kept at a time: what an interruption can cost.
const PART_ROWS: usize = 256;
/// Rows are kept at the latest after this time, for clips may be long.
const PART_TIME: Duration = Duration::from_secs(20);
/// Clips that are under way at a time.
const WINDOW: usize = 256;
/// Refused clips that a report names.
const NAMED: usize = 100;

/// How an index is brought up to date.
pub struct IndexSettings<'a> {
    /// For which clips the narrow band is computed.
    pub narrow: NarrowRule,
    /// Whether everything is computed anew, also where the index was made with other settings. The index that is there
    /// stays as it is until the new one is whole and takes its place.
    pub rebuild: bool,
    /// Whether the library is counted first, so that progress has an end.
    pub count_first: bool,
    /// How the index is opened where it is encrypted, and for whom it is encrypted.
    pub at_rest: AtRest,
    /// Number of threads; 0 for one a core.
    pub threads: usize,
    /// Called where another process writes the index; answers whether to wait for it.
    pub waiting: &'a dyn Fn() -> bool,
    /// Called after each clip, on the calling thread.
    pub progress: &'a dyn Fn(&Progress),
}

impl Default for IndexSettings<'_> {
    fn default() -> Self {
        IndexSettings {
            narrow: NarrowRule::Auto,
            rebuild: false,
            count_first: false,
            at_rest: AtRest::default(),
            threads: 0,
            waiting: &|| true,
            progress: &|_| {},
        }
    }
}

/// How far an update is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Progress {
    /// Clips that are done with: listened to, or found unchanged.
    pub clips: usize,
    /// Clips in all; none where they were not counted.
    pub all: Option<usize>,
    /// Clips that were listened to.
    pub listened: usize,
    /// Length of those, seconds.
    pub seconds: f64,
}

/// What an update did and what the index holds now.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct IndexReport {
    /// Version of the program.
    pub version: String,
    /// Version of the models: see [`models_version`].
    pub models_version: String,
    /// The library as it was named.
    pub library: String,
    /// Clips that were not in the index.
    pub new: usize,
    /// Clips that had changed.
    pub changed: usize,
    /// Clips whose content was in the index under another path or another date, and was not listened to again.
    pub moved: usize,
    /// Clips that had not changed.
    pub unchanged: usize,
    /// Clips that were gone and are there again.
    pub returned: usize,
    /// Clips that are gone since the last time.
    pub vanished: usize,
    /// What the index holds now.
    pub holds: Counts,
    /// The first hundred clips that cannot be used, in the order of their paths.
    pub refused: Vec<Refused>,
    /// Folders that could not be listed; what the index holds of them stays as it was.
    pub unlisted: Vec<Refused>,
    /// What the folders of the library hold besides clips.
    pub passed_over: PassedOver,
}

/// A clip or folder that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Refused {
    /// Where it lies below the library.
    pub path: String,
    /// The code of the reason.
    pub code: String,
    /// The same as a sentence.
    pub message: String,
}

/// What an index of this panel's settings is, without segments.
fn wanted(panel: &Panel, narrow_panel: &Panel, source: &LibrarySource, narrow: NarrowRule) -> IndexManifest {
    blank(panel, narrow_panel, text_of(source.root()), narrow)
}

/// The same by the name of the library.
pub(super) fn blank(panel: &Panel, narrow_panel: &Panel, library: String, narrow: NarrowRule) -> IndexManifest {
    let Common { channel, fingerprints, widths } = Common::of(panel, narrow_panel);
    IndexManifest {
        format: FORMAT.into(),
        version: FORMAT_VERSION,
        program: VERSION.into(),
        library,
        channel,
        narrow,
        fingerprints: fingerprints.wide,
        narrow_fingerprints: fingerprints.narrow,
        widths: widths.wide,
        narrow_widths: widths.narrow,
        segments: Vec::new(),
    }
}

/// Brings the index in `folder` in line with a library; makes it where there is none.
///
/// # Errors
/// Where the library cannot be read or holds no sound file, the folder holds something else, cannot be written or holds
/// an index of other settings, another process writes it and `waiting` says not to wait, or the disk is full. What was
/// reached until then is kept. What is wrong with a clip is in its row.
pub fn update(
    panel: &Panel,
    source: &LibrarySource,
    folder: &Path,
    settings: &IndexSettings<'_>,
) -> Result<IndexReport> {
    let (mut unlisted, mut passed_over) = (None, PassedOver::default());
    let any = source.files(Some(folder)).any(|step| match step {
        Step::File(_) => true,
        Step::PassedOver(entry) => {
            passed_over.note(entry);
            false
        }
        Step::Unlisted(_, _, why) => {
            unlisted.get_or_insert(why);
            false
        }
    });
    if !any {
        let found = match unlisted {
            Some(why) => format!("a folder that could not be listed ({why})"),
            None if passed_over.entries > 0 => format!("a library without sound files (passed over {passed_over})"),
            None => "a library without sound files".into(),
        };
        return Err(ErrorKind::NothingFound { path: source.named().into(), found }.into());
    }
    let narrow_panel = panel.narrow()?;
    let wanted = wanted(panel, &narrow_panel, source, settings.narrow);
    let mut store = Store::open(folder, wanted.clone(), settings.rebuild, &settings.at_rest, settings.waiting)?;
    let kept = store.kept()?;
    store.seal(kept)?;
    store.clean()?;
    let mut report = run(panel, &narrow_panel, source, &mut store, settings)?;
    settle(&mut store)?;
    if (&store.manifest.library, &store.manifest.program) != (&wanted.library, &wanted.program) {
        (store.manifest.library, store.manifest.program) = (wanted.library, wanted.program);
        store.write_manifest()?;
    }
    store.finish()?;
    report.holds = store.manifest.counts();
    report.refused = refused(&store)?;
    Ok(report)
}

/// Writes rows that were made elsewhere, by this panel's encoders, as a new index; they come in the order of their
/// paths.
///
/// # Errors
/// Where the folder holds something or cannot be written, or rows come out of order.
pub fn write(
    panel: &Panel,
    library: &LibrarySource,
    folder: &Path,
    rows: &mut dyn Iterator<Item = IndexRow>,
) -> Result<()> {
    let wanted = wanted(panel, &panel.narrow()?, library, NarrowRule::Auto);
    let mut store = Store::open(folder, wanted, false, &AtRest::default(), &|| false)?;
    let mut last: Option<String> = None;
    loop {
        let rows: Vec<IndexRow> = rows.take(SEGMENT_ROWS).collect();
        let Some(end) = rows.last().map(|row| row.path.clone()) else { break };
        let start = last.iter().chain(rows.iter().map(|row| &row.path));
        if !start.is_sorted_by(|a, b| by_path(a, b).is_lt()) || (last.is_none() && !store.manifest.segments.is_empty())
        {
            let (found, expected) =
                ("rows out of order, or an index with rows".into(), "rows in the order of their paths");
            return Err(ErrorKind::Insufficient { what: Shortage::Index, found, expected: expected.into() }.into());
        }
        last = Some(end);
        store.seal(rows.into_iter().map(|row| Change::Put(Box::new(row))).collect())?;
    }
    store.clean()
}

/// A clip that was worked on.
struct Done {
    listed: Listed,
    row: IndexRow,
    /// Where the index has a row of the same content already.
    twin: Option<(usize, usize)>,
}

fn run(
    panel: &Panel,
    narrow_panel: &Panel,
    source: &LibrarySource,
    store: &mut Store,
    settings: &IndexSettings<'_>,
) -> Result<IndexReport> {
    let all = settings
        .count_first
        .then(|| source.files(Some(store.folder())).filter(|step| matches!(step, Step::File(_))).count());
    let folder = store.folder().to_path_buf();
    let segments = store.manifest.segments.clone();
    let twins = Twins::read(store, &segments)?;
    let shared = Shared {
        store: RefCell::new(store),
        report: RefCell::new(empty_report(source)),
        changes: RefCell::new(Vec::new()),
        progress: RefCell::new(Progress { all, ..Default::default() }),
        settings,
    };
    let files =
        Files { steps: source.files(Some(&folder)), passed_over: source.passed_over().clone(), unlisted: Vec::new() };
    let mut intake = Intake { shared: &shared, known: Rows::new(&shared.store, &segments), files };
    let panels = [panel, narrow_panel];
    let (rows, kept) = (Vec::new(), Instant::now());
    let mut outtake = Outtake { shared: &shared, segments: &segments, twins: &twins, panels, rows, kept };
    let places = SharedTwins(&twins.places);
    let rule = settings.narrow;
    batch::stream(
        settings.threads,
        WINDOW,
        &mut || intake.next(),
        || Listener::new(panel, narrow_panel, rule),
        |listener, listed| {
            places.look_up(listed).unwrap_or_else(|listed| {
                let row = listener.listen(&listed, &listed.clip());
                Done { listed, row, twin: None }
            })
        },
        &mut |done| outtake.take(done),
    )?;
    let rows = outtake.rows;
    let (passed_over, unlisted) = intake.left_out();
    let mut changes = shared.changes.take();
    changes.extend(rows.into_iter().map(|row| Change::Put(Box::new(row))));
    shared.store.borrow_mut().seal(changes)?;
    let mut report = shared.report.into_inner();
    report.passed_over = passed_over;
    report.unlisted =
        unlisted.into_iter().map(|(path, message)| Refused { path, code: "unlisted".into(), message }).collect();
    Ok(report)
}

/// What the two ends of an update share; both run in turn on one thread.
struct Shared<'a, 's> {
    store: RefCell<&'s mut Store>,
    report: RefCell<IndexReport>,
    changes: RefCell<Vec<Change>>,
    progress: RefCell<Progress>,
    settings: &'a IndexSettings<'a>,
}

impl Shared<'_, '_> {
    fn told(&self, listened: bool, seconds: f64) {
        let mut progress = self.progress.borrow_mut();
        progress.clips += 1;
        progress.listened += usize::from(listened);
        progress.seconds += seconds;
        (self.settings.progress)(&progress);
    }
}

/// The end that finds what is to be listened to: library and index side by side.
struct Intake<'a, 's> {
    shared: &'a Shared<'a, 's>,
    known: Rows<'a, 's>,
    files: Files<'a>,
}

impl Intake<'_, '_> {
    /// The next file that is not in the index as it is. What is there, or is gone, is noted on the way.
    fn next(&mut self) -> Result<Option<Listed>> {
        while let Some(listed) = self.files.next() {
            while let Some(gone) = self.known.next_before(&listed.path)? {
                self.vanish(gone);
            }
            let Some(old) = self.known.next_if(&listed.path)? else {
                return Ok(Some(listed));
            };
            let same = (old.size, old.mtime_ns) == (listed.size, listed.mtime_ns) && old.sha256.is_some();
            if !same {
                return Ok(Some(Listed { known: true, ..listed }));
            }
            let mut report = self.shared.report.borrow_mut();
            if old.status == ClipStatus::Vanished {
                report.returned += 1;
            } else {
                report.unchanged += 1;
            }
            if old.status == ClipStatus::Vanished || old.voice != listed.voice {
                let change = Change::Touch { path: listed.path, voice: Some(listed.voice), there: true };
                self.shared.changes.borrow_mut().push(change);
            }
            self.shared.told(false, 0.0);
        }
        while let Some(gone) = self.known.next()? {
            self.vanish(gone);
        }
        Ok(None)
    }

    /// What was passed over, and the folders that could not be listed.
    fn left_out(self) -> (PassedOver, Vec<(String, String)>) {
        (self.files.passed_over, self.files.unlisted)
    }

    /// Marks a row whose file was not met, unless it lies in a folder that could not be listed.
    fn vanish(&self, gone: Known) {
        let unlisted = &self.files.unlisted;
        if gone.status == ClipStatus::Vanished || unlisted.iter().any(|(folder, _)| gone.path.starts_with(folder)) {
            return;
        }
        self.shared.report.borrow_mut().vanished += 1;
        self.shared.changes.borrow_mut().push(Change::Touch { path: gone.path, voice: None, there: false });
    }
}

/// The end that keeps what was listened to.
struct Outtake<'a, 's> {
    shared: &'a Shared<'a, 's>,
    segments: &'a [Segment],
    twins: &'a Twins,
    /// That of the whole band and that of the narrow one.
    panels: [&'a Panel; 2],
    /// Rows that were not kept yet.
    rows: Vec<IndexRow>,
    kept: Instant,
}

impl Outtake<'_, '_> {
    fn take(&mut self, done: Done) -> Result<()> {
        let seconds = done.row.seconds.unwrap_or(0.0);
        let known = done.listed.known;
        let (row, moved) = self.settled_row(done)?;
        self.shared.told(!moved, if moved { 0.0 } else { seconds });
        {
            let mut report = self.shared.report.borrow_mut();
            let count = match (moved, known) {
                (true, _) => &mut report.moved,
                (false, true) => &mut report.changed,
                (false, false) => &mut report.new,
            };
            *count += 1;
        }
        self.rows.push(row);
        if self.rows.len() >= PART_ROWS || self.kept.elapsed() >= PART_TIME {
            let mut store = self.shared.store.borrow_mut();
            store.keep(&self.rows)?;
            self.kept = Instant::now();
            let mut changes = self.shared.changes.borrow_mut();
            changes.extend(self.rows.drain(..).map(|row| Change::Put(Box::new(row))));
            if changes.len() >= SEGMENT_ROWS {
                store.seal(std::mem::take(&mut *changes))?;
            }
        }
        Ok(())
    }

    /// The row of a clip that was worked on, and whether it was copied from a row of the same content.
    fn settled_row(&self, done: Done) -> Result<(IndexRow, bool)> {
        let Some((segment, place)) = done.twin else { return Ok((done.row, false)) };
        let twin = self.twins.row(&self.shared.store.borrow(), self.segments, segment, place)?;
        match twin.filter(|twin| twin.sha256 == done.row.sha256 && twin.sha256.is_some()) {
            Some(twin) => {
                let Listed { path, voice, size, mtime_ns, .. } = done.listed;
                Ok((IndexRow { path, voice, size, mtime_ns, ..twin }.there(true), true))
            }
            // The first eight bytes of two hashes were the same.
            None => {
                let [panel, narrow_panel] = self.panels;
                let mut listener = Listener::new(panel, narrow_panel, self.shared.settings.narrow);
                Ok((listener.listen(&done.listed, &done.listed.clip()), false))
            }
        }
    }
}

fn empty_report(source: &LibrarySource) -> IndexReport {
    IndexReport {
        version: VERSION.into(),
        models_version: models_version().into(),
        library: text_of(source.named()),
        new: 0,
        changed: 0,
        moved: 0,
        unchanged: 0,
        returned: 0,
        vanished: 0,
        holds: Counts::default(),
        refused: Vec::new(),
        unlisted: Vec::new(),
        passed_over: PassedOver::default(),
    }
}

/// The files of a library; what else is in its folders is noted on the way.
struct Files<'a> {
    steps: Box<dyn Iterator<Item = Step> + 'a>,
    passed_over: PassedOver,
    unlisted: Vec<(String, String)>,
}

impl Files<'_> {
    fn next(&mut self) -> Option<Listed> {
        for step in self.steps.by_ref() {
            match step {
                Step::File(listed) => return Some(listed),
                Step::PassedOver(entry) => self.passed_over.note(entry),
                Step::Unlisted(folder, inside, why) => {
                    self.passed_over.note(PassedOverEntry::unlisted(&folder));
                    self.unlisted.push((inside, why));
                }
            }
        }
        None
    }
}

/// The rows of an index as it was, in their order.
struct Rows<'a, 's> {
    store: &'a RefCell<&'s mut Store>,
    segments: std::slice::Iter<'a, Segment>,
    rows: std::iter::Peekable<std::vec::IntoIter<Known>>,
}

impl<'a, 's> Rows<'a, 's> {
    fn new(store: &'a RefCell<&'s mut Store>, segments: &'a [Segment]) -> Self {
        Rows { store, segments: segments.iter(), rows: Vec::new().into_iter().peekable() }
    }

    fn fill(&mut self) -> Result<()> {
        while self.rows.peek().is_none() {
            let Some(segment) = self.segments.next() else { break };
            let store = self.store.borrow();
            self.rows = store.table(&store.file_of(&segment.file))?.known()?.into_iter().peekable();
        }
        Ok(())
    }

    fn next(&mut self) -> Result<Option<Known>> {
        self.fill()?;
        Ok(self.rows.next())
    }

    fn next_before(&mut self, path: &str) -> Result<Option<Known>> {
        self.fill()?;
        Ok(self.rows.next_if(|row| by_path(&row.path, path).is_lt()))
    }

    fn next_if(&mut self, path: &str) -> Result<Option<Known>> {
        self.fill()?;
        Ok(self.rows.next_if(|row| row.path == path))
    }
}

/// The contents that an index holds, by the first eight bytes of their hashes.
struct Twins {
    places: Vec<(u64, u32, u32)>,
    /// The segment that was read last.
    read: RefCell<Option<(usize, Vec<IndexRow>)>>,
}

/// What of a [`Twins`] the threads share.
struct SharedTwins<'a>(&'a [(u64, u32, u32)]);

impl Twins {
    fn read(store: &Store, segments: &[Segment]) -> Result<Self> {
        let mut places = Vec::new();
        for (at, segment) in segments.iter().enumerate() {
            let known = store.table(&store.file_of(&segment.file))?.known()?;
            for (row, known) in known.iter().enumerate() {
                if let Some(key) = known.sha256.as_deref().and_then(key) {
                    places.push((key, at as u32, row as u32));
                }
            }
        }
        places.sort_unstable();
        Ok(Twins { places, read: RefCell::new(None) })
    }

    /// A row of the index as it was.
    fn row(&self, store: &Store, segments: &[Segment], segment: usize, row: usize) -> Result<Option<IndexRow>> {
        let mut read = self.read.borrow_mut();
        if read.as_ref().is_none_or(|(held, _)| *held != segment) {
            let Some(file) = segments.get(segment) else { return Ok(None) };
            *read = Some((segment, store.table(&store.file_of(&file.file))?.rows()?));
        }
        Ok(read.as_ref().and_then(|(_, rows)| rows.get(row).cloned()))
    }
}

impl SharedTwins<'_> {
    /// Finds the content of a file in the index; gives the file back where it is not there.
    fn look_up(&self, listed: Listed) -> std::result::Result<Done, Listed> {
        if self.0.is_empty() {
            return Err(listed);
        }
        let Ok(sha256) = file_sha256(&listed.file) else { return Err(listed) };
        let Some(wanted) = key(&sha256) else { return Err(listed) };
        let at = self.0.partition_point(|(key, ..)| *key < wanted);
        match self.0.get(at) {
            Some((key, segment, row)) if *key == wanted => {
                let twin = Some((*segment as usize, *row as usize));
                let row = IndexRow { sha256: Some(sha256), ..unread(&listed) };
                Ok(Done { listed, row, twin })
            }
            _ => Err(listed),
        }
    }
}

/// The first eight bytes of a hash.
fn key(sha256: &str) -> Option<u64> {
    u64::from_str_radix(sha256.get(..16)?, 16).ok()
}

/// Drops the rows of files that are gone where their content is in the library under another path: they have moved.
fn settle(store: &mut Store) -> Result<()> {
    let segments = store.manifest.segments.clone();
    if segments.iter().all(|segment| segment.counts.vanished == 0) {
        return Ok(());
    }
    let known = |segment: &Segment| store.table(&store.file_of(&segment.file))?.known();
    let mut gone: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for segment in segments.iter().filter(|segment| segment.counts.vanished > 0) {
        for row in known(segment)?.into_iter().filter(|row| row.status == ClipStatus::Vanished) {
            row.sha256.into_iter().for_each(|sha256| gone.entry(sha256).or_default().push(row.path.clone()));
        }
    }
    let mut moved = Vec::new();
    for segment in &segments {
        for row in known(segment)?.into_iter().filter(|row| row.status != ClipStatus::Vanished) {
            let paths = row.sha256.and_then(|sha256| gone.remove(&sha256)).unwrap_or_default();
            moved.extend(paths.into_iter().map(Change::Drop));
        }
    }
    if moved.is_empty() { Ok(()) } else { store.seal(moved) }
}

/// The first clips that cannot be used.
fn refused(store: &Store) -> Result<Vec<Refused>> {
    let mut named = Vec::new();
    for segment in store.manifest.segments.iter().filter(|segment| segment.counts.refused > 0) {
        for row in store.table(&store.folder().join(&segment.file))?.described()? {
            if let (ClipStatus::Refused, Some((code, message))) = (row.status, row.reason) {
                named.push(Refused { path: row.path, code, message });
            }
            if named.len() == NAMED {
                return Ok(named);
            }
        }
    }
    Ok(named)
}
