"""Exceptions whose messages are shown to the user; each message says what, where, and what to do about it."""


class PipelineError(Exception):
    """Base class of the errors that the user sees as one line instead of a traceback."""


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


class TrainingError(PipelineError, RuntimeError):
    """A training run or an evaluation that cannot continue."""


class FetchError(PipelineError, OSError):
    """A download that failed."""


class ArchiveError(PipelineError, ValueError):
    """A released archive, or a file in it, that cannot be used or is not safe to read."""
