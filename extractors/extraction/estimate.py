"""How long an extraction will take and how much it will write, from a short probe of a few pieces of the videos."""

import dataclasses
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from extractors.extraction.one_pass import PassOptions, Wanted, extract
from extractors.extraction.views import num_segments
from pipeline.datasets.manifest import Video
from pipeline.untrusted.archives import scratch

PROBE_S = 32.0
"""The first piece of a video is what is looked at: as long as a segment of the pass."""

Videos = Sequence[tuple[Path, Video]]


@dataclass(frozen=True)
class Estimate:
    """What is to be done, and what it will take."""

    num_videos: int
    hours: float
    seconds: float
    num_bytes: int
    num_probed: int


def estimate(wanted: Sequence[Wanted], videos: Videos, options: PassOptions, folder: Path) -> Estimate:
    """Extracts a few pieces into a folder below `folder` that is removed again, twice: the start-up is then known.

    A video is counted by its length, as if everything in it took as long as in the pieces.
    """
    todo = _todo(wanted, videos)
    pieces = _pieces(todo, 1 + 4 * options.workers)
    with scratch(folder) as temporary:
        first = _timed(wanted, pieces[:1], options, temporary / "first")
        rest = _timed(wanted, pieces[1:] or pieces, options, temporary / "rest")
        num_bytes = sum(path.stat().st_size for path in (temporary / "rest").rglob("*") if path.is_file())
    total_s = sum(video.duration_s for _, video in todo)
    probed_s = max(rest.video_s, 1e-6)
    rate = (rest.wall_s - first.wall_s) / (rest.video_s - first.video_s) if rest.video_s > first.video_s else 0.0
    rate = rate if rate > 0 else rest.wall_s / probed_s
    start_s = max(0.0, first.wall_s - rate * first.video_s)
    return Estimate(
        len(todo), total_s / 3600, start_s + rate * total_s, int(num_bytes / probed_s * total_s), len(pieces)
    )


@dataclass(frozen=True)
class _Timed:
    video_s: float
    wall_s: float


def _todo(wanted: Sequence[Wanted], videos: Videos) -> list[tuple[Path, Video]]:
    """What at least one expert lacks, each content once."""
    lacking = {
        video.content: (path, video) for path, video in videos if any(video.content in one.keys for one in wanted)
    }
    return [item for item in lacking.values() if not item[1].problem]


def _pieces(todo: Sequence[tuple[Path, Video]], num: int) -> list[tuple[Path, Video]]:
    """The first pieces of `num` videos, evenly apart."""
    step = max(1, len(todo) // num)
    chosen = todo[::step][:num]
    return [(path, dataclasses.replace(video, duration_s=min(video.duration_s, PROBE_S))) for path, video in chosen]


def _timed(wanted: Sequence[Wanted], pieces: Videos, options: PassOptions, folder: Path) -> _Timed:
    keys = frozenset(video.content for _, video in pieces)
    began = time.perf_counter()
    extract([Wanted(one.expert, folder / one.expert.name, keys) for one in wanted], pieces, options)
    assert all(num_segments(video.duration_s) == 1 for _, video in pieces)
    return _Timed(sum(video.duration_s for _, video in pieces), time.perf_counter() - began)
