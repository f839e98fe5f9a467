//! `soundalike report`: the document for legal review.

use super::output::Prepared;
use super::{Common, DONE, GATE, ModelsArg, Outcome, audit, output, progress::Progress};
use clap::Args;
use soundalike::evidence::CaseFile;
use soundalike::evidence::recompute::{Platform, Root, recompute};
use soundalike::library::findings::Examination;
use soundalike::path_text::text_of;
use soundalike::report::case::{CaseFacts, CaseInfo, CaseReport, document};
use soundalike::report::scan::ScanResult;
use soundalike::report::texts::{self, Texts};
use soundalike::whole_file::Access;
use soundalike::{ErrorKind, Result, regular_file};
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};

/// Make the document for legal review of a result.
///
/// RESULT is what `check --json` printed. Everything in it is computed again from the recordings and compared first; no
/// report is made of a result that could not be reproduced. The kind of document is chosen by the ending of its name:
/// .html is one page that holds everything and needs no network, .pdf a typeset document with the JSON attached
/// (PDF/A-3, in programs built with the feature pdf), .json the data of both with the result unchanged.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  soundalike check --reference anna take1.wav --json > result.json\n  soundalike report \
                  result.json -o report.html -o report.json --case-number 12/26 --client 'A. Client'\n  soundalike report \
                  result.json --case case.toml -o report.html\n\nA case file holds, each optional: number, client, \
                  analyst, question, date, \
                  and population (why it fits the case), for example\n  number = \"12/26\"\n  question = \"Is the voice of the advertisement \
                  made to imitate Anna?\"\n\nExit codes: 0 done; 1 the result could not be reproduced; 2 nothing could be done."
)]
pub struct ReportArgs {
    /// Result of `check --json`, a report.json made of one, or of `scan --format jsonl` (a summary and a page for each
    /// clip at the threshold)
    #[arg(required_unless_present = "print_texts", value_name = "RESULT")]
    result: Option<PathBuf>,
    /// Document to write: a name that ends with .html, .pdf or .json; give the option again for more
    #[arg(long, short, value_name = "FILE", required_unless_present = "print_texts")]
    output: Vec<PathBuf>,
    #[command(flatten)]
    words: ReportWords,
    /// Folder below which the recordings lie, where the case has moved
    #[arg(long, value_name = "FOLDER")]
    root: Option<PathBuf>,
    #[command(flatten)]
    models: ModelsArg,
    /// Print the English texts of a report, the start of a translation, and do nothing else
    #[arg(long, exclusive = true)]
    print_texts: bool,
}

/// What stands in a report besides the result.
#[derive(Args)]
pub struct ReportWords {
    /// What is known of the case, as a TOML file (see `soundalike report --help`); the options below go before it
    #[arg(long, value_name = "FILE")]
    case: Option<PathBuf>,
    /// Number or name of the case
    #[arg(long, value_name = "TEXT")]
    case_number: Option<String>,
    /// Who asked
    #[arg(long, value_name = "TEXT")]
    client: Option<String>,
    /// Who makes the report
    #[arg(long, value_name = "TEXT")]
    analyst: Option<String>,
    /// The question, in the words of who asked
    #[arg(long, value_name = "TEXT")]
    question: Option<String>,
    /// Date of the report, as it is to be printed: any text
    #[arg(long, value_name = "DATE")]
    date: Option<String>,
    /// No recordings to listen to in an HTML report
    #[arg(long)]
    no_audio: bool,
    /// Texts of the report in another language, as a TOML file with the keys of `soundalike report --print-texts`
    #[arg(long, value_name = "FILE")]
    texts: Option<PathBuf>,
}

impl ReportWords {
    /// Whether nothing is stated.
    pub fn is_empty(&self) -> bool {
        let ReportWords { case, case_number, client, analyst, question, date, no_audio, texts } = self;
        let stated = [case_number, client, analyst, question, date].into_iter().any(Option::is_some);
        case.is_none() && texts.is_none() && !stated && !no_audio
    }

    fn texts(&self) -> Result<Texts> {
        self.case.iter().chain(&self.texts).for_each(|path| audit::input_file(path));
        self.texts.as_ref().map_or_else(Texts::english, |path| Texts::parse(path, &output::read_text(path)?))
    }

    /// What is known of the case: the options before the case file, and that before what a report held already.
    fn info(&self, held: CaseInfo) -> Result<CaseInfo> {
        let file = match &self.case {
            Some(path) => CaseInfo::parse(path, &output::read_text(path)?)?,
            None => CaseInfo::default(),
        };
        let options = CaseInfo {
            number: self.case_number.clone(),
            client: self.client.clone(),
            analyst: self.analyst.clone(),
            question: self.question.clone(),
            date: self.date.clone(),
            population: None,
        };
        Ok(held.with(file).with(options))
    }
}

/// A document that is asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Html,
    Pdf,
    Json,
}

/// What can be written, checked before anything is computed.
pub struct Plan {
    documents: Vec<(Kind, PathBuf)>,
    texts: Texts,
    case: CaseInfo,
    sounds: bool,
}

impl Plan {
    /// Refuses a document that cannot be made, or has no place to be written to.
    pub fn new(outputs: &[PathBuf], words: &ReportWords, held: CaseInfo) -> Result<Self> {
        let kinds = outputs.iter().map(|path| {
            output::check_writable(path)?;
            Ok((kind(path)?, path.clone()))
        });
        Ok(Plan {
            documents: kinds.collect::<Result<_>>()?,
            texts: words.texts()?,
            case: words.info(held)?,
            sounds: !words.no_audio,
        })
    }

    /// Writes every document; `result` is what `check --json` prints.
    pub fn write(&self, result: &str, examination: &Examination) -> Result<()> {
        let report = CaseReport::new(self.case.clone(), result, examination.findings.clone())?;
        let json = report.to_json()?;
        let (case, result_sha256) = (&self.case, report.result_sha256.as_str());
        let mut written = Vec::new();
        for (kind, path) in &self.documents {
            let sounds = self.sounds && *kind == Kind::Html;
            let facts = CaseFacts { case, result_sha256, examination, sounds };
            let bytes = match kind {
                Kind::Json => json.clone(),
                Kind::Html => soundalike::report::html(&document(&facts, &self.texts)).into_bytes(),
                Kind::Pdf => pdf(&document(&facts, &self.texts), Some(&json))?,
            };
            written.push(prepared(path, &bytes)?);
        }
        put(written)
    }

    /// What was written, a line each.
    pub fn told(&self) -> String {
        let line = |(_, path): &(Kind, PathBuf)| format!("written          {}\n", output::plain(&text_of(path)));
        self.documents.iter().map(line).collect()
    }
}

impl Plan {
    /// Writes the documents of a scan.
    fn write_scan(&self, scan: &ScanResult) -> Result<()> {
        let document = soundalike::report::scan::document(&self.case, scan, &self.texts);
        if let Some((_, path)) = self.documents.iter().find(|(kind, _)| *kind == Kind::Json) {
            let found = format!("{} for a scan", text_of(path));
            let expected = "a name that ends with .html or .pdf; the data of a scan is its own result".into();
            return Err(ErrorKind::Setting { name: "", found, expected }.into());
        }
        let mut written = Vec::new();
        for (kind, path) in &self.documents {
            let bytes = match kind {
                Kind::Html => soundalike::report::html(&document).into_bytes(),
                Kind::Pdf => pdf(&document, None)?,
                Kind::Json => continue,
            };
            written.push(prepared(path, &bytes)?);
        }
        put(written)
    }
}

/// All documents of a case take their names once all are written: where one cannot be, none is another than the others.
fn put(written: Vec<Prepared>) -> Result<()> {
    written.into_iter().try_for_each(Prepared::put)
}

fn prepared(path: &Path, bytes: &[u8]) -> Result<Prepared> {
    output::prepare(path, Access::AsSet, &mut |out| {
        out.write_all(bytes).map_err(|source| ErrorKind::Io { path: path.into(), action: "write", source }.into())
    })
}

fn kind(path: &Path) -> Result<Kind> {
    let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or("").to_ascii_lowercase();
    let refused =
        |found: String, expected: &str| Err(ErrorKind::Setting { name: "", found, expected: expected.into() }.into());
    match ending.as_str() {
        "html" | "htm" => Ok(Kind::Html),
        "json" => Ok(Kind::Json),
        "pdf" if cfg!(feature = "pdf") => Ok(Kind::Pdf),
        "pdf" => refused(
            format!("{} in a program without PDF", text_of(path)),
            "a program built with cargo build --release --features pdf; or a name that ends with .html, which any \
             browser prints",
        ),
        _ => refused(text_of(path), "a name that ends with .html, .pdf or .json"),
    }
}

#[cfg(feature = "pdf")]
fn pdf(document: &soundalike::report::document::Document, json: Option<&[u8]>) -> Result<Vec<u8>> {
    let attachment = json.map(|json| soundalike::report::pdf::Attachment {
        name: "report.json".into(),
        mime: "application/json".into(),
        description: "The data that this document was made from, with the result unchanged".into(),
        bytes: json.into(),
    });
    soundalike::report::pdf::pdf(document, attachment.as_slice())
}

#[cfg(not(feature = "pdf"))]
fn pdf(_: &soundalike::report::document::Document, _: Option<&[u8]>) -> Result<Vec<u8>> {
    // `kind` refuses the name before anything is computed.
    let expected = "a program built with the feature pdf".into();
    Err(ErrorKind::Setting { name: "output", found: "pdf".into(), expected }.into())
}

pub fn run(args: &ReportArgs, common: &Common) -> Outcome {
    let (Some(result), false) = (&args.result, args.print_texts) else {
        output::print(texts::ENGLISH)?;
        return Ok(DONE);
    };
    if let Some(scan) = scan_result(result)? {
        audit::input_file(result);
        let plan = Plan::new(&args.output, &args.words, CaseInfo::default())?;
        plan.write_scan(&scan)?;
        output::print(&plan.told())?;
        return Ok(DONE);
    }
    let case = CaseFile::read(result)?;
    audit::input_file(result);
    let plan = Plan::new(&args.output, &args.words, case.case.clone())?;
    let progress = Progress::new(common);
    let update = |done, all| progress.update(done, all);
    let root = args.root.as_deref().map_or(Root::AsTold, Root::Below);
    let (models, keys) = (args.models.models(), super::encryption::keys(common)?);
    let again = recompute(&case, root, &models, &keys, Platform::Same, &common.batch(&update))?;
    drop(progress);
    case.files().into_iter().for_each(|(path, sha256)| audit::input(path, sha256));
    match (again.refusal(), &again.document) {
        (None, Some(document)) => {
            plan.write(&case.result, document)?;
            output::print(&plan.told())?;
            Ok(DONE)
        }
        (reason, _) => {
            let reason = reason.unwrap_or_else(|| "could not be reproduced".into());
            output::refusal(&text_of(result), &format!("{reason}; no report was made of it"), common);
            Ok(GATE)
        }
    }
}

/// The result of a scan, where the file is one.
fn scan_result(path: &Path) -> Result<Option<ScanResult>> {
    const MOST_BYTES: u64 = 4 << 30;
    let mut first = String::new();
    let file = regular_file::open(path)?;
    // A line that is no text is no line of a scan; what else it is, is for the next reader to say.
    let read = BufReader::new(file).take(1 << 20).read_line(&mut first);
    if read.is_err() || !ScanResult::looks_like_one(&first) {
        return Ok(None);
    }
    let text = regular_file::read_text(path, MOST_BYTES, "the result of a scan")?;
    ScanResult::parse(path, &text).map(Some)
}
