#!/usr/bin/env python3
"""What two resamplers keep and let through: soundalike's and soxr's HQ, 44.1 to 16 kHz. Needs the soundalike package.

   A tone of half full scale for 2 s, the middle second measured. `gain` is what is left of a tone that should be kept,
   `beside` everything else in the output against it; `through` the loudest sample where the tone should be gone.
"""
import numpy as np, soundalike, soundfile, soxr, sys, tempfile
from pathlib import Path

RATE, TO = int(sys.argv[1]) if len(sys.argv) > 1 else 44_100, 16_000


def tone(hz):
    return (0.5 * np.sin(2 * np.pi * hz * np.arange(2 * RATE) / RATE)).astype(np.float32)


def ours(x):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "tone.wav"
        soundfile.write(path, x, RATE, subtype="FLOAT")
        return np.asarray(soundalike.load(str(path)))


def decibels(x):
    return 20 * np.log10(max(x, 1e-12))


def kept(y, hz):
    middle = y[TO // 2 : TO // 2 + TO].astype(np.float64)
    angle = 2 * np.pi * hz * np.arange(TO // 2, TO // 2 + TO) / TO
    s, c = 2 * (middle @ np.sin(angle)) / TO, 2 * (middle @ np.cos(angle)) / TO
    rest = middle - s * np.sin(angle) - c * np.cos(angle)
    return decibels(np.hypot(s, c) / 0.5), decibels(np.sqrt(2 * np.mean(rest**2)) / 0.5)


both = {"soundalike": ours, "soxr HQ": lambda x: soxr.resample(x, RATE, TO, "HQ")}
print(f"{'tone, Hz':>9}" + "".join(f"  {name + ': gain, beside, dB':>32}" for name in both))
for hz in (100, 1000, 3500, 6000, 6500, 7000, 7200, 7400, 7600, 7800):
    print(f"{hz:9}" + "".join("{:24.3f}{:10.1f}".format(*kept(resample(tone(hz)), hz)) for resample in both.values()))
print(f"{'tone, Hz':>9}" + "".join(f"  {name + ': through, dB':>32}" for name in both))
for hz in (8100, 8200, 8400, 8800, 9500, 12_000, 16_000, 20_000, int(0.499 * RATE)):
    gone = [decibels(np.abs(resample(tone(hz))[TO // 2 : TO // 2 + TO]).max() / 0.5) for resample in both.values()]
    print(f"{hz:9}" + "".join(f"{x:34.1f}" for x in gone))
