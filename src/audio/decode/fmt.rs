//! The format chunk of a WAVE file: which samples the data chunk holds.
//!
//! The crate `hound` parses and validates the chunk of integer and 32-bit float files, whatever the container: it is
//! given a small canonical RIFF header made of the file's own bytes. The telephone codes and 64-bit floats, which it
//! does not know, are validated here by the same rules.
//!
//! # 24 bits in 32
//!
//! Two layouts exist and the chunk tells them apart. A container of 32 bits (`wBitsPerSample`) with 24 valid bits is
//! left-justified, as the definition of WAVEFORMATEXTENSIBLE says: it is read as a 32-bit number whose low byte is
//! zero. A sample of 24 bits in a block of four bytes a channel is right-justified: its low three bytes are read.

use super::chunks::{u16_at, u32_at};
use crate::audio::{AudioFormat, Container};
use crate::error::{Error, ErrorKind, Result};
use std::io::Cursor;
use std::path::Path;

/// The channels that are supported.
pub(super) const CHANNELS: std::ops::RangeInclusive<u16> = 1..=8;
/// The sampling rates that are supported, Hz.
pub(super) const RATES: std::ops::RangeInclusive<u32> = 4_000..=192_000;

const PCM: u16 = 1;
const FLOAT: u16 = 3;
const A_LAW: u16 = 6;
const MU_LAW: u16 = 7;
const EXTENSIBLE: u16 = 0xFFFE;
/// The last fourteen bytes of every sub-format that stands for a format tag.
const SUBFORMAT_TAIL: [u8; 14] = [0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xAA, 0, 0x38, 0x9B, 0x71];

/// How one sample lies in the data chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sample {
    /// Unsigned, 128 is zero.
    U8,
    /// Two bytes.
    S16,
    /// Three bytes.
    S24,
    /// The low three of four bytes.
    S24Low,
    /// Four bytes.
    S32,
    /// IEEE float.
    F32,
    /// IEEE double.
    F64,
    /// G.711 A-law.
    ALaw,
    /// G.711 mu-law.
    MuLaw,
}

impl Sample {
    /// Bytes a sample takes.
    pub fn bytes(self) -> usize {
        match self {
            Sample::U8 | Sample::ALaw | Sample::MuLaw => 1,
            Sample::S16 => 2,
            Sample::S24 => 3,
            Sample::S24Low | Sample::S32 | Sample::F32 => 4,
            Sample::F64 => 8,
        }
    }

    fn codec(self) -> &'static str {
        match self {
            Sample::U8 => "pcm_u8",
            Sample::S16 => "pcm_s16",
            Sample::S24 | Sample::S24Low => "pcm_s24",
            Sample::S32 => "pcm_s32",
            Sample::F32 => "pcm_f32",
            Sample::F64 => "pcm_f64",
            Sample::ALaw => "alaw",
            Sample::MuLaw => "mulaw",
        }
    }
}

/// What a format chunk stands for.
#[derive(Debug)]
pub(super) enum Coding {
    /// Samples of a fixed size, which are converted here.
    Samples(Sample, AudioFormat),
    /// ADPCM, which goes to the packet decoder.
    Adpcm,
}

/// The fields of the chunk, as they are written.
#[derive(Clone, Copy, Debug)]
struct Fields {
    tag: u16,
    channels: u16,
    rate: u32,
    byte_rate: u32,
    block_align: u16,
    bits: u16,
    valid_bits: u16,
}

/// Reads and validates the content of a format chunk.
pub(super) fn parse(path: &Path, container: Container, chunk: &[u8]) -> Result<Coding> {
    let fields = Fields::read(path, chunk)?;
    match fields.tag {
        PCM | FLOAT | A_LAW | MU_LAW => {}
        2 | 0x11 => return Ok(Coding::Adpcm),
        tag => return Err(unsupported(path, codec_name(tag), "PCM, float, A-law, mu-law or ADPCM")),
    }
    fields.check_ranges(path)?;
    fields.check_sizes(path)?;
    let sample = match (fields.tag, fields.bits) {
        (A_LAW, 8) => Sample::ALaw,
        (MU_LAW, 8) => Sample::MuLaw,
        (A_LAW | MU_LAW, bits) => return Err(unsupported(path, format!("G.711 of {bits} bits"), "8 bits")),
        (FLOAT, 64) => Sample::F64,
        _ => by_hound(path, &fields, chunk)?,
    };
    let size = fields.block_align / fields.channels;
    if usize::from(size) != sample.bytes() {
        let found = format!("{} bits in {size} bytes a sample", fields.bits);
        return Err(unsupported(path, found, "8, 16, 24 or 32 bits, 24 of them in 3 or 4 bytes"));
    }
    let format = AudioFormat {
        container,
        codec: sample.codec().into(),
        sample_rate_hz: fields.rate,
        channels: fields.channels,
        bits_per_sample: Some(fields.valid_bits),
    };
    Ok(Coding::Samples(sample, format))
}

/// Lets hound judge the chunk and takes the sample layout from its answer.
fn by_hound(path: &Path, fields: &Fields, chunk: &[u8]) -> Result<Sample> {
    let reader = hound::WavReader::new(Cursor::new(canonical_header(chunk))).map_err(|error| match error {
        hound::Error::Unsupported => {
            unsupported(path, format!("{} of {} bits", codec_name(fields.tag), fields.bits), "PCM or float")
        }
        error => malformed(path, format!("a fmt chunk of {} bytes ({error})", chunk.len()), "a valid fmt chunk"),
    })?;
    let spec = reader.spec();
    match (spec.sample_format, fields.bits, fields.block_align / fields.channels) {
        (hound::SampleFormat::Int, 8, 1) => Ok(Sample::U8),
        (hound::SampleFormat::Int, 16, 2) => Ok(Sample::S16),
        (hound::SampleFormat::Int, 24, 3) => Ok(Sample::S24),
        (hound::SampleFormat::Int, 24, 4) => Ok(Sample::S24Low),
        (hound::SampleFormat::Int, 32, 4) => Ok(Sample::S32),
        (hound::SampleFormat::Float, 32, 4) => Ok(Sample::F32),
        (kind, bits, size) => {
            let kind = if kind == hound::SampleFormat::Int { "integers" } else { "floats" };
            let found = format!("{kind} of {bits} bits in {size} bytes a sample");
            Err(unsupported(path, found, "integers of 8, 16, 24 or 32 bits or floats of 32 or 64"))
        }
    }
}

/// A RIFF header of the file's own format chunk and an empty data chunk. Bytes that the format leaves to
/// the writer (an extension behind PCM or float, a longer one behind WAVEFORMATEXTENSIBLE) are left out.
fn canonical_header(chunk: &[u8]) -> Vec<u8> {
    let extensible = u16_at(chunk, 0) == Some(EXTENSIBLE);
    let mut body = chunk.get(..if extensible { 40 } else { 16 }).unwrap_or(chunk).to_vec();
    if extensible && u16_at(chunk, 16).is_some_and(|extension| extension > 22) {
        body.splice(16..18, 22u16.to_le_bytes());
    }
    let mut header = b"RIFF".to_vec();
    header.extend((body.len() as u32 + 20).to_le_bytes());
    header.extend(b"WAVEfmt ");
    header.extend((body.len() as u32).to_le_bytes());
    header.extend(body);
    header.extend(b"data\0\0\0\0");
    header
}

impl Fields {
    fn read(path: &Path, chunk: &[u8]) -> Result<Fields> {
        Self::plain(chunk)
            .ok_or_else(|| malformed(path, format!("a fmt chunk of {} bytes", chunk.len()), "at least 16 bytes"))?
            .extended(path, chunk)
    }

    fn plain(chunk: &[u8]) -> Option<Fields> {
        let bits = u16_at(chunk, 14)?;
        Some(Fields {
            tag: u16_at(chunk, 0)?,
            channels: u16_at(chunk, 2)?,
            rate: u32_at(chunk, 4)?,
            byte_rate: u32_at(chunk, 8)?,
            block_align: u16_at(chunk, 12)?,
            bits,
            valid_bits: bits,
        })
    }

    /// Puts the sub-format of WAVEFORMATEXTENSIBLE in the place of the tag.
    fn extended(mut self, path: &Path, chunk: &[u8]) -> Result<Fields> {
        if self.tag != EXTENSIBLE {
            return Ok(self);
        }
        let (Some(valid), Some(tag), Some(tail)) = (u16_at(chunk, 18), u16_at(chunk, 24), chunk.get(26..40)) else {
            let found = format!("an extensible fmt chunk of {} bytes", chunk.len());
            return Err(malformed(path, found, "at least 40 bytes"));
        };
        if tail != SUBFORMAT_TAIL {
            return Err(unsupported(path, "an extensible sub-format of its own", "PCM, float, A-law or mu-law"));
        }
        if valid > self.bits {
            let found = format!("{valid} valid bits in samples of {} bits", self.bits);
            return Err(malformed(path, found, "no more valid bits than bits"));
        }
        self.tag = tag;
        self.valid_bits = if valid == 0 { self.bits } else { valid };
        Ok(self)
    }

    fn check_ranges(&self, path: &Path) -> Result<()> {
        if self.channels == 0 {
            return Err(malformed(path, "0 channels", "1 to 8 channels"));
        }
        if self.rate == 0 {
            return Err(malformed(path, "a sampling rate of 0 Hz", "4000 to 192000 Hz"));
        }
        check_ranges(path, self.rate, usize::from(self.channels))
    }

    fn check_sizes(&self, path: &Path) -> Result<()> {
        if self.bits == 0 || !self.bits.is_multiple_of(8) {
            return Err(unsupported(path, format!("samples of {} bits", self.bits), "8, 16, 24, 32 or 64 bits"));
        }
        let least = u32::from(self.channels) * u32::from(self.bits) / 8;
        if !self.block_align.is_multiple_of(self.channels) || u32::from(self.block_align) < least {
            let found =
                format!("{} bytes a frame for {} channels of {} bits", self.block_align, self.channels, self.bits);
            return Err(malformed(path, found, format!("{least} bytes a frame")));
        }
        let byte_rate = u64::from(self.rate) * u64::from(self.block_align);
        if u64::from(self.byte_rate) != byte_rate {
            let found = format!("a byte rate of {}", self.byte_rate);
            let expected = format!("{byte_rate}, which is {} Hz times {} bytes a frame", self.rate, self.block_align);
            return Err(malformed(path, found, expected));
        }
        Ok(())
    }
}

/// Refuses rates and numbers of channels outside the supported ranges.
pub(super) fn check_ranges(path: &Path, rate: u32, channels: usize) -> Result<()> {
    if !u16::try_from(channels).is_ok_and(|channels| CHANNELS.contains(&channels)) {
        return Err(unsupported(path, format!("{channels} channels"), "1 to 8 channels"));
    }
    if !RATES.contains(&rate) {
        return Err(unsupported(path, format!("a sampling rate of {rate} Hz"), "4000 to 192000 Hz"));
    }
    Ok(())
}

/// The usual name of a format tag.
pub(super) fn codec_name(tag: u16) -> String {
    match tag {
        PCM => "PCM".into(),
        FLOAT => "IEEE float".into(),
        0x02 => "MS ADPCM".into(),
        0x11 => "IMA ADPCM".into(),
        0x31 => "GSM 6.10 in WAV".into(),
        0x45 | 0x64 => "G.726 ADPCM in WAV".into(),
        0x50 => "MPEG layer 1 or 2 in WAV".into(),
        0x55 => "MP3 in WAV".into(),
        0x65 | 0x28F => "G.722 in WAV".into(),
        0xFF | 0x1600 | 0x1610 => "AAC in WAV".into(),
        0x160..=0x163 => "Windows Media Audio in WAV".into(),
        tag => format!("a WAV codec with the tag 0x{tag:04X}"),
    }
}

pub(super) fn malformed(path: &Path, found: impl Into<String>, expected: impl Into<String>) -> Error {
    ErrorKind::Malformed { path: path.into(), found: found.into(), expected: expected.into() }.into()
}

pub(super) fn unsupported(path: &Path, found: impl Into<String>, expected: impl Into<String>) -> Error {
    ErrorKind::Unsupported { path: path.into(), found: found.into(), expected: expected.into() }.into()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A format chunk of 16 bytes whose dependent fields are right.
    pub fn plain(tag: u16, channels: u16, rate: u32, bits: u16) -> Vec<u8> {
        let align = channels.wrapping_mul(bits / 8);
        let mut out = tag.to_le_bytes().to_vec();
        out.extend(channels.to_le_bytes());
        out.extend(rate.to_le_bytes());
        out.extend(rate.wrapping_mul(u32::from(align)).to_le_bytes());
        out.extend(align.to_le_bytes());
        out.extend(bits.to_le_bytes());
        out
    }

    /// An extensible format chunk of 40 bytes.
    pub fn extensible(tag: u16, channels: u16, rate: u32, bits: u16, valid: u16) -> Vec<u8> {
        let mut out = plain(EXTENSIBLE, channels, rate, bits);
        out.extend(22u16.to_le_bytes());
        out.extend(valid.to_le_bytes());
        out.extend(3u32.to_le_bytes());
        out.extend(tag.to_le_bytes());
        out.extend(SUBFORMAT_TAIL);
        out
    }

    fn parsed(chunk: &[u8]) -> Result<(Sample, AudioFormat)> {
        match parse(Path::new("x.wav"), Container::Wav, chunk)? {
            Coding::Samples(sample, format) => Ok((sample, format)),
            Coding::Adpcm => panic!("samples of a fixed size"),
        }
    }

    #[test]
    fn every_supported_layout_is_recognised() {
        let cases = [
            (plain(PCM, 1, 8000, 8), Sample::U8, "pcm_u8", 8),
            (plain(PCM, 2, 44100, 16), Sample::S16, "pcm_s16", 16),
            (plain(PCM, 8, 192_000, 24), Sample::S24, "pcm_s24", 24),
            (plain(PCM, 1, 4000, 32), Sample::S32, "pcm_s32", 32),
            (plain(FLOAT, 1, 16000, 32), Sample::F32, "pcm_f32", 32),
            (plain(FLOAT, 1, 16000, 64), Sample::F64, "pcm_f64", 64),
            (plain(A_LAW, 1, 8000, 8), Sample::ALaw, "alaw", 8),
            (plain(MU_LAW, 1, 8000, 8), Sample::MuLaw, "mulaw", 8),
            (extensible(PCM, 2, 48000, 16, 16), Sample::S16, "pcm_s16", 16),
            (extensible(PCM, 2, 48000, 16, 0), Sample::S16, "pcm_s16", 16),
            (extensible(PCM, 2, 48000, 24, 20), Sample::S24, "pcm_s24", 20),
            (extensible(PCM, 2, 48000, 32, 24), Sample::S32, "pcm_s32", 24),
            (extensible(FLOAT, 2, 48000, 32, 32), Sample::F32, "pcm_f32", 32),
            (extensible(FLOAT, 2, 48000, 64, 64), Sample::F64, "pcm_f64", 64),
            (extensible(A_LAW, 1, 8000, 8, 8), Sample::ALaw, "alaw", 8),
            (extensible(MU_LAW, 1, 8000, 8, 8), Sample::MuLaw, "mulaw", 8),
        ];
        for (chunk, sample, codec, bits) in cases {
            let (got, format) = parsed(&chunk).unwrap();
            assert_eq!((got, format.codec.as_str(), format.bits_per_sample), (sample, codec, Some(bits)));
        }
    }

    #[test]
    fn lengths_of_16_18_20_and_40_bytes_are_taken() {
        for tag in [PCM, A_LAW, MU_LAW] {
            for len in [16, 18, 20, 40] {
                let mut chunk = plain(tag, 1, 8000, 8);
                chunk.resize(len, 0);
                assert!(parsed(&chunk).is_ok(), "tag {tag}, {len} bytes");
            }
        }
        let mut chunk = plain(PCM, 1, 8000, 32);
        chunk.resize(18, 0);
        assert!(parsed(&chunk).is_ok());
        let mut chunk = extensible(PCM, 2, 48000, 16, 16);
        chunk[16] = 24;
        chunk.resize(42, 0);
        assert!(parsed(&chunk).is_ok());
    }

    #[test]
    fn adpcm_goes_elsewhere() {
        for tag in [2, 0x11] {
            assert!(matches!(parse(Path::new("x.wav"), Container::Wav, &plain(tag, 1, 8000, 4)), Ok(Coding::Adpcm)));
        }
    }

    #[test]
    fn refusals_say_what_was_found_and_expected() {
        let patched = |at: usize, value: u8| {
            let mut chunk = plain(PCM, 2, 16000, 16);
            chunk[at] = value;
            chunk
        };
        let mut foreign = extensible(PCM, 2, 48000, 16, 16);
        foreign[30] = 9;
        let cases: Vec<(Vec<u8>, &str)> = vec![
            (vec![1, 0, 1], "found a fmt chunk of 3 bytes, expected at least 16 bytes"),
            (patched(2, 0), "found 0 channels, expected 1 to 8 channels"),
            (plain(PCM, 9, 16000, 16), "found 9 channels, expected 1 to 8 channels"),
            (plain(PCM, 1, 0, 16), "found a sampling rate of 0 Hz, expected 4000 to 192000 Hz"),
            (plain(PCM, 1, 3999, 16), "found a sampling rate of 3999 Hz, expected 4000 to 192000 Hz"),
            (plain(PCM, 1, 192_001, 16), "found a sampling rate of 192001 Hz, expected 4000 to 192000 Hz"),
            (patched(12, 3), "found 3 bytes a frame for 2 channels of 16 bits, expected 4 bytes a frame"),
            (patched(12, 2), "found 2 bytes a frame for 2 channels of 16 bits, expected 4 bytes a frame"),
            (patched(8, 1), "found a byte rate of 64001"),
            (patched(14, 13), "found samples of 13 bits, expected 8, 16, 24, 32 or 64 bits"),
            (patched(14, 0), "found samples of 0 bits"),
            (patched(14, 8), "found integers of 8 bits in 2 bytes a sample"),
            (plain(PCM, 1, 16000, 64), "found integers of 64 bits in 8 bytes a sample"),
            (
                plain(FLOAT, 1, 16000, 16),
                "found a fmt chunk of 16 bytes (Ill-formed WAVE file: bits per sample is not 32)",
            ),
            (plain(A_LAW, 1, 16000, 16), "found G.711 of 16 bits, expected 8 bits"),
            (plain(0x55, 1, 16000, 16), "found MP3 in WAV, expected PCM"),
            (plain(0x7777, 1, 16000, 16), "found a WAV codec with the tag 0x7777"),
            (extensible(PCM, 2, 48000, 16, 24), "found 24 valid bits in samples of 16 bits"),
            (extensible(PCM, 2, 48000, 16, 16)[..30].to_vec(), "found an extensible fmt chunk of 30 bytes"),
            (foreign, "found an extensible sub-format of its own"),
        ];
        for (chunk, message) in cases {
            let error = parsed(&chunk).unwrap_err().to_string();
            assert!(error.contains(message), "{error}");
        }
    }
}
