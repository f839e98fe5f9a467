//! A recording as a stream of mono samples at 16 kHz, whatever the file.
//!
//! [`Recording::open`] chooses the decoder; [`Recording::next`] hands out block after block, in memory that does not
//! depend on the length of the file; [`Recording::finish`] tells what was seen on the way. [`Waveform::read`] is the
//! convenience for clips that may lie in memory as a whole.

use super::SAMPLE_RATE_HZ;
use super::channel::{Channel, Mixer, Take};
use super::checked;
use super::coverage::{Coverage, Unheard};
use super::decode::Decoder;
use super::format::AudioFormat;
use super::input::{ClipSource, Input};
use super::resample::Resampler;
use super::sound::{Sound, SoundMeter};
use super::steady::Watch;
use super::warning::Warning;
use crate::error::{Error, ErrorKind, IoContext, Result};
use std::fs::File;
use std::io::Seek;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Which parts of the work a caller wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadOptions {
    /// The channel that is used.
    pub channel: Channel,
    /// The audio track that is read, from 1; none for the first that can be decoded.
    pub track: Option<usize>,
    /// Whether the SHA-256 of the file is computed. Then no other bytes are decoded than those that were hashed, and
    /// what was not heard of them is reported.
    pub hash: bool,
    /// Whether level, clipping and bandwidth are measured.
    pub measure: bool,
}

impl Default for ReadOptions {
    fn default() -> Self {
        ReadOptions { channel: Channel::Mix, track: None, hash: true, measure: true }
    }
}

/// A sound file being read.
pub struct Recording {
    path: PathBuf,
    decoder: Decoder,
    mixer: Mixer,
    resampler: Resampler,
    meter: Option<SoundMeter>,
    sha256: Option<String>,
    watch: Option<Watch>,
    /// Set where other bytes were read than those that were hashed.
    changed: Option<Arc<AtomicBool>>,
    block: Vec<f32>,
    mono: Vec<f32>,
    frames: u64,
    used_channel: Option<u16>,
    ended: bool,
}

/// What was seen of a recording, once it is read to its end.
pub(crate) struct Seen {
    pub format: AudioFormat,
    pub sha256: Option<String>,
    /// Frames at the file's own rate.
    pub frames: u64,
    /// Number of the one channel that was used, from 1; none for the mix of several.
    pub channel: Option<u16>,
    pub sound: Option<Sound>,
    pub warnings: Vec<Warning>,
    /// What was heard of the file and what was not; none where no hash was asked for.
    pub coverage: Option<Coverage>,
}

impl Recording {
    /// Opens a file and reads its header.
    ///
    /// # Errors
    /// Where the file cannot be opened, is no audio, breaks its format's rules, or lacks the channel asked for.
    pub fn open(path: &Path, options: &ReadOptions) -> Result<Self> {
        Self::of(&ClipSource::File(path.into()), options)
    }

    /// The same of a clip that may lie in memory.
    ///
    /// # Errors
    /// As for [`Recording::open`].
    pub fn of(clip: &ClipSource, options: &ReadOptions) -> Result<Self> {
        let path = clip.path();
        let mut file = clip.open()?;
        let (mut watch, mut sha256) = (None, None);
        if options.hash {
            watch = Watch::begin(path, &file)?;
            let (checked, hash) = checked::hashed(path, file)?;
            (file, sha256) = (checked, Some(hash));
        }
        let changed = match &file {
            Input::Checked(file) => Some(file.changed()),
            Input::File(_) | Input::Memory { .. } => None,
        };
        Self::decoding(path, file, options, sha256, watch)
            .map_err(|error| unless_changed(path, changed.as_ref(), error))
    }

    /// Opens the decoder of a clip that was hashed, where that was asked for.
    fn decoding(
        path: &Path,
        file: Input,
        options: &ReadOptions,
        sha256: Option<String>,
        watch: Option<Watch>,
    ) -> Result<Self> {
        let changed = match &file {
            Input::Checked(file) => Some(file.changed()),
            Input::File(_) | Input::Memory { .. } => None,
        };
        let decoder = Decoder::open_track(path, file.again(path)?, options.track)?;
        let channels = decoder.format().channels;
        let one = |number: u16| usize::from(number) - 1;
        let (decoder, take) = match options.channel {
            // A file with one channel is used as it is, whichever was asked for.
            _ if channels == 1 => (decoder, Take::One(0)),
            Channel::Mix => (decoder, Take::Mix),
            Channel::Number(number) if (1..=channels).contains(&number) => (decoder, Take::One(one(number))),
            Channel::Difference(a, b) if (1..=channels).contains(&a) && (1..=channels).contains(&b) => {
                (decoder, Take::Difference(one(a), one(b)))
            }
            Channel::Number(_) | Channel::Difference(..) => {
                let (found, expected) = (format!("{channels} channel(s)"), format!("channel {}", options.channel));
                return Err(ErrorKind::Unsupported { path: path.into(), found, expected }.into());
            }
            Channel::Loudest => {
                let loudest = loudest_channel(decoder)?;
                (Decoder::open_track(path, file, options.track)?, Take::One(loudest))
            }
        };
        let rate = decoder.format().sample_rate_hz;
        Ok(Recording {
            path: path.into(),
            mixer: Mixer::new(usize::from(channels), take),
            resampler: Resampler::new(rate, SAMPLE_RATE_HZ).map_err(|unserved| unserved.at(path))?,
            meter: options.measure.then(|| SoundMeter::new(rate)),
            sha256,
            watch,
            changed,
            block: Vec::new(),
            mono: Vec::new(),
            frames: 0,
            used_channel: match take {
                Take::One(channel) => Some(channel as u16 + 1),
                Take::Mix | Take::Difference(..) => None,
            },
            ended: false,
            decoder,
        })
    }

    /// What the header says.
    pub fn format(&self) -> &AudioFormat {
        self.decoder.format()
    }

    /// SHA-256 of the file, where it was asked for.
    pub(crate) fn sha256(&self) -> Option<&str> {
        self.sha256.as_deref()
    }

    /// The length that the file announces, seconds, where it does so and can be believed; for progress only.
    pub fn announced_s(&self) -> Option<f64> {
        let rate = f64::from(self.decoder.format().sample_rate_hz.max(1));
        self.decoder.announced_frames().map(|frames| frames as f64 / rate)
    }

    /// Replaces `out` by the next samples: mono, 16 kHz, full scale ±1. False once there are no more.
    ///
    /// # Errors
    /// Where the file cannot be read or is damaged beyond use, or holds no sound at all.
    pub fn next(&mut self, out: &mut Vec<f32>) -> Result<bool> {
        let more = self.decoded(out).map_err(|error| unless_changed(&self.path, self.changed.as_ref(), error))?;
        match self.changed.as_ref().is_some_and(|changed| changed.load(Ordering::Relaxed)) {
            true => Err(other_bytes(&self.path)),
            false => Ok(more),
        }
    }

    fn decoded(&mut self, out: &mut Vec<f32>) -> Result<bool> {
        out.clear();
        while out.is_empty() && !self.ended {
            if self.decoder.next_block(&mut self.block)? {
                self.mixer.mix(&mut self.block, &mut self.mono);
                self.frames += self.mono.len() as u64;
                if let Some(meter) = &mut self.meter {
                    meter.push(&self.mono);
                }
                self.resampler.push(&self.mono, out).map_err(|unserved| unserved.at(&self.path))?;
            } else {
                self.ended = true;
                self.resampler.finish(out).map_err(|unserved| unserved.at(&self.path))?;
            }
        }
        if self.ended && self.frames == 0 {
            return Err(ErrorKind::NoAudio { path: self.path.clone(), found: "no samples".into() }.into());
        }
        Ok(!out.is_empty())
    }

    /// Remarks on the recording; call it once [`next`](Recording::next) has answered false.
    ///
    /// # Errors
    /// Where more than one sample in a hundred is no finite number or beyond any sound, or the file was written to after
    /// it was hashed.
    pub fn warnings(self) -> Result<Vec<Warning>> {
        Ok(self.finish()?.warnings)
    }

    /// What was seen on the way; call it once [`next`](Recording::next) has answered false.
    pub(crate) fn finish(mut self) -> Result<Seen> {
        if let (Some(watch), Some(sha256)) = (self.watch, &self.sha256) {
            watch.end(&self.path, sha256)?;
        }
        let mut warnings = self.decoder.warnings().to_vec();
        let non_finite = self.mixer.non_finite();
        let samples = self.frames * u64::from(self.decoder.format().channels);
        if non_finite * 100 > samples {
            let found = format!("{non_finite} of {samples} samples that are no finite numbers, or beyond any sound");
            let expected = "samples between -1 and 1".into();
            return Err(ErrorKind::Malformed { path: self.path, found, expected }.into());
        }
        // Whoever does not ask which bytes were read does not ask whether they were all.
        let coverage = match &self.sha256 {
            Some(_) => Some(self.decoder.coverage(&self.path, self.mixer.distinct(), non_finite)?),
            None => None,
        };
        warnings.extend(coverage.iter().flat_map(not_heard));
        warnings.extend(self.mixer.warnings());
        let sound = self.meter.map(|meter| {
            let (sound, remarks) = meter.finish();
            warnings.extend(remarks);
            sound
        });
        Ok(Seen {
            format: self.decoder.format().clone(),
            sha256: self.sha256,
            frames: self.frames,
            channel: self.used_channel,
            sound,
            warnings,
            coverage,
        })
    }
}

/// A clip in memory: mono, 16 kHz, full scale ±1.
#[derive(Clone, Debug, PartialEq)]
pub struct Waveform {
    /// The samples.
    pub samples: Vec<f32>,
}

impl Waveform {
    /// Reads a whole file. For recordings of unknown length use [`Recording`].
    ///
    /// # Errors
    /// As for [`Recording::open`] and [`Recording::next`].
    pub fn read(path: &Path, channel: Channel) -> Result<Self> {
        Self::of(&ClipSource::File(path.into()), channel)
    }

    /// The same of a clip that may lie in memory.
    ///
    /// # Errors
    /// As for [`Waveform::read`].
    pub fn of(clip: &ClipSource, channel: Channel) -> Result<Self> {
        let options = ReadOptions { channel, hash: false, measure: false, ..ReadOptions::default() };
        let mut recording = Recording::of(clip, &options)?;
        let (mut samples, mut block) = (Vec::new(), Vec::new());
        while recording.next(&mut block)? {
            samples.extend_from_slice(&block);
        }
        recording.finish()?;
        Ok(Waveform { samples })
    }
}

/// SHA-256 of a whole file in lower-case hexadecimal.
///
/// # Errors
/// Where the file cannot be opened or read.
pub fn file_sha256(path: &Path) -> Result<String> {
    ClipSource::File(path.into()).sha256()
}

/// Opens a regular file; anything else (a folder, a pipe, a device without end) is refused without waiting for it.
pub(in crate::audio) fn open_regular(path: &Path) -> Result<File> {
    crate::regular_file::open_or(path, |found| {
        let found = if found == "a folder" { found } else { "a pipe or a device (save it to a file first)" };
        ErrorKind::NotAudio { path: path.into(), found: found.into() }.into()
    })
}

pub(super) fn sha256(path: &Path, file: &mut Input) -> Result<String> {
    file.rewind().at(path, "read")?;
    crate::hash::sha256(file).at(path, "read")
}

/// What a reader of the result should know of the rest of the file; what was lost has warnings of its own.
fn not_heard(coverage: &Coverage) -> Vec<Warning> {
    let tracks = coverage.tracks.saturating_sub(1);
    let tracks = (tracks > 0).then_some(Warning::OtherTracks { count: tracks });
    let unheard = coverage.unheard.iter().filter(|unheard| !matches!(unheard, Unheard::Damaged { .. }));
    tracks.into_iter().chain(unheard.map(|unheard| Warning::NotHeard { found: unheard.to_string() })).collect()
}

/// An error, or that other bytes were read than those that were hashed, where that is behind it.
fn unless_changed(path: &Path, changed: Option<&Arc<AtomicBool>>, error: Error) -> Error {
    if changed.is_some_and(|changed| changed.load(Ordering::Relaxed)) { other_bytes(path) } else { error }
}

fn other_bytes(path: &Path) -> Error {
    ErrorKind::Changed { path: path.into(), found: "other bytes than those that were hashed".into() }.into()
}

fn loudest_channel(mut decoder: Decoder) -> Result<usize> {
    let channels = usize::from(decoder.format().channels);
    let (mut mixer, mut block, mut mono) = (Mixer::new(channels, Take::Mix), Vec::new(), Vec::new());
    while decoder.next_block(&mut block)? {
        mixer.mix(&mut block, &mut mono);
    }
    Ok(mixer.loudest())
}
