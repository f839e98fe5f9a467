//! The world in which a document is typeset: the template, the data, the typefaces, and nothing beside them.
//!
//! There is no file system, no network, no clock and no package in it; a template that asks for one is answered that it
//! is not there.

use super::fault;
use crate::error::Result;
use std::sync::LazyLock;
use typst::diag::{FileError, FileResult};
use typst::foundations::{Bytes, Datetime, Duration};
use typst::syntax::{FileId, RootedPath, Source, VirtualPath, VirtualRoot};
use typst::text::{Font, FontBook};
use typst::utils::LazyHash;
use typst::{Feature, Library, LibraryExt, World};

/// The typefaces, the same on every machine. Liberation Sans is as wide as the Helvetica that the charts are made for;
/// DejaVu Sans Mono also lends the signs that the other two lack.
static FONTS: LazyLock<Vec<Font>> = LazyLock::new(|| {
    let files: [&'static [u8]; 5] = [
        include_bytes!("fonts/LibertinusSerif-Regular.otf"),
        include_bytes!("fonts/LibertinusSerif-Italic.otf"),
        include_bytes!("fonts/LiberationSans-Regular.ttf"),
        include_bytes!("fonts/LiberationSans-Bold.ttf"),
        include_bytes!("fonts/DejaVuSansMono.ttf"),
    ];
    files.into_iter().flat_map(|file| Font::iter(Bytes::new(file))).collect()
});

static BOOK: LazyLock<LazyHash<FontBook>> = LazyLock::new(|| LazyHash::new(FontBook::from_fonts(FONTS.iter())));

/// Typst's own functions, with those that say what the header of a table's row is.
static LIBRARY: LazyLock<LazyHash<Library>> = LazyLock::new(|| {
    LazyHash::new(Library::builder().with_features([Feature::A11yExtras].into_iter().collect()).build())
});

/// True where one of the typefaces has the sign.
pub(super) fn has_glyph(sign: char) -> bool {
    FONTS.iter().any(|font| font.info().coverage.contains(sign.into()))
}

/// The template with its data.
pub(super) struct Desk {
    template: Source,
    files: Vec<(FileId, Bytes)>,
}

impl Desk {
    /// `files` are what the template can read, by name.
    pub(super) fn new(template: &str, files: Vec<(String, Bytes)>) -> Result<Self> {
        let template = Source::new(id("report.typ")?, template.into());
        let files = files.into_iter().map(|(name, bytes)| Ok((id(&name)?, bytes))).collect::<Result<_>>()?;
        Ok(Desk { template, files })
    }
}

/// The same name has the same number for as long as the program runs, and no number is ever given back, so that names
/// must be few and must not come from outside.
fn id(name: &str) -> Result<FileId> {
    let path = VirtualPath::new(name).map_err(|error| fault(format!("the name {name:?}: {error}")))?;
    Ok(RootedPath::new(VirtualRoot::Project, path).intern())
}

impl World for Desk {
    fn library(&self) -> &LazyHash<Library> {
        &LIBRARY
    }

    fn book(&self) -> &LazyHash<FontBook> {
        &BOOK
    }

    fn main(&self) -> FileId {
        self.template.id()
    }

    fn source(&self, id: FileId) -> FileResult<Source> {
        if id == self.template.id() { Ok(self.template.clone()) } else { Err(FileError::AccessDenied) }
    }

    fn file(&self, id: FileId) -> FileResult<Bytes> {
        let known = self.files.iter().find(|(known, _)| *known == id);
        known.map(|(_, bytes)| bytes.clone()).ok_or(FileError::AccessDenied)
    }

    fn font(&self, index: usize) -> Option<Font> {
        FONTS.get(index).cloned()
    }

    fn today(&self, _offset: Option<Duration>) -> Option<Datetime> {
        None
    }
}
