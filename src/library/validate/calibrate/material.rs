//! What a calibration is fitted to: encoded clips and altered copies, and the trials that are made of them.
//!
//! It scores nothing and fits nothing.

use super::CalibrateSettings;
use crate::audio::NARROW_BAND_HZ;
use crate::calibration::ranges::{Range, Ranges};
use crate::encoder::{Band, NARROW_BAND_TOP_HZ, Panel, Refusal};
use crate::error::Result;
use crate::library::batch::BatchOptions;
use crate::library::labels::{Enrol, Labels, Listed, Model, Pairs, Trial};
use crate::library::validate::copies::{Made, copies};
use crate::library::validate::evaluate::ClipLeftOut;
use crate::library::validate::labelled::Labelled;
use crate::library::validate::scoring::{EncodedClip, Narrow, encode};
use crate::random::SplitMix;
use std::collections::{BTreeMap, BTreeSet};

/// References of several clips that are drawn for each speaker and size.
const DRAWN_REFERENCES: usize = 4;
/// Pairs of two voices that are drawn for each reference of one clip, and of several.
const NON_TARGETS: [usize; 2] = [40, 120];
/// Share of clips at the bad end that does not make the range wider.
pub(super) const OUTERMOST: f64 = 0.01;
/// Clips and copies with less speech are not fitted on, seconds.
const LEAST_SPEECH_S: f64 = 0.5;

/// Encoded clips and copies with their labels.
pub(super) struct Material {
    pub clips: Vec<EncodedClip>,
    /// Place of the listed clip that each is or was made of.
    sources: Vec<u32>,
    /// Place of the cell that says where pairs of two voices are drawn within.
    within: Option<usize>,
    listed: Vec<Listed>,
    /// Number of clips that are no copies.
    pub originals: usize,
    /// What was done to each.
    pub states: Vec<State>,
    /// Clips that cannot be used.
    pub left_out: Vec<ClipLeftOut>,
}

/// What was done to a clip.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum State {
    AsItIs,
    Cut,
    Spoilt,
}

impl Material {
    pub fn gather(
        panel: &Panel,
        labels: &Labels,
        settings: &CalibrateSettings,
        options: &BatchOptions<'_>,
    ) -> Result<Self> {
        let gathered = Labelled::gather(panel, labels, settings.pairs, Narrow::Always, enough_speech, options)?;
        let originals = gathered.clips.len();
        let mut material = Material {
            sources: (0..originals as u32).collect(),
            within: settings.within.as_deref().and_then(|column| labels.place(column)),
            states: vec![State::AsItIs; originals],
            clips: gathered.clips,
            listed: gathered.listed,
            originals,
            left_out: gathered.left_out,
        };
        if settings.copies {
            let (mut of, mut work) = (Vec::new(), Vec::new());
            for (place, clip) in (0u32..).zip(&material.listed) {
                for copy in copies(place as usize, &material.listed, &material.clips) {
                    of.push((place, if copy.made == Made::Cut { State::Cut } else { State::Spoilt }));
                    work.push((clip.path.clone(), copy.variation));
                }
            }
            for ((place, state), encoded) in of.into_iter().zip(encode(panel, &work, Narrow::Always, options)?) {
                let Ok(encoded) = encoded.and_then(enough_speech) else { continue };
                material.sources.push(place);
                material.clips.push(encoded);
                material.states.push(state);
            }
        }
        Ok(material)
    }

    pub fn listed(&self, clip: u32) -> Option<&Listed> {
        self.listed.get(*self.sources.get(clip as usize)? as usize)
    }

    /// SHA-256 of the file of each clip that is no copy.
    pub fn hashes(&self) -> impl Iterator<Item = &str> {
        self.clips.iter().take(self.originals).filter_map(|clip| clip.sha256.as_deref())
    }

    /// Clips and copies of each listed clip.
    fn by_source(&self) -> Vec<Vec<u32>> {
        let mut by_source = vec![Vec::new(); self.listed.len()];
        for (clip, source) in (0u32..).zip(&self.sources) {
            if let Some(all) = by_source.get_mut(*source as usize) {
                all.push(clip);
            }
        }
        by_source
    }

    /// The cell of a clip or copy by the place of its column; empty where there is none.
    pub fn cell(&self, clip: u32, place: usize) -> &str {
        self.listed(clip).and_then(|listed| listed.cells.get(place)).map_or("", String::as_str)
    }

    /// The collection that pairs of two voices are drawn within.
    pub fn collection(&self, clip: u32) -> &str {
        self.within.map_or("", |place| self.cell(clip, place))
    }

    pub fn trials(&self, labels: &Labels, pairs: Pairs) -> FitTrials {
        match labels {
            Labels::Manifest { .. } => self.drawn(pairs),
            Labels::Trials { .. } => self.named(labels, pairs),
        }
    }

    /// The trials of a list, with every combination of copies of the two sides that have one place: as it is with as it
    /// is, first copy with first copy, and each altered side with the other as it is.
    fn named(&self, labels: &Labels, pairs: Pairs) -> FitTrials {
        let clips: Vec<&Listed> = self.listed.iter().collect();
        let set = labels.trials(&clips, pairs, Enrol::ONE);
        let by_source = self.by_source();
        let copies = |clip: u32| by_source.get(clip as usize).map(Vec::as_slice).unwrap_or_default();
        let models = (0u32..).zip(&self.sources).map(|(clip, source)| Model {
            clips: vec![clip],
            speaker: clips.get(*source as usize).map_or(0, |clip| clip.speaker),
        });
        let mut trials = Vec::new();
        for trial in &set.trials {
            let (a, b) = (copies(trial.model), copies(trial.clip));
            let (Some(first_a), Some(first_b)) = (a.first(), b.first()) else { continue };
            let mut add = |model: u32, clip: u32| trials.push(Trial { model, clip, target: trial.target });
            a.iter().zip(b).for_each(|(a, b)| add(*a, *b));
            a.iter().skip(1).for_each(|a| add(*a, *first_b));
            b.iter().skip(1).for_each(|b| add(*first_a, *b));
        }
        FitTrials { models: models.collect(), trials }
    }

    /// References of one, a few and all of a speaker's clips, each against every clip and copy of the speaker's that it
    /// was not made of, and against others that are drawn.
    fn drawn(&self, pairs: Pairs) -> FitTrials {
        let (enrolled, tested) = (pairs.enrolled(), pairs.tested());
        let by_source = self.by_source();
        let copies = |source: u32| by_source.get(source as usize).map(Vec::as_slice).unwrap_or_default();
        let mut by_speaker: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        for (source, clip) in (0u32..).zip(&self.listed).filter(|(_, clip)| clip.kind == Some(enrolled)) {
            by_speaker.entry(clip.speaker).or_default().push(source);
        }
        let mut models: Vec<Model> = Vec::new();
        for (speaker, sources) in &by_speaker {
            let mut random = SplitMix::of(&["references", &speaker.to_string()]);
            let single = sources.iter().flat_map(|source| copies(*source));
            models.extend(single.map(|clip| Model { clips: vec![*clip], speaker: *speaker }));
            // Where the same clips are tested, one must be left to test.
            let most = sources.len() - usize::from(enrolled == tested && sources.len() > 1);
            let sizes: BTreeSet<usize> = [most.min(3), most].into_iter().filter(|size| *size > 1).collect();
            for size in sizes {
                for _ in 0..DRAWN_REFERENCES {
                    let mut order = sources.clone();
                    random.shuffle(&mut order);
                    let chosen = order.iter().take(size).filter_map(|source| {
                        let copies = copies(*source);
                        // Half of the clips as they are.
                        let which = random.below(2 * copies.len().max(1));
                        copies.get(which).or(copies.first()).copied()
                    });
                    models.push(Model { clips: chosen.collect(), speaker: *speaker });
                }
            }
        }
        let candidates: Vec<u32> = (0..self.clips.len() as u32)
            .filter(|clip| self.listed(*clip).is_some_and(|listed| listed.kind == Some(tested)))
            .collect();
        let mut by_collection: BTreeMap<&str, Vec<u32>> = BTreeMap::new();
        for clip in &candidates {
            by_collection.entry(self.collection(*clip)).or_default().push(*clip);
        }
        let mut trials = Vec::new();
        for (number, model) in (0u32..).zip(&models) {
            let Some(first) = model.clips.first() else { continue };
            let others = by_collection.get(self.collection(*first)).map(Vec::as_slice).unwrap_or_default();
            let sources: BTreeSet<u32> =
                model.clips.iter().filter_map(|c| self.sources.get(*c as usize).copied()).collect();
            let speaker_of = |clip: u32| self.listed(clip).map(|listed| listed.speaker);
            let own = candidates.iter().filter(|clip| {
                let source = self.sources.get(**clip as usize);
                speaker_of(**clip) == Some(model.speaker) && source.is_none_or(|source| !sources.contains(source))
            });
            trials.extend(own.map(|clip| Trial { model: number, clip: *clip, target: true }));
            let mut random = SplitMix::of(&["non-targets", &number.to_string()]);
            for _ in 0..NON_TARGETS[usize::from(model.clips.len() > 1)] {
                let Some(clip) = others.get(random.below(others.len().max(1))) else { break };
                if speaker_of(*clip) != Some(model.speaker) {
                    trials.push(Trial { model: number, clip: *clip, target: false });
                }
            }
        }
        FitTrials { models, trials }
    }

    /// The qualities of the clips and copies.
    pub fn ranges(&self, band: Band, models: &[Model]) -> Ranges {
        let of = |value: &dyn Fn(&EncodedClip) -> Option<f64>| {
            let values: Vec<f64> = self.clips.iter().filter_map(value).collect();
            Range::of(values, OUTERMOST).unwrap_or(Range { low: 0.0, high: 0.0 })
        };
        let bandwidth = of(&|clip| clip.quality.bandwidth_hz.map(f64::from));
        let sizes = models.iter().map(|model| model.clips.len() as f64).collect();
        Ranges {
            net_speech_s: of(&|clip| Some(clip.quality.net_speech_s)),
            snr_db: of(&|clip| clip.quality.snr_db.map(f64::from)),
            bandwidth_hz: match band {
                Band::Wide => Range { low: f64::from(NARROW_BAND_HZ), high: bandwidth.high },
                // All that is read there; the measurement is coarse.
                Band::Narrow => Range { low: NARROW_BAND_TOP_HZ - 400.0, high: bandwidth.high },
            },
            clipping_percent: of(&|clip| Some(f64::from(clip.quality.clipping_percent))),
            level_dbfs: of(&|clip| clip.quality.level_dbfs.map(f64::from)),
            exemplars: Range::of(sizes, 0.0).unwrap_or(Range { low: 1.0, high: 1.0 }),
        }
    }
}

/// A clip or copy with enough speech to be fitted to.
fn enough_speech(clip: EncodedClip) -> std::result::Result<EncodedClip, Refusal> {
    match clip.quality.net_speech_s {
        net_speech_s if net_speech_s >= LEAST_SPEECH_S => Ok(clip),
        net_speech_s => Err(Refusal::TooLittleSpeech { net_speech_s, minimum_s: LEAST_SPEECH_S }),
    }
}

/// The trials that are fitted to, with the references that they name.
pub(super) struct FitTrials {
    pub models: Vec<Model>,
    pub trials: Vec<Trial>,
}
