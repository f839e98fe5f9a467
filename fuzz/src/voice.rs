//! Voice models: what is read can be written, and is then read back the same.

use soundalike::library::{ReferenceSource, VoiceModelFile};
use std::path::Path;

/// Reads a voice model.
pub fn read(bytes: &[u8]) {
    let path = Path::new("voice.model");
    let Ok(voice) = VoiceModelFile::parse(path, bytes) else { return };
    let written = voice.to_bytes().expect("a voice model that was read can be written");
    let again = VoiceModelFile::parse(path, &written).expect("what was written can be read");
    assert_eq!(voice, again);
    let reference = ReferenceSource::of_model("voice.model", bytes).expect("the same bytes, read once more");
    let _ = reference.encoders();
}
