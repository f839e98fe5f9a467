//! For whom files are encrypted: public keys, or whoever knows a passphrase.

use super::{MOST_KEY_BYTES, fault};
use crate::error::{EncryptionFault, ErrorKind, Result};
use crate::regular_file;
use age::secrecy::{ExposeSecret, SecretString};
use age::{Encryptor, scrypt, x25519};
use std::io::{self, Read, Write};
use std::path::Path;

/// Work of deriving a key from a passphrase, as the binary logarithm of scrypt's N: 256 MB of memory and about a
/// second, the value of the age program.
const WORK_FACTOR: u8 = 18;

/// Those who will be able to open a file.
#[derive(Clone)]
pub struct Recipients(To);

#[derive(Clone)]
enum To {
    Passphrase(Passphrase),
    Keys(Vec<x25519::Recipient>),
}

/// A passphrase. It is wiped from memory when it is dropped and is in no message.
#[derive(Clone)]
pub struct Passphrase(pub(super) SecretString);

impl Passphrase {
    /// A passphrase of these words.
    ///
    /// # Errors
    /// Where there are none: an empty passphrase protects nothing.
    pub fn new(words: String) -> Result<Self> {
        if words.is_empty() {
            let expected = "one of several words that nobody guesses".into();
            return Err(ErrorKind::Setting { name: "passphrase", found: "an empty one".into(), expected }.into());
        }
        Ok(Passphrase(SecretString::from(words)))
    }

    /// Whether two are the same.
    pub fn is_same(&self, other: &Passphrase) -> bool {
        self.0.expose_secret() == other.0.expose_secret()
    }
}

impl std::fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Passphrase")
    }
}

impl std::fmt::Debug for Recipients {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.0 {
            To::Passphrase(_) => f.write_str("Recipients(passphrase)"),
            To::Keys(keys) => write!(f, "Recipients({} public keys)", keys.len()),
        }
    }
}

impl From<Passphrase> for Recipients {
    fn from(passphrase: Passphrase) -> Self {
        Recipients(To::Passphrase(passphrase))
    }
}

impl From<x25519::Recipient> for Recipients {
    fn from(key: x25519::Recipient) -> Self {
        Recipients(To::Keys(vec![key]))
    }
}

impl Recipients {
    /// Those that are named: each by a public key (`age1...`), or by a file with one in each line.
    ///
    /// # Errors
    /// Where a name is neither, or nobody is named.
    pub fn named(names: &[String]) -> Result<Self> {
        let mut keys = Vec::new();
        for name in names {
            match name.parse::<x25519::Recipient>() {
                Ok(key) => keys.push(key),
                Err(why) if name.starts_with("age1") => {
                    let found = format!("\"{name}\" ({why})");
                    return Err(ErrorKind::Setting { name: "recipient", found, expected: EXPECTED.into() }.into());
                }
                Err(_) => keys.extend(of_file(Path::new(name))?),
            }
        }
        if keys.is_empty() {
            let found = "nobody".into();
            return Err(ErrorKind::Setting { name: "recipient", found, expected: EXPECTED.into() }.into());
        }
        Ok(Recipients(To::Keys(keys)))
    }

    /// Encrypts bytes.
    ///
    /// # Errors
    /// None that bytes in memory could give.
    pub fn encrypt(&self, bytes: &[u8]) -> io::Result<Vec<u8>> {
        let mut out = Vec::with_capacity(bytes.len() + bytes.len() / 1024 + 512);
        self.encrypt_from(&mut &*bytes, &mut out)?;
        Ok(out)
    }

    /// Encrypts what is read, as it is read.
    ///
    /// # Errors
    /// Where it cannot be read or written.
    pub fn encrypt_from(&self, from: &mut impl Read, out: &mut impl Write) -> io::Result<()> {
        let encryptor = match &self.0 {
            To::Passphrase(passphrase) => {
                let mut recipient = scrypt::Recipient::new(passphrase.0.clone());
                recipient.set_work_factor(WORK_FACTOR);
                Encryptor::with_recipients(std::iter::once(&recipient as &dyn age::Recipient))
            }
            To::Keys(keys) => Encryptor::with_recipients(keys.iter().map(|key| key as &dyn age::Recipient)),
        };
        let encryptor = encryptor.map_err(|error| io::Error::other(error.to_string()))?;
        let mut sealed = encryptor.wrap_output(out)?;
        io::copy(from, &mut sealed)?;
        sealed.finish().map(drop)
    }
}

const EXPECTED: &str = "a public key of age (age1...), or a file with one in each line";

/// The public keys of a file: one in each line, but for empty ones and those that begin with #.
fn of_file(path: &Path) -> Result<Vec<x25519::Recipient>> {
    let text = regular_file::read_text(path, MOST_KEY_BYTES, "public keys")?;
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| {
            line.parse().map_err(|_| {
                // A secret key in the wrong file is not to be printed.
                let found = if line.starts_with("age1") { line } else { "a line that is no public key" };
                fault(path, EncryptionFault::NoKey, found, EXPECTED)
            })
        })
        .collect()
}
