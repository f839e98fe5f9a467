//! Limits that cannot be kept are refused before any clip is heard.

use crate::encoder::Panel;
use crate::error::{Error, ErrorKind, Result};
use crate::library::threshold::{Score, Threshold};
use crate::library::validate::calibration_file::LoadedCalibration;
use crate::library::verdict::unfit;

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
        limit.check_reach(name, loaded, band)?;
    }
    Ok(())
}
