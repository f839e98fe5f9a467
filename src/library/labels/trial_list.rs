//! A list of trials in the format of VoxCeleb: `1 enrol.wav test.wav` a line, 1 for one voice and 0 for two.
//!
//! Such a list does not name speakers, and figures need them (trials that share a speaker are not independent). So
//! clips that a line calls one voice belong to one speaker, through any number of lines.

use crate::error::{Error, ErrorKind, IoContext, Result};
use crate::library::joined::Joined;
use crate::path_text::path_of;
use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

/// Longer lines are refused, bytes.
const MOST_LINE_BYTES: u64 = 1 << 20;

/// A list of trials over clips that are numbered in the order in which they are first named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrialList {
    /// The clips, joined to the root.
    pub clips: Vec<PathBuf>,
    /// The speaker of each clip, numbered from 0.
    pub speakers: Vec<u32>,
    /// Enrolled clip, tested clip, and whether they are of one voice.
    pub trials: Vec<(u32, u32, bool)>,
}

impl TrialList {
    /// Reads a list. Paths in it are taken from `root`, or from the list's own folder. Empty lines are passed over.
    ///
    /// # Errors
    /// [`ErrorKind::Table`] names the line; [`ErrorKind::Io`] where it cannot be read.
    pub fn read(file: &Path, root: Option<&Path>) -> Result<Self> {
        let handle = crate::regular_file::open_or(file, |found| table(file, None, found.into()))?;
        let root = root.or_else(|| file.parent()).unwrap_or(Path::new(""));
        let mut numbers: HashMap<String, u32> = HashMap::new();
        let mut list = TrialList { clips: Vec::new(), speakers: Vec::new(), trials: Vec::new() };
        let mut reader = BufReader::with_capacity(1 << 16, handle);
        let (mut text, mut line) = (Vec::new(), 0);
        loop {
            text.clear();
            if reader.by_ref().take(MOST_LINE_BYTES + 1).read_until(b'\n', &mut text).at(file, "read")? == 0 {
                break;
            }
            line += 1;
            if text.len() as u64 > MOST_LINE_BYTES {
                return Err(table(file, Some(line), format!("more than {MOST_LINE_BYTES} bytes in one line")));
            }
            let words =
                std::str::from_utf8(&text).map_err(|_| table(file, Some(line), "bytes that are no UTF-8".into()))?;
            let words = words.trim_start_matches('\u{feff}').trim();
            if words.is_empty() {
                continue;
            }
            let shown = || format!("\"{}\"", words.chars().take(200).collect::<String>());
            let (label, enrolled, tested) = split(words).ok_or_else(|| table(file, Some(line), shown()))?;
            let mut number = |name: &str| match numbers.get(name) {
                Some(number) => *number,
                None => {
                    let number = list.clips.len() as u32;
                    list.clips.push(root.join(path_of(name)));
                    numbers.insert(name.into(), number);
                    number
                }
            };
            let pair = (number(enrolled), number(tested), label);
            list.trials.push(pair);
        }
        if list.trials.is_empty() {
            return Err(table(file, None, "no trial".into()));
        }
        list.speakers = speakers(list.clips.len(), &list.trials);
        Ok(list)
    }
}

/// Label and the two paths, separated by spaces or tabs. Paths with spaces need tabs.
fn split(line: &str) -> Option<(bool, &str, &str)> {
    let (label, paths) = line.split_once([' ', '\t'])?;
    let label = match label {
        "1" | "target" => true,
        "0" | "nontarget" => false,
        _ => return None,
    };
    let paths = paths.trim();
    let (enrolled, tested) = paths.split_once('\t').or_else(|| paths.split_once(' '))?;
    let (enrolled, tested) = (enrolled.trim(), tested.trim());
    // A third word makes it unclear where the first path ends.
    let clear = paths.contains('\t') || !tested.contains(' ');
    (clear && !enrolled.is_empty() && !tested.is_empty()).then_some((label, enrolled, tested))
}

fn table(file: &Path, line: Option<u64>, found: String) -> Error {
    let expected =
        "a line such as \"1 enrol.wav test.wav\", 1 for one voice and 0 for two (tabs where a path has spaces)";
    ErrorKind::Table { path: file.into(), line, found, expected: expected.into() }.into()
}

/// The speaker of each clip: clips of one voice share one, by the trials.
fn speakers(clips: usize, trials: &[(u32, u32, bool)]) -> Vec<u32> {
    let mut joined = Joined::new(clips);
    trials.iter().filter(|trial| trial.2).for_each(|(a, b, _)| joined.join(*a as usize, *b as usize));
    let mut numbers: HashMap<usize, u32> = HashMap::new();
    (0..clips)
        .map(|clip| {
            let next = numbers.len() as u32;
            *numbers.entry(joined.root(clip)).or_insert(next)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<TrialList> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("trials.txt");
        std::fs::write(&path, text).unwrap();
        TrialList::read(&path, Some(Path::new("/data")))
    }

    #[test]
    fn clips_of_one_voice_are_one_speaker() {
        let list = read("1 a/1.wav a/2.wav\n0 a/1.wav b/1.wav\r\n\n1 a/2.wav a/3.wav\n0 b/1.wav c/1.wav\n").unwrap();
        assert_eq!(list.clips[..2], [PathBuf::from("/data/a/1.wav"), PathBuf::from("/data/a/2.wav")]);
        assert_eq!(list.speakers, [0, 0, 1, 0, 2]);
        assert_eq!(list.trials, [(0, 1, true), (0, 2, false), (1, 3, true), (2, 4, false)]);
    }

    #[test]
    fn paths_with_spaces_are_separated_by_tabs() {
        let list = read("1\ta b.wav\tc d.wav\n0 \te.wav\tf.wav").unwrap();
        assert_eq!(list.clips[1], PathBuf::from("/data/c d.wav"));
        let error = read("1 a.wav b.wav\n1 a b.wav c.wav\n").unwrap_err().to_string();
        assert!(error.contains("trials.txt, line 2") && error.contains("a b.wav") && error.contains("tabs"), "{error}");
    }

    #[test]
    fn mistakes_are_told_with_their_line() {
        for (text, line) in [("2 a b\n", 1), ("1 a b\n1 a\n", 2), ("1 a b\nx\n", 2)] {
            assert!(read(text).unwrap_err().to_string().contains(&format!("line {line}")), "{text}");
        }
        assert!(read("\n").unwrap_err().to_string().contains("no trial"));
    }
}
