//! The population that MFCC statistics are normalised by.
//!
//! Raw means and deviations share most of their direction across all voices; taking off the population's mean and
//! dividing by its deviation leaves what sets a voice apart. The table that ships was computed from the clips named in
//! it; `models/README.md` says how.

use super::band::Band;
use crate::error::{ErrorKind, Result, Shortage};
use serde::{Deserialize, Serialize};

/// Means and deviations of raw embeddings over a population.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Background {
    /// Who the population is, for the reader.
    pub source: String,
    /// Number of clips.
    pub clips: usize,
    /// Number of speakers.
    pub speakers: usize,
    /// Mean of each value.
    pub mean: Vec<f32>,
    /// Standard deviation of each value.
    pub deviation: Vec<f32>,
}

impl Background {
    /// The table of a band that ships with the program.
    ///
    /// # Errors
    /// [`ErrorKind::Model`] where the file that was built in is no such table.
    pub fn built_in(band: Band) -> Result<Self> {
        let text = match band {
            Band::Wide => include_str!("../../models/mfcc_background.json"),
            Band::Narrow => include_str!("../../models/mfcc_background_narrow.json"),
        };
        serde_json::from_str(text).map_err(|error| {
            let expected = "a table of means and deviations".into();
            ErrorKind::Model { name: "mfcc_background", found: error.to_string(), expected }.into()
        })
    }

    /// The table of a population's raw embeddings, all of one length; deviations are those of the population (divided
    /// by `n`).
    ///
    /// # Errors
    /// [`ErrorKind::Insufficient`] below two clips or where a value never varies.
    pub fn of(source: &str, speakers: usize, embeddings: &[Vec<f32>]) -> Result<Self> {
        let n = embeddings.len();
        let width = embeddings.first().map_or(0, Vec::len);
        let column = |i: usize| embeddings.iter().map(move |e| f64::from(e.get(i).copied().unwrap_or(0.0)));
        let mean: Vec<f64> = (0..width).map(|i| column(i).sum::<f64>() / n as f64).collect();
        let variance = |(i, m): (usize, &f64)| column(i).map(|x| (x - m) * (x - m)).sum::<f64>() / n as f64;
        let deviation: Vec<f64> = mean.iter().enumerate().map(|v| variance(v).sqrt()).collect();
        if n < 2 || !deviation.iter().all(|d| *d > 0.0) {
            let (found, expected) = (format!("{n} clips"), "at least two clips that differ".into());
            return Err(ErrorKind::Insufficient { what: Shortage::Background, found, expected }.into());
        }
        let narrow = |x: Vec<f64>| x.into_iter().map(|v| v as f32).collect();
        Ok(Background { source: source.into(), clips: n, speakers, mean: narrow(mean), deviation: narrow(deviation) })
    }

    /// `(x - mean) / deviation`, in place.
    pub fn normalise(&self, values: &mut [f32]) {
        for ((x, mean), deviation) in values.iter_mut().zip(&self.mean).zip(&self.deviation) {
            *x = (*x - mean) / deviation;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_population_normalised_by_itself_has_mean_zero_and_deviation_one() {
        let population = vec![vec![1.0, 10.0], vec![3.0, 14.0], vec![5.0, 12.0]];
        let background = Background::of("three", 3, &population).unwrap();
        assert_eq!(background.mean, [3.0, 12.0]);
        let mut x = vec![5.0, 12.0];
        background.normalise(&mut x);
        assert!((x[0] - 1.5f32.sqrt()).abs() < 1e-6 && x[1] == 0.0);
    }

    #[test]
    fn a_population_that_does_not_vary_is_refused() {
        assert!(Background::of("one", 1, &[vec![1.0]]).is_err());
        assert!(Background::of("same", 2, &[vec![1.0], vec![1.0]]).is_err());
    }
}
