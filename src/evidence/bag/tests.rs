//! Bundles that are right, and zips made by hand that are not.

use super::*;
use crate::error::{Error, ErrorKind, EvidenceFault};
use crate::evidence::hex;
use sha2::{Digest, Sha256};
use std::fs;
use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

fn entries() -> Vec<BagEntry> {
    let entry = |name: &str, content: &[u8]| BagEntry {
        name: name.into(),
        content: BagContent::Bytes(content.into()),
        sha256: None,
    };
    vec![
        entry("report.json", b"{}\n"),
        entry("clips/\u{433}\u{43e}\u{43b}\u{43e}\u{441} 1.wav", &[7; 100_000]),
        entry("clips/empty", b""),
    ]
}

fn bytes(entries: &[BagEntry]) -> Vec<u8> {
    let mut out = Cursor::new(Vec::new());
    let info = [("Bagging-Date".into(), "2026-01-02".into()), ("External-Identifier".into(), "case 7: a".into())];
    write_bag(&mut out, "case-7", &info, entries).unwrap();
    out.into_inner()
}

struct Zip {
    folder: tempfile::TempDir,
}

impl Zip {
    fn of(bytes: &[u8]) -> Self {
        let zip = Zip { folder: tempfile::tempdir().unwrap() };
        fs::write(zip.path(), bytes).unwrap();
        zip
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("case.zip")
    }
}

/// Name, content and mode of the entries of a bundle by hand.
type Entries = Vec<(String, Vec<u8>, u32)>;

/// A bundle of one file, right in everything.
fn plain() -> Entries {
    let sum = |bytes: &[u8]| hex(Sha256::digest(bytes));
    let (file, info) = (b"sound".to_vec(), "Payload-Oxum: 5.1\n");
    let manifest = format!("{}  data/a.wav\n", sum(&file));
    let texts = [(DECLARATION, DECLARED.to_string()), (INFO, info.into()), (MANIFEST, manifest)];
    let tags: String = texts.iter().map(|(name, text)| format!("{}  {name}\n", sum(text.as_bytes()))).collect();
    let mut entries: Entries =
        texts.into_iter().map(|(name, text)| (format!("top/{name}"), text.into_bytes(), 0o100_644)).collect();
    entries.push(("top/tagmanifest-sha256.txt".into(), tags.into_bytes(), 0o100_644));
    entries.push(("top/data/a.wav".into(), file, 0o100_644));
    entries
}

fn zipped(entries: &Entries) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content, mode) in entries {
        let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
        // Entries of the same name: the writer refuses them, so another name is written over afterwards.
        if mode & 0o170_000 == 0o120_000 {
            zip.add_symlink(name, String::from_utf8_lossy(content), options).unwrap();
        } else {
            zip.start_file(name, options.unix_permissions(*mode)).unwrap();
            zip.write_all(content).unwrap();
        }
    }
    zip.finish().unwrap().into_inner()
}

fn opened(bytes: &[u8]) -> Result<Bag, Error> {
    Bag::open(&Zip::of(bytes).path())
}

#[track_caller]
fn assert_refused(bytes: &[u8], expected: EvidenceFault, words: &[&str]) {
    let error = opened(bytes).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Evidence { fault, .. } if *fault == expected), "{error:?}");
    for word in words.iter().chain(&["case.zip"]) {
        assert!(error.to_string().contains(word), "no {word:?}: {error}");
    }
}

fn replaced(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let mut bytes = bytes.to_vec();
    let at: Vec<usize> = (0..bytes.len() - from.len()).filter(|at| bytes[*at..].starts_with(from)).collect();
    assert!(!at.is_empty());
    at.into_iter().for_each(|at| bytes[at..at + to.len()].copy_from_slice(to));
    bytes
}

#[test]
fn what_was_written_is_read_and_unpacked_again() {
    let zip = Zip::of(&bytes(&entries()));
    let mut bag = Bag::open(&zip.path()).unwrap();
    assert_eq!(bag.top(), "case-7");
    assert_eq!(bag.files().iter().map(|file| file.bytes).collect::<Vec<_>>(), [0, 100_000, 3]);
    let info: Vec<&str> = bag.info().iter().map(|(label, _)| label.as_str()).collect();
    assert_eq!(info, [AGENT, "Bagging-Date", "External-Identifier", OXUM]);
    assert_eq!(bag.info()[3].1, "100003.3");
    assert_eq!(bag.content("report.json", 3).unwrap(), b"{}\n");
    assert!(bag.content("report.json", 2).unwrap_err().is_limit());
    let to = zip.folder.path().join("out/case");
    let top = bag.extract_to(&to).unwrap();
    for entry in entries() {
        let BagContent::Bytes(content) = entry.content else { unreachable!() };
        assert_eq!(fs::read(top.join("data").join(&entry.name)).unwrap(), content, "{}", entry.name);
    }
    assert_eq!(fs::read_to_string(top.join(DECLARATION)).unwrap(), DECLARED);
    let again = bag.extract_to(&to).unwrap_err();
    assert!(again.to_string().contains("something in it"), "{again}");
}

#[test]
fn the_same_files_are_the_same_bytes_whatever_their_order() {
    let first = bytes(&entries());
    let mut turned = entries();
    turned.reverse();
    assert_eq!(bytes(&turned), first);
    let folder = tempfile::tempdir().unwrap();
    let from_files: Vec<BagEntry> = entries()
        .into_iter()
        .enumerate()
        .map(|(n, entry)| {
            let path = folder.path().join(n.to_string());
            let BagContent::Bytes(content) = entry.content else { unreachable!() };
            fs::write(&path, content).unwrap();
            BagEntry { content: BagContent::File(path), ..entry }
        })
        .collect();
    assert_eq!(bytes(&from_files), first);
}

#[test]
fn files_that_changed_and_names_that_harm_are_not_written() {
    let write = |entries: &[BagEntry], top: &str, info: &[(String, String)]| {
        write_bag(&mut Cursor::new(Vec::new()), top, info, entries).unwrap_err()
    };
    let mut changed = entries();
    changed[0].sha256 = Some("0".repeat(64));
    let error = write(&changed, "x", &[]);
    assert!(error.is_altered() && error.to_string().contains("report.json"), "{error}");
    for name in ["../x", "/x", "a//b", "report.JSON", "clips", "con", "a\nb", "a\\b", ""] {
        let mut entries = entries();
        entries.push(BagEntry { name: name.into(), ..entries[0].clone() });
        assert!(write(&entries, "x", &[]).is_setting(), "{name:?}");
    }
    for top in ["", "..", "a/b", "c:", "nul"] {
        assert!(write(&entries(), top, &[]).is_setting(), "{top:?}");
    }
    for (label, value) in [("Payload-Oxum", "1.1"), ("A", "b\nPayload-Oxum: 0.0"), ("a: b", "c"), ("A", " "), ("", "a")]
    {
        assert!(write(&entries(), "x", &[(label.into(), value.into())]).is_setting(), "{label}");
    }
    assert!(matches!(write(&[], "x", &[]).kind(), ErrorKind::Insufficient { .. }));
    let folder = BagEntry { name: "f".into(), content: BagContent::File(std::env::temp_dir()), sha256: None };
    assert!(write(&[folder], "x", &[]).to_string().contains("a folder"));
    let missing = BagEntry { name: "f".into(), content: BagContent::File("no/such".into()), sha256: None };
    assert!(write(&[missing], "x", &[]).is_io());
}

#[test]
fn a_bundle_by_hand_is_read_and_its_faults_are_named() {
    use EvidenceFault::{Altered, Broken};
    let plain = plain();
    assert_eq!(opened(&zipped(&plain)).unwrap().files().len(), 1);
    let mut with_folders = vec![];
    with_folders.extend(plain.clone());
    assert!(opened(&zipped(&with_folders)).is_ok());
    let without = |n: usize| {
        let mut entries = plain.clone();
        entries.remove(n);
        zipped(&entries)
    };
    for (n, fault, word) in [
        (0, Broken, "bagit.txt"),
        (1, Altered, "bag-info.txt"),
        (2, Altered, "no \"manifest-sha256.txt\""),
        (3, Broken, "no tagmanifest-sha256.txt"),
        (4, Altered, "no \"data/a.wav\""),
    ] {
        assert_refused(&without(n), fault, &[word]);
    }
    let with = |name: &str| {
        let mut entries = plain.clone();
        entries.push((name.into(), b"x".to_vec(), 0o100_644));
        zipped(&entries)
    };
    assert_refused(&with("top/data/b.wav"), Altered, &["\"data/b.wav\" that manifest-sha256.txt does not name"]);
    assert_refused(&with("top/notes.txt"), Altered, &["\"notes.txt\" that tagmanifest-sha256.txt does not name"]);
    assert_refused(&with("top/fetch.txt"), Broken, &["fetch.txt"]);
    assert_refused(&with("top/manifest-md5.txt"), Broken, &["manifest-md5.txt"]);
    assert_refused(&with("other/x"), Broken, &["\"other/x\"", "one folder, \"top\""]);
    assert_refused(&with("x"), Broken, &["one folder"]);
}

/// The plain bundle with a text changed, and the tag manifest made to fit.
fn with_text(name: &str, text: &str) -> Vec<u8> {
    let mut entries = plain();
    let name = format!("top/{name}");
    let at = entries.iter().position(|entry| entry.0 == name).unwrap();
    let sum = |bytes: &[u8]| hex(Sha256::digest(bytes));
    let (old, new) = (sum(&entries[at].1), sum(text.as_bytes()));
    entries[at].1 = text.into();
    entries[3].1 = String::from_utf8(entries[3].1.clone()).unwrap().replace(&old, &new).into_bytes();
    zipped(&entries)
}

#[test]
fn wrong_texts_are_named_with_their_line() {
    use EvidenceFault::{Altered, Broken};
    let manifest = String::from_utf8(plain()[2].1.clone()).unwrap();
    assert!(opened(&with_text(MANIFEST, &manifest.replace("  ", "\t"))).is_ok());
    for (text, fault, word) in [
        (format!("x{manifest}"), Broken, "line 1 of manifest-sha256.txt"),
        (format!("{manifest}{manifest}"), Broken, "line 2 of manifest"),
        (format!("{manifest}\n"), Broken, "line 2 of manifest"),
        (manifest.replace("data/", "tags/"), Broken, "line 1 of manifest"),
        (manifest.replace("a.wav", "b.wav"), Altered, "data/a.wav"),
        (format!("{}  data/a.wav\n", "0".repeat(64)), Altered, "\"data/a.wav\" with SHA-256"),
        (String::new(), Altered, "data/a.wav"),
        (format!("{manifest}{}  data/../../b\n", "0".repeat(64)), Altered, "no \"data/../../b\""),
    ] {
        assert_refused(&with_text(MANIFEST, &text), fault, &[word]);
    }
    assert_refused(&with_text(INFO, "Payload-Oxum: 6.1\n"), Altered, &["Payload-Oxum 5.1", "6.1"]);
    assert_refused(&with_text(INFO, "Source: x\n"), Broken, &["no Payload-Oxum"]);
    assert_refused(&with_text(INFO, "nonsense\n"), Broken, &["nonsense", "line 1"]);
    assert_refused(&with_text(DECLARATION, "BagIt-Version: 9\n"), Broken, &["BagIt-Version: 9"]);
    let mut changed = plain();
    changed[1].1 = b"Payload-Oxum: 5.1\nA: b\n".to_vec();
    assert_refused(&zipped(&changed), Altered, &["\"bag-info.txt\" with SHA-256"]);
}

#[test]
fn names_and_entries_that_harm_are_refused() {
    use EvidenceFault::{Broken, Unsafe};
    let with = |name: &str, mode: u32| {
        let mut entries = plain();
        entries.push((name.into(), b"/etc/passwd".to_vec(), mode));
        zipped(&entries)
    };
    for name in [
        "top/data/../../x",
        "top/data//x",
        "top/data/A.WAV",
        "top/data/a.wav/x",
        "top/data/con",
        "top/data/a\u{1b}[2J",
        "top/data/a\\b",
        "top/data/c:x",
        "top/../x",
        "top/data/./x",
    ] {
        assert_refused(&with(name, 0o100_644), Unsafe, &["names that are safe"]);
    }
    for name in ["../x", "/x", "//x"] {
        assert_refused(&with(name, 0o100_644), Broken, &["one folder"]);
    }
    assert_refused(&with("top/data/link", 0o120_777), Unsafe, &["\"top/data/link\" that is a link"]);
    // A name that occurs twice: written as another one, then changed in both places where the zip names it.
    let twice = replaced(&with("top/data/b.wav", 0o100_644), b"top/data/b.wav", b"top/data/a.wav");
    assert_refused(&twice, Unsafe, &["two entries of one name"]);
    // One that the directory tells otherwise than the entry itself does.
    let mut other = zipped(&plain());
    let at = other.windows(14).position(|name| name == b"top/data/a.wav").unwrap();
    other[at + 9] = b'b';
    assert_refused(&other, Broken, &["a zip that is not right"]);
}

#[test]
fn damaged_zips_and_those_with_more_in_them_are_refused() {
    let whole = zipped(&plain());
    for cut in 0..whole.len() {
        assert!(opened(&whole[..cut]).is_err(), "{cut}");
    }
    for (before, after) in [(&b"x"[..], &b""[..]), (b"", b"x"), (b"#!/bin/sh\n", b"")] {
        assert!(opened(&[before, &whole, after].concat()).is_err());
    }
    // Every byte that counts counts: what opens in spite of a change has the same content.
    for at in 0..whole.len() {
        let mut changed = whole.clone();
        changed[at] ^= 0x10;
        if let Ok(mut bag) = opened_at(&Zip::of(&changed)) {
            assert_eq!(bag.1.content("a.wav", 9).unwrap(), b"sound", "byte {at}");
        }
    }
    assert_refused(b"no zip at all, only some text that is long enough", EvidenceFault::Broken, &["a zip"]);
    assert!(Bag::open(Path::new("no/such.zip")).unwrap_err().is_io());
}

fn opened_at(zip: &Zip) -> Result<(PathBuf, Bag), Error> {
    // The file stays open while its folder goes.
    Bag::open(&zip.path()).map(|bag| (zip.path(), bag))
}

#[test]
fn zips_that_swell_are_refused_before_they_are_unpacked() {
    let declared = |bytes: u32| {
        let mut zip = zipped(&plain());
        // Sizes of the last entry in the directory: 20 bytes before its name's length.
        let at = (0..zip.len() - 4).rfind(|at| zip[*at..].starts_with(b"PK\x01\x02")).unwrap();
        zip[at + 24..at + 28].copy_from_slice(&bytes.to_le_bytes());
        zip
    };
    assert_refused(&declared(RATIO_FREE_BYTES as u32 + 100), EvidenceFault::Limit, &["times the size of the zip"]);
    assert!(opened(&declared(6)).is_err());
    assert!(opened(&declared(4)).is_err());
    // One that is what it says: zeros, of which a bundle is not made either.
    let folder = tempfile::tempdir().unwrap();
    let (zeros, packed) = (folder.path().join("zeros"), folder.path().join("case.zip"));
    fs::File::create(&zeros).unwrap().set_len(RATIO_FREE_BYTES + 1).unwrap();
    let entry = BagEntry { name: "zeros".into(), content: BagContent::File(zeros), sha256: None };
    assert!(write_bag(&mut fs::File::create(&packed).unwrap(), "top", &[], &[entry]).unwrap_err().is_limit());
    assert!(Bag::open(&packed).unwrap_err().is_limit());
    assert!(beyond_limits(MAX_FILES, u128::from(MAX_BYTES), Some(MAX_BYTES)).is_none());
    assert!(beyond_limits(MAX_FILES + 1, 0, None).is_some());
    assert!(beyond_limits(1, u128::from(MAX_BYTES) + 1, None).is_some());
    assert!(beyond_limits(1, u128::from(RATIO_FREE_BYTES), Some(1)).is_none());
}

#[test]
fn what_is_held_is_read_by_its_path_and_gone_afterwards() {
    let entry = |number: usize| BagEntry {
        name: format!("{number}.txt"),
        content: BagContent::Bytes(number.to_string().into_bytes()),
        sha256: None,
    };
    for count in [3, MOST_UNNAMED + 1] {
        let zip = Zip::of(&bytes(&(0..count).map(entry).collect::<Vec<_>>()));
        let held = Bag::open(&zip.path()).unwrap().hold().unwrap();
        let path = |number: usize| held.path(&format!("{number}.txt")).unwrap().to_path_buf();
        for number in 0..count {
            assert_eq!(fs::read(path(number)).unwrap(), number.to_string().as_bytes());
        }
        assert_eq!(held.path("another.txt"), None);
        let unnamed = path(0).starts_with("/proc/self/fd");
        assert_eq!(unnamed, cfg!(target_os = "linux") && count <= MOST_UNNAMED);
        let (first, folder) = (path(0), path(0).parent().unwrap().to_path_buf());
        drop(held);
        // The number of an open file may be another's by now.
        assert!(unnamed || !(first.exists() || folder.exists()));
    }
}
