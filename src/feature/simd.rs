//! The frame loop, compiled for wider vectors too and chosen when it runs.
//!
//! The loop's order of operations is fixed in its source and the compiler fuses nothing, so every version gives the
//! same bits (a test holds them to it); only the transform inside, for which rustfft chooses its own version, may
//! differ between processors in the last bits. This is the one file of the library with `unsafe` in it: the call of a
//! function compiled for instructions that were asked for just before.

use super::filterbank::Peak;
use super::frame::FrameRun;
use super::mfcc::{FeaturePlan, Worker};

/// Features of a batch, by the widest version the processor has.
pub(super) fn batch(plan: &FeaturePlan, run: &FrameRun<'_>, peak: Peak, worker: &mut Worker) {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        #[allow(unsafe_code)]
        // SAFETY: the processor has AVX2.
        return unsafe { batch_avx2(plan, run, peak, worker) };
    }
    plan.batch(run, peak, worker);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn batch_avx2(plan: &FeaturePlan, run: &FrameRun<'_>, peak: Peak, worker: &mut Worker) {
    plan.batch(run, peak, worker);
}

#[cfg(test)]
mod tests {
    use super::super::preset::Preset;
    use super::*;

    #[test]
    fn every_version_gives_the_same_bits() {
        let mut seed = 7u32;
        let samples: Vec<f32> = (0..400 + 15 * 160)
            .map(|_| {
                seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (seed >> 8) as f32 / 8_388_608.0 - 1.0
            })
            .collect();
        for preset in Preset::ALL {
            let plan = preset.mfcc().plan().unwrap();
            let run = FrameRun { samples: &samples, count: 16 };
            let (mut wide, mut plain) = (plan.worker(), plan.worker());
            batch(&plan, &run, Peak::Unknown, &mut wide);
            plan.batch(&run, Peak::Unknown, &mut plain);
            assert_eq!(wide.rows, plain.rows, "{preset:?}");
        }
    }
}
