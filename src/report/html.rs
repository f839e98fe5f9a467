//! A document as one HTML page: no script, nothing from elsewhere, the same on a screen, a phone and paper.
//!
//! Every text is escaped on its way in, and the page forbids itself to load or run anything (its content security
//! policy), so that what a file's name holds stays a name.

use super::document::{Answer, Block, Document, Figure, Pair, Section, Sound, Table};
use crate::visible::is_visible;
use ct_codecs::{Base64, Encoder};
use maud::{DOCTYPE, Markup, PreEscaped, html};

const STYLE: &str = include_str!("page.css");
/// What the page may do: show its own style, pictures and sounds that lie in it, and nothing else.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; media-src data:";

/// The page of a document.
pub fn html(document: &Document) -> String {
    let contents = document.sections.iter().skip(1);
    html! {
        (DOCTYPE)
        html lang=(visible(&document.language)) {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="generator" content={ "soundalike " (crate::VERSION) };
                title { (visible(&document.title)) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header {
                    h1 { (visible(&document.title)) }
                    (pairs(&document.facts))
                }
                main {
                    @for (i, part) in document.sections.iter().enumerate() {
                        (section(part))
                        @if i == 0 && document.sections.len() > 2 {
                            nav aria-label=(visible(&document.contents)) {
                                h2 { (visible(&document.contents)) }
                                ol {
                                    @for part in contents.clone() {
                                        li { a href={ "#" (visible(&part.id)) } { (visible(&part.title)) } }
                                    }
                                }
                            }
                        }
                    }
                }
                footer { (visible(&document.footer)) }
            }
        }
    }
    .into_string()
}

/// Text without what must not be in a page: control characters are shown as signs, and what else is not seen, or turns
/// the direction of writing, as its number, so that a file's name reads as it is.
fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\t' => shown.push(c),
            '\u{0}'..='\u{1f}' => shown.push(char::from_u32(0x2400 + u32::from(c)).unwrap_or('\u{fffd}')),
            '\u{7f}' => shown.push('\u{2421}'),
            '\u{80}'..='\u{9f}' | '\u{fffe}' | '\u{ffff}' => shown.push('\u{fffd}'),
            c if is_visible(c) => shown.push(c),
            c => shown.push_str(&format!("[U+{:04X}]", u32::from(c))),
        }
    }
    shown
}

fn section(part: &Section) -> Markup {
    let class = if part.new_page { "new-page" } else { "" };
    html! {
        section id=(visible(&part.id)) class=[(!class.is_empty()).then_some(class)] {
            h2 { (visible(&part.title)) }
            @for part in &part.blocks { (block(part)) }
        }
    }
}

fn block(block: &Block) -> Markup {
    match block {
        Block::Heading { text } => html! { h3 { (visible(text)) } },
        Block::Paragraph { text } => html! { p { (visible(text)) } },
        Block::Quote { text } => html! { blockquote { p { (visible(text)) } } },
        Block::Caution { text } => html! { p.caution { (visible(text)) } },
        Block::List { items } => html! { ul { @for item in items { li { (visible(item)) } } } },
        Block::Pairs { pairs: all } => pairs(all),
        Block::Answers { answers } => html! { div.answers { @for answer in answers { (framed(answer)) } } },
        Block::Table(all) => table(all),
        Block::Figures { figures } => html! { div.figures { @for one in figures { (figure(one)) } } },
        Block::Sounds { sounds } => html! { div.figures.sounds { @for one in sounds { (sound(one)) } } },
        Block::Verbatim { text } => html! { pre { (visible(text)) } },
    }
}

fn pairs(pairs: &[Pair]) -> Markup {
    html! { dl { @for pair in pairs { dt { (visible(&pair.name)) } dd { (visible(&pair.value)) } } } }
}

fn framed(answer: &Answer) -> Markup {
    html! {
        section {
            h3 { (visible(&answer.title)) }
            p.value { (visible(&answer.value)) }
            @if !answer.text.is_empty() { p { (visible(&answer.text)) } }
            @if !answer.note.is_empty() { p.note { (visible(&answer.note)) } }
        }
    }
}

fn table(table: &Table) -> Markup {
    let class = |i: usize| match table.columns.get(i) {
        Some(column) if column.numeric => Some("number"),
        Some(column) if column.code => Some("code"),
        _ => None,
    };
    // A wide table scrolls by itself, also by the keyboard.
    html! {
        div.scroll tabindex="0" role="region" aria-label=(visible(&table.caption)) {
            table {
                caption { (visible(&table.caption)) }
                thead { tr { @for (i, column) in table.columns.iter().enumerate() {
                    th scope="col" class=[class(i).filter(|class| *class == "number")] { (visible(&column.title)) }
                } } }
                tbody { @for row in &table.rows { tr { @for (i, cell) in row.iter().enumerate() {
                    @if i == 0 { th scope="row" class=[class(i)] { (visible(cell)) } }
                    @else { td class=[class(i)] { (visible(cell)) } }
                } } } }
            }
        }
    }
}

fn figure(figure: &Figure) -> Markup {
    // The picture's own title and description are its text alternative.
    html! { figure { (PreEscaped(&figure.svg)) figcaption { (visible(&figure.caption)) } } }
}

fn sound(sound: &Sound) -> Markup {
    let source = format!("data:audio/wav;base64,{}", Base64::encode_to_string(&sound.wav).unwrap_or_default());
    html! {
        figure {
            audio controls preload="metadata" aria-label=(visible(&sound.caption)) src=(source) {}
            figcaption { (visible(&sound.caption)) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::document::Column;
    use super::*;

    const HOSTILE: &str = "<script>alert(1)</script>\"'&<img src=x onerror=alert(1)>\u{1b}[31m\u{202e}\u{0}";

    fn every_block(text: &str) -> Document {
        let own = || text.to_string();
        let blocks = vec![
            Block::heading(own()),
            Block::paragraph(own()),
            Block::Quote { text: own() },
            Block::Caution { text: own() },
            Block::List { items: vec![own()] },
            Block::Pairs { pairs: vec![Pair::new(own(), own())] },
            Block::Answers { answers: vec![Answer { title: own(), value: own(), text: own(), note: own() }] },
            Block::Table(Table {
                caption: own(),
                columns: vec![Column::text(own()), Column::number(own()), Column::code(own())],
                rows: vec![vec![own(), own(), own()]],
            }),
            Block::Sounds { sounds: vec![Sound { caption: own(), wav: vec![0; 44] }] },
            Block::Verbatim { text: own() },
        ];
        let part = |id: &str| Section { id: id.into(), title: own(), new_page: true, blocks: blocks.clone() };
        Document {
            language: own(),
            title: own(),
            facts: vec![Pair::new(own(), own())],
            footer: own(),
            contents: own(),
            sections: vec![part("a"), part("b"), part("c")],
        }
    }

    #[test]
    fn whatever_a_text_holds_it_stays_a_text() {
        let page = html(&every_block(HOSTILE));
        assert!(
            !page.contains("<script") && !page.contains("<img") && !page.contains('\u{1b}') && !page.contains('\0')
        );
        assert!(!page.contains('\u{202e}') && page.contains("[U+202E]"), "the direction of writing is not turned");
        assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;"));
        assert!(page.contains(&format!("content=\"{POLICY}\"")), "{page:.900}");
    }

    #[test]
    fn nothing_on_the_page_comes_from_elsewhere() {
        let page = html(&every_block("text"));
        for address in ["http://", "https://", "//cdn", "@import", "url("] {
            assert!(!page.contains(address), "{address}");
        }
        assert_eq!(page.matches("src=\"data:audio/wav;base64,").count(), 3);
        assert_eq!(page.matches("<h1>").count(), 1);
        assert!(page.contains("<a href=\"#b\">") && page.contains("<section id=\"b\" class=\"new-page\">"));
    }
}
