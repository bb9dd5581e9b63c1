"""What a person is told before a long extraction."""

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
"""More video than this is probed before it is started on."""


def tell_work(
    wanted: "Sequence[Wanted]", files: "Files", settings: Extraction, store: Path, probe: bool = False
) -> None:
    """Says what will be extracted, and for long work, or when told to `probe`, how long it will take."""
    keys = frozenset[str]().union(*(item.keys for item in wanted))
    hours = sum({video.content: video.duration_s for _, video in files if video.content in keys}.values()) / 3600
    names = ", ".join(item.expert.name for item in wanted)
    say(f"Extracting {names} from {len(keys)} videos, {_hours(hours)} in all")
    if not (probe or hours > LONG_HOURS):
        return
    from extractors.extraction.devices import without_networks
    from extractors.extraction.estimate import estimate

    # With networks of its own, which do not stay on the device beside those of the pass.
    told = estimate([without_networks(item) for item in wanted], files, settings.options(), store)
    devices = settings.devices
    time = _hours(told.seconds / 3600 / len(devices)) + (f" on {len(devices)} devices" if len(devices) > 1 else "")
    say(
        f"That will take about {time} and {told.num_bytes / 1e6:.0f} MB of disk in {store}, "
        f"judged by {told.num_probed} pieces of the videos"
    )


def _hours(hours: float) -> str:
    if hours * 3600 < 100:
        return f"{hours * 3600:.0f} s"
    return f"{hours * 60:.0f} min" if hours < 2 else f"{hours:.1f} h"
