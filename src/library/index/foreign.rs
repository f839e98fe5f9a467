//! A folder of Parquet files that other programs wrote with the columns of an index, read as one.
//!
//! There is no `_index.json`; what it would say is gathered from the files when they are opened. Only columns of few
//! bytes are read for that, and each file is hashed. The hash shows that a file is the same whenever it is read again in
//! the run; that it is the one which was once written, nothing shows: results that rest on such rows say so
//! ([`Index::is_of_others`](super::reader::Index::is_of_others)). Checksums of pages are compared where the file has
//! them, and embeddings must have the length that their encoder gives them. Rows may lie in any order and in any file: nothing in a result
//! depends on it, and a path that occurs twice is refused, for its clip would count twice.

use super::manifest::{Counts, FORMAT, FORMAT_VERSION, IndexManifest, NarrowRule, Segment};
use super::row::{ClipStatus, by_path};
use super::schema::{Common, MARK, column, embeddings, prefix};
use super::table::{Columns, Table, unfit};
use crate::encoder::{Band, Encoder, PerBand, PerEncoder};
use crate::error::{IoContext, Result};
use crate::feature::ClipQuality;
use crate::library::batch;
use crate::library::passed_over::PassedOverReason;
use crate::library::walk::{Found, Walk, WalkSettings};
use crate::path_text::path_of;
use parquet::data_type::{ByteArray, ByteArrayType};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use twox_hash::XxHash3_128;

/// The Parquet files of a folder and the folders in it, as paths below it with `/`, in the order of an index; none
/// where there are sound files among them, for then it is a library. Names that begin with `_` or `.` are passed over,
/// and folders that are an index of their own.
pub(super) fn files(folder: &Path) -> Result<Vec<String>> {
    let mut files = Vec::new();
    for found in Walk::new(folder, WalkSettings { follow_links: true, obey_ignore_files: false }) {
        let entry = match found {
            Found::Clip(_) => return Ok(Vec::new()),
            Found::Unlisted(path, source) => return Err(source).at(&path, "list"),
            Found::PassedOver(entry) if entry.reason == PassedOverReason::NotAudio => entry,
            Found::PassedOver(_) => continue,
        };
        let path = path_of(&entry.path);
        let inside = path.strip_prefix(folder).unwrap_or(&path);
        let is_parquet = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("parquet"));
        if is_parquet && inside.iter().all(|name| !name.as_encoded_bytes().starts_with(b"_")) {
            let names: Option<Vec<&str>> = inside.iter().map(|name| name.to_str()).collect();
            let names = names.ok_or_else(|| unfit(&path, "a name that is not UTF-8".into(), "a name in UTF-8"))?;
            files.push(names.join("/"));
        }
    }
    files.sort_by(|a, b| by_path(a, b));
    Ok(files)
}

/// What one file says.
struct Survey {
    segment: Segment,
    program: Option<String>,
    channel: Option<String>,
    prints: PerBand<PerEncoder<String>>,
    widths: PerBand<PerEncoder<usize>>,
    /// Hash of each path.
    paths: Vec<u128>,
}

/// Reads of the files what an index says of itself, on so many threads; 0 is one a core.
///
/// # Errors
/// Where so many threads cannot be had, a file cannot be read or is not what it should be, files were not made alike,
/// or a path occurs twice.
pub(super) fn manifest(folder: &Path, files: &[String], threads: usize) -> Result<IndexManifest> {
    let surveys = batch::map(files.len(), threads, |at| files.get(at).map(|file| Survey::read(folder, file)))?;
    let surveys: Vec<Survey> = surveys.into_iter().flatten().collect::<Result<_>>()?;
    let mut surveys: Vec<Survey> = surveys.into_iter().filter(|survey| survey.segment.counts.rows > 0).collect();
    if surveys.is_empty() {
        return Err(unfit(folder, "Parquet files without rows".into(), "rows of clips"));
    }
    refuse_doubles(folder, &mut surveys)?;
    let mut same = Alike { folder, said: BTreeMap::new() };
    for survey in &surveys {
        same.hold(survey)?;
    }
    let first = |value: &dyn Fn(&Survey) -> Option<String>| surveys.iter().find_map(value);
    let merged = |band: Band| -> PerEncoder<String> {
        let print = |encoder| first(&|survey| survey.prints[band].get(encoder).cloned());
        Encoder::ALL.into_iter().filter_map(|encoder| Some((encoder, print(encoder)?))).collect()
    };
    let widths = |band: Band| -> PerEncoder<usize> {
        let width = |encoder| surveys.iter().find_map(|survey| survey.widths[band].get(encoder).copied());
        Encoder::ALL.into_iter().filter_map(|encoder| Some((encoder, width(encoder)?))).collect()
    };
    let mut counts = Counts::default();
    surveys.iter().for_each(|survey| counts.add(&survey.segment.counts));
    let all = counts.usable > 0 && counts.with_narrow == counts.usable;
    Ok(IndexManifest {
        format: FORMAT.into(),
        version: FORMAT_VERSION,
        program: first(&|survey| survey.program.clone()).unwrap_or_else(|| "unknown".into()),
        library: String::new(),
        channel: first(&|survey| survey.channel.clone()).unwrap_or_default(),
        narrow: if all { NarrowRule::All } else { NarrowRule::Auto },
        fingerprints: merged(Band::Wide),
        narrow_fingerprints: merged(Band::Narrow),
        widths: widths(Band::Wide),
        narrow_widths: widths(Band::Narrow),
        segments: surveys.into_iter().map(|survey| survey.segment).collect(),
    })
}

/// What files must say alike, and the file that said it first.
struct Alike<'a> {
    folder: &'a Path,
    said: BTreeMap<String, (String, String)>,
}

impl Alike<'_> {
    fn hold(&mut self, survey: &Survey) -> Result<()> {
        let file = &survey.segment.file;
        self.said("channel", survey.channel.as_deref(), file)?;
        for (band, encoder) in embeddings() {
            let name = format!("{}{encoder}", prefix(band));
            let print = survey.prints[band].get(encoder);
            self.said(&format!("{name}_extractor"), print.map(String::as_str), file)?;
            let width = survey.widths[band].get(encoder).map(|width| format!("{width} values"));
            self.said(&name, width.as_deref(), file)?;
        }
        if survey.segment.counts.usable > 0 {
            let encoders = survey.prints.wide.encoders().map(|encoder| encoder.name());
            let encoders = encoders.collect::<Vec<_>>().join(", ");
            self.said("the columns with embeddings", Some(&encoders), file)?;
        }
        Ok(())
    }

    fn said(&mut self, what: &str, value: Option<&str>, file: &str) -> Result<()> {
        let Some(value) = value else { return Ok(()) };
        let (first, by) = self.said.entry(what.into()).or_insert_with(|| (value.into(), file.into()));
        if first == value {
            return Ok(());
        }
        let expected = format!(
            "\"{first}\", as {by} has it: the rows of one index are made by one version with the same settings; embed the \
             others again"
        );
        Err(unfit(&self.folder.join(file), format!("\"{value}\" in {what}"), &expected))
    }
}

impl Survey {
    fn read(folder: &Path, file: &str) -> Result<Self> {
        let path = folder.join(file);
        let common = Common::default();
        let table = Table::open_other(&path, &common)?;
        let (sha256, bytes) = (table.sha256()?, table.bytes());
        let (first, last) = (String::new(), String::new());
        let segment = Segment { file: file.into(), sha256, bytes, first, last, counts: Counts::default() };
        let program = program(&table, &path)?;
        let (channel, prints, widths, paths) = Default::default();
        let mut survey = Survey { segment, program, channel, prints, widths, paths };
        table.groups(|columns| survey.take(columns))?;
        Ok(survey)
    }

    fn take(&mut self, columns: &Columns<'_>) -> Result<()> {
        let n = embeddings().count();
        if columns.count() == 0 {
            return Ok(());
        }
        self.take_paths(columns)?;
        columns.whole(column::VOICE, &columns.of::<ByteArrayType>(column::VOICE)?)?;
        columns.whole(column::SIZE, &columns.integers(column::SIZE)?)?;
        columns.whole(column::MTIME_NS, &columns.integers(column::MTIME_NS)?)?;
        let channels = columns.of::<ByteArrayType>(column::CHANNEL)?;
        columns.whole(column::CHANNEL, &channels)?;
        one(columns, "channel", &channels, &mut self.channel)?;
        for (at, (band, encoder)) in embeddings().enumerate() {
            let prints = &mut self.prints[band];
            let mut print = prints.take(encoder);
            let name = format!("{}{encoder}_extractor", prefix(band));
            one(columns, &name, &columns.of::<ByteArrayType>(column::WIDTH + at)?, &mut print)?;
            print.into_iter().for_each(|print| prints.set(encoder, print));
            let widths = &mut self.widths[band];
            if widths.get(encoder).is_none() {
                columns.first_width(column::WIDTH + n + at)?.into_iter().for_each(|width| widths.set(encoder, width));
            }
        }
        self.count(columns)
    }

    fn take_paths(&mut self, columns: &Columns<'_>) -> Result<()> {
        let paths = columns.of::<ByteArrayType>(column::PATH)?;
        columns.whole(column::PATH, &paths)?;
        let statuses = columns.statuses()?;
        for (path, status) in paths.iter().flatten().zip(statuses) {
            if path.as_utf8().is_err() {
                let found = "a value in column path that is no text".into();
                return Err(columns.wrong(found, "where the clip lies"));
            }
            // A row that was asked for without a path has an empty one, and its clip was refused.
            if !path.is_empty() {
                self.paths.push(XxHash3_128::oneshot(path.data()));
            } else if status == ClipStatus::Usable {
                return Err(columns.wrong("a usable clip with an empty path".into(), "where the clip lies"));
            }
        }
        let text = |path: Option<&Option<ByteArray>>| {
            path.and_then(Option::as_ref).and_then(|path| path.as_utf8().ok()).unwrap_or_default().to_string()
        };
        if self.segment.counts.rows == 0 {
            self.segment.first = text(paths.first());
        }
        self.segment.last = text(paths.last());
        Ok(())
    }

    fn count(&mut self, columns: &Columns<'_>) -> Result<()> {
        let statuses = columns.statuses()?;
        let (seconds, speech, hz) = (
            columns.numbers(column::SECONDS)?,
            columns.numbers(column::NET_SPEECH_S)?,
            columns.numbers(column::BANDWIDTH_HZ)?,
        );
        let codes = columns.of::<ByteArrayType>(column::REASON)?;
        let narrow =
            embeddings().position(|(band, encoder)| band == Band::Narrow && self.prints.narrow.get(encoder).is_some());
        let narrow = narrow.map(|at| columns.has_list(column::WIDTH + embeddings().count() + at)).transpose()?;
        for (row, status) in statuses.into_iter().enumerate() {
            let number = |values: &Vec<Option<f64>>| values.get(row).copied().flatten();
            let code = codes.get(row).and_then(Option::as_ref).map(|code| String::from_utf8_lossy(code.data()));
            let quality = number(&speech).map(|net_speech_s| ClipQuality {
                net_speech_s,
                snr_db: None,
                bandwidth_hz: number(&hz).map(|hz| hz as f32),
                clipping_percent: 0.0,
                level_dbfs: None,
            });
            if status == ClipStatus::Usable && quality.is_none() {
                let found = format!("a usable clip without a value in column net_speech_s of row {}", row + 1);
                return Err(columns.wrong(found, "the quality of every usable clip"));
            }
            let with_narrow = narrow.as_ref().and_then(|narrow| narrow.get(row)).copied().unwrap_or(false);
            let (seconds, code) = (number(&seconds), code.as_deref());
            self.segment.counts.count(status, seconds, quality, with_narrow, code, in_any_order);
        }
        Ok(())
    }
}

/// A length rounded to a millionth of a second, so that sums are exact and do not depend on the order of rows.
pub(super) fn in_any_order(seconds: f64) -> f64 {
    const PARTS: f64 = (1 << 20) as f64;
    (seconds * PARTS).round() / PARTS
}

/// Holds all values of a column to the first.
fn one(columns: &Columns<'_>, name: &str, values: &[Option<ByteArray>], first: &mut Option<String>) -> Result<()> {
    for value in values.iter().flatten() {
        let text = || String::from_utf8_lossy(value.data()).into_owned();
        let first = first.get_or_insert_with(text);
        if first.as_bytes() != value.data() {
            let expected = format!(
                "\"{first}\", as in the rows before: the rows of one index are made by one version with the same settings; \
                 embed the others again"
            );
            return Err(columns.wrong(format!("\"{}\" in column {name}", text()), &expected));
        }
    }
    Ok(())
}

/// The version of this program that made a file's rows, where the file says so.
fn program(table: &Table<'_>, path: &Path) -> Result<Option<String>> {
    let metadata = table.metadata();
    let pairs = metadata.key_value_metadata().into_iter().flatten();
    let said = pairs.filter(|pair| pair.key == MARK.0).find_map(|pair| pair.value.as_deref());
    match said {
        Some(said) if said.starts_with("index ") && said != MARK.1 => {
            Err(unfit(path, format!("\"{said}\" in the file's metadata"), MARK.1))
        }
        Some(said) if said != MARK.1 => Ok(Some(said.into())),
        _ => Ok(metadata.created_by().and_then(|by| by.strip_prefix("soundalike ")).map(str::to_string)),
    }
}

/// Refuses a path that occurs twice.
fn refuse_doubles(folder: &Path, surveys: &mut [Survey]) -> Result<()> {
    let mut all = Vec::with_capacity(surveys.iter().map(|survey| survey.paths.len()).sum());
    surveys.iter_mut().for_each(|survey| all.append(&mut survey.paths));
    all.sort_unstable();
    let twice: BTreeSet<u128> = all.windows(2).filter(|pair| pair.first() == pair.last()).map(|pair| pair[0]).collect();
    drop(all);
    if twice.is_empty() {
        return Ok(());
    }
    // Hashes may be the same by chance; the paths decide.
    let mut seen: BTreeMap<Vec<u8>, &str> = BTreeMap::new();
    for survey in surveys.iter() {
        opened(folder, &survey.segment, &Common::default(), |table| {
            table.groups(|columns| {
                for path in columns.of::<ByteArrayType>(column::PATH)?.into_iter().flatten() {
                    if !twice.contains(&XxHash3_128::oneshot(path.data())) {
                        continue;
                    }
                    if let Some(first) = seen.get(path.data()) {
                        let text = String::from_utf8_lossy(path.data());
                        let again = if *first == survey.segment.file { "the same file" } else { *first };
                        let found = format!("the path \"{text}\", which is in {again} too");
                        return Err(columns.wrong(found, "every path once; drop the duplicates"));
                    }
                    seen.insert(path.data().to_vec(), &survey.segment.file);
                }
                Ok(())
            })
        })?;
    }
    Ok(())
}

/// Reads the file of a segment, which must have the bytes that it had when it was opened first.
pub(super) fn opened<T>(
    folder: &Path,
    segment: &Segment,
    common: &Common,
    read: impl FnOnce(&Table<'_>) -> Result<T>,
) -> Result<T> {
    let path = folder.join(&segment.file);
    let table = Table::open_other(&path, common)?;
    let found = table.sha256()?;
    if found != segment.sha256 {
        let expected = format!("{}, as when it was opened; run again", segment.sha256);
        return Err(unfit(&path, format!("the SHA-256 {found}"), &expected));
    }
    read(&table)
}
