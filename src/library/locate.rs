//! Where in a long recording a protected voice occurs.
//!
//! The recording is decoded once, as a stream. Overlapping windows inside its speech are scored as `check` scores a
//! clip; an instant has the score of the window whose middle is nearest, and where it reaches a threshold the voice is
//! found. What is said of a range is what its best window is worth: the ratios of windows that share samples and a
//! speaker are not independent, so they are never added up. Memory does not grow with the recording, but for some
//! hundred bytes a window.

mod cut;
mod listen;
mod ranges;
mod result;

use crate::compare::median;
use crate::encoder::{Band, Panel, Refusal};
use crate::error::{Error, ErrorKind, Result};
use crate::library::batch::BatchOptions;
use crate::library::catalogue::{self, CatalogueOfEach};
use crate::library::check::{InReference, Membership, calibration_summary, cohort_summary, remarks_on_reference};
use crate::library::cohort::{Cohort, Population};
use crate::library::enrolled::reference::{Reference, ReferenceSource};
use crate::library::labels::selection::Filter;
use crate::library::outcome::{Reason, Settings, Status, VERSION, models_version};
use crate::library::threshold::{Score, Threshold};
use crate::library::validate::calibration_file::LoadedCalibration;
use crate::library::verdict::{Case, CaseSettings, neighbourhoods, split};
use crate::path_text::text_of;
use cut::Stretch;
pub(in crate::library) use cut::{Cut, Cutter, seconds};
use listen::{Heard, Scored, Side, Sides};
use std::path::{Path, PathBuf};

pub use cut::BRIDGED_S;
pub use ranges::JOINED_S;
pub use result::{
    FoundRange, LocateReport, Located, LocatedRecording, LocatedWindow, Search, Trace, TracedWindow, WindowCounts,
};

/// The threshold where none is asked for.
pub const LOCATE_THRESHOLD: Threshold = Threshold { score: Score::Log10Lr, value: 1.0 };

/// Length of a window where none is asked for, seconds.
pub const WINDOW_S: f64 = 3.0;
/// Distance from one window to the next where none is asked for, seconds.
pub const HOP_S: f64 = 1.0;
/// The longest window, seconds.
const LONGEST_S: f64 = 60.0;
/// The least distance from one window to the next, seconds.
const LEAST_HOP_S: f64 = 0.1;

/// How a voice is looked for.
#[derive(Clone, Debug)]
pub struct LocateSettings<'a> {
    /// Length of a window, seconds.
    pub window_s: f64,
    /// Distance from one window to the next, seconds.
    pub hop_s: f64,
    /// What the voice is found by.
    pub above: Threshold,
    /// What turns scores into likelihood ratios, and says which qualities were validated.
    pub calibration: Option<&'a LoadedCalibration>,
    /// The population that the best window of a range is ranked in.
    pub cohort: Option<&'a Cohort>,
    /// Which voices of the cohort are the population.
    pub cohort_filters: &'a [Filter],
}

impl Default for LocateSettings<'_> {
    fn default() -> Self {
        LocateSettings {
            window_s: WINDOW_S,
            hop_s: HOP_S,
            above: LOCATE_THRESHOLD,
            calibration: None,
            cohort: None,
            cohort_filters: &[],
        }
    }
}

/// How a search runs.
pub struct LocateOptions<'a> {
    /// Number of threads; 0 for one a core.
    pub threads: usize,
    /// Called from the calling thread with the seconds of a recording that were heard, and those that it announces.
    pub progress: &'a dyn Fn(f64, Option<f64>),
}

impl Default for LocateOptions<'_> {
    fn default() -> Self {
        LocateOptions { threads: 0, progress: &|_, _| {} }
    }
}

/// Looks for a protected voice in recordings, one after the other.
///
/// `recordings` are files, folders or patterns. One that cannot be used is refused in its own row.
///
/// # Errors
/// Where no clip of the reference can be used, a voice model does not fit the panel, the threshold is of a score that
/// cannot be had, a setting is outside its range, or so many threads cannot be had.
pub fn locate(
    panel: &Panel,
    reference: &ReferenceSource,
    recordings: &[PathBuf],
    settings: &LocateSettings<'_>,
    options: &LocateOptions<'_>,
) -> Result<Located> {
    check_settings(settings)?;
    settings.above.check("above", panel.settings().encoders)?;
    let narrow_panel = panel.narrow()?;
    let (told, model) = enrolled(panel, reference, options)?;
    let (_, narrow_model) = enrolled(&narrow_panel, reference, options)?;
    let population = |panel: &Panel| Population::of(panel, settings.cohort, settings.cohort_filters);
    let (wide_population, narrow_population) = (population(panel), population(&narrow_panel));
    let case_settings = |population, neighbourhoods| CaseSettings {
        calibration: settings.calibration,
        population,
        neighbourhoods,
        as_norm: false,
        prior: None,
    };
    let wide_near = neighbourhoods(panel, &wide_population);
    let narrow_near = neighbourhoods(&narrow_panel, &narrow_population);
    let wide_case = Case::new(panel, &model, &case_settings(&wide_population, wide_near.as_ref()));
    let narrow_case = Case::new(&narrow_panel, &narrow_model, &case_settings(&narrow_population, narrow_near.as_ref()));
    let sides =
        Sides { wide: Side { panel, case: &wide_case }, narrow: Side { panel: &narrow_panel, case: &narrow_case } };
    check_score(&sides, settings.above)?;
    if let Some(loaded) = settings.calibration {
        settings.above.check_reach("above", loaded, Band::Wide)?;
    }
    let membership = Membership::new(&told.clips, reference.folders());
    let (mut rows, mut traces) = (Vec::new(), Vec::new());
    let CatalogueOfEach { clips, passed_over } = catalogue::expand_each(recordings);
    for file in clips {
        let searched = match file {
            Ok(path) => search(&path, &sides, &membership, settings, options)?,
            Err((path, error)) => unreadable(&path, None, &error),
        };
        rows.push(searched.0);
        traces.push(searched.1);
    }
    let narrow = rows.iter().any(|row: &LocatedRecording| row.windows.narrow_band > 0);
    let report = LocateReport {
        version: VERSION.into(),
        models_version: models_version().into(),
        settings: Settings::of(panel),
        narrow_fingerprints: narrow_panel.fingerprints().clone(),
        search: Search {
            window_s: settings.window_s,
            hop_s: settings.hop_s,
            bridged_s: BRIDGED_S,
            joined_s: JOINED_S,
            above: settings.above,
        },
        calibration: settings.calibration.map(|loaded| calibration_summary(loaded, narrow)),
        cohort: settings.cohort.map(|cohort| cohort_summary(cohort, settings.cohort_filters, &wide_population)),
        remarks: remarks_on_reference(&wide_case),
        reference: told,
        recordings: rows,
        passed_over,
    };
    Ok(Located { report, traces })
}

fn check_settings(settings: &LocateSettings<'_>) -> Result<()> {
    let refused = |name, found: f64, expected: String| {
        Err(ErrorKind::Setting { name, found: format!("{found} s"), expected }.into())
    };
    let (window_s, hop_s) = (settings.window_s, settings.hop_s);
    let least = crate::encoder::MINIMUM_NET_SPEECH_S;
    if !(least..=LONGEST_S).contains(&window_s) {
        return refused("window", window_s, format!("{least} to {LONGEST_S} s"));
    }
    if !(LEAST_HOP_S..=window_s).contains(&hop_s) {
        return refused("hop", hop_s, format!("{LEAST_HOP_S} s to the length of a window, {window_s} s"));
    }
    Ok(())
}

/// Refuses a threshold for a ratio where there will be none.
fn check_score(sides: &Sides<'_>, above: Threshold) -> Result<()> {
    match sides.wide.case.without_ratio() {
        Some(why) if above.score == Score::Log10Lr => {
            let expected = format!("an encoder's name and a cosine, for example campplus=0.6, since {why}");
            Err(ErrorKind::Setting { name: "above", found: above.to_string(), expected }.into())
        }
        _ => Ok(()),
    }
}

fn enrolled(
    panel: &Panel,
    reference: &ReferenceSource,
    options: &LocateOptions<'_>,
) -> Result<(Reference, crate::compare::VoiceModel)> {
    reference.check(panel)?;
    let options = BatchOptions { threads: options.threads, ..Default::default() };
    reference.enrol(panel, reference.analyse(panel, &options)?)
}

/// Searches one recording.
fn search(
    path: &Path,
    sides: &Sides<'_>,
    membership: &Membership<'_>,
    settings: &LocateSettings<'_>,
    options: &LocateOptions<'_>,
) -> Result<(LocatedRecording, Trace)> {
    let itself = |sha256: Option<&str>| match membership.of(path, sha256) {
        Some(InReference::SameContent { clip }) => Some(Refusal::PartOfReference { clip }),
        _ => None,
    };
    let cutter = Cutter::new(settings.window_s, settings.hop_s);
    let heard = match listen::hear(path, sides, cutter, itself, options) {
        Ok(heard) => heard,
        Err(error) if error.is_threads() => return Err(error),
        Err(error) => return Ok(unreadable(path, crate::audio::file_sha256(path).ok(), &error)),
    };
    let in_reference = membership.of(path, heard.sha256.as_deref());
    let above = settings.above;
    let counts = counts(&heard.windows, above);
    let scored: Vec<(Stretch, f64)> =
        heard.windows.iter().filter_map(|window| Some((window.stretch, window.by(above.score)?))).collect();
    let ranges: Vec<FoundRange> = ranges::found(&scored, above.value)
        .into_iter()
        .filter_map(|range| described(range, &heard, sides, settings))
        .collect();
    let trace = trace(&heard, &scored);
    let reason = (counts.scored == 0).then(|| why_none(&heard));
    let expected = false_windows(counts.scored, sides, above);
    let row = LocatedRecording {
        path: text_of(path),
        status: if reason.is_none() { Status::Scored } else { Status::Refused },
        reason: reason.map(Reason::from),
        in_reference,
        windows: counts,
        // A sum of nothing would be a negative zero.
        found_s: ranges.iter().fold(0.0, |sum, range| sum + range.end_s - range.start_s),
        ranges,
        expected_false_windows_at_most: expected,
        expected_false_windows_bound_holds: expected.zip(settings.calibration).map(|(_, loaded)| {
            let scored = heard.windows.iter().filter(|window| window.by(above.score).is_some());
            loaded.calibration.bound_holds(scored.map(|window| window.band))
        }),
        sha256: heard.sha256,
        quality: Some(heard.quality),
    };
    Ok((row, trace))
}

fn counts(windows: &[Scored], above: Threshold) -> WindowCounts {
    let count = |test: &dyn Fn(&Scored) -> bool| windows.iter().filter(|window| test(window)).count();
    WindowCounts {
        all: windows.len(),
        scored: count(&|window| window.by(above.score).is_some()),
        too_little_speech: count(&|window| window.cosines.is_none()),
        without_ratio: count(&|window| window.cosines.is_some() && window.log10_lr.is_none()),
        narrow_band: count(&|window| window.band == Band::Narrow),
        at_threshold: count(&|window| window.by(above.score).is_some_and(|score| above.reached(score))),
    }
}

/// A ratio of at least `x` has a probability of at most `1/x` where another voice speaks, whatever the windows share:
/// the expected number is a sum, and sums need no independence.
fn false_windows(windows: usize, sides: &Sides<'_>, above: Threshold) -> Option<f64> {
    let greatest = sides.wide.case.greatest_log10_lr().filter(|_| above.score == Score::Log10Lr)?;
    Some(windows as f64 * 10f64.powf(-above.value.min(greatest).max(0.0)))
}

/// Why no window has the score: the reason of that with the most speech.
fn why_none(heard: &Heard) -> Refusal {
    let most = heard.windows.iter().max_by(|a, b| a.quality.net_speech_s.total_cmp(&b.quality.net_speech_s));
    let reason = most.and_then(|window| window.reason.clone());
    let spoken = |reason: &Refusal| !matches!(reason, Refusal::NoSpeech { .. });
    reason.filter(spoken).unwrap_or(Refusal::NoSpeech { duration_s: heard.quality.duration_s })
}

/// A range with its windows.
fn described(range: Stretch, heard: &Heard, sides: &Sides<'_>, settings: &LocateSettings<'_>) -> Option<FoundRange> {
    let score = settings.above.score;
    let windows: Vec<(&Scored, f64)> =
        heard.windows.iter().filter_map(|window| Some((window, window.by(score)?))).collect();
    let places = ranges::windows_of(range, windows.iter().map(|(window, _)| window.stretch));
    let inside: Vec<(&Scored, f64)> = places.iter().filter_map(|place| windows.get(*place).copied()).collect();
    let mut scores: Vec<f64> = inside.iter().map(|(_, score)| *score).collect();
    scores.sort_by(f64::total_cmp);
    // The first of several that are equal.
    let (best, _) = inside.iter().rev().max_by(|a, b| a.1.total_cmp(&b.1))?;
    Some(FoundRange {
        start_s: seconds(range.start),
        end_s: seconds(range.end),
        net_speech_s: seconds(heard.speech.iter().map(|run| run.shared(range)).sum()),
        windows: inside.len(),
        median_score: median(&scores)?,
        best: worth(best, sides, settings)?,
    })
}

/// What a window is worth.
fn worth(window: &Scored, sides: &Sides<'_>, settings: &LocateSettings<'_>) -> Option<LocatedWindow> {
    let cosines = window.cosines.clone()?;
    let (likeness, evidence) = sides.of(window.band).case.worth(&cosines, window.quality);
    let (likeness, _) = split(likeness);
    let (evidence, evidence_withheld) = match (&window.reason, evidence) {
        (Some(reason), _) => (None, Some(reason.clone())),
        (None, evidence) => split(evidence),
    };
    Some(LocatedWindow {
        start_s: seconds(window.stretch.start),
        end_s: seconds(window.stretch.end),
        quality: window.quality,
        band: window.band,
        cosines,
        likeness,
        evidence,
        evidence_withheld: evidence_withheld.filter(|_| settings.calibration.is_some()).map(Reason::from),
    })
}

fn trace(heard: &Heard, scored: &[(Stretch, f64)]) -> Trace {
    let windows = heard.windows.iter().map(|window| TracedWindow {
        start_s: seconds(window.stretch.start),
        end_s: seconds(window.stretch.end),
        quality: window.quality,
        band: window.band,
        cosines: window.cosines.clone(),
        log10_lr: window.log10_lr,
        reason: window.reason.as_ref().map(Refusal::to_string),
    });
    let segments = heard.segments.iter().map(|segment| (seconds(segment.start), seconds(segment.end)));
    let steps = ranges::steps(scored).into_iter().map(|(step, score)| (seconds(step.start), seconds(step.end), score));
    Trace { windows: windows.collect(), segments: segments.collect(), steps: steps.collect() }
}

fn unreadable(path: &Path, sha256: Option<String>, error: &Error) -> (LocatedRecording, Trace) {
    let row = LocatedRecording {
        path: text_of(path),
        sha256,
        quality: None,
        status: Status::Refused,
        reason: Some(Refusal::Unreadable { found: error.to_string() }.into()),
        in_reference: None,
        windows: WindowCounts::default(),
        ranges: Vec::new(),
        found_s: 0.0,
        expected_false_windows_at_most: None,
        expected_false_windows_bound_holds: None,
    };
    (row, Trace::default())
}
