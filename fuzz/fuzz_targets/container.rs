//! Sound files that are no WAVE: AIFF, CAF, FLAC, MP3, AAC, Ogg, MP4 and Matroska.
#![no_main]

use libfuzzer_sys::{Corpus, fuzz_target};
use soundalike_fuzz::{quiet_panics, sound};

fuzz_target!(init: quiet_panics(), |bytes: &[u8]| -> Corpus {
    if sound::is_wave(bytes) {
        return Corpus::Reject;
    }
    sound::read(bytes);
    Corpus::Keep
});
