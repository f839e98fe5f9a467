#!/usr/bin/env python3
"""The labels that calibrations are fitted to, from the manifest of the development data and a table of systems.

    python3 tools/labels.py $SOUNDALIKE_DATA/manifest.tsv tools/systems.tsv > labels.tsv

A synthetic clip is a trial of one voice because of the system that made it, never because of a score:

  modern   text-to-speech of 2022 and later that takes a voice from a recording (kind zero-shot or few-shot)
  older    other text-to-speech of 2020 and later, and voice conversion of 2020 and later
  dropped  everything before 2020, which hardly reproduced a voice that it was not trained on

The year is that in which the system was first described. Columns added to the manifest: `condition` (modern, older,
dropped; empty for people), `set` (the collection) and `page` (the demonstration page, or the collection where it is one
page). Persons of the clone sets have one name in all of them, so these share the value `clones` in `corpus`; speakers
of the other collections are numbered anew in each.
"""
import csv
import sys

FIRST_MODERN, FIRST_OLDER = 2022, 2020
CLONE_SETS = ("clone_vctk", "clone_libri", "clone_modern")


def condition(row, systems):
    if row["kind"] == "real" or row["corpus"] not in CLONE_SETS:
        return ""
    if row["system"] not in systems:
        raise SystemExit(f"tools/systems.tsv has no line for {row['system']}, which made {row['path']}")
    year, kind = systems[row["system"]]
    if kind in ("zero-shot", "few-shot") and year >= FIRST_MODERN:
        return "modern"
    return "older" if year >= FIRST_OLDER else "dropped"


def main(manifest, table):
    with open(table, encoding="utf-8") as lines:
        systems = {row["system"]: (int(row["year"]), row["kind"]) for row in csv.DictReader(lines, delimiter="\t")}
    with open(manifest, encoding="utf-8") as lines:
        reader = csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
        columns = reader.fieldnames + ["condition", "set", "page"]
        print("\t".join(columns))
        for row in reader:
            row["condition"] = condition(row, systems)
            row["set"] = row["corpus"]
            row["page"] = row["session"] if row["corpus"] == "clone_modern" else row["corpus"]
            if row["corpus"] in CLONE_SETS:
                row["corpus"] = "clones"
            print("\t".join(row[column] for column in columns))


if __name__ == "__main__":
    main(*sys.argv[1:])
