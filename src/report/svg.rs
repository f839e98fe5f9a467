//! Words and numbers on their way into SVG.
//!
//! Labels and names come from outside, so they are made harmless here, once for all charts; numbers have a fixed form,
//! so that a chart is the same to the byte wherever it is drawn.

use crate::visible::is_visible;
use std::f64::consts::LN_10;

/// A natural logarithm as a decimal one.
pub(super) fn log10(natural: f64) -> f64 {
    natural / LN_10
}

/// Text for between tags or in an attribute: markup is escaped; what XML forbids and what is not seen is left out.
pub(super) fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c if is_visible(c) => safe.push(c),
            _ => {}
        }
    }
    safe
}

/// Width of text in characters of an alphabet; those of East Asia are twice as wide.
pub(super) fn width(text: &str) -> usize {
    text.chars().map(columns).sum()
}

fn columns(c: char) -> usize {
    if c < '\u{1100}' || ('\u{2000}'..'\u{2e80}').contains(&c) { 1 } else { 2 }
}

/// At most so many characters by width, with an ellipsis where some are missing.
pub(super) fn shortened(text: &str, limit: usize) -> String {
    if width(text) <= limit {
        return text.into();
    }
    let mut used = 1;
    let fits = |c: &char| {
        used += columns(*c);
        used <= limit
    };
    text.chars().take_while(fits).chain(['…']).collect()
}

/// Lines of at most so many characters, broken between words where that can be.
pub(super) fn wrapped(text: &str, limit: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    // A space that must not break is none for `split`.
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= limit => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(shortened(word, limit)),
        }
    }
    lines
}

/// A number with so many decimals and a true minus sign; never a negative zero.
pub(super) fn fixed(number: f64, decimals: usize) -> String {
    if number.is_nan() {
        return "unknown".into();
    }
    let digits = if number.is_infinite() { "∞".into() } else { format!("{:.decimals$}", number.abs()) };
    let negative = number < 0.0 && digits.chars().any(|c| c != '0' && c != '.');
    if negative { format!("−{digits}") } else { digits }
}

/// A rate in per cent: two decimals below ten, one above.
pub(super) fn percent(rate: f64) -> String {
    format!("{}\u{a0}%", fixed(100.0 * rate, if rate < 0.1 { 2 } else { 1 }))
}

/// A count with its thousands apart from ten thousand on.
pub(super) fn count(number: usize) -> String {
    let digits = number.to_string();
    if digits.len() < 5 {
        return digits;
    }
    let mut spaced = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            spaced.push('\u{a0}');
        }
        spaced.push(digit);
    }
    spaced
}

/// Fails unless the text is one well-formed element: tags nest, attributes are quoted, entities are known ones.
#[cfg(test)]
pub(super) fn assert_well_formed(xml: &str) {
    let mut open: Vec<String> = Vec::new();
    let mut rest = xml.trim();
    assert!(rest.starts_with("<svg "), "{rest:.60}");
    let text_is_fine = |text: &str| {
        assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "control character in {text:?}");
        let known = ["amp;", "lt;", "gt;", "quot;", "#39;"];
        assert!(text.split('&').skip(1).all(|part| known.iter().any(|k| part.starts_with(k))), "entity in {text}");
    };
    while let Some(start) = rest.find('<') {
        text_is_fine(&rest[..start]);
        let end = start + rest[start..].find('>').expect("a tag ends");
        let tag = &rest[start + 1..end];
        assert!(!tag.contains('<'), "{tag}");
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop().as_deref(), Some(name));
        } else {
            let attributes = tag.split_once(' ').map_or("", |(_, rest)| rest);
            assert_eq!(attributes.matches('"').count() % 2, 0, "{tag}");
            assert!(!attributes.contains('\''), "{tag}");
            text_is_fine(attributes);
            if !tag.ends_with('/') {
                open.push(tag.split(' ').next().unwrap().into());
            }
        }
        rest = &rest[end + 1..];
        assert!(!open.is_empty() || rest.is_empty(), "one root element");
    }
    assert!(open.is_empty() && rest.is_empty(), "{open:?} {rest:?}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_outside_is_harmless() {
        assert_eq!(escaped("<b a=\"1\">&'"), "&lt;b a=&quot;1&quot;&gt;&amp;&#39;");
        assert_eq!(escaped("a\u{0}\u{1b}[31m\n\u{202e}b\u{ffff}"), "a[31mb");
        assert_eq!(escaped("Ågot Øye 李"), "Ågot Øye 李");
    }

    #[test]
    fn long_text_is_cut_or_broken() {
        assert_eq!(shortened("abcdef", 6), "abcdef");
        assert_eq!(shortened("abcdefg", 6), "abcde…");
        assert_eq!(shortened("李小龍一二", 6), "李小…");
        assert_eq!(wrapped("one two three four", 9), ["one two", "three", "four"]);
        assert_eq!(wrapped("", 9), [""]);
    }

    #[test]
    fn numbers_have_one_form() {
        assert_eq!(fixed(-1.25, 1), "−1.2");
        assert_eq!(fixed(-0.001, 2), "0.00");
        assert_eq!(fixed(f64::NEG_INFINITY, 2), "−∞");
        assert_eq!(fixed(f64::NAN, 2), "unknown");
        assert_eq!(percent(0.012_34), "1.23\u{a0}%");
        assert_eq!(percent(0.5), "50.0\u{a0}%");
        assert_eq!([count(9_999), count(10_000), count(1_234_567)], ["9999", "10\u{a0}000", "1\u{a0}234\u{a0}567"]);
    }
}
