//! Calibrations (JSON) and populations (safetensors), and what a trial is worth by them.

use super::{folder, write};
use soundalike::calibration::fusion::TrialTerms;
use soundalike::compare::ReferenceQuality;
use soundalike::encoder::{Band, Encoder};
use soundalike::feature::ClipQuality;
use soundalike::library::LoadedCalibration;
use soundalike::library::cohort::Cohort;

/// Reads either: a population begins with the length of its header.
pub fn read(bytes: &[u8]) {
    let folder = folder();
    let path = write(&folder, "table", bytes);
    if bytes.get(8) == Some(&b'{') {
        if let Ok(cohort) = Cohort::read(&path) {
            for band in Band::ALL {
                let _ = cohort.population(band, Encoder::ALL, &[]);
            }
        }
    } else if let Ok(loaded) = LoadedCalibration::read(&path) {
        for band in Band::ALL {
            for (cosine, snr_db) in [(1.0, Some(20.0)), (-1.0, None), (0.5, Some(f32::MAX))] {
                let quality = ClipQuality {
                    net_speech_s: 3.0,
                    snr_db,
                    bandwidth_hz: Some(8000.0),
                    clipping_percent: 0.0,
                    level_dbfs: Some(-20.0),
                };
                let terms = TrialTerms {
                    cosines: Encoder::ALL.into_iter().map(|encoder| (encoder, cosine)).collect(),
                    candidate: quality,
                    reference: ReferenceQuality {
                        exemplars: 2,
                        net_speech_s: 9.0,
                        snr_db,
                        bandwidth_hz: None,
                        clipping_percent: 0.5,
                        level_dbfs: None,
                    },
                };
                let fusion = &loaded.calibration.of_band(band).fusion;
                let _ = (fusion.llr(&terms), fusion.ranges.refuses(&terms.candidate, &terms.reference));
            }
        }
    }
}
