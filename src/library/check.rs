//! One or more candidates against one protected voice: the main job.
//!
//! Clips are read, encoded and judged here, and the rows are told as data. What a row means in words, and how it is
//! printed, is not decided here: that is for `report` and the command line.

mod result;

use crate::compare::VoiceModel;
use crate::encoder::{Band, ClipAnalysis, Panel, PerBand, Refusal};
use crate::error::{Error, ErrorKind, IoContext, Result, Shortage};
use crate::feature::Quality;
use crate::library::batch::BatchOptions;
use crate::library::catalogue::{self, CatalogueOfEach};
use crate::library::cohort::{Cohort, Population};
use crate::library::enrolled::reference::{Reference, ReferenceClip, ReferenceSource};
use crate::library::enrolled::voices::EnrolledVoice;
use crate::library::gate::{GateOutcome, HeardClip, Judge, check_limits, decide, hear_clips};
use crate::library::index::NarrowRule;
use crate::library::labels::selection::Filter;
use crate::library::outcome::{Reason, Settings, Status, VERSION, models_version};
use crate::library::places::{Places, analyse_at};
use crate::library::scan::ScanSettings;
use crate::library::validate::calibration_file::LoadedCalibration;
use crate::library::verdict::{
    Case, CaseSettings, PopulationScores, Scored, WithoutClip, band_of, neighbourhoods, outside,
};
use crate::path_text::{path_of, text_of};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

pub use result::{
    BandSummary, CalibrationSummary, Candidate, CheckReport, CheckSettings, CohortSummary, GroupsLeftOut, InReference,
    Language, LanguageCheck, Remark, RemarkCode, Request,
};

/// Compares candidates with a protected voice.
///
/// `candidates` are files, folders or patterns. A candidate that cannot be used is refused in its own row. A candidate
/// passes the gates where it reaches none of them and was not refused.
///
/// # Errors
/// Where no clip of the reference can be used, a voice model does not fit the panel, a gate looks at a score
/// that is not computed, a prior is none, or so many threads cannot be had.
pub fn check(
    panel: &Panel,
    reference: &ReferenceSource,
    candidates: &[PathBuf],
    settings: &CheckSettings<'_>,
    options: &BatchOptions<'_>,
) -> Result<CheckReport> {
    examine(panel, reference, candidates, settings, options, false).map(|examined| examined.report)
}

/// A check with what stands behind its figures.
#[derive(Clone, Debug)]
pub(crate) struct Examined {
    /// The result.
    pub report: CheckReport,
    /// How each candidate would have scored without one of the reference's clips, in the order of the candidates and of
    /// the clips; empty where it was not scored, or not asked for.
    pub left_out: Vec<Vec<WithoutClip>>,
    /// The population's scores against the reference in each band that was used.
    pub populations: Vec<PopulationScores>,
}

/// Compares candidates with a protected voice as [`check`] does; `behind` asks for what stands behind the figures too.
pub(crate) fn examine(
    panel: &Panel,
    reference: &ReferenceSource,
    candidates: &[PathBuf],
    settings: &CheckSettings<'_>,
    options: &BatchOptions<'_>,
    behind: bool,
) -> Result<Examined> {
    check_gates(panel, reference, settings)?;
    check_prior(settings.prior)?;
    reference.check(panel)?;
    let options = &BatchOptions { short: options.short || settings.force, ..*options };
    let named = candidates.iter().map(|path| text_of(path)).collect();
    let CatalogueOfEach { clips: listed, passed_over } = listed(candidates, settings);
    let mut paths = reference.clips().to_vec();
    paths.extend(listed.iter().filter_map(|file| file.as_ref().ok().cloned()));
    let places = settings.places.unwrap_or(reference.places());
    let mut analyses = analyse_at(panel, &paths, places, options)?;
    let candidate_analyses = analyses.split_off(reference.clips().len().min(analyses.len()));

    let folders = reference.folders();
    let (told, model) = reference.enrol(panel, analyses)?;
    let membership = Membership::new(&told.clips, folders);
    let narrow = NarrowSide::new(panel, reference, (&told, &model), &candidate_analyses, places, options, behind)?;
    let population = |panel: &Panel| Population::of(panel, settings.cohort, settings.cohort_filters);
    let wide_population = population(panel);
    let narrow_population = narrow.as_ref().map(|narrow| population(&narrow.panel)).unwrap_or_default();
    let wide_near = neighbourhoods(panel, &wide_population);
    let narrow_near = narrow.as_ref().and_then(|narrow| neighbourhoods(&narrow.panel, &narrow_population));
    let case_settings = |population, neighbourhoods| CaseSettings {
        calibration: settings.calibration,
        population,
        neighbourhoods,
        as_norm: settings.as_norm,
        prior: settings.prior,
    };
    let gate = match settings.gates.is_empty() {
        true => None,
        false => {
            let narrow = narrow.as_ref().map(|narrow| &narrow.model);
            let gate = gated(panel, reference, (&told, &model, narrow), &listed, settings, options)?;
            Some(gate.beside(&passed_over))
        }
    };
    let cases = Cases {
        wide: Case::new(panel, &model, &case_settings(&wide_population, wide_near.as_ref())),
        narrow: narrow
            .as_ref()
            .map(|n| Case::new(&n.panel, &n.model, &case_settings(&narrow_population, narrow_near.as_ref()))),
    };
    let again = narrow.as_ref().map(|narrow| narrow.analyses.clone()).unwrap_or_default();
    let analyses = Analyses { first: candidate_analyses.into_iter(), again: again.into_iter() };
    let (candidates, left_out) = rows(listed, analyses, &cases, &membership, settings, behind);
    let populations = if behind { cases.populations(&candidates) } else { Vec::new() };
    let narrow_ratio = candidates.iter().any(|row| row.band == Some(Band::Narrow) && row.evidence.is_some());
    let report = CheckReport {
        version: VERSION.into(),
        models_version: models_version().into(),
        request: Request {
            reference: reference.named().into(),
            candidates: named,
            as_norm: settings.as_norm,
            prior: settings.prior,
            force: settings.force,
            gates: settings.gates.into(),
        },
        settings: Settings::of(panel),
        narrow_fingerprints: narrow.as_ref().map(|narrow| narrow.panel.fingerprints().clone()),
        calibration: settings.calibration.map(|loaded| calibration_summary(loaded, narrow_ratio)),
        cohort: settings.cohort.map(|cohort| cohort_summary(cohort, settings.cohort_filters, &wide_population)),
        language: language(settings),
        remarks: remarks(cases.main(&candidates), &candidates, settings),
        gate,
        reference: told,
        candidates,
        passed_over,
    };
    Ok(Examined { report, left_out, populations })
}

/// The case of each band that is compared in.
struct Cases<'a> {
    wide: Case<'a>,
    narrow: Option<Case<'a>>,
}

impl<'a> Cases<'a> {
    /// The case that a candidate is judged by, with its analysis there.
    fn of(&self, analysis: ClipAnalysis, again: Option<ClipAnalysis>) -> (&Case<'a>, ClipAnalysis) {
        match (&self.narrow, again) {
            (Some(case), Some(again)) => {
                (case, ClipAnalysis { quality: again.quality.as_ref().and(analysis.quality), ..again })
            }
            _ => (&self.wide, analysis),
        }
    }

    /// The case that most is judged by.
    fn main(&self, candidates: &[Candidate]) -> &Case<'a> {
        self.narrow.as_ref().filter(|_| all_narrow(candidates)).unwrap_or(&self.wide)
    }

    /// The population's scores in the bands that were used.
    fn populations(&self, candidates: &[Candidate]) -> Vec<PopulationScores> {
        let cases = Band::ALL.into_iter().zip([Some(&self.wide), self.narrow.as_ref()]);
        let used = cases.filter(|(band, _)| candidates.iter().any(|c| c.band == Some(*band)));
        used.filter_map(|(band, case)| Some(PopulationScores { band, scores: case?.population_scores() })).collect()
    }
}

/// The analyses of those candidates that are files, in the whole band and, where it is compared in, in the narrow one.
struct Analyses {
    first: std::vec::IntoIter<ClipAnalysis>,
    again: std::vec::IntoIter<Option<ClipAnalysis>>,
}

/// The rows of the candidates, and how each would have scored without one of the reference's clips.
fn rows(
    listed: Vec<std::result::Result<PathBuf, (PathBuf, Error)>>,
    mut analyses: Analyses,
    cases: &Cases<'_>,
    membership: &Membership<'_>,
    settings: &CheckSettings<'_>,
    behind: bool,
) -> (Vec<Candidate>, Vec<Vec<WithoutClip>>) {
    let row = |file: std::result::Result<PathBuf, (PathBuf, Error)>| match file {
        Ok(_) => {
            let analysis = analyses.first.next()?;
            let (case, analysis) = cases.of(analysis, analyses.again.next().flatten());
            let embeddings = analysis.embeddings.as_ref().ok().filter(|_| behind).cloned();
            let row = candidate(analysis, case, membership, settings);
            let embeddings = embeddings.filter(|_| row.status == Status::Scored);
            let left_out = row.quality.as_ref().zip(embeddings).map_or(Vec::new(), |(quality, embeddings)| {
                case.without_each_clip(&embeddings, quality.brief(), row.evidence.is_some())
            });
            Some((row, left_out))
        }
        Err((path, error)) => Some((unreadable(&path, &error), Vec::new())),
    };
    listed.into_iter().filter_map(row).unzip()
}

/// Holds the recordings against their hashes once more, after they were read for other things too.
///
/// # Errors
/// [`ErrorKind::Changed`] where one holds others by now. One that is gone was there when it was read.
pub(super) fn check_unchanged(report: &CheckReport, places: &Places) -> Result<()> {
    let reference = report.reference.clips.iter().filter(|clip| clip.model.is_none());
    let reference = reference.map(|clip| (&clip.path, &clip.sha256));
    for (path, sha256) in reference.chain(report.candidates.iter().map(|row| (&row.path, &row.sha256))) {
        if let (Some(_), Ok(found)) = (sha256, places.clip(&path_of(path)).sha256()) {
            same_bytes(&places.of_text(path), sha256.as_ref(), Some(&found))?;
        }
    }
    Ok(())
}

/// Compares the hashes of two readings of a clip.
///
/// # Errors
/// [`ErrorKind::Changed`] where they differ.
pub(super) fn same_bytes(path: &Path, first: Option<&String>, second: Option<&String>) -> Result<()> {
    if first == second { Ok(()) } else { Err(other_bytes(path, first, second)) }
}

/// The error of a file whose second reading found other bytes than the first.
pub(super) fn other_bytes(path: &Path, first: Option<&String>, second: Option<&String>) -> Error {
    let told = |sha256: Option<&String>| sha256.map_or_else(|| "that could not be told".into(), String::clone);
    let found = format!("SHA-256 {} where it had been {}", told(second), told(first));
    ErrorKind::Changed { path: path.into(), found }.into()
}

/// The files that candidates stand for. Where places are given, clips are taken as they are named, each for itself.
fn listed(candidates: &[PathBuf], settings: &CheckSettings<'_>) -> CatalogueOfEach {
    let Some(places) = settings.places else { return catalogue::expand_each(candidates) };
    let one = |told: &PathBuf| match std::fs::symlink_metadata(places.of(told)).at(places.of(told), "open") {
        Ok(_) => Ok(told.clone()),
        Err(error) => Err((told.clone(), error)),
    };
    let clips = candidates.iter().map(|told| if places.holds(told) { Ok(told.clone()) } else { one(told) });
    CatalogueOfEach { clips: clips.collect(), passed_over: settings.passed_over.cloned().unwrap_or_default() }
}

fn all_narrow(candidates: &[Candidate]) -> bool {
    let mut bands = candidates.iter().filter_map(|candidate| candidate.band).peekable();
    bands.peek().is_some() && bands.all(|band| band == Band::Narrow)
}

/// The reference and those candidates that are compared in the narrow band.
struct NarrowSide {
    panel: Panel,
    model: VoiceModel,
    /// None for a candidate that stays in the wide band.
    analyses: Vec<Option<ClipAnalysis>>,
}

impl NarrowSide {
    /// Encodes again what a narrow-band side is compared with; none where no side is narrow-band. A candidate that is
    /// another by then is refused, or, where a document is `behind`, an error: that is made of one state of its files.
    fn new(
        panel: &Panel,
        reference: &ReferenceSource,
        (told, model): (&Reference, &VoiceModel),
        candidates: &[ClipAnalysis],
        places: &Places,
        options: &BatchOptions<'_>,
        behind: bool,
    ) -> Result<Option<Self>> {
        let narrow = |analysis: &ClipAnalysis| {
            let quality = analysis.quality.as_ref().map(Quality::brief);
            quality.is_some_and(|quality| band_of(&quality, model) == Band::Narrow)
        };
        let wanted: Vec<bool> = candidates.iter().map(narrow).collect();
        if !wanted.contains(&true) {
            return Ok(None);
        }
        let panel = panel.narrow()?;
        reference.check(&panel)?;
        let again = candidates.iter().zip(&wanted).filter(|(_, wanted)| **wanted).map(|(c, _)| c.path.clone());
        let mut paths = reference.clips().to_vec();
        paths.extend(again);
        let mut analyses = analyse_at(&panel, &paths, places, options)?;
        let mut again = analyses.split_off(reference.clips().len().min(analyses.len())).into_iter();
        let (told_again, model) = reference.enrol(&panel, analyses)?;
        let mut analyses: Vec<_> = wanted.into_iter().map(|wanted| if wanted { again.next() } else { None }).collect();
        for (first, second) in told.clips.iter().zip(&told_again.clips) {
            same_bytes(&places.of_text(&first.path), first.sha256.as_ref(), second.sha256.as_ref())?;
        }
        for (first, second) in candidates.iter().zip(&mut analyses) {
            let Some(second) = second else { continue };
            match same_bytes(places.of(&first.path), first.sha256.as_ref(), second.sha256.as_ref()) {
                Err(error) if behind => return Err(error),
                Err(error) => *second = ClipAnalysis::unreadable(first.path.clone(), None, &error),
                Ok(()) => {}
            }
        }
        Ok(Some(NarrowSide { panel, model, analyses }))
    }
}

fn check_prior(prior: Option<f64>) -> Result<()> {
    match prior.filter(|prior| !(*prior > 0.0 && *prior < 1.0)) {
        Some(prior) => {
            let expected = "a probability above 0 and below 1".into();
            Err(ErrorKind::Setting { name: "prior", found: prior.to_string(), expected }.into())
        }
        None => Ok(()),
    }
}

/// What ratios rest on; `narrow` where some come from the fit of the narrow band.
pub(super) fn calibration_summary(loaded: &LoadedCalibration, narrow: bool) -> CalibrationSummary {
    let calibration = &loaded.calibration;
    let of = |band: Band| {
        let fit = calibration.of_band(band);
        let groups_left_out = fit.groups.first().and_then(|groups| {
            let means = groups.means.as_ref()?;
            let (groups, column) = (means.groups, groups.column.clone());
            Some(GroupsLeftOut { column, groups, eer: means.eer, cllr: means.cllr })
        });
        BandSummary { trials: fit.trials, validation: fit.validation, groups_left_out, rates: fit.rates }
    };
    CalibrationSummary {
        condition: calibration.condition.clone(),
        origin: loaded.origin.clone(),
        sha256: loaded.sha256.clone(),
        propositions: calibration.propositions.clone(),
        source: calibration.source.clone(),
        wide: of(Band::Wide),
        narrow: narrow.then(|| of(Band::Narrow)),
    }
}

pub(super) fn cohort_summary(cohort: &Cohort, filters: &[Filter], population: &Population) -> CohortSummary {
    let mut by_sex = BTreeMap::new();
    for voice in &population.voices {
        if let Some(sex) = voice.attributes.get("sex").filter(|sex| !sex.is_empty()) {
            *by_sex.entry(sex.clone()).or_insert(0) += 1;
        }
    }
    CohortSummary {
        origin: cohort.origin.clone(),
        sha256: cohort.sha256.clone(),
        source: cohort.description.source.clone(),
        filters: filters.into(),
        n: population.voices.len(),
        by_sex,
        caution: "a rank among these voices says little where the voices that could really be in question speak another \
                  language, with another accent, age or style, or were recorded otherwise; a cohort of the case's own is \
                  made with soundalike cohort"
            .into(),
    }
}

fn language(settings: &CheckSettings<'_>) -> Language {
    let calibration = settings.calibration.and_then(|loaded| loaded.calibration.language.clone());
    let checked = match (&settings.language, &calibration) {
        (Some(a), Some(b)) if a.eq_ignore_ascii_case(b) => LanguageCheck::Same,
        (Some(_), Some(_)) => LanguageCheck::Differs,
        _ => LanguageCheck::NotChecked,
    };
    Language { declared: settings.language.clone(), calibration, checked }
}

/// What should be known of a reference before it is relied on.
pub(super) fn remarks_on_reference(case: &Case<'_>) -> Vec<Remark> {
    let mut remarks = Vec::new();
    let mut remark = |code: RemarkCode, about: &str, message: String| {
        remarks.push(Remark { code, about: about.into(), message });
    };
    for (place, percentile) in case.strangers() {
        let Some(exemplar) = case.model.exemplars().get(place) else { continue };
        let message = format!(
            "is closer to the other reference clips than only {percentile:.0} % of {} cohort voices are: another speaker, \
             music or noise? listen to it, and leave it out if it does not belong",
            case.voices()
        );
        remark(RemarkCode::ExemplarUnlikeTheOthers, &exemplar.path, message);
    }
    for name in case.doubles() {
        let message = "comes as close to the reference as most of the reference's own clips: it may be the same voice, \
                       and then does not belong to the population";
        remark(RemarkCode::CohortVoiceLikeTheReference, &name, message.into());
    }
    remarks
}

fn remarks(case: &Case<'_>, candidates: &[Candidate], settings: &CheckSettings<'_>) -> Vec<Remark> {
    let mut remarks = remarks_on_reference(case);
    let mut remark = |code: RemarkCode, about: &str, message: String| {
        remarks.push(Remark { code, about: about.into(), message });
    };
    for candidate in candidates {
        if let Some(fit) = candidate.cohort_fit.as_ref().filter(|fit| !fit.fits) {
            let message = format!(
                "the population does not fit: by {} the candidate lies {:+.1} and the reference {:+.1} deviations from \
                 where its own voices lie; read the rank with care{}",
                fit.encoder.label(),
                fit.candidate,
                fit.reference,
                if settings.as_norm { ", and scores are not normalised by it" } else { "" }
            );
            remark(RemarkCode::CohortDoesNotFit, &candidate.path, message);
        }
    }
    let language = language(settings);
    if let (LanguageCheck::Differs, Some(declared), Some(calibration)) =
        (language.checked, &language.declared, &language.calibration)
    {
        let message = format!(
            "the case is declared to be in {declared}, the calibration was fitted on {calibration}: what its likelihood \
             ratios are worth in another language was not validated"
        );
        remark(RemarkCode::LanguageDiffers, "language", message);
    }
    remarks
}

/// Refuses a gate on a score that will not be computed, or that the band it is certainly compared in cannot reach.
fn check_gates(panel: &Panel, reference: &ReferenceSource, settings: &CheckSettings<'_>) -> Result<()> {
    let limits = |panel: &Panel| check_limits("fail-above", settings.gates, panel, settings.calibration);
    if settings.gates.is_empty() {
        return Ok(());
    }
    if reference.has_narrow_model() { limits(&panel.narrow()?) } else { limits(panel) }
}

/// Hears every candidate in all its parts and judges each by the limits.
fn gated(
    panel: &Panel,
    reference: &ReferenceSource,
    (told, wide, narrow): (&Reference, &VoiceModel, Option<&VoiceModel>),
    listed: &[std::result::Result<PathBuf, (PathBuf, Error)>],
    settings: &CheckSettings<'_>,
    options: &BatchOptions<'_>,
) -> Result<GateOutcome> {
    let narrow_panel = panel.narrow()?;
    let panels = PerBand { wide: panel, narrow: &narrow_panel };
    let places = settings.places.unwrap_or(reference.places());
    let rule = if wide.exemplars().iter().any(|exemplar| exemplar.quality.is_narrow_band()) {
        NarrowRule::All
    } else {
        NarrowRule::Auto
    };
    let heard = hear_listed(panels, rule, listed, places, options)?;
    let in_narrow = rule == NarrowRule::All || heard.iter().any(HeardClip::has_narrow);
    let narrow = match narrow {
        Some(model) => Some(model.clone()),
        None if in_narrow => {
            reference.check(&narrow_panel)?;
            Some(reference.enrol(&narrow_panel, reference.analyse(&narrow_panel, options)?)?.1)
        }
        None => None,
    };
    let voice =
        EnrolledVoice { name: reference.named().join(", "), reference: told.clone(), wide: wide.clone(), narrow };
    let scan = ScanSettings {
        calibration: settings.calibration,
        cohort: settings.cohort,
        cohort_filters: settings.cohort_filters,
        threads: options.threads,
        ..ScanSettings::default()
    };
    let judge = Judge { panels, voices: &[voice], settings: &scan, limits: settings.gates };
    Ok(decide(settings.gates, judge.judge(heard)?))
}

/// Hears what was listed, in its order; what could not be opened keeps its place with the reason.
pub(super) fn hear_listed(
    panels: PerBand<&Panel>,
    rule: NarrowRule,
    listed: &[std::result::Result<PathBuf, (PathBuf, Error)>],
    places: &Places,
    options: &BatchOptions<'_>,
) -> Result<Vec<HeardClip>> {
    let clips = listed.iter().filter_map(|file| file.as_ref().ok()).map(|path| (path.clone(), places.clip(path)));
    let clips: Vec<_> = clips.collect();
    let mut heard = hear_clips(panels, rule, &clips, options)?.into_iter();
    let all = listed.iter().map(|file| match file {
        Ok(path) => heard.next().ok_or_else(|| lost(path)),
        Err((path, error)) => Ok(HeardClip::unread(path, Refusal::Unreadable { found: error.to_string() })),
    });
    all.collect()
}

/// The error of a clip that was given and not heard.
fn lost(path: &Path) -> Error {
    let (found, expected) = (format!("no result for {}", text_of(path)), "one for every clip".into());
    ErrorKind::Insufficient { what: Shortage::Candidates, found, expected }.into()
}

/// The clips and folders of a reference, to know what belongs to it.
pub(super) struct Membership<'a> {
    by_hash: BTreeMap<String, String>,
    folders: &'a [(PathBuf, String)],
}

impl<'a> Membership<'a> {
    pub fn new(clips: &[ReferenceClip], folders: &'a [(PathBuf, String)]) -> Self {
        let by_hash = clips.iter().rev().filter_map(|clip| Some((clip.sha256.clone()?, clip.path.clone()))).collect();
        Membership { by_hash, folders }
    }

    /// How a file belongs to the reference; none where it does not.
    pub fn of(&self, path: &Path, sha256: Option<&str>) -> Option<InReference> {
        if let Some(clip) = sha256.and_then(|sha| self.by_hash.get(sha)) {
            return Some(InReference::SameContent { clip: clip.clone() });
        }
        let path = path.canonicalize().ok()?;
        let (_, named) = self.folders.iter().find(|(folder, _)| path.starts_with(folder))?;
        Some(InReference::SameFolder { folder: named.clone() })
    }
}

/// The row of a candidate, judged by the case of its band.
fn candidate(
    analysis: ClipAnalysis,
    case: &Case<'_>,
    membership: &Membership<'_>,
    settings: &CheckSettings<'_>,
) -> Candidate {
    let in_reference = membership.of(&analysis.path, analysis.sha256.as_deref());
    let path = text_of(&analysis.path);
    let (sha256, quality) = (analysis.sha256, analysis.quality);
    let brief = quality.as_ref().map(Quality::brief);
    let band = brief.as_ref().map(|quality| band_of(quality, case.model));
    let (embeddings, refusal) = match (analysis.embeddings, analysis.short) {
        (Ok(embeddings), _) => {
            let known = settings.calibration.zip(band.zip(brief.as_ref()));
            let outside = known.and_then(|(loaded, (band, brief))| outside(loaded, band, brief, case.model));
            (Some(embeddings), outside)
        }
        (Err(refusal), short) => (short, Some(refusal)),
    };
    let mut row = Candidate { in_reference, sha256, quality, ..empty(path) };
    let scored = embeddings.ok_or(Refusal::NoDirection).and_then(|embeddings| {
        let scores = case.model.score(&embeddings)?;
        Ok((embeddings, scores))
    });
    match (scored, refusal, brief) {
        (Ok((embeddings, scores)), None, Some(quality)) => {
            let itself = match &row.in_reference {
                Some(InReference::SameContent { clip }) => Some(clip.as_str()),
                _ => None,
            };
            let verdict = case.judge(&Scored { embeddings: &embeddings, scores: &scores, quality }, itself);
            row.status = Status::Scored;
            row.likeness = verdict.likeness;
            row.evidence = verdict.evidence;
            row.controls = verdict.controls;
            row.cohort_fit = verdict.cohort_fit;
            row.rank_conflict = verdict.rank_conflict;
            row.as_norm = verdict.as_norm;
            // What was not asked for is not withheld.
            row.likeness_withheld = verdict.likeness_withheld.filter(|_| settings.cohort.is_some()).map(Reason::from);
            row.evidence_withheld =
                verdict.evidence_withheld.filter(|_| settings.calibration.is_some()).map(Reason::from);
            (row.scores, row.band) = (Some(scores), band);
        }
        (Ok((_, scores)), Some(refusal), _) if settings.force => {
            (row.status, row.reason) = (Status::Forced, Some(refusal.into()));
            (row.scores, row.band) = (Some(scores), band);
        }
        (scored, refusal, _) => row.reason = refusal.or(scored.err()).map(Reason::from),
    }
    row
}

fn unreadable(path: &Path, error: &Error) -> Candidate {
    Candidate { reason: Some(Refusal::Unreadable { found: error.to_string() }.into()), ..empty(text_of(path)) }
}

/// A refused candidate of which nothing is known.
fn empty(path: String) -> Candidate {
    Candidate {
        path,
        sha256: None,
        quality: None,
        band: None,
        scores: None,
        as_norm: None,
        likeness: None,
        likeness_withheld: None,
        evidence: None,
        evidence_withheld: None,
        rank_conflict: None,
        controls: None,
        cohort_fit: None,
        status: Status::Refused,
        reason: None,
        in_reference: None,
    }
}
