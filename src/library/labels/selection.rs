//! Which lines of a manifest are used: by split, and by patterns on any column.

use crate::error::{Error, ErrorKind, Result};
use crate::library::labels::manifest::VoiceKind;
use glob::Pattern;
use schemars::JsonSchema;
use serde::Serialize;
use std::fmt;
use std::str::FromStr;

/// Which lines of a manifest are used. A line must pass all of it; the default takes every line.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Selection {
    /// The column `split` holds one of these; empty for every line.
    pub splits: Vec<String>,
    /// All of these hold.
    pub filters: Vec<Filter>,
    /// All of these hold on the lines of kind synthetic; other lines are not asked.
    pub synthetic_filters: Vec<Filter>,
}

impl Selection {
    /// The lines of one split.
    pub fn of_split(name: &str) -> Self {
        Selection { splits: vec![name.into()], ..Default::default() }
    }

    /// The columns that the selection looks at, each once.
    pub(crate) fn columns(&self) -> impl Iterator<Item = &str> {
        let split = (!self.splits.is_empty()).then_some("split");
        split.into_iter().chain(self.filters.iter().chain(&self.synthetic_filters).map(Filter::column))
    }

    /// Whether a line passes by the columns alone; `cell` gives the text of a column.
    pub(crate) fn takes<'a>(&self, cell: &impl Fn(&str) -> &'a str) -> bool {
        let split = || self.splits.iter().any(|split| split == cell("split"));
        (self.splits.is_empty() || split()) && self.filters.iter().all(|filter| filter.takes(cell(&filter.column)))
    }

    /// Whether a line of this kind passes what is asked of its kind.
    pub(crate) fn takes_kind<'a>(&self, kind: VoiceKind, cell: &impl Fn(&str) -> &'a str) -> bool {
        kind != VoiceKind::Synthetic || self.synthetic_filters.iter().all(|f| f.takes(cell(&f.column)))
    }
}

impl fmt::Display for Selection {
    /// What was asked for, for a message.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        if !self.splits.is_empty() {
            parts.push(format!("of the split \"{}\"", self.splits.join("\" or \"")));
        }
        parts.extend(self.filters.iter().map(|filter| format!("with {filter}")));
        parts.extend(self.synthetic_filters.iter().map(|filter| format!("with {filter} where synthetic")));
        f.write_str(&parts.join(", "))
    }
}

/// A condition on one column: `COLUMN=PATTERN`, or `COLUMN!=PATTERN` for its opposite.
///
/// A pattern covers the whole cell; `*`, `?` and `[...]` are wildcards as in file names, and `|` separates
/// alternatives. An empty pattern is an empty cell.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema)]
#[schemars(with = "String")]
pub struct Filter {
    text: String,
    column: String,
    negated: bool,
    alternatives: Vec<Pattern>,
}

impl Filter {
    /// The column that is looked at.
    pub fn column(&self) -> &str {
        &self.column
    }

    /// Whether a cell passes.
    pub fn takes(&self, cell: &str) -> bool {
        self.alternatives.iter().any(|pattern| pattern.matches(cell)) != self.negated
    }
}

impl FromStr for Filter {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let wrong = |found: String| {
            let expected = "COLUMN=PATTERN or COLUMN!=PATTERN, for example corpus=anna or 'system!=VC:*|TTS-?'".into();
            Error::from(ErrorKind::Setting { name: "", found, expected })
        };
        let (column, pattern) = text.split_once('=').ok_or_else(|| wrong(format!("\"{text}\"")))?;
        let (column, negated) = column.strip_suffix('!').map_or((column, false), |column| (column, true));
        let column = column.trim();
        if column.is_empty() {
            return Err(wrong(format!("\"{text}\", without a column")));
        }
        let alternatives = pattern.split('|').map(|part| Pattern::new(part.trim()));
        let alternatives: std::result::Result<Vec<Pattern>, _> = alternatives.collect();
        let alternatives = alternatives.map_err(|error| wrong(format!("\"{text}\" ({error})")))?;
        Ok(Filter { text: text.into(), column: column.into(), negated, alternatives })
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Serialize for Filter {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_cover_the_whole_cell() {
        let takes = |filter: &str, cell: &str| filter.parse::<Filter>().unwrap().takes(cell);
        assert!(takes("corpus=nsh", "nsh") && !takes("corpus=nsh", "nsh2") && !takes("corpus=nsh", "NSH"));
        assert!(takes("corpus=nsh|tts", "tts") && !takes("corpus=nsh|tts", "nsh|tts"));
        assert!(takes("system=VC:*", "VC:a/b") && !takes("system!=VC:*", "VC:a") && takes("system!=VC:*", "XTTS"));
        assert!(!takes("system!=VC:*|XT*", "XTTS"), "negated: none of the alternatives");
        assert!(takes("system=", "") && !takes("system=", "x") && takes("session=a;chapter=1", "a;chapter=1"));
    }

    #[test]
    fn mistakes_are_told_with_an_example() {
        for bad in ["corpus", "", "=x", "!=x", "corpus=[a"] {
            let message = bad.parse::<Filter>().unwrap_err().to_string();
            assert!(message.contains("for example corpus=anna"), "{message}");
        }
    }
}
