//! A likelihood ratio in words: a named, versioned table, and sentences that keep both propositions in sight.
//!
//! Every sentence here is about the evidence under two propositions. None says how probable a proposition is.

use std::f64::consts::LN_10;

/// The table that is used: the verbal equivalents in the ENFSI Guideline for Evaluative Reporting in Forensic Science
/// (European Network of Forensic Science Institutes, version 3.0, 2015).
pub const SCALE: &str = "ENFSI 2015";

/// Ratios from this value on, and the strength of support that they are called.
const STEPS: [(f64, &str); 7] = [
    (1e6, "extremely strong"),
    (1e4, "very strong"),
    (1e3, "strong"),
    (1e2, "moderately strong"),
    (1e1, "moderate"),
    (2e0, "weak"),
    (1e0, "no"),
];

/// What two propositions of a case say of the recording in question, as clauses that follow "more probable if".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Propositions<'a> {
    /// What supports the first one counts with a positive sign.
    pub first: &'a str,
    /// The alternative.
    pub second: &'a str,
}

/// The strength of support for the proposition that a natural-log likelihood ratio speaks for, for example `strong`.
pub fn strength(llr: f64) -> &'static str {
    // A ratio on the edge of two steps is in the upper one, also where the logarithm was rounded.
    let ratio = llr.abs().exp() * (1.0 + 1e-12);
    STEPS.iter().find(|(least, _)| ratio >= *least).map_or("no", |(_, name)| name)
}

/// The verbal equivalent, for example `strong support for the first proposition`.
pub fn support(llr: f64) -> String {
    match strength(llr) {
        "no" => "no support for either proposition".into(),
        strength if llr > 0.0 => format!("{strength} support for the first proposition"),
        strength => format!("{strength} support for the second proposition"),
    }
}

/// The ratio as a sentence with both propositions. It ends with what the ratio is not.
pub fn sentence(llr: f64, propositions: Propositions<'_>) -> String {
    let (more, less) = match llr >= 0.0 {
        true => (propositions.first, propositions.second),
        false => (propositions.second, propositions.first),
    };
    let times = match llr.abs().exp() {
        ratio if ratio < 1.05 => return format!("about as probable if {more} as if {less}; {NOT_A_PROBABILITY}"),
        _ => times(llr),
    };
    format!("about {times} times more probable if {more} than if {less}; {NOT_A_PROBABILITY}")
}

/// A ratio that was kept at a bound, in words, for example `350 (the most that the validation data supports)` or, below
/// 1, `1/85 (the least that the validation data supports)`; none where the ratio before the bounds is the same.
pub fn at_bound(llr: f64, unbounded: f64) -> Option<String> {
    let times = times(llr);
    match () {
        () if unbounded > llr => Some(format!("{times} {MOST}")),
        () if unbounded < llr && llr == 0.0 => Some(format!("{times} {LEAST}")),
        () if unbounded < llr => Some(format!("1/{times} {LEAST}")),
        () => None,
    }
}

const MOST: &str = "(the most that the validation data supports)";
const LEAST: &str = "(the least that the validation data supports)";

/// What every sentence ends with.
pub const NOT_A_PROBABILITY: &str = "this is not the probability of either proposition";

/// How many times the one proposition makes the evidence more probable than the other, with two significant digits.
fn times(llr: f64) -> String {
    match llr.abs().exp() {
        ratio if ratio < 9.95 => format!("{ratio:.1}"),
        _ => grouped(llr.abs() / LN_10),
    }
}

/// `10^log10` with two significant digits, its digits in groups of three.
fn grouped(log10: f64) -> String {
    let mut exponent = log10.floor() as usize;
    let mut digits = (10f64.powf(log10 - exponent as f64 + 1.0)).round() as u64;
    if digits >= 100 {
        (digits, exponent) = (digits / 10, exponent + 1);
    }
    let plain = if exponent == 0 { digits.to_string() } else { format!("{digits}{}", "0".repeat(exponent - 1)) };
    let mut text = String::new();
    for (i, digit) in plain.chars().enumerate() {
        if i > 0 && (plain.len() - i) % 3 == 0 {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLONE: Propositions<'_> = Propositions { first: "it reproduces this voice", second: "it reproduces another" };

    #[test]
    fn a_ratio_at_a_bound_is_the_most_or_the_least_that_is_supported() {
        let [upper, lower] = [f64::ln(354.8), -f64::ln(84.7)];
        assert_eq!(at_bound(upper, 9.7).unwrap(), "350 (the most that the validation data supports)");
        assert_eq!(at_bound(lower, -9.7).unwrap(), "1/85 (the least that the validation data supports)");
        assert_eq!(at_bound(0.0, -1.0).unwrap(), "1.0 (the least that the validation data supports)");
        assert_eq!([at_bound(2.0, 2.0), at_bound(-2.0, -2.0)], [None, None]);
    }

    #[test]
    fn the_steps_are_those_of_the_table() {
        for (ratio, name) in [
            (1.0, "no"),
            (1.99, "no"),
            (2.0, "weak"),
            (9.9, "weak"),
            (10.0, "moderate"),
            (100.0, "moderately strong"),
            (1e3, "strong"),
            (1e4, "very strong"),
            (999_999.0, "very strong"),
            (1e6, "extremely strong"),
            (1e12, "extremely strong"),
        ] {
            assert_eq!((strength(f64::ln(ratio)), strength(-f64::ln(ratio))), (name, name), "{ratio}");
        }
        assert_eq!(support(-5.0), "moderately strong support for the second proposition");
        assert_eq!(support(0.1), "no support for either proposition");
    }

    #[test]
    fn a_sentence_holds_both_propositions_and_turns_with_the_sign() {
        let text = sentence(f64::ln(1290.0), CLONE);
        let expected = "about 1 300 times more probable if it reproduces this voice than if it reproduces another; this \
                        is not the probability of either proposition";
        assert_eq!(text, expected);
        assert!(
            sentence(-f64::ln(3.04), CLONE).starts_with("about 3.0 times more probable if it reproduces another than")
        );
        assert!(sentence(0.0, CLONE).starts_with("about as probable if it reproduces this"));
        assert!(sentence(f64::ln(9.99), CLONE).starts_with("about 10 times"));
        assert!(sentence(f64::ln(99.9), CLONE).starts_with("about 100 times"));
        assert!(sentence(f64::ln(2.345e7), CLONE).starts_with("about 23 000 000 times"));
    }
}
