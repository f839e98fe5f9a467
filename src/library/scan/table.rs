//! The clips of a scan as the rows of a flat table, whatever it is written as.

use super::{Hit, VoiceScan};
use crate::encoder::Encoder;

/// A value of a column.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    /// Text.
    Text(Option<String>),
    /// A number of double precision.
    Number(Option<f64>),
    /// A whole number.
    Whole(i64),
    /// Yes or no.
    Flag(bool),
}

/// A clip beside a voice, column by column.
#[derive(Clone, Debug, PartialEq)]
pub struct HitRow(Vec<(String, Cell)>);

impl HitRow {
    /// The row of a listed clip; `ranked` says on which of the two lists it stands.
    pub fn of(voice: &VoiceScan, hit: &Hit, ranked: bool) -> Self {
        Self::of_voice(&voice.voice, hit, ranked)
    }

    /// The same of a voice by its name.
    pub(crate) fn of_voice(voice: &str, hit: &Hit, ranked: bool) -> Self {
        let list = if ranked { "hits" } else { "withheld" };
        let mut cells = vec![
            ("voice".to_string(), Cell::Text(Some(voice.into()))),
            ("list".into(), Cell::Text(Some(list.into()))),
            ("rank".into(), Cell::Whole(hit.rank as i64)),
            ("flagged".into(), Cell::Flag(hit.flagged)),
            ("path".into(), Cell::Text(Some(hit.path.clone()))),
            ("library_voice".into(), Cell::Text(Some(hit.library_voice.clone()))),
            ("sha256".into(), Cell::Text(hit.sha256.clone())),
            ("log10_lr".into(), Cell::Number(hit.log10_lr)),
            ("log10_lr_low".into(), Cell::Number(hit.log10_lr_low)),
            ("log10_lr_high".into(), Cell::Number(hit.log10_lr_high)),
            ("unbounded_log10_lr".into(), Cell::Number(hit.unbounded_log10_lr)),
            ("posterior".into(), Cell::Number(hit.posterior)),
            ("likeness".into(), Cell::Number(hit.likeness)),
            ("likeness_low".into(), Cell::Number(hit.likeness_low)),
            ("likeness_high".into(), Cell::Number(hit.likeness_high)),
        ];
        for encoder in Encoder::ALL {
            cells.push((encoder.name().into(), Cell::Number(hit.cosines.get(encoder).copied())));
        }
        cells.extend([
            ("band".into(), Cell::Text(Some(hit.band.to_string()))),
            ("seconds".into(), Cell::Number(hit.seconds)),
            ("net_speech_s".into(), Cell::Number(Some(hit.net_speech_s))),
            ("snr_db".into(), Cell::Number(hit.snr_db.map(f64::from))),
            ("reason".into(), Cell::Text(hit.reason.as_ref().map(|reason| reason.message.clone()))),
        ]);
        HitRow(cells)
    }

    /// The cells with their columns' names.
    pub fn cells(&self) -> &[(String, Cell)] {
        &self.0
    }

    /// The columns, in their order, with an empty cell of each one's kind.
    pub fn columns() -> Vec<(String, Cell)> {
        let mut columns: Vec<(String, Cell)> = Vec::new();
        let mut add = |name: &str, cell: Cell| columns.push((name.into(), cell));
        let (text, number) = (Cell::Text(None), Cell::Number(None));
        add("voice", text.clone());
        add("list", text.clone());
        add("rank", Cell::Whole(0));
        add("flagged", Cell::Flag(false));
        ["path", "library_voice", "sha256"].iter().for_each(|name| add(name, text.clone()));
        let figures = ["log10_lr", "log10_lr_low", "log10_lr_high", "unbounded_log10_lr", "posterior"];
        figures.iter().for_each(|name| add(name, number.clone()));
        ["likeness", "likeness_low", "likeness_high"].iter().for_each(|name| add(name, number.clone()));
        Encoder::ALL.iter().for_each(|encoder| add(encoder.name(), number.clone()));
        add("band", text.clone());
        ["seconds", "net_speech_s", "snr_db"].iter().for_each(|name| add(name, number.clone()));
        add("reason", text);
        columns
    }
}
