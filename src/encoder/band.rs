//! How much of the spectrum the encoders read.
//!
//! A telephone or a strong codec takes away everything above about 3.5 kHz. Compared with a recording that has it, such
//! a clip differs by its channel more than by its voice; so where one side of a comparison is narrow-band, both are
//! read up to [`NARROW_BAND_TOP_HZ`] only. Scores of the two modes are not on one scale: each has fingerprints, tables,
//! a cohort and a calibration of its own.

use super::panel::PanelSettings;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::ops::{Index, IndexMut};

/// The highest frequency that is read in the narrow band, Hz: what telephones carry.
pub const NARROW_BAND_TOP_HZ: f64 = 3400.0;

/// How much of the spectrum is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Band {
    /// All of it, up to 8 kHz.
    #[default]
    Wide,
    /// Up to [`NARROW_BAND_TOP_HZ`], on both sides of a comparison.
    Narrow,
}

impl Band {
    /// Both, in the order in which they are tried.
    pub const ALL: [Band; 2] = [Band::Wide, Band::Narrow];

    /// The name in results: `wide` or `narrow`.
    pub fn name(self) -> &'static str {
        match self {
            Band::Wide => "wide",
            Band::Narrow => "narrow",
        }
    }
}

impl fmt::Display for Band {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Something that there is of each band.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct PerBand<T> {
    /// That of the whole spectrum.
    pub wide: T,
    /// That of the narrow band.
    pub narrow: T,
}

impl<T> PerBand<T> {
    pub fn from_fn(mut of: impl FnMut(Band) -> T) -> Self {
        PerBand { wide: of(Band::Wide), narrow: of(Band::Narrow) }
    }

    pub fn as_ref(&self) -> PerBand<&T> {
        PerBand { wide: &self.wide, narrow: &self.narrow }
    }

    pub fn map<U>(self, mut of: impl FnMut(T) -> U) -> PerBand<U> {
        PerBand { wide: of(self.wide), narrow: of(self.narrow) }
    }
}

impl<T> Index<Band> for PerBand<T> {
    type Output = T;

    fn index(&self, band: Band) -> &T {
        match band {
            Band::Wide => &self.wide,
            Band::Narrow => &self.narrow,
        }
    }
}

impl<T> IndexMut<Band> for PerBand<T> {
    fn index_mut(&mut self, band: Band) -> &mut T {
        match band {
            Band::Wide => &mut self.wide,
            Band::Narrow => &mut self.narrow,
        }
    }
}

impl PanelSettings {
    /// The same settings for the narrow band: the statistics' filter bank ends at its top, with filters as wide as
    /// before, and of the networks' bands only those below it are read.
    pub fn narrow(&self) -> Self {
        let mut narrow = self.clone();
        if self.band == Band::Wide {
            let mel = &mut narrow.mfcc.feature.filter_bank.mel;
            (mel.bands, mel.high_hz) = (mel.bands_below(NARROW_BAND_TOP_HZ), NARROW_BAND_TOP_HZ as f32);
            narrow.ge2e.top_hz = Some(NARROW_BAND_TOP_HZ);
            narrow.campplus.top_hz = Some(NARROW_BAND_TOP_HZ);
            narrow.band = Band::Narrow;
        }
        narrow
    }
}
