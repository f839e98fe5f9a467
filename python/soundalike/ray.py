"""Whole libraries on Ray: clips to an index, and an index to a ranked table, on the cluster's own workers.

    >>> clips = ray.data.from_items([{"path": path} for path in paths])
    >>> clips.map_batches(soundalike.ray.embed, batch_format="pyarrow", batch_size=64).write_parquet("voices.parquet")
    >>> soundalike.ray.scan(ray.data.read_parquet("voices.parquet"), "protected/").to_pandas()

The workers need this package and pyarrow. A task uses one core; Ray repeats the tasks of a node that is lost, and a clip
that cannot be used is a row with its reason. ray itself is imported by whoever makes the dataset, not here.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Callable, Sequence

import pyarrow as pa

from .arrow import Scan, Voices, embed_batches

if TYPE_CHECKING:
    from ray.data import Dataset

#: Clips of a task; large enough that a task is worth its start, small enough that its sound fits in memory.
BATCH_SIZE = 64


def embed(table: pa.Table, **settings: Any) -> pa.Table:
    """Clips to rows of an index, for ``dataset.map_batches(soundalike.ray.embed, batch_format="pyarrow")``.

    The dataset has a column ``path``, or ``bytes`` as ``ray.data.read_binary_files(..., include_paths=True)`` gives it;
    see :func:`soundalike.arrow.embed_batches`. Further columns are left out.
    """
    batches = table.combine_chunks().to_batches() or [pa.RecordBatch.from_pylist([], schema=table.schema)]
    return pa.Table.from_batches(embed_batches(batches, **{"keep": (), **settings}))


def embedder(**settings: Any) -> Callable[[pa.Table], pa.Table]:
    """:func:`embed` with the settings of :func:`soundalike.arrow.embed_batches`; nothing further is kept unless ``keep``
    names it."""
    return functools.partial(embed, **settings)


def index(dataset: "Dataset", *, keep: Sequence[str] = (), batch_size: int = BATCH_SIZE, **settings: Any) -> "Dataset":
    """The index of a dataset of clips, with the further columns that ``keep`` names behind those of the index.

    ``settings`` are those of :func:`soundalike.arrow.embed_batches`.
    """
    function = embedder(keep=tuple(keep), **settings)
    return dataset.map_batches(function, batch_format="pyarrow", batch_size=batch_size)


def scan(dataset: "Dataset", references: Voices, **settings: Any) -> pa.Table:
    """Protected voices against an index, on the cluster: the closest clips of each, as ``soundalike scan`` ranks them.

    Every clip is compared with every voice; each task keeps the closest of its rows, and only those come back. The table
    has the columns of :data:`soundalike.arrow.scan_schema` in the order of voice, list and rank.

    Args:
        dataset: the rows of an index (:func:`index`, or ``ray.data.read_parquet`` of one).
        references: a folder as for ``--reference-set``, or a mapping from names to a :class:`soundalike.Reference` or the
            recordings of one; they are listened to here and travel as voice models.
        settings: those of :class:`soundalike.arrow.Scan`: ``top=20``, ``above``, ``by``, ``expected_clips`` ...
    """
    voices = Scan(references, **settings)

    def part(table: pa.Table) -> pa.Table:
        return pa.Table.from_batches(voices.part(table.to_batches()), Scan.part_schema)

    parts = dataset.select_columns(Scan.needed).map_batches(part, batch_format="pyarrow", batch_size=Scan.ROWS)
    rows = [table for table in parts.iter_batches(batch_format="pyarrow", batch_size=None)]
    return voices.merged(pa.concat_tables(rows) if rows else Scan.part_schema.empty_table())
