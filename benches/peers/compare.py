"""Runs soundalike and its peers by turns and prints medians of paired ratios; started by ../compare.sh.
   compare.py RELEASE_FOLDER [ROUNDS] [mfcc|full|threads|resample|cold|memory|long|campplus|ge2e|networks|index|search|library ...]

   A peer's pass stands between two of ours and is divided by their mean, so that a neighbour's load falls on both. `wall`
   is the clock; `cpu` is processor time, which a busy machine distorts less. What was measured is set beside its target
   at the end.
"""
import json, os, re, shutil, statistics, subprocess, sys, tempfile, time
from pathlib import Path

RELEASE, PEERS, HERE = Path(sys.argv[1]), Path(os.environ["PEERS"]), Path(__file__).parent
ROUNDS = int(sys.argv[2]) if len(sys.argv) > 2 else 5
PARTS = sys.argv[3:] or ["mfcc", "full", "threads", "resample", "cold", "memory", "long", "campplus", "ge2e", "networks", "index", "search", "library"]
A, B = PEERS / "corpus/A", PEERS / "corpus/B"
TORCH = str(PEERS / "venv-torch/bin/python")
PYTHON, SOUNDALIKE = str(PEERS / "venv/bin/python"), str(RELEASE / "soundalike")
CLIPS = [str(A / "spk00_00.wav"), str(A / "spk00_01.wav")]
# What is measured, what it must be, what is aimed at, and whether more is better. Memory is beside the networks' weights.
TARGETS = [
    ("file to MFCC, times librosa", 5, 8, True),
    ("file to MFCC, times kaldi-native-fbank", 20, 30, True),
    ("file to MFCC, times real time", 13_000, 20_000, True),
    ("CAM++ on 10 s, times onnxruntime", 1, 1.3, True),
    ("two threads, times one, all encoders", 1.8, 1.95, True),
    ("two threads, times one, MFCC", 1.8, 1.95, True),
    ("cold check of two clips, MFCC alone, ms", 20, 5, False),
    ("cold check of two clips, all encoders, ms", 300, 150, False),
    ("top 10 of a million, Q=1, times faiss", 1, 2, True),
    ("top 10 of a million, Q=10, times faiss", 1, None, True),
    ("top 10 of a million, Q=100, times faiss", 1, None, True),
    ("44.1 to 16 kHz, times soxr HQ", 1, 1.3, True),
    ("peak memory, one hour, MFCC alone, MiB", 64, 24, False),
    ("peak memory, one hour, all encoders, MiB beside the weights", 64, 24, False),
]
MEASURED = {}
# MiB of the networks' weights, in the program file in half precision and in memory in single.
WEIGHTS = 3 * sum((HERE.parent.parent / f"models/{name}.safetensors").stat().st_size for name in ("ge2e", "campplus")) / 2**20


def spent(command, **options):
    """Wall and processor seconds of a process, and what it printed."""
    start = time.perf_counter()
    with tempfile.TemporaryFile("w+") as out:
        process = subprocess.Popen(list(map(str, command)), stdout=out, **options)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        wall = time.perf_counter() - start
        if process.returncode:
            raise SystemExit(f"{command}: status {process.returncode}")
        out.seek(0)
        return wall, usage.ru_utime + usage.ru_stime, out.read()


def ours(folder, threads=1, mode="plain", passes=3):
    """Median wall seconds of a pass, and processor seconds of a pass with the start of the process in them."""
    _, cpu, text = spent([RELEASE / "examples/mfcc_mean", folder, threads, passes, mode])
    return float(re.search(r"med ([0-9.]+)", text)[1]), cpu / (passes + 1)


def peer(script, *arguments, python=PYTHON):
    """Wall and processor seconds of a peer's pass; imports and a first clip come before its clock."""
    with tempfile.NamedTemporaryFile("r") as results:
        spent([python, HERE / script, *arguments, "--reps", 1], env={**os.environ, "PERF_RESULTS": results.name})
        row = json.loads(Path(results.name).read_text().splitlines()[-1])
    return row["med"], row["cpu_med"] or row["med"]


def shown(values):
    return f"{statistics.median(values):6.3g}  ({min(values):.3g} to {max(values):.3g})"


def row(name, pairs):
    """pairs: (ours before, theirs, ours after), each (wall, cpu)."""
    ratios = [[2 * t[i] / (a[i] + b[i]) for a, t, b in pairs] for i in (0, 1)]
    print(f"{name:44} wall {shown(ratios[0])}   cpu {shown(ratios[1])}", flush=True)


def rounds(title, own, peers, count=ROUNDS):
    """Goes through the peers by turns; own is called between any two of them."""
    print(f"\n{title}: times as fast, median of {count} pairs (least to most)")
    pairs, mine = {name: [] for name in peers}, []
    for _ in range(count):
        mine.append(own())
        for name, run in peers.items():
            theirs, before = run(), mine[-1]
            mine.append(own())
            pairs[name].append((before, theirs, mine[-1]))
    for name, triples in pairs.items():
        row(name, triples)
    walls, cpus = zip(*mine)
    print(f"{'soundalike itself, s':44} wall {shown(walls)}   cpu {shown(cpus)}", flush=True)
    return {name: [2 * theirs[0] / (before[0] + after[0]) for before, theirs, after in pairs[name]] for name in peers}, walls


def targets():
    """A row for each target, with what was measured in this run."""
    print("\n| what | must | aim | here | |\n|---|---|---|---|---|")
    for what, must, aim, more in TARGETS:
        if what not in MEASURED:
            continue
        values = MEASURED[what]
        median = statistics.median(values)
        reached = lambda limit: limit is not None and (median >= limit if more else median <= limit)
        word = "aim" if reached(aim) else "must" if reached(must) else "missed"
        print(f"| {what} | {must} | {'' if aim is None else aim} | {shown(values).strip()} | {word} |", flush=True)


def mfcc():
    seconds = 10.0 * len(list(A.glob("*.wav")))
    peers = {
        "librosa": lambda: peer("bench_mfcc.py", "--peer", "librosa"),
        "kaldi-native-fbank": lambda: peer("bench_mfcc.py", "--peer", "knf"),
        "kaldi-native-fbank, frames left in C++": lambda: peer("bench_mfcc.py", "--peer", "knf_native"),
    }
    ratios, walls = rounds(f"file to mean of MFCC 13 of 26, {seconds:.0f} s in 10 s clips, one thread", lambda: ours(A), peers)
    for name in ("librosa", "kaldi-native-fbank"):
        MEASURED[f"file to MFCC, times {name}"] = ratios[name]
    MEASURED["file to MFCC, times real time"] = [seconds / wall for wall in walls]


def full():
    peers = {
        "librosa": lambda: peer("bench_mfcc.py", "--peer", "librosa"),
        "kaldi-native-fbank": lambda: peer("bench_mfcc.py", "--peer", "knf"),
    }
    rounds("the whole pass of check against the peers' MFCC alone", lambda: ours(A, mode="full", passes=1), peers)


def at_once(mode, passes):
    """Seconds a corpus where two processes of one thread go through it at the same time: what the machine itself gives."""
    command = [str(RELEASE / "examples/mfcc_mean"), str(A), "1", str(passes), mode]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    wall = max(float(re.search(r"med ([0-9.]+)", process.communicate()[0])[1]) for process in both)
    return wall / 2


def threads():
    for mode, passes in (("plain", 3), ("full", 1)):
        print(f"\n{mode}, one thread and two, median of {ROUNDS} rounds (least to most)")
        speedup, control, busy = [], [], []
        for _ in range(ROUNDS):
            before, two, apart, after = ours(A, 1, mode, passes), ours(A, 2, mode, passes), at_once(mode, passes), ours(A, 1, mode, passes)
            one = (before[0] + after[0]) / 2
            speedup.append(one / two[0])
            control.append(one / apart)
            busy.append(two[1] / ((before[1] + after[1]) / 2))
        print(f"{'two threads: times as fast':44} {shown(speedup)}")
        print(f"{'two processes at once: times as fast':44} {shown(control)}")
        print(f"{'processor time, two threads by one':44} {shown(busy)}", flush=True)
        if mode == "plain":
            MEASURED["two threads, times one, MFCC"] = speedup


def resample():
    peers = {"soundfile + soxr HQ, streaming": lambda: peer("bench_resample.py", "--peer", "soxr-stream")}
    ratios, _ = rounds("one hour 44.1 kHz stereo to 16 kHz mono", lambda: ours(B, mode="read", passes=1), peers)
    MEASURED["44.1 to 16 kHz, times soxr HQ"] = ratios["soundfile + soxr HQ, streaming"]


def median_of(command, pattern, scale=1.0):
    """The median that a program prints of its own runs, in seconds, once as wall and once as processor time."""
    seconds = float(re.search(pattern, spent(command)[2])[1]) * scale
    return seconds, seconds


def networks_pass(encoders, threads, clips):
    command = [RELEASE / "examples/network_speed", encoders, A, threads, clips]
    wall, cpu, text = spent(command)
    return float(re.search(r"med ([0-9.]+)", text)[1]), cpu


def campplus():
    for frames in (298, 998):
        own = lambda: median_of([RELEASE / "examples/network_speed", "campplus", frames], r"median ([0-9.]+)", 1e-3)
        script = [TORCH, HERE / "bench_campplus.py", PEERS / "campplus.onnx", 1, frames]
        peers = {"onnxruntime": lambda: median_of(script, r"median ([0-9.]+)", 1e-3)}
        ratios, _ = rounds(f"CAM++ on {frames} frames in memory, one thread", own, peers)
        MEASURED["CAM++ on 10 s, times onnxruntime"] = ratios["onnxruntime"]


def ge2e():
    clips = 50
    peers = {
        f"Resemblyzer, {backend}": lambda backend=backend: peer(
            "bench_resemblyzer.py", "--stage", "e2e", "--backend", backend, "--clips", clips, python=TORCH)
        for backend in ("torch", "onnx")
    }
    rounds(f"file to GE2E embedding, {clips} clips of 10 s, one thread", lambda: networks_pass("ge2e", 1, clips), peers)


def networks():
    clips = 40
    print(f"\nall four encoders, {clips} clips of 10 s, one thread and two, median of {ROUNDS} rounds (least to most)")
    speedup, control, walls = [], [], []
    for _ in range(ROUNDS):
        before, two = networks_pass("all", 1, clips)[0], networks_pass("all", 2, clips)[0]
        command = [str(RELEASE / "examples/network_speed"), "all", str(A), "1", str(clips)]
        both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
        apart = max(float(re.search(r"med ([0-9.]+)", process.communicate()[0])[1]) for process in both) / 2
        after = networks_pass("all", 1, clips)[0]
        one = (before + after) / 2
        speedup.append(one / two)
        control.append(one / apart)
        walls.append(one / clips)
    MEASURED["two threads, times one, all encoders"] = speedup
    print(f"{'two threads: times as fast':44} {shown(speedup)}")
    print(f"{'two processes at once: times as fast':44} {shown(control)}")
    print(f"{'one clip of 10 s, one thread, s':44} {shown(walls)}", flush=True)


def cold():
    check = [SOUNDALIKE, "check", "--encoder", "mfcc", "--reference", *CLIPS]
    own = lambda: spent(check)[:2]
    both = rounds("check of two 10 s clips with all encoders, whole process", lambda: spent([SOUNDALIKE, "check", "--reference", *CLIPS])[:2],
                  {"the same with --encoder mfcc": own}, 4 * ROUNDS)
    MEASURED["cold check of two clips, all encoders, ms"] = [1000 * wall for wall in both[1]]
    peers = {
        "soundalike --version": lambda: spent([SOUNDALIKE, "--version"])[:2],
        "soundfile + kaldi-native-fbank script": lambda: spent([PYTHON, HERE / "cold_knf.py", *CLIPS])[:2],
    }
    own(), [run() for run in peers.values()]
    _, walls = rounds("check of two 10 s clips with MFCC alone, whole process", own, peers, 4 * ROUNDS)
    MEASURED["cold check of two clips, MFCC alone, ms"] = [1000 * wall for wall in walls]


def peak(name, *arguments):
    """Peak memory from GNU time: a child of Python would be charged with Python's own."""
    with tempfile.NamedTemporaryFile("r") as report:
        command = ["/usr/bin/time", "-f", "%e %U %S %M", "-o", report.name, SOUNDALIKE, *arguments]
        status = subprocess.run(list(map(str, command)), stdout=subprocess.DEVNULL).returncode
        wall, user, system, kib = Path(report.name).read_text().splitlines()[-1].split()
    if status:
        raise SystemExit(f"{name}: status {status}")
    print(f"{name:44} {float(wall):8.2f} s wall  {float(user) + float(system):8.2f} s cpu  {int(kib) / 1024:6.1f} MiB", flush=True)
    return float(wall), int(kib) / 1024


def memory():
    hour = B / "hour.wav"
    print("\npeak memory and time of a whole process")
    peak("inspect, 10 s, 16 kHz mono", "inspect", CLIPS[0])
    peak("check, two of 10 s, 16 kHz mono", "check", "--reference", *CLIPS)
    peak("the same, one thread", "check", "--threads", "1", "--reference", *CLIPS)
    peak("check, two of 10 s, MFCC alone", "check", "--encoder", "mfcc", "--reference", *CLIPS)
    peak("check, 10 s, 48 kHz stereo 24 bits", "check", "--reference", CLIPS[0], PEERS / "corpus/C/c00.wav")
    for command in (("inspect", hour), ("check", "--reference", CLIPS[0], hour), ("check", "--reference", hour, CLIPS[0])):
        walls = [peak(f"{command[0]}, one hour{' as reference' if command[2:] == (hour, CLIPS[0]) else ''}", *command)[0] for _ in range(3)]
        print(f"{'':44} {3600 / statistics.median(walls):8.0f} x real time")
    check = ["check", "--threads", "1", "--reference", CLIPS[0], hour]
    MEASURED["peak memory, one hour, MFCC alone, MiB"] = [peak("check, one hour, MFCC alone, one thread", *check, "--encoder", "mfcc")[1]]
    # The weights lie in the program file, of which the pages are counted, and in memory as they are computed with.
    MEASURED["peak memory, one hour, all encoders, MiB beside the weights"] = [peak("check, one hour, one thread", *check)[1] - WEIGHTS]


def long():
    """Ten hours of sound; with all encoders that takes ten times as long as the hour."""
    hour, long = B / "hour.wav", PEERS / "ten-hours.wav"
    if shutil.disk_usage(PEERS).free < 8e9:
        return print("no room for ten hours of sound")
    try:
        subprocess.run([PYTHON, HERE / "rf64.py", hour, long, "10"], check=True)
        peak("inspect, ten hours", "inspect", long)
        peak("check, ten hours", "check", "--reference", CLIPS[0], long)
        peak("check, ten hours, one thread", "check", "--threads", "1", "--reference", CLIPS[0], long)
    finally:
        long.unlink(missing_ok=True)


def indexed(clips, threads, *options):
    """Wall and processor seconds of indexing so many clips, start of the process included."""
    with tempfile.TemporaryDirectory(dir=PEERS) as folder:
        listed = Path(folder) / "list.txt"
        listed.write_text("\n".join(str(clip) for clip in sorted(A.glob("*.wav"))[:clips]))
        command = [SOUNDALIKE, "index", listed, "-o", Path(folder) / "voices.lib", "--threads", threads, "--quiet", *options]
        return spent(command)[:2]


def index():
    clips = 60
    for threads in (1, 2):
        peers = {
            f"Resemblyzer (GE2E) on {backend}": lambda backend=backend: peer(
                "bench_resemblyzer.py", "--stage", "e2e", "--backend", backend, "--clips", clips, "--procs", threads, python=TORCH)
            for backend in ("torch", "onnx")
        }
        def campplus():
            words = spent([TORCH, HERE / "bench_index.py", PEERS / "campplus.onnx", clips, threads])[2].split()
            return float(words[1]), float(words[3]) or float(words[1])
        print(f"\n{clips} clips of 10 s, {threads} thread(s) or process(es); `cpu` means nothing where a peer has several processes")
        rounds("index, GE2E alone", lambda: indexed(clips, threads, "--encoder", "ge2e"), peers)
        rounds("index, CAM++ alone", lambda: indexed(clips, threads, "--encoder", "campplus"), {"onnxruntime (CAM++)": campplus})
    walls = [[indexed(clips, threads)[0] for threads in (1, 2)] for _ in range(ROUNDS)]
    for i, threads in enumerate((1, 2)):
        print(f"{f'all four encoders, {threads} thread(s): clips a second':52} {shown([clips / w[i] for w in walls])}")
        print(f"{'seconds of sound a second':52} {shown([10 * clips / w[i] for w in walls])}")
    print(f"{'two threads: times as fast':52} {shown([a / b for a, b in walls])}", flush=True)


def search():
    """Our search and faiss (products by blocks, the fastest of three instruction sets) by turns, least seconds of each."""
    for threads in (1, 2):
        best = {}
        def take(who, count, seconds):
            best[who, count] = min(best.get((who, count), 9e9), seconds)
        for _ in range(ROUNDS):
            for core in ("auto", "Haswell", "SkylakeX"):
                for line in spent([RELEASE / "examples/search_speed", threads])[2].splitlines():
                    take("soundalike", int(re.search(r"Q=(\d+)", line)[1]), float(re.search(r"min ([0-9.]+)", line)[1]))
                with tempfile.NamedTemporaryFile("r") as results:
                    env = {**os.environ, "PERF_RESULTS": results.name, **({} if core == "auto" else {"OPENBLAS_CORETYPE": core})}
                    spent([PYTHON, HERE / "bench_score.py", "--peer", "faiss-blas", "--threads", threads], env=env)
                    for line in Path(results.name).read_text().splitlines():
                        row = json.loads(line)
                        take("faiss", int(re.search(r"Q=(\d+)", row["config"])[1]), row["min"])
        for count in (1, 10, 100):
            ours, theirs = best["soundalike", count], best["faiss", count]
            print(f"top 10 of 1 000 000 x 256, Q={count}, {threads} thread(s): {ours:.4f} s, faiss {theirs:.4f} s, times as fast {theirs / ours:.2f}", flush=True)
            if threads == 1:
                MEASURED[f"top 10 of a million, Q={count}, times faiss"] = [theirs / ours]


def library():
    """Peak memory and time of indexes and scans of growing libraries with generated embeddings."""
    reference = HERE.parent.parent / "fixtures/voices/nsh/real"
    for rows in (1_000, 10_000, 1_000_000):
        with tempfile.TemporaryDirectory(dir=PEERS) as folder:
            index = Path(folder) / "voices.lib"
            spent([RELEASE / "examples/generated_index", rows, index])
            size = sum(file.stat().st_size for file in index.glob("*.parquet")) / 2**20
            print(f"\n{rows} clips, index of {size:.0f} MiB")
            peak("first scan, which writes the rows", "scan", "--reference", reference, index, "--quiet")
            peak("scan for one voice", "scan", "--reference", reference, index, "--quiet")
            peak("the same, one thread", "scan", "--reference", reference, index, "--quiet", "--threads", "1")
            peak("scan for ten voices", "scan", "--reference-set", HERE.parent.parent / "fixtures/voices", index, "--quiet")
            if rows <= 10_000:
                peak("groups", "groups", index)
            peak("index --check", "index", "--check", "-o", index)


for part in PARTS:
    {"mfcc": mfcc, "full": full, "threads": threads, "resample": resample, "cold": cold, "memory": memory, "long": long,
     "campplus": campplus, "ge2e": ge2e, "networks": networks, "index": index, "search": search, "library": library}[part]()
targets()
