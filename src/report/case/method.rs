//! How the figures came about.

use super::Make;
use crate::encoder::{Band, Encoder};
use crate::report::document::{Block, Section};
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
                blocks.push(Block::paragraph(fill(&texts.ratio, &[("condition", &calibration.condition)])));
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
                    ];
                    blocks.push(Block::paragraph(fill(&texts.ratio_data, &values)));
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
}
