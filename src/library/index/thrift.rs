//! Numbers, lists and structures in the compact protocol of Thrift, in which the heads of Parquet files are written.

/// Values within values that are read over.
const NESTING_MOST: usize = 16;
/// Types of values, by the protocol.
pub(super) const LIST: u8 = 9;
pub(super) const STRUCT: u8 = 12;

/// What is left to be read. Every step is none where it breaks off.
pub(super) struct Thrift<'a> {
    pub rest: &'a [u8],
}

impl Thrift<'_> {
    /// Number and type of the next field of a structure; the inner none is its end.
    pub fn field(&mut self, before: i64) -> Option<Option<(i64, u8)>> {
        let byte = self.byte()?;
        if byte == 0 {
            return Some(None);
        }
        let number = match byte >> 4 {
            0 => self.integer()?,
            step => before.saturating_add(i64::from(step)),
        };
        Some(Some((number, byte & 15)))
    }

    /// Length of a list and type of its values.
    pub fn list(&mut self) -> Option<(u64, u8)> {
        let byte = self.byte()?;
        let count = if byte >> 4 == 15 { self.number()? } else { u64::from(byte >> 4) };
        Some((count, byte & 15))
    }

    /// Reads over a value.
    pub fn skip(&mut self, kind: u8) -> Option<()> {
        self.skip_within(kind, NESTING_MOST)
    }

    fn skip_within(&mut self, kind: u8, nesting: usize) -> Option<()> {
        let inside = nesting.checked_sub(1)?;
        match kind {
            // What is true or false stands in the type.
            1 | 2 => Some(()),
            3 => self.bytes(1),
            4..=6 => self.number().map(drop),
            7 => self.bytes(8),
            8 => {
                let len = self.number()?;
                self.bytes(len)
            }
            LIST | 10 => {
                let (count, kind) = self.list()?;
                (0..count).try_for_each(|_| if kind <= 2 { self.bytes(1) } else { self.skip_within(kind, inside) })
            }
            STRUCT => {
                let mut id = 0;
                while let Some((field, kind)) = self.field(id)? {
                    id = field;
                    self.skip_within(kind, inside)?;
                }
                Some(())
            }
            _ => None,
        }
    }

    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }

    fn bytes(&mut self, count: u64) -> Option<()> {
        self.rest = self.rest.get(usize::try_from(count).ok()?..)?;
        Some(())
    }

    /// An unsigned number in groups of seven bits.
    fn number(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..70).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7F).checked_shl(shift).unwrap_or(0);
            if byte < 0x80 {
                return Some(number);
            }
        }
        None
    }

    /// A signed number, whose lowest bit is its sign.
    pub fn integer(&mut self) -> Option<i64> {
        let number = self.number()?;
        Some((number >> 1) as i64 ^ -((number & 1) as i64))
    }
}
