"""Largest differences between the results of two processors, and how far they lie below what `verify` allows.

    python3 tests/reproducible/compare.py FOLDER OTHER

Each folder holds check.json and the embeddings of clips, as run.sh writes them.
"""

import json
import sys
from pathlib import Path

TOLERANCE = 1e-3  # of recompute.rs


def numbers(value, place=""):
    """Every figure of a result that is computed from sound, with its place."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from numbers(item, f"{place}.{key}")
    elif isinstance(value, list):
        for i, item in enumerate(value):
            yield from numbers(item, f"{place}[{i}]")
    elif isinstance(value, float):
        yield place, value


def texts(value, place=""):
    """Everything else, which must be the same."""
    if isinstance(value, dict):
        for key, item in value.items():
            if key not in ("instruction_set", "statement"):
                yield from texts(item, f"{place}.{key}")
    elif isinstance(value, list):
        yield place, len(value)
        for i, item in enumerate(value):
            yield from texts(item, f"{place}[{i}]")
    elif not isinstance(value, float):
        yield place, value


def main(one, other):
    a, b = (json.loads((folder / "check.json").read_text()) for folder in (one, other))
    print(f"   {a['settings']['instruction_set']} and {b['settings']['instruction_set']}")
    encoders = list(a["settings"]["fingerprints"])
    largest = {encoder: [0.0, 0.0] for encoder in encoders}
    for path in sorted(one.glob("voices_*.json")):
        x, y = (json.loads((folder / path.name).read_text())["embeddings"] for folder in (one, other))
        for encoder in encoders:
            difference = max(abs(p - q) for p, q in zip(x[encoder], y[encoder], strict=True))
            largest[encoder][0] = max(largest[encoder][0], difference)
    ratio = 0.0
    for p, q in zip(a["candidates"], b["candidates"], strict=True):
        for encoder in encoders:
            difference = abs(p["scores"][encoder]["cosine"] - q["scores"][encoder]["cosine"])
            largest[encoder][1] = max(largest[encoder][1], difference)
        if p["evidence"]:
            ratio = max(ratio, abs(p["evidence"]["unbounded_log10_lr"] - q["evidence"]["unbounded_log10_lr"]))
    for encoder in encoders:
        print(f"   {encoder:9} embeddings {largest[encoder][0]:.2e}  cosines {largest[encoder][1]:.2e}")
    if any(candidate["evidence"] for candidate in a["candidates"]):
        print(f"   log10 LR  {ratio:.2e}")
    sides = ({"reference": c["reference"], "candidates": c["candidates"]} for c in (a, b))
    pairs = zip(*(list(numbers(side)) for side in sides), strict=True)
    worst = max((abs(x - y) / max(abs(x), abs(y), 1.0), place) for (place, x), (_, y) in pairs)
    factor = "the same bits" if worst[0] == 0 else f"{TOLERANCE / worst[0]:.0f} times below what verify allows"
    print(f"   all figures: largest relative difference {worst[0]:.2e} ({worst[1]}), {factor}")
    different = [place for (place, x), (_, y) in zip(texts(a), texts(b), strict=True) if x != y]
    print(f"   texts and whole numbers: {len(different)} differ {different[:5]}")
    return 1 if different or worst[0] > TOLERANCE else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
