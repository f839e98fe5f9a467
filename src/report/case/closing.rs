//! What limits the opinion, how to compute it again, and every setting.
//!
//! It tells what the result was made with, and judges nothing.

use super::Make;
use crate::report::document::{Block, Column, Section, Table};
use crate::report::texts::fill;
use serde::Serialize;
use serde_json::Value;

/// Figures are compared within this share of their size between processors with other instruction sets.
pub const TOLERANCE: f64 = 1e-3;

impl Make<'_> {
    pub fn limits(&self) -> Section {
        let texts = &self.texts.limits;
        let caution = self.report.cohort.as_ref().map(|cohort| {
            let text = fill(&texts.limit_population, &[("caution", &cohort.caution)]);
            super::words::sentence(&text)
        });
        let limits = [&texts.limit_same, &texts.limit_channel, &texts.limit_dependence, &texts.limit_words];
        let limits = limits.into_iter().cloned().chain(caution).collect();
        let changes = [
            &texts.change_more,
            &texts.change_population,
            &texts.change_calibration,
            &texts.change_source,
            &texts.change_other,
        ];
        let blocks = vec![
            Block::heading(&texts.limits),
            Block::List { items: limits },
            Block::heading(&texts.change),
            Block::List { items: changes.into_iter().cloned().collect() },
        ];
        self.section("limits", &texts.title, blocks)
    }

    pub fn rerun(&self) -> Section {
        let texts = &self.texts.rerun;
        let settings = &self.report.settings;
        let values = [
            ("version", self.report.version.as_str()),
            ("models", &self.report.models_version),
            ("instruction_set", &settings.instruction_set),
        ];
        let tolerance = TOLERANCE.to_string();
        let blocks = vec![
            Block::paragraph(fill(&texts.intro, &values)),
            Block::Verbatim { text: "soundalike selftest\nsoundalike verify report.json".into() },
            Block::paragraph(fill(&texts.note, &[("tolerance", &tolerance)])),
        ];
        self.section("again", &texts.title, blocks)
    }

    pub fn appendix(&self) -> Section {
        let texts = &self.texts.appendix;
        let mut rows = Vec::new();
        let request = tree(&self.report.request);
        flatten(&texts.request, &request, &mut rows);
        let settings = tree(&self.report.settings);
        flatten("", &settings, &mut rows);
        for (encoder, hash) in crate::encoder::weight_hashes().iter() {
            if self.report.settings.panel.encoders.contains(encoder) {
                rows.push(vec![format!("weights.{encoder}.sha256"), (*hash).into()]);
            }
        }
        let calibration = self.report.calibration.as_ref().map(|c| ("calibration", &c.origin, &c.sha256));
        let cohort = self.report.cohort.as_ref().map(|c| ("cohort", &c.origin, &c.sha256));
        for (name, origin, sha256) in [calibration, cohort].into_iter().flatten() {
            rows.push(vec![format!("{name}.origin"), origin.clone()]);
            rows.push(vec![format!("{name}.sha256"), sha256.clone()]);
        }
        let hash = [("hash", self.facts.result_sha256)];
        let columns = vec![Column::code(&texts.setting), Column::code(&texts.value)];
        let blocks = vec![
            Block::paragraph(fill(&texts.result, &hash)),
            Block::Table(Table { caption: texts.settings.clone(), columns, rows }),
        ];
        let mut section = self.section("appendix", &texts.title, blocks);
        section.new_page = true;
        section
    }
}

/// A value as the tree of its JSON text, in which a number has the digits that it is written with.
fn tree(value: &impl Serialize) -> Value {
    let text = serde_json::to_string(value).unwrap_or_default();
    serde_json::from_str(&text).unwrap_or(Value::Null)
}

/// Each value of a tree with the names on the way to it.
fn flatten(name: &str, value: &Value, rows: &mut Vec<Vec<String>>) {
    let below = |key: &str| if name.is_empty() { key.to_string() } else { format!("{name}.{key}") };
    match value {
        Value::Object(map) => map.iter().for_each(|(key, value)| flatten(&below(key), value, rows)),
        Value::Array(items) if items.iter().any(|item| item.is_object() || item.is_array()) => {
            items.iter().enumerate().for_each(|(i, item)| flatten(&below(&i.to_string()), item, rows));
        }
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(plain).collect();
            rows.push(vec![name.into(), items.join(", ")]);
        }
        other => rows.push(vec![name.into(), plain(other)]),
    }
}

/// A value without the quotes of JSON.
fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_string)
}
