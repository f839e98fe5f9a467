//! What was received, what it is asked to decide between, and among whom.

use super::Make;
use crate::feature::Quality;
use crate::library::findings::{BUILT_IN, Role};
use crate::library::{ReferenceClip, Status};
use crate::report::document::{Block, Column, Pair, Section, Table};
use crate::report::svg::fixed;
use crate::report::texts::fill;

impl Make<'_> {
    pub fn items(&self) -> Section {
        let texts = &self.texts.items;
        let columns = vec![
            Column::text(&texts.role),
            Column::code(&texts.file),
            Column::code(&texts.sha256),
            Column::number(&texts.size),
            Column::text(&texts.format),
            Column::number(&texts.duration),
            Column::number(&texts.speech),
            Column::text(&texts.used),
        ];
        let rows = self.findings.items.iter().map(|item| {
            let quality = self.quality_of(item.role, &item.path);
            let path = if item.path == BUILT_IN { texts.built_in.clone() } else { item.path.clone() };
            vec![
                self.role(item.role).to_string(),
                path,
                item.sha256.clone().unwrap_or_else(|| self.texts.document.unknown.clone()),
                item.size_bytes.map_or("–".into(), |bytes| bytes.to_string()),
                quality.map_or("–".into(), described),
                quality.map_or("–".into(), |q| fixed(q.duration_s, 2)),
                quality.map_or("–".into(), |q| fixed(q.net_speech_s, 2)),
                self.used(item.role, &item.path),
            ]
        });
        let enrolled = self.report.reference.clips.iter().filter(|clip| clip.model.is_some()).map(|clip| {
            let model = clip.model.as_deref().unwrap_or_default();
            vec![
                self.role(Role::Reference).to_string(),
                clip.path.clone(),
                clip.sha256.clone().unwrap_or_else(|| self.texts.document.unknown.clone()),
                "–".into(),
                fill(&texts.from_model, &[("model", model)]),
                "–".into(),
                clip.net_speech_s.map_or("–".into(), |s| fixed(s, 2)),
                self.yes_no(clip.net_speech_s.is_some()),
            ]
        });
        let table = Table { caption: texts.caption.clone(), columns, rows: rows.chain(enrolled).collect() };
        let mut section =
            self.section("items", &texts.title, vec![Block::paragraph(&texts.intro), Block::Table(table)]);
        section.new_page = true;
        section
    }

    /// The word for what a file is in the case.
    fn role(&self, role: Role) -> &str {
        let texts = &self.texts.items;
        match role {
            Role::Reference => &texts.role_reference,
            Role::VoiceModel => &texts.role_model,
            Role::Candidate => &texts.role_candidate,
            Role::Calibration => &texts.role_calibration,
            Role::Cohort => &texts.role_cohort,
        }
    }

    /// The row of a recording of the reference that was read.
    fn recording(&self, path: &str) -> Option<&ReferenceClip> {
        self.report.reference.clips.iter().find(|clip| clip.path == path && clip.model.is_none())
    }

    fn quality_of(&self, role: Role, path: &str) -> Option<&Quality> {
        match role {
            Role::Reference => self.recording(path)?.quality.as_ref(),
            Role::Candidate => self.report.candidates.iter().find(|row| row.path == path)?.quality.as_ref(),
            _ => None,
        }
    }

    fn used(&self, role: Role, path: &str) -> String {
        let status = match role {
            Role::Reference => {
                self.report.reference.clips.iter().find(|clip| clip.path == path).map(|clip| clip.status)
            }
            Role::Candidate => self.report.candidates.iter().find(|row| row.path == path).map(|row| row.status),
            _ => None,
        };
        match status {
            Some(Status::Duplicate) => self.texts.items.duplicate.clone(),
            Some(Status::Refused) => self.yes_no(false),
            _ => self.yes_no(true),
        }
    }

    pub fn yes_no(&self, yes: bool) -> String {
        if yes { self.texts.document.yes.clone() } else { self.texts.document.no.clone() }
    }

    /// A proposition as a clause on its own: "it" is the recording.
    pub fn phrase(&self, proposition: &str) -> String {
        let texts = &self.texts.propositions;
        let (text, proposition) = match proposition.strip_prefix("it ") {
            Some(rest) => (&texts.phrase_it, rest),
            None => (&texts.phrase, proposition),
        };
        fill(text, &[("proposition", proposition)])
    }

    pub fn propositions(&self) -> Section {
        let (texts, document) = (&self.texts.propositions, &self.texts.document);
        let mut blocks = Vec::new();
        match self.calibration() {
            Some(calibration) => {
                let [first, second] = &calibration.propositions;
                let phrase = |proposition: &str| self.phrase(proposition);
                blocks.push(Block::paragraph(&texts.intro));
                blocks.push(Block::Pairs {
                    pairs: vec![Pair::new(&texts.first, phrase(first)), Pair::new(&texts.second, phrase(second))],
                });
            }
            None => blocks.push(Block::paragraph(&texts.none)),
        }
        blocks.push(Block::heading(&texts.population));
        match &self.report.cohort {
            Some(cohort) => {
                let n = cohort.n.to_string();
                let mut words = fill(&texts.population_text, &[("n", &n), ("source", &cohort.source)]);
                let sexes: Vec<String> = cohort.by_sex.iter().map(|(sex, n)| format!("{sex} {n}")).collect();
                if !sexes.is_empty() {
                    words += " ";
                    words += &fill(&texts.population_sex, &[("sexes", &sexes.join(", "))]);
                }
                if !cohort.filters.is_empty() {
                    let filters: Vec<String> = cohort.filters.iter().map(ToString::to_string).collect();
                    words += " ";
                    words += &fill(&texts.population_filters, &[("filters", &filters.join(", "))]);
                }
                blocks.push(Block::paragraph(words));
                match &self.facts.case.population {
                    Some(why) => {
                        blocks.push(Block::paragraph(&texts.population_why));
                        blocks.push(Block::Quote { text: why.clone() });
                    }
                    None => blocks.push(Block::paragraph(&texts.population_no_why)),
                }
                blocks.push(Block::Caution { text: super::words::sentence(&capitalised(&cohort.caution)) });
            }
            None => blocks.push(Block::paragraph(&texts.population_none)),
        }
        let language = &self.report.language;
        let stated = |text: &Option<String>| text.clone().unwrap_or_else(|| document.not_stated.clone());
        blocks.push(Block::paragraph(fill(
            &texts.language,
            &[
                ("declared", &stated(&language.declared)),
                ("calibration", &stated(&language.calibration)),
                ("checked", language.checked.words()),
            ],
        )));
        self.section("propositions", &texts.title, blocks)
    }
}

/// Container, codec, rate and channels in a cell.
fn described(quality: &Quality) -> String {
    let format = &quality.format;
    let rate = f64::from(format.sample_rate_hz) / 1000.0;
    format!("{} {}, {rate} kHz, {}", format.container, format.codec, format.channels)
}

/// Words that begin a sentence.
fn capitalised(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}
