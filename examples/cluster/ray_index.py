#!/usr/bin/env python3
"""An index of a library in an object store or a folder, made by Ray, and its rank lists against protected voices.

    python3 ray_index.py s3://bucket/voices s3://bucket/voices.parquet
    python3 ray_index.py /data/voices /data/voices.parquet --references protected/ --top 10

Connects to the cluster that RAY_ADDRESS names, else starts one on this machine; every node needs the Python package
soundalike. The driver lists the files; the nodes read them, a batch at a time, and compute. A clip that cannot be used
is a row with its reason; a row's path starts from the library.
"""

import argparse

import pyarrow as pa
from pyarrow import fs

import ray
import soundalike.ray

# What is listed; the rest of a store is not asked for.
SOUNDS = (".wav", ".flac", ".mp3", ".ogg", ".opus", ".m4a", ".aiff")


def listed(library):
    """The sound files below a folder or a prefix, as paths that start from it."""
    store, start = fs.FileSystem.from_uri(library)
    start = start.rstrip("/")
    files = store.get_file_info(fs.FileSelector(start, recursive=True))
    names = [file.path[len(start) + 1 :] for file in files if file.type == fs.FileType.File]
    return sorted(name for name in names if name.lower().endswith(SOUNDS))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("library", help="folder or URI of the clips (s3://, gs://, hdfs://)")
    parser.add_argument("out", help="folder or URI of the Parquet to write")
    parser.add_argument("--batch", type=int, default=32, help="clips that are in memory at a time (default: 32)")
    parser.add_argument("--clips-a-task", type=int, default=500, help="clips that one task computes (default: 500)")
    parser.add_argument("--references", help="folder of protected voices, a folder of recordings each, to rank against")
    parser.add_argument("--top", type=int, default=20, help="most clips of each voice (default: 20)")
    given = parser.parse_args()

    paths = listed(given.library)
    if not paths:
        parser.error(f"no sound files below {given.library}")
    ray.init()
    # As many blocks as tasks; else all the paths, which are few bytes, would be one block and one task.
    dataset = ray.data.from_arrow(pa.table({"path": paths})).repartition(-(-len(paths) // given.clips_a_task))
    embed = soundalike.ray.embedder(root=given.library)
    dataset.map_batches(embed, batch_format="pyarrow", batch_size=given.batch).write_parquet(given.out)

    # What there is now. The rows are read again, so that nothing is computed twice.
    index = ray.data.read_parquet(given.out)
    for row in index.groupby(["status"]).count().take_all():
        print(f"{row['count()']:8} {row['status']}")
    if given.references:
        for row in soundalike.ray.scan(index, given.references, top=given.top).to_pylist():
            # Null where nothing was validated for clips like it, which is why `list` then says withheld.
            ratio = "     " if row["log10_lr"] is None else f"{row['log10_lr']:+5.1f}"
            print(f"{row['voice']:20} {row['list']:8} {row['rank']:4} {ratio} {row['campplus']:6.3f} {row['path']}")


if __name__ == "__main__":
    main()
