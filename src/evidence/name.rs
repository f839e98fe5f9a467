//! Names that can be unpacked anywhere without leaving the folder or hitting each other.
//!
//! A name from outside may be absolute, climb with `..`, name a drive or a device, hold control characters, or be the
//! same file as another one on a system that does not tell upper from lower case or composed from decomposed letters.
//! [`safe_name`] makes such a name harmless and leaves a harmless one as it is; [`SafeNames`] keeps several apart.

use std::collections::BTreeSet;
use unicode_normalization::UnicodeNormalization;

/// Longest part of a safe name between two slashes, bytes; common file systems take 255.
pub const MAX_PART_BYTES: usize = 200;
/// Most parts of a safe name; what is more is cut off at the front.
pub const MAX_PARTS: usize = 16;

/// The name in a form that no system takes for anything but a file below the folder it is unpacked into.
///
/// Parts are separated by `/` or `\`; empty ones, `.` and `..` are left out. Control and invisible format characters,
/// and `< > : " | ? * %`, become `_` (`%` because programs disagree on how BagIt writes it). Letters are composed
/// (Unicode NFC). Stops and spaces at the ends of a part become `_`, and one that Windows keeps for a device, such as
/// `con` or `com1.wav`, gets `_` before it. Long parts are cut, with their ending kept. What is safe already stays the
/// same.
pub fn safe_name(name: &str) -> String {
    let parts: Vec<String> =
        name.split(['/', '\\']).filter(|part| !matches!(*part, "" | "." | "..")).map(safe_part).collect();
    let from = parts.len().saturating_sub(MAX_PARTS);
    match parts.get(from..) {
        Some([]) | None => "_".into(),
        Some(parts) => parts.join("/"),
    }
}

/// True of a name that [`safe_name`] would not change.
pub fn is_safe(name: &str) -> bool {
    safe_name(name) == name
}

fn safe_part(part: &str) -> String {
    let composed: String = part.nfc().map(|c| if is_harmful(c) { '_' } else { c }).collect();
    let mut part = shortened(&composed);
    let kept = part.trim_end_matches(['.', ' ']);
    let lost = part.len() - kept.len();
    part = format!("{kept}{}", "_".repeat(lost));
    if part.starts_with(' ') {
        part.replace_range(..1, "_");
    }
    if is_device(&part) { safe_part(&format!("_{part}")) } else { part }
}

fn is_harmful(c: char) -> bool {
    c.is_control()
        || matches!(c, '<' | '>' | ':' | '"' | '|' | '?' | '*' | '%' | '\\' | '/')
        // Invisible ones, and those that turn the direction of writing.
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
        || matches!(c, '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff0}'..='\u{ffff}' | '\u{e0000}'..='\u{e0fff}')
}

/// Cut to the longest part, with a short ending kept.
fn shortened(part: &str) -> String {
    if part.len() <= MAX_PART_BYTES {
        return part.into();
    }
    let ending = part.rfind('.').map(|at| part.split_at(at).1).filter(|ending| ending.len() <= 16).unwrap_or("");
    let mut room = MAX_PART_BYTES - ending.len();
    while !part.is_char_boundary(room) {
        room -= 1;
    }
    // A cut may part a letter from its accent, which then composes with nothing: the result stays composed.
    format!("{}{ending}", part.split_at(room).0)
}

/// Names that Windows keeps for devices, whatever their ending.
fn is_device(part: &str) -> bool {
    let stem = part.split('.').next().unwrap_or(part).trim_end();
    let stem: String = stem.nfkc().collect::<String>().to_ascii_uppercase();
    let numbered = |name: &str| {
        stem.strip_prefix(name).is_some_and(|n| n.len() == 1 && n.bytes().all(|digit| digit.is_ascii_digit()))
    };
    matches!(stem.as_str(), "CON" | "PRN" | "AUX" | "NUL" | "CONIN$" | "CONOUT$" | "CLOCK$")
        || numbered("COM")
        || numbered("LPT")
}

/// What two names share that some system takes for one: without regard to case and to the form of letters.
fn key(name: &str) -> String {
    let folded: String = name.nfkc().flat_map(char::to_uppercase).flat_map(char::to_lowercase).collect();
    folded.nfkc().collect()
}

/// Names that were given out, none of which is another one on any system.
#[derive(Clone, Debug, Default)]
pub struct SafeNames {
    files: BTreeSet<String>,
    folders: BTreeSet<String>,
}

impl SafeNames {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// A safe name like `name` that is not taken, and takes it. Where it is, a part gets `~2`, `~3` and so on.
    pub fn take(&mut self, name: &str) -> String {
        let safe = safe_name(name);
        let (folders, file) = safe.rsplit_once('/').map_or((None, safe.as_str()), |(above, file)| (Some(above), file));
        let mut path = String::new();
        for part in folders.into_iter().flat_map(|folders| folders.split('/')) {
            path = free(&path, part, |key| !self.files.contains(key));
            self.folders.insert(key(&path));
        }
        let path = free(&path, file, |key| !self.files.contains(key) && !self.folders.contains(key));
        self.files.insert(key(&path));
        path
    }

    /// Takes a name as it is; false where it is not safe or is taken.
    pub(crate) fn claim(&mut self, name: &str) -> bool {
        is_safe(name) && self.take(name) == name
    }
}

/// The part below a path, numbered until it is free.
fn free(above: &str, part: &str, is_free: impl Fn(&str) -> bool) -> String {
    let below = |part: &str| if above.is_empty() { part.to_string() } else { format!("{above}/{part}") };
    let whole = below(part);
    if is_free(&key(&whole)) {
        return whole;
    }
    let (stem, ending) = match part.rfind('.') {
        Some(at) if at > 0 => part.split_at(at),
        _ => (part, ""),
    };
    let mut numbered = (2u64..).map(|n| {
        let ending = format!("~{n}{ending}");
        let mut room = stem.len().min(MAX_PART_BYTES.saturating_sub(ending.len()));
        while !stem.is_char_boundary(room) {
            room -= 1;
        }
        below(&format!("{}{ending}", stem.split_at(room).0))
    });
    // There are more numbers than names.
    numbered.find(|name| is_free(&key(name))).unwrap_or(whole)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_that_could_leave_the_folder_stay_in_it() {
        for (name, safe) in [
            ("clips/01.wav", "clips/01.wav"),
            ("/etc/passwd", "etc/passwd"),
            ("../../x", "x"),
            ("a/../../b", "a/b"),
            ("C:\\voices\\a.wav", "C_/voices/a.wav"),
            ("\\\\server\\share\\x", "server/share/x"),
            ("a\nb\u{1b}[31m.wav", "a_b_[31m.wav"),
            ("con", "_con"),
            ("a/Com1.wav", "a/_Com1.wav"),
            ("lpt\u{b9}.txt", "_lpt\u{b9}.txt"),
            ("ends. .", "ends___"),
            ("100%.wav", "100_.wav"),
            ("gnp\u{202e}vaw.exe", "gnp_vaw.exe"),
            ("Jose\u{301}.wav", "Jos\u{e9}.wav"),
            ("", "_"),
            ("..", "_"),
            ("//", "_"),
        ] {
            assert_eq!(safe_name(name), safe, "{name:?}");
        }
        let long = format!("{}.wav", "\u{448}".repeat(300));
        let safe = safe_name(&long);
        assert!(safe.len() <= MAX_PART_BYTES && safe.ends_with(".wav") && is_safe(&safe));
        assert_eq!(safe_name(&"a/".repeat(99)).split('/').count(), MAX_PARTS);
    }

    #[test]
    fn names_that_some_system_takes_for_one_are_kept_apart() {
        let mut names = SafeNames::new();
        for (name, given) in [
            ("A/x.wav", "A/x.wav"),
            ("a/X.wav", "a/X~2.wav"),
            ("jos\u{e9}", "jos\u{e9}"),
            ("JOSE\u{301}", "JOS\u{c9}~2"),
            ("x/../A\\X.WAV", "x/A/X.WAV"),
            ("a", "a~2"),
            ("a/x.wav/y", "a/x~3.wav/y"),
            ("jos\u{e9}/y", "jos\u{e9}~3/y"),
            ("stra\u{df}e", "stra\u{df}e"),
            ("STRASSE", "STRASSE~2"),
            (".wav", ".wav"),
            (".WAV", ".WAV~2"),
        ] {
            assert_eq!(names.take(name), given, "{name:?}");
        }
        assert!(!names.claim("A/x.WAV") && !names.claim("../q") && names.claim("q"));
    }

    proptest! {
        #[test]
        fn any_name_becomes_safe_and_stays_so(name in "(\\PC|[./\\\\:%\u{0}-\u{20}\u{300}-\u{36f}]|com1|nul){0,60}", others in prop::collection::vec("[aA./~2e\u{301}\u{e9}]{0,6}", 0..12)) {
            let safe = safe_name(&name);
            prop_assert_eq!(&safe_name(&safe), &safe);
            prop_assert!(!safe.starts_with('/') && safe.split('/').all(|part| !matches!(part, "" | "." | "..")));
            prop_assert!(!safe.chars().any(|c| c.is_control() || c == '\\' || c == ':'));
            let mut names = SafeNames::new();
            let given: Vec<String> = others.iter().map(|name| names.take(name)).collect();
            prop_assert!(given.iter().all(|name| is_safe(name)), "{:?}", given);
            let keys: BTreeSet<String> = given.iter().map(|name| key(name)).collect();
            prop_assert_eq!(keys.len(), given.len());
            for name in &given {
                prop_assert!(!keys.iter().any(|other| other.starts_with(&format!("{}/", key(name)))), "{:?}", given);
            }
        }
    }
}
