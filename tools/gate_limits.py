#!/usr/bin/env python3
"""How many clones a gate stops once they are shifted in pitch or noise is added: the figures of SECURITY.md.

    python3 tools/gate_limits.py target/release/soundalike $SOUNDALIKE_DATA

Forty voices of clone_modern and clone_libri, drawn with a fixed seed; of each up to five real clips are the reference and
two clones the candidates, at `check --fail-above log10_lr=2`. Needs sox.
"""
import collections, csv, json, random, subprocess, sys, tempfile, wave
from array import array
from pathlib import Path

PITCH = {"as it is": [], "pitch +2 semitones": ["pitch", "200"], "pitch -2 semitones": ["pitch", "-200"]}
SNR_DB = [10, 5, 0]


def noisy(plain: Path, out: Path, snr_db: float) -> None:
    """Adds white Gaussian noise at a ratio to the power of the whole clip."""
    with wave.open(str(plain)) as clip:
        samples, rate = array("h", clip.readframes(clip.getnframes())), clip.getframerate()
    power = sum(x * x for x in samples) / len(samples)
    deviation, draw = (power / 10 ** (snr_db / 10)) ** 0.5, random.Random(7)
    mixed = [x + draw.gauss(0, deviation) for x in samples]
    scale = min(1, 30_000 / max(abs(x) for x in mixed))
    with wave.open(str(out), "wb") as clip:
        clip.setparams((1, 2, rate, 0, "NONE", ""))
        clip.writeframes(array("h", (round(x * scale) for x in mixed)).tobytes())


def main() -> None:
    program, data = sys.argv[1], Path(sys.argv[2])
    voices = collections.defaultdict(lambda: {"real": [], "synthetic": []})
    with open(data / "manifest.tsv", encoding="utf-8") as manifest:
        for row in csv.DictReader(manifest, delimiter="\t"):
            if row["corpus"] in ("clone_modern", "clone_libri") and float(row["seconds"]) > 3:
                voices[row["corpus"], row["speaker"]][row["kind"]].append(row["path"])
    names = sorted(name for name, clips in voices.items() if clips["real"] and clips["synthetic"])
    random.Random(2).shuffle(names)
    found = collections.defaultdict(collections.Counter)
    with tempfile.TemporaryDirectory() as folder:
        for number, name in enumerate(names[:40]):
            made = {}
            for clip, path in enumerate(sorted(voices[name]["synthetic"])[:2]):
                for kind, effect in PITCH.items():
                    out = Path(folder, f"{number}-{clip}-{len(made)}.wav")
                    command = ["sox", "-V1", data / path, "-r", "16000", "-c", "1", "-b", "16", out, *effect]
                    subprocess.run(command, check=True)
                    made[str(out)] = kind
                    plain = out if kind == "as it is" else plain
                for snr_db in SNR_DB:
                    out = Path(folder, f"{number}-{clip}-{len(made)}.wav")
                    noisy(plain, out, snr_db)
                    made[str(out)] = f"white noise, {snr_db} dB"
            references = [part for path in voices[name]["real"][:5] for part in ("--reference", data / path)]
            command = [program, "check", "-q", "--json", "--fail-above", "log10_lr=2", *references, *made]
            result = subprocess.run(command, capture_output=True, text=True)
            for clip in json.loads(result.stdout)["gate"]["clips"]:
                found[made[clip["path"]]][clip["status"]] += 1
    print("clones\tstopped\trefused\tpassed")
    for kind, counts in found.items():
        print(f"{kind}\t{counts['hit']}\t{counts['refused']}\t{counts['passed']}")


if __name__ == "__main__":
    main()
