//! Characters that are not seen, or that change how others are read, written as their numbers.
//!
//! A file's name is chosen by who hands the file in. Such a character in it can forge a line of a result, command the
//! terminal, turn the direction of writing, or make one name look like another.

use std::fmt::Write;

/// False for controls (Cc), format characters (Cf: what turns the direction of writing, takes no room, or tags others),
/// separators of lines and paragraphs (Zl, Zp), whatever Unicode lets programs leave out when they show text
/// (`Default_Ignorable_Code_Point`: also variation selectors and the fillers of Hangul), and for code points that are no
/// characters. Letters, marks, digits, spaces and symbols of every script are seen.
pub fn is_visible(c: char) -> bool {
    let is_hidden = matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}' | '\u{890}' | '\u{891}'
        | '\u{8e2}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
        | '\u{fdd0}'..='\u{fdef}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
        | '\u{110bd}' | '\u{110cd}' | '\u{13430}'..='\u{1343f}' | '\u{1bca0}'..='\u{1bca3}'
        | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}');
    let is_no_character = u32::from(c) & 0xfffe == 0xfffe;
    !(c.is_control() || is_hidden || is_no_character)
}

/// A character that [`is_visible`] is false for, as `\u{202e}`.
pub fn escape(out: &mut String, c: char) {
    // Writing to a string cannot fail.
    let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
}

/// The text with what is not seen as `\u{202e}`, but for the characters `kept`.
pub fn visible(text: &str, kept: &[char]) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if is_visible(c) || kept.contains(&c) { out.push(c) } else { escape(&mut out, c) }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_point_of_the_classes_is_escaped_and_every_letter_stays() {
        let classes = [
            0..=0x1f,
            0x7f..=0x9f,
            0xad..=0xad,
            0x61c..=0x61c,
            0x180b..=0x180f,
            0x200b..=0x200f,
            0x2028..=0x202e,
            0x2060..=0x206f,
            0xfe00..=0xfe0f,
            0xfeff..=0xfeff,
            0xfff9..=0xfffb,
            0xe0000..=0xe01ef,
        ];
        // Letters that take no room, or show nothing.
        let fillers = ['\u{115f}', '\u{1160}', '\u{3164}', '\u{ffa0}'];
        for c in (0..=u32::from(char::MAX)).filter_map(char::from_u32) {
            let number = u32::from(c);
            if classes.iter().any(|class| class.contains(&number)) {
                assert!(!is_visible(c), "U+{number:04X}");
                assert_eq!(visible(&format!("a{c}b"), &[]), format!("a\\u{{{number:x}}}b"));
            }
            if c.is_alphanumeric() && !fillers.contains(&c) {
                assert!(is_visible(c), "U+{number:04X}");
            }
            if visible(&c.to_string(), &[]) == c.to_string() {
                assert!(is_visible(c));
            }
        }
    }

    #[test]
    fn names_of_every_script_stay_as_they_are() {
        for name in [
            "Ågot Øye",
            "Жук Ωμέγα",
            "李小龍 一二",
            "שלום",
            "مرحبا ١٢٣",
            "नमस्ते",
            "한국어",
            "e\u{301}",
            "🎤 €™",
            "a b\u{a0}c",
        ] {
            assert_eq!(visible(name, &[]), name);
        }
        assert_eq!(visible("a\n\u{1b}[31m\u{202e}gnp.wav", &['\n']), "a\n\\u{1b}[31m\\u{202e}gnp.wav");
        assert_eq!(visible("葛\u{e0100}\u{200d}\u{feff}", &[]), "葛\\u{e0100}\\u{200d}\\u{feff}");
    }
}
