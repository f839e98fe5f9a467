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
}

impl Window {
    /// The bytes of `file` from `start` to `end`.
    pub fn new(mut file: Input, start: u64, end: u64) -> io::Result<Window> {
        file.seek(SeekFrom::Start(start))?;
        Ok(Window { file, start, len: end.saturating_sub(start), pos: 0 })
    }
}

impl Read for Window {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let room = usize::try_from(self.len.saturating_sub(self.pos)).unwrap_or(usize::MAX).min(buffer.len());
        let Some(part) = buffer.get_mut(..room) else { return Ok(0) };
        let count = self.file.read(part)?;
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
