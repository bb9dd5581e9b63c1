"""Reads an example (a picture, a sound, a clip) in a worker process, as the extraction would read a video.

What somebody drops is hostile: a decoder may hang, crash or ask for all memory. That ends the worker, not the server.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from extractors import registry
from extractors.base import FrameNeed, FrameView, JointNeed, SpreadNeed
from extractors.extraction.resize import Resize, resize_frame
from extractors.extraction.segments import SEGMENT_S, Prepared, Segment
from extractors.extraction.views import prepare_segment
from extractors.registry import ExpertId
from pipeline.errors import DecodeError, PipelineError, in_one_line
from pipeline.media.picture import MAX_DECODED_PIXELS
from pipeline.running.worker_pool import run_jobs

DEADLINE_S = 60.0
"""Time to read one example."""
MOST_S = SEGMENT_S
"""Of a clip or sound no more than its first so many seconds is looked at."""
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "AVIF")
"""Of pictures; Pillow knows many more, which nobody pastes and nobody looks after."""
MOST_MEMORY = 6 * 2**30
"""Bytes of address space of a worker; libraries map some two of them."""
PICTURE, CLIP, SOUND = "picture", "clip", "sound"


@dataclass(frozen=True)
class ExampleFile:
    """An example that is to be read."""

    path: Path
    experts: tuple[ExpertId, ...]


@dataclass(frozen=True)
class ReadExample:
    """An example as the experts are shown it."""

    kind: str
    """picture, clip or sound."""
    prepared: Mapping[str, Prepared]
    """Expert -> its items, or why it has none."""


def read_example(path: Path, experts: Sequence[ExpertId], deadline_s: float = DEADLINE_S) -> ReadExample:
    """Reads the file in a process of its own, which is gone afterwards; DecodeError where it is no example."""
    (done,) = run_jobs(_read_bounded, [ExampleFile(path, tuple(experts))], 1, deadline_s)
    if done.failure or done.result is None:
        reason = done.failure.reason if done.failure else "nothing came of it"
        raise DecodeError(
            f"This is no picture, sound or clip that can be read: {reason.removeprefix(f'{path.name}: ')}"
        )
    return done.result


def _read_bounded(job: ExampleFile) -> ReadExample:
    """Only for a process of its own: the limit stays, and holds for all that the process does afterwards."""
    _limit_memory()
    return read_here(job)


def read_here(job: ExampleFile) -> ReadExample:
    """As `read_example`, in this process."""
    picture = _picture(job.path)
    if picture is not None:
        return ReadExample(PICTURE, {one.name: _shown(one, picture) for one in job.experts})
    try:
        prepared = prepare_segment(Segment(job.path, "", 0, job.experts))
    except PipelineError:
        raise
    except Exception as error:  # a decoder may raise anything at what is no video
        raise DecodeError(in_one_line(error)) from None
    return ReadExample(CLIP if _has_picture(job.path) else SOUND, prepared)


def _limit_memory() -> None:
    """Lets this process fail, and not the machine, where a file asks for all memory."""
    import contextlib
    import resource

    with contextlib.suppress(ValueError, OSError):  # a lower limit holds already
        resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, resource.getrlimit(resource.RLIMIT_AS)[1]))


def _has_picture(path: Path) -> bool:
    from pipeline.media.container import open_container, pick_video

    with open_container(path) as container:
        return pick_video(container) is not None


def _picture(path: Path) -> NDArray[np.uint8] | None:
    """(H, W, 3) of a picture, upright and on black; None where the file is none. DecodeError for one that is bad."""
    from PIL import Image, ImageOps, UnidentifiedImageError

    try:
        with Image.open(path, formats=FORMATS) as opened:
            width, height = opened.size
            if width * height > MAX_DECODED_PIXELS:  # before any of it is decoded
                raise DecodeError(f"a picture of {width} x {height} pixels is too large")
            upright = ImageOps.exif_transpose(opened).convert("RGBA")
            black = Image.new("RGBA", upright.size, (0, 0, 0, 255))
            return np.asarray(Image.alpha_composite(black, upright).convert("RGB"), np.uint8)
    except UnidentifiedImageError:
        return None
    except Image.DecompressionBombError:
        raise DecodeError("the picture has too many pixels") from None
    except DecodeError:
        raise
    except Exception as error:  # truncated, or broken in one of a hundred ways
        raise DecodeError(f"the picture is damaged ({in_one_line(error)})") from None


def _shown(expert: ExpertId, picture: NDArray[np.uint8]) -> Prepared:
    """What an expert is shown of a picture: a single frame, where it takes single frames."""
    extractor = registry.rebuild(expert)
    need = extractor.need
    if not isinstance(need, FrameNeed) or need.window > 1:
        moves = isinstance(need, FrameNeed | SpreadNeed | JointNeed)
        why = "a picture does not move" if moves else "a picture is silent"
        return Prepared.nothing(why, failed=False)
    frame: NDArray[Any] = resize_frame(picture, Resize.of(need))
    view = FrameView(frame[None], np.zeros(1, np.int64), 1, np.array([[0.0, 1 / need.fps]]))
    try:
        return Prepared(extractor.prepare(view), view.times_s)
    except Exception as error:  # an expert that fails on it costs the answer of that expert
        return Prepared.nothing(in_one_line(error), failed=True)
