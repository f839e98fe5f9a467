"""What a caller names as a recording, in the form that the native part takes."""

from __future__ import annotations

import os
from typing import Any, Iterable, List, Optional, Tuple, Union

import numpy as np

from .errors import SettingError

#: A path, the bytes of a sound file, an array of samples, or a :class:`Clip`.
Source = Union[str, "os.PathLike[str]", bytes, bytearray, memoryview, np.ndarray, "Clip"]


class Clip:
    """A recording in memory under a name.

    Args:
        source: the bytes of a sound file, or samples ``(frames,)`` or ``(frames, channels)``: floating point with full
            scale ±1, or 16- or 32-bit integers.
        name: what it is called in results and messages.
        sample_rate: samples a second, Hz; needed for samples, and meaningless for bytes.
    """

    def __init__(self, source: Source, name: Optional[str] = None, sample_rate: Optional[int] = None) -> None:
        self.source = source
        self.name = name
        self.sample_rate = sample_rate

    def __repr__(self) -> str:
        return f"Clip({type(self.source).__name__}, name={self.name!r}, sample_rate={self.sample_rate!r})"


def plain(source: Any, sample_rate: Optional[int] = None) -> Tuple[Any, Optional[int], Optional[str]]:
    """A source as the native part takes it: path, bytes or a float32 array; its rate; its name."""
    name = None
    if isinstance(source, Clip):
        name, sample_rate, source = source.name, source.sample_rate or sample_rate, source.source
    if isinstance(source, (bytearray, memoryview)):
        source = bytes(source)
    elif isinstance(source, np.ndarray):
        source = samples(source)
    rate = None if sample_rate is None else whole("sample_rate", sample_rate, 1)
    return source, rate, name


def samples(array: np.ndarray) -> np.ndarray:
    """Samples in single precision, full scale ±1; the same array where it is so already."""
    kind, size = array.dtype.kind, array.dtype.itemsize
    if (kind, size) == ("i", 2):
        return array.astype(np.float32) / np.float32(32768)
    if (kind, size) == ("i", 4):
        return (array / 2147483648.0).astype(np.float32)
    if kind != "f":
        raise TypeError(f"found samples of type {array.dtype}, expected float32, float64, int16 or int32")
    return np.require(array.astype(np.float32, copy=False), requirements=["A"])


def whole(name: str, value: Any, least: int) -> int:
    """A whole number from ``least`` on."""
    try:
        number = int(value)
    except (TypeError, ValueError, OverflowError):
        number = None
    if number is None or number != value or number < least or isinstance(value, bool):
        raise SettingError.of("setting", name, repr(value), f"a whole number from {least} on")
    return number


def named(sources: Union[Source, Iterable[Source]], sample_rate: Optional[int], word: str) -> List[tuple]:
    """Recordings with their names; those in memory that have none are numbered."""
    one = isinstance(sources, (str, os.PathLike, bytes, bytearray, memoryview, np.ndarray, Clip))
    clips, seen = [], set()
    for number, source in enumerate([sources] if one else sources, 1):
        source, rate, name = plain(source, sample_rate)
        in_memory = isinstance(source, (bytes, np.ndarray))
        name = name or f"{word} {number}"
        if in_memory and name in seen:
            found = f"two recordings in memory named {name!r}"
            raise SettingError.of("setting", "name", found, "a name of its own for each", "give Clip(..., name=...)")
        if in_memory:
            seen.add(name)
        clips.append((source, rate, name))
    return clips


def listed(value: Union[None, str, Iterable[str]]) -> List[str]:
    """One word or several."""
    if value is None:
        return []
    return [value] if isinstance(value, str) else [str(word) for word in value]


def encoder_list(encoders: Union[None, str, Iterable[str]]) -> Optional[str]:
    """Encoders as the command line takes them."""
    return None if encoders is None else ",".join(listed(encoders))
