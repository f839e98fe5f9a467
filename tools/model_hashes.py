#!/usr/bin/env python3
"""Writes models/SHA256SUMS, in the format of sha256sum, and the same hashes into the table of models/README.md.

    python3 tools/model_hashes.py

A row of the table begins with the file's name and ends with its hash. A file without a row is an error.
"""
import hashlib
import re
from pathlib import Path

MODELS = Path(__file__).resolve().parent.parent / "models"
ROW = re.compile(r"(?m)^\| `([\w.]+)` \| (.*) \| `?([0-9a-f]{64}|)`? \|$")


def main():
    names = sorted(path.name for path in MODELS.iterdir() if path.name not in ("README.md", "SHA256SUMS"))
    hashes = {name: hashlib.sha256((MODELS / name).read_bytes()).hexdigest() for name in names}
    readme = (MODELS / "README.md").read_text(encoding="utf-8")
    rows = {found[1] for found in ROW.finditer(readme)}
    if rows != set(names):
        raise SystemExit(f"models/README.md's table and models/ name different files: {sorted(rows ^ set(names))}")
    (MODELS / "SHA256SUMS").write_text("".join(f"{hashes[name]}  {name}\n" for name in names), encoding="utf-8")
    table = ROW.sub(lambda found: f"| `{found[1]}` | {found[2]} | `{hashes[found[1]]}` |", readme)
    (MODELS / "README.md").write_text(table, encoding="utf-8")


if __name__ == "__main__":
    main()
