//! A case as one archive: the report, what it rests on, and what is needed to compute it again.
//!
//! The archive is a BagIt bag (see [`bag`](super::bag)). Recordings lie in it under safe names, and a table says which
//! path of the report each stands for, so that a bundle can be unpacked and computed again anywhere. Recordings may be
//! left out where they must not leave the house; their hashes are in the report in any case.

use super::bag::{Bag, BagContent, BagEntry, BagFile, HeldFiles, write_bag};
use super::case_file::CaseFile;
use super::fault;
use super::name::SafeNames;
use super::recompute::Difference;
use crate::encryption::{Keys, Recipients, is_encrypted_file};
use crate::error::{EvidenceFault, IoContext, Result};
use crate::library::Places;
use crate::library::findings::Examination;
use crate::regular_file;
use crate::report::case::{CaseFacts, document};
use crate::report::texts::Texts;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Seek, Write};
use std::path::{Path, PathBuf};

/// The report in a bundle.
pub const REPORT: &str = "report.json";
const RESULT: &str = "result.json";
const PLACES: &str = "places.json";
const FINGERPRINTS: &str = "fingerprints.json";
const README: &str = "README.txt";
/// The page in a bundle.
pub const PAGE: &str = "report.html";
/// The largest report that is read out of a bundle, bytes.
const MOST_REPORT_BYTES: u64 = 512 << 20;

/// What goes into a bundle besides the report's data.
#[derive(Clone, Debug, Default)]
pub struct BundleSettings {
    /// Whether recordings and voice models go in; else their hashes alone.
    pub recordings: bool,
    /// Documents made of the report, by name.
    pub documents: Vec<(String, Vec<u8>)>,
    /// Date of the bundle as it is to be told (`Bagging-Date`, year-month-day); none where none was stated.
    pub date: Option<String>,
}

/// Which file of a bundle stands for which path of the report.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Contents {
    /// By the path that the report tells, the name below `data/`.
    files: BTreeMap<String, String>,
}

/// What the figures depend on besides the recordings, in one place.
#[derive(Serialize)]
struct Fingerprints<'a> {
    program: &'a str,
    instruction_set: &'a str,
    extractors: &'a crate::encoder::PerEncoder<String>,
    narrow_extractors: Option<&'a crate::encoder::PerEncoder<String>>,
    weights_sha256: crate::encoder::PerEncoder<&'static str>,
    calibration: Option<(&'a str, &'a str)>,
    cohort: Option<(&'a str, &'a str)>,
}

/// Writes a bundle of a case that was computed again and came out the same. `top` is the name of its one folder.
///
/// # Errors
/// As [`write_bag`]: where a file changed since it was hashed, or cannot be read or written.
pub fn bundle(
    out: &mut (impl Write + Seek),
    top: &str,
    case: &CaseFile,
    report: &[u8],
    places: &Places,
    examination: &Examination,
    settings: &BundleSettings,
) -> Result<Vec<BagFile>> {
    let mut names = SafeNames::new();
    let (mut entries, mut contents) = (Vec::new(), Contents::default());
    let text = |names: &mut SafeNames, name: &str, bytes: Vec<u8>| BagEntry {
        name: names.take(name),
        content: BagContent::Bytes(bytes),
        sha256: None,
    };
    entries.push(text(&mut names, REPORT, report.to_vec()));
    entries.push(text(&mut names, RESULT, format!("{}\n", case.result).into_bytes()));
    for (name, bytes) in &settings.documents {
        entries.push(text(&mut names, name, bytes.clone()));
    }
    let mut once = BTreeMap::new();
    let tables = case.tables();
    let wanted = |told: &str| settings.recordings || tables.contains(&told);
    for (told, sha256) in case.files().into_iter().filter(|(told, _)| wanted(told)) {
        // A recording that could not be read when the report was made has no place here.
        let Some(sha256) = sha256 else { continue };
        let name = once.entry(told).or_insert_with(|| {
            let name = names.take(&format!("files/{told}"));
            entries.push(BagEntry {
                name: name.clone(),
                content: BagContent::File(places.of(told.as_ref()).into()),
                sha256: Some(sha256.into()),
            });
            name
        });
        contents.files.insert(told.into(), name.clone());
    }
    entries.push(text(&mut names, PLACES, json(&contents)));
    entries.push(text(&mut names, FINGERPRINTS, json(&fingerprints(examination))));
    entries.push(text(&mut names, README, readme(settings.recordings).into_bytes()));
    let mut info = vec![("External-Description".to_string(), "Evidence bundle of a soundalike report".to_string())];
    let stated = [("External-Identifier", &case.case.number), ("Bagging-Date", &settings.date)];
    let stated = stated.into_iter().filter_map(|(name, text)| Some((name.to_string(), one_line(text.as_ref()?))));
    info.extend(stated.filter(|(_, text)| !text.trim().is_empty()));
    write_bag(out, top, &info, &entries)
}

/// The same, encrypted: what is not passes through a file without a name beside `path`, and is gone with the process.
///
/// # Errors
/// As [`bundle`], and where that file cannot be written.
pub fn encrypted_bundle(
    path: &Path,
    out: &mut impl Write,
    recipients: &Recipients,
    write: &mut dyn FnMut(&mut File) -> Result<()>,
) -> Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut plain = tempfile::tempfile_in(folder).at(path, "write")?;
    write(&mut plain)?;
    plain.rewind().at(path, "write")?;
    recipients.encrypt_from(&mut plain, out).at(path, "encrypt")
}

fn fingerprints(examination: &Examination) -> Fingerprints<'_> {
    let report = &examination.report;
    let weights = crate::encoder::weight_hashes();
    let used = weights.iter().filter(|(encoder, _)| report.settings.panel.encoders.contains(*encoder));
    Fingerprints {
        program: &report.version,
        instruction_set: &report.settings.instruction_set,
        extractors: &report.settings.fingerprints,
        narrow_extractors: report.narrow_fingerprints.as_ref(),
        weights_sha256: used.map(|(encoder, hash)| (encoder, *hash)).collect(),
        calibration: report.calibration.as_ref().map(|c| (c.origin.as_str(), c.sha256.as_str())),
        cohort: report.cohort.as_ref().map(|c| (c.origin.as_str(), c.sha256.as_str())),
    }
}

/// The page of a case as it lies in a bundle.
///
/// # Errors
/// Where the texts that were built in are none.
pub fn page(case: &CaseFile, examination: &Examination, sounds: bool) -> Result<Vec<u8>> {
    let result_sha256 = case.result_sha256();
    let facts = CaseFacts { case: &case.case, result_sha256: &result_sha256, examination, sounds };
    Ok(crate::report::html(&document(&facts, &Texts::english()?)).into_bytes())
}

impl Unpacked {
    /// The content of one of its files.
    fn read(&self, name: &str) -> Result<Vec<u8>> {
        let path = self.held.path(name).unwrap_or(Path::new(name));
        regular_file::read(path, MOST_REPORT_BYTES, "a file of a bundle")
    }

    /// Compares what the bundle holds beside the report with what the report says: a difference for each file that says
    /// something else, and the names of those that cannot be compared.
    ///
    /// # Errors
    /// As [`page`], and where a file cannot be read.
    pub fn compare(&self, examination: &Examination) -> Result<(Vec<Difference>, Vec<String>)> {
        let with = page(&self.case, examination, true)?;
        let expected = [
            (RESULT, vec![format!("{}\n", self.case.result).into_bytes()]),
            (FINGERPRINTS, vec![json(&fingerprints(examination))]),
            (PAGE, vec![with, page(&self.case, examination, false)?]),
            (README, vec![readme(true).into_bytes(), readme(false).into_bytes()]),
        ];
        let (mut differences, mut unknown) = (Vec::new(), Vec::new());
        for name in &self.others {
            let Some((_, forms)) = expected.iter().find(|(known, _)| known == name) else {
                unknown.push(name.clone());
                continue;
            };
            let held = self.read(name)?;
            if !forms.contains(&held) {
                let (told, found) = ("what it says in the bundle".into(), "what follows from report.json".into());
                differences.push(Difference { place: name.clone(), told, found });
            }
        }
        Ok((differences, unknown))
    }
}

/// A bundle that was unpacked; its files are there as long as this is.
#[derive(Debug)]
pub struct Unpacked {
    /// The case in it.
    pub case: CaseFile,
    /// Where its files lie.
    pub places: Places,
    /// Number of files in it, all with the hashes that its manifest states.
    pub files: usize,
    /// Paths of the report whose files are not in it.
    pub absent: Vec<String>,
    /// Its files.
    held: HeldFiles,
    /// Files that the case does not rest on, but that say something of it.
    others: Vec<String>,
}

/// Checks a bundle whole and unpacks it where nothing of it stays behind; `keys` open an encrypted one.
///
/// # Errors
/// [`ErrorKind::Encryption`](crate::ErrorKind::Encryption) where no key opens it,
/// [`ErrorKind::Evidence`](crate::ErrorKind::Evidence) where the bundle is not what its manifest states, holds no
/// report, or could do harm when unpacked.
pub fn unpack(path: &Path, keys: &Keys) -> Result<Unpacked> {
    let mut bag = if is_encrypted_file(path) {
        // Without a name, so that it is gone with the process.
        let mut plain = tempfile::tempfile().at(&std::env::temp_dir(), "write to")?;
        keys.decrypt_to(path, &mut regular_file::open(path)?, &mut plain)?;
        Bag::of(path, plain)?
    } else {
        Bag::open(path)?
    };
    let text = |bytes: Vec<u8>, name: &str| {
        let wrong = |_| fault(path, EvidenceFault::Broken, format!("{name:?} that is no text"), "UTF-8");
        String::from_utf8(bytes).map_err(wrong)
    };
    let report = text(bag.content(REPORT, MOST_REPORT_BYTES)?, REPORT)?;
    let contents = text(bag.content(PLACES, MOST_REPORT_BYTES)?, PLACES)?;
    let contents: Contents = serde_json::from_str(&contents)
        .map_err(|error| fault(path, EvidenceFault::Broken, format!("{PLACES:?} ({error})"), "a table of files"))?;
    let named = bag.files().iter().map(|file| file.name.clone()).collect::<std::collections::BTreeSet<_>>();
    let case = CaseFile::parse(path, &report)?;
    let held = bag.hold()?;
    let (mut places, mut absent) = (Vec::new(), Vec::new());
    for (told, sha256) in case.files() {
        match contents.files.get(told).and_then(|name| held.path(name)) {
            Some(place) => places.push((PathBuf::from(told), place.to_path_buf())),
            None if sha256.is_some() => absent.push(told.to_string()),
            None => {}
        }
    }
    let rests: std::collections::BTreeSet<&String> = contents.files.values().collect();
    let others = named.iter().filter(|name| *name != REPORT && *name != PLACES && !rests.contains(name)).cloned();
    Ok(Unpacked {
        others: others.collect(),
        places: places.into_iter().collect(),
        files: named.len(),
        held,
        case,
        absent,
    })
}

fn json(value: &impl Serialize) -> Vec<u8> {
    let mut bytes = serde_json::to_vec_pretty(value).unwrap_or_default();
    bytes.push(b'\n');
    bytes
}

/// Words without line ends, as a line of a bag's information must be.
fn one_line(words: &str) -> String {
    words.split(|c: char| c.is_control()).filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

fn readme(recordings: bool) -> String {
    let files = match recordings {
        true => "files/             the recordings and other files that the report rests on\n",
        false => "                   (the recordings were left out; report.json has their hashes)\n",
    };
    format!(
        "Evidence bundle of a soundalike report\n\nThis is a BagIt bag (RFC 8493): manifest-sha256.txt beside the folder \
         data has the SHA-256 of every file,\nand any BagIt program can check them.\n\nreport.json        the report: the \
         result unchanged, and what stands behind its figures\nresult.json        the result alone\n{files}places.json        \
         which file stands for which path of the report\nfingerprints.json  program, extractors, weights, calibration and \
         population, by their hashes\n\nTo compute everything again and compare:\n\n    soundalike verify BUNDLE.zip\n\nTo \
         check a signature that lies beside the bundle:\n\n    soundalike verify BUNDLE.zip --public-key KEY.pub\n    minisign \
         -Vm BUNDLE.zip -p KEY.pub\n"
    )
}
