//! `soundalike bundle`: a case as one archive.

use super::encryption::EncryptArgs;
use super::output::Prepared;
use super::{Common, DONE, GATE, ModelsArg, Outcome, audit, output, progress::Progress};
use clap::Args;
use soundalike::evidence::CaseFile;
use soundalike::evidence::bundle::{BundleSettings, bundle, encrypted_bundle};
use soundalike::evidence::recompute::{Platform, Root, recompute};
use soundalike::evidence::signature::{self, SUFFIX};
use soundalike::path_text::text_of;
use soundalike::whole_file::Access;
use soundalike::{ErrorKind, Result, regular_file};
use std::io::Write;
use std::path::{Path, PathBuf};

/// The variable that the password of a secret key is read from, where it has one.
const PASSWORD: &str = "SOUNDALIKE_KEY_PASSWORD";

/// Put a case into one archive that proves itself: report, recordings, hashes.
///
/// REPORT is a report.json, or a result of `check --json`. It is computed again first, and only a case that is
/// reproduced is bundled. The archive is a BagIt bag (RFC 8493) as a zip: the report as data and as a page, the result,
/// the recordings (or their hashes alone), and the fingerprints of program, weights, calibration and population. Every
/// byte of it follows from the report, the recordings and these options, and `verify` makes all of it again to compare.
/// With --sign the bundle also states the key that it is signed with: `verify` then requires the signature.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  soundalike bundle report.json -o case.zip\n  soundalike bundle report.json -o case.zip --sign \
                  us.key\n  soundalike verify case.zip --public-key us.pub\n  soundalike bundle report.json -o case.zip.age --recipient court.pub.txt\n\nA key is made by `minisign -G -p us.pub -s us.key`; \
                  the signature is written next to the bundle, as case.zip.minisig, and `minisign -Vm case.zip -p us.pub` checks it \
                  too. Without it, or with another key, `verify` fails. The password of a key is read from the variable SOUNDALIKE_KEY_PASSWORD.\n\nExit codes: 0 done; 1 the \
                  case could not be reproduced; 2 nothing could be done."
)]
pub struct BundleArgs {
    /// A report.json, or a result of `check --json`
    #[arg(value_name = "REPORT")]
    report: PathBuf,
    /// Bundle to write
    #[arg(long, short, value_name = "FILE")]
    output: PathBuf,
    /// Leave the recordings out: the bundle then holds their hashes alone
    #[arg(long)]
    no_recordings: bool,
    /// Sign the bundle with this secret key (minisign format, Ed25519)
    #[arg(long, value_name = "KEY")]
    sign: Option<PathBuf>,
    /// Date of the bundle, as it is stated in it: YYYY-MM-DD
    #[arg(long, value_name = "DATE")]
    date: Option<String>,
    /// Folder below which the recordings lie, where the case has moved
    #[arg(long, value_name = "FOLDER")]
    root: Option<PathBuf>,
    #[command(flatten)]
    encrypt: EncryptArgs,
    #[command(flatten)]
    models: ModelsArg,
}

/// A bundle is a zip, whatever it is called; under the name of another archive nobody would open it.
fn check_name(output: &Path) -> Result<()> {
    let stem = output.file_stem().map(Path::new).filter(|_| output.extension().is_some_and(|end| end == "age"));
    let end = stem.unwrap_or(output).extension().map(|end| end.to_string_lossy().to_lowercase());
    match end {
        Some(end) if ["7z", "bz2", "gz", "rar", "tar", "tgz", "xz", "zst"].contains(&end.as_str()) => {
            let (found, expected) =
                (format!("the name of a {end} archive"), "a name that ends in .zip or .zip.age".into());
            Err(ErrorKind::Setting { name: "output", found, expected }.into())
        }
        _ => Ok(()),
    }
}

pub fn run(args: &BundleArgs, common: &Common) -> Outcome {
    let recipients = args.encrypt.recipients()?;
    let case = CaseFile::read(&args.report)?;
    audit::input_file(&args.report);
    args.sign.iter().for_each(|key| audit::input_file(key));
    check_name(&args.output)?;
    output::check_writable(&args.output)?;
    args.sign.as_ref().map(|key| regular_file::open(key)).transpose()?;
    let password = std::env::var(PASSWORD).ok();
    let signed_by = args.sign.as_ref().map(|key| signature::secret_key_id(key, password.as_deref())).transpose()?;
    let progress = Progress::new(common);
    let update = |done, all| progress.update(done, all);
    let root = args.root.as_deref().map_or(Root::AsTold, Root::Below);
    let (models, keys) = (args.models.models(), super::encryption::keys(common)?);
    let again = recompute(&case, root, &models, &keys, Platform::Same, &common.batch(&update))?;
    drop(progress);
    let (None, Some(document)) = (again.refusal(), &again.document) else {
        let reason = again.refusal().unwrap_or_else(|| "could not be reproduced".into());
        output::refusal(&text_of(&args.report), &format!("{reason}; it was not bundled"), common);
        return Ok(GATE);
    };
    let settings = BundleSettings { recordings: !args.no_recordings, date: args.date.clone(), signed_by };
    let top = top(&args.output);
    let written = output::prepare(&args.output, Access::Private, &mut |out| match &recipients {
        None => bundle(out, &top, &case, document, &again.places, &settings).map(drop),
        Some(recipients) => encrypted_bundle(&args.output, out, recipients, &mut |plain| {
            bundle(plain, &top, &case, document, &again.places, &settings).map(drop)
        }),
    })?;
    // Signed before either has its name, so that no bundle lies beside the signature of another for long.
    let sign = |key: &PathBuf| signed(&written, &args.output, key, password.as_deref());
    let signature = args.sign.as_ref().map(sign).transpose()?;
    written.put()?;
    let mut text = format!("written          {}\n", output::plain(&text_of(&args.output)));
    if let Some((path, signature)) = signature {
        signature.put()?;
        text += &format!("signature        {}\n", output::plain(&text_of(&path)));
    }
    case.files().into_iter().for_each(|(path, sha256)| audit::input(path, sha256));
    output::print(&text)?;
    Ok(DONE)
}

/// The name of the one folder in a bundle: that of the file without its ending.
fn top(path: &Path) -> String {
    let path =
        if path.extension().is_some_and(|ending| ending == "age") { path.with_extension("") } else { path.into() };
    let stem = path.file_stem().map_or_else(|| "case".into(), |stem| stem.to_string_lossy().into_owned());
    soundalike::evidence::name::safe_name(&stem.replace(['/', '\\'], "_"))
}

/// Signs a bundle that is to be `file`; the signature is to lie beside it.
fn signed(bundle: &Prepared, file: &Path, key: &Path, password: Option<&str>) -> Result<(PathBuf, Prepared)> {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let comment = format!("soundalike {} file:{}", soundalike::VERSION, output::plain(&name));
    let text = signature::sign(bundle.path(), key, password, &comment)?;
    let mut beside = file.as_os_str().to_os_string();
    beside.push(SUFFIX);
    let beside = PathBuf::from(beside);
    let signature = output::prepare(&beside, Access::AsSet, &mut |out| {
        out.write_all(text.as_bytes())
            .map_err(|source| ErrorKind::Io { path: beside.clone(), action: "write", source }.into())
    })?;
    Ok((beside, signature))
}
