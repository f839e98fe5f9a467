//! A case as one archive: the report, what it rests on, and what is needed to compute it again.
//!
//! The archive is a BagIt bag (see [`bag`](super::bag)). Recordings have safe names in it, and a table says which path
//! of the report each stands for, so that a bundle can be unpacked and computed again anywhere. Recordings may be left
//! out where they must not leave the house; their hashes are in the report in any case.
//!
//! Every name and byte of a bundle follows from the report, the recordings and [`BundleSettings`]. So a bundle is
//! verified by making it again: each file is compared with the one that follows.

use super::bag::{Bag, BagContent, BagEntry, BagFile, HeldFiles, write_bag};
use super::case_file::{CaseDocument, CaseFile};
use super::fault;
use super::name::SafeNames;
use super::other_version::OtherCase;
use super::recompute::no_tree;
use crate::encryption::{Keys, Recipients, is_encrypted_file};
use crate::error::{EvidenceFault, IoContext, Result};
use crate::library::Places;
use crate::library::findings::Examination;
use crate::path_text::path_of;
use crate::regular_file;
use crate::report::case::{self, CaseFacts, CaseReport};
use crate::report::texts::Texts;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Seek, Write};
use std::path::Path;

/// The report in a bundle.
pub(super) const REPORT: &str = "report.json";
const RESULT: &str = "result.json";
const PLACES: &str = "places.json";
const FINGERPRINTS: &str = "fingerprints.json";
const README: &str = "README.txt";
/// The page in a bundle.
pub(super) const PAGE: &str = "report.html";
/// What was asked of a bundle.
const SETTINGS: &str = "bundle.json";
/// The folder of the recordings and tables.
const FILES: &str = "files/";
/// The largest `bundle.json` that is read, bytes.
const MOST_SETTINGS_BYTES: u64 = 64 << 10;
/// The largest report that is read out of a bundle, bytes.
const MOST_REPORT_BYTES: u64 = 512 << 20;

/// What was asked of a bundle. The bundle holds it; with the report it decides every other byte of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BundleSettings {
    /// Whether recordings and voice models go in; else their hashes alone.
    pub recordings: bool,
    /// Date of the bundle as it is stated (`Bagging-Date`, year-month-day); none where none was stated.
    pub date: Option<String>,
    /// Identifier of the key that the bundle is signed with, 16 hexadecimal digits; none where it is not signed.
    pub signed_by: Option<String>,
}

/// Which file of a bundle stands for which path of the report.
#[derive(Clone, Debug, Default, Serialize)]
struct Contents {
    /// By the path that the report tells, the name below `data/`.
    files: BTreeMap<String, String>,
}

/// What the figures depend on besides the recordings, in one place.
#[derive(Serialize)]
struct Fingerprints<'a> {
    program: &'a str,
    models_version: &'a str,
    instruction_set: &'a str,
    extractors: &'a crate::encoder::PerEncoder<String>,
    narrow_extractors: Option<&'a crate::encoder::PerEncoder<String>>,
    weights_sha256: crate::encoder::PerEncoder<&'static str>,
    calibration: Option<(&'a str, &'a str)>,
    cohort: Option<(&'a str, &'a str)>,
}

/// Writes a bundle of a case that was reproduced; `document` is the case with the figures of its report, and `top` the
/// name of the one folder of the bundle.
///
/// # Errors
/// As [`write_bag`]: where a file changed since it was hashed, or cannot be read or written.
pub fn bundle(
    out: &mut (impl Write + Seek),
    top: &str,
    case: &CaseFile,
    document: &Examination,
    places: &Places,
    settings: &BundleSettings,
) -> Result<Vec<BagFile>> {
    let entry = |name: String, content: BagContent, sha256: Option<String>| BagEntry { name, content, sha256 };
    let texts = texts(case, document, settings)?.into_iter();
    let mut entries: Vec<BagEntry> =
        texts.map(|(name, bytes)| entry(name.into(), BagContent::Bytes(bytes), None)).collect();
    entries.extend(placed(case, settings.recordings).into_iter().map(|(told, file)| {
        let content = BagContent::File(places.of_text(&told));
        entry(file.name, content, Some(file.sha256))
    }));
    write_bag(out, top, &information(case, settings), &entries)
}

/// A recording or table in a bundle.
pub(super) struct Placed {
    pub name: String,
    pub sha256: String,
}

/// The recordings and tables of a case that go into a bundle, by the paths that the case tells. A recording that could
/// not be read when the report was made is not among them.
pub(super) fn placed(case: &CaseFile, recordings: bool) -> BTreeMap<String, Placed> {
    let (mut names, mut placed) = (SafeNames::new(), BTreeMap::new());
    let tables = case.tables();
    for (told, sha256) in case.files().into_iter().filter(|(told, _)| recordings || tables.contains(told)) {
        let Some(sha256) = sha256 else { continue };
        let file = || Placed { name: names.take(&format!("{FILES}{told}")), sha256: sha256.into() };
        placed.entry(told.to_string()).or_insert_with(file);
    }
    placed
}

/// The texts of a bundle: all of it that is no recording and no table.
pub(super) fn texts(
    case: &CaseFile,
    document: &Examination,
    settings: &BundleSettings,
) -> Result<Vec<(&'static str, Vec<u8>)>> {
    let files = placed(case, settings.recordings).into_iter().map(|(told, file)| (told, file.name)).collect();
    Ok(vec![
        (REPORT, CaseReport::new(case.case.clone(), &case.result, document.findings.clone())?.to_json()?),
        (RESULT, format!("{}\n", case.result).into_bytes()),
        (PAGE, page(case, document, settings.recordings)?),
        (PLACES, json(&Contents { files })?),
        (FINGERPRINTS, json(&fingerprints(document))?),
        (SETTINGS, json(settings)?),
        (README, readme(settings).into_bytes()),
    ])
}

/// The lines of `bag-info.txt` that are not those of every bag.
pub(super) fn information(case: &CaseFile, settings: &BundleSettings) -> Vec<(String, String)> {
    let description = Some("Evidence bundle of a soundalike report".to_string());
    let signed = settings.signed_by.as_ref().map(|key| format!("minisign key {key}"));
    let lines = [
        ("External-Description", description),
        ("External-Identifier", case.case.number.clone()),
        ("Bagging-Date", settings.date.clone()),
        ("Signed-By", signed),
    ];
    let lines = lines.into_iter().filter_map(|(label, text)| Some((label.to_string(), one_line(&text?))));
    lines.filter(|(_, text)| !text.trim().is_empty()).collect()
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
        models_version: &report.models_version,
        instruction_set: &report.settings.instruction_set,
        extractors: &report.settings.fingerprints,
        narrow_extractors: report.narrow_fingerprints.as_ref(),
        weights_sha256: used.map(|(encoder, hash)| (encoder, *hash)).collect(),
        calibration: report.calibration.as_ref().map(|c| (c.origin.as_str(), c.sha256.as_str())),
        cohort: report.cohort.as_ref().map(|c| (c.origin.as_str(), c.sha256.as_str())),
    }
}

/// The page of a case as a bundle holds it.
fn page(case: &CaseFile, document: &Examination, sounds: bool) -> Result<Vec<u8>> {
    let result_sha256 = case.result_sha256();
    let facts = CaseFacts { case: &case.case, result_sha256: &result_sha256, examination: document, sounds };
    Ok(crate::report::html(&case::document(&facts, &Texts::english()?)).into_bytes())
}

/// A bundle that is what its manifest states.
#[derive(Debug)]
pub enum Bundled {
    /// This version of the program made the case in it, with these models.
    This(Box<Unpacked>),
    /// Another one did.
    Other(Box<OtherBundle>),
}

/// A bundle of a case that another version made.
#[derive(Debug)]
pub struct OtherBundle {
    /// The case in it.
    pub case: OtherCase,
    /// Its files, all with the hashes that its manifest states.
    pub files: Vec<BagFile>,
    /// Identifier of the key that it states to be signed with.
    pub signed_by: Option<String>,
}

/// A bundle that was unpacked; its files are there as long as this is.
#[derive(Debug)]
pub struct Unpacked {
    /// The case in it.
    pub case: CaseFile,
    /// What was asked of the bundle.
    pub settings: BundleSettings,
    /// Where its files lie.
    pub places: Places,
    /// Its files, all with the hashes that its manifest states.
    pub files: Vec<BagFile>,
    /// Paths of the report whose files are not in it.
    pub absent: Vec<String>,
    /// Where its files can be read.
    pub(super) held: HeldFiles,
    /// The texts beside its files.
    pub(super) tags: Vec<(String, String)>,
    /// Folders in it that hold nothing.
    pub(super) empty_folders: Vec<String>,
}

/// Checks a bundle whole and unpacks it where nothing of it stays behind; `keys` open an encrypted one. One of another
/// version is checked and not unpacked.
///
/// # Errors
/// [`ErrorKind::Encryption`](crate::ErrorKind::Encryption) where no key opens it,
/// [`ErrorKind::Evidence`](crate::ErrorKind::Evidence) where the bundle is not what its manifest states, holds no
/// report, or could do harm when unpacked.
pub fn unpack(path: &Path, keys: &Keys) -> Result<Bundled> {
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
    let document = CaseDocument::parse(path, &report)?;
    let settings = bag.content(SETTINGS, MOST_SETTINGS_BYTES)?;
    let wrong = |error| fault(path, EvidenceFault::Broken, format!("{SETTINGS:?} ({error})"), "what bundle writes");
    match document {
        CaseDocument::This(case) => {
            let settings = serde_json::from_slice(&settings).map_err(wrong)?;
            unpacked(&mut bag, *case, settings).map(|unpacked| Bundled::This(Box::new(unpacked)))
        }
        CaseDocument::Other(case) => {
            let SignedBy { signed_by } = serde_json::from_slice(&settings).map_err(wrong)?;
            Ok(Bundled::Other(Box::new(OtherBundle { case: *case, files: bag.files().to_vec(), signed_by })))
        }
    }
}

/// What every version says of a bundle's signature.
#[derive(Deserialize)]
struct SignedBy {
    signed_by: Option<String>,
}

fn unpacked(bag: &mut Bag, case: CaseFile, settings: BundleSettings) -> Result<Unpacked> {
    let held = bag.hold()?;
    // Where a file is follows from the report, not from what the bundle says of itself.
    let (mut places, mut absent) = (Vec::new(), Vec::new());
    let placed = placed(&case, settings.recordings);
    for (told, sha256) in case.files() {
        match placed.get(told).and_then(|file| held.path(&file.name)) {
            Some(place) => places.push((path_of(told), place.to_path_buf())),
            None if sha256.is_some() => absent.push(told.to_string()),
            None => {}
        }
    }
    Ok(Unpacked {
        places: places.into_iter().collect(),
        files: bag.files().to_vec(),
        tags: bag.tags()?,
        empty_folders: bag.empty_folders().into_iter().map(Into::into).collect(),
        settings,
        held,
        case,
        absent,
    })
}

fn json(value: &impl Serialize) -> Result<Vec<u8>> {
    let mut bytes = serde_json::to_vec_pretty(value).map_err(|error| no_tree(Path::new("the bundle"), &error))?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// Words without line ends, as a line of a bag's information must be.
fn one_line(words: &str) -> String {
    words.split(|c: char| c.is_control()).filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

fn readme(settings: &BundleSettings) -> String {
    let files = match settings.recordings {
        true => "files/             the recordings and other files that the report rests on\n",
        false => "                   (the recordings were left out; report.json has their hashes)\n",
    };
    let signature = match &settings.signed_by {
        Some(key) => format!(
            "This bundle was signed with the minisign key {key}. To check everything, and the signature next to the \
             bundle:\n\n    soundalike verify BUNDLE.zip --public-key KEY.pub\n    minisign -Vm BUNDLE.zip -p KEY.pub\n"
        ),
        None => "This bundle was not signed when it was made. To compute everything again and compare:\n\n    \
                 soundalike verify BUNDLE.zip\n"
            .into(),
    };
    format!(
        "Evidence bundle of a soundalike report\n\nThis is a BagIt bag (RFC 8493): manifest-sha256.txt next to the folder \
         data has the SHA-256 of every file,\nand any BagIt program can check them.\n\nreport.json        the report: the \
         result unchanged, and the data behind its figures\nreport.html        the report as a page\nresult.json        \
         the result alone\n{files}places.json        which file stands for which path of the \
         report\nfingerprints.json  program, models, extractors, weights, calibration and population, by their \
         hashes\nbundle.json        what was asked of this bundle\n\n{signature}"
    )
}
