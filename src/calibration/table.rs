//! A rising map of scores to log-likelihood ratios, given by knots, as the calibrators hand it out.

use crate::error::{Error, ErrorKind, Shortage};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Knots with rising scores and ratios that never fall; below the first and above the last the map is flat, so that it
/// never goes beyond what it was fitted on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "Vec<[f64; 2]>", into = "Vec<[f64; 2]>")]
#[schemars(with = "Vec<[f64; 2]>")]
pub struct Table(Vec<[f64; 2]>);

impl Table {
    /// The knots, each a score and its natural-log likelihood ratio.
    pub fn knots(&self) -> &[[f64; 2]] {
        &self.0
    }

    /// The ratios of the knots on both sides of a score, and how far it lies from the first to the second, 0 to 1.
    /// None where the score is not a number.
    pub(super) fn around(&self, score: f64) -> Option<(f64, f64, f64)> {
        if score.is_nan() {
            return None;
        }
        let above = self.0.partition_point(|[knot, _]| *knot <= score);
        let knot = |index: Option<usize>| index.and_then(|index| self.0.get(index)).copied();
        match (knot(above.checked_sub(1)), knot(Some(above))) {
            (Some([x0, y0]), Some([x1, y1])) => Some((y0, y1, (score - x0) / (x1 - x0))),
            (Some([_, y]), None) | (None, Some([_, y])) => Some((y, y, 0.0)),
            (None, None) => None,
        }
    }
}

impl TryFrom<Vec<[f64; 2]>> for Table {
    type Error = Error;

    fn try_from(knots: Vec<[f64; 2]>) -> Result<Self, Error> {
        let finite = knots.iter().flatten().all(|x| x.is_finite());
        let rising = knots.is_sorted_by(|[x0, y0], [x1, y1]| x0 < x1 && y0 <= y1);
        if knots.is_empty() || !finite || !rising {
            let found = format!("a table of {} knots that are not finite, or not in order", knots.len());
            let expected = "one knot or more, with rising scores and ratios that do not fall".into();
            return Err(ErrorKind::Insufficient { what: Shortage::Figure("calibration"), found, expected }.into());
        }
        Ok(Table(knots))
    }
}

impl From<Table> for Vec<[f64; 2]> {
    fn from(table: Table) -> Self {
        table.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_flat_outside_and_linear_inside() {
        let table = Table::try_from(vec![[0.0, -1.0], [2.0, 3.0], [3.0, 3.0]]).unwrap();
        let at = |score| table.around(score).map(|(low, high, share)| low + share * (high - low));
        let answers = [(-9.0, -1.0), (0.0, -1.0), (0.5, 0.0), (2.0, 3.0), (2.5, 3.0), (9.0, 3.0), (f64::INFINITY, 3.0)];
        for (score, llr) in answers {
            assert_eq!(at(score), Some(llr), "{score}");
        }
        assert_eq!(at(f64::NAN), None);
        let json = serde_json::to_string(&table).unwrap();
        assert_eq!(json, "[[0.0,-1.0],[2.0,3.0],[3.0,3.0]]");
        assert_eq!(serde_json::from_str::<Table>(&json).unwrap(), table);
        for bad in ["[]", "[[0,1],[0,2]]", "[[0,1],[1,0]]", "[[1,0],[0,0]]"] {
            assert!(serde_json::from_str::<Table>(bad).is_err(), "{bad}");
        }
    }
}
