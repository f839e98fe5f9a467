//! `soundalike features --kind embedding`: the vectors that `check` compares.

use super::features::{Format, npy_header};
use super::output::{self, write_private};
use super::{Common, DONE, NOTHING, Outcome};
use serde::Serialize;
use soundalike::encoder::{Embedding, Panel, PerEncoder};
use soundalike::path_text::text_of;
use soundalike::{Error, ErrorKind};
use std::io::{self, Write};
use std::path::Path;

/// The JSON form.
#[derive(Serialize)]
struct Document<'a> {
    clip: String,
    net_speech_s: f64,
    fingerprints: &'a PerEncoder<String>,
    embeddings: PerEncoder<&'a [f32]>,
}

/// Writes the embeddings of a clip, to standard output as CSV where no file is named.
pub fn run(clip: &Path, panel: &Panel, format: Format, file: Option<&Path>, common: &Common) -> Outcome {
    let encoders = panel.settings().encoders;
    if format == Format::Npy && encoders.iter().count() > 1 {
        let expected = "one encoder for .npy; .csv and .json take several".into();
        return Err(ErrorKind::Setting { name: "encoder", found: encoders.to_string(), expected }.into());
    }
    let analysis = panel.worker().analyse(clip);
    let quality = analysis.quality.as_ref();
    let warnings = quality.iter().flat_map(|quality| &quality.warnings);
    warnings.for_each(|warning| output::warn(text_of(clip), warning, common));
    let embeddings = match &analysis.embeddings {
        Ok(embeddings) => embeddings,
        Err(refusal) => {
            let (shown, message) = (text_of(clip), refusal.to_string());
            output::refusal(&shown, super::check::own(&shown, &message), common);
            return Ok(NOTHING);
        }
    };
    let document = Document {
        clip: text_of(clip),
        net_speech_s: quality.map_or(0.0, |quality| quality.net_speech_s),
        fingerprints: panel.fingerprints(),
        embeddings: embeddings.map(|_, embedding| embedding.values.as_slice()),
    };
    match file {
        None => output::print(&csv(embeddings))?,
        Some(path) => write_private(path, &mut |out| {
            let failed = |source| Error::from(ErrorKind::Io { path: path.into(), action: "write", source });
            match format {
                Format::Csv => out.write_all(csv(embeddings).as_bytes()).map_err(failed),
                Format::Json => serde_json::to_writer(&mut *out, &document)
                    .map_err(io::Error::from)
                    .and_then(|()| out.write_all(b"\n"))
                    .map_err(failed),
                Format::Npy => npy(embeddings, out).map_err(failed),
            }
        })?,
    }
    Ok(DONE)
}

/// One row under a header of names such as `mfcc0`, the encoders side by side.
fn csv(embeddings: &PerEncoder<Embedding>) -> String {
    let (mut names, mut values) = (Vec::new(), Vec::new());
    for (encoder, embedding) in embeddings.iter() {
        names.extend((0..embedding.values.len()).map(|i| format!("{encoder}{i}")));
        values.extend(embedding.values.iter().map(f32::to_string));
    }
    format!("{}\n{}\n", names.join(","), values.join(","))
}

/// A vector of the one encoder's values.
fn npy(embeddings: &PerEncoder<Embedding>, out: &mut dyn Write) -> io::Result<()> {
    for (_, embedding) in embeddings.iter() {
        out.write_all(&npy_header(&format!("({},)", embedding.values.len())))?;
        embedding.values.iter().try_for_each(|x| out.write_all(&x.to_le_bytes()))?;
    }
    Ok(())
}
