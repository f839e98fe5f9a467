//! Who is who: labelled clips from a manifest or a list of trials, and the trials that are made of them.
//!
//! Labels are read and paired; no clip is opened, and nothing is scored.

pub(in crate::library) mod manifest;
pub(in crate::library) mod selection;
pub(in crate::library) mod trial_list;

use crate::error::{Error, ErrorKind, Result};
use crate::library::labels::manifest::{Manifest, VoiceKind};
use crate::library::labels::selection::Selection;
use crate::library::labels::trial_list::TrialList;
use crate::path_text::text_of;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// Which clips are paired.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Pairs {
    /// Every two recordings of people.
    #[default]
    RealReal,
    /// Every recording of a person with every synthetic clip.
    RealSynthetic,
    /// Every two synthetic clips.
    SyntheticSynthetic,
}

impl Pairs {
    /// The name, as it is given.
    pub fn name(self) -> &'static str {
        match self {
            Pairs::RealReal => "real-real",
            Pairs::RealSynthetic => "real-synthetic",
            Pairs::SyntheticSynthetic => "synthetic-synthetic",
        }
    }

    /// The condition of the calibration that goes with them; none where none is fitted to such trials.
    pub fn condition(self) -> Option<&'static str> {
        (self != Pairs::SyntheticSynthetic).then_some(self.name())
    }

    /// The kind of clips that references are made of.
    pub(crate) fn enrolled(self) -> VoiceKind {
        if self == Pairs::SyntheticSynthetic { VoiceKind::Synthetic } else { VoiceKind::Real }
    }

    /// The kind of clips that are tested.
    pub(crate) fn tested(self) -> VoiceKind {
        if self == Pairs::RealReal { VoiceKind::Real } else { VoiceKind::Synthetic }
    }

    /// The two propositions of a trial, as clauses that follow "more probable if".
    pub fn propositions(self) -> [&'static str; 2] {
        match self {
            Pairs::RealReal => ["spoken by the person of the reference", "spoken by another person of the population"],
            Pairs::RealSynthetic => ["it reproduces this voice", "it reproduces another voice of the population"],
            Pairs::SyntheticSynthetic => {
                ["made from the same synthetic voice", "made from another synthetic voice of the population"]
            }
        }
    }
}

impl FromStr for Pairs {
    type Err = Error;

    fn from_str(word: &str) -> Result<Self> {
        let known = [Pairs::RealReal, Pairs::RealSynthetic, Pairs::SyntheticSynthetic];
        known.into_iter().find(|pairs| pairs.name() == word).ok_or_else(|| {
            let expected = "real-real, real-synthetic or synthetic-synthetic".into();
            ErrorKind::Setting { name: "pairs", found: word.into(), expected }.into()
        })
    }
}

/// Where labels come from.
#[derive(Clone, Debug)]
pub enum Labels {
    /// A table of clips; trials are all pairs.
    Manifest {
        /// The clips.
        manifest: Manifest,
        /// The columns whose cells are told of each clip.
        columns: Vec<String>,
    },
    /// A list of trials, with a table that tells more of its clips where there is one.
    Trials {
        /// The trials.
        list: TrialList,
        /// The table; clips that it lacks have no kind and an empty column.
        manifest: Option<Manifest>,
        /// The columns whose cells are told of each clip.
        columns: Vec<String>,
    },
}

/// The files that labels are read from.
#[derive(Clone, Debug, Default)]
pub struct LabelFiles<'a> {
    /// A table of clips.
    pub manifest: Option<&'a Path>,
    /// A list of trials; with a table, that tells more of its clips.
    pub trials: Option<&'a Path>,
    /// The folder that paths start from; none for that of the table or list.
    pub root: Option<&'a Path>,
    /// Which lines of the table are used.
    pub selection: Selection,
}

impl LabelFiles<'_> {
    /// A list of trials has no columns to choose lines by.
    fn refuse_selection(&self) -> Result<()> {
        let Selection { splits, filters, synthetic_filters } = &self.selection;
        let filters = [("where", filters), ("where-synthetic", synthetic_filters)].into_iter();
        let filter = filters.filter_map(|(name, filters)| Some((name, filters.first()?.to_string()))).next();
        match splits.first().map(|split| ("split", split.clone())).or(filter) {
            Some((name, found)) => {
                let expected = "--manifest with that column beside --trials".into();
                Err(ErrorKind::Setting { name, found, expected }.into())
            }
            None => Ok(()),
        }
    }
}

/// A clip with its labels.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Listed {
    pub path: PathBuf,
    /// Its number in the manifest or the list.
    pub number: u32,
    pub speaker: u32,
    pub kind: Option<VoiceKind>,
    /// The cells of the columns that were asked for, in their order; empty ones where the table has none.
    pub cells: Vec<String>,
}

/// Trials over the clips that are left.
pub(crate) struct TrialSet {
    pub models: Vec<Model>,
    pub trials: Vec<Trial>,
    /// Trials of a list that lost a clip.
    pub left_out: usize,
}

impl Labels {
    /// Reads labels with the cells of `required` columns, which must be there, and of `wanted` ones, which may.
    ///
    /// # Errors
    /// Where no file is named, one cannot be read, or a required column is missing.
    pub fn read(files: &LabelFiles<'_>, required: &[&str], wanted: &[&str]) -> Result<Self> {
        let read = |file: &Path| Manifest::read_with(file, files.root, &files.selection, required, wanted);
        let manifest = files.manifest.map(read).transpose()?;
        let mut columns: Vec<String> = Vec::new();
        for column in required.iter().chain(wanted) {
            if !columns.iter().any(|known| known == column) {
                columns.push(column.to_string());
            }
        }
        let setting = |name, found: &str, expected: &str| {
            Error::from(ErrorKind::Setting { name, found: found.into(), expected: expected.into() })
        };
        match (files.trials, manifest) {
            (None, Some(manifest)) => Ok(Labels::Manifest { manifest, columns }),
            (Some(trials), manifest) => {
                if let (Some(column), None) = (required.first(), &manifest) {
                    return Err(setting("by", column, "--manifest with that column beside --trials"));
                }
                if manifest.is_none() {
                    files.refuse_selection()?;
                }
                let list = TrialList::read(trials, files.root)?;
                Ok(Labels::Trials { list, manifest, columns })
            }
            (None, None) => Err(setting("manifest", "no labels", "--manifest or --trials")),
        }
    }

    /// The place of a column's cell among those of a clip; none where it was not asked for.
    pub(crate) fn place(&self, column: &str) -> Option<usize> {
        let (Labels::Manifest { columns, .. } | Labels::Trials { columns, .. }) = self;
        columns.iter().position(|known| known == column)
    }

    /// Whether they come from a table of clips alone.
    pub fn is_manifest(&self) -> bool {
        matches!(self, Labels::Manifest { .. })
    }

    pub(crate) fn selection(&self) -> Selection {
        match self {
            Labels::Manifest { manifest, .. } => manifest.selection.clone(),
            Labels::Trials { manifest, .. } => manifest.as_ref().map(|m| m.selection.clone()).unwrap_or_default(),
        }
    }

    /// The name of a speaker by its number.
    pub(crate) fn speaker(&self, number: u32) -> String {
        match self {
            Labels::Manifest { manifest, .. } => {
                let names = speaker_names(manifest);
                names.get(number as usize).map_or_else(|| number.to_string(), |name| name.to_string())
            }
            Labels::Trials { list, .. } => {
                let first = list.speakers.iter().position(|speaker| *speaker == number);
                let clip = first.and_then(|clip| list.clips.get(clip));
                clip.map_or_else(|| number.to_string(), |clip| text_of(clip))
            }
        }
    }

    /// The clips that the pairs need, in the order in which they are listed.
    pub(crate) fn clips(&self, pairs: Pairs) -> Vec<Listed> {
        match self {
            Labels::Manifest { manifest, columns } => {
                let names: HashMap<&str, u32> = speaker_names(manifest).into_iter().zip(0..).collect();
                let needed = |kind| kind == pairs.enrolled() || kind == pairs.tested();
                let clips = manifest.clips.iter().zip(0..).filter(|(clip, _)| needed(clip.kind));
                clips
                    .map(|(clip, number)| Listed {
                        path: clip.path.clone(),
                        number,
                        speaker: names.get(clip.speaker.as_str()).copied().unwrap_or(0),
                        kind: Some(clip.kind),
                        cells: columns.iter().map(|name| clip.cells.get(name).cloned().unwrap_or_default()).collect(),
                    })
                    .collect()
            }
            Labels::Trials { list, manifest, columns } => {
                let told = manifest.iter().flat_map(|manifest| &manifest.clips);
                let told: HashMap<&PathBuf, _> = told.map(|clip| (&clip.path, clip)).collect();
                let clips = list.clips.iter().zip(&list.speakers).zip(0..);
                clips
                    .map(|((path, speaker), number)| {
                        let known = told.get(path);
                        let cell = |name| known.and_then(|clip| clip.cells.get(name)).cloned().unwrap_or_default();
                        let (kind, cells) = (known.map(|clip| clip.kind), columns.iter().map(cell).collect());
                        Listed { path: path.clone(), number, speaker: *speaker, kind, cells }
                    })
                    .collect()
            }
        }
    }

    /// The trials over those clips that are left, which they name by their place in `clips`.
    pub(crate) fn trials(&self, clips: &[&Listed], pairs: Pairs, enrol: Enrol) -> TrialSet {
        match self {
            Labels::Manifest { .. } => all_pairs(clips, pairs, enrol),
            Labels::Trials { list, .. } => {
                let places: HashMap<u32, u32> =
                    clips.iter().zip(0..).map(|(clip, place)| (clip.number, place)).collect();
                let single = |(place, clip): (u32, &&Listed)| Model { clips: vec![place], speaker: clip.speaker };
                let models = (0..).zip(clips).map(single).collect();
                let trial = |&(a, b, target): &(u32, u32, bool)| {
                    Some(Trial { model: *places.get(&a)?, clip: *places.get(&b)?, target })
                };
                let trials: Vec<Trial> = list.trials.iter().filter_map(trial).collect();
                let left_out = list.trials.len() - trials.len();
                TrialSet { models, trials, left_out }
            }
        }
    }
}

fn speaker_names(manifest: &Manifest) -> Vec<&str> {
    let mut names: Vec<&str> = manifest.clips.iter().map(|clip| clip.speaker.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// How many clips of a speaker a reference is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Enrol {
    /// All that there are.
    All,
    /// So many.
    Of(NonZeroUsize),
}

impl Enrol {
    /// A reference of one clip.
    pub const ONE: Enrol = Enrol::Of(NonZeroUsize::MIN);

    /// So many; all for 0.
    pub fn of(clips: usize) -> Self {
        NonZeroUsize::new(clips).map_or(Enrol::All, Enrol::Of)
    }

    /// The number; 0 for all.
    pub fn number(self) -> usize {
        match self {
            Enrol::All => 0,
            Enrol::Of(clips) => clips.get(),
        }
    }
}

/// Every reference against every clip that is tested. With references of one clip and one kind of clips every two make
/// one trial; larger references never hold the clip that is tested.
fn all_pairs(clips: &[&Listed], pairs: Pairs, enrol: Enrol) -> TrialSet {
    let (enrolled, tested) = (pairs.enrolled(), pairs.tested());
    let of_kind = |kind| (0u32..).zip(clips).filter(move |(_, clip)| clip.kind == Some(kind));
    let mut by_speaker: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    of_kind(enrolled).for_each(|(place, clip)| by_speaker.entry(clip.speaker).or_default().push(place));
    let mut set = TrialSet { models: Vec::new(), trials: Vec::new(), left_out: 0 };
    let mut add = |clips: Vec<u32>, speaker: u32, tests: &dyn Fn(u32, &Listed) -> bool| {
        let model = set.models.len() as u32;
        let tested = of_kind(tested).filter(|(place, clip)| !clips.contains(place) && tests(*place, clip));
        set.trials.extend(tested.map(|(clip, listed)| Trial { model, clip, target: listed.speaker == speaker }));
        set.models.push(Model { clips, speaker });
    };
    if enrol == Enrol::ONE {
        for (place, clip) in of_kind(enrolled) {
            add(vec![place], clip.speaker, &|other, _| enrolled != tested || other > place);
        }
        return set;
    }
    for (speaker, places) in by_speaker {
        if let Enrol::Of(size) = enrol {
            places.chunks_exact(size.get()).for_each(|block| add(block.to_vec(), speaker, &|_, _| true));
            continue;
        }
        add(places.clone(), speaker, &|_, _| true);
        // All of a speaker's clips but one test that one.
        for left_out in places.iter().filter(|_| enrolled == tested && places.len() > 1) {
            let others = places.iter().copied().filter(|place| place != left_out).collect();
            add(others, speaker, &|place, _| place == *left_out);
        }
    }
    set
}

/// A reference of a trial: clips by number.
#[derive(Clone, Debug)]
pub(crate) struct Model {
    pub clips: Vec<u32>,
    pub speaker: u32,
}

/// A comparison of a model and a clip, both by number.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Trial {
    pub model: u32,
    pub clip: u32,
    pub target: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Clips of these speakers and kinds.
    fn listed(clips: &[(u32, VoiceKind)]) -> Vec<Listed> {
        let clip = |(number, (speaker, kind)): (u32, &(u32, VoiceKind))| {
            let (path, kind, cells) = (PathBuf::new(), Some(*kind), Vec::new());
            Listed { path, number, speaker: *speaker, kind, cells }
        };
        (0..).zip(clips).map(clip).collect()
    }

    fn counts(clips: &[Listed], pairs: Pairs, enrol: usize) -> (usize, usize, usize) {
        let set = all_pairs(&clips.iter().collect::<Vec<_>>(), pairs, Enrol::of(enrol));
        for trial in &set.trials {
            assert!(!set.models[trial.model as usize].clips.contains(&trial.clip), "a clip against itself");
        }
        let targets = set.trials.iter().filter(|trial| trial.target).count();
        (set.models.len(), targets, set.trials.len() - targets)
    }

    #[test]
    fn every_two_clips_meet_once_and_larger_references_lack_what_they_test() {
        use VoiceKind::{Real, Synthetic};
        // Four and two real clips, three and one synthetic ones.
        let mut clips = vec![(0, Real); 4];
        clips.extend([(1, Real), (1, Real), (0, Synthetic), (0, Synthetic), (0, Synthetic), (1, Synthetic)]);
        let clips = listed(&clips);
        assert_eq!(counts(&clips, Pairs::RealReal, 1), (6, 6 + 1, 8));
        assert_eq!(counts(&clips, Pairs::RealSynthetic, 1), (6, 4 * 3 + 2, 4 + 2 * 3));
        assert_eq!(counts(&clips, Pairs::SyntheticSynthetic, 1), (4, 3, 3));
        // Two blocks of the first speaker, one of the second.
        assert_eq!(counts(&clips, Pairs::RealReal, 2), (3, 4, 2 * 2 + 4));
        assert_eq!(counts(&clips, Pairs::RealSynthetic, 3), (1, 3, 1));
        // Whole references test other people, those that lack a clip that clip.
        assert_eq!(counts(&clips, Pairs::RealReal, 0), (2 + 6, 6, 2 + 4));
        assert_eq!(counts(&clips, Pairs::RealSynthetic, 0), (2, 3 + 1, 1 + 3));
    }
}
