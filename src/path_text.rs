//! Paths as text, and back, without loss.
//!
//! Results, indexes and voice models are text, and paths need not be. Where a name is UTF-8 it stays as it is. A byte
//! that is not part of valid UTF-8 becomes `\xHH` with two upper-case hexadecimal digits; a backslash that could be
//! taken for the beginning of such a group becomes `\x5C`. Different paths have different texts, and `/` stays `/`, so
//! that the text of a path is the texts of its parts.

use std::path::{Path, PathBuf};

/// A path as text; [`path_of`] gives the same path back. Where the system is not Unix, what is not Unicode is replaced.
pub fn text_of(path: &Path) -> String {
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStrExt;
        let mut text = String::new();
        for chunk in path.as_os_str().as_bytes().utf8_chunks() {
            let mut rest = chunk.valid();
            while let Some(at) = rest.find('\\') {
                let (before, from) = rest.split_at(at);
                text.push_str(before);
                text.push_str(if group(from.as_bytes()).is_some() { "\\x5C" } else { "\\" });
                rest = from.get(1..).unwrap_or("");
            }
            text.push_str(rest);
            chunk.invalid().iter().for_each(|byte| text.push_str(&format!("\\x{byte:02X}")));
        }
        text
    }
    #[cfg(not(unix))]
    path.to_string_lossy().into_owned()
}

/// The path of these bytes. Where the system is not Unix, what is not UTF-8 is replaced.
pub(crate) fn path_of_bytes(bytes: &[u8]) -> PathBuf {
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStrExt;
        std::ffi::OsStr::from_bytes(bytes).into()
    }
    #[cfg(not(unix))]
    String::from_utf8_lossy(bytes).into_owned().into()
}

/// The path that a text of [`text_of`] stands for. Groups that it never writes, such as `\x2F`, are taken as they are,
/// so that no text leads where its parts do not.
pub fn path_of(text: &str) -> PathBuf {
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStringExt;
        let mut bytes = Vec::with_capacity(text.len());
        let mut rest = text.as_bytes();
        while let [first, after @ ..] = rest {
            let byte = group(rest).filter(|byte| matches!(byte, 0x5C | 0x80..));
            bytes.push(byte.unwrap_or(*first));
            rest = if byte.is_some() { rest.get(4..).unwrap_or(&[]) } else { after };
        }
        std::ffi::OsString::from_vec(bytes).into()
    }
    #[cfg(not(unix))]
    text.into()
}

/// The byte of a group `\xHH` that begins the bytes.
#[cfg(unix)]
fn group(bytes: &[u8]) -> Option<u8> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    };
    match *bytes {
        [b'\\', b'x', high, low, ..] => Some(digit(high)? << 4 | digit(low)?),
        _ => None,
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::os::unix::ffi::OsStringExt;

    fn path(bytes: &[u8]) -> PathBuf {
        std::ffi::OsString::from_vec(bytes.into()).into()
    }

    #[test]
    fn names_are_as_readable_as_their_bytes_allow() {
        for (bytes, text) in [
            (&b"anna/01.wav"[..], "anna/01.wav"),
            ("Grüße.wav".as_bytes(), "Grüße.wav"),
            (b"x\xFF.wav", "x\\xFF.wav"),
            (b"\xC3", "\\xC3"),
            (b"a\\b", "a\\b"),
            (b"\\xFF", "\\x5CxFF"),
            (b"\\\\x5C\\xff", "\\\\x5Cx5C\\xff"),
            (b"\\\xFF", "\\\\xFF"),
        ] {
            assert_eq!(text_of(&path(bytes)), text);
            assert_eq!(path_of(text), path(bytes));
        }
    }

    #[test]
    fn no_text_leads_out_of_its_parts() {
        for text in ["\\x2E\\x2E\\x2Fa", "\\x00", "\\x41"] {
            assert_eq!(path_of(text), PathBuf::from(text));
        }
    }

    /// Bytes that are hard: any, and those that groups are made of.
    fn bytes() -> impl Strategy<Value = Vec<u8>> {
        let byte = prop_oneof![any::<u8>(), prop::sample::select(b"\\x5CF/\xFF\xC3\xA9".to_vec())];
        prop::collection::vec(byte, 0..40)
    }

    proptest! {
        #[test]
        fn every_path_comes_back_and_no_two_share_a_text(a in bytes(), b in bytes()) {
            let (a, b) = (path(&a), path(&b));
            prop_assert_eq!(path_of(&text_of(&a)), a.clone());
            prop_assert_eq!(text_of(&a) == text_of(&b), a == b);
            let parts = format!("{}/{}", text_of(&a), text_of(&b));
            prop_assert_eq!(path_of(&parts), path(&[a.into_os_string().into_vec(), b"/".to_vec(), b.into_os_string().into_vec()].concat()));
        }
    }
}
