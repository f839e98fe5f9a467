//! Protected voices against every clip of an index: which clips are closest to each, and what that says in a library of
//! this size.
//!
//! The search is exhaustive. It goes through all clips in single precision and picks, for each voice, every clip that
//! can be among the wanted ones (`search`); of these everything is computed again as `check` does, from the index
//! itself, so that a clip's figures here and there are the same. A clip whose quality the calibration has never seen
//! has no ratio; such clips are ranked apart, by the strongest encoder, so that none is lost among the others.

mod parts;
mod result;
mod rows;
mod search;
mod table;

pub use crate::library::threshold::{Score, THRESHOLD_LOG10_LR, Threshold};
pub use result::{CohortAlarms, FalseAlarms, Hit, ScanHead, ScanRecord, VoiceLeftOut, VoiceScan};
pub use table::{Cell, HitRow};

use crate::calibration::fusion::{Fusion, Method, TrialTerms};
use crate::compare::{VoiceModel, clopper_pearson};
use crate::encoder::{Band, Embedding, Encoder, EncoderSet, Panel, PanelSettings, PerBand, PerEncoder, Refusal};
use crate::error::{DocumentKind, Error, ErrorKind, Result};
use crate::library::batch::{self, BatchOptions};
use crate::library::cohort::{Cohort, Population};
use crate::library::enrolled::voices::{EnrolledVoice, VoiceSet};
use crate::library::index::{Index, IndexRow};
use crate::library::labels::selection::Filter;
use crate::library::outcome::{Reason, Settings, VERSION, models_version};
use crate::library::validate::calibration_file::LoadedCalibration;
use crate::library::verdict::{Case, CaseSettings, Scored, neighbourhoods, strongest, unfit};
use crate::path_text::{path_of, text_of};
pub(crate) use parts::scan_part;
use parts::top_rest;
pub use parts::{Found, PartOptions, PartScan, posterior};
use rows::Gallery;
use search::{Picks, Place, search};
use std::collections::BTreeMap;
use std::f64::consts::LN_10;
use std::path::{Path, PathBuf};

/// Clips that are listed of each voice where nothing else is asked.
pub const DEFAULT_TOP: usize = 20;
/// Voices that are compared in one pass.
const VOICES: usize = 1024;
/// Rows that may be listed in one pass where all are wanted: about a gigabyte.
const MOST_LISTED: usize = 1 << 20;

/// How a scan is made.
pub struct ScanSettings<'a> {
    /// Most clips that are listed of each voice; none for all of them.
    pub top: Option<usize>,
    /// The threshold that flags clips.
    pub threshold: Threshold,
    /// Whether only clips at the threshold or above are listed.
    pub only_above: bool,
    /// Whether clips with the bytes of a recording of the reference are listed too; they are then flagged.
    pub own_too: bool,
    /// What clips are ranked by; none for the ratio where a calibration applies, else the strongest encoder's cosine.
    pub by: Option<Score>,
    /// Number of clips of a voice that the user expects in the library before looking: the prior, of which no more than
    /// half of the clips are taken.
    pub expected_clips: f64,
    /// What turns scores into ratios.
    pub calibration: Option<&'a LoadedCalibration>,
    /// The population that candidates are ranked in.
    pub cohort: Option<&'a Cohort>,
    /// Which voices of the cohort are the population.
    pub cohort_filters: &'a [Filter],
    /// Where the index's rows are kept in a form that is fast to read; none for nowhere.
    pub cache: Option<PathBuf>,
    /// Called with the number of clips done with and in all, from any thread.
    pub progress: &'a (dyn Fn(usize, usize) + Sync),
    /// Number of threads; 0 for one a core.
    pub threads: usize,
}

impl Default for ScanSettings<'_> {
    fn default() -> Self {
        ScanSettings {
            top: None,
            threshold: Threshold::default(),
            only_above: false,
            own_too: false,
            by: None,
            expected_clips: 1.0,
            calibration: None,
            cohort: None,
            cohort_filters: &[],
            cache: None,
            progress: &|_, _| {},
            threads: 0,
        }
    }
}

/// A panel that makes the embeddings of an index, to enrol what it is scanned for.
///
/// # Errors
/// Where the index was made by another version of the program, whose embeddings cannot be compared.
pub fn panel_of(index: &Index, models: &crate::encoder::Models) -> Result<Panel> {
    let manifest = index.manifest();
    let encoders = EncoderSet::of(manifest.fingerprints.encoders())?;
    let settings = PanelSettings { channel: manifest.channel.parse()?, encoders, ..Default::default() };
    let panel = Panel::with_models(&settings, models)?;
    let prints = |prints: &PerEncoder<String>| {
        let prints: Vec<String> = prints.iter().map(|(encoder, print)| format!("{encoder} {print}")).collect();
        prints.join(", ")
    };
    let again = if index.is_of_others() {
        "embed the clips again with this version"
    } else {
        "make it again with soundalike index --rebuild"
    };
    let fits = |panel: &Panel, made_by: &PerEncoder<String>, widths: &PerEncoder<usize>| {
        let mut others = widths.iter().filter(|(encoder, width)| panel.width(*encoder) != Some(**width));
        let (found, expected) = if panel.fingerprints() != made_by {
            let found = format!("embeddings by extractors {}", prints(made_by));
            (found, format!("{}; {again}", prints(panel.fingerprints())))
        } else if let Some((encoder, width)) = others.next() {
            let expected = panel.width(encoder).unwrap_or(0);
            (format!("embeddings of {width} values by {encoder}"), format!("{expected}; {again}"))
        } else {
            return Ok(());
        };
        let what = if index.is_of_others() { DocumentKind::Rows } else { DocumentKind::Index };
        let path = index.folder().map(Path::to_path_buf).unwrap_or_default();
        Err(Error::from(ErrorKind::Document { path, what, found, expected }))
    };
    fits(&panel, &manifest.fingerprints, &manifest.widths)?;
    if index.is_of_others() && manifest.counts().with_narrow > 0 {
        fits(&panel.narrow()?, &manifest.narrow_fingerprints, &manifest.narrow_widths)?;
    }
    Ok(panel)
}

/// What is asked of a search.
pub(crate) struct Ask<'a> {
    top: Option<usize>,
    top_rest: Option<usize>,
    /// The least value that counts, in the unit of what clips are ranked by.
    floor: Option<f64>,
    key: Key,
    fusions: Option<PerBand<&'a Fusion>>,
    threads: usize,
    progress: &'a (dyn Fn(usize) + Sync),
}

/// What a search ranks by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Key {
    /// The sum that a ratio is made of.
    Ratio,
    /// A cosine.
    Encoder(Encoder),
}

/// A row of a segment, the voice that it was picked for, and whether it was picked for the ranked list.
type Pick = (u32, usize, bool);
/// The voice, the list, and what the clip is ranked by with its figures; none of one that is not listed.
type Judged = (usize, bool, Option<(f64, Hit)>);

/// Everything that does not change from voice to voice.
struct Scan<'a> {
    index: &'a Index,
    settings: &'a ScanSettings<'a>,
    panels: PerBand<&'a Panel>,
    calibration: Option<&'a LoadedCalibration>,
    key: Key,
    populations: PerBand<Population>,
    root: PathBuf,
}

/// Scans an index for protected voices. `head` is given first, then `each` voice in the order of their names.
///
/// # Errors
/// Where no voice can be enrolled, the index cannot be read, a setting is outside its range, or the receiver fails.
pub fn scan(
    panel: &Panel,
    voices: &VoiceSet,
    index: &Index,
    settings: &ScanSettings<'_>,
    head: &mut dyn FnMut(&ScanHead) -> Result<()>,
    each: &mut dyn FnMut(&VoiceScan) -> Result<()>,
) -> Result<()> {
    settings.cache.as_deref().map(rows::check_folder).transpose()?;
    let holds = index.manifest().counts();
    let narrow_panel = panel.narrow()?;
    let (key, withheld) = check_settings(panel, settings)?;
    let options = BatchOptions { threads: settings.threads, ..Default::default() };
    let narrow = (holds.with_narrow > 0).then_some(&narrow_panel);
    let (enrolled, left_out) = voices.enrol(panel, narrow, &options)?;
    let panels = PerBand { wide: panel, narrow: &narrow_panel };
    let populations = populations(panels, settings);
    let calibration = settings.calibration.filter(|_| withheld.is_none());
    head(&ScanHead {
        version: VERSION.into(),
        models_version: models_version().into(),
        settings: Settings::of(panel),
        library: index.library(),
        holds: holds.clone(),
        rows_by_others: index.is_of_others(),
        condition: calibration.map(|loaded| loaded.calibration.condition.clone()),
        calibration: calibration.map(|loaded| loaded.sha256.clone()),
        propositions: calibration.map(|loaded| loaded.calibration.propositions.clone()),
        evidence_withheld: withheld.map(Reason::from),
        ranked_by: match key {
            Key::Ratio => Score::Log10Lr,
            Key::Encoder(encoder) => Score::Cosine(encoder),
        },
        threshold: settings.threshold,
        expected_clips: settings.expected_clips,
        cohort_voices: settings.cohort.map(|_| populations.wide.voices.len()),
        cohort: settings.cohort.map(|cohort| cohort.sha256.clone()),
        passed_over: index.passed_over().cloned(),
        list_passed_over: voices.passed_over().clone(),
        left_out: left_out.into_iter().map(|(voice, message)| VoiceLeftOut { voice, message }).collect(),
    })?;
    let root = path_of(&index.manifest().library);
    let scan = Scan { index, settings, panels, calibration, key, populations, root };
    let near = PerBand::from_fn(|band| neighbourhoods(scan.panels[band], &scan.populations[band]));
    let gallery = Gallery::new(index, settings.cache.clone());
    let at_once = match settings.top {
        Some(_) => VOICES,
        None if settings.only_above => VOICES,
        None => (MOST_LISTED / holds.usable.max(1)).clamp(1, VOICES),
    };
    let passes = enrolled.len().div_ceil(at_once);
    let done = std::sync::atomic::AtomicUsize::new(0);
    let told = |rows: usize| {
        let done = done.fetch_add(rows, std::sync::atomic::Ordering::Relaxed).saturating_add(rows);
        (settings.progress)(done, holds.rows.saturating_mul(passes));
    };
    for voices in enrolled.chunks(at_once) {
        let picks = search(&gallery, &index.manifest().segments, voices, &scan.ask(&told))?;
        let cases: Vec<PerBand<Option<Case<'_>>>> = voices.iter().map(|voice| scan.cases(voice, &near)).collect();
        let found = scan.judge(voices, &cases, picks)?;
        for ((voice, cases), found) in voices.iter().zip(&cases).zip(found) {
            each(&scan.told(voice, found, cases))?;
        }
    }
    Ok(())
}

/// The population of each band.
fn populations(panels: PerBand<&Panel>, settings: &ScanSettings<'_>) -> PerBand<Population> {
    PerBand::from_fn(|band| Population::of(panels[band], settings.cohort, settings.cohort_filters))
}

/// What clips are ranked by, and why there is no ratio; refuses settings that cannot be met.
fn check_settings(panel: &Panel, settings: &ScanSettings<'_>) -> Result<(Key, Option<Refusal>)> {
    let setting = |name, found: String, expected: &str| {
        Err(Error::from(ErrorKind::Setting { name, found, expected: expected.into() }))
    };
    if !(settings.expected_clips > 0.0 && settings.expected_clips.is_finite()) {
        return setting("expected-clips", settings.expected_clips.to_string(), "a number above 0");
    }
    if settings.top == Some(0) {
        return setting("top", "0".into(), "1 or more, or all");
    }
    let withheld = match settings.calibration {
        Some(loaded) => unfit(loaded, panel),
        None => None,
    };
    if let (Some(loaded), None) = (settings.calibration, &withheld) {
        settings.threshold.check_reach("above", loaded, Band::Wide)?;
    }
    let ratio = settings.calibration.is_some() && withheld.is_none();
    let has = |encoder: Encoder| panel.settings().encoders.contains(encoder);
    let on_cosine = match settings.threshold.score {
        Score::Cosine(encoder) if settings.only_above => Some(Score::Cosine(encoder)),
        _ => None,
    };
    let key = match settings.by.or(on_cosine) {
        Some(Score::Cosine(encoder)) if has(encoder) => Key::Encoder(encoder),
        Some(Score::Cosine(encoder)) => {
            let expected = format!("an encoder of the index ({})", panel.settings().encoders);
            return setting(if settings.by.is_some() { "by" } else { "above" }, encoder.to_string(), &expected);
        }
        Some(Score::Log10Lr) if !ratio => {
            let why = withheld.map_or("no calibration".into(), |refusal| refusal.to_string());
            return setting("by", "log10_lr".into(), &format!("an encoder's name, for there is no ratio: {why}"));
        }
        _ if ratio => Key::Ratio,
        _ => strongest(panel.fingerprints().encoders()).map_or(Key::Ratio, Key::Encoder),
    };
    if let (Score::Cosine(encoder), false) = (settings.threshold.score, settings.by.is_some())
        && !has(encoder)
    {
        let expected = format!("an encoder of the index ({})", panel.settings().encoders);
        return setting("above", encoder.to_string(), &expected);
    }
    Ok((key, withheld))
}

impl<'a> Scan<'a> {
    fn fusion(&self, band: Band) -> Option<&'a Fusion> {
        self.calibration.map(|loaded| &loaded.calibration.of_band(band).fusion)
    }

    fn ask(&'a self, progress: &'a (dyn Fn(usize) + Sync)) -> Ask<'a> {
        let threshold = &self.settings.threshold;
        let fusions = self.calibration.map(|loaded| PerBand::from_fn(|band| &loaded.calibration.of_band(band).fusion));
        let floor = match (threshold.score, self.key, fusions) {
            _ if !self.settings.only_above => None,
            (Score::Log10Lr, Key::Ratio, Some(fusions)) => {
                let linear = [fusions.wide, fusions.narrow].iter().all(|fusion| fusion.method == Method::Logistic);
                linear.then_some(threshold.value * LN_10)
            }
            (Score::Cosine(a), Key::Encoder(b), _) if a == b => Some(threshold.value),
            _ => None,
        };
        Ask {
            top: self.settings.top,
            top_rest: top_rest(self.settings),
            floor,
            key: self.key,
            fusions,
            threads: self.settings.threads,
            progress,
        }
    }

    /// Computes everything that is told of the clips that were picked, as a check does.
    fn judge(
        &self,
        voices: &[EnrolledVoice],
        cases: &[PerBand<Option<Case<'_>>>],
        picks: Vec<Picks>,
    ) -> Result<Vec<Found>> {
        let mut wanted: BTreeMap<u32, Vec<Pick>> = BTreeMap::new();
        for (voice, picks) in picks.iter().enumerate() {
            let all =
                picks.ranked.iter().map(|place| (place, true)).chain(picks.rest.iter().map(|place| (place, false)));
            for (Place { segment, row }, ranked) in all {
                wanted.entry(*segment).or_default().push((*row, voice, ranked));
            }
        }
        let wanted: Vec<(u32, Vec<Pick>)> = wanted.into_iter().collect();
        let judged = batch::map(wanted.len(), self.settings.threads, |at| -> Result<Vec<Judged>> {
            let Some((segment, picks)) = wanted.get(at) else { return Ok(Vec::new()) };
            let Some(segment) = self.index.manifest().segments.get(*segment as usize) else {
                return Ok(Vec::new());
            };
            let rows = self.index.rows(segment)?;
            let mut hits = Vec::with_capacity(picks.len());
            for (row, voice, ranked) in picks {
                let place = rows.get(*row as usize).zip(voices.get(*voice)).zip(cases.get(*voice));
                let Some(((row, of), cases)) = place else { continue };
                let own = row.sha256.as_ref().is_some_and(|sha256| of.holds(sha256));
                let hit = self.hit(row, of, cases, *ranked).filter(|_| !own || self.settings.own_too);
                let hit = hit.map(|(key, hit)| (key, Hit { flagged: hit.flagged || own, ..hit }));
                hits.push((*voice, *ranked, hit));
            }
            Ok(hits)
        })?;
        let counted = |picks: &Picks| Found { compared: picks.compared, judged: picks.judged, ..Default::default() };
        let mut all: Vec<Found> = picks.iter().map(counted).collect();
        for hits in judged {
            for (voice, ranked, hit) in hits? {
                let Some(found) = all.get_mut(voice) else { continue };
                match hit {
                    Some(hit) if ranked => found.ranked.push(hit),
                    Some(hit) => found.rest.push(hit),
                    None => found.in_reference += 1,
                }
            }
        }
        all.iter_mut().for_each(|found| found.cut(self.settings));
        Ok(all)
    }

    fn cases<'b>(
        &'b self,
        voice: &'b EnrolledVoice,
        near: &'b PerBand<Option<crate::compare::Neighbourhoods<'b>>>,
    ) -> PerBand<Option<Case<'b>>> {
        PerBand::from_fn(|band| {
            let model: &VoiceModel = if band == Band::Narrow { voice.narrow.as_ref()? } else { &voice.wide };
            Some(Case::new(
                self.panels[band],
                model,
                &CaseSettings {
                    calibration: self.calibration,
                    population: &self.populations[band],
                    neighbourhoods: near[band].as_ref(),
                    as_norm: false,
                    prior: None,
                },
            ))
        })
    }

    /// A clip's figures and what it is ranked by; none where it cannot be compared.
    fn hit(
        &self,
        row: &IndexRow,
        voice: &EnrolledVoice,
        cases: &PerBand<Option<Case<'_>>>,
        ranked: bool,
    ) -> Option<(f64, Hit)> {
        let quality = row.quality?;
        let narrow = voice.is_narrow() || quality.is_narrow_band();
        let band = if narrow { Band::Narrow } else { Band::Wide };
        let case = cases[band].as_ref()?;
        let prints = self.panels[band].fingerprints();
        let embeddings: PerEncoder<Embedding> = row
            .of_band(band)
            .iter()
            .filter_map(|(encoder, values)| {
                Some((encoder, Embedding { values: values.clone(), fingerprint: prints.get(encoder)?.clone() }))
            })
            .collect();
        let scores = case.model.score(&embeddings).ok()?;
        let cosines = scores.map(|_, score| score.cosine);
        let verdict = case.judge(&Scored { embeddings: &embeddings, scores: &scores, quality }, None);
        let fusion = self.fusion(band);
        let (evidence, reason) = match case.outside(&quality, band) {
            Some(reason) => (None, Some(reason)),
            None => (verdict.evidence, verdict.evidence_withheld.filter(|_| self.calibration.is_some())),
        };
        let key = match self.key {
            Key::Ratio if ranked => {
                let terms =
                    TrialTerms { cosines: cosines.clone(), candidate: quality, reference: case.model.quality() };
                let fusion = fusion?;
                fusion.sum(&terms)?
            }
            Key::Ratio => cosines.iter().last().map(|(_, cosine)| *cosine)?,
            Key::Encoder(encoder) => *cosines.get(encoder)?,
        };
        let likeness = verdict.likeness;
        let log10_lr = evidence.as_ref().map(|evidence| evidence.log10_lr);
        let value = match self.settings.threshold.score {
            Score::Log10Lr => log10_lr,
            Score::Cosine(encoder) => cosines.get(encoder).copied(),
        };
        let hit = Hit {
            rank: 0,
            path: text_of(&self.root.join(path_of(&row.path))),
            library_voice: row.voice.clone(),
            sha256: row.sha256.clone(),
            seconds: row.seconds,
            net_speech_s: quality.net_speech_s,
            snr_db: quality.snr_db,
            band,
            cosines,
            log10_lr,
            log10_lr_low: evidence.as_ref().map(|evidence| evidence.low),
            log10_lr_high: evidence.as_ref().map(|evidence| evidence.high),
            unbounded_log10_lr: evidence.as_ref().map(|evidence| evidence.unbounded_log10_lr),
            likeness: likeness.as_ref().map(|likeness| likeness.percentile),
            likeness_low: likeness.as_ref().map(|likeness| likeness.low),
            likeness_high: likeness.as_ref().map(|likeness| likeness.high),
            posterior: None,
            flagged: value.is_some_and(|value| self.settings.threshold.reached(value)),
            reason: reason.map(Reason::from),
        };
        Some((key, hit))
    }

    /// The lists of a voice with what they mean in a library of this size.
    fn told(&self, voice: &EnrolledVoice, found: Found, cases: &PerBand<Option<Case<'_>>>) -> VoiceScan {
        let clips = if self.calibration.is_some() { found.judged } else { found.compared };
        let numbered = |hits: Vec<(f64, Hit)>| -> Vec<Hit> {
            let told = |(at, (_, hit)): (usize, (f64, Hit))| {
                let posterior = hit.log10_lr.map(|lr| posterior(lr, clips, self.settings.expected_clips));
                Hit { rank: at + 1, posterior, ..hit }
            };
            hits.into_iter().enumerate().map(told).collect()
        };
        let false_alarms = self.false_alarms(&found, voice.is_narrow(), cases);
        let (hits, withheld) = (numbered(found.ranked), numbered(found.rest));
        VoiceScan {
            voice: voice.name.clone(),
            exemplars: voice.reference.used,
            net_speech_s: voice.reference.net_speech_s,
            narrow_band: voice.is_narrow(),
            compared: found.compared,
            judged: found.judged,
            not_comparable: self.index.manifest().counts().usable.saturating_sub(found.compared),
            false_alarms,
            in_reference: found.in_reference,
            flagged: hits.iter().chain(&withheld).filter(|hit| hit.flagged).count(),
            hits,
            withheld,
        }
    }

    /// The bands that clips are compared in with a voice.
    fn bands(&self, narrow_voice: bool) -> &'static [Band] {
        match (narrow_voice, self.index.manifest().counts().narrow_band) {
            (true, _) => &[Band::Narrow],
            (false, 0) => &[Band::Wide],
            (false, _) => &Band::ALL,
        }
    }

    fn false_alarms(&self, found: &Found, narrow: bool, cases: &PerBand<Option<Case<'_>>>) -> FalseAlarms {
        let threshold = &self.settings.threshold;
        let clips = if threshold.score == Score::Log10Lr { found.judged } else { found.compared };
        let n = clips as f64;
        match threshold.score {
            Score::Log10Lr => {
                let llr = threshold.value * LN_10;
                let modelled = self.fusion(Band::Wide).map(|fusion| n * fusion.bi_gaussian.false_alarm_rate(llr));
                let at_most = self.calibration.map(|_| n * (-llr).exp().min(1.0));
                let bands = || self.bands(narrow).iter().copied();
                let bound_holds = self.calibration.map(|loaded| loaded.calibration.bound_holds(bands()));
                FalseAlarms { clips, at_most, bound_holds, modelled, by_cohort: None }
            }
            Score::Cosine(encoder) => {
                let case = cases[if narrow { Band::Narrow } else { Band::Wide }].as_ref();
                let by_cohort = case.and_then(|case| {
                    let (reached, voices) = case.reached(encoder, threshold.value);
                    let (low, high) = clopper_pearson(reached as u64, voices as u64)?;
                    let expected = n * reached as f64 / voices as f64;
                    Some(CohortAlarms { reached, voices, expected, low: n * low, high: n * high })
                });
                FalseAlarms { clips, at_most: None, bound_holds: None, modelled: None, by_cohort }
            }
        }
    }
}

/// Where an index keeps its rows by default.
pub fn default_cache(index: &Path) -> PathBuf {
    index.join(crate::library::index::ROWS)
}
