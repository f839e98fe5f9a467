//! Pages of a column, held to what a file of its size can mean.
//!
//! A Parquet file may state any number of rows, and a run of equal values takes a few bytes whatever its length: a
//! hundred bytes can ask for more memory than there is. So there is a limit on rows and on values by the size of the
//! file, far above what files of clips come to. A panic in the reader of Parquet ends in an error.

use super::thrift::Thrift;
use parquet::column::page::{Page, PageMetadata, PageReader};
use parquet::errors::{ParquetError, Result};
use std::io::{self, Read, Seek, SeekFrom};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Rows and values that are read whatever the size of the file.
const FREE: u64 = 1 << 16;
/// Bytes of a file for each row beyond; clips of which nothing is known but path, size and time take more.
const BYTES_A_ROW: u64 = 4;
/// Values of one column beyond, for each byte of a file.
const VALUES_A_BYTE: u64 = 16;
/// Bytes of the texts of one column for each row, on average over all of them.
const TEXT_A_ROW: u64 = 1 << 10;
/// Bytes of one page, at most: room for all of them is made before the first is unpacked. Writers come to one or two
/// million.
const PAGE_MOST: i64 = 256 << 20;
/// Bytes of the head of a page that are read at first, and at most.
const HEAD: [u64; 2] = [1 << 10, 1 << 24];

/// Most rows of a file of so many bytes.
pub(super) fn most_rows(file_bytes: u64) -> u64 {
    FREE + file_bytes / BYTES_A_ROW
}

/// Most bytes of the texts of one column of so many rows.
pub(super) fn most_text(rows: usize) -> u64 {
    (rows as u64).max(FREE).saturating_mul(TEXT_A_ROW)
}

/// Calls the reader of Parquet; a panic in it is an error.
pub(super) fn guarded<T>(call: impl FnOnce() -> Result<T>) -> Result<T> {
    let failed = || Err(ParquetError::General("content that makes the reader fail".into()));
    catch_unwind(AssertUnwindSafe(call)).unwrap_or_else(|_| failed())
}

/// Why the pages between two places of a file are not to be read; none where they may be, or where the reader will say
/// so.
pub(super) fn refusal(file: &mut (impl Read + Seek), start: u64, end: u64) -> io::Result<Option<String>> {
    let mut at = start;
    while at < end {
        let Some((head, packed, bytes)) = head(file, at, end)? else { return Ok(None) };
        if bytes > PAGE_MOST {
            return Ok(Some(format!("a page of {bytes} bytes, of at most {PAGE_MOST}")));
        }
        let Ok(packed) = u64::try_from(packed) else { return Ok(None) };
        at = at.saturating_add(head).saturating_add(packed);
    }
    file.rewind()?;
    Ok(None)
}

/// Length of the head of a page, of its content as it lies there, and of the content itself; none where it breaks off.
fn head(file: &mut (impl Read + Seek), at: u64, end: u64) -> io::Result<Option<(u64, i64, i64)>> {
    let [mut portion, most] = HEAD;
    loop {
        let mut bytes = Vec::new();
        file.seek(SeekFrom::Start(at))?;
        Read::by_ref(file).take(portion.min(end - at)).read_to_end(&mut bytes)?;
        if let Some((packed, content, rest)) = sizes(&bytes) {
            return Ok(Some(((bytes.len() - rest) as u64, packed, content)));
        }
        if portion >= most || portion >= end - at {
            return Ok(None);
        }
        portion *= 4;
    }
}

/// The sizes that the head of a page states, packed and not, and the number of bytes behind it.
fn sizes(bytes: &[u8]) -> Option<(i64, i64, usize)> {
    let mut head = Thrift { rest: bytes };
    let (mut content, mut packed, mut id) = (0, 0, 0);
    while let Some((field, kind)) = head.field(id)? {
        id = field;
        match (field, kind) {
            (2, 4..=6) => content = head.integer()?,
            (3, 4..=6) => packed = head.integer()?,
            _ => head.skip(kind)?,
        }
    }
    Some((packed, content, head.rest.len()))
}

/// The pages of one column, as long as they do not hold more values than a file of its size can.
pub(super) struct Pages {
    inner: Box<dyn PageReader>,
    most: u64,
    seen: u64,
}

impl Pages {
    /// The pages of a column in a file of so many bytes.
    pub fn new(inner: Box<dyn PageReader>, file_bytes: u64) -> Self {
        Pages { inner, most: FREE.saturating_add(file_bytes.saturating_mul(VALUES_A_BYTE)), seen: 0 }
    }
}

impl Iterator for Pages {
    type Item = Result<Page>;

    fn next(&mut self) -> Option<Self::Item> {
        self.get_next_page().transpose()
    }
}

impl PageReader for Pages {
    fn get_next_page(&mut self) -> Result<Option<Page>> {
        let page = self.inner.get_next_page()?;
        self.seen = self.seen.saturating_add(page.as_ref().map_or(0, |page| u64::from(page.num_values())));
        if self.seen > self.most {
            let found =
                format!("{} values or more in one column, of at most {} in a file of its size", self.seen, self.most);
            return Err(ParquetError::General(found));
        }
        Ok(page)
    }

    fn peek_next_page(&mut self) -> Result<Option<PageMetadata>> {
        self.inner.peek_next_page()
    }

    fn skip_next_page(&mut self) -> Result<()> {
        self.inner.skip_next_page()
    }

    fn at_record_boundary(&mut self) -> Result<bool> {
        self.inner.at_record_boundary()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    /// The head of a page that states a size unpacked and one as it lies there, each as the protocol writes it.
    fn page(content: &[u8], packed: u8) -> Vec<u8> {
        [&[0x15, 0, 0x15], content, &[0x15, packed << 1, 0], &vec![7; packed.into()][..]].concat()
    }

    fn told(bytes: &[u8]) -> Option<String> {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&[&[0; 4], bytes].concat()).unwrap();
        refusal(&mut file, 4, 4 + bytes.len() as u64).unwrap()
    }

    #[test]
    fn a_page_that_swells_is_refused_before_it_is_unpacked() {
        // 20 bytes, and 2^30.
        let (small, large) = (page(&[40], 9), page(&[0x80, 0x80, 0x80, 0x80, 8], 9));
        assert_eq!(told(&small.repeat(100)), None);
        let found = "a page of 1073741824 bytes, of at most 268435456";
        assert_eq!(told(&large).as_deref(), Some(found));
        assert_eq!(told(&[small.repeat(3), large].concat()).as_deref(), Some(found));
        // What breaks off is for the reader to say.
        assert_eq!(told(&small[..5]), None);
        assert_eq!(told(b"no page"), None);
    }

    /// The remainder of a polynomial division, as the format checks its pages.
    fn checksum(bytes: &[u8]) -> u32 {
        !bytes.iter().fold(!0, |crc, byte| {
            (0..8).fold(crc ^ u32::from(*byte), |crc, _| crc >> 1 ^ if crc & 1 == 0 { 0 } else { 0xEDB8_8320 })
        })
    }

    #[test]
    fn a_page_with_a_checksum_is_compared_with_it() {
        let text = "message table { required int32 x; }";
        let schema = parquet::schema::parser::parse_message_type(text).unwrap();
        let schema = parquet::schema::types::SchemaDescriptor::new(schema.into());
        let content = [7i32, 9].map(i32::to_le_bytes).concat();
        let read = |crc: u32| {
            // A data page of eight bytes with its checksum: two values, plain.
            let mut bytes = vec![0x15, 0, 0x15, 16, 0x15, 16, 0x15];
            let mut number = u64::from(crc as i32 as u32) << 1;
            if (crc as i32) < 0 {
                number = u64::from(!crc) << 1 | 1;
            }
            while number >= 0x80 {
                bytes.push(number as u8 | 0x80);
                number >>= 7;
            }
            bytes.extend([number as u8, 0x1C, 0x15, 4, 0x15, 0, 0x15, 6, 0x15, 6, 0, 0]);
            bytes.extend(&content);
            let builder = parquet::file::metadata::ColumnChunkMetaData::builder(schema.column(0));
            let size = bytes.len() as i64;
            let chunk = builder.set_total_compressed_size(size).set_num_values(2).set_data_page_offset(0).build();
            let reader = std::sync::Arc::new(bytes::Bytes::from(bytes));
            let mut pages =
                parquet::file::serialized_reader::SerializedPageReader::new(reader, &chunk.unwrap(), 2, None)?;
            pages.get_next_page().map(|page| page.unwrap().num_values())
        };
        let crc = checksum(&content);
        assert_eq!(read(crc).unwrap(), 2);
        let error = read(crc ^ 1).unwrap_err().to_string();
        assert!(error.contains("CRC"), "{error}");
    }

    #[test]
    fn rows_and_texts_have_limits_by_the_size_of_the_file() {
        assert_eq!((most_rows(0), most_rows(4 << 20)), (1 << 16, (1 << 16) + (1 << 20)));
        assert_eq!((most_text(3), most_text(1 << 20)), (1 << 26, 1 << 30));
    }
}
