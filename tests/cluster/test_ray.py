#!/usr/bin/env python3
"""Tests soundalike.ray on a cluster of a head and two nodes: the rows are those of the command line.

    python3 tests/cluster/test_ray.py PROGRAM LIBRARY REFERENCES OUT

PROGRAM is the `soundalike` binary, LIBRARY a folder of clips, REFERENCES a folder of protected voices (a
folder each), OUT an empty folder for indexes. Ends with 1 at the first thing that does not hold. `run.sh`
prepares all of it.
"""

import os
import signal
import threading
import time
import uuid
from collections import Counter
from pathlib import Path

import pyarrow as pa
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
    ended,
    index_by_program,
    poison,
    references_of,
    rows_of,
    scan_by_program,
    step,
)
from ray_cluster import RayCluster

import ray
import soundalike.arrow
import soundalike.ray

# So small that a node has batches behind it and before it when it is killed, however few the clips are.
BATCH = 4
SCHEMA = soundalike.arrow.schema


def told(function, marks):
    """The function, which leaves a file for each batch that it begins and ends, named by its node."""

    def embed(table):
        node, batch = ray.get_runtime_context().get_node_id(), uuid.uuid4().hex
        Path(marks, f"{node} begun {batch}").touch()
        done = function(table)
        Path(marks, f"{node} ended {batch}").touch()
        return done

    os.makedirs(marks, exist_ok=True)
    return embed


def marked(cluster, marks, word):
    """Number of batches by node."""
    counts = Counter(tuple(name.split()[:2]) for name in os.listdir(marks))
    return {f"node {number}": counts[(node, word)] for number, node in enumerate(cluster.names)}


def dataset(paths, blocks=16):
    """Paths as a dataset, in blocks that are dealt out over the nodes."""
    return ray.data.from_arrow(pa.table({"path": pa.array(paths, pa.string())})).repartition(blocks)


def embedded(paths, function, marks=None):
    function = told(function, marks) if marks else function
    return paths.map_batches(function, batch_format="pyarrow", batch_size=BATCH)


def table_of(found):
    """All rows, sorted by path."""
    return pa.concat_tables(ray.get(found.to_arrow_refs()), promote_options="default").sort_by("path")


def embed_paths(cluster, library, by_program, out):
    """Paths, read by the nodes."""
    marks = out + ".marks"
    embedded(
        dataset(by_program["path"].to_pylist()), soundalike.ray.embedder(root=library), marks
    ).write_parquet(out)
    spread = check_spread(marked(cluster, marks, "ended"), "paths")
    check_same(rows_of(out), by_program, SCHEMA, "paths on two nodes")
    step(f"paths: {by_program.num_rows} rows equal to the command line's, batches {spread}")


def embed_plain(library, by_program):
    """The function as it is, without settings and in batches of Ray's own size, on absolute paths."""
    few = by_program.slice(0, 12)
    paths = [os.path.join(library, path) for path in few["path"].to_pylist()]
    table = table_of(dataset(paths, 3).map_batches(soundalike.ray.embed, batch_format="pyarrow"))
    check(table["path"].to_pylist() == paths, "absolute paths come back as they were given")
    check_same(table, few, SCHEMA, "soundalike.ray.embed on absolute paths", but=("path", "voice"))
    step("paths: soundalike.ray.embed without settings gives the same of absolute paths")


def embed_bytes(cluster, library, by_program, out):
    """The files' bytes, read by Ray; of their times (mtime_ns) the function is not told."""
    files = ray.data.read_binary_files(library, include_paths=True, override_num_blocks=16)
    start = len(os.path.abspath(library)) + 1

    def relative(table):
        paths = pa.array([path[start:] for path in table["path"].to_pylist()], pa.string())
        return table.set_column(table.column_names.index("path"), "path", paths)

    files = files.map_batches(relative, batch_format="pyarrow", batch_size=BATCH)
    embedded(files, soundalike.ray.embed, out + ".marks").write_parquet(out)
    spread = check_spread(marked(cluster, out + ".marks", "ended"), "bytes")
    check_same(rows_of(out), by_program, SCHEMA, "bytes on two nodes", but=("mtime_ns",))
    step(f"bytes: {by_program.num_rows} rows equal but for mtime_ns, batches {spread}")


def lose_a_node(cluster, library, by_program, out):
    """A node is killed while it computes, with output of it made and output of it to come."""
    trouble, marks = [], out + ".marks"

    def job():
        try:
            paths = dataset(by_program["path"].to_pylist())
            embedded(paths, soundalike.ray.embedder(root=library), marks).write_parquet(out)
        except Exception as error:  # Told below, in the thread that can end the test.
            trouble.append(error)

    batches = -(-by_program.num_rows // BATCH)
    running = threading.Thread(target=job)
    os.makedirs(marks)
    running.start()
    while running.is_alive():
        begun, done = marked(cluster, marks, "begun"), marked(cluster, marks, "ended")
        # The node has made something that may be lost with it, and is at work.
        if 1 <= done["node 1"] < begun["node 1"] and sum(done.values()) < batches - 4:
            break
        time.sleep(0.005)
    check(running.is_alive(), "the job was over before a node could be killed; give more clips")
    processes = cluster.kill_node(1)
    begun, done = marked(cluster, marks, "begun"), marked(cluster, marks, "ended")
    check(begun["node 1"] > done["node 1"], "the node was not at work when it was killed")
    running.join()
    check(not trouble, f"the job failed with its node: {trouble}")
    check(cluster.alive() == 1, "the killed node is still alive")
    table = rows_of(out)
    check(len(set(table["path"].to_pylist())) == table.num_rows, "a row is there twice")
    check_same(table, by_program, SCHEMA, "with a node lost")
    after = marked(cluster, marks, "ended")
    step(
        f"lost node: {processes} processes killed during a batch, {done['node 1']} batches of it done; "
        f"{sum(after.values())} batches ended in all; {table.num_rows} rows equal, none twice"
    )


def poisoned(program, good, out):
    """Files that are no clips, and paths without a file: rows with reasons, as paths and as bytes."""
    folder = os.path.join(out, "poisoned")
    paths = poison(folder, good)
    by_program = index_by_program(program, folder, os.path.join(out, "poisoned.lib"))
    table = table_of(embedded(dataset([*paths, *NOWHERE], 4), soundalike.ray.embedder(root=folder)))
    check(table.num_rows == len(paths) + len(NOWHERE), f"{table.num_rows} rows of a poisoned library")
    step("poisoned paths: " + check_poisoned(table, by_program, "poisoned paths"))
    contents = [Path(folder, path).read_bytes() for path in paths] + [None]
    contents = pa.table({"path": [*paths, "null-bytes.wav"], "bytes": pa.array(contents, pa.binary())})
    table = table_of(embedded(ray.data.from_arrow(contents).repartition(4), soundalike.ray.embed))
    check(table.num_rows == contents.num_rows, f"{table.num_rows} rows of a poisoned library's bytes")
    step("poisoned bytes: " + check_poisoned(table, by_program, "poisoned bytes"))


def keep(library, by_program):
    """Further columns go through to the row that they came with."""
    paths = by_program["path"].to_pylist()[:40]
    takes = [None if number % 3 == 0 else number for number in range(40)]
    rows = pa.table(
        {"path": paths, "label": [f"take {n}" for n in range(40)], "take": pa.array(takes, pa.int32())}
    )
    function = soundalike.ray.embedder(root=library, keep=("label", "take"))
    table = table_of(embedded(ray.data.from_arrow(rows).repartition(4), function))
    found = table.select(["path", "label", "take"]).to_pylist()
    check(found == rows.sort_by("path").to_pylist(), "kept columns changed rows")
    check(table.column_names == [*SCHEMA.names, "label", "take"], f"columns {table.column_names}")
    step(f"keep: two further columns of {len(found)} rows came through with their rows")


def scan(program, library, references, out):
    """The rank lists of the cluster's index, by the program and by Ray, are those of the program's index."""
    every = ["--reference-set", references, "--top", "all"]
    expected = scan_by_program(program, library, os.path.join(out, "cli.lib"), *every)
    check_hits(
        scan_by_program(program, library, os.path.join(out, "paths.parquet"), *every),
        expected,
        "scan of Parquet",
    )
    step(f"scan: the program ranks the cluster's Parquet as its own index, {len(expected)} clips")
    expected = scan_by_program(
        program, library, os.path.join(out, "cli.lib"), "--reference-set", references, "--top", 20
    )
    for what, voices in (("a folder", references), ("recordings", references_of(references))):
        index = ray.data.read_parquet(os.path.join(out, "paths.parquet")).repartition(8)
        rows = soundalike.ray.scan(index, voices, top=20).to_pylist()
        check_hits(by_rank(rows, library), expected, f"soundalike.ray.scan of {what}")
        step(f"scan: soundalike.ray.scan against {what} gives the same {len(rows)} rows")


def main():
    program, library, references, out = arguments(__doc__)
    by_program = index_by_program(program, library, os.path.join(out, "cli.lib"))
    check(
        by_program["path"].to_pylist() == clips_of(library),
        "the command line sees other files than this test",
    )
    step(f"command line: {by_program.num_rows} clips")
    with RayCluster() as cluster:
        # Ray has put a handler of its own in the place of the one that takes clusters down.
        signal.signal(signal.SIGTERM, ended)
        step(f"cluster: a head and {cluster.alive()} nodes at {cluster.cluster.address}")
        embed_paths(cluster, library, by_program, os.path.join(out, "paths.parquet"))
        embed_plain(library, by_program)
        keep(library, by_program)
        poisoned(program, os.path.join(library, by_program["path"][0].as_py()), out)
        scan(program, library, references, out)
        embed_bytes(cluster, library, by_program, os.path.join(out, "bytes.parquet"))
        lose_a_node(cluster, library, by_program, os.path.join(out, "lost.parquet"))
    step("Ray: everything holds")


if __name__ == "__main__":
    main()
