//! Reads `fixtures/golden/*_embeddings.json`, which the networks' original code made, for the tests of parity.

use serde::Deserialize;

#[derive(Deserialize)]
pub(crate) struct Golden {
    pub analytic: Vec<Analytic>,
    pub speech: Vec<Speech>,
}

#[derive(Deserialize)]
pub(crate) struct Analytic {
    pub frames: usize,
    #[serde(default)]
    pub scale: f64,
    embedding: Vec<Option<f32>>,
}

impl Analytic {
    /// None where a value is not finite.
    pub fn embedding(&self) -> Option<Vec<f32>> {
        self.embedding.iter().copied().collect()
    }
}

#[derive(Deserialize)]
pub(crate) struct Speech {
    pub clip: String,
    gain: f32,
    pub samples: usize,
    #[serde(default)]
    pub windows: usize,
    embedding: Vec<Option<f32>>,
}

impl Speech {
    /// None where a value is not finite.
    pub fn embedding(&self) -> Option<Vec<f32>> {
        self.embedding.iter().copied().collect()
    }

    /// The samples that were encoded.
    pub fn samples(&self) -> Vec<f32> {
        let path = format!("{}/fixtures/voices/{}.wav", env!("CARGO_MANIFEST_DIR"), self.clip);
        let mut reader = hound::WavReader::open(path).unwrap();
        let samples = reader.samples::<i16>().take(self.samples);
        samples.map(|x| f32::from(x.unwrap()) / 32_768.0 * self.gain).collect()
    }
}

pub(crate) fn read(name: &str) -> Golden {
    let path = format!("{}/fixtures/golden/{name}", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}
