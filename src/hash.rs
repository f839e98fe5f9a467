//! Hashes as text, in the one form in which everything here tells them.

use std::fmt::Write;

/// A hash, or any bytes, as lower-case hexadecimal digits.
pub(crate) fn hex(bytes: impl AsRef<[u8]>) -> String {
    bytes.as_ref().iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
