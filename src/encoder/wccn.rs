//! The trained linear encoder: what varies within a voice counts less.
//!
//! Two recordings of one voice differ more in some directions of the statistics than in others. Within-class covariance
//! normalisation (Hatch, Kajarekar and Stolcke, "Within-class covariance normalization for SVM-based speaker
//! recognition", 2006) measures that on labelled recordings and divides it out, so that the cosine weighs each
//! direction by how steady it is. The map is one matrix that anybody can apply; nothing else is learned.
//!
//! The statistics are those of the log mel filter bank over speech: its mean, as cepstra of every order but 0 (so the
//! level drops out), and the standard deviation of each band. How the choice was made is in docs/history/accuracy.md.

use super::background::Background;
use super::band::Band;
use super::mfcc::{MfccCollector, Statistics};
use crate::error::{ErrorKind, Result, Shortage};
use crate::feature::{FilterBankSettings, Lifter, dct_matrix};
use serde::{Deserialize, Serialize};

/// The name under which errors speak of the table.
const NAME: &str = "mfcc_wccn";

/// A mean and a whitening matrix: `y[i] = sum over j <= i of rows[i][j] (x[j] - mean[j])`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WccnTable {
    /// Who the voices are, for the reader.
    pub source: String,
    /// Number of clips that the mean was taken of.
    pub mean_clips: usize,
    /// Number of speakers that the mean was taken of.
    pub mean_speakers: usize,
    /// Number of clips, of voices with two or more, that the variation within a voice was measured on.
    pub clips: usize,
    /// Number of their voices.
    pub voices: usize,
    /// Share of the covariance that was replaced by a sphere of the same trace.
    pub shrinkage: f64,
    /// Mean of each value.
    pub mean: Vec<f32>,
    /// The matrix, lower triangular: row `i` has `i + 1` values.
    pub rows: Vec<Vec<f32>>,
}

impl WccnTable {
    /// The table of a band that ships with the program.
    ///
    /// # Errors
    /// [`ErrorKind::Model`] where the file that was built in is no such table.
    pub fn built_in(band: Band) -> Result<Self> {
        let text = match band {
            Band::Wide => include_str!("../../models/mfcc_wccn.json"),
            Band::Narrow => include_str!("../../models/mfcc_wccn_narrow.json"),
        };
        serde_json::from_str(text).map_err(|error| {
            let expected = "a mean and a whitening matrix".into();
            ErrorKind::Model { name: NAME, found: error.to_string(), expected }.into()
        })
    }

    /// The table of voices, each given as the raw embeddings of its clips; a voice of one clip is not used. Values are
    /// brought to the background's mean and deviation first. `shrinkage`, 0 to 1, keeps directions in which the voices
    /// hardly varied from counting without bound.
    ///
    /// # Errors
    /// [`ErrorKind::Insufficient`] where no voice has two clips, lengths differ, or the covariance has no inverse.
    pub fn of(source: &str, background: &Background, voices: &[Vec<Vec<f32>>], shrinkage: f64) -> Result<Self> {
        let n = background.mean.len();
        let insufficient = |found: String| {
            let expected = format!("two clips or more a voice, of {n} values that vary");
            ErrorKind::Insufficient { what: Shortage::Covariance, found, expected }
        };
        let scale: Vec<f64> = background.deviation.iter().map(|d| f64::from(*d)).collect();
        let used: Vec<_> = voices.iter().filter(|voice| voice.len() > 1).collect();
        let clips: usize = used.iter().map(|voice| voice.len()).sum();
        if used.is_empty() || scale.len() != n || used.iter().any(|voice| voice.iter().any(|x| x.len() != n)) {
            return Err(insufficient(format!("{clips} clips of {} voices", used.len())).into());
        }
        let mut covariance = vec![vec![0.0f64; n]; n];
        for voice in &used {
            let column = |j: usize| voice.iter().map(move |x| x.get(j).map_or(0.0, |v| f64::from(*v)));
            let centre: Vec<f64> = (0..n).map(|j| column(j).sum::<f64>() / voice.len() as f64).collect();
            for clip in *voice {
                let values = clip.iter().zip(&centre).zip(&scale);
                let z: Vec<f64> = values.map(|((x, m), s)| (f64::from(*x) - m) / s).collect();
                for (row, a) in covariance.iter_mut().zip(&z) {
                    row.iter_mut().zip(&z).for_each(|(c, b)| *c += a * b);
                }
            }
        }
        let freedom = (clips - used.len()) as f64;
        let trace: f64 = covariance.iter().enumerate().filter_map(|(i, row)| row.get(i)).sum::<f64>() / freedom;
        for (i, row) in covariance.iter_mut().enumerate() {
            row.iter_mut().for_each(|c| *c *= (1.0 - shrinkage) / freedom);
            row.iter_mut().skip(i).take(1).for_each(|c| *c += shrinkage * trace / n as f64);
        }
        let whitening = cholesky(&covariance).map(|factor| inverse_of_lower(&factor));
        let whitening = whitening.ok_or_else(|| insufficient(format!("a singular covariance of {clips} clips")))?;
        let narrow = |row: Vec<f64>| row.iter().zip(&scale).map(|(x, s)| (x / s) as f32).collect();
        Ok(WccnTable {
            source: source.into(),
            mean_clips: background.clips,
            mean_speakers: background.speakers,
            clips,
            voices: used.len(),
            shrinkage,
            mean: background.mean.clone(),
            rows: whitening.into_iter().map(narrow).collect(),
        })
    }

    /// Refuses a table that does not map `width` finite values to as many.
    ///
    /// # Errors
    /// [`ErrorKind::Model`] says what the table has instead.
    pub fn check(&self, width: usize) -> Result<()> {
        let triangular = self.rows.iter().enumerate().all(|(i, row)| row.len() == i + 1);
        let finite = self.mean.iter().chain(self.rows.iter().flatten()).all(|x| x.is_finite());
        if [self.mean.len(), self.rows.len()] == [width; 2] && triangular && finite {
            return Ok(());
        }
        let found = match (triangular, finite) {
            (true, true) => format!("{} means and {} rows", self.mean.len(), self.rows.len()),
            (false, _) => "rows that are no triangle".into(),
            (true, false) => "values that are not finite".into(),
        };
        let expected = format!("{width} means and as many rows, of 1 to {width} finite values");
        Err(ErrorKind::Model { name: NAME, found, expected }.into())
    }

    /// The embedding of a raw one. Sums are in double precision and in the order of the values.
    pub fn apply(&self, values: &[f32]) -> Vec<f32> {
        let centred: Vec<f64> = values.iter().zip(&self.mean).map(|(x, m)| f64::from(*x) - f64::from(*m)).collect();
        let dot = |row: &Vec<f32>| row.iter().zip(&centred).map(|(r, x)| f64::from(*r) * x).sum::<f64>() as f32;
        self.rows.iter().map(dot).collect()
    }
}

/// The lower triangle `L` of `L L^T = matrix`; none where the matrix is not positive definite. Row `i` has `i + 1`
/// values.
fn cholesky(matrix: &[Vec<f64>]) -> Option<Vec<Vec<f64>>> {
    let mut lower: Vec<Vec<f64>> = Vec::with_capacity(matrix.len());
    for (i, row) in matrix.iter().enumerate() {
        let mut new: Vec<f64> = Vec::with_capacity(i + 1);
        for (j, above) in lower.iter().enumerate() {
            let sum: f64 = new.iter().zip(above).map(|(a, b)| a * b).sum();
            new.push((row.get(j)? - sum) / above.get(j)?);
        }
        let pivot = row.get(i)? - new.iter().map(|a| a * a).sum::<f64>();
        if !(pivot > 0.0 && pivot.is_finite()) {
            return None;
        }
        new.push(pivot.sqrt());
        lower.push(new);
    }
    Some(lower)
}

/// The inverse of a lower triangle, itself one.
fn inverse_of_lower(lower: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let mut inverse: Vec<Vec<f64>> = Vec::with_capacity(lower.len());
    for (i, row) in lower.iter().enumerate() {
        let mut new = vec![0.0f64; i];
        for (factor, done) in row.iter().zip(&inverse) {
            new.iter_mut().zip(done).for_each(|(x, d)| *x -= factor * d);
        }
        new.push(1.0);
        let pivot = row.get(i).copied().unwrap_or(1.0);
        new.iter_mut().for_each(|x| *x /= pivot);
        inverse.push(new);
    }
    inverse
}

/// The encoder, ready to be used by any number of threads.
pub struct WccnEncoder {
    bands: usize,
    /// `(bands - 1, bands)`: the cosine transform without order 0.
    cosines: Vec<f32>,
    table: Option<WccnTable>,
}

impl WccnEncoder {
    /// Checks the table against the filter bank whose rows will come. Without a table the embeddings are raw, as a
    /// table is made of.
    ///
    /// # Errors
    /// [`ErrorKind::Setting`] below two bands, [`ErrorKind::Model`] where the table is of another length than the
    /// embeddings.
    pub fn new(bank: &FilterBankSettings, table: Option<WccnTable>) -> Result<Self> {
        let bands = bank.mel.bands;
        if bands < 2 {
            let expected = "2 or more".into();
            return Err(ErrorKind::Setting { name: "bands", found: bands.to_string(), expected }.into());
        }
        let cosines = dct_matrix(bands, bands, Lifter::Off).split_off(bands);
        let encoder = WccnEncoder { bands, cosines, table };
        encoder.table.iter().try_for_each(|table| table.check(encoder.width()))?;
        Ok(encoder)
    }

    /// Number of values of an embedding: twice the bands, less one.
    pub fn width(&self) -> usize {
        2 * self.bands - 1
    }

    /// The embedding of a clip in memory: rows of the log filter bank, row-major, and whether each is speech. None
    /// where no row is.
    pub fn encode(&self, rows: &[f32], keep: &[bool]) -> Option<Vec<f32>> {
        let mut collector = self.collector();
        collector.push_rows(rows);
        keep.iter().for_each(|keep| collector.push_decision(*keep));
        self.embed(&collector.finish())
    }

    /// A collector of rows of the log filter bank, for one clip after another.
    pub(crate) fn collector(&self) -> MfccCollector {
        MfccCollector::new(self.bands, 0, self.bands)
    }

    /// The embedding of the statistics; none where no frame was kept.
    pub(crate) fn embed(&self, statistics: &Statistics) -> Option<Vec<f32>> {
        let bank = statistics.means_and_deviations()?;
        let (means, deviations) = bank.split_at_checked(self.bands)?;
        let dot = |row: &[f32]| row.iter().zip(means).map(|(c, m)| f64::from(*c) * f64::from(*m)).sum::<f64>() as f32;
        let cepstra = self.cosines.chunks_exact(self.bands).map(dot);
        let raw: Vec<f32> = cepstra.chain(deviations.iter().copied()).collect();
        Some(match &self.table {
            Some(table) => table.apply(&raw),
            None => raw,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feature::{FirstCoefficient, kaldi_mfcc};

    fn bank(bands: usize) -> FilterBankSettings {
        kaldi_mfcc(bands, 2, FirstCoefficient::Cepstrum).filter_bank
    }

    fn background(deviation: Vec<f32>) -> Background {
        Background { source: String::new(), clips: 9, speakers: 3, mean: vec![0.5; deviation.len()], deviation }
    }

    fn voices() -> Vec<Vec<Vec<f32>>> {
        vec![
            vec![vec![0.0, 0.0], vec![4.0, 2.0], vec![2.0, -2.0]],
            vec![vec![9.0, 1.0], vec![5.0, 0.0]],
            vec![vec![100.0, 100.0]],
        ]
    }

    /// Covariance within the voices that have two clips, in units of the values.
    fn within(map: impl Fn(&Vec<f32>) -> Vec<f32>) -> [[f64; 2]; 2] {
        let mut covariance = [[0.0; 2]; 2];
        for voice in voices().iter().filter(|voice| voice.len() > 1) {
            let clips: Vec<_> = voice.iter().map(&map).collect();
            let mean = |j: usize| clips.iter().map(|x| f64::from(x[j])).sum::<f64>() / clips.len() as f64;
            for clip in &clips {
                for (i, row) in covariance.iter_mut().enumerate() {
                    for (j, c) in row.iter_mut().enumerate() {
                        *c += (f64::from(clip[i]) - mean(i)) * (f64::from(clip[j]) - mean(j)) / 3.0;
                    }
                }
            }
        }
        covariance
    }

    #[test]
    fn the_variation_within_a_voice_becomes_a_sphere() {
        assert!(within(Vec::clone)[0][1].abs() > 0.1);
        for deviation in [vec![1.0, 1.0], vec![3.0, 0.2]] {
            let table = WccnTable::of("two", &background(deviation), &voices(), 0.0).unwrap();
            assert_eq!((table.clips, table.voices, table.mean_clips), (5, 2, 9));
            let covariance = within(|x| table.apply(x));
            for (i, row) in covariance.iter().enumerate() {
                for (j, c) in row.iter().enumerate() {
                    assert!((c - if i == j { 1.0 } else { 0.0 }).abs() < 1e-5, "{covariance:?}");
                }
            }
            assert_eq!(table.apply(&[0.5, 0.5]), [0.0, 0.0]);
        }
    }

    #[test]
    fn full_shrinkage_leaves_the_directions_of_the_background() {
        let table = WccnTable::of("two", &background(vec![1.0, 2.0]), &voices(), 1.0).unwrap();
        let y = table.apply(&[1.5, 2.5]);
        assert!((y[0] - y[1]).abs() < 1e-6, "{y:?}");
    }

    #[test]
    fn voices_that_say_nothing_are_refused() {
        let unit = background(vec![1.0, 1.0]);
        assert!(WccnTable::of("none", &unit, &[vec![vec![1.0, 2.0]]], 0.1).is_err());
        assert!(WccnTable::of("still", &unit, &[vec![vec![1.0, 2.0]; 3]], 0.1).is_err());
        assert!(WccnTable::of("long", &unit, &[vec![vec![1.0], vec![2.0]]], 0.1).is_err());
        let line = vec![vec![0.0, 0.0], vec![1.0, 1.0], vec![2.0, 2.0]];
        assert!(WccnTable::of("line", &unit, &[line], 0.0).is_err());
    }

    #[test]
    fn the_shipped_tables_fit_the_default_filter_banks() {
        let settings = crate::encoder::PanelSettings::default();
        for (band, settings, width) in [(Band::Wide, settings.clone(), 79), (Band::Narrow, settings.narrow(), 53)] {
            let table = WccnTable::built_in(band).unwrap();
            let bank = settings.mfcc.feature.filter_bank;
            assert_eq!(WccnEncoder::new(&bank, Some(table.clone())).unwrap().width(), width);
            assert!(table.apply(&table.mean).iter().all(|x| *x == 0.0));
        }
    }

    #[test]
    fn a_table_of_another_shape_is_refused() {
        let mut table = WccnTable::of("two", &background(vec![1.0, 2.0]), &voices(), 0.5).unwrap();
        assert!(table.check(2).is_ok());
        let error = WccnEncoder::new(&bank(23), Some(table.clone())).err().unwrap();
        assert!(error.to_string().contains("2 means and 2 rows"), "{error}");
        table.rows[1][0] = f32::NAN;
        assert!(table.check(2).unwrap_err().to_string().contains("not finite"));
        table.rows[1].pop();
        assert!(table.check(2).unwrap_err().to_string().contains("no triangle"));
    }

    #[test]
    fn raw_embeddings_are_cepstra_of_the_mean_and_deviations_of_the_bands() {
        let encoder = WccnEncoder::new(&bank(2), None).unwrap();
        let rows = [1.0, 5.0, 99.0, -99.0, 3.0, 5.0];
        let values = encoder.encode(&rows, &[true, false, true]).unwrap();
        // The mean (2, 5) has the order 1 cepstrum (2 - 5) / sqrt(2).
        let expected = [-3.0 / 2.0f32.sqrt(), 1.0, 0.0];
        assert!(values.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-5), "{values:?}");
        assert_eq!(encoder.encode(&rows, &[false; 3]), None);
        let louder: Vec<f32> = rows.iter().map(|x| x + 7.0).collect();
        let louder = encoder.encode(&louder, &[true, false, true]).unwrap();
        assert!(values.iter().zip(louder).all(|(a, b)| (a - b).abs() < 1e-5));
    }
}
