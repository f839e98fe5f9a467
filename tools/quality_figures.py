#!/usr/bin/env python3
"""Figures of ACCURACY.md on the quality estimates: signal-to-noise ratio against known noise, narrow band against a telephone channel.

   python3 tools/quality_figures.py $SOUNDALIKE_DATA target/release/soundalike
   needs numpy and soundfile (PyPI) and ffmpeg (Debian)."""
import glob, json, random, subprocess, sys, tempfile
import numpy as np, soundfile as sf

DATA, PROGRAM = sys.argv[1], sys.argv[2]
READERS = sorted(glob.glob(f"{DATA}/librispeech_singles/*/real/*.flac"))


def inspect(*paths):
    run = subprocess.run([PROGRAM, "inspect", "--json", "--quiet", *paths], capture_output=True, text=True)
    return json.loads(run.stdout)["clips"]


def narrow(clips):
    warned = [any(w["code"] == "narrow_band" for w in c["quality"]["warnings"]) for c in clips if c["quality"]]
    return f"{sum(warned)} of {len(warned)} called narrow-band"


def coloured(kind, n, rng):
    x = rng.standard_normal(n)
    if kind == "pink":
        spectrum = np.fft.rfft(x)
        x = np.fft.irfft(spectrum / np.sqrt(np.maximum(np.arange(len(spectrum)), 20)), n)
    return x / np.sqrt(np.mean(x**2))


def noise_figures(folder):
    random.seed(2)
    clips = inspect(*random.sample(READERS, 40))
    clean = [c["path"] for c in clips if c["quality"]["snr_db"] and c["quality"]["snr_db"] > 38]
    rng = np.random.default_rng(0)
    for kind in ("white", "pink"):
        for snr in (30, 20, 10, 5, 0):
            noisy = []
            for i, path in enumerate(clean):
                x, rate = sf.read(path)
                x *= 0.05 / np.sqrt(np.mean(x**2))
                power = (np.lib.stride_tricks.sliding_window_view(x, 400)[::160] ** 2).mean(1)
                active = power[power > power.max() * 1e-3].mean()
                noisy.append(f"{folder}/{i}.wav")
                sf.write(noisy[-1], x + coloured(kind, len(x), rng) * np.sqrt(active / 10 ** (snr / 10)), rate)
            found = [c["quality"]["snr_db"] for c in inspect(*noisy)]
            assert None not in found, "no speech found in a noisy clip"
            print(f"{kind} {snr} dB, {len(clean)} clips: {np.mean(found):.1f} +- {np.std(found):.1f}")


def band_figures(folder):
    convert = lambda *words: subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-y", *words], check=True)
    telephone = []
    for i, path in enumerate(READERS[:60]):
        telephone.append(f"{folder}/t{i}.wav")
        convert("-i", path, "-ar", "8000", "-c:a", "pcm_mulaw", f"{folder}/mulaw.wav")
        convert("-i", f"{folder}/mulaw.wav", "-ar", "16000", "-c:a", "pcm_s16le", telephone[-1])
    print("8 kHz mu-law:", narrow(inspect(*telephone)))
    print("as they are:", narrow(inspect(DATA)))


with tempfile.TemporaryDirectory() as folder:
    noise_figures(folder)
    band_figures(folder)
