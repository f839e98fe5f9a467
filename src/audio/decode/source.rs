//! The file as the demuxers see it: the bytes between any tags in front of the sound and any behind it.

use crate::audio::input::Input;
use std::io::{self, Read, Seek, SeekFrom};
use symphonia::core::io::MediaSource;

/// A part of a file that looks like a whole one. The demuxer buffers it.
pub(super) struct Window {
    file: Input,
    start: u64,
    len: u64,
    pos: u64,
    without_id3: bool,
}

/// A chunk of AIFF with an ID3 tag begins so, with its length between the two.
const ID3_CHUNK: [&[u8]; 2] = [b"ID3 ", b"ID3"];
/// Bytes from the first of these to the end of the second.
const ID3_REACH: usize = 11;
/// The name of a chunk that is passed over.
const PASSED_OVER: &[u8; 4] = b"JUNK";

impl Window {
    /// The bytes of `file` from `start` to `end`.
    pub fn new(mut file: Input, start: u64, end: u64) -> io::Result<Window> {
        file.seek(SeekFrom::Start(start))?;
        Ok(Window { file, start, len: end.saturating_sub(start), pos: 0, without_id3: false })
    }

    /// The same without the ID3 tags of AIFF. The demuxer reads chapters within chapters by calling itself, so that
    /// some thousand of them would end the program; and nothing in a tag is looked at here.
    pub fn without_id3(self) -> Window {
        Window { without_id3: true, ..self }
    }

    /// Gives those chunks in bytes that were just read another name; where they lie may not depend on the chunks
    /// before, of which each reader has its own view.
    fn hide_id3(&mut self, bytes: &mut [u8]) -> io::Result<()> {
        let before = usize::try_from(self.pos).unwrap_or(usize::MAX).min(ID3_REACH);
        let mut around = Vec::with_capacity(bytes.len() + 2 * ID3_REACH);
        self.file.seek(SeekFrom::Start(self.start.saturating_add(self.pos) - before as u64))?;
        self.file.by_ref().take((before + bytes.len() + ID3_REACH) as u64).read_to_end(&mut around)?;
        self.file.seek(SeekFrom::Start(self.start.saturating_add(self.pos).saturating_add(bytes.len() as u64)))?;
        let [name, tag] = ID3_CHUNK;
        for (at, window) in around.windows(ID3_REACH).enumerate() {
            if window.starts_with(name) && window.ends_with(tag) {
                let renamed = (at..).zip(PASSED_OVER).filter_map(|(at, byte)| Some((at.checked_sub(before)?, *byte)));
                for (at, byte) in renamed {
                    bytes.get_mut(at).into_iter().for_each(|to| *to = byte);
                }
            }
        }
        Ok(())
    }
}

impl Read for Window {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let room = usize::try_from(self.len.saturating_sub(self.pos)).unwrap_or(usize::MAX).min(buffer.len());
        let Some(part) = buffer.get_mut(..room) else { return Ok(0) };
        let count = self.file.read(part)?;
        if let (true, Some(read)) = (self.without_id3, buffer.get_mut(..count)) {
            self.hide_id3(read)?;
        }
        self.pos += count as u64;
        Ok(count)
    }
}

impl Seek for Window {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let pos = match to {
            SeekFrom::Start(pos) => Some(pos),
            SeekFrom::Current(by) => self.pos.checked_add_signed(by),
            SeekFrom::End(by) => self.len.checked_add_signed(by),
        };
        let pos = pos.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        // The operating system refuses places that no file can have; for the demuxer they are merely behind the end.
        self.file.seek(SeekFrom::Start(self.start.saturating_add(pos.min(self.len))))?;
        self.pos = pos;
        Ok(pos)
    }
}

impl MediaSource for Window {
    fn is_seekable(&self) -> bool {
        true
    }

    fn byte_len(&self) -> Option<u64> {
        Some(self.len)
    }
}

/// Where the sound of an MPEG stream ends: before an ID3v1 and an APEv2 tag. A demuxer that met the tags would take
/// some of their bytes for frames, and a sound file would be called damaged.
pub(super) fn mpeg_end(file: &mut Input, start: u64, file_len: u64) -> io::Result<u64> {
    let mut end = file_len;
    if tail(file, start, end, 128)?.starts_with(b"TAG") {
        end -= 128;
    }
    let footer = tail(file, start, end, 32)?;
    if let (true, Some(size), Some(flags)) =
        (footer.starts_with(b"APETAGEX"), super::chunks::u32_at(&footer, 12), super::chunks::u32_at(&footer, 20))
    {
        // The size counts the footer; bit 31 of the flags says that there is a header of 32 bytes more.
        let size = u64::from(size) + if flags & 0x8000_0000 == 0 { 0 } else { 32 };
        end = end.checked_sub(size).filter(|end| *end > start).unwrap_or(end);
    }
    Ok(end)
}

fn tail(file: &mut Input, start: u64, end: u64, len: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if end.saturating_sub(start) > len {
        file.seek(SeekFrom::Start(end - len))?;
        file.by_ref().take(len).read_to_end(&mut bytes)?;
    }
    Ok(bytes)
}

/// True where the first frame of an MPEG stream carries a count of frames (Xing, Info or VBRI).
pub(super) fn mpeg_counts_frames(file: &mut Input, start: u64) -> io::Result<bool> {
    let mut head = Vec::with_capacity(256);
    file.seek(SeekFrom::Start(start))?;
    file.by_ref().take(256).read_to_end(&mut head)?;
    Ok([b"Xing", b"Info", b"VBRI"].iter().any(|tag| head.windows(4).any(|window| window == *tag)))
}

#[cfg(test)]
mod tests {
    use super::super::chunks::tests::file;
    use super::*;

    #[test]
    fn a_window_is_a_file_of_its_own() {
        let mut window = Window::new(file(b"0123456789"), 2, 6).unwrap();
        let mut all = String::new();
        assert_eq!(window.read_to_string(&mut all).unwrap(), 4);
        assert_eq!((all.as_str(), window.byte_len()), ("2345", Some(4)));
        assert_eq!(window.seek(SeekFrom::End(-1)).unwrap(), 3);
        assert_eq!(window.read(&mut [0; 8]).unwrap(), 1);
        assert_eq!(window.seek(SeekFrom::Start(99)).unwrap(), 99);
        assert_eq!(window.read(&mut [0; 8]).unwrap(), 0);
        assert_eq!(window.seek(SeekFrom::Start(u64::MAX)).unwrap(), u64::MAX);
        assert_eq!(window.read(&mut [0; 8]).unwrap(), 0);
        assert_eq!(window.seek(SeekFrom::Start(1)).unwrap(), 1);
        assert!(window.seek(SeekFrom::Current(-100)).is_err());
    }

    #[test]
    fn chunks_with_a_tag_are_hidden_however_they_are_read() {
        let whole = b"xxID3 \0\0\0\x05ID3..ID3 \0\0\0\0ID4 ID3 1234ID3";
        let expected = b"xxJUNK\0\0\0\x05ID3..ID3 \0\0\0\0ID4 JUNK1234ID3";
        for portion in 1..whole.len() {
            for start in [0, 2] {
                let window = Window::new(file(whole), start, whole.len() as u64).unwrap();
                let mut window = window.without_id3();
                let (mut all, mut buffer) = (Vec::<u8>::new(), vec![0; portion]);
                loop {
                    let count = window.read(&mut buffer).unwrap();
                    if count == 0 {
                        break;
                    }
                    all.extend(&buffer[..count]);
                }
                assert_eq!(all, expected[start as usize..], "{portion} {start}");
            }
        }
    }

    #[test]
    fn tags_behind_the_sound_are_left_out() {
        let mut ape = b"APETAGEX\xD0\x07\0\0".to_vec();
        ape.extend(40u32.to_le_bytes());
        ape.extend(1u32.to_le_bytes());
        ape.extend(0x8000_0000u32.to_le_bytes());
        ape.extend([0; 8]);
        let mut id3 = b"TAG".to_vec();
        id3.resize(128, 0);
        let sound = vec![1; 500];
        for (tags, end) in [(vec![], 500), (id3.clone(), 500), ([vec![2; 40], ape, id3].concat(), 500)] {
            let bytes = [sound.clone(), tags].concat();
            assert_eq!(mpeg_end(&mut file(&bytes), 0, bytes.len() as u64).unwrap(), end);
        }
    }
}
