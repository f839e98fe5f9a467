"""Tables of what degraded, short and few recordings do, and of what quality and speech detection measure."""
import json
import os
import re
import shutil
import subprocess
from collections import defaultdict
from pathlib import Path

import degrade
import quality_figures

from .run import NAMES, RATIO_READS, ROOT, count, estimate, markdown, percent, trials

ROBUSTNESS = {
    "clean": "as it is",
    "cut-3s": "cut to 3 s",
    "cut-2s": "cut to 2 s",
    "cut-1.4s": "cut to 1.4 s",
    "band-8k": "8 kHz band",
    "telephone": "telephone (mu-law)",
    "noise-20dB": "white noise 20 dB",
    "noise-10dB": "white noise 10 dB",
    "noise-0dB": "white noise 0 dB",
    "room-0.3s": "room, 0.3 s",
    "room-0.6s": "room, 0.6 s",
    "room-1.0s": "room, 1.0 s",
    "mp3-48k": "MP3 48 kbit/s",
    "opus-16k": "Opus 16 kbit/s",
}
UNMATCHED = ("band-8k", "telephone")


def robustness(run):
    """Real clips of dev-test as they are against degraded ones."""
    clips = degrade.real_clips(run.data, "dev-test")
    paths = [row["path"] for row in clips]
    rows = []
    for name, title in ROBUSTNESS.items():
        of = {path: run.data / path for path in paths}
        if name != "clean":
            of = degrade.copies(name, run.data, paths, run.folder / "dev-test")
        lines = run.folder / f"{name}.txt"
        degrade.trials(clips, run.data, of, lines)
        bands = [[], ["--no-band-matching"]] if name in UNMATCHED else [[]]
        for words in bands:
            result = run.evaluate("--trials", lines, "--root", "/", *words, condition="real-real")
            fusion, counts = result["fusion"], result["trials"]
            outside = 100 * counts["out_of_range"] / (counts["target"] + counts["non_target"])
            title_ = title + (", matched" if name in UNMATCHED else "") if not words else f"{title}, not matched"
            eer = [f"{100 * result['encoders'][e]['eer']['point']:.2f}" for e in NAMES]
            cllr = [f"{fusion[key]['point']:.3f}" for key in ("cllr", "cllr_min")]
            rows.append([title_, *eer, percent(fusion["eer"]), *cllr, f"{outside:.0f} %"])
    return markdown(["tested side", *NAMES.values(), "ratio", "Cllr", "Cllr_min", "outside"], rows)


class Clones:
    """Voices of clone_modern and clone_libri with their clones by modern systems."""

    def __init__(self, run):
        chosen = [r for r in run.rows if r["set"] in ("clone_modern", "clone_libri")]
        self.run, self.real, self.clones = run, defaultdict(list), defaultdict(list)
        for row in sorted(chosen, key=lambda row: row["path"]):
            if row["kind"] == "real":
                self.real[row["speaker"]].append(row)
            elif row["condition"] == "modern":
                self.clones[row["speaker"]].append(row)
        paths = [run.data / row["path"] for rows in self.real.values() for row in rows]
        clips = run.json("inspect", *paths)["clips"]
        usable = {clip["path"] for clip in clips if clip["status"] == "usable"}
        for voice, rows in self.real.items():
            self.real[voice] = [row for row in rows if str(run.data / row["path"]) in usable]
        self.voices = sorted(v for v in self.real if self.real[v] and self.clones[v])
        self.paths = [row["path"] for voice in self.voices for row in self.clones[voice]]

    def copies(self, name):
        if name == "clean":
            return {path: self.run.data / path for path in self.paths}
        return degrade.copies(name, self.run.data, self.paths, self.run.folder / "clones")

    def ratios(self, name, of, references):
        """log10 LR, before and within the bounds, of each clone against its own voice, by its path; only of clones that
        the program judges."""
        index, folder = self.run.folder / f"clones-{name}.lib", self.run.folder / f"voices-{references}"
        if not index.exists():
            listed = self.run.folder / f"clones-{name}.txt"
            listed.write_text("".join(f"{of[path]}\n" for path in self.paths), encoding="utf-8")
            self.run.text("index", listed, "-o", index)
        for voice in self.voices:
            (folder / voice).mkdir(parents=True, exist_ok=True)
            for row in self.real[voice][:references]:
                shutil.copyfile(self.run.data / row["path"], folder / voice / row["path"].replace("/", "_"))
        words = ["--reference-set", folder, "--calibration", self.run.calibration("real-synthetic"), "--top", "all"]
        lines = self.run.text("scan", *words, "--by", "log10_lr", "--format", "jsonl", index, codes=(0, 1, 3)).splitlines()
        found, clones = {}, {voice: {str(of[r["path"]]): r["path"] for r in self.clones[voice]} for voice in self.voices}
        for line in map(json.loads, lines):
            for hit in line["hits"] if line["record"] == "voice" else []:
                path = clones[line["voice"]].get(hit["path"])
                if path and hit["log10_lr"] is not None:
                    found[path] = (hit["unbounded_log10_lr"], hit["log10_lr"])
        return found

    def rates(self, name, of, enrol):
        """Figures over all pairs of a voice and a clone, also those that `check` refuses."""
        lines = []
        for row in (row for voice in self.voices for row in [*self.real[voice], *self.clones[voice]]):
            path = of.get(row["path"], self.run.data / row["path"])
            lines.append({key: row[key] for key in ("speaker", "kind", "corpus")} | {"path": str(path)})
        manifest = self.run.write_labels(f"clones-{name}.tsv", lines)
        words = ["--manifest", manifest, "--root", "/", "--pairs", "real-synthetic", "--enrol", enrol]
        words += ["--encoder", RATIO_READS]
        return self.run.evaluate(*words, condition="real-synthetic")


# Name of the copies, number of reference clips (None for all), title. Each block starts with the most evidence.
FADING = [
    [
        ("clean", None, "reference of all clips, clone as it is"),
        ("clean", 3, "reference of at most three clips"),
        ("clean", 1, "reference of one clip"),
    ],
    [("clean", None, "clone as it is"), *((f"cut-{s}s", None, f"cut to {s} s") for s in ("3", "2", "1.4"))],
    [("clean", None, "clone as it is"), *((f"noise-{n}dB", None, f"white noise {n} dB") for n in (20, 10, 0))],
    [("clean", None, "clone as it is"), *((f"room-{s}s", None, f"room, {s} s") for s in ("0.3", "0.6", "1.0"))],
]


def fading(run):
    """Clones with less and less evidence: the mean log10 LR of true pairs, and the error rates."""
    clones, ratios, rates, tables, rises = Clones(run), {}, {}, [], []
    for block in FADING:
        rows, first, last = [], None, None
        for name, references, title in block:
            key, of = (name, references), clones.copies(name)
            if key not in ratios:
                ratios[key] = clones.ratios(name, of, references)
                rates[key] = clones.rates(name, of, str(references or "all"))
            first = first or ratios[key]
            if last:
                judged = set(last) & set(ratios[key])
                change = sum(ratios[key][path][0] - last[path][0] for path in judged)
                rises += [title] if change > 0 else []
            last = ratios[key]
            both = sorted(set(first) & set(ratios[key]))
            mean = lambda found, which: log10_lr(sum(found[path][which] for path in both) / len(both)) if both else "-"
            fusion = rates[key]["fusion"]
            row = [title, f"{len(both)} of {len(first)}", mean(first, 0), mean(ratios[key], 0), mean(ratios[key], 1)]
            row += [trials(rates[key]["trials"]), percent(fusion["eer"]), estimate(fusion["cllr"], 3)]
            rows.append([*row, estimate(fusion["cllr_min"], 3)])
        header = ["evidence", "clones judged", "mean log10 LR of these with most evidence", "with this", "within the bounds"]
        tables.append(markdown([*header, "trials of one / two voices", "EER %", "Cllr", "Cllr_min"], rows))
    said = f"It rises in: {', '.join(rises)}." if rises else "It never rises from a row to the next."
    words = f"{len(clones.voices)} voices, {count(len(clones.paths))} clones. The mean before the bounds, over the clones "
    return f"{words}judged in both rows: {said[0].lower()}{said[1:]}\n\n" + "\n\n".join(tables)


def log10_lr(value):
    return f"{value:+.2f}"


def quality(run):
    """The signal-to-noise ratio against known noise, and the narrow band against a telephone channel."""
    return quality_figures.table(run.data, run.program, run.folder)


def speech_activity(run):
    """Lost speech and kept silence of the speech detector and its rival."""
    program = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release/examples/speech_detection"
    if not program.exists():
        raise SystemExit(f"{program} is missing: cargo build --release --example speech_detection")
    return speech_table(subprocess.run([program, run.data], capture_output=True, text=True, check=True).stdout)


def speech_table(printed):
    """The table of what examples/speech_detection prints: columns of 16 letters after a name of 14."""
    clips, header, *lines = printed.splitlines()
    detectors = [name.strip() for name in re.findall(r".{16}", header[14:])]
    cells = lambda line: [f"{lost} / {kept}" for lost, kept in re.findall(r"([\d.]+) / *([\d.]+)", line[14:])]
    table = markdown(["condition", *detectors], [[line[:14].strip(), *cells(line)] for line in lines])
    return f"{clips.split()[0]} clips.\n\n" + table


TABLES = {"robustness": robustness, "fading": fading, "quality": quality, "speech-activity": speech_activity}
