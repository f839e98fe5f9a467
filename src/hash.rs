//! Hashes as text, in the one form in which everything here tells them, and reading what is hashed.

use sha2::{Digest, Sha256};
use std::fmt::Write;
use std::io::{self, Read};

/// A hash, or any bytes, as lower-case hexadecimal digits.
pub(crate) fn hex(bytes: impl AsRef<[u8]>) -> String {
    bytes.as_ref().iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// SHA-256 of bytes.
pub(crate) fn sha256_of(bytes: impl AsRef<[u8]>) -> String {
    hex(Sha256::digest(bytes))
}

/// The next portion of what is read, as much as there is at once; empty at its end. A signal does not end it.
pub(crate) fn portion<'a>(from: &mut impl Read, buffer: &'a mut [u8]) -> io::Result<&'a [u8]> {
    loop {
        match from.read(buffer) {
            Ok(count) => return Ok(buffer.get(..count).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// SHA-256 of what is read, up to its end.
pub(crate) fn sha256(from: &mut impl Read) -> io::Result<String> {
    let (mut hasher, mut buffer) = (Sha256::new(), vec![0u8; 1 << 16]);
    loop {
        match portion(from, &mut buffer)? {
            [] => return Ok(hex(hasher.finalize())),
            bytes => hasher.update(bytes),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Is interrupted before each byte, and fails after the last where it is told to.
    struct Restless(Vec<u8>, bool, Option<io::ErrorKind>);

    impl Read for Restless {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.1 = !self.1;
            if self.1 {
                return Err(io::ErrorKind::Interrupted.into());
            }
            match (self.0.is_empty(), self.2) {
                (true, Some(kind)) => Err(kind.into()),
                (true, None) => Ok(0),
                (false, _) => {
                    buffer[0] = self.0.remove(0);
                    Ok(1)
                }
            }
        }
    }

    #[test]
    fn a_signal_does_not_end_what_is_read_and_another_error_does() {
        let mut buffer = [0; 8];
        let mut whole = Restless(vec![1, 2], false, None);
        assert_eq!(portion(&mut whole, &mut buffer).unwrap(), [1]);
        assert_eq!(portion(&mut whole, &mut buffer).unwrap(), [2]);
        assert!(portion(&mut whole, &mut buffer).unwrap().is_empty());
        let mut broken = Restless(vec![1], false, Some(io::ErrorKind::PermissionDenied));
        assert_eq!(portion(&mut broken, &mut buffer).unwrap(), [1]);
        assert_eq!(portion(&mut broken, &mut buffer).unwrap_err().kind(), io::ErrorKind::PermissionDenied);
    }
}
