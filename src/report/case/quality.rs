//! What the recordings are good for, what was left out, and what should be known before any figure is relied on.

use super::Make;
use super::words::{or_dash, reason, sentence};
use crate::feature::Quality;
use crate::library::Status;
use crate::report::document::{Block, Column, Section, Table};
use crate::report::svg::fixed;

impl Make<'_> {
    pub fn quality(&self) -> Section {
        let (texts, items) = (&self.texts.quality, &self.texts.items);
        let columns = vec![
            Column::text(&items.role),
            Column::code(&items.file),
            Column::number(&items.speech),
            Column::number(&texts.level),
            Column::number(&texts.snr),
            Column::number(&texts.clipped),
            Column::number(&texts.bandwidth),
        ];
        let row = |role: &str, path: &str, q: &Quality| {
            vec![
                role.to_string(),
                path.to_string(),
                fixed(q.net_speech_s, 2),
                or_dash(q.level_dbfs.map(f64::from), 1),
                or_dash(q.snr_db.map(f64::from), 0),
                fixed(f64::from(q.clipping_percent), 2),
                or_dash(q.bandwidth_hz.map(f64::from), 0),
            ]
        };
        let measured = self.measured();
        let rows = measured.iter().map(|(role, path, quality)| row(role, path, quality)).collect();
        let mut blocks =
            vec![Block::Table(Table { caption: texts.caption.clone(), columns, rows }), Block::heading(&texts.remarks)];
        let remarks: Vec<String> = measured
            .iter()
            .flat_map(|(_, path, quality)| quality.warnings.iter().map(move |w| sentence(&format!("{path}: {w}"))))
            .collect();
        blocks.push(if remarks.is_empty() {
            Block::paragraph(&texts.none_remarks)
        } else {
            Block::List { items: remarks }
        });
        blocks.push(Block::heading(&texts.excluded));
        let excluded = self.excluded();
        blocks.push(if excluded.is_empty() {
            Block::paragraph(&texts.none_excluded)
        } else {
            Block::List { items: excluded }
        });
        if !self.report.remarks.is_empty() {
            blocks.push(Block::heading(&texts.general));
            let remarks = self.report.remarks.iter();
            let items = remarks.map(|remark| sentence(&format!("{}: {}", remark.about, remark.message))).collect();
            blocks.push(Block::List { items });
        }
        self.section("quality", &texts.title, blocks)
    }

    /// Every recording of which something was measured, with its role.
    fn measured(&self) -> Vec<(&str, &str, &Quality)> {
        let items = &self.texts.items;
        let reference = self.report.reference.clips.iter();
        let reference = reference
            .filter_map(|clip| Some((items.role_reference.as_str(), clip.path.as_str(), clip.quality.as_ref()?)));
        let candidates = self.report.candidates.iter();
        let candidates = candidates
            .filter_map(|row| Some((items.role_candidate.as_str(), row.path.as_str(), row.quality.as_ref()?)));
        reference.chain(candidates).collect()
    }

    fn excluded(&self) -> Vec<String> {
        let reference = self.report.reference.clips.iter().filter_map(|clip| match (&clip.status, &clip.reason) {
            (Status::Duplicate, _) => Some(sentence(&format!("{}: {}", clip.path, self.texts.items.duplicate))),
            (_, Some(why)) => Some(format!("{}: {}", clip.path, reason(&clip.path, why))),
            _ => None,
        });
        let candidates = self.report.candidates.iter();
        let candidates =
            candidates.filter_map(|row| Some(format!("{}: {}", row.path, reason(&row.path, row.reason.as_ref()?))));
        reference.chain(candidates).collect()
    }
}
