//! Opus packets to samples at 48 kHz.
//!
//! The demuxer hands over packets and the identification header (`OpusHead`, RFC 7845 section 5.1); the header says
//! how many channels there are, how they lie in the packets, how many frames at the start are to be dropped and
//! which gain is to be applied. The decoder behind it is the crate `ruopus`.

use super::chunks::u16_at;
use ruopus::{MultistreamDecoder, OpusDecoder, PacketError};

/// The rate Opus is decoded at, Hz.
pub(super) const RATE: u32 = 48_000;

/// A decoder for one Opus track.
pub(super) struct Opus {
    streams: Streams,
    channels: u16,
    pre_skip: u16,
    gain: f32,
}

enum Streams {
    One(Box<OpusDecoder>),
    Many(Box<MultistreamDecoder>),
}

impl Opus {
    /// Sets the decoder up by the identification header; an error says what is wrong with it.
    pub fn new(head: &[u8]) -> Result<Opus, String> {
        let short = || format!("an OpusHead of {} bytes", head.len());
        let body = head.strip_prefix(b"OpusHead").ok_or("no OpusHead")?;
        let channels = u16::from(*body.get(1).ok_or_else(short)?);
        let pre_skip = u16_at(body, 2).ok_or_else(short)?;
        let gain = u16_at(body, 8).ok_or_else(short)? as i16;
        let family = *body.get(10).ok_or_else(short)?;
        let streams = match family {
            0 if channels == 1 || channels == 2 => {
                Streams::One(Box::new(OpusDecoder::with_rate(RATE, usize::from(channels))))
            }
            1 | 255 if (1..=8).contains(&channels) => {
                let (streams, coupled) = body.get(11).zip(body.get(12)).ok_or_else(short)?;
                let mapping = body.get(13..13 + usize::from(channels)).ok_or_else(short)?;
                let (streams, coupled) = (usize::from(*streams), usize::from(*coupled));
                let decoded = streams + coupled;
                let fits = |slot: &u8| *slot == 255 || usize::from(*slot) < decoded;
                // The decoder asserts these rules; more than twice eight decoded channels is no recording.
                if streams == 0 || coupled > streams || decoded > 16 || !mapping.iter().all(fits) {
                    return Err(format!(
                        "Opus of {channels} channels from {streams} streams, {coupled} of them coupled"
                    ));
                }
                Streams::Many(Box::new(MultistreamDecoder::with_rate(RATE, streams, coupled, mapping)))
            }
            _ => return Err(format!("Opus of {channels} channels, mapping family {family}")),
        };
        // The gain is in 1/256 dB.
        let gain = 10f32.powf(f32::from(gain) / (20.0 * 256.0));
        Ok(Opus { streams, channels, pre_skip, gain })
    }

    /// Number of channels.
    pub fn channels(&self) -> u16 {
        self.channels
    }

    /// Frames at the start of the stream that are not part of the sound.
    pub fn pre_skip(&self) -> u64 {
        u64::from(self.pre_skip)
    }

    /// Replaces `out` by the samples of one packet, or says that it cannot be decoded.
    pub fn decode(&mut self, packet: &[u8], out: &mut Vec<f32>) -> Result<(), PacketError> {
        out.clear();
        if packet.is_empty() {
            return Err(PacketError::Empty);
        }
        let pcm = match &mut self.streams {
            Streams::One(decoder) => decoder.decode_packet(packet)?,
            Streams::Many(decoder) => decoder.decode_packet(packet)?,
        };
        out.extend(pcm.iter().map(|sample| sample * self.gain));
        Ok(())
    }
}

/// The identification header with the bytes of its numbers exchanged: MP4 writes it the other way round.
pub(super) fn swapped(head: &[u8]) -> Vec<u8> {
    let mut head = head.to_vec();
    for range in [10..12, 12..16, 16..18] {
        if let Some(number) = head.get_mut(range) {
            number.reverse();
        }
    }
    head
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(channels: u8, family: u8, tail: &[u8]) -> Vec<u8> {
        let mut out = b"OpusHead\x01".to_vec();
        out.push(channels);
        out.extend(312u16.to_le_bytes());
        out.extend(48_000u32.to_le_bytes());
        out.extend((-1536i16).to_le_bytes());
        out.push(family);
        out.extend(tail);
        out
    }

    #[test]
    fn the_header_is_read() {
        let opus = Opus::new(&head(2, 0, &[])).unwrap();
        assert_eq!((opus.channels(), opus.pre_skip()), (2, 312));
        assert!((opus.gain - 0.501_187).abs() < 1e-6);
        assert_eq!(Opus::new(&head(6, 1, &[4, 2, 0, 4, 1, 2, 3, 5])).unwrap().channels(), 6);
    }

    #[test]
    fn mp4_writes_the_header_the_other_way_round() {
        let mut mp4 = b"OpusHead\0\x01".to_vec();
        mp4.extend(312u16.to_be_bytes());
        mp4.extend(16_000u32.to_be_bytes());
        mp4.extend((-1536i16).to_be_bytes());
        mp4.push(0);
        let opus = Opus::new(&swapped(&mp4)).unwrap();
        assert_eq!(opus.pre_skip(), 312);
        assert!((opus.gain - 0.501_187).abs() < 1e-6);
        assert_eq!(swapped(b"Opus"), b"Opus");
    }

    #[test]
    fn wrong_headers_are_refused() {
        for bytes in [
            vec![],
            b"OpusTags".to_vec(),
            head(1, 0, &[])[..17].to_vec(),
            head(0, 0, &[]),
            head(3, 0, &[]),
            head(4, 2, &[4, 0, 0, 1, 2, 3]),
            head(6, 1, &[4, 2, 0, 4, 1]),
            head(6, 1, &[4, 2, 0, 4, 1, 2, 3, 77]),
            head(2, 1, &[0, 0, 0, 1]),
            head(9, 255, &[9, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8]),
        ] {
            assert!(Opus::new(&bytes).is_err(), "{bytes:?}");
        }
    }

    #[test]
    fn an_empty_packet_is_an_error_and_not_concealed() {
        let mut opus = Opus::new(&head(1, 0, &[])).unwrap();
        assert!(opus.decode(&[], &mut Vec::new()).is_err());
    }
}
