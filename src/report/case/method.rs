//! How the figures came about.

use super::Make;
use super::words::signed;
use crate::calibration::fusion::{Method, NOISY_TO_SOUND_DB};
use crate::encoder::{Band, Encoder};
use crate::library::findings::{RatioTerms, Validation};
use crate::report::document::{Block, Column, Section, Table};
use crate::report::svg::{count, fixed};
use crate::report::texts::fill;

impl Make<'_> {
    pub fn method(&self) -> Section {
        let texts = &self.texts.method;
        let settings = &self.report.settings;
        let minimum = fixed(settings.panel.minimum_net_speech_s, 1);
        let mut blocks =
            vec![Block::paragraph(fill(&texts.pipeline, &[("minimum", &minimum)])), Block::heading(&texts.encoders)];
        let about = |encoder| match encoder {
            Encoder::Mfcc => &texts.encoder_mfcc,
            Encoder::MfccLda => &texts.encoder_mfcc_lda,
            Encoder::Ge2e => &texts.encoder_ge2e,
            Encoder::Campplus => &texts.encoder_campplus,
        };
        let items = settings.panel.encoders.iter().map(|encoder| about(encoder).clone()).collect();
        blocks.push(Block::List { items });
        if self.report.cohort.is_some() {
            blocks.push(Block::paragraph(&texts.rank));
        }
        match self.calibration() {
            Some(calibration) => {
                blocks.extend(self.findings.validations.first().map(|first| self.ratio(&first.terms)));
                for validation in &self.findings.validations {
                    let trials = &validation.trials;
                    let values = [
                        ("band", self.band(validation.band)),
                        ("clips", &count(trials.clips)),
                        ("copies", &count(trials.copies)),
                        ("speakers", &count(trials.speakers)),
                        ("target", &count(trials.target)),
                        ("non_target", &count(trials.non_target)),
                        ("source", &calibration.source),
                        ("condition", &calibration.condition),
                    ];
                    blocks.push(Block::paragraph(fill(&texts.ratio_data, &values)));
                    blocks.push(self.terms(validation));
                }
            }
            None => blocks.push(Block::paragraph(&texts.ratio_none)),
        }
        if self.report.candidates.iter().any(|candidate| candidate.band == Some(Band::Narrow)) {
            blocks.push(Block::Caution { text: texts.narrow.clone() });
        }
        let set = &settings.instruction_set;
        blocks.push(Block::paragraph(fill(&texts.deterministic, &[("instruction_set", set)])));
        self.section("method", &texts.title, blocks)
    }

    /// How cosines become a ratio, in words.
    fn ratio(&self, terms: &RatioTerms) -> Block {
        let texts = &self.texts.method;
        let encoders: Vec<&str> = terms.neutral.encoders().map(|encoder| encoder.label()).collect();
        let strongest = encoders.last().copied().unwrap_or_default();
        let mut words = vec![fill(&texts.ratio, &[("encoders", &encoders.join(", "))])];
        if encoders.len() > 1 {
            let [noisy, sound] = NOISY_TO_SOUND_DB.map(|db| fixed(db, 0));
            let values = [("strongest", strongest), ("noisy", &noisy), ("sound", &sound)];
            words.push(fill(&texts.ratio_several, &values));
        }
        words.push(match terms.method {
            Method::Logistic => texts.ratio_logistic.clone(),
            Method::Pav => texts.ratio_pav.clone(),
            Method::BiGaussian => texts.ratio_bi_gaussian.clone(),
        });
        words.push(texts.ratio_bounds.clone());
        Block::paragraph(words.join(" "))
    }

    /// The neutral cosines and weights of a fit.
    fn terms(&self, validation: &Validation) -> Block {
        let (texts, terms) = (&self.texts.method, &validation.terms);
        let encoders = terms.neutral.iter().zip(terms.weights_log10_lr.iter());
        let rows = encoders.map(|((encoder, neutral), (_, weight))| {
            vec![encoder.label().to_string(), fixed(*neutral, 3), fixed(*weight, 2)]
        });
        let strongest = terms.neutral.encoders().last().map_or("", |encoder| encoder.label());
        let intercept = signed(terms.intercept_log10_lr, 3);
        let band = self.band(validation.band);
        let values = [("band", band), ("strongest", strongest), ("intercept", &intercept)];
        Block::Table(Table {
            caption: fill(&texts.terms, &values),
            columns: vec![
                Column::text(&self.texts.results.encoder),
                Column::number(&texts.neutral),
                Column::number(&texts.weight),
            ],
            rows: rows.collect(),
        })
    }
}
