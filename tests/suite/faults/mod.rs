//! What goes wrong around the program: it is killed, the disk is full, a right or a folder is lost, the clock turns
//! back, a file changes while it is read.

mod changes;
mod clock;
mod kills;
mod losses;
mod parallel;
mod signals;

use crate::program::{Run, program, run, samples, write_wav};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A folder in which a case stands, with short clips.
struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        Place { folder: tempfile::tempdir().unwrap() }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The program in this folder.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = program();
        command.current_dir(self.folder.path()).args(arguments);
        command
    }

    #[track_caller]
    fn run(&self, arguments: &[&str], code: i32) -> Run {
        run(self.command(arguments)).exits(code)
    }

    /// Writes a piece of a fixture: 1.6 s from the `n`th part of its speech on.
    fn clip(&self, fixture: &str, n: usize, name: &str) {
        let path = self.at(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let voice = samples(fixture);
        let from = (n * 2_311) % (voice.len() - 25_600);
        write_wav(&path, 16_000, &[&voice[from..from + 25_600]]);
    }

    /// A library of two voices.
    fn library(&self, clips: usize) {
        for n in 0..clips {
            let (voice, fixture) = if n % 2 == 0 { ("anna", ANNA) } else { ("bert", BERT) };
            self.clip(fixture, n, &format!("lib/{voice}/{n:02}.wav"));
        }
    }

    /// Every file below a folder of this one, by its path.
    fn files(&self, below: &str) -> Tree {
        let mut tree = Tree::new();
        gather(&self.at(below), &self.at(""), &mut tree);
        tree
    }
}

const ANNA: &str = "voices/librivox/real/01.wav";
const BERT: &str = "voices/carlo/real/01.wav";
const CARL: &str = "voices/slt/tts/01.wav";

/// Files by their paths.
type Tree = BTreeMap<String, Vec<u8>>;

fn gather(folder: &Path, root: &Path, tree: &mut Tree) {
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            gather(&path, root, tree);
        } else {
            let name = path.strip_prefix(root).unwrap().to_string_lossy().into_owned();
            tree.insert(name, fs::read(&path).unwrap());
        }
    }
}

/// Copies a folder with the dates of its files.
fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let copy = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy_folder(&path, &copy);
        } else {
            fs::copy(&path, &copy).unwrap();
            let date = fs::metadata(&path).unwrap().modified().unwrap();
            fs::File::options().write(true).open(&copy).unwrap().set_modified(date).unwrap();
        }
    }
}
