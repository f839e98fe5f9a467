//! The setup header of Vorbis, weighed before it is believed.
//!
//! A decoder makes tables of all codebooks before the first sample. The header can ask for 255 of them with 131 072
//! entries each in 5000 bytes, and the tables then take 40 GB. So the entries are counted here by the rules of the
//! format (Vorbis I, section 3.2.1), without tables.

/// The beginning of a setup header.
const SETUP: &[u8] = b"\x05vorbis";
/// The beginning of a codebook, as a number.
const SYNC: u32 = 0x56_4342;
/// Most entries of all codebooks together. Encoders come to some thousand; so many take 100 MB and half a second.
const ENTRIES_MOST: u32 = 1 << 16;
/// Setup headers of one track that are read over; there is one.
const HEADERS_MOST: usize = 8;
/// What the decoder itself refuses.
const DIMENSIONS_MOST: u32 = 32;

/// Refuses the headers of a track where one asks for too many entries; an error says what was found.
pub(super) fn check(headers: &[u8]) -> Result<(), String> {
    // What is inside a comment may look like one as well; what is no setup header ends early.
    let places = headers.windows(SETUP.len()).enumerate().filter(|(_, window)| *window == SETUP).map(|(at, _)| at);
    for (number, at) in places.enumerate() {
        if number == HEADERS_MOST {
            return Err(format!("Vorbis with more than {HEADERS_MOST} setup headers"));
        }
        let entries = entries(headers.get(at + SETUP.len()..).unwrap_or_default());
        if entries > ENTRIES_MOST {
            return Err(format!("Vorbis with codebooks of {entries} entries or more"));
        }
    }
    Ok(())
}

/// The entries of all codebooks, as far as the header can be read or until they are too many.
fn entries(header: &[u8]) -> u32 {
    let mut bits = Bits { bytes: header, at: 0 };
    let (mut entries, count) = (0, bits.take(8).unwrap_or(0) + 1);
    for _ in 0..count {
        if entries > ENTRIES_MOST || codebook(&mut bits, &mut entries).is_none() {
            break;
        }
    }
    entries
}

/// Reads over one codebook and adds its entries; none where it is no codebook or the decoder refuses it.
fn codebook(bits: &mut Bits<'_>, entries: &mut u32) -> Option<()> {
    let (sync, dimensions, count) = (bits.take(24)?, bits.take(16)?, bits.take(24)?);
    if sync != SYNC || dimensions == 0 || dimensions > DIMENSIONS_MOST {
        return None;
    }
    *entries = entries.saturating_add(count);
    if *entries > ENTRIES_MOST {
        return None;
    }
    if bits.take(1)? == 1 {
        bits.take(5)?;
        let mut seen = 0;
        while seen < count {
            seen += bits.take(u32::BITS - (count - seen).leading_zeros())?;
        }
        if seen > count {
            return None;
        }
    } else {
        let sparse = bits.take(1)? == 1;
        for _ in 0..count {
            if !sparse || bits.take(1)? == 1 {
                bits.take(5)?;
            }
        }
    }
    let values = match bits.take(4)? {
        0 => return Some(()),
        1 => root(count, dimensions),
        2 => count * dimensions,
        _ => return None,
    };
    bits.skip(64);
    let width = bits.take(4)? + 1;
    bits.skip(1 + u64::from(values) * u64::from(width));
    Some(())
}

/// The largest number whose power is not above `count`.
fn root(count: u32, power: u32) -> u32 {
    let fits = |root: u32| u64::from(root).checked_pow(power).is_some_and(|value| value <= u64::from(count));
    let (mut low, mut high) = (0, count);
    while low < high {
        let middle = low + (high - low).div_ceil(2);
        if fits(middle) {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    low
}

/// Bits from the lowest of each byte on.
struct Bits<'a> {
    bytes: &'a [u8],
    at: u64,
}

impl Bits<'_> {
    /// The next bits as a number, at most 24 of them; none behind the end.
    fn take(&mut self, count: u32) -> Option<u32> {
        let mut number = 0;
        for bit in 0..count {
            let byte = self.bytes.get(usize::try_from(self.at / 8).ok()?)?;
            number |= u32::from(byte >> (self.at % 8) & 1) << bit;
            self.at += 1;
        }
        Some(number)
    }

    fn skip(&mut self, count: u64) {
        self.at = self.at.saturating_add(count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;
    use std::path::Path;

    #[test]
    fn the_largest_root_is_found() {
        for (count, power, expected) in
            [(0, 3, 0), (1, 1, 1), (6561, 8, 3), (6560, 8, 2), (131_072, 32, 1), (625, 4, 5)]
        {
            assert_eq!(root(count, power), expected, "{count} {power}");
        }
    }

    #[test]
    fn a_real_header_has_few_entries_and_is_read_to_its_end() {
        let bytes = std::fs::read("fixtures/formats/vorbis-16kHz-mono.ogg").unwrap();
        let at = bytes.windows(7).position(|window| window == SETUP).unwrap() + 7;
        // The header goes over pages here, whose own headers of 27 bytes and more lie in between.
        let pages: Vec<usize> = (at..bytes.len()).filter(|at| bytes[*at..].starts_with(b"OggS")).collect();
        let mut header = bytes[at..pages[0]].to_vec();
        for page in pages {
            header.extend(&bytes[page + 27 + usize::from(bytes[page + 26])..]);
        }
        let mut bits = Bits { bytes: &header, at: 0 };
        let (count, mut entries) = (bits.take(8).unwrap() + 1, 0);
        for number in 0..count {
            assert!(codebook(&mut bits, &mut entries).is_some(), "codebook {number} of {count}");
        }
        // What follows the codebooks: one place holder, which is 0.
        assert_eq!(bits.take(6 + 16), Some(0));
        assert_eq!((count, entries), (35, 4289));
        assert!(check(&bytes).is_ok());
    }

    #[test]
    fn many_headers_in_one_are_refused_at_once() {
        let headers = b"\x05vorbis\0BCV\x01\0\0\x01\0\0".repeat(100_000);
        assert_eq!(check(&headers).unwrap_err(), "Vorbis with more than 8 setup headers");
    }

    #[test]
    fn codebooks_without_measure_are_refused_before_they_are_made() {
        let path = Path::new("fixtures/malformed/found/container/vorbis-eight-huge-codebooks.ogg");
        let error = super::super::Decoder::open(path, std::fs::File::open(path).unwrap()).err().unwrap();
        assert!(matches!(error.kind(), ErrorKind::Unsupported { .. }), "{error}");
        let text = error.to_string();
        assert!(
            text.contains(
                "found Vorbis with codebooks of 131072 entries or more in Ogg, expected at most 65536 entries"
            ),
            "{text}"
        );
    }
}
