"""How the tables run the program, what they share, and how numbers are written."""
import csv
import io
import json
import subprocess
import sys
from contextlib import redirect_stdout
from functools import cached_property
from pathlib import Path

TOOLS = Path(__file__).resolve().parent.parent
ROOT = TOOLS.parent
sys.path.insert(0, str(TOOLS))
import labels  # noqa: E402

NAMES = {"mfcc": "MFCC", "mfcc_lda": "MFCC-LDA", "ge2e": "GE2E", "campplus": "CAM++"}
# The encoders that the ratio reads; without the others the tables that need only the ratio take less time.
RATIO_READS = "ge2e,campplus"
CONDITIONS = ("real-synthetic", "real-conversion", "real-real")
CLONES = "set=clone_vctk|clone_libri|clone_modern"
# How calibrations of clones are fitted; tools/refit reads nothing from here, the words are the same.
FIT = ["--within", "set", "--language", "en", "--where", CLONES, "--where-synthetic", "condition=modern"]
FIT += ["--pairs", "real-synthetic", "--group", "page", "--group", "system", "--condition", "real-synthetic"]
# The two halves of the clone sets: no voice is in both.
HALVES = {"a": ["dev-a", "dev-c"], "b": ["dev-b", "dev-d"]}


class Run:
    """One run of the tables: the program, the data, the calibrations, and a folder for temporary files."""

    def __init__(self, program, data, models, folder, threads):
        self.program, self.data, self.models = str(program), Path(data), Path(models)
        self.folder, self.threads = Path(folder), str(threads)
        self.answers = {}

    def text(self, *words, codes=(0, 3)):
        """What the program writes to standard output. Code 3, some clips were unusable, is no failure here;
        neither is, where `codes` has it, code 2 with a result, in which no clip was usable."""
        words = [self.program, *map(str, words), "--threads", self.threads, "--quiet"]
        if tuple(words) in self.answers:
            return self.answers[tuple(words)]
        run = subprocess.run(words, capture_output=True, text=True)
        if run.returncode not in codes or (run.returncode == 2 and not run.stdout):
            raise SystemExit(f"exit code {run.returncode}: {' '.join(words)}\n{run.stderr}")
        # Tables share evaluations, which are small; lists of hits are not worth their memory.
        if len(run.stdout) < 100_000:
            self.answers[tuple(words)] = run.stdout
        return run.stdout

    def json(self, *words):
        return json.loads(self.text(*words, "--json"))

    def evaluate(self, *words, condition):
        return self.json("evaluate", "--calibration", self.calibration(condition), *words)

    def calibration(self, condition):
        """The file of a condition that is built in, or `fit-a`, `fit-b` of one half of the clone sets."""
        if not condition.startswith("fit-"):
            return self.models / f"calibration_{condition.replace('-', '_')}.json"
        out = self.folder / f"{condition}.json"
        if not out.exists():
            splits = [word for split in HALVES[condition[-1]] for word in ("--split", split)]
            self.text("calibrate", *self.labelled, *FIT, *splits, "-o", out)
        return out

    @cached_property
    def manifest(self):
        return ["--manifest", self.data / "manifest.tsv"]

    @cached_property
    def labelled(self):
        """Options that name the labels of tools/labels.py."""
        out = io.StringIO()
        with redirect_stdout(out):
            labels.main(self.data / "manifest.tsv", TOOLS / "systems.tsv")
        path = self.folder / "labels.tsv"
        path.write_text(out.getvalue(), encoding="utf-8")
        return ["--manifest", path, "--root", self.data]

    @cached_property
    def rows(self):
        """The lines of these labels."""
        with open(self.labelled[1], encoding="utf-8") as lines:
            return list(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))

    def write_labels(self, name, rows):
        """A manifest in the temporary folder."""
        path = self.folder / name
        with open(path, "w", encoding="utf-8", newline="") as out:
            writer = csv.DictWriter(out, rows[0].keys(), delimiter="\t", quoting=csv.QUOTE_NONE, lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
        return path


def markdown(header, rows):
    lines = ["| " + " | ".join(map(str, line)) + " |" for line in (header, *rows)]
    return "\n".join([lines[0], "|---" * len(header) + "|", *lines[1:]])


def count(number):
    """12 345, with a space for thousands."""
    return f"{number:,}".replace(",", " ")


def trials(counts):
    return f"{count(counts['target'])} / {count(counts['non_target'])}"


def number(value, digits, scale=1.0):
    """A figure without the sign of a zero."""
    text = "-" if value is None else f"{value * scale:.{digits}f}"
    return text.lstrip("-") if text.startswith("-") and not text.strip("-0.") else text


def estimate(value, digits, scale=1.0):
    """A figure with its 95 % interval."""
    if value is None:
        return "-"
    ends = [value["low"], value["high"]]
    point, low, high = (number(value[key], digits, scale) for key in ("point", "low", "high"))
    if None in ends:
        return point
    return f"{point} ({low} to {high})" if ends[0] < 0 else f"{point} ({low}-{high})"


def percent(value, digits=2):
    """A fraction with its interval, in percent."""
    return estimate(value, digits, 100.0)


def log10_lr(value):
    return f"{value:+.1f}"
