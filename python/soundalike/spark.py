"""Whole libraries on Apache Spark: clips to an index, and an index to a ranked table, on the cluster's own workers.

    >>> clips = spark.createDataFrame([(path,) for path in paths], "path STRING").repartition(1000)
    >>> clips.mapInArrow(soundalike.spark.embed, soundalike.spark.schema).write.parquet("voices.parquet")
    >>> soundalike.spark.scan(spark.read.parquet("voices.parquet"), "protected/").show()

The workers need this package and pyarrow. A task uses one core; Spark repeats the tasks of a worker that is lost, and
a clip that cannot be used is a row with its reason, so that a job neither fails nor loses a clip. pyspark is imported
only where it is used.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Callable, Iterable, Iterator, Sequence

import pyarrow as pa

from . import _native
from .arrow import Scan, Voices, doubled, embed_batches

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

_TYPES = {
    "string": "STRING", "int32": "INT", "int64": "BIGINT", "float": "FLOAT", "double": "DOUBLE", "bool": "BOOLEAN",
    "list<float>": "ARRAY<FLOAT>",
}


def _ddl(columns: Iterable[Sequence[Any]]) -> str:
    """Columns, as name and kind, in the words of Spark's schemas."""
    return ", ".join(f"{column[0]} {_TYPES[column[1]]}" for column in columns)


#: The columns of an index, for ``mapInArrow``.
schema: str = _ddl(_native.index_columns())

#: The columns of a ranked table.
scan_schema: str = _ddl(_native.scan_columns())

_PART_SCHEMA = "key DOUBLE, compared BIGINT, judged BIGINT, " + scan_schema


def embed(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Clips to rows of an index, for ``df.mapInArrow(soundalike.spark.embed, soundalike.spark.schema)``.

    The frame has a column ``path``, or ``content`` as the source ``binaryFile`` gives it; see
    :func:`soundalike.arrow.embed_batches`. Further columns are left out; :func:`index` passes them through.
    """
    return embed_batches(batches, keep=())


def embedder(**settings: Any) -> Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """:func:`embed` with the settings of :func:`soundalike.arrow.embed_batches`; nothing further is kept unless ``keep``
    names it."""
    return functools.partial(embed_batches, **{"keep": (), **settings})


def index(df: "DataFrame", *, keep: Sequence[str] = (), **settings: Any) -> "DataFrame":
    """The index of a frame of clips, with the further columns that ``keep`` names behind those of the index.

    ``settings`` are those of :func:`soundalike.arrow.embed_batches`.
    """
    kept = [f"`{name}` {df.schema[name].dataType.simpleString()}" for name in keep]
    return df.mapInArrow(embedder(keep=tuple(keep), **settings), ", ".join([schema, *kept]))


def scan(df: "DataFrame", references: Voices, **settings: Any) -> "DataFrame":
    """Protected voices against an index, on the cluster: the closest clips of each, as ``soundalike scan`` ranks them.

    Every clip is compared with every voice; each task keeps the closest of its rows, and only those are brought
    together. The voices are listened to here, on the driver, and travel as voice models. The frame that comes back has
    the columns of :data:`scan_schema` in the order of voice, list and rank.

    Args:
        df: the rows of an index (:func:`index`, or ``spark.read.parquet`` of one).
        references: a folder as for ``--reference-set``, or a mapping from names to a :class:`soundalike.Reference` or the
            recordings of one.
        settings: those of :class:`soundalike.arrow.Scan`: ``top=20``, ``above``, ``by``, ``expected_clips`` ...
    """
    from pyspark.sql import Window, functions as F

    voices = Scan(references, **settings)
    parts = df.select(*Scan.needed).mapInArrow(lambda batches: voices.part(batches), _PART_SCHEMA)
    ranks = Window.partitionBy("voice", "list").orderBy(F.desc("key"), F.asc("path"))
    rows = parts.withColumn("judged", F.sum("judged").over(Window.partitionBy("voice")))
    rows = rows.filter(F.col("list") != "counts").withColumn("rank", F.row_number().over(ranks).cast("bigint"))
    for kind in ("hits", "withheld"):
        most = voices.most(kind)
        if most is not None:
            rows = rows.filter((F.col("list") != kind) | (F.col("rank") <= most))
    expected = voices.expected_clips
    rows = rows.drop("key", "compared").mapInArrow(lambda batches: _posteriors(batches, expected), scan_schema)
    return rows.orderBy("voice", "list", "rank")


def _posteriors(batches: Iterable[pa.RecordBatch], expected_clips: float) -> Iterator[pa.RecordBatch]:
    """Fills in what a ratio makes of the number of clips, which is known only once all parts are counted."""
    names = [name for name, _ in _native.scan_columns()]
    # All rows of a voice are in one partition.
    seen = set()
    for batch in batches:
        for row in zip(*(batch.column(name).to_pylist() for name in ("voice", "list", "path"))):
            if row in seen:
                raise doubled(row[2])
            seen.add(row)
        ratios, judged = batch.column("log10_lr").to_pylist(), batch.column("judged").to_pylist()
        posteriors = pa.array(_native.posterior(ratios, judged, expected_clips), pa.float64())
        columns = [posteriors if name == "posterior" else batch.column(name) for name in names]
        yield pa.RecordBatch.from_arrays(columns, names=names)
