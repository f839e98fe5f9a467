//! Voices of a library that resemble each other: to find copies of one voice under many names.
//!
//! A voice is what the index calls one: the speaker of a manifest, or a folder of clips. It is stood for by the mean of
//! its clips' embeddings, each first brought to length one. Voices are joined by average linkage: two groups become one
//! while the mean cosine between their members is at the threshold or above, so that a chain of voices each a little
//! like the next is no group. Whether members of a group are one person is not said; whoever needs to know compares
//! them with `check`.

use crate::compare::add_direction;
use crate::compare::search::Queries;
use crate::encoder::{Band, Encoder, PerEncoder};
use crate::error::{ErrorKind, Result, Shortage};
use crate::library::batch;
use crate::library::cohort::Cohort;
use crate::library::index::{ClipStatus, Index};
use crate::library::joined::Joined;
use crate::library::outcome::{VERSION, models_version};
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;

/// Voices that are compared with all others at a time.
const BLOCK: usize = 64;
/// Most voices that may be joined directly or through others; their cosines are held in memory.
const MOST_JOINED: usize = 20_000;

/// How voices are grouped.
pub struct GroupSettings<'a> {
    /// The encoder whose cosine is looked at; none for the strongest of the index.
    pub encoder: Option<Encoder>,
    /// The least mean cosine between the members of two groups that become one.
    pub threshold: f64,
    /// The band that is compared. Narrow-band clips have no part in the wide one.
    pub band: Band,
    /// The population that tells how often voices of different people reach the threshold.
    pub cohort: Option<&'a Cohort>,
    /// Number of threads; 0 for one a core.
    pub threads: usize,
}

/// The threshold where none is asked.
pub const GROUP_THRESHOLD: f64 = 0.6;

/// Groups of voices.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct GroupReport {
    /// Version of the program.
    pub version: String,
    /// Version of the models: see [`models_version`].
    pub models_version: String,
    /// The library as it was named when it was indexed, or else the folder of the index.
    pub library: String,
    /// True where another program wrote the rows: they have no checksum of this program, so damage to one may not show.
    pub rows_by_others: bool,
    /// The encoder whose cosine was looked at.
    pub encoder: Encoder,
    /// The least mean cosine between the members of two groups that become one.
    pub threshold: f64,
    /// The band.
    pub band: Band,
    /// Voices that were compared.
    pub voices: usize,
    /// Voices without a clip that could be compared.
    pub left_out: usize,
    /// Pairs of voices at the threshold or above.
    pub pairs: usize,
    /// How many pairs of different people's voices would be by chance; null without a population.
    pub by_chance: Option<ChancePairs>,
    /// The groups of two voices or more, the largest first.
    pub groups: Vec<Group>,
}

/// Pairs of different people's voices that reach a threshold.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
pub struct ChancePairs {
    /// Pairs of the population that reach it.
    pub reached: usize,
    /// Pairs of the population.
    pub of: usize,
    /// The same share of the library's pairs.
    pub expected: f64,
}

/// Voices that resemble each other.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Group {
    /// Mean cosine of its pairs.
    pub mean: f64,
    /// Least cosine of its pairs.
    pub least: f64,
    /// Its voices, in the order of their names.
    pub members: Vec<Member>,
}

/// A voice of a group.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Member {
    /// Its name.
    pub voice: String,
    /// Its clips.
    pub clips: usize,
    /// Speech in them, seconds.
    pub net_speech_s: f64,
    /// Mean cosine to the other members.
    pub mean: f64,
    /// The member that it is closest to.
    pub nearest: String,
    /// Cosine to that one, by each encoder.
    pub to_nearest: PerEncoder<f64>,
}

/// A voice of the library.
struct Voice {
    name: String,
    clips: usize,
    net_speech_s: f64,
    /// Means of length one.
    units: PerEncoder<Vec<f32>>,
}

/// Groups the voices of an index.
///
/// # Errors
/// Where the index cannot be read, lacks the encoder, holds no two voices, or so many voices resemble each other that
/// their cosines do not fit into memory.
pub fn groups(index: &Index, settings: &GroupSettings<'_>) -> Result<GroupReport> {
    let manifest = index.manifest();
    let prints = if settings.band == Band::Narrow { &manifest.narrow_fingerprints } else { &manifest.fingerprints };
    let strongest =
        settings.encoder.or_else(|| prints.encoders().last()).filter(|encoder| prints.get(*encoder).is_some());
    let encoder = strongest.ok_or_else(|| {
        let names: Vec<&str> = prints.encoders().map(Encoder::name).collect();
        let found = settings.encoder.map_or("none".into(), |encoder| encoder.to_string());
        let expected = format!("an encoder of the index ({})", names.join(", "));
        crate::Error::from(ErrorKind::Setting { name: "encoder", found, expected })
    })?;
    if !(-1.0..=1.0).contains(&settings.threshold) {
        let (found, expected) = (settings.threshold.to_string(), "a cosine, -1 to 1".into());
        return Err(ErrorKind::Setting { name: "above", found, expected }.into());
    }
    let (voices, left_out) = voices(index, settings.band)?;
    if voices.len() < 2 {
        let found = format!("{} voices with clips that can be compared in the {} band", voices.len(), settings.band);
        return Err(
            ErrorKind::Insufficient { what: Shortage::Groups, found, expected: "two voices or more".into() }.into()
        );
    }
    let edges = edges(&voices, encoder, settings)?;
    let mut groups = Vec::new();
    for component in components(voices.len(), &edges) {
        if component.len() > MOST_JOINED {
            let found = format!("{} voices that are joined at a cosine of {}", component.len(), settings.threshold);
            let expected = format!("at most {MOST_JOINED}");
            return Err(ErrorKind::Insufficient { what: Shortage::JoinedVoices, found, expected }.into());
        }
        groups.extend(linked(&component, &voices, encoder, settings.threshold));
    }
    let first = |group: &Group| group.members.first().map(|member| member.voice.clone()).unwrap_or_default();
    groups.sort_by(|a, b| b.members.len().cmp(&a.members.len()).then_with(|| first(a).cmp(&first(b))));
    Ok(GroupReport {
        version: VERSION.into(),
        models_version: models_version().into(),
        library: index.library(),
        rows_by_others: index.is_of_others(),
        encoder,
        threshold: settings.threshold,
        band: settings.band,
        voices: voices.len(),
        left_out,
        pairs: edges.len(),
        by_chance: settings.cohort.and_then(|cohort| by_chance(cohort, encoder, voices.len(), prints, settings)),
        groups,
    })
}

/// The voices of an index, in the order of their names, and the number of those without a clip that can be compared.
fn voices(index: &Index, band: Band) -> Result<(Vec<Voice>, usize)> {
    type Sums = (usize, f64, PerEncoder<Vec<f64>>);
    let mut sums: BTreeMap<String, Sums> = BTreeMap::new();
    for segment in &index.manifest().segments {
        for row in index.rows(segment)?.iter() {
            if row.status == ClipStatus::Vanished {
                continue;
            }
            let (clips, speech, sums) = sums.entry(row.voice.clone()).or_default();
            let narrow = row.quality.is_some_and(|quality| quality.is_narrow_band());
            if row.of_band(band).is_empty() || (band == Band::Wide && narrow) {
                continue;
            }
            *clips += 1;
            *speech += row.quality.map_or(0.0, |quality| quality.net_speech_s);
            for (encoder, values) in row.of_band(band).iter() {
                // Rows without a direction are refused when an index is read.
                let _ = add_direction(sums.slot_or_default(encoder), values);
            }
        }
    }
    let all = sums.len();
    let voices = sums.into_iter().filter(|(_, (clips, ..))| *clips > 0).map(|(name, (clips, net_speech_s, sums))| {
        let unit = |_: Encoder, sum: &Vec<f64>| {
            let norm = sum.iter().map(|x| x * x).sum::<f64>().sqrt().max(f64::MIN_POSITIVE);
            sum.iter().map(|x| (x / norm) as f32).collect()
        };
        Voice { name, clips, net_speech_s, units: sums.map(unit) }
    });
    let voices: Vec<Voice> = voices.collect();
    let left_out = all - voices.len();
    Ok((voices, left_out))
}

fn cosine_of(a: &Voice, b: &Voice, encoder: Encoder) -> f64 {
    let values = a.units.get(encoder).zip(b.units.get(encoder));
    values.and_then(|(a, b)| crate::encoder::cosine(a, b)).unwrap_or(-1.0)
}

/// Pairs of voices at the threshold or above: found in single precision, decided in double precision.
fn edges(voices: &[Voice], encoder: Encoder, settings: &GroupSettings<'_>) -> Result<Vec<(usize, usize)>> {
    let width = voices.iter().filter_map(|voice| voice.units.get(encoder)).map(Vec::len).max().unwrap_or(0);
    let matrix: Vec<f32> =
        voices.iter().filter_map(|voice| voice.units.get(encoder)).flat_map(|unit| unit.iter().copied()).collect();
    let near = (settings.threshold - 1e-4) as f32;
    let blocks = voices.len().div_ceil(BLOCK);
    let found = batch::map(blocks, settings.threads, |block| {
        let from = block * BLOCK;
        let members = voices.get(from..(from + BLOCK).min(voices.len())).unwrap_or_default();
        let units = members.iter().filter_map(|voice| voice.units.get(encoder)).map(Vec::as_slice);
        let queries = Queries::new(width, units);
        let mut pairs = Vec::new();
        let mut products = vec![0.0; BLOCK * queries.columns()];
        for (at, rows) in matrix.chunks((BLOCK * width).max(1)).enumerate().skip(block) {
            queries.products(rows, width, 0, &mut products);
            for (row, products) in products.chunks_exact(queries.columns()).take(rows.len() / width.max(1)).enumerate()
            {
                let b = at * BLOCK + row;
                for (column, product) in products.iter().enumerate().take(members.len()) {
                    let a = from + column;
                    if a < b && *product >= near {
                        let pair = voices.get(a).zip(voices.get(b));
                        let reaches = pair.is_some_and(|(a, b)| cosine_of(a, b, encoder) >= settings.threshold);
                        pairs.extend(reaches.then_some((a, b)));
                    }
                }
            }
        }
        pairs
    })?;
    Ok(found.into_iter().flatten().collect())
}

/// Voices that are joined directly or through others, two or more at a time.
fn components(count: usize, edges: &[(usize, usize)]) -> Vec<Vec<usize>> {
    let mut joined = Joined::new(count);
    edges.iter().for_each(|(a, b)| joined.join(*a, *b));
    let mut all: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for at in 0..count {
        all.entry(joined.root(at)).or_default().push(at);
    }
    all.into_values().filter(|component| component.len() > 1).collect()
}

/// The groups of a component. Average linkage of all voices would give the same, for no group reaches beyond one.
fn linked(component: &[usize], voices: &[Voice], encoder: Encoder, threshold: f64) -> Vec<Group> {
    let members: Vec<&Voice> = component.iter().filter_map(|at| voices.get(*at)).collect();
    let n = members.len();
    let mut distances = Vec::with_capacity(n * n / 2);
    for (i, a) in members.iter().enumerate() {
        distances.extend(members.iter().skip(i + 1).map(|b| 1.0 - cosine_of(a, b, encoder)));
    }
    let tree = kodama::linkage(&mut distances, n, kodama::Method::Average);
    let mut clusters: Vec<Option<Vec<usize>>> = (0..n).map(|at| Some(vec![at])).collect();
    for step in tree.steps() {
        let joined = if step.dissimilarity <= 1.0 - threshold + 1e-12 {
            let parts = [step.cluster1, step.cluster2].map(|at| clusters.get_mut(at).and_then(Option::take));
            match parts {
                [Some(mut a), Some(b)] => {
                    a.extend(b);
                    Some(a)
                }
                // A part that was not joined itself stays as it is.
                [a, b] => {
                    for (at, part) in [(step.cluster1, a), (step.cluster2, b)] {
                        clusters.get_mut(at).into_iter().for_each(|slot| slot.clone_from(&part));
                    }
                    None
                }
            }
        } else {
            None
        };
        clusters.push(joined);
    }
    clusters
        .into_iter()
        .flatten()
        .filter(|cluster| cluster.len() > 1)
        .map(|mut cluster| {
            cluster.sort_unstable();
            let of: Vec<&Voice> = cluster.iter().filter_map(|at| members.get(*at).copied()).collect();
            described(&of, encoder)
        })
        .collect()
}

fn described(members: &[&Voice], encoder: Encoder) -> Group {
    let (mut all, mut least) = (0.0, f64::INFINITY);
    let mut told = Vec::with_capacity(members.len());
    for (i, voice) in members.iter().enumerate() {
        let others = members.iter().enumerate().filter(|(j, _)| *j != i);
        let cosines: Vec<(f64, &Voice)> = others.map(|(_, other)| (cosine_of(voice, other, encoder), *other)).collect();
        let sum: f64 = cosines.iter().map(|(cosine, _)| cosine).sum();
        least = cosines.iter().map(|(cosine, _)| *cosine).fold(least, f64::min);
        all += sum;
        let nearest = cosines.iter().max_by(|a, b| a.0.total_cmp(&b.0).then_with(|| b.1.name.cmp(&a.1.name)));
        let to_nearest = nearest.map(|(_, other)| {
            voice.units.encoders().map(|encoder| (encoder, cosine_of(voice, other, encoder))).collect()
        });
        told.push(Member {
            voice: voice.name.clone(),
            clips: voice.clips,
            net_speech_s: voice.net_speech_s,
            mean: sum / cosines.len().max(1) as f64,
            nearest: nearest.map(|(_, other)| other.name.clone()).unwrap_or_default(),
            to_nearest: to_nearest.unwrap_or_default(),
        });
    }
    let pairs = (members.len() * members.len().saturating_sub(1)).max(1);
    Group { mean: all / pairs as f64, least, members: told }
}

/// How many pairs of different people's voices reach the threshold, by a population.
fn by_chance(
    cohort: &Cohort,
    encoder: Encoder,
    voices: usize,
    prints: &PerEncoder<String>,
    settings: &GroupSettings<'_>,
) -> Option<ChancePairs> {
    let population = cohort.population(settings.band, [encoder], &[]);
    let embeddings = population.voices.iter().filter_map(|voice| voice.embeddings.get(encoder));
    let embeddings: Vec<_> =
        embeddings.filter(|embedding| Some(&embedding.fingerprint) == prints.get(encoder)).collect();
    let mut reached = 0;
    for (i, a) in embeddings.iter().enumerate() {
        let close = |b: &&&crate::encoder::Embedding| {
            crate::encoder::cosine(&a.values, &b.values).is_some_and(|cosine| cosine >= settings.threshold)
        };
        reached += embeddings.iter().skip(i + 1).filter(close).count();
    }
    let pairs = |n: usize| n * n.saturating_sub(1) / 2;
    let of = pairs(embeddings.len());
    (of > 0).then(|| ChancePairs { reached, of, expected: pairs(voices) as f64 * reached as f64 / of as f64 })
}
