//! Evidence bundles: a zip that is verified whole, then unpacked.

use super::{folder, write};
use soundalike::encryption::Keys;
use soundalike::evidence::bag::Bag;
use soundalike::evidence::bundle::unpack;

/// Unpacks a bundle; nothing may lie outside the folder that was named.
pub fn read(bytes: &[u8]) {
    let folder = folder();
    let path = write(&folder, "case.zip", bytes);
    let _ = unpack(&path, &Keys::none());
    let _ = Bag::open(&path).and_then(|mut bag| bag.extract_to(&folder.path().join("out")));
    for entry in std::fs::read_dir(folder.path()).into_iter().flatten().flatten() {
        let name = entry.file_name();
        assert!(name == "case.zip" || name == "out", "a file beside the folder: {name:?}");
    }
}
