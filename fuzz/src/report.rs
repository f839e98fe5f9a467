//! Reports, results and scans (JSON), as `verify` and `report` read them, and the TOML files beside them.

use super::folder;
use soundalike::encoder::Models;
use soundalike::evidence::CaseFile;
use soundalike::evidence::recompute::{Platform, Root, recompute};
use soundalike::library::batch::BatchOptions;
use soundalike::library::{Filter, Rule};
use soundalike::report::case::CaseInfo;
use soundalike::report::scan::{ScanResult, document};
use soundalike::report::texts::Texts;
use std::path::Path;

/// Reads whatever of these it is. No recording lies where a report says, so nothing is computed.
pub fn read(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let path = Path::new("report.json");
    if text.trim_start().starts_with('{') {
        if let Ok(scan) = ScanResult::parse(path, text) {
            let texts = Texts::english().expect("the texts of the program");
            soundalike::report::html(&document(&CaseInfo::default(), &scan, &texts));
        }
        if let Ok(case) = CaseFile::parse(path, text) {
            let folder = folder();
            let options = BatchOptions { threads: 1, ..Default::default() };
            let _ = (case.tables(), case.result_sha256());
            let _ = recompute(
                &case,
                Root::Below(folder.path()),
                &Models::default(),
                &soundalike::encryption::Keys::none(),
                Platform::Same,
                &options,
            );
        }
    } else {
        let _ = (CaseInfo::parse(path, text), Texts::parse(path, text));
        let _ = (text.parse::<Rule>(), text.parse::<Filter>());
    }
}
