//! Alters a clip as copies for a calibration are altered, to be listened to, and measures what that does to its embedding.
//!
//!     cargo run --release --example vary -- CLIP OUT.wav room --seed 3
//!
//! The alterations are noise, music, babble (with `--voice CLIP` for each voice), room, telephone and codec. Prints the
//! cosines of the altered clip with the clip as it is.
#![allow(clippy::print_stdout)]

use clap::Parser;
use soundalike::audio::{
    Babble, BabbleVoice, Background, Channel, Codec, Music, Noise, Room, SAMPLE_RATE_HZ, Variation, Waveform,
};
use soundalike::compare::cosine;
use soundalike::encoder::{Panel, PanelSettings};
use std::error::Error;
use std::path::PathBuf;

#[derive(Parser)]
struct Arguments {
    clip: PathBuf,
    output: PathBuf,
    /// noise, music, babble, room, telephone or codec
    alteration: String,
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Level of the clip to that of noise, music or babble, dB
    #[arg(long, default_value_t = 10.0, allow_hyphen_values = true)]
    snr: f64,
    /// Decay time of the room, s
    #[arg(long, default_value_t = 0.5)]
    rt60: f64,
    /// Direct to reverberant sound, dB
    #[arg(long, default_value_t = 6.0, allow_hyphen_values = true)]
    direct: f64,
    /// Bit rate of the codec, kbit/s
    #[arg(long, default_value_t = 16.0)]
    kbit: f64,
    /// A clip of another speaker, for babble
    #[arg(long = "voice")]
    voices: Vec<PathBuf>,
}

fn variation(arguments: &Arguments, level_dbfs: f64) -> Result<Variation, String> {
    let (level_dbfs, seed) = (level_dbfs - arguments.snr, arguments.seed);
    let (mut room, mut background, mut codec) = (None, None, None);
    match arguments.alteration.as_str() {
        "noise" => background = Some(Background::Noise(Noise { level_dbfs, pink: true, seed })),
        "music" => background = Some(Background::Music(Music { level_dbfs, seed })),
        "babble" => {
            let voice = |path: &PathBuf| BabbleVoice { path: path.clone(), start_s: seed as f64 };
            let voices = arguments.voices.iter().map(voice).collect();
            background = Some(Background::Babble(Babble { level_dbfs, voices }));
        }
        "room" => {
            room = Some(Room { rt60_s: arguments.rt60, direct_to_reverberant_db: arguments.direct, seed });
        }
        "telephone" => codec = Some(Codec::Telephone),
        "codec" => codec = Some(Codec::Transform { kbit_s: arguments.kbit }),
        other => return Err(format!("no such alteration: {other}")),
    }
    Ok(Variation { room, background, codec, ..Default::default() })
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    let samples = Waveform::read(&arguments.clip, Channel::Mix)?.samples;
    let power = samples.iter().map(|x| f64::from(x * x)).sum::<f64>() / samples.len() as f64;
    let variation = variation(&arguments, 10.0 * power.log10())?;
    let altered = variation.alter(samples)?;
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: SAMPLE_RATE_HZ,
        bits_per_sample: 32,
        sample_format: hound::SampleFormat::Float,
    };
    let mut writer = hound::WavWriter::create(&arguments.output, spec)?;
    altered.iter().try_for_each(|x| writer.write_sample(*x))?;
    writer.finalize()?;
    let panel = Panel::new(&PanelSettings::default())?;
    let mut worker = panel.worker();
    let plain = worker.analyse(&arguments.clip);
    let quality = plain.quality.ok_or("the clip cannot be read")?;
    println!("clip: level {:?} dBFS, SNR {:?} dB", quality.level_dbfs, quality.snr_db);
    let plain = plain.embeddings.map_err(|refusal| format!("{refusal:?}"))?;
    let altered = worker.analyse_varied(&arguments.clip, Some(&variation));
    let quality = altered.quality.ok_or("the altered clip cannot be read")?;
    println!(
        "altered: level {:?} dBFS, SNR {:?} dB, bandwidth {:?} Hz",
        quality.level_dbfs, quality.snr_db, quality.bandwidth_hz
    );
    let embeddings = altered.embeddings.map_err(|refusal| format!("{refusal:?}"))?;
    for (encoder, values) in embeddings.iter() {
        let other = plain.get(encoder).map(|plain| plain.values.as_slice()).unwrap_or_default();
        println!("{}: {:.3}", encoder.label(), cosine(&values.values, other).unwrap_or(f64::NAN));
    }
    Ok(())
}
