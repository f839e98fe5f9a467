//! Groups left out: what a fit is worth on a corpus, page or system that it has not seen.
//!
//! To leave a group out is to leave out all its speakers, wherever else they occur. It is tested on every pair of its
//! speakers' recordings as they are: references of one clip, candidates of the group.

use super::CalibrateSettings;
use super::material::{Material, State};
use super::table::{Fitted, Table};
use super::weights::{Cell, balanced};
use crate::calibration::bootstrap::{Draws, Figure, NonTargetTrial, Resampled, Resampler, TargetTrial, Trials};
use crate::calibration::bounds::Bounds;
use crate::calibration::misleading::misleading_excess;
use crate::encoder::{Band, Encoder, PerEncoder};
use crate::error::Result;
use crate::library::batch;
use crate::library::labels::{Model, Trial};
use crate::library::validate::calibration_file::{GroupMeans, GroupValidation, LeftOutGroup, LeftOutRates};
use crate::library::validate::scoring::Scorer;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// What the smaller groups together are called.
const OTHER: &str = "other";

/// A trial of a group, scored by a fit that has not seen it.
#[derive(Clone, Copy)]
pub(super) struct LeftOut {
    pub target: bool,
    pub llr: f64,
    /// Those of a kind add up to 1 in each group.
    pub weight: f64,
    pub sides: [u32; 2],
    pub group: usize,
}

/// Everything about the clips of one band that groups are tested with.
pub(super) struct Bench<'a> {
    pub material: &'a Material,
    pub settings: &'a CalibrateSettings,
    pub table: &'a Table,
    pub band: Band,
    /// Places of the cells of all columns of groups.
    pub columns: &'a [usize],
    pub threads: usize,
}

/// The clips and speakers of one value of a column, or of several small ones.
struct Group {
    name: String,
    /// Reference clip and tested clip of each pair; whether one voice.
    pairs: Vec<(u32, u32, bool)>,
    /// Numbers in the labels.
    speakers: BTreeSet<u32>,
}

impl Group {
    fn count(&self, target: bool) -> usize {
        self.pairs.iter().filter(|pair| pair.2 == target).count()
    }

    fn is_judged(&self) -> bool {
        // Smaller ones are pooled.
        let [speakers, targets, non_targets] = LeftOutGroup::LEAST;
        self.speakers.len() >= speakers && self.count(true) >= targets && self.count(false) >= non_targets
    }
}

impl Bench<'_> {
    /// The groups of a column, those too small to be judged alone as one, with the names of these.
    fn groups(&self, column: usize) -> (Vec<Group>, Vec<String>) {
        let material = self.material;
        let (enrolled, tested) = (self.settings.pairs.enrolled(), self.settings.pairs.tested());
        let originals = || 0..material.originals as u32;
        let of_kind = |clip: &u32, kind| material.listed(*clip).is_some_and(|listed| listed.kind == Some(kind));
        let speaker = |clip: u32| material.listed(clip).map_or(0, |listed| listed.speaker);
        let mut values: BTreeMap<&str, BTreeSet<u32>> = BTreeMap::new();
        for clip in originals() {
            let value = material.cell(clip, column);
            // People have no system: where the tested kind is the other one, they belong to the value of their clones.
            if of_kind(&clip, tested) || (enrolled != tested && !value.is_empty()) {
                values.entry(value).or_default().insert(speaker(clip));
            }
        }
        let group = |(value, speakers): (&str, BTreeSet<u32>)| {
            let of_speakers = |clip: &u32| speakers.contains(&speaker(*clip));
            let references: Vec<u32> = originals().filter(|c| of_kind(c, enrolled) && of_speakers(c)).collect();
            let inside = |clip: &u32| of_kind(clip, tested) && material.cell(*clip, column) == value;
            let mut pairs = Vec::new();
            for test in originals().filter(inside) {
                for reference in &references {
                    // Of two clips of one kind the pair counts once.
                    let once = enrolled != tested || *reference < test || !inside(reference);
                    let target = speaker(*reference) == speaker(test);
                    let near = target || material.collection(*reference) == material.collection(test);
                    if *reference != test && once && near {
                        pairs.push((*reference, test, target));
                    }
                }
            }
            Group { name: value.into(), pairs, speakers: speakers.clone() }
        };
        let all: Vec<Group> = values.into_iter().map(group).collect();
        let (mut judged, small): (Vec<Group>, Vec<Group>) = all.into_iter().partition(Group::is_judged);
        let names = small.iter().map(|group| group.name.clone()).collect();
        let mut other = Group { name: OTHER.into(), pairs: Vec::new(), speakers: BTreeSet::new() };
        for group in small {
            other.pairs.extend(group.pairs);
            other.speakers.extend(group.speakers);
        }
        if !other.pairs.is_empty() {
            judged.push(other);
        }
        (judged, names)
    }

    /// The fit to everything that has nothing of a group.
    fn without(&self, group: &Group, start: &Fitted) -> Result<Fitted> {
        let tested: BTreeSet<u32> = group.pairs.iter().flat_map(|(a, b, _)| [*a, *b]).collect();
        let table = self.table;
        let known = |speaker: &u32| table.speakers.get(*speaker as usize).is_some_and(|s| group.speakers.contains(s));
        let trials = table.sides.iter().zip(&table.clips).zip(&table.weights);
        let weights = trials.map(|((sides, clips), weight)| {
            let seen = sides.iter().any(&known) || clips.iter().any(|clip| tested.contains(clip));
            if seen { 0.0 } else { *weight }
        });
        table.fit(self.settings, &weights.collect::<Vec<f64>>(), Some(start))
    }

    /// Leaves out one value of a column after the other.
    pub fn leave_out(&self, column: usize, start: &Fitted) -> Result<Column> {
        let (groups, pooled) = self.groups(column);
        let scored = batch::map(groups.len(), self.threads, |i| {
            let Some(group) = groups.get(i) else { return Ok(None) };
            // Where nothing is left to fit to there is no figure, and the value is named.
            match self.without(group, start) {
                Ok(fitted) => self.score(group, i, &fitted).map(Some),
                Err(error) if error.is_insufficient() => Ok(None),
                Err(error) => Err(error),
            }
        })?;
        let mut column = Column { groups: Vec::new(), pooled, not_fitted: Vec::new(), trials: Vec::new() };
        for (group, scored) in groups.iter().zip(scored) {
            match scored? {
                Some(scored) => {
                    column.groups.push(self.figures(group, &scored)?);
                    column.trials.extend(scored.trials);
                }
                None => column.not_fitted.push(group.name.clone()),
            }
        }
        Ok(column)
    }

    fn score(&self, group: &Group, number: usize, fitted: &Fitted) -> Result<Scored> {
        let material = self.material;
        let mut places: HashMap<u32, u32> = HashMap::new();
        let mut models: Vec<Model> = Vec::new();
        for (reference, _, _) in &group.pairs {
            places.entry(*reference).or_insert_with(|| {
                let speaker = material.listed(*reference).map_or(0, |listed| listed.speaker);
                models.push(Model { clips: vec![*reference], speaker });
                models.len() as u32 - 1
            });
        }
        let scorer = Scorer::new(&material.clips, &models);
        let speakers: Vec<u32> = group.speakers.iter().copied().collect();
        let anew = |clip: u32| {
            let speaker = material.listed(clip).map(|listed| listed.speaker);
            speaker.and_then(|speaker| speakers.binary_search(&speaker).ok()).unwrap_or(0) as u32
        };
        let mut scored = Scored { cosines: PerEncoder::default(), trials: Vec::new() };
        let mut cells = Vec::new();
        let mut names: HashMap<(usize, &str), u32> = HashMap::new();
        for (reference, clip, target) in &group.pairs {
            let Some(model) = places.get(reference) else { continue };
            let trial = Trial { model: *model, clip: *clip, target: *target };
            let Some(terms) = scorer.terms(&trial, self.band) else { continue };
            let Some(sum) = fitted.sum(self.table.encoders(), &terms) else { continue };
            let Some(llr) = fitted.ratio(self.settings.method, sum) else { continue };
            for encoder in self.table.encoders() {
                scored.cosines.slot_or_default(*encoder).push(*terms.cosines.get(*encoder).unwrap_or(&f64::NAN));
            }
            let sides = [anew(*reference), anew(*clip)];
            let mut levels: Vec<u32> = Vec::new();
            for place in self.columns {
                let next = names.len() as u32;
                levels.push(*names.entry((*place, material.cell(*clip, *place))).or_insert(next));
            }
            levels.push(sides[1]);
            cells.push(Cell { target: *target, levels, state: State::AsItIs });
            scored.trials.push(LeftOut { target: *target, llr, weight: 0.0, sides, group: number });
        }
        scored.trials.iter_mut().zip(balanced(&cells)).for_each(|(trial, weight)| trial.weight = weight);
        Ok(scored)
    }

    fn figures(&self, group: &Group, scored: &Scored) -> Result<LeftOutGroup> {
        let trials = &scored.trials;
        let count = |target: bool| trials.iter().filter(|trial| trial.target == target).count();
        let (target, non_target) = (count(true), count(false));
        let misleads = trials.iter().filter(|trial| !trial.target && trial.llr > 0.0);
        Ok(LeftOutGroup {
            value: group.name.clone(),
            speakers: group.speakers.len(),
            target,
            non_target,
            judged: group.is_judged(),
            rates: if target > 0 && non_target > 0 { Some(self.rates(group, scored)?) } else { None },
            non_target_misleading: misleads.map(|trial| trial.weight).sum(),
        })
    }

    fn rates(&self, group: &Group, scored: &Scored) -> Result<LeftOutRates> {
        let trials = |score: &dyn Fn(usize, &LeftOut) -> f64| {
            let mut all = Trials { speakers: group.speakers.len(), ..Default::default() };
            for (i, trial) in scored.trials.iter().enumerate() {
                let (score, weight, [a, b]) = (score(i, trial), trial.weight, trial.sides);
                match trial.target {
                    true => all.targets.push(TargetTrial { score, speaker: b, weight }),
                    false => all.non_targets.push(NonTargetTrial { score, speakers: [a, b], weight }),
                }
            }
            all
        };
        let llrs = trials(&|_, trial| trial.llr);
        let draws = Draws::new(group.speakers.len(), llrs.count());
        let ratio = resampled(&Resampler::of_llrs(&llrs, &draws)?, self.threads)?;
        let encoders = scored.cosines.try_map(|_, cosines| {
            let trials = trials(&|i, _| cosines.get(i).copied().unwrap_or(f64::NAN));
            resampled(&Resampler::of_scores(&trials, &draws)?, self.threads)
        })?;
        let eer = |resampled: &Resampled<3>| resampled.error_rates().eer;
        let best = encoders.iter().min_by(|(_, a), (_, b)| eer(a).point.total_cmp(&eer(b).point));
        let (best, of_best) = best.ok_or_else(nothing_scored)?;
        let rates = ratio.fusion_rates();
        Ok(LeftOutRates {
            eer: rates.eer,
            cllr: rates.cllr,
            cllr_min: rates.cllr_min,
            calibration_loss: ratio.calibration_loss(),
            best,
            against_best: ratio.difference(of_best, Figure::Eer)?,
            encoders: encoders.map(|_, resampled| eer(resampled)),
        })
    }
}

/// What leaving out the values of a column gave.
pub(super) struct Column {
    groups: Vec<LeftOutGroup>,
    pooled: Vec<String>,
    not_fitted: Vec<String>,
    pub trials: Vec<LeftOut>,
}

impl Column {
    /// What is told of it.
    pub fn told(self, name: &str, bounds: &Bounds) -> Result<GroupValidation> {
        let non_targets = self.trials.iter().filter(|trial| !trial.target);
        let bounded: Vec<(f64, f64)> = non_targets.map(|trial| (bounds.clip(trial.llr), trial.weight)).collect();
        Ok(GroupValidation {
            column: name.into(),
            means: means(&self.groups),
            misleading: misleading_excess(&bounded)?,
            groups: self.groups,
            pooled: self.pooled,
            not_fitted: self.not_fitted,
        })
    }
}

/// The trials of a group, with the cosines of each encoder in the same order.
struct Scored {
    cosines: PerEncoder<Vec<f64>>,
    trials: Vec<LeftOut>,
}

fn nothing_scored() -> crate::error::Error {
    use crate::error::{ErrorKind, Shortage};
    let (found, expected) = ("a group without a score".into(), "a cosine of each encoder in every trial".into());
    ErrorKind::Insufficient { what: Shortage::Figure("error of a group"), found, expected }.into()
}

/// All samples of a bootstrap, by as many threads as there are.
pub(super) fn resampled<const N: usize>(resampler: &Resampler<'_, N>, threads: usize) -> Result<Resampled<N>> {
    resampler.collect(batch::map(resampler.len(), threads, |index| resampler.figures(index))?)
}

/// Means over the judged groups that have both kinds of trials; none where there is no such group.
fn means(groups: &[LeftOutGroup]) -> Option<GroupMeans> {
    let judged: Vec<(&str, &LeftOutRates)> = groups
        .iter()
        .filter(|group| group.judged)
        .filter_map(|group| Some((group.value.as_str(), group.rates.as_ref()?)))
        .collect();
    let n = judged.len() as f64;
    let mean = |figure: &dyn Fn(&LeftOutRates) -> f64| judged.iter().map(|(_, rates)| figure(rates)).sum::<f64>() / n;
    let (worst, rates) = judged.iter().max_by(|(_, a), (_, b)| a.eer.point.total_cmp(&b.eer.point))?;
    let encoders = rates.encoders.encoders().map(|encoder: Encoder| {
        (encoder, mean(&|rates| rates.encoders.get(encoder).map_or(f64::NAN, |eer| eer.point)))
    });
    Some(GroupMeans {
        groups: judged.len(),
        eer: mean(&|rates| rates.eer.point),
        cllr: mean(&|rates| rates.cllr.point),
        cllr_min: mean(&|rates| rates.cllr_min.point),
        encoders: encoders.collect(),
        worst: worst.to_string(),
        worst_eer: rates.eer.point,
    })
}
