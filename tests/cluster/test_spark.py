#!/usr/bin/env python3
"""Tests soundalike.spark on a cluster of a master and two workers: the rows are those of the command line.

    python3 tests/cluster/test_spark.py PROGRAM LIBRARY REFERENCES OUT

PROGRAM is the `soundalike` binary, LIBRARY a folder of clips, REFERENCES a folder of protected voices (a
folder each), OUT an empty folder for indexes. Ends with 1 at the first thing that does not hold. `run.sh`
prepares all of it.
"""

import os
import threading
import time
from pathlib import Path

from common import (
    NOWHERE,
    arguments,
    by_rank,
    check,
    check_hits,
    check_poisoned,
    check_same,
    check_spread,
    clips_of,
    index_by_program,
    poison,
    references_of,
    rows_of,
    scan_by_program,
    step,
)
from pyspark.sql import functions as F
from spark_cluster import SparkCluster

import soundalike.arrow
import soundalike.spark

PARTITIONS = 16
SCHEMA = soundalike.arrow.schema


def frame(spark, paths, partitions=PARTITIONS):
    """Paths as a data frame, dealt out over partitions; a shuffle, whose files are lost with a worker too."""
    return spark.createDataFrame([(path,) for path in paths], "path STRING").repartition(partitions)


def embedded(paths, root, **settings):
    return paths.mapInArrow(soundalike.spark.embedder(root=root, **settings), soundalike.spark.schema)


def embed_paths(cluster, library, by_program, out):
    """Paths, read by the workers."""
    spark = cluster.session()
    embedded(frame(spark, by_program["path"].to_pylist()), library).write.parquet(out)
    spread = check_spread(cluster.tasks(), "paths")
    check_same(rows_of(out), by_program, SCHEMA, "paths on two workers")
    step(f"paths: {by_program.num_rows} rows equal to the command line's, tasks {spread}")


def embed_plain(cluster, library, by_program):
    """The function as it is, without settings, on absolute paths."""
    few = by_program.slice(0, 12)
    paths = [os.path.join(library, path) for path in few["path"].to_pylist()]
    frame_of_all = frame(cluster.spark, paths, 3).mapInArrow(soundalike.spark.embed, soundalike.spark.schema)
    table = frame_of_all.toArrow().sort_by("path")
    check(table["path"].to_pylist() == paths, "absolute paths come back as they were given")
    check_same(table, few, SCHEMA, "soundalike.spark.embed on absolute paths", but=("path", "voice"))
    step("paths: soundalike.spark.embed without settings gives the same of absolute paths")


def embed_content(cluster, library, by_program, out):
    """The files' bytes, read by Spark; of their times (mtime_ns) the function is not told."""
    spark = cluster.session(sql_files_maxPartitionBytes=1 << 20, sql_files_openCostInBytes=0)
    files = spark.read.format("binaryFile").option("recursiveFileLookup", "true").load(library)
    start = len(f"file:{os.path.abspath(library)}/")
    paths = files.select(
        F.expr(f"url_decode(replace(substring(path, {start + 1}), '+', '%2B'))").alias("path"), "content"
    )
    embedded(paths, "").write.parquet(out)
    spread = check_spread(cluster.tasks(), "content")
    check_same(rows_of(out), by_program, SCHEMA, "content on two workers", but=("mtime_ns",))
    step(f"content: {by_program.num_rows} rows equal but for mtime_ns, tasks {spread}")


def lose_a_worker(cluster, library, by_program, out):
    """A worker is killed while it computes, with output of it written and output of it to come."""
    spark = cluster.session()
    trouble = []

    def job():
        try:
            embedded(frame(spark, by_program["path"].to_pylist()), library).write.parquet(out)
        except Exception as error:  # Told below, in the thread that can end the test.
            trouble.append(error)

    written = lambda: {path.name for path in Path(out).rglob("part-*.parquet")}
    running = threading.Thread(target=job)
    running.start()
    while running.is_alive():
        executors = cluster.executors()
        victim = next((executor for executor in executors if executor["worker"] == 1), None)
        # The shuffle's own tasks are done by then: files of the second stage are there.
        if victim and victim["active"] and victim["completed"] and 2 <= len(written()) < PARTITIONS - 4:
            break
        time.sleep(0.02)
    check(running.is_alive(), "the job was over before a worker could be killed; give more clips")
    before = len(written())
    processes = cluster.kill_worker(1)
    check(not os.path.exists(os.path.join(out, "_SUCCESS")), "the job was over when the worker was killed")
    tasks_lost = 0
    while running.is_alive():
        # Seen while it runs, for a stage that begins again counts anew.
        tasks_lost = max(tasks_lost, cluster.failed_tasks())
        time.sleep(0.1)
    check(not trouble, f"the job failed with its worker: {trouble}")
    lost = [executor for executor in cluster.executors() if executor["worker"] == 1]
    check(all(not executor["alive"] for executor in lost), "the killed worker's executor is still alive")
    check(tasks_lost >= 1, "no task was lost with the worker")
    check(cluster.tasks()["worker 0"] > 0, "the other worker did nothing")
    table = rows_of(out)
    check(len(set(table["path"].to_pylist())) == table.num_rows, "a row is there twice")
    check_same(table, by_program, SCHEMA, "with a worker lost")
    step(
        f"lost worker: {processes} processes killed with {before} of {PARTITIONS} parts begun or written; "
        f"tasks lost: {tasks_lost}; {table.num_rows} rows equal, none twice"
    )


def poisoned(cluster, program, good, out):
    """Files that are no clips, and paths without a file: rows with reasons, as paths and as content."""
    folder = os.path.join(out, "poisoned")
    paths = poison(folder, good)
    by_program = index_by_program(program, folder, os.path.join(out, "poisoned.lib"))
    spark = cluster.spark
    table = embedded(frame(spark, [*paths, *NOWHERE], 4), folder).toArrow()
    check(table.num_rows == len(paths) + len(NOWHERE), f"{table.num_rows} rows of a poisoned library")
    step("poisoned paths: " + check_poisoned(table, by_program, "poisoned paths"))
    contents = [(path, bytearray(Path(folder, path).read_bytes())) for path in paths] + [
        ("null-bytes.wav", None)
    ]
    content = spark.createDataFrame(contents, "path STRING, content BINARY").repartition(4)
    table = embedded(content, "").toArrow()
    check(table.num_rows == len(contents), f"{table.num_rows} rows of a poisoned library's content")
    step("poisoned content: " + check_poisoned(table, by_program, "poisoned content"))


def keep(cluster, library, by_program):
    """Further columns go through to the row that they came with."""
    paths = by_program["path"].to_pylist()[:40]
    rows = [
        (path, f"take {number}", None if number % 3 == 0 else number) for number, path in enumerate(paths)
    ]
    frame_of_all = cluster.spark.createDataFrame(rows, "path STRING, label STRING, take INT").repartition(4)
    function = soundalike.spark.embedder(root=library, keep=("label", "take"))
    table = frame_of_all.mapInArrow(function, soundalike.spark.schema + ", label STRING, take INT").toArrow()
    found = [tuple(row[name] for name in ("path", "label", "take")) for row in table.to_pylist()]
    check(sorted(found) == sorted(rows), "kept columns changed rows")
    check(table.column_names == [*SCHEMA.names, "label", "take"], f"columns {table.column_names}")
    step(f"keep: two further columns of {len(rows)} rows came through with their rows")


def scan(cluster, program, library, references, out):
    """The rank lists of the cluster's index, by program and by Spark, are those of the program's index."""
    every = ["--reference-set", references, "--top", "all"]
    expected = scan_by_program(program, library, os.path.join(out, "cli.lib"), *every)
    voices = {row["voice"] for row in expected}
    check_hits(
        scan_by_program(program, library, os.path.join(out, "paths.parquet"), *every),
        expected,
        "scan of Parquet",
    )
    step(
        f"scan: the program ranks the cluster's Parquet so too, {len(expected)} rows, {len(voices)} voices"
    )
    expected = scan_by_program(
        program, library, os.path.join(out, "cli.lib"), "--reference-set", references, "--top", 20
    )
    index = cluster.spark.read.parquet(os.path.join(out, "paths.parquet")).repartition(8)
    for what, voices in (("a folder", references), ("recordings", references_of(references))):
        rows = [row.asDict() for row in soundalike.spark.scan(index, voices, top=20).collect()]
        check_hits(by_rank(rows, library), expected, f"soundalike.spark.scan of {what}")
        step(f"scan: soundalike.spark.scan against {what} gives the same {len(rows)} rows")


def main():
    program, library, references, out = arguments(__doc__)
    by_program = index_by_program(program, library, os.path.join(out, "cli.lib"))
    check(
        by_program["path"].to_pylist() == clips_of(library),
        "the command line sees other files than this test",
    )
    step(f"command line: {by_program.num_rows} clips")
    with SparkCluster() as cluster:
        step(f"cluster: a master and {cluster.alive()} workers at {cluster.url}")
        embed_paths(cluster, library, by_program, os.path.join(out, "paths.parquet"))
        embed_plain(cluster, library, by_program)
        keep(cluster, library, by_program)
        poisoned(cluster, program, os.path.join(library, by_program["path"][0].as_py()), out)
        scan(cluster, program, library, references, out)
        embed_content(cluster, library, by_program, os.path.join(out, "content.parquet"))
        lose_a_worker(cluster, library, by_program, os.path.join(out, "lost.parquet"))
    step("Spark: everything holds")


if __name__ == "__main__":
    main()
