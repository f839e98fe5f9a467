//! Files that are encrypted at rest, in the age format (<https://age-encryption.org/v1>).
//!
//! Embeddings are biometric data. A voice model or a bundle may therefore be an age file, and a folder (an index, or
//! the standing list of protected voices) may hold a key of its own, by which each of its files is encrypted. [`Keys`]
//! open, [`Recipients`] say for whom new files are closed, and a [`FolderKey`] is a folder's key. Every age program
//! opens the same files with the same keys.
//!
//! What a file says is not changed by encryption, but its bytes are random: two encryptions of one file differ. This
//! module neither asks for a passphrase nor reads the environment (whoever calls says where a passphrase comes from),
//! and it does not sign: who wrote a file is another question (see [`signature`](crate::evidence::signature)).

mod folder_key;
mod keys;
mod recipients;

pub use folder_key::{FOLDER_KEY, FolderKey};
pub use keys::{AskPassphrase, Keys};
pub use recipients::{Passphrase, Recipients};

use crate::error::{EncryptionFault, Error, ErrorKind, IoContext, Result};
use crate::regular_file;
use crate::whole_file::{write_new, write_whole};
use std::io::Read;
use std::path::Path;

/// How every age file begins.
const HEADER: &[u8] = b"age-encryption.org/v1\n";
/// Larger files of keys are refused, bytes.
const MOST_KEY_BYTES: u64 = 1 << 20;

/// How keys open files, and for whom new ones are closed.
#[derive(Clone, Debug, Default)]
pub struct AtRest {
    /// What opens encrypted files.
    pub keys: Keys,
    /// For whom new files are encrypted; none for not at all, unless the folder they go to has a key.
    pub recipients: Option<Recipients>,
}

impl AtRest {
    /// A key that is nowhere but in this process: what is encrypted for it is lost to everybody once the process ends.
    pub fn of_this_process() -> Self {
        let secret = age::x25519::Identity::generate();
        AtRest { recipients: Some(secret.to_public().into()), keys: Keys::of(secret) }
    }

    /// The key of a folder. A folder that has none is given one where there are recipients; where it has one, it is
    /// opened, and encrypted anew for the recipients that are named. A key is never replaced by another one: files that
    /// were encrypted by it would be lost.
    ///
    /// # Errors
    /// Where it cannot be opened, or not be written.
    pub(crate) fn folder_key(&self, folder: &Path) -> Result<Option<FolderKey>> {
        let Some(recipients) = &self.recipients else { return self.keys.of_folder(folder) };
        let path = folder.join(FOLDER_KEY);
        let sealed = |key: &FolderKey| key.sealed_for(recipients).at(&path, "encrypt");
        if self.keys.of_folder(folder)?.is_none() {
            let key = FolderKey::generate();
            if write_new(&path, &sealed(&key)?)? {
                return Ok(Some(key));
            }
            // Another process was first.
        }
        let key = self.keys.of_folder(folder)?.ok_or_else(|| {
            fault(&path, EncryptionFault::Broken, "a key that was removed meanwhile", "a key that stays there")
        })?;
        write_whole(&path, &sealed(&key)?)?;
        Ok(Some(key))
    }
}

/// Whether these are the first bytes of an encrypted file.
pub fn is_encrypted(bytes: &[u8]) -> bool {
    bytes.starts_with(HEADER)
}

/// Whether a file is encrypted; false where it cannot be read.
pub fn is_encrypted_file(path: &Path) -> bool {
    let mut start = [0; HEADER.len()];
    regular_file::open(path).is_ok_and(|mut file| file.read_exact(&mut start).is_ok()) && start == HEADER
}

/// A file, a key or a passphrase that is not what it should be.
fn fault(path: &Path, fault: EncryptionFault, found: impl Into<String>, expected: &str) -> Error {
    ErrorKind::Encryption { path: path.into(), fault, found: found.into(), expected: expected.into() }.into()
}

#[cfg(test)]
mod tests;
