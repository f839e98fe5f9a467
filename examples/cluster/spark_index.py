#!/usr/bin/env python3
"""An index of a library in an object store or a folder, made by Spark: Parquet with a row a clip.

    spark-submit --master spark://host:7077 spark_index.py s3://bucket/voices s3a://bucket/voices.parquet
    python3 spark_index.py /data/voices /data/voices.parquet

Every machine of the cluster needs the Python package soundalike. The driver lists the files; the workers read them, some
at a time, and compute. A clip that cannot be used is a row with its reason, so the job never fails for a clip; a row's
path starts from the library.
"""

import argparse

from pyarrow import fs
from pyspark.sql import SparkSession

import soundalike.spark

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
    parser.add_argument("library", help="folder or URI of the clips, as pyarrow.fs understands it (s3://, gs://, hdfs://)")
    parser.add_argument("out", help="Parquet to write, as Spark understands it (s3a://, gs://, hdfs://)")
    parser.add_argument("--clips-a-task", type=int, default=500, help="clips that one task computes (default: 500)")
    given = parser.parse_args()

    spark = SparkSession.builder.appName("soundalike index").getOrCreate()
    paths = listed(given.library)
    if not paths:
        parser.error(f"no sound files below {given.library}")
    # A number that is named is kept, so that no task gets more than its share.
    tasks = -(-len(paths) // given.clips_a_task)
    clips = spark.createDataFrame([(path,) for path in paths], "path STRING").repartition(tasks)
    embed = soundalike.spark.embedder(root=given.library)
    clips.mapInArrow(embed, soundalike.spark.schema).write.parquet(given.out)

    # What there is now. The rows are read again, so that nothing is computed twice.
    for row in spark.read.parquet(given.out).groupBy("status", "reason").count().orderBy("status", "reason").collect():
        print(f"{row['count']:8} {row['status']} {row['reason'] or ''}")


if __name__ == "__main__":
    main()
