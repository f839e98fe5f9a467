#!/usr/bin/env python3
"""Makes a library of some hundred short clips from the fixtures' voices, the same ones each time.

    python3 tests/cluster/make_clips.py fixtures/voices OUT [CLIPS]

Each clip is a cut of 1.5 to 4 s at some offset of a fixture, at another level; each tenth one is read up to
3.6 kHz at 8 kHz, so that there are narrow-band clips too. A cut lies in a folder of its fixture's name:
OUT/nsh/real/01-003.wav. Needs numpy. CLIPS is 301 where nothing is said.
"""

import random
import sys
import wave
from pathlib import Path

import numpy as np


def samples(path):
    """The samples of a mono WAV of 16 bits, and their rate."""
    with wave.open(str(path)) as clip:
        assert (clip.getnchannels(), clip.getsampwidth()) == (1, 2), f"{path} is not mono of 16 bits"
        return np.frombuffer(clip.readframes(clip.getnframes()), "<i2").astype(
            np.float64
        ), clip.getframerate()


def telephone(sound, rate):
    """Every second sample of what lies below 3.6 kHz (a windowed sinc)."""
    at = np.arange(-64, 65)
    low_pass = 2 * 3600 / rate * np.sinc(2 * 3600 / rate * at) * np.blackman(len(at))
    return np.convolve(sound, low_pass, "same")[::2], rate // 2


def cut(source, number):
    """The cut of a fixture with this number; all that is drawn depends on its name alone."""
    sound, rate = samples(source)
    draw = random.Random(f"{source.parent.parent.name}/{source.parent.name}/{source.stem}/{number}")
    length = min(len(sound), round(draw.uniform(1.5, 4.0) * rate))
    start = draw.randint(0, len(sound) - length)
    sound = sound[start : start + length] * 10 ** (draw.uniform(-15, 1) / 20)
    if draw.random() < 0.1:
        sound, rate = telephone(sound, rate)
    return np.clip(np.round(sound), -32768, 32767).astype("<i2"), rate


def make(voices, out, clips=301):
    """Writes the cuts, in turn from every fixture."""
    sources = sorted(Path(voices).rglob("*.wav"))
    for number in range(clips):
        source = sources[number % len(sources)]
        sound, rate = cut(source, number // len(sources))
        target = (
            Path(out) / source.relative_to(voices).parent / f"{source.stem}-{number // len(sources):03}.wav"
        )
        target.parent.mkdir(parents=True, exist_ok=True)
        with wave.open(str(target), "wb") as clip:
            clip.setparams((1, 2, rate, 0, "NONE", ""))
            clip.writeframes(sound.tobytes())


if __name__ == "__main__":
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    make(sys.argv[1], sys.argv[2], *map(int, sys.argv[3:]))
