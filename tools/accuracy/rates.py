"""Tables of error rates: groups left out, halves, sets that were never fitted, and encoders."""
import json
import math

from .run import CONDITIONS, HALVES, NAMES, RATIO_READS, estimate, markdown, percent, trials

# The product's own bar: points by which the ratio's EER may exceed the better encoder's, and Cllr its least value.
EER_BAR, CLLR_BAR = 0.001, 0.05


def calibration(run, condition):
    return json.loads(run.calibration(condition).read_text(encoding="utf-8"))


def misses(rates):
    """The bars that a group misses, with an interval that excludes chance."""
    worse, loss = rates["against_best"], rates["calibration_loss"]
    found = []
    if worse["point"] > EER_BAR and (worse["low"] or 0) > 0:
        found.append("**EER**")
    if loss["point"] > CLLR_BAR and (loss["low"] or 0) > CLLR_BAR:
        found.append("**Cllr**")
    return " ".join(found)


def group_row(group):
    start = [group.get("name", group["value"]), group["speakers"], trials(group)]
    rates = group["rates"]
    if not (group["judged"] and rates):
        return [*start, "too few trials of one voice", "", "", "", "", ""]
    best = f"{NAMES[rates['best']]} {rates['encoders'][rates['best']]['point'] * 100:.2f}"
    cllr = [estimate(rates[name], 3) for name in ("cllr", "cllr_min")]
    return [*start, percent(rates["eer"]), best, percent(rates["against_best"]), *cllr, misses(rates)]


def groups(condition, band, column):
    """The groups of one column, one by one, with the mean over those that are judged."""

    def table(run):
        found = [g for g in calibration(run, condition)[band]["groups"] if g["column"] == column]
        if not found:
            raise SystemExit(f"{run.calibration(condition)} has no groups of {column}: fit it with tools/refit models")
        pooled = found[0]["pooled"]
        for group in found[0]["groups"]:
            if pooled and group["value"] == "other":
                group["name"] = pooled[0] if len(pooled) == 1 else f"the {len(pooled)} smaller ones together"
        rows = [group_row(group) for group in found[0]["groups"]]
        means = found[0]["means"]
        if means:
            encoders = ", ".join(f"{NAMES[e]} {100 * x:.2f}" for e, x in means["encoders"].items())
            eer, cllr, least = f"{100 * means['eer']:.2f}", f"{means['cllr']:.3f}", f"{means['cllr_min']:.3f}"
            rows.append([f"**mean of {means['groups']}**", "", "", f"**{eer}**", encoders, "", cllr, least, ""])
        header = [f"{column} left out", "voices", "trials of one / two voices", "EER %, ratio"]
        header += ["EER %, better encoder", "difference, points", "Cllr", "Cllr_min", "misses"]
        return markdown(header, rows)

    return table


def summary(run):
    """A line for each calibration, band and column."""
    rows = []
    for condition in CONDITIONS:
        fit = calibration(run, condition)
        for band in ("wide", "narrow"):
            for found in fit[band]["groups"]:
                means = found["means"]
                judged = [g for g in found["groups"] if g["judged"] and g["rates"]]
                missed = [f"{g['value']} {misses(g['rates'])}" for g in judged if misses(g["rates"])]
                encoders = [f"{100 * x:.2f}" for x in means["encoders"].values()]
                worst = f"{100 * means['worst_eer']:.2f} ({means['worst']})"
                row = [condition, band, found["column"], means["groups"], f"**{100 * means['eer']:.2f}**", *encoders]
                row += [worst, f"{means['cllr']:.3f}", f"{means['cllr_min']:.3f}", f"{found['misleading']:.2f}"]
                rows.append([*row, f"{len(missed)}: {', '.join(missed)}" if missed else "0"])
    header = ["calibration", "band", "left out by", "groups", "EER %, ratio", "GE2E", "CAM++", "greatest EER %"]
    return markdown([*header, "Cllr", "Cllr_min", "misleading", "groups that miss"], rows)


def cross_validation(run):
    """Speakers left out, bounds, and what misleads."""
    rows = []
    for condition in CONDITIONS:
        fit = calibration(run, condition)
        for band in ("wide", "narrow"):
            part = fit[band]
            bounded, bounds, ratios = part["validation"]["bounded"], part["fusion"]["bounds"], part["ratios"]
            ends = [f"{bounds[end] / math.log(10):+.2f}" for end in ("lower", "upper")]
            row = [condition, band, part["trials"]["speakers"], trials(part["trials"])]
            row += [f"{100 * bounded['eer']:.2f}", f"{bounded['cllr']:.3f}", f"{bounded['cllr_min']:.3f}"]
            row += [estimate(part["rates"]["cllr"], 3), " to ".join(ends)]
            rows.append(row + [f"{100 * ratios[kind + '_misleading']:.1f}" for kind in ("target", "non_target")])
    header = ["calibration", "band", "voices", "trials of one / two voices", "speakers left out: EER %"]
    header += ["Cllr", "Cllr_min", "groups left out: Cllr as used", "bounds, log10 LR"]
    header += ["one voice, ratio under 1, %", "two voices, ratio over 1, %"]
    return markdown(header, rows)


def fused(result):
    """EER of the ratio and its difference from the best encoder, Cllr, Cllr_min."""
    fusion, against = result["fusion"], result["against_best"]
    difference = f"{percent(against['eer'])} {NAMES[against['encoder']]}"
    return [percent(fusion["eer"]), difference, estimate(fusion["cllr"], 3), estimate(fusion["cllr_min"], 3)]


def encoders(result, digits=2):
    return [percent(result["encoders"][name]["eer"], digits) for name in NAMES]


UNSEEN = [
    ("speechocean762, the half dev-test: Mandarin-accented English", ["--split", "dev-test"], "real-real"),
    ("ivr_india: 41 Indian callers, telephone", ["--split", "test-only", "--where", "corpus=ivr_india"], "real-real"),
    ("urdu_talk: Urdu talk shows", ["--split", "test-only", "--where", "corpus=urdu_talk"], "real-real"),
    ("ravdess: actors, four emotions", ["--split", "test-only", "--where", "corpus=ravdess"], "real-real"),
    ("korean_rooms: two women, three rooms", ["--split", "test-only", "--where", "corpus=korean_rooms"], "real-real"),
    (
        "nsh, Russian, and the voice built from him",
        ["--where", "corpus=nsh|tts", "--pairs", "real-synthetic"],
        "real-synthetic",
    ),
]


def unseen(run):
    """Sets that no calibration was fitted to."""
    rows = []
    for name, words, condition in UNSEEN:
        result = run.evaluate(*run.manifest, *words, condition=condition)
        outside = 100 * result["trials"]["out_of_range"] / sum(result["trials"][k] for k in ("target", "non_target"))
        voices = [result["speakers"], trials(result["trials"])]
        rows.append([name, *voices, *encoders(result), *fused(result), f"{outside:.0f}"])
    header = ["set", "voices", "trials of one / two voices", *[f"EER %, {name}" for name in NAMES.values()]]
    header += ["EER %, ratio", "difference from the best encoder", "Cllr", "Cllr_min", "outside, %"]
    return markdown(header, rows)


def halves(run):
    """Fits to one half of the clone sets, tested on the voices of the other."""
    rows = []
    for fit, test in (("a", "b"), ("b", "a")):
        for enrol in ("1", "3", "all"):
            words = [word for split in HALVES[test] for word in ("--split", split)]
            words += ["--where", "corpus=clones", "--where-synthetic", "condition=modern", "--pairs", "real-synthetic"]
            result = run.evaluate(*run.labelled, *words, "--enrol", enrol, "--encoder", RATIO_READS, condition=f"fit-{fit}")
            name = [" + ".join(HALVES[fit]), " + ".join(HALVES[test]), enrol, result["speakers"], trials(result["trials"])]
            rows.append([*name, *(percent(result["encoders"][e]["eer"]) for e in ("ge2e", "campplus")), *fused(result)])
    header = ["fit", "test", "reference clips", "voices", "trials of one / two voices", "EER %, GE2E", "CAM++", "ratio"]
    return markdown([*header, "difference from the best encoder", "Cllr", "Cllr_min"], rows)


CLONE_TEST = ["--where", "corpus=clones", "--pairs", "real-synthetic", "--where-synthetic"]
# Name, whether the labels of tools/labels.py are needed, options, condition of the calibration.
ENCODER_TESTS = [
    *[(name, False, words, condition) for name, words, condition in UNSEEN],
    ("clones by text-to-speech of 2022 and later", True, [*CLONE_TEST, "condition=modern"], "real-synthetic"),
    ("clones by older systems and by conversion", True, [*CLONE_TEST, "condition=older"], "real-conversion"),
    ("clones by systems before 2020, in no fit", True, [*CLONE_TEST, "condition=dropped"], "real-conversion"),
    ("real clips of the clone sets", True, ["--where", "corpus=clones"], "real-real"),
    (
        "45 synthetic voices among themselves",
        False,
        ["--where", "corpus=tts", "--pairs", "synthetic-synthetic"],
        "real-synthetic",
    ),
]


def each_encoder(run):
    """What each encoder's cosine reaches on each test, in EER and minDCF."""
    rows, costs = [], []
    for name, labelled, words, condition in ENCODER_TESTS:
        result = run.evaluate(*(run.labelled if labelled else run.manifest), *words, condition=condition)
        rows.append([name, trials(result["trials"]), *encoders(result)])
        costs.append([name, *(estimate(result["encoders"][e]["min_dcf"], 3) for e in NAMES)])
    eer = markdown(["test, EER %", "trials of one / two voices", *NAMES.values()], rows)
    return eer + "\n\n" + markdown(["test, minDCF", *NAMES.values()], costs)


def as_norm(run):
    """EER of each encoder without and with AS-norm."""
    rows = []
    tests = [("dev-test, real", run.manifest, ["--split", "dev-test"], "real-real")]
    tests.append(("clones by modern systems", run.labelled, [*CLONE_TEST, "condition=modern"], "real-synthetic"))
    for name, source, words, condition in tests:
        result = run.evaluate(*source, *words, "--as-norm", condition=condition)
        pairs = [(result["encoders"][e]["eer"], result["as_norm"][e]["eer"]) for e in NAMES]
        rows.append([name, *(f"{100 * plain['point']:.2f}, {100 * normed['point']:.2f}" for plain, normed in pairs)])
    return markdown(["test", *NAMES.values()], rows)


TABLES = {
    "summary": summary,
    "cross-validation": cross_validation,
    "unseen": unseen,
    "halves": halves,
    "encoders": each_encoder,
    "as-norm": as_norm,
}
COLUMNS = {"real-synthetic": ("page", "system"), "real-conversion": ("page", "system"), "real-real": ("set",)}
for _condition, _columns in COLUMNS.items():
    for _band in ("wide", "narrow"):
        for _column in _columns:
            TABLES[f"{_condition}-{_band}-{_column}"] = groups(_condition, _band, _column)
