//! What carries a score, in time and among the recordings of the reference, and the recordings themselves.
//!
//! The findings are gathered in `library::findings`; here they become blocks, with no new figure.

use super::Make;
use super::words::{or_dash, short, signed};
use crate::encoder::{Band, Encoder};
use crate::library::check::Candidate;
use crate::library::findings::{CandidateFindings, ClipMedia, Segment};
use crate::library::{Status, WithoutClip};
use crate::report::document::{Block, Column, Figure, Section, Sound, Table};
use crate::report::plots::{
    Exemplar, Exemplars, KeyText, SpectrogramFacts, Waveform, exemplars, spectrogram, waveform,
};
use crate::report::svg::fixed;
use crate::report::texts::fill;

/// Rows of the picture of the reference's recordings.
const MOST_ROWS: usize = 24;
/// Rows of a table of windows; a longer recording is what `locate` is for.
const MOST_WINDOWS: usize = 120;

impl<'a> Make<'a> {
    pub fn drivers(&self) -> Option<Section> {
        let texts = &self.texts.drivers;
        let scored: Vec<_> = self.rows().filter(|(candidate, _)| candidate.status == Status::Scored).collect();
        let encoder = self.strongest().filter(|_| !scored.is_empty())?;
        let seconds = [self.findings.window_s, self.findings.hop_s].map(|s| fixed(s, 1));
        let [window, hop] = &seconds;
        let mut blocks = vec![
            Block::paragraph(fill(&texts.segments_text, &[("window", window), ("hop", hop)])),
            Block::paragraph(&texts.clips_text),
        ];
        for (candidate, findings) in &scored {
            if scored.len() > 1 {
                blocks.push(Block::heading(short(&candidate.path)));
            }
            blocks.push(Block::heading(&texts.segments_heading));
            blocks.extend(self.segments(candidate, findings, encoder));
            blocks.push(Block::heading(&texts.clips_heading));
            blocks.extend(self.clips(candidate, findings, encoder));
        }
        let mut section = self.section("drivers", &texts.title, blocks);
        section.new_page = true;
        Some(section)
    }

    fn segments(&self, candidate: &Candidate, findings: &CandidateFindings, encoder: Encoder) -> Vec<Block> {
        let texts = &self.texts.drivers;
        if findings.segments.is_empty() {
            return vec![Block::paragraph(&texts.segments_none)];
        }
        let mut blocks = Vec::new();
        blocks.extend(self.waveform_picture(candidate, findings, encoder).map(Block::figure));
        let columns = vec![
            Column::number(&texts.from),
            Column::number(&texts.to),
            Column::number(&texts.speech),
            Column::number(fill(&self.texts.scan.cosine, &[("encoder", encoder.label())])),
            Column::number(&texts.window_lr),
        ];
        let cosine = |segment: &Segment| {
            let cosine = or_dash(segment.cosine(encoder), 3);
            match segment.band == Band::Narrow && candidate.band != Some(Band::Narrow) {
                true => fill(&texts.narrow_window, &[("cosine", &cosine)]),
                false => cosine,
            }
        };
        let row = |segment: &Segment| {
            vec![
                fixed(segment.start_s, 2),
                fixed(segment.end_s, 2),
                fixed(segment.net_speech_s, 2),
                cosine(segment),
                segment.log10_lr.map_or("–".into(), |ratio| signed(ratio, 1)),
            ]
        };
        let rows = findings.segments.iter().take(MOST_WINDOWS).map(row).collect();
        blocks.push(Block::Table(Table { caption: texts.segments_caption.clone(), columns, rows }));
        let more = findings.segments.len().saturating_sub(MOST_WINDOWS);
        if more > 0 {
            blocks.push(Block::paragraph(fill(&texts.segments_more, &[("n", &more.to_string())])));
        }
        blocks
    }

    fn waveform_picture(
        &self,
        candidate: &Candidate,
        findings: &CandidateFindings,
        encoder: Encoder,
    ) -> Option<Figure> {
        let texts = &self.texts.pictures;
        let media = self.media_of(&self.media.candidates, &candidate.path);
        let media = media.filter(|media| self.is_pictured(&media.path))?;
        let with_ratio = candidate.evidence.is_some();
        let score = |segment: &Segment| if with_ratio { segment.log10_lr } else { segment.cosine(encoder) };
        let windows: Vec<(f64, f64, f64)> = findings
            .segments
            .iter()
            .filter(|segment| segment.start_s < media.duration_s)
            .filter_map(|segment| Some((segment.start_s, segment.end_s, score(segment)?)))
            .collect();
        let axis = match with_ratio {
            true => texts.segments_lr_axis.clone(),
            false => fill(&texts.segments_cosine_axis, &[("encoder", encoder.label())]),
        };
        let decimals = if with_ratio { 1 } else { 2 };
        let (low, high) = windows.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), w| (a.min(w.2), b.max(w.2)));
        let range = match windows.is_empty() {
            true => String::new(),
            false => {
                let [low, high] = [low, high].map(|x| fixed(x, decimals));
                fill(&texts.window_figures, &[("low", &low), ("high", &high)])
            }
        };
        let whole = match &candidate.evidence {
            Some(evidence) => Some(evidence.unbounded_log10_lr),
            None => candidate.scores.as_ref().and_then(|scores| scores.get(encoder)).map(|score| score.cosine),
        };
        let drawing = waveform(&Waveform {
            title: &fill(&texts.waveform_title, &[("candidate", &short(&candidate.path))]),
            about: &texts.waveform_about,
            axes: [&texts.seconds_axis, &axis],
            duration_s: media.duration_s,
            outline: &media.outline,
            speech: &media.speech,
            windows: &windows,
            windows_key: KeyText::new(&texts.window_key, range),
            whole: whole.map(|whole| (whole, KeyText::new(&texts.whole_key, fixed(whole, decimals)))),
        });
        Some(Figure { caption: texts.waveform_caption.clone(), alternative: drawing.alternative, svg: drawing.svg })
    }

    fn clips(&self, candidate: &Candidate, findings: &CandidateFindings, encoder: Encoder) -> Vec<Block> {
        let texts = &self.texts.drivers;
        let Some(scores) = candidate.scores.as_ref().and_then(|scores| scores.get(encoder)) else { return Vec::new() };
        let mut blocks = Vec::new();
        if findings.without_clip.is_empty() {
            blocks.push(Block::paragraph(&texts.clips_one));
        } else {
            blocks.push(Block::paragraph(self.influence(findings, encoder)));
        }
        // Both lists have the order of the reference's recordings.
        let paired = findings.without_clip.len() == scores.clips.len();
        let without = |place: usize| findings.without_clip.get(place).filter(|_| paired);
        let names: Vec<String> = scores.clips.iter().take(MOST_ROWS).map(|clip| short(&clip.path)).collect();
        let rows: Vec<Exemplar<'_>> = scores
            .clips
            .iter()
            .zip(&names)
            .enumerate()
            .map(|(place, (clip, name))| Exemplar {
                name,
                outline: self.media_of(&self.media.reference, &clip.path).map_or(&[], |media| media.outline.as_slice()),
                alone: clip.cosine,
                without: without(place).and_then(|without| without.cosines.get(encoder)).copied(),
            })
            .collect();
        let pictures = &self.texts.pictures;
        let more = scores.clips.len().saturating_sub(MOST_ROWS);
        let note = if more > 0 { fill(&pictures.clips_more, &[("n", &more.to_string())]) } else { String::new() };
        let drawing = exemplars(&Exemplars {
            title: &pictures.clips_title,
            about: &pictures.clips_about,
            keys: [&pictures.clips_alone, &pictures.clips_without],
            note: &note,
            rows: &rows,
        });
        let caption = pictures.clips_caption.clone();
        if self.is_pictured(&candidate.path) {
            blocks.push(Block::figure(Figure { caption, alternative: drawing.alternative, svg: drawing.svg }));
        }
        let rows = scores.clips.iter().enumerate().map(|(place, clip)| {
            let without = without(place);
            vec![
                clip.path.clone(),
                fixed(clip.cosine, 3),
                or_dash(without.and_then(|without| without.cosines.get(encoder)).copied(), 3),
                self.ratio_without(without),
            ]
        });
        let columns = vec![
            Column::code(&texts.clip),
            Column::number(&texts.alone),
            Column::number(&texts.without),
            Column::number(&texts.without_lr),
        ];
        let caption = fill(&texts.clips_caption, &[("encoder", encoder.label())]);
        blocks.push(Block::Table(Table { caption, columns, rows: rows.collect() }));
        blocks
    }

    /// The ratio without a recording, with that before the bounds.
    fn ratio_without(&self, without: Option<&WithoutClip>) -> String {
        let ratios = without.and_then(|clip| clip.log10_lr.zip(clip.unbounded_log10_lr));
        ratios.map_or("–".into(), |(bounded, before)| format!("{} ({})", signed(bounded, 2), signed(before, 2)))
    }

    /// How far leaving out one recording moves the figures.
    fn influence(&self, findings: &CandidateFindings, encoder: Encoder) -> String {
        let texts = &self.texts.drivers;
        let ends = |values: &mut dyn Iterator<Item = f64>| {
            values.fold(None, |ends: Option<(f64, f64)>, x| {
                let (low, high) = ends.unwrap_or((x, x));
                Some((low.min(x), high.max(x)))
            })
        };
        let clips = &findings.without_clip;
        let cosines = ends(&mut clips.iter().filter_map(|clip| clip.cosines.get(encoder).copied()));
        let ratios = ends(&mut clips.iter().filter_map(|clip| clip.unbounded_log10_lr));
        let Some((low, high)) = cosines else { return texts.clips_one.clone() };
        let [low, high] = [low, high].map(|x| fixed(x, 3));
        let encoder = encoder.label();
        match ratios {
            Some((low_lr, high_lr)) => {
                let [low_lr, high_lr] = [low_lr, high_lr].map(|x| signed(x, 2));
                let values =
                    [("encoder", encoder), ("low", &low), ("high", &high), ("low_lr", &low_lr), ("high_lr", &high_lr)];
                fill(&texts.clips_range, &values)
            }
            None => fill(&texts.clips_range_cosine, &[("encoder", encoder), ("low", &low), ("high", &high)]),
        }
    }

    /// Spectrograms and excerpts, reference and candidate side by side.
    pub fn listen(&self) -> Option<Section> {
        let texts = &self.texts.sounds;
        let intro = if self.facts.sounds { &texts.intro } else { &texts.pictures };
        let encoder = self.strongest().map_or("", Encoder::label);
        let mut blocks = vec![Block::paragraph(fill(intro, &[("encoder", encoder)]))];
        for media in self.media.candidates.iter().filter(|media| media.excerpt.is_some()) {
            let reference = self.closest_reference(&media.path);
            let names = [&self.texts.items.role_reference, &self.texts.items.role_candidate];
            let shown: Vec<(&String, &ClipMedia)> = names
                .into_iter()
                .zip([reference, Some(media)])
                .filter_map(|(name, clip)| Some((name, clip?)))
                .collect();
            if self.media.candidates.len() > 1 {
                blocks.push(Block::heading(short(&media.path)));
            }
            let figures: Vec<Figure> = shown.iter().filter_map(|(role, clip)| self.spectrogram(role, clip)).collect();
            if !figures.is_empty() {
                blocks.push(Block::Figures { figures });
            }
            if self.facts.sounds {
                let sound = |(role, clip): &(&String, &ClipMedia)| {
                    let wav = clip.excerpt.as_ref()?.wav.clone();
                    Some(Sound { caption: self.excerpt_words(&texts.caption, role, clip), wav })
                };
                let sounds: Vec<Sound> = shown.iter().filter_map(sound).collect();
                if !sounds.is_empty() {
                    blocks.push(Block::Sounds { sounds });
                }
            }
        }
        let more = self.media.candidates.iter().filter(|media| media.excerpt.is_none()).count();
        if more > 0 {
            blocks.push(Block::paragraph(fill(&texts.more, &[("n", &more.to_string())])));
        }
        (blocks.len() > 1).then(|| self.section("listen", &texts.title, blocks))
    }

    /// The recording of the reference that comes closest to a candidate, of those that can be shown.
    fn closest_reference(&self, candidate: &str) -> Option<&'a ClipMedia> {
        let row = self.report.candidates.iter().find(|row| row.path == candidate);
        let scores = row.and_then(|row| row.scores.as_ref()?.get(self.strongest()?));
        let mut clips: Vec<_> = scores.iter().flat_map(|score| &score.clips).collect();
        clips.sort_by(|a, b| b.cosine.total_cmp(&a.cosine));
        let shown = |clip: &&'a ClipMedia| clip.excerpt.is_some();
        let closest = clips.into_iter().find_map(|clip| self.media_of(&self.media.reference, &clip.path).filter(shown));
        closest.or_else(|| self.media.reference.iter().find(shown))
    }

    fn excerpt_words(&self, text: &str, role: &str, clip: &ClipMedia) -> String {
        let (from, to) = clip.excerpt.as_ref().map_or((0.0, 0.0), |excerpt| (excerpt.start_s, excerpt.end_s));
        let [from, to] = [from, to].map(|s| fixed(s, 1));
        fill(text, &[("role", role), ("file", &short(&clip.path)), ("from", &from), ("to", &to)])
    }

    fn spectrogram(&self, role: &str, clip: &ClipMedia) -> Option<Figure> {
        let texts = &self.texts.pictures;
        let excerpt = clip.excerpt.as_ref()?;
        let picture = excerpt.spectrogram.as_ref()?;
        let title = match role == self.texts.items.role_reference {
            true => &texts.spectrogram_reference,
            false => &texts.spectrogram_candidate,
        };
        let what = self.excerpt_words(title, role, clip);
        let about = fill(&texts.spectrogram_alternative, &[("what", &what)]);
        let drawing = spectrogram(&SpectrogramFacts {
            title: &what,
            about: &about,
            axes: [&texts.seconds_axis, &texts.hertz_axis],
            from_to_s: (excerpt.start_s, excerpt.end_s),
            top_khz: f64::from(crate::audio::SAMPLE_RATE_HZ) / 2000.0,
            size: (picture.columns, picture.bands),
            levels: &picture.levels,
        });
        let caption = fill(&texts.spectrogram_caption, &[("what", &what)]);
        Some(Figure { caption, alternative: drawing.alternative, svg: drawing.svg })
    }
}
