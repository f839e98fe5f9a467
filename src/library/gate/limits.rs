//! Limits that cannot be kept are refused before any clip is heard.

use crate::encoder::{Band, Panel};
use crate::error::{Error, ErrorKind, Result};
use crate::library::threshold::{Score, Threshold};
use crate::library::validate::calibration_file::LoadedCalibration;
use crate::library::verdict::unfit;
use std::f64::consts::LN_10;

/// Refuses limits on a score that is not computed, and limits on the ratio that the calibration cannot reach in the band
/// of `panel`. `name` is that of the setting.
///
/// # Errors
/// [`ErrorKind::Setting`] with the greatest ratio that there can be.
pub(crate) fn check_limits(
    name: &'static str,
    limits: &[Threshold],
    panel: &Panel,
    calibration: Option<&LoadedCalibration>,
) -> Result<()> {
    let band = panel.settings().band;
    for limit in limits {
        limit.check(name, panel.settings().encoders)?;
        if limit.score != Score::Log10Lr {
            continue;
        }
        let refused = |expected: String| Error::from(ErrorKind::Setting { name, found: limit.to_string(), expected });
        let Some(loaded) = calibration else {
            return Err(refused("an encoder's name and a cosine, for there is no calibration".into()));
        };
        if let Some(why) = unfit(loaded, panel) {
            return Err(refused(format!("an encoder's name and a cosine, since {why}")));
        }
        check_reach(name, *limit, loaded, band)?;
    }
    Ok(())
}

/// Refuses a limit on the ratio that a calibration never gives in a band.
///
/// # Errors
/// As for [`check_limits`].
pub(super) fn check_reach(
    name: &'static str,
    limit: Threshold,
    calibration: &LoadedCalibration,
    band: Band,
) -> Result<()> {
    let greatest = greatest(calibration, band);
    if limit.score != Score::Log10Lr || limit.value <= greatest {
        return Ok(());
    }
    let band = if band == Band::Narrow { "narrow" } else { "wide" };
    let expected = format!(
        "at most {greatest:.2}, the greatest log10 LR that the calibration gives in the {band} band: nothing could ever \
         reach the limit"
    );
    Err(ErrorKind::Setting { name, found: limit.to_string(), expected }.into())
}

/// The greatest decimal logarithm of a ratio that a calibration gives in a band.
pub(super) fn greatest(loaded: &LoadedCalibration, band: Band) -> f64 {
    loaded.calibration.of_band(band).fusion.bounds.upper / LN_10
}
