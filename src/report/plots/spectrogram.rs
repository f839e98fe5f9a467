//! A spectrogram: time to the right, frequency upward, darker is louder.

use crate::report::chart::{Axis, Chart, Drawing};
use ct_codecs::{Base64, Encoder};

/// What the picture shows.
#[derive(Clone, Debug)]
pub struct SpectrogramFacts<'a> {
    /// Title.
    pub title: &'a str,
    /// What it shows, in words.
    pub about: &'a str,
    /// Names of the axes: time, frequency.
    pub axes: [&'a str; 2],
    /// Start and end, seconds.
    pub from_to_s: (f64, f64),
    /// Greatest frequency, kHz.
    pub top_khz: f64,
    /// Number of columns and of bands.
    pub size: (usize, usize),
    /// Levels from 0 to 255, `(columns, bands)`.
    pub levels: &'a [u8],
}

/// Height of the frame, pixels.
const HEIGHT: f64 = 210.0;

/// Draws a spectrogram; the picture itself is a PNG inside of the SVG. Without levels the frame is empty.
pub fn spectrogram(facts: &SpectrogramFacts<'_>) -> Drawing {
    let (from, to) = facts.from_to_s;
    let [time, frequency] = facts.axes;
    let x = Axis::stretch(time, from, to);
    let mut chart = Chart::new(facts.title, facts.about, HEIGHT, x, Axis::round(frequency, 0.0, facts.top_khz));
    if let Some(image) = png(facts.size, facts.levels) {
        let (left, top, right, bottom) = chart.frame();
        chart.draw(&format!(
            "<image x=\"{left:.1}\" y=\"{top:.1}\" width=\"{:.1}\" height=\"{:.1}\" preserveAspectRatio=\"none\" \
             href=\"data:image/png;base64,{}\"/>\n",
            right - left,
            bottom - top,
            Base64::encode_to_string(image).unwrap_or_default()
        ));
    }
    chart.drawn()
}

/// The levels as a grey picture, the highest band in the first line.
fn png((columns, bands): (usize, usize), levels: &[u8]) -> Option<Vec<u8>> {
    let mut pixels = Vec::with_capacity(levels.len());
    for band in (0..bands).rev() {
        for column in 0..columns {
            pixels.push(255 - *levels.get(column * bands + band)?);
        }
    }
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, columns.try_into().ok()?, bands.try_into().ok()?);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header().ok()?;
    writer.write_image_data(&pixels).ok()?;
    writer.finish().ok()?;
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::svg::assert_well_formed;

    #[test]
    fn the_picture_lies_in_the_document() {
        let levels: Vec<u8> = (0..12).map(|i| i * 20).collect();
        let facts = SpectrogramFacts {
            title: "T",
            about: "A.",
            axes: ["s", "kHz"],
            from_to_s: (1.0, 7.0),
            top_khz: 8.0,
            size: (4, 3),
            levels: &levels,
        };
        let drawing = spectrogram(&facts);
        assert_well_formed(&drawing.svg);
        assert!(drawing.svg.contains("href=\"data:image/png;base64,iVBOR"), "{}", drawing.svg);
        assert!(!spectrogram(&SpectrogramFacts { levels: &[], ..facts }).svg.contains("<image"));
    }
}
