//! `soundalike enrol`: recordings of a protected voice to a voice model.

use super::check::{described_reference, warn_of_reference};
use super::encryption::EncryptArgs;
use super::output::{plain, write_private};
use super::{ChannelArg, Common, DONE, EncoderArg, Outcome, SOME_UNUSABLE, audit, output, progress::Progress};
use clap::Args;
use soundalike::encoder::Encoder;
use soundalike::library::enrol::enrol;
use soundalike::library::{ReferenceSource, Status};
use soundalike::path_text::text_of;
use soundalike::{Error, ErrorKind, Result};
use std::io::Write;
use std::path::PathBuf;

/// Make a voice model of recordings of a protected voice, to check against later.
///
/// The model holds each recording's embeddings, path as shown, SHA-256 and net speech, but no sound;
/// `check --reference` takes it in the place of the recordings and gives the same scores. It is JSON, and the same
/// recordings give the same bytes. Recordings that cannot be used are left out with the reason.
#[derive(Args)]
#[command(after_help = "Examples:\n  soundalike enrol voices/anna -o anna.model\n  soundalike enrol anna.model \
                  'new/*.flac' -o anna.model\n\nExit codes: 0 all recordings were used; 3 some were not; 2 none can \
                  be.")]
pub struct EnrolArgs {
    /// Recordings of one voice: files, folders or quoted patterns; voice models are taken in with their recordings
    #[arg(required = true, value_name = "REF")]
    references: Vec<PathBuf>,
    /// File to write
    #[arg(long, short, value_name = "FILE")]
    output: PathBuf,
    #[command(flatten)]
    channel: ChannelArg,
    #[command(flatten)]
    encoder: EncoderArg,
    #[command(flatten)]
    encrypt: EncryptArgs,
}

pub fn run(args: &EnrolArgs, common: &Common) -> Outcome {
    let recipients = args.encrypt.recipients()?;
    let source = ReferenceSource::read(&args.references, &super::encryption::keys(common)?)?;
    spare_recordings(args, &source)?;
    let panel = super::panel(&args.channel, &args.encoder, Some(&source))?;
    let progress = Progress::new(common);
    let update = |done, all| progress.update(done, all);
    let enrolment = enrol(&panel, &source, &common.batch(&update))?;
    drop(progress);
    audit::reference(&enrolment.reference);
    warn_of_reference(&enrolment.reference, common);
    write_private(&args.output, &mut |out| {
        let failed = |source| Error::from(ErrorKind::Io { path: args.output.clone(), action: "write", source });
        let bytes = enrolment.model.to_bytes().map_err(|error| failed(error.into()))?;
        let bytes = match &recipients {
            Some(recipients) => recipients.encrypt(&bytes).map_err(failed)?,
            None => bytes,
        };
        out.write_all(&bytes).map_err(failed)
    })?;
    let encoders: Vec<&str> = enrolment.model.fingerprints.encoders().map(Encoder::label).collect();
    output::print(&format!(
        "reference        {}\nencoders         {}\nwritten          {}\n",
        described_reference(&enrolment.reference),
        encoders.join(", "),
        plain(&text_of(&args.output))
    ))?;
    let refused = enrolment.reference.clips.iter().any(|clip| clip.status == Status::Refused);
    Ok(if refused { SOME_UNUSABLE } else { DONE })
}

/// Refuses to write over a recording that is read.
fn spare_recordings(args: &EnrolArgs, source: &ReferenceSource) -> Result<()> {
    let Ok(output) = args.output.canonicalize() else { return Ok(()) };
    if source.clips().iter().all(|clip| clip.canonicalize().ok().as_ref() != Some(&output)) {
        return Ok(());
    }
    let found = format!("{}, one of the recordings", text_of(&args.output));
    Err(ErrorKind::Setting { name: "output", found, expected: "a new file or a voice model".into() }.into())
}
