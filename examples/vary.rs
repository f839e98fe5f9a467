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
    /// The codec fills gaps with noise
    #[arg(long)]
    filled: bool,
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
        "codec" => codec = Some(Codec::Transform { kbit_s: arguments.kbit, filled: arguments.filled }),
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
    let mut panel = Panel::new(&PanelSettings::default())?;
    let quality = panel.worker().analyse_varied(&arguments.clip, Some(&variation)).quality;
    if let Some(quality) = quality.filter(|quality| quality.brief().is_narrow_band()) {
        println!("bandwidth {:.0} Hz: both are read in the narrow band", quality.bandwidth_hz.unwrap_or_default());
        panel = panel.narrow()?;
    }
    let mut worker = panel.worker();
    let mut measured = |name: &str, variation: Option<&Variation>| {
        let analysis = worker.analyse_varied(&arguments.clip, variation);
        if let Some(quality) = analysis.quality {
            let (level, snr) = (quality.level_dbfs.unwrap_or(f32::NAN), quality.snr_db.unwrap_or(f32::NAN));
            println!("{name}: level {level:.1} dBFS, SNR {snr:.1} dB, {:.1} s speech", quality.net_speech_s);
        }
        analysis.embeddings.map_err(|refusal| format!("{refusal:?}"))
    };
    let plain = measured("as it is", None)?;
    let embeddings = measured("altered", Some(&variation))?;
    for (encoder, values) in embeddings.iter() {
        let other = plain.get(encoder).map(|plain| plain.values.as_slice()).unwrap_or_default();
        println!("{}: {:.3}", encoder.label(), cosine(&values.values, other).unwrap_or(f64::NAN));
    }
    Ok(())
}
