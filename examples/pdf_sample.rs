//! Sets a made-up report as PDF, to look at: `cargo run --features pdf --example pdf_sample -- OUT.pdf OUT.json
//! [PAGES]`.
//!
//! Every kind of block is in it, with charts of made-up scores and with texts that would break a page: long words,
//! hashes, markup, signs that no typeface has. The attached data are written beside it, so that both can be compared.

use soundalike::report::document::{Answer, Block, Column, Document, Figure, Pair, Section, Sound, Table};
use soundalike::report::pdf::{Attachment, pdf};
use soundalike::report::plots::{ScoredTrials, Timeline, reliability, timeline, tippett};
use std::time::Instant;

const HASH: &str = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(out), Some(data)) = (arguments.next(), arguments.next()) else {
        return Err("give the names of the PDF and of the JSON to write".into());
    };
    let annexes = arguments.next().map_or(Ok(2), |pages| pages.parse::<usize>())?;
    let document = sample(annexes);
    let json = serde_json::to_vec_pretty(&document)?;
    std::fs::write(&data, &json)?;
    let attachment = Attachment {
        name: "report.json".into(),
        mime: "application/json".into(),
        description: "The results from which this document was made".into(),
        bytes: json,
    };
    for run in ["first", "second"] {
        let start = Instant::now();
        let bytes = pdf(&document, std::slice::from_ref(&attachment))?;
        #[allow(clippy::print_stderr)]
        {
            eprintln!("{run} run: {:.2} s, {} bytes", start.elapsed().as_secs_f64(), bytes.len());
        }
        std::fs::write(&out, bytes)?;
    }
    Ok(())
}

fn sample(annexes: usize) -> Document {
    let mut sections = vec![first(), material(), validation(), method()];
    sections.extend((0..annexes).map(annex));
    Document {
        language: "en-GB".into(),
        title: "Comparison of a synthetic voice with the voice of M. Éxample".into(),
        facts: vec![
            Pair::new("Case", "2026-0117 / Example v. Sample Ltd"),
            Pair::new("Client", "Example & Partners"),
            Pair::new("Reference", "M. Éxample, 12 clips, 214 s"),
            Pair::new("Program", "soundalike 0.1.0, avx2"),
            Pair::new("Result", format!("SHA-256 {HASH}")),
        ],
        footer: format!("soundalike 0.1.0 · case 2026-0117 · result {HASH}"),
        contents: "Contents".into(),
        sections,
    }
}

fn section(id: &str, title: &str, new_page: bool, blocks: Vec<Block>) -> Section {
    Section { id: id.into(), title: title.into(), new_page, blocks }
}

fn first() -> Section {
    let answer = |title: &str, value: &str, text: &str, note: &str| Answer {
        title: title.into(),
        value: value.into(),
        text: text.into(),
        note: note.into(),
    };
    section(
        "summary",
        "The answers",
        false,
        vec![
            Block::paragraph("The question as it was put to the examiner:"),
            Block::Quote {
                text: "Was the advertisement “spot_final(3).mp3” made from, or made to imitate, the voice of our client? \
                       #import \"x\": *bold* $x$ @label <b>"
                    .into(),
            },
            Block::Answers {
                answers: vec![
                    answer(
                        "Were both made from one voice?",
                        "LR 240 (95 %: 35 to 900)",
                        "The findings are about 240 times more probable if the recording was made from the protected \
                         voice than if it reproduces another voice of the population.",
                        "This is not the probability that it was made from the protected voice.",
                    ),
                    answer(
                        "Does it sound like the protected voice?",
                        "closer than 98.4 % of 312",
                        "Of 312 comparable voices, 5 are as close to the protected voice as the recording or closer.",
                        "Those 5 are named in the section on the population.",
                    ),
                ],
            },
            Block::Caution {
                text: "The recording has 4.2 s of speech; the calibration was validated for 5 s and more. The ratio above is \
                       given for information and must not be relied on."
                    .into(),
            },
            Block::List {
                items: vec![
                    "Three methods were used; all three point the same way.".into(),
                    "Leaving out any one of the twelve clips changes the ratio by less than a factor of two.".into(),
                ],
            },
        ],
    )
}

fn material() -> Section {
    let names = ["spot_final(3).mp3", "интервью 2024.wav", "李小龍_訪談.flac", "a\u{202e}3pm.wav", "Ωmega–β.wav"];
    let rows = (0..14)
        .map(|i| {
            let name = if i == 6 { format!("{}.wav", "x".repeat(90)) } else { names[i % names.len()].to_string() };
            vec![name, format!("{:.2}", 3.5 * i as f64), format!("{}", 16_000), format!("−{}.0", 20 + i), HASH.into()]
        })
        .collect();
    section(
        "material",
        "What was received",
        true,
        vec![
            Block::paragraph("Every file was read once; its hash was taken before anything else was done with it."),
            Block::Table(Table {
                caption: "The recordings, in the order in which they were given.".into(),
                columns: vec![
                    Column::text("File"),
                    Column::number("Speech, s"),
                    Column::number("Rate, Hz"),
                    Column::number("Noise, dB"),
                    Column::code("SHA-256"),
                ],
                rows,
            }),
            Block::Sounds {
                sounds: vec![
                    Sound { caption: "the reference, 5 s".into(), wav: Vec::new() },
                    Sound { caption: "the recording in question, 5 s".into(), wav: Vec::new() },
                ],
            },
            Block::heading("What was left out"),
            Block::Table(Table {
                caption: "Files that could not be used.".into(),
                columns: vec![Column::text("File"), Column::text("Reason")],
                rows: Vec::new(),
            }),
        ],
    )
}

fn validation() -> Section {
    let score =
        |i: usize, mean: f64| mean + 3.0 * ((i as f64 * 0.754_877_666).fract() + (i as f64 * 0.569_84).fract() - 1.0);
    let targets: Vec<f64> = (0..400).map(|i| score(i, 3.0)).collect();
    let non_targets: Vec<f64> = (0..4000).map(|i| score(i, -3.0)).collect();
    let trials = ScoredTrials { label: "CAM++, 李", targets: &targets, non_targets: &non_targets };
    let figure = |caption: &str, svg: String| Figure {
        caption: caption.into(),
        alternative: format!("{caption} In words: the two curves cross near nought."),
        svg,
    };
    let steps: Vec<_> = (0..600).map(|i| (i as f64, i as f64 + 1.0, 0.4 + 0.3 * (i as f64 / 40.0).sin())).collect();
    let line = timeline(&Timeline {
        title: "interview <1>.wav",
        duration_s: 600.0,
        speech: &[(0.0, 280.0), (300.0, 590.0)],
        score: "cosine",
        steps: &steps,
        threshold: 0.6,
        ranges: &[(40.0, 90.0, "0.69".into()), (300.0, 340.0, "0.70".into())],
    });
    section(
        "validation",
        "How far the method can be trusted",
        true,
        vec![
            Block::paragraph(
                "The same settings were tried on speakers who took part in neither training nor calibration. "
                    .repeat(3),
            ),
            Block::Figures {
                figures: vec![
                    figure("Tippett plot of 400 trials of one voice and 4000 of two.", tippett(&trials)),
                    figure("Whether the ratios mean what they say.", reliability(&trials)),
                ],
            },
            Block::heading("Where in the recording"),
            Block::figure(figure("Where the voice was found in the interview.", line)),
            Block::heading("Measures"),
            Block::Pairs {
                pairs: vec![
                    Pair::new("Cllr", "0.31 (95 %: 0.27 to 0.36)"),
                    Pair::new("Equal error rate", "8.1 %"),
                    Pair::new("Relevant population", "adult speakers of English, studio and telephone. ".repeat(4)),
                    Pair::new("Hash of the calibration", HASH),
                ],
            },
        ],
    )
}

fn method() -> Section {
    section(
        "method",
        "How to do it again",
        false,
        vec![
            Block::paragraph("On any machine with the same version, this gives the same bytes:"),
            Block::Verbatim {
                text: format!(
                    "soundalike check --reference 'voices/*.wav' \\\n    --candidate spot_final(3).mp3 --json result.json\n\
                     sha256sum result.json\n{HASH}{HASH}"
                ),
            },
            Block::paragraph(format!("A word without an end: {}.", "Wort".repeat(80))),
        ],
    )
}

fn annex(number: usize) -> Section {
    let rows = (0..60)
        .map(|i| {
            let numbers = (1..9).map(|k| format!("{:.3}", (i * k + number) as f64 / 7.0));
            std::iter::once(format!("speaker {i:03}")).chain(numbers).collect()
        })
        .collect();
    let columns = ["Cosine", "AS-norm", "Percentile", "LLR", "Lower", "Upper", "Speech, s", "SNR, dB"];
    section(
        &format!("annex-{number}"),
        &format!("Annex {}: the population one by one", number + 1),
        true,
        vec![
            Block::paragraph("Each of these was compared with the protected voice in the same way. ".repeat(6)),
            Block::Table(Table {
                caption: "Voices of the population.".into(),
                columns: std::iter::once(Column::text("Voice")).chain(columns.map(Column::number)).collect(),
                rows,
            }),
        ],
    )
}
