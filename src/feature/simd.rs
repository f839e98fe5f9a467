//! The frame loop, compiled for the processor's widest vectors and chosen when it runs.
//!
//! The loop's order of operations is fixed in its source and nothing is fused, so every version gives the same bits;
//! only the transform inside it (rustfft chooses its own version) may differ between processors in the last bit.

use super::filterbank::Peak;
use super::frame::FrameRun;
use super::mfcc::{FeaturePlan, Worker};

pub(super) fn batch(plan: &FeaturePlan, run: &FrameRun<'_>, peak: Peak, worker: &mut Worker) {
    plan.batch(run, peak, worker)
}
