//! The footer of a Parquet file, looked at before the reader of Parquet does.
//!
//! The footer lists the columns as a tree, in the compact protocol of Thrift. The reader makes the tree by calling
//! itself, so that columns within columns, some thousand deep, would end the program. Here their depth is counted with
//! none.

use super::thrift::{LIST, STRUCT, Thrift};
use std::io::{Read, Result, Seek, SeekFrom};

/// Columns within columns that are read; those of an index lie three deep.
const DEPTH_MOST: usize = 64;
/// Bytes behind the footer: its length and `PAR1`.
const TAIL: u64 = 8;
/// Numbers of fields, by the format.
const SCHEMA: i64 = 2;
const CHILDREN: i64 = 5;

/// Why a file's footer is not to be read; none where it may be, or where there is no footer and the reader will say so.
pub(super) fn refusal(file: &mut (impl Read + Seek), bytes: u64) -> Result<Option<String>> {
    let Some(end) = bytes.checked_sub(TAIL) else { return Ok(None) };
    let mut tail = [0; 4];
    file.seek(SeekFrom::Start(end))?;
    file.read_exact(&mut tail)?;
    let Some(start) = end.checked_sub(u64::from(u32::from_le_bytes(tail))) else { return Ok(None) };
    let mut footer = Vec::new();
    file.seek(SeekFrom::Start(start))?;
    Read::by_ref(file).take(end - start).read_to_end(&mut footer)?;
    file.rewind()?;
    let depth = Thrift { rest: &footer }.depth();
    Ok(match depth {
        Some(depth) if depth <= DEPTH_MOST => None,
        Some(_) => Some(format!("columns within columns, more than {DEPTH_MOST} deep")),
        None => Some("a footer that breaks off".into()),
    })
}

impl Thrift<'_> {
    /// The depth of the deepest column, or of the first that is too deep.
    fn depth(&mut self) -> Option<usize> {
        let (mut deepest, mut id) = (0, 0);
        while let Some((field, kind)) = self.field(id)? {
            id = field;
            match (field, kind) {
                (SCHEMA, LIST) => deepest = deepest.max(self.schema()?),
                _ => self.skip(kind)?,
            }
        }
        Some(deepest)
    }

    fn schema(&mut self) -> Option<usize> {
        let (count, kind) = self.list()?;
        // Of each column that is open, how many of those within are still to come.
        let (mut open, mut deepest): (Vec<i64>, usize) = (Vec::new(), 0);
        for _ in 0..count {
            let children = if kind == STRUCT { self.column()? } else { return None };
            while open.pop_if(|left| *left == 0).is_some() {}
            if let Some(left) = open.last_mut() {
                *left -= 1;
            }
            if children > 0 {
                open.push(children);
            }
            deepest = deepest.max(open.len());
            if deepest > DEPTH_MOST {
                break;
            }
        }
        Some(deepest)
    }

    /// The number of columns within one.
    fn column(&mut self) -> Option<i64> {
        let (mut children, mut id) = (0, 0);
        while let Some((field, kind)) = self.field(id)? {
            id = field;
            match (field, kind) {
                (CHILDREN, 4..=6) => children = self.integer()?,
                _ => self.skip(kind)?,
            }
        }
        Some(children)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;
    use std::io::Write;

    fn refused(file: &mut File) -> Result<Option<String>> {
        let bytes = file.metadata()?.len();
        refusal(file, bytes)
    }

    /// A file with nothing but a footer, whose columns lie so deep within each other.
    fn nested(depth: usize) -> File {
        // Version 1, then a list of structures with a name and, but for the last, one column within.
        let mut footer = vec![0x15, 2, 0x19, 0xFC];
        let mut count = depth as u64 + 1;
        while count >= 0x80 {
            footer.push(count as u8 | 0x80);
            count >>= 7;
        }
        footer.push(count as u8);
        for _ in 0..depth {
            footer.extend([0x48, 1, b'a', 0x15, 2, 0]);
        }
        footer.extend([0x15, 0, 0x25, 0, 0x18, 1, b'a', 0]);
        // No rows.
        footer.extend([0x16, 0, 0]);
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"PAR1").unwrap();
        file.write_all(&footer).unwrap();
        file.write_all(&(footer.len() as u32).to_le_bytes()).unwrap();
        file.write_all(b"PAR1").unwrap();
        file
    }

    #[test]
    fn columns_within_columns_are_read_up_to_a_depth() {
        for depth in [0, 1, 3, DEPTH_MOST] {
            assert_eq!(refused(&mut nested(depth)).unwrap(), None, "{depth}");
        }
        for depth in [DEPTH_MOST + 1, 100_000] {
            let told = refused(&mut nested(depth)).unwrap();
            assert_eq!(told.as_deref(), Some("columns within columns, more than 64 deep"), "{depth}");
        }
    }

    #[test]
    fn whatever_breaks_off_is_refused_and_what_has_no_footer_is_left_to_the_reader() {
        let mut whole = Vec::new();
        let mut file = nested(3);
        file.rewind().unwrap();
        file.read_to_end(&mut whole).unwrap();
        for cut in 1..whole.len() - 12 {
            let mut bytes = whole[..4 + cut].to_vec();
            bytes.extend((cut as u32).to_le_bytes());
            bytes.extend(b"PAR1");
            let mut file = tempfile::tempfile().unwrap();
            file.write_all(&bytes).unwrap();
            assert!(refused(&mut file).unwrap().is_some(), "{cut}");
        }
        for bytes in [&b""[..], b"PAR1", b"no file of this kind", b"PAR1\xff\xff\xff\xffPAR1"] {
            let mut file = tempfile::tempfile().unwrap();
            file.write_all(bytes).unwrap();
            let told = refused(&mut file).unwrap();
            assert!(told.is_none() || bytes.len() > 8, "{bytes:?}: {told:?}");
        }
    }
}
