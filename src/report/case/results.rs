//! What came out: scores, rank and ratio of each candidate, and the controls beside them.
//!
//! Every figure is one of the result's; here it is rounded, worded and put into blocks.

use super::words::{or_dash, reason, share, short, signed};
use super::{MOST_PICTURED, Make};
use crate::calibration::verbal::at_bound;
use crate::compare::Likeness;
use crate::encoder::{Encoder, PerEncoder};
use crate::library::check::{Candidate, InReference};
use crate::library::gate::GateOutcome;
use crate::library::{Evidence, RankConflict, Status};
use crate::report::document::{Block, Column, Figure, Section, Table};
use crate::report::plots::{KeyText, Population, population};
use crate::report::svg::fixed;
use crate::report::texts::fill;
use std::f64::consts::LN_10;

impl Make<'_> {
    /// The encoder whose cosines are drawn: the one that voices are ranked by.
    pub fn strongest(&self) -> Option<Encoder> {
        self.report.settings.panel.encoders.iter().last()
    }

    pub fn results(&self) -> Section {
        let texts = &self.texts.results;
        let mut blocks = Vec::new();
        if self.report.candidates.len() > MOST_PICTURED {
            let n = MOST_PICTURED.to_string();
            blocks.push(Block::paragraph(fill(&self.texts.pictures.first, &[("n", &n)])));
        }
        for (candidate, _) in self.rows() {
            blocks.push(Block::heading(fill(&texts.candidate_title, &[("candidate", &candidate.path)])));
            blocks.extend(self.result(candidate));
        }
        if let Some(gate) = &self.report.gate {
            blocks.push(Block::paragraph(self.gate(gate)));
        }
        let mut section = self.section("results", &texts.title, blocks);
        section.new_page = true;
        section
    }

    fn result(&self, candidate: &Candidate) -> Vec<Block> {
        let texts = &self.texts.results;
        let mut blocks = Vec::new();
        if let Some(why) = &candidate.reason {
            let text = if candidate.status == Status::Forced { &texts.forced } else { &texts.refused };
            blocks.push(Block::Caution { text: fill(text, &[("reason", &reason(&candidate.path, why))]) });
        }
        blocks.extend(self.membership(candidate).map(|text| Block::Caution { text }));
        blocks.extend(self.scores(candidate));
        if candidate.status != Status::Scored {
            return blocks;
        }
        blocks.push(Block::heading(&texts.rank_heading));
        match (&candidate.likeness, &candidate.likeness_withheld) {
            (Some(likeness), _) => {
                blocks.push(Block::paragraph(self.rank(candidate, likeness)));
                let pictures = self.population_pictures(candidate);
                blocks.extend(pictures.chunks(2).map(|pair| Block::Figures { figures: pair.to_vec() }));
            }
            (None, Some(why)) => {
                let why = reason(&candidate.path, why);
                blocks.push(Block::paragraph(fill(&texts.rank_none, &[("reason", &why)])));
            }
            (None, None) => {}
        }
        blocks.push(Block::heading(&texts.evidence_heading));
        match (&candidate.evidence, &candidate.evidence_withheld) {
            (Some(evidence), _) => {
                blocks.extend(self.evidence(evidence));
                blocks.extend(self.conflicts(candidate).into_iter().map(|text| Block::Caution { text }));
            }
            (None, Some(why)) => {
                let why = reason(&candidate.path, why);
                blocks.push(Block::paragraph(fill(&texts.evidence_none, &[("reason", &why)])));
            }
            (None, None) => blocks.push(Block::paragraph(&self.texts.method.ratio_none)),
        }
        blocks
    }

    /// How a candidate belongs to the reference, in words; none where it does not.
    pub fn membership(&self, candidate: &Candidate) -> Option<String> {
        let texts = &self.texts.results;
        let name = short(&candidate.path);
        Some(match candidate.in_reference.as_ref()? {
            InReference::SameContent { clip } => {
                fill(&texts.in_reference_same, &[("candidate", &name), ("clip", clip)])
            }
            InReference::SameFolder { folder } => {
                fill(&texts.in_reference_folder, &[("candidate", &name), ("folder", folder)])
            }
        })
    }

    fn scores(&self, candidate: &Candidate) -> Option<Block> {
        let texts = &self.texts.results;
        let scores = candidate.scores.as_ref()?;
        let controls = candidate.controls.as_ref();
        let spread = |spread: Option<&crate::compare::Spread>| {
            spread.map_or("–".into(), |s| format!("{} … {}", fixed(s.low, 2), fixed(s.high, 2)))
        };
        let as_norm = candidate.as_norm.as_ref();
        let mut columns = vec![
            Column::text(&texts.encoder),
            Column::number(&texts.cosine),
            Column::number(&texts.distance),
            Column::number(&texts.best),
            Column::number(&texts.median),
        ];
        columns.extend(as_norm.map(|_| Column::number(&texts.as_norm)));
        columns.extend([&texts.rank, &texts.ceiling, &texts.floor].map(Column::number));
        let rows = scores.iter().map(|(encoder, score)| {
            let mut row = vec![encoder.label().to_string()];
            row.extend([score.cosine, score.distance, score.best, score.median].map(|x| fixed(x, 3)));
            row.extend(as_norm.map(|scores| or_dash(scores.get(encoder).copied(), 2)));
            let rank = candidate.likeness.as_ref().and_then(|likeness| likeness.by_encoder.get(encoder));
            row.push(rank.map_or("–".into(), |percentile| share(*percentile)));
            row.push(spread(controls.and_then(|c| c.ceiling.as_ref()?.get(encoder))));
            row.push(spread(controls.and_then(|c| c.floor.as_ref()?.get(encoder))));
            row
        });
        Some(Block::Table(Table { caption: texts.scores.clone(), columns, rows: rows.collect() }))
    }

    fn rank(&self, candidate: &Candidate, likeness: &Likeness) -> String {
        let texts = &self.texts.results;
        let mut words = vec![fill(
            &texts.rank_text,
            &[
                ("by", self.ranked_by(candidate)),
                ("percentile", &share(likeness.percentile)),
                ("n", &likeness.n.to_string()),
                ("low", &share(likeness.low)),
                ("high", &share(likeness.high)),
            ],
        )];
        if let Some(percentile) = likeness.by_fusion {
            words.push(fill(&texts.rank_fusion, &[("percentile", &share(percentile))]));
        }
        for other in &likeness.other_kinds {
            let n = other.n.to_string();
            let values = [("n", n.as_str()), ("kind", &other.kind), ("percentile", &share(other.percentile))];
            words.push(fill(&texts.rank_other, &values));
        }
        let nearest: Vec<String> = likeness
            .nearest
            .iter()
            .map(|other| {
                let text = if other.closer { &texts.nearest_closer } else { &texts.nearest };
                fill(text, &[("name", &other.name), ("score", &fixed(other.score, 2))])
            })
            .collect();
        if !nearest.is_empty() {
            words.push(fill(&texts.rank_nearest, &[("nearest", &nearest.join(", "))]));
        }
        if let Some(fit) = &candidate.cohort_fit {
            let fits = if fit.fits { &texts.fit_yes } else { &texts.fit_no };
            let values = [
                ("candidate", signed(fit.candidate, 1)),
                ("reference", signed(fit.reference, 1)),
                ("encoder", fit.encoder.label().to_string()),
                ("fits", fits.clone()),
            ];
            let values: Vec<(&str, &str)> = values.iter().map(|(name, value)| (*name, value.as_str())).collect();
            words.push(fill(&texts.fit, &values));
        }
        words.join(" ")
    }

    /// Encoders that contradict each other, and a rank and a ratio that do, each as a sentence.
    pub fn conflicts(&self, candidate: &Candidate) -> Vec<String> {
        let texts = &self.texts.results;
        let name = short(&candidate.path);
        let evidence = candidate.evidence.as_ref();
        let encoders = evidence.and_then(|evidence| evidence.conflict.zip(Some(&evidence.parts_log10_lr)));
        let encoders = encoders.map(|(conflict, parts)| {
            let part = |encoder| parts.get(encoder).map_or("–".into(), |part| signed(*part, 1));
            let values = [
                ("candidate", name.as_str()),
                ("in_favour", conflict.in_favour.label()),
                ("most", &part(conflict.in_favour)),
                ("against", conflict.against.label()),
                ("least", &part(conflict.against)),
            ];
            fill(&texts.conflict, &values)
        });
        let rank = candidate.rank_conflict.zip(candidate.likeness.as_ref()).map(|(conflict, likeness)| {
            let text = match conflict {
                RankConflict::HighRankRatioBelow1 => &texts.conflict_high_rank,
                RankConflict::LowRankRatioAbove10 => &texts.conflict_low_rank,
            };
            let percentile = share(likeness.percentile);
            fill(text, &[("candidate", &name), ("by", self.ranked_by(candidate)), ("percentile", &percentile)])
        });
        encoders.into_iter().chain(rank).collect()
    }

    /// A ratio that was kept at a bound, in words, and its interval, empty where both ends are the bound; none where it
    /// was not kept.
    pub fn at_bound(&self, evidence: &Evidence, decimals: usize) -> Option<[String; 2]> {
        let ratio = at_bound(evidence.log10_lr * LN_10, evidence.unbounded_log10_lr * LN_10)?;
        let [low, high] = [evidence.low, evidence.high].map(|end| signed(end, decimals));
        let interval = match low == high {
            true => String::new(),
            false => fill(&self.texts.results.evidence_interval, &[("low", &low), ("high", &high)]),
        };
        Some([ratio, interval])
    }

    fn evidence(&self, evidence: &Evidence) -> Vec<Block> {
        let texts = &self.texts.results;
        let [lower, upper] = evidence.bounds_log10_lr.map(|bound| signed(bound, 2));
        let [log10_lr, low, high] = [evidence.log10_lr, evidence.low, evidence.high].map(|x| signed(x, 2));
        let said = [
            ("statement", evidence.statement.as_str()),
            ("scale", &evidence.verbal_scale),
            ("verbal", &evidence.verbal),
            ("log10_lr", &log10_lr),
        ];
        let mut words = vec![match self.at_bound(evidence, 2) {
            Some([ratio, interval]) => fill(
                &texts.evidence_text_bound,
                &[&said[..], &[("ratio", ratio.as_str()), ("interval", &interval)]].concat(),
            ),
            None => fill(&texts.evidence_text, &[&said[..], &[("low", low.as_str()), ("high", &high)]].concat()),
        }];
        let unbounded = signed(evidence.unbounded_log10_lr, 2);
        words.push(match evidence.log10_lr == evidence.unbounded_log10_lr {
            true => fill(&texts.evidence_bounds_same, &[("lower", &lower), ("upper", &upper)]),
            false => fill(&texts.evidence_bounds, &[("unbounded", &unbounded), ("lower", &lower), ("upper", &upper)]),
        });
        if let Some(posterior) = &evidence.posterior {
            let values = [posterior.prior.to_string(), super::words::probability(posterior.posterior)];
            let [prior, after] = &values;
            words.push(fill(&texts.evidence_prior, &[("prior", prior), ("posterior", after)]));
        }
        vec![Block::paragraph(words.join(" ")), Block::Caution { text: texts.scale_warning.clone() }]
    }

    fn gate(&self, gate: &GateOutcome) -> String {
        let texts = &self.texts.results;
        let limits = gate.limits.iter().map(|gate| format!("{} of {}", gate.score.label(), gate.value));
        let limits = limits.collect::<Vec<_>>().join(", ");
        let names = |names: &[String]| {
            if names.is_empty() { self.texts.document.none.clone() } else { names.join(", ") }
        };
        match gate.passed {
            true => fill(&texts.gate_passed, &[("limits", &limits)]),
            false => fill(
                &texts.gate_stopped,
                &[("limits", &limits), ("above", &names(&gate.above)), ("refused", &names(&gate.refused))],
            ),
        }
    }

    pub fn controls(&self) -> Section {
        let texts = &self.texts.controls;
        let mut rows = Vec::new();
        // The controls are those of the reference: the same for all candidates of a band.
        let mut seen = Vec::new();
        for candidate in &self.report.candidates {
            let (Some(controls), Some(band)) = (&candidate.controls, candidate.band) else { continue };
            if seen.contains(&band) {
                continue;
            }
            seen.push(band);
            let sides = [(&texts.own, &controls.ceiling), (&texts.other, &controls.floor)];
            for (name, spreads) in sides {
                for (encoder, spread) in spreads.iter().flat_map(PerEncoder::iter) {
                    let mut row = vec![fill(name, &[("encoder", encoder.label())])];
                    row.extend([spread.low, spread.median, spread.high].map(|x| fixed(x, 3)));
                    row.push(spread.n.to_string());
                    rows.push(row);
                }
            }
        }
        let mut blocks = vec![Block::paragraph(&texts.intro)];
        if rows.is_empty() {
            blocks.push(Block::paragraph(&texts.none));
        } else {
            let columns = vec![
                Column::text(&texts.control),
                Column::number(&texts.least),
                Column::number(&texts.middle),
                Column::number(&texts.greatest),
                Column::number(&texts.count),
            ];
            blocks.push(Block::Table(Table { caption: texts.caption.clone(), columns, rows }));
        }
        self.section("controls", &texts.title, blocks)
    }

    /// Where a candidate stands among the population, by the encoder that ranks.
    pub fn population_picture(&self, candidate: &Candidate) -> Option<Figure> {
        self.drawn_population(candidate, self.strongest()?, true)
    }

    /// The same by each of the other encoders.
    fn population_pictures(&self, candidate: &Candidate) -> Vec<Figure> {
        let strongest = self.strongest();
        let encoders = self.report.settings.panel.encoders;
        let several = self.report.candidates.len() > 2;
        let wanted = encoders.iter().filter(|encoder| several || Some(*encoder) != strongest);
        wanted.filter_map(|encoder| self.drawn_population(candidate, encoder, false)).collect()
    }

    fn drawn_population(&self, candidate: &Candidate, encoder: Encoder, low: bool) -> Option<Figure> {
        let texts = &self.texts.pictures;
        let score = candidate.scores.as_ref().filter(|_| self.is_pictured(&candidate.path))?.get(encoder)?;
        let scores = self.findings.populations.iter().find(|scores| Some(scores.band) == candidate.band)?;
        let scores = scores.scores.get(encoder).filter(|scores| !scores.is_empty())?;
        let named = [("encoder", encoder.label())];
        let [title, axis] = [&texts.population_title, &texts.cosine_axis].map(|text| fill(text, &named));
        let n = scores.len().to_string();
        let (least, greatest) = (scores.first().copied()?, scores.last().copied()?);
        let range = |text: &str, low: f64, high: f64| {
            fill(text, &[("n", &n), ("low", &fixed(low, 2)), ("high", &fixed(high, 2))])
        };
        let own = candidate.controls.as_ref().and_then(|controls| controls.ceiling.as_ref()?.get(encoder));
        let drawing = population(&Population {
            title: &title,
            about: &texts.population_about,
            score: &axis,
            voices: &texts.voices_axis,
            low,
            scores,
            scores_key: KeyText::new(&texts.population_key, range(&texts.population_figures, least, greatest)),
            own: own.map(|own| {
                let key = KeyText::new(&texts.own_key, range(&texts.own_figures, own.low, own.high));
                (own.low, own.high, key)
            }),
            candidates: vec![(
                score.cosine,
                KeyText::new(
                    fill(&texts.candidate_key, &[("candidate", &short(&candidate.path))]),
                    fill(&texts.candidate_figures, &[("score", &fixed(score.cosine, 3))]),
                ),
            )],
        });
        let caption = fill(&texts.population_caption, &[("n", &n), ("encoder", encoder.label())]);
        Some(Figure { caption, alternative: drawing.alternative, svg: drawing.svg })
    }
}
