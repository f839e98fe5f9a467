#!/usr/bin/env python3
"""Degraded copies of labelled clips, and a list of trials in which the tested side alone is degraded.

    python3 tools/degrade.py $SOUNDALIKE_DATA OUT [SPLIT]

For each degradation OUT/NAME holds the degraded clips and OUT/NAME.txt the trials, in the format of VoxCeleb: every
real clip of the split as it is against every degraded real clip of it, one of each two directions (by path), never a
clip against its own copy. OUT/clean.txt is the same without degradation. Then, for each:

    soundalike evaluate --trials OUT/NAME.txt --root / --condition real-real

Needs ffmpeg (Debian) and numpy (PyPI). What is random depends on the clip's path within the data alone.

- A cut is the loudest window of that length, so that there is speech in it.
- Noise is white, at the named ratio to the power of the whole clip.
- A room is the direct sound and, from 2 ms later, a tail of white noise that falls by 60 dB in the named time. Its power
  is 5, 0 or -5 dB under that of the direct sound, in rooms of 0.3, 0.6 and 1.0 s. The level stays that of the clip.
"""
import csv
import hashlib
import subprocess
import sys
import wave
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

RATE = 16_000


def ffmpeg(*arguments, data=None):
    command = ["ffmpeg", "-loglevel", "error", "-y", *map(str, arguments)]
    return subprocess.run(command, input=data or b"", stdout=subprocess.PIPE, check=True).stdout


def samples(path):
    """The clip at 16 kHz, in steps of 16 bits."""
    return np.frombuffer(ffmpeg("-i", path, "-ac", 1, "-ar", RATE, "-f", "s16le", "-"), "<i2").astype(float)


def write(path, values):
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE)
        out.writeframes(np.clip(np.round(values), -32768, 32767).astype("<i2").tobytes())


def generator(source, name):
    """Random numbers of a clip, known by its path within the data: corpus, speaker, kind, file."""
    return np.random.default_rng(list(hashlib.sha256("/".join([name, *source.parts[-4:]]).encode()).digest()))


def cut(seconds):
    def degrade(source, to):
        x, length = samples(source), int(seconds * RATE)
        if len(x) > length:
            energy = np.concatenate([[0], np.cumsum(x * x)])
            starts = np.arange(0, len(x) - length + 1, RATE // 100)
            start = starts[np.argmax(energy[starts + length] - energy[starts])]
            x = x[start : start + length]
        write(to, x)

    return degrade, "wav"


def noise(snr_db):
    def degrade(source, to):
        x = samples(source)
        spread = np.sqrt(np.mean(x * x) / 10 ** (snr_db / 10))
        write(to, x + spread * generator(source, f"noise {snr_db}").standard_normal(len(x)))

    return degrade, "wav"


def room(seconds, direct_db):
    """Reverberation time, and the direct sound's power over the tail's in dB."""

    def degrade(source, to):
        x, length = samples(source), int(seconds * RATE)
        tail = generator(source, f"room {seconds}").standard_normal(length) * 10 ** (-3 * np.arange(length) / length)
        tail[: RATE // 500] = 0
        tail *= np.sqrt(10 ** (-direct_db / 10) / np.sum(tail**2))
        tail[0] = 1
        size = 1 << (len(x) + length).bit_length()
        y = np.fft.irfft(np.fft.rfft(x, size) * np.fft.rfft(tail, size), size)[: len(x)]
        write(to, y * np.sqrt(np.mean(x * x) / max(np.mean(y * y), 1e-9)))

    return degrade, "wav"


def band_8k(source, to):
    low = ffmpeg("-i", source, "-ac", 1, "-ar", 8000, "-f", "wav", "-")
    ffmpeg("-i", "-", "-ar", RATE, "-c:a", "pcm_s16le", "-bitexact", to, data=low)


def telephone(source, to):
    low = ffmpeg("-i", source, "-ac", 1, "-ar", 8000, "-c:a", "pcm_mulaw", "-f", "wav", "-")
    ffmpeg("-i", "-", "-ar", RATE, "-c:a", "pcm_s16le", "-bitexact", to, data=low)


def codec(*arguments):
    return lambda source, to: ffmpeg("-i", source, "-ac", 1, *arguments, "-bitexact", to)


DEGRADATIONS = {
    "cut-3s": cut(3.0),
    "cut-2s": cut(2.0),
    "cut-1.4s": cut(1.4),
    "band-8k": (band_8k, "wav"),
    "telephone": (telephone, "wav"),
    "noise-20dB": noise(20),
    "noise-10dB": noise(10),
    "noise-0dB": noise(0),
    "room-0.3s": room(0.3, 5),
    "room-0.6s": room(0.6, 0),
    "room-1.0s": room(1.0, -5),
    "mp3-48k": (codec("-c:a", "libmp3lame", "-b:a", "48k"), "mp3"),
    "opus-16k": (codec("-c:a", "libopus", "-b:a", "16k"), "opus"),
}


def copies(name, data, paths, out):
    """Degraded copies of clips in the folder out/name; where the copy of each is, by the clip's path."""
    degrade, ending = DEGRADATIONS[name]
    (out / name).mkdir(parents=True, exist_ok=True)
    of = {path: out / name / (path.replace("/", "_").rsplit(".", 1)[0] + "." + ending) for path in paths}
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda path: degrade(data / path, of[path]), paths))
    return of


def trials(rows, data, of, to):
    """Writes the list of trials of real clips as they are against the copies `of`."""
    with open(to, "w", encoding="utf-8") as lines:
        for i, a in enumerate(rows):
            for b in rows[i + 1 :]:
                lines.write(f"{int(a['speaker'] == b['speaker'])}\t{data / a['path']}\t{of[b['path']]}\n")


def real_clips(data, split):
    with open(data / "manifest.tsv", newline="", encoding="utf-8") as table:
        rows = csv.DictReader(table, delimiter="\t", quoting=csv.QUOTE_NONE)
        return sorted((r for r in rows if r["split"] == split and r["kind"] == "real"), key=lambda row: row["path"])


def main():
    data, out = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()
    rows = real_clips(data, sys.argv[3] if len(sys.argv) > 3 else "dev-test")
    paths = [row["path"] for row in rows]
    out.mkdir(parents=True, exist_ok=True)
    trials(rows, data, {path: data / path for path in paths}, out / "clean.txt")
    for name in DEGRADATIONS:
        trials(rows, data, copies(name, data, paths, out), out / f"{name}.txt")
        print(name, len(paths), "clips")


if __name__ == "__main__":
    main()
