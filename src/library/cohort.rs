//! A relevant population as a file, and how one is made of clips.
//!
//! The file is in the safetensors format: one matrix `(voices, values)` of single-precision numbers a band and encoder,
//! such as `wide.campplus`, one matrix `descriptors` of acoustic-phonetic descriptors (not a number where a voice lacks
//! one; files made before there were any have none), and under the metadata key `cohort` a JSON text that says who the
//! voices and which the descriptors are. It holds no sound. The same clips give the same bytes.
//!
//! All of a file is checked when it is read; voices are made of it for the band and the encoders that are asked for,
//! for most comparisons want a small part.

use crate::compare::{CohortVoice, add_direction};
use crate::encoder::{Band, ClipAnalysis, Embedding, Encoder, Panel, PanelSettings, PerBand, PerEncoder};
use crate::error::{DocumentKind, Error, ErrorKind, Result, Shortage};
use crate::library::batch::{self, BatchOptions};
use crate::library::descriptors;
use crate::library::labels::selection::Filter;
use crate::voice::{Descriptor, Descriptors};
use safetensors::tensor::{Dtype, Metadata, SafeTensors, TensorView};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// What the file says it is.
pub const FORMAT: &str = "soundalike cohort";
/// The version of the format that is written and read.
pub const FORMAT_VERSION: u32 = 1;
/// Larger files are refused, bytes.
const MOST_BYTES: u64 = 4 << 30;
const METADATA_KEY: &str = "cohort";
/// The matrix of descriptors.
const DESCRIPTORS: &str = "descriptors";

/// Who the voices of a cohort are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CohortDescription {
    /// Always `soundalike cohort`.
    pub format: String,
    /// Version of the format, 1.
    pub version: u32,
    /// Version of the program that wrote it.
    pub program: String,
    /// Who the voices are and under which licence, for the reader.
    pub source: String,
    /// Fingerprint of the extractor behind each encoder's embeddings, wide band.
    pub fingerprints: PerEncoder<String>,
    /// The same of the narrow band.
    pub narrow_fingerprints: PerEncoder<String>,
    /// The descriptors, in the order of the columns of the matrix `descriptors`; not there in files without one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub descriptors: Vec<Descriptor>,
    /// The voices, in the order of the matrices' rows.
    pub voices: Vec<VoiceDescription>,
}

/// A voice of a cohort.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VoiceDescription {
    /// Its name.
    pub name: String,
    /// What is known of it, by column: kind, sex, language, age.
    pub attributes: BTreeMap<String, String>,
    /// Number of clips that its embedding is the mean of.
    pub clips: usize,
    /// Speech in them, seconds.
    pub net_speech_s: f64,
}

impl VoiceDescription {
    /// What is known of it in a column; empty where nothing is.
    fn attribute(&self, column: &str) -> &str {
        self.attributes.get(column).map_or("", String::as_str)
    }
}

/// A cohort with where it came from.
#[derive(Clone, Debug, PartialEq)]
pub struct Cohort {
    /// `built in`, or the file.
    pub origin: String,
    /// SHA-256 of the file.
    pub sha256: String,
    /// Who the voices are.
    pub description: CohortDescription,
    bytes: Cow<'static, [u8]>,
    matrices: PerBand<PerEncoder<Matrix>>,
    descriptors: Option<Matrix>,
}

/// Where a matrix of single-precision numbers, a row a voice, lies in the file. Its numbers have been checked.
#[derive(Clone, Debug, PartialEq)]
struct Matrix {
    at: Range<usize>,
    width: usize,
}

impl Matrix {
    /// The row of a voice.
    fn row(&self, bytes: &[u8], voice: usize) -> Option<Vec<f32>> {
        rows(bytes.get(self.at.clone())?, self.width).nth(voice).map(|row| numbers(row).collect())
    }
}

fn rows(bytes: &[u8], width: usize) -> std::slice::ChunksExact<'_, u8> {
    bytes.chunks_exact(4 * width.max(1))
}

fn numbers(row: &[u8]) -> impl Iterator<Item = f32> + '_ {
    row.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes))
}

/// A voice to be made of clips.
#[derive(Clone, Debug)]
pub struct VoiceClips {
    /// Its name.
    pub name: String,
    /// What is known of it.
    pub attributes: BTreeMap<String, String>,
    /// Its clips.
    pub clips: Vec<PathBuf>,
}

/// A cohort that was made, with what was left out of it.
#[derive(Clone, Debug)]
pub struct MadeCohort {
    /// Bytes of the file.
    pub bytes: Vec<u8>,
    /// The cohort as it will be read.
    pub cohort: Cohort,
    /// Clips that could not be used, and why.
    pub left_out: Vec<(PathBuf, String)>,
}

impl Cohort {
    /// The population that ships with the program.
    ///
    /// # Errors
    /// [`ErrorKind::Model`] where the file that was built in is none.
    pub fn built_in() -> Result<Self> {
        let wrong = |found, expected: &str| {
            Error::from(ErrorKind::Model { name: "cohort", found, expected: expected.to_string() })
        };
        let bytes: &'static [u8] = include_bytes!("../../models/cohort.safetensors");
        Self::parse("built in", bytes.into(), &wrong)
    }

    /// Reads and checks a cohort.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] where it cannot be read, [`ErrorKind::Document`] where it is no cohort of this version or one
    /// of its values cannot be right.
    pub fn read(path: &Path) -> Result<Self> {
        let wrong = |found, expected: &str| {
            let expected = expected.to_string();
            Error::from(ErrorKind::Document { path: path.into(), what: DocumentKind::Cohort, found, expected })
        };
        let bytes = crate::regular_file::read(path, MOST_BYTES, "a cohort")?;
        Self::parse(&crate::path_text::text_of(path), bytes.into(), &wrong)
    }

    fn parse(origin: &str, bytes: Cow<'static, [u8]>, wrong: &dyn Fn(String, &str) -> Error) -> Result<Self> {
        if bytes.is_empty() {
            return Err(wrong("an empty file".into(), "a cohort"));
        }
        let unreadable = |error: safetensors::SafeTensorError| wrong(error.to_string(), "a whole safetensors file");
        let (length, header) = SafeTensors::read_metadata(&bytes).map_err(unreadable)?;
        let text = header.metadata().as_ref().and_then(|metadata| metadata.get(METADATA_KEY));
        let text = text.ok_or_else(|| wrong("no description".into(), "one under the metadata key cohort"))?;
        let description: CohortDescription =
            serde_json::from_str(text).map_err(|error| wrong(error.to_string(), "the description of a cohort"))?;
        if description.format != FORMAT || description.version != FORMAT_VERSION {
            let found = format!("\"{}\" version {}", description.format, description.version);
            return Err(wrong(found, "a soundalike cohort of version 1; make it again with soundalike cohort"));
        }
        let data = LENGTH_BYTES + length;
        let matrix = |name: &str| matrix(name, &header, data, description.voices.len(), wrong);
        let mut described = None;
        if !description.descriptors.is_empty() {
            let matrix = matrix(DESCRIPTORS)?;
            let right = |row| !numbers(row).any(f32::is_infinite);
            let bytes = bytes.get(matrix.at.clone()).unwrap_or_default();
            if matrix.width != description.descriptors.len() || !rows(bytes, matrix.width).all(right) {
                return Err(wrong("other descriptors than named".into(), "a finite value for each"));
            }
            described = Some(matrix);
        }
        let embeddings = |band: Band, prints: &PerEncoder<String>| {
            prints.try_map(|encoder, _| {
                let name = format!("{band}.{encoder}");
                let matrix = matrix(&name)?;
                // Without its sign a number is finite below the pattern of infinity, and zero at 0.
                let size = |row: &[u8]| numbers(row).fold(0, |most, x| most.max(x.to_bits() << 1 >> 1));
                let some = |row| (1..f32::INFINITY.to_bits()).contains(&size(row));
                if !rows(bytes.get(matrix.at.clone()).unwrap_or_default(), matrix.width).all(some) {
                    return Err(wrong(format!("values of {name} that are infinite or all 0"), "numbers"));
                }
                Ok(matrix)
            })
        };
        let wide = embeddings(Band::Wide, &description.fingerprints)?;
        let narrow = embeddings(Band::Narrow, &description.narrow_fingerprints)?;
        let sha256 = crate::hash::hex(Sha256::digest(&bytes));
        let matrices = PerBand { wide, narrow };
        Ok(Cohort { origin: origin.into(), sha256, description, bytes, matrices, descriptors: described })
    }

    /// The voice of a row with the embeddings of some encoders.
    fn voice(&self, row: usize, band: Band, encoders: &[Encoder]) -> Option<CohortVoice> {
        let description = self.description.voices.get(row)?;
        let prints = &self.description;
        let prints = if band == Band::Narrow { &prints.narrow_fingerprints } else { &prints.fingerprints };
        let embedding = |encoder: &Encoder| {
            let values = self.matrices[band].get(*encoder)?.row(&self.bytes, row)?;
            Some((*encoder, Embedding { values, fingerprint: prints.get(*encoder)?.clone() }))
        };
        Some(CohortVoice {
            name: description.name.clone(),
            attributes: description.attributes.clone(),
            embeddings: encoders.iter().filter_map(embedding).collect(),
        })
    }

    /// Makes a cohort of voices, in the order given. A voice of which no clip can be used is left out.
    ///
    /// # Errors
    /// Where no voice is left, or so many threads cannot be had.
    pub fn make(panel: &Panel, source: &str, voices: &[VoiceClips], options: &BatchOptions<'_>) -> Result<MadeCohort> {
        let paths: Vec<PathBuf> = voices.iter().flat_map(|voice| voice.clips.iter().cloned()).collect();
        let narrow_panel = panel.narrow()?;
        let wide = batch::analyse(panel, &paths, options)?;
        let narrow = batch::analyse(&narrow_panel, &paths, options)?;
        let mut left_out = Vec::new();
        for analysis in &wide {
            if let Err(refusal) = &analysis.embeddings {
                left_out.push((analysis.path.clone(), refusal.to_string()));
            }
        }
        let (mut descriptions, mut rows, mut clips) = (Vec::new(), [Vec::new(), Vec::new()], Vec::new());
        let mut at = 0;
        for voice in voices {
            let part = at..at + voice.clips.len();
            at = part.end;
            let parts = [&wide, &narrow].map(|all| all.get(part.clone()).unwrap_or_default());
            let [Some(w), Some(n)] = parts.map(mean) else { continue };
            let used = || parts[0].iter().filter(|analysis| analysis.embeddings.is_ok());
            let speech = used().filter_map(|analysis| analysis.quality.as_ref().map(|quality| quality.net_speech_s));
            descriptions.push(VoiceDescription {
                name: voice.name.clone(),
                attributes: voice.attributes.clone(),
                clips: used().count(),
                net_speech_s: speech.sum(),
            });
            let [wide_rows, narrow_rows] = &mut rows;
            wide_rows.push(w);
            narrow_rows.push(n);
            clips.push(used().map(|analysis| analysis.path.clone()).collect());
        }
        if descriptions.is_empty() {
            let found = format!("{} voices, none with a clip that can be used", voices.len());
            let expected = "at least one voice with a clip of enough speech".into();
            return Err(ErrorKind::Insufficient { what: Shortage::Cohort, found, expected }.into());
        }
        let description = CohortDescription {
            format: FORMAT.into(),
            version: FORMAT_VERSION,
            program: crate::library::outcome::VERSION.into(),
            source: source.into(),
            fingerprints: panel.fingerprints().clone(),
            narrow_fingerprints: narrow_panel.fingerprints().clone(),
            descriptors: Descriptor::ALL.to_vec(),
            voices: descriptions,
        };
        let settings = panel.settings();
        let figures = descriptors::describe_voices(&clips, settings.channel, &settings.speech, options)?;
        let bytes = written(&description, &rows, &figures)?;
        let wrong = |found, expected: &str| {
            Error::from(ErrorKind::Model { name: "cohort", found, expected: expected.to_string() })
        };
        let cohort = Self::parse("just made", bytes.clone().into(), &wrong)?;
        Ok(MadeCohort { bytes, cohort, left_out })
    }

    /// The voices that pass all filters, with their embeddings of a band by some encoders. A filter on `kind` replaces
    /// the rule that a cohort's real voices, where it has some, are the population; the other kinds come second.
    pub fn population(
        &self,
        band: Band,
        encoders: impl IntoIterator<Item = Encoder>,
        filters: &[Filter],
    ) -> Population {
        let encoders: Vec<Encoder> = encoders.into_iter().collect();
        let (voices, others) = self.rows(filters);
        let voice = |row| self.voice(row, band, &encoders);
        let of_kind = |(kind, rows): (&str, Vec<usize>)| (kind.into(), rows.into_iter().filter_map(voice).collect());
        Population {
            voices: voices.into_iter().filter_map(voice).collect(),
            others: others.into_iter().map(of_kind).collect(),
        }
    }

    /// The acoustic-phonetic descriptors of the [population](Self::population), by [`unit`](Descriptor::unit); what
    /// could not be measured is not there. No voice where the file was made before there were any.
    pub fn descriptors(&self, filters: &[Filter]) -> Vec<BTreeMap<Descriptor, f64>> {
        let Some(matrix) = &self.descriptors else { return Vec::new() };
        let rows = self.rows(filters).0.into_iter().filter_map(|row| matrix.row(&self.bytes, row));
        rows.map(|row| descriptors::of_row(&self.description.descriptors, &row)).collect()
    }

    /// The rows of the population, and those of other kinds by their kind.
    fn rows(&self, filters: &[Filter]) -> (Vec<usize>, BTreeMap<&str, Vec<usize>>) {
        let passes = |voice: &VoiceDescription| filters.iter().all(|f| f.takes(voice.attribute(f.column())));
        let all = self.description.voices.iter().enumerate();
        let passing: Vec<(usize, &VoiceDescription)> = all.filter(|(_, voice)| passes(voice)).collect();
        let real = |(_, voice): &(usize, &VoiceDescription)| voice.attribute("kind") == "real";
        let by_kind = filters.iter().all(|filter| filter.column() != "kind") && passing.iter().any(real);
        let (voices, rest): (Vec<_>, Vec<_>) = passing.into_iter().partition(|voice| !by_kind || real(voice));
        let mut others: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        rest.into_iter().for_each(|(row, voice)| others.entry(voice.attribute("kind")).or_default().push(row));
        (voices.into_iter().map(|(row, _)| row).collect(), others)
    }
}

/// The voices that a candidate is ranked among.
#[derive(Clone, Debug, Default)]
pub struct Population {
    /// The population.
    pub voices: Vec<CohortVoice>,
    /// Voices of other kinds.
    pub others: BTreeMap<String, Vec<CohortVoice>>,
}

impl Population {
    /// That of a cohort in a panel's band by its encoders; empty without a cohort.
    pub(crate) fn of(panel: &Panel, cohort: Option<&Cohort>, filters: &[Filter]) -> Self {
        let PanelSettings { band, encoders, .. } = panel.settings();
        cohort.map(|cohort| cohort.population(*band, encoders.iter(), filters)).unwrap_or_default()
    }
}

/// Bytes before the header of a safetensors file: its length.
const LENGTH_BYTES: usize = 8;

/// Where a matrix with a row for each voice lies in a file whose numbers begin at `data`.
fn matrix(
    name: &str,
    header: &Metadata,
    data: usize,
    voices: usize,
    wrong: &dyn Fn(String, &str) -> Error,
) -> Result<Matrix> {
    let missing = || wrong(format!("no matrix {name}"), "one, as the description says");
    let tensor = header.info(name).ok_or_else(missing)?;
    let [rows, width] = *tensor.shape.as_slice() else {
        return Err(wrong(format!("{name} of {} dimensions", tensor.shape.len()), "two dimensions"));
    };
    if tensor.dtype != Dtype::F32 || rows != voices || width == 0 {
        let found = format!("{name} of {rows} rows, {width} values and type {:?}", tensor.dtype);
        return Err(wrong(found, "a row of 32-bit floats for each voice"));
    }
    let (start, end) = tensor.data_offsets;
    Ok(Matrix { at: data + start..data + end, width })
}

/// Mean of the embeddings of those analyses that have some, each brought to length one first.
fn mean(analyses: &[ClipAnalysis]) -> Option<PerEncoder<Vec<f32>>> {
    let mut sums: PerEncoder<Vec<f64>> = PerEncoder::default();
    let mut n = 0.0;
    for embeddings in analyses.iter().filter_map(|analysis| analysis.embeddings.as_ref().ok()) {
        for (encoder, embedding) in embeddings.iter() {
            let mut sum = sums.take(encoder).unwrap_or_default();
            add_direction(&mut sum, &embedding.values)?;
            sums.set(encoder, sum);
        }
        n += 1.0;
    }
    (n > 0.0).then(|| sums.map(|_, sum| sum.iter().map(|s| (s / n) as f32).collect()))
}

/// The bytes of the file. The description is one metadata entry, so that the order of entries cannot change.
fn written(
    description: &CohortDescription,
    rows: &[Vec<PerEncoder<Vec<f32>>>; 2],
    figures: &[Descriptors],
) -> Result<Vec<u8>> {
    let failed = |found: String| ErrorKind::Model { name: "cohort", found, expected: "a matrix of voices".into() };
    let text = serde_json::to_string(description).map_err(|error| failed(error.to_string()))?;
    let figures = figures.iter().flat_map(descriptors::row).flat_map(f32::to_le_bytes).collect();
    let mut matrices: Vec<(String, usize, Vec<u8>)> =
        vec![(DESCRIPTORS.into(), description.descriptors.len(), figures)];
    for (band, rows) in Band::ALL.into_iter().zip(rows) {
        for encoder in rows.first().into_iter().flat_map(PerEncoder::encoders) {
            let values = rows.iter().filter_map(|row| row.get(encoder));
            let width = values.clone().next().map_or(0, Vec::len);
            let bytes = values.flatten().flat_map(|x| x.to_le_bytes()).collect();
            matrices.push((format!("{band}.{encoder}"), width, bytes));
        }
    }
    let views = matrices.iter().map(|(name, width, bytes)| {
        let view = TensorView::new(Dtype::F32, vec![description.voices.len(), *width], bytes);
        Ok::<_, Error>((name.clone(), view.map_err(|error| failed(error.to_string()))?))
    });
    let views = views.collect::<Result<Vec<_>>>()?;
    let metadata = [(METADATA_KEY.to_string(), text)].into_iter().collect();
    safetensors::serialize(views, Some(metadata)).map_err(|error| failed(error.to_string()).into())
}
