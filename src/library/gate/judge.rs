//! What was heard against every protected voice.

use super::listen::HeardClip;
use super::result::{GateClip, GateHit, GateOutcome, GateStatus, Part};
use crate::encoder::{Band, Panel, PerBand, Refusal};
use crate::error::{DocumentKind, Error, ErrorKind, Result};
use crate::feature::ClipQuality;
use crate::library::enrolled::voices::EnrolledVoice;
use crate::library::index::{Index, IndexRow};
use crate::library::outcome::Reason;
use crate::library::scan::{Found, Hit, ScanSettings, scan_part};
use crate::library::threshold::{Score, Threshold};
use crate::library::verdict::outside;
use std::cmp::Ordering;

/// Comparisons that are held at a time: some hundred megabytes.
const COMPARISONS: usize = 1 << 17;

/// What clips are judged by.
pub(crate) struct Judge<'a> {
    pub panels: PerBand<&'a Panel>,
    pub voices: &'a [EnrolledVoice],
    /// Calibration, population and threads; what is listed and flagged follows from the limits.
    pub settings: &'a ScanSettings<'a>,
    pub limits: &'a [Threshold],
}

/// A clip on its way to a decision.
struct Pending {
    clip: GateClip,
    parts: Vec<(Part, Option<ClipQuality>)>,
}

impl Judge<'_> {
    /// Judges clips that were heard, in their order.
    ///
    /// # Errors
    /// Where a comparison is missing, or the threads cannot be started.
    pub fn judge(&self, heard: Vec<HeardClip>) -> Result<Vec<GateClip>> {
        let (mut pending, mut rows) = (Vec::with_capacity(heard.len()), Vec::new());
        for (at, clip) in heard.into_iter().enumerate() {
            let mut parts = Vec::with_capacity(clip.parts.len());
            for (number, (part, row)) in clip.parts.into_iter().enumerate() {
                parts.push((part, row.quality));
                rows.push(IndexRow { path: key(at, number), ..row });
            }
            let clip = GateClip {
                path: clip.path,
                sha256: clip.sha256,
                status: GateStatus::Refused,
                reasons: clip.reasons.into_iter().map(Reason::from).collect(),
                heard: clip.heard,
                hits: Vec::new(),
                nearest: None,
            };
            pending.push(Pending { clip, parts });
        }
        let compared = rows.len();
        let size = compared.div_ceil(16).max(1);
        let segments: Vec<Vec<IndexRow>> = rows.chunks(size).map(<[IndexRow]>::to_vec).collect();
        let index = Index::of_rows(self.panels.wide, self.panels.narrow, segments)?;
        let at_once = (COMPARISONS / compared.max(1)).max(1);
        // What is flagged by a limit is flagged by one of these, or is a recording of the voice itself.
        let threshold = self.limits.first().map_or(self.settings.threshold, |limit| *limit);
        let settings =
            ScanSettings { top: None, threshold, only_above: false, own_too: true, cache: None, ..*self.settings };
        if compared > 0 {
            for voices in self.voices.chunks(at_once) {
                let found = scan_part(self.panels, voices, &index, &settings)?;
                for (voice, found) in voices.iter().zip(found) {
                    self.take(voice, found, &mut pending)?;
                }
            }
        }
        Ok(pending.into_iter().map(|pending| decided(pending.clip)).collect())
    }

    /// Takes in what was found of one voice.
    fn take(&self, voice: &EnrolledVoice, found: Found, pending: &mut [Pending]) -> Result<()> {
        let mut seen: Vec<Vec<Option<Hit>>> = pending.iter().map(|clip| vec![None; clip.parts.len()]).collect();
        for (_, hit) in found.ranked.into_iter().chain(found.rest) {
            let place = place(&hit.path).and_then(|(clip, part)| seen.get_mut(clip)?.get_mut(part));
            match place {
                Some(place) => *place = Some(hit),
                None => return Err(lost(&hit.path)),
            }
        }
        for (pending, hits) in pending.iter_mut().zip(seen) {
            self.compare(voice, pending, hits);
        }
        Ok(())
    }

    /// Judges all parts of a clip against one voice.
    fn compare(&self, of: &EnrolledVoice, pending: &mut Pending, hits: Vec<Option<Hit>>) {
        let (count, voice) = (hits.len(), of.name.as_str());
        let (expected, bound_holds) = self.false_alarms(&hits).unzip();
        let mut best: Option<(bool, GateHit)> = None;
        let (mut judged, mut unjudged) = (Vec::new(), Vec::new());
        for ((part, quality), hit) in pending.parts.iter().zip(hits) {
            let Some(hit) = hit else {
                let found = "the part has no embeddings of the band that the voice is compared in".into();
                pending.clip.because(Refusal::NotCompared { voice: voice.into(), part: part.to_string(), found });
                continue;
            };
            match self.unjudged(of, (part, quality.as_ref()), &hit) {
                Some(refusal) => unjudged.push((*part, refusal)),
                None => judged.push(*part),
            }
            let reached = hit.flagged
                || self.limits.iter().any(|limit| value(&hit, limit.score).is_some_and(|v| limit.reached(v)));
            let hit = GateHit {
                voice: voice.into(),
                part: *part,
                parts: count,
                expected_false_alarms_at_most: expected,
                expected_false_alarms_bound_holds: bound_holds,
                reached,
                net_speech_s: hit.net_speech_s,
                snr_db: hit.snr_db,
                band: hit.band,
                cosines: hit.cosines,
                log10_lr: hit.log10_lr,
                log10_lr_low: hit.log10_lr_low,
                log10_lr_high: hit.log10_lr_high,
                unbounded_log10_lr: hit.unbounded_log10_lr,
                likeness: hit.likeness,
            };
            let closer_than =
                |(was, before): &(bool, GateHit)| (reached, closer(&hit, before)) > (*was, Ordering::Equal);
            if best.as_ref().is_none_or(closer_than) {
                best = Some((reached, hit));
            }
        }
        for (_, refusal) in unjudged.into_iter().filter(|(part, _)| !part.is_covered_by(&judged)) {
            pending.clip.because(refusal);
        }
        let Some((reached, hit)) = best else { return };
        if pending.clip.nearest.as_ref().is_none_or(|nearest| closer(&hit, nearest).is_gt()) {
            pending.clip.nearest = Some(hit.clone());
        }
        if reached {
            pending.clip.hits.push(hit);
        }
    }

    /// Why a comparison does not say that the part stays under the limits; none where it does, or reaches one.
    fn unjudged(
        &self,
        voice: &EnrolledVoice,
        (part, quality): (&Part, Option<&ClipQuality>),
        hit: &Hit,
    ) -> Option<Refusal> {
        let lacking = self.limits.iter().find(|limit| value(hit, limit.score).is_none());
        let because = |found: String| Refusal::NotCompared { voice: voice.name.clone(), part: part.to_string(), found };
        match (&hit.reason, lacking) {
            (Some(reason), _) => return Some(because(reason.message.clone())),
            (None, Some(limit)) => return Some(because(format!("no {}", limit.score.label()))),
            (None, None) => {}
        }
        let loaded = self.settings.calibration?;
        // What the calibration has never seen is not judged, whichever encoders there are.
        let model = if hit.band == Band::Narrow { voice.narrow.as_ref() } else { Some(&voice.wide) };
        let Some((model, quality)) = model.zip(quality) else {
            return Some(because("the voice or the part was not measured in the band of the comparison".into()));
        };
        if let Some(refusal) = outside(loaded, hit.band, quality, model) {
            return Some(because(refusal.to_string()));
        }
        let most = loaded.calibration.greatest_log10_lr(hit.band);
        let beyond = self.limits.iter().find(|limit| limit.score == Score::Log10Lr && limit.value > most)?;
        Some(because(format!(
            "it was compared in the narrow band, where no log10 LR exceeds {most:.2} and the limit is {}",
            beyond.value
        )))
    }

    /// A ratio of at least `x` has at most the probability `1/x` where another voice speaks, and whether the calibration
    /// kept to that.
    fn false_alarms(&self, parts: &[Option<Hit>]) -> Option<(f64, bool)> {
        let limits = self.limits.iter().filter(|limit| limit.score == Score::Log10Lr);
        let lowest = limits.map(|limit| limit.value).min_by(f64::total_cmp)?;
        let bands = parts.iter().flatten().map(|hit| hit.band);
        let holds = self.settings.calibration.is_some_and(|loaded| loaded.calibration.bound_holds(bands));
        Some((parts.len() as f64 * 10f64.powf(-lowest.max(0.0)), holds))
    }
}

impl GateClip {
    /// Notes a reason; one of its kind for each voice is enough.
    fn because(&mut self, refusal: Refusal) {
        let same = |known: &Reason| match (&known.refusal, &refusal) {
            (Refusal::NotCompared { voice: a, .. }, Refusal::NotCompared { voice: b, .. }) => a == b,
            (known, new) => known == new,
        };
        if !self.reasons.iter().any(same) {
            self.reasons.push(refusal.into());
        }
    }
}

/// The only place where a clip passes.
fn decided(mut clip: GateClip) -> GateClip {
    clip.hits.sort_by(|a, b| closer(b, a));
    clip.status = match (clip.hits.is_empty(), clip.reasons.is_empty() && clip.nearest.is_some()) {
        (false, _) => GateStatus::Hit,
        (true, true) => GateStatus::Passed,
        (true, false) => GateStatus::Refused,
    };
    clip
}

/// The result of a gate over all its clips.
pub(crate) fn decide(limits: &[Threshold], clips: Vec<GateClip>) -> GateOutcome {
    let of = |status: GateStatus| {
        clips.iter().filter(|clip| clip.status == status).map(|clip| clip.path.clone()).collect::<Vec<_>>()
    };
    GateOutcome {
        unheard: Vec::new(),
        limits: limits.into(),
        passed: !clips.is_empty() && clips.iter().all(|clip| clip.status == GateStatus::Passed),
        above: of(GateStatus::Hit),
        refused: of(GateStatus::Refused),
        clips,
    }
}

/// The score that a limit looks at.
fn value(hit: &Hit, score: Score) -> Option<f64> {
    match score {
        Score::Log10Lr => hit.log10_lr,
        Score::Cosine(encoder) => hit.cosines.get(encoder).copied(),
    }
}

/// Which of two is closer to its voice.
fn closer(a: &GateHit, b: &GateHit) -> Ordering {
    let key = |hit: &GateHit| {
        let cosine = hit.cosines.iter().last().map_or(-1.0, |(_, cosine)| *cosine);
        (hit.unbounded_log10_lr.unwrap_or(f64::NEG_INFINITY), cosine)
    };
    let (a_key, b_key) = (key(a), key(b));
    let by_ratio = a_key.0.total_cmp(&b_key.0).then_with(|| a_key.1.total_cmp(&b_key.1));
    by_ratio.then_with(|| b.voice.cmp(&a.voice))
}

/// The name of a part among the rows that are searched, and back.
fn key(clip: usize, part: usize) -> String {
    format!("{clip:010}/{part:010}")
}

fn place(key: &str) -> Option<(usize, usize)> {
    let (clip, part) = key.split_once('/')?;
    Some((clip.parse().ok()?, part.parse().ok()?))
}

/// The error of a part that was found and not given.
fn lost(path: &str) -> Error {
    let (found, expected) = (format!("a comparison of \"{path}\""), "a part that was heard".into());
    ErrorKind::Document { path: "parts of clips".into(), what: DocumentKind::Table, found, expected }.into()
}
