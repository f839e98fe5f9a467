"""How close a synthetic voice is to a protected one, with evidence that can be recomputed.

The same numbers as the command line ``soundalike``, to the bit: it is the same code. Everything runs offline; the
speaker networks are part of the package. While it computes, Python's lock is released, so other threads run. An array is
copied before the lock is released: what another thread writes to it afterwards does not change the result. What is
written while the call makes the copy is in the copy or is not; nothing else can happen.

    >>> import soundalike
    >>> result = soundalike.check("voices/anna", "candidate.wav")
    >>> result["candidates"][0]["scores"]["campplus"]["cosine"]

A recording is named by its path, by the bytes of a sound file, by an array of samples beside ``sample_rate``, or by a
:class:`Clip`, which gives bytes or samples a name. On a cluster, see :mod:`soundalike.arrow`, :mod:`soundalike.spark`
and :mod:`soundalike.ray`.
"""

from __future__ import annotations

import json
import os
import pathlib
import tempfile
from typing import Any, Dict, Iterable, List, Optional, Union

import numpy as np

from . import _native
from ._clips import Clip, Source, encoder_list, listed, named, plain, whole
from .errors import AudioError, DocumentError, Error, FileError, RefusedError, SettingError

__version__: str = _native.__version__

#: Version of the models, as every result tells it.
MODELS_VERSION: str = _native.MODELS_VERSION

#: The rate that every recording is brought to, Hz.
SAMPLE_RATE_HZ: int = _native.SAMPLE_RATE_HZ

#: The names of the encoders.
ENCODERS: List[str] = _native.encoder_names()

__all__ = [
    "AudioError", "Clip", "DocumentError", "ENCODERS", "Error", "FileError", "MODELS_VERSION", "Reference",
    "RefusedError", "SAMPLE_RATE_HZ", "SettingError", "check", "embed", "evaluate", "fbank", "load", "mfcc", "references",
]


def load(source: Source, *, sample_rate: Optional[int] = None, channel: str = "mix") -> np.ndarray:
    """Reads a recording: mono samples at 16 kHz, full scale ±1, ``float32`` of shape ``(samples,)``.

    WAV in all its forms, AIFF, CAF, FLAC, MP3, Ogg, Opus, M4A, MP4 and Matroska are decoded; the format is told by the
    content, never by the name. ``channel`` is ``mix`` (the mean of all), ``left``, ``right``, a number from 1, or
    ``loudest``; a recording with one channel is used as it is, whichever was asked for. A ``float32`` array of one channel at
    16 kHz is returned as a copy.

    Raises:
        FileError, AudioError: where it cannot be read or decoded.
    """
    source, rate, _ = plain(source, sample_rate)
    return _native.load(source, rate, str(channel))


def mfcc(
    source: Source, *, sample_rate: Optional[int] = None, preset: str = "kaldi", channel: str = "mix"
) -> np.ndarray:
    """Mel-frequency cepstra of a whole recording: ``float32`` of shape ``(frames, coefficients)``.

    A frame is 25 ms, one every 10 ms. ``preset`` says whose definition is followed: ``kaldi``, ``librosa``,
    ``librosa-htk``, ``torchaudio``, ``htk`` or ``python-speech-features``; each equals that library's numbers within the
    tolerance that the README states.
    """
    source, rate, _ = plain(source, sample_rate)
    return _native.mfcc(source, rate, str(channel), preset)


def fbank(
    source: Source, *, sample_rate: Optional[int] = None, preset: str = "kaldi", channel: str = "mix"
) -> np.ndarray:
    """The log mel filter bank of a whole recording: ``float32`` of shape ``(frames, bands)``.

    Presets as for :func:`mfcc`, and ``kaldi80``, the 80 bands that speaker networks read.
    """
    source, rate, _ = plain(source, sample_rate)
    return _native.fbank(source, rate, str(channel), preset)


def embed(
    source: Source,
    *,
    sample_rate: Optional[int] = None,
    encoders: Union[None, str, Iterable[str]] = None,
    channel: str = "mix",
) -> Dict[str, np.ndarray]:
    """The embedding of a recording's speech by each encoder: ``float32`` of shape ``(width,)`` by the encoder's name.

    ``encoders`` are names of :data:`ENCODERS`; all of them where nothing is said.

    Raises:
        FileError, AudioError: where the recording cannot be opened.
        RefusedError: where it has less than a second of speech or none, or breaks off; ``kind`` says which.
    """
    source, rate, _ = plain(source, sample_rate)
    return _native.embed(source, rate, str(channel), encoder_list(encoders))


class Reference:
    """A protected voice: a voice model, made of recordings, that candidates are compared with.

    Recordings are listened to once, when it is made. It can be pickled, so that it travels to the workers of a cluster,
    and saved as a voice model that ``soundalike check --reference`` takes.

    Args:
        recordings: paths (files, folders, patterns, voice models made by ``soundalike enrol``), bytes, arrays or
            :class:`Clip`, one or several.
        name: what it is called in results.
        sample_rate: the rate of arrays, Hz.
        encoders: names of the encoders; those of the voice models that are named, or all.
        channel: which channel is used, as for :func:`load`.
        threads: 0 for one a core.
    """

    def __init__(
        self,
        recordings: Union[Source, Iterable[Source]],
        *,
        name: str = "reference",
        sample_rate: Optional[int] = None,
        encoders: Union[None, str, Iterable[str]] = None,
        channel: str = "mix",
        threads: int = 0,
    ) -> None:
        clips = named(recordings, sample_rate, "recording")
        self._native = _native.Reference.enrol(
            clips, name, encoder_list(encoders), str(channel), whole("threads", threads, 0)
        )

    @classmethod
    def from_bytes(cls, model: bytes, name: str = "reference") -> "Reference":
        """Reads the bytes of a voice model's file."""
        reference = cls.__new__(cls)
        reference._native = _native.Reference.of_bytes(bytes(model), name)
        return reference

    def to_bytes(self) -> bytes:
        """The bytes of the voice model's file."""
        return self._native.to_bytes()

    def save(self, path: Union[str, "os.PathLike[str]"]) -> None:
        """Writes the voice model to a file, whole or not at all."""
        path = pathlib.Path(path)
        try:
            with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".", suffix=".part", delete=False) as file:
                try:
                    file.write(self.to_bytes())
                    file.flush()
                    os.fsync(file.fileno())
                    os.replace(file.name, path)
                except BaseException:
                    os.unlink(file.name)
                    raise
        except OSError as error:
            raise FileError.of_system(path, "write", error, "check the folder and its disk") from error

    @property
    def name(self) -> str:
        """What it is called in results."""
        return self._native.name

    @property
    def encoders(self) -> List[str]:
        """The encoders that it holds embeddings of."""
        return self._native.encoders

    @property
    def clips(self) -> List[Dict[str, Any]]:
        """The recordings behind it, also those that were refused and why; empty for one that was read from bytes."""
        told = self._native.told
        return json.loads(told)["clips"] if told else []

    def check(self, candidates: Union[Source, Iterable[Source]], **settings: Any) -> Dict[str, Any]:
        """:func:`check` against this voice."""
        return check(self, candidates, **settings)

    def __reduce__(self):
        return Reference.from_bytes, (self.to_bytes(), self.name)

    def __repr__(self) -> str:
        return f"Reference({self.name!r}, encoders={self.encoders!r})"


def references(folder: Union[str, "os.PathLike[str]"], **settings: Any) -> Dict[str, Reference]:
    """The protected voices of a folder, as ``soundalike scan --reference-set`` takes them: each folder in it is a voice by
    that name, and each voice model (``.model``). ``settings`` are those of :class:`Reference`.

    Raises:
        Error: where a voice cannot be enrolled.
    """
    return {name: Reference(path, name=name, **settings) for name, path in _voices_of(folder).items()}


def _voices_of(folder: Union[str, "os.PathLike[str]"]) -> Dict[str, pathlib.Path]:
    """Where each voice of a folder lies."""
    voices: Dict[str, pathlib.Path] = {}

    try:
        paths = sorted(pathlib.Path(folder).iterdir())
    except OSError as error:
        raise FileError.of_system(folder, "list", error, "check the path") from error
    for path in paths:
        if path.name.startswith(".") or not (path.is_dir() or path.suffix == ".model"):
            continue
        name = path.name if path.is_dir() else path.stem
        if name in voices:
            found, advice = f"a folder and a voice model called {name}", "rename one of them"
            raise DocumentError.of("document", str(folder), found, "each voice once", advice)
        voices[name] = path
    if not voices:
        expected = "a folder of recordings, or a voice model, for each voice"
        raise DocumentError.of("document", str(folder), "a folder without voices", expected, "name another folder")
    return voices


def check(
    reference: Union[Reference, Source, Iterable[Source]],
    candidates: Union[Source, Iterable[Source]],
    *,
    sample_rate: Optional[int] = None,
    encoders: Union[None, str, Iterable[str]] = None,
    channel: str = "mix",
    condition: Optional[str] = None,
    calibration: Union[None, str, "os.PathLike[str]"] = None,
    cohort: Union[None, str, "os.PathLike[str]"] = None,
    cohort_filter: Union[None, str, Iterable[str]] = None,
    as_norm: bool = False,
    prior: Optional[float] = None,
    language: Optional[str] = None,
    force: bool = False,
    fail_above: Union[None, str, Iterable[str]] = None,
    threads: int = 0,
) -> Dict[str, Any]:
    """Compares candidates with a protected voice: what ``soundalike check --json`` prints, as a dictionary.

    For each candidate: quality, the cosine of each encoder, the likelihood ratio with its interval and bounds, the rank
    in a population, and where a figure is withheld the reason. ``soundalike schema check`` describes every field. What is
    wrong with a candidate stands in its own entry and stops nothing. Bytes and arrays are scored as a file of these bytes
    would be; an array as a WAV file of 32-bit floating point.

    Args:
        reference: a :class:`Reference`, or what one is made of.
        candidates: one or several, as for :class:`Reference`.
        condition: name of the calibration: ``real-synthetic`` (the default), ``real-conversion`` or
            ``real-real``.
        calibration: a calibration of your own, made by ``soundalike calibrate``.
        cohort: a population of your own, made by ``soundalike cohort``; ``cohort_filter`` chooses among its voices,
            for example ``sex=female``.
        as_norm: normalises scores by the population too.
        prior: your own probability of the first proposition before the evidence.
        language: the language of the case, which is compared with the calibration's.
        force: gives raw scores also where there is a reason against them.
        fail_above: gates such as ``campplus=0.5``; the result then says whether they were passed.

    Raises:
        Error: where the reference cannot be used, or a setting is outside its range.
    """
    known = isinstance(reference, Reference)
    text = _native.check(
        reference._native if known else named(reference, sample_rate, "recording"),
        named(candidates, sample_rate, "candidate"),
        names=encoder_list(encoders),
        channel=str(channel),
        condition=condition,
        calibration_file=calibration,
        cohort_file=cohort,
        cohort_filter=listed(cohort_filter),
        as_norm=as_norm,
        prior=prior,
        language=language,
        force=force,
        fail_above=listed(fail_above),
        threads=whole("threads", threads, 0),
    )
    return json.loads(text)


def evaluate(
    manifest: Union[None, str, "os.PathLike[str]"] = None,
    *,
    trials: Union[None, str, "os.PathLike[str]"] = None,
    root: Union[None, str, "os.PathLike[str]"] = None,
    split: Union[None, str, Iterable[str]] = None,
    where: Union[None, str, Iterable[str]] = None,
    where_synthetic: Union[None, str, Iterable[str]] = None,
    pairs: str = "real-real",
    enrol: Union[int, str] = 1,
    by: Optional[str] = None,
    condition: Optional[str] = None,
    calibration: Union[None, str, "os.PathLike[str]"] = None,
    as_norm: bool = False,
    cohort: Union[None, str, "os.PathLike[str]"] = None,
    match_bands: bool = True,
    rules: Union[None, str, Iterable[str]] = None,
    encoders: Union[None, str, Iterable[str]] = None,
    channel: str = "mix",
    threads: int = 0,
) -> Dict[str, Any]:
    """Measures the error on labelled clips or a list of trials: what ``soundalike evaluate --json`` prints.

    EER, minDCF, Cllr and Cllr_min of each encoder and of the calibrated ratio, with intervals over speakers; arguments
    as the options of that command. ``soundalike schema evaluate`` describes every field.

    Raises:
        Error: where the labels cannot be read, or hold too few trials.
    """
    text = _native.evaluate(
        manifest=manifest,
        trials=trials,
        root=root,
        split=listed(split),
        filters=listed(where),
        synthetic_filters=listed(where_synthetic),
        pairs=pairs,
        enrol=0 if enrol == "all" else whole("enrol", enrol, 1),
        by=by,
        condition=condition,
        calibration_file=calibration,
        as_norm=as_norm,
        cohort_file=cohort,
        match_bands=match_bands,
        rules=listed(rules),
        names=encoder_list(encoders),
        channel=str(channel),
        threads=whole("threads", threads, 0),
    )
    return json.loads(text)
