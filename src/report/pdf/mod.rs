//! A document as a PDF file that can be kept: PDF/A-3b, on A4, with the data it was made from attached.
//!
//! The pages are set by the library typst from one fixed template, `report.typ`. The document reaches it as data, so
//! that no text in it is ever read as markup. The typefaces are built in; there is no network, no file system and no
//! clock, so that the same document gives the same bytes, and the date that PDF/A-3 demands of an attached file is
//! always 1 January 1970, which the last page says.
//!
//! Signs that the typefaces lack, such as those of China, and signs that would not be seen stand in the text as numbers
//! (`[U+674E]`), and then the last page says so; [`Attachment`]s hold every sign as it is.

mod letters;
mod world;

use super::document::Document;
use crate::error::{Error, ErrorKind, Result};
use crate::hash::hex;
use letters::{Care, spelled};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use typst::diag::{SourceDiagnostic, Warned};
use typst::foundations::{Bytes, Smart};
use typst_layout::PagedDocument;
use typst_pdf::{PdfOptions, PdfStandard, PdfStandards};
use world::Desk;

const TEMPLATE: &str = include_str!("report.typ");
/// Most signs of a description that a reader speaks aloud, and of the title in the properties of the file.
const LONGEST: usize = 4000;
/// Most files that can be attached.
const MOST_ATTACHMENTS: usize = 64;

/// A file that a PDF carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attachment {
    /// Its name, such as `report.json`: letters, digits, dots, hyphens and low lines.
    pub name: String,
    /// What it is, such as `application/json`.
    pub mime: String,
    /// The same in words.
    pub description: String,
    /// Its content.
    pub bytes: Vec<u8>,
}

/// The document as PDF/A-3b with tags, an outline and the files attached as the data it was made from. The same
/// arguments give the same bytes.
///
/// Recordings are left out; where there are some in the document, the page says what can be heard in its other form.
///
/// # Errors
/// [`ErrorKind::Setting`] where an attachment has no proper name, kind or description or where there are more than 64,
/// and [`ErrorKind::Typesetting`] where a picture is none or where the document breaks a limit of PDF/A.
pub fn pdf(document: &Document, attachments: &[Attachment]) -> Result<Vec<u8>> {
    checked(attachments)?;
    let set = typeset(document, attachments, Care::Usual)
        // Signs that each have a form but together none, such as a letter of one typeface with an accent of another.
        .or_else(|_| typeset(document, attachments, Care::Great));
    // What was remembered for the next time would only grow.
    typst::comemo::evict(0);
    set
}

fn checked(attachments: &[Attachment]) -> Result<()> {
    let wrong = |found: String, expected: &str| -> Result<()> {
        Err(ErrorKind::Setting { name: "attachments of the PDF", found, expected: expected.into() }.into())
    };
    if attachments.len() > MOST_ATTACHMENTS {
        return wrong(format!("{} files", attachments.len()), "at most 64");
    }
    for (i, attachment) in attachments.iter().enumerate() {
        let name = &attachment.name;
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        if !name.chars().all(plain) || !name.contains(|c: char| c.is_ascii_alphanumeric()) || name.len() > 255 {
            return wrong(format!("the name {name:?}"), "letters, digits, dots, hyphens and low lines");
        }
        if attachments.iter().take(i).any(|other| other.name == *name) {
            return wrong(format!("the name {name:?} twice"), "every name once");
        }
        let kind = |part: &str| !part.is_empty() && part.chars().all(|c| plain(c) || c == '+');
        if !attachment.mime.split_once('/').is_some_and(|(a, b)| kind(a) && kind(b)) {
            return wrong(format!("the kind {:?}", attachment.mime), "one such as application/json");
        }
        if attachment.description.trim().is_empty() {
            return wrong(format!("no description of {name:?}"), "some words on what it is");
        }
    }
    Ok(())
}

fn typeset(document: &Document, attachments: &[Attachment], care: Care) -> Result<Vec<u8>> {
    let data = data(document, attachments, care)?;
    let mut files: Vec<(String, Bytes)> =
        attachments.iter().enumerate().map(|(i, a)| (format!("attachment-{i}"), Bytes::new(a.bytes.clone()))).collect();
    let ident = Sha256::digest(&data);
    files.push(("document.json".into(), Bytes::new(data)));
    let Warned { output, .. } = typst::compile::<PagedDocument>(&Desk::new(TEMPLATE, files)?);
    let pages = output.map_err(|errors| told(&errors))?;
    let options = PdfOptions {
        ident: Smart::Custom(hex(ident)),
        creator: Smart::Custom(Some(format!("soundalike {}", crate::VERSION))),
        standards: PdfStandards::new(&[PdfStandard::A_3b]).map_err(|error| fault(error.message().to_string()))?,
        ..PdfOptions::default()
    };
    typst_pdf::pdf(&pages, &options).map_err(|errors| told(&errors))
}

/// What the template reads.
fn data(document: &Document, attachments: &[Attachment], care: Care) -> Result<Vec<u8>> {
    let mut tree = serde_json::to_value(document).map_err(|error| fault(error.to_string()))?;
    let mut any = false;
    spell(&mut tree, care, &mut any);
    shorten(&mut tree);
    let mut listed: Vec<Value> = attachments
        .iter()
        .map(|a| {
            let sha256 = hex(Sha256::digest(&a.bytes));
            json!({ "name": a.name, "mime": a.mime, "description": a.description, "bytes": a.bytes.len(),
                    "sha256": sha256 })
        })
        .collect();
    listed.iter_mut().for_each(|attachment| spell(attachment, care, &mut any));
    let (language, region) = locale(&document.language);
    let title: String = document.title.split_whitespace().collect::<Vec<_>>().join(" ");
    let title: String = spelled(&title, care).0.chars().take(LONGEST).collect();
    let data = json!({ "title": title, "language": language, "region": region, "document": tree,
                       "attachments": listed, "spelled": any });
    serde_json::to_vec(&data).map_err(|error| fault(error.to_string()))
}

/// Spells every text of a tree. In a picture only what is not ASCII can change, so that it stays well-formed.
fn spell(tree: &mut Value, care: Care, any: &mut bool) {
    match tree {
        Value::String(text) => {
            let (spelled, changed) = spelled(text, care);
            *text = spelled;
            *any |= changed;
        }
        Value::Array(items) => items.iter_mut().for_each(|item| spell(item, care, any)),
        Value::Object(fields) => fields.values_mut().for_each(|field| spell(field, care, any)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// PDF/A sets a limit to the descriptions of pictures.
fn shorten(tree: &mut Value) {
    match tree {
        Value::Array(items) => items.iter_mut().for_each(shorten),
        Value::Object(fields) => {
            for (name, field) in fields.iter_mut() {
                match field {
                    Value::String(text) if name == "alternative" && text.chars().count() > LONGEST => {
                        *text = text.chars().take(LONGEST).chain(['…']).collect();
                    }
                    other => shorten(other),
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Language and region of a BCP 47 tag; English where it is none.
fn locale(tag: &str) -> (String, Option<String>) {
    let letters = |part: &&str, lengths: std::ops::RangeInclusive<usize>| {
        lengths.contains(&part.len()) && part.chars().all(|c| c.is_ascii_alphabetic())
    };
    let mut parts = tag.split('-');
    let language = parts.next().filter(|part| letters(part, 2..=3)).unwrap_or("en");
    let region = parts.find(|part| letters(part, 2..=2)).map(str::to_ascii_uppercase);
    (language.to_ascii_lowercase(), region)
}

fn fault(found: String) -> Error {
    ErrorKind::Typesetting { found }.into()
}

/// The first of the errors, with its hints.
fn told(errors: &[SourceDiagnostic]) -> Error {
    let Some(first) = errors.first() else { return fault("no reason given".into()) };
    let hints = first.hints.iter().map(|hint| format!(" ({})", hint.v));
    fault(format!("{}{}", first.message, hints.collect::<String>()))
}

#[cfg(test)]
mod tests {
    use super::super::document::{Answer, Block, Column, Figure, Pair, Section, Sound, Table};
    use super::*;

    const PICTURE: &str = "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"560\" height=\"300\"><title>t</title>\
                           <rect width=\"560\" height=\"300\" fill=\"#fff\"/><text x=\"9\" y=\"20\" \
                           font-family=\"Helvetica,Arial\" font-size=\"11\">李 é</text></svg>";

    /// A document with every kind of block, the text in every place.
    fn document(text: &str) -> Document {
        let t = || text.to_string();
        let table = |columns, rows| Block::Table(Table { caption: t(), columns, rows });
        let figure = |svg: &str| Figure { caption: t(), alternative: t(), svg: svg.into() };
        let answer = || Answer { title: t(), value: t(), text: t(), note: t() };
        let blocks = vec![
            Block::heading(text),
            Block::paragraph(text),
            Block::Quote { text: t() },
            Block::Caution { text: t() },
            Block::List { items: vec![t(), t()] },
            Block::List { items: Vec::new() },
            Block::Pairs { pairs: vec![Pair::new(text, text)] },
            Block::Pairs { pairs: Vec::new() },
            Block::Answers { answers: vec![answer(), answer()] },
            Block::Answers { answers: Vec::new() },
            table(vec![Column::text(text), Column::number(text), Column::code(text)], vec![vec![t(), t(), t()]]),
            table(vec![Column::text(text)], Vec::new()),
            table(Vec::new(), vec![vec![t()]]),
            table(vec![Column::text(text), Column::code(text)], vec![Vec::new(), vec![t(), t(), t()]]),
            Block::figure(figure(PICTURE)),
            Block::Figures { figures: vec![figure(PICTURE), figure(PICTURE)] },
            Block::Figures { figures: Vec::new() },
            Block::Sounds { sounds: vec![Sound { caption: t(), wav: vec![0; 44] }] },
            Block::Sounds { sounds: Vec::new() },
            Block::Verbatim { text: t() },
        ];
        let section = |id: &str, new_page, blocks| Section { id: id.into(), title: t(), new_page, blocks };
        Document {
            language: "en-GB".into(),
            title: t(),
            facts: vec![Pair::new(text, text), Pair::new("Case", "1")],
            footer: t(),
            contents: "Contents".into(),
            sections: vec![section("a", false, blocks.clone()), section("b", true, blocks), section("c", true, vec![])],
        }
    }

    fn attachment() -> Attachment {
        Attachment {
            name: "report.json".into(),
            mime: "application/json".into(),
            description: "The results".into(),
            bytes: b"{}".to_vec(),
        }
    }

    fn holds(pdf: &[u8], text: &str) -> bool {
        pdf.windows(text.len()).any(|window| window == text.as_bytes())
    }

    #[test]
    fn every_kind_of_block_is_set_and_the_same_each_time() {
        let document = document("Øre, a “text”.");
        let first = pdf(&document, &[attachment()]).unwrap();
        for mark in [
            "%PDF-1.7",
            "pdfaid:part>3<",
            "pdfaid:conformance>B<",
            "/EmbeddedFile",
            "/AFRelationship/Data",
            "/OutputIntent",
            "/StructTreeRoot",
            "/Lang",
            "soundalike ",
        ] {
            assert!(holds(&first, mark), "{mark}");
        }
        assert!(first.starts_with(b"%PDF-"));
        assert_eq!(first, pdf(&document, &[attachment()]).unwrap());
        let other = Attachment { bytes: b"[]".to_vec(), ..attachment() };
        assert_ne!(first, pdf(&document, &[other]).unwrap());
        assert!(!holds(&pdf(&document, &[]).unwrap(), "/EmbeddedFile"));
    }

    #[test]
    fn no_text_is_markup_and_none_breaks_the_page() {
        let hostile = "#import \"x\" *bold* $x$ @a <a> [b] ]] } // /* `c` \\ = 'q' \"r\" --- ~ #{ \u{202e}\u{0}\u{1b}[0m\r\n\t\
                       李小龍 \u{1f3a4} שלום مرحبا e\u{301} Ж\u{302} ก\u{301} \u{e000}";
        let bytes = pdf(&document(hostile), &[attachment()]).unwrap();
        assert!(holds(&bytes, "pdfaid:part>3<"));
        pdf(&document(""), &[]).unwrap();
        let empty = Document { facts: Vec::new(), sections: Vec::new(), ..document("") };
        pdf(&empty, &[]).unwrap();
    }

    #[test]
    fn long_words_and_long_tables_are_broken() {
        let word = "x".repeat(10_000);
        let columns = vec![Column::text("File"), Column::number("s"), Column::code("SHA-256")];
        let mut rows = vec![vec![format!("{:064}", 7); 3]; 300];
        rows.push(vec![word.clone(), String::new(), word.clone()]);
        let mut long = document("text");
        long.language = "no language at all".into();
        if let Some(section) = long.sections.first_mut() {
            section.blocks = vec![
                Block::paragraph(&word),
                Block::Table(Table { caption: word.clone(), columns, rows }),
                Block::Verbatim { text: word.clone() },
                Block::figure(Figure { caption: "c".into(), alternative: word.repeat(4), svg: PICTURE.into() }),
            ];
        }
        let bytes = pdf(&long, &[]).unwrap();
        let pages = bytes.windows(11).filter(|window| window == b"/Type/Page\n" || window == b"/Type/Page/").count();
        assert!(pages > 8, "{pages}");
    }

    #[test]
    fn what_cannot_be_set_is_told() {
        let with = |svg: &str| {
            let figure = Figure { caption: "c".into(), alternative: "a".into(), svg: svg.into() };
            let sections = vec![Section {
                id: "a".into(),
                title: "A".into(),
                new_page: false,
                blocks: vec![Block::figure(figure)],
            }];
            pdf(&Document { sections, ..document("") }, &[])
        };
        for svg in
            ["", "no picture", "<svg", "<svg xmlns=\"http://www.w3.org/2000/svg\"><image href=\"/etc/passwd\"/></svg>"]
        {
            if let Err(error) = with(svg) {
                assert!(matches!(error.kind(), ErrorKind::Typesetting { .. }));
                assert!(error.to_string().starts_with("the PDF: found "), "{error}");
            } else {
                panic!("{svg} was set");
            }
        }
        let wrong = [
            Attachment { name: "../a".into(), ..attachment() },
            Attachment { name: "..".into(), ..attachment() },
            Attachment { name: String::new(), ..attachment() },
            Attachment { mime: "json".into(), ..attachment() },
            Attachment { description: " ".into(), ..attachment() },
        ];
        let refused = |attachments: &[Attachment]| pdf(&document(""), attachments).unwrap_err().is_setting();
        assert!(wrong.iter().all(|attachment| refused(std::slice::from_ref(attachment))));
        assert!(refused(&[attachment(), attachment()]));
        assert!(refused(&vec![attachment(); 65]));
    }

    #[test]
    fn a_tag_of_a_language_is_read_with_its_region() {
        assert_eq!(locale("en"), ("en".into(), None));
        assert_eq!(locale("zh-Hant-TW"), ("zh".into(), Some("TW".into())));
        assert_eq!(locale("x; y"), ("en".into(), None));
    }
}
