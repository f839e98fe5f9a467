//! How the calibration did, what limits the opinion, how to compute it again, and every setting.
//!
//! It tells what the result was made with, and judges nothing.

use super::words::{short, signed};
use super::{Make, listed};
use crate::calibration::metrics::Estimate;
use crate::calibration::ranges::Range;
use crate::encoder::Band;
use crate::library::findings::Validation;
use crate::report::document::{Block, Column, Figure, Section, Table};
use crate::report::plots::{KeyText, ValidationCurves, validation};
use crate::report::svg::{count, fixed, percent};
use crate::report::texts::fill;
use serde::Serialize;
use serde_json::Value;

/// Figures are compared within this share of their size between processors with other instruction sets.
pub const TOLERANCE: f64 = 1e-3;

/// Recordings that are named beside a band; of more, their number is told.
const MOST_LISTED: usize = 6;

impl Make<'_> {
    pub fn validation(&self) -> Section {
        let texts = &self.texts.validation;
        let mut blocks = Vec::new();
        match self.calibration() {
            Some(calibration) if !self.findings.validations.is_empty() => {
                let folds = calibration.wide.validation.folds.to_string();
                let values =
                    [("condition", calibration.condition.as_str()), ("origin", &calibration.origin), ("folds", &folds)];
                blocks.push(Block::paragraph(fill(&texts.intro, &values)));
                for validation in &self.findings.validations {
                    blocks.push(self.compared_in(validation.band));
                    blocks.push(self.figures(validation));
                    blocks.extend(self.tippett(validation).map(Block::figure));
                    blocks.push(self.ranges(validation));
                }
                blocks.push(Block::paragraph(&texts.case_conditions));
            }
            _ => blocks.push(Block::paragraph(&texts.none)),
        }
        let mut section = self.section("validation", &texts.title, blocks);
        section.new_page = true;
        section
    }

    /// The recordings whose ratios come from the fit of a band.
    fn compared_in(&self, band: Band) -> Block {
        let of_band = self.report.candidates.iter().filter(|row| row.band == Some(band) && row.evidence.is_some());
        let names: Vec<String> = of_band.map(|row| short(&row.path)).collect();
        let values = [("band", self.band(band)), ("candidates", &listed(&names, MOST_LISTED))];
        Block::paragraph(fill(&self.texts.validation.compared_in, &values))
    }

    fn figures(&self, validation: &Validation) -> Block {
        let texts = &self.texts.validation;
        let bounded = &validation.figures.bounded;
        let interval = |estimate: Option<Estimate>, scale: f64| {
            estimate.map_or_else(
                || texts.no_interval.clone(),
                |e| format!("{} … {}", fixed(scale * e.low, 3), fixed(scale * e.high, 3)),
            )
        };
        let rates = validation.rates.as_ref();
        let mut rows = vec![
            vec![texts.cllr.clone(), fixed(bounded.cllr, 3), interval(rates.map(|r| r.cllr), 1.0)],
            vec![texts.cllr_min.clone(), fixed(bounded.cllr_min, 3), interval(rates.map(|r| r.cllr_min), 1.0)],
            vec![texts.eer.clone(), fixed(100.0 * bounded.eer, 2), interval(rates.map(|r| r.eer), 100.0)],
        ];
        if let Some(ratios) = &validation.ratios {
            let shares = [
                (&texts.misleading_target, ratios.target_misleading),
                (&texts.misleading_non_target, ratios.non_target_misleading),
            ];
            rows.extend(shares.map(|(name, share)| vec![name.clone(), fixed(100.0 * share, 2), "–".into()]));
        }
        let [lower, upper] = validation.bounds_log10_lr.map(|bound| signed(bound, 2));
        rows.push(vec![texts.bounds.clone(), format!("{lower} … {upper}"), "–".into()]);
        let [target, non_target] = [validation.figures.target, validation.figures.non_target].map(count);
        let values = [("band", self.band(validation.band)), ("target", &target), ("non_target", &non_target)];
        Block::Table(Table {
            caption: fill(&texts.caption, &values),
            columns: vec![Column::text(&texts.figure), Column::number(&texts.value), Column::number(&texts.interval)],
            rows,
        })
    }

    /// The qualities that the calibration holds for, and at which end it refuses.
    fn ranges(&self, validation: &Validation) -> Block {
        let (texts, quality) = (&self.texts.validation, &self.texts.quality);
        let ranges = &validation.ranges;
        let [low, high, none] = [&texts.refuses_low, &texts.refuses_high, &texts.refuses_none];
        let rows = [
            (&self.texts.items.speech, &ranges.net_speech_s, low, 2),
            (&quality.snr, &ranges.snr_db, low, 0),
            (&quality.bandwidth, &ranges.bandwidth_hz, low, 0),
            (&quality.clipped, &ranges.clipping_percent, high, 2),
            (&quality.level, &ranges.level_dbfs, low, 1),
            (&texts.exemplars, &ranges.exemplars, none, 0),
        ];
        let row = |(name, range, refuses, decimals): (&String, &Range, &String, usize)| {
            vec![name.clone(), fixed(range.low, decimals), fixed(range.high, decimals), refuses.clone()]
        };
        Block::Table(Table {
            caption: fill(&texts.ranges, &[("band", self.band(validation.band))]),
            columns: vec![
                Column::text(&texts.quantity),
                Column::number(&texts.least),
                Column::number(&texts.greatest),
                Column::text(&texts.refuses),
            ],
            rows: rows.map(row).to_vec(),
        })
    }

    fn tippett(&self, found: &Validation) -> Option<Figure> {
        let texts = &self.texts.pictures;
        let ratios = found.ratios.as_ref()?;
        let misleading = |share: f64| fill(&texts.tippett_misleading, &[("rate", &percent(share))]);
        let of_band = self.report.candidates.iter().filter(|candidate| candidate.band == Some(found.band));
        let cases = of_band.filter_map(|candidate| {
            let ratio = candidate.evidence.as_ref()?.log10_lr;
            let name = fill(&texts.tippett_case, &[("candidate", &short(&candidate.path))]);
            Some((ratio, KeyText::new(name, signed(ratio, 2))))
        });
        let band = [("band", self.band(found.band))];
        let drawing = validation(&ValidationCurves {
            title: &fill(&texts.tippett_title, &band),
            about: &texts.tippett_about,
            axes: [&texts.tippett_x, &texts.tippett_y],
            targets: &ratios.target,
            non_targets: &ratios.non_target,
            keys: [
                KeyText::new(&texts.tippett_target, misleading(ratios.target_misleading)),
                KeyText::new(&texts.tippett_non_target, misleading(ratios.non_target_misleading)),
            ],
            cases: cases.collect(),
        });
        let caption = fill(&texts.tippett_caption, &band);
        Some(Figure { caption, alternative: drawing.alternative, svg: drawing.svg })
    }

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
