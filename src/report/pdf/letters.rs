//! Signs that cannot be set, or that would not be seen, written as their numbers.
//!
//! A PDF/A file must not hold a sign that its typefaces lack. And in evidence a sign that turns the direction of
//! writing, or that takes no room, must be seen: it can make one file's name look like another's.

use super::world::has_glyph;
use crate::visible::is_visible;
use std::fmt::Write;

/// How many signs are written as numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Care {
    /// Those that no typeface has, and those that are not seen.
    Usual,
    /// Beside these, all that are put together of several or belong to no alphabet of Europe.
    Great,
}

/// The text with such signs as `[U+202E]`, and whether there were any. Ends of lines stay; a tabulator is a space.
pub(super) fn spelled(text: &str, care: Care) -> (String, bool) {
    let mut out = String::with_capacity(text.len());
    let mut any = false;
    for sign in text.chars() {
        match sign {
            '\n' | ' '..='~' => out.push(sign),
            '\t' => out.push(' '),
            sign if is_seen(sign) && has_glyph(sign) && (care == Care::Usual || is_simple(sign)) => out.push(sign),
            sign => {
                any = true;
                // Writing to a string cannot fail.
                let _ = write!(out, "[U+{:04X}]", u32::from(sign));
            }
        }
    }
    (out, any)
}

/// False also for what has no agreed form.
fn is_seen(sign: char) -> bool {
    is_visible(sign) && !matches!(sign, '\u{e000}'..='\u{f8ff}' | '\u{fffc}' | '\u{f0000}'..)
}

/// Letters of Latin, Greek and Cyrillic, and the signs of print and of arithmetic.
fn is_simple(sign: char) -> bool {
    matches!(sign, '\u{a0}'..='\u{24f}' | '\u{370}'..='\u{3ff}' | '\u{400}'..='\u{481}' | '\u{2010}'..='\u{2027}'
        | '\u{202f}'..='\u{203a}' | '\u{2200}'..='\u{22ff}' | '€' | '™')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_set_or_seen_is_a_number() {
        for plain in ["", "a [b] #c *d* $e$\n", "Ågot Øye − 5 ≥ 3 µ ∞ …", "Жук Ωμέγα", "e\u{301}"] {
            assert_eq!(spelled(plain, Care::Usual), (plain.into(), false));
        }
        for (hidden, shown) in [
            ("a\u{202e}b", "a[U+202E]b"),
            ("\u{0}\u{1b}[0m\r", "[U+0000][U+001B][0m[U+000D]"),
            ("李.wav", "[U+674E].wav"),
            ("\u{1f3a4}\u{200d}", "[U+1F3A4][U+200D]"),
            ("\u{e000}\u{ffff}\u{e0041}\u{10ffff}", "[U+E000][U+FFFF][U+E0041][U+10FFFF]"),
        ] {
            assert_eq!(spelled(hidden, Care::Usual), (shown.into(), true));
        }
        assert_eq!(spelled("a\tb", Care::Usual), ("a b".into(), false));
        assert_eq!(spelled("Жé−e\u{301}", Care::Great), ("Жé−e[U+0301]".into(), true));
    }
}
