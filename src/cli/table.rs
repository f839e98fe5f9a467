//! Plain tables: columns as wide as their content, numbers to the right; and lines of CSV.

use soundalike::visible::{escape, is_visible};

/// Lays out rows under a header. Columns whose header starts with a space are set to the right.
pub fn table(header: &[&str], rows: &[Vec<String>]) -> String {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
        cells.chain(header.get(column).map(|h| h.trim().chars().count())).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..header.len()).map(width).collect();
    let line = |cells: &mut dyn Iterator<Item = &str>| {
        let mut text = String::new();
        for ((cell, width), head) in cells.zip(&widths).zip(header) {
            let pad = " ".repeat(width.saturating_sub(cell.chars().count()));
            let cell = if head.starts_with(' ') { pad + cell } else { cell.to_string() + &pad };
            text.push_str(&cell);
            text.push_str("  ");
        }
        text.trim_end().to_string() + "\n"
    };
    let mut text = line(&mut header.iter().map(|h| h.trim()));
    for row in rows {
        text.push_str(&line(&mut row.iter().map(String::as_str)));
    }
    text
}

/// A figure with so many decimals, or a dash where there is none.
pub fn figure(value: Option<f32>, decimals: usize) -> String {
    value.map_or_else(|| "-".into(), |v| format!("{v:.decimals$}"))
}

/// A line of CSV (RFC 4180, with line feeds). Cells with a semicolon are quoted too, which some spreadsheets take for the
/// separator.
pub fn csv_line(cells: impl Iterator<Item = String>) -> String {
    let quoted = |cell: String| {
        if cell.contains([',', ';', '"', '\n', '\r']) { format!("\"{}\"", cell.replace('"', "\"\"")) } else { cell }
    };
    cells.map(quoted).collect::<Vec<_>>().join(",") + "\n"
}

/// Text from outside as a cell of CSV, from which the text can be had again.
///
/// What is not seen is written as `\u{202e}`, and a backslash before `u{` as `\u{5c}`. What a spreadsheet would take
/// for a formula gets an apostrophe before it, by which spreadsheets know text; so does such a text with apostrophes
/// before it.
pub fn csv_text(text: &str) -> String {
    const FORMULA: [char; 8] = ['=', '+', '-', '@', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}'];
    let mut cell = String::with_capacity(text.len() + 1);
    if text.trim_start_matches('\'').starts_with(FORMULA) {
        cell.push('\'');
    }
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        let is_no_escape = c == '\\' && rest.as_str().starts_with("u{");
        if is_no_escape || !is_visible(c) { escape(&mut cell, c) } else { cell.push(c) }
    }
    cell
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The text of a cell.
    fn text_of(cell: &str) -> String {
        let formula = ['=', '+', '-', '@', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}'];
        let is_marked = cell.starts_with('\'') && cell.trim_start_matches('\'').starts_with(formula);
        let mut rest = if is_marked { &cell[1..] } else { cell };
        let mut text = String::new();
        while let Some(at) = rest.find("\\u{") {
            let (number, behind) = rest[at + 3..].split_once('}').unwrap();
            text.push_str(&rest[..at]);
            text.push(char::from_u32(u32::from_str_radix(number, 16).unwrap()).unwrap());
            rest = behind;
        }
        text + rest
    }

    #[test]
    fn a_cell_is_harmless_and_gives_its_text_again() {
        for (text, cell) in [
            ("a.wav", "a.wav"),
            ("=1+1", "'=1+1"),
            ("'=1+1", "''=1+1"),
            ("'a", "'a"),
            ("@x", "'@x"),
            ("\u{ff1d}1", "'\u{ff1d}1"),
            ("\t=1", "\\u{9}=1"),
            ("a\u{202e}b", "a\\u{202e}b"),
            ("a\\u{202e}b", "a\\u{5c}u{202e}b"),
            ("C:\\new\\users", "C:\\new\\users"),
            ("\\\\u{", "\\\\u{5c}u{"),
        ] {
            assert_eq!(csv_text(text), cell);
            assert_eq!(text_of(cell), text);
        }
        let line = csv_line(["a;b", "c,\"d\"", "e"].into_iter().map(String::from));
        assert_eq!(line, "\"a;b\",\"c,\"\"d\"\"\",e\n");
    }
}
