//! WAVE files of fixed-size samples, in any of the three containers, converted in bulk.
//!
//! [`super::chunks`] says where the sound lies and [`super::fmt`] how a sample looks; what remains is to read big
//! blocks and to turn them into floats at the speed of memory.

use super::chunks::{self, Chunks, fill};
use super::fmt::{self, Coding, Sample};
use super::law;
use crate::audio::input::Input;
use crate::audio::{AudioFormat, Container, Warning};
use crate::error::{ErrorKind, IoContext, Result};
use std::io::{Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// Bytes read at a time, at most.
const BLOCK_BYTES: usize = 64 * 1024;

/// An open WAVE file.
pub(super) struct Wav {
    path: PathBuf,
    file: Input,
    format: AudioFormat,
    sample: Sample,
    /// Bytes of whole frames that are still to be read.
    remaining: u64,
    frames: u64,
    declared: u64,
    bytes: Vec<u8>,
    warnings: Vec<Warning>,
}

/// What opening a WAVE file can lead to.
pub(super) enum Opened {
    /// The file is read here.
    Wav(Wav),
    /// The file holds ADPCM and goes to the packet decoder.
    Adpcm(Input),
}

impl Wav {
    /// Reads the headers of `file`.
    pub fn open(path: &Path, mut file: Input, container: Container, file_len: u64) -> Result<Opened> {
        let chunks = chunks::walk(path, &mut file, container, file_len)?;
        let (sample, format) = match fmt::parse(path, container, &chunks.fmt)? {
            Coding::Samples(sample, format) => (sample, format),
            Coding::Adpcm if container == Container::Wav => return Ok(Opened::Adpcm(file)),
            Coding::Adpcm => {
                return Err(fmt::unsupported(path, format!("ADPCM in {container}"), "ADPCM in plain WAV only"));
            }
        };
        let frame = frame_bytes(sample, &format) as u64;
        let frames = chunks.found / frame;
        if frames == 0 {
            let found = format!("{} bytes of sound, less than one frame of {frame}", chunks.found);
            return Err(ErrorKind::NoAudio { path: path.into(), found }.into());
        }
        file.seek(SeekFrom::Start(chunks.data_offset)).at(path, "read")?;
        let remaining = frames * frame;
        let warnings = length_warning(&chunks, remaining).into_iter().collect();
        let bytes = vec![0; BLOCK_BYTES - BLOCK_BYTES % frame_bytes(sample, &format)];
        let declared = chunks.declared;
        Ok(Opened::Wav(Wav { path: path.into(), file, format, sample, remaining, frames, declared, bytes, warnings }))
    }

    /// What the header says of the sound.
    pub fn format(&self) -> &AudioFormat {
        &self.format
    }

    /// Remarks so far.
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// The number of frames.
    pub fn frames(&self) -> u64 {
        self.frames
    }

    /// Replaces `block` by the next samples; false at the end.
    pub fn next_block(&mut self, block: &mut Vec<f32>) -> Result<bool> {
        block.clear();
        let frame = frame_bytes(self.sample, &self.format);
        let want = usize::try_from(self.remaining).unwrap_or(usize::MAX).min(self.bytes.len());
        let Some(bytes) = self.bytes.get_mut(..want) else { return Ok(false) };
        let got = fill(&mut self.file, bytes).at(&self.path, "read")?;
        let whole = got - got % frame;
        self.remaining -= want as u64;
        if got < want {
            // The file has become shorter since it was opened.
            let found = (self.frames * frame as u64) - self.remaining - (want - whole) as u64;
            self.warnings.retain(|warning| !matches!(warning, Warning::Truncated { .. }));
            self.warnings.push(Warning::Truncated { declared_bytes: self.declared, found_bytes: found });
            self.remaining = 0;
        }
        convert(self.sample, bytes.get(..whole).unwrap_or_default(), block);
        Ok(!block.is_empty())
    }
}

fn frame_bytes(sample: Sample, format: &AudioFormat) -> usize {
    sample.bytes() * usize::from(format.channels)
}

fn length_warning(chunks: &Chunks, found_bytes: u64) -> Option<Warning> {
    let declared_bytes = chunks.declared;
    if chunks.length_unknown {
        Some(Warning::LengthUnknown { declared_bytes, found_bytes })
    } else if found_bytes < declared_bytes {
        Some(Warning::Truncated { declared_bytes, found_bytes })
    } else {
        None
    }
}

/// Appends the samples in `bytes` to `block`, full scale ±1.
fn convert(sample: Sample, bytes: &[u8], block: &mut Vec<f32>) {
    /// 2^-31: the scale of numbers whose sign is the highest of 32 bits.
    const TOP: f32 = 1.0 / 2_147_483_648.0;
    match sample {
        Sample::U8 => block.extend(bytes.iter().map(|&byte| (f32::from(byte) - 128.0) / 128.0)),
        Sample::ALaw => block.extend(bytes.iter().map(|&byte| law::A_LAW[usize::from(byte)])),
        Sample::MuLaw => block.extend(bytes.iter().map(|&byte| law::MU_LAW[usize::from(byte)])),
        Sample::S16 => block.extend(each(bytes).map(|raw| f32::from(i16::from_le_bytes(raw)) / 32768.0)),
        Sample::S24 => block.extend(each(bytes).map(|[a, b, c]| i32::from_le_bytes([0, a, b, c]) as f32 * TOP)),
        Sample::S24Low => block.extend(each(bytes).map(|[a, b, c, _]| i32::from_le_bytes([0, a, b, c]) as f32 * TOP)),
        Sample::S32 => block.extend(each(bytes).map(|raw| i32::from_le_bytes(raw) as f32 * TOP)),
        Sample::F32 => block.extend(each(bytes).map(f32::from_le_bytes)),
        Sample::F64 => block.extend(each(bytes).map(|raw| f64::from_le_bytes(raw) as f32)),
    }
}

/// The whole groups of `N` bytes.
fn each<const N: usize>(bytes: &[u8]) -> impl ExactSizeIterator<Item = [u8; N]> {
    bytes.as_chunks::<N>().0.iter().copied()
}

#[cfg(test)]
mod tests {
    use super::super::chunks::tests::{chunk, file, riff, w64, w64_chunk};
    use super::super::fmt::tests::{extensible, plain};
    use super::*;

    fn open(container: Container, bytes: &[u8]) -> Result<Wav> {
        match Wav::open(Path::new("x.wav"), file(bytes), container, bytes.len() as u64)? {
            Opened::Wav(wav) => Ok(wav),
            Opened::Adpcm(_) => panic!("fixed-size samples"),
        }
    }

    fn read(container: Container, bytes: &[u8]) -> Result<(Vec<f32>, Vec<Warning>)> {
        let mut wav = open(container, bytes)?;
        let (mut all, mut block) = (Vec::new(), Vec::new());
        while wav.next_block(&mut block)? {
            assert!(block.len() <= 65536);
            all.extend(&block);
        }
        assert!(block.is_empty());
        Ok((all, wav.warnings().to_vec()))
    }

    fn samples(fmt: Vec<u8>, data: &[u8]) -> Vec<f32> {
        let (samples, warnings) = read(Container::Wav, &riff(&[chunk(b"fmt ", &fmt), chunk(b"data", data)])).unwrap();
        assert_eq!(warnings, []);
        samples
    }

    #[test]
    fn every_width_gives_its_literal_values() {
        assert_eq!(samples(plain(1, 1, 8000, 8), &[0, 128, 255, 192]), [-1.0, 0.0, 127.0 / 128.0, 0.5]);
        let s16: Vec<u8> = [-32768i16, 0, 1, 16384, 32767].iter().flat_map(|v| v.to_le_bytes()).collect();
        assert_eq!(samples(plain(1, 1, 8000, 16), &s16), [-1.0, 0.0, 1.0 / 32768.0, 0.5, 32767.0 / 32768.0]);
        let s24 = [0, 0, 0x80, 1, 0, 0, 0, 0, 0x40, 0xFF, 0xFF, 0xFF];
        let full = 8_388_608.0;
        assert_eq!(samples(plain(1, 1, 8000, 24), &s24), [-1.0, 1.0 / full, 0.5, -1.0 / full]);
        let s32: Vec<u8> = [i32::MIN, 0, 1 << 30, 1].iter().flat_map(|v| v.to_le_bytes()).collect();
        assert_eq!(samples(plain(1, 2, 8000, 32), &s32), [-1.0, 0.0, 0.5, 1.0 / 2_147_483_648.0]);
        let f32s: Vec<u8> = [-1.5f32, 0.25].iter().flat_map(|v| v.to_le_bytes()).collect();
        assert_eq!(samples(plain(3, 1, 8000, 32), &f32s), [-1.5, 0.25]);
        let f64s: Vec<u8> = [-1.5f64, 0.25].iter().flat_map(|v| v.to_le_bytes()).collect();
        assert_eq!(samples(plain(3, 1, 8000, 64), &f64s), [-1.5, 0.25]);
        assert_eq!(samples(plain(6, 1, 8000, 8), &[0xD5, 0xAA]), [8.0 / 32768.0, 32256.0 / 32768.0]);
        assert_eq!(samples(plain(7, 1, 8000, 8), &[0xFF, 0x00]), [0.0, -32124.0 / 32768.0]);
    }

    #[test]
    fn twenty_four_bits_in_thirty_two_follow_the_chunk() {
        // Left-justified: a container of 32 bits with 24 valid ones.
        let left = [0, 0, 0, 0x80, 0, 0, 0, 0x40];
        assert_eq!(samples(extensible(1, 1, 8000, 32, 24), &left), [-1.0, 0.5]);
        // Right-justified: 24 bits in four bytes a channel; the highest byte is not read.
        let mut fmt = plain(1, 1, 8000, 24);
        fmt[8..12].copy_from_slice(&32000u32.to_le_bytes());
        fmt[12] = 4;
        let right = [0, 0, 0x80, 0xFF, 0, 0, 0x40, 0];
        assert_eq!(samples(fmt, &right), [-1.0, 0.5]);
    }

    #[test]
    fn rf64_and_w64_hold_the_same_sound() {
        let (fmt, data) = (plain(1, 1, 16000, 16), [0, 0x40, 0, 0x80]);
        let mut ds64 = 0u64.to_le_bytes().to_vec();
        ds64.extend(4u64.to_le_bytes());
        ds64.extend([0; 12]);
        let mut rf64 = riff(&[chunk(b"ds64", &ds64), chunk(b"fmt ", &fmt), chunk(b"data", &data)]);
        let at = rf64.len() - 8;
        rf64[at..at + 4].copy_from_slice(&[0xFF; 4]);
        assert_eq!(read(Container::Rf64, &rf64).unwrap(), (vec![0.5, -1.0], vec![]));
        let w64 = w64(&[w64_chunk(b"fmt ", &fmt), w64_chunk(b"data", &data)]);
        assert_eq!(read(Container::W64, &w64).unwrap(), (vec![0.5, -1.0], vec![]));
    }

    #[test]
    fn lies_about_the_length_become_warnings() {
        let mut bytes = riff(&[chunk(b"fmt ", &plain(1, 2, 16000, 16)), chunk(b"data", &[0x91; 10])]);
        let found_bytes = 8;
        for declared in [0u32, u32::MAX] {
            bytes[40..44].copy_from_slice(&declared.to_le_bytes());
            let declared_bytes = u64::from(declared);
            let (samples, warnings) = read(Container::Wav, &bytes).unwrap();
            assert_eq!(samples.len(), 4);
            assert_eq!(warnings, [Warning::LengthUnknown { declared_bytes, found_bytes }]);
        }
        for declared in [10u32, 400, 0x7FFF_FFFF] {
            bytes[40..44].copy_from_slice(&declared.to_le_bytes());
            let declared_bytes = u64::from(declared);
            let (samples, warnings) = read(Container::Wav, &bytes).unwrap();
            assert_eq!(samples.len(), 4);
            assert_eq!(warnings, [Warning::Truncated { declared_bytes, found_bytes }]);
        }
        bytes[40..44].copy_from_slice(&3u32.to_le_bytes());
        let error = read(Container::Wav, &bytes).unwrap_err();
        assert!(error.to_string().contains("found 3 bytes of sound, less than one frame of 4"), "{error}");
    }

    #[test]
    fn long_files_come_in_blocks_of_whole_frames() {
        let data: Vec<u8> = (0..100_002u32).flat_map(|v| (v as u16).to_le_bytes()).collect();
        let bytes = riff(&[chunk(b"fmt ", &plain(1, 3, 16000, 16)), chunk(b"data", &data), chunk(b"LIST", b"x")]);
        let (samples, warnings) = read(Container::Wav, &bytes).unwrap();
        assert_eq!((samples.len(), warnings.len()), (100_002, 0));
        assert!(samples.iter().enumerate().all(|(v, got)| *got == f32::from(v as u16 as i16) / 32768.0));
        let mut wav = open(Container::Wav, &bytes).unwrap();
        let mut block = Vec::new();
        assert!(wav.next_block(&mut block).unwrap());
        assert_eq!((block.len() % 3, wav.frames()), (0, 33_334));
    }

    #[test]
    fn a_file_cut_after_opening_is_a_warning() {
        let data = vec![1; 200_000];
        let bytes = riff(&[chunk(b"fmt ", &plain(1, 1, 16000, 16)), chunk(b"data", &data)]);
        let mut wav = open(Container::Wav, &bytes).unwrap();
        let Input::File(file) = &wav.file else { panic!("no file") };
        file.set_len(100_001).unwrap();
        let (mut count, mut block) = (0, Vec::new());
        while wav.next_block(&mut block).unwrap() {
            count += block.len();
        }
        assert_eq!(count, (100_001 - 44) / 2);
        let found_bytes = count as u64 * 2;
        assert_eq!(wav.warnings(), [Warning::Truncated { declared_bytes: 200_000, found_bytes }]);
    }
}
