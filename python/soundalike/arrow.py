"""Whole libraries as Arrow: clips to the rows of an index, and rows to a ranked table, batch by batch.

This is what runs inside the workers of a cluster, whichever engine starts them; :mod:`soundalike.spark` and
:mod:`soundalike.ray` only hand batches over. It runs as well in one process, over a dataset of pyarrow or a table of
DuckDB. Written as Parquet, the rows are an index that ``soundalike scan`` reads.

Needs pyarrow (``pip install soundalike[arrow]``).
"""

from __future__ import annotations

import collections
import concurrent.futures
import hashlib
import os
import urllib.parse
import uuid
import warnings
from typing import Any, Callable, Dict, Iterable, Iterator, List, Mapping, Optional, Sequence, Tuple, Union

import numpy as np
import pyarrow as pa

from . import Reference, _native, _voices_of
from ._clips import encoder_list, listed, whole
from .errors import DocumentError, Error, SettingError

_TYPES = {
    "string": pa.string(),
    "int32": pa.int32(),
    "int64": pa.int64(),
    "float": pa.float32(),
    "double": pa.float64(),
    "bool": pa.bool_(),
    "list<float>": pa.list_(pa.float32()),
}

#: The columns of an index. A value that may not be missing is marked so.
schema: pa.Schema = pa.schema(
    [pa.field(name, _TYPES[kind], nullable) for name, kind, nullable in _native.index_columns()]
)

#: The columns of a ranked table: those of ``soundalike scan --format parquet``.
scan_schema: pa.Schema = pa.schema([pa.field(name, _TYPES[kind]) for name, kind in _native.scan_columns()])

#: Columns of the input that say what a clip is; the others are further columns.
_INPUT = ("path", "bytes", "content", "voice", "mtime_ns", "modificationTime", "length")


_TEXT = (pa.types.is_string, pa.types.is_large_string, getattr(pa.types, "is_string_view", pa.types.is_string))
_BINARY = (pa.types.is_binary, pa.types.is_large_binary, getattr(pa.types, "is_binary_view", pa.types.is_binary))
_KINDS = {"path": _TEXT, "voice": _TEXT, "bytes": _BINARY, "content": _BINARY}

#: Clips that are read and computed at a time, so that a large batch needs little memory.
CLIPS = 64


def embed_batches(
    batches: Iterable[pa.RecordBatch],
    *,
    keep: Optional[Sequence[str]] = None,
    root: str = "",
    channel: str = "mix",
    encoders: Union[None, str, Iterable[str]] = None,
    narrow: str = "auto",
    threads: int = 1,
    read: Optional[Callable[[str], bytes]] = None,
) -> Iterator[pa.RecordBatch]:
    """Turns clips into rows of an index: one row for each, in their order, in batches of at most :data:`CLIPS`.

    Columns of the input:

    - ``path``: where the clip lies: a local path, a ``file:`` address (in which ``%20`` is a blank), or the address of an
      object store that pyarrow knows (``s3://``, also as ``s3a://``, ``gs://``, ``hdfs://``, ``abfs://``).
    - ``bytes``, or ``content`` as Spark's ``binaryFile`` calls it: the content of the file. Where a row has it, nothing
      is read from ``path``. Without a path the clip is called by the SHA-256 of its content.
    - ``voice``, if there: the voice the clip belongs to; else the folder it lies in.
    - ``mtime_ns`` or Spark's ``modificationTime``, if there: when the file was last changed.

    The output has exactly the columns of :data:`schema`, then the further columns of the input, unchanged: all of them,
    or those that ``keep`` names. A clip that cannot be used is a row with status ``refused``, a reason and a message; it
    stops nothing. The numbers are those of ``soundalike index``, to the bit.

    Args:
        root: where the library begins: taken off the front of paths, and put before those that are relative.
        channel: which channel is used: ``mix``, ``left``, ``right``, a number from 1, or ``loudest``.
        encoders: names of the encoders; all of them where nothing is said.
        narrow: ``all`` computes the narrow band of every clip, which a scan for telephone recordings needs.
        threads: threads of this process; 1 fits a worker that has one core, 0 is one a core.
        read: reads the bytes of a path in the place of what is built in.

    Raises:
        SettingError: where the input has neither paths nor bytes, a column is there twice or of another type, or a further
            column has the name of one of the index.
    """
    embedder = _native.Embedder(encoder_list(encoders), str(channel), narrow, whole("threads", threads, 0))
    root = _local(str(root)).rstrip("/") + "/" if root else ""
    fetch = read or _Remote()
    for incoming in batches:
        further = _further(incoming.schema, keep)
        for start in range(0, max(incoming.num_rows, 1), CLIPS):
            batch = incoming.slice(start, CLIPS)
            clips = _clips(batch, root, fetch, own_reader=read is not None)
            columns = [_array(field, values) for field, values in zip(schema, embedder.rows(clips))]
            columns += [batch.column(batch.schema.get_field_index(field.name)) for field in further]
            yield pa.RecordBatch.from_arrays(columns, schema=pa.schema(list(schema) + further))


def _further(fields: pa.Schema, keep: Optional[Sequence[str]]) -> List[pa.Field]:
    """The fields that are passed through."""
    if not any(name in fields.names for name in ("path", "bytes", "content")):
        raise _wrong("columns", ", ".join(fields.names), "a column path, bytes or content")
    names = [name for name in fields.names if name not in _INPUT] if keep is None else list(keep)
    for field in fields:
        wanted = _KINDS.get(field.name)
        if field.name in _INPUT and fields.names.count(field.name) > 1:
            raise _wrong("columns", f"{field.name} twice", "each column once")
        if wanted and not (pa.types.is_null(field.type) or any(kind(field.type) for kind in wanted)):
            raise _wrong("columns", f"{field.name} of type {field.type}", "text for path and voice, binary for bytes")
    for name in names:
        if fields.names.count(name) > 1:
            raise _wrong("columns", f"{name} twice", "each column once")
        if name not in fields.names:
            raise _wrong("keep", name, "one of " + ", ".join(fields.names))
        if name in schema.names:
            raise _wrong("columns", f"a further column {name}", "a name that no column of the index has; rename it")
    return [fields.field(name) for name in names]


def _wrong(name: str, found: str, expected: str) -> Error:
    return SettingError.of("setting", name, found, expected)


def _unfit(found: str, expected: str) -> Error:
    """The error of rows that are not those of an index."""
    return DocumentError.of("document", "table", found, expected, "mend the rows, or embed their clips again")


def _clips(batch: pa.RecordBatch, root: str, fetch: Callable, own_reader: bool) -> List[tuple]:
    """What the native part needs of each clip."""
    rows = batch.num_rows

    def column(*names: str) -> list:
        for name in names:
            if name in batch.schema.names:
                return batch.column(batch.schema.get_field_index(name)).to_pylist()
        return [None] * rows

    times = column("mtime_ns")
    if "mtime_ns" not in batch.schema.names and "modificationTime" in batch.schema.names:
        times = batch.column(batch.schema.get_field_index("modificationTime"))
        if not pa.types.is_timestamp(times.type):
            raise _wrong("columns", f"modificationTime of type {times.type}", "a timestamp, or nanoseconds in mtime_ns")
        scale = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}[times.type.unit]
        times = [None if time is None else time * scale for time in times.cast(pa.int64()).to_pylist()]
    rows = [
        (path, other if content is None else content, voice, _time(time), root, fetch, own_reader)
        for path, content, other, voice, time in zip(
            column("path"), column("bytes"), column("content"), column("voice"), times
        )
    ]
    if own_reader or not any(row[1] is None and row[0] and _scheme(_full(row[0], root)) for row in rows):
        return [_clip(*row) for row in rows]
    # A store takes its time to answer, so several are asked at once.
    with concurrent.futures.ThreadPoolExecutor(READERS) as readers:
        return list(readers.map(lambda row: _clip(*row), rows))


#: Objects of a store that are read at a time.
READERS = 8


def _time(value: Any) -> Optional[int]:
    """Nanoseconds since 1970 as a row holds them; none where there is no such number."""
    if value is None or value != value:
        return None
    value = int(value)
    return value if -(2**63) <= value < 2**63 else None


def _full(path: str, root: str) -> str:
    """Where a clip lies, from the beginning."""
    full = _local(path)
    return full if _scheme(full) or os.path.isabs(full) else root + full


def _clip(path, content, voice, time, root: str, fetch: Callable, own_reader: bool) -> tuple:
    """What the native part needs of one clip: path in the index, voice, file, bytes, fault, time."""
    if path is None:
        name = hashlib.sha256(content).hexdigest() if content is not None else ""
        return name, voice, None, content, None, time
    full = _full(path, root)
    name = full[len(root):].lstrip("/") if root and full.startswith(root) else _local(path)
    name = name[2:] if name.startswith("./") else name
    if content is not None:
        return name, voice, None, content, None, time
    if not (own_reader or _scheme(full)):
        return name, voice, full, None, None, time
    try:
        if own_reader:
            return name, voice, None, bytes(fetch(full)), None, time
        content, changed = fetch(full)
        return name, voice, None, content, None, changed if time is None else time
    except Exception as error:  # whatever a store or a reader of the caller's answers: the clip is refused with it
        return name, voice, None, None, f"{full}: could not read it: {error}; check the address", time


def _scheme(path: str) -> str:
    """The scheme of an address; empty for a local path. A letter alone is a drive."""
    scheme, colon, rest = path.partition("://")
    return scheme if colon and rest and len(scheme) > 1 and "/" not in scheme else ""


def _local(path: str) -> str:
    """A ``file:`` address as a local path; anything else as it is."""
    if not path.startswith("file:"):
        return path
    rest = path[5:]
    if rest.startswith("//"):
        rest = "/" + rest[2:].partition("/")[2]
    return urllib.parse.unquote(rest)


class _Remote:
    """Reads objects of a store; one connection for each bucket."""

    def __init__(self) -> None:
        self._stores: Dict[str, Tuple[Any, str]] = {}

    def __call__(self, address: str) -> Tuple[bytes, Optional[int]]:
        from pyarrow import fs

        scheme, _, rest = address.partition("://")
        bucket, _, key = rest.partition("/")
        # What Hadoop calls its clients of the same store.
        scheme = "s3" if scheme in ("s3a", "s3n") else scheme
        start = f"{scheme}://{bucket}/"
        if start not in self._stores:
            self._stores[start] = fs.FileSystem.from_uri(start)
        store, base = self._stores[start]
        place = f"{base.rstrip('/')}/{key}"
        with store.open_input_stream(place) as stream:
            content = stream.read()
        return content, store.get_file_info(place).mtime_ns


def _array(field: pa.Field, values: Any) -> pa.Array:
    """A column as the native part hands it over."""
    if not pa.types.is_list(field.type):
        return pa.array(values, field.type)
    numbers, lengths = values
    offsets = np.zeros(len(lengths) + 1, np.int32)
    np.cumsum(np.maximum(lengths, 0), out=offsets[1:])
    missing = pa.array(lengths < 0)
    lists = pa.ListArray.from_arrays(pa.array(offsets), pa.array(numbers, pa.float32()), mask=missing)
    return lists.cast(field.type)


#: Scanners that are not in use, with the names of their scans: making one loads networks, population and voices, and the
#: process of a worker runs many tasks of one scan. At most one is kept.
_idle: collections.deque = collections.deque(maxlen=1)

#: What stands for protected voices: a folder of them, or each by name as a Reference or recordings.
Voices = Union[str, "os.PathLike[str]", Mapping[str, Any]]


class Scan:
    """Protected voices against the rows of an index, wherever these lie: :meth:`part` is run on each part of the rows by a
    worker, and :meth:`merged` makes one ranked table of what the parts gave. The table is that of ``soundalike scan``.
    Every path must stand in the rows once: drop duplicates before. A voice that cannot be enrolled is left out with a warning
    (:attr:`left_out`), unless it is the only one.

    Args:
        voices: a folder as for ``--reference-set``, or a mapping from names to a :class:`soundalike.Reference` or the
            recordings of one. They are listened to here, once; workers are sent the voice models.
        top: most clips that are listed of each voice; ``None`` for all.
        above: only clips at this score or above, for example ``log10_lr=2`` or ``campplus=0.5``; ``top`` is then ``None``
            unless it is given.
        by: what clips are ranked by: ``log10_lr`` or an encoder.
        expected_clips: clips of each voice that are expected beforehand: the prior of the posterior.
        encoders, channel: those that the rows were made with.
        condition, calibration, cohort, cohort_filter: as for :func:`soundalike.check`. Files are read by the workers.
        threads: threads of a worker.
    """

    def __init__(
        self,
        voices: Voices,
        *,
        top: Union[None, int, str] = "default",
        above: Optional[str] = None,
        by: Optional[str] = None,
        expected_clips: float = 1.0,
        encoders: Union[None, str, Iterable[str]] = None,
        channel: str = "mix",
        condition: Optional[str] = None,
        calibration: Union[None, str, "os.PathLike[str]"] = None,
        cohort: Union[None, str, "os.PathLike[str]"] = None,
        cohort_filter: Union[None, str, Iterable[str]] = None,
        threads: int = 1,
    ) -> None:
        if not (float(expected_clips) > 0 and np.isfinite(float(expected_clips))):
            raise _wrong("expected_clips", str(expected_clips), "a number above 0")
        if isinstance(top, str):
            if top != "default":
                raise _wrong("top", repr(top), "1 or more, or None for all")
            top = None if above else 20
        top = None if top is None else whole("top", top, 1)
        self.top = top
        self.expected_clips = float(expected_clips)
        self.only_above = above is not None
        self._settings = {
            "names": encoder_list(encoders), "channel": str(channel), "top": top, "above": above, "by": by,
            "condition": condition, "calibration_file": calibration, "cohort_file": cohort,
            "cohort_filter": listed(cohort_filter), "threads": whole("threads", threads, 0),
        }
        models, self.left_out = _models(voices, encoders, str(channel))
        self._voices = list(models.items())
        self._name = uuid.uuid4().hex
        # A setting that cannot be met is told here, not by a worker.
        scanner = self._made()
        self.left_out.update(scanner.left_out)
        for name, why in sorted(self.left_out.items()):
            warnings.warn(f"{name}: left out of the scan: {why}", stacklevel=2)
        for name in scanner.narrow_band:
            warnings.warn(
                f"{name}: has telephone recordings, so only clips with embeddings of the narrow band are compared with it; "
                "embed the library with narrow='all'",
                stacklevel=2,
            )
        _idle.append((self._name, scanner))

    def _made(self) -> Any:
        voices = [(name, voice._native) for name, voice in self._voices]
        return _native.Scanner(voices, **self._settings)

    def _taken(self) -> Any:
        """A scanner of this scan that nobody uses: one that an earlier task of this process left, or a new one."""
        try:
            name, scanner = _idle.pop()
        except IndexError:
            return self._made()
        return scanner if name == self._name else self._made()

    #: The columns of what :meth:`part` gives: a value that clips are ranked by, the numbers of clips that were compared
    #: and that have ratios (in rows of the list ``counts``), and the columns of :data:`scan_schema`.
    part_schema: pa.Schema = pa.schema(
        [pa.field("key", pa.float64()), pa.field("compared", pa.int64()), pa.field("judged", pa.int64())]
        + list(scan_schema)
    )

    #: The columns of an index that a scan reads.
    needed: List[str] = (
        ["path", "voice", "sha256", "status", "channel", "seconds", "net_speech_s", "snr_db", "bandwidth_hz"]
        + ["clipping_percent", "level_dbfs"]
        + [name for name in schema.names if name.endswith("_extractor")]
        + [field.name for field in schema if pa.types.is_list(field.type)]
    )

    #: Rows that are compared at a time.
    ROWS = 32_768

    def part(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """What some rows of the index hold of every voice: the clips that can be among the listed, and counts."""
        scanner, held = None, []
        for batch in batches:
            # A part without rows is not worth a scanner.
            if batch.num_rows == 0:
                continue
            scanner = scanner or self._taken()
            for start in range(0, batch.num_rows, self.ROWS):
                held.append(batch.slice(start, self.ROWS))
                if sum(batch.num_rows for batch in held) >= self.ROWS:
                    _push(scanner, held)
                    held = []
        if scanner is None:
            return
        if held:
            _push(scanner, held)
        hits, counts = scanner.take()
        _idle.append((self._name, scanner))
        rows = [[key, 0, 0, *cells] for key, cells in hits]
        empty = [None] * len(scan_schema)
        for voice, compared, judged in counts:
            cells = dict(zip(scan_schema.names, empty))
            cells.update(voice=voice, list="counts", rank=0, flagged=False)
            rows.append([None, compared, judged, *cells.values()])
        columns = zip(*rows) if rows else [[] for _ in self.part_schema]
        arrays = [pa.array(list(values), field.type) for values, field in zip(columns, self.part_schema)]
        yield pa.RecordBatch.from_arrays(arrays, schema=self.part_schema)

    def merged(self, parts: Union[pa.Table, Iterable[pa.RecordBatch]]) -> pa.Table:
        """One ranked table of all parts: by voice, then the ranked clips before those without a ratio, then by rank."""
        table = parts if isinstance(parts, pa.Table) else pa.Table.from_batches(list(parts), self.part_schema)
        rows = table.select(self.part_schema.names).to_pylist()
        judged: Dict[str, int] = {}
        for row in rows:
            judged[row["voice"]] = judged.get(row["voice"], 0) + row["judged"]
        hits = [row for row in rows if row["list"] != "counts"]
        hits.sort(key=lambda row: (row["voice"], row["list"], -row["key"], row["path"].encode()))
        listed_hits, last, rank, seen = [], None, 0, set()
        for row in hits:
            rank = rank + 1 if (row["voice"], row["list"]) == last else 1
            last = (row["voice"], row["list"])
            if (*last, row["path"]) in seen:
                raise doubled(row["path"])
            seen.add((*last, row["path"]))
            most = self.most(row["list"])
            if most is None or rank <= most:
                listed_hits.append({**row, "rank": rank})
        ratios = [row["log10_lr"] for row in listed_hits]
        clips = [judged[row["voice"]] for row in listed_hits]
        for row, posterior in zip(listed_hits, _native.posterior(ratios, clips, self.expected_clips)):
            row["posterior"] = posterior
        return pa.Table.from_pylist(
            [{name: row[name] for name in scan_schema.names} for row in listed_hits], schema=scan_schema
        )

    def most(self, kind: str) -> Optional[int]:
        """Most clips that are listed of a voice: of the list ``hits``, or of ``withheld``, which have no ratio."""
        return 20 if self.top is None and self.only_above and kind == "withheld" else self.top


def doubled(path: str) -> Error:
    """The error of a clip that is there twice."""
    found, expected = f"the path {path!r} twice", "every path once"
    return DocumentError.of("document", "table", found, expected, "drop the duplicates")


def _models(voices: Voices, encoders: Any, channel: str) -> Tuple[Dict[str, Reference], Dict[str, str]]:
    """Each voice by name as a voice model, and why others are left out."""
    of_folder = isinstance(voices, (str, os.PathLike))
    named = _voices_of(voices) if of_folder else voices
    models: Dict[str, Reference] = {}
    left_out, last = {}, None
    for name, voice in sorted(named.items()):
        try:
            known = isinstance(voice, Reference)
            models[name] = voice if known else Reference(voice, name=name, encoders=encoders, channel=channel)
        except Error as error:
            left_out[name], last = str(error), error
    if not models:
        raise last or _wrong("voices", "none", "at least one protected voice")
    return models, left_out


def _push(scanner: Any, batches: List[pa.RecordBatch]) -> None:
    """Hands rows over, column by column."""
    table = pa.Table.from_batches(batches)
    missing = [name for name in Scan.needed if name not in table.column_names]
    if missing:
        raise _unfit(f"no column {missing[0]}", "the columns of an index")
    columns: Dict[str, Any] = {}
    for field in schema:
        if field.name not in Scan.needed:
            continue
        column = table.column(field.name)
        columns[field.name] = _lists(column) if pa.types.is_list(field.type) else column.to_pylist()
    scanner.push(columns)


def _lists(column: pa.ChunkedArray) -> Tuple[np.ndarray, np.ndarray]:
    """All numbers of a column of lists, and where each row's begin."""
    values, lengths = [], []
    for chunk in column.chunks:
        if pa.types.is_null(chunk.type):
            lengths.append(np.zeros(len(chunk), np.int64))
            continue
        numbers = chunk.flatten()
        if numbers.null_count:
            raise _unfit("an embedding with a missing number", "numbers")
        values.append(np.asarray(numbers, dtype=np.float32))
        lengths.append(np.asarray(chunk.value_lengths().fill_null(0), dtype=np.int64))
    offsets = np.zeros(len(column) + 1, np.int64)
    if lengths:
        np.cumsum(np.concatenate(lengths), out=offsets[1:])
    return (np.concatenate(values) if values else np.zeros(0, np.float32)), offsets
