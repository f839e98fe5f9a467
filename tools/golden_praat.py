#!/usr/bin/env python3
"""Golden numbers of acoustic-phonetic descriptors by Praat, for parity tests.

    python3 -m venv venv && venv/bin/pip install praat-parselmouth==0.4.7 numpy==2.4.6
    venv/bin/python tools/golden_praat.py > fixtures/golden/praat.json

Run it in the project's folder. Of each clip in fixtures/voices that is named below it prints, over the whole clip:

- the track of "To Pitch (ac)" (step 0.01 s, 75 to 600 Hz, 15 candidates, not "very accurate", silence 0.03, voicing
  0.45, octave cost 0.01, octave jump 0.35, voiced/unvoiced 0.14), 0 where unvoiced;
- the mean over voiced frames of 10 log10(r / (1 - r)) of the same track, which Praat's voice report calls the mean
  harmonics-to-noise ratio, and the mean of "To Harmonicity (cc)" (0.01 s, 75 Hz, 0.1, 1 period) for comparison;
- jitter and shimmer (local) on the pulses of "To PointProcess (cc)" of sound and pitch, with the voice report's limits;
- medians of the formants at the middles of voiced frames, "To Formant (burg)" (step 0.0025 s, 5 formants, 25 ms,
  pre-emphasis from 50 Hz), ceiling 5500 Hz where the median F0 is 160 Hz or more, else 5000;
- the mean over voiced frames of the peak prominence in slices of "To PowerCepstrogram" (60 Hz, 0.002 s, 5000 Hz, 50 Hz),
  smoothed over 0.03 s and 0.0005 s, peak from 75 to 600 Hz, straight trend line from 0.001 to 0.05 s by least squares,
  and "Get CPPS" of the whole file with the same settings;
- syllables, pauses and phonation time after the script of de Jong and Wempe, version 2 (silence -25 dB, dip 2 dB, pause
  0.3 s), voiced where the track above is.

With --time CLIP... it prints instead how long Praat takes for the descriptors of these clips, joined, with formants each
10 ms and "Get CPPS" each 10 ms in the place of slices: the work of examples/voice_speed.rs.
"""
import json
import math
import sys
import time

import numpy as np
import parselmouth
from parselmouth.praat import call

CLIPS = [
    "nsh/real/01", "nsh/tts/01", "librivox/real/01", "carlo/real/01", "carlo/real/04", "ivrvoice/real/01",
    "ivrvoice/real/03", "awb/tts/01", "rms/tts/02", "slt/tts/01", "kal16/tts/03", "heart/tts/01",
]
FLOOR, CEILING, HIGHER_VOICE = 75, 600, 160


def rounded(value, digits):
    return round(value, digits) if value is not None and math.isfinite(value) else None


def pace(sound, pitch):
    intensity = call(sound, "To Intensity", 50, 0, "yes")
    low, high, most = (call(intensity, "Get minimum", 0, 0, "Parabolic"),
                       call(intensity, "Get quantile", 0, 0, 0.99), call(intensity, "Get maximum", 0, 0, "Parabolic"))
    threshold = max(high - 25, low)
    grid = call(intensity, "To TextGrid (silences)", -25 - (most - high), 0.3, 0.1, "silent", "sounding")
    sounding = [(call(grid, "Get start time of interval", 1, i), call(grid, "Get end time of interval", 1, i))
                for i in range(1, call(grid, "Get number of intervals", 1) + 1)
                if call(grid, "Get label of interval", 1, i) == "sounding"]
    level, times = intensity.values[0], intensity.xs()
    peaks = [i for i in range(1, len(level) - 1)
             if level[i] > threshold and level[i] > level[i - 1] and level[i] >= level[i + 1]]
    syllables = 0
    for peak, following in zip(peaks, peaks[1:]):
        voiced = call(pitch, "Get value at time", times[peak], "Hertz", "Linear")
        inside = any(start <= times[peak] < end for start, end in sounding)
        syllables += level[peak] - level[peak:following + 1].min() > 2 and math.isfinite(voiced) and inside
    return {"syllables": int(syllables), "pauses": len(sounding) - 1,
            "phonation_s": round(sum(end - start for start, end in sounding), 4)}


def measure(path):
    sound = parselmouth.Sound(path)
    pitch = call(sound, "To Pitch (ac)", 0.01, FLOOR, 15, "no", 0.03, 0.45, 0.01, 0.35, 0.14, CEILING)
    hz, strength = pitch.selected_array["frequency"], pitch.selected_array["strength"]
    times, voiced = pitch.xs(), hz > 0
    r = strength[voiced]
    harmonicity = call(sound, "To Harmonicity (cc)", 0.01, FLOOR, 0.1, 1.0)
    pulses = call([sound, pitch], "To PointProcess (cc)")
    limits = (0, 0, 0.8 / CEILING, 1.25 / FLOOR, 1.3)
    ceiling = 5500 if call(pitch, "Get quantile", 0, 0, 0.5, "Hertz") >= HIGHER_VOICE else 5000
    formant = call(sound, "To Formant (burg)", 0.0025, 5, ceiling, 0.025, 50)
    tracks = [[formant.get_value_at_time(n, t) for t in times[voiced]] for n in range(1, 5)]
    cepstrogram = call(sound, "To PowerCepstrogram", 60, 0.002, 5000, 50)
    smooth = call(cepstrogram, "Smooth", 0.03, 0.0005)
    trend = (FLOOR, CEILING, "parabolic", 0.001, 0.05, "Straight", "Least squares")
    prominence = [call(call(smooth, "To PowerCepstrum (slice)", t), "Get peak prominence", *trend)
                  for t in times[voiced]]
    cpps = call(cepstrogram, "Get CPPS", "no", 0.03, 0.0005, FLOOR, CEILING, 0.05, "parabolic", 0.001, 0.05, "Straight",
                "Least squares")
    return {
        "first_s": round(pitch.x1, 6),
        "f0_hz": [round(float(f), 3) if f > 0 else 0 for f in hz],
        "hnr_db": rounded(float(np.mean(10 * np.log10(r / (1 - r)))), 4),
        "hnr_cc_db": rounded(call(harmonicity, "Get mean", 0, 0), 4),
        "pulses": call(pulses, "Get number of points"),
        "jitter_percent": rounded(100 * call(pulses, "Get jitter (local)", *limits), 5),
        "shimmer_percent": rounded(100 * call([sound, pulses], "Get shimmer (local)", *limits, 1.6), 5),
        "formant_ceiling_hz": ceiling,
        "formants_hz": [rounded(float(np.nanmedian(track)), 2) for track in tracks],
        "cpp_db": rounded(float(np.nanmean(prominence)), 4),
        "cpps_db": rounded(cpps, 4),
        **pace(sound, pitch),
    }


def describe(sound):
    pitch = call(sound, "To Pitch (ac)", 0.01, FLOOR, 15, "no", 0.03, 0.45, 0.01, 0.35, 0.14, CEILING)
    pulses = call([sound, pitch], "To PointProcess (cc)")
    limits = (0, 0, 0.8 / CEILING, 1.25 / FLOOR, 1.3)
    call(pulses, "Get jitter (local)", *limits)
    call([sound, pulses], "Get shimmer (local)", *limits, 1.6)
    formant = call(sound, "To Formant (burg)", 0.01, 5, 5500, 0.025, 50)
    [call(formant, "Get quantile", n, 0, 0, "hertz", 0.5) for n in range(1, 5)]
    cepstrogram = call(sound, "To PowerCepstrogram", 60, 0.01, 5000, 50)
    call(cepstrogram, "Get CPPS", "no", 0.03, 0.0005, FLOOR, CEILING, 0.05, "parabolic", 0.001, 0.05, "Straight",
         "Least squares")
    call(sound, "To Ltas", 100)
    pace(sound, pitch)


def timed(paths):
    sound = call([parselmouth.Sound(path) for path in paths], "Concatenate") if paths[1:] else parselmouth.Sound(*paths)
    best = math.inf
    for _ in range(5):
        start = time.perf_counter()
        describe(sound)
        best = min(best, time.perf_counter() - start)
    print(f"{sound.duration:.1f} s of sound in {best:.3f} s: {sound.duration / best:.0f} times real time")


def main():
    if sys.argv[1:2] == ["--time"]:
        return timed(sys.argv[2:])
    praat = f"praat-parselmouth {parselmouth.__version__}, Praat {parselmouth.PRAAT_VERSION}"
    result = {"made_by": praat, "clips": {clip: measure(f"fixtures/voices/{clip}.wav") for clip in CLIPS}}
    json.dump(result, sys.stdout, separators=(",", ":"))
    print()


if __name__ == "__main__":
    main()
