//! `soundalike index`: what an index holds, that it follows its library, and that nothing makes it wrong.

use crate::program::{
    MFCC, Run, assert_fits_schema, copy, fixtures, folder, run, samples, soundalike, word, write_narrow, write_wav,
};
use serde_json::Value;
use soundalike::encryption::Keys;
use soundalike::library::index::{ClipStatus, Index, IndexRow};
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// A library of three voices, a broken clip and a silent one.
fn library(folder: &Path) -> PathBuf {
    let root = folder.join("lib");
    for (voice, clips) in [("anna", ["01", "02"]), ("bert", ["03", "04"])] {
        let to = root.join(voice);
        fs::create_dir_all(&to).unwrap();
        let from = if voice == "anna" { "nsh" } else { "carlo" };
        clips.iter().for_each(|clip| copy(&format!("voices/{from}/real/{clip}.wav"), &to.join(format!("{clip}.wav"))));
    }
    copy("voices/rms/tts/01.wav", &root.join("carl.wav"));
    copy("malformed/bits-13.wav", &root.join("broken.wav"));
    write_wav(&root.join("anna/silence.wav"), 16_000, &[&vec![0.0; 32_000]]);
    fs::write(root.join("readme.txt"), "no clip").unwrap();
    root
}

#[track_caller]
fn index(library: &Path, output: &Path, more: &[&str], code: i32) -> Value {
    let arguments = [&["index", "--json", MFCC, word(library), "-o", word(output)], more].concat();
    soundalike(&arguments).exits(code).json()
}

fn rows(index: &Path) -> Vec<IndexRow> {
    let index = Index::open(index, &Keys::none(), 0).unwrap();
    index.manifest().segments.iter().flat_map(|segment| index.rows(segment).unwrap().into_owned()).collect()
}

/// Rows without the date of their files.
fn content(index: &Path) -> Vec<IndexRow> {
    rows(index).into_iter().map(|row| IndexRow { mtime_ns: 0, ..row }).collect()
}

fn paths(index: &Path) -> Vec<String> {
    rows(index).into_iter().map(|row| row.path).collect()
}

fn row(index: &Path, path: &str) -> IndexRow {
    rows(index).into_iter().find(|row| row.path == path).unwrap_or_else(|| panic!("no {path} in {:?}", paths(index)))
}

/// Every file of an index that counts, by name.
fn files(index: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(index).unwrap().map(|entry| entry.unwrap().path());
    let counts = entries.filter(|path| path.extension().is_some_and(|extension| extension == "parquet"));
    counts.map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), fs::read(&path).unwrap())).collect()
}

#[track_caller]
fn is_sound(index: &Path, library: &Path) {
    let run = soundalike(&["index", "--check", "-o", word(index), word(library)]).exits(0);
    assert!(run.stdout.contains("nothing is wrong"), "{}", run.stdout);
}

#[test]
fn an_index_holds_every_clip_with_its_figures_or_its_reason() {
    let folder = folder();
    let (library, output) = (library(folder.path()), folder.path().join("voices.lib"));
    let report = index(&library, &output, &[], 3);
    assert_fits_schema("index", &report);
    assert_eq!(
        (&report["new"], &report["holds"]["usable"], &report["holds"]["refused"]),
        (&7.into(), &5.into(), &2.into())
    );
    assert_eq!(report["holds"]["reasons"], serde_json::json!({"no_speech": 1, "unreadable": 1}));
    assert_eq!(
        paths(&output),
        ["anna/01.wav", "anna/02.wav", "anna/silence.wav", "bert/03.wav", "bert/04.wav", "broken.wav", "carl.wav"]
    );
    let clip = row(&output, "anna/01.wav");
    assert_eq!(
        (clip.voice.as_str(), clip.status, row(&output, "carl.wav").voice.as_str()),
        ("anna", ClipStatus::Usable, "carl")
    );
    let json = folder.path().join("embedding.json");
    let from = library.join("anna/01.wav");
    soundalike(&["features", word(&from), "--kind", "embedding", MFCC, "-o", word(&json)]).exits(0);
    let embedding: Value = serde_json::from_slice(&fs::read(json).unwrap()).unwrap();
    let values: Vec<f32> = serde_json::from_value(embedding["embeddings"]["mfcc"].clone()).unwrap();
    assert_eq!(clip.wide.mfcc.as_ref(), Some(&values));
    let inspected = soundalike(&["inspect", "--json", word(&from)]).exits(0).json();
    let quality = &inspected["clips"][0];
    assert_eq!(clip.sha256.as_deref(), quality["sha256"].as_str());
    assert_eq!(clip.quality.unwrap().net_speech_s, quality["quality"]["net_speech_s"].as_f64().unwrap());
    let (code, message) = row(&output, "broken.wav").reason.unwrap();
    assert!(code == "unreadable" && message.starts_with("broken.wav: found samples of 13 bits"), "{message}");
    assert!(row(&output, "anna/silence.wav").wide.is_empty());
    is_sound(&output, &library);
}

#[test]
fn the_columns_are_those_that_other_programs_are_told_of() {
    use parquet::file::reader::{FileReader, SerializedFileReader};
    let folder = folder();
    let output = folder.path().join("voices.lib");
    index(&fixtures().join("voices/nsh/tts"), &output, &[], 0);
    let (name, _) = files(&output).into_iter().next().unwrap();
    assert!(name.starts_with("clips-"), "{name}");
    let reader = SerializedFileReader::new(fs::File::open(output.join(name)).unwrap()).unwrap();
    let columns = reader.metadata().file_metadata().schema_descr().columns().to_vec();
    let names: Vec<String> = columns.iter().map(|column| column.path().string()).collect();
    let readme = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    for name in &names {
        let name = name.trim_end_matches(".list.element");
        let name = name.strip_prefix("narrow_").filter(|rest| *rest != "band").unwrap_or(name);
        assert!(readme.contains(&format!("`{name}`")), "README says nothing of the column {name}");
    }
    assert!(names.contains(&"campplus.list.element".into()) && names.contains(&"narrow_mfcc_extractor".into()));
}

#[test]
fn an_index_follows_its_library() {
    let folder = folder();
    let (library, output) = (library(folder.path()), folder.path().join("voices.lib"));
    index(&library, &output, &[], 3);
    let before = files(&output);
    let report = index(&library, &output, &[], 3);
    assert_eq!(
        (&report["unchanged"], &report["new"], &report["changed"]),
        (&7.into(), &0.into(), &0.into()),
        "{report}"
    );
    assert_eq!(files(&output), before, "nothing has changed");

    // Changed, new, gone, and moved both up and down the order of the paths.
    fs::write(library.join("anna/01.wav"), fs::read(library.join("bert/03.wav")).unwrap()).unwrap();
    write_wav(&library.join("anna/02.wav"), 16_000, &[&samples("voices/librivox/real/01.wav")]);
    fs::rename(library.join("bert/04.wav"), library.join("anna/00.wav")).unwrap();
    fs::rename(library.join("carl.wav"), library.join("zoe.wav")).unwrap();
    fs::remove_file(library.join("bert/03.wav")).unwrap();
    copy("voices/slt/tts/01.wav", &library.join("dora.wav"));
    let report = index(&library, &output, &[], 3);
    // anna/01.wav has the content that bert/03.wav had: it has moved there.
    let count = |name: &str| report[name].as_u64().unwrap();
    assert_eq!([count("new"), count("changed"), count("moved"), count("vanished")], [1, 1, 3, 3], "{report}");
    let all = ["anna/00.wav", "anna/01.wav", "anna/02.wav", "anna/silence.wav", "broken.wav", "dora.wav", "zoe.wav"];
    assert_eq!(paths(&output), all, "what has moved leaves nothing behind");
    assert_eq!(row(&output, "zoe.wav").voice, "zoe");
    let anew = folder.path().join("anew.lib");
    index(&library, &anew, &[], 3);
    assert_eq!(rows(&output), rows(&anew), "as if it had been made now");

    let gone = fs::read(library.join("dora.wav")).unwrap();
    let date = fs::metadata(library.join("dora.wav")).unwrap().modified().unwrap();
    fs::remove_file(library.join("dora.wav")).unwrap();
    let report = index(&library, &output, &[], 3);
    assert_eq!((&report["vanished"], &report["holds"]["vanished"]), (&1.into(), &1.into()));
    assert_eq!(row(&output, "dora.wav").status, ClipStatus::Vanished);
    assert!(!row(&output, "dora.wav").wide.is_empty(), "what was known of it is kept");
    is_sound(&output, &library);
    fs::write(library.join("dora.wav"), gone).unwrap();
    fs::File::options().write(true).open(library.join("dora.wav")).unwrap().set_modified(date).unwrap();
    let report = index(&library, &output, &[], 3);
    assert_eq!((&report["returned"], &report["new"]), (&1.into(), &0.into()), "{report}");
    assert_eq!(rows(&output), rows(&anew));
}

#[test]
fn threads_are_of_no_consequence_and_neither_is_the_name() {
    let folder = folder();
    let library = library(folder.path());
    let (one, two) = (folder.path().join("a"), folder.path().join("b"));
    index(&library, &one, &["--threads=1"], 3);
    index(&library, &two, &["--threads=3"], 3);
    assert_eq!(files(&one), files(&two));
    assert_eq!(fs::read(one.join("_index.json")).unwrap(), fs::read(two.join("_index.json")).unwrap());
}

/// A library of many short clips, with one broken in between.
fn many(folder: &Path, count: usize) -> PathBuf {
    let root = folder.join("many");
    let voice = samples("voices/librivox/real/01.wav");
    for i in 0..count {
        let to = root.join(format!("voice-{:02}", i / 40));
        fs::create_dir_all(&to).unwrap();
        let from = (i * 131) % (voice.len() - 22_000);
        write_wav(&to.join(format!("{i:04}.wav")), 16_000, &[&voice[from..from + 20_000 + i]]);
    }
    copy("malformed/empty.wav", &root.join("voice-01/empty.wav"));
    root
}

#[test]
fn a_process_that_is_killed_loses_little_and_spoils_nothing() {
    let folder = folder();
    let library = many(folder.path(), 700);
    let whole = folder.path().join("whole.lib");
    index(&library, &whole, &[], 3);
    // The same pauses every time, but where they hit depends on the machine.
    let mut state = 7u64;
    let (output, mut killed, mut went_on) = (folder.path().join("killed.lib"), 0, 0);
    for _ in 0..200 {
        let mut child = Command::new(env!("CARGO_BIN_EXE_soundalike"))
            .args(["index", MFCC, "--quiet", word(&library), "-o", word(&output)])
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        std::thread::sleep(Duration::from_millis(20 + (state >> 33) % 1500));
        if child.try_wait().unwrap().is_some() {
            break;
        }
        child.kill().unwrap();
        child.wait().unwrap();
        killed += 1;
        if output.join("_index.json").exists() {
            let held = Index::open(&output, &Keys::none(), 0).unwrap().manifest().counts().rows;
            went_on += usize::from(held > 0);
            let check = soundalike(&["index", "--check", "-o", word(&output)]).exits(0);
            assert!(check.stdout.contains("nothing is wrong"), "{}", check.stdout);
        }
    }
    assert!(killed > 0, "the library is too small to be killed in the midst of it");
    index(&library, &output, &[], 3);
    assert_eq!(rows(&output), rows(&whole), "killed {killed} times");
    assert_eq!(files(&output), files(&whole), "killed {killed} times, {went_on} of them with rows");
    assert!(!output.join("_parts").exists() && !output.join("_retired").exists());
    is_sound(&output, &library);
}

#[test]
fn whatever_an_interrupted_run_left_behind_is_put_right() {
    let folder = folder();
    let (library, output) = (library(folder.path()), folder.path().join("voices.lib"));
    index(&library, &output, &[], 3);
    let whole = files(&output);
    let (name, bytes) = whole.iter().next().unwrap();
    // A segment was written, and the process died before it counted.
    fs::write(output.join("clips-0123456789abcdef.parquet"), bytes).unwrap();
    fs::write(output.join("_writing-x.part"), "half").unwrap();
    // A replaced one was put aside and not removed.
    fs::create_dir(output.join("_retired")).unwrap();
    fs::write(output.join("_retired").join(name), bytes).unwrap();
    // Rows were kept, sorted in, and not yet removed.
    fs::create_dir(output.join("_parts")).unwrap();
    fs::write(output.join("_parts/part-000000.parquet"), bytes).unwrap();
    index(&library, &output, &[], 3);
    assert_eq!(files(&output), whole);
    for gone in ["_parts", "_retired", "_writing-x.part"] {
        assert!(!output.join(gone).exists(), "{gone}");
    }
    // Rows were kept and nothing else: they are not listened to again.
    let other = folder.path().join("other.lib");
    index(&library.join("anna"), &other, &[], 3);
    let manifest = fs::read_to_string(other.join("_index.json")).unwrap();
    let mut empty: Value = serde_json::from_str(&manifest).unwrap();
    empty["segments"] = Value::Array(Vec::new());
    fs::write(other.join("_index.json"), empty.to_string()).unwrap();
    fs::create_dir(other.join("_parts")).unwrap();
    let (name, _) = files(&other).into_iter().next().unwrap();
    fs::rename(other.join(&name), other.join("_parts/part-000000.parquet")).unwrap();
    let report = index(&library.join("anna"), &other, &[], 3);
    assert_eq!((&report["new"], &report["unchanged"]), (&0.into(), &3.into()), "{report}");
    assert!(files(&other).contains_key(&name));
}

#[test]
fn a_second_process_waits_or_says_so() {
    let folder = folder();
    let (library, output) = (fixtures().join("voices/nsh/tts"), folder.path().join("voices.lib"));
    index(&library, &output, &[], 0);
    let lock = fs::File::options().write(true).open(output.join("_lock")).unwrap();
    lock.lock().unwrap();
    let arguments = ["index", MFCC, word(&library), "-o", word(&output)];
    soundalike(&[&arguments[..], &["--no-wait"]].concat()).fails_with("another process");
    let stderr = folder.path().join("stderr");
    let mut child = Command::new(env!("CARGO_BIN_EXE_soundalike"))
        .args(arguments)
        .stdout(Stdio::null())
        .stderr(fs::File::create(&stderr).unwrap())
        .spawn()
        .unwrap();
    std::thread::sleep(Duration::from_millis(700));
    assert!(child.try_wait().unwrap().is_none(), "it does not wait");
    assert!(fs::read_to_string(&stderr).unwrap().contains("another process writes it; waiting"));
    drop(lock);
    assert!(child.wait().unwrap().success());
}

impl Run {
    /// Asserts that nothing could be done, with these words.
    #[track_caller]
    fn fails_with(self, words: &str) {
        let run = self.exits(2);
        assert!(run.stderr.contains(words), "no \"{words}\" in: {}", run.stderr);
        assert_eq!(run.stdout, "");
    }
}

#[test]
fn what_cannot_be_written_or_read_is_told_and_nothing_is_lost() {
    let folder = folder();
    let (library, output) = (library(folder.path()), folder.path().join("voices.lib"));
    let over = |output: &Path| soundalike(&["index", MFCC, word(&library), "-o", word(output)]);
    over(Path::new("/proc/voices.lib")).fails(&["/proc/voices.lib", "could not create it"]);
    over(&library.join("carl.wav")).fails(&["carl.wav", "could not create it"]);
    over(&library).fails(&["a folder with other things in it", "expected an index, an empty folder, or none"]);
    soundalike(&["index", "no/such/library", "-o", word(&output)]).fails(&["no/such/library", "could not open it"]);
    let text = library.join("readme.txt");
    let told = soundalike(&["index", MFCC, word(&text), "-o", word(&folder.path().join("text.lib"))]).exits(2);
    assert!(told.stdout.contains("no clip: could not open it"), "{}", told.stdout);
    let empty = folder.path().join("empty");
    fs::create_dir(&empty).unwrap();
    soundalike(&["index", word(&empty), "-o", word(&output)]).fails(&["a library without sound files"]);

    index(&library, &output, &[], 3);
    let before = (files(&output), fs::read(output.join("_index.json")).unwrap());
    // Every clip is gone, as where a disk is not mounted: nothing is marked.
    soundalike(&["index", MFCC, word(&empty), "-o", word(&output)]).fails(&["a library without sound files"]);
    // The disk is full: no file may grow beyond a kilobyte.
    copy("voices/slt/tts/01.wav", &library.join("dora.wav"));
    let mut full = Command::new("sh");
    let line = format!(
        "trap '' XFSZ; ulimit -f 1; exec '{}' index --quiet {MFCC} '{}' -o '{}'",
        env!("CARGO_BIN_EXE_soundalike"),
        library.display(),
        output.display()
    );
    full.args(["-c", &line]);
    run(full).fails(&["voices.lib", "could not write it"]);
    assert_eq!((files(&output), fs::read(output.join("_index.json")).unwrap()), before);
    let report = index(&library, &output, &[], 3);
    assert_eq!(report["new"], 1);
    is_sound(&output, &library);
}

#[test]
fn clips_that_cannot_be_read_are_rows_and_are_tried_again() {
    let folder = folder();
    let library = library(folder.path());
    let list = folder.path().join("list.txt");
    fs::write(&list, "# a list\nlib/anna/01.wav\n\nlib/gone.wav\nlib/anna\n").unwrap();
    let output = folder.path().join("voices.lib");
    let report = index(&list, &output, &[], 3);
    assert_eq!(report["holds"]["reasons"], serde_json::json!({"unreadable": 2}));
    assert!(row(&output, "lib/gone.wav").reason.unwrap().1.contains("could not open it"));
    assert!(row(&output, "lib/anna").reason.unwrap().1.contains("a folder"));
    copy("voices/slt/tts/01.wav", &library.join("gone.wav"));
    index(&list, &output, &[], 3);
    assert_eq!(row(&output, "lib/gone.wav").status, ClipStatus::Usable);

    // The same list on standard input, and a link that leads nowhere.
    symlink("nowhere.wav", library.join("link.wav")).unwrap();
    let from_stdin = folder.path().join("stdin.lib");
    let mut child = Command::new(env!("CARGO_BIN_EXE_soundalike"))
        .current_dir(folder.path())
        .args(["index", MFCC, "-", "-o", word(&from_stdin)])
        .stdin(Stdio::from(fs::File::open(&list).unwrap()))
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(3));
    assert_eq!(content(&from_stdin), content(&output));
    index(&library, &folder.path().join("folder.lib"), &[], 3);
    let dangling = row(&folder.path().join("folder.lib"), "link.wav").reason.unwrap();
    assert!(dangling.1.starts_with("link.wav: could not open it"), "{dangling:?}");
}

#[test]
fn what_is_ignored_hidden_or_linked_is_left_out_unless_asked_for() {
    let folder = folder();
    let library = library(folder.path());
    fs::write(library.join(".soundalikeignore"), "bert/\n").unwrap();
    fs::write(library.join("anna/.ignore"), "*.wav\n!01.wav\n").unwrap();
    copy("voices/slt/tts/01.wav", &library.join(".hidden.wav"));
    let elsewhere = folder.path().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    copy("voices/slt/tts/01.wav", &elsewhere.join("x.wav"));
    symlink(&elsewhere, library.join("linked")).unwrap();
    // An index inside its own library holds no clips.
    let output = library.join("voices.lib");
    for _ in 0..2 {
        index(&library, &output, &[], 3);
        assert_eq!(paths(&output), ["anna/01.wav", "broken.wav", "carl.wav"]);
    }
    index(&library, &output, &["--no-ignore", "--follow-links"], 3);
    let all = paths(&output);
    assert!(all.contains(&"linked/x.wav".into()) && all.contains(&"bert/03.wav".into()), "{all:?}");
    assert!(!all.contains(&".hidden.wav".into()));
    symlink(&library, library.join("anna/loop")).unwrap();
    let run = soundalike(&["index", MFCC, word(&library), "-o", word(&output), "--follow-links"]).exits(3);
    assert!(run.stderr.contains("anna/loop") && run.stderr.contains("stay as they were"), "{}", run.stderr);
}

#[test]
fn a_manifest_names_the_voices() {
    let folder = folder();
    library(folder.path());
    let manifest = folder.path().join("m.tsv");
    let line = |path: &str, speaker: &str| format!("{path}\t{speaker}\treal\tx\n");
    let table = |speaker: &str| {
        "path\tspeaker\tkind\tcorpus\n".to_string() + &line("lib/anna/01.wav", "ann") + &line("lib/carl.wav", speaker)
    };
    fs::write(&manifest, table("ann")).unwrap();
    let output = folder.path().join("voices.lib");
    index(&manifest, &output, &[], 0);
    assert_eq!(row(&output, "lib/carl.wav").voice, "x/ann");
    fs::write(&manifest, table("carl")).unwrap();
    let report = index(&manifest, &output, &[], 0);
    assert_eq!((&report["unchanged"], row(&output, "lib/carl.wav").voice.as_str()), (&2.into(), "x/carl"));
}

#[test]
fn a_check_finds_what_was_tampered_with() {
    let folder = folder();
    let (library, output) = (library(folder.path()), folder.path().join("voices.lib"));
    index(&library, &output, &[], 3);
    let check =
        |code: i32| soundalike(&["index", "--check", "--json", "-o", word(&output), word(&library)]).exits(code).json();
    assert_eq!(check(0)["files_compared"], 7);
    let clip = library.join("anna/01.wav");
    let mut bytes = fs::read(&clip).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    let date = fs::metadata(&clip).unwrap().modified().unwrap();
    fs::write(&clip, bytes).unwrap();
    fs::File::options().write(true).open(&clip).unwrap().set_modified(date).unwrap();
    let report = check(1);
    assert_eq!(report["problems"][0]["path"], "anna/01.wav", "{report}");
    copy("voices/slt/tts/01.wav", &library.join("dora.wav"));
    assert!(check(1)["problems"][1]["message"].as_str().unwrap().contains("8 sound files, the index 7"));

    let (name, bytes) = files(&output).into_iter().next().unwrap();
    for (at, words) in [(40, "SHA-256"), (bytes.len() / 2, "SHA-256")] {
        let mut spoilt = bytes.clone();
        spoilt[at] ^= 1;
        fs::write(output.join(&name), spoilt).unwrap();
        let run = soundalike(&["index", "--check", "-o", word(&output)]).exits(1);
        assert!(run.stdout.contains(words) && run.stdout.contains(&name), "{}", run.stdout);
    }
    fs::write(output.join(&name), &bytes[..bytes.len() / 2]).unwrap();
    soundalike(&["index", MFCC, word(&library), "-o", word(&output)]).fails(&[&name, "a whole Parquet file"]);
    fs::remove_file(output.join(&name)).unwrap();
    let run = soundalike(&["index", "--check", "-o", word(&output)]).exits(1);
    assert!(run.stdout.contains("no such file"), "{}", run.stdout);
    fs::write(output.join("_index.json"), "{").unwrap();
    soundalike(&["index", "--check", "-o", word(&output)]).fails(&["_index.json", "broken JSON"]);
    soundalike(&["index", "--check", "-o", word(&library)]).fails(&["a folder without an index"]);
}

#[test]
fn other_settings_are_refused_and_a_rebuild_takes_them() {
    let folder = folder();
    let (library, output) = (library(folder.path()), folder.path().join("voices.lib"));
    index(&library, &output, &[], 3);
    let other = ["index", "--encoder=mfcc_lda", word(&library), "-o", word(&output)];
    soundalike(&other).fails(&["an index of channel mix", "mfcc_lda", "--rebuild"]);
    soundalike(&["index", MFCC, "--channel=left", word(&library), "-o", word(&output)]).fails(&["expected channel 1"]);
    soundalike(&[&other[..], &["--rebuild"]].concat()).exits(3);
    assert_eq!(row(&output, "carl.wav").wide.mfcc_lda.as_ref().map(Vec::len), Some(79));
}

#[test]
fn narrow_band_clips_have_embeddings_of_that_band_and_others_where_asked() {
    let folder = folder();
    let library = library(folder.path());
    write_narrow("voices/nsh/real/05.wav", &library.join("phone.wav"));
    let (auto, all) = (folder.path().join("auto.lib"), folder.path().join("all.lib"));
    let report = index(&library, &auto, &[], 3);
    assert_eq!((&report["holds"]["narrow_band"], &report["holds"]["with_narrow"]), (&1.into(), &1.into()));
    assert!(row(&auto, "phone.wav").narrow.mfcc.is_some() && row(&auto, "carl.wav").narrow.is_empty());
    index(&library, &all, &["--narrow=all"], 3);
    assert!(row(&all, "carl.wav").narrow.mfcc.is_some());
    soundalike(&["index", MFCC, word(&library), "-o", word(&auto), "--narrow=all"])
        .fails(&["narrow band of all clips"]);
}
