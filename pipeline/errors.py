"""Exceptions whose messages are shown to the user; each message says what, where, and what to do about it."""

from pathlib import Path


class PipelineError(Exception):
    """Base class of the errors that the user sees as one line instead of a traceback."""


def in_one_line(error: BaseException) -> str:
    """Type and message of an error that nobody has foreseen; those of OpenCV have several lines."""
    return " ".join(f"{type(error).__name__}: {error}".split())


class ConfigError(PipelineError, ValueError):
    """An invalid YAML file or command-line value."""


class AnnotationError(PipelineError, ValueError):
    """A dataset whose captions or splits cannot be read, or do not match its videos."""


class DecodeError(PipelineError, OSError):
    """A video, audio or subtitle stream that cannot be read."""


class ExtractionError(PipelineError, RuntimeError):
    """An expert that cannot be loaded or run."""


class WeightsError(ExtractionError):
    """Weights that are missing, damaged, or not of the expected kind."""


class StoreError(PipelineError, OSError):
    """A store that is damaged, incomplete, or cannot be written."""


class RemoteError(StoreError):
    """Object storage that does not answer, refuses, or cannot be written; it says nothing of the bytes there."""


class OutageError(RemoteError):
    """A server that does not answer, or a disk that is full: no fault of one file, so that the run ends here."""


class DamagedError(StoreError):
    """A result whose bytes are missing or wrong; the tasks set it aside and make it anew (`pipeline.stores.damage`)."""

    def __init__(self, path: Path, why: str) -> None:
        """`path`: the folder or file that is to be made anew."""
        super().__init__(f"{path}: damaged: {why}")
        self.path = path
        self.why = why

    def __reduce__(self) -> tuple[type["DamagedError"], tuple[Path, str]]:
        """With both arguments, since the error also comes from other processes."""
        return DamagedError, (self.path, self.why)


class NewerVersionError(StoreError):
    """A result that a newer version of the program wrote: it is whole, and must not be touched."""

    def __init__(self, path: Path, what: str) -> None:
        super().__init__(f"{path}: written by a newer version of this program ({what}); update the program")
        self.path = path
        self.what = what

    def __reduce__(self) -> tuple[type["NewerVersionError"], tuple[Path, str]]:
        """With both arguments, since the error also comes from other processes."""
        return NewerVersionError, (self.path, self.what)


class TrainingError(PipelineError, RuntimeError):
    """A training run or an evaluation that cannot continue."""


class FetchError(PipelineError, OSError):
    """A download that failed."""


class ArchiveError(PipelineError, ValueError):
    """A released archive, or a file in it, that cannot be used or is not safe to read."""
