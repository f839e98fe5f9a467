//! `soundalike inspect`: what clips are good for.

use super::check::own;
use super::output::plain;
use super::table::{figure, table};
use super::{ChannelArg, Common, DONE, NOTHING, Outcome, SOME_UNUSABLE, output, progress::Progress};
use clap::Args;
use soundalike::encoder::{Panel, PanelSettings};
use soundalike::library::Status;
use soundalike::library::inspect::{InspectReport, InspectedClip, inspect, inspect_voices};
use soundalike::voice::{Descriptor, Descriptors};
use std::fmt::Write;
use std::path::PathBuf;

/// Show what clips are good for: format, length, net speech, level, noise, clipping, offset, bandwidth.
///
/// A clip can be used where it holds at least 1 s of net speech. Levels are in dB of full scale; the bandwidth is the
/// highest frequency with sound in it, so that telephone speech is recognised at any sampling rate.
///
/// With --voice it also describes the voice in each clip: pitch, formants, jitter, shimmer, clearness, spectral tilt,
/// speaking rate and pauses, defined as in Praat, each with how far the recording channel alone can move it.
#[derive(Args)]
#[command(after_help = "Examples:\n  soundalike inspect take1.wav\n  soundalike inspect --voice \
                  take1.wav take2.wav\n  soundalike inspect --json voices/ > quality.json\n\n\
                  Exit codes: 0 all clips can be used; 3 some cannot; 2 none can.")]
pub struct InspectArgs {
    /// Files, folders or quoted patterns
    #[arg(required = true, value_name = "CLIP")]
    clips: Vec<PathBuf>,
    #[command(flatten)]
    channel: ChannelArg,
    /// Describe the voice in each clip too (a second pass; of long recordings the first ten minutes)
    #[arg(long)]
    voice: bool,
    /// Print the whole result as JSON (see `soundalike schema inspect`)
    #[arg(long)]
    json: bool,
}

pub fn run(args: &InspectArgs, common: &Common) -> Outcome {
    let panel = Panel::inspecting(&PanelSettings { channel: args.channel.channel, ..Default::default() })?;
    let progress = Progress::new(common);
    let update = |done, all| progress.update(done, all);
    let run = if args.voice { inspect_voices } else { inspect };
    let report = run(&panel, &args.clips, &common.batch(&update))?;
    drop(progress);
    report.clips.iter().for_each(|clip| super::audit::input(&clip.path, clip.sha256.as_deref()));
    for clip in &report.clips {
        clip.quality.iter().flat_map(|q| &q.warnings).for_each(|warning| output::warn(&clip.path, warning, common));
    }
    if args.json {
        output::print_json(&report)?;
    } else {
        output::print(&text(&report))?;
    }
    let refused = report.clips.iter().filter(|clip| clip.status == Status::Refused).count();
    Ok(match refused {
        0 => DONE,
        n if n == report.clips.len() => NOTHING,
        _ => SOME_UNUSABLE,
    })
}

const HEADER: [&str; 12] = [
    "clip",
    "format",
    " rate Hz",
    " ch",
    " length s",
    " speech s",
    " level dBFS",
    " SNR dB",
    " clipped %",
    " DC",
    " band Hz",
    "use",
];

fn text(report: &InspectReport) -> String {
    let rows: Vec<Vec<String>> = report.clips.iter().map(row).collect();
    let mut text = table(&HEADER, &rows);
    text.push_str(&output::passed_over(&report.passed_over));
    for clip in &report.clips {
        if let Some(voice) = &clip.voice {
            let _ = write!(text, "\n{}\n{}", plain(&clip.path), voice_table(voice));
        }
    }
    text
}

/// A voice's descriptors, one a line.
fn voice_table(voice: &Descriptors) -> String {
    let row = |descriptor: Descriptor| {
        let value = voice.get(descriptor);
        vec![
            descriptor.label().to_string(),
            value.map_or_else(|| "-".into(), |value| format!("{value:.*}", descriptor.decimals())),
            descriptor.unit().to_string(),
            descriptor.channel_sensitivity().name().to_string(),
        ]
    };
    let mut text = table(&["voice", " value", "unit", "moved by the channel"], &Descriptor::ALL.map(row));
    let cut = if voice.is_cut { ", where the clip goes on" } else { "" };
    let ceiling = voice.formant_ceiling_hz.map_or_else(String::new, |hz| format!("; formants below {hz:.0} Hz"));
    let _ = writeln!(
        text,
        "over {:.1} s{cut}, {:.1} s of it speech, {} voiced frames{ceiling}",
        voice.analysed_s, voice.speech_s, voice.voiced_frames
    );
    text
}

fn row(clip: &InspectedClip) -> Vec<String> {
    let verdict = clip
        .reason
        .as_ref()
        .map_or("yes".to_string(), |reason| plain(&format!("no: {}", own(&clip.path, &reason.message))));
    let Some(q) = &clip.quality else {
        let mut row = vec!["-".to_string(); HEADER.len()];
        if let [first, .., last] = row.as_mut_slice() {
            (*first, *last) = (plain(&clip.path), verdict);
        }
        return row;
    };
    vec![
        plain(&clip.path),
        format!("{} {}", q.format.container, q.format.codec),
        q.format.sample_rate_hz.to_string(),
        q.format.channels.to_string(),
        format!("{:.2}", q.duration_s),
        format!("{:.2}", q.net_speech_s),
        figure(q.level_dbfs, 1),
        figure(q.snr_db, 0),
        format!("{:.2}", q.clipping_percent),
        format!("{:+.4}", q.dc_offset),
        figure(q.bandwidth_hz, 0),
        verdict,
    ]
}
