//! Recordings of a protected voice to a voice model that can be kept and compared with later.

use crate::encoder::Panel;
use crate::error::Result;
use crate::library::batch::BatchOptions;
use crate::library::enrolled::reference::{Reference, ReferenceSource};
use crate::library::enrolled::voice_file::VoiceModelFile;

/// A voice model and how it came about.
#[derive(Clone, Debug, PartialEq)]
pub struct Enrolment {
    /// The model, to be written.
    pub model: VoiceModelFile,
    /// The recordings behind it, with those that were left out and why.
    pub reference: Reference,
}

/// Makes a voice model of recordings, and of the recordings in other voice models.
///
/// # Errors
/// Where no clip can be used, a voice model does not fit the panel, or so many threads cannot be had.
pub fn enrol(panel: &Panel, source: &ReferenceSource, options: &BatchOptions<'_>) -> Result<Enrolment> {
    source.check(panel)?;
    let analyses = source.analyse(panel, options)?;
    let (reference, model) = source.enrol(panel, analyses)?;
    // Recordings that a narrow-band candidate will be compared with are read up to its top.
    let narrow = panel.narrow()?;
    let (_, narrow_model) = source.enrol(&narrow, source.analyse(&narrow, options)?)?;
    Ok(Enrolment { model: VoiceModelFile::of(&model, &narrow_model), reference })
}
