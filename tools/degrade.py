#!/usr/bin/env python3
"""Degraded copies of labelled clips, and a list of trials in which the tested side alone is degraded.

    python3 tools/degrade.py $SOUNDALIKE_DATA OUT [SPLIT]

For each degradation OUT/NAME holds the degraded clips and OUT/NAME.txt the trials, in the format of VoxCeleb: every
real clip of the split as it is against every degraded real clip of it, one of each two directions (by path), never a
clip against its own copy. OUT/clean.txt is the same without degradation. Then, for each:

    soundalike evaluate --trials OUT/NAME.txt --root / --condition real-real

Needs ffmpeg (Debian package ffmpeg) and nothing of Python beyond the standard library. Noise is white, at the named
ratio to the power of the whole clip; its random numbers depend on the clip's path alone.
"""

import array
import csv
import math
import random
import subprocess
import sys
import wave
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

RATE = 16_000


def ffmpeg(*arguments, data=None):
    command = ["ffmpeg", "-loglevel", "error", "-nostdin", "-y", *map(str, arguments)]
    if data is not None:
        command.remove("-nostdin")
    return subprocess.run(command, input=data, stdout=subprocess.PIPE, check=True).stdout


def samples(path):
    """The clip as 16-bit samples at 16 kHz."""
    found = array.array("h")
    found.frombytes(ffmpeg("-i", path, "-ac", 1, "-ar", RATE, "-f", "s16le", "-"))
    return found


def write(path, values):
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE)
        out.writeframes(array.array("h", values).tobytes())


def cut(seconds):
    def degrade(source, to):
        """The loudest window of that length, so that there is speech in it."""
        x, length = samples(source), int(seconds * RATE)
        if len(x) > length:
            energy = [0]
            for value in x:
                energy.append(energy[-1] + value * value)
            starts = range(0, len(x) - length + 1, RATE // 100)
            start = max(starts, key=lambda i: energy[i + length] - energy[i])
            x = x[start : start + length]
        write(to, x)

    return degrade, "wav"


def noise(snr_db):
    def degrade(source, to):
        x = samples(source)
        power = sum(value * value for value in x) / max(len(x), 1)
        spread = math.sqrt(power / 10 ** (snr_db / 10))
        draw = random.Random("/".join(source.parts[-4:]))
        write(to, [max(-32768, min(32767, round(value + draw.gauss(0, spread)))) for value in x])

    return degrade, "wav"


def band_8k(source, to):
    low = ffmpeg("-i", source, "-ac", 1, "-ar", 8000, "-f", "wav", "-")
    ffmpeg("-i", "-", "-ar", RATE, "-c:a", "pcm_s16le", to, data=low)


def telephone(source, to):
    low = ffmpeg("-i", source, "-ac", 1, "-ar", 8000, "-c:a", "pcm_mulaw", "-f", "wav", "-")
    ffmpeg("-i", "-", "-ar", RATE, "-c:a", "pcm_s16le", to, data=low)


def codec(*arguments):
    return lambda source, to: ffmpeg("-i", source, "-ac", 1, *arguments, to)


DEGRADATIONS = {
    "cut-3s": cut(3.0),
    "cut-1.5s": cut(1.5),
    "band-8k": (band_8k, "wav"),
    "telephone": (telephone, "wav"),
    "noise-20dB": noise(20),
    "noise-10dB": noise(10),
    "noise-0dB": noise(0),
    "mp3-48k": (codec("-c:a", "libmp3lame", "-b:a", "48k"), "mp3"),
    "opus-16k": (codec("-c:a", "libopus", "-b:a", "16k"), "opus"),
}


def main():
    data, out = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()
    split = sys.argv[3] if len(sys.argv) > 3 else "dev-test"
    with open(data / "manifest.tsv", newline="") as table:
        rows = [row for row in csv.DictReader(table, delimiter="\t") if row["split"] == split and row["kind"] == "real"]
    rows.sort(key=lambda row: row["path"])
    paths = [row["path"] for row in rows]

    def trials(name, of):
        with open(out / f"{name}.txt", "w") as list_:
            for i, a in enumerate(rows):
                for b in rows[i + 1 :]:
                    label = int(a["speaker"] == b["speaker"])
                    list_.write(f"{label}\t{data / a['path']}\t{of(b['path'])}\n")

    out.mkdir(parents=True, exist_ok=True)
    trials("clean", lambda path: data / path)
    for name, (degrade, ending) in DEGRADATIONS.items():
        folder = out / name
        folder.mkdir(exist_ok=True)
        of = lambda path: folder / (path.replace("/", "_").rsplit(".", 1)[0] + "." + ending)
        with ThreadPoolExecutor() as pool:
            list(pool.map(lambda path: degrade(data / path, of(path)), paths))
        trials(name, of)
        print(name, len(paths), "clips")


if __name__ == "__main__":
    main()
