//! Figures and names as a report writes them.

use crate::library::Reason;
use crate::report::svg::fixed;

/// A figure with its sign.
pub fn signed(x: f64, decimals: usize) -> String {
    let text = fixed(x, decimals);
    let nothing = text.chars().all(|c| matches!(c, '0' | '.'));
    if text.starts_with('−') || nothing { text } else { format!("+{text}") }
}

/// A share in percent without more digits than it has.
pub fn share(percent: f64) -> String {
    let text = fixed(percent, 1);
    text.strip_suffix(".0").map_or(text.clone(), str::to_string)
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
        assert_eq!([share(100.0), share(99.68)], ["100", "99.7"]);
        assert_eq!(
            [short("a/b/c.wav"), short("c.wav"), short("../c.wav"), short("")],
            ["b/c.wav", "c.wav", "c.wav", ""]
        );
        assert_eq!(sentence("no speech"), "no speech.");
    }
}
