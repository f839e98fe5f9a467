//! The report of a scan: a summary, and a page for each clip at or above the threshold.
//!
//! It is made of what `scan --format jsonl` wrote and repeats its figures; it reads no recording. A clip that it shows
//! is one to look at, and the report of a check on that clip is another document.

use super::case::{CaseInfo, made_by, words};
use super::document::{Block, Column, Document, Pair, Section, Table};
use super::svg::fixed;
use super::texts::{Texts, fill};
use crate::calibration::verbal::{self, Propositions, SCALE, at_bound};
use crate::error::{DocumentKind, Error, ErrorKind, Result};
use crate::library::scan::{Hit, Threshold, VoiceLeftOut, VoiceScan};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::f64::consts::LN_10;
use std::path::Path;

/// The result of a scan, read again.
#[derive(Clone, Debug)]
pub struct ScanResult {
    sha256: String,
    head: Head,
    voices: Vec<VoiceScan>,
}

/// A line of a scan's result.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "record", rename_all = "snake_case")]
enum Record {
    Scan(Box<Head>),
    Voice(Box<VoiceScan>),
    /// What a gate found; the page is about hits.
    Gate(serde::de::IgnoredAny),
}

/// What the page tells of [`ScanHead`](crate::library::scan::ScanHead); the settings in it are not needed, and may be
/// those of another version.
#[derive(Clone, Debug, Deserialize)]
struct Head {
    version: String,
    /// Results of older versions do not say it.
    #[serde(default)]
    models_version: Option<String>,
    library: String,
    /// Results of older versions do not say it.
    #[serde(default)]
    rows_by_others: bool,
    propositions: Option<[String; 2]>,
    threshold: Threshold,
    expected_clips: f64,
    left_out: Vec<VoiceLeftOut>,
}

impl ScanResult {
    /// Whether a text begins as the result of a scan does.
    pub fn looks_like_one(text: &str) -> bool {
        let first = text.lines().next().unwrap_or("");
        serde_json::from_str::<Record>(first).is_ok_and(|record| matches!(record, Record::Scan(_)))
    }

    /// Reads what `scan --format jsonl` wrote; `path` is told in errors.
    ///
    /// # Errors
    /// [`ErrorKind::Document`] where a line is none of a scan's.
    pub fn parse(path: &Path, text: &str) -> Result<Self> {
        let wrong = |found: String| {
            let expected = "the lines of soundalike scan --format jsonl".into();
            Error::from(ErrorKind::Document { path: path.into(), what: DocumentKind::Scan, found, expected })
        };
        let (mut head, mut voices) = (None, Vec::new());
        for (i, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let record = serde_json::from_str(line).map_err(|error| wrong(format!("line {} ({error})", i + 1)))?;
            match record {
                Record::Scan(_) if head.is_some() => return Err(wrong(format!("a second scan in line {}", i + 1))),
                Record::Scan(scan) => head = Some(*scan),
                Record::Voice(voice) => voices.push(*voice),
                Record::Gate(_) => {}
            }
        }
        let head = head.ok_or_else(|| wrong("no line of a scan".into()))?;
        let sha256 = crate::hash::hex(Sha256::digest(text.as_bytes()));
        Ok(ScanResult { sha256, head, voices })
    }
}

/// The report of a scan as a document.
pub fn document(case: &CaseInfo, scan: &ScanResult, texts: &Texts) -> Document {
    let make = Make { scan, texts };
    let mut sections = vec![make.summary()];
    for (number, (voice, hit)) in make.flagged().enumerate() {
        sections.push(make.hit(number, voice, hit));
    }
    sections.push(make.closing());
    let names = &texts.document;
    let stated = |text: &Option<String>| text.clone().unwrap_or_else(|| names.not_stated.clone());
    let short = scan.sha256.get(..16).unwrap_or_default();
    let models = scan.head.models_version.as_deref().unwrap_or(&names.not_stated);
    let number = case.number.as_deref().unwrap_or(&names.no_case);
    Document {
        language: texts.language.clone(),
        title: names.scan_title.clone(),
        facts: vec![
            Pair::new(&names.case_number, stated(&case.number)),
            Pair::new(&names.client, stated(&case.client)),
            Pair::new(&names.analyst, stated(&case.analyst)),
            Pair::new(&names.date, stated(&case.date)),
            Pair::new(&texts.scan.library, &scan.head.library),
            Pair::new(&names.program, made_by(texts, &scan.head.version, models)),
            Pair::new(&names.result, &scan.sha256),
        ],
        footer: fill(
            &names.footer,
            &[("version", &scan.head.version), ("models", models), ("case", number), ("hash", short)],
        ),
        contents: names.contents.clone(),
        sections,
    }
}

struct Make<'a> {
    scan: &'a ScanResult,
    texts: &'a Texts,
}

impl<'a> Make<'a> {
    /// The clips at or above the threshold, with their voices.
    fn flagged(&self) -> impl Iterator<Item = (&'a VoiceScan, &'a Hit)> + use<'a> {
        let voices = self.scan.voices.iter();
        let clips = |voice: &'a VoiceScan| voice.hits.iter().chain(&voice.withheld);
        voices.flat_map(move |voice| clips(voice).filter(|hit| hit.flagged).map(move |hit| (voice, hit)))
    }

    fn threshold(&self) -> String {
        format!("{} {}", self.scan.head.threshold.score, self.scan.head.threshold.value)
    }

    fn summary(&self) -> Section {
        let texts = &self.texts.scan;
        let (voices, hits) = (self.scan.voices.len().to_string(), self.flagged().count().to_string());
        let threshold = self.threshold();
        let values = [("voices", voices.as_str()), ("hits", &hits), ("threshold", &threshold)];
        let mut blocks = vec![
            Block::paragraph(fill(&texts.summary_text, &values)),
            Block::paragraph(&texts.chance),
            Block::Caution { text: texts.limits.clone() },
        ];
        if self.scan.head.rows_by_others {
            blocks.push(Block::Caution { text: texts.rows_by_others.clone() });
        }
        blocks.extend([Block::Table(self.voices()), Block::Table(self.closest(&texts.closest, |voice| &voice.hits))]);
        if self.scan.voices.iter().any(|voice| !voice.withheld.is_empty()) {
            blocks.push(Block::Table(self.closest(&texts.withheld_clips, |voice| &voice.withheld)));
        }
        if self.flagged().next().is_none() {
            blocks.push(Block::paragraph(&texts.no_hits));
        }
        Section { id: "summary".into(), title: texts.summary.clone(), new_page: false, blocks }
    }

    fn voices(&self) -> Table {
        let texts = &self.texts.scan;
        let row = |voice: &VoiceScan| {
            let alarms = &voice.false_alarms;
            vec![
                voice.voice.clone(),
                format!("{} ({} s)", voice.exemplars, fixed(voice.net_speech_s, 1)),
                voice.compared.to_string(),
                voice.flagged.to_string(),
                match (alarms.at_most, &alarms.by_cohort) {
                    (Some(n), _) => {
                        let text = match alarms.bound_holds {
                            Some(true) => &texts.expected_at_most,
                            // Results of older versions do not say it.
                            Some(false) | None => &texts.expected_about,
                        };
                        fill(text, &[("n", &fixed(n, 1))])
                    }
                    (None, Some(cohort)) => {
                        let [n, low, high] = [cohort.expected, cohort.low, cohort.high].map(|x| fixed(x, 1));
                        fill(&texts.expected_interval, &[("n", &n), ("low", &low), ("high", &high)])
                    }
                    (None, None) => "–".into(),
                },
            ]
        };
        Table {
            caption: texts.voices.clone(),
            columns: vec![
                Column::text(&texts.voice),
                Column::number(&texts.recordings),
                Column::number(&texts.compared),
                Column::number(&texts.shown),
                Column::number(&texts.expected),
            ],
            rows: self.scan.voices.iter().map(row).collect(),
        }
    }

    fn closest(&self, caption: &str, clips: impl Fn(&VoiceScan) -> &[Hit]) -> Table {
        let texts = &self.texts.scan;
        let rows = self.scan.voices.iter().flat_map(|voice| {
            clips(voice).iter().map(move |hit| {
                vec![
                    voice.voice.clone(),
                    hit.rank.to_string(),
                    hit.path.clone(),
                    hit.log10_lr.map_or("–".into(), |ratio| words::signed(ratio, 2)),
                    hit.likeness.map_or("–".into(), words::share),
                    if hit.flagged { self.texts.document.yes.clone() } else { self.texts.document.no.clone() },
                ]
            })
        });
        Table {
            caption: caption.into(),
            columns: vec![
                Column::text(&texts.voice),
                Column::number(&texts.rank),
                Column::code(&texts.clip),
                Column::number(&texts.log10_lr),
                Column::number(&texts.likeness),
                Column::text(&texts.shown),
            ],
            rows: rows.collect(),
        }
    }

    /// The page of one clip.
    fn hit(&self, number: usize, voice: &VoiceScan, hit: &Hit) -> Section {
        let (texts, document) = (&self.texts.scan, &self.texts.document);
        let mut rows: Vec<[String; 2]> = vec![
            [texts.voice.clone(), voice.voice.clone()],
            [texts.clip.clone(), hit.path.clone()],
            ["SHA-256".into(), hit.sha256.clone().unwrap_or_else(|| document.unknown.clone())],
            [texts.library_voice.clone(), hit.library_voice.clone()],
            [texts.rank.clone(), hit.rank.to_string()],
            [texts.length.clone(), words::or_dash(hit.seconds, 2)],
            [texts.speech.clone(), fixed(hit.net_speech_s, 2)],
            [self.texts.quality.snr.clone(), words::or_dash(hit.snr_db.map(f64::from), 0)],
        ];
        rows.extend(
            hit.cosines
                .iter()
                .map(|(encoder, cosine)| [fill(&texts.cosine, &[("encoder", encoder.label())]), fixed(*cosine, 3)]),
        );
        if let (Some(percentile), Some(low), Some(high)) = (hit.likeness, hit.likeness_low, hit.likeness_high) {
            let [percentile, low, high] = [percentile, low, high].map(words::share);
            rows.push([texts.likeness.clone(), format!("{percentile} ({low} … {high})")]);
        }
        let mut blocks = vec![Block::Table(Table {
            caption: texts.figures.clone(),
            columns: vec![Column::text(&texts.figure), Column::code(&texts.value)],
            rows: rows.into_iter().map(Vec::from).collect(),
        })];
        blocks.extend(self.evidence(hit));
        if let Some(posterior) = hit.posterior {
            let clips = if voice.judged > 0 { voice.judged } else { voice.compared }.to_string();
            let expected = self.scan.head.expected_clips.to_string();
            let posterior = words::probability(posterior);
            let values = [("expected", expected.as_str()), ("clips", &clips), ("posterior", &posterior)];
            blocks.push(Block::Caution { text: fill(&texts.posterior_text, &values) });
        }
        let values = [("voice", voice.voice.as_str()), ("clip", &words::short(&hit.path))];
        Section { id: format!("clip-{}", number + 1), title: fill(&texts.hit_title, &values), new_page: true, blocks }
    }

    fn evidence(&self, hit: &Hit) -> Option<Block> {
        let texts = &self.texts.scan;
        let Some(ratio) = hit.log10_lr else {
            let reason = words::sentence(&hit.reason.as_ref()?.message);
            return Some(Block::paragraph(fill(&texts.withheld, &[("reason", &reason)])));
        };
        let [first, second] = self.scan.head.propositions.as_ref()?;
        let signed = |x: Option<f64>| x.map_or("–".into(), |x| words::signed(x, 2));
        let [low, high] = [hit.log10_lr_low, hit.log10_lr_high].map(signed);
        let at_bound = hit.unbounded_log10_lr.and_then(|unbounded| at_bound(ratio * LN_10, unbounded * LN_10));
        let interval = match low == high {
            true => String::new(),
            false => fill(&self.texts.results.evidence_interval, &[("low", &low), ("high", &high)]),
        };
        let text = if at_bound.is_some() { &texts.evidence_text_bound } else { &texts.evidence_text };
        let more = match at_bound {
            Some(ratio) => {
                vec![("ratio", ratio), ("interval", interval), ("unbounded", signed(hit.unbounded_log10_lr))]
            }
            None => vec![("low", low), ("high", high)],
        };
        let values = [
            ("log10_lr", words::signed(ratio, 2)),
            ("scale", SCALE.to_string()),
            ("verbal", verbal::support(ratio * LN_10)),
            ("statement", verbal::sentence(ratio * LN_10, Propositions { first, second })),
        ];
        let values = values.iter().chain(&more).map(|(name, value)| (*name, value.as_str()));
        Some(Block::paragraph(fill(text, &values.collect::<Vec<_>>())))
    }

    fn closing(&self) -> Section {
        let texts = &self.texts.scan;
        let limits = &self.texts.summary;
        let mut blocks = vec![
            Block::List {
                items: vec![limits.limit_ratio.clone(), limits.limit_rank.clone(), limits.limit_origin.clone()],
            },
            Block::paragraph(&texts.repeated),
        ];
        if !self.scan.head.left_out.is_empty() {
            blocks.push(Block::heading(&texts.left_out));
            let left_out = self.scan.head.left_out.iter();
            let items = left_out.map(|one| words::sentence(&format!("{}: {}", one.voice, one.message))).collect();
            blocks.push(Block::List { items });
        }
        Section { id: "limits".into(), title: texts.limits_title.clone(), new_page: true, blocks }
    }
}
