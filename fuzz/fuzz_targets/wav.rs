//! WAVE files: RIFF, RF64, BW64 and Wave64.
#![no_main]

use libfuzzer_sys::{Corpus, fuzz_target};
use soundalike_fuzz::{quiet_panics, sound};

fuzz_target!(init: quiet_panics(), |bytes: &[u8]| -> Corpus {
    if !sound::is_wave(bytes) {
        return Corpus::Reject;
    }
    sound::read(bytes);
    Corpus::Keep
});
