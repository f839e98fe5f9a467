#!/usr/bin/env python3
"""Ranks the clips of an index against protected voices, by Spark: a table of voice, rank, path and figures.

    spark-submit --master spark://host:7077 spark_scan.py s3a://bucket/voices.parquet protected/ --out hits.parquet
    python3 spark_scan.py /data/voices.parquet protected/ --top 10

The index is what spark_index.py or ray_index.py wrote, or `soundalike index`. `protected/` is a folder on the driver's
machine with a folder of recordings for each voice. The figures are those of `soundalike scan`.
"""

import argparse

from pyspark.sql import SparkSession

import soundalike.spark


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("index", help="Parquet of the clips, as Spark understands it")
    parser.add_argument("references", help="folder of protected voices, a folder of recordings each")
    parser.add_argument("--top", type=int, default=20, help="most clips of each voice (default: 20)")
    parser.add_argument("--out", help="Parquet to write (default: a table is printed)")
    given = parser.parse_args()

    spark = SparkSession.builder.appName("soundalike scan").getOrCreate()
    hits = soundalike.spark.scan(spark.read.parquet(given.index), given.references, top=given.top)
    if given.out:
        hits.write.parquet(given.out)
        return
    # log10_lr: how much more probable a clip's scores are if it reproduces the voice; null where nothing was
    # validated for clips like it, which is why `list` then says withheld.
    for row in hits.collect():
        ratio = "     " if row["log10_lr"] is None else f"{row['log10_lr']:+5.1f}"
        print(f"{row['voice']:20} {row['list']:8} {row['rank']:4} {ratio} {row['campplus']:6.3f} {row['path']}")


if __name__ == "__main__":
    main()
