//! What a bootstrap computed, put together to figures with intervals and to differences of systems.

use super::interval::{Independent, interval, least_upper_ends};
use super::metrics::{ErrorRates, Estimate, FusionRates};
use crate::error::{ErrorKind, Result, Shortage};

/// A figure of a system, in the order in which a [`Resampler`](super::bootstrap::Resampler) gives them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Figure {
    /// Equal error rate.
    Eer,
    /// Least normalised detection cost.
    MinDcf,
    /// Least Cllr over all monotone maps.
    CllrMin,
    /// Cllr of the ratios as they are; only of log-likelihood ratios.
    Cllr,
}

/// Number of figures of a score.
pub const OF_SCORES: usize = 3;
/// Number of figures of a log-likelihood ratio.
pub const OF_LLRS: usize = 4;

/// The figures of one system on its trials, on every resample and without each group of speakers.
#[derive(Clone, Debug, PartialEq)]
pub struct Resampled<const N: usize> {
    point: [f64; N],
    resamples: Vec<Option<[f64; N]>>,
    left_out: Vec<Option<[f64; N]>>,
    independent: Independent,
}

impl<const N: usize> Resampled<N> {
    pub(super) fn new(
        point: [f64; N],
        resamples: Vec<Option<[f64; N]>>,
        left_out: Vec<Option<[f64; N]>>,
        independent: Independent,
    ) -> Self {
        Resampled { point, resamples, left_out, independent }
    }
}

impl Resampled<OF_SCORES> {
    /// The figures with their intervals.
    pub fn error_rates(&self) -> ErrorRates {
        let [eer, min_dcf, cllr_min] = self.estimates();
        ErrorRates { eer, min_dcf, cllr_min }
    }
}

impl Resampled<OF_LLRS> {
    /// The figures with their intervals.
    pub fn fusion_rates(&self) -> FusionRates {
        let [eer, min_dcf, cllr_min, cllr] = self.estimates();
        // The ratios as they are cannot do better than the best map of them.
        let cllr = Estimate { high: cllr.high.max(cllr_min.high), ..cllr };
        FusionRates { eer, min_dcf, cllr, cllr_min }
    }

    /// How much of Cllr a rising map of the ratios could take away: Cllr less Cllr_min, with the interval of the
    /// difference.
    pub fn calibration_loss(&self) -> Estimate {
        let loss = |figures: &[f64; OF_LLRS]| {
            let [_, _, cllr_min, cllr] = figures;
            cllr - cllr_min
        };
        let resamples = self.resamples.iter().flatten().map(loss).collect();
        let left_out: Option<Vec<f64>> = self.left_out.iter().map(|figures| figures.as_ref().map(loss)).collect();
        interval(loss(&self.point), resamples, left_out.as_deref(), (0.0, 1.0))
    }
}

impl<const N: usize> Resampled<N> {
    /// Resamples without a target or a non-target trial are left out; where all are, the interval is 0 to 1. A
    /// jackknife with such a sample is not used. Where a threshold errs nowhere no upper end is lower than what so few
    /// speakers without an error would allow.
    fn estimates(&self) -> [Estimate; N] {
        let mut which = 0;
        let mut estimates = self.point.map(|point| {
            let of = |figures: &[f64; N]| figures.get(which).copied();
            let resamples = self.resamples.iter().flatten().filter_map(of).collect();
            let left_out: Option<Vec<f64>> = self.left_out.iter().map(|figures| of(figures.as_ref()?)).collect();
            which += 1;
            interval(point, resamples, left_out.as_deref(), (0.0, 1.0))
        });
        // Where some threshold errs nowhere no resample errs either, whatever their number.
        if self.point.first() == Some(&0.0) {
            let least = least_upper_ends(self.independent);
            estimates.iter_mut().zip(least).for_each(|(estimate, least)| estimate.high = estimate.high.max(least));
        }
        estimates
    }

    /// How much higher a figure of this system is than that of another on the same trials, with the interval of the
    /// difference. Both see the same speakers in each resample, so that what is easy or hard about those cancels.
    ///
    /// # Errors
    /// [`ErrorKind::Insufficient`] where the systems were resampled by different draws, or have no such figure.
    pub fn difference<const M: usize>(&self, other: &Resampled<M>, figure: Figure) -> Result<Estimate> {
        let refused = |found: &str| {
            let (found, expected) =
                (found.into(), "two systems on the same trials, with a figure that both have".into());
            Err(ErrorKind::Insufficient { what: Shortage::Figure("a difference of two systems"), found, expected }
                .into())
        };
        let shape = |resamples: usize, left_out: usize| (resamples, left_out);
        if shape(self.resamples.len(), self.left_out.len()) != shape(other.resamples.len(), other.left_out.len()) {
            return refused("different numbers of resamples");
        }
        let less = |a: &[f64; N], b: &[f64; M]| Some(a.get(figure as usize)? - b.get(figure as usize)?);
        let Some(point) = less(&self.point, &other.point) else {
            return refused("a system of scores, which have no Cllr");
        };
        let pair = |(a, b): (&Option<[f64; N]>, &Option<[f64; M]>)| less(a.as_ref()?, b.as_ref()?);
        let resamples = self.resamples.iter().zip(&other.resamples).filter_map(pair).collect();
        let left_out: Option<Vec<f64>> = self.left_out.iter().zip(&other.left_out).map(pair).collect();
        Ok(interval(point, resamples, left_out.as_deref(), (-1.0, 1.0)))
    }
}
