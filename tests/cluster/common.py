"""What the tests on clusters share: running the program, listing clips, and comparing tables to the bit."""

import csv
import os
import signal
import subprocess
import sys
import time
import wave
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

# What the command line takes for sound by its name.
SOUNDS = {
    *"wav wave rf64 w64 bwf flac mp3 ogg oga opus m4a m4b".split(),
    *"mp4 mov aac aif aiff aifc caf mka mkv webm alac".split(),
}
STARTED = time.monotonic()


def step(text):
    """One line of what was found to hold."""
    print(f"{time.monotonic() - STARTED:6.1f} s  {text}", flush=True)


def check(holds, text):
    """Ends the test where something does not hold."""
    if not holds:
        raise SystemExit(f"{time.monotonic() - STARTED:6.1f} s  FAILED: {text}")


def ended(*_):
    """Makes of a request to end an exception, so that clusters are taken down."""
    raise SystemExit(143)


def arguments(about):
    """The program, the library, the folder of protected voices, and an empty folder for what is written."""
    if len(sys.argv) != 5:
        raise SystemExit(about)
    signal.signal(signal.SIGTERM, ended)
    program, library, references, out = (os.path.abspath(argument) for argument in sys.argv[1:])
    check(not os.path.exists(out) or not os.listdir(out), f"{out} is not empty")
    os.makedirs(out, exist_ok=True)
    return program, library, references, out


def run(program, *words, codes=(0,), threads=2):
    """What the program prints."""
    command = [program, *map(str, words), "--quiet", "--threads", str(threads)]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    check(
        done.returncode in codes, f"{' '.join(command)} ended with {done.returncode}: {done.stderr.strip()}"
    )
    return done.stdout


def index_by_program(program, library, out, **settings):
    """The rows of the index that the command line makes of a folder."""
    run(program, "index", library, "--follow-links", "-o", out, codes=(0, 3), **settings)
    return rows_of(out)


def clips_of(library):
    """The sound files below a folder, as paths that start from it, sorted."""
    found = []
    for folder, _, names in os.walk(library, followlinks=True):
        sounds = [name for name in names if name.rpartition(".")[2].lower() in SOUNDS]
        found += [os.path.relpath(os.path.join(folder, name), library) for name in sounds]
    return sorted(found)


def references_of(folder):
    """The protected voices of a folder: the recordings of each by its name."""
    return {
        voice: [os.path.join(folder, voice, clip) for clip in clips_of(os.path.join(folder, voice))]
        for voice in sorted(os.listdir(folder))
    }


# Comparing tables.


def rows_of(parquet):
    """The rows of a Parquet file or of a folder of them, sorted by path."""
    return pq.read_table(parquet).sort_by("path")


def bits(column):
    """What a column holds, with the bits of its floating-point numbers in the place of the numbers."""
    column = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    missing = column.is_null().to_pylist()
    if pa.types.is_list(column.type) or pa.types.is_large_list(column.type):
        lengths = pc.list_value_length(column).to_pylist()
        return missing, lengths, bits(column.flatten())
    if pa.types.is_float32(column.type):
        return missing, column.fill_null(0).to_numpy(zero_copy_only=False).view(np.uint32).tolist()
    if pa.types.is_float64(column.type):
        return missing, column.fill_null(0).to_numpy(zero_copy_only=False).view(np.uint64).tolist()
    return column.to_pylist()


def plain(kind):
    """A type without what writers are free in: width of offsets, names and nullability of list items."""
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return f"list<{plain(kind.value_type)}>"
    return "string" if pa.types.is_large_string(kind) else str(kind)


def check_same(ours, theirs, schema, what, but=()):
    """Both tables have every column of the schema, of its type, and equal row for row, to the bit."""
    check(ours.num_rows == theirs.num_rows, f"{what}: {ours.num_rows} rows, expected {theirs.num_rows}")
    names = list(schema.names)
    check(ours.column_names == names, f"{what}: columns {ours.column_names}, expected {names}")
    for field in schema:
        kinds = [plain(table.schema.field(field.name).type) for table in (ours, theirs)]
        check(kinds == [plain(field.type)] * 2, f"{what}: {field.name} is {kinds}, expected {field.type}")
        if field.name in but:
            continue
        ours_bits, theirs_bits = bits(ours[field.name]), bits(theirs[field.name])
        if ours_bits != theirs_bits:
            pairs = zip(
                ours["path"].to_pylist(), ours[field.name].to_pylist(), theirs[field.name].to_pylist()
            )
            first = next((pair for pair in pairs if pair[1] != pair[2]), "in the bits alone")
            check(False, f"{what}: column {field.name} differs, first {str(first)[:600]}")


def check_spread(counts, what):
    """At least two executors or nodes did some of the work."""
    worked = {name: count for name, count in counts.items() if count}
    check(len(worked) >= 2, f"{what}: only {worked} did any work")
    return ", ".join(f"{name}: {count}" for name, count in sorted(worked.items()))


# A library in which nothing can be used as it is, but for one clip.


def poison(folder, good):
    """Writes files that are no clips, and one that is; their paths."""
    os.makedirs(folder)
    write = lambda name, data: Path(folder, name).write_bytes(data)
    sound = Path(good).read_bytes()
    write("good.wav", sound)
    write("text.wav", b"this is a text and no sound\n" * 40)
    write("empty.wav", b"")
    write("truncated.wav", sound[:30])
    write("cut-short.wav", sound[: 44 + 2 * 8000])
    write("nul-bytes.wav", bytes(50_000))
    with wave.open(str(Path(folder, "silence.wav")), "wb") as clip:
        clip.setparams((1, 2, 16_000, 0, "NONE", ""))
        clip.writeframes(bytes(2 * 32_000))
    return clips_of(folder)


# No file is at these paths; the second one could not even be asked for, and the last is no path at all.
NOWHERE = ["missing.wav", "nul\0in-its-path.wav", "no-folder/", None]


def check_poisoned(table, by_program, what):
    """Every row of a poisoned library is there once, with the command line's reason where that has one."""
    rows = {row["path"]: row for row in table.to_pylist()}
    check(len(rows) == table.num_rows, f"{what}: a path occurs twice")
    for theirs in by_program.to_pylist():
        ours = rows.get(theirs["path"])
        check(ours is not None, f"{what}: {theirs['path']} is missing")
        for name in ("status", "reason", "message", "sha256", "size"):
            pair = (ours[name], theirs[name])
            check(
                pair[0] == pair[1], f"{what}: {name} of {theirs['path']} is {pair[0]!r}, expected {pair[1]!r}"
            )
    for path, row in rows.items():
        told = row["status"] == "usable" or (row["status"] == "refused" and row["reason"] and row["message"])
        check(told, f"{what}: {path!r} has status {row['status']!r} and reason {row['reason']!r}")
    check(
        [path for path, row in rows.items() if row["status"] == "usable"] == ["good.wav"],
        f"{what}: wrong usable",
    )
    return ", ".join(f"{path!r} {row['reason']}" for path, row in sorted(rows.items()) if row["reason"])


# Scans.

TEXTS = {"voice", "list", "path", "library_voice", "sha256", "band", "reason"}


def hit(row, library):
    """A clip of a scan by column: numbers as numbers, the path from the library on."""
    told = {}
    for name, value in row.items():
        if value is None or value == "":
            told[name] = None
        elif name in TEXTS:
            told[name] = str(value)
        else:
            told[name] = float({"true": 1, "false": 0}.get(value, value))
    for start in (library, os.path.realpath(library)):
        told["path"] = told["path"].removeprefix(start + os.sep)
    return told


def by_rank(rows, library):
    """The clips of a scan, voice by voice in their order."""
    return sorted(
        (hit(row, library) for row in rows), key=lambda row: (row["voice"], row["list"], row["rank"])
    )


def scan_by_program(program, library, index, *words):
    """The clips that the command line's scan lists."""
    text = run(program, "scan", index, *words, "--format", "csv")
    return by_rank(csv.DictReader(text.splitlines()), library)


def check_hits(ours, theirs, what):
    """The same clips in the same order, with the same figures in every column; no tolerance."""
    check(len(ours) == len(theirs), f"{what}: {len(ours)} clips, expected {len(theirs)}")
    for mine, other in zip(ours, theirs):
        for name in sorted(mine.keys() | other.keys()):
            check(name in mine and name in other, f"{what}: no column {name} in one of both")
            same = mine[name] == other[name]
            where = f"{other['path']} beside {other['voice']}"
            check(same, f"{what}: {name} of {where} is {mine[name]!r}, expected {other[name]!r}")
