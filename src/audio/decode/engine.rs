//! Demuxer and decoder of one audio track, behind one call that hands out the next packet's samples.
//!
//! Everything that is called here was written elsewhere and reads bytes that anyone may have written. A panic in it
//! is caught at [`guard`] and becomes a value.

use super::opus::{self, Opus};
use super::vorbis;
use crate::audio::{AudioFormat, Container};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use symphonia::core::codecs::CodecParameters;
use symphonia::core::codecs::audio::well_known::{
    CODEC_ID_AC3, CODEC_ID_EAC3, CODEC_ID_OPUS, CODEC_ID_SPEEX, CODEC_ID_VORBIS,
};
use symphonia::core::codecs::audio::{AudioCodecParameters, AudioDecoder, AudioDecoderOptions};
use symphonia::core::errors::{Error as Fault, Result as Outcome};
use symphonia::core::formats::probe::ProbeableFormat;
use symphonia::core::formats::{FormatOptions, FormatReader, Track};
use symphonia::core::io::MediaSourceStream;
use symphonia::core::packet::Packet;
use symphonia::core::units::TimeBase;
use symphonia::default::formats as demuxers;
use symphonia::default::get_codecs;

/// A demuxer and the decoder of the track that was chosen.
pub(super) struct Engine {
    demuxer: Box<dyn FormatReader>,
    codec: Codec,
    track: u32,
    time_base: Option<TimeBase>,
    /// Bytes of a packet that the demuxer keeps to itself.
    overhead: u64,
    /// Number of the track among the audio tracks, from 1.
    pub number: usize,
    /// Number of audio tracks that the demuxer knows.
    pub audio_tracks: usize,
    /// Bytes of the packets of all tracks so far.
    pub bytes: u64,
    /// Bytes of the largest packet.
    pub largest: u64,
    /// Sound that the decoder left out since the file says so, seconds.
    pub trimmed_s: f64,
    /// Frames that the demuxer says the track has.
    pub total: Option<u64>,
    /// True where that number is a count and not an estimate.
    pub counted: bool,
    /// Frames at the start that are no part of the sound and that the decoder does not drop itself.
    pub skip: u64,
    /// Frames behind which nothing is part of the sound, where the file says so.
    pub limit: Option<u64>,
    /// The samples of the last packet, interleaved.
    pub samples: Vec<f32>,
}

/// Frames of the longest packet that is believed; FLAC allows 65 535.
const FRAMES_MOST: u64 = 1 << 16;

/// Audio tracks that are tried, one after the other, until one can be decoded.
const TRACKS_MOST: usize = 16;
/// What can be decoded.
pub(super) const CODECS: &str = "PCM, FLAC, ALAC, MP3, AAC-LC, Vorbis, Opus or ADPCM";

enum Codec {
    General(Box<dyn AudioDecoder>),
    Opus(Box<Opus>),
}

/// Why no track can be read.
pub(super) enum Refusal {
    /// The demuxer or the decoder refused.
    Fault(Fault),
    /// There is no audio track.
    NoTrack,
    /// The audio tracks cannot be decoded: what was found and what can be.
    Codec(String, &'static str),
}

/// What the next packet was.
pub(super) enum Pulled {
    /// Samples, perhaps none, at a rate and with a number of channels.
    Samples(u32, usize),
    /// A packet of another track.
    Elsewhere,
    /// A packet that cannot be decoded.
    Damaged,
    /// The demuxer stumbled; it may find its feet again.
    Stumbled(String),
    /// The regular end.
    End,
    /// An end that is not regular.
    Broken(String),
    /// The operating system refused to read.
    Io(io::Error),
}

/// Calls `call`; a panic in it is nothing.
pub(super) fn guard<T>(call: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(call)).ok()
}

impl Engine {
    /// Opens an audio track by its number, from 1, or the first that can be decoded.
    pub fn open(
        stream: MediaSourceStream<'static>,
        container: Container,
        wanted: Option<usize>,
    ) -> Result<Engine, Refusal> {
        let demuxer = demuxer(stream, container).map_err(Refusal::Fault)?;
        let mut refused = None;
        let tracks = (1..).zip(demuxer.tracks().iter().filter_map(audio));
        let tracks = tracks.filter(|(number, _)| wanted.is_none_or(|wanted| wanted == *number));
        for (number, (track, params)) in tracks.take(TRACKS_MOST) {
            match Codec::new(params, container) {
                Ok(codec) => {
                    let (track, total) = (track.clone(), total_frames(&*demuxer, track, params));
                    let engine = Engine::new(demuxer, codec, &track, total, container);
                    return Ok(Engine { number, ..engine });
                }
                Err(found) => refused = refused.or(Some(found)),
            }
        }
        Err(refused.map_or(Refusal::NoTrack, |(found, expected)| Refusal::Codec(found, expected)))
    }

    fn new(
        demuxer: Box<dyn FormatReader>,
        codec: Codec,
        track: &Track,
        total: Option<u64>,
        container: Container,
    ) -> Engine {
        let caf = container == Container::Caf && (track.delay.is_some() || track.padding.is_some());
        let skip = match &codec {
            Codec::Opus(opus) => opus.pre_skip(),
            Codec::General(_) if caf => track.delay.unwrap_or(0).into(),
            Codec::General(_) => 0,
        };
        let limit = track.num_frames.filter(|_| caf);
        Engine {
            audio_tracks: demuxer.tracks().iter().filter_map(audio).count(),
            demuxer,
            codec,
            track: track.id,
            time_base: track.time_base,
            // ADTS: a header of 7 bytes, and 2 more where there is a checksum.
            overhead: if container == Container::Adts { 7 } else { 0 },
            number: 1,
            bytes: 0,
            largest: 0,
            trimmed_s: 0.0,
            total,
            counted: true,
            skip,
            limit,
            samples: Vec::new(),
        }
    }

    /// The format, with the rate and channels of the first packet.
    pub fn format(&self, container: Container, rate: u32, channels: u16) -> AudioFormat {
        let (codec, bits_per_sample) = match &self.codec {
            Codec::Opus(_) => ("opus".into(), None),
            Codec::General(decoder) => {
                let name = decoder.codec_info().short_name;
                let bits = decoder.codec_params().bits_per_sample.and_then(|bits| bits.try_into().ok());
                let exact = ["pcm", "flac", "alac"].iter().any(|prefix| name.starts_with(prefix));
                (short_name(name), bits.filter(|_| exact))
            }
        };
        AudioFormat { container, codec, sample_rate_hz: rate, channels, bits_per_sample }
    }

    /// Reads and decodes one packet.
    pub fn pull(&mut self) -> Pulled {
        self.samples.clear();
        let mut packet = match self.demuxer.next_packet() {
            Ok(Some(packet)) => packet,
            Ok(None) => return Pulled::End,
            Err(fault) => return from_demuxer(fault),
        };
        let bytes = packet.data.len() as u64 + self.overhead;
        self.bytes = self.bytes.saturating_add(bytes);
        self.largest = self.largest.max(bytes);
        if packet.track_id != self.track {
            return Pulled::Elsewhere;
        }
        self.forgive_short_count(&mut packet);
        let trimmed = packet.trim_start.saturating_add(packet.trim_end);
        let trimmed = self.time_base.and_then(|base| base.calc_duration(trimmed));
        self.trimmed_s += trimmed.map_or(0.0, |trimmed| trimmed.as_secs_f64());
        match &mut self.codec {
            Codec::General(decoder) => match decoder.decode(&packet) {
                Ok(buffer) => {
                    buffer.copy_to_vec_interleaved(&mut self.samples);
                    Pulled::Samples(buffer.spec().rate(), buffer.spec().channels().count())
                }
                Err(Fault::DecodeError(_) | Fault::IoError(_)) => Pulled::Damaged,
                Err(Fault::ResetRequired) => Pulled::Broken("the decoder would have to start anew".into()),
                Err(fault) => Pulled::Broken(fault.to_string()),
            },
            Codec::Opus(opus) => match opus.decode(&packet.data, &mut self.samples) {
                Ok(()) => {
                    let channels = usize::from(opus.channels());
                    let end = usize::try_from(packet.trim_end.get()).unwrap_or(usize::MAX);
                    let keep = self.samples.len().saturating_sub(end.saturating_mul(channels));
                    self.samples.truncate(keep);
                    Pulled::Samples(opus::RATE, channels)
                }
                Err(_) => Pulled::Damaged,
            },
        }
    }

    /// The demuxer of MPEG trims what lies beyond the announced end. Where the number is an estimate, or where files
    /// were joined and it counts the first of them only, that would cut sound away: what is trimmed there is kept.
    fn forgive_short_count(&self, packet: &mut Packet) {
        let Some(total) = self.total.and_then(|total| i64::try_from(total).ok()) else { return };
        if !self.counted || packet.pts.get() >= total.saturating_add(super::packet::TOLERANCE as i64) {
            packet.trim_end = Default::default();
        }
    }
}

/// A track with its parameters, where it is audio.
fn audio(track: &Track) -> Option<(&Track, &AudioCodecParameters)> {
    match &track.codec_params {
        Some(CodecParameters::Audio(params)) => Some((track, params)),
        _ => None,
    }
}

impl Codec {
    /// A decoder, or what was found and what can be decoded.
    fn new(params: &AudioCodecParameters, container: Container) -> Result<Codec, (String, &'static str)> {
        if params.codec == CODEC_ID_OPUS {
            let head = params.extra_data.as_deref().unwrap_or_default();
            // MP4 writes the numbers of the header with the high byte first, and the demuxer leaves them so.
            let swapped = (container == Container::Mp4).then(|| opus::swapped(head));
            let opus = Opus::new(swapped.as_deref().unwrap_or(head));
            return opus.map(|opus| Codec::Opus(Box::new(opus))).map_err(|found| (found, CODECS));
        }
        let name = match params.codec {
            CODEC_ID_SPEEX => "Speex".into(),
            CODEC_ID_AC3 | CODEC_ID_EAC3 => "AC-3".into(),
            codec => match get_codecs().get_audio_decoder(codec) {
                Some(known) => known.codec.info.short_name.to_owned(),
                None => format!("a codec with the number {codec}"),
            },
        };
        check_sizes(params)?;
        if params.codec == CODEC_ID_VORBIS {
            let headers = params.extra_data.as_deref().unwrap_or_default();
            vorbis::check(headers).map_err(|found| (found, "at most 65536 entries in one setup header"))?;
        }
        get_codecs()
            .make_audio_decoder(params, &AudioDecoderOptions::default())
            .map(Codec::General)
            .map_err(|fault| (format!("{name} ({fault})"), CODECS))
    }
}

/// Decoders reserve room for a whole packet by what the headers say: 4 GB and more in damaged files.
fn check_sizes(params: &AudioCodecParameters) -> Result<(), (String, &'static str)> {
    let channels = params.channels.as_ref().map_or(0, |channels| channels.count());
    if channels > usize::from(*super::fmt::CHANNELS.end()) {
        return Err((format!("{channels} channels"), "1 to 8 channels"));
    }
    match params.max_frames_per_packet {
        Some(frames) if frames > FRAMES_MOST => Err((format!("packets of {frames} frames"), "at most 65536 frames")),
        _ => Ok(()),
    }
}

fn demuxer(stream: MediaSourceStream<'static>, container: Container) -> Outcome<Box<dyn FormatReader>> {
    let options = FormatOptions::default();
    match container {
        Container::Wav | Container::Rf64 | Container::W64 => demuxers::WavReader::try_probe_new(stream, options),
        Container::Aiff => demuxers::AiffReader::try_probe_new(stream, options),
        Container::Caf => demuxers::CafReader::try_probe_new(stream, options),
        Container::Flac => demuxers::FlacReader::try_probe_new(stream, options),
        Container::Mp3 => demuxers::MpaReader::try_probe_new(stream, options),
        Container::Adts => demuxers::AdtsReader::try_probe_new(stream, options),
        Container::Ogg => demuxers::OggReader::try_probe_new(stream, options),
        Container::Mp4 => demuxers::IsoMp4Reader::try_probe_new(stream, options),
        Container::Mkv => demuxers::MkvReader::try_probe_new(stream, options),
    }
}

/// The frames the container announces for a track; for Matroska, which gives the time
/// of the longest track, only where there is no other.
fn total_frames(demuxer: &dyn FormatReader, track: &Track, params: &AudioCodecParameters) -> Option<u64> {
    // Opus is decoded at 48 kHz, whatever rate its headers speak of.
    let opus = params.codec == CODEC_ID_OPUS;
    if track.num_frames.is_some() && !opus {
        return track.num_frames;
    }
    let info = demuxer.media_info();
    let (base, duration) = match track.duration {
        Some(duration) => (track.time_base?, duration),
        None if demuxer.tracks().len() == 1 => (info.time_base?, info.duration?),
        None => return None,
    };
    let rate = if opus { opus::RATE } else { params.sample_rate? };
    Some((base.calc_duration(duration)?.as_secs_f64() * f64::from(rate)) as u64)
}

fn from_demuxer(fault: Fault) -> Pulled {
    match fault {
        Fault::IoError(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
            Pulled::Broken("the file ends in the middle of the stream".into())
        }
        Fault::IoError(error) if error.raw_os_error().is_some() => Pulled::Io(error),
        Fault::ResetRequired => Pulled::Broken("another stream begins behind the first".into()),
        Fault::DecodeError(_) => Pulled::Stumbled(fault.to_string()),
        fault => Pulled::Broken(fault.to_string()),
    }
}

/// The codec's word without what does not matter to a reader of the result.
fn short_name(name: &str) -> String {
    let name = if name.starts_with("pcm_") { name.trim_end_matches("le").trim_end_matches("be") } else { name };
    match name {
        "adpcm_ima_wav" | "adpcm_ima_qt" => "adpcm_ima",
        "pcm_alaw" => "alaw",
        "pcm_mulaw" => "mulaw",
        name => name,
    }
    .into()
}
