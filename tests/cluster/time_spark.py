#!/usr/bin/env python3
"""What Spark costs and what a second worker brings: the same clips by the command line and by a standalone
cluster.

    python3 tests/cluster/time_spark.py PROGRAM LIBRARY OUT [ROUNDS]

In each of the rounds (3), one after the other: `soundalike index` with 1 and with 2 threads, and
soundalike.spark on a cluster of 1 and of 2 workers of one core, each into a fresh output. Of Spark two times
are told: `cold`, a new application's first job, from the start of its executors and Python processes on, with
the models loaded by each; and `warm`, the same job again in the same application, whose Python processes are
kept. The master and the workers run already, as those of a cluster do. Ratios are of the times of one round;
told is their median, least and greatest. Run it on a machine that does nothing else, with at least two cores.
"""

import os
import shutil
import signal
import statistics
import sys
import time

from common import check, check_same, clips_of, ended, index_by_program, rows_of
from spark_cluster import SparkCluster

import soundalike.arrow
import soundalike.spark

# Tasks a worker: enough that the last ones end together, few enough that each is some seconds of work.
TASKS = 16


def timed(what):
    start = time.perf_counter()
    what()
    return time.perf_counter() - start


def by_command_line(program, library, out, threads):
    return timed(lambda: index_by_program(program, library, os.path.join(out, "cli.lib"), threads=threads))


def by_spark(library, paths, out, workers):
    """Seconds of the first job of an application and of the second one."""

    def job():
        frame = spark.createDataFrame([(path,) for path in paths], "path STRING").repartition(TASKS)
        function = soundalike.spark.embedder(root=library, threads=1)
        frame.mapInArrow(function, soundalike.spark.schema).write.mode("overwrite").parquet(target)

    target = os.path.join(out, "spark.parquet")
    with SparkCluster(workers=workers) as cluster:
        start = time.perf_counter()
        spark = cluster.session()
        # Nothing runs before every executor is there, so the time of their start is part of it.
        job()
        cold = time.perf_counter() - start
        shutil.rmtree(target)
        warm = timed(job)
        busy = sum(1 for count in cluster.tasks().values() if count)
        check(busy == workers, f"{busy} of {workers} workers did something")
    return cold, warm


def told(values, unit=""):
    return f"{statistics.median(values):.2f}{unit} ({min(values):.2f} to {max(values):.2f})"


def main():
    if len(sys.argv) not in (4, 5):
        raise SystemExit(__doc__)
    program, library, out = (os.path.abspath(argument) for argument in sys.argv[1:4])
    signal.signal(signal.SIGTERM, ended)
    rounds = int(sys.argv[4]) if len(sys.argv) == 5 else 3
    os.makedirs(out, exist_ok=True)
    paths = clips_of(library)
    names = ["command line, 1 thread", "command line, 2 threads"]
    names += [
        f"Spark, {workers}, {state}" for workers in ("1 worker", "2 workers") for state in ("cold", "warm")
    ]
    times = {name: [] for name in names}
    for number in range(rounds):
        for old in ("cli.lib", "spark.parquet"):
            shutil.rmtree(os.path.join(out, old), ignore_errors=True)
        for threads, name in ((1, names[0]), (2, names[1])):
            times[name].append(by_command_line(program, library, out, threads))
            if threads == 1:
                shutil.rmtree(os.path.join(out, "cli.lib"))
        for workers, cold_name, warm_name in ((1, names[2], names[3]), (2, names[4], names[5])):
            shutil.rmtree(os.path.join(out, "spark.parquet"), ignore_errors=True)
            cold, warm = by_spark(library, paths, out, workers)
            times[cold_name].append(cold)
            times[warm_name].append(warm)
        ours, theirs = rows_of(os.path.join(out, "spark.parquet")), rows_of(os.path.join(out, "cli.lib"))
        check_same(ours, theirs, soundalike.arrow.schema, "the rows that were timed")
        print(
            f"round {number + 1}: " + ", ".join(f"{name} {times[name][-1]:.1f} s" for name in names),
            flush=True,
        )
    print(f"\n{len(paths)} clips, {rounds} rounds, {os.cpu_count()} cores: median (least to greatest)")
    for name in names:
        rate = len(paths) / statistics.median(times[name])
        print(f"  {name:26} {told(times[name], ' s')}, {rate:.1f} clips/s")

    def ratio(text, of, to):
        print(f"  {text:58} {told([a / b for a, b in zip(times[of], times[to])])}")

    ratio("command line, 1 thread / 2 threads", names[0], names[1])
    for state, one, two in (("cold", names[2], names[4]), ("warm", names[3], names[5])):
        ratio(f"engine: Spark 1 worker {state} / command line 1 thread", one, names[0])
        ratio(f"scaling: Spark 1 worker / 2 workers, {state}", one, two)


if __name__ == "__main__":
    main()
