"""Tables of what the commands find: check on the fixtures, scan and groups over a library, locate in long recordings."""
import json
import random
import shutil
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
from degrade import RATE, samples, write

from .run import HALVES, NAMES, ROOT, count, log10_lr, markdown

VOICES = {
    "nsh/real": "the reference's own five clips, each also in the reference",
    "nsh/tts": "the synthetic voice built from that speaker, other sentences",
    "carlo/real": "an Italian speaker",
    "ivrvoice/real": "a Russian woman",
    "rms/tts": "synthetic, American man",
    "librivox/real": "an English reader",
    "kal16/tts": "synthetic, American man",
    "heart/tts": "synthetic, American woman",
    "slt/tts": "synthetic, American woman",
    "awb/tts": "synthetic, Scottish man",
}
REFERENCE = ROOT / "fixtures/voices/nsh/real"
# Ten adults of dev-test, five men and five women.
STRANGERS = ("0461", "0765", "0981", "1030", "1037", "0024", "0120", "0157", "0306", "0457")


def checked(run, condition, *paths):
    return run.json("check", "--calibration", run.calibration(condition), "--reference", REFERENCE, *paths)["candidates"]


def ends(values, write_):
    """The highest and the lowest of a voice's clips."""
    return ", ".join(write_(value) for value in (max(values), min(values)))


def fixtures(run):
    """README.md: the clips of the fixtures' voices against nsh/real."""
    voices, rows = defaultdict(list), []
    for clip in checked(run, "real-synthetic", ROOT / "fixtures/voices"):
        voices["/".join(Path(clip["path"]).parts[-3:-1])].append(clip)
    if set(voices) != set(VOICES):
        raise SystemExit(f"tools/accuracy/libraries.py describes other voices than there are: {set(voices) ^ set(VOICES)}")
    for name in VOICES:
        clips = voices[name]
        cosines = [ends([c["scores"][e]["cosine"] for c in clips], "{:.3f}".format) for e in NAMES]
        likeness = ends([c["likeness"]["percentile"] for c in clips], "{:.0f}".format)
        if all(clip["evidence"] for clip in clips):
            ratio = ends([c["evidence"]["log10_lr"] for c in clips], log10_lr)
        else:
            ratio = "none: in the reference" if all(c["in_reference"] for c in clips) else "not on all clips"
        cells = [*cosines, likeness, ratio]
        bold = (lambda x: f"**{x}**") if name == "nsh/tts" else str
        rows.append((max(c["scores"]["campplus"]["cosine"] for c in clips), [bold(name), VOICES[name], *map(bold, cells)]))
    header = ["voice", "what it is", *NAMES.values(), "likeness, %", "log10 LR"]
    return markdown(header, [row for _, row in sorted(rows, reverse=True)])


def strangers(run):
    """The fixture pair and the first clips of ten unrelated adults."""
    clips = {r["speaker"]: r for r in reversed(run.rows) if r["split"] == "dev-test" and r["speaker"] in STRANGERS}
    paths = [str(run.data / clips[name]["path"]) for name in STRANGERS]
    pair = sorted(map(str, (ROOT / "fixtures/voices/nsh/tts").glob("*.wav")))
    found = {c: {x["path"]: x for x in checked(run, c, *pair, *paths)} for c in ("real-synthetic", "real-real")}
    ratios = lambda path: [ratio(found[condition][path]) for condition in found]
    rows = []
    for path in pair + paths:
        clip = found["real-synthetic"][path]
        row = next((clips[name] for name in STRANGERS if str(run.data / clips[name]["path"]) == path), None)
        name = [row["speaker"], row["sex"]] if row else [f"nsh/tts/{Path(path).stem}, the synthetic voice", "m"]
        score = f"{clip['scores']['campplus']['cosine']:.2f}"
        rows.append([*name, score, f"{clip['likeness']['percentile']:.0f}", *ratios(path)])
    return markdown(["voice", "sex", "CAM++", "likeness, %", "log10 LR, real-synthetic", "log10 LR, real-real"], rows)


def ratio(clip):
    """Within the bounds, with the ratio before them where they cut it."""
    evidence = clip["evidence"]
    if not evidence:
        return "none"
    plain, before = log10_lr(evidence["log10_lr"]), log10_lr(evidence["unbounded_log10_lr"])
    return plain if plain == before else f"{plain} ({before} before the bounds)"


class Library:
    """The labelled data as a library, and the voices of one half of the clone sets as protected voices."""

    def __init__(self, run):
        self.run, self.index = run, run.folder / "data.lib"
        if not self.index.exists():
            run.text("index", run.data, "-o", self.index)
        self.rows = {str(run.data / row["path"]): row for row in run.rows}

    def protected(self, half):
        """A folder with a folder for each voice of the half that modern systems imitated: its real clips."""
        folder, chosen = self.run.folder / f"protected-{half}", defaultdict(list)
        mine = [row for row in self.run.rows if row["split"] in HALVES[half]]
        imitated = {row["speaker"] for row in mine if row["condition"] == "modern"}
        for row in mine:
            if row["kind"] == "real" and row["speaker"] in imitated:
                chosen[row["speaker"]].append(row["path"])
        for voice, paths in chosen.items():
            (folder / voice).mkdir(parents=True, exist_ok=True)
            for path in paths:
                shutil.copyfile(self.run.data / path, folder / voice / path.replace("/", "_"))
        return folder, sorted(chosen)

    def scan(self, half, calibration, *words):
        """The lines of a scan: each voice with its hits."""
        folder, _ = self.protected(half)
        words = ["--reference-set", folder, "--calibration", self.run.calibration(calibration), *words]
        text = self.run.text("scan", *words, "--format", "jsonl", self.index, codes=(0, 1, 3))
        return [line for line in map(json.loads, text.splitlines()) if line["record"] == "voice"]

    def label(self, voice, path):
        """What a clip is to a protected voice: its condition where it imitates the voice, own, or other."""
        row = self.rows[path]
        if row["corpus"] != "clones" or row["speaker"] != voice:
            return "other"
        return row["condition"] or "own"

    def imitations(self, voices):
        """The clips that imitate one of the voices, by condition."""
        return Counter(r["condition"] for r in self.run.rows if r["speaker"] in voices and r["condition"])


OTHER_HALF = {"a": "fit-b", "b": "fit-a"}


def scan(run):
    """Every clip of the data as a library, voices of one half as protected ones."""
    library, rows = Library(run), []
    for half in HALVES:
        _, voices = library.protected(half)
        there = library.imitations(set(voices))
        fits = [(OTHER_HALF[half], "the other half's", limit) for limit in (1.5, 1)]
        for calibration, name, limit in [*fits, ("real-synthetic", "in the program", 2)]:
            found, modelled, at_most, hit = Counter(), 0.0, 0.0, 0
            for line in library.scan(half, calibration, "--above", f"log10_lr={limit}"):
                kinds = Counter(library.label(line["voice"], h["path"]) for h in line["hits"] if h["flagged"])
                found += kinds
                hit += kinds["modern"] > 0
                modelled += line["false_alarms"]["modelled"] or 0.0
                at_most += line["false_alarms"]["at_most"] or 0.0
            right = found["modern"] + found["older"] + found["dropped"] + found["own"]
            precision = f"{right / (right + found['other']):.2f}" if right + found["other"] else "-"
            row = [f"{len(voices)} of {' + '.join(HALVES[half])}", name, f"log10 LR {limit}"]
            row += [f"{found[kind]} of {there[kind]}" for kind in ("modern", "older", "dropped")]
            row += [found["other"], precision, f"{found['modern'] / there['modern']:.2f}", f"{hit} of {len(voices)}"]
            rows.append([*row, f"{count(round(modelled))}, {count(round(at_most))}"])
    header = ["protected voices", "calibration", "threshold", "found: modern imitations", "older ones", "from before 2020", "false"]
    header += ["precision", "recall, modern", "voices with one found", "false alarms expected: model, at most"]
    return markdown(header, rows)


def average_precision(scored):
    """Area under precision against recall of (score, right) pairs; equal scores count as one step."""
    total = sum(right for _, right in scored)
    area, seen, hits, tied = 0.0, 0, 0, defaultdict(lambda: [0, 0])
    for score, right in scored:
        tied[score][right] += 1
    for score in sorted(tied, reverse=True):
        wrong, right = tied[score]
        seen, hits = seen + wrong + right, hits + right
        area += right / total * hits / seen
    return area


def ranking(run):
    """Average precision of each score over all protected voices and clips together; modern imitations are right."""
    library, rows = Library(run), []
    for half in HALVES:
        scored = defaultdict(list)
        for line in library.scan(half, OTHER_HALF[half], "--top", "all", "--by", "log10_lr"):
            for hit in line["hits"]:
                label = library.label(line["voice"], hit["path"])
                # Older imitations and further recordings of the voice are neither right nor wrong.
                if hit["log10_lr"] is not None and label in ("modern", "other"):
                    scored["ratio"].append((hit["unbounded_log10_lr"], label == "modern"))
                    for encoder, cosine in hit["cosines"].items():
                        scored[encoder].append((cosine, label == "modern"))
        _, voices = library.protected(half)
        cells = [f"{average_precision(scored[name]):.2f}" for name in (*NAMES, "ratio")]
        rows.append([f"{len(voices)} of {' + '.join(HALVES[half])}", *cells])
    return markdown(["protected voices", *NAMES.values(), "ratio"], rows)


FILM_VOICES, FILM_S, PAUSE_S = 5, 420.0, (0.3, 0.8)


def films(run):
    """Recordings of seven minutes: clones of one voice of dev-b or dev-d by modern systems, among other clips.

    For each its file, the voice's real clips, and where each clip is: start, end in seconds, and whether it is a clone of
    the voice."""
    clones = [row for row in run.rows if row["split"] in HALVES["b"]]
    of = defaultdict(list)
    for row in clones:
        if row["condition"] == "modern":
            of[row["speaker"]].append(row["path"])
    real = defaultdict(list)
    for row in clones:
        if row["kind"] == "real":
            real[row["speaker"]].append(row["path"])
    # The voices with the most clones that have at least three recordings of their own.
    voices = sorted((v for v in of if len(real[v]) >= 3), key=lambda v: (-len(of[v]), v))[:FILM_VOICES]
    others = [r for r in run.rows if r["corpus"] in ("librispeech_singles", "tts") or r in clones]
    for number, voice in enumerate(voices):
        draw = random.Random(number)
        mine = draw.sample(sorted(of[voice]), min(len(of[voice]), 16))
        rest = draw.sample(sorted(r["path"] for r in others if r["speaker"] != voice), 400)
        parts, places, at, rest_ = [], [], 0.0, iter(rest)
        while at < FILM_S:
            own = bool(mine) and draw.random() < 0.2
            x = samples(run.data / (mine.pop() if own else next(rest_)))
            x *= 0.05 * 32768 / max(np.sqrt(np.mean(x * x)), 1.0)
            pause = np.zeros(int(RATE * draw.uniform(*PAUSE_S)))
            parts += [x, pause]
            places.append((at, at + len(x) / RATE, own))
            at += (len(x) + len(pause)) / RATE
        path = run.folder / f"film-{number}.wav"
        write(path, np.concatenate(parts))
        yield path, [run.data / p for p in real[voice]], places


def overlap(ranges, places):
    """Seconds of the places that are within the ranges."""
    return sum(max(0.0, min(end, r_end) - max(start, r_start)) for start, end in places for r_start, r_end in ranges)


def locate(run):
    """Where a voice is found in long recordings."""
    limits, composed = ("log10_lr=1", "log10_lr=0.5", "log10_lr=0", "campplus=0.4", "campplus=0.5"), list(films(run))
    seconds = sum(end - start for _, _, places in composed for start, end, own in places if own)
    rows = []
    for limit in limits:
        hit, false, number, wholly, recalls = 0.0, 0.0, 0, 0, []
        for path, references, places in composed:
            words = [word for reference in references for word in ("--reference", reference)]
            words += ["--calibration", run.calibration("fit-a"), "--above", limit]
            found = run.json("locate", *words, path)["recordings"][0]["ranges"]
            ranges = [(r["start_s"], r["end_s"]) for r in found]
            own = [place[:2] for place in places if place[2]]
            other = [place[:2] for place in places if not place[2]]
            here = overlap(ranges, own)
            hit, false = hit + here, false + overlap(ranges, other)
            recalls.append(here / sum(end - start for start, end in own))
            number += len(ranges)
            wholly += sum(overlap([r], own) == 0 for r in ranges)
        precision = f"{hit / (hit + false):.2f}" if hit + false else "-"
        spread = f"{min(recalls):.2f} to {max(recalls):.2f}"
        rows.append([limit, precision, f"{hit / seconds:.2f}", spread, f"{number}, {wholly}"])
    header = ["`--above`", "precision", "recall", "recall of the five voices", "ranges, wholly false ones"]
    return f"{seconds:.0f} s of clones in all.\n\n" + markdown(header, rows)


LIMITS = [("campplus", 0.4), ("campplus", 0.5), ("campplus", 0.6), ("campplus", 0.7), ("mfcc_lda", 0.6), ("mfcc_lda", 0.7)]


def groups(run):
    """Voices of the data that come into one group; a voice is a speaker by one system."""
    lines, identities = [], {}
    for row in run.rows:
        voice = "/".join([row["set"], row["speaker"], row["system"] or "real"])
        identities[f"{row['set']}/{voice}"] = (row["corpus"], row["speaker"])
        lines.append({"path": row["path"], "corpus": row["set"], "speaker": voice, "kind": row["kind"]})
    manifest, index = run.write_labels("voices.tsv", lines), run.folder / "voices.lib"
    run.text("index", manifest, "--root", run.data, "-o", index)
    pairs = sum(n * (n - 1) // 2 for n in Counter(identities.values()).values())
    rows = []
    for encoder, limit in LIMITS:
        found = run.json("groups", "--above", f"{encoder}={limit}", index)
        same = different = 0
        for group in found["groups"]:
            members = [identities[member["voice"]] for member in group["members"]]
            together = sum(n * (n - 1) // 2 for n in Counter(members).values())
            same, different = same + together, different + len(members) * (len(members) - 1) // 2 - together
        chance = f"{round(found['by_chance']['expected'])} of {count(found['pairs'])}"
        name = f"{NAMES[encoder]} {limit}"
        name = f"**{name}** (the default)" if (encoder, limit) == ("campplus", 0.6) else name
        row = [name, count(same), count(different)]
        precision = f"{same / (same + different):.2f}" if same + different else "-"
        rows.append([*row, precision, f"{same / pairs:.2f}", chance])
    header = ["threshold", "of one identity", "of two", "precision", "recall", "pairs at the threshold by chance, and found"]
    words = f"{count(len(identities))} voices, {count(pairs)} pairs of which have one identity.\n\n"
    return words + markdown(header, rows)


TABLES = {
    "fixture-voices": fixtures,
    "strangers": strangers,
    "scan": scan,
    "ranking": ranking,
    "locate": locate,
    "groups": groups,
}
