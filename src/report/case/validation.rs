//! How the calibration did on recordings left out of its fit.
//!
//! The first column of groups is the headline: a row a group, then the figures of all its trials. Without groups the
//! headline is that of speakers left out.

use super::words::{short, signed};
use super::{Make, listed};
use crate::calibration::metrics::Estimate;
use crate::calibration::ranges::Range;
use crate::encoder::Band;
use crate::library::findings::Validation;
use crate::library::{GroupMeans, GroupValidation, LeftOutGroup, LeftOutRates};
use crate::report::document::{Block, Column, Figure, Section, Table};
use crate::report::plots::{KeyText, ValidationCurves, validation};
use crate::report::svg::{count, fixed, percent};
use crate::report::texts::fill;

/// Recordings that are named beside a band; of more, their number is told.
const MOST_LISTED: usize = 6;

impl Make<'_> {
    pub fn validation(&self) -> Section {
        let texts = &self.texts.validation;
        let mut blocks = Vec::new();
        match self.calibration().zip(self.findings.validations.first()) {
            Some((calibration, first)) => {
                let folds = first.cross_validation.folds.to_string();
                let group = first.groups.first().map(|column| self.group(&column.column)).unwrap_or_default();
                let values = [
                    ("condition", calibration.condition.as_str()),
                    ("origin", &calibration.origin),
                    ("folds", &folds),
                    ("group", &group),
                ];
                let intro = if first.groups.is_empty() { &texts.intro_speakers } else { &texts.intro_groups };
                blocks.push(Block::paragraph(fill(intro, &values)));
                let table = (!first.groups.is_empty()).then_some(&texts.groups_text);
                let words: Vec<&str> = std::iter::once(&texts.measures).chain(table).map(String::as_str).collect();
                blocks.push(Block::paragraph(words.join(" ")));
                for validation in &self.findings.validations {
                    blocks.push(self.compared_in(validation.band));
                    blocks.extend(self.groups(validation));
                    blocks.push(self.figures(validation));
                    blocks.push(self.by_speakers(validation));
                    blocks.push(Block::figure(self.tippett(validation)));
                    blocks.push(self.ranges(validation));
                }
                blocks.push(Block::paragraph(&texts.case_conditions));
            }
            None => blocks.push(Block::paragraph(&texts.none)),
        }
        let mut section = self.section("validation", &texts.title, blocks);
        section.new_page = true;
        section
    }

    /// A group of a column in plain words.
    fn group(&self, column: &str) -> String {
        let texts = &self.texts.validation;
        match column {
            "page" => texts.group_page.clone(),
            "system" => texts.group_system.clone(),
            "set" => texts.group_set.clone(),
            _ => fill(&texts.group_other, &[("column", column)]),
        }
    }

    /// What was left out of the fits that the headline is of.
    pub fn left_out(&self, validation: &Validation) -> String {
        let texts = &self.texts.validation;
        match validation.groups.first() {
            Some(column) => fill(&texts.left_out_groups, &[("column", &column.column)]),
            None => texts.left_out_speakers.clone(),
        }
    }

    /// The recordings whose ratios come from the fit of a band.
    fn compared_in(&self, band: Band) -> Block {
        let of_band = self.report.candidates.iter().filter(|row| row.band == Some(band) && row.evidence.is_some());
        let names: Vec<String> = of_band.map(|row| short(&row.path)).collect();
        let values = [("band", self.band(band)), ("candidates", &listed(&names, MOST_LISTED))];
        Block::paragraph(fill(&self.texts.validation.compared_in, &values))
    }

    /// The groups left out: the first column as a table, the others in a sentence each.
    fn groups(&self, validation: &Validation) -> Vec<Block> {
        let mut blocks = Vec::new();
        for (i, column) in validation.groups.iter().enumerate() {
            blocks.push(match i {
                0 => self.group_table(validation.band, column),
                _ => self.group_sentence(column),
            });
            if column.misleading > 1.0 {
                // Rounded up, so that more than once never reads as once.
                let times = fixed((100.0 * column.misleading).ceil() / 100.0, 2);
                let values = [("column", column.column.as_str()), ("times", &times)];
                blocks.push(Block::Caution { text: fill(&self.texts.validation.misleading, &values) });
            }
        }
        blocks
    }

    fn group_table(&self, band: Band, column: &GroupValidation) -> Block {
        let texts = &self.texts.validation;
        let mut rows: Vec<Vec<String>> = column.groups.iter().map(group_row).collect();
        let means = column.means.as_ref().zip(column.mean_against_best());
        rows.extend(means.map(|(means, against_best)| {
            let name = fill(&texts.group_mean, &[("n", &means.groups.to_string())]);
            let mut row = vec![name, "–".into(), "–".into(), "–".into()];
            row.extend([means.eer, means.eer - against_best].map(|eer| fixed(100.0 * eer, 2)));
            row.push(signed(100.0 * against_best, 2));
            row.extend([means.cllr, means.cllr_min].map(|cllr| fixed(cllr, 3)));
            row
        }));
        let [speakers, target, non_target] = LeftOutGroup::LEAST.map(|least| least.to_string());
        let values = [
            ("column", column.column.as_str()),
            ("band", self.band(band)),
            ("speakers", &speakers),
            ("target", &target),
            ("non_target", &non_target),
        ];
        let mut caption = vec![fill(&texts.groups_caption, &values)];
        if column.groups.iter().any(|group| !group.judged) {
            caption.push(fill(&texts.groups_brackets, &values));
        }
        if !column.pooled.is_empty() {
            caption.push(fill(&texts.groups_pooled, &[("values", &column.pooled.join(", "))]));
        }
        let caption = caption.join(" ");
        let numbers = [
            &texts.group_speakers,
            &texts.group_target,
            &texts.group_non_target,
            &texts.group_eer,
            &texts.group_best,
            &texts.group_difference,
            &texts.group_cllr,
            &texts.cllr_min,
        ];
        let columns = std::iter::once(Column::text(&column.column)).chain(numbers.map(Column::number)).collect();
        Block::Table(Table { caption, columns, rows })
    }

    fn group_sentence(&self, column: &GroupValidation) -> Block {
        let texts = &self.texts.validation;
        let group = self.group(&column.column);
        let Some(means) = &column.means else {
            return Block::paragraph(fill(&texts.groups_none, &[("group", &group)]));
        };
        let GroupMeans { groups, eer, cllr, cllr_min, encoders, worst, worst_eer } = means;
        let percent = |eer: f64| fixed(100.0 * eer, 2);
        let encoders = encoders.iter().map(|(encoder, eer)| format!("{} {} %", encoder.label(), percent(*eer)));
        let values = [
            ("group", group.as_str()),
            ("n", &groups.to_string()),
            ("eer", &percent(*eer)),
            ("encoders", &encoders.collect::<Vec<_>>().join(", ")),
            ("cllr", &fixed(*cllr, 3)),
            ("cllr_min", &fixed(*cllr_min, 3)),
            ("worst", worst),
            ("worst_eer", &percent(*worst_eer)),
        ];
        Block::paragraph(fill(&texts.groups_further, &values))
    }

    fn figures(&self, validation: &Validation) -> Block {
        let texts = &self.texts.validation;
        let (rates, ratios) = (&validation.rates, &validation.ratios);
        let rate = |name: &String, rate: &Estimate, scale: f64, decimals: usize| {
            let interval = range([rate.low, rate.high].map(|end| fixed(scale * end, decimals)));
            vec![name.clone(), fixed(scale * rate.point, decimals), interval]
        };
        let share = |name: &String, share: f64| vec![name.clone(), fixed(100.0 * share, 2), "–".into()];
        let rows = vec![
            rate(&texts.cllr, &rates.cllr, 1.0, 3),
            rate(&texts.cllr_min, &rates.cllr_min, 1.0, 3),
            rate(&texts.eer, &rates.eer, 100.0, 2),
            share(&texts.misleading_target, ratios.target_misleading),
            share(&texts.misleading_non_target, ratios.non_target_misleading),
            vec![texts.bounds.clone(), range(validation.bounds_log10_lr.map(|bound| signed(bound, 2))), "–".into()],
        ];
        let band = ("band", self.band(validation.band));
        let (caption, interval) = match validation.groups.first() {
            Some(GroupValidation { column, groups, .. }) => {
                let [target, non_target] = [
                    groups.iter().map(|group| group.target).sum::<usize>(),
                    groups.iter().map(|group| group.non_target).sum(),
                ]
                .map(count);
                let values = [band, ("column", column), ("target", &target), ("non_target", &non_target)];
                (fill(&texts.caption_groups, &values), &texts.interval_groups)
            }
            None => (fill(&texts.caption_speakers, &[band]), &texts.interval_speakers),
        };
        let columns = vec![Column::text(&texts.figure), Column::number(&texts.value), Column::number(interval)];
        Block::Table(Table { caption, columns, rows })
    }

    /// The figures of the cross-validation by speakers, for comparison.
    fn by_speakers(&self, validation: &Validation) -> Block {
        let texts = &self.texts.validation;
        let figures = &validation.cross_validation;
        let [target, non_target] = [figures.target, figures.non_target].map(count);
        let values = [
            ("folds", figures.folds.to_string()),
            ("target", target),
            ("non_target", non_target),
            ("cllr", fixed(figures.bounded.cllr, 3)),
            ("eer", fixed(100.0 * figures.bounded.eer, 2)),
        ];
        let values = values.each_ref().map(|(name, value)| (*name, value.as_str()));
        let mut text = fill(&texts.by_speakers, &values);
        if !validation.groups.is_empty() {
            text.push(' ');
            text.push_str(&texts.by_speakers_easier);
        }
        Block::paragraph(text)
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

    fn tippett(&self, found: &Validation) -> Figure {
        let texts = &self.texts.pictures;
        let ratios = &found.ratios;
        let misleading = |share: f64| fill(&texts.tippett_misleading, &[("rate", &percent(share))]);
        let of_band = self.report.candidates.iter().filter(|candidate| candidate.band == Some(found.band));
        let cases = of_band.filter_map(|candidate| {
            let ratio = candidate.evidence.as_ref()?.log10_lr;
            let name = fill(&texts.tippett_case, &[("candidate", &short(&candidate.path))]);
            Some((ratio, KeyText::new(name, signed(ratio, 2))))
        });
        let left_out = self.left_out(found);
        let band = [("band", self.band(found.band)), ("left_out", &left_out)];
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
        Figure { caption, alternative: drawing.alternative, svg: drawing.svg }
    }
}

/// Two ends that stay on one line.
fn range([low, high]: [String; 2]) -> String {
    format!("{low}\u{a0}…\u{a0}{high}")
}

/// A group left out as a row of the table; one that is not judged is in brackets.
fn group_row(group: &LeftOutGroup) -> Vec<String> {
    let value = if group.judged { group.value.clone() } else { format!("({})", group.value) };
    let mut row = vec![value];
    row.extend([group.speakers, group.target, group.non_target].map(count));
    match &group.rates {
        Some(rates) => row.extend(rates_of_group(rates)),
        None => row.extend(std::iter::repeat_n("–".to_string(), 5)),
    }
    row
}

fn rates_of_group(rates: &LeftOutRates) -> [String; 5] {
    let LeftOutRates { eer, cllr, cllr_min, best, against_best, .. } = rates;
    let of_best = rates.encoders.get(*best).map_or("–".into(), |eer| fixed(100.0 * eer.point, 2));
    let points = |x: f64| signed(100.0 * x, 2);
    let cost = |x: f64| fixed(x, 3);
    [
        fixed(100.0 * eer.point, 2),
        format!("{of_best} {}", best.label()),
        format!("{} ({})", points(against_best.point), range([against_best.low, against_best.high].map(points))),
        format!("{} ({})", cost(cllr.point), range([cllr.low, cllr.high].map(cost))),
        cost(cllr_min.point),
    ]
}
