//! The ratio does not rise when evidence is taken away.

use crate::program::{folder, samples, soundalike, word, write_float_wav};
use serde_json::Value;
use soundalike::audio::{Background, Noise, Room, Variation};

/// Reference, candidates of the same voice, condition.
const CASES: [(&str, &str, usize, &str); 3] = [
    ("voices/nsh/real", "voices/nsh/tts", 4, "real-synthetic"),
    ("voices/carlo/real/01.wav", "voices/carlo/real", 5, "real-real"),
    ("voices/librivox/real/01.wav", "voices/librivox/real", 4, "real-real"),
];

/// What a candidate's ratio is: before the bounds, within them, and the upper end of its interval.
#[derive(Clone, Copy, Debug)]
struct Ratio {
    unbounded: f64,
    bounded: f64,
    high: f64,
}

fn level(samples: &[f64]) -> f64 {
    10.0 * (samples.iter().map(|x| x * x).sum::<f64>() / samples.len() as f64).log10()
}

/// The ratios of the candidates against a reference, each altered; none of a clip with too little left to be judged.
fn ratios(
    references: &[&str],
    (_, voice, clips, condition): (&str, &str, usize, &str),
    step: &Step,
) -> Vec<Option<Ratio>> {
    let folder = folder();
    // A reference of one clip is not its own candidate.
    let first = if references == [format!("{voice}/01.wav")] { 2 } else { 1 };
    let mut arguments = vec!["check", "--json", "--condition", condition];
    references.iter().for_each(|reference| arguments.extend(["--reference", reference]));
    let paths: Vec<_> = (first..=clips).map(|clip| folder.path().join(format!("{clip:02}.wav"))).collect();
    for (clip, path) in (first..=clips).zip(&paths) {
        let clean = samples(&format!("{voice}/{clip:02}.wav"));
        let altered = step(&clean).alter(clean.iter().map(|x| *x as f32).collect()).unwrap();
        write_float_wav(path, &altered.iter().map(|x| f64::from(*x)).collect::<Vec<f64>>());
    }
    arguments.extend(paths.iter().map(|path| word(path)));
    let told = soundalike(&arguments).json();
    let ratio = |row: &Value| {
        let of = |name: &str| row["evidence"][name].as_f64();
        Some(Ratio { unbounded: of("unbounded_log10_lr")?, bounded: of("log10_lr")?, high: of("high")? })
    };
    told["candidates"].as_array().unwrap().iter().map(ratio).collect()
}

type Step = dyn Fn(&[f64]) -> Variation;

fn cut(seconds: f64) -> Box<Step> {
    Box::new(move |samples| {
        let middle = samples.len() as f64 / 32_000.0;
        Variation { cut: Some(((middle - seconds / 2.0).max(0.0), seconds)), ..Variation::default() }
    })
}

fn noise(snr_db: f64) -> Box<Step> {
    Box::new(move |samples| {
        let noise = Noise { level_dbfs: level(samples) - snr_db, pink: false, seed: 7 };
        Variation { background: Some(Background::Noise(noise)), ..Variation::default() }
    })
}

fn room(rt60_s: f64, direct_to_reverberant_db: f64) -> Box<Step> {
    let room = Room { rt60_s, direct_to_reverberant_db, seed: 7 };
    Box::new(move |_| Variation { room: Some(room), ..Variation::default() })
}

fn mean(ratios: &[Ratio]) -> f64 {
    ratios.iter().map(|ratio| ratio.unbounded).sum::<f64>() / ratios.len() as f64
}

/// The mean of the clips falls from step to step, and no clip is above the interval that it had as it is.
fn assert_falls(what: &str, steps: &[Vec<Option<Ratio>>]) {
    let judged = |clip: &usize| steps.iter().all(|ratios| ratios[*clip].is_some());
    let clips: Vec<usize> = (0..steps[0].len()).filter(judged).collect();
    assert!(clips.len() >= 2, "{what}: {steps:?}");
    let of_step = |ratios: &Vec<Option<Ratio>>| clips.iter().filter_map(|clip| ratios[*clip]).collect::<Vec<Ratio>>();
    let steps: Vec<Vec<Ratio>> = steps.iter().map(of_step).collect();
    let means: Vec<f64> = steps.iter().map(|ratios| mean(ratios)).collect();
    assert!(means.is_sorted_by(|before, after| after <= before), "{what}: {means:.3?}");
    for step in &steps {
        for (whole, less) in steps[0].iter().zip(step) {
            assert!(less.bounded <= whole.high + 1e-9, "{what}: {less:?} after {whole:?}");
        }
    }
}

#[test]
fn cuts_noise_and_rooms_lower_the_ratio_of_the_same_voice() {
    let whole: Box<Step> = Box::new(|_| Variation::default());
    let chains: [(&str, Vec<Box<Step>>); 3] = [
        ("cuts", vec![cut(60.0), cut(3.0), cut(2.0), cut(1.4)]),
        ("noise", vec![whole, noise(20.0), noise(14.0), noise(10.0)]),
        ("rooms", vec![room(0.05, 60.0), room(0.3, 6.0), room(0.6, 0.0), room(0.9, -6.0)]),
    ];
    for (name, chain) in &chains {
        let of_all = |step: &Step| CASES.iter().flat_map(|case| ratios(&[case.0], *case, step)).collect();
        assert_falls(name, &chain.iter().map(|step| of_all(step)).collect::<Vec<_>>());
    }
}

#[test]
fn fewer_clips_of_the_reference_lower_the_ratio() {
    let clips = [1, 2, 3, 4, 5].map(|clip| format!("voices/nsh/real/{clip:02}.wav"));
    // Every clip of the reference is left out as often as any other.
    let step = |left: usize| -> Vec<Option<Ratio>> {
        let turns = (0..clips.len()).map(|start| {
            let chosen: Vec<&str> = (0..left).map(|i| clips[(start + i) % clips.len()].as_str()).collect();
            ratios(&chosen, CASES[0], &|_| Variation::default()).into_iter().map(Option::unwrap).collect()
        });
        let turns: Vec<Vec<Ratio>> = turns.collect();
        let of = |clip: usize, of: fn(&Ratio) -> f64| {
            turns.iter().map(|ratios| of(&ratios[clip])).sum::<f64>() / turns.len() as f64
        };
        let mean = |clip| Ratio {
            unbounded: of(clip, |ratio| ratio.unbounded),
            bounded: of(clip, |ratio| ratio.bounded),
            high: of(clip, |ratio| ratio.high),
        };
        (0..CASES[0].2).map(|clip| Some(mean(clip))).collect()
    };
    assert_falls("clips of the reference", &[5, 4, 3, 2, 1].map(step));
}
