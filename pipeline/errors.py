"""The errors a user can meet; each message says what, where, and what to do about it."""


class PipelineError(Exception):
    """Base of every error that is shown to the user as one line instead of a traceback."""


class ConfigError(PipelineError, ValueError):
    """A YAML or a command-line value that cannot be used."""


class AnnotationError(PipelineError, ValueError):
    """A dataset whose captions or splits cannot be read or do not fit its videos."""


class DecodeError(PipelineError, OSError):
    """A video, audio or subtitle stream that cannot be read."""


class ExtractionError(PipelineError, RuntimeError):
    """An expert that could not do its work."""


class WeightsError(ExtractionError):
    """Weights that are not here, or are not what they should be."""


class StoreError(PipelineError, OSError):
    """A store whose bytes are not what its index says."""


class TrainingError(PipelineError, RuntimeError):
    """A training or an evaluation that cannot go on."""


class FetchError(PipelineError, OSError):
    """A download that did not arrive whole."""


class ArchiveError(PipelineError, ValueError):
    """A released archive, or a file in it, that cannot be used or must not be trusted."""
