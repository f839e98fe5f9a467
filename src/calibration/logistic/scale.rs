//! The scale of each feature, so that a ridge means the same for all of them.

use super::{LabelledRows, Logistic, Trial};

/// Mean and standard deviation of each column, under the weights of the loss.
pub(super) struct Scale {
    pub mean: Vec<f64>,
    /// One over the standard deviation; 0 for a column that says nothing.
    pub factor: Vec<f64>,
}

impl Scale {
    pub fn of(rows: &LabelledRows<'_>, prior: f64, [non_targets, targets]: [f64; 2]) -> Self {
        let share =
            |trial: &Trial<'_>| trial.weight * if trial.target { prior / targets } else { (1.0 - prior) / non_targets };
        let mut mean = vec![0.0; rows.width];
        for trial in rows.trials() {
            let share = share(&trial);
            mean.iter_mut().zip(trial.features).for_each(|(mean, x)| *mean += share * x);
        }
        let mut variance = vec![0.0; rows.width];
        for trial in rows.trials() {
            let share = share(&trial);
            let columns = variance.iter_mut().zip(trial.features.iter().zip(&mean));
            columns.for_each(|(variance, (x, mean))| *variance += share * (x - mean) * (x - mean));
        }
        // A column that is constant but for rounding says nothing.
        let factor = |(variance, mean): (&f64, &f64)| {
            let deviation = variance.sqrt();
            if deviation > 1e-12 * mean.abs() { 1.0 / deviation } else { 0.0 }
        };
        let factor = variance.iter().zip(&mean).map(factor).collect();
        Scale { mean, factor }
    }

    pub fn constant(&self, column: usize) -> bool {
        self.factor.get(column) == Some(&0.0)
    }

    /// The intercept and the coefficients of standardised features; 0 without a start, or one of another width.
    pub fn standardised(&self, start: Option<&Logistic>, bounds: &[bool]) -> Vec<f64> {
        let start = start.filter(|start| start.coefficients.len() == self.mean.len());
        let Some(start) = start else { return vec![0.0; bounds.len()] };
        let products = start.coefficients.iter().zip(&self.mean).map(|(w, mean)| w * mean);
        let columns = start.coefficients.iter().zip(&self.factor);
        let scaled = columns.map(|(w, factor)| if *factor > 0.0 { w / factor } else { 0.0 });
        let all = std::iter::once(start.intercept + products.sum::<f64>()).chain(scaled);
        all.zip(bounds).map(|(b, bound)| if *bound { b.max(0.0) } else { b }).collect()
    }

    /// The map of plain features.
    pub fn plain(&self, standardised: &[f64]) -> Logistic {
        let columns = standardised.iter().skip(1).zip(&self.factor);
        let coefficients: Vec<f64> = columns.map(|(b, factor)| b * factor).collect();
        let shift: f64 = coefficients.iter().zip(&self.mean).map(|(w, mean)| w * mean).sum();
        Logistic { intercept: standardised.first().copied().unwrap_or_default() - shift, coefficients }
    }
}
