//! Signatures and public keys of minisign, and audit logs (JSON lines).

use super::{folder, write};
use soundalike::evidence::audit;
use soundalike::evidence::signature::{Key, verify};

const FILE: &[u8] = b"what was signed\n";
const KEY: &[u8] = include_bytes!("../seeds/signature/us.pub");
const SIGNATURE: &[u8] = include_bytes!("../seeds/signature/file.minisig");

/// Reads a log, or else the bytes as a signature of a known key and as the key of a known signature.
pub fn read(bytes: &[u8]) {
    let folder = folder();
    let path = write(&folder, "given", bytes);
    if bytes.first() == Some(&b'{') {
        let intact = audit::check(&path, None).is_ok_and(|check| check.intact && check.lines > 0);
        let appendable = audit::check_appendable(&path).is_ok();
        assert!(appendable || !intact, "nothing can be added to a log that is intact");
        return;
    }
    let (file, key) = (write(&folder, "file", FILE), write(&folder, "us.pub", KEY));
    let signature = write(&folder, "file.minisig", SIGNATURE);
    let _ = verify(&file, &path, &Key::File(key));
    let _ = verify(&file, &signature, &Key::File(path));
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _ = verify(&file, &signature, &Key::Text(text.into()));
    }
}
