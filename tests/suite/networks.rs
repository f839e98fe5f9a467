//! The speaker networks: the self-test, weights that are not the right ones, and what embeddings and scores hold to.

use crate::program::{
    CANDIDATE, ENCODERS, REFERENCE, assert_fits_schema, cosine, folder, samples, soundalike, word, write_float_wav,
    write_wav,
};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

const NETWORKS: [&str; 2] = ["ge2e", "campplus"];

/// The weights that ship.
fn shipped(network: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("models").join(format!("{network}.safetensors"))
}

/// Copies the weights that ship.
fn copy_weights(folder: &Path) {
    for network in NETWORKS {
        fs::copy(shipped(network), folder.join(format!("{network}.safetensors"))).unwrap();
    }
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The embedding of a clip by one encoder, as printed.
#[track_caller]
fn embedding(clip: &str, encoder: &str) -> Vec<f32> {
    let run = soundalike(&["features", clip, "--kind", "embedding", "--encoder", encoder]).exits(0);
    let row = run.stdout.lines().nth(1).unwrap();
    row.split(',').map(|value| value.parse().unwrap()).collect()
}

fn checks(result: &Value) -> &[Value] {
    result["checks"].as_array().unwrap()
}

/// The version of the models is made of this list, so it must be that of the folder.
#[test]
fn the_list_of_models_and_the_table_of_their_hashes_fit_the_folder() {
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("models");
    let names = fs::read_dir(&models).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let names: BTreeSet<String> = names.filter(|name| !["README.md", "SHA256SUMS"].contains(&name.as_str())).collect();
    let hashes: Vec<(&String, String)> =
        names.iter().map(|name| (name, sha256(&fs::read(models.join(name)).unwrap()))).collect();
    let expected: String = hashes.iter().map(|(name, hash)| format!("{hash}  {name}\n")).collect();
    let list = fs::read_to_string(models.join("SHA256SUMS")).unwrap();
    assert_eq!(list, expected, "make models/SHA256SUMS anew, as models/README.md says");
    assert_eq!(soundalike::models_version(), &sha256(list.as_bytes())[..12]);
    let readme = fs::read_to_string(models.join("README.md")).unwrap();
    let rows: Vec<&str> = readme.lines().filter(|line| line.starts_with('|')).collect();
    for (name, hash) in hashes {
        let row = rows.iter().find(|row| row.contains(&format!("`{name}`")));
        assert!(row.is_some_and(|row| row.contains(&hash)), "{name} has the hash {hash}; in models/README.md: {row:?}");
    }
}

#[test]
fn the_self_test_passes_with_the_weights_of_the_program_and_with_those_of_a_folder() {
    let folder = folder();
    copy_weights(folder.path());
    let own = soundalike(&["selftest", "--json"]).exits(0);
    let result = own.json();
    assert_fits_schema("selftest", &result);
    assert_eq!((&result["passed"], &result["version"]), (&true.into(), &env!("CARGO_PKG_VERSION").into()));
    assert_eq!(result["models_version"], soundalike::models_version());
    for (encoder, _) in ENCODERS {
        let own = checks(&result).iter().filter(|check| check["encoder"] == encoder);
        assert!(own.clone().count() > 0 && own.clone().all(|check| check["passed"] == true), "{encoder}: {result}");
    }
    for network in NETWORKS {
        let hash = sha256(&fs::read(shipped(network)).unwrap());
        assert!(checks(&result).iter().any(|check| check["found"] == hash.as_str()), "{network}: {result}");
    }
    let given = soundalike(&["selftest", "--json", "--models", word(folder.path())]).exits(0);
    assert_eq!(given.stdout, own.stdout);
    let text = soundalike(&["selftest"]).exits(0).stdout;
    assert_eq!(text.lines().filter(|line| line.starts_with("passed  ")).count(), checks(&result).len(), "{text}");
    assert_eq!(text.lines().last(), Some("all passed"));
}

#[test]
fn weights_that_are_not_those_of_this_version_score_nobody() {
    let folder = folder();
    let model = folder.path().join("nsh.model");
    let models = ["--models", word(folder.path())];
    for network in NETWORKS {
        let good = fs::read(shipped(network)).unwrap();
        let path = folder.path().join(format!("{network}.safetensors"));
        let mut flipped = good.clone();
        flipped[good.len() / 2] ^= 1;
        let right = format!("expected the SHA-256 {}", sha256(&good));
        for (wrong, bytes) in [
            ("flipped", Some(&flipped[..])),
            ("cut", Some(&good[..good.len() - 1000])),
            ("empty", Some(&[])),
            ("none", None),
        ] {
            copy_weights(folder.path());
            match bytes {
                Some(bytes) => fs::write(&path, bytes).unwrap(),
                None => fs::remove_file(&path).unwrap(),
            }
            let found = bytes.map_or("No such file".into(), |bytes| {
                format!("found {} bytes with the SHA-256 {}", bytes.len(), sha256(bytes))
            });
            let words: &[&str] = if bytes.is_some() { &[word(&path), &found, &right] } else { &[word(&path), &found] };

            let result = soundalike(&[&["selftest", "--json"], &models[..]].concat()).exits(1).json();
            assert_eq!(result["passed"], false);
            let failed: Vec<&Value> = checks(&result).iter().filter(|check| check["passed"] == false).collect();
            assert!(!failed.is_empty() && failed.iter().all(|check| check["encoder"] == network), "{wrong}: {result}");

            let check = ["check", "--reference", REFERENCE, CANDIDATE];
            for form in [&[][..], &["--json"]] {
                soundalike(&[&check[..], &models[..], form].concat()).fails(words);
            }
            if wrong == "flipped" {
                let text = soundalike(&[&["selftest"], &models[..]].concat()).exits(1).stdout;
                assert!(text.lines().any(|line| line.starts_with("FAILED  ")), "{text}");
                assert!(text.lines().last().unwrap().starts_with("no score may be taken"), "{text}");
                // Nor is anybody enrolled, embedded or evaluated by them.
                soundalike(&[&["enrol", REFERENCE, "-o", word(&model)], &models[..]].concat()).fails(words);
                assert!(!model.exists());
                soundalike(&[&["features", CANDIDATE, "--kind", "embedding"], &models[..]].concat()).fails(words);
            }
            // The other encoders do not need this file.
            let others: Vec<&str> = ENCODERS.iter().map(|(name, _)| *name).filter(|name| *name != network).collect();
            if wrong == "none" {
                soundalike(&[&check[..], &models[..], &["--encoder", &others.join(",")]].concat()).exits(0);
            }
        }
    }
    // Each file under the other's name.
    copy_weights(folder.path());
    fs::copy(shipped("ge2e"), folder.path().join("campplus.safetensors")).unwrap();
    let check = ["check", "--reference", REFERENCE, CANDIDATE];
    soundalike(&[&check[..], &models[..]].concat()).fails(&["campplus.safetensors: found 2861896 bytes"]);
}

#[test]
fn weights_of_a_folder_give_the_same_bytes() {
    let folder = folder();
    copy_weights(folder.path());
    let check = ["check", "--json", "--reference", REFERENCE, CANDIDATE, "voices/slt/tts/01.wav"];
    let own = soundalike(&check).exits(0).stdout;
    assert!(soundalike(&[&check[..], &["--models", word(folder.path())]].concat()).exits(0).stdout == own);
}

#[test]
fn encoders_without_a_network_need_no_weights() {
    for encoder in ["mfcc", "mfcc_lda", "mfcc,mfcc_lda"] {
        let check = ["check", "--reference", REFERENCE, CANDIDATE, "--encoder", encoder];
        let own = soundalike(&check).exits(0).stdout;
        assert_eq!(soundalike(&[&check[..], &["--models", "/no/such/folder"]].concat()).exits(0).stdout, own);
    }
}

#[test]
fn embeddings_have_the_lengths_of_their_encoders() {
    for (encoder, width) in ENCODERS {
        let values = embedding(CANDIDATE, encoder);
        assert_eq!(values.len(), width, "{encoder}");
        let length = values.iter().map(|x| f64::from(*x) * f64::from(*x)).sum::<f64>().sqrt();
        let unit = (length - 1.0).abs() < 1e-6;
        assert_eq!(unit, NETWORKS.contains(&encoder), "{encoder}: of length {length}");
    }
}

#[test]
fn volume_hardly_changes_what_the_networks_give() {
    let folder = folder();
    let path = folder.path().join("soft.wav");
    write_float_wav(&path, &samples(CANDIDATE).iter().map(|x| 0.1 * x).collect::<Vec<_>>());
    // CAM++ takes what 16 bits cannot hold for silence, so that a clip 20 dB softer loses its softest parts.
    for (encoder, least) in [("ge2e", 0.999), ("campplus", 0.97)] {
        let found = cosine(&embedding(CANDIDATE, encoder), &embedding(word(&path), encoder));
        assert!(found > least, "{encoder}: {found}");
    }
}

#[test]
fn half_a_second_of_speech_is_refused_by_every_encoder() {
    let folder = folder();
    let path = folder.path().join("short.wav");
    // From the middle of a sentence.
    write_wav(&path, 16_000, &[&samples(CANDIDATE)[24_000..32_000]]);
    for (encoder, _) in ENCODERS {
        let arguments = ["check", "--json", "--reference", REFERENCE, word(&path), "--encoder", encoder];
        let result = soundalike(&arguments).exits(2).json();
        let row = &result["candidates"][0];
        assert_eq!((&row["status"], &row["scores"]), (&"refused".into(), &Value::Null), "{encoder}: {row}");
        assert_eq!(row["reason"]["code"], "too_little_speech", "{encoder}: {row}");
        assert!((0.3..0.51).contains(&row["reason"]["net_speech_s"].as_f64().unwrap()), "{encoder}: {row}");
    }
}

#[test]
fn a_long_clip_is_encoded_in_pieces_and_keeps_its_voice() {
    let folder = folder();
    let path = folder.path().join("long.wav");
    let speech = samples(CANDIDATE);
    write_wav(&path, 16_000, &[&speech.iter().copied().cycle().take(65 * 16_000).collect::<Vec<_>>()]);
    for (encoder, least) in [("ge2e", 0.95), ("campplus", 0.95)] {
        let (long, short) = (embedding(word(&path), encoder), embedding(CANDIDATE, encoder));
        let found = cosine(&long, &short);
        assert!(found > least && long != short, "{encoder}: {found}");
        let length: f64 = long.iter().map(|x| f64::from(*x) * f64::from(*x)).sum();
        assert!((length - 1.0).abs() < 1e-6, "{encoder}: {length}");
    }
}
