#!/usr/bin/env python3
"""The figures and words of a report's data that every form of it must show: `headlines.py report.json`, one after the
other, each ended by a zero byte."""
import json
import sys
from pathlib import Path


def figure(x, decimals):
    digits = f"{abs(x):.{decimals}f}"
    return f"−{digits}" if x < 0 and digits.strip("0.") else digits


def headlines(report):
    result = report["result"]
    words = [report["result_sha256"], result["version"]]
    words += [text for text in report["case"].values() if text]
    for row in result["candidates"]:
        words += [row["sha256"]] if row["sha256"] else []
        for score in (row["scores"] or {}).values():
            words += [figure(score["cosine"], 3), figure(score["distance"], 3)]
        if row["likeness"]:
            percentile = figure(row["likeness"]["percentile"], 1)
            words.append(percentile.removesuffix(".0") + " %")
        if row["evidence"]:
            words += [row["evidence"]["verbal"], row["evidence"]["statement"], figure(row["evidence"]["log10_lr"], 2)]
    return words


if __name__ == "__main__":
    words = headlines(json.loads(Path(sys.argv[1]).read_text()))
    sys.stdout.buffer.write(b"".join(word.encode() + b"\0" for word in words))
