//! `soundalike demo`: the first look, with recordings that are in the program.

use super::progress::Progress;
use super::{Common, DONE, Outcome, check, output};
use clap::Args;
use soundalike::encoder::Panel;
use soundalike::encryption::Keys;
use soundalike::library::check::{CheckSettings, check as compare};
use soundalike::library::cohort::Cohort;
use soundalike::library::{DEFAULT_CONDITION, LoadedCalibration, Places, ReferenceSource};
use soundalike::path_text::text_of;
use soundalike::{ErrorKind, Result};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Show what a check is, on recordings that are in the program: it needs nothing else.
///
/// A person's recordings are the protected voice. Two clips are held against them: a synthetic voice that was built
/// from that person's recordings, and another person. With --to the recordings are written to a folder, for trying the
/// other commands. Their source and licence are told there.
#[derive(Args)]
#[command(after_help = "Examples:\n  soundalike demo\n  soundalike demo --to demo && soundalike check --reference \
                        demo/reference demo/synthetic.wav\n\nExit codes: 0 done; 2 it could not be done.")]
pub struct DemoArgs {
    /// Write the recordings to this folder, which must be empty or not there
    #[arg(long, value_name = "FOLDER")]
    to: Option<PathBuf>,
}

/// The recordings by the name that they are told by.
const REFERENCE: [(&str, &[u8]); 3] = [
    ("reference/1.wav", include_bytes!("../../fixtures/voices/nsh/real/01.wav")),
    ("reference/2.wav", include_bytes!("../../fixtures/voices/nsh/real/02.wav")),
    ("reference/3.wav", include_bytes!("../../fixtures/voices/nsh/real/03.wav")),
];
const CANDIDATES: [(&str, &[u8]); 2] = [
    ("another-person.wav", include_bytes!("../../fixtures/voices/librivox/real/03.wav")),
    ("synthetic.wav", include_bytes!("../../fixtures/voices/nsh/tts/01.wav")),
];
/// Where they come from.
const NOTICE: (&str, &[u8]) = ("NOTICE.txt", include_bytes!("../../fixtures/NOTICE-audio.txt"));

pub fn run(args: &DemoArgs, common: &Common) -> Outcome {
    if let Some(folder) = &args.to {
        write(folder)?;
    }
    let mut reference = ReferenceSource::read(&[], &Keys::none())?;
    let mut places = Places::default();
    for (name, bytes) in REFERENCE {
        reference = reference.and_held(name.into(), Arc::new(bytes.to_vec()));
        places.hold(name.into(), Arc::new(bytes.to_vec()));
    }
    for (name, bytes) in CANDIDATES {
        places.hold(name.into(), Arc::new(bytes.to_vec()));
    }
    let (calibration, cohort) = (LoadedCalibration::built_in(DEFAULT_CONDITION)?, Cohort::built_in()?);
    let settings = CheckSettings {
        calibration: Some(&calibration),
        cohort: Some(&cohort),
        places: Some(&places),
        ..CheckSettings::default()
    };
    let candidates = CANDIDATES.map(|(name, _)| PathBuf::from(name));
    let progress = Progress::new(common);
    let update = |done, all| progress.update(done, all);
    let report =
        compare(&Panel::new(&Default::default())?, &reference, &candidates, &settings, &common.batch(&update))?;
    drop(progress);
    let folder = args.to.as_deref().unwrap_or(Path::new("FOLDER"));
    output::print(&format!("{BEFORE}{}\n{}", check::text(&report), after(&output::plain(&text_of(folder)))))?;
    Ok(DONE)
}

const BEFORE: &str = "\
The protected voice: three recordings of one person. Held against it: a synthetic voice that was built from other
recordings of that person, and a recording of another person.

";

fn after(folder: &str) -> String {
    let next = [
        (format!("demo --to {folder}"), "the recordings as files"),
        (format!("check --reference {folder}/reference {folder}/*.wav"), "the same from files"),
        ("check --reference VOICE CLIP --report report.html".into(), "a report on clips of your own"),
        ("help".into(), "every command, each with examples"),
    ];
    let next: String = next.iter().map(|(command, what)| format!("  soundalike {command:<55} {what}\n")).collect();
    format!(
        "How to read it\n\
         \x20 The four cosines say how near the clip comes to the reference, each by its own measure: 1 is the same direction.\n\
         \x20 Likeness is a rank: so many of the population's voices come less near. The evidence compares two explanations of\n\
         \x20 the clip. None of these is the probability that somebody is somebody, and none says whether a clip is synthetic.\n\n\
         What to do next\n{next}"
    )
}

/// Writes the recordings to a folder.
fn write(folder: &Path) -> Result<()> {
    let failed = |action| move |source| ErrorKind::Io { path: folder.into(), action, source };
    std::fs::create_dir_all(folder.join("reference")).map_err(failed("create"))?;
    for (name, bytes) in REFERENCE.into_iter().chain(CANDIDATES).chain([NOTICE]) {
        let path = folder.join(name);
        if path.exists() {
            let found = format!("{}, which is there already", text_of(&path));
            return Err(ErrorKind::Setting {
                name: "to",
                found,
                expected: "an empty folder, or a name that nothing has yet".into(),
            }
            .into());
        }
        output::write_file(&path, &mut |out| {
            out.write_all(bytes).map_err(|source| ErrorKind::Io { path: path.clone(), action: "write", source }.into())
        })?;
    }
    Ok(())
}
