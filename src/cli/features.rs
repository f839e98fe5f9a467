//! `soundalike features`: the feature matrix or the embeddings of a clip, as a table, a NumPy array or JSON.

use super::output::{stdout_error, write_file};
use super::{ChannelArg, Common, DONE, EncoderArg, Outcome, embedding, output};
use clap::{Args, ValueEnum};
use soundalike::audio::{ReadOptions, Recording};
use soundalike::feature::{FeaturePlan, FeatureSettings, Preset, kaldi_fbank80};
use soundalike::path_text::text_of;
use soundalike::{Error, ErrorKind, Result};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// Write the features of a clip: the MFCC or log filter-bank matrix, or the embeddings that `check` compares.
///
/// A row of a matrix is a frame of 25 ms, one every 10 ms, over the whole clip at 16 kHz, silence included. Embeddings
/// are made of the speech that is found in the clip and need 1 s of it; several encoders stand side by side in one row.
/// The presets equal other libraries' numbers (tolerances in the README). The clip is streamed, so its length costs no
/// memory.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  soundalike features clip.wav --kind mfcc -o clip.csv\n  soundalike features clip.wav \
                  --kind fbank --preset kaldi80 -o clip.npy\n  soundalike features clip.flac --kind mfcc --preset \
                  librosa > clip.csv\n  soundalike features clip.wav --kind embedding --encoder mfcc -o clip.json\n\n\
                  Exit codes: 0 done; 2 the clip cannot be used, or the file not be written."
)]
pub struct FeaturesArgs {
    /// The clip
    #[arg(value_name = "CLIP")]
    clip: PathBuf,
    /// Cepstra, the log mel filter bank, or embeddings
    #[arg(long, value_enum)]
    kind: Kind,
    /// Whose definition of cepstra or filter bank is followed; kaldi80 is the 80-band filter bank of speaker networks
    /// [default: kaldi]
    #[arg(long, value_enum)]
    preset: Option<PresetArg>,
    /// File to write: .csv, .npy (little-endian float32, C order) or .json by its ending [default: CSV on standard
    /// output]
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    channel: ChannelArg,
    #[command(flatten)]
    encoder: EncoderArg,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Kind {
    Mfcc,
    Fbank,
    Embedding,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum PresetArg {
    Kaldi,
    Kaldi80,
    Librosa,
    LibrosaHtk,
    Torchaudio,
    Htk,
    PythonSpeechFeatures,
}

impl PresetArg {
    fn settings(self, kind: Kind) -> Result<FeatureSettings> {
        let preset = match self {
            PresetArg::Kaldi80 if kind == Kind::Fbank => return Ok(kaldi_fbank80()),
            PresetArg::Kaldi80 => {
                let expected = "--kind fbank with kaldi80, or another preset for mfcc".into();
                return Err(ErrorKind::Setting { name: "kind", found: "mfcc".into(), expected }.into());
            }
            PresetArg::Kaldi => Preset::Kaldi,
            PresetArg::Librosa => Preset::Librosa,
            PresetArg::LibrosaHtk => Preset::LibrosaHtk,
            PresetArg::Torchaudio => Preset::Torchaudio,
            PresetArg::Htk => Preset::Htk,
            PresetArg::PythonSpeechFeatures => Preset::PythonSpeechFeatures,
        };
        Ok(if kind == Kind::Mfcc { preset.mfcc() } else { preset.fbank() })
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Format {
    Csv,
    Npy,
    Json,
}

pub fn run(args: &FeaturesArgs, common: &Common) -> Outcome {
    let format = match &args.output {
        None => Format::Csv,
        Some(path) => format_of(path)?,
    };
    if args.kind == Kind::Embedding {
        out_of_place("preset", args.preset.is_some(), "no preset with --kind embedding")?;
        super::audit::input_file(&args.clip);
        let panel = super::panel(&args.channel, &args.encoder, None)?;
        return embedding::run(&args.clip, &panel, format, args.output.as_deref(), common);
    }
    out_of_place("encoder", args.encoder.encoder.is_some(), "--kind embedding with --encoder")?;
    let plan = args.preset.unwrap_or(PresetArg::Kaldi).settings(args.kind)?.plan()?;
    super::audit::input_file(&args.clip);
    let rows = Rows { plan: &plan, clip: &args.clip, options: options(args), common };
    match &args.output {
        None => {
            let mut out = BufWriter::new(output::stdout());
            rows.csv(&mut out, &stdout_error)?;
            out.flush().map_err(stdout_error)?;
        }
        Some(path) => write_file(path, &mut |out| {
            let failed = |source| Error::from(ErrorKind::Io { path: path.clone(), action: "write", source });
            match format {
                Format::Csv => rows.csv(out, &failed),
                Format::Json => rows.json(out, &failed),
                Format::Npy => rows.npy(out, &failed),
            }
        })?,
    }
    Ok(DONE)
}

/// Refuses an option that says nothing about the kind that is asked for.
fn out_of_place(name: &'static str, given: bool, expected: &str) -> Result<()> {
    if !given {
        return Ok(());
    }
    Err(ErrorKind::Setting { name, found: "the option".into(), expected: expected.into() }.into())
}

fn format_of(path: &Path) -> Result<Format> {
    match path.extension().and_then(|e| e.to_str()).map(str::to_ascii_lowercase).as_deref() {
        Some("csv") => Ok(Format::Csv),
        Some("npy") => Ok(Format::Npy),
        Some("json") => Ok(Format::Json),
        _ => {
            let found = text_of(path);
            Err(ErrorKind::Setting { name: "output", found, expected: "a name ending in .csv, .npy or .json".into() }
                .into())
        }
    }
}

fn options(args: &FeaturesArgs) -> ReadOptions {
    ReadOptions { channel: args.channel.channel, hash: false, measure: false, ..ReadOptions::default() }
}

/// The feature rows of one clip, streamed into a file format.
struct Rows<'a> {
    plan: &'a FeaturePlan,
    clip: &'a Path,
    options: ReadOptions,
    common: &'a Common,
}

type Failed<'a> = dyn Fn(io::Error) -> Error + 'a;

impl Rows<'_> {
    /// Calls `row` with every row and returns their number. The first failure of `row` ends it.
    fn each(&self, row: &mut dyn FnMut(&[f32]) -> io::Result<()>, failed: &Failed<'_>) -> Result<usize> {
        let mut stream = self.plan.stream();
        let mut block = Vec::new();
        if self.plan.needs_peak() {
            let mut recording = Recording::open(self.clip, &self.options)?;
            while recording.next(&mut block)? {
                stream.measure(&block);
            }
            stream.finish_measuring();
        }
        let (mut count, mut outcome) = (0, Ok(()));
        let width = self.plan.width();
        let mut sink = |rows: &[f32], outcome: &mut io::Result<()>| {
            for values in rows.chunks_exact(width) {
                if outcome.is_ok() {
                    *outcome = row(values);
                    count += 1;
                }
            }
        };
        let mut recording = Recording::open(self.clip, &self.options)?;
        while recording.next(&mut block)? {
            stream.push(&block, &mut |rows| sink(rows, &mut outcome));
            std::mem::replace(&mut outcome, Ok(())).map_err(failed)?;
        }
        stream.finish(&mut |rows| sink(rows, &mut outcome));
        outcome.map_err(failed)?;
        for warning in recording.warnings()? {
            output::warn(text_of(self.clip), warning, self.common);
        }
        if count == 0 {
            let found = "less than one frame of 25 ms".into();
            return Err(ErrorKind::NoAudio { path: self.clip.into(), found }.into());
        }
        Ok(count)
    }

    fn csv(&self, out: &mut dyn Write, failed: &Failed<'_>) -> Result<()> {
        let name = if self.plan.settings().cepstrum.is_some() { "c" } else { "band" };
        let header: Vec<String> = (0..self.plan.width()).map(|i| format!("{name}{i}")).collect();
        // The header goes out with the first row: nothing is printed of a clip that cannot be read.
        let mut header = Some(header.join(","));
        let mut row = |row: &[f32]| {
            header.take().map_or(Ok(()), |header| writeln!(out, "{header}"))?;
            writeln!(out, "{}", joined(row))
        };
        self.each(&mut row, failed).map(drop)
    }

    fn json(&self, out: &mut dyn Write, failed: &Failed<'_>) -> Result<()> {
        let settings = serde_json::to_string(self.plan.settings()).map_err(|e| failed(e.into()))?;
        let clip = serde_json::to_string(&text_of(self.clip)).map_err(|e| failed(e.into()))?;
        write!(out, "{{\"clip\":{clip},\"settings\":{settings},\"frames\":[").map_err(failed)?;
        let mut separator = "\n";
        let count = self.each(
            &mut |row| {
                write!(out, "{separator}[{}]", joined(row))?;
                separator = ",\n";
                Ok(())
            },
            failed,
        )?;
        writeln!(out, "\n],\"shape\":[{count},{}]}}", self.plan.width()).map_err(failed)
    }

    /// NumPy's header holds the number of rows, which is known at the end only; it has a fixed length and is written
    /// twice.
    fn npy(&self, out: &mut BufWriter<&std::fs::File>, failed: &Failed<'_>) -> Result<()> {
        let width = self.plan.width();
        out.write_all(&npy_header(&format!("(0, {width})"))).map_err(failed)?;
        let mut row = |row: &[f32]| row.iter().try_for_each(|x| out.write_all(&x.to_le_bytes()));
        let count = self.each(&mut row, failed)?;
        io::Seek::rewind(out).map_err(failed)?;
        out.write_all(&npy_header(&format!("({count}, {width})"))).map_err(failed)
    }
}

fn joined(row: &[f32]) -> String {
    row.iter().map(f32::to_string).collect::<Vec<_>>().join(",")
}

/// Version 1.0 header of 128 bytes (NumPy's `lib.format`).
pub fn npy_header(shape: &str) -> Vec<u8> {
    let mut header = b"\x93NUMPY\x01\x00\x76\x00".to_vec();
    header.extend(format!("{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}").into_bytes());
    header.resize(127, b' ');
    header.push(b'\n');
    header
}
