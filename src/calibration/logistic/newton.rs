//! Newton's method for the loss of a regression, with step halving and with coefficients that may not fall below 0.

use super::LabelledRows;
use super::scale::Scale;

/// The largest slope that counts as none. Weights add up to 1 and features have a deviation of 1, so that the slope of
/// a loss that is far from its least value is about 1.
const TOLERANCE: f64 = 1e-10;
const MOST_STEPS: usize = 200;
const MOST_HALVINGS: usize = 60;

/// The mean loss of standardised features with its ridge.
pub(super) struct Objective<'a> {
    pub rows: &'a LabelledRows<'a>,
    pub scale: &'a Scale,
    pub prior: f64,
    /// Weight of half the square of each standardised coefficient.
    pub ridges: Vec<f64>,
    /// Total weight of non-targets and of targets.
    pub totals: [f64; 2],
}

/// Value, slope and curvature of the loss at one place.
struct Local {
    value: f64,
    slope: Vec<f64>,
    /// Row by row.
    curvature: Vec<f64>,
}

impl Objective<'_> {
    /// One pass over all trials; `at` holds the intercept and then the coefficients.
    fn at(&self, at: &[f64]) -> Local {
        let size = at.len();
        let offset = (self.prior / (1.0 - self.prior)).ln();
        let [non_targets, targets] = self.totals;
        let (non_target_share, target_share) = ((1.0 - self.prior) / non_targets, self.prior / targets);
        let mut local = Local { value: 0.0, slope: vec![0.0; size], curvature: vec![0.0; size * size] };
        let mut row = vec![1.0; size];
        for trial in self.rows.trials().filter(|trial| trial.weight > 0.0) {
            let columns = self.scale.mean.iter().zip(&self.scale.factor).zip(trial.features);
            for (z, ((mean, factor), x)) in row.iter_mut().skip(1).zip(columns) {
                *z = (x - mean) * factor;
            }
            let log_odds = offset + row.iter().zip(at).map(|(z, b)| z * b).sum::<f64>();
            let [sign, share] = if trial.target { [1.0, target_share] } else { [-1.0, non_target_share] };
            let (weight, margin) = (share * trial.weight, sign * log_odds);
            // The loss is softplus(-margin), its slope the posterior of the wrong proposition.
            let small = (-margin.abs()).exp();
            let wrong = if margin > 0.0 { small } else { 1.0 } / (1.0 + small);
            local.value += weight * ((-margin).max(0.0) + small.ln_1p());
            let pull = -sign * weight * wrong;
            local.slope.iter_mut().zip(&row).for_each(|(slope, z)| *slope += pull * z);
            let bend = weight * small / ((1.0 + small) * (1.0 + small));
            for (line, z) in local.curvature.chunks_exact_mut(size).zip(&row) {
                let product = bend * z;
                line.iter_mut().zip(&row).for_each(|(cell, z)| *cell += product * z);
            }
        }
        let held_back = || at.iter().skip(1).zip(&self.ridges);
        local.value += 0.5 * held_back().map(|(b, ridge)| ridge * b * b).sum::<f64>();
        local.slope.iter_mut().skip(1).zip(held_back()).for_each(|(slope, (b, ridge))| *slope += ridge * b);
        let diagonal = local.curvature.iter_mut().step_by(size + 1).skip(1);
        diagonal.zip(&self.ridges).for_each(|(cell, ridge)| *cell += ridge);
        local
    }
}

impl Local {
    /// The largest slope of a coefficient that is free to move.
    fn steepest(&self, held: &[bool]) -> f64 {
        let free = self.slope.iter().zip(held).filter(|(_, held)| !**held);
        free.map(|(slope, _)| slope.abs()).fold(0.0, f64::max)
    }

    /// The coefficient that is held at its bound and would gain most from rising.
    fn pressing(&self, held: &[bool]) -> Option<usize> {
        let held = self.slope.iter().zip(held).enumerate().filter(|(_, (slope, held))| **held && **slope < -TOLERANCE);
        held.min_by(|(_, (a, _)), (_, (b, _))| a.total_cmp(b)).map(|(i, _)| i)
    }

    /// Newton's step of the free coefficients. Where the curvature is singular, a little is added to it.
    fn direction(&self, held: &[bool]) -> Option<Vec<f64>> {
        let free = |i: usize| held.get(i) == Some(&false);
        let size = self.slope.len();
        let diagonal = self.curvature.iter().step_by(size + 1).copied().fold(0.0, f64::max).max(f64::MIN_POSITIVE);
        let system = |added: f64| -> Vec<Vec<f64>> {
            let lines = self.curvature.chunks_exact(size).zip(&self.slope).enumerate().filter(|(i, _)| free(*i));
            let line = |(i, (line, slope)): (usize, (&[f64], &f64))| {
                let cells = line.iter().enumerate().filter(|(j, _)| free(*j));
                cells.map(|(j, x)| if i == j { x + added } else { *x }).chain([-slope]).collect()
            };
            lines.map(line).collect()
        };
        let added = [0.0, 1e-12, 1e-9, 1e-6, 1e-3, 1.0].map(|share| share * diagonal);
        let mut solved = added.iter().find_map(|added| solve(system(*added)))?.into_iter();
        Some(held.iter().map(|held| if *held { 0.0 } else { solved.next().unwrap_or_default() }).collect())
    }
}

/// Solves lines of coefficients, each with its right side last, that are symmetric and positive definite; none where
/// they are not, within rounding.
fn solve(mut lines: Vec<Vec<f64>>) -> Option<Vec<f64>> {
    let size = lines.len();
    for k in 0..size {
        let (done, rest) = lines.split_at_mut(k + 1);
        let first = done.last()?;
        let pivot = *first.get(k)?;
        if pivot.is_nan() || pivot <= 0.0 {
            return None;
        }
        for line in rest {
            let factor = line.get(k)? / pivot;
            line.iter_mut().zip(first).skip(k).for_each(|(x, y)| *x -= factor * y);
        }
    }
    let mut solution = vec![0.0; size];
    for (k, line) in lines.iter().enumerate().rev() {
        let known: f64 = line.iter().zip(&solution).skip(k + 1).map(|(a, x)| a * x).sum();
        *solution.get_mut(k)? = (line.last()? - known) / line.get(k)?;
    }
    solution.iter().all(|x| x.is_finite()).then_some(solution)
}

/// How far the direction can be followed, at most once, and the coefficient that meets its bound first.
fn room(at: &[f64], direction: &[f64], bounds: &[bool], held: &[bool]) -> (f64, Option<usize>) {
    let mut room = (1.0, None);
    for (i, ((b, d), (bound, held))) in at.iter().zip(direction).zip(bounds.iter().zip(held)).enumerate() {
        if *bound && !held && *d < 0.0 && -b / d < room.0 {
            room = (-b / d, Some(i));
        }
    }
    room
}

/// Halves a step until the loss falls as it should (Armijo 1966), or no more than rounding tells.
fn search(
    objective: &Objective<'_>,
    local: &Local,
    at: &[f64],
    direction: &[f64],
    longest: f64,
) -> Option<(f64, Local)> {
    let descent: f64 = local.slope.iter().zip(direction).map(|(slope, d)| slope * d).sum();
    let rounding = 1e-12 * local.value.abs();
    let mut step = longest;
    for _ in 0..MOST_HALVINGS {
        let place: Vec<f64> = at.iter().zip(direction).map(|(b, d)| b + step * d).collect();
        let next = objective.at(&place);
        if next.value <= local.value + 1e-4 * step * descent + rounding {
            return Some((step, next));
        }
        step /= 2.0;
    }
    None
}

/// The place of the least loss where no coefficient under a bound is negative (a primal active set, Nocedal and Wright,
/// "Numerical Optimization", 2006, section 16.5, around Newton's steps); none where it is not found.
pub(super) fn minimise(objective: &Objective<'_>, bounds: &[bool], mut at: Vec<f64>) -> Option<Vec<f64>> {
    let mut local = objective.at(&at);
    // At first, whatever lies at its bound and would not gain from rising.
    let places = bounds.iter().zip(&at).zip(&local.slope);
    let mut held: Vec<bool> = places.map(|((bound, b), slope)| *bound && *b <= 0.0 && *slope >= 0.0).collect();
    for _ in 0..MOST_STEPS {
        if local.steepest(&held) <= TOLERANCE {
            match local.pressing(&held) {
                Some(pressing) => *held.get_mut(pressing)? = false,
                None => return Some(at),
            }
        }
        let direction = local.direction(&held)?;
        let (longest, blocking) = room(&at, &direction, bounds, &held);
        if let Some(blocking) = blocking.filter(|_| longest <= 0.0) {
            *held.get_mut(blocking)? = true;
            continue;
        }
        let (step, next) = search(objective, &local, &at, &direction, longest)?;
        at.iter_mut().zip(&direction).for_each(|(b, d)| *b += step * d);
        local = next;
        if let Some(blocking) = blocking.filter(|_| step == longest) {
            *held.get_mut(blocking)? = true;
            *at.get_mut(blocking)? = 0.0;
        }
    }
    None
}
