#!/usr/bin/env python3
"""Measures the tables of ACCURACY.md and README.md and writes them between their markers.

    python3 tools/figures.py [--threads N] [--models FOLDER] [NAME...]

A marker is a line `<!-- figures NAME -->`; what follows up to `<!-- end -->` is replaced. Without names all tables are
made, with names those whose name begins so. `--check` writes nothing and fails where a table differs. The program is
that of the variable SOUNDALIKE (target/release/soundalike without it), the labelled data SOUNDALIKE_DATA. Calibrations
are read from models/ (or --models), not from the program. Needs ffmpeg (Debian) and numpy (PyPI).
"""
import argparse
import os
import re
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from accuracy import degraded, libraries, rates  # noqa: E402
from accuracy.run import ROOT, Run  # noqa: E402

DOCUMENTS = ("ACCURACY.md", "README.md")
TABLES = {**rates.TABLES, **degraded.TABLES, **libraries.TABLES}
MARKED = re.compile(r"(?m)^<!-- figures (\S+) -->\n(.*?)^<!-- end -->$", re.DOTALL)


def options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--threads", default="0")
    parser.add_argument("--models", type=Path, default=ROOT / "models")
    parser.add_argument("--check", action="store_true")
    return parser.parse_args()


def main():
    chosen = options()
    data = os.environ.get("SOUNDALIKE_DATA") or sys.exit("set SOUNDALIKE_DATA to the folder of the labelled data")
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    program = os.environ.get("SOUNDALIKE") or target / "release/soundalike"
    texts = {name: (ROOT / name).read_text(encoding="utf-8") for name in DOCUMENTS}
    marked = [name for text in texts.values() for name, _ in MARKED.findall(text)]
    if sorted(marked) != sorted(TABLES):
        sys.exit(f"markers without a table, or tables without a marker: {sorted(set(marked) ^ set(TABLES))}")
    names = [n for n in TABLES if not chosen.names or any(n.startswith(name) for name in chosen.names)]
    if not names:
        sys.exit("no table is so named; there are: " + " ".join(TABLES))
    made = {}
    with tempfile.TemporaryDirectory() as folder:
        run = Run(program, Path(data).resolve(), chosen.models.resolve(), folder, chosen.threads)
        for name in names:
            start = time.monotonic()
            made[name] = TABLES[name](run)
            print(f"figures: {name} {time.monotonic() - start:.0f} s", file=sys.stderr, flush=True)

    def place(found):
        """The marked part, with the table where it was measured; blank lines part it from the markers."""
        table = made.get(found[1])
        return found[0] if table is None else f"<!-- figures {found[1]} -->\n\n{table}\n\n<!-- end -->"

    differing = []
    for name, text in texts.items():
        new = MARKED.sub(place, text)
        differing += [name] if new != text else []
        if not chosen.check:
            (ROOT / name).write_text(new, encoding="utf-8")
    if chosen.check and differing:
        sys.exit("measured anew, tables differ in " + ", ".join(differing))


if __name__ == "__main__":
    main()
