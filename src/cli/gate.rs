//! How the commands print what a gate found.

use super::check::own;
use super::output::plain;
use soundalike::encoder::Encoder;
use soundalike::library::gate::{GateClip, GateHit, GateStatus};
use std::fmt::Write as _;

/// The lines of one clip; `nearest` asks for the closest voice of a clip that reached none.
pub fn gate_lines(text: &mut String, clip: &GateClip, nearest: bool) {
    let _ = writeln!(text, "{:16} {}", clip.status.name(), plain(&clip.path));
    if clip.status != GateStatus::Passed {
        for reason in &clip.reasons {
            let _ = writeln!(text, "{:16} not judged: {}", "", plain(own(&clip.path, &reason.message)));
        }
    }
    for hit in &clip.hits {
        let _ = writeln!(text, "{:16} {}", "", compared(hit));
    }
    if let (true, true, Some(hit)) = (nearest, clip.hits.is_empty(), &clip.nearest) {
        let _ = writeln!(text, "{:16} nearest: {}", "", compared(hit));
    }
}

/// What stands before a number of expected false alarms: whether it is an upper bound.
pub fn at_most(bound_holds: Option<bool>) -> &'static str {
    if bound_holds == Some(true) { "at most" } else { "about" }
}

/// A voice with the figures of the closest part, and which part that is where there are several.
fn compared(hit: &GateHit) -> String {
    let ratio = hit.log10_lr.map_or("no ratio".into(), |log10_lr| format!("log10 LR {log10_lr:+.1}"));
    let strongest: Option<(Encoder, f64)> = hit.cosines.iter().last().map(|(encoder, cosine)| (encoder, *cosine));
    let cosine =
        strongest.map_or(String::new(), |(encoder, cosine)| format!(", {} cosine {cosine:.3}", encoder.label()));
    let likeness = hit.likeness.map_or(String::new(), |likeness| format!(", likeness {likeness:.1} %"));
    let part = match hit.parts {
        0 | 1 => String::new(),
        parts => {
            let alarms = hit.expected_false_alarms_at_most;
            let about = at_most(hit.expected_false_alarms_bound_holds);
            let alarms = alarms.map_or(String::new(), |n| format!(", {about} {n:.2} expected at the limit by chance"));
            format!(" ({}; the closest of {parts} parts{alarms})", hit.part)
        }
    };
    format!("{}: {ratio}{cosine}{likeness}{part}", plain(&hit.voice))
}
