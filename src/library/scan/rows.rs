//! The embeddings of an index as contiguous rows, which can be read as fast as the disk or the memory gives them.
//!
//! For each segment there is one file, made from the segment and made again where it is missing or damaged; nothing is
//! in it that the index does not hold. Rows are the encoders' embeddings side by side, each brought to length one; wide
//! rows come first, then rows of the narrow band. A file is read whole and held to its checksum before any row of it
//! counts: a row that was passed over would be a missed match. Scores that are told are not computed from these rows.

use crate::encoder::{Band, Encoder, PerBand, PerEncoder};
use crate::error::{ErrorKind, IoContext, Result};
use crate::feature::ClipQuality;
use crate::library::index::{ClipStatus, Index, IndexRow, Segment};
use crate::regular_file;
use crate::whole_file::{TEMPORARY, create_private_folder};
use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use twox_hash::XxHash3_64;

const MAGIC: &[u8; 16] = b"soundalike rows1";
/// Bytes of the head: the magic, a number that tells the order of bytes, two strides, two counts, the checksum of what
/// follows, and the first bytes of the segment's SHA-256.
const HEAD: usize = 64;
/// Tells the order of bytes.
const ORDER: u32 = 0x0102_0304;
/// Bytes of what is known of a clip.
const CLIP: usize = 32;
/// Larger encrypted files of rows are not read, bytes.
const MOST_BYTES: u64 = 4 << 30;

/// Where an encoder's values lie in a row.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Part {
    pub encoder: Encoder,
    pub offset: usize,
    pub width: usize,
}

/// How the rows of a band are laid out.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    pub parts: Vec<Part>,
    pub stride: usize,
}

impl Layout {
    pub fn of(widths: &PerEncoder<usize>) -> Self {
        let mut stride = 0;
        let parts = widths.iter().map(|(encoder, width)| {
            let part = Part { encoder, offset: stride, width: *width };
            stride += width;
            part
        });
        let parts = parts.collect();
        Layout { parts, stride }
    }
}

/// What is known of the clip of a row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct RowClip {
    /// Its row in the segment.
    pub row: u32,
    pub quality: ClipQuality,
}

/// The rows of a segment.
#[derive(Debug, Default)]
pub(crate) struct SegmentRows {
    /// Clips by band: all usable ones that are not narrow-band, and all that have embeddings of the narrow band.
    pub clips: PerBand<Vec<RowClip>>,
    values: Vec<f32>,
    narrow_from: usize,
}

impl SegmentRows {
    /// The values of a band's rows, one after another.
    pub fn values(&self, band: Band) -> &[f32] {
        let (wide, narrow) = self.values.split_at(self.narrow_from.min(self.values.len()));
        if band == Band::Narrow { narrow } else { wide }
    }
}

/// Where rows are had from.
pub(crate) struct Gallery<'a> {
    index: &'a Index,
    pub layouts: PerBand<Layout>,
    folder: Option<PathBuf>,
}

impl<'a> Gallery<'a> {
    /// The rows of an index; `folder` is where their files are kept, none for nowhere.
    pub fn new(index: &'a Index, folder: Option<PathBuf>) -> Self {
        let manifest = index.manifest();
        let layouts = PerBand { wide: Layout::of(&manifest.widths), narrow: Layout::of(&manifest.narrow_widths) };
        // Where nothing can be written, rows are made of the segments every time; rows in memory need no file.
        let folder = folder.filter(|folder| index.folder().is_some() && create_private_folder(folder).is_ok());
        // A folder elsewhere may hold the rows of other indexes, or anything.
        let inside = |folder: &&PathBuf| index.folder().is_some_and(|index| folder.starts_with(index));
        if let Some(folder) = folder.as_ref().filter(inside) {
            tidy(folder, &manifest.segments);
        }
        Gallery { index, layouts, folder }
    }

    /// Reads the rows of a segment into `rows`, in the place of what was there.
    pub fn read(&self, segment: &Segment, rows: &mut SegmentRows) -> Result<()> {
        let file = self.folder.as_ref().map(|folder| file_of(folder, segment));
        if let Some(file) = &file
            && self.read_file(file, segment, rows).is_some()
        {
            return Ok(());
        }
        self.gather(&self.index.rows(segment)?, rows);
        if let Some(file) = &file {
            // A full disk costs time, not the result.
            let _ = self.write_file(file, segment, rows);
        }
        Ok(())
    }

    fn gather(&self, all: &[IndexRow], rows: &mut SegmentRows) {
        rows.clips = Default::default();
        rows.values.clear();
        for band in Band::ALL {
            if band == Band::Narrow {
                rows.narrow_from = rows.values.len();
            }
            for (at, row) in all.iter().enumerate() {
                let Some(quality) = row.quality.filter(|_| row.status == ClipStatus::Usable) else { continue };
                let embeddings = row.of_band(band);
                if embeddings.is_empty() || (band == Band::Wide && quality.is_narrow_band()) {
                    continue;
                }
                rows.clips[band].push(RowClip { row: at as u32, quality });
                for part in &self.layouts[band].parts {
                    let values = embeddings.get(part.encoder).map(Vec::as_slice).unwrap_or_default();
                    let norm = values.iter().map(|x| f64::from(*x) * f64::from(*x)).sum::<f64>().sqrt();
                    let unit = |x: &f32| if norm > 0.0 { (f64::from(*x) / norm) as f32 } else { 0.0 };
                    rows.values.extend(values.iter().map(unit));
                }
            }
        }
    }

    fn write_file(&self, path: &Path, segment: &Segment, rows: &SegmentRows) -> Result<()> {
        let clips: Vec<u8> = rows.clips.wide.iter().chain(&rows.clips.narrow).flat_map(packed).collect();
        let values = bytemuck::cast_slice::<f32, u8>(&rows.values);
        let mut body = Vec::with_capacity(clips.len() + values.len());
        body.extend_from_slice(&clips);
        body.extend_from_slice(values);
        let head = self.head(segment, rows.clips.as_ref().map(Vec::len), XxHash3_64::oneshot(&body));
        let folder = path.parent().unwrap_or(Path::new("."));
        let mut builder = tempfile::Builder::new();
        builder.prefix(TEMPORARY.0).suffix(TEMPORARY.1);
        let mut file = builder.tempfile_in(folder).at(folder, "write")?;
        let written = match self.index.key() {
            Some(key) => key.encrypt(&[&head[..], &body].concat()).and_then(|sealed| file.write_all(&sealed)),
            None => file.write_all(&head).and_then(|()| file.write_all(&body)),
        };
        written.at(path, "write")?;
        let persisted = file.persist(path).map(drop).map_err(|error| error.error);
        persisted.at(path, "write")
    }

    /// The head of a segment's file.
    fn head(&self, segment: &Segment, counts: PerBand<usize>, checksum: u64) -> [u8; HEAD] {
        let mut head = [0; HEAD];
        let strides = self.layouts.as_ref().map(|layout| layout.stride as u32);
        let numbers = [ORDER, strides.wide, strides.narrow, counts.wide as u32, counts.narrow as u32];
        let numbers = numbers.into_iter().flat_map(u32::to_ne_bytes).chain(checksum.to_ne_bytes());
        let bytes = MAGIC.iter().copied().chain(numbers).chain(segment.sha256.bytes());
        head.iter_mut().zip(bytes).for_each(|(to, from)| *to = from);
        head
    }

    /// Reads a segment's file; none where it is missing, another one's, or damaged.
    fn read_file(&self, path: &Path, segment: &Segment, rows: &mut SegmentRows) -> Option<()> {
        let sealed = match self.index.key() {
            Some(key) => Some(key.decrypt(path, &regular_file::read(path, MOST_BYTES, "kept rows").ok()?).ok()?),
            None => None,
        };
        let (mut file, length): (Box<dyn Read>, u64) = match &sealed {
            Some(plain) => (Box::new(plain.as_slice()), plain.len() as u64),
            None => {
                let file = regular_file::open(path).ok()?;
                let length = file.metadata().ok()?.len();
                (Box::new(file), length)
            }
        };
        let mut head = [0; HEAD];
        file.read_exact(&mut head).ok()?;
        let number = |at: usize| Some(u32::from_ne_bytes(*head.get(at..)?.first_chunk::<4>()?) as usize);
        let counts = PerBand { wide: number(28)?, narrow: number(32)? };
        let checksum = u64::from_ne_bytes(*head.get(36..)?.first_chunk::<8>()?);
        if head != self.head(segment, counts, checksum) || counts.wide.max(counts.narrow) > segment.counts.rows {
            return None;
        }
        let values = PerBand::from_fn(|band| counts[band] * self.layouts[band].stride);
        let size = HEAD + CLIP * (counts.wide + counts.narrow) + 4 * (values.wide + values.narrow);
        if length != size as u64 {
            return None;
        }
        let mut clips = vec![0; CLIP * (counts.wide + counts.narrow)];
        file.read_exact(&mut clips).ok()?;
        rows.values.resize(values.wide + values.narrow, 0.0);
        file.read_exact(bytemuck::cast_slice_mut(&mut rows.values)).ok()?;
        let mut hash = XxHash3_64::new();
        hash.write(&clips);
        hash.write(bytemuck::cast_slice(&rows.values));
        if hash.finish() != checksum {
            return None;
        }
        rows.narrow_from = values.wide;
        let (chunks, _) = clips.as_chunks::<CLIP>();
        let (wide, narrow) = chunks.split_at(counts.wide);
        rows.clips = PerBand { wide, narrow }.map(|chunks| chunks.iter().map(unpacked).collect());
        Some(())
    }
}

use std::hash::Hasher;

fn file_of(folder: &Path, segment: &Segment) -> PathBuf {
    folder.join(format!("{}.rows", segment.sha256.get(..16).unwrap_or_default()))
}

/// Takes away the files of segments that are no more, and what a killed scan left half written. Where another scan is
/// writing at this moment it goes without its file.
fn tidy(folder: &Path, segments: &[Segment]) {
    let live: Vec<PathBuf> = segments.iter().map(|segment| file_of(folder, segment)).collect();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let ends = |wanted: &str| path.extension().is_some_and(|extension| extension == wanted);
        let half = ends("part") && entry.file_name().to_string_lossy().starts_with(TEMPORARY.0);
        if half || (ends("rows") && !live.contains(&path)) {
            let _ = fs::remove_file(path);
        }
    }
}

fn packed(clip: &RowClip) -> [u8; CLIP] {
    let q = &clip.quality;
    let single = |x: Option<f32>| x.unwrap_or(f32::NAN).to_ne_bytes();
    let (row, speech) = (clip.row.to_ne_bytes(), q.net_speech_s.to_ne_bytes());
    let singles = [single(q.snr_db), single(q.bandwidth_hz), single(Some(q.clipping_percent)), single(q.level_dbfs)];
    let mut bytes = [0; CLIP];
    let all = row.into_iter().chain([0; 4]).chain(speech).chain(singles.into_iter().flatten());
    bytes.iter_mut().zip(all).for_each(|(to, from)| *to = from);
    bytes
}

fn unpacked(bytes: &[u8; CLIP]) -> RowClip {
    let single = |at: usize| {
        let bytes = bytes.get(at..).and_then(|bytes| bytes.first_chunk::<4>());
        bytes.map(|bytes| f32::from_ne_bytes(*bytes)).filter(|x| !x.is_nan())
    };
    let row = bytes.first_chunk::<4>().map_or(0, |bytes| u32::from_ne_bytes(*bytes));
    let speech = bytes.get(8..).and_then(|bytes| bytes.first_chunk::<8>());
    RowClip {
        row,
        quality: ClipQuality {
            net_speech_s: speech.map_or(0.0, |bytes| f64::from_ne_bytes(*bytes)),
            snr_db: single(16),
            bandwidth_hz: single(20),
            clipping_percent: single(24).unwrap_or(0.0),
            level_dbfs: single(28),
        },
    }
}

/// Refuses a folder for the rows' files that is something else.
pub(crate) fn check_folder(folder: &Path) -> Result<()> {
    match fs::metadata(folder) {
        Ok(metadata) if !metadata.is_dir() => {
            let found = format!("{}, which is no folder", folder.display());
            Err(ErrorKind::Setting { name: "cache", found, expected: "a folder".into() }.into())
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_of_a_clip_is_read_back() {
        let quality = ClipQuality {
            net_speech_s: 3.25,
            snr_db: Some(-1.5),
            bandwidth_hz: None,
            clipping_percent: 0.1,
            level_dbfs: Some(-20.0),
        };
        let clip = RowClip { row: 70_000, quality };
        assert_eq!(unpacked(&packed(&clip)), clip);
    }
}
