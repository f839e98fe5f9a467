//! Reports, results and scans (JSON), as `verify` and `report` read them, and the TOML files beside them.

use super::folder;
use soundalike::encoder::Models;
use soundalike::evidence::CaseDocument;
use soundalike::evidence::coverage::Coverage;
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
        let folder = folder();
        let root = Root::Below(folder.path());
        match CaseDocument::parse(path, text) {
            Ok(CaseDocument::This(case)) => {
                let options = BatchOptions { threads: 1, ..Default::default() };
                let (models, keys) = (Models::default(), soundalike::encryption::Keys::none());
                let _ = (case.tables(), case.result_sha256());
                let _ = recompute(&case, root, &models, &keys, Platform::Same, &options);
            }
            Ok(CaseDocument::Other(case)) => drop(case.compare(root, &[], &mut Coverage::default())),
            Err(_) => {}
        }
    } else {
        let _ = (CaseInfo::parse(path, text), Texts::parse(path, text));
        let _ = (text.parse::<Rule>(), text.parse::<Filter>());
    }
}
