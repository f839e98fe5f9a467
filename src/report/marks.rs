//! Stretches of a recording as files for other programs: labels for audio editors, turns for diarisation tools.

use crate::visible::is_visible;
use std::fmt::Write;

/// A stretch of a recording with its name.
#[derive(Clone, Debug, PartialEq)]
pub struct Mark {
    /// Its start, seconds from that of the recording.
    pub start_s: f64,
    /// Its end.
    pub end_s: f64,
    /// What it is called.
    pub label: String,
}

/// Label track of Audacity, which other audio editors read too: a line a stretch, start and end in seconds with six
/// decimals and the label, separated by tabs. Characters of labels that are not seen become spaces.
pub fn audacity_labels(marks: &[Mark]) -> String {
    let mut text = String::new();
    for mark in marks {
        let label: String = mark.label.chars().map(|c| if is_visible(c) { c } else { ' ' }).collect();
        let _ = writeln!(text, "{:.6}\t{:.6}\t{label}", mark.start_s, mark.end_s);
    }
    text
}

/// Rich Transcription Time Marked (NIST): a line a stretch with ten fields, `SPEAKER file 1 onset duration <NA> <NA> name
/// <NA> <NA>`, times in seconds. Fields are separated by spaces, so spaces and unseen characters in names become
/// underscores.
pub fn rttm(file: &str, marks: &[Mark]) -> String {
    let mut text = String::new();
    let file = field(file);
    for Mark { start_s, end_s, label } in marks {
        let (length_s, name) = (end_s - start_s, field(label));
        let _ = writeln!(text, "SPEAKER {file} 1 {start_s:.3} {length_s:.3} <NA> <NA> {name} <NA> <NA>");
    }
    text
}

/// A word without spaces, never empty.
fn field(text: &str) -> String {
    let word: String = text.chars().map(|c| if c.is_whitespace() || !is_visible(c) { '_' } else { c }).collect();
    if word.is_empty() { "<NA>".into() } else { word }
}

/// A time as hours, minutes and seconds with so many decimals: `1:02:03.4`.
pub fn clock(seconds: f64, decimals: u32) -> String {
    let unit = 10u64.pow(decimals.min(9));
    let ticks = (seconds.max(0.0) * unit as f64).round() as u64;
    let (whole, part) = (ticks / unit, ticks % unit);
    let clock = format!("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
    if decimals == 0 { clock } else { format!("{clock}.{part:0width$}", width = decimals.min(9) as usize) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_have_the_fields_that_their_readers_expect() {
        let marks = [
            Mark { start_s: 1.5, end_s: 4.25, label: "anna b: log10 LR +2.5".into() },
            Mark { start_s: 60.0, end_s: 61.0, label: "two\nlines\t".into() },
        ];
        assert_eq!(
            audacity_labels(&marks),
            "1.500000\t4.250000\tanna b: log10 LR +2.5\n60.000000\t61.000000\ttwo lines \n"
        );
        let text = rttm("my film", &marks);
        assert!(
            text.starts_with("SPEAKER my_film 1 1.500 2.750 <NA> <NA> anna_b:_log10_LR_+2.5 <NA> <NA>\n"),
            "{text}"
        );
        assert!(text.lines().all(|line| line.split(' ').count() == 10), "{text}");
        assert!(rttm("", &marks).starts_with("SPEAKER <NA> 1 "));
    }

    #[test]
    fn times_carry_over() {
        assert_eq!(clock(3723.456, 1), "1:02:03.5");
        assert_eq!(clock(59.96, 1), "0:01:00.0");
        assert_eq!(clock(59.5, 0), "0:01:00");
        assert_eq!(clock(-1.0, 2), "0:00:00.00");
    }
}
