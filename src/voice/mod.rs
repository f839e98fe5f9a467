//! Acoustic-phonetic descriptors: what a lay reader understands of a voice.
//!
//! Samples and the stretches of speech in them become a fundamental frequency, formants, an apparent length of the
//! vocal tract, the steadiness and clearness of the voice, its spectrum and its pace. None of them decides anything:
//! they stand beside a score so that a reader sees in what two voices are alike. Definitions follow Praat, the
//! measuring instrument of phonetics, and are held to its figures by tests. The code is our own, after the papers and
//! the manual; what those leave open (windows in whole samples, the least peaks of pulses, heights of the
//! autocorrelation above 1) follows what Praat is known to do, and the edges of pulse searches were settled by
//! comparing with its output.
//!
//! [`describe`] does it for one clip, [`pooled`] makes one voice of several, [`VoicePlan`] serves clip after clip.

mod analysis;
mod cepstral;
mod descriptor;
mod descriptors;
mod formants;
#[cfg(test)]
mod golden;
mod interpolate;
mod path;
mod perturbation;
mod pitch;
mod pulses;
mod resample;
mod roots;
mod spectrum;
mod statistics;
mod syllables;

pub use analysis::{MOST_SECONDS, SpeechStretches, VoiceAnalysis, VoicePlan, VoiceTracks, describe, harmonicity_db};
pub use descriptor::{ChannelSensitivity, Descriptor};
pub use descriptors::{Descriptors, pooled};
pub use formants::{FORMANTS, HIGHER_VOICE_HZ, formant_ceiling_hz, vocal_tract_cm};
pub use pitch::{PITCH_CEILING_HZ, PITCH_FLOOR_HZ, TIME_STEP_S};
pub use spectrum::LtasBand;
pub use syllables::PAUSE_S;

/// A vowel for tests: pulses at a fundamental frequency through resonances of these frequencies and bandwidths (Hz),
/// for so many seconds at 16 kHz.
#[cfg(test)]
pub(crate) fn vowel(f0_hz: f64, resonances: &[(f64, f64)], seconds: f64) -> Vec<f32> {
    use std::f64::consts::TAU;
    let rate = f64::from(crate::audio::SAMPLE_RATE_HZ);
    // A band-limited pulse train with a falling spectrum, then one two-pole resonator after another.
    let harmonics = (0.49 * rate / f0_hz) as usize;
    let source = |i: usize| {
        let t = i as f64 / rate;
        (1..=harmonics).map(|k| (TAU * f0_hz * k as f64 * t).cos() / k as f64).sum::<f64>()
    };
    let mut sound: Vec<f64> = (0..(seconds * rate) as usize).map(source).collect();
    for (hz, bandwidth) in resonances {
        let radius = (-std::f64::consts::PI * bandwidth / rate).exp();
        let (b, c) = (2.0 * radius * (TAU * hz / rate).cos(), -radius * radius);
        let (mut one, mut two) = (0.0, 0.0);
        for x in &mut sound {
            let y = (1.0 - b - c) * *x + b * one + c * two;
            (two, one) = (one, y);
            *x = y;
        }
    }
    let peak = sound.iter().fold(1e-9f64, |peak, x| peak.max(x.abs()));
    sound.iter().map(|x| (0.5 * x / peak) as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const VOWEL: [(f64, f64); 5] = [(500.0, 60.0), (1500.0, 80.0), (2500.0, 110.0), (3500.0, 150.0), (4500.0, 200.0)];

    /// Everything in a result is a number or absent.
    fn assert_finite(analysis: &VoiceAnalysis) {
        let d = &analysis.descriptors;
        assert!(Descriptor::ALL.iter().filter_map(|which| d.get(*which)).all(f64::is_finite), "{d:?}");
        assert!(d.ltas.iter().all(|band| band.level_db.is_finite()));
        assert!(
            [d.analysed_s, d.speech_s, d.pause_s, d.phonation_s].iter().all(|x| x.is_finite() && *x >= 0.0),
            "{d:?}"
        );
        let tracks = &analysis.tracks;
        assert_eq!(tracks.f0_hz.len(), tracks.formants_hz.len());
        assert!(tracks.f0_hz.iter().flatten().all(|hz| (PITCH_FLOOR_HZ * 0.9..PITCH_CEILING_HZ).contains(hz)));
        assert!(tracks.formants_hz.iter().flatten().flatten().all(|hz| hz.is_finite() && *hz > 0.0));
        let text = serde_json::to_string(d).unwrap();
        assert_eq!(&serde_json::from_str::<Descriptors>(&text).unwrap(), d);
    }

    #[test]
    fn a_vowel_is_described() {
        let analysis = describe(&vowel(100.0, &VOWEL, 2.0), &[(0.0, 2.0)]);
        let d = &analysis.descriptors;
        assert_finite(&analysis);
        assert!((d.f0_median_hz.unwrap() - 100.0).abs() < 0.05 && d.f0_sd_semitones.unwrap() < 0.01, "{d:?}");
        assert!(
            d.jitter_percent.unwrap() < 0.1 && d.shimmer_percent.unwrap() < 0.5 && d.hnr_db.unwrap() > 20.0,
            "{d:?}"
        );
        for (found, (hz, _)) in [d.f1_hz, d.f2_hz, d.f3_hz, d.f4_hz].into_iter().zip(VOWEL) {
            assert!((found.unwrap() / hz - 1.0).abs() < 0.04, "{d:?}");
        }
        let tract = d.vocal_tract_cm.unwrap();
        assert!((16.0..19.0).contains(&tract) && d.formant_ceiling_hz == Some(5000.0), "{d:?}");
        assert!(d.voiced_percent.unwrap() > 99.0 && d.pauses == 0 && d.pause_mean_s.is_none(), "{d:?}");
        // Half of it is speech.
        let half = describe(&vowel(220.0, &VOWEL, 2.0), &[(1.0, 2.0), (1.2, 1.5), (3.0, 2.0), (f64::NAN, 1.0)]);
        assert!((half.descriptors.speech_s - 0.98).abs() < 0.02, "{:?}", half.descriptors);
        assert_eq!(half.descriptors.formant_ceiling_hz, Some(5500.0));
        assert!(half.tracks.f0_hz[..90].iter().all(Option::is_none));
    }

    #[test]
    fn harmonicity_in_closed_form() {
        assert!(harmonicity_db(0.5).abs() < 1e-12 && (harmonicity_db(0.99) - 19.956_351_945_975).abs() < 1e-9);
        assert!(harmonicity_db(0.0).is_finite() && harmonicity_db(1.0).is_finite());
    }

    #[test]
    fn two_clips_make_one_voice() {
        let clips =
            [(110.0, 1.0), (130.0, 2.0)].map(|(hz, seconds)| describe(&vowel(hz, &VOWEL, seconds), &[(0.0, seconds)]));
        let voice = pooled(&clips);
        let [short, long] = clips.map(|clip| clip.descriptors);
        assert_eq!(voice.voiced_frames, short.voiced_frames + long.voiced_frames);
        assert!((voice.f0_median_hz.unwrap() - 130.0).abs() < 0.1, "{voice:?}");
        let mean =
            (short.voiced_frames as f64 * 110.0 + long.voiced_frames as f64 * 130.0) / voice.voiced_frames as f64;
        assert!((voice.f0_mean_hz.unwrap() - mean).abs() < 0.1, "{voice:?}");
        assert!(
            (voice.analysed_s - 3.0).abs() < 1e-9 && voice.ltas.len() == 20 && voice.formant_ceiling_hz == Some(5000.0)
        );
        assert_eq!(pooled(&[]), Descriptors::default());
    }

    #[test]
    fn nothing_to_describe_gives_nothing() {
        for (samples, speech) in [
            (vec![], vec![]),
            (vec![0.0; 32_000], vec![(0.0, 2.0)]),
            (vec![0.25; 32_000], vec![(0.0, 2.0)]),
            (vec![f32::NAN; 32_000], vec![(0.0, 2.0)]),
            (vowel(120.0, &VOWEL, 0.1), vec![(0.0, 0.1)]),
            (vowel(120.0, &VOWEL, 1.0), vec![]),
            (vec![f32::MAX; 1600], vec![(f64::NEG_INFINITY, f64::INFINITY)]),
        ] {
            assert_finite(&describe(&samples, &speech));
        }
        let silent = describe(&[0.0; 32_000], &[(0.0, 2.0)]).descriptors;
        assert_eq!((silent.f0_median_hz, silent.jitter_percent, silent.alpha_ratio_db), (None, None, None));
        let unspoken = describe(&vowel(120.0, &VOWEL, 1.0), &[]).descriptors;
        assert!(Descriptor::ALL.iter().all(|which| unspoken.get(*which).is_none()), "{unspoken:?}");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn whatever_the_samples_every_figure_is_a_number(
            seed in any::<u32>(), length in 0usize..20_000, kind in 0u8..5, gain in prop_oneof![Just(1e-30f32), Just(1.0), Just(1e30)],
            from in -1.0f64..1.0, to in 0.0f64..2.0,
        ) {
            let mut state = seed;
            let mut random = || {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 8) as f32 / 8_388_608.0 - 1.0
            };
            let period = 20 + (seed % 300) as usize;
            let samples: Vec<f32> = (0..length)
                .map(|i| match kind {
                    0 => random() * gain,
                    1 => if (i / period).is_multiple_of(2) { gain } else { -gain },
                    2 => if i.is_multiple_of(period) { gain } else { 0.0 },
                    3 => f32::from_bits(random().to_bits().wrapping_mul(seed | 1)),
                    _ => if i < length / 2 { 0.0 } else { random() * gain },
                })
                .collect();
            assert_finite(&describe(&samples, &[(from, to)]));
        }
    }
}
