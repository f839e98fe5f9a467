//! Every protected voice against every clip, fast: which clips can be among the closest.
//!
//! Cosines are single-precision products of rows of length one, and sums of a calibration are formed of them without
//! a look at the clip's path or content; nothing here is told to anybody. What comes out is, for each voice, every clip
//! that can be among the wanted ones given how far such a sum may be off; the exact figures decide afterwards.

use super::rows::{Gallery, Part, RowClip, SegmentRows};
use super::{Ask, Key};
use crate::calibration::fusion::Fusion;
use crate::calibration::picker::Picker;
use crate::calibration::ranges::Ranges;
use crate::compare::search::{Best, Queries};
use crate::encoder::{Band, Encoder, PerBand, PerEncoder, unit};
use crate::error::Result;
use crate::library::batch;
use crate::library::enrolled::voices::EnrolledVoice;
use crate::library::index::Segment;
use std::sync::{Mutex, PoisonError};

/// Voices that are compared at a time: their embeddings stay in the processor's second cache, beside a block of rows.
const GROUP: usize = 128;
/// Rows that are compared at a time.
const BLOCK: usize = 128;
/// The most that a cosine may be off: 600 products of values of vectors of length one, each rounded, and the values
/// themselves rounded.
const COSINE_ERROR: f32 = 1e-4;

/// A clip of an index: segment and row in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub segment: u32,
    pub row: u32,
}

impl Place {
    fn number(self) -> u64 {
        u64::from(self.segment) << 32 | u64::from(self.row)
    }

    fn of(number: u64) -> Self {
        Place { segment: (number >> 32) as u32, row: number as u32 }
    }
}

/// What was found for one voice.
#[derive(Clone, Debug, Default)]
pub(crate) struct Picks {
    /// Clips that can be among the wanted ones, by what clips are ranked by.
    pub ranked: Vec<Place>,
    /// Clips that a ratio is withheld of and that can be among the closest of these.
    pub rest: Vec<Place>,
    /// Clips that were compared.
    pub compared: usize,
    /// Clips that there is a ratio of.
    pub judged: usize,
}

/// Numbers of clips of a kind.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    all: usize,
    /// Those whose quality was validated.
    sound: usize,
}

/// What one thread has found for one group of voices.
struct Found {
    ranked: Best,
    rest: Best,
}

/// What one thread has found.
struct Finds {
    groups: Vec<Found>,
    /// Wide clips compared wide, narrow-band ones, and wide ones compared in the narrow band.
    tallies: [Tally; 3],
    rows: SegmentRows,
    scratch: Scratch,
}

#[derive(Default)]
struct Scratch {
    products: Vec<Vec<f32>>,
    sums: Vec<f32>,
    sizes: Vec<f32>,
}

/// One group of voices in one band.
struct Group<'a> {
    parts: Vec<(Part, Queries)>,
    columns: usize,
    fusion: Option<Fused<'a>>,
    /// For each column 0, or no number where the voice is not compared: with wide clips, and with narrow-band ones.
    masks: [Vec<f32>; 2],
    strongest: usize,
    /// Whether clips are ranked by the sum that a ratio is made of.
    by_ratio: bool,
}

struct Fused<'a> {
    picker: Picker,
    /// How noisy each voice is.
    sides: Vec<f32>,
    ranges: &'a Ranges,
    /// Places of the picker's encoders among the parts.
    parts: Vec<usize>,
    /// For each column 0 where the voice's quality was validated, else no number; and the opposite.
    sound: [Vec<f32>; 2],
}

/// Finds what can be among the wanted clips, for each of the voices in their order.
pub(crate) fn search(
    gallery: &Gallery<'_>,
    segments: &[Segment],
    voices: &[EnrolledVoice],
    ask: &Ask<'_>,
) -> Result<Vec<Picks>> {
    let groups: Vec<PerBand<Group<'_>>> =
        voices.chunks(GROUP).map(|voices| PerBand::from_fn(|band| Group::new(gallery, voices, band, ask))).collect();
    let margin = |group: &Group<'_>| match (&group.fusion, ask.key) {
        (Some(fused), Key::Ratio) => fused.picker.margin(COSINE_ERROR),
        _ => COSINE_ERROR,
    };
    let found = |(groups, voices): (&PerBand<Group<'_>>, &[EnrolledVoice])| {
        let own = voices.iter().map(|voice| voice.reference.clips.len()).max().unwrap_or(0);
        let k = ask.top.map_or(usize::MAX, |top| top.saturating_add(own));
        let margin = margin(&groups.wide).max(margin(&groups.narrow));
        let mut ranked = Best::new(voices.len(), k, margin);
        ask.floor.iter().for_each(|floor| ranked.raise(*floor as f32));
        Found {
            ranked,
            rest: Best::new(voices.len(), ask.top_rest.map_or(usize::MAX, |top| top.saturating_add(own)), COSINE_ERROR),
        }
    };
    let empty = || Finds {
        groups: groups.iter().zip(voices.chunks(GROUP)).map(found).collect(),
        tallies: Default::default(),
        rows: SegmentRows::default(),
        scratch: Scratch::default(),
    };
    let idle: Mutex<Vec<Finds>> = Mutex::new(Vec::new());
    let idle = || idle.lock().unwrap_or_else(PoisonError::into_inner);
    let outcomes = batch::map(segments.len(), ask.threads, |at| {
        let waiting = idle().pop();
        let mut finds = waiting.unwrap_or_else(empty);
        let mut rows = std::mem::take(&mut finds.rows);
        let read = segments.get(at).map(|segment| gallery.read(segment, &mut rows)).transpose();
        if matches!(read, Ok(Some(()))) {
            Band::ALL.into_iter().for_each(|band| finds.compare(&groups, &rows, band, gallery, at as u32));
            (ask.progress)(segments.get(at).map_or(0, |segment| segment.counts.rows));
        }
        finds.rows = rows;
        idle().push(finds);
        read
    })?;
    outcomes.into_iter().try_for_each(|read| read.map(drop))?;
    let parts = std::mem::take(&mut *idle());
    Ok(merged(parts.into_iter().chain([empty()]), &groups, voices))
}

/// What all threads have found.
fn merged(parts: impl Iterator<Item = Finds>, groups: &[PerBand<Group<'_>>], voices: &[EnrolledVoice]) -> Vec<Picks> {
    let mut parts = parts;
    let Some(mut all) = parts.next() else { return Vec::new() };
    for part in parts {
        for (all, part) in all.groups.iter_mut().zip(part.groups) {
            all.ranked.merge(part.ranked);
            all.rest.merge(part.rest);
        }
        for (all, part) in all.tallies.iter_mut().zip(part.tallies) {
            (all.all, all.sound) = (all.all + part.all, all.sound + part.sound);
        }
    }
    let places = |list: Vec<(u64, f32)>| list.into_iter().map(|(number, _)| Place::of(number)).collect();
    let mut picks = Vec::with_capacity(voices.len());
    for (found, groups) in all.groups.into_iter().zip(groups) {
        for (column, (ranked, rest)) in found.ranked.finish().into_iter().zip(found.rest.finish()).enumerate() {
            let (compared, judged) = counts(groups, column, &all.tallies);
            picks.push(Picks { ranked: places(ranked), rest: places(rest), compared, judged });
        }
    }
    picks
}

/// How many clips a voice was compared with, and how many of these there is a ratio of.
fn counts(groups: &PerBand<Group<'_>>, column: usize, tallies: &[Tally; 3]) -> (usize, usize) {
    let is = |mask: &[f32]| mask.get(column).is_some_and(|x| *x == 0.0);
    let PerBand { wide, narrow } = groups;
    let of = |group: &Group<'_>, wanted: bool, tally: &Tally| {
        let judged = group.fusion.as_ref().is_some_and(|fused| is(&fused.sound[0]));
        if wanted { (tally.all, if judged { tally.sound } else { 0 }) } else { (0, 0) }
    };
    let parts = [
        of(wide, is(&wide.masks[0]), &tallies[0]),
        of(narrow, is(&narrow.masks[1]), &tallies[1]),
        of(narrow, is(&narrow.masks[0]), &tallies[2]),
    ];
    parts.into_iter().fold((0, 0), |(all, judged), (a, j)| (all + a, judged + j))
}

impl<'a> Group<'a> {
    fn new(gallery: &Gallery<'_>, voices: &[EnrolledVoice], band: Band, ask: &Ask<'a>) -> Self {
        let direction = |values: &[f32]| unit(values).unwrap_or_else(|| vec![0.0; values.len()]);
        let model = |voice: &'_ EnrolledVoice| -> Option<PerEncoder<Vec<f32>>> {
            let model = if band == Band::Narrow { voice.narrow.as_ref()? } else { &voice.wide };
            Some(model.centroids().map(|_, centroid| direction(&centroid.values)))
        };
        let models: Vec<Option<PerEncoder<Vec<f32>>>> = voices.iter().map(model).collect();
        let parts = gallery.layouts[band].parts.iter().map(|part| {
            let values = |model: &'_ Option<PerEncoder<Vec<f32>>>| {
                model.as_ref().and_then(|model| model.get(part.encoder)).cloned().unwrap_or_default()
            };
            let queries: Vec<Vec<f32>> = models.iter().map(values).collect();
            (*part, Queries::new(part.width, queries.iter().map(Vec::as_slice)))
        });
        let parts: Vec<(Part, Queries)> = parts.collect();
        let columns = parts.first().map_or(0, |(_, queries)| queries.columns());
        let number = |yes: bool| if yes { 0.0 } else { f32::NAN };
        let filled = |mut values: Vec<f32>| {
            values.resize(columns, f32::NAN);
            values
        };
        // Narrow-band voices are compared in the narrow band alone, others with narrow-band clips.
        let with_wide = voices
            .iter()
            .zip(&models)
            .map(|(voice, model)| number(model.is_some() && voice.is_narrow() == (band == Band::Narrow)));
        let with_narrow = models.iter().map(|model| number(model.is_some() && band == Band::Narrow));
        let at = |encoder: Encoder| parts.iter().position(|(part, _)| part.encoder == encoder);
        let strongest = match ask.key {
            Key::Encoder(encoder) => at(encoder),
            Key::Ratio => parts.len().checked_sub(1),
        };
        let fusion = ask.fusions.map(|fusions| fusions[band]);
        let fusion = fusion.and_then(|fusion: &Fusion| {
            let picker = Picker::of(fusion);
            let places: Option<Vec<usize>> = picker.encoders().map(at).collect();
            let quality = |voice: &EnrolledVoice| match (&voice.narrow, band) {
                (Some(narrow), Band::Narrow) => narrow.quality(),
                _ => voice.wide.quality(),
            };
            let sound: Vec<bool> =
                voices.iter().map(|voice| fusion.ranges.refuses_reference(&quality(voice)).is_none()).collect();
            let mut sides: Vec<f32> = voices.iter().map(|voice| Picker::noisiness(quality(voice).snr_db)).collect();
            sides.resize(columns, 0.0);
            Some(Fused {
                sides,
                ranges: &fusion.ranges,
                parts: places?,
                sound: [
                    filled(sound.iter().map(|sound| number(*sound)).collect()),
                    filled(sound.iter().map(|sound| number(!*sound)).collect()),
                ],
                picker,
            })
        });
        Group {
            masks: [filled(with_wide.collect()), filled(with_narrow.collect())],
            strongest: strongest.unwrap_or(0),
            by_ratio: ask.key == Key::Ratio && fusion.is_some(),
            fusion,
            parts,
            columns,
        }
    }
}

impl Finds {
    /// Compares a segment's rows of one band with all voices.
    fn compare(
        &mut self,
        groups: &[PerBand<Group<'_>>],
        rows: &SegmentRows,
        band: Band,
        gallery: &Gallery<'_>,
        segment: u32,
    ) {
        let stride = gallery.layouts[band].stride;
        let clips = &rows.clips[band];
        let blocks = clips.chunks(BLOCK).zip(rows.values(band).chunks((BLOCK * stride).max(1)));
        for (clips, values) in blocks {
            let mut counted = false;
            for (found, groups) in self.groups.iter_mut().zip(groups) {
                let group = &groups[band];
                self.scratch.multiply(group, values, stride, clips.len());
                for (at, clip) in clips.iter().enumerate() {
                    let narrow = clip.quality.is_narrow_band();
                    let sound =
                        group.fusion.as_ref().map(|fused| fused.ranges.refuses_candidate(&clip.quality).is_none());
                    if !counted {
                        let kind = if band == Band::Wide {
                            0
                        } else if narrow {
                            1
                        } else {
                            2
                        };
                        self.tallies[kind].all += 1;
                        self.tallies[kind].sound += usize::from(sound == Some(true));
                    }
                    let number = Place { segment, row: clip.row }.number();
                    self.scratch.offer(group, found, at, clip, sound, &group.masks[usize::from(narrow)], number);
                }
                counted = true;
            }
        }
    }
}

impl Scratch {
    fn multiply(&mut self, group: &Group<'_>, values: &[f32], stride: usize, rows: usize) {
        self.products.resize(group.parts.len().max(self.products.len()), Vec::new());
        for ((part, queries), products) in group.parts.iter().zip(&mut self.products) {
            products.resize(rows * group.columns, 0.0);
            queries.products(values, stride, part.offset, products);
        }
        self.sums.resize(group.columns, 0.0);
        self.sizes.resize(group.columns, 0.0);
    }

    /// Offers a clip to the lists that it belongs to.
    #[allow(clippy::too_many_arguments)]
    fn offer(
        &mut self,
        group: &Group<'_>,
        found: &mut Found,
        at: usize,
        clip: &RowClip,
        sound: Option<bool>,
        mask: &[f32],
        number: u64,
    ) {
        let row = |part: usize| {
            let products = self.products.get(part).map(Vec::as_slice).unwrap_or_default();
            products.get(at * group.columns..(at + 1) * group.columns).unwrap_or_default()
        };
        let sums = &mut self.sums;
        let fusion = group.fusion.as_ref().filter(|_| group.by_ratio);
        if let (Some(fused), Some(true)) = (fusion, sound) {
            let mut cosines: [&[f32]; Encoder::ALL.len()] = Default::default();
            let n = fused.parts.len().min(cosines.len());
            cosines.iter_mut().zip(&fused.parts).for_each(|(to, part)| *to = row(*part));
            let noisiness = Picker::noisiness(clip.quality.snr_db);
            fused.picker.sums(noisiness, &fused.sides, &cosines[..n], &mut self.sizes, sums);
            masked(sums, mask, Some(&fused.sound[0]));
            found.ranked.push_values(number, sums);
        }
        let rest = match (fusion, sound) {
            (None, _) | (_, Some(false)) => None,
            (Some(fused), _) => Some(&fused.sound[1]),
        };
        if rest.is_some_and(|unsound| unsound.iter().all(|x| x.is_nan())) {
            return;
        }
        sums.copy_from_slice(row(group.strongest));
        masked(sums, mask, rest);
        let list = if group.by_ratio { &mut found.rest } else { &mut found.ranked };
        list.push_values(number, sums);
    }
}

/// Takes away the values of voices that are not meant.
fn masked(values: &mut [f32], mask: &[f32], more: Option<&Vec<f32>>) {
    values.iter_mut().zip(mask).for_each(|(value, mask)| *value += mask);
    values.iter_mut().zip(more.into_iter().flatten()).for_each(|(value, mask)| *value += mask);
}
