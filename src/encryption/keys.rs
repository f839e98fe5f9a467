//! What opens encrypted files: secret keys of age, and a passphrase that is asked for once, when a file needs it.

use super::folder_key::FolderKey;
use super::recipients::Passphrase;
use super::{MOST_KEY_BYTES, fault, is_encrypted};
use crate::error::{EncryptionFault, Error, IoContext, Result};
use crate::regular_file;
use age::secrecy::SecretString;
use age::{DecryptError, Decryptor, scrypt, x25519};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// The most work that opening a file by passphrase may take, as the binary logarithm of scrypt's N: 1 GB of memory and
/// some seconds. A file that asks for more was made to exhaust whoever opens it.
const MOST_WORK: u8 = 20;
/// Larger files are not read whole, bytes.
const MOST_BYTES: u64 = 4 << 30;

/// Asks for the passphrase of a file; none where nobody can be asked.
pub type AskPassphrase = dyn Fn(&Path) -> Result<Option<Passphrase>> + Send + Sync;

/// Secret keys, and where a passphrase comes from. Copies share what was asked and opened.
#[derive(Clone, Default)]
pub struct Keys {
    identities: Vec<x25519::Identity>,
    ask: Option<Arc<AskPassphrase>>,
    passphrase: Arc<OnceLock<Passphrase>>,
    /// Folders' keys that were opened.
    folders: Arc<Mutex<BTreeMap<PathBuf, FolderKey>>>,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Keys({} secret keys)", self.identities.len())
    }
}

impl Keys {
    /// No key: only files that are not encrypted can be read.
    pub fn none() -> Self {
        Keys::default()
    }

    /// The secret keys of files as `age-keygen` writes them; `ask` gives the passphrase of files that were encrypted by
    /// one.
    ///
    /// # Errors
    /// Where a file cannot be read or holds something else.
    pub fn read(files: &[PathBuf], ask: Option<Arc<AskPassphrase>>) -> Result<Self> {
        let mut identities = Vec::new();
        for file in files {
            identities.extend(secret_keys(file)?);
        }
        Ok(Keys { identities, ask, ..Keys::default() })
    }

    /// One secret key.
    pub(super) fn of(identity: x25519::Identity) -> Self {
        Keys { identities: vec![identity], ..Keys::default() }
    }

    /// What a file says: its bytes as they are, or decrypted. `path` is the file that they are of.
    ///
    /// # Errors
    /// [`ErrorKind::Encryption`](crate::ErrorKind::Encryption) where no key opens it or it is damaged.
    pub fn plain<'b>(&self, path: &Path, bytes: &'b [u8]) -> Result<Cow<'b, [u8]>> {
        if !is_encrypted(bytes) {
            return Ok(Cow::Borrowed(bytes));
        }
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        match self.of_folder(folder)? {
            Some(key) => key.decrypt(path, bytes).map(Cow::Owned),
            None => self.decrypt(path, bytes).map(Cow::Owned),
        }
    }

    /// Reads a file, decrypted where it is encrypted.
    ///
    /// # Errors
    /// As [`plain`](Self::plain), and where it cannot be read.
    pub fn read_file(&self, path: &Path) -> Result<Vec<u8>> {
        let bytes = regular_file::read(path, MOST_BYTES, "a file to decrypt in memory")?;
        match self.plain(path, &bytes)? {
            Cow::Owned(plain) => Ok(plain),
            Cow::Borrowed(_) => Ok(bytes),
        }
    }

    /// The key of a folder; none where it has none. It is opened once.
    ///
    /// # Errors
    /// As [`plain`](Self::plain).
    pub fn of_folder(&self, folder: &Path) -> Result<Option<FolderKey>> {
        let name = folder.canonicalize().unwrap_or_else(|_| folder.into());
        let mut opened = self.folders.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(key) = opened.get(&name) {
            return Ok(Some(key.clone()));
        }
        let key = FolderKey::open(folder, self)?;
        if let Some(key) = &key {
            opened.insert(name, key.clone());
        }
        Ok(key)
    }

    /// Decrypts the bytes of an encrypted file.
    ///
    /// # Errors
    /// As [`plain`](Self::plain).
    pub fn decrypt(&self, path: &Path, bytes: &[u8]) -> Result<Vec<u8>> {
        let mut out = Vec::new();
        self.decrypt_to(path, &mut &*bytes, &mut out)?;
        Ok(out)
    }

    /// Decrypts what is read, as it is read. What was written is to be thrown away where it fails.
    ///
    /// # Errors
    /// As [`plain`](Self::plain), and where it cannot be read or written.
    pub fn decrypt_to(&self, path: &Path, from: &mut impl Read, out: &mut impl Write) -> Result<()> {
        let decryptor = Decryptor::new(from).map_err(|error| told(path, &error))?;
        let mut plain = if decryptor.is_scrypt() {
            let mut identity = scrypt::Identity::new(self.passphrase(path)?.0);
            identity.set_max_work_factor(MOST_WORK);
            decryptor.decrypt(std::iter::once(&identity as &dyn age::Identity))
        } else {
            if self.identities.is_empty() {
                return Err(fault(path, EncryptionFault::Locked, "an encrypted file", "a key that opens it"));
            }
            decryptor.decrypt(self.identities.iter().map(|key| key as &dyn age::Identity))
        }
        .map_err(|error| told(path, &error))?;
        let mut buffer = vec![0; 1 << 16];
        loop {
            // What breaks here is the file: its parts carry a mark each, and one does not hold.
            let damaged = |_| {
                fault(
                    path,
                    EncryptionFault::Broken,
                    "an encrypted file that was damaged, changed or cut short",
                    "a whole one",
                )
            };
            let n = plain.read(&mut buffer).map_err(damaged)?;
            let Some(read) = buffer.get(..n).filter(|read| !read.is_empty()) else { return Ok(()) };
            out.write_all(read).at(path, "decrypt")?;
        }
    }

    /// The passphrase, asked for once.
    fn passphrase(&self, path: &Path) -> Result<Passphrase> {
        if let Some(known) = self.passphrase.get() {
            return Ok(known.clone());
        }
        let asked = self.ask.as_ref().map(|ask| ask(path)).transpose()?.flatten();
        let asked = asked.ok_or_else(|| {
            fault(path, EncryptionFault::Locked, "a file that is encrypted by a passphrase", "that passphrase")
        })?;
        Ok(self.passphrase.get_or_init(|| asked).clone())
    }
}

/// Why a file cannot be opened.
fn told(path: &Path, error: &DecryptError) -> Error {
    match error {
        DecryptError::NoMatchingKeys => fault(
            path,
            EncryptionFault::Locked,
            "a file that is encrypted for others than the keys at hand",
            "a key that opens it",
        ),
        DecryptError::DecryptionFailed | DecryptError::KeyDecryptionFailed => fault(
            path,
            EncryptionFault::Locked,
            "a passphrase or key that does not open it",
            "the one it was encrypted by",
        ),
        DecryptError::ExcessiveWork { required, .. } => {
            let found = format!("a file whose passphrase takes 2^{required} steps to try");
            fault(path, EncryptionFault::Broken, found, &format!("at most 2^{MOST_WORK}"))
        }
        DecryptError::UnknownFormat => {
            fault(path, EncryptionFault::Broken, "an encrypted file of an unknown version", "one of age, version 1")
        }
        _ => fault(
            path,
            EncryptionFault::Broken,
            "an encrypted file that was damaged, changed or cut short",
            "a whole one",
        ),
    }
}

/// The secret keys of a file.
fn secret_keys(path: &Path) -> Result<Vec<x25519::Identity>> {
    const EXPECTED: &str = "secret keys as age-keygen writes them (AGE-SECRET-KEY-1...), one in each line";
    let text = SecretString::from(regular_file::read_text(path, MOST_KEY_BYTES, "secret keys")?);
    let text = age::secrecy::ExposeSecret::expose_secret(&text);
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let keys = lines.map(|line| {
        line.parse().map_err(|_| fault(path, EncryptionFault::NoKey, "a line that is no secret key", EXPECTED))
    });
    let keys: Vec<x25519::Identity> = keys.collect::<Result<_>>()?;
    if keys.is_empty() {
        return Err(fault(path, EncryptionFault::NoKey, "no secret key", EXPECTED));
    }
    Ok(keys)
}
