//! A document as a tree of plain blocks: what stands in it, and nothing of how it looks.
//!
//! The report of a case and that of a scan are built into this tree once; the HTML page and the PDF are drawn from it,
//! so that they cannot say different things. Text is plain text in every place: what draws it escapes it, and nothing
//! in it is ever read as markup. What somebody else said (a question, a file's name in a sentence) stands in a
//! [`Block::Quote`] or in a cell, so that the program's own sentences can be told apart and checked.

use serde::Serialize;

/// A document.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Document {
    /// Language of the texts, a BCP 47 tag such as `en`.
    pub language: String,
    /// The title.
    pub title: String,
    /// What stands under the title: case number, client, and so on, each with its name.
    pub facts: Vec<Pair>,
    /// The line at the foot of every page: the program, its version, the case and the hash of the result.
    pub footer: String,
    /// The heading over the list of contents.
    pub contents: String,
    /// The sections, each with its own heading. The first is the page that can be read alone.
    pub sections: Vec<Section>,
}

/// A part of a document under one heading.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Section {
    /// Name for links, of lower-case letters, digits and hyphens; no two sections have the same.
    pub id: String,
    /// The heading.
    pub title: String,
    /// Whether it begins a new page.
    pub new_page: bool,
    /// What stands in it.
    pub blocks: Vec<Block>,
}

/// A name and what belongs to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Pair {
    /// The name.
    pub name: String,
    /// The value.
    pub value: String,
}

impl Pair {
    /// A pair.
    pub fn new(name: impl Into<String>, value: impl Into<String>) -> Self {
        Pair { name: name.into(), value: value.into() }
    }
}

/// What a section is made of.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Block {
    /// A heading within the section.
    Heading {
        /// Its text.
        text: String,
    },
    /// A paragraph.
    Paragraph {
        /// Its text.
        text: String,
    },
    /// Somebody else's words.
    Quote {
        /// The words.
        text: String,
    },
    /// A paragraph that must not be overlooked.
    Caution {
        /// Its text.
        text: String,
    },
    /// A list with a point before each entry.
    List {
        /// The entries.
        items: Vec<String>,
    },
    /// Names with their values, one under the other.
    Pairs {
        /// The pairs.
        pairs: Vec<Pair>,
    },
    /// Answers side by side, each in a frame of its own.
    Answers {
        /// The answers, in reading order.
        answers: Vec<Answer>,
    },
    /// A table.
    Table(Table),
    /// A picture, or two side by side.
    Figures {
        /// One picture, or two of the same width.
        figures: Vec<Figure>,
    },
    /// Recordings to listen to, side by side; left out where there is no sound, as on paper.
    Sounds {
        /// The recordings.
        sounds: Vec<Sound>,
    },
    /// Text in fixed pitch, line by line as it is: a command, a hash.
    Verbatim {
        /// The text.
        text: String,
    },
}

/// One of the answers of the first page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Answer {
    /// The question that it answers.
    pub title: String,
    /// The figure.
    pub value: String,
    /// What the figure is, in a sentence.
    pub text: String,
    /// What it is not, or how sure it is.
    pub note: String,
}

/// A table with a header row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Table {
    /// What it shows.
    pub caption: String,
    /// The columns.
    pub columns: Vec<Column>,
    /// The rows, each with one cell a column. The first cell of a row is its header.
    pub rows: Vec<Vec<String>>,
}

/// A column of a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Column {
    /// Its header.
    pub title: String,
    /// Whether it holds numbers, which are set to the right.
    pub numeric: bool,
    /// Whether it holds hashes or paths, which may be broken anywhere.
    pub code: bool,
}

impl Column {
    /// A column of text.
    pub fn text(title: impl Into<String>) -> Self {
        Column { title: title.into(), numeric: false, code: false }
    }

    /// A column of numbers.
    pub fn number(title: impl Into<String>) -> Self {
        Column { title: title.into(), numeric: true, code: false }
    }

    /// A column of hashes or paths.
    pub fn code(title: impl Into<String>) -> Self {
        Column { title: title.into(), numeric: false, code: true }
    }
}

/// A picture.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Figure {
    /// What it shows, under the picture.
    pub caption: String,
    /// The same in words, for who cannot see it.
    pub alternative: String,
    /// The picture, an SVG document.
    pub svg: String,
}

/// A recording to listen to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Sound {
    /// What it is.
    pub caption: String,
    /// The recording, a WAV file.
    #[serde(skip)]
    pub wav: Vec<u8>,
}

impl Block {
    /// A paragraph.
    pub fn paragraph(text: impl Into<String>) -> Self {
        Block::Paragraph { text: text.into() }
    }

    /// A heading within a section.
    pub fn heading(text: impl Into<String>) -> Self {
        Block::Heading { text: text.into() }
    }

    /// A picture alone.
    pub fn figure(figure: Figure) -> Self {
        Block::Figures { figures: vec![figure] }
    }
}

impl Document {
    /// Every sentence, heading, caption and cell with whether it is the program's own: what a reader is told in words,
    /// in reading order. Pictures tell theirs by their alternatives.
    pub fn texts(&self) -> Vec<(&str, bool)> {
        let mut texts = vec![(self.title.as_str(), true), (self.footer.as_str(), false)];
        texts.extend(self.facts.iter().flat_map(|pair| [(pair.name.as_str(), true), (pair.value.as_str(), false)]));
        for section in &self.sections {
            texts.push((&section.title, true));
            section.blocks.iter().for_each(|block| block.texts(&mut texts));
        }
        texts
    }
}

impl Block {
    fn texts<'a>(&'a self, texts: &mut Vec<(&'a str, bool)>) {
        match self {
            Block::Heading { text } | Block::Paragraph { text } | Block::Caution { text } => texts.push((text, true)),
            Block::Quote { text } | Block::Verbatim { text } => texts.push((text, false)),
            Block::List { items } => texts.extend(items.iter().map(|item| (item.as_str(), true))),
            Block::Pairs { pairs } => {
                texts.extend(pairs.iter().flat_map(|pair| [(pair.name.as_str(), true), (pair.value.as_str(), true)]));
            }
            Block::Answers { answers } => {
                let parts = answers.iter().flat_map(|a| [&a.title, &a.value, &a.text, &a.note]);
                texts.extend(parts.map(|text| (text.as_str(), true)));
            }
            Block::Table(table) => {
                texts.push((&table.caption, true));
                texts.extend(table.columns.iter().map(|column| (column.title.as_str(), true)));
                for row in &table.rows {
                    let own = |i: usize| table.columns.get(i).is_some_and(|column| !column.code);
                    texts.extend(row.iter().enumerate().map(|(i, cell)| (cell.as_str(), own(i))));
                }
            }
            Block::Figures { figures } => {
                texts.extend(figures.iter().flat_map(|f| [(f.caption.as_str(), true), (f.alternative.as_str(), true)]));
            }
            Block::Sounds { sounds } => texts.extend(sounds.iter().map(|sound| (sound.caption.as_str(), true))),
        }
    }
}
