//! Who vouches for a file: signatures in the format of minisign (Ed25519 over a BLAKE2b hash).
//!
//! Keys are made with `minisign -G` or any program of that format, and either side may use that program in the place of
//! this one: `minisign -Vm case.zip -p key.pub`. A signature is a text of four lines; its *trusted comment* is signed
//! too, the other one is not and is not shown. The file is streamed. A signature says that the holder of a key had this
//! file; whose key it is, and when they signed, it cannot say.

use super::fault;
use crate::error::{Error, ErrorKind, EvidenceFault, IoContext, Result};
use crate::regular_file;
use ct_codecs::{Base64, Decoder};
use minisign::{KeyPair, PublicKey, PublicKeyBox, SecretKey, SecretKeyBox, SignatureBox};
use schemars::JsonSchema;
use serde::Serialize;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

/// What is added to a file's name to name its signature.
pub const SUFFIX: &str = ".minisig";
/// Keys and signatures are a few hundred bytes.
const MAX_TEXT_BYTES: u64 = 64 << 10;
/// Longest trusted comment, bytes; that of minisign itself.
const MAX_COMMENT_BYTES: usize = 8192;
/// Base64 digits of algorithm, key identifier and signature, and of the signature over the comment.
const SIGNATURE_DIGITS: usize = 100;
const COMMENT_SIGNATURE_DIGITS: usize = 88;

/// A public key, from where it is given.
#[derive(Clone, Debug)]
pub enum Key {
    /// A file as `minisign -G` writes it, or with the second line of one alone.
    File(PathBuf),
    /// The second line of such a file: 56 digits of Base64.
    Text(String),
}

impl Key {
    /// What a user gave: the text of a key where it looks like one and no such file is there, else a file.
    pub fn named(given: &str) -> Self {
        let looks = given.len() == 56 && given.starts_with("RW") && !Path::new(given).exists();
        if looks { Key::Text(given.into()) } else { Key::File(given.into()) }
    }
}

/// A signature that was found right.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Verified {
    /// The comment that is signed with the file.
    pub trusted_comment: String,
    /// Identifier of the key, 16 hexadecimal digits, as minisign shows it.
    pub key_id: String,
}

/// Signs a file with the secret key in another, and gives the text of the signature.
///
/// `trusted_comment` is signed too: one line, for example program and version and the file's name.
///
/// # Errors
/// [`ErrorKind::Evidence`] where the key is none ([`EvidenceFault::Broken`]) or takes another password or any
/// ([`EvidenceFault::Password`]); [`ErrorKind::Setting`] where the comment is not one line; [`ErrorKind::Io`].
pub fn sign(file: &Path, key: &Path, password: Option<&str>, trusted_comment: &str) -> Result<String> {
    let comment = trusted_comment.trim();
    if comment.is_empty() || comment.len() > MAX_COMMENT_BYTES || comment.chars().any(char::is_control) {
        let (found, expected) = (format!("{comment:?}"), format!("one line of at most {MAX_COMMENT_BYTES} bytes"));
        return Err(ErrorKind::Setting { name: "trusted comment", found, expected }.into());
    }
    let secret = secret_key(key, password)?;
    let public = PublicKey::from_secret_key(&secret).map_err(|error| no_key(key, "a secret key", &error))?;
    let reader = BufReader::new(regular_file::open(file)?);
    let untrusted = "signature made by soundalike";
    match minisign::sign(Some(&public), &secret, reader, Some(comment), Some(untrusted)) {
        Ok(signature) => Ok(signature.into_string()),
        // Signed and held against its own public part: that they do not fit is the key's fault.
        Err(error) if matches!(error.kind(), minisign::ErrorKind::Verify) => Err(no_key(key, "a secret key", &error)),
        Err(error) => Err(unread(file, &error)),
    }
}

/// Verifies the signature of a file.
///
/// # Errors
/// [`ErrorKind::Evidence`] where the signature or the key is none ([`EvidenceFault::Broken`]), the signature is of
/// another key ([`EvidenceFault::OtherKey`]), or the file or the trusted comment is another than was signed
/// ([`EvidenceFault::Altered`]); [`ErrorKind::Io`].
pub fn verify(file: &Path, signature: &Path, key: &Key) -> Result<Verified> {
    let public = public_key(key)?;
    let signed = parsed(signature)?;
    let (of, with) = (key_id(signed.keynum()), key_id(public.keynum()));
    if of != with {
        let expected = format!("the key {with}");
        return Err(fault(signature, EvidenceFault::OtherKey, format!("a signature of the key {of}"), expected));
    }
    let reader = BufReader::new(regular_file::open(file)?);
    minisign::verify(&public, &signed, reader, true, false, false).map_err(|error| match error.kind() {
        minisign::ErrorKind::Verify => {
            let found = "another content or another trusted comment";
            fault(file, EvidenceFault::Altered, found, format!("what the key {with} signed"))
        }
        _ => unread(file, &error),
    })?;
    let comment = signed.trusted_comment().map_err(|error| no_key(signature, "a signature", &error))?;
    Ok(Verified { trusted_comment: comment, key_id: with })
}

/// Identifier of a secret key, which signatures made with it have too.
///
/// # Errors
/// As [`sign`] where the key is none, or takes another password or any.
pub fn secret_key_id(key: &Path, password: Option<&str>) -> Result<String> {
    let public = PublicKey::from_secret_key(&secret_key(key, password)?);
    public.map(|public| key_id(public.keynum())).map_err(|error| no_key(key, "a secret key", &error))
}

/// Makes a pair of keys, the texts of the files with the public and the secret one. Without a password the secret key
/// lies open.
///
/// # Errors
/// [`ErrorKind::Io`] where the system gives no random numbers.
pub fn key_pair(password: Option<&str>) -> Result<(String, String)> {
    let failed = |error: minisign::PError| unread(Path::new("random numbers"), &error);
    let pair = match password {
        Some(password) => KeyPair::generate_encrypted_keypair(Some(password.into())),
        None => KeyPair::generate_unencrypted_keypair(),
    };
    let pair = pair.map_err(failed)?;
    let public = pair.pk.to_box().map_err(failed)?.into_string();
    let secret = pair.sk.to_box(Some("soundalike secret key")).map_err(failed)?.into_string();
    Ok((public, secret))
}

/// A key's identifier as minisign shows it.
fn key_id(number: &[u8]) -> String {
    number.iter().rev().map(|byte| format!("{byte:02X}")).collect()
}

/// What went wrong while a file was read.
fn unread(file: &Path, error: &minisign::PError) -> Error {
    ErrorKind::Io { path: file.into(), action: "read", source: std::io::Error::other(error.to_string()) }.into()
}

fn no_key(path: &Path, expected: &str, error: &minisign::PError) -> Error {
    let error = error.to_string();
    let error: String = error.chars().take(120).collect();
    fault(path, EvidenceFault::Broken, format!("something else ({error})"), format!("{expected} of minisign"))
}

fn text(path: &Path, expected: &str) -> Result<String> {
    let expected = format!("{expected} of minisign, a short text");
    let mut text = Vec::new();
    regular_file::open(path)?.take(MAX_TEXT_BYTES + 1).read_to_end(&mut text).at(path, "read")?;
    let text = String::from_utf8(text).ok().filter(|text| text.len() as u64 <= MAX_TEXT_BYTES);
    text.ok_or_else(|| fault(path, EvidenceFault::Broken, "something else", expected))
}

fn secret_key(path: &Path, password: Option<&str>) -> Result<SecretKey> {
    let expected = "a secret key";
    let text = text(path, expected)?;
    let boxed = || SecretKeyBox::from(text.clone());
    // Without a password the crate would ask at the terminal.
    let open = match boxed().into_unencrypted_secret_key() {
        Ok(key) => return Ok(key),
        Err(error) => error,
    };
    if let Some(key) = without_checksum(&text) {
        return Ok(key);
    }
    if open.to_string() != "Key might be encrypted" {
        return Err(no_key(path, expected, &open));
    }
    let needed = |found: &str| fault(path, EvidenceFault::Password, found, "the password of the secret key");
    let Some(password) = password else { return Err(needed("a secret key that has a password, and none given")) };
    boxed().into_secret_key(Some(password.into())).map_err(|error| match error.kind() {
        minisign::ErrorKind::Verify => needed("another password"),
        _ => no_key(path, expected, &error),
    })
}

/// A key without a password as `minisign -G -W` writes it: it leaves the checksum at zero, which the crate does not
/// accept. That such a key is whole shows when it signs.
fn without_checksum(text: &str) -> Option<SecretKey> {
    /// Algorithms, parameters of the password, key identifier, key and checksum.
    const BYTES: usize = 6 + 48 + 8 + 64 + 32;
    let bytes = Base64::decode_to_vec(text.lines().nth(1)?.trim(), None).ok()?;
    let open = bytes.len() == BYTES && bytes.starts_with(b"Ed\0\0") && bytes.ends_with(&[0; 32]);
    if open { SecretKey::from_bytes(&bytes).ok() } else { None }
}

fn public_key(key: &Key) -> Result<PublicKey> {
    let expected = "a public key";
    let (path, text) = match key {
        Key::File(path) => (path.as_path(), text(path, expected)?),
        Key::Text(text) => (Path::new("public key"), text.clone()),
    };
    let key = match text.trim() {
        line if line.lines().count() == 1 => PublicKey::from_base64(line),
        _ => PublicKeyBox::from(text).into_public_key(),
    };
    let key = key.map_err(|error| no_key(path, expected, &error))?;
    // The key of Ed25519; the crate does not look.
    if key.to_bytes().starts_with(b"Ed") {
        return Ok(key);
    }
    Err(fault(path, EvidenceFault::Broken, "a key of another algorithm", "a public key of minisign (Ed25519)"))
}

fn parsed(path: &Path) -> Result<SignatureBox> {
    let expected = "a signature";
    let text = text(path, expected)?;
    let broken = |found: &str| fault(path, EvidenceFault::Broken, found, "a signature of minisign, four lines");
    let lines: Vec<&str> = text.lines().collect();
    let [_, signature, _, comment] = lines.as_slice() else { return Err(broken("another number of lines")) };
    // The crate relies on these lengths without looking.
    if signature.trim().len() != SIGNATURE_DIGITS || comment.trim().len() != COMMENT_SIGNATURE_DIGITS {
        return Err(broken("a signature of another length"));
    }
    let parsed = SignatureBox::from_string(&text).map_err(|error| no_key(path, expected, &error))?;
    // The old form signs the file itself, which would have to be held in memory.
    if parsed.is_prehashed() { Ok(parsed) } else { Err(broken("a signature in the old form (Ed)")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ct_codecs::Encoder;
    use std::fs;

    struct Case {
        folder: tempfile::TempDir,
    }

    impl Case {
        fn new() -> Self {
            let case = Case { folder: tempfile::tempdir().unwrap() };
            for (name, password) in [("key", None), ("other", None), ("locked", Some("p\u{e4}ss word"))] {
                let (public, secret) = key_pair(password).unwrap();
                case.write(&format!("{name}.pub"), &public);
                case.write(&format!("{name}.sec"), &secret);
            }
            case.write("case.zip", &"evidence ".repeat(20_000));
            case
        }

        fn at(&self, name: &str) -> PathBuf {
            self.folder.path().join(name)
        }

        fn write(&self, name: &str, text: &str) {
            fs::write(self.at(name), text).unwrap();
        }

        fn sign(&self, key: &str, password: Option<&str>) -> Result<String> {
            sign(&self.at("case.zip"), &self.at(key), password, "soundalike 1.2.3 file:case.zip")
        }

        fn verify(&self, key: &str) -> Result<Verified> {
            verify(&self.at("case.zip"), &self.at("case.zip.minisig"), &Key::File(self.at(key)))
        }
    }

    #[track_caller]
    fn assert_fault<T: std::fmt::Debug>(result: Result<T>, expected: EvidenceFault, word: &str) {
        let error = result.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Evidence { fault, .. } if *fault == expected), "{error:?}");
        assert!(error.to_string().contains(word), "{error}");
    }

    #[test]
    fn what_was_signed_verifies_with_its_key_alone() {
        let case = Case::new();
        for (key, password) in [("key", None), ("key", Some("not needed")), ("locked", Some("p\u{e4}ss word"))] {
            case.write("case.zip.minisig", &case.sign(&format!("{key}.sec"), password).unwrap());
            let public = fs::read_to_string(case.at(&format!("{key}.pub"))).unwrap();
            let verified = case.verify(&format!("{key}.pub")).unwrap();
            assert_eq!(verified.trusted_comment, "soundalike 1.2.3 file:case.zip");
            assert!(public.contains(&verified.key_id), "{public} {}", verified.key_id);
            let line = Key::named(public.lines().nth(1).unwrap());
            assert!(matches!(line, Key::Text(_)));
            assert_eq!(verify(&case.at("case.zip"), &case.at("case.zip.minisig"), &line).unwrap(), verified);
            assert_fault(case.verify("other.pub"), EvidenceFault::OtherKey, &verified.key_id);
        }
    }

    #[test]
    fn an_altered_file_comment_or_signature_is_told() {
        let case = Case::new();
        let signature = case.sign("key.sec", None).unwrap();
        case.write("case.zip.minisig", &signature.replace("1.2.3", "1.2.4"));
        assert_fault(case.verify("key.pub"), EvidenceFault::Altered, "case.zip");
        case.write("case.zip.minisig", &signature);
        case.write("case.zip", "evidence");
        assert_fault(case.verify("key.pub"), EvidenceFault::Altered, "what the key");
        let lines: Vec<&str> = signature.lines().collect();
        let with = |n: usize, line: &str| {
            let mut lines = lines.clone();
            lines[n] = line;
            lines.join("\n") + "\n"
        };
        let old = lines[1].replacen("RU", "RW", 1);
        for (text, word) in [
            (String::new(), "number of lines"),
            (lines[..3].join("\n"), "number of lines"),
            (with(3, "AAAA"), "another length"),
            (with(3, ""), "another length"),
            (with(1, "RUQ="), "another length"),
            (with(1, &"?".repeat(100)), "signature of minisign"),
            (with(0, "comment: x"), "signature of minisign"),
            (with(2, "x"), "signature of minisign"),
            (with(1, &old), "old form"),
            ("x".repeat(100_000), "short text"),
        ] {
            case.write("case.zip.minisig", &text);
            assert_fault(case.verify("key.pub"), EvidenceFault::Broken, word);
        }
    }

    #[test]
    fn wrong_keys_and_passwords_are_told_apart() {
        let case = Case::new();
        assert_fault(case.sign("locked.sec", None), EvidenceFault::Password, "none given");
        assert_fault(case.sign("locked.sec", Some("pass word")), EvidenceFault::Password, "another password");
        for (key, name) in [("key.pub", "sec"), ("case.zip", "zip")] {
            assert_fault(case.sign(key, Some("x")), EvidenceFault::Broken, "secret key");
            case.write("case.zip.minisig", &case.sign("key.sec", None).unwrap());
            assert_fault(case.verify(&format!("key.{name}").replace("key.zip", "case.zip")), EvidenceFault::Broken, "");
        }
        let cut = fs::read_to_string(case.at("key.sec")).unwrap();
        case.write("cut.sec", &cut[..cut.len() - 20]);
        assert_fault(case.sign("cut.sec", None), EvidenceFault::Broken, "cut.sec");
        // As minisign writes it without a password: no checksum. A changed key is found all the same.
        let line = cut.lines().nth(1).unwrap();
        let mut bytes = Base64::decode_to_vec(line, None).unwrap();
        let at = bytes.len() - 32;
        bytes[at..].fill(0);
        let write = |bytes: &[u8]| case.write("cut.sec", &format!("x\n{}\n", Base64::encode_to_string(bytes).unwrap()));
        write(&bytes);
        case.write("case.zip.minisig", &case.sign("cut.sec", None).unwrap());
        case.verify("key.pub").unwrap();
        for changed in [70, 110] {
            bytes[changed] ^= 1;
            write(&bytes);
            assert_fault(case.sign("cut.sec", None), EvidenceFault::Broken, "secret key");
            bytes[changed] ^= 1;
        }
        let lines = sign(&case.at("case.zip"), &case.at("key.sec"), None, "one\ntwo").unwrap_err();
        assert!(lines.is_setting(), "{lines}");
        assert!(sign(&case.at("none"), &case.at("key.sec"), None, "x").unwrap_err().is_io());
    }
}
