//! Where keys and passphrases come from: files that are named, a variable, or a question at the terminal. Never the
//! command line itself, which every user of the machine can read.

use super::Common;
use clap::Args;
use soundalike::encryption::{AtRest, Keys, Passphrase, Recipients};
use soundalike::{Error, ErrorKind, Result};
use std::io::{self, IsTerminal};
use std::path::Path;
use std::sync::{Arc, OnceLock};

/// The variable that a passphrase is read from.
const PASSPHRASE: &str = "SOUNDALIKE_PASSPHRASE";

/// For whom what is written is encrypted.
#[derive(Args)]
pub struct EncryptArgs {
    /// Encrypt what is written, in the age format, by a passphrase: asked for, or from the variable
    /// SOUNDALIKE_PASSPHRASE
    #[arg(long)]
    encrypt: bool,
    /// Encrypt what is written, in the age format, for whoever has the secret key: a public key (age1...) or a file of
    /// them; may be given again
    #[arg(long, value_name = "KEY", conflicts_with = "encrypt")]
    recipient: Vec<String>,
}

impl EncryptArgs {
    /// For whom; none where it is not to be encrypted.
    pub fn recipients(&self) -> Result<Option<Recipients>> {
        match (self.encrypt, self.recipient.is_empty()) {
            (true, _) => new_passphrase().map(|words| Some(words.into())),
            (false, false) => Recipients::named(&self.recipient).map(Some),
            (false, true) => Ok(None),
        }
    }

    /// The same with what opens files.
    pub fn at_rest(&self, common: &Common) -> Result<AtRest> {
        let recipients = self.recipients()?;
        Ok(AtRest { keys: keys(common)?, recipients })
    }
}

/// What opens encrypted files; a passphrase is asked for once.
pub fn keys(common: &Common) -> Result<Keys> {
    static KEYS: OnceLock<Keys> = OnceLock::new();
    if let Some(keys) = KEYS.get() {
        return Ok(keys.clone());
    }
    let keys = Keys::read(&common.identity, Some(Arc::new(passphrase)))?;
    Ok(KEYS.get_or_init(|| keys).clone())
}

/// The passphrase that was given for new files, which opens old ones as well.
static GIVEN: OnceLock<Passphrase> = OnceLock::new();

/// The passphrase of a file that there is; none where nobody can be asked.
fn passphrase(path: &Path) -> Result<Option<Passphrase>> {
    if let Some(given) = GIVEN.get() {
        return Ok(Some(given.clone()));
    }
    match std::env::var(PASSPHRASE) {
        Ok(words) => Passphrase::new(words).map(Some),
        Err(_) if io::stdin().is_terminal() => ask(&format!("Passphrase of {}: ", path.display())).map(Some),
        Err(_) => Ok(None),
    }
}

/// A passphrase for what is to be written, asked for twice.
fn new_passphrase() -> Result<Passphrase> {
    let words = match std::env::var(PASSPHRASE) {
        Ok(words) => Passphrase::new(words)?,
        Err(_) if io::stdin().is_terminal() => {
            let words = ask("Passphrase: ")?;
            if !words.is_same(&ask("The same again: ")?) {
                return Err(missing("two that differ", "the same twice"));
            }
            words
        }
        Err(_) => return Err(missing("none, and no terminal to ask at", "one in the variable SOUNDALIKE_PASSPHRASE")),
    };
    Ok(GIVEN.get_or_init(|| words).clone())
}

fn ask(question: &str) -> Result<Passphrase> {
    let failed = |source| Error::from(ErrorKind::Io { path: "the terminal".into(), action: "read from", source });
    Passphrase::new(rpassword::prompt_password(question).map_err(failed)?)
}

fn missing(found: &str, expected: &str) -> Error {
    ErrorKind::Setting { name: "passphrase", found: found.into(), expected: expected.into() }.into()
}
