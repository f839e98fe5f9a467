//! Features against matrices that other libraries computed on the same two clips (`fixtures/golden`, made by
//! `tools/golden.py`). Each case states the largest difference that its definitions allow.

use ndarray::Array2;
use soundalike::feature::{
    CepstrumSettings, Edges, FeatureSettings, FirstCoefficient, Lifter, MelScale, MelShape, Preset, Window, kaldi_mfcc,
    librosa_mel40,
};
use std::path::PathBuf;

fn golden_path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/golden").join(name)
}

fn clip(name: &str) -> Vec<f32> {
    let mut reader = hound::WavReader::open(golden_path(&format!("{name}.wav"))).unwrap();
    reader.samples::<i16>().map(|s| f32::from(s.unwrap()) / 32_768.0).collect()
}

fn matrix(file: &str, clip: &str) -> Array2<f64> {
    let text = std::fs::read_to_string(golden_path(&format!("{file}.json"))).unwrap();
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    let rows = json["clips"][clip]["data"].as_array().unwrap();
    let width = rows[0].as_array().unwrap().len();
    let values = rows.iter().flat_map(|r| r.as_array().unwrap()).map(|v| v.as_f64().unwrap()).collect();
    Array2::from_shape_vec((rows.len(), width), values).unwrap()
}

/// Largest absolute difference over both clips.
fn difference(file: &str, settings: &FeatureSettings) -> f64 {
    let plan = settings.plan().unwrap();
    let mut worst = 0.0f64;
    for name in ["speechlike", "chirp"] {
        let expected = matrix(file, name);
        let got = plan.extract(&clip(name));
        assert_eq!(got.dim(), expected.dim(), "{file} {name}");
        worst = got.iter().zip(&expected).fold(worst, |w, (g, e)| w.max((f64::from(*g) - e).abs()));
    }
    worst
}

fn assert_close(file: &str, settings: &FeatureSettings, tolerance: f64) {
    let worst = difference(file, settings);
    assert!(worst <= tolerance, "{file}: largest difference {worst:.3e}, allowed {tolerance:.1e}");
}

fn with_cepstrum(mut settings: FeatureSettings, change: impl FnOnce(&mut CepstrumSettings)) -> FeatureSettings {
    change(settings.cepstrum.as_mut().unwrap());
    settings
}

#[test]
fn kaldi() {
    let plain = |bands, coefficients| kaldi_mfcc(bands, coefficients, FirstCoefficient::Cepstrum);
    assert_close("knf_default23_energy", &Preset::Kaldi.mfcc(), 1e-3);
    assert_close("knf_26_noenergy", &plain(26, 13), 1e-3);
    assert_close("knf_20of40", &plain(40, 20), 1e-3);
    assert_close("ta_kaldi_default", &plain(23, 13), 1e-3);
    assert_close("ta_kaldi_26", &plain(26, 13), 1e-3);
    let mut hamming = plain(26, 13);
    hamming.filter_bank.frame.window = Window::Hamming;
    assert_close("knf_26_hamming", &hamming, 1e-3);
    let mut mirror = plain(26, 13);
    mirror.filter_bank.frame.edges = Edges::Mirror;
    assert_close("knf_26_nosnip", &mirror, 1e-3);
    let mut unit = plain(26, 13);
    unit.filter_bank.frame.sample_scale = 1.0;
    assert_close("knf_26_noenergy_unit", &unit, 1e-3);
}

#[test]
fn librosa() {
    assert_close("librosa_default_slaney", &Preset::Librosa.mfcc(), 2e-4);
    assert_close("librosa_htk_nonorm", &Preset::LibrosaHtk.mfcc(), 2e-4);
    let mut area = Preset::LibrosaHtk.mfcc();
    area.filter_bank.mel.shape = MelShape::LinearInHzUnitArea;
    assert_close("librosa_htk_slaneynorm", &area, 2e-4);
    let lifted = with_cepstrum(Preset::Librosa.mfcc(), |c| c.lifter = Lifter::Librosa(22.0));
    assert_close("librosa_slaney_lifter22", &lifted, 1e-3);
    let mut centred = Preset::Librosa.mfcc();
    centred.filter_bank.frame.edges = Edges::CentreZeros;
    assert_close("librosa_slaney_center", &centred, 2e-4);
    assert_eq!(Preset::Librosa.mfcc().filter_bank.mel.scale, MelScale::Slaney);
}

#[test]
fn resemblyzer() {
    // Power, not its logarithm: the largest value of the two clips is about 100.
    assert_close("resemblyzer_mel40", &librosa_mel40(), 1e-4);
}

#[test]
fn torchaudio() {
    assert_close("ta_mfcc_htk", &Preset::Torchaudio.mfcc(), 2e-4);
}

#[test]
fn python_speech_features() {
    assert_close("psf_default", &Preset::PythonSpeechFeatures.mfcc(), 2e-4);
    let mut hamming = with_cepstrum(Preset::PythonSpeechFeatures.mfcc(), |c| c.first = FirstCoefficient::Cepstrum);
    hamming.filter_bank.frame.window = Window::Hamming;
    assert_close("psf_hamming_noenergy", &hamming, 2e-4);
}

#[test]
fn htk() {
    // openSMILE writes c0 behind the others.
    let plan = Preset::Htk.mfcc().plan().unwrap();
    for name in ["speechlike", "chirp"] {
        let expected = matrix("opensmile_htk", name);
        let got = plan.extract(&clip(name));
        assert_eq!(got.dim(), expected.dim());
        for ((frame, n), value) in got.indexed_iter() {
            let error = (f64::from(*value) - expected[[frame, (n + 12) % 13]]).abs();
            assert!(error < 5e-4, "{name} frame {frame} c{n}: {error:.2e}");
        }
    }
}
