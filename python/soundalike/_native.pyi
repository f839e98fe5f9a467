# The native part of the package (src/python in Rust). Use the functions of `soundalike`, which say what they take.
from typing import Any, Dict, List, Optional, Tuple

import numpy as np

__version__: str
MODELS_VERSION: str
SAMPLE_RATE_HZ: int

_Named = Tuple[Any, Optional[int], str]
_GivenClip = Tuple[str, Optional[str], Optional[str], Optional[bytes], Optional[str], Optional[int]]

def encoder_names() -> List[str]: ...
def load(source: Any, sample_rate: Optional[int], channel: str) -> np.ndarray: ...
def mfcc(source: Any, sample_rate: Optional[int], channel: str, preset: str) -> np.ndarray: ...
def fbank(source: Any, sample_rate: Optional[int], channel: str, preset: str) -> np.ndarray: ...
def embed(
    source: Any, sample_rate: Optional[int], channel: str, names: Optional[str]
) -> Dict[str, np.ndarray]: ...
def check(
    reference: Any,
    candidates: List[_Named],
    *,
    names: Optional[str],
    channel: str,
    condition: Optional[str],
    calibration_file: Any,
    cohort_file: Any,
    cohort_filter: List[str],
    as_norm: bool,
    prior: Optional[float],
    language: Optional[str],
    force: bool,
    fail_above: List[str],
    threads: int,
) -> str: ...
def evaluate(
    *,
    manifest: Any,
    trials: Any,
    root: Any,
    split: List[str],
    filters: List[str],
    synthetic_filters: List[str],
    pairs: str,
    enrol: int,
    by: Optional[str],
    condition: Optional[str],
    calibration_file: Any,
    as_norm: bool,
    cohort_file: Any,
    match_bands: bool,
    rules: List[str],
    names: Optional[str],
    channel: str,
    threads: int,
) -> str: ...
def index_columns() -> List[Tuple[str, str, bool]]: ...
def scan_columns() -> List[Tuple[str, str]]: ...
def posterior(
    log10_lr: List[Optional[float]], clips: List[int], expected_clips: float
) -> List[Optional[float]]: ...

class Reference:
    @staticmethod
    def enrol(
        recordings: List[_Named], name: str, names: Optional[str], channel: str, threads: int
    ) -> Reference: ...
    @staticmethod
    def of_bytes(bytes: bytes, name: str) -> Reference: ...
    def to_bytes(self) -> bytes: ...
    @property
    def name(self) -> str: ...
    @property
    def told(self) -> Optional[str]: ...
    @property
    def encoders(self) -> List[str]: ...

class Embedder:
    def __init__(self, names: Optional[str], channel: str, narrow: str, threads: int) -> None: ...
    def rows(self, clips: List[_GivenClip]) -> List[Any]: ...

class Scanner:
    def __init__(
        self,
        voices: List[Tuple[str, Any]],
        *,
        names: Optional[str],
        channel: str,
        top: Optional[int],
        above: Optional[str],
        by: Optional[str],
        condition: Optional[str],
        calibration_file: Any,
        cohort_file: Any,
        cohort_filter: List[str],
        threads: int,
    ) -> None: ...
    @property
    def left_out(self) -> List[Tuple[str, str]]: ...
    @property
    def narrow_band(self) -> List[str]: ...
    def push(self, columns: Dict[str, Any]) -> None: ...
    def take(self) -> Tuple[List[Tuple[float, List[Any]]], List[Tuple[str, int, int]]]: ...
