//! A scan of clips that come in parts, such as the rows that one process of a cluster is given: what was found in the
//! parts adds up to what a scan of all of them finds.

use super::{DEFAULT_TOP, Hit, Scan, ScanSettings, Score, Threshold, VoiceLeftOut, check_settings};
use crate::encoder::{Panel, PerBand};
use crate::error::Result;
use crate::library::batch::{self, BatchOptions};
use crate::library::cohort::Cohort;
use crate::library::enrolled::voices::{EnrolledVoice, VoiceSet};
use crate::library::index::{Index, IndexRow};
use crate::library::labels::selection::Filter;
use crate::library::validate::calibration_file::LoadedCalibration;
use crate::library::verdict::neighbourhoods;
use std::f64::consts::LN_10;
use std::path::PathBuf;
use std::sync::Arc;

/// What was found of one voice, in all clips or in a part of them.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// Clips that can be listed and what they are ranked by, in no order.
    pub ranked: Vec<(f64, Hit)>,
    /// The same of clips that there is no ratio of.
    pub rest: Vec<(f64, Hit)>,
    /// Clips that were compared.
    pub compared: usize,
    /// Clips that there is a ratio of.
    pub judged: usize,
    /// Clips among the closest that have the bytes of a recording of the reference.
    pub in_reference: usize,
}

impl Found {
    /// Takes in what was found in other clips, and keeps what can still be listed.
    pub(super) fn add(&mut self, other: Found, settings: &ScanSettings<'_>) {
        self.ranked.extend(other.ranked);
        self.rest.extend(other.rest);
        self.compared += other.compared;
        self.judged += other.judged;
        self.in_reference += other.in_reference;
        self.cut(settings);
    }

    /// Puts the clips in order and leaves out those that are not listed.
    pub(super) fn cut(&mut self, settings: &ScanSettings<'_>) {
        let in_order = |hits: &mut Vec<(f64, Hit)>, top: Option<usize>, only_above: bool| {
            hits.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.path.cmp(&b.1.path)));
            hits.retain(|(_, hit)| !only_above || hit.flagged);
            hits.truncate(top.unwrap_or(usize::MAX));
        };
        let only_above = settings.only_above;
        in_order(&mut self.ranked, settings.top, only_above);
        // Clips without a ratio are shown beside a threshold on one; a threshold on a cosine holds for them too.
        let on_cosine = matches!(settings.threshold.score, Score::Cosine(_));
        in_order(&mut self.rest, top_rest(settings), only_above && on_cosine);
    }
}

/// Most clips without a ratio that are listed of each voice.
pub(super) fn top_rest(settings: &ScanSettings<'_>) -> Option<usize> {
    if settings.only_above { settings.top.or(Some(DEFAULT_TOP)) } else { settings.top }
}

/// The probability that a ratio of this logarithm makes of the expectation of so many clips of the voice among `clips`.
/// An expectation of more than half of them is taken as half: a prior in favour of a match is nobody's to assume.
pub fn posterior(log10_lr: f64, clips: usize, expected_clips: f64) -> f64 {
    let prior = (expected_clips / clips.max(1) as f64).min(0.5);
    let log_odds = log10_lr * LN_10 + (prior / (1.0 - prior)).ln();
    1.0 / (1.0 + (-log_odds).exp())
}

/// Protected voices against clips that come in parts.
pub struct PartScan {
    panels: [Arc<Panel>; 2],
    voices: Vec<EnrolledVoice>,
    left_out: Vec<VoiceLeftOut>,
    calibration: LoadedCalibration,
    cohort: Cohort,
    options: PartOptions,
    found: Vec<Found>,
    has_ratio: bool,
}

/// How a scan of parts is made; as the settings of the same names of a [scan](ScanSettings).
#[derive(Clone, Debug)]
pub struct PartOptions {
    /// Most clips that are listed of each voice; none for all of them.
    pub top: Option<usize>,
    /// The threshold that flags clips.
    pub threshold: Threshold,
    /// Whether only clips at the threshold or above are listed.
    pub only_above: bool,
    /// What clips are ranked by.
    pub by: Option<Score>,
    /// Which voices of the cohort are the population.
    pub cohort_filters: Vec<Filter>,
    /// Number of threads; 0 for one a core.
    pub threads: usize,
}

impl PartOptions {
    fn settings<'a>(&'a self, calibration: &'a LoadedCalibration, cohort: &'a Cohort) -> ScanSettings<'a> {
        ScanSettings {
            top: self.top,
            threshold: self.threshold,
            only_above: self.only_above,
            own_too: false,
            by: self.by,
            expected_clips: 1.0,
            calibration: Some(calibration),
            cohort: Some(cohort),
            cohort_filters: &self.cohort_filters,
            cache: None,
            progress: &|_, _| {},
            threads: self.threads,
        }
    }
}

impl PartScan {
    /// Enrols voices by the two panels of an index, of the wide and of the narrow band.
    ///
    /// # Errors
    /// Where no voice can be enrolled, or a setting is outside its range.
    pub fn new(
        panels: [Arc<Panel>; 2],
        voices: &VoiceSet,
        calibration: LoadedCalibration,
        cohort: Cohort,
        options: PartOptions,
    ) -> Result<Self> {
        let enrolling = BatchOptions { threads: options.threads, ..Default::default() };
        let (voices, left_out) = voices.enrol(&panels[0], Some(&panels[1]), &enrolling)?;
        let left_out = left_out.into_iter().map(|(voice, message)| VoiceLeftOut { voice, message }).collect();
        let found = voices.iter().map(|_| Found::default()).collect();
        let (_, withheld) = check_settings(&panels[0], &options.settings(&calibration, &cohort))?;
        let has_ratio = withheld.is_none();
        Ok(PartScan { panels, voices, left_out, calibration, cohort, options, found, has_ratio })
    }

    /// Voices that could not be enrolled, and why.
    pub fn left_out(&self) -> &[VoiceLeftOut] {
        &self.left_out
    }

    /// Voices of which there are telephone recordings: they are compared with clips that have embeddings of the narrow
    /// band alone, which an index has of all clips only where it was asked for.
    pub fn narrow_band(&self) -> impl Iterator<Item = &str> {
        self.voices.iter().filter(|voice| voice.is_narrow()).map(|voice| voice.name.as_str())
    }

    /// Whether the calibration fits the encoders, so that clips have ratios.
    pub fn has_ratio(&self) -> bool {
        self.has_ratio
    }

    /// Compares the voices with the clips of a part, which were embedded by the same panels.
    ///
    /// # Errors
    /// Where a row lacks an embedding, or a path stands in the part twice.
    pub fn push(&mut self, rows: Vec<IndexRow>) -> Result<()> {
        let [wide, narrow] = &self.panels;
        let threads = if self.options.threads == 0 { batch::cores() } else { self.options.threads };
        let size = rows.len().div_ceil(threads).max(1);
        let mut rows = rows.into_iter();
        let segments =
            std::iter::from_fn(|| Some(rows.by_ref().take(size).collect()).filter(|part: &Vec<_>| !part.is_empty()));
        let index = Index::of_rows(wide, narrow, segments.collect())?;
        let settings = self.options.settings(&self.calibration, &self.cohort);
        let parts = scan_part(PerBand { wide, narrow }, &self.voices, &index, &settings)?;
        self.found.iter_mut().zip(parts).for_each(|(found, part)| found.add(part, &settings));
        Ok(())
    }

    /// What was found of each voice by its name since the last time, in the order of the names.
    pub fn take(&mut self) -> Vec<(String, Found)> {
        let names = self.voices.iter().map(|voice| voice.name.clone());
        names.zip(self.found.iter_mut().map(std::mem::take)).collect()
    }
}

/// What a part of the clips holds of each voice, in the order of the voices; `index` holds the part.
///
/// # Errors
/// As for [`scan`](super::scan).
pub(crate) fn scan_part(
    panels: PerBand<&Panel>,
    voices: &[EnrolledVoice],
    index: &Index,
    settings: &ScanSettings<'_>,
) -> Result<Vec<Found>> {
    let (key, withheld) = check_settings(panels.wide, settings)?;
    let populations = super::populations(panels, settings);
    let calibration = settings.calibration.filter(|_| withheld.is_none());
    let scan = Scan { index, settings, panels, calibration, key, populations, root: PathBuf::new() };
    let near = PerBand::from_fn(|band| neighbourhoods(scan.panels[band], &scan.populations[band]));
    let gallery = super::Gallery::new(index, None);
    let mut all = Vec::with_capacity(voices.len());
    for voices in voices.chunks(super::VOICES) {
        let picks = super::search(&gallery, &index.manifest().segments, voices, &scan.ask(&|_| {}))?;
        let cases: Vec<_> = voices.iter().map(|voice| scan.cases(voice, &near)).collect();
        all.extend(scan.judge(voices, &cases, picks)?);
    }
    Ok(all)
}
