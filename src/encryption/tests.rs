use super::*;
use std::path::PathBuf;
use std::sync::Arc;

fn asked(words: &'static str) -> Keys {
    let ask = move |_: &Path| Passphrase::new(words.into()).map(Some);
    Keys::read(&[], Some(Arc::new(ask))).unwrap()
}

fn key_files(folder: &Path) -> (PathBuf, String) {
    let secret = age::x25519::Identity::generate();
    let file = folder.join("key.txt");
    let text = age::secrecy::ExposeSecret::expose_secret(&secret.to_string()).to_string();
    std::fs::write(&file, format!("# made for a test\n{text}\n")).unwrap();
    (file, secret.to_public().to_string())
}

#[test]
fn what_was_encrypted_for_a_key_is_opened_by_it_alone() {
    let folder = tempfile::tempdir().unwrap();
    let (file, public) = key_files(folder.path());
    let recipients = Recipients::named(std::slice::from_ref(&public)).unwrap();
    let sealed = recipients.encrypt(b"embeddings").unwrap();
    assert!(is_encrypted(&sealed) && !sealed.windows(10).any(|part| part == b"embeddings"));
    let path = folder.path().join("voice.model");
    let keys = Keys::read(&[file], None).unwrap();
    assert_eq!(&*keys.plain(&path, &sealed).unwrap(), b"embeddings");
    assert_eq!(&*keys.plain(&path, b"not encrypted").unwrap(), b"not encrypted");
    let nobody = Keys::none().plain(&path, &sealed).unwrap_err();
    assert!(nobody.is_encryption() && nobody.to_string().contains("voice.model"), "{nobody}");
    let folder = tempfile::tempdir().unwrap();
    let other = Keys::read(&[key_files(folder.path()).0], None).unwrap();
    assert!(other.plain(&path, &sealed).unwrap_err().to_string().contains("others"));
    // A file of recipients names the same.
    let list = folder.path().join("recipients.txt");
    std::fs::write(&list, format!("# us\n\n{public}\n")).unwrap();
    let sealed = Recipients::named(&[list.display().to_string()]).unwrap().encrypt(b"x").unwrap();
    assert_eq!(&*keys.plain(&path, &sealed).unwrap(), b"x");
}

#[test]
fn damage_is_told_and_nothing_is_given() {
    let folder = tempfile::tempdir().unwrap();
    let (file, public) = key_files(folder.path());
    let keys = Keys::read(&[file], None).unwrap();
    let sealed = Recipients::named(&[public]).unwrap().encrypt(&vec![7; 200_000]).unwrap();
    let path = Path::new("voices.lib/clips-1.parquet");
    for cut in [30, 100, sealed.len() / 2, sealed.len() - 1] {
        assert!(keys.decrypt(path, &sealed[..cut]).unwrap_err().is_encryption());
    }
    for at in (0..sealed.len()).step_by(9973) {
        let mut changed = sealed.clone();
        changed[at] ^= 1;
        assert!(keys.decrypt(path, &changed).unwrap_err().is_encryption(), "byte {at}");
    }
}

#[test]
fn a_folders_key_opens_by_passphrase_and_for_others_later() {
    let folder = tempfile::tempdir().unwrap();
    let key = FolderKey::generate();
    let words = Passphrase::new("four quite ordinary words".into()).unwrap();
    std::fs::write(folder.path().join(FOLDER_KEY), key.sealed_for(&words.into()).unwrap()).unwrap();
    let path = folder.path().join("anna.model");
    let sealed = key.encrypt(b"a voice").unwrap();
    let keys = asked("four quite ordinary words");
    assert_eq!(&*keys.plain(&path, &sealed).unwrap(), b"a voice");
    let wrong = asked("another").plain(&path, &sealed).unwrap_err();
    assert!(wrong.to_string().contains("does not open it"), "{wrong}");
    assert!(Keys::none().plain(&path, &sealed).unwrap_err().to_string().contains("passphrase"));
    let (file, public) = key_files(folder.path());
    let opened = keys.of_folder(folder.path()).unwrap().unwrap();
    let others = Recipients::named(&[public]).unwrap();
    std::fs::write(folder.path().join(FOLDER_KEY), opened.sealed_for(&others).unwrap()).unwrap();
    assert_eq!(&*Keys::read(&[file], None).unwrap().plain(&path, &sealed).unwrap(), b"a voice");
}

#[test]
fn keys_that_are_none_are_told_without_being_printed() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("key");
    for text in ["", "# only a remark\n", "AGE-SECRET-KEY-1OOPS\n"] {
        std::fs::write(&file, text).unwrap();
        let error = Keys::read(std::slice::from_ref(&file), None).unwrap_err();
        assert!(error.is_encryption() && !error.to_string().contains("OOPS"), "{error}");
        if !text.starts_with('#') && !text.is_empty() {
            let error = Recipients::named(&[file.display().to_string()]).unwrap_err().to_string();
            assert!(!error.contains("OOPS"), "{error}");
        }
    }
    assert!(Recipients::named(&["age1nonsense".into()]).unwrap_err().is_setting());
    assert!(Recipients::named(&[]).unwrap_err().is_setting());
    assert!(Passphrase::new(String::new()).unwrap_err().is_setting());
}
