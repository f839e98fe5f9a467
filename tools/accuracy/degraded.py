"""Tables of what degraded, short and few recordings do, and of what quality and speech detection measure."""
import json
import re
import subprocess
from collections import defaultdict

import degrade
import quality_figures

from .run import NAMES, ROOT, count, estimate, markdown, percent, trials

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
        self.voices = sorted(v for v in self.real if self.clones[v])
        self.paths = [row["path"] for voice in self.voices for row in self.clones[voice]]

    def copies(self, name):
        if name == "clean":
            return {path: self.run.data / path for path in self.paths}
        return degrade.copies(name, self.run.data, self.paths, self.run.folder / "clones")

    def ratios(self, of, references):
        """log10 LR, before and within the bounds, of each clone against its own voice, by its path; only what `check`
        judges."""
        found = {}
        for voice in self.voices:
            heard = [self.run.data / row["path"] for row in self.real[voice]][:references]
            words = [word for path in heard for word in ("--reference", path)]
            clips = {str(of[row["path"]]): row["path"] for row in self.clones[voice]}
            calibration = self.run.calibration("real-synthetic")
            text = self.run.text("check", "--calibration", calibration, *words, *clips, "--json")
            for candidate in json.loads(text)["candidates"]:
                evidence = candidate["evidence"]
                if evidence:
                    found[clips[candidate["path"]]] = (evidence["unbounded_log10_lr"], evidence["log10_lr"])
        return found

    def rates(self, name, of, enrol):
        """Figures over all pairs of a voice and a clone, also those that `check` refuses."""
        lines = []
        for row in (row for voice in self.voices for row in [*self.real[voice], *self.clones[voice]]):
            path = of.get(row["path"], self.run.data / row["path"])
            lines.append({key: row[key] for key in ("speaker", "kind", "corpus")} | {"path": str(path)})
        manifest = self.run.write_labels(f"clones-{name}.tsv", lines)
        words = ["--manifest", manifest, "--root", "/", "--pairs", "real-synthetic", "--enrol", enrol]
        return self.run.evaluate(*words, condition="real-synthetic")


# Name of the copies, number of reference clips (None for all), title. Each block starts with the most evidence.
FADING = [
    [("clean", None, "reference of all clips, clone as it is"), ("clean", 3, "reference of three clips"), ("clean", 1, "of one clip")],
    [("clean", None, "clone as it is"), ("cut-3s", None, "cut to 3 s"), ("cut-2s", None, "cut to 2 s"), ("cut-1.4s", None, "cut to 1.4 s")],
    [("clean", None, "clone as it is"), *((f"noise-{n}dB", None, f"white noise {n} dB") for n in (20, 10, 0))],
    [("clean", None, "clone as it is"), *((f"room-{s}s", None, f"room, {s} s") for s in ("0.3", "0.6", "1.0"))],
]


def fading(run):
    """Clones with less and less evidence: the mean log10 LR of true pairs, and the error rates."""
    clones, ratios, rates, tables = Clones(run), {}, {}, []
    for block in FADING:
        rows, first = [], None
        for name, references, title in block:
            key, of = (name, references), clones.copies(name)
            if key not in ratios:
                ratios[key] = clones.ratios(of, references)
                rates[key] = clones.rates(name, of, str(references or "all"))
            first = first or ratios[key]
            both = sorted(set(first) & set(ratios[key]))
            mean = lambda found, which: log10_lr(sum(found[path][which] for path in both) / len(both)) if both else "-"
            fusion = rates[key]["fusion"]
            row = [title, f"{len(both)} of {len(first)}", mean(first, 0), mean(ratios[key], 0), mean(ratios[key], 1)]
            row += [trials(rates[key]["trials"]), percent(fusion["eer"]), estimate(fusion["cllr"], 3)]
            rows.append([*row, estimate(fusion["cllr_min"], 3)])
        header = ["evidence", "clones judged", "mean log10 LR of these with most evidence", "with this", "within the bounds"]
        tables.append(markdown([*header, "trials of one / two voices", "EER %", "Cllr", "Cllr_min"], rows))
    return "\n\n".join(tables)


def log10_lr(value):
    return f"{value:+.2f}"


def quality(run):
    """The signal-to-noise ratio against known noise, and the narrow band against a telephone channel."""
    return quality_figures.table(run.data, run.program, run.folder)


def speech_activity(run):
    """Lost speech and kept silence of the speech detector and its rival."""
    program = ROOT / "target/release/examples/speech_detection"
    if not program.exists():
        raise SystemExit(f"{program} is missing: cargo build --release --example speech_detection")
    printed = subprocess.run([program, run.data], capture_output=True, text=True, check=True).stdout
    clips, header, *lines = printed.splitlines()
    detectors = [name.strip() for name in re.findall(r".{16}", header[14:])]
    rows = [[line[:14].strip(), *re.sub(r" */ *", " / ", line[14:]).replace(" / ", "/").split()] for line in lines]
    table = [[name, *(cell.replace("/", " / ") for cell in cells)] for name, *cells in rows]
    return f"{count(int(clips.split()[0]))} clips.\n\n" + markdown(["condition", *detectors], table)


TABLES = {"robustness": robustness, "fading": fading, "quality": quality, "speech-activity": speech_activity}
