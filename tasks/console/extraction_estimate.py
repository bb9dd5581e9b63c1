"""Prints what an extraction will do, and an estimate of how long it takes."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tasks.console.terminal import say
from tasks.plan.settings import Extraction

if TYPE_CHECKING:
    from extractors.extraction.one_pass import Wanted
    from pipeline.datasets.manifest import Video

    Files = Sequence[tuple[Path, Video]]

LONG_HOURS = 1.0
"""From this total duration of the videos on, the time is estimated before the extraction starts."""


def announce_extraction(
    wanted: "Sequence[Wanted]", files: "Files", settings: Extraction, store: Path, estimated: bool = False
) -> None:
    """Prints which experts will process how many videos.

    For long work, or when `estimated`, a few segments are extracted on trial to say how long it takes and how much disk
    it needs below `store`.
    """
    keys = frozenset[str]().union(*(item.keys for item in wanted))
    hours = sum({video.content: video.duration_s for _, video in files if video.content in keys}.values()) / 3600
    names = ", ".join(item.expert.name for item in wanted)
    say(f"Extracting {names} from {len(keys)} videos, {duration(hours)} in all")
    if not (estimated or hours > LONG_HOURS):
        return
    from extractors.extraction.estimate import estimate
    from extractors.extraction.work import without_networks

    # Fresh networks, which are freed afterwards: else they would stay on the device beside those of the extraction.
    cost = estimate([without_networks(item) for item in wanted], files, settings.options(), store)
    devices = settings.devices
    time = duration(cost.seconds / 3600 / len(devices)) + (f" on {len(devices)} devices" if len(devices) > 1 else "")
    say(
        f"That will take about {time} and {cost.num_bytes / 1e6:.0f} MB of disk in {store}, "
        f"judged by {cost.num_probed} pieces of the videos"
    )


def duration(hours: float) -> str:
    """In seconds, minutes or hours, whichever is short to read."""
    if hours * 3600 < 100:
        return f"{hours * 3600:.0f} s"
    return f"{hours * 60:.0f} min" if hours < 2 else f"{hours:.1f} h"
