//! A rule that a validation must pass, set before looking at the figures.
//!
//! It holds where the interval of the figure keeps to it, not the figure alone: a rate of 0 in eight trials does not show
//! that the rate is below 1 %.

use crate::calibration::metrics::{ErrorRates, Estimate, FusionRates};
use crate::encoder::{Encoder, PerEncoder};
use crate::error::{Error, ErrorKind, Result};
use schemars::JsonSchema;
use serde::Serialize;
use std::fmt;
use std::str::FromStr;

/// A figure and a limit, such as `cllr<0.2` (of the calibrated ratio) or `campplus.eer<=0.05` (of one encoder).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rule {
    encoder: Option<Encoder>,
    figure: RuleFigure,
    comparison: Comparison,
    limit: f64,
}

/// What became of a rule.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct RuleResult {
    /// The rule as it was given.
    pub rule: String,
    /// The figure that was found.
    pub found: f64,
    /// The end of its 95 % interval that is compared with the limit: the upper one for `<` and `<=`, the lower one for
    /// `>` and `>=`.
    pub end: f64,
    /// Whether that end keeps to the rule.
    pub holds: bool,
}

/// A figure that a rule can look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum RuleFigure {
    Eer,
    MinDcf,
    Cllr,
    CllrMin,
}

impl RuleFigure {
    const ALL: [RuleFigure; 4] = [RuleFigure::Eer, RuleFigure::MinDcf, RuleFigure::Cllr, RuleFigure::CllrMin];

    fn name(self) -> &'static str {
        match self {
            RuleFigure::Eer => "eer",
            RuleFigure::MinDcf => "min_dcf",
            RuleFigure::Cllr => "cllr",
            RuleFigure::CllrMin => "cllr_min",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comparison {
    AtMost,
    AtLeast,
    Below,
    Above,
}

impl Comparison {
    /// The longer signs first, which begin with the shorter ones.
    const ALL: [Comparison; 4] = [Comparison::AtMost, Comparison::AtLeast, Comparison::Below, Comparison::Above];

    fn sign(self) -> &'static str {
        match self {
            Comparison::AtMost => "<=",
            Comparison::AtLeast => ">=",
            Comparison::Below => "<",
            Comparison::Above => ">",
        }
    }

    /// The end of an interval that keeps to a limit last.
    fn end(self, estimate: &Estimate) -> f64 {
        match self {
            Comparison::AtMost | Comparison::Below => estimate.high,
            Comparison::AtLeast | Comparison::Above => estimate.low,
        }
    }

    fn holds(self, found: f64, limit: f64) -> bool {
        match self {
            Comparison::AtMost => found <= limit,
            Comparison::AtLeast => found >= limit,
            Comparison::Below => found < limit,
            Comparison::Above => found > limit,
        }
    }
}

impl FromStr for Rule {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let rule = || {
            let comparison = Comparison::ALL.into_iter().find(|comparison| text.contains(comparison.sign()))?;
            let (name, limit) = text.split_once(comparison.sign())?;
            let limit = limit.trim().parse::<f64>().ok().filter(|limit| limit.is_finite())?;
            let (encoder, figure) = match name.trim().split_once('.') {
                Some(("fusion", figure)) => (None, figure),
                Some((encoder, figure)) => (Some(encoder.parse().ok()?), figure),
                None => (None, name.trim()),
            };
            let figure = RuleFigure::ALL.into_iter().find(|known| known.name() == figure)?;
            // A cosine is no likelihood ratio, so an encoder alone has no Cllr.
            (encoder.is_none() || figure != RuleFigure::Cllr).then_some(Rule { encoder, figure, comparison, limit })
        };
        rule().ok_or_else(|| {
            let expected = "a figure (eer, min_dcf, cllr or cllr_min, of the calibrated ratio; or campplus.eer and the \
                            like), one of < <= > >= and a number, for example 'cllr<0.2'";
            let found = format!("\"{text}\"");
            ErrorKind::Setting { name: "rule", found, expected: expected.into() }.into()
        })
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(encoder) = self.encoder {
            write!(f, "{encoder}.")?;
        }
        write!(f, "{}{}{}", self.figure.name(), self.comparison.sign(), self.limit)
    }
}

impl Rule {
    /// Whether the figures keep to the rule with their intervals.
    ///
    /// # Errors
    /// [`ErrorKind::Setting`] where there is no such figure.
    pub fn judge(&self, encoders: &PerEncoder<ErrorRates>, fusion: Option<&FusionRates>) -> Result<RuleResult> {
        let estimate = match self.encoder {
            Some(encoder) => encoders.get(encoder).and_then(|rates| match self.figure {
                RuleFigure::Eer => Some(rates.eer),
                RuleFigure::MinDcf => Some(rates.min_dcf),
                RuleFigure::CllrMin => Some(rates.cllr_min),
                RuleFigure::Cllr => None,
            }),
            None => fusion.map(|rates| match self.figure {
                RuleFigure::Eer => rates.eer,
                RuleFigure::MinDcf => rates.min_dcf,
                RuleFigure::CllrMin => rates.cllr_min,
                RuleFigure::Cllr => rates.cllr,
            }),
        };
        let estimate = estimate.ok_or_else(|| {
            let expected = "a figure that is computed: no calibration fits these encoders, or the encoder does not run";
            ErrorKind::Setting { name: "rule", found: self.to_string(), expected: expected.into() }
        })?;
        let end = self.comparison.end(&estimate);
        let holds = self.comparison.holds(end, self.limit);
        Ok(RuleResult { rule: self.to_string(), found: estimate.point, end, holds })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A figure that may as well lie 0.05 lower or higher.
    fn at(point: f64) -> Estimate {
        Estimate { point, low: point - 0.05, high: point + 0.05 }
    }

    #[test]
    fn rules_are_read_and_judged() {
        let fusion = FusionRates { eer: at(0.1), min_dcf: at(0.2), cllr: at(0.3), cllr_min: at(0.25) };
        let rates = ErrorRates { eer: at(0.05), min_dcf: at(0.4), cllr_min: at(0.2) };
        let encoders: PerEncoder<ErrorRates> = [(Encoder::Campplus, rates)].into_iter().collect();
        for (rule, holds) in [
            ("cllr<0.35", false),
            ("cllr <= 0.35", true),
            ("cllr<0.31", false),
            ("fusion.eer<0.16", true),
            ("min_dcf>0.1", true),
            ("min_dcf>0.16", false),
            ("campplus.eer>=0.06", false),
            ("campplus.cllr_min<0.26", true),
        ] {
            let rule: Rule = rule.parse().unwrap();
            let result = rule.judge(&encoders, Some(&fusion)).unwrap();
            assert_eq!(result.holds, holds, "{rule}");
            assert!((result.end - result.found).abs() > 0.049, "{result:?}");
            assert_eq!(rule.to_string().parse::<Rule>().unwrap(), rule);
        }
        assert!("cllr<0.3".parse::<Rule>().unwrap().judge(&encoders, None).is_err());
        assert!("mfcc.eer<0.3".parse::<Rule>().unwrap().judge(&encoders, Some(&fusion)).is_err());
        for bad in ["", "cllr", "cllr=0.2", "cllr<x", "auc<0.2", "campplus.cllr<0.2", "x.eer<0.1", "cllr<nan"] {
            assert!(bad.parse::<Rule>().unwrap_err().to_string().contains("for example 'cllr<0.2'"), "{bad}");
        }
    }
}
