//! Figures and names as a report writes them.

use crate::library::Reason;
use crate::report::svg::fixed;

/// A figure with its sign.
pub fn signed(x: f64, decimals: usize) -> String {
    let text = fixed(x, decimals);
    let nothing = text.chars().all(|c| matches!(c, '0' | '.'));
    if text.starts_with('−') || nothing { text } else { format!("+{text}") }
}

/// A share in percent without more digits than it has. Only all is 100, and only nothing is 0.
pub fn share(percent: f64) -> String {
    let percent = match percent {
        all if all >= 100.0 => 100.0,
        none if none <= 0.0 => 0.0,
        some => some.clamp(0.1, 99.9),
    };
    let text = fixed(percent, 1);
    text.strip_suffix(".0").map_or(text.clone(), str::to_string)
}

/// A probability; never as if it were certain.
pub fn probability(p: f64) -> String {
    match p {
        high if high > 0.9999 => "> 0.9999".into(),
        low if low < 0.0001 => "< 0.0001".into(),
        p => fixed(p, 4),
    }
}

/// A figure, or a dash where there is none.
pub fn or_dash(x: Option<f64>, decimals: usize) -> String {
    x.filter(|x| x.is_finite()).map_or("–".into(), |x| fixed(x, decimals))
}

/// The end of a path that tells a file apart from its neighbours: its folder and its name.
pub fn short(path: &str) -> String {
    let parts: Vec<&str> = path.split(['/', '\\']).filter(|part| !part.is_empty()).collect();
    match parts.as_slice() {
        [.., folder, name] if *folder != ".." && *folder != "." => format!("{folder}/{name}"),
        [.., name] => (*name).into(),
        [] => path.into(),
    }
}

/// A reason as it stands in the result, without the path it may begin with.
pub fn reason(path: &str, reason: &Reason) -> String {
    sentence(reason.message.strip_prefix(path).and_then(|rest| rest.strip_prefix(": ")).unwrap_or(&reason.message))
}

/// Words with a full stop.
pub fn sentence(words: &str) -> String {
    if words.ends_with(['.', '!', '?']) { words.into() } else { format!("{words}.") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_and_names_have_one_form() {
        assert_eq!(
            [signed(2.55, 1), signed(-2.55, 1), signed(0.01, 1), signed(-0.01, 1)],
            ["+2.5", "−2.5", "0.0", "0.0"]
        );
        assert_eq!([share(100.0), share(99.68), share(99.99), share(0.01)], ["100", "99.7", "99.9", "0.1"]);
        assert_eq!([probability(0.5), probability(1.0), probability(1e-9)], ["0.5000", "> 0.9999", "< 0.0001"]);
        assert_eq!(
            [short("a/b/c.wav"), short("c.wav"), short("../c.wav"), short("")],
            ["b/c.wav", "c.wav", "c.wav", ""]
        );
        assert_eq!(sentence("no speech"), "no speech.");
    }
}
