"""What can go wrong, as exceptions that carry what the library knows of it.

The message says what was found, what was expected, where, and what to do; the same stands in the attributes.
"""

from __future__ import annotations

from typing import Optional


class Error(Exception):
    """Any failure of the library.

    Attributes:
        kind: a word for the kind of failure, for example ``not_audio`` or ``setting``.
        path: the file that it concerns, or the name of the setting; ``None`` where there is none.
        found: what was found; ``None`` where the message alone says it.
        expected: what was expected; ``None`` where the message alone says it.
    """

    def __init__(
        self,
        message: str,
        kind: str = "error",
        path: Optional[str] = None,
        found: Optional[str] = None,
        expected: Optional[str] = None,
        errno: Optional[int] = None,
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.path = path
        self.found = found
        self.expected = expected
        if errno is not None:
            self.errno = errno

    @classmethod
    def of(cls, kind: str, path: str, found: str, expected: str, advice: str = "") -> "Error":
        """The failure with its message, which also says what to do."""
        message = f"{path}: found {found}, expected {expected}" + (f"; {advice}" if advice else "")
        return cls(message, kind, path, found, expected)

    @classmethod
    def of_system(cls, path: object, action: str, error: OSError, advice: str) -> "Error":
        """What the system answered where something was done with a file."""
        message = f"{path}: could not {action} it: {error}; {advice}"
        return cls(message, "io", str(path), str(error), None, error.errno)

    def __str__(self) -> str:
        return str(self.args[0])

    def __reduce__(self):
        errno = getattr(self, "errno", None)
        return type(self), (str(self), self.kind, self.path, self.found, self.expected, errno)


class FileError(Error, OSError):
    """A file that is not there, or that the system does not let us read or write."""


class AudioError(Error, ValueError):
    """A file that is no sound, or sound that cannot be decoded."""


class SettingError(Error, ValueError):
    """A setting outside its range; ``path`` is its name."""


class DocumentError(Error, ValueError):
    """A voice model, weight file, calibration, cohort, index or table that is none, does not fit or cannot be opened."""


class RefusedError(Error, ValueError):
    """A recording that can be read and is not scored; ``kind`` is the reason: ``no_speech``, ``too_little_speech`` ..."""
