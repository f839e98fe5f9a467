//! How the voices sound: what a listener can follow, beside the scores and outside of them.

use super::Make;
use super::words::{or_dash, sentence, short, signed};
use crate::encoder::Band;
use crate::library::descriptors::DescriptorComparison;
use crate::library::findings::CandidateFindings;
use crate::report::document::{Block, Column, Figure, Section, Table};
use crate::report::plots::{Drawing, VoicesText, formants, pitch, spectra};
use crate::report::svg::fixed;
use crate::report::texts::fill;
use crate::voice::{ChannelSensitivity, Descriptor, Descriptors, MOST_SECONDS, VoiceTracks};

impl Make<'_> {
    pub fn voice(&self) -> Section {
        let texts = &self.texts.voice;
        let mut blocks = vec![Block::paragraph(&texts.intro)];
        let compared: Vec<_> = self.findings.candidates.iter().filter(|row| !row.descriptors.is_empty()).collect();
        let voices = compared.iter().flat_map(|row| &row.descriptors).map(|one| one.n).max().unwrap_or(0);
        blocks.push(match (compared.is_empty(), voices) {
            (true, _) => Block::paragraph(&texts.none),
            (false, 0) => Block::paragraph(&texts.population_none),
            (false, n) => Block::paragraph(fill(&texts.population, &[("n", &n.to_string())])),
        });
        if self.report.candidates.iter().any(|row| row.band == Some(Band::Narrow)) {
            blocks.push(Block::Caution { text: texts.narrow.clone() });
        }
        let voices = self.findings.candidates.iter().map(|row| &row.voice).chain([&self.findings.voice]);
        if voices.flatten().any(|voice| voice.is_cut) {
            let minutes = (MOST_SECONDS / 60).to_string();
            blocks.push(Block::paragraph(fill(&texts.cut, &[("minutes", &minutes)])));
        }
        for row in &compared {
            blocks.push(self.descriptor_table(row));
            blocks.extend(self.ceilings(row).map(Block::paragraph));
            blocks.extend(self.voice_pictures(row));
        }
        if let Some(row) = compared.first() {
            blocks.push(Block::heading(&texts.sensitivity));
            let items = row.descriptors.iter().filter(|one| one.channel_sensitivity != ChannelSensitivity::Low);
            let items = items.map(|one| sentence(&format!("{}: {}", one.label, one.channel_reason)));
            blocks.push(Block::List { items: items.collect() });
        }
        let mut section = self.section("voice", &texts.title, blocks);
        section.new_page = true;
        section
    }

    fn descriptor_table(&self, row: &CandidateFindings) -> Block {
        let texts = &self.texts.voice;
        let sensitivity = |sensitivity| match sensitivity {
            ChannelSensitivity::Low => texts.channel_low.clone(),
            ChannelSensitivity::Moderate => texts.channel_moderate.clone(),
            ChannelSensitivity::High => texts.channel_high.clone(),
        };
        let cells = |one: &DescriptorComparison| {
            let decimals = one.descriptor.decimals();
            vec![
                one.label.clone(),
                one.unit.clone(),
                or_dash(one.reference, decimals),
                or_dash(one.candidate, decimals),
                or_dash(one.reference_percentile, 0),
                or_dash(one.candidate_percentile, 0),
                one.difference_sd.filter(|sd| sd.is_finite()).map_or("–".into(), |sd| signed(sd, 1)),
                sensitivity(one.channel_sensitivity),
            ]
        };
        Block::Table(Table {
            caption: fill(&texts.caption, &[("candidate", &short(&row.path))]),
            columns: vec![
                Column::text(&texts.descriptor),
                Column::text(&texts.unit),
                Column::number(&texts.reference),
                Column::number(&texts.candidate),
                Column::number(&texts.reference_percentile),
                Column::number(&texts.candidate_percentile),
                Column::number(&texts.difference),
                Column::text(&texts.channel),
            ],
            rows: row.descriptors.iter().map(cells).collect(),
        })
    }

    /// Below which frequency the formants of both sides were looked for.
    fn ceilings(&self, row: &CandidateFindings) -> Option<String> {
        let texts = &self.texts.voice;
        let ceiling = |voice: &Option<Descriptors>| voice.as_ref()?.formant_ceiling_hz;
        let (reference, candidate) = (ceiling(&self.findings.voice)?, ceiling(&row.voice)?);
        let values = [reference, candidate].map(|hz| fixed(hz, 0));
        let [a, b] = &values;
        let text = fill(&texts.ceilings, &[("reference", a), ("candidate", b)]);
        Some(if reference == candidate { text } else { format!("{text} {}", texts.ceilings_differ) })
    }

    fn voice_pictures(&self, row: &CandidateFindings) -> Vec<Block> {
        let texts = &self.texts.pictures;
        let media = self.media_of(&self.media.candidates, &row.path);
        let Some(media) = media.filter(|media| self.is_pictured(&media.path)) else { return Vec::new() };
        let (Some(reference), Some(candidate)) = (&self.findings.voice, &row.voice) else { return Vec::new() };
        let own: Vec<&VoiceTracks> = self.media.reference.iter().map(|clip| &clip.voice.tracks).collect();
        let tracks = [own, vec![&media.voice.tracks]];
        let names = [texts.reference_key.as_str(), texts.candidate_short_key.as_str()];
        let words = |title, about, axes| VoicesText { title, about, axes, names };
        let both = [reference, candidate];

        let f0 = tracks
            .each_ref()
            .map(|all| all.iter().flat_map(|t| t.f0_hz.iter().flatten().copied()).collect::<Vec<f64>>());
        let [a, b] = both.map(|voice| self.figure_of(voice, Descriptor::F0Median));
        let text = words(&texts.f0_title, &texts.f0_about, [texts.f0_axis.as_str(), texts.share_axis.as_str()]);
        let pitch = pitch(&text, f0.each_ref().map(Vec::as_slice), [&a, &b]);

        let bands = both.map(|voice| voice.ltas.iter().map(|band| (band.centre_hz, band.level_db)).collect::<Vec<_>>());
        let [a, b] = both.map(|voice| self.figure_of(voice, Descriptor::AlphaRatio));
        let text = words(&texts.ltas_title, &texts.ltas_about, [texts.ltas_x.as_str(), texts.ltas_y.as_str()]);
        let spectrum = spectra(&text, bands.each_ref().map(Vec::as_slice), [&a, &b]);

        let quartiles =
            tracks.each_ref().map(|all| (0..4).filter_map(|n| quartiles(all, n)).collect::<Vec<[f64; 3]>>());
        let medians = both.map(|voice| {
            let all = [Descriptor::F1, Descriptor::F2, Descriptor::F3, Descriptor::F4];
            all.map(|formant| or_dash(voice.get(formant), 0)).join(", ")
        });
        let text = words(&texts.formants_title, &texts.formants_about, [texts.formants_axis.as_str(), ""]);
        let resonances =
            formants(&text, quartiles.each_ref().map(Vec::as_slice), medians.each_ref().map(String::as_str));

        let figure = |drawing: Drawing, caption: &str| Figure {
            caption: caption.into(),
            alternative: drawing.alternative,
            svg: drawing.svg,
        };
        vec![
            Block::Figures { figures: vec![figure(pitch, &texts.f0_caption), figure(spectrum, &texts.ltas_caption)] },
            Block::figure(figure(resonances, &texts.formants_caption)),
        ]
    }

    /// A descriptor with its name and unit.
    fn figure_of(&self, voice: &Descriptors, descriptor: Descriptor) -> String {
        let value = voice.get(descriptor).map_or("–".into(), |value| fixed(value, descriptor.decimals()));
        format!("{} {value} {}", descriptor.label(), descriptor.unit())
    }
}

/// Lower quartile, median and upper quartile of a formant over all frames of some recordings.
fn quartiles(tracks: &[&VoiceTracks], formant: usize) -> Option<[f64; 3]> {
    let frames = tracks.iter().flat_map(|track| &track.formants_hz);
    let mut values: Vec<f64> = frames.filter_map(|frame| frame.get(formant).copied().flatten()).collect();
    values.sort_unstable_by(f64::total_cmp);
    let at = |share: f64| values.get(((values.len().max(1) - 1) as f64 * share).round() as usize).copied();
    Some([at(0.25)?, at(0.5)?, at(0.75)?])
}
