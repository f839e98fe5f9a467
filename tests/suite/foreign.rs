//! Indexes that other programs wrote, and rows in memory: they say what an index of ours says, or why they cannot.

use crate::program::{MFCC, REFERENCE, fixtures, folder, soundalike, word};
use crate::scan::{indexed, names, scan};
use parquet::basic::{Compression, GzipLevel};
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DataType, DoubleType, FloatType, Int32Type, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use serde_json::Value;
use soundalike::encoder::{Band, Encoder};
use soundalike::encryption::Keys;
use soundalike::library::index::{Index, IndexManifest, IndexRow};
use std::fs::{self, File};
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

/// The values of a column.
#[derive(Clone)]
enum Values {
    Text(Vec<Option<String>>),
    Int32(Vec<Option<i32>>),
    Int64(Vec<Option<i64>>),
    Double(Vec<Option<f64>>),
    Float(Vec<Option<f32>>),
    Bool(Vec<Option<bool>>),
    Lists(Vec<Option<Vec<Option<f32>>>>),
}

/// A table as another program may hold it: its columns by name.
#[derive(Clone)]
struct Sheet(Vec<(String, Values)>);

/// How a program writes what is inside a list.
#[derive(Clone, Copy)]
enum Inside {
    Element,
    Item,
    Bag,
    /// Without a group between.
    Bare,
}

impl Sheet {
    /// The columns of an index.
    fn of(manifest: &IndexManifest, rows: &[IndexRow]) -> Self {
        let text = |value: &dyn Fn(&IndexRow) -> Option<String>| Values::Text(rows.iter().map(value).collect());
        let float = |value: &dyn Fn(&IndexRow) -> Option<f32>| Values::Float(rows.iter().map(value).collect());
        let mut columns = vec![
            ("path", text(&|row| Some(row.path.clone()))),
            ("voice", text(&|row| Some(row.voice.clone()))),
            ("sha256", text(&|row| row.sha256.clone())),
            ("size", Values::Int64(rows.iter().map(|row| Some(row.size as i64)).collect())),
            ("mtime_ns", Values::Int64(rows.iter().map(|row| Some(row.mtime_ns)).collect())),
            ("codec", text(&|row| Some(row.format.as_ref()?.codec.clone()))),
            // As pandas does where some are missing.
            (
                "sample_rate_hz",
                Values::Double(rows.iter().map(|row| Some(f64::from(row.format.as_ref()?.sample_rate_hz))).collect()),
            ),
            ("channels", Values::Int32(rows.iter().map(|row| Some(row.format.as_ref()?.channels as i32)).collect())),
            ("seconds", Values::Double(rows.iter().map(|row| row.seconds).collect())),
            ("net_speech_s", Values::Double(rows.iter().map(|row| Some(row.quality?.net_speech_s)).collect())),
            ("snr_db", float(&|row| row.quality?.snr_db)),
            ("bandwidth_hz", float(&|row| row.quality?.bandwidth_hz)),
            ("clipping_percent", float(&|row| Some(row.quality?.clipping_percent))),
            ("level_dbfs", float(&|row| row.quality?.level_dbfs)),
            ("narrow_band", Values::Bool(rows.iter().map(|row| Some(row.quality?.is_narrow_band())).collect())),
            ("status", text(&|row| Some(row.status.name().into()))),
            ("reason", text(&|row| Some(row.reason.as_ref()?.0.clone()))),
            ("message", text(&|row| Some(row.reason.as_ref()?.1.clone()))),
            ("channel", text(&|_| Some(manifest.channel.clone()))),
        ];
        let names: Vec<(Band, Encoder, String)> = Band::ALL
            .into_iter()
            .flat_map(|band| Encoder::ALL.map(|encoder| (band, encoder)))
            .map(|(band, encoder)| {
                (band, encoder, format!("{}{encoder}", if band == Band::Narrow { "narrow_" } else { "" }))
            })
            .collect();
        let extractors: Vec<String> = names.iter().map(|(.., name)| format!("{name}_extractor")).collect();
        for ((band, encoder, name), extractor) in names.iter().zip(&extractors) {
            let prints = if *band == Band::Narrow { &manifest.narrow_fingerprints } else { &manifest.fingerprints };
            columns.push((
                extractor,
                text(&|row| prints.get(*encoder).filter(|_| !row.of_band(*band).is_empty()).cloned()),
            ));
            let list = |row: &IndexRow| Some(row.of_band(*band).get(*encoder)?.iter().copied().map(Some).collect());
            columns.push((name, Values::Lists(rows.iter().map(list).collect())));
        }
        Sheet(columns.into_iter().map(|(name, values)| (name.to_string(), values)).collect())
    }

    fn of_index(index: &Path) -> Self {
        let index = Index::open(index, &Keys::none(), 0).unwrap();
        Sheet::of(index.manifest(), &rows(&index))
    }

    fn column(&mut self, name: &str) -> &mut Values {
        &mut self.0.iter_mut().find(|(column, _)| column == name).unwrap().1
    }

    fn texts(&mut self, name: &str) -> &mut Vec<Option<String>> {
        let Values::Text(values) = self.column(name) else { panic!("{name} is no text") };
        values
    }

    fn lists(&mut self, name: &str) -> &mut Vec<Option<Vec<Option<f32>>>> {
        let Values::Lists(values) = self.column(name) else { panic!("{name} is no list") };
        values
    }

    /// The same without a column.
    fn without(mut self, name: &str) -> Self {
        self.0.retain(|(column, _)| column != name);
        self
    }

    fn with(mut self, change: impl FnOnce(&mut Sheet)) -> Self {
        change(&mut self);
        self
    }

    fn schema(&self, inside: Inside) -> String {
        let columns = self.0.iter().map(|(name, values)| match (values, inside) {
            (Values::Text(_), _) => format!("optional binary {name} (STRING);"),
            (Values::Int32(_), _) => format!("optional int32 {name};"),
            (Values::Int64(_), _) => format!("optional int64 {name};"),
            (Values::Double(_), _) => format!("optional double {name};"),
            (Values::Float(_), _) => format!("optional float {name};"),
            (Values::Bool(_), _) => format!("optional boolean {name};"),
            (Values::Lists(_), Inside::Bare) => {
                format!("optional group {name} (LIST) {{ repeated float array; }}")
            }
            (Values::Lists(_), inside) => {
                let (group, element) = match inside {
                    Inside::Item => ("list", "item"),
                    Inside::Bag => ("bag", "array_element"),
                    _ => ("list", "element"),
                };
                format!("optional group {name} (LIST) {{ repeated group {group} {{ optional float {element}; }} }}")
            }
        });
        format!("message table {{ {} }}", columns.collect::<Vec<_>>().join("\n"))
    }

    /// Writes some rows, in row groups of at most so many.
    fn write(&self, path: &Path, rows: &[usize], most: usize, inside: Inside, compression: Compression) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let schema = Arc::new(parquet::schema::parser::parse_message_type(&self.schema(inside)).unwrap());
        let properties = Arc::new(WriterProperties::builder().set_compression(compression).build());
        let mut writer = SerializedFileWriter::new(File::create(path).unwrap(), schema, properties).unwrap();
        for rows in rows.chunks(most) {
            let mut group = writer.next_row_group().unwrap();
            self.0.iter().for_each(|(_, values)| values.write(&mut group, rows, inside));
            group.close().unwrap();
        }
        writer.close().unwrap();
    }

    /// Writes all rows to one file.
    fn write_all(&self, path: &Path) {
        self.write(path, &self.range(), 1 << 20, Inside::Element, Compression::SNAPPY);
    }

    fn range(&self) -> Vec<usize> {
        let Values::Text(paths) = &self.0.iter().find(|(name, _)| name == "path").unwrap().1 else { panic!() };
        (0..paths.len()).collect()
    }
}

fn flat<T: DataType>(
    group: &mut SerializedRowGroupWriter<'_, File>,
    rows: &[usize],
    value: impl Fn(usize) -> Option<T::T>,
) {
    let values: Vec<Option<T::T>> = rows.iter().map(|row| value(*row)).collect();
    let levels: Vec<i16> = values.iter().map(|value| i16::from(value.is_some())).collect();
    let values: Vec<T::T> = values.into_iter().flatten().collect();
    let mut column = group.next_column().unwrap().unwrap();
    column.typed::<T>().write_batch(&values, Some(&levels), None).unwrap();
    column.close().unwrap();
}

impl Values {
    fn write(&self, group: &mut SerializedRowGroupWriter<'_, File>, rows: &[usize], inside: Inside) {
        match self {
            Values::Text(all) => flat::<ByteArrayType>(group, rows, |row| all[row].as_deref().map(ByteArray::from)),
            Values::Int32(all) => flat::<Int32Type>(group, rows, |row| all[row]),
            Values::Int64(all) => flat::<Int64Type>(group, rows, |row| all[row]),
            Values::Double(all) => flat::<DoubleType>(group, rows, |row| all[row]),
            Values::Float(all) => flat::<FloatType>(group, rows, |row| all[row]),
            Values::Bool(all) => flat::<BoolType>(group, rows, |row| all[row]),
            Values::Lists(all) => {
                let element = if matches!(inside, Inside::Bare) { 2 } else { 3 };
                let (mut values, mut definition, mut repetition) = (Vec::new(), Vec::new(), Vec::new());
                for row in rows {
                    repetition.push(0);
                    match &all[*row] {
                        None => definition.push(0),
                        Some(list) if list.is_empty() => definition.push(1),
                        Some(list) => {
                            repetition.resize(repetition.len() + list.len() - 1, 1);
                            definition.extend(list.iter().map(|x| if x.is_some() { element } else { 2 }));
                            values.extend(list.iter().flatten());
                        }
                    }
                }
                let mut column = group.next_column().unwrap().unwrap();
                column.typed::<FloatType>().write_batch(&values, Some(&definition), Some(&repetition)).unwrap();
                column.close().unwrap();
            }
        }
    }
}

fn rows(index: &Index) -> Vec<IndexRow> {
    index.manifest().segments.iter().flat_map(|segment| index.rows(segment).unwrap().into_owned()).collect()
}

/// Numbers below `count` in an order that depends on `seed`.
fn shuffled(count: usize, seed: u64) -> Vec<usize> {
    let mut all: Vec<usize> = (0..count).collect();
    all.sort_by_key(|i| (*i as u64 + 1).wrapping_mul(seed | 1).wrapping_mul(6_364_136_223_846_793_005) >> 7);
    all
}

/// An index of the encoder that takes the least time.
fn small(folder: &Path) -> Sheet {
    let index = folder.join("small.lib");
    soundalike(&["index", "--quiet", MFCC, "voices/nsh/tts", "-o", word(&index)]).exits(0);
    Sheet::of_index(&index)
}

/// What was found of each voice, with paths below the library.
fn voices(lines: &[Value], library: &Path) -> Vec<Value> {
    let mut voices = lines[1..].to_vec();
    for voice in &mut voices {
        for list in ["hits", "withheld"] {
            for hit in voice[list].as_array_mut().unwrap() {
                let path = hit["path"].as_str().unwrap();
                let inside = path.strip_prefix(&format!("{}/", library.display())).unwrap_or(path).to_string();
                hit["path"] = inside.into();
            }
        }
    }
    voices
}

#[test]
fn a_scan_of_files_of_other_programs_finds_what_one_of_ours_does() {
    let folder = folder();
    let (library, index) = indexed(folder.path());
    let expected = voices(&scan(&["--reference", REFERENCE, word(&index)], 0).1, &library);
    let sheet = Sheet::of_index(&index).with(|sheet| {
        let n = sheet.0.len();
        let columns = shuffled(n, 5).into_iter().map(|at| sheet.0[at].clone()).collect();
        sheet.0 = columns;
        let extra = Values::Int64((0..100).map(|i| (i % 3 == 0).then_some(i)).collect());
        sheet.0.insert(7, ("extra".into(), extra));
        let extra = Values::Lists(vec![Some(vec![Some(1.0)]); 100]);
        sheet.0.insert(3, ("mfcc_2".into(), extra));
        // An empty list stands for none.
        sheet.lists("narrow_ge2e").iter_mut().for_each(|list| *list = Some(list.take().unwrap_or_default()));
    });
    let others = folder.path().join("others");
    let spread = |seed: u64, cuts: &[(&str, Range<usize>)]| {
        if others.exists() {
            fs::remove_dir_all(&others).unwrap();
        }
        let order = shuffled(sheet.range().len(), seed);
        let forms = [
            (Inside::Element, Compression::SNAPPY),
            (Inside::Item, Compression::UNCOMPRESSED),
            (Inside::Bag, Compression::GZIP(GzipLevel::default())),
            (Inside::Bare, Compression::SNAPPY),
        ];
        for (at, (name, range)) in cuts.iter().enumerate() {
            let (inside, compression) = forms[(at + seed as usize) % 4];
            let range = range.start..range.end.min(order.len());
            sheet.write(&others.join(name), &order[range], 3, inside, compression);
        }
        fs::write(others.join("_SUCCESS"), "").unwrap();
        fs::write(others.join(".part.parquet.crc"), "no rows").unwrap();
        scan(&["--reference", REFERENCE, word(&others)], 0)
    };
    let three = [("b.parquet", 0..4), ("a/day=1/x.parquet", 4..9), ("c.parquet", 9..99)];
    let (first, lines) = spread(1, &three);
    assert_eq!(voices(&lines, &library), expected);
    assert_eq!(lines[0]["library"], word(&others), "there is no other name");
    assert_eq!(lines[0]["holds"]["reasons"], serde_json::json!({"unreadable": 1}));
    assert!(others.join("_rows").exists());
    assert_eq!(scan(&["--reference", REFERENCE, word(&others)], 0).0, first, "from the rows that were kept");
    for seed in 2..6 {
        assert_eq!(spread(seed, &three).0, first, "in another order");
    }
    assert_eq!(spread(7, &[("z.parquet", 0..99)]).0, first, "in one file");
    assert_eq!(spread(9, &[("b.PARQUET", 0..4), ("a/x.parquet", 4..99)]).0, first, "whatever the case of the ending");
    #[cfg(unix)]
    {
        let elsewhere = folder.path().join("elsewhere");
        fs::rename(others.join("a"), &elsewhere).unwrap();
        std::os::unix::fs::symlink(&elsewhere, others.join("a")).unwrap();
        assert_eq!(scan(&["--reference", REFERENCE, word(&others)], 0).0, first, "behind a link");
    }
    let one_each: Vec<(String, Range<usize>)> = (0..12).map(|i| (format!("{i}.parquet"), i..i + 1)).collect();
    let one_each: Vec<(&str, Range<usize>)> =
        one_each.iter().map(|(name, range)| (name.as_str(), range.clone())).collect();
    assert_eq!(spread(8, &one_each).0, first, "in a file each");

    let groups = |index: &Path| {
        let mut report = soundalike(&["groups", "--json", "--above=campplus=0.2", word(index)]).exits(0).json();
        report["library"] = Value::Null;
        report
    };
    assert_eq!(groups(&others)["groups"].as_array().unwrap().len(), groups(&index)["groups"].as_array().unwrap().len());
    let run = soundalike(&["index", "--check", "-o", word(&others), word(&library)]).exits(0);
    assert!(run.stdout.contains("nothing is wrong") && run.stdout.contains("segments         12"), "{}", run.stdout);
    soundalike(&["index", word(&library), "-o", word(&others)]).fails(&["other things in it", "as they are"]);
    soundalike(&["index", "--rebuild", word(&library), "-o", word(&others)]).fails(&["name another folder"]);
    // Beside sound files, Parquet files are no index: the folder is a library.
    let sheet = small(folder.path());
    sheet.write_all(&library.join("table.parquet"));
    assert!(!Index::is_one(&library) && Index::is_one(&others));
    soundalike(&["index", "--check", "-o", word(&library)]).fails(&["a folder without an index"]);
}

#[test]
fn clips_that_are_as_close_are_told_in_the_order_of_their_paths_wherever_they_lie() {
    let folder = folder();
    small(folder.path());
    let index = Index::open(&folder.path().join("small.lib"), &Keys::none(), 0).unwrap();
    let row = rows(&index).remove(0);
    let twins: Vec<IndexRow> = (0..600).map(|i| IndexRow { path: format!("{i:03}.wav"), ..row.clone() }).collect();
    let sheet = Sheet::of(index.manifest(), &twins);
    let others = folder.path().join("others");
    sheet.write(&others.join("0.parquet"), &[0, 1], 1000, Inside::Element, Compression::SNAPPY);
    assert_eq!(Index::open(&others, &Keys::none(), 1).unwrap().manifest().counts().rows, 2);
    let many = Index::open(&others, &Keys::none(), 5000).map(|_| ()).unwrap_err();
    assert!(many.is_threads(), "the number of threads is the one that was asked for: {many}");
    let mut first = None;
    for (seed, files) in [(1, 1), (2, 3), (3, 40)] {
        for (at, rows) in shuffled(600, seed).chunks(600 / files).enumerate() {
            sheet.write(&others.join(format!("{at}.parquet")), rows, 1000, Inside::Element, Compression::SNAPPY);
        }
        for threads in ["--threads=1", "--threads=3"] {
            let found = scan(&["--top=4", threads, "--reference", REFERENCE, word(&others)], 0);
            assert_eq!(names(&found.1[1]["hits"]), ["000.wav", "001.wav", "002.wav", "003.wav"]);
            assert_eq!(first.get_or_insert(found.0.clone()), &found.0, "{files} files");
        }
        fs::remove_dir_all(&others).unwrap();
    }
}

#[test]
fn results_say_that_another_program_wrote_the_rows() {
    let folder = folder();
    let (_, index) = indexed(folder.path());
    let others = folder.path().join("others");
    Sheet::of_index(&index).write_all(&others.join("x.parquet"));
    let note = "written by another program, without a checksum of soundalike";
    for (path, by_others) in [(&index, false), (&others, true)] {
        let path = word(path);
        let scanned = scan(&["--reference", REFERENCE, path], 0);
        assert_eq!(scanned.1[0]["rows_by_others"], by_others);
        let checked = ["index", "--check", "-o", path];
        let grouped = ["groups", path];
        for arguments in [&checked[..], &grouped] {
            let json = soundalike(&[arguments, &["--json"]].concat()).exits(0).json();
            assert_eq!(json["rows_by_others"], by_others, "{arguments:?}");
            let text = soundalike(arguments).exits(0).stdout;
            assert_eq!(text.contains(note), by_others, "{text}");
        }
        let text = soundalike(&["scan", "--reference", REFERENCE, path]).exits(0).stdout;
        assert_eq!(text.contains(note), by_others, "{text}");
        let (lines, page) = (folder.path().join("scan.jsonl"), folder.path().join("scan.html"));
        fs::write(&lines, &scanned.0).unwrap();
        soundalike(&["report", word(&lines), "-o", word(&page)]).exits(0);
        let page = fs::read_to_string(&page).unwrap();
        assert_eq!(page.contains("written by another program"), by_others);
    }
}

#[test]
fn a_file_that_changes_between_two_readings_of_a_run_is_refused() {
    let folder = folder();
    let others = folder.path().join("others");
    let path = others.join("x.parquet");
    small(folder.path()).write_all(&path);
    let index = Index::open(&others, &Keys::none(), 1).unwrap();
    let segment = &index.manifest().segments[0];
    let before = index.rows(segment).unwrap().into_owned();
    let mut bytes = fs::read(&path).unwrap();
    let old = bytes.clone();
    // The name of a program, in the words of the file: nothing that the rows are made of.
    let at = bytes.windows(10).rposition(|bytes| bytes == b"parquet-rs").unwrap();
    bytes[at] ^= 1;
    fs::write(&path, bytes).unwrap();
    let error = index.rows(segment).unwrap_err().to_string();
    for word in ["x.parquet", "the SHA-256", "as when it was opened; run again"] {
        assert!(error.contains(word), "no \"{word}\" in: {error}");
    }
    assert_eq!(index.check(None, 1).unwrap().problems.len(), 1);
    fs::write(&path, old).unwrap();
    assert_eq!(index.rows(segment).unwrap().into_owned(), before);
}

#[test]
fn damage_to_an_embedding_of_a_network_shows_by_its_length() {
    let folder = folder();
    let (_, index) = indexed(folder.path());
    let others = folder.path().join("others");
    let sheet = Sheet::of_index(&index);
    for name in ["ge2e", "campplus"] {
        // A sign does not change the length, and the lowest bits are too small to be seen.
        for bit in [20, 22, 23, 27, 30] {
            let damaged = sheet.clone().with(|sheet| {
                let list = sheet.lists(name).iter_mut().flatten().next().unwrap();
                let largest = list.iter_mut().max_by(|a, b| a.unwrap().abs().total_cmp(&b.unwrap().abs())).unwrap();
                *largest = largest.map(|x| f32::from_bits(x.to_bits() ^ 1 << bit));
            });
            damaged.write_all(&others.join("x.parquet"));
            let index = Index::open(&others, &Keys::none(), 1).unwrap();
            let error = index.rows(&index.manifest().segments[0]).unwrap_err().to_string();
            let found = ["an embedding of length", &format!("in column {name} of row"), "write the file again"];
            found.iter().for_each(|word| assert!(error.contains(word), "no \"{word}\" in: {error}"));
        }
    }
}

#[test]
fn what_cannot_be_an_index_is_refused_with_what_to_do() {
    let folder = folder();
    let sheet = small(folder.path());
    let others = folder.path().join("others");
    // What is wrong with an embedding comes to light when it is read, after the scan has said what it is.
    let fails = |words: &[&str]| {
        let run = soundalike(&["scan", "--reference", REFERENCE, word(&others)]).exits(2);
        words.iter().for_each(|word| assert!(run.stderr.contains(word), "no \"{word}\" in: {}", run.stderr));
        fs::remove_dir_all(&others).unwrap();
    };
    let refused = |sheet: Sheet, words: &[&str]| {
        sheet.write_all(&others.join("x.parquet"));
        fails(&[words, &["x.parquet"]].concat());
    };
    refused(sheet.clone().without("voice"), &["no column voice", "write the file again"]);
    refused(sheet.clone().without("mfcc"), &["no column mfcc,"]);
    refused(sheet.clone().without("mfcc_extractor"), &["no column mfcc_extractor"]);
    let none = Encoder::ALL
        .iter()
        .fold(sheet.clone(), |sheet, encoder| sheet.without(encoder.name()).without(&format!("{encoder}_extractor")));
    refused(none, &["no column of embeddings", "mfcc, mfcc_lda, ge2e, campplus"]);
    refused(sheet.clone().with(|sheet| sheet.texts("path")[1] = None), &["no value in column path of row 2"]);
    refused(sheet.clone().with(|sheet| sheet.texts("voice")[0] = None), &["no value in column voice of row 1"]);
    refused(sheet.clone().with(|sheet| sheet.texts("status")[0] = Some("ok".into())), &["the status \"ok\""]);
    let other = sheet.clone().with(|sheet| sheet.texts("mfcc_extractor")[2] = Some("other".into()));
    refused(other, &["\"other\" in column mfcc_extractor", "embed the others again"]);
    let none = sheet.clone().with(|sheet| sheet.texts("mfcc_extractor")[2] = None);
    refused(none, &["without a value in column mfcc_extractor"]);
    refused(sheet.clone().with(|sheet| sheet.lists("mfcc")[1] = None), &["is usable and has no embeddings"]);
    let bad = |change: fn(&mut Vec<Option<f32>>)| {
        sheet.clone().with(|sheet| change(sheet.lists("mfcc")[1].as_mut().unwrap()))
    };
    refused(bad(|list| list[3] = None), &["an embedding with a null in it in column mfcc", "38 numbers"]);
    refused(bad(|list| list[3] = Some(f32::NAN)), &["an embedding of 38 values in column mfcc", "38 numbers"]);
    refused(bad(|list| list.truncate(37)), &["an embedding of 37 values in column mfcc"]);
    // Some hundred bytes of equal numbers, which would take memory without end.
    let swollen = sheet.clone().with(|sheet| sheet.lists("mfcc")[1] = Some(vec![Some(0.5); 4 << 20]));
    refused(swollen, &["values or more in one column, of at most", "in a file of its size"]);
    let speechless = sheet.clone().with(|sheet| *sheet.column("net_speech_s") = Values::Double(vec![None; 4]));
    refused(speechless, &["a usable clip without a value in column net_speech_s"]);
    let number = sheet.clone().with(|sheet| *sheet.column("voice") = Values::Double(vec![Some(1.0); 4]));
    refused(number, &["the column OPTIONAL DOUBLE voice,", "voice as strings"]);
    let cut = sheet.clone().with(|sheet| {
        sheet.lists("mfcc").iter_mut().for_each(|list| list.as_mut().unwrap().truncate(9));
    });
    cut.write_all(&others.join("x.parquet"));
    fails(&["embeddings of 9 values by mfcc", "38; embed the clips again with this version"]);
    let old = sheet.clone().with(|sheet| sheet.texts("mfcc_extractor").fill(Some("old".into())));
    old.write_all(&others.join("x.parquet"));
    fails(&["embeddings by extractors mfcc old", "embed the clips again with this version"]);

    let (a, b) = (others.join("a.parquet"), others.join("in/b.parquet"));
    let write = |sheet: &Sheet, path: &Path, rows: &[usize]| {
        sheet.write(path, rows, 2, Inside::Element, Compression::SNAPPY);
    };
    write(&sheet, &a, &[0, 1, 2]);
    write(&sheet, &b, &[3, 1]);
    fails(&["in/b.parquet", "the path \"02.wav\", which is in a.parquet too", "drop the duplicates"]);
    write(&sheet, &a, &[0, 1, 2, 0]);
    fails(&["a.parquet", "the path \"01.wav\", which is in the same file too"]);
    write(&sheet, &a, &[0, 1]);
    write(&old, &b, &[2, 3]);
    fails(&["in/b.parquet", "\"old\" in mfcc_extractor", "as a.parquet has it", "embed the others again"]);
    let left = sheet.clone().with(|sheet| sheet.texts("channel").fill(Some("1".into())));
    write(&sheet, &a, &[0, 1]);
    write(&left, &b, &[2, 3]);
    fails(&["\"1\" in channel", "\"mix\", as a.parquet has it"]);
    write(&sheet, &a, &[]);
    fails(&["Parquet files without rows"]);
    // The codec of the column path, as it stands in the file's own words: snappy becomes zstd.
    write(&sheet, &a, &[0, 1, 2, 3]);
    let mut bytes = fs::read(&a).unwrap();
    let at = bytes.windows(7).position(|bytes| bytes == b"\x04path\x15\x02").unwrap();
    bytes[at + 6] = 0x0c;
    fs::write(&a, bytes).unwrap();
    fails(&["a.parquet", "columns compressed with zstd", "snappy, gzip or no compression"]);
    fs::create_dir_all(&others).unwrap();
    fs::write(&a, "no Parquet file").unwrap();
    fails(&["a.parquet", "a whole Parquet file"]);
    // A file without rows beside others is no harm.
    write(&sheet, &a, &[]);
    write(&sheet, &b, &[0, 1, 2, 3]);
    let (_, lines) = scan(&["--reference", REFERENCE, word(&others)], 0);
    assert_eq!((&lines[0]["holds"]["rows"], names(&lines[1]["hits"]).len()), (&4.into(), 4));
}

#[test]
fn rows_in_memory_are_scanned_as_those_of_an_index_are() {
    use soundalike::library::cohort::Cohort;
    use soundalike::library::scan::{ScanSettings, VoiceScan, panel_of};
    use soundalike::library::{LoadedCalibration, VoiceSet};
    let folder = folder();
    let (library, path) = indexed(folder.path());
    let index = Index::open(&path, &Keys::none(), 0).unwrap();
    let panel = panel_of(&index, &Default::default()).unwrap();
    let voices = VoiceSet::one(&[fixtures().join(REFERENCE)], &Keys::none()).unwrap();
    let calibration = LoadedCalibration::built_in("real-synthetic").unwrap();
    let cohort = Cohort::built_in().unwrap();
    let found = |index: &Index| -> Vec<VoiceScan> {
        let settings = ScanSettings {
            top: Some(5),
            threshold: Default::default(),
            only_above: false,
            own_too: false,
            by: None,
            expected_clips: 1.0,
            calibration: Some(&calibration),
            cohort: Some(&cohort),
            cohort_filters: &[],
            cache: Some(folder.path().join("cache")),
            progress: &|_, _| {},
            threads: 2,
        };
        let mut all = Vec::new();
        let mut each = |voice: &VoiceScan| {
            let mut voice = voice.clone();
            for hit in voice.hits.iter_mut().chain(&mut voice.withheld) {
                hit.path = hit.path.replace(&format!("{}/", library.display()), "");
            }
            all.push(voice);
            Ok(())
        };
        soundalike::library::scan::scan(&panel, &voices, index, &settings, &mut |_| Ok(()), &mut each).unwrap();
        all
    };
    let expected = found(&index);
    assert!(expected[0].hits.len() == 5 && expected[0].withheld.len() == 1, "{expected:?}");
    let rows = rows(&index);
    let narrow = panel.narrow().unwrap();
    for size in [1, 3, 100] {
        let parts: Vec<Vec<IndexRow>> = rows.rchunks(size).map(<[IndexRow]>::to_vec).collect();
        let memory = Index::of_rows(&panel, &narrow, parts).unwrap();
        assert_eq!(memory.manifest().counts().rows, rows.len());
        assert_eq!(found(&memory), expected, "{size} rows at a time");
        assert!(memory.folder().is_none() && memory.check(None, 1).unwrap().problems.is_empty());
    }
    let refused = |rows: Vec<IndexRow>| Index::of_rows(&panel, &narrow, vec![rows]).unwrap_err().to_string();
    let usable = rows.iter().find(|row| !row.wide.is_empty()).unwrap().clone();
    assert!(refused(vec![usable.clone(), usable.clone()]).contains("occurs twice"));
    let mut bad = usable.clone();
    bad.wide.take(Encoder::Ge2e);
    assert!(refused(vec![bad]).contains("has no embedding in column ge2e"));
    let mut bad = usable;
    bad.wide.set(Encoder::Ge2e, vec![1.0]);
    assert!(refused(vec![bad]).contains("has 1 values of ge2e, not 256 numbers"));
}

#[test]
fn clips_from_anywhere_give_the_rows_of_an_index_and_parts_add_up_to_a_scan() {
    use soundalike::audio::ClipSource;
    use soundalike::library::cohort::Cohort;
    use soundalike::library::index::{ClipToIndex, NarrowRule, embed};
    use soundalike::library::scan::{PartOptions, PartScan, panel_of, posterior};
    use soundalike::library::{LoadedCalibration, VoiceSet};
    let folder = folder();
    let (library, path) = indexed(folder.path());
    let index = Index::open(&path, &Keys::none(), 0).unwrap();
    let panel = Arc::new(panel_of(&index, &Default::default()).unwrap());
    let narrow = Arc::new(panel.narrow().unwrap());
    let expected = rows(&index);
    let of_file = |row: &IndexRow| ClipToIndex::of_file(row.path.clone(), None, &library.join(&row.path));
    let of_bytes = |row: &IndexRow| {
        let bytes = Arc::new(fs::read(library.join(&row.path)).unwrap());
        let clip = Ok(ClipSource::Memory { name: row.path.clone().into(), bytes });
        let (path, voice) = (row.path.clone(), Some(row.voice.clone()));
        ClipToIndex { path, voice, size: row.size, mtime_ns: row.mtime_ns, clip }
    };
    let files: Vec<ClipToIndex> = expected.iter().map(of_file).collect();
    let bytes: Vec<ClipToIndex> = expected.iter().map(of_bytes).collect();
    for (clips, threads) in [(&files, 1), (&files, 2), (&bytes, 2)] {
        assert_eq!(embed(&panel, &narrow, NarrowRule::Auto, clips, threads).unwrap(), expected);
    }
    let lost = ClipToIndex { clip: Err("the store does not answer".into()), ..of_file(&expected[0]) };
    let lost = &embed(&panel, &narrow, NarrowRule::Auto, &[lost], 1).unwrap()[0];
    assert_eq!(lost.reason, Some(("unreadable".into(), "the store does not answer".into())));

    let (_, lines) = scan(&["--reference", REFERENCE, "--top=4", "--expected-clips=2", word(&path)], 0);
    let told = &lines[1];
    for size in [2, 1000] {
        let voices = VoiceSet::one(&[fixtures().join(REFERENCE)], &Keys::none()).unwrap();
        let options = PartOptions {
            top: Some(4),
            threshold: Default::default(),
            only_above: false,
            by: None,
            cohort_filters: Vec::new(),
            threads: 1,
        };
        let calibration = LoadedCalibration::built_in("real-synthetic").unwrap();
        let both = [Arc::clone(&panel), Arc::clone(&narrow)];
        let mut parts = PartScan::new(both, &voices, calibration, Cohort::built_in().unwrap(), options).unwrap();
        assert!(parts.has_ratio() && parts.left_out().is_empty());
        for rows in expected.rchunks(size) {
            let usable = rows.iter().filter(|row| !row.wide.is_empty());
            parts.push(usable.cloned().collect()).unwrap();
        }
        let found = parts.take();
        let [(_, found)] = found.as_slice() else { panic!("{} voices", found.len()) };
        assert_eq!((&told["compared"], &told["judged"]), (&found.compared.into(), &found.judged.into()));
        for (hits, list) in [(&found.ranked, "hits"), (&found.rest, "withheld")] {
            assert_eq!(hits.len(), told[list].as_array().unwrap().len());
            for ((_, hit), told) in hits.iter().zip(told[list].as_array().unwrap()) {
                assert!(told["path"].as_str().unwrap().ends_with(&hit.path), "{told}");
                let figures = serde_json::to_value(hit).unwrap();
                for name in ["log10_lr", "log10_lr_low", "likeness", "cosines", "flagged", "sha256", "net_speech_s"] {
                    assert_eq!(figures[name], told[name], "{name}");
                }
                let posterior = hit.log10_lr.map(|ratio| posterior(ratio, found.judged, 2.0));
                assert_eq!(told["posterior"].as_f64(), posterior);
            }
        }
        assert!(parts.take()[0].1.ranked.is_empty());
    }
}
