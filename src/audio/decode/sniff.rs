//! What a file is, judged by its first bytes and never by its name.

use crate::audio::Container;
use crate::audio::input::Input;
use std::io::{self, Read, Seek, SeekFrom};

/// Bytes that are looked at, at most.
const HEAD: usize = 64 * 1024;
/// Tags in front of the sound that are stepped over, at most.
const TAGS: usize = 8;
/// Consecutive MPEG frames that are believed behind junk.
const CHAIN: usize = 4;
const W64_RIFF: &[u8] = b"riff\x2E\x91\xCF\x11\xA5\xD6\x28\xDB\x04\xC1\x00\x00";

/// The verdict on a file.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Sniffed {
    /// A format that is decoded here; the sound's own structure begins at `start`.
    Audio {
        /// The format.
        container: Container,
        /// Offset behind any tags.
        start: u64,
    },
    /// An audio format that is not decoded here.
    Unsupported(&'static str),
    /// No audio.
    Other(String),
}

/// Judges `file`, wherever it stands.
pub(super) fn sniff(file: &mut Input) -> io::Result<Sniffed> {
    let mut start = 0;
    let mut tagged = false;
    let mut head = head_at(file, 0)?;
    for _ in 0..TAGS {
        let Some(len) = id3v2_len(&head) else { break };
        tagged = true;
        start += len;
        head = head_at(file, start)?;
    }
    if head.is_empty() && !tagged {
        return Ok(Sniffed::Other("an empty file".into()));
    }
    if let Some(sniffed) = by_magic(&head, start) {
        return Ok(sniffed);
    }
    if let Some(offset) = mpeg_start(&head) {
        return Ok(Sniffed::Audio { container: Container::Mp3, start: start + offset as u64 });
    }
    if tagged {
        return Ok(Sniffed::Other("an ID3 tag with no sound behind it".into()));
    }
    Ok(Sniffed::Other(describe(&head)))
}

fn head_at(file: &mut Input, start: u64) -> io::Result<Vec<u8>> {
    file.seek(SeekFrom::Start(start))?;
    let mut head = Vec::with_capacity(HEAD);
    file.by_ref().take(HEAD as u64).read_to_end(&mut head)?;
    Ok(head)
}

/// The length of an ID3v2 tag that begins the bytes, with its header and footer.
fn id3v2_len(head: &[u8]) -> Option<u64> {
    match head {
        [b'I', b'D', b'3', version, _, flags, a, b, c, d, ..] if *version < 0xFF => {
            let size = [a, b, c, d]
                .iter()
                .try_fold(0u64, |size, byte| (**byte < 0x80).then_some(size << 7 | u64::from(**byte)))?;
            Some(10 + size + if flags & 0x10 == 0 { 0 } else { 10 })
        }
        _ => None,
    }
}

fn by_magic(head: &[u8], start: u64) -> Option<Sniffed> {
    let at = |offset: usize, magic: &[u8]| head.get(offset..).is_some_and(|rest| rest.starts_with(magic));
    let audio = |container| Some(Sniffed::Audio { container, start });
    if at(0, b"RIFF") && at(8, b"WAVE") {
        return audio(Container::Wav);
    }
    if (at(0, b"RF64") || at(0, b"BW64")) && at(8, b"WAVE") {
        return audio(Container::Rf64);
    }
    if at(0, W64_RIFF) && at(24, b"wave") {
        return audio(Container::W64);
    }
    if at(0, b"FORM") && (at(8, b"AIFF") || at(8, b"AIFC")) {
        return audio(Container::Aiff);
    }
    if [&b"ftyp"[..], b"moov", b"mdat", b"wide", b"skip", b"pnot"].iter().any(|atom| at(4, atom)) {
        return audio(Container::Mp4);
    }
    if adts_frame(head).is_some_and(|len| head.len() <= len || adts_frame(head.get(len..).unwrap_or(&[])).is_some()) {
        return audio(Container::Adts);
    }
    for (magic, container) in [
        (&b"caff"[..], Container::Caf),
        (b"fLaC", Container::Flac),
        (b"OggS", Container::Ogg),
        (b"\x1A\x45\xDF\xA3", Container::Mkv),
    ] {
        if at(0, magic) {
            return audio(container);
        }
    }
    unsupported_audio(&at).map(Sniffed::Unsupported).or_else(|| Some(Sniffed::Other(no_audio(&at)?.into())))
}

fn unsupported_audio(at: &dyn Fn(usize, &[u8]) -> bool) -> Option<&'static str> {
    if at(0, b"FORM") && at(8, b"8SVX") {
        return Some("an 8SVX file");
    }
    if at(0, b"RIFF") && at(8, b"AVI ") {
        return Some("an AVI video");
    }
    // Packets of 188 bytes, each of which begins with the same byte.
    if [0, 188, 376, 564].iter().all(|start| at(*start, b"G")) {
        return Some("an MPEG transport stream");
    }
    let known: [(&[u8], &str); 18] = [
        (b"RIFX", "a big-endian RIFX file"),
        (b"FFIR", "a big-endian RIFX file"),
        (b".snd", "a Sun AU file"),
        (b"#!AMR", "an AMR file"),
        (b"wvpk", "a WavPack file"),
        (b"MAC ", "a Monkey's Audio file"),
        (b"TTA1", "a True Audio file"),
        (b"ajkg", "a Shorten file"),
        (b"NIST_1A", "a NIST Sphere file"),
        (b"DSD ", "a DSD file"),
        (b"FRM8", "a DSD file"),
        (b"MPCK", "a Musepack file"),
        (b"Creative Voice File", "a Creative VOC file"),
        (b"\x0B\x77", "an AC-3 stream"),
        (b"\x30\x26\xB2\x75\x8E\x66\xCF\x11", "a Windows Media (ASF) file"),
        (b"FLV\x01", "a Flash video"),
        (b".RMF", "a RealMedia file"),
        (b"\0\0\x01\xBA", "an MPEG program stream"),
    ];
    known.iter().find(|(magic, _)| at(0, magic)).map(|(_, name)| *name)
}

fn no_audio(at: &dyn Fn(usize, &[u8]) -> bool) -> Option<&'static str> {
    if at(0, b"RIFF") && at(8, b"WEBP") {
        return Some("a WebP image");
    }
    let known: [(&[u8], &str); 20] = [
        (b"\x89PNG", "a PNG image"),
        (b"\xFF\xD8\xFF", "a JPEG image"),
        (b"GIF8", "a GIF image"),
        (b"II*\0", "a TIFF image"),
        (b"MM\0*", "a TIFF image"),
        (b"%PDF", "a PDF"),
        (b"PK\x03\x04", "a ZIP archive"),
        (b"PK\x05\x06", "an empty ZIP archive"),
        (b"\x1F\x8B", "a gzip archive"),
        (b"BZh", "a bzip2 archive"),
        (b"\xFD7zXZ", "an XZ archive"),
        (b"\x28\xB5\x2F\xFD", "a Zstandard archive"),
        (b"7z\xBC\xAF\x27\x1C", "a 7z archive"),
        (b"Rar!", "a RAR archive"),
        (b"\x7FELF", "a program"),
        (b"SQLite format 3", "an SQLite database"),
        (b"PAR1", "a Parquet file"),
        (b"\x93NUMPY", "a NumPy array"),
        (b"MThd", "a MIDI file, which holds no recorded sound"),
        (b"age-encryption.org/v1", "a file that age encrypted"),
    ];
    known.iter().find(|(magic, _)| at(0, magic)).map(|(_, name)| *name)
}

/// The length of the ADTS frame that begins the bytes.
pub(super) fn adts_frame(head: &[u8]) -> Option<usize> {
    match head {
        [0xFF, b, c, d, e, f, ..] if b & 0xF6 == 0xF0 && (c >> 2) & 15 < 13 => {
            let len = usize::from(d & 3) << 11 | usize::from(*e) << 3 | usize::from(f >> 5);
            (len >= 7).then_some(len)
        }
        _ => None,
    }
}

/// What one MPEG frame must share with the next: version, layer and rate, and its own length.
pub(super) fn mpeg_frame(head: &[u8]) -> Option<(u16, usize)> {
    const V1: [[u32; 15]; 3] = [
        [0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448],
        [0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384],
        [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
    ];
    const V2: [[u32; 15]; 2] = [
        [0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256],
        [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
    ];
    let [0xFF, b, c, _, ..] = *head else { return None };
    let (version, layer) = ((b >> 3) & 3, 4 - ((b >> 1) & 3));
    if b & 0xE0 != 0xE0 || version == 1 || layer == 4 {
        return None;
    }
    let table = match (version, layer) {
        (3, layer) => V1.get(usize::from(layer) - 1)?,
        (_, 1) => &V2[0],
        _ => &V2[1],
    };
    let bitrate = *table.get(usize::from(c >> 4))? * 1000;
    let shift = [2, 0, 1, 0][usize::from(version)];
    let rate = [44_100, 48_000, 32_000].get(usize::from((c >> 2) & 3))? >> shift;
    let padding = u32::from((c >> 1) & 1);
    let len = match (layer, version) {
        (1, _) => (12 * bitrate / rate + padding) * 4,
        (3, 0 | 2) => 72 * bitrate / rate + padding,
        _ => 144 * bitrate / rate + padding,
    };
    (bitrate > 0).then_some((u16::from(b & 0xFE) << 8 | u16::from(c & 0x0C), len as usize))
}

/// Counts frames that follow one another from `from` on, up to `CHAIN`; a frame cut by the end counts.
fn mpeg_chain(head: &[u8], from: usize) -> usize {
    let (mut at, mut count, mut kind) = (from, 0, None);
    while count < CHAIN {
        let Some((this, len)) = mpeg_frame(head.get(at..).unwrap_or(&[])) else { break };
        if kind.is_some_and(|kind| kind != this) {
            break;
        }
        kind = Some(this);
        count += 1;
        at += len;
    }
    // A chain that fills the rest of the bytes is complete.
    if count > 0 && at >= head.len() { CHAIN } else { count }
}

/// Where MPEG audio begins: at once with two frames in a row, or behind junk with four.
fn mpeg_start(head: &[u8]) -> Option<usize> {
    if mpeg_chain(head, 0) >= 2 {
        return Some(0);
    }
    let limit = head.len().saturating_sub(512);
    (1..limit).find(|&at| head.get(at) == Some(&0xFF) && mpeg_chain(head, at) >= CHAIN)
}

/// Whether bytes are UTF-16 behind its mark; samples may begin in the same way.
fn is_utf16(sample: &[u8]) -> bool {
    let unit: fn([u8; 2]) -> u16 = match sample {
        [0xFF, 0xFE, ..] => u16::from_le_bytes,
        [0xFE, 0xFF, ..] => u16::from_be_bytes,
        _ => return false,
    };
    let units = sample.as_chunks::<2>().0.iter().skip(1).map(|bytes| unit(*bytes));
    // The sample may end within a pair.
    let mut chars = char::decode_utf16(units).collect::<Vec<_>>();
    if chars.last().is_some_and(Result::is_err) {
        chars.pop();
    }
    chars.iter().all(|c| c.as_ref().is_ok_and(|c| !c.is_control() || "\t\n\r".contains(*c)))
}

/// How bytes are described that nothing is known of.
const UNKNOWN: [&str; 2] = ["bytes of no known kind", "nothing but zero bytes"];

/// Whether what was found may hold sound though it does not begin like it: an archive, or bytes of no known kind.
pub(super) fn is_opaque(found: &str) -> bool {
    UNKNOWN.iter().any(|unknown| found.starts_with(unknown)) || found.ends_with("archive")
}

fn describe(head: &[u8]) -> String {
    if head.len() < 12 {
        return format!("a file of {} bytes", head.len());
    }
    if head.iter().all(|byte| *byte == 0) {
        return UNKNOWN[1].into();
    }
    let sample = head.get(..head.len().min(4096)).unwrap_or(head);
    let utf8 = match std::str::from_utf8(sample) {
        Ok(_) => true,
        Err(error) => error.error_len().is_none() && error.valid_up_to() > 0,
    };
    let control = |byte: &u8| *byte < 0x20 && !b"\t\n\r\x0C\x1B".contains(byte);
    if utf8 && !sample.iter().any(control) || is_utf16(sample) {
        return "text".into();
    }
    let first: Vec<String> = head.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    format!("{} ({} ...)", UNKNOWN[0], first.join(" "))
}

#[cfg(test)]
mod tests {
    use super::super::chunks::tests::file;
    use super::*;

    fn sniff_bytes(bytes: &[u8]) -> Sniffed {
        sniff(&mut file(bytes)).unwrap()
    }

    fn mp3_frames(count: usize) -> Vec<u8> {
        let mut frame = vec![0; 417];
        frame[..4].copy_from_slice(&[0xFF, 0xFB, 0x90, 0x64]);
        frame.repeat(count)
    }

    fn at(container: Container, start: u64) -> Sniffed {
        Sniffed::Audio { container, start }
    }

    #[test]
    fn containers_are_known_by_their_first_bytes() {
        for (bytes, container) in [
            (&b"RIFF\0\0\0\0WAVEfmt "[..], Container::Wav),
            (b"RF64\xFF\xFF\xFF\xFFWAVEds64", Container::Rf64),
            (b"BW64\xFF\xFF\xFF\xFFWAVEds64", Container::Rf64),
            (b"FORM\0\0\0\0AIFFCOMM", Container::Aiff),
            (b"FORM\0\0\0\0AIFCCOMM", Container::Aiff),
            (b"caff\0\x01\0\0desc", Container::Caf),
            (b"fLaC\0\0\0\x22....", Container::Flac),
            (b"OggS\0\x02..........", Container::Ogg),
            (b"\0\0\0\x20ftypM4A ....", Container::Mp4),
            (b"\x1A\x45\xDF\xA3........", Container::Mkv),
        ] {
            assert_eq!(sniff_bytes(bytes), at(container, 0));
        }
    }

    #[test]
    fn mpeg_is_found_behind_tags_and_junk() {
        assert_eq!(sniff_bytes(&mp3_frames(3)), at(Container::Mp3, 0));
        let mut tagged = b"ID3\x04\0\0\0\0\x01\x02".to_vec();
        tagged.extend([0; 130]);
        assert_eq!(sniff_bytes(&[tagged.clone(), mp3_frames(3)].concat()), at(Container::Mp3, 140));
        assert_eq!(sniff_bytes(&[tagged.clone(), tagged.clone(), mp3_frames(3)].concat()), at(Container::Mp3, 280));
        assert_eq!(sniff_bytes(&[vec![0; 1000], mp3_frames(6)].concat()), at(Container::Mp3, 1000));
        assert_eq!(sniff_bytes(&[tagged.clone(), b"fLaC\0\0\0\0".to_vec()].concat()), at(Container::Flac, 140));
        assert_eq!(sniff_bytes(&tagged), Sniffed::Other("an ID3 tag with no sound behind it".into()));
        let adts = [0xFF, 0xF1, 0x50, 0x80, 0x01, 0x3F, 0xFC, 0, 0];
        assert_eq!(sniff_bytes(&adts), at(Container::Adts, 0));
    }

    #[test]
    fn what_is_no_audio_is_named() {
        for (bytes, name) in [
            (&b""[..], "an empty file"),
            (b"abc", "a file of 3 bytes"),
            (b"RIFF\0\0\0\0", "a file of 8 bytes"),
            (b"\x89PNG\r\n\x1A\n.......", "a PNG image"),
            (b"PK\x03\x04............", "a ZIP archive"),
            (b"%PDF-1.7.........", "a PDF"),
            (b"Hello, this is a letter.\n", "text"),
            ("Grüße aus Köln, schöne".as_bytes(), "text"),
            (&[0; 5000], "nothing but zero bytes"),
            (&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12], "bytes of no known kind (01 02 03 04 05 06 07 08 ...)"),
        ] {
            assert_eq!(sniff_bytes(bytes), Sniffed::Other(name.into()));
        }
        assert_eq!(sniff_bytes(b"RIFX\0\0\0\0WAVEfmt "), Sniffed::Unsupported("a big-endian RIFX file"));
        assert_eq!(sniff_bytes(b"#!AMR\n............"), Sniffed::Unsupported("an AMR file"));
    }
}
