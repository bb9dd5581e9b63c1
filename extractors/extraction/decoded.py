"""The view that was decoded for one need, or why there is none."""

from collections.abc import Callable
from dataclasses import dataclass

from extractors.shown.shown_views import View
from pipeline.errors import PipelineError, in_one_line
from pipeline.media.container import is_of_machine


@dataclass(frozen=True)
class Decoded:
    """The view for one need in one segment, or the reason why there is none."""

    view: View | None
    note: str = ""
    """What is missing: a stream, or frames that do not decode."""
    failed: bool = False
    """There is no view because of an error, not because the video has nothing to show."""


def guarded(view: Callable[[], Decoded]) -> Decoded:
    """What `view` returns, or its error as a failure with the reason."""
    try:
        return view()
    except PipelineError as error:
        return Decoded(None, str(error), failed=True)
    except Exception as error:  # a bug of a decoder must cost this need of this video only
        if is_of_machine(error):
            raise
        return Decoded(None, in_one_line(error), failed=True)
