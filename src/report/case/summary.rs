//! The first page: question, answer, the two outputs side by side, limits.

use super::Make;
use super::words::{reason, sentence, share, short, signed};
use crate::library::Status;
use crate::library::check::Candidate;
use crate::report::document::{Answer, Block, Column, Section, Table};
use crate::report::texts::fill;
use std::collections::BTreeSet;

/// Candidates whose answers are shown side by side on the first page; of more there is a table alone.
const MOST_ANSWERS: usize = 2;

/// Cautions on the first page; of more the number is told.
const MOST_CAUTIONS: usize = 3;

impl Make<'_> {
    pub fn summary(&self) -> Section {
        let texts = &self.texts.summary;
        let mut blocks = vec![Block::heading(&texts.question)];
        blocks.push(match &self.facts.case.question {
            Some(question) => Block::Quote { text: question.clone() },
            None => Block::paragraph(&texts.no_question),
        });
        blocks.push(Block::heading(&texts.answer));
        let candidates = &self.report.candidates;
        if candidates.len() <= MOST_ANSWERS {
            for candidate in candidates {
                blocks.extend(self.sentences(candidate));
                blocks.extend(self.answers(candidate));
            }
        } else {
            blocks.push(self.overview());
        }
        if let Some(calibration) = self.calibration() {
            let [first, second] = calibration.propositions.each_ref().map(|text| self.phrase(text));
            blocks.push(Block::paragraph(fill(&texts.propositions, &[("first", &first), ("second", &second)])));
        }
        blocks.extend(self.cautions());
        let pictured = self.rows().map(|(candidate, _)| candidate).find(|candidate| candidate.likeness.is_some());
        if candidates.len() <= MOST_ANSWERS {
            blocks.extend(pictured.and_then(|candidate| self.population_picture(candidate)).map(Block::figure));
        }
        blocks.push(Block::heading(&texts.limits));
        blocks.push(Block::List { items: self.summary_limits() });
        self.section("summary", &texts.title, blocks)
    }

    /// What should be known before the answer is relied on.
    fn cautions(&self) -> Vec<Block> {
        let members = self.report.candidates.iter().filter_map(|row| self.membership(row));
        let remarks = self.report.remarks.iter();
        let remarks = remarks.map(|remark| sentence(&format!("{}: {}", short(&remark.about), remark.message)));
        let conflicts = self.report.candidates.iter().flat_map(|row| self.conflicts(row));
        let all: Vec<String> = members.chain(conflicts).chain(remarks).collect();
        let more = all.len().saturating_sub(MOST_CAUTIONS);
        let mut blocks: Vec<Block> = all.into_iter().take(MOST_CAUTIONS).map(|text| Block::Caution { text }).collect();
        if more > 0 {
            let title = &self.texts.quality.title;
            blocks.push(Block::paragraph(fill(
                &self.texts.summary.more_cautions,
                &[("n", &more.to_string()), ("title", title)],
            )));
        }
        blocks
    }

    /// The answer in two sentences, or why there is none.
    fn sentences(&self, candidate: &Candidate) -> Vec<Block> {
        let texts = &self.texts.summary;
        let name = short(&candidate.path);
        if let Some(why) = &candidate.reason {
            let text =
                if candidate.status == Status::Forced { &texts.forced_sentence } else { &texts.refused_sentence };
            let text = fill(text, &[("candidate", &name), ("reason", &reason(&candidate.path, why))]);
            return vec![Block::Caution { text }];
        }
        let withheld = |text: &str, why: &Option<crate::library::Reason>| {
            let why = why.as_ref().map(|why| reason(&candidate.path, why))?;
            Some(fill(text, &[("candidate", &name), ("reason", &why)]))
        };
        let likeness = match &candidate.likeness {
            Some(likeness) => Some(fill(
                &texts.likeness_sentence,
                &[
                    ("candidate", &name),
                    ("percentile", &share(likeness.percentile)),
                    ("n", &likeness.n.to_string()),
                    ("by", self.ranked_by(candidate)),
                    ("low", &share(likeness.low)),
                    ("high", &share(likeness.high)),
                ],
            )),
            None => withheld(&texts.likeness_none, &candidate.likeness_withheld),
        };
        let evidence = match &candidate.evidence {
            Some(evidence) => Some(fill(&texts.evidence_sentence, &[("statement", &evidence.statement)])),
            None => withheld(&texts.evidence_none, &candidate.evidence_withheld),
        };
        let text: Vec<String> = [likeness, evidence].into_iter().flatten().collect();
        if text.is_empty() { Vec::new() } else { vec![Block::paragraph(text.join(" "))] }
    }

    /// The two outputs side by side.
    fn answers(&self, candidate: &Candidate) -> Option<Block> {
        let texts = &self.texts.summary;
        if candidate.likeness.is_none() && candidate.evidence.is_none() {
            return None;
        }
        let nothing = |title: &str| Answer {
            title: title.into(),
            value: texts.nothing_value.clone(),
            text: String::new(),
            note: String::new(),
        };
        let likeness = candidate.likeness.as_ref().map_or_else(
            || nothing(&texts.likeness_title),
            |likeness| Answer {
                title: texts.likeness_title.clone(),
                value: fill(&texts.likeness_value, &[("percentile", &share(likeness.percentile))]),
                text: fill(&texts.likeness_text, &[("n", &likeness.n.to_string())]),
                note: fill(&texts.likeness_note, &[("low", &share(likeness.low)), ("high", &share(likeness.high))]),
            },
        );
        let evidence = candidate.evidence.as_ref().map_or_else(
            || nothing(&texts.evidence_title),
            |evidence| Answer {
                title: texts.evidence_title.clone(),
                value: fill(&texts.evidence_value, &[("log10_lr", &signed(evidence.log10_lr, 1))]),
                text: fill(&texts.evidence_text, &[("verbal", &evidence.verbal), ("scale", &evidence.verbal_scale)]),
                note: match self.at_bound(evidence, 1) {
                    Some([ratio, interval]) => {
                        fill(&texts.evidence_note_bound, &[("ratio", &ratio), ("interval", &interval)])
                    }
                    None => fill(
                        &texts.evidence_note,
                        &[("low", &signed(evidence.low, 1)), ("high", &signed(evidence.high, 1))],
                    ),
                },
            },
        );
        Some(Block::Answers { answers: vec![likeness, evidence] })
    }

    /// All candidates in one table.
    fn overview(&self) -> Block {
        let (texts, results, document) = (&self.texts.summary, &self.texts.results, &self.texts.document);
        let row = |candidate: &Candidate| {
            let why = candidate.reason.as_ref().or(candidate.evidence_withheld.as_ref());
            let likeness = candidate.likeness.as_ref();
            let evidence = candidate.evidence.as_ref();
            vec![
                candidate.path.clone(),
                likeness
                    .map_or("–".into(), |l| format!("{} ({}–{})", share(l.percentile), share(l.low), share(l.high))),
                evidence.map_or("–".into(), |e| match self.at_bound(e, 1) {
                    Some([ratio, interval]) => format!("{}; LR {ratio}{interval}", signed(e.log10_lr, 1)),
                    None => format!("{} ({} … {})", signed(e.log10_lr, 1), signed(e.low, 1), signed(e.high, 1)),
                }),
                evidence
                    .map(|e| e.verbal.clone())
                    .or(why.map(|why| reason(&candidate.path, why)))
                    .unwrap_or_else(|| document.not_stated.clone()),
            ]
        };
        Block::Table(Table {
            caption: texts.table.clone(),
            columns: vec![
                Column::code(&self.texts.items.file),
                Column::number(&results.rank),
                Column::number(&self.texts.drivers.log10_lr),
                Column::text(&texts.evidence_title),
            ],
            rows: self.report.candidates.iter().map(row).collect(),
        })
    }

    fn summary_limits(&self) -> Vec<String> {
        let texts = &self.texts.summary;
        let calibration = self.calibration().map(|calibration| {
            let speakers: BTreeSet<usize> = self.findings.validations.iter().map(|v| v.trials.speakers).collect();
            let speakers: Vec<String> = speakers.iter().map(usize::to_string).collect();
            let speakers = speakers.join(" / ");
            let left_out = self.findings.validations.first().map(|first| self.left_out(first)).unwrap_or_default();
            let values = [
                ("speakers", speakers.as_str()),
                ("condition", &calibration.condition),
                ("left_out", &left_out),
                ("title", &self.texts.validation.title),
            ];
            fill(&texts.limit_calibration, &values)
        });
        let fixed = [&texts.limit_ratio, &texts.limit_rank, &texts.limit_origin, &texts.limit_population];
        fixed.into_iter().cloned().chain(calibration).collect()
    }

    /// The name of the encoder that candidates are ranked by.
    pub fn ranked_by(&self, candidate: &Candidate) -> &'static str {
        let by = candidate.likeness.as_ref().and_then(|likeness| likeness.by.weights.encoders().next());
        by.or_else(|| self.strongest()).map_or("", |encoder| encoder.label())
    }
}
