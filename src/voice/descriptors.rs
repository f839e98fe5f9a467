//! What was measured of a voice, and how several clips make one voice.

use super::analysis::VoiceAnalysis;
use super::descriptor::Descriptor;
use super::formants::{FORMANTS, vocal_tract_cm};
use super::spectrum::{LtasBand, pooled as pooled_spectrum};
use super::statistics::{deviation, mean, median, quantile, sorted};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Descriptors of a voice. What could not be measured is null, never 0 and never infinite.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Descriptors {
    /// Median of the fundamental frequency over voiced speech, Hz, 75 to 600.
    pub f0_median_hz: Option<f64>,
    /// Mean of the same, Hz.
    pub f0_mean_hz: Option<f64>,
    /// Standard deviation of the same on a scale of semitones (12 to an octave).
    pub f0_sd_semitones: Option<f64>,
    /// Value that 20 % of the voiced frames lie under, Hz.
    pub f0_p20_hz: Option<f64>,
    /// Value that 80 % of the voiced frames lie under, Hz.
    pub f0_p80_hz: Option<f64>,
    /// Median of the first formant over voiced speech, Hz.
    pub f1_hz: Option<f64>,
    /// Median of the second formant, Hz.
    pub f2_hz: Option<f64>,
    /// Median of the third formant, Hz.
    pub f3_hz: Option<f64>,
    /// Median of the fourth formant, Hz.
    pub f4_hz: Option<f64>,
    /// Length of an even tube, closed at one end, with these formants, cm.
    pub vocal_tract_cm: Option<f64>,
    /// Mean absolute difference of consecutive periods over the mean period, percent.
    pub jitter_percent: Option<f64>,
    /// Mean absolute difference of the amplitudes of consecutive periods over the mean amplitude, percent.
    pub shimmer_percent: Option<f64>,
    /// Mean over voiced frames of 10 log10(r / (1 - r)), r the autocorrelation at one period, dB.
    pub hnr_db: Option<f64>,
    /// Mean over voiced frames of the cepstrum's peak above its trend line, dB.
    pub cpp_db: Option<f64>,
    /// 10 log10 of the power from 1 to 5 kHz over that below 1 kHz in speech, dB.
    pub alpha_ratio_db: Option<f64>,
    /// Share of the frames in speech that are voiced, percent.
    pub voiced_percent: Option<f64>,
    /// Syllable nuclei a second of the clip.
    pub speaking_rate: Option<f64>,
    /// Syllable nuclei a second of phonation (time in sounds, without pauses).
    pub articulation_rate: Option<f64>,
    /// Pauses of 0.3 s and more a minute of the stretch from the first to the last sound.
    pub pauses_per_minute: Option<f64>,
    /// Share of that stretch in pauses, percent.
    pub pause_percent: Option<f64>,
    /// Mean length of a pause, seconds; null without one.
    pub pause_mean_s: Option<f64>,
    /// Long-term average spectrum of speech in third octaves, relative to the overall level; empty without speech. The
    /// channel's frequency response adds to it directly.
    pub ltas: Vec<LtasBand>,
    /// Ceiling below which the five formants were looked for, Hz: 5500 where the median F0 is 160 Hz or more, else
    /// 5000; null without voice, or where clips that make one voice differ in it.
    pub formant_ceiling_hz: Option<f64>,
    /// How much was looked at, seconds: a clip's first ten minutes.
    pub analysed_s: f64,
    /// Whether the clip went on.
    pub is_cut: bool,
    /// Speech in it, seconds, by frames of 10 ms.
    pub speech_s: f64,
    /// Frames of 10 ms with voiced speech, which F0, formants and harmonicity rest on.
    pub voiced_frames: usize,
    /// Pairs of consecutive periods that the jitter rests on.
    pub period_pairs: usize,
    /// Syllable nuclei.
    pub syllables: usize,
    /// Pauses of 0.3 s and more between the first and the last sound.
    pub pauses: usize,
    /// Their time, seconds.
    pub pause_s: f64,
    /// Time in sounds, seconds.
    pub phonation_s: f64,
}

impl Descriptors {
    /// The value of a descriptor; none where it could not be measured.
    pub fn get(&self, descriptor: Descriptor) -> Option<f64> {
        match descriptor {
            Descriptor::F0Median => self.f0_median_hz,
            Descriptor::F0Mean => self.f0_mean_hz,
            Descriptor::F0Deviation => self.f0_sd_semitones,
            Descriptor::F0Low => self.f0_p20_hz,
            Descriptor::F0High => self.f0_p80_hz,
            Descriptor::F1 => self.f1_hz,
            Descriptor::F2 => self.f2_hz,
            Descriptor::F3 => self.f3_hz,
            Descriptor::F4 => self.f4_hz,
            Descriptor::VocalTract => self.vocal_tract_cm,
            Descriptor::Jitter => self.jitter_percent,
            Descriptor::Shimmer => self.shimmer_percent,
            Descriptor::HarmonicsToNoise => self.hnr_db,
            Descriptor::CepstralPeak => self.cpp_db,
            Descriptor::AlphaRatio => self.alpha_ratio_db,
            Descriptor::Voiced => self.voiced_percent,
            Descriptor::SpeakingRate => self.speaking_rate,
            Descriptor::ArticulationRate => self.articulation_rate,
            Descriptor::Pauses => self.pauses_per_minute,
            Descriptor::PauseShare => self.pause_percent,
            Descriptor::PauseMean => self.pause_mean_s,
        }
    }

    /// Sets what follows from the fundamental frequency of voiced frames, Hz.
    pub(super) fn set_f0(&mut self, f0_hz: impl Iterator<Item = f64>) {
        let values = sorted(f0_hz);
        self.voiced_frames = values.len();
        self.f0_median_hz = quantile(&values, 0.5);
        self.f0_mean_hz = mean(values.iter().map(|hz| (*hz, 1.0)));
        self.f0_p20_hz = quantile(&values, 0.2);
        self.f0_p80_hz = quantile(&values, 0.8);
        let semitones: Vec<f64> = values.iter().map(|hz| 12.0 * hz.log2()).collect();
        self.f0_sd_semitones = deviation(&semitones);
        let frames = self.speech_s / super::TIME_STEP_S;
        self.voiced_percent = (frames > 0.0).then(|| (100.0 * values.len() as f64 / frames).min(100.0));
    }

    /// Sets what follows from the formants of voiced frames.
    pub(super) fn set_formants<'a>(&mut self, frames: impl Iterator<Item = &'a [Option<f64>; FORMANTS]> + Clone) {
        let of = |n: usize| median(frames.clone().filter_map(|frame| frame.get(n).copied().flatten()));
        let all = [of(0), of(1), of(2), of(3)];
        [self.f1_hz, self.f2_hz, self.f3_hz, self.f4_hz] = all;
        self.vocal_tract_cm = vocal_tract_cm(&all);
    }

    /// Sets the rates that follow from what was counted. Less than a second gives none, nor does a clip without sounds.
    pub(super) fn set_pace(&mut self) {
        let stretch_s = self.phonation_s + self.pause_s;
        if self.analysed_s < 1.0 || self.phonation_s <= 0.0 || self.speech_s <= 0.0 {
            return;
        }
        let (syllables, pauses) = (self.syllables as f64, self.pauses as f64);
        self.speaking_rate = Some(syllables / self.analysed_s);
        self.articulation_rate = Some(syllables / self.phonation_s);
        self.pauses_per_minute = Some(60.0 * pauses / stretch_s);
        self.pause_percent = Some(100.0 * self.pause_s / stretch_s);
        self.pause_mean_s = (self.pauses > 0).then(|| self.pause_s / pauses);
    }
}

/// The descriptors of one voice from several clips of it. F0 and formant statistics are over all clips' frames
/// together; jitter is weighed by periods, shimmer, harmonicity and cepstral peak by voiced frames, the spectrum by
/// seconds of speech; rates and pauses follow from all clips' counts and times.
pub fn pooled(clips: &[VoiceAnalysis]) -> Descriptors {
    let all = || clips.iter().map(|clip| &clip.descriptors);
    let sum = |of: fn(&Descriptors) -> f64| all().map(of).sum::<f64>();
    let count = |of: fn(&Descriptors) -> usize| all().map(of).sum::<usize>();
    let weighted = |of: fn(&Descriptors) -> Option<f64>, weight: fn(&Descriptors) -> f64| {
        mean(all().filter_map(|clip| Some((of(clip)?, weight(clip)))))
    };
    let frames = |clip: &Descriptors| clip.voiced_frames as f64;
    let spectra: Vec<(&[LtasBand], f64)> = all().map(|clip| (clip.ltas.as_slice(), clip.speech_s)).collect();
    let ceilings: Vec<f64> = all().filter_map(|clip| clip.formant_ceiling_hz).collect();
    let mut voice = Descriptors {
        jitter_percent: weighted(|clip| clip.jitter_percent, |clip| clip.period_pairs as f64),
        shimmer_percent: weighted(|clip| clip.shimmer_percent, frames),
        hnr_db: weighted(|clip| clip.hnr_db, frames),
        cpp_db: weighted(|clip| clip.cpp_db, frames),
        alpha_ratio_db: weighted(|clip| clip.alpha_ratio_db, |clip| clip.speech_s),
        ltas: pooled_spectrum(&spectra),
        formant_ceiling_hz: ceilings.first().copied().filter(|first| ceilings.iter().all(|hz| hz == first)),
        analysed_s: sum(|clip| clip.analysed_s),
        is_cut: all().any(|clip| clip.is_cut),
        speech_s: sum(|clip| clip.speech_s),
        period_pairs: count(|clip| clip.period_pairs),
        syllables: count(|clip| clip.syllables),
        pauses: count(|clip| clip.pauses),
        pause_s: sum(|clip| clip.pause_s),
        phonation_s: sum(|clip| clip.phonation_s),
        ..Descriptors::default()
    };
    voice.set_f0(clips.iter().flat_map(|clip| clip.tracks.f0_hz.iter().copied().flatten()));
    voice.set_formants(clips.iter().flat_map(|clip| clip.tracks.formants_hz.iter()));
    voice.set_pace();
    voice
}
