#!/usr/bin/env python3
"""Figures of ACCURACY.md on the quality estimates: signal-to-noise ratio against known noise, narrow band against a
telephone channel.

    python3 tools/quality_figures.py $SOUNDALIKE_DATA target/release/soundalike

Needs numpy (PyPI) and ffmpeg (Debian)."""
import json
import random
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from degrade import samples, telephone, write

LEVELS_DB = (30, 20, 10, 5, 0)


def readers(data):
    return sorted(map(str, Path(data).glob("librispeech_singles/*/real/*.flac")))


def inspect(program, *paths):
    run = subprocess.run([program, "inspect", "--json", "--quiet", *paths], capture_output=True, text=True)
    return json.loads(run.stdout)["clips"]


def narrow(clips):
    warned = [any(w["code"] == "narrow_band" for w in c["quality"]["warnings"]) for c in clips if c["quality"]]
    return f"{sum(warned)} of {len(warned)}"


def coloured(kind, n, rng):
    x = rng.standard_normal(n)
    if kind == "pink":
        spectrum = np.fft.rfft(x)
        x = np.fft.irfft(spectrum / np.sqrt(np.maximum(np.arange(len(spectrum)), 20)), n)
    return x / np.sqrt(np.mean(x**2))


def noise_figures(data, program, folder):
    """A line of the table for each kind of noise, and the number of clips."""
    drawn = random.Random(2).sample(readers(data), 40)
    clean = [c["path"] for c in inspect(program, *drawn) if c["quality"]["snr_db"] and c["quality"]["snr_db"] > 38]
    rng, lines = np.random.default_rng(0), []
    for kind in ("white", "pink"):
        cells = []
        for snr in LEVELS_DB:
            noisy = []
            for i, path in enumerate(clean):
                x = samples(path)
                x *= 0.05 * 32768 / np.sqrt(np.mean(x**2))
                power = (np.lib.stride_tricks.sliding_window_view(x, 400)[::160] ** 2).mean(1)
                active = power[power > power.max() * 1e-3].mean()
                noisy.append(f"{folder}/{i}.wav")
                write(noisy[-1], x + coloured(kind, len(x), rng) * np.sqrt(active / 10 ** (snr / 10)))
            found = [c["quality"]["snr_db"] for c in inspect(program, *noisy)]
            assert None not in found, "no speech found in a noisy clip"
            cells.append(f"{np.mean(found):.1f} ± {np.std(found):.1f}")
        lines.append([kind, *cells])
    return lines, len(clean)


def band_figures(data, program, folder):
    """How many clips count as narrow-band: sent through a telephone channel, and of all as they are."""
    copies = []
    for i, path in enumerate(readers(data)[:60]):
        copies.append(f"{folder}/t{i}.wav")
        telephone(path, copies[-1])
    return narrow(inspect(program, *copies)), narrow(inspect(program, str(data)))


def table(data, program, folder):
    lines, clips = noise_figures(data, program, folder)
    lines = ["| " + " | ".join(line) + " |" for line in (["added", *(f"{snr} dB" for snr in LEVELS_DB)], *lines)]
    rows = "\n".join([lines[0], "|---" * 6 + "|", *lines[1:]])
    through, plain = band_figures(data, program, folder)
    return (
        f"{clips} clips; mean estimate and its standard deviation over them:\n\n{rows}\n\n"
        f"Called narrow-band: {through} LibriSpeech clips sent through an 8 kHz mu-law channel and stored at 16 kHz again; "
        f"{plain} clips of the data as they are."
    )


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as work:
        print(table(sys.argv[1], sys.argv[2], work))
