//! Plain tables: columns as wide as their content, numbers to the right.

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

/// Text from outside as a cell of CSV: what a spreadsheet would take for a formula gets an apostrophe before it, by
/// which spreadsheets know text.
pub fn harmless(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text.into() }
}
