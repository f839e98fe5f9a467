//! A bundle compared with one that is made again from its data.
//!
//! No file in a bundle decides how it is compared. The report and what was asked of the bundle give the name and the
//! content of every file in it: a text is compared byte for byte, a recording or table by its hash, and whatever else is
//! in the bundle is not covered.

use super::bag::{self, BagFile};
use super::bundle::{PAGE, REPORT, Unpacked, information, placed, texts};
use super::coverage::How;
use super::hex;
use super::recompute::{CaseVerification, Platform};
use crate::error::Result;
use crate::library::findings::Examination;
use crate::regular_file;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::path::Path;

/// Larger texts are not read to show where they differ, bytes.
const MOST_SHOWN_BYTES: u64 = 256 << 20;

impl Unpacked {
    /// Compares every file of the bundle, and every text beside them, with those that follow from its data. `document`
    /// is the case with the figures of its report.
    ///
    /// # Errors
    /// Where the texts cannot be made, or a file cannot be read.
    pub(super) fn compare(
        &self,
        document: &Examination,
        platform: Platform,
        verification: &mut CaseVerification,
    ) -> Result<()> {
        let expected: BTreeMap<&str, Vec<u8>> = texts(&self.case, document, &self.settings)?.into_iter().collect();
        let recordings = placed(&self.case, self.settings.recordings);
        let hashes: BTreeMap<&str, &str> =
            recordings.values().map(|file| (file.name.as_str(), file.sha256.as_str())).collect();
        let held: BTreeMap<&str, &BagFile> = self.files.iter().map(|file| (file.name.as_str(), file)).collect();
        for (name, text) in &expected {
            match held.get(name) {
                Some(file) => self.compare_text(file, text, platform, verification)?,
                None => verification.differ(*name, "no such file in the bundle", "a file that every bundle has"),
            }
        }
        for (name, sha256) in &hashes {
            match held.get(name) {
                Some(file) if file.sha256 == *sha256 => verification.coverage.verified(*name, How::Hash),
                Some(file) => {
                    verification.differ(*name, format!("SHA-256 {sha256}"), format!("SHA-256 {}", file.sha256))
                }
                None => verification.differ(*name, "no such file in the bundle", format!("SHA-256 {sha256}")),
            }
        }
        for name in held.keys().filter(|name| !expected.contains_key(*name) && !hashes.contains_key(*name)) {
            let expected = "the files that follow from report.json and bundle.json";
            verification.coverage.not_covered(*name, "a file that no part of the report stands for", expected);
        }
        self.compare_tags(verification);
        self.statements(verification);
        Ok(())
    }

    /// Compares a text with the one that follows from the data.
    fn compare_text(
        &self,
        file: &BagFile,
        expected: &[u8],
        platform: Platform,
        verification: &mut CaseVerification,
    ) -> Result<()> {
        if hex(Sha256::digest(expected)) == file.sha256 {
            verification.coverage.verified(&file.name, How::Rebuilt);
            return Ok(());
        }
        // Its values were all compared: what is left are names that it should not have, and its form.
        if file.name == REPORT {
            let found = "unknown names, or another form (spaces, line ends, order of names)";
            verification.coverage.not_covered(REPORT, found, "the form in which soundalike writes a report");
            return Ok(());
        }
        if file.bytes > MOST_SHOWN_BYTES {
            verification.differ(&file.name, format!("{} bytes", file.bytes), format!("{} bytes", expected.len()));
            return Ok(());
        }
        let path = self.held.path(&file.name).unwrap_or(Path::new(&file.name));
        let held = regular_file::read(path, MOST_SHOWN_BYTES, "a text of a bundle")?;
        let held = String::from_utf8_lossy(&held).into_owned();
        let expected = String::from_utf8_lossy(expected);
        let elsewhere = platform == Platform::Other && verification.tolerance.is_some();
        if file.name == PAGE && elsewhere && without_pictures(&held) == without_pictures(&expected) {
            verification.coverage.verified(format!("{PAGE}, its text"), How::Rebuilt);
            let found = "pictures or excerpts that differ from those made on this platform";
            verification.coverage.not_covered(format!("{PAGE}, its pictures and excerpts"), found, "the same bytes");
            return Ok(());
        }
        let (told, found) = first_difference(&held, &expected);
        verification.differ(&file.name, told, found);
        Ok(())
    }

    /// Compares the texts beside the files with those of a bundle of just these files.
    fn compare_tags(&self, verification: &mut CaseVerification) {
        let expected = bag::tags(&information(&self.case, &self.settings), &self.files);
        let mut all_same = true;
        // The manifest of the texts follows from them.
        let (last, texts): (Vec<_>, Vec<_>) = self.tags.iter().partition(|(name, _)| name == bag::TAG_MANIFEST);
        for (name, held) in texts.into_iter().chain(last) {
            match expected.iter().find(|(known, _)| known == name) {
                Some((_, text)) if text == held => {
                    verification.coverage.verified(name, How::Rebuilt);
                    continue;
                }
                Some((_, text)) if name != bag::TAG_MANIFEST || all_same => {
                    let (told, found) = first_difference(held, text);
                    verification.differ(name, told, found);
                }
                Some(_) => {}
                None => {
                    let found = "a text that no bundle has";
                    verification.coverage.not_covered(name, found, "the texts of a BagIt bag");
                }
            }
            all_same = false;
        }
        for folder in &self.empty_folders {
            let found = "a folder without a file";
            verification.coverage.not_covered(format!("{folder}/"), found, "files alone");
        }
    }

    fn statements(&self, verification: &mut CaseVerification) {
        let coverage = &mut verification.coverage;
        if let Some(date) = &self.settings.date {
            let why = "whoever makes a bundle states it; the program reads no clock";
            coverage.stated("date of the bundle", Some(date.as_str().into()), why);
        }
        let why =
            "these are no part of the files: the name of the one folder, and order, times and attributes of entries";
        coverage.stated("form of the archive", None, why);
    }
}

/// The first line in which two texts differ, in each of them.
fn first_difference(told: &str, found: &str) -> (String, String) {
    let mut lines = told.lines().zip(found.lines()).zip(1..);
    let differing = lines.find(|((told, found), _)| told != found);
    let Some(((told, found), number)) = differing else {
        return (format!("a text of {} bytes", told.len()), format!("one of {} bytes", found.len()));
    };
    // Lines of a page are long: what is shown begins shortly before the place.
    let same = told.chars().zip(found.chars()).take_while(|(a, b)| a == b).count();
    let part = |line: &str| line.chars().skip(same.saturating_sub(30)).take(100).collect::<String>();
    (format!("line {number}: {:?}", part(told)), format!("{:?}", part(found)))
}

/// A page without what is drawn from recordings: its drawings and its excerpts.
fn without_pictures(page: &str) -> String {
    let without = |page: &str, start: &str, end: &str| {
        let mut parts = page.split(start);
        let mut text = parts.next().unwrap_or("").to_string();
        for part in parts {
            text.push_str(start);
            text.push_str(part.find(end).map_or(part, |at| part.split_at(at).1));
        }
        text
    };
    without(&without(page, "<svg ", "</svg>"), "data:audio/wav;base64,", "\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_without_its_pictures_keeps_every_word() {
        let page = |picture: &str, sound: &str, word: &str| {
            format!("<p>{word}</p><svg a>{picture}</svg><audio src=\"data:audio/wav;base64,{sound}\"></audio>{word}")
        };
        assert_eq!(without_pictures(&page("1", "A", "so")), without_pictures(&page("2", "B", "so")));
        assert_ne!(without_pictures(&page("1", "A", "so")), without_pictures(&page("1", "A", "no")));
        assert_eq!(without_pictures("<svg open"), "<svg open");
    }

    #[test]
    fn the_first_line_that_differs_is_shown() {
        let (told, found) = first_difference("a\nb c\n", "a\nb d\n");
        assert_eq!((told.as_str(), found.as_str()), ("line 2: \"b c\"", "\"b d\""));
        assert_eq!(first_difference("a", "a\nb").0, "a text of 1 bytes");
    }
}
