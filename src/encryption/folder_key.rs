//! The key of a folder, by which each file in it is encrypted.
//!
//! The folder's key is a secret key of age in the file `_key.age`, encrypted in its turn for those who may read the
//! folder. So a passphrase is worked on once and not for each of a thousand files, and other readers are let in by
//! writing one small file anew. By hand: `age -d FOLDER/_key.age > key`, then `age -d -i key FOLDER/FILE`.

use super::keys::Keys;
use super::recipients::Recipients;
use super::{MOST_KEY_BYTES, fault};
use crate::error::{EncryptionFault, Result};
use crate::regular_file;
use age::secrecy::ExposeSecret;
use age::x25519;
use std::io;
use std::path::Path;

/// Name of the file in a folder that holds its key.
pub const FOLDER_KEY: &str = "_key.age";

/// The key of a folder.
#[derive(Clone)]
pub struct FolderKey {
    keys: Keys,
    recipients: Recipients,
    secret: x25519::Identity,
}

impl std::fmt::Debug for FolderKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("FolderKey")
    }
}

impl FolderKey {
    /// A new key.
    pub fn generate() -> Self {
        Self::of(x25519::Identity::generate())
    }

    fn of(secret: x25519::Identity) -> Self {
        FolderKey { keys: Keys::of(secret.clone()), recipients: secret.to_public().into(), secret }
    }

    /// Opens the key of a folder; none where it has none.
    ///
    /// # Errors
    /// Where none of `keys` opens it, or it is damaged.
    pub(super) fn open(folder: &Path, keys: &Keys) -> Result<Option<Self>> {
        let path = folder.join(FOLDER_KEY);
        let bytes = match regular_file::read(&path, MOST_KEY_BYTES, "a folder's key") {
            Ok(bytes) => bytes,
            Err(error) if error.is_not_found() => return Ok(None),
            Err(error) => return Err(error),
        };
        let broken = || {
            fault(
                &path,
                EncryptionFault::Broken,
                "something else than a folder's key",
                "an encrypted secret key of age",
            )
        };
        let text = String::from_utf8(keys.decrypt(&path, &bytes)?).map_err(|_| broken())?;
        let secret = text.trim().parse().map_err(|_| broken())?;
        Ok(Some(Self::of(secret)))
    }

    /// The bytes of the file `_key.age` by which these recipients open the folder.
    ///
    /// # Errors
    /// None that bytes in memory could give.
    pub fn sealed_for(&self, recipients: &Recipients) -> io::Result<Vec<u8>> {
        recipients.encrypt(format!("{}\n", self.secret.to_string().expose_secret()).as_bytes())
    }

    /// The keys that open the folder's files.
    pub(crate) fn keys(&self) -> Keys {
        self.keys.clone()
    }

    /// Encrypts the bytes of a file of the folder.
    ///
    /// # Errors
    /// None that bytes in memory could give.
    pub fn encrypt(&self, bytes: &[u8]) -> io::Result<Vec<u8>> {
        self.recipients.encrypt(bytes)
    }

    /// Decrypts the bytes of a file of the folder.
    ///
    /// # Errors
    /// Where it is not encrypted by this key, or is damaged.
    pub fn decrypt(&self, path: &Path, bytes: &[u8]) -> Result<Vec<u8>> {
        self.keys.decrypt(path, bytes)
    }
}
